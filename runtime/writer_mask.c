/* writer_mask.c: answers show nothing of what a machine marks (x-pii); the records beside them do, for the
 * journal is what the proof is about. Fails closed: without memory there is no detail, and no more than the
 * code's text.
 */
#include <string.h>

#include "runtime/writer.h"

/* What the answer is about, as far as it came. */
static const fsm_mask *mask_of(const fsm__writer *w, const fsm__decision *d) {
  const fsm__deployed *deployed = NULL;
  if (d->instance != NULL)
    deployed = d->instance->deployed;
  else if (d->machine != NULL)
    deployed = fsm__catalog_find(w->core.catalog, d->machine, d->version);
  return deployed != NULL ? fsm__catalog_mask(w->core.catalog, deployed->hash.bytes) : NULL;
}

static void mask_text(fsm_arena *arena, const fsm_mask *mask, fsm_error *error) {
  const char *text = fsm_mask_text(arena, mask, error->text);
  if (text == error->text) return;
  const fsm_error before = *error;
  (void)fsm_fail(error, before.code, before.where, "%s", text != NULL ? text : fsm_code_text(before.code));
}

void fsm__writer_mask(const fsm__writer *w, fsm_arena *arena, fsm__decision *d) {
  if (d->refusal.code == FSM_OK && fsm_is(&d->detail, FSM_NULL)) return;
  const fsm_mask *mask = mask_of(w, d);
  if (mask == NULL) return;
  mask_text(arena, mask, &d->refusal);
  if (fsm_mask_detail(arena, mask, &d->detail, &d->detail, NULL) != FSM_OK) d->detail = fsm_null();
}

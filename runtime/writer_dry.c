/* writer_dry.c: a dry run: decided as ever, and told with what it would write.
 *
 * It sees what the batch has so far, as a command does, and its answer waits for that batch to be durable. It
 * leaves nothing behind: no record, no row, no place in a sum of refusals, nothing in the figures. */
#include "runtime/writer.h"

/* As a refusal that is not one of too many is recorded (writer_seal.c). */
static void draft_refusal(fsm__writer *w, const fsm__case *at, fsm__decision *d) {
  const fsm_error answer = d->refusal;
  const fsm_value detail = d->detail;
  fsm_error err;
  if (d->refusal.code == FSM_ETASK && !fsm__command_repairs(at->command->kind)) return;
  if (!fsm__writer_refusal_is_worth(at->command, d)) return;
  for (int brief = 0; brief < 2; brief++) {
    d->count = 0;
    if (fsm__writer_refusal_draft(w, at, d, brief != 0) && fsm__writer_seal(w, at, d, &err) == FSM_OK &&
        d->count > 0)
      break;
    d->refusal = answer;
    d->detail = detail;
  }
  d->refusal = answer;
  d->detail = detail;
}

/* The bytes that would be journalled, as a history shows them. */
static fsm_code view(fsm__writer *w, fsm_arena *arena, fsm__decision *d, fsm_error *err) {
  fsm_value *items = fsm_arena_alloc(arena, (d->count + 1) * sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for what would be written");
  for (size_t i = 0; i < d->count; i++) {
    fsm_record record;
    bool any = false;
    char *bytes = fsm_arena_strndup(arena, w->records[i].data, w->records[i].len);
    if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for what would be written");
    fsm_code code = fsm_record_decode(arena, bytes, w->records[i].len, &record, err);
    if (code == FSM_OK && record.def != NULL)
      code =
          fsm_mask_record(arena, fsm__catalog_mask(w->core.catalog, record.def), &record, &record, &any, err);
    if (code == FSM_OK) code = fsm_record_view(arena, &record, &w->core.origin, &items[i], err);
    if (code != FSM_OK) return code;
  }
  d->dry = fsm_list(items, d->count);
  return FSM_OK;
}

void fsm__writer_dry(fsm__writer *w, fsm__job *job) {
  fsm__decision *d = &job->decision;
  fsm_error err;
  fsm__case at = fsm__writer_case(w, &job->arena, &job->command, job->received_ns);
  at.made_id = job->made_id;
  if (fsm__decide(&at, d, &err) != FSM_OK) fsm__writer_settle(w, &at, d, &err);
  fsm_code code = FSM_OK;
  if (d->count > 0)
    code = fsm__writer_seal(w, &at, d, &err);
  else if (d->refusal.code != FSM_OK)
    draft_refusal(w, &at, d);
  if (code == FSM_OK) code = view(w, &job->arena, d, &err);
  if (code != FSM_OK) {
    d->refusal = err;
    d->dry = fsm_list(NULL, 0);
  }
  d->count = 0; /* there is no seq to tell */
  fsm__writer_mask(w, &job->arena, d);
}

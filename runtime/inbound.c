/* inbound.c: events on their way to an instance, found by its address. See inbound.h. */
#include "runtime/inbound.h"

#include <string.h>

enum { NUMBER = 8 };

typedef struct looking {
  fsm__store *store;
  fsm_arena *arena;
  fsm__inbound *items;
  unsigned count;
} looking;

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a message"); }

static fsm_code sender_of(const looking *l, uint64_t number, const char **id, fsm_error *err) {
  const fsm__key key = fsm__key_instance(number, 's', NULL, 0);
  fsm__row row = {.key = key.bytes, .key_len = (uint32_t)key.len};
  const void *value = NULL;
  size_t len = 0;
  fsm_code code = fsm__store_get(l->store, FSM_T_INSTANCES, key.bytes, key.len, &value, &len, err);
  row.value = value;
  row.value_len = (uint32_t)len;
  if (code == FSM_OK) code = fsm__instance_row_id(&row, l->arena, id, &len, err);
  if (code != FSM_OK) return code;
  *id = fsm_arena_strndup(l->arena, *id, len);
  return *id != NULL ? FSM_OK : nomem(err);
}

/* A child of that name hears it instead. */
static fsm_code goes_elsewhere(const looking *l, uint64_t number, const char *to, bool *elsewhere,
                               fsm_error *err) {
  fsm__task task;
  *elsewhere = false;
  if (strncmp(to, "#_", 2) != 0 || strncmp(to, "#_scxml_", 8) == 0) return FSM_OK;
  if (strlen(to + 2) > FSM_TIMER_ID_MAX) return FSM_OK;
  fsm_code code = fsm__task_load(l->store, number, to + 2, l->arena, &task, err);
  *elsewhere = code == FSM_OK;
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code add(looking *l, uint64_t number, const char *message, fsm_error *err) {
  fsm__inbound *one = &l->items[l->count];
  fsm__send send;
  bool elsewhere = false;
  fsm_code code = fsm__send_load(l->store, number, message, l->arena, &send, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code == FSM_OK) code = goes_elsewhere(l, number, send.to, &elsewhere, err);
  if (code != FSM_OK || elsewhere) return code;
  one->event = send.event;
  one->due_ns = send.due_ns;
  code = sender_of(l, number, &one->from, err);
  if (code == FSM_OK) l->count++;
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code look(looking *l, fsm__range *range, size_t prefix, bool *more, fsm_error *err) {
  for (;;) {
    fsm__row row;
    bool found = false;
    fsm_code code = fsm__range_next(range, &row, &found, err);
    if (code != FSM_OK || !found) return code;
    if ((*more = l->count == FSM_INBOUND_MAX)) return FSM_OK;
    if (row.key_len <= prefix + NUMBER)
      return fsm_fail(err, FSM_ECORRUPT, "store: addressed", "a row names no message");
    const char *at = (const char *)row.key + prefix;
    const char *message = fsm_arena_strndup(l->arena, at + NUMBER, row.key_len - prefix - NUMBER);
    if (message == NULL) return nomem(err);
    code = add(l, fsm__key_read_u64(at), message, err);
    if (code != FSM_OK) return code;
  }
}

fsm_code fsm__inbound_of(fsm__store *store, const char *id, fsm_arena *arena, const fsm__inbound **out,
                         unsigned *count, bool *more, fsm_error *err) {
  looking l = {.store = store, .arena = arena};
  fsm__range range;
  *out = NULL;
  *count = 0;
  *more = false;
  l.items = fsm_arena_alloc(arena, FSM_INBOUND_MAX * sizeof *l.items);
  if (l.items == NULL) return nomem(err);
  fsm__range_open(&range, store, FSM_T_ADDRESSED, id, strlen(id) + 1);
  fsm_code code = look(&l, &range, strlen(id) + 1, more, err);
  fsm__range_close(&range);
  *out = l.items;
  *count = l.count;
  return code;
}

/* query_counts.c: how many instances are in each state: by_state, counted. */
#include <string.h>

#include "runtime/query.h"

static fsm_code count_view(const fsm__reading *at, uint32_t machine, uint32_t name, uint64_t count,
                           fsm__items *items, fsm_error *err) {
  const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, machine, 0);
  if (newest == NULL || count == 0) return FSM_OK;
  if (at->query->machine != NULL && strcmp(at->query->machine, newest->id) != 0) return FSM_OK;
  fsm__document d = {.arena = at->arena};
  fsm_value view;
  const char *state = NULL;
  fsm_code code = fsm__name_text(at->core->store, name, at->arena, &state, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&d, "machine", newest->id);
  fsm__document_text(&d, "state", state);
  fsm__document_put(&d, "count", fsm_int((int64_t)count));
  code = fsm__document_map(&d, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

fsm_code fsm__query_counts(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  fsm__range range;
  fsm__row row;
  bool found = false;
  uint32_t machine = 0, name = 0;
  uint64_t count = 0;
  fsm_code code = FSM_OK;
  if (at->query->machine != NULL && fsm__catalog_find(at->core->catalog, at->query->machine, 0) == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", at->query->machine);
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    uint32_t m = fsm__key_read_u32(row.key), n = fsm__key_read_u32((const uint8_t *)row.key + 4);
    if (m != machine || n != name) {
      code = count_view(at, machine, name, count, &items, err);
      if (code != FSM_OK) break;
      machine = m, name = n, count = 0;
    }
    count++;
  }
  fsm__range_close(&range);
  if (code == FSM_OK) code = count_view(at, machine, name, count, &items, err);
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  fsm__document_put(&d, "next", fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

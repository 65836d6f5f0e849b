/* routing_load.c: what the store has of routes, into memory. */
#include "runtime/routing.h"
#include "runtime/rows.h"
#include "runtime/runtime_impl.h"

static fsm_code load(fsm__routing *routing, fsm__store *view, fsm_arena *arena, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, view, FSM_T_ROUTES, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__route_row route;
    code = fsm__route_row_read(&row, arena, &route, err);
    if (code == FSM_OK) code = fsm__routing_add(routing, route.name, route.seq, &route.document, err);
    if (code != FSM_OK) break;
    fsm_arena_reset(arena);
  }
  fsm__range_close(&range);
  return code;
}

fsm_code fsm__routing_load(fsm__routing *routing, fsm_runtime *runtime, fsm_error *err) {
  fsm__store *view = NULL;
  fsm_arena arena;
  uint64_t seq = 0;
  fsm_code code = fsm__store_view(fsm__runtime_store(runtime), &view, &seq, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&arena, 0);
  code = load(routing, view, &arena, err);
  fsm_arena_free(&arena);
  fsm__store_view_close(view);
  return code;
}

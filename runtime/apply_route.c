/* apply_route.c: a version of a route becomes a row; none is ever changed or deleted. */
#include <string.h>

#include "runtime/apply_impl.h"
#include "runtime/routing.h"

static const char *text_of(const fsm_value *map, const char *name, fsm_arena *arena) {
  const fsm_value *value = fsm_map_get(map, name);
  if (value == NULL || !fsm_is(value, FSM_STRING) || memchr(value->s, 0, value->len) != NULL) return "";
  return fsm_arena_strndup(arena, value->s, value->len);
}

/* Versions follow each other. Over a fuzzy snapshot the newest may be ahead of the record. */
static fsm_code check_version(fsm__store *store, const fsm_record *record, const fsm__route_row *route,
                              fsm_arena *arena, fsm_error *err) {
  fsm__route_row newest = {.version = 0};
  if (fsm__store_is_fuzzy(store)) return FSM_OK;
  fsm_code code = fsm__route_row_newest(store, route->name, arena, &newest, err);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  if (route->version != newest.version + 1)
    return fsm__apply_bad(record, "is not of the next version of its route", route->name, err);
  return FSM_OK;
}

fsm_code fsm__apply_route(fsm__store *store, const fsm_record *record, fsm_arena *arena, fsm_error *err) {
  const fsm_value *detail = &record->detail, *version = fsm_map_get(detail, "version"),
                  *document = fsm_map_get(detail, "route");
  fsm__route_row route = {.name = text_of(detail, "name", arena),
                          .seq = record->seq,
                          .time_ns = record->time_ns,
                          .document = document != NULL ? *document : fsm_null(),
                          .who = text_of(&record->act, "sub", arena),
                          .reason = text_of(detail, "reason", arena)};
  if (route.who != NULL && route.who[0] == '\0') route.who = text_of(&record->act, "type", arena);
  if (route.name == NULL || route.who == NULL || route.reason == NULL) return fsm__apply_nomem(err);
  const size_t len = strlen(route.name);
  if (len == 0 || len > FSM_ROUTE_NAME_MAX)
    return fsm__apply_bad(record, "names no route that can be", NULL, err);
  if (version == NULL || !fsm_is(version, FSM_INT) || version->i < 1 || version->i > UINT32_MAX)
    return fsm__apply_bad(record, "has no version that can be", route.name, err);
  if (record->time_ns < 0) return fsm__apply_bad(record, "is of a time before 1970", NULL, err);
  route.version = (uint32_t)version->i;
  fsm_code code = check_version(store, record, &route, arena, err);
  if (code == FSM_OK) fsm__route_row_put(store, &route);
  return code;
}

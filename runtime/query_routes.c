/* query_routes.c: the routes in force, or all versions of one, with who set each and why. */
#include <stdlib.h>
#include <string.h>

#include "runtime/query.h"
#include "runtime/routing.h"

/* A document that was read when it was set, and cannot be any more, matches nothing: it is shown so. */
static fsm_code put_fault(const fsm__reading *at, const fsm__route_row *route, fsm__document *d,
                          fsm_error *err) {
  const fsm__route *unused = NULL;
  fsm_error fault = {.text = ""};
  fsm_code code = fsm__route_read(at->arena, &route->document, NULL, 0, &unused, &fault);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, "", "no memory for an answer");
  if (code == FSM_OK) return FSM_OK;
  const char *text = fsm_arena_printf(at->arena, "%s: %s", fault.where, fault.text);
  if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document_text(d, "error", text);
  return FSM_OK;
}

static fsm_code item(const fsm__reading *at, const fsm__route_row *route, fsm__items *items, fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  fsm_value view;
  fsm_code code = FSM_OK;
  fsm__document_text(&d, "name", route->name);
  fsm__document_put(&d, "version", fsm_int(route->version));
  fsm__document_put(&d, "seq", fsm_int((int64_t)route->seq));
  fsm__document_time(&d, "set", route->time_ns);
  if (route->who[0] != '\0') fsm__document_text(&d, "by", route->who);
  if (route->reason[0] != '\0') fsm__document_text(&d, "reason", route->reason);
  if (fsm_is(&route->document, FSM_NULL)) {
    fsm__document_put(&d, "removed", fsm_bool(true));
  } else {
    fsm__document_put(&d, "route", route->document);
    code = put_fault(at, route, &d, err);
  }
  if (code == FSM_OK) code = fsm__document_map(&d, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

/* The rows from the range on: the newest of each name when in force, or all of one name up to the limit. */
static fsm_code collect(const fsm__reading *at, fsm__range *range, fsm__items *items, uint32_t *next,
                        fsm_error *err) {
  const bool of_one = at->query->ref != NULL;
  fsm__row row;
  bool found = false;
  uint32_t last = 0;
  fsm_code code;
  while ((code = fsm__range_next(range, &row, &found, err)) == FSM_OK && found) {
    fsm__route_row route;
    if (of_one && items->count == at->query->limit) {
      *next = last;
      break;
    }
    code = fsm__route_row_read(&row, at->arena, &route, err);
    if (code != FSM_OK) break;
    last = route.version;
    if (of_one || !fsm_is(&route.document, FSM_NULL)) code = item(at, &route, items, err);
    if (code != FSM_OK) break;
    if (!of_one) fsm__route_row_skip(range, route.name);
  }
  return code;
}

/* `after` is the version that the page before ended with. */
static fsm_code place(const fsm__reading *at, fsm__range *range, fsm_error *err) {
  const fsm_query *q = at->query;
  uint64_t after = 0;
  if (q->ref == NULL || q->after == NULL) return FSM_OK;
  if (!fsm__query_seq(q->after, &after) || after == 0 || after > UINT32_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a version", q->after);
  fsm__key key = fsm__key_route(q->ref, (uint32_t)after - 1);
  fsm__range_from(range, key.bytes, key.len);
  return FSM_OK;
}

fsm_code fsm__query_routes(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const char *name = at->query->ref;
  fsm__items items = {.arena = at->arena};
  fsm__range range;
  uint32_t next = 0;
  if (name != NULL && (name[0] == '\0' || strlen(name) > FSM_ROUTE_NAME_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "name", "the name of a route has 1 to %d bytes", FSM_ROUTE_NAME_MAX);
  fsm__range_open(&range, at->core->store, FSM_T_ROUTES, name, name ? strlen(name) + 1 : 0);
  fsm_code code = place(at, &range, err);
  if (code == FSM_OK) code = collect(at, &range, &items, &next, err);
  fsm__range_close(&range);
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (name != NULL && items.count == 0 && at->query->after == NULL)
    return fsm_fail(err, FSM_ENOTFOUND, "name", "there never was a route \"%s\"", name);
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  if (next != 0)
    fsm__document_text(&d, "next", fsm_arena_printf(at->arena, "%u", next));
  else
    fsm__document_put(&d, "next", fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  return fsm__document_map(&d, out, err);
}

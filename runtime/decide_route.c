/* decide_route.c: a route is set or removed. What is decided from the rows alone: the next version of its
 * name, which is in force from behind its record. */
#include <string.h>

#include "runtime/decide.h"
#include "runtime/known_sinks.h"
#include "runtime/routing.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a route"); }

/* The newest version; version 0 when there never was one. */
static fsm_code newest_of(const fsm__case *at, fsm__route_row *out, fsm_error *err) {
  *out = (fsm__route_row){.document = fsm_null()};
  fsm_code code = fsm__route_row_newest(at->store, at->command->name, at->arena, out, err);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static bool is_in_force(const fsm__route_row *route) { return !fsm_is(&route->document, FSM_NULL); }

/* A route that is not in force is at version 0, as an absent instance is at revision 0. */
static bool is_expected(const fsm__case *at, const fsm__route_row *newest, fsm__decision *out) {
  const int64_t expected = at->command->expect_rev, stands = is_in_force(newest) ? newest->version : 0;
  if (expected < 0 || expected == stands) return true;
  (void)fsm__decision_refuse(out, FSM_ESTALE, "rev", "the route \"%s\" is at version %lld, not %lld",
                             at->command->name, (long long)stands, (long long)expected);
  return false;
}

/* Is there room for one more? */
static fsm_code count_in_force(const fsm__case *at, unsigned *count, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  *count = 0;
  fsm__range_open(&range, at->store, FSM_T_ROUTES, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__route_row route;
    code = fsm__route_row_read(&row, at->arena, &route, err);
    if (code != FSM_OK) break;
    *count += is_in_force(&route);
    fsm__route_row_skip(&range, route.name);
  }
  fsm__range_close(&range);
  return code;
}

static fsm_code record_of(const fsm__case *at, fsm__decision *out, uint32_t version,
                          const fsm_value *document, fsm_error *err) {
  const fsm_command *command = at->command;
  const fsm_pair pairs[] = {
      {fsm_string("name"), fsm_string(command->name)},
      {fsm_string("version"), fsm_int(version)},
      {fsm_string("reason"), fsm_string(command->reason)},
      {fsm_string(document ? "route" : "removed"), document ? *document : fsm_bool(true)}};
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_ROUTE);
  if (record == NULL || !fsm__decision_map(at->arena, pairs, sizeof pairs / sizeof *pairs, &record->detail))
    return nomem(err);
  record->cause = FSM_CAUSE_ADMIN;
  out->version = version;
  out->rev = version;
  return FSM_OK;
}

/* Refuses what is no route, or names a sink that there is not. */
static fsm_code check_document(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  static const char *const none[1] = {NULL};
  const char *const *sinks = none;
  const fsm__route *route = NULL;
  size_t count = 0;
  fsm_code code =
      at->sinks != NULL ? fsm__known_sinks_get(at->sinks, at->arena, &sinks, &count, err) : FSM_OK;
  if (code != FSM_OK) return code;
  code = fsm__route_read(at->arena, &at->command->data, sinks, count, &route, &out->refusal);
  return code == FSM_ENOMEM ? nomem(err) : FSM_OK;
}

fsm_code fsm__decide_route_set(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm__route_row newest;
  unsigned count = 0;
  fsm_code code = newest_of(at, &newest, err);
  if (code != FSM_OK) return code;
  if (is_in_force(&newest) && fsm_value_same(&newest.document, &at->command->data)) {
    out->rev = out->version = newest.version; /* it stands */
    return FSM_OK;
  }
  code = check_document(at, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK || !is_expected(at, &newest, out)) return code;
  if (!is_in_force(&newest)) code = count_in_force(at, &count, err);
  if (code != FSM_OK) return code;
  if (count >= FSM_ROUTES_MAX)
    return fsm__decision_refuse(out, FSM_EQUOTA, "name",
                                "%u routes are in force, which is the most; remove one", count);
  out->created = !is_in_force(&newest);
  return record_of(at, out, newest.version + 1, &at->command->data, err);
}

fsm_code fsm__decide_route_remove(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm__route_row newest;
  fsm_code code = newest_of(at, &newest, err);
  if (code != FSM_OK) return code;
  if (!is_in_force(&newest))
    return fsm__decision_refuse(out, FSM_ENOTFOUND, "name", "no route \"%s\" is in force", at->command->name);
  return is_expected(at, &newest, out) ? record_of(at, out, newest.version + 1, NULL, err) : FSM_OK;
}

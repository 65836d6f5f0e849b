/* routing_match.c: a record through one route, part by part, the dearest last. */
#include <string.h>

#include "runtime/routing_impl.h"

static bool matches_text(const fsm__pattern *pattern, const char *text, size_t len) {
  if (pattern->rest ? len < pattern->len : len != pattern->len) return false;
  return memcmp(text, pattern->text, pattern->len) == 0;
}

bool fsm__patterns_match(const fsm__patterns *patterns, const char *text, size_t len) {
  for (size_t i = 0; i < patterns->count; i++)
    if (matches_text(&patterns->items[i], text, len)) return true;
  return false;
}

/* What a record does not have matches no text, not even `*`. */
static bool asked_text(const fsm__patterns *patterns, const char *text) {
  return patterns->count == 0 || (text != NULL && fsm__patterns_match(patterns, text, strlen(text)));
}

/* The leaf itself, or a state above it. */
static bool leaf_matches(const fsm__patterns *patterns, const fsm_value *leaf) {
  if (fsm__patterns_match(patterns, leaf->s, leaf->len)) return true;
  for (uint32_t at = leaf->len; at-- > 0;)
    if (leaf->s[at] == '.' && fsm__patterns_match(patterns, leaf->s, at)) return true;
  return false;
}

static bool asked_state(const fsm__patterns *patterns, const fsm_value *leaves) {
  if (patterns->count == 0) return true;
  if (!fsm_is(leaves, FSM_LIST)) return false;
  for (uint32_t i = 0; i < leaves->len; i++)
    if (fsm_is(&leaves->items[i], FSM_STRING) && leaf_matches(patterns, &leaves->items[i])) return true;
  return false;
}

static bool labels_match(const fsm__route *route, const fsm_value *labels) {
  for (size_t i = 0; i < route->label_count; i++) {
    const fsm_value *value = fsm_map_get(labels, route->labels[i].name);
    if (value == NULL || !fsm_is(value, FSM_STRING)) return false;
    if (!fsm__patterns_match(&route->labels[i].values, value->s, value->len)) return false;
  }
  return true;
}

/* The first part but the where that does not match; NULL = all do. */
static const char *against(const fsm__route *route, const fsm_record *record) {
  if (!asked_text(&route->machine, record->mach)) return "machine";
  if (route->kinds != 0 && !(route->kinds >> record->kind & 1)) return "kind";
  if (!asked_text(&route->event, record->trigger)) return "event";
  if (!asked_state(&route->from, &record->from)) return "from";
  if (!asked_state(&route->to, &record->to)) return "to";
  if (!asked_state(&route->state, &record->from) && !asked_state(&route->state, &record->to)) return "state";
  if (record->level < route->level) return "level";
  return labels_match(route, &record->labels) ? NULL : "labels";
}

bool fsm__route_glance(const fsm__route *route, const fsm_record_brief *brief) {
  if (route->kinds != 0 && !(route->kinds >> brief->kind & 1)) return false;
  return route->machine.count == 0 ||
         (brief->mach != NULL && fsm__patterns_match(&route->machine, brief->mach, brief->mach_len));
}

bool fsm__route_is_plain(const fsm__route *route) {
  const size_t more = route->event.count + route->from.count + route->to.count + route->state.count;
  return more == 0 && route->level == 0 && route->label_count == 0 && route->where == NULL;
}

const char *fsm__route_machine(const fsm__route *route) {
  return route->machine.count == 1 && !route->machine.items->rest ? route->machine.items->text : NULL;
}

fsm_code fsm__route_asks(const fsm__route *route, fsm__viewed *viewed, fsm__matched *out, fsm_error *err) {
  fsm_error fault = {.code = FSM_OK};
  *out = (fsm__matched){.part = against(route, viewed->record)};
  out->matches = out->part == NULL;
  if (!out->matches || route->where == NULL) return FSM_OK;
  fsm_code code = fsm__where_asks(route->where, viewed, &out->matches, &fault);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, "", "no memory for a where");
  if (!out->matches) out->part = "where";
  if (code != FSM_OK) out->fault = fault;
  return FSM_OK;
}

fsm_code fsm__route_matches(const fsm__route *route, const fsm_record *record, const fsm_origin *origin,
                            fsm_arena *scratch, fsm__matched *out, fsm_error *err) {
  fsm__viewed viewed = {.record = record, .origin = origin, .scratch = scratch};
  return fsm__route_asks(route, &viewed, out, err);
}

const char *const *fsm__route_sinks(const fsm__route *route, size_t *count) {
  *count = route->sink_count;
  return route->sinks;
}

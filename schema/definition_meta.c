/* definition_meta.c: what stands under meta.fsm, one row per key: where it may stand and what it must be.
 * The rest of `meta` is free.
 */
#include <string.h>

#include "schema/definition_load.h"
#include "schema/json.h"

enum { ATTEMPTS_MAX = 100 };

static fsm_code check_duration(fsm__loader *l, fsm__node node) {
  int64_t ns = 0;
  fsm_error fault = {0};
  if (!fsm__node_is(node, FSM_STRING))
    return fsm__invalid(l, node.where, "a duration must be a text like \"30s\"");
  if (fsm_duration_parse(node.value->s, &ns, &fault)) return fsm__invalid(l, node.where, "%s", fault.text);
  return ns > 0 ? FSM_OK : fsm__invalid(l, node.where, "the duration must be longer than 0");
}

/* 3.0 is a whole number too. */
static bool whole_number(const fsm_value *value, int64_t *out) {
  if (value->type == FSM_INT) *out = value->i;
  if (value->type == FSM_DOUBLE && value->d >= 0 && value->d <= 1000) *out = (int64_t)value->d;
  return value->type == FSM_INT || (value->type == FSM_DOUBLE && (double)*out == value->d);
}

static fsm_code check_range(fsm__loader *l, fsm__node node, int64_t from, int64_t to) {
  int64_t number = from - 1;
  if (whole_number(node.value, &number) && number >= from && number <= to) return FSM_OK;
  return fsm__invalid(l, node.where, "a whole number from %lld to %lld is expected", (long long)from,
                      (long long)to);
}

static fsm_code check_attempts(fsm__loader *l, fsm__node node) {
  return check_range(l, node, 1, ATTEMPTS_MAX);
}

static fsm_code check_level(fsm__loader *l, fsm__node node) { return check_range(l, node, 0, UINT8_MAX); }

static fsm_code check_bool(fsm__loader *l, fsm__node node) {
  return fsm__node_is(node, FSM_BOOL) ? FSM_OK : fsm__invalid(l, node.where, "true or false is expected");
}

static fsm_code check_overdue(fsm__loader *l, fsm__node node) {
  fsm_overdue ignored;
  if (fsm__node_is(node, FSM_STRING) && fsm_overdue_of(node.value->s, &ignored)) return FSM_OK;
  return fsm__invalid(l, node.where, "\"fire\", \"skip\" or \"restart\" is expected");
}

/* definition_allow.c reads it. */
static fsm_code leave_allow(fsm__loader *l, fsm__node node) {
  (void)l, (void)node;
  return FSM_OK;
}

static const struct row {
  const char *key;
  unsigned places; /* of fsm__meta_place */
  fsm_code (*check)(fsm__loader *l, fsm__node node);
} rows[] = {
    {"allow", FSM__META_ROOT | FSM__META_STATE | FSM__META_TRANSITION | FSM__META_INVOKE, leave_allow},
    {"sla", FSM__META_ROOT | FSM__META_STATE, check_duration},
    {"level", FSM__META_ROOT | FSM__META_TRANSITION, check_level},
    {"keep", FSM__META_ROOT, check_duration},
    {"overdue", FSM__META_ROOT | FSM__META_STATE, check_overdue},
    {"reason_required", FSM__META_TRANSITION, check_bool},
    {"attempts", FSM__META_INVOKE, check_attempts},
    {"timeout", FSM__META_INVOKE, check_duration},
    {"heartbeat", FSM__META_INVOKE, check_duration},
    {"backoff", FSM__META_INVOKE, check_duration},
    {"backoff_max", FSM__META_INVOKE, check_duration},
};
enum { ROWS = sizeof rows / sizeof *rows };

static fsm_code check_key(fsm__loader *l, fsm__node node, const char *name, fsm__meta_place place) {
  fsm__closest closest = {.name = name};
  for (size_t i = 0; i < ROWS; i++) {
    bool here = (rows[i].places & (unsigned)place) != 0;
    if (strcmp(rows[i].key, name) == 0)
      return here ? rows[i].check(l, node) : fsm__invalid(l, node.where, "\"%s\" has no meaning here", name);
    if (here) fsm__closest_try(&closest, rows[i].key);
  }
  char hint[96];
  return fsm__invalid(l, node.where, "\"%.64s\" is not known here%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

fsm_code fsm__read_meta(fsm__loader *l, fsm__node node, fsm__meta_place place, fsm_value *out,
                        fsm_def_allow *allow) {
  *out = fsm_null();
  if (!node.value) return FSM_OK;
  if (!fsm__node_is(node, FSM_MAP)) return fsm__invalid(l, node.where, "\"meta\" must be an object");
  fsm__node ours = fsm__node_get(l, node, "fsm");
  if (ours.value && ours.value->type != FSM_MAP)
    return fsm__invalid(l, ours.where, "\"fsm\" must be an object");
  for (uint32_t i = 0; ours.value && i < ours.value->len; i++) {
    fsm_code code = check_key(l, fsm__node_member(l, ours, i), fsm__node_name(ours, i), place);
    if (code) return code;
  }
  fsm_code code = ours.value && allow ? fsm__read_allow(l, fsm__node_get(l, ours, "allow"), allow) : FSM_OK;
  if (!code) code = fsm_value_copy(l->arena, node.value, out, l->err);
  return code == FSM_ENOMEM ? fsm__out_of_memory(l) : code;
}

/* ---- the policy of timers ---------------------------------------------------------------------- */

static const char *const overdue_names[FSM_OVERDUE_COUNT] = {"fire", "skip", "restart"};

const char *fsm_overdue_name(fsm_overdue overdue) {
  FSM_ASSERT((unsigned)overdue < FSM_OVERDUE_COUNT);
  return overdue_names[overdue];
}

bool fsm_overdue_of(const char *name, fsm_overdue *out) {
  for (unsigned i = 0; i < FSM_OVERDUE_COUNT; i++) {
    if (strcmp(overdue_names[i], name) != 0) continue;
    *out = (fsm_overdue)i;
    return true;
  }
  return false;
}

void fsm__overdue_of(const fsm_value *meta, fsm_overdue *out) {
  const fsm_value *value = fsm_map_get(fsm_map_get(meta, "fsm"), "overdue");
  if (value) FSM_ASSERT(fsm_overdue_of(value->s, out)); /* checked when it was read */
}

/* ---- the policy of tasks ----------------------------------------------------------------------- */

static void take_duration(const fsm_value *ours, const char *key, int64_t *out) {
  const fsm_value *value = fsm_map_get(ours, key);
  if (!value) return;
  fsm_code code = fsm_duration_parse(value->s, out, NULL); /* NUL-terminated: copied from the document */
  FSM_ASSERT(code == FSM_OK);                              /* checked when it was read */
}

int64_t fsm__keep_of(const fsm_value *meta) {
  int64_t keep_ns = 0;
  take_duration(fsm_map_get(meta, "fsm"), "keep", &keep_ns);
  return keep_ns;
}

int64_t fsm__sla_meta(const fsm_value *meta) {
  int64_t sla_ns = 0;
  take_duration(fsm_map_get(meta, "fsm"), "sla", &sla_ns);
  return sla_ns;
}

uint8_t fsm__level_of(const fsm_value *meta, uint8_t otherwise) {
  const fsm_value *level = fsm_map_get(fsm_map_get(meta, "fsm"), "level");
  int64_t number = otherwise;
  bool good = level != NULL && whole_number(level, &number) && number >= 0 && number <= UINT8_MAX;
  return good ? (uint8_t)number : otherwise;
}

void fsm__task_policy_of(const fsm_value *meta, fsm_task_policy *out) {
  const int64_t second = 1000000000;
  *out = (fsm_task_policy){
      .attempts = 1, .timeout_ns = 60 * second, .backoff_ns = second, .backoff_max_ns = 3600 * second};
  const fsm_value *ours = fsm_map_get(meta, "fsm"), *attempts = fsm_map_get(ours, "attempts");
  int64_t number = 1;
  if (attempts && whole_number(attempts, &number)) out->attempts = (unsigned)number;
  take_duration(ours, "timeout", &out->timeout_ns);
  take_duration(ours, "heartbeat", &out->heartbeat_ns);
  take_duration(ours, "backoff", &out->backoff_ns);
  take_duration(ours, "backoff_max", &out->backoff_max_ns);
}

/* apply_fixture.h: records made by hand, applied to rows, and what the rows say then. */
#ifndef TESTS_APPLY_FIXTURE_H
#define TESTS_APPLY_FIXTURE_H

#include "rows_fixture.h"

#define SECOND ((int64_t)1000000000)

static const uint8_t TOKEN[16] = "token of a task";

/* Two regions and a history of them. */
static const char REGIONS[] =
    "{\"id\":\"m\",\"initial\":\"w\",\"context\":{\"n\":0},\"states\":{\"w\":{\"type\":\"parallel\","
    "\"states\":{"
    "\"l\":{\"initial\":\"a\",\"states\":{\"a\":{},\"b\":{}}},\"r\":{\"initial\":\"a\",\"states\":{\"a\":{}}}"
    ","
    "\"h\":{\"type\":\"history\",\"history\":\"deep\"}}},\"z\":{}}}";

/* A record of instance i1 that has what every record has; its time is its seq in seconds. */
static inline fsm_record rec(rig *r, fsm_record_kind kind, uint64_t seq) {
  const fsm__deployed *deployed = fsm__catalog_find(r->catalog, "m", 1);
  fsm_record record = fsm_record_new(kind);
  record.seq = record.rev = seq;
  record.time_ns = (int64_t)seq * SECOND;
  record.mach = "m";
  record.def = deployed->hash.bytes;
  record.defv = 1;
  record.inst = "i1";
  record.corr = "corr";
  record.cause = FSM_CAUSE_EXTERNAL;
  return record;
}

static inline void set_context(rig *r, fsm_record *record, const char *delta, const char *after) {
  fsm_value context = rig_json(r, after);
  fsm__hash *hash = fsm_arena_alloc(&r->arena, sizeof *hash);
  record->ctx = rig_json(r, delta);
  assert_int_equal(fsm__context_hash(&context, hash, NULL), FSM_OK);
  record->ctxh = hash->bytes;
}

static inline fsm_record created(rig *r, uint64_t seq) {
  fsm_record record = rec(r, FSM_RECORD_CREATED, seq);
  record.key = "K1";
  record.labels = rig_json(r, "{\"team\":\"it\"}");
  record.to = record.since = rig_json(r, "[\"a\"]");
  set_context(r, &record, "{\"n\":[0]}", "{\"n\":0}");
  return record;
}

/* With a bytes token, which JSON cannot say. */
static inline fsm_value task_list(rig *r, const char *entry) {
  fsm_value map = rig_json(r, entry), *item = fsm_arena_alloc(&r->arena, sizeof *item);
  fsm_pair tok[1] = {{fsm_string("tok"), fsm_bytes(TOKEN, 16)}};
  fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = tok};
  assert_int_equal(fsm_map_merge(&r->arena, &map, &patch, item), FSM_OK);
  return fsm_list(item, 1);
}

/* Into b.x, where a timer runs and a task is open. */
static inline fsm_record entered(rig *r, uint64_t seq) {
  fsm_record record = rec(r, FSM_RECORD_TRANSITION, seq);
  record.from = rig_json(r, "[\"a\"]");
  record.to = rig_json(r, "[\"b.x\"]");
  record.since = rig_json(r, "[\"b\",\"b.x\"]");
  record.timers = rig_json(r, "[{\"id\":\"t1\",\"event\":\"late\",\"due\":90000000000}]");
  record.tasks = task_list(r, "{\"id\":\"job\",\"service\":\"svc\",\"attempts\":3,\"timeout\":5,\"next\":2}");
  return record;
}

static inline fsm_code apply_frame(rig *r, const fsm_record *records, size_t count, fsm_error *err) {
  return fsm__apply_frame(r->store, r->catalog, records, count, NULL, &r->arena, err);
}

static inline void apply(rig *r, fsm_record record) {
  fsm_error err = {.text = ""};
  fsm_code code = apply_frame(r, &record, 1, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
}

static inline fsm__instance loaded(rig *r) {
  fsm__instance in;
  uint64_t number = 0;
  assert_int_equal(fsm__instance_number(r->store, "i1", &number, NULL), FSM_OK);
  assert_int_equal(fsm__instance_load(r->store, r->catalog, number, &r->arena, &in, NULL), FSM_OK);
  return in;
}

/* Is there exactly this row of by_state? */
static inline bool indexed(rig *r, const char *state, int64_t seconds) {
  fsm__key key = fsm__key_by_state(1, rig_name(r, state), seconds * SECOND, 1);
  return rig_count(r, FSM_T_BY_STATE, key.bytes, key.len) == 1;
}

/* A timer of this id set by that record, the first of it. */
static inline bool is_timer_due(rig *r, int64_t ns, const char *id, uint64_t seq) {
  fsm__key key = fsm__key_due_timer(1, &(fsm__timer){.id = id, .due_ns = ns, .seq = seq});
  return rig_count(r, FSM_T_DUE, key.bytes, key.len) == 1;
}

static inline bool is_due(rig *r, int64_t ns, char type, const char *id) {
  fsm__key key = fsm__key_due(ns, 1, type, id);
  return rig_count(r, FSM_T_DUE, key.bytes, key.len) == 1;
}

static inline unsigned rows_of_type(rig *r, char type) {
  fsm__key prefix = fsm__key_instance(1, type, NULL, 0);
  return rig_count(r, FSM_T_INSTANCES, prefix.bytes, prefix.len);
}

static inline fsm_code task_of(rig *r, fsm__task *out) {
  return fsm__task_load(r->store, 1, "job", &r->arena, out, NULL);
}

static inline fsm_record task_record(rig *r, fsm_record_kind kind, uint64_t seq, const char *detail) {
  fsm_record record = rec(r, kind, seq);
  record.tok = TOKEN;
  record.att = 1;
  record.detail = rig_json(r, detail);
  return record;
}

/* A record at `seq` whose command had key number n and was taken at that time. */
static inline fsm_record keyed(rig *r, fsm_record record, unsigned n, int64_t now_ns) {
  char *bytes = fsm_arena_zalloc(&r->arena, 1, 32);
  fsm_value *items = fsm_arena_alloc(&r->arena, 3 * sizeof *items);
  memcpy(bytes, &n, sizeof n);
  items[0] = fsm_bytes(bytes, 16);
  items[1] = fsm_bytes(bytes + 16, 16);
  items[2] = fsm_int(now_ns + FSM_IDEM_TTL_NS);
  record.idem = fsm_list(items, 3);
  record.time_ns = now_ns;
  return record;
}

#endif

/* record_scene.h: a record of each shape, made, encoded and decoded. */
#ifndef FSM_TESTS_RECORD_SCENE_H
#define FSM_TESTS_RECORD_SCENE_H

#include "schema/json.h"
#include "schema/pack.h"
#include "schema/record.h"
#include "tests/arena_scene.h"

static const uint8_t hash[32] = {0xab, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                 16,   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 0xef};

static const uint8_t token[16] = {0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline fsm_value json(const char *text) {
  fsm_value out = {0};
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &out, &err))
    fail_msg("%s %s", err.where, err.text);
  return out;
}

static inline fsm_record of_store(fsm_record_kind kind) {
  fsm_record r = fsm_record_new(kind);
  r.seq = 7;
  r.time_ns = 1700000000123456789;
  r.prev = hash;
  return r;
}

static inline fsm_record of_instance(fsm_record_kind kind) {
  fsm_record r = of_store(kind);
  r.mach = "document-approval";
  r.def = hash;
  r.defv = 3;
  r.inst = "doc-1";
  r.rev = 2;
  r.iprev = 5;
  r.corr = "c-42";
  return r;
}

static inline fsm_record of_change(fsm_record_kind kind) {
  fsm_record r = of_instance(kind);
  r.to = json("[\"review.legal\"]");
  r.cause = FSM_CAUSE_EXTERNAL;
  r.ctxh = hash;
  if (kind == FSM_RECORD_CREATED) return r;
  r.from = json("[\"draft\"]");
  r.tr = json("[0,3]");
  r.trigger = "SUBMIT";
  return r;
}

static inline fsm_value bytes_list(const void *a, size_t a_len, const void *b, size_t b_len, int64_t last) {
  fsm_value *items = fsm_arena_zalloc(&arena, 3, sizeof *items);
  items[0] = fsm_bytes(a, a_len);
  items[1] = fsm_bytes(b, b_len);
  items[2] = fsm_int(last);
  return fsm_list(items, 3);
}

/* Every field there is. */
static inline fsm_record whole(void) {
  fsm_record r = of_change(FSM_RECORD_TRANSITION);
  r.dur_us = 150;
  r.outcome = FSM_TAKEN;
  r.reason = "guard_false";
  r.key = "INV-7";
  r.labels = json("{\"team\":\"north\"}");
  r.i = 1;
  r.n = 2;
  r.data = json("{\"comment\":\"ok\",\"amount\":12.5}");
  r.ctx = json("{\"retries\":[0,1]}");
  r.hist = json("{\"review.hist\":[\"review.legal\"]}");
  r.since = json("[\"review\",\"review.legal\"]");
  r.out = json("\"done\"");
  r.timers = json(
      "[{\"id\":\"t1\",\"due\":1700000060000000000,\"event\":\"xstate.after.60000.review\"},{\"cancel\":"
      "\"t0\"}]");
  r.tasks = json(
      "[{\"id\":\"0.review\",\"service\":\"submitForReview\",\"attempts\":1,\"next\":1700000000123456789,"
      "\"deadline_ns\":1700000030123456789}]");
  r.elapsed_ns = 90000000000;
  r.caus = "c-41";
  r.parent = "p-1";
  r.idem = bytes_list(token, 16, hash, 16, 1700086400000000000);
  r.req = "req-1";
  r.trace = bytes_list(hash, 16, token, 8, 1);
  r.act = json(
      "{\"type\":\"user\",\"sub\":\"ann\",\"sid\":\"s-1\",\"roles\":[\"clerk\"],\"authn\":\"verified\"}");
  r.node = "fsmd/0.1";
  r.tok = token;
  r.att = 1;
  r.late_ms = 0;
  r.level = 2;
  r.pii = json("{\"email\":\"x\"}");
  r.detail = json("{\"text\":\"why\",\"retry_at\":1700000001000000000}");
  r.counter = 9;
  r.clock = true;
  return r;
}

static inline fsm_record example(fsm_record_kind kind) {
  fsm_record r;
  switch (kind) {
    case FSM_RECORD_CREATED:
    case FSM_RECORD_TRANSITION:
    case FSM_RECORD_CONTEXT: return of_change(kind);
    case FSM_RECORD_TASK_STARTED:
    case FSM_RECORD_TASK_DONE:
    case FSM_RECORD_TASK_FAILED:
      r = of_instance(kind);
      r.tok = token;
      return r;
    case FSM_RECORD_REJECTED:
      r = of_store(kind);
      r.outcome = FSM_REFUSED;
      r.reason = "unknown_machine";
      r.detail = json("{\"text\":\"no such machine is deployed\"}");
      return r;
    case FSM_RECORD_INCIDENT_OPENED:
      r = of_instance(kind);
      r.outcome = FSM_FAILED;
      r.reason = "loop_limit";
      return r;
    case FSM_RECORD_DEPLOYED:
    case FSM_RECORD_RETIRED:
      r = of_store(kind);
      r.mach = "document-approval";
      r.def = hash;
      r.defv = 1;
      r.detail = json("{\"source\":\"{}\"}");
      return r;
    case FSM_RECORD_ERASED:
    case FSM_RECORD_ADMIN:
    case FSM_RECORD_REPAIRED:
    case FSM_RECORD_EPOCH:
    case FSM_RECORD_ROUTE: return of_store(kind);
    default: return of_instance(kind);
  }
}

static inline void encode(fsm_buf *buf, const fsm_record *r) {
  fsm_error err = {0};
  if (fsm_record_encode(buf, r, &err)) fail_msg("%s: %s", err.where, err.text);
}

static inline fsm_record decode(const void *data, size_t len) {
  fsm_record out;
  fsm_error err = {0};
  if (fsm_record_decode(&arena, data, len, &out, &err)) fail_msg("%s: %s", err.where, err.text);
  return out;
}

#endif

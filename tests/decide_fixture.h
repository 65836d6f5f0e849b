/* decide_fixture.h: decisions over bare rows: what is decided is numbered by hand and applied, no journal. */
#ifndef TESTS_DECIDE_FIXTURE_H
#define TESTS_DECIDE_FIXTURE_H

#include "rows_fixture.h"

#include "runtime/decide.h"

#define SECOND ((int64_t)1000000000)

enum { NOW_S = 1700000000 };

static const char LOOP[] =
    "{\"id\":\"loop\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"},\"after\":{\"1000\":\"b\"}},"
    "\"b\":{\"always\":\"c\"},\"c\":{\"always\":\"b\"}}}";
static const char RETRIED[] =
    "{\"id\":\"retried\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
    "\"svc\","
    "\"meta\":{\"fsm\":{\"attempts\":4,\"backoff\":\"10s\",\"backoff_max\":\"15s\",\"timeout\":\"5s\"}},"
    "\"onDone\":\"ok\"}},\"ok\":{\"type\":\"final\",\"output\":{\"x\":{\"@expr\":\"1\"}}}}}";
static const char CHAIN[] =
    "{\"id\":\"chain\",\"initial\":\"a\",\"context\":{\"n\":0},\"schemas\":{\"input\":{\"type\":\"object\","
    "\"required\":[\"who\"]},\"events\":{\"GO\":{\"type\":\"object\",\"required\":[\"x\"]}}},\"states\":{"
    "\"a\":{\"on\":{\"GO\":{\"target\":\"b\",\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}}}},"
    "\"b\":{\"always\":\"c\"},\"c\":{\"always\":\"end\"},\"end\":{\"type\":\"final\"}}}";
typedef struct desk {
  rig *rig;
  int64_t now_ns;
  uint64_t seq; /* of the last record */
  uint64_t entropy;
  bool made_id;
  fsm_error err;
} desk;

static inline int setup(void **state) {
  desk *d = calloc(1, sizeof *d);
  d->rig = rig_new();
  rig_deploy(d->rig, RIG_MACHINE, 1);
  rig_deploy(d->rig, LOOP, 2);
  rig_deploy(d->rig, RETRIED, 3);
  rig_deploy(d->rig, CHAIN, 4);
  d->seq = 4;
  d->now_ns = NOW_S * SECOND;
  *state = d;
  return 0;
}

static inline int teardown(void **state) {
  desk *d = *state;
  rig_free(d->rig);
  free(d);
  return 0;
}

static inline fsm__case case_of(const desk *d, const fsm_command *command) {
  return (fsm__case){.store = d->rig->store,
                     .catalog = d->rig->catalog,
                     .arena = &d->rig->arena,
                     .command = command,
                     .made_id = d->made_id,
                     .time_ns = d->now_ns,
                     .dur_us = 1,
                     .next_seq = d->seq + 1,
                     .entropy = d->entropy,
                     .node = "test",
                     .origin = {.store = "a store of test", .epoch = 1}};
}

static inline void number_records(const desk *d, fsm__decision *decision) {
  static const uint8_t prev[32];
  for (size_t i = 0; i < decision->count; i++) {
    decision->records[i].seq = d->seq + 1 + i;
    decision->records[i].i = (uint16_t)i;
    decision->records[i].n = (uint16_t)decision->count;
    decision->records[i].prev = prev;
  }
}

/* The stored form of what was decided, as text; refusals too. */
static const char *bytes_of(const desk *d, fsm__decision *decision) {
  fsm_buf buf = {0}, hex = {0};
  number_records(d, decision);
  for (size_t i = 0; i < decision->count; i++)
    assert_int_equal(fsm_record_encode(&buf, &decision->records[i], NULL), FSM_OK);
  fsm_buf_printf(&hex, "%s %s %llu ", fsm_code_name(decision->refusal.code), decision->refusal.text,
                 (unsigned long long)decision->rev);
  rows_add_hex(&hex, buf.data, buf.len);
  if (!fsm_is(&decision->detail, FSM_NULL)) fsm_json_write(&hex, &decision->detail);
  const char *text = fsm_arena_strdup(&d->rig->arena, fsm_buf_text(&hex));
  fsm_buf_free(&buf);
  fsm_buf_free(&hex);
  return text;
}

static inline void apply(desk *d, fsm__decision *decision) {
  number_records(d, decision);
  if (decision->count == 0) return;
  fsm_error err = {.text = ""};
  fsm_code code = fsm__apply_frame(d->rig->store, d->rig->catalog, decision->records, decision->count,
                                   decision->instance, &d->rig->arena, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
  d->seq += decision->count;
}

/* Decides twice, which must give the same and touch no row. */
static inline fsm__decision decide(desk *d, const fsm_command *command) {
  fsm__case at = case_of(d, command);
  fsm__decision first, second;
  const char *rows = rig_dump(d->rig);
  if (fsm__decide(&at, &first, &d->err) != FSM_OK) fail_msg("%s: %s", d->err.where, d->err.text);
  assert_int_equal(fsm__decide(&at, &second, &d->err), FSM_OK);
  assert_string_equal(bytes_of(d, &first), bytes_of(d, &second));
  assert_string_equal(rig_dump(d->rig), rows);
  return second;
}

static inline fsm__decision take(desk *d, const fsm_command *command) {
  fsm__decision decision = decide(d, command);
  if (decision.refusal.code != FSM_OK) fail_msg("%s: %s", decision.refusal.where, decision.refusal.text);
  apply(d, &decision);
  d->now_ns += 1000;
  return decision;
}

static inline fsm_command start_of(const char *machine, const char *id) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = machine;
  command.instance = id;
  command.correlation = "corr";
  return command;
}

static inline fsm_command send_of(const char *id, const char *event) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  command.correlation = "corr";
  return command;
}

static inline fsm__decision started(desk *d, const char *machine, const char *id) {
  fsm_command command = start_of(machine, id);
  return take(d, &command);
}

static inline fsm__decision sent(desk *d, const char *id, const char *event) {
  fsm_command command = send_of(id, event);
  return take(d, &command);
}

static inline void assert_refused(desk *d, const fsm_command *command, fsm_code code) {
  fsm__decision decision = decide(d, command);
  if (decision.refusal.code != code)
    fail_msg("%s, not %s: %s", fsm_code_name(decision.refusal.code), fsm_code_name(code),
             decision.refusal.text);
  assert_int_equal(decision.count, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

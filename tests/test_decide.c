/* test_decide.c: decisions are pure: the same case gives the same records, and deciding changes no row. */
#include "rows_fixture.h"

#include "runtime/decide.h"

#define SECOND ((int64_t)1000000000)
#define HOUR (3600 * SECOND)

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

static int setup(void **state) {
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

static int teardown(void **state) {
  desk *d = *state;
  rig_free(d->rig);
  free(d);
  return 0;
}

static fsm__case case_of(const desk *d, const fsm_command *command) {
  static const uint8_t store_id[16] = "a store of tests";
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
                     .store_id = store_id};
}

static void number_records(const desk *d, fsm__decision *decision) {
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

static void apply(desk *d, fsm__decision *decision) {
  number_records(d, decision);
  if (decision->count == 0) return;
  fsm_error err = {.text = ""};
  fsm_code code = fsm__apply_frame(d->rig->store, d->rig->catalog, decision->records, decision->count,
                                   decision->instance, &d->rig->arena, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
  d->seq += decision->count;
}

/* Decides twice, which must give the same and touch no row. */
static fsm__decision decide(desk *d, const fsm_command *command) {
  fsm__case at = case_of(d, command);
  fsm__decision first, second;
  const char *rows = rig_dump(d->rig);
  if (fsm__decide(&at, &first, &d->err) != FSM_OK) fail_msg("%s: %s", d->err.where, d->err.text);
  assert_int_equal(fsm__decide(&at, &second, &d->err), FSM_OK);
  assert_string_equal(bytes_of(d, &first), bytes_of(d, &second));
  assert_string_equal(rig_dump(d->rig), rows);
  return second;
}

static fsm__decision take(desk *d, const fsm_command *command) {
  fsm__decision decision = decide(d, command);
  if (decision.refusal.code != FSM_OK) fail_msg("%s: %s", decision.refusal.where, decision.refusal.text);
  apply(d, &decision);
  d->now_ns += 1000;
  return decision;
}

static fsm_command start_of(const char *machine, const char *id) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = machine;
  command.instance = id;
  command.correlation = "corr";
  return command;
}

static fsm_command send_of(const char *id, const char *event) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  command.correlation = "corr";
  return command;
}

static fsm__decision started(desk *d, const char *machine, const char *id) {
  fsm_command command = start_of(machine, id);
  return take(d, &command);
}

static fsm__decision sent(desk *d, const char *id, const char *event) {
  fsm_command command = send_of(id, event);
  return take(d, &command);
}

static void assert_refused(desk *d, const fsm_command *command, fsm_code code) {
  fsm__decision decision = decide(d, command);
  if (decision.refusal.code != code)
    fail_msg("%s, not %s: %s", fsm_code_name(decision.refusal.code), fsm_code_name(code),
             decision.refusal.text);
  assert_int_equal(decision.count, 0);
}

/* ---- pure --------------------------------------------------------------------------------------- */

static void the_same_case_gives_the_same_records_and_touches_no_row(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1"); /* take and decide look */
  fsm__decision entered = sent(d, "i1", "GO");
  assert_true(fsm_is(&entered.records[0].timers, FSM_LIST) && fsm_is(&entered.records[0].tasks, FSM_LIST));
  rig_reopen(d->rig, d->seq); /* the same from the store as from the overlay */
  (void)sent(d, "i1", "NEXT");
  (void)sent(d, "i1", "END");
}

static void refused_commands_leave_every_row_as_it_is(void **state) {
  desk *d = *state;
  fsm_command keyed = start_of("m", "i1");
  keyed.key = "K1";
  keyed.idem = "once";
  (void)take(d, &keyed);
  (void)started(d, "m", "ended");
  (void)sent(d, "ended", "GO");
  (void)sent(d, "ended", "NEXT");
  (void)sent(d, "ended", "END");
  struct {
    fsm_command command;
    fsm_code code;
  } cases[16];
  unsigned n = 0;
#define REFUSED(made, expected, change) \
  do {                                  \
    cases[n].command = made;            \
    fsm_command *x = &cases[n].command; \
    cases[n++].code = expected;         \
    change;                             \
  } while (0)
  REFUSED(start_of("nothing", "x"), FSM_EMACHINE, (void)x);
  REFUSED(start_of("m", "x"), FSM_EMACHINE, x->version = 9);
  REFUSED(start_of("m", "i1"), FSM_EEXISTS, (void)x);
  REFUSED(start_of("m", "x"), FSM_EEXISTS, x->key = "K1");
  REFUSED(start_of("m", "x"), FSM_EDUPLICATE, x->idem = "once");
  REFUSED(start_of("chain", "x"), FSM_EDATA, (void)x);
  REFUSED(send_of("nobody", "GO"), FSM_EINSTANCE, (void)x);
  REFUSED(send_of(NULL, "GO"), FSM_EMACHINE, (x->machine = "nothing", x->key = "K1"));
  REFUSED(send_of(NULL, "GO"), FSM_EINSTANCE, (x->machine = "m", x->key = "K9"));
  REFUSED(send_of("i1", "NEXT"), FSM_ENOTRANSITION, (void)x);
  REFUSED(send_of("i1", "HIGH"), FSM_EGUARD, (void)x);
  REFUSED(send_of("i1", "NEVER"), FSM_EEVENT, (void)x);
  REFUSED(send_of("i1", "xstate.done.actor.job"), FSM_EEVENT, (void)x);
  REFUSED(send_of("i1", "GO"), FSM_ESTALE, x->expect_rev = 7);
  REFUSED(send_of("ended", "GO"), FSM_ECOMPLETED, (void)x);
  REFUSED(fsm_command_new(FSM_CMD_TASK_COMPLETE), FSM_ETASK, (void)x);
  assert_int_equal(n, sizeof cases / sizeof cases[0]);
  for (unsigned i = 0; i < n; i++) assert_refused(d, &cases[i].command, cases[i].code);
}

static void data_against_its_schema_is_refused_at_its_place(void **state) {
  desk *d = *state;
  fsm_command command = start_of("chain", "c1");
  command.data = rig_json(d->rig, "{\"who\":\"ana\"}");
  (void)take(d, &command);
  command = send_of("c1", "GO");
  command.data = rig_json(d->rig, "{\"y\":1}");
  assert_refused(d, &command, FSM_EDATA);
}

static void a_false_guard_is_told_with_what_it_saw(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1");
  fsm_command command = send_of("i1", "HIGH");
  fsm__decision decision = decide(d, &command);
  assert_int_equal(decision.refusal.code, FSM_EGUARD);
  assert_non_null(strstr(decision.refusal.text, "context.n > 5"));
  const fsm_value *candidates = fsm_map_get(&decision.detail, "candidates");
  assert_int_equal(candidates->len, 1);
  assert_true(fsm_map_get(fsm_map_get(&candidates->items[0], "seen"), "context.n")->i == 0);
}

/* ---- the records of a step ---------------------------------------------------------------------- */

static void a_macrostep_is_one_frame_with_one_revision(void **state) {
  desk *d = *state;
  fsm_command command = start_of("chain", "c1");
  command.data = rig_json(d->rig, "{\"who\":\"ana\"}");
  (void)take(d, &command);
  command = send_of("c1", "GO");
  command.data = rig_json(d->rig, "{\"x\":1}");
  command.idem = "k";
  fsm__decision decision = take(d, &command);
  static const fsm_record_kind kinds[] = {FSM_RECORD_TRANSITION, FSM_RECORD_TRANSITION, FSM_RECORD_TRANSITION,
                                          FSM_RECORD_COMPLETED};
  assert_int_equal(decision.count, 4);
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(decision.records[i].kind, kinds[i]);
    assert_true(decision.records[i].rev == 2);
    assert_int_equal(fsm_is(&decision.records[i].idem, FSM_LIST), i == 0);
  }
  assert_string_equal(decision.status, "completed");
  assert_true(fsm_is_text(&decision.from.items[0], "a") && fsm_is_text(&decision.to.items[0], "end"));
  fsm_value wanted = rig_json(d->rig, "{\"n\":[0,1]}");
  assert_true(fsm_value_same(&decision.records[0].ctx, &wanted));
  assert_true(fsm_is(&decision.records[1].ctx, FSM_NULL));
}

static void a_loop_parks_the_instance_and_keeps_the_key(void **state) {
  desk *d = *state;
  (void)started(d, "loop", "l1");
  fsm_command command = send_of("l1", "GO");
  command.idem = "once";
  fsm__decision decision = decide(d, &command);
  assert_int_equal(decision.refusal.code, FSM_ELOOP);
  assert_int_equal(decision.count, 1);
  assert_int_equal(decision.records[0].kind, FSM_RECORD_INCIDENT_OPENED);
  uint64_t first = d->seq + 1;
  apply(d, &decision);
  decision = decide(d, &command); /* the same command again: its first answer again */
  assert_true(decision.replay);
  assert_true(decision.replay_seq == first);
  command.idem = NULL;
  assert_refused(d, &command, FSM_EINCIDENT);
}

static void an_incident_takes_nothing_of_the_step_with_it(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1");
  fsm_command command = send_of("i1", "GO");
  fsm__case at = case_of(d, &command);
  fsm__decision decision;
  assert_int_equal(fsm__decide(&at, &decision, NULL), FSM_OK);
  assert_int_equal(fsm__decide_incident(&at, &decision, FSM_ETOOLARGE, "too much", NULL), FSM_OK);
  assert_int_equal(decision.count, 1);
  apply(d, &decision);
  fsm__instance in;
  assert_int_equal(fsm__instance_load(d->rig->store, d->rig->catalog, 1, &d->rig->arena, &in, NULL), FSM_OK);
  assert_int_equal(in.status, FSM_INCIDENT);
  assert_true(in.rev == 2);
  assert_int_equal(rig_count(d->rig, FSM_T_DUE, NULL, 0), 0);
}

/* ---- idempotency -------------------------------------------------------------------------------- */

static void a_key_belongs_to_its_instance_and_its_command(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1");
  (void)started(d, "m", "i2");
  fsm_command command = send_of("i1", "ADD");
  command.idem = "once";
  uint64_t first = d->seq + 1;
  (void)take(d, &command);
  fsm__decision again = decide(d, &command);
  assert_true(again.replay && again.replay_seq == first && again.count == 0);
  command.event = "GO";
  assert_refused(d, &command, FSM_EDUPLICATE);
  command.event = "ADD";
  command.data = rig_json(d->rig, "{\"x\":1}");
  assert_refused(d, &command, FSM_EDUPLICATE);
  command.instance = "i2";
  (void)take(d, &command);
}

static void a_key_lives_for_its_time_and_not_longer(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1");
  fsm_command command = send_of("i1", "ADD");
  command.idem = "once";
  int64_t at_ns = d->now_ns;
  (void)take(d, &command);
  d->now_ns = at_ns + FSM_IDEM_TTL_NS - 1;
  assert_true(decide(d, &command).replay);
  d->now_ns = at_ns + FSM_IDEM_TTL_NS;
  fsm__decision again = decide(d, &command);
  assert_false(again.replay);
  assert_int_equal(again.count, 1);
}

static void a_keyed_start_lives_for_its_time_whatever_the_hour(void **state) {
  desk *d = *state;
  const int64_t offsets[] = {0, 1, HOUR - 1, HOUR / 2};
  for (unsigned i = 0; i < 4; i++) {
    const char *idem = fsm_arena_printf(&d->rig->arena, "start-%u", i);
    d->now_ns = (d->now_ns / HOUR + 30) * HOUR + offsets[i];
    d->made_id = true;
    fsm_command command = start_of("m", fsm_arena_printf(&d->rig->arena, "s-%u", i));
    command.idem = idem;
    int64_t at_ns = d->now_ns;
    uint64_t first = d->seq + 1;
    (void)take(d, &command);
    command.instance = "another made id"; /* no part of what was asked */
    d->now_ns = at_ns + FSM_IDEM_TTL_NS - 1;
    fsm__decision again = decide(d, &command);
    assert_true(again.replay && again.replay_seq == first);
    d->made_id = false; /* an id that was given is */
    assert_refused(d, &command, FSM_EDUPLICATE);
    d->now_ns = at_ns + FSM_IDEM_TTL_NS;
    assert_false(decide(d, &command).replay);
  }
}

static void the_quota_of_keys_holds_at_its_edge_and_frees_itself(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1");
  fsm_command command = send_of("i1", "ADD");
  char idem[16];
  command.idem = idem;
  int64_t first_ns = d->now_ns;
  for (unsigned i = 0; i < FSM_IDEM_QUOTA; i++) {
    fsm__case at = case_of(d, &command);
    fsm__decision decision;
    snprintf(idem, sizeof idem, "k%u", i);
    assert_int_equal(fsm__decide(&at, &decision, NULL), FSM_OK);
    assert_int_equal(decision.refusal.code, FSM_OK);
    apply(d, &decision);
    d->now_ns += SECOND;
  }
  snprintf(idem, sizeof idem, "one more");
  assert_refused(d, &command, FSM_EQUOTA);
  snprintf(idem, sizeof idem, "k0"); /* known ones are still answered */
  assert_true(decide(d, &command).replay);
  command.idem = NULL; /* and commands without a key go on */
  (void)take(d, &command);
  command.idem = idem;
  snprintf(idem, sizeof idem, "one more");
  d->now_ns = first_ns + FSM_IDEM_TTL_NS - 1;
  assert_refused(d, &command, FSM_EQUOTA);
  d->now_ns = first_ns + FSM_IDEM_TTL_NS; /* k0 is over */
  (void)take(d, &command);
  snprintf(idem, sizeof idem, "and one");
  d->now_ns = first_ns + FSM_IDEM_TTL_NS + SECOND - 1;
  assert_refused(d, &command, FSM_EQUOTA);
  d->now_ns = first_ns + FSM_IDEM_TTL_NS + SECOND;
  (void)take(d, &command);
}

/* ---- tasks -------------------------------------------------------------------------------------- */

static fsm__task open_task(desk *d) {
  fsm__task task;
  assert_int_equal(fsm__task_load(d->rig->store, 1, "job", &d->rig->arena, &task, NULL), FSM_OK);
  return task;
}

static fsm_command answer_of(desk *d, fsm_command_kind kind) {
  fsm_command command = fsm_command_new(kind);
  fsm__task task = open_task(d);
  memcpy(command.token, task.token, 16);
  command.correlation = "of the worker";
  return command;
}

static void an_attempt_begins_once_and_in_order(void **state) {
  desk *d = *state;
  (void)started(d, "retried", "r1");
  fsm_command command = answer_of(d, FSM_CMD_TASK_STARTED);
  command.attempt = 2;
  assert_int_equal(decide(d, &command).count, 0);
  command.attempt = 1;
  fsm__decision decision = take(d, &command);
  assert_int_equal(decision.count, 1);
  assert_string_equal(decision.records[0].corr, "corr"); /* the task's own */
  assert_int_equal(decide(d, &command).count, 0);
  fsm__task task = open_task(d);
  assert_true(task.started && task.attempt == 1);
  assert_true(task.next_ns == decision.records[0].time_ns + 5 * SECOND);
}

static void a_heartbeat_without_a_policy_is_taken_and_changes_nothing(void **state) {
  desk *d = *state;
  (void)started(d, "retried", "r1");
  fsm_command beat = answer_of(d, FSM_CMD_TASK_HEARTBEAT), begin = answer_of(d, FSM_CMD_TASK_STARTED);
  assert_int_equal(decide(d, &beat).count, 0);
  begin.attempt = 1;
  (void)take(d, &begin);
  d->now_ns += 3 * SECOND;
  fsm__decision decision = decide(d, &beat);
  assert_true(decision.count == 0 && decision.refusal.code == FSM_OK && decision.silent_ns == 0);
}

static void a_retry_waits_between_a_millisecond_and_its_bound(void **state) {
  desk *d = *state;
  static const int64_t bounds[] = {10 * SECOND, 15 * SECOND, 15 * SECOND}; /* doubled, then its maximum */
  (void)started(d, "retried", "r1");
  for (unsigned attempt = 1; attempt <= 3; attempt++) {
    fsm_command command = answer_of(d, FSM_CMD_TASK_STARTED);
    command.attempt = attempt;
    (void)take(d, &command);
    command = answer_of(d, FSM_CMD_TASK_FAIL);
    command.data = rig_json(d->rig, "{\"message\":\"no\"}");
    int64_t longest = 0;
    for (d->entropy = 0; d->entropy < 64; d->entropy++) {
      fsm__case at = case_of(d, &command);
      at.entropy = d->entropy * 0x9E3779B97F4A7C15u;
      fsm__decision decision;
      assert_int_equal(fsm__decide(&at, &decision, NULL), FSM_OK);
      int64_t wait = fsm_map_get(&decision.records[0].detail, "retry_at")->i - d->now_ns;
      assert_true(wait >= 1000000 && wait <= bounds[attempt - 1]);
      if (wait > longest) longest = wait;
    }
    assert_true(longest > bounds[attempt - 1] / 2);
    (void)take(d, &command);
    assert_true(open_task(d).attempt == attempt && !open_task(d).started);
  }
}

static void a_final_failure_that_nothing_takes_is_kept_and_parks_the_instance(void **state) {
  desk *d = *state;
  (void)started(d, "retried", "r1");
  fsm_command command = answer_of(d, FSM_CMD_TASK_FAIL);
  command.final = true;
  command.data = rig_json(d->rig, "{\"message\":\"no\"}");
  fsm__decision decision = take(d, &command);
  assert_int_equal(decision.count, 2);
  assert_int_equal(decision.records[0].kind, FSM_RECORD_TASK_FAILED);
  assert_int_equal(decision.records[1].kind, FSM_RECORD_INCIDENT_OPENED);
  assert_true(decision.records[0].rev == 2 && decision.records[1].rev == 2);
  assert_string_equal(decision.status, "incident");
}

static void a_task_that_is_done_takes_no_second_answer(void **state) {
  desk *d = *state;
  (void)started(d, "retried", "r1");
  fsm_command command = answer_of(d, FSM_CMD_TASK_COMPLETE);
  fsm__decision decision = take(d, &command);
  assert_string_equal(decision.status, "completed");
  assert_refused(d, &command, FSM_ETASK);
  command.kind = FSM_CMD_TASK_HEARTBEAT;
  assert_refused(d, &command, FSM_ETASK);
}

static void a_token_that_only_looks_right_is_refused(void **state) {
  desk *d = *state;
  (void)started(d, "retried", "r1");
  fsm_command command = answer_of(d, FSM_CMD_TASK_COMPLETE);
  command.token[15] ^= 1;
  assert_refused(d, &command, FSM_ETASK);
  memset(command.token, 0xff, sizeof command.token);
  assert_refused(d, &command, FSM_ETASK);
}

static void tokens_differ_by_record_and_are_the_same_for_the_same(void **state) {
  desk *d = *state;
  fsm_command command = start_of("m", "x");
  fsm__case at = case_of(d, &command);
  uint8_t a[16], b[16], c[16];
  fsm__task_token(&at, 1, "job", 5, a);
  fsm__task_token(&at, 1, "job", 5, b);
  fsm__task_token(&at, 1, "job", 6, c);
  assert_memory_equal(a, b, 16);
  assert_memory_not_equal(a, c, 16);
  char longest[FSM_TIMER_ID_MAX + 1]; /* of an invoke id, too */
  memset(longest, 'j', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  fsm__task_token(&at, 1, longest, 5, b);
  assert_memory_not_equal(a, b, 16);
}

/* ---- time --------------------------------------------------------------------------------------- */

static const fsm_command by_time = {.kind = FSM_CMD_SEND, .expect_rev = -1};

static void a_timeout_before_its_time_decides_nothing(void **state) {
  desk *d = *state;
  fsm__decision decision;
  (void)started(d, "retried", "r1");
  fsm__case at = case_of(d, &by_time);
  assert_int_equal(fsm__decide_task_timeout(&at, 1, "job", 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0); /* no attempt has begun */
  fsm_command command = answer_of(d, FSM_CMD_TASK_STARTED);
  command.attempt = 1;
  (void)take(d, &command);
  at = case_of(d, &by_time);
  at.time_ns = open_task(d).next_ns - 1;
  assert_int_equal(fsm__decide_task_timeout(&at, 1, "job", 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0);
  at.time_ns++;
  assert_int_equal(fsm__decide_task_timeout(&at, 1, "job", 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 1);
  assert_string_equal(decision.records[0].reason, "timeout");
  assert_int_equal(fsm__decide_task_timeout(&at, 1, "nothing", 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0);
}

static void a_timer_that_is_gone_decides_nothing(void **state) {
  desk *d = *state;
  fsm__decision decision;
  (void)started(d, "loop", "l1");
  fsm__case at = case_of(d, &by_time);
  assert_int_equal(fsm__decide_timer(&at, 1, "nothing", 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0);
  assert_int_equal(fsm__decide_timer(&at, 99, "nothing", 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0);
}

static void a_timer_that_loops_parks_and_one_that_is_late_says_so(void **state) {
  desk *d = *state;
  (void)started(d, "loop", "l1");
  fsm__key prefix = fsm__key_instance(1, 't', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm__range_open(&range, d->rig->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  assert_true(found);
  const char *id = fsm_arena_strdup(&d->rig->arena, (const char *)row.key + 9);
  fsm__range_close(&range);
  fsm__case at = case_of(d, &by_time);
  fsm__decision decision;
  at.time_ns += 3 * SECOND;
  assert_int_equal(fsm__decide_timer(&at, 1, id, 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 1);
  assert_int_equal(decision.records[0].kind, FSM_RECORD_INCIDENT_OPENED);
  apply(d, &decision);
  assert_int_equal(fsm__decide_timer(&at, 1, id, 0, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0); /* a parked instance's timer waits */
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(the_same_case_gives_the_same_records_and_touches_no_row),
      T(refused_commands_leave_every_row_as_it_is),
      T(data_against_its_schema_is_refused_at_its_place),
      T(a_false_guard_is_told_with_what_it_saw),
      T(a_macrostep_is_one_frame_with_one_revision),
      T(a_loop_parks_the_instance_and_keeps_the_key),
      T(an_incident_takes_nothing_of_the_step_with_it),
      T(a_key_belongs_to_its_instance_and_its_command),
      T(a_key_lives_for_its_time_and_not_longer),
      T(a_keyed_start_lives_for_its_time_whatever_the_hour),
      T(the_quota_of_keys_holds_at_its_edge_and_frees_itself),
      T(an_attempt_begins_once_and_in_order),
      T(a_heartbeat_without_a_policy_is_taken_and_changes_nothing),
      T(a_retry_waits_between_a_millisecond_and_its_bound),
      T(a_final_failure_that_nothing_takes_is_kept_and_parks_the_instance),
      T(a_task_that_is_done_takes_no_second_answer),
      T(a_token_that_only_looks_right_is_refused),
      T(tokens_differ_by_record_and_are_the_same_for_the_same),
      T(a_timeout_before_its_time_decides_nothing),
      T(a_timer_that_is_gone_decides_nothing),
      T(a_timer_that_loops_parks_and_one_that_is_late_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

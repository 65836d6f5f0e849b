/* test_decide.c: decisions are pure: the same case gives the same records, and deciding changes no row. */
#include "decide_fixture.h"

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

/* a is left after 7 s, entered again at once and left again: that time is told once. */
static void what_is_entered_again_in_a_frame_has_no_time_of_before(void **state) {
  static const char again[] =
      "{\"id\":\"again\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"on\":{\"GO\":"
      "{\"target\":\"b\",\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}}},\"always\":{\"guard\":"
      "{\"@expr\":\"context.n > 0\"},\"target\":\"c\"}},\"b\":{\"always\":\"a\"},\"c\":{}}}";
  desk *d = *state;
  rig_deploy(d->rig, again, ++d->seq);
  fsm_command start = start_of("again", "one"), go = send_of("one", "GO");
  (void)take(d, &start);
  d->now_ns += 7 * SECOND;
  fsm__decision decision = take(d, &go);
  assert_int_equal(decision.count, 3); /* a to b, b to a, a to c */
  assert_true(decision.records[0].elapsed_ns >= 7 * SECOND);
  assert_true(decision.records[1].elapsed_ns == -1);
  assert_true(decision.records[2].elapsed_ns == -1);
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

static void an_output_against_its_schema_is_refused_and_the_task_stays_open(void **state) {
  static const char CHECKED[] =
      "{\"id\":\"checked\",\"initial\":\"w\",\"context\":{\"r\":null},\"schemas\":{\"events\":{"
      "\"xstate.done.actor.job\":{\"type\":\"object\",\"required\":[\"ref\"],\"properties\":{\"ref\":{"
      "\"type\":"
      "\"string\"}}}}},\"states\":{\"w\":{\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"onDone\":{\"target\":"
      "\"ok\","
      "\"context\":{\"r\":{\"@expr\":\"event.output.ref\"}}},\"onError\":\"bad\"}},\"ok\":{\"type\":"
      "\"final\"},"
      "\"bad\":{}}}";
  desk *d = *state;
  rig_deploy(d->rig, CHECKED, 5);
  d->seq = 5;
  (void)started(d, "checked", "c1");
  fsm_command command = answer_of(d, FSM_CMD_TASK_COMPLETE);
  assert_refused(d, &command, FSM_EDATA);
  command.data = rig_json(d->rig, "{\"ref\":7}");
  fsm__decision decision = decide(d, &command);
  assert_int_equal(decision.refusal.code, FSM_EDATA);
  assert_string_equal(decision.refusal.where, "/ref");
  assert_true(decision.rev == 1 && decision.count == 0);
  command.data = rig_json(d->rig, "{\"ref\":\"R-7\"}");
  assert_string_equal(take(d, &command).status, "completed");
}

/* ---- causes -------------------------------------------------------------------------------------- */

static const char *id_of(const desk *d, uint64_t seq) {
  const fsm_command none = fsm_command_new(FSM_CMD_SEND);
  fsm__case at = case_of(d, &none);
  const char *cause = NULL;
  assert_int_equal(fsm__decision_cause(&at, seq, &cause, NULL), FSM_OK);
  return cause;
}

static void a_task_s_records_name_the_one_that_opened_it(void **state) {
  desk *d = *state;
  fsm__decision opened = started(d, "retried", "r1");
  const char *opener = id_of(d, opened.records[0].seq);
  assert_string_equal(opener, "612073746f7265206f66207465737400.0.1.5");
  fsm_command command = answer_of(d, FSM_CMD_TASK_STARTED);
  command.attempt = 1;
  assert_string_equal(take(d, &command).records[0].caus, opener);
  command = answer_of(d, FSM_CMD_TASK_COMPLETE);
  command.causation = "what the worker says";
  assert_string_equal(decide(d, &command).records[0].caus, "what the worker says");
  command.causation = NULL;
  fsm__decision done = take(d, &command);
  assert_true(done.count > 1);
  for (size_t i = 0; i < done.count; i++) {
    assert_string_equal(done.records[i].caus, opener);
    assert_string_equal(done.records[i].corr, "corr");
  }
}

static void a_command_s_records_name_what_it_names(void **state) {
  desk *d = *state;
  fsm_command command = start_of("m", "i1");
  assert_null(decide(d, &command).records[0].caus);
  command.causation = "the order";
  assert_string_equal(take(d, &command).records[0].caus, "the order");
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

/* The one timer of instance 1. */
static fsm__timer only_timer(desk *d) {
  fsm__key prefix = fsm__key_instance(1, 't', NULL, 0);
  fsm__range range;
  fsm__row row;
  fsm__timer timer;
  bool found = false;
  fsm__range_open(&range, d->rig->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  assert_true(found);
  assert_int_equal(fsm__timer_read(&row, &d->rig->arena, &timer, NULL), FSM_OK);
  fsm__range_close(&range);
  return timer;
}

static void a_timer_that_loops_parks_its_instance_and_then_waits(void **state) {
  desk *d = *state;
  (void)started(d, "loop", "l1");
  const fsm__timer timer = only_timer(d);
  fsm__case at = case_of(d, &by_time);
  fsm__decision decision;
  at.time_ns += 3 * SECOND;
  assert_int_equal(fsm__decide_timer(&at, 1, &timer, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 1);
  assert_string_equal(decision.records[0].caus, id_of(d, 5)); /* the record that set it */
  assert_string_equal(decision.records[0].corr, "corr");
  assert_int_equal(decision.records[0].kind, FSM_RECORD_INCIDENT_OPENED);
  apply(d, &decision);
  assert_int_equal(fsm__decide_timer(&at, 1, &timer, &decision, NULL), FSM_OK);
  assert_int_equal(decision.count, 0);
}

/* Of parallel regions, as of one. */
static const char LEVELS[] =
    "{\"id\":\"levels\",\"meta\":{\"fsm\":{\"level\":3}},\"type\":\"parallel\",\"on\":{\"PLAIN\":{}},"
    "\"states\":{"
    "\"a\":{\"initial\":\"x\",\"states\":{\"x\":{\"on\":{\"GO\":{\"target\":\"y\",\"meta\":{\"fsm\":{"
    "\"level\":5}}}}},"
    "\"y\":{\"on\":{\"END\":{\"target\":\"z\",\"meta\":{\"fsm\":{\"level\":0}}}}},\"z\":{\"type\":\"final\"}}"
    "},"
    "\"b\":{\"initial\":\"x\",\"states\":{\"x\":{\"on\":{\"GO\":{\"target\":\"z\",\"meta\":{\"fsm\":{"
    "\"level\":255}}}}},"
    "\"z\":{\"type\":\"final\"}}}}}";

static void a_record_has_the_level_of_its_transition_or_its_machine(void **state) {
  desk *d = *state;
  rig_deploy(d->rig, LEVELS, ++d->seq);
  fsm__decision decision = started(d, "levels", "l1");
  assert_int_equal(decision.records[0].level, 3);
  decision = sent(d, "l1", "PLAIN");
  assert_int_equal(decision.records[0].kind, FSM_RECORD_TRANSITION);
  assert_int_equal(decision.records[0].level, 3);
  decision = sent(d, "l1", "GO");
  assert_int_equal(decision.records[0].level, 255); /* the higher of two */
  decision = sent(d, "l1", "END");
  assert_int_equal(decision.records[0].level, 0);
  assert_int_equal(decision.records[decision.count - 1].kind, FSM_RECORD_COMPLETED);
  assert_int_equal(decision.records[decision.count - 1].level, 3);
  decision = started(d, "m", "i1");
  assert_int_equal(decision.records[0].level, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_record_has_the_level_of_its_transition_or_its_machine),
      T(the_same_case_gives_the_same_records_and_touches_no_row),
      T(refused_commands_leave_every_row_as_it_is),
      T(data_against_its_schema_is_refused_at_its_place),
      T(a_false_guard_is_told_with_what_it_saw),
      T(a_macrostep_is_one_frame_with_one_revision),
      T(what_is_entered_again_in_a_frame_has_no_time_of_before),
      T(a_loop_parks_the_instance_and_keeps_the_key),
      T(an_incident_takes_nothing_of_the_step_with_it),
      T(an_attempt_begins_once_and_in_order),
      T(a_heartbeat_without_a_policy_is_taken_and_changes_nothing),
      T(a_retry_waits_between_a_millisecond_and_its_bound),
      T(a_final_failure_that_nothing_takes_is_kept_and_parks_the_instance),
      T(a_task_that_is_done_takes_no_second_answer),
      T(a_token_that_only_looks_right_is_refused),
      T(tokens_differ_by_record_and_are_the_same_for_the_same),
      T(an_output_against_its_schema_is_refused_and_the_task_stays_open),
      T(a_task_s_records_name_the_one_that_opened_it),
      T(a_command_s_records_name_what_it_names),
      T(a_timeout_before_its_time_decides_nothing),
      T(a_timer_that_loops_parks_its_instance_and_then_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

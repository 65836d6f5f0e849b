/* test_decide_absent.c: commands that make the instance when no open one has the key: both or neither, once.
 */
#include "decide_fixture.h"

static const char AT_ONCE[] = "{\"id\":\"atonce\",\"initial\":\"z\",\"states\":{\"z\":{\"type\":\"final\"}}}";
static const char PARKED[] =
    "{\"id\":\"parked\",\"initial\":\"a\",\"context\":{\"zero\":0},\"states\":{\"a\":{\"on\":{\"GO\":\"b\"},"
    "\"always\":{\"target\":\"b\",\"guard\":{\"@expr\":\"1 / context.zero == 1\"}}},\"b\":{}}}";

static fsm_command send_absent(const char *machine, const char *key, const char *event) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.machine = machine;
  command.key = key;
  command.event = event;
  command.if_absent = true;
  command.instance = "made"; /* as admission would make it */
  command.correlation = "corr";
  return command;
}

static fsm__instance instance_of(desk *d, const char *id) {
  fsm__instance in;
  uint64_t number = 0;
  assert_int_equal(fsm__instance_number(d->rig->store, id, &number, NULL), FSM_OK);
  assert_int_equal(fsm__instance_load(d->rig->store, d->rig->catalog, number, &d->rig->arena, &in, NULL),
                   FSM_OK);
  return in;
}

static void nothing_there_makes_an_instance_and_sends_in_one_frame(void **state) {
  desk *d = *state;
  fsm_command command = send_absent("chain", "K1", "GO");
  command.input = rig_json(d->rig, "{\"who\":\"ana\"}");
  command.data = rig_json(d->rig, "{\"x\":1}");
  command.labels = rig_json(d->rig, "{\"team\":\"it\"}");
  fsm__decision decision = take(d, &command);
  static const fsm_record_kind kinds[] = {FSM_RECORD_CREATED, FSM_RECORD_TRANSITION, FSM_RECORD_TRANSITION,
                                          FSM_RECORD_TRANSITION, FSM_RECORD_COMPLETED};
  assert_int_equal(decision.count, 5);
  for (unsigned i = 0; i < 5; i++) {
    assert_int_equal(decision.records[i].kind, kinds[i]);
    assert_true(decision.records[i].rev == 1);
    assert_string_equal(decision.records[i].corr, "corr");
    assert_string_equal(decision.records[i].key, "K1");
  }
  assert_true(decision.created && decision.rev == 1);
  assert_string_equal(decision.instance_id, "made");
  assert_string_equal(decision.status, "completed");
  assert_true(fsm_is(&decision.from, FSM_NULL) && fsm_is_text(&decision.to.items[0], "end"));
  fsm__instance in = instance_of(d, "made");
  assert_true(in.rev == 1 && fsm_map_get(&in.context, "n")->i == 1);
  assert_true(fsm_is_text(fsm_map_get(&in.labels, "team"), "it"));
}

static void what_the_event_sets_and_opens_is_that_of_the_new_instance(void **state) {
  desk *d = *state;
  (void)started(d, "m", "other");
  fsm_command command = send_absent("m", "K1", "GO");
  fsm__decision decision = take(d, &command);
  fsm__instance in = instance_of(d, "made");
  fsm__task task;
  assert_int_equal(decision.count, 2);
  assert_true(in.number == 2);
  assert_int_equal(fsm__task_load(d->rig->store, 2, "job", &d->rig->arena, &task, NULL), FSM_OK);
  assert_true(fsm__key_read_u64(task.token) == 2 && task.seq == decision.records[1].seq);
  (void)sent(d, "made", "NEXT");
  (void)sent(d, "made", "END");
}

static void an_open_one_takes_the_event_and_no_other_is_made(void **state) {
  desk *d = *state;
  fsm_command command = send_absent("m", "K1", "ADD");
  (void)take(d, &command);
  command.instance = "another";
  fsm__decision decision = take(d, &command);
  assert_false(decision.created);
  assert_int_equal(decision.count, 1);
  assert_true(decision.rev == 2);
  assert_string_equal(decision.instance_id, "made");
  assert_int_equal(rig_count(d->rig, FSM_T_IDS, NULL, 0), 1);
  fsm__instance in = instance_of(d, "made");
  assert_true(fsm_map_get(&in.context, "n")->i == 2);
}

static void what_is_refused_makes_nothing(void **state) {
  desk *d = *state;
  rig_deploy(d->rig, AT_ONCE, 5);
  rig_deploy(d->rig, PARKED, 6);
  d->seq = 6;
  (void)started(d, "m", "taken");
  const fsm_value who = rig_json(d->rig, "{\"who\":\"ana\"}"), x = rig_json(d->rig, "{\"x\":1}");
  struct {
    fsm_command command;
    fsm_code code;
    const char *where;
  } cases[] = {{send_absent("nothing", "K", "GO"), FSM_EMACHINE, "machine"},
               {send_absent("m", "K", "GO"), FSM_EMACHINE, "version"},
               {send_absent("m", "K", "GO"), FSM_EEXISTS, "id"},
               {send_absent("m", "K", "GO"), FSM_ESTALE, "rev"},
               {send_absent("m", "K", "NEXT"), FSM_ENOTRANSITION, "event"},
               {send_absent("m", "K", "NEVER"), FSM_EEVENT, "event"},
               {send_absent("m", "K", "HIGH"), FSM_EGUARD, "event"},
               {send_absent("chain", "K", "GO"), FSM_EDATA, ""},
               {send_absent("chain", "K", "GO"), FSM_EDATA, ""},
               {send_absent("loop", "K", "GO"), FSM_ELOOP, "event"},
               {send_absent("atonce", "K", "GO"), FSM_ECOMPLETED, "event"},
               {send_absent("parked", "K", "GO"), FSM_EINCIDENT, "event"}};
  cases[1].command.version = 9;
  cases[2].command.instance = "taken";
  cases[3].command.expect_rev = 1;
  cases[7].command.input = who;
  cases[8].command.data = x;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm__decision decision = decide(d, &cases[i].command);
    if (decision.refusal.code != cases[i].code)
      fail_msg("case %zu: %s (%s)", i, fsm_code_name(decision.refusal.code), decision.refusal.text);
    assert_int_equal(decision.count, 0);
    assert_null(decision.instance);
    assert_false(decision.created);
    assert_true(decision.rev == 0 && decision.status == NULL);
    if (*cases[i].where) assert_string_equal(decision.refusal.where, cases[i].where);
  }
}

static void a_false_guard_of_a_new_instance_says_what_it_saw(void **state) {
  desk *d = *state;
  fsm_command command = send_absent("m", "K1", "HIGH");
  fsm__decision decision = decide(d, &command);
  assert_int_equal(decision.refusal.code, FSM_EGUARD);
  assert_non_null(strstr(decision.refusal.text, "in state \"a\": the guard is false: context.n > 5"));
  const fsm_value *candidates = fsm_map_get(&decision.detail, "candidates");
  assert_true(fsm_map_get(fsm_map_get(&candidates->items[0], "seen"), "context.n")->i == 0);
}

static void a_key_covers_both_whatever_becomes_of_the_instance(void **state) {
  desk *d = *state;
  fsm_command command = send_absent("m", "K1", "GO"), again;
  d->made_id = true;
  command.idem = "first";
  uint64_t first = d->seq + 1;
  (void)take(d, &command);
  again = command;
  again.instance = "another made id";
  assert_true(decide(d, &again).replay_seq == first); /* while it is open */
  (void)sent(d, "made", "NEXT");
  (void)sent(d, "made", "END");
  assert_true(decide(d, &again).replay_seq == first); /* when it has ended */
  command = send_absent("m", "K1", "ADD");
  command.instance = "second";
  command.idem = "second";
  (void)take(d, &command);
  assert_true(decide(d, &again).replay_seq == first); /* when another one has its key */
  again.event = "ADD";
  assert_refused(d, &again, FSM_EDUPLICATE);
  again = send_absent("m", "K1", "ADD"); /* and a key used on one that was open */
  again.idem = "third";
  uint64_t third = d->seq + 1;
  (void)take(d, &again);
  assert_true(decide(d, &again).replay_seq == third);
}

static void a_start_is_answered_with_the_open_one_of_its_key(void **state) {
  desk *d = *state;
  fsm_command command = start_of("m", "i1");
  command.key = "K1";
  command.if_absent = true;
  assert_true(take(d, &command).created);
  (void)sent(d, "i1", "GO");
  command.instance = "i2";
  fsm__decision decision = take(d, &command);
  assert_int_equal(decision.count, 0);
  assert_false(decision.created);
  assert_string_equal(decision.instance_id, "i1");
  assert_true(decision.rev == 2 && fsm_is_text(&decision.to.items[0], "b.x"));
  command.if_absent = false;
  assert_refused(d, &command, FSM_EEXISTS);
  (void)sent(d, "i1", "NEXT");
  (void)sent(d, "i1", "END");
  command.if_absent = true;
  assert_true(take(d, &command).created);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(nothing_there_makes_an_instance_and_sends_in_one_frame),
      T(what_the_event_sets_and_opens_is_that_of_the_new_instance),
      T(an_open_one_takes_the_event_and_no_other_is_made),
      T(what_is_refused_makes_nothing),
      T(a_false_guard_of_a_new_instance_says_what_it_saw),
      T(a_key_covers_both_whatever_becomes_of_the_instance),
      T(a_start_is_answered_with_the_open_one_of_its_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_decide_idem.c: a key gives the first answer again, for its time, for what was asked, within its quota.
 */
#include "decide_fixture.h"

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

static void a_keyed_start_lives_for_its_time_whatever_the_span(void **state) {
  desk *d = *state;
  const int64_t span = FSM_IDEM_SPAN_NS, offsets[] = {0, 1, span - 1, span / 2};
  for (unsigned i = 0; i < 4; i++) {
    const char *idem = fsm_arena_printf(&d->rig->arena, "start-%u", i);
    d->now_ns = (d->now_ns / span + 6) * span + offsets[i];
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

static void take_keyed(desk *d, fsm_command *command, const char *idem) {
  fsm__case at = case_of(d, command);
  fsm__decision decision;
  command->idem = idem;
  assert_int_equal(fsm__decide(&at, &decision, NULL), FSM_OK);
  assert_int_equal(decision.refusal.code, FSM_OK);
  apply(d, &decision);
}

static void the_quota_of_keys_holds_at_its_edge_and_frees_itself(void **state) {
  desk *d = *state;
  (void)started(d, "m", "i1");
  fsm_command command = send_of("i1", "ADD");
  char idem[16];
  const int64_t span_end = (fsm__idem_span(d->now_ns) + 1) * FSM_IDEM_SPAN_NS;
  for (unsigned i = 0; i < FSM_IDEM_QUOTA; i++) {
    snprintf(idem, sizeof idem, "k%u", i);
    take_keyed(d, &command, idem);
    d->now_ns += SECOND;
  }
  assert_true(d->now_ns < span_end);
  command.idem = "one more";
  assert_refused(d, &command, FSM_EQUOTA);
  command.idem = "k0"; /* known ones are still answered */
  assert_true(decide(d, &command).replay);
  command.idem = NULL; /* and commands without a key go on */
  (void)take(d, &command);
  command.idem = "one more";
  d->now_ns = span_end + FSM_IDEM_TTL_NS - 1;
  assert_refused(d, &command, FSM_EQUOTA);
  d->now_ns = span_end + FSM_IDEM_TTL_NS;
  (void)take(d, &command);
  fsm__instance in;
  assert_int_equal(fsm__instance_load(d->rig->store, d->rig->catalog, 1, &d->rig->arena, &in, NULL), FSM_OK);
  assert_int_equal(in.idem_rows, FSM_IDEM_QUOTA - 16 + 1);
}

static void the_quota_of_creations_holds_at_its_edge_and_frees_itself(void **state) {
  desk *d = *state;
  fsm_command command = start_of("m", "i1");
  const int64_t span_end = (fsm__idem_span(d->now_ns) + 1) * FSM_IDEM_SPAN_NS;
  take_keyed(d, &command, "first");
  fsm__starts starts;
  assert_int_equal(fsm__starts_load(d->rig->store, &starts, NULL), FSM_OK);
  assert_int_equal(starts.rows, 1);
  starts.rows = FSM_IDEM_STARTS_MAX - 1; /* as if that many had been made */
  fsm__starts_put(d->rig->store, &starts);
  command.instance = "i2";
  take_keyed(d, &command, "second");
  command.instance = "i3";
  command.idem = "third";
  assert_refused(d, &command, FSM_EQUOTA);
  command.idem = NULL;
  (void)take(d, &command);
  command.instance = "i4";
  command.idem = "third";
  d->now_ns = span_end + FSM_IDEM_TTL_NS - 1;
  assert_refused(d, &command, FSM_EQUOTA);
  d->now_ns = span_end + FSM_IDEM_TTL_NS;
  (void)take(d, &command);
  assert_int_equal(fsm__starts_load(d->rig->store, &starts, NULL), FSM_OK);
  assert_int_equal(starts.rows, FSM_IDEM_STARTS_MAX - 2 + 1); /* the two that are over are counted no more */
}

/* ---- what was asked ----------------------------------------------------------------------------- */

static void everything_that_was_asked_is_part_of_the_fingerprint(void **state) {
  desk *d = *state;
  fsm_command base = fsm_command_new(FSM_CMD_SEND);
  base.idem = "once";
  fsm_value map = rig_json(d->rig, "{\"a\":1}"), list = rig_json(d->rig, "[\"a\"]");
  fsm_command other[16];
  unsigned n = 0;
#define ASKED(change) (other[n] = base, other[n].change, n++)
  ASKED(kind = FSM_CMD_START);
  ASKED(machine = "x");
  ASKED(instance = "x");
  ASKED(key = "x");
  ASKED(event = "x");
  ASKED(name = "x");
  ASKED(reason = "x");
  ASKED(version = 1);
  ASKED(if_absent = true);
  ASKED(labels = map);
  ASKED(data = map);
  ASKED(input = map);
  ASKED(states = list);
  ASKED(actor = rig_json(d->rig, "{\"sub\":\"ana\"}"));
  ASKED(actor = rig_json(d->rig, "{\"iss\":\"ana\"}"));
  ASKED(actor = rig_json(d->rig, "{\"type\":\"ana\"}"));
  assert_int_equal(n, sizeof other / sizeof other[0]);
  fsm__idem_key keys[16];
  for (unsigned i = 0; i < n; i++) {
    fsm__case at = case_of(d, &other[i]), at_base = case_of(d, &base);
    fsm__idem_key first;
    assert_int_equal(fsm__idem_key_of(&at, &keys[i], NULL), FSM_OK);
    assert_int_equal(fsm__idem_key_of(&at_base, &first, NULL), FSM_OK);
    assert_memory_equal(keys[i].hash, first.hash, 16);
    assert_memory_not_equal(keys[i].fingerprint, first.fingerprint, 16);
    for (unsigned j = 0; j < i; j++) assert_memory_not_equal(keys[i].fingerprint, keys[j].fingerprint, 16);
  }
}

static void how_it_was_asked_is_no_part_of_the_fingerprint(void **state) {
  desk *d = *state;
  fsm_command base = fsm_command_new(FSM_CMD_SEND);
  base.idem = "once";
  base.actor = rig_json(d->rig, "{\"sub\":\"ana\",\"sid\":\"1\"}");
  fsm_command again = base;
  again.expect_rev = 7;
  again.correlation = again.causation = again.request = "x";
  again.trace = rig_json(d->rig, "[1]");
  again.actor = rig_json(d->rig, "{\"sub\":\"ana\",\"sid\":\"2\",\"roles\":[]}");
  fsm__case at = case_of(d, &base), at_again = case_of(d, &again);
  fsm__idem_key key, key_again;
  assert_int_equal(fsm__idem_key_of(&at, &key, NULL), FSM_OK);
  assert_int_equal(fsm__idem_key_of(&at_again, &key_again, NULL), FSM_OK);
  assert_memory_equal(key.fingerprint, key_again.fingerprint, 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_key_belongs_to_its_instance_and_its_command),
      T(a_key_lives_for_its_time_and_not_longer),
      T(a_keyed_start_lives_for_its_time_whatever_the_span),
      T(the_quota_of_keys_holds_at_its_edge_and_frees_itself),
      T(the_quota_of_creations_holds_at_its_edge_and_frees_itself),
      T(everything_that_was_asked_is_part_of_the_fingerprint),
      T(how_it_was_asked_is_no_part_of_the_fingerprint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

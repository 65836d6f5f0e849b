/* Rows under an operator's records: statuses, the count of incidents, and records that cannot be of this
 * instance. */
#include "apply_fixture.h"

static int setup(void **state) {
  rig *r = rig_new();
  rig_deploy(r, RIG_MACHINE, 1);
  apply(r, created(r, 1));
  *state = r;
  return 0;
}

static int teardown(void **state) {
  rig_free(*state);
  return 0;
}

static fsm_record incident(rig *r, uint64_t seq, const char *detail) {
  fsm_record record = rec(r, FSM_RECORD_INCIDENT_OPENED, seq);
  record.reason = "loop_limit";
  record.detail = rig_json(r, detail);
  return record;
}

static fsm_record by_operator(rig *r, fsm_record_kind kind, uint64_t seq) {
  fsm_record record = rec(r, kind, seq);
  record.cause = FSM_CAUSE_ADMIN;
  record.detail = rig_json(r, "{\"reason\":\"why\"}");
  return record;
}

static void assert_bad(rig *r, fsm_record record, const char *text) {
  fsm_error err = {.text = ""};
  const char *rows = rig_dump(r);
  assert_int_equal(apply_frame(r, &record, 1, &err), FSM_ECORRUPT);
  if (strstr(err.text, text) == NULL) fail_msg("%s, not %s", err.text, text);
  assert_string_equal(rig_dump(r), rows);
}

static void statuses_come_and_go(void **state) {
  rig *r = *state;
  apply(r, by_operator(r, FSM_RECORD_PAUSED, 2));
  assert_int_equal(loaded(r).status, FSM_PAUSED);
  apply(r, by_operator(r, FSM_RECORD_RESUMED, 3));
  assert_int_equal(loaded(r).status, FSM_RUNNING);
  apply(r, by_operator(r, FSM_RECORD_FORCED, 4));
  assert_true(loaded(r).forced && loaded(r).status == FSM_RUNNING);
  apply(r, by_operator(r, FSM_RECORD_PAUSED, 5));
  assert_true(loaded(r).forced); /* for ever */
}

static void an_incident_keeps_what_was_tried_until_it_is_closed(void **state) {
  rig *r = *state;
  apply(r, incident(r, 2, "{\"text\":\"it loops\",\"tried\":{\"event\":\"GO\"}}"));
  fsm__instance in = loaded(r);
  assert_int_equal(in.status, FSM_INCIDENT);
  assert_non_null(fsm_map_get(&in.incident, "tried"));
  assert_int_equal(rig_counter(r->store, "incidents"), 1);
  apply(r, incident(r, 3, "{\"text\":\"again\"}")); /* one instance, one incident */
  assert_int_equal(rig_counter(r->store, "incidents"), 1);
  apply(r, by_operator(r, FSM_RECORD_INCIDENT_CLOSED, 4));
  in = loaded(r);
  assert_true(in.status == FSM_RUNNING && fsm_is(&in.incident, FSM_NULL));
  assert_int_equal(rig_counter(r->store, "incidents"), 0);
}

static void what_is_cancelled_is_open_nowhere(void **state) {
  rig *r = *state;
  apply(r, entered(r, 2));
  assert_true(indexed(r, "b.x", 2) && is_due(r, 2, 'k', "job"));
  fsm_record record = by_operator(r, FSM_RECORD_CANCELLED, 3);
  record.detail = rig_json(r, "{\"reason\":\"why\",\"keep_until\":77}");
  apply(r, record);
  fsm__instance in = loaded(r);
  assert_int_equal(in.status, FSM_CANCELLED);
  assert_non_null(fsm_map_get(&in.cancelled, "reason"));
  assert_int_equal(rig_count(r, FSM_T_BY_STATE, NULL, 0), 0);
  assert_true(rows_of_type(r, 't') == 0 && rows_of_type(r, 'k') == 0);
  assert_true(is_due(r, 77, 'p', "keep") && rig_count(r, FSM_T_DUE, NULL, 0) == 1);
  apply(r, by_operator(r, FSM_RECORD_NOTE, 4)); /* a note may still be made */
  assert_true(loaded(r).status == FSM_CANCELLED && loaded(r).last_seq == 4);
  assert_int_equal(rig_count(r, FSM_T_BY_STATE, NULL, 0), 0);
}

static void what_does_not_fit_the_status_is_damage(void **state) {
  rig *r = *state;
  assert_bad(r, by_operator(r, FSM_RECORD_RESUMED, 2), "is of an instance that is: running");
  assert_bad(r, by_operator(r, FSM_RECORD_INCIDENT_CLOSED, 2), "is of an instance that is: running");
  fsm_record purge = by_operator(r, FSM_RECORD_PURGED, 2);
  assert_bad(r, purge, "does not say what is purged");
  purge.detail = rig_json(r, "{\"due\":77,\"rows\":0}");
  assert_bad(r, purge, "is of an instance that is: running");
  apply(r, by_operator(r, FSM_RECORD_CANCELLED, 2));
  assert_bad(r, by_operator(r, FSM_RECORD_PAUSED, 3), "is of an instance that is: cancelled");
  assert_bad(r, by_operator(r, FSM_RECORD_FORCED, 3), "is of an instance that is: cancelled");
  purge.detail = rig_json(r, "{\"due\":77,\"rows\":129}");
  assert_bad(r, purge, "does not say what is purged"); /* 128 is the most */
}

/* The parts of a purge: so many rows, and the rest is due later. */
static void a_part_leaves_the_instance_and_the_last_one_nothing(void **state) {
  rig *r = *state;
  for (uint64_t seq = 2; seq < 7; seq++) {
    fsm_record refused = rec(r, FSM_RECORD_REJECTED, seq);
    refused.reason = "no_transition";
    apply(r, refused);
  }
  fsm_record end = by_operator(r, FSM_RECORD_CANCELLED, 7);
  end.detail = rig_json(r, "{\"reason\":\"why\",\"keep_until\":77}");
  apply(r, end);
  fsm_record part = by_operator(r, FSM_RECORD_PURGED, 8);
  part.detail = rig_json(r, "{\"due\":77,\"rows\":3,\"next\":99}");
  apply(r, part);
  assert_true(rows_of_type(r, 'r') == 2 && rows_of_type(r, 's') == 1);
  assert_true(is_due(r, 99, 'p', "keep") && rig_count(r, FSM_T_DUE, NULL, 0) == 1);
  assert_int_equal(loaded(r).last_seq, 8);
  fsm_record last = by_operator(r, FSM_RECORD_PURGED, 9);
  last.detail = rig_json(r, "{\"due\":99,\"rows\":2}");
  apply(r, last);
  assert_int_equal(rig_count(r, FSM_T_INSTANCES, NULL, 0), 0);
  assert_int_equal(rig_count(r, FSM_T_IDS, NULL, 0), 0);
  assert_int_equal(rig_count(r, FSM_T_KEYS, NULL, 0), 0);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
}

/* The business key may have ended with another instance since. */
static void the_key_of_a_later_instance_is_left_alone(void **state) {
  rig *r = *state;
  apply(r, by_operator(r, FSM_RECORD_CANCELLED, 2));
  fsm_record second = created(r, 3);
  second.inst = "i2";
  apply(r, second);
  fsm_record cancelled = by_operator(r, FSM_RECORD_CANCELLED, 4);
  cancelled.inst = "i2";
  apply(r, cancelled);
  fsm_record purge = by_operator(r, FSM_RECORD_PURGED, 5);
  purge.detail = rig_json(r, "{\"due\":77,\"rows\":0}");
  apply(r, purge);
  assert_int_equal(rig_count(r, FSM_T_KEYS, NULL, 0), 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(statuses_come_and_go),
      T(an_incident_keeps_what_was_tried_until_it_is_closed),
      T(what_is_cancelled_is_open_nowhere),
      T(what_does_not_fit_the_status_is_damage),
      T(a_part_leaves_the_instance_and_the_last_one_nothing),
      T(the_key_of_a_later_instance_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

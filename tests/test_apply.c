/* test_apply.c: records made by hand become rows, kind by kind; replay gives the same rows. */
#include "apply_fixture.h"

/* ---- kind by kind ------------------------------------------------------------------------------- */

static void created_makes_the_instance_and_its_indexes(void **state) {
  rig *r = *state;
  apply(r, created(r, 10));
  fsm__instance in = loaded(r);
  assert_true(in.number == 1 && in.rev == 10 && in.last_seq == 10 && in.created_seq == 10);
  assert_true(in.created_ns == 10 * SECOND && in.updated_ns == 10 * SECOND);
  assert_int_equal(in.status, FSM_RUNNING);
  assert_string_equal(in.key, "K1");
  assert_true(fsm_map_get(&in.context, "n")->i == 0);
  assert_int_equal(in.active_count, 2);
  assert_true(indexed(r, "a", 10));
  assert_int_equal(rig_count(r, FSM_T_BY_STATE, NULL, 0), 1); /* the root is in no index */
  uint64_t number = 0;
  assert_int_equal(fsm__instance_by_key(r->store, 1, "K1", &number, NULL), FSM_OK);
  assert_true(number == 1);
}

static void a_transition_moves_the_index_sets_timers_and_opens_tasks(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  assert_false(indexed(r, "a", 1));
  assert_true(indexed(r, "b", 2) && indexed(r, "b.x", 2));
  assert_true(is_timer_due(r, 90 * SECOND, "t1", 2) && is_due(r, 2, 'k', "job"));
  fsm__task task;
  assert_int_equal(task_of(r, &task), FSM_OK);
  assert_memory_equal(task.token, TOKEN, 16);
  assert_true(task.attempts == 3 && task.attempt == 0 && !task.started && task.timeout_ns == 5 &&
              task.seq == 2);
  assert_string_equal(task.corr, "corr");
}

static void a_state_that_stays_active_keeps_its_time(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record move = rec(r, FSM_RECORD_TRANSITION, 3);
  move.to = move.since = rig_json(r, "[\"b.y\"]");
  apply(r, move);
  assert_true(indexed(r, "b", 2) && indexed(r, "b.y", 3));
  assert_false(indexed(r, "b.x", 2));
}

static void a_state_that_is_entered_again_gets_a_new_time(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm_record again = rec(r, FSM_RECORD_TRANSITION, 2);
  again.to = again.since = rig_json(r, "[\"a\"]");
  apply(r, again);
  assert_false(indexed(r, "a", 1));
  assert_true(indexed(r, "a", 2));
}

/* i1 in both regions of version 2 of its machine. */
static fsm_record in_regions(rig *r, fsm_record_kind kind, uint64_t seq, const char *hist) {
  fsm_record record = rec(r, kind, seq);
  record.def = fsm__catalog_find(r->catalog, "m", 2)->hash.bytes;
  record.defv = 2;
  record.to = rig_json(r, "[\"w.l.a\",\"w.r.a\"]");
  if (hist != NULL) record.hist = rig_json(r, hist);
  return record;
}

static void every_active_state_of_every_region_is_indexed(void **state) {
  rig *r = *state;
  rig_deploy(r, REGIONS, 2);
  apply(r, in_regions(r, FSM_RECORD_CREATED, 3, NULL));
  assert_true(indexed(r, "w", 3) && indexed(r, "w.l", 3) && indexed(r, "w.r", 3));
  assert_true(indexed(r, "w.l.a", 3) && indexed(r, "w.r.a", 3));
  fsm_record move = in_regions(r, FSM_RECORD_TRANSITION, 4, NULL);
  move.to = rig_json(r, "[\"w.l.b\",\"w.r.a\"]");
  move.since = rig_json(r, "[\"w.l.b\"]");
  apply(r, move);
  assert_true(indexed(r, "w.l.b", 4) && indexed(r, "w.r.a", 3));
  assert_int_equal(rig_count(r, FSM_T_BY_STATE, NULL, 0), 5);
}

static void a_history_stands_until_another_is_recorded_and_goes_with_an_empty_one(void **state) {
  rig *r = *state;
  rig_deploy(r, REGIONS, 2);
  apply(r, in_regions(r, FSM_RECORD_CREATED, 3, NULL));
  fsm__instance in = loaded(r);
  assert_false(fsm_is(&in.history, FSM_MAP));
  apply(r, in_regions(r, FSM_RECORD_TRANSITION, 4, "{\"w.h\":[\"w.l.b\",\"w.r.a\"],\"#bound\":[\"w\"]}"));
  apply(r, in_regions(r, FSM_RECORD_TRANSITION, 5, NULL));
  fsm_value wanted = rig_json(r, "{\"w.h\":[\"w.l.b\",\"w.r.a\"],\"#bound\":[\"w\"]}");
  in = loaded(r);
  assert_true(fsm_value_same(&in.history, &wanted));
  apply(r, in_regions(r, FSM_RECORD_CONTEXT, 6, "{}"));
  in = loaded(r);
  assert_false(fsm_is(&in.history, FSM_MAP));
}

static void a_history_that_the_machine_does_not_have_is_corrupt(void **state) {
  rig *r = *state;
  rig_deploy(r, REGIONS, 2);
  apply(r, in_regions(r, FSM_RECORD_CREATED, 3, NULL));
  static const char *const cases[] = {"{\"w.l\":[\"w.l.a\"]}", "{\"w.h\":[\"nowhere\"]}",
                                      "{\"w.h\":\"w.l.a\"}", "{\"h\":[]}", "{\"\":[]}"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_record record = in_regions(r, FSM_RECORD_TRANSITION, 4, cases[i]);
    fsm_error err = {.text = ""};
    if (apply_frame(r, &record, 1, &err) != FSM_ECORRUPT) fail_msg("%s is taken", cases[i]);
    assert_string_equal(err.where, "seq 4");
  }
}

static void a_context_record_changes_fields_and_adds_them(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm_record change = rec(r, FSM_RECORD_CONTEXT, 2);
  set_context(r, &change, "{\"n\":[0,1],\"who\":[\"ana\"]}", "{\"n\":1,\"who\":\"ana\"}");
  apply(r, change);
  fsm__instance in = loaded(r);
  assert_true(fsm_map_get(&in.context, "n")->i == 1);
  assert_true(fsm_is_text(fsm_map_get(&in.context, "who"), "ana"));
  assert_memory_equal(in.context_hash.bytes, change.ctxh, FSM_HASH_BYTES);
  assert_true(indexed(r, "a", 1));
}

static void an_attempt_that_begins_is_due_at_its_deadline(void **state) {
  rig *r = *state;
  fsm__task task;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  apply(r, task_record(r, FSM_RECORD_TASK_STARTED, 3, "{\"task\":\"job\",\"deadline\":77}"));
  assert_int_equal(task_of(r, &task), FSM_OK);
  assert_true(task.started && task.attempt == 1 && task.next_ns == 77 && task.begun_ns == 3 * SECOND &&
              !task.later);
  assert_true(is_due(r, 77, 'k', "job"));
  assert_false(is_due(r, 2, 'k', "job"));
  apply(r, task_record(r, FSM_RECORD_TASK_STARTED, 4, "{\"task\":\"job\",\"deadline\":99}"));
  assert_true(is_due(r, 99, 'k', "job"));
  assert_false(is_due(r, 77, 'k', "job"));
}

static void a_failed_attempt_waits_for_the_next_or_is_gone(void **state) {
  rig *r = *state;
  fsm__task task;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  apply(r, task_record(r, FSM_RECORD_TASK_STARTED, 3, "{\"task\":\"job\",\"deadline\":77}"));
  apply(r, task_record(r, FSM_RECORD_TASK_FAILED, 4, "{\"task\":\"job\",\"retry_at\":88}"));
  assert_int_equal(task_of(r, &task), FSM_OK);
  assert_true(!task.started && task.attempt == 1 && task.next_ns == 88 && task.seq == 2);
  assert_true(is_due(r, 88, 'k', "job"));
  apply(r, task_record(r, FSM_RECORD_TASK_FAILED, 5, "{\"task\":\"job\"}"));
  assert_int_equal(task_of(r, &task), FSM_ENOTFOUND);
  assert_false(is_due(r, 88, 'k', "job"));
}

static void a_task_that_is_done_and_a_timer_that_fired_are_gone(void **state) {
  rig *r = *state;
  fsm__task task;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  apply(r, task_record(r, FSM_RECORD_TASK_DONE, 3, "{\"task\":\"job\"}"));
  assert_int_equal(task_of(r, &task), FSM_ENOTFOUND);
  fsm_record fired = rec(r, FSM_RECORD_TIMER_FIRED, 4);
  fired.detail = rig_json(r, "{\"timer\":\"t1\",\"set\":2}");
  apply(r, fired);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
  assert_int_equal(rows_of_type(r, 't') + rows_of_type(r, 'k'), 0);
}

static void cancelling_what_is_not_there_changes_nothing(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record cancel = rec(r, FSM_RECORD_CONTEXT, 3);
  cancel.timers = rig_json(r, "[{\"cancel\":\"nothing\"},{\"cancel\":\"t1\"}]");
  cancel.tasks = rig_json(r, "[{\"cancel\":\"nothing\"},{\"cancel\":\"job\"},{\"cancel\":\"job\"}]");
  apply(r, cancel);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
}

static void a_timer_that_is_set_again_is_two_until_both_are_cancelled(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record again = rec(r, FSM_RECORD_CONTEXT, 3);
  again.timers = rig_json(r,
                          "[{\"id\":\"t1\",\"event\":\"later\",\"due\":95000000000},"
                          "{\"id\":\"t1\",\"event\":\"later\",\"due\":95000000000}]");
  apply(r, again);
  assert_true(is_timer_due(r, 95 * SECOND, "t1", 3) && is_timer_due(r, 90 * SECOND, "t1", 2));
  assert_int_equal(rows_of_type(r, 't'), 3);
  fsm_record fired = rec(r, FSM_RECORD_TIMER_FIRED, 4);
  fired.detail = rig_json(r, "{\"timer\":\"t1\",\"set\":3,\"place\":0}");
  apply(r, fired);
  assert_false(is_timer_due(r, 95 * SECOND, "t1", 3));
  assert_int_equal(rows_of_type(r, 't'), 2);
  fsm_record cancel = rec(r, FSM_RECORD_CONTEXT, 5);
  cancel.timers = rig_json(r, "[{\"cancel\":\"t1\"},{\"id\":\"t1\",\"event\":\"e\",\"due\":1}]");
  apply(r, cancel);
  assert_int_equal(rows_of_type(r, 't'), 1); /* what is set after the cancel stands */
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 2);
}

static void completed_closes_everything_but_the_instance(void **state) {
  rig *r = *state;
  uint64_t number = 0;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record frame[2] = {rec(r, FSM_RECORD_TRANSITION, 3), rec(r, FSM_RECORD_COMPLETED, 4)};
  frame[0].to = frame[0].since = rig_json(r, "[\"done\"]");
  frame[1].out = rig_json(r, "{\"n\":1}");
  frame[1].rev = frame[0].rev;
  assert_int_equal(apply_frame(r, frame, 2, NULL), FSM_OK);
  fsm__instance in = loaded(r);
  assert_int_equal(in.status, FSM_COMPLETED);
  assert_true(fsm_map_get(&in.output, "n")->i == 1);
  assert_true(in.rev == 3 && in.last_seq == 4);
  assert_int_equal(fsm__instance_by_key(r->store, 1, "K1", &number, NULL), FSM_ENOTFOUND);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
  assert_int_equal(rows_of_type(r, 't') + rows_of_type(r, 'k'), 0);
  assert_true(indexed(r, "done", 3));
}

static void an_incident_says_why(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm_record incident = rec(r, FSM_RECORD_INCIDENT_OPENED, 2);
  incident.reason = "loop_limit";
  incident.detail = rig_json(r, "{\"text\":\"round and round\"}");
  apply(r, incident);
  fsm__instance in = loaded(r);
  assert_int_equal(in.status, FSM_INCIDENT);
  assert_true(fsm_is_text(fsm_map_get(&in.incident, "reason"), "loop_limit"));
  assert_true(fsm_is_text(fsm_map_get(&in.incident, "text"), "round and round"));
  assert_true(fsm_map_get(&in.incident, "seq")->i == 2);
}

static void a_refusal_leaves_the_instance_as_it_is_and_is_found_by_its_history(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm__instance before = loaded(r);
  fsm_record rejected = rec(r, FSM_RECORD_REJECTED, 2);
  rejected.reason = "guard_false";
  rejected.to = rig_json(r, "[\"b.x\"]");
  apply(r, rejected);
  fsm__instance after = loaded(r);
  assert_true(after.rev == before.rev && after.last_seq == before.last_seq);
  assert_true(indexed(r, "a", 1));
  assert_int_equal(rows_of_type(r, 'r'), 1);
  const char *dump = rig_dump(r);
  rejected.inst = "nobody";
  apply(r, rejected);
  rejected.inst = NULL;
  apply(r, rejected);
  assert_string_equal(rig_dump(r), dump);
}

static void a_deployment_makes_the_next_version(void **state) {
  rig *r = *state;
  fsm_record record = fsm_record_new(FSM_RECORD_DEPLOYED);
  fsm_pair source[1] = {
      {fsm_string("source"), fsm_string("{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{}}}")}};
  record.seq = 2;
  assert_int_equal(fsm_map(source, 1, &record.detail, NULL), FSM_OK);
  apply(r, record);
  assert_true(fsm__catalog_find(r->catalog, "m", 0)->version == 2);
}

static void the_id_counter_is_kept(void **state) {
  rig *r = *state;
  fsm_record first = created(r, 1), second = rec(r, FSM_RECORD_CONTEXT, 2);
  first.counter = 4;
  apply(r, first);
  apply(r, second);
  assert_true(loaded(r).counter == 4);
}

static void an_instance_that_is_given_is_changed_in_place(void **state) {
  rig *r = *state, *second = rig_new();
  rig_deploy(second, RIG_MACHINE, 1);
  apply(r, created(r, 1));
  apply(second, created(second, 1));
  fsm__instance in = loaded(r);
  fsm_record record = entered(r, 2), same = entered(second, 2);
  assert_int_equal(fsm__apply_frame(r->store, r->catalog, &record, 1, &in, &r->arena, NULL), FSM_OK);
  assert_true(in.rev == 2 && in.active_count == 3);
  apply(second, same);
  assert_string_equal(rig_dump(r), rig_dump(second));
  rig_free(second);
}

/* ---- replay ------------------------------------------------------------------------------------- */

/* A life with every kind in it; with_rounds commits after each frame. */
static void live(rig *r, bool with_rounds) {
  fsm_record frames[] = {created(r, 2),
                         entered(r, 3),
                         task_record(r, FSM_RECORD_TASK_STARTED, 4, "{\"task\":\"job\",\"deadline\":77}"),
                         task_record(r, FSM_RECORD_TASK_FAILED, 5, "{\"task\":\"job\",\"retry_at\":88}"),
                         rec(r, FSM_RECORD_REJECTED, 6),
                         task_record(r, FSM_RECORD_TASK_DONE, 7, "{\"task\":\"job\"}"),
                         rec(r, FSM_RECORD_TIMER_FIRED, 8),
                         keyed(r, rec(r, FSM_RECORD_CONTEXT, 9), 9, 9 * SECOND),
                         rec(r, FSM_RECORD_TRANSITION, 10),
                         rec(r, FSM_RECORD_INCIDENT_OPENED, 11),
                         rec(r, FSM_RECORD_COMPLETED, 12)};
  frames[6].detail = rig_json(r, "{\"timer\":\"t1\",\"set\":3}");
  set_context(r, &frames[7], "{\"n\":[0,5]}", "{\"n\":5}");
  frames[8].to = frames[8].since = rig_json(r, "[\"done\"]");
  frames[9].reason = "expression";
  for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
    apply(r, frames[i]);
    if (with_rounds) rig_round(r, frames[i].seq);
  }
}

static void the_same_records_give_the_same_rows(void **state) {
  rig *r = *state, *second = rig_new();
  rig_deploy(second, RIG_MACHINE, 1);
  live(r, false);
  live(second, true);
  const char *rows = rig_dump(r);
  assert_string_equal(rows, rig_dump(second));
  rig_reopen(r, 12);
  assert_string_equal(rows, rig_dump(r));
  rig_free(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      R(created_makes_the_instance_and_its_indexes),
      R(a_transition_moves_the_index_sets_timers_and_opens_tasks),
      R(a_state_that_stays_active_keeps_its_time),
      R(a_state_that_is_entered_again_gets_a_new_time),
      R(every_active_state_of_every_region_is_indexed),
      R(a_history_stands_until_another_is_recorded_and_goes_with_an_empty_one),
      R(a_history_that_the_machine_does_not_have_is_corrupt),
      R(a_context_record_changes_fields_and_adds_them),
      R(an_attempt_that_begins_is_due_at_its_deadline),
      R(a_failed_attempt_waits_for_the_next_or_is_gone),
      R(a_task_that_is_done_and_a_timer_that_fired_are_gone),
      R(cancelling_what_is_not_there_changes_nothing),
      R(a_timer_that_is_set_again_is_two_until_both_are_cancelled),
      R(completed_closes_everything_but_the_instance),
      R(an_incident_says_why),
      R(a_refusal_leaves_the_instance_as_it_is_and_is_found_by_its_history),
      R(a_deployment_makes_the_next_version),
      R(the_id_counter_is_kept),
      R(an_instance_that_is_given_is_changed_in_place),
      R(the_same_records_give_the_same_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

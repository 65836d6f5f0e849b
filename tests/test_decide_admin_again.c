/* Retry and skip: of an event, a timer or an answer that was rolled back, of a task given up, of what is
 * open. */
#include "admin_scene.h"

static void pin(fixture *f, const char *id) { /* out of the loop of spin and spun */
  fsm_answer answer = set(f, id, "{\"n\":1}");
  assert_code(&answer, FSM_OK);
}

static void parked_by_a_loop(fixture *f, const char *id) {
  begun(f, id, NULL);
  fsm_answer answer = send_event(f, id, "LOOP", "{\"why\":\"test\"}");
  assert_code(&answer, FSM_ELOOP);
  assert_field(f, id, "status", "\"incident\"");
  assert_state(f, id, "idle");
}

/* ---- events ------------------------------------------------------------------------------------- */

static void an_event_that_was_rolled_back_is_stepped_again(void **state) {
  fixture *f = *state;
  parked_by_a_loop(f, "i1");
  assert_non_null(
      strstr(field_text(f, "i1", "incident"), "\"tried\":{\"data\":{\"why\":\"test\"},\"event\":\"LOOP\"}"));
  assert_int_equal(incidents_open(f), 1);
  pin(f, "i1");
  assert_field(f, "i1", "status", "\"incident\"");
  fsm_answer answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "running");
  assert_string_equal(last_frame(f, "i1"), "incident_closed/admin transition/external");
  assert_state(f, "i1", "spin");
  assert_field(f, "i1", "incident", "(none)");
  assert_int_equal(incidents_open(f), 0);
  fsm_value record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "data")), "{\"why\":\"test\"}");
}

static void a_retry_that_loops_again_parks_it_again(void **state) {
  fixture *f = *state;
  parked_by_a_loop(f, "i1");
  fsm_command command = by_operator(f, FSM_CMD_RETRY, "i1");
  command.idem = "again";
  fsm_answer answer = sent(f, &command), again;
  assert_code(&answer, FSM_ELOOP);
  assert_string_equal(answer.status, "incident");
  assert_string_equal(last_frame(f, "i1"), "incident_opened");
  fsm_value record = last_record(f, "i1");
  assert_non_null(strstr(text_of(f, fsm_map_get(&record, "detail")), "\"reason\":\"the customer called\""));
  assert_int_equal(incidents_open(f), 1);
  again = sent(f, &command); /* under its key it is the same answer */
  assert_code(&again, FSM_ELOOP);
  assert_true(again.replayed);
  pin(f, "i1");
  answer = admin(f, FSM_CMD_RETRY, "i1"); /* and what is tried is still known */
  assert_code(&answer, FSM_OK);
  assert_state(f, "i1", "spin");
}

static void a_skipped_incident_goes_on_where_it_stands(void **state) {
  fixture *f = *state;
  parked_by_a_loop(f, "i1");
  fsm_answer answer = admin(f, FSM_CMD_SKIP, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "incident_closed/admin");
  assert_state(f, "i1", "idle"); /* where it stood */
  answer = send_event(f, "i1", "GO", NULL);
  assert_code(&answer, FSM_OK);
}

static void an_event_that_is_not_taken_any_more_is_refused(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  fsm_answer answer = send_event(f, "i1", "TRY", NULL);
  assert_code(&answer, FSM_ELOOP);
  answer = set(f, "i1", "{\"who\":\"ana\"}");
  assert_code(&answer, FSM_OK);
  answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_EGUARD);
  assert_string_equal(answer.status, "incident");
  assert_string_equal(answer.error.text,
                      "the event \"TRY\" is not taken now (a guard refused the event): skip the incident");
  assert_field(f, "i1", "rev", "3");
}

static void a_step_that_stands_is_not_done_twice(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  fsm_answer answer = send_event(f, "i1", "BAD", NULL);
  assert_string_equal(answer.status, "incident");
  assert_state(f, "i1", "bad");
  answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_EINCIDENT);
  assert_non_null(strstr(answer.error.text, "would be done twice: skip it"));
  answer = admin_named(f, FSM_CMD_RETRY, "i1", "job", NULL);
  assert_code(&answer, FSM_EINCIDENT);
  answer = admin(f, FSM_CMD_SKIP, "i1");
  assert_code(&answer, FSM_OK);
  answer = send_event(f, "i1", "BACK", NULL);
  assert_code(&answer, FSM_OK);
}

/* ---- timers ------------------------------------------------------------------------------------- */

static void a_timer_whose_step_was_rolled_back_fires_again(void **state) {
  fixture *f = *state;
  begun(f, "i1", "TICK");
  pass(f, 2);
  await_field(f, "i1", "status", "\"incident\"");
  assert_state(f, "i1", "tick");
  pin(f, "i1");
  fsm_answer answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "incident_closed/admin timer_fired/timer transition/timer");
  assert_state(f, "i1", "spin");
  assert_field(f, "i1", "timers", "[]");
}

static void a_skipped_incident_of_a_timer_takes_the_timer_with_it(void **state) {
  fixture *f = *state;
  begun(f, "i1", "TICK");
  pass(f, 2);
  await_field(f, "i1", "status", "\"incident\"");
  fsm_answer answer = admin(f, FSM_CMD_SKIP, "i1");
  assert_code(&answer, FSM_OK);
  assert_field(f, "i1", "timers", "[]");
  for (int i = 0; i < 3; i++) (void)start(f, "adm", NULL, NULL, NULL);
  assert_field(f, "i1", "status", "\"running\"");
  assert_state(f, "i1", "tick");
}

static void a_skipped_timer_fires_now(void **state) {
  fixture *f = *state;
  begun(f, "i1", "GO");
  fsm_answer answer = admin_named(f, FSM_CMD_SKIP, "i1", "xstate.after.10000.wait", NULL);
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "admin/admin timer_fired/admin transition/timer");
  assert_state(f, "i1", "late");
  assert_field(f, "i1", "timers", "[]");
  answer = admin_named(f, FSM_CMD_SKIP, "i1", "xstate.after.10000.wait", NULL);
  assert_code(&answer, FSM_ETASK);
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(fsm_map_get(&health, "late_answers")->i, 0); /* no worker's answer */
}

/* ---- tasks -------------------------------------------------------------------------------------- */

static void a_task_that_was_given_up_is_opened_anew(void **state) {
  fixture *f = *state;
  begun(f, "i1", "WORK");
  await_offers(f, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_FAIL, f->offered[0].token, 0, true, "\"no\"");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "incident");
  assert_field(f, "i1", "tasks", "[]");
  answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "incident_closed/admin");
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 1);
  assert_memory_not_equal(f->offered[0].token, f->offered[1].token, 16);
  answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[0].token, 1, false, "\"late\"");
  assert_code(&answer, FSM_ETASK);
  answer = task(f, FSM_CMD_TASK_FAIL, f->offered[1].token, 1, false, "\"no\"");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "running"); /* a second attempt follows: all of them are there again */
  answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[1].token, 2, false, "\"ana\"");
  assert_code(&answer, FSM_OK);
  assert_field(f, "i1", "context", "{\"list\":[1],\"n\":0,\"who\":\"ana\"}");
}

static void a_task_whose_state_was_left_is_not_opened_anew(void **state) {
  fixture *f = *state;
  static const char machine[] =
      "{\"id\":\"left\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
      "\"svc\"},"
      "\"always\":{\"target\":\"away\",\"guard\":{\"@expr\":\"event.type == 'xstate.error.actor.job'\"}}},"
      "\"away\":{}}}";
  fsm_answer answer = deploy_text(f, machine, sizeof machine - 1);
  assert_code(&answer, FSM_OK);
  (void)start(f, "left", "i1", NULL, NULL);
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_FAIL, f->offered[0].token, 0, true, "\"no\"");
  assert_field(f, "i1", "status", "\"incident\"");
  assert_state(f, "i1", "away");
  answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_EINCIDENT);
  assert_string_equal(answer.error.text,
                      "the state that asked for the task \"job\" has been left: skip the incident");
}

static void a_force_closes_the_incident(void **state) {
  fixture *f = *state;
  parked_by_a_loop(f, "i1");
  fsm_answer answer = force(f, "i1", "[\"wait\"]");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "running");
  assert_string_equal(last_frame(f, "i1"), "incident_closed/admin forced/admin");
  answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_ERUNNING);
}

static void an_answer_that_was_rolled_back_is_taken_again(void **state) {
  fixture *f = *state;
  begun(f, "i1", "LONG");
  await_offers(f, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[0].token, 0, false, "5");
  assert_code(&answer, FSM_ELOOP);
  pin(f, "i1");
  answer = admin(f, FSM_CMD_RETRY, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "incident_closed/admin task_done/task transition/task");
  assert_state(f, "i1", "spin");
  assert_field(f, "i1", "tasks", "[]");
}

/* Its events have other names there. */
static void an_answer_to_an_scxml_machine_is_taken_again(void **state) {
  fixture *f = *state;
  static const char machine[] =
      "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' name='sx'>"
      "<datamodel><data id='n' expr='0'/></datamodel>"
      "<state id='work'><invoke id='j' src='svc'/><transition event='done.invoke.j' target='p'/></state>"
      "<state id='p'><transition cond='n == 0' target='q'/></state>"
      "<state id='q'><transition cond='n == 0' target='p'/></state></scxml>";
  fsm_answer answer = deploy_text(f, machine, sizeof machine - 1);
  assert_code(&answer, FSM_OK);
  (void)start(f, "sx", "s1", NULL, NULL);
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[0].token, 0, false, "5");
  assert_code(&answer, FSM_ELOOP);
  pin(f, "s1");
  answer = admin(f, FSM_CMD_RETRY, "s1");
  assert_code(&answer, FSM_OK);
  assert_state(f, "s1", "p");
  assert_field(f, "s1", "tasks", "[]");
}

static void an_open_task_begins_again_with_all_its_attempts(void **state) {
  fixture *f = *state;
  begun(f, "i1", "WORK");
  await_offers(f, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_FAIL, f->offered[0].token, 1, false, "\"no\"");
  assert_code(&answer, FSM_OK);
  answer = admin_named(f, FSM_CMD_RETRY, "i1", "job", NULL);
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "running");
  assert_string_equal(last_frame(f, "i1"), "admin/admin");
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 1);
  assert_memory_not_equal(f->offered[0].token, f->offered[1].token, 16);
  answer = admin_named(f, FSM_CMD_RETRY, "i1", "nothing", NULL);
  assert_code(&answer, FSM_ETASK);
}

static void a_skipped_task_is_done_with_what_the_operator_says(void **state) {
  fixture *f = *state;
  begun(f, "i1", "WORK");
  await_offers(f, 1);
  fsm_answer answer = admin_named(f, FSM_CMD_SKIP, "i1", "job", "\"olga\"");
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "admin/admin task_done/admin transition/task");
  assert_state(f, "i1", "late");
  assert_field(f, "i1", "context", "{\"list\":[1],\"n\":0,\"who\":\"olga\"}");
  answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[0].token, 1, false, "\"late\"");
  assert_code(&answer, FSM_ETASK);
}

static void what_an_operator_says_in_place_of_a_service_is_checked_too(void **state) {
  fixture *f = *state;
  static const char machine[] =
      "{\"id\":\"typed\",\"schemas\":{\"events\":{\"xstate.done.actor.job\":{\"type\":\"object\","
      "\"required\":[\"x\"]}}},"
      "\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"onDone\":"
      "\"ok\"}},\"ok\":{}}}";
  fsm_answer answer = deploy_text(f, machine, sizeof machine - 1);
  assert_code(&answer, FSM_OK);
  (void)start(f, "typed", "t1", NULL, NULL);
  answer = admin_named(f, FSM_CMD_SKIP, "t1", "job", "{\"y\":1}");
  assert_code(&answer, FSM_EDATA);
  assert_true(answer.rev == 1 && strcmp(answer.status, "running") == 0);
  assert_field(f, "t1", "rev", "1");
  assert_string_equal(last_frame(f, "t1"), "rejected/admin");
  answer = admin_named(f, FSM_CMD_SKIP, "t1", "job", "{\"x\":1}");
  assert_code(&answer, FSM_OK);
  assert_state(f, "t1", "ok");
}

static void an_incident_is_seen_wherever_one_looks(void **state) {
  fixture *f = *state;
  parked_by_a_loop(f, "i1");
  pass(f, 60);
  fsm_value stuck = query(f, (fsm_query){.kind = FSM_QUERY_STUCK});
  const fsm_value *item = &fsm_map_get(&stuck, "items")->items[0], *incident = fsm_map_get(item, "incident");
  assert_non_null(incident);
  assert_null(fsm_map_get(incident, "tried"));
  assert_string_equal(text_of(f, fsm_map_get(incident, "reason")), "\"loop_limit\"");
  fsm_value listed = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .status = "incident"});
  assert_int_equal(fsm_map_get(&listed, "items")->len, 1);
  fixture_reopen(f);
  assert_int_equal(incidents_open(f), 1);
  fsm_answer answer = admin(f, FSM_CMD_CANCEL, "i1");
  assert_code(&answer, FSM_OK);
  assert_int_equal(incidents_open(f), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(an_event_that_was_rolled_back_is_stepped_again),
      S(a_retry_that_loops_again_parks_it_again),
      S(a_skipped_incident_goes_on_where_it_stands),
      S(an_event_that_is_not_taken_any_more_is_refused),
      S(a_step_that_stands_is_not_done_twice),
      S(a_timer_whose_step_was_rolled_back_fires_again),
      S(a_skipped_incident_of_a_timer_takes_the_timer_with_it),
      S(a_skipped_timer_fires_now),
      S(a_task_that_was_given_up_is_opened_anew),
      S(a_task_whose_state_was_left_is_not_opened_anew),
      S(a_force_closes_the_incident),
      S(an_answer_that_was_rolled_back_is_taken_again),
      S(an_answer_to_an_scxml_machine_is_taken_again),
      S(an_open_task_begins_again_with_all_its_attempts),
      S(a_skipped_task_is_done_with_what_the_operator_says),
      S(what_an_operator_says_in_place_of_a_service_is_checked_too),
      S(an_incident_is_seen_wherever_one_looks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

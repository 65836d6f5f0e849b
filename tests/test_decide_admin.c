/* Pause, resume, cancel, note: when they apply, what they record, what becomes of timers and tasks. */
#include "admin_scene.h"

static void a_paused_instance_refuses_events_and_its_timers_wait(void **state) {
  fixture *f = *state;
  begun(f, "i1", "GO");
  fsm_answer answer = admin(f, FSM_CMD_PAUSE, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "paused");
  assert_int_equal(answer.rev, 3);
  assert_string_equal(last_frame(f, "i1"), "paused/admin");
  fsm_value record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "detail")),
                      "{\"command\":\"pause\",\"reason\":\"the customer called\"}");
  answer = send_event(f, "i1", "BACK", NULL);
  assert_code(&answer, FSM_EPAUSED);
  pass(f, 20);
  (void)start(f, "adm", "i2", NULL, NULL); /* a turn passes over the due row */
  assert_state(f, "i1", "wait");
  fixture_reopen(f);
  assert_field(f, "i1", "status", "\"paused\"");
  (void)start(f, "adm", "i3", NULL, NULL);
  assert_state(f, "i1", "wait");
  answer = admin(f, FSM_CMD_RESUME, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "running");
  await_field(f, "i1", "state", "[\"late\"]");
  record = last_record(f, "i1");
  assert_string_equal(last_frame(f, "i1"), "timer_fired/timer transition/timer");
}

static void what_is_overdue_at_a_resume_fires_though_the_process_ended_there(void **state) {
  fixture *f = *state;
  begun(f, "i1", "GO");
  (void)admin(f, FSM_CMD_PAUSE, "i1");
  pass(f, 20);
  (void)admin(f, FSM_CMD_RESUME, "i1");
  fixture_reopen(f);
  await_field(f, "i1", "state", "[\"late\"]");
}

static void many_overdue_timers_fire_in_the_order_they_were_due(void **state) {
  fixture *f = *state;
  enum { TIMERS = 300 }; /* more than one turn looks at */
  fsm_buf text = {0};
  fsm_buf_str(
      &text,
      "{\"id\":\"many\",\"initial\":\"a\",\"context\":{\"last\":0,\"sorted\":true},\"states\":{\"a\":{"
      "\"entry\":[");
  for (int i = 0; i < TIMERS; i++)
    fsm_buf_printf(
        &text,
        "%s{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"T\",\"n\":%d},\"delay\":%d,\"id\":\"t%d\"}",
        i ? "," : "", TIMERS - i, (TIMERS - i) * 10, i);
  fsm_buf_str(&text,
              "],\"on\":{\"T\":{\"context\":{\"last\":{\"@expr\":\"event.n\"},\"sorted\":{\"@expr\":"
              "\"context.sorted && event.n > context.last\"}}}}}}}");
  fsm_answer answer = deploy_text(f, fsm_buf_text(&text), text.len);
  fsm_buf_free(&text);
  assert_code(&answer, FSM_OK);
  answer = start(f, "many", "m1", NULL, NULL);
  assert_code(&answer, FSM_OK);
  (void)admin(f, FSM_CMD_PAUSE, "m1");
  pass(f, 60);
  (void)start(f, "adm", "i2", NULL, NULL);
  (void)admin(f, FSM_CMD_RESUME, "m1");
  await_field(f, "m1", "timers", "[]");
  assert_field(f, "m1", "context", "{\"last\":300,\"sorted\":true}");
}

static void tasks_of_a_paused_instance_are_offered_when_it_is_resumed(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  (void)admin(f, FSM_CMD_PAUSE, "i1");
  fsm_answer answer = force(f, "i1", "[\"work\"]");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "paused");
  for (int i = 0; i < 5; i++) (void)start(f, "adm", NULL, NULL, NULL);
  assert_int_equal(f->offered_count, 0);
  (void)admin(f, FSM_CMD_RESUME, "i1");
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[0].token, 1, false, "\"ana\"");
  assert_code(&answer, FSM_OK);
  assert_state(f, "i1", "late");
}

static void a_cancelled_instance_has_nothing_left_open(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "adm", "i1", "K1", NULL);
  assert_code(&answer, FSM_OK);
  (void)send_event(f, "i1", "WORK", NULL);
  answer = admin(f, FSM_CMD_CANCEL, "i1");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "cancelled");
  assert_string_equal(last_frame(f, "i1"), "cancelled/admin");
  fsm_value record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "tasks")), "[{\"cancel\":\"job\"}]");
  assert_field(f, "i1", "tasks", "[]");
  assert_field(f, "i1", "timers", "[]");
  assert_field(f, "i1", "output", "(none)");
  assert_non_null(strstr(field_text(f, "i1", "cancelled"), "\"the customer called\""));
  fsm_value counts = query(f, (fsm_query){.kind = FSM_QUERY_COUNTS});
  assert_string_equal(text_of(f, fsm_map_get(&counts, "items")), "[]");
  fsm_value listed = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .status = "cancelled"});
  assert_int_equal(fsm_map_get(&listed, "items")->len, 1);
  answer = start(f, "adm", "i2", "K1", NULL); /* the key is free */
  assert_code(&answer, FSM_OK);
  answer = send_event(f, "i1", "BACK", NULL);
  assert_code(&answer, FSM_ECOMPLETED);
}

static void a_note_is_in_the_history_and_makes_no_revision(void **state) {
  fixture *f = *state;
  begun(f, "i1", "END");
  fsm_command command = by_operator(f, FSM_CMD_NOTE, "i1");
  command.expect_rev = 2;
  command.idem = "note-1";
  fsm_answer answer = sent(f, &command), again;
  assert_code(&answer, FSM_OK);
  assert_int_equal(answer.rev, 2);
  assert_string_equal(answer.status, "completed");
  assert_string_equal(last_frame(f, "i1"), "note/admin");
  again = sent(f, &command);
  assert_true(again.replayed && again.seq == answer.seq && again.rev == 2);
  assert_string_equal(again.status, "completed");
  command.reason = "another text";
  again = sent(f, &command);
  assert_code(&again, FSM_EDUPLICATE);
}

static void what_does_not_apply_is_refused_and_changes_nothing(void **state) {
  fixture *f = *state;
  static const struct {
    const char *to;
    fsm_command_kind kind;
    fsm_code code;
    const char *text;
  } cases[] = {
      {"running", FSM_CMD_RESUME, FSM_ERUNNING, "it cannot be resumed: the instance is running"},
      {"running", FSM_CMD_RETRY, FSM_ERUNNING,
       "the instance is running, there is no incident: name what to retry"},
      {"running", FSM_CMD_SKIP, FSM_ERUNNING,
       "the instance is running, there is no incident: name what to skip"},
      {"paused", FSM_CMD_PAUSE, FSM_EPAUSED, "it cannot be paused: the instance is paused already"},
      {"paused", FSM_CMD_RETRY, FSM_EPAUSED, "it cannot be retried: the instance is paused; resume it first"},
      {"paused", FSM_CMD_SKIP, FSM_EPAUSED, "it cannot be skipped: the instance is paused; resume it first"},
      {"incident", FSM_CMD_PAUSE, FSM_EINCIDENT,
       "it cannot be paused: the instance is an incident; retry, skip, force or cancel it"},
      {"incident", FSM_CMD_RESUME, FSM_EINCIDENT,
       "it cannot be resumed: the instance is an incident; retry, skip, force or cancel it"},
      {"completed", FSM_CMD_PAUSE, FSM_ECOMPLETED, "it cannot be paused: the instance is completed"},
      {"completed", FSM_CMD_CANCEL, FSM_ECOMPLETED, "it cannot be cancelled: the instance is completed"},
      {"completed", FSM_CMD_RETRY, FSM_ECOMPLETED, "it cannot be retried: the instance is completed"},
      {"cancelled", FSM_CMD_RESUME, FSM_ECOMPLETED, "it cannot be resumed: the instance is cancelled"},
      {"cancelled", FSM_CMD_CANCEL, FSM_ECOMPLETED, "it cannot be cancelled: the instance is cancelled already"},
  };
  begun(f, "running", NULL);
  begun(f, "paused", NULL);
  begun(f, "incident", NULL);
  begun(f, "completed", "END");
  begun(f, "cancelled", NULL);
  (void)admin(f, FSM_CMD_PAUSE, "paused");
  (void)send_event(f, "incident", "LOOP", NULL);
  (void)admin(f, FSM_CMD_CANCEL, "cancelled");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *rev = field_text(f, cases[i].to, "rev");
    fsm_answer answer = admin(f, cases[i].kind, cases[i].to);
    assert_code(&answer, cases[i].code);
    assert_string_equal(answer.error.text, cases[i].text);
    assert_field(f, cases[i].to, "rev", rev);
    assert_string_equal(last_frame(f, cases[i].to), "rejected/admin"); /* with its own record */
  }
  fsm_answer answer = admin(f, FSM_CMD_PAUSE, "nobody");
  assert_code(&answer, FSM_EINSTANCE);
}

static void revisions_and_keys_count_as_for_events(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  fsm_command command = by_operator(f, FSM_CMD_PAUSE, "i1");
  command.expect_rev = 7;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_ESTALE);
  command.expect_rev = 1;
  command.idem = "once";
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  fsm_answer again = sent(f, &command);
  assert_code(&again, FSM_OK);
  assert_true(again.replayed && again.seq == answer.seq);
  assert_string_equal(again.status, "paused");
  command.kind = FSM_CMD_RESUME;
  again = sent(f, &command);
  assert_code(&again, FSM_EDUPLICATE);
}

static void without_actor_or_reason_nothing_is_done(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  fsm_command command = by_operator(f, FSM_CMD_PAUSE, "i1");
  command.reason = NULL;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  command = by_operator(f, FSM_CMD_PAUSE, "i1");
  command.actor = fsm_null();
  answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  command = by_operator(f, FSM_CMD_PURGE, "i1");
  answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  assert_field(f, "i1", "status", "\"running\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_paused_instance_refuses_events_and_its_timers_wait),
      S(what_is_overdue_at_a_resume_fires_though_the_process_ended_there),
      S(many_overdue_timers_fire_in_the_order_they_were_due),
      S(tasks_of_a_paused_instance_are_offered_when_it_is_resumed),
      S(a_cancelled_instance_has_nothing_left_open),
      S(a_note_is_in_the_history_and_makes_no_revision),
      S(what_does_not_apply_is_refused_and_changes_nothing),
      S(revisions_and_keys_count_as_for_events),
      S(without_actor_or_reason_nothing_is_done),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_runtime.c: the durable runtime through its public header: the approval, told as a story;
 * refusals, and commands that come again. */
#include "tests/approval_scene.h"

static void an_approval_runs_from_draft_to_approved(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  assert_string_equal(f->offered[0].service, "submitForReview");
  fsm_answer answer = task(f, FSM_CMD_TASK_STARTED, last_token(f), 1, false, NULL);
  assert_code(&answer, FSM_OK);
  answer = task(f, FSM_CMD_TASK_COMPLETE, last_token(f), 1, false, "{\"reviewId\":\"R-1\"}");
  assert_code(&answer, FSM_OK);
  assert_state(f, "d1", "awaitingApproval");
  answer = send_event(f, "d1", "APPROVE", NULL);
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "completed");
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  const fsm_value *context = fsm_map_get(&instance, "context");
  assert_true(fsm_is_text(fsm_map_get(context, "reviewId"), "R-1"));
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "completed"));
  assert_verified(f);
}

static void everything_is_there_after_a_restart(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  const char *before = text_of(f, &instance);
  fixture_reopen(f);
  instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  assert_string_equal(text_of(f, &instance), before);
  assert_verified(f);
}

static void a_failing_task_goes_to_the_error_state_with_its_reason(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, true, "{\"message\":\"no budget\"}");
  assert_code(&answer, FSM_OK);
  assert_state(f, "d1", "submissionFailed");
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  assert_non_null(strstr(text_of(f, &instance), "no budget"));
}

static void a_task_that_fails_with_a_bare_text_gives_a_message(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, true, "\"just words\"");
  assert_code(&answer, FSM_OK);
  assert_state(f, "d1", "submissionFailed");
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  assert_non_null(strstr(text_of(f, &instance), "\"failureReason\":\"just words\""));
}

static void the_fourth_retry_is_refused_by_the_guard_and_says_why(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  for (unsigned n = 0; n < 4; n++) {
    await_offers(f, n + 1);
    fsm_answer failed = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, true, "{\"message\":\"down\"}");
    assert_code(&failed, FSM_OK);
    if (n == 3) break;
    fsm_answer again = send_event(f, "d1", "RETRY", NULL);
    assert_code(&again, FSM_OK);
  }
  fsm_value before = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  fsm_answer refused = send_event(f, "d1", "RETRY", NULL);
  assert_code(&refused, FSM_EGUARD);
  assert_non_null(strstr(refused.error.text, "context.retries < 3"));
  const char *detail = text_of(f, &refused.detail);
  assert_non_null(strstr(detail, "\"context.retries\":3"));
  fsm_value after = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  assert_int_equal(fsm_map_get(&after, "rev")->i, fsm_map_get(&before, "rev")->i);
  assert_int_equal(fsm_map_get(&after, "seq")->i, fsm_map_get(&before, "seq")->i);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "d1"});
  const fsm_value *items = fsm_map_get(&history, "items");
  const fsm_value *last = &items->items[items->len - 1];
  assert_true(fsm_is_text(fsm_map_get(last, "kind"), "rejected"));
  assert_true(fsm_is_text(fsm_map_get(last, "reason"), "guard_false"));
  assert_verified(f);
}

/* ---- refusals change nothing -------------------------------------------------------------------- */

static void what_cannot_be_taken_is_refused_by_name(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "document-approval", "d1", "K1", DOC);
  assert_code(&answer, FSM_OK);
  answer = start(f, "nothing", "d2", NULL, NULL);
  assert_code(&answer, FSM_EMACHINE);
  answer = start(f, "document-approval", "d1", NULL, DOC);
  assert_code(&answer, FSM_EEXISTS);
  answer = start(f, "document-approval", "d2", "K1", DOC);
  assert_code(&answer, FSM_EEXISTS);
  answer = start(f, "document-approval", "d2", NULL, "{\"id\":\"D\"}");
  assert_code(&answer, FSM_EDATA);
  answer = start(f, "document-approval", "bad id", NULL, DOC);
  assert_code(&answer, FSM_EARGUMENT);
  answer = send_event(f, "nobody", "SUBMIT", NULL);
  assert_code(&answer, FSM_EINSTANCE);
  answer = send_event(f, "d1", "NEVER", NULL);
  assert_code(&answer, FSM_EEVENT);
  answer = send_event(f, "d1", "APPROVE", NULL);
  assert_code(&answer, FSM_ENOTRANSITION);
  answer = send_event(f, "d1", "SUBMIT", "{\"extra\":1}");
  assert_code(&answer, FSM_EDATA);
  assert_state(f, "d1", "draft");
  answer = deploy_text(f, "{\"id\":", 6);
  assert_code(&answer, FSM_EMALFORMED);
  assert_verified(f);
}

static void a_stale_revision_is_refused(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "document-approval", "d1", NULL, DOC);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "d1";
  command.event = "SUBMIT";
  command.expect_rev = (int64_t)answer.rev + 1;
  answer = sent(f, &command);
  assert_code(&answer, FSM_ESTALE);
  command.expect_rev = 1;
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_int_equal(answer.rev, 2);
}

static void a_completed_instance_takes_nothing_more_and_frees_its_key(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "document-approval", "d1", "K1", DOC);
  (void)send_event(f, "d1", "SUBMIT", NULL);
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_COMPLETE, last_token(f), 1, false, "{\"reviewId\":\"R\"}");
  answer = send_event(f, "d1", "REJECT", "{\"reason\":\"too dear\"}");
  assert_code(&answer, FSM_OK);
  answer = send_event(f, "d1", "APPROVE", NULL);
  assert_code(&answer, FSM_ECOMPLETED);
  answer = start(f, "document-approval", "d2", "K1", DOC);
  assert_code(&answer, FSM_OK);
}

/* ---- idempotency -------------------------------------------------------------------------------- */

static void the_same_key_gives_the_first_answer_again(void **state) {
  fixture *f = *state;
  (void)start(f, "document-approval", "d1", NULL, DOC);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "d1";
  command.event = "SUBMIT";
  command.idem = "once";
  fsm_answer first = sent(f, &command);
  assert_code(&first, FSM_OK);
  fixture_reopen(f);
  fsm_answer again = sent(f, &command);
  assert_code(&again, FSM_OK);
  assert_true(again.replayed);
  assert_int_equal(again.seq, first.seq);
  assert_int_equal(again.rev, first.rev);
  assert_string_equal(text_of(f, &again.to), text_of(f, &first.to));
  assert_string_equal(text_of(f, &again.from), text_of(f, &first.from));
  command.event = "RETRY";
  again = sent(f, &command);
  assert_code(&again, FSM_EDUPLICATE);
  atomic_fetch_add(&f->now_ns, FSM_IDEM_TTL_NS + SECOND);
  again = sent(f, &command);
  assert_code(&again, FSM_ENOTRANSITION); /* the key has expired: a new command, judged anew */
}

static void a_keyed_start_makes_one_instance(void **state) {
  fixture *f = *state;
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "document-approval";
  command.data = json(f, DOC);
  command.idem = "start-1";
  fsm_answer first = sent(f, &command);
  assert_code(&first, FSM_OK);
  atomic_fetch_add(&f->now_ns, 3 * 3600 * SECOND);
  fixture_reopen(f);
  fsm_answer again = sent(f, &command);
  assert_true(again.replayed);
  assert_string_equal(again.instance, first.instance);
  command.key = "other";
  again = sent(f, &command);
  assert_code(&again, FSM_EDUPLICATE);
  assert_verified(f);
}

/* ---- what time and repetition must not do ------------------------------------------------------- */

static void a_repeated_command_by_key_meets_the_instance_it_was_for(void **state) {
  static const char ONCE[] =
      "{\"id\":\"once\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"type\":"
      "\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, ONCE, strlen(ONCE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "once", "i1", "K", NULL);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.machine = "once";
  command.key = "K";
  command.event = "GO";
  command.idem = "go-1";
  fsm_answer first = sent(f, &command);
  assert_code(&first, FSM_OK);
  fsm_answer again = sent(f, &command);
  assert_code(&again, FSM_OK);
  assert_true(again.replayed);
  (void)start(f, "once", "i2", "K", NULL);
  again = sent(f, &command);
  assert_true(again.replayed);
  assert_string_equal(again.instance, "i1");
  assert_state(f, "i2", "a");
  command.idem = "go-2";
  again = sent(f, &command);
  assert_code(&again, FSM_OK);
  assert_string_equal(again.instance, "i2");
  assert_verified(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(an_approval_runs_from_draft_to_approved),
      T(everything_is_there_after_a_restart),
      T(a_failing_task_goes_to_the_error_state_with_its_reason),
      T(a_task_that_fails_with_a_bare_text_gives_a_message),
      T(the_fourth_retry_is_refused_by_the_guard_and_says_why),
      T(what_cannot_be_taken_is_refused_by_name),
      T(a_stale_revision_is_refused),
      T(a_completed_instance_takes_nothing_more_and_frees_its_key),
      T(the_same_key_gives_the_first_answer_again),
      T(a_keyed_start_makes_one_instance),
      T(a_repeated_command_by_key_meets_the_instance_it_was_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

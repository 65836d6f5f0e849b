/* test_runtime.c: the durable runtime through its public header: the approval, told as a story. */
#include "runtime_fixture.h"

static const char DOC[] =
    "{\"id\":\"D1\",\"title\":\"Laptops\",\"amount\":4200,\"department\":\"it\",\"submitter\":\"ana\"}";

static int setup(void **state) {
  fixture *f = fixture_new();
  deploy_approval(f);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static void submit(fixture *f, const char *id) {
  fsm_answer answer = start(f, "document-approval", id, NULL, DOC);
  assert_code(&answer, FSM_OK);
  answer = send_event(f, id, "SUBMIT", NULL);
  assert_code(&answer, FSM_OK);
  assert_state(f, id, "pendingReview");
}

/* The task that was offered last. */
static const uint8_t *last_token(fixture *f) { return f->offered[f->offered_count - 1].token; }

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

/* ---- time --------------------------------------------------------------------------------------- */

static const char TIMED[] =
    "{\"id\":\"timed\",\"initial\":\"waiting\",\"context\":{\"n\":0},\"states\":{"
    "\"waiting\":{\"after\":{\"60000\":\"late\"},\"on\":{\"GO\":\"gone\"}},"
    "\"late\":{},\"gone\":{}}}";

static void await_state(fixture *f, const char *id, const char *wanted) {
  for (int i = 0; i < 1000; i++) {
    fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
    if (strstr(text_of(f, fsm_map_get(&instance, "state")), wanted) != NULL) return;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  fail_msg("%s never came to %s", id, wanted);
}

static void a_timer_fires_when_it_is_due_also_after_a_restart(void **state) {
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TIMED, strlen(TIMED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "timed", "t1", NULL, NULL);
  (void)start(f, "timed", "t2", NULL, NULL);
  answer = send_event(f, "t2", "GO", NULL);
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&f->now_ns, 59 * SECOND);
  assert_state(f, "t1", "waiting");
  fixture_reopen(f);
  atomic_fetch_add(&f->now_ns, 2 * SECOND + SECOND / 1000);
  await_state(f, "t1", "late");
  assert_state(f, "t2", "gone"); /* a cancelled timer never fires */
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "t1"});
  const char *text = text_of(f, &history);
  assert_non_null(strstr(text, "\"kind\":\"timer_fired\""));
  assert_non_null(strstr(text, "\"late\":1000"));
  assert_verified(f);
}

static void a_task_whose_attempt_runs_out_of_time_fails(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  uint8_t token[16];
  memcpy(token, last_token(f), 16);
  fsm_answer answer = task(f, FSM_CMD_TASK_STARTED, token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&f->now_ns, 31 * SECOND);
  await_state(f, "d1", "submissionFailed");
  answer = task(f, FSM_CMD_TASK_COMPLETE, token, 1, false, "{\"reviewId\":\"R\"}");
  assert_code(&answer, FSM_ETASK); /* a late answer is ignored, and counted */
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(fsm_map_get(&health, "late_answers")->i, 1);
  assert_int_equal(fsm_map_get(&health, "refused")->i, 1);
  assert_state(f, "d1", "submissionFailed");
  assert_verified(f);
}

static void an_undelivered_task_is_offered_again_and_uses_no_attempt(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_UNDELIVERED, last_token(f), 0, false, NULL);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 1);
  assert_memory_equal(f->offered[0].token, f->offered[1].token, 16);
  fixture_reopen(f);
  await_offers(f, 3);
  assert_memory_equal(f->offered[0].token, f->offered[2].token, 16);
}

static void a_failed_attempt_is_retried_after_its_backoff(void **state) {
  static const char RETRIED[] =
      "{\"id\":\"retried\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
      "\"svc\","
      "\"meta\":{\"fsm\":{\"attempts\":2,\"backoff\":\"10s\"}},\"onDone\":\"ok\",\"onError\":\"bad\"}},"
      "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, RETRIED, strlen(RETRIED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "retried", "r1", NULL, NULL);
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_STARTED, last_token(f), 1, false, NULL);
  answer = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, false, "{\"message\":\"try later\"}");
  assert_code(&answer, FSM_OK);
  assert_state(f, "r1", "work");
  atomic_fetch_add(&f->now_ns, 11 * SECOND);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 2);
  (void)task(f, FSM_CMD_TASK_STARTED, last_token(f), 2, false, NULL);
  (void)task(f, FSM_CMD_TASK_FAIL, last_token(f), 2, false, "{\"message\":\"again\"}");
  assert_state(f, "r1", "bad");
  assert_verified(f);
}

/* ---- incidents ---------------------------------------------------------------------------------- */

static void a_loop_is_rolled_back_into_an_incident(void **state) {
  static const char LOOP[] =
      "{\"id\":\"loop\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"idle\":{},"
      "\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"always\":\"c\"},\"c\":{\"always\":\"b\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, LOOP, strlen(LOOP));
  assert_code(&answer, FSM_OK);
  (void)start(f, "loop", "l1", NULL, NULL);
  answer = send_event(f, "l1", "GO", NULL);
  assert_code(&answer, FSM_ELOOP);
  assert_state(f, "l1", "a");
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "l1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  answer = send_event(f, "l1", "GO", NULL);
  assert_code(&answer, FSM_EINCIDENT);
  assert_verified(f);
}

static void an_error_that_nothing_takes_opens_an_incident(void **state) {
  static const char UNHANDLED[] =
      "{\"id\":\"unhandled\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"src\":\"svc\",\"id\":"
      "\"j\",\"onDone\":\"ok\"}},"
      "\"ok\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, UNHANDLED, strlen(UNHANDLED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "unhandled", "u1", NULL, NULL);
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, true, "{\"message\":\"gone wrong\"}");
  assert_code(&answer, FSM_OK);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "u1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_verified(f);
}

static void a_step_whose_result_cannot_be_stored_parks_the_instance(void **state) {
  static const char INFINITE[] =
      "{\"id\":\"infinite\",\"initial\":\"a\",\"context\":{\"x\":1},\"states\":{\"a\":{\"on\":{\"GO\":{"
      "\"actions\":"
      "{\"type\":\"@xstate.assign\",\"context\":{\"x\":{\"@expr\":\"1.0 / 0.0\"}}}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, INFINITE, strlen(INFINITE));
  if (answer.error.code != FSM_OK) fail_msg("%s %s", answer.error.where, answer.error.text);
  (void)start(f, "infinite", "i1", NULL, NULL);
  answer = send_event(f, "i1", "GO", NULL);
  assert_true(answer.error.code != FSM_OK);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "i1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_verified(f);
}

static void an_answer_that_loops_is_refused_and_its_task_stays_open(void **state) {
  static const char TRAP[] =
      "{\"id\":\"trap\",\"initial\":\"w\",\"states\":{\"w\":{\"invoke\":{\"id\":\"j\",\"src\":\"svc\","
      "\"onDone\":\"a\"}},"
      "\"a\":{\"always\":\"b\"},\"b\":{\"always\":\"a\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TRAP, strlen(TRAP));
  assert_code(&answer, FSM_OK);
  (void)start(f, "trap", "t1", NULL, NULL);
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_COMPLETE, last_token(f), 1, false, "1");
  assert_code(&answer, FSM_ELOOP);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "t1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_int_equal(fsm_map_get(&instance, "tasks")->len, 1);
  assert_verified(f);
}

static void a_context_that_nests_too_deep_parks_and_its_history_can_be_read(void **state) {
  static const char DEEPER[] =
      "{\"id\":\"deeper\",\"initial\":\"a\",\"context\":{\"x\":1},\"states\":{\"a\":{\"on\":{\"GO\":{"
      "\"actions\":"
      "{\"type\":\"@xstate.assign\",\"context\":{\"x\":{\"@expr\":\"[context.x]\"}}}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, DEEPER, strlen(DEEPER));
  assert_code(&answer, FSM_OK);
  (void)start(f, "deeper", "d1", NULL, NULL);
  unsigned taken = 0;
  while (taken < 100 && send_event(f, "d1", "GO", NULL).error.code == FSM_OK) taken++;
  assert_true(taken > FSM_DATA_DEPTH_MAX && taken < 64);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "d1"});
  assert_int_equal(fsm_map_get(&history, "items")->len, taken + 2);
  assert_verified(f);
}

/* ---- reads -------------------------------------------------------------------------------------- */

static void stuck_lists_the_longest_first_and_only_those_held_long_enough(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 5; i++) {
    char id[16];
    snprintf(id, sizeof id, "d%d", i);
    (void)start(f, "document-approval", id, NULL, DOC);
    atomic_fetch_add(&f->now_ns, 60 * SECOND);
  }
  fsm_value stuck = query(f, (fsm_query){.kind = FSM_QUERY_STUCK, .for_ns = 150 * SECOND, .limit = 2});
  const fsm_value *items = fsm_map_get(&stuck, "items");
  assert_int_equal(items->len, 2);
  assert_true(fsm_is_text(fsm_map_get(&items->items[0], "id"), "d0"));
  const fsm_value *next = fsm_map_get(&stuck, "next");
  assert_true(fsm_is(next, FSM_STRING));
  stuck = query(f, (fsm_query){.kind = FSM_QUERY_STUCK,
                               .for_ns = 150 * SECOND,
                               .limit = 2,
                               .after = fsm_arena_strndup(&f->arena, next->s, next->len)});
  items = fsm_map_get(&stuck, "items");
  assert_int_equal(items->len, 1);
  assert_true(fsm_is_text(fsm_map_get(&items->items[0], "id"), "d2"));
  assert_true(fsm_is(fsm_map_get(&stuck, "next"), FSM_NULL));
}

static void a_list_pages_through_all_instances_once(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 7; i++) {
    char id[16];
    snprintf(id, sizeof id, "d%d", i);
    (void)start(f, "document-approval", id, NULL, DOC);
    if (i == 3) fixture_reopen(f); /* half of them in the store, half in the overlay */
  }
  unsigned seen = 0;
  const char *after = NULL;
  do {
    fsm_value list = query(
        f, (fsm_query){.kind = FSM_QUERY_LIST, .limit = 3, .after = after, .machine = "document-approval"});
    seen += fsm_map_get(&list, "items")->len;
    const fsm_value *next = fsm_map_get(&list, "next");
    after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&f->arena, next->s, next->len) : NULL;
  } while (after != NULL);
  assert_int_equal(seen, 7);
  fsm_value counts = query(f, (fsm_query){.kind = FSM_QUERY_COUNTS});
  assert_non_null(
      strstr(text_of(f, &counts), "{\"count\":7,\"machine\":\"document-approval\",\"state\":\"draft\"}"));
}

static void a_prefix_must_be_unique(void **state) {
  fixture *f = *state;
  (void)start(f, "document-approval", "abc-1", "K 1", DOC);
  (void)start(f, "document-approval", "abc-2", NULL, DOC);
  fsm_error err = {.text = ""};
  fsm_value out;
  assert_int_equal(fsm_query_wait(f->runtime, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "abc"},
                                  &f->arena, &out, &err),
                   FSM_EAMBIGUOUS);
  out = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "document-approval/key:K 1"});
  assert_true(fsm_is_text(fsm_map_get(&out, "id"), "abc-1"));
  out = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "abc-2"});
  assert_true(fsm_is_text(fsm_map_get(&out, "id"), "abc-2"));
}

static void the_events_say_what_may_be_sent_and_with_which_fields(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_COMPLETE, last_token(f), 1, false, "{\"reviewId\":\"R\"}");
  fsm_value events = query(f, (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = "d1"});
  const char *text = text_of(f, &events);
  assert_non_null(strstr(text, "\"event\":\"APPROVE\""));
  assert_non_null(strstr(text, "\"target\":\"approved\""));
  assert_non_null(strstr(text, "\"event\":\"REJECT\""));
  assert_non_null(strstr(text, "\"required\":[\"reason\"]"));
  assert_null(strstr(text, "SUBMIT"));
}

static void a_read_only_opening_gives_the_same_answers_and_changes_nothing(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  fsm_value live = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  fixture_close(f);
  fsm_runtime *reader = NULL;
  fsm_error err = {.text = ""};
  const fsm_runtime_options options = {.dir = f->dir, .read_only = true, .now = fixture_clock, .now_arg = f};
  if (fsm_runtime_open(&options, &reader, NULL, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fsm_value offline;
  assert_int_equal(fsm_query_wait(reader, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"}, &f->arena,
                                  &offline, &err),
                   FSM_OK);
  assert_string_equal(text_of(f, &offline), text_of(f, &live));
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "d1";
  command.event = "APPROVE";
  assert_int_equal(fsm_submit(reader, &command, NULL, NULL, &err), FSM_EARGUMENT);
  fsm_runtime_close(reader);
  fixture_open(f);
}

static void who_and_why_is_in_the_record(void **state) {
  fixture *f = *state;
  (void)start(f, "document-approval", "d1", NULL, DOC);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "d1";
  command.event = "SUBMIT";
  command.correlation = "corr-77";
  command.causation = "mail-1";
  command.request = "req-9";
  command.actor = json(f, "{\"type\":\"user\",\"sub\":\"ana\",\"sid\":\"s-1\",\"authn\":\"verified\"}");
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.correlation, "corr-77");
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "d1"});
  const fsm_value *items = fsm_map_get(&history, "items");
  const char *text = text_of(f, &items->items[1]);
  static const char *const wanted[] = {
      "\"corr\":\"corr-77\"",  "\"caus\":\"mail-1\"",  "\"req\":\"req-9\"",          "\"sub\":\"ana\"",
      "\"sid\":\"s-1\"",       "\"from\":[\"draft\"]", "\"to\":[\"pendingReview\"]", "\"trigger\":\"SUBMIT\"",
      "\"cause\":\"external\""};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (strstr(text, wanted[i]) == NULL) fail_msg("%s is missing in %s", wanted[i], text);
}

static void a_new_version_leaves_running_instances_where_they_are(void **state) {
  fixture *f = *state;
  static const char V1[] =
      "{\"id\":\"v\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{}}}";
  static const char V2[] =
      "{\"id\":\"v\",\"initial\":\"z\",\"states\":{\"z\":{},\"a\":{\"on\":{\"GO\":\"z\"}},\"b\":{}}}";
  (void)deploy_text(f, V1, strlen(V1));
  (void)start(f, "v", "old", NULL, NULL);
  fsm_answer answer = deploy_text(f, V2, strlen(V2));
  assert_int_equal(answer.version, 2);
  answer = deploy_text(f, V2, strlen(V2));
  assert_false(answer.created);
  assert_int_equal(answer.version, 2);
  fixture_reopen(f);
  (void)start(f, "v", "new", NULL, NULL);
  (void)send_event(f, "old", "GO", NULL);
  assert_state(f, "old", "b");
  assert_state(f, "new", "z");
  assert_verified(f);
}

/* ---- what time and repetition must not do ------------------------------------------------------- */

static void a_timer_that_is_set_anew_waits_its_whole_time_again(void **state) {
  static const char RENEWED[] =
      "{\"id\":\"renewed\",\"initial\":\"w\",\"states\":{\"w\":{\"after\":{\"60000\":{\"target\":\"w\","
      "\"reenter\":true},"
      "\"90000\":\"late\"}},\"late\":{}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, RENEWED, strlen(RENEWED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "renewed", "r1", NULL, NULL);
  atomic_fetch_add(&f->now_ns, 100 * SECOND); /* both are due, but the first one renews the second */
  for (int i = 0; i < 400; i++) {
    fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "r1"});
    if (fsm_map_get(&instance, "rev")->i > 1) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_state(f, "r1", "w");
  atomic_fetch_add(&f->now_ns, 30 * SECOND);
  assert_state(f, "r1", "w");
  assert_verified(f);
}

static void a_parked_instance_does_not_move_when_an_attempt_runs_out(void **state) {
  static const char PARKED[] =
      "{\"id\":\"parked\",\"initial\":\"w\",\"states\":{\"w\":{\"invoke\":{\"id\":\"j\",\"src\":\"svc\","
      "\"onDone\":\"ok\","
      "\"onError\":\"bad\",\"meta\":{\"fsm\":{\"timeout\":\"30s\"}}},\"on\":{\"LOOP\":\"a\"}},\"a\":{"
      "\"always\":\"b\"},"
      "\"b\":{\"always\":\"a\"},\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, PARKED, strlen(PARKED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "parked", "p1", NULL, NULL);
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_STARTED, last_token(f), 1, false, NULL);
  answer = send_event(f, "p1", "LOOP", NULL);
  assert_code(&answer, FSM_ELOOP);
  atomic_fetch_add(&f->now_ns, 31 * SECOND);
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "p1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_state(f, "p1", "w");
}

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

static void attempts_are_a_bound_also_when_nobody_said_that_they_began(void **state) {
  static const char TWICE[] =
      "{\"id\":\"twice\",\"initial\":\"w\",\"states\":{\"w\":{\"invoke\":{\"id\":\"j\",\"src\":\"svc\","
      "\"onDone\":\"ok\","
      "\"onError\":\"bad\",\"meta\":{\"fsm\":{\"attempts\":2,\"backoff\":\"1ms\",\"timeout\":\"2500000h\"}}}}"
      ","
      "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TWICE, strlen(TWICE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "twice", "t1", NULL, NULL);
  await_offers(f, 1);
  uint8_t token[16];
  memcpy(token, last_token(f), 16);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  assert_state(f, "t1", "w");
  answer = task(f, FSM_CMD_TASK_STARTED, token, 2, false, NULL);
  assert_code(&answer, FSM_OK);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 2, false, NULL);
  assert_code(&answer, FSM_OK);
  assert_state(f, "t1", "bad");
  assert_verified(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
      T(a_timer_fires_when_it_is_due_also_after_a_restart),
      T(a_task_whose_attempt_runs_out_of_time_fails),
      T(an_undelivered_task_is_offered_again_and_uses_no_attempt),
      T(a_failed_attempt_is_retried_after_its_backoff),
      T(a_loop_is_rolled_back_into_an_incident),
      T(an_error_that_nothing_takes_opens_an_incident),
      T(a_step_whose_result_cannot_be_stored_parks_the_instance),
      T(an_answer_that_loops_is_refused_and_its_task_stays_open),
      T(a_context_that_nests_too_deep_parks_and_its_history_can_be_read),
      T(stuck_lists_the_longest_first_and_only_those_held_long_enough),
      T(a_list_pages_through_all_instances_once),
      T(a_prefix_must_be_unique),
      T(the_events_say_what_may_be_sent_and_with_which_fields),
      T(a_read_only_opening_gives_the_same_answers_and_changes_nothing),
      T(who_and_why_is_in_the_record),
      T(a_new_version_leaves_running_instances_where_they_are),
      T(a_timer_that_is_set_anew_waits_its_whole_time_again),
      T(a_parked_instance_does_not_move_when_an_attempt_runs_out),
      T(a_repeated_command_by_key_meets_the_instance_it_was_for),
      T(attempts_are_a_bound_also_when_nobody_said_that_they_began),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_writer_large.c: what is too large or too deep to write: refusals that saw much, results that park the
 * instance. */
#include "tests/writer_gate.h"

/* ---- refusals that are hard to write ------------------------------------------------------------ */

static void assert_refused_without_a_trace_in(fixture *f, const fsm_answer *answer, int64_t rev) {
  assert_code(answer, FSM_EGUARD);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "i"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "running"));
  assert_int_equal(fsm_map_get(&instance, "rev")->i, rev);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "i"});
  const fsm_value *items = fsm_map_get(&history, "items"), *last = &items->items[items->len - 1];
  assert_true(fsm_is_text(fsm_map_get(last, "kind"), "rejected"));
  assert_true(fsm_is_text(fsm_map_get(last, "reason"), "guard_false"));
  assert_verified(f);
}

/* The guard sees 240 KB, and the event's data is recorded too. */
static void a_refusal_that_saw_something_large_changes_nothing(void **state) {
  static const char WIDE[] =
      "{\"id\":\"wide\",\"initial\":\"a\",\"context\":{\"a\":null,\"b\":null,\"c\":null,\"d\":null},"
      "\"states\":{\"a\":{\"on\":{\"A\":{\"context\":{\"a\":{\"@expr\":\"event.blob\"}}},"
      "\"B\":{\"context\":{\"b\":{\"@expr\":\"event.blob\"}}},"
      "\"C\":{\"context\":{\"c\":{\"@expr\":\"event.blob\"}}},"
      "\"TEST\":{\"guard\":{\"@expr\":\"context.a == event.blob && context.b == event.blob && "
      "context.c == event.blob && context.d == 1\"}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, WIDE, strlen(WIDE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "wide", "i", NULL, NULL);
  static const char *const events[] = {"A", "B", "C"};
  for (int i = 0; i < 3; i++) {
    answer = send_blob(f, "i", events[i], 60000);
    assert_code(&answer, FSM_OK);
  }
  answer = send_blob(f, "i", "TEST", 60000); /* four seen, each told by its beginning, and one as data */
  assert_refused_without_a_trace_in(f, &answer, 4);
}

/* Each candidate is told with its guard: together more than a record holds, so the record leaves them out. */
static void a_refusal_by_very_many_guards_has_a_short_record(void **state) {
  enum { GUARDS = 4000 };
  fixture *f = *state;
  fsm_buf text = {0};
  fsm_buf_str(&text,
              "{\"id\":\"many\",\"initial\":\"a\",\"context\":{\"n\":0},\"guards\":{\"g\":{\"@expr\":"
              "\"context.n == 1 && context.n != 22222222 && context.n != 33333333\"}},"
              "\"states\":{\"a\":{\"on\":{\"TEST\":[");
  for (int i = 0; i < GUARDS; i++) fsm_buf_str(&text, i > 0 ? ",{\"guard\":\"g\"}" : "{\"guard\":\"g\"}");
  fsm_buf_str(&text, "]}}}}");
  fsm_answer answer = deploy_text(f, text.data, text.len);
  fsm_buf_free(&text);
  assert_code(&answer, FSM_OK);
  (void)start(f, "many", "i", NULL, NULL);
  answer = send_event(f, "i", "TEST", "{\"said\":1}");
  assert_int_equal(fsm_map_get(&answer.detail, "candidates")->len, GUARDS); /* the caller is told all */
  assert_refused_without_a_trace_in(f, &answer, 1);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "i"});
  const fsm_value *items = fsm_map_get(&history, "items"), *last = &items->items[items->len - 1];
  const fsm_value *detail = fsm_map_get(last, "detail");
  assert_non_null(strstr(text_of(f, fsm_map_get(detail, "text")), "the guard is false"));
  assert_null(fsm_map_get(detail, "candidates"));
  assert_null(fsm_map_get(last, "data"));
}

static void a_refusal_that_saw_something_deep_changes_nothing(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  fsm_value deep = fsm_int(1);
  for (int i = 0; i < FSM_DATA_DEPTH_MAX - 1; i++) {
    fsm_value *item = fsm_arena_alloc(&f->arena, sizeof *item);
    *item = deep;
    deep = fsm_list(item, 1);
  }
  fsm_pair pairs[1] = {{fsm_string("blob"), deep}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "TEST";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  fsm_answer answer = sent(f, &command);
  assert_refused_without_a_trace_in(f, &answer, 1);
}

static void what_cannot_be_stored_parks_the_instance_and_keeps_the_key(void **state) {
  static const char INFINITE[] =
      "{\"id\":\"infinite\",\"initial\":\"a\",\"context\":{\"x\":1},\"states\":{\"a\":{\"on\":{\"GO\":{"
      "\"context\":{\"x\":{\"@expr\":\"1.0 / 0.0\"}}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, INFINITE, strlen(INFINITE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "infinite", "i", NULL, NULL);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "GO";
  command.idem = "once";
  fsm_answer first = sent(f, &command);
  assert_true(first.error.code != FSM_OK && first.seq != 0);
  answer = sent(f, &command);
  assert_true(answer.replayed);
  assert_int_equal(answer.error.code, first.error.code);
  assert_int_equal(answer.seq, first.seq);
  command.idem = NULL;
  answer = sent(f, &command);
  assert_code(&answer, FSM_EINCIDENT);
  assert_verified(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_refusal_that_saw_something_large_changes_nothing),
      S(a_refusal_by_very_many_guards_has_a_short_record),
      S(a_refusal_that_saw_something_deep_changes_nothing),
      S(what_cannot_be_stored_parks_the_instance_and_keeps_the_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

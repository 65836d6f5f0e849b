/* test_masked_reads.c: through the C interface nothing that a machine marks (x-pii) can be read, in no
 * document and no answer, while the worker still gets its input and the journal keeps every byte. */
#include "runtime_scene.h"

#include "schema/mask.h"

#define SECRET "DE89370400440532013000"

typedef struct worker {
  fixture *f;
  _Atomic unsigned offers;
  _Atomic bool got; /* the secret is in the input */
  uint8_t token[16];
} worker;

static void take(void *arg, const fsm_task *task) {
  worker *w = arg;
  fsm_buf buf = {0};
  fsm_json_write(&buf, &task->input);
  if (strstr(fsm_buf_text(&buf), SECRET) != NULL) atomic_store(&w->got, true);
  fsm_buf_free(&buf);
  memcpy(w->token, task->token, 16);
  atomic_fetch_add(&w->offers, 1);
}

static void no_secret(const char *what, const char *text) {
  if (strstr(text, SECRET) != NULL) fail_msg("%s shows it: %s", what, text);
}

static const char *reads(fixture *f, const char *what, fsm_query q) {
  const fsm_value document = query(f, q);
  const char *text = text_of(f, &document);
  no_secret(what, text);
  return text;
}

static void answer_clean(fixture *f, const char *what, const fsm_answer *answer) {
  fsm_value view;
  assert_int_equal(fsm_answer_view(&f->arena, answer, &view), FSM_OK);
  no_secret(what, text_of(f, &view));
  no_secret(what, text_of(f, &answer->detail));
  no_secret(what, answer->error.text);
  no_secret(what, answer->error.where);
}

static void all_reads(fixture *f, const char *id) {
  (void)reads(f, "instance", (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  (void)reads(f, "events", (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = id});
  (void)reads(f, "history", (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id});
  (void)reads(f, "records", (fsm_query){.kind = FSM_QUERY_RECORDS});
  (void)reads(f, "list", (fsm_query){.kind = FSM_QUERY_LIST});
  (void)reads(f, "stuck", (fsm_query){.kind = FSM_QUERY_STUCK});
}

static void has(const char *text, const char *wanted) {
  if (strstr(text, wanted) == NULL) fail_msg("no %s in %s", wanted, text);
}

static void look(void *arg, const fsm_record *record) {
  fsm_value view;
  fsm_buf buf = {0};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm_record_view(&arena, record, NULL, &view, NULL), FSM_OK);
  fsm_json_write(&buf, &view);
  if (strstr(fsm_buf_text(&buf), SECRET) != NULL) ++*(unsigned *)arg;
  fsm_buf_free(&buf);
  fsm_arena_free(&arena);
}

static fixture *loan_open(worker *w) {
  fixture *f = fixture_new();
  fsm_runtime_options options = scene_options(f);
  size_t len = 0;
  *w = (worker){.f = f};
  options.task_ready = take;
  options.task_arg = w;
  scene_reopen(f, &options);
  char *text = fixture_file(FSM_SOURCE_DIR "/tests/cases/masked.json", &len);
  fsm_answer answer = deploy_text(f, text, len);
  assert_code(&answer, FSM_OK);
  free(text);
  return f;
}

static void test_nothing_marked_can_be_read_and_the_worker_gets_it(void **state) {
  (void)state;
  worker w;
  fixture *f = loan_open(&w);
  fsm_answer answer = start(f, "loan", "l-1", NULL, "{\"iban\":\"" SECRET "\"}");
  assert_code(&answer, FSM_OK);
  answer = send_event(f, "l-1", "CHECK", "{\"card\":\"x\"}");
  assert_code(&answer, FSM_EGUARD);
  answer_clean(f, "a false guard", &answer);
  has(text_of(f, &answer.detail), "\"context.iban\":\"[masked]\"");
  all_reads(f, "l-1");
  answer = send_event(f, "l-1", "PAY",
                      "{\"card\":\"" SECRET "\",\"lines\":[{\"name\":\"" SECRET "\",\"amount\":5}]}");
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 12000 && atomic_load(&w.offers) == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_true(atomic_load(&w.got));
  all_reads(f, "l-1");
  answer = task(f, FSM_CMD_TASK_STARTED, w.token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  answer = task(f, FSM_CMD_TASK_COMPLETE, w.token, 1, false, "{\"iban\":\"" SECRET "\"}");
  assert_code(&answer, FSM_OK);
  assert_state(f, "l-1", "paid");
  all_reads(f, "l-1");
  const char *instance = reads(f, "instance", (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "l-1"});
  has(instance, "\"output\":{\"iban\":\"[masked]\",\"people\":[{\"amount\":5,\"name\":\"[masked]\"}]}");
  const char *records = reads(f, "records", (fsm_query){.kind = FSM_QUERY_RECORDS});
  has(records, "\"log\":[[\"[masked]\"]]");
  unsigned kept = 0;
  (void)journal_walk(f, look, &kept);
  assert_true(kept >= 4); /* created, the event, the answer, completed */
  assert_verified(f);
  fixture_free(f);
}

static void test_a_fault_is_told_without_the_values_in_it(void **state) {
  (void)state;
  worker w;
  fixture *f = loan_open(&w);
  fsm_answer answer = start(f, "loan", "l-2", NULL, "{\"iban\":\"" SECRET "\"}");
  assert_code(&answer, FSM_OK);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "l-2";
  command.event = "BREAK";
  command.data = json(f, "{\"card\":\"x" SECRET "\"}");
  answer = sent(f, &command);
  answer_clean(f, "a fault", &answer);
  all_reads(f, "l-2");
  const char *instance = reads(f, "instance", (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "l-2"});
  has(instance, "\"status\":\"incident\"");
  has(instance, ", [masked]\"");
  fixture_reopen(f);
  all_reads(f, "l-2");
  fixture_free(f);
}

static int64_t matched(fixture *f, const char *where, bool whole) {
  fsm_value route = json(f, where);
  const fsm_value document =
      query(f, (fsm_query){.kind = FSM_QUERY_ROUTE_TEST, .route = route, .whole = whole});
  no_secret("a route tried", text_of(f, &document));
  return fsm_map_get(&document, "matched")->i;
}

static void test_what_is_masked_cannot_be_guessed_by_trying_a_route(void **state) {
  (void)state;
  static const char guess[] =
      "{\"sinks\":[\"x\"],\"where\":\"record.?data.?iban.orValue('') == '" SECRET "'\"}";
  static const char shown[] =
      "{\"sinks\":[\"x\"],\"where\":\"record.?data.?iban.orValue('') == '[masked]'\"}";
  static const char fails[] = "{\"sinks\":[\"x\"],\"where\":\"int(record.data.iban) == 0\"}";
  worker w;
  fixture *f = loan_open(&w);
  fsm_answer answer = start(f, "loan", "l-3", NULL, "{\"iban\":\"" SECRET "\"}");
  assert_code(&answer, FSM_OK);
  assert_int_equal(matched(f, guess, false), 0);
  assert_int_equal(matched(f, shown, false), 1);
  assert_int_equal(matched(f, fails, false), 0);
  assert_int_equal(matched(f, guess, true), 1);
  assert_int_equal(matched(f, shown, true), 0);
  fixture_free(f);
}

/* What is refused without an instance is summed up in a record that names no definition. */
static void test_a_start_that_fails_shows_nothing_either(void **state) {
  (void)state;
  static const char text[] =
      "{\"id\":\"odd\",\"context\":{\"n\":{\"@expr\":\"int(input.iban)\"}},\"schemas\":{\"input\":{"
      "\"properties\":"
      "{\"iban\":{\"type\":\"string\",\"x-pii\":true}}}},\"initial\":\"a\",\"states\":{\"a\":{}}}";
  worker w;
  fixture *f = loan_open(&w);
  fsm_answer answer = deploy_text(f, text, strlen(text));
  assert_code(&answer, FSM_OK);
  answer = start(f, "odd", "o-1", NULL, "{\"iban\":\"" SECRET "\"}");
  assert_int_not_equal(answer.error.code, FSM_OK);
  has(answer.error.text, ", [masked]");
  answer_clean(f, "a start that fails", &answer);
  fixture_reopen(f);
  has(reads(f, "records", (fsm_query){.kind = FSM_QUERY_RECORDS}), "\"excerpt\":\"");
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_marked_can_be_read_and_the_worker_gets_it),
      cmocka_unit_test(test_a_fault_is_told_without_the_values_in_it),
      cmocka_unit_test(test_what_is_masked_cannot_be_guessed_by_trying_a_route),
      cmocka_unit_test(test_a_start_that_fails_shows_nothing_either),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_query_tasks.c: open tasks as they are read, and claims: an attempt is had by one. */
#include "admin_scene.h"

#include "runtime/hash.h"

static int tasks_setup(void **state) {
  *state = admin_new();
  return 0;
}

static int tasks_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static fsm_value tasks(fixture *f, fsm_query q) {
  q.kind = FSM_QUERY_TASKS;
  return query(f, q);
}

static const fsm_value *items_of(const fsm_value *page) { return fsm_map_get(page, "items"); }

static unsigned count_of(fixture *f, const char *state) {
  const fsm_value page = tasks(f, (fsm_query){.state = state});
  return items_of(&page)->len;
}

static const char *member(fixture *f, const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_map_get(map, name);
  return value != NULL ? text_of(f, value) : "none";
}

/* What was offered came back: nobody took it. */
static void untaken(fixture *f, const uint8_t token[16]) {
  fsm_command command = fsm_command_new(FSM_CMD_TASK_UNDELIVERED);
  memcpy(command.token, token, 16);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
}

/* The token of the only open task of an instance. */
static void offered_of(fixture *f, const char *id, uint8_t out[16]) {
  const fsm_value page = tasks(f, (fsm_query){.ref = id});
  assert_int_equal(items_of(&page)->len, 1);
  const fsm_value *hex = fsm_map_get(&items_of(&page)->items[0], "token");
  for (unsigned i = 0; i < 16; i++) {
    unsigned byte = 0;
    assert_int_equal(sscanf(hex->s + 2 * i, "%2x", &byte), 1);
    out[i] = (uint8_t)byte;
  }
}

/* The same, which nobody else is asked to do just now. */
static void token_of(fixture *f, const char *id, uint8_t out[16]) {
  await_offers(f, 1);
  offered_of(f, id, out);
  untaken(f, out);
}

static fsm_answer claim(fixture *f, const uint8_t token[16], unsigned attempt) {
  fsm_command command = fsm_command_new(FSM_CMD_TASK_STARTED);
  memcpy(command.token, token, 16);
  command.attempt = attempt;
  command.claim = true;
  return sent(f, &command);
}

static bool is_had(const fsm_answer *answer) {
  assert_int_equal(answer->error.code, FSM_OK);
  assert_int_equal(fsm_is(&answer->task, FSM_MAP), answer->seq != 0);
  return answer->seq != 0;
}

static void a_task_is_open_runs_and_is_gone(void **state) {
  fixture *f = *state;
  uint8_t token[16];
  begun(f, "one", "WORK");
  token_of(f, "one", token);
  assert_int_equal(count_of(f, "open"), 1);
  fsm_answer answer = claim(f, token, 1);
  assert_true(is_had(&answer));
  assert_string_equal(member(f, &answer.task, "state"), "\"running\"");
  assert_string_equal(member(f, &answer.task, "attempt"), "1");
  assert_string_equal(member(f, &answer.task, "input"), "{\"a\":1}");
  const fsm_value page = tasks(f, (fsm_query){.state = "running"});
  assert_string_equal(text_of(f, &items_of(&page)->items[0]), text_of(f, &answer.task));
  assert_int_equal(count_of(f, "open"), 0);
  answer = task(f, FSM_CMD_TASK_COMPLETE, token, 1, false, "7");
  assert_code(&answer, FSM_OK);
  assert_int_equal(count_of(f, NULL), 0);
  assert_verified(f);
}

static void an_attempt_is_had_once(void **state) {
  fixture *f = *state;
  uint8_t token[16];
  begun(f, "one", "WORK");
  token_of(f, "one", token);
  fsm_command commands[8];
  fsm_answer answers[8];
  fsm_error err = {.text = ""};
  unsigned had = 0;
  for (unsigned i = 0; i < 8; i++) {
    commands[i] = fsm_command_new(FSM_CMD_TASK_STARTED);
    memcpy(commands[i].token, token, 16);
    commands[i].attempt = 1;
    commands[i].claim = true;
  }
  assert_int_equal(fsm_call_batch(f->runtime, commands, 8, &f->arena, answers, &err), FSM_OK);
  for (unsigned i = 0; i < 8; i++) had += is_had(&answers[i]);
  assert_int_equal(had, 1);
}

static void what_is_not_to_be_had_is_no_refusal_and_no_record(void **state) {
  fixture *f = *state;
  uint8_t token[16], other[16];
  begun(f, "one", "WORK");
  token_of(f, "one", token);
  memcpy(other, token, 16);
  other[15] ^= 1;
  fsm_answer answer = claim(f, other, 1); /* no such task */
  assert_false(is_had(&answer));
  answer = claim(f, token, 2); /* not that attempt */
  assert_false(is_had(&answer));
  (void)admin(f, FSM_CMD_PAUSE, "one");
  assert_int_equal(count_of(f, "waiting"), 1);
  answer = claim(f, token, 1);
  assert_false(is_had(&answer));
  (void)admin(f, FSM_CMD_RESUME, "one");
  await_offers(f, 2);
  untaken(f, token);
  answer = claim(f, token, 1);
  assert_true(is_had(&answer));
  const fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_string_equal(member(f, &health, "late_answers"), "0");
  assert_string_equal(member(f, &health, "refused"), "0");
}

static void what_a_worker_runs_is_not_to_be_had(void **state) {
  fixture *f = *state;
  uint8_t token[16];
  begun(f, "one", "WORK");
  token_of(f, "one", token);
  fsm_answer answer = task(f, FSM_CMD_TASK_STARTED, token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  answer = claim(f, token, 1);
  assert_false(is_had(&answer));
  answer = claim(f, token, 2);
  assert_false(is_had(&answer));
}

static void what_a_worker_may_take_yet_is_not_to_be_had(void **state) {
  fixture *f = *state;
  uint8_t token[16];
  begun(f, "one", "WORK");
  await_offers(f, 1);
  offered_of(f, "one", token);
  fsm_answer answer = claim(f, token, 1);
  assert_false(is_had(&answer));
  untaken(f, token);
  answer = claim(f, token, 1);
  assert_true(is_had(&answer));
}

static void a_back_off_is_waited_for(void **state) {
  fixture *f = *state;
  uint8_t token[16];
  begun(f, "one", "WORK");
  token_of(f, "one", token);
  (void)claim(f, token, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_FAIL, token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  assert_int_equal(count_of(f, "waiting"), 1);
  answer = claim(f, token, 2);
  assert_false(is_had(&answer));
  atomic_fetch_add(&f->now_ns, 3600 * SECOND);
  assert_int_equal(count_of(f, "open"), 1);
  await_offers(f, 2);
  untaken(f, token);
  answer = claim(f, token, 2);
  assert_true(is_had(&answer));
  assert_string_equal(member(f, &answer.task, "attempt"), "2");
  assert_verified(f);
}

static void a_lost_claimers_attempt_ends_at_its_deadline(void **state) {
  fixture *f = *state;
  uint8_t token[16];
  begun(f, "one", "WORK");
  token_of(f, "one", token);
  (void)claim(f, token, 1);
  fixture_reopen(f); /* whoever has it may answer all the same */
  assert_int_equal(count_of(f, "running"), 1);
  atomic_fetch_add(&f->now_ns, 6 * SECOND); /* timeout 5 s */
  for (int i = 0; i < 6000 && count_of(f, "running") > 0; i++) usleep(10000);
  assert_int_equal(count_of(f, "running"), 0);
  fsm_answer answer = task(f, FSM_CMD_TASK_COMPLETE, token, 1, false, "7");
  assert_code(&answer, FSM_ETASK);
}

static void those_that_wait_longest_stand_in_front_page_by_page(void **state) {
  fixture *f = *state;
  for (unsigned i = 0; i < 5; i++) {
    begun(f, fsm_arena_printf(&f->arena, "t%u", 4 - i), "WORK");
    atomic_fetch_add(&f->now_ns, SECOND);
  }
  const char *after = NULL;
  for (unsigned seen = 0; seen < 5;) {
    const fsm_value page = tasks(f, (fsm_query){.after = after, .limit = 2, .service = "svc"});
    const fsm_value *items = items_of(&page), *next = fsm_map_get(&page, "next");
    for (unsigned i = 0; i < items->len; i++, seen++)
      assert_string_equal(member(f, &items->items[i], "instance"),
                          fsm_arena_printf(&f->arena, "\"t%u\"", 4 - seen));
    assert_int_equal(fsm_is(next, FSM_NULL), seen == 5);
    after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&f->arena, next->s, next->len) : NULL;
  }
  const fsm_value none = tasks(f, (fsm_query){.service = "other"});
  assert_int_equal(items_of(&none)->len, 0);
}

static void child_instances_are_not_among_them(void **state) {
  fixture *f = *state;
  static const char PARENT[] =
      "{\"id\":\"parent\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"id\":\"kid\",\"src\":"
      "\"machine\","
      "\"input\":{\"machine\":\"adm\"}}}}}";
  (void)deploy_text(f, PARENT, sizeof PARENT - 1);
  fsm_answer answer = start(f, "parent", "p", NULL, NULL);
  assert_code(&answer, FSM_OK);
  assert_int_equal(count_of(f, NULL), 0);
}

static void questions_that_cannot_be_asked_say_why(void **state) {
  fixture *f = *state;
  const struct {
    fsm_query query;
    fsm_code code;
    const char *where;
  } cases[] = {
      {{.kind = FSM_QUERY_TASKS, .state = "closed"}, FSM_EARGUMENT, "state"},
      {{.kind = FSM_QUERY_TASKS, .machine = "nothing"}, FSM_EMACHINE, "machine"},
      {{.kind = FSM_QUERY_TASKS, .ref = "nobody"}, FSM_EINSTANCE, "instance"},
      {{.kind = FSM_QUERY_TASKS, .after = "xyz"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_TASKS, .after = ""}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_TASKS, .limit = FSM_PAGE_MAX + 1}, FSM_EARGUMENT, "limit"},
      {{.kind = FSM_QUERY_TASK}, FSM_ETASK, "token"},
      {{.kind = FSM_QUERY_TASK, .ref = "00"}, FSM_ETASK, "token"},
      {{.kind = FSM_QUERY_TASK, .ref = "00000000000000000000000000000000"}, FSM_ETASK, "token"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_value out;
    fsm_error err = {.text = ""};
    assert_int_equal(fsm_query_wait(f->runtime, &cases[i].query, &f->arena, &out, &err), cases[i].code);
    assert_string_equal(err.where, cases[i].where);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tasks_setup, tasks_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_task_is_open_runs_and_is_gone),
      TEST(an_attempt_is_had_once),
      TEST(what_is_not_to_be_had_is_no_refusal_and_no_record),
      TEST(what_a_worker_runs_is_not_to_be_had),
      TEST(what_a_worker_may_take_yet_is_not_to_be_had),
      TEST(a_back_off_is_waited_for),
      TEST(a_lost_claimers_attempt_ends_at_its_deadline),
      TEST(those_that_wait_longest_stand_in_front_page_by_page),
      TEST(child_instances_are_not_among_them),
      TEST(questions_that_cannot_be_asked_say_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

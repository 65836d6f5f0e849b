/* test_filter_sieve.c: what a page takes is bounded, however many versions its rows are of. */
#include "runtime_fixture.h"

#include "runtime/filter_sieve.h"

enum { STATES = 400, VERSIONS = FSM__SIEVE_MACHINES + 4, ROUNDS = 20 };

/* A machine of many states, of which the description is another in each version. */
static void deploy_wide(fixture *f, unsigned version) {
  fsm_buf text = {0};
  fsm_buf_printf(&text, "{\"id\":\"wide\",\"description\":\"%u\",\"initial\":\"s0\",\"states\":{", version);
  for (unsigned s = 0; s < STATES; s++) fsm_buf_printf(&text, "%s\"s%u\":{}", s > 0 ? "," : "", s);
  fsm_buf_str(&text, "}}");
  fsm_answer answer = deploy_text(f, fsm_buf_text(&text), text.len);
  assert_int_equal(answer.error.code, FSM_OK);
  assert_int_equal(answer.version, version);
  fsm_buf_free(&text);
}

static void versions_beyond_those_that_are_known_at_once_take_no_more_memory(void **state) {
  fixture *f = fixture_new();
  fsm_arena arena;
  fsm_value out;
  fsm_error err = {.text = ""};
  (void)state;
  for (unsigned v = 1; v <= VERSIONS; v++) deploy_wide(f, v);
  for (unsigned i = 0; i < VERSIONS * ROUNDS; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_START);
    fsm_answer answer;
    command.machine = "wide";
    command.version = 1 + i % VERSIONS;
    fsm_arena_reset(&f->arena);
    assert_int_equal(fsm_call(f->runtime, &command, &f->arena, &answer), FSM_OK);
  }
  fsm_arena_init(&arena, 0);
  const fsm_query query = {.kind = FSM_QUERY_LIST, .machine = "wide", .for_ns = 3600 * SECOND, .limit = 10};
  if (fsm_query_wait(f->runtime, &query, &arena, &out, &err) != FSM_OK) fail_msg("%s", err.text);
  assert_int_equal(fsm_map_get(&out, "items")->len, 0);
  assert_in_range(fsm_arena_used(&arena), 1, (FSM__SIEVE_MACHINES + VERSIONS) * STATES);
  fsm_arena_free(&arena);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(versions_beyond_those_that_are_known_at_once_take_no_more_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_query_groups.c: a group is told by the beginning of what is long, whatever its type: an answer is
 * bounded. */
#include "runtime_fixture.h"

static const char CHART[] =
    "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"text\":{\"@expr\":\"input.x\"},\"bytes\":{\"@expr\":"
    "\"bytes(input.x)\"}},"
    "\"states\":{\"a\":{}}}";

static void what_is_long_is_told_by_its_beginning(void **state) {
  (void)state;
  static const char *const by[] = {"field:text", "field:bytes"};
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, CHART, strlen(CHART));
  assert_code(&answer, FSM_OK);
  char input[8192] = "{\"x\":\"";
  memset(input + 6, 'x', 8000);
  memcpy(input + 8006, "\"}", 3);
  answer = start(f, "m", "one", NULL, input);
  assert_code(&answer, FSM_OK);
  for (size_t i = 0; i < 2; i++) {
    const fsm_value groups = query(f, (fsm_query){.kind = FSM_QUERY_GROUPS, .by = by[i]});
    assert_int_equal(fsm_map_get(&groups, "items")->len, 1);
    assert_true(strlen(text_of(f, &groups)) < 1024);
  }
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_long_is_told_by_its_beginning)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

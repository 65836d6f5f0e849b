/* test_why_bound.c: what an answer may cost has bounds: the search for a way to an end in memory, also where
 * no step of it leads anywhere new; all that is evaluated in work. What is over it is said. */
#include "runtime_fixture.h"

#include "runtime/readers.h"

enum { EVENTS = 120 };

/* Each event spins through hundreds of microsteps and comes back to where it began. */
static void deploy_spinning(fixture *f) {
  fsm_buf text = {0};
  fsm_buf_str(&text,
              "{\"id\":\"spin\",\"initial\":\"rest\",\"context\":{\"n\":0},\"states\":{\"rest\":{\"on\":{");
  for (unsigned i = 0; i < EVENTS; i++)
    fsm_buf_printf(&text,
                   "%s\"E%u\":[{\"guard\":{\"@expr\":\"event.a\"},\"target\":\"spin\",\"context\":{\"n\":0}},"
                   "{\"guard\":{\"@expr\":\"event.b\"},\"target\":\"spin\",\"context\":{\"n\":0}},"
                   "{\"guard\":{\"@expr\":\"event.c\"},\"target\":\"spin\",\"context\":{\"n\":0}}]",
                   i > 0 ? "," : "", i);
  fsm_buf_str(&text,
              "}},\"spin\":{\"always\":[{\"guard\":{\"@expr\":\"context.n < 400\"},\"target\":\"spun\","
              "\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}},{\"target\":\"rest\"}]},"
              "\"spun\":{\"always\":[{\"target\":\"spin\"}]},\"end\":{\"type\":\"final\"}}}");
  fsm_answer answer = deploy_text(f, fsm_buf_text(&text), strlen(fsm_buf_text(&text)));
  assert_code(&answer, FSM_OK);
  fsm_buf_free(&text);
}

static void a_search_that_leads_nowhere_new_ends_all_the_same(void **state) {
  (void)state;
  fixture *f = fixture_new();
  deploy_spinning(f);
  fsm_answer answer = start(f, "spin", "s", NULL, NULL);
  assert_code(&answer, FSM_OK);
  const fsm_value why = query(f, (fsm_query){.kind = FSM_QUERY_WHY, .ref = "s"});
  assert_true(fsm_is(fsm_map_get(&why, "path"), FSM_NULL));
  assert_non_null(strstr(text_of(f, fsm_map_get(&why, "path_text")), "no way to an end was found among"));
  fixture_free(f);
}

/* Each guard is as expensive as one evaluation may be, nearly, and false. */
static void deploy_costly(fixture *f) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{\"id\":\"costly\",\"initial\":\"a\",\"context\":{\"l\":[");
  for (unsigned i = 0; i < 900; i++) fsm_buf_printf(&text, "%s1", i > 0 ? "," : "");
  fsm_buf_str(&text, "]},\"states\":{\"a\":{\"on\":{");
  for (unsigned i = 0; i < 100; i++)
    fsm_buf_printf(
        &text,
        "%s\"E%u\":{\"target\":\"z\",\"guard\":{\"@expr\":\"context.l.exists(x, context.l.exists(y, "
        "x > y))\"}}",
        i > 0 ? "," : "", i);
  fsm_buf_str(&text, "}},\"z\":{\"type\":\"final\"}}}");
  fsm_answer answer = deploy_text(f, fsm_buf_text(&text), strlen(fsm_buf_text(&text)));
  assert_code(&answer, FSM_OK);
  fsm_buf_free(&text);
}

static void a_hundred_costly_guards_are_looked_at_up_to_the_budget_and_the_rest_is_said(void **state) {
  (void)state;
  fixture *f = fixture_new();
  deploy_costly(f);
  fsm_answer answer = start(f, "costly", "c", NULL, NULL);
  assert_code(&answer, FSM_OK);
  const fsm_value why = query(f, (fsm_query){.kind = FSM_QUERY_WHY, .ref = "c"});
  const char *unasked = text_of(f, fsm_map_get(&why, "unasked"));
  assert_non_null(strstr(unasked, " of 100 transitions"));
  assert_true(fsm_is_text(fsm_map_get(&why, "verdict"), "waits")); /* neither dead nor refused: not known */
  assert_false(fsm_map_get(&why, "never")->b);
  const fsm_value events = query(f, (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = "c"});
  const fsm_value *items = fsm_map_get(&events, "events");
  unsigned asked = 0;
  for (uint32_t i = 0; i < items->len; i++) {
    const bool left_out = fsm_map_get(&items->items[i], "unasked") != NULL;
    assert_int_equal(left_out, fsm_map_get(&items->items[i], "depends") != NULL);
    asked += !left_out;
  }
  assert_in_range(asked, 1, 20); /* each costs half of what one may, and is asked twice */
  fixture_free(f);
}

static void health_is_not_asked_behind_it(void **state) {
  (void)state;
  static fsm__readers readers;
  const fsm_query why = {.kind = FSM_QUERY_WHY}, health = {.kind = FSM_QUERY_HEALTH};
  assert_ptr_equal(fsm__readers_queue(&readers, &health), &readers.brief.queue);
  assert_ptr_equal(fsm__readers_queue(&readers, &why), &readers.slow.queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_search_that_leads_nowhere_new_ends_all_the_same),
      cmocka_unit_test(a_hundred_costly_guards_are_looked_at_up_to_the_budget_and_the_rest_is_said),
      cmocka_unit_test(health_is_not_asked_behind_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

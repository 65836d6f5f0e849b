/* test_expr_check.c: what is refused at load, node by node. */
#include "tests/expr_shapes.h"

static void conditions_are_bools(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.ok && context.amount > 1 || !context.ok", "ok"},
      {"context.free && true", "ok"},
      {"context.amount && true", "1:1 context.amount: expected true or false, and it is of the type int"},
      {"true ||\n context.title", "2:2 context.title: expected true or false, and it is of the type string"},
      {"!context.due", "1:2 context.due: expected true or false, and it is of the type timestamp"},
      {"context.items ? 1 : 2", "1:1 context.items: expected true or false, and it is of the type list"},
      {"-context.title", "1:2 context.title: expected a number, and it is of the type string"},
      {"-context.amount + -context.ratio", "ok"},
  };
  CHECK_SHAPES(cases);
}

static void literals_have_shapes(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 + 'a'", "1:1 1 + 'a': + does not take int and string"},
      {"[1, 2][0] + 'a'", "1:1 [1, 2][0] + 'a': + does not take int and string"},
      {"[1, 'a'][0] + 'a'", "ok"},
      {"[1, 1.5][0] + 'a'", "1:1 [1, 1.5][0] + 'a': + does not take number and string"},
      {"{'a': 1}.b + 'a'", "1:1 {'a': 1}.b + 'a': + does not take int and string"},
      {"{1: 'a'}[1] + 'a'", "ok"},
      {"{1.5: 'a'}", "ok"},
      {"{[]: 'a'}",
       "1:2 []: expected a string, an int, a uint or a bool as a key, and it is of the type list"},
      {"[?context.?free][0] + 1", "ok"},
      {"(context.ok ? 1 : 2) + 'a'", "1:1 (context.ok ? 1 : 2) + 'a': + does not take int and string"},
      {"(context.ok ? 1 : 'b') + 'a'", "ok"},
      {"int == type(1) && type(context.amount) != string", "ok"},
      {"merge(context.item, {'x': 1}).x == 'a'", "ok"},
      {"merge(context.amount, {})", "1:7 context.amount: expected a map, and it is of the type int"},
      {"optional.of(1).orValue('a') == 'b'", "ok"},
      {"optional.of(1).orValue(1 + 'a') == 'b'", "1:24 1 + 'a': + does not take int and string"},
  };
  CHECK_SHAPES(cases);
}

static void a_guard_is_a_bool(void **state) {
  (void)state;
  fsm_expr_options options = shape_options;
  options.guard = true;
  static const expr_case cases[] = {
      {"context.amount > 1", "ok"},
      {"context.free", "ok"},
      {"context.ok ? true : context.ok", "ok"},
      {"context.amount", "1:1 context.amount: a guard is true or false, and this is of the type int"},
      {"[true]", "1:1 [true]: a guard is true or false, and this is of the type list"},
  };
  check_shapes(cases, 5, &options);
}

static void without_shapes_only_literals_clash(void **state) {
  (void)state;
  static const fsm_expr_options nothing = {0};
  static const expr_case cases[] = {{"context.x + event.y.z > actor.w && input.v[0]", "ok"},
                                    {"now > 1", "1:1 now > 1: > does not take timestamp and int"}};
  check_shapes(cases, 2, &nothing);
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr;
  assert_int_equal(fsm_expr_compile(&arena, "1 + 'a'", 7, &expr, NULL), FSM_OK);
  fsm_arena_free(&arena);
}

static void scxml_and_unchecked_leave_it_to_the_evaluation(void **state) {
  (void)state;
  static const fsm_expr_options scxml = {.scxml = true, .guard = true}, unchecked = {.unchecked = true};
  static const expr_case cases[] = {{"'not a bool'", "ok"}, {"1 + 'a'", "ok"}};
  check_shapes(cases, 2, &scxml);
  check_shapes(cases, 2, &unchecked);
  static const fsm_expr_options known = {.scxml = true, .context = &shape_context};
  static const expr_case clashes[] = {
      {"amount + title", "1:1 amount + title: + does not take int and string"},
      {"amuont", "1:1 amuont: there is no member amuont, did you mean amount?"},
      {"int == type(amount)", "ok"},
  };
  check_shapes(clashes, 3, &known);
}

static void an_unknown_function_may_wait_for_its_call(void **state) {
  (void)state;
  static const fsm_expr_options unchecked = {.unchecked = true};
  static const expr_case cases[] = {
      {"unknown(1) || true", "true"},
      {"context.unknown() || true", "true"},
      {"unknown(1, 2, 3, 4, 5)", "! 1:1 unknown(1, 2, 3, 4, 5): there is no such function"}};
  expr_check_with(cases, 3, &unchecked, &(fsm_scope){0});
}

static void a_long_source_is_cut_in_the_sentence(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.amount + context.amount + context.amount + context.amount + context.amount + 'a' + 1",
       "1:1 context.amount + context.amount + context.amount + context.amount + context.amou…: + does not "
       "take int and string"}};
  CHECK_SHAPES(cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conditions_are_bools),
      cmocka_unit_test(literals_have_shapes),
      cmocka_unit_test(a_guard_is_a_bool),
      cmocka_unit_test(without_shapes_only_literals_clash),
      cmocka_unit_test(scxml_and_unchecked_leave_it_to_the_evaluation),
      cmocka_unit_test(an_unknown_function_may_wait_for_its_call),
      cmocka_unit_test(a_long_source_is_cut_in_the_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

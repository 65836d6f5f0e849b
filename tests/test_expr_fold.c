/* test_expr_fold.c: parts that depend on nothing are computed once, and nothing shows of it. */
#include "tests/expr_case.h"

static const fsm__node *root_of(fsm_arena *arena, const char *source) {
  const fsm_expr *expr;
  assert_int_equal(fsm_expr_compile(arena, source, strlen(source), &expr, NULL), FSM_OK);
  return expr->root;
}

static void parts_without_a_variable_become_literals(void **state) {
  (void)state;
  static const char *const constant[] = {"1 + 2 * 3",
                                         "!true",
                                         "-(5)",
                                         "true && !false || 1 > 2",
                                         "[1, 2 + 3, 'a' + 'b']",
                                         "{'a': 1 + 1}",
                                         "1 > 2 ? 'a' : 'b'",
                                         "size('abc')",
                                         "duration('72h')",
                                         "'b' in ['a', 'b']"};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sizeof constant / sizeof *constant; i++)
    assert_int_equal(root_of(&arena, constant[i])->kind, FSM__LITERAL);
  const fsm__node *root = root_of(&arena, "context.x in ['a', 'b' + 'c']");
  assert_int_equal(root->kids->next->kind, FSM__LITERAL);
  fsm_arena_free(&arena);
}

static void what_asks_or_fails_stays(void **state) {
  (void)state;
  static const char *const kept[] = {"now > now",       "In('a')",           "1 / 0",
                                     "context",         "int('x')",          "type(1)",
                                     "optional.none()", "[?optional.of(1)]", "[1].all(x, x > 0)"};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    assert_int_not_equal(root_of(&arena, kept[i])->kind, FSM__LITERAL);
  fsm_arena_free(&arena);
  static const expr_case cases[] = {
      {"true || 1 / 0 > 1", "true"},
      {"false && 1 / 0 > 1", "false"},
      {"1 + 2 + (1 / 0)", "! 1:10 1 / 0: division by zero, got int 1 and int 0"},
      {"'a' < 1 + 2",
       "! 1:1 'a' < 1 + 2: the operator does not take these operands, got string \"a\" and int 3"},
      {"(1 + 2).x", "! 1:1 no such field (1 + 2).x, it is looked for in int 3"},
      {"-(-9223372036854775807 - 1)",
       "! 1:1 -(-9223372036854775807 - 1): the result does not fit into 64 bits, got int "
       "-9223372036854775808"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_without_a_variable_become_literals),
      cmocka_unit_test(what_asks_or_fails_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

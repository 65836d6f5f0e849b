/* test_expr.c: the public contract of compiling and evaluating. */
#include "tests/expr_case.h"

static void the_text_is_copied_and_given_back(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  char text[] = "'abc' + context.x // tail";
  const fsm_expr *expr;
  assert_int_equal(fsm_expr_compile(&arena, text, 17, &expr, NULL), FSM_OK);
  memset(text, '#', sizeof text);
  assert_string_equal(fsm_expr_text(expr), "'abc' + context.x");
  fsm_value context = expr_value(&arena, "{'x': 'def'}"), out;
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){.context = &context}, &arena, &out, NULL), FSM_OK);
  assert_true(fsm_is_text(&out, "abcdef"));
  fsm_arena_free(&arena);
}

static void a_failure_leaves_out_untouched_and_success_the_error(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr = NULL;
  fsm_error err = {.code = FSM_EIO, .where = "before", .text = "before"};
  fsm_value out = fsm_int(7);
  assert_int_equal(fsm_expr_compile(&arena, "1 +", 3, &expr, NULL), FSM_EEXPRESSION);
  assert_null(expr);
  assert_int_equal(fsm_expr_compile(&arena, "1 / context", 11, &expr, &err), FSM_OK);
  fsm_value zero = fsm_int(0), one = fsm_int(1);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){.context = &zero}, &arena, &out, NULL), FSM_EEXPRESSION);
  assert_int_equal(out.i, 7);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){.context = &one}, &arena, &out, &err), FSM_OK);
  assert_int_equal(out.i, 1);
  assert_int_equal(err.code, FSM_EIO);
  assert_string_equal(err.text, "before");
  fsm_arena_free(&arena);
}

static void an_absorbed_error_does_not_show(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr = NULL;
  fsm_error err = {0};
  fsm_value out;
  assert_int_equal(fsm_expr_compile(&arena, "1/0 == 1 || true", 16, &expr, &err), FSM_OK);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){0}, &arena, &out, &err), FSM_OK);
  assert_true(out.b);
  assert_int_equal(err.code, FSM_OK);
  assert_string_equal(err.text, "");
  fsm_arena_free(&arena);
}

static void members_are_handed_back_without_a_copy(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr;
  fsm_value context = expr_value(&arena, "{'list': [1, 2]}"), out;
  assert_int_equal(fsm_expr_compile(&arena, "context.list", 12, &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){.context = &context}, &arena, &out, NULL), FSM_OK);
  assert_ptr_equal(out.items, fsm_map_get(&context, "list")->items);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_text_is_copied_and_given_back),
      cmocka_unit_test(a_failure_leaves_out_untouched_and_success_the_error),
      cmocka_unit_test(an_absorbed_error_does_not_show),
      cmocka_unit_test(members_are_handed_back_without_a_copy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

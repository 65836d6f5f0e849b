/* test_expr_fault.c: the sentence of a failed evaluation. */
#include "tests/expr_case.h"

static fsm_error fault_of(const char *source, const fsm_value *context) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr;
  fsm_value out;
  fsm_error err = {0};
  assert_int_equal(fsm_expr_compile(&arena, source, strlen(source), &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){.context = context}, &arena, &out, &err),
                   FSM_EEXPRESSION);
  fsm_arena_free(&arena);
  return err;
}

static void the_innermost_failing_part_is_shown_with_its_place(void **state) {
  (void)state;
  fsm_value number = fsm_int(0);
  fsm_error err = fault_of("1 +\n  (2 / context) * 3", &number);
  assert_string_equal(err.where, "2:4");
  assert_string_equal(err.text, "2 / context: division by zero, got int 2 and int 0");
}

static void of_a_chain_the_part_up_to_the_failure_is_shown(void **state) {
  (void)state;
  fsm_value number = fsm_int(0);
  fsm_error err = fault_of("1 + 2 + 'x' + 3", &number);
  assert_string_equal(err.text,
                      "1 + 2 + 'x': the operator does not take these operands, got int 3 and string \"x\"");
}

static void long_sources_and_operands_are_cut_at_a_character(void **state) {
  (void)state;
  fsm_buf text = {0};
  fsm_buf_char(&text, 'x'); /* so that the limit of 48 falls inside a character */
  for (int i = 0; i < 500; i++) fsm_buf_str(&text, "\xc3\xa4");
  fsm_value context = fsm_stringn(text.data, text.len);
  fsm_error err = fault_of("context * 2", &context);
  size_t shown = 0;
  for (const char *at = strchr(err.text, '"') + 2; memcmp(at, "\xc3\xa4", 2) == 0; at += 2) shown++;
  assert_int_equal(shown, 23);
  assert_non_null(strstr(err.text, "\xc3\xa4…\" and int 2"));

  fsm_buf source = {0};
  fsm_buf_str(&source, "'");
  fsm_buf_add(&source, text.data, text.len);
  fsm_buf_str(&source, "' * 2");
  err = fault_of(fsm_buf_text(&source), &context);
  assert_non_null(strstr(err.text, "…: the operator does not take these operands"));
  fsm_buf_free(&source);
  fsm_buf_free(&text);
}

static void control_characters_do_not_reach_the_sentence(void **state) {
  (void)state;
  fsm_value context = fsm_stringn("a\n\0\x1b\xff", 5);
  fsm_error err = fault_of("context\n* 2", &context);
  assert_string_equal(
      err.text, "context * 2: the operator does not take these operands, got string \"a   ?\" and int 2");
}

static void every_type_of_operand_can_be_shown(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"null * 1", "! 1:1 null * 1: the operator does not take these operands, got null and int 1"},
      {"true * 1u", "! 1:1 true * 1u: the operator does not take these operands, got true and uint 1"},
      {"1.5 * 'a'",
       "! 1:1 1.5 * 'a': the operator does not take these operands, got double 1.5 and string \"a\""},
      {"b'ab' * [1]",
       "! 1:1 b'ab' * [1]: the operator does not take these operands, got 2 bytes and a list of 1"},
      {"{} * now",
       "! 1:1 {} * now: the operator does not take these operands, got a map of 0 and timestamp "
       "1970-01-01T00:00:00Z"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void nobody_has_to_listen(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr;
  fsm_value out;
  assert_int_equal(fsm_expr_compile(&arena, "1/0", 3, &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){0}, &arena, &out, NULL), FSM_EEXPRESSION);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_innermost_failing_part_is_shown_with_its_place),
      cmocka_unit_test(of_a_chain_the_part_up_to_the_failure_is_shown),
      cmocka_unit_test(long_sources_and_operands_are_cut_at_a_character),
      cmocka_unit_test(control_characters_do_not_reach_the_sentence),
      cmocka_unit_test(every_type_of_operand_can_be_shown),
      cmocka_unit_test(nobody_has_to_listen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_expr_eval.c: variables, paths, logic with errors, conditions, collections, the bound on work. */
#include "tests/expr_case.h"

static fsm_arena arena;
static fsm_value context, event, actor;
static fsm_scope scope;
static const fsm_scope nothing;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  context = expr_value(&arena,
                       "{'amount': 500, 'zero': 0, 'title': 'Loan', 'nil': null, 'ok': true,"
                       " 'items': [{'n': 1}, {'n': 2}], 'map': {'a b': 1, '1': 'text'}, 'i': 1}");
  event = expr_value(&arena, "{'name': 'SUBMIT', 'data': {'reason': 'late'}}");
  actor = expr_value(&arena, "{'role': 'manager', 'roles': ['a', 'b']}");
  scope = (fsm_scope){.context = &context, .event = &event, .actor = &actor, .now_ns = 1500000000123456789};
  return 0;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

static void members_are_read_from_every_variable(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.amount < 10000 && actor.role == \"manager\"", "true"},
      {"event.name", "\"SUBMIT\""},
      {"event.data.reason", "\"late\""},
      {"input.reason", "\"late\""},
      {"input", "{\"reason\": \"late\"}"},
      {"context.items[1].n", "2"},
      {"context.items[context.i].n", "2"},
      {"context['map']['a b']", "1"},
      {"context.map.`a b`", "1"},
      {"(context.map)['1']", "\"text\""},
      {"'b' in actor.roles", "true"},
      {"now", "timestamp(1500000000.123456789)"},
  };
  EXPR_CHECK(cases, &scope);
}

static void now_before_1970_has_its_nanoseconds_upwards(void **state) {
  (void)state;
  static const expr_case cases[] = {{"now", "timestamp(-2.999999999)"}};
  EXPR_CHECK(cases, (&(fsm_scope){.now_ns = -1000000001}));
}

static void a_missing_variable_is_null(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context", "null"},
      {"event == null && actor == null && input == null", "true"},
      {"actor.role", "! 1:1 no such field actor.role, it is looked for in null"},
      {"input.x", "! 1:1 no such field input.x, it is looked for in null"},
      {"has(actor.role)", "false"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void an_absent_field_is_an_error_that_names_its_path(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.missing", "! 1:1 no such field context.missing"},
      {"1 + context.missing", "! 1:5 no such field context.missing"},
      {"context.map.x.y", "! 1:1 no such field context.map.x"},
      {"context.nil.x", "! 1:1 no such field context.nil.x, it is looked for in null"},
      {"context.amount.x", "! 1:1 no such field context.amount.x, it is looked for in int 500"},
      {"context.items[2]", "! 1:1 context.items[2]: the index is not in the list, got int 2 and a list of 2"},
      {"context.items[-1]",
       "! 1:1 context.items[-1]: the index is not in the list, got int -1 and a list of 2"},
      {"context.items[0.5]",
       "! 1:1 context.items[0.5]: the index is not in the list, got double 0.5 and a list of 2"},
      {"context.items['a']",
       "! 1:1 context.items['a']: a list is indexed by an int, got string \"a\" and a list of 2"},
      {"context.map['x'] == 1", "! 1:1 context.map['x']: no such key, got string \"x\""},
      {"context.title[0]",
       "! 1:1 context.title[0]: only a list or a map has entries, got string \"Loan\" and int 0"},
  };
  EXPR_CHECK(cases, &scope);
}

static void has_tells_whether_a_field_is_there(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"has(context.amount)", "true"},
      {"has(context.missing)", "false"},
      {"has(context.nil)", "true"},
      {"has(context.nil.x)", "false"},
      {"has(context.items[0].n)", "true"},
      {"has(context.missing.x)", "! 1:5 no such field context.missing"},
      {"has(context.amount.x)", "! 1:1 has(context.amount.x): only a map has fields, got int 500"},
      {"has({'a': 1}.a)", "true"},
      {"has(context.missing) && context.missing > 1", "false"},
  };
  EXPR_CHECK(cases, &scope);
}

static void a_deciding_operand_absorbs_an_error_on_either_side(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"false && context.x", "false"},
      {"context.x && false", "false"},
      {"true || context.x", "true"},
      {"context.x || true", "true"},
      {"context.x || context.y || true", "true"},
      {"true && context.x && true && false", "false"},
      {"1 && false", "false"},
      {"'a' || true", "true"},
      {"true && context.x", "! 1:9 no such field context.x"},
      {"context.x && true", "! 1:1 no such field context.x"},
      {"context.x || false || context.y", "! 1:1 no such field context.x"},
      {"(1 / context.zero == 1) && context.y",
       "! 1:2 1 / context.zero: division by zero, got int 1 and int 0"},
      {"true && 'a'", "! 1:9 'a': expected true or false, got string \"a\""},
      {"!context.amount", "! 1:2 context.amount: expected true or false, got int 500"},
      {"true && true", "true"},
      {"false || false", "false"},
  };
  EXPR_CHECK(cases, &scope);
}

static void only_the_chosen_branch_is_evaluated(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"true ? 1 : context.x", "1"},
      {"false ? context.x : 2", "2"},
      {"context.x ? 1 : 2", "! 1:1 no such field context.x"},
      {"1 ? 1 : 2", "! 1:1 1: expected true or false, got int 1"},
      {"context.amount > 100 ? 'large' : 'small'", "\"large\""},
  };
  EXPR_CHECK(cases, &scope);
}

static void lists_and_maps_are_made(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[]", "[]"},
      {"[1, 'a', [context.amount], {}]", "[1, \"a\", [500], {}]"},
      {"{'b': 1, 'a': context.title}", "{\"a\": \"Loan\", \"b\": 1}"},
      {"{1: 'i', 2u: 'u', true: 'b', 's': 's'}", "{true: \"b\", 1: \"i\", 2u: \"u\", \"s\": \"s\"}"},
      {"{'a': 1, 'a': 2}", "! 1:1 {'a': 1, 'a': 2}: the map has a key twice"},
      {"{1: 1, 1u: 2}", "! 1:1 {1: 1, 1u: 2}: the map has a key twice"},
      {"{1.5: 1}", "! 1:2 1.5: the key of a map is a string, an int, a uint or a bool, got double 1.5"},
      {"{null: 1}", "! 1:2 null: the key of a map is a string, an int, a uint or a bool, got null"},
      {"[context.x]", "! 1:2 no such field context.x"},
      {"{'a': context.x}", "! 1:7 no such field context.x"},
      {"{context.x: 1}", "! 1:2 no such field context.x"},
  };
  EXPR_CHECK(cases, &scope);
}

/* Comparing and adding a literal has a way of its own. */
static void a_literal_gives_what_a_variable_of_its_value_gives(void **state) {
  (void)state;
  static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in"};
  static const char *const values[] = {"0",
                                       "1",
                                       "-1",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "1u",
                                       "1.0",
                                       "''",
                                       "'a'",
                                       "'b'",
                                       "'abcdefgh'",
                                       "'abcdefghabcdefghabcdefghabcdefgh'",
                                       "'abcdefghabcdefghabcdefghabcdefghi'",
                                       "null",
                                       "true",
                                       "b'a'",
                                       "[1]",
                                       "{'a': 1}"};
  enum { VALUES = sizeof values / sizeof *values };
  fsm_buf source = {0}, a = {0}, b = {0};
  for (size_t i = 0; i < VALUES * VALUES * sizeof ops / sizeof *ops; i++) {
    const char *op = ops[i / VALUES / VALUES], *x = values[i / VALUES % VALUES], *y = values[i % VALUES];
    fsm_pair pairs[] = {{fsm_string("x"), expr_value(&arena, x)}, {fsm_string("y"), expr_value(&arena, y)}};
    fsm_value both;
    assert_int_equal(fsm_map(pairs, 2, &both, NULL), FSM_OK);
    fsm_scope with = {.context = &both};
    fsm_buf_reset(&source);
    fsm_buf_printf(&source, "context.x %s %s", op, y);
    expr_result(&a, source.data, source.len, &with);
    fsm_buf_reset(&source);
    fsm_buf_printf(&source, "context.x %s context.y", op);
    expr_result(&b, source.data, source.len, &with);
    assert_int_equal(a.data[0] == '!', b.data[0] == '!');
    if (a.data[0] != '!') assert_string_equal(fsm_buf_text(&a), fsm_buf_text(&b));
  }
  fsm_buf_free(&source);
  fsm_buf_free(&a);
  fsm_buf_free(&b);
}

static void scalars_are_evaluated_without_allocating(void **state) {
  (void)state;
  static const char *const sources[] = {
      "context.amount < 10000 && actor.role == \"manager\"",
      "-context.amount * 2 + 1 > 5 ? 'a' : 'b'",
      "context.title.startsWith('L') || size(context.items) in actor.roles || has(context.x)",
      "int('5') + int(2.5) == 7 && context.items[context.i].n == 2 && 'a' in actor.roles",
  };
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    const fsm_expr *expr;
    fsm_value value;
    assert_int_equal(fsm_expr_compile(&arena, sources[i], strlen(sources[i]), &expr, NULL), FSM_OK);
    size_t used = fsm_arena_used(&arena);
    assert_int_equal(fsm_expr_eval(expr, &scope, &arena, &value, NULL), FSM_OK);
    assert_int_equal(fsm_arena_used(&arena), used);
  }
}

static void an_evaluation_does_the_same_every_time(void **state) {
  (void)state;
  const fsm_expr *expr;
  static const char source[] = "{'a': [context.amount + 1, 'x' + context.title]}";
  assert_int_equal(fsm_expr_compile(&arena, source, strlen(source), &expr, NULL), FSM_OK);
  fsm_value first, again;
  assert_int_equal(fsm_expr_eval(expr, &scope, &arena, &first, NULL), FSM_OK);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(fsm_expr_eval(expr, &scope, &arena, &again, NULL), FSM_OK);
    assert_true(fsm_value_same(&first, &again));
  }
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static fsm_code eval_with_text(const char *source, size_t len, fsm_value *out) {
  char *text = test_malloc(len + 1);
  memset(text, 'x', len + 1);
  fsm_value value = fsm_stringn(text, len);
  const fsm_expr *expr;
  fsm_arena own;
  fsm_arena_init(&own, 0);
  assert_int_equal(fsm_expr_compile(&own, source, strlen(source), &expr, NULL), FSM_OK);
  fsm_code code = fsm_expr_eval(expr, &(fsm_scope){.context = &value}, &own, out, NULL);
  fsm_arena_free(&own);
  test_free(text);
  return code;
}

static void the_work_of_one_evaluation_is_bounded_at_the_edge(void **state) {
  (void)state;
  fsm_value out;
  assert_int_equal(eval_with_text("context + context", FSM_EXPR_WORK_MAX / 2, &out), FSM_OK);
  assert_int_equal(out.len, FSM_EXPR_WORK_MAX);
  assert_int_equal(eval_with_text("context + context", FSM_EXPR_WORK_MAX / 2 + 1, &out), FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("context == context", FSM_EXPR_WORK_MAX, &out), FSM_OK);
  assert_int_equal(eval_with_text("context == context", FSM_EXPR_WORK_MAX + 1, &out), FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("size(context)", FSM_EXPR_WORK_MAX + 1, &out), FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("int(context) > 0 || true", FSM_EXPR_WORK_MAX + 1, &out), FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("uint(context) > 0u || true", FSM_EXPR_WORK_MAX + 1, &out),
                   FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("double(context) > 0.0 || true", FSM_EXPR_WORK_MAX + 1, &out),
                   FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("In(context) || true", FSM_EXPR_WORK_MAX, &out), FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("context.contains('y')", FSM_EXPR_WORK_MAX, &out), FSM_EEXPRESSION);
}

static void going_past_the_bound_is_not_absorbed(void **state) {
  (void)state;
  fsm_value out;
  assert_int_equal(eval_with_text("context == context || true", FSM_EXPR_WORK_MAX + 1, &out),
                   FSM_EEXPRESSION);
  assert_int_equal(eval_with_text("context.x || true", FSM_EXPR_WORK_MAX + 1, &out), FSM_OK);
}

static void running_out_of_memory_is_not_absorbed(void **state) {
  (void)state;
  static const char *const sources[] = {"context.none == 1 || string(context.i) == '1' || true",
                                        "context.title + 'b' == 'ab' || true",
                                        "size([context.i]) == 1 || true",
                                        "size({1: context.i}) == 1 || true",
                                        "string(context.i) == '1' || true",
                                        "context.items.map(i, i) == [] || true",
                                        "context.map.transformMap(k, v, v) == {} || true",
                                        "optional.of(1).hasValue() || true",
                                        "merge(context.map, {'z': context.i}) == {} || true"};
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    const fsm_expr *expr;
    fsm_value out;
    fsm_error err = {0};
    assert_int_equal(fsm_expr_compile(&arena, sources[i], strlen(sources[i]), &expr, NULL), FSM_OK);
    fsm_arena small;
    fsm_arena_init(&small, 1);
    assert_int_equal(fsm_expr_eval(expr, &scope, &small, &out, &err), FSM_ENOMEM);
    assert_int_equal(err.code, FSM_ENOMEM);
    fsm_arena_free(&small);
  }
}

int main(void) {
#define WITH_SCOPE(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH_SCOPE(members_are_read_from_every_variable),
      WITH_SCOPE(now_before_1970_has_its_nanoseconds_upwards),
      WITH_SCOPE(a_missing_variable_is_null),
      WITH_SCOPE(an_absent_field_is_an_error_that_names_its_path),
      WITH_SCOPE(has_tells_whether_a_field_is_there),
      WITH_SCOPE(a_deciding_operand_absorbs_an_error_on_either_side),
      WITH_SCOPE(only_the_chosen_branch_is_evaluated),
      WITH_SCOPE(lists_and_maps_are_made),
      WITH_SCOPE(a_literal_gives_what_a_variable_of_its_value_gives),
      WITH_SCOPE(scalars_are_evaluated_without_allocating),
      WITH_SCOPE(an_evaluation_does_the_same_every_time),
      WITH_SCOPE(the_work_of_one_evaluation_is_bounded_at_the_edge),
      WITH_SCOPE(going_past_the_bound_is_not_absorbed),
      WITH_SCOPE(running_out_of_memory_is_not_absorbed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

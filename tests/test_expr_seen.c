/* test_expr_seen.c: what an expression read. */
#include "tests/expr_case.h"

static fsm_arena arena;
static fsm_value context, event;
static fsm_scope scope;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  context = expr_value(&arena, "{'amount': 500, 'items': [10, 20], 'map': {'k': 1}, 'i': 1}");
  event = expr_value(&arena, "{'name': 'GO', 'data': {'x': 7}}");
  scope = (fsm_scope){.context = &context, .event = &event};
  return 0;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

static void check(const char *source, const char *expected) {
  const fsm_expr *expr;
  fsm_value seen;
  fsm_buf buf = {0};
  assert_int_equal(fsm_expr_compile(&arena, source, strlen(source), &expr, NULL), FSM_OK);
  assert_string_equal(fsm_expr_text(expr), source);
  assert_int_equal(fsm_expr_seen(expr, &scope, &arena, &seen), FSM_OK);
  expr_show(&buf, &seen);
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static void every_member_path_is_shown_once_with_its_value(void **state) {
  (void)state;
  check("context.amount < 10 || context.amount > 20 || event.name == 'GO'",
        "{\"context.amount\": 500, \"event.name\": \"GO\"}");
  check("1 + 1", "{}");
  check("context . amount", "{\"context.amount\": 500}");
  check("(context.amount) + 1", "{\"context.amount\": 500}");
  check("has(context.amount) && size(context.items) > 1",
        "{\"context.amount\": 500, \"context.items\": [10, 20]}");
  check("event.name.startsWith('G')", "{\"event.name\": \"GO\"}");
}

static void absent_paths_are_left_out(void **state) {
  (void)state;
  check("context.missing > 1 && actor.role == 'x' && context.amount.x", "{}");
  check("context.missing.deeper || context.amount == 1", "{\"context.amount\": 500}");
}

static void fixed_indices_are_followed_and_others_end_the_path(void **state) {
  (void)state;
  check("context.items[ 1 ] == 2", "{\"context.items[1]\": 20}");
  check("context['map']['k'] == 2", "{\"context['map']['k']\": 1}");
  check("context.items[context.i] == 2", "{\"context.i\": 1, \"context.items\": [10, 20]}");
  check("context.items[-1]", "{}");
}

static void input_reads_as_it_is_written(void **state) {
  (void)state;
  check("input.x > 1", "{\"input.x\": 7}");
  check("input == null", "{\"input\": {\"x\": 7}}");
  check("context == null || now == now", "{}");
}

static void the_variables_of_macros_are_not_read_from_outside(void **state) {
  (void)state;
  check("context.items.all(x, x > 1 && x.y > context.amount)",
        "{\"context.amount\": 500, \"context.items\": [10, 20]}");
  check("context.map.exists(k, context.map[k] == 1)", "{\"context.map\": {\"k\": 1}}");
  check("[1].all(context, context.amount == 1 && .context.amount == 1)", "{\"context.amount\": 500}");
  check("context.?map.k.orValue(0)", "{\"context.map.k\": 1}");
}

/* Each path as "first.second", "-" for one of another variable. */
static void check_reads(const char *source, bool scxml, const char *expected) {
  const fsm_expr_options options = {.scxml = scxml};
  const fsm_expr *expr;
  fsm_expr_path path;
  fsm_buf buf = {0};
  assert_int_equal(fsm_expr_compile_with(&arena, source, strlen(source), &options, &expr, NULL), FSM_OK);
  for (unsigned i = 0; fsm_expr_reads(expr, i, &path); i++) {
    fsm_buf_str(&buf, i > 0 ? " " : "");
    if (path.count == 0) fsm_buf_char(&buf, '-');
    for (unsigned k = 0; k < path.count; k++) {
      if (k > 0) fsm_buf_char(&buf, '.');
      fsm_buf_add(&buf, path.steps[k].s, path.steps[k].len);
    }
  }
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static void what_is_read_is_told_by_its_first_two_names(void **state) {
  (void)state;
  check_reads("context.a.b.c == 1 && event.name == 'GO'", false, "- a.b");
  check_reads("context.amount > 1 && labels['dept'] == 'it' && context[id] == 1", true,
              "context id labels.dept context.amount");
  check_reads("1 == 2", true, "");
}

static void at_most_sixteen_paths_are_kept(void **state) {
  (void)state;
  fsm_value many = expr_value(&arena,
                              "{'a': 1, 'b': 1, 'c': 1, 'd': 1, 'e': 1, 'f': 1, 'g': 1, 'h': 1, 'i': 1,"
                              " 'j': 1, 'k': 1, 'l': 1, 'm': 1, 'n': 1, 'o': 1, 'p': 1, 'q': 1}");
  scope.context = &many;
  fsm_buf source = {0};
  for (char c = 'a'; c <= 'q'; c++) fsm_buf_printf(&source, "%scontext.%c", c == 'a' ? "" : " + ", c);
  const fsm_expr *expr;
  fsm_value seen;
  assert_int_equal(fsm_expr_compile(&arena, source.data, source.len, &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_seen(expr, &scope, &arena, &seen), FSM_OK);
  assert_int_equal(seen.len, 16);
  assert_non_null(fsm_map_get(&seen, "context.p"));
  assert_null(fsm_map_get(&seen, "context.q"));
  fsm_buf_free(&source);
}

/* 8 bytes of a value's size are its own. */
static void a_long_text_is_told_by_its_beginning(void **state) {
  (void)state;
  char text[FSM_EXPR_SEEN_MAX];
  memset(text, 'x', sizeof text);
  for (size_t len = FSM_EXPR_SEEN_MAX - 8; len <= FSM_EXPR_SEEN_MAX - 7; len++) {
    const fsm_pair pair = {fsm_string("a"), fsm_stringn(text, len)};
    const fsm_value one = {.type = FSM_MAP, .len = 1, .pairs = &pair};
    const fsm_expr *expr;
    fsm_value seen;
    scope.context = &one;
    assert_int_equal(fsm_expr_compile(&arena, "context.a", 9, &expr, NULL), FSM_OK);
    assert_int_equal(fsm_expr_seen(expr, &scope, &arena, &seen), FSM_OK);
    const fsm_value *shown = fsm_map_get(&seen, "context.a");
    assert_int_equal(fsm_value_same(shown, &pair.value), len == FSM_EXPR_SEEN_MAX - 8);
    if (len > FSM_EXPR_SEEN_MAX - 8) assert_non_null(strstr(shown->s, "x… (249 bytes)"));
  }
}

int main(void) {
#define WITH_SCOPE(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH_SCOPE(every_member_path_is_shown_once_with_its_value),
      WITH_SCOPE(absent_paths_are_left_out),
      WITH_SCOPE(fixed_indices_are_followed_and_others_end_the_path),
      WITH_SCOPE(input_reads_as_it_is_written),
      WITH_SCOPE(the_variables_of_macros_are_not_read_from_outside),
      WITH_SCOPE(what_is_read_is_told_by_its_first_two_names),
      WITH_SCOPE(at_most_sixteen_paths_are_kept),
      WITH_SCOPE(a_long_text_is_told_by_its_beginning),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

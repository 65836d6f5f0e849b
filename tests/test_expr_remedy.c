/* test_expr_remedy.c: which fields of the context would open a condition: few, next to what it compares them
 * with, allowed, and never what is hidden. */
#include "fsm/expr_remedy.h"
#include "tests/expr_case.h"

#include "tests/arena_scene.h"

static bool hides(void *arg, const fsm_value *name) {
  (void)arg;
  return fsm_is_text(name, "iban") || fsm_is_text(name, "salary");
}

/* `rate` is at most 1; `kind` is one of these; `n` an int. */
static bool fits(void *arg, const fsm_value *patch) {
  (void)arg;
  const fsm_value *rate = fsm_map_get(patch, "rate"), *kind = fsm_map_get(patch, "kind"),
                  *n = fsm_map_get(patch, "n");
  if (rate != NULL && !(rate->type == FSM_DOUBLE && rate->d <= 1) && !(rate->type == FSM_INT && rate->i <= 1))
    return false;
  if (kind != NULL && !fsm_is_text(kind, "red") && !fsm_is_text(kind, "green")) return false;
  return n == NULL || fsm_is(n, FSM_INT);
}

static unsigned samples(void *arg, const fsm_value *field, fsm_value *out, unsigned room) {
  (void)arg;
  assert_true(room >= 2);
  if (!fsm_is_text(field, "kind")) return 0;
  out[0] = fsm_string("red"), out[1] = fsm_string("green");
  return 2;
}

static const fsm_remedy_rules rules = {.hides = hides, .fits = fits, .samples = samples};

static fsm_value remedy(const char *source, const char *context_text, fsm_truth *truth, uint64_t *work) {
  static const char *const texts[] = {"{'sub': 'ana', 'salary': 5}"};
  const fsm_value context = expr_value(&arena, context_text), actor = expr_value(&arena, texts[0]);
  const fsm_unknown unknown = {.event = true};
  const fsm_scope scope = {.context = &context, .actor = &actor, .now_ns = 1700000000000000000, .work = work};
  const fsm_expr *expr;
  fsm_value patch, whole;
  assert_int_equal(fsm_expr_compile(&arena, source, strlen(source), &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_remedy(expr, &scope, &unknown, &rules, &arena, &patch, truth), FSM_OK);
  if (fsm_is(&patch, FSM_NULL)) return patch;
  assert_int_equal(fsm_map_merge(&arena, &context, &patch, &whole), FSM_OK); /* by another evaluation */
  const fsm_scope then = {.context = &whole, .actor = &actor, .now_ns = 1700000000000000000};
  assert_int_equal(fsm_expr_truth(expr, &then, &unknown, &arena), *truth);
  assert_true(*truth == FSM_TRUTH_TRUE || *truth == FSM_TRUTH_DEPENDS);
  assert_true(fits(NULL, &patch));
  return patch;
}

/* expected: the patch; "depends" behind it when what is sent decides then; "none". */
static void check(const char *source, const char *context, const char *expected) {
  fsm_truth truth;
  uint64_t work = 0;
  const fsm_value patch = remedy(source, context, &truth, &work);
  fsm_buf buf = {0};
  if (fsm_is(&patch, FSM_NULL))
    fsm_buf_str(&buf, "none");
  else
    expr_show(&buf, &patch);
  if (truth == FSM_TRUTH_DEPENDS) fsm_buf_str(&buf, " depends");
  if (strcmp(fsm_buf_text(&buf), expected) != 0)
    fail_msg("%s over %s: %s", source, context, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
}

static void comparisons_are_opened_with_the_next_value(void **state) {
  (void)state;
  check("context.n > 10", "{'n': 5}", "{\"n\": 11}");
  check("context.n >= 10", "{'n': 5}", "{\"n\": 10}");
  check("context.n < 3", "{'n': 5}", "{\"n\": 2}");
  check("3 > context.n", "{'n': 5}", "{\"n\": 2}");
  check("context.n == 3", "{'n': 5}", "{\"n\": 3}");
  check("context.n != 5", "{'n': 5}", "{\"n\": 6}");
  check("context.a == context.b", "{'a': 1, 'b': 2}", "{\"a\": 2}");
  check("context.n * 2 < context.b", "{'n': 1, 'b': 2}", "{\"b\": 3}");
  check("context.n > 9223372036854775807 - 1", "{'n': 1}", "{\"n\": 9223372036854775807}");
  check("context.n > 9223372036854775807", "{'n': 1}", "none");
  check("!(context.n > 5)", "{'n': 7}", "{\"n\": 5}");
  check("context.rate > 0.5", "{'rate': 0.1}", "{\"rate\": 0.51}");
}

static void bools_texts_lists_and_members(void **state) {
  (void)state;
  check("context.ok", "{'ok': false}", "{\"ok\": true}");
  check("!context.ok", "{'ok': true}", "{\"ok\": false}");
  check("context.ok == true", "{'ok': false}", "{\"ok\": true}");
  check("context.s == 'open'", "{'s': ''}", "{\"s\": \"open\"}");
  check("context.s != ''", "{'s': ''}", "{\"s\": \"TEXT\"}");
  check("size(context.s) > 2", "{'s': ''}", "{\"s\": \"xxx\"}");
  check("context.s == ''", "{'s': 'x'}", "{\"s\": \"\"}");
  check("size(context.list) == 0", "{'list': [1, 2]}", "{\"list\": []}");
  check("size(context.list) < 2", "{'list': [1, 2]}", "{\"list\": [1]}");
  check("context.s in ['a', 'b']", "{'s': 'c'}", "{\"s\": \"a\"}");
  check("!(context.s in ['a', 'b'])", "{'s': 'a'}", "{\"s\": \"TEXT\"}");
  check("'x' in context.list", "{'list': ['y']}", "{\"list\": [\"y\", \"x\"]}");
  check("!('x' in context.list)", "{'list': ['y', 'x']}", "{\"list\": [\"y\"]}");
  check("context.s.startsWith('ab')", "{'s': ''}", "{\"s\": \"ab\"}");
  check("has(context.x)", "{}", "{\"x\": \"TEXT\"}");
  check("has(context.a.b) && context.a.b > 1", "{'a': {'c': 1}}", "{\"a\": {\"b\": 2, \"c\": 1}}");
  check("context.a.b > 1", "{}", "{\"a\": {\"b\": 2}}");
  check("context.list[1].ok", "{'list': [1, {'ok': false}]}", "{\"list\": [1, {\"ok\": true}]}");
  check("context.x == null", "{'x': 1}", "{\"x\": null}");
  check("context.x != null", "{'x': null}", "{\"x\": \"TEXT\"}");
}

static void all_of_and_the_fewest_of_or(void **state) {
  (void)state;
  check("context.ok && context.n > 10", "{'n': 5, 'ok': true}", "{\"n\": 11}");
  check("context.ok && context.n > 10", "{'n': 5, 'ok': false}", "{\"n\": 11, \"ok\": true}");
  check("(context.ok && context.n > 10) || context.b", "{'n': 5, 'ok': false, 'b': false}", "{\"b\": true}");
  check("!(context.a || context.b)", "{'a': true, 'b': true}", "{\"a\": false, \"b\": false}");
  check("!(context.a && context.b)", "{'a': true, 'b': true}", "{\"a\": false}");
  check("context.a ? context.b : context.c", "{'a': true, 'b': false, 'c': true}", "{\"b\": true}");
  check("context.a ? context.n > 5 && context.b : context.c", "{'a': true, 'n': 1, 'b': false, 'c': true}",
        "{\"a\": false}");
  check("context.n > 5 && context.n < 10 && context.n != 6", "{'n': 1}", "{\"n\": 7}");
  check("context.n > 5 && context.n >= 100", "{'n': 1}", "{\"n\": 100}");
  check("context.n > 5 && context.n < 5", "{'n': 1}", "none");
  check("context.n > 5 && !context.ok && context.s == 'x'", "{'n': 1, 'ok': true, 's': ''}",
        "{\"n\": 6, \"ok\": false, \"s\": \"x\"}");
}

static void what_is_allowed_decides(void **state) {
  (void)state;
  check("context.kind != 'red'", "{'kind': 'red'}", "{\"kind\": \"green\"}");
  check("context.kind == 'blue'", "{'kind': 'red'}", "none");
  check("context.rate > 1", "{'rate': 0.5}", "none");
  check("context.n > 1.5", "{'n': 1}", "none"); /* 1.5 and what is next to it are no ints */
}

static void what_is_sent_is_left_to_whoever_sends(void **state) {
  (void)state;
  check("context.ok && event.n > 3", "{'ok': false}", "{\"ok\": true} depends");
  check("event.n > context.n && context.ok", "{'ok': false, 'n': 1}", "{\"ok\": true} depends");
  check("context.who == actor.sub", "{'who': 'li'}", "{\"who\": \"ana\"}");
  check("event.n > context.n", "{'n': 1}", "none"); /* it depends already */
  check("context.n > 1", "{'n': 2}", "none");       /* it holds */
}

static void what_is_hidden_is_neither_set_nor_told(void **state) {
  (void)state;
  check("context.iban == 'X'", "{'iban': 'Y'}", "none");
  check("context.a.iban == 'X'", "{'a': {'iban': 'Y'}}", "none");
  check("context.limit > context.salary", "{'limit': 1, 'salary': 7}", "none");
  check("context.limit > context.a.salary + 1", "{'limit': 1, 'a': {'salary': 7}}", "none");
  check("context.limit > context.a['salary']", "{'limit': 1, 'a': {'salary': 7}}", "none");
  check("context.limit > context.a[context.k]", "{'limit': 1, 'k': 'salary', 'a': {'salary': 7}}", "none");
  check("context.limit > actor.salary", "{'limit': 1}", "none");
  check("context.limit > context.list.map(x, x.salary)[0]", "{'limit': 1, 'list': [{'salary': 7}]}", "none");
  check("context.limit > 3 && context.iban != ''", "{'limit': 1, 'iban': 'Y'}", "{\"limit\": 4}");
}

static void what_nothing_tells_is_not_found(void **state) {
  (void)state;
  check("context.list.exists(x, x > 3)", "{'list': [1]}", "none");
  check("context.s.matches('^a+$')", "{'s': ''}", "none");
  check("context.n + 1 == 7 - context.n", "{'n': 5}", "none");
  check("context.t < now", "{'t': 1}", "none");
  check("false", "{}", "none");
}

/* `and` of bools: count of them. */
static const char *many(unsigned count, fsm_buf *context) {
  fsm_buf source = {0};
  fsm_buf_char(context, '{');
  for (unsigned i = 0; i < count; i++) {
    fsm_buf_printf(&source, "%scontext.f%u", i > 0 ? " && " : "", i);
    fsm_buf_printf(context, "%s'f%u': false", i > 0 ? ", " : "", i);
  }
  fsm_buf_char(context, '}');
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&source));
  fsm_buf_free(&source);
  return text;
}

static void eight_fields_are_set_and_no_ninth(void **state) {
  (void)state;
  for (unsigned count = 8; count <= 9; count++) {
    fsm_truth truth;
    uint64_t work = 0;
    fsm_buf context = {0};
    const char *source = many(count, &context);
    const fsm_value patch = remedy(source, fsm_buf_text(&context), &truth, &work);
    assert_int_equal(patch.type, count == 8 ? FSM_MAP : FSM_NULL);
    if (count == 8) assert_int_equal(patch.len, 8);
    fsm_buf_free(&context);
  }
}

/* Each evaluation is as expensive as one may be: all of them together are no more than two of those. */
static void the_search_ends_whatever_an_evaluation_costs(void **state) {
  (void)state;
  fsm_truth truth;
  uint64_t work = 0;
  const fsm_value patch = remedy(
      "context.list.exists(x, context.list.exists(y, context.list.exists(z, x + y + z == "
      "1))) || context.n > 5 && context.list.all(x, context.list.all(y, x != y + 1))",
      "{'n': 1, 'list': [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, "
      "9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]}",
      &truth, &work);
  (void)patch;
  assert_true(work <= 2 * (uint64_t)FSM_REMEDY_WORK_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(comparisons_are_opened_with_the_next_value, setup, teardown),
      cmocka_unit_test_setup_teardown(bools_texts_lists_and_members, setup, teardown),
      cmocka_unit_test_setup_teardown(all_of_and_the_fewest_of_or, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_allowed_decides, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_sent_is_left_to_whoever_sends, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_hidden_is_neither_set_nor_told, setup, teardown),
      cmocka_unit_test_setup_teardown(what_nothing_tells_is_not_found, setup, teardown),
      cmocka_unit_test_setup_teardown(eight_fields_are_set_and_no_ninth, setup, teardown),
      cmocka_unit_test_setup_teardown(the_search_ends_whatever_an_evaluation_costs, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

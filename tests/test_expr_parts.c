/* test_expr_parts.c: which parts of a condition make it what it is, while not all is known. */
#include "fsm/expr_parts.h"
#include "tests/expr_case.h"

static fsm_arena arena;
static fsm_value context, actor;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  context = expr_value(&arena, "{'amount': 500, 'paid': false, 'ok': true, 'tags': ['a'], 'other': 1}");
  actor = expr_value(&arena, "{'roles': ['clerk']}");
  return 0;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

/* "false: part (seen) | …": the parts that decide; behind // the others. */
static void check(const char *source, const char *expected) {
  static const char *const names[] = {"false", "true", "depends", "fault"};
  const fsm_value fields[] = {fsm_string("other")};
  const fsm_unknown unknown = {.event = true, .fields = fields, .field_count = 1};
  const fsm_scope scope = {.context = &context, .actor = &actor, .now_ns = 1700000000000000000};
  const fsm_expr *expr;
  const fsm_expr_part *parts;
  unsigned count;
  fsm_truth truth;
  fsm_buf buf = {0};
  assert_int_equal(fsm_expr_compile(&arena, source, strlen(source), &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_parts(expr, &scope, &unknown, &arena, &truth, &parts, &count), FSM_OK);
  assert_int_equal(fsm_expr_truth(expr, &scope, &unknown, &arena), truth);
  fsm_buf_str(&buf, names[truth]);
  for (unsigned i = 0; i < count; i++) {
    fsm_buf_str(&buf, parts[i].decides ? (i > 0 ? " | " : ": ") : " // ");
    fsm_buf_printf(&buf, "%s%s%s", parts[i].wanted ? "" : "not ", parts[i].text,
                   parts[i].truth == truth            ? ""
                   : parts[i].truth == FSM_TRUTH_TRUE ? " is true"
                                                      : " is else");
    if (parts[i].seen.len > 0) fsm_buf_char(&buf, ' ');
    if (parts[i].seen.len > 0) expr_show(&buf, &parts[i].seen);
    if (parts[i].reads_time) fsm_buf_str(&buf, " @");
    assert_true((parts[i].fault != NULL) == (parts[i].truth == FSM_TRUTH_FAULT));
  }
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static void one_false_operand_of_and_decides(void **state) {
  (void)state;
  check("context.amount > 1000", "false: context.amount > 1000 {\"context.amount\": 500}");
  check(
      "context.ok && context.amount > 1000",
      "false: context.amount > 1000 {\"context.amount\": 500} // context.ok is true {\"context.ok\": true}");
  check("context.amount > 1000 && context.paid",
        "false: context.amount > 1000 {\"context.amount\": 500} | context.paid {\"context.paid\": false}");
}

static void the_deepest_parts_stand_first(void **state) {
  (void)state;
  check("context.paid && (context.amount > 1000 || (context.amount < 0 && context.ok))",
        "false: context.amount < 0 {\"context.amount\": 500} | context.amount > 1000 {\"context.amount\": "
        "500} | "
        "context.paid {\"context.paid\": false} // context.ok is true {\"context.ok\": true}");
}

static void what_is_negated_has_to_be_false(void **state) {
  (void)state;
  check("!context.ok", "false: !context.ok {\"context.ok\": true}");
  check("!(context.ok && context.amount > 1)",
        "false: not context.ok is true {\"context.ok\": true} | not context.amount > 1 is true "
        "{\"context.amount\": 500}");
  check("!!context.paid", "false: !!context.paid {\"context.paid\": false}");
}

static void membership_and_what_is_absent_are_parts_as_they_stand(void **state) {
  (void)state;
  check("'b' in context.tags", "false: 'b' in context.tags {\"context.tags\": [\"a\"]}");
  check("has(context.none)", "false: has(context.none)");
  check("context.?none.orValue(0) > 0", "false: context.?none.orValue(0) > 0");
  check("context.tags.exists(t, t == 'b' && true)",
        "false: context.tags.exists(t, t == 'b' && true) {\"context.tags\": [\"a\"]}");
  check(
      "'manager' in actor.roles && context.ok",
      "false: 'manager' in actor.roles {\"actor.roles\": [\"clerk\"]} // context.ok is true {\"context.ok\": "
      "true}");
}

static void what_is_not_known_decides_only_where_nothing_else_does(void **state) {
  (void)state;
  check("event.data.ok && context.paid",
        "false: context.paid {\"context.paid\": false} // event.data.ok is else");
  check("has(event.data.reason)", "depends: has(event.data.reason)");
  check("context.ok && event.data.n > 1",
        "depends: event.data.n > 1 // context.ok is true {\"context.ok\": true}");
  check("context.ok || event.data.n > 1",
        "true: context.ok {\"context.ok\": true} // event.data.n > 1 is else");
  check("context.other == 1", "depends: context.other == 1 {\"context.other\": 1}");
  check("context['other'] == 1", "depends: context['other'] == 1 {\"context['other']\": 1}");
  check("size(context) == 1", "depends: size(context) == 1");
  check("input.n == 1", "depends: input.n == 1");
}

static void a_choice_is_decided_by_its_condition_and_what_that_chose(void **state) {
  (void)state;
  check("context.ok ? context.paid : context.amount > 1",
        "false: context.ok is true {\"context.ok\": true} | context.paid {\"context.paid\": false} // "
        "context.amount > 1 is true {\"context.amount\": 500}");
}

static void a_fault_is_no_truth_and_never_becomes_one(void **state) {
  (void)state;
  check("context.none > 1", "fault: context.none > 1");
  check("context.none > 1 && context.paid",
        "false: context.paid {\"context.paid\": false} // context.none > 1 is else");
  check("context.none > 1 && event.ok", "fault: context.none > 1 // event.ok is else");
  check("context.none > 1 || event.ok", "depends: event.ok // context.none > 1 is else");
  check("context.amount", "fault: context.amount {\"context.amount\": 500}");
}

static void time_is_told_apart(void **state) {
  (void)state;
  check("now > timestamp('2030-01-01T00:00:00Z')", "false: now > timestamp('2030-01-01T00:00:00Z') @");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_false_operand_of_and_decides),
      cmocka_unit_test(the_deepest_parts_stand_first),
      cmocka_unit_test(what_is_negated_has_to_be_false),
      cmocka_unit_test(membership_and_what_is_absent_are_parts_as_they_stand),
      cmocka_unit_test(what_is_not_known_decides_only_where_nothing_else_does),
      cmocka_unit_test(a_choice_is_decided_by_its_condition_and_what_that_chose),
      cmocka_unit_test(a_fault_is_no_truth_and_never_becomes_one),
      cmocka_unit_test(time_is_told_apart),
  };
  return cmocka_run_group_tests(tests, up, down);
}

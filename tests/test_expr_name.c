/* test_expr_name.c: what a bare name means in each dialect. */
#include "tests/expr_case.h"

static fsm_arena arena;
static fsm_value context, event, names;
static fsm_scope scope;
static const fsm_expr_options scxml = {.scxml = true};

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  context =
      expr_value(&arena, "{'Var1': 5, 'now': 'a field', 'event': {'x': [1]}, 'list': 'mine', 'nil': null}");
  event = expr_value(&arena, "{'name': 'go', 'data': {'Var1': 2}}");
  names = expr_value(
      &arena, "{'_name': 'machine', '_sessionid': 's1', '_ioprocessors': {'http://x': {'location': 'l'}}}");
  scope = (fsm_scope){.context = &context, .event = &event, .system = &names};
  return 0;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

#define CHECK_SCXML(cases) expr_check_with(cases, sizeof(cases) / sizeof *(cases), &scxml, &scope)

static void in_scxml_a_name_is_a_field_of_the_context(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"Var1", "5"},
      {"Var1 + 1", "6"},
      {"now", "\"a field\""},
      {"event.x[0]", "1"},
      {"(event).x[0]", "1"},
      {".Var1", "5"},
      {"has(Var1) && !has(Var2) && has(event.x)", "true"},
      {"[1].all(Var1, Var1 == 1 && .Var1 == 5)", "true"},
      {"Var2", "! 1:1 no such field Var2"},
      {"1 + Var2.x", "! 1:5 no such field Var2"},
      {"Var1.x", "! 1:1 no such field Var1.x, it is looked for in int 5"},
      {"nil == null", "true"},
      {"actor", "! 1:1 no such field actor"},
      {"Var1.startsWith('a')",
       "! 1:1 Var1.startsWith('a'): expected two strings, got int 5 and string \"a\""},
  };
  CHECK_SCXML(cases);
}

static void in_scxml_system_variables_begin_with_a_line(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"_event.name", "\"go\""},
      {"_event.data['Var1'] == 2", "true"},
      {"_name == 'machine' && _sessionid == 's1'", "true"},
      {"_ioprocessors['http://x'].location", "\"l\""},
      {"_none", "! 1:1 no such field _none"},
      {"has(_name) && !has(_none)", "true"},
  };
  CHECK_SCXML(cases);
  scope.system = NULL;
  static const expr_case without[] = {{"_name", "! 1:1 no such field _name, it is looked for in null"}};
  CHECK_SCXML(without);
}

static void in_scxml_a_field_goes_before_the_type_of_its_name(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"list", "\"mine\""},
      {"type(Var1) == int", "true"},
      {"int", "\"int\""},
      {"map.x", "! 1:1 no such field map.x, it is looked for in the type map"},
  };
  CHECK_SCXML(cases);
}

static void in_json_the_names_are_fixed(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"Var1", "!! expression 1:1 unknown name 'Var1', expected context, event, actor, now or input"},
      {"_event", "!! expression 1:1 unknown name '_event', expected context, event, actor, now or input"},
      {"context.list", "\"mine\""},
      {".context.list", "\"mine\""},
      {"type(context.list) == string", "true"},
  };
  EXPR_CHECK(cases, &scope);
}

static void what_was_read_is_named_as_it_is_written(void **state) {
  (void)state;
  static const char source[] =
      "Var1 > 1 && _event.data.Var1 == 2 && _name == 'x' && event.x[0] == 1 && gone == 1";
  const fsm_expr *expr;
  fsm_value seen;
  fsm_buf buf = {0};
  assert_int_equal(fsm_expr_compile_with(&arena, source, strlen(source), &scxml, &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_seen(expr, &scope, &arena, &seen), FSM_OK);
  expr_show(&buf, &seen);
  assert_string_equal(fsm_buf_text(&buf),
                      "{\"Var1\": 5, \"_event.data.Var1\": 2, \"_name\": \"machine\", \"event.x[0]\": 1}");
  fsm_buf_free(&buf);
}

int main(void) {
#define WITH_SCOPE(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH_SCOPE(in_scxml_a_name_is_a_field_of_the_context),
      WITH_SCOPE(in_scxml_system_variables_begin_with_a_line),
      WITH_SCOPE(in_scxml_a_field_goes_before_the_type_of_its_name),
      WITH_SCOPE(in_json_the_names_are_fixed),
      WITH_SCOPE(what_was_read_is_named_as_it_is_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

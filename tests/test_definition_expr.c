/* Expressions in definitions: `params` of what is named, wherever they stand in a text, and where a fault
 * is told. */
#include "tests/definition_run.h"

/* What the expression, defined by name, gives with the params. */
static void gives(const char *expr, const char *params, const char *expected) {
  fsm_buf text = {0};
  fsm_buf_str(&text,
              "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":7,\"params\":\"field\"},"
              "\"actions\":{\"set\":{\"type\":\"@xstate.assign\",\"context\":{\"out\":{\"@expr\":");
  fsm_json_quote(&text, expr, strlen(expr));
  fsm_buf_printf(&text,
                 "}}}},\"states\":{\"a\":{\"on\":{\"GO\":{\"actions\":{\"type\":\"set\",\"params\":%s}}}}}}",
                 params);
  fsm_definition *d = load(fsm_buf_text(&text));
  run r = start(d, "null");
  send(&r, "GO");
  const fsm_value *out = fsm_map_get(&r.now.context, "out");
  assert_non_null(out);
  fsm_buf said = {0};
  fsm_json_write(&said, out);
  assert_string_equal(fsm_buf_text(&said), expected);
  fsm_buf_free(&said);
  fsm_buf_free(&text);
  fsm_definition_free(d);
}

static void params_stand_for_what_is_given(void **state) {
  (void)state;
  gives("params.x + 1", "{\"x\":1}", "2");
  gives("params . x", "{\"x\":-9223372036854775807}", "\"-9223372036854775807\"");
  gives("params", "5", "5");
  gives("params", "null", "null");
  gives("params.list[1].deep", "{\"list\":[1,{\"deep\":\"a\\\"\\\\\\n\"}]}", "\"a\\\"\\\\\\n\"");
  gives("params.x", "{\"x\":{\"@expr\":\"context.n * 2\"}}", "14");
  gives("params.a + params.b", "{\"a\":{\"@expr\":\"1 // one\"},\"b\":2.5}", "3.5");
  gives("has(params.x) && !has(params.y)", "{\"x\":1}", "true");
  gives("size(params)", "[1,2,3]", "3");
  gives("params['x']", "{\"x\":\"y\"}", "\"y\"");
}

/* The word alone means them: not in a text, not as a member, not as a part of a name. */
static void only_the_name_itself_is_replaced(void **state) {
  (void)state;
  gives("context.params", "{}", "\"field\"");
  gives("'params' + \"params\"", "{}", "\"paramsparams\"");
  gives("r'params\\' + '''params'params'''", "{}", "\"params\\\\params'params\"");
  gives("{'params': 1}.params // params.x", "{}", "1");
  gives("'\\'params' + params.x", "{\"x\":\"!\"}", "\"'params!\"");
}

static void params_are_passed_on_from_name_to_name(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'a','context':{'n':1},"
      "'guards':{'over':{'@expr':'context.n > params.limit'},"
      "'far':{'when':{'type':'over','params':{'limit':{'@expr':'params.limit * 2'}}}}},"
      "'states':{'a':{'on':{'GO':{'guard':{'type':'far','params':{'limit':{'@expr':'event.data.by'}}},'"
      "target':'b'}}},"
      "'b':{}}}");
  run r = start(d, "null");
  assert_int_equal(send_data(&r, "GO", "{\"by\":1}", FSM_CAUSE_EXTERNAL), FSM_EGUARD);
  assert_int_equal(send_data(&r, "GO", "{\"by\":0}", FSM_CAUSE_EXTERNAL), FSM_OK);
  fsm_definition_free(d);
}

/* Names are checked without a use, with columns that are right. */
static void a_fault_has_its_pointer_line_and_column(void **state) {
  (void)state;
  fsm_error err = {0};
  fsm_definition *d = NULL;
  const char *text =
      "{\"id\":\"m\",\"guards\":{\"g\":{\"@expr\":\"params.x > 1 &&\\n  params.y > nothing\"}}}";
  assert_int_equal(fsm_definition_load(text, strlen(text), &d, &err), FSM_EEXPRESSION);
  assert_string_equal(err.where, "/guards/g/@expr");
  assert_non_null(strstr(err.text, "2:14: unknown name 'nothing'"));
}

static void params_that_nobody_gives_are_refused(void **state) {
  (void)state;
  is_refused(
      "{'id':'m','initial':'a','actions':{'one':'two','two':{'type':'@xstate.log','args':[{'@expr':'params'}]"
      "}},"
      "'states':{'a':{'entry':'one'}}}",
      FSM_EDEFINITION, "/actions/two/args/0/@expr", "`params` is read here, and /actions/one gives none");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(params_stand_for_what_is_given),
      cmocka_unit_test(only_the_name_itself_is_replaced),
      cmocka_unit_test(params_are_passed_on_from_name_to_name),
      cmocka_unit_test(a_fault_has_its_pointer_line_and_column),
      cmocka_unit_test(params_that_nobody_gives_are_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

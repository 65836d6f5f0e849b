/* Payloads against schemas: each keyword at its edge, the place of a mismatch, what is refused at load. */

#include "schema/json.h"
#include "schema/payload.h"
#include "tests/arena_scene.h"

static fsm_value json(const char *text, fsm_json_order order) {
  fsm_value out = {0};
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), order, &out, &err))
    fail_msg("%s: %s %s", text, err.where, err.text);
  return out;
}

/* where NULL: the data matches. */
static void check(const char *schema_text, const char *data_text, const char *where, const char *says) {
  fsm_value schema = json(schema_text, FSM_JSON_AS_WRITTEN), data = json(data_text, FSM_JSON_SORTED);
  fsm_error err = {0};
  if (fsm_payload_schema_check(&schema, "", &err)) fail_msg("%s: %s %s", schema_text, err.where, err.text);
  fsm_code code = fsm_payload_check(&schema, &data, &err);
  if (!where) {
    if (code) fail_msg("%s refused by %s: %s %s", data_text, schema_text, err.where, err.text);
    return;
  }
  if (code != FSM_EDATA) fail_msg("%s accepted by %s", data_text, schema_text);
  assert_string_equal(err.where, where);
  assert_string_equal(err.text, says);
}
static void ok(const char *schema, const char *data) { check(schema, data, NULL, NULL); }

static void schema_refused(const char *text, fsm_code code, const char *where, const char *says) {
  fsm_value schema = json(text, FSM_JSON_AS_WRITTEN);
  fsm_error err = {0};
  assert_int_equal(fsm_payload_schema_check(&schema, "/schemas/events/E", &err), code);
  assert_string_equal(err.where, where);
  if (!strstr(err.text, says)) fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void types_are_those_of_json_schema(void **state) {
  (void)state;
  ok("{\"type\":\"integer\"}", "5");
  ok("{\"type\":\"integer\"}", "5.0");
  check("{\"type\":\"integer\"}", "5.5", "", "expected integer, found number");
  ok("{\"type\":\"number\"}", "5");
  ok("{\"type\":\"string\"}", "\"\"");
  ok("{\"type\":\"boolean\"}", "false");
  ok("{\"type\":\"null\"}", "null");
  ok("{\"type\":\"object\"}", "{}");
  ok("{\"type\":\"array\"}", "[]");
  check("{\"type\":\"object\"}", "[]", "", "expected object, found array");
  check("{\"type\":\"string\"}", "null", "", "expected string, found null");
  ok("{\"type\":[\"string\",\"null\"]}", "null");
  check("{\"type\":[\"string\",\"null\"]}", "1", "", "expected one of [\"string\",\"null\"], found integer");
}

static void a_mismatch_is_named_by_its_pointer(void **state) {
  (void)state;
  const char *schema =
      "{\"properties\":{\"a/b\":{\"items\":{\"properties\":{\"c~\":{\"type\":\"string\"}}}}}}";
  ok(schema, "{\"a/b\":[{\"c~\":\"x\"},{}]}");
  check(schema, "{\"a/b\":[{\"c~\":\"x\"},{\"c~\":1}]}", "/a~1b/1/c~0", "expected string, found integer");
}

static void members_are_required_and_closed(void **state) {
  (void)state;
  const char *schema =
      "{\"type\":\"object\",\"required\":[\"reason\"],\"additionalProperties\":false,"
      "\"properties\":{\"reason\":{\"type\":\"string\",\"minLength\":1},\"note\":true}}";
  ok(schema, "{\"reason\":\"x\",\"note\":[1]}");
  check(schema, "{}", "", "\"reason\" is required and missing");
  check(schema, "{\"reason\":\"\"}", "/reason", "expected at least 1 characters, found 0");
  check(schema, "{\"reason\":\"x\",\"resaon\":1}", "/resaon",
        "this member is not one of those the schema names");
  ok("{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"integer\"}}", "{\"a\":\"x\",\"b\":1}");
  check("{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"b\":\"x\"}", "/b",
        "expected integer, found string");
  check("{\"properties\":{\"a\":false}}", "{\"a\":1}", "/a", "nothing is allowed here");
}

static void bounds_hold_at_their_edges(void **state) {
  (void)state;
  ok("{\"minimum\":5,\"maximum\":5}", "5");
  ok("{\"minimum\":5,\"maximum\":5}", "5.0");
  check("{\"minimum\":5}", "4.999", "", "expected at least 5, found 4.999");
  check("{\"maximum\":5}", "6", "", "expected at most 5, found 6");
  ok("{\"exclusiveMinimum\":5}", "5.001");
  check("{\"exclusiveMinimum\":5}", "5", "", "expected more than 5, found 5");
  check("{\"exclusiveMaximum\":5}", "5", "", "expected less than 5, found 5");
  ok("{\"minimum\":-1}", "0");
  check("{\"minimum\":-1}", "-2", "", "expected at least -1, found -2");
  check("{\"minimum\":9007199254740993}", "9007199254740992", "",
        "expected at least \"9007199254740993\", found 9007199254740992");
  ok("{\"minimum\":5}", "\"not a number\"");
}

static void lengths_count_code_points_and_items(void **state) {
  (void)state;
  ok("{\"maxLength\":2}", "\"\\u00e9\\ud83d\\ude00\"");
  check("{\"maxLength\":2}", "\"abc\"", "", "expected at most 2 characters, found 3");
  ok("{\"minItems\":1,\"maxItems\":1}", "[1]");
  check("{\"minItems\":1}", "[]", "", "expected at least 1 items, found 0");
  check("{\"maxItems\":1}", "[1,2]", "", "expected at most 1 items, found 2");
  ok("{\"minItems\":2.0}", "[1,2]"); /* a whole number is one, however it is written */
  check("{\"minItems\":2.0}", "[1]", "", "expected at least 2 items, found 1");
}

static void enum_and_const_compare_by_value(void **state) {
  (void)state;
  ok("{\"enum\":[\"a\",1,null]}", "1.0");
  check("{\"enum\":[\"a\",\"b\"]}", "\"c\"", "", "expected one of [\"a\",\"b\"], found string");
  ok("{\"const\":{\"b\":1,\"a\":[true]}}", "{\"a\":[true],\"b\":1}");
  check("{\"const\":{\"b\":1}}", "{\"b\":2}", "", "expected {\"b\":1}, found object");
  check("{\"const\":true}", "1", "", "expected true, found integer");
}

static void notes_are_kept_and_unknown_keywords_refused(void **state) {
  (void)state;
  ok("{\"title\":\"T\",\"description\":\"d\",\"x-title\":{\"de\":\"T\"},\"x-pii\":true,\"format\":\"date\","
     "\"default\":1,"
     "\"examples\":[1],\"$schema\":\"s\",\"$id\":\"i\"}",
     "1");
  ok("true", "1");
  schema_refused("{\"pattern\":\"^a\"}", FSM_EUNSUPPORTED, "/schemas/events/E/pattern", "\"pattern\"");
  schema_refused("{\"properties\":{\"a\":{\"oneOf\":[]}}}", FSM_EUNSUPPORTED,
                 "/schemas/events/E/properties/a/oneOf", "\"oneOf\"");
  schema_refused("{\"items\":{\"type\":\"strnig\"}}", FSM_EDEFINITION, "/schemas/events/E/items/type",
                 "must be");
  schema_refused("{\"type\":[]}", FSM_EDEFINITION, "/schemas/events/E/type", "must be");
  schema_refused("{\"required\":\"a\"}", FSM_EDEFINITION, "/schemas/events/E/required", "list of names");
  schema_refused("{\"required\":[1]}", FSM_EDEFINITION, "/schemas/events/E/required", "list of names");
  schema_refused("{\"minLength\":-1}", FSM_EDEFINITION, "/schemas/events/E/minLength", "whole number");
  schema_refused("{\"minLength\":1.5}", FSM_EDEFINITION, "/schemas/events/E/minLength", "whole number");
  schema_refused("{\"minimum\":\"1\"}", FSM_EDEFINITION, "/schemas/events/E/minimum", "number");
  schema_refused("{\"enum\":[]}", FSM_EDEFINITION, "/schemas/events/E/enum", "list");
  schema_refused("{\"properties\":[]}", FSM_EDEFINITION, "/schemas/events/E/properties", "object");
  schema_refused("{\"additionalProperties\":\"no\"}", FSM_EDEFINITION,
                 "/schemas/events/E/additionalProperties", "a schema must be");
  schema_refused("7", FSM_EDEFINITION, "/schemas/events/E", "a schema must be");
  ok("{\"properties\":{\"a\":{\"x-pii\":false}}}", "{}");
  schema_refused("{\"properties\":{\"a\":{\"x-pii\":\"yes\"}}}", FSM_EDEFINITION,
                 "/schemas/events/E/properties/a/x-pii", "true or false");
  schema_refused("{\"x-pii\":null}", FSM_EDEFINITION, "/schemas/events/E/x-pii", "true or false");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(types_are_those_of_json_schema),
      cmocka_unit_test(a_mismatch_is_named_by_its_pointer),
      cmocka_unit_test(members_are_required_and_closed),
      cmocka_unit_test(bounds_hold_at_their_edges),
      cmocka_unit_test(lengths_count_code_points_and_items),
      cmocka_unit_test(enum_and_const_compare_by_value),
      cmocka_unit_test(notes_are_kept_and_unknown_keywords_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

/* Shapes: what a schema tells, and what it leaves open. */
#include "schema/shape.h"

#include "tests/definition_run.h"

static const fsm_shape *shape(const char *schema) {
  fsm_value document = {0};
  const fsm_shape *out = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_json_parse(&arena, schema, strlen(schema), FSM_JSON_AS_WRITTEN, &document, &err),
                   FSM_OK);
  fsm_value *kept = fsm_arena_alloc(&arena, sizeof *kept);
  *kept = document;
  assert_int_equal(fsm__shape_of_schema(&arena, kept, &out), FSM_OK);
  return out;
}

static void a_type_is_a_kind(void **state) {
  (void)state;
  static const struct {
    const char *schema;
    int kind;
    bool nullable;
  } cases[] = {
      {"{\"type\":\"null\"}", FSM_SHAPE_NULL, false},
      {"{\"type\":\"boolean\"}", FSM_SHAPE_BOOL, false},
      {"{\"type\":\"integer\"}", FSM_SHAPE_INT, false},
      {"{\"type\":\"number\"}", FSM_SHAPE_NUMBER, false},
      {"{\"type\":[\"integer\",\"number\"]}", FSM_SHAPE_NUMBER, false},
      {"{\"type\":[\"string\",\"null\"]}", FSM_SHAPE_STRING, true},
      {"{\"type\":[\"string\"]}", FSM_SHAPE_STRING, false},
      {"{\"enum\":[\"a\",\"b\",null]}", FSM_SHAPE_STRING, true},
      {"{\"enum\":[1,2.5]}", FSM_SHAPE_NUMBER, false},
      {"{\"const\":true}", FSM_SHAPE_BOOL, false},
      {"{\"const\":null}", FSM_SHAPE_NULL, false},
      {"{\"type\":\"array\"}", FSM_SHAPE_LIST, false},
      {"{\"type\":\"object\"}", FSM_SHAPE_OBJECT, false},
      {"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}", FSM_SHAPE_MAP, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const fsm_shape *found = shape(cases[i].schema);
    assert_non_null(found);
    if (found == NULL) abort();
    assert_int_equal(found->kind, cases[i].kind);
    assert_int_equal(found->nullable, cases[i].nullable);
  }
}

static void what_may_be_anything_has_no_shape(void **state) {
  (void)state;
  static const char *const open[] = {"true",
                                     "false",
                                     "{}",
                                     "{\"title\":\"x\"}",
                                     "{\"minimum\":5}",
                                     "{\"properties\":{\"a\":{\"type\":\"string\"}}}",
                                     "{\"type\":[\"string\",\"integer\"]}",
                                     "{\"enum\":[1,\"a\"]}",
                                     "{\"const\":{\"a\":1}}"};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) assert_null(shape(open[i]));
}

static void members_are_known_by_name(void **state) {
  (void)state;
  const fsm_shape *found = shape(
      "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},\"any\":{},\"list\":{\"type\":"
      "\"array\","
      "\"items\":{\"type\":\"string\"}}},\"required\":[\"list\"],\"additionalProperties\":false}");
  assert_non_null(found);
  if (found == NULL) abort();
  assert_int_equal(found->count, 3);
  assert_false(found->open);
  assert_string_equal(found->names[1], "any");
  assert_null(found->members[1]);
  assert_int_equal(found->members[0]->kind, FSM_SHAPE_INT);
  assert_int_equal(found->members[2]->item->kind, FSM_SHAPE_STRING);
  assert_true(found->required[2] && !found->required[0]);
  assert_true(shape("{\"type\":\"object\",\"properties\":{\"n\":{}}}")->open);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_type_is_a_kind),
      cmocka_unit_test(what_may_be_anything_has_no_shape),
      cmocka_unit_test(members_are_known_by_name),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

/* test_mask.c: what schemas mark is found, and nothing of it is left in a record, whatever field it stands
 * in. */

#include "schema/json.h"
#include "schema/mask.h"
#include "tests/arena_scene.h"

static fsm_value json(const char *text) {
  fsm_value out = {0};
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &out, &err))
    fail_msg("%s %s", err.where, err.text);
  return out;
}

static const fsm_mask *mask_of(const char *definition) {
  const fsm_mask *mask = NULL;
  fsm_error err = {0};
  if (fsm_mask_of(&arena, definition, strlen(definition), &mask, &err))
    fail_msg("%s %s", err.where, err.text);
  return mask;
}

static bool hides(const fsm_mask *mask, const char *text) { return fsm_mask_hides(mask, text, strlen(text)); }

static const char MARKS[] =
    "{\"id\":\"m\",\"schemas\":{\"context\":{\"properties\":{\"iban\":{\"type\":\"string\",\"x-pii\":true},"
    "\"open\":{\"x-pii\":false},\"people\":{\"type\":\"array\",\"items\":{\"properties\":{\"name\":"
    "{\"x-pii\":true}}}},\"notes\":{\"items\":{\"x-pii\":true}},\"more\":{\"additionalProperties\":"
    "{\"x-pii\":true}},\"a.b\":{\"x-pii\":true}}},\"input\":{\"properties\":{\"ssn\":{\"x-pii\":true}}},"
    "\"actor\":{\"properties\":{\"email\":{\"x-pii\":true}}},\"events\":{\"PAY\":{\"properties\":{\"card\":"
    "{\"\\u0078-pii\":true}}}}},\"states\":{\"iban2\":{}}}";

static void test_names_of_any_depth_and_place_are_marked(void **state) {
  (void)state;
  const fsm_mask *mask = mask_of(MARKS);
  static const char *const hidden[] = {"iban", "name", "notes", "more", "ssn", "email", "card", "a.b"};
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) assert_true(hides(mask, hidden[i]));
  static const char *const shown[] = {"open", "people",  "iban2", "iba", "IBAN",
                                      "",     "context", "data",  "a",   "b"};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) assert_false(hides(mask, shown[i]));
  assert_true(hides(fsm_mask_everything(), "anything"));
  assert_false(hides(NULL, "iban"));
}

static void test_a_path_is_hidden_by_any_of_its_parts(void **state) {
  (void)state;
  const fsm_mask *mask = mask_of(MARKS);
  static const char *const hidden[] = {"context.iban",         "context.iban.country",
                                       "event.data[\"iban\"]", "context.people[0].name",
                                       "event['card']",        "context[\"a.b\"]"};
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) assert_true(hides(mask, hidden[i]));
  static const char *const shown[] = {"context.iban2", "context.xiban", "context.people[0]", "iban-old",
                                      "a-b"};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) assert_false(hides(mask, shown[i]));
}

static void test_a_mark_on_a_whole_schema_hides_what_it_is_about(void **state) {
  (void)state;
  assert_true(
      hides(mask_of("{\"schemas\":{\"events\":{\"E\":{\"type\":\"string\",\"x-pii\":true}}}}"), "data"));
  assert_true(hides(mask_of("{\"schemas\":{\"context\":{\"x-pii\":true}}}"), "context"));
  const fsm_mask *input = mask_of("{\"schemas\":{\"input\":{\"x-pii\":true}}}");
  assert_true(hides(input, "input") && hides(input, "data"));
}

static void test_without_a_mark_there_is_no_mask(void **state) {
  (void)state;
  assert_null(
      mask_of("{\"id\":\"m\",\"meta\":{\"x-pii\":true},\"schemas\":{\"context\":{\"properties\":"
              "{\"a\":{\"x-pii\":false}}}}}"));
  assert_null(mask_of("{\"id\":\"m\"}"));
  assert_null(mask_of(" <scxml x-pii=\"1\"/>")); /* SCXML has no schemas */
  const fsm_mask *mask = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_mask_of(&arena, "{\"x-pii\":", 9, &mask, &err), FSM_EMALFORMED);
}

static void test_a_value_is_masked_at_any_depth_and_shared_where_it_is_not(void **state) {
  (void)state;
  const fsm_mask *mask = mask_of(MARKS);
  fsm_value out, in = json("{\"a\":[1,{\"iban\":{\"x\":1},\"k\":[{\"card\":null}]}],\"b\":[{\"c\":2}]}");
  fsm_buf buf = {0};
  assert_int_equal(fsm_mask_value(&arena, mask, &in, &out, NULL), FSM_OK);
  fsm_json_write(&buf, &out);
  assert_string_equal(fsm_buf_text(&buf),
                      "{\"a\":[1,{\"iban\":\"[masked]\",\"k\":[{\"card\":\"[masked]\"}]}],"
                      "\"b\":[{\"c\":2}]}");
  assert_ptr_equal(fsm_map_get(&out, "b")->items, fsm_map_get(&in, "b")->items);
  fsm_value clean = json("{\"b\":[{\"c\":2}]}");
  assert_int_equal(fsm_mask_value(&arena, mask, &clean, &out, NULL), FSM_OK);
  assert_ptr_equal(out.pairs, clean.pairs);
  fsm_buf_free(&buf);
}

/* ---- records ------------------------------------------------------------------------------------ */

static const uint8_t hash[32] = {1}, token[16] = {2};

static fsm_record record_of(fsm_record_kind kind) {
  fsm_record r = fsm_record_new(kind);
  r.seq = 7;
  r.time_ns = 1700000000123456789;
  r.prev = r.def = r.ctxh = hash;
  r.mach = "m";
  r.inst = "i-1";
  r.rev = 2;
  r.corr = "c";
  r.trigger = "PAY";
  r.cause = FSM_CAUSE_EXTERNAL;
  r.tok = token;
  r.reason = "guard";
  r.from = r.to = json("[\"a\"]");
  r.tr = json("[0]");
  return r;
}

static void shows(const fsm_record *record, const char *wanted, const char *secret) {
  fsm_value view;
  fsm_buf buf = {0};
  assert_int_equal(fsm_record_view(&arena, record, NULL, &view, NULL), FSM_OK);
  fsm_json_write(&buf, &view);
  if (strstr(fsm_buf_text(&buf), secret) != NULL) fail_msg("%s is shown: %s", secret, fsm_buf_text(&buf));
  if (wanted != NULL && strstr(fsm_buf_text(&buf), wanted) == NULL)
    fail_msg("no %s: %s", wanted, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
}

/* Each field with the secret in it, and what is still to be seen of it. */
static const struct {
  const char *field, *value, *wanted;
} fields[] = {
    {"labels", "{\"iban\":\"SECRET\",\"b\":\"B\"}", "{\"b\":\"B\",\"iban\":\"[masked]\"}"},
    {"data", "{\"iban\":\"SECRET\",\"n\":[{\"card\":\"SECRET\",\"k\":1}]}",
     "{\"card\":\"[masked]\",\"k\":1}"},
    {"ctx", "{\"iban\":[\"SECRET\",\"SECRET2\"],\"open\":[1]}",
     "{\"iban\":[\"[masked]\",\"[masked]\"],\"open\":[1]}"},
    {"ctx", "{\"people\":[[{\"name\":\"SECRET\",\"age\":3}]]}",
     "\"people\":[[{\"age\":3,\"name\":\"[masked]\"}]]"},
    {"out", "{\"iban\":\"SECRET\"}", "\"out\":{\"iban\":\"[masked]\"}"},
    {"timers", "[{\"id\":\"t\",\"due\":1,\"event\":\"E\",\"data\":{\"iban\":\"SECRET\"}}]",
     "\"event\":\"E\""},
    {"tasks", "[{\"id\":\"k\",\"service\":\"s\",\"input\":{\"to\":{\"iban\":\"SECRET\"}}}]",
     "\"service\":\"s\""},
    {"sends", "[{\"id\":\"k\",\"to\":\"s\",\"kind\":\"event\",\"data\":{\"ssn\":\"SECRET\"}}]",
     "\"to\":\"s\""},
    {"act", "{\"sub\":\"anna\",\"email\":\"SECRET\"}", "\"sub\":\"anna\""},
    {"detail",
     "{\"candidates\":[{\"state\":\"a\",\"guard\":\"g\",\"seen\":{\"context.iban\":\"SECRET\",\"x\":1}}]}",
     "\"seen\":{\"context.iban\":\"[masked]\",\"x\":1}"},
    {"detail", "{\"text\":\"size(x): no such overload, got string \\\"SECRET\\\" and int 1\"}",
     "\"text\":\"size(x): no such overload, [masked]\""},
    {"detail",
     "{\"candidates\":[{\"fault\":\"no such field x, it is looked for in string \\\"SECRET\\\"\"}]}",
     "no such field x, [masked]"},
    {"detail", "{\"text\":\"a: b, at [\\\"SECRET\\\"]\"}", "a: b, [masked]"},
    {"detail", "{\"tried\":{\"event\":\"E\",\"data\":{\"card\":\"SECRET\"}}}", "\"event\":\"E\""},
    {"detail", "{\"tried\":{\"open\":{\"id\":\"k\",\"input\":{\"iban\":\"SECRET\"}}}}", "\"id\":\"k\""},
    {"detail", "{\"emit\":[{\"event\":\"E\",\"data\":{\"iban\":\"SECRET\"}}]}", "\"event\":\"E\""},
    {"detail", "{\"log\":[\"SECRET\",[\"SECRET\",7],{\"iban\":\"SECRET\",\"k\":1},true]}",
     "[\"[masked]\",[\"[masked]\",\"[masked]\"],{\"iban\":\"[masked]\",\"k\":1},true]"},
    {"detail", "{\"error\":{\"message\":\"x, got string \\\"SECRET\\\"\",\"iban\":\"SECRET\",\"k\":1}}",
     "{\"iban\":\"[masked]\",\"k\":1,\"message\":\"x, [masked]\"}"},
};

static fsm_value *field_of(fsm_record *r, const char *name) {
  const struct {
    const char *name;
    fsm_value *at;
  } all[] = {{"labels", &r->labels}, {"data", &r->data},     {"ctx", &r->ctx},
             {"out", &r->out},       {"timers", &r->timers}, {"tasks", &r->tasks},
             {"act", &r->act},       {"sends", &r->sends},   {"detail", &r->detail}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i].name, name) == 0) return all[i].at;
  fail();
  return NULL;
}

static void test_no_field_of_a_record_shows_what_is_marked(void **state) {
  (void)state;
  const fsm_mask *mask = mask_of(MARKS);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    fsm_record r = record_of(FSM_RECORD_TRANSITION), masked;
    bool any = false;
    *field_of(&r, fields[i].field) = json(fields[i].value);
    assert_int_equal(fsm_mask_record(&arena, mask, &r, &masked, &any, NULL), FSM_OK);
    assert_true(any);
    shows(&masked, fields[i].wanted, "SECRET");
    assert_int_equal(fsm_mask_record(&arena, fsm_mask_everything(), &r, &masked, &any, NULL), FSM_OK);
    assert_true(any);
    shows(&masked, NULL, "SECRET");
    assert_int_equal(fsm_mask_record(&arena, NULL, &r, &masked, &any, NULL), FSM_OK);
    assert_false(any);
  }
}

static void test_what_is_ours_in_a_record_is_shown_under_any_name(void **state) {
  (void)state;
  const fsm_mask *mask = mask_of(
      "{\"schemas\":{\"context\":{\"properties\":{\"id\":{\"x-pii\":true},\"text\":"
      "{\"x-pii\":true},\"event\":{\"x-pii\":true},\"reason\":{\"x-pii\":true}}}}}");
  fsm_record r = record_of(FSM_RECORD_INCIDENT_OPENED), masked;
  bool any = true;
  r.timers = json("[{\"id\":\"t\",\"due\":1,\"event\":\"E\"}]");
  r.detail = json("{\"text\":\"it was rolled back\",\"tried\":{\"event\":\"E\"},\"reason\":\"again\"}");
  assert_int_equal(fsm_mask_record(&arena, mask, &r, &masked, &any, NULL), FSM_OK);
  assert_false(any);
  assert_memory_equal(&masked, &r, sizeof r);
}

static void test_the_source_of_a_deployment_is_shown(void **state) {
  (void)state;
  fsm_record r = record_of(FSM_RECORD_DEPLOYED), masked;
  bool any = true;
  r.detail = json("{\"source\":\"{}\",\"text\":\"x, got y\"}");
  assert_int_equal(fsm_mask_record(&arena, mask_of(MARKS), &r, &masked, &any, NULL), FSM_OK);
  assert_false(any);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_of_any_depth_and_place_are_marked),
      cmocka_unit_test(test_a_path_is_hidden_by_any_of_its_parts),
      cmocka_unit_test(test_a_mark_on_a_whole_schema_hides_what_it_is_about),
      cmocka_unit_test(test_without_a_mark_there_is_no_mask),
      cmocka_unit_test(test_a_value_is_masked_at_any_depth_and_shared_where_it_is_not),
      cmocka_unit_test(test_no_field_of_a_record_shows_what_is_marked),
      cmocka_unit_test(test_what_is_ours_in_a_record_is_shown_under_any_name),
      cmocka_unit_test(test_the_source_of_a_deployment_is_shown),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

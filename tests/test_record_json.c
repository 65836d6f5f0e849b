/* test_record_json.c: the JSON form of a record, and its schema. */
#include "schema/payload.h"

#include "tests/record_scene.h"

/* ---- the JSON form ----------------------------------------------------------------------------- */

static const fsm_origin origin = {{0x0a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 0, 3};

static void the_json_form_shows_names_times_and_hex(void **state) {
  (void)state;
  fsm_record r = whole();
  fsm_value view;
  assert_int_equal(fsm_record_view(&arena, &r, &origin, &view, NULL), FSM_OK);
  fsm_buf buf = {0};
  fsm_json_write(&buf, &view);
  const char *expected =
      "{\"act\":{\"authn\":\"verified\",\"roles\":[\"clerk\"],\"sid\":\"s-1\",\"sub\":\"ann\",\"type\":"
      "\"user\"},"
      "\"att\":1,\"caus\":\"c-41\",\"cause\":\"external\",\"clock\":true,\"corr\":\"c-42\",\"counter\":9,"
      "\"ctx\":{\"retries\":[0,1]},\"ctxh\":"
      "\"ab0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eef\","
      "\"data\":{\"amount\":12.5,\"comment\":\"ok\"},"
      "\"def\":\"ab0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eef\",\"defv\":3,"
      "\"detail\":{\"retry_at\":\"2023-11-14T22:13:21Z\",\"text\":\"why\"},\"dur\":150,\"elapsed\":"
      "90000000000,"
      "\"epoch\":3,\"from\":[\"draft\"],\"hist\":{\"review.hist\":[\"review.legal\"]},\"i\":1,"
      "\"id\":\"0a0102030405060708090a0b0c0d0e0f.0.3.7\","
      "\"idem\":{\"expires\":\"2023-11-15T22:13:20Z\",\"fingerprint\":\"ab0102030405060708090a0b0c0d0e0f\","
      "\"key\":\"fe0102030405060708090a0b0c0d0e0f\"},\"inst\":\"doc-1\",\"iprev\":5,\"key\":\"INV-7\","
      "\"kind\":\"transition\",\"labels\":{\"team\":\"north\"},\"late\":0,\"level\":2,\"mach\":\"document-"
      "approval\","
      "\"n\":2,\"node\":\"fsmd/0.1\",\"out\":\"done\",\"outcome\":\"taken\",\"parent\":\"p-1\",\"part\":0,"
      "\"pii\":{\"email\":\"x\"},\"prev\":"
      "\"ab0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eef\","
      "\"reason\":\"guard_false\",\"req\":\"req-1\",\"rev\":2,\"seq\":7,\"since\":[\"review\",\"review."
      "legal\"],"
      "\"store\":\"0a0102030405060708090a0b0c0d0e0f\","
      "\"tasks\":[{\"attempts\":1,\"deadline\":\"2023-11-14T22:13:50.123456789Z\",\"id\":\"0.review\","
      "\"next\":\"2023-11-14T22:13:20.123456789Z\",\"service\":\"submitForReview\"}],"
      "\"time\":\"2023-11-14T22:13:20.123456789Z\","
      "\"timers\":[{\"due\":\"2023-11-14T22:14:20Z\",\"event\":\"xstate.after.60000.review\",\"id\":\"t1\"},"
      "{\"cancel\":\"t0\"}],\"to\":[\"review.legal\"],\"tok\":\"fe0102030405060708090a0b0c0d0e0f\",\"tr\":[0,"
      "3],"
      "\"trace\":\"00-ab0102030405060708090a0b0c0d0e0f-fe01020304050607-01\",\"trigger\":\"SUBMIT\",\"v\":1}";
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static void a_creation_comes_from_null(void **state) {
  (void)state;
  fsm_record r = example(FSM_RECORD_CREATED);
  fsm_value view;
  assert_int_equal(fsm_record_view(&arena, &r, NULL, &view, NULL), FSM_OK);
  assert_non_null(fsm_map_get(&view, "from"));
  assert_int_equal(fsm_map_get(&view, "from")->type, FSM_NULL);
  assert_null(fsm_map_get(&view, "id"));
}

static fsm_value read_schema(void) {
  FILE *file = fopen(FSM_SOURCE_DIR "/schema/record.schema.json", "r");
  assert_non_null(file);
  char *text = fsm_arena_alloc(&arena, 65536);
  size_t len = fread(text, 1, 65536, file);
  fclose(file);
  fsm_value out;
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, len, FSM_JSON_AS_WRITTEN, &out, &err))
    fail_msg("%s %s", err.where, err.text);
  return out;
}

static void the_json_schema_names_every_field(void **state) {
  (void)state;
  fsm_value schema = read_schema();
  const fsm_value *properties = fsm_doc_get(&schema, "properties");
  assert_non_null(properties);
#define X(key, member, name) \
  if (!fsm_doc_get(properties, name)) fail_msg("the schema misses \"%s\"", name);
  FSM_RECORD_FIELDS(X)
#undef X
  unsigned fields = 0;
#define X(key, member, name) fields++;
  FSM_RECORD_FIELDS(X)
#undef X
  assert_int_equal(properties->len, fields + 7); /* id, store, part, epoch; leaf, after, repair */
}

static void the_json_schema_takes_every_shape(void **state) {
  (void)state;
  fsm_value schema = read_schema();
  assert_int_equal(fsm_payload_schema_check(&schema, "", NULL), FSM_OK);
  for (int kind = 0; kind <= FSM_RECORD_KIND_COUNT; kind++) {
    fsm_record r = kind == FSM_RECORD_KIND_COUNT ? whole() : example((fsm_record_kind)kind);
    fsm_value view;
    fsm_error err = {0};
    assert_int_equal(fsm_record_view(&arena, &r, &origin, &view, NULL), FSM_OK);
    if (fsm_payload_check(&schema, &view, &err))
      fail_msg("%s: %s: %s", fsm_record_kind_name(r.kind), err.where, err.text);
  }
}

static void kinds_are_found_by_name(void **state) {
  (void)state;
  for (int kind = 0; kind < FSM_RECORD_KIND_COUNT; kind++)
    assert_int_equal(fsm_record_kind_of(fsm_record_kind_name((fsm_record_kind)kind)), kind);
  assert_int_equal(fsm_record_kind_of("none"), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_json_form_shows_names_times_and_hex),
      cmocka_unit_test(a_creation_comes_from_null),
      cmocka_unit_test(the_json_schema_names_every_field),
      cmocka_unit_test(the_json_schema_takes_every_shape),
      cmocka_unit_test(kinds_are_found_by_name),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

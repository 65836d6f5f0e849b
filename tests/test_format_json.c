/* The JSON form by the short way is, byte for byte, that of decoding, masking, viewing and writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/payload.h"
#include "tests/export_fixture.h"
#include "tests/random_record.h"

static fsm_arena arena, scratch;
static fsm__formatter *json;

static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  fsm_arena_init(&scratch, 0);
  json = export_formatter("json");
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm__formatter_free(json);
  fsm_arena_free(&arena);
  fsm_arena_free(&scratch);
  return 0;
}

static const fsm_mask *mask_of(const char *definition) {
  const fsm_mask *mask = NULL;
  fsm_error err = {0};
  if (fsm_mask_of(&arena, definition, strlen(definition), &mask, &err)) fail_msg("%s", err.text);
  return mask;
}

static void expect_same(const fsm__exported *x) {
  fsm_buf fast = {0}, slow = {0};
  fsm_error err = {0};
  if (export_by_view(&scratch, x, &slow, &err)) fail_msg("the long way: %s %s", err.where, err.text);
  if (fsm__format(json, x, &scratch, &fast, &err)) fail_msg("%s %s", err.where, err.text);
  if (fast.len != slow.len || memcmp(fast.data, slow.data, fast.len) != 0)
    fail_msg("not the same:\n%s\n%s", fsm_buf_text(&fast), fsm_buf_text(&slow));
  fsm_buf_free(&fast);
  fsm_buf_free(&slow);
  fsm_arena_reset(&scratch);
}

/* ---- claims ------------------------------------------------------------------------------------ */

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static fsm_value read_schema(void) {
  static char text[1 << 16];
  fsm_value schema;
  fsm_error err = {0};
  FILE *file = fopen(FSM_SOURCE_DIR "/schema/record.schema.json", "r");
  assert_non_null(file);
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  if (fsm_json_parse(&arena, text, len, FSM_JSON_AS_WRITTEN, &schema, &err)) fail_msg("%s", err.text);
  return schema;
}

static void expect_described(const fsm_value *schema, const fsm__exported *x) {
  fsm_buf out = {0};
  fsm_value value;
  fsm_error err = {0};
  if (fsm__format(json, x, &scratch, &out, &err)) fail_msg("%s %s", err.where, err.text);
  if (fsm_json_parse(&scratch, out.data, out.len, FSM_JSON_SORTED, &value, &err) ||
      fsm_payload_check(schema, &value, &err))
    fail_msg("not as the schema says: %s %s:\n%s", err.where, err.text, fsm_buf_text(&out));
  fsm_buf_free(&out);
}

static void golden_records_are_the_same_by_both_ways_and_as_the_schema_says(void **state) {
  (void)state;
  static char line[16384];
  static uint8_t bytes[8192];
  unsigned count = 0;
  const fsm_value schema = read_schema();
  FILE *file = fopen(FSM_SOURCE_DIR "/tests/golden/record-v1.txt", "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    size_t len = 0;
    for (const char *at = strchr(line, ' ') + 1; at[0] > ' ' && at[1] > ' '; at += 2)
      bytes[len++] = (uint8_t)(nibble(at[0]) << 4 | nibble(at[1]));
    fsm__exported x = export_of(bytes, len, 7);
    expect_described(&schema, &x);
    expect_same(&x);
    x.after = 3, x.repair = true;
    expect_described(&schema, &x);
    expect_same(&x);
    count++;
  }
  fclose(file);
  assert_int_equal(count, 26);
}

static void records_by_chance_are_the_same_by_both_ways(void **state) {
  (void)state;
  const char *runs = getenv("FSM_FORMAT_RUNS");
  const long count = runs ? atol(runs) : 4000;
  const fsm_mask *masks[] = {
      NULL,
      mask_of("{\"id\":\"m\",\"schemas\":{\"context\":{\"properties\":{\"iban\":{\"x-pii\":true}}}}}"),
      mask_of("{\"id\":\"m\",\"schemas\":{\"context\":{\"properties\":{\"a\":{\"x-pii\":true},\"id\":{\"x-"
              "pii\":true},"
              "\"name\":{\"x-pii\":true},\"due\":{\"x-pii\":true}}}}}"),
      mask_of("{\"id\":\"m\",\"schemas\":{\"context\":{\"properties\":{\"data\":{\"x-pii\":true},\"labels\":{"
              "\"x-pii\":"
              "true},\"context\":{\"x-pii\":true}}}}}"),
  };
  assert_non_null(masks[1]);
  chance c = {7, &arena};
  unsigned stored = 0;
  for (long i = 0; i < count; i++) {
    fsm_arena kept;
    fsm_arena_init(&kept, 0);
    c.arena = &kept;
    fsm_record record = chance_record(&c);
    fsm_buf bytes = {0};
    fsm_error err = {0};
    if (fsm_record_encode(&bytes, &record, &err) == FSM_OK) {
      char *exact = malloc(bytes.len); /* a read past its end is seen */
      memcpy(exact, bytes.data, bytes.len);
      fsm__exported x = export_of(exact, bytes.len, record.seq);
      x.mask = masks[chance_below(&c, 4)];
      if (chance_one_in(&c, 3)) x.after = chance_next(&c) >> chance_below(&c, 64);
      x.repair = chance_one_in(&c, 5);
      expect_same(&x);
      free(exact);
      stored++;
    }
    fsm_buf_free(&bytes);
    fsm_arena_free(&kept);
  }
  assert_true(stored > count * 9 / 10);
}

static void what_is_no_record_is_corrupt_and_leaves_the_buffer(void **state) {
  (void)state;
  fsm_buf out = {0};
  fsm_error err = {0};
  fsm_buf_str(&out, "before");
  fsm__exported x = export_of("\x81\x00\x01", 3, 1);
  assert_int_equal(fsm__format(json, &x, &scratch, &out, &err), FSM_ECORRUPT);
  assert_string_equal(fsm_buf_text(&out), "before");
  fsm_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(golden_records_are_the_same_by_both_ways_and_as_the_schema_says, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(records_by_chance_are_the_same_by_both_ways, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_no_record_is_corrupt_and_leaves_the_buffer, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

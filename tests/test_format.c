/* Formats: their options, golden lines, what each promises of any record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/export_fixture.h"
#include "tests/random_record.h"

static fsm_arena arena;
static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

/* ---- records ----------------------------------------------------------------------------------- */

enum { GOLDEN_MAX = 64 };
typedef struct golden {
  fsm__exported out[GOLDEN_MAX];
  size_t count;
} golden;

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static golden golden_records(void) {
  static char line[16384];
  golden all = {.count = 0};
  FILE *file = fopen(FSM_SOURCE_DIR "/tests/golden/record-v1.txt", "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    const char *hex = strchr(line, ' ') + 1;
    size_t len = strspn(hex, "0123456789abcdef") / 2;
    uint8_t *bytes = fsm_arena_alloc(&arena, len);
    for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    all.out[all.count++] = export_of(bytes, len, 7);
  }
  fclose(file);
  assert_true(all.count > 20);
  return all;
}

static fsm__exported exported(const fsm_record *record) {
  fsm_buf bytes = {0};
  fsm_error err = {0};
  if (fsm_record_encode(&bytes, record, &err)) fail_msg("%s %s", err.where, err.text);
  char *copy = fsm_arena_strndup(&arena, bytes.data, bytes.len);
  fsm__exported x = export_of(copy, bytes.len, record->seq);
  fsm_buf_free(&bytes);
  return x;
}

static const char *formatted(const fsm__formatter *formatter, const fsm__exported *x) {
  fsm_buf out = {0};
  fsm_error err = {0};
  if (fsm__format(formatter, x, &arena, &out, &err)) fail_msg("%s %s", err.where, err.text);
  const char *text = fsm_arena_strndup(&arena, out.data, out.len);
  fsm_buf_free(&out);
  return text;
}

static fsm_value parsed(const char *text) {
  fsm_value value;
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &value, &err))
    fail_msg("%s %s:\n%s", err.where, err.text, text);
  return value;
}

/* ---- options ----------------------------------------------------------------------------------- */

static fsm_code made(fsm__format_options options, fsm_error *err) {
  fsm__formatter *formatter = NULL;
  fsm_code code = fsm__formatter_new(&options, &formatter, err);
  fsm__formatter_free(formatter);
  return code;
}

static void expect_refused(fsm__format_options options, const char *where, const char *text) {
  fsm_error err = {0};
  assert_int_equal(made(options, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, where);
  if (strstr(err.text, text) == NULL) fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void each_format_has_a_name_and_a_type(void **state) {
  (void)state;
  const char *const *names = fsm__format_names();
  unsigned count = 0;
  for (; names[count] != NULL; count++) {
    fsm__formatter *formatter = export_formatter(names[count]);
    assert_string_equal(fsm__formatter_name(formatter), names[count]);
    assert_non_null(strchr(fsm__formatter_type(formatter), '/'));
    assert_int_equal(fsm__formatter_is_line(formatter), strcmp(names[count], "msgpack") != 0);
    assert_int_equal(fsm__formatter_head(formatter) != NULL, strcmp(names[count], "csv") == 0);
    fsm__formatter_free(formatter);
  }
  assert_int_equal(count, 7);
  expect_refused((fsm__format_options){.format = "xml"}, "format", "there is no format \"xml\"");
}

static void as_many_fields_are_lifted_as_the_limit_says(void **state) {
  (void)state;
  static char texts[FSM_LIFT_MAX + 1][32];
  const char *lift[FSM_LIFT_MAX + 1];
  fsm_error err = {0};
  for (int i = 0; i <= FSM_LIFT_MAX; i++) {
    snprintf(texts[i], sizeof texts[i], "data.a%d", i);
    lift[i] = texts[i];
  }
  assert_int_equal(
      made((fsm__format_options){.format = "json", .lift = lift, .lift_count = FSM_LIFT_MAX}, &err), FSM_OK);
  expect_refused((fsm__format_options){.format = "json", .lift = lift, .lift_count = FSM_LIFT_MAX + 1},
                 "lift", "at most 32");
}

static void a_path_is_as_long_as_the_limit_says(void **state) {
  (void)state;
  char path[FSM_LIFT_PATH_MAX + 8];
  const char *lift[] = {path};
  fsm__format_options options = {.format = "json", .lift = lift, .lift_count = 1};
  fsm_error err = {0};
  memset(path, 'x', sizeof path);
  memcpy(path, "data.", 5);
  memcpy(path + FSM_LIFT_PATH_MAX, "=y", 3);
  assert_int_equal(made(options, &err), FSM_OK);
  path[FSM_LIFT_PATH_MAX] = 'x';
  memcpy(path + FSM_LIFT_PATH_MAX + 1, "=y", 3);
  expect_refused(options, "lift[0]", "at most 256 bytes, this one has 257");
}

static void what_cannot_be_lifted_is_named(void **state) {
  (void)state;
  static const struct {
    const char *format, *lift, *text;
  } cases[] = {
      {"json", "nothing.x", "a record has no such field"},
      {"json", "", "a path is names with dots"},
      {"json", "data..x", "a path is names with dots"},
      {"json", "context", "context needs a field"},
      {"json", "data.kind", "the record has a field of this name"},
      {"json", "data.x=", "a name has 1 to 64"},
      {"json", "data.x=a b", "a name is of letters"},
      {"seed", "data.x=msg", "seed has a field"},
      {"ecs", "data.x=event", "ecs has a field"},
      {"ecs", "data.x=labels", "ecs has a field"},
      {"cloudevents", "data.Amount", "lower-case"},
      {"cloudevents", "data.x=id", "CloudEvents has an attribute"},
      {"cloudevents", "data.x=data", "CloudEvents has a member"},
      {"msgpack", "data.x", "no place"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_refused((fsm__format_options){.format = cases[i].format, .lift = &cases[i].lift, .lift_count = 1},
                   "lift[0]", cases[i].text);
  const char *twice[] = {"data.amount", "context.amount"};
  expect_refused((fsm__format_options){.format = "json", .lift = twice, .lift_count = 2}, "lift[1]",
                 "two fields");
}

static fsm_record amount_changed(void) {
  fsm_record r = fsm_record_new(FSM_RECORD_NOTE);
  static const uint8_t hash[32];
  r.seq = 7, r.time_ns = 1700000000123456789, r.prev = r.def = hash;
  r.mach = "m", r.inst = "i", r.corr = "c", r.rev = 1;
  r.labels = parsed("{\"department\":\"claims\"}");
  r.data = parsed("{\"amount\":1.5,\"customer\":{\"name\":\"Ann\"}}");
  r.ctx = parsed("{\"amount\":[1,2],\"added\":[true]}");
  r.act = parsed("{\"iss\":\"https://x\",\"sub\":\"u-1\"}");
  return r;
}

static void lifted_fields_stand_at_the_top(void **state) {
  (void)state;
  const char *lift[] = {"labels.department", "data.amount=asked",  "context.amount", "context.added",
                        "act.iss",           "data.customer.name", "labels.none"};
  const fsm_record r = amount_changed();
  fsm__exported x = exported(&r);
  static const struct {
    const char *format, *text;
  } cases[] = {
      {"json",
       ",\"department\":\"claims\",\"asked\":1.5,\"amount\":2,\"added\":true,\"iss\":\"https://"
       "x\",\"name\":\"Ann\"}"},
      {"seed",
       ",\"department\":\"claims\",\"asked\":1.5,\"amount\":2,\"added\":true,\"iss\":\"https://"
       "x\",\"name\":\"Ann\"}"},
      {"ecs",
       ",\"department\":\"claims\",\"asked\":\"1.5\",\"amount\":\"2\",\"added\":\"true\",\"iss\":\"https://"
       "x\",\"name\":\"Ann\"}"},
      {"cloudevents",
       ",\"department\":\"claims\",\"asked\":\"1.5\",\"amount\":2,\"added\":true,\"iss\":\"https://"
       "x\",\"name\":\"Ann\",\"data\":{"},
      {"otlp",
       "{\"key\":\"asked\",\"value\":{\"doubleValue\":1.5}},{\"key\":\"amount\",\"value\":{\"intValue\":"
       "\"2\"}}"},
      {"csv", ",claims,1.5,2,true,https://x,Ann,"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm__formatter *formatter = NULL;
    fsm_error err = {0};
    fsm__format_options options = {
        .format = cases[i].format, .lift = lift, .lift_count = sizeof lift / sizeof *lift};
    if (fsm__formatter_new(&options, &formatter, &err))
      fail_msg("%s: %s %s", cases[i].format, err.where, err.text);
    const char *text = formatted(formatter, &x);
    if (strstr(text, cases[i].text) == NULL) fail_msg("%s: not in %s", cases[i].format, text);
    fsm__formatter_free(formatter);
  }
}

/* ---- golden lines ------------------------------------------------------------------------------ */

/* FSM_GOLDEN=write writes them anew, for a look at the difference. */
static void expect_golden(const char *name, fsm_buf *now) {
  char path[300];
  snprintf(path, sizeof path, "%s/tests/golden/export-%s.txt", FSM_SOURCE_DIR, name);
  if (getenv("FSM_GOLDEN")) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(now->data, 1, now->len, file), now->len);
    fclose(file);
  }
  FILE *file = fopen(path, "r");
  if (file == NULL) fail_msg("%s is missing", path);
  fsm_buf kept = {0};
  char piece[4096];
  for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;) fsm_buf_add(&kept, piece, got);
  fclose(file);
  if (kept.len != now->len || memcmp(kept.data, now->data, now->len) != 0)
    fail_msg("%s: not the golden lines:\n%s", name, fsm_buf_text(now));
  fsm_buf_free(&kept);
}

static void lines_are_the_golden_lines(void **state) {
  (void)state;
  golden all = golden_records();
  const char *const *names = fsm__format_names();
  for (size_t f = 0; names[f] != NULL; f++) {
    if (strcmp(names[f], "msgpack") == 0) continue; /* the golden records themselves */
    fsm__formatter *formatter = export_formatter(names[f]);
    fsm_buf now = {0};
    if (fsm__formatter_head(formatter)) fsm_buf_printf(&now, "%s\n", fsm__formatter_head(formatter));
    for (size_t i = 0; i < all.count; i++) fsm_buf_printf(&now, "%s\n", formatted(formatter, &all.out[i]));
    expect_golden(names[f], &now);
    fsm_buf_free(&now);
    fsm__formatter_free(formatter);
  }
}

/* ---- any record -------------------------------------------------------------------------------- */

/* Calls back with count records by chance. */
static void each_by_chance(const char *format, long count,
                           void (*expect)(const char *text, const fsm__exported *x)) {
  fsm__formatter *formatter = export_formatter(format);
  chance c = {11, &arena};
  for (long i = 0; i < count; i++) {
    fsm_record record = chance_record(&c);
    fsm_buf bytes = {0};
    fsm_error err;
    if (fsm_record_encode(&bytes, &record, &err) == FSM_OK) {
      fsm__exported x = export_of(bytes.data, bytes.len, record.seq);
      x.repair = chance_one_in(&c, 3);
      expect(formatted(formatter, &x), &x);
    }
    fsm_buf_free(&bytes);
    fsm_arena_reset(&arena);
  }
  fsm__formatter_free(formatter);
}

static void expect_line(const char *text, const fsm__exported *x) {
  (void)x;
  assert_null(strpbrk(text, "\n\r"));
}

static void a_line_is_one_line(void **state) {
  (void)state;
  each_by_chance("json", 300, expect_line);
  each_by_chance("seed", 300, expect_line);
  each_by_chance("ecs", 300, expect_line);
  each_by_chance("cloudevents", 300, expect_line);
  each_by_chance("otlp", 300, expect_line);
  each_by_chance("csv", 300, expect_line);
}

static void stored_bytes_go_as_they_are_unless_something_is_masked(void **state) {
  (void)state;
  fsm__formatter *formatter = export_formatter("msgpack");
  const fsm_record r = amount_changed();
  fsm__exported x = exported(&r);
  fsm_buf out = {0};
  fsm_error err = {0};
  assert_int_equal(fsm__format(formatter, &x, &arena, &out, &err), FSM_OK);
  assert_int_equal(out.len, x.len);
  assert_memory_equal(out.data, x.data, x.len);
  static const char none[] = "{\"schemas\":{\"context\":{\"properties\":{\"other\":{\"x-pii\":true}}}}}";
  static const char some[] = "{\"schemas\":{\"context\":{\"properties\":{\"amount\":{\"x-pii\":true}}}}}";
  assert_int_equal(fsm_mask_of(&arena, none, strlen(none), &x.mask, &err), FSM_OK);
  assert_int_equal(fsm__format(formatter, &x, &arena, &out, &err), FSM_OK);
  assert_int_equal(fsm_mask_of(&arena, some, strlen(some), &x.mask, &err), FSM_OK);
  size_t before = out.len;
  assert_int_equal(fsm__format(formatter, &x, &arena, &out, &err), FSM_EPERMISSION);
  assert_int_equal(out.len, before);
  fsm_buf_free(&out);
  fsm__formatter_free(formatter);
}

static void what_is_masked_is_in_no_format(void **state) {
  (void)state;
  static const char some[] =
      "{\"schemas\":{\"context\":{\"properties\":{\"secret\":{\"x-pii\":true},\"n\":{\"x-pii\":true}}}}}";
  fsm_record r = amount_changed();
  fsm_error err = {0};
  r.data = parsed("{\"secret\":\"s3cr3t\",\"deep\":[{\"secret\":{\"x\":\"s3cr3t\"}}],\"n\":424242}");
  r.ctx = parsed("{\"secret\":[\"s3cr3t\",\"s3cr3t\"],\"n\":[424242]}");
  r.labels = parsed("{\"secret\":\"s3cr3t\"}");
  fsm__exported x = exported(&r);
  assert_int_equal(fsm_mask_of(&arena, some, strlen(some), &x.mask, &err), FSM_OK);
  const char *lift[] = {"data.secret=a", "context.n=b"};
  const char *const *names = fsm__format_names();
  for (size_t f = 0; names[f] != NULL; f++) {
    if (strcmp(names[f], "msgpack") == 0) continue;
    fsm__formatter *formatter = NULL;
    fsm__format_options options = {.format = names[f], .lift = lift, .lift_count = 2};
    assert_int_equal(fsm__formatter_new(&options, &formatter, &err), FSM_OK);
    const char *text = formatted(formatter, &x);
    if (strstr(text, "s3cr3t") || strstr(text, "424242"))
      fail_msg("%s shows what is masked: %s", names[f], text);
    assert_non_null(strstr(text, FSM_MASKED));
    fsm__formatter_free(formatter);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_format_has_a_name_and_a_type, setup, teardown),
      cmocka_unit_test_setup_teardown(as_many_fields_are_lifted_as_the_limit_says, setup, teardown),
      cmocka_unit_test_setup_teardown(a_path_is_as_long_as_the_limit_says, setup, teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_lifted_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(lifted_fields_stand_at_the_top, setup, teardown),
      cmocka_unit_test_setup_teardown(lines_are_the_golden_lines, setup, teardown),
      cmocka_unit_test_setup_teardown(a_line_is_one_line, setup, teardown),
      cmocka_unit_test_setup_teardown(stored_bytes_go_as_they_are_unless_something_is_masked, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_is_masked_is_in_no_format, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

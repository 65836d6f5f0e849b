/* Formats: their options, golden lines, what each promises of any record. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/export_fixture.h"
#include "tests/random_record.h"

#include "tests/arena_scene.h"

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
  assert_int_equal(fsm__format(formatter, &x, &arena, &out, &err), FSM_EDATA); /* it is parked */
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

/* ---- CloudEvents 1.0 --------------------------------------------------------------------------- */

static bool is_attribute_name(const fsm_value *name) {
  for (uint32_t i = 0; i < name->len; i++)
    if (!((name->s[i] >= 'a' && name->s[i] <= 'z') || (name->s[i] >= '0' && name->s[i] <= '9'))) return false;
  return name->len > 0 && name->len <= 20;
}

static void expect_clean(const fsm_value *text) {
  for (uint32_t i = 0; i < text->len; i++) {
    unsigned char c = (unsigned char)text->s[i];
    assert_true(c >= 0x20 && c != 0x7F);
    assert_false(c == 0xC2 && (unsigned char)text->s[i + 1] < 0xA0);
  }
}

/* Sections 3 and 3.1 of the specification, 3.1 of its JSON format, 3.3 of partitioning and sequence. */
static void expect_event(const char *text, const fsm__exported *x) {
  const fsm_value event = parsed(text);
  static const char *const required[] = {"specversion", "id", "source", "type"};
  for (size_t i = 0; i < 4; i++) {
    const fsm_value *value = fsm_map_get(&event, required[i]);
    assert_non_null(value);
    assert_true(value->type == FSM_STRING && value->len > 0);
  }
  assert_true(fsm_is_text(fsm_map_get(&event, "specversion"), "1.0"));
  assert_true(fsm_is_text(fsm_map_get(&event, "datacontenttype"), "application/json"));
  assert_null(fsm_map_get(&event, "data_base64"));
  for (uint32_t i = 0; i < event.len; i++) {
    const fsm_value *value = &event.pairs[i].value;
    if (fsm_is_text(&event.pairs[i].key, "data")) continue;
    assert_true(is_attribute_name(&event.pairs[i].key));
    assert_true(value->type == FSM_STRING && value->len > 0);
    expect_clean(value);
  }
  const fsm_value *time = fsm_map_get(&event, "time"), *data = fsm_map_get(&event, "data");
  assert_true(time->len >= 20 && time->s[10] == 'T' && time->s[time->len - 1] == 'Z');
  assert_true(fsm_is_text(fsm_map_get(&event, "id"), fsm_arena_strndup(&arena, fsm_map_get(data, "id")->s,
                                                                       fsm_map_get(data, "id")->len)));
  assert_int_equal(fsm_map_get(&event, "sequence")->len, 20);
  assert_non_null(fsm_map_get(&event, "partitionkey"));
  assert_int_equal(strncmp(fsm_map_get(&event, "type")->s, "fsm.", 4), 0);
  (void)x;
}

static void any_record_is_a_cloud_event(void **state) {
  (void)state;
  each_by_chance("cloudevents", 800, expect_event);
}

static void attributes_of_binary_mode_are_those_of_structured_mode(void **state) {
  (void)state;
  golden all = golden_records();
  fsm__formatter *formatter = export_formatter("cloudevents");
  for (size_t i = 0; i < all.count; i++) {
    fsm__attribute attributes[FSM_ATTRIBUTES_MAX];
    size_t count = 0;
    fsm_error err = {0};
    const fsm_value event = parsed(formatted(formatter, &all.out[i]));
    assert_int_equal(fsm__cloudevents_attributes(&all.out[i], &arena, attributes, &count, &err), FSM_OK);
    assert_int_equal(count + 1, event.len);
    for (size_t k = 0; k < count; k++)
      assert_true(fsm_is_text(fsm_map_get(&event, attributes[k].name), attributes[k].value));
  }
  fsm__formatter_free(formatter);
}

/* ---- OTLP -------------------------------------------------------------------------------------- */

static bool is_digits(const fsm_value *text) {
  uint32_t from = text->len > 0 && text->s[0] == '-';
  for (uint32_t i = from; i < text->len; i++)
    if (text->s[i] < '0' || text->s[i] > '9') return false;
  return text->type == FSM_STRING && text->len > from;
}

static bool is_hex(const fsm_value *text, uint32_t len) {
  return text->type == FSM_STRING && text->len == len && strspn(text->s, "0123456789abcdef") >= len;
}

static void expect_any_value(const fsm_value *value) {
  assert_int_equal(value->type, FSM_MAP);
  if (value->len == 0) return;
  assert_int_equal(value->len, 1);
  const fsm_value *name = &value->pairs[0].key, *inner = &value->pairs[0].value;
  if (fsm_is_text(name, "stringValue")) {
    assert_int_equal(inner->type, FSM_STRING);
  } else if (fsm_is_text(name, "intValue")) {
    assert_true(is_digits(inner));
  } else if (fsm_is_text(name, "doubleValue")) {
    assert_int_equal(inner->type, FSM_DOUBLE);
  } else if (fsm_is_text(name, "boolValue")) {
    assert_int_equal(inner->type, FSM_BOOL);
  } else {
    const bool list = fsm_is_text(name, "arrayValue");
    assert_true(list || fsm_is_text(name, "kvlistValue"));
    const fsm_value *values = fsm_map_get(inner, "values");
    for (uint32_t i = 0; i < values->len; i++) {
      if (!list) assert_int_equal(fsm_map_get(&values->items[i], "key")->type, FSM_STRING);
      expect_any_value(list ? &values->items[i] : fsm_map_get(&values->items[i], "value"));
    }
  }
}

/* The JSON mapping of opentelemetry/proto/logs/v1: lowerCamelCase, 64-bit numbers as strings, ids in hex. */
static void expect_log_record(const char *text, const fsm__exported *x) {
  (void)x;
  static const char *const known[] = {
      "timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "eventName",
      "body",         "attributes",           "traceId",        "spanId",       "flags"};
  const fsm_value log = parsed(text);
  for (uint32_t i = 0; i < log.len; i++) {
    bool is_known = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
      is_known = is_known || fsm_is_text(&log.pairs[i].key, known[k]);
    assert_true(is_known);
  }
  assert_true(is_digits(fsm_map_get(&log, "timeUnixNano")) && fsm_map_get(&log, "timeUnixNano")->s[0] != '-');
  const int64_t severity = fsm_map_get(&log, "severityNumber")->i;
  assert_true(severity == 9 || severity == 13 || severity == 17);
  expect_any_value(fsm_map_get(&log, "body"));
  const fsm_value *attributes = fsm_map_get(&log, "attributes"), *trace = fsm_map_get(&log, "traceId");
  for (uint32_t i = 0; i < attributes->len; i++) {
    assert_int_equal(attributes->items[i].len, 2);
    assert_true(fsm_map_get(&attributes->items[i], "key")->len > 0);
    expect_any_value(fsm_map_get(&attributes->items[i], "value"));
    for (uint32_t k = 0; k < i; k++) /* names are unique */
      assert_false(fsm_value_same(fsm_map_get(&attributes->items[i], "key"),
                                  fsm_map_get(&attributes->items[k], "key")));
  }
  if (trace != NULL) assert_true(is_hex(trace, 32) && is_hex(fsm_map_get(&log, "spanId"), 16));
}

static void any_record_is_a_log_record_of_otlp(void **state) {
  (void)state;
  each_by_chance("otlp", 800, expect_log_record);
}

/* ---- csv --------------------------------------------------------------------------------------- */

static size_t cells_of(const char *line) {
  size_t count = 1;
  bool quoted = false;
  for (; *line; line++) {
    if (*line == '"') quoted = !quoted;
    count += *line == ',' && !quoted;
  }
  assert_false(quoted);
  return count;
}

static void expect_cells(const char *text, const fsm__exported *x) {
  (void)x;
  assert_int_equal(cells_of(text), 23);
}

static void a_log_line_has_nothing_that_a_terminal_acts_on(void **state) {
  (void)state;
  fsm__formatter *formatter = export_formatter("seed");
  fsm_record r = amount_changed();
  r.ctx = parsed("{\"text\":[null,\"\\u202eolleh\\u009b31m\"]}");
  fsm__exported x = exported(&r);
  const char *line = formatted(formatter, &x);
  assert_non_null(strstr(line, "\"text\":\"\\u202eolleh\\u009b31m\""));
  assert_null(strstr(line, "\xe2\x80\xae"));
  fsm__formatter_free(formatter);
}

static void a_csv_line_has_the_cells_of_its_head(void **state) {
  (void)state;
  each_by_chance("csv", 500, expect_cells);
  const char *columns[] = {"seq", "labels.department=dep", "data.text"};
  fsm__format_options options = {.format = "csv", .columns = columns, .column_count = 3};
  fsm__formatter *formatter = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm__formatter_new(&options, &formatter, &err), FSM_OK);
  assert_string_equal(fsm__formatter_head(formatter), "seq,dep,text");
  fsm_record r = amount_changed();
  r.data = parsed("{\"text\":\"a,\\\"b\\\"\\nc\"}");
  fsm__exported x = exported(&r);
  assert_string_equal(formatted(formatter, &x), "7,claims,\"a,\"\"b\"\"\\nc\"");
  r.data = parsed("{\"text\":\"=1+1\\u202e\"}");
  x = exported(&r);
  assert_string_equal(formatted(formatter, &x), "7,claims,'=1+1\\u{202e}");
  fsm__formatter_free(formatter);
  expect_refused(
      (fsm__format_options){
          .format = "csv", .columns = (const char *const[]){"seq", "none"}, .column_count = 2},
      "columns[1]", "no such field");
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
      cmocka_unit_test_setup_teardown(any_record_is_a_cloud_event, setup, teardown),
      cmocka_unit_test_setup_teardown(attributes_of_binary_mode_are_those_of_structured_mode, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(any_record_is_a_log_record_of_otlp, setup, teardown),
      cmocka_unit_test_setup_teardown(a_csv_line_has_the_cells_of_its_head, setup, teardown),
      cmocka_unit_test_setup_teardown(a_log_line_has_nothing_that_a_terminal_acts_on, setup, teardown),
      cmocka_unit_test_setup_teardown(stored_bytes_go_as_they_are_unless_something_is_masked, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_is_masked_is_in_no_format, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_expr_zone.c: rules of zones: POSIX texts, TZif files made byte by byte, names in expressions. */
#include "fsm/expr_zone.h"

#include <stdlib.h>

#include "fsm/expr_time.h"
#include "tests/expr_case.h"

static const fsm_scope nothing;

static int64_t at(const char *text) {
  fsm_value value;
  assert_null(fsm__timestamp_parse(text, strlen(text), &value));
  return value.i;
}

/* ---- fixed offsets ----------------------------------------------------------------------------- */

static void a_fixed_offset_is_two_pairs_of_digits_or_utc(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t offset;
  } good[] = {{"UTC", 0},         {"+00:00", 0},      {"02:00", 7200},   {"+02:00", 7200},
              {"-08:00", -28800}, {"-09:30", -34200}, {"+23:59", 86340}, {"-23:59", -86340}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    int32_t offset;
    assert_true(fsm__zone_fixed(good[i].text, strlen(good[i].text), &offset));
    assert_int_equal(offset, good[i].offset);
  }
  static const char *const bad[] = {"",      "U",       "utc",   "Z",      "+2:00",  "+02",
                                    "+0200", "24:00",   "00:60", "++2:00", "+02:0a", "+02:000",
                                    "-",     "+02:00 ", "UTC+1", "a2:00"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int32_t offset;
    assert_false(fsm__zone_fixed(bad[i], strlen(bad[i]), &offset));
  }
}

/* ---- rules ------------------------------------------------------------------------------------- */

static int32_t by_rule(const char *rule, const char *time) {
  fsm__zone_rule read;
  assert_null(fsm__zone_rule_read(rule, strlen(rule), &read));
  return fsm__zone_rule_offset(&read, at(time));
}

static void a_rule_changes_at_its_second(void **state) {
  (void)state;
  static const struct {
    const char *rule, *time;
    int32_t offset;
  } cases[] = {
      {"UTC0", "2030-07-01T00:00:00Z", 0},
      {"<+0530>-5:30", "2030-07-01T00:00:00Z", 19800},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-03-31T00:59:59Z", 3600},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-03-31T01:00:00Z", 7200},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-10-27T00:59:59Z", 7200},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2030-10-27T01:00:00Z", 3600},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "9999-07-01T00:00:00Z", 7200},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "0001-01-01T00:00:00Z", 3600},
      {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2030-01-01T00:00:00Z", 46800}, /* the year begins in summer */
      {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2030-07-01T00:00:00Z", 43200},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T00:59:59Z", -7200},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T01:00:00Z", -3600},
      {"LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2030-01-01T00:00:00Z", 39600},
      {"EST5EDT4,0/0,J365/25", "2030-01-01T04:59:59Z", -14400}, /* summer time all year long */
      {"EST5EDT4,0/0,J365/25", "2030-01-01T05:00:00Z", -14400},
      {"EST5EDT4,0/0,J365/25", "2030-07-01T00:00:00Z", -14400},
      {"AAA0BBB,J60/0,J61/0", "2028-02-29T12:00:00Z", 0}, /* J60 is 1 March, in a leap year too */
      {"AAA0BBB,J60/0,J61/0", "2028-03-01T12:00:00Z", 3600},
      {"AAA0BBB,59/0,60/0", "2028-02-29T12:00:00Z", 3600}, /* 59 counts 29 February */
      {"AAA0BBB,59/0,60/0", "2027-03-01T12:00:00Z", 3600},
      {"AAA0BBB,M12.5.0/167,M6.1.0", "2031-01-04T22:59:59Z", 0}, /* 167 h behind 29 December */
      {"AAA0BBB,M12.5.0/167,M6.1.0", "2031-01-04T23:00:00Z", 3600},
      {"AAA0BBB,M1.1.1/-167,M6.1.0", "2029-12-31T01:00:00Z", 3600},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int32_t got = by_rule(cases[i].rule, cases[i].time);
    if (got != cases[i].offset) print_error("%s at %s: %d\n", cases[i].rule, cases[i].time, got);
    assert_int_equal(got, cases[i].offset);
  }
}

static void a_rule_that_posix_does_not_have_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "U0",
      "UT0",
      "UTC",
      "<U>0",
      "<UTC0",
      "<U!C>0",
      "UTC25",
      "UTC0:60",
      "UTC0:00:60",
      "UTC0x",
      "CET-1CEST",
      "CET-1CEST,",
      "CET-1CEST,M3.5.0",
      "CET-1CEST,M3.5.0,",
      "CET-1CEST,M0.5.0,M10.5.0",
      "CET-1CEST,M13.5.0,M10.5.0",
      "CET-1CEST,M3.0.0,M10.5.0",
      "CET-1CEST,M3.6.0,M10.5.0",
      "CET-1CEST,M3.5.7,M10.5.0",
      "CET-1CEST,M3.5,M10.5.0",
      "CET-1CEST,J0,J1",
      "CET-1CEST,J366,J1",
      "CET-1CEST,366,1",
      "CET-1CEST,M3.5.0/168,M10.5.0",
      "CET-1CEST,M3.5.0/-168,M10.5.0",
      "CET-1CEST,M3.5.0,M10.5.0/3x",
      "CET-1CEST,M3.5.0,M10.5.0,",
      "CET-1CEST25,M3.5.0,M10.5.0",
      "CET-1CE,M3.5.0,M10.5.0",
      "CET-99999999999,M3.5.0,M10.5.0",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fsm__zone_rule rule;
    char *exact = malloc(strlen(bad[i]) + 1);
    assert_non_null(exact);
    memcpy(exact, bad[i], strlen(bad[i]) + 1);
    const char *reason = fsm__zone_rule_read(exact, strlen(bad[i]), &rule);
    if (!reason) print_error("taken: %s\n", bad[i]);
    assert_non_null(reason);
    free(exact);
  }
}

/* ---- files ------------------------------------------------------------------------------------- */

typedef struct tzif {
  char version;
  uint32_t isut, isstd, leaps, times, types, chars;
} tzif;

static void put32(fsm_buf *buf, uint32_t value) {
  const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                           (uint8_t)value};
  fsm_buf_add(buf, bytes, sizeof bytes);
}

static void put64(fsm_buf *buf, int64_t value) {
  put32(buf, (uint32_t)((uint64_t)value >> 32));
  put32(buf, (uint32_t)value);
}

static void put_header(fsm_buf *buf, tzif h) {
  fsm_buf_str(buf, "TZif");
  fsm_buf_char(buf, h.version);
  for (unsigned i = 0; i < 15; i++) fsm_buf_char(buf, 0);
  put32(buf, h.isut);
  put32(buf, h.isstd);
  put32(buf, h.leaps);
  put32(buf, h.times);
  put32(buf, h.types);
  put32(buf, h.chars);
}

static void put_type(fsm_buf *buf, int32_t offset, char summer, char name) {
  put32(buf, (uint32_t)offset);
  fsm_buf_char(buf, summer);
  fsm_buf_char(buf, name);
}

/* 1:00 until 1000, 2:00 until 2000, then 0:30, then the rule. */
static void put_zone(fsm_buf *buf, char version, const char *rule) {
  tzif h = {version, .times = 2, .types = 3, .chars = 4};
  fsm_buf_reset(buf);
  if (version) {
    put_header(buf, (tzif){version, .types = 1, .chars = 1});
    put_type(buf, 0, 0, 0);
    fsm_buf_char(buf, 0);
  }
  put_header(buf, h);
  for (int64_t time = 1000; time <= 2000; time += 1000)
    version ? put64(buf, time) : put32(buf, (uint32_t)time);
  fsm_buf_add(buf, "\1\2", 2);
  put_type(buf, 3600, 0, 0);
  put_type(buf, 7200, 1, 0);
  put_type(buf, 1800, 0, 3);
  fsm_buf_add(buf, "ABC", 4);
  if (version) fsm_buf_printf(buf, "\n%s\n", rule);
}

static fsm_code read_zone(fsm_arena *arena, const fsm_buf *buf, fsm__zone *zone, const char **reason) {
  uint8_t *exact = malloc(buf->len ? buf->len : 1);
  assert_non_null(exact);
  if (buf->len) memcpy(exact, buf->data, buf->len);
  fsm_code code = fsm__zone_read(arena, exact, buf->len, zone, reason);
  free(exact);
  return code;
}

static void a_file_of_each_version_gives_the_offsets_it_holds(void **state) {
  (void)state;
  static const char versions[] = {0, '2', '3', '4'};
  for (size_t i = 0; i < sizeof versions; i++) {
    fsm_buf buf = {0};
    fsm_arena arena;
    fsm_arena_init(&arena, 0);
    fsm__zone zone;
    const char *reason;
    put_zone(&buf, versions[i], "AAA-3");
    assert_int_equal(read_zone(&arena, &buf, &zone, &reason), FSM_OK);
    assert_int_equal(fsm__zone_offset(&zone, INT64_MIN / 2), 3600);
    assert_int_equal(fsm__zone_offset(&zone, 999), 3600);
    assert_int_equal(fsm__zone_offset(&zone, 1000), 7200);
    assert_int_equal(fsm__zone_offset(&zone, 1999), 7200);
    assert_int_equal(fsm__zone_offset(&zone, 2000), versions[i] ? 10800 : 1800);
    assert_int_equal(fsm__zone_offset(&zone, 253402300799), versions[i] ? 10800 : 1800);
    fsm_arena_free(&arena);
    fsm_buf_free(&buf);
  }
}

static void without_a_rule_the_last_offset_stays(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__zone zone;
  const char *reason;
  put_zone(&buf, '2', "");
  assert_int_equal(read_zone(&arena, &buf, &zone, &reason), FSM_OK);
  assert_int_equal(fsm__zone_offset(&zone, 253402300799), 1800);
  fsm_arena_free(&arena);
  fsm_buf_free(&buf);
}

static void a_file_cut_short_anywhere_is_refused(void **state) {
  (void)state;
  static const char versions[] = {0, '2'};
  for (size_t i = 0; i < sizeof versions; i++) {
    fsm_buf buf = {0};
    fsm_arena arena;
    fsm_arena_init(&arena, 0);
    put_zone(&buf, versions[i], "AAA-3");
    for (size_t whole = buf.len; buf.len-- > 0 && whole;) {
      fsm__zone zone;
      const char *reason = NULL;
      assert_int_equal(read_zone(&arena, &buf, &zone, &reason), FSM_EMALFORMED);
      assert_non_null(reason);
    }
    buf.len = 0;
    fsm_arena_free(&arena);
    fsm_buf_free(&buf);
  }
}

/* The reason when `len` bytes at `offset` of the second header of a sound file are others; NULL = taken. */
static const char *damaged(size_t offset, const char *bytes, size_t len) {
  fsm_buf buf = {0};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__zone zone;
  const char *reason = NULL;
  put_zone(&buf, '2', "AAA-3");
  size_t second = 44 + 6 + 1;
  memcpy(buf.data + second + offset, bytes, len);
  fsm_code code = read_zone(&arena, &buf, &zone, &reason);
  assert_int_equal(code, reason ? FSM_EMALFORMED : FSM_OK);
  fsm_arena_free(&arena);
  fsm_buf_free(&buf);
  return reason;
}

static void damage_is_named(void **state) {
  (void)state;
  assert_string_equal(damaged(0, "X", 1), "it is not a TZif file");
  assert_string_equal(damaged(4, "5", 1), "its version of TZif is not known");
  assert_string_equal(damaged(20, "\0\0\0\2", 4), "its header contradicts itself");
  assert_string_equal(damaged(24, "\0\0\0\2", 4), "its header contradicts itself");
  assert_string_equal(damaged(36, "\0\0\0\0", 4), "its header contradicts itself");
  assert_string_equal(damaged(36, "\0\0\1\1", 4), "its header contradicts itself");
  assert_string_equal(damaged(40, "\0\0\0\0", 4), "its header contradicts itself");
  assert_string_equal(damaged(40, "\xff\xff\xff\xff", 4), "its header contradicts itself");
  assert_string_equal(damaged(28, "\0\0\0\1", 4), "it counts leap seconds, which timestamps do not");
  assert_string_equal(damaged(32, "\0\0\x07\xd1", 4), "it has more than 2000 transitions");
  assert_string_equal(damaged(32, "\0\0\x07\xd0", 4), "it ends too early");
  assert_string_equal(damaged(32, "\xff\xff\xff\xff", 4), "it has more than 2000 transitions");
  assert_string_equal(damaged(44, "\x7f", 1), "its transitions are not in ascending order");
  assert_string_equal(damaged(44 + 16, "\3", 1), "a transition in it has no local time type");
  assert_string_equal(damaged(44 + 18, "\x7f\0\0\0", 4), "an offset in it is more than 26 hours");
  assert_string_equal(damaged(44 + 18, "\x80\0\0\0", 4), "an offset in it is more than 26 hours");
  assert_string_equal(damaged(44 + 18, "\0\1\x6d\xa0", 4), "an offset in it is more than 26 hours");
  assert_null(damaged(44 + 18, "\0\1\x6d\x9f", 4));
  assert_string_equal(damaged(44 + 18 + 4, "\2", 1), "a local time type in it is damaged");
  assert_string_equal(damaged(44 + 18 + 5, "\4", 1), "a local time type in it is damaged");
  assert_string_equal(damaged(44 + 18 + 18 + 4, "x", 1), "it does not end with a rule for later times");
  assert_string_equal(damaged(44 + 18 + 18 + 4 + 6, "x", 1), "it does not end with a rule for later times");
  assert_string_equal(damaged(44 + 18 + 18 + 4 + 3, "\n", 1), "it does not end with a rule for later times");
  assert_string_equal(damaged(44 + 18 + 18 + 4 + 3, "!", 1), "its rule for later times has no standard time");
}

static void a_file_of_64_kb_is_read_and_a_longer_one_refused(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__zone zone;
  const char *reason = NULL;
  uint8_t *data = calloc(1, FSM__ZONE_BYTES_MAX + 1);
  assert_non_null(data);
  assert_int_equal(fsm__zone_read(&arena, data, FSM__ZONE_BYTES_MAX + 1, &zone, &reason), FSM_ETOOLARGE);
  assert_string_equal(reason, "it is longer than 64 KB");
  assert_int_equal(fsm__zone_read(&arena, data, FSM__ZONE_BYTES_MAX, &zone, &reason), FSM_EMALFORMED);
  free(data);
  fsm_arena_free(&arena);
}

static void as_many_transitions_as_allowed_are_read_and_found(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__zone zone;
  const char *reason = NULL;
  put_header(&buf, (tzif){0, .times = FSM__ZONE_TIMES_MAX, .types = 2, .chars = 1});
  for (uint32_t i = 0; i < FSM__ZONE_TIMES_MAX; i++) put32(&buf, i * 10);
  for (uint32_t i = 0; i < FSM__ZONE_TIMES_MAX; i++) fsm_buf_char(&buf, (char)(i % 2));
  put_type(&buf, 60, 0, 0);
  put_type(&buf, 120, 0, 0);
  fsm_buf_char(&buf, 0);
  assert_int_equal(read_zone(&arena, &buf, &zone, &reason), FSM_OK);
  assert_int_equal(fsm__zone_offset(&zone, -1), 60);
  for (int32_t i = 0; i < FSM__ZONE_TIMES_MAX; i++) {
    assert_int_equal(fsm__zone_offset(&zone, i * 10), i % 2 ? 120 : 60);
    assert_int_equal(fsm__zone_offset(&zone, i * 10 + 9), i % 2 ? 120 : 60);
  }
  fsm_arena_free(&arena);
  fsm_buf_free(&buf);
}

/* ---- in expressions ---------------------------------------------------------------------------- */

typedef struct source {
  fsm_buf zone;
  unsigned asked;
} source;

static bool one_zone(void *arg, const char *name, const void **data, size_t *len) {
  source *s = arg;
  s->asked++;
  if (strcmp(name, "Test/Zone") != 0 && strcmp(name, "Test/Bad") != 0) return false;
  *data = s->zone.data;
  *len = strcmp(name, "Test/Bad") == 0 ? 43 : s->zone.len;
  return true;
}

/* As in expr_case.h, with zones. */
static const char *result_with(fsm_buf *out, const char *text, source *zones) {
  fsm_arena arena, scratch;
  fsm_arena_init(&arena, 0);
  fsm_arena_init(&scratch, 0);
  fsm_expr_options options = {.zones = one_zone, .zones_arg = zones};
  const fsm_expr *expr = NULL;
  fsm_error err = {0};
  fsm_value value;
  fsm_buf_reset(out);
  if (fsm_expr_compile_with(&arena, text, strlen(text), &options, &expr, &err)) {
    fsm_buf_printf(out, "!! %s %s %s", fsm_code_name(err.code), err.where, err.text);
  } else {
    memset(zones->zone.data, 0x5a, zones->zone.len); /* the source's memory is gone by now */
    if (fsm_expr_eval(expr, &nothing, &scratch, &value, &err))
      fsm_buf_printf(out, "! %s %s", err.where, err.text);
    else
      expr_show(out, &value);
  }
  fsm_arena_free(&arena);
  fsm_arena_free(&scratch);
  return fsm_buf_text(out);
}

static void a_literal_zone_is_resolved_when_it_is_compiled(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp(0).getHours('Test/Zone')", "1"},
      {"timestamp(1000).getMinutes(('Test/Zone'))", "16"},
      {"timestamp(2000).getHours('Test/Zone') + timestamp(0).getHours('Test/Zone')", "4"},
      {"timestamp(0).getHours('UTC')", "0"},
      {"timestamp(0).getHours('Test/' + 'Zone')",
       "! 1:1 timestamp(0).getHours('Test/' + 'Zone'): a time zone that is not written as a literal is UTC "
       "or "
       "an offset such as +02:00, got string \"Test/Zone\""},
      {"1 +\n timestamp(0).getHours('Nowhere')", "!! expression 2:24 there is no time zone 'Nowhere'"},
      {"now.getHours('')", "!! expression 1:14 there is no time zone ''"},
      {"now.getHours('../etc/passwd')", "!! expression 1:14 there is no time zone '../etc/passwd'"},
      {"now.getHours('a\\u0000b')", "!! expression 1:14 there is no time zone 'a\\u0000b'"},
      {"now.getHours('Test/Bad')",
       "!! expression 1:14 the rules of the time zone Test/Bad cannot be used: it is not a TZif file"},
  };
  source zones = {{0}, 0};
  fsm_buf out = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    put_zone(&zones.zone, '2', "AAA-3");
    assert_string_equal(result_with(&out, cases[i].source, &zones), cases[i].result);
  }
  fsm_buf_free(&out);
  fsm_buf_free(&zones.zone);
}

static void a_zone_is_asked_for_once_per_expression(void **state) {
  (void)state;
  source zones = {{0}, 0};
  fsm_buf out = {0};
  put_zone(&zones.zone, '2', "AAA-3");
  result_with(&out,
              "[timestamp(0), timestamp(5)][0].getHours('Test/Zone') + timestamp(0).getDate('Test/Zone')",
              &zones);
  assert_string_equal(fsm_buf_text(&out), "2");
  assert_int_equal(zones.asked, 1);
  fsm_buf_free(&out);
  fsm_buf_free(&zones.zone);
}

static void a_name_that_cannot_be_one_is_not_asked_for(void **state) {
  (void)state;
  source zones = {{0}, 0};
  fsm_buf out = {0};
  put_zone(&zones.zone, '2', "AAA-3");
  char text[128];
  snprintf(text, sizeof text, "now.getHours('%065d')", 0);
  assert_int_equal(strncmp(result_with(&out, text, &zones), "!! expression 1:14", 18), 0);
  assert_int_equal(zones.asked, 0);
  snprintf(text, sizeof text, "now.getHours('%064d')", 0);
  assert_int_equal(strncmp(result_with(&out, text, &zones), "!! expression 1:14", 18), 0);
  assert_int_equal(zones.asked, 1);
  fsm_buf_free(&out);
  fsm_buf_free(&zones.zone);
}

static void without_a_source_only_offsets_are_known(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"now.getHours('Europe/Berlin')",
       "!! expression 1:14 there is no time zone 'Europe/Berlin'; only UTC and offsets such as +02:00 are "
       "known "
       "here"},
      {"now.getHours('-01:00')", "23"},
  };
  EXPR_CHECK(cases, &nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fixed_offset_is_two_pairs_of_digits_or_utc),
      cmocka_unit_test(a_rule_changes_at_its_second),
      cmocka_unit_test(a_rule_that_posix_does_not_have_is_refused),
      cmocka_unit_test(a_file_of_each_version_gives_the_offsets_it_holds),
      cmocka_unit_test(without_a_rule_the_last_offset_stays),
      cmocka_unit_test(a_file_cut_short_anywhere_is_refused),
      cmocka_unit_test(damage_is_named),
      cmocka_unit_test(a_file_of_64_kb_is_read_and_a_longer_one_refused),
      cmocka_unit_test(as_many_transitions_as_allowed_are_read_and_found),
      cmocka_unit_test(a_literal_zone_is_resolved_when_it_is_compiled),
      cmocka_unit_test(a_zone_is_asked_for_once_per_expression),
      cmocka_unit_test(a_name_that_cannot_be_one_is_not_asked_for),
      cmocka_unit_test(without_a_source_only_offsets_are_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

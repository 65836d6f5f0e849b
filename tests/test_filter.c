/* test_filter.c: the grammar of FILTER: what each field takes and what it says to the rest, patterns, times,
 * and a filter as text and as members of a body. What filters find: test_filter_oracle.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/filter_impl.h"
#include "schema/json.h"

#define NOW INT64_C(1700000000000000000) /* 2023-11-14T22:13:20Z */
#define SECOND INT64_C(1000000000)

static fsm_filter *filter;
static fsm_arena arena;
static fsm_error err;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return fsm_filter_new(&filter, &err);
}

static int down(void **state) {
  (void)state;
  fsm_filter_free(filter);
  fsm_arena_free(&arena);
  return 0;
}

static void anew(void) {
  fsm_filter_free(filter);
  assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
}

static fsm_code set(const char *name, const char *value) {
  err = (fsm_error){.text = ""};
  return fsm_filter_set(filter, name, value, &err);
}

static void taken(const char *name, const char *value) {
  if (set(name, value) != FSM_OK) fail_msg("%s=%s: %s: %s", name, value, err.where, err.text);
}

static void refused(const char *name, const char *value, const char *text) {
  size_t before = filter->count;
  if (set(name, value) == FSM_OK) fail_msg("%s=%s was taken", name, value);
  assert_string_equal(err.where, name);
  assert_string_equal(err.text, text);
  assert_int_equal(filter->count, before);
}

/* count times c */
static const char *many(char c, size_t count) {
  char *text = fsm_arena_zalloc(&arena, count + 1, 1);
  assert_non_null(text);
  memset(text, c, count);
  return text;
}

static void a_name_that_there_is_not_is_refused_with_the_nearest(void **state) {
  (void)state;
  refused("machin", "m", "there is no filter \"machin\"; did you mean \"machine\"?");
  refused("update_since", "1h", "there is no filter \"update_since\"; did you mean \"updated_since\"?");
  refused("colour", "red", "there is no filter \"colour\"");
  assert_true(fsm_filter_has("where") && !fsm_filter_has("wher") && !fsm_filter_has(""));
  assert_true(fsm_filter_repeats("label") && fsm_filter_repeats("status") && !fsm_filter_repeats("state"));
  assert_string_equal(fsm_filter_name(FSM_FILTER_UPDATED_SINCE), "updated_since");
  assert_string_equal(fsm_filter_flag(FSM_FILTER_UPDATED_SINCE), "updated-since");
}

static void every_field_has_a_value_and_is_there_once(void **state) {
  (void)state;
  static const char *const once[][2] = {
      {"machine", "loan"},     {"version", "3"},
      {"state", "a.b"},        {"user", "ana"},
      {"key", "K*"},           {"correlation", "c-1"},
      {"for", "10m..2h"},      {"since", "today"},
      {"until", "1h"},         {"sort", "-created"},
      {"where", "rev > 3"},    {"updated_since", "2d"},
      {"updated_until", "5m"}, {"trace", "0af7651916cd43dd8448eb211c80319c"}};
  for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
    refused(once[i][0], "", fsm_arena_printf(&arena, "%s is empty", once[i][0]));
    taken(once[i][0], once[i][1]);
    refused(once[i][0], once[i][1], fsm_arena_printf(&arena, "%s is there twice", once[i][0]));
  }
  assert_string_equal(filter->machine, "loan");
  assert_string_equal(filter->state, "a.b");
  assert_string_equal(filter->user, "ana");
  assert_string_equal(filter->correlation, "c-1");
  assert_int_equal(filter->version, 3);
}

static void values_are_bounded(void **state) {
  (void)state;
  taken("user", many('u', FSM_FILTER_VALUE_MAX));
  refused("machine", many('m', FSM_FILTER_VALUE_MAX + 1), "machine has 513 bytes, more than 512");
  char *where = fsm_arena_printf(&arena, "true%s", many(' ', FSM_EXPR_TEXT_MAX - 4));
  taken("where", where);
  anew();
  where = fsm_arena_printf(&arena, "true%s", many(' ', FSM_EXPR_TEXT_MAX - 3));
  refused("where", where, "where has 4097 bytes, more than 4096");
}

static void a_version_is_a_number(void **state) {
  (void)state;
  static const char *const bad[] = {"0", "-1", "x", "1x", "4294967296", "99999999999999999999", " 1", "1.0"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    refused("version", bad[i], "version is a number from 1 to 4294967295");
  taken("version", "4294967295");
  assert_true(filter->version == UINT32_MAX);
}

static void a_status_is_one_of_those_there_are_or_several(void **state) {
  (void)state;
  const uint32_t open = 1u << FSM_RUNNING | 1u << FSM_PAUSED | 1u << FSM_INCIDENT;
  static const char all[] =
      "is no status: running, paused, incident, completed, cancelled, open, done, failed, forced";
  refused("status", "runing", fsm_arena_printf(&arena, "\"runing\" %s; did you mean \"running\"?", all));
  refused("status", "open,", fsm_arena_printf(&arena, "\"\" %s", all));
  refused("status", "a b", fsm_arena_printf(&arena, "\"a b\" %s", all));
  taken("status", "open");
  taken("status", "done,cancelled");
  taken("status", "failed");
  taken("status", "forced,paused");
  refused("status", "open", "status is there more than 4 times");
  assert_int_equal(filter->statuses[0], open);
  assert_int_equal(filter->statuses[1], 1u << FSM_COMPLETED | 1u << FSM_CANCELLED);
  assert_int_equal(filter->statuses[2], FSM__ARE_FAILED);
  assert_int_equal(filter->statuses[3], FSM__ARE_FORCED | 1u << FSM_PAUSED);
}

static void a_label_is_a_name_and_a_value(void **state) {
  (void)state;
  refused("label", "dept", "\"dept\" is no label: NAME=VALUE");
  refused("label", "=x", "\"=x\" is no label: NAME=VALUE");
  const char *longest = many('x', FSM_LABEL_BYTES_MAX), *longer = many('x', FSM_LABEL_BYTES_MAX + 1);
  static const char bytes[] = "name and value of a label have at most 64 bytes each";
  refused("label", fsm_arena_printf(&arena, "%s=1", longer), bytes);
  refused("label", fsm_arena_printf(&arena, "a=%s", longer), bytes);
  taken("label", fsm_arena_printf(&arena, "%s=%s", longest, longest));
  taken("label", "empty=");
  taken("label", "formula=a=b");
  assert_string_equal(filter->labels[2].name, "formula");
  assert_string_equal(filter->labels[2].value, "a=b");
  refused("label", "formula=c", "label \"formula\" is there twice");
  for (int i = 3; i < FSM_LABELS_MAX; i++) taken("label", fsm_arena_printf(&arena, "l%d=x", i));
  refused("label", "l17=x", "an instance has at most 16 labels");
}

static void a_trace_is_32_hex_digits(void **state) {
  (void)state;
  static const char *const bad[] = {"0af7651916cd43dd8448eb211c80319", "0af7651916cd43dd8448eb211c80319cc",
                                    "0af7651916cd43dd8448eb211c80319g", "00000000000000000000000000000000"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    refused("trace", bad[i],
            fsm_arena_printf(&arena, "\"%s\" is no trace id: 32 hex digits, not all 0", bad[i]));
  taken("trace", "0AF7651916cd43dd8448eb211c80319c");
  assert_memory_equal(filter->trace, "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16);
}

static void for_is_a_duration_or_a_range_of_them(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t least, less;
  } good[] = {{"10m", 600 * SECOND, INT64_MAX},
              {"0s", 0, INT64_MAX},
              {"10m..", 600 * SECOND, INT64_MAX},
              {"10m..2h", 600 * SECOND, 7200 * SECOND},
              {"..1d", 0, 86400 * SECOND}};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    anew();
    taken("for", good[i].text);
    assert_true(filter->for_least_ns == good[i].least && filter->for_less_ns == good[i].less);
  }
  anew();
  static const char form[] = "is no duration; write 90s, 10m, 1h30m, 2d or 500ms, largest unit first";
  refused("for", "ten", fsm_arena_printf(&arena, "\"ten\" %s", form));
  refused("for", "-5m", fsm_arena_printf(&arena, "\"-5m\" %s", form));
  refused("for", "..", fsm_arena_printf(&arena, "\"\" %s", form));
  refused("for", "1h..x", fsm_arena_printf(&arena, "\"x\" %s", form));
  refused("for", "2h..10m", "\"2h..10m\" is empty: nothing is at least and less than that");
  refused("for", "1h..1h", "\"1h..1h\" is empty: nothing is at least and less than that");
}

static void a_time_is_a_point_a_day_or_so_long_ago(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t ns;
  } good[] = {{"2023-11-14T22:13:20Z", NOW},        {"2023-11-14T23:13:20.5+01:00", NOW + SECOND / 2},
              {"2023-11-14", NOW - 80000 * SECOND}, {"today", NOW - 80000 * SECOND},
              {"yesterday", NOW - 166400 * SECOND}, {"2h", NOW - 7200 * SECOND},
              {"3d", NOW - 259200 * SECOND},        {"0s", NOW}};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    anew();
    taken("updated_until", good[i].text);
    assert_true(fsm__instant_ns(&filter->updated_until, NOW, 7) == good[i].ns);
    assert_true(fsm__instant_ns(&filter->until, NOW, 7) == 7);
    int64_t ns = 0;
    assert_int_equal(fsm_time_parse("since", good[i].text, NOW, &ns, NULL), FSM_OK);
    assert_true(ns == good[i].ns);
  }
  anew();
  static const char *const bad[] = {"tomorrow",  "2023-13-01",          "2023-11-14 22:13:20",
                                    "-2h",       "2023-11-14T22:13:20", "9999-01-01T00:00:00Z",
                                    "1700000000"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    refused(
        "since", bad[i],
        fsm_arena_printf(&arena,
                         "\"%s\" is no time: 2026-03-01T12:00:00Z, 2026-03-01, today, yesterday, or so long "
                         "ago: 2h, 3d",
                         bad[i]));
}

static void what_is_sorted_by_is_known(void **state) {
  (void)state;
  refused("sort", "size",
          "\"size\" is nothing to sort by: created, updated, age, id, key, machine, state, sla; -created: "
          "downwards");
  refused("sort", "--id",
          "\"--id\" is nothing to sort by: created, updated, age, id, key, machine, state, sla; -created: "
          "downwards");
  taken("sort", "-updated");
  assert_true(filter->sort == FSM__BY_UPDATED && filter->downwards);
}

static void an_expression_is_compiled_when_it_is_set(void **state) {
  (void)state;
  assert_int_equal(set("where", "context.amount >"), FSM_EEXPRESSION);
  assert_string_equal(err.where, "where");
  assert_memory_equal(err.text, "1:17: ", 6);
  assert_int_equal(set("where", "contxt.amount > 1"), FSM_EEXPRESSION); /* the members are known */
  assert_int_equal(set("where", "rev"), FSM_EEXPRESSION);               /* it is no bool */
  assert_int_equal(set("where", "age > 'x'"), FSM_EEXPRESSION);
  assert_int_equal(filter->count, 0);
  assert_false(filter->has_where);
  taken("where",
        "context.amount > 1 && context.a.b == 2 && context.amount < 5 && In('x') && age > duration('1h')");
  assert_true(filter->has_where && !filter->where.all);
  assert_int_equal(filter->where.count, 2);
  assert_true(fsm_is_text(&filter->where.names[0], "a") && fsm_is_text(&filter->where.names[1], "amount"));
}

static void an_expression_that_names_no_members_of_context_may_read_any(void **state) {
  (void)state;
  taken("where", "size(context) > 3");
  assert_true(filter->where.all);
  anew();
  taken("where", "context[id] == 3");
  assert_true(filter->where.all);
  anew();
  fsm_buf buf = {0};
  for (int i = 0; i < 17; i++) fsm_buf_printf(&buf, "%scontext.f%d == 1", i > 0 ? " || " : "", i);
  taken("where", fsm_buf_text(&buf)); /* more than are noted */
  assert_true(filter->where.all);
  fsm_buf_free(&buf);
}

/* ---- patterns ----------------------------------------------------------------------------------- */

static void a_pattern_is_any_text_one_character_or_itself(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *text;
    bool matches;
  } cases[] = {{"a", "a", true},          {"a", "ab", false},         {"*", "", true},
               {"*", "anything", true},   {"a*", "a", true},          {"a*", "ba", false},
               {"*a", "bca", true},       {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false},
               {"?", "a", true},          {"?", "", false},           {"?", "\xc3\xa4", true},
               {"??", "\xc3\xa4", false}, {"*?", "\xc3\xa4", true},   {"a?c", "abc", true},
               {"\\*", "*", true},        {"\\*", "a", false},        {"a\\\\b", "a\\b", true},
               {"*\\?*", "a?b", true},    {"*\\?*", "ab", false},     {"**a**", "bab", true},
               {"*ab", "aab", true},      {"*aab", "aaab", true},     {"INV-*-?", "INV-2024-7", true}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (fsm__glob_matches(cases[i].pattern, cases[i].text, strlen(cases[i].text)) != cases[i].matches)
      fail_msg("%s on %s", cases[i].pattern, cases[i].text);
}

static void a_key_is_known_up_to_its_first_pattern(void **state) {
  (void)state;
  taken("key", "INV-\\*-7");
  assert_string_equal(filter->key_exact, "INV-*-7");
  anew();
  taken("key", "INV-*");
  assert_null(filter->key_exact);
  assert_string_equal(filter->key_begin, "INV-");
  anew();
  refused("key", "INV\\", "key ends with a \\ that nothing follows");
  refused("key", "*INV\\", "key ends with a \\ that nothing follows");
}

/* ---- texts and members -------------------------------------------------------------------------- */

static void a_filter_is_its_text_in_the_order_of_the_table(void **state) {
  (void)state;
  taken("where", "context.amount > 10");
  taken("label", "dept=claims");
  taken("label", "city=\"Bern\"");
  taken("machine", "loan");
  assert_string_equal(
      fsm_filter_text(filter, &arena),
      "machine=loan label=dept=claims label=\"city=\\\"Bern\\\"\" where=\"context.amount > 10\"");
  const char *name, *value;
  assert_true(fsm_filter_at(filter, 3, &name, &value) && !fsm_filter_at(filter, 4, &name, &value));
}

static fsm_code read_json(const char *json) {
  fsm_value members;
  assert_int_equal(fsm_json_parse(&arena, json, strlen(json), FSM_JSON_SORTED, &members, &err), FSM_OK);
  err = (fsm_error){.text = ""};
  anew();
  err = (fsm_error){.text = ""};
  return fsm_filter_read(filter, &members, &err);
}

static void members_of_a_body_are_the_same_fields(void **state) {
  (void)state;
  assert_int_equal(read_json("{\"machine\":\"loan\",\"version\":2,\"status\":[\"open\",\"failed\"],"
                             "\"label\":{\"dept\":\"claims\",\"x\":\"y\"},\"for\":\"10m\"}"),
                   FSM_OK);
  assert_string_equal(fsm_filter_text(filter, &arena),
                      "machine=loan version=2 status=open status=failed label=dept=claims label=x=y for=10m");
  static const struct {
    const char *json, *where, *text;
  } bad[] = {{"[]", "filter", "a filter is a map of its fields"},
             {"{\"machine\":7}", "machine", "machine is a text, not a value of the type int"},
             {"{\"machine\":[\"a\"]}", "machine", "machine is a text, not a value of the type list"},
             {"{\"label\":{\"a\":1}}", "label", "label is a map of texts"},
             {"{\"status\":{\"a\":\"b\"}}", "status", "status is a text, not a value of the type map"},
             {"{\"version\":0}", "version", "version is a number from 1 to 4294967295"},
             {"{\"stat\":\"x\"}", "stat", "there is no filter \"stat\"; did you mean \"state\"?"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(read_json(bad[i].json), FSM_EARGUMENT);
    assert_string_equal(err.where, bad[i].where);
    assert_string_equal(err.text, bad[i].text);
  }
}

static void a_member_with_a_nul_is_refused(void **state) {
  (void)state;
  fsm_pair pair = {fsm_string("user"), fsm_stringn("a\0b", 3)};
  const fsm_value members = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_int_equal(fsm_filter_read(filter, &members, &err), FSM_EARGUMENT);
  assert_string_equal(err.text, "user has a NUL in it");
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_name_that_there_is_not_is_refused_with_the_nearest),
      T(every_field_has_a_value_and_is_there_once),
      T(values_are_bounded),
      T(a_version_is_a_number),
      T(a_status_is_one_of_those_there_are_or_several),
      T(a_label_is_a_name_and_a_value),
      T(a_trace_is_32_hex_digits),
      T(for_is_a_duration_or_a_range_of_them),
      T(a_time_is_a_point_a_day_or_so_long_ago),
      T(what_is_sorted_by_is_known),
      T(an_expression_is_compiled_when_it_is_set),
      T(an_expression_that_names_no_members_of_context_may_read_any),
      T(a_pattern_is_any_text_one_character_or_itself),
      T(a_key_is_known_up_to_its_first_pattern),
      T(a_filter_is_its_text_in_the_order_of_the_table),
      T(members_of_a_body_are_the_same_fields),
      T(a_member_with_a_nul_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

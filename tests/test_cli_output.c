/* test_cli_output.c: csv that any reader of RFC 4180 reads, formats by name, members by path, metrics,
 * profiles. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the program's files are in no library */
#include "tools/cli/args.c"
#include "tools/cli/find/metrics.c"
#include "tools/cli/nearest.c"
#include "tools/cli/settings.c"
#include "tools/cli/show/output.c"
#include "tools/cli/show/screen.c"
#include "tools/cli/show/text.c"
#include "tools/cli/show/width.c"

const cli_option cli_global_options[] = {
    {"data", 0, "DIR", "", false},   {"url", 0, "URL", "", false},     {"output", 'o', "FORMAT", "", false},
    {"quiet", 'q', NULL, "", false}, {"timeout", 0, "DUR", "", false}, {"profile", 'p', "NAME", "", false},
    {NULL, 0, NULL, NULL, false}};

/* what these files need of those that are not here */
void cli_page(cli_run *cli) { (void)cli; }
fsm_code cli_flush(cli_run *cli, fsm_error *err) {
  (void)cli, (void)err;
  return FSM_OK;
}
fsm_code cli_print_json(cli_run *cli, const fsm_value *document, fsm_error *err) {
  (void)cli, (void)document, (void)err;
  return FSM_OK;
}
fsm_code cli_source_text(cli_source *source, const char *path, fsm_arena *arena, const char **out,
                         fsm_error *err) {
  (void)source, (void)path, (void)arena, (void)out;
  return fsm_fail(err, FSM_EIO, "", "nobody is there");
}

static fsm_arena arena;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return setlocale(LC_CTYPE, "C.UTF-8") == NULL;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

static fsm_value json(const char *text) {
  fsm_value value;
  assert_int_equal(fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &value, NULL), FSM_OK);
  return value;
}

static void a_cell_is_quoted_when_it_has_to_be(void **state) {
  (void)state;
  static const struct {
    const char *json, *csv;
  } cells[] = {{"\"plain\"", "plain"},
               {"\"a,b\"", "\"a,b\""},
               {"\"say \\\"no\\\"\"", "\"say \"\"no\"\"\""},
               {"\"two\\nlines\"", "two\\nlines"},
               {"\"\\u001b[31m\\u202e\"", "\\x1b[31m\\u{202e}"},
               {"\"漢字\"", "漢字"},
               {"\"\"", ""},
               {"null", ""},
               {"true", "true"},
               {"-12", "-12"},
               {"0.5", "0.5"},
               {"[\"a\",\"b\"]", "\"a, b\""},
               {"[]", ""},
               {"{\"a\":1}", "\"{\"\"a\"\":1}\""}};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
    const fsm_value value = json(cells[i].json);
    cli_run cli = {.raw = false};
    cli_csv_value(&cli, &value);
    assert_string_equal(fsm_buf_text(&cli.text), cells[i].csv);
    fsm_buf_free(&cli.text);
  }
  const fsm_value zero = fsm_stringn("a\0b", 3);
  cli_run cli = {.raw = false};
  cli_csv_value(&cli, &zero);
  assert_string_equal(fsm_buf_text(&cli.text), "a\\x00b");
  fsm_buf_free(&cli.text);
}

static void a_formula_is_none_and_a_number_is_one(void **state) {
  (void)state;
  static const struct {
    const char *json, *csv, *raw;
  } cells[] = {{"\"=1+1\"", "'=1+1", "=1+1"},
               {"[\"@sum\",\"b\"]", "\"'@sum, b\"", "\"@sum, b\""},
               {"\"two\\nlines\"", "two\\nlines", "\"two\nlines\""},
               {"-12", "-12", "-12"},
               {"\"-12.5e3\"", "-12.5e3", "-12.5e3"}};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
    const fsm_value value = json(cells[i].json);
    for (int raw = 0; raw < 2; raw++) {
      cli_run cli = {.raw = raw};
      cli_csv_value(&cli, &value);
      assert_string_equal(fsm_buf_text(&cli.text), raw ? cells[i].raw : cells[i].csv);
      fsm_buf_free(&cli.text);
    }
    cli_run terminal = {.raw = true, .screen.tty = true};
    cli_csv_value(&terminal, &value);
    assert_string_equal(fsm_buf_text(&terminal.text), cells[i].csv);
    fsm_buf_free(&terminal.text);
  }
}

static void a_member_is_found_by_its_path(void **state) {
  (void)state;
  const fsm_value document = json("{\"a\":{\"b\":{\"c\":7}},\"d\":[1]}");
  const fsm_value *inner = cli_member_at(&document, "a.b.c");
  assert_true(inner != NULL && inner->i == 7);
  assert_non_null(cli_member_at(&document, "d"));
  static const char *const missing[] = {"x", "a.x", "a.b.c.d", "d.0", "a.", ".a", ""};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
    assert_null(cli_member_at(&document, missing[i]));
}

static void formats_have_names_and_sets_of_them_a_sentence(void **state) {
  (void)state;
  assert_int_equal(cli_format_of("csv"), CLI_CSV);
  assert_int_equal(cli_format_of("CSV"), CLI_FORMAT_COUNT);
  assert_int_equal(cli_format_of(""), CLI_FORMAT_COUNT);
  assert_string_equal(cli_formats_text(&arena, CLI_FORMATS_PLAIN), "table, json or jsonl");
  assert_string_equal(cli_formats_text(&arena, CLI_HAS(CLI_TABLE)), "table");
  assert_string_equal(cli_formats_text(&arena, CLI_HAS(CLI_TABLE) | CLI_HAS(CLI_TREE)), "table or tree");
}

static const char *footer(cli_run *cli, int64_t count, const char *noun, const char *more) {
  const fsm_value document = json("{\"seq\":8812}");
  fsm_buf_reset(&cli->footer);
  cli->began_ns = fsm__monotonic_ns();
  cli_footer(cli, count, noun, &document, more);
  return fsm_buf_text(&cli->footer);
}

static void the_footer_counts_in_words_and_only_under_tables(void **state) {
  (void)state;
  cli_run cli = {.format = CLI_TABLE};
  assert_string_equal(footer(&cli, 12, "instances", NULL), "12 instances · 0 ms · as of seq 8812\n");
  assert_string_equal(footer(&cli, 1, "instances", NULL), "1 instance · 0 ms · as of seq 8812\n");
  assert_string_equal(footer(&cli, 1, "entries", NULL), "1 entry · 0 ms · as of seq 8812\n");
  assert_string_equal(footer(&cli, 0, NULL, NULL), "0 items · 0 ms · as of seq 8812\n");
  assert_string_equal(footer(&cli, 2, "records", "--all"),
                      "2 records · 0 ms · as of seq 8812 · there are more: --all\n");
  cli.quiet = true;
  assert_string_equal(footer(&cli, 2, "records", NULL), "");
  cli.quiet = false;
  for (cli.format = CLI_JSON; cli.format <= CLI_ID; cli.format++)
    assert_string_equal(footer(&cli, 2, "x", NULL), "");
  fsm_buf_free(&cli.footer);
}

/* ---- metrics ---------------------------------------------------------------------------------------- */

static void metrics_are_read_line_by_line(void **state) {
  (void)state;
  static const char text[] =
      "# HELP a what\na 1\nb{x=\"1\",y=\"p}q\"} 2.5\nb{x=\"2\"} 4e1\nc{x=\"a\\\"b\\\\c\\nd\"} +Inf\n"
      "{x=\"1\"} 5\nd{x=\"1\n\ne\nf x\ng 7";
  cli_metrics m;
  assert_int_equal(cli_metrics_parse(text, &arena, &m, NULL), FSM_OK);
  assert_int_equal(m.count, 5);
  assert_true(cli_metric_sum(&m, "a") == 1 && cli_metric_sum(&m, "b") == 42.5 &&
              cli_metric_sum(&m, "g") == 7);
  assert_true(cli_metric_sum(&m, "nothing") == 0);
  assert_true(cli_metric_of(&m, "b", "x", "2") == 40 && cli_metric_of(&m, "b", "y", "p}q") == 2.5);
  assert_true(cli_metric_of(&m, "b", "z", "2") == 0);
  assert_string_equal(cli_metric_label(&m.items[3], "x", &arena), "a\"b\\c\nd");
  assert_null(cli_metric_label(&m.items[0], "x", &arena));
}

/* ---- profiles --------------------------------------------------------------------------------------- */

static void refused(const char *text, const char *place, const char *words) {
  cli_profile profile = {0};
  fsm_error err = {0};
  assert_int_equal(cli_profile_parse(&profile, "/p/x", text, strlen(text), &arena, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, place);
  if (strstr(err.text, words) == NULL) fail_msg("\"%s\" is not in \"%s\"", words, err.text);
}

static void a_profile_is_lines_of_name_and_value(void **state) {
  (void)state;
  cli_profile profile = {0};
  static const char text[] = "# why\n\n url=http://x:1/a=b \r\nquiet\t=\ton\n#\ntimeout = 5s";
  assert_int_equal(cli_profile_parse(&profile, "/p/x", text, strlen(text), &arena, NULL), FSM_OK);
  assert_int_equal(profile.count, 3);
  assert_string_equal(cli_profile_get(&profile, "url"), "http://x:1/a=b");
  assert_string_equal(cli_profile_get(&profile, "timeout"), "5s");
  assert_int_equal(profile.settings[2].line, 6);
  assert_null(cli_profile_get(&profile, "data"));
}

static void a_slip_has_its_line(void **state) {
  (void)state;
  refused("url = x\n\nutl = y\n", "/p/x:3", "did you mean url?");
  refused("profile = x", "/p/x:1", "no such setting");
  refused("url", "/p/x:1", "name = value");
  refused("= x", "/p/x:1", "no such setting");
  refused("url =", "/p/x:1", "empty");
  refused("url = a\nurl = a", "/p/x:2", "given twice");
  refused("data = x", "/p/x:1", "begins with /");
  refused("url = \xff", "/p/x:1", "UTF-8");
  refused("quiet = true", "/p/x:1", "on or off");
  cli_profile profile = {0};
  assert_int_equal(cli_profile_parse(&profile, "/p/x", "a\0b", 3, &arena, NULL), FSM_EARGUMENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_cell_is_quoted_when_it_has_to_be),
      T(a_formula_is_none_and_a_number_is_one),
      T(a_member_is_found_by_its_path),
      T(formats_have_names_and_sets_of_them_a_sentence),
      T(the_footer_counts_in_words_and_only_under_tables),
      T(metrics_are_read_line_by_line),
      T(a_profile_is_lines_of_name_and_value),
      T(a_slip_has_its_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_safe_text.c: cells that no spreadsheet takes for a formula, and that come back; JSON that no terminal
 * acts on, and that stays the same document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/json.h"
#include "schema/safe_text.h"

static void cell_is(const char *text, size_t len, bool raw, const char *wanted) {
  fsm_buf out = {0};
  fsm__csv_cell(&out, text, len, raw);
  assert_string_equal(fsm_buf_text(&out), wanted);
  fsm_buf_free(&out);
}

static void what_begins_a_formula_has_a_quote_before_it(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"=1+1", "'=1+1"},
      {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
      {"+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"},
      {"-2+3", "'-2+3"},
      {"@SUM(A1)", "'@SUM(A1)"},
      {"'quoted", "''quoted"},
      {"\xef\xbc\x9d"
       "1",
       "'\xef\xbc\x9d"
       "1"},
      {"\xef\xbc\xa0x", "'\xef\xbc\xa0x"},
      {"-", "'-"},
      {"-.5", "'-.5"},
      {"-1e", "'-1e"},
      {"+49 170 1", "'+49 170 1"},
      {"\t=1", "\\t=1"},
      {"\r=1", "\\r=1"},
      {" =1", "\" =1\""},
      {"a=1", "a=1"},
      {"", ""}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cell_is(rows[i][0], strlen(rows[i][0]), false, rows[i][1]);
}

static void a_number_is_no_formula(void **state) {
  (void)state;
  static const char *const rows[] = {"0", "-1", "-12.50", "18446744073709551615", "-1e9", "1.5E-3"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) cell_is(rows[i], strlen(rows[i]), false, rows[i]);
}

static void what_a_terminal_acts_on_is_escaped_and_raw_is_not(void **state) {
  (void)state;
  cell_is("a\x1b[31m", 6, false, "a\\x1b[31m");
  cell_is("\xe2\x80\xaeok", 5, false, "\\u{202e}ok");
  cell_is("\xc2\x9b", 2, false, "\\u{9b}");
  cell_is("a\nb", 3, false, "a\\nb");
  cell_is("\xff", 1, false, "\\xff");
  cell_is("a\0b", 3, false, "a\\x00b");
  cell_is("a\nb", 3, true, "\"a\nb\"");
  cell_is("=1", 2, true, "=1");
  cell_is("\xe2\x80\xaeok", 5, true, "\xe2\x80\xaeok");
  cell_is("\xe6\xbc\xa2 \xd7\xa9", 6, false, "\xe6\xbc\xa2 \xd7\xa9");
}

/* As a reader of csv does, who knows of the quote. */
static void read_cell(const char *cell, fsm_buf *out) {
  fsm_buf text = {0};
  const size_t len = strlen(cell);
  const bool quoted = len > 1 && cell[0] == '"';
  for (size_t i = quoted; i < len - quoted; i++) {
    fsm_buf_char(&text, cell[i]);
    if (quoted && cell[i] == '"') assert_int_equal(cell[++i], '"');
  }
  const char *all = fsm_buf_text(&text);
  assert_true(*all == 0 || strchr("=+@", *all) == NULL);
  fsm_buf_str(out, all[0] == '\'' ? all + 1 : all);
  fsm_buf_free(&text);
}

static void each_text_comes_back(void **state) {
  (void)state;
  static const char letters[] = "=+-@'\" ,.0129aEe\\;|!";
  srand(7);
  for (int run = 0; run < 20000; run++) {
    char text[9] = "";
    fsm_buf cell = {0}, back = {0};
    for (int i = rand() % 8; i > 0; i--) text[i - 1] = letters[rand() % (int)(sizeof letters - 1)];
    fsm__csv_cell(&cell, text, strlen(text), false);
    read_cell(fsm_buf_text(&cell), &back);
    assert_string_equal(fsm_buf_text(&back), text);
    fsm_buf_free(&cell);
    fsm_buf_free(&back);
  }
}

static void json_stays_the_same_document(void **state) {
  (void)state;
  static const char text[] =
      "head {\"a\":\"\xe2\x80\xae x\xc2\x85\",\n\"b\":\"\xf3\xa0\x80\xa1\xe6\xbc\xa2\"}";
  fsm_buf out = {0};
  fsm_buf_str(&out, text);
  fsm__json_make_safe(&out, 5);
  assert_string_equal(fsm_buf_text(&out),
                      "head {\"a\":\"\\u202e x\\u0085\",\n\"b\":\"\\udb40\\udc21\xe6\xbc\xa2\"}");
  fsm_arena arena;
  fsm_value before, after;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm_json_parse(&arena, text + 5, strlen(text + 5), FSM_JSON_SORTED, &before, NULL),
                   FSM_OK);
  assert_int_equal(fsm_json_parse(&arena, out.data + 5, out.len - 5, FSM_JSON_SORTED, &after, NULL), FSM_OK);
  assert_true(fsm_value_same(&before, &after));
  fsm_arena_free(&arena);
  fsm_buf_free(&out);
  fsm_buf_str(&out, "\xe2\x80\xae");
  fsm__json_make_safe(&out, out.len); /* nothing of it */
  assert_int_equal(out.len, 3);
  fsm_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_begins_a_formula_has_a_quote_before_it),
      cmocka_unit_test(a_number_is_no_formula),
      cmocka_unit_test(what_a_terminal_acts_on_is_escaped_and_raw_is_not),
      cmocka_unit_test(each_text_comes_back),
      cmocka_unit_test(json_stays_the_same_document),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

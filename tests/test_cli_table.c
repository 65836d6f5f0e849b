/* test_cli_table.c: safe text, its width, and tables that fit. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the program's files are in no library */
#include "tools/cli/show/screen.c"
#include "tools/cli/show/table.c"
#include "tools/cli/show/width.c"

static const char *escaped(fsm_buf *buf, const char *text, size_t len) {
  fsm_buf_reset(buf);
  cli_escape(buf, text, len);
  return fsm_buf_text(buf);
}

#define ESCAPED(text) escaped(&buf, text, sizeof(text) - 1)

static void what_a_terminal_acts_on_is_made_visible(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_string_equal(ESCAPED("plain äöü ключ 漢字"), "plain äöü ключ 漢字");
  assert_string_equal(ESCAPED("a\x1b[31mb"), "a\\x1b[31mb");
  assert_string_equal(ESCAPED("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  assert_string_equal(ESCAPED("a\nb\tc\rd\x7f\b"), "a\\nb\\tc\\rd\\x7f\\x08");
  assert_string_equal(ESCAPED("a\0b"), "a\\x00b");
  /* C1 controls: U+009B is CSI in one character */
  assert_string_equal(ESCAPED("\xc2\x9b"
                              "31m"),
                      "\\u{9b}31m");
  assert_string_equal(ESCAPED("\xe2\x80\xae"
                              "evil\xe2\x81\xa6"),
                      "\\u{202e}evil\\u{2066}");
  assert_string_equal(ESCAPED("\xff\xc3"), "\\xff\\xc3");
  assert_string_equal(ESCAPED("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  fsm_buf_free(&buf);
}

static void escaping_twice_changes_nothing_more(void **state) {
  (void)state;
  fsm_buf once = {0}, twice = {0};
  for (unsigned a = 0; a < 256; a++) {
    for (unsigned b = 0; b < 256; b += 5) {
      char text[2] = {(char)a, (char)b};
      fsm_buf_reset(&once);
      fsm_buf_reset(&twice);
      cli_escape(&once, text, 2);
      for (size_t i = 0; i < once.len; i++)
        assert_true((unsigned char)once.data[i] >= 0x20 && once.data[i] != 0x7f);
      cli_escape(&twice, fsm_buf_text(&once), once.len);
      assert_string_equal(fsm_buf_text(&once), fsm_buf_text(&twice));
    }
  }
  fsm_buf_free(&once);
  fsm_buf_free(&twice);
}

static void json_keeps_its_meaning_and_loses_its_teeth(void **state) {
  (void)state;
  fsm_buf buf = {0};
  static const char json[] = "{\n  \"a\": \"\xc2\x9b \xe2\x80\xae ok é \xf3\xa0\x80\x81\"\n}";
  cli_escape_json(&buf, json, sizeof json - 1);
  assert_string_equal(fsm_buf_text(&buf), "{\n  \"a\": \"\\u009b \\u202e ok é \\udb40\\udc01\"\n}");
  fsm_buf_free(&buf);
}

static const char *clipped(fsm_buf *buf, const char *text, unsigned width) {
  fsm_buf_reset(buf);
  cli_clip(buf, text, width);
  return fsm_buf_text(buf);
}

static const char *clipped_front(fsm_buf *buf, const char *text, unsigned width) {
  fsm_buf_reset(buf);
  cli_clip_front(buf, text, width);
  return fsm_buf_text(buf);
}

static void text_is_cut_by_columns_not_bytes(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_int_equal(cli_width("ключ"), 4);
  assert_int_equal(cli_width("漢字"), 4);
  assert_int_equal(cli_width("e\xcc\x81"), 1);
  assert_string_equal(clipped(&buf, "approved", 8), "approved");
  assert_string_equal(clipped(&buf, "approved", 7), "approv…");
  assert_string_equal(clipped(&buf, "ключ", 3), "кл…");
  assert_string_equal(clipped(&buf, "漢字漢", 4), "漢…");
  assert_string_equal(clipped(&buf, "ab", 1), "…");
  assert_string_equal(clipped(&buf, "ab", 0), "");
  assert_string_equal(clipped_front(&buf, "draft → approved", 16), "draft → approved");
  assert_string_equal(clipped_front(&buf, "draft → approved", 9), "…approved");
  assert_string_equal(clipped_front(&buf, "漢字漢", 4), "…漢");
  assert_string_equal(clipped_front(&buf, "ab", 0), "");
  fsm_buf_free(&buf);
}

static const char *clipped_middle(fsm_buf *buf, const char *text, unsigned width) {
  fsm_buf_reset(buf);
  cli_clip_middle(buf, text, width);
  return fsm_buf_text(buf);
}

static void a_cut_in_the_middle_keeps_both_ends(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_string_equal(clipped_middle(&buf, "document-0001", 13), "document-0001");
  assert_string_equal(clipped_middle(&buf, "document-0001", 12), "docum…t-0001");
  assert_string_equal(clipped_middle(&buf, "document-0001", 9), "docu…0001");
  assert_string_equal(clipped_middle(&buf, "abc", 2), "…c");
  assert_string_equal(clipped_middle(&buf, "abc", 1), "…");
  assert_string_equal(clipped_middle(&buf, "abc", 0), "");
  assert_string_equal(clipped_middle(&buf, "漢字漢字", 6), "漢…字");
  fsm_buf_free(&buf);
}

static const char *wrapped(fsm_buf *buf, const char *text, unsigned width, unsigned indent) {
  fsm_buf_reset(buf);
  cli_wrap(buf, text, width, indent);
  return fsm_buf_text(buf);
}

static void long_text_goes_on_in_the_next_line(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_string_equal(wrapped(&buf, "one two three", 0, 2), "one two three");
  assert_string_equal(wrapped(&buf, "one two three", 13, 2), "one two three");
  assert_string_equal(wrapped(&buf, "one two three", 12, 2), "one two\n  three");
  assert_string_equal(wrapped(&buf, "one two three", 7, 2), "one two\n  three");
  assert_string_equal(wrapped(&buf, "one two three", 6, 2), "one\n  two\n  thre\n  e");
  assert_string_equal(wrapped(&buf, "abcdefgh", 3, 1), "abc\n de\n fg\n h");
  assert_string_equal(wrapped(&buf, "漢字", 1, 0), "漢\n字");
  assert_string_equal(wrapped(&buf, "", 5, 2), "");
  fsm_buf_free(&buf);
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const cli_column columns[] = {{.title = "ID", .min = 6, .shrink = 1},
                                     {.title = "NOTE", .min = 4, .shrink = 2, .may_go = true},
                                     {.title = "WHY", .min = 3, .shrink = 2, .if_any = true},
                                     {.title = "N", .right = true}};

static void fill(cli_table *table, fsm_arena *arena) {
  cli_table_begin(table, arena, columns, 4);
  cli_table_row(table, (const char *const[]){"abcdefgh", "a long note", NULL, "7"});
  cli_table_row(table, (const char *const[]){"b", "", "", "1234"});
}

static const char *printed(unsigned width, fsm_buf *out, fsm_arena *arena) {
  cli_table table;
  cli_screen screen = {.tty = width > 0, .columns = width};
  fsm_error err;
  fsm_buf_reset(out);
  fill(&table, arena);
  assert_int_equal(cli_table_print(&table, &screen, out, &err), FSM_OK);
  return fsm_buf_text(out);
}

static void without_a_terminal_nothing_is_cut(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  fsm_arena_init(&arena, 0);
  assert_string_equal(printed(0, &out, &arena),
                      "ID        NOTE            N\n"
                      "abcdefgh  a long note     7\n"
                      "b                      1234\n");
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static void on_a_terminal_columns_give_way_in_their_order(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  fsm_arena_init(&arena, 0);
  /* 27 columns as it is; NOTE is cut first, then ID, then NOTE goes and ID is whole again */
  assert_string_equal(
      printed(27, &out, &arena),
      "ID        NOTE            N\nabcdefgh  a long note     7\nb                      1234\n");
  assert_string_equal(printed(22, &out, &arena),
                      "ID        NOTE       N\nabcdefgh  a lon…     7\nb                 1234\n");
  assert_string_equal(printed(18, &out, &arena),
                      "ID      NOTE     N\nabcde…  a l…     7\nb             1234\n");
  assert_string_equal(printed(17, &out, &arena), "ID           N\nabcdefgh     7\nb         1234\n");
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static const cli_column list_columns[] = {
    {.title = "ID", .min = 6, .keep_both = true, .cut_last = true},
    {.title = "KEY", .min = 4, .shrink = 2, .may_go = true, .keep_both = true},
    {.title = "MACHINE", .goes_first = true}};

static void ids_stay_whole_as_long_as_anything_else_can_give_way(void **state) {
  (void)state;
  static const struct {
    unsigned width;
    const char *row;
  } cases[] = {{29, "case-0001  key-001  machine-x"},
               {28, "case-0001  key-001"}, /* a column that goes first is not cut before */
               {17, "case-0001  ke…001"},
               {15, "case-0001  k…01"},
               {14, "case-0001"},
               {9, "case-0001"},
               {8, "cas…0001"},
               {6, "ca…001"}};
  fsm_arena arena;
  fsm_buf out = {0};
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cli_table table;
    fsm_error err;
    cli_screen screen = {.tty = true, .columns = cases[i].width};
    fsm_buf_reset(&out);
    cli_table_begin(&table, &arena, list_columns, 3);
    cli_table_row(&table, (const char *const[]){"case-0001", "key-001", "machine-x"});
    assert_int_equal(cli_table_wide(&table), 29);
    assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
    char row[64];
    const char *line = strchr(fsm_buf_text(&out), '\n') + 1;
    size_t len = strcspn(line, "\n");
    assert_true(len < sizeof row);
    memcpy(row, line, len);
    row[len] = 0;
    assert_string_equal(row, cases[i].row);
  }
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static void notes_stand_below_their_rows(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  cli_table table;
  cli_screen screen = {0};
  fsm_error err;
  fsm_arena_init(&arena, 0);
  cli_table_begin(&table, &arena, columns, 1);
  for (unsigned i = 0; i < 40; i++) {
    cli_table_row(&table, (const char *const[]){"row"});
    if (i == 0) cli_table_note(&table, "  below\n");
  }
  cli_table_row(&table, (const char *const[]){"last"});
  cli_table_note(&table, "  the end\n");
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
  assert_int_equal(strncmp(fsm_buf_text(&out), "ID\nrow\n  below\nrow\nrow\n", 23), 0);
  assert_string_equal(strstr(fsm_buf_text(&out), "last"), "last\n  the end\n");
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static void no_line_is_wider_than_the_terminal(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  fsm_arena_init(&arena, 0);
  for (unsigned width = 12; width < 40; width++) {
    const char *text = printed(width, &out, &arena);
    for (const char *line = text; *line != 0;) {
      char copy[200];
      size_t len = strcspn(line, "\n");
      assert_true(len < sizeof copy);
      memcpy(copy, line, len);
      copy[len] = 0;
      assert_true(cli_width(copy) <= width);
      assert_true(len == 0 || copy[len - 1] != ' ');
      line += len + 1;
    }
    fsm_arena_reset(&arena);
  }
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static void pages_keep_their_columns_and_one_header(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  cli_table table;
  cli_screen screen = {0};
  fsm_error err;
  fsm_arena_init(&arena, 0);
  fill(&table, &arena);
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
  fsm_buf_reset(&out);
  cli_table_clear(&table);
  fsm_arena_reset(&arena);
  cli_table_row(&table, (const char *const[]){"c", "x", NULL, "1"});
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
  assert_string_equal(fsm_buf_text(&out), "c         x               1\n");
  /* a column that was empty so far brings its header */
  fsm_buf_reset(&out);
  cli_table_clear(&table);
  cli_table_row(&table, (const char *const[]){"c", "x", "so", "1"});
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
  assert_string_equal(fsm_buf_text(&out), "ID  NOTE  WHY  N\nc   x     so   1\n");
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static void colour_is_only_in_the_header_and_only_when_asked(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  cli_table table;
  cli_screen screen = {.tty = true, .colour = true, .columns = 80};
  fsm_error err;
  fsm_arena_init(&arena, 0);
  cli_table_begin(&table, &arena, columns, 1);
  cli_table_row(&table, (const char *const[]){"\x1b[31m"});
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
  assert_string_equal(fsm_buf_text(&out), "\x1b[1mID\n\x1b[0m\\x1b[31m\n");
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

static void too_many_rows_are_a_fault_not_a_short_table(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_buf out = {0};
  cli_table table;
  cli_screen screen = {0};
  fsm_error err;
  fsm_arena_init(&arena, 0);
  cli_table_begin(&table, &arena, columns, 1);
  for (size_t i = 0; i < CLI_ROWS_MAX; i++) cli_table_row(&table, (const char *const[]){"x"});
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_OK);
  cli_table_row(&table, (const char *const[]){"x"});
  assert_int_equal(cli_table_print(&table, &screen, &out, &err), FSM_ENOMEM);
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

int main(void) {
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_terminal_acts_on_is_made_visible),
      cmocka_unit_test(escaping_twice_changes_nothing_more),
      cmocka_unit_test(json_keeps_its_meaning_and_loses_its_teeth),
      cmocka_unit_test(text_is_cut_by_columns_not_bytes),
      cmocka_unit_test(a_cut_in_the_middle_keeps_both_ends),
      cmocka_unit_test(long_text_goes_on_in_the_next_line),
      cmocka_unit_test(ids_stay_whole_as_long_as_anything_else_can_give_way),
      cmocka_unit_test(notes_stand_below_their_rows),
      cmocka_unit_test(without_a_terminal_nothing_is_cut),
      cmocka_unit_test(on_a_terminal_columns_give_way_in_their_order),
      cmocka_unit_test(no_line_is_wider_than_the_terminal),
      cmocka_unit_test(pages_keep_their_columns_and_one_header),
      cmocka_unit_test(colour_is_only_in_the_header_and_only_when_asked),
      cmocka_unit_test(too_many_rows_are_a_fault_not_a_short_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

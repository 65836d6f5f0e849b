/* test_cli_width.c: what is drawn in one place is counted once and never cut apart. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the program's files are in no library */
#include "tools/cli/show/screen.c"
#include "tools/cli/show/width.c"

/* clang-format off */
static const struct {
  const char *text;
  unsigned width, clusters;
} texts[] = {
    {"", 0, 0},
    {"plain", 5, 5},
    {"äöü", 3, 3},
    {"ключ", 4, 4},
    {"漢字", 4, 2},                       /* wide */
    {"ﾊﾝｶｸ", 4, 4},                       /* half-width katakana */
    {"Ａ１", 4, 2},                       /* full-width Latin */
    {"한국어", 6, 3},                     /* syllables */
    {"\u1112\u1161\u11ab", 2, 1},         /* the same by letters: han */
    {"e\u0301", 1, 1},                    /* e and an acute */
    {"a\u0300\u0316\u0360b", 2, 2},       /* several marks */
    {"\u0301x", 1, 2},                    /* a mark with nothing before it */
    {"ก็", 1, 1},                          /* Thai, a mark above */
    {"हिन्दी", 5, 5},                     /* Devanagari: signs beside the letter have a column */
    {"שָׁלוֹם", 4, 4},                       /* Hebrew with points */
    {"😀", 2, 1},
    {"😀😀", 4, 2},
    {"👍🏽", 2, 1},                         /* a tone of skin */
    {"👩‍👩‍👧‍👦", 2, 1},                       /* a family: four, joined */
    {"👩🏽‍🚀", 2, 1},                        /* a tone and a joined picture */
    {"🏳️‍🌈", 2, 1},                        /* a flag that is joined */
    {"❤️", 2, 1},                          /* asked for as a picture */
    {"❤", 1, 1},
    {"❤︎", 1, 1},                          /* asked for as text */
    {"❤️‍🔥", 2, 1},
    {"⌚︎", 1, 1},                          /* wide by itself, as text not */
    {"⚠️ x", 4, 3},
    {"🇩🇪", 2, 1},                         /* two letters are a flag */
    {"🇩🇪🇫🇷", 4, 2},
    {"🇩", 1, 1},                          /* one is not */
    {"1️⃣", 2, 1},                          /* a keycap */
    {"#️⃣2", 3, 2},
    {"1\ufe0f", 1, 1},                    /* a digit is no picture */
    {"a\u200db", 2, 2},                   /* letters are not joined into one place */
    {"😀\u200d", 2, 1},                   /* joined to nothing */
    {"😀\u200da", 3, 2},                  /* nor to a letter */
    {"\xff\xc3", 2, 2},                   /* bytes that are no character */
    {"\xe6\xbc", 2, 2},                   /* half of one */
};
/* clang-format on */

static void a_cluster_has_the_columns_that_it_is_drawn_in(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *text = texts[i].text;
    unsigned clusters = 0, sum = 0;
    for (size_t at = 0, len = strlen(text); at < len; clusters++) {
      unsigned width = 0;
      at += cli_cluster(text + at, len - at, &width);
      sum += width;
    }
    if (clusters != texts[i].clusters || sum != texts[i].width)
      fail_msg("\"%s\": %u columns in %u clusters", text, sum, clusters);
    assert_int_equal(cli_width(text), texts[i].width);
  }
}

/* Cut to any width from either end, what is left is whole clusters and no wider. */
static void no_cut_goes_through_a_cluster(void **state) {
  (void)state;
  static const char text[] = "漢e\u0301👩‍👩‍👧‍👦🇩🇪1️⃣❤️‍🔥x";
  size_t bounds[16], count = 0, len = sizeof text - 1;
  for (size_t at = 0; at <= len; count++) {
    unsigned width = 0;
    bounds[count] = at;
    at += at < len ? cli_cluster(text + at, len - at, &width) : 1;
  }
  for (unsigned width = 0; width <= cli_width(text); width++) {
    void (*const cuts[])(fsm_buf *, const char *, unsigned) = {cli_clip, cli_clip_front, cli_clip_middle};
    for (size_t c = 0; c < 3; c++) {
      fsm_buf out = {0};
      cuts[c](&out, text, width);
      assert_true(cli_width(fsm_buf_text(&out)) <= width);
      const char *gap = strstr(fsm_buf_text(&out), "…");
      const size_t head = gap == NULL ? out.len : (size_t)(gap - out.data);
      const size_t tail = gap == NULL ? len : len - (out.len - head - strlen("…"));
      bool head_whole = false, tail_whole = false;
      for (size_t b = 0; b < count; b++) head_whole |= bounds[b] == head, tail_whole |= bounds[b] == tail;
      assert_true(head_whole && tail_whole);
      fsm_buf_free(&out);
    }
  }
}

int main(void) {
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cluster_has_the_columns_that_it_is_drawn_in),
      cmocka_unit_test(no_cut_goes_through_a_cluster),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* drive_match.c: matches lines of "x<pattern> x<text>", both in hexadecimal, for tests that know the answers
 * from elsewhere. Answers a line each: 1, 0, or "! " and why the pattern is refused. */
#include <stdio.h>
#include <string.h>

#include "fsm/match.h"

enum { LINE_MAX_BYTES = 1 << 18 };

/* The bytes of the word at *at, which moves behind it. */
static size_t take_word(const char **at, char *out) {
  size_t len = 0;
  unsigned byte;
  while (**at == ' ') (*at)++;
  if (**at == 'x') (*at)++;
  for (int used; sscanf(*at, "%2x%n", &byte, &used) == 1 && used == 2 && **at != ' '; *at += 2)
    out[len++] = (char)byte;
  return len;
}

static void answer(const char *pattern, size_t pattern_len, const char *text, size_t len) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  const fsm__match *match = NULL;
  uint64_t steps = UINT64_MAX;
  bool found = false;
  if (fsm__match_compile(&arena, pattern, pattern_len, &match, &err) ||
      fsm__match_run(match, text, len, &arena, &steps, &found))
    printf("! %s\n", err.text);
  else
    printf("%d\n", found);
  fsm_arena_free(&arena);
}

int main(void) {
  static char line[LINE_MAX_BYTES], pattern[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
  while (fgets(line, sizeof line, stdin)) {
    const char *at = line;
    size_t pattern_len = take_word(&at, pattern), len;
    len = take_word(&at, text);
    answer(pattern, pattern_len, text, len);
  }
  return 0;
}

/* nearest.c: edit distance with swapped neighbours (optimal string alignment) over short words. */
#include "tools/cli/nearest.h"

#include <string.h>

enum { WORD_MAX = 40 };

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len) {
  unsigned rows[3][WORD_MAX + 1];
  unsigned *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b_len; j++) last[j] = (unsigned)j;
  for (size_t i = 1; i <= a_len; i++) {
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_len; j++) {
      unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
      best = least(best, least(last[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = least(best, before[j - 2] + 1);
      row[j] = best;
    }
    unsigned *spare = before;
    before = last, last = row, row = spare;
  }
  return last[b_len];
}

const char *cli_nearest(const char *word, const char *const *names, size_t count) {
  size_t len = strlen(word);
  if (len == 0 || len > WORD_MAX) return NULL;
  const char *best = NULL;
  unsigned best_distance = len < 3 ? 1 : len < 7 ? 2 : 3; /* no worse than this */
  for (size_t i = 0; i < count; i++) {
    size_t name_len = strlen(names[i]);
    if (name_len > WORD_MAX) continue;
    unsigned d = len >= 2 && strncmp(names[i], word, len) == 0 ? 0 : distance(word, len, names[i], name_len);
    /* a word that shares nothing with the name is no slip of the finger */
    if (d >= name_len || d > best_distance || (d == best_distance && best != NULL)) continue;
    best = names[i];
    best_distance = d;
  }
  return best;
}

/* closest.c: see closest.h. */
#include "schema/closest.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_COMPARED = 48 };

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Levenshtein: the fewest letters to add, drop or change. */
static unsigned distance_of(const char *a, size_t a_len, const char *b, size_t b_len) {
  unsigned row[NAME_MAX_COMPARED + 1];
  for (unsigned j = 0; j <= b_len; j++) row[j] = j;
  for (unsigned i = 1; i <= a_len; i++) {
    unsigned diagonal = row[0];
    row[0] = i;
    for (unsigned j = 1; j <= b_len; j++) {
      unsigned change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = least(change, least(row[j], row[j - 1]) + 1);
    }
  }
  return row[b_len];
}

void fsm__closest_try(fsm__closest *closest, const char *candidate) {
  size_t a = strlen(closest->name), b = strlen(candidate);
  if (a > NAME_MAX_COMPARED || b > NAME_MAX_COMPARED) return;
  unsigned distance = distance_of(closest->name, a, candidate, b);
  unsigned most = a > 4 ? 2 : 1;
  if (distance > most || distance >= b || (closest->best && distance >= closest->distance)) return;
  closest->best = candidate;
  closest->distance = distance;
}

const char *fsm__closest_text(const fsm__closest *closest, char *text, size_t size) {
  text[0] = 0;
  if (closest->best) snprintf(text, size, "; did you mean \"%s\"?", closest->best);
  return text;
}

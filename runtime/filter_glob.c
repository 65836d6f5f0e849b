/* filter_glob.c: does a pattern fit a text? * is any characters, ? is one, \ takes the next one as it is. */
#include "runtime/filter_impl.h"

/* Bytes of one character of valid UTF-8. */
static size_t step(const char *text, size_t len) {
  size_t n = 1;
  while (n < len && ((unsigned char)text[n] & 0xC0) == 0x80) n++;
  return n;
}

/* The last * takes as little as it can, and more whenever what follows does not fit. */
bool fsm__glob_matches(const char *pattern, const char *text, size_t len) {
  const char *star = NULL;
  size_t at = 0, tried = 0;
  while (at < len || *pattern != 0) {
    if (*pattern == '*') {
      star = ++pattern;
      tried = at;
      continue;
    }
    size_t used = 0;
    if (at < len && *pattern == '?') {
      used = step(text + at, len - at);
      pattern++;
    } else if (at < len && *pattern != 0) {
      const char *literal = pattern + (*pattern == '\\');
      used = *literal == text[at];
      if (used) pattern = literal + 1;
    }
    at += used;
    if (used > 0) continue;
    if (star == NULL || tried >= len) return false;
    tried += step(text + tried, len - tried);
    at = tried;
    pattern = star;
  }
  return true;
}

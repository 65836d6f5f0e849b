/* utf8.c: validating and counting UTF-8. ASCII goes eight bytes at a time, for every text that is
 * stored passes through here.
 */
#include "schema/utf8.h"

#include <stdint.h>
#include <string.h>

#include "fsm/code.h"

static bool follows(unsigned char byte) { return (byte & 0xC0) == 0x80; }

size_t fsm__utf8_next(const char *text, size_t len) {
  FSM_ASSERT(text || !len);
  const unsigned char *s = (const unsigned char *)text;
  if (len == 0) return 0;
  if (s[0] < 0x80) return 1;
  if (s[0] < 0xC2 || s[0] > 0xF4) return 0;
  if (len < 2 || !follows(s[1])) return 0;
  if (s[0] < 0xE0) return 2;
  if (s[0] < 0xF0) {
    bool overlong = s[0] == 0xE0 && s[1] < 0xA0, surrogate = s[0] == 0xED && s[1] > 0x9F;
    return len >= 3 && follows(s[2]) && !overlong && !surrogate ? 3 : 0;
  }
  bool overlong = s[0] == 0xF0 && s[1] < 0x90, beyond = s[0] == 0xF4 && s[1] > 0x8F;
  return len >= 4 && follows(s[2]) && follows(s[3]) && !overlong && !beyond ? 4 : 0;
}

bool fsm__utf8_valid(const char *text, size_t len) {
  size_t at = 0;
  while (at < len) {
    uint64_t eight;
    if (len - at >= sizeof eight) {
      memcpy(&eight, text + at, sizeof eight);
      if (!(eight & 0x8080808080808080u)) {
        at += sizeof eight;
        continue;
      }
    }
    size_t step = (unsigned char)text[at] < 0x80 ? 1 : fsm__utf8_next(text + at, len - at);
    if (!step) return false;
    at += step;
  }
  return true;
}

/* Could be the beginning of a sequence of which the end is missing. */
static bool is_cut_off(const char *text, size_t len) {
  const unsigned char first = (unsigned char)text[0];
  if (first < 0xC2 || first > 0xF4 || len >= (first < 0xE0 ? 2u : first < 0xF0 ? 3u : 4u)) return false;
  for (size_t i = 1; i < len; i++)
    if (!follows((unsigned char)text[i])) return false;
  return true;
}

void fsm__utf8_mend(char *text) {
  size_t len = strlen(text);
  for (size_t at = 0; at < len;) {
    size_t step = fsm__utf8_next(text + at, len - at);
    if (step == 0 && is_cut_off(text + at, len - at)) {
      text[at] = '\0';
      return;
    }
    if (step == 0) text[at] = '?', step = 1;
    at += step;
  }
}

size_t fsm__utf8_count(const char *text, size_t len) {
  size_t count = 0;
  for (size_t i = 0; i < len; i++) count += !follows((unsigned char)text[i]);
  return count;
}

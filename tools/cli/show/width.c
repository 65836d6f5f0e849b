/* width.c: clusters of characters and the columns that they take. */
#include "tools/cli/show/width.h"

#include <stdbool.h>
#include <string.h>

enum { JOINER = 0x200d, AS_TEXT = 0xfe0e, AS_PICTURE = 0xfe0f, KEYCAP = 0x20e3 };

static bool is_ascii(char c) { return (unsigned char)c < 0x80; }

size_t cli_plain(const char *text, size_t len) {
  size_t at = 0;
  while (at < len && text[at] >= ' ' && text[at] <= '~') at++;
  return at;
}

size_t cli_character(const char *text, size_t len, wchar_t *out) {
  mbstate_t state;
  if (is_ascii(*text)) {
    *out = *text;
    return 1;
  }
  memset(&state, 0, sizeof state);
  size_t got = mbrtowc(out, text, len, &state);
  return got == (size_t)-1 || got == (size_t)-2 ? 0 : got;
}

static unsigned width_of(wchar_t c) {
  int width = wcwidth(c);
  return width < 0 ? 1 : (unsigned)width;
}

/* Letters of which two are a flag. */
static bool is_flag(wchar_t c) { return c >= 0x1f1e6 && c <= 0x1f1ff; }

static bool is_tone(wchar_t c) { return c >= 0x1f3fb && c <= 0x1f3ff; }

/* May be drawn as a picture, so may be joined to one: those blocks that have them. */
static bool is_picture(wchar_t c) {
  return (c >= 0x1f000 && c <= 0x1faff && !is_flag(c)) || (c >= 0x2190 && c <= 0x2bff) || c == 0xa9 ||
         c == 0xae || c == 0x203c || c == 0x2049 || c == 0x2122 || c == 0x2139 || c == 0x3030 ||
         c == 0x303d || c == 0x3297 || c == 0x3299;
}

static bool may_have_keycap(wchar_t c) { return (c >= '0' && c <= '9') || c == '#' || c == '*'; }

/* What stands behind the base and belongs to it, its length; 0 = the cluster has ended. */
static size_t more(const char *text, size_t len, wchar_t base, unsigned *width) {
  wchar_t c = 0;
  if (len == 0) return 0;
  const size_t step = cli_character(text, len, &c);
  if (step == 0 || c == 0) return 0;
  if (c == KEYCAP && may_have_keycap(base)) *width = 2;
  if (c == AS_PICTURE && is_picture(base)) *width = 2;
  if (c == AS_TEXT && is_picture(base)) *width = 1;

  if (is_tone(c) && is_picture(base)) return step;
  if (c != JOINER || !is_picture(base)) return width_of(c) == 0 && c >= 0x80 ? step : 0;
  const size_t joined = step < len ? cli_character(text + step, len - step, &c) : 0;
  return joined > 0 && is_picture(c) ? step + joined : step;
}

size_t cli_cluster(const char *text, size_t len, unsigned *width) {
  wchar_t base = 0, second = 0;
  if (is_ascii(*text) && (len < 2 || is_ascii(text[1]))) { /* most of all text, and nothing joins these */
    *width = *text != 0;
    return 1;
  }
  size_t at = cli_character(text, len, &base);
  *width = 1;
  if (at == 0) return 1;
  *width = width_of(base);
  if (is_flag(base)) {
    const size_t step = at < len ? cli_character(text + at, len - at, &second) : 0;
    if (step > 0 && is_flag(second)) {
      *width = 2;
      return at + step;
    }
  }
  for (size_t step; (step = more(text + at, len - at, base, width)) > 0;) at += step;
  return at;
}

/* negotiate.c: two lists that clients send, read without a copy. */
#include "runtime/daemon/negotiate.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *text) {
  while (*text == ' ' || *text == '\t') text++;
  return text;
}

/* The weight behind a coding, in thousandths; -1 = malformed. *text ends behind it. */
static int read_weight(const char **text) {
  const char *at = skip_blanks(*text);
  if (*at != ';') {
    *text = at;
    return 1000;
  }
  at = skip_blanks(at + 1);
  if ((*at != 'q' && *at != 'Q') || at[1] != '=' || (at[2] != '0' && at[2] != '1')) return -1;
  int weight = (at[2] - '0') * 1000;
  at += 3;
  if (*at == '.') {
    at++;
    for (int unit = 100; unit > 0 && *at >= '0' && *at <= '9'; unit /= 10) weight += (*at++ - '0') * unit;
  }
  *text = skip_blanks(at);
  return weight <= 1000 ? weight : -1;
}

bool fsm__accepts_gzip(const char *text) {
  int named = -1, any = -1;
  if (!text) return false;
  for (;;) {
    text = skip_blanks(text);
    const size_t len = strcspn(text, " \t;,");
    const char *name = text;
    text += len;
    const int weight = read_weight(&text);
    if (weight < 0 || (*text && *text != ',')) return false;
    if ((len == 4 && strncasecmp(name, "gzip", len) == 0) ||
        (len == 6 && strncasecmp(name, "x-gzip", len) == 0))
      named = weight;
    else if (len == 1 && *name == '*')
      any = weight;
    if (!*text) return (named >= 0 ? named : any) > 0;
    text++;
  }
}

bool fsm__etag_is_among(const char *text, const char *etag) {
  const size_t len = strlen(etag);
  if (!text || len == 0) return false;
  text = skip_blanks(text);
  if (*text == '*') return *skip_blanks(text + 1) == 0;
  for (;;) {
    text = skip_blanks(text);
    if (text[0] == 'W' && text[1] == '/') text += 2;
    if (*text != '"') return false;
    const char *end = strchr(text + 1, '"');
    if (!end) return false;
    const size_t size = (size_t)(end + 1 - text);
    if (size == len && memcmp(text, etag, len) == 0) return true;
    text = skip_blanks(end + 1);
    if (*text != ',') return false;
    text++;
  }
}

/* json_place.c: from a JSON pointer back to the line and column in the text. The text has been parsed before:
 * only its shape is looked at here, and what does not fit ends the walk where it stands. */
#include <stdlib.h>
#include <string.h>

#include "schema/lint.h"

typedef struct scan {
  const char *text;
  size_t len, at;
} scan;

static void skip_space(scan *s) {
  while (s->at < s->len && s->text[s->at] != 0 && strchr(" \t\r\n", s->text[s->at]) != NULL) s->at++;
}

static char peek(const scan *s) { return s->at < s->len ? s->text[s->at] : 0; }

static void skip_string(scan *s) {
  for (s->at++; s->at < s->len && s->text[s->at] != '"'; s->at++)
    if (s->text[s->at] == '\\') s->at++;
  s->at++;
}

static void skip_value(scan *s) {
  skip_space(s);
  int depth = 0;
  do {
    const char c = peek(s);
    if (c == 0) return;
    if (c == '"') {
      skip_string(s);
      continue;
    }
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    if (depth < 0) return;
    if (depth == 0 && (c == ',' || c == ':')) return;
    s->at++;
  } while (s->at < s->len &&
           (depth > 0 || (strchr(",]}: \t\r\n", peek(s)) == NULL && s->text[s->at - 1] != '"' &&
                          s->text[s->at - 1] != '}' && s->text[s->at - 1] != ']')));
}

/* Is the string that begins here, with its quotes, the pointer's token? Escapes of JSON but \" and \\ do not
 * occur in what names things here; such a key is not found. */
static bool is_token(const scan *s, const char *token, size_t len) {
  size_t at = s->at + 1, i = 0;
  for (; at < s->len && s->text[at] != '"'; at++) {
    if (s->text[at] == '\\') at++;
    char c = i < len ? token[i++] : 0;
    if (c == '~' && i < len) c = token[i++] == '1' ? '/' : '~';
    if (c != s->text[at]) return false;
  }
  return i == len;
}

/* To the value of that member or item; false = there is none, and the scan stays. */
static bool descend(scan *s, const char *token, size_t len) {
  const scan before = *s;
  const char open = peek(s);
  unsigned long index = strtoul(token, NULL, 10);
  if (open != '{' && open != '[') return false;
  for (s->at++;; s->at++) {
    skip_space(s);
    if (peek(s) == 0 || peek(s) == '}' || peek(s) == ']') break;
    bool found = open == '[' && index-- == 0;
    if (open == '{') {
      found = is_token(s, token, len);
      const size_t key = s->at;
      skip_string(s);
      skip_space(s);
      s->at++;                                       /* : */
      if (found && *(token + len) == 0) s->at = key; /* the last one is shown at its name */
    }
    skip_space(s);
    if (found) return true;
    skip_value(s);
    skip_space(s);
    if (peek(s) != ',') break;
  }
  *s = before;
  return false;
}

void fsm_json_place(const char *text, size_t len, const char *pointer, unsigned *line, unsigned *column) {
  scan s = {text, len, 0};
  if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) s.at = 3;
  skip_space(&s);
  while (*pointer == '/') {
    const char *token = pointer + 1;
    const size_t size = strcspn(token, "/");
    if (!descend(&s, token, size)) break;
    pointer = token + size;
  }
  *line = *column = 1;
  for (size_t i = 0; i < s.at && i < len; i++) {
    if (text[i] == '\n') {
      ++*line;
      *column = 1;
    } else if (((unsigned char)text[i] & 0xC0) != 0x80)
      ++*column;
  }
}

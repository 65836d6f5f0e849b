/* code.c: the table of faults, and the one place that fills an fsm_error.
 *
 * Invariant: where and text are always NUL-terminated and never end inside a UTF-8 sequence that was
 * whole in what the caller gave.
 */
#include "fsm/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct code_row {
  const char *name, *text;
  int http, exit;
} code_row;

static const code_row rows[] = {
#define X(symbol, name, http, exit, text) {name, text, http, exit},
    FSM_CODES(X)
#undef X
};

_Static_assert(sizeof rows / sizeof *rows == FSM_CODE_COUNT, "one row per code");

static const code_row *row_of(fsm_code code) {
  FSM_ASSERT((unsigned)code < FSM_CODE_COUNT);
  return &rows[code];
}

const char *fsm_code_name(fsm_code code) { return row_of(code)->name; }
const char *fsm_code_text(fsm_code code) { return row_of(code)->text; }
int fsm_code_http(fsm_code code) { return row_of(code)->http; }
int fsm_code_exit(fsm_code code) { return row_of(code)->exit; }

fsm_code fsm_code_of(const char *name) {
  FSM_ASSERT(name);
  for (int i = 0; i < FSM_CODE_COUNT; i++)
    if (strcmp(rows[i].name, name) == 0) return (fsm_code)i;
  return FSM_CODE_COUNT;
}

/* Bytes that a UTF-8 sequence with this first byte has; 0 for a byte that starts none. */
static size_t sequence_bytes(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/* The length after dropping a sequence that the cut left unfinished. */
static size_t whole_utf8(const char *text, size_t len) {
  size_t start = len, tail = 0;
  while (start > 0 && tail < 4) {
    start--, tail++;
    unsigned char c = (unsigned char)text[start];
    if ((c & 0xc0) == 0x80) continue;
    return sequence_bytes(c) > tail ? start : len;
  }
  return len;
}

/* memmove, for where may be err->where itself. */
static void put(char *to, size_t cap, const char *from, size_t len) {
  if (len >= cap) len = whole_utf8(from, cap - 1);
  memmove(to, from, len);
  to[len] = 0;
}

fsm_code fsm_fail(fsm_error *err, fsm_code code, const char *where, const char *format, ...) {
  FSM_ASSERT((unsigned)code < FSM_CODE_COUNT && code != FSM_OK);
  if (!err) return code;
  char text[FSM_TEXT_MAX + 4]; /* a copy, for the arguments may point into *err */
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (len < 0) len = 0, text[0] = 0;
  if ((size_t)len >= sizeof text) len = (int)sizeof text - 1;
  if (!where) where = "";
  put(err->where, sizeof err->where, where, strlen(where));
  put(err->text, sizeof err->text, text, (size_t)len);
  err->code = code;
  return code;
}

void fsm_assert_failed(const char *expr, const char *file, int line) {
  char text[512];
  int len = snprintf(text, sizeof text, "%s:%d: assertion failed: %s\n", file, line, expr);
  if (len > (int)sizeof text - 1) len = (int)sizeof text - 1;
  /* Nothing is left to do when stderr does not take it. */
  if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0) abort();
  abort();
}

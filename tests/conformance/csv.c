/* csv.c: comma-separated values (RFC 4180), cells quoted where they hold commas. */
#include <string.h>

#include "play.h"

enum { COLUMNS_MAX = 64, ROWS_MAX = 20000 };

/* Reads one cell, moves *at behind it and says what ended it: ',' or '\n'. */
static char *cell(fsm_arena *arena, const char **at, char *end) {
  const char *p = *at;
  char *out = fsm_arena_alloc(arena, strcspn(p, "\n") + strlen(p) * (*p == '"') + 1), *to = out;
  if (!out) return NULL;
  bool quoted = *p == '"';
  if (quoted) p++;
  for (; *p; p++) {
    if (quoted && *p == '"' && p[1] != '"') {
      quoted = false;
      continue;
    }
    if (quoted && *p == '"') p++;
    if (!quoted && (*p == ',' || *p == '\n')) break;
    if (*p != '\r') *to++ = *p;
  }
  *to = '\0';
  *end = *p == ',' ? ',' : '\n';
  *at = *p ? p + 1 : p;
  return out;
}

fsm_code csv_parse(fsm_arena *arena, const char *text, csv *out, fsm_error *err) {
  unsigned lines = 1;
  for (const char *p = text; *p; p++) lines += *p == '\n';
  if (lines > ROWS_MAX) return fsm_fail(err, FSM_ETOOLARGE, "", "more than %d rows", ROWS_MAX);
  *out = (csv){.columns = COLUMNS_MAX};
  out->cells = fsm_arena_zalloc(arena, (size_t)lines * COLUMNS_MAX, sizeof *out->cells);
  if (!out->cells) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  while (*text) {
    char end = ',';
    for (unsigned column = 0; end == ','; column++) {
      if (column == COLUMNS_MAX) return fsm_fail(err, FSM_ETOOLARGE, "", "more than %d columns", COLUMNS_MAX);
      const char *value = cell(arena, &text, &end);
      if (!value) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
      out->cells[(size_t)out->rows * COLUMNS_MAX + column] = value;
    }
    out->rows++;
  }
  return FSM_OK;
}

static int column_of(const csv *table, const char *title) {
  for (unsigned i = 0; table->rows > 0 && i < table->columns && table->cells[i]; i++)
    if (strcmp(table->cells[i], title) == 0) return (int)i;
  return -1;
}

const char *csv_find(const csv *table, const char *key, const char *value, const char *column) {
  int by = column_of(table, key), wanted = column_of(table, column);
  if (by < 0 || wanted < 0) return NULL;
  for (unsigned row = 1; row < table->rows; row++) {
    const char **cells = &table->cells[(size_t)row * table->columns];
    if (cells[by] && strcmp(cells[by], value) == 0) return cells[wanted];
  }
  return NULL;
}

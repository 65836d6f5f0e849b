/* table.c: tables: measure, make fit, print. */
#include "tools/cli/table.h"

#include <string.h>

enum { GAP = 2 };

void cli_table_begin(cli_table *table, fsm_arena *arena, const cli_column *columns, size_t count) {
  FSM_ASSERT(count > 0 && count <= CLI_COLUMNS_MAX);
  *table = (cli_table){.arena = arena, .columns = columns, .count = count};
}

static bool grow(cli_table *table) {
  size_t room = table->room == 0 ? 32 : table->room * 2;
  const char **cells = fsm_arena_zalloc(table->arena, room * table->count, sizeof *cells);
  if (cells == NULL) return false;
  if (table->rows > 0) memcpy(cells, table->cells, table->rows * table->count * sizeof *cells);
  table->cells = cells;
  table->room = room;
  return true;
}

static const char *safe(fsm_arena *arena, const char *text) {
  if (text == NULL) return "";
  fsm_buf buf = {0};
  cli_escape(&buf, text, strlen(text));
  const char *copy = fsm_buf_ok(&buf) ? fsm_arena_strndup(arena, fsm_buf_text(&buf), buf.len) : NULL;
  fsm_buf_free(&buf);
  return copy;
}

void cli_table_row(cli_table *table, const char *const *cells) {
  if (table->failed || table->rows == CLI_ROWS_MAX || (table->rows == table->room && !grow(table))) {
    table->failed = true;
    return;
  }
  const char **row = table->cells + table->rows++ * table->count;
  for (size_t c = 0; c < table->count; c++) {
    row[c] = safe(table->arena, cells[c]);
    if (row[c] == NULL) row[c] = "", table->failed = true;
  }
}

/* ---- layout: a width per column, 0 = left out ----------------------------------------------------- */

static void measure(const cli_table *table, unsigned *widths) {
  for (size_t c = 0; c < table->count; c++) {
    unsigned widest = 0;
    for (size_t r = 0; r < table->rows; r++) {
      unsigned width = cli_width(table->cells[r * table->count + c]);
      if (width > widest) widest = width;
    }
    unsigned title = cli_width(table->columns[c].title);
    if (widest == 0 && table->columns[c].if_any)
      widths[c] = 0;
    else
      widths[c] = widest > title ? widest : title;
  }
}

static unsigned total(const unsigned *widths, size_t count) {
  unsigned sum = 0, shown = 0;
  for (size_t c = 0; c < count; c++) sum += widths[c], shown += widths[c] > 0;
  return sum + (shown > 1 ? (shown - 1) * GAP : 0);
}

/* The column to take one column of width from next, count when all are at their least. */
static size_t victim(const cli_table *table, const unsigned *widths) {
  size_t best = table->count;
  for (size_t c = 0; c < table->count; c++) {
    const cli_column *column = &table->columns[c];
    if (column->min == 0 || widths[c] <= column->min) continue;
    if (best == table->count || column->shrink > table->columns[best].shrink ||
        (column->shrink == table->columns[best].shrink && widths[c] > widths[best]))
      best = c;
  }
  return best;
}

static void fit(const cli_table *table, unsigned *widths, unsigned columns) {
  unsigned natural[CLI_COLUMNS_MAX];
  memcpy(natural, widths, sizeof natural);
  for (;;) {
    while (total(widths, table->count) > columns) {
      size_t c = victim(table, widths);
      if (c == table->count) break;
      widths[c]--;
    }
    if (total(widths, table->count) <= columns) return;
    size_t last = table->count;
    for (size_t c = 0; c < table->count; c++)
      if (table->columns[c].may_go && widths[c] > 0) last = c;
    if (last == table->count) return;
    /* the others get their room back */
    natural[last] = 0;
    memcpy(widths, natural, sizeof natural);
  }
}

/* ---- print ---------------------------------------------------------------------------------------- */

static void pad(fsm_buf *out, unsigned count) {
  while (count-- > 0) fsm_buf_char(out, ' ');
}

static void print_row(const cli_table *table, const unsigned *widths, const char *const *cells,
                      fsm_buf *out) {
  unsigned owed = 0; /* spaces not yet printed, so that no line ends in spaces */
  bool first = true;
  for (size_t c = 0; c < table->count; c++) {
    if (widths[c] == 0) continue;
    unsigned width = cli_width(cells[c]);
    unsigned spare = width < widths[c] ? widths[c] - width : 0;
    if (!first) owed += GAP;
    first = false;
    if (width == 0) {
      owed += spare;
      continue;
    }
    pad(out, owed + (table->columns[c].right ? spare : 0));
    if (table->columns[c].keep_end)
      cli_clip_front(out, cells[c], widths[c]);
    else
      cli_clip(out, cells[c], widths[c]);
    owed = table->columns[c].right ? 0 : spare;
  }
  fsm_buf_char(out, '\n');
}

static void print_header(const cli_table *table, const unsigned *widths, bool colour, fsm_buf *out) {
  const char *titles[CLI_COLUMNS_MAX];
  for (size_t c = 0; c < table->count; c++) titles[c] = table->columns[c].title;
  if (colour) fsm_buf_str(out, "\x1b[1m");
  print_row(table, widths, titles, out);
  if (colour) fsm_buf_str(out, "\x1b[0m");
}

/* Pages of one table keep their columns in line: none gets narrower than it was. */
static bool same_columns(const cli_table *table, unsigned *widths) {
  bool same = table->printed;
  for (size_t c = 0; c < table->count; c++) same = same && (widths[c] > 0) == (table->widths[c] > 0);
  for (size_t c = 0; same && c < table->count; c++)
    if (widths[c] < table->widths[c]) widths[c] = table->widths[c];
  return same;
}

fsm_code cli_table_print(cli_table *table, const cli_screen *screen, fsm_buf *out, fsm_error *err) {
  if (table->failed)
    return fsm_fail(err, FSM_ENOMEM, "", "the table is over %d rows or memory ran out", CLI_ROWS_MAX);
  unsigned widths[CLI_COLUMNS_MAX] = {0};
  measure(table, widths);
  bool go_on = same_columns(table, widths);
  if (screen->columns > 0) fit(table, widths, screen->columns);
  if (!go_on) print_header(table, widths, screen->colour, out);
  for (size_t r = 0; r < table->rows; r++) print_row(table, widths, table->cells + r * table->count, out);
  memcpy(table->widths, widths, sizeof widths);
  table->printed = true;
  return FSM_OK;
}

void cli_table_clear(cli_table *table) {
  table->cells = NULL;
  table->rows = table->room = 0;
}

/* table.c: tables: measure, make fit, print. */
#include "tools/cli/show/table.h"

#include <string.h>

#include "tools/cli/show/width.h"

enum { GAP = 2 };

void cli_table_begin(cli_table *table, fsm_arena *arena, const cli_column *columns, size_t count) {
  FSM_ASSERT(count > 0 && count <= CLI_COLUMNS_MAX);
  *table = (cli_table){.arena = arena, .columns = columns, .count = count};
}

static bool grow(cli_table *table) {
  size_t room = table->room == 0 ? 32 : table->room * 2;
  const char **cells = fsm_arena_zalloc(table->arena, room * table->count, sizeof *cells);
  const char **notes = fsm_arena_zalloc(table->arena, room, sizeof *notes);
  if (cells == NULL || notes == NULL) return false;
  if (table->rows > 0) memcpy(cells, table->cells, table->rows * table->count * sizeof *cells);
  if (table->rows > 0) memcpy(notes, table->notes, table->rows * sizeof *notes);
  table->cells = cells;
  table->notes = notes;
  table->room = room;
  return true;
}

static const char *safe(fsm_arena *arena, const char *text) {
  if (text == NULL) return "";
  const size_t len = strlen(text);
  if (cli_plain(text, len) == len) return fsm_arena_strndup(arena, text, len);
  fsm_buf buf = {0};
  cli_escape(&buf, text, len);
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

void cli_table_note(cli_table *table, const char *lines) {
  if (table->failed) return;
  FSM_ASSERT(table->rows > 0);
  const char *copy = fsm_arena_strdup(table->arena, lines);
  table->notes[table->rows - 1] = copy;
  table->failed = copy == NULL;
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
    const bool hidden = table->columns[c].wide && !table->wide;
    if (hidden || (widest == 0 && table->columns[c].if_any))
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

unsigned cli_table_wide(const cli_table *table) {
  unsigned widths[CLI_COLUMNS_MAX] = {0};
  measure(table, widths);
  return total(widths, table->count);
}

/* The column to take one column of width from next, count when all are at their least. */
static size_t victim(const cli_table *table, const unsigned *widths, bool last_ones) {
  size_t best = table->count;
  for (size_t c = 0; c < table->count; c++) {
    const cli_column *column = &table->columns[c];
    if (column->min == 0 || widths[c] <= column->min || (column->cut_last && !last_ones)) continue;
    if (best == table->count || column->shrink > table->columns[best].shrink ||
        (column->shrink == table->columns[best].shrink && widths[c] > widths[best]))
      best = c;
  }
  return best;
}

static void drop_first(const cli_table *table, unsigned *widths, unsigned columns) {
  for (size_t c = table->count; c-- > 0 && total(widths, table->count) > columns;)
    if (table->columns[c].goes_first) widths[c] = 0;
}

static bool shrink(const cli_table *table, unsigned *widths, unsigned columns, bool last_ones) {
  while (total(widths, table->count) > columns) {
    size_t c = victim(table, widths, last_ones);
    if (c == table->count) return false;
    widths[c]--;
  }
  return true;
}

static void fit(const cli_table *table, unsigned *widths, unsigned columns) {
  unsigned natural[CLI_COLUMNS_MAX];
  drop_first(table, widths, columns);
  memcpy(natural, widths, sizeof natural);
  while (!shrink(table, widths, columns, false)) {
    size_t last = table->count;
    for (size_t c = 0; c < table->count; c++)
      if (table->columns[c].may_go && widths[c] > 0) last = c;
    if (last == table->count) break;
    /* the others get their room back */
    natural[last] = 0;
    memcpy(widths, natural, sizeof natural);
  }
  (void)shrink(table, widths, columns, true); /* a terminal too narrow for all that is left wraps */
}

/* ---- print ---------------------------------------------------------------------------------------- */

static void pad(fsm_buf *out, unsigned count) {
  while (count-- > 0) fsm_buf_char(out, ' ');
}

static void print_cell(const cli_column *column, const char *text, unsigned width, fsm_buf *out) {
  if (column->keep_both)
    cli_clip_middle(out, text, width);
  else if (column->keep_end)
    cli_clip_front(out, text, width);
  else
    cli_clip(out, text, width);
}

/* A character of two columns that did not fit leaves one empty. */
static unsigned left_over(fsm_buf *out, size_t from, unsigned width) {
  const unsigned used = fsm_buf_ok(out) ? cli_width(fsm_buf_text(out) + from) : width;
  return used < width ? width - used : 0;
}

/* cells NULL: the titles. */
static void print_row(const cli_table *table, const unsigned *widths, const char *const *cells,
                      fsm_buf *out) {
  unsigned owed = 0; /* spaces not yet printed, so that no line ends in spaces */
  bool first = true;
  for (size_t c = 0; c < table->count; c++) {
    const cli_column *column = &table->columns[c];
    if (widths[c] == 0) continue;
    const char *text = cells == NULL ? column->title : cells[c];
    unsigned width = cli_width(text);
    unsigned spare = width < widths[c] ? widths[c] - width : 0;
    if (!first) owed += GAP;
    first = false;
    if (width == 0) {
      owed += spare;
      continue;
    }
    pad(out, owed + (column->right ? spare : 0));
    const size_t from = out->len;
    if (cells == NULL)
      cli_clip(out, text, widths[c]); /* of a title the beginning tells more */
    else
      print_cell(column, text, widths[c], out);
    if (width > widths[c]) spare = left_over(out, from, widths[c]);
    owed = column->right ? 0 : spare;
  }
  fsm_buf_char(out, '\n');
}

static void print_header(const cli_table *table, const unsigned *widths, bool colour, fsm_buf *out) {
  if (colour) fsm_buf_str(out, "\x1b[1m");
  print_row(table, widths, NULL, out);
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
  if (screen->columns > 0 && !table->wide) fit(table, widths, screen->columns);
  if (!go_on) print_header(table, widths, screen->colour, out);
  for (size_t r = 0; r < table->rows; r++) {
    print_row(table, widths, table->cells + r * table->count, out);
    if (table->notes[r] != NULL) fsm_buf_str(out, table->notes[r]);
  }
  memcpy(table->widths, widths, sizeof widths);
  table->printed = true;
  return FSM_OK;
}

void cli_table_clear(cli_table *table) {
  table->cells = table->notes = NULL;
  table->rows = table->room = 0;
}

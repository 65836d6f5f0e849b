/* table.h: rows in columns. On a terminal a table fits its width (cells are cut with …, and the least
 * telling columns give way); elsewhere nothing is cut. */
#ifndef FSM_CLI_TABLE_H
#define FSM_CLI_TABLE_H

#include "fsm/arena.h"
#include "tools/cli/show/screen.h"

typedef struct cli_column {
  const char *title;
  unsigned min;    /* a cell may be cut to this many columns; 0 = never cut */
  unsigned shrink; /* who is cut first: the highest; equal ones by width */
  bool may_go;     /* left out when all is cut and it still does not fit (the last such first) */
  bool goes_first; /* left out before any other column is cut (the last such first) */
  bool if_any;     /* left out when no cell has text */
  bool right;      /* flush right: numbers */
  bool keep_end;   /* cut at the front: the end tells more */
  bool keep_both;  /* cut in the middle */
  bool cut_last;   /* not before all that may go is gone */
  bool wide;       /* only with -o wide (cli_table.wide) */
  /* -o csv: the member that it shows ("for_ns", "incident.reason"), a name that stays; NULL = the title in
   * lower case. */
  const char *name;
} cli_column;

enum { CLI_COLUMNS_MAX = 20, CLI_ROWS_MAX = 10000 };

typedef struct cli_table {
  fsm_arena *arena;
  const cli_column *columns;
  size_t count, rows, room;
  const char **cells;               /* rows × count, escaped */
  const char **notes;               /* of each row: lines below it, NULL = none */
  bool failed;                      /* memory ran out, or too many rows: asked once, at the end */
  unsigned widths[CLI_COLUMNS_MAX]; /* as last printed; 0 = left out */
  bool printed;
  bool wide; /* all columns, nothing cut */
} cli_table;

void cli_table_begin(cli_table *table, fsm_arena *arena, const cli_column *columns, size_t count);
/* Adds a row of texts straight from data; they are escaped and copied. NULL is an empty cell. */
void cli_table_row(cli_table *table, const char *const *cells);
/* Lines to be printed below the row that was added last: escaped already, each ending in a newline; they
 * have to fit by themselves. */
void cli_table_note(cli_table *table, const char *lines);
/* The columns that it takes when nothing is cut. */
unsigned cli_table_wide(const cli_table *table);
/* Appends the table with its header line. After cli_table_clear the next page goes on under it, with a
 * header again only when other columns are shown. */
FSM_MUST_USE fsm_code cli_table_print(cli_table *table, const cli_screen *screen, fsm_buf *out,
                                      fsm_error *err);

/* Forgets the rows; the arena may then be reset. */
void cli_table_clear(cli_table *table);

#endif

/* pages.h: lists, page by page. */
#ifndef FSM_CLI_PAGES_H
#define FSM_CLI_PAGES_H

#include "tools/cli/cli.h"
#include "tools/cli/show/table.h"

typedef struct cli_pages {
  fsm_query query; /* its limit and after are set here */
  int64_t max;     /* items in all; 0 = no end */
  unsigned page;   /* items asked for at once; 0 = the daemon's default */
  const char *tip; /* how to get the rest, said in the footer when there is more; NULL = nothing */
  const cli_column *columns;
  size_t column_count;
  const char *noun; /* what the items are, for the footer: "instances"; NULL = "items" */
  const char *id;   /* the member that -o id prints; NULL = "id" */
  /* Adds the row of one item, or prints the item itself (columns NULL). */
  void (*item)(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
               const fsm_value *item);
} cli_pages;

/* Asks and prints until the end or max, in every format but tree: as a table with its footer, as one JSON
 * document with all items in it, a line or a row an item. With --exit-status the exit is 10 when there are
 * any. */
FSM_MUST_USE fsm_code cli_pages_print(cli_run *cli, const cli_pages *pages, fsm_error *err);
/* The same with --limit and --all (CLI_PAGE_LIMIT, CLI_PAGE_ALL): they say max, page and tip; connects. */
FSM_MUST_USE fsm_code cli_pages_run(cli_run *cli, cli_pages *pages, fsm_error *err);
/* The same of one document that is here already; nothing is asked. */
FSM_MUST_USE fsm_code cli_items_print(cli_run *cli, const cli_pages *pages, const fsm_value *document,
                                      fsm_error *err);

#endif

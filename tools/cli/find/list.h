/* list.h: what the lists of instances (ls, stuck) share: filters as options, and the table. */
#ifndef FSM_CLI_LIST_H
#define FSM_CLI_LIST_H

#include "runtime/filter.h"
#include "tools/cli/show/pages.h"

/* Rows of an option table: FILTER, and short ways to write a status. */
#define CLI_FILTER_ROW(symbol, name, letter, flag, argument, help, repeats) \
  {flag, letter, argument, help, repeats},
#define CLI_FILTER FSM_FILTER_FIELDS(CLI_FILTER_ROW)
#define CLI_FILTER_STATUS                                                                          \
  {"open", 0, NULL, "that have not ended", false}, {"done", 0, NULL, "that are completed", false}, \
      {"failed", 0, NULL, "in an incident, or completed in a failed state", false},                \
      {"paused", 0, NULL, "that are paused", false},                                               \
      {"forced", 0, NULL, "whose states an operator has set", false},
#define CLI_LIST_WITH \
  {"with", 0, "WHAT", "kind, sla, waits, who, last, parent: columns and members besides; a,b: each", false},
#define CLI_PAGE_LIMIT \
  { "limit", 0, "N", "at most so many; 100", false }
#define CLI_PAGE_ALL \
  { "all", 0, NULL, "all of them", false }
#define CLI_PAGE_EXIT \
  { "exit-status", 0, NULL, "exit 10 when there are any", false }

/* FILTER, but for the option that a command means otherwise (NULL = none). Free it, also after a fault. */
FSM_MUST_USE fsm_code cli_list_filter(cli_run *cli, const char *except, fsm_filter **out, fsm_error *err);
/* Reads the options above into pages->query and its bounds. The filter lives until cli_list_print. */
FSM_MUST_USE fsm_code cli_list_options(cli_run *cli, cli_pages *pages, fsm_error *err);
/* Asks and prints, if code is FSM_OK; gives back the filter. */
FSM_MUST_USE fsm_code cli_list_print(cli_run *cli, cli_pages *pages, fsm_code code, fsm_error *err);

#endif

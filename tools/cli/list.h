/* list.h: what the lists of instances (ls, stuck) share: filters as options, and the table. */
#ifndef FSM_CLI_LIST_H
#define FSM_CLI_LIST_H

#include "tools/cli/pages.h"

/* Rows of an option table. */
#define CLI_FILTER_MACHINE \
  { "machine", 'm', "MACHINE", "of this machine", false }
#define CLI_FILTER_STATE \
  { "state", 's', "STATE", "in this state, or in one inside it", false }
#define CLI_FILTER_FOR \
  { "for", 0, "DUR", "at least this long in it: 90s, 10m, 1h30m, 2d", false }
#define CLI_PAGE_LIMIT \
  { "limit", 0, "N", "at most so many; 100", false }
#define CLI_PAGE_ALL \
  { "all", 0, NULL, "all of them", false }

/* Reads the options above into pages->query and its bounds. */
FSM_MUST_USE fsm_code cli_list_options(cli_run *cli, cli_pages *pages, fsm_error *err);
/* Asks and prints. */
FSM_MUST_USE fsm_code cli_list_print(cli_run *cli, cli_pages *pages, fsm_error *err);

#endif

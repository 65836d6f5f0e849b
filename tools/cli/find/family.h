/* family.h: instances as a tree, each below the one that invoked it: ls -o tree. */
#ifndef FSM_CLI_FAMILY_H
#define FSM_CLI_FAMILY_H

#include "tools/cli/show/pages.h"

enum { CLI_FAMILY_MAX = 100000 }; /* instances of one tree: they are held in memory */

/* All of pages at once, as a table in the order of the tree. One whose parent is not among them stands at the
 * front, with its parent named. FSM_ETOOLARGE. */
FSM_MUST_USE fsm_code cli_family_print(cli_run *cli, const cli_pages *pages, fsm_error *err);

#endif

/* row.h: an instance as a row of a table: what lists show of it, and what they ask for to show it. */
#ifndef FSM_CLI_ROW_H
#define FSM_CLI_ROW_H

#include "tools/cli/show/pages.h"

enum { CLI_ROW_COLUMNS = 14 };
extern const cli_column cli_row_columns[CLI_ROW_COLUMNS];

/* `with` of the query: what the format and the width of the screen have room for; kinds: also what is wrong
 * with them. NULL: nothing. */
const char *cli_row_with(const cli_run *cli, bool kinds);
/* The item function of pages. */
void cli_row_add(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                 const fsm_value *item);

#endif

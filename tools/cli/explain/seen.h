/* seen.h: what a guard saw: a line for each value, however large it is. */
#ifndef FSM_CLI_SEEN_H
#define FSM_CLI_SEEN_H

#include "fsm/value.h"
#include "tools/cli/show/screen.h"

enum { CLI_SEEN_LINES_MAX = 10, CLI_SEEN_COLUMNS = 200 };

/* Appends "  saw:   context.retries = 3" for each member: one line each, cut with … at the screen's width
 * (CLI_SEEN_COLUMNS where nothing is cut otherwise), at most CLI_SEEN_LINES_MAX lines, of which the last
 * then says how many more there are. The JSON output has it whole. */
void cli_seen(fsm_buf *out, fsm_arena *arena, const fsm_value *seen, const cli_screen *screen);
/* The same as one text for a table cell: "context.retries = 3, context.total = 7". */
const char *cli_seen_text(fsm_arena *arena, const fsm_value *seen);

#endif

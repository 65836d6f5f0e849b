/* moves.h: a command that would move an instance, as it is to be typed into a shell: with what this one was
 * given to find the store, in a line that is never broken; of two the second runs when the first is done. */
#ifndef FSM_CLI_MOVES_H
#define FSM_CLI_MOVES_H

#include "tools/cli/cli.h"

/* {argv, then?, text, needs?} */
void cli_move_print(cli_run *cli, const fsm_value *command);
/* A line of text, broken where the screen ends, further in from the second on; NULL is none. */
void cli_indented(cli_run *cli, unsigned indent, const char *text);

#endif

/* complete.h: what may stand next on a command line, for shells: `fsm-cli __complete WORD…`, the last word
 * being the one that is typed. One candidate a line; the only line ":files" says that a file is meant.
 *
 * Everything comes from the entries: names of commands and options, and by what an option or a word is called
 * (MACHINE, REF, STATE, FORMAT, SINK, FILE …) what it takes. Ids, machines, states, events, routes and sinks
 * are asked of a daemon that runs, within a second; files are never opened for it, and nothing is ever a
 * fault.
 *
 * bash cuts words at : and =; they are put together here, and what is said is what follows the last cut. It
 * hands words over as they were typed and puts candidates on the line as they are: for it, `__complete-bash`
 * takes quotes off and puts them on (complete_quote.h). Names with control characters are not offered, nor,
 * where an option may stand, words that begin with -. */
#ifndef FSM_CLI_COMPLETE_H
#define FSM_CLI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cli_run cli_run;

enum { CLI_CANDIDATES_MAX = 200 };

/* Appends the candidates to cli->text; quotes: as bash has them. */
void cli_complete(cli_run *cli, char *const *words, bool quotes);

#endif

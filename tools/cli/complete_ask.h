/* complete_ask.h: what of a running daemon may stand next on a command line. */
#ifndef FSM_CLI_COMPLETE_ASK_H
#define FSM_CLI_COMPLETE_ASK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cli_run cli_run;

typedef struct cli_asked {
  const char *takes; /* MACHINE, REF, STATE, EVENT, SINK, NAME … */
  const char *group; /* whose NAME it is */
  const char *typed;
  bool profile; /* it is NAME of -p */
} cli_asked;

/* The words so far, as options and words of cli->args: what is wrong with them is passed over. */
void cli_complete_read(cli_run *cli, const char *const *words, size_t count);
/* NULL-terminated; NULL = nothing is known. */
const char *const *cli_complete_ask(cli_run *cli, const cli_asked *asked);

#endif

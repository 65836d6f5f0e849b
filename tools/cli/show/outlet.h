/* outlet.h: where what is printed goes: straight to stdout, to a pager once it is longer than the screen, or
 * into the frame of a watch.
 *
 * A pager is asked for by cli_page (lists and documents do) and started only on a terminal, at stdin too, and
 * only for more lines than it has. It is $FSM_PAGER, $PAGER or less (with LESS=FRX where it is not set).
 * Nothing is read ahead of it: it stops reading, the program stops asking, and no view of the store is held.
 */
#ifndef FSM_CLI_OUTLET_H
#define FSM_CLI_OUTLET_H

#include <sys/types.h>

#include "fsm/buf.h"

typedef enum cli_outlet_kind {
  CLI_OUTLET_PLAIN,
  CLI_OUTLET_WAITS, /* held until it is known whether it fits on the screen */
  CLI_OUTLET_PAGER,
  CLI_OUTLET_FRAME /* held until the frame is drawn */
} cli_outlet_kind;

typedef struct cli_outlet {
  cli_outlet_kind kind;
  fsm_buf held;
  int fd;    /* of the pager */
  pid_t pid; /* the pager */
} cli_outlet;

typedef struct cli_run cli_run;

/* What is printed from here on may be long. */
void cli_page(cli_run *cli);
/* Writes cli->text and empties it (cli_flush). */
FSM_MUST_USE fsm_code cli_outlet_write(cli_run *cli, fsm_error *err);
/* Prints what is held and waits for the pager to end: before anything else is said or asked. */
FSM_MUST_USE fsm_code cli_outlet_end(cli_run *cli, fsm_error *err);

/* watch.c: runs the command again and again (-w), until a signal or a fault of the first time ends it. */
FSM_MUST_USE fsm_code cli_watch(cli_run *cli, const char *every, fsm_error *err);

#endif

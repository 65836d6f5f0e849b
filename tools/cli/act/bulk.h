/* bulk.h: one deed on many, some at a time.
 *
 * Lanes (threads, each with a connection of its own; of open files they share the library) take the next
 * items, of a daemon as many as go into a request (batch.h), else one; a deed that finds the daemon busy is
 * tried again. What came of each is given to the caller in the order of the items, as a document {instance,
 * ok, answer | problem}. No item is begun after a signal (INT, TERM), nor after a fault that says that the
 * other side is gone: those that were begun are ended first. A daemon that has no such request is given one
 * deed at a time.
 *
 * Limits: CLI_LANES at a time; rate 1 to 100,000 a second; CLI_AHEAD results are held that the caller has not
 * been given yet, so one who is slow to take them slows the run. */
#ifndef FSM_CLI_BULK_H
#define FSM_CLI_BULK_H

#include "tools/cli/act/deed.h"
#include "tools/cli/act/who.h"

enum { CLI_LANES = 8, CLI_RATE_MAX = 100000, CLI_AHEAD = 8192 };

typedef struct cli_bulk {
  const cli_deed *deed;
  const cli_who *who;
  int64_t rate; /* items a second; 0 = as fast as it goes */
  /* Of each, in order; and now and then with document NULL, when there is time. False: no more are begun. */
  bool (*told)(void *arg, size_t done, const fsm_value *document);
  void *arg;
} cli_bulk;

typedef struct cli_bulk_end {
  size_t done, failed, begun; /* begun: done and failed; the rest was not touched */
  fsm_error first;            /* fault; code FSM_OK: there was none */
  bool stopped;               /* by a signal */
  bool gone;                  /* the other side is */
} cli_bulk_end;

FSM_MUST_USE fsm_code cli_bulk_run(cli_run *cli, const cli_bulk *bulk, cli_bulk_end *end, fsm_error *err);

#endif

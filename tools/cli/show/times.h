/* times.h: a TIME as an argument: RFC 3339, a date (UTC), today, yesterday, or so long ago (90s, 2h, 3d); and
 * a place in the log, @SEQ, where that is one. What a query takes as text is passed on as it was written:
 * then the daemon's clock is what it is relative to, not this machine's. */
#ifndef FSM_CLI_TIMES_H
#define FSM_CLI_TIMES_H

#include "tools/cli/args.h"

typedef struct cli_when {
  bool is_seq;
  uint64_t seq; /* @SEQ, … */
  int64_t ns;   /* … or since 1970 */
} cli_when;

/* --name as a time, or if_absent. FSM_EARGUMENT says what times look like. */
FSM_MUST_USE fsm_code cli_args_time(const cli_args *args, const char *name, int64_t if_absent, int64_t *out,
                                    fsm_error *err);
/* A word that is a time or @SEQ; name is its place in faults ("--as-of"). */
FSM_MUST_USE fsm_code cli_when_parse(const char *name, const char *text, cli_when *out, fsm_error *err);

#endif

/* check.h: between the files of `check`: what is looked at, its thresholds (check_thresholds.c), what was
 * found (cmd_check.c), and how that is told (check_line.c). */
#ifndef FSM_CLI_CHECK_H
#define FSM_CLI_CHECK_H

#include <math.h>

#include "tools/cli/cli.h"

enum { CLI_WELL, CLI_WARNING, CLI_CRITICAL, CLI_UNKNOWN };
#define CLI_NEVER INFINITY /* as a threshold */

typedef enum cli_check_of {
  CLI_CHECK_STUCK,
  CLI_CHECK_INCIDENTS,
  CLI_CHECK_OUTBOX_LAG,
  CLI_CHECK_PARKED,
  CLI_CHECK_OVERDUE,
  CLI_CHECK_MAP,
  CLI_CHECK_OLDEST_VIEW,
  CLI_CHECK_DISK,
  CLI_CHECK_COUNT
} cli_check_of;

typedef struct cli_check_row {
  const char *name, *unit; /* of perfdata; "B" and "s" are its own */
  double warn, critical;
  bool below; /* less is worse */
  const char *text;
} cli_check_row;
extern const cli_check_row cli_checks[CLI_CHECK_COUNT];

typedef struct cli_finding {
  double value, warn, critical;
  bool known;
  int status;
} cli_finding;

typedef struct cli_verdict {
  cli_finding findings[CLI_CHECK_COUNT];
  int status;
  const char *texts[CLI_CHECK_COUNT + 4]; /* what is wrong */
  size_t text_count;
  int64_t seq;
} cli_verdict;

/* Those of the table, or as --warn and --critical say. */
FSM_MUST_USE fsm_code cli_check_thresholds(const cli_args *args, cli_verdict *v, fsm_error *err);
/* The line for a monitor; the same as a document. */
void cli_check_line(fsm_buf *out, const cli_verdict *v);
FSM_MUST_USE fsm_code cli_check_document(fsm_arena *arena, const cli_verdict *v, fsm_value *out,
                                         fsm_error *err);
const char *cli_check_word(int status);

#endif

/* deed.h: one change of one instance or task: what it is, and the two forms in which it is asked for.
 *
 * A daemon is posted it (deed_http.c); files that are open here are given a command (deed_command.c), in the
 * name of the local user. The answer is the same document, and a refusal the same fault with the same problem
 * document (source->problem), whichever it was. */
#ifndef FSM_CLI_DEED_H
#define FSM_CLI_DEED_H

#include "tools/cli/source.h"

typedef struct cli_deed {
  fsm_command_kind kind; /* SEND, an admin command, TASK_COMPLETE, _FAIL, _HEARTBEAT */
  const char *verb;      /* "retry": its word in the path and in sentences */
  const char *event, *name, *reason;
  fsm_value data;          /* of a send, a skip, a set, what a task gives; null = none */
  fsm_value states;        /* of force */
  bool final;              /* of a failed task: no further attempt */
  int64_t attempt;         /* of a task: refused when this one is over; 0 = any */
  const char *idem, *corr; /* NULL = none */
  int64_t expect_rev;      /* -1 = any */
  bool dry_run;
} cli_deed;

static inline bool cli_deed_of_task(const cli_deed *deed) {
  return deed->kind == FSM_CMD_TASK_COMPLETE || deed->kind == FSM_CMD_TASK_FAIL ||
         deed->kind == FSM_CMD_TASK_HEARTBEAT;
}

/* who: the id of an instance, or the token of a task. */
FSM_MUST_USE fsm_code cli_deed_do(cli_source *source, const cli_deed *deed, const char *who, fsm_arena *arena,
                                  fsm_value *answer, fsm_error *err);

/* ---- the two forms ---- */

/* What is posted: the path, the body as a document. */
FSM_MUST_USE fsm_code cli_deed_path(const cli_deed *deed, const char *who, fsm_buf *path);
FSM_MUST_USE fsm_code cli_deed_body(const cli_deed *deed, fsm_arena *arena, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code cli_deed_post(cli_source *source, const cli_deed *deed, const char *who,
                                    fsm_arena *arena, fsm_value *answer, fsm_error *err);
/* What the library is given. */
FSM_MUST_USE fsm_code cli_deed_command(const cli_deed *deed, const char *who, fsm_arena *arena,
                                       fsm_command *out, fsm_error *err);
FSM_MUST_USE fsm_code cli_deed_call(cli_source *source, const cli_deed *deed, const char *who,
                                    fsm_arena *arena, fsm_value *answer, fsm_error *err);

#endif

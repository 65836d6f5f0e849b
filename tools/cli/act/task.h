/* task.h: what the group `task` shares: a task named by its token, or by its instance and its id there; its
 * attempts. */
#ifndef FSM_CLI_TASK_H
#define FSM_CLI_TASK_H

#include "tools/cli/act/do.h"

/* From the words TOKEN or REF TASK; connected. The task as a document. */
FSM_MUST_USE fsm_code cli_task_find(cli_run *cli, fsm_value *task, fsm_error *err);
/* TOKEN or REF TASK: does the deed on its token. */
FSM_MUST_USE fsm_code cli_task_do(cli_run *cli, cli_deed *deed, fsm_error *err);
void cli_task_print(cli_run *cli, const fsm_value *task);
/* Tasks in a list: those of a query; those of a document {items} that is here already. */
FSM_MUST_USE fsm_code cli_task_list(cli_run *cli, const fsm_query *query, fsm_error *err);
FSM_MUST_USE fsm_code cli_task_items(cli_run *cli, const fsm_value *document, fsm_error *err);
/* --attempt into the deed. */
FSM_MUST_USE fsm_code cli_task_attempt(cli_run *cli, cli_deed *deed, fsm_error *err);

#define CLI_TASK_WORDS "TOKEN | REF TASK"
/* clang-format off */
#define CLI_TASK_ATTEMPT                                                                               \
  {"attempt", 0, "N", "of this attempt: refused when it is over; absent: any", false},
#define CLI_TASK_OPTIONS CLI_TASK_ATTEMPT                                                              \
  {"corr", 0, "ID", "correlation id, where the task has none", false},                                 \
  {"dry-run", 0, NULL, "only tell what would be written", false},                                      \
  {"offline", 0, NULL, "on the files of a stopped daemon, under its lock", false},
/* clang-format on */

#endif

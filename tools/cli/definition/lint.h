/* lint.h: the findings of def lint, shown. */
#ifndef FSM_CLI_LINT_H
#define FSM_CLI_LINT_H

#include "schema/lint.h"
#include "tools/cli/definition/machine_word.h"

/* What became of one word. */
typedef struct cli_linted {
  const char *name, *id, *hash;
  unsigned states;
  bool deployed;   /* places in it have no lines */
  fsm_error fault; /* code FSM_OK: none */
  fsm_lint_report report;
  size_t shown; /* findings at or above the asked level */
} cli_linted;

/* Appends to cli->text. */
void cli_lint_print(cli_run *cli, const cli_linted *linted, fsm_lint_severity least);
/* {file, ok, id, states, hash, findings: […], notes, warnings, errors, ignored} or {file, ok: false, code,
 * where, text}. */
FSM_MUST_USE fsm_code cli_lint_document(cli_run *cli, const cli_linted *linted, fsm_lint_severity least,
                                        fsm_value *out, fsm_error *err);
void cli_lint_explain(cli_run *cli, const fsm_lint_rule *rule);
void cli_lint_rules(cli_run *cli);

#endif

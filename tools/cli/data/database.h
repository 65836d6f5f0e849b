/* database.h: what the commands of the group db share. */
#ifndef FSM_CLI_DATABASE_H
#define FSM_CLI_DATABASE_H

#include "runtime/database.h"
#include "tools/cli/cli.h"

#define CLI_OPTION_REASON \
  { "reason", 0, "TEXT", "why, for the record of it", false }

/* --data or $FSM_DB, for commands that need the files. */
FSM_MUST_USE fsm_code cli_db_dir(const cli_run *cli, const char **out, fsm_error *err);
/* A path as seen from here, made absolute. */
FSM_MUST_USE fsm_code cli_db_absolute(cli_run *cli, const char *path, const char **out, fsm_error *err);
/* Who runs this, and --reason. */
fsm_database_order cli_db_order(cli_run *cli);
/* The findings, one after the other; FSM_ECORRUPT when one of them is damage. */
FSM_MUST_USE fsm_code cli_db_findings(cli_run *cli, const fsm_value *document, fsm_error *err);
/* One line a member; those of maps are indented below it, a map of a list is one line. */
void cli_db_lines(cli_run *cli, const fsm_value *document);

#endif

/* command.h: what start and send share: a JSON body, the headers, the answer. */
#ifndef FSM_CLI_COMMAND_H
#define FSM_CLI_COMMAND_H

#include "tools/cli/cli.h"

#define CLI_OPTION_IDEM \
  { "idem", 0, "KEY", "idempotency key: repeating it gives the first answer", false }
#define CLI_OPTION_CORR \
  { "corr", 0, "ID", "correlation id; made when absent", false }

enum { CLI_MEMBERS_MAX = 8 };

/* A body under construction. */
typedef struct cli_body {
  fsm_pair pairs[CLI_MEMBERS_MAX];
  size_t count;
} cli_body;

/* The value of --name, NULL when absent, for a header of the request. FSM_EARGUMENT names the option: the
 * daemon would name the header. max: as many bytes as it may have. */
FSM_MUST_USE fsm_code cli_header_option(const cli_run *cli, const char *name, size_t max, const char **out,
                                        fsm_error *err);

/* Adds a member; text NULL adds nothing. */
void cli_body_text(cli_body *body, const char *name, const char *text);
void cli_body_value(cli_body *body, const char *name, fsm_value value);

/* Posts and prints the answer. if_match: the ETag that must hold, NULL = any. */
FSM_MUST_USE fsm_code cli_command_do(cli_run *cli, const char *path, cli_body *body, const char *if_match,
                                     fsm_error *err);

#endif

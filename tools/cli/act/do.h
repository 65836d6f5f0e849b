/* do.h: what the commands that change instances share: their options, who is meant, the plan, the run, what
 * came of it.
 *
 * A command says what its deed is and which of its words are REFs (cli_tail); cli_do does the rest. One REF
 * is done at once and shown as one answer; a crowd (who.h) is planned, asked about, done some at a time
 * (bulk.h) and told item by item; exit 6 when it went partly. Without --idem a crowd gets a key of its own,
 * which the plan names; the key is the correlation, too, when none is given.
 */
#ifndef FSM_CLI_DO_H
#define FSM_CLI_DO_H

#include "tools/cli/act/deed.h"
#include "tools/cli/find/list.h"

/* Of every deed; before CLI_FILTER, whose --corr it takes the place of. */
/* clang-format off */
#define CLI_DO_ONE                                                                                     \
  {"idem", 0, "KEY", "idempotency key: repeating it does nothing twice", false},                       \
  {"corr", 0, "ID", "correlation id of what it writes; absent: made, of many the key", false},                      \
  {"expect-rev", 0, "N", "only while the instance's rev is N; of one REF", false},                     \
  {"dry-run", 0, NULL, "only tell what would be written", false},                                      \
  {"offline", 0, NULL, "on the files of a stopped daemon, under its lock", false},
#define CLI_DO_OPTIONS CLI_DO_ONE                                                                      \
  {"yes", 'y', NULL, "many: do not ask", false},                                                       \
  {"rate", 0, "N", "many: at most so many a second", false},                                           \
  {"limit", 0, "N", "of a FILTER: at most so many", false},
#define CLI_DO_REASON {"reason", 0, "TEXT", "why, for the record of it; needed", false},
#define CLI_DO_FILTER CLI_FILTER CLI_FILTER_STATUS
#define CLI_DO_MORE                                                                                    \
  "REF may be several, - (their ids on stdin, the first word of each line) or a FILTER, as of ls. Then " \
  "what is meant is shown first and asked about; -y says yes where nobody can be asked. By "           \
  "correlation: fsm-cli ls --corr ID -o id | fsm-cli ... -"
/* clang-format on */
#define CLI_DO_FORMATS (CLI_FORMATS_SHOW)

/* Which words are REFs. */
typedef enum cli_tail {
  CLI_TAIL_NONE, /* all */
  CLI_TAIL_LAST, /* all but the last: send, note */
  CLI_TAIL_REST  /* the first; with a FILTER none: force, set, retry, skip */
} cli_tail;

/* The words behind the REFs. */
FSM_MUST_USE fsm_code cli_do_words(cli_run *cli, cli_tail tail, size_t *refs, fsm_error *err);
/* --idem, --corr, --expect-rev, --dry-run and, with needs_reason, --reason into the deed. */
FSM_MUST_USE fsm_code cli_do_options(cli_run *cli, bool needs_reason, cli_deed *deed, fsm_error *err);
/* Options are read already; refs: so many of the words, from the first. */
FSM_MUST_USE fsm_code cli_do(cli_run *cli, const cli_deed *deed, size_t refs, fsm_error *err);
/* The whole run of a command whose words are REFs, with nothing but a reason: pause, resume, cancel. */
FSM_MUST_USE fsm_code cli_do_plain(cli_run *cli, fsm_command_kind kind, fsm_error *err);
/* The run of a command with words behind the REFs (CLI_TAIL_REST): `read` puts those from word `from` on into
 * the deed. missing: what to say when there are none, NULL = there may be none. */
typedef fsm_code (*cli_do_read)(cli_run *cli, size_t from, cli_deed *deed, fsm_error *err);
FSM_MUST_USE fsm_code cli_do_with(cli_run *cli, cli_deed *deed, cli_do_read read, const char *what,
                                  const char *missing, fsm_error *err);
/* A cli_do_read: one word at most, what a task or timer is called. */
FSM_MUST_USE fsm_code cli_do_name(cli_run *cli, size_t from, cli_deed *deed, fsm_error *err);
/* One, whose id or token is known; connected. */
FSM_MUST_USE fsm_code cli_do_one(cli_run *cli, const cli_deed *deed, const char *who, fsm_error *err);

/* do_show.c: an answer in words; and the records of a dry run, also of one that was refused. */
void cli_answer_print(cli_run *cli, const fsm_value *answer);
void cli_dry_print(cli_run *cli, const fsm_value *records);

#endif

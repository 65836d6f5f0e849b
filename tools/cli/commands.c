/* commands.c: the commands of fsm-cli and the options of them all.
 *
 * A new command is a name here (cli_NAME is its entry, in its file), in the order in which help lists those
 * of its heading; all else that is to be known of it stands in its entry.
 */
#include <string.h>

#include "tools/cli/cli.h"

/* clang-format off */
#define COMMANDS(X) \
  X(ls) X(stuck) X(search) X(actors) X(stats) X(funnel) X(heat) X(top)                         \
  X(why) X(events) X(get) X(log) X(diff) X(trace) X(cause)                                     \
  X(start) X(send) X(retry) X(skip) X(pause) X(resume) X(cancel) X(force) X(set) X(note)       \
  X(wait)                                                                                      \
  X(def_lint) X(def_diff) X(def_paths) X(def_graph) X(def_simulate) X(def_convert)             \
  X(def_deploy) X(def_retire) X(def_ls)                                                        \
  X(task_ls) X(task_get) X(task_claim) X(task_heartbeat) X(task_complete) X(task_fail) X(task_retry) X(timer_ls) X(timer_fire) \
  X(outbox_ls) X(outbox_lag) X(outbox_retry) X(outbox_resend) X(outbox_park) X(outbox_drop)    \
  X(outbox_clear) X(outbox_forget) X(route_ls) X(route_set) X(route_test) X(route_rm)          \
  X(audit_verify) X(audit_verify_stream) X(audit_head) X(audit_export) X(db_stat) X(db_check)  \
  X(db_backup) X(db_restore) X(db_rebuild) X(db_repair)                                        \
  X(health) X(check) X(token_mint) X(completion)
/* clang-format on */

#define X(name) extern const cli_command cli_##name;
COMMANDS(X)
#undef X

#define X(name) &cli_##name,
const cli_command *const cli_commands[] = {COMMANDS(X) NULL};
#undef X

const cli_option cli_global_options[] = {
    {"data", 0, "DIR", "data directory ($FSM_DB): its daemon, or its files", false},
    {"socket", 0, "PATH", "the daemon's unix socket", false},
    {"url", 0, "URL", "the daemon's address ($FSM_URL), http://127.0.0.1:PORT or https://…", false},
    {"ca-file", 0, "FILE", "who signs it, PEM ($FSM_CA_FILE); default: whom the system trusts", false},
    {"token-file", 0, "FILE", "bearer token to send ($FSM_TOKEN holds one itself)", false},
    {"people", 0, "FILE", "who may act, for the files of a stopped daemon; a running one has its own", false},
    {"archive-dir", 0, "DIR", "segments that were archived, for the past in the files of a stopped daemon", false},
    {"profile", 'p', "NAME", "settings by name ($FSM_PROFILE), a file in ~/.config/fsmd/profiles.d", false},
    {"timeout", 0, "DUR", "how long to wait for an answer; 30s", false},
    {"output", 'o', "FORMAT", "table, wide, json, jsonl, csv, id or tree", false},
    {"raw", 0, NULL, "-o csv: cells as they are, also what a spreadsheet takes for a formula", false},
    {"quiet", 'q', NULL, "no footer and no progress on stderr", false},
    {"lang", 0, "LANG", "labels in this language, none: names only; else as $LC_ALL, $LC_MESSAGES, $LANG",
     false},
    {"watch", 'w', "[DUR]", "again every 2s, or every DUR", false},
    {"no-pager", 0, NULL, "no pager on a terminal; else $FSM_PAGER, $PAGER or less", false},
    {"no-color", 0, NULL, "no colour on a terminal ($NO_COLOR)", false},
    {"version", 0, NULL, "versions, and exit", false},
    {"help", 'h', NULL, "this, and exit", false},
    {NULL, 0, NULL, NULL, false}};

const cli_command *cli_find(const char *group, const char *name) {
  for (const cli_command *const *command = cli_commands; *command != NULL; command++)
    if (strcmp((*command)->group, group) == 0 && strcmp((*command)->name, name) == 0) return *command;
  return NULL;
}

const char *cli_find_group(const char *name) {
  for (const cli_command *const *command = cli_commands; *command != NULL; command++)
    if (*name != 0 && strcmp((*command)->group, name) == 0) return (*command)->group;
  return NULL;
}

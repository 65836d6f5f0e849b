/* cli.h: what a command is, and what it is given when it runs.
 *
 * One command is one file cmd_x.c with one entry; help, usage errors and option parsing come from the
 * entry. A command appends what it prints to cli->text and flushes it: data to stdout, all else to
 * stderr. It returns a code and leaves the sentence in *err; main prints the fault and picks the exit
 * status by fsm_code_exit.
 */
#ifndef FSM_CLI_CLI_H
#define FSM_CLI_CLI_H

#include "schema/json.h"
#include "tools/cli/args.h"
#include "tools/cli/settings.h"
#include "tools/cli/show/labels.h"
#include "tools/cli/show/outlet.h"
#include "tools/cli/show/output.h"
#include "tools/cli/show/screen.h"
#include "tools/cli/show/text.h"
#include "tools/cli/source.h"

/* Under what the help lists a command, in its order. Their titles: topics.c. */
typedef enum cli_heading {
  CLI_FIND,
  CLI_EXPLAIN,
  CLI_DO,
  CLI_DEFINITIONS,
  CLI_TASKS,
  CLI_PUBLISHING,
  CLI_DATA,
  CLI_OTHER,
  CLI_HEADING_COUNT
} cli_heading;

typedef struct cli_command {
  const char *group; /* "def", or "" */
  cli_heading heading;
  const char *name;
  const char *words;   /* as the usage line shows them: "REF EVENT" */
  const char *summary; /* one line */
  const char *more;    /* paragraphs for its own help, NULL = none */
  const cli_option *options;
  const char *not_here, *instead; /* "--reason", which others have, and what is meant by it here; or NULL */
  const char *const *examples;    /* arguments of fsm-cli, NULL-terminated */
  size_t words_min, words_max;
  unsigned formats; /* a set of output.h; 0 = CLI_FORMATS_PLAIN */
  bool reads;       /* it changes nothing and may be run again and again: -w */
  fsm_code (*run)(cli_run *cli, fsm_error *err);
  /* Tells a fault in its own way and returns the exit status; NULL = as all others do. */
  int (*fault)(cli_run *cli, const fsm_error *err);
} cli_command;

struct cli_run { /* one run of the program */
  cli_args args;
  cli_profile profile;
  const cli_command *command;
  cli_screen screen; /* of stdout */
  cli_format format;
  bool json;         /* json or jsonl: faults are documents too */
  bool raw;          /* --raw: cells of csv as they are */
  bool quiet;        /* -q: no footer, no progress */
  int64_t began_ns;  /* on the monotonic clock */
  fsm_arena arena;   /* for the whole run */
  fsm_buf text;      /* not yet printed */
  cli_outlet outlet; /* where it goes */
  cli_labels labels; /* what states and events are called */
  fsm_buf footer;    /* for stderr, when all is printed */
  cli_source source;
  cli_place place;  /* where source is, once connected */
  int exit;         /* the exit status that a command wants; 0 = that of its code */
  int64_t hasty_ns; /* how long an answer may take when nobody waits for it; 0 = as --timeout says */
  bool connecting;  /* the words were right: what is wrong now is no matter of usage */
  char *const *argv;
  bool progress;   /* stands on stderr (output.h) */
  bool left;       /* the pager was left before its end: all is well */
  bool hung_up;    /* the reader of stdout went away: nothing is printed any more, nobody is told */
  const char *ref; /* the instance it is about, for hints; NULL = none */
  void *own;       /* the command's */
  const char *cut; /* what came behind the … of a cut id; NULL = nothing */
};

/* All commands in the order of the help, NULL-terminated. */
extern const cli_command *const cli_commands[];
extern const cli_option cli_global_options[];

/* A command by its group ("") and name; a group by its name; NULL = there is none. */
const cli_command *cli_find(const char *group, const char *name);
const char *cli_find_group(const char *name);

/* Finds the daemon or the files, into cli->source. */
FSM_MUST_USE fsm_code cli_connect(cli_run *cli, bool writes, fsm_error *err);
/* Writes cli->text to stdout and empties it. FSM_EIO: stdout does not take it; when its reader
 * went away (`| head`) cli->hung_up is set too and there is no sentence. */
FSM_MUST_USE fsm_code cli_flush(cli_run *cli, fsm_error *err);
/* A document as JSON: indented on a terminal, one line elsewhere and with -o jsonl. */
FSM_MUST_USE fsm_code cli_print_json(cli_run *cli, const fsm_value *document, fsm_error *err);
/* "label:       value" when value is not empty. Value must be escaped (text.h). */
void cli_print_line(cli_run *cli, const char *label, const char *value);
/* The same, continued under the value where a terminal's line ends: states. */
void cli_print_states(cli_run *cli, const char *label, const char *value);
/* "a, b → c": the leaves that were left and entered. What both have is not told. */
const char *cli_change(fsm_arena *arena, const fsm_value *from, const fsm_value *to);
/* The leaves that were entered; all of `to` when nothing has changed. */
fsm_value cli_entered(fsm_arena *arena, const fsm_value *from, const fsm_value *to);
/* Those that both have, "" when nothing was left. */
const char *cli_unmoved(fsm_arena *arena, const fsm_value *from, const fsm_value *to);

/* A word that names an instance, into cli->ref. Of an id with … in it, as a narrow table shows one, the part
 * before it, which has to name one instance alone. */
FSM_MUST_USE fsm_code cli_ref(cli_run *cli, const char *word, fsm_error *err);
/* Connected: is the id of that instance the one that was cut? Asks only when there is something to ask. */
FSM_MUST_USE fsm_code cli_ref_check(cli_run *cli, fsm_error *err);
/* The document of one query by ref. */
FSM_MUST_USE fsm_code cli_about(cli_run *cli, fsm_query_kind kind, fsm_value *out, fsm_error *err);
/* The same of a query that says more. */
FSM_MUST_USE fsm_code cli_about_query(cli_run *cli, fsm_query query, fsm_value *out, fsm_error *err);

/* help.c */
void cli_help(const cli_command *command, const char *group, fsm_buf *out);
void cli_usage(const cli_command *command, fsm_buf *out);
/* The commands under a heading. */
void cli_help_heading(cli_heading heading, fsm_buf *out);
/* fault.c: the fault of a command, with what a refusal saw and what to do next, on stderr. */
void cli_fault(const cli_run *cli, const fsm_error *err);
/* The same into *out. */
void cli_fault_add(const cli_run *cli, const fsm_error *err, fsm_buf *out);

#endif

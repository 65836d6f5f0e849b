/* args.h: the words of a command line, against tables of options.
 *
 * `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, `--` ends the options, a lone `-` is a word.
 * Flags are not bundled. An option that takes a span or nothing takes the next word when that is one (5s,
 * 500ms, 2m). Everything points into argv.
 */
#ifndef FSM_CLI_ARGS_H
#define FSM_CLI_ARGS_H

#include "fsm/code.h"

typedef struct cli_option {
  const char *name;  /* without the dashes; NULL ends a table */
  char letter;       /* 0 = none */
  const char *value; /* what it takes, as help shows it ("DUR"); NULL = a flag; "[DUR]": a span, or nothing */
  const char *help;
  bool repeats;
} cli_option;

enum { CLI_OPTIONS_MAX = 64, CLI_WORDS_MAX = 1024 };

typedef struct cli_args {
  struct {
    const cli_option *option;
    const char *value; /* "" for a flag */
  } options[CLI_OPTIONS_MAX];
  size_t option_count;
  const char *words[CLI_WORDS_MAX];
  size_t word_count;
} cli_args;

/* Reads on from argv[*at]. stop_at_word: returns at the first word, with *at on it. own may be NULL;
 * its options come before those of global. FSM_EARGUMENT names the word and, when there is one that
 * is near, the option that may have been meant. */
FSM_MUST_USE fsm_code cli_args_parse(cli_args *args, const cli_option *own, const cli_option *global,
                                     char *const *argv, int *at, bool stop_at_word, fsm_error *err);

/* The value of --name, NULL when it was not given. */
const char *cli_args_get(const cli_args *args, const char *name);
bool cli_args_has(const cli_args *args, const char *name);
/* The same where two tables have the name: only the option of this table. */
const char *cli_args_from(const cli_args *args, const cli_option *table, const char *name);
/* The index-th value of a repeated --name, NULL behind the last. */
const char *cli_args_nth(const cli_args *args, const char *name, size_t index);
/* A number from min to max, or if_absent. */
FSM_MUST_USE fsm_code cli_args_number(const cli_args *args, const char *name, int64_t min, int64_t max,
                                      int64_t if_absent, int64_t *out, fsm_error *err);

#endif

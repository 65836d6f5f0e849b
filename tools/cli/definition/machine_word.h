/* machine_word.h: a machine as a word of a command: a file in either notation, or what is deployed, as
 * MACHINE (its newest version) or MACHINE@VERSION. A word that is the path of a file, or has a / or a . in
 * it, or is -, is a file. */
#ifndef FSM_CLI_MACHINE_WORD_H
#define FSM_CLI_MACHINE_WORD_H

#include "tools/cli/cli.h"
#include "tools/cli/definition/machine_file.h"

typedef struct cli_machine_word {
  const char *name;      /* as it is shown: the path, "stdin", "loan@3" */
  const char *path;      /* of a file, as it was written */
  bool deployed;         /* its text is what is stored: one line, without the places of a file */
  uint32_t version;      /* deployed */
  const char *hash;      /* deployed; NULL otherwise */
  fsm_buf text;          /* the source */
  cli_machine_file file; /* its tree and machine */
} cli_machine_word;

/* A word that names what is deployed connects. Faults are those of the file, of the connection, or
 * FSM_EMACHINE. */
/* Only the text. */
FSM_MUST_USE fsm_code cli_machine_word_read(cli_run *cli, const char *word, cli_machine_word *out,
                                            fsm_error *err);
/* The rest, of a text that was read. */
FSM_MUST_USE fsm_code cli_machine_word_load(cli_machine_word *word, fsm_error *err);
FSM_MUST_USE fsm_code cli_machine_word_open(cli_run *cli, const char *word, cli_machine_word *out,
                                            fsm_error *err);
void cli_machine_word_close(cli_machine_word *word);

#endif

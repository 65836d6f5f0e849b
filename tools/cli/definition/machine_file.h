/* machine_file.h: a machine from a file in either notation: JSON, or SCXML when it begins with <. */
#ifndef FSM_CLI_MACHINE_FILE_H
#define FSM_CLI_MACHINE_FILE_H

#include "schema/definition.h"
#include "schema/scxml.h"

typedef struct cli_machine_file {
  const char *path; /* borrowed */
  fsm_arena arena;  /* of the tree */
  const fsm_def *def;
  const fsm_machine *machine;
  fsm_definition *definition; /* JSON: checks data against schemas; else NULL */
  fsm_machine *compiled;      /* SCXML: what machine points at; else NULL */
} cli_machine_file;

/* path "-" is stdin. A fault of the file's content names the path and then the place in it, and is never
 * one of usage. What an SCXML document names by src is read from the document's folder and below. */
FSM_MUST_USE fsm_code cli_machine_file_load(const char *path, cli_machine_file *out, fsm_error *err);
/* The same from a text, for content that a machine makes; path only names it in faults. */
FSM_MUST_USE fsm_code cli_machine_text_load(const char *path, const char *text, size_t len,
                                            cli_machine_file *out, fsm_error *err);
void cli_machine_file_free(cli_machine_file *file);

#endif

/* coverage.h: which transitions and paths of a deployed machine its recorded instances took. */
#ifndef FSM_CLI_COVERAGE_H
#define FSM_CLI_COVERAGE_H

#include "fsm/paths.h"
#include "tools/cli/definition/machine_word.h"

enum {
  CLI_COVERAGE_INSTANCES_MAX = 100000,
  CLI_COVERAGE_MOVES_MAX = 64
}; /* moves: of one instance; longer ones
      are on no path */

typedef struct cli_coverage {
  uint64_t *transitions; /* per transition: times it was taken */
  uint64_t *paths;       /* per path: instances that took it, and nothing else */
  uint64_t records, instances;
  bool whole; /* false: more instances than are followed; transitions are counted all the same */
} cli_coverage;

/* Reads all records of that version. Follows the pages, with a note on stderr when that takes long. */
FSM_MUST_USE fsm_code cli_coverage_read(cli_run *cli, const cli_machine_word *word,
                                        const fsm_exploration *seen, const fsm_paths *paths,
                                        cli_coverage *out, fsm_error *err);

#endif

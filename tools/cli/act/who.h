/* who.h: the instances that a command is about: a REF, many of them, those on stdin (-), or a FILTER.
 *
 * One REF is one; whatever may be many (several words, -, a FILTER) is a crowd, even of one: it is shown
 * first and asked about (plan.h). All are looked up before the first is touched, in the order they were
 * named, each once. Of those that were named and are not there the fault is kept, so that one does not stop
 * the others; a FILTER's are of one reading after another, as `ls --all` has them.
 *
 * Limits: CLI_WHO_MAX instances, CLI_WHO_STDIN_MAX bytes of stdin, of a line the first word. In memory an
 * instance is its id and 40 bytes: a million is some 100 MB.
 */
#ifndef FSM_CLI_WHO_H
#define FSM_CLI_WHO_H

#include "tools/cli/cli.h"

enum { CLI_WHO_MAX = 1000000, CLI_WHO_STDIN_MAX = 64 * 1024 * 1024, CLI_WHO_SHARED = 256 };

typedef struct cli_one {
  const char *id;                       /* as it was named, when there is a fault */
  const char *machine, *state, *status; /* NULL with a fault; state: its leaves */
  const fsm_error *fault;               /* NULL: it is there */
} cli_one;

typedef struct cli_who {
  const char *const *words; /* REFs of the command line */
  size_t word_count;
  bool filtered, crowd;
  cli_one *ones; /* their texts are in the arena of the run */
  size_t count, room;
  const char *lately[CLI_WHO_SHARED]; /* texts that many have alike, by their hash */
} cli_who;

/* Was FILTER given? */
bool cli_who_filtered(const cli_run *cli);
/* From the words of the command line; nothing is asked yet. FSM_EARGUMENT: none, or both ids and FILTER. */
FSM_MUST_USE fsm_code cli_who_read(cli_run *cli, const char *const *words, size_t count, cli_who *out,
                                   fsm_error *err);
/* Connected: looks all up. A single REF that is not there is a fault. Freed whatever came of it. */
FSM_MUST_USE fsm_code cli_who_find(cli_run *cli, cli_who *who, fsm_error *err);
void cli_who_free(cli_who *who);

#endif

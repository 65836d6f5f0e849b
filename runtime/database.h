/* database.h: looking after a data directory: what it holds, is it whole, copies of it, and what to do when
 * it is damaged. fsm-cli's group `db` and the daemon's /v1/db use no other.
 *
 * Calls with a runtime work while it serves (any thread but the writer's and a callback's; they read files
 * and may take long) and on one that is open for reading. Calls with a directory need it stopped: they take
 * its lock and give FSM_ELOCKED when somebody has it. Answers are documents in the caller's arena;
 * runtime/README.md shows each. What changes a directory is told in its journal: a record of kind `epoch`
 * (restore, a cut), `repaired` or `admin`, with actor and reason.
 */
#ifndef FSM_RUNTIME_DATABASE_H
#define FSM_RUNTIME_DATABASE_H

#include "runtime/fsm_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who has it done, and why; for the record. NULL: not said. */
typedef struct fsm_database_order {
  const char *actor, *reason;
  bool yes;         /* repair: do it; else only say what would be done */
  bool accept_loss; /* repair: cut records that cannot be had back; needs a reason */
} fsm_database_order;

/* Sizes, segments, seqs, rows, snapshots. Counts every row: reads the whole store. */
FSM_API FSM_MUST_USE fsm_code fsm_runtime_stat(fsm_runtime *runtime, fsm_arena *arena, fsm_value *out,
                                               fsm_error *err);
/* Everything that can be proved: journal chain, store against replay, snapshots, cursors. FSM_OK also when
 * something is damaged: {ok: false, findings: [{what, where?, state: ok | damaged, text}]}. */
FSM_API FSM_MUST_USE fsm_code fsm_runtime_check(fsm_runtime *runtime, fsm_arena *arena, fsm_value *out,
                                                fsm_error *err);
/* A snapshot and all of the journal that is kept, with a manifest of hashes, in dir: absolute, made (0700)
 * when it is missing, else empty. verify: the copy is read again, loaded and compared with the live rows. */
FSM_API FSM_MUST_USE fsm_code fsm_runtime_backup(fsm_runtime *runtime, const char *dir, bool verify,
                                                 fsm_arena *arena, fsm_value *out, fsm_error *err);

/* The same of a stopped directory, also of one that does not open. */
FSM_API FSM_MUST_USE fsm_code fsm_database_check(const char *dir, fsm_arena *arena, fsm_value *out,
                                                 fsm_error *err);
/* A new data directory from a backup; dir must be missing or empty. It goes on in a new epoch, from a record
 * that names where it forked off. */
FSM_API FSM_MUST_USE fsm_code fsm_database_restore(const char *backup, const char *dir,
                                                   const fsm_database_order *order, fsm_arena *arena,
                                                   fsm_value *out, fsm_error *err);
/* The store anew, from the newest verified snapshot (else the oldest that fits, else all of the journal) and
 * the journal. The old store is moved aside until the new one is in place. */
FSM_API FSM_MUST_USE fsm_code fsm_database_rebuild(const char *dir, const fsm_database_order *order,
                                                   fsm_arena *arena, fsm_value *out, fsm_error *err);
/* What is damaged, which records cannot be trusted, and what is to be done; with order->yes, does it. Not
 * done: nothing was changed. What is cut is moved aside, never removed: journal/0/damaged-…,
 * snapshots/damaged-…. What loses records that were acknowledged needs order->accept_loss and a reason; the
 * `repaired` record names them. The store is looked at in a process of its own (fork), for damage may end
 * that. */
FSM_API FSM_MUST_USE fsm_code fsm_database_repair(const char *dir, const fsm_database_order *order,
                                                  fsm_arena *arena, fsm_value *out, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif

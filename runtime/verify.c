/* verify.c: is the log whole, and is the store what the log says?
 *
 * First the journal on its own: checksums, numbers, the hash chain, from the floor on. Then the store against
 * a replay of it (verify.h), from nothing or, where the journal was pruned, from the oldest snapshot kept.
 * Nothing of the data is written, and no transaction stays open, so it may run for as long as it takes. */
#include "runtime/verify.h"

#include <string.h>
#include <time.h>

#include "runtime/runtime_impl.h"
#include "runtime/snapshot.h"

/* Gives the writer a moment to bring the store up to the journal, so that the comparison says all there is to
 * say; what it does not reach is compared the next time. */
static fsm_code settle(fsm_runtime *runtime, uint64_t *applied, fsm_error *err) {
  enum { TRIES = 100, TRY_MS = 10 };
  const uint64_t wanted = fsm__journal_durable_seq(fsm__runtime_journal(runtime));
  fsm__runtime_want_round(runtime);
  for (int i = 0; i < TRIES; i++) {
    fsm__snapshot_reader *reader = NULL;
    fsm_code code = fsm__store_snapshot(fsm__runtime_store(runtime), &reader, applied, err);
    if (code != FSM_OK) return code;
    fsm__snapshot_close(reader);
    if (*applied >= wanted || fsm__runtime_read_only(runtime)) break;
    if (fsm__runtime_manual(runtime))
      (void)fsm__runtime_turn_writer(runtime);
    else
      nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000}, NULL);
  }
  return FSM_OK;
}

static fsm_code check_store(fsm_runtime *runtime, fsm_verified *out, fsm_error *err) {
  fsm__journal *journal = fsm__runtime_journal(runtime);
  fsm__path dir, base;
  fsm__compared compared;
  uint64_t applied = 0;
  fsm_code code = settle(runtime, &applied, err);
  if (code == FSM_OK) code = fsm__path_of(&dir, err, "%s/" FSM_SNAPSHOT_DIR, fsm__runtime_dir(runtime));
  for (bool again = true; code == FSM_OK && again;) {
    code = fsm__verify_base(dir.text, journal, applied, &base, err);
    if (code != FSM_OK) return code;
    const char *from = base.text[0] != '\0' ? base.text : NULL;
    code = fsm__verify_store(fsm__runtime_store(runtime), journal, from, NULL, &compared, err);
    again = code != FSM_OK && from != NULL && !fsm__path_exists(from); /* retention let it go meanwhile */
    if (again) code = FSM_OK;
  }
  if (code != FSM_OK) return code;
  out->rows = compared.rows;
  out->seq = compared.seq;
  return code;
}

fsm_code fsm_runtime_verify(fsm_runtime *runtime, fsm_verified *out, fsm_error *err) {
  *out = (fsm_verified){.records = 0};
  fsm__journal *journal = fsm__runtime_journal(runtime);
  fsm__journal_check check;
  fsm__journal_pin(journal);
  fsm_code code = fsm__journal_verify(journal, &check, err);
  if (code == FSM_OK) {
    out->records = check.records;
    out->segments = check.segments;
    memcpy(out->head, check.head.bytes, sizeof out->head);
    code = check_store(runtime, out, err);
  }
  fsm__journal_unpin(journal);
  return code;
}

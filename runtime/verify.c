/* verify.c: is the log whole, and is the store what the log says?
 *
 * First the journal on its own: checksums, numbers, the hash chain. Then a replay of it into a
 * scratch store, compared with a committed snapshot of the real one, every table row for row (the
 * comparison rule of DESIGN 6). The snapshot is opened only when the replay has caught up with it, so
 * that it is short. Nothing of the data is written. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core.h"
#include "runtime/runtime_impl.h"

enum { SCRATCH_ROUND_BYTES = 32 * 1024 * 1024 };

typedef struct scratch {
  char path[256];
  fsm__store *store;
  fsm__catalog *catalog;
  fsm__core position;
} scratch;

static void scratch_remove(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) (void)unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
  (void)rmdir(path);
}

static void scratch_close(scratch *s) {
  fsm__catalog_free(s->catalog);
  if (s->store != NULL) fsm__store_close(s->store);
  if (s->path[0] != '\0') scratch_remove(s->path);
}

static fsm_code scratch_open(scratch *s, const uint8_t store_id[16], fsm_error *err) {
  const char *tmp = getenv("TMPDIR");
  snprintf(s->path, sizeof s->path, "%s/fsm-verify-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  if (mkdtemp(s->path) == NULL) {
    char wanted[256];
    snprintf(wanted, sizeof wanted, "%s", s->path);
    s->path[0] = '\0';
    return fsm_fail(err, FSM_EIO, wanted, "no scratch directory can be made to replay into (see TMPDIR)");
  }
  fsm_code code = fsm__store_open(
      &(fsm__store_options){.dir = s->path, .scratch = true, .new_store_id = store_id}, &s->store, err);
  return code == FSM_OK ? fsm__catalog_open(s->store, &s->catalog, err) : code;
}

static fsm_code scratch_replay(scratch *s, fsm__journal *journal, uint64_t to, fsm_error *err) {
  if (to <= s->position.seq) return FSM_OK;
  fsm_code code = fsm__replay(journal, s->store, s->catalog, s->position.seq + 1, to, SCRATCH_ROUND_BYTES,
                              &s->position, err);
  if (code == FSM_OK && s->position.seq != to)
    code = fsm_fail(err, FSM_EVERIFY, "journal", "a replay ends at seq %llu, the store is at %llu",
                    (unsigned long long)s->position.seq, (unsigned long long)to);
  return code == FSM_OK ? fsm__store_round(s->store, s->position.seq, &s->position.leaf, err) : code;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static fsm_code differs(fsm__table table, const fsm__row *row, const char *how, fsm_error *err) {
  char hex[2 * 48 + 1], where[FSM_WHERE_MAX];
  fsm__hex(row->key, row->key_len < 48 ? row->key_len : 48, hex);
  snprintf(where, sizeof where, "store: %s: %s", fsm__table_name(table), hex);
  return fsm_fail(err, FSM_EVERIFY, where, "%s", how);
}

static fsm_code compare_table(fsm__snapshot_reader *store, fsm__snapshot_reader *replay, fsm__table table,
                              uint64_t *rows, fsm_error *err) {
  for (;;) {
    fsm__row ours, theirs;
    bool have = false, want = false;
    fsm_code code = fsm__snapshot_next(store, table, &ours, &have, err);
    if (code == FSM_OK) code = fsm__snapshot_next(replay, table, &theirs, &want, err);
    if (code != FSM_OK) return code;
    if (!have && !want) return FSM_OK;
    if (!have) return differs(table, &theirs, "the journal gives a row that the store does not have", err);
    if (!want) return differs(table, &ours, "the store has a row that the journal does not give", err);
    if (ours.key_len != theirs.key_len || memcmp(ours.key, theirs.key, ours.key_len) != 0)
      return differs(table, &ours, "the store and a replay of the journal have different keys here", err);
    if (ours.value_len != theirs.value_len || memcmp(ours.value, theirs.value, ours.value_len) != 0)
      return differs(table, &ours, "the store and a replay of the journal have different values here", err);
    (*rows)++;
  }
}

/* The store keeps the leaf of the record it is at: it vouches for the last link of the chain, which no later
 * record does. */
static fsm_code compare_leaf(fsm__snapshot_reader *store, const scratch *s, fsm_error *err) {
  fsm__hash leaf;
  fsm_code code = fsm__snapshot_leaf(store, &leaf, err);
  if (code != FSM_OK || s->position.seq == 0 || memcmp(&leaf, &s->position.leaf, sizeof leaf) == 0)
    return code;
  return fsm_fail(err, FSM_EVERIFY, "journal", "record %llu is not the one that the store was made from",
                  (unsigned long long)s->position.seq);
}

static fsm_code compare(fsm__snapshot_reader *store, scratch *s, uint64_t *rows, fsm_error *err) {
  fsm__snapshot_reader *replay = NULL;
  uint64_t applied = 0;
  fsm_code code = compare_leaf(store, s, err);
  if (code == FSM_OK) code = fsm__store_snapshot(s->store, &replay, &applied, err);
  for (unsigned t = 0; code == FSM_OK && t < FSM_TABLE_COUNT; t++)
    code = compare_table(store, replay, (fsm__table)t, rows, err);
  if (replay != NULL) fsm__snapshot_close(replay);
  return code;
}

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
    nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000}, NULL);
  }
  return FSM_OK;
}

/* Replays to where the store was, pins a snapshot, replays the little that came meanwhile, compares. */
static fsm_code check_store(fsm_runtime *runtime, scratch *s, fsm_verified *out, fsm_error *err) {
  fsm__journal *journal = fsm__runtime_journal(runtime);
  fsm__snapshot_reader *reader = NULL;
  uint64_t applied = 0;
  fsm_code code = settle(runtime, &applied, err);
  if (code != FSM_OK) return code;
  code = scratch_replay(s, journal, applied, err);
  if (code == FSM_OK) code = fsm__store_snapshot(fsm__runtime_store(runtime), &reader, &applied, err);
  if (code == FSM_OK) code = scratch_replay(s, journal, applied, err);
  if (code == FSM_OK) code = compare(reader, s, &out->rows, err);
  if (reader != NULL) fsm__snapshot_close(reader);
  out->seq = applied;
  return code;
}

fsm_code fsm_runtime_verify(fsm_runtime *runtime, fsm_verified *out, fsm_error *err) {
  *out = (fsm_verified){.records = 0};
  fsm__journal_check check;
  fsm_code code = fsm__journal_verify(fsm__runtime_journal(runtime), &check, err);
  if (code != FSM_OK) return code;
  out->records = check.records;
  out->segments = check.segments;
  memcpy(out->head, check.head.bytes, sizeof out->head);
  scratch s = {.path = ""};
  code = scratch_open(&s, fsm__runtime_origin(runtime).store, err);
  if (code == FSM_OK) code = check_store(runtime, &s, out, err);
  scratch_close(&s);
  return code;
}

/* backup_read.c: see backup_read.h. */
#include "runtime/backup_read.h"

#include <string.h>

#include "runtime/database_impl.h"
#include "runtime/manifest.h"
#include "runtime/scratch.h"

typedef struct reading {
  fsm__path journal, snapshot;
  uint8_t store[16];
  uint64_t from; /* the snapshot's seq */
} reading;

bool fsm__backup_here(const char *dir) {
  fsm__path manifest, store;
  return fsm__path_of(&manifest, NULL, "%s/" FSM_MANIFEST_NAME, dir) == FSM_OK &&
         fsm__path_of(&store, NULL, "%s/store", dir) == FSM_OK && fsm__path_exists(manifest.text) &&
         !fsm__path_exists(store.text);
}

static fsm_code read_manifest(const char *dir, reading *r, fsm_error *err) {
  fsm_buf manifest = {0};
  fsm__path snapshots;
  uint64_t format = 0;
  fsm_code code = fsm__manifest_load(dir, &manifest, err);
  const char *text = code == FSM_OK ? manifest.data : "";
  if (code == FSM_OK && (!fsm__manifest_get_u64(text, "fsm-backup", &format) ||
                         !fsm__manifest_get_hex(text, "store", r->store, sizeof r->store) ||
                         !fsm__manifest_get_u64(text, "snapshot", &r->from)))
    code = fsm_fail(err, FSM_ECORRUPT, dir, "the backup is damaged: its manifest is not whole");
  if (code == FSM_OK && format != 1)
    code = fsm_fail(err, FSM_EVERSION, dir, "the backup is of format %llu, this program reads 1",
                    (unsigned long long)format);
  if (code == FSM_OK) code = fsm__path_of(&r->journal, err, "%s/journal/0", dir);
  if (code == FSM_OK) code = fsm__path_of(&snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code == FSM_OK) code = fsm__snapshot_path(snapshots.text, r->from, &r->snapshot, err);
  fsm_buf_free(&manifest);
  return code;
}

/* All of the backup's journal into the scratch store, and that onto the disk. */
static fsm_code make_store(const reading *r, fsm__scratch *scratch, fsm_error *err) {
  fsm__journal *journal = NULL;
  fsm__journal_options options = {.dir = r->journal.text, .read_only = true};
  memcpy(options.origin.store, r->store, sizeof r->store);
  fsm_code code = fsm__journal_open(&options, &journal, NULL, err);
  if (code == FSM_OK) code = fsm__scratch_open(scratch, r->store, r->snapshot.text, journal, err);
  if (code == FSM_OK) code = fsm__scratch_replay(scratch, journal, fsm__journal_durable_seq(journal), err);
  if (code == FSM_OK)
    code = fsm__store_round(scratch->store, scratch->position.seq, &scratch->position.leaf, err);
  fsm__journal_close(journal);
  return code;
}

fsm_code fsm__backup_store(const char *dir, fsm__store **out, fsm_error *err) {
  reading r;
  fsm__scratch scratch = {.store = NULL};
  fsm_code code = read_manifest(dir, &r, err);
  if (code == FSM_OK) code = make_store(&r, &scratch, err);
  if (code == FSM_OK) {
    *out = scratch.store;
    scratch.store = NULL;
  }
  fsm__scratch_close(
      &scratch); /* the store that is open holds its files, though they have no name any more */
  return code;
}

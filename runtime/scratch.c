/* scratch.c: see scratch.h. */
#include "runtime/scratch.h"

#include <stdlib.h>

#include "runtime/snapshot.h"

enum { ROUND_BYTES = 32 * 1024 * 1024 };

fsm_code fsm__scratch_open(fsm__scratch *scratch, const uint8_t store_id[16], const char *snapshot,
                           fsm__journal *journal, fsm_error *err) {
  const char *tmp = getenv("TMPDIR");
  fsm__path wanted;
  fsm_code code = fsm__path_of(&wanted, err, "%s/fsm-verify-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  if (code != FSM_OK) return code;
  if (mkdtemp(wanted.text) == NULL)
    return fsm_fail(err, FSM_EIO, wanted.text,
                    "no scratch directory can be made to replay into (see TMPDIR)");
  scratch->path = wanted;
  code = fsm__store_open(
      &(fsm__store_options){.dir = scratch->path.text, .scratch = true, .new_store_id = store_id},
      &scratch->store, err);
  if (code != FSM_OK) return code;
  if (snapshot == NULL) return fsm__catalog_open(scratch->store, &scratch->catalog, err);
  return fsm__snapshot_load(snapshot, journal, scratch->store, &scratch->catalog, &scratch->position, err);
}

fsm_code fsm__scratch_replay(fsm__scratch *scratch, fsm__journal *journal, uint64_t to, fsm_error *err) {
  if (to <= scratch->position.seq) return FSM_OK;
  fsm_code code = fsm__replay(journal, scratch->store, scratch->catalog, scratch->position.seq + 1, to,
                              ROUND_BYTES, &scratch->position, err);
  if (code == FSM_OK && scratch->position.seq != to)
    code = fsm_fail(err, FSM_EVERIFY, "journal", "a replay ends at seq %llu, the store is at %llu",
                    (unsigned long long)scratch->position.seq, (unsigned long long)to);
  return code;
}

void fsm__scratch_close(fsm__scratch *scratch) {
  fsm__catalog_free(scratch->catalog);
  if (scratch->store != NULL) fsm__store_close(scratch->store);
  if (scratch->path.text[0] != '\0') fsm__tree_remove(scratch->path.text);
}

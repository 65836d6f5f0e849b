/* bench_journal.c: records per second through the proofs: the hash chain from the first byte on, and a replay
 * into an empty store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "runtime/core.h"

enum { SMALL = 10000 };

static ring *filled(const char *dir) {
  ring *r = ring_new(dir, SMALL);
  (void)ring_run(r, 256, SPREAD_EVEN, 3);
  return r;
}

/* Raw: one SHA-256 over as many bytes a record. */
static double raw_hash(size_t bytes) {
  char *data = malloc(bytes + 1);
  if (data == NULL) give_up("no memory");
  memset(data, 'x', bytes);
  enum { ROUNDS = 200000 };
  double begin = now_s();
  uint8_t sum = 0;
  for (unsigned i = 0; i < ROUNDS; i++) {
    data[0] = (char)sum;
    sum ^= fsm__sha256(data, bytes).bytes[0];
  }
  double end = now_s();
  free(data);
  return ROUNDS / (end - begin);
}

sample verify_chain(const char *dir, double seconds) {
  (void)seconds;
  ring *r = filled(dir);
  fsm__journal *journal = fsm__runtime_journal(ring_runtime(r));
  fsm__journal_stats stats;
  fsm__journal_check check;
  fsm_error err;
  fsm__journal_stats_get(journal, &stats);
  double begin = now_s();
  if (fsm__journal_verify(journal, &check, &err) != FSM_OK) give_up("%s: %s", err.where, err.text);
  sample s = {.value = (double)check.records / (now_s() - begin)};
  s.raw = raw_hash((size_t)(stats.bytes / (stats.records ? stats.records : 1)));
  ring_free(r);
  return s;
}

sample replay(const char *dir, double seconds) {
  (void)seconds;
  ring *r = filled(dir);
  fsm__core position = {.seq = 0};
  fsm__store *store = NULL;
  fsm__catalog *catalog = NULL;
  fsm_error err;
  char path[600];
  const fsm_origin origin = fsm__runtime_origin(ring_runtime(r));
  snprintf(path, sizeof path, "%s/scratch", dir);
  fsm_code code = fsm__store_open(
      &(fsm__store_options){.dir = path, .scratch = true, .new_store_id = origin.store}, &store, &err);
  if (code == FSM_OK) code = fsm__catalog_open(store, &catalog, &err);
  double begin = now_s();
  if (code == FSM_OK)
    code = fsm__replay(fsm__runtime_journal(ring_runtime(r)), store, catalog, 1, 0, (size_t)32 << 20,
                       &position, &err);
  if (code != FSM_OK) give_up("%s: %s", err.where, err.text);
  sample s = {.value = (double)position.seq / (now_s() - begin)};
  fsm__catalog_free(catalog);
  fsm__store_close(store);
  ring_free(r);
  return s;
}

/* fuzz_index.h: targets index (an index file under a journal that is whole) and floor. */
#ifndef FSM_TESTS_FUZZ_INDEX_H
#define FSM_TESTS_FUZZ_INDEX_H

#include <fcntl.h>

#include "runtime/crc32c.h"
#include "runtime/journal_idx.h"
#include "tests/filled_journal.h"
#include "tests/fuzz/mutate.h"

/* ---- floor --------------------------------------------------------------------------------------- */

static inline void floor_open(fuzz_run *run) {
  fsm__journal_floor floors[] = {
      {{.store = "a store of tests", .partition = 3, .epoch = 7}, 2, 8, 9, {{1, 2, 3}}},
      {{.epoch = UINT32_MAX}, UINT64_MAX, UINT64_MAX, UINT64_MAX, {{0}}}};
  for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
    uint8_t data[FSM_FLOOR_BYTES];
    fsm__floor_encode(&floors[i], data);
    fuzz_seed_add(run, data, sizeof data);
  }
}

static inline void floor_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  if (run->input_len == FSM_FLOOR_BYTES && fuzz_one_in(run, 2))
    fsm__put32(run->input + FSM_FLOOR_BYTES - 4, fsm__crc32c(0, run->input, FSM_FLOOR_BYTES - 4));
  fsm__journal_floor floor;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__floor_decode(run->input, run->input_len, &floor, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_ECORRUPT || code == FSM_EVERSION,
                "a damaged floor is corrupt or of another format");
    return;
  }
  uint8_t back[FSM_FLOOR_BYTES];
  fsm__floor_encode(&floor, back);
  fuzz_expect(run, floor.ordinal && floor.first_seq && memcmp(back, run->input, sizeof back) == 0,
              "a floor that is read is written as the same bytes");
}

/* ---- index --------------------------------------------------------------------------------------- */

typedef struct index_place {
  filled_journal filled;
  fsm__sealed segment;
  uint8_t *whole;
  size_t len;
  char path[160];
} index_place;

static inline void index_open(fuzz_run *run) {
  index_place *place = fsm_arena_zalloc(&run->kept, 1, sizeof *place);
  static char text[100000];
  memset(text, 'x', sizeof text - 1);
  run->own = place;
  bool good = filled_journal_new(&place->filled, 7) && filled_journal_add(&place->filled, 200, "small") &&
              filled_journal_add(&place->filled, 30, text);
  good =
      good && fsm__sealed_of(place->filled.journal, 1, &place->segment) &&
      fsm__idx_make(place->filled.journal, &place->segment, NULL, &place->whole, &place->len, NULL) == FSM_OK;
  if (!good) fail_msg("no index");
  fsm__journal_close(place->filled.journal); /* and from here on it is only read */
  snprintf(place->path, sizeof place->path, "%s/journal", place->filled.dir);
  fsm__journal_options options = {.dir = place->path,
                                  .origin = place->filled.origin,
                                  .segment_bytes = FSM_SEGMENT_BYTES_MIN,
                                  .read_only = true};
  fsm__recovery found;
  if (fsm__journal_open(&options, &place->filled.journal, &found, NULL) != FSM_OK) fail_msg("no journal");
  snprintf(place->path, sizeof place->path, "%s/journal/%020d.idx", place->filled.dir, 1);
  fuzz_seed_add(run, place->whole, place->len);
}

static inline void index_close(fuzz_run *run) {
  index_place *place = run->own;
  free(place->whole);
  filled_journal_free(&place->filled);
}

/* Whole blocks made right again, so that their contents are looked at. */
static inline void index_seal(const index_place *place, uint8_t *data, size_t len) {
  for (size_t i = 0; (i + 1) * FSM__IDX_BLOCK <= len; i++)
    fsm__idx_block_seal(data + i * FSM__IDX_BLOCK, (uint32_t)i, place->segment.salt);
}

/* A search gives all that there is, or, of an index that lies well sealed, nothing that is not wanted. */
static inline uint64_t index_search(fuzz_run *run, const index_place *place, const fsm__find *wanted) {
  fsm__finder *finder;
  fsm__journal_entry entry;
  fsm_error err = fuzz_error();
  uint64_t count = 0, last = 0;
  bool found = true;
  if (fsm__journal_find(place->filled.journal, wanted, &finder, &err) != FSM_OK) fail_msg("no finder");
  while (found && count < 1000) {
    fsm_code code = fsm__finder_next(finder, &entry, &found, &err);
    fuzz_expect(run, code == FSM_OK, "an index never makes a search fail");
    if (code != FSM_OK || !found) break;
    fsm_record_terms terms;
    bool is = !fsm_record_terms_read(entry.record.data, entry.record.len, &terms) && terms.inst.at;
    fuzz_expect(run, is && terms.inst.len == 5 && memcmp(terms.inst.at, "doc-1", 5) == 0,
                "what is found is wanted");
    fuzz_expect(run, entry.seq > last || wanted->descending, "what is found ascends");
    last = entry.seq;
    count++;
  }
  fsm__finder_close(finder);
  return count;
}

static inline void index_read(fuzz_run *run, const index_place *place) {
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  fsm_error err = fuzz_error();
  fsm_record_brief brief;
  if (fsm__journal_cursor_open(place->filled.journal, 1, &cursor, &err) != FSM_OK) fail_msg("no cursor");
  for (unsigned i = 0; i < 4; i++) {
    uint64_t seq = 1 + fuzz_below(run, place->segment.last_seq);
    fsm_code code = fsm__journal_read(cursor, seq, &entry, &err);
    fuzz_expect(run, code == FSM_OK && entry.seq == seq, "an index never makes a read fail");
    if (code == FSM_OK && fsm_record_peek(entry.record.data, entry.record.len, &brief) == FSM_OK)
      run->taken += brief.seq == seq;
  }
  fsm__journal_cursor_close(cursor);
}

static inline void index_one(fuzz_run *run) {
  const index_place *place = run->own;
  fuzz_input_mutated(run);
  bool sealed = fuzz_one_in(run, 2);
  if (sealed) index_seal(place, run->input, run->input_len);
  int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, run->input, run->input_len) != (ssize_t)run->input_len || close(fd))
    fail_msg("cannot write %s", place->path);
  fsm__find wanted = {.texts = {"doc-1"}, .descending = fuzz_one_in(run, 2)};
  uint64_t count = index_search(run, place, &wanted);
  /* Every tenth of 230 is a record of the store. */
  fuzz_expect(run, sealed || count == 207, "a damaged index hides nothing");
  if (count == 207)
    run->taken++;
  else
    run->refused++;
  index_read(run, place);
}

#endif

/* filled_journal.h: a journal in a directory of its own, and records to put in it, for tests of its readers.
 */
#ifndef FSM_TESTS_FILLED_JOURNAL_H
#define FSM_TESTS_FILLED_JOURNAL_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/journal.h"

typedef struct filled_journal {
  char dir[64];
  fsm_origin origin;
  fsm__journal *journal;
} filled_journal;

static inline fsm_code filled_journal_open(filled_journal *f) {
  char path[96];
  snprintf(path, sizeof path, "%s/journal", f->dir);
  fsm__journal_options options = {.dir = path, .origin = f->origin, .segment_bytes = FSM_SEGMENT_BYTES_MIN};
  fsm__recovery found;
  return fsm__journal_open(&options, &f->journal, &found, NULL);
}

static inline bool filled_journal_new(filled_journal *f, uint8_t store) {
  memset(f, 0, sizeof *f);
  snprintf(f->dir, sizeof f->dir, "/tmp/fsm-filled-XXXXXX");
  memset(f->origin.store, store, sizeof f->origin.store);
  f->origin.epoch = 1;
  return mkdtemp(f->dir) != NULL && filled_journal_open(f) == FSM_OK;
}

static inline int filled_journal_remove_one(const char *path, const struct stat *st, int flag,
                                            struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}

static inline void filled_journal_free(filled_journal *f) {
  fsm__journal_close(f->journal);
  if (f->dir[0] != '\0') nftw(f->dir, filled_journal_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A transition of an instance with everything that a publisher shows; every tenth record is one of the store.
 */
static inline fsm_record filled_journal_record(uint64_t seq, const char *text, const fsm__hash *prev,
                                               fsm_pair act[2], fsm_value trace[3], fsm_value leaves[3]) {
  static const uint8_t def[32] = {1}, id[16] = {0xab, 0xcd}, span[8] = {0x12};
  fsm_record r = fsm_record_new(seq % 10 == 0 ? FSM_RECORD_ADMIN : FSM_RECORD_TRANSITION);
  r.seq = seq;
  r.time_ns = INT64_C(1700000000123456789) + (int64_t)seq * 1000000;
  r.prev = prev->bytes;
  r.outcome = FSM_TAKEN;
  if (r.kind == FSM_RECORD_ADMIN) return r;
  act[0] = (fsm_pair){fsm_string("sid"), fsm_string("session-1")};
  act[1] = (fsm_pair){fsm_string("sub"), fsm_string("alice")};
  trace[0] = fsm_bytes(id, sizeof id), trace[1] = fsm_bytes(span, sizeof span), trace[2] = fsm_int(1);
  leaves[0] = fsm_string("draft"), leaves[1] = fsm_string("review.legal"),
  leaves[2] = fsm_string("review.tax");
  r.mach = "document.approval";
  r.def = def;
  r.inst = "doc-1";
  r.rev = seq;
  r.corr = "corr-1";
  r.from = fsm_list(leaves, 1);
  r.to = fsm_list(leaves + 1, 2);
  r.tr = fsm_list(NULL, 0);
  r.cause = FSM_CAUSE_EXTERNAL;
  r.ctxh = def;
  r.trigger = "SUBMIT";
  r.data = fsm_string(text);
  r.trace = fsm_list(trace, 3);
  fsm_value map;
  if (fsm_map(act, 2, &map, NULL) == FSM_OK) r.act = map;
  return r;
}

/* Appends and commits `count` records of which each carries `text`. */
static inline bool filled_journal_add(filled_journal *f, unsigned count, const char *text) {
  for (unsigned i = 0; i < count; i++) {
    fsm_pair act[2];
    fsm_value trace[3], leaves[3];
    uint64_t seq = fsm__journal_next_seq(f->journal);
    fsm__hash prev = fsm__journal_head(f->journal);
    fsm_record record = filled_journal_record(seq, text, &prev, act, trace, leaves);
    fsm_buf buf = {0};
    if (fsm_record_encode(&buf, &record, NULL) != FSM_OK) return false;
    fsm__bytes bytes = {buf.data, buf.len};
    fsm__hash leaf = fsm__leaf(buf.data, buf.len);
    fsm_code code = fsm__journal_append(f->journal, &bytes, &leaf, 1, NULL);
    if (code == FSM_EBUSY && fsm__journal_commit(f->journal, NULL) == FSM_OK) {
      code = fsm__journal_append(f->journal, &bytes, &leaf, 1, NULL);
    }
    fsm_buf_free(&buf);
    if (code != FSM_OK) return false;
  }
  return fsm__journal_commit(f->journal, NULL) == FSM_OK;
}

#endif

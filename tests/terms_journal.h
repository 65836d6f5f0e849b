/* terms_journal.h: a journal whose records have an instance, a correlation, a user and a trace, each one of a
 * few by seq, so that what a search must find can be computed. */
#ifndef FSM_TESTS_TERMS_JOURNAL_H
#define FSM_TESTS_TERMS_JOURNAL_H

#include "runtime/journal_idx.h"
#include "tests/journal_fixture.h"

enum { INSTANCES = 97, CORRELATIONS = 11, USERS = 5, TRACES = 13 };

/* NULL: the record has none. */
static inline const char *term_of(uint64_t seq, fsm__find_what what, char out[32]) {
  uint64_t h = (seq ^ seq >> 7) * 2654435761u;
  if (what == FSM__FIND_INSTANCE && seq % 10 == 0) return NULL;
  if (what == FSM__FIND_CORRELATION && seq % 10 == 0) return NULL;
  if (what == FSM__FIND_USER && seq % 3 == 0) return NULL;
  if (what == FSM__FIND_TRACE && seq % 10 == 0) return NULL;
  static const unsigned counts[] = {INSTANCES, CORRELATIONS, USERS, TRACES};
  static const char *const names[] = {"doc", "corr", "user", "a-trace-of-ours"};
  if (what == FSM__FIND_TRACE) /* as many bytes as it has, NUL last */
    snprintf(out, 32, "%s%c", names[what], (char)('a' + (unsigned)(h >> 8) % counts[what]));
  else
    snprintf(out, 32, "%s-%u", names[what], (unsigned)(h >> 8) % counts[what]);
  return out;
}

static inline void encode_terms(fsm_buf *buf, uint64_t seq, const fsm__hash *prev, size_t pad) {
  static const uint8_t def[32] = {1};
  static char text[FSM_RECORD_BYTES_MAX];
  char inst[32], corr[32], user[32], trace[32];
  fsm_value parts[3];
  memset(text, 'x', pad);
  const char *instance = term_of(seq, FSM__FIND_INSTANCE, inst);
  const char *sub = term_of(seq, FSM__FIND_USER, user);
  fsm_record r = fsm_record_new(instance ? FSM_RECORD_TRANSITION : FSM_RECORD_ADMIN);
  r.seq = seq;
  r.time_ns = (int64_t)seq * 1000;
  r.prev = prev->bytes;
  r.outcome = FSM_TAKEN;
  r.data = pad ? fsm_stringn(text, pad) : fsm_null();
  fsm_pair act[2] = {{fsm_string("sid"), fsm_string("session")},
                     {fsm_string("sub"), fsm_string(sub ? sub : "")}};
  fsm_value actor;
  if (sub && fsm_map(act, 2, &actor, NULL) == FSM_OK) r.act = actor;
  fsm_value leaf = fsm_string("draft");
  if (instance) {
    r.mach = "m", r.def = def, r.ctxh = def, r.trigger = "GO", r.cause = FSM_CAUSE_EXTERNAL;
    r.inst = instance;
    r.corr = term_of(seq, FSM__FIND_CORRELATION, corr);
    parts[0] = fsm_bytes(term_of(seq, FSM__FIND_TRACE, trace), FSM__FIND_TRACE_BYTES);
    parts[1] = fsm_bytes("span-id!", 8);
    parts[2] = fsm_int(1);
    r.trace = fsm_list(parts, 3);
    r.rev = seq;
    r.from = r.to = fsm_list(&leaf, 1);
    r.tr = fsm_list(NULL, 0);
  }
  fsm_error err = {0};
  if (fsm_record_encode(buf, &r, &err) != FSM_OK) fail_msg("cannot encode: %s %s", err.where, err.text);
}

/* One record, one frame; a commit after each `batch` records. */
static inline void put_terms(fixture *f, unsigned count, unsigned batch, size_t pad) {
  fsm_buf buf = {0};
  for (unsigned i = 0; i < count; i++) {
    fsm__hash prev = fsm__journal_head(f->journal);
    fsm_buf_reset(&buf);
    encode_terms(&buf, fsm__journal_next_seq(f->journal), &prev, pad);
    fsm__bytes bytes = {buf.data, buf.len};
    fsm__hash leaf = fsm__leaf(buf.data, buf.len);
    fsm_code code = fsm__journal_append(f->journal, &bytes, &leaf, 1, &f->err);
    if (code == FSM_EBUSY) {
      assert_ok(fsm__journal_commit(f->journal, &f->err));
      code = fsm__journal_append(f->journal, &bytes, &leaf, 1, &f->err);
    }
    assert_ok(code);
    if ((i + 1) % batch == 0) assert_ok(fsm__journal_commit(f->journal, &f->err));
  }
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  fsm_buf_free(&buf);
}

static inline bool is_wanted(uint64_t seq, const fsm__find *wanted) {
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) {
    char text[32];
    if (!wanted->texts[what]) continue;
    const char *has = term_of(seq, (fsm__find_what)what, text);
    if (!has || strcmp(has, wanted->texts[what]) != 0) return false;
  }
  return seq > wanted->after && (!wanted->before || seq < wanted->before);
}

/* Searches and compares with what there must be; the count found. */
static inline uint64_t expect_found(fixture *f, const fsm__find *wanted) {
  fsm__finder *finder;
  fsm__journal_entry entry;
  uint64_t first = fsm__journal_first_seq(f->journal), last = fsm__journal_durable_seq(f->journal), count = 0;
  bool found;
  assert_ok(fsm__journal_find(f->journal, wanted, &finder, &f->err));
  for (uint64_t i = first; i <= last; i++) {
    uint64_t seq = wanted->descending ? last + first - i : i;
    if (!is_wanted(seq, wanted)) continue;
    fsm_code code = fsm__finder_next(finder, &entry, &found, &f->err);
    if (code) fail_msg("%s: %s", f->err.where, f->err.text);
    assert_true(found);
    assert_int_equal(entry.seq, seq);
    fsm_record_brief brief;
    assert_ok(fsm_record_peek(entry.record.data, entry.record.len, &brief));
    assert_int_equal(brief.seq, seq);
    count++;
  }
  assert_ok(fsm__finder_next(finder, &entry, &found, &f->err));
  assert_false(found);
  assert_ok(fsm__finder_next(finder, &entry, &found, &f->err)); /* it stays at the end */
  assert_false(found);
  fsm__finder_close(finder);
  return count;
}

/* Waits until the thread has written the index file of a segment. */
static inline void await_index(const fixture *f, uint64_t ordinal) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__index_name(ordinal, name);
  for (int i = 0; i < 60000 && !exists(f, name); i++) usleep(1000);
  assert_true(exists(f, name));
}

#endif

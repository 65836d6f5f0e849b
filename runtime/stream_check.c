/* stream_check.c: the order of a stream, its chain, and what it says under one id. See stream_check.h.
 *
 * `last` is the highest seq of the living branch. What comes above it leaves a gap or none; what comes at or
 * below it fills a gap, or is a repeat. A record of a newer epoch at or below `last` begins where the older
 * epoch was left: what came behind that of the older one is a dead branch.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/journal.h"
#include "runtime/runtime_impl.h"
#include "runtime/stream_check_impl.h"

typedef struct slot {
  uint64_t seq; /* 0 = free */
  uint32_t epoch;
  bool has_leaf;
  fsm__hash leaf, prev;
} slot;

typedef struct gap {
  uint64_t from, to;
  char where[96];
} gap;

typedef struct finding {
  fsm__seen_what what;
  uint64_t seq, to;
  char where[160], text[192];
} finding;

struct fsm_stream_check {
  slot *slots; /* FSM_CHECK_WINDOW, by seq */
  gap *gaps;   /* FSM_CHECK_GAPS, ascending */
  size_t gap_count;
  finding findings[FSM_CHECK_FINDINGS];
  size_t finding_count;
  uint64_t counts[FSM__SEEN_COUNT];
  bool has_origin;
  fsm_origin origin; /* of the newest epoch */
  uint64_t epoch_from, first, last, records, repeats, repaired, left_out, dead, unproved, uncompared;
  fsm__journal *journal;
  fsm__journal_cursor *cursor;
  fsm_arena scratch;
};

static const char *const what_names[FSM__SEEN_COUNT] = {"loss",  "conflict", "order",    "alteration",
                                                        "chain", "foreign",  "malformed"};

fsm_code fsm_stream_check_new(fsm_stream_check **out, fsm_error *err) {
  fsm_stream_check *check = calloc(1, sizeof *check);
  if (check != NULL) {
    check->slots = calloc(FSM_CHECK_WINDOW, sizeof *check->slots);
    check->gaps = calloc(FSM_CHECK_GAPS, sizeof *check->gaps);
    fsm_arena_init(&check->scratch, 0);
  }
  if (check == NULL || check->slots == NULL || check->gaps == NULL) {
    fsm_stream_check_free(check);
    return fsm_fail(err, FSM_ENOMEM, "", "no memory to check a stream");
  }
  *out = check;
  return FSM_OK;
}

void fsm_stream_check_free(fsm_stream_check *check) {
  if (check == NULL) return;
  fsm__journal_cursor_close(check->cursor);
  fsm_arena_free(&check->scratch);
  free(check->slots);
  free(check->gaps);
  free(check);
}

void fsm_stream_check_against(fsm_stream_check *check, fsm_runtime *runtime) {
  FSM_ASSERT(check != NULL && runtime != NULL && check->journal == NULL);
  check->journal = fsm__runtime_journal(runtime);
}

fsm_arena *fsm__check_scratch(fsm_stream_check *check) { return &check->scratch; }

void fsm__check_unproved(fsm_stream_check *check) { check->unproved++; }

void fsm__check_found(fsm_stream_check *check, fsm__seen_what what, uint64_t seq, uint64_t to,
                      const char *where, const char *format, ...) {
  check->counts[what]++;
  if (check->finding_count == FSM_CHECK_FINDINGS) return;
  finding *f = &check->findings[check->finding_count++];
  va_list args;
  *f = (finding){.what = what, .seq = seq, .to = to};
  snprintf(f->where, sizeof f->where, "%s", where);
  va_start(args, format);
  vsnprintf(f->text, sizeof f->text, format, args);
  va_end(args);
}

/* ---- gaps --------------------------------------------------------------------------------------- */

static void gap_lost(fsm_stream_check *c, const gap *g) {
  if (g->from == g->to)
    fsm__check_found(c, FSM__SEEN_LOSS, g->from, g->to, g->where, "seq %" PRIu64 " did not come", g->from);
  else
    fsm__check_found(c, FSM__SEEN_LOSS, g->from, g->to, g->where,
                     "seq %" PRIu64 " to %" PRIu64 " did not come", g->from, g->to);
}

static void gap_add(fsm_stream_check *c, uint64_t from, uint64_t to, const char *where) {
  gap made = {.from = from, .to = to};
  snprintf(made.where, sizeof made.where, "%s", where);
  if (c->gap_count == FSM_CHECK_GAPS)
    gap_lost(c, &made);
  else
    c->gaps[c->gap_count++] = made;
}

static void gap_remove(fsm_stream_check *c, size_t at) {
  memmove(&c->gaps[at], &c->gaps[at + 1], (c->gap_count - at - 1) * sizeof *c->gaps);
  c->gap_count--;
}

/* Is it missing until now? Then no more. */
static bool gap_fill(fsm_stream_check *c, uint64_t seq) {
  size_t at = 0;
  while (at < c->gap_count && c->gaps[at].to < seq) at++;
  if (at == c->gap_count || c->gaps[at].from > seq) return false;
  gap *g = &c->gaps[at];
  if (g->from == seq && g->to == seq) {
    gap_remove(c, at);
  } else if (g->from == seq) {
    g->from++;
  } else if (g->to == seq) {
    g->to--;
  } else if (c->gap_count < FSM_CHECK_GAPS) {
    memmove(&c->gaps[at + 1], &c->gaps[at], (c->gap_count - at) * sizeof *c->gaps);
    c->gap_count++;
    c->gaps[at].to = seq - 1;
    c->gaps[at + 1].from = seq + 1;
  } else { /* no room for two: the front of it is lost */
    const gap front = {.from = g->from, .to = seq - 1};
    gap_lost(c, &front);
    g->from = seq + 1;
  }
  return true;
}

/* ---- leaves ------------------------------------------------------------------------------------- */

static slot *slot_of(fsm_stream_check *c, uint64_t seq) {
  slot *s = &c->slots[seq % FSM_CHECK_WINDOW];
  return s->seq == seq ? s : NULL;
}

static void check_link(fsm_stream_check *c, const slot *before, const slot *after, const char *where) {
  if (before == NULL || after == NULL || !before->has_leaf) return;
  if (memcmp(before->leaf.bytes, after->prev.bytes, FSM_HASH_BYTES) == 0) return;
  fsm__check_found(c, FSM__SEEN_CHAIN, after->seq, after->seq, where,
                   "prev of seq %" PRIu64 " is not the leaf of seq %" PRIu64, after->seq, before->seq);
}

static void remember(fsm_stream_check *c, const fsm__seen *seen) {
  slot *s = &c->slots[seen->seq % FSM_CHECK_WINDOW];
  *s = (slot){.seq = seen->seq,
              .epoch = seen->has_origin ? seen->origin.epoch : c->origin.epoch,
              .has_leaf = seen->has_leaf,
              .leaf = seen->leaf,
              .prev = seen->prev};
  check_link(c, slot_of(c, seen->seq - 1), s, seen->where);
  check_link(c, s, slot_of(c, seen->seq + 1), seen->where);
}

/* What the journal has under this seq must be the same. */
static void check_journal(fsm_stream_check *c, const fsm__seen *seen) {
  fsm__journal_entry entry;
  if (c->journal == NULL || !seen->has_leaf) return;
  if (seen->seq > fsm__journal_durable_seq(c->journal)) {
    fsm__check_found(c, FSM__SEEN_FOREIGN, seen->seq, seen->seq, seen->where,
                     "the journal ends at seq %" PRIu64, fsm__journal_durable_seq(c->journal));
    return;
  }
  if (c->cursor == NULL && fsm__journal_cursor_open(c->journal, seen->seq, &c->cursor, NULL) != FSM_OK)
    return;
  if (fsm__journal_read(c->cursor, seen->seq, &entry, NULL) != FSM_OK) {
    c->uncompared++;
    return;
  }
  const fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
  if (memcmp(leaf.bytes, seen->leaf.bytes, sizeof leaf.bytes) == 0) return;
  fsm__check_found(c, FSM__SEEN_ALTERED, seen->seq, seen->seq, seen->where,
                   "the journal has another record under seq %" PRIu64, seen->seq);
}

/* ---- records ------------------------------------------------------------------------------------ */

/* False: of another store, or of a branch that is dead. */
static bool take_origin(fsm_stream_check *c, const fsm__seen *seen) {
  if (!seen->has_origin) return true;
  if (!c->has_origin) {
    c->has_origin = true;
    c->origin = seen->origin;
    return true;
  }
  if (memcmp(seen->origin.store, c->origin.store, sizeof c->origin.store) != 0 ||
      seen->origin.partition != c->origin.partition) {
    fsm__check_found(c, FSM__SEEN_FOREIGN, seen->seq, seen->seq, seen->where,
                     "it is of another store or partition");
    return false;
  }
  if (seen->origin.epoch < c->origin.epoch && seen->seq >= c->epoch_from) {
    c->dead++;
    return false;
  }
  if (seen->origin.epoch <= c->origin.epoch) return true;
  c->origin.epoch = seen->origin.epoch;
  c->epoch_from = seen->seq;
  for (uint64_t seq = seen->seq; seq <= c->last; seq++) {
    slot *s = slot_of(c, seq);
    if (s != NULL) s->seq = 0;
    c->dead++;
    if (seq - seen->seq >= FSM_CHECK_WINDOW) break;
  }
  while (c->gap_count > 0 && c->gaps[c->gap_count - 1].from >= seen->seq) c->gap_count--;
  if (c->gap_count > 0 && c->gaps[c->gap_count - 1].to >= seen->seq)
    c->gaps[c->gap_count - 1].to = seen->seq - 1;
  if (c->last >= seen->seq) c->last = seen->seq - 1;
  return true;
}

static void take_again(fsm_stream_check *c, const fsm__seen *seen) {
  const slot *before = slot_of(c, seen->seq);
  if (gap_fill(c, seen->seq)) {
    if (seen->repair)
      c->repaired++;
    else
      fsm__check_found(c, FSM__SEEN_ORDER, seen->seq, seen->seq, seen->where,
                       "seq %" PRIu64 " comes behind seq %" PRIu64 " and is no repair", seen->seq, c->last);
    remember(c, seen);
    return;
  }
  if (seen->seq < c->first) { /* of before this stream began, as a repair of what is not in it */
    if (seen->repair) c->repaired++;
    if (!seen->repair)
      fsm__check_found(c, FSM__SEEN_ORDER, seen->seq, seen->seq, seen->where,
                       "seq %" PRIu64 " comes behind the first, seq %" PRIu64, seen->seq, c->first);
    return;
  }
  c->repeats++;
  if (before == NULL || !before->has_leaf || !seen->has_leaf) {
    c->uncompared++;
    return;
  }
  if (memcmp(before->leaf.bytes, seen->leaf.bytes, FSM_HASH_BYTES) == 0) return;
  c->repeats--;
  fsm__check_found(c, FSM__SEEN_CONFLICT, seen->seq, seen->seq, seen->where,
                   "another record has come under seq %" PRIu64 " before", seen->seq);
}

void fsm__check_record(fsm_stream_check *c, const fsm__seen *seen) {
  FSM_ASSERT(c != NULL && seen != NULL && seen->seq > 0 && seen->after < seen->seq);
  c->records++;
  if (!take_origin(c, seen)) return;
  check_journal(c, seen);
  if (c->first != 0 && seen->seq <= c->last) {
    take_again(c, seen);
    return;
  }
  if (c->first == 0) {
    c->first = seen->seq;
    c->last = seen->seq - 1;
  } else {
    const uint64_t missing = seen->after > c->last ? seen->after - c->last : 0;
    if (seen->after < c->last && !seen->repair)
      fsm__check_found(c, FSM__SEEN_ORDER, seen->seq, seen->seq, seen->where,
                       "it says that it came behind seq %" PRIu64 ", but seq %" PRIu64 " was there",
                       seen->after, c->last);
    if (missing > 0) gap_add(c, c->last + 1, seen->after, seen->where);
    c->left_out += seen->seq - c->last - 1 - missing;
  }
  c->last = seen->seq;
  remember(c, seen);
}

/* ---- the report --------------------------------------------------------------------------------- */

typedef struct document {
  fsm_arena *arena;
  fsm_pair *pairs;
  size_t count;
} document;

static void put(document *d, const char *name, fsm_value value) {
  d->pairs[d->count++] = (fsm_pair){fsm_string(name), value};
}

static fsm_value text_of(fsm_arena *arena, const char *text) {
  const char *kept = fsm_arena_strdup(arena, text);
  return kept != NULL ? fsm_string(kept) : fsm_null();
}

static fsm_code finding_view(const finding *f, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  document d = {.pairs = fsm_arena_alloc(arena, 5 * sizeof *d.pairs)};
  if (d.pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a report");
  put(&d, "what", fsm_string(what_names[f->what]));
  put(&d, "where", text_of(arena, f->where));
  put(&d, "text", text_of(arena, f->text));
  if (f->seq != 0) put(&d, "seq", fsm_uint(f->seq));
  if (f->to > f->seq) put(&d, "to", fsm_uint(f->to));
  return fsm_map(d.pairs, d.count, out, err);
}

static fsm_code report_of(const fsm_stream_check *c, bool ok, fsm_arena *arena, fsm_value *out,
                          fsm_error *err) {
  const struct {
    const char *name;
    uint64_t value;
  } totals[] = {{"records", c->records}, {"first", c->first},       {"last", c->last},
                {"repeats", c->repeats}, {"repaired", c->repaired}, {"left_out", c->left_out},
                {"dead", c->dead},       {"unproved", c->unproved}, {"uncompared", c->uncompared}};
  enum { TOTALS = sizeof totals / sizeof *totals };
  document d = {.pairs = fsm_arena_alloc(arena, (TOTALS + 4) * sizeof *d.pairs)},
           counts = {.pairs = fsm_arena_alloc(arena, FSM__SEEN_COUNT * sizeof *d.pairs)};
  fsm_value *items = fsm_arena_alloc(arena, (c->finding_count + 1) * sizeof *items), by_what;
  if (d.pairs == NULL || counts.pairs == NULL || items == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for a report");
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < c->finding_count && code == FSM_OK; i++)
    code = finding_view(&c->findings[i], arena, &items[i], err);
  for (unsigned i = 0; i < FSM__SEEN_COUNT; i++)
    if (c->counts[i] > 0) put(&counts, what_names[i], fsm_uint(c->counts[i]));
  if (code == FSM_OK) code = fsm_map(counts.pairs, counts.count, &by_what, err);
  if (code != FSM_OK) return code;
  put(&d, "ok", fsm_bool(ok));
  for (size_t i = 0; i < TOTALS; i++) put(&d, totals[i].name, fsm_uint(totals[i].value));
  if (c->journal != NULL && fsm__journal_durable_seq(c->journal) > c->last)
    put(&d, "behind", fsm_uint(fsm__journal_durable_seq(c->journal) - c->last));
  put(&d, "findings", fsm_list(items, c->finding_count));
  put(&d, "counts", by_what);
  return fsm_map(d.pairs, d.count, out, err);
}

fsm_code fsm_stream_check_end(fsm_stream_check *check, fsm_arena *arena, fsm_value *report, fsm_error *err) {
  FSM_ASSERT(check != NULL && arena != NULL && report != NULL);
  for (size_t i = 0; i < check->gap_count; i++) gap_lost(check, &check->gaps[i]);
  check->gap_count = 0;
  uint64_t found = 0;
  for (unsigned i = 0; i < FSM__SEEN_COUNT; i++) found += check->counts[i];
  fsm_code code = report_of(check, found == 0, arena, report, err);
  if (code != FSM_OK || found == 0) return code;
  const finding *first = &check->findings[0];
  return fsm_fail(err, FSM_EVERIFY, first->where, "%s: %s (%" PRIu64 " finding%s)", what_names[first->what],
                  first->text, found, found == 1 ? "" : "s");
}

/* record_filter.h: which records of the audit log a reader wants: the parts of a route (runtime/routing.h)
 * and whom or what the record is about. A document; what it does not name matches everything:
 *
 *   {"machine": "loan", "kind": ["transition"], "state": "review", "event": "APPROVE", "level": 2,
 *    "labels": {"department": "claims"}, "where": "record.?data.?amount.orValue(0) > 1000",
 *    "instance": "l-1", "correlation": "c-7", "user": "ann", "trace": "4bf92f35…", "refusals": "only",
 *    "since": "2026-11-22T08:00:00Z", "until": "2026-11-23T00:00:00Z"}
 *
 * machine, kind, state, event, level, where mean what they mean in a route; state: of from or to. labels:
 * those of the instance that the record is of (runtime/record_labels.h); a route looks at the record alone,
 * and only `created` carries them. instance, correlation, user (`sub` of the actor), trace (32 hex digits):
 * exactly. refusals: "only" or "without". since: at that time or later; until: before.
 *
 * A reader that must not see a value must not be able to ask for it either: a filter looks at the record as
 * it is shown, masked. A where that fails on a record does not match it.
 */
#ifndef FSM_RUNTIME_RECORD_FILTER_H
#define FSM_RUNTIME_RECORD_FILTER_H

#include "runtime/journal.h"
#include "runtime/masks.h"
#include "runtime/record_labels.h"

enum { FSM_FILTER_TEXT_MAX = 1024 }; /* of user; instance and correlation as in fsm_runtime.h */

/* Lives in the arena it was read into; immutable but for its book. */
typedef struct fsm__record_filter {
  const fsm__route *route; /* without labels */
  const fsm__label *labels;
  size_t label_count;
  fsm__label_book *book;                     /* with labels */
  const char *instance, *correlation, *user; /* NULL = any */
  int64_t since_ns, until_ns;
  bool has_trace, refusals_only, refusals_not;
  uint8_t trace[FSM__FIND_TRACE_BYTES];
} fsm__record_filter;

/* document null: everything. err->where is a JSON pointer into it. Faults of fsm__route_read. */
FSM_MUST_USE fsm_code fsm__record_filter_read(fsm_arena *arena, const fsm_value *document,
                                              fsm__record_filter *out, fsm_error *err);

/* A record that filters are asked about, in a few bytes until one of them needs more; what is made of it is
 * made once. Points to the entry, until the journal's cursor goes on. */
typedef struct fsm__record_seen {
  const fsm__journal_entry *entry;
  fsm_origin origin;
  fsm_record_brief brief;
  fsm_record_terms terms;
  const fsm_mask *mask;
  fsm_arena *arena;
  fsm_record record; /* masked, once a filter asked for it */
  fsm__viewed viewed;
  bool decoded;
  unsigned looked; /* rows and records that were read for it, besides */
} fsm__record_seen;

/* By its first fields alone: *may false: it does not match. Most of many that are looked at end here. */
FSM_MUST_USE fsm_code fsm__record_filter_glance(const fsm__record_filter *filter,
                                                const fsm__journal_entry *entry, int64_t *time_ns, bool *may,
                                                fsm_error *err);
/* arena: for what is made of it. A machine that masks does not know hides everything. FSM_ECORRUPT. */
FSM_MUST_USE fsm_code fsm__record_see(fsm__record_seen *seen, const fsm_origin *origin, fsm__masks *masks,
                                      const fsm__journal_entry *entry, fsm_arena *arena, fsm_error *err);
/* What a where may make or compare for one record (fsm/expr.h): many ask about each, and any actor may ask.
 */
enum { FSM__RECORD_WORK_MAX = 16 * 1024 };
/* FSM_ENOMEM, FSM_ECORRUPT; FSM_ETOOLARGE: where takes too much. seen->viewed.work and seen->looked grow by
 * what it took. instances: where labels of instances are found. */
FSM_MUST_USE fsm_code fsm__record_filter_asks(const fsm__record_filter *filter,
                                              const fsm__label_source *instances, fsm__record_seen *seen,
                                              bool *matches, fsm_error *err);

/* The first record that was written at this time or later; behind the last one when there is none. By
 * bisection, for times grow with the seq. */
FSM_MUST_USE fsm_code fsm__record_since(fsm__journal *journal, fsm__journal_cursor *cursor, int64_t since_ns,
                                        uint64_t *seq, fsm_error *err);

#endif

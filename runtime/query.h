/* query.h: between the files of query: reads as documents (fsm_query_kind in fsm_runtime.h). */
#ifndef FSM_RUNTIME_QUERY_H
#define FSM_RUNTIME_QUERY_H

#include "runtime/core.h"
#include "runtime/rows.h"

typedef struct fsm__reading {
  fsm__core *core;  /* pinned at a seq: its store is a view */
  fsm__store *rows; /* of which views are opened; NULL = there is no other than that one */
  const fsm_query *query;
  int64_t now_ns;
  fsm_arena *arena;
} fsm__reading;

/* A document being built: members in any order, made a map at the end. */
typedef struct fsm__document {
  fsm_arena *arena;
  fsm_pair *pairs;
  unsigned count, cap;
  bool failed;
} fsm__document;

void fsm__document_put(fsm__document *document, const char *name, fsm_value value);
void fsm__document_text(fsm__document *document, const char *name, const char *text); /* NULL: left out */
void fsm__document_time(fsm__document *document, const char *name, int64_t ns);       /* RFC 3339 */
FSM_MUST_USE fsm_code fsm__document_map(fsm__document *document, fsm_value *out, fsm_error *err);

/* A growing list of values. */
typedef struct fsm__items {
  fsm_arena *arena;
  fsm_value *items;
  unsigned count, cap;
  bool failed;
} fsm__items;
void fsm__items_add(fsm__items *items, fsm_value value);

/* FSM_ECLOSED: nobody waits for the answer any more (fsm_query.gone). What walks asks for each record, row,
 * block or slice. */
FSM_MUST_USE fsm_code fsm__query_wanted(const fsm_query *query, fsm_error *err);

/* For a walk that takes long: at->core goes on with a view of now. What points into rows of the old one is
 * gone, and so are its ranges. */
FSM_MUST_USE fsm_code fsm__query_renew(const fsm__reading *at, fsm_error *err);

/* FSM_EINSTANCE: no instance has this id; when it was purged, if it was and the journal still has that. */
fsm_code fsm__query_unknown(const fsm__reading *at, const char *id, fsm_error *err);
/* ref: an id, a unique prefix of one, or MACHINE/key:KEY. */
FSM_MUST_USE fsm_code fsm__query_resolve(const fsm__reading *at, const char *ref, fsm__instance *out,
                                         fsm_error *err);

FSM_MUST_USE fsm_code fsm__query_instance(const fsm__reading *at, fsm_value *out, fsm_error *err);
/* One that is loaded, as a document; what may not be shown of it is masked in it. */
FSM_MUST_USE fsm_code fsm__query_instance_as(const fsm__reading *at, fsm__instance *in, fsm__document *d,
                                             fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_past(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_events(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_why(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_history(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_records(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_search(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_list(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_stuck(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_groups(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_actors(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_counts(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_machines(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_versions(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_machine(const fsm__reading *at, fsm_value *out, fsm_error *err);

FSM_MUST_USE fsm_code fsm__query_tasks(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_task(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_timers(const fsm__reading *at, fsm_value *out, fsm_error *err);

/* What may not be shown of the instance's data. */
const fsm_mask *fsm__query_mask(const fsm__reading *at, const fsm__instance *in);
/* The text of a fault of the instance, as it may be shown. */
const char *fsm__query_text(const fsm__reading *at, const fsm__instance *in, const char *text);
FSM_MUST_USE fsm_code fsm__query_routes(const fsm__reading *at, fsm_value *out, fsm_error *err);
enum { FSM_GAUGE_STATES_MAX = 1000 }; /* of all machines; further ones are left out */
/* What is due is told as late behind that: under load something is always due just now. */
#define FSM_GAUGE_LATE_NS (60 * INT64_C(1000000000))
FSM_MUST_USE fsm_code fsm__query_gauges(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_route_test(const fsm__reading *at, fsm_value *out, fsm_error *err);

/* A record of the journal in the reading's arena; masked: as it may be shown. */
FSM_MUST_USE fsm_code fsm__query_decode(const fsm__reading *at, const fsm__journal_entry *entry, bool masked,
                                        fsm_record *out, fsm_error *err);
/* A record, masked, with the id that it is published under. */
FSM_MUST_USE fsm_code fsm__query_record(const fsm__reading *at, const fsm__journal_entry *entry,
                                        fsm_value *out, fsm_error *err);
/* `after` and `next` of records. */
bool fsm__query_seq(const char *text, uint64_t *out);
/* `before` of records, "now" or a seq; behind the last one when it names none. False: it is neither. */
bool fsm__query_before(const fsm__reading *at, uint64_t *before);
FSM_MUST_USE fsm_code fsm__query_cause(const fsm__reading *at, fsm_value *out, fsm_error *err);

/* One row of a list: id, key, machine, version, state, status, since, for_ns, rev, forced?, incident?. */
FSM_MUST_USE fsm_code fsm__query_row(const fsm__reading *at, const fsm__instance *in, fsm_value *out,
                                     fsm_error *err);
/* Does the path equal the wanted state or stand below it? */
bool fsm__state_matches(const char *path, const char *wanted);

#endif

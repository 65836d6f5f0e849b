/* routing.h: which records go to which sinks. Routes are data: rows of the store, changed by commands, each
 * change a record of kind `route`, each version kept.
 *
 * A route is a document; what it does not name matches everything:
 *
 *   {"machine": "loan", "kind": ["transition", "completed"], "from": "review", "to": "approved",
 *    "event": "APPROVE", "level": 2, "labels": {"department": "claims"},
 *    "where": "record.?act.?sub.orValue('') != 'batch'", "sinks": ["siem"]}
 *
 * machine, kind, event, from, to, a label: a text or a list of them (any of it); `*` at the end of a text
 * stands for the rest; from and to match a leaf or a state above it. level: at least. where: an expression
 * (fsm/expr.h; zones only as offsets) over `record`, the record's JSON form with its times as timestamps
 * (what is absent there is absent here: reading it fails, unless by `.?` or behind has()); it is checked
 * against the record's shape when the route is set. A where that fails on a record does not match it, and is
 * counted.
 *
 * A sink with "records": "routed" gets the records that a route in force gives it, the others ("all", the
 * default) get every one, whatever the routes. The chain covers every record, whatever is routed.
 *
 * In force for a record is the version of each route that stood when the record was written: its seq is
 * greater than that of the `route` record. So what goes where is a function of the journal, also when it is
 * sent again a year later.
 */
#ifndef FSM_RUNTIME_ROUTING_H
#define FSM_RUNTIME_ROUTING_H

#include "runtime/fsm_runtime.h"
#include "schema/record.h"

enum {
  FSM_ROUTES_MAX = 256,            /* in force */
  FSM_ROUTE_NAME_MAX = 64,         /* [A-Za-z0-9._-] */
  FSM_ROUTE_BYTES_MAX = 16 * 1024, /* of its document as JSON */
  FSM_ROUTE_TEXTS_MAX = 64         /* of one list */
};

/* ---- an expression over a record ---------------------------------------------------------------- */

/* Compiled; also a sink's own. Lives in the arena. */
typedef struct fsm__where fsm__where;

/* FSM_EEXPRESSION, FSM_ETOOLARGE, FSM_EUNSUPPORTED: err->where is its line:column. */
FSM_MUST_USE fsm_code fsm__where_read(fsm_arena *arena, const char *text, size_t len, const fsm__where **out,
                                      fsm_error *err);
/* A fault other than FSM_ENOMEM: it fails on this record, which it does not match. */
FSM_MUST_USE fsm_code fsm__where_matches(const fsm__where *where, const fsm_record *record,
                                         const fsm_origin *origin, fsm_arena *scratch, bool *matches,
                                         fsm_error *err);

/* ---- one route ---------------------------------------------------------------------------------- */

/* One route, read and compiled. Lives in the arena; immutable. */
typedef struct fsm__route fsm__route;

/* err->where is a JSON pointer into the document; FSM_EARGUMENT, FSM_ETOOLARGE, FSM_EEXPRESSION (a where that
 * cannot be compiled or clashes with the record's shape: its text begins with line:column). sinks: names that
 * there are; NULL = they are not looked at. */
FSM_MUST_USE fsm_code fsm__route_read(fsm_arena *arena, const fsm_value *document, const char *const *sinks,
                                      size_t sink_count, const fsm__route **out, fsm_error *err);

/* The parts of a route as a filter of records (runtime/record_filter.h): all but from, to and sinks, and
 * `state`, which stands for either of from and to. Faults as above. */
FSM_MUST_USE fsm_code fsm__route_read_filter(fsm_arena *arena, const fsm_value *document,
                                             const fsm__route **out, fsm_error *err);

/* How a record went through a route. */
typedef struct fsm__matched {
  bool matches;
  const char *part; /* the first that does not match: "machine" … "where"; NULL when it does */
  fsm_error fault;  /* of a where that fails on the record; code FSM_OK: none did */
} fsm__matched;

/* scratch: for its where, of which nothing is made when another part does not match. FSM_ENOMEM is the only
 * fault. */
FSM_MUST_USE fsm_code fsm__route_matches(const fsm__route *route, const fsm_record *record,
                                         const fsm_origin *origin, fsm_arena *scratch, fsm__matched *out,
                                         fsm_error *err);
const char *const *fsm__route_sinks(const fsm__route *route, size_t *count);

/* ---- all routes --------------------------------------------------------------------------------- */

/* All versions of all routes, as of any seq; any thread reads while adds come in. */
typedef struct fsm__routing fsm__routing;
FSM_MUST_USE fsm_code fsm__routing_new(fsm__routing **out, fsm_error *err);
void fsm__routing_free(fsm__routing *routing);
/* All versions that the store has now. What comes later is told by fsm__routing_note. */
FSM_MUST_USE fsm_code fsm__routing_load(fsm__routing *routing, fsm_runtime *runtime, fsm_error *err);
/* A version of a route: from behind the record seq on; document null = removed. A document that cannot be
 * read any more matches nothing. One that is there already (name, seq) changes nothing. */
FSM_MUST_USE fsm_code fsm__routing_add(fsm__routing *routing, const char *name, uint64_t seq,
                                       const fsm_value *document, fsm_error *err);
/* The same of a record of kind `route`; any other is nothing to it. */
FSM_MUST_USE fsm_code fsm__routing_note(fsm__routing *routing, const fsm_record *record, fsm_error *err);
/* Does a route in force for this record give it to the sink? *faults, when not NULL, grows by one for each
 * where that failed on it. FSM_ENOMEM is the only fault. */
FSM_MUST_USE fsm_code fsm__routing_gives(fsm__routing *routing, const char *sink, const fsm_record *record,
                                         const fsm_origin *origin, fsm_arena *scratch, bool *gives,
                                         uint64_t *faults, fsm_error *err);

#endif

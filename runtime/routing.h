/* routing.h: which records go to which sinks. Routes are data: rows of the store, changed by commands, each
 * change a record of kind `route`, each version kept.
 *
 * A route is a document; what it does not name matches everything:
 *
 *   {"machine": "loan", "kind": ["transition", "completed"], "from": "review", "to": "approved", "event":
 *    "APPROVE", "level": 2, "labels": {"department": "claims"}, "where": "actor.sub != 'batch'", "sinks":
 * ["siem"]}
 *
 * machine, kind, event, from, to: a text or a list of them (any of it); `*` at the end of a text stands for
 * the rest; from and to match a leaf or a state above it. level: at least. where: an expression (fsm/expr.h)
 * over `record`, the record's JSON form with its times as timestamps (what is absent there is absent here);
 * it is checked against the record's shape when the route is set. A where that fails on a record does not
 * match it, and is counted.
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

#include "runtime/format.h"

enum {
  FSM_ROUTES_MAX = 256,            /* in force */
  FSM_ROUTE_NAME_MAX = 64,         /* [A-Za-z0-9._-] */
  FSM_ROUTE_BYTES_MAX = 16 * 1024, /* of its document as JSON */
  FSM_ROUTE_TEXTS_MAX = 64         /* of one list */
};

/* One route, read and compiled. Lives in the arena. */
typedef struct fsm__route fsm__route;

/* err->where is a JSON pointer into the document; FSM_EARGUMENT, FSM_ETOOLARGE, FSM_EEXPRESSION (a where that
 * cannot be compiled or clashes with the record's shape: its text has line:column). sinks: names that there
 * are, NULL = not looked at. */
FSM_MUST_USE fsm_code fsm__route_read(fsm_arena *arena, const fsm_value *document, const char *const *sinks,
                                      size_t sink_count, const fsm__route **out, fsm_error *err);
/* scratch: for its where. *why, when not NULL: the first part that does not match, for `route test`. */
bool fsm__route_matches(const fsm__route *route, const fsm_record *record, const fsm_origin *origin,
                        fsm_arena *scratch, const char **why);

/* All versions of all routes, as of any seq; any thread reads while the writer's adds come in. */
typedef struct fsm__routing fsm__routing;
FSM_MUST_USE fsm_code fsm__routing_new(fsm__routing **out, fsm_error *err);
void fsm__routing_free(fsm__routing *routing);
/* A version of a route: from the record seq on; document null = removed. A document that cannot be read any
 * more matches nothing and is shown so. */
FSM_MUST_USE fsm_code fsm__routing_add(fsm__routing *routing, const char *name, uint64_t seq,
                                       const fsm_value *document, fsm_error *err);
/* Does a route in force for this record give it to the sink? */
FSM_MUST_USE fsm_code fsm__routing_gives(fsm__routing *routing, const char *sink, const fsm_record *record,
                                         const fsm_origin *origin, fsm_arena *scratch, bool *gives,
                                         fsm_error *err);

#endif

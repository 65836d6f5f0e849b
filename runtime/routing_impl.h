/* routing_impl.h: between the files of routing. */
#ifndef FSM_RUNTIME_ROUTING_IMPL_H
#define FSM_RUNTIME_ROUTING_IMPL_H

#include "runtime/routing.h"

/* A text, or the beginning of one. */
typedef struct fsm__pattern {
  const char *text;
  size_t len;
  bool rest; /* it ended in `*` */
} fsm__pattern;

/* Any of these; count 0: not asked. */
typedef struct fsm__patterns {
  const fsm__pattern *items;
  size_t count;
} fsm__patterns;

typedef struct fsm__label {
  const char *name;
  fsm__patterns values;
} fsm__label;

struct fsm__route {
  fsm__patterns machine, event, from, to;
  fsm__patterns state; /* of a filter: from or to */
  uint32_t kinds;      /* a bit each; 0: not asked */
  int64_t level;
  const fsm__label *labels;
  size_t label_count;
  const fsm__where *where; /* NULL: not asked */
  const char *const *sinks;
  size_t sink_count;
};
_Static_assert(FSM_RECORD_KIND_COUNT <= 32, "the kinds are a set of 32 bits");

/* A record as its routes see it: what a where reads is made once, when the first one asks. */
typedef struct fsm__viewed {
  const fsm_record *record;
  const fsm_origin *origin;
  fsm_arena *scratch;
  uint64_t work_max; /* of a where, 0 = what an expression may */
  uint64_t work;     /* that they took */
  bool made;
  fsm_value context;
} fsm__viewed;

FSM_MUST_USE fsm_code fsm__where_asks(const fsm__where *where, fsm__viewed *viewed, bool *matches,
                                      fsm_error *err);
/* What can be told without decoding the record: false, it does not match. */
bool fsm__route_glance(const fsm__route *route, const fsm_record_brief *brief);
bool fsm__patterns_match(const fsm__patterns *patterns, const char *text, size_t len);
/* Does a glance tell all? */
bool fsm__route_is_plain(const fsm__route *route);
/* The one machine that it asks for; NULL = any, or several. */
const char *fsm__route_machine(const fsm__route *route);
FSM_MUST_USE fsm_code fsm__route_asks(const fsm__route *route, fsm__viewed *viewed, fsm__matched *out,
                                      fsm_error *err);

#endif

/* definition_write.h: what the two writers share: the states of a tree with their names in both
 * notations, expressions respelled, and what the dialects take to mean different things.
 *
 * A tree of the other dialect is translated; where the same text would behave otherwise, or where there is
 * no text at all, the construct is refused with its place (FSM_EUNSUPPORTED).
 */
#ifndef FSM_SCHEMA_DEFINITION_WRITE_H
#define FSM_SCHEMA_DEFINITION_WRITE_H

#include "schema/definition.h"

typedef struct fsm__written fsm__written;
struct fsm__written {
  const fsm_def_state *state;
  const char *path; /* as the tree knows it; "" of the root */
  const char *key;  /* its key in JSON */
  const char *name; /* in the notation that is written: a dotted path, or an id */
  size_t up;        /* the number of its parent */
  const fsm__written *parent;
};

typedef struct fsm__writer {
  fsm_arena arena; /* of one call */
  fsm_error *err;
  const fsm_def *def;
  fsm_dialect to;
  fsm__written *states; /* in document order, the root first */
  size_t count, cap;
  const fsm__written **by_path;
  const char **events; /* names that the machine speaks of, sorted, without a final ".*" */
  size_t event_count, event_cap;
  bool exact; /* a descriptor of it takes one event alone */
} fsm__writer;

fsm_code fsm__write_begin(fsm__writer *w, const fsm_def *def, fsm_dialect to, fsm_error *err);
void fsm__write_end(fsm__writer *w);

fsm_code fsm__write_refuse(fsm__writer *w, const char *where, const char *format, ...) FSM_PRINTF(3, 4);
fsm_code fsm__write_no_memory(fsm__writer *w);

static inline bool fsm__write_translates(const fsm__writer *w) { return w->def->dialect != w->to; }
const fsm__written *fsm__write_state(const fsm__writer *w, const char *path); /* NULL = none */
/* The expression in the names of what is written. */
fsm_code fsm__write_expr(fsm__writer *w, const char *text, const char *where, const char **out);
/* The name of an event, or what comes before the ".*" of a descriptor, in the notation that is written. */
fsm_code fsm__write_event(fsm__writer *w, const char *name, const char *where, const char **out);
/* Does the machine speak of an event that begins with this name and a dot? */
bool fsm__write_extends(const fsm__writer *w, const char *name);
/* Is the transition asked beside the same others, and does it leave the same states, in both dialects? */
fsm_code fsm__write_check_transition(fsm__writer *w, const fsm__written *source, const fsm_def_transition *t);
/* Does the descriptor take what the other one takes? */
bool fsm__write_covers(const char *descriptor, const char *other);
bool fsm__written_is_below(const fsm__written *state, const fsm__written *ancestor);
/* A name that an expression can have. */
bool fsm__write_is_name(const char *text);

#endif

/* diff_impl.h: what the files of diff share. */
#ifndef FSM_SCHEMA_DIFF_IMPL_H
#define FSM_SCHEMA_DIFF_IMPL_H

#include "schema/diff.h"

typedef struct fsm__differ {
  fsm_arena *arena;
  const fsm_diff_side *a, *b;
  fsm_value documents[2]; /* null of SCXML */
  fsm_change *changes;
  size_t count, cap;
  bool no_memory;
} fsm__differ;

/* Adds a change; name and state are kept as they are. */
void fsm__change(fsm__differ *d, fsm_impact impact, const char *kind, const char *name, const char *format,
                 ...) FSM_PRINTF(5, 6);
const char *fsm__diff_text(fsm__differ *d, const char *format, ...) FSM_PRINTF(2, 3);
/* diff_schema.c: fields, types, what is required. */
void fsm__diff_schemas(fsm__differ *d);
/* diff_state.c: states, transitions, timers, tasks. */
void fsm__diff_states(fsm__differ *d);
void fsm__diff_events(fsm__differ *d);

#endif

/* diff.h: what has changed from one definition to another, and whom it concerns.
 *
 * breaking: who sends events, reads data or records, or stands in a state, may meet what was not so before.
 * compatible: new or otherwise, and nobody has to change. internal: how the machine does it.
 * What cannot be told (another guard, another allow) is not taken for harmless: an allow that is new or other
 * is breaking. States and events are known by their names: one that was renamed is gone and there anew. */
#ifndef FSM_SCHEMA_DIFF_H
#define FSM_SCHEMA_DIFF_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FSM_DIFF_CHANGES_MAX = 2000 }; /* FSM_ETOOLARGE */

typedef enum fsm_impact {
  FSM_IMPACT_BREAKING,
  FSM_IMPACT_COMPATIBLE,
  FSM_IMPACT_INTERNAL,
  FSM_IMPACT_COUNT
} fsm_impact;
FSM_API const char *fsm_impact_name(fsm_impact impact);

typedef struct fsm_change {
  fsm_impact impact;
  const char *kind;  /* "state-removed", "event-added", "field-required" … */
  const char *name;  /* the state, event, field ("events.APPROVE.comment") or transition ("a/GO") */
  const char *text;  /* a sentence without a full stop */
  const char *state; /* a state that is gone: its path; else NULL */
} fsm_change;

typedef struct fsm_diff_side {
  const char *text;
  size_t len;
  const fsm_def *def;
  const fsm_machine *machine;
} fsm_diff_side;

typedef struct fsm_diff_report {
  const fsm_change *changes; /* breaking ones first */
  size_t count, by_impact[FSM_IMPACT_COUNT];
} fsm_diff_report;

FSM_API FSM_MUST_USE fsm_code fsm_diff(fsm_arena *arena, const fsm_diff_side *before,
                                       const fsm_diff_side *after, fsm_diff_report *out, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif

/* prospect.h: what could still move an instance that stands where it stands: for `dead`, `orphan` and `why`.
 *
 * Context and configuration are known, what will be sent, by whom and when is not (fsm_expr_foresee). An
 * answer is exact as far as guards read only what is known; one that reads the event, the actor or now counts
 * as if it might hold, and so does one that the world's budget has no room for. A transition without target and
 * actions takes its event and moves nothing, and keeps what lies behind it from moving.
 *
 * Events from outside are what people, systems and other instances send: any name but those that begin with
 * "xstate.", "done." or "error.", which are made by the engine, a timer or a task. */
#ifndef FSM_PROSPECT_H
#define FSM_PROSPECT_H

#include "fsm/step.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fsm_prospects {
  unsigned count;
  const uint16_t *transitions; /* ascending, in arena: those that an event from outside may have taken */
  bool whatever; /* whatever comes, be it taken or not, may have an eventless transition taken */
} fsm_prospects;

/* snapshot as in fsm_step; of world only the session and the budget are read. A machine that is done has none. */
FSM_API FSM_MUST_USE fsm_code fsm_foresee(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                          const fsm_world *world, fsm_arena *arena, fsm_prospects *out,
                                          fsm_error *err);

/* May this event of a timer (FSM_CAUSE_TIMER) or a task (FSM_CAUSE_TASK), which is still to come, move the
 * instance? In XState a fault that nothing takes is a move, too: it opens an incident. */
FSM_API FSM_MUST_USE fsm_code fsm_foresee_event(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                                const fsm_world *world, const char *event, fsm_cause cause,
                                                fsm_arena *arena, bool *moves, fsm_error *err);

/* May the actor (a map; NULL = nobody) have the transition taken, as far as its allows tell without the
 * event? YES also without any; DEPENDS: it is known when something is sent. */
FSM_API FSM_MUST_USE fsm_code fsm_foresee_permits(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                                  const fsm_world *world, unsigned transition,
                                                  const fsm_value *actor, fsm_arena *arena, fsm_verdict *out,
                                                  fsm_error *err);

/* Of each state of the machine, into out (a byte a state): who is in it can always be moved by an event from
 * outside, whoever sends it and whatever the context is. false may mean that it depends. */
FSM_API void fsm_foresee_free(const fsm_machine *machine, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif

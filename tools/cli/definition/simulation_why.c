/* simulation_why.c: which parts of a guard make it false: fsm_guard_parts, with the event that was sent. */
#include "tools/cli/definition/simulation.h"

const char *cli_simulation_false_part(const cli_simulation *sim, const fsm_session *session,
                                      unsigned transition, const fsm_event *event, fsm_arena *arena,
                                      fsm_value *seen) {
  FSM_ASSERT(session != NULL && seen != NULL);
  static const fsm_event none = {.name = ""};
  const fsm_world world = cli_simulation_world(sim, session);
  const fsm_expr_part *parts;
  fsm_truth truth;
  unsigned count;
  if (fsm_guard_parts(fsm_session_machine(session), fsm_session_snapshot(session), transition,
                      event != NULL ? event : &none, &world, arena, &truth, &parts, &count, NULL) != FSM_OK)
    return NULL;
  if (count < 2 || truth != FSM_TRUTH_FALSE) return NULL;
  const fsm_expr_part *part = fsm_expr_part_first(parts, count);
  *seen = part->seen;
  return part->text;
}

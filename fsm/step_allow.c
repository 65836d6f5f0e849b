/* step_allow.c: who may (meta.fsm.allow): asked of events from outside, before any guard.
 *
 * The idea: all that apply to a transition must hold, those of the root, of its source and of what is around
 * it, and its own; of one, one of its expressions is enough. An expression that cannot be evaluated, that is
 * no bool, or that names the actor where there is none, does not hold: nothing is ever permitted by mistake.
 * Invariant: asking changes nothing and raises nothing.
 */
#include <string.h>

#include "fsm/step_impl.h"

bool fsm__asks_for(const fsm__run *run, const fsm_event *event) {
  return run->machine->has_allow && event->cause == FSM_CAUSE_EXTERNAL && !run->inside;
}

/* Nothing has been sent yet: an answer that needed it, or an actor who is not known, is none. */
static fsm_verdict unknown_unless(const fsm__run *run, bool known) {
  return run->foresees && !known ? FSM_VERDICT_DEPENDS : FSM_VERDICT_NO;
}

static fsm_verdict expr_holds(fsm__run *run, const fsm_expr *expr) {
  FSM_UNSET fsm_error fault;
  fsm_value value;
  if (!fsm__has_actor(run) && fsm_expr_names_actor(expr)) return unknown_unless(run, false);
  if (run->work > FSM_STEP_BYTES_MAX) return FSM_VERDICT_NO;
  fsm_code code = fsm_expr_eval(expr, &run->scope, run->arena, &value, &fault);
  if (code == FSM_ENOMEM) fsm__fault(run, FSM_ENOMEM);
  if (code != FSM_OK) return unknown_unless(run, run->scope.event == NULL); /* it is made when it is read */
  return fsm_is(&value, FSM_BOOL) && value.b ? FSM_VERDICT_YES : FSM_VERDICT_NO;
}

/* One of its expressions is enough. */
static fsm_verdict holds(fsm__run *run, const fsm__allow *allow) {
  const bool scxml = run->machine->dialect == FSM_SCXML;
  fsm_verdict verdict = FSM_VERDICT_NO;
  fsm__sight saved;
  for (unsigned i = 0; i < allow->count && verdict != FSM_VERDICT_YES && run->fault == FSM_OK; i++) {
    if (scxml || run->foresees) fsm__run_see_json(run, &saved);
    fsm_verdict one = expr_holds(run, allow->exprs[i]);
    if (scxml || run->foresees) fsm__run_see_again(run, &saved);
    if (one != FSM_VERDICT_NO) verdict = one;
  }
  return run->fault == FSM_OK ? verdict : FSM_VERDICT_NO;
}

bool fsm__root_permits(fsm__run *run) {
  const fsm__allow *allow = run->machine->states[0].allow;
  return allow == NULL || holds(run, allow) == FSM_VERDICT_YES;
}

static bool all_permit(fsm__run *run, const fsm__transition *t) {
  const fsm_machine *m = run->machine;
  for (unsigned s = t->source; s != 0; s = m->states[s].parent)
    if (m->states[s].allow != NULL && holds(run, m->states[s].allow) != FSM_VERDICT_YES) return false;
  return t->allow == NULL || holds(run, t->allow) == FSM_VERDICT_YES;
}

bool fsm__permits(fsm__run *run, unsigned transition) {
  bool permits = all_permit(run, &run->machine->transitions[transition]);
  run->denied |= !permits;
  return permits;
}

/* ---- as others see them -------------------------------------------------------------------------- */

static fsm_allow view(const fsm__allow *allow, unsigned state, int transition) {
  return (fsm_allow){.text = allow->text,
                     .where = allow->where,
                     .state = state,
                     .transition = transition,
                     .holds = FSM_VERDICT_DEPENDS};
}

/* The allows themselves, in the order of fsm_transition_allows. */
static unsigned list(const fsm_machine *m, unsigned transition, const fsm__allow *allows[FSM_ALLOWS_MAX],
                     fsm_allow views[FSM_ALLOWS_MAX]) {
  const fsm__transition *t = &m->transitions[transition];
  uint16_t above[FSM_DEPTH_MAX + 1];
  unsigned depth = 0, count = 0;
  for (unsigned s = t->source;; s = m->states[s].parent) {
    above[depth++] = (uint16_t)s;
    if (s == 0) break;
  }
  while (depth-- > 0) {
    if ((allows[count] = m->states[above[depth]].allow) == NULL) continue;
    views[count] = view(allows[count], above[depth], -1);
    count++;
  }
  if ((allows[count] = t->allow) == NULL) return count;
  views[count] = view(t->allow, t->source, (int)transition);
  return count + 1;
}

unsigned fsm_transition_allows(const fsm_machine *machine, unsigned transition,
                               fsm_allow out[FSM_ALLOWS_MAX]) {
  const fsm__allow *allows[FSM_ALLOWS_MAX];
  FSM_ASSERT(machine != NULL && transition < machine->transition_count && out != NULL);
  return list(machine, transition, allows, out);
}

bool fsm_invoke_allow(const fsm_machine *machine, unsigned invoke, fsm_allow *out) {
  FSM_ASSERT(machine != NULL && invoke < machine->invoke_count && out != NULL);
  const fsm__invoke *in = &machine->invokes[invoke];
  if (in->allow == NULL) return false;
  *out = view(in->allow, in->state, -1);
  return true;
}

bool fsm__candidate_allows(fsm__run *run, fsm_candidate *candidate) {
  const fsm__allow *allows[FSM_ALLOWS_MAX];
  fsm_allow views[FSM_ALLOWS_MAX];
  candidate->permitted = FSM_VERDICT_YES;
  if (!run->asks) return true;
  const unsigned count = list(run->machine, candidate->transition, allows, views);
  for (unsigned i = 0; i < count; i++) {
    const bool over = run->foresees && fsm__run_over(run);
    candidate->unasked = candidate->unasked || over;
    views[i].holds = over ? FSM_VERDICT_DEPENDS : holds(run, allows[i]);
    if (views[i].holds == FSM_VERDICT_NO) candidate->permitted = FSM_VERDICT_NO;
    if (views[i].holds == FSM_VERDICT_DEPENDS && candidate->permitted == FSM_VERDICT_YES)
      candidate->permitted = FSM_VERDICT_DEPENDS;
  }
  fsm_allow *kept = count > 0 ? fsm_arena_alloc(run->arena, count * sizeof *kept) : NULL;
  if (count > 0 && kept == NULL) fsm__fault(run, FSM_ENOMEM);
  if (run->fault != FSM_OK) return false;
  if (count > 0) memcpy(kept, views, count * sizeof *kept);
  candidate->allows = kept;
  candidate->allow_count = count;
  return true;
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static bool listed(const fsm_step_result *out, const fsm_allow *allow) {
  for (unsigned i = 0; i < out->denied_count; i++)
    if (out->denied[i].state == allow->state && out->denied[i].transition == allow->transition) return true;
  return false;
}

void fsm__denied(fsm__run *run, fsm_step_result *out) {
  unsigned total = 1;
  for (unsigned i = 0; i < out->candidate_count; i++) total += out->candidates[i].allow_count;
  fsm_allow *denied = fsm_arena_alloc(run->arena, total * sizeof *denied);
  out->denied = denied;
  out->denied_count = 0;
  if (denied == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  if (out->candidate_count == 0) {
    denied[0] = view(run->machine->states[0].allow, 0, -1);
    denied[0].holds = FSM_VERDICT_NO;
    out->denied_count = 1;
  }
  for (unsigned i = 0; i < out->candidate_count; i++)
    for (unsigned a = 0; a < out->candidates[i].allow_count; a++) {
      const fsm_allow *allow = &out->candidates[i].allows[a];
      if (allow->holds != FSM_VERDICT_YES && !listed(out, allow)) denied[out->denied_count++] = *allow;
    }
}

/* ---- tasks --------------------------------------------------------------------------------------- */

fsm_code fsm_invoke_permits(const fsm_machine *machine, const fsm_snapshot *snapshot, unsigned invoke,
                            const fsm_event *event, const fsm_world *world, fsm_arena *arena, bool *permitted,
                            fsm_allow *out, fsm_error *err) {
  FSM_ASSERT(machine != NULL && snapshot != NULL && event != NULL && world != NULL && permitted != NULL);
  *permitted = true;
  if (!fsm_invoke_allow(machine, invoke, out) || world->inside) return FSM_OK;
  FSM_UNSET fsm__run run;
  fsm_code code = fsm__run_init(&run, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  fsm__run_see(&run, event);
  out->holds = holds(&run, machine->invokes[invoke].allow);
  *permitted = out->holds == FSM_VERDICT_YES;
  return run.fault == FSM_OK ? FSM_OK : fsm_fail(err, run.fault, "", "no memory to ask who may");
}

/* step_micro.c: one microstep: leave, act, enter (SCXML Appendix D, names as there), and its record.
 *
 * All exits in reverse document order, then the transitions' content, then all entries in document
 * order. Numbers are document order, so both walks are walks over bitsets. Invariants: run->config is
 * legal before and after; a state that is active is not entered again, which is also what makes an
 * internal transition keep its source.
 */
#include <string.h>

#include "fsm/step_impl.h"

/* ---- the microstep's record -------------------------------------------------------------------- */

fsm_microstep *fsm__microstep_begin(fsm__run *run) {
  if (run->microstep_count == FSM_MICROSTEPS_MAX) {
    fsm__fault(run, FSM_ELOOP);
    return NULL;
  }
  if (run->microstep_count == run->microstep_cap) {
    unsigned cap = run->microstep_cap == 0 ? 1 : run->microstep_cap * 2;
    fsm_microstep *more = fsm_arena_zalloc(run->arena, cap, sizeof *more);
    if (more == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return NULL;
    }
    if (run->microstep_count > 0) memcpy(more, run->microsteps, run->microstep_count * sizeof *more);
    run->microsteps = more;
    run->microstep_cap = cap;
  }
  run->effects = NULL;
  run->effect_count = run->effect_cap = 0;
  run->context_changed = run->history_changed = run->assigned = run->remembered = false;
  run->own_pairs = NULL;
  fsm_microstep *micro = &run->microsteps[run->microstep_count];
  micro->from = run->leaves;
  micro->from_count = run->leaf_count;
  return micro;
}

/* What the transitions have touched is legal again; the rest is as it was. */
static bool touched_legal(const fsm__run *run, const fsm_microstep *micro) {
  if (micro->transition_count == 0)
    return micro->entered_count == 0 || fsm_config_legal(run->machine, run->config);
  for (unsigned i = 0; i < micro->transition_count; i++) {
    const fsm__span *span = &run->spans[i];
    if (span->first > span->last) continue;
    if (!fsm__config_legal_below(run->machine, run->config, span->domain == FSM__NONE ? 0 : span->domain))
      return false;
  }
  return true;
}

void fsm__microstep_end(fsm__run *run, fsm_microstep *micro) {
  if (run->fault != FSM_OK) return;
  FSM_ASSERT(run->done || touched_legal(run, micro));
  if (micro->exited_count > 0 || micro->entered_count > 0) {
    run->leaves = fsm__leaves_of(run->machine, run->config, run->arena, &run->leaf_count);
    if (run->leaves == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return;
    }
  }
  if (run->history_changed) fsm__history_rebuild(run);
  if (run->fault != FSM_OK) return;
  micro->to = run->leaves;
  micro->to_count = run->leaf_count;
  micro->context = run->context;
  micro->context_changed = run->context_changed;
  micro->history = run->history;
  micro->history_changed = run->history_changed;
  micro->effects = run->effects;
  micro->effect_count = run->effect_count;
  run->microstep_count++;
}

void fsm__microstep_extend(fsm__run *run) {
  FSM_ASSERT(run->microstep_count > 0);
  fsm_microstep *micro = &run->microsteps[run->microstep_count - 1];
  if (run->history_changed) fsm__history_rebuild(run);
  micro->context = run->context;
  micro->context_changed = run->context_changed;
  micro->history = run->history;
  micro->history_changed = run->history_changed;
  micro->effects = run->effects;
  micro->effect_count = run->effect_count;
  run->own_pairs = NULL;
}

const uint16_t *fsm__list_of(fsm__run *run, const uint64_t *set, bool descending, unsigned *count) {
  const bool one = run->machine->words == 1 && set[0] != 0 && (set[0] & (set[0] - 1)) == 0;
  *count = one ? 1 : fsm__bits_count(set, run->machine->words);
  if (*count == 0) return NULL;
  uint16_t *list = fsm_arena_alloc(run->arena, *count * sizeof *list);
  if (list == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return NULL;
  }
  uint16_t *at = descending ? list + *count : list;
  for (unsigned i = 0; i < run->machine->words; i++)
    for (uint64_t bits = set[i]; bits != 0; bits &= bits - 1) {
      const uint16_t state = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(bits));
      if (descending)
        *--at = state;
      else
        *at++ = state;
    }
  return list;
}

/* Appendix D: procedure executeTransitionContent */
static void executeTransitionContent(fsm__run *run) {
  for (unsigned i = 0; i < run->enabled_count && run->fault == FSM_OK; i++)
    fsm__block_run(run, &run->machine->transitions[run->enabled[i]].actions);
}

/* XState asks eventless transitions again only when the snapshot is another one than before. */
static bool snapshot_differs(const fsm__run *run, const fsm_microstep *micro) {
  if (run->assigned || run->remembered || run->history_changed || micro->from_count != micro->to_count)
    return true;
  if (memcmp(micro->from, micro->to, micro->to_count * sizeof *micro->to) != 0) return true;
  for (unsigned i = 0; i < micro->exited_count; i++)
    if (run->machine->states[micro->exited[i]].invoke_count > 0) return true;
  return false;
}

/* Appendix D: procedure microstep */
static void microstep(fsm__run *run, fsm_microstep *micro) {
  fsm__exitStates(run, micro);
  executeTransitionContent(run);
  fsm__computeEntrySet(run);
  fsm__enterStates(run, micro);
}

void fsm__microstep(fsm__run *run, const char *trigger, fsm_cause cause, const fsm_value *data) {
  FSM_ASSERT(run->enabled_count > 0 && run->fault == FSM_OK);
  fsm_microstep *micro = fsm__microstep_begin(run);
  if (micro == NULL) return;
  micro->trigger = trigger;
  micro->cause = cause;
  micro->data = *data;
  micro->transitions = run->enabled;
  micro->transition_count = run->enabled_count;
  microstep(run, micro);
  run->enabled = NULL; /* the record keeps it */
  fsm__microstep_end(run, micro);
  if (run->fault == FSM_OK) run->moved = snapshot_differs(run, micro);
}

void fsm__enter_initial(fsm__run *run, const fsm_value *input) {
  fsm_microstep *micro = fsm__microstep_begin(run);
  if (micro == NULL) return;
  micro->trigger = "";
  micro->cause = FSM_CAUSE_EXTERNAL;
  micro->data = *input;
  fsm__compute_initial_set(run);
  fsm__enterStates(run, micro);
  fsm__microstep_end(run, micro);
  run->moved = true;
}

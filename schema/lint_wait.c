/* lint_wait.c: waits without a deadline (L005), timers of 0 (L016), invokes whose failure nobody takes
 * (L017). */
#include <string.h>

#include "schema/json.h"
#include "schema/lint_impl.h"

static bool has(const fsm_explore_node *node, unsigned state) {
  return node->config[state / 64] >> (state % 64) & 1;
}

static bool has_sla(const fsm__linter *l, unsigned state) {
  const fsm_value *fsm = fsm_map_get(fsm_state_meta(l->machine, state), "fsm");
  return fsm != NULL && fsm_map_get(fsm, "sla") != NULL;
}

/* ---- events that come by themselves ---------------------------------------------------------------- */

typedef struct later {
  const char **names;
  size_t count, cap;
} later;

static void note_later(fsm__linter *l, void *arg, fsm__subject subject, const fsm_def_action *action) {
  later *known = arg;
  (void)subject;
  if (action->delay == NULL || action->event == NULL || known->count == known->cap) return;
  (void)l;
  known->names[known->count++] = action->event;
}

static bool comes_by_itself(const fsm__linter *l, const later *known, const fsm_explore_move *move) {
  if (move->event < 0) return false;
  const fsm_explore_event *event = &l->seen.events[move->event];
  if (event->origin == FSM_ORIGIN_TIMER) return true;
  for (size_t i = 0; i < known->count; i++)
    if (strcmp(known->names[i], event->name) == 0) return true;
  return false;
}

/* Does it wait for somebody, and does nothing happen when nobody comes? */
static bool waits_for_ever(const fsm__linter *l, const later *known, const fsm_explore_node *node) {
  bool outside = false;
  if (!node->waits || node->done) return false;
  for (uint32_t i = 0; i < node->move_count; i++) {
    const fsm_explore_move *move = &l->seen.moves[node->first_move + i];
    if (comes_by_itself(l, known, move)) return false;
    outside |= move->event >= 0 && l->seen.events[move->event].origin == FSM_ORIGIN_OUTSIDE;
  }
  for (unsigned i = 0; i < l->state_count; i++)
    if (has(node, i) && (l->states[i]->invoke_count > 0 || l->states[i]->after_count > 0 || has_sla(l, i)))
      return false;
  return outside;
}

void fsm__lint_waits(fsm__linter *l) {
  later known = {.cap = 256};
  known.names = fsm_arena_zalloc(l->arena, known.cap, sizeof *known.names);
  bool *told = fsm_arena_zalloc(l->arena, l->state_count, sizeof *told);
  if (known.names == NULL || told == NULL) {
    l->no_memory = true;
    return;
  }
  fsm__lint_actions(l, note_later, &known);
  for (size_t i = 0; i < l->seen.node_count; i++) {
    const fsm_explore_node *node = &l->seen.nodes[i];
    if (!waits_for_ever(l, &known, node)) continue;
    for (unsigned s = 0; s < l->state_count; s++) {
      if (!has(node, s) || !fsm_state_is_leaf(l->machine, s) || told[s]) continue;
      if (fsm_state_kind(l->machine, s) == FSM_FINAL) continue;
      told[s] = true;
      fsm__lint_add(l, FSM__L005, FSM__OF_STATE(s), NULL,
                    "%s waits for an event, and for ever when none comes", fsm__lint_state(l, s));
    }
  }
}

/* ---- timers ---------------------------------------------------------------------------------------- */

static bool is_zero(const fsm_def_value *delay) {
  if (delay == NULL || delay->form != FSM_DEF_LITERAL) return false;
  const fsm_value *value = &delay->literal;
  if (value->type == FSM_INT) return value->i == 0;
  if (value->type == FSM_DOUBLE) return value->d == 0;
  if (value->type == FSM_DURATION) return value->i == 0 && value->len == 0;
  if (value->type != FSM_STRING) return false;
  bool digits = false;
  for (uint32_t i = 0; i < value->len; i++) {
    if (value->s[i] >= '1' && value->s[i] <= '9') return false;
    digits |= value->s[i] == '0';
  }
  return digits;
}

/* In SCXML a <send> with a delay of 0 is what every <send> is. */
static void look_at_delay(fsm__linter *l, void *arg, fsm__subject subject, const fsm_def_action *action) {
  (void)arg;
  if (!l->scxml && is_zero(action->delay))
    fsm__lint_add(l, FSM__L016, subject, action->where, "\"%.100s\" is delayed by 0",
                  action->event != NULL ? action->event : "it");
}

static void look_at_invokes(fsm__linter *l) {
  unsigned number = 0;
  for (unsigned i = 0; i < l->state_count; i++)
    for (size_t j = 0; j < l->states[i]->invoke_count; j++, number++) {
      const char *id = fsm_invoke_id(l->machine, number);
      if (l->source->def->dialect != FSM_XSTATE || id == NULL) continue;
      const char *event = fsm__lint_text(l, "xstate.error.actor.%s", id);
      bool taken = false;
      for (unsigned t = 0; t < l->transition_count && !taken; t++) {
        unsigned up = i;
        while (up > 0 && up != fsm_transition_source(l->machine, t)) up = fsm_state_parent(l->machine, up);
        taken = up == fsm_transition_source(l->machine, t) && fsm_transition_names(l->machine, t, event);
      }
      if (!taken)
        fsm__lint_add(l, FSM__L017, FSM__OF_INVOKE(number), NULL, "nothing takes the failure of \"%.200s\"",
                      id);
    }
}

void fsm__lint_timers(fsm__linter *l) {
  for (unsigned i = 0; i < l->state_count; i++)
    for (size_t j = 0; j < l->states[i]->after_count; j++)
      if (!l->scxml && is_zero(l->states[i]->afters[j].delay))
        fsm__lint_add(l, FSM__L016, FSM__OF_STATE(i), l->states[i]->afters[j].where,
                      "the timer of %s is 0: it fires at once", fsm__lint_state(l, i));
  fsm__lint_actions(l, look_at_delay, NULL);
  look_at_invokes(l);
}

/* explore_event.c: what may come to a machine: an example of each event that it names, with where it comes
 * from. */
#include <string.h>

#include "fsm/explore_impl.h"

static bool known(const fsm__explorer *x, const char *name) {
  for (size_t i = 0; i < x->out->event_count; i++)
    if (strcmp(x->events[i].name, name) == 0) return true;
  return false;
}

static void add(fsm__explorer *x, const char *name, const char *shown, fsm_explore_origin origin,
                unsigned state) {
  if (name == NULL || x->fault != FSM_OK || known(x, name)) return;
  if (x->out->event_count == x->event_cap) {
    const size_t cap = x->event_cap == 0 ? 32 : 2 * x->event_cap;
    fsm_explore_event *more = fsm_arena_alloc(x->arena, cap * sizeof *more);
    if (more == NULL) {
      fsm__explore_no_memory(x);
      return;
    }
    if (x->event_cap > 0) memcpy(more, x->events, x->event_cap * sizeof *more);
    x->events = more;
    x->event_cap = cap;
  }
  /* the stripped machine goes, its names stay */
  const char *own = fsm_arena_strdup(x->arena, name), *label = fsm_arena_strdup(x->arena, shown);
  if (own == NULL || label == NULL) {
    fsm__explore_no_memory(x);
    return;
  }
  x->events[x->out->event_count++] = (fsm_explore_event){own, label, origin, (uint16_t)state};
}

/* ---- what the engine makes ------------------------------------------------------------------------- */

static void add_generated(fsm__explorer *x, const fsm_def *def, const fsm_machine *full) {
  const fsm_machine *m = x->machine;
  size_t count;
  const fsm_def_state *const *states = fsm_def_states(x->arena, def, &count);
  if (states == NULL) {
    fsm__explore_no_memory(x);
    return;
  }
  for (unsigned i = 0; i < m->state_count; i++) {
    const fsm__state *s = &m->states[i];
    if (i > 0 && s->kind != FSM_HISTORY && s->done_event != NULL && fsm_machine_knows_event(m, s->done_event))
      add(x, s->done_event, s->done_event, FSM_ORIGIN_DONE, i);
    for (size_t j = 0; j < states[i]->after_count; j++)
      add(x, states[i]->afters[j].event, states[i]->afters[j].event, FSM_ORIGIN_TIMER, i);
  }
  for (unsigned i = 0; i < full->invoke_count; i++) {
    const fsm__invoke *invoke = &full->invokes[i];
    add(x, invoke->done_event, invoke->done_event, FSM_ORIGIN_TASK, invoke->state);
    if (invoke->error_event != NULL && *invoke->error_event != '\0')
      add(x, invoke->error_event, invoke->error_event, FSM_ORIGIN_TASK, invoke->state);
  }
}

/* ---- what is raised -------------------------------------------------------------------------------- */

static void add_raised(fsm__explorer *x, const fsm_def_action *actions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const fsm_def_action *a = &actions[i];
    if ((a->kind == FSM_ACTION_RAISE || a->kind == FSM_ACTION_SEND) && a->event != NULL)
      add(x, a->event, a->event, FSM_ORIGIN_INSIDE, 0);
    add_raised(x, a->actions, a->action_count);
  }
}

static void add_raised_by(fsm__explorer *x, const fsm_def_state *state) {
  add_raised(x, state->entry, state->entry_count);
  add_raised(x, state->exit, state->exit_count);
  add_raised(x, state->initial_actions, state->initial_action_count);
  for (size_t i = 0; i < state->transition_count; i++)
    add_raised(x, state->transitions[i].actions, state->transitions[i].action_count);
  for (size_t i = 0; i < state->invoke_count; i++)
    add_raised(x, state->invokes[i].finalize, state->invokes[i].finalize_count);
  for (size_t i = 0; i < state->child_count; i++) add_raised_by(x, state->children[i]);
}

/* ---- what is named --------------------------------------------------------------------------------- */

static bool is_engines(const fsm__explorer *x, const char *name) {
  return (x->machine->dialect == FSM_XSTATE && strncmp(name, "xstate.", 7) == 0) ||
         strncmp(name, "error.", 6) == 0 || strcmp(name, "error") == 0;
}

/* A prefix stands for itself and for something behind it that nobody names. */
static void add_named(fsm__explorer *x, const fsm__descriptor *d) {
  /* who is done is known already */
  if (fsm__has_prefix(d->text, x->machine->dialect == FSM_XSTATE ? "xstate.done.state" : "done.state"))
    return;
  const fsm_explore_origin origin = is_engines(x, d->text) ? FSM_ORIGIN_INSIDE : FSM_ORIGIN_OUTSIDE;
  if (d->rule == FSM__ANY) {
    add(x, "~", d->text, FSM_ORIGIN_OUTSIDE, 0);
    return;
  }
  const char *name = fsm_arena_strndup(x->arena, d->text, d->len);
  const char *more = d->rule == FSM__PREFIX ? fsm_arena_printf(x->arena, "%.*s.~", (int)d->len, d->text) : "";
  if (name == NULL || more == NULL) {
    fsm__explore_no_memory(x);
    return;
  }
  add(x, name, name, origin, 0);
  if (d->rule == FSM__PREFIX) add(x, more, d->text, origin, 0);
}

/* May the source take part while the state is done? What is above it may, but never instead of another. */
static bool is_beside(const fsm_machine *m, unsigned source, unsigned state) {
  if (fsm__is_descendant(m, source, state)) return m->states[state].kind == FSM_PARALLEL;
  unsigned up = state;
  while (up != source && !fsm__is_descendant(m, source, up)) up = m->states[up].parent;
  return up != source && m->states[up].kind == FSM_PARALLEL;
}

static bool is_own(const fsm__explorer *x, const fsm_explore_event *e) {
  const fsm_machine *m = x->machine;
  if (e->origin != FSM_ORIGIN_DONE) return false;
  for (unsigned i = 0; i < m->transition_count; i++) {
    const fsm__transition *t = &m->transitions[i];
    if (is_beside(m, t->source, e->state) && fsm__transition_names(t, e->name, strlen(e->name))) return false;
  }
  return true;
}

/* Is there anything to be evaluated? */
static bool may_fail(const fsm_def_state *state) {
  if (state->entry_count + state->exit_count + state->initial_action_count + state->invoke_count +
              state->after_count + state->data_count >
          0 ||
      state->output != NULL)
    return true;
  for (size_t i = 0; i < state->transition_count; i++)
    if (state->transitions[i].guard != NULL || state->transitions[i].action_count > 0) return true;
  for (size_t i = 0; i < state->child_count; i++)
    if (may_fail(state->children[i])) return true;
  return false;
}

void fsm__explore_events(fsm__explorer *x, const fsm_def *def, const fsm_machine *full) {
  const fsm_machine *m = x->machine;
  add_generated(x, def, full);
  const bool fails = may_fail(def->root);
  if (fails && fsm_machine_knows_event(m, "error.execution"))
    add(x, "error.execution", "error.execution", FSM_ORIGIN_INSIDE, 0);
  if (fails && fsm_machine_knows_event(m, "error.communication"))
    add(x, "error.communication", "error.communication", FSM_ORIGIN_INSIDE, 0);
  add_raised_by(x, def->root);
  for (unsigned i = 0; i < m->transition_count; i++)
    for (uint32_t j = 0; j < m->transitions[i].event_count; j++) add_named(x, &m->transitions[i].events[j]);
  x->out->events = x->events;
  x->late = fsm_arena_zalloc(x->arena, x->out->event_count + 1, sizeof *x->late);
  x->own = fsm_arena_zalloc(x->arena, x->out->event_count + 1, sizeof *x->own);
  if (x->late == NULL || x->own == NULL) fsm__explore_no_memory(x);
  for (size_t i = 0; i < x->out->event_count && x->fault == FSM_OK; i++) x->own[i] = is_own(x, &x->events[i]);
}

/* ---- when ------------------------------------------------------------------------------------------ */

bool fsm__explore_is_done(const fsm_machine *m, const uint64_t *config, unsigned state) {
  const fsm__state *s = &m->states[state];
  if (!fsm_config_has(config, state)) return false;
  if (s->kind == FSM_FINAL) return true;
  if (s->kind == FSM_COMPOUND) {
    for (unsigned child = fsm__next_child(m, state, state); child <= s->last;
         child = fsm__next_child(m, state, m->states[child].last))
      if (fsm_config_has(config, child)) return m->states[child].kind == FSM_FINAL;
    return false;
  }
  if (s->kind != FSM_PARALLEL) return false;
  for (unsigned child = fsm__next_child(m, state, state); child <= s->last;
       child = fsm__next_child(m, state, m->states[child].last))
    if (!fsm__explore_is_done(m, config, child)) return false;
  return true;
}

bool fsm__explore_comes(const fsm__explorer *x, const fsm_explore_node *node, int event) {
  const fsm_explore_event *e = &x->events[event];
  switch (e->origin) {
    case FSM_ORIGIN_DONE: return x->late[event] || fsm__explore_is_done(x->machine, node->config, e->state);
    case FSM_ORIGIN_TIMER:
    case FSM_ORIGIN_TASK: return fsm_config_has(node->config, e->state);
    default: return true;
  }
}

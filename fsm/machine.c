/* machine.c: what others may ask a compiled machine. All of it is constant; nothing here fails. */
#include "fsm/machine.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/machine_impl.h"
#include "fsm/machine_sources.h"

static const fsm__state *state_at(const fsm_machine *m, unsigned state) {
  FSM_ASSERT(m != NULL && state < m->state_count);
  return &m->states[state];
}

static const fsm__transition *transition_at(const fsm_machine *m, unsigned transition) {
  FSM_ASSERT(m != NULL && transition < m->transition_count);
  return &m->transitions[transition];
}

static const fsm__invoke *invoke_at(const fsm_machine *m, unsigned invoke) {
  FSM_ASSERT(m != NULL && invoke < m->invoke_count);
  return &m->invokes[invoke];
}

void fsm_machine_free(fsm_machine *machine) {
  if (machine == NULL) return;
  for (unsigned i = 0; i < machine->invoke_count && machine->invokes != NULL; i++)
    fsm_machine_free(machine->invokes[i].machine);
  fsm_arena_free(&machine->arena);
  free(machine);
}

const char *fsm_machine_id(const fsm_machine *m) { return m->id; }
fsm_dialect fsm_machine_dialect(const fsm_machine *m) { return m->dialect; }
unsigned fsm_machine_states(const fsm_machine *m) { return m->state_count; }
unsigned fsm_machine_words(const fsm_machine *m) { return m->words; }
unsigned fsm_machine_transitions(const fsm_machine *m) { return m->transition_count; }
unsigned fsm_machine_invokes(const fsm_machine *m) { return m->invoke_count; }

const char *fsm_state_path(const fsm_machine *m, unsigned state) { return state_at(m, state)->path; }
fsm_kind fsm_state_kind(const fsm_machine *m, unsigned state) { return (fsm_kind)state_at(m, state)->kind; }
unsigned fsm_state_parent(const fsm_machine *m, unsigned state) { return state_at(m, state)->parent; }
const fsm_value *fsm_state_meta(const fsm_machine *m, unsigned state) { return &state_at(m, state)->meta; }

bool fsm_state_is_leaf(const fsm_machine *m, unsigned state) {
  fsm_kind kind = fsm_state_kind(m, state);
  return kind == FSM_ATOMIC || kind == FSM_FINAL;
}

const char *fsm_state_description(const fsm_machine *m, unsigned state) {
  return state_at(m, state)->description;
}

bool fsm_state_has_tag(const fsm_machine *m, unsigned state, const char *tag) {
  const fsm__state *s = state_at(m, state);
  for (size_t i = 0; i < s->tag_count; i++)
    if (strcmp(s->tags[i], tag) == 0) return true;
  return false;
}

static int path_compare(const char *path, const char *text, size_t len) {
  size_t own = strlen(path);
  int order = memcmp(path, text, own < len ? own : len);
  return order != 0 ? order : (own > len) - (own < len);
}

int fsm_state_find(const fsm_machine *m, const char *path, size_t len) {
  FSM_ASSERT(m != NULL && (path != NULL || len == 0));
  unsigned low = 0, high = m->state_count;
  while (low < high) {
    unsigned middle = low + (high - low) / 2, state = m->by_path[middle];
    int order = path_compare(m->states[state].path, len > 0 ? path : "", len);
    if (order == 0) return (int)state;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

const fsm_value *fsm_transition_meta(const fsm_machine *m, unsigned transition) {
  return &transition_at(m, transition)->meta;
}

unsigned fsm_transition_source(const fsm_machine *m, unsigned transition) {
  return transition_at(m, transition)->source;
}

const char *fsm_transition_event(const fsm_machine *m, unsigned transition, unsigned index) {
  const fsm__transition *t = transition_at(m, transition);
  return index < t->event_count ? t->events[index].text : NULL;
}

const char *fsm_transition_guard(const fsm_machine *m, unsigned transition) {
  const fsm__transition *t = transition_at(m, transition);
  return t->guard != NULL ? fsm_expr_text(t->guard) : NULL;
}

unsigned fsm_transition_targets(const fsm_machine *m, unsigned transition, const uint16_t **targets) {
  const fsm__transition *t = transition_at(m, transition);
  *targets = t->targets;
  return t->target_count;
}

bool fsm_machine_knows_event(const fsm_machine *m, const char *name) {
  return fsm__sources_know(m, name, strlen(name));
}

const char *fsm_invoke_id(const fsm_machine *m, unsigned invoke) { return invoke_at(m, invoke)->id; }
unsigned fsm_invoke_state(const fsm_machine *m, unsigned invoke) { return invoke_at(m, invoke)->state; }
const char *fsm_invoke_src(const fsm_machine *m, unsigned invoke) { return invoke_at(m, invoke)->src; }
const fsm_value *fsm_invoke_meta(const fsm_machine *m, unsigned invoke) {
  return &invoke_at(m, invoke)->meta;
}
const fsm_machine *fsm_invoke_machine(const fsm_machine *m, unsigned invoke) {
  return invoke_at(m, invoke)->machine;
}
bool fsm_invoke_autoforward(const fsm_machine *m, unsigned invoke) {
  return invoke_at(m, invoke)->autoforward;
}

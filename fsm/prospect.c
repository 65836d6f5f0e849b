/* prospect.c: what could still move an instance. See prospect.h.
 *
 * The idea: names of events fall into classes by which descriptors of active states take them: each exact
 * name, each prefix with something behind it, and any other. For one name of each class selection
 * (step_select.c) is walked through with what the guards may come to in place of what they are. */
#include "fsm/prospect.h"

#include <string.h>

#include "fsm/step_impl.h"

enum { UNASKED = 0, ANYTHING = FSM_MAYBE_NO | FSM_MAYBE_YES | FSM_MAYBE_FAULT };

typedef struct prospect {
  fsm__run run;
  uint8_t *verdicts; /* of each transition's guard: FSM_MAYBE_…; UNASKED */
  uint8_t *taken;    /* 1: it may be taken, and moves */
  bool moves;        /* one of the name under way may */
  bool faults;       /* a guard of the name under way may fail */
} prospect;

/* What is not known: anything but the context; and anything but that and the actor. */
static const fsm_unknown who_comes = {.event = true, .actor = true, .now = true},
                         what_comes = {.event = true, .now = true};

/* Made by the engine, a timer or a task; people and systems do not send them. */
static bool is_generated(const char *name) {
  return fsm__has_prefix(name, "xstate.") || fsm__has_prefix(name, "done.") ||
         fsm__has_prefix(name, "error.");
}

static bool does_something(const fsm__transition *t) { return t->target_count > 0 || t->actions.count > 0; }

static unsigned guard_of(prospect *p, unsigned number) {
  const fsm__transition *t = &p->run.machine->transitions[number];
  if (t->guard == NULL) return FSM_MAYBE_YES;
  if (p->verdicts[number] == UNASKED && fsm__run_over(&p->run)) return ANYTHING;
  if (p->verdicts[number] == UNASKED)
    p->verdicts[number] = (uint8_t)fsm_expr_foresee(t->guard, &p->run.scope, &who_comes, p->run.arena);
  return p->verdicts[number];
}

static bool names(const fsm__transition *t, const char *name, size_t len) {
  return name == NULL ? t->event_count == 0 : fsm__transition_names(t, name, len);
}

/* Who may not is passed over, and what comes behind is asked. (Whom the root refuses moves nothing at all.)
 */
static bool passes_over(const fsm_machine *m, const fsm__transition *t) {
  if (!m->has_allow) return false;
  for (unsigned s = t->source; s != 0; s = m->states[s].parent)
    if (m->states[s].allow != NULL) return true;
  return t->allow != NULL;
}

/* Asks a state's transitions in order; true: one of them is taken for sure. */
static bool ask(prospect *p, unsigned state, const char *name, size_t len) {
  const fsm__state *s = &p->run.machine->states[state];
  for (uint32_t i = 0; i < s->transition_count; i++) {
    const unsigned number = s->transition_first + i;
    const fsm__transition *t = &p->run.machine->transitions[number];
    if (!names(t, name, len)) continue;
    const unsigned guard = guard_of(p, number);
    if ((guard & FSM_MAYBE_FAULT) != 0) p->faults = true;
    if ((guard & FSM_MAYBE_YES) == 0) continue;
    if (does_something(t)) p->taken[number] = p->moves = true;
    if (guard == FSM_MAYBE_YES && !passes_over(p->run.machine, t)) return true;
  }
  return false;
}

/* As ask_upward of step_select.c. */
static void walk_upward(prospect *p, const char *name, size_t len) {
  const fsm_machine *m = p->run.machine;
  uint64_t *asked = p->run.entries;
  fsm__bits_clear(asked, m->words);
  for (unsigned i = 0; i < p->run.leaf_count; i++)
    for (unsigned state = p->run.leaves[i]; !fsm__bit_has(asked, state); state = m->states[state].parent) {
      fsm__bit_set(asked, state);
      if (ask(p, state, name, len)) break;
    }
}

/* As ask_by_region. */
static void walk_by_region(prospect *p, const char *name, size_t len) {
  const fsm_machine *m = p->run.machine;
  uint64_t *taken = p->run.entries;
  fsm__bits_clear(taken, m->words);
  for (unsigned i = 0; i < p->run.leaf_count; i++) {
    const unsigned next = i + 1 < p->run.leaf_count ? p->run.leaves[i + 1] : m->state_count;
    for (unsigned state = p->run.leaves[i]; next > m->states[state].last && !fsm__bit_has(taken, state);
         state = m->states[state].parent) {
      if (ask(p, state, name, len))
        for (unsigned up = state; !fsm__bit_has(taken, up); up = m->states[up].parent)
          fsm__bit_set(taken, up);
      if (state == 0) break;
    }
  }
}

/* name NULL: eventless ones. */
static void walk(prospect *p, const char *name) {
  const size_t len = name != NULL ? strlen(name) : 0;
  p->moves = p->faults = false;
  if (name != NULL && p->run.machine->dialect == FSM_XSTATE)
    walk_by_region(p, name, len);
  else
    walk_upward(p, name, len);
}

/* May what is raised for a guard that fails move something? */
static bool error_moves(prospect *p) {
  walk(p, "error.execution");
  return p->moves;
}

static fsm_code begin(prospect *p, const fsm_machine *machine, const fsm_snapshot *snapshot,
                      const fsm_world *world, fsm_arena *arena, fsm_error *err) {
  fsm_code code = fsm__run_init(&p->run, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  p->verdicts = fsm_arena_zalloc(arena, 2 * (size_t)machine->transition_count + 1, 1);
  if (p->verdicts == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to foresee anything");
  p->taken = p->verdicts + machine->transition_count;
  return FSM_OK;
}

/* ---- events from outside -------------------------------------------------------------------------- */

/* A name of the descriptor's class, and whether there is another: of a prefix, itself and what is below it.
 */
static void walk_descriptor(prospect *p, const fsm__descriptor *d, char *name) {
  static const char other[] = "\x01"; /* no definition has it in a name */
  if (d->rule != FSM__ANY && is_generated(d->text)) return;
  memcpy(name, d->text, d->len);
  name[d->len] = '\0';
  if (d->rule == FSM__ANY) memcpy(name, other, sizeof other);
  walk(p, name);
  if (d->rule != FSM__PREFIX) return;
  name[d->len] = '.';
  memcpy(name + d->len + 1, other, sizeof other);
  walk(p, name);
}

static fsm_code list_taken(prospect *p, fsm_prospects *out, fsm_error *err) {
  const unsigned total = p->run.machine->transition_count;
  uint16_t *list = fsm_arena_alloc(p->run.arena, (total + 1) * sizeof *list);
  if (list == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to foresee anything");
  for (unsigned t = 0; t < total; t++)
    if (p->taken[t]) list[out->count++] = (uint16_t)t;
  out->transitions = list;
  return FSM_OK;
}

static void walk_state(prospect *p, unsigned state, char *name, bool *faults) {
  const fsm__state *s = &p->run.machine->states[state];
  for (uint32_t i = 0; i < s->transition_count; i++) {
    const fsm__transition *t = &p->run.machine->transitions[s->transition_first + i];
    for (uint32_t e = 0; e < t->event_count; e++) {
      walk_descriptor(p, &t->events[e], name);
      *faults = *faults || p->faults;
      p->faults = false;
    }
  }
}

fsm_code fsm_foresee(const fsm_machine *machine, const fsm_snapshot *snapshot, const fsm_world *world,
                     fsm_arena *arena, fsm_prospects *out, fsm_error *err) {
  FSM_ASSERT(machine != NULL && snapshot != NULL && world != NULL && arena != NULL && out != NULL);
  prospect p = {.moves = false};
  char name[FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX + 8];
  bool faults = false;
  *out = (fsm_prospects){.count = 0};
  if (snapshot->done) return FSM_OK;
  fsm_code code = begin(&p, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  for (unsigned s = 0; s < machine->state_count; s++)
    if (fsm__bit_has(p.run.config, s)) walk_state(&p, s, name, &faults);
  code = list_taken(&p, out, err);
  if (code != FSM_OK) return code;
  walk(&p, NULL);
  out->whatever = p.moves;
  if (faults && error_moves(&p)) out->whatever = true;
  fsm__run_charge(&p.run);
  return FSM_OK;
}

/* ---- what is pending ------------------------------------------------------------------------------- */

fsm_code fsm_foresee_event(const fsm_machine *machine, const fsm_snapshot *snapshot, const fsm_world *world,
                           const char *event, fsm_cause cause, fsm_arena *arena, bool *moves,
                           fsm_error *err) {
  FSM_ASSERT(machine != NULL && snapshot != NULL && world != NULL && event != NULL && moves != NULL);
  FSM_ASSERT(cause == FSM_CAUSE_TIMER || cause == FSM_CAUSE_TASK);
  prospect p = {.moves = false};
  *moves = false;
  if (snapshot->done) return FSM_OK;
  fsm_code code = begin(&p, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  const bool parks = machine->dialect == FSM_XSTATE; /* an error that nothing takes is an incident */
  walk(&p, event);
  *moves = p.moves || (parks && (p.faults || (cause == FSM_CAUSE_TASK && fsm__is_error_event(event))));
  if (!*moves && p.faults) *moves = error_moves(&p);
  if (!*moves) {
    walk(&p, NULL); /* they are asked whatever comes */
    *moves = p.moves;
  }
  fsm__run_charge(&p.run);
  return FSM_OK;
}

/* ---- who may ---------------------------------------------------------------------------------------- */

/* One of its expressions is enough. */
static fsm_verdict allow_of(prospect *p, const fsm__allow *allow) {
  const fsm_value *actor = p->run.scope.actor;
  const bool somebody = actor != NULL && fsm_is(actor, FSM_MAP);
  fsm_verdict verdict = FSM_VERDICT_NO;
  for (unsigned i = 0; i < allow->count && verdict != FSM_VERDICT_YES; i++) {
    if (!somebody && fsm_expr_names_actor(allow->exprs[i])) continue;
    if (fsm__run_over(&p->run)) return FSM_VERDICT_DEPENDS;
    const unsigned set = fsm_expr_foresee(allow->exprs[i], &p->run.scope, &what_comes, p->run.arena);
    if (set == FSM_MAYBE_YES)
      verdict = FSM_VERDICT_YES;
    else if ((set & FSM_MAYBE_YES) != 0)
      verdict = FSM_VERDICT_DEPENDS;
  }
  return verdict;
}

static fsm_verdict both(fsm_verdict a, fsm_verdict b) {
  if (a == FSM_VERDICT_NO || b == FSM_VERDICT_NO) return FSM_VERDICT_NO;
  return a == FSM_VERDICT_YES ? b : a;
}

fsm_code fsm_foresee_permits(const fsm_machine *machine, const fsm_snapshot *snapshot, const fsm_world *world,
                             unsigned transition, const fsm_value *actor, fsm_arena *arena, fsm_verdict *out,
                             fsm_error *err) {
  FSM_ASSERT(machine != NULL && snapshot != NULL && world != NULL && out != NULL);
  FSM_ASSERT(transition < machine->transition_count);
  const fsm__transition *t = &machine->transitions[transition];
  prospect p = {.moves = false};
  *out = FSM_VERDICT_YES;
  if (!machine->has_allow) return FSM_OK;
  fsm_code code = fsm__run_init(&p.run, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  p.run.scope.actor = actor;
  p.run.scope.system = NULL; /* as JSON definitions see it, in both dialects */
  for (unsigned s = t->source;; s = machine->states[s].parent) {
    if (machine->states[s].allow != NULL) *out = both(*out, allow_of(&p, machine->states[s].allow));
    if (s == 0) break;
  }
  if (t->allow != NULL) *out = both(*out, allow_of(&p, t->allow));
  fsm__run_charge(&p.run);
  return FSM_OK;
}

/* ---- of a machine alone ------------------------------------------------------------------------------ */

static bool is_free(const fsm_machine *m, const fsm__transition *t) {
  bool sent = false;
  for (unsigned s = t->source;; s = m->states[s].parent) {
    if (m->states[s].allow != NULL) return false;
    if (s == 0) break;
  }
  for (uint32_t e = 0; e < t->event_count; e++)
    sent = sent || t->events[e].rule == FSM__ANY || !is_generated(t->events[e].text);
  return sent && t->guard == NULL && t->allow == NULL;
}

void fsm_foresee_free(const fsm_machine *machine, uint8_t *out) {
  FSM_ASSERT(machine != NULL && out != NULL);
  memset(out, 0, machine->state_count);
  for (unsigned i = 0; i < machine->transition_count; i++)
    if (!does_something(&machine->transitions[i])) return; /* it may keep others from being asked */
  for (unsigned s = 0; s < machine->state_count; s++) {
    const fsm__state *state = &machine->states[s];
    out[s] = s > 0 && out[state->parent];
    for (uint32_t i = 0; i < state->transition_count; i++)
      out[s] = out[s] || is_free(machine, &machine->transitions[state->transition_first + i]);
  }
}

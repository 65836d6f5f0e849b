/* step_refuse.c: why an event is not taken, and what would be.
 *
 * The slow side of selection: every transition that names the event in an active state is asked again
 * and shown with the values its guard read. Nothing here changes anything.
 */
#include <string.h>

#include "fsm/step_impl.h"

typedef bool visit(fsm__run *run, unsigned transition, void *arg);

/* Each transition of an active state once, in the order in which selection asks; false = stopped. */
static bool each_active(fsm__run *run, visit *see, void *arg) {
  const fsm_machine *m = run->machine;
  uint64_t *seen = run->exits; /* free between microsteps */
  memset(seen, 0, m->words * sizeof *seen);
  for (unsigned i = 0; i < run->leaf_count; i++) {
    for (unsigned state = run->leaves[i]; !fsm_config_has(seen, state); state = m->states[state].parent) {
      const fsm__state *s = &m->states[state];
      fsm__bit_set(seen, state);
      for (uint32_t t = 0; t < s->transition_count; t++)
        if (!see(run, s->transition_first + t, arg)) return false;
    }
  }
  return true;
}

/* Nothing has been sent: what decides only then is neither true nor false before. The event's name is known
 * unless it is a wildcard. */
static void foresee(fsm__run *run, const fsm__transition *t, fsm_candidate *out) {
  const fsm_unknown unknown = {
      .event = true, .named = strchr(run->event_name, '*') == NULL, .actor = !fsm__has_actor(run)};
  const fsm_truth truth = fsm_expr_truth(t->guard, &run->scope, &unknown, run->arena);
  out->enabled = truth == FSM_TRUTH_TRUE;
  out->depends = truth == FSM_TRUTH_DEPENDS;
}

static bool fill(fsm__run *run, unsigned number, fsm_candidate *out) {
  const fsm__transition *t = &run->machine->transitions[number];
  *out = (fsm_candidate){.transition = number, .source = t->source, .guard_name = t->guard_name};
  out->seen = fsm_map_empty();
  if (!fsm__candidate_allows(run, out)) return false;
  if (t->guard != NULL) out->guard = fsm_expr_text(t->guard);
  if (run->only_allows) return true;
  if (run->foresees && t->guard != NULL && fsm__run_over(run)) {
    out->depends = out->unasked = true;
    return true;
  }
  if (out->permitted != FSM_VERDICT_YES && !run->foresees) return true;
  fsm_error fault;
  fault.text[0] = '\0';
  if (run->foresees) run->scope.event = NULL;
  out->enabled = fsm__guard_holds(run, t, &fault);
  if (t->guard == NULL) return true;
  if (run->foresees) foresee(run, t, out);
  if (fault.code != FSM_OK && fault.code != FSM_ENOMEM) {
    out->fault = fsm_arena_strdup(run->arena, fault.text);
    if (out->fault == NULL) fault.code = FSM_ENOMEM;
  }
  if (fault.code == FSM_ENOMEM ||
      fsm_expr_seen(t->guard, &run->scope, run->arena, &out->seen) == FSM_ENOMEM) {
    fsm__fault(run, FSM_ENOMEM);
    return false;
  }
  return true;
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static bool count_named(fsm__run *run, unsigned number, void *arg) {
  *(unsigned *)arg +=
      fsm__transition_names(&run->machine->transitions[number], run->event_name, run->event_len);
  return true;
}

typedef struct candidates {
  fsm_candidate *items;
  unsigned count;
} candidates;

static bool add_named(fsm__run *run, unsigned number, void *arg) {
  candidates *list = arg;
  if (!fsm__transition_names(&run->machine->transitions[number], run->event_name, run->event_len))
    return true;
  return fill(run, number, &list->items[list->count++]);
}

static bool any_denied(const candidates *list) {
  for (unsigned i = 0; i < list->count; i++)
    if (list->items[i].permitted != FSM_VERDICT_YES) return true;
  return false;
}

void fsm__refusal(fsm__run *run, const fsm_event *event, fsm_step_result *out) {
  out->unhandled = out->unhandled_text = NULL;
  run->asks = fsm__asks_for(run, event);
  if (run->denied && !fsm__root_permits(run)) {
    out->outcome = FSM_EPERMISSION;
    fsm__denied(run, out);
    return;
  }
  bool external = event->cause == FSM_CAUSE_EXTERNAL;
  if (external &&
      (fsm__has_prefix(event->name, "xstate.") || !fsm_machine_knows_event(run->machine, event->name))) {
    out->outcome = FSM_EEVENT;
    return;
  }
  fsm__run_see(run, event);
  if (run->fault != FSM_OK) return;
  unsigned count = 0;
  each_active(run, count_named, &count);
  if (count == 0) {
    out->outcome = FSM_ENOTRANSITION;
    return;
  }
  candidates list = {fsm_arena_zalloc(run->arena, count, sizeof(fsm_candidate)), 0};
  if (list.items == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  if (!each_active(run, add_named, &list)) return;
  out->outcome = any_denied(&list) ? FSM_EPERMISSION : FSM_EGUARD;
  out->candidates = list.items;
  out->candidate_count = list.count;
  if (out->outcome == FSM_EPERMISSION) fsm__denied(run, out);
}

/* ---- what may be sent now ---------------------------------------------------------------------- */

/* Made by the engine, a timer or a task; people and systems do not send them. */
static bool is_generated(const char *descriptor) {
  return fsm__has_prefix(descriptor, "xstate.") || fsm__has_prefix(descriptor, "done.") ||
         fsm__has_prefix(descriptor, "error.");
}

static bool count_sendable(fsm__run *run, unsigned number, void *arg) {
  const fsm__transition *t = &run->machine->transitions[number];
  for (uint32_t i = 0; i < t->event_count; i++) *(unsigned *)arg += !is_generated(t->events[i].text);
  return true;
}

typedef struct sendable {
  fsm_enabled_event *items;
  unsigned count;
} sendable;

/* In SCXML "go" is read as "go.*" (3.12.1), and what people send is "go". NULL = no memory. */
static const char *sendable_name(const fsm__run *run, const fsm__descriptor *d) {
  if (run->machine->dialect != FSM_SCXML || d->rule != FSM__PREFIX) return d->text;
  return fsm_arena_strndup(run->arena, d->text, d->len);
}

static bool add_sendable(fsm__run *run, unsigned number, void *arg) {
  sendable *list = arg;
  const fsm__transition *t = &run->machine->transitions[number];
  for (uint32_t i = 0; i < t->event_count; i++) {
    if (is_generated(t->events[i].text)) continue;
    fsm_enabled_event *item = &list->items[list->count++];
    item->event = sendable_name(run, &t->events[i]);
    if (item->event == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return false;
    }
    fsm__run_see(run, &(const fsm_event){.name = item->event});
    if (run->fault != FSM_OK || !fill(run, number, &item->candidate)) return false;
  }
  return true;
}

fsm_code fsm_enabled(const fsm_machine *machine, const fsm_snapshot *snapshot, const fsm_world *world,
                     fsm_arena *arena, const fsm_enabled_event **out, unsigned *count, fsm_error *err) {
  FSM_ASSERT(machine != NULL && snapshot != NULL && arena != NULL && out != NULL && count != NULL);
  FSM_ASSERT(fsm_config_legal(machine, snapshot->config));
  fsm__run run;
  unsigned total = 0;
  sendable list = {NULL, 0};
  fsm_code code = fsm__run_init(&run, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  run.foresees = true;
  run.asks = machine->has_allow;
  if (!snapshot->done) each_active(&run, count_sendable, &total);
  if (run.fault == FSM_OK && total > 0) {
    list.items = fsm_arena_zalloc(arena, total, sizeof *list.items);
    if (list.items == NULL)
      fsm__fault(&run, FSM_ENOMEM);
    else
      each_active(&run, add_sendable, &list);
  }
  fsm__run_charge(&run);
  if (run.fault != FSM_OK) return fsm_fail(err, run.fault, "", "the answer needs more memory than there is");
  *out = list.items;
  *count = list.count;
  return FSM_OK;
}

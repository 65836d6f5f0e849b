/* simulation_document.c: what happened, and what may happen now, as documents.
 *
 * A step: {kind:"step", step, session, machine, time, what: start|event|stop, event: {name, cause, data},
 * outcome, microsteps: [{cause, trigger, data, taken: [{source, targets, label}], exited, entered,
 * context: [{field, from, to}], effects: [{do, …}]}], candidates, error, state, done, output}.
 * A status: {kind:"status", time, actor, sessions: [{id, machine, state, context, done, output, timers: [{id,
 * event, due}], tasks: [{id, src, child}], events: [{event, enabled, guard, …}]}]}.
 * What is absent, empty or null is left out.
 */
#include <string.h>

#include "tools/cli/definition/simulation.h"

enum { MEMBERS_MAX = 16 };

/* A map under construction; lists and maps that could not be made are null, and so is the whole. */
typedef struct document {
  fsm_arena *arena;
  fsm_pair pairs[MEMBERS_MAX];
  size_t count;
} document;

static void put(document *d, const char *name, fsm_value value) {
  FSM_ASSERT(d->count < MEMBERS_MAX);
  if (!fsm_is(&value, FSM_NULL)) d->pairs[d->count++] = (fsm_pair){fsm_string(name), value};
}

static void put_text(document *d, const char *name, const char *text) {
  if (text != NULL) put(d, name, fsm_string(text));
}

static void put_list(document *d, const char *name, fsm_value list) {
  if (list.len > 0) put(d, name, list);
}

static void put_time(document *d, const char *name, int64_t ns) {
  char text[64];
  fsm_time_format(ns, text, sizeof text);
  put_text(d, name, fsm_arena_strdup(d->arena, text));
}

static fsm_value done(document *d) {
  fsm_value map;
  fsm_pair *pairs = fsm_arena_zalloc(d->arena, d->count + 1, sizeof *pairs);
  if (pairs == NULL) return fsm_null();
  memcpy(pairs, d->pairs, d->count * sizeof *pairs);
  return fsm_map(pairs, d->count, &map, NULL) == FSM_OK ? map : fsm_null();
}

static fsm_value *items_of(document *d, size_t count) {
  return fsm_arena_zalloc(d->arena, count + 1, sizeof(fsm_value));
}

static fsm_value paths(fsm_arena *arena, const fsm_machine *machine, const uint16_t *states, unsigned count) {
  fsm_value *items = fsm_arena_zalloc(arena, count + 1u, sizeof *items);
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < count; i++) {
    const char *path = fsm_state_path(machine, states[i]);
    items[i] = fsm_string(*path == 0 ? fsm_machine_id(machine) : path);
  }
  return fsm_list(items, count);
}

static fsm_value leaves_of(fsm_arena *arena, const fsm_machine *machine, const uint64_t *config) {
  unsigned states = fsm_machine_states(machine), count = 0;
  uint16_t *leaves = fsm_arena_alloc(arena, states * sizeof *leaves);
  if (leaves == NULL || config == NULL) return fsm_null();
  for (unsigned i = 0; i < states; i++)
    if (fsm_state_is_leaf(machine, i) && fsm_config_has(config, i)) leaves[count++] = (uint16_t)i;
  return paths(arena, machine, leaves, count);
}

fsm_value cli_simulation_leaves(const fsm_session *session, fsm_arena *arena) {
  return leaves_of(arena, fsm_session_machine(session), fsm_session_snapshot(session)->config);
}

/* ---- a microstep ---------------------------------------------------------------------------------- */

static fsm_value transition(const cli_simulation *sim, fsm_arena *arena, const fsm_machine *machine,
                            unsigned number) {
  document d = {.arena = arena};
  const cli_model *model = cli_simulation_model(sim, machine);
  const uint16_t *targets = NULL, source = (uint16_t)fsm_transition_source(machine, number);
  unsigned count = fsm_transition_targets(machine, number, &targets);
  fsm_value from = paths(arena, machine, &source, 1);
  if (from.len == 1) put(&d, "source", from.items[0]);
  put_list(&d, "targets", paths(arena, machine, targets, count));
  if (model != NULL && number < model->transition_count) {
    const cli_graph_node *node = model->transitions[number].node;
    const fsm_def_transition *t = model->transitions[number].transition;
    put_text(&d, "label", cli_graph_transition(arena, &model->graph, node, t));
    put_text(&d, "guard", t->guard);
  }
  return done(&d);
}

static fsm_value taken(const cli_simulation *sim, fsm_arena *arena, const fsm_machine *machine,
                       const fsm_microstep *micro) {
  fsm_value *items = fsm_arena_zalloc(arena, micro->transition_count + 1u, sizeof *items);
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < micro->transition_count; i++)
    items[i] = transition(sim, arena, machine, micro->transitions[i]);
  return fsm_list(items, micro->transition_count);
}

static fsm_value change(fsm_arena *arena, const fsm_pair *from, const fsm_pair *to) {
  document d = {.arena = arena};
  const fsm_pair *one = from != NULL ? from : to;
  if (one == NULL) return fsm_null();
  put(&d, "field", one->key);
  if (from != NULL) d.pairs[d.count++] = (fsm_pair){fsm_string("from"), from->value};
  if (to != NULL) d.pairs[d.count++] = (fsm_pair){fsm_string("to"), to->value};
  return done(&d);
}

/* Both maps are sorted: one walk along the two. */
static fsm_value changes(fsm_arena *arena, const fsm_value *before, const fsm_value *after) {
  uint32_t from_count = fsm_is(before, FSM_MAP) ? before->len : 0,
           to_count = fsm_is(after, FSM_MAP) ? after->len : 0;
  fsm_value *items = fsm_arena_zalloc(arena, (size_t)from_count + to_count + 1, sizeof *items);
  uint32_t f = 0, t = 0, count = 0;
  if (items == NULL) return fsm_null();
  while (f < from_count || t < to_count) {
    const fsm_pair *from = f < from_count ? &before->pairs[f] : NULL,
                   *to = t < to_count ? &after->pairs[t] : NULL;
    int order = from == NULL ? 1 : to == NULL ? -1 : fsm_value_compare(&from->key, &to->key);
    f += order <= 0;
    t += order >= 0;
    if (order == 0 && fsm_value_same(&from->value, &to->value)) continue;
    items[count++] = change(arena, order <= 0 ? from : NULL, order >= 0 ? to : NULL);
  }
  return fsm_list(items, count);
}

static const char *effect_name(fsm_effect_kind kind) {
  switch (kind) {
    case FSM_EFFECT_TIMER_SET: return "timer_set";
    case FSM_EFFECT_TIMER_CANCEL: return "timer_cancelled";
    case FSM_EFFECT_TASK_OPEN: return "task_opened";
    case FSM_EFFECT_TASK_CANCEL: return "task_cancelled";
    case FSM_EFFECT_EMIT: return "emitted";
    case FSM_EFFECT_LOG: return "logged";
    case FSM_EFFECT_SEND: return "sent";
    case FSM_EFFECT_FORWARD: return "forwarded";
  }
  return "";
}

static fsm_value effect(fsm_arena *arena, const fsm_machine *machine, const fsm_effect *e) {
  document d = {.arena = arena};
  put_text(&d, "do", effect_name(e->kind));
  put_text(&d, "id", e->id);
  put_text(&d, "event", e->event);
  put_text(&d, "target", e->target);
  put_text(&d, "type", e->type);
  put_text(&d, "label", e->label);
  if (e->kind == FSM_EFFECT_TASK_OPEN)
    put_text(&d, "src", e->src != NULL ? e->src : fsm_invoke_src(machine, e->invoke));
  put(&d, "data", e->data);
  if (e->kind == FSM_EFFECT_TIMER_SET || (e->kind == FSM_EFFECT_SEND && e->delay_ns > 0)) {
    char text[64];
    fsm_duration_format(e->delay_ns, text, sizeof text);
    put_text(&d, "delay", fsm_arena_strdup(arena, text));
  }
  return done(&d);
}

static fsm_value effects(fsm_arena *arena, const fsm_machine *machine, const fsm_microstep *micro) {
  fsm_value *items = fsm_arena_zalloc(arena, micro->effect_count + 1u, sizeof *items);
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < micro->effect_count; i++) items[i] = effect(arena, machine, &micro->effects[i]);
  return fsm_list(items, micro->effect_count);
}

static fsm_value microstep(const cli_simulation *sim, fsm_arena *arena, const fsm_machine *machine,
                           const fsm_microstep *micro, const fsm_value *before) {
  document d = {.arena = arena};
  put_text(&d, "cause", fsm_cause_name(micro->cause));
  if (*micro->trigger != 0) put_text(&d, "trigger", micro->trigger);
  put(&d, "data", micro->data);
  put_list(&d, "taken", taken(sim, arena, machine, micro));
  put_list(&d, "exited", paths(arena, machine, micro->exited, micro->exited_count));
  put_list(&d, "entered", paths(arena, machine, micro->entered, micro->entered_count));
  put_list(&d, "context", changes(arena, before, &micro->context));
  put_list(&d, "effects", effects(arena, machine, micro));
  return done(&d);
}

/* ---- a macrostep ---------------------------------------------------------------------------------- */

static void put_candidate(document *d, const cli_simulation *sim, const fsm_session *session,
                          const fsm_candidate *c, const fsm_event *event) {
  const fsm_machine *machine = fsm_session_machine(session);
  const uint16_t *targets = NULL;
  unsigned count = fsm_transition_targets(machine, c->transition, &targets);
  put(d, "enabled", fsm_bool(c->enabled));
  put_text(d, "source", fsm_state_path(machine, c->source));
  put_list(d, "targets", paths(d->arena, machine, targets, count));
  put_text(d, "guard", c->guard);
  put_text(d, "guard_name", c->guard_name);
  put_text(d, "fault", c->fault);
  if (c->guard == NULL) return;
  fsm_value seen = c->seen;
  if (!c->enabled && c->fault == NULL)
    put_text(d, "false_part", cli_simulation_false_part(sim, session, c->transition, event, d->arena, &seen));
  put_list(d, "seen", seen);
}

static fsm_value candidates(const cli_simulation *sim, fsm_arena *arena, const fsm_session *session,
                            const fsm_event *event, const fsm_step_result *result) {
  fsm_value *items = fsm_arena_zalloc(arena, result->candidate_count + 1u, sizeof *items);
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < result->candidate_count; i++) {
    document d = {.arena = arena};
    put_candidate(&d, sim, session, &result->candidates[i], event);
    items[i] = done(&d);
  }
  return fsm_list(items, result->candidate_count);
}

static fsm_value event_of(fsm_arena *arena, const fsm_event *event) {
  if (event == NULL) return fsm_null();
  document d = {.arena = arena};
  put_text(&d, "name", event->name);
  put_text(&d, "cause", fsm_cause_name(event->cause));
  put(&d, "data", event->data);
  return done(&d);
}

static fsm_value error_of(fsm_arena *arena, const fsm_step_result *result) {
  if (result->unhandled == NULL) return fsm_null();
  document d = {.arena = arena};
  put_text(&d, "event", result->unhandled);
  put_text(&d, "text", result->unhandled_text);
  return done(&d);
}

static fsm_value microsteps(const cli_simulation *sim, fsm_arena *arena, const fsm_machine *machine,
                            const fsm_value *before, const fsm_step_result *result) {
  fsm_value *items = fsm_arena_zalloc(arena, result->microstep_count + 1u, sizeof *items);
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < result->microstep_count; i++) {
    items[i] = microstep(sim, arena, machine, &result->microsteps[i], before);
    before = &result->microsteps[i].context;
  }
  return fsm_list(items, result->microstep_count);
}

fsm_value cli_simulation_step(cli_simulation *sim, fsm_arena *arena, const fsm_session *session,
                              const fsm_event *event, const char *how, const fsm_value *before,
                              const fsm_step_result *result) {
  FSM_ASSERT(sim != NULL && session != NULL && before != NULL && result != NULL);
  const fsm_machine *machine = fsm_session_machine(session);
  document d = {.arena = arena};
  put_text(&d, "kind", "step");
  put(&d, "step", fsm_uint(sim->steps));
  put_text(&d, "session", fsm_session_id(session));
  put_text(&d, "machine", fsm_machine_id(machine));
  put_time(&d, "time", fsm_sessions_now(sim->sessions));
  put_text(&d, "what", how);
  put(&d, "event", event_of(arena, event));
  put_text(&d, "outcome", fsm_code_name(result->outcome));
  put_list(&d, "microsteps", microsteps(sim, arena, machine, before, result));
  put_list(&d, "candidates", candidates(sim, arena, session, event, result));
  put(&d, "error", error_of(arena, result));
  put(&d, "state", leaves_of(arena, machine, result->next.config));
  if (result->next.done) put(&d, "done", fsm_bool(true));
  put(&d, "output", result->next.output);
  return done(&d);
}

/* ---- now ------------------------------------------------------------------------------------------ */

static fsm_value timers(document *d, const fsm_session *session) {
  fsm_session_timer timer;
  unsigned count = 0;
  while (fsm_session_timer_at(session, count, &timer)) count++;
  fsm_value *items = items_of(d, count);
  for (unsigned i = 0; items != NULL && i < count && fsm_session_timer_at(session, i, &timer); i++) {
    document one = {.arena = d->arena};
    put_text(&one, "id", timer.id);
    put_text(&one, "event", timer.event);
    put_text(&one, "target", timer.target);
    put_time(&one, "due", timer.due_ns);
    items[i] = done(&one);
  }
  return items == NULL ? fsm_null() : fsm_list(items, count);
}

static fsm_value tasks(document *d, const fsm_session *session) {
  fsm_session_task task;
  unsigned count = 0;
  while (fsm_session_task_at(session, count, &task)) count++;
  fsm_value *items = items_of(d, count);
  for (unsigned i = 0; items != NULL && i < count && fsm_session_task_at(session, i, &task); i++) {
    document one = {.arena = d->arena};
    put_text(&one, "id", task.id);
    put_text(&one, "src", fsm_invoke_src(fsm_session_machine(session), task.invoke));
    if (task.child != NULL) put_text(&one, "child", fsm_session_id(task.child));
    items[i] = done(&one);
  }
  return items == NULL ? fsm_null() : fsm_list(items, count);
}

static fsm_value events(document *d, const cli_simulation *sim, const fsm_session *session) {
  const fsm_enabled_event *enabled = NULL;
  unsigned count = 0;
  fsm_world world = cli_simulation_world(sim, session);
  const fsm_snapshot *snapshot = fsm_session_snapshot(session);
  if (fsm_enabled(fsm_session_machine(session), snapshot, &world, d->arena, &enabled, &count, NULL) != FSM_OK)
    return fsm_null();
  fsm_value *items = items_of(d, count);
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < count; i++) {
    document one = {.arena = d->arena};
    fsm_event event = {.name = enabled[i].event, .cause = FSM_CAUSE_EXTERNAL};
    put_text(&one, "event",
             cli_graph_event(d->arena, fsm_machine_dialect(fsm_session_machine(session)), enabled[i].event));
    put_candidate(&one, sim, session, &enabled[i].candidate, &event);
    items[i] = done(&one);
  }
  return fsm_list(items, count);
}

static fsm_value session_of(const cli_simulation *sim, fsm_arena *arena, const fsm_session *session) {
  const fsm_snapshot *snapshot = fsm_session_snapshot(session);
  document d = {.arena = arena};
  put_text(&d, "id", fsm_session_id(session));
  put_text(&d, "machine", fsm_machine_id(fsm_session_machine(session)));
  put(&d, "state", cli_simulation_leaves(session, arena));
  put(&d, "context", snapshot->context);
  if (snapshot->done) put(&d, "done", fsm_bool(true));
  put(&d, "output", snapshot->output);
  put_list(&d, "timers", timers(&d, session));
  put_list(&d, "tasks", tasks(&d, session));
  if (snapshot->config != NULL && !snapshot->done) put_list(&d, "events", events(&d, sim, session));
  return done(&d);
}

fsm_value cli_simulation_status(const cli_simulation *sim, fsm_arena *arena) {
  FSM_ASSERT(sim != NULL && arena != NULL);
  document d = {.arena = arena};
  unsigned count = 0;
  while (cli_simulation_session(sim, count) != NULL) count++;
  fsm_value *items = items_of(&d, count);
  for (unsigned i = 0; items != NULL && i < count; i++)
    items[i] = session_of(sim, arena, cli_simulation_session(sim, i));
  put_text(&d, "kind", "status");
  put_time(&d, "time", fsm_sessions_now(sim->sessions));
  put(&d, "actor", sim->actor);
  if (items != NULL) put(&d, "sessions", fsm_list(items, count));
  return done(&d);
}

/* step.c: the macrostep: one event, and all that follows from it until the machine waits again.
 *
 * The loop is that of SCXML Appendix D without its outer half: waiting for the next external event is
 * the caller's. Eventless transitions come first, then one internal event per turn. The macrostep is
 * the transaction: a refusal or a fault gives back the snapshot it began with.
 */
#include "fsm/step.h"

#include <string.h>

#include "fsm/step_impl.h"

static const char *const cause_names[] = {
    [FSM_CAUSE_EXTERNAL] = "external", [FSM_CAUSE_TIMER] = "timer", [FSM_CAUSE_ALWAYS] = "always",
    [FSM_CAUSE_RAISED] = "raised",     [FSM_CAUSE_TASK] = "task",   [FSM_CAUSE_ADMIN] = "admin",
    [FSM_CAUSE_MIGRATE] = "migrate",
};
_Static_assert(sizeof cause_names / sizeof *cause_names == FSM_CAUSE_COUNT, "each cause has a name");

const char *fsm_cause_name(fsm_cause cause) {
  FSM_ASSERT((unsigned)cause < FSM_CAUSE_COUNT);
  return cause_names[cause];
}

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "the step needs more memory than it has");
}

void fsm__fault(fsm__run *run, fsm_code code) {
  if (run->fault == FSM_OK) run->fault = code;
}

/* ---- what expressions see ---------------------------------------------------------------------- */

static bool in_state(const void *arg, const char *state, size_t len) {
  const fsm__run *run = arg;
  int number = fsm_state_find(run->machine, state, len);
  return number >= 0 && fsm_config_has(run->config, (unsigned)number);
}

/* ---- a run ------------------------------------------------------------------------------------- */

/* Only what the machine can need: a flat machine has no use for most of it. */
static fsm_code allocate(fsm__run *run, fsm_error *err) {
  const fsm_machine *m = run->machine;
  const size_t words = m->words;
  const bool pending = m->invoke_count > 0 && m->dialect == FSM_SCXML, late = m->has_data && m->late_binding;
  uint64_t *sets = fsm_arena_zalloc(
      run->arena, (4 + m->has_parallel + m->has_initial_actions + pending + late) * words, sizeof *sets);
  if (sets == NULL) return no_memory(err);
  run->config = sets;
  run->open = sets += words;
  run->exits = sets += words;
  run->entries = sets += words;
  if (m->has_parallel) run->filled = sets += words;
  if (m->has_initial_actions) run->defaults = sets += words;
  if (pending) run->pending = sets += words;
  if (late) run->bound = sets += words;
  if (m->history_count > 0) {
    run->recorded = fsm_arena_zalloc(run->arena, m->history_count, sizeof *run->recorded);
    if (run->recorded == NULL) return no_memory(err);
  }
  if (m->made_ids) {
    run->made_ids = fsm_arena_zalloc(run->arena, m->invoke_count, sizeof *run->made_ids);
    if (run->made_ids == NULL) return no_memory(err);
  }
  return FSM_OK;
}

fsm_code fsm__run_init(fsm__run *run, const fsm_machine *machine, const fsm_snapshot *before,
                       const fsm_world *world, fsm_arena *arena, fsm_error *err) {
  fsm__blank(run, sizeof *run);
  run->machine = machine;
  run->arena = arena;
  run->context = fsm_map_empty();
  run->context_bytes = -1;
  run->session = world->session != NULL ? world->session : "";
  run->inside = world->inside;
  run->reaches = world->reaches;
  run->reaches_arg = world->reaches_arg;
  run->supposal = world->supposal;
  run->budget = world->budget;
  run->only_allows = world->only_allows;
  run->memory_end = fsm_arena_used(arena) + FSM_STEP_BYTES_MAX;
  run->queue_end = &run->queue;
  run->openings_end = &run->openings;
  run->scope = (fsm_scope){.context = &run->context,
                           .actor = world->actor,
                           .now_ns = world->now_ns,
                           .work = &run->work,
                           .in = in_state,
                           .in_arg = run};
  fsm_code code = allocate(run, err);
  if (code == FSM_OK && machine->dialect == FSM_SCXML) fsm__run_system(run);
  if (run->fault != FSM_OK) return no_memory(err);
  if (code != FSM_OK || before == NULL) return code;
  fsm__bits_copy(run->config, before->config, machine->words);
  fsm__bits_copy(run->open, before->config, machine->words);
  run->context = before->context;
  run->counter = before->counter;
  run->output = before->output;
  run->leaves = fsm__leaves_of(machine, run->config, arena, &run->leaf_count);
  if (run->leaves == NULL) return no_memory(err);
  return fsm_is(&before->history, FSM_NULL) ? FSM_OK : fsm__history_read(run, &before->history, err);
}

/* ---- the macrostep ----------------------------------------------------------------------------- */

static void note_unhandled(fsm__run *run, const char *name, const fsm_value *data) {
  if (run->unhandled != NULL) return;
  const fsm_value *message = fsm_is(data, FSM_STRING) ? data : fsm_map_get(data, "message");
  run->unhandled = name;
  run->unhandled_text = "";
  if (message == NULL || !fsm_is(message, FSM_STRING)) return;
  run->unhandled_text = fsm_arena_strndup(run->arena, message->s, message->len);
  if (run->unhandled_text == NULL) fsm__fault(run, FSM_ENOMEM);
}

/* One internal event; true when a transition took it. */
static bool take_internal(fsm__run *run) {
  const fsm_event *event = &run->queue->event;
  run->queue = run->queue->next;
  if (run->queue == NULL) run->queue_end = &run->queue;

  fsm__run_see(run, event);
  if (run->fault == FSM_OK) fsm__select(run);
  if (run->fault != FSM_OK) return false;
  if (run->enabled_count == 0) {
    if (fsm__is_error_event(event->name)) note_unhandled(run, event->name, &event->data);
    return false;
  }
  fsm__microstep(run, event->name, FSM_CAUSE_RAISED, &event->data);
  return true;
}

/* Appendix D: the inner loop of procedure mainEventLoop. took: a microstep has just been made. Without one,
 * eventless transitions are asked again only because their guards may read the event; a fault in one was
 * raised before and is not raised again, for else it would be raised for ever. In XState an eventless
 * microstep that changed nothing does not have them asked again. */
static void macrostep(fsm__run *run, bool took) {
  const fsm_value none = fsm_null();
  for (bool ask = true; run->fault == FSM_OK && !run->done; ask = true) {
    fsm__select_eventless(run, !took);
    while (ask && run->fault == FSM_OK && run->enabled_count > 0) {
      fsm__microstep(run, "", FSM_CAUSE_ALWAYS, &none);
      if (run->fault != FSM_OK || run->done) return;
      ask = run->moved || run->machine->dialect == FSM_SCXML;
      if (ask) fsm__select_eventless(run, false);
    }
    if (run->fault != FSM_OK) return;
    if (run->queue == NULL && (!fsm__invoke_pending(run) || run->queue == NULL)) return;
    took = run->fault == FSM_OK && take_internal(run);
  }
}

/* An error that the end of the machine overtook is still told. */
static void tell_errors_left(fsm__run *run) {
  for (const fsm__queued *q = run->queue; q != NULL && run->fault == FSM_OK; q = q->next)
    if (fsm__is_error_event(q->event.name)) note_unhandled(run, q->event.name, &q->event.data);
}

fsm_code fsm__run_finish(fsm__run *run, const fsm_snapshot *before, fsm_step_result *out, fsm_error *err) {
  if (run->fault == FSM_OK) tell_errors_left(run);
  if (run->fault == FSM_OK) fsm__invoke_openings(run);
  if (run->fault == FSM_ENOMEM) return no_memory(err);
  if (run->fault != FSM_OK) {
    *out = (fsm_step_result){.outcome = run->fault, .next = *before};
    return FSM_OK;
  }
  FSM_ASSERT_COSTLY(fsm_config_legal(run->machine, run->config));
  *out = (fsm_step_result){
      .outcome = run->unhandled != NULL ? FSM_EEXPRESSION : FSM_OK,
      .microsteps = run->microsteps,
      .microstep_count = run->microstep_count,
      .next = {.config = run->config,
               .context = run->context,
               .history = run->history,
               .counter = run->counter,
               .done = run->done,
               .output = run->output},
      .unhandled = run->unhandled,
      .unhandled_text = run->unhandled_text,
  };
  return FSM_OK;
}

/* ---- start ------------------------------------------------------------------------------------- */

static fsm_code initial_context(fsm__run *run, fsm_error *err) {
  const fsm__template *t = run->machine->context;
  if (t == NULL) return FSM_OK;
  fsm_value context;
  fsm_code code = fsm__template_eval(run, t, &context, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&context, FSM_MAP))
    return fsm_fail(err, FSM_EEXPRESSION, "", "the initial context is a map, not %s",
                    fsm_type_name((fsm_type)context.type));
  if (!fsm__value_fits(&context, FSM_CONTEXT_BYTES_MAX)) fsm__fault(run, FSM_ETOOLARGE);
  run->context = context;
  return FSM_OK;
}

static fsm_code check_data(const fsm_value *data, const char *what, fsm_error *err) {
  if (fsm__value_fits(data, FSM_EVENT_BYTES_MAX)) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, what, "the data is over %d bytes or %d levels deep",
                  FSM_EVENT_BYTES_MAX, FSM_VALUE_DEPTH_MAX);
}

/* The root's allow, which sees the start as the event "xstate.init" and the context as it begins. */
FSM__RARE static bool may_start(fsm__run *run, const fsm_value *data) {
  const fsm_event seen = run->seen, init = {.name = "xstate.init", .data = *data};
  const size_t len = run->event_len;
  if (run->inside) return true;
  run->seen = init;
  run->event_len = strlen(init.name);
  bool may = fsm__root_permits(run);
  run->seen = seen;
  run->event_len = len;
  return may;
}

fsm_code fsm_start(const fsm_machine *machine, const fsm_value *input, const fsm_world *world,
                   fsm_arena *arena, fsm_step_result *out, fsm_error *err) {
  FSM_ASSERT(machine != NULL && arena != NULL && out != NULL);
  fsm_value data = input != NULL ? *input : fsm_null();
  fsm_code code = check_data(&data, "input", err);
  if (code != FSM_OK) return code;

  FSM_UNSET fsm__run run;
  const fsm_snapshot nothing = {.context = fsm_map_empty()};
  code = fsm__run_init(&run, machine, NULL, world, arena, err);
  if (code != FSM_OK) return code;
  run.input = &data;
  if (machine->dialect == FSM_XSTATE)
    fsm__run_see(&run, &(const fsm_event){.name = "xstate.init", .data = data});
  if (run.fault == FSM_OK) code = initial_context(&run, err);
  if (code == FSM_OK && run.fault == FSM_OK && machine->has_data) fsm__data_start(&run);
  if (code != FSM_OK) return code;
  if (run.fault == FSM_OK && machine->states[0].allow != NULL && !may_start(&run, &data)) {
    *out = (fsm_step_result){.outcome = FSM_EPERMISSION, .next = nothing};
    fsm__denied(&run, out);
    return run.fault == FSM_OK ? FSM_OK : no_memory(err);
  }
  if (run.fault == FSM_OK) fsm__enter_initial(&run, &data);
  macrostep(&run, true);
  return fsm__run_finish(&run, &nothing, out, err);
}

/* ---- step -------------------------------------------------------------------------------------- */

static fsm_code check_event(const fsm_event *event, fsm_error *err) {
  if (event->name == NULL || event->name[0] == '\0')
    return fsm_fail(err, FSM_EARGUMENT, "event", "an event needs a name");
  size_t limit = FSM_EVENT_NAME_MAX;
  if (event->cause != FSM_CAUSE_EXTERNAL) limit += FSM_STATE_PATH_MAX;
  if (strnlen(event->name, limit + 1) > limit)
    return fsm_fail(err, FSM_ETOOLARGE, "event", "an event name is longer than %zu bytes", limit);
  return check_data(&event->data, "data", err);
}

/* The engine's own names are not for the world: nobody may claim that a task is done. */
static bool may_be_taken(const fsm_event *event) {
  return event->cause != FSM_CAUSE_EXTERNAL || !fsm__has_prefix(event->name, "xstate.");
}

/* The id of the task that the event answers for; NULL = none. */
static const char *answered_id(const fsm_event *event) {
  static const char *const prefixes[] = {"xstate.done.actor.", "xstate.error.actor.", "done.invoke."};
  if (event->cause != FSM_CAUSE_TASK) return NULL;
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (fsm__has_prefix(event->name, prefixes[i])) return event->name + strlen(prefixes[i]);
  return event->invokeid;
}

/* From here on who may is asked, if it is to be asked; the root's allow, which lets it in at all, at once. */
FSM__RARE static bool may_come(fsm__run *run, const fsm_event *event) {
  run->asks = fsm__asks_for(run, event);
  run->denied = run->asks && !fsm__root_permits(run);
  return !run->denied;
}

static void process(fsm__run *run, const fsm_event *event) {
  if (event->cause == FSM_CAUSE_TIMER) run->fired = event->name;
  run->answered = answered_id(event);
  fsm__run_see(run, event);
  if (run->machine->has_allow && !may_come(run, event)) return;
  if (run->fault == FSM_OK && run->machine->overhears) fsm__invoke_overhear(run, event);
  if (run->fault == FSM_OK && may_be_taken(event)) fsm__select(run);
  if (run->fault != FSM_OK) return;
  bool taken = run->enabled_count > 0;
  run->asks = false;
  if (run->denied && !taken) return; /* it moves nothing, not even an eventless transition that reads it */
  run->denied = false;
  if (taken)
    fsm__microstep(run, event->name, event->cause, &event->data);
  else if (event->cause == FSM_CAUSE_TASK && fsm__is_error_event(event->name))
    note_unhandled(run, event->name, &event->data);
  macrostep(run, taken);
}

FSM__RARE static fsm_code not_permitted(fsm__run *run, const fsm_snapshot *before, const fsm_event *event,
                                        fsm_step_result *out, fsm_error *err) {
  *out = (fsm_step_result){.outcome = FSM_EPERMISSION, .next = *before};
  fsm__refusal(run, event, out);
  return run->fault == FSM_OK ? FSM_OK : no_memory(err);
}

fsm_code fsm_step(const fsm_machine *machine, const fsm_snapshot *before, const fsm_event *event,
                  const fsm_world *world, fsm_arena *arena, fsm_step_result *out, fsm_error *err) {
  FSM_ASSERT(machine != NULL && before != NULL && event != NULL && arena != NULL && out != NULL);
  FSM_ASSERT(fsm_config_has(before->config, 0) && fsm_is(&before->context, FSM_MAP));
  FSM_ASSERT_COSTLY(fsm_config_legal(machine, before->config));
  fsm_code code = check_event(event, err);
  if (code != FSM_OK) return code;
  if (before->done) {
    *out = (fsm_step_result){.outcome = FSM_ECOMPLETED, .next = *before};
    return FSM_OK;
  }
  FSM_UNSET fsm__run run;
  code = fsm__run_init(&run, machine, before, world, arena, err);
  if (code != FSM_OK) return code;
  process(&run, event);
  if (run.supposal != NULL) fsm__run_charge(&run);
  if (run.denied && run.fault == FSM_OK) return not_permitted(&run, before, event, out, err);
  code = fsm__run_finish(&run, before, out, err);
  if (code != FSM_OK || out->microstep_count > 0) return code;
  if (out->outcome == FSM_ELOOP || out->outcome == FSM_ETOOLARGE) return FSM_OK;
  out->next = *before;
  if (out->outcome == FSM_EEXPRESSION && event->cause != FSM_CAUSE_EXTERNAL) return FSM_OK;
  if (run.supposal != NULL) { /* nobody asks why it is not taken */
    out->outcome = FSM_EGUARD;
    return FSM_OK;
  }
  fsm__refusal(&run, event, out);
  return run.fault == FSM_OK ? FSM_OK
                             : fsm_fail(err, run.fault, "", "the step needs more memory than it has");
}

/* ---- stop -------------------------------------------------------------------------------------- */

fsm_code fsm_stop(const fsm_machine *machine, const fsm_snapshot *before, const fsm_world *world,
                  fsm_arena *arena, fsm_step_result *out, fsm_error *err) {
  FSM_ASSERT(machine != NULL && before != NULL && arena != NULL && out != NULL);
  FSM_ASSERT(fsm_config_legal(machine, before->config) && fsm_is(&before->context, FSM_MAP));
  if (before->done) {
    *out = (fsm_step_result){.outcome = FSM_ECOMPLETED, .next = *before};
    return FSM_OK;
  }
  FSM_UNSET fsm__run run;
  fsm_code code = fsm__run_init(&run, machine, before, world, arena, err);
  if (code != FSM_OK) return code;
  fsm_microstep *micro = fsm__microstep_begin(&run);
  if (micro != NULL) {
    micro->trigger = "";
    micro->cause = FSM_CAUSE_ADMIN;
    run.done = true;
    fsm__exitInterpreter(&run);
    fsm__microstep_end(&run, micro);
  }
  return fsm__run_finish(&run, before, out, err);
}

/* step_invoke.c: invocations: asked for, made, cancelled, overheard (SCXML 6.4, 6.5).
 *
 * They are effects issued after the macrostep, for states still active. XState reads their arguments when the
 * state is entered; SCXML when they are made, in document order, and what goes wrong then is an
 * event that the machine still looks at. Invariant: run->open holds the states whose tasks the world knows.
 */
#include <inttypes.h>
#include <string.h>

#include "fsm/step_impl.h"

static const char *id_of(const fsm__run *run, unsigned number) {
  const fsm__invoke *invoke = &run->machine->invokes[number];
  return invoke->id != NULL ? invoke->id : run->made_ids[number];
}

/* ---- making -------------------------------------------------------------------------------------- */

static fsm_code give_id(fsm__run *run, unsigned number, fsm_effect *effect, fsm_error *err) {
  const fsm__invoke *invoke = &run->machine->invokes[number];
  effect->id = invoke->id;
  if (effect->id == NULL) {
    const char *path = run->machine->states[invoke->state].path;
    effect->id = fsm_arena_printf(run->arena, "%s.%" PRIu32, path, ++run->counter);
    if (effect->id == NULL) return fsm__step_no_memory(err);
  }
  if (invoke->location == NULL) return FSM_OK;
  const fsm_value id = fsm_string(effect->id);
  return fsm__location_set(run, invoke->location, &id, err);
}

static fsm_code make(fsm__run *run, unsigned number, fsm_effect *effect, fsm_error *err) {
  const fsm__invoke *invoke = &run->machine->invokes[number];
  *effect = (fsm_effect){.kind = FSM_EFFECT_TASK_OPEN, .invoke = number};
  fsm_code code = give_id(run, number, effect, err);
  if (code == FSM_OK) code = fsm__text_eval(run, invoke->type, "the type of an invoke", &effect->type, err);
  if (code == FSM_OK)
    code = fsm__text_eval(run, invoke->src_expr, "the source of an invoke", &effect->src, err);
  if (code == FSM_OK) code = fsm__template_eval(run, invoke->content, &effect->content, err);
  if (code == FSM_OK) code = fsm__template_eval(run, invoke->input, &effect->data, err);
  if (code == FSM_OK && !fsm__value_fits(&effect->data, FSM_EVENT_BYTES_MAX))
    code = fsm_fail(err, FSM_ETOOLARGE, "", "the input is over %d bytes", FSM_EVENT_BYTES_MAX);
  if (code == FSM_OK && !fsm__value_fits(&effect->content, FSM_CONTEXT_BYTES_MAX))
    code = fsm_fail(err, FSM_ETOOLARGE, "", "the content is over %d bytes", FSM_CONTEXT_BYTES_MAX);
  return code;
}

/* false = it cannot be made, which has been raised. */
static bool made(fsm__run *run, unsigned number, fsm_effect *effect) {
  fsm_error err;
  err.text[0] = '\0';
  err.code = make(run, number, effect, &err);
  if (err.code == FSM_OK) return run->fault == FSM_OK;
  fsm__raise_error(run, run->machine->invokes[number].where, &err);
  return false;
}

/* ---- XState: on entry ---------------------------------------------------------------------------- */

static void ask(fsm__run *run, unsigned number) {
  fsm_effect effect;
  if (!made(run, number, &effect)) return;
  fsm__opening *opening = fsm_arena_alloc(run->arena, sizeof *opening);
  if (run->opening_of == NULL)
    run->opening_of = fsm_arena_zalloc(run->arena, run->machine->invoke_count, sizeof *run->opening_of);
  if (opening == NULL || run->opening_of == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  *opening = (fsm__opening){.microstep = run->microstep_count, .effect = effect};
  *run->openings_end = opening;
  run->openings_end = &opening->next;
  run->opening_of[number] = opening;
}

void fsm__invoke_enter(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  if (run->machine->dialect == FSM_SCXML) {
    fsm__bit_set(run->pending, state);
    return;
  }
  for (uint32_t i = 0; i < s->invoke_count && run->fault == FSM_OK; i++) ask(run, s->invoke_first + i);
}

void fsm__invoke_openings(fsm__run *run) {
  for (const fsm__opening *o = run->openings; o != NULL && run->fault == FSM_OK;) {
    fsm_microstep *micro = &run->microsteps[o->microstep];
    run->effects = (fsm_effect *)micro->effects;
    run->effect_count = run->effect_cap = micro->effect_count;
    const unsigned number = o->microstep;
    for (; o != NULL && o->microstep == number; o = o->next) {
      if (o->dropped) continue;
      fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TASK_OPEN);
      if (effect == NULL) return;
      *effect = o->effect;
    }
    micro->effects = run->effects;
    micro->effect_count = run->effect_count;
  }
}

/* ---- SCXML: at the end of the macrostep ------------------------------------------------------------ */

/* Appendix D: invoke(inv) */
static void invoke(fsm__run *run, unsigned number) {
  fsm_effect effect;
  if (!made(run, number, &effect)) return;
  fsm_effect *slot = fsm__effect(run, FSM_EFFECT_TASK_OPEN);
  if (slot == NULL) return;
  *slot = effect;
  if (run->machine->invokes[number].id != NULL) return;
  run->made_ids[number] = effect.id;
  run->history_changed = true;
}

bool fsm__invoke_pending(fsm__run *run) {
  const fsm_machine *m = run->machine;
  const unsigned end = m->state_count - 1;
  if (run->pending == NULL || !fsm__bits_any(run->pending, 0, end)) return false;
  for (unsigned state = fsm__bit_next(run->pending, 0, end); state <= end && run->fault == FSM_OK;
       state = fsm__bit_next(run->pending, state + 1, end)) {
    const fsm__state *s = &m->states[state];
    fsm__bit_clear(run->pending, state);
    fsm__bit_set(run->open, state);
    for (uint32_t i = 0; i < s->invoke_count && run->fault == FSM_OK; i++) invoke(run, s->invoke_first + i);
  }
  fsm__microstep_extend(run);
  return true;
}

/* ---- leaving ------------------------------------------------------------------------------------- */

/* The one that has just answered is over; one that was only asked for is forgotten. */
static void cancel(fsm__run *run, unsigned number) {
  const char *id = id_of(run, number);
  if (id == NULL) return;
  if (run->machine->invokes[number].id == NULL) {
    run->made_ids[number] = NULL;
    run->history_changed = true;
  }
  if (run->answered != NULL && strcmp(run->answered, id) == 0) return;
  fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TASK_CANCEL);
  if (effect == NULL) return;
  effect->id = id;
  effect->invoke = number;
}

void fsm__invoke_exit(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  if (run->pending != NULL) fsm__bit_clear(run->pending, state);
  for (uint32_t i = 0; i < s->invoke_count && run->opening_of != NULL; i++) {
    fsm__opening **opening = &run->opening_of[s->invoke_first + i];
    if (*opening != NULL) (*opening)->dropped = true;
    *opening = NULL;
  }
  if (!fsm_config_has(run->open, state)) return;
  fsm__bit_clear(run->open, state);
  for (uint32_t i = 0; i < s->invoke_count && run->fault == FSM_OK; i++) cancel(run, s->invoke_first + i);
}

/* ---- what an event means to the invocations -------------------------------------------------------- */

static void overhear(fsm__run *run, unsigned number, const fsm_event *event) {
  const fsm__invoke *invoke = &run->machine->invokes[number];
  const char *id = id_of(run, number);
  if (id == NULL) return;
  if (event->invokeid != NULL && strcmp(event->invokeid, id) == 0) fsm__block_run(run, &invoke->finalize);
  if (!invoke->autoforward || run->fault != FSM_OK) return;
  fsm_effect *effect = fsm__effect(run, FSM_EFFECT_FORWARD);
  if (effect == NULL) return;
  effect->id = id;
  effect->invoke = number;
}

/* Appendix D, mainEventLoop: applyFinalize and the forwarding, for each active state. */
void fsm__invoke_overhear(fsm__run *run, const fsm_event *event) {
  const fsm_machine *m = run->machine;
  fsm_microstep *micro = fsm__microstep_begin(run);
  if (micro == NULL) return;
  micro->trigger = event->name;
  micro->cause = event->cause;
  micro->data = event->data;
  for (unsigned i = 0; i < m->invoke_count && run->fault == FSM_OK; i++)
    if (fsm_config_has(run->config, m->invokes[i].state)) overhear(run, i, event);
  if (run->effect_count > 0 || run->context_changed) fsm__microstep_end(run, micro);
}

/* ---- a snapshot ---------------------------------------------------------------------------------- */

fsm_code fsm__invoked_read(fsm__run *run, const fsm_value *map, fsm_error *err) {
  const fsm_machine *m = run->machine;
  bool fits = fsm_is(map, FSM_MAP) && m->made_ids;
  for (uint32_t i = 0; fits && i < map->len; i++) {
    const fsm_value *id = &map->pairs[i].key, *number = &map->pairs[i].value;
    fits = fsm_is(id, FSM_STRING) && (fsm_is(number, FSM_INT) || fsm_is(number, FSM_UINT)) &&
           number->u < m->invoke_count && m->invokes[number->u].id == NULL &&
           fsm_config_has(run->config, m->invokes[number->u].state) && run->made_ids[number->u] == NULL;
    if (!fits) break;
    run->made_ids[number->u] = fsm_arena_strndup(run->arena, id->s, id->len);
    if (run->made_ids[number->u] == NULL)
      return fsm_fail(err, FSM_ENOMEM, "", "the step needs more memory than it has");
  }
  return fits ? FSM_OK
              : fsm_fail(err, FSM_EARGUMENT, "history",
                         "what the history says of \"#invoked\" does not fit the machine");
}

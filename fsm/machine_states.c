/* machine_states.c: what a state has: transitions, content, invokes, timers.
 *
 * The last walk of compiling: numbers, paths and initial states are known. All texts and values are
 * copied, so that the loader's tree may be dropped.
 */
#include <string.h>

#include "fsm/machine_compile.h"

static fsm_code fill_events(fsm__compiler *c, const fsm_def_transition *def, fsm__transition *t) {
  if (def->event_count == 0) return FSM_OK;
  if (def->event_count > FSM_TRANSITIONS_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(def->where), "the transition names more than %d events",
                    FSM_TRANSITIONS_MAX);
  fsm__descriptor *events = fsm_arena_zalloc(&c->m->arena, def->event_count, sizeof *events);
  if (events == NULL) return fsm__compile_no_memory(c);
  for (size_t i = 0; i < def->event_count; i++) {
    fsm_code code = fsm__descriptor_parse(&c->m->arena, def->events[i], def->where, &events[i], c->err);
    if (code != FSM_OK) return code;
  }
  t->events = events;
  t->event_count = (uint32_t)def->event_count;
  return FSM_OK;
}

static fsm_code keep_meta(fsm__compiler *c, const fsm_value *meta, const char *where, fsm_value *out) {
  fsm_error fault = {0};
  fsm_code code = fsm_value_copy(&c->m->arena, meta, out, &fault);
  return code == FSM_OK ? FSM_OK : fsm_fail(c->err, code, fsm__place(where), "%s", fault.text);
}

static fsm_code fill_transition(fsm__compiler *c, const fsm_def_transition *def, unsigned source,
                                fsm__transition *t) {
  fsm_arena *arena = &c->m->arena;
  t->source = (uint16_t)source;
  if (!fsm__keep(arena, def->guard_name, &t->guard_name) ||
      !fsm__keep(arena, fsm__place(def->where), &t->where))
    return fsm__compile_no_memory(c);
  fsm_code code = fill_events(c, def, t);
  if (code == FSM_OK) code = fsm__compile_targets(c, def, t);
  if (code == FSM_OK && def->guard != NULL)
    code = fsm__expr_compile(arena, def->guard, def->where, &t->guard, c->err);
  if (code == FSM_OK) code = fsm__block_compile(arena, def->actions, def->action_count, &t->actions, c->err);
  return code == FSM_OK ? keep_meta(c, &def->meta, def->where, &t->meta) : code;
}

static fsm_code fill_invoke(fsm__compiler *c, const fsm_def_invoke *def, unsigned state, fsm__invoke *out) {
  fsm_arena *arena = &c->m->arena;
  const char *where = fsm__place(def->where);
  if (def->id == NULL || def->id[0] == '\0' || def->src == NULL || def->src[0] == '\0')
    return fsm_fail(c->err, FSM_EDEFINITION, where, "an invoke needs an id and a src");
  if (strlen(def->id) > FSM_TIMER_ID_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, where, "an invoke's id is longer than %d bytes", FSM_TIMER_ID_MAX);
  out->state = (uint16_t)state;
  out->done_event = fsm_arena_printf(arena, "xstate.done.actor.%s", def->id);
  out->error_event = fsm_arena_printf(arena, "xstate.error.actor.%s", def->id);
  if (!fsm__keep(arena, def->id, &out->id) || !fsm__keep(arena, def->src, &out->src) ||
      !fsm__keep(arena, where, &out->where) || out->done_event == NULL || out->error_event == NULL)
    return fsm__compile_no_memory(c);
  fsm_code code = fsm__template_compile(arena, def->input, &out->input, c->err);
  return code == FSM_OK ? keep_meta(c, &def->meta, where, &out->meta) : code;
}

static fsm_code fill_afters(fsm__compiler *c, const fsm_def_state *def, fsm__state *s) {
  if (def->after_count == 0) return FSM_OK;
  fsm__after *afters = fsm_arena_zalloc(&c->m->arena, def->after_count, sizeof *afters);
  if (afters == NULL) return fsm__compile_no_memory(c);
  for (size_t i = 0; i < def->after_count; i++) {
    const fsm_def_after *after = &def->afters[i];
    fsm_code code = fsm__event_name_check(after->event, after->where, c->err);
    if (code != FSM_OK) return code;
    if (strlen(after->event) > FSM_TIMER_ID_MAX)
      return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(after->where),
                      "the name of a delayed transition is longer than %d bytes", FSM_TIMER_ID_MAX);
    if (after->delay == NULL)
      return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(after->where),
                      "a delayed transition needs a delay");
    code = fsm__delay_compile(&c->m->arena, after->delay, after->where, &afters[i].delay, c->err);
    if (code != FSM_OK) return code;
    if (!fsm__keep(&c->m->arena, after->event, &afters[i].event) ||
        !fsm__keep(&c->m->arena, fsm__place(after->where), &afters[i].where))
      return fsm__compile_no_memory(c);
  }
  s->afters = afters;
  s->after_count = (uint32_t)def->after_count;
  return FSM_OK;
}

static fsm_code fill_tags(fsm__compiler *c, const fsm_def_state *def, fsm__state *s) {
  if (def->tag_count == 0) return FSM_OK;
  const char **tags = fsm_arena_zalloc(&c->m->arena, def->tag_count, sizeof *tags);
  if (tags == NULL) return fsm__compile_no_memory(c);
  for (size_t i = 0; i < def->tag_count; i++)
    if (!fsm__keep(&c->m->arena, def->tags[i], &tags[i])) return fsm__compile_no_memory(c);
  s->tags = tags;
  s->tag_count = def->tag_count;
  return FSM_OK;
}

fsm_code fsm__compile_state(fsm__compiler *c, unsigned number) {
  fsm_machine *m = c->m;
  fsm__state *s = &m->states[number];
  const fsm_def_state *def = c->defs[number];
  fsm_code code = fsm__block_compile(&m->arena, def->entry, def->entry_count, &s->entry, c->err);
  if (code == FSM_OK)
    code = fsm__block_compile(&m->arena, def->initial_actions, def->initial_action_count, &s->initial_actions,
                              c->err);
  if (code == FSM_OK) code = fsm__block_compile(&m->arena, def->exit, def->exit_count, &s->exit, c->err);
  if (code == FSM_OK) code = fsm__template_compile(&m->arena, def->output, &s->output, c->err);
  if (code == FSM_OK) code = keep_meta(c, &def->meta, def->where, &s->meta);
  if (code == FSM_OK) code = fill_afters(c, def, s);
  if (code == FSM_OK) code = fill_tags(c, def, s);
  if (code == FSM_OK && (!fsm__keep(&m->arena, def->description, &s->description) ||
                         !fsm__keep(&m->arena, fsm__place(def->where), &s->where)))
    code = fsm__compile_no_memory(c);
  for (size_t i = 0; i < def->invoke_count && code == FSM_OK; i++)
    code = fill_invoke(c, &def->invokes[i], number, &m->invokes[s->invoke_first + i]);
  for (size_t i = 0; i < def->transition_count && code == FSM_OK; i++)
    code = fill_transition(c, &def->transitions[i], number, &m->transitions[s->transition_first + i]);
  return code;
}

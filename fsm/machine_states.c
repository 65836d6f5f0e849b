/* machine_states.c: what a state has: transitions, content, invokes, timers.
 *
 * The last walk of compiling: numbers, paths and initial states are known. All texts and values are
 * copied, so that the loader's tree may be dropped.
 */
#include <string.h>

#include "fsm/machine_compile.h"

/* What expressions may read here; event: its shape, NULL = anything. */
static fsm__content content_of(fsm__compiler *c, const fsm_shape *event) {
  fsm__content content = fsm__compile_content(c);
  content.options.event = event;
  return content;
}

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

/* Does anybody outside send what takes it? Names that begin with "xstate." are the engine's. */
static bool is_sent(const fsm__transition *t) {
  for (uint32_t i = 0; i < t->event_count; i++)
    if (!fsm__has_prefix(t->events[i].text, "xstate.")) return true;
  return false;
}

/* An allow that protects nothing would look like protection. */
static fsm_code fill_allow(fsm__compiler *c, const fsm__content *content, const fsm_def_transition *def,
                           fsm__transition *t) {
  fsm_code code = fsm__allow_compile(content, &def->allow, def->event, &t->allow);
  if (t->allow == NULL) return code;
  c->m->has_allow = true;
  if (is_sent(t)) return FSM_OK;
  return fsm_fail(c->err, FSM_EDEFINITION, t->allow->where,
                  "\"allow\" is never asked here: nobody sends what takes this transition");
}

static fsm_code fill_transition(fsm__compiler *c, const fsm_def_transition *def, unsigned source,
                                fsm__transition *t) {
  fsm_arena *arena = &c->m->arena;
  const fsm__content content = content_of(c, def->event);
  t->source = (uint16_t)source;
  if (!fsm__keep(arena, def->guard_name, &t->guard_name) ||
      !fsm__keep(arena, fsm__place(def->where), &t->where))
    return fsm__compile_no_memory(c);
  fsm_code code = fill_events(c, def, t);
  if (code == FSM_OK) code = fsm__compile_targets(c, def, t);
  if (code == FSM_OK && def->guard != NULL)
    code = fsm__guard_compile(&content, def->guard, def->guard_where != NULL ? def->guard_where : def->where,
                              &t->guard);
  if (code == FSM_OK) code = fill_allow(c, &content, def, t);
  if (code == FSM_OK) code = fsm__block_compile(&content, def->actions, def->action_count, &t->actions);
  return code == FSM_OK ? keep_meta(c, &def->meta, def->where, &t->meta) : code;
}

static fsm_code invoke_id(fsm__compiler *c, const fsm_def_invoke *def, fsm__invoke *out) {
  fsm_arena *arena = &c->m->arena;
  const char *where = fsm__place(def->where);
  const bool scxml = c->m->dialect == FSM_SCXML;
  if (def->id == NULL && scxml) {
    c->m->made_ids = true;
    return FSM_OK;
  }
  if (def->id == NULL || def->id[0] == '\0')
    return fsm_fail(c->err, FSM_EDEFINITION, where, "an invoke needs an id");
  if (strlen(def->id) > FSM_TIMER_ID_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, where, "an invoke's id is longer than %d bytes", FSM_TIMER_ID_MAX);
  out->done_event = fsm_arena_printf(arena, scxml ? "done.invoke.%s" : "xstate.done.actor.%s", def->id);
  out->error_event = scxml ? "" : fsm_arena_printf(arena, "xstate.error.actor.%s", def->id);
  if (!fsm__keep(arena, def->id, &out->id) || out->done_event == NULL || out->error_event == NULL)
    return fsm__compile_no_memory(c);
  return FSM_OK;
}

/* Exactly one of them says what is invoked; src may go with machine, as its name. */
static fsm_code invoke_source(fsm__compiler *c, const fsm_def_invoke *def, fsm__invoke *out) {
  const char *where = fsm__place(def->where);
  bool src = def->src != NULL && def->src[0] != '\0', machine = def->machine != NULL;
  if ((src && !machine) + (def->src_expr != NULL) + (def->content != NULL) + machine != 1)
    return fsm_fail(c->err, FSM_EDEFINITION, where, "an invoke needs one src, content or machine");
  if (!fsm__keep(&c->m->arena, def->src, &out->src)) return fsm__compile_no_memory(c);
  if (!machine) return FSM_OK;
  if (c->nested == FSM_MACHINES_NESTED_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, where, "machines are nested deeper than %d",
                    FSM_MACHINES_NESTED_MAX);
  return fsm__compile_nested(def->machine, c, &out->machine, c->err);
}

static fsm_code fill_invoke(fsm__compiler *c, const fsm_def_invoke *def, unsigned state, fsm__invoke *out) {
  const char *where = fsm__place(def->where);
  const fsm__content content = content_of(c, NULL);
  out->state = (uint16_t)state;
  out->autoforward = def->autoforward;
  if (!fsm__keep(&c->m->arena, where, &out->where)) return fsm__compile_no_memory(c);
  fsm_code code = invoke_id(c, def, out);
  if (code == FSM_OK) code = invoke_source(c, def, out);
  if (code == FSM_OK) code = fsm__template_compile(&content, def->src_expr, &out->src_expr);
  if (code == FSM_OK) code = fsm__template_compile(&content, def->content, &out->content);
  if (code == FSM_OK) code = fsm__template_compile(&content, def->type, &out->type);
  if (code == FSM_OK) code = fsm__template_compile(&content, def->input, &out->input);
  if (code == FSM_OK) code = fsm__location_compile(&content, def->location, where, &out->location);
  if (code == FSM_OK) code = fsm__block_compile(&content, def->finalize, def->finalize_count, &out->finalize);
  if (code == FSM_OK) code = fsm__allow_compile(&content, &def->allow, NULL, &out->allow);
  if (def->autoforward || def->finalize_count > 0) c->m->overhears = true;
  return code == FSM_OK ? keep_meta(c, &def->meta, where, &out->meta) : code;
}

static fsm_code fill_data(fsm__compiler *c, const fsm_def_state *def, fsm__state *s) {
  if (def->data_count == 0) return FSM_OK;
  const fsm__content content = content_of(c, NULL);
  fsm__data *data = fsm_arena_zalloc(&c->m->arena, def->data_count, sizeof *data);
  if (data == NULL) return fsm__compile_no_memory(c);
  for (size_t i = 0; i < def->data_count; i++) {
    const fsm_def_data *one = &def->data[i];
    if (one->id == NULL || one->id[0] == '\0' || one->id[0] == '_')
      return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(one->where), "a variable cannot be named \"%s\"",
                      one->id != NULL ? one->id : "");
    if (!fsm__keep(&c->m->arena, one->id, &data[i].id) ||
        !fsm__keep(&c->m->arena, fsm__place(one->where), &data[i].where))
      return fsm__compile_no_memory(c);
    fsm_code code = fsm__template_compile(&content, one->value, &data[i].value);
    if (code != FSM_OK) return code;
  }
  s->data = data;
  s->data_count = (uint32_t)def->data_count;
  c->m->has_data = true;
  return FSM_OK;
}

static fsm_code fill_afters(fsm__compiler *c, const fsm_def_state *def, fsm__state *s) {
  if (def->after_count == 0) return FSM_OK;
  fsm__after *afters = fsm_arena_zalloc(&c->m->arena, def->after_count, sizeof *afters);
  if (afters == NULL) return fsm__compile_no_memory(c);
  const fsm__content content = content_of(c, NULL);
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
    code = fsm__delay_compile(&content, after->delay, after->where, &afters[i].delay);
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
  const fsm__content content = content_of(c, NULL);
  fsm_code code = fsm__block_compile(&content, def->entry, def->entry_count, &s->entry);
  if (code == FSM_OK)
    code = fsm__block_compile(&content, def->initial_actions, def->initial_action_count, &s->initial_actions);
  if (code == FSM_OK) code = fsm__block_compile(&content, def->exit, def->exit_count, &s->exit);
  if (code == FSM_OK) code = fsm__template_compile(&content, def->output, &s->output);
  if (code == FSM_OK) code = fsm__allow_compile(&content, &def->allow, NULL, &s->allow);
  m->has_allow |= s->allow != NULL;
  if (code == FSM_OK) code = keep_meta(c, &def->meta, def->where, &s->meta);
  if (code == FSM_OK) code = fill_afters(c, def, s);
  if (code == FSM_OK) code = fill_data(c, def, s);
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

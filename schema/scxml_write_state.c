/* scxml_write_state.c: states as elements, with what hangs on them.
 *
 * Timers of a state (`after`) become a <send> before its entry actions and a <cancel> before its exit
 * actions, so that they are set and cancelled whatever fails behind them.
 */
#include <string.h>

#include "schema/json.h"
#include "schema/scxml_write.h"

/* ---- notes ------------------------------------------------------------------------------------- */

static fsm_code write_meta(fsm__scxml_out *o, const fsm_value *meta) {
  fsm_buf buf = {0};
  if (meta->type == FSM_NULL) return FSM_OK;
  fsm_json_write(&buf, meta);
  bool ok = fsm_buf_ok(&buf);
  if (ok) fsm__out_attribute(o, "fsm:meta", fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return ok ? FSM_OK : fsm__write_no_memory(&o->w);
}

static fsm_code write_notes(fsm__scxml_out *o, const fsm_def_state *state) {
  fsm_buf buf = {0};
  fsm__out_attribute(o, "fsm:description", state->description);
  for (size_t i = 0; i < state->tag_count; i++) {
    fsm_buf_char(&buf, i ? ',' : '[');
    fsm_json_quote(&buf, state->tags[i], strlen(state->tags[i]));
  }
  if (state->tag_count) fsm_buf_char(&buf, ']');
  bool ok = fsm_buf_ok(&buf);
  if (ok && state->tag_count) fsm__out_attribute(o, "fsm:tags", fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return ok ? write_meta(o, &state->meta) : fsm__write_no_memory(&o->w);
}

/* ---- entry and exit ---------------------------------------------------------------------------- */

static fsm_code write_block(fsm__scxml_out *o, const char *element, const fsm_def_action *actions,
                            size_t count) {
  if (!count) return FSM_OK;
  fsm__out_open(o, element);
  fsm_code code = fsm__out_actions(o, actions, count);
  fsm__out_close(o, element);
  return code;
}

/* Setting a timer and cancelling it, before the actions, so that these may fail. */
static fsm_code write_timers(fsm__scxml_out *o, const fsm_def_state *state, bool set) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < state->after_count && !code; i++) {
    const fsm_def_after *after = &state->afters[i];
    const char *event;
    code = fsm__write_event(&o->w, after->event, after->where, &event);
    if (code) return code;
    fsm__out_open(o, set ? "send" : "cancel");
    if (set) fsm__out_attribute(o, "event", event);
    fsm__out_attribute(o, set ? "id" : "sendid", event);
    if (set) code = fsm__out_delay(o, after->delay);
    fsm__out_close(o, set ? "send" : "cancel");
  }
  return code;
}

static fsm_code write_blocks(fsm__scxml_out *o, const fsm_def_state *state, bool entry) {
  const char *element = entry ? "onentry" : "onexit";
  const fsm_def_action *actions = entry ? state->entry : state->exit;
  size_t count = entry ? state->entry_count : state->exit_count;
  fsm_code code = FSM_OK;
  if (count && actions->kind == FSM_ACTION_BLOCK) {
    for (size_t i = 0; i < count && !code; i++)
      code = write_block(o, element, actions[i].actions, actions[i].action_count);
    return code;
  }
  if (!count && !state->after_count) return FSM_OK;
  fsm__out_open(o, element);
  code = write_timers(o, state, entry);
  if (!code) code = fsm__out_actions(o, actions, count);
  fsm__out_close(o, element);
  return code;
}

/* ---- transitions ------------------------------------------------------------------------------- */

static fsm_code write_targets(fsm__scxml_out *o, const char *name, const char *const *targets, size_t count) {
  fsm_buf buf = {0};
  for (size_t i = 0; i < count; i++) {
    const fsm__written *state = fsm__write_state(&o->w, targets[i]);
    if (state) fsm_buf_printf(&buf, "%s%s", i ? " " : "", state->name);
  }
  bool ok = fsm_buf_ok(&buf);
  if (ok && count) fsm__out_attribute(o, name, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return ok ? FSM_OK : fsm__write_no_memory(&o->w);
}

/* A name in JSON takes that event alone, in SCXML also what begins with it: when the machine speaks of such
 * a one, the condition asks for the whole name. */
static fsm_code write_event(fsm__scxml_out *o, const fsm_def_transition *t, const char **asked) {
  fsm_buf buf = {0};
  fsm_code code = FSM_OK;
  *asked = NULL;
  for (size_t i = 0; i < t->event_count && !code; i++) {
    const char *descriptor = t->events[i], *name;
    size_t len = strlen(descriptor);
    bool wild = len > 2 && strcmp(descriptor + len - 2, ".*") == 0;
    const char *stem = wild ? fsm_arena_strndup(&o->w.arena, descriptor, len - 2) : descriptor;
    code = stem ? fsm__write_event(&o->w, stem, t->where, &name) : fsm__write_no_memory(&o->w);
    if (code) break;
    fsm_buf_printf(&buf, "%s%s%s", i ? " " : "", name, wild ? ".*" : "");
    if (!wild && strcmp(stem, "*") != 0 && fsm__write_translates(&o->w) && fsm__write_extends(&o->w, stem))
      *asked = name;
  }
  if (!code && *asked && (*asked)[strcspn(*asked, "'\\")])
    code =
        fsm__write_refuse(&o->w, t->where, "a condition cannot ask for an event called \"%.128s\"", *asked);
  if (!code && fsm_buf_ok(&buf) && t->event_count) fsm__out_attribute(o, "event", fsm_buf_text(&buf));
  if (!code && !fsm_buf_ok(&buf)) code = fsm__write_no_memory(&o->w);
  fsm_buf_free(&buf);
  return code;
}

static fsm_code write_guard(fsm__scxml_out *o, const fsm_def_transition *t, const char *asked) {
  const char *guard = NULL;
  fsm_code code = t->guard
                      ? fsm__write_expr(&o->w, t->guard, t->guard_where ? t->guard_where : t->where, &guard)
                      : FSM_OK;
  if (code) return code;
  if (asked)
    guard = guard ? fsm_arena_printf(&o->w.arena, "_event.name == '%s' && (%s)", asked, guard)
                  : fsm_arena_printf(&o->w.arena, "_event.name == '%s'", asked);
  if (asked && !guard) return fsm__write_no_memory(&o->w);
  fsm__out_attribute(o, "cond", guard);
  return FSM_OK;
}

/* XState's transitions stay inside as far as they can; SCXML's only from a compound state to what is in it.
 */
static fsm_code write_where_to(fsm__scxml_out *o, const fsm__written *source, const fsm_def_transition *t) {
  bool below = t->target_count > 0, itself = false;
  for (size_t i = 0; i < t->target_count; i++) {
    const fsm__written *target = fsm__write_state(&o->w, t->targets[i]);
    itself = itself || target == source;
    below = below && target && fsm__written_is_below(target, source);
  }
  bool translates = fsm__write_translates(&o->w);
  if (translates && t->internal && itself) {
    if (t->target_count == 1 && source->state->kind == FSM_ATOMIC) return FSM_OK; /* nothing is left */
    return fsm__write_refuse(&o->w, t->where, "SCXML cannot begin \"%.128s\" anew without leaving it",
                             source->path);
  }
  if (translates && t->internal && below && source->state->kind == FSM_PARALLEL)
    return fsm__write_refuse(&o->w, t->where, "SCXML cannot stay in the parallel state \"%.128s\"",
                             source->path);
  if (t->internal && below) fsm__out_attribute(o, "type", "internal");
  return write_targets(o, "target", t->targets, t->target_count);
}

static fsm_code write_transition(fsm__scxml_out *o, const fsm__written *source, const fsm_def_transition *t) {
  const char *asked;
  fsm_code code = fsm__write_check_transition(&o->w, source, t);
  if (code) return code;
  fsm__out_open(o, "transition");
  code = write_event(o, t, &asked);
  if (!code) code = write_guard(o, t, asked);
  if (!code) code = write_where_to(o, source, t);
  if (!code) code = write_meta(o, &t->meta);
  if (!code) code = fsm__out_actions(o, t->actions, t->action_count);
  fsm__out_close(o, "transition");
  return code;
}

static fsm_code write_initial(fsm__scxml_out *o, const fsm_def_state *state) {
  if (!state->initial_action_count) return FSM_OK; /* an attribute is enough */
  fsm__out_open(o, "initial");
  fsm__out_open(o, "transition");
  const char *first = state->child_count && !state->initial_count ? state->children[0]->path : NULL;
  fsm_code code =
      write_targets(o, "target", first ? &first : state->initials, first ? 1 : state->initial_count);
  if (!code) code = fsm__out_actions(o, state->initial_actions, state->initial_action_count);
  fsm__out_close(o, "transition");
  fsm__out_close(o, "initial");
  return code;
}

/* Without a default a history stands for its parent's beginning. */
static fsm_code write_default(fsm__scxml_out *o, const fsm__written *s) {
  const fsm_def_state *state = s->state, *parent = s->parent->state;
  const char *own = s->parent->path;
  bool of_parent = !state->initial_count && parent->initial_count && !parent->initial_action_count;
  fsm__out_open(o, "transition");
  fsm_code code = state->initial_count ? write_targets(o, "target", state->initials, state->initial_count)
                  : of_parent          ? write_targets(o, "target", parent->initials, parent->initial_count)
                                       : write_targets(o, "target", &own, 1);
  if (!code) code = fsm__out_actions(o, state->initial_actions, state->initial_action_count);
  fsm__out_close(o, "transition");
  return code;
}

/* ---- invocations ------------------------------------------------------------------------------- */

static fsm_code write_what(fsm__scxml_out *o, const fsm_def_invoke *invoke) {
  if (!invoke->machine && !invoke->content) return FSM_OK;
  if (invoke->machine && invoke->src) return FSM_OK; /* found again by its name */
  fsm__out_open(o, "content");
  fsm_code code = invoke->content ? fsm__out_either(o, invoke->content, NULL, "expr")
                                  : fsm__out_machine(o->buf, invoke->machine, o->depth, o->w.err);
  if (invoke->machine) o->in_tag = false;
  fsm__out_close(o, "content");
  return code;
}

static fsm_code write_finalize(fsm__scxml_out *o, const fsm_def_invoke *invoke) {
  return write_block(o, "finalize", invoke->finalize, invoke->finalize_count);
}

static fsm_code write_invoke(fsm__scxml_out *o, const fsm_def_invoke *invoke) {
  fsm__out_open(o, "invoke");
  fsm__out_attribute(o, "id", invoke->id);
  fsm__out_attribute(o, "idlocation", invoke->location);
  fsm_code code = fsm__out_either(o, invoke->type, "type", "typeexpr");
  fsm__out_attribute(o, "src", invoke->src);
  if (!code) code = fsm__out_either(o, invoke->src_expr, NULL, "srcexpr");
  if (invoke->autoforward) fsm__out_attribute(o, "autoforward", "true");
  if (!code) code = write_meta(o, &invoke->meta);
  if (!code) code = fsm__out_payload(o, invoke->input, true);
  if (!code) code = write_what(o, invoke);
  if (!code) code = write_finalize(o, invoke);
  fsm__out_close(o, "invoke");
  return code;
}

/* ---- data -------------------------------------------------------------------------------------- */

static fsm_code write_variable(fsm__scxml_out *o, const char *id, const fsm_def_value *value,
                               const char *where) {
  if (!fsm__write_is_name(id))
    return fsm__write_refuse(&o->w, where, "\"%.64s\" is no name of a variable in SCXML", id);
  fsm__out_open(o, "data");
  fsm__out_attribute(o, "id", id);
  fsm_code code = fsm__out_either(o, value, NULL, "expr");
  fsm__out_close(o, "data");
  return code;
}

static fsm_code write_context(fsm__scxml_out *o, const fsm_def_value *context) {
  fsm_code code = FSM_OK;
  bool literal = context->form == FSM_DEF_LITERAL && context->literal.type == FSM_MAP;
  if (!literal && context->form != FSM_DEF_MAP)
    return fsm__write_refuse(&o->w, context->where, "a context that is not written out has no like in SCXML");
  for (uint32_t i = 0; literal && i < context->literal.len && !code; i++) {
    const fsm_pair *pair = &context->literal.pairs[i];
    const char *id = fsm_arena_strndup(&o->w.arena, pair->key.s, pair->key.len);
    fsm_def_value item = {.form = FSM_DEF_LITERAL, .literal = pair->value};
    code = id ? write_variable(o, id, &item, context->where) : fsm__write_no_memory(&o->w);
  }
  for (size_t i = 0; !literal && i < context->count && !code; i++)
    code = write_variable(o, context->keys[i], &context->items[i], context->where);
  return code;
}

static fsm_code write_data(fsm__scxml_out *o, const fsm__written *s) {
  const fsm_def_value *context = s->parent ? NULL : o->w.def->context;
  if (!s->state->data_count && !context) return FSM_OK;
  fsm__out_open(o, "datamodel");
  fsm_code code = context ? write_context(o, context) : FSM_OK;
  for (size_t i = 0; i < s->state->data_count && !code; i++)
    code = write_variable(o, s->state->data[i].id, s->state->data[i].value, s->state->data[i].where);
  fsm__out_close(o, "datamodel");
  return code;
}

/* The root's entry actions come from its one <script>. */
static fsm_code write_script(fsm__scxml_out *o, const fsm_def_state *root) {
  if (!root->entry_count) return FSM_OK;
  fsm__out_open(o, "script");
  fsm_buf_char(o->buf, '>');
  o->in_tag = false;
  for (size_t i = 0; i < root->entry_count; i++) {
    const fsm_def_action *a = &root->entry[i];
    const char *expr;
    bool plain = a->kind == FSM_ACTION_ASSIGN && a->value->form == FSM_DEF_MAP && a->value->count == 1;
    if (!plain && a->kind != FSM_ACTION_SET)
      return fsm__write_refuse(&o->w, a->where, "what the machine's script does cannot be written as one");
    fsm_code code = fsm__out_expr(o, plain ? a->value->items : a->value, &expr);
    if (code) return code;
    fsm_buf_printf(o->buf, "%s%s = ", i ? "; " : "", plain ? a->value->keys[0] : a->location);
    fsm_xml_escape(o->buf, expr, strlen(expr), false);
  }
  fsm_buf_str(o->buf, "</script>");
  o->depth--;
  return FSM_OK;
}

/* ---- states ------------------------------------------------------------------------------------ */

static const char *element_of(const fsm__written *s) {
  switch (s->state->kind) {
    case FSM_PARALLEL: return "parallel";
    case FSM_FINAL: return "final";
    case FSM_HISTORY: return "history";
    case FSM_ATOMIC:
    case FSM_COMPOUND: break;
  }
  return "state";
}

static fsm_code write_head(fsm__scxml_out *o, const fsm__written *s) {
  const fsm_def_state *state = s->state;
  fsm__out_attribute(o, s->parent ? "id" : "name", s->parent ? s->name : state->name);
  if (state->kind == FSM_HISTORY) {
    fsm__out_attribute(o, "type", state->deep ? "deep" : "shallow");
  } else if (!state->initial_action_count) {
    fsm_code code = write_targets(o, "initial", state->initials, state->initial_count);
    if (code) return code;
  }
  return write_notes(o, state);
}

static fsm_code write_output(fsm__scxml_out *o, const fsm_def_state *state) {
  if (!state->output || state->kind != FSM_FINAL) return FSM_OK;
  fsm__out_open(o, "donedata");
  fsm_code code = fsm__out_payload(o, state->output, false);
  fsm__out_close(o, "donedata");
  return code;
}

static fsm_code write_parts(fsm__scxml_out *o, const fsm__written *s) {
  const fsm_def_state *state = s->state;
  fsm_code code = write_data(o, s);
  if (!code) code = s->parent ? write_blocks(o, state, true) : write_script(o, state);
  if (!code && s->parent) code = write_blocks(o, state, false);
  if (!code && state->kind == FSM_HISTORY) code = write_default(o, s);
  if (!code && state->kind == FSM_COMPOUND) code = write_initial(o, state);
  if (!code) code = write_output(o, state);
  for (size_t i = 0; i < state->invoke_count && !code; i++) code = write_invoke(o, &state->invokes[i]);
  for (size_t i = 0; i < state->transition_count && !code; i++)
    code = write_transition(o, s, &state->transitions[i]);
  return code;
}

fsm_code fsm__out_state(fsm__scxml_out *o) {
  const fsm__written *s = &o->w.states[o->at++];
  const char *element = element_of(s);
  if (s->parent && s->parent->state->kind == FSM_PARALLEL && s->state->kind == FSM_FINAL)
    return fsm__write_refuse(&o->w, s->state->where, "in SCXML no final state is a region of a parallel one");
  if (s->parent) fsm__out_open(o, element);
  fsm_code code = write_head(o, s);
  if (!code) code = write_parts(o, s);
  for (size_t i = 0; i < s->state->child_count && !code; i++) code = fsm__out_state(o);
  if (s->parent) fsm__out_close(o, element);
  return code;
}

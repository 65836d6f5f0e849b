/* definition_write_state.c: states in JSON, with what hangs on them. */
#include <string.h>

#include "schema/definition_out.h"
#include "schema/json.h"

fsm_code fsm__json_target(fsm__json_out *o, const char *path) {
  const fsm__written *state = fsm__write_state(&o->w, path);
  FSM_ASSERT(state);
  const char *text =
      fsm_arena_printf(&o->w.arena, "#%s%s%s", o->w.def->root->name, *state->name ? "." : "", state->name);
  if (!text) return fsm__write_no_memory(&o->w);
  fsm_json_quote(&o->buf, text, strlen(text));
  return FSM_OK;
}

/* ---- where it begins --------------------------------------------------------------------------- */

static fsm_code write_initial(fsm__json_out *o, const fsm__written *s) {
  const fsm_def_state *state = s->state;
  if (state->kind != FSM_COMPOUND) return FSM_OK;
  const fsm__written *first = &o->w.states[o->at]; /* the first child */
  if (state->initial_count) first = fsm__write_state(&o->w, state->initials[0]);
  if (state->initial_count > 1 || !first || first->parent != s)
    return fsm__write_refuse(&o->w, state->where,
                             "in JSON a state begins with one of its own: \"%.128s\" does not",
                             *s->path ? s->path : state->name);
  fsm__json_key(o, "initial");
  if (!state->initial_action_count) {
    fsm_json_quote(&o->buf, first->key, strlen(first->key));
    return FSM_OK;
  }
  fsm_buf_char(&o->buf, '{');
  fsm__json_text(o, "target", first->key);
  fsm_code code = fsm__json_actions(o, "actions", state->initial_actions, state->initial_action_count);
  fsm_buf_char(&o->buf, '}');
  return code;
}

static fsm_code write_history(fsm__json_out *o, const fsm_def_state *state) {
  fsm_code code = FSM_OK;
  fsm__json_text(o, "history", state->deep ? "deep" : "shallow");
  if (state->initial_action_count)
    return fsm__write_refuse(&o->w, state->initial_actions->where,
                             "in JSON a history's default has no actions");
  if (!state->initial_count) return FSM_OK;
  fsm__json_key(o, "target");
  fsm_buf_char(&o->buf, '[');
  for (size_t i = 0; i < state->initial_count && !code; i++) {
    fsm__json_item(o);
    code = fsm__json_target(o, state->initials[i]);
  }
  fsm_buf_char(&o->buf, ']');
  return code;
}

/* ---- invocations ------------------------------------------------------------------------------- */

static const char *no_like(const fsm_def_invoke *invoke) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  if (invoke->machine && !invoke->src) return "a machine inside an invocation has no like in JSON";
  if (!invoke->src) return "an invocation of what is not written out has no like in JSON";
  if (invoke->location) return "the \"idlocation\" of <invoke> has no like in JSON";
  if (invoke->autoforward) return "\"autoforward\" has no like in JSON";
  if (invoke->finalize_count) return "<finalize> has no like in JSON";
  if (invoke->type) return "the \"type\" of <invoke> has no like in JSON";
  if (strlen(invoke->src) > 64 || strspn(invoke->src, letters) != strlen(invoke->src))
    return "in JSON what is invoked is a service: letters, digits, _ - and dots";
  return NULL;
}

static fsm_code write_invoke(fsm__json_out *o, const fsm_def_invoke *invoke) {
  const char *why = no_like(invoke);
  if (why) return fsm__write_refuse(&o->w, invoke->where, "%s", why);
  fsm_buf_char(&o->buf, '{');
  fsm__json_text(o, "id", invoke->id);
  fsm__json_text(o, "src", invoke->src);
  fsm_code code = fsm__json_member(o, "input", invoke->input);
  fsm__json_meta(o, &invoke->meta);
  fsm_buf_char(&o->buf, '}');
  return code;
}

static fsm_code write_invokes(fsm__json_out *o, const fsm_def_state *state) {
  fsm_code code = FSM_OK;
  if (!state->invoke_count) return FSM_OK;
  fsm__json_key(o, "invoke");
  fsm_buf_char(&o->buf, '[');
  for (size_t i = 0; i < state->invoke_count && !code; i++) {
    fsm__json_item(o);
    code = write_invoke(o, &state->invokes[i]);
  }
  fsm_buf_char(&o->buf, ']');
  return code;
}

/* ---- states ------------------------------------------------------------------------------------ */

static void write_tags(fsm__json_out *o, const fsm_def_state *state) {
  if (!state->tag_count) return;
  fsm__json_key(o, "tags");
  fsm_buf_char(&o->buf, '[');
  for (size_t i = 0; i < state->tag_count; i++) {
    fsm__json_item(o);
    fsm_json_quote(&o->buf, state->tags[i], strlen(state->tags[i]));
  }
  fsm_buf_char(&o->buf, ']');
}

static fsm_code write_children(fsm__json_out *o, const fsm_def_state *state) {
  fsm_code code = FSM_OK;
  if (!state->child_count) return FSM_OK;
  fsm__json_key(o, "states");
  fsm_buf_char(&o->buf, '{');
  for (size_t i = 0; i < state->child_count && !code; i++) {
    fsm__json_key(o, o->w.states[o->at].key);
    fsm_buf_char(&o->buf, '{');
    code = fsm__json_state(o);
    fsm_buf_char(&o->buf, '}');
  }
  fsm_buf_char(&o->buf, '}');
  return code;
}

fsm_code fsm__json_state(fsm__json_out *o) {
  static const char *const types[] = {NULL, NULL, "parallel", "final", "history"};
  const fsm__written *s = &o->w.states[o->at++];
  const fsm_def_state *state = s->state;
  fsm__json_text(o, "type", types[state->kind]);
  fsm__json_text(o, "description", state->description);
  write_tags(o, state);
  fsm_code code = state->kind == FSM_HISTORY ? write_history(o, state) : write_initial(o, s);
  if (!code) code = fsm__json_actions(o, "entry", state->entry, state->entry_count);
  if (!code) code = fsm__json_actions(o, "exit", state->exit, state->exit_count);
  if (!code) code = write_invokes(o, state);
  if (!code) code = fsm__json_events(o, s);
  if (!code) code = fsm__json_member(o, "output", state->output);
  fsm__json_meta(o, &state->meta);
  return code ? code : write_children(o, state);
}

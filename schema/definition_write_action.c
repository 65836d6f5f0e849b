/* definition_write_action.c: actions in JSON. What runs on conditions or in loops has no like there. */
#include <string.h>

#include "schema/definition_out.h"
#include "schema/json.h"

static void begin(fsm__json_out *o, const char *type) {
  fsm_buf_char(&o->buf, '{');
  fsm__json_text(o, "type", type);
}

/* ---- assignments ------------------------------------------------------------------------------- */

static fsm_code write_assign(fsm__json_out *o, const fsm_def_action *a) {
  begin(o, "@xstate.assign");
  fsm_code code = fsm__json_member(o, "context", a->value);
  fsm_buf_char(&o->buf, '}');
  return code;
}

/* The text of a value as SCXML has it. */
static const char *text_of(fsm__json_out *o, const fsm_def_value *value) {
  fsm_buf buf = {0};
  if (value->form == FSM_DEF_EXPR) return value->expr;
  if (value->form != FSM_DEF_LITERAL) return NULL;
  fsm_json_write(&buf, &value->literal);
  const char *text = fsm_buf_ok(&buf) ? fsm_arena_strdup(&o->w.arena, fsm_buf_text(&buf)) : NULL;
  fsm_buf_free(&buf);
  return text;
}

/* x = e is an assignment of x; x.f = e one of x with f laid over it. */
static fsm_code write_set(fsm__json_out *o, const fsm_def_action *a) {
  size_t len = strcspn(a->location, ".[ \t\r\n");
  const char *name = fsm_arena_strndup(&o->w.arena, a->location, len), *field = a->location + len;
  if (!name) return fsm__write_no_memory(&o->w);
  if (*field == '.') field++;
  if (*field && (a->location[len] != '.' || !fsm__write_is_name(field)))
    return fsm__write_refuse(&o->w, a->where, "an assignment to \"%.128s\" has no like in JSON", a->location);
  begin(o, "@xstate.assign");
  fsm__json_key(o, "context");
  fsm_buf_char(&o->buf, '{');
  fsm__json_key(o, name);
  fsm_code code;
  if (*field) {
    const char *text = text_of(o, a->value);
    const char *expr =
        text ? fsm_arena_printf(&o->w.arena, "merge(%s, {'%s': %s})", name, field, text) : NULL;
    code = expr ? fsm__json_expr(o, expr, a->where) : fsm__write_no_memory(&o->w);
  } else {
    code = fsm__json_value(o, a->value);
  }
  fsm_buf_str(&o->buf, "}}");
  return code;
}

/* ---- events ------------------------------------------------------------------------------------ */

static fsm_code add_data(fsm__json_out *o, const fsm_def_action *a) {
  const fsm_def_value *value = a->value;
  if (!value) return FSM_OK;
  bool literal = value->form == FSM_DEF_LITERAL && value->literal.type == FSM_MAP;
  if (!literal && value->form != FSM_DEF_MAP)
    return fsm__write_refuse(&o->w, a->where, "in JSON the data of an event are named members of it");
  size_t count = literal ? value->literal.len : value->count;
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < count && !code; i++) {
    const fsm_pair *pair = literal ? &value->literal.pairs[i] : NULL;
    const char *key = pair ? fsm_arena_strndup(&o->w.arena, pair->key.s, pair->key.len) : value->keys[i];
    if (!key) return fsm__write_no_memory(&o->w);
    if (strcmp(key, "type") == 0)
      return fsm__write_refuse(&o->w, a->where, "in JSON the \"type\" of an event is its name, not its data");
    fsm__json_key(o, key);
    if (pair)
      fsm_json_write(&o->buf, &pair->value);
    else
      code = fsm__json_value(o, &value->items[i]);
  }
  return code;
}

static fsm_code add_event(fsm__json_out *o, const fsm_def_action *a) {
  const char *name = NULL;
  fsm_code code = a->event ? fsm__write_event(&o->w, a->event, a->where, &name) : FSM_OK;
  if (code) return code;
  if (name && strncmp(name, "xstate.", 7) == 0)
    return fsm__write_refuse(&o->w, a->where, "in JSON \"%.128s\" is made by the engine alone", name);
  if (!a->event && !a->event_expr) return fsm__write_refuse(&o->w, a->where, "in JSON an event has a name");
  fsm__json_key(o, "event");
  fsm_buf_char(&o->buf, '{');
  fsm__json_text(o, "type", name);
  if (!name) code = fsm__json_member(o, "type", a->event_expr);
  if (!code) code = add_data(o, a);
  fsm_buf_char(&o->buf, '}');
  return code;
}

/* A text would be the name of a delay: it is written as an expression. */
static fsm_code add_delay(fsm__json_out *o, const fsm_def_value *delay) {
  if (!delay || delay->form != FSM_DEF_LITERAL || delay->literal.type != FSM_STRING)
    return fsm__json_member(o, "delay", delay);
  const char *text = text_of(o, delay);
  if (!text) return fsm__write_no_memory(&o->w);
  fsm__json_key(o, "delay");
  return fsm__json_expr(o, text, delay->where);
}

static fsm_code finish_event(fsm__json_out *o, const fsm_def_action *a) {
  fsm_code code = add_event(o, a);
  fsm__json_text(o, "id", a->id);
  if (!code) code = add_delay(o, a->delay);
  fsm_buf_char(&o->buf, '}');
  return code;
}

static fsm_code write_raise(fsm__json_out *o, const fsm_def_action *a) {
  begin(o, "@xstate.raise");
  return finish_event(o, a);
}

static bool is_scxml_type(const fsm_def_value *type) {
  if (!type) return true;
  if (type->form != FSM_DEF_LITERAL) return false;
  return fsm_is_text(&type->literal, "scxml") ||
         fsm_is_text(&type->literal, "http://www.w3.org/TR/scxml/#SCXMLEventProcessor") ||
         fsm_is_text(&type->literal, "http://www.w3.org/TR/scxml/");
}

static fsm_code write_send(fsm__json_out *o, const fsm_def_action *a) {
  const char *to = "self";
  if (!is_scxml_type(a->type))
    return fsm__write_refuse(&o->w, a->where, "the \"type\" of <send> has no like in JSON");
  if (a->location)
    return fsm__write_refuse(&o->w, a->where, "the \"idlocation\" of <send> has no like in JSON");
  if (a->target && (a->target->form != FSM_DEF_LITERAL || a->target->literal.type != FSM_STRING))
    return fsm__write_refuse(&o->w, a->where, "a target that is not written out has no like in JSON");
  if (a->target) to = fsm_arena_strndup(&o->w.arena, a->target->literal.s, a->target->literal.len);
  if (!to) return fsm__write_no_memory(&o->w);
  if (strcmp(to, "#_internal") == 0 && a->event) return write_raise(o, a);
  if (strncmp(to, "#_scxml_", 8) == 0 || strcmp(to, "#_internal") == 0 ||
      (a->target && strncmp(to, "#_", 2) != 0))
    return fsm__write_refuse(&o->w, a->where, "the target \"%.128s\" has no like in JSON", to);
  begin(o, "@xstate.sendTo");
  fsm__json_text(o, "to", strncmp(to, "#_", 2) == 0 && strcmp(to, "#_parent") != 0 ? to + 2 : to);
  return finish_event(o, a);
}

static fsm_code write_emit(fsm__json_out *o, const fsm_def_action *a) {
  begin(o, "@xstate.emit");
  fsm_code code = add_event(o, a);
  fsm_buf_char(&o->buf, '}');
  return code;
}

static fsm_code write_cancel(fsm__json_out *o, const fsm_def_action *a) {
  begin(o, "@xstate.cancel");
  fsm__json_text(o, "id", a->id);
  fsm_code code = fsm__json_member(o, "id", a->id_expr);
  fsm_buf_char(&o->buf, '}');
  return code;
}

static fsm_code write_log(fsm__json_out *o, const fsm_def_action *a) {
  begin(o, "@xstate.log");
  fsm__json_text(o, "label", a->label && *a->label ? a->label : NULL);
  fsm__json_key(o, "value");
  fsm_code code = fsm__json_value(o, a->value);
  fsm_buf_char(&o->buf, '}');
  return code;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static fsm_code write_one(fsm__json_out *o, const fsm_def_action *a) {
  switch (a->kind) {
    case FSM_ACTION_ASSIGN: return write_assign(o, a);
    case FSM_ACTION_SET: return write_set(o, a);
    case FSM_ACTION_RAISE: return write_raise(o, a);
    case FSM_ACTION_SEND: return write_send(o, a);
    case FSM_ACTION_CANCEL: return write_cancel(o, a);
    case FSM_ACTION_LOG: return write_log(o, a);
    case FSM_ACTION_EMIT: return write_emit(o, a);
    case FSM_ACTION_IF:
    case FSM_ACTION_BRANCH: return fsm__write_refuse(&o->w, a->where, "<if> has no like in JSON");
    case FSM_ACTION_FOREACH: return fsm__write_refuse(&o->w, a->where, "<foreach> has no like in JSON");
    case FSM_ACTION_BLOCK:
      return fsm__write_refuse(&o->w, a->where,
                               "several <onentry> or <onexit> of one state have no like in JSON");
    case FSM_ACTION_FAIL: break;
  }
  return fsm__write_refuse(&o->w, a->where, "what cannot be run has no like in JSON");
}

fsm_code fsm__json_actions(fsm__json_out *o, const char *key, const fsm_def_action *actions, size_t count) {
  fsm_code code = FSM_OK;
  if (!count) return FSM_OK;
  fsm__json_key(o, key);
  fsm_buf_char(&o->buf, '[');
  for (size_t i = 0; i < count && !code; i++) {
    fsm__json_item(o);
    code = write_one(o, &actions[i]);
  }
  fsm_buf_char(&o->buf, ']');
  return code;
}

/* scxml_write_action.c: actions as executable content.
 *
 * An assignment of several fields reads the context before it, one element after the other does not: it is
 * taken apart only when no field is read behind where it is assigned. A field that is not declared comes
 * to be by a <script>, because <assign> does not make one.
 */
#include <string.h>

#include "schema/scxml_write.h"

/* ---- assignments ------------------------------------------------------------------------------- */

static bool is_declared(const fsm__scxml_out *o, const char *field) {
  const fsm_def_value *context = o->w.def->context;
  for (size_t i = 0; context && context->form == FSM_DEF_MAP && i < context->count; i++)
    if (strcmp(context->keys[i], field) == 0) return true;
  return context && context->form == FSM_DEF_LITERAL && fsm_doc_get(&context->literal, field) != NULL;
}

/* Does the expression have this name in it, other than behind a dot? Rather once too often. */
static bool reads(const char *expr, const char *field) {
  const char *end = expr + strlen(expr);
  bool after_dot = false;
  for (fsm__word word = fsm__word_next(expr, end); word.kind != FSM__WORD_END;
       word = fsm__word_next(word.text + word.len, end)) {
    if (word.kind == FSM__WORD_NAME && !after_dot && fsm__word_is(&word, field)) return true;
    after_dot = fsm__word_is(&word, ".");
  }
  return false;
}

static fsm_code write_field(fsm__scxml_out *o, const fsm_def_action *a, const char *field, const char *expr) {
  bool declared = is_declared(o, field) && fsm__write_translates(&o->w);
  if (!fsm__write_is_name(field))
    return fsm__write_refuse(&o->w, a->where, "\"%.64s\" is no name of a variable in SCXML", field);
  fsm__out_open(o, declared ? "assign" : "script");
  if (declared) {
    fsm__out_attribute(o, "location", field);
    fsm__out_attribute(o, "expr", expr);
  } else {
    fsm_buf_printf(o->buf, ">%s = ", field);
    fsm_xml_escape(o->buf, expr, strlen(expr), false);
    fsm_buf_str(o->buf, "</script>");
    o->in_tag = false;
    o->depth--;
    return FSM_OK;
  }
  fsm__out_close(o, "assign");
  return FSM_OK;
}

/* The fields of an assignment, however it is written. */
static fsm_code fields_of(fsm__scxml_out *o, const fsm_def_action *a, const char ***keys, const char ***exprs,
                          size_t *count) {
  const fsm_def_value *value = a->value;
  bool literal = value->form == FSM_DEF_LITERAL && value->literal.type == FSM_MAP;
  if (!literal && value->form != FSM_DEF_MAP)
    return fsm__write_refuse(&o->w, a->where,
                             "an assignment of fields that are not written out has no like in SCXML");
  *count = literal ? value->literal.len : value->count;
  *keys = fsm_arena_zalloc(&o->w.arena, *count + 1, sizeof **keys);
  *exprs = fsm_arena_zalloc(&o->w.arena, *count + 1, sizeof **exprs);
  if (!*keys || !*exprs) return fsm__write_no_memory(&o->w);
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < *count && !code; i++) {
    const fsm_pair *pair = literal ? &value->literal.pairs[i] : NULL;
    fsm_def_value item = {.form = FSM_DEF_LITERAL};
    if (pair) item.literal = pair->value;
    (*keys)[i] = pair ? fsm_arena_strndup(&o->w.arena, pair->key.s, pair->key.len) : value->keys[i];
    code = (*keys)[i] ? fsm__out_expr(o, pair ? &item : &value->items[i], &(*exprs)[i])
                      : fsm__write_no_memory(&o->w);
  }
  return code;
}

static fsm_code write_assign(fsm__scxml_out *o, const fsm_def_action *a) {
  const char **keys, **exprs;
  size_t count;
  fsm_code code = fields_of(o, a, &keys, &exprs, &count);
  for (size_t i = 0; i < count && !code; i++)
    for (size_t j = 0; j < i && !code; j++)
      if (reads(exprs[i], keys[j]))
        code = fsm__write_refuse(
            &o->w, a->where,
            "\"%.64s\" is computed from \"%.64s\" as it was before this assignment, and in SCXML "
            "one is assigned after the other",
            keys[i], keys[j]);
  for (size_t i = 0; i < count && !code; i++) code = write_field(o, a, keys[i], exprs[i]);
  return code;
}

static fsm_code write_set(fsm__scxml_out *o, const fsm_def_action *a) {
  fsm__out_open(o, "assign");
  fsm__out_attribute(o, "location", a->location);
  fsm_code code = fsm__out_either(o, a->value, NULL, "expr");
  fsm__out_close(o, "assign");
  return code;
}

/* ---- events ------------------------------------------------------------------------------------ */

static fsm_code write_send(fsm__scxml_out *o, const fsm_def_action *a) {
  const char *event = NULL;
  bool internal = a->kind == FSM_ACTION_RAISE && !a->delay;
  fsm_code code = a->event ? fsm__write_event(&o->w, a->event, a->where, &event) : FSM_OK;
  if (code) return code;
  fsm__out_open(o, "send");
  fsm__out_attribute(o, "event", event);
  code = fsm__out_either(o, a->event_expr, NULL, "eventexpr");
  if (internal) fsm__out_attribute(o, "target", "#_internal");
  if (!code) code = fsm__out_either(o, a->target, "target", "targetexpr");
  if (!code) code = fsm__out_either(o, a->type, "type", "typeexpr");
  fsm__out_attribute(o, "id", a->id);
  fsm__out_attribute(o, "idlocation", a->location);
  if (!code) code = fsm__out_delay(o, a->delay);
  if (!code) code = fsm__out_payload(o, a->value, false);
  fsm__out_close(o, "send");
  return code;
}

static fsm_code write_raise(fsm__scxml_out *o, const fsm_def_action *a) {
  const char *event;
  if (a->value || a->delay) return write_send(o, a);
  fsm_code code = fsm__write_event(&o->w, a->event, a->where, &event);
  if (code) return code;
  fsm__out_open(o, "raise");
  fsm__out_attribute(o, "event", event);
  fsm__out_close(o, "raise");
  return FSM_OK;
}

static fsm_code write_cancel(fsm__scxml_out *o, const fsm_def_action *a) {
  fsm__out_open(o, "cancel");
  fsm__out_attribute(o, "sendid", a->id);
  fsm_code code = fsm__out_either(o, a->id_expr, NULL, "sendidexpr");
  fsm__out_close(o, "cancel");
  return code;
}

static fsm_code write_emit(fsm__scxml_out *o, const fsm_def_action *a) {
  return fsm__write_refuse(&o->w, a->where, "SCXML has no like of the action \"@xstate.emit\"");
}

static fsm_code write_log(fsm__scxml_out *o, const fsm_def_action *a) {
  fsm__out_open(o, "log");
  fsm__out_attribute(o, "label", a->label);
  fsm_code code = fsm__out_either(o, a->value, NULL, "expr");
  fsm__out_close(o, "log");
  return code;
}

/* What cannot be read is what it was not, too: an expression that fails with the same words. */
static fsm_code write_fail(fsm__scxml_out *o, const fsm_def_action *a) {
  const char *text;
  fsm_code code = fsm__out_expr(o, a->value, &text);
  if (code) return code;
  const char *expr = fsm_arena_printf(&o->w.arena, "{}[%s]", text);
  fsm__out_open(o, "log");
  fsm__out_attribute(o, "expr", expr);
  fsm__out_close(o, "log");
  return expr ? FSM_OK : fsm__write_no_memory(&o->w);
}

/* ---- those with content of their own ----------------------------------------------------------- */

static fsm_code write_if(fsm__scxml_out *o, const fsm_def_action *a) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < a->action_count && !code; i++) {
    const fsm_def_action *branch = &a->actions[i];
    const char *element = i == 0 ? "if" : branch->guard ? "elseif" : "else", *guard = NULL;
    if (branch->guard) code = fsm__write_expr(&o->w, branch->guard, branch->where, &guard);
    fsm__out_open(o, element);
    fsm__out_attribute(o, "cond", guard);
    if (i) fsm__out_close(o, element);
    if (!code) code = fsm__out_actions(o, branch->actions, branch->action_count);
  }
  fsm__out_close(o, "if");
  return code;
}

static fsm_code write_foreach(fsm__scxml_out *o, const fsm_def_action *a) {
  fsm__out_open(o, "foreach");
  fsm_code code = fsm__out_either(o, a->value, NULL, "array");
  fsm__out_attribute(o, "item", a->location);
  fsm__out_attribute(o, "index", a->index);
  if (!code) code = fsm__out_actions(o, a->actions, a->action_count);
  fsm__out_close(o, "foreach");
  return code;
}

static fsm_code (*const writers[])(fsm__scxml_out *o, const fsm_def_action *a) = {
    [FSM_ACTION_ASSIGN] = write_assign, [FSM_ACTION_RAISE] = write_raise,
    [FSM_ACTION_CANCEL] = write_cancel, [FSM_ACTION_LOG] = write_log,
    [FSM_ACTION_EMIT] = write_emit,     [FSM_ACTION_SEND] = write_send,
    [FSM_ACTION_SET] = write_set,       [FSM_ACTION_IF] = write_if,
    [FSM_ACTION_BRANCH] = NULL,         [FSM_ACTION_FOREACH] = write_foreach,
    [FSM_ACTION_FAIL] = write_fail,     [FSM_ACTION_BLOCK] = NULL,
};

fsm_code fsm__out_actions(fsm__scxml_out *o, const fsm_def_action *actions, size_t count) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < count && !code; i++) {
    FSM_ASSERT((size_t)actions[i].kind < sizeof writers / sizeof *writers && writers[actions[i].kind]);
    code = writers[actions[i].kind](o, &actions[i]);
  }
  return code;
}

/* scxml_write.c: a tree as an SCXML document: its elements, values and the whole.
 *
 * What SCXML has no element for and a tree can hold (tags, descriptions, meta) is written as attributes of
 * our own namespace, which other processors leave alone and our loader reads back.
 */
#include "schema/scxml_write.h"

#include <string.h>

#include "schema/json.h"

/* ---- elements ---------------------------------------------------------------------------------- */

static void new_line(fsm__scxml_out *o) {
  if (o->in_tag) fsm_buf_char(o->buf, '>');
  o->in_tag = false;
  if (o->buf->len) fsm_buf_char(o->buf, '\n');
  for (unsigned i = 0; i < o->depth; i++) fsm_buf_str(o->buf, "  ");
}

void fsm__out_open(fsm__scxml_out *o, const char *element) {
  new_line(o);
  fsm_buf_printf(o->buf, "<%s", element);
  o->in_tag = true;
  o->depth++;
}

void fsm__out_attribute(fsm__scxml_out *o, const char *name, const char *value) {
  FSM_ASSERT(o->in_tag);
  if (!value) return;
  fsm_buf_printf(o->buf, " %s=\"", name);
  fsm_xml_escape(o->buf, value, strlen(value), true);
  fsm_buf_char(o->buf, '"');
}

void fsm__out_close(fsm__scxml_out *o, const char *element) {
  o->depth--;
  if (o->in_tag) {
    fsm_buf_str(o->buf, "/>");
    o->in_tag = false;
    return;
  }
  new_line(o);
  fsm_buf_printf(o->buf, "</%s>", element);
}

/* ---- values ------------------------------------------------------------------------------------ */

static fsm_code add_value(fsm__scxml_out *o, const fsm_def_value *value, fsm_buf *buf) {
  const char *expr;
  fsm_code code = FSM_OK;
  switch (value->form) {
    case FSM_DEF_LITERAL: fsm_json_write(buf, &value->literal); return FSM_OK;
    case FSM_DEF_EXPR:
      code = fsm__write_expr(&o->w, value->expr, value->where, &expr);
      if (!code) fsm_buf_str(buf, expr);
      return code;
    case FSM_DEF_MAP:
    case FSM_DEF_LIST: break;
  }
  fsm_buf_char(buf, value->form == FSM_DEF_MAP ? '{' : '[');
  for (size_t i = 0; i < value->count && !code; i++) {
    if (i) fsm_buf_str(buf, ", ");
    if (value->form == FSM_DEF_MAP) {
      fsm_json_quote(buf, value->keys[i], strlen(value->keys[i]));
      fsm_buf_str(buf, ": ");
    }
    code = add_value(o, &value->items[i], buf);
  }
  fsm_buf_char(buf, value->form == FSM_DEF_MAP ? '}' : ']');
  return code;
}

fsm_code fsm__out_expr(fsm__scxml_out *o, const fsm_def_value *value, const char **out) {
  fsm_buf buf = {0};
  fsm_code code = add_value(o, value, &buf);
  *out = !code && fsm_buf_ok(&buf) ? fsm_arena_strdup(&o->w.arena, fsm_buf_text(&buf)) : NULL;
  fsm_buf_free(&buf);
  return code ? code : *out ? FSM_OK : fsm__write_no_memory(&o->w);
}

fsm_code fsm__out_either(fsm__scxml_out *o, const fsm_def_value *value, const char *literal,
                         const char *expr) {
  const char *text;
  if (!value) return FSM_OK;
  if (literal && value->form == FSM_DEF_LITERAL && value->literal.type == FSM_STRING) {
    text = fsm_arena_strndup(&o->w.arena, value->literal.s, value->literal.len);
    if (!text) return fsm__write_no_memory(&o->w);
    fsm__out_attribute(o, literal, text);
    return FSM_OK;
  }
  fsm_code code = fsm__out_expr(o, value, &text);
  if (!code) fsm__out_attribute(o, expr, text);
  return code;
}

static fsm_code add_param(fsm__scxml_out *o, const char *name, const fsm_def_value *value) {
  fsm__out_open(o, "param");
  fsm__out_attribute(o, "name", name);
  fsm_code code = fsm__out_either(o, value, NULL, "expr");
  fsm__out_close(o, "param");
  return code;
}

fsm_code fsm__out_payload(fsm__scxml_out *o, const fsm_def_value *value, bool only_params) {
  if (!value) return FSM_OK;
  if (value->form == FSM_DEF_MAP && value->count) {
    fsm_code code = FSM_OK;
    for (size_t i = 0; i < value->count && !code; i++) code = add_param(o, value->keys[i], &value->items[i]);
    return code;
  }
  bool is_map = value->form == FSM_DEF_LITERAL && value->literal.type == FSM_MAP && value->literal.len;
  for (uint32_t i = 0; is_map && i < value->literal.len; i++) {
    const fsm_pair *pair = &value->literal.pairs[i];
    const char *name = fsm_arena_strndup(&o->w.arena, pair->key.s, pair->key.len);
    fsm_def_value item = {.form = FSM_DEF_LITERAL, .literal = pair->value};
    fsm_code code = name ? add_param(o, name, &item) : fsm__write_no_memory(&o->w);
    if (code) return code;
  }
  if (is_map) return FSM_OK;
  if (only_params)
    return fsm__write_refuse(&o->w, value->where,
                             "in SCXML the input of an invocation is made of named parameters");
  fsm__out_open(o, "content");
  fsm_code code = fsm__out_either(o, value, NULL, "expr");
  fsm__out_close(o, "content");
  return code;
}

fsm_code fsm__out_delay(fsm__scxml_out *o, const fsm_def_value *delay) {
  if (!delay || delay->form != FSM_DEF_LITERAL || delay->literal.type != FSM_INT || delay->literal.i < 0)
    return fsm__out_either(o, delay, NULL, "delayexpr");
  bool seconds = delay->literal.i % 1000 == 0;
  const char *text = fsm_arena_printf(&o->w.arena, seconds ? "%llds" : "%lldms",
                                      (long long)(seconds ? delay->literal.i / 1000 : delay->literal.i));
  if (!text) return fsm__write_no_memory(&o->w);
  fsm__out_attribute(o, "delay", text);
  return FSM_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static bool has_notes(const fsm__writer *w) {
  for (size_t i = 0; i < w->count; i++) {
    const fsm_def_state *s = w->states[i].state;
    if (s->tag_count || s->description || s->meta.type != FSM_NULL) return true;
    for (size_t j = 0; j < s->transition_count; j++)
      if (s->transitions[j].meta.type != FSM_NULL) return true;
    for (size_t j = 0; j < s->invoke_count; j++)
      if (s->invokes[j].meta.type != FSM_NULL) return true;
  }
  return false;
}

/* Does a descriptor take one event alone, which in SCXML none does? */
static bool names_exactly(const fsm__writer *w) {
  for (size_t i = 0; i < w->count; i++) {
    const fsm_def_state *s = w->states[i].state;
    for (size_t j = 0; j < s->transition_count; j++)
      for (size_t k = 0; k < s->transitions[j].event_count; k++) {
        const char *event = s->transitions[j].events[k];
        size_t len = strlen(event);
        if (len && event[len - 1] != '*') return true;
      }
  }
  return false;
}

static fsm_code check_root(fsm__scxml_out *o) {
  const fsm_def_state *root = o->w.def->root;
  const char *where = root->where;
  if (root->output)
    return fsm__write_refuse(&o->w, root->output->where, "in SCXML a machine has no output of its own");
  if (root->invoke_count)
    return fsm__write_refuse(&o->w, root->invokes->where, "in SCXML the root invokes nothing");
  if (root->after_count)
    return fsm__write_refuse(&o->w, root->afters->where, "in SCXML the root has no timers");
  if (root->exit_count)
    return fsm__write_refuse(&o->w, root->exit->where, "in SCXML the root has no exit actions");
  if (root->kind != FSM_COMPOUND)
    return fsm__write_refuse(&o->w, where, "in SCXML the root is no parallel state");
  if (root->entry_count && fsm__write_translates(&o->w))
    return fsm__write_refuse(&o->w, root->entry->where, "in SCXML the root has no entry actions");
  if (root->initial_action_count)
    return fsm__write_refuse(&o->w, root->initial_actions->where,
                             "in SCXML the root's initial transition has no actions");
  return FSM_OK;
}

fsm_code fsm__out_machine(fsm_buf *buf, const fsm_def *def, unsigned depth, fsm_error *err) {
  fsm__scxml_out o = {.buf = buf, .depth = depth, .in_tag = depth > 0};
  bool exact = false;
  fsm_code code = fsm__write_begin(&o.w, def, FSM_SCXML, err);
  if (!code) code = check_root(&o);
  if (!code) exact = names_exactly(&o.w);
  if (!code) {
    fsm__out_open(&o, "scxml");
    fsm__out_attribute(&o, "xmlns", FSM__SCXML_NS);
    if (exact || has_notes(&o.w)) fsm__out_attribute(&o, "xmlns:fsm", FSM__NOTES_NS);
    if (exact) fsm__out_attribute(&o, "fsm:events", "exact");
    fsm__out_attribute(&o, "version", "1.0");
    fsm__out_attribute(&o, "datamodel", "cel");
    if (def->late_binding) fsm__out_attribute(&o, "binding", "late");
    code = fsm__out_state(&o);
    if (!code) fsm__out_close(&o, "scxml");
  }
  fsm__write_end(&o.w);
  return code;
}

fsm_code fsm_scxml_write(const fsm_def *def, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(def && def->root && out);
  fsm_buf text = {0};
  fsm_buf_str(&text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  fsm_code code = fsm__out_machine(&text, def, 0, err);
  fsm_buf_char(&text, '\n');
  if (!code) fsm_buf_add(out, text.data, text.len);
  if (!code && (!fsm_buf_ok(&text) || !fsm_buf_ok(out)))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory to write SCXML");
  fsm_buf_free(&text);
  return code;
}

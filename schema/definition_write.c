/* definition_write.c: a tree as a definition in JSON, as our loader reads it: members in order, two spaces
 * of indent.
 *
 * The text is written without white space, constructs asking only for "a member called …", and indented at
 * the end. What SCXML has and XState's notation does not is refused with its place.
 */
#include <string.h>

#include "schema/definition_out.h"
#include "schema/json.h"

/* ---- members ----------------------------------------------------------------------------------- */

void fsm__json_key(fsm__json_out *o, const char *key) {
  char last = o->buf.len ? o->buf.data[o->buf.len - 1] : '{';
  if (last != '{' && last != '[' && last != ',') fsm_buf_char(&o->buf, ',');
  fsm_json_quote(&o->buf, key, strlen(key));
  fsm_buf_char(&o->buf, ':');
}

void fsm__json_item(fsm__json_out *o) {
  char last = o->buf.len ? o->buf.data[o->buf.len - 1] : '[';
  if (last != '[') fsm_buf_char(&o->buf, ',');
}

void fsm__json_text(fsm__json_out *o, const char *key, const char *text) {
  if (!text) return;
  fsm__json_key(o, key);
  fsm_json_quote(&o->buf, text, strlen(text));
}

/* ---- values ------------------------------------------------------------------------------------ */

fsm_code fsm__json_expr(fsm__json_out *o, const char *expr, const char *where) {
  const char *text;
  fsm_code code = fsm__write_expr(&o->w, expr, where, &text);
  if (code) return code;
  fsm_buf_str(&o->buf, "{\"@expr\":");
  fsm_json_quote(&o->buf, text, strlen(text));
  fsm_buf_char(&o->buf, '}');
  return FSM_OK;
}

/* Is there a map in the data that JSON would take for an expression? Values are FSM_VALUE_DEPTH_MAX deep. */
static bool has_expression(const fsm_value *value) {
  if (value->type == FSM_MAP && (fsm_doc_get(value, "@expr") || fsm_doc_get(value, "@code"))) return true;
  for (uint32_t i = 0; value->type == FSM_MAP && i < value->len; i++)
    if (has_expression(&value->pairs[i].value)) return true;
  for (uint32_t i = 0; value->type == FSM_LIST && i < value->len; i++)
    if (has_expression(&value->items[i])) return true;
  return false;
}

static fsm_code refuse_expression(fsm__json_out *o, const fsm_def_value *value) {
  return fsm__write_refuse(&o->w, value->where,
                           "data with a member \"@expr\" or \"@code\" would be code in JSON");
}

fsm_code fsm__json_value(fsm__json_out *o, const fsm_def_value *value) {
  fsm_code code = FSM_OK;
  if (!value) {
    fsm_buf_str(&o->buf, "null");
    return FSM_OK;
  }
  if (value->form == FSM_DEF_EXPR) return fsm__json_expr(o, value->expr, value->where);
  if (value->form == FSM_DEF_LITERAL) {
    if (has_expression(&value->literal)) return refuse_expression(o, value);
    fsm_json_write(&o->buf, &value->literal);
    return FSM_OK;
  }
  bool is_map = value->form == FSM_DEF_MAP;
  fsm_buf_char(&o->buf, is_map ? '{' : '[');
  for (size_t i = 0; i < value->count && !code; i++) {
    if (is_map && (strcmp(value->keys[i], "@expr") == 0 || strcmp(value->keys[i], "@code") == 0))
      return refuse_expression(o, value);
    if (is_map)
      fsm__json_key(o, value->keys[i]);
    else
      fsm__json_item(o);
    code = fsm__json_value(o, &value->items[i]);
  }
  fsm_buf_char(&o->buf, is_map ? '}' : ']');
  return code;
}

fsm_code fsm__json_member(fsm__json_out *o, const char *key, const fsm_def_value *value) {
  if (!value) return FSM_OK;
  fsm__json_key(o, key);
  return fsm__json_value(o, value);
}

void fsm__json_meta(fsm__json_out *o, const fsm_value *meta) {
  if (meta->type == FSM_NULL) return;
  fsm__json_key(o, "meta");
  fsm_json_write(&o->buf, meta);
}

/* ---- the root ---------------------------------------------------------------------------------- */

/* A context is made at once: nothing in it reads another part of it. */
static fsm_code write_data(fsm__json_out *o, const fsm_def_data *data) {
  const fsm_def_value *value = data->value;
  fsm__json_key(o, data->id);
  if (!value || value->form != FSM_DEF_EXPR) return fsm__json_value(o, value);
  const char *text;
  fsm_code code = fsm__write_expr(&o->w, value->expr, value->where, &text);
  if (code) return code;
  if (fsm__write_translates(&o->w) && strcmp(text, value->expr) != 0)
    return fsm__write_refuse(&o->w, value->where,
                             "\"%.64s\" is computed from other variables or the event, which JSON's "
                             "context cannot be",
                             data->id);
  return fsm__json_expr(o, value->expr, value->where);
}

static fsm_code write_context(fsm__json_out *o) {
  const fsm_def *def = o->w.def;
  fsm_code code = FSM_OK;
  size_t count = 0;
  if (def->context) return fsm__json_member(o, "context", def->context);
  for (size_t i = 0; i < o->w.count; i++) {
    count += o->w.states[i].state->data_count;
    if (i && def->late_binding && o->w.states[i].state->data_count)
      return fsm__write_refuse(&o->w, o->w.states[i].state->data->where, "late binding has no like in JSON");
  }
  if (!count) return FSM_OK;
  fsm__json_key(o, "context");
  fsm_buf_char(&o->buf, '{');
  for (size_t i = 0; i < o->w.count; i++)
    for (size_t j = 0; j < o->w.states[i].state->data_count && !code; j++)
      code = write_data(o, &o->w.states[i].state->data[j]);
  fsm_buf_char(&o->buf, '}');
  return code;
}

static fsm_code write_machine(fsm__json_out *o) {
  fsm_buf_char(&o->buf, '{');
  fsm__json_text(o, "id", o->w.def->root->name);
  fsm__json_text(o, "@exprLang", "cel");
  fsm_code code = write_context(o);
  if (!code) code = fsm__json_state(o);
  fsm_buf_char(&o->buf, '}');
  return code;
}

/* ---- indent ------------------------------------------------------------------------------------ */

static void new_line(fsm_buf *out, unsigned depth) {
  fsm_buf_char(out, '\n');
  for (unsigned i = 0; i < depth; i++) fsm_buf_str(out, "  ");
}

/* The end of the string that begins at `at`. */
static size_t string_end(const char *text, size_t at) {
  for (at++; text[at] != '"'; at++)
    if (text[at] == '\\') at++;
  return at + 1;
}

/* Of compact JSON; scalars and what is empty stay on their line. */
static void indent(const char *text, size_t len, fsm_buf *out) {
  unsigned depth = 0;
  for (size_t at = 0; at < len; at++) {
    char c = text[at];
    if (c == '"') {
      size_t end = string_end(text, at);
      fsm_buf_add(out, text + at, end - at);
      at = end - 1;
      continue;
    }
    bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
    bool empty = at && closes && (text[at - 1] == '{' || text[at - 1] == '[');
    if (closes) depth--;
    if (closes && !empty) new_line(out, depth);
    fsm_buf_char(out, c);
    if (c == ':') fsm_buf_char(out, ' ');
    if (opens) depth++;
    bool soon = opens && at + 1 < len && (text[at + 1] == '}' || text[at + 1] == ']');
    if (c == ',' || (opens && !soon)) new_line(out, depth);
  }
  fsm_buf_char(out, '\n');
}

fsm_code fsm_definition_write(const fsm_def *def, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(def && def->root && out);
  fsm__json_out o = {0};
  fsm_code code = fsm__write_begin(&o.w, def, FSM_XSTATE, err);
  if (!code) code = write_machine(&o);
  if (!code && fsm_buf_ok(&o.buf)) indent(o.buf.data, o.buf.len, out);
  if (!code && (!fsm_buf_ok(&o.buf) || !fsm_buf_ok(out))) code = fsm__write_no_memory(&o.w);
  fsm_buf_free(&o.buf);
  fsm__write_end(&o.w);
  return code;
}

/* definition_value.c: values with {"@expr": "…"} in them, guards and delays.
 *
 * Each expression is compiled here once, only to have its faults at its own JSON pointer.
 */
#include <string.h>

#include "schema/definition_load.h"

/* ---- expressions ------------------------------------------------------------------------------- */

/* Is it {"@expr": …} or its unsupported sister {"@code": …}? */
static bool is_expression(const fsm_value *value) {
  return value->type == FSM_MAP && (fsm_doc_get(value, "@expr") || fsm_doc_get(value, "@code"));
}

static fsm_code check_expression(fsm__loader *l, fsm__node text) {
  const fsm_expr *expr;
  fsm_error fault;
  fsm_code code = fsm_expr_compile(l->arena, text.value->s, text.value->len, &expr, &fault);
  if (!code) return FSM_OK;
  return fsm_fail(l->err, code, text.where, "%s: %s", fault.where, fault.text);
}

static fsm_code read_expression(fsm__loader *l, fsm__node node, const char **out) {
  static const char *const keys[] = {"@expr", "@lang", "!", "@code", NULL};
  fsm_code code = fsm__node_keys(l, node, keys);
  if (code) return code;
  fsm__node lang = fsm__node_get(l, node, "@lang"), text = fsm__node_get(l, node, "@expr");
  if (lang.value && !fsm_is_text(lang.value, "cel"))
    return fsm__unsupported(l, lang.where, "the expression language must be \"cel\"");
  if (!fsm__node_is(text, FSM_STRING)) return fsm__invalid(l, text.where, "\"@expr\" must be a text");
  *out = text.value->s;
  return check_expression(l, text);
}

/* ---- values ------------------------------------------------------------------------------------ */

static bool has_expression(const fsm_value *value) {
  if (is_expression(value)) return true;
  if (value->type == FSM_LIST)
    for (uint32_t i = 0; i < value->len; i++)
      if (has_expression(&value->items[i])) return true;
  if (value->type == FSM_MAP)
    for (uint32_t i = 0; i < value->len; i++)
      if (has_expression(&value->pairs[i].value)) return true;
  return false;
}

static fsm_code read_value(fsm__loader *l, fsm__node node, fsm_def_value *out);

static fsm_code read_items(fsm__loader *l, fsm__node node, fsm_def_value *out) {
  uint32_t count = node.value->len;
  bool is_map = node.value->type == FSM_MAP;
  fsm_def_value *items = fsm_arena_zalloc(l->arena, count, sizeof *items);
  const char **keys = fsm_arena_zalloc(l->arena, count, sizeof *keys);
  if (!items || !keys) return fsm__out_of_memory(l);
  out->form = is_map ? FSM_DEF_MAP : FSM_DEF_LIST;
  out->count = count;
  out->items = items;
  out->keys = is_map ? keys : NULL;
  for (uint32_t i = 0; i < count; i++) {
    fsm__node item = is_map ? fsm__node_member(l, node, i) : fsm__node_item(l, node, i);
    if (is_map) keys[i] = fsm__node_name(node, i);
    fsm_code code = read_value(l, item, &items[i]);
    if (code) return code;
  }
  return FSM_OK;
}

static fsm_code read_value(fsm__loader *l, fsm__node node, fsm_def_value *out) {
  out->where = node.where;
  if (is_expression(node.value)) {
    out->form = FSM_DEF_EXPR;
    return read_expression(l, node, &out->expr);
  }
  if (has_expression(node.value)) return read_items(l, node, out);
  out->form = FSM_DEF_LITERAL;
  fsm_error fault;
  fsm_code code = fsm_value_copy(l->arena, node.value, &out->literal, &fault);
  return code ? fsm_fail(l->err, code, node.where, "%s", fault.text) : FSM_OK;
}

fsm_code fsm__read_def_value(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  *out = NULL;
  if (!node.value) return FSM_OK;
  fsm_def_value *value = fsm_arena_zalloc(l->arena, 1, sizeof *value);
  if (!value) return fsm__out_of_memory(l);
  *out = value;
  return read_value(l, node, value);
}

/* ---- guards ------------------------------------------------------------------------------------ */

static fsm_code missing(fsm__loader *l, const char *where, const char *kind, const char *name,
                        fsm__node known) {
  fsm__closest closest = {.name = name};
  for (uint32_t i = 0; known.value && i < known.value->len; i++)
    fsm__closest_try(&closest, fsm__node_name(known, i));
  char hint[96];
  return fsm__invalid(l, where, "there is no %s \"%.64s\" among the machine's %ss%s", kind, name, kind,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

/* {"@expr": …} or, as XState v6 writes it, {"when": {"@expr": …}}. */
static fsm_code read_named_guard(fsm__loader *l, fsm__node guard, const char **expr) {
  static const char *const keys[] = {"when", NULL};
  if (is_expression(guard.value)) return read_expression(l, guard, expr);
  fsm_code code = fsm__node_keys(l, guard, keys);
  if (code) return code;
  fsm__node when = fsm__node_get(l, guard, "when");
  if (!when.value || !is_expression(when.value))
    return fsm__invalid(l, when.where, "a guard must be {\"@expr\": …} or {\"when\": {\"@expr\": …}}");
  return read_expression(l, when, expr);
}

fsm_code fsm__read_guard(fsm__loader *l, fsm__node node, const char **expr, const char **name) {
  static const char *const keys[] = {"type", "!", "params", NULL};
  *expr = *name = NULL;
  if (!node.value) return FSM_OK;
  if (is_expression(node.value)) return read_expression(l, node, expr);
  if (node.value->type == FSM_STRING) {
    *name = node.value->s;
  } else if (node.value->type == FSM_MAP) {
    fsm_code code = fsm__node_keys(l, node, keys);
    if (!code) code = fsm__node_text(l, node, "type", name);
    if (code) return code;
  }
  if (!*name) return fsm__invalid(l, node.where, "a guard must be {\"@expr\": …} or the name of one");
  fsm__node guard = fsm__node_get(l, l->guards, *name);
  if (!guard.value) return missing(l, node.where, "guard", *name, l->guards);
  return read_named_guard(l, guard, expr);
}

/* ---- delays ------------------------------------------------------------------------------------ */

static fsm_code delay_of(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  bool number = fsm__node_is(node, FSM_INT) || fsm__node_is(node, FSM_DOUBLE);
  if (number || is_expression(node.value)) return fsm__read_def_value(l, node, out);
  return fsm__invalid(l, node.where, "a delay must be a number of milliseconds or {\"@expr\": …}");
}

/* A number, {"@expr": …} or, as XState v6 writes it, {"duration": …}. */
static fsm_code read_named_delay(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  static const char *const keys[] = {"duration", NULL};
  if (node.value->type != FSM_MAP || is_expression(node.value)) return delay_of(l, node, out);
  fsm_code code = fsm__node_keys(l, node, keys);
  if (code) return code;
  fsm__node duration = fsm__node_get(l, node, "duration");
  if (!duration.value) return fsm__invalid(l, node.where, "\"duration\" is missing");
  return delay_of(l, duration, out);
}

static fsm_code delay_named(fsm__loader *l, const char *name, const char *where, const fsm_def_value **out) {
  fsm__node delay = fsm__node_get(l, l->delays, name);
  return delay.value ? read_named_delay(l, delay, out) : missing(l, where, "delay", name, l->delays);
}

fsm_code fsm__read_delay(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  *out = NULL;
  if (!node.value) return FSM_OK;
  if (node.value->type == FSM_STRING) return delay_named(l, node.value->s, node.where, out);
  return delay_of(l, node, out);
}

fsm_code fsm__read_delay_name(fsm__loader *l, const char *name, const char *where,
                              const fsm_def_value **out) {
  size_t digits = strspn(name, "0123456789");
  if (digits == 0 || name[digits]) return delay_named(l, name, where, out);
  if (digits > 15) return fsm__invalid(l, where, "the delay is too long");
  int64_t ms = 0;
  for (size_t i = 0; i < digits; i++) ms = 10 * ms + (name[i] - '0');
  fsm_def_value *value = fsm_arena_zalloc(l->arena, 1, sizeof *value);
  if (!value) return fsm__out_of_memory(l);
  *value = (fsm_def_value){.form = FSM_DEF_LITERAL, .literal = fsm_int(ms), .where = where};
  *out = value;
  return FSM_OK;
}

/* definition_value.c: values with {"@expr": "…"} in them. Parts without one become one literal. */
#include <string.h>

#include "schema/definition_load.h"

static bool has_expression(const fsm_value *value) {
  if (fsm__is_expression(value)) return true;
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
  if (fsm__is_expression(node.value)) {
    out->form = FSM_DEF_EXPR;
    return fsm__read_expression(l, node, &out->expr);
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

static fsm_code made(fsm__loader *l, fsm_def_value value, const fsm_def_value **out) {
  fsm_def_value *copy = fsm_arena_zalloc(l->arena, 1, sizeof *copy);
  if (!copy) return fsm__out_of_memory(l);
  *copy = value;
  *out = copy;
  return FSM_OK;
}

fsm_code fsm__literal_value(fsm__loader *l, fsm_value literal, const char *where, const fsm_def_value **out) {
  return made(l, (fsm_def_value){.form = FSM_DEF_LITERAL, .literal = literal, .where = where}, out);
}

fsm_code fsm__expr_value(fsm__loader *l, const char *expr, const char *where, const fsm_def_value **out) {
  return made(l, (fsm_def_value){.form = FSM_DEF_EXPR, .expr = expr, .where = where}, out);
}

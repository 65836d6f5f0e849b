/* definition_allow.c: meta.fsm.allow: an expression, as a text or as {"@expr": …}, or a list of them, of
 * which one is enough. In SCXML they stand in the JSON of the attribute `meta` and name things as JSON does.
 */
#include "schema/definition_load.h"

static fsm_code read_one(fsm__loader *l, fsm__node node, const char **text, const char **where) {
  *where = node.where;
  if (fsm__is_expression(node.value)) {
    *where = fsm__node_get(l, node, "@expr").where;
    return fsm__read_expression(l, node, text);
  }
  if (!fsm__node_is(node, FSM_STRING) || !node.value->len)
    return fsm__invalid(l, node.where, "an expression is expected: \"actor.sub == context.owner\"");
  *text = node.value->s;
  return fsm__check_expression(l, *text, node.where);
}

static fsm_code check_count(fsm__loader *l, fsm__node node, uint32_t count) {
  if (count == 0)
    return fsm__invalid(l, node.where, "an empty list would let nobody do it: name who may, or leave it out");
  if (count <= FSM_ALLOW_MAX) return FSM_OK;
  return fsm_fail(l->err, FSM_ETOOLARGE, node.where, "an allow has more than %d expressions", FSM_ALLOW_MAX);
}

fsm_code fsm__read_allow(fsm__loader *l, fsm__node node, fsm_def_allow *out) {
  if (!node.value) return FSM_OK;
  const uint32_t count = fsm__node_count(node);
  fsm_code code = check_count(l, node, count);
  if (code) return code;
  const char **texts = fsm_arena_zalloc(l->arena, count, sizeof *texts);
  const char **wheres = fsm_arena_zalloc(l->arena, count, sizeof *wheres);
  if (!texts || !wheres) return fsm__out_of_memory(l);
  const bool guard = l->options.guard;
  l->options.guard = true;
  for (uint32_t i = 0; i < count && !code; i++)
    code = read_one(l, fsm__node_each(l, node, i), &texts[i], &wheres[i]);
  l->options.guard = guard;
  *out = (fsm_def_allow){.texts = texts, .wheres = wheres, .count = count, .where = node.where};
  return code;
}

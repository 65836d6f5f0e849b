/* definition_root.c: a document into the tree: the root's id and named things, its schemas, states and
 * context.
 */
#include <string.h>

#include "schema/definition_load.h"

enum { SCRATCH_BYTES_MAX = 8 * 1024 * 1024 };

static bool is_machine_id(const char *id) {
  size_t len = strlen(id);
  return len <= FSM_MACHINE_ID_MAX &&
         strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static fsm_code read_id(fsm__loader *l, fsm__node root) {
  if (!fsm__node_is(root, FSM_MAP)) return fsm__invalid(l, "", "a definition is a JSON object");
  fsm_code code = fsm__node_text(l, root, "id", &l->machine);
  if (code) return code;
  if (!l->machine) return fsm__invalid(l, "", "\"id\" is missing: what is the machine called?");
  if (!is_machine_id(l->machine))
    return fsm__invalid(l, "/id", "a machine's id has 1 to %d of A-Z a-z 0-9 _ -", FSM_MACHINE_ID_MAX);
  return FSM_OK;
}

/* ---- named things ------------------------------------------------------------------------------ */

static fsm_code check_prefix(fsm__loader *l, fsm__node named, uint32_t index) {
  const char *name = fsm__node_name(named, index);
  if (*name && strncmp(name, "@xstate.", 8) != 0) return FSM_OK;
  return fsm__invalid(
      l, fsm__node_member(l, named, index).where,
      *name ? "names that begin with \"@xstate.\" are the built-in ones'" : "a name is empty");
}

/* What is defined by name is checked whether or not it is used. */
static fsm_code check_each(fsm__loader *l, const fsm__named *named,
                           fsm_code (*check)(fsm__loader *l, fsm__node member, const char *name)) {
  fsm_code code = FSM_OK;
  l->checking = true;
  for (uint32_t i = 0; named->node.value && i < named->node.value->len && !code; i++) {
    code = check_prefix(l, named->node, i);
    if (!code) code = check(l, fsm__node_member(l, named->node, i), fsm__node_name(named->node, i));
  }
  l->checking = false;
  return code;
}

static fsm_code check_delay(fsm__loader *l, fsm__node delay, const char *name) {
  (void)name;
  const fsm_def_value *value;
  return fsm__read_named_delay(l, delay, &value);
}

static fsm_code check_action(fsm__loader *l, fsm__node action, const char *name) {
  (void)name;
  return fsm__read_actions(l, action, &(fsm__actions){0});
}

static fsm_code read_named(fsm__loader *l, fsm__node root) {
  fsm_code code = fsm__named_read(l, root, "guards", &l->guards);
  if (!code) code = fsm__named_read(l, root, "actions", &l->actions);
  if (!code) code = fsm__named_read(l, root, "delays", &l->delays);
  if (!code) code = check_each(l, &l->guards, fsm__check_named_guard);
  if (!code) code = check_each(l, &l->delays, check_delay);
  return code ? code : check_each(l, &l->actions, check_action);
}

/* ---- the rest of the root ---------------------------------------------------------------------- */

static fsm_code read_head(fsm__loader *l, fsm__node root) {
  const char *version, *schema;
  fsm__node lang = fsm__node_get(l, root, "@exprLang"), types = fsm__node_get(l, root, "types");
  fsm_code code = fsm__node_text(l, root, "version", &version);
  if (!code) code = fsm__node_text(l, root, "$schema", &schema);
  if (!code && lang.value && !fsm_is_text(lang.value, "cel"))
    code = fsm__unsupported(l, lang.where, "the expression language must be \"cel\"");
  if (!code && types.value && types.value->type != FSM_MAP) /* of TypeScript: nothing at run time */
    code = fsm__invalid(l, types.where, "\"types\" must be an object");
  return code;
}

/* It is made before there is a context; the event is the start, whose data is the input. */
static fsm_code read_context(fsm__loader *l, fsm__node root, const fsm_def_value **out) {
  fsm__node context = fsm__node_get(l, root, "context");
  if (context.value && (context.value->type != FSM_MAP || fsm__is_expression(context.value)))
    return fsm__invalid(l, context.where, "\"context\" must be an object of fields");
  fsm_expr_options options = l->options;
  l->options.event = fsm__input_shape(l);
  l->options.context = NULL;
  fsm_code code = fsm__read_def_value(l, context, out);
  l->options = options;
  return code;
}

static fsm_code read_all(fsm__loader *l, fsm__node root, fsm_def *out) {
  fsm_code code = read_id(l, root);
  if (!code) code = fsm__use_zones(l);
  if (!code) code = fsm__index_states(l, root);
  if (!code) code = read_head(l, root);
  if (!code) code = fsm__read_schemas(l, root);
  if (!code) code = read_named(l, root);
  if (!code) code = fsm__read_states(l, &out->root);
  return code ? code : read_context(l, root, &out->context);
}

fsm_code fsm__read_definition(fsm__loader *l, fsm__node root, fsm_def *out) {
  *out = (fsm_def){.dialect = FSM_XSTATE};
  fsm_arena_init(&l->scratch, SCRATCH_BYTES_MAX);
  fsm_code code = read_all(l, root, out);
  fsm_arena_free(&l->scratch);
  out->shape = l->options.context;
  out->zones = l->options.zones;
  out->zones_arg = l->options.zones_arg;
  return code || !l->no_memory ? code : fsm__out_of_memory(l);
}

/* definition.c: a definition as a whole: text → document → tree → machine, its canonical bytes, and its
 * schemas.
 *
 * The document is kept, in the order it was written, for its schemas are shown in that order; the tree is
 * dropped once the machine is compiled.
 */
#include "schema/definition.h"

#include <stdlib.h>
#include <string.h>

#include "schema/definition_load.h"
#include "schema/json.h"
#include "schema/pack_read.h"
#include "schema/payload.h"
#include "schema/pointer.h"

enum { TREE_BYTES_MAX = 64 * 1024 * 1024 };

struct fsm_definition {
  fsm_arena arena; /* the document */
  fsm_value document;
  fsm_machine *machine;
  fsm_buf canonical;
  const fsm_value *context, *events, *input; /* schemas; NULL = none */
  fsm_task_policy *policies;                 /* by number of the invoke */
};

/* ---- the root ---------------------------------------------------------------------------------- */

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

static fsm_code read_named(fsm__loader *l, fsm__node root, const char *key, fsm__node *out) {
  *out = fsm__node_get(l, root, key);
  if (out->value && out->value->type != FSM_MAP)
    return fsm__invalid(l, out->where, "\"%s\" must be an object of named ones", key);
  return FSM_OK;
}

/* What is defined by name is checked whether or not it is used. */
static fsm_code check_named(fsm__loader *l) {
  fsm_code code = FSM_OK;
  const char *expr, *name;
  const fsm_def_value *delay;
  for (uint32_t i = 0; l->guards.value && i < l->guards.value->len && !code; i++)
    code = fsm__read_guard(
        l, (fsm__node){&l->guards.value->pairs[i].key, fsm__node_member(l, l->guards, i).where}, &expr,
        &name);
  for (uint32_t i = 0; l->delays.value && i < l->delays.value->len && !code; i++)
    code = fsm__read_delay(
        l, (fsm__node){&l->delays.value->pairs[i].key, fsm__node_member(l, l->delays, i).where}, &delay);
  for (uint32_t i = 0; l->actions.value && i < l->actions.value->len && !code; i++)
    code = fsm__read_actions(l, fsm__node_member(l, l->actions, i), &(fsm__actions){0});
  return code;
}

static fsm_code read_root(fsm__loader *l, fsm__node root) {
  const char *version, *schema;
  fsm__node lang = fsm__node_get(l, root, "@exprLang");
  fsm_code code = fsm__node_text(l, root, "version", &version);
  if (!code) code = fsm__node_text(l, root, "$schema", &schema);
  if (!code && lang.value && !fsm_is_text(lang.value, "cel"))
    code = fsm__unsupported(l, lang.where, "the expression language must be \"cel\"");
  if (!code) code = read_named(l, root, "guards", &l->guards);
  if (!code) code = read_named(l, root, "actions", &l->actions);
  if (!code) code = read_named(l, root, "delays", &l->delays);
  return code ? code : check_named(l);
}

/* ---- schemas ----------------------------------------------------------------------------------- */

static fsm_code read_schema(fsm__loader *l, fsm__node node, const fsm_value **out) {
  *out = node.value;
  return node.value ? fsm_payload_schema_check(node.value, node.where, l->err) : FSM_OK;
}

static fsm_code read_event_schemas(fsm__loader *l, fsm__node events, const fsm_value **out) {
  *out = events.value;
  if (!events.value) return FSM_OK;
  if (!fsm__node_is(events, FSM_MAP)) return fsm__invalid(l, events.where, "\"events\" must be an object");
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < events.value->len && !code; i++) {
    const fsm_value *schema;
    code = read_schema(l, fsm__node_member(l, events, i), &schema);
  }
  return code;
}

static fsm_code read_schemas(fsm__loader *l, fsm__node root, fsm_definition *d) {
  static const char *const keys[] = {"context", "events", "input", NULL};
  fsm__node schemas = fsm__node_get(l, root, "schemas");
  if (!schemas.value) return FSM_OK;
  fsm_code code = fsm__node_keys(l, schemas, keys);
  if (!code) code = read_schema(l, fsm__node_get(l, schemas, "context"), &d->context);
  if (!code) code = read_schema(l, fsm__node_get(l, schemas, "input"), &d->input);
  if (!code) code = read_event_schemas(l, fsm__node_get(l, schemas, "events"), &d->events);
  return code;
}

/* A schema for an event that nothing takes is a misspelt name. */
static fsm_code check_event_names(fsm__loader *l, const fsm_definition *d) {
  for (uint32_t i = 0; d->events && i < d->events->len; i++) {
    const char *name = d->events->pairs[i].key.s;
    if (fsm_machine_knows_event(d->machine, name)) continue;
    fsm__node events = {d->events, "/schemas/events"};
    return fsm__invalid(l, fsm__node_member(l, events, i).where,
                        "no transition of the machine takes the event \"%.64s\"", name);
  }
  return FSM_OK;
}

static fsm_code check_context(fsm__loader *l, const fsm_definition *d, const fsm_def_value *context) {
  if (!d->context || !context || context->form != FSM_DEF_LITERAL) return FSM_OK;
  fsm_error fault = {0};
  if (!fsm_payload_check(d->context, &context->literal, &fault)) return FSM_OK;
  fsm__pointer where;
  fsm__pointer_set(&where, context->where);
  const char *full = fsm_arena_printf(l->arena, "%s%s", where.text, fault.where);
  return full ? fsm__invalid(l, full, "%s", fault.text) : fsm__out_of_memory(l);
}

/* ---- loading ----------------------------------------------------------------------------------- */

static fsm_code read_context(fsm__loader *l, fsm__node root, const fsm_def_value **out) {
  fsm__node context = fsm__node_get(l, root, "context");
  if (context.value && (context.value->type != FSM_MAP || fsm_doc_get(context.value, "@expr")))
    return fsm__invalid(l, context.where, "\"context\" must be an object of fields");
  return fsm__read_def_value(l, context, out);
}

static fsm_code build(fsm__loader *l, fsm__node root, fsm_definition *d) {
  fsm_def def = {0};
  fsm_code code = read_id(l, root);
  if (!code) code = fsm__index_states(l, root);
  if (!code) code = read_root(l, root);
  if (!code) code = fsm__read_states(l, &def.root);
  if (!code) code = read_context(l, root, &def.context);
  if (!code) code = read_schemas(l, root, d);
  if (!code && l->no_memory) code = fsm__out_of_memory(l);
  if (!code) code = fsm_machine_compile(&def, &d->machine, l->err);
  if (!code) code = check_event_names(l, d);
  return code ? code : check_context(l, d, def.context);
}

static fsm_code keep_policies(fsm_definition *d, fsm_error *err) {
  unsigned count = fsm_machine_invokes(d->machine);
  d->policies = fsm_arena_zalloc(&d->arena, count + 1u, sizeof *d->policies);
  if (!d->policies) return fsm_fail(err, FSM_ENOMEM, "", "no memory to load the definition");
  for (unsigned i = 0; i < count; i++) fsm__task_policy_of(fsm_invoke_meta(d->machine, i), &d->policies[i]);
  return FSM_OK;
}

static fsm_code load(fsm_definition *d, const char *text, size_t len, fsm_error *err) {
  if (len > FSM_DEFINITION_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "a definition of %zu bytes is over the limit of %d", len,
                    FSM_DEFINITION_BYTES_MAX);
  fsm_code code = fsm_json_parse(&d->arena, text, len, FSM_JSON_AS_WRITTEN, &d->document, err);
  if (code) return code;
  fsm_arena tree;
  fsm_arena_init(&tree, TREE_BYTES_MAX);
  fsm__loader l = {.arena = &tree, .err = err};
  code = build(&l, (fsm__node){&d->document, ""}, d);
  fsm_arena_free(&tree);
  if (!code) code = fsm__pack_document(&d->canonical, &d->document, err);
  return code ? code : keep_policies(d, err);
}

fsm_code fsm_definition_load(const char *text, size_t len, fsm_definition **out, fsm_error *err) {
  FSM_ASSERT(out && (text || !len));
  fsm_definition *d = calloc(1, sizeof *d);
  if (!d) return fsm_fail(err, FSM_ENOMEM, "", "no memory to load the definition");
  fsm_arena_init(&d->arena, TREE_BYTES_MAX);
  fsm_code code = load(d, text, len, err);
  if (code)
    fsm_definition_free(d);
  else
    *out = d;
  return code;
}

void fsm_definition_free(fsm_definition *definition) {
  if (!definition) return;
  if (definition->machine) fsm_machine_free(definition->machine);
  fsm_buf_free(&definition->canonical);
  fsm_arena_free(&definition->arena);
  free(definition);
}

/* ---- reading it -------------------------------------------------------------------------------- */

const fsm_machine *fsm_definition_machine(const fsm_definition *definition) { return definition->machine; }

const void *fsm_definition_canonical(const fsm_definition *definition, size_t *len) {
  *len = definition->canonical.len;
  return definition->canonical.data;
}

const char *fsm_definition_description(const fsm_definition *definition) {
  const fsm_value *text = fsm_doc_get(&definition->document, "description");
  return text ? text->s : NULL;
}

const fsm_value *fsm_definition_event_schema(const fsm_definition *definition, const char *event) {
  return definition->events ? fsm_doc_get(definition->events, event) : NULL;
}

/* Nothing sent is the empty object. */
static fsm_code check(const fsm_value *schema, const fsm_value *data, fsm_error *err) {
  static const fsm_value empty = {.type = FSM_MAP};
  if (!schema) return FSM_OK;
  return fsm_payload_check(schema, !data || data->type == FSM_NULL ? &empty : data, err);
}

fsm_code fsm_definition_check_event(const fsm_definition *definition, const char *event,
                                    const fsm_value *data, fsm_error *err) {
  FSM_ASSERT(definition && event);
  return check(fsm_definition_event_schema(definition, event), data, err);
}

fsm_code fsm_definition_check_input(const fsm_definition *definition, const fsm_value *input,
                                    fsm_error *err) {
  FSM_ASSERT(definition);
  return check(definition->input, input, err);
}

fsm_code fsm_definition_check_context(const fsm_definition *definition, const fsm_value *context,
                                      fsm_error *err) {
  FSM_ASSERT(definition && context);
  return check(definition->context, context, err);
}

void fsm_definition_task_policy(const fsm_definition *definition, unsigned invoke, fsm_task_policy *out) {
  FSM_ASSERT(definition && out && invoke < fsm_machine_invokes(definition->machine));
  *out = definition->policies[invoke];
}

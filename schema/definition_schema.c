/* definition_schema.c: `schemas`: checked as schemas, and made into shapes for the expression checker.
 *
 * An expression sees an event as {name, type, data} and the members of its data besides. Nothing sent
 * counts as an empty object for the check of a payload, but is null for an expression.
 */
#include <string.h>

#include "schema/definition_load.h"
#include "schema/payload.h"
#include "schema/shape.h"

static fsm_code read_schema(fsm__loader *l, fsm__node node, const fsm_value **out) {
  *out = node.value;
  return node.value ? fsm_payload_schema_check(node.value, node.where, l->err) : FSM_OK;
}

static fsm_code read_events(fsm__loader *l, fsm__node schemas) {
  fsm__node events = fsm__node_get(l, schemas, "events");
  if (events.value && events.value->type != FSM_MAP)
    return fsm__invalid(l, events.where, "\"events\" must be an object");
  l->schemas.events = events.value;
  fsm_code code = fsm__named_read(l, schemas, "events", &l->events);
  for (uint32_t i = 0; events.value && i < events.value->len && !code; i++) {
    const fsm_value *schema;
    code = read_schema(l, fsm__node_member(l, events, i), &schema);
  }
  if (code || !events.value) return code;
  l->event_shapes = fsm_arena_zalloc(l->arena, events.value->len + 1u, sizeof(void *));
  l->event_taken = fsm_arena_zalloc(l->arena, events.value->len + 1u, sizeof *l->event_taken);
  return l->event_shapes && l->event_taken ? FSM_OK : fsm__out_of_memory(l);
}

static fsm_code read_shape(fsm__loader *l, const fsm_value *schema, const fsm_shape **out) {
  if (!schema) return FSM_OK;
  return fsm__shape_of_schema(l->arena, schema, out) ? fsm__out_of_memory(l) : FSM_OK;
}

fsm_code fsm__read_schemas(fsm__loader *l, fsm__node root) {
  static const char *const keys[] = {"context",
                                     "events",
                                     "input",
                                     "actor",
                                     "!",
                                     "output: it is not checked",
                                     "emitted: it is not checked",
                                     "actions",
                                     "guards",
                                     "delays",
                                     "actors: services check their own input",
                                     "children",
                                     "tags",
                                     "meta",
                                     NULL};
  fsm__node schemas = fsm__node_get(l, root, "schemas");
  if (!schemas.value) return FSM_OK;
  fsm_code code = fsm__node_keys(l, schemas, keys);
  if (!code) code = read_schema(l, fsm__node_get(l, schemas, "context"), &l->schemas.context);
  if (!code) code = read_schema(l, fsm__node_get(l, schemas, "input"), &l->schemas.input);
  if (!code) code = read_schema(l, fsm__node_get(l, schemas, "actor"), &l->schemas.actor);
  if (!code) code = read_events(l, schemas);
  if (!code) code = read_shape(l, l->schemas.context, &l->options.context);
  return code ? code : read_shape(l, l->schemas.actor, &l->options.actor);
}

/* ---- events as expressions see them ------------------------------------------------------------ */

static const fsm_shape text_shape = {.kind = FSM_SHAPE_STRING};

static bool is_own(const char *name) {
  return strcmp(name, "name") == 0 || strcmp(name, "type") == 0 || strcmp(name, "data") == 0;
}

static bool needs_any(const fsm_shape *object) {
  for (size_t i = 0; i < object->count; i++)
    if (object->required[i]) return true;
  return false;
}

/* {name, type, data, …members of data}; NULL without memory. */
static const fsm_shape *event_with(fsm__loader *l, const fsm_shape *data) {
  bool object = data && data->kind == FSM_SHAPE_OBJECT;
  size_t most = 3 + (object ? data->count : 0), count = 3;
  fsm_shape *out = fsm_arena_zalloc(l->arena, 1, sizeof *out),
            *body = fsm_arena_zalloc(l->arena, 1, sizeof *body);
  const char **names = fsm_arena_zalloc(l->arena, most, sizeof *names);
  const fsm_shape **members = fsm_arena_zalloc(l->arena, most, sizeof *members);
  bool *required = fsm_arena_zalloc(l->arena, most, sizeof *required);
  if (!out || !body || !names || !members || !required) {
    l->no_memory = true;
    return NULL;
  }
  if (data) *body = *data;
  if (object && !needs_any(data)) body->nullable = true;
  names[0] = "name", names[1] = "type", names[2] = "data";
  members[0] = members[1] = &text_shape, members[2] = data ? body : NULL;
  required[0] = required[1] = required[2] = true;
  for (size_t i = 0; object && i < data->count; i++) {
    if (is_own(data->names[i])) continue;
    names[count] = data->names[i];
    members[count] = data->members[i];
    required[count++] = data->required[i];
  }
  *out = (fsm_shape){.kind = FSM_SHAPE_OBJECT,
                     .open = !object || data->open,
                     .count = count,
                     .names = names,
                     .members = members,
                     .required = required};
  return out;
}

static const fsm_shape *shape_with(fsm__loader *l, const fsm_value *schema) {
  const fsm_shape *data = NULL;
  if (fsm__shape_of_schema(l->arena, schema, &data)) {
    l->no_memory = true;
    return NULL;
  }
  return event_with(l, data);
}

const fsm_shape *fsm__event_shape(fsm__loader *l, const char *event) {
  long found = fsm__named_find(&l->events, event);
  if (found < 0) return NULL;
  l->event_taken[found] = true;
  const fsm_shape **slot = &l->event_shapes[found];
  if (!*slot) *slot = shape_with(l, &l->schemas.events->pairs[found].value);
  return *slot;
}

const fsm_shape *fsm__input_shape(fsm__loader *l) {
  return l->schemas.input ? shape_with(l, l->schemas.input) : NULL;
}

/* shape.c: from a schema to the shape of the values it allows.
 *
 * An "integer" may be a double without a fraction (payload.c), which reads as a number everywhere an
 * int does but for the remainder; it is an int here, because that is what the author wrote.
 */
#include "schema/shape.h"

#include <string.h>

/* ---- the kind ---------------------------------------------------------------------------------- */

typedef struct kinds {
  unsigned set; /* of 1u << kind, null left out */
  bool nullable;
} kinds;

static void add_name(kinds *k, const fsm_value *name) {
  static const struct {
    const char *name;
    unsigned kind;
  } rows[] = {{"boolean", FSM_SHAPE_BOOL},  {"integer", FSM_SHAPE_INT}, {"number", FSM_SHAPE_NUMBER},
              {"string", FSM_SHAPE_STRING}, {"array", FSM_SHAPE_LIST},  {"object", FSM_SHAPE_OBJECT}};
  if (fsm_is_text(name, "null")) k->nullable = true;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (fsm_is_text(name, rows[i].name)) k->set |= 1u << rows[i].kind;
}

static void add_value(kinds *k, const fsm_value *value) {
  switch ((fsm_type)value->type) {
    case FSM_NULL: k->nullable = true; break;
    case FSM_BOOL: k->set |= 1u << FSM_SHAPE_BOOL; break;
    case FSM_INT:
    case FSM_UINT:
    case FSM_DOUBLE: k->set |= 1u << FSM_SHAPE_NUMBER; break; /* 1 and 1.0 are equal here */
    case FSM_STRING: k->set |= 1u << FSM_SHAPE_STRING; break;
    default: k->set |= 1u << FSM_SHAPE_ANY; break;
  }
}

static kinds kinds_of(const fsm_value *schema) {
  kinds k = {0};
  const fsm_value *type = fsm_doc_get(schema, "type"), *allowed = fsm_doc_get(schema, "enum");
  const fsm_value *constant = fsm_doc_get(schema, "const");
  if (type && type->type == FSM_STRING) {
    add_name(&k, type);
  } else if (type) {
    for (uint32_t i = 0; i < type->len; i++) add_name(&k, &type->items[i]);
  } else if (constant) {
    add_value(&k, constant);
  } else if (allowed) {
    for (uint32_t i = 0; i < allowed->len; i++) add_value(&k, &allowed->items[i]);
  }
  if (k.set == ((1u << FSM_SHAPE_INT) | (1u << FSM_SHAPE_NUMBER))) k.set = 1u << FSM_SHAPE_NUMBER;
  return k;
}

/* ---- members ----------------------------------------------------------------------------------- */

static bool is_required(const fsm_value *required, const fsm_value *name) {
  for (uint32_t i = 0; required && i < required->len; i++)
    if (fsm_value_same(&required->items[i], name)) return true;
  return false;
}

static bool is_closed(const fsm_value *schema) {
  const fsm_value *others = fsm_doc_get(schema, "additionalProperties");
  return others && others->type == FSM_BOOL && !others->b;
}

static fsm_code add_members(fsm_arena *arena, const fsm_value *schema, fsm_shape *out) {
  const fsm_value *properties = fsm_doc_get(schema, "properties"),
                  *required = fsm_doc_get(schema, "required");
  uint32_t count = properties ? properties->len : 0;
  const char **names = fsm_arena_zalloc(arena, count + 1u, sizeof *names);
  const fsm_shape **members = fsm_arena_zalloc(arena, count + 1u, sizeof *members);
  bool *needed = fsm_arena_zalloc(arena, count + 1u, sizeof *needed);
  if (!names || !members || !needed) return FSM_ENOMEM;
  for (uint32_t i = 0; i < count; i++) {
    names[i] = properties->pairs[i].key.s;
    needed[i] = is_required(required, &properties->pairs[i].key);
    fsm_code code = fsm__shape_of_schema(arena, &properties->pairs[i].value, &members[i]);
    if (code) return code;
  }
  out->open = !is_closed(schema);
  out->count = count;
  out->names = names;
  out->members = members;
  out->required = needed;
  return FSM_OK;
}

/* Without named members it is a map of whatever the others are. */
static fsm_code add_object(fsm_arena *arena, const fsm_value *schema, fsm_shape *out) {
  const fsm_value *properties = fsm_doc_get(schema, "properties");
  const fsm_value *others = fsm_doc_get(schema, "additionalProperties");
  bool has_members = properties && properties->len > 0;
  if (has_members || !others || others->type != FSM_MAP) return add_members(arena, schema, out);
  out->kind = FSM_SHAPE_MAP;
  return fsm__shape_of_schema(arena, others, &out->item);
}

static void set_kind(fsm_shape *shape, unsigned kind) {
  switch (kind) {
    case FSM_SHAPE_BOOL: shape->kind = FSM_SHAPE_BOOL; break;
    case FSM_SHAPE_INT: shape->kind = FSM_SHAPE_INT; break;
    case FSM_SHAPE_NUMBER: shape->kind = FSM_SHAPE_NUMBER; break;
    case FSM_SHAPE_STRING: shape->kind = FSM_SHAPE_STRING; break;
    case FSM_SHAPE_LIST: shape->kind = FSM_SHAPE_LIST; break;
    case FSM_SHAPE_OBJECT: shape->kind = FSM_SHAPE_OBJECT; break;
    default: shape->kind = FSM_SHAPE_NULL; break;
  }
}

fsm_code fsm__shape_of_schema(fsm_arena *arena, const fsm_value *schema, const fsm_shape **out) {
  FSM_ASSERT(arena && schema && out);
  *out = NULL;
  if (schema->type != FSM_MAP) return FSM_OK; /* true, or false: nothing is allowed, which the check says */
  kinds k = kinds_of(schema);
  bool only_null = k.set == 0 && k.nullable;
  bool one = k.set != 0 && (k.set & (k.set - 1)) == 0 && k.set != 1u << FSM_SHAPE_ANY;
  if (!one && !only_null) return FSM_OK;
  fsm_shape *shape = fsm_arena_zalloc(arena, 1, sizeof *shape);
  if (!shape) return FSM_ENOMEM;
  *out = shape;
  shape->nullable = k.nullable && !only_null;
  set_kind(shape, only_null ? FSM_SHAPE_NULL : (unsigned)__builtin_ctz(k.set));
  if (shape->kind == FSM_SHAPE_OBJECT) return add_object(arena, schema, shape);
  const fsm_value *items = fsm_doc_get(schema, "items");
  return shape->kind == FSM_SHAPE_LIST && items ? fsm__shape_of_schema(arena, items, &shape->item) : FSM_OK;
}

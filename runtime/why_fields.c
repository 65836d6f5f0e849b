/* why_fields.c: what an event takes, from its schema, and data that fits it; what a field of the context may
 * be. */
#include <string.h>

#include "runtime/why.h"

/* Schemas keep the order in which they were written, in which people read them: no search finds a member. */
static const fsm_value *member(const fsm_value *map, const char *name) {
  for (uint32_t i = 0; fsm_is(map, FSM_MAP) && i < map->len; i++)
    if (fsm_is_text(&map->pairs[i].key, name)) return &map->pairs[i].value;
  return NULL;
}

static fsm_value data_of(const fsm__why *why, const fsm_value *value) {
  fsm_value copy;
  return fsm_value_copy(why->arena, value, &copy, NULL) == FSM_OK ? copy : fsm_null();
}

static const fsm_value *schema_of(const fsm__why *why, const char *event) {
  return fsm_definition_event_schema(why->in.deployed->definition, event);
}

static bool is_required(const fsm_value *schema, const fsm_value *name) {
  const fsm_value *required = member(schema, "required");
  if (required == NULL || !fsm_is(required, FSM_LIST)) return false;
  for (uint32_t i = 0; i < required->len; i++)
    if (fsm_value_same(&required->items[i], name)) return true;
  return false;
}

static const fsm_value *properties_of(const fsm_value *schema) {
  const fsm_value *properties = schema != NULL ? member(schema, "properties") : NULL;
  return properties != NULL && fsm_is(properties, FSM_MAP) ? properties : NULL;
}

fsm_value fsm__why_fields(const fsm__why *why, const char *event) {
  const fsm_value *schema = schema_of(why, event), *properties = properties_of(schema);
  fsm__items items = {.arena = why->arena};
  if (properties == NULL) return fsm_null();
  for (uint32_t i = 0; i < properties->len; i++) {
    const fsm_pair *pair = &properties->pairs[i];
    const fsm_value *type = member(&pair->value, "type"), *title = member(&pair->value, "title");
    fsm__document one = {.arena = why->arena};
    fsm_value view;
    fsm__document_put(&one, "name", pair->key);
    if (type != NULL) fsm__document_put(&one, "type", data_of(why, type));
    if (title != NULL) fsm__document_put(&one, "title", data_of(why, title));
    fsm__document_put(&one, "required", fsm_bool(is_required(schema, &pair->key)));
    if (fsm__document_map(&one, &view, NULL) != FSM_OK) return fsm_null();
    fsm__items_add(&items, view);
  }
  return items.failed ? fsm_null() : fsm_list(items.items, items.count);
}

/* ---- data that fits ------------------------------------------------------------------------------ */

static fsm_value sample_text(const fsm__why *why, const fsm_value *schema) {
  const fsm_value *least = member(schema, "minLength");
  const int64_t len = least != NULL && fsm_is(least, FSM_INT) ? least->i : 0;
  if (len <= 4) return fsm_string("TEXT");
  char *text = len < 4096 ? fsm_arena_alloc(why->arena, (size_t)len) : NULL;
  if (text == NULL) return fsm_string("TEXT");
  memset(text, 'x', (size_t)len);
  return fsm_stringn(text, (size_t)len);
}

static fsm_value sample_of(const fsm__why *why, const fsm_value *schema, unsigned depth);

static fsm_value sample_object(const fsm__why *why, const fsm_value *schema, unsigned depth) {
  const fsm_value *properties = properties_of(schema);
  fsm__document d = {.arena = why->arena};
  fsm_value out;
  for (uint32_t i = 0; properties != NULL && i < properties->len; i++) {
    const fsm_pair *pair = &properties->pairs[i];
    const char *name = fsm_arena_strndup(why->arena, pair->key.s, pair->key.len);
    if (name != NULL && is_required(schema, &pair->key))
      fsm__document_put(&d, name, sample_of(why, &pair->value, depth + 1));
  }
  return fsm__document_map(&d, &out, NULL) == FSM_OK ? out : fsm_map_empty();
}

static fsm_value sample_of(const fsm__why *why, const fsm_value *schema, unsigned depth) {
  enum { DEPTH_MAX = 8 };
  const fsm_value *fixed = member(schema, "const"), *choice = member(schema, "enum"),
                  *type = member(schema, "type"), *least = member(schema, "minimum");
  if (fixed != NULL) return data_of(why, fixed);
  if (choice != NULL && fsm_is(choice, FSM_LIST) && choice->len > 0) return data_of(why, &choice->items[0]);
  if (type != NULL && fsm_is(type, FSM_LIST) && type->len > 0) type = &type->items[0];
  if (type == NULL || depth > DEPTH_MAX) return fsm_null();
  if (fsm_is_text(type, "string")) return sample_text(why, schema);
  if (fsm_is_text(type, "integer") || fsm_is_text(type, "number")) return least != NULL ? *least : fsm_int(1);
  if (fsm_is_text(type, "boolean")) return fsm_bool(true);
  if (fsm_is_text(type, "array")) return fsm_list(NULL, 0);
  return fsm_is_text(type, "object") ? sample_object(why, schema, depth) : fsm_null();
}

fsm_value fsm__why_sample(const fsm__why *why, const char *event) {
  const fsm_value *schema = schema_of(why, event);
  if (properties_of(schema) == NULL) return fsm_null();
  const fsm_value out = sample_object(why, schema, 0);
  return out.len > 0 ? out : fsm_null();
}

/* ---- fields of the context ----------------------------------------------------------------------- */

unsigned fsm__why_samples(const fsm__why *why, const fsm_value *field, fsm_value *out, unsigned room) {
  static const char *const bounds[] = {"minimum", "maximum"};
  const fsm_value *schema = fsm_definition_context_schema(why->in.deployed->definition, field->s, field->len);
  const fsm_value *choice = schema != NULL ? member(schema, "enum") : NULL;
  unsigned count = 0;
  if (schema == NULL) return 0;
  for (uint32_t i = 0; choice != NULL && fsm_is(choice, FSM_LIST) && i < choice->len && count < room; i++)
    out[count++] = data_of(why, &choice->items[i]);
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds && count < room; i++) {
    const fsm_value *bound = member(schema, bounds[i]);
    if (bound != NULL) out[count++] = *bound;
  }
  const fsm_value sample = sample_of(why, schema, 0);
  if (count < room && !fsm_is(&sample, FSM_NULL)) out[count++] = sample;
  return count;
}

/* ecs_types.c: names and types out of a definition's schemas. See ecs_types.h. */
#include "runtime/ecs_types.h"

#include <string.h>

#include "schema/json.h"

typedef struct named {
  const char *name;
  size_t len;
  const char *type;
  const char *where; /* JSON pointer of its schema's map of properties */
} named;

struct fsm__ecs_types {
  const char *machine;
  named *fields;
  size_t count, cap;
};

/* NULL: shown as text. */
static const char *type_of(const fsm_value *schema) {
  const fsm_value *type = schema->type == FSM_MAP ? fsm_doc_get(schema, "type") : NULL;
  const fsm_value *format = type != NULL ? fsm_doc_get(schema, "format") : NULL;
  if (type == NULL) return NULL;
  if (fsm_is_text(type, "integer") || fsm_is_text(type, "number")) return "double";
  if (fsm_is_text(type, "boolean")) return "boolean";
  if (!fsm_is_text(type, "string")) return NULL;
  return format != NULL && fsm_is_text(format, "date-time") ? "date" : "keyword";
}

static const named *find(const fsm__ecs_types *types, const char *name, size_t len) {
  for (size_t i = 0; i < types->count; i++)
    if (types->fields[i].len == len && memcmp(types->fields[i].name, name, len) == 0)
      return &types->fields[i];
  return NULL;
}

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory for the types of fields");
}

static fsm_code clash(const named *now, const char *machine, const named *other, const char *of,
                      fsm_error *err) {
  return fsm_fail(
      err, FSM_EDEFINITION, now->where,
      "the field \"%.80s\" is a %s in machine %.64s and a %s in machine %.64s: a name has one type in all "
      "machines, or it cannot be searched by; give it another name here",
      now->name, now->type, machine, other->type, of);
}

static fsm_code add(fsm_arena *arena, fsm__ecs_types *types, const fsm_value *key, const char *type,
                    const char *where, fsm_error *err) {
  const named *before = find(types, key->s, key->len);
  named now = {fsm_arena_strndup(arena, key->s, key->len), key->len, type, where};
  if (now.name == NULL) return no_memory(err);
  if (before != NULL && strcmp(before->type, type) != 0)
    return clash(&now, types->machine, before, types->machine, err);
  if (before != NULL) return FSM_OK;
  if (types->count == types->cap) {
    size_t cap = types->cap ? types->cap * 2 : 16;
    named *grown = fsm_arena_alloc(arena, cap * sizeof *grown);
    if (grown == NULL) return no_memory(err);
    if (types->count > 0) memcpy(grown, types->fields, types->count * sizeof *grown);
    types->fields = grown;
    types->cap = cap;
  }
  types->fields[types->count++] = now;
  return FSM_OK;
}

/* The fields of one schema: those below them are shown as text. */
static fsm_code collect(fsm_arena *arena, fsm__ecs_types *types, const fsm_value *schema, const char *where,
                        fsm_error *err) {
  const fsm_value *properties = schema->type == FSM_MAP ? fsm_doc_get(schema, "properties") : NULL;
  fsm_code code = FSM_OK;
  if (properties == NULL || properties->type != FSM_MAP) return FSM_OK;
  for (uint32_t i = 0; i < properties->len && code == FSM_OK; i++) {
    const char *type = type_of(&properties->pairs[i].value);
    if (type != NULL) code = add(arena, types, &properties->pairs[i].key, type, where, err);
  }
  return code;
}

static fsm_code collect_all(fsm_arena *arena, fsm__ecs_types *types, const fsm_value *schemas,
                            fsm_error *err) {
  const fsm_value *context = fsm_doc_get(schemas, "context"), *events = fsm_doc_get(schemas, "events");
  fsm_code code = FSM_OK;
  if (context != NULL) code = collect(arena, types, context, "/schemas/context/properties", err);
  for (uint32_t i = 0; events != NULL && events->type == FSM_MAP && i < events->len && code == FSM_OK; i++) {
    const fsm_pair *event = &events->pairs[i];
    const char *where =
        fsm_arena_printf(arena, "/schemas/events/%.*s/properties", (int)event->key.len, event->key.s);
    code = where != NULL ? collect(arena, types, &event->value, where, err) : no_memory(err);
  }
  return code;
}

fsm_code fsm__ecs_types_of(fsm_arena *arena, const char *machine, const char *source, size_t len,
                           const fsm__ecs_types **out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && machine != NULL && source != NULL && out != NULL);
  enum { DEPTH = 256 };
  fsm__ecs_types *types = fsm_arena_zalloc(arena, 1, sizeof *types);
  fsm_value document;
  if (types == NULL) return no_memory(err);
  types->machine = machine;
  fsm_code code = memmem(source, len, "\"schemas\"", 9) != NULL
                      ? fsm_json_parse_deep(arena, source, len, FSM_JSON_AS_WRITTEN, DEPTH, &document, NULL)
                      : FSM_EMALFORMED; /* SCXML, or nothing to find */
  if (code == FSM_ENOMEM) return no_memory(err);
  const fsm_value *schemas =
      code == FSM_OK && document.type == FSM_MAP ? fsm_doc_get(&document, "schemas") : NULL;
  code = schemas != NULL && schemas->type == FSM_MAP ? collect_all(arena, types, schemas, err) : FSM_OK;
  if (code == FSM_OK) *out = types;
  return code;
}

bool fsm__ecs_types_none(const fsm__ecs_types *types) { return types->count == 0; }

fsm_code fsm__ecs_types_agree(const fsm__ecs_types *now, const fsm__ecs_types *deployed, fsm_error *err) {
  for (size_t i = 0; i < now->count; i++) {
    const named *field = &now->fields[i], *other = find(deployed, field->name, field->len);
    if (other != NULL && strcmp(field->type, other->type) != 0)
      return clash(field, now->machine, other, deployed->machine, err);
  }
  return FSM_OK;
}

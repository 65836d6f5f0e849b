/* lint_known.c: what the schemas tell of a path in an expression: context.x, event.x, actor.x. */
#include <string.h>

#include "schema/lint_impl.h"

static const fsm_value *member(const fsm_value *schema, const char *name, size_t len) {
  const fsm_value *properties = schema->type == FSM_MAP ? fsm_doc_get(schema, "properties") : NULL;
  for (uint32_t i = 0; properties != NULL && properties->type == FSM_MAP && i < properties->len; i++) {
    const fsm_value *key = &properties->pairs[i].key;
    if (key->len == len && memcmp(key->s, name, len) == 0) return &properties->pairs[i].value;
  }
  return NULL;
}

/* The schema behind a path of plain names. */
static const fsm_value *schema_at(const fsm_value *schema, const char *path, size_t len) {
  while (schema != NULL && len > 0) {
    size_t size = 0;
    if (*path == '.') path++, len--;
    while (size < len && path[size] != '.') size++;
    if (size == 0 || memchr(path, '[', size) != NULL || memchr(path, ' ', size) != NULL) return NULL;
    schema = member(schema, path, size);
    path += size;
    len -= size;
  }
  return schema;
}

static void add_type(fsm_known *out, const fsm_value *type) {
  static const struct row {
    const char *name;
    int kind;
  } kinds[] = {{"boolean", FSM_SHAPE_BOOL},  {"integer", FSM_SHAPE_INT}, {"number", FSM_SHAPE_NUMBER},
               {"string", FSM_SHAPE_STRING}, {"array", FSM_SHAPE_LIST},  {"object", FSM_SHAPE_MAP}};
  if (fsm_is_text(type, "null")) out->nullable = true;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (fsm_is_text(type, kinds[i].name)) out->kind = out->kind == FSM_SHAPE_ANY ? kinds[i].kind : -1;
}

static bool bound(const fsm_value *schema, const char *name, double *out) {
  const fsm_value *value = fsm_doc_get(schema, name);
  if (value == NULL || (value->type != FSM_INT && value->type != FSM_DOUBLE)) return false;
  *out = value->type == FSM_INT ? (double)value->i : value->d;
  return true;
}

static void read_schema(const fsm_value *schema, fsm_known *out) {
  const fsm_value *type = fsm_doc_get(schema, "type"), *choices = fsm_doc_get(schema, "enum");
  if (type != NULL && type->type == FSM_LIST)
    for (uint32_t i = 0; i < type->len; i++) add_type(out, &type->items[i]);
  else if (type != NULL)
    add_type(out, type);
  if (out->kind < 0) out->kind = FSM_SHAPE_ANY; /* several */
  out->has_low = bound(schema, "minimum", &out->low);
  out->has_high = bound(schema, "maximum", &out->high);
  if (choices == NULL) choices = fsm_doc_get(schema, "const");
  if (choices == NULL) return;
  out->choices = choices->type == FSM_LIST ? choices->items : choices;
  out->choice_count = choices->type == FSM_LIST ? choices->len : 1;
}

bool fsm__lint_known(void *arg, const char *path, size_t len, fsm_known *out) {
  const fsm__lint_scope *scope = arg;
  const fsm__linter *l = scope->linter;
  const fsm_value *schema = NULL;
  *out = (fsm_known){0};
  if (len > 8 && memcmp(path, "context.", 8) == 0)
    schema = schema_at(fsm__lint_schema(l, "context"), path + 7, len - 7);
  else if (len > 6 && memcmp(path, "actor.", 6) == 0)
    schema = schema_at(fsm__lint_schema(l, "actor"), path + 5, len - 5);
  else if (len > 6 && memcmp(path, "event.", 6) == 0 && scope->event != NULL) {
    const fsm_value *events = fsm__lint_schema(l, "events");
    if (len > 11 && memcmp(path, "event.data.", 11) == 0) path += 5, len -= 5;
    if (events != NULL && events->type == FSM_MAP) schema = fsm_doc_get(events, scope->event);
    schema = schema_at(schema, path + 5, len - 5);
  }
  if (schema == NULL || schema->type != FSM_MAP) return false;
  read_schema(schema, out);
  return true;
}

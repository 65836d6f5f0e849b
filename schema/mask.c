/* mask.c: the names that a definition's schemas mark, and values without what they name. See mask.h. */
#include "schema/mask.h"

#include <string.h>

#include "schema/definition.h"
#include "schema/json.h"
#include "schema/mask_impl.h"
#include "schema/scxml_definition.h"

typedef struct name {
  const char *text;
  size_t len;
} name;

struct fsm_mask {
  bool all;
  size_t count, cap;
  name *names;
  size_t shortest, longest;
};

const fsm_mask *fsm_mask_everything(void) {
  static const fsm_mask everything = {.all = true};
  return &everything;
}

/* ---- is it hidden? ------------------------------------------------------------------------------ */

static bool parts(char c) { return c == '.' || c == '[' || c == ']' || c == '"' || c == '\''; }

/* Does the name stand anywhere in the path, between what parts it? */
static bool names_part(const name *n, const char *path, size_t len) {
  for (size_t at = 0; at + n->len <= len; at++) {
    if (at > 0 && !parts(path[at - 1])) continue;
    bool ends = at + n->len == len || parts(path[at + n->len]);
    if (ends && memcmp(path + at, n->text, n->len) == 0) return true;
  }
  return false;
}

bool fsm_mask_hides(const fsm_mask *mask, const char *text, size_t len) {
  if (mask == NULL) return false;
  if (mask->all) return true;
  if (len < mask->shortest) return false;
  if (len <= mask->longest)
    for (size_t i = 0; i < mask->count; i++)
      if (mask->names[i].len == len && memcmp(mask->names[i].text, text, len) == 0) return true;
  bool path = false;
  for (size_t i = 0; i < len && !path; i++) path = parts(text[i]);
  for (size_t i = 0; path && i < mask->count; i++)
    if (names_part(&mask->names[i], text, len)) return true;
  return false;
}

/* ---- values without it -------------------------------------------------------------------------- */

static bool hides_key(const fsm_mask *mask, const fsm_value *key) {
  if (key->type != FSM_STRING) return mask->all;
  return fsm_mask_hides(mask, key->s, key->len);
}

static bool mask_at(const fsm__masking *m, const fsm_value *value, unsigned depth, fsm_value *out);

/* From the first item that is another one on, items are copied. */
static bool mask_list(const fsm__masking *m, const fsm_value *value, unsigned depth, fsm_value *out) {
  fsm_value *items = NULL;
  for (uint32_t i = 0; i < value->len; i++) {
    fsm_value item;
    if (!mask_at(m, &value->items[i], depth + 1, &item)) return false;
    if (items == NULL && fsm__mask_same(&item, &value->items[i])) continue;
    if (items == NULL && (items = fsm__mask_copy(m->arena, value->items, value->len * sizeof *items)) == NULL)
      return false;
    items[i] = item;
  }
  *out = items != NULL ? fsm_list(items, value->len) : *value;
  return true;
}

static bool mask_map(const fsm__masking *m, const fsm_value *value, unsigned depth, fsm_value *out) {
  fsm_pair *pairs = NULL;
  for (uint32_t i = 0; i < value->len; i++) {
    const fsm_pair *pair = &value->pairs[i];
    fsm_value masked = fsm_string(FSM_MASKED);
    if (!hides_key(m->mask, &pair->key) && !mask_at(m, &pair->value, depth + 1, &masked)) return false;
    if (pairs == NULL && fsm__mask_same(&masked, &pair->value)) continue;
    if (pairs == NULL && (pairs = fsm__mask_copy(m->arena, value->pairs, value->len * sizeof *pairs)) == NULL)
      return false;
    pairs[i].value = masked;
  }
  *out = pairs != NULL ? (fsm_value){.type = FSM_MAP, .len = value->len, .pairs = pairs} : *value;
  return true;
}

static bool mask_at(const fsm__masking *m, const fsm_value *value, unsigned depth, fsm_value *out) {
  *out = *value;
  if (value->type != FSM_LIST && value->type != FSM_MAP) return true;
  if (depth > FSM_VALUE_DEPTH_MAX) { /* too deep to be looked through */
    *out = fsm_string(FSM_MASKED);
    return true;
  }
  return value->type == FSM_LIST ? mask_list(m, value, depth, out) : mask_map(m, value, depth, out);
}

bool fsm__mask_same(const fsm_value *a, const fsm_value *b) {
  return a->type == b->type && a->len == b->len && a->u == b->u;
}

void *fsm__mask_copy(fsm_arena *arena, const void *from, size_t size) {
  void *copy = fsm_arena_alloc(arena, size);
  if (copy != NULL && size > 0) memcpy(copy, from, size);
  return copy;
}

bool fsm__mask_data(const fsm__masking *m, const char *called, const fsm_value *value, fsm_value *out) {
  *out = *value;
  if (value->type == FSM_NULL) return true;
  if (fsm_mask_hides(m->mask, called, strlen(called))) {
    *out = fsm_string(FSM_MASKED);
    return true;
  }
  return mask_at(m, value, 0, out);
}

fsm_code fsm_mask_value(fsm_arena *arena, const fsm_mask *mask, const fsm_value *value, fsm_value *out,
                        fsm_error *err) {
  FSM_ASSERT(arena != NULL && value != NULL && out != NULL);
  const fsm__masking m = {.arena = arena, .mask = mask};
  if (mask == NULL || mask_at(&m, value, 0, out)) {
    if (mask == NULL) *out = *value;
    return FSM_OK;
  }
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to mask a value");
}

/* ---- what a definition marks -------------------------------------------------------------------- */

/* What an author meant by anything but false is for the check of schemas to refuse: here it is hidden. */
static bool marked(const fsm_value *schema) {
  const fsm_value *pii = fsm_doc_get(schema, "x-pii");
  return pii != NULL && pii->type != FSM_NULL && !(pii->type == FSM_BOOL && !pii->b);
}

static bool add_name(fsm_arena *arena, fsm_mask *mask, const char *text, size_t len) {
  for (size_t i = 0; i < mask->count; i++)
    if (mask->names[i].len == len && memcmp(mask->names[i].text, text, len) == 0) return true;
  if (mask->count == mask->cap) {
    size_t cap = mask->cap ? mask->cap * 2 : 8;
    name *grown = fsm_arena_alloc(arena, cap * sizeof *grown);
    if (grown == NULL) return false;
    if (mask->count > 0) memcpy(grown, mask->names, mask->count * sizeof *grown);
    mask->names = grown;
    mask->cap = cap;
  }
  const char *kept = fsm_arena_strndup(arena, text, len);
  if (kept == NULL) return false;
  if (mask->count == 0 || len < mask->shortest) mask->shortest = len;
  if (len > mask->longest) mask->longest = len;
  mask->names[mask->count++] = (name){kept, len};
  return true;
}

/* The mark of a schema without a name of its own (items, additionalProperties) is that of the nearest above.
 */
static bool collect(fsm_arena *arena, fsm_mask *mask, const fsm_value *schema, const char *above,
                    size_t len) {
  static const char *const inner[] = {"items", "additionalProperties"};
  if (schema->type != FSM_MAP) return true;
  if (marked(schema) && !add_name(arena, mask, above, len)) return false;
  const fsm_value *properties = fsm_doc_get(schema, "properties");
  for (uint32_t i = 0; properties != NULL && properties->type == FSM_MAP && i < properties->len; i++) {
    const fsm_pair *property = &properties->pairs[i];
    if (!collect(arena, mask, &property->value, property->key.s, property->key.len)) return false;
  }
  for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
    const fsm_value *below = fsm_doc_get(schema, inner[i]);
    if (below != NULL && !collect(arena, mask, below, above, len)) return false;
  }
  return true;
}

/* What stands in the place of a name where a whole schema is marked. */
static const struct {
  const char *schema, *called;
} places[] = {{"context", "context"}, {"input", "input"}, {"input", "data"}, {"actor", "act"}};

static bool collect_all(fsm_arena *arena, fsm_mask *mask, const fsm_value *schemas) {
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const fsm_value *schema = fsm_doc_get(schemas, places[i].schema);
    if (schema != NULL && !collect(arena, mask, schema, places[i].called, strlen(places[i].called)))
      return false;
  }
  const fsm_value *events = fsm_doc_get(schemas, "events");
  for (uint32_t i = 0; events != NULL && events->type == FSM_MAP && i < events->len; i++)
    if (!collect(arena, mask, &events->pairs[i].value, "data", 4)) return false;
  return true;
}

/* Most machines mark nothing, and are not read for it. A name may be written with escapes. */
static bool may_mark(const char *text, size_t len) {
  return memmem(text, len, "x-pii", 5) != NULL || memmem(text, len, "\\u", 2) != NULL;
}

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a mask"); }

fsm_code fsm_mask_of(fsm_arena *arena, const char *definition, size_t len, const fsm_mask **out,
                     fsm_error *err) {
  FSM_ASSERT(arena != NULL && definition != NULL && out != NULL);
  if (fsm__is_scxml(definition, len) || !may_mark(definition, len)) {
    *out = NULL;
    return FSM_OK;
  }
  fsm_arena scratch;
  fsm_value document;
  fsm_arena_init(&scratch, 0);
  fsm_code code = fsm_json_parse_deep(&scratch, definition, len, FSM_JSON_AS_WRITTEN,
                                      FSM_DEFINITION_DEPTH_MAX, &document, err);
  const fsm_value *schemas = code == FSM_OK ? fsm_doc_get(&document, "schemas") : NULL;
  fsm_mask *mask = code == FSM_OK ? fsm_arena_zalloc(arena, 1, sizeof *mask) : NULL;
  if (code == FSM_OK && mask == NULL) code = no_memory(err);
  if (code == FSM_OK && schemas != NULL && !collect_all(arena, mask, schemas)) code = no_memory(err);
  fsm_arena_free(&scratch);
  if (code == FSM_OK) *out = mask->count > 0 ? mask : NULL;
  return code;
}

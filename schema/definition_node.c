/* definition_node.c: walking a document: members with their JSON pointers, allowed keys, typed texts,
 * named things, and the name that a misspelt one meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/definition_load.h"
#include "schema/pointer.h"

/* ---- faults ------------------------------------------------------------------------------------ */

FSM_PRINTF(4, 0)
static fsm_code fail(fsm__loader *l, fsm_code code, const char *where, const char *format, va_list args) {
  char text[FSM_TEXT_MAX];
  vsnprintf(text, sizeof text, format, args);
  return fsm_fail(l->err, code, where, "%s", text);
}

fsm_code fsm__invalid(fsm__loader *l, const char *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fsm_code code = fail(l, FSM_EDEFINITION, where, format, args);
  va_end(args);
  return code;
}

fsm_code fsm__unsupported(fsm__loader *l, const char *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fsm_code code = fail(l, FSM_EUNSUPPORTED, where, format, args);
  va_end(args);
  return code;
}

fsm_code fsm__out_of_memory(fsm__loader *l) {
  return fsm_fail(l->err, FSM_ENOMEM, "", "no memory to load the definition");
}

/* ---- steps down the document ------------------------------------------------------------------- */

static fsm__node node_of(fsm__loader *l, const fsm_value *value, const fsm__pointer *pointer) {
  const char *where = fsm_arena_strndup(l->arena, pointer->text, pointer->len);
  if (!where) l->no_memory = true;
  return (fsm__node){value, where ? where : ""};
}

static fsm__node below(fsm__loader *l, fsm__node map, const char *key, size_t len, const fsm_value *value) {
  fsm__pointer pointer;
  fsm__pointer_set(&pointer, map.where);
  fsm__pointer_key(&pointer, key, len);
  return node_of(l, value, &pointer);
}

fsm__node fsm__node_get(fsm__loader *l, fsm__node map, const char *key) {
  const fsm_value *value = fsm_doc_get(map.value, key);
  return value ? below(l, map, key, strlen(key), value) : (fsm__node){NULL, map.where};
}

fsm__node fsm__node_member(fsm__loader *l, fsm__node map, uint32_t index) {
  FSM_ASSERT(fsm__node_is(map, FSM_MAP) && index < map.value->len);
  const fsm_pair *pair = &map.value->pairs[index];
  return below(l, map, pair->key.s, pair->key.len, &pair->value);
}

fsm__node fsm__node_item(fsm__loader *l, fsm__node list, uint32_t index) {
  FSM_ASSERT(fsm__node_is(list, FSM_LIST) && index < list.value->len);
  fsm__pointer pointer;
  fsm__pointer_set(&pointer, list.where);
  fsm__pointer_index(&pointer, index);
  return node_of(l, &list.value->items[index], &pointer);
}

fsm__node fsm__node_each(fsm__loader *l, fsm__node node, uint32_t index) {
  return node.value->type == FSM_LIST ? fsm__node_item(l, node, index) : node;
}

/* ---- members ----------------------------------------------------------------------------------- */

/* Is the row "name" or "name: what to write instead"? */
static bool is_refused(const char *row, const char *name) {
  size_t len = strlen(name);
  return strncmp(row, name, len) == 0 && (row[len] == 0 || row[len] == ':');
}

static fsm_code unknown_key(fsm__loader *l, fsm__node member, const char *name, const char *const *names) {
  fsm__closest closest = {.name = name};
  bool supported = true;
  for (; *names; names++) {
    if (strcmp(*names, "!") == 0) {
      supported = false;
    } else if (supported) {
      fsm__closest_try(&closest, *names);
    } else if (is_refused(*names, name)) {
      return fsm__unsupported(l, member.where, "\"%s\" is not supported%s", name, *names + strlen(name));
    }
  }
  char hint[96];
  return fsm__invalid(l, member.where, "\"%.64s\" is not known here%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

static bool is_supported(const char *name, const char *const *names) {
  for (; *names && strcmp(*names, "!") != 0; names++)
    if (strcmp(*names, name) == 0) return true;
  return false;
}

fsm_code fsm__node_keys(fsm__loader *l, fsm__node node, const char *const *names) {
  if (!fsm__node_is(node, FSM_MAP)) return fsm__invalid(l, node.where, "an object is expected here");
  for (uint32_t i = 0; i < node.value->len; i++) {
    const char *name = fsm__node_name(node, i);
    if (!is_supported(name, names)) return unknown_key(l, fsm__node_member(l, node, i), name, names);
  }
  return FSM_OK;
}

fsm_code fsm__node_text(fsm__loader *l, fsm__node map, const char *key, const char **out) {
  fsm__node node = fsm__node_get(l, map, key);
  *out = NULL;
  if (!node.value) return FSM_OK;
  if (node.value->type != FSM_STRING || node.value->len == 0)
    return fsm__invalid(l, node.where, "\"%s\" must be a text that is not empty", key);
  *out = node.value->s;
  return FSM_OK;
}

fsm_code fsm__node_bool(fsm__loader *l, fsm__node map, const char *key, bool *out) {
  fsm__node node = fsm__node_get(l, map, key);
  *out = false;
  if (!node.value) return FSM_OK;
  if (node.value->type != FSM_BOOL) return fsm__invalid(l, node.where, "\"%s\" must be true or false", key);
  *out = node.value->b;
  return FSM_OK;
}

/* ---- named things ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b, void *arg) {
  const fsm_value *map = arg;
  return strcmp(map->pairs[*(const uint32_t *)a].key.s, map->pairs[*(const uint32_t *)b].key.s);
}

fsm_code fsm__named_read(fsm__loader *l, fsm__node map, const char *key, fsm__named *out) {
  out->node = fsm__node_get(l, map, key);
  const fsm_value *value = out->node.value;
  if (!value) return FSM_OK;
  if (value->type != FSM_MAP)
    return fsm__invalid(l, out->node.where, "\"%s\" must be an object of named ones", key);
  uint32_t *order = fsm_arena_zalloc(l->arena, value->len + 1u, sizeof *order);
  if (!order) return fsm__out_of_memory(l);
  for (uint32_t i = 0; i < value->len; i++) order[i] = i;
  qsort_r(order, value->len, sizeof *order, by_name, (void *)value);
  out->order = order;
  return FSM_OK;
}

long fsm__named_find(const fsm__named *named, const char *name) {
  if (!named->node.value) return -1;
  const fsm_pair *pairs = named->node.value->pairs;
  uint32_t low = 0, high = named->node.value->len;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = strcmp(pairs[named->order[middle]].key.s, name);
    if (order == 0) return (long)named->order[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

fsm__node fsm__named_get(fsm__loader *l, const fsm__named *named, const char *name) {
  long found = fsm__named_find(named, name);
  return found < 0 ? (fsm__node){NULL, ""} : fsm__node_member(l, named->node, (uint32_t)found);
}

fsm_code fsm__named_missing(fsm__loader *l, const char *where, const char *kind, const char *name,
                            const fsm__named *named) {
  fsm__closest closest = {.name = name};
  for (uint32_t i = 0; named->node.value && i < named->node.value->len; i++)
    fsm__closest_try(&closest, fsm__node_name(named->node, i));
  char hint[96];
  return fsm__invalid(l, where, "there is no %s \"%.64s\" among the machine's %ss%s", kind, name, kind,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

void *fsm__list_add(fsm__loader *l, void **items, size_t *count, size_t *cap, size_t size) {
  if (*count == *cap) {
    size_t more = *cap ? 2 * *cap : 4;
    void *grown = fsm_arena_zalloc(l->arena, more, size);
    if (!grown) return NULL;
    if (*count) memcpy(grown, *items, *count * size);
    *items = grown;
    *cap = more;
  }
  return (char *)*items + (*count)++ * size;
}

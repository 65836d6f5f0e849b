/* definition_path.c: the index of states by path and by id, and of invokes by id, and what a target means.
 *
 * From state a.b: "x" is a.x, "x.y" is a.x.y, ".x" is a.b.x, "#id" is the state with that id, "#id.x" is
 * below it; the machine's id is the root's.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/definition_load.h"

/* ---- the index --------------------------------------------------------------------------------- */

typedef struct entries {
  fsm__state_entry *items;
  size_t count, cap;
} entries;

/* JavaScript would move such a key to the front of its object. */
static bool is_integer_like(const char *name) {
  size_t digits = strspn(name, "0123456789");
  return digits > 0 && name[digits] == 0 && (name[0] != '0' || digits == 1);
}

static fsm_code check_name(fsm__loader *l, const char *name, const char *where) {
  if (!*name) return fsm__invalid(l, where, "a state's key is empty");
  if (is_integer_like(name))
    return fsm__invalid(l, where, "a state's key must not look like an integer: objects move such keys");
  if (strchr(name, '.') || *name == '#')
    return fsm__invalid(l, where, "a state's key must have no '.' and not begin with '#'");
  for (const char *p = name; *p; p++)
    if ((unsigned char)*p < 0x20 || *p == 0x7F)
      return fsm__invalid(l, where, "a state's key has a control character in it");
  return FSM_OK;
}

static size_t count_states(const fsm_value *state) {
  const fsm_value *children = fsm_doc_get(state, "states");
  size_t count = 1;
  for (uint32_t i = 0; children && children->type == FSM_MAP && i < children->len; i++)
    count += count_states(&children->pairs[i].value);
  return count;
}

const char *fsm__event_path(const fsm__loader *l, const fsm__state_entry *entry) {
  return entry->parent ? entry->path : l->machine;
}

static fsm_code add_invoke(fsm__loader *l, const fsm__state_entry *entry, fsm__node invoke, uint32_t index) {
  const fsm_value *id = fsm_doc_get(invoke.value, "id");
  struct {
    const char **items;
    size_t count, cap;
  } list = {l->invokes, l->invoke_count, l->invoke_cap};
  const char **slot = FSM__LIST_ADD(l, &list);
  if (!slot) return fsm__out_of_memory(l);
  l->invokes = list.items;
  l->invoke_count = list.count;
  l->invoke_cap = list.cap;
  *slot = id && id->type == FSM_STRING
              ? id->s
              : fsm_arena_printf(l->arena, "%u.%s", index, fsm__event_path(l, entry));
  return *slot ? FSM_OK : fsm__out_of_memory(l);
}

/* So that an action may send to one that comes later in the document. */
static fsm_code add_invokes(fsm__loader *l, const fsm__state_entry *entry) {
  fsm__node invoke = fsm__node_get(l, entry->node, "invoke");
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; invoke.value && i < fsm__node_count(invoke) && !code; i++)
    code = add_invoke(l, entry, fsm__node_each(l, invoke, i), i);
  return code;
}

/* Room for all is there: entries do not move, so that a child can point at its parent. */
static fsm_code add_state(fsm__loader *l, fsm__node node, const char *name, const fsm__state_entry *parent) {
  fsm__state_entry *entry = &l->states[l->state_count++];
  if (!fsm__node_is(node, FSM_MAP)) return fsm__invalid(l, node.where, "a state must be an object");
  const char *path = !parent          ? ""
                     : parent->parent ? fsm_arena_printf(l->arena, "%s.%s", parent->path, name)
                                      : name;
  if (!path) return fsm__out_of_memory(l);
  *entry = (fsm__state_entry){.path = path, .name = name, .parent = parent, .node = node};
  fsm_code code = fsm__node_text(l, node, "id", &entry->id);
  if (!code) code = add_invokes(l, entry);
  fsm__node children = fsm__node_get(l, node, "states");
  if (!code && children.value && children.value->type != FSM_MAP)
    code = fsm__invalid(l, children.where, "\"states\" must be an object");
  for (uint32_t i = 0; children.value && !code && i < children.value->len; i++) {
    fsm__node child = fsm__node_member(l, children, i);
    code = check_name(l, fsm__node_name(children, i), child.where);
    if (!code) code = add_state(l, child, fsm__node_name(children, i), entry);
  }
  return code;
}

static int by_path(const void *a, const void *b) {
  return strcmp((*(const fsm__state_entry *const *)a)->path, (*(const fsm__state_entry *const *)b)->path);
}

static int by_id(const void *a, const void *b) {
  return strcmp((*(const fsm__state_entry *const *)a)->id, (*(const fsm__state_entry *const *)b)->id);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static fsm_code sort_states(fsm__loader *l) {
  l->by_path = fsm_arena_zalloc(l->arena, l->state_count, sizeof *l->by_path);
  l->by_id = fsm_arena_zalloc(l->arena, l->state_count, sizeof *l->by_id);
  if (!l->by_path || !l->by_id) return fsm__out_of_memory(l);
  for (size_t i = 0; i < l->state_count; i++) {
    l->by_path[i] = &l->states[i];
    if (l->states[i].id) l->by_id[l->id_count++] = &l->states[i];
  }
  qsort(l->by_path, l->state_count, sizeof *l->by_path, by_path);
  qsort(l->by_id, l->id_count, sizeof *l->by_id, by_id);
  if (l->invoke_count) qsort(l->invokes, l->invoke_count, sizeof *l->invokes, by_text);
  for (size_t i = 1; i < l->id_count; i++) {
    if (strcmp(l->by_id[i - 1]->id, l->by_id[i]->id) != 0) continue;
    const fsm__state_entry *second = l->by_id[i - 1] > l->by_id[i] ? l->by_id[i - 1] : l->by_id[i];
    return fsm__invalid(l, fsm__node_get(l, second->node, "id").where, "the id \"%.64s\" is there twice",
                        second->id);
  }
  return FSM_OK;
}

fsm_code fsm__index_states(fsm__loader *l, fsm__node root) {
  size_t count = count_states(root.value);
  if (count > FSM_STATES_MAX)
    return fsm_fail(l->err, FSM_ETOOLARGE, "/states", "%zu states are over the limit of %d", count,
                    FSM_STATES_MAX);
  l->states = fsm_arena_zalloc(l->arena, count, sizeof *l->states);
  if (!l->states) return fsm__out_of_memory(l);
  fsm_code code = add_state(l, root, l->machine, NULL);
  return code ? code : sort_states(l);
}

/* ---- finding ----------------------------------------------------------------------------------- */

const fsm__state_entry *fsm__state_at(const fsm__loader *l, const char *path) {
  fsm__state_entry key = {.path = path};
  const fsm__state_entry *at = &key;
  const fsm__state_entry **found = bsearch(&at, l->by_path, l->state_count, sizeof *l->by_path, by_path);
  return found ? *found : NULL;
}

static const fsm__state_entry *with_id(const fsm__loader *l, const char *id) {
  fsm__state_entry key = {.id = id};
  const fsm__state_entry *at = &key;
  const fsm__state_entry **found = bsearch(&at, l->by_id, l->id_count, sizeof *l->by_id, by_id);
  return found ? *found : NULL;
}

/* The state that rest names below from; NULL when there is none or no memory. */
static const fsm__state_entry *state_below(fsm__loader *l, const fsm__state_entry *from, const char *rest) {
  if (!from->parent) return *rest ? fsm__state_at(l, rest) : NULL;
  const char *path = fsm_arena_printf(l->arena, "%s.%s", from->path, rest);
  if (!path) l->no_memory = true;
  return path ? fsm__state_at(l, path) : NULL;
}

/* The longest id that begins the name, and what is left below it. */
const fsm__state_entry *fsm__state_with_id(fsm__loader *l, const char *name) {
  const fsm__state_entry *found = with_id(l, name);
  if (found) return found;
  char *id = fsm_arena_strdup(l->arena, name);
  if (!id) {
    l->no_memory = true;
    return NULL;
  }
  for (char *dot; (dot = strrchr(id, '.'));) {
    *dot = 0;
    found = with_id(l, id);
    if (found) return state_below(l, found, name + (dot - id) + 1);
  }
  return NULL;
}

fsm_code fsm__no_such_state(fsm__loader *l, const char *where, const char *name) {
  char hint[96];
  fsm__closest closest = {.name = name};
  for (size_t i = 1; i < l->state_count; i++) fsm__closest_try(&closest, l->states[i].path);
  for (size_t i = 0; i < l->id_count; i++) fsm__closest_try(&closest, l->by_id[i]->id);
  return fsm__invalid(l, where, "there is no state \"%.64s\"%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

fsm_code fsm__check_invoke_id(fsm__loader *l, fsm__node id) {
  char hint[96];
  const char *name = id.value->s;
  if (l->invoke_count && bsearch(&name, l->invokes, l->invoke_count, sizeof *l->invokes, by_text))
    return FSM_OK;
  fsm__closest closest = {.name = name};
  for (size_t i = 0; i < l->invoke_count; i++) fsm__closest_try(&closest, l->invokes[i]);
  return fsm__invalid(l, id.where, "there is no invoke \"%.64s\"%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

static fsm_code no_such_target(fsm__loader *l, const fsm__state_entry *source, fsm__node target) {
  const char *name = target.value->s;
  char hint[96];
  fsm__closest closest = {.name = name};
  if (!source->parent && *name != '.' && *name != '#' && fsm__state_at(l, name))
    return fsm__invalid(l, target.where, "\"%.64s\" is no sibling of the root; did you mean \".%.64s\"?",
                        name, name);
  for (size_t i = 1; i < l->state_count; i++)
    if (l->states[i].parent == source->parent) fsm__closest_try(&closest, l->states[i].name);
  return fsm__invalid(l, target.where, "there is no state \"%.64s\" to go to from here%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

fsm_code fsm__resolve_target(fsm__loader *l, const fsm__state_entry *source, fsm__node target,
                             const char **path) {
  if (!fsm__node_is(target, FSM_STRING) || !target.value->len)
    return fsm__invalid(l, target.where, "a target must be a text that is not empty");
  const char *name = target.value->s;
  const fsm__state_entry *found = NULL;
  if (*name == '#')
    found = fsm__state_with_id(l, name + 1);
  else if (*name == '.')
    found = state_below(l, source, name + 1);
  else if (source->parent)
    found = state_below(l, source->parent, name);
  if (l->no_memory) return fsm__out_of_memory(l);
  if (!found) return no_such_target(l, source, target);
  *path = found->path;
  return FSM_OK;
}

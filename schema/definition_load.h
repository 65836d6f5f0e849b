/* definition_load.h: what the files of the loader share: nodes of the document with their place, the
 * index of states, and one reading function per construct.
 *
 * Everything that is built lives in the loader's arena until the machine is compiled, and its texts
 * point into the document. Memory that runs out while a place is written is noted in the loader
 * (no_memory) and told at the end; everything else is told where it is found.
 */
#ifndef FSM_SCHEMA_DEFINITION_LOAD_H
#define FSM_SCHEMA_DEFINITION_LOAD_H

#include "schema/definition.h"

/* A value of the document and its JSON pointer. */
typedef struct fsm__node {
  const fsm_value *value; /* NULL = absent */
  const char *where;
} fsm__node;

typedef struct fsm__state_entry fsm__state_entry;
struct fsm__state_entry {
  const char *path; /* dotted, below the root; the root's is "" */
  const char *name;
  const char *id; /* as written, NULL = none */
  const fsm__state_entry *parent;
  fsm__node node;
};

typedef struct fsm__loader {
  fsm_arena *arena;
  fsm_error *err;
  bool no_memory;
  const char *machine;               /* its id */
  fsm__node guards, actions, delays; /* of the root */
  fsm__state_entry *states;          /* in document order, the root first */
  size_t state_count;
  const fsm__state_entry **by_path, **by_id; /* sorted */
  size_t id_count;
  unsigned expanding; /* named actions inside named actions */
} fsm__loader;

/* ---- nodes (definition_node.c) ------------------------------------------------------------------- */

fsm__node fsm__node_get(fsm__loader *l, fsm__node map, const char *key);
fsm__node fsm__node_member(fsm__loader *l, fsm__node map, uint32_t index);
fsm__node fsm__node_item(fsm__loader *l, fsm__node list, uint32_t index);
static inline bool fsm__node_is(fsm__node node, fsm_type type) {
  return node.value && node.value->type == type;
}
/* The name of a member; documents from JSON have no other keys. */
static inline const char *fsm__node_name(fsm__node map, uint32_t index) {
  return map.value->pairs[index].key.s;
}

fsm_code fsm__invalid(fsm__loader *l, const char *where, const char *format, ...) FSM_PRINTF(3, 4);
fsm_code fsm__unsupported(fsm__loader *l, const char *where, const char *format, ...) FSM_PRINTF(3, 4);
fsm_code fsm__out_of_memory(fsm__loader *l);

/* The node is an object with no other keys than the names, which end with NULL; names from "!" on are
 * known to XState and not supported. A near miss is told with the name that was meant. */
fsm_code fsm__node_keys(fsm__loader *l, fsm__node node, const char *const *names);
/* The member's text; *out is NULL when it is absent. It must not be empty. */
fsm_code fsm__node_text(fsm__loader *l, fsm__node map, const char *key, const char **out);
fsm_code fsm__node_bool(fsm__loader *l, fsm__node map, const char *key, bool *out);

/* The candidate nearest to a misspelt name. */
typedef struct fsm__closest {
  const char *name, *best; /* best NULL = none is near */
  unsigned distance;
} fsm__closest;
void fsm__closest_try(fsm__closest *closest, const char *candidate);
/* "; did you mean \"x\"?" or "", in text. */
const char *fsm__closest_text(const fsm__closest *closest, char *text, size_t size);

/* Zeroed; room for one more item in a list that grows, NULL without memory. */
void *fsm__list_add(fsm__loader *l, void **items, size_t *count, size_t *cap, size_t size);
#define FSM__LIST_ADD(l, list) \
  fsm__list_add(l, (void **)&(list)->items, &(list)->count, &(list)->cap, sizeof *(list)->items)

/* ---- constructs ---------------------------------------------------------------------------------- */

/* definition_value.c; *out is NULL for an absent node. */
fsm_code fsm__read_def_value(fsm__loader *l, fsm__node node, const fsm_def_value **out);
fsm_code fsm__read_guard(fsm__loader *l, fsm__node node, const char **expr, const char **name);
fsm_code fsm__read_delay(fsm__loader *l, fsm__node node, const fsm_def_value **out);
/* The delay that an `after` key stands for: milliseconds or a name. */
fsm_code fsm__read_delay_name(fsm__loader *l, const char *name, const char *where, const fsm_def_value **out);

/* definition_action.c */
typedef struct fsm__actions {
  fsm_def_action *items;
  size_t count, cap;
} fsm__actions;
fsm_code fsm__read_actions(fsm__loader *l, fsm__node node, fsm__actions *out);
/* A `context` patch: an assign. */
fsm_code fsm__read_patch(fsm__loader *l, fsm__node node, fsm__actions *out);

/* definition_transition.c: appends what node says (a target, an object or a list of both) for event
 * (NULL = eventless). */
typedef struct fsm__transitions {
  fsm_def_transition *items;
  size_t count, cap;
} fsm__transitions;
fsm_code fsm__read_transitions(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                               const char *event, fsm__transitions *out);

/* definition_path.c */
fsm_code fsm__index_states(fsm__loader *l, fsm__node root);
fsm_code fsm__resolve_target(fsm__loader *l, const fsm__state_entry *source, fsm__node target,
                             const char **path);
/* The entry of a state by its path; NULL when there is none. */
const fsm__state_entry *fsm__state_at(const fsm__loader *l, const char *path);

/* definition_meta.c */
typedef enum fsm__meta_place {
  FSM__META_ROOT = 1,
  FSM__META_STATE = 2,
  FSM__META_TRANSITION = 4,
  FSM__META_INVOKE = 8
} fsm__meta_place;
fsm_code fsm__read_meta(fsm__loader *l, fsm__node node, fsm__meta_place place, fsm_value *out);
void fsm__task_policy_of(const fsm_value *meta, fsm_task_policy *out);

/* definition_state.c: the tree below entry 0. */
fsm_code fsm__read_states(fsm__loader *l, const fsm_def_state **out);

#endif

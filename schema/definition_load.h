/* definition_load.h: what the files of the loader share: nodes of the document with their place, the
 * index of states, and one reading function per construct.
 *
 * Everything that is built lives in the loader's arena until the machine is compiled, and its texts
 * point into the document. Memory that runs out while a place is written is noted in the loader
 * (no_memory) and told at the end; everything else is told where it is found.
 */
#ifndef FSM_SCHEMA_DEFINITION_LOAD_H
#define FSM_SCHEMA_DEFINITION_LOAD_H

#include "schema/closest.h"
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

/* An object of named things, with their names in order. */
typedef struct fsm__named {
  fsm__node node;
  const uint32_t *order; /* members by name */
} fsm__named;

/* What `params` stands for in a named guard or action: CEL texts. */
typedef struct fsm__params {
  const char *whole;
  const fsm_value *value;
  const char *const *members; /* of a map, in its order */
} fsm__params;

/* The schemas of a definition; NULL = none. */
typedef struct fsm__schemas {
  const fsm_value *context, *events, *input, *actor;
} fsm__schemas;

/* An expression that was found to be right, with what it was checked against. */
typedef struct fsm__checked {
  const char *text;
  const fsm_shape *event;
  bool guard;
} fsm__checked;
enum { FSM__CHECKED = 64 };

typedef struct fsm__loader {
  fsm_arena *arena;
  fsm_arena scratch; /* for what is compiled only to be checked */
  fsm_error *err;
  bool no_memory;
  const char *machine;                /* its id */
  fsm__named guards, actions, delays; /* of the root */
  fsm__schemas schemas;
  fsm__named events;              /* schemas.events */
  const fsm_shape **event_shapes; /* per member of it, made when first asked for */
  bool *event_taken;              /* per member of it: a transition names it */
  fsm_expr_options options;       /* what expressions may read here */
  fsm__state_entry *states;       /* in document order, the root first */
  size_t state_count;
  const fsm__state_entry **by_path, **by_id; /* sorted */
  size_t id_count;
  const char **invokes; /* ids, sorted */
  size_t invoke_count, invoke_cap;
  fsm__checked checked[FSM__CHECKED]; /* by address of the text: what is named is used often */
  unsigned expanding;                 /* named things inside named things */
  size_t expanded;                    /* bytes of text that params were put into */
  const fsm__params *params;          /* of the named thing being expanded; NULL = none are given */
  const char *user; /* the place that names it; NULL = it is only checked, or nothing is expanded */
  bool checking;    /* a named thing for itself: `params` is anything */
} fsm__loader;

enum {
  FSM__EXPANSION_MAX = 8,
  FSM__EXPANDED_MAX = 1024 * 1024 /* bytes of a definition's expressions, with params put into them */
};

/* ---- nodes (definition_node.c) ------------------------------------------------------------------- */

fsm__node fsm__node_get(fsm__loader *l, fsm__node map, const char *key);
fsm__node fsm__node_member(fsm__loader *l, fsm__node map, uint32_t index);
fsm__node fsm__node_item(fsm__loader *l, fsm__node list, uint32_t index);
/* The n-th of a list, or the one that is no list. */
fsm__node fsm__node_each(fsm__loader *l, fsm__node node, uint32_t index);
static inline uint32_t fsm__node_count(fsm__node node) {
  return node.value->type == FSM_LIST ? node.value->len : 1;
}
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

/* The node is an object with no other keys than the names, which end with NULL. Names behind "!" are
 * refused by name: "key" or "key: what to write instead". A near miss is told with the name that was meant.
 */
fsm_code fsm__node_keys(fsm__loader *l, fsm__node node, const char *const *names);
/* The member's text; *out is NULL when it is absent. It must not be empty. */
fsm_code fsm__node_text(fsm__loader *l, fsm__node map, const char *key, const char **out);
fsm_code fsm__node_bool(fsm__loader *l, fsm__node map, const char *key, bool *out);

/* The object of named things under key, which may be absent. */
fsm_code fsm__named_read(fsm__loader *l, fsm__node map, const char *key, fsm__named *out);
/* The number of the member of that name; -1 = there is none. */
long fsm__named_find(const fsm__named *named, const char *name);
fsm__node fsm__named_get(fsm__loader *l, const fsm__named *named, const char *name);
/* There is no KIND of that name among the machine's KINDs. */
fsm_code fsm__named_missing(fsm__loader *l, const char *where, const char *kind, const char *name,
                            const fsm__named *named);

/* Zeroed; room for one more item in a list that grows, NULL without memory. */
void *fsm__list_add(fsm__loader *l, void **items, size_t *count, size_t *cap, size_t size);
#define FSM__LIST_ADD(l, list) \
  fsm__list_add(l, (void **)&(list)->items, &(list)->count, &(list)->cap, sizeof *(list)->items)

/* ---- expressions (definition_expr.c) ------------------------------------------------------------- */

/* Is it {"@expr": …} or its unsupported sister {"@code": …}? */
bool fsm__is_expression(const fsm_value *value);
/* Compiles a text to have its faults at its place. */
fsm_code fsm__check_expression(fsm__loader *l, const char *text, const char *where);
/* Its text, compiled once to have its faults at their own place, with `params` replaced. */
fsm_code fsm__read_expression(fsm__loader *l, fsm__node node, const char **out);
/* A value as CEL text; expressions in it are in brackets. */
fsm_code fsm__value_text(fsm__loader *l, fsm__node node, const char **out);
/* Begins and ends the expansion of something named, used at `use` with `params` (an absent node = none). */
typedef struct fsm__expansion {
  const fsm__params *params;
  const char *user;
  fsm__params own;
} fsm__expansion;
fsm_code fsm__expand_begin(fsm__loader *l, fsm__node use, fsm__node named, fsm__expansion *saved);
void fsm__expand_end(fsm__loader *l, const fsm__expansion *saved);

/* ---- constructs ---------------------------------------------------------------------------------- */

/* definition_value.c; *out is NULL for an absent node. */
fsm_code fsm__read_def_value(fsm__loader *l, fsm__node node, const fsm_def_value **out);
/* A value made here, with the place. */
fsm_code fsm__literal_value(fsm__loader *l, fsm_value literal, const char *where, const fsm_def_value **out);
fsm_code fsm__expr_value(fsm__loader *l, const char *expr, const char *where, const fsm_def_value **out);

/* definition_guard.c; *name is NULL when it is inline. An absent node is no guard. */
fsm_code fsm__read_guard(fsm__loader *l, fsm__node node, const char **expr, const char **name);
/* A guard of the root's, for itself. */
fsm_code fsm__check_named_guard(fsm__loader *l, fsm__node guard, const char *name);

/* definition_delay.c */
fsm_code fsm__read_delay(fsm__loader *l, fsm__node node, const fsm_def_value **out);
fsm_code fsm__read_named_delay(fsm__loader *l, fsm__node delay, const fsm_def_value **out);
/* The delay that an `after` key stands for: milliseconds, a name or a duration. */
fsm_code fsm__read_delay_name(fsm__loader *l, const char *name, const char *where, const fsm_def_value **out);

/* definition_action.c */
typedef struct fsm__actions {
  fsm_def_action *items;
  size_t count, cap;
} fsm__actions;
fsm_code fsm__read_actions(fsm__loader *l, fsm__node node, fsm__actions *out);
/* A `context` patch: an assign. */
fsm_code fsm__read_patch(fsm__loader *l, fsm__node node, fsm__actions *out);

/* definition_send.c: the event of an action, and the actions that send one elsewhere. */
fsm_code fsm__read_event(fsm__loader *l, fsm__node action, fsm_def_action *out);
fsm_code fsm__read_send_to(fsm__loader *l, fsm__node action, fsm_def_action *out);
fsm_code fsm__read_send_parent(fsm__loader *l, fsm__node action, fsm_def_action *out);
fsm_code fsm__read_forward_to(fsm__loader *l, fsm__node action, fsm_def_action *out);

/* definition_transition.c: appends what node says (a target, an object or a list of both) for event
 * (NULL = eventless). */
typedef struct fsm__transitions {
  fsm_def_transition *items;
  size_t count, cap;
} fsm__transitions;
fsm_code fsm__read_transitions(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                               const char *event, fsm__transitions *out);
/* The branches of a choice state. */
fsm_code fsm__read_choice(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                          fsm__transitions *out);
/* One without a target, that only runs the action. */
fsm_code fsm__add_action_transition(fsm__loader *l, const char *event, const fsm_def_action *action,
                                    fsm__transitions *out);
/* Puts the action before all others of the transitions from `first` on. */
fsm_code fsm__prepend_action(fsm__loader *l, fsm__transitions *transitions, size_t first,
                             const fsm_def_action *action);
/* A target or a list of them, from source. */
fsm_code fsm__read_targets(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                           const char *const **targets, size_t *count);

/* definition_path.c */
fsm_code fsm__index_states(fsm__loader *l, fsm__node root);
fsm_code fsm__resolve_target(fsm__loader *l, const fsm__state_entry *source, fsm__node target,
                             const char **path);
/* The entry of a state by its path; NULL when there is none. */
const fsm__state_entry *fsm__state_at(const fsm__loader *l, const char *path);
/* The one with that id ("#" left out), or below it; NULL when there is none or no memory. */
const fsm__state_entry *fsm__state_with_id(fsm__loader *l, const char *id);
fsm_code fsm__no_such_state(fsm__loader *l, const char *where, const char *name);
/* The names of its events: a state's path, the machine's id for the root. */
const char *fsm__event_path(const fsm__loader *l, const fsm__state_entry *entry);
/* Is there an invoke of that id? Tells the nearest when not. */
fsm_code fsm__check_invoke_id(fsm__loader *l, fsm__node id);

/* definition_meta.c */
typedef enum fsm__meta_place {
  FSM__META_ROOT = 1,
  FSM__META_STATE = 2,
  FSM__META_TRANSITION = 4,
  FSM__META_INVOKE = 8
} fsm__meta_place;
/* allow: what meta.fsm.allow says; NULL where it has no meaning. */
fsm_code fsm__read_meta(fsm__loader *l, fsm__node node, fsm__meta_place place, fsm_value *out,
                        fsm_def_allow *allow);
/* definition_allow.c; an absent node is none. */
fsm_code fsm__read_allow(fsm__loader *l, fsm__node node, fsm_def_allow *out);
/* meta.fsm.keep of the root; 0 = none. */
int64_t fsm__keep_of(const fsm_value *meta);
int64_t fsm__sla_meta(const fsm_value *meta); /* 0 = none */
/* meta.fsm.level; otherwise where it says nothing. */
uint8_t fsm__level_of(const fsm_value *meta, uint8_t otherwise);
void fsm__task_policy_of(const fsm_value *meta, fsm_task_policy *out);
/* *out stays as it is where meta says nothing. */
void fsm__overdue_of(const fsm_value *meta, fsm_overdue *out);

/* definition_schema.c */
fsm_code fsm__read_schemas(fsm__loader *l, fsm__node root);
/* What expressions may read of an event of that name; NULL = anything. */
const fsm_shape *fsm__event_shape(fsm__loader *l, const char *event);
/* The event of the start, whose data is the input. */
const fsm_shape *fsm__input_shape(fsm__loader *l);

/* definition_invoke.c */
fsm_code fsm__read_invokes(fsm__loader *l, const fsm__state_entry *entry, fsm_def_state *out,
                           fsm__transitions *transitions, fsm_def_after *afters, size_t *after_count);

/* definition_state.c: the tree below entry 0. */
fsm_code fsm__read_states(fsm__loader *l, const fsm_def_state **out);
/* definition_event.c: the parts of a state that take events, in the order in which their transitions are
 * listed. */
fsm_code fsm__read_events(fsm__loader *l, const fsm__state_entry *entry, fsm_def_state *out);

/* definition_zone.c: the system's zones are there for expressions. */
fsm_code fsm__use_zones(fsm__loader *l);

/* definition_root.c: the whole. */
fsm_code fsm__read_definition(fsm__loader *l, fsm__node root, fsm_def *out);

#endif

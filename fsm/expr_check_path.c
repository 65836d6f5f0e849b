/* expr_check_path.c: members over shapes: which are there, and which name was probably meant. */
#include <string.h>

#include "fsm/expr_check.h"

/* ---- members ----------------------------------------------------------------------------------- */

/* The index of a member; count when there is none. */
static size_t member_of(const fsm_shape *object, const fsm_value *name) {
  size_t i = 0;
  while (i < object->count && !fsm_is_text(name, object->names[i])) i++;
  return i;
}

enum { NAME_MAX_LEN = 64, DISTANCE_MAX = 2 };

/* Insertions, deletions, replacements and swaps of neighbours from a to b; large when either is long. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len) {
  unsigned rows[3][NAME_MAX_LEN + 1];
  if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN) return NAME_MAX_LEN;
  for (size_t j = 0; j <= b_len; j++) rows[0][j] = (unsigned)j;
  for (size_t i = 1; i <= a_len; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_len; j++) {
      unsigned least = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < least) least = above[j] + 1;
      if (row[j - 1] + 1 < least) least = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && two_above[j - 2] + 1 < least) least = two_above[j - 2] + 1;
      row[j] = least;
    }
  }
  return rows[a_len % 3][b_len];
}

/* The member whose name is closest; NULL when none is close. */
static const char *closest(const fsm_shape *object, const fsm_value *name) {
  const char *found = NULL;
  unsigned least = DISTANCE_MAX + 1;
  for (size_t i = 0; i < object->count; i++) {
    unsigned far = distance(name->s, name->len, object->names[i], strlen(object->names[i]));
    if (far >= least || far >= name->len) continue;
    least = far;
    found = object->names[i];
  }
  return found;
}

static const fsm_shape *unknown_member(fsm__checker *c, const fsm__node *path, const fsm__node *step,
                                       const fsm_shape *object, const fsm_value *name) {
  const char *meant = closest(object, name);
  return fsm__clash(c, path->begin, step->end, "there is no member %.*s%s%s%s", (int)name->len, name->s,
                    meant ? ", did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

/* ---- steps ------------------------------------------------------------------------------------- */

static const fsm_shape *member(fsm__checker *c, const fsm__node *path, const fsm__node *step,
                               const fsm_shape *base, const fsm_value *name) {
  if (!base || base->kind == FSM_SHAPE_NULL) return NULL;
  if (base->kind == FSM_SHAPE_MAP) return base->item;
  if (base->kind != FSM_SHAPE_OBJECT)
    return fsm__clash(c, path->begin, step->end, "a value of the type %s has no member %.*s",
                      fsm__shape_name(base), (int)name->len, name->s);
  size_t i = member_of(base, name);
  if (i < base->count) return base->members[i];
  if (base->open || step->soft == FSM__OR_TYPE) return NULL;
  return unknown_member(c, path, step, base, name);
}

static const fsm_shape *entry(fsm__checker *c, const fsm__node *path, const fsm__node *step,
                              const fsm_shape *base) {
  const fsm__node *inside = step->kids;
  const fsm_shape *key = fsm__check_node(c, inside);
  if (c->code || !base || base->kind == FSM_SHAPE_NULL) return NULL;
  if (inside->kind == FSM__LITERAL && inside->value.type == FSM_STRING && fsm__may_be(base, FSM__IS_MAP))
    return member(c, path, step, base, &inside->value);
  bool list = base->kind == FSM_SHAPE_LIST;
  if (!list && !fsm__may_be(base, FSM__IS_MAP))
    return fsm__clash(c, path->begin, step->end,
                      "only a list or a map has entries, and this is of the type %s", fsm__shape_name(base));
  if (!fsm__may_be(key, list ? FSM__IS_NUMBER : FSM__IS_STRING))
    return fsm__clash(c, path->begin, step->end, "a %s is indexed by %s, not by a value of the type %s",
                      list ? "list" : "map with text keys", list ? "an int" : "a string",
                      fsm__shape_name(key));
  return base->kind == FSM_SHAPE_OBJECT ? NULL : base->item;
}

static const fsm_shape *variable(const fsm__checker *c, fsm__variable variable) {
  static const fsm_value data = {.type = FSM_STRING, .len = 4, .s = "data"};
  const fsm_expr_options *options = c->source->options;
  const fsm_shape *event = options->event;
  size_t i;
  switch (variable) {
    case FSM__CONTEXT: return options->context;
    case FSM__EVENT: return event;
    case FSM__ACTOR: return options->actor;
    case FSM__NOW: return fsm__kind_shape(FSM_SHAPE_TIMESTAMP);
    case FSM__INPUT:
      if (!event || event->kind != FSM_SHAPE_OBJECT) return NULL;
      i = member_of(event, &data);
      return i < event->count ? event->members[i] : NULL;
    case FSM__SYSTEM: break;
  }
  return NULL;
}

/* FSM_SHAPE_ANY in what the caller gave is NULL here. */
static const fsm_shape *known(const fsm_shape *shape) {
  return shape && shape->kind != FSM_SHAPE_ANY ? shape : NULL;
}

/* Behind an optional step all is optional, and nothing more is known. */
const fsm_shape *fsm__check_path(fsm__checker *c, const fsm__node *path) {
  if (path->kind == FSM__VARIABLE) return known(variable(c, path->variable));
  const fsm__node *base = path->kids;
  const fsm_shape *shape = fsm__check_node(c, base);
  for (const fsm__node *step = base->next; step && !c->code; step = step->next) {
    bool soft = step->soft == FSM__SOFT;
    if (step->kind == FSM__FIELD)
      shape = member(c, path, step, shape, &step->value);
    else
      shape = entry(c, path, step, shape);
    shape = soft ? NULL : known(shape);
  }
  return c->code ? NULL : shape;
}

/* expr_check.c: what can be known to go wrong before an expression runs.
 *
 * Bottom up, every node gets the shape of its value, from literals, the shapes that the caller gave and
 * the operators; what is not known is anything and clashes with nothing. So a clash that is reported is
 * one that evaluating could not avoid, but for errors that && || absorb.
 */
#include <stdio.h>

#include "fsm/expr_check.h"

/* ---- shapes ------------------------------------------------------------------------------------ */

const char *fsm__shape_name(const fsm_shape *shape) {
  static const char *const names[] = {[FSM_SHAPE_ANY] = "value",         [FSM_SHAPE_NULL] = "null",
                                      [FSM_SHAPE_BOOL] = "bool",         [FSM_SHAPE_INT] = "int",
                                      [FSM_SHAPE_NUMBER] = "number",     [FSM_SHAPE_STRING] = "string",
                                      [FSM_SHAPE_BYTES] = "bytes",       [FSM_SHAPE_TIMESTAMP] = "timestamp",
                                      [FSM_SHAPE_DURATION] = "duration", [FSM_SHAPE_LIST] = "list",
                                      [FSM_SHAPE_MAP] = "map",           [FSM_SHAPE_OBJECT] = "map"};
  return names[shape ? shape->kind : FSM_SHAPE_ANY];
}

const fsm_shape *fsm__kind_shape(int kind) {
  static const fsm_shape shapes[] = {
      {.kind = FSM_SHAPE_ANY},   {.kind = FSM_SHAPE_NULL},      {.kind = FSM_SHAPE_BOOL},
      {.kind = FSM_SHAPE_INT},   {.kind = FSM_SHAPE_NUMBER},    {.kind = FSM_SHAPE_STRING},
      {.kind = FSM_SHAPE_BYTES}, {.kind = FSM_SHAPE_TIMESTAMP}, {.kind = FSM_SHAPE_DURATION},
      {.kind = FSM_SHAPE_LIST},  {.kind = FSM_SHAPE_MAP}};
  return kind == FSM_SHAPE_ANY ? NULL : &shapes[kind];
}

const fsm_shape *fsm__shape_with(fsm__checker *c, int kind, const fsm_shape *item) {
  if (!item) return fsm__kind_shape(kind);
  fsm_shape *shape = fsm_arena_zalloc(c->source->arena, 1, sizeof *shape);
  if (!shape) {
    if (!c->code) c->code = fsm__expr_fail(c->source, FSM_ENOMEM, 0, "no memory to check the expression");
    return NULL;
  }
  shape->kind = kind;
  shape->item = item;
  return shape;
}

bool fsm__may_be(const fsm_shape *shape, int set) { return !shape || (1 << shape->kind & set); }

static int family(const fsm_shape *shape) {
  if (shape->kind == FSM_SHAPE_INT) return FSM_SHAPE_NUMBER;
  return shape->kind == FSM_SHAPE_OBJECT ? FSM_SHAPE_MAP : (int)shape->kind;
}

const fsm_shape *fsm__shape_join(const fsm_shape *a, const fsm_shape *b) {
  if (a == b) return a;
  if (!a || !b || family(a) != family(b) || a->nullable != b->nullable) return NULL;
  if (a->kind == b->kind && a->kind < FSM_SHAPE_LIST) return a;
  return fsm__kind_shape(family(a));
}

bool fsm__never_equal(const fsm_shape *a, const fsm_shape *b) {
  if (!a || !b || a->kind == FSM_SHAPE_NULL || b->kind == FSM_SHAPE_NULL) return false;
  return family(a) != family(b) && !(a->nullable && b->nullable);
}

/* ---- clashes ----------------------------------------------------------------------------------- */

const fsm_shape *fsm__clash(fsm__checker *c, size_t begin, size_t end, const char *format, ...) {
  enum { SLICE_MAX = 80 };
  if (c->code) return NULL;
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const char *source = c->source->text;
  size_t len = end - begin < SLICE_MAX ? end - begin : SLICE_MAX;
  while (begin + len < end && ((unsigned char)source[begin + len] & 0xc0) == 0x80) len--;
  c->code = fsm__expr_fail(c->source, FSM_EEXPRESSION, begin, "%.*s%s: %s", (int)len, source + begin,
                           begin + len < end ? "…" : "", text);
  return NULL;
}

const fsm_shape *fsm__check_is(fsm__checker *c, const fsm__node *node, int set, const char *expected) {
  const fsm_shape *shape = fsm__check_node(c, node);
  if (fsm__may_be(shape, set)) return shape;
  return fsm__clash(c, node->begin, node->end, "expected %s, and it is of the type %s", expected,
                    fsm__shape_name(shape));
}

/* ---- nodes ------------------------------------------------------------------------------------- */

static const fsm_shape *literal(const fsm_value *value) {
  static const uint8_t kinds[] = {[FSM_NULL] = FSM_SHAPE_NULL,         [FSM_BOOL] = FSM_SHAPE_BOOL,
                                  [FSM_INT] = FSM_SHAPE_INT,           [FSM_UINT] = FSM_SHAPE_INT,
                                  [FSM_DOUBLE] = FSM_SHAPE_NUMBER,     [FSM_STRING] = FSM_SHAPE_STRING,
                                  [FSM_BYTES] = FSM_SHAPE_BYTES,       [FSM_LIST] = FSM_SHAPE_LIST,
                                  [FSM_MAP] = FSM_SHAPE_MAP,           [FSM_TIMESTAMP] = FSM_SHAPE_TIMESTAMP,
                                  [FSM_DURATION] = FSM_SHAPE_DURATION, [FSM__TYPE] = FSM_SHAPE_ANY,
                                  [FSM__OPTIONAL] = FSM_SHAPE_ANY};
  return fsm__kind_shape(kinds[value->type]);
}

static const fsm_shape *local(const fsm__checker *c, const fsm__node *node) {
  const fsm__known *known = c->known;
  for (unsigned up = node->local.up; up > 0; up--) known = known->up;
  return known->shapes[node->local.which];
}

static const char bools[] = "true or false";

static const fsm_shape *logic(fsm__checker *c, const fsm__node *node) {
  for (const fsm__node *kid = node->kids; kid; kid = kid->next) fsm__check_is(c, kid, FSM__IS_BOOL, bools);
  return fsm__kind_shape(FSM_SHAPE_BOOL);
}

static const fsm_shape *choose(fsm__checker *c, const fsm__node *node) {
  fsm__check_is(c, node->kids, FSM__IS_BOOL, bools);
  const fsm_shape *a = fsm__check_node(c, node->kids->next);
  return fsm__shape_join(a, fsm__check_node(c, node->kids->next->next));
}

static const fsm_shape *fold(fsm__checker *c, const fsm__node *node) {
  const fsm_shape *left = fsm__check_node(c, node->kids);
  for (const fsm__node *kid = node->kids->next; kid && !c->code; kid = kid->next) {
    const fsm_shape *right = fsm__check_node(c, kid);
    left = fsm__check_op(c, (fsm__op)kid->op, left, right, node->kids->begin, kid->end);
  }
  return left;
}

static const fsm_shape *list(fsm__checker *c, const fsm__node *node) {
  const fsm_shape *item = NULL;
  for (const fsm__node *kid = node->kids; kid; kid = kid->next) {
    const fsm_shape *shape = fsm__check_node(c, kid);
    if (kid->soft) shape = NULL;
    item = kid == node->kids ? shape : fsm__shape_join(item, shape);
  }
  return fsm__shape_with(c, FSM_SHAPE_LIST, item);
}

/* Only a map with text keys has a shape. */
static const fsm_shape *map(fsm__checker *c, const fsm__node *node) {
  const fsm_shape *item = NULL;
  bool texts = true;
  for (const fsm__node *kid = node->kids; kid; kid = kid->next->next) {
    const fsm_shape *key = fsm__check_is(c, kid, FSM__IS_STRING | FSM__IS_NUMBER | FSM__IS_BOOL,
                                         "a string, an int, a uint or a bool as a key");
    const fsm_shape *shape = fsm__check_node(c, kid->next);
    if (kid->soft) shape = NULL;
    texts = texts && key && key->kind == FSM_SHAPE_STRING;
    item = kid == node->kids ? shape : fsm__shape_join(item, shape);
  }
  return texts ? fsm__shape_with(c, FSM_SHAPE_MAP, item) : NULL;
}

static const fsm_shape *merge(fsm__checker *c, const fsm__node *node) {
  for (const fsm__node *kid = node->kids; kid; kid = kid->next)
    fsm__check_is(c, kid, FSM__IS_MAP | FSM__IS_NULL, "a map");
  return fsm__kind_shape(FSM_SHAPE_MAP);
}

static const fsm_shape *or_other(fsm__checker *c, const fsm__node *node) {
  fsm__check_node(c, node->kids);
  fsm__check_node(c, node->kids->next);
  return NULL;
}

const fsm_shape *fsm__check_node(fsm__checker *c, const fsm__node *node) {
  if (c->code) return NULL;
  switch ((fsm__node_kind)node->kind) {
    case FSM__LITERAL: return literal(&node->value);
    case FSM__VARIABLE:
    case FSM__PATH: return fsm__check_path(c, node);
    case FSM__HAS: fsm__check_path(c, node->kids); return fsm__kind_shape(FSM_SHAPE_BOOL);
    case FSM__NOT: fsm__check_is(c, node->kids, FSM__IS_BOOL, bools); return fsm__kind_shape(FSM_SHAPE_BOOL);
    case FSM__NEGATE: return fsm__check_is(c, node->kids, FSM__IS_NUMBER, "a number");
    case FSM__AND:
    case FSM__OR: return logic(c, node);
    case FSM__FOLD: return fold(c, node);
    case FSM__CHOOSE: return choose(c, node);
    case FSM__LIST: return list(c, node);
    case FSM__MAP: return map(c, node);
    case FSM__CALL: return fsm__check_call(c, node);
    case FSM__MERGE: return merge(c, node);
    case FSM__LOCAL: return local(c, node);
    case FSM__MACRO: return fsm__check_macro(c, node);
    case FSM__OR_OTHER: return or_other(c, node);
    case FSM__FIELD:
    case FSM__INDEX: break; /* only inside a path */
  }
  return NULL;
}

fsm_code fsm__check(const fsm__source *source, const fsm_expr *expr) {
  fsm__checker c = {.source = source};
  const fsm_shape *shape = fsm__check_node(&c, expr->root);
  if (source->options->guard && !fsm__may_be(shape, FSM__IS_BOOL))
    fsm__clash(&c, 0, source->len, "a guard is true or false, and this is of the type %s",
               fsm__shape_name(shape));
  return c.code;
}

/* expr_check_call.c: functions and macros over shapes. A function without a row takes and gives anything. */
#include <string.h>

#include "fsm/expr_check.h"

/* ---- functions --------------------------------------------------------------------------------- */

typedef struct signature {
  const char *name;
  int first, second; /* sets, the receiver first; 0 = there is none */
  uint8_t result;    /* kind */
} signature;

enum {
  TIMES = FSM__IS_TIMESTAMP | FSM__IS_DURATION,
  SCALARS = FSM__IS_BOOL | FSM__IS_NUMBER | FSM__IS_STRING | FSM__IS_BYTES | TIMES
};

static const signature signatures[] = {
    {"size", FSM__IS_STRING | FSM__IS_BYTES | FSM__IS_LIST | FSM__IS_MAP, 0, FSM_SHAPE_INT},
    {"startsWith", FSM__IS_STRING, FSM__IS_STRING, FSM_SHAPE_BOOL},
    {"endsWith", FSM__IS_STRING, FSM__IS_STRING, FSM_SHAPE_BOOL},
    {"contains", FSM__IS_STRING, FSM__IS_STRING, FSM_SHAPE_BOOL},
    {"matches", FSM__IS_STRING, FSM__IS_STRING, FSM_SHAPE_BOOL},
    {"int", FSM__IS_NUMBER | FSM__IS_STRING | TIMES, 0, FSM_SHAPE_INT},
    {"uint", FSM__IS_NUMBER | FSM__IS_STRING, 0, FSM_SHAPE_INT},
    {"double", FSM__IS_NUMBER | FSM__IS_STRING, 0, FSM_SHAPE_NUMBER},
    {"string", SCALARS, 0, FSM_SHAPE_STRING},
    {"bool", FSM__IS_BOOL | FSM__IS_STRING, 0, FSM_SHAPE_BOOL},
    {"bytes", FSM__IS_STRING | FSM__IS_BYTES, 0, FSM_SHAPE_BYTES},
    {"In", FSM__IS_STRING, 0, FSM_SHAPE_BOOL},
    {"timestamp", FSM__IS_STRING | FSM__IS_NUMBER | FSM__IS_TIMESTAMP, 0, FSM_SHAPE_TIMESTAMP},
    {"duration", FSM__IS_STRING | FSM__IS_NUMBER | FSM__IS_DURATION, 0, FSM_SHAPE_DURATION},
    {"hasValue", FSM__IS_ANYTHING, 0, FSM_SHAPE_BOOL},
};

/* All getters are alike: x.getHours(), x.getHours(zone). */
static const signature getter = {"get", TIMES, FSM__IS_STRING, FSM_SHAPE_INT};

static const signature *signature_of(const char *name) {
  for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
    if (strcmp(signatures[i].name, name) == 0) return &signatures[i];
  return strncmp(name, "get", 3) == 0 ? &getter : NULL;
}

static void check_arg(fsm__checker *c, const fsm__node *call, const fsm__node *arg, int set) {
  const fsm_shape *shape = fsm__check_node(c, arg);
  if (set && !fsm__may_be(shape, set))
    fsm__clash(c, call->begin, call->end, "%s() does not take a value of the type %s", call->function->name,
               fsm__shape_name(shape));
}

const fsm_shape *fsm__check_call(fsm__checker *c, const fsm__node *node) {
  const signature *known = node->function ? signature_of(node->function->name) : NULL;
  const fsm__node *arg = node->kids;
  if (arg) check_arg(c, node, arg, known ? known->first : FSM__IS_ANYTHING);
  for (arg = arg ? arg->next : NULL; arg; arg = arg->next)
    check_arg(c, node, arg, known ? known->second : FSM__IS_ANYTHING);
  return known ? fsm__kind_shape(known->result) : NULL;
}

/* ---- macros ------------------------------------------------------------------------------------ */

/* What the variables are, over this range. */
static fsm__known variables(const fsm__checker *c, const fsm__node *node, const fsm_shape *range) {
  fsm__known known = {.up = c->known};
  bool two = node->macro.vars == 2, list = range && range->kind == FSM_SHAPE_LIST;
  const fsm_shape *item = range && (list || range->kind == FSM_SHAPE_MAP) ? range->item : NULL;
  if (item && item->kind == FSM_SHAPE_ANY) item = NULL;
  if (!range) return known;
  if (list)
    known.shapes[0] = two ? fsm__kind_shape(FSM_SHAPE_INT) : item;
  else
    known.shapes[0] = fsm__kind_shape(FSM_SHAPE_STRING);
  known.shapes[1] = item;
  return known;
}

static const fsm_shape *result(fsm__checker *c, const fsm__node *node, const fsm_shape *first,
                               const fsm_shape *last) {
  switch ((fsm__macro_kind)node->macro.kind) {
    case FSM__ALL:
    case FSM__EXISTS:
    case FSM__EXISTS_ONE: return fsm__kind_shape(FSM_SHAPE_BOOL);
    case FSM__MAP_TO: return fsm__shape_with(c, FSM_SHAPE_LIST, last);
    case FSM__FILTER: return fsm__shape_with(c, FSM_SHAPE_LIST, first);
    case FSM__TRANSFORM_MAP: /* the keys may be those of anything */
    case FSM__OPT_MAP:
    case FSM__OPT_FLAT_MAP: break;
  }
  return NULL;
}

static bool has_condition(const fsm__node *node) {
  uint8_t kind = node->macro.kind;
  return kind == FSM__ALL || kind == FSM__EXISTS || kind == FSM__EXISTS_ONE || kind == FSM__FILTER ||
         node->count > 2;
}

const fsm_shape *fsm__check_macro(fsm__checker *c, const fsm__node *node) {
  bool optional = node->macro.kind == FSM__OPT_MAP || node->macro.kind == FSM__OPT_FLAT_MAP;
  const fsm_shape *range = fsm__check_node(c, node->kids);
  if (!optional && !fsm__may_be(range, FSM__IS_LIST | FSM__IS_MAP))
    return fsm__clash(c, node->kids->begin, node->kids->end,
                      "a macro goes over a list or a map, and this is of the type %s",
                      fsm__shape_name(range));
  fsm__known known = variables(c, node, optional ? NULL : range);
  const fsm__node *body = node->kids->next;
  c->known = &known;
  const fsm_shape *last =
      has_condition(node) ? fsm__check_is(c, body, FSM__IS_BOOL, "true or false") : fsm__check_node(c, body);
  if (body->next) last = fsm__check_node(c, body->next);
  c->known = known.up;
  return c->code ? NULL : result(c, node, known.shapes[0], last);
}

/* expr_parse_call.c: what is written like a call: functions, has(), macros, merge().
 *
 * A macro binds its variables for its body only; the range is read outside of them. Within
 * x.all(i, v, …) the commas tell how many variables there are: the expression is never followed by one.
 */
#include <string.h>

#include "fsm/expr_parse.h"

/* ---- arguments --------------------------------------------------------------------------------- */

/* One expression as an argument. */
static fsm__node *parse_arg(fsm__parser *p) {
  if (!fsm__enter(p)) return NULL;
  fsm__node *arg = fsm__parse_expr(p);
  fsm__leave(p);
  return arg;
}

static void parse_args(fsm__parser *p, fsm__node *call, fsm__node **last) {
  if (fsm__accept(p, FSM__T_RPAREN)) return;
  do {
    if (!fsm__append(p, call, last, parse_arg(p))) return;
  } while (fsm__accept(p, FSM__T_COMMA));
  fsm__expect(p, FSM__T_RPAREN);
}

static fsm__node *parse_has(fsm__parser *p, size_t begin) {
  fsm__node *node = fsm__new_node(p, FSM__HAS, begin), *last = NULL;
  size_t inside = p->token.begin;
  fsm__node *path = parse_arg(p);
  if (!path) return NULL;
  fsm__node *step = path->kids;
  if (path->kind == FSM__PATH)
    while (step->next) step = step->next;
  if (path->kind != FSM__PATH || step->kind != FSM__FIELD)
    return fsm__parse_fail(p, inside, "has() takes a field such as context.amount and nothing else");
  if (!fsm__append(p, node, &last, path) || !fsm__expect(p, FSM__T_RPAREN)) return NULL;
  return fsm__finish(p, node);
}

static fsm__node *parse_merge(fsm__parser *p, const fsm__token *name) {
  fsm__node *node = fsm__new_node(p, FSM__MERGE, name->begin), *last = NULL;
  if (!node) return NULL;
  parse_args(p, node, &last);
  if (!p->code && !node->count) return fsm__parse_fail(p, name->begin, "merge() takes one map or more");
  return fsm__finish(p, node);
}

/* x.or(y) and x.orValue(y) */
static fsm__node *parse_or_other(fsm__parser *p, const fsm__token *name, fsm__node *receiver) {
  fsm__node *node = fsm__new_node(p, FSM__OR_OTHER, receiver->begin), *last = NULL;
  if (!fsm__append(p, node, &last, receiver) || !fsm__append(p, node, &last, parse_arg(p))) return NULL;
  node->or_value = name->value.len > 2;
  return fsm__expect(p, FSM__T_RPAREN) ? fsm__finish(p, node) : NULL;
}

/* ---- macros ------------------------------------------------------------------------------------ */

typedef struct macro_row {
  const char *name;
  uint8_t kind, least_vars, most_vars, most_args;
  const char *form;
} macro_row;

static const macro_row macros[] = {
    {"all", FSM__ALL, 1, 2, 1, "x.all(item, condition)"},
    {"exists", FSM__EXISTS, 1, 2, 1, "x.exists(item, condition)"},
    {"exists_one", FSM__EXISTS_ONE, 1, 2, 1, "x.exists_one(item, condition)"},
    {"existsOne", FSM__EXISTS_ONE, 1, 2, 1, "x.existsOne(item, condition)"},
    {"map", FSM__MAP_TO, 1, 1, 2, "x.map(item, value) or x.map(item, condition, value)"},
    {"filter", FSM__FILTER, 1, 1, 1, "x.filter(item, condition)"},
    {"transformList", FSM__MAP_TO, 2, 2, 2, "x.transformList(index, item, value)"},
    {"transformMap", FSM__TRANSFORM_MAP, 2, 2, 2, "x.transformMap(key, item, value)"},
    {"optMap", FSM__OPT_MAP, 1, 1, 1, "x.optMap(item, value)"},
    {"optFlatMap", FSM__OPT_FLAT_MAP, 1, 1, 1, "x.optFlatMap(item, optional)"},
};

static const macro_row *find_macro(const fsm_value *name) {
  for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
    if (fsm_is_text(name, macros[i].name)) return &macros[i];
  return NULL;
}

static fsm__node *bad_form(fsm__parser *p, const macro_row *row, size_t at) {
  return fsm__parse_fail(p, at, "%s() is written %s", row->name, row->form);
}

static bool at_variable(const fsm__parser *p) {
  return fsm__at(p, FSM__T_NAME) && p->source->text[p->token.begin] != '`' &&
         fsm__followed_by(p, FSM__T_COMMA);
}

static bool parse_variables(fsm__parser *p, const macro_row *row, fsm__bound *bound) {
  size_t begin = p->token.begin;
  while (bound->count < row->most_vars && at_variable(p)) {
    bound->names[bound->count++] = p->token.value;
    fsm__advance(p);
    fsm__advance(p);
  }
  if (bound->count < row->least_vars) {
    bad_form(p, row, begin);
    return false;
  }
  const fsm_value *names = bound->names;
  if (bound->count == 2 && fsm_value_same(&names[0], &names[1]))
    fsm__parse_fail(p, begin, "the two variables of %s() have one name", row->name);
  return !p->code;
}

static fsm__node *parse_macro(fsm__parser *p, const macro_row *row, const fsm__token *name,
                              fsm__node *range) {
  fsm__node *node = fsm__new_node(p, FSM__MACRO, range->begin), *last = NULL;
  fsm__bound bound = {.up = p->bound};
  if (!fsm__append(p, node, &last, range) || !parse_variables(p, row, &bound)) return NULL;
  unsigned before = p->nodes, args = 0;
  p->bound = &bound;
  do {
    if (args++ == row->most_args)
      bad_form(p, row, name->begin);
    else
      fsm__append(p, node, &last, parse_arg(p));
  } while (fsm__accept(p, FSM__T_COMMA));
  p->bound = bound.up;
  if (!fsm__expect(p, FSM__T_RPAREN)) return NULL;
  node->macro =
      (fsm__macro){.kind = row->kind, .vars = (uint8_t)bound.count, .weight = (uint16_t)(p->nodes - before)};
  if (row->kind == FSM__OPT_MAP || row->kind == FSM__OPT_FLAT_MAP) p->expr->beyond = true;
  return fsm__finish(p, node);
}

/* ---- functions --------------------------------------------------------------------------------- */

static fsm__node *fail_call(fsm__parser *p, const fsm__token *name, bool received,
                            const fsm__function *function) {
  const char *text = name->value.s;
  int len = (int)name->value.len;
  const macro_row *macro = find_macro(&name->value);
  if (p->code) return NULL;
  if (macro) return bad_form(p, macro, name->begin);
  if (!function) return fsm__parse_fail(p, name->begin, "there is no function %.*s()", len, text);
  return fsm__parse_fail(p, name->begin,
                         received ? "%.*s() is called as %.*s(x)" : "%.*s() is called as x.%.*s()", len, text,
                         len, text);
}

static fsm__node *fail_count(fsm__parser *p, const fsm__token *name, const fsm__node *call, unsigned own) {
  const fsm__function *function = call->function;
  return fsm__parse_fail(p, name->begin, "%s() takes %u argument%s, found %u", function->name,
                         function->args - own, function->args - own == 1 ? "" : "s", call->count - own);
}

static fsm__node *parse_function(fsm__parser *p, const fsm__token *name, fsm__node *receiver) {
  const fsm__function *function = fsm__function_find(name->value.s, name->value.len);
  bool unchecked = p->source->options && p->source->options->unchecked;
  bool fits = function && (receiver ? function->received : function->plain);
  if (!fits && !(unchecked && !function)) return fail_call(p, name, receiver != NULL, function);
  fsm__node *call = fsm__new_node(p, FSM__CALL, receiver ? receiver->begin : name->begin), *last = NULL;
  if (!call) return NULL;
  call->function = function;
  if (receiver && !fsm__append(p, call, &last, receiver)) return NULL;
  parse_args(p, call, &last);
  if (p->code) return NULL;
  if (function && (call->count > function->args || call->count + function->optional < function->args))
    return fail_count(p, name, call, receiver ? 1 : 0);
  call = fsm__finish(p, call);
  if (call && function && function->prepare) p->code = function->prepare(p->source, call);
  return p->code ? NULL : call;
}

fsm__node *fsm__parse_call(fsm__parser *p, const fsm__token *name, fsm__node *receiver) {
  const macro_row *macro = receiver ? find_macro(&name->value) : NULL;
  if (macro) return parse_macro(p, macro, name, receiver);
  if (receiver && (fsm_is_text(&name->value, "orValue") || fsm_is_text(&name->value, "or")))
    return parse_or_other(p, name, receiver);
  if (!receiver && fsm_is_text(&name->value, "has")) return parse_has(p, name->begin);
  if (!receiver && fsm_is_text(&name->value, "merge")) return parse_merge(p, name);
  if (memchr(name->value.s, '.', name->value.len) || fsm_is_text(&name->value, "type"))
    p->expr->beyond = true;
  return parse_function(p, name, receiver);
}

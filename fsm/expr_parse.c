/* expr_parse.c: tokens to a tree of nodes, by recursive descent after the grammar of CEL.
 *
 *   expr     = or ["?" or ":" expr]            unary   = ("!" | "-") unary | member
 *   or, and  = n-ary                           member  = primary {step}
 *   relation = sum {relop sum}                 step    = "." NAME ["(" args ")"] | "[" expr "]"
 *   sum, product = the same with + - and * / %         | (".?" | "?.") NAME | "[?" expr "]"
 *   primary  = literal | ["."] NAME ["(" args ")"] | "(" expr ")" | list | map
 */
#include <string.h>

#include "fsm/expr_parse.h"

static fsm__node *parse_unary(fsm__parser *p);

/* ---- primary ----------------------------------------------------------------------------------- */

/* The entries between `open` and `close`, a comma at the end allowed; a map's entry is key ':' value. */
static fsm__node *parse_collection(fsm__parser *p, fsm__node_kind kind, fsm__token_kind close) {
  fsm__node *node = fsm__new_node(p, kind, p->token.begin), *last = NULL;
  fsm__advance(p);
  if (!fsm__enter(p)) return NULL;
  while (!p->code && !fsm__at(p, close)) {
    bool soft = fsm__accept(p, FSM__T_QUESTION);
    if (!fsm__append(p, node, &last, fsm__parse_expr(p))) break;
    if (soft) last->soft = FSM__SOFT;
    if (kind == FSM__MAP &&
        (!fsm__expect(p, FSM__T_COLON) || !fsm__append(p, node, &last, fsm__parse_expr(p))))
      break;
    if (!fsm__accept(p, FSM__T_COMMA)) break;
  }
  fsm__leave(p);
  if (!p->code && !fsm__at(p, close)) fsm__expected(p, kind == FSM__MAP ? "',' or '}'" : "',' or ']'");
  fsm__advance(p);
  return fsm__finish(p, node);
}

static fsm__node *parse_parens(fsm__parser *p) {
  size_t begin = p->token.begin;
  fsm__advance(p);
  if (!fsm__enter(p)) return NULL;
  fsm__node *node = fsm__parse_expr(p);
  fsm__leave(p);
  if (!node || !fsm__expect(p, FSM__T_RPAREN)) return NULL;
  node->begin = (uint16_t)begin;
  node->end = p->last_end;
  return node;
}

static fsm__node *parse_literal(fsm__parser *p) {
  fsm__token token = p->token;
  fsm_value value = token.value;
  if (token.kind == FSM__T_INT) {
    if (value.u > INT64_MAX)
      return fsm__parse_fail(p, token.begin, "the number does not fit into an int; a uint ends in u");
    value = fsm_int((int64_t)value.u);
  }
  if (token.kind == FSM__T_TRUE || token.kind == FSM__T_FALSE) value = fsm_bool(token.kind == FSM__T_TRUE);
  if (token.kind == FSM__T_NULL) value = fsm_null();
  fsm__advance(p);
  return fsm__new_literal(p, token.begin, value);
}

static fsm__node *parse_primary(fsm__parser *p) {
  p->open = NULL;
  if (p->code) return NULL;
  switch (p->token.kind) {
    case FSM__T_INT:
    case FSM__T_UINT:
    case FSM__T_DOUBLE:
    case FSM__T_STRING:
    case FSM__T_BYTES:
    case FSM__T_TRUE:
    case FSM__T_FALSE:
    case FSM__T_NULL: return parse_literal(p);
    case FSM__T_NAME: return fsm__parse_name(p, false);
    case FSM__T_DOT:
      if (!fsm__followed_by(p, FSM__T_NAME)) break;
      fsm__advance(p);
      return fsm__parse_name(p, true);
    case FSM__T_LPAREN: return parse_parens(p);
    case FSM__T_LBRACKET: return parse_collection(p, FSM__LIST, FSM__T_RBRACKET);
    case FSM__T_LBRACE: return parse_collection(p, FSM__MAP, FSM__T_RBRACE);
    default: break;
  }
  fsm__expected(p, "an expression");
  return NULL;
}

/* ---- member ------------------------------------------------------------------------------------ */

/* a?.b reads like a condition; only a digit behind the dot makes it one. */
static bool at_soft_dot(const fsm__parser *p) {
  if (!fsm__at(p, FSM__T_QUESTION)) return false;
  const char *text = p->source->text + p->token.begin;
  return text[1] == '.' && (text[2] < '0' || text[2] > '9');
}

static fsm__node *parse_index(fsm__parser *p) {
  fsm__node *step = fsm__new_node(p, FSM__INDEX, p->token.begin), *last = NULL;
  fsm__advance(p);
  if (!fsm__enter(p)) return NULL;
  bool soft = fsm__accept(p, FSM__T_QUESTION);
  fsm__node *inside = fsm__parse_expr(p);
  fsm__leave(p);
  if (!fsm__append(p, step, &last, inside) || !fsm__expect(p, FSM__T_RBRACKET)) return NULL;
  step->soft = soft ? FSM__SOFT : FSM__FIRM;
  return fsm__finish(p, step);
}

/* The dot is taken, a '?' on either side of it too. */
static fsm__node *parse_field(fsm__parser *p, bool soft) {
  fsm__token name = p->token;
  if (!fsm__expect(p, FSM__T_NAME)) return NULL;
  fsm__node *step = fsm__new_node(p, FSM__FIELD, name.begin);
  if (!step) return NULL;
  step->value = name.value;
  step->soft = soft ? FSM__SOFT : FSM__FIRM;
  return step;
}

fsm__node *fsm__close_path(fsm__parser *p, fsm__node *node, bool is_path) {
  uint16_t end = node->end; /* more may have been taken already, to see whether a step follows */
  p->open = NULL;
  if (is_path) node = fsm__finish(p, node);
  if (node) node->end = end;
  if (node && !p->code) p->code = fsm__note_read(p->source, p->expr, node);
  return p->code ? NULL : node;
}

/* One more step behind node: behind the same path, or the first of a new one. */
static fsm__node *add_step(fsm__parser *p, fsm__node *node, fsm__node **path, fsm__node **last,
                           fsm__node *step) {
  if (!step) return NULL;
  if (step->soft) p->expr->beyond = true;
  if (!*path) {
    *path = fsm__new_node(p, FSM__PATH, node->begin);
    *last = NULL;
    if (!*path || !fsm__append(p, *path, last, node)) return NULL;
  }
  if (!fsm__append(p, *path, last, step)) return NULL;
  (*path)->end = p->last_end;
  return *path;
}

static fsm__node *parse_member(fsm__parser *p) {
  fsm__node *node = parse_primary(p), *path = NULL, *last = NULL;
  if (node && p->open == node) path = node, last = node->kids->next;
  while (node) {
    fsm__node *step;
    if (fsm__at(p, FSM__T_LBRACKET)) {
      step = parse_index(p);
    } else if (at_soft_dot(p)) {
      fsm__advance(p);
      fsm__advance(p);
      step = parse_field(p, true);
    } else if (fsm__accept(p, FSM__T_DOT)) {
      if (!fsm__at(p, FSM__T_NAME) || !fsm__followed_by(p, FSM__T_LPAREN)) {
        bool soft = fsm__accept(p, FSM__T_QUESTION);
        step = parse_field(p, soft);
      } else {
        fsm__token name = p->token;
        fsm__advance(p);
        fsm__advance(p);
        node = fsm__close_path(p, node, path != NULL);
        if (node) node = fsm__parse_call(p, &name, node);
        path = NULL;
        continue;
      }
    } else {
      break;
    }
    node = add_step(p, node, &path, &last, step);
  }
  return node ? fsm__close_path(p, node, path != NULL) : NULL;
}

/* ---- operators --------------------------------------------------------------------------------- */

/* A sign directly before a number belongs to it, so that the least int can be written. */
static fsm__node *parse_minus(fsm__parser *p, size_t begin) {
  if (fsm__at(p, FSM__T_INT)) {
    if (p->token.value.u > (uint64_t)INT64_MAX + 1) return parse_member(p);
    fsm_value value = fsm_int((int64_t)(0 - p->token.value.u));
    fsm__advance(p);
    return fsm__new_literal(p, begin, value);
  }
  if (fsm__at(p, FSM__T_DOUBLE)) {
    fsm_value value = fsm_double(-p->token.value.d);
    fsm__advance(p);
    return fsm__new_literal(p, begin, value);
  }
  fsm__node *node = fsm__new_node(p, FSM__NEGATE, begin), *last = NULL;
  if (!fsm__append(p, node, &last, parse_unary(p))) return NULL;
  return fsm__finish(p, node);
}

static fsm__node *parse_unary(fsm__parser *p) {
  size_t begin = p->token.begin;
  bool minus = fsm__at(p, FSM__T_MINUS);
  if (!minus && !fsm__at(p, FSM__T_NOT)) return parse_member(p);
  fsm__advance(p);
  if (!fsm__enter(p)) return NULL;
  fsm__node *node, *last = NULL;
  if (minus) {
    node = parse_minus(p, begin);
  } else {
    node = fsm__new_node(p, FSM__NOT, begin);
    node = fsm__append(p, node, &last, parse_unary(p)) ? fsm__finish(p, node) : NULL;
  }
  fsm__leave(p);
  return node;
}

/* The three levels of operators that fold from left to right. */
enum { RELATION, SUM, PRODUCT, OPERAND };

static bool op_at(const fsm__parser *p, unsigned level, fsm__op *op) {
  static const struct {
    uint8_t token, level, op;
  } ops[] = {
      {FSM__T_EQ, RELATION, FSM__EQ},    {FSM__T_NE, RELATION, FSM__NE},
      {FSM__T_LT, RELATION, FSM__LT},    {FSM__T_LE, RELATION, FSM__LE},
      {FSM__T_GT, RELATION, FSM__GT},    {FSM__T_GE, RELATION, FSM__GE},
      {FSM__T_IN, RELATION, FSM__IN},    {FSM__T_PLUS, SUM, FSM__ADD},
      {FSM__T_MINUS, SUM, FSM__SUB},     {FSM__T_STAR, PRODUCT, FSM__MUL},
      {FSM__T_SLASH, PRODUCT, FSM__DIV}, {FSM__T_PERCENT, PRODUCT, FSM__MOD},
  };
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (ops[i].level != level || !fsm__at(p, (fsm__token_kind)ops[i].token)) continue;
    *op = (fsm__op)ops[i].op;
    return true;
  }
  return false;
}

static fsm__node *parse_fold(fsm__parser *p, unsigned level) {
  if (level == OPERAND) return parse_unary(p);
  fsm__node *node = parse_fold(p, level + 1), *fold = NULL, *last = NULL;
  fsm__op op;
  while (node && op_at(p, level, &op)) {
    fsm__advance(p);
    if (!fold) {
      fold = fsm__new_node(p, FSM__FOLD, node->begin);
      if (!fsm__append(p, fold, &last, node)) return NULL;
      node = fold;
    }
    fsm__node *operand = parse_fold(p, level + 1);
    if (!fsm__append(p, fold, &last, operand)) return NULL;
    operand->op = (uint8_t)op;
  }
  return fold && node ? fsm__finish(p, fold) : node;
}

/* && binds closer than ||; both take any number of operands in one node. */
static fsm__node *parse_logic(fsm__parser *p, fsm__node_kind kind) {
  fsm__token_kind sign = kind == FSM__OR ? FSM__T_OR : FSM__T_AND;
  fsm__node *node = kind == FSM__OR ? parse_logic(p, FSM__AND) : parse_fold(p, RELATION);
  if (!node || !fsm__at(p, sign)) return node;
  fsm__node *logic = fsm__new_node(p, kind, node->begin), *last = NULL;
  if (!fsm__append(p, logic, &last, node)) return NULL;
  while (fsm__accept(p, sign)) {
    node = kind == FSM__OR ? parse_logic(p, FSM__AND) : parse_fold(p, RELATION);
    if (!fsm__append(p, logic, &last, node)) return NULL;
  }
  return fsm__finish(p, logic);
}

fsm__node *fsm__parse_expr(fsm__parser *p) {
  fsm__node *condition = parse_logic(p, FSM__OR);
  if (!condition || !fsm__at(p, FSM__T_QUESTION)) return condition;
  fsm__node *choose = fsm__new_node(p, FSM__CHOOSE, condition->begin), *last = NULL;
  fsm__advance(p);
  if (!fsm__append(p, choose, &last, condition) || !fsm__enter(p)) return NULL;
  bool whole = fsm__append(p, choose, &last, parse_logic(p, FSM__OR)) && fsm__expect(p, FSM__T_COLON) &&
               fsm__append(p, choose, &last, fsm__parse_expr(p));
  fsm__leave(p);
  return whole ? fsm__finish(p, choose) : NULL;
}

fsm_code fsm__parse(fsm__source *source, fsm_expr *expr) {
  fsm__parser p = {.source = source, .expr = expr};
  fsm__advance(&p);
  expr->root = fsm__parse_expr(&p);
  if (!p.code && !fsm__at(&p, FSM__T_END)) fsm__expected(&p, "an operator or the end");
  FSM_ASSERT(p.code || expr->root);
  return p.code;
}

/* expr_parse.c: tokens to a tree of nodes, by recursive descent after the grammar of CEL.
 *
 *   expr     = or ["?" or ":" expr]            unary   = ("!" | "-") unary | member
 *   or, and  = n-ary                           member  = primary {"." NAME ["(" args ")"] | "[" expr "]"}
 *   relation = sum {relop sum}                 primary = literal | NAME ["(" args ")"] | "(" expr ")" | list
 * | map sum, product = the same with + - and * / %
 *
 * The first fault stays in parser.code and every function returns NULL from then on. Two bounds keep
 * all later walks small: brackets and prefixes nest at most FSM_EXPR_DEPTH_MAX deep while parsing, and
 * no finished node is higher than that.
 */
#include <string.h>

#include "fsm/expr_impl.h"

typedef struct parser {
  fsm__source *source;
  fsm_expr *expr;
  fsm__token token; /* the next one */
  fsm_code code;
  unsigned depth, nodes;
  uint16_t last_end; /* of the token before */
} parser;

static fsm__node *parse_expr(parser *p);
static fsm__node *parse_unary(parser *p);

/* ---- tokens and faults ------------------------------------------------------------------------- */

static void advance(parser *p) {
  p->last_end = p->token.end;
  if (!p->code) p->code = fsm__lex(p->source, &p->token);
}

static bool at(const parser *p, fsm__token_kind kind) { return !p->code && p->token.kind == kind; }

static bool accept(parser *p, fsm__token_kind kind) {
  if (!at(p, kind)) return false;
  advance(p);
  return !p->code;
}

static void expected(parser *p, const char *what) {
  if (p->code) return;
  const fsm__token *token = &p->token;
  size_t len = (size_t)token->end - token->begin;
  if (token->kind == FSM__T_END)
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, token->begin, "expected %s, found the end", what);
  else
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, token->begin, "expected %s, found '%.*s'", what,
                             (int)len, p->source->text + token->begin);
}

static bool expect(parser *p, fsm__token_kind kind) {
  static const char *const names[] = {
#define X(symbol, text) [FSM__T_##symbol] = text,
      FSM__TOKENS(X)
#undef X
  };
  if (at(p, kind)) return accept(p, kind);
  expected(p, names[kind]);
  return false;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

static fsm__node *new_node(parser *p, fsm__node_kind kind, size_t begin) {
  if (p->code) return NULL;
  if (p->nodes == FSM_EXPR_NODES_MAX) {
    p->code = fsm__expr_fail(p->source, FSM_ETOOLARGE, begin, "the expression has more than %d parts",
                             FSM_EXPR_NODES_MAX);
    return NULL;
  }
  fsm__node *node = fsm_arena_zalloc(p->source->arena, 1, sizeof *node);
  if (!node) {
    p->code = fsm__expr_fail(p->source, FSM_ENOMEM, begin, "no memory for the expression");
    return NULL;
  }
  p->nodes++;
  node->kind = (uint8_t)kind;
  node->begin = (uint16_t)begin;
  node->end = p->last_end;
  return node;
}

static fsm__node *too_deep(parser *p, size_t begin) {
  if (!p->code)
    p->code = fsm__expr_fail(p->source, FSM_ETOOLARGE, begin,
                             "the expression is nested more than %d levels deep", FSM_EXPR_DEPTH_MAX);
  return NULL;
}

/* Every construct that recurses is entered and left through these two. */
static bool enter(parser *p) {
  if (p->code) return false;
  if (p->depth == FSM_EXPR_DEPTH_MAX) {
    too_deep(p, p->token.begin);
    return false;
  }
  p->depth++;
  return true;
}

static void leave(parser *p) { p->depth--; }

/* Appends a child; *last is the one before it. */
static bool append(parser *p, fsm__node *parent, fsm__node **last, fsm__node *kid) {
  if (p->code || !kid) return false;
  if (*last)
    (*last)->next = kid;
  else
    parent->kids = kid;
  *last = kid;
  parent->count++;
  if (kid->height > parent->height) parent->height = kid->height;
  return true;
}

/* A node whose children are complete: its source ends here, and it is one higher than they are. */
static fsm__node *finish(parser *p, fsm__node *node) {
  if (p->code) return NULL;
  if (node->height == FSM_EXPR_DEPTH_MAX) return too_deep(p, node->begin);
  node->height++;
  node->end = p->last_end;
  return node;
}

static fsm__node *new_literal(parser *p, size_t begin, fsm_value value) {
  fsm__node *node = new_node(p, FSM__LITERAL, begin);
  if (node) node->value = value;
  return node;
}

/* ---- calls ------------------------------------------------------------------------------------- */

static fsm__node *parse_has(parser *p, size_t begin) {
  fsm__node *node = new_node(p, FSM__HAS, begin), *last = NULL;
  if (!enter(p)) return NULL;
  size_t inside = p->token.begin;
  fsm__node *path = parse_expr(p);
  leave(p);
  if (!path) return NULL;
  fsm__node *step = path->kids;
  if (path->kind == FSM__PATH)
    while (step->next) step = step->next;
  if (path->kind != FSM__PATH || step->kind != FSM__FIELD) {
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, inside,
                             "has() takes a field such as context.amount and nothing else");
    return NULL;
  }
  if (!append(p, node, &last, path) || !expect(p, FSM__T_RPAREN)) return NULL;
  return finish(p, node);
}

static void fail_call(parser *p, const fsm__token *name, bool received, const fsm__function *function) {
  const char *text = name->value.s;
  int len = (int)name->value.len;
  const char *later = fsm__function_later(text, name->value.len);
  if (p->code) return;
  if (later)
    p->code = fsm__expr_fail(p->source, FSM_EUNSUPPORTED, name->begin, "the %s %.*s() is not supported yet",
                             later, len, text);
  else if (!function)
    p->code =
        fsm__expr_fail(p->source, FSM_EEXPRESSION, name->begin, "there is no function %.*s()", len, text);
  else
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, name->begin,
                             received ? "%.*s() is called as %.*s(x)" : "%.*s() is called as x.%.*s()", len,
                             text, len, text);
}

static void parse_args(parser *p, fsm__node *call, fsm__node **last) {
  if (accept(p, FSM__T_RPAREN)) return;
  do {
    if (!enter(p)) return;
    fsm__node *arg = parse_expr(p);
    leave(p);
    if (!append(p, call, last, arg)) return;
  } while (accept(p, FSM__T_COMMA));
  expect(p, FSM__T_RPAREN);
}

/* The '(' is taken. receiver is NULL for name(...). */
static fsm__node *parse_call(parser *p, const fsm__token *name, fsm__node *receiver) {
  const fsm__function *function = fsm__function_find(name->value.s, name->value.len);
  if (!function || !(receiver ? function->received : function->plain)) {
    fail_call(p, name, receiver != NULL, function);
    return NULL;
  }
  fsm__node *call = new_node(p, FSM__CALL, receiver ? receiver->begin : name->begin), *last = NULL;
  if (!call) return NULL;
  call->function = function;
  if (receiver && !append(p, call, &last, receiver)) return NULL;
  parse_args(p, call, &last);
  if (p->code) return NULL;
  if (call->count > function->args || call->count + function->optional < function->args) {
    unsigned own = receiver ? 1 : 0;
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, name->begin, "%s() takes %u argument%s, found %u",
                             function->name, function->args - own, function->args - own == 1 ? "" : "s",
                             call->count - own);
    return NULL;
  }
  if (function->prepare) p->code = function->prepare(p->source, call);
  return finish(p, call);
}

/* ---- primary ----------------------------------------------------------------------------------- */

static fsm__node *parse_variable(parser *p, const fsm__token *name) {
  static const char *const names[] = {[FSM__CONTEXT] = "context",
                                      [FSM__EVENT] = "event",
                                      [FSM__ACTOR] = "actor",
                                      [FSM__NOW] = "now",
                                      [FSM__INPUT] = "input"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!fsm_is_text(&name->value, names[i])) continue;
    fsm__node *node = new_node(p, FSM__VARIABLE, name->begin);
    if (node) node->variable = (fsm__variable)i;
    return node;
  }
  p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, name->begin,
                           "unknown name '%.*s', expected context, event, actor, now or input",
                           (int)name->value.len, name->value.s);
  return NULL;
}

static fsm__node *parse_name(parser *p) {
  fsm__token name = p->token;
  advance(p);
  if (!at(p, FSM__T_LPAREN)) return p->code ? NULL : parse_variable(p, &name);
  if (!accept(p, FSM__T_LPAREN)) return NULL;
  if (fsm_is_text(&name.value, "has")) return parse_has(p, name.begin);
  return parse_call(p, &name, NULL);
}

/* The entries between `open` and `close`, a comma at the end allowed; a map's entry is key ':' value. */
static fsm__node *parse_collection(parser *p, fsm__node_kind kind, fsm__token_kind close) {
  fsm__node *node = new_node(p, kind, p->token.begin), *last = NULL;
  advance(p);
  if (!enter(p)) return NULL;
  while (!p->code && !at(p, close)) {
    if (!append(p, node, &last, parse_expr(p))) break;
    if (kind == FSM__MAP && (!expect(p, FSM__T_COLON) || !append(p, node, &last, parse_expr(p)))) break;
    if (!accept(p, FSM__T_COMMA)) break;
  }
  leave(p);
  if (!p->code && !at(p, close)) expected(p, kind == FSM__MAP ? "',' or '}'" : "',' or ']'");
  advance(p);
  return finish(p, node);
}

static fsm__node *parse_parens(parser *p) {
  size_t begin = p->token.begin;
  advance(p);
  if (!enter(p)) return NULL;
  fsm__node *node = parse_expr(p);
  leave(p);
  if (!node || !expect(p, FSM__T_RPAREN)) return NULL;
  node->begin = (uint16_t)begin;
  node->end = p->last_end;
  return node;
}

static fsm__node *parse_literal(parser *p) {
  fsm__token token = p->token;
  fsm_value value = token.value;
  if (token.kind == FSM__T_INT) {
    if (value.u > INT64_MAX) {
      p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, token.begin,
                               "the number does not fit into an int; a uint ends in u");
      return NULL;
    }
    value = fsm_int((int64_t)value.u);
  }
  if (token.kind == FSM__T_TRUE || token.kind == FSM__T_FALSE) value = fsm_bool(token.kind == FSM__T_TRUE);
  if (token.kind == FSM__T_NULL) value = fsm_null();
  advance(p);
  return new_literal(p, token.begin, value);
}

static fsm__node *parse_primary(parser *p) {
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
    case FSM__T_NAME: return parse_name(p);
    case FSM__T_LPAREN: return parse_parens(p);
    case FSM__T_LBRACKET: return parse_collection(p, FSM__LIST, FSM__T_RBRACKET);
    case FSM__T_LBRACE: return parse_collection(p, FSM__MAP, FSM__T_RBRACE);
    default: expected(p, "an expression"); return NULL;
  }
}

/* ---- member ------------------------------------------------------------------------------------ */

static fsm__node *parse_index(parser *p) {
  fsm__node *step = new_node(p, FSM__INDEX, p->token.begin), *last = NULL;
  advance(p);
  if (!enter(p)) return NULL;
  fsm__node *inside = parse_expr(p);
  leave(p);
  if (!append(p, step, &last, inside) || !expect(p, FSM__T_RBRACKET)) return NULL;
  return finish(p, step);
}

static fsm__node *new_field(parser *p, const fsm__token *name) {
  fsm__node *step = new_node(p, FSM__FIELD, name->begin);
  if (step) step->value = name->value;
  return step;
}

/* A path is complete, or a variable stays alone. */
static fsm__node *close_path(parser *p, fsm__node *node, bool is_path) {
  if (is_path) node = finish(p, node);
  if (node && !p->code) p->code = fsm__note_read(p->source, p->expr, node);
  return p->code ? NULL : node;
}

static fsm__node *parse_member(parser *p) {
  fsm__node *node = parse_primary(p), *path = NULL, *last = NULL;
  while (node && (at(p, FSM__T_DOT) || at(p, FSM__T_LBRACKET))) {
    fsm__node *step;
    if (at(p, FSM__T_LBRACKET)) {
      step = parse_index(p);
    } else {
      advance(p);
      fsm__token name = p->token;
      if (!expect(p, FSM__T_NAME)) return NULL;
      if (accept(p, FSM__T_LPAREN)) {
        node = close_path(p, node, path != NULL);
        if (node) node = parse_call(p, &name, node);
        path = NULL;
        continue;
      }
      step = new_field(p, &name);
    }
    if (!path) {
      path = new_node(p, FSM__PATH, node->begin);
      last = NULL;
      if (!path || !append(p, path, &last, node)) return NULL;
      node = path;
    }
    if (!append(p, path, &last, step)) return NULL;
    path->end = p->last_end;
  }
  return node ? close_path(p, node, path != NULL) : NULL;
}

/* ---- operators --------------------------------------------------------------------------------- */

/* A sign directly before a number belongs to it, so that the least int can be written. */
static fsm__node *parse_minus(parser *p, size_t begin) {
  if (at(p, FSM__T_INT)) {
    if (p->token.value.u > (uint64_t)INT64_MAX + 1) return parse_member(p);
    fsm_value value = fsm_int((int64_t)(0 - p->token.value.u));
    advance(p);
    return new_literal(p, begin, value);
  }
  if (at(p, FSM__T_DOUBLE)) {
    fsm_value value = fsm_double(-p->token.value.d);
    advance(p);
    return new_literal(p, begin, value);
  }
  fsm__node *node = new_node(p, FSM__NEGATE, begin), *last = NULL;
  if (!append(p, node, &last, parse_unary(p))) return NULL;
  return finish(p, node);
}

static fsm__node *parse_unary(parser *p) {
  size_t begin = p->token.begin;
  bool minus = at(p, FSM__T_MINUS);
  if (!minus && !at(p, FSM__T_NOT)) return parse_member(p);
  advance(p);
  if (!enter(p)) return NULL;
  fsm__node *node, *last = NULL;
  if (minus) {
    node = parse_minus(p, begin);
  } else {
    node = new_node(p, FSM__NOT, begin);
    node = append(p, node, &last, parse_unary(p)) ? finish(p, node) : NULL;
  }
  leave(p);
  return node;
}

/* The three levels of operators that fold from left to right. */
enum { RELATION, SUM, PRODUCT, OPERAND };

static bool op_at(const parser *p, unsigned level, fsm__op *op) {
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
    if (ops[i].level != level || !at(p, (fsm__token_kind)ops[i].token)) continue;
    *op = (fsm__op)ops[i].op;
    return true;
  }
  return false;
}

static fsm__node *parse_fold(parser *p, unsigned level) {
  if (level == OPERAND) return parse_unary(p);
  fsm__node *node = parse_fold(p, level + 1), *fold = NULL, *last = NULL;
  fsm__op op;
  while (node && op_at(p, level, &op)) {
    advance(p);
    if (!fold) {
      fold = new_node(p, FSM__FOLD, node->begin);
      if (!append(p, fold, &last, node)) return NULL;
      node = fold;
    }
    fsm__node *operand = parse_fold(p, level + 1);
    if (!append(p, fold, &last, operand)) return NULL;
    operand->op = (uint8_t)op;
  }
  return fold && node ? finish(p, fold) : node;
}

/* && binds closer than ||; both take any number of operands in one node. */
static fsm__node *parse_logic(parser *p, fsm__node_kind kind) {
  fsm__token_kind sign = kind == FSM__OR ? FSM__T_OR : FSM__T_AND;
  fsm__node *node = kind == FSM__OR ? parse_logic(p, FSM__AND) : parse_fold(p, RELATION);
  if (!node || !at(p, sign)) return node;
  fsm__node *logic = new_node(p, kind, node->begin), *last = NULL;
  if (!append(p, logic, &last, node)) return NULL;
  while (accept(p, sign)) {
    node = kind == FSM__OR ? parse_logic(p, FSM__AND) : parse_fold(p, RELATION);
    if (!append(p, logic, &last, node)) return NULL;
  }
  return finish(p, logic);
}

/* a?.b reads like a condition; only a digit behind the dot makes it one. */
static bool at_optional(const parser *p) {
  const char *text = p->source->text + p->token.begin;
  if (text[1] == '.') return text[2] < '0' || text[2] > '9';
  return false;
}

static fsm__node *parse_expr(parser *p) {
  fsm__node *condition = parse_logic(p, FSM__OR);
  if (!condition || !at(p, FSM__T_QUESTION)) return condition;
  if (at_optional(p)) {
    p->code = fsm__expr_fail(p->source, FSM_EUNSUPPORTED, p->token.begin,
                             "the optional access ?. is not supported yet");
    return NULL;
  }
  fsm__node *choose = new_node(p, FSM__CHOOSE, condition->begin), *last = NULL;
  advance(p);
  if (!append(p, choose, &last, condition) || !enter(p)) return NULL;
  bool whole = append(p, choose, &last, parse_logic(p, FSM__OR)) && expect(p, FSM__T_COLON) &&
               append(p, choose, &last, parse_expr(p));
  leave(p);
  return whole ? finish(p, choose) : NULL;
}

fsm_code fsm__parse(fsm__source *source, fsm_expr *expr) {
  parser p = {.source = source, .expr = expr};
  advance(&p);
  expr->root = parse_expr(&p);
  if (!p.code && !at(&p, FSM__T_END)) expected(&p, "an operator or the end");
  FSM_ASSERT(p.code || expr->root);
  return p.code;
}

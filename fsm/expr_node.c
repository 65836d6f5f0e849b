/* expr_node.c: the parser's cursor over the tokens, and nodes with their bounds.
 *
 * Two bounds keep all later walks small: brackets and prefixes nest at most FSM_EXPR_DEPTH_MAX deep
 * while parsing, and no finished node is higher than that.
 */
#include <stdio.h>

#include "fsm/expr_parse.h"

/* ---- tokens and faults ------------------------------------------------------------------------- */

void fsm__advance(fsm__parser *p) {
  p->last_end = p->token.end;
  if (!p->code) p->code = fsm__lex(p->source, &p->token);
}

bool fsm__at(const fsm__parser *p, fsm__token_kind kind) { return !p->code && p->token.kind == kind; }

bool fsm__accept(fsm__parser *p, fsm__token_kind kind) {
  if (!fsm__at(p, kind)) return false;
  fsm__advance(p);
  return !p->code;
}

void fsm__expected(fsm__parser *p, const char *what) {
  if (p->code) return;
  const fsm__token *token = &p->token;
  size_t len = (size_t)token->end - token->begin;
  if (token->kind == FSM__T_END)
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, token->begin, "expected %s, found the end", what);
  else
    p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, token->begin, "expected %s, found '%.*s'", what,
                             (int)len, p->source->text + token->begin);
}

bool fsm__expect(fsm__parser *p, fsm__token_kind kind) {
  static const char *const names[] = {
#define X(symbol, text) [FSM__T_##symbol] = text,
      FSM__TOKENS(X)
#undef X
  };
  if (fsm__at(p, kind)) return fsm__accept(p, kind);
  fsm__expected(p, names[kind]);
  return false;
}

bool fsm__followed_by(const fsm__parser *p, fsm__token_kind kind) {
  fsm__source ahead = *p->source;
  fsm__token token;
  ahead.err = NULL;
  return !p->code && fsm__lex(&ahead, &token) == FSM_OK && token.kind == kind;
}

fsm__node *fsm__parse_fail(fsm__parser *p, size_t at, const char *format, ...) {
  if (p->code) return NULL;
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  p->code = fsm__expr_fail(p->source, FSM_EEXPRESSION, at, "%s", text);
  return NULL;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

fsm__node *fsm__new_node(fsm__parser *p, fsm__node_kind kind, size_t begin) {
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

static fsm__node *too_deep(fsm__parser *p, size_t begin) {
  if (!p->code)
    p->code = fsm__expr_fail(p->source, FSM_ETOOLARGE, begin,
                             "the expression is nested more than %d levels deep", FSM_EXPR_DEPTH_MAX);
  return NULL;
}

bool fsm__enter(fsm__parser *p) {
  if (p->code) return false;
  if (p->depth == FSM_EXPR_DEPTH_MAX) {
    too_deep(p, p->token.begin);
    return false;
  }
  p->depth++;
  return true;
}

void fsm__leave(fsm__parser *p) { p->depth--; }

bool fsm__append(fsm__parser *p, fsm__node *parent, fsm__node **last, fsm__node *kid) {
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

fsm__node *fsm__finish(fsm__parser *p, fsm__node *node) {
  if (p->code) return NULL;
  if (node->height == FSM_EXPR_DEPTH_MAX) return too_deep(p, node->begin);
  node->height++;
  node->end = p->last_end;
  return node;
}

fsm__node *fsm__new_literal(fsm__parser *p, size_t begin, fsm_value value) {
  fsm__node *node = fsm__new_node(p, FSM__LITERAL, begin);
  if (node) node->value = value;
  return node;
}

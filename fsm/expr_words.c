/* expr_words.c: see expr_words.h. */
#include "fsm/expr_words.h"

#include "fsm/expr_impl.h"

typedef struct finder {
  const fsm_expr *expr;
  const char *path;
  fsm_expr_word *found;
  void *arg;
} finder;

static bool is_path(const finder *f, const fsm__node *node) {
  const size_t len = strlen(f->path);
  return node->kind == FSM__PATH && (size_t)node->end - node->begin == len &&
         memcmp(f->expr->text + node->begin, f->path, len) == 0;
}

static void tell_value(const finder *f, const fsm_value *value) {
  if (value->type == FSM_STRING) f->found(f->arg, value->s, value->len);
  if (value->type == FSM_LIST)
    for (uint32_t i = 0; i < value->len; i++) tell_value(f, &value->items[i]);
}

static bool compares(const fsm__node *node) {
  return node->op == FSM__EQ || node->op == FSM__NE || node->op == FSM__IN;
}

static bool stands_for(const finder *f, const fsm__node *node, bool inside) {
  return is_path(f, node) || (inside && node->kind == FSM__LOCAL);
}

/* inside: of a macro over the path, whose variable stands for an item of it. */
static void walk(const finder *f, const fsm__node *node, bool inside) {
  const fsm__node *left = node->kids, *right = left == NULL ? NULL : left->next;
  if (node->kind == FSM__FOLD && node->count == 2 && compares(right)) {
    if (stands_for(f, left, inside) && right->kind == FSM__LITERAL) tell_value(f, &right->value);
    if (stands_for(f, right, inside) && left->kind == FSM__LITERAL) tell_value(f, &left->value);
  }
  if (node->kind == FSM__MACRO && is_path(f, left)) inside = true;
  for (const fsm__node *kid = left; kid != NULL; kid = kid->next) walk(f, kid, inside);
}

void fsm_expr_words(const fsm_expr *expr, const char *path, fsm_expr_word *found, void *arg) {
  FSM_ASSERT(expr != NULL && path != NULL && found != NULL);
  const finder f = {expr, path, found, arg};
  walk(&f, expr->root, false);
}

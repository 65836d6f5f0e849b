/* expr_parts.c: which parts of a condition decide it (expr_parts.h). */
#include "fsm/expr_parts.h"

#include "fsm/expr_foresee.h"

/* Whoever asks may take it that what is sent has what is read: a part that reads it is no fault. */
enum { EITHER = FSM_MAYBE_NO | FSM_MAYBE_YES };

/* Each part is asked by itself and in all that it is part of: with the bound of an evaluation each time, up
 * to this. */
#define WORK_OF_PARTS_MAX ((uint64_t)16 * FSM_EXPR_WORK_MAX)

typedef struct asking {
  fsm__foresight f;
  const fsm_expr *expr;
  fsm_arena *arena;
  fsm_expr_part *parts;
  unsigned count;
  uint64_t work; /* of what was asked before */
  bool no_memory;
} asking;

static void begin(asking *a, const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                  fsm_arena *arena) {
  fsm__foresight_begin(&a->f, scope, unknown, EITHER, arena);
  a->expr = expr;
  a->arena = arena;
  a->parts = NULL;
  a->count = 0;
  a->work = 0;
  a->no_memory = false;
}

static void again(asking *a) {
  if (a->work > WORK_OF_PARTS_MAX) return;
  a->work += a->f.run.work;
  a->f.run.work = 0;
}

static bool end(asking *a) {
  a->f.run.work += a->work;
  fsm__foresight_end(&a->f);
  return !a->no_memory && !a->f.no_memory;
}

/* wanted: what it would have to be. What may fault and may not be that is a fault. */
static fsm_truth in_a_word(unsigned set, bool wanted) {
  const unsigned good = wanted ? FSM_MAYBE_YES : FSM_MAYBE_NO;
  if (set == FSM_MAYBE_YES) return FSM_TRUTH_TRUE;
  if (set == FSM_MAYBE_NO) return FSM_TRUTH_FALSE;
  return (set & good) != 0 ? FSM_TRUTH_DEPENDS : FSM_TRUTH_FAULT;
}

static fsm_truth truth_of(asking *a, const fsm__node *node, bool wanted) {
  again(a);
  return in_a_word(fsm__foresee(&a->f, node), wanted);
}

fsm_truth fsm_expr_truth(const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                         fsm_arena *arena) {
  FSM_ASSERT(expr && scope && unknown && arena);
  FSM_UNSET asking a;
  begin(&a, expr, scope, unknown, arena);
  const fsm_truth truth = truth_of(&a, expr->root, true);
  return end(&a) ? truth : FSM_TRUTH_FAULT;
}

static bool is_joint(const fsm__node *node) {
  if (node->kind == FSM__NOT) return is_joint(node->kids);
  return node->kind == FSM__AND || node->kind == FSM__OR || node->kind == FSM__CHOOSE;
}

/* ---- its parts ----------------------------------------------------------------------------------- */

/* The text by itself as an expression, which tells what it reads; brackets around it are left out. */
static const fsm_expr *alone(asking *a, const fsm__node *node) {
  const fsm_expr_options options = {.scxml = a->expr->scxml, .unchecked = true};
  const char *text = a->expr->text + node->begin;
  size_t len = (size_t)(node->end - node->begin);
  const fsm_expr *found = NULL, *inner = NULL;
  if (fsm_expr_compile_with(a->arena, text, len, &options, &found, NULL) != FSM_OK) return NULL;
  while (len > 2 && text[0] == '(' && text[len - 1] == ')' &&
         fsm_expr_compile_with(a->arena, text + 1, len - 2, &options, &inner, NULL) == FSM_OK) {
    found = inner;
    text++, len -= 2;
  }
  return found;
}

static const char *trimmed(fsm_arena *arena, const char *text, size_t len) {
  while (len > 0 && strchr(" \t\r\n", text[0]) != NULL) text++, len--;
  while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) len--;
  return fsm_arena_strndup(arena, text, len);
}

/* Of the part that was evaluated last. */
static const char *fault_of(asking *a) {
  FSM_UNSET fsm_error err;
  if (fsm__fault_report(&a->f.run, a->expr, &err) == FSM_ENOMEM) a->no_memory = true;
  return fsm_arena_strdup(a->arena, err.text);
}

static void add_part(asking *a, const fsm__node *node, unsigned depth, bool decides, bool wanted) {
  static const fsm_unknown time = {.now = true};
  if (a->count == FSM_EXPR_PARTS_MAX) return;
  fsm_expr_part *part = &a->parts[a->count++];
  *part = (fsm_expr_part){.depth = depth, .decides = decides, .wanted = wanted, .seen = fsm_map_empty()};
  again(a);
  part->truth = in_a_word(fsm__foresee_atom(&a->f, node), wanted);
  if (part->truth == FSM_TRUTH_FAULT && (part->fault = fault_of(a)) == NULL) a->no_memory = true;
  part->reads_time = fsm__reads_unknown(node, &time);
  const fsm_expr *own = alone(a, node);
  part->text = own != NULL
                   ? trimmed(a->arena, own->text, strlen(own->text))
                   : trimmed(a->arena, a->expr->text + node->begin, (size_t)(node->end - node->begin));
  if (part->text == NULL) a->no_memory = true;
  if (own != NULL && fsm_expr_seen(own, a->f.run.scope, a->arena, &part->seen) == FSM_ENOMEM)
    a->no_memory = true;
}

static void add_parts(asking *a, const fsm__node *node, unsigned depth, bool decides, bool wanted) {
  if (!is_joint(node)) {
    add_part(a, node, depth, decides, wanted);
    return;
  }
  if (node->kind == FSM__NOT) {
    add_parts(a, node->kids, depth + 1, decides, !wanted);
    return;
  }
  const fsm_truth whole = truth_of(a, node, wanted);
  again(a);
  const unsigned condition = node->kind == FSM__CHOOSE ? fsm__foresee(&a->f, node->kids) : 0;
  unsigned place = 0;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next, place++) {
    const bool counts = node->kind == FSM__CHOOSE
                            ? place == 0 || (condition & (place == 1 ? FSM_MAYBE_YES : FSM_MAYBE_NO)) != 0
                            : truth_of(a, kid, wanted) == whole;
    add_parts(a, kid, depth + 1, decides && counts, wanted);
  }
}

/* Those that decide first, the deepest of them first; what is alike stays as it was written. */
static void order(fsm_expr_part *parts, unsigned count) {
  for (unsigned i = 1; i < count; i++) {
    const fsm_expr_part moved = parts[i];
    unsigned to = i;
    for (; to > 0; to--) {
      const fsm_expr_part *before = &parts[to - 1];
      if (before->decides && (!moved.decides || before->depth >= moved.depth)) break;
      if (!before->decides && !moved.decides) break;
      parts[to] = *before;
    }
    parts[to] = moved;
  }
}

fsm_code fsm_expr_parts(const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                        fsm_arena *arena, fsm_truth *truth, const fsm_expr_part **parts, unsigned *count) {
  FSM_ASSERT(expr && scope && unknown && arena && truth && parts && count);
  FSM_UNSET asking a;
  begin(&a, expr, scope, unknown, arena);
  a.parts = fsm_arena_alloc(arena, FSM_EXPR_PARTS_MAX * sizeof *a.parts);
  if (a.parts == NULL) return FSM_ENOMEM;
  *truth = truth_of(&a, expr->root, true);
  add_parts(&a, expr->root, 0, true, true);
  order(a.parts, a.count);
  *parts = a.parts;
  *count = a.count;
  return end(&a) ? FSM_OK : FSM_ENOMEM;
}

const fsm_expr_part *fsm_expr_part_first(const fsm_expr_part *parts, unsigned count) {
  const fsm_expr_part *first = count > 0 ? &parts[0] : NULL;
  for (unsigned i = 1; i < count && parts[i].decides; i++)
    if (parts[i].depth < first->depth) first = &parts[i];
  return first;
}

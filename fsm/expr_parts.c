/* expr_parts.c: which parts of a condition decide it (expr_parts.h). */
#include "fsm/expr_parts.h"

#include "fsm/expr_impl.h"

/* ---- what is not known --------------------------------------------------------------------------- */

static bool unknown_field(const fsm_unknown *unknown, const fsm_value *name) {
  for (unsigned i = 0; i < unknown->field_count; i++)
    if (fsm_value_same(&unknown->fields[i], name)) return true;
  return false;
}

/* step: the first one of a path, NULL = the variable as a whole. */
static bool unknown_variable(const fsm_unknown *unknown, const fsm__node *node, const fsm__node *step) {
  switch (node->variable) {
    case FSM__EVENT:
    case FSM__INPUT: return unknown->event;
    case FSM__ACTOR: return unknown->actor;
    case FSM__NOW: return unknown->now;
    case FSM__CONTEXT: break;
    default: return false;
  }
  if (unknown->field_count == 0) return false;
  if (step != NULL && step->kind == FSM__FIELD) return unknown_field(unknown, &step->value);
  if (step != NULL && step->kids->kind == FSM__LITERAL) return unknown_field(unknown, &step->kids->value);
  return true;
}

static bool reads_unknown(const fsm__node *node, const fsm_unknown *unknown) {
  if (node->kind == FSM__VARIABLE) return unknown_variable(unknown, node, NULL);
  const fsm__node *kid = node->kids;
  if (node->kind == FSM__PATH && kid->kind == FSM__VARIABLE) {
    if (unknown_variable(unknown, kid, kid->next)) return true;
    kid = kid->next;
  }
  for (; kid != NULL; kid = kid->next)
    if (reads_unknown(kid, unknown)) return true;
  return false;
}

bool fsm_expr_reads_unknown(const fsm_expr *expr, const fsm_unknown *unknown) {
  FSM_ASSERT(expr && unknown);
  return reads_unknown(expr->root, unknown);
}

/* ---- what it comes to ---------------------------------------------------------------------------- */

typedef struct asking {
  const fsm_expr *expr;
  const fsm_scope *scope;
  const fsm_unknown *unknown;
  fsm_arena *arena;
  fsm_expr_part *parts;
  unsigned count;
  bool no_memory;
} asking;

static fsm_truth atom(asking *a, const fsm__node *node, const char **fault) {
  if (reads_unknown(node, a->unknown)) return FSM_TRUTH_DEPENDS;
  FSM_UNSET fsm__run run;
  FSM_UNSET fsm_error err;
  run.scope = a->scope;
  run.arena = a->arena;
  run.work = 0;
  run.frame = NULL;
  fsm_value slot;
  const fsm_value *value = fsm__as_bool(&run, node, fsm__eval(&run, node, &slot));
  if (a->scope->work != NULL) *a->scope->work += run.work;
  if (value != NULL) return value->b ? FSM_TRUTH_TRUE : FSM_TRUTH_FALSE;
  if (fsm__fault_report(&run, a->expr, &err) == FSM_ENOMEM) a->no_memory = true;
  if (fault != NULL && (*fault = fsm_arena_strdup(a->arena, err.text)) == NULL) a->no_memory = true;
  return FSM_TRUTH_FAULT;
}

static bool is_joint(const fsm__node *node) {
  if (node->kind == FSM__NOT) return is_joint(node->kids);
  return node->kind == FSM__AND || node->kind == FSM__OR || node->kind == FSM__CHOOSE;
}

/* One that decides wins; then, of &&, a fault: it can never be true. Of || what is not known may yet win. */
static fsm_truth join(bool all, fsm_truth a, fsm_truth b) {
  static const unsigned char of_and[] = {3, 0, 1, 2}, of_or[] = {0, 3, 2, 1};
  const unsigned char *weight = all ? of_and : of_or;
  return weight[a] >= weight[b] ? a : b;
}

static fsm_truth truth_of(asking *a, const fsm__node *node);

static fsm_truth truth_of_choice(asking *a, const fsm__node *node) {
  const fsm__node *then = node->kids->next;
  const fsm_truth condition = truth_of(a, node->kids);
  if (condition == FSM_TRUTH_TRUE) return truth_of(a, then);
  if (condition == FSM_TRUTH_FALSE) return truth_of(a, then->next);
  if (condition == FSM_TRUTH_FAULT) return condition;
  const fsm_truth one = truth_of(a, then), other = truth_of(a, then->next);
  return one == other ? one : FSM_TRUTH_DEPENDS;
}

static fsm_truth truth_of(asking *a, const fsm__node *node) {
  if (!is_joint(node)) return atom(a, node, NULL);
  if (node->kind == FSM__CHOOSE) return truth_of_choice(a, node);
  if (node->kind == FSM__NOT) {
    const fsm_truth inner = truth_of(a, node->kids);
    return inner == FSM_TRUTH_TRUE ? FSM_TRUTH_FALSE : inner == FSM_TRUTH_FALSE ? FSM_TRUTH_TRUE : inner;
  }
  const bool all = node->kind == FSM__AND;
  fsm_truth truth = all ? FSM_TRUTH_TRUE : FSM_TRUTH_FALSE;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next)
    truth = join(all, truth, truth_of(a, kid));
  return truth;
}

fsm_truth fsm_expr_truth(const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                         fsm_arena *arena) {
  FSM_ASSERT(expr && scope && unknown && arena);
  asking a = {.expr = expr, .scope = scope, .unknown = unknown, .arena = arena};
  const fsm_truth truth = truth_of(&a, expr->root);
  return a.no_memory ? FSM_TRUTH_FAULT : truth;
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

static void add_part(asking *a, const fsm__node *node, unsigned depth, bool decides, bool wanted) {
  static const fsm_unknown time = {.now = true};
  if (a->count == FSM_EXPR_PARTS_MAX) return;
  fsm_expr_part *part = &a->parts[a->count++];
  *part = (fsm_expr_part){.depth = depth, .decides = decides, .wanted = wanted, .seen = fsm_map_empty()};
  part->truth = atom(a, node, &part->fault);
  part->reads_time = reads_unknown(node, &time);
  const fsm_expr *own = alone(a, node);
  part->text = own != NULL
                   ? trimmed(a->arena, own->text, strlen(own->text))
                   : trimmed(a->arena, a->expr->text + node->begin, (size_t)(node->end - node->begin));
  if (part->text == NULL) a->no_memory = true;
  if (own != NULL && fsm_expr_seen(own, a->scope, a->arena, &part->seen) == FSM_ENOMEM) a->no_memory = true;
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
  const fsm_truth whole = truth_of(a, node);
  const fsm_truth condition = node->kind == FSM__CHOOSE ? truth_of(a, node->kids) : whole;
  unsigned place = 0;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next, place++) {
    bool counts = truth_of(a, kid) == whole;
    if (node->kind == FSM__CHOOSE)
      counts = place == 0 || condition == FSM_TRUTH_DEPENDS || (place == 1) == (condition == FSM_TRUTH_TRUE);
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
  asking a = {.expr = expr, .scope = scope, .unknown = unknown, .arena = arena};
  a.parts = fsm_arena_alloc(arena, FSM_EXPR_PARTS_MAX * sizeof *a.parts);
  if (a.parts == NULL) return FSM_ENOMEM;
  *truth = truth_of(&a, expr->root);
  add_parts(&a, expr->root, 0, true, true);
  order(a.parts, a.count);
  *parts = a.parts;
  *count = a.count;
  return a.no_memory ? FSM_ENOMEM : FSM_OK;
}

const fsm_expr_part *fsm_expr_part_first(const fsm_expr_part *parts, unsigned count) {
  const fsm_expr_part *first = count > 0 ? &parts[0] : NULL;
  for (unsigned i = 1; i < count && parts[i].decides; i++)
    if (parts[i].depth < first->depth) first = &parts[i];
  return first;
}

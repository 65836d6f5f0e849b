/* expr_remedy.c: the search for fields that make a condition hold (expr_remedy.h). */
#include "fsm/expr_remedy.h"

#include "fsm/expr_remedy_impl.h"

/* Whoever sets something may take it that what is sent has what is read. */
enum { EITHER = FSM_MAYBE_NO | FSM_MAYBE_YES };

static bool is_spent(const fsm__remedy *r) {
  return r->tries >= FSM_REMEDY_TRIES_MAX || r->work > FSM_REMEDY_WORK_MAX || r->no_memory;
}

static unsigned ask(fsm__remedy *r, const fsm__node *node) {
  if (is_spent(r)) return 0;
  r->tries++;
  r->f.run.work = 0;
  const unsigned set = fsm__foresee(&r->f, node);
  r->work += r->f.run.work;
  r->no_memory = r->no_memory || r->f.no_memory;
  return is_spent(r) ? 0 : set;
}

/* It is so, or what is not known decides. */
static bool may_be(fsm__remedy *r, const fsm__node *node, bool wanted) {
  return (ask(r, node) & (wanted ? FSM_MAYBE_YES : FSM_MAYBE_NO)) != 0;
}

static bool all_held(fsm__remedy *r) {
  for (unsigned i = 0; i < r->held_count; i++)
    if (!may_be(r, r->held[i].node, r->held[i].wanted)) return false;
  return true;
}

/* ---- setting ------------------------------------------------------------------------------------- */

static bool put_item(fsm__remedy *r, const fsm_value *base, const fsm__node *step, const fsm_value *value,
                     fsm_value *out);

/* The base with the member that the steps lead to set; a map that is not there is made. */
static bool put_below(fsm__remedy *r, const fsm_value *base, const fsm__node *step, const fsm_value *value,
                      fsm_value *out) {
  if (step == NULL) {
    *out = *value;
    return true;
  }
  const fsm_value *key = fsm__remedy_key(step);
  if (key->type != FSM_STRING) return put_item(r, base, step, value, out);
  const bool none = base == NULL || base->type == FSM_NULL;
  fsm_pair *pair = fsm_arena_alloc(r->arena, sizeof *pair);
  if (!none && base->type != FSM_MAP) return false;
  r->no_memory = r->no_memory || pair == NULL;
  if (pair == NULL) return false;
  pair->key = *key;
  if (!put_below(r, none ? NULL : fsm_map_find(base, key), step->next, value, &pair->value)) return false;
  const fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = pair}, empty = fsm_map_empty();
  const fsm_code code = fsm_map_merge(r->arena, none ? &empty : base, &patch, out);
  r->no_memory = r->no_memory || code == FSM_ENOMEM;
  return code == FSM_OK;
}

static bool put_item(fsm__remedy *r, const fsm_value *base, const fsm__node *step, const fsm_value *value,
                     fsm_value *out) {
  const fsm_value *key = fsm__remedy_key(step);
  if (base == NULL || base->type != FSM_LIST || key->type != FSM_INT || key->i < 0 || key->i >= base->len)
    return false;
  fsm_value *items = fsm_arena_alloc(r->arena, base->len * sizeof *items);
  r->no_memory = r->no_memory || items == NULL;
  if (items == NULL) return false;
  memcpy(items, base->items, base->len * sizeof *items);
  if (!put_below(r, &base->items[key->i], step->next, value, &items[key->i])) return false;
  *out = fsm_list(items, base->len);
  return true;
}

static bool note_changed(fsm__remedy *r, const fsm_value *name) {
  for (unsigned i = 0; i < r->changed_count; i++)
    if (fsm_value_same(&r->changed[i], name)) return true;
  if (r->changed_count == FSM__REMEDY_FIELDS_MAX) return false;
  r->changed[r->changed_count++] = *name;
  return true;
}

/* The fields that were set, whole. */
static bool patch_of(fsm__remedy *r, fsm_value *out) {
  fsm_pair *pairs = fsm_arena_alloc(r->arena, (r->changed_count + 1) * sizeof *pairs);
  unsigned count = 0;
  r->no_memory = r->no_memory || pairs == NULL;
  for (unsigned i = 0; pairs != NULL && i < r->changed_count; i++) {
    const fsm_value *value = fsm_map_find(&r->context, &r->changed[i]);
    if (value != NULL) pairs[count++] = (fsm_pair){r->changed[i], *value};
  }
  return pairs != NULL && fsm_map(pairs, count, out, NULL) == FSM_OK;
}

static bool fits(fsm__remedy *r) {
  fsm_value patch;
  return patch_of(r, &patch) && (r->rules->fits == NULL || r->rules->fits(r->rules->arg, &patch));
}

/* What was set can be taken back. */
typedef struct mark {
  fsm_value context;
  unsigned changed, held;
} mark;

static mark here(const fsm__remedy *r) { return (mark){r->context, r->changed_count, r->held_count}; }

static void back_to(fsm__remedy *r, const mark *m) {
  r->context = m->context;
  r->changed_count = m->changed;
  r->held_count = m->held;
}

/* ---- the search ---------------------------------------------------------------------------------- */

static bool set_field(fsm__remedy *r, const fsm__node *part, bool wanted, const fsm__node *field,
                      const fsm_value *value) {
  const mark before = here(r);
  const fsm__node *step = field->kids->next;
  fsm_value context;
  if (!put_below(r, &r->context, step, value, &context) || !note_changed(r, fsm__remedy_key(step))) {
    back_to(r, &before);
    return false;
  }
  r->context = context;
  if (may_be(r, part, wanted) && all_held(r) && fits(r)) return true;
  back_to(r, &before);
  return false;
}

static bool solve_part(fsm__remedy *r, const fsm__node *part, bool wanted) {
  const fsm__node *field;
  for (unsigned i = 0; (field = fsm__remedy_field(r, part, i)) != NULL; i++) {
    fsm__remedy_values values = {.count = 0};
    fsm__remedy_values_of(r, part, field, &values);
    for (unsigned v = 0; v < values.count && !is_spent(r); v++)
      if (set_field(r, part, wanted, field, &values.at[v])) return true;
  }
  return false;
}

static bool solve(fsm__remedy *r, const fsm__node *node, bool wanted);

static bool solve_and_hold(fsm__remedy *r, const fsm__node *node, bool wanted) {
  if (!solve(r, node, wanted) || r->held_count == FSM__REMEDY_HELD_MAX) return false;
  r->held[r->held_count++] = (fsm__held){node, wanted};
  return true;
}

static bool solve_all(fsm__remedy *r, const fsm__node *node, bool wanted) {
  const mark before = here(r);
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next)
    if (!solve_and_hold(r, kid, wanted)) {
      back_to(r, &before);
      return false;
    }
  r->held_count = before.held;
  return true;
}

/* Keeps the better of two ways: what was found, with fewer fields. */
static void keep_better(fsm__remedy *r, bool solved, const mark *before, fsm__remedy *best) {
  if (solved && r->changed_count < best->changed_count) {
    best->context = r->context;
    best->changed_count = r->changed_count;
    memcpy(best->changed, r->changed, sizeof r->changed);
  }
  back_to(r, before);
}

static bool take(fsm__remedy *r, const fsm__remedy *best) {
  if (best->changed_count > FSM__REMEDY_FIELDS_MAX) return false;
  r->context = best->context;
  r->changed_count = best->changed_count;
  memcpy(r->changed, best->changed, sizeof r->changed);
  return true;
}

static bool solve_any(fsm__remedy *r, const fsm__node *node, bool wanted) {
  const mark before = here(r);
  FSM_UNSET fsm__remedy best;
  best.changed_count = FSM__REMEDY_FIELDS_MAX + 1;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next)
    keep_better(r, solve(r, kid, wanted), &before, &best);
  return take(r, &best);
}

/* The condition one way and that branch, or the other. */
static bool solve_choose(fsm__remedy *r, const fsm__node *node, bool wanted) {
  const mark before = here(r);
  const fsm__node *condition = node->kids;
  FSM_UNSET fsm__remedy best;
  best.changed_count = FSM__REMEDY_FIELDS_MAX + 1;
  for (unsigned way = 0; way < 2; way++) {
    const fsm__node *branch = way == 0 ? condition->next : condition->next->next;
    const bool solved = solve_and_hold(r, condition, way == 0) && solve(r, branch, wanted);
    keep_better(r, solved, &before, &best);
  }
  return take(r, &best);
}

static bool solve(fsm__remedy *r, const fsm__node *node, bool wanted) {
  if (may_be(r, node, wanted)) return true;
  if (is_spent(r)) return false;
  switch ((fsm__node_kind)node->kind) {
    case FSM__NOT: return solve(r, node->kids, !wanted);
    case FSM__AND: return wanted ? solve_all(r, node, wanted) : solve_any(r, node, wanted);
    case FSM__OR: return wanted ? solve_any(r, node, wanted) : solve_all(r, node, wanted);
    case FSM__CHOOSE: return solve_choose(r, node, wanted);
    default: return solve_part(r, node, wanted);
  }
}

fsm_code fsm_expr_remedy(const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                         const fsm_remedy_rules *rules, fsm_arena *arena, fsm_value *patch,
                         fsm_truth *truth) {
  FSM_ASSERT(expr && scope && scope->context && unknown && rules && arena && patch && truth);
  fsm__remedy *r = fsm_arena_zalloc(arena, 1, sizeof *r);
  *patch = fsm_null();
  *truth = FSM_TRUTH_FALSE;
  if (r == NULL) return FSM_ENOMEM;
  r->scope = *scope;
  r->context = *scope->context;
  r->scope.context = &r->context;
  r->expr = expr, r->unknown = unknown, r->rules = rules, r->arena = arena;
  fsm__foresight_begin(&r->f, &r->scope, unknown, EITHER, arena);
  const bool solved = solve(r, expr->root, true) && r->changed_count > 0 && fits(r);
  const unsigned set = solved ? ask(r, expr->root) : 0;
  if ((set & FSM_MAYBE_YES) != 0 && patch_of(r, patch))
    *truth = set == FSM_MAYBE_YES ? FSM_TRUTH_TRUE : FSM_TRUTH_DEPENDS;
  if (scope->work != NULL) *scope->work += r->work;
  return r->no_memory ? FSM_ENOMEM : FSM_OK;
}

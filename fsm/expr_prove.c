/* expr_prove.c: a tableau: goals are taken apart one after the other, alternatives are tried in turn, and
 * what they come to is a list of facts about paths. */
#include "fsm/expr_prove.h"

#include <math.h>

#include "fsm/expr_impl.h"

enum { GOALS_MAX = 128, CHOICES_MAX = 64 };

typedef struct goal {
  const fsm_expr *expr;
  const fsm__node *node;
  bool holds;
} goal;

/* "text op value" is true, or false. value NULL: the text itself is. */
typedef struct fact {
  const char *text;
  size_t len;
  const fsm_value *value;
  fsm__op op;
  bool holds, opaque;
} fact;

typedef struct prover {
  goal goals[GOALS_MAX];
  fact facts[FSM_PROVE_PARTS_MAX];
  unsigned goal_count, fact_count, steps;
  bool given_up;
  fsm_known_of *known;
  void *arg;
} prover;

static fsm_proof solve(prover *p);

/* ---- the values that are left to a path ------------------------------------------------------------ */

typedef struct range {
  double low, high;
  bool low_open, high_open, number;    /* number: it is one */
  bool null, no_null, truth, no_truth; /* is true, is not true … */
  const fact *facts;
  unsigned count;
  fsm_known known;
} range;

static bool as_number(const fsm_value *value, double *out) {
  if (value->type == FSM_INT)
    *out = (double)value->i;
  else if (value->type == FSM_UINT)
    *out = (double)value->u;
  else if (value->type == FSM_DOUBLE)
    *out = value->d;
  else
    return false;
  return fabs(*out) <= 9007199254740992.0;
}

static bool same_value(const fsm_value *a, const fsm_value *b) {
  if (fsm__is_number(a) && fsm__is_number(b)) return fsm__compare_numbers(a, b) == 0;
  return fsm_value_same(a, b);
}

static bool is_path(const fsm__node *node) {
  if (node->kind != FSM__PATH) return false;
  const fsm__node *step = node->kids;
  if (step == NULL || step->kind != FSM__VARIABLE) return false;
  for (step = step->next; step != NULL; step = step->next)
    if (step->soft == FSM__SOFT || (step->kind == FSM__INDEX && step->kids->kind != FSM__LITERAL))
      return false;
  return true;
}

static bool same_text(const fact *a, const fact *b) {
  return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* One value against all that is said of its path. */
static bool fits(const prover *p, const fact *about, const fsm_value *value) {
  double n = 0, to = 0;
  for (unsigned i = 0; i < p->fact_count; i++) {
    const fact *f = &p->facts[i];
    if (f->opaque || !same_text(f, about)) continue;
    bool holds;
    if (f->value == NULL)
      holds = value->type == FSM_BOOL && value->b;
    else if (f->op == FSM__EQ)
      holds = same_value(value, f->value);
    else if (f->op == FSM__IN) {
      holds = false;
      for (uint32_t j = 0; j < f->value->len; j++) holds |= same_value(value, &f->value->items[j]);
    } else {
      if (!as_number(value, &n) || !as_number(f->value, &to)) return false;
      holds = f->op == FSM__LT ? n < to : f->op == FSM__LE ? n <= to : f->op == FSM__GT ? n > to : n >= to;
    }
    if (holds != f->holds) return false;
    if (f->value == NULL && value->type != FSM_BOOL) return false;
  }
  return true;
}

static bool any_fits(const prover *p, const fact *about, const fsm_value *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fits(p, about, &values[i])) return true;
  return false;
}

static void narrow(range *r, fsm__op op, double n) {
  if (op == FSM__GT && (n > r->low || (n == r->low && !r->low_open))) r->low = n, r->low_open = true;
  if (op == FSM__GE && n > r->low) r->low = n, r->low_open = false;
  if (op == FSM__LT && (n < r->high || (n == r->high && !r->high_open))) r->high = n, r->high_open = true;
  if (op == FSM__LE && n < r->high) r->high = n, r->high_open = false;
}

static fsm__op opposite(fsm__op op) {
  return op == FSM__LT ? FSM__GE : op == FSM__GE ? FSM__LT : op == FSM__GT ? FSM__LE : FSM__GT;
}

/* How many of the whole numbers, or of the points, of the range are named as unequal? With as many as there
 * are values nothing is left. */
static bool is_used_up(const prover *p, const fact *about, const range *r, bool whole) {
  double low = r->low, high = r->high;
  if (whole) {
    low = r->low_open ? floor(low) + 1 : ceil(low);
    high = r->high_open ? ceil(high) - 1 : floor(high);
  }
  if (low > high || (low == high && !whole && (r->low_open || r->high_open))) return true;
  if (high - low > CHOICES_MAX || (!whole && low != high)) return false;
  for (double n = low; n <= high; n++) {
    const fsm_value value = fsm_double(n);
    if (fits(p, about, &value)) return false;
  }
  return true;
}

/* Is there a value left for the path of this fact? */
static bool is_possible(const prover *p, const fact *about) {
  static const fsm_value bools[] = {{.type = FSM_BOOL, .b = true}, {.type = FSM_BOOL, .b = false}};
  range r = {.low = -HUGE_VAL, .high = HUGE_VAL};
  if (p->known != NULL && !p->known(p->arg, about->text, about->len, &r.known)) r.known = (fsm_known){0};
  if (r.known.choices != NULL) return any_fits(p, about, r.known.choices, r.known.choice_count);
  for (unsigned i = 0; i < p->fact_count; i++) {
    const fact *f = &p->facts[i];
    double n;
    if (f->opaque || !same_text(f, about)) continue;
    if (f->value == NULL) return any_fits(p, about, bools, 2);
    if (f->holds && f->op == FSM__EQ) {
      if (f->value->type == FSM_NULL && r.known.kind != FSM_SHAPE_ANY && !r.known.nullable) return false;
      return fits(p, about, f->value);
    }
    if (f->holds && f->op == FSM__IN) return any_fits(p, about, f->value->items, f->value->len);
    if (f->op == FSM__EQ || f->op == FSM__IN || !as_number(f->value, &n)) continue;
    narrow(&r, f->holds ? f->op : opposite(f->op), n);
    r.number = true;
  }
  if (r.known.kind == FSM_SHAPE_BOOL) {
    const fsm_value null = fsm_null();
    return any_fits(p, about, bools, 2) || (r.known.nullable && fits(p, about, &null));
  }
  if (!r.number) return true;
  if (r.known.has_low) narrow(&r, FSM__GE, r.known.low);
  if (r.known.has_high) narrow(&r, FSM__LE, r.known.high);
  return !is_used_up(p, about, &r, r.known.kind == FSM_SHAPE_INT);
}

/* ---- goals ------------------------------------------------------------------------------------------ */

/* All goals are facts: can they be? */
static fsm_proof conclude(const prover *p) {
  bool open = false;
  for (unsigned i = 0; i < p->fact_count; i++) {
    const fact *f = &p->facts[i];
    if (!f->opaque && !is_possible(p, f)) return FSM_PROOF_NEVER;
    if (!f->opaque) continue;
    open = true;
    for (unsigned j = 0; j < i; j++)
      if (p->facts[j].opaque && same_text(f, &p->facts[j]) && f->holds != p->facts[j].holds)
        return FSM_PROOF_NEVER;
  }
  return open ? FSM_PROOF_OPEN : FSM_PROOF_SOME;
}

static fsm_proof push_and_solve(prover *p, const fsm_expr *expr, const fsm__node *node, bool holds) {
  if (p->goal_count == GOALS_MAX) {
    p->given_up = true;
    return FSM_PROOF_OPEN;
  }
  p->goals[p->goal_count++] = (goal){expr, node, holds};
  return FSM_PROOF_SOME;
}

/* All kids have to be as the goal says. */
static fsm_proof every(prover *p, const goal *g) {
  for (const fsm__node *kid = g->node->kids; kid != NULL; kid = kid->next)
    if (push_and_solve(p, g->expr, kid, g->holds) == FSM_PROOF_OPEN) return FSM_PROOF_OPEN;
  return solve(p);
}

static void better(fsm_proof *best, fsm_proof proof) {
  if (proof == FSM_PROOF_SOME || (proof == FSM_PROOF_OPEN && *best == FSM_PROOF_NEVER)) *best = proof;
}

/* What a try has put on the lists is taken off again: solving the rest uses up its goals. */
typedef struct mark {
  goal goals[GOALS_MAX];
  unsigned goal_count, fact_count;
} mark;

static void set_mark(const prover *p, mark *m) {
  memcpy(m->goals, p->goals, p->goal_count * sizeof *p->goals);
  m->goal_count = p->goal_count;
  m->fact_count = p->fact_count;
}
static void go_back(prover *p, const mark *m) {
  memcpy(p->goals, m->goals, m->goal_count * sizeof *p->goals);
  p->goal_count = m->goal_count;
  p->fact_count = m->fact_count;
}

static fsm_proof any_of(prover *p, const goal *g) {
  fsm_proof best = FSM_PROOF_NEVER;
  mark m;
  set_mark(p, &m);
  for (const fsm__node *kid = g->node->kids; kid != NULL && best != FSM_PROOF_SOME; kid = kid->next) {
    go_back(p, &m);
    fsm_proof one = push_and_solve(p, g->expr, kid, g->holds);
    better(&best, one == FSM_PROOF_SOME ? solve(p) : one);
  }
  go_back(p, &m);
  return best;
}

static fsm_proof choose(prover *p, const goal *g) {
  const fsm__node *condition = g->node->kids, *then = condition->next;
  fsm_proof best = FSM_PROOF_NEVER;
  mark m;
  set_mark(p, &m);
  for (int i = 0; i < 2 && best != FSM_PROOF_SOME; i++) {
    go_back(p, &m);
    fsm_proof one = push_and_solve(p, g->expr, condition, i == 0);
    if (one == FSM_PROOF_SOME) one = push_and_solve(p, g->expr, i == 0 ? then : then->next, g->holds);
    better(&best, one == FSM_PROOF_SOME ? solve(p) : one);
  }
  go_back(p, &m);
  return best;
}

static fsm_proof add_fact(prover *p, const fact *f) {
  if (p->fact_count == FSM_PROVE_PARTS_MAX) {
    p->given_up = true;
    return FSM_PROOF_OPEN;
  }
  p->facts[p->fact_count++] = *f;
  return solve(p);
}

static bool is_plain(const fsm_value *value) {
  double n;
  if (fsm__is_number(value)) return as_number(value, &n);
  return value->type == FSM_NULL || value->type == FSM_BOOL || value->type == FSM_STRING;
}

static bool usable(fsm__op op, const fsm_value *value) {
  double n;
  if (op == FSM__EQ || op == FSM__NE) return is_plain(value);
  if (op == FSM__LT || op == FSM__LE || op == FSM__GT || op == FSM__GE) return as_number(value, &n);
  if (op != FSM__IN || value->type != FSM_LIST) return false;
  for (uint32_t i = 0; i < value->len; i++)
    if (!is_plain(&value->items[i])) return false;
  return true;
}

static fsm__op mirrored(fsm__op op) {
  switch (op) {
    case FSM__LT: return FSM__GT;
    case FSM__LE: return FSM__GE;
    case FSM__GT: return FSM__LT;
    case FSM__GE: return FSM__LE;
    default: return op;
  }
}

/* The source of a node without the brackets around it. */
static void name_of(const goal *g, const fsm__node *node, fact *out) {
  const char *text = g->expr->text + node->begin;
  size_t len = (size_t)node->end - node->begin;
  while (len > 2 && text[0] == '(' && text[len - 1] == ')' && memchr(text, '"', len) == NULL &&
         memchr(text, '\'', len) == NULL) {
    int depth = 0;
    size_t i = 0;
    do depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    while (depth > 0 && ++i < len);
    if (i != len - 1) break;
    text++, len -= 2;
  }
  while (len > 0 && *text == ' ') text++, len--;
  while (len > 0 && text[len - 1] == ' ') len--;
  out->text = text;
  out->len = len;
}

/* "path op literal", either way round. */
static bool comparison(const goal *g, fact *out) {
  const fsm__node *left = g->node->kids, *right = left->next;
  if (g->node->kind != FSM__FOLD || g->node->count != 2) return false;
  fsm__op op = (fsm__op)right->op;
  if (left->kind == FSM__LITERAL && op != FSM__IN) {
    const fsm__node *other = left;
    left = right;
    right = other;
    op = mirrored(op);
  }
  if (!is_path(left) || right->kind != FSM__LITERAL || !usable(op, &right->value)) return false;
  *out = (fact){.value = &right->value,
                .op = op == FSM__NE ? FSM__EQ : op,
                .holds = op == FSM__NE ? !g->holds : g->holds};
  name_of(g, left, out);
  return true;
}

static fsm_proof leaf(prover *p, const goal *g) {
  fact f;
  if (g->node->kind == FSM__FOLD && comparison(g, &f)) return add_fact(p, &f);
  f = (fact){.holds = g->holds, .opaque = !is_path(g->node)};
  name_of(g, g->node, &f);
  return add_fact(p, &f);
}

static fsm_proof solve(prover *p) {
  if (++p->steps > FSM_PROVE_STEPS_MAX) p->given_up = true;
  if (p->given_up) return FSM_PROOF_OPEN;
  if (p->goal_count == 0) return conclude(p);
  const goal g = p->goals[--p->goal_count];
  switch ((fsm__node_kind)g.node->kind) {
    case FSM__LITERAL:
      if (g.node->value.type != FSM_BOOL || g.node->value.b != g.holds) return FSM_PROOF_NEVER;
      return solve(p);
    case FSM__NOT: {
      const fsm_proof one = push_and_solve(p, g.expr, g.node->kids, !g.holds);
      return one == FSM_PROOF_SOME ? solve(p) : one;
    }
    case FSM__AND: return g.holds ? every(p, &g) : any_of(p, &g);
    case FSM__OR: return g.holds ? any_of(p, &g) : every(p, &g);
    case FSM__CHOOSE: return choose(p, &g);
    default: return leaf(p, &g);
  }
}

fsm_proof fsm_expr_prove(const fsm_claim *claims, size_t count, fsm_known_of *known, void *arg) {
  FSM_ASSERT(claims != NULL || count == 0);
  prover p = {.known = known, .arg = arg};
  if (count > GOALS_MAX) return FSM_PROOF_OPEN;
  for (size_t i = count; i-- > 0;)
    p.goals[p.goal_count++] = (goal){claims[i].expr, claims[i].expr->root, claims[i].holds};
  return solve(&p);
}

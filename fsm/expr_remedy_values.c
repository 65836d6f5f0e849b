/* expr_remedy_values.c: the values that are tried for a field: those that the condition compares it with, and
 * those next to them; what is known of it; a text that stands for any. */
#include "fsm/expr_remedy_impl.h"

enum { STEPS_MAX = 8, SIZE_MAX_TRIED = 64 };

/* ---- fields -------------------------------------------------------------------------------------- */

static bool hides(const fsm__remedy *r, const fsm_value *name) {
  return r->rules->hides != NULL && name->type == FSM_STRING && r->rules->hides(r->rules->arg, name);
}

bool fsm__remedy_is_field(const fsm__remedy *r, const fsm__node *node) {
  if (node->kind != FSM__PATH || node->kids->kind != FSM__VARIABLE || node->kids->variable != FSM__CONTEXT)
    return false;
  const fsm__node *step = node->kids->next;
  unsigned steps = 0;
  if (step == NULL) return false;
  for (const fsm__node *at = step; at != NULL; at = at->next) {
    const bool fixed = at->kind == FSM__FIELD || at->kids->kind == FSM__LITERAL;
    if (!fixed || at->soft != FSM__FIRM || hides(r, fsm__remedy_key(at)) || ++steps > STEPS_MAX) return false;
  }
  return fsm__remedy_key(step)->type == FSM_STRING && !fsm__reads_unknown(node, r->unknown);
}

static bool same_field(const fsm__node *a, const fsm__node *b) {
  if (b->kind != FSM__PATH || b->kids->kind != FSM__VARIABLE || b->kids->variable != FSM__CONTEXT)
    return false;
  a = a->kids->next, b = b->kids->next;
  for (; a != NULL && b != NULL; a = a->next, b = b->next) {
    if (b->kind == FSM__INDEX && b->kids->kind != FSM__LITERAL) return false;
    if (!fsm_value_same(fsm__remedy_key(a), fsm__remedy_key(b))) return false;
  }
  return a == b;
}

const fsm__node *fsm__remedy_field(const fsm__remedy *r, const fsm__node *part, unsigned place) {
  if (part->kind == FSM__PATH) return place == 0 && fsm__remedy_is_field(r, part) ? part : NULL;
  if (part->kind != FSM__FOLD && part->kind != FSM__CALL && part->kind != FSM__HAS) return NULL;
  for (const fsm__node *kid = part->kids; kid != NULL; kid = kid->next) {
    const fsm__node *of = kid->kind == FSM__CALL && kid->kids != NULL ? kid->kids : kid;
    if (fsm__remedy_is_field(r, of) && place-- == 0) return of;
  }
  return NULL;
}

/* ---- values -------------------------------------------------------------------------------------- */

/* JSON has it, and nothing in it is hidden. */
static bool is_plain(const fsm__remedy *r, const fsm_value *value, unsigned depth) {
  if (depth > STEPS_MAX) return false;
  switch ((fsm_type)value->type) {
    case FSM_NULL:
    case FSM_BOOL:
    case FSM_INT:
    case FSM_DOUBLE:
    case FSM_STRING: return true;
    case FSM_LIST:
      for (uint32_t i = 0; i < value->len; i++)
        if (!is_plain(r, &value->items[i], depth + 1)) return false;
      return true;
    case FSM_MAP:
      for (uint32_t i = 0; i < value->len; i++)
        if (value->pairs[i].key.type != FSM_STRING || hides(r, &value->pairs[i].key) ||
            !is_plain(r, &value->pairs[i].value, depth + 1))
          return false;
      return true;
    default: return false;
  }
}

static void add(fsm__remedy *r, fsm__remedy_values *out, fsm_value value) {
  if (value.type == FSM_UINT && value.u <= INT64_MAX) value = fsm_int((int64_t)value.u);
  if (out->count == FSM__REMEDY_VALUES_MAX || !is_plain(r, &value, 0)) return;
  for (unsigned i = 0; i < out->count; i++)
    if (fsm_value_same(&out->at[i], &value)) return;
  out->at[out->count++] = value;
}

static void add_beside(fsm__remedy *r, fsm__remedy_values *out, const fsm_value *v, int by) {
  int64_t sum;
  if (v->type == FSM_INT && !__builtin_add_overflow(v->i, by, &sum)) add(r, out, fsm_int(sum));
  if (v->type == FSM_DOUBLE) add(r, out, fsm_double(v->d + by));
}

/* What is a part of the number is tried last. */
static void add_near(fsm__remedy *r, fsm__remedy_values *out, fsm_value v, fsm__op op) {
  if (v.type == FSM_UINT && v.u <= INT64_MAX) v = fsm_int((int64_t)v.u);
  if (op == FSM__GT || op == FSM__NE) add_beside(r, out, &v, 1);
  if (op == FSM__LT) add_beside(r, out, &v, -1);
  add(r, out, v.type == FSM_BOOL && op == FSM__NE ? fsm_bool(!v.b) : v);
  add_beside(r, out, &v, 1);
  add_beside(r, out, &v, -1);
  if (v.type == FSM_BOOL) add(r, out, fsm_bool(!v.b));
  const double d = v.type == FSM_INT ? (double)v.i : v.d;
  if (v.type != FSM_INT && v.type != FSM_DOUBLE) return;
  add(r, out, fsm_double(d + 0.01));
  add(r, out, fsm_double(d - 0.01));
}

/* The same of texts and lists of that size: x, or what the list has already. */
static void add_sized(fsm__remedy *r, fsm__remedy_values *out, const fsm_value *old, const fsm_value *size) {
  for (int by = -1; by <= 1 && size->type == FSM_INT; by++) {
    const int64_t count = size->i > INT64_MAX / 2 || size->i < 0 ? -1 : size->i + by;
    if (count < 0 || count > SIZE_MAX_TRIED) continue;
    const bool list = old != NULL && old->type == FSM_LIST;
    fsm_value *items = fsm_arena_alloc(r->arena, ((size_t)count + 1) * sizeof *items);
    if (items == NULL) {
      r->no_memory = true;
      return;
    }
    for (int64_t i = 0; list && i < count; i++)
      items[i] = i < old->len ? old->items[i] : fsm_string(FSM_REMEDY_FILLER);
    if (!list) memset(items, 'x', (size_t)count);
    add(r, out, list ? fsm_list(items, (size_t)count) : fsm_stringn((const char *)items, (size_t)count));
  }
}

/* The list with the item behind it, and without it. */
static void add_with(fsm__remedy *r, fsm__remedy_values *out, const fsm_value *list, const fsm_value *item) {
  const bool is = list != NULL && list->type == FSM_LIST;
  fsm_value *with = fsm_arena_alloc(r->arena, ((is ? list->len : 0) + 1u) * sizeof *with);
  fsm_value *without = fsm_arena_alloc(r->arena, ((is ? list->len : 0) + 1u) * sizeof *without);
  uint32_t count = 0, left = 0;
  r->no_memory = r->no_memory || with == NULL || without == NULL;
  if (with == NULL || without == NULL || (list != NULL && !is && list->type != FSM_NULL)) return;
  for (uint32_t i = 0; is && i < list->len; i++) {
    with[count++] = list->items[i];
    if (!fsm_value_same(&list->items[i], item)) without[left++] = list->items[i];
  }
  with[count++] = *item;
  add(r, out, fsm_list(with, count));
  if (left + 1 < count) add(r, out, fsm_list(without, left));
}

/* ---- what the condition says --------------------------------------------------------------------- */

/* Nothing that is hidden comes out of it. */
static bool is_open(const fsm__remedy *r, const fsm__node *node) {
  if (r->rules->hides == NULL) return true;
  if (node->kind == FSM__MACRO || node->kind == FSM__LOCAL || node->kind == FSM__MERGE) return false;
  if (node->kind == FSM__VARIABLE) return node->variable == FSM__NOW;
  const fsm__node *kid = node->kids;
  if (node->kind == FSM__PATH && kid->kind == FSM__VARIABLE) kid = kid->next;
  for (; kid != NULL; kid = kid->next) {
    if (kid->kind == FSM__FIELD && hides(r, &kid->value)) return false;
    if (kid->kind == FSM__INDEX && (kid->kids->kind != FSM__LITERAL || hides(r, &kid->kids->value)))
      return false;
    if (kid->kind != FSM__FIELD && kid->kind != FSM__INDEX && !is_open(r, kid)) return false;
  }
  return true;
}

/* NULL: it cannot be told. */
static const fsm_value *value_of(fsm__remedy *r, const fsm__node *node, fsm_value *slot) {
  if (fsm__reads_unknown(node, r->unknown) || !is_open(r, node)) return NULL;
  r->f.run.work = 0;
  const fsm_value *value = fsm__eval(&r->f.run, node, slot);
  r->work += r->f.run.work;
  if (value == NULL && r->f.run.fault.code == FSM_ENOMEM) r->no_memory = true;
  return value;
}

static const fsm_value *now_of(const fsm__remedy *r, const fsm__node *field) {
  const fsm_value *at = &r->context;
  for (const fsm__node *step = field->kids->next; step != NULL && at != NULL; step = step->next)
    at = fsm__at_key(at, fsm__remedy_key(step));
  return at;
}

static fsm__op turned(fsm__op op) {
  switch (op) {
    case FSM__LT: return FSM__GT;
    case FSM__LE: return FSM__GE;
    case FSM__GT: return FSM__LT;
    case FSM__GE: return FSM__LE;
    default: return op;
  }
}

/* One side is the field, or its size; the other is known. */
static void add_compared(fsm__remedy *r, const fsm__node *side, const fsm__node *other, fsm__op op, bool left,
                         const fsm__node *field, fsm__remedy_values *out) {
  const bool sized = side->kind == FSM__CALL && side->function == fsm__function_find("size", 4) &&
                     side->kids != NULL && same_field(field, side->kids);
  fsm_value slot;
  if (!sized && !same_field(field, side)) return;
  const fsm_value *v = value_of(r, other, &slot);
  if (v == NULL) return;
  if (sized)
    add_sized(r, out, now_of(r, field), v);
  else if (op != FSM__IN)
    add_near(r, out, *v, left ? op : turned(op));
  else if (!left)
    add_with(r, out, now_of(r, field), v);
  else
    for (uint32_t i = 0; v->type == FSM_LIST && i < v->len; i++) add(r, out, v->items[i]);
}

static void add_said(fsm__remedy *r, const fsm__node *part, const fsm__node *field, fsm__remedy_values *out) {
  const fsm__node *first = part->kids, *second = first != NULL ? first->next : NULL;
  fsm_value slot;
  if (part->kind == FSM__PATH && same_field(field, part)) {
    add(r, out, fsm_bool(true));
    add(r, out, fsm_bool(false));
  }
  if (part->kind == FSM__FOLD && part->count == 2 && second->op <= FSM__IN) {
    add_compared(r, first, second, (fsm__op)second->op, true, field, out);
    add_compared(r, second, first, (fsm__op)second->op, false, field, out);
  }
  if (part->kind != FSM__CALL || part->count != 2 || !same_field(field, first)) return;
  const fsm_value *v = value_of(r, second, &slot);
  if (v != NULL && v->type == FSM_STRING) add(r, out, *v);
}

static void add_elsewhere(fsm__remedy *r, const fsm__node *node, const fsm__node *field,
                          fsm__remedy_values *out) {
  const bool joint =
      node->kind == FSM__AND || node->kind == FSM__OR || node->kind == FSM__NOT || node->kind == FSM__CHOOSE;
  if (!joint) add_said(r, node, field, out);
  for (const fsm__node *kid = node->kids; joint && kid != NULL; kid = kid->next)
    add_elsewhere(r, kid, field, out);
}

void fsm__remedy_values_of(fsm__remedy *r, const fsm__node *part, const fsm__node *field,
                           fsm__remedy_values *out) {
  fsm_value samples[FSM_REMEDY_SAMPLES_MAX];
  const fsm__node *step = field->kids->next;
  add_said(r, part, field, out);
  if (r->rules->samples != NULL && step->next == NULL) {
    const unsigned count =
        r->rules->samples(r->rules->arg, fsm__remedy_key(step), samples, FSM_REMEDY_SAMPLES_MAX);
    for (unsigned i = 0; i < count; i++) add(r, out, samples[i]);
  }
  add_elsewhere(r, r->expr->root, field, out);
  add(r, out, fsm_string(FSM_REMEDY_FILLER));
}

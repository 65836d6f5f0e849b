/* expr_equal.c: CEL equality, and the order of numbers of different types.
 *
 * int and uint are compared by value, and as doubles with a double (so past 2^53 they may round into
 * being equal; the CEL suite wants that). Values of other different types are unequal, not an error.
 * A map may be looked up with a number of another type than its key has.
 */
#include <math.h>
#include <string.h>

#include "fsm/expr_impl.h"

bool fsm__is_number(const fsm_value *value) { return value->type >= FSM_INT && value->type <= FSM_DOUBLE; }

#define SIGN(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_int_uint(int64_t a, uint64_t b) { return a < 0 ? -1 : SIGN((uint64_t)a, b); }

static double as_double(const fsm_value *number) {
  if (number->type == FSM_INT) return (double)number->i;
  return number->type == FSM_UINT ? (double)number->u : number->d;
}

int fsm__compare_numbers(const fsm_value *a, const fsm_value *b) {
  if (a->type == FSM_DOUBLE || b->type == FSM_DOUBLE) {
    double x = as_double(a), y = as_double(b);
    return isnan(x) || isnan(y) ? 2 : SIGN(x, y);
  }
  if (a->type == b->type) return a->type == FSM_INT ? SIGN(a->i, b->i) : SIGN(a->u, b->u);
  return a->type == FSM_INT ? compare_int_uint(a->i, b->u) : -compare_int_uint(b->i, a->u);
}

/* ---- lookup ------------------------------------------------------------------------------------ */

/* The same number in another integer type; false when it has none. */
static bool as_int(const fsm_value *number, fsm_value *out) {
  if (number->type == FSM_UINT && number->u <= INT64_MAX)
    *out = fsm_int((int64_t)number->u);
  else if (number->type == FSM_DOUBLE && number->d >= -0x1p63 && number->d < 0x1p63 &&
           number->d == trunc(number->d))
    *out = fsm_int((int64_t)number->d);
  else
    return false;
  return true;
}

static bool as_uint(const fsm_value *number, fsm_value *out) {
  if (number->type == FSM_INT && number->i >= 0)
    *out = fsm_uint((uint64_t)number->i);
  else if (number->type == FSM_DOUBLE && number->d >= 0 && number->d < 0x1p64 &&
           number->d == trunc(number->d))
    *out = fsm_uint((uint64_t)number->d);
  else
    return false;
  return true;
}

static const fsm_value *in_map(const fsm_value *map, const fsm_value *key) {
  const fsm_value *value = fsm_map_find(map, key);
  if (value || !fsm__is_number(key)) return value;
  fsm_value other;
  if (as_int(key, &other)) value = fsm_map_find(map, &other);
  if (!value && as_uint(key, &other)) value = fsm_map_find(map, &other);
  return value;
}

const fsm_value *fsm__at_key(const fsm_value *base, const fsm_value *key) {
  if (base->type == FSM_MAP)
    return key->type == FSM_STRING ? fsm_map_getn(base, key->s, key->len) : in_map(base, key);
  if (base->type != FSM_LIST || !fsm__is_number(key)) return NULL;
  fsm_value index = *key;
  if (key->type != FSM_UINT && !as_uint(key, &index)) return NULL;
  return index.u < base->len ? &base->items[index.u] : NULL;
}

/* ---- equality ---------------------------------------------------------------------------------- */

static int equal_at(fsm__run *run, const fsm_value *a, const fsm_value *b, unsigned left);

static int equal_list(fsm__run *run, const fsm_value *a, const fsm_value *b, unsigned left) {
  if (a->len != b->len) return 0;
  for (uint32_t i = 0; i < a->len; i++) {
    int equal = equal_at(run, &a->items[i], &b->items[i], left);
    if (equal != 1) return equal;
  }
  return 1;
}

static int equal_map(fsm__run *run, const fsm_value *a, const fsm_value *b, unsigned left) {
  if (a->len != b->len) return 0;
  for (uint32_t i = 0; i < a->len; i++) {
    const fsm_value *other = fsm__at_key(b, &a->pairs[i].key);
    if (!other) return 0;
    int equal = equal_at(run, &a->pairs[i].value, other, left);
    if (equal != 1) return equal;
  }
  return 1;
}

static int equal_deep(fsm__run *run, const fsm_value *a, const fsm_value *b, unsigned left) {
  if (!left) {
    fsm__refuse(run, "the values are nested too deep to be compared", 0, NULL, NULL);
    return -1;
  }
  if (!fsm__work(run, a->len)) return -1;
  return a->type == FSM_LIST ? equal_list(run, a, b, left - 1) : equal_map(run, a, b, left - 1);
}

static int equal_optional(fsm__run *run, const fsm_value *a, const fsm_value *b, unsigned left) {
  if (!a->len || !b->len) return a->len == b->len;
  if (!left) {
    fsm__refuse(run, "the values are nested too deep to be compared", 0, NULL, NULL);
    return -1;
  }
  return equal_at(run, a->items, b->items, left - 1);
}

static int equal_at(fsm__run *run, const fsm_value *a, const fsm_value *b, unsigned left) {
  if (a->type != b->type) return fsm__is_number(a) && fsm__is_number(b) && fsm__compare_numbers(a, b) == 0;
  switch (a->type) {
    case FSM_NULL: return 1;
    case FSM_BOOL: return a->b == b->b;
    case FSM_INT: return a->i == b->i;
    case FSM_UINT: return a->u == b->u;
    case FSM_DOUBLE: return a->d == b->d;
    case FSM_STRING:
    case FSM_BYTES:
      if (a->len != b->len) return 0;
      if (!fsm__work(run, a->len)) return -1;
      return a->len == 0 || memcmp(a->s, b->s, a->len) == 0;
    case FSM_LIST:
    case FSM_MAP: return equal_deep(run, a, b, left);
    case FSM_TIMESTAMP:
    case FSM_DURATION: return a->i == b->i && a->len == b->len;
    case FSM__TYPE: return a->len == b->len;
    case FSM__OPTIONAL: return equal_optional(run, a, b, left);
    default: return 0;
  }
}

int fsm__equal(fsm__run *run, const fsm_value *a, const fsm_value *b) {
  return equal_at(run, a, b, FSM_VALUE_DEPTH_MAX);
}

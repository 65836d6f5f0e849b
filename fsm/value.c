/* value.c: comparing, copying and measuring values. Maps have value_map.c.
 *
 * Every walk carries its depth and stops at FSM_VALUE_DEPTH_MAX, so that no value, however made, can
 * exhaust the stack. Invariant: fsm_value_compare is 0 exactly when fsm_value_same is true, for all
 * values within that depth.
 */
#include "fsm/value.h"

#include <string.h>

const char *fsm_type_name(fsm_type type) {
  static const char *const names[FSM_TYPE_COUNT] = {
      [FSM_NULL] = "null",     [FSM_BOOL] = "bool",           [FSM_INT] = "int",          [FSM_UINT] = "uint",
      [FSM_DOUBLE] = "double", [FSM_STRING] = "string",       [FSM_BYTES] = "bytes",      [FSM_LIST] = "list",
      [FSM_MAP] = "map",       [FSM_TIMESTAMP] = "timestamp", [FSM_DURATION] = "duration"};
  FSM_ASSERT((unsigned)type < FSM_TYPE_COUNT);
  return names[type];
}

fsm_value fsm_string(const char *text) {
  size_t len = strlen(text);
  FSM_ASSERT(len <= UINT32_MAX);
  return fsm_stringn(text, len);
}

bool fsm_is_text(const fsm_value *value, const char *text) {
  size_t len = strlen(text);
  return value->type == FSM_STRING && value->len == len && (len == 0 || memcmp(value->s, text, len) == 0);
}

/* ---- order ------------------------------------------------------------------------------------- */

#define SIGN(a, b) (((a) > (b)) - ((a) < (b)))

/* NaN first and equal to itself; -0.0 before 0.0, for they are stored differently. */
static int compare_double(double a, double b) {
  if (a != a || b != b) return SIGN(b != b, a != a);
  if (a != b) return SIGN(a, b);
  return SIGN(__builtin_signbit(b) != 0, __builtin_signbit(a) != 0);
}

static int compare_text(const fsm_value *a, const fsm_value *b) {
  size_t len = a->len < b->len ? a->len : b->len;
  int order = len ? memcmp(a->s, b->s, len) : 0;
  return order ? order : SIGN(a->len, b->len);
}

static int compare_at(const fsm_value *a, const fsm_value *b, unsigned depth);

static int compare_list(const fsm_value *a, const fsm_value *b, unsigned depth) {
  uint32_t len = a->len < b->len ? a->len : b->len;
  for (uint32_t i = 0; i < len; i++) {
    int order = compare_at(&a->items[i], &b->items[i], depth);
    if (order) return order;
  }
  return SIGN(a->len, b->len);
}

static int compare_map(const fsm_value *a, const fsm_value *b, unsigned depth) {
  uint32_t len = a->len < b->len ? a->len : b->len;
  for (uint32_t i = 0; i < len; i++) {
    int order = compare_at(&a->pairs[i].key, &b->pairs[i].key, depth);
    if (!order) order = compare_at(&a->pairs[i].value, &b->pairs[i].value, depth);
    if (order) return order;
  }
  return SIGN(a->len, b->len);
}

static int compare_at(const fsm_value *a, const fsm_value *b, unsigned depth) {
  if (a->type != b->type) return SIGN(a->type, b->type);
  switch ((fsm_type)a->type) {
    case FSM_NULL: return 0;
    case FSM_BOOL: return SIGN(a->b, b->b);
    case FSM_INT: return SIGN(a->i, b->i);
    case FSM_UINT: return SIGN(a->u, b->u);
    case FSM_DOUBLE: return compare_double(a->d, b->d);
    case FSM_STRING:
    case FSM_BYTES: return compare_text(a, b);
    case FSM_LIST: return depth ? compare_list(a, b, depth - 1) : 0;
    case FSM_MAP: return depth ? compare_map(a, b, depth - 1) : 0;
    case FSM_TIMESTAMP: return a->i != b->i ? SIGN(a->i, b->i) : SIGN(a->len, b->len);
    case FSM_DURATION: return a->i != b->i ? SIGN(a->i, b->i) : SIGN((int32_t)a->len, (int32_t)b->len);
    case FSM_TYPE_COUNT: break;
  }
  return 0;
}

int fsm_value_compare(const fsm_value *a, const fsm_value *b) {
  FSM_ASSERT(a && b);
  return compare_at(a, b, FSM_VALUE_DEPTH_MAX);
}

bool fsm_value_same(const fsm_value *a, const fsm_value *b) {
  FSM_ASSERT(a && b);
  if (a->type != b->type || compare_at(a, b, FSM_VALUE_DEPTH_MAX) != 0) return false;
  return a->type < FSM_LIST || fsm_value_depth(a) <= FSM_VALUE_DEPTH_MAX;
}

/* ---- depth and copy ---------------------------------------------------------------------------- */

static unsigned depth_at(const fsm_value *value, unsigned left) {
  if (value->type != FSM_LIST && value->type != FSM_MAP) return 0;
  unsigned most = 0;
  for (uint32_t i = 0; i < value->len && left && most < left; i++) {
    unsigned depth;
    if (value->type == FSM_LIST) {
      depth = depth_at(&value->items[i], left - 1);
    } else {
      unsigned key = depth_at(&value->pairs[i].key, left - 1);
      depth = depth_at(&value->pairs[i].value, left - 1);
      if (key > depth) depth = key;
    }
    if (depth > most) most = depth;
  }
  return most + 1;
}

unsigned fsm_value_depth(const fsm_value *value) {
  FSM_ASSERT(value);
  return depth_at(value, FSM_VALUE_DEPTH_MAX);
}

static fsm_code copy_at(fsm_arena *arena, const fsm_value *from, fsm_value *to, unsigned left,
                        fsm_error *err);

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to copy a value");
}

static fsm_code copy_list(fsm_arena *arena, const fsm_value *from, fsm_value *to, unsigned left,
                          fsm_error *err) {
  fsm_value *items = fsm_arena_zalloc(arena, from->len, sizeof *items);
  if (!items) return no_memory(err);
  for (uint32_t i = 0; i < from->len; i++) {
    fsm_code code = copy_at(arena, &from->items[i], &items[i], left, err);
    if (code) return code;
  }
  *to = fsm_list(items, from->len);
  return FSM_OK;
}

static fsm_code copy_map(fsm_arena *arena, const fsm_value *from, fsm_value *to, unsigned left,
                         fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(arena, from->len, sizeof *pairs);
  if (!pairs) return no_memory(err);
  for (uint32_t i = 0; i < from->len; i++) {
    fsm_code code = copy_at(arena, &from->pairs[i].key, &pairs[i].key, left, err);
    if (!code) code = copy_at(arena, &from->pairs[i].value, &pairs[i].value, left, err);
    if (code) return code;
  }
  return fsm_map(pairs, from->len, to, err);
}

static fsm_code copy_text(fsm_arena *arena, const fsm_value *from, fsm_value *to, fsm_error *err) {
  const char *text = fsm_arena_strndup(arena, from->s, from->len);
  if (!text) return no_memory(err);
  *to = *from;
  to->s = text;
  return FSM_OK;
}

static fsm_code copy_at(fsm_arena *arena, const fsm_value *from, fsm_value *to, unsigned left,
                        fsm_error *err) {
  if (from->type == FSM_STRING || from->type == FSM_BYTES) return copy_text(arena, from, to, err);
  if (from->type != FSM_LIST && from->type != FSM_MAP) {
    *to = *from;
    return FSM_OK;
  }
  if (!left)
    return fsm_fail(err, FSM_ETOOLARGE, "", "the value is nested more than %d levels deep",
                    FSM_VALUE_DEPTH_MAX);
  if (from->type == FSM_LIST) return copy_list(arena, from, to, left - 1, err);
  return copy_map(arena, from, to, left - 1, err);
}

fsm_code fsm_value_copy(fsm_arena *arena, const fsm_value *value, fsm_value *out, fsm_error *err) {
  FSM_ASSERT(arena && value && out);
  fsm_value copy;
  fsm_code code = copy_at(arena, value, &copy, FSM_VALUE_DEPTH_MAX, err);
  if (!code) *out = copy;
  return code;
}

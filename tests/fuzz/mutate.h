/* mutate.h: a seed into an input: bytes that are changed as bytes, and trees of values that are changed
 * as trees and written again, so that what is wrong is wrong deep inside. */
#ifndef FSM_TESTS_FUZZ_MUTATE_H
#define FSM_TESTS_FUZZ_MUTATE_H

#include "tests/fuzz/fuzz.h"

enum { FUZZ_BYTES_MAX = 64 * 1024, FUZZ_TREE_DEPTH = 80 };

/* ---- bytes --------------------------------------------------------------------------------------- */

typedef struct fuzz_text {
  uint8_t *data; /* FUZZ_BYTES_MAX */
  size_t len;
} fuzz_text;

static inline uint64_t fuzz_edge(fuzz_run *run) {
  static const uint64_t edges[] = {
      0,          1,          2,           3,          7,         15,         16,         31,
      32,         63,         64,          100,        127,       128,        129,        254,
      255,        256,        257,         511,        512,       1000,       4095,       4096,
      32767,      32768,      65535,       65536,      999999999, 1000000000, INT32_MAX,  UINT32_MAX,
      1ULL << 31, 1ULL << 32, 1ULL << 34,  1ULL << 53, INT64_MAX, 1ULL << 63, UINT64_MAX, UINT64_MAX - 1,
      0xc0,       0xc1,       0x7fffffff0, 0xff000000, 0xdd};
  uint64_t edge = edges[fuzz_below(run, sizeof edges / sizeof *edges)];
  return fuzz_one_in(run, 4) ? edge + fuzz_below(run, 5) - 2 : fuzz_one_in(run, 4) ? 0 - edge : edge;
}

/* Makes room for len bytes at a place, or takes them away; false when it would not fit. */
static inline bool fuzz_open_gap(fuzz_text *t, size_t at, size_t len) {
  if (len > FUZZ_BYTES_MAX - t->len) return false;
  memmove(t->data + at + len, t->data + at, t->len - at);
  t->len += len;
  return true;
}

static inline void fuzz_cut(fuzz_text *t, size_t at, size_t len) {
  memmove(t->data + at, t->data + at + len, t->len - at - len);
  t->len -= len;
}

static inline void fuzz_put_in(fuzz_text *t, size_t at, const void *data, size_t len) {
  if (fuzz_open_gap(t, at, len)) memcpy(t->data + at, data, len);
}

/* A short length is likelier than a long one. */
static inline size_t fuzz_some(fuzz_run *run, size_t most) {
  if (most == 0) return 0;
  size_t bound = fuzz_one_in(run, 4) ? most : most < 16 ? most : 16;
  return 1 + fuzz_below(run, bound);
}

static inline void fuzz_write_number(fuzz_run *run, fuzz_text *t) {
  static const size_t sizes[] = {1, 2, 4, 8};
  size_t size = sizes[fuzz_below(run, 4)];
  if (t->len < size) return;
  uint64_t edge = fuzz_edge(run);
  size_t at = fuzz_below(run, t->len - size + 1);
  bool big_endian = fuzz_one_in(run, 2);
  for (size_t i = 0; i < size; i++)
    t->data[at + i] = (uint8_t)(edge >> (8 * (big_endian ? size - 1 - i : i)));
}

/* A slice of this text or of a seed, put in or laid over at another place. */
static inline void fuzz_move_slice(fuzz_run *run, fuzz_text *t) {
  const fuzz_seed *other = fuzz_any_seed(run);
  bool own = fuzz_one_in(run, 2);
  const uint8_t *from = own ? t->data : other->data;
  size_t from_len = own ? t->len : other->len;
  if (from_len == 0) return;
  size_t len = fuzz_some(run, from_len), start = fuzz_below(run, from_len - len + 1);
  static uint8_t slice[FUZZ_BYTES_MAX];
  if (len > sizeof slice) return;
  memcpy(slice, from + start, len);
  size_t at = fuzz_below(run, t->len + 1);
  if (fuzz_one_in(run, 2))
    fuzz_put_in(t, at, slice, len);
  else
    memcpy(t->data + at, slice, len < t->len - at ? len : t->len - at);
}

static inline void fuzz_splice(fuzz_run *run, fuzz_text *t) {
  const fuzz_seed *other = fuzz_any_seed(run);
  size_t from = fuzz_below(run, other->len + 1), len = other->len - from;
  t->len = fuzz_below(run, t->len + 1);
  fuzz_put_in(t, t->len, other->data + from, len);
}

static inline void fuzz_insert_bytes(fuzz_run *run, fuzz_text *t) {
  uint8_t bytes[16];
  size_t len = 1 + fuzz_below(run, sizeof bytes), at = fuzz_below(run, t->len + 1);
  bool same = fuzz_one_in(run, 2);
  for (size_t i = 0; i < len; i++) bytes[i] = same && i ? bytes[0] : (uint8_t)fuzz_next(run);
  fuzz_put_in(t, at, bytes, len);
}

/* One thing many times, for what nests. */
static inline void fuzz_repeat(fuzz_run *run, fuzz_text *t) {
  if (t->len == 0) return;
  size_t len = 1 + fuzz_below(run, t->len < 4 ? t->len : 4), from = fuzz_below(run, t->len - len + 1);
  uint8_t slice[4];
  memcpy(slice, t->data + from, len);
  for (size_t times = 1 + fuzz_below(run, 80); times; times--) fuzz_put_in(t, from, slice, len);
}

static inline void fuzz_change_once(fuzz_run *run, fuzz_text *t) {
  size_t at = t->len ? fuzz_below(run, t->len) : 0;
  switch (fuzz_below(run, 13)) {
    case 0:
    case 1:
      if (t->len) t->data[at] ^= (uint8_t)(1u << fuzz_below(run, 8));
      return;
    case 2:
      if (t->len) t->data[at] = (uint8_t)fuzz_edge(run);
      return;
    case 3:
      if (t->len) t->data[at] = (uint8_t)(t->data[at] + fuzz_below(run, 9) - 4);
      return;
    case 4:
      t->len -=
          fuzz_one_in(run, 2) ? fuzz_below(run, t->len + 1) : fuzz_below(run, t->len < 16 ? t->len + 1 : 16);
      return;
    case 5:
      if (t->len) fuzz_cut(t, at, fuzz_some(run, t->len - at));
      return;
    case 6: fuzz_insert_bytes(run, t); return;
    case 7: fuzz_move_slice(run, t); return;
    case 8: fuzz_splice(run, t); return;
    case 9: fuzz_write_number(run, t); return;
    case 10: fuzz_repeat(run, t); return;
    default: {
      const char *token = fuzz_any_token(run);
      fuzz_put_in(t, at, token, strlen(token));
    }
  }
}

/* Changes bytes a few times; not at all once in 16. */
static inline void fuzz_change(fuzz_run *run, fuzz_text *t) {
  if (fuzz_one_in(run, 16)) return;
  do fuzz_change_once(run, t);
  while (!fuzz_one_in(run, 3));
}

static inline fuzz_text fuzz_text_of(fuzz_run *run, const void *data, size_t len) {
  fuzz_text t = {fsm_arena_alloc(&run->arena, FUZZ_BYTES_MAX), len < FUZZ_BYTES_MAX ? len : FUZZ_BYTES_MAX};
  FSM_ASSERT(t.data != NULL);
  memcpy(t.data, data, t.len);
  return t;
}

/* A changed seed becomes the input. */
static inline void fuzz_input_mutated(fuzz_run *run) {
  const fuzz_seed *seed = fuzz_any_seed(run);
  fuzz_text t = fuzz_text_of(run, seed->data, seed->len);
  fuzz_change(run, &t);
  fuzz_input(run, t.data, t.len);
}

/* ---- trees --------------------------------------------------------------------------------------- */

static inline void *fuzz_take(fuzz_run *run, size_t count, size_t size) {
  void *memory = fsm_arena_zalloc(&run->arena, count ? count : 1, size);
  FSM_ASSERT(memory != NULL);
  return memory;
}

static inline fsm_value fuzz_string(fuzz_run *run) {
  if (run->tokens && !fuzz_one_in(run, 3)) return fsm_string(fuzz_any_token(run));
  static const size_t lengths[] = {0, 1, 15, 16, 31, 32, 33, 128, 255, 256, 500};
  size_t len = fuzz_one_in(run, 2) ? fuzz_below(run, 8) : lengths[fuzz_below(run, 11)];
  char *text = fuzz_take(run, len + 1, 1);
  bool same = fuzz_one_in(run, 2);
  for (size_t i = 0; i < len; i++)
    text[i] = same ? 'x' : (char)(fuzz_one_in(run, 60) ? 0 : 1 + fuzz_below(run, 127));
  return fsm_stringn(text, len);
}

static inline fsm_value fuzz_bytes(fuzz_run *run) {
  static const size_t lengths[] = {0, 1, 8, 15, 16, 17, 31, 32, 33};
  size_t len = lengths[fuzz_below(run, 9)];
  uint8_t *bytes = fuzz_take(run, len, 1);
  for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)fuzz_next(run);
  return fsm_bytes(bytes, len);
}

static inline fsm_value fuzz_double(fuzz_run *run) {
  static const double edges[] = {0.0,    -0.0, 0.5,    -1.5,    1e15,   9007199254740993.0,     1e300,
                                 1e-320, 0.1,  -1e308, 123.456, 5e-324, 1.7976931348623157e308, 4294967296.5};
  double d;
  uint64_t bits = fuzz_next(run);
  memcpy(&d, &bits, sizeof d);
  return fsm_double(fuzz_one_in(run, 2) && __builtin_isfinite(d) ? d : edges[fuzz_below(run, 14)]);
}

/* What JSON can say, unless packed. */
static inline fsm_value fuzz_scalar(fuzz_run *run, bool packed) {
  switch (fuzz_below(run, packed ? 10 : 7)) {
    case 0: return fsm_null();
    case 1: return fsm_bool(fuzz_one_in(run, 2));
    case 2:
    case 3: return fsm_int((int64_t)fuzz_edge(run));
    case 4: return fuzz_double(run);
    case 5:
    case 6: return fuzz_string(run);
    case 7: return fuzz_bytes(run);
    case 8:
      return (fsm_value){.type = FSM_TIMESTAMP,
                         .len = fuzz_one_in(run, 2) ? 16 : (uint32_t)fuzz_below(run, 1000000000),
                         .i = (int64_t)fuzz_edge(run)};
    default: {
      uint64_t u = fuzz_edge(run);
      return u > INT64_MAX ? fsm_uint(u) : fsm_int((int64_t)u);
    }
  }
}

static inline size_t fuzz_nodes(const fsm_value *v) {
  size_t count = 1;
  if (v->type == FSM_LIST)
    for (uint32_t i = 0; i < v->len; i++) count += fuzz_nodes(&v->items[i]);
  if (v->type == FSM_MAP)
    for (uint32_t i = 0; i < v->len; i++) count += fuzz_nodes(&v->pairs[i].value);
  return count;
}

/* The node of this number, in the order they are read. */
static inline const fsm_value *fuzz_node(const fsm_value *v, size_t *number) {
  if ((*number)-- == 0) return v;
  const fsm_value *found = NULL;
  for (uint32_t i = 0; !found && v->type == FSM_LIST && i < v->len; i++)
    found = fuzz_node(&v->items[i], number);
  for (uint32_t i = 0; !found && v->type == FSM_MAP && i < v->len; i++)
    found = fuzz_node(&v->pairs[i].value, number);
  return found;
}

static inline const fsm_value *fuzz_any_node(fuzz_run *run, const fsm_value *tree) {
  size_t number = fuzz_below(run, fuzz_nodes(tree));
  const fsm_value *node = fuzz_node(tree, &number);
  FSM_ASSERT(node != NULL);
  return node;
}

/* A list or map with a member more, less, twice or renamed. */
static inline fsm_value fuzz_change_list(fuzz_run *run, const fsm_value *list) {
  fsm_value *items = fuzz_take(run, list->len + 1, sizeof *items);
  if (list->len) memcpy(items, list->items, list->len * sizeof *items);
  size_t at = list->len ? fuzz_below(run, list->len) : 0, count = list->len;
  switch (fuzz_below(run, 3)) {
    case 0:
      if (count) memmove(&items[at], &items[at + 1], (--count - at) * sizeof *items);
      break;
    case 1: items[count] = count ? items[at] : fsm_null(), count++; break;
    default:
      if (count) {
        fsm_value first = items[0];
        items[0] = items[at];
        items[at] = first;
      }
  }
  return fsm_list(items, count);
}

/* A key that could stand beside this one. */
static inline fsm_value fuzz_key(fuzz_run *run, const fsm_value *beside) {
  return beside && beside->type == FSM_INT ? fsm_int((int64_t)fuzz_below(run, 50)) : fuzz_string(run);
}

static inline fsm_value fuzz_change_map(fuzz_run *run, const fsm_value *map) {
  fsm_pair *pairs = fuzz_take(run, map->len + 1, sizeof *pairs);
  if (map->len) memcpy(pairs, map->pairs, map->len * sizeof *pairs);
  size_t at = map->len ? fuzz_below(run, map->len) : 0, count = map->len;
  switch (fuzz_below(run, 3)) {
    case 0:
      if (count) memmove(&pairs[at], &pairs[at + 1], (--count - at) * sizeof *pairs);
      break;
    case 1:
      pairs[count].key = fuzz_key(run, count ? &pairs[0].key : NULL);
      pairs[count].value = count ? pairs[at].value : fsm_null();
      count++;
      break;
    default:
      if (count) pairs[at].key = fuzz_key(run, &pairs[0].key);
  }
  return (fsm_value){.type = FSM_MAP, .len = (uint32_t)count, .pairs = pairs};
}

static inline fsm_value fuzz_wrap(fuzz_run *run, const fsm_value *v) {
  fsm_pair *pair = fuzz_take(run, 1, sizeof *pair);
  *pair = (fsm_pair){fuzz_string(run), *v};
  return fuzz_one_in(run, 2) ? fsm_list(&pair->value, 1)
                             : (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
}

static inline fsm_value fuzz_change_node(fuzz_run *run, const fsm_value *v, const fsm_value *donor,
                                         bool packed) {
  size_t way = fuzz_below(run, 8);
  if (way < 3 && v->type == FSM_LIST) return fuzz_change_list(run, v);
  if (way < 4 && v->type == FSM_MAP) return fuzz_change_map(run, v);
  if (way < 5 && v->type == FSM_INT) return fsm_int((int64_t)fuzz_edge(run));
  if (way < 5 && v->type == FSM_STRING) return fuzz_string(run);
  if (way == 5) return fuzz_wrap(run, v);
  if (way == 6) return *fuzz_any_node(run, donor);
  return fuzz_scalar(run, packed);
}

/* v with its node of this number changed; what is not changed is shared. */
static inline fsm_value fuzz_change_at(fuzz_run *run, const fsm_value *v, size_t *number,
                                       const fsm_value *donor, bool packed) {
  if ((*number)-- == 0) return fuzz_change_node(run, v, donor, packed);
  fsm_value out = *v;
  if (v->type == FSM_LIST && v->len) {
    fsm_value *items = fuzz_take(run, v->len, sizeof *items);
    for (uint32_t i = 0; i < v->len; i++)
      items[i] = *number == SIZE_MAX ? v->items[i] : fuzz_change_at(run, &v->items[i], number, donor, packed);
    out.items = items;
  } else if (v->type == FSM_MAP && v->len) {
    fsm_pair *pairs = fuzz_take(run, v->len, sizeof *pairs);
    for (uint32_t i = 0; i < v->len; i++) {
      pairs[i] = v->pairs[i];
      if (*number != SIZE_MAX)
        pairs[i].value = fuzz_change_at(run, &v->pairs[i].value, number, donor, packed);
    }
    out.pairs = pairs;
  }
  return out;
}

/* A tree with one to a few nodes changed. donor: where other nodes come from. */
static inline fsm_value fuzz_change_tree(fuzz_run *run, const fsm_value *tree, const fsm_value *donor,
                                         bool packed) {
  fsm_value out = *tree;
  do {
    size_t number = fuzz_below(run, fuzz_nodes(&out));
    out = fuzz_change_at(run, &out, &number, donor, packed);
  } while (fuzz_one_in(run, 3));
  return out;
}

#endif

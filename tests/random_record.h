/* random_record.h: records by chance, from a seed: every field there or not, values of every type with the
 * texts, numbers and names that writers get wrong. */
#ifndef RANDOM_RECORD_H
#define RANDOM_RECORD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/record.h"
#include "schema/record_fields.h"

typedef struct chance {
  uint64_t state;
  fsm_arena *arena;
} chance;

static inline uint64_t chance_next(chance *c) {
  uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}
static inline size_t chance_below(chance *c, size_t count) { return (size_t)(chance_next(c) % count); }
static inline bool chance_one_in(chance *c, size_t count) { return chance_below(c, count) == 0; }

static inline const char *chance_text(chance *c) {
  static const char *const pieces[] = {"a",       "plain text of some length",
                                       "\"",      "\\",
                                       "\n",      "\t",
                                       "\r",      "\x01",
                                       "\x1f",    "\x7f",
                                       "ä",       "€",
                                       "😀",       " ",
                                       "iban",    "DE00",
                                       "/",       "é́",
                                       "0123456", "日本語",
                                       "<&>",     ","};
  char text[512];
  size_t len = 0, count = chance_below(c, chance_one_in(c, 8) ? 40 : 5);
  for (size_t i = 0; i < count; i++) {
    const char *piece = pieces[chance_below(c, sizeof pieces / sizeof *pieces)];
    if (len + strlen(piece) < sizeof text) {
      memcpy(text + len, piece, strlen(piece));
      len += strlen(piece);
    }
  }
  return fsm_arena_strndup(c->arena, text, len);
}

static inline int64_t chance_int(chance *c) {
  static const int64_t edges[] = {0,
                                  1,
                                  9,
                                  10,
                                  99,
                                  100,
                                  127,
                                  128,
                                  255,
                                  256,
                                  65535,
                                  65536,
                                  1LL << 53,
                                  (1LL << 53) + 1,
                                  INT64_MAX,
                                  INT64_MIN,
                                  -1,
                                  -32,
                                  -33,
                                  -128,
                                  -129,
                                  -(1LL << 53),
                                  -(1LL << 53) - 1};
  switch (chance_below(c, 3)) {
    case 0: return edges[chance_below(c, sizeof edges / sizeof *edges)];
    case 1: return (int64_t)chance_below(c, 1000);
    default: return (int64_t)(chance_next(c) >> chance_below(c, 64));
  }
}

static inline double chance_double(chance *c) {
  static const double edges[] = {
      0.0,          -0.0, 0.1, 1.5,   -2.25,  1e-4,    9.99e-5, 1e15, 1e16, 123456789.01,
      999999999.99, 1e9,  0.3, 1e300, 5e-324, 1.0 / 3, 100,     -7,   1e14, 999999999999999.0,
      0.000001,     0.015};
  switch (chance_below(c, 6)) {
    case 0: return edges[chance_below(c, sizeof edges / sizeof *edges)];
    case 1: return (double)chance_below(c, 10000000) / 100;
    case 4: return (double)(chance_next(c) >> 11) / 9007199254740992.0 * 1000;
    case 2: return (double)chance_next(c) / 1e6;
    case 3: return -(double)(chance_next(c) % 1000000000) / 1e6;
    default: {
      uint64_t bits = chance_next(c);
      double d;
      memcpy(&d, &bits, sizeof d);
      return __builtin_isfinite(d) ? d : 0.5;
    }
  }
}

static inline int64_t chance_time(chance *c) {
  static const int64_t edges[] = {0,
                                  -1,
                                  1,
                                  999999999,
                                  1700000000000000000,
                                  1700000000123000000,
                                  1700000000123456000,
                                  INT64_MAX,
                                  INT64_MIN,
                                  951782400000000000,
                                  -86400000000000};
  return chance_one_in(c, 2) ? edges[chance_below(c, sizeof edges / sizeof *edges)]
                             : (int64_t)(chance_next(c) >> chance_below(c, 3));
}

static inline fsm_value chance_bytes(chance *c, size_t len) {
  uint8_t *bytes = fsm_arena_alloc(c->arena, len + 1);
  for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)chance_next(c);
  return fsm_bytes(bytes, len);
}

static inline const char *chance_name(chance *c) {
  static const char *const names[] = {"due",          "next",     "deadline", "deadline_ns",
                                      "deadline2",    "expires",  "retry_at", "heartbeat_by",
                                      "iban",         "amount",   "text",     "data",
                                      "id",           "error",    "log",      "input",
                                      "context.iban", "customer", "a",        "b",
                                      "name",         "first",    "last",     ""};
  return chance_one_in(c, 6) ? chance_text(c) : names[chance_below(c, sizeof names / sizeof *names)];
}

static inline fsm_value chance_value(chance *c, unsigned depth);

static inline fsm_value chance_list(chance *c, unsigned depth, fsm_value (*item)(chance *c, unsigned depth)) {
  size_t count = chance_below(c, chance_one_in(c, 30) ? 40 : 4);
  fsm_value *items = fsm_arena_zalloc(c->arena, count + 1, sizeof *items);
  for (size_t i = 0; i < count; i++) items[i] = item(c, depth);
  return fsm_list(items, count);
}

/* Under these names records have nanoseconds, and nobody writes timestamps: as JSON the two are the same. */
static inline bool chance_names_time(const fsm_value *key) {
  static const char *const names[] = {"due",      "next",         "deadline", "expires",
                                      "retry_at", "heartbeat_by", "first",    "last"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (fsm_is_text(key, names[i])) return true;
  return false;
}

static inline fsm_value chance_map_of(chance *c, unsigned depth,
                                      fsm_value (*item)(chance *c, unsigned depth)) {
  size_t count = chance_below(c, chance_one_in(c, 30) ? 40 : 5);
  fsm_pair *pairs = fsm_arena_zalloc(c->arena, count + 1, sizeof *pairs);
  for (size_t i = 0; i < count; i++) {
    fsm_value key = chance_one_in(c, 40) ? fsm_int(chance_int(c)) : fsm_string(chance_name(c));
    pairs[i] = (fsm_pair){key, item(c, depth)};
    if (pairs[i].value.type == FSM_TIMESTAMP && chance_names_time(&key))
      pairs[i].value = fsm_int(pairs[i].value.i);
  }
  fsm_value out;
  while (fsm_map(pairs, count, &out, NULL) != FSM_OK) count--; /* two alike */
  return out;
}
static inline fsm_value chance_map(chance *c, unsigned depth) {
  return chance_map_of(c, depth, chance_value);
}

static inline fsm_value chance_value(chance *c, unsigned depth) {
  switch (chance_below(c, depth ? 13 : 10)) {
    case 0: return fsm_null();
    case 1: return fsm_bool(chance_one_in(c, 2));
    case 2:
    case 3: return fsm_int(chance_int(c));
    case 4: return fsm_uint(chance_next(c) | 1ULL << 63);
    case 5: return fsm_double(chance_double(c));
    case 6: return chance_bytes(c, chance_below(c, 40));
    case 7:
      return (fsm_value){.type = FSM_TIMESTAMP,
                         .len = (uint32_t)chance_below(c, 1000000000),
                         .i = chance_int(c) % 100000000000};
    case 8:
      return (fsm_value){
          .type = FSM_DURATION, .len = (uint32_t)chance_below(c, 1000000000), .i = chance_int(c) & 0xFFFFFF};
    case 9: return fsm_string(chance_text(c));
    case 10: return chance_list(c, depth - 1, chance_value);
    default: return chance_map(c, depth - 1);
  }
}

static inline fsm_value chance_text_value(chance *c, unsigned depth) {
  (void)depth;
  return fsm_string(chance_text(c));
}
static inline fsm_value chance_int_value(chance *c, unsigned depth) {
  (void)depth;
  return fsm_int(chance_int(c));
}
/* Of timers and tasks: mostly maps of names that mean something there. */
static inline fsm_value chance_entry(chance *c, unsigned depth) {
  return chance_one_in(c, 10) ? chance_value(c, depth) : chance_map(c, depth);
}
static inline fsm_value chance_change(chance *c, unsigned depth) {
  fsm_value *items = fsm_arena_zalloc(c->arena, 2, sizeof *items);
  for (size_t i = 0; i < 2; i++) items[i] = chance_value(c, depth);
  return chance_one_in(c, 20) ? chance_value(c, depth) : fsm_list(items, 1 + chance_below(c, 2));
}

/* [bytes, bytes, int], or once in a while what is not that. */
static inline fsm_value chance_three(chance *c, size_t first, size_t second, int64_t last) {
  if (chance_one_in(c, 20)) return chance_list(c, 1, chance_value);
  fsm_value *items = fsm_arena_zalloc(c->arena, 3, sizeof *items);
  items[0] = chance_bytes(c, first), items[1] = chance_bytes(c, second), items[2] = fsm_int(last);
  return fsm_list(items, 3);
}

static inline void chance_field(chance *c, fsm_record *r, unsigned key) {
  void *at = (char *)r + fsm__fields[key].offset;
  switch (fsm__fields[key].form) {
    case FSM__U8: *(uint8_t *)at = (uint8_t)(chance_next(c) >> chance_below(c, 64)); break;
    case FSM__U16: *(uint16_t *)at = (uint16_t)(chance_next(c) >> chance_below(c, 64)); break;
    case FSM__U32: *(uint32_t *)at = (uint32_t)(chance_next(c) >> chance_below(c, 64)); break;
    case FSM__U64: *(uint64_t *)at = chance_next(c) >> chance_below(c, 64); break;
    case FSM__I64: *(int64_t *)at = key == FSM__KEY_time_ns ? chance_time(c) : chance_int(c); break;
    case FSM__FLAG: *(bool *)at = true; break;
    case FSM__KIND: break;
    case FSM__OUTCOME: *(fsm_outcome *)at = (fsm_outcome)chance_below(c, FSM_OUTCOME_COUNT); break;
    case FSM__CAUSE: *(int *)at = (int)chance_below(c, FSM_CAUSE_COUNT); break;
    case FSM__TEXT: *(const char **)at = chance_text(c); break;
    case FSM__HASH: *(const uint8_t **)at = (const uint8_t *)chance_bytes(c, 32).s; break;
    case FSM__TOKEN: *(const uint8_t **)at = (const uint8_t *)chance_bytes(c, 16).s; break;
    case FSM__ANY: *(fsm_value *)at = chance_value(c, 4); break;
    case FSM__MAP:
      *(fsm_value *)at = key == FSM__KEY_labels ? chance_map_of(c, 1, chance_text_value)
                         : key == FSM__KEY_ctx  ? chance_map_of(c, 3, chance_change)
                                                : chance_map(c, 4);
      break;
    case FSM__LIST:
      *(fsm_value *)at = key == FSM__KEY_idem    ? chance_three(c, 16, 16, chance_time(c))
                         : key == FSM__KEY_trace ? chance_three(c, 16, 8, (int64_t)chance_below(c, 300))
                                                 : chance_list(c, 3, chance_entry);
      break;
    case FSM__TEXTS: *(fsm_value *)at = chance_list(c, 1, chance_text_value); break;
    case FSM__INTS: *(fsm_value *)at = chance_list(c, 1, chance_int_value); break;
  }
}

/* A record that can be stored, in the arena. */
static inline fsm_record chance_record(chance *c) {
  fsm_record r = fsm_record_new((fsm_record_kind)chance_below(c, FSM_RECORD_KIND_COUNT));
  uint64_t must = fsm__record_required(r.kind);
  bool full = chance_one_in(c, 4);
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    if ((must >> key & 1) || full || chance_one_in(c, 3)) chance_field(c, &r, key);
  r.v = FSM_RECORD_VERSION;
  if (r.n == 0) r.n = 1;
  r.i = (uint16_t)chance_below(c, r.n);
  if (r.defv == 0) r.defv = 1;
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    if ((must >> key & 1) && !fsm__field_present(&r, key)) chance_field(c, &r, key);
  return r;
}

#endif

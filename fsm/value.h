/* value.h: the values that contexts, events and expressions are made of.
 *
 * A value is an immutable 16-byte view; what it points to lives in an arena. The types are those of
 * the Common Expression Language that msgpack can carry. A map is sorted by key (fsm_value_compare)
 * and has no key twice, so that equal maps have equal bytes; only a document read with its order
 * kept (schema/json.h) is not, and never leaves the loader that asked for it.
 */
#ifndef FSM_VALUE_H
#define FSM_VALUE_H

#include "fsm/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fsm_type {
  FSM_NULL,
  FSM_BOOL,
  FSM_INT,
  FSM_UINT,
  FSM_DOUBLE,
  FSM_STRING, /* UTF-8, len bytes, may hold NUL, not NUL-terminated */
  FSM_BYTES,
  FSM_LIST,
  FSM_MAP,
  FSM_TIMESTAMP, /* seconds since 1970 in i, nanoseconds 0..999999999 in len */
  FSM_DURATION,  /* seconds in i, nanoseconds in len with the sign of the whole, as int32_t */
  FSM_TYPE_COUNT
} fsm_type;

/* Nesting that the engine works with. A deeper value is refused where a fault can be given
 * (FSM_ETOOLARGE); fsm_value_same calls it different and fsm_value_compare looks no deeper. */
enum { FSM_VALUE_DEPTH_MAX = 64 };

typedef struct fsm_value fsm_value;
typedef struct fsm_pair fsm_pair;

struct fsm_value {
  uint8_t type; /* fsm_type */
  uint32_t len; /* bytes, items or pairs; nanoseconds of a timestamp or duration */
  union {
    bool b;
    int64_t i;
    uint64_t u;
    double d;
    const char *s;          /* string and bytes */
    const fsm_value *items; /* list */
    const fsm_pair *pairs;  /* map */
  };
};

struct fsm_pair {
  fsm_value key, value;
};

#ifdef __cplusplus
static_assert(sizeof(fsm_value) == 16, "a value is two words");
#else
_Static_assert(sizeof(fsm_value) == 16, "a value is two words");
#endif

FSM_API const char *fsm_type_name(fsm_type type);

static inline fsm_value fsm_null(void) { return (fsm_value){.type = FSM_NULL}; }
static inline fsm_value fsm_bool(bool b) { return (fsm_value){.type = FSM_BOOL, .b = b}; }
static inline fsm_value fsm_int(int64_t i) { return (fsm_value){.type = FSM_INT, .i = i}; }
static inline fsm_value fsm_uint(uint64_t u) { return (fsm_value){.type = FSM_UINT, .u = u}; }
static inline fsm_value fsm_double(double d) { return (fsm_value){.type = FSM_DOUBLE, .d = d}; }
/* A view of text that the caller keeps alive. */
FSM_API fsm_value fsm_string(const char *text);
static inline fsm_value fsm_stringn(const char *text, size_t len) {
  return (fsm_value){.type = FSM_STRING, .len = (uint32_t)len, .s = text};
}
static inline fsm_value fsm_bytes(const void *data, size_t len) {
  return (fsm_value){.type = FSM_BYTES, .len = (uint32_t)len, .s = (const char *)data};
}
static inline fsm_value fsm_list(const fsm_value *items, size_t count) {
  return (fsm_value){.type = FSM_LIST, .len = (uint32_t)count, .items = items};
}
/* Sorts pairs in place; two equal keys are FSM_EARGUMENT (where = the key). */
FSM_API FSM_MUST_USE fsm_code fsm_map(fsm_pair *pairs, size_t count, fsm_value *out, fsm_error *err);
/* The empty map. */
static inline fsm_value fsm_map_empty(void) { return (fsm_value){.type = FSM_MAP}; }

static inline bool fsm_is(const fsm_value *value, fsm_type type) { return value->type == type; }
/* Is it this string? */
FSM_API bool fsm_is_text(const fsm_value *value, const char *text);

/* The value under a string key of a sorted map, NULL when absent or when map is no map. */
FSM_API const fsm_value *fsm_map_get(const fsm_value *map, const char *key);
FSM_API const fsm_value *fsm_map_getn(const fsm_value *map, const char *key, size_t len);
/* The same for any key type. */
FSM_API const fsm_value *fsm_map_find(const fsm_value *map, const fsm_value *key);
/* The same for a map whose order was kept: linear. */
FSM_API const fsm_value *fsm_doc_get(const fsm_value *map, const char *key);

/* A sorted map: base with the entries of patch laid over it, one level. Either may be empty or null;
 * anything else is FSM_EARGUMENT. The entries are shared, not copied. */
FSM_API FSM_MUST_USE fsm_code fsm_map_merge(fsm_arena *arena, const fsm_value *base,
                                            const fsm_value *patch, fsm_value *out);
/* A deep copy into arena, every map sorted (so it also turns a kept-order document into data). Two
 * equal keys are FSM_EARGUMENT, too deep is FSM_ETOOLARGE. */
FSM_API FSM_MUST_USE fsm_code fsm_value_copy(fsm_arena *arena, const fsm_value *value, fsm_value *out,
                                             fsm_error *err);

/* Same type and same content; NaN equals itself here; 1 and 1.0 differ. For storage, not for CEL. */
FSM_API bool fsm_value_same(const fsm_value *a, const fsm_value *b);
/* A total order (type first), the order of map keys. */
FSM_API int fsm_value_compare(const fsm_value *a, const fsm_value *b);

/* Nesting of the value: a scalar is 0, a list of scalars 1; FSM_VALUE_DEPTH_MAX + 1 when deeper. */
FSM_API unsigned fsm_value_depth(const fsm_value *value);

#ifdef __cplusplus
}
#endif
#endif

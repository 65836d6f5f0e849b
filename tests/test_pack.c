/* Canonical msgpack: what is written, what is read, what is refused; held against msgpack-c's reader. */

#include <msgpack.h>

#include "schema/pack_read.h"
#include "tests/arena_scene.h"

static fsm_value unpack_ok(const void *data, size_t len) {
  fsm_value out = {0};
  fsm_error err = {0};
  fsm_code code = fsm_unpack(&arena, data, len, &out, &err);
  if (code) fail_msg("%s: %s", err.where, err.text);
  return out;
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void is_refused(const uint8_t *data, size_t len, const char *where, const char *text) {
  /* a copy of its own length, so that the sanitizer sees a read past the end */
  uint8_t *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  memcpy(copy, data, len);
  fsm_value out = {.type = FSM_TYPE_COUNT};
  fsm_error err = {0};
  assert_int_equal(fsm_unpack(&arena, copy, len, &out, &err), FSM_EMALFORMED);
  free(copy);
  assert_string_equal(err.where, where);
  if (!strstr(err.text, text)) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
  assert_int_equal(out.type, FSM_TYPE_COUNT);
}

static void packs_to(const fsm_value *value, const uint8_t *bytes, size_t len) {
  fsm_buf buf = {0};
  assert_int_equal(fsm_pack(&buf, value, NULL), FSM_OK);
  assert_int_equal(buf.len, len);
  assert_memory_equal(buf.data, bytes, len);
  fsm_value back = unpack_ok(bytes, len);
  fsm_buf again = {0};
  assert_int_equal(fsm_pack(&again, &back, NULL), FSM_OK);
  assert_int_equal(again.len, len);
  assert_memory_equal(again.data, bytes, len);
  fsm_buf_free(&buf);
  fsm_buf_free(&again);
}

#define PACKS_TO(value, ...)          \
  do {                                \
    fsm_value v = (value);            \
    packs_to(&v, BYTES(__VA_ARGS__)); \
  } while (0)

static void integers_take_their_shortest_form(void **state) {
  (void)state;
  PACKS_TO(fsm_int(0), 0x00);
  PACKS_TO(fsm_int(127), 0x7f);
  PACKS_TO(fsm_int(128), 0xcc, 0x80);
  PACKS_TO(fsm_int(255), 0xcc, 0xff);
  PACKS_TO(fsm_int(256), 0xcd, 0x01, 0x00);
  PACKS_TO(fsm_int(65536), 0xce, 0, 1, 0, 0);
  PACKS_TO(fsm_int(1LL << 32), 0xcf, 0, 0, 0, 1, 0, 0, 0, 0);
  PACKS_TO(fsm_int(-1), 0xff);
  PACKS_TO(fsm_int(-32), 0xe0);
  PACKS_TO(fsm_int(-33), 0xd0, 0xdf);
  PACKS_TO(fsm_int(-128), 0xd0, 0x80);
  PACKS_TO(fsm_int(-129), 0xd1, 0xff, 0x7f);
  PACKS_TO(fsm_int(-32769), 0xd2, 0xff, 0xff, 0x7f, 0xff);
  PACKS_TO(fsm_int(-2147483649LL), 0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff);
  PACKS_TO(fsm_int(INT64_MIN), 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0);
  PACKS_TO(fsm_uint(5), 0x05);
  PACKS_TO(fsm_uint(UINT64_MAX), 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
}

static void an_unsigned_reads_back_as_int_when_it_fits(void **state) {
  (void)state;
  fsm_value five = unpack_ok(BYTES(0x05));
  assert_int_equal(five.type, FSM_INT);
  fsm_value most = unpack_ok(BYTES(0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
  assert_int_equal(most.type, FSM_INT);
  assert_true(most.i == INT64_MAX);
  fsm_value beyond = unpack_ok(BYTES(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0));
  assert_int_equal(beyond.type, FSM_UINT);
}

static void every_type_round_trips(void **state) {
  (void)state;
  PACKS_TO(fsm_null(), 0xc0);
  PACKS_TO(fsm_bool(false), 0xc2);
  PACKS_TO(fsm_bool(true), 0xc3);
  PACKS_TO(fsm_double(1.5), 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0);
  PACKS_TO(fsm_string(""), 0xa0);
  PACKS_TO(fsm_string("a\xc3\xa9"), 0xa3, 'a', 0xc3, 0xa9);
  PACKS_TO(fsm_bytes("\xff", 1), 0xc4, 1, 0xff);
  fsm_value items[2] = {fsm_int(1), fsm_null()};
  PACKS_TO(fsm_list(items, 2), 0x92, 0x01, 0xc0);
  fsm_pair pairs[2] = {{fsm_string("a"), fsm_int(1)}, {fsm_string("b"), fsm_list(items, 2)}};
  PACKS_TO(((fsm_value){.type = FSM_MAP, .len = 2, .pairs = pairs}), 0x82, 0xa1, 'a', 1, 0xa1, 'b', 0x92, 1,
           0xc0);
}

static void times_are_extensions_in_their_shortest_form(void **state) {
  (void)state;
  PACKS_TO(((fsm_value){.type = FSM_TIMESTAMP, .i = 1}), 0xd6, 0xff, 0, 0, 0, 1);
  PACKS_TO(((fsm_value){.type = FSM_TIMESTAMP, .i = 1, .len = 1}), 0xd7, 0xff, 0, 0, 0, 4, 0, 0, 0, 1);
  PACKS_TO(((fsm_value){.type = FSM_TIMESTAMP, .i = -1, .len = 2}), 0xc7, 12, 0xff, 0, 0, 0, 2, 0xff, 0xff,
           0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  PACKS_TO(((fsm_value){.type = FSM_DURATION, .i = -1, .len = (uint32_t)-5}), 0xc7, 12, 1, 0xff, 0xff, 0xff,
           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfb);
  is_refused(BYTES(0xd7, 0xff, 0, 0, 0, 0, 0, 0, 0, 1), "byte 0", "shortest");
  is_refused(BYTES(0xc7, 12, 0xff, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1), "byte 0", "shortest");
  is_refused(BYTES(0xc7, 12, 0xff, 0x3b, 0x9a, 0xca, 0, 0xff, 0, 0, 0, 0, 0, 0, 1), "byte 0", "out of range");
  is_refused(BYTES(0xc7, 12, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff), "byte 0", "out of range");
  is_refused(BYTES(0xd6, 5, 0, 0, 0, 1), "byte 0", "extension");
}

static void longer_forms_than_needed_are_refused(void **state) {
  (void)state;
  is_refused(BYTES(0xcc, 0x7f), "byte 0", "shortest");
  is_refused(BYTES(0xcd, 0x00, 0xff), "byte 0", "shortest");
  is_refused(BYTES(0xce, 0, 0, 0xff, 0xff), "byte 0", "shortest");
  is_refused(BYTES(0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), "byte 0", "shortest");
  is_refused(BYTES(0xd0, 0x05), "byte 0", "shortest");
  is_refused(BYTES(0xd0, 0xe0), "byte 0", "shortest");
  is_refused(BYTES(0xd1, 0xff, 0x80), "byte 0", "shortest");
  is_refused(BYTES(0xd2, 0xff, 0xff, 0x80, 0), "byte 0", "shortest");
  is_refused(BYTES(0xd3, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0), "byte 0", "shortest");
  is_refused(BYTES(0xd9, 1, 'a'), "byte 0", "shortest");
  is_refused(BYTES(0xda, 0, 1, 'a'), "byte 0", "shortest");
  is_refused(BYTES(0xdb, 0, 0, 0, 1, 'a'), "byte 0", "shortest");
  is_refused(BYTES(0xc5, 0, 1, 'a'), "byte 0", "shortest");
  is_refused(BYTES(0xdc, 0, 1, 0), "byte 0", "shortest");
  is_refused(BYTES(0xdd, 0, 0, 0, 1, 0), "byte 0", "shortest");
  is_refused(BYTES(0xde, 0, 1, 0, 0), "byte 0", "shortest");
  is_refused(BYTES(0x91, 0xca, 0, 0, 0, 0), "byte 1", "64 bits");
}

static void what_cannot_be_canonical_is_refused(void **state) {
  (void)state;
  is_refused(BYTES(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0), "byte 0", "finite");
  is_refused(BYTES(0xa1, 0xff), "byte 0", "UTF-8");
  is_refused(BYTES(0xa3, 0xed, 0xa0, 0x80), "byte 0", "UTF-8");
  is_refused(BYTES(0x82, 0xa1, 'b', 0, 0xa1, 'a', 0), "byte 4", "ascending");
  is_refused(BYTES(0x82, 0xa1, 'a', 0, 0xa1, 'a', 0), "byte 4", "unique");
  is_refused(BYTES(0xc1), "byte 0", "begins no value");
  is_refused(BYTES(0x01, 0x01), "byte 1", "behind");
  is_refused(BYTES(0x92, 0x01), "byte 0", "larger than the bytes");
  is_refused((const uint8_t *)"", 0, "byte 0", "end inside");
}

static void a_value_that_cannot_be_canonical_leaves_the_buffer(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "kept");
  fsm_pair pairs[2] = {{fsm_int(5), fsm_null()}, {fsm_uint(5), fsm_null()}};
  fsm_value bad[] = {fsm_double(__builtin_nan("")),
                     fsm_double(__builtin_inf()),
                     fsm_stringn("\xc0\x80", 2),
                     (fsm_value){.type = FSM_TIMESTAMP, .len = 1000000000},
                     (fsm_value){.type = FSM_DURATION, .i = 1, .len = (uint32_t)-1},
                     (fsm_value){.type = FSM_MAP, .len = 2, .pairs = pairs}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fsm_value list[2] = {fsm_int(1), bad[i]};
    fsm_value value = fsm_list(list, 2);
    assert_int_equal(fsm_pack(&buf, &value, NULL), FSM_EARGUMENT);
    assert_int_equal(buf.len, 4);
  }
  fsm_buf_free(&buf);
}

/* Five bytes that claim four thousand million items: refused before any memory is taken. */
static void a_huge_count_takes_no_memory(void **state) {
  (void)state;
  fsm_arena_reset(&arena);
  is_refused(BYTES(0xdd, 0xff, 0xff, 0xff, 0xff), "byte 0", "larger than the bytes");
  is_refused(BYTES(0xdf, 0xff, 0xff, 0xff, 0xff), "byte 0", "larger than the bytes");
  is_refused(BYTES(0xdb, 0xff, 0xff, 0xff, 0xff), "byte 0", "end inside");
  is_refused(BYTES(0xc6, 0xff, 0xff, 0xff, 0xff), "byte 0", "end inside");
  is_refused(BYTES(0xc7, 0xff), "byte 0", "end inside");
  assert_int_equal(fsm_arena_used(&arena), 0);
}

static void nesting_stops_at_the_limit(void **state) {
  (void)state;
  uint8_t deep[FSM_PACK_DEPTH_MAX + 2];
  memset(deep, 0x91, sizeof deep);
  deep[FSM_PACK_DEPTH_MAX] = 0xc0;
  fsm_value value = unpack_ok(deep, FSM_PACK_DEPTH_MAX + 1);
  assert_int_equal(fsm_value_depth(&value), FSM_PACK_DEPTH_MAX);
  packs_to(&value, deep, FSM_PACK_DEPTH_MAX + 1);
  deep[FSM_PACK_DEPTH_MAX] = 0x91;
  deep[FSM_PACK_DEPTH_MAX + 1] = 0xc0;
  is_refused(deep, sizeof deep, "byte 65", "nesting");
  fsm_value over = fsm_list(&value, 1);
  fsm_buf buf = {0};
  assert_int_equal(fsm_pack(&buf, &over, NULL), FSM_ETOOLARGE);
  assert_int_equal(buf.len, 0);
  fsm_buf_free(&buf);
}

static void the_size_limit_holds_at_its_edge(void **state) {
  (void)state;
  size_t len = FSM_PACK_BYTES_MAX - 5; /* with the head of a long string */
  char *text = malloc(len + 1);
  assert_non_null(text);
  memset(text, 'x', len + 1);
  fsm_value value = fsm_stringn(text, len);
  fsm_buf buf = {0};
  assert_int_equal(fsm_pack(&buf, &value, NULL), FSM_OK);
  assert_int_equal(buf.len, FSM_PACK_BYTES_MAX);
  unpack_ok(buf.data, buf.len);
  value.len++;
  fsm_buf_reset(&buf);
  assert_int_equal(fsm_pack(&buf, &value, NULL), FSM_ETOOLARGE);
  char *over = calloc(1, FSM_PACK_BYTES_MAX + 1);
  assert_non_null(over);
  assert_int_equal(fsm_unpack(&arena, over, FSM_PACK_BYTES_MAX + 1, &value, NULL), FSM_ETOOLARGE);
  free(over);
  fsm_buf_free(&buf);
  free(text);
}

/* ---- against msgpack-c ------------------------------------------------------------------------- */

static fsm_value random_value(unsigned *seed, unsigned depth);

static uint64_t random_bits(unsigned *seed) {
  uint64_t u = 0;
  for (unsigned i = 0; i < 4; i++) u = u << 16 ^ (uint64_t)(rand_r(seed) & 0xFFFF);
  return u >> (rand_r(seed) % 64);
}

static fsm_value random_text(unsigned *seed) {
  size_t len = (size_t)(rand_r(seed) % 3 ? rand_r(seed) % 8 : rand_r(seed) % 300);
  char *text = fsm_arena_alloc(&arena, len + 1);
  for (size_t i = 0; i < len; i++) text[i] = (char)('a' + rand_r(seed) % 26);
  return rand_r(seed) % 4 ? fsm_stringn(text, len) : fsm_bytes(text, len);
}

static fsm_value random_map(unsigned *seed, unsigned depth) {
  size_t count = (size_t)(rand_r(seed) % 20);
  fsm_pair *pairs = fsm_arena_zalloc(&arena, count + 1, sizeof *pairs);
  for (size_t i = 0; i < count; i++)
    pairs[i] = (fsm_pair){fsm_int((int64_t)(random_bits(seed) * 32 + i)), random_value(seed, depth)};
  fsm_value map;
  return fsm_map(pairs, count, &map, NULL) ? fsm_null() : map;
}

static fsm_value random_value(unsigned *seed, unsigned depth) {
  unsigned pick = (unsigned)rand_r(seed) % (depth ? 8 : 6);
  fsm_value *items;
  switch (pick) {
    case 0: return fsm_null();
    case 1: return fsm_bool(rand_r(seed) & 1);
    case 2: return fsm_int((int64_t)random_bits(seed));
    case 3: return fsm_int(-(int64_t)(random_bits(seed) >> 1));
    case 4: return fsm_double((double)(int64_t)random_bits(seed) / 7);
    case 5: return random_text(seed);
    case 6: return random_map(seed, depth - 1);
    default:
      items = fsm_arena_zalloc(&arena, 20, sizeof *items);
      for (unsigned i = 0; i < 20; i++) items[i] = random_value(seed, depth - 1);
      return fsm_list(items, (size_t)(rand_r(seed) % 20));
  }
}

static bool same_bytes(const char *theirs, uint32_t len, const fsm_value *v) {
  return len == v->len && (len == 0 || memcmp(theirs, v->s, len) == 0);
}

static bool agrees(const msgpack_object *o, const fsm_value *v);

static bool maps_agree(const msgpack_object *o, const fsm_value *v) {
  if (o->via.map.size != v->len) return false;
  for (uint32_t i = 0; i < v->len; i++)
    if (!agrees(&o->via.map.ptr[i].key, &v->pairs[i].key) ||
        !agrees(&o->via.map.ptr[i].val, &v->pairs[i].value))
      return false;
  return true;
}

static bool agrees(const msgpack_object *o, const fsm_value *v) {
  switch ((fsm_type)v->type) {
    case FSM_NULL: return o->type == MSGPACK_OBJECT_NIL;
    case FSM_BOOL: return o->type == MSGPACK_OBJECT_BOOLEAN && o->via.boolean == v->b;
    case FSM_INT:
      return v->i < 0 ? o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && o->via.i64 == v->i
                      : o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 == (uint64_t)v->i;
    case FSM_DOUBLE: return o->type == MSGPACK_OBJECT_FLOAT64 && o->via.f64 == v->d;
    case FSM_STRING: return o->type == MSGPACK_OBJECT_STR && same_bytes(o->via.str.ptr, o->via.str.size, v);
    case FSM_BYTES: return o->type == MSGPACK_OBJECT_BIN && same_bytes(o->via.bin.ptr, o->via.bin.size, v);
    case FSM_LIST:
      if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size != v->len) return false;
      for (uint32_t i = 0; i < v->len; i++)
        if (!agrees(&o->via.array.ptr[i], &v->items[i])) return false;
      return true;
    case FSM_MAP: return o->type == MSGPACK_OBJECT_MAP && maps_agree(o, v);
    default: return false;
  }
}

static void random_values_agree_with_msgpack_c(void **state) {
  (void)state;
  for (unsigned round = 0; round < 500; round++) {
    unsigned seed = round;
    fsm_arena_reset(&arena);
    fsm_value value = random_value(&seed, 4);
    fsm_buf buf = {0};
    assert_int_equal(fsm_pack(&buf, &value, NULL), FSM_OK);
    fsm_value back = unpack_ok(buf.data, buf.len);
    assert_true(fsm_value_same(&value, &back));
    msgpack_unpacked theirs;
    msgpack_unpacked_init(&theirs);
    size_t off = 0;
    assert_int_equal(msgpack_unpack_next(&theirs, buf.data, buf.len, &off), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(off, buf.len);
    assert_true(agrees(&theirs.data, &back));
    msgpack_unpacked_destroy(&theirs);
    fsm_buf_free(&buf);
  }
}

static bool skips(const char *data, size_t len, size_t *ends) {
  char *copy = malloc(len + 1); /* so that a byte too far is found */
  assert_non_null(copy);
  if (len) memcpy(copy, data, len);
  char *exact = realloc(copy, len ? len : 1);
  fsm__reader in = fsm__reader_of(exact, len);
  const bool is = fsm__read_skip(&in);
  *ends = (size_t)(in.at - in.start);
  free(exact);
  return is;
}

static void an_item_is_skipped_as_it_is_scanned(void **state) {
  (void)state;
  size_t ends = 0;
  for (unsigned round = 0; round < 1000; round++) {
    unsigned seed = round;
    fsm_arena_reset(&arena);
    fsm_value value = random_value(&seed, 4);
    fsm_buf buf = {0};
    assert_int_equal(fsm_pack(&buf, &value, NULL), FSM_OK);
    const size_t len = buf.len;
    for (size_t cut = 0; cut < len; cut += 1 + len / 64) assert_false(skips(buf.data, cut, &ends));
    fsm_buf_str(&buf, "what follows");
    assert_true(skips(buf.data, buf.len, &ends));
    assert_int_equal(ends, len);
    buf.data[(size_t)rand_r(&seed) % len] ^= (char)(1 << rand_r(&seed) % 8);
    fsm__reader scan = fsm__reader_of(buf.data, buf.len);
    if (fsm__read_scan(&scan, FSM_PACK_DEPTH_MAX) == NULL) {
      assert_true(skips(buf.data, buf.len, &ends));
      assert_int_equal(ends, scan.at - scan.start);
    } else {
      (void)skips(buf.data, buf.len, &ends);
    }
    fsm_buf_free(&buf);
  }
}

/* What is accepted is written back as the same bytes, whatever the bytes are. */
static void damaged_bytes_are_refused_or_stay_canonical(void **state) {
  (void)state;
  unsigned accepted = 0;
  for (unsigned round = 0; round < 3000; round++) {
    unsigned seed = round;
    fsm_arena_reset(&arena);
    fsm_value value = random_value(&seed, 3);
    fsm_buf buf = {0};
    assert_int_equal(fsm_pack(&buf, &value, NULL), FSM_OK);
    buf.data[(size_t)rand_r(&seed) % buf.len] ^= (char)(1 << rand_r(&seed) % 8);
    size_t len = rand_r(&seed) % 4 ? buf.len : (size_t)rand_r(&seed) % buf.len;
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len) memcpy(copy, buf.data, len);
    fsm_value back;
    if (fsm_unpack(&arena, copy, len, &back, NULL) == FSM_OK) {
      fsm_buf again = {0};
      assert_int_equal(fsm_pack(&again, &back, NULL), FSM_OK);
      assert_int_equal(again.len, len);
      assert_int_equal(memcmp(again.data, copy, len), 0);
      fsm_buf_free(&again);
      accepted++;
    }
    free(copy);
    fsm_buf_free(&buf);
  }
  assert_in_range(accepted, 100, 2900);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_take_their_shortest_form),
      cmocka_unit_test(an_item_is_skipped_as_it_is_scanned),
      cmocka_unit_test(an_unsigned_reads_back_as_int_when_it_fits),
      cmocka_unit_test(every_type_round_trips),
      cmocka_unit_test(times_are_extensions_in_their_shortest_form),
      cmocka_unit_test(longer_forms_than_needed_are_refused),
      cmocka_unit_test(what_cannot_be_canonical_is_refused),
      cmocka_unit_test(a_value_that_cannot_be_canonical_leaves_the_buffer),
      cmocka_unit_test(a_huge_count_takes_no_memory),
      cmocka_unit_test(nesting_stops_at_the_limit),
      cmocka_unit_test(the_size_limit_holds_at_its_edge),
      cmocka_unit_test(random_values_agree_with_msgpack_c),
      cmocka_unit_test(damaged_bytes_are_refused_or_stay_canonical),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

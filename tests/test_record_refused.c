/* test_record_refused.c: records that are not read, with the field that is wrong, and those that cannot be
 * stored. */
#include "tests/record_scene.h"

/* ---- refusals ---------------------------------------------------------------------------------- */

static void is_corrupt(const void *data, size_t len, fsm_code code, const char *where, const char *says) {
  char *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  if (len) memcpy(copy, data, len);
  fsm_record out = {.v = 99};
  fsm_error err = {0};
  assert_int_equal(fsm_record_decode(&arena, copy, len, &out, &err), code);
  free(copy);
  assert_string_equal(err.where, where);
  if (!strstr(err.text, says)) fail_msg("\"%s\" does not say \"%s\"", err.text, says);
  assert_int_equal(out.v, 99);
}

/* The epoch record without one of its fields, or with one more: seven bytes tell which. */
static void begin(fsm_buf *buf, uint32_t fields) {
  fsm_buf_reset(buf);
  fsm_pack_map(buf, fields);
}

static void number(fsm_buf *buf, unsigned key, uint64_t u) {
  fsm_pack_uint(buf, key);
  fsm_pack_uint(buf, u);
}

static void head(fsm_buf *buf, unsigned more) {
  begin(buf, 9 + more);
  number(buf, 0, 1);
  number(buf, 1, 7);
  number(buf, 2, 5);
  number(buf, 4, FSM_RECORD_EPOCH);
  number(buf, 5, FSM_TAKEN);
}

static void tail(fsm_buf *buf) {
  number(buf, 14, 0);
  number(buf, 15, 1);
  number(buf, 42, 0);
  fsm_pack_uint(buf, 44);
  fsm_pack_bytes(buf, hash, 32);
}

static void damage_is_named_by_its_field(void **state) {
  (void)state;
  fsm_buf buf = {0};
  head(&buf, 0);
  tail(&buf);
  decode(buf.data, buf.len);
  is_corrupt(buf.data, buf.len - 1, FSM_ECORRUPT, "prev", "end inside");
  fsm_buf_char(&buf, 0);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "", "behind");
  is_corrupt("\x90", 1, FSM_ECORRUPT, "", "no record");
  is_corrupt("\x80", 1, FSM_ECORRUPT, "", "no record");
  is_corrupt("\x82\x00\x02\x01\x01", 5, FSM_EVERSION, "v", "version 2");
  head(&buf, 1);
  number(&buf, 3, 5);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "dur", "order");
  head(&buf, 1);
  tail(&buf);
  number(&buf, 52, 1);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "", "not known");
  head(&buf, 1);
  number(&buf, 9, 0);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "defv", "absence means");
  head(&buf, 1);
  number(&buf, 7, 5);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "mach", "wrong type");
  head(&buf, 1);
  fsm_pack_uint(&buf, 7);
  fsm_pack_text(&buf, "a\0b", 3);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "mach", "NUL");
  head(&buf, 1);
  fsm_pack_uint(&buf, 8);
  fsm_pack_bytes(&buf, hash, 31);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "def", "wrong length");
  head(&buf, 1);
  number(&buf, 9, (uint64_t)1 << 32);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "defv", "out of range");
  begin(&buf, 5);
  number(&buf, 0, 1);
  number(&buf, 2, 5);
  number(&buf, 4, FSM_RECORD_EPOCH);
  number(&buf, 14, 0);
  number(&buf, 15, 1);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "seq", "missing");
  fsm_buf_free(&buf);
}

static void a_field_that_the_kind_requires_is_missed(void **state) {
  (void)state;
  fsm_buf buf = {0};
  head(&buf, 0);
  tail(&buf);
  buf.data[8] = FSM_RECORD_DEPLOYED;
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "mach", "missing");
  buf.data[8] = FSM_RECORD_KIND_COUNT;
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "kind", "out of range");
  fsm_buf_free(&buf);
}

/* One flipped bit: refused, or another record that is just as whole. */
static void no_flipped_bit_breaks_the_form(void **state) {
  (void)state;
  fsm_record r = whole();
  fsm_buf buf = {0};
  encode(&buf, &r);
  for (size_t bit = 0; bit < buf.len * 8; bit++) {
    fsm_arena scratch;
    fsm_arena_init(&scratch, 0);
    buf.data[bit / 8] ^= (char)(1 << bit % 8);
    fsm_record back;
    if (fsm_record_decode(&scratch, buf.data, buf.len, &back, NULL) == FSM_OK) {
      fsm_buf again = {0};
      encode(&again, &back);
      assert_int_equal(again.len, buf.len);
      assert_memory_equal(again.data, buf.data, buf.len);
      fsm_buf_free(&again);
    }
    fsm_record_brief brief;
    (void)!fsm_record_peek(buf.data, buf.len, &brief);
    buf.data[bit / 8] ^= (char)(1 << bit % 8);
    fsm_arena_free(&scratch);
  }
  fsm_buf_free(&buf);
}

static void what_cannot_be_stored_leaves_the_buffer(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "kept");
  fsm_record r = whole();
  fsm_error err = {0};
  r.corr = "\xff";
  assert_int_equal(fsm_record_encode(&buf, &r, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "corr");
  assert_int_equal(buf.len, 4);
  r = whole();
  r.data = fsm_double(__builtin_inf());
  assert_int_equal(fsm_record_encode(&buf, &r, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "data");
  assert_int_equal(buf.len, 4);
  fsm_buf_free(&buf);
}

static void the_size_limit_holds_at_its_edge(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_record r = whole();
  r.data = fsm_null();
  encode(&buf, &r);
  size_t len = FSM_RECORD_BYTES_MAX - buf.len - 6; /* key 22 and the head of a long string */
  char *text = malloc(len + 1);
  assert_non_null(text);
  memset(text, 'x', len + 1);
  fsm_buf_reset(&buf);
  r.data = fsm_stringn(text, len);
  encode(&buf, &r);
  assert_int_equal(buf.len, FSM_RECORD_BYTES_MAX);
  decode(buf.data, buf.len);
  fsm_buf_reset(&buf);
  r.data.len++;
  assert_int_equal(fsm_record_encode(&buf, &r, NULL), FSM_ETOOLARGE);
  assert_int_equal(buf.len, 0);
  free(text);
  fsm_buf_free(&buf);
}

static void a_field_nests_as_deep_as_it_may(void **state) {
  (void)state;
  fsm_value chain[FSM_RECORD_DEPTH_MAX + 2] = {{0}};
  for (unsigned depth = FSM_RECORD_DEPTH_MAX; depth <= FSM_RECORD_DEPTH_MAX + 1; depth++) {
    for (unsigned i = 0; i < depth; i++) chain[i] = fsm_list(&chain[i + 1], 1);
    chain[depth] = fsm_null();
    fsm_buf buf = {0};
    fsm_error err = {0};
    fsm_record r = whole();
    r.data = chain[0];
    fsm_code code = fsm_record_encode(&buf, &r, &err);
    assert_int_equal(code, depth == FSM_RECORD_DEPTH_MAX ? FSM_OK : FSM_ETOOLARGE);
    if (code) assert_string_equal(err.where, "data");
    if (!code) { /* one list more around the chain, behind the encoder's back */
      uint8_t deeper[8192], lists[FSM_RECORD_DEPTH_MAX];
      memset(lists, 0x91, sizeof lists);
      const char *at = memmem(buf.data, buf.len, lists, sizeof lists);
      assert_true(at != NULL && buf.len < sizeof deeper);
      size_t before = (size_t)(at - (const char *)buf.data);
      memcpy(deeper, buf.data, before);
      deeper[before] = 0x91;
      memcpy(deeper + before + 1, at, buf.len - before);
      decode(buf.data, buf.len);
      is_corrupt(deeper, buf.len + 1, FSM_ECORRUPT, "data", "too deep");
    }
    fsm_buf_free(&buf);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(damage_is_named_by_its_field),
      cmocka_unit_test(a_field_that_the_kind_requires_is_missed),
      cmocka_unit_test(no_flipped_bit_breaks_the_form),
      cmocka_unit_test(what_cannot_be_stored_leaves_the_buffer),
      cmocka_unit_test(the_size_limit_holds_at_its_edge),
      cmocka_unit_test(a_field_nests_as_deep_as_it_may),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

/* test_gzip.c: what is made smaller is the same again; what would not be smaller stays. */
#include "runtime/daemon/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static fsm_buf text_of(size_t len, bool random) {
  fsm_buf text = {0};
  uint32_t seed = 7;
  for (size_t i = 0; i < len; i++) {
    seed = seed * 1664525 + 1013904223;
    fsm_buf_char(&text, random ? (char)(seed >> 24) : (char)('a' + i % 17));
  }
  return text;
}

static void a_text_comes_back_as_it_was(void **state) {
  (void)state;
  static const size_t lens[] = {FSM__GZIP_MIN, FSM__GZIP_MIN + 1, 100000, 3 << 20};
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    fsm_buf text = text_of(lens[i], false), same = text_of(lens[i], false);
    assert_true(fsm__gzip(&text));
    assert_in_range(text.len, 1, lens[i] / 5);
    unsigned char *back = malloc(lens[i] + 1);
    z_stream z = {.next_in = (Bytef *)text.data,
                  .avail_in = (uInt)text.len,
                  .next_out = back,
                  .avail_out = (uInt)lens[i] + 1};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, lens[i]);
    assert_int_equal(z.avail_in, 0);
    assert_memory_equal(back, same.data, lens[i]);
    inflateEnd(&z);
    free(back);
    fsm_buf_free(&text);
    fsm_buf_free(&same);
  }
}

static void what_is_small_or_would_grow_stays(void **state) {
  (void)state;
  fsm_buf small = text_of(FSM__GZIP_MIN - 1, false), noise = text_of(4096, true), same = text_of(4096, true);
  assert_false(fsm__gzip(&small));
  assert_int_equal(small.len, FSM__GZIP_MIN - 1);
  assert_false(fsm__gzip(&noise));
  assert_int_equal(noise.len, same.len);
  assert_memory_equal(noise.data, same.data, same.len);
  fsm_buf_free(&small);
  fsm_buf_free(&noise);
  fsm_buf_free(&same);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_comes_back_as_it_was),
      cmocka_unit_test(what_is_small_or_would_grow_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

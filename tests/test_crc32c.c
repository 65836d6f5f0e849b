/* test_crc32c.c: the numbers of RFC 3720 B.4, by either way of computing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/crc32c.h"

static void the_published_numbers_come_out(void **state) {
  (void)state;
  uint8_t zeroes[32] = {0}, ones[32], up[32], down[32];
  memset(ones, 0xff, sizeof ones);
  for (int i = 0; i < 32; i++) up[i] = (uint8_t)i, down[i] = (uint8_t)(31 - i);
  assert_int_equal(fsm__crc32c(0, "", 0), 0);
  assert_int_equal(fsm__crc32c(0, "123456789", 9), 0xe3069283);
  assert_int_equal(fsm__crc32c(0, zeroes, 32), 0x8a9136aa);
  assert_int_equal(fsm__crc32c(0, ones, 32), 0x62a8ab43);
  assert_int_equal(fsm__crc32c(0, up, 32), 0x46dd794e);
  assert_int_equal(fsm__crc32c(0, down, 32), 0x113fdb5c);
}

static void table_and_instruction_agree_at_every_length_and_alignment(void **state) {
  (void)state;
  uint8_t data[300];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 151 + 7);
  for (size_t from = 0; from < 9; from++)
    for (size_t len = 0; len <= sizeof data - from; len++)
      assert_int_equal(fsm__crc32c(0, data + from, len), fsm__crc32c_by_table(0, data + from, len));
}

static void pieces_give_the_number_of_the_whole(void **state) {
  (void)state;
  const char text[] = "a batch is one pwrite and one fdatasync";
  uint32_t whole = fsm__crc32c(0, text, sizeof text);
  for (size_t cut = 0; cut <= sizeof text; cut++)
    assert_int_equal(fsm__crc32c(fsm__crc32c(0, text, cut), text + cut, sizeof text - cut), whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_numbers_come_out),
      cmocka_unit_test(table_and_instruction_agree_at_every_length_and_alignment),
      cmocka_unit_test(pieces_give_the_number_of_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_hash.c: SHA-256 against FIPS 180-4 and RFC 6962, and what is random. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/hash.h"

static void expect_hash(fsm__hash hash, const char *hex) {
  char text[2 * FSM_HASH_BYTES + 1];
  fsm__hex(hash.bytes, sizeof hash.bytes, text);
  assert_string_equal(text, hex);
}

static void the_published_digests_come_out(void **state) {
  (void)state;
  expect_hash(fsm__sha256("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect_hash(fsm__sha256("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  char *many = malloc(1000000);
  memset(many, 'a', 1000000);
  expect_hash(fsm__sha256(many, 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  free(many);
}

static void a_leaf_has_a_zero_byte_in_front(void **state) {
  (void)state;
  expect_hash(fsm__leaf("", 0), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  fsm__hash leaf = fsm__leaf("record", 6), same = fsm__sha256("\0record", 7);
  assert_memory_equal(&leaf, &same, sizeof leaf);
}

static void *hash_in_a_thread(void *argument) {
  for (int i = 0; i < 1000; i++) *(fsm__hash *)argument = fsm__sha256("abc", 3);
  return NULL;
}

static void every_thread_gets_the_same_digest(void **state) {
  (void)state;
  pthread_t threads[4];
  fsm__hash hashes[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hash_in_a_thread, &hashes[i]), 0);
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    expect_hash(hashes[i], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}

static void hex_is_lower_case_and_ends(void **state) {
  (void)state;
  char text[9];
  fsm__hex("\x00\x9f\xab\xff", 4, text);
  assert_string_equal(text, "009fabff");
  fsm__hex("", 0, text);
  assert_string_equal(text, "");
}

static void random_bytes_fill_the_whole_and_differ(void **state) {
  (void)state;
  uint8_t a[300] = {0}, b[300] = {0};
  fsm_error err;
  assert_int_equal(fsm__random(a, sizeof a, &err), FSM_OK);
  assert_int_equal(fsm__random(b, sizeof b, &err), FSM_OK);
  assert_memory_not_equal(a, b, sizeof a);
  for (size_t i = 0; i + 20 <= sizeof a; i += 20) assert_memory_not_equal(a + i, (uint8_t[20]){0}, 20);
  assert_int_equal(fsm__random(NULL, 0, &err), FSM_OK);
}

static void a_uuid_has_its_version_variant_and_time(void **state) {
  (void)state;
  char id[37], again[37], before[37];
  fsm_error err;
  /* RFC 9562 A.6: 2022-02-22 19:22:22 UTC is 017f22e2-79b0 */
  assert_int_equal(fsm__uuid7(1645557742000LL * 1000000 + 999999, id, &err), FSM_OK);
  assert_int_equal(strlen(id), 36);
  assert_memory_equal(id, "017f22e2-79b0-7", 15);
  assert_int_equal(id[18], '-');
  assert_non_null(strchr("89ab", id[19]));
  assert_int_equal(id[23], '-');
  assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
  assert_int_equal(fsm__uuid7(1645557742000LL * 1000000, again, &err), FSM_OK);
  assert_string_not_equal(id, again);
  assert_int_equal(fsm__uuid7(1645557741999LL * 1000000, before, &err), FSM_OK);
  assert_true(strcmp(before, again) < 0);
  assert_int_equal(fsm__uuid7(-5, id, &err), FSM_OK);
  assert_memory_equal(id, "00000000-0000-7", 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_digests_come_out),
      cmocka_unit_test(a_leaf_has_a_zero_byte_in_front),
      cmocka_unit_test(every_thread_gets_the_same_digest),
      cmocka_unit_test(hex_is_lower_case_and_ends),
      cmocka_unit_test(random_bytes_fill_the_whole_and_differ),
      cmocka_unit_test(a_uuid_has_its_version_variant_and_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

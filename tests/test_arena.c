/* test_arena.c: memory that is given back all at once. */
#include "fsm/arena.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

static void no_memory_is_taken_before_the_first_allocation(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_null(arena.head);
  assert_int_equal(fsm_arena_used(&arena), 0);
  fsm_arena_reset(&arena);
  fsm_arena_free(&arena);
}

static void blocks_are_aligned_apart_and_keep_what_is_written(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  enum { COUNT = 3000 };
  static unsigned char *at[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    size_t size = i % 97;
    at[i] = fsm_arena_alloc(&arena, size);
    assert_non_null(at[i]);
    assert_int_equal((uintptr_t)at[i] % 16, 0);
    memset(at[i], (int)(i & 255), size);
  }
  for (size_t i = 0; i < COUNT; i++)
    for (size_t j = 0; j < i % 97; j++) assert_int_equal(at[i][j], i & 255);
  fsm_arena_free(&arena);
}

static void the_limit_holds_to_the_byte(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 1024);
  assert_non_null(fsm_arena_alloc(&arena, 1008));
  assert_null(fsm_arena_alloc(&arena, 17));
  assert_non_null(fsm_arena_alloc(&arena, 16));
  assert_int_equal(fsm_arena_used(&arena), 1024);
  assert_null(fsm_arena_alloc(&arena, 1));
  assert_true(arena.over);
  assert_null(fsm_arena_strdup(&arena, "x"));
  assert_null(fsm_arena_printf(&arena, "%d", 1));
  fsm_arena_reset(&arena);
  assert_non_null(fsm_arena_alloc(&arena, 1024));
  fsm_arena_free(&arena);
}

static void absurd_sizes_are_refused(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_null(fsm_arena_alloc(&arena, SIZE_MAX));
  assert_null(fsm_arena_alloc(&arena, SIZE_MAX / 2 + 1));
  assert_false(arena.over); /* it has no limit */
  assert_null(fsm_arena_zalloc(&arena, SIZE_MAX / 2, 3));
  assert_null(fsm_arena_strndup(&arena, "x", SIZE_MAX));
  assert_int_equal(fsm_arena_used(&arena), 0);
  fsm_arena_free(&arena);
}

static void a_reset_forgets_all_and_keeps_the_largest_block(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_non_null(fsm_arena_alloc(&arena, 100));
  unsigned char *large = fsm_arena_alloc(&arena, 3 << 20);
  assert_non_null(large);
  assert_non_null(fsm_arena_alloc(&arena, 100));
  fsm_arena_reset(&arena);
  assert_int_equal(fsm_arena_used(&arena), 0);
  assert_ptr_equal(fsm_arena_alloc(&arena, 3 << 20), large);
  fsm_arena_free(&arena);
}

static void zalloc_zeroes_memory_that_was_used_before(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  memset(fsm_arena_alloc(&arena, 512), 0xff, 512);
  fsm_arena_reset(&arena);
  const unsigned char *at = fsm_arena_zalloc(&arena, 64, 8);
  for (size_t i = 0; i < 512; i++) assert_int_equal(at[i], 0);
  fsm_arena_free(&arena);
}

static void strings_are_copied_with_a_nul(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_string_equal(fsm_arena_strndup(&arena, "abcdef", 3), "abc");
  assert_string_equal(fsm_arena_strndup(&arena, NULL, 0), "");
  assert_string_equal(fsm_arena_strdup(&arena, "whole"), "whole");
  assert_string_equal(fsm_arena_printf(&arena, "%s-%d", "a", 12), "a-12");
  fsm_arena_free(&arena);
}

#ifdef __SANITIZE_ADDRESS__
static void what_was_not_handed_out_is_poisoned(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  char *at = fsm_arena_alloc(&arena, 10);
  assert_false(__asan_address_is_poisoned(at + 9));
  assert_true(__asan_address_is_poisoned(at + 10));
  fsm_arena_reset(&arena);
  assert_true(__asan_address_is_poisoned(at));
  fsm_arena_free(&arena);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_memory_is_taken_before_the_first_allocation),
      cmocka_unit_test(blocks_are_aligned_apart_and_keep_what_is_written),
      cmocka_unit_test(the_limit_holds_to_the_byte),
      cmocka_unit_test(absurd_sizes_are_refused),
      cmocka_unit_test(a_reset_forgets_all_and_keeps_the_largest_block),
      cmocka_unit_test(zalloc_zeroes_memory_that_was_used_before),
      cmocka_unit_test(strings_are_copied_with_a_nul),
#ifdef __SANITIZE_ADDRESS__
      cmocka_unit_test(what_was_not_handed_out_is_poisoned),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

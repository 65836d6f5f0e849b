/* test_spread.c: count, least, greatest, mean and deviation exactly; percentiles never too low and at most
 * 1/64 too high, at every edge of a bucket. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/spread.h"

static int64_t of_one(int64_t ns) {
  fsm_arena arena;
  fsm__spread spread = {.count = 0};
  fsm_arena_init(&arena, 0);
  /* a far greater one beside it: else the greatest would hide the bucket */
  assert_true(fsm__spread_add(&spread, &arena, ns));
  assert_true(fsm__spread_add(&spread, &arena, INT64_MAX));
  const int64_t got = fsm__spread_at(&spread, 500);
  fsm_arena_free(&arena);
  return got;
}

static void the_end_of_each_bucket_is_within_a_64th(void **state) {
  (void)state;
  for (unsigned bit = 0; bit < 63; bit++) {
    for (int step = -2; step <= 2; step++) {
      const int64_t ns = ((int64_t)1 << bit) + step;
      if (ns < 0) continue;
      const int64_t got = of_one(ns);
      assert_true(got >= ns && got - ns <= ns / 64);
      if (ns < 128) assert_int_equal(got, ns);
    }
  }
  assert_int_equal(of_one(INT64_MAX), INT64_MAX);
  assert_int_equal(of_one(INT64_MAX - 1), INT64_MAX);
  assert_int_equal(of_one(-5), 0);
}

static int by_size(const void *a, const void *b) {
  const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
  return (one > other) - (one < other);
}

static void percentiles_are_by_rank(void **state) {
  enum { COUNT = 5000 };
  fsm_arena arena;
  fsm__spread spread = {.count = 0};
  static int64_t spans[COUNT];
  uint64_t seed = 7;
  (void)state;
  fsm_arena_init(&arena, 0);
  unsigned __int128 sum = 0;
  for (unsigned i = 0; i < COUNT; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    spans[i] = (int64_t)(seed >> (8 + seed % 40) >> 1);
    sum += (uint64_t)spans[i];
    assert_true(fsm__spread_add(&spread, &arena, spans[i]));
  }
  qsort(spans, COUNT, sizeof *spans, by_size);
  const unsigned parts[] = {1, 10, 500, 501, 950, 990, 999, 1000};
  for (unsigned p = 0; p < sizeof parts / sizeof *parts; p++) {
    const int64_t want = spans[((uint64_t)COUNT * parts[p] + 999) / 1000 - 1];
    const int64_t got = fsm__spread_at(&spread, parts[p]);
    assert_true(got >= want && got - want <= want / 64 && got <= spans[COUNT - 1]);
  }
  assert_int_equal(spread.count, COUNT);
  assert_int_equal(spread.min_ns, spans[0]);
  assert_int_equal(spread.max_ns, spans[COUNT - 1]);
  assert_int_equal(fsm__spread_mean(&spread), (int64_t)(sum / COUNT));
  fsm_arena_free(&arena);
}

static void the_sum_of_the_longest_does_not_overflow(void **state) {
  fsm_arena arena;
  fsm__spread spread = {.count = 0};
  (void)state;
  fsm_arena_init(&arena, 0);
  for (int i = 0; i < 1000; i++) assert_true(fsm__spread_add(&spread, &arena, INT64_MAX));
  assert_int_equal(fsm__spread_mean(&spread), INT64_MAX);
  assert_true(fsm__spread_deviation(&spread) < 1);
  fsm_arena_free(&arena);
}

static void the_deviation_is_of_all_of_them(void **state) {
  const int64_t spans[] = {2, 4, 4, 4, 5, 5, 7, 9};
  fsm_arena arena;
  fsm__spread spread = {.count = 0};
  (void)state;
  fsm_arena_init(&arena, 0);
  assert_true(fsm__spread_deviation(&spread) == 0);
  assert_int_equal(fsm__spread_at(&spread, 500), 0);
  for (unsigned i = 0; i < sizeof spans / sizeof *spans; i++)
    assert_true(fsm__spread_add(&spread, &arena, spans[i]));
  assert_true(fabs(fsm__spread_deviation(&spread) - 2) < 1e-12);
  fsm_arena_free(&arena);
}

static void without_memory_nothing_is_added(void **state) {
  fsm_arena arena;
  fsm__spread spread = {.count = 0};
  (void)state;
  fsm_arena_init(&arena, 64);
  assert_false(fsm__spread_add(&spread, &arena, 1));
  assert_int_equal(spread.count, 0);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_end_of_each_bucket_is_within_a_64th),
      cmocka_unit_test(percentiles_are_by_rank),
      cmocka_unit_test(the_sum_of_the_longest_does_not_overflow),
      cmocka_unit_test(the_deviation_is_of_all_of_them),
      cmocka_unit_test(without_memory_nothing_is_added),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

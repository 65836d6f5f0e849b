/* test_value.c: order, copies and depth of values. */
#include "fsm/value.h"
#include "tests/arena_scene.h"

#include <math.h>

/* A list in a list ..., `depth` times around a scalar. */
static fsm_value nested(unsigned depth, int64_t inside) {
  fsm_value value = fsm_int(inside);
  for (unsigned i = 0; i < depth; i++) {
    fsm_value *item = fsm_arena_alloc(&arena, sizeof *item);
    *item = value;
    value = fsm_list(item, 1);
  }
  return value;
}

static void every_type_has_a_name(void **state) {
  (void)state;
  assert_string_equal(fsm_type_name(FSM_NULL), "null");
  assert_string_equal(fsm_type_name(FSM_DURATION), "duration");
  for (int i = 0; i < FSM_TYPE_COUNT; i++) assert_non_null(fsm_type_name((fsm_type)i));
}

static void is_text_compares_the_whole_string(void **state) {
  (void)state;
  fsm_value abc = fsm_string("abc"), nul = fsm_stringn("ab\0c", 4), bytes = fsm_bytes("abc", 3);
  assert_true(fsm_is_text(&abc, "abc"));
  assert_false(fsm_is_text(&abc, "ab"));
  assert_false(fsm_is_text(&abc, "abcd"));
  assert_false(fsm_is_text(&nul, "ab"));
  assert_false(fsm_is_text(&bytes, "abc"));
  assert_true(fsm_is_text(&(fsm_value){.type = FSM_STRING}, ""));
}

/* Each of these sorts before all that follow it. */
static void the_order_is_total_and_type_first(void **state) {
  (void)state;
  fsm_value one[] = {fsm_int(1)}, two[] = {fsm_int(2)}, one_two[] = {fsm_int(1), fsm_int(2)};
  fsm_pair a1[] = {{fsm_string("a"), fsm_int(1)}}, a2[] = {{fsm_string("a"), fsm_int(2)}};
  fsm_pair b0[] = {{fsm_string("b"), fsm_int(0)}};
  fsm_value m_a1, m_a2, m_b0;
  assert_int_equal(fsm_map(a1, 1, &m_a1, NULL), FSM_OK);
  assert_int_equal(fsm_map(a2, 1, &m_a2, NULL), FSM_OK);
  assert_int_equal(fsm_map(b0, 1, &m_b0, NULL), FSM_OK);
  const fsm_value order[] = {
      fsm_null(),
      fsm_bool(false),
      fsm_bool(true),
      fsm_int(INT64_MIN),
      fsm_int(-1),
      fsm_int(INT64_MAX),
      fsm_uint(0),
      fsm_uint(UINT64_MAX),
      fsm_double(NAN),
      fsm_double(-INFINITY),
      fsm_double(-0.0),
      fsm_double(0.0),
      fsm_double(1e300),
      fsm_string(""),
      fsm_string("a"),
      fsm_stringn("a\0", 2),
      fsm_string("aa"),
      fsm_string("b"),
      fsm_string("\xc3\xa4"),
      fsm_bytes("a", 1),
      fsm_list(NULL, 0),
      fsm_list(one, 1),
      fsm_list(one_two, 2),
      fsm_list(two, 1),
      fsm_map_empty(),
      m_a1,
      m_a2,
      m_b0,
      {.type = FSM_TIMESTAMP, .i = 1, .len = 5},
      {.type = FSM_TIMESTAMP, .i = 2, .len = 0},
      {.type = FSM_DURATION, .i = 0, .len = (uint32_t)-5},
      {.type = FSM_DURATION, .i = 0, .len = 5},
  };
  size_t count = sizeof order / sizeof *order;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) {
      int got = fsm_value_compare(&order[i], &order[j]);
      assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
      assert_int_equal(fsm_value_same(&order[i], &order[j]), i == j);
    }
}

static void one_and_one_point_zero_are_not_the_same(void **state) {
  (void)state;
  fsm_value i = fsm_int(1), u = fsm_uint(1), d = fsm_double(1);
  assert_false(fsm_value_same(&i, &d));
  assert_false(fsm_value_same(&i, &u));
}

static void depth_is_counted_and_bounded(void **state) {
  (void)state;
  fsm_value scalar = fsm_int(1), empty = fsm_list(NULL, 0);
  assert_int_equal(fsm_value_depth(&scalar), 0);
  assert_int_equal(fsm_value_depth(&empty), 1);
  fsm_value at = nested(FSM_VALUE_DEPTH_MAX, 1), past = nested(100000, 1);
  assert_int_equal(fsm_value_depth(&at), FSM_VALUE_DEPTH_MAX);
  assert_int_equal(fsm_value_depth(&past), FSM_VALUE_DEPTH_MAX + 1);
  fsm_pair pair = {fsm_string("k"), nested(3, 1)};
  fsm_value map;
  assert_int_equal(fsm_map(&pair, 1, &map, NULL), FSM_OK);
  assert_int_equal(fsm_value_depth(&map), 4);
}

static void comparing_stops_at_the_depth_limit(void **state) {
  (void)state;
  fsm_value a = nested(FSM_VALUE_DEPTH_MAX, 1), b = nested(FSM_VALUE_DEPTH_MAX, 2);
  assert_true(fsm_value_compare(&a, &b) < 0);
  assert_false(fsm_value_same(&a, &b));
  assert_true(fsm_value_same(&a, &a));
  fsm_value c = nested(100000, 1), d = nested(100000, 2);
  assert_int_equal(fsm_value_compare(&c, &d), 0);
  assert_false(fsm_value_same(&c, &d));
}

static void copying_past_the_depth_limit_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  fsm_value at = nested(FSM_VALUE_DEPTH_MAX, 7), past = nested(FSM_VALUE_DEPTH_MAX + 1, 7), copy;
  assert_int_equal(fsm_value_copy(&arena, &at, &copy, &err), FSM_OK);
  assert_true(fsm_value_same(&at, &copy));
  assert_int_equal(err.code, FSM_OK);
  assert_int_equal(fsm_value_copy(&arena, &past, &copy, &err), FSM_ETOOLARGE);
  assert_non_null(strstr(err.text, "64"));
}

static void a_copy_shares_nothing_and_sorts_every_map(void **state) {
  (void)state;
  char text[] = "abc";
  fsm_pair inner[] = {{fsm_string("z"), fsm_string(text)}, {fsm_string("a"), fsm_bytes(text, 2)}};
  fsm_value items[] = {{.type = FSM_MAP, .len = 2, .pairs = inner}, fsm_null()};
  fsm_pair outer[] = {{fsm_string("l"), fsm_list(items, 2)}, {fsm_string("b"), fsm_bool(true)}};
  fsm_value document = {.type = FSM_MAP, .len = 2, .pairs = outer}, copy;
  assert_int_equal(fsm_value_copy(&arena, &document, &copy, NULL), FSM_OK);
  memset(text, 'x', sizeof text);
  memset(inner, 0xff, sizeof inner);
  assert_true(fsm_is_text(&copy.pairs[0].key, "b"));
  const fsm_value *list = fsm_map_get(&copy, "l");
  assert_non_null(list);
  assert_true(fsm_is_text(&list->items[0].pairs[0].key, "a"));
  assert_true(fsm_is_text(fsm_map_get(&list->items[0], "z"), "abc"));
}

static void a_copy_of_a_map_with_a_key_twice_names_it(void **state) {
  (void)state;
  fsm_pair pairs[] = {
      {fsm_string("b"), fsm_null()}, {fsm_string("a"), fsm_null()}, {fsm_string("b"), fsm_null()}};
  fsm_value document = {.type = FSM_MAP, .len = 3, .pairs = pairs}, copy;
  fsm_error err = {0};
  assert_int_equal(fsm_value_copy(&arena, &document, &copy, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "b");
}

static void a_copy_without_memory_says_so(void **state) {
  (void)state;
  fsm_value items[] = {fsm_string("some text"), fsm_string("more text")};
  fsm_value list = fsm_list(items, 2), copy = fsm_int(7);
  for (size_t limit = 1; limit < 64; limit += 16) {
    fsm_arena small;
    fsm_arena_init(&small, limit);
    assert_int_equal(fsm_value_copy(&small, &list, &copy, NULL), FSM_ENOMEM);
    assert_int_equal(copy.i, 7);
    fsm_arena_free(&small);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_has_a_name),
      cmocka_unit_test(is_text_compares_the_whole_string),
      cmocka_unit_test(the_order_is_total_and_type_first),
      cmocka_unit_test(one_and_one_point_zero_are_not_the_same),
      cmocka_unit_test_setup_teardown(depth_is_counted_and_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(comparing_stops_at_the_depth_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(copying_past_the_depth_limit_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_copy_shares_nothing_and_sorts_every_map, setup, teardown),
      cmocka_unit_test_setup_teardown(a_copy_of_a_map_with_a_key_twice_names_it, setup, teardown),
      cmocka_unit_test(a_copy_without_memory_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

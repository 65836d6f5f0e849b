/* test_value_map.c: maps as sorted arrays. */
#include "fsm/value.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 300 };
static char names[COUNT][24];
static fsm_pair pairs[COUNT];

/* Keys k0..kN in a scrambled but fixed order; the value is the number. */
static void scramble(size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t number = (i * 7919 + 13) % count;
    snprintf(names[i], sizeof names[i], "k%zu", number);
    pairs[i] = (fsm_pair){fsm_string(names[i]), fsm_int((int64_t)number)};
  }
}

static void a_map_is_sorted_whatever_the_order_it_came_in(void **state) {
  (void)state;
  for (size_t count = 0; count <= COUNT; count++) {
    scramble(count);
    fsm_value map;
    assert_int_equal(fsm_map(pairs, count, &map, NULL), FSM_OK);
    assert_int_equal(map.type, FSM_MAP);
    assert_int_equal(map.len, count);
    for (size_t i = 1; i < count; i++)
      assert_true(fsm_value_compare(&map.pairs[i - 1].key, &map.pairs[i].key) < 0);
  }
}

static void every_key_is_found_and_no_other(void **state) {
  (void)state;
  for (size_t count = 0; count <= COUNT; count += 7) {
    scramble(count);
    fsm_value map;
    assert_int_equal(fsm_map(pairs, count, &map, NULL), FSM_OK);
    for (size_t i = 0; i < count; i++) {
      char name[24];
      snprintf(name, sizeof name, "k%zu", i);
      const fsm_value *value = fsm_map_get(&map, name);
      assert_non_null(value);
      assert_int_equal(value->i, i);
      assert_ptr_equal(fsm_map_getn(&map, name, strlen(name)), value);
      fsm_value key = fsm_string(name);
      assert_ptr_equal(fsm_map_find(&map, &key), value);
    }
    assert_null(fsm_map_get(&map, "k"));
    assert_null(fsm_map_get(&map, "k999"));
    assert_null(fsm_map_get(&map, ""));
  }
}

static void what_is_no_map_has_no_entries(void **state) {
  (void)state;
  fsm_value number = fsm_int(1), empty = fsm_map_empty(), key = fsm_string("a");
  assert_null(fsm_map_get(NULL, "a"));
  assert_null(fsm_map_get(&number, "a"));
  assert_null(fsm_map_get(&empty, "a"));
  assert_null(fsm_map_find(&number, &key));
  assert_null(fsm_doc_get(&number, "a"));
}

static void keys_of_any_scalar_type_live_in_one_map(void **state) {
  (void)state;
  fsm_pair mixed[] = {{fsm_string("1"), fsm_string("text")},
                      {fsm_bytes("1", 1), fsm_string("bytes")},
                      {fsm_uint(1), fsm_string("uint")},
                      {fsm_int(1), fsm_string("int")},
                      {fsm_bool(true), fsm_string("bool")}};
  fsm_value map;
  assert_int_equal(fsm_map(mixed, 5, &map, NULL), FSM_OK);
  fsm_value i = fsm_int(1), u = fsm_uint(1), b = fsm_bool(true), absent = fsm_int(2);
  assert_true(fsm_is_text(fsm_map_find(&map, &i), "int"));
  assert_true(fsm_is_text(fsm_map_find(&map, &u), "uint"));
  assert_true(fsm_is_text(fsm_map_find(&map, &b), "bool"));
  assert_true(fsm_is_text(fsm_map_get(&map, "1"), "text"));
  assert_null(fsm_map_find(&map, &absent));
}

static void a_key_twice_is_refused_by_name(void **state) {
  (void)state;
  for (size_t count = 2; count <= 40; count++) { /* both sorts */
    scramble(count);
    pairs[count - 1].key = pairs[0].key;
    fsm_value map = fsm_int(7);
    fsm_error err = {0};
    assert_int_equal(fsm_map(pairs, count, &map, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, names[0]);
    assert_int_equal(map.type, FSM_INT);
  }
  fsm_pair twice[] = {{fsm_int(1), fsm_null()}, {fsm_int(1), fsm_null()}};
  fsm_value map;
  fsm_error err = {0};
  assert_int_equal(fsm_map(twice, 2, &map, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "int key"));
}

static void an_over_long_key_twice_is_cut_in_the_fault(void **state) {
  (void)state;
  char key[1000];
  memset(key, 'k', sizeof key);
  fsm_pair twice[] = {{fsm_stringn(key, sizeof key), fsm_null()}, {fsm_stringn(key, sizeof key), fsm_null()}};
  fsm_value map;
  fsm_error err = {0};
  assert_int_equal(fsm_map(twice, 2, &map, &err), FSM_EARGUMENT);
  assert_int_equal(strlen(err.where), FSM_WHERE_MAX - 1);
}

static void a_document_is_read_in_its_own_order(void **state) {
  (void)state;
  fsm_pair kept[] = {{fsm_string("z"), fsm_int(1)}, {fsm_string("a"), fsm_int(2)}};
  fsm_value document = {.type = FSM_MAP, .len = 2, .pairs = kept};
  assert_int_equal(fsm_doc_get(&document, "z")->i, 1);
  assert_int_equal(fsm_doc_get(&document, "a")->i, 2);
  assert_null(fsm_doc_get(&document, "b"));
}

static void a_merge_lays_the_patch_over_the_base(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_pair b[] = {
      {fsm_string("a"), fsm_int(1)}, {fsm_string("c"), fsm_int(3)}, {fsm_string("e"), fsm_int(5)}};
  fsm_pair p[] = {
      {fsm_string("b"), fsm_int(20)}, {fsm_string("c"), fsm_int(30)}, {fsm_string("f"), fsm_int(60)}};
  fsm_value base, patch, out;
  assert_int_equal(fsm_map(b, 3, &base, NULL), FSM_OK);
  assert_int_equal(fsm_map(p, 3, &patch, NULL), FSM_OK);
  assert_int_equal(fsm_map_merge(&arena, &base, &patch, &out), FSM_OK);
  static const char *const keys[] = {"a", "b", "c", "e", "f"};
  static const int64_t values[] = {1, 20, 30, 5, 60};
  assert_int_equal(out.len, 5);
  for (size_t i = 0; i < 5; i++) {
    assert_true(fsm_is_text(&out.pairs[i].key, keys[i]));
    assert_int_equal(out.pairs[i].value.i, values[i]);
  }
  assert_int_equal(base.pairs[1].value.i, 3);
  fsm_arena_free(&arena);
}

static void a_merge_with_nothing_is_the_other(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_pair one[] = {{fsm_string("a"), fsm_int(1)}};
  fsm_value map, empty = fsm_map_empty(), null = fsm_null(), number = fsm_int(1), out;
  assert_int_equal(fsm_map(one, 1, &map, NULL), FSM_OK);
  assert_int_equal(fsm_map_merge(&arena, &map, &empty, &out), FSM_OK);
  assert_true(fsm_value_same(&out, &map));
  assert_int_equal(fsm_map_merge(&arena, &null, &map, &out), FSM_OK);
  assert_true(fsm_value_same(&out, &map));
  assert_int_equal(fsm_map_merge(&arena, &null, &null, &out), FSM_OK);
  assert_true(fsm_value_same(&out, &empty));
  assert_int_equal(fsm_map_merge(&arena, &map, &number, &out), FSM_EARGUMENT);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_map_is_sorted_whatever_the_order_it_came_in),
      cmocka_unit_test(every_key_is_found_and_no_other),
      cmocka_unit_test(what_is_no_map_has_no_entries),
      cmocka_unit_test(keys_of_any_scalar_type_live_in_one_map),
      cmocka_unit_test(a_key_twice_is_refused_by_name),
      cmocka_unit_test(an_over_long_key_twice_is_cut_in_the_fault),
      cmocka_unit_test(a_document_is_read_in_its_own_order),
      cmocka_unit_test(a_merge_lays_the_patch_over_the_base),
      cmocka_unit_test(a_merge_with_nothing_is_the_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

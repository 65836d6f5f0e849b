/* Claims of runtime/overlay.h, most of them against a model: a plain array searched from end to end. */
#include "runtime/overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MODEL_MAX = 4096, KEY_MAX = 48, VALUE_MAX = 200 };

typedef struct model_row {
  uint8_t key[KEY_MAX], value[VALUE_MAX];
  size_t key_len, value_len;
  bool deleted;
} model_row;

typedef struct model {
  model_row *rows;
  size_t count;
} model;

static uint64_t seed;
static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static int compare(const void *a, size_t a_len, const void *b, size_t b_len) {
  int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
  return order ? order : (a_len > b_len) - (a_len < b_len);
}

static model_row *model_find(model *m, const void *key, size_t len) {
  for (size_t i = 0; i < m->count; i++)
    if (!compare(m->rows[i].key, m->rows[i].key_len, key, len)) return &m->rows[i];
  return NULL;
}

static model_row *model_seek(model *m, const void *key, size_t len, bool strictly) {
  model_row *best = NULL;
  for (size_t i = 0; i < m->count; i++) {
    model_row *r = &m->rows[i];
    if (compare(r->key, r->key_len, key, len) < strictly) continue;
    if (!best || compare(r->key, r->key_len, best->key, best->key_len) < 0) best = r;
  }
  return best;
}

static void model_change(model *m, const void *key, size_t len, const void *value, size_t value_len,
                         bool deleted) {
  model_row *r = model_find(m, key, len);
  if (!r) {
    assert_true(m->count < MODEL_MAX);
    r = &m->rows[m->count++];
    memcpy(r->key, key, len);
    r->key_len = len;
  }
  memcpy(r->value, value, value_len);
  r->value_len = value_len;
  r->deleted = deleted;
}

static fsm__overlay *fresh(unsigned tables) {
  fsm__overlay *overlay = NULL;
  fsm_error err;
  assert_int_equal(fsm__overlay_new(tables, NULL, &overlay, &err), FSM_OK);
  return overlay;
}

static void put(fsm__overlay *overlay, unsigned table, const char *key, const char *value) {
  fsm_error err;
  assert_int_equal(fsm__overlay_put(overlay, table, key, strlen(key), value, strlen(value), false, &err),
                   FSM_OK);
}

static void same_row(const fsm__row *row, const model_row *want) {
  assert_int_equal(row->key_len, want->key_len);
  assert_memory_equal(row->key, want->key, want->key_len);
  assert_int_equal(row->deleted, want->deleted);
  assert_int_equal(row->value_len, want->value_len);
  if (want->value_len) assert_memory_equal(row->value, want->value, want->value_len);
}

/* Long common prefixes, keys that are prefixes of others, zero and 0xff bytes, the empty key. */
static size_t awkward_key(uint8_t key[KEY_MAX]) {
  static const uint8_t alphabet[] = {0, 0, 1, 'a', 'b', 0xfe, 0xff, 0xff};
  size_t prefix = (size_t[]){0, 7, 8, 25, 30}[next_random() % 5], tail = next_random() % 12;
  memset(key, next_random() % 2 ? 0xff : 0, prefix);
  for (size_t i = 0; i < tail; i++) key[prefix + i] = alphabet[next_random() % sizeof alphabet];
  return prefix + tail;
}

static void check_point(fsm__overlay *overlay, unsigned table, model *m) {
  uint8_t key[KEY_MAX];
  size_t len = awkward_key(key);
  fsm__row row;
  model_row *want = model_find(m, key, len);
  assert_int_equal(fsm__overlay_get(overlay, table, key, len, FSM_NEWEST, &row), want != NULL);
  if (want) same_row(&row, want);
  bool strictly = next_random() % 2;
  want = model_seek(m, key, len, strictly);
  assert_int_equal(fsm__overlay_seek(overlay, table, key, len, strictly, FSM_NEWEST, &row), want != NULL);
  if (want) same_row(&row, want);
}

static void check_whole(fsm__overlay *overlay, unsigned table, model *m) {
  fsm__row row;
  size_t count = 0;
  model_row *want = model_seek(m, "", 0, false);
  for (bool found = fsm__overlay_seek(overlay, table, NULL, 0, false, FSM_NEWEST, &row); found; count++) {
    assert_non_null(want);
    same_row(&row, want);
    want = model_seek(m, want->key, want->key_len, true);
    found = fsm__overlay_seek(overlay, table, row.key, row.key_len, true, FSM_NEWEST, &row);
  }
  assert_int_equal(count, m->count);
}

static void random_change(fsm__overlay *overlay, unsigned table, model *m) {
  uint8_t key[KEY_MAX], value[VALUE_MAX];
  size_t len = awkward_key(key), value_len = next_random() % VALUE_MAX;
  memset(value, (int)next_random(), sizeof value);
  bool deleted = next_random() % 5 == 0;
  fsm_error err;
  fsm_code code = deleted ? fsm__overlay_delete(overlay, table, key, len, &err)
                          : fsm__overlay_put(overlay, table, key, len, value, value_len, false, &err);
  assert_int_equal(code, FSM_OK);
  model_change(m, key, len, value, deleted ? 0 : value_len, deleted);
}

static void it_answers_like_a_plain_array_over_two_generations(void **state) {
  (void)state;
  seed = 0x9e3779b97f4a7c15u;
  fsm__overlay *overlay = fresh(3);
  model models[3];
  for (int t = 0; t < 3; t++) models[t] = (model){malloc(MODEL_MAX * sizeof(model_row)), 0};
  for (int generation = 0; generation < 2; generation++) {
    for (int i = 0; i < 8000; i++) {
      unsigned t = next_random() % 3;
      random_change(overlay, t, &models[t]);
      if (i % 4 == 0) check_point(overlay, t, &models[t]);
    }
    size_t rows = 0;
    for (unsigned t = 0; t < 3; t++) {
      check_whole(overlay, t, &models[t]);
      rows += models[t].count;
      models[t].count = 0;
    }
    assert_true(rows > 3000); /* enough for inner nodes */
    assert_int_equal(fsm__overlay_rows(overlay), rows);
    fsm__overlay_clear(overlay);
  }
  for (int t = 0; t < 3; t++) free(models[t].rows);
  fsm__overlay_free(overlay);
}

/* Numbered keys in the given order must come back ascending, each once. */
static void check_numbers(const uint32_t *order, uint32_t count) {
  fsm__overlay *overlay = fresh(1);
  fsm_error err;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t key[8] = {
        'k', 'e', 'y', 0, (uint8_t)(order[i] >> 16), (uint8_t)(order[i] >> 8), (uint8_t)order[i], 0};
    assert_int_equal(fsm__overlay_put(overlay, 0, key, 7, &order[i], sizeof *order, false, &err), FSM_OK);
  }
  fsm__row row;
  uint32_t n = 0, value;
  for (bool found = fsm__overlay_seek(overlay, 0, NULL, 0, false, FSM_NEWEST, &row); found; n++) {
    memcpy(&value, row.value, sizeof value);
    assert_int_equal(value, n);
    found = fsm__overlay_seek(overlay, 0, row.key, row.key_len, true, FSM_NEWEST, &row);
  }
  assert_int_equal(n, count);
  fsm__overlay_free(overlay);
}

static void ascending_descending_and_shuffled_keys_come_back_in_order(void **state) {
  (void)state;
  enum { N = 20000 };
  static uint32_t order[N];
  seed = 42;
  for (uint32_t i = 0; i < N; i++) order[i] = i;
  check_numbers(order, N);
  for (uint32_t i = 0; i < N; i++) order[i] = N - 1 - i;
  check_numbers(order, N);
  for (uint32_t i = N - 1; i > 0; i--) {
    uint32_t j = next_random() % (i + 1), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  check_numbers(order, N);
}

static void a_replacement_of_at_most_the_old_size_takes_no_memory(void **state) {
  (void)state;
  fsm__overlay *overlay = fresh(1);
  put(overlay, 0, "k", "0123456789");
  size_t held = fsm__overlay_bytes(overlay);
  put(overlay, 0, "k", "abcdefghij");
  put(overlay, 0, "k", "short");
  put(overlay, 0, "k", "ABCDEFGHIJ");
  assert_int_equal(fsm__overlay_bytes(overlay), held);
  fsm__row row;
  assert_true(fsm__overlay_get(overlay, 0, "k", 1, FSM_NEWEST, &row));
  assert_int_equal(row.value_len, 10);
  assert_memory_equal(row.value, "ABCDEFGHIJ", 10);
  put(overlay, 0, "k", "one byte more");
  assert_true(fsm__overlay_bytes(overlay) > held);
  assert_int_equal(fsm__overlay_rows(overlay), 1);
  fsm__overlay_free(overlay);
}

static void a_tombstone_is_a_row_and_a_put_revives_it(void **state) {
  (void)state;
  fsm__overlay *overlay = fresh(2);
  fsm_error err;
  fsm__row row;
  put(overlay, 1, "k", "value");
  assert_int_equal(fsm__overlay_delete(overlay, 1, "k", 1, &err), FSM_OK);
  assert_true(fsm__overlay_get(overlay, 1, "k", 1, FSM_NEWEST, &row));
  assert_true(row.deleted);
  assert_int_equal(row.value_len, 0);
  assert_false(fsm__overlay_get(overlay, 0, "k", 1, FSM_NEWEST, &row)); /* tables are apart */
  put(overlay, 1, "k", "again");
  assert_true(fsm__overlay_seek(overlay, 1, "", 0, false, FSM_NEWEST, &row));
  assert_false(row.deleted);
  assert_memory_equal(row.value, "again", 5);
  fsm__overlay_free(overlay);
}

static void a_value_shown_by_get_may_be_put_back(void **state) {
  (void)state;
  fsm__overlay *overlay = fresh(1);
  fsm_error err;
  fsm__row row;
  put(overlay, 0, "k", "0123456789");
  assert_true(fsm__overlay_get(overlay, 0, "k", 1, FSM_NEWEST, &row));
  assert_int_equal(fsm__overlay_put(overlay, 0, "k", 1, (const char *)row.value + 2, 6, false, &err), FSM_OK);
  assert_true(fsm__overlay_get(overlay, 0, "k", 1, FSM_NEWEST, &row));
  assert_int_equal(row.value_len, 6);
  assert_memory_equal(row.value, "234567", 6);
  fsm__overlay_free(overlay);
}

static void clear_gives_the_bytes_back_and_values_of_any_size_fit(void **state) {
  (void)state;
  enum { LARGE = 3 * 1024 * 1024 };
  fsm__overlay *overlay = fresh(1);
  char *large = calloc(1, LARGE);
  fsm_error err;
  fsm__row row;
  for (int generation = 0; generation < 3; generation++) {
    assert_int_equal(fsm__overlay_bytes(overlay), 0);
    assert_false(fsm__overlay_seek(overlay, 0, "", 0, false, FSM_NEWEST, &row));
    for (uint8_t i = 0; i < 4; i++) {
      memset(large, i, LARGE);
      assert_int_equal(fsm__overlay_put(overlay, 0, &i, 1, large, (size_t)LARGE >> (4 * i), false, &err),
                       FSM_OK);
    }
    assert_true(fsm__overlay_bytes(overlay) > LARGE);
    for (uint8_t i = 0; i < 4; i++) {
      assert_true(fsm__overlay_get(overlay, 0, &i, 1, FSM_NEWEST, &row));
      assert_int_equal(row.value_len, LARGE >> (4 * i));
      assert_int_equal(((const uint8_t *)row.value)[row.value_len - 1], i);
    }
    fsm__overlay_clear(overlay);
  }
  free(large);
  fsm__overlay_free(overlay);
}

static void a_row_over_the_limit_is_refused(void **state) {
  (void)state;
  fsm__overlay *overlay = fresh(1);
  fsm_error err;
  assert_int_equal(fsm__overlay_put(overlay, 0, "k", 1, "v", (size_t)INT32_MAX + 1, false, &err),
                   FSM_ETOOLARGE);
  assert_int_equal(fsm__overlay_put(overlay, 0, "k", (size_t)INT32_MAX + 1, "v", 1, false, &err),
                   FSM_ETOOLARGE);
  assert_int_equal(fsm__overlay_rows(overlay), 0);
  fsm__overlay_free(overlay);
  fsm__overlay_free(NULL);
}

/* ---- versions ---- */

static const char *as_of(fsm__overlay *overlay, uint64_t seq) {
  static char text[32];
  fsm__row row;
  if (!fsm__overlay_get(overlay, 0, "k", 1, seq, &row)) return "none";
  if (row.deleted) return "deleted";
  snprintf(text, sizeof text, "%.*s", (int)row.value_len, (const char *)row.value);
  return text;
}

static void a_seq_sees_the_newest_version_at_or_below_it_while_somebody_may_ask(void **state) {
  (void)state;
  uint64_t pins[2] = {10, 25};
  fsm__horizon horizon = {.stamp = 5, .visible = 4, .pins = pins, .pin_count = 2};
  fsm__overlay *overlay = NULL;
  fsm_error err;
  assert_int_equal(fsm__overlay_new(1, &horizon, &overlay, &err), FSM_OK);
  put(overlay, 0, "k", "five");
  horizon = (fsm__horizon){.stamp = 20, .visible = 19, .pins = pins, .pin_count = 2};
  put(overlay, 0, "k", "twenty");
  horizon = (fsm__horizon){.stamp = 30, .visible = 29, .pins = pins, .pin_count = 2};
  assert_int_equal(fsm__overlay_delete(overlay, 0, "k", 1, &err), FSM_OK);
  assert_string_equal(as_of(overlay, 4), "none");
  assert_string_equal(as_of(overlay, 10), "five");
  assert_string_equal(as_of(overlay, 25), "twenty");
  assert_string_equal(as_of(overlay, FSM_NEWEST), "deleted");
  pins[0] = 25; /* nobody is at 10 any more */
  horizon = (fsm__horizon){.stamp = 40, .visible = 39, .pins = pins, .pin_count = 1};
  size_t held = fsm__overlay_bytes(overlay);
  put(overlay, 0, "k", "four"); /* in the place of "five" */
  assert_int_equal(fsm__overlay_bytes(overlay), held);
  assert_string_equal(as_of(overlay, 10), "none");
  assert_string_equal(as_of(overlay, 25), "twenty");
  assert_string_equal(as_of(overlay, 39), "deleted");
  assert_string_equal(as_of(overlay, 40), "four");
  fsm__overlay_free(overlay);
}

static void a_walk_shows_all_rows_in_order_as_the_newest_see_them(void **state) {
  (void)state;
  enum { N = 1000 };
  fsm__overlay *overlay = fresh(2);
  fsm_error err;
  for (uint32_t i = 0; i < N; i++) {
    uint8_t key[2] = {(uint8_t)((i * 7 % N) >> 8), (uint8_t)(i * 7 % N)};
    assert_int_equal(fsm__overlay_put(overlay, 1, key, 2, &i, sizeof i, i % 2 == 0, &err), FSM_OK);
  }
  fsm__row row;
  fsm__row_walk walk = {.leaf = NULL}, empty = {.leaf = NULL};
  uint32_t n = 0;
  for (; fsm__overlay_walk(overlay, 1, &walk, &row); n++) {
    const uint8_t *key = row.key;
    uint32_t put_as;
    memcpy(&put_as, row.value, sizeof put_as);
    assert_int_equal((uint32_t)key[0] << 8 | key[1], n);
    assert_int_equal(put_as * 7 % N, n);
    assert_int_equal(row.own, put_as % 2 == 0);
  }
  assert_int_equal(n, N);
  assert_false(fsm__overlay_walk(overlay, 1, &walk, &row));
  assert_false(fsm__overlay_walk(overlay, 0, &empty, &row));
  fsm__overlay_clear(overlay);
  fsm__overlay_trim(overlay);
  put(overlay, 0, "k", "after all was given back");
  fsm__overlay_free(overlay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_answers_like_a_plain_array_over_two_generations),
      cmocka_unit_test(ascending_descending_and_shuffled_keys_come_back_in_order),
      cmocka_unit_test(a_replacement_of_at_most_the_old_size_takes_no_memory),
      cmocka_unit_test(a_tombstone_is_a_row_and_a_put_revives_it),
      cmocka_unit_test(a_value_shown_by_get_may_be_put_back),
      cmocka_unit_test(clear_gives_the_bytes_back_and_values_of_any_size_fit),
      cmocka_unit_test(a_row_over_the_limit_is_refused),
      cmocka_unit_test(a_seq_sees_the_newest_version_at_or_below_it_while_somebody_may_ask),
      cmocka_unit_test(a_walk_shows_all_rows_in_order_as_the_newest_see_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

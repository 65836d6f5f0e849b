/* Claims of the merged view (runtime/store_range.c): against a model, and by hand. */
#include "tests/store_scratch.h"

/* ---- the merged view against a model ---- */

enum { MODEL_MAX = 600, KEY_MAX = 12, MODEL_TABLES = 3, RANGES = 4, OPERATIONS = 20000 };

typedef struct model_row {
  uint8_t key[KEY_MAX];
  size_t key_len;
  uint64_t value;
  bool there;
} model_row;

typedef struct model {
  model_row rows[MODEL_MAX];
  size_t count;
} model;

typedef struct open_range {
  fsm__range range;
  model_row at; /* the model's position: key, and `there` = strictly */
  bool open;
} open_range;

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

/* Few letters, among them the smallest and the largest byte, so that keys meet again. */
static size_t random_key(uint8_t key[KEY_MAX], size_t least) {
  static const uint8_t alphabet[] = {0, 'a', 'b', 0xff};
  size_t len = least + next_random() % (5 - least);
  for (size_t i = 0; i < len; i++) key[i] = alphabet[next_random() % sizeof alphabet];
  return len;
}

static model_row *model_row_of(model *m, const uint8_t *key, size_t len) {
  for (size_t i = 0; i < m->count; i++)
    if (!compare(m->rows[i].key, m->rows[i].key_len, key, len)) return &m->rows[i];
  assert_true(m->count < MODEL_MAX);
  model_row *r = &m->rows[m->count++];
  *r = (model_row){.key_len = len};
  memcpy(r->key, key, len);
  return r;
}

static const model_row *model_next(const model *m, const model_row *at, const uint8_t *prefix,
                                   size_t prefix_len) {
  const model_row *best = NULL;
  for (size_t i = 0; i < m->count; i++) {
    const model_row *r = &m->rows[i];
    if (!r->there || r->key_len < prefix_len || memcmp(r->key, prefix, prefix_len)) continue;
    if (compare(r->key, r->key_len, at->key, at->key_len) < (int)at->there) continue;
    if (!best || compare(r->key, r->key_len, best->key, best->key_len) < 0) best = r;
  }
  return best;
}

static void random_write(fsm__store *store, fsm__table table, model *m) {
  uint8_t key[KEY_MAX];
  size_t len = random_key(key, 1);
  model_row *r = model_row_of(m, key, len);
  r->there = next_random() % 5 < 3;
  r->value = next_random();
  if (r->there)
    fsm__store_put(store, table, key, len, &r->value, sizeof r->value);
  else
    fsm__store_delete(store, table, key, len);
}

static void check_point(fsm__store *store, fsm__table table, model *m) {
  uint8_t key[KEY_MAX];
  size_t len = random_key(key, 1), value_len;
  const model_row *r = model_row_of(m, key, len);
  const void *value;
  fsm_code code = fsm__store_get(store, table, key, len, &value, &value_len, NULL);
  assert_int_equal(code, r->there ? FSM_OK : FSM_ENOTFOUND);
  if (code) return;
  assert_int_equal(value_len, sizeof r->value);
  assert_memory_equal(value, &r->value, sizeof r->value);
}

static void reopen_range(open_range *o, fsm__store *store) {
  if (o->open) fsm__range_close(&o->range);
  uint8_t key[KEY_MAX];
  size_t len = next_random() % 3 ? random_key(key, 0) % 3 : 0;
  fsm__range_open(&o->range, store, (fsm__table)(next_random() % MODEL_TABLES), key, len);
  o->at = (model_row){.key_len = len};
  memcpy(o->at.key, key, len);
  o->open = true;
}

static void move_range(open_range *o) {
  uint8_t key[KEY_MAX];
  size_t len = random_key(key, 0);
  fsm__range_from(&o->range, key, len);
  o->at = (model_row){.key_len = len};
  memcpy(o->at.key, key, len);
}

static void step_range(open_range *o, const model *models) {
  const model_row *want = model_next(&models[o->range.table], &o->at, o->range.prefix, o->range.prefix_len);
  fsm__row row;
  bool found;
  fsm_error err;
  assert_int_equal(fsm__range_next(&o->range, &row, &found, &err), FSM_OK);
  assert_int_equal(found, want != NULL);
  if (!found) return;
  assert_int_equal(row.key_len, want->key_len);
  assert_memory_equal(row.key, want->key, want->key_len);
  assert_int_equal(row.value_len, sizeof want->value);
  assert_memory_equal(row.value, &want->value, sizeof want->value);
  o->at = *want;
  o->at.there = true;
}

static void views_equal_a_model_under_random_writes_rounds_and_interleaved_ranges(void **state) {
  static model models[MODEL_TABLES];
  static open_range open[RANGES];
  seed = 0x2545f4914f6cdd1du;
  fsm__store *store = open_new(*state);
  uint64_t seq = 0;
  for (int i = 0; i < OPERATIONS; i++) {
    uint64_t dice = next_random() % 100;
    fsm__table table = (fsm__table)(next_random() % MODEL_TABLES);
    open_range *o = &open[next_random() % RANGES];
    if (dice < 40) random_write(store, table, &models[table]);
    if (dice >= 40 && dice < 55) check_point(store, table, &models[table]);
    if (!o->open || (dice >= 55 && dice < 62)) reopen_range(o, store);
    if (dice >= 62 && dice < 66) move_range(o);
    if (dice >= 66 && dice < 98) step_range(o, models);
    if (dice == 98) round_at(store, ++seq);
  }
  assert_true(seq > 100);
  for (int i = 0; i < RANGES; i++) fsm__range_close(&open[i].range);
  assert_int_equal(fsm__store_fault(store, NULL), FSM_OK);
  fsm__store_close(store);
}

/* ---- by hand ---- */

static void a_tombstone_hides_the_committed_row_before_and_after_its_round(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "a", "1");
  put(store, FSM_T_IDS, "b", "2");
  put(store, FSM_T_IDS, "c", "");
  round_at(store, 1);
  erase(store, FSM_T_IDS, "b");
  erase(store, FSM_T_IDS, "never there");
  put(store, FSM_T_IDS, "bb", "3");
  for (uint64_t seq = 2; seq < 4; seq++) {
    has(store, FSM_T_IDS, "b", NULL);
    has(store, FSM_T_IDS, "c", "");
    ranges(store, FSM_T_IDS, "", "a bb c");
    ranges(store, FSM_T_IDS, "b", "bb");
    round_at(store, seq);
  }
  put(store, FSM_T_IDS, "b", "again");
  ranges(store, FSM_T_IDS, "", "a b bb c");
  ranges(store, FSM_T_KEYS, "", "");
  fsm__store_close(store);
}

static void a_prefix_of_the_largest_bytes_ends_where_the_table_ends(void **state) {
  fsm__store *store = open_new(*state);
  for (int committed = 0; committed < 2; committed++) {
    put(store, FSM_T_IDS, "\xfe\xff", "x");
    put(store, FSM_T_IDS, "\xff", "x");
    put(store, FSM_T_IDS, "\xff\xff", "x");
    put(store, FSM_T_IDS, "\xff\xff\xff", "x");
    ranges(store, FSM_T_IDS, "\xff\xff", "\xff\xff \xff\xff\xff");
    ranges(store, FSM_T_IDS, "\xff", "\xff \xff\xff \xff\xff\xff");
    ranges(store, FSM_T_IDS, "\xff\xff\xff\xff", "");
    round_at(store, (uint64_t)committed + 1);
  }
  fsm__store_close(store);
}

static void a_look_at_the_first_row_skips_what_was_deleted_and_sees_what_comes_before(void **state) {
  fsm__store *store = open_new(*state);
  char key[16];
  for (int i = 100; i < 200; i++) {
    snprintf(key, sizeof key, "%d", i);
    put(store, FSM_T_DUE, key, "");
  }
  round_at(store, 1);
  for (int i = 100; i < 198; i++) { /* a timer after the other fires */
    snprintf(key, sizeof key, "%d", i);
    erase(store, FSM_T_DUE, key);
    ranges(store, FSM_T_DUE, "199", "199");
  }
  ranges(store, FSM_T_DUE, "", "198 199");
  assert_int_equal(store->floor[FSM_T_DUE].len,
                   3); /* how it is fast: the scan begins at the first living row */
  assert_memory_equal(store->floor[FSM_T_DUE].key, "198", 3);
  put(store, FSM_T_DUE, "150", "");
  ranges(store, FSM_T_DUE, "", "150 198 199");
  round_at(store, 2);
  put(store, FSM_T_DUE, "0", "");
  ranges(store, FSM_T_DUE, "", "0 150 198 199");
  for (int i = 0; i < 2; i++) {
    erase(store, FSM_T_DUE, "0");
    erase(store, FSM_T_DUE, "150");
    erase(store, FSM_T_DUE, "198");
    erase(store, FSM_T_DUE, "199");
    ranges(store, FSM_T_DUE, "", "");
    put(store, FSM_T_DUE, "1", "");
    ranges(store, FSM_T_DUE, "", "1");
    erase(store, FSM_T_DUE, "1");
  }
  fsm__store_close(store);
}

static void a_range_in_progress_does_not_show_what_was_deleted_ahead_of_it(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_DUE, "b", "");
  put(store, FSM_T_DUE, "c", "");
  round_at(store, 1);
  put(store, FSM_T_DUE, "a", "");
  fsm__range range;
  fsm__row row;
  bool found;
  fsm__range_open(&range, store, FSM_T_DUE, "", 0);
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK); /* on a, its cursor on b */
  erase(store, FSM_T_DUE, "a");
  erase(store, FSM_T_DUE, "b");
  ranges(store, FSM_T_DUE, "", "c");
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  assert_memory_equal(row.key, "c", 1);
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  assert_false(found);
  put(store, FSM_T_DUE, "d", "");
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  assert_true(found);
  fsm__range_close(&range);
  fsm__store_close(store);
}

static void keys_and_values_over_their_limits_are_a_sticky_fault(void **state) {
  fsm__store *store = open_new(*state);
  static uint8_t key[FSM_STORE_KEY_MAX + 1];
  void *large = calloc(1, FSM_STORE_VALUE_MAX + 1);
  fsm_error err;
  fsm__hash leaf = leaf_of(1);
  fsm__store_put(store, FSM_T_IDS, key, FSM_STORE_KEY_MAX, large, FSM_STORE_VALUE_MAX);
  round_at(store, 1);
  const void *value;
  size_t len;
  assert_int_equal(fsm__store_get(store, FSM_T_IDS, key, FSM_STORE_KEY_MAX, &value, &len, &err), FSM_OK);
  assert_int_equal(len, FSM_STORE_VALUE_MAX);
  assert_int_equal(fsm__store_get(store, FSM_T_IDS, key, sizeof key, &value, &len, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__store_get(store, FSM_T_IDS, "", 0, &value, &len, &err), FSM_ENOTFOUND);
  fsm__store_put(store, FSM_T_IDS, key, sizeof key, "v", 1);
  assert_int_equal(fsm__store_fault(store, &err), FSM_ETOOLARGE);
  assert_string_equal(err.where, "ids");
  fsm__store_put(store, FSM_T_KEYS, "k", 1, large, FSM_STORE_VALUE_MAX + 1);
  assert_int_equal(fsm__store_fault(store, &err), FSM_ETOOLARGE);
  assert_string_equal(err.where, "ids"); /* the first stays */
  assert_int_equal(fsm__store_round(store, 2, &leaf, &err), FSM_ETOOLARGE);
  assert_int_equal(fsm__store_applied(store, NULL), 1);
  free(large);
  fsm__store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(views_equal_a_model_under_random_writes_rounds_and_interleaved_ranges),
      TEST(a_tombstone_hides_the_committed_row_before_and_after_its_round),
      TEST(a_prefix_of_the_largest_bytes_ends_where_the_table_ends),
      TEST(a_look_at_the_first_row_skips_what_was_deleted_and_sees_what_comes_before),
      TEST(a_range_in_progress_does_not_show_what_was_deleted_ahead_of_it),
      TEST(keys_and_values_over_their_limits_are_a_sticky_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

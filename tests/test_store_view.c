/* Claims of runtime/store_view.c: views are exact at their seq whatever the owner and the applier do. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/store_scratch.h"

static fsm__store *view_of(fsm__store *store, uint64_t want) {
  fsm__store *view = NULL;
  uint64_t seq = 0;
  fsm_error err = {0};
  if (fsm__store_view(store, &view, &seq, &err)) fail_msg("%s: %s", err.where, err.text);
  assert_int_equal(seq, want);
  return view;
}

static void freeze_at(fsm__store *store, uint64_t seq) {
  fsm__hash leaf = leaf_of(seq);
  assert_int_equal(fsm__store_freeze(store, seq, &leaf, NULL), FSM_OK);
}

static void apply(fsm__store *store) {
  bool map_full;
  fsm_error err = {0};
  if (fsm__store_apply(store, &map_full, &err)) fail_msg("%s: %s", err.where, err.text);
}

/* ---- by hand ---- */

static void a_view_sees_what_was_published_when_it_was_opened(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "a", "1");
  fsm__store *nothing = view_of(store, 0);
  fsm__store_publish(store, 1);
  put(store, FSM_T_IDS, "a", "2");
  put(store, FSM_T_IDS, "b", "2");
  fsm__store *first = view_of(store, 1);
  fsm__store_publish(store, 2);
  erase(store, FSM_T_IDS, "a");
  fsm__store *second = view_of(store, 2);
  has(nothing, FSM_T_IDS, "a", NULL);
  ranges(nothing, FSM_T_IDS, "", "");
  has(first, FSM_T_IDS, "a", "1");
  ranges(first, FSM_T_IDS, "", "a");
  has(second, FSM_T_IDS, "a", "2");
  ranges(second, FSM_T_IDS, "", "a b");
  has(store, FSM_T_IDS, "a", NULL); /* the owner sees all */
  ranges(store, FSM_T_IDS, "", "b");
  fsm__store_view_close(first);
  has(nothing, FSM_T_IDS, "a", NULL);
  has(second, FSM_T_IDS, "a", "2");
  fsm__store_view_close(nothing);
  fsm__store_view_close(second);
  fsm__store_close(store);
}

static void a_view_is_the_same_before_within_and_after_a_round(void **state) {
  fsm__store *store = open_new(*state), *views[4];
  put(store, FSM_T_IDS, "a", "1");
  put(store, FSM_T_IDS, "b", "1");
  round_at(store, 1);
  erase(store, FSM_T_IDS, "a");
  put(store, FSM_T_IDS, "b", "2");
  put(store, FSM_T_IDS, "c", "2");
  fsm__store_publish(store, 2);
  views[0] = view_of(store, 2);
  freeze_at(store, 2);
  put(store, FSM_T_IDS, "b", "3"); /* into the next generation */
  put(store, FSM_T_IDS, "d", "3");
  views[1] = view_of(store, 2);
  apply(store);
  views[2] = view_of(store, 2);
  assert_int_equal(fsm__store_settle(store, NULL), FSM_OK);
  views[3] = view_of(store, 2);
  fsm__store_publish(store, 3);
  round_at(store, 3);
  for (int i = 0; i < 4; i++) {
    has(views[i], FSM_T_IDS, "a", NULL);
    has(views[i], FSM_T_IDS, "b", "2");
    ranges(views[i], FSM_T_IDS, "", "b c");
    fsm__store_view_close(views[i]);
  }
  has(store, FSM_T_IDS, "b", "3");
  ranges(store, FSM_T_IDS, "", "b c d");
  fsm__store_close(store);
}

/* The owner may go on with the next batch before the last one is durable. */
static void rows_behind_a_boundary_wait_for_their_own_publishing(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "k", "one");
  fsm__store_boundary(store, 1);
  put(store, FSM_T_IDS, "k", "two");
  fsm__store_publish(store, 1);
  fsm__store *view = view_of(store, 1);
  has(view, FSM_T_IDS, "k", "one");
  fsm__store_view_close(view);
  fsm__store_publish(store, 2);
  view = view_of(store, 2);
  has(view, FSM_T_IDS, "k", "two");
  fsm__store_view_close(view);
  fsm__store_close(store);
}

static void a_hot_row_takes_two_places_and_one_more_for_a_view(void **state) {
  fsm__store *store = open_new(*state), *view = NULL;
  size_t held = 0;
  char text[32];
  for (uint64_t seq = 1; seq <= 2000; seq++) {
    snprintf(text, sizeof text, "value %08llu", (unsigned long long)seq);
    put(store, FSM_T_IDS, "hot", text);
    fsm__store_publish(store, seq);
    if (seq == 2) held = fsm__store_filling_bytes(store);
    if (seq == 1000) {
      assert_int_equal(fsm__store_filling_bytes(store), held);
      view = view_of(store, 1000);
    }
  }
  assert_true(fsm__store_filling_bytes(store) > held);
  assert_true(fsm__store_filling_bytes(store) <= held + 64);
  has(view, FSM_T_IDS, "hot", "value 00001000");
  has(store, FSM_T_IDS, "hot", "value 00002000");
  fsm__store_view_close(view);
  fsm__store_close(store);
}

/* Rows of LMDB in a table, by a snapshot. */
static unsigned committed(fsm__store *store, fsm__table table) {
  fsm__snapshot_reader *reader;
  fsm__row row;
  uint64_t applied;
  unsigned count = 0;
  bool found = true;
  assert_int_equal(fsm__store_snapshot(store, &reader, &applied, NULL), FSM_OK);
  for (; found; count += found)
    assert_int_equal(fsm__snapshot_next(reader, table, &row, &found, NULL), FSM_OK);
  fsm__snapshot_close(reader);
  return count;
}

static void what_came_and_went_in_one_generation_is_seen_by_views_and_not_by_lmdb(void **state) {
  fsm__store *store = open_new(*state);
  fsm__store_put_new(store, FSM_T_DUE, "soon", 4, "x", 1);
  fsm__store_publish(store, 1);
  fsm__store *view = view_of(store, 1);
  erase(store, FSM_T_DUE, "soon");
  round_at(store, 2);
  has(view, FSM_T_DUE, "soon", "x");
  ranges(view, FSM_T_DUE, "", "soon");
  fsm__store_view_close(view);
  has(store, FSM_T_DUE, "soon", NULL);
  assert_int_equal(committed(store, FSM_T_DUE), 0);
  fsm__store_put_new(store, FSM_T_DUE, "later", 5, "x", 1); /* here one round, deleted in the next */
  round_at(store, 3);
  assert_int_equal(committed(store, FSM_T_DUE), 1);
  erase(store, FSM_T_DUE, "later");
  fsm__store_put_new(store, FSM_T_DUE, "later", 5, "y", 1); /* said to be new, and it is not */
  erase(store, FSM_T_DUE, "later");
  round_at(store, 4);
  assert_int_equal(committed(store, FSM_T_DUE), 0);
  fsm__store_close(store);
}

static void over_the_limit_of_open_views_one_is_refused(void **state) {
  fsm__store *store = open_new(*state), *views[FSM_STORE_VIEWS_MAX], *extra;
  uint64_t seq;
  fsm_error err;
  put(store, FSM_T_IDS, "a", "1");
  fsm__store_publish(store, 1);
  for (int i = 0; i < FSM_STORE_VIEWS_MAX; i++) views[i] = view_of(store, 1);
  assert_int_equal(fsm__store_view(store, &extra, &seq, &err), FSM_EBUSY);
  fsm__store_status status;
  fsm__store_status_get(store, &status);
  assert_int_equal(status.views, FSM_STORE_VIEWS_MAX);
  assert_true(status.oldest_view_ns > 0);
  for (int i = 0; i < FSM_STORE_VIEWS_MAX; i += 2) fsm__store_view_close(views[i]);
  for (int i = 1; i < FSM_STORE_VIEWS_MAX; i += 2) {
    has(views[i], FSM_T_IDS, "a", "1");
    fsm__store_view_close(views[i]);
  }
  fsm__store_status_get(store, &status);
  assert_int_equal(status.views, 0);
  fsm__store_close(store);
}

static void a_snapshot_goes_on_where_another_ended(void **state) {
  fsm__store *store = open_new(*state);
  for (const char *key = "abcdef"; *key; key++) fsm__store_put(store, FSM_T_IDS, key, 1, "v", 1);
  round_at(store, 1);
  fsm__row row;
  bool found;
  uint64_t applied;
  char last = 0, seen[8] = "";
  for (int i = 0; i < 3; i++) { /* two rows each, in a snapshot of its own */
    fsm__snapshot_reader *reader;
    assert_int_equal(fsm__store_snapshot(store, &reader, &applied, NULL), FSM_OK);
    assert_int_equal(fsm__snapshot_seek(reader, FSM_T_IDS, &last, last != 0, true, NULL), FSM_OK);
    for (int r = 0; r < 2; r++) {
      assert_int_equal(fsm__snapshot_next(reader, FSM_T_IDS, &row, &found, NULL), FSM_OK);
      assert_true(found);
      last = *(const char *)row.key;
      seen[strlen(seen)] = last;
    }
    fsm__snapshot_close(reader);
  }
  assert_string_equal(seen, "abcdef");
  fsm__snapshot_reader *reader;
  assert_int_equal(fsm__store_snapshot(store, &reader, &applied, NULL), FSM_OK);
  assert_int_equal(fsm__snapshot_seek(reader, FSM_T_IDS, "f", 1, true, NULL), FSM_OK);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(fsm__snapshot_next(reader, FSM_T_IDS, &row, &found, NULL), FSM_OK);
    assert_false(found);
  }
  assert_int_equal(fsm__snapshot_seek(reader, FSM_T_IDS, "c", 1, false, NULL), FSM_OK);
  assert_int_equal(fsm__snapshot_next(reader, FSM_T_IDS, &row, &found, NULL), FSM_OK);
  assert_true(found && *(const char *)row.key == 'c');
  fsm__snapshot_close(reader);
  fsm__store_close(store);
}

/* ---- the map grows ---- */

typedef struct late_view {
  fsm__store *store;
  fsm_code code;
} late_view;

static void *open_late(void *arg) {
  late_view *late = arg;
  fsm__store *view = NULL;
  uint64_t seq;
  late->code = fsm__store_view(late->store, &view, &seq, NULL);
  if (!late->code) has(view, FSM_T_IDS, "a", "1");
  fsm__store_view_close(view);
  return NULL;
}

static void the_map_grows_when_the_open_views_have_ended_and_new_ones_wait(void **state) {
  fsm__store *store = open_new(*state);
  fsm_error err;
  pthread_t thread;
  put(store, FSM_T_IDS, "a", "1");
  round_at(store, 1);
  fsm__store *view = view_of(store, 1);
  assert_int_equal(fsm__store_grow_next(store, 0, &err), FSM_EBUSY);
  late_view late = {.store = store, .code = FSM_ECLOSED};
  assert_int_equal(pthread_create(&thread, NULL, open_late, &late), 0);
  has(view, FSM_T_IDS, "a", "1"); /* the old one reads on */
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  assert_int_equal(fsm__store_grow_next(store, 0, &err), FSM_EBUSY);
  fsm__store_view_close(view);
  assert_int_equal(fsm__store_grow_next(store, 0, &err), FSM_OK);
  pthread_join(thread, NULL);
  assert_int_equal(late.code, FSM_OK);
  fsm__store_status status;
  fsm__store_status_get(store, &status);
  assert_int_equal(status.map_bytes, (size_t)128 << 20);
  assert_int_equal(fsm__store_grow_next(store, (size_t)130 << 20, &err), FSM_OK);
  assert_int_equal(fsm__store_grow_next(store, (size_t)130 << 20, &err), FSM_EFULL);
  has(store, FSM_T_IDS, "a", "1");
  fsm__store_close(store);
}

/* ---- against a model ---- */

enum { KEYS = 40, VIEWS = 5, STEPS = 12000, ABSENT = 0 };

typedef struct model {
  uint32_t values[KEYS]; /* ABSENT or what was put */
} model;

typedef struct pinned {
  fsm__store *view;
  model as_of;
} pinned;

static uint64_t seed;
static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static void check_range(fsm__store *store, const model *m, unsigned from) {
  fsm__range range;
  fsm__row row;
  bool found = true;
  uint8_t start = (uint8_t)from;
  fsm__range_open(&range, store, FSM_T_KEYS, NULL, 0);
  if (from > 0) fsm__range_from(&range, &start, 1);
  for (unsigned k = from; found; k++) {
    while (k < KEYS && m->values[k] == ABSENT) k++;
    assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
    assert_int_equal(found, k < KEYS);
    if (!found) break;
    assert_int_equal(*(const uint8_t *)row.key, k);
    assert_memory_equal(row.value, &m->values[k], sizeof m->values[k]);
  }
  fsm__range_close(&range);
}

static void check_points(fsm__store *store, const model *m) {
  for (uint8_t k = 0; k < KEYS; k++) {
    const void *value;
    size_t len;
    fsm_code code = fsm__store_get(store, FSM_T_KEYS, &k, 1, &value, &len, NULL);
    assert_int_equal(code, m->values[k] ? FSM_OK : FSM_ENOTFOUND);
    if (!code) assert_memory_equal(value, &m->values[k], sizeof m->values[k]);
  }
}

static void random_batch(fsm__store *store, model *m, uint32_t *stamp) {
  for (unsigned n = 1 + next_random() % 6; n > 0; n--) {
    uint8_t k = next_random() % KEYS;
    m->values[k] = next_random() % 3 ? ++*stamp : ABSENT;
    if (m->values[k])
      fsm__store_put(store, FSM_T_KEYS, &k, 1, &m->values[k], sizeof m->values[k]);
    else
      fsm__store_delete(store, FSM_T_KEYS, &k, 1);
  }
}

static void move_round(fsm__store *store, uint64_t seq, int *phase) {
  if (*phase == 0) freeze_at(store, seq);
  if (*phase == 1) apply(store);
  if (*phase == 2) assert_int_equal(fsm__store_settle(store, NULL), FSM_OK);
  *phase = (*phase + 1) % 3;
}

static void views_and_owner_answer_like_models_of_their_seqs(void **state) {
  fsm__store_options options = options_of(*state);
  options.scratch = true;
  fsm__store *store = open_with(&options);
  pinned open[VIEWS] = {{.view = NULL}};
  model now = {{0}};
  uint32_t stamp = 0;
  uint64_t seq = 0;
  int phase = 0;
  seed = 0x2545f4914f6cdd1du;
  for (int i = 0; i < STEPS; i++) {
    random_batch(store, &now, &stamp);
    if (next_random() % 8 == 0) check_range(store, &now, next_random() % KEYS);
    fsm__store_publish(store, ++seq);
    if (next_random() % 5 == 0) move_round(store, seq, &phase);
    pinned *p = &open[next_random() % VIEWS];
    if (p->view && next_random() % 3 == 0) {
      fsm__store_view_close(p->view);
      p->view = NULL;
    } else if (!p->view) {
      *p = (pinned){view_of(store, seq), now};
    }
    if (p->view) check_points(p->view, &p->as_of);
    if (p->view) check_range(p->view, &p->as_of, next_random() % KEYS);
  }
  for (int i = 0; i < VIEWS; i++) fsm__store_view_close(open[i].view);
  check_points(store, &now);
  fsm__store_close(store);
}

/* ---- many threads: at every seq the sum over all rows is that seq ---- */

enum { ROWS = 64, READERS = 3, BATCHES = 6000, FREEZE_EVERY = 37 };

typedef struct bank {
  fsm__store *store;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool frozen, done, stop; /* the applier's work, under the lock */
  atomic_bool end;
  atomic_uint views, wrong;
} bank;

static void *apply_rounds(void *arg) {
  bank *b = arg;
  pthread_mutex_lock(&b->lock);
  while (!b->stop) {
    if (!b->frozen) {
      pthread_cond_wait(&b->changed, &b->lock);
      continue;
    }
    pthread_mutex_unlock(&b->lock);
    apply(b->store);
    pthread_mutex_lock(&b->lock);
    b->frozen = false;
    b->done = true;
  }
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

/* Sums the counts of a table; in the index (count BE4 ‖ row) they stand in the keys. */
static uint64_t sum_of(fsm__store *view, bool index, unsigned *rows) {
  fsm__range range;
  fsm__row row;
  bool found = true;
  uint64_t sum = 0;
  fsm__range_open(&range, view, index ? FSM_T_BY_STATE : FSM_T_INSTANCES, NULL, 0);
  for (*rows = 0; fsm__range_next(&range, &row, &found, NULL) == FSM_OK && found; (*rows)++) {
    const uint8_t *at = index ? row.key : row.value;
    sum += (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
  }
  fsm__range_close(&range);
  return sum;
}

static uint64_t sum_of_points(fsm__store *view) {
  uint64_t sum = 0;
  for (uint8_t r = 0; r < ROWS; r++) {
    const void *value;
    size_t len;
    if (fsm__store_get(view, FSM_T_INSTANCES, &r, 1, &value, &len, NULL)) continue;
    const uint8_t *at = value;
    sum += (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
  }
  return sum;
}

static void *watch(void *arg) {
  bank *b = arg;
  while (!atomic_load(&b->end)) {
    fsm__store *view;
    uint64_t seq;
    unsigned rows = 0, entries = 0;
    if (fsm__store_view(b->store, &view, &seq, NULL)) continue;
    bool good = sum_of(view, false, &rows) == seq && sum_of(view, true, &entries) == seq && rows == entries;
    good = good && sum_of_points(view) == seq;
    fsm__store_view_close(view);
    if (!good) atomic_fetch_add(&b->wrong, 1);
    atomic_fetch_add(&b->views, 1);
  }
  return NULL;
}

static void index_key(uint8_t key[5], uint32_t count, uint8_t row) {
  const uint8_t bytes[5] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8),
                            (uint8_t)count, row};
  memcpy(key, bytes, sizeof bytes);
}

/* Adds one to a row, its index entry moves along. */
static void pay(fsm__store *store, uint32_t counts[ROWS], uint8_t row) {
  uint8_t key[5];
  fsm__store_frame_begin(store);
  index_key(key, counts[row], row);
  if (counts[row]) fsm__store_delete(store, FSM_T_BY_STATE, key, sizeof key);
  index_key(key, ++counts[row], row);
  fsm__store_put_new(store, FSM_T_BY_STATE, key, sizeof key, "", 0);
  fsm__store_put(store, FSM_T_INSTANCES, &row, 1, key, 4);
  fsm__store_frame_end(store);
}

static void move_on(bank *b, uint64_t seq, bool freeze) {
  pthread_mutex_lock(&b->lock);
  if (b->done) assert_int_equal(fsm__store_settle(b->store, NULL), FSM_OK);
  b->done = false;
  if (freeze && !b->frozen) {
    freeze_at(b->store, seq);
    b->frozen = true;
    pthread_cond_signal(&b->changed);
  }
  pthread_mutex_unlock(&b->lock);
}

static void at_every_seq_the_sum_over_all_rows_is_that_seq(void **state) {
  fsm__store_options options = options_of(*state);
  options.scratch = true;
  bank b = {
      .store = open_with(&options), .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  pthread_t threads[READERS + 1];
  uint32_t counts[ROWS] = {0};
  uint64_t seq = 0;
  const char *more = getenv("FSM_STORE_BATCHES");
  long batches = more ? atol(more) : BATCHES;
  seed = 88172645463325252u;
  for (int i = 0; i <= READERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, i ? watch : apply_rounds, &b), 0);
  for (long i = 0; i < batches || atomic_load(&b.views) < 20; i++) {
    for (unsigned n = 1 + next_random() % 8; n > 0; n--, seq++)
      pay(b.store, counts, (uint8_t)(next_random() % (next_random() % 4 ? 4 : ROWS)));
    fsm__store_publish(b.store, seq);
    move_on(&b, seq, i % FREEZE_EVERY == 0);
  }
  atomic_store(&b.end, true);
  pthread_mutex_lock(&b.lock);
  b.stop = true;
  pthread_cond_signal(&b.changed);
  pthread_mutex_unlock(&b.lock);
  for (int i = 0; i <= READERS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&b.wrong), 0);
  move_on(&b, seq, false);
  round_at(b.store, seq);
  unsigned rows;
  assert_int_equal(sum_of(b.store, true, &rows), seq);
  assert_int_equal(committed(b.store, FSM_T_BY_STATE), rows);
  fsm__store_close(b.store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_view_sees_what_was_published_when_it_was_opened),
      TEST(a_view_is_the_same_before_within_and_after_a_round),
      TEST(rows_behind_a_boundary_wait_for_their_own_publishing),
      TEST(a_hot_row_takes_two_places_and_one_more_for_a_view),
      TEST(what_came_and_went_in_one_generation_is_seen_by_views_and_not_by_lmdb),
      TEST(over_the_limit_of_open_views_one_is_refused),
      TEST(a_snapshot_goes_on_where_another_ended),
      TEST(the_map_grows_when_the_open_views_have_ended_and_new_ones_wait),
      TEST(views_and_owner_answer_like_models_of_their_seqs),
      TEST(at_every_seq_the_sum_over_all_rows_is_that_seq),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims of runtime/store.c: what stays, damage, versions, no room, snapshots. */
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "runtime/crc32c.h"
#include "tests/store_format.h"
#include "tests/store_scratch.h"

/* ---- what stays ---- */

static void rows_and_applied_position_survive_together_and_uncommitted_rows_do_not(void **state) {
  fsm__store *store = open_new(*state);
  uint8_t id[16];
  fsm__hash leaf, want = leaf_of(7);
  assert_int_equal(fsm__store_applied(store, NULL), 0);
  put(store, FSM_T_INSTANCES, "one", "first");
  put(store, FSM_T_COUNTERS, "two", "second");
  assert_true(fsm__store_pending_bytes(store) > 0);
  round_at(store, 7);
  assert_int_equal(fsm__store_pending_bytes(store), 0);
  assert_int_equal(fsm__store_applied(store, &leaf), 7);
  assert_memory_equal(leaf.bytes, want.bytes, sizeof want.bytes);
  put(store, FSM_T_INSTANCES, "one", "later");
  put(store, FSM_T_INSTANCES, "three", "later");
  fsm__store_close(store);
  for (int read_only = 0; read_only < 2; read_only++) {
    store = read_only ? open_read_only(*state) : open_new(*state);
    fsm__store_id(store, id);
    assert_memory_equal(id, store_id, sizeof id);
    assert_int_equal(fsm__store_applied(store, &leaf), 7);
    assert_memory_equal(leaf.bytes, want.bytes, sizeof want.bytes);
    has(store, FSM_T_INSTANCES, "one", "first");
    has(store, FSM_T_INSTANCES, "three", NULL);
    has(store, FSM_T_COUNTERS, "two", "second");
    fsm__store_close(store);
  }
}

static void an_empty_round_moves_the_position_alone(void **state) {
  fsm__store *store = open_new(*state);
  round_at(store, 0);
  round_at(store, 5);
  round_at(store, 5);
  fsm__store_close(store);
  store = open_new(*state);
  assert_int_equal(fsm__store_applied(store, NULL), 5);
  fsm__store_close(store);
}

static int die_holding(const place *p) {
  fsm__store *store = open_new(p);
  put(store, FSM_T_IDS, "b", "2");
  round_at(store, 2);
  put(store, FSM_T_IDS, "c", "3");
  kill(getpid(), SIGKILL);
  return 1;
}

static void a_killed_holder_leaves_its_rounds_and_no_lock(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "a", "1");
  round_at(store, 1);
  fsm__store_close(store);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) _exit(die_holding(*state));
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status));
  store = open_new(*state);
  assert_int_equal(fsm__store_applied(store, NULL), 2);
  ranges(store, FSM_T_IDS, "", "a b");
  fsm__store_close(store);
}

/* ---- damage ---- */

/* Flips one bit at `offset` behind every place where the marker stands. */
static void flip(const place *p, const char *marker, size_t offset) {
  char path[128];
  size_t len, marker_len = strlen(marker), flips = 0;
  data_path(p, path, sizeof path);
  char *bytes = read_file(path, &len);
  int fd = open(path, O_WRONLY);
  for (char *at = bytes; (at = memmem(at, len - (size_t)(at - bytes), marker, marker_len)); at++, flips++) {
    char c = (char)(at[offset] ^ 0x10);
    assert_int_equal(pwrite(fd, &c, 1, at - bytes + (off_t)offset), 1);
  }
  assert_true(flips > 0);
  close(fd);
  free(bytes);
}

static void a_flipped_bit_is_corruption_for_that_row_and_no_other(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "a", "left");
  put(store, FSM_T_IDS, "b", "MARKER-of-the-value");
  put(store, FSM_T_IDS, "c", "right");
  round_at(store, 1);
  fsm__store_close(store);
  flip(*state, "MARKER-of-the-value", 9);
  store = open_new(*state);
  const void *value;
  size_t len;
  fsm_error err;
  assert_int_equal(fsm__store_get(store, FSM_T_IDS, "b", 1, &value, &len, &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "ids/62");
  has(store, FSM_T_IDS, "a", "left");
  has(store, FSM_T_IDS, "c", "right");
  fsm__range range;
  fsm__row row;
  bool found;
  fsm__range_open(&range, store, FSM_T_IDS, "", 0);
  assert_int_equal(fsm__range_next(&range, &row, &found, &err), FSM_OK);
  assert_int_equal(fsm__range_next(&range, &row, &found, &err), FSM_ECORRUPT);
  assert_false(found);
  assert_int_equal(fsm__range_next(&range, &row, &found, &err), FSM_OK);
  assert_true(found);
  assert_memory_equal(row.value, "right", 5);
  fsm__range_close(&range);
  put(store, FSM_T_IDS, "b", "rewritten");
  ranges(store, FSM_T_IDS, "", "a b c");
  fsm__store_close(store);
}

static void a_flipped_bit_in_a_key_or_a_checksum_is_corruption_too(void **state) {
  for (size_t where = 0; where < 2; where++) {
    fsm__store *store = open_new(*state);
    put(store, FSM_T_IDS, "KEYMARKER", "VALUEMARKER");
    round_at(store, where + 1);
    fsm__store_close(store);
    flip(*state, where ? "VALUEMARKER" : "KEYMARKER", where ? strlen("VALUEMARKER") + 1 : 8);
    store = open_new(*state);
    fsm__range range;
    fsm__row row;
    bool found;
    fsm__range_open(&range, store, FSM_T_IDS, "", 0);
    assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_ECORRUPT);
    fsm__range_close(&range);
    fsm__snapshot_reader *reader;
    uint64_t applied;
    assert_int_equal(fsm__store_snapshot(store, &reader, &applied, NULL), FSM_OK);
    assert_int_equal(fsm__snapshot_next(reader, FSM_T_IDS, &row, &found, NULL), FSM_ECORRUPT);
    fsm__snapshot_close(reader);
    fsm__store_close(store);
    remove_dir(((place *)*state)->dir);
  }
}

/* The two bytes before a key are its length in LMDB's page. */
static void a_key_longer_than_any_row_has_is_corruption_and_ends_the_range(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "KEYMARKER", "value");
  round_at(store, 1);
  fsm__store_close(store);
  flip(*state, "KEYMARKER", (size_t)-1);
  store = open_new(*state);
  fsm__range range;
  fsm__row row;
  bool found;
  fsm_error err;
  fsm__range_open(&range, store, FSM_T_IDS, "", 0);
  assert_int_equal(fsm__range_next(&range, &row, &found, &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "ids");
  assert_string_equal(err.text, "a damaged page has a key of 4105 bytes");
  assert_int_equal(fsm__range_next(&range, &row, &found, &err), FSM_OK);
  assert_false(found);
  fsm__range_close(&range);
  fsm__store_close(store);
}

static void a_damaged_applied_position_refuses_to_open(void **state) {
  fsm__store *store = open_new(*state);
  round_at(store, 1);
  fsm__store_close(store);
  flip(*state, "applied", 9);
  fsm__store_options options = options_of(*state);
  fsm_error err;
  assert_int_equal(fsm__store_open(&options, &store, &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "applied");
}

/* ---- versions: written behind the store's back, with a good checksum ---- */

static void another_format_is_refused_by_name_and_not_touched(void **state) {
  fsm__store_close(open_new(*state));
  store_format_write(((place *)*state)->dir, FSM_STORE_FORMAT); /* the writer of this test is right */
  fsm__store_close(open_new(*state));
  static const struct {
    uint32_t format;
    const char *found, *advice;
  } others[] = {{1, "format 1,", "fsm-cli db rebuild"}, {770, "format 770,", "newer program"}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    store_format_write(((place *)*state)->dir, others[i].format);
    fsm__hash before = digest_of(*state);
    fsm__store_options options = options_of(*state);
    fsm__store *store;
    for (int read_only = 0; read_only < 2; read_only++) {
      options.read_only = read_only;
      fsm_error err;
      assert_int_equal(fsm__store_open(&options, &store, &err), FSM_EVERSION);
      assert_non_null(strstr(err.text, others[i].found));
      assert_non_null(strstr(err.text, "format 2"));
      assert_non_null(strstr(err.text, others[i].advice));
      unchanged(*state, before);
      options.new_store_id = NULL;
    }
  }
}

/* ---- no room ---- */

static const char *numbered(char key[16], int i) {
  snprintf(key, 16, "k%06d", i);
  return key;
}

static void fill(fsm__store *store, int rows) {
  static const char value[500] = {'v'};
  char key[16];
  for (int i = 0; i < rows; i++) fsm__store_put(store, FSM_T_IDS, numbered(key, i), 7, value, sizeof value);
}

static void whole(fsm__store *store, int rows) {
  fsm__range range;
  fsm__row row;
  bool found = true;
  int count = -1;
  char key[16];
  fsm__range_open(&range, store, FSM_T_IDS, "", 0);
  for (; found; count++) {
    assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
    if (found) assert_memory_equal(row.key, numbered(key, count + 1), 7);
  }
  fsm__range_close(&range);
  assert_int_equal(count, rows);
}

static void a_full_map_keeps_the_overlay_until_the_map_grows(void **state) {
  enum { ROWS = 4000 };
  fsm__store_options options = options_of(*state);
  options.map_bytes = 256 * 1024;
  fsm__store *store = open_with(&options);
  fsm_error err;
  fsm__hash leaf = leaf_of(9);
  fill(store, ROWS);
  size_t pending = fsm__store_pending_bytes(store);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fsm__store_round(store, 9, &leaf, &err), FSM_EFULL);
    assert_int_equal(fsm__store_pending_bytes(store), pending);
    assert_int_equal(fsm__store_fault(store, NULL), FSM_OK);
    assert_int_equal(fsm__store_applied(store, NULL), 0);
    whole(store, ROWS);
  }
  fsm__snapshot_reader *reader;
  uint64_t applied;
  assert_int_equal(fsm__store_snapshot(store, &reader, &applied, NULL), FSM_OK);
  assert_int_equal(fsm__store_grow(store, (size_t)32 << 20, &err), FSM_EBUSY);
  fsm__snapshot_close(reader);
  assert_int_equal(fsm__store_grow(store, (size_t)32 << 20, &err), FSM_OK);
  assert_int_equal(fsm__store_grow(store, 1, &err), FSM_OK);
  round_at(store, 9);
  whole(store, ROWS);
  fsm__store_close(store);
  store = open_with(&options); /* with the small map again: what is there stays readable */
  whole(store, ROWS);
  put(store, FSM_T_KEYS, "more", "x");
  assert_int_equal(fsm__store_round(store, 10, &leaf, &err), FSM_EFULL);
  fsm__store_close(store);
  store = open_new(*state);
  assert_int_equal(fsm__store_applied(store, NULL), 9);
  put(store, FSM_T_KEYS, "more", "x");
  round_at(store, 10);
  fsm__store_close(store);
}

/* The file-size limit makes LMDB's write come back short, just as a disk that fills up. */
static void a_full_disk_keeps_the_overlay_until_there_is_room(void **state) {
  enum { ROWS = 4000 };
  fsm__store *store = open_new(*state);
  struct rlimit old, small;
  fsm_error err;
  fsm__hash leaf = leaf_of(4);
  fill(store, ROWS);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = old;
  small.rlim_cur = 512 * 1024;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  fsm_code first = fsm__store_round(store, 4, &leaf, &err), second = fsm__store_round(store, 4, &leaf, &err);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  assert_int_equal(first, FSM_EFULL);
  assert_int_equal(second, FSM_EFULL);
  whole(store, ROWS);
  assert_int_equal(fsm__store_applied(store, NULL), 0);
  round_at(store, 4);
  fsm__store_close(store);
  store = open_new(*state);
  whole(store, ROWS);
  fsm__store_close(store);
}

/* ---- snapshots from another thread ---- */

enum { SNAPSHOT_ROWS = 50, ROUNDS = 150 };

typedef struct watcher {
  fsm__store *store;
  atomic_bool stop;
  unsigned seen, wrong;
} watcher;

/* Every round writes its seq into all rows: a snapshot must show one seq throughout, its own. */
static bool consistent(fsm__store *store) {
  fsm__snapshot_reader *reader;
  fsm__row row;
  uint64_t applied, value;
  bool found = true, good = true;
  unsigned count = 0;
  if (fsm__store_snapshot(store, &reader, &applied, NULL)) return false;
  for (int t = 0; t < 2; t++) {
    for (found = true; found && good;) {
      good = fsm__snapshot_next(reader, t ? FSM_T_KEYS : FSM_T_IDS, &row, &found, NULL) == FSM_OK;
      if (!found) break;
      memcpy(&value, row.value, sizeof value);
      good = good && value == applied;
      count++;
    }
  }
  fsm__snapshot_close(reader);
  return good && count == 2 * SNAPSHOT_ROWS;
}

static void *watch(void *arg) {
  watcher *w = arg;
  while (!atomic_load(&w->stop)) {
    w->wrong += !consistent(w->store);
    w->seen++;
  }
  return NULL;
}

static void write_generation(fsm__store *store, uint64_t seq) {
  for (uint8_t i = 0; i < SNAPSHOT_ROWS; i++) {
    fsm__store_put(store, FSM_T_IDS, &i, 1, &seq, sizeof seq);
    fsm__store_put(store, FSM_T_KEYS, &i, 1, &seq, sizeof seq);
  }
  round_at(store, seq);
}

static void a_snapshot_of_another_thread_shows_exactly_one_round(void **state) {
  fsm__store_options options = options_of(*state);
  options.scratch = true;
  fsm__store *store = open_with(&options);
  watcher w = {.store = store};
  pthread_t thread;
  write_generation(store, 1);
  assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
  for (uint64_t seq = 2; seq < ROUNDS; seq++) write_generation(store, seq);
  atomic_store(&w.stop, true);
  pthread_join(thread, NULL);
  assert_true(consistent(store));
  assert_int_equal(w.wrong, 0);
  fsm__store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(rows_and_applied_position_survive_together_and_uncommitted_rows_do_not),
      TEST(an_empty_round_moves_the_position_alone),
      TEST(a_flipped_bit_is_corruption_for_that_row_and_no_other),
      TEST(a_flipped_bit_in_a_key_or_a_checksum_is_corruption_too),
      TEST(a_key_longer_than_any_row_has_is_corruption_and_ends_the_range),
      TEST(a_damaged_applied_position_refuses_to_open),
      TEST(a_killed_holder_leaves_its_rounds_and_no_lock),
      TEST(another_format_is_refused_by_name_and_not_touched),
      TEST(a_full_map_keeps_the_overlay_until_the_map_grows),
      TEST(a_full_disk_keeps_the_overlay_until_there_is_room),
      TEST(a_snapshot_of_another_thread_shows_exactly_one_round),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

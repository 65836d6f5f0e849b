/* Claims of runtime/applier.c: rounds run beside the owner, and what found no room is kept and tried again.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>

#include "runtime/applier.h"
#include "tests/store_scratch.h"

static void wake(void *arg) { sem_post(arg); }

static fsm__applier *applier_of(fsm__store *store, sem_t *woken) {
  fsm__applier *applier = NULL;
  assert_int_equal(sem_init(woken, 0, 0), 0);
  assert_int_equal(fsm__applier_new(store, wake, woken, &applier, NULL), FSM_OK);
  return applier;
}

static void fill(fsm__store *store, uint32_t from, uint32_t rows) {
  static const char value[500] = {'v'};
  for (uint32_t i = from; i < from + rows; i++)
    fsm__store_put(store, FSM_T_IDS, &i, sizeof i, value, sizeof value);
}

static unsigned rows_of(fsm__store *store) {
  fsm__range range;
  fsm__row row;
  bool found = true;
  unsigned count = 0;
  fsm__range_open(&range, store, FSM_T_IDS, NULL, 0);
  for (; found; count += found) assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  fsm__range_close(&range);
  return count;
}

static void freeze_at(fsm__store *store, uint64_t seq) {
  fsm__hash leaf = leaf_of(seq);
  fsm__store_publish(store, seq);
  assert_int_equal(fsm__store_freeze(store, seq, &leaf, NULL), FSM_OK);
}

/* One round to its end; what it came to. */
static fsm__applier_state run(fsm__applier *applier, sem_t *woken, fsm_error *err) {
  int64_t took_ns;
  fsm__applier_start(applier);
  assert_int_equal(sem_wait(woken), 0);
  fsm__applier_state state = fsm__applier_poll(applier, &took_ns, err);
  assert_int_equal(fsm__applier_poll(applier, &took_ns, err), FSM_APPLIER_IDLE);
  return state;
}

static void a_round_runs_while_the_owner_puts_and_reads(void **state) {
  fsm__store *store = open_new(*state);
  sem_t woken;
  fsm_error err;
  int64_t took_ns;
  fsm__applier *applier = applier_of(store, &woken);
  for (uint64_t seq = 1; seq <= 20; seq++) {
    fill(store, (uint32_t)seq * 100, 100);
    freeze_at(store, seq);
    fsm__applier_start(applier);
    fill(store, 100000 + (uint32_t)seq, 1);
    assert_int_equal(rows_of(store), seq * 101);
    fsm__applier_wait(applier);
    assert_int_equal(fsm__applier_poll(applier, &took_ns, &err), FSM_APPLIER_DONE);
    assert_int_equal(fsm__store_settle(store, NULL), FSM_OK);
    assert_int_equal(fsm__store_applied(store, NULL), seq);
    assert_int_equal(rows_of(store), seq * 101);
  }
  fsm__applier_free(applier);
  fsm__store_close(store);
}

static void a_full_map_is_told_apart_and_the_same_generation_fits_a_larger_one(void **state) {
  fsm__store_options options = options_of(*state);
  options.map_bytes = 256 * 1024;
  fsm__store *store = open_with(&options);
  sem_t woken;
  fsm_error err = {0};
  fsm__applier *applier = applier_of(store, &woken);
  fill(store, 0, 3000);
  freeze_at(store, 1);
  assert_int_equal(run(applier, &woken, &err), FSM_APPLIER_MAP_FULL);
  assert_int_equal(err.code, FSM_EFULL);
  fill(store, 3000, 10); /* the owner goes on */
  assert_int_equal(rows_of(store), 3010);
  fsm__applier_state ended = FSM_APPLIER_MAP_FULL;
  for (int i = 0; i < 6 && ended == FSM_APPLIER_MAP_FULL; i++) {
    assert_int_equal(fsm__store_grow_next(store, 0, &err), FSM_OK);
    ended = run(applier, &woken, &err);
  }
  assert_int_equal(ended, FSM_APPLIER_DONE);
  assert_int_equal(fsm__store_settle(store, NULL), FSM_OK);
  assert_int_equal(rows_of(store), 3010);
  fsm__applier_free(applier);
  fsm__store_close(store);
}

static void a_full_disk_keeps_the_generation_until_there_is_room(void **state) {
  fsm__store *store = open_new(*state);
  sem_t woken;
  fsm_error err = {0};
  struct rlimit old, small;
  fsm__applier *applier = applier_of(store, &woken);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = old;
  small.rlim_cur = 512 * 1024;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  fill(store, 0, 3000);
  freeze_at(store, 1);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  fsm__applier_state first = run(applier, &woken, &err), second = run(applier, &woken, &err);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  assert_int_equal(first, FSM_APPLIER_FULL);
  assert_int_equal(second, FSM_APPLIER_FULL);
  assert_int_equal(err.code, FSM_EFULL);
  assert_int_equal(rows_of(store), 3000);
  assert_int_equal(run(applier, &woken, &err), FSM_APPLIER_DONE);
  assert_int_equal(fsm__store_settle(store, NULL), FSM_OK);
  assert_int_equal(rows_of(store), 3000);
  fsm__applier_free(applier);
  fsm__store_close(store);
}

static void freeing_waits_for_the_round_that_runs(void **state) {
  fsm__store *store = open_new(*state);
  sem_t woken;
  fsm__applier *applier = applier_of(store, &woken);
  fill(store, 0, 3000);
  freeze_at(store, 1);
  fsm__applier_start(applier);
  fsm__applier_free(applier);
  fsm__applier_free(NULL);
  assert_int_equal(fsm__store_applied(store, NULL), 1);
  fsm__store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_round_runs_while_the_owner_puts_and_reads),
      TEST(a_full_map_is_told_apart_and_the_same_generation_fits_a_larger_one),
      TEST(a_full_disk_keeps_the_generation_until_there_is_room),
      TEST(freeing_waits_for_the_round_that_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

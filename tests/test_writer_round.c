/* test_writer_round.c: rounds beside the writer, as a program sees them: reads that are exact while rounds
 * run, a store that falls behind, what a restart finds. */
#include <signal.h>
#include <sys/resource.h>

#include "runtime_scene.h"

/* ---- reads while rounds run --------------------------------------------------------------------- */

typedef struct watcher {
  fixture *f;
  pthread_t thread;
  atomic_bool *stop;
  unsigned seen, wrong;
} watcher;

/* In a list of counters every command is one record, and one revision of its instance. */
static bool adds_up(fixture *f) {
  fsm_arena arena;
  fsm_value list;
  fsm_error err;
  fsm_query q = {.kind = FSM_QUERY_LIST};
  fsm_arena_init(&arena, 0);
  bool good = fsm_query_wait(f->runtime, &q, &arena, &list, &err) == FSM_OK;
  int64_t sum = 1; /* the deployment */
  const fsm_value *items = good ? fsm_map_get(&list, "items") : NULL;
  for (unsigned i = 0; good && i < items->len; i++) sum += fsm_map_get(&items->items[i], "rev")->i;
  good = good && sum == fsm_map_get(&list, "seq")->i;
  fsm_arena_free(&arena);
  return good;
}

static void *watch(void *arg) {
  watcher *w = arg;
  for (; !atomic_load(w->stop); w->seen++) w->wrong += !adds_up(w->f);
  return NULL;
}

static void lists_of_other_threads_add_up_to_the_seq_they_name_while_rounds_run(void **state) {
  enum { WATCHERS = 2 };
  fixture *f = *state;
  client clients[3];
  watcher watchers[WATCHERS];
  atomic_bool stop = false;
  fsm_runtime_options options = scene_options(f);
  options.round_ns = 2000000;
  options.round_bytes = 256 * 1024;
  scene_reopen(f, &options);
  clients_start(f, clients, 3, 1500, 100);
  for (int i = 0; i < WATCHERS; i++) {
    watchers[i] = (watcher){.f = f, .stop = &stop};
    assert_int_equal(pthread_create(&watchers[i].thread, NULL, watch, &watchers[i]), 0);
  }
  clients_join(f, clients, 3);
  atomic_store(&stop, true);
  for (int i = 0; i < WATCHERS; i++) {
    pthread_join(watchers[i].thread, NULL);
    assert_true(watchers[i].seen > 0);
    assert_int_equal(watchers[i].wrong, 0);
  }
  assert_true(adds_up(f));
  assert_verified(f);
}

static void what_was_answered_is_seen_by_the_next_read(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  for (int n = 1; n <= 200; n++) {
    fsm_answer answer = send_event(f, "i", "ADD", NULL);
    assert_code(&answer, FSM_OK);
    assert_int_equal(context_n(f, "i"), n);
  }
}

/* ---- a store that falls behind ------------------------------------------------------------------ */

static fsm_answer send_blob(fixture *f, const char *id, size_t len) {
  char *blob = fsm_arena_alloc(&f->arena, len + 1);
  memset(blob, 'b', len);
  blob[len] = '\0';
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_string(blob)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = "BIG";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  return sent(f, &command);
}

static int64_t health(fixture *f, const char *name) {
  fsm_value document = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return fsm_map_get(&document, name)->i;
}

/* The map is full and cannot grow, for a snapshot stands in it: the applier waits. */
static void a_store_that_is_behind_slows_down_then_pushes_back_and_catches_up(void **state) {
  enum { MOST = 400 };
  fixture *f = *state;
  char id[16];
  fsm_runtime_options options = scene_options(f);
  options.map_bytes = 256 * 1024;
  options.round_bytes = 64 * 1024;
  options.round_ns = 2000000;
  scene_reopen(f, &options);
  fsm__snapshot_reader *reader;
  uint64_t applied;
  assert_int_equal(fsm__store_snapshot(fsm__runtime_store(f->runtime), &reader, &applied, NULL), FSM_OK);
  fsm_answer answer = {.seq = 0};
  unsigned taken = 0;
  for (; taken < MOST; taken++) {
    snprintf(id, sizeof id, "i%u", taken);
    answer = start_counter(f, id);
    if (answer.error.code == FSM_OK) answer = send_blob(f, id, 10000);
    if (answer.error.code != FSM_OK) break;
  }
  assert_code(&answer, FSM_EBUSY);
  assert_non_null(strstr(answer.error.text, "behind"));
  assert_true(health(f, "lag") > 0);
  int64_t pending = health(f, "pending_bytes");
  assert_true(pending >= 1024 * 1024 && pending < 2 * 1024 * 1024); /* FSM_ROUND_HARD and what was applying */
  assert_int_equal(context_n(f, "i0"), 1);                          /* reads go on */
  fsm_command note = fsm_command_new(FSM_CMD_NOTE);
  note.instance = "i0";
  note.reason = "a repair";
  answer = sent(f, &note);
  assert_int_not_equal(answer.error.code, FSM_EBUSY); /* and so do repairs */
  fsm__snapshot_close(reader);
  for (int i = 0; i < 60000; i++) {
    answer = send_event(f, "i0", "ADD", NULL);
    if (answer.error.code != FSM_EBUSY) break;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 60000 && health(f, "lag") > 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  assert_int_equal(health(f, "lag"), 0);
  assert_int_equal(health(f, "views"), 0);
  for (unsigned i = 1; i < taken; i += 7) {
    snprintf(id, sizeof id, "i%u", i);
    assert_int_equal(context_n(f, id), 1);
  }
  assert_verified(f);
}

/* ---- a disk without room for a round ------------------------------------------------------------ */

static void file_limit(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The segments are smaller than the limit, the store grows over it. */
static void a_disk_too_full_for_a_round_refuses_work_reads_on_and_recovers(void **state) {
  enum { MOST = 3000, LIMIT = 3 * 1024 * 1024 };
  fixture *f = *state;
  char id[16];
  fsm_runtime_options options = scene_options(f);
  options.round_bytes = 256 * 1024;
  options.round_ns = 2000000;
  (void)signal(SIGXFSZ, SIG_IGN);
  scene_reopen(f, &options);
  file_limit(LIMIT);
  fsm_answer answer = {.seq = 0};
  unsigned taken = 0;
  for (; taken < MOST; taken++) {
    snprintf(id, sizeof id, "i%u", taken);
    fsm_command start = fsm_command_new(FSM_CMD_START);
    char label[FSM_LABEL_BYTES_MAX + 1];
    memset(label, 'l', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    fsm_pair labels[1] = {{fsm_string("label"), fsm_string(label)}};
    start.machine = "counter";
    start.instance = id;
    start.labels = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = labels};
    answer = sent(f, &start);
    if (answer.error.code == FSM_OK) answer = send_blob(f, id, 1000);
    if (answer.error.code != FSM_OK) break;
  }
  file_limit(RLIM_INFINITY); /* before anything may fail */
  assert_code(&answer, FSM_EFULL);
  assert_non_null(strstr(answer.error.text, "store"));
  assert_true(taken > 100);
  assert_int_equal(context_n(f, "i1"), 1);
  for (int i = 0; i < 60000; i++) {
    answer = send_event(f, "i1", "ADD", NULL);
    if (answer.error.code != FSM_EFULL) break;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  assert_code(&answer, FSM_OK);
  assert_int_equal(context_n(f, "i1"), 2);
  assert_verified(f);
}

static int teardown_without_limit(void **state) {
  file_limit(RLIM_INFINITY);
  return scene_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(lists_of_other_threads_add_up_to_the_seq_they_name_while_rounds_run),
      S(what_was_answered_is_seen_by_the_next_read),
      S(a_store_that_is_behind_slows_down_then_pushes_back_and_catches_up),
      cmocka_unit_test_setup_teardown(a_disk_too_full_for_a_round_refuses_work_reads_on_and_recovers,
                                      scene_setup, teardown_without_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

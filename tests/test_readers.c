/* Claims of runtime/readers.c: reads run beside the writer and beside one another. */
#include "runtime/readers.h"
#include "runtime_scene.h"

/* A read whose callback waits until it is let go. */
typedef struct held {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned inside, most, answered;
  bool open;
  pthread_t thread; /* of the last callback */
} held;

static void hold(void *arg, const fsm_value *document, const fsm_error *err) {
  held *h = arg;
  pthread_mutex_lock(&h->lock);
  h->thread = pthread_self();
  if (++h->inside > h->most) h->most = h->inside;
  pthread_cond_broadcast(&h->changed);
  while (!h->open) pthread_cond_wait(&h->changed, &h->lock);
  h->inside--;
  h->answered += err == NULL && fsm_map_get(document, "seq") != NULL;
  pthread_cond_broadcast(&h->changed);
  pthread_mutex_unlock(&h->lock);
}

static void await(held *h, const unsigned *count, unsigned wanted) {
  pthread_mutex_lock(&h->lock);
  while (*count < wanted) pthread_cond_wait(&h->changed, &h->lock);
  pthread_mutex_unlock(&h->lock);
}

static void let_go(held *h) {
  pthread_mutex_lock(&h->lock);
  h->open = true;
  pthread_cond_broadcast(&h->changed);
  pthread_mutex_unlock(&h->lock);
}

static void read_held(fixture *f, held *h) {
  fsm_query q = {.kind = FSM_QUERY_LIST};
  fsm_error err;
  if (fsm_read(f->runtime, &q, hold, h, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

static held fresh(void) {
  return (held){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static void reads_that_take_their_time_hold_up_no_command_and_no_other_reader(void **state) {
  fixture *f = *state;
  held h = fresh();
  fsm_runtime_options options = scene_options(f);
  options.reader_threads = 3;
  scene_reopen(f, &options);
  for (int i = 0; i < 5; i++) read_held(f, &h);
  await(&h, &h.inside, 3); /* all three threads are in a callback */
  fsm_answer answer = start_counter(f, "i");
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 50; i++) {
    answer = send_event(f, "i", "ADD", NULL);
    assert_code(&answer, FSM_OK);
  }
  assert_int_equal(context_n(f, "i"), 50); /* on this thread */
  let_go(&h);
  await(&h, &h.answered, 5);
  assert_int_equal(h.most, 3);
  assert_false(pthread_equal(h.thread, pthread_self()));
}

static void closing_answers_the_reads_that_were_taken(void **state) {
  fixture *f = *state;
  held h = fresh();
  h.open = true;
  for (int i = 0; i < 100; i++) read_held(f, &h);
  fixture_close(f);
  assert_int_equal(h.answered, 100);
  fixture_open(f);
}

static void reads_over_the_queue_are_pushed_back(void **state) {
  fixture *f = *state;
  held h = fresh();
  fsm_query q = {.kind = FSM_QUERY_LIST};
  fsm_error err;
  fsm_runtime_options options = scene_options(f);
  options.reader_threads = 1;
  options.queue_max = 4;
  scene_reopen(f, &options);
  read_held(f, &h);
  await(&h, &h.inside, 1);
  for (int i = 0; i < 4; i++) read_held(f, &h);
  assert_int_equal(fsm_read(f->runtime, &q, hold, &h, &err), FSM_EBUSY);
  let_go(&h);
  await(&h, &h.answered, 5);
}

/* One thread each: those who walk have theirs, and more wait for it; one row and how it does are answered. */
static void what_is_brief_is_answered_however_many_walk(void **state) {
  static const fsm_query_kind brief[] = {FSM_QUERY_HEALTH, FSM_QUERY_INSTANCE, FSM_QUERY_EVENTS};
  fixture *f = *state;
  held walks = fresh(), one = fresh();
  fsm_runtime_options options = scene_options(f);
  options.reader_threads = 1;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  for (int i = 0; i < 20; i++) read_held(f, &walks);
  await(&walks, &walks.inside, 1);
  one.open = true;
  for (unsigned i = 0; i < sizeof brief / sizeof *brief; i++) {
    fsm_query q = {.kind = brief[i], .ref = "i"};
    fsm_error err;
    const unsigned before = one.most;
    one.most = 0;
    assert_int_equal(fsm_read(f->runtime, &q, hold, &one, &err), FSM_OK);
    await(&one, &one.most, 1);
    assert_int_equal(before, i > 0);
  }
  assert_int_equal(walks.answered, 0);
  let_go(&walks);
  await(&walks, &walks.answered, 20);
}

static void as_many_reader_threads_as_the_limit_and_no_more(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.reader_threads = FSM_READER_THREADS_MAX;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  fixture_close(f);
  options.reader_threads = FSM_READER_THREADS_MAX + 1;
  fsm_error err;
  assert_int_equal(fsm_runtime_open(&options, &f->runtime, NULL, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "reader_threads");
  fixture_open(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(reads_that_take_their_time_hold_up_no_command_and_no_other_reader),
      S(closing_answers_the_reads_that_were_taken),
      S(reads_over_the_queue_are_pushed_back),
      S(what_is_brief_is_answered_however_many_walk),
      S(as_many_reader_threads_as_the_limit_and_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Claims of runtime/readers.c: reads run beside the writer and beside one another. */
#include "runtime/filter.h"
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

/* ---- who asks may go ------------------------------------------------------------------------------ */

typedef struct leaving {
  unsigned asked, stays; /* it is there for so many looks */
} leaving;

static bool gone(void *arg) {
  leaving *l = arg;
  return ++l->asked > l->stays;
}

/* 60 instances of one correlation, 10 records each, which all led to one another's. */
static void many(fixture *f) {
  fsm_answer answer = start_counter(f, "i-0");
  char id[80] = "mail";
  for (int i = 0; i < 60; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_START);
    command.machine = "counter";
    command.instance = fsm_arena_printf(&f->arena, "j-%d", i);
    command.correlation = "one";
    command.causation = id;
    answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
    for (int k = 0; k < 10; k++) {
      answer = send_event(f, i % 2 ? "i-0" : command.instance, "ADD", NULL);
      assert_code(&answer, FSM_OK);
    }
  }
}

/* As soon as it is told it ends: it does not ask again. What asks less than so often is answered whole. */
static void a_walk_ends_when_nobody_waits_for_it_any_more(void **state) {
  fixture *f = *state;
  fsm_filter *filter = NULL;
  many(f);
  atomic_fetch_add(&f->now_ns, 3600 * SECOND);
  assert_int_equal(fsm_filter_new(&filter, NULL), FSM_OK);
  assert_int_equal(fsm_filter_set(filter, "where", "context.n >= 0", NULL), FSM_OK);
  const fsm_query walks[] = {{.kind = FSM_QUERY_INSTANCE, .ref = "i-0", .as_of = "@600"},
                             {.kind = FSM_QUERY_HISTORY, .ref = "i-0"},
                             {.kind = FSM_QUERY_RECORDS},
                             {.kind = FSM_QUERY_RECORDS, .correlation = "one"},
                             {.kind = FSM_QUERY_CAUSE, .ref = "20", .down = true},
                             {.kind = FSM_QUERY_LIST},
                             {.kind = FSM_QUERY_LIST, .filter = filter},
                             {.kind = FSM_QUERY_GROUPS, .by = "state"},
                             {.kind = FSM_QUERY_STUCK},
                             {.kind = FSM_QUERY_SEARCH, .text = "nobody has this"},
                             {.kind = FSM_QUERY_STATS}};
  for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
    fsm_query q = walks[i];
    leaving l = {.stays = q.kind == FSM_QUERY_STATS ? 0 : 20}; /* which asks each 512 records */
    fsm_value out;
    fsm_error err = {.text = ""};
    q.gone = gone;
    q.gone_arg = &l;
    const fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &out, &err);
    if (code != FSM_ECLOSED || l.asked != l.stays + 1)
      fail_msg("walk %zu: %s after %u looks, %s", i, fsm_code_name(code), l.asked, err.text);
    assert_non_null(strstr(err.text, "who asked has gone"));
    l = (leaving){.stays = UINT32_MAX};
    q.limit = FSM_PAGE_MAX;
    assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_OK);
  }
  fsm_filter_free(filter);
}

static void what_waited_in_vain_is_not_begun(void **state) {
  fixture *f = *state;
  held h = fresh();
  leaving l = {.stays = 0};
  h.open = true;
  fsm_query q = {.kind = FSM_QUERY_LIST, .gone = gone, .gone_arg = &l};
  assert_int_equal(fsm_read(f->runtime, &q, hold, &h, NULL), FSM_OK);
  await(&h, &h.most, 1);
  fixture_close(f);
  assert_int_equal(h.answered, 0); /* it was told a fault */
  assert_int_equal(l.asked, 1);
  fixture_open(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(reads_that_take_their_time_hold_up_no_command_and_no_other_reader),
      S(closing_answers_the_reads_that_were_taken),
      S(reads_over_the_queue_are_pushed_back),
      S(what_is_brief_is_answered_however_many_walk),
      S(a_walk_ends_when_nobody_waits_for_it_any_more),
      S(what_waited_in_vain_is_not_begun),
      S(as_many_reader_threads_as_the_limit_and_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

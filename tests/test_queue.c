/* test_queue.c: the bound, the order, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/clock.h"
#include "runtime/queue.h"

enum { MAX = 8 };

static int setup(void **state) {
  fsm__queue *q = calloc(1, sizeof *q);
  *state = q;
  return q != NULL && fsm__queue_init(q, MAX, NULL) == FSM_OK ? 0 : -1;
}

static int teardown(void **state) {
  fsm__queue_free(*state);
  free(*state);
  return 0;
}

static fsm_code push(fsm__queue *q, uintptr_t mark) {
  fsm__job *job = fsm__queue_job(q);
  fsm_error err;
  assert_non_null(job);
  job->arg = (void *)mark;
  fsm_code code = fsm__queue_push(q, job, job, 1, &err);
  if (code != FSM_OK) fsm__queue_recycle(q, job);
  return code;
}

static uintptr_t mark_of(const fsm__job *job) { return (uintptr_t)job->arg; }

static void the_bound_holds_and_gives_way_when_jobs_are_taken(void **state) {
  fsm__queue *q = *state;
  for (uintptr_t i = 0; i < MAX; i++) assert_int_equal(push(q, i), FSM_OK);
  assert_int_equal(push(q, MAX), FSM_EBUSY);
  assert_int_equal(fsm__queue_count(q), MAX);
  fsm__queue_recycle_all(q, fsm__queue_take(q, 1, 0));
  assert_int_equal(push(q, MAX), FSM_OK);
  assert_int_equal(push(q, MAX), FSM_EBUSY);
}

static void jobs_come_out_in_the_order_they_went_in_and_no_more_than_asked(void **state) {
  fsm__queue *q = *state;
  for (uintptr_t i = 0; i < 5; i++) assert_int_equal(push(q, i), FSM_OK);
  fsm__job *jobs = fsm__queue_take(q, 3, 0);
  assert_int_equal(mark_of(jobs), 0);
  assert_int_equal(mark_of(jobs->next), 1);
  assert_int_equal(mark_of(jobs->next->next), 2);
  assert_null(jobs->next->next->next);
  fsm__queue_recycle_all(q, jobs);
  assert_int_equal(push(q, 5), FSM_OK);
  jobs = fsm__queue_take(q, 100, 0);
  assert_int_equal(mark_of(jobs), 3);
  assert_int_equal(mark_of(jobs->next->next), 5);
  fsm__queue_recycle_all(q, jobs);
  assert_null(fsm__queue_take(q, 1, 0));
}

static fsm_code push_list(fsm__queue *q, uintptr_t from, size_t count, fsm_error *err) {
  fsm__job *first = NULL, *last = NULL;
  for (size_t i = 0; i < count; i++) {
    fsm__job *job = fsm__queue_job(q);
    assert_non_null(job);
    job->arg = (void *)(from + i);
    if (last != NULL) last->next = job;
    if (first == NULL) first = job;
    last = job;
  }
  fsm_code code = fsm__queue_push(q, first, last, count, err);
  for (fsm__job *job = first; code != FSM_OK && job != NULL; job = first) {
    first = job->next;
    fsm__queue_recycle(q, job);
  }
  return code;
}

static void a_list_goes_in_whole_at_the_bound_and_not_at_all_past_it(void **state) {
  fsm__queue *q = *state;
  fsm_error err = {.text = ""};
  assert_int_equal(push_list(q, 0, MAX + 1, &err), FSM_EBUSY);
  assert_int_equal(fsm__queue_count(q), 0);
  assert_int_equal(push(q, 0), FSM_OK);
  assert_int_equal(push_list(q, 1, MAX, &err), FSM_EBUSY);
  assert_non_null(strstr(err.text, "1 of at most 8 "));
  assert_int_equal(fsm__queue_count(q), 1);
  assert_int_equal(push_list(q, 1, MAX - 1, NULL), FSM_OK);
  assert_int_equal(push_list(q, MAX, 1, NULL), FSM_EBUSY);
  fsm__job *jobs = fsm__queue_take(q, MAX, 0);
  uintptr_t next = 0;
  for (const fsm__job *job = jobs; job != NULL; job = job->next) assert_int_equal(mark_of(job), next++);
  assert_int_equal(next, MAX);
  fsm__queue_recycle_all(q, jobs);
  fsm__queue_close(q);
  assert_int_equal(push_list(q, 0, 2, NULL), FSM_ECLOSED);
}

static void a_closed_queue_takes_nothing_and_gives_what_it_has(void **state) {
  fsm__queue *q = *state;
  assert_int_equal(push(q, 1), FSM_OK);
  fsm__queue_close(q);
  assert_int_equal(push(q, 2), FSM_ECLOSED);
  assert_false(fsm__queue_closed(q));
  fsm__job *jobs = fsm__queue_take(q, 10, (int64_t)3600 * 1000000000); /* does not wait */
  assert_int_equal(mark_of(jobs), 1);
  fsm__queue_recycle_all(q, jobs);
  assert_true(fsm__queue_closed(q));
  assert_null(fsm__queue_take(q, 10, (int64_t)3600 * 1000000000));
}

static fsm_code push_dry(fsm__queue *q, uintptr_t from, size_t count, fsm_error *err) {
  fsm__job *first = NULL, **end = &first, *last = NULL;
  for (size_t i = 0; i < count; i++) {
    last = *end = fsm__queue_job(q);
    assert_non_null(last);
    last->arg = (void *)(from + i);
    last->command.dry_run = true;
    end = &last->next;
  }
  fsm_code code = fsm__queue_push(q, first, last, count, err);
  if (code != FSM_OK) fsm__queue_recycle_all(q, first);
  return code;
}

static void dry_runs_wait_behind_what_does_something(void **state) {
  fsm__queue *q = *state;
  assert_int_equal(push_dry(q, 10, 3, NULL), FSM_OK);
  assert_int_equal(push(q, 1), FSM_OK);
  assert_int_equal(push(q, 2), FSM_OK);
  assert_int_equal(fsm__queue_count(q), 5);
  static const uintptr_t order[] = {1, 2, 10, 11};
  fsm__job *jobs = fsm__queue_take(q, 4, 0);
  size_t n = 0;
  for (const fsm__job *job = jobs; job != NULL; job = job->next) assert_int_equal(mark_of(job), order[n++]);
  assert_int_equal(n, 4);
  fsm__queue_recycle_all(q, jobs);
  fsm__queue_close(q);
  assert_false(fsm__queue_closed(q)); /* one is left */
  jobs = fsm__queue_take(q, 4, 0);
  assert_int_equal(mark_of(jobs), 12);
  fsm__queue_recycle_all(q, jobs);
  assert_true(fsm__queue_closed(q));
}

static void dry_runs_have_half_of_the_room_and_are_not_left_out(void **state) {
  (void)state;
  enum { ROOM = 1024 };
  fsm__queue q;
  fsm_error err = {.text = ""};
  assert_int_equal(fsm__queue_init(&q, ROOM, NULL), FSM_OK);
  assert_int_equal(push_dry(&q, 0, 600, NULL), FSM_OK); /* the first list, whatever its length */
  assert_int_equal(push_dry(&q, 0, 1, &err), FSM_EBUSY);
  assert_non_null(strstr(err.text, "600 of at most 512 dry runs"));
  fsm__queue_recycle_all(&q, fsm__queue_take(&q, FSM_QUEUE_DRY, 0));
  for (size_t left = 600 - FSM_QUEUE_DRY; left >= 512; left -= FSM_QUEUE_DRY) {
    assert_int_equal(fsm__queue_count(&q), left);
    fsm__queue_recycle_all(&q, fsm__queue_take(&q, ROOM, 0)); /* so many at a time */
  }
  assert_int_equal(push_dry(&q, 0, 512 - fsm__queue_count(&q), NULL), FSM_OK);
  assert_int_equal(push_list(&q, 0, 512, NULL), FSM_OK); /* commands have all of the rest */
  fsm__job *jobs = fsm__queue_take(&q, 160, 0);
  size_t dry = 0, all = 0;
  for (const fsm__job *job = jobs; job != NULL; job = job->next, all++) dry += job->command.dry_run;
  assert_int_equal(all, 160);
  assert_int_equal(dry, 10);
  fsm__queue_recycle_all(&q, jobs);
  fsm__queue_free(&q);
}

static void a_recycled_job_is_empty_and_keeps_its_arena(void **state) {
  fsm__queue *q = *state;
  fsm__job *job = fsm__queue_job(q);
  assert_non_null(fsm_arena_alloc(&job->arena, 1000));
  job->arg = job;
  job->command.kind = FSM_CMD_SEND;
  fsm__queue_recycle(q, job);
  fsm__job *again = fsm__queue_job(q);
  assert_ptr_equal(again, job);
  assert_null(again->arg);
  assert_int_equal(fsm_arena_used(&again->arena), 0);
  fsm__queue_recycle(q, again);
}

static void what_still_waits_is_freed_with_the_queue(void **state) {
  fsm__queue *q = *state;
  for (uintptr_t i = 0; i < 3; i++) assert_int_equal(push(q, i), FSM_OK); /* the leak checker looks */
}

static void what_goes_first_is_taken_first(void **state) {
  fsm__queue *q = *state;
  for (uintptr_t i = 1; i < 3; i++) {
    fsm__job *job = fsm__queue_job(q);
    assert_non_null(job);
    job->arg = (void *)(2 - i);
    assert_int_equal(fsm__queue_push_first(q, job, NULL), FSM_OK); /* 1, then 0 in front of it */
  }
  assert_int_equal(push(q, 2), FSM_OK); /* behind both */
  fsm__job *jobs = fsm__queue_take(q, 9, 0);
  uintptr_t got = 0;
  for (const fsm__job *job = jobs; job != NULL; job = job->next) assert_int_equal(mark_of(job), got++);
  assert_int_equal(got, 3);
  fsm__queue_recycle_all(q, jobs);
}

typedef struct taker {
  fsm__queue *queue;
  size_t got;
} taker;

static void *take_one(void *arg) {
  taker *t = arg;
  fsm__job *jobs = fsm__queue_take(t->queue, 1, (int64_t)20 * 1000000000);
  t->got = jobs != NULL;
  fsm__queue_recycle_all(t->queue, jobs);
  return NULL;
}

static unsigned waiting_in(fsm__queue *q) {
  pthread_mutex_lock(&q->lock);
  unsigned waiting = q->waiting;
  pthread_mutex_unlock(&q->lock);
  return waiting;
}

static void what_a_holder_pushes_wakes_as_many_as_it_takes_when_it_goes(void **state) {
  fsm__queue *q = *state;
  enum { TAKERS = 3 };
  pthread_t threads[TAKERS];
  taker takers[TAKERS];
  const struct timespec moment = {.tv_nsec = 1000000};
  for (int i = 0; i < TAKERS; i++) {
    takers[i] = (taker){.queue = q};
    assert_int_equal(pthread_create(&threads[i], NULL, take_one, &takers[i]), 0);
  }
  while (waiting_in(q) < TAKERS) nanosleep(&moment, NULL);
  fsm__queue_hold(q);
  for (uintptr_t i = 0; i < TAKERS; i++) assert_int_equal(push(q, i), FSM_OK);
  nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
  assert_int_equal(waiting_in(q), TAKERS);
  assert_int_equal(fsm__queue_count(q), TAKERS);
  fsm__queue_go(q);
  for (int i = 0; i < TAKERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < TAKERS; i++) assert_int_equal(takers[i].got, 1);
}

static void *wake(void *arg) {
  fsm__queue_wake(arg);
  return NULL;
}

static void a_wake_up_ends_the_waiting(void **state) {
  fsm__queue *q = *state;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, wake, q), 0);
  assert_null(fsm__queue_take(q, 1, (int64_t)3600 * 1000000000));
  pthread_join(thread, NULL);
  assert_null(fsm__queue_take(q, 1, 1)); /* one wake-up, one waiting */
}

static void a_wait_without_jobs_ends_by_itself(void **state) {
  int64_t before = fsm__monotonic_ns();
  assert_null(fsm__queue_take(*state, 1, 2000000));
  assert_true(fsm__monotonic_ns() - before >= 2000000);
}

/* ---- two producers ------------------------------------------------------------------------------ */

enum { EACH = 20000 };

typedef struct producer {
  fsm__queue *queue;
  uintptr_t id;
} producer;

static void *produce(void *arg) {
  const producer *p = arg;
  for (uintptr_t i = 0; i < EACH;) {
    fsm__job *job = fsm__queue_job(p->queue);
    if (job == NULL) abort();
    job->arg = (void *)(p->id * EACH + i);
    if (fsm__queue_push(p->queue, job, job, 1, NULL) == FSM_OK) {
      i++;
    } else {
      fsm__queue_recycle(p->queue, job);
      nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    }
  }
  return NULL;
}

static void each_producer_sees_its_own_order_kept(void **state) {
  fsm__queue *q = *state;
  producer producers[2] = {{q, 0}, {q, 1}};
  pthread_t threads[2];
  uintptr_t next[2] = {0, EACH};
  unsigned taken = 0;
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
  while (taken < 2 * EACH) {
    fsm__job *jobs = fsm__queue_take(q, 3, 1000000000);
    for (fsm__job *job = jobs; job != NULL; job = job->next, taken++)
      assert_int_equal(mark_of(job), next[mark_of(job) / EACH]++);
    fsm__queue_recycle_all(q, jobs);
  }
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  assert_int_equal(fsm__queue_count(q), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(the_bound_holds_and_gives_way_when_jobs_are_taken),
      T(jobs_come_out_in_the_order_they_went_in_and_no_more_than_asked),
      T(a_list_goes_in_whole_at_the_bound_and_not_at_all_past_it),
      T(a_closed_queue_takes_nothing_and_gives_what_it_has),
      T(a_recycled_job_is_empty_and_keeps_its_arena),
      T(what_goes_first_is_taken_first),
      T(dry_runs_wait_behind_what_does_something),
      T(dry_runs_have_half_of_the_room_and_are_not_left_out),
      T(what_a_holder_pushes_wakes_as_many_as_it_takes_when_it_goes),
      T(what_still_waits_is_freed_with_the_queue),
      T(a_wake_up_ends_the_waiting),
      T(a_wait_without_jobs_ends_by_itself),
      T(each_producer_sees_its_own_order_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_writer.c: the writer under clocks and loads: time, batches, rotation, the queue; what is offered
 * again. */
#include "tests/writer_gate.h"

/* ---- time --------------------------------------------------------------------------------------- */

typedef struct clocks {
  unsigned held, records;
  int64_t last_ns;
} clocks;

static void note_clock(void *arg, const fsm_record *record) {
  clocks *c = arg;
  c->records++;
  c->held += record->clock;
  if (c->records > 1) assert_true(record->time_ns > c->last_ns);
  c->last_ns = record->time_ns;
}

static void a_clock_that_goes_back_is_held_and_flagged(void **state) {
  fixture *f = *state;
  fsm_answer answer = start_counter(f, "i");
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 3; i++) (void)send_event(f, "i", "ADD", NULL);
  clocks before = {0}, behind = {0}, after = {0};
  (void)journal_walk(f, note_clock, &before);
  assert_int_equal(before.held, 0);
  int64_t highest = before.last_ns;
  atomic_fetch_sub(&f->now_ns, 3600 * SECOND);
  for (int i = 0; i < 3; i++) (void)send_event(f, "i", "ADD", NULL);
  fixture_reopen(f); /* the time of the journal counts, not that of the process */
  for (int i = 0; i < 2; i++) (void)send_event(f, "i", "ADD", NULL);
  (void)journal_walk(f, note_clock, &behind);
  assert_int_equal(behind.held, 5);
  assert_true(behind.last_ns > highest && behind.last_ns < highest + SECOND);
  atomic_fetch_add(&f->now_ns, 7200 * SECOND);
  (void)send_event(f, "i", "ADD", NULL);
  (void)journal_walk(f, note_clock, &after);
  assert_int_equal(after.held, 5);
  assert_true(after.last_ns >= atomic_load(&f->now_ns));
  assert_verified(f);
}

/* ---- load --------------------------------------------------------------------------------------- */

static uint64_t rotations(fixture *f) {
  fsm__journal_stats stats;
  fsm__journal_stats_get(fsm__runtime_journal(f->runtime), &stats);
  return stats.rotations;
}

static void commands_larger_together_than_a_batch_are_split_and_all_answered(void **state) {
  fixture *f = *state;
  client clients[4];
  fsm_runtime_options options = scene_options(f);
  options.round_bytes = 4 * 1024 * 1024;
  scene_reopen(f, &options);
  clients_start(f, clients, 4, 60, 60 * 1024); /* 14 MiB in turns of up to 240 */
  clients_join(f, clients, 4);
  assert_true(rotations(f) >= 7);
  assert_int_equal(journal_walk(f, NULL, NULL), 1 + 4 * 61);
  assert_verified(f);
  fixture_reopen(f);
  assert_int_equal(context_n(f, "c3"), 60);
  assert_verified(f);
}

static void segments_turn_over_under_load(void **state) {
  fixture *f = *state;
  client clients[3];
  fsm_runtime_options options = scene_options(f);
  options.queue_max = 64; /* so that clients are pushed back, too */
  options.round_ns = 2000000;
  scene_reopen(f, &options);
  clients_start(f, clients, 3, 2500, 700);
  clients_join(f, clients, 3);
  assert_true(rotations(f) >= 2);
  assert_int_equal(journal_walk(f, NULL, NULL), 1 + 3 * 2501);
  assert_verified(f);
}

/* ---- the queue, from outside -------------------------------------------------------------------- */

static void a_full_queue_pushes_back_and_loses_nothing(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.queue_max = 10;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  gate g;
  tally t = {.all = 0};
  fsm_error err = {.text = ""};
  gate_shut(f, &g);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "ADD";
  for (int i = 0; i < 10; i++)
    assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, &err), FSM_OK);
  assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, &err), FSM_EBUSY);
  assert_non_null(strstr(err.text, "10"));
  gate_open(&g);
  tally_await(&t, 10);
  assert_int_equal(atomic_load(&t.codes[FSM_OK]), 10);
  assert_int_equal(context_n(f, "i"), 11);
}

static void closing_answers_what_was_taken(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  gate g;
  tally t = {.all = 0};
  gate_shut(f, &g);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "ADD";
  for (int i = 0; i < 2000; i++)
    assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, NULL), FSM_OK);
  gate_open(&g);
  fixture_close(f);
  assert_int_equal(atomic_load(&t.codes[FSM_OK]), 2000);
  fixture_open(f);
  assert_int_equal(context_n(f, "i"), 2001);
}

typedef struct durability {
  _Atomic uint64_t seq;
  _Atomic unsigned backwards;
} durability;

static void note_durable(void *arg, uint64_t seq) {
  durability *d = arg;
  if (seq < atomic_load(&d->seq)) atomic_fetch_add(&d->backwards, 1);
  atomic_store(&d->seq, seq);
}

static void nothing_is_answered_before_it_is_told_durable(void **state) {
  fixture *f = *state;
  durability d = {.seq = 0};
  fsm_runtime_options options = scene_options(f);
  options.durable = note_durable;
  options.durable_arg = &d;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  for (int i = 0; i < 50; i++) {
    fsm_answer answer = send_event(f, "i", "ADD", NULL);
    assert_true(answer.seq <= atomic_load(&d.seq));
  }
  assert_int_equal(atomic_load(&d.backwards), 0);
  fixture_close(f);
  fixture_open(f);
}

/* ---- what is offered again ---------------------------------------------------------------------- */

static void a_back_off_is_kept_whatever_is_offered_again(void **state) {
  static const char RETRIED[] =
      "{\"id\":\"retried\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
      "\"svc\",\"meta\":{\"fsm\":{\"attempts\":2,\"backoff\":\"1h\"}},\"onDone\":\"ok\",\"onError\":\"ok\"}},"
      "\"ok\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, RETRIED, strlen(RETRIED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "retried", "r", NULL, NULL);
  await_offers(f, 1);
  uint8_t token[16];
  memcpy(token, f->offered[0].token, 16);
  (void)task(f, FSM_CMD_TASK_STARTED, token, 1, false, NULL);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 1, false, "{\"message\":\"later\"}");
  assert_code(&answer, FSM_OK);
  (void)task(f, FSM_CMD_TASK_UNDELIVERED, token, 0, false, NULL); /* would be offered in half a second */
  nanosleep(&(struct timespec){.tv_nsec = 800000000}, NULL);
  (void)query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(f->offered_count, 1);
  atomic_fetch_add(&f->now_ns, 3601 * SECOND);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_clock_that_goes_back_is_held_and_flagged),
      S(commands_larger_together_than_a_batch_are_split_and_all_answered),
      S(segments_turn_over_under_load),
      S(a_full_queue_pushes_back_and_loses_nothing),
      S(closing_answers_what_was_taken),
      S(nothing_is_answered_before_it_is_told_durable),
      S(a_back_off_is_kept_whatever_is_offered_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_outbox.c: the journal to a sink that the test plays: order, window, refusals, restarts. */
#include "runtime/outbox.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "filled_journal.h"
#include "tests/wait_for.h"

enum { STORED_MAX = 20000 };

/* The other side: what it has stored, in order, and how it behaves. */
typedef struct fake {
  fsm__sink sink; /* first */
  pthread_mutex_t lock;
  uint64_t stored[STORED_MAX]; /* seqs */
  uint32_t epochs[STORED_MAX]; /* of them */
  size_t stored_count;
  uint64_t life;
  unsigned prepares, publishes;
  bool away, silent, broken; /* no preparing; no answers; nothing stored and refused */
  unsigned refuse;           /* so many of the next ones */
  unsigned busy;             /* so many are not even taken */
  uint64_t tickets[STORED_MAX];
} fake;

static filled_journal filled;
static fake other;
static fsm__outbox *outbox;

static fsm_code fake_prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                             fsm_error *err) {
  fake *f = (fake *)sink;
  (void)view;
  pthread_mutex_lock(&f->lock);
  f->prepares++;
  bool away = f->away;
  if (!away) {
    cursor->seq = f->stored_count > 0 ? f->stored[f->stored_count - 1] : 0;
    cursor->stream_seq = f->stored_count;
  }
  pthread_mutex_unlock(&f->lock);
  return away ? fsm_fail(err, FSM_EUNREACHABLE, "fake", "it is away") : FSM_OK;
}

/* Stores a record only behind its predecessor, as an expected sequence makes a stream do. */
static fsm_code fake_publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  fake *f = (fake *)sink;
  pthread_mutex_lock(&f->lock);
  bool busy = f->busy > 0;
  if (busy) f->busy--;
  if (busy) pthread_mutex_unlock(&f->lock);
  if (busy) return fsm_fail(err, FSM_EBUSY, "fake", "one before it was refused");
  f->tickets[f->publishes++] = record->ticket;
  uint64_t last = f->stored_count > 0 ? f->stored[f->stored_count - 1] : 0;
  bool refused = f->broken || f->refuse > 0 || record->out.seq != last + 1;
  if (f->refuse > 0) f->refuse--;
  if (!refused) {
    f->epochs[f->stored_count] = record->out.origin.epoch;
    f->stored[f->stored_count++] = record->out.seq;
  }
  uint64_t position = f->stored_count;
  bool silent = f->silent;
  pthread_mutex_unlock(&f->lock);
  if (!silent) sink->ack(sink->ack_arg, record->ticket, refused ? FSM_EBUSY : FSM_OK, position, "not now");
  return FSM_OK;
}

static uint64_t fake_life(fsm__sink *sink) {
  fake *f = (fake *)sink;
  pthread_mutex_lock(&f->lock);
  uint64_t life = f->life;
  pthread_mutex_unlock(&f->lock);
  return life;
}

static int up(void **state) {
  (void)state;
  memset(&other, 0, sizeof other);
  pthread_mutex_init(&other.lock, NULL);
  other.sink =
      (fsm__sink){.name = "fake", .prepare = fake_prepare, .publish = fake_publish, .life = fake_life};
  outbox = NULL;
  return filled_journal_new(&filled, 0x5a) ? 0 : -1;
}

static int down(void **state) {
  (void)state;
  fsm__outbox_free(outbox);
  filled_journal_free(&filled);
  return 0;
}

static void start(void) {
  fsm__outbox_options options = {
      .dir = filled.dir, .journal = filled.journal, .origin = filled.origin, .sink = &other.sink};
  fsm_error err = {0};
  if (fsm__outbox_start(&options, &outbox, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

static void stop(void) {
  fsm__outbox_free(outbox);
  outbox = NULL;
}

static fsm__outbox_status status(void) {
  fsm__outbox_status s;
  fsm__outbox_status_get(outbox, &s);
  return s;
}

#define LOCKED(statement)              \
  do {                                 \
    pthread_mutex_lock(&other.lock);   \
    statement;                         \
    pthread_mutex_unlock(&other.lock); \
  } while (0)

static unsigned published(void) {
  unsigned n;
  LOCKED(n = other.publishes);
  return n;
}

static void assert_stored(uint64_t count) {
  LOCKED(size_t n = other.stored_count; assert_int_equal(n, count));
  for (uint64_t i = 0; i < count; i++) assert_true(other.stored[i] == i + 1);
}

static fsm__cursor saved_cursor(void) {
  fsm__cursor cursors[FSM_CURSORS_MAX];
  size_t count = 0;
  assert_int_equal(fsm__cursors_load(filled.dir, cursors, &count, NULL), FSM_OK);
  assert_int_equal(count, 1);
  return cursors[0];
}

static void every_record_is_published_once_and_in_order(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 3000, "x"));
  start();
  WAIT_FOR(status().seq == 3000);
  assert_stored(3000);
  assert_int_equal(published(), 3000);
  assert_true(status().published == 3000);
  assert_true(status().retries == 0);
}

static void records_that_come_later_are_published_when_woken(void **state) {
  (void)state;
  start();
  for (uint64_t n = 1; n <= 20; n++) {
    assert_true(filled_journal_add(&filled, 1, "x"));
    fsm__outbox_wake(outbox);
    WAIT_FOR(status().seq == n);
  }
  assert_stored(20);
}

static void at_most_a_window_is_open(void **state) {
  (void)state;
  other.silent = true;
  assert_true(filled_journal_add(&filled, 400, "x"));
  start();
  WAIT_FOR(published() == FSM_OUTBOX_WINDOW);
  for (int i = 0; i < 20; i++) {
    fsm__outbox_wake(outbox);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  assert_int_equal(published(), FSM_OUTBOX_WINDOW);
  assert_true(status().seq == 0);
}

static void at_most_a_window_of_bytes_is_open(void **state) {
  (void)state;
  enum { LARGE = 200000 };
  other.silent = true;
  char *text = malloc(LARGE + 1);
  memset(text, 'x', LARGE);
  text[LARGE] = '\0';
  assert_true(filled_journal_add(&filled, 60, text));
  free(text);
  start();
  WAIT_FOR(published() >= FSM_OUTBOX_WINDOW_BYTES / (LARGE + 2000));
  fsm__outbox_wake(outbox);
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  assert_true(published() <= FSM_OUTBOX_WINDOW_BYTES / LARGE + 6); /* each tenth record is small */
}

static void the_cursor_moves_only_over_a_run_without_a_gap(void **state) {
  (void)state;
  other.silent = true;
  assert_true(filled_journal_add(&filled, 3, "x"));
  start();
  WAIT_FOR(published() == 3);
  other.sink.ack(outbox, other.tickets[2], FSM_OK, 3, NULL);
  other.sink.ack(outbox, other.tickets[1], FSM_OK, 2, NULL);
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  assert_true(status().seq == 0);
  other.sink.ack(outbox, other.tickets[0], FSM_OK, 1, NULL);
  WAIT_FOR(status().seq == 3);
  stop();
  fsm__cursor c = saved_cursor();
  assert_true(c.seq == 3 && c.stream_seq == 3);
}

static void an_acknowledgement_that_comes_too_late_counts_for_nothing(void **state) {
  (void)state;
  other.silent = true;
  assert_true(filled_journal_add(&filled, FSM_OUTBOX_WINDOW, "x"));
  start();
  WAIT_FOR(published() == FSM_OUTBOX_WINDOW);
  LOCKED(other.stored_count = 0; other.life++); /* the other side lost them all */
  fsm__outbox_wake(outbox);
  WAIT_FOR(published() == 2 * FSM_OUTBOX_WINDOW);
  for (unsigned i = 0; i < FSM_OUTBOX_WINDOW; i++)
    other.sink.ack(outbox, other.tickets[i], FSM_OK, i + 1, NULL);
  other.sink.ack(outbox, UINT64_MAX, FSM_OK, 2, NULL);
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  assert_true(status().seq == 0);
  for (unsigned i = 0; i < 2; i++) {
    other.sink.ack(outbox, other.tickets[FSM_OUTBOX_WINDOW + i], FSM_OK, i + 1, NULL);
  }
  WAIT_FOR(status().seq == 2);
}

static void a_refusal_goes_back_to_the_cursor_and_nothing_is_skipped(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 1000, "x"));
  start();
  for (int i = 0; i < 5; i++) {
    LOCKED(other.refuse = 1 + (unsigned)i % 3);
    assert_true(filled_journal_add(&filled, 300, "x"));
    fsm__outbox_wake(outbox);
  }
  WAIT_FOR(status().seq == 2500);
  assert_stored(2500);
  assert_true(status().retries > 0);
  assert_string_equal(status().last_error, "");
}

/* The next one of a window whose last one was refused meanwhile: nobody is needed for that. */
static void a_busy_sink_is_tried_again_soon(void **state) {
  (void)state;
  struct timespec begin, end;
  assert_true(filled_journal_add(&filled, 10, "x"));
  other.busy = 3;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  start();
  WAIT_FOR(status().seq == 10);
  clock_gettime(CLOCK_MONOTONIC, &end);
  assert_true((end.tv_sec - begin.tv_sec) * 1000 < 3 * FSM_OUTBOX_HALT_MS / 2);
  assert_int_equal(status().retries, 3);
}

static void a_standing_refusal_is_shown_and_commands_are_not_hindered(void **state) {
  (void)state;
  other.broken = true;
  assert_true(filled_journal_add(&filled, 5, "x"));
  start();
  WAIT_FOR(status().retries >= 3);
  assert_non_null(strstr(status().last_error, "record 1: not now"));
  assert_true(status().seq == 0);
  LOCKED(other.broken = false);
  WAIT_FOR(status().seq == 5);
  assert_stored(5);
  assert_string_equal(status().last_error, "");
}

static void what_the_other_side_lost_is_sent_again(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 500, "x"));
  start();
  WAIT_FOR(status().seq == 500);
  LOCKED(other.stored_count = 123; other.life++);
  fsm__outbox_wake(outbox);
  WAIT_FOR(status().published == 500 + 377);
  assert_stored(500);
  assert_true(status().seq == 500);
}

static void a_sink_that_is_away_is_tried_until_it_is_there(void **state) {
  (void)state;
  other.away = true;
  assert_true(filled_journal_add(&filled, 10, "x"));
  start();
  WAIT_FOR(strstr(status().last_error, "it is away") != NULL);
  assert_false(status().halted);
  LOCKED(other.away = false);
  WAIT_FOR(status().seq == 10);
  assert_stored(10);
  assert_string_equal(status().last_error, "");
}

static void a_sink_that_was_never_there_has_a_cursor_that_keeps_its_records(void **state) {
  (void)state;
  other.away = true;
  start();
  fsm__cursor cursor = saved_cursor();
  assert_string_equal(cursor.sink, "fake");
  assert_int_equal(cursor.seq, 0);
}

static void silence_is_not_waited_for_for_ever(void **state) {
  (void)state;
  other.silent = true;
  assert_true(filled_journal_add(&filled, 3, "x"));
  start();
  WAIT_FOR(published() == 3);
  LOCKED(other.silent = false; other.stored_count = 0);
  WAIT_FOR(status().seq == 3);
  assert_stored(3);
  assert_true(status().retries == 1);
}

static void a_restart_goes_on_from_the_saved_cursor(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 100, "x"));
  start();
  WAIT_FOR(status().seq == 100);
  stop();
  fsm__cursor c = saved_cursor();
  assert_string_equal(c.sink, "fake");
  assert_true(c.seq == 100 && c.stream_seq == 100 && c.epoch == 1);
  assert_true(filled_journal_add(&filled, 50, "x"));
  start();
  assert_true(status().seq >= 100); /* from where it was, not from the start */
  WAIT_FOR(status().seq == 150);
  assert_int_equal(published(), 150);
  assert_stored(150);
}

static void the_cursor_is_saved_while_running(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, FSM_OUTBOX_SAVE_RECORDS + 10, "x"));
  start();
  WAIT_FOR(access(filled.dir, F_OK) == 0 && status().seq == FSM_OUTBOX_SAVE_RECORDS + 10);
  char path[128];
  snprintf(path, sizeof path, "%s/sinks/fake", filled.dir);
  WAIT_FOR(access(path, F_OK) == 0);
  WAIT_FOR(saved_cursor().seq == FSM_OUTBOX_SAVE_RECORDS + 10); /* the rest after a second */
}

static void a_damaged_cursors_file_only_means_sending_again(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s/sinks/fake", filled.dir);
  fsm__cursor c = {.sink = "fake", .epoch = 1};
  assert_int_equal(fsm__cursor_save(filled.dir, &c, false, NULL), FSM_OK);
  int fd = open(path, O_WRONLY | O_TRUNC);
  assert_int_equal(write(fd, "damaged", 7), 7);
  close(fd);
  assert_true(filled_journal_add(&filled, 10, "x"));
  start();
  WAIT_FOR(status().seq == 10);
  assert_stored(10);
}

static void a_cursor_beyond_the_journal_or_of_another_one_halts(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 10, "x"));
  fsm__cursor c = {.sink = "fake", .epoch = 1, .seq = 11};
  assert_int_equal(fsm__cursor_save(filled.dir, &c, false, NULL), FSM_OK);
  start();
  WAIT_FOR(status().halted);
  assert_non_null(strstr(status().last_error, "the journal ends at 10"));
  stop();
  c.seq = 10;
  c.leaf.bytes[0] = 1; /* its leaf is not that of record 10 */
  assert_int_equal(fsm__cursor_save(filled.dir, &c, false, NULL), FSM_OK);
  start();
  WAIT_FOR(status().halted);
  assert_non_null(strstr(status().last_error, "not the one that was published"));
  assert_int_equal(published(), 0);
}

static void a_cursor_of_a_later_epoch_is_not_used(void **state) {
  (void)state;
  fsm__cursor c = {.sink = "fake", .epoch = 9, .seq = 7};
  assert_int_equal(fsm__cursor_save(filled.dir, &c, false, NULL), FSM_OK);
  assert_true(filled_journal_add(&filled, 10, "x"));
  start();
  WAIT_FOR(status().seq == 10);
  assert_stored(10);
}

static void publish_first(unsigned count) {
  assert_true(filled_journal_add(&filled, count, "x"));
  start();
  WAIT_FOR(status().seq == count);
  stop();
}

/* What was published of the dead branch stays there; the new one follows from the fork on. */
static void a_cursor_behind_a_fork_goes_back_to_it(void **state) {
  (void)state;
  publish_first(10);
  assert_int_equal(fsm__journal_new_epoch(filled.journal, NULL), FSM_OK);
  assert_true(filled_journal_add(&filled, 5, "y"));
  fsm__cursor c = {.sink = "fake", .epoch = 1, .seq = 13, .leaf = {{1}}, .stream_seq = 13};
  assert_int_equal(fsm__cursor_save(filled.dir, &c, false, NULL), FSM_OK);
  other.stored_count = 10; /* it takes record 11 behind record 10 */
  start();
  WAIT_FOR(status().seq == 15);
  stop();
  assert_stored(15);
  for (uint64_t seq = 1; seq <= 15; seq++) assert_int_equal(other.epochs[seq - 1], seq > 10 ? 2 : 1);
  fsm__cursor saved[FSM_CURSORS_MAX];
  size_t count;
  assert_int_equal(fsm__cursors_load(filled.dir, saved, &count, NULL), FSM_OK);
  assert_true(count == 1 && saved[0].epoch == 2 && saved[0].seq == 15);
}

static void a_cursor_before_a_fork_goes_on(void **state) {
  (void)state;
  publish_first(10);
  assert_int_equal(fsm__journal_new_epoch(filled.journal, NULL), FSM_OK);
  assert_true(filled_journal_add(&filled, 5, "y"));
  unsigned before = published();
  start();
  WAIT_FOR(status().seq == 15);
  assert_int_equal(published(), before + 5);
  assert_stored(15);
}

static void stop_returns_though_nothing_is_acknowledged(void **state) {
  (void)state;
  other.silent = true;
  assert_true(filled_journal_add(&filled, 10, "x"));
  start();
  WAIT_FOR(published() == 10);
  stop();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(every_record_is_published_once_and_in_order),
      TEST(records_that_come_later_are_published_when_woken),
      TEST(at_most_a_window_is_open),
      TEST(at_most_a_window_of_bytes_is_open),
      TEST(the_cursor_moves_only_over_a_run_without_a_gap),
      TEST(an_acknowledgement_that_comes_too_late_counts_for_nothing),
      TEST(a_refusal_goes_back_to_the_cursor_and_nothing_is_skipped),
      TEST(a_busy_sink_is_tried_again_soon),
      TEST(a_standing_refusal_is_shown_and_commands_are_not_hindered),
      TEST(what_the_other_side_lost_is_sent_again),
      TEST(a_sink_that_is_away_is_tried_until_it_is_there),
      TEST(a_sink_that_was_never_there_has_a_cursor_that_keeps_its_records),
      TEST(silence_is_not_waited_for_for_ever),
      TEST(a_restart_goes_on_from_the_saved_cursor),
      TEST(the_cursor_is_saved_while_running),
      TEST(a_damaged_cursors_file_only_means_sending_again),
      TEST(a_cursor_beyond_the_journal_or_of_another_one_halts),
      TEST(a_cursor_of_a_later_epoch_is_not_used),
      TEST(a_cursor_behind_a_fork_goes_back_to_it),
      TEST(a_cursor_before_a_fork_goes_on),
      TEST(stop_returns_though_nothing_is_acknowledged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

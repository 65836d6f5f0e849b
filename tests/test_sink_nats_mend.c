/* test_sink_nats_mend.c: what the NATS sink proves and mends of a stream that lost records in the middle, at
 * its beginning, or at its end. */
#include "tests/nats_stream_scene.h"

/* ---- driving ---- */

#define assert_lost(lost_, from_, to_)  \
  do {                                  \
    fsm__sink_lost l_ = (lost_);        \
    assert_int_equal(l_.from, (from_)); \
    assert_int_equal(l_.to, (to_));     \
  } while (0)

/* ---- tests ---- */

static void what_was_erased_in_the_middle_is_told_and_given_again_once(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 300, "text"));
  publish_to(300);
  assert_lost(reconcile(), 0, 0);
  erase(100), erase(101), erase(102);
  assert_lost(reconcile(), 100, 102);
  repair(100, 102);
  assert_lost(reconcile(), 0, 0);
  erase(5);
  assert_lost(reconcile(), 5, 5); /* and not those that were mended */
  repair(5, 5);
  assert_lost(reconcile(), 0, 0);
  assert_true(filled_journal_add(&filled, 100, "text"));
  publish_to(400); /* behind the repairs */
  assert_stream_has(400);
}

static void a_repair_that_is_erased_is_given_again_too(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 50, "text"));
  publish_to(50);
  erase(20), erase(21), erase(22);
  assert_lost(reconcile(), 20, 22);
  repair(20, 22);
  erase(52); /* the repair of 21 */
  assert_lost(reconcile(), 21, 21);
  repair(21, 21);
  assert_stream_has(50);
}

static void a_purge_moves_the_beginning_and_is_mended(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 60, "text"));
  publish_to(60);
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Purge.Sequence = 31;
  assert_int_equal(js_PurgeStream(js, "FSM_EVT_0", &options, NULL), NATS_OK);
  assert_lost(reconcile(), 1, 30);
  repair(1, 30);
  assert_lost(reconcile(), 0, 0);
  assert_stream_has(60);
}

static void a_repair_at_the_end_hides_no_record_from_who_lost_its_cursor(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 40, "text"));
  publish_to(40);
  fsm__cursor stale = cursor;
  stale.seq = stale.sent_seq = 30, stale.stream_seq = 30;
  repair(3, 5);
  cursor = stale;
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(cursor.seq, 40); /* the last ordinary message says so */
  assert_int_equal(cursor.stream_seq, 40);
}

static void a_lost_cursor_goes_forward_and_what_is_missing_is_mended(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 60, "text"));
  publish_to(60);
  erase(1), erase(2);
  memset(&cursor, 0, sizeof cursor);
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(cursor.seq, 60);
  assert_lost(reconcile(), 1, 2);
  repair(1, 2);
  assert_stream_has(60);
}

static void acked_is_settled_when_it_is_seen_again_after_two_syncs(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 20, "text"));
  publish_to(20);
  (void)reconcile();
  assert_int_equal(cursor.settled_seq, 0);
  nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  (void)reconcile();
  assert_int_equal(cursor.settled_seq, 20);
  assert_int_equal(cursor.settled_stream_seq, 20);
}

/* A server that forgot a deletion, and then lost a message: as many as the cursor says, and not the same. */
static void as_many_empty_places_as_before_are_not_the_same_ones(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 20, "text"));
  publish_to(20);
  erase(7);
  cursor.stream_gone = 1;
  assert_lost(reconcile(), 7, 7);
}

static void many_holes_are_mended_once(void **state) {
  (void)state;
  enum { COUNT = 4 * FSM_NATS_RUNS_MAX };
  assert_true(filled_journal_add(&filled, COUNT, "text"));
  publish_to(COUNT);
  for (uint64_t place = 1; place <= COUNT; place += 2) erase(place);
  fsm__cursor saved = cursor; /* what is missing is on it only when all was given again */
  assert_lost(reconcile(), 1, COUNT);
  repair(1, COUNT);
  cursor.stream_gone = saved.stream_gone;
  assert_lost(reconcile(), 0, 0);
  assert_stream_has(COUNT);
}

/* What the server has stored, as it was left by a kill; to has nothing of it. */
static void copy_stored(const char *from, const char *to) {
  char source[80];
  int status = -1;
  snprintf(source, sizeof source, "%s/jetstream", from);
  pid_t pid = fork();
  if (pid == 0) {
    execlp("cp", "cp", "-a", source, to, (char *)NULL);
    _exit(127);
  }
  assert_true(waitpid(pid, &status, 0) == pid && status == 0);
}

static void remove_stored(const char *dir) {
  char path[80];
  snprintf(path, sizeof path, "%s/jetstream", dir);
  assert_int_equal(nftw(path, nats_server_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The server forgets what it acknowledged last: repairs of a purge, of which nothing else would tell. */
static void repairs_that_go_with_the_tail_are_given_again(void **state) {
  (void)state;
  char backup[64] = "/tmp/fsm-nats-backup-XXXXXX";
  assert_non_null(mkdtemp(backup));
  assert_true(filled_journal_add(&filled, 60, "text"));
  publish_to(60);
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Purge.Sequence = 31;
  assert_int_equal(js_PurgeStream(js, "FSM_EVT_0", &options, NULL), NATS_OK);
  assert_lost(reconcile(), 1, 30);
  nats_server_kill(&server);
  copy_stored(server.dir, backup);
  assert_true(nats_server_start(&server));
  assert_int_equal(prepare(NULL), FSM_OK);
  repair(1, 30);
  assert_lost(reconcile(), 0, 0);
  nats_server_kill(&server);
  remove_stored(server.dir);
  copy_stored(backup, server.dir);
  assert_true(nats_server_start(&server));
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_lost(reconcile(), 1, 30);
  repair(1, 30);
  assert_stream_has(60);
  remove_stored(backup);
  assert_int_equal(rmdir(backup), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest with_server[] = {
      TEST(what_was_erased_in_the_middle_is_told_and_given_again_once),
      TEST(a_repair_that_is_erased_is_given_again_too),
      TEST(a_purge_moves_the_beginning_and_is_mended),
      TEST(a_repair_at_the_end_hides_no_record_from_who_lost_its_cursor),
      TEST(a_lost_cursor_goes_forward_and_what_is_missing_is_mended),
      TEST(acked_is_settled_when_it_is_seen_again_after_two_syncs),
      TEST(as_many_empty_places_as_before_are_not_the_same_ones),
      TEST(many_holes_are_mended_once),
      TEST(repairs_that_go_with_the_tail_are_given_again),
  };
  return nats_server_there() ? cmocka_run_group_tests(with_server, NULL, NULL) : 77;
}

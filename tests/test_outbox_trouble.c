/* test_outbox_trouble.c: what befalls an outbox where two things go wrong at once: forks and parked records,
 * refusals in bytes that are no text, a sink that is ready and takes nothing, losses beside many orders.
 */
#include "tests/outbox_scene.h"

#include <sys/stat.h>

#include "schema/utf8.h"

static fsm_code refuse_all(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  (void)sink, (void)record;
  return fsm_fail(err, FSM_EPERMISSION, "scene", "401: it does not accept who we are");
}

static void one_that_is_ready_but_takes_nothing_fails_all_the_time(void **state) {
  (void)state;
  s->sink.publish = refuse_all;
  scene_add(5);
  scene_start();
  WAIT_FOR(noted("failed") == 1);
  int64_t since = scene_status().failing_since_ns;
  for (unsigned i = 1; i <= 3; i++) {
    LOCKED(s->life++); /* looked at again at once */
    fsm__outbox_wake(s->outbox);
    WAIT_FOR(scene_prepared() > i && scene_status().halted);
  }
  assert_int_equal(noted("recovered"), 0);
  assert_true(scene_status().failing_since_ns == since);
  assert_true(scene_status().failing_since_ns > 0 && scene_status().seq == 0);
}

static void one_that_takes_records_again_has_recovered(void **state) {
  (void)state;
  s->sink.publish = refuse_all;
  scene_add(5);
  scene_start();
  WAIT_FOR(noted("failed") == 1);
  s->sink.publish = scene_publish; /* its thread waits for a new life */
  LOCKED(s->life++);
  fsm__outbox_wake(s->outbox);
  WAIT_FOR(scene_status().seq == 5);
  WAIT_FOR(noted("recovered") == 1);
  assert_true(scene_status().failing_since_ns == 0);
}

static void one_that_gets_nothing_of_what_waits_has_recovered_when_it_is_ready(void **state) {
  (void)state;
  s->sink.reconcile = scene_reconcile;
  s->config.level = 9;
  s->away = true;
  scene_add(5);
  scene_start();
  WAIT_FOR(noted("failed") == 1);
  LOCKED(s->away = false);
  WAIT_FOR(scene_status().seq == 5);
  WAIT_FOR(noted("recovered") == 1);
  assert_true(scene_status().failing_since_ns == 0 && scene_status().last_error[0] == '\0');
}

static fsm_code find_fork(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                          fsm__sink_lost *lost, fsm_error *err) {
  (void)sink, (void)view, (void)cursor, (void)lost;
  return fsm_fail(err, FSM_EVERIFY, "scene", "another record is there");
}

static void one_that_does_not_compare_is_not_well_because_it_has_everything(void **state) {
  (void)state;
  s->sink.reconcile = find_fork; /* the journal is empty: nothing is behind */
  scene_start();
  WAIT_FOR(noted("failed") == 1);
  for (unsigned i = 1; i <= 3; i++) {
    LOCKED(s->life++);
    fsm__outbox_wake(s->outbox);
    WAIT_FOR(scene_prepared() > i && scene_status().halted);
  }
  assert_int_equal(noted("recovered"), 0);
}

/* ---- forks ---- */

static void what_was_parked_of_a_dead_branch_keeps_nothing_of_the_new_one_back(void **state) {
  (void)state;
  scene_add(10);
  assert_int_equal(fsm__journal_new_epoch(s->filled.journal, NULL), FSM_OK);
  scene_add(5);
  fsm__cursor c = {.sink = "scene", .epoch = 1, .seq = 13, .leaf = {{1}}};
  fsm__parked dead = {.seq = 13, .epoch = 1, .tries = 1, .code = FSM_EDATA, .text = "of the dead branch"};
  assert_int_equal(fsm__cursor_save(s->filled.dir, &c, true, NULL), FSM_OK);
  assert_int_equal(fsm__parked_save(s->filled.dir, "scene", &dead, 1, NULL), FSM_OK);
  s->filled.origin.epoch = 2;
  scene_start();
  WAIT_FOR(scene_status().seq == 15);
  assert_int_equal(s->got_count, 5);
  assert_true(s->got[2].seq == 13 && s->got[2].after == 12);
  uint64_t count = 0;
  assert_int_equal(fsm__outbox_retry(s->outbox, 13, NULL, NULL, &count, NULL), FSM_OK);
  fsm__parked *list = NULL;
  size_t n = 0;
  for (int i = 0; i < 12000; i++) { /* it is told from the one that has its seq now */
    assert_int_equal(fsm__outbox_parked(s->outbox, &list, &n, NULL), FSM_OK);
    bool told = n == 1 && strstr(list[0].text, "its branch") != NULL;
    free(list);
    if (told) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_true(i < 11999);
  }
  assert_int_equal(scene_got(true), 0);
}

static void a_new_one_with_the_seq_of_a_dead_one_is_parked_as_itself(void **state) {
  (void)state;
  scene_add(2);
  assert_int_equal(fsm__journal_new_epoch(s->filled.journal, NULL), FSM_OK);
  scene_add(3);
  fsm__parked dead = {.seq = 4, .epoch = 1, .tries = 7, .code = FSM_ETOOLARGE, .text = "of the dead branch"};
  char sinks[128];
  snprintf(sinks, sizeof sinks, "%s/sinks", s->filled.dir);
  assert_int_equal(mkdir(sinks, 0700), 0);
  assert_int_equal(fsm__parked_save(s->filled.dir, "scene", &dead, 1, NULL), FSM_OK);
  s->filled.origin.epoch = 2;
  s->poison_from = s->poison_to = 4;
  scene_start();
  WAIT_FOR(scene_status().seq == 5);
  fsm__parked *list;
  size_t n = 0;
  assert_int_equal(fsm__outbox_parked(s->outbox, &list, &n, NULL), FSM_OK);
  assert_true(n == 1 && list[0].seq == 4 && list[0].epoch == 2 && list[0].tries == 1);
  free(list);
}

/* ---- what the other side says ---- */

static void texts_that_are_no_utf8_are_mended_before_they_are_kept_or_told(void **state) {
  (void)state;
  char cut[] = "caf\xc3\xa9 \xe2\x82", bad[] = "a\xff\xc0z\xed\xa0\x80.", good[] = "\xd0\xb4\xd0\xb0";
  fsm__utf8_mend(cut), fsm__utf8_mend(bad), fsm__utf8_mend(good);
  assert_string_equal(cut, "caf\xc3\xa9 ");
  assert_string_equal(bad, "a??z???.");
  assert_string_equal(good, "\xd0\xb4\xd0\xb0");
}

static fsm_code poison_in_cyrillic(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  (void)err;
  char text[601];
  for (size_t i = 0; i < sizeof text - 1; i += 2) memcpy(text + i, "\xd0\xb4", 2);
  text[sizeof text - 1] = '\0';
  sink->ack(sink->ack_arg, record->ticket, FSM_EDATA, 0, text);
  return FSM_OK;
}

static bool told_is_text;
static void note_text(void *arg, const char *sink, const char *what, const fsm_value *more,
                      const fsm_value *actor, const char *reason) {
  const fsm_value *text = fsm_map_get(more, "text");
  if (text != NULL) told_is_text = fsm__utf8_valid(text->s, text->len) && text->len > 200;
  scene_note(arg, sink, what, more, actor, reason);
}

static void a_long_reason_is_cut_between_its_letters(void **state) {
  (void)state;
  told_is_text = false;
  s->sink.publish = poison_in_cyrillic;
  scene_add(1);
  fsm__outbox_options options = scene_options();
  options.note = note_text;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 1);
  fsm__parked *list;
  size_t n = 0;
  assert_int_equal(fsm__outbox_parked(s->outbox, &list, &n, NULL), FSM_OK);
  assert_true(n == 1 && fsm__utf8_valid(list[0].text, strlen(list[0].text)));
  free(list);
  scene_stop();
  assert_int_equal(noted("parked"), 1);
  assert_true(told_is_text);
}

/* ---- losses and orders ---- */

static void a_loss_is_mended_however_many_ranges_wait(void **state) {
  (void)state;
  s->sink.reconcile = scene_reconcile;
  scene_add(100);
  scene_start();
  WAIT_FOR(scene_status().seq == 100);
  LOCKED(s->away = true; s->life++);
  fsm__outbox_wake(s->outbox);
  WAIT_FOR(!scene_status().connected);
  for (uint64_t i = 0; i < FSM_OUTBOX_RANGES_MAX; i++)
    assert_int_equal(fsm__outbox_resend(s->outbox, 20 + 2 * i, 20 + 2 * i, NULL, NULL, NULL, NULL), FSM_OK);
  assert_int_equal(fsm__outbox_resend(s->outbox, 99, 99, NULL, NULL, NULL, NULL), FSM_EQUOTA);
  LOCKED(s->lost.from = 3; s->lost.to = 5; s->away = false; s->life++);
  fsm__outbox_wake(s->outbox);
  bool had[101] = {false};
  for (int i = 0; i < 12000; i++) {
    LOCKED(for (size_t k = 0; k < s->got_count; k++) if (s->got[k].repair) had[s->got[k].seq] = true);
    if (had[3] && had[4] && had[5] && had[50]) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  for (int seq = 3; seq <= 5; seq++) assert_true(had[seq]);
  for (int seq = 20; seq <= 50; seq += 2) assert_true(had[seq]);
}

static void a_long_range_of_which_it_gets_little_is_read_once(void **state) {
  (void)state;
  enum { COUNT = 20000 };
  s->config.where = "record.seq % 10000 == 0";
  scene_add(COUNT);
  scene_start();
  WAIT_FOR(scene_status().seq == COUNT);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  assert_int_equal(fsm__outbox_resend(s->outbox, 1, COUNT, NULL, NULL, NULL, NULL), FSM_OK);
  WAIT_FOR(scene_status().repaired == 2);
  clock_gettime(CLOCK_MONOTONIC, &to);
  assert_true(to.tv_sec - from.tv_sec < 60);
  assert_true(s->got_count == 4 && s->got[3].seq == COUNT && s->got[3].after == 10000);
}

/* ---- two sinks ---- */

static void add_note(const char *sink, const char *what) {
  fsm_pair pairs[3] = {{fsm_string("command"), fsm_string("sink")},
                       {fsm_string("sink"), fsm_string(sink)},
                       {fsm_string("what"), fsm_string(what)}};
  fsm__hash prev = fsm__journal_head(s->filled.journal);
  fsm_record record = fsm_record_new(FSM_RECORD_ADMIN);
  fsm_buf buf = {0};
  record.seq = fsm__journal_next_seq(s->filled.journal);
  record.time_ns = 1;
  record.prev = prev.bytes;
  record.outcome = FSM_TAKEN;
  assert_int_equal(fsm_map(pairs, 3, &record.detail, NULL), FSM_OK);
  assert_int_equal(fsm_record_encode(&buf, &record, NULL), FSM_OK);
  fsm__hash leaf = fsm__leaf(buf.data, buf.len);
  fsm__bytes bytes = {buf.data, buf.len};
  assert_int_equal(fsm__journal_append(s->filled.journal, &bytes, &leaf, 1, NULL), FSM_OK);
  assert_int_equal(fsm__journal_commit(s->filled.journal, NULL), FSM_OK);
  fsm_buf_free(&buf);
}

static void two_sinks_that_take_nothing_do_not_tell_each_other_for_ever(void **state) {
  (void)state;
  add_note("other", "parked");
  add_note("other", "failed");
  s->poison_from = 1, s->poison_to = 2;
  scene_start();
  WAIT_FOR(scene_status().seq == 2);
  assert_true(scene_status().parked == 2);
  assert_int_equal(noted("parked"), 1);
  assert_true(s->note_seqs[0] == 2);
}

/* ---- disks ---- */

static void that_it_spills_is_saved_as_soon_as_there_is_room(void **state) {
  (void)state;
  char sinks[128], name[160];
  snprintf(sinks, sizeof sinks, "%s/sinks", s->filled.dir);
  snprintf(name, sizeof name, "%s/scene.tmp", sinks);
  s->config.budget_age_ns = 1000000000;
  s->config.policy = FSM__SPILL;
  s->away = true;
  fsm__outbox_options options = scene_options();
  char archive[128];
  snprintf(archive, sizeof archive, "%s/archive", s->filled.dir);
  assert_int_equal(mkdir(archive, 0700), 0);
  options.archive = archive;
  scene_start_with(&options);
  assert_int_equal(mkdir(name, 0700), 0); /* in the way of the cursor */
  scene_add(5);                           /* of 2023 */
  WAIT_FOR(noted("spilled") == 1);
  assert_false(scene_cursor().spilled);
  assert_int_equal(rmdir(name), 0);
  WAIT_FOR(scene_cursor().spilled);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_up, scene_down)
  const struct CMUnitTest tests[] = {
      TEST(one_that_is_ready_but_takes_nothing_fails_all_the_time),
      TEST(one_that_takes_records_again_has_recovered),
      TEST(one_that_gets_nothing_of_what_waits_has_recovered_when_it_is_ready),
      TEST(one_that_does_not_compare_is_not_well_because_it_has_everything),
      TEST(what_was_parked_of_a_dead_branch_keeps_nothing_of_the_new_one_back),
      TEST(a_new_one_with_the_seq_of_a_dead_one_is_parked_as_itself),
      TEST(texts_that_are_no_utf8_are_mended_before_they_are_kept_or_told),
      TEST(a_long_reason_is_cut_between_its_letters),
      TEST(a_loss_is_mended_however_many_ranges_wait),
      TEST(a_long_range_of_which_it_gets_little_is_read_once),
      TEST(two_sinks_that_take_nothing_do_not_tell_each_other_for_ever),
      TEST(that_it_spills_is_saved_as_soon_as_there_is_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

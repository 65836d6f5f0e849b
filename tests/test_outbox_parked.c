/* test_outbox_parked.c: records that the other side rejects for what they are, and what people do to them. */
#include "tests/outbox_scene.h"

#include <sys/stat.h>

static void poison_is_set_aside_with_its_reason_and_the_rest_goes_on(void **state) {
  (void)state;
  s->poison_from = 6, s->poison_to = 7; /* one by a fault of publish, one by its answer */
  scene_add(50);
  scene_start();
  WAIT_FOR(scene_status().seq == 50);
  assert_true(scene_status().parked == 2 && scene_status().published == 48 && scene_status().retries == 0);
  fsm__parked *list;
  size_t count;
  assert_int_equal(fsm__outbox_parked(s->outbox, &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 2);
  assert_true(list[0].seq == 6 && list[1].seq == 7 && list[0].tries == 1 && list[0].epoch == 1);
  assert_int_equal(list[0].code, FSM_EDATA);
  assert_string_equal(list[1].text, "a field is of another type");
  free(list);
  assert_int_equal(noted("parked"), 2);
  scene_stop();
  assert_true(scene_cursor().seq == 50);
  assert_int_equal(fsm__parked_load(s->filled.dir, "scene", &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 2);
  free(list);
}

static void a_parked_one_at_the_end_is_passed_and_counts_as_sent(void **state) {
  (void)state;
  s->poison_from = s->poison_to = 5;
  scene_add(5);
  scene_start();
  WAIT_FOR(scene_status().seq == 5);
  scene_stop();
  assert_true(scene_cursor().sent_seq == 5);
}

/* As after a kill between the list and the cursor, or a sink that finds its tail before it. */
static void a_cursor_that_comes_back_does_not_stumble_over_what_is_parked(void **state) {
  (void)state;
  s->poison_from = s->poison_to = 5;
  scene_add(8);
  scene_start();
  WAIT_FOR(scene_status().seq == 8);
  scene_stop();
  fsm__cursor c = scene_cursor();
  c.seq = c.sent_seq = c.settled_seq = 4;
  memset(&c.leaf, 0, sizeof c.leaf);
  assert_int_equal(fsm__cursor_save(s->filled.dir, &c, false, NULL), FSM_OK);
  s->got_count = 0;
  s->poison_to = 0; /* it would take it now, but it is parked */
  scene_start();
  WAIT_FOR(scene_status().seq == 8);
  assert_int_equal(noted("parked"), 1);
  assert_int_equal(s->got_count, 3);
  assert_true(s->got[0].seq == 6 && s->got[0].after == 5);
}

static void what_is_parked_behind_what_is_in_flight_counts_as_sent(void **state) {
  (void)state;
  s->poison_from = s->poison_to = 5;
  scene_add(5);
  scene_start();
  WAIT_FOR(scene_status().seq == 5);
  LOCKED(s->back_to = 3; s->life++);
  fsm__outbox_wake(s->outbox);
  WAIT_FOR(scene_status().published == 5); /* the fourth again */
  scene_stop();
  fsm__cursor c = scene_cursor();
  assert_true(c.seq == 5 && c.sent_seq == 5);
}

static void a_thousand_are_parked_and_with_one_more_it_stands_still(void **state) {
  (void)state;
  s->poison_from = 1, s->poison_to = FSM_PARKED_MAX;
  scene_add(FSM_PARKED_MAX + 5);
  scene_start();
  WAIT_FOR(scene_status().seq == FSM_PARKED_MAX + 5);
  assert_true(scene_status().parked == FSM_PARKED_MAX && !scene_status().halted);
  LOCKED(s->poison_from = s->poison_to = FSM_PARKED_MAX + 6);
  scene_add(3);
  WAIT_FOR(scene_status().halted);
  assert_true(scene_status().seq == FSM_PARKED_MAX + 5 && scene_status().parked == FSM_PARKED_MAX);
  assert_non_null(strstr(scene_status().last_error, "record 1006 is refused"));
  assert_non_null(strstr(scene_status().last_error, "1000 are parked already"));
  assert_int_equal(fsm__outbox_drop(s->outbox, 1, NULL, "gone with", NULL), FSM_OK);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  WAIT_FOR(scene_status().seq == FSM_PARKED_MAX + 8);
  clock_gettime(CLOCK_MONOTONIC, &to);
  assert_true(to.tv_sec - from.tv_sec < FSM_OUTBOX_HALT_MS / 1000 - 1); /* at once */
  assert_int_equal(noted("dropped"), 1);
}

static void a_record_about_the_sink_itself_is_parked_without_a_note(void **state) {
  (void)state;
  fsm_pair pairs[3] = {{fsm_string("command"), fsm_string("sink")},
                       {fsm_string("sink"), fsm_string("scene")},
                       {fsm_string("what"), fsm_string("parked")}};
  fsm__hash prev = fsm__journal_head(s->filled.journal);
  fsm_record record = fsm_record_new(FSM_RECORD_ADMIN);
  fsm_buf buf = {0};
  record.seq = 1;
  record.time_ns = 1;
  record.prev = prev.bytes;
  record.outcome = FSM_TAKEN;
  assert_int_equal(fsm_map(pairs, 3, &record.detail, NULL), FSM_OK);
  assert_int_equal(fsm_record_encode(&buf, &record, NULL), FSM_OK);
  fsm__hash leaf = fsm__leaf(buf.data, buf.len);
  assert_int_equal(fsm__journal_append(s->filled.journal, &(fsm__bytes){buf.data, buf.len}, &leaf, 1, NULL),
                   FSM_OK);
  fsm_buf_free(&buf);
  scene_add(2);
  s->poison_from = 1, s->poison_to = 2;
  scene_start();
  WAIT_FOR(scene_status().seq == 3);
  assert_true(scene_status().parked == 2);
  assert_int_equal(noted("parked"), 1);
  assert_true(s->note_seqs[0] == 2);
}

static void without_room_on_the_disk_nothing_is_passed(void **state) {
  (void)state;
  char sinks[128], name[160];
  snprintf(sinks, sizeof sinks, "%s/sinks", s->filled.dir);
  snprintf(name, sizeof name, "%s/scene.parked.tmp", sinks);
  assert_int_equal(mkdir(sinks, 0700), 0);
  assert_int_equal(mkdir(name, 0700), 0); /* in the way of the list */
  s->poison_from = s->poison_to = 3;
  scene_add(9);
  scene_start();
  WAIT_FOR(strstr(scene_status().last_error, "scene.parked.tmp") != NULL);
  assert_true(scene_status().seq == 2 && scene_status().parked == 0);
  assert_int_equal(rmdir(name), 0);
  assert_int_equal(fsm__outbox_clear(s->outbox, NULL, NULL, NULL), FSM_OK);
  WAIT_FOR(scene_status().seq == 9 && scene_status().parked == 1);
}

static void a_damaged_list_is_a_fault_of_the_start(void **state) {
  (void)state;
  char name[160];
  fsm_error err = {0};
  s->poison_from = s->poison_to = 3;
  scene_add(4);
  scene_start();
  WAIT_FOR(scene_status().seq == 4);
  scene_stop();
  snprintf(name, sizeof name, "%s/sinks/scene.parked", s->filled.dir);
  FILE *f = fopen(name, "r+");
  assert_non_null(f);
  assert_int_equal(fseek(f, 14, SEEK_SET), 0);
  fputc('x', f);
  fclose(f);
  fsm__outbox_options options = scene_options();
  assert_int_equal(fsm__outbox_start(&options, &s->outbox, &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.where, "scene.parked"));
}

/* ---- orders ---- */

static void parked_ones_are_given_again_as_repairs(void **state) {
  (void)state;
  uint64_t count = 0;
  fsm_error err = {0};
  s->poison_from = 10, s->poison_to = 19;
  scene_add(40);
  scene_start();
  WAIT_FOR(scene_status().seq == 40);
  assert_int_equal(fsm__outbox_retry(s->outbox, 41, NULL, NULL, &count, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__outbox_retry(s->outbox, 12, NULL, NULL, &count, NULL), FSM_OK);
  assert_true(count == 1);
  fsm__parked *list;
  size_t n = 0;
  for (int i = 0; i < 12000; i++) { /* it is refused again */
    assert_int_equal(fsm__outbox_parked(s->outbox, &list, &n, NULL), FSM_OK);
    unsigned tries = list[2].tries;
    free(list);
    if (tries == 2) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_true(i < 11999);
  }
  assert_int_equal(n, 10);
  LOCKED(s->poison_to = 0);
  assert_int_equal(fsm__outbox_retry(s->outbox, 0, NULL, "the mapping is mended", &count, NULL), FSM_OK);
  assert_true(count == 10);
  WAIT_FOR(scene_status().parked == 0);
  assert_int_equal(scene_got(true), 10);
  assert_true(scene_status().repaired == 10 && scene_status().seq == 40);
  assert_int_equal(noted("resent"), 2);
  scene_stop();
  assert_int_equal(fsm__parked_load(s->filled.dir, "scene", &list, &n, NULL), FSM_OK);
  assert_int_equal(n, 0);
  free(list);
}

static void a_range_is_given_again_between_the_ordinary_ones(void **state) {
  (void)state;
  uint64_t count = 0;
  fsm_error err = {0};
  scene_add(100);
  scene_start();
  WAIT_FOR(scene_status().seq == 100);
  assert_int_equal(fsm__outbox_resend(s->outbox, 1, 101, NULL, NULL, &count, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "what follows record 100"));
  assert_int_equal(fsm__outbox_resend(s->outbox, 0, 5, NULL, NULL, &count, &err), FSM_EARGUMENT);
  assert_int_equal(fsm__outbox_resend(s->outbox, 6, 5, NULL, NULL, &count, &err), FSM_EARGUMENT);
  assert_int_equal(fsm__outbox_resend(s->outbox, 21, 60, NULL, "asked for", &count, NULL), FSM_OK);
  assert_true(count == 40);
  scene_add(100);
  WAIT_FOR(scene_status().seq == 200 && scene_status().repaired == 40);
  uint64_t ordinary = 0, repair = 20;
  for (size_t i = 0; i < s->got_count; i++) {
    const got *g = &s->got[i];
    uint64_t *last = g->repair ? &repair : &ordinary;
    assert_true(g->seq == ++*last && g->after == g->seq - 1);
  }
  assert_int_equal(noted("resent"), 1);
}

static void a_refusal_in_the_midst_of_a_range_loses_nothing_of_it(void **state) {
  (void)state;
  scene_add(100);
  scene_start();
  WAIT_FOR(scene_status().seq == 100);
  LOCKED(s->stop_at = 50);
  assert_int_equal(fsm__outbox_resend(s->outbox, 1, 90, NULL, NULL, NULL, NULL), FSM_OK);
  WAIT_FOR(scene_status().retries > 1);
  LOCKED(s->stop_at = 0);
  WAIT_FOR(scene_got(true) >= 90 && scene_status().repaired >= 90);
  bool had[101] = {false};
  for (size_t i = 0; i < s->got_count; i++)
    if (s->got[i].repair) had[s->got[i].seq] = true;
  for (int seq = 1; seq <= 90; seq++) assert_true(had[seq]);
}

static void what_it_is_stuck_at_is_set_aside_and_only_that(void **state) {
  (void)state;
  fsm_error err = {0};
  s->stop_at = 7;
  scene_add(20);
  scene_start();
  WAIT_FOR(scene_status().seq == 6 && scene_status().retries > 0);
  assert_int_equal(fsm__outbox_park(s->outbox, 8, NULL, NULL, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "at record 7"));
  assert_int_equal(fsm__outbox_park(s->outbox, 7, NULL, "it stops all", NULL), FSM_OK);
  WAIT_FOR(scene_status().seq == 20);
  assert_true(scene_status().parked == 1);
  assert_int_equal(fsm__outbox_park(s->outbox, 21, NULL, NULL, &err), FSM_EARGUMENT);
  assert_int_equal(fsm__outbox_drop(s->outbox, 8, NULL, NULL, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__outbox_drop(s->outbox, 7, NULL, NULL, &err), FSM_OK);
  assert_true(scene_status().parked == 0);
  assert_int_equal(noted("parked"), 1);
  assert_int_equal(noted("dropped"), 1);
}

static void a_stop_that_needs_people_is_cleared_at_once(void **state) {
  (void)state;
  s->sink.clear = scene_clear;
  s->fork = true;
  scene_add(5);
  scene_start();
  WAIT_FOR(scene_status().halted);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  assert_int_equal(fsm__outbox_clear(s->outbox, NULL, "it was us", NULL), FSM_OK);
  WAIT_FOR(scene_status().seq == 5);
  clock_gettime(CLOCK_MONOTONIC, &to);
  assert_true(to.tv_sec - from.tv_sec < FSM_OUTBOX_HALT_MS / 1000);
  assert_int_equal(s->clears, 1);
  assert_int_equal(noted("cleared"), 1);
  assert_false(scene_status().halted);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_up, scene_down)
  const struct CMUnitTest tests[] = {
      TEST(poison_is_set_aside_with_its_reason_and_the_rest_goes_on),
      TEST(a_parked_one_at_the_end_is_passed_and_counts_as_sent),
      TEST(a_cursor_that_comes_back_does_not_stumble_over_what_is_parked),
      TEST(what_is_parked_behind_what_is_in_flight_counts_as_sent),
      TEST(a_thousand_are_parked_and_with_one_more_it_stands_still),
      TEST(a_record_about_the_sink_itself_is_parked_without_a_note),
      TEST(without_room_on_the_disk_nothing_is_passed),
      TEST(a_damaged_list_is_a_fault_of_the_start),
      TEST(parked_ones_are_given_again_as_repairs),
      TEST(a_range_is_given_again_between_the_ordinary_ones),
      TEST(a_refusal_in_the_midst_of_a_range_loses_nothing_of_it),
      TEST(what_it_is_stuck_at_is_set_aside_and_only_that),
      TEST(a_stop_that_needs_people_is_cleared_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_outbox_filter.c: what a sink gets, in which batches; what it lost; what is told of it. */
#include "tests/outbox_scene.h"

/* The records of filled_journal: each tenth is of kind admin, the others transitions of document.approval. */

static void a_where_leaves_out_and_after_names_the_one_before(void **state) {
  (void)state;
  s->config.where = "record.kind == 'admin'";
  scene_add(95);
  scene_start();
  WAIT_FOR(scene_status().seq == 95);
  assert_int_equal(s->got_count, 9);
  for (size_t i = 0; i < 9; i++) {
    assert_true(s->got[i].seq == 10 * (i + 1) && s->got[i].after == 10 * i);
    assert_true(s->got[i].decoded); /* nobody decodes it twice */
  }
  assert_true(scene_status().skipped == 86 && scene_status().published == 9);
  scene_stop();
  fsm__cursor c = scene_cursor();
  assert_true(c.seq == 95 && c.sent_seq == 90);
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  assert_int_equal(fsm__journal_cursor_open(s->filled.journal, 95, &cursor, NULL), FSM_OK);
  assert_int_equal(fsm__journal_read(cursor, 95, &entry, NULL), FSM_OK);
  fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
  assert_memory_equal(&leaf, &c.leaf, sizeof leaf); /* of the one it stands on, though that was not sent */
  fsm__journal_cursor_close(cursor);
  scene_add(10);
  scene_start();
  WAIT_FOR(scene_status().seq == 105);
  assert_int_equal(s->got_count, 10);
  assert_true(s->got[9].seq == 100 && s->got[9].after == 90);
}

static void what_is_left_out_is_passed_only_with_what_is_before_it(void **state) {
  (void)state;
  s->config.where = "record.kind == 'admin'";
  s->stop_at = 20;
  scene_add(39);
  scene_start();
  WAIT_FOR(scene_status().retries > 1);
  assert_true(scene_status().seq == 19);
  LOCKED(s->stop_at = 0);
  WAIT_FOR(scene_status().seq == 39);
  assert_true(s->got[s->got_count - 1].seq == 30 && s->got[s->got_count - 1].after == 20);
}

static void a_cursor_that_goes_back_knows_what_was_sent_last(void **state) {
  (void)state;
  s->config.where = "record.kind == 'admin'";
  scene_add(45);
  scene_start();
  WAIT_FOR(scene_status().seq == 45);
  LOCKED(s->back_to = 25; s->life++);
  fsm__outbox_wake(s->outbox);
  WAIT_FOR(scene_status().published == 6);
  assert_true(s->got[4].seq == 30 && s->got[4].after == 20);
}

static void a_level_leaves_out_what_is_below_it(void **state) {
  (void)state;
  s->config.level = 1; /* the records have none */
  scene_add(30);
  scene_start();
  WAIT_FOR(scene_status().seq == 30);
  assert_int_equal(s->got_count, 0);
  scene_stop();
  s->config.level = 0;
  scene_add(1);
  scene_start();
  WAIT_FOR(scene_status().seq == 31);
  assert_int_equal(s->got_count, 1);
}

static void a_where_that_fails_on_a_record_is_counted_and_leaves_it_out(void **state) {
  (void)state;
  s->config.where = "record.mach == 'document.approval'"; /* admin records have no machine */
  scene_add(20);
  scene_start();
  WAIT_FOR(scene_status().seq == 20);
  assert_int_equal(s->got_count, 18);
  assert_true(scene_status().where_faults == 2);
}

static void a_where_that_cannot_be_read_is_a_fault_of_the_start(void **state) {
  (void)state;
  fsm_error err = {0};
  s->config.where = "record.kind = ";
  fsm__outbox_options options = scene_options();
  assert_int_equal(fsm__outbox_start(&options, &s->outbox, &err), FSM_EEXPRESSION);
  assert_string_equal(err.where, "scene");
  assert_non_null(strstr(err.text, "where, "));
}

static void route(fsm__routing *routing, const char *name, uint64_t seq, const char *kind) {
  fsm_value sinks = fsm_string("scene"), kinds = fsm_string(kind);
  fsm_pair pairs[2] = {{fsm_string("kind"), kinds}, {fsm_string("sinks"), fsm_list(&sinks, 1)}};
  fsm_value document;
  assert_int_equal(fsm_map(pairs, 2, &document, NULL), FSM_OK);
  assert_int_equal(fsm__routing_add(routing, name, seq, &document, NULL), FSM_OK);
}

static void a_routed_sink_gets_what_the_routes_of_that_time_give_it(void **state) {
  (void)state;
  fsm__routing *routing;
  fsm_value removed = fsm_null();
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  route(routing, "admins", 15, "admin");
  assert_int_equal(fsm__routing_add(routing, "admins", 45, &removed, NULL), FSM_OK);
  s->config.routed = true;
  scene_add(60);
  fsm__outbox_options options = scene_options();
  options.routing = routing;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 60);
  assert_int_equal(s->got_count, 3);
  for (size_t i = 0; i < 3; i++) assert_true(s->got[i].seq == 20 + 10 * i);
  scene_stop();
  fsm__routing_free(routing);
}

static void a_routed_sink_without_routes_gets_nothing(void **state) {
  (void)state;
  s->config.routed = true;
  scene_add(20);
  scene_start();
  WAIT_FOR(scene_status().seq == 20);
  assert_int_equal(s->got_count, 0);
}

static void what_may_not_be_shown_is_parked(void **state) {
  (void)state;
  fsm__masks *masks;
  assert_int_equal(fsm__masks_new(&masks, NULL), FSM_OK); /* the machine of the records is not known to it */
  scene_add(10);
  fsm__outbox_options options = scene_options();
  options.masks = masks;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 10);
  assert_int_equal(s->got_count, 1); /* the record of the store has no machine */
  assert_true(scene_status().parked == 9);
  scene_stop();
  fsm__masks_free(masks);
}

/* ---- batches ---- */

static void a_full_batch_goes_at_once_and_the_rest_when_nothing_follows(void **state) {
  (void)state;
  s->sink.flush = scene_flush;
  s->config.batch = 40;
  scene_add(100);
  scene_start();
  WAIT_FOR(scene_status().seq == 100);
  assert_true(s->largest == 40 && s->flushes == 3);
}

static void a_batch_of_so_many_bytes_is_full(void **state) {
  (void)state;
  s->sink.flush = scene_flush;
  s->config.batch_bytes = 1; /* each record is more */
  scene_add(10);
  scene_start();
  WAIT_FOR(scene_status().seq == 10);
  assert_true(s->largest == 1 && s->flushes == 10);
}

static void a_batch_that_is_not_full_lingers_and_a_stop_sends_it(void **state) {
  (void)state;
  s->sink.flush = scene_flush;
  s->config.linger_ns = INT64_C(60000000000);
  scene_add(10);
  scene_start();
  WAIT_FOR(scene_got(false) == 10);
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  assert_true(scene_status().seq == 0);
  scene_stop();
  assert_int_equal(s->flushes, 1);
  assert_true(scene_cursor().seq == 10);
  s->config.linger_ns = 20000000;
  scene_add(5);
  scene_start();
  WAIT_FOR(scene_status().seq == 15);
}

/* ---- what the other side lost ---- */

static void what_is_not_settled_is_kept_and_what_was_lost_is_given_again(void **state) {
  (void)state;
  s->sink.reconcile = scene_reconcile;
  scene_add(30);
  s->lost = (fsm__sink_lost){.from = 5, .to = 99}; /* as if after a restart; at most up to the cursor */
  fsm__outbox_options options = scene_options();
  options.reconcile_ns = 20000000;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 30);
  assert_true(scene_status().settled_seq == 0);
  LOCKED(s->lost.from = 5; s->settled = 4);
  WAIT_FOR(scene_status().repaired == 26);
  for (size_t i = 30; i < 56; i++) assert_true(s->got[i].repair && s->got[i].seq == i - 25);
  WAIT_FOR(scene_status().settled_seq == 4);
  scene_stop();
  assert_true(s->reconciles > 1);
  fsm__cursor c = scene_cursor();
  assert_true(c.seq == 30 && c.settled_seq == 4);
}

static void an_acknowledgement_is_final_for_a_sink_that_never_looks_back(void **state) {
  (void)state;
  scene_add(30);
  scene_start();
  WAIT_FOR(scene_status().seq == 30);
  scene_stop();
  assert_true(scene_cursor().settled_seq == 30);
}

/* ---- what is told ---- */

static void failing_for_long_is_on_record_once_and_its_end_too(void **state) {
  (void)state;
  s->away = true;
  scene_add(3);
  scene_start();
  WAIT_FOR(noted("failed") == 1);
  assert_true(scene_status().failing_since_ns > 0 && !scene_status().connected);
  assert_int_equal(noted("recovered"), 0);
  LOCKED(s->away = false);
  WAIT_FOR(scene_status().seq == 3 && noted("recovered") == 1);
  assert_true(scene_status().failing_since_ns == 0 && scene_status().connected);
  LOCKED(s->away = true; s->life++); /* again within the minute: no second pair */
  fsm__outbox_wake(s->outbox);
  WAIT_FOR(!scene_status().connected);
  nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
  assert_int_equal(noted("failed"), 1);
}

static void a_fault_that_passes_soon_is_not_on_record(void **state) {
  (void)state;
  s->away = true;
  scene_add(3);
  fsm__outbox_options options = scene_options();
  options.failing_ns = INT64_C(60000000000);
  scene_start_with(&options);
  WAIT_FOR(scene_prepared() > 3);
  LOCKED(s->away = false);
  WAIT_FOR(scene_status().seq == 3);
  assert_int_equal(s->note_count, 0);
}

static void lag_is_told_in_records_and_in_time(void **state) {
  (void)state;
  s->away = true;
  scene_add(12);
  scene_start();
  WAIT_FOR(scene_prepared() > 0);
  fsm__outbox_status now = scene_status();
  assert_true(now.lag == 12 && now.durable_seq == 12);
  assert_true(now.lag_ns > INT64_C(1000000000) * 3600 * 24 * 365); /* the records are of 2023 */
  LOCKED(s->away = false);
  WAIT_FOR(scene_status().seq == 12);
  now = scene_status();
  assert_true(now.lag == 0 && now.lag_ns == 0 && now.last_ok_ns > 0 && now.rate > 0);
}

static void an_order_to_a_sink_that_is_stopped_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  scene_start();
  fsm__outbox_stop(s->outbox);
  assert_int_equal(fsm__outbox_clear(s->outbox, NULL, NULL, &err), FSM_ECLOSED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_up, scene_down)
  const struct CMUnitTest tests[] = {
      TEST(a_where_leaves_out_and_after_names_the_one_before),
      TEST(what_is_left_out_is_passed_only_with_what_is_before_it),
      TEST(a_cursor_that_goes_back_knows_what_was_sent_last),
      TEST(a_level_leaves_out_what_is_below_it),
      TEST(a_where_that_fails_on_a_record_is_counted_and_leaves_it_out),
      TEST(a_where_that_cannot_be_read_is_a_fault_of_the_start),
      TEST(a_routed_sink_gets_what_the_routes_of_that_time_give_it),
      TEST(a_routed_sink_without_routes_gets_nothing),
      TEST(what_may_not_be_shown_is_parked),
      TEST(a_full_batch_goes_at_once_and_the_rest_when_nothing_follows),
      TEST(a_batch_of_so_many_bytes_is_full),
      TEST(a_batch_that_is_not_full_lingers_and_a_stop_sends_it),
      TEST(what_is_not_settled_is_kept_and_what_was_lost_is_given_again),
      TEST(an_acknowledgement_is_final_for_a_sink_that_never_looks_back),
      TEST(failing_for_long_is_on_record_once_and_its_end_too),
      TEST(a_fault_that_passes_soon_is_not_on_record),
      TEST(lag_is_told_in_records_and_in_time),
      TEST(an_order_to_a_sink_that_is_stopped_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

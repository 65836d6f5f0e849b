/* test_sink_file_resume.c: where a file sink goes on, by what is in its files; and files that are another
 * journal's stop it. */
#include "tests/sink_file_open.h"

static fsm__sink *another(void) {
  fsm__sink *sink = scene_sink(s);
  return sink;
}

/* ---- going on ------------------------------------------------------------------------------------ */

static void of_any_format_what_is_there_is_known_or_given_again(void **state) {
  (void)state;
  static const char *const telling[] = {"json", "msgpack", "ecs", "cloudevents"};
  unsigned tell = 0;
  for (const char *const *name = fsm__format_names(); *name != NULL; name++) {
    s->config.format.format = *name;
    s->config.name = *name;
    s->cursor = (fsm__cursor){.seq = 0};
    scene_again(s);
    scene_ready(s);
    for (unsigned i = 0; i < SCENE_RECORDS_MAX; i++) s->acks[i] = FSM_CODE_COUNT;
    scene_gives(s, 1, 10);
    scene_again(s);
    s->cursor.seq = s->cursor.sent_seq = 5;
    scene_ready(s);
    bool tells = false;
    for (unsigned i = 0; i < sizeof telling / sizeof *telling; i++)
      tells = tells || strcmp(*name, telling[i]) == 0;
    if (s->cursor.seq != (tells ? 10 : 5)) fail_msg("%s: %llu", *name, (unsigned long long)s->cursor.seq);
    tell += tells;
  }
  assert_int_equal(tell, sizeof telling / sizeof *telling);
}

static void a_cursor_behind_the_file_goes_forward(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 200);
  for (uint64_t at = 0; at <= 200; at += 40) {
    scene_again(s);
    s->cursor.seq = s->cursor.sent_seq = at;
    scene_ready(s);
    assert_int_equal(s->cursor.seq, 200);
  }
  scene_gives(s, 201, 210);
  scene_holds(s, 210);
}

static void it_goes_forward_over_a_rotation_too(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 50);
  scene_now += INT64_C(3600) * 1000000000;
  scene_gives(s, 51, 60);
  scene_again(s);
  s->cursor.seq = s->cursor.sent_seq = 30; /* in the closed one */
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 60);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_again(s);
  s->cursor.seq = s->cursor.sent_seq = 30;
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 50);
}

static void it_does_not_go_forward_over_a_record_that_is_missing(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 10);
  for (uint64_t seq = 12; seq <= 20; seq++)
    assert_int_equal(scene_publish(s, seq), FSM_OK); /* 11 was parked */
  assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
  scene_again(s);
  s->cursor.seq = s->cursor.sent_seq = 5;
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 10);
  s->view.all = false; /* which are wanted is not the sink's to know */
  s->cursor.seq = s->cursor.sent_seq = 5;
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 5);
}

static void a_file_that_lost_its_end_takes_the_cursor_back(void **state) {
  (void)state;
  size_t len;
  scene_ready(s);
  scene_gives(s, 1, 20);
  char *text = scene_text(s, "log-current.ndjson", &len);
  const char *at = text;
  for (unsigned i = 0; i < 12; i++) at = strchr(at, '\n') + 1;
  assert_int_equal(truncate(scene_path(s, "log-current.ndjson"), at - text + 30), 0); /* 12 and a torn one */
  free(text);
  scene_again(s);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 12);
  scene_gives(s, 13, 25);
  scene_holds(s, 25);
}

static void where_few_are_wanted_the_last_one_given_is_what_must_be_there(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 20);
  s->cursor.seq = 90; /* 21 to 90 were left out */
  scene_again(s);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 90);
}

static void a_torn_line_is_cut_off(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 20);
  int fd = open(scene_path(s, "log-current.ndjson"), O_WRONLY | O_APPEND | O_CLOEXEC);
  assert_int_equal(write(fd, "{\"seq\":21,\"x", 12), 12);
  close(fd);
  scene_again(s);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 20);
  scene_gives(s, 21, 22);
  scene_holds(s, 22);
}

static void a_repair_that_stands_last_takes_nothing_back(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 20);
  scene_gives(s, 3, 4); /* given again */
  scene_again(s);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 20);
}

/* ---- others -------------------------------------------------------------------------------------- */

static void two_writers_of_the_same_files_are_refused(void **state) {
  (void)state;
  fsm__cursor cursor = {.seq = 0};
  scene_ready(s);
  fsm__sink *second = another();
  assert_int_equal(second->prepare(second, &s->view, &cursor, &s->err), FSM_ELOCKED);
  s->config.name = "other"; /* the same directory, other files */
  fsm__sink *third = another();
  s->config.name = "log";
  assert_int_equal(third->prepare(third, &s->view, &cursor, &s->err), FSM_OK);
  third->free(third);
  scene_again(s);
  assert_int_equal(second->prepare(second, &s->view, &cursor, &s->err), FSM_OK);
  assert_int_equal(scene_prepare(s), FSM_ELOCKED);
  second->free(second);
  scene_ready(s);
}

static void files_of_another_journal_stop_it_until_they_are_set_aside(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 10);
  scene_now += INT64_C(3600) * 1000000000;
  scene_gives(s, 11, 20);
  scene_again(s);
  s->f.origin.store[0] ^= 1;
  s->cursor = (fsm__cursor){.seq = 0};
  assert_int_equal(scene_prepare(s), FSM_EVERIFY);
  assert_non_null(strstr(s->err.text, "another store or partition"));
  assert_non_null(strstr(s->err.text, "outbox clear"));
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  assert_int_equal(scene_prepare(s), FSM_EVERIFY); /* by the closed one */
  s->sink->clear(s->sink);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 0);
  scene_gives(s, 1, 5);
  scene_holds(s, 5);
  scene_again(s);
  scene_ready(s); /* for good */
}

static fsm_code other_leaf(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  fsm_code code = scene_leaf_of(arg, seq, out, err);
  out->bytes[3] ^= 1;
  return code;
}

static void another_record_in_the_file_than_in_the_journal_stops_it(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 10);
  scene_again(s);
  s->view.leaf_of = other_leaf;
  assert_int_equal(scene_prepare(s), FSM_EVERIFY);
  assert_non_null(strstr(s->err.text, "another record 10"));
}

static void a_file_that_is_ahead_of_the_journal_stops_it(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 10);
  scene_again(s);
  s->view.durable_seq = 9;
  s->cursor.seq = 9;
  s->view.first_seq = 1;
  assert_int_equal(s->sink->prepare(s->sink, &s->view, &s->cursor, &s->err), FSM_EVERIFY);
  assert_non_null(strstr(s->err.text, "journal ends at 9"));
}

static uint64_t forked_at_15(void *arg, uint32_t epoch) {
  (void)arg;
  return epoch == 1 ? 15 : 300;
}

static void records_of_a_branch_that_is_no_more_are_left_and_gone_on_behind(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 20);
  scene_again(s);
  s->view.epoch_end = forked_at_15;
  s->view.origin.epoch = 2;
  s->cursor.seq = s->cursor.sent_seq = 15;
  s->view.first_seq = 1;
  s->view.durable_seq = 15;
  assert_int_equal(s->sink->prepare(s->sink, &s->view, &s->cursor, &s->err), FSM_OK);
  assert_int_equal(s->cursor.seq, 15);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(of_any_format_what_is_there_is_known_or_given_again),
      T(a_cursor_behind_the_file_goes_forward),
      T(it_goes_forward_over_a_rotation_too),
      T(it_does_not_go_forward_over_a_record_that_is_missing),
      T(a_file_that_lost_its_end_takes_the_cursor_back),
      T(where_few_are_wanted_the_last_one_given_is_what_must_be_there),
      T(a_torn_line_is_cut_off),
      T(a_repair_that_stands_last_takes_nothing_back),
      T(two_writers_of_the_same_files_are_refused),
      T(files_of_another_journal_stop_it_until_they_are_set_aside),
      T(another_record_in_the_file_than_in_the_journal_stops_it),
      T(a_file_that_is_ahead_of_the_journal_stops_it),
      T(records_of_a_branch_that_is_no_more_are_left_and_gone_on_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_sink_file.c: what is acknowledged is in a file, whole and in order, whatever is rotated by size or by
 * the clock. */
#include "tests/sink_file_open.h"

/* ---- the files ----------------------------------------------------------------------------------- */

static void records_stand_in_the_open_file_when_they_are_acknowledged(void **state) {
  (void)state;
  struct stat st;
  scene_ready(s);
  assert_int_equal(scene_publish(s, 1), FSM_OK);
  assert_int_equal(s->acked, 0); /* gathered */
  assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
  assert_int_equal(s->acked, 1);
  scene_gives(s, 2, 100);
  scene_holds(s, 100);
  const scene_files files = scene_list(s);
  assert_int_equal(files.count, 1);
  assert_string_equal(files.names[0], "log-current.ndjson");
  umask(0);
  assert_int_equal(stat(scene_path(s, files.names[0]), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
}

static void of_a_large_batch_the_front_is_written_early_and_counts_only_with_the_rest(void **state) {
  (void)state;
  static uint64_t seqs[2000];
  struct stat st;
  scene_ready(s);
  publish_all_of_them(3);
  assert_int_equal(stat(scene_path(s, "log-current.ndjson"), &st), 0);
  assert_true(st.st_size >= 512 * 1024);
  assert_int_equal(s->acked, 0);
  assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
  assert_int_equal(s->acked, 300);
  assert_int_equal(scene_seqs(s, seqs, 2000), 900);
  for (unsigned i = 0; i < 900; i++) assert_int_equal(seqs[i], i % 300 + 1);
}

static void an_hour_that_is_over_is_closed_before_the_next_record(void **state) {
  (void)state;
  scene_ready(s);
  scene_now = INT64_C(1700002799) * 1000000000; /* 2023-11-14T22:59:59Z */
  scene_gives(s, 1, 10);
  scene_now += INT64_C(999999999);
  scene_gives(s, 11, 20);
  scene_now += 1; /* 23:00 */
  scene_gives(s, 21, 30);
  const scene_files files = scene_list(s);
  assert_int_equal(files.count, 2);
  assert_string_equal(files.names[0], "log-20231114T225959Z-00000000000000000001.ndjson");
  scene_holds(s, 30);
}

static void a_batch_over_the_hour_is_split_there(void **state) {
  (void)state;
  size_t len;
  scene_ready(s);
  scene_now = INT64_C(1700002799) * 1000000000;
  for (uint64_t seq = 1; seq <= 10; seq++) {
    if (seq == 6) scene_now += INT64_C(1000000000);
    assert_int_equal(scene_publish(s, seq), FSM_OK);
  }
  assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
  scene_holds(s, 10);
  const scene_files files = scene_list(s);
  assert_int_equal(files.count, 2);
  char *text = scene_text(s, files.names[1], &len);
  assert_non_null(strstr(text, "\"seq\":6,"));
  assert_null(strstr(text, "\"seq\":5,"));
  free(text);
}

static void an_hour_is_closed_also_when_nothing_follows(void **state) {
  (void)state;
  fsm__sink_lost lost = {.from = 0};
  scene_ready(s);
  scene_gives(s, 1, 10);
  assert_int_equal(s->sink->reconcile(s->sink, &s->view, &s->cursor, &lost, &s->err), FSM_OK);
  assert_string_equal(scene_list(s).names[0], "log-current.ndjson");
  assert_int_equal(s->cursor.settled_seq, 10);
  scene_now += INT64_C(3600) * 1000000000;
  assert_int_equal(s->sink->reconcile(s->sink, &s->view, &s->cursor, &lost, &s->err), FSM_OK);
  assert_int_equal(scene_list(s).count, 1);
  assert_false(scene_is_open_name(scene_list(s).names[0]));
  scene_gives(s, 11, 20);
  scene_holds(s, 20);
}

static void files_are_closed_by_size_and_no_record_spans_two(void **state) {
  (void)state;
  struct stat st;
  s->config.rotate_bytes = 8000;
  scene_again(s);
  scene_ready(s);
  scene_gives(s, 1, 100); /* many files of one batch */
  for (uint64_t seq = 101; seq <= 150; seq++) scene_gives(s, seq, seq);
  scene_holds(s, 150);
  const scene_files files = scene_list(s);
  assert_true(files.count > 5);
  for (unsigned i = 0; i < files.count; i++) {
    assert_int_equal(stat(scene_path(s, files.names[i]), &st), 0);
    assert_in_range(st.st_size, i + 1 < files.count ? 8000 - 2000 : 1, 8000);
  }
}

static void an_empty_file_is_named_after_its_first_record(void **state) {
  (void)state;
  scene_ready(s);
  const int fd = open(scene_path(s, "log-current.ndjson"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && close(fd) == 0); /* as a kill leaves it that comes right behind its making */
  scene_again(s);
  scene_ready(s);
  scene_gives(s, 1, 10);
  scene_now += INT64_C(3600) * 1000000000;
  scene_gives(s, 11, 20);
  assert_non_null(strstr(scene_list(s).names[0], "Z-00000000000000000001.ndjson"));
  scene_holds(s, 20);
}

/* Also when records come once more within a second, and when the clock goes back. */
static void names_sort_as_the_files_came(void **state) {
  (void)state;
  uint64_t expected[128], last = 0;
  unsigned count = 0, n = 0;
  s->config.rotate_bytes = 8000;
  scene_again(s);
  scene_ready(s);
  static const uint64_t rounds[][2] = {{1, 40}, {6, 40}, {41, 80}};
  for (unsigned i = 0; i < 3; i++) {
    if (i == 2) scene_now -= INT64_C(3600) * 1000000000;
    scene_gives(s, rounds[i][0], rounds[i][1]);
    for (uint64_t seq = rounds[i][0]; seq <= rounds[i][1]; seq++) expected[count++] = seq;
  }
  const scene_files files = scene_list(s);
  assert_true(files.count > 8);
  for (unsigned i = 0; i < files.count; i++) {
    size_t len;
    char *text = scene_text(s, files.names[i], &len);
    for (const char *at = text; (at = strstr(at, "\"seq\":")) != NULL; at++) {
      last = strtoull(at + 6, NULL, 10);
      if (n == count || last != expected[n]) fail_msg("%s: %d", files.names[i], (int)last);
      n++;
    }
    free(text);
  }
  assert_int_equal(n, count);
}

static void a_record_larger_than_a_file_has_one_of_its_own(void **state) {
  (void)state;
  s->config.rotate_bytes = 100;
  scene_again(s);
  scene_ready(s);
  scene_gives(s, 1, 5);
  scene_holds(s, 5);
  assert_int_equal(scene_list(s).count, 5);
}

static void msgpack_is_length_and_stored_bytes(void **state) {
  (void)state;
  size_t len;
  fsm__journal_entry entry;
  s->config.format.format = "msgpack";
  scene_again(s);
  scene_ready(s);
  scene_gives(s, 1, 9);
  uint8_t *data = (uint8_t *)scene_text(s, "log-current.msgpack", &len), *at = data;
  for (uint64_t seq = 1; seq <= 9; seq++) {
    assert_int_equal(fsm__journal_read(s->reader, seq, &entry, &s->err), FSM_OK);
    assert_int_equal(at[0] | at[1] << 8 | at[2] << 16 | at[3] << 24, entry.record.len);
    assert_memory_equal(at + 4, entry.record.data, entry.record.len);
    at += 4 + entry.record.len;
  }
  assert_ptr_equal(at, data + len);
  free(data);
  int fd = open(scene_path(s, "log-current.msgpack"), O_WRONLY | O_APPEND | O_CLOEXEC);
  assert_int_equal(write(fd, "\x50\0\0\0torn", 8), 8);
  close(fd);
  scene_again(s);
  s->cursor.seq = s->cursor.sent_seq = 4;
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 9);
  scene_gives(s, 10, 10);
  scene_again(s);
  s->cursor.seq = s->cursor.sent_seq = 9;
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 10);
}

/* ---- others -------------------------------------------------------------------------------------- */

static void a_record_that_the_format_cannot_hold_is_rejected_alone(void **state) {
  (void)state;
  scene_ready(s);
  assert_int_equal(scene_publish(s, 1), FSM_OK);
  fsm__sink_record bad = {.ticket = 2,
                          .out = {.origin = s->f.origin, .data = "no record", .len = 9, .seq = 2}};
  assert_int_equal(s->sink->publish(s->sink, &bad, &s->err), FSM_OK);
  assert_int_equal(s->acks[2], FSM_EDATA);
  assert_int_equal(scene_publish(s, 3), FSM_OK);
  assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
  assert_int_equal(s->acks[1], FSM_OK);
  assert_int_equal(s->acks[3], FSM_OK);
  uint64_t seqs[4];
  assert_int_equal(scene_seqs(s, seqs, 4), 2);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(records_stand_in_the_open_file_when_they_are_acknowledged),
      T(of_a_large_batch_the_front_is_written_early_and_counts_only_with_the_rest),
      T(an_hour_that_is_over_is_closed_before_the_next_record),
      T(a_batch_over_the_hour_is_split_there),
      T(an_hour_is_closed_also_when_nothing_follows),
      T(files_are_closed_by_size_and_no_record_spans_two),
      T(an_empty_file_is_named_after_its_first_record),
      T(names_sort_as_the_files_came),
      T(a_record_larger_than_a_file_has_one_of_its_own),
      T(msgpack_is_length_and_stored_bytes),
      T(a_record_that_the_format_cannot_hold_is_rejected_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

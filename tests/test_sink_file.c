/* test_sink_file.c: what is acknowledged is in a file, whole and in order, whatever is rotated, moved, cut or
 * crashes; and files that are another journal's stop the sink. */
#include <sys/wait.h>

#include "tests/sink_file_scene.h"

#include "tests/scratch_disk.h"

static scene *s;

static int begin(void **state) {
  (void)state;
  s = calloc(1, sizeof *s);
  scene_begin(s, 300);
  return 0;
}

static int end(void **state) {
  (void)state;
  scene_end(s);
  free(s);
  return 0;
}

static fsm__sink *another(void) {
  fsm__sink *sink = scene_sink(s);
  return sink;
}

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

static void publish_all_of_them(unsigned times) {
  for (unsigned i = 0; i < times; i++)
    for (uint64_t seq = 1; seq <= 300; seq++) assert_int_equal(scene_publish(s, seq), FSM_OK);
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

static void a_file_taken_away_with_the_front_of_a_batch_is_followed_by_all_of_it(void **state) {
  (void)state;
  static uint64_t seqs[2000];
  scene_ready(s);
  for (unsigned deleted = 0; deleted < 2; deleted++) {
    publish_all_of_them(3);
    if (deleted)
      assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
    else
      assert_int_equal(truncate(scene_path(s, "log-current.ndjson"), 1000), 0);
    publish_all_of_them(1);
    assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
    const unsigned count = scene_seqs(s, seqs, 2000);
    assert_true(count >= 1200);
    for (unsigned i = 0; i < 1200; i++) assert_int_equal(seqs[count - 1200 + i], i % 300 + 1);
  }
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

/* ---- whoever takes files away -------------------------------------------------------------------- */

static void a_file_that_was_moved_away_is_followed_by_a_new_one(void **state) {
  (void)state;
  char to[256];
  scene_ready(s);
  scene_gives(s, 1, 10);
  snprintf(to, sizeof to, "%s/log-00000000T000000Z-taken.ndjson", s->dir);
  assert_int_equal(rename(scene_path(s, "log-current.ndjson"), to), 0);
  scene_gives(s, 11, 20);
  assert_int_equal(scene_list(s).count, 2);
  scene_holds(s, 20);
}

static void a_file_that_was_deleted_is_not_missed_and_loses_nothing_later(void **state) {
  (void)state;
  uint64_t seqs[32];
  scene_ready(s);
  scene_gives(s, 1, 10);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_gives(s, 11, 20);
  assert_int_equal(scene_seqs(s, seqs, 32), 10);
  assert_int_equal(seqs[0], 11);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_again(s);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 20); /* taken, not lost */
}

static void one_that_was_emptied_in_place_is_gone_on_with(void **state) {
  (void)state;
  uint64_t seqs[32];
  scene_ready(s);
  scene_gives(s, 1, 10);
  assert_int_equal(truncate(scene_path(s, "log-current.ndjson"), 0), 0);
  scene_gives(s, 11, 12);
  assert_int_equal(scene_seqs(s, seqs, 32), 2);
  assert_int_equal(seqs[0], 11);
}

static void a_directory_that_is_gone_is_told_and_come_back_to(void **state) {
  (void)state;
  char aside[128];
  scene_ready(s);
  scene_gives(s, 1, 10);
  snprintf(aside, sizeof aside, "%s/aside", s->f.dir);
  assert_int_equal(rename(s->dir, aside), 0);
  assert_int_equal(scene_give(s, 11, 12), FSM_ENOTFOUND);
  assert_string_equal(s->err.where, s->dir);
  assert_int_equal(scene_prepare(s), FSM_ENOTFOUND); /* not made anew: it may be mounted again */
  assert_int_equal(rename(aside, s->dir), 0);
  scene_ready(s);
  scene_gives(s, 11, 12);
  scene_holds(s, 12);
}

static void a_directory_that_may_not_be_written_is_told(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 10);
  s->sink->free(s->sink);
  assert_int_equal(chmod(s->dir, 0500), 0);
  s->sink = scene_sink(s);
  pid_t pid = fork(); /* root may write anywhere */
  if (pid == 0) {
    bool good = geteuid() != 0 || (chown(s->f.dir, 1234, 1234) == 0 && chown(s->dir, 1234, 1234) == 0 &&
                                   setgid(1234) == 0 && setuid(1234) == 0);
    _exit(good && scene_prepare(s) == FSM_EPERMISSION ? 0 : 1);
  }
  int status = 1;
  waitpid(pid, &status, 0);
  assert_int_equal(chmod(s->dir, 0700), 0);
  assert_int_equal(status, 0);
}

static void what_is_no_file_under_its_name_is_refused(void **state) {
  (void)state;
  char link_to[128];
  scene_ready(s);
  snprintf(link_to, sizeof link_to, "%s/elsewhere", s->f.dir);
  assert_int_equal(symlink(link_to, scene_path(s, "log-current.ndjson")), 0);
  assert_int_equal(scene_prepare(s), FSM_EPERMISSION);
  assert_int_equal(scene_give(s, 1, 2), FSM_EPERMISSION);
  assert_int_not_equal(access(link_to, F_OK), 0);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_ready(s);
  scene_gives(s, 1, 2);
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

/* ---- a full disk --------------------------------------------------------------------------------- */

static void on_a_full_disk_it_waits_and_nothing_is_lost_or_torn(void **state) {
  (void)state;
  scene_ready(s);
  s->sink->free(s->sink);
  if (!disk_mount(s->dir, 1 << 20)) {
    s->sink = scene_sink(s);
    skip();
  }
  s->sink = scene_sink(s);
  scene_ready(s);
  scene_gives(s, 1, 50);
  disk_leave(s->dir, 0);
  fsm_code code = FSM_OK;
  uint64_t seq = 51;
  for (; seq <= 200 && code == FSM_OK; seq += code == FSM_OK) code = scene_give(s, seq, seq);
  assert_int_equal(code, FSM_EFULL);
  assert_int_equal(scene_give(s, seq, 300), FSM_EFULL);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, seq - 1);
  assert_int_equal(scene_give(s, seq, 300), FSM_EFULL);
  scene_holds(s, seq - 1); /* no torn end either */
  disk_drop_ballast(s->dir);
  scene_ready(s);
  scene_gives(s, seq, 300);
  scene_holds(s, 300);
  disk_unmount(s->dir);
}

int main(void) {
  const bool own_disks = disk_space_of_our_own();
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(records_stand_in_the_open_file_when_they_are_acknowledged),
      T(of_a_large_batch_the_front_is_written_early_and_counts_only_with_the_rest),
      T(a_file_taken_away_with_the_front_of_a_batch_is_followed_by_all_of_it),
      T(an_hour_that_is_over_is_closed_before_the_next_record),
      T(a_batch_over_the_hour_is_split_there),
      T(an_hour_is_closed_also_when_nothing_follows),
      T(files_are_closed_by_size_and_no_record_spans_two),
      T(an_empty_file_is_named_after_its_first_record),
      T(names_sort_as_the_files_came),
      T(a_record_larger_than_a_file_has_one_of_its_own),
      T(msgpack_is_length_and_stored_bytes),
      T(of_any_format_what_is_there_is_known_or_given_again),
      T(a_cursor_behind_the_file_goes_forward),
      T(it_goes_forward_over_a_rotation_too),
      T(it_does_not_go_forward_over_a_record_that_is_missing),
      T(a_file_that_lost_its_end_takes_the_cursor_back),
      T(where_few_are_wanted_the_last_one_given_is_what_must_be_there),
      T(a_torn_line_is_cut_off),
      T(a_repair_that_stands_last_takes_nothing_back),
      T(a_file_that_was_moved_away_is_followed_by_a_new_one),
      T(a_file_that_was_deleted_is_not_missed_and_loses_nothing_later),
      T(one_that_was_emptied_in_place_is_gone_on_with),
      T(a_directory_that_is_gone_is_told_and_come_back_to),
      T(a_directory_that_may_not_be_written_is_told),
      T(what_is_no_file_under_its_name_is_refused),
      T(two_writers_of_the_same_files_are_refused),
      T(files_of_another_journal_stop_it_until_they_are_set_aside),
      T(another_record_in_the_file_than_in_the_journal_stops_it),
      T(a_file_that_is_ahead_of_the_journal_stops_it),
      T(records_of_a_branch_that_is_no_more_are_left_and_gone_on_behind),
      T(a_record_that_the_format_cannot_hold_is_rejected_alone),
      T(on_a_full_disk_it_waits_and_nothing_is_lost_or_torn),
  };
  if (!own_disks) print_message("no mount namespace: the test of a full disk is skipped\n");
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_cursors.c: the sinks' positions on disk. */
#include "runtime/cursors.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/crc32c.h"
#include "tests/tree.h"

static char dir[64];

static int up(void **state) {
  (void)state;
  strncpy(dir, "/tmp/fsm-cursors-XXXXXX", sizeof dir);
  return mkdtemp(dir) == NULL;
}

static int down(void **state) {
  (void)state;
  remove_tree(dir);
  return 0;
}

static const char *path(const char *name) {
  static char text[2][128];
  static unsigned next;
  char *out = text[next++ % 2];
  snprintf(out, sizeof text[0], "%s/%s", dir, name);
  return out;
}

static fsm__cursor cursor_of(const char *sink, uint64_t seq) {
  fsm__cursor c = {.epoch = 7,
                   .seq = seq,
                   .stream_created_ns = -5,
                   .stream_seq = UINT64_MAX - 1,
                   .sent_seq = seq / 2,
                   .settled_seq = seq / 3,
                   .settled_stream_seq = 99,
                   .stream_gone = 5,
                   .dropped_from = 12,
                   .dropped_to = 13,
                   .spilled = seq % 2 == 1};
  snprintf(c.sink, sizeof c.sink, "%s", sink);
  memset(c.leaf.bytes, (int)(seq & 0xff), sizeof c.leaf.bytes);
  return c;
}

static void save(const fsm__cursor *c) { assert_int_equal(fsm__cursor_save(dir, c, false, NULL), FSM_OK); }

static size_t file_bytes(const char *name, uint8_t *out, size_t max) {
  int fd = open(path(name), O_RDONLY);
  assert_true(fd >= 0);
  ssize_t n = read(fd, out, max);
  close(fd);
  assert_true(n >= 0);
  return (size_t)n;
}

static void write_bytes(const char *name, const void *data, size_t len) {
  int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, data, len), (ssize_t)len);
  close(fd);
}

static void seal(uint8_t *data, size_t len) {
  uint32_t crc = fsm__crc32c(0, data, len - 4);
  for (size_t i = 0; i < 4; i++) data[len - 4 + i] = (uint8_t)(crc >> (8 * i));
}

static void assert_same(const fsm__cursor *a, const fsm__cursor *b) {
  assert_string_equal(a->sink, b->sink);
  assert_true(a->epoch == b->epoch && a->seq == b->seq && a->stream_created_ns == b->stream_created_ns);
  assert_true(a->stream_seq == b->stream_seq && a->sent_seq == b->sent_seq && a->spilled == b->spilled);
  assert_true(a->settled_seq == b->settled_seq && a->settled_stream_seq == b->settled_stream_seq);
  assert_true(a->stream_gone == b->stream_gone);
  assert_true(a->dropped_from == b->dropped_from && a->dropped_to == b->dropped_to);
  assert_memory_equal(&a->leaf, &b->leaf, sizeof a->leaf);
}

/* What an earlier version wrote: magic, count, name, epoch, seq, leaf, created, stream seq; the checksum. */
static void write_old(const char *const *names, size_t count) {
  uint8_t data[2048] = {0}, *at = data + 12;
  memcpy(data, "FSMCUR01", 8);
  data[8] = (uint8_t)count;
  for (size_t i = 0; i < count; i++, at += 92) {
    memcpy(at, names[i], strlen(names[i]));
    at[32] = 3;                 /* epoch */
    at[36] = (uint8_t)(40 + i); /* seq */
    at[84] = (uint8_t)(50 + i); /* stream seq */
  }
  seal(data, (size_t)(at + 4 - data));
  write_bytes("cursors", data, (size_t)(at + 4 - data));
}

static void no_files_are_no_cursors(void **state) {
  (void)state;
  fsm__cursor cursors[FSM_CURSORS_MAX], one;
  size_t count = 99;
  bool there = true;
  assert_int_equal(fsm__cursors_load(dir, cursors, &count, NULL), FSM_OK);
  assert_int_equal(count, 0);
  assert_int_equal(fsm__cursor_load(dir, "nats", &one, &there, NULL), FSM_OK);
  assert_false(there);
}

static void what_was_saved_is_loaded(void **state) {
  (void)state;
  for (int durable = 0; durable < 2; durable++) {
    fsm__cursor nats = cursor_of("nats", 41), file = cursor_of("file", UINT64_C(1) << 60);
    fsm__cursor found[FSM_CURSORS_MAX], one;
    size_t count = 0;
    bool there = false;
    nats.seq += (unsigned)durable;
    assert_int_equal(fsm__cursor_save(dir, &nats, durable, NULL), FSM_OK);
    assert_int_equal(fsm__cursor_save(dir, &file, durable, NULL), FSM_OK);
    assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
    assert_int_equal(count, 2);
    assert_same(&found[0], &file);
    assert_same(&found[1], &nats);
    assert_int_equal(fsm__cursor_load(dir, "nats", &one, &there, NULL), FSM_OK);
    assert_true(there);
    assert_same(&one, &nats);
  }
}

static void no_temporary_file_is_left_and_the_mode_is_private(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1);
  assert_int_equal(fsm__cursor_save(dir, &one, true, NULL), FSM_OK);
  struct stat st;
  assert_int_equal(stat(path("sinks/nats"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(access(path("sinks/nats.tmp"), F_OK), -1);
}

static void a_name_is_1_to_31_plain_characters(void **state) {
  (void)state;
  assert_true(fsm__sink_name_fits("abcdefghijklmnopqrstuvwxyz01234"));
  assert_true(fsm__sink_name_fits("A-z_9"));
  assert_false(fsm__sink_name_fits("abcdefghijklmnopqrstuvwxyz012345"));
  assert_false(fsm__sink_name_fits(""));
  fsm__cursor found;
  bool there;
  for (const char *const *name = (const char *const[]){"a.parked", "../x", "a/b", "", NULL}; *name; name++) {
    fsm__cursor c = cursor_of(*name, 1);
    assert_int_equal(fsm__cursor_save(dir, &c, false, NULL), FSM_EARGUMENT);
    assert_int_equal(fsm__cursor_load(dir, *name, &found, &there, NULL), FSM_EARGUMENT);
  }
}

static void sixteen_sinks_fit_and_a_seventeenth_does_not(void **state) {
  (void)state;
  fsm__cursor found[FSM_CURSORS_MAX], c;
  char name[32] = "sink00";
  size_t count = 0;
  fsm_error err = {0};
  for (int i = 0; i < FSM_CURSORS_MAX; i++) {
    snprintf(name, sizeof name, "sink%02d", i);
    c = cursor_of(name, (uint64_t)i);
    save(&c);
  }
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
  assert_int_equal(count, FSM_CURSORS_MAX);
  c.seq++;
  save(&c); /* one that is there already */
  c = cursor_of("another", 1);
  assert_int_equal(fsm__cursor_save(dir, &c, false, &err), FSM_EQUOTA);
  assert_non_null(strstr(err.text, "16 sinks already"));
  uint8_t data[256];
  write_bytes("sinks/by-hand", data, file_bytes("sinks/sink00", data, sizeof data));
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_EQUOTA);
}

static void any_flipped_bit_is_corruption_of_this_sink_alone(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 12345), other = cursor_of("file", 7), found[FSM_CURSORS_MAX], own;
  uint8_t data[256];
  save(&one);
  save(&other);
  size_t len = file_bytes("sinks/nats", data, sizeof data);
  for (size_t i = 0; i < len; i++) {
    size_t count = 0;
    bool there;
    fsm_error err = {0};
    data[i] ^= 0x10;
    write_bytes("sinks/nats", data, len);
    assert_int_equal(fsm__cursors_load(dir, found, &count, &err), FSM_ECORRUPT);
    assert_non_null(strstr(err.where, "/sinks/nats"));
    assert_int_equal(count, 1);
    assert_same(&found[0], &other);
    assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), FSM_ECORRUPT);
    assert_int_equal(fsm__cursor_load(dir, "file", &own, &there, NULL), FSM_OK);
    assert_int_equal(fsm__cursors_list(dir, found, &count, NULL), FSM_OK);
    assert_int_equal(count, 2);
    assert_string_equal(found[1].sink, "nats");
    data[i] ^= 0x10;
  }
}

/* Sealed, so that only what is wrong with it can tell. */
static void assert_refused(uint8_t *data, size_t len) {
  fsm__cursor own;
  bool there;
  seal(data, len);
  write_bytes("sinks/nats", data, len);
  assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), FSM_ECORRUPT);
}

static void what_no_cursor_can_say_is_corruption(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 100), own;
  uint8_t data[256], good[256];
  bool there;
  save(&one);
  size_t len = file_bytes("sinks/nats", good, sizeof good);
  memcpy(data, good, len);
  data[8 + 6] = 'x'; /* magic, "nats", a zero, another, this */
  assert_refused(data, len);
  memcpy(data, good, len);
  data[8] = 'g'; /* the cursor of another sink under this name */
  assert_refused(data, len);
  memcpy(data, good, len);
  data[len - 8] = 2; /* a flag that is not known */
  assert_refused(data, len);
  memcpy(data, good, len);
  data[len - 8 - 48] = 101; /* sent past what was acknowledged */
  assert_refused(data, len);
  memcpy(data, good, len);
  data[len - 8 - 40] = 101; /* settled past it */
  assert_refused(data, len);
  memcpy(data, good, len);
  data[len - 8 - 8] = 11; /* a range that ends before it begins */
  assert_refused(data, len);
  memcpy(data, good, len);
  data[len - 8 - 40] = 100;
  seal(data, len);
  write_bytes("sinks/nats", data, len);
  assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), FSM_OK);
  assert_true(own.settled_seq == 100);
}

static void any_other_length_is_corruption(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1), own;
  uint8_t data[8192] = {0};
  bool there;
  save(&one);
  size_t len = file_bytes("sinks/nats", data, sizeof data);
  for (size_t cut = 0; cut <= len + 1; cut++) {
    write_bytes("sinks/nats", data, cut);
    assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), cut == len ? FSM_OK : FSM_ECORRUPT);
  }
  write_bytes("sinks/nats", data, sizeof data);
  assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), FSM_ECORRUPT);
}

static void a_link_in_the_files_place_is_not_followed(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1), own;
  bool there;
  save(&one);
  assert_int_equal(rename(path("sinks/nats"), path("target")), 0);
  assert_int_equal(symlink(path("target"), path("sinks/nats")), 0);
  assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), FSM_EPERMISSION);
}

static void a_missing_directory_is_a_fault_with_its_path(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1);
  fsm_error err = {0};
  assert_int_equal(fsm__cursor_save(path("none"), &one, true, &err), FSM_ENOTFOUND);
  assert_non_null(strstr(err.where, "/none/sinks"));
}

static void other_files_beside_the_cursors_are_none(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1), found[FSM_CURSORS_MAX];
  size_t count = 0;
  save(&one);
  write_bytes("sinks/nats.parked", "x", 1);
  write_bytes("sinks/file.tmp", "x", 1);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
  assert_int_equal(count, 1);
}

/* ---- the file of all sinks ---- */

static void the_old_file_is_read_where_there_is_no_new_one(void **state) {
  (void)state;
  fsm__cursor found[FSM_CURSORS_MAX], own;
  size_t count = 0;
  bool there = false;
  write_old((const char *const[]){"nats", "file"}, 2);
  assert_int_equal(fsm__cursor_load(dir, "file", &own, &there, NULL), FSM_OK);
  assert_true(there && own.epoch == 3 && own.seq == 41 && own.stream_seq == 51);
  assert_true(own.sent_seq == 41 && own.settled_seq == 41 && own.settled_stream_seq == 51 && !own.spilled);
  own.seq = 60;
  assert_int_equal(fsm__cursor_save(dir, &own, true, NULL), FSM_OK);
  assert_int_equal(access(path("cursors"), F_OK), 0); /* "nats" lives in it */
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
  assert_int_equal(count, 2);
  assert_true(found[0].seq == 60 && found[1].seq == 40);
}

static void the_old_file_goes_when_each_sink_has_its_own(void **state) {
  (void)state;
  fsm__cursor own;
  bool there = false;
  write_old((const char *const[]){"nats", "file"}, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(access(path("cursors"), F_OK), 0);
    assert_int_equal(fsm__cursor_load(dir, i ? "nats" : "file", &own, &there, NULL), FSM_OK);
    assert_int_equal(fsm__cursor_save(dir, &own, false, NULL), FSM_OK);
    assert_int_equal(access(path("cursors"), F_OK), 0); /* what is not durable takes nothing's place */
    assert_int_equal(fsm__cursor_save(dir, &own, true, NULL), FSM_OK);
  }
  assert_int_equal(access(path("cursors"), F_OK), -1);
}

static void a_damaged_old_file_names_itself(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 9), found[FSM_CURSORS_MAX], own;
  size_t count = 0;
  bool there = false;
  fsm_error err = {0};
  save(&one);
  write_bytes("cursors", "damaged", 7);
  assert_int_equal(fsm__cursors_load(dir, found, &count, &err), FSM_ECORRUPT);
  assert_int_equal(count, 1);
  assert_non_null(strstr(err.where, "/cursors"));
  assert_int_equal(fsm__cursor_load(dir, "nats", &own, &there, NULL), FSM_OK);
  assert_int_equal(fsm__cursor_load(dir, "file", &own, &there, NULL), FSM_ECORRUPT);
}

static void a_sink_that_is_no_more_has_no_cursor(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 9), found[FSM_CURSORS_MAX];
  size_t count = 9;
  save(&one);
  assert_int_equal(fsm__cursor_remove(dir, "nats", NULL), FSM_OK);
  assert_int_equal(fsm__cursor_remove(dir, "nats", NULL), FSM_OK);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
  assert_int_equal(count, 0);
  write_old((const char *const[]){"nats", "file"}, 2);
  assert_int_equal(fsm__cursor_remove(dir, "nats", NULL), FSM_EBUSY);
  one = cursor_of("file", 50);
  save(&one);
  assert_int_equal(fsm__cursor_remove(dir, "nats", NULL), FSM_OK);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
  assert_int_equal(count, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(no_files_are_no_cursors),
      TEST(what_was_saved_is_loaded),
      TEST(no_temporary_file_is_left_and_the_mode_is_private),
      TEST(a_name_is_1_to_31_plain_characters),
      TEST(sixteen_sinks_fit_and_a_seventeenth_does_not),
      TEST(any_flipped_bit_is_corruption_of_this_sink_alone),
      TEST(what_no_cursor_can_say_is_corruption),
      TEST(any_other_length_is_corruption),
      TEST(a_link_in_the_files_place_is_not_followed),
      TEST(a_missing_directory_is_a_fault_with_its_path),
      TEST(other_files_beside_the_cursors_are_none),
      TEST(the_old_file_is_read_where_there_is_no_new_one),
      TEST(the_old_file_goes_when_each_sink_has_its_own),
      TEST(a_damaged_old_file_names_itself),
      TEST(a_sink_that_is_no_more_has_no_cursor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static char dir[64];

static int up(void **state) {
  (void)state;
  strncpy(dir, "/tmp/fsm-cursors-XXXXXX", sizeof dir);
  return mkdtemp(dir) == NULL;
}

static const char *path(const char *name) {
  static char text[128];
  snprintf(text, sizeof text, "%s/%s", dir, name);
  return text;
}

static int down(void **state) {
  (void)state;
  (void)unlink(path("cursors"));
  (void)unlink(path("target"));
  return rmdir(dir);
}

static fsm__cursor cursor_of(const char *sink, uint64_t seq) {
  fsm__cursor c = {.epoch = 7, .seq = seq, .stream_created_ns = -5, .stream_seq = UINT64_MAX - 1};
  snprintf(c.sink, sizeof c.sink, "%s", sink);
  memset(c.leaf.bytes, (int)(seq & 0xff), sizeof c.leaf.bytes);
  return c;
}

static size_t file_bytes(uint8_t *out, size_t max) {
  int fd = open(path("cursors"), O_RDONLY);
  assert_true(fd >= 0);
  ssize_t n = read(fd, out, max);
  close(fd);
  assert_true(n >= 0);
  return (size_t)n;
}

static void write_bytes(const uint8_t *data, size_t len) {
  int fd = open(path("cursors"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, data, len), (ssize_t)len);
  close(fd);
}

static void a_missing_file_is_no_cursors(void **state) {
  (void)state;
  fsm__cursor cursors[FSM_CURSORS_MAX];
  size_t count = 99;
  assert_int_equal(fsm__cursors_load(dir, cursors, &count, NULL), FSM_OK);
  assert_int_equal(count, 0);
}

static void what_was_saved_is_loaded(void **state) {
  (void)state;
  for (int durable = 0; durable < 2; durable++) {
    fsm__cursor saved[2] = {cursor_of("nats", 41), cursor_of("file", UINT64_C(1) << 60)},
                found[FSM_CURSORS_MAX];
    size_t count = 0;
    assert_int_equal(fsm__cursors_save(dir, saved, 2, durable, NULL), FSM_OK);
    assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
      assert_string_equal(found[i].sink, saved[i].sink);
      assert_int_equal(found[i].epoch, saved[i].epoch);
      assert_true(found[i].seq == saved[i].seq);
      assert_memory_equal(found[i].leaf.bytes, saved[i].leaf.bytes, FSM_HASH_BYTES);
      assert_true(found[i].stream_created_ns == saved[i].stream_created_ns);
      assert_true(found[i].stream_seq == saved[i].stream_seq);
    }
  }
}

static void no_temporary_file_is_left_and_the_mode_is_private(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1);
  assert_int_equal(fsm__cursors_save(dir, &one, 1, true, NULL), FSM_OK);
  struct stat st;
  assert_int_equal(stat(path("cursors"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(access(path("cursors.tmp"), F_OK), -1);
}

static void all_sixteen_fit_and_the_longest_name_too(void **state) {
  (void)state;
  fsm__cursor saved[FSM_CURSORS_MAX], found[FSM_CURSORS_MAX];
  for (size_t i = 0; i < FSM_CURSORS_MAX; i++) saved[i] = cursor_of("abcdefghijklmnopqrstuvwxyz01234", i);
  assert_int_equal(strlen(saved[0].sink), FSM_SINK_NAME_MAX);
  size_t count = 0;
  assert_int_equal(fsm__cursors_save(dir, saved, FSM_CURSORS_MAX, false, NULL), FSM_OK);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_OK);
  assert_int_equal(count, FSM_CURSORS_MAX);
  assert_true(found[FSM_CURSORS_MAX - 1].seq == FSM_CURSORS_MAX - 1);
  assert_string_equal(found[0].sink, saved[0].sink);
}

static void any_flipped_bit_is_corruption(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 12345), found[FSM_CURSORS_MAX];
  uint8_t data[4096];
  assert_int_equal(fsm__cursors_save(dir, &one, 1, false, NULL), FSM_OK);
  size_t len = file_bytes(data, sizeof data);
  for (size_t i = 0; i < len; i++) {
    size_t count = 77;
    fsm_error err = {0};
    data[i] ^= 0x10;
    write_bytes(data, len);
    assert_int_equal(fsm__cursors_load(dir, found, &count, &err), FSM_ECORRUPT);
    assert_int_equal(err.code, FSM_ECORRUPT);
    assert_non_null(strstr(err.where, "/cursors"));
    assert_int_equal(count, 77);
    data[i] ^= 0x10;
  }
}

static void bytes_behind_a_names_end_are_corruption(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1), found[FSM_CURSORS_MAX];
  uint8_t data[4096];
  size_t count = 0;
  assert_int_equal(fsm__cursors_save(dir, &one, 1, false, NULL), FSM_OK);
  size_t len = file_bytes(data, sizeof data);
  data[8 + 4 + 6] = 'x'; /* magic, count, "nats", a zero, another, this */
  uint32_t crc = fsm__crc32c(0, data, len - 4);
  for (size_t i = 0; i < 4; i++) data[len - 4 + i] = (uint8_t)(crc >> (8 * i));
  write_bytes(data, len);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_ECORRUPT);
}

static void any_other_length_is_corruption(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1), found[FSM_CURSORS_MAX];
  uint8_t data[8192] = {0};
  assert_int_equal(fsm__cursors_save(dir, &one, 1, false, NULL), FSM_OK);
  size_t len = file_bytes(data, sizeof data), count = 0;
  for (size_t cut = 0; cut < len; cut++) {
    write_bytes(data, cut);
    assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_ECORRUPT);
  }
  write_bytes(data, len + 1);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_ECORRUPT);
  write_bytes(data, sizeof data);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_ECORRUPT);
}

static void a_link_in_the_files_place_is_not_followed(void **state) {
  (void)state;
  fsm__cursor found[FSM_CURSORS_MAX];
  size_t count = 0;
  write_bytes((const uint8_t *)"x", 1);
  char target[128];
  snprintf(target, sizeof target, "%s/target", dir);
  assert_int_equal(rename(path("cursors"), target), 0);
  assert_int_equal(symlink(target, path("cursors")), 0);
  assert_int_equal(fsm__cursors_load(dir, found, &count, NULL), FSM_EIO);
}

static void a_missing_directory_is_a_fault_with_its_path(void **state) {
  (void)state;
  fsm__cursor one = cursor_of("nats", 1);
  fsm_error err = {0};
  assert_int_equal(fsm__cursors_save(path("none"), &one, 1, true, &err), FSM_EIO);
  assert_non_null(strstr(err.where, "/none/cursors.tmp"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(a_missing_file_is_no_cursors),
      TEST(what_was_saved_is_loaded),
      TEST(no_temporary_file_is_left_and_the_mode_is_private),
      TEST(all_sixteen_fit_and_the_longest_name_too),
      TEST(any_flipped_bit_is_corruption),
      TEST(bytes_behind_a_names_end_are_corruption),
      TEST(any_other_length_is_corruption),
      TEST(a_link_in_the_files_place_is_not_followed),
      TEST(a_missing_directory_is_a_fault_with_its_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

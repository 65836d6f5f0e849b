/* test_zone.c: zones from a directory; all of the system's zones against the C library. */
#include "schema/zone.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fsm/expr_time.h"
#include "fsm/expr_zone.h"
#include "tests/expr_case.h"

static const char system_zones[] = "/usr/share/zoneinfo";

/* ---- names ------------------------------------------------------------------------------------- */

static void make(const char *path, size_t size) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  assert_int_equal(ftruncate(file, (off_t)size), 0);
  close(file);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
  (void)about, (void)kind, (void)where;
  return remove(path);
}

static void only_a_plain_file_below_the_directory_is_read(void **state) {
  (void)state;
  char root[] = "/tmp/fsm-zones-XXXXXX", path[128];
  assert_non_null(mkdtemp(root));
  static const struct {
    const char *name;
    size_t size;
  } files[] = {{"secret", 10},        {"z/One", 1},
               {"z/Etc_GMT+1-2", 10}, {"z/Full", FSM_ZONE_FILE_MAX},
               {"z/Empty", 0},        {"z/Over", FSM_ZONE_FILE_MAX + 1},
               {"z/localtime", 10},   {"z/a.b", 10}};
  snprintf(path, sizeof path, "%s/z", root);
  assert_int_equal(mkdir(path, 0700), 0);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", root, files[i].name);
    make(path, files[i].size);
  }
  snprintf(path, sizeof path, "%s/z/Sub", root);
  assert_int_equal(mkdir(path, 0700), 0);
  snprintf(path, sizeof path, "%s/z/Sub/Two", root);
  make(path, 3);
  snprintf(path, sizeof path, "%s/z/Pipe", root);
  assert_int_equal(mkfifo(path, 0600), 0);
  snprintf(path, sizeof path, "%s/z", root);
  fsm_zones zones = {.directory = path};
  const void *data;
  size_t len;
  static const char *const good[] = {"One", "Etc_GMT+1-2", "Full", "Sub/Two"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(fsm_zones_read(&zones, good[i], &data, &len));
  assert_int_equal(len, 3);
  static const char *const bad[] = {"",     "Empty",     "Over",       "Sub",     "Pipe",
                                    "None", "../secret", "Sub/../One", "/One",    "Sub//Two",
                                    "Sub/", "localtime", "posixrules", "a.b",     ".",
                                    "..",   "./One",     "One\n",      "Sub\\Two"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (fsm_zones_read(&zones, bad[i], &data, &len)) fail_msg("read: %s", bad[i]);
  }
  fsm_zones_free(&zones);
  assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void a_name_of_64_bytes_is_looked_up_and_a_longer_one_is_not(void **state) {
  (void)state;
  char root[] = "/tmp/fsm-zones-XXXXXX", path[256], name[FSM_ZONE_NAME_MAX + 2];
  assert_non_null(mkdtemp(root));
  fsm_zones zones = {.directory = root};
  const void *data;
  size_t len;
  for (size_t size = FSM_ZONE_NAME_MAX; size <= FSM_ZONE_NAME_MAX + 1; size++) {
    memset(name, 'a', size);
    name[size] = 0;
    snprintf(path, sizeof path, "%s/%s", root, name);
    make(path, 3);
    assert_int_equal(fsm_zones_read(&zones, name, &data, &len), size == FSM_ZONE_NAME_MAX);
  }
  fsm_zones_free(&zones);
  assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- the system's zones ------------------------------------------------------------------------ */

static unsigned compared;

static void compare(const fsm__zone *zone, const char *name, int64_t seconds) {
  struct tm tm;
  time_t time = (time_t)seconds;
  assert_non_null(localtime_r(&time, &tm));
  int32_t got = fsm__zone_offset(zone, seconds);
  if (got != tm.tm_gmtoff)
    fail_msg("%s at %lld: %d, expected %ld", name, (long long)seconds, got, tm.tm_gmtoff);
  compared++;
}

static int compare_zone(const char *path, const struct stat *about, int kind, struct FTW *where) {
  (void)where, (void)about;
  const char *name = path + sizeof system_zones;
  fsm_zones zones = {0};
  const void *data;
  size_t len;
  if (kind != FTW_F || strncmp(name, "right/", 6) == 0 || !fsm_zones_read(&zones, name, &data, &len)) {
    fsm_zones_free(&zones);
    return 0;
  }
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__zone zone;
  const char *reason = NULL;
  fsm_code code = fsm__zone_read(&arena, data, len, &zone, &reason);
  if (memcmp(data, "TZif", len < 4 ? len : 4) == 0) {
    if (code) fail_msg("%s: %s", name, reason);
    setenv("TZ", name, 1);
    tzset();
    for (uint32_t i = 0; i < zone.count; i++)
      if (zone.at[i] > fsm__time_first)
        compare(&zone, name, zone.at[i]), compare(&zone, name, zone.at[i] - 1);
    for (int64_t s = -2500000000; s < 6500000000; s += 86400 * 37 + 3607) compare(&zone, name, s);
  } else {
    assert_int_equal(code, FSM_EMALFORMED);
  }
  fsm_zones_free(&zones);
  fsm_arena_free(&arena);
  return 0;
}

static void every_zone_of_the_system_agrees_with_the_c_library(void **state) {
  (void)state;
  if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) skip();
  assert_int_equal(nftw(system_zones, compare_zone, 16, 0), 0);
  assert_true(compared > 100000);
}

static void expressions_use_the_zones_of_the_system(void **state) {
  (void)state;
  if (access("/usr/share/zoneinfo/America/St_Johns", R_OK) != 0) skip();
  fsm_zones zones = {0};
  fsm_expr_options options = {.zones = fsm_zones_read, .zones_arg = &zones};
  static const expr_case cases[] = {
      {"timestamp('2009-02-13T02:00:00Z').getDayOfMonth('America/St_Johns')", "11"},
      {"timestamp('2026-07-01T22:30:00Z').getDate('Europe/Berlin')", "2"},
      {"timestamp('2026-01-01T22:30:00Z').getDate('Europe/Berlin')", "1"},
      {"timestamp('2026-03-29T01:00:00Z').getHours('Europe/Berlin')", "3"},
      {"timestamp('2500-07-01T00:00:00Z').getHours('Europe/Berlin')", "2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_arena arena;
    fsm_arena_init(&arena, 0);
    const fsm_expr *expr = NULL;
    fsm_value value;
    fsm_buf text = {0};
    assert_int_equal(
        fsm_expr_compile_with(&arena, cases[i].source, strlen(cases[i].source), &options, &expr, NULL),
        FSM_OK);
    assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){0}, &arena, &value, NULL), FSM_OK);
    expr_show(&text, &value);
    assert_string_equal(fsm_buf_text(&text), cases[i].result);
    fsm_buf_free(&text);
    fsm_arena_free(&arena);
  }
  fsm_zones_free(&zones);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_a_plain_file_below_the_directory_is_read),
      cmocka_unit_test(a_name_of_64_bytes_is_looked_up_and_a_longer_one_is_not),
      cmocka_unit_test(every_zone_of_the_system_agrees_with_the_c_library),
      cmocka_unit_test(expressions_use_the_zones_of_the_system),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

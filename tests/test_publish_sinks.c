/* test_publish_sinks.c: several sinks at once: each by itself, changed while commands run. */
#include "runtime/publish.h"
#include "tests/wait_for.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static fsm_publisher *publisher;
static fsm_runtime *runtime;
static fsm_arena arena;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static const char *sinks_of(const char *more) {
  return fsm_arena_printf(&arena, "{\"sinks\":[{\"name\":\"a\",\"kind\":\"file\",\"path\":\"%s/a\"}%s]}", dir,
                          more);
}

#define DEAD ",{\"name\":\"dead\",\"kind\":\"http\",\"url\":\"http://127.0.0.1:1/\"}"
#define UNMADE \
  ",{\"name\":\"unmade\",\"kind\":\"http\",\"url\":\"https://127.0.0.1:1/\",\"token_file\":\"/none\"}"

static int up(void **state) {
  (void)state;
  fsm_error err = {0};
  fsm_arena_init(&arena, 0);
  snprintf(dir, sizeof dir, "/tmp/fsm-sinks-XXXXXX");
  if (mkdtemp(dir) == NULL) return -1;
  const char *sinks = sinks_of(DEAD UNMADE);
  const fsm_publisher_options publishing = {.sinks = sinks, .sinks_len = strlen(sinks)};
  if (fsm_publisher_new(&publishing, &publisher, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  const fsm_runtime_options options = {.dir = fsm_arena_printf(&arena, "%s/data", dir),
                                       .map_bytes = (size_t)1 << 30,
                                       .durable = fsm_publisher_durable,
                                       .durable_arg = publisher};
  if (fsm_runtime_open(&options, &runtime, NULL, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  if (fsm_publisher_start(publisher, runtime, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  return 0;
}

static int down(void **state) {
  (void)state;
  fsm_publisher_stop(publisher);
  fsm_runtime_close(runtime);
  fsm_publisher_free(publisher);
  fsm_arena_free(&arena);
  nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}

static bool find(const char *name, fsm_sink_status *out) {
  fsm_sink_status *list = NULL;
  size_t count = 0;
  bool found = false;
  assert_int_equal(fsm_publisher_sinks(publisher, &list, &count, NULL), FSM_OK);
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].name, name) == 0) *out = list[i], found = true;
  free(list);
  return found;
}

static fsm_sink_status sink(const char *name) {
  fsm_sink_status status = {.lag = 0};
  if (!find(name, &status)) fail_msg("there is no sink %s", name);
  return status;
}

static void write_records(int from, int to) {
  for (int i = from; i < to; i++) {
    fsm_answer answer;
    char source[128];
    snprintf(source, sizeof source, "{\"id\":\"m%d\",\"initial\":\"a\",\"states\":{\"a\":{}}}", i);
    fsm_command c = fsm_command_new(FSM_CMD_DEPLOY);
    c.source = source;
    c.source_len = strlen(source);
    if (fsm_call(runtime, &c, &arena, &answer) != FSM_OK) fail_msg("%s", answer.error.text);
  }
}

static fsm_code reload(const char *sinks, fsm_error *err) {
  return fsm_publisher_reload(publisher, sinks, strlen(sinks), err);
}

static void one_that_is_dead_or_cannot_be_made_costs_the_others_nothing(void **state) {
  (void)state;
  write_records(0, 50);
  WAIT_FOR(sink("a").seq >= 50);
  WAIT_FOR(sink("dead").last_error[0] != '\0');
  assert_int_equal(sink("dead").seq, 0);
  assert_true(sink("dead").lag >= 50);
  assert_true(sink("unmade").halted);
  assert_non_null(strstr(sink("unmade").last_error, "/none"));
  assert_string_equal(sink("a").last_error, "");
}

static void a_wrong_set_changes_nothing_and_the_same_goes_on_in_another(void **state) {
  (void)state;
  fsm_error err = {0};
  write_records(0, 20);
  WAIT_FOR(sink("a").published >= 20);
  assert_int_equal(reload(sinks_of(",{\"name\":\"x\",\"kind\":\"nats\"}"), &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "/sinks/1");
  assert_true(sink("dead").configured && sink("unmade").configured);
  for (int round = 0; round < 5; round++) { /* under load: records between each */
    write_records(20 + round * 10, 30 + round * 10);
    assert_int_equal(reload(sinks_of(round % 2 == 0 ? "" : DEAD), &err), FSM_OK);
  }
  WAIT_FOR(sink("a").published >= 70); /* since start: it was never made anew */
  assert_false(sink("dead").configured);
  const fsm_value nobody = fsm_map_empty();
  fsm_sink_order order = {.sink = "dead", .what = FSM_SINK_FORGET, .actor = &nobody, .reason = "gone"};
  fsm_sink_status status;
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_OK);
  assert_false(find("dead", &status));
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_ENOTFOUND);
  order.sink = "a";
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_EARGUMENT);
  order.reason = NULL;
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "reason");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_that_is_dead_or_cannot_be_made_costs_the_others_nothing, up, down),
      cmocka_unit_test_setup_teardown(a_wrong_set_changes_nothing_and_the_same_goes_on_in_another, up, down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

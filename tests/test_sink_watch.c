/* test_sink_watch.c: what is said of publishing: one line a change, bounded when it comes and goes. */
#include "runtime/daemon/sink_watch.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct scene {
  fsm__sink_watch watch;
  fsm_sink_status status;
  int64_t now_ms;
  int fds[2];
  fsm__log log;
} scene;

static int up(void **state) {
  static scene s;
  s = (scene){.now_ms = 1000000};
  s.status = (fsm_sink_status){.name = "nats", .kind = "nats", .configured = true};
  if (pipe(s.fds) != 0) return -1;
  s.log = (fsm__log){.fd = s.fds[1]};
  *state = &s;
  return 0;
}

static int down(void **state) {
  scene *s = *state;
  close(s->fds[0]);
  close(s->fds[1]);
  return 0;
}

/* What one look logs, from `level` on; "" = nothing. */
static const char *look(scene *s) {
  static char text[2048];
  s->now_ms += FSM__SINK_LOOK_MS;
  fsm__sink_watch_look(&s->watch, &s->status, s->now_ms, &s->log);
  assert_int_equal(write(s->fds[1], "", 1), 1);
  ssize_t len = read(s->fds[0], text, sizeof text);
  assert_true(len > 0 && text[len - 1] == 0);
  const char *from = strchr(text, ' ');
  if (from) assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
  return from ? from + 1 : "";
}

static void said(scene *s, const char *line) { assert_string_equal(look(s), line); }
static void silent(scene *s, int looks) {
  while (looks-- > 0) said(s, "");
}

static fsm__sink_state now(const scene *s) { return fsm__sink_watch_state(&s->watch, &s->status, s->now_ms); }

static void each_change_of_state_is_one_line(void **state) {
  scene *s = *state;
  s->status = (fsm_sink_status){
      .name = "nats", .kind = "nats", .configured = true, .durable_seq = 4, .last_error = "no servers"};
  said(s,
       "level=warn msg=\"NATS is not reached, records wait\" sink=nats status=disconnected lag=4 "
       "seq=0 changes=1 detail=\"no servers\"\n");
  silent(s, 3);
  s->status = (fsm_sink_status){
      .name = "nats", .kind = "nats", .configured = true, .connected = true, .durable_seq = 5};
  said(s,
       "level=info msg=\"NATS connected, publishing the backlog\" sink=nats status=behind lag=5 "
       "seq=0 changes=1 detail=\"\"\n");
  silent(s, 3);
  s->status.seq = 5;
  said(s,
       "level=info msg=\"publishing caught up\" sink=nats status=ok lag=0 seq=5 changes=1 "
       "detail=\"\"\n");
  silent(s, 30);
  s->status.connected = false;
  s->status.durable_seq = 9;
  said(s,
       "level=warn msg=\"NATS lost, records wait\" sink=nats status=disconnected lag=4 seq=5 "
       "changes=1 detail=\"\"\n");
  s->status.connected = true;
  s->status.seq = 9;
  said(s, "level=info msg=\"NATS connected\" sink=nats status=ok lag=0 seq=9 changes=1 detail=\"\"\n");
  s->status.halted = true;
  snprintf(s->status.last_error, sizeof s->status.last_error, "records of another store");
  said(s,
       "level=error msg=\"publishing stands still\" sink=nats status=stopped lag=0 seq=9 "
       "changes=1 detail=\"records of another store\"\n");
  silent(s, 30);
  s->status.halted = false;
  s->status.last_error[0] = 0;
  said(s,
       "level=info msg=\"publishing caught up\" sink=nats status=ok lag=0 seq=9 changes=1 "
       "detail=\"\"\n");
}

static void a_fault_that_needs_people_comes_before_the_connection(void **state) {
  scene *s = *state;
  s->status = (fsm_sink_status){.name = "nats", .kind = "nats", .configured = true, .halted = true};
  assert_int_equal(now(s), FSM__SINK_STOPPED);
  s->status.connected = true;
  assert_int_equal(now(s), FSM__SINK_STOPPED);
}

static void one_that_fails_at_each_try_is_no_better_between_them(void **state) {
  scene *s = *state;
  s->status.connected = true;
  s->status.durable_seq = 3;
  s->status.failing_since_ns = 1;
  assert_int_equal(now(s), FSM__SINK_DISCONNECTED);
  s->status.seq = 3;
  assert_int_equal(now(s), FSM__SINK_OK);
}

static void one_that_is_not_configured_is_told_once(void **state) {
  scene *s = *state;
  s->status.configured = false;
  said(s,
       "level=info msg=\"the sink is not configured any more\" sink=nats status=\"not configured\" lag=0 "
       "seq=0 changes=1 detail=\"\"\n");
  silent(s, 3);
}

static void a_sink_that_keeps_up_under_load_is_not_behind(void **state) {
  scene *s = *state;
  s->status = (fsm_sink_status){
      .name = "nats", .kind = "nats", .configured = true, .connected = true, .durable_seq = 100, .seq = 100};
  assert_non_null(strstr(look(s), "status=ok"));
  for (int i = 0; i < 100; i++) { /* at each look others wait, none for long */
    s->status.seq = s->status.durable_seq;
    s->status.durable_seq += 1000;
    silent(s, 1);
  }
}

static void a_record_that_waits_for_its_bound_is_behind_and_no_sooner(void **state) {
  scene *s = *state;
  s->status = (fsm_sink_status){
      .name = "nats", .kind = "nats", .configured = true, .connected = true, .durable_seq = 100, .seq = 100};
  assert_non_null(strstr(look(s), "status=ok"));
  s->status.durable_seq = 101;
  look(s); /* the mark is set here */
  s->now_ms += FSM__SINK_BEHIND_MS - 1;
  assert_int_equal(now(s), FSM__SINK_OK);
  s->now_ms += 1;
  assert_int_equal(now(s), FSM__SINK_BEHIND);
  assert_non_null(strstr(look(s), "level=warn msg=\"publishing is behind\" sink=nats status=behind lag=1 "));
  s->status.durable_seq = 200; /* it moves, but not past what waited */
  s->status.seq = 101;
  assert_non_null(strstr(look(s), "msg=\"publishing caught up\""));
}

static void a_sink_that_comes_and_goes_is_told_in_bounded_lines_that_count_all(void **state) {
  scene *s = *state;
  enum { HOUR = 3600 * 1000 / FSM__SINK_LOOK_MS };
  unsigned lines = 0, changes = 0, counted = 0;
  for (int i = 0; i < HOUR; i++, changes++) {
    s->status.connected = !s->status.connected;
    const char *line = look(s);
    if (!*line) continue;
    lines++;
    counted += (unsigned)strtoul(strstr(line, " changes=") + 9, NULL, 10);
  }
  assert_in_range(lines, 300, FSM__SINK_LINES_MAX + 3600 * 1000 / FSM__SINK_LINE_EVERY_MS);
  for (int i = 0; i < 2 * FSM__SINK_LINE_EVERY_MS / FSM__SINK_LOOK_MS; i++) {
    const char *line = look(s);
    if (*line) counted += (unsigned)strtoul(strstr(line, " changes=") + 9, NULL, 10);
  }
  assert_int_equal(counted, changes); /* nothing is forgotten */
}

static void a_seq_ahead_of_what_was_seen_durable_is_no_lag(void **state) {
  (void)state;
  assert_int_equal(fsm__sink_lag(&(fsm_sink_status){
                       .name = "nats", .kind = "nats", .configured = true, .seq = 9, .durable_seq = 8}),
                   0);
  assert_int_equal(fsm__sink_lag(&(fsm_sink_status){
                       .name = "nats", .kind = "nats", .configured = true, .seq = 8, .durable_seq = 9}),
                   1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(each_change_of_state_is_one_line),
      TEST(a_fault_that_needs_people_comes_before_the_connection),
      TEST(one_that_fails_at_each_try_is_no_better_between_them),
      TEST(one_that_is_not_configured_is_told_once),
      TEST(a_sink_that_keeps_up_under_load_is_not_behind),
      TEST(a_record_that_waits_for_its_bound_is_behind_and_no_sooner),
      TEST(a_sink_that_comes_and_goes_is_told_in_bounded_lines_that_count_all),
      TEST(a_seq_ahead_of_what_was_seen_durable_is_no_lag),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

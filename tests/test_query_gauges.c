/* test_query_gauges.c: how all instances stand, counted; what is late, at its edge and one past it. */
#include "runtime_fixture.h"

#include "runtime/query.h"

static const char WORK[] =
    "{\"id\":\"work\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"src\":\"w\",\"id\":\"t\"},"
    "\"after\":{\"PT1H\":\"b\"}},\"b\":{}}}";

static int64_t gauge(fixture *f, const char *name) {
  const fsm_value out = query(f, (fsm_query){.kind = FSM_QUERY_GAUGES});
  return fsm_map_get(&out, name)->i;
}

static void what_is_due_is_late_a_minute_later(void **state) {
  fixture *f = fixture_new();
  (void)state;
  fsm_answer answer = deploy_text(f, WORK, strlen(WORK));
  assert_code(&answer, FSM_OK);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "work";
  command.instance = "one";
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  const int64_t due_ns = atomic_load(&f->now_ns); /* or a few later: recorded times grow */
  atomic_store(&f->now_ns, due_ns + FSM_GAUGE_LATE_NS);
  assert_int_equal(gauge(f, "tasks_waiting"), 1);
  assert_int_equal(gauge(f, "timers"), 1);
  assert_int_equal(gauge(f, "tasks_late"), 0);
  atomic_store(&f->now_ns, due_ns + FSM_GAUGE_LATE_NS + 1000);
  assert_int_equal(gauge(f, "tasks_late"), 1);
  assert_int_equal(gauge(f, "timers_late"), 0);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_due_is_late_a_minute_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

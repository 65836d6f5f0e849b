/* test_meters.c: buckets at their edges, machines that are told apart and those that are not. */
#include "runtime/meters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_span_is_in_the_first_bucket_whose_bound_it_does_not_pass(void **state) {
  (void)state;
  for (unsigned i = 0; i < FSM_METER_BUCKETS - 1; i++) {
    fsm__span_meter meter = {.sum_ns = 0};
    fsm__span_meter_add(&meter, fsm__meter_bounds_ns[i]);
    fsm__span_meter_add(&meter, fsm__meter_bounds_ns[i] + 1);
    assert_int_equal(fsm__meter_get(&meter.buckets[i]), 1);
    assert_int_equal(fsm__meter_get(&meter.buckets[i + 1]), 1);
    assert_int_equal(fsm__meter_get(&meter.sum_ns), 2 * fsm__meter_bounds_ns[i] + 1);
    if (i > 0) assert_true(fsm__meter_bounds_ns[i] > fsm__meter_bounds_ns[i - 1]);
  }
  for (unsigned i = 0; i < FSM_DWELL_BUCKETS - 1; i++) {
    assert_int_equal(fsm__dwell_bucket(fsm__dwell_bounds_ns[i]), i);
    assert_int_equal(fsm__dwell_bucket(fsm__dwell_bounds_ns[i] + 1), i + 1);
  }
  assert_int_equal(fsm__dwell_bucket(INT64_MAX), FSM_DWELL_BUCKETS - 1);
}

static void time_that_went_back_counts_as_none(void **state) {
  (void)state;
  fsm__span_meter span = {.sum_ns = 0};
  fsm__dwell_meter dwell = {.sum_ns = 0};
  fsm__span_meter_add(&span, -5);
  fsm__dwell_meter_add(&dwell, INT64_MIN);
  assert_int_equal(fsm__meter_get(&span.buckets[0]), 1);
  assert_int_equal(fsm__meter_get(&dwell.buckets[0]), 1);
  assert_int_equal(fsm__meter_get(&span.sum_ns) + fsm__meter_get(&dwell.sum_ns), 0);
}

static void machines_over_the_bound_share_the_place_without_a_name(void **state) {
  (void)state;
  fsm__meters *m = calloc(1, sizeof *m);
  char name[24];
  assert_non_null(m);
  for (int turn = 0; turn < 2; turn++)
    for (int i = 0; i < FSM_METER_MACHINES + 3; i++) {
      snprintf(name, sizeof name, "machine-%d", i);
      fsm__meters_command(m, name, FSM_FATE_TAKEN, FSM_OK);
    }
  fsm__meters_command(m, NULL, FSM_FATE_REFUSED, FSM_EMACHINE);
  fsm__meters_command(m, "", FSM_FATE_REFUSED, FSM_EMACHINE);
  assert_int_equal(atomic_load(&m->machine_count), FSM_METER_MACHINES);
  for (int i = 1; i <= FSM_METER_MACHINES; i++) {
    snprintf(name, sizeof name, "machine-%d", i - 1);
    assert_string_equal(m->machines[i].name, name);
    assert_int_equal(fsm__meter_get(&m->machines[i].commands[FSM_FATE_TAKEN]), 2);
  }
  assert_int_equal(fsm__meter_get(&m->machines[0].commands[FSM_FATE_TAKEN]), 6);
  assert_int_equal(fsm__meter_get(&m->machines[0].commands[FSM_FATE_REFUSED]), 2);
  assert_int_equal(fsm__meter_get(&m->refusals[FSM_EMACHINE]), 2);
  free(m);
}

static void a_name_has_its_place_at_its_longest_and_none_beyond(void **state) {
  (void)state;
  fsm__meters *m = calloc(1, sizeof *m);
  char name[FSM_METER_NAME_MAX + 2];
  assert_non_null(m);
  memset(name, 'n', sizeof name - 1);
  name[FSM_METER_NAME_MAX + 1] = '\0';
  fsm__meters_command(m, name, FSM_FATE_TAKEN, FSM_OK);
  assert_int_equal(fsm__meter_get(&m->machines[0].commands[FSM_FATE_TAKEN]), 1);
  name[FSM_METER_NAME_MAX] = '\0';
  fsm__meters_command(m, name, FSM_FATE_TAKEN, FSM_OK);
  assert_int_equal(fsm__meter_get(&m->machines[1].commands[FSM_FATE_TAKEN]), 1);
  free(m);
}

static void a_timer_s_lateness_is_kept_beside_its_record(void **state) {
  (void)state;
  fsm__meters *m = calloc(1, sizeof *m);
  const fsm_record late = {.kind = FSM_RECORD_TIMER_FIRED, .mach = "m", .late_ms = 20};
  const fsm_record other = {.kind = FSM_RECORD_NOTE, .mach = "m", .late_ms = -1};
  assert_non_null(m);
  fsm__meters_record(m, &late);
  fsm__meters_record(m, &other);
  assert_int_equal(fsm__meter_get(&m->timer_late.sum_ns), 20000000);
  assert_int_equal(fsm__meter_get(&m->machines[1].records[FSM_RECORD_TIMER_FIRED]), 1);
  assert_int_equal(fsm__meter_get(&m->machines[1].records[FSM_RECORD_NOTE]), 1);
  free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_span_is_in_the_first_bucket_whose_bound_it_does_not_pass),
      cmocka_unit_test(time_that_went_back_counts_as_none),
      cmocka_unit_test(machines_over_the_bound_share_the_place_without_a_name),
      cmocka_unit_test(a_name_has_its_place_at_its_longest_and_none_beyond),
      cmocka_unit_test(a_timer_s_lateness_is_kept_beside_its_record),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

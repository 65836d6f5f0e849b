/* test_apply_key.c: idempotency keys as rows: where they are kept and when they go. */
#include "apply_fixture.h"

static void keys_of_sends_sit_with_the_instance_and_those_of_starts_apart(void **state) {
  rig *r = *state;
  apply(r, keyed(r, created(r, 1), 7, SECOND));
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 1);
  assert_int_equal(rows_of_type(r, 'i'), 0);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 8, 2 * SECOND));
  assert_int_equal(rows_of_type(r, 'i'), 1);
  assert_int_equal(loaded(r).idem_rows, 1);
}

static void keys_past_their_time_are_dropped_when_the_quota_is_reached(void **state) {
  rig *r = *state;
  fsm_record record = created(r, 1);
  apply(r, record);
  for (unsigned i = 0; i < FSM_IDEM_QUOTA; i++) {
    record = keyed(r, rec(r, FSM_RECORD_CONTEXT, 2 + i), i, (int64_t)(2 + i) * SECOND);
    record.rev = 1; /* so that the quota, not the revision, makes it look */
    apply(r, record);
  }
  assert_int_equal(loaded(r).idem_rows, FSM_IDEM_QUOTA);
  int64_t later = FSM_IDEM_TTL_NS + 500 * SECOND; /* those of seq 2 to 500 are over */
  record = keyed(r, rec(r, FSM_RECORD_CONTEXT, 5000), 5000, later);
  record.rev = 1;
  apply(r, record);
  assert_int_equal(loaded(r).idem_rows, FSM_IDEM_QUOTA - 499 + 1);
  assert_int_equal(rows_of_type(r, 'i'), FSM_IDEM_QUOTA - 499 + 1);
}

static void keys_past_their_time_are_dropped_now_and_then(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 2, 2 * SECOND));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 63), 3, FSM_IDEM_TTL_NS + 3 * SECOND));
  assert_int_equal(loaded(r).idem_rows, 2);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 64), 4, FSM_IDEM_TTL_NS + 4 * SECOND));
  assert_int_equal(loaded(r).idem_rows, 2);
  assert_int_equal(rows_of_type(r, 'i'), 2);
}

static void a_key_used_again_after_its_time_is_one_row(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 2, 2 * SECOND));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 3), 2, FSM_IDEM_TTL_NS + 3 * SECOND));
  assert_int_equal(rows_of_type(r, 'i'), 1);
  assert_int_equal(loaded(r).idem_rows, 1);
}

static void creations_past_their_time_are_dropped_in_bounded_portions(void **state) {
  rig *r = *state;
  for (unsigned i = 0; i < 100; i++) {
    fsm_record record = keyed(r, created(r, 1 + i), i, SECOND + i);
    record.inst = fsm_arena_printf(&r->arena, "old-%u", i);
    record.key = NULL;
    apply(r, record);
  }
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 100);
  fsm_record late = keyed(r, created(r, 200), 200, FSM_IDEM_TTL_NS + 2 * 3600 * SECOND);
  apply(r, late);
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 100 - 64 + 1);
  late = keyed(r, created(r, 201), 201, FSM_IDEM_TTL_NS + 2 * 3600 * SECOND);
  late.inst = "i2";
  late.key = NULL;
  apply(r, late);
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      R(keys_of_sends_sit_with_the_instance_and_those_of_starts_apart),
      R(keys_past_their_time_are_dropped_when_the_quota_is_reached),
      R(keys_past_their_time_are_dropped_now_and_then),
      R(a_key_used_again_after_its_time_is_one_row),
      R(creations_past_their_time_are_dropped_in_bounded_portions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

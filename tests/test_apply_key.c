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

/* As many keys as asked, a second apart, from second 2 on. */
static void use_keys(rig *r, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2 + i), i, (int64_t)(2 + i) * SECOND));
}

static void keys_whose_span_is_over_go_a_few_with_each_new_one(void **state) {
  rig *r = *state;
  const int64_t over = FSM_IDEM_TTL_NS + FSM_IDEM_SPAN_NS;
  apply(r, created(r, 1));
  use_keys(r, 40);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 100), 100, over - 1));
  assert_int_equal(rows_of_type(r, 'i'), 41);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 101), 101, over));
  assert_int_equal(rows_of_type(r, 'i'), 41 - 16 + 1);
  apply(r, rec(r, FSM_RECORD_CONTEXT, 102)); /* one without a key drops none */
  assert_int_equal(rows_of_type(r, 'i'), 41 - 16 + 1);
  rig_reopen(r, 102); /* and goes on in the store where it was in the overlay */
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 103), 103, over + 2));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 104), 104, over + 3));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 105), 105, over + 4));
  assert_int_equal(rows_of_type(r, 'i'), 5);
  assert_int_equal(loaded(r).idem_rows, 5);
}

static void a_key_used_again_after_its_time_has_a_row_of_its_own(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 2, 2 * SECOND));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 3), 2, FSM_IDEM_TTL_NS + 3 * SECOND));
  assert_int_equal(rows_of_type(r, 'i'), 2);
  assert_int_equal(loaded(r).idem_rows, 2);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 4), 3, FSM_IDEM_TTL_NS + FSM_IDEM_SPAN_NS));
  assert_int_equal(rows_of_type(r, 'i'), 2);
}

static void create_keyed(rig *r, unsigned n, int64_t now_ns) {
  fsm_record record = keyed(r, created(r, 1 + n), n, now_ns);
  record.inst = fsm_arena_printf(&r->arena, "made-%u", n);
  record.key = NULL;
  apply(r, record);
}

static void assert_starts(rig *r, unsigned rows) {
  fsm__starts starts;
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), rows);
  assert_int_equal(fsm__starts_load(r->store, &starts, NULL), FSM_OK);
  assert_int_equal(starts.rows, rows);
}

static void creations_whose_span_is_over_go_a_few_with_each_new_one(void **state) {
  rig *r = *state;
  const int64_t over = FSM_IDEM_TTL_NS + FSM_IDEM_SPAN_NS;
  for (unsigned i = 0; i < 40; i++) create_keyed(r, i, SECOND + i);
  assert_starts(r, 40);
  create_keyed(r, 40, over - 1);
  assert_starts(r, 41);
  create_keyed(r, 41, over);
  assert_starts(r, 41 - 16 + 1);
  rig_reopen(r, 42);
  create_keyed(r, 42, over + 1);
  assert_starts(r, 41 - 32 + 2);
  create_keyed(r, 43, over + 2);
  assert_starts(r, 4); /* the one of 30 h - 1 and those since */
  create_keyed(r, 44, over + FSM_IDEM_TTL_NS - 1);
  assert_starts(r, 5);
  create_keyed(r, 45, over + FSM_IDEM_TTL_NS);
  assert_starts(r, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      R(keys_of_sends_sit_with_the_instance_and_those_of_starts_apart),
      R(keys_whose_span_is_over_go_a_few_with_each_new_one),
      R(a_key_used_again_after_its_time_has_a_row_of_its_own),
      R(creations_whose_span_is_over_go_a_few_with_each_new_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

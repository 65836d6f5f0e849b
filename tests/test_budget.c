/* test_budget.c: what a sink that is behind uses of its budget, and at which point what happens. */
#include "runtime/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SEGMENT = 1000 };

static const fsm__segment_info segments[] = {
    {.bytes = SEGMENT, .first_seq = 1, .last_seq = 10, .sealed = true},
    {.bytes = SEGMENT, .first_seq = 11, .last_seq = 20, .sealed = true},
    {.bytes = SEGMENT, .first_seq = 21, .last_seq = 20, .sealed = true}, /* an epoch without records */
    {.bytes = SEGMENT, .first_seq = 21, .last_seq = 25},
};
static const fsm__sink_config spill = {.name = "siem", .budget_bytes = SEGMENT, .policy = FSM__SPILL};
static const fsm__sink_config hold = {.name = "siem", .budget_bytes = SEGMENT, .policy = FSM__HOLD};
static const fsm__sink_config none = {.name = "siem", .policy = FSM__HOLD};

static void sealed_segments_with_a_record_that_is_not_settled_count(void **state) {
  (void)state;
  assert_int_equal(fsm__budget_bytes(segments, 4, 0), 2 * SEGMENT);
  assert_int_equal(fsm__budget_bytes(segments, 4, 9), 2 * SEGMENT);
  assert_int_equal(fsm__budget_bytes(segments, 4, 10), SEGMENT);
  assert_int_equal(fsm__budget_bytes(segments, 4, 19), SEGMENT);
  assert_int_equal(fsm__budget_bytes(segments, 4, 20), 0);
  assert_int_equal(fsm__budget_bytes(segments, 4, 25), 0);
}

static void the_larger_share_counts_and_what_has_no_budget_none(void **state) {
  (void)state;
  const fsm__sink_config both = {.budget_bytes = 1000, .budget_age_ns = 100};
  assert_int_equal(fsm__budget_percent(&both, 699, 0), 69);
  assert_int_equal(fsm__budget_percent(&both, 700, 69), 70);
  assert_int_equal(fsm__budget_percent(&both, 700, 71), 71);
  assert_int_equal(fsm__budget_percent(&both, 0, -5), 0);
  assert_int_equal(fsm__budget_percent(&both, UINT64_MAX, INT64_MAX), FSM_BUDGET_PERCENT_MAX);
  assert_int_equal(fsm__budget_percent(&none, UINT64_MAX, INT64_MAX), 0);
}

static void at_70_it_warns_once_until_it_was_at_65(void **state) {
  (void)state;
  fsm__budget b = {.warned = false};
  assert_false(fsm__budget_next(&b, &spill, 69, false).warn);
  assert_true(fsm__budget_next(&b, &spill, 70, false).warn);
  assert_false(fsm__budget_next(&b, &spill, 90, false).warn);
  assert_false(fsm__budget_next(&b, &spill, 66, false).warn);
  assert_false(fsm__budget_next(&b, &spill, 70, false).warn);
  assert_false(fsm__budget_next(&b, &spill, 65, false).warn);
  assert_true(fsm__budget_next(&b, &spill, 70, false).warn);
}

static void at_100_it_spills_and_at_95_it_may_come_back(void **state) {
  (void)state;
  fsm__budget b = {.warned = false};
  assert_false(fsm__budget_next(&b, &spill, 99, false).spill);
  assert_true(fsm__budget_next(&b, &spill, 100, false).spill);
  assert_false(fsm__budget_next(&b, &spill, 100, true).spill);
  assert_false(fsm__budget_next(&b, &spill, 96, true).unspill);
  assert_true(fsm__budget_next(&b, &spill, 95, true).unspill);
  assert_int_equal(fsm__budget_next(&b, &spill, 500, true).hold, FSM__HOLD_NONE);
}

static void a_spilled_one_whose_policy_is_another_now_comes_back(void **state) {
  (void)state;
  fsm__budget b = {.warned = false};
  assert_true(fsm__budget_next(&b, &hold, 500, true).unspill);
  assert_true(fsm__budget_next(&b, &none, 0, true).unspill);
}

static void at_85_new_instances_are_held_until_80(void **state) {
  (void)state;
  fsm__budget b = {.warned = false};
  assert_int_equal(fsm__budget_next(&b, &hold, 84, false).hold, FSM__HOLD_NONE);
  fsm__budget_turn turn = fsm__budget_next(&b, &hold, 85, false);
  assert_true(turn.held && turn.hold == FSM__HOLD_STARTS);
  turn = fsm__budget_next(&b, &hold, 81, false);
  assert_true(!turn.held && !turn.released && turn.hold == FSM__HOLD_STARTS);
  turn = fsm__budget_next(&b, &hold, 80, false);
  assert_true(turn.released && turn.hold == FSM__HOLD_NONE);
  assert_int_equal(fsm__budget_next(&b, &hold, 84, false).hold, FSM__HOLD_NONE);
}

static void at_95_all_is_held_until_90(void **state) {
  (void)state;
  fsm__budget b = {.warned = false};
  assert_int_equal(fsm__budget_next(&b, &hold, 94, false).hold, FSM__HOLD_STARTS);
  fsm__budget_turn turn = fsm__budget_next(&b, &hold, 95, false);
  assert_true(turn.held && turn.hold == FSM__HOLD_ALL);
  assert_int_equal(fsm__budget_next(&b, &hold, 300, false).hold, FSM__HOLD_ALL);
  assert_false(fsm__budget_next(&b, &hold, 300, false).spill);
  assert_int_equal(fsm__budget_next(&b, &hold, 91, false).hold, FSM__HOLD_ALL);
  turn = fsm__budget_next(&b, &hold, 90, false);
  assert_true(!turn.released && turn.hold == FSM__HOLD_STARTS);
  assert_true(fsm__budget_next(&b, &hold, 3, false).released);
}

static void without_a_budget_nothing_is_held_or_spilled(void **state) {
  (void)state;
  fsm__budget b = {.warned = false};
  fsm__budget_turn turn = fsm__budget_next(&b, &none, 500, false);
  assert_true(turn.hold == FSM__HOLD_NONE && !turn.spill);
}

static void spill_without_an_archive_is_refused_by_name(void **state) {
  (void)state;
  fsm_error err = {.text = ""};
  const fsm__sink_config aged = {.name = "siem", .budget_age_ns = 1};
  assert_int_equal(fsm__budget_check(&spill, "/archive", &err), FSM_OK);
  assert_int_equal(fsm__budget_check(&hold, NULL, &err), FSM_OK);
  assert_int_equal(fsm__budget_check(&(fsm__sink_config){.name = "x"}, NULL, &err), FSM_OK);
  assert_int_equal(fsm__budget_check(&spill, NULL, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "siem");
  assert_non_null(strstr(err.text, "--archive-dir"));
  assert_int_equal(fsm__budget_check(&aged, NULL, &err), FSM_EARGUMENT);
}

static void the_text_names_the_sink_its_lag_and_what_to_do(void **state) {
  (void)state;
  char text[FSM_TEXT_MAX];
  fsm__hold_text("siem", FSM__HOLD_STARTS, 87, 1234, INT64_C(7200) * 1000000000, text);
  assert_non_null(strstr(text, "sink siem is 1234 records (2 h) behind, 87 %"));
  assert_non_null(strstr(text, "no new instances"));
  assert_non_null(strstr(text, "fsm-cli outbox ls"));
  fsm__hold_text("siem", FSM__HOLD_ALL, 95, 1, INT64_C(119) * 1000000000, text);
  assert_non_null(strstr(text, "(119 s)"));
  assert_non_null(strstr(text, "only repairs"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sealed_segments_with_a_record_that_is_not_settled_count),
      cmocka_unit_test(the_larger_share_counts_and_what_has_no_budget_none),
      cmocka_unit_test(at_70_it_warns_once_until_it_was_at_65),
      cmocka_unit_test(at_100_it_spills_and_at_95_it_may_come_back),
      cmocka_unit_test(a_spilled_one_whose_policy_is_another_now_comes_back),
      cmocka_unit_test(at_85_new_instances_are_held_until_80),
      cmocka_unit_test(at_95_all_is_held_until_90),
      cmocka_unit_test(without_a_budget_nothing_is_held_or_spilled),
      cmocka_unit_test(spill_without_an_archive_is_refused_by_name),
      cmocka_unit_test(the_text_names_the_sink_its_lag_and_what_to_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

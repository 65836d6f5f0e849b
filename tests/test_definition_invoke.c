/* Invokes: their time limit, and what cancels it. */
#include "tests/definition_run.h"

#define LIMITED                                                                                           \
  "{'id':'m','initial':'a','context':{'n':0},'states':{'a':{'invoke':{'id':'s','src':'s','timeout':1000," \
  "'onTimeout':{'target':'late'},'onDone':{'guard':{'@expr':'event.output == 1'},'context':{'n':1}},"     \
  "'onError':{'context':{'n':2}}}},'late':{}}}"

static const fsm_effect *timer_of(const run *r) {
  const fsm_effect *timer = effect_of(r, FSM_EFFECT_TIMER_SET);
  assert_non_null(timer);
  if (timer == NULL) abort();
  return timer;
}

static void a_service_that_is_late_is_given_up(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(LIMITED);
  run r = start(d, "null");
  assert_string_equal(timer_of(&r)->event, "xstate.timeout.actor.s");
  assert_true(timer_of(&r)->delay_ns == 1000000000);
  assert_int_equal(send_data(&r, "xstate.timeout.actor.s", "null", FSM_CAUSE_TIMER), FSM_OK);
  is_in(&r, "late");
  assert_non_null(effect_of(&r, FSM_EFFECT_TASK_CANCEL));
  fsm_definition_free(d);
}

/* Whether or not a transition of the author's takes the answer, and though the state is not left. */
static void an_answer_cancels_the_limit(void **state) {
  (void)state;
  static const struct {
    const char *event, *data, *context;
  } cases[] = {{"xstate.done.actor.s", "1", "{\"n\":1}"},
               {"xstate.done.actor.s", "2", "{\"n\":0}"},
               {"xstate.error.actor.s", "{}", "{\"n\":2}"}};
  fsm_definition *d = load_quoted(LIMITED);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run r = start(d, "null");
    assert_int_equal(send_data(&r, cases[i].event, cases[i].data, FSM_CAUSE_TASK), FSM_OK);
    is_in(&r, "a");
    context_is(&r, cases[i].context);
    const fsm_effect *cancel = effect_of(&r, FSM_EFFECT_TIMER_CANCEL);
    assert_non_null(cancel);
    if (cancel == NULL) abort();
    assert_string_equal(cancel->id, "xstate.timeout.actor.s");
  }
  fsm_definition_free(d);
}

/* An error that nothing takes still opens an incident. */
static void an_error_without_a_taker_is_not_swallowed(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'a','states':{'a':{'invoke':{'id':'s','src':'s','timeout':5,'onTimeout':'b'}},'b':"
      "{}}}");
  run r = start(d, "null");
  assert_int_equal(send_data(&r, "xstate.error.actor.s", "{}", FSM_CAUSE_TASK), FSM_EEXPRESSION);
  assert_string_equal(r.last.unhandled, "xstate.error.actor.s");
  fsm_definition_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_service_that_is_late_is_given_up),
      cmocka_unit_test(an_answer_cancels_the_limit),
      cmocka_unit_test(an_error_without_a_taker_is_not_swallowed),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

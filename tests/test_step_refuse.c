/* What an event shows, what is refused and why, what may be sent. */
#include "counting.h"

static void an_event_shows_its_data_at_the_top_too_but_not_over_its_own_names(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      ATOMIC("m",
             ON(STAY("GO",
                     DO(LOG_EXPR(
                         "[event.name, event.type, event.reason, event.data.reason, event.data.type]"))))));
  chart_start(&c);
  fsm_pair pairs[] = {{fsm_string("reason"), fsm_string("r")}, {fsm_string("type"), fsm_string("t")}};
  fsm_value data = {.type = FSM_MAP, .len = 2, .pairs = pairs};
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = "GO", .data = data}),
                      "external GO: (root) -> (root); log [\"GO\", \"GO\", \"r\", \"r\", \"t\"]\n");
  assert_true(fsm_value_same(&c.last.microsteps[0].data, &data));
  chart_close(&c);
}

static void the_start_shows_its_input_to_context_and_entry(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c, ATOMIC("m", ENTRY(LOG_EXPR("event.name + event.data.who"))), FIELD("who", "input.who"));
  fsm_pair pair = {fsm_string("who"), fsm_string("ada")};
  fsm_value input = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_string_equal(chart_start_with(&c, &input),
                      "external: -> (root); enter (root); log \"xstate.initada\"\n");
  assert_true(fsm_is_text(fsm_map_get(&c.now.context, "who"), "ada"));
  chart_close(&c);
}

static void a_start_whose_context_cannot_be_made_is_an_error(void **state) {
  (void)state;
  chart c;
  fsm_error err = {0};
  chart_open_with(&c, ATOMIC("m"), FIELD("who", "input.who"));
  assert_int_equal(fsm_start(c.machine, NULL, &nobody, &c.arena, &c.last, &err), FSM_EEXPRESSION);
  assert_true(err.text[0] != '\0');
  chart_close(&c);

  chart_open_with(&c, ATOMIC("m"), EXPR("[1]"));
  assert_int_equal(fsm_start(c.machine, NULL, &nobody, &c.arena, &c.last, &err), FSM_EEXPRESSION);
  assert_string_equal(err.text, "the initial context is a map, not list");
  chart_close(&c);
}

static void actor_now_and_in_are_seen(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("x")))),
                   ON(STAY("GO", .guard = "actor.sub == 'ada' && In('a.x') && !In('a.y')", DO(LOG("ok"))))));
  chart_start(&c);
  fsm_pair pair = {fsm_string("sub"), fsm_string("ada")};
  fsm_value actor = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm_event event = {.name = "GO"};
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &(fsm_world){.actor = &actor, .now_ns = 5}, &c.arena,
                            &c.last, NULL),
                   FSM_OK);
  assert_string_equal(chart_text(&c), "external GO: a.x -> a.x; log \"ok\"\n");
  chart_close(&c);
}

static void a_refusal_says_which_guard_and_what_it_saw(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m",
               CHILDREN(ATOMIC(
                   "a", ON(STAY("GO", .guard = "context.n > 2", .guard_name = "enough"), STAY("OTHER")))),
               ON(STAY("GO", .guard = "false"))),
      &zero);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "guard_false\n");
  assert_int_equal(c.last.candidate_count, 2);
  const fsm_candidate *first = &c.last.candidates[0];
  assert_int_equal(first->transition, 1); /* the innermost state is asked first */
  assert_int_equal(first->source, 1);
  assert_string_equal(first->guard, "context.n > 2");
  assert_string_equal(first->guard_name, "enough");
  assert_false(first->enabled);
  assert_null(first->fault);
  assert_int_equal(fsm_map_get(&first->seen, "context.n")->i, 0);
  assert_int_equal(c.last.candidates[1].source, 0);
  chart_close(&c);
}

static void guard_false_no_transition_and_unknown_event_differ(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", .guard = "false"))),
                                        ATOMIC("b", ON(STAY("LATER"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "guard_false\n");
  assert_string_equal(chart_send(&c, "LATER"), "no_transition\n");
  assert_string_equal(chart_send(&c, "NEVER"), "unknown_event\n");
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = "NEVER", .cause = FSM_CAUSE_TASK}),
                      "no_transition\n");
  assert_ptr_equal(c.last.next.config, c.now.config);
  chart_close(&c);
}

static void the_world_cannot_claim_the_engines_own_events(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("xstate.done.actor.i"), STAY("*"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "xstate.done.actor.i"), "unknown_event\n");
  assert_string_equal(chart_send(&c, "xstate.other"), "unknown_event\n");
  assert_string_equal(
      chart_send_event(&c, (fsm_event){.name = "xstate.done.actor.i", .cause = FSM_CAUSE_TASK}),
      "task xstate.done.actor.i: (root) -> (root)\n");
  chart_close(&c);
}

static void arguments_past_their_bound_are_faults_of_the_call(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("*"))));
  chart_start(&c);
  static char name[FSM_EVENT_NAME_MAX + 2];
  memset(name, 'n', FSM_EVENT_NAME_MAX);
  fsm_event event = {.name = name};
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_OK);
  assert_int_equal(c.last.outcome, FSM_OK);
  name[FSM_EVENT_NAME_MAX] = 'n';
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_ETOOLARGE);
  event.name = "";
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_EARGUMENT);

  static char big[FSM_EVENT_BYTES_MAX];
  event.name = "E";
  event.data = fsm_stringn(big, FSM_EVENT_BYTES_MAX - 5);
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_OK);
  event.data = fsm_stringn(big, FSM_EVENT_BYTES_MAX - 4);
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_ETOOLARGE);
  assert_int_equal(fsm_start(c.machine, &event.data, &nobody, &c.arena, &c.last, NULL), FSM_ETOOLARGE);
  chart_close(&c);
}

/* ---- what may be sent -------------------------------------------------------------------------- */

static void enabled_lists_what_people_send_with_its_guards(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c,
                  COMPOUND("m",
                           CHILDREN(ATOMIC("a", ON(GO("APPROVE", "b", .guard = "context.n > 2"),
                                                   STAY("xstate.done.actor.i"), STAY("done.x"),
                                                   STAY("error.execution"), ALWAYS("b", .guard = "false"),
                                                   STAY("READ", .guard = "event.data.x > 1"))),
                                    ATOMIC("b", ON(STAY("HIDDEN")))),
                           ON(STAY("CANCEL"))),
                  &zero);
  chart_start(&c);
  const fsm_enabled_event *list;
  unsigned count;
  assert_int_equal(fsm_enabled(c.machine, &c.now, &nobody, &c.arena, &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 3);
  assert_string_equal(list[0].event, "APPROVE");
  assert_false(list[0].candidate.enabled);
  assert_int_equal(fsm_map_get(&list[0].candidate.seen, "context.n")->i, 0);
  assert_string_equal(list[1].event, "READ");
  assert_false(list[1].candidate.enabled);
  assert_non_null(list[1].candidate.fault);
  assert_string_equal(list[2].event, "CANCEL");
  assert_true(list[2].candidate.enabled);
  assert_null(list[2].candidate.guard);
  chart_close(&c);
}

/* ---- what it may cost --------------------------------------------------------------------------- */

#define COSTLY "[1, 2, 3, 4, 5, 6, 7, 8].all(x, [1, 2, 3, 4].all(y, x + y > context.n))"

static const fsm_enabled_event *asked_within(chart *c, uint64_t *left, unsigned *unasked) {
  const fsm_enabled_event *list;
  unsigned count;
  fsm_budget budget = {*left};
  const fsm_world world = {.budget = &budget};
  assert_int_equal(fsm_enabled(c->machine, &c->now, &world, &c->arena, &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 3);
  *unasked = 0;
  for (unsigned i = 0; i < count; i++) *unasked += list[i].candidate.unasked;
  *left = budget.left;
  return list;
}

static void what_is_over_the_budget_is_not_asked_and_nothing_is_said_of_it(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c, ATOMIC("m", ON(STAY("A", .guard = COSTLY), STAY("B", .guard = COSTLY), STAY("C", .guard = COSTLY))),
      &zero);
  chart_start(&c);
  uint64_t left = UINT64_MAX;
  unsigned unasked;
  (void)asked_within(&c, &left, &unasked);
  const uint64_t all = UINT64_MAX - left, one = all / 3;
  assert_int_equal(unasked, 0);
  assert_true(one > 50 && all % 3 == 0);

  left = 2 * one + 1; /* the third begins while something is left */
  const fsm_enabled_event *list = asked_within(&c, &left, &unasked);
  assert_int_equal(unasked, 0);
  assert_true(list[2].candidate.enabled);
  assert_int_equal(left, 0);

  left = 2 * one;
  list = asked_within(&c, &left, &unasked);
  assert_int_equal(unasked, 1);
  assert_true(list[1].candidate.enabled);
  assert_false(list[2].candidate.enabled);
  assert_true(list[2].candidate.depends && list[2].candidate.unasked);
  assert_int_equal(left, 0);

  (void)asked_within(&c, &left, &unasked); /* it is over, also for what is asked next */
  assert_int_equal(unasked, 3);
  chart_close(&c);
}

static void guards_are_left_out_when_only_who_may_is_asked(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c, ATOMIC("m", ON(STAY("A", .guard = COSTLY))), &zero);
  chart_start(&c);
  const fsm_enabled_event *list;
  unsigned count;
  fsm_budget budget = {1000000};
  const fsm_world world = {.budget = &budget, .only_allows = true};
  assert_int_equal(fsm_enabled(c.machine, &c.now, &world, &c.arena, &list, &count, NULL), FSM_OK);
  assert_int_equal(budget.left, 1000000);
  assert_int_equal(list[0].candidate.permitted, FSM_VERDICT_YES);
  chart_close(&c);
}

static void nothing_may_be_sent_to_a_machine_that_ended(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(FINAL("f")), ON(STAY("E"))));
  chart_start(&c);
  assert_true(c.now.done);
  const fsm_enabled_event *list;
  unsigned count = 9;
  assert_int_equal(fsm_enabled(c.machine, &c.now, &nobody, &c.arena, &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 0);
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_event_shows_its_data_at_the_top_too_but_not_over_its_own_names),
      cmocka_unit_test(the_start_shows_its_input_to_context_and_entry),
      cmocka_unit_test(a_start_whose_context_cannot_be_made_is_an_error),
      cmocka_unit_test(actor_now_and_in_are_seen),
      cmocka_unit_test(a_refusal_says_which_guard_and_what_it_saw),
      cmocka_unit_test(guard_false_no_transition_and_unknown_event_differ),
      cmocka_unit_test(the_world_cannot_claim_the_engines_own_events),
      cmocka_unit_test(arguments_past_their_bound_are_faults_of_the_call),
      cmocka_unit_test(enabled_lists_what_people_send_with_its_guards),
      cmocka_unit_test(what_is_over_the_budget_is_not_asked_and_nothing_is_said_of_it),
      cmocka_unit_test(guards_are_left_out_when_only_who_may_is_asked),
      cmocka_unit_test(nothing_may_be_sent_to_a_machine_that_ended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

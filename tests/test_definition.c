/* test_definition.c: definitions: the example from end to end, each form of the notation by what the machine
 * then does, what meta says. */
#include "tests/definition_run.h"

#define EXAMPLE FSM_SOURCE_DIR "/examples/document-approval.json"

static fsm_definition *load_example(void) {
  size_t len;
  return load(read_file(EXAMPLE, &len));
}

/* ---- the example ------------------------------------------------------------------------------- */

#define DOCUMENT \
  "{\"id\":\"d-1\",\"title\":\"Desk\",\"amount\":120.5,\"department\":\"it\",\"submitter\":\"ann\"}"

static void a_document_is_reviewed_and_approved(void **state) {
  (void)state;
  fsm_definition *d = load_example();
  run r = start(d, DOCUMENT);
  is_in(&r, "draft");
  send(&r, "SUBMIT");
  is_in(&r, "pendingReview");
  const fsm_effect *task = effect_of(&r, FSM_EFFECT_TASK_OPEN);
  assert_non_null(task);
  if (task == NULL) abort(); /* the compiler does not know that the line above ends the test */
  assert_string_equal(task->id, "submitForReview");
  assert_string_equal(fsm_invoke_src(r.machine, task->invoke), "submitForReview");
  fsm_value input = json(DOCUMENT);
  assert_true(fsm_value_same(&task->data, &input));
  assert_int_equal(
      send_data(&r, "xstate.done.actor.submitForReview", "{\"reviewId\":\"r-7\"}", FSM_CAUSE_TASK), FSM_OK);
  is_in(&r, "awaitingApproval");
  assert_string_equal(field(&r, "reviewId"), "r-7");
  send(&r, "APPROVE");
  is_in(&r, "approved");
  assert_true(r.now.done);
  fsm_value output = json("{\"decision\":\"approved\",\"reviewId\":\"r-7\"}");
  assert_true(fsm_value_same(&r.now.output, &output));
  fsm_definition_free(d);
}

static void a_document_is_rejected_with_the_reason_given(void **state) {
  (void)state;
  fsm_definition *d = load_example();
  run r = start(d, DOCUMENT);
  send(&r, "SUBMIT");
  assert_int_equal(
      send_data(&r, "xstate.done.actor.submitForReview", "{\"reviewId\":\"r-7\"}", FSM_CAUSE_TASK), FSM_OK);
  assert_int_equal(send_data(&r, "REJECT", "{\"reason\":\"too dear\"}", FSM_CAUSE_EXTERNAL), FSM_OK);
  is_in(&r, "rejected");
  assert_string_equal(field(&r, "rejectionReason"), "too dear");
  assert_true(fsm_state_has_tag(r.machine, (unsigned)fsm_state_find(r.machine, "rejected", 8), "rejected"));
  fsm_definition_free(d);
}

static void a_failed_document_is_retried_three_times(void **state) {
  (void)state;
  fsm_definition *d = load_example();
  run r = start(d, DOCUMENT);
  send(&r, "SUBMIT");
  for (int i = 0; i <= 3; i++) {
    assert_int_equal(
        send_data(&r, "xstate.error.actor.submitForReview", "{\"message\":\"offline\"}", FSM_CAUSE_TASK),
        FSM_OK);
    is_in(&r, "submissionFailed");
    assert_string_equal(field(&r, "failureReason"), "offline");
    fsm_code code = send_data(&r, "RETRY", "null", FSM_CAUSE_EXTERNAL);
    assert_int_equal(code, i < 3 ? FSM_OK : FSM_EGUARD);
  }
  assert_int_equal(r.last.candidate_count, 1);
  assert_string_equal(r.last.candidates[0].guard_name, "retriesLeft");
  is_in(&r, "submissionFailed");
  fsm_definition_free(d);
}

static void payloads_are_checked_against_the_example(void **state) {
  (void)state;
  fsm_definition *d = load_example();
  fsm_error err = {0};
  fsm_value ok = json("{\"reason\":\"x\"}"), empty = json("{\"reason\":\"\"}"), extra = json("{\"reasn\":1}");
  assert_int_equal(fsm_definition_check_event(d, "REJECT", &ok, &err), FSM_OK);
  assert_int_equal(fsm_definition_check_event(d, "REJECT", &empty, &err), FSM_EDATA);
  assert_string_equal(err.where, "/reason");
  assert_int_equal(fsm_definition_check_event(d, "REJECT", NULL, &err), FSM_EDATA);
  assert_string_equal(err.text, "\"reason\" is required and missing");
  assert_int_equal(fsm_definition_check_event(d, "APPROVE", NULL, &err), FSM_OK);
  assert_int_equal(fsm_definition_check_event(d, "SUBMIT", &extra, &err), FSM_EDATA);
  assert_int_equal(fsm_definition_check_event(d, "UNHEARD", &extra, &err), FSM_OK);
  fsm_value input = json(DOCUMENT), none = fsm_null(), context = json("{\"retries\":4}");
  assert_int_equal(fsm_definition_check_input(d, &input, &err), FSM_OK);
  assert_int_equal(fsm_definition_check_input(d, &none, &err), FSM_EDATA);
  assert_int_equal(fsm_definition_check_context(d, &context, &err), FSM_EDATA);
  assert_string_equal(err.where, "/retries");
  const fsm_value *schema = fsm_definition_event_schema(d, "REJECT");
  assert_non_null(schema);
  assert_true(fsm_is_text(fsm_doc_get(schema, "title"), "Reject"));
  assert_true(fsm_is_text(&schema->pairs[1].key, "title")); /* as written */
  assert_null(fsm_definition_event_schema(d, "UNHEARD"));
  fsm_definition_free(d);
}

/* ---- the notation, by what the machine does ---------------------------------------------------- */

static void targets_mean_siblings_children_and_ids(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"on\":{\"HOME\":\".a\"},\"states\":{"
      "\"a\":{\"initial\":\"x\",\"states\":{\"x\":{\"on\":{\"SIBLING\":\"y\",\"ID\":\"#far\",\"BELOW_ID\":\"#"
      "far.v\","
      "\"MACHINE\":\"#m.b.v\",\"LONG\":\"y\"}},\"y\":{}},"
      "\"on\":{\"CHILD\":\".y\",\"NEPHEW\":\"b.v\"}},"
      "\"b\":{\"id\":\"far\",\"initial\":\"u\",\"states\":{\"u\":{},\"v\":{}}}}}");
  const char *const cases[][2] = {{"SIBLING", "a.y"}, {"ID", "b.u"},    {"BELOW_ID", "b.v"},
                                  {"MACHINE", "b.v"}, {"CHILD", "a.y"}, {"NEPHEW", "b.v"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run r = start(d, "null");
    is_in(&r, "a.x");
    send(&r, cases[i][0]);
    is_in(&r, cases[i][1]);
    send(&r, "HOME");
    is_in(&r, "a.x");
  }
  fsm_definition_free(d);
}

static void named_things_stand_for_what_the_root_says(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},"
      "\"guards\":{\"few\":{\"when\":{\"@expr\":\"context.n < 2\"}},\"many\":{\"@expr\":\"context.n >= 2\"}},"
      "\"actions\":{\"count\":{\"type\":\"@xstate.assign\",\"context\":{\"n\":{\"@expr\":\"context.n + "
      "1\"}}},"
      "\"twice\":[\"count\",{\"type\":\"count\"}]},"
      "\"states\":{\"a\":{\"on\":{\"ONE\":{\"guard\":\"few\",\"actions\":\"count\"},"
      "\"TWO\":[{\"guard\":{\"type\":\"many\"},\"target\":\"b\"},{\"actions\":[\"twice\"]}]}},\"b\":{}}}");
  run r = start(d, "null");
  send(&r, "ONE");
  context_is(&r, "{\"n\":1}");
  send(&r, "TWO");
  context_is(&r, "{\"n\":3}");
  assert_int_equal(send_data(&r, "ONE", "null", FSM_CAUSE_EXTERNAL), FSM_EGUARD);
  send(&r, "TWO");
  is_in(&r, "b");
  fsm_definition_free(d);
}

static void a_patch_comes_before_the_actions(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"log\":[\"new\"],\"by\":{\"@expr\":\"input.by\"}},"
      "\"states\":{\"a\":{\"exit\":{\"type\":\"@xstate.assign\",\"context\":{\"log\":{\"@expr\":\"context."
      "log + ['exit']\"}}},"
      "\"on\":{\"GO\":{\"target\":\"b\",\"actions\":{\"type\":\"@xstate.assign\",\"context\":{\"log\":{\"@"
      "expr\":\"context.log + ['action']\"}}},"
      "\"context\":{\"log\":{\"@expr\":\"context.log + ['patch']\"}}}}},"
      "\"b\":{\"entry\":[{\"type\":\"@xstate.assign\",\"context\":{\"log\":{\"@expr\":\"context.log + "
      "['entry']\"}}}]}}}");
  run r = start(d, "{\"by\":\"ann\"}");
  send(&r, "GO");
  context_is(&r, "{\"by\":\"ann\",\"log\":[\"new\",\"exit\",\"patch\",\"action\",\"entry\"]}");
  fsm_definition_free(d);
}

static void delays_raise_log_emit_and_cancel_are_effects(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"delays\":{\"soon\":{\"duration\":5},\"later\":{\"@expr\":\"context."
      "ms * 2\"}},"
      "\"context\":{\"ms\":50},\"states\":{"
      "\"a\":{\"after\":{\"1000\":\"b\"},\"on\":{\"GO\":\"b\"}},"
      "\"b\":{\"after\":{\"later\":\"c\"},\"entry\":[{\"type\":\"@xstate.log\",\"args\":[\"in "
      "b\",{\"@expr\":\"context.ms\"}]},"
      "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"NEXT\",\"who\":{\"@expr\":\"event.name\"}},"
      "\"delay\":\"soon\",\"id\":\"t1\"},"
      "{\"type\":\"@xstate.emit\",\"event\":{\"type\":\"ARRIVED\"}}]},"
      "\"c\":{\"entry\":[{\"type\":\"@xstate.cancel\",\"id\":\"t1\"}]}}}");
  run r = start(d, "null");
  const fsm_effect *timer = effect_of(&r, FSM_EFFECT_TIMER_SET);
  assert_non_null(timer);
  if (timer == NULL) abort();
  assert_string_equal(timer->event, "xstate.after.1000.a");
  assert_true(timer->delay_ns == 1000 * 1000000LL);
  send(&r, "GO");
  assert_non_null(effect_of(&r, FSM_EFFECT_TIMER_CANCEL));
  const fsm_effect *log = effect_of(&r, FSM_EFFECT_LOG), *emit = effect_of(&r, FSM_EFFECT_EMIT);
  fsm_value args = json("[\"in b\",50]");
  assert_true(log && fsm_value_same(&log->data, &args));
  assert_true(emit && strcmp(emit->event, "ARRIVED") == 0);
  bool raised = false, delayed = false;
  for (unsigned m = 0; m < r.last.microstep_count; m++)
    for (unsigned i = 0; i < r.last.microsteps[m].effect_count; i++) {
      const fsm_effect *e = &r.last.microsteps[m].effects[i];
      if (e->kind != FSM_EFFECT_TIMER_SET) continue;
      fsm_value who = json("{\"who\":\"GO\"}");
      raised |= strcmp(e->event, "NEXT") == 0 && e->delay_ns == 5000000 && fsm_value_same(&e->data, &who);
      delayed |= strcmp(e->event, "xstate.after.later.b") == 0 && e->delay_ns == 100000000;
    }
  assert_true(raised && delayed);
  assert_int_equal(send_data(&r, "xstate.after.later.b", "null", FSM_CAUSE_TIMER), FSM_OK);
  is_in(&r, "c");
  const fsm_effect *cancel = effect_of(&r, FSM_EFFECT_TIMER_CANCEL);
  assert_non_null(cancel);
  fsm_definition_free(d);
}

static void exact_names_come_before_wildcards(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"*\":\"any\",\"pay.*\":\"pay\",\"pay.card."
      "*\":\"card\","
      "\"pay.cash\":\"cash\"}},\"any\":{},\"pay\":{},\"card\":{},\"cash\":{}}}");
  const char *const cases[][2] = {
      {"x", "any"}, {"pay.iou", "pay"}, {"pay.card.visa", "card"}, {"pay.cash", "cash"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run r = start(d, "null");
    send(&r, cases[i][0]);
    is_in(&r, cases[i][1]);
  }
  fsm_definition_free(d);
}

static void wildcards_come_behind_the_engines_own_events(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"initial\":\"x\",\"on\":{\"*\":\"any\",\"E\":\"."
      "z\"},"
      "\"onDone\":\"done\",\"states\":{\"x\":{},\"z\":{\"type\":\"final\"}}},\"any\":{},\"done\":{}}}");
  run r = start(d, "null");
  send(&r, "E");
  is_in(&r, "done");
  fsm_definition_free(d);
}

static void done_always_and_reenter_work(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{"
      "\"a\":{\"initial\":\"x\",\"onDone\":\"b\",\"entry\":{\"type\":\"@xstate.assign\",\"context\":{\"n\":{"
      "\"@expr\":\"context.n + 1\"}}},"
      "\"on\":{\"INSIDE\":\".x\",\"AGAIN\":{\"target\":\".x\",\"reenter\":true}},"
      "\"states\":{\"x\":{\"on\":{\"END\":\"z\"}},\"z\":{\"type\":\"final\"}}},"
      "\"b\":{\"always\":[{\"guard\":{\"@expr\":\"context.n > 5\"},\"target\":\"a\"},\"c\"]},\"c\":{}}}");
  run r = start(d, "null");
  send(&r, "INSIDE");
  context_is(&r, "{\"n\":1}");
  send(&r, "AGAIN");
  context_is(&r, "{\"n\":2}");
  send(&r, "END");
  is_in(&r, "c");
  fsm_definition_free(d);
}

static void invokes_are_numbered_when_they_have_no_id(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"initial\":\"x\",\"states\":{\"x\":{\"invoke\":["
      "{\"src\":\"one\",\"onError\":\"y\"},{\"src\":\"two.three\",\"input\":5,\"onDone\":\"y\"}]},\"y\":{}}}}"
      "}");
  const fsm_machine *m = fsm_definition_machine(d);
  assert_int_equal(fsm_machine_invokes(m), 2);
  assert_string_equal(fsm_invoke_id(m, 0), "0.a.x");
  assert_string_equal(fsm_invoke_id(m, 1), "1.a.x");
  run r = start(d, "null");
  assert_int_equal(send_data(&r, "xstate.done.actor.1.a.x", "1", FSM_CAUSE_TASK), FSM_OK);
  is_in(&r, "a.y");
  fsm_definition_free(d);
}

/* ---- meta -------------------------------------------------------------------------------------- */

static void how_long_an_instance_is_kept_and_which_fields_it_names_are_asked(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','meta':{'fsm':{'keep':'36h'}},'schemas':{'context':{'type':'object',"
      "'properties':{'n':{'type':'integer'}}}},'context':{'n':1,'x':2}}");
  assert_int_equal(fsm_definition_keep_ns(d), INT64_C(36) * 3600 * 1000000000);
  assert_true(fsm_definition_context_names(d, "n", 1));
  assert_false(fsm_definition_context_names(d, "x", 1) || fsm_definition_context_names(d, "nn", 2));
  fsm_definition_free(d);
  d = load_quoted("{'id':'m','meta':{'keep':'1h'}}"); /* not ours */
  assert_int_equal(fsm_definition_keep_ns(d), 0);
  assert_false(fsm_definition_context_names(d, "n", 1));
  fsm_definition_free(d);
}

static void the_policy_of_tasks_has_defaults(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":[{\"src\":\"one\"},{\"src\":\"two\","
      "\"meta\":{\"fsm\":"
      "{\"attempts\":5,\"timeout\":\"2m\",\"heartbeat\":\"20s\",\"backoff\":\"500ms\",\"backoff_max\":"
      "\"10s\"},\"note\":\"free\"}}]"
      "}}}");
  const int64_t second = 1000000000;
  fsm_task_policy p;
  fsm_definition_task_policy(d, 0, &p);
  assert_true(p.attempts == 1 && p.timeout_ns == 60 * second && p.heartbeat_ns == 0 &&
              p.backoff_ns == second && p.backoff_max_ns == 3600 * second);
  fsm_definition_task_policy(d, 1, &p);
  assert_true(p.attempts == 5 && p.timeout_ns == 120 * second && p.heartbeat_ns == 20 * second &&
              p.backoff_ns == second / 2 && p.backoff_max_ns == 10 * second);
  const fsm_value *meta = fsm_invoke_meta(fsm_definition_machine(d), 1);
  assert_true(fsm_is_text(fsm_map_get(meta, "note"), "free"));
  fsm_definition_free(d);
}

static void overdue_is_that_of_the_state_then_of_the_root_then_fire(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"initial\":\"x\","
      "\"meta\":{\"fsm\":{\"overdue\":\"skip\"}},\"states\":{\"x\":{}}}}}");
  assert_int_equal(fsm_definition_overdue(d, 0), FSM_OVERDUE_FIRE);
  assert_int_equal(fsm_definition_overdue(d, 1), FSM_OVERDUE_SKIP);
  assert_int_equal(fsm_definition_overdue(d, 2), FSM_OVERDUE_FIRE); /* not that of a state around it */
  fsm_definition_free(d);
  d = load(
      "{\"id\":\"m\",\"initial\":\"a\",\"meta\":{\"fsm\":{\"overdue\":\"restart\"}},\"states\":{"
      "\"a\":{},\"b\":{\"meta\":{\"fsm\":{\"overdue\":\"fire\"}}}}}");
  assert_int_equal(fsm_definition_overdue(d, 0), FSM_OVERDUE_RESTART);
  assert_int_equal(fsm_definition_overdue(d, 1), FSM_OVERDUE_RESTART);
  assert_int_equal(fsm_definition_overdue(d, 2), FSM_OVERDUE_FIRE);
  fsm_definition_free(d);
}

static void meta_and_tags_reach_the_machine(void **state) {
  (void)state;
  fsm_definition *d = load(
      "{\"id\":\"m\",\"description\":\"What it "
      "is\",\"initial\":\"a\",\"meta\":{\"fsm\":{\"keep\":\"30d\",\"level\":2}},"
      "\"states\":{\"a\":{\"tags\":\"open\",\"description\":\"Where it "
      "waits\",\"meta\":{\"fsm\":{\"sla\":\"4h\"}},"
      "\"on\":{\"GO\":{\"target\":\"b\",\"meta\":{\"fsm\":{\"reason_required\":true}}}}},\"b\":{\"tags\":["
      "\"x\",\"y\"]}}}");
  const fsm_machine *m = fsm_definition_machine(d);
  assert_string_equal(fsm_definition_description(d), "What it is");
  assert_string_equal(fsm_state_description(m, 1), "Where it waits");
  assert_true(fsm_state_has_tag(m, 1, "open") && fsm_state_has_tag(m, 2, "y") &&
              !fsm_state_has_tag(m, 2, "open"));
  assert_true(fsm_is_text(fsm_map_get(fsm_map_get(fsm_state_meta(m, 1), "fsm"), "sla"), "4h"));
  assert_non_null(fsm_map_get(fsm_map_get(fsm_transition_meta(m, 0), "fsm"), "reason_required"));
  fsm_definition_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_document_is_reviewed_and_approved),
      cmocka_unit_test(a_document_is_rejected_with_the_reason_given),
      cmocka_unit_test(a_failed_document_is_retried_three_times),
      cmocka_unit_test(payloads_are_checked_against_the_example),
      cmocka_unit_test(targets_mean_siblings_children_and_ids),
      cmocka_unit_test(named_things_stand_for_what_the_root_says),
      cmocka_unit_test(a_patch_comes_before_the_actions),
      cmocka_unit_test(delays_raise_log_emit_and_cancel_are_effects),
      cmocka_unit_test(exact_names_come_before_wildcards),
      cmocka_unit_test(wildcards_come_behind_the_engines_own_events),
      cmocka_unit_test(done_always_and_reenter_work),
      cmocka_unit_test(invokes_are_numbered_when_they_have_no_id),
      cmocka_unit_test(how_long_an_instance_is_kept_and_which_fields_it_names_are_asked),
      cmocka_unit_test(the_policy_of_tasks_has_defaults),
      cmocka_unit_test(overdue_is_that_of_the_state_then_of_the_root_then_fire),
      cmocka_unit_test(meta_and_tags_reach_the_machine),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

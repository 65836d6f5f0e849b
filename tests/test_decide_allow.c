/* Who may, decided: starts, events, both in one, answers of tasks; what a refusal tells, and what it does
 * not. */
#include "decide_fixture.h"

#include "allow_scene.h"

static int setup_roles(void **state) {
  setup(state);
  desk *d = *state;
  rig_deploy(d->rig, ROLES, 5);
  d->seq = 5;
  return 0;
}

static fsm_command as(desk *d, fsm_command command, const char *actor) {
  command.actor = actor != NULL ? rig_json(d->rig, actor) : fsm_null();
  return command;
}

static fsm_command start_as(desk *d, const char *actor, const char *id) {
  fsm_command command = as(d, start_of("roles", id), actor);
  command.data = rig_json(d->rig, "{\"owner\":\"ana\"}");
  return command;
}

static fsm_command send_as(desk *d, const char *actor, const char *event, const char *data) {
  fsm_command command = as(d, send_of("i", event), actor);
  if (data != NULL) command.data = rig_json(d->rig, data);
  return command;
}

static fsm__decision refused(desk *d, fsm_command command) {
  assert_refused(d, &command, FSM_EPERMISSION);
  return decide(d, &command);
}

static void in_review(desk *d) {
  fsm_command command = start_as(d, OWNER, "i");
  (void)take(d, &command);
  command = send_as(d, OWNER, "SUBMIT", NULL);
  (void)take(d, &command);
}

static const char *detail_of(desk *d, const fsm__decision *decision) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, &decision->detail);
  const char *text = fsm_arena_strdup(&d->rig->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void a_start_needs_what_the_root_asks_for(void **state) {
  desk *d = *state;
  fsm__decision decision = refused(d, start_as(d, ANONYMOUS, "i"));
  assert_string_equal(decision.refusal.where, "actor");
  assert_string_equal(decision.refusal.text,
                      "starting roles is not permitted (who asks is not known): it needs has(actor.sub)");
  assert_string_equal(
      detail_of(d, &decision),
      "{\"allow\":[{\"expression\":\"has(actor.sub)\",\"state\":\"\",\"where\":\"/meta/fsm/allow\"}]}");
  assert_null(decision.instance);
  assert_string_equal(decision.machine, "roles");
  decision = refused(d, start_as(d, NULL, "i"));
  assert_string_equal(decision.refusal.text,
                      "starting roles is not permitted (nobody is named who asks): it needs has(actor.sub)");
  fsm_command command = start_as(d, OWNER, "i");
  (void)take(d, &command);
}

static void an_event_is_refused_with_who_asked_and_what_it_needs(void **state) {
  desk *d = *state;
  in_review(d);
  fsm__decision decision = refused(d, send_as(d, OWNER, "APPROVE", "{\"amount\":1}"));
  assert_string_equal(decision.refusal.text,
                      "event \"APPROVE\" in state \"review\" is not permitted (asked by \"ana\"): it needs "
                      "('approver' in actor.roles) || ('chief' in actor.roles), and 1 more");
  assert_string_equal(
      detail_of(d, &decision),
      "{\"allow\":[{\"expression\":\"('approver' in actor.roles) || ('chief' in actor.roles)\","
      "\"state\":\"review\",\"where\":\"/states/review/meta/fsm/allow\"},{\"expression\":"
      "\"actor.sub != context.owner\",\"state\":\"review\",\"transition\":2,\"where\":"
      "\"/states/review/on/APPROVE/meta/fsm/allow\"}]}");
  fsm_command command = send_as(d, APPROVER, "APPROVE", "{\"amount\":1}");
  (void)take(d, &command);
}

/* The values that a guard read are for those who may. */
static void a_refusal_shows_no_value_that_the_caller_may_not_see(void **state) {
  desk *d = *state;
  in_review(d);
  static const char *const cannot[] = {OWNER, APPROVING_OWNER, ANONYMOUS, AUDITOR, "{\"sub\":\"x\"}"};
  for (size_t i = 0; i < sizeof cannot / sizeof *cannot; i++) {
    fsm__decision decision = refused(d, send_as(d, cannot[i], "APPROVE", "{\"amount\":99}"));
    assert_null(strstr(detail_of(d, &decision), "candidates"));
    assert_null(strstr(detail_of(d, &decision), "seen"));
  }
  fsm_command command = send_as(d, APPROVER, "APPROVE", "{\"amount\":99}");
  fsm__decision guard = decide(d, &command);
  assert_int_equal(guard.refusal.code, FSM_EGUARD);
  assert_non_null(strstr(detail_of(d, &guard), "\"context.limit\":10"));
}

static void of_two_candidates_only_the_permitted_ones_guard_is_told(void **state) {
  desk *d = *state;
  in_review(d);
  fsm__decision decision = refused(d, send_as(d, APPROVER, "ESCALATE", NULL));
  const char *detail = detail_of(d, &decision);
  assert_non_null(strstr(detail, "\"expression\":\"'chief' in actor.roles\""));
  assert_non_null(strstr(detail, "\"candidates\":[{\"guard\":\"context.limit > 100\""));
  assert_null(strstr(detail, "},{\"guard\""));
  fsm_command command = send_as(d, CHIEF, "ESCALATE", NULL);
  fsm__decision taken = take(d, &command);
  assert_true(fsm_is_text(&taken.to.items[0], "board"));
}

static void an_absent_instance_needs_both_the_start_and_the_event(void **state) {
  desk *d = *state;
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.machine = "roles";
  command.key = "K";
  command.event = "SUBMIT";
  command.if_absent = true;
  command.instance = "made";
  command.correlation = "corr";
  command.input = rig_json(d->rig, "{\"owner\":\"ana\"}");
  fsm__decision decision = refused(d, as(d, command, ANONYMOUS));
  assert_non_null(strstr(decision.refusal.text, "starting roles is not permitted"));
  decision = refused(d, as(d, command, APPROVER));
  assert_non_null(strstr(decision.refusal.text, "event \"SUBMIT\" in state \"draft\" is not permitted"));
  assert_null(decision.instance);
  assert_false(decision.created);
  command = as(d, command, OWNER);
  decision = take(d, &command);
  assert_true(decision.created);
}

static void what_is_refused_is_not_kept_under_its_key(void **state) {
  desk *d = *state;
  in_review(d);
  fsm_command command = send_as(d, AUDITOR, "ESCALATE", NULL);
  command.idem = "k";
  (void)refused(d, command);
  command = send_as(d, CHIEF, "ESCALATE", NULL);
  command.idem = "k";
  fsm__decision decision = take(d, &command);
  assert_false(decision.replay);
}

static fsm_command answer_as(desk *d, const char *actor, fsm_command_kind kind) {
  fsm__task task;
  assert_int_equal(fsm__task_load(d->rig->store, 1, "audit", &d->rig->arena, &task, NULL), FSM_OK);
  fsm_command command = as(d, fsm_command_new(kind), actor);
  memcpy(command.token, task.token, sizeof command.token);
  command.attempt = 1;
  return command;
}

static void a_task_is_answered_by_whom_its_invoke_lets(void **state) {
  desk *d = *state;
  in_review(d);
  static const fsm_command_kind kinds[] = {FSM_CMD_TASK_STARTED, FSM_CMD_TASK_HEARTBEAT,
                                           FSM_CMD_TASK_COMPLETE, FSM_CMD_TASK_FAIL};
  static const char *const cannot[] = {OWNER, APPROVER, CHIEF, ANONYMOUS, NULL};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (size_t i = 0; i < sizeof cannot / sizeof *cannot; i++)
      (void)refused(d, answer_as(d, cannot[i], kinds[k]));
  fsm__decision decision = refused(d, answer_as(d, APPROVER, FSM_CMD_TASK_COMPLETE));
  assert_string_equal(decision.refusal.text,
                      "task.complete of audit is not permitted (asked by \"mia\"): it "
                      "needs 'auditor' in actor.roles");
  assert_string_equal(
      detail_of(d, &decision),
      "{\"allow\":[{\"expression\":\"'auditor' in actor.roles\",\"state\":\"review\",\"where\":"
      "\"/states/review/invoke/meta/fsm/allow\"}]}");
  fsm_command command = answer_as(d, AUDITOR, FSM_CMD_TASK_STARTED);
  (void)take(d, &command);
  command = answer_as(d, AUDITOR, FSM_CMD_TASK_COMPLETE);
  fsm__decision done = take(d, &command);
  assert_true(fsm_is_text(&done.to.items[0], "audited"));
}

static void an_operator_is_not_asked_what_others_may(void **state) {
  desk *d = *state;
  in_review(d);
  fsm_command command = as(d, fsm_command_new(FSM_CMD_SKIP), ANONYMOUS);
  command.instance = "i";
  command.name = "audit";
  command.reason = "the auditor is ill";
  command.correlation = "corr";
  fsm__decision decision = take(d, &command);
  assert_true(fsm_is_text(&decision.to.items[0], "audited"));
}

static void a_timer_asks_nobody(void **state) {
  desk *d = *state;
  fsm_command command = start_as(d, OWNER, "i"), by_time = fsm_command_new(FSM_CMD_SEND);
  (void)take(d, &command);
  by_time.correlation = "corr";
  fsm__timer timer;
  fsm__decision decision;
  assert_int_equal(
      fsm__timer_load(d->rig->store, 1, "xstate.after.60000.draft", &d->rig->arena, &timer, NULL), FSM_OK);
  d->now_ns += 61 * SECOND;
  fsm__case at = case_of(d, &by_time);
  assert_int_equal(fsm__decide_timer(&at, 1, &timer, &decision, &d->err), FSM_OK);
  assert_int_equal(decision.refusal.code, FSM_OK);
  assert_true(fsm_is_text(&decision.to.items[0], "late"));
}

static void other_refusals_go_before(void **state) {
  desk *d = *state;
  in_review(d);
  fsm_command command = send_as(d, ANONYMOUS, "SUBMIT", NULL);
  command.expect_rev = 7;
  assert_refused(d, &command, FSM_ESTALE);
  command = send_as(d, ANONYMOUS, "SUBMIT", NULL);
  command.instance = "none";
  assert_refused(d, &command, FSM_EINSTANCE);
  command = send_as(d, OWNER, "NEVER", NULL);
  assert_refused(d, &command, FSM_EEVENT);
  command = send_as(d, OWNER, "SUBMIT", NULL);
  assert_refused(d, &command, FSM_ENOTRANSITION);
  command = start_as(d, ANONYMOUS, "i");
  assert_refused(d, &command, FSM_EEXISTS);
}

#define A(name) cmocka_unit_test_setup_teardown(name, setup_roles, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      A(a_start_needs_what_the_root_asks_for),
      A(an_event_is_refused_with_who_asked_and_what_it_needs),
      A(a_refusal_shows_no_value_that_the_caller_may_not_see),
      A(of_two_candidates_only_the_permitted_ones_guard_is_told),
      A(an_absent_instance_needs_both_the_start_and_the_event),
      A(what_is_refused_is_not_kept_under_its_key),
      A(a_task_is_answered_by_whom_its_invoke_lets),
      A(an_operator_is_not_asked_what_others_may),
      A(a_timer_asks_nobody),
      A(other_refusals_go_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

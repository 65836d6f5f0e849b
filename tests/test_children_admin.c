/* test_children_admin.c: what an operator does to a parent or a child is heard by the other. */
#include "children_scene.h"

static const char PARENT[] =
    "{\"id\":\"parent\",\"initial\":\"work\",\"context\":{\"got\":null,\"heard\":\"\"},\"states\":{"
    "\"work\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\",\"input\":{\"machine\":\"child\"},"
    "\"onDone\":{\"target\":\"done\",\"context\":{\"got\":{\"@expr\":\"event.output\"}}},"
    "\"onError\":{\"target\":\"failed\",\"context\":{\"got\":{\"@expr\":\"event.error.message\"}}}},"
    "\"on\":{\"LEAVE\":\"failed\",\"SAY\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + "
    "event.text\"}}},"
    "\"BREAK\":{\"context\":{\"heard\":{\"@expr\":\"string(1 / size(context.heard))\"}}}}},"
    "\"done\":{},\"failed\":{}}}";

static const char CHILD[] =
    "{\"id\":\"child\",\"initial\":\"busy\",\"states\":{\"busy\":{\"on\":{\"FINISH\":\"end\","
    "\"A\":{\"actions\":[{\"type\":\"@xstate.sendParent\",\"event\":{\"type\":\"SAY\",\"text\":\"a\"}}]},"
    "\"B\":{\"actions\":[{\"type\":\"@xstate.sendParent\",\"event\":{\"type\":\"SAY\",\"text\":\"b\"}}]}}},"
    "\"end\":{\"type\":\"final\"}},\"output\":1}";

static fsm_answer admin(fixture *f, fsm_command_kind kind, const char *id, const char *name) {
  fsm_command command = fsm_command_new(kind);
  command.instance = id;
  command.name = name;
  command.reason = "a test";
  command.actor = json(f, "{\"sub\":\"op\"}");
  fsm_answer answer = sent(f, &command);
  until_quiet(f);
  return answer;
}

static const char *both(fixture *f) {
  deploy(f, PARENT);
  deploy(f, CHILD);
  started(f, "parent", "p", NULL);
  return child_of(f, "p", "kid");
}

static void done_by(fixture *f, fsm_command_kind kind, const char *id, const char *name) {
  fsm_answer answer = admin(f, kind, id, name);
  assert_code(&answer, FSM_OK);
}

static void a_child_that_is_cancelled_fails_its_task(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  done_by(f, FSM_CMD_CANCEL, kid, NULL);
  is_now(f, kid, "cancelled [\"busy\"] {}");
  is_now(f, "p",
         "running [\"failed\"] {\"got\":\"the child instance was cancelled: a test\",\"heard\":\"\"}");
}

static void a_parent_that_is_cancelled_takes_its_children_along(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  done_by(f, FSM_CMD_CANCEL, "p", NULL);
  is_now(f, kid, "cancelled [\"busy\"] {}");
}

static void what_a_paused_parent_is_told_waits_in_order_also_over_a_restart(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  for (int restart = 0; restart < 2; restart++) {
    done_by(f, FSM_CMD_PAUSE, "p", NULL);
    sends(f, kid, "A");
    sends(f, kid, "B");
    sends(f, kid, "A");
    assert_int_equal(list_len(f, kid, "messages"), 3);
    if (restart) fixture_reopen(f);
    done_by(f, FSM_CMD_RESUME, "p", NULL);
  }
  is_now(f, "p", "running [\"work\"] {\"got\":null,\"heard\":\"abaaba\"}");
}

static void the_end_of_a_child_waits_for_a_paused_parent(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  done_by(f, FSM_CMD_PAUSE, "p", NULL);
  sends(f, kid, "B");
  sends(f, kid, "FINISH");
  is_now(f, "p", "paused [\"work\"] {\"got\":null,\"heard\":\"\"}");
  done_by(f, FSM_CMD_RESUME, "p", NULL);
  is_now(f, "p", "running [\"done\"] {\"got\":1,\"heard\":\"b\"}");
}

static void what_a_parent_in_an_incident_is_told_waits_until_it_is_closed(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  (void)send_event(f, "p", "BREAK", NULL);
  sends(f, kid, "FINISH");
  is_now(f, "p", "incident [\"work\"] {\"got\":null,\"heard\":\"\"}");
  done_by(f, FSM_CMD_SKIP, "p", NULL);
  is_now(f, "p", "running [\"done\"] {\"got\":1,\"heard\":\"\"}");
}

static void a_task_that_is_skipped_ends_its_child(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  done_by(f, FSM_CMD_SKIP, "p", "kid");
  is_now(f, "p", "running [\"done\"] {\"got\":null,\"heard\":\"\"}");
  is_now(f, kid, "cancelled [\"busy\"] {}");
}

static void a_task_that_is_retried_has_a_new_child(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  done_by(f, FSM_CMD_RETRY, "p", "kid");
  const char *next = child_of(f, "p", "kid");
  assert_string_not_equal(next, kid);
  is_now(f, kid, "cancelled [\"busy\"] {}");
  sends(f, next, "FINISH");
  is_now(f, "p", "running [\"done\"] {\"got\":1,\"heard\":\"\"}");
}

static void a_start_that_nothing_took_the_error_of_is_tried_again(void **state) {
  fixture *f = *state;
  deploy(
      f,
      "{\"id\":\"bare\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\","
      "\"input\":{\"machine\":\"child\"},\"onDone\":\"b\"}},\"b\":{}}}");
  started(f, "bare", "p", NULL);
  is_now(f, "p", "incident [\"a\"] {}");
  deploy(f, CHILD);
  done_by(f, FSM_CMD_RETRY, "p", NULL);
  sends(f, child_of(f, "p", "kid"), "FINISH");
  is_now(f, "p", "running [\"b\"] {}");
}

static void a_forced_configuration_ends_and_starts_children(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  fsm_command command = fsm_command_new(FSM_CMD_FORCE);
  command.instance = "p";
  command.reason = "a test";
  command.actor = json(f, "{\"sub\":\"op\"}");
  command.states = json(f, "[\"failed\"]");
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  until_quiet(f);
  is_now(f, kid, "cancelled [\"busy\"] {}");
  command.states = json(f, "[\"work\"]");
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  until_quiet(f);
  is_now(f, child_of(f, "p", "kid"), "running [\"busy\"] {}");
}

/* Not first after a restart: until then its sender could not be purged. */
static void what_waits_for_one_that_is_cancelled_is_refused_at_once(void **state) {
  fixture *f = *state;
  const char *kid = both(f);
  done_by(f, FSM_CMD_PAUSE, "p", NULL);
  sends(f, kid, "A");
  sends(f, kid, "FINISH");
  assert_int_equal(list_len(f, kid, "messages"), 2);
  done_by(f, FSM_CMD_CANCEL, "p", NULL);
  fsm_value in = instance(f, kid);
  assert_null(fsm_map_get(&in, "messages"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      C(a_child_that_is_cancelled_fails_its_task),
      C(a_parent_that_is_cancelled_takes_its_children_along),
      C(what_a_paused_parent_is_told_waits_in_order_also_over_a_restart),
      C(the_end_of_a_child_waits_for_a_paused_parent),
      C(what_a_parent_in_an_incident_is_told_waits_until_it_is_closed),
      C(a_task_that_is_skipped_ends_its_child),
      C(a_task_that_is_retried_has_a_new_child),
      C(a_start_that_nothing_took_the_error_of_is_tried_again),
      C(a_forced_configuration_ends_and_starts_children),
      C(what_waits_for_one_that_is_cancelled_is_refused_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

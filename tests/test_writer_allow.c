/* Who may, in a runtime: what was refused is on record with who and why, changes nothing, and what instances
 * and services of the program do asks nobody. */
#include "children_scene.h"

#include "allow_scene.h"

static int setup(void **state) {
  fixture *f = fixture_new();
  deploy(f, ROLES);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static fsm_command command_as(fixture *f, fsm_command_kind kind, const char *actor) {
  fsm_command command = fsm_command_new(kind);
  if (actor != NULL) command.actor = json(f, actor);
  return command;
}

static fsm_answer send_as(fixture *f, const char *actor, const char *event) {
  fsm_command command = command_as(f, FSM_CMD_SEND, actor);
  command.instance = "i";
  command.event = event;
  return sent(f, &command);
}

static fsm_answer start_as(fixture *f, const char *actor, const char *id) {
  fsm_command command = command_as(f, FSM_CMD_START, actor);
  command.machine = "roles";
  command.instance = id;
  command.data = json(f, "{\"owner\":\"ana\"}");
  return sent(f, &command);
}

static void in_review(fixture *f) {
  fsm_answer answer = start_as(f, OWNER, "i");
  assert_code(&answer, FSM_OK);
  answer = send_as(f, OWNER, "SUBMIT");
  assert_code(&answer, FSM_OK);
}

/* The newest record. */
static fsm_value last_record(fixture *f) {
  const char *after = fsm_arena_printf(&f->arena, "%lld", (long long)seq_now(f) - 1);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = after});
  const fsm_value *items = fsm_map_get(&page, "items");
  assert_int_equal(items->len, 1);
  return items->items[0];
}

static void a_refused_event_is_on_record_with_who_and_why(void **state) {
  fixture *f = *state;
  in_review(f);
  const fsm_value before = instance(f, "i");
  fsm_answer answer = send_as(f, APPROVER, "ESCALATE");
  assert_code(&answer, FSM_EPERMISSION);
  fsm_value record = last_record(f);
  assert_string_equal(member(f, &record, "kind"), "rejected");
  assert_string_equal(member(f, &record, "reason"), "not_permitted");
  assert_string_equal(member(f, &record, "inst"), "i");
  assert_string_equal(member(f, &record, "trigger"), "ESCALATE");
  assert_string_equal(member(f, fsm_map_get(&record, "act"), "sub"), "mia");
  assert_non_null(strstr(member(f, &record, "detail"), "\"expression\":\"'chief' in actor.roles\""));
  assert_non_null(strstr(member(f, &record, "detail"), "asked by \\\"mia\\\""));
  const fsm_value after = instance(f, "i");
  assert_string_equal(member(f, &after, "rev"), member(f, &before, "rev"));
  assert_string_equal(member(f, &after, "state"), member(f, &before, "state"));
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "i"});
  assert_non_null(strstr(text_of(f, &history), "not_permitted"));
  assert_verified(f);
}

static void a_refused_start_is_on_record_without_an_instance(void **state) {
  fixture *f = *state;
  fsm_answer answer = start_as(f, ANONYMOUS, "i");
  assert_code(&answer, FSM_EPERMISSION);
  fsm_value record = last_record(f);
  assert_string_equal(member(f, &record, "kind"), "rejected");
  assert_string_equal(member(f, &record, "mach"), "roles");
  assert_string_equal(member(f, &record, "inst"), "none");
  assert_string_equal(member(f, &record, "reason"), "not_permitted");
  assert_non_null(strstr(member(f, &record, "detail"), "has(actor.sub)"));
  fsm_value list = query(f, (fsm_query){.kind = FSM_QUERY_LIST});
  assert_int_equal(fsm_map_get(&list, "items")->len, 0);
  fixture_reopen(f);
  assert_verified(f);
}

static void a_refused_answer_is_on_record_and_the_task_stays_open(void **state) {
  fixture *f = *state;
  in_review(f);
  await_offers(f, 1);
  fsm_command command = command_as(f, FSM_CMD_TASK_STARTED, AUDITOR);
  memcpy(command.token, f->offered[0].token, 16);
  command.attempt = 1;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  command = command_as(f, FSM_CMD_TASK_COMPLETE, CHIEF);
  memcpy(command.token, f->offered[0].token, 16);
  answer = sent(f, &command);
  assert_code(&answer, FSM_EPERMISSION);
  fsm_value record = last_record(f);
  assert_string_equal(member(f, &record, "reason"), "not_permitted");
  assert_string_equal(member(f, fsm_map_get(&record, "act"), "sub"), "mo");
  fsm_value in = instance(f, "i");
  assert_non_null(strstr(member(f, &in, "tasks"), "\"status\":\"started\""));
  command.actor = json(f, AUDITOR);
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_state(f, "i", "audited");
}

static void a_flood_of_refusals_is_summed(void **state) {
  fixture *f = *state;
  in_review(f);
  const int64_t before = seq_now(f);
  for (unsigned i = 0; i < 300; i++) {
    fsm_answer answer = send_as(f, AUDITOR, "ESCALATE");
    assert_code(&answer, FSM_EPERMISSION);
  }
  assert_true(seq_now(f) - before < 150);
  passes(f, 11);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .limit = 1000});
  assert_non_null(strstr(text_of(f, &page), "\"count\":"));
}

static void of_a_batch_only_what_is_not_permitted_is_refused(void **state) {
  fixture *f = *state;
  in_review(f);
  fsm_command commands[3];
  fsm_answer answers[3];
  static const char *const actors[3] = {AUDITOR, CHIEF, AUDITOR};
  for (unsigned i = 0; i < 3; i++) {
    commands[i] = command_as(f, FSM_CMD_SEND, actors[i]);
    commands[i].instance = "i";
    commands[i].event = "ESCALATE";
  }
  assert_int_equal(fsm_call_batch(f->runtime, commands, 3, &f->arena, answers, NULL), FSM_OK);
  assert_code(&answers[0], FSM_EPERMISSION);
  assert_code(&answers[1], FSM_OK);
  assert_code(&answers[2], FSM_ENOTRANSITION);
  assert_state(f, "i", "board");
}

/* A parent starts a child that lets nobody start it, and sends it what nobody may send. */
static const char CHILD[] =
    "{\"id\":\"child\",\"initial\":\"a\",\"meta\":{\"fsm\":{\"allow\":\"false\"}},\"states\":{\"a\":{\"on\":{"
    "\"GO\":\"b\"}},\"b\":{\"type\":\"final\"}}}";
static const char PARENT[] =
    "{\"id\":\"parent\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"id\":\"c\",\"src\":\"machine\","
    "\"input\":{"
    "\"machine\":\"child\"},\"meta\":{\"fsm\":{\"allow\":\"false\"}},\"onDone\":\"b\"},\"on\":{\"TELL\":{"
    "\"actions\":{"
    "\"type\":\"@xstate.sendTo\",\"to\":\"c\",\"event\":{\"type\":\"GO\"}}}}},\"b\":{}}}";

static void instances_are_not_asked_what_people_may(void **state) {
  fixture *f = *state;
  deploy(f, CHILD);
  deploy(f, PARENT);
  fsm_answer answer = start(f, "child", "x", NULL, NULL);
  assert_code(&answer, FSM_EPERMISSION);
  started(f, "parent", "p", NULL);
  fsm_value list = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .machine = "child"});
  const fsm_value *items = fsm_map_get(&list, "items");
  assert_int_equal(items->len, 1);
  const char *child = member(f, &items->items[0], "id");
  answer = send_event(f, child, "GO", NULL);
  assert_code(&answer, FSM_EPERMISSION);
  sends(f, "p", "TELL");
  assert_state(f, "p", "b");
  assert_verified(f);
}

static void serve(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  (void)arg, (void)task, (void)arena;
  out->output = fsm_int(1);
}

static void a_service_of_the_program_answers_in_nobodys_name(void **state) {
  fixture *f = *state;
  const fsm_service service = {.name = "people", .run = serve};
  fsm_runtime_options options = scene_options(f);
  options.services = &service;
  options.service_count = 1;
  scene_reopen(f, &options);
  in_review(f);
  for (int i = 0; i < 12000; i++) {
    fsm_value in = instance(f, "i");
    if (strcmp(member(f, &in, "state"), "[\"audited\"]") == 0) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_state(f, "i", "audited");
}

static fsm_value events_as(fixture *f, const char *actor) {
  fsm_query q = {.kind = FSM_QUERY_EVENTS, .ref = "i"};
  if (actor != NULL) q.actor = json(f, actor);
  fsm_value page = query(f, q);
  return *fsm_map_get(&page, "events");
}

static void what_may_be_sent_tells_by_whom_and_whether_who_asks_may(void **state) {
  fixture *f = *state;
  in_review(f);
  fsm_value events = events_as(f, NULL);
  assert_int_equal(events.len, 3);
  assert_string_equal(member(f, &events.items[0], "event"), "APPROVE");
  assert_string_equal(member(f, &events.items[0], "permitted"), "none");
  assert_string_equal(member(f, &events.items[0], "depends"), "true");
  assert_int_equal(fsm_map_get(&events.items[0], "allow")->len, 3);
  assert_null(strstr(member(f, &events.items[0], "allow"), "holds"));
  static const struct {
    const char *actor, *permitted[3];
  } cases[] = {{CHIEF, {"true", "true", "true"}},
               {APPROVER, {"true", "false", "true"}},
               {APPROVING_OWNER, {"false", "false", "true"}},
               {OWNER, {"false", "false", "false"}},
               {ANONYMOUS, {"false", "false", "false"}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    events = events_as(f, cases[i].actor);
    for (unsigned e = 0; e < 3; e++)
      assert_string_equal(member(f, &events.items[e], "permitted"), cases[i].permitted[e]);
  }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_refused_event_is_on_record_with_who_and_why),
      T(a_refused_start_is_on_record_without_an_instance),
      T(a_refused_answer_is_on_record_and_the_task_stays_open),
      T(a_flood_of_refusals_is_summed),
      T(of_a_batch_only_what_is_not_permitted_is_refused),
      T(instances_are_not_asked_what_people_may),
      T(a_service_of_the_program_answers_in_nobodys_name),
      T(what_may_be_sent_tells_by_whom_and_whether_who_asks_may),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

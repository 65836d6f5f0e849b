/* test_children.c: child instances, from the start of one to its end, by the journal's word. */
#include "children_scene.h"

/* Starts a child, hears it, ends with it. */
static const char PARENT[] =
    "{\"id\":\"parent\",\"initial\":\"idle\",\"context\":{\"got\":null,\"heard\":0},\"states\":{"
    "\"idle\":{\"on\":{\"GO\":\"work\"}},"
    "\"work\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\","
    "\"input\":{\"machine\":\"child\",\"input\":{\"x\":7}},"
    "\"onDone\":{\"target\":\"done\",\"context\":{\"got\":{\"@expr\":\"event.output\"}}},"
    "\"onError\":{\"target\":\"failed\",\"context\":{\"got\":{\"@expr\":\"event.error.message\"}}}},"
    "\"on\":{\"LEAVE\":\"idle\",\"HELLO\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + 1\"}}},"
    "\"ASK\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":\"kid\",\"event\":{\"type\":\"FINISH\"}}]}}},"
    "\"done\":{\"type\":\"final\"},\"failed\":{}}}";

static const char CHILD[] =
    "{\"id\":\"child\",\"initial\":\"busy\",\"context\":{\"x\":{\"@expr\":\"input.x\"},\"left\":0},"
    "\"states\":{"
    "\"busy\":{\"exit\":[{\"type\":\"@xstate.assign\",\"context\":{\"left\":{\"@expr\":\"context.left + "
    "1\"}}}],"
    "\"on\":{\"FINISH\":\"end\","
    "\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendParent\",\"event\":{\"type\":\"HELLO\"}}]}}},"
    "\"end\":{\"type\":\"final\"}},\"output\":{\"y\":{\"@expr\":\"context.x\"}}}";

static void both(fixture *f) {
  deploy(f, PARENT);
  deploy(f, CHILD);
  started(f, "parent", "p", NULL);
  sends(f, "p", "GO");
}

static void a_child_starts_with_its_input_and_ends_its_task_with_its_output(void **state) {
  fixture *f = *state;
  both(f);
  const char *kid = child_of(f, "p", "kid");
  is_now(f, kid, "running [\"busy\"] {\"left\":0,\"x\":7}");
  sends(f, "p", "ASK");
  is_now(f, kid, "completed [\"end\"] {\"left\":1,\"x\":7}");
  is_now(f, "p", "completed [\"done\"] {\"got\":{\"y\":7},\"heard\":0}");
  assert_null(child_of(f, "p", "kid"));
}

static void a_child_is_heard_by_its_parent(void **state) {
  fixture *f = *state;
  both(f);
  sends(f, child_of(f, "p", "kid"), "TELL");
  sends(f, child_of(f, "p", "kid"), "TELL");
  is_now(f, "p", "running [\"work\"] {\"got\":null,\"heard\":2}");
}

static void a_child_whose_state_is_left_is_cancelled_and_runs_its_exit_actions(void **state) {
  fixture *f = *state;
  both(f);
  const char *kid = child_of(f, "p", "kid");
  sends(f, "p", "LEAVE");
  is_now(f, kid, "cancelled [\"busy\"] {\"left\":1,\"x\":7}");
  is_now(f, "p", "running [\"idle\"] {\"got\":null,\"heard\":0}");
  sends(f, "p", "GO");
  assert_string_not_equal(child_of(f, "p", "kid"), kid);
}

static void an_id_says_whose_child_it_is(void **state) {
  fixture *f = *state;
  both(f);
  const char *kid = child_of(f, "p", "kid");
  assert_int_equal(strncmp(kid, "p.kid.", 6), 0);
  fsm_value in = instance(f, kid);
  assert_string_equal(member(f, &in, "parent"), "{\"instance\":\"p\",\"task\":\"kid\"}");
}

typedef struct causes {
  char kid[FSM_INSTANCE_ID_MAX + 1], opened[80], created[80], corr[80];
  unsigned seen;
} causes;

static void look_at_cause(void *arg, const fsm_record *record) {
  causes *c = arg;
  fsm_origin origin = {.epoch = 0};
  char id[80];
  (void)origin;
  snprintf(id, sizeof id, "%llu", (unsigned long long)record->seq);
  if (fsm_is(&record->tasks, FSM_LIST) && strcmp(record->inst, "p") == 0 && c->opened[0] == '\0') {
    snprintf(c->opened, sizeof c->opened, "%s", id);
    snprintf(c->corr, sizeof c->corr, "%s", record->corr);
  }
  if (record->kind != FSM_RECORD_CREATED || strcmp(record->inst, c->kid) != 0) return;
  const char *seq = strrchr(record->parent, '.');
  assert_string_equal(seq + 1, c->opened);
  assert_string_equal(record->parent, record->caus);
  assert_string_equal(record->corr, c->corr);
  assert_non_null(record->tok);
  assert_true(fsm_is(&record->msg, FSM_MAP));
  c->seen++;
}

static void the_correlation_goes_from_parent_to_child_and_the_cause_is_its_record(void **state) {
  fixture *f = *state;
  both(f);
  causes c = {.seen = 0};
  snprintf(c.kid, sizeof c.kid, "%s", child_of(f, "p", "kid"));
  (void)journal_walk(f, look_at_cause, &c);
  assert_int_equal(c.seen, 1);
}

static void a_machine_that_is_not_deployed_fails_the_task(void **state) {
  fixture *f = *state;
  deploy(f, PARENT);
  started(f, "parent", "p", NULL);
  sends(f, "p", "GO");
  is_now(f, "p", "running [\"failed\"] {\"got\":\"no machine \\\"child\\\" is deployed\",\"heard\":0}");
}

static void the_newest_version_is_started_and_another_when_it_is_named(void **state) {
  fixture *f = *state;
  deploy(f, CHILD);
  deploy(f, "{\"id\":\"child\",\"initial\":\"b\",\"states\":{\"b\":{}}}");
  deploy(f,
         "{\"id\":\"two\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":["
         "{\"id\":\"new\",\"src\":\"machine\",\"input\":{\"machine\":\"child\"}},"
         "{\"id\":\"old\",\"src\":\"machine\",\"input\":{\"machine\":\"child\",\"version\":1,\"key\":\"k\","
         "\"labels\":{\"of\":\"two\"},\"input\":{\"x\":1}}}]}}}");
  started(f, "two", "t", NULL);
  fsm_value new = instance(f, child_of(f, "t", "new")), old = instance(f, child_of(f, "t", "old"));
  assert_string_equal(member(f, &new, "version"), "2");
  assert_string_equal(member(f, &old, "version"), "1");
  assert_string_equal(member(f, &old, "key"), "k");
  assert_string_equal(member(f, &old, "labels"), "{\"of\":\"two\"}");
}

static void an_input_that_says_no_machine_fails_the_task_and_says_what_is_wrong(void **state) {
  fixture *f = *state;
  static const struct {
    const char *input, *says;
  } cases[] = {{"null", "must be {machine"},
               {"{\"machine\":3}", "\\\"machine\\\" is not a text"},
               {"{\"input\":{}}", "machine is missing"},
               {"{\"machine\":\"a b\"}", "outside"},
               {"{\"machine\":\"child\",\"version\":9}", "no version 9"},
               {"{\"machine\":\"child\",\"version\":-1}", "not a version"},
               {"{\"machine\":\"child\",\"labels\":{\"a\":1}}", "labels"},
               {"{\"machine\":\"child\",\"key\":\"\"}", "key is empty"}};
  deploy(f, CHILD);
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[640], id[16];
    snprintf(text, sizeof text,
             "{\"id\":\"m%u\",\"initial\":\"a\",\"context\":{\"got\":null},\"states\":{\"a\":{\"invoke\":"
             "{\"id\":\"kid\",\"src\":\"machine\",\"input\":%s,\"onError\":{\"target\":\"b\","
             "\"context\":{\"got\":{\"@expr\":\"event.error.message\"}}}}},\"b\":{}}}",
             i, cases[i].input);
    snprintf(id, sizeof id, "m%u", i);
    deploy(f, text);
    started(f, id, id, NULL);
    if (strstr(shape(f, id), cases[i].says) == NULL) fail_msg("%s: %s", cases[i].input, shape(f, id));
  }
}

static void a_child_that_ends_at_once_is_done(void **state) {
  fixture *f = *state;
  deploy(f, PARENT);
  deploy(f, "{\"id\":\"child\",\"initial\":\"e\",\"states\":{\"e\":{\"type\":\"final\"}},\"output\":5}");
  started(f, "parent", "p", NULL);
  sends(f, "p", "GO");
  is_now(f, "p", "completed [\"done\"] {\"got\":5,\"heard\":0}");
}

static void a_child_in_an_incident_does_not_end(void **state) {
  fixture *f = *state;
  deploy(f, PARENT);
  deploy(f,
         "{\"id\":\"child\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"on\":{\"BREAK\":{"
         "\"context\":{\"n\":{\"@expr\":\"1 / context.n\"}}}}}}}");
  started(f, "parent", "p", NULL);
  sends(f, "p", "GO");
  const char *kid = child_of(f, "p", "kid");
  (void)send_event(f, kid, "BREAK", NULL);
  until_quiet(f);
  is_now(f, kid, "incident [\"a\"] {\"n\":0}");
  is_now(f, "p", "running [\"work\"] {\"got\":null,\"heard\":0}");
  sends(f, "p", "LEAVE");
  is_now(f, kid, "cancelled [\"a\"] {\"n\":0}");
}

/* A machine that starts itself. */
static const char DEEP[] =
    "{\"id\":\"deep\",\"initial\":\"a\",\"context\":{\"why\":null},\"states\":{\"a\":{\"invoke\":{\"id\":"
    "\"k\","
    "\"src\":\"machine\",\"input\":{\"machine\":\"deep\"},\"onError\":{\"target\":\"bottom\",\"context\":{"
    "\"why\":{\"@expr\":\"event.error.message\"}}}}},\"bottom\":{}}}";

static void instances_nest_so_deep_and_no_deeper(void **state) {
  fixture *f = *state;
  deploy(f, DEEP);
  started(f, "deep", "d", NULL);
  const char *id = "d";
  unsigned depth = 0;
  for (const char *next; (next = child_of(f, id, "k")) != NULL; id = next) {
    assert_true(strlen(next) <= FSM_INSTANCE_ID_MAX);
    depth++;
  }
  assert_int_equal(depth, FSM_INSTANCES_NESTED_MAX);
  is_now(f, id, "running [\"bottom\"] {\"why\":\"instances are started more than 16 deep in one another\"}");
}

static void a_whole_family_is_cancelled_from_above(void **state) {
  fixture *f = *state;
  deploy(f, DEEP);
  deploy(f,
         "{\"id\":\"top\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"id\":\"k\",\"src\":\"machine\","
         "\"input\":{\"machine\":\"deep\"}},\"on\":{\"STOP\":\"b\"}},\"b\":{}}}");
  started(f, "top", "t", NULL);
  fsm_value before = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .machine = "deep", .status = "open"});
  assert_int_equal(fsm_map_get(&before, "items")->len, FSM_INSTANCES_NESTED_MAX);
  sends(f, "t", "STOP");
  fsm_value after = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .machine = "deep", .status = "open"});
  assert_int_equal(fsm_map_get(&after, "items")->len, 0);
}

/* Whatever was under way when the process ended goes on in the next one. */
static void every_frame_may_be_the_last_of_a_process(void **state) {
  fixture *f = *state;
  deploy(f, PARENT);
  deploy(f, CHILD);
  fsm_answer answer = start(f, "parent", "p", NULL, NULL);
  assert_code(&answer, FSM_OK);
  fixture_reopen(f);
  answer = send_event(f, "p", "GO", NULL);
  fixture_reopen(f);
  until_quiet(f);
  answer = send_event(f, child_of(f, "p", "kid"), "TELL", NULL);
  fixture_reopen(f);
  until_quiet(f);
  answer = send_event(f, "p", "ASK", NULL);
  for (int i = 0; i < 4; i++) fixture_reopen(f);
  until_quiet(f);
  is_now(f, "p", "completed [\"done\"] {\"got\":{\"y\":7},\"heard\":1}");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      C(a_child_starts_with_its_input_and_ends_its_task_with_its_output),
      C(a_child_is_heard_by_its_parent),
      C(a_child_whose_state_is_left_is_cancelled_and_runs_its_exit_actions),
      C(an_id_says_whose_child_it_is),
      C(the_correlation_goes_from_parent_to_child_and_the_cause_is_its_record),
      C(a_machine_that_is_not_deployed_fails_the_task),
      C(the_newest_version_is_started_and_another_when_it_is_named),
      C(an_input_that_says_no_machine_fails_the_task_and_says_what_is_wrong),
      C(a_child_that_ends_at_once_is_done),
      C(a_child_in_an_incident_does_not_end),
      C(instances_nest_so_deep_and_no_deeper),
      C(a_whole_family_is_cancelled_from_above),
      C(every_frame_may_be_the_last_of_a_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Force and set: which configurations and values are taken, what follows them, how it stays visible. */
#include "admin_scene.h"

static void a_forced_configuration_takes_its_timers_and_tasks_along(void **state) {
  fixture *f = *state;
  begun(f, "i1", "GO");
  fsm_answer answer = force(f, "i1", "[\"par.l.a\",\"par.r.d\"]");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "running");
  assert_string_equal(text_of(f, &answer.from), "[\"wait\"]");
  assert_string_equal(text_of(f, &answer.to), "[\"par.l.a\",\"par.r.d\"]");
  assert_string_equal(last_frame(f, "i1"), "forced/admin");
  fsm_value record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "detail")),
                      "{\"command\":\"force\",\"reason\":\"the customer called\",\"status\":\"running\"}");
  assert_non_null(fsm_map_get(&record, "forced"));
  assert_string_equal(text_of(f, fsm_map_get(&record, "since")),
                      "[\"par\",\"par.l\",\"par.l.a\",\"par.r\",\"par.r.d\"]");
  await_offers(f, 1);
  assert_string_equal(f->offered[0].service, "svc");
  pass(f, 30); /* the timer of wait is gone, the one of par.l.a is due */
  await_field(f, "i1", "state", "[\"par.l.b\",\"par.r.d\"]");
  record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "forced")), "true"); /* for ever */
}

static void a_forced_instance_is_seen_as_one(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  begun(f, "i2", NULL);
  fsm_answer answer = force(f, "i1", "[\"idle\"]"); /* it stands there: only the mark */
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "forced/admin");
  fixture_reopen(f);
  assert_field(f, "i1", "forced", "true");
  assert_field(f, "i2", "forced", "(none)");
  fsm_value listed = query(f, (fsm_query){.kind = FSM_QUERY_LIST});
  const fsm_value *items = fsm_map_get(&listed, "items");
  assert_non_null(fsm_map_get(&items->items[0], "forced"));
  assert_null(fsm_map_get(&items->items[1], "forced"));
}

static void a_forced_end_completes_it(void **state) {
  fixture *f = *state;
  begun(f, "i1", "WORK");
  fsm_answer answer = force(f, "i1", "[\"done\"]");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "completed");
  assert_string_equal(last_frame(f, "i1"), "forced/admin completed");
  assert_field(f, "i1", "output", "null");
  assert_field(f, "i1", "tasks", "[]");
  answer = force(f, "i1", "[\"idle\"]");
  assert_code(&answer, FSM_ECOMPLETED);
}

static void what_is_no_configuration_is_refused_with_what_is_wrong(void **state) {
  fixture *f = *state;
  static const struct {
    const char *states, *text;
  } cases[] = {
      {"[\"nowhere\"]", "version 1 of machine adm has no state \"nowhere\""},
      {"[7]", "version 1 of machine adm has no state \"\""},
      {"[\"par\"]", "\"par\" has states of its own or is a history: name the atomic or final ones below it"},
      {"[\"par.l.a\"]",
       "these states cannot be active together, or not alone: name one leaf, and in a parallel "
       "state one of each region"},
      {"[\"idle\",\"wait\"]",
       "these states cannot be active together, or not alone: name one leaf, and in a "
       "parallel state one of each region"},
      {"[]",
       "these states cannot be active together, or not alone: name one leaf, and in a parallel state one of "
       "each region"},
  };
  begun(f, "i1", NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_answer answer = force(f, "i1", cases[i].states);
    assert_code(&answer, FSM_EARGUMENT);
    assert_string_equal(answer.error.where, "states");
    assert_string_equal(answer.error.text, cases[i].text);
  }
  assert_field(f, "i1", "rev", "1");
}

static void a_set_field_is_in_the_record_with_what_it_was(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  fsm_answer answer = set(f, "i1", "{\"n\":5,\"who\":\"ana\",\"extra\":\"x\"}");
  assert_code(&answer, FSM_OK);
  assert_string_equal(last_frame(f, "i1"), "admin/admin");
  fsm_value record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "ctx")),
                      "{\"extra\":[\"x\"],\"n\":[0,5],\"who\":[null,\"ana\"]}");
  assert_field(f, "i1", "context", "{\"extra\":\"x\",\"list\":[1],\"n\":5,\"who\":\"ana\"}");
  answer = send_event(f, "i1", "ADD", NULL);
  assert_code(&answer, FSM_OK);
  assert_field(f, "i1", "context", "{\"extra\":\"x\",\"list\":[1],\"n\":6,\"who\":\"ana\"}");
  fixture_reopen(f);
  assert_field(f, "i1", "context", "{\"extra\":\"x\",\"list\":[1],\"n\":6,\"who\":\"ana\"}");
}

static void a_paused_instance_and_an_incident_stay_what_they_are(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  (void)admin(f, FSM_CMD_PAUSE, "i1");
  fsm_command command = by_operator(f, FSM_CMD_SET, "i1");
  command.data = json(f, "{\"n\":2}");
  command.idem = "k";
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "paused");
  answer = sent(f, &command);
  assert_true(answer.replayed);
  assert_string_equal(answer.status, "paused");
  begun(f, "i2", NULL);
  (void)send_event(f, "i2", "LOOP", NULL);
  answer = set(f, "i2", "{\"n\":2}");
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.status, "incident");
}

static void values_that_do_not_fit_are_refused(void **state) {
  fixture *f = *state;
  static const struct {
    const char *patch, *where, *text;
  } cases[] = {
      {"{\"n\":101}", "/n", NULL},
      {"{\"n\":\"x\"}", "/n", NULL},
      {"{\"extra\":1}", "/extra", NULL},
      {"{\"list\":\"x\"}", "data", "\"list\" is list and cannot become string"},
      {"{\"lsit\":[1]}", "data", "the context has no field \"lsit\""},
  };
  begun(f, "i1", NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_answer answer = set(f, "i1", cases[i].patch);
    assert_code(&answer, FSM_EDATA);
    assert_string_equal(answer.error.where, cases[i].where);
    if (cases[i].text != NULL) assert_string_equal(answer.error.text, cases[i].text);
  }
  assert_field(f, "i1", "context", "{\"list\":[1],\"n\":0,\"who\":null}");
  fsm_answer answer = set(f, "i1", "{\"list\":null}"); /* null always fits what no schema says */
  assert_code(&answer, FSM_OK);
}

/* A text of so many bytes as the value of a field, a comma in front of all but the first. */
static void add_field(fsm_buf *out, int field, int bytes) {
  fsm_buf_printf(out, "%s\"%c\":\"", out->len > 1 ? "," : "", 'a' + field);
  for (int i = 0; i < bytes; i++) fsm_buf_char(out, 'x');
  fsm_buf_char(out, '"');
}

static fsm_answer set_fields(fixture *f, int from, int to, int bytes) {
  fsm_buf text = {0};
  fsm_buf_char(&text, '{');
  for (int i = from; i <= to; i++) add_field(&text, i, bytes);
  fsm_buf_char(&text, '}');
  fsm_answer answer = set(f, "b1", fsm_buf_text(&text));
  fsm_buf_free(&text);
  return answer;
}

static void what_no_record_can_hold_is_refused_and_parks_nothing(void **state) {
  fixture *f = *state;
  static const char machine[] =
      "{\"id\":\"big\",\"context\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\","
      "\"e\":\"\"},\"initial\":\"s\",\"states\":{\"s\":{}}}";
  fsm_answer answer = deploy_text(f, machine, sizeof machine - 1);
  assert_code(&answer, FSM_OK);
  (void)start(f, "big", "b1", NULL, NULL);
  for (int field = 0; field < 4; field++) {
    answer = set_fields(f, field, field, 60000);
    assert_code(&answer, FSM_OK);
  }
  answer = set_fields(f, 4, 4, 60000);
  assert_code(&answer, FSM_ETOOLARGE); /* the context */
  assert_string_equal(answer.error.text, "the context would be over 262144 bytes");
  answer = set_fields(f, 0, 3, 15000);
  assert_code(&answer, FSM_ETOOLARGE); /* old and new together, in the record */
  assert_string_equal(answer.status, "running");
  assert_field(f, "b1", "status", "\"running\"");
  answer = set_fields(f, 0, 2, 15000);
  assert_code(&answer, FSM_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_forced_configuration_takes_its_timers_and_tasks_along),
      S(a_forced_instance_is_seen_as_one),
      S(a_forced_end_completes_it),
      S(what_is_no_configuration_is_refused_with_what_is_wrong),
      S(a_set_field_is_in_the_record_with_what_it_was),
      S(a_paused_instance_and_an_incident_stay_what_they_are),
      S(values_that_do_not_fit_are_refused),
      S(what_no_record_can_hold_is_refused_and_parks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

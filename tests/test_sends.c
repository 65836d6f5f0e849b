/* test_sends.c: events between instances that know each other's id: order, delays, who cannot be reached. */
#include "children_scene.h"

/* Sends what it is told, to whom it is told. */
static const char SENDER[] =
    "{\"id\":\"sender\",\"initial\":\"a\",\"context\":{\"lost\":0},\"states\":{\"a\":{\"on\":{"
    "\"SEND\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"event\":{\"type\":"
    "\"SAY\","
    "\"text\":{\"@expr\":\"event.text\"}}}]},"
    "\"THREE\":{\"actions\":["
    "{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"event\":{\"type\":\"SAY\",\"text\":\"1\"}"
    "},"
    "{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"event\":{\"type\":\"SAY\",\"text\":\"2\"}"
    "},"
    "{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"event\":{\"type\":\"SAY\",\"text\":\"3\"}"
    "}]},"
    "\"LATER\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"id\":\"late\","
    "\"delay\":\"10s\",\"event\":{\"type\":\"SAY\",\"text\":\"late\"}}]},"
    "\"NEVER\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"id\":\"late\","
    "\"delay\":\"10s\",\"event\":{\"type\":\"SAY\",\"text\":\"never\"}},{\"type\":\"@xstate.cancel\",\"id\":"
    "\"late\"}]},"
    "\"RELAY\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"event.to\"},\"event\":{"
    "\"type\":\"LATER\","
    "\"to\":\"h\"}}]},"
    "\"CANCEL\":{\"actions\":[{\"type\":\"@xstate.cancel\",\"id\":\"late\"}]},"
    "\"error.communication\":{\"context\":{\"lost\":{\"@expr\":\"context.lost + 1\"}}},"
    "\"END\":\"end\"}},\"end\":{\"type\":\"final\"}}}";

static const char HEARER[] =
    "{\"id\":\"hearer\",\"initial\":\"a\",\"context\":{\"heard\":\"\"},\"schemas\":{\"events\":{\"SAY\":{"
    "\"type\":"
    "\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":8}}}}},\"states\":{\"a\":{\"on\":"
    "{"
    "\"SAY\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + "
    "event.text\"}}},\"DEAF\":\"b\",\"END\":\"end\"}},"
    "\"b\":{\"on\":{\"HEAR\":\"a\"}},\"end\":{\"type\":\"final\"}}}";

static void says(fixture *f, const char *event, const char *to, const char *text) {
  char data[128];
  snprintf(data, sizeof data, "{\"to\":\"%s\",\"text\":\"%s\"}", to, text);
  fsm_answer answer = send_event(f, "s", event, data);
  assert_code(&answer, FSM_OK);
  until_quiet(f);
}

static void both(fixture *f) {
  deploy(f, SENDER);
  deploy(f, HEARER);
  started(f, "sender", "s", NULL);
  started(f, "hearer", "h", NULL);
}

static void what_is_sent_arrives_once_and_in_order(void **state) {
  fixture *f = *state;
  both(f);
  says(f, "THREE", "h", "");
  says(f, "SEND", "h", "4");
  says(f, "THREE", "scxml_h", "");
  is_now(f, "h", "running [\"a\"] {\"heard\":\"1234123\"}");
  is_now(f, "s", "running [\"a\"] {\"lost\":0}");
  fixture_reopen(f);
  until_quiet(f);
  is_now(f, "h", "running [\"a\"] {\"heard\":\"1234123\"}");
  assert_null(fsm_map_get(&(fsm_value[]){instance(f, "s")}[0], "messages"));
}

static void who_cannot_be_reached_is_an_error_in_the_same_step(void **state) {
  fixture *f = *state;
  both(f);
  fsm_answer answer = send_event(f, "s", "SEND", "{\"to\":\"x\",\"text\":\"?\"}");
  assert_code(&answer, FSM_OK);
  is_now(f, "s", "running [\"a\"] {\"lost\":1}");
  sends(f, "h", "END");
  says(f, "SEND", "h", "?");
  is_now(f, "s", "running [\"a\"] {\"lost\":2}");
}

static void an_error_that_nothing_takes_parks_its_sender(void **state) {
  fixture *f = *state;
  deploy(f,
         "{\"id\":\"root\",\"initial\":\"a\",\"states\":{\"a\":{\"entry\":{\"type\":\"@xstate.sendParent\","
         "\"event\":{\"type\":\"HELLO\"}}}}}");
  started(f, "root", "r", NULL);
  is_now(f, "r", "incident [\"a\"] {}");
}

static unsigned refused;
static void count_refused(void *arg, const fsm_record *record) {
  (void)arg;
  if (record->kind != FSM_RECORD_REJECTED || record->inst == NULL || strcmp(record->inst, "h") != 0) return;
  assert_true(fsm_is(&record->msg, FSM_MAP));
  refused++;
}

static void what_a_target_does_not_take_is_refused_on_record_and_the_sender_goes_on(void **state) {
  fixture *f = *state;
  both(f);
  says(f, "SEND", "h", "much too long");
  sends(f, "h", "DEAF");
  says(f, "SEND", "h", "deaf");
  is_now(f, "h", "running [\"b\"] {\"heard\":\"\"}");
  is_now(f, "s", "running [\"a\"] {\"lost\":0}");
  refused = 0;
  (void)journal_walk(f, count_refused, NULL);
  assert_int_equal(refused, 2);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "h"});
  assert_int_equal(fsm_map_get(&history, "items")->len, 4);
}

static void a_delayed_event_arrives_when_it_is_due_also_after_a_restart(void **state) {
  fixture *f = *state;
  both(f);
  says(f, "LATER", "h", "");
  passes(f, 9);
  is_now(f, "h", "running [\"a\"] {\"heard\":\"\"}");
  fixture_reopen(f);
  passes(f, 2);
  is_now(f, "h", "running [\"a\"] {\"heard\":\"late\"}");
}

static void a_delayed_event_looks_for_its_target_when_it_is_due(void **state) {
  fixture *f = *state;
  both(f);
  says(f, "LATER", "born", "");
  says(f, "LATER", "h", "");
  says(f, "LATER", "unborn", "");
  is_now(f, "s", "running [\"a\"] {\"lost\":0}");
  started(f, "hearer", "born", NULL);
  sends(f, "h", "END");
  passes(f, 11);
  is_now(f, "born", "running [\"a\"] {\"heard\":\"late\"}");
  is_now(f, "s", "running [\"a\"] {\"lost\":2}");
}

static void a_delayed_event_can_be_taken_back_and_dies_with_its_sender(void **state) {
  fixture *f = *state;
  both(f);
  says(f, "LATER", "h", "");
  says(f, "LATER", "h", "");
  assert_int_equal(list_len(f, "s", "messages"), 2);
  says(f, "CANCEL", "", "");
  says(f, "NEVER", "h", "");
  assert_null(fsm_map_get(&(fsm_value[]){instance(f, "s")}[0], "messages"));
  says(f, "LATER", "h", "");
  sends(f, "s", "END");
  passes(f, 20);
  is_now(f, "h", "running [\"a\"] {\"heard\":\"\"}");
}

static void so_many_events_may_wait_and_one_more_is_an_incident(void **state) {
  fixture *f = *state;
  both(f);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "s";
  command.event = "LATER";
  command.data = json(f, "{\"to\":\"h\"}");
  for (unsigned i = 0; i < FSM_MESSAGES_MAX; i++)
    assert_int_equal(fsm_submit(f->runtime, &command, NULL, NULL, NULL), FSM_OK);
  until_quiet(f);
  assert_int_equal(list_len(f, "s", "messages"), FSM_MESSAGES_MAX);
  is_now(f, "s", "running [\"a\"] {\"lost\":0}");
  (void)sent(f, &command);
  is_now(f, "s", "incident [\"a\"] {\"lost\":0}");
  assert_int_equal(list_len(f, "s", "messages"), FSM_MESSAGES_MAX);
}

/* It is for the operator to try it again, not for the message. */
static void an_event_that_parks_its_target_is_consumed(void **state) {
  fixture *f = *state;
  both(f);
  started(f, "sender", "t", NULL);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "t";
  command.event = "LATER";
  command.data = json(f, "{\"to\":\"h\"}");
  for (unsigned i = 0; i < FSM_MESSAGES_MAX; i++)
    assert_int_equal(fsm_submit(f->runtime, &command, NULL, NULL, NULL), FSM_OK);
  says(f, "RELAY", "t", "");
  is_now(f, "t", "incident [\"a\"] {\"lost\":0}");
  assert_null(fsm_map_get(&(fsm_value[]){instance(f, "s")}[0], "messages"));
}

static const char PING[] =
    "{\"id\":\"ping\",\"initial\":\"a\",\"context\":{\"n\":0,\"with\":\"\"},\"states\":{\"a\":{\"on\":{"
    "\"PLAY\":{\"context\":{\"with\":{\"@expr\":\"event.with\"}},\"actions\":[{\"type\":\"@xstate.sendTo\","
    "\"to\":{\"@expr\":\"context.with\"},\"event\":{\"type\":\"BALL\"}}]},\"WITH\":{\"context\":{\"with\":"
    "{\"@expr\":\"event.with\"}}},"
    "\"BALL\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}},\"actions\":[{\"type\":\"@xstate.sendTo\","
    "\"to\":{\"@expr\":\"context.with\"},\"event\":{\"type\":\"BALL\"}}]}}}}}";

/* Two that never stop: others are answered, and the game goes on between their commands. */
static void instances_that_talk_for_ever_starve_nobody(void **state) {
  fixture *f = *state;
  deploy(f, PING);
  deploy(f, HEARER);
  (void)start(f, "ping", "p", NULL, NULL);
  (void)start(f, "ping", "q", NULL, NULL);
  (void)start(f, "hearer", "h", NULL, NULL);
  (void)send_event(f, "q", "WITH", "{\"with\":\"p\"}");
  fsm_answer answer = send_event(f, "p", "PLAY", "{\"with\":\"q\"}");
  assert_code(&answer, FSM_OK);
  const int64_t from = seq_now(f);
  for (int i = 0; i < 50; i++) {
    answer = send_event(f, "h", "SAY", "{\"text\":\"x\"}");
    assert_code(&answer, FSM_OK);
  }
  assert_true(seq_now(f) - from > 75); /* 50 commands, and a turn of the game at least with every second */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      C(what_is_sent_arrives_once_and_in_order),
      C(who_cannot_be_reached_is_an_error_in_the_same_step),
      C(an_error_that_nothing_takes_parks_its_sender),
      C(what_a_target_does_not_take_is_refused_on_record_and_the_sender_goes_on),
      C(a_delayed_event_arrives_when_it_is_due_also_after_a_restart),
      C(a_delayed_event_looks_for_its_target_when_it_is_due),
      C(a_delayed_event_can_be_taken_back_and_dies_with_its_sender),
      C(so_many_events_may_wait_and_one_more_is_an_incident),
      C(an_event_that_parks_its_target_is_consumed),
      C(instances_that_talk_for_ever_starve_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_decide_sink.c: what befell a sink is one record of no instance, and changes no row. */
#include "admin_scene.h"

static fsm_command note(const char *what) {
  fsm_command command = fsm_command_new(FSM_CMD_SINK_NOTE);
  command.name = "siem";
  command.event = what;
  return command;
}

/* The last record of all. */
static fsm_value told(fixture *f, uint64_t seq) {
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)seq - 1);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = after});
  const fsm_value *items = fsm_map_get(&page, "items");
  assert_int_equal(items->len, 1);
  return items->items[0];
}

static void a_note_is_an_admin_record_without_an_instance(void **state) {
  fixture *f = *state;
  fsm_command command = note("failed");
  command.data = json(f, "{\"text\":\"connection refused\",\"seq\":17}");
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  fsm_value record = told(f, answer.seq);
  assert_string_equal(text_of(f, fsm_map_get(&record, "kind")), "\"admin\"");
  assert_string_equal(text_of(f, fsm_map_get(&record, "detail")),
                      "{\"command\":\"sink\",\"seq\":17,\"sink\":\"siem\",\"text\":\"connection refused\","
                      "\"what\":\"failed\"}");
  assert_null(fsm_map_get(&record, "inst"));
  assert_null(fsm_map_get(&record, "cause")); /* nobody's: it befell the sink */
}

static void a_note_of_a_person_says_who_and_why(void **state) {
  fixture *f = *state;
  fsm_command command = note("dropped");
  command.actor = json(f, "{\"sub\":\"olga\"}");
  command.reason = "it can never be indexed";
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  fsm_value record = told(f, answer.seq);
  assert_string_equal(text_of(f, fsm_map_get(&record, "detail")),
                      "{\"command\":\"sink\",\"reason\":\"it can never be indexed\",\"sink\":\"siem\","
                      "\"what\":\"dropped\"}");
  assert_string_equal(text_of(f, fsm_map_get(&record, "act")), "{\"sub\":\"olga\"}");
  assert_string_equal(text_of(f, fsm_map_get(&record, "cause")), "\"admin\"");
}

static void notes_survive_a_restart_and_instances_go_on_between_them(void **state) {
  fixture *f = *state;
  begun(f, "i1", "GO");
  for (int i = 0; i < 3; i++) {
    fsm_command command = note(i % 2 ? "recovered" : "failed");
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
    answer = send_event(f, "i1", i % 2 ? "GO" : "BACK", NULL);
    assert_code(&answer, FSM_OK);
    fixture_reopen(f);
  }
  assert_state(f, "i1", "idle");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_note_is_an_admin_record_without_an_instance),
      S(a_note_of_a_person_says_who_and_why),
      S(notes_survive_a_restart_and_instances_go_on_between_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

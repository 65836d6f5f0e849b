/* test_decide_retire.c: a machine retires: no new instances, the rest goes on; each retirement is one record,
 * each version a row, and the journal gives the same rows again. */
#include "admin_scene.h"

#include "runtime/rows.h"

static int machines_setup(void **state) {
  *state = admin_new();
  return 0;
}

static int machines_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

/* Another version of adm: its description is the only difference. */
static fsm_answer deploy_as(fixture *f, const char *description) {
  char text[sizeof ADMIN_MACHINE + 64];
  const int len = snprintf(text, sizeof text, "{\"description\":\"%s\",%s", description, ADMIN_MACHINE + 1);
  return deploy_text(f, text, (size_t)len);
}

static fsm_answer retire(fixture *f, const char *machine, uint32_t version) {
  fsm_command command = by_operator(f, FSM_CMD_RETIRE, NULL);
  command.machine = machine;
  command.version = version;
  return sent(f, &command);
}

static fsm_answer start_version(fixture *f, uint32_t version) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "adm";
  command.version = version;
  return sent(f, &command);
}

static uint64_t last_seq(fixture *f) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return (uint64_t)fsm_map_get(&page, "seq")->i;
}

static const char *machine_member(fixture *f, const char *name) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_MACHINE, .machine = "adm"});
  const fsm_value *value = fsm_map_get(&page, name);
  return value != NULL ? text_of(f, value) : "none";
}

static void a_retired_machine_takes_no_new_instances_and_the_others_go_on(void **state) {
  fixture *f = *state;
  begun(f, "one", "WORK");
  fsm_answer answer = retire(f, "adm", 0);
  assert_code(&answer, FSM_OK);
  assert_int_not_equal(answer.seq, 0);
  answer = start_version(f, 0);
  assert_code(&answer, FSM_ERETIRED);
  assert_string_equal(answer.error.where, "machine");
  answer = start_version(f, 1);
  assert_code(&answer, FSM_ERETIRED);
  assert_string_equal(answer.error.where, "version");
  answer = send_event(f, "one", "BACK", NULL);
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static void its_record_says_who_why_and_which(void **state) {
  fixture *f = *state;
  fsm_answer answer = deploy_as(f, "two");
  assert_code(&answer, FSM_OK);
  answer = retire(f, "adm", 0);
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)answer.seq - 1);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = after, .limit = 1});
  const fsm_value *record = &fsm_map_get(&page, "items")->items[0];
  assert_string_equal(text_of(f, fsm_map_get(record, "kind")), "\"retired\"");
  assert_string_equal(text_of(f, fsm_map_get(record, "cause")), "\"admin\"");
  assert_string_equal(text_of(f, fsm_map_get(record, "mach")), "\"adm\"");
  assert_string_equal(text_of(f, fsm_map_get(record, "defv")), "2");
  assert_string_equal(text_of(f, fsm_map_get(record, "detail")),
                      "{\"reason\":\"the customer called\",\"versions\":[1,2]}");
  const fsm_value *act = fsm_map_get(record, "act");
  assert_string_equal(text_of(f, fsm_map_get(act, "sub")), "\"olga\"");
}

static void what_is_retired_already_changes_nothing(void **state) {
  fixture *f = *state;
  (void)retire(f, "adm", 0);
  const uint64_t seq = last_seq(f);
  for (uint32_t version = 0; version <= 1; version++) {
    fsm_answer answer = retire(f, "adm", version);
    assert_code(&answer, FSM_OK);
    assert_int_equal(answer.seq, 0);
  }
  assert_int_equal(last_seq(f), seq);
}

static void without_its_newest_version_the_one_before_is_started(void **state) {
  fixture *f = *state;
  fsm_answer answer = deploy_as(f, "two");
  answer = retire(f, "adm", 2);
  assert_code(&answer, FSM_OK);
  answer = start_version(f, 0);
  assert_code(&answer, FSM_OK);
  assert_int_equal(answer.version, 1);
  answer = start_version(f, 2);
  assert_code(&answer, FSM_ERETIRED);
  assert_string_equal(machine_member(f, "live"), "1");
  answer = retire(f, "adm", 0); /* what is left of it */
  assert_int_not_equal(answer.seq, 0);
  assert_string_equal(machine_member(f, "live"), "none");
}

static void deployed_again_it_is_a_new_version_which_is_live(void **state) {
  fixture *f = *state;
  (void)retire(f, "adm", 0);
  fsm_answer answer = deploy_text(f, ADMIN_MACHINE, sizeof ADMIN_MACHINE - 1);
  assert_code(&answer, FSM_OK);
  assert_true(answer.created);
  assert_int_equal(answer.version, 2);
  answer = start_version(f, 0);
  assert_code(&answer, FSM_OK);
  assert_int_equal(answer.version, 2);
  answer = start_version(f, 1);
  assert_code(&answer, FSM_ERETIRED);
  answer = deploy_text(f, ADMIN_MACHINE, sizeof ADMIN_MACHINE - 1);
  assert_false(answer.created);
  assert_verified(f);
}

static void it_stays_so_over_a_restart_and_a_replay(void **state) {
  fixture *f = *state;
  (void)deploy_as(f, "two");
  (void)retire(f, "adm", 1);
  fixture_reopen(f);
  assert_string_equal(machine_member(f, "live"), "2");
  fsm_answer answer = start_version(f, 1);
  assert_code(&answer, FSM_ERETIRED);
  (void)retire(f, "adm", 0);
  assert_verified(f);
  fixture_reopen(f);
  answer = start_version(f, 0);
  assert_code(&answer, FSM_ERETIRED);
  assert_verified(f);
}

static void an_instance_that_is_there_is_found_all_the_same(void **state) {
  fixture *f = *state;
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "adm";
  command.key = "K";
  command.idem = "first";
  command.if_absent = true;
  fsm_answer first = sent(f, &command);
  assert_code(&first, FSM_OK);
  (void)retire(f, "adm", 0);
  fsm_answer answer = sent(f, &command); /* the same again */
  assert_code(&answer, FSM_OK);
  assert_true(answer.replayed);
  command.idem = NULL;
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_false(answer.created);
  command.kind = FSM_CMD_SEND;
  command.event = "GO";
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  command.key = "L";
  answer = sent(f, &command);
  assert_code(&answer, FSM_ERETIRED);
}

static void a_child_of_a_retired_machine_is_the_error_of_its_task(void **state) {
  fixture *f = *state;
  static const char PARENT[] =
      "{\"id\":\"parent\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"id\":\"kid\",\"src\":"
      "\"machine\","
      "\"input\":{\"machine\":\"adm\"},\"onError\":\"failed\"}},\"failed\":{}}}";
  fsm_answer answer = deploy_text(f, PARENT, sizeof PARENT - 1);
  assert_code(&answer, FSM_OK);
  (void)retire(f, "adm", 0);
  answer = start(f, "parent", "p", NULL, NULL);
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 6000; i++) {
    fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "p"});
    if (strcmp(text_of(f, fsm_map_get(&in, "state")), "[\"failed\"]") == 0) return;
    usleep(10000);
  }
  fail_msg("the parent was not told");
}

static void versions_are_listed_newest_first_page_by_page(void **state) {
  fixture *f = *state;
  (void)deploy_as(f, "two");
  (void)deploy_as(f, "three");
  (void)retire(f, "adm", 2);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_VERSIONS, .machine = "adm", .limit = 2});
  const fsm_value *items = fsm_map_get(&page, "items");
  assert_int_equal(items->len, 2);
  assert_int_equal(fsm_map_get(&items->items[0], "version")->i, 3);
  assert_null(fsm_map_get(&items->items[0], "retired"));
  const fsm_value *retired = fsm_map_get(&items->items[1], "retired");
  assert_string_equal(text_of(f, fsm_map_get(retired, "by")), "\"olga\"");
  assert_string_equal(text_of(f, fsm_map_get(retired, "reason")), "\"the customer called\"");
  const fsm_value *next = fsm_map_get(&page, "next");
  page = query(f, (fsm_query){.kind = FSM_QUERY_VERSIONS,
                              .machine = "adm",
                              .after = fsm_arena_strndup(&f->arena, next->s, next->len),
                              .limit = 2});
  items = fsm_map_get(&page, "items");
  assert_int_equal(items->len, 1);
  assert_int_equal(fsm_map_get(&items->items[0], "version")->i, 1);
  assert_true(fsm_is(fsm_map_get(&page, "next"), FSM_NULL));
}

static void machines_are_listed_page_by_page(void **state) {
  fixture *f = *state;
  static const char OTHER[] = "{\"id\":\"other\",\"initial\":\"a\",\"states\":{\"a\":{}}}";
  (void)deploy_text(f, OTHER, sizeof OTHER - 1);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_MACHINES, .limit = 1});
  assert_string_equal(text_of(f, fsm_map_get(&fsm_map_get(&page, "items")->items[0], "id")), "\"adm\"");
  assert_string_equal(text_of(f, fsm_map_get(&page, "next")), "\"1\"");
  page = query(f, (fsm_query){.kind = FSM_QUERY_MACHINES, .after = "1", .limit = 1});
  assert_string_equal(text_of(f, fsm_map_get(&fsm_map_get(&page, "items")->items[0], "id")), "\"other\"");
  assert_string_equal(text_of(f, fsm_map_get(&page, "next")), "null");
}

static void what_cannot_be_retired_says_why_and_changes_nothing(void **state) {
  fixture *f = *state;
  const uint64_t seq = last_seq(f);
  fsm_answer answer = retire(f, "nothing", 0);
  assert_code(&answer, FSM_EMACHINE);
  answer = retire(f, "adm", 9);
  assert_code(&answer, FSM_EMACHINE);
  assert_string_equal(answer.error.where, "version");
  fsm_command command = by_operator(f, FSM_CMD_RETIRE, NULL);
  answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  assert_string_equal(answer.error.where, "machine");
  command.machine = "adm";
  command.reason = NULL;
  answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  assert_string_equal(answer.error.where, "reason");
  command.reason = "x";
  command.actor = fsm_null();
  answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  assert_string_equal(answer.error.where, "actor");
  command = by_operator(f, FSM_CMD_RETIRE, NULL);
  command.machine = "adm";
  command.idem = "k";
  answer = sent(f, &command);
  assert_code(&answer, FSM_EARGUMENT);
  assert_string_equal(answer.error.where, "idem");
  assert_string_equal(machine_member(f, "retired"), "none");
  answer = start_version(f, 0);
  assert_code(&answer, FSM_OK);
  assert_true(last_seq(f) > seq);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machines_setup, machines_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_retired_machine_takes_no_new_instances_and_the_others_go_on),
      TEST(its_record_says_who_why_and_which),
      TEST(what_is_retired_already_changes_nothing),
      TEST(without_its_newest_version_the_one_before_is_started),
      TEST(deployed_again_it_is_a_new_version_which_is_live),
      TEST(it_stays_so_over_a_restart_and_a_replay),
      TEST(an_instance_that_is_there_is_found_all_the_same),
      TEST(a_child_of_a_retired_machine_is_the_error_of_its_task),
      TEST(versions_are_listed_newest_first_page_by_page),
      TEST(machines_are_listed_page_by_page),
      TEST(what_cannot_be_retired_says_why_and_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

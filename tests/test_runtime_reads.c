/* test_runtime_reads.c: what the approval can be asked: lists, pages, prefixes, events, records; read only,
 * and by version. */
#include "tests/approval_scene.h"

/* ---- reads -------------------------------------------------------------------------------------- */

static void stuck_lists_the_longest_first_and_only_those_held_long_enough(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 5; i++) {
    char id[16];
    snprintf(id, sizeof id, "d%d", i);
    (void)start(f, "document-approval", id, NULL, DOC);
    atomic_fetch_add(&f->now_ns, 60 * SECOND);
  }
  fsm_value stuck = query(f, (fsm_query){.kind = FSM_QUERY_STUCK, .for_ns = 150 * SECOND, .limit = 2});
  const fsm_value *items = fsm_map_get(&stuck, "items");
  assert_int_equal(items->len, 2);
  assert_true(fsm_is_text(fsm_map_get(&items->items[0], "id"), "d0"));
  const fsm_value *next = fsm_map_get(&stuck, "next");
  assert_true(fsm_is(next, FSM_STRING));
  stuck = query(f, (fsm_query){.kind = FSM_QUERY_STUCK,
                               .for_ns = 150 * SECOND,
                               .limit = 2,
                               .after = fsm_arena_strndup(&f->arena, next->s, next->len)});
  items = fsm_map_get(&stuck, "items");
  assert_int_equal(items->len, 1);
  assert_true(fsm_is_text(fsm_map_get(&items->items[0], "id"), "d2"));
  assert_true(fsm_is(fsm_map_get(&stuck, "next"), FSM_NULL));
}

static void a_list_pages_through_all_instances_once(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 7; i++) {
    char id[16];
    snprintf(id, sizeof id, "d%d", i);
    (void)start(f, "document-approval", id, NULL, DOC);
    if (i == 3) fixture_reopen(f); /* half of them in the store, half in the overlay */
  }
  unsigned seen = 0;
  const char *after = NULL;
  do {
    fsm_value list = query(
        f, (fsm_query){.kind = FSM_QUERY_LIST, .limit = 3, .after = after, .machine = "document-approval"});
    seen += fsm_map_get(&list, "items")->len;
    const fsm_value *next = fsm_map_get(&list, "next");
    after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&f->arena, next->s, next->len) : NULL;
  } while (after != NULL);
  assert_int_equal(seen, 7);
  fsm_value counts = query(f, (fsm_query){.kind = FSM_QUERY_COUNTS});
  assert_non_null(
      strstr(text_of(f, &counts), "{\"count\":7,\"machine\":\"document-approval\",\"state\":\"draft\"}"));
}

static void a_prefix_must_be_unique(void **state) {
  fixture *f = *state;
  (void)start(f, "document-approval", "abc-1", "K 1", DOC);
  (void)start(f, "document-approval", "abc-2", NULL, DOC);
  fsm_error err = {.text = ""};
  fsm_value out;
  assert_int_equal(fsm_query_wait(f->runtime, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "abc"},
                                  &f->arena, &out, &err),
                   FSM_EAMBIGUOUS);
  out = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "document-approval/key:K 1"});
  assert_true(fsm_is_text(fsm_map_get(&out, "id"), "abc-1"));
  out = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "abc-2"});
  assert_true(fsm_is_text(fsm_map_get(&out, "id"), "abc-2"));
}

static void the_events_say_what_may_be_sent_and_with_which_fields(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_COMPLETE, last_token(f), 1, false, "{\"reviewId\":\"R\"}");
  fsm_value events = query(f, (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = "d1"});
  const char *text = text_of(f, &events);
  assert_non_null(strstr(text, "\"event\":\"APPROVE\""));
  assert_non_null(strstr(text, "\"target\":\"approved\""));
  assert_non_null(strstr(text, "\"event\":\"REJECT\""));
  assert_non_null(strstr(text, "\"required\":[\"reason\"]"));
  assert_null(strstr(text, "SUBMIT"));
}

static void a_read_only_opening_gives_the_same_answers_and_changes_nothing(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  fsm_value live = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  fixture_close(f);
  fsm_runtime *reader = NULL;
  fsm_error err = {.text = ""};
  const fsm_runtime_options options = {.dir = f->dir, .read_only = true, .now = fixture_clock, .now_arg = f};
  if (fsm_runtime_open(&options, &reader, NULL, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fsm_value offline;
  assert_int_equal(fsm_query_wait(reader, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"}, &f->arena,
                                  &offline, &err),
                   FSM_OK);
  assert_string_equal(text_of(f, &offline), text_of(f, &live));
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "d1";
  command.event = "APPROVE";
  assert_int_equal(fsm_submit(reader, &command, NULL, NULL, &err), FSM_EARGUMENT);
  fsm_runtime_close(reader);
  fixture_open(f);
}

static void who_and_why_is_in_the_record(void **state) {
  fixture *f = *state;
  (void)start(f, "document-approval", "d1", NULL, DOC);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "d1";
  command.event = "SUBMIT";
  command.correlation = "corr-77";
  command.causation = "mail-1";
  command.request = "req-9";
  command.actor = json(f, "{\"type\":\"user\",\"sub\":\"ana\",\"sid\":\"s-1\",\"authn\":\"verified\"}");
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_string_equal(answer.correlation, "corr-77");
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "d1"});
  const fsm_value *items = fsm_map_get(&history, "items");
  const char *text = text_of(f, &items->items[1]);
  static const char *const wanted[] = {
      "\"corr\":\"corr-77\"",  "\"caus\":\"mail-1\"",  "\"req\":\"req-9\"",          "\"sub\":\"ana\"",
      "\"sid\":\"s-1\"",       "\"from\":[\"draft\"]", "\"to\":[\"pendingReview\"]", "\"trigger\":\"SUBMIT\"",
      "\"cause\":\"external\""};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (strstr(text, wanted[i]) == NULL) fail_msg("%s is missing in %s", wanted[i], text);
}

static void a_new_version_leaves_running_instances_where_they_are(void **state) {
  fixture *f = *state;
  static const char V1[] =
      "{\"id\":\"v\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{}}}";
  static const char V2[] =
      "{\"id\":\"v\",\"initial\":\"z\",\"states\":{\"z\":{},\"a\":{\"on\":{\"GO\":\"z\"}},\"b\":{}}}";
  (void)deploy_text(f, V1, strlen(V1));
  (void)start(f, "v", "old", NULL, NULL);
  fsm_answer answer = deploy_text(f, V2, strlen(V2));
  assert_int_equal(answer.version, 2);
  answer = deploy_text(f, V2, strlen(V2));
  assert_false(answer.created);
  assert_int_equal(answer.version, 2);
  fixture_reopen(f);
  (void)start(f, "v", "new", NULL, NULL);
  (void)send_event(f, "old", "GO", NULL);
  assert_state(f, "old", "b");
  assert_state(f, "new", "z");
  assert_verified(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(stuck_lists_the_longest_first_and_only_those_held_long_enough),
      T(a_list_pages_through_all_instances_once),
      T(a_prefix_must_be_unique),
      T(the_events_say_what_may_be_sent_and_with_which_fields),
      T(a_read_only_opening_gives_the_same_answers_and_changes_nothing),
      T(who_and_why_is_in_the_record),
      T(a_new_version_leaves_running_instances_where_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_people.c: who acts, as the log says: the newest record of each, and no more than are kept. */
#include "runtime_fixture.h"

#include "runtime/people.h"

static const char DOOR[] =
    "{\"id\":\"door\",\"initial\":\"shut\",\"states\":{\"shut\":{\"on\":{\"OPEN\":\"open\"}},\"open\":{"
    "\"on\":{"
    "\"SHUT\":\"shut\"}}}}";

static fixture *with_a_door(void) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, DOOR, strlen(DOOR));
  assert_code(&answer, FSM_OK);
  return f;
}

static void starts(fixture *f, const char *actor, const char *id) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "door";
  command.instance = id;
  command.actor = json(f, actor);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
}

static fsm_value asked(fixture *f, const char *after, unsigned limit) {
  return query(f, (fsm_query){.kind = FSM_QUERY_ACTORS, .after = after, .limit = limit});
}

static const char *items_of(fixture *f, const fsm_value *document) {
  const fsm_value *items = fsm_map_get(document, "items");
  fsm_buf buf = {0};
  for (uint32_t i = 0; i < items->len; i++)
    fsm_buf_printf(&buf, "%s%s", i > 0 ? " " : "", text_of(f, fsm_map_get(&items->items[i], "sub")));
  const char *text = fsm_arena_strdup(&f->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void each_is_told_once_the_last_one_in_front(void **state) {
  (void)state;
  fixture *f = with_a_door();
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"a\"],\"sid\":\"s1\"}", "one");
  starts(f, "{\"type\":\"user\",\"sub\":\"mia\"}", "two");
  fsm_value document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"mia\" \"ana\"");
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"b\"],\"sid\":\"s2\"}", "three");
  document = asked(f, NULL, 10); /* what was written meanwhile is read on */
  assert_string_equal(items_of(f, &document), "\"ana\" \"mia\"");
  const fsm_value *first = &fsm_map_get(&document, "items")->items[0];
  assert_string_equal(text_of(f, fsm_map_get(first, "roles")), "[\"b\"]");
  assert_null(fsm_map_get(first, "sid"));
  document = asked(f, NULL, 1);
  assert_string_equal(items_of(f, &document), "\"ana\"");
  document = asked(f, fsm_map_get(&document, "next")->s, 1);
  assert_string_equal(items_of(f, &document), "\"mia\"");
  assert_true(fsm_is(fsm_map_get(&document, "next"), FSM_NULL));
  fixture_free(f);
}

static void one_who_comes_from_elsewhere_is_another(void **state) {
  (void)state;
  fixture *f = with_a_door();
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"iss\":\"x\"}", "one");
  fsm_value document = asked(f, NULL, 10);
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"iss\":\"y\"}", "two");
  document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"ana\" \"ana\"");
  fixture_free(f);
}

static void no_more_are_kept_than_the_bound(void **state) {
  (void)state;
  fixture *f = with_a_door();
  char actor[64], id[32];
  for (unsigned i = 0; i < FSM__PEOPLE_MAX; i++) {
    snprintf(actor, sizeof actor, "{\"sub\":\"p%u\"}", i);
    snprintf(id, sizeof id, "i%u", i);
    starts(f, actor, id);
    if (i % 64 == 0) fsm_arena_reset(&f->arena);
  }
  fsm_value document = asked(f, NULL, 1);
  assert_null(fsm_map_get(&document, "cut"));
  assert_string_equal(items_of(f, &document), "\"p2047\"");
  starts(f, "{\"sub\":\"one more\"}", "more");
  document = asked(f, NULL, 1);
  assert_non_null(fsm_map_get(&document, "cut"));
  assert_string_equal(items_of(f, &document), "\"one more\"");
  fixture_free(f);
}

static void all_are_found_again_after_a_restart(void **state) {
  (void)state;
  fixture *f = with_a_door();
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\"}", "one");
  fixture_reopen(f);
  const fsm_value document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"ana\"");
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_told_once_the_last_one_in_front),
      cmocka_unit_test(one_who_comes_from_elsewhere_is_another),
      cmocka_unit_test(no_more_are_kept_than_the_bound),
      cmocka_unit_test(all_are_found_again_after_a_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_people.c: who acts, as the log says: the newest record of each, and no more than are kept. */
#include "runtime_fixture.h"

#include "runtime/filter.h"
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

/* ---- who is configured ------------------------------------------------------------------------------ */

static void configured(fixture *f, const char *json) {
  fsm_error err = {.text = ""};
  const fsm_code code = fsm_runtime_set_people(f->runtime, json, json != NULL ? strlen(json) : 0, &err);
  if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

static const fsm_value *nth(const fsm_value *document, uint32_t i) {
  const fsm_value *items = fsm_map_get(document, "items");
  assert_true(i < items->len);
  return &items->items[i];
}

static void what_is_configured_wins_over_what_was_seen(void **state) {
  (void)state;
  fixture *f = with_a_door();
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"iss\":\"x\",\"roles\":[\"old\"]}", "one");
  starts(f, "{\"type\":\"user\",\"sub\":\"mia\",\"roles\":[\"a\"]}", "two");
  configured(f,
             "[{\"sub\":\"zoe\"},{\"sub\":\"ana\",\"roles\":[\"new\"]},{\"sub\":\"mia\",\"iss\":\"other\"}]");
  fsm_value document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"mia\" \"ana\" \"zoe\" \"mia\"");
  assert_null(fsm_map_get(nth(&document, 0), "configured")); /* another than the configured one */
  assert_string_equal(text_of(f, fsm_map_get(nth(&document, 1), "roles")), "[\"new\"]");
  assert_string_equal(text_of(f, fsm_map_get(nth(&document, 1), "iss")), "\"x\"");
  assert_true(fsm_map_get(nth(&document, 1), "configured")->b);
  assert_non_null(fsm_map_get(nth(&document, 1), "seq"));
  assert_true(fsm_map_get(nth(&document, 2), "configured")->b);
  assert_null(fsm_map_get(nth(&document, 2), "seq"));
  assert_null(fsm_map_get(nth(&document, 2), "last"));
  configured(f, NULL);
  document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"mia\" \"ana\"");
  assert_string_equal(text_of(f, fsm_map_get(nth(&document, 1), "roles")), "[\"old\"]");
  fixture_free(f);
}

static void pages_go_on_behind_those_who_were_seen(void **state) {
  (void)state;
  fixture *f = with_a_door();
  starts(f, "{\"sub\":\"ana\"}", "one");
  configured(f, "[{\"sub\":\"c\"},{\"sub\":\"ana\"},{\"sub\":\"b\"},{\"sub\":\"a\"}]");
  static const char *const expected[] = {"\"ana\"", "\"c\"", "\"b\"", "\"a\""};
  const char *after = NULL;
  for (unsigned i = 0; i < 4; i++) {
    const fsm_value document = asked(f, after, 1);
    assert_string_equal(items_of(f, &document), expected[i]);
    const fsm_value *next = fsm_map_get(&document, "next");
    assert_true(fsm_is(next, FSM_STRING) == (i < 3));
    if (i < 3) after = fsm_arena_strndup(&f->arena, next->s, next->len);
  }
  fixture_free(f);
}

static void a_wrong_entry_is_told_with_its_place_and_changes_nothing(void **state) {
  static const char *const wrong[][3] = {
      {"[{\"sub\":\"a\"},", "1:", ""},
      {"{\"sub\":\"a\"}", "", "it is a list of people"},
      {"[\"a\"]", "/0", "a person is an object"},
      {"[{\"sub\":\"a\"},{\"roles\":[\"x\"]}]", "/1", "sub is missing"},
      {"[{\"sub\":\"\"}]", "/0/sub", "sub is a text of 1 to 256 bytes"},
      {"[{\"sub\":7}]", "/0/sub", "sub is a text"},
      {"[{\"sub\":\"a\",\"type\":null}]", "/0/type", "type is a text"},
      {"[{\"sub\":\"a\",\"roles\":\"x\"}]", "/0/roles", "a list of texts"},
      {"[{\"sub\":\"a\",\"roles\":[\"x\",1]}]", "/0/roles/1", "a role is a text"},
      {"[{\"sub\":\"a\",\"sid\":\"s\"}]", "/0/sid", "leave sid out"},
      {"[{\"sub\":\"a\",\"role\":[\"x\"]}]", "/0/role", "did you mean \"roles\"?"},
      {"[{\"sub\":\"a\",\"type\":\"u\"},{\"sub\":\"b\"},{\"type\":\"u\",\"sub\":\"a\"}]", "/2",
       "a is there already, at /0"}};
  (void)state;
  fixture *f = with_a_door();
  configured(f, "[{\"sub\":\"kept\",\"department\":\"claims\"}]");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fsm_error err = {.text = ""};
    assert_true(fsm_runtime_set_people(f->runtime, wrong[i][0], strlen(wrong[i][0]), &err) != FSM_OK);
    const bool place = i == 0 ? strncmp(err.where, "1:", 2) == 0 : strcmp(err.where, wrong[i][1]) == 0;
    if (!place || strstr(err.text, wrong[i][2]) == NULL)
      fail_msg("%s: \"%s\" at \"%s\"", wrong[i][0], err.text, err.where);
  }
  const fsm_value document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"kept\"");
  fixture_free(f);
}

static fsm_code so_many(fixture *f, unsigned count, size_t pad, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_char(&text, '[');
  for (unsigned i = 0; i < count; i++) fsm_buf_printf(&text, "%s{\"sub\":\"p%u\"}", i > 0 ? "," : "", i);
  fsm_buf_char(&text, ']');
  while (text.len < pad) fsm_buf_char(&text, ' ');
  const fsm_code code = fsm_runtime_set_people(f->runtime, fsm_buf_text(&text), text.len, err);
  fsm_buf_free(&text);
  return code;
}

static void limits_hold_at_their_edge_and_one_past_it(void **state) {
  (void)state;
  fixture *f = with_a_door();
  fsm_error err = {.text = ""};
  assert_int_equal(so_many(f, FSM_PEOPLE_CONFIGURED_MAX, 0, &err), FSM_OK);
  assert_int_equal(so_many(f, FSM_PEOPLE_CONFIGURED_MAX + 1, 0, &err), FSM_ETOOLARGE);
  assert_int_equal(so_many(f, 1, FSM_PEOPLE_BYTES_MAX, &err), FSM_OK);
  assert_int_equal(so_many(f, 1, FSM_PEOPLE_BYTES_MAX + 1, &err), FSM_ETOOLARGE);
  for (unsigned more = 0; more < 2; more++) {
    fsm_buf text = {0};
    fsm_buf_str(&text, "[{\"sub\":\"");
    for (unsigned i = 0; i < FSM_ACTOR_NAME_MAX + more; i++) fsm_buf_char(&text, 'x');
    fsm_buf_str(&text, "\"}]");
    assert_int_equal(fsm_runtime_set_people(f->runtime, fsm_buf_text(&text), text.len, &err),
                     more == 0 ? FSM_OK : FSM_EARGUMENT);
    fsm_buf_free(&text);
  }
  fixture_free(f);
}

static const char BOARD[] =
    "{\"id\":\"door\",\"initial\":\"waits\",\"states\":{\"waits\":{\"on\":{\"DECIDE\":{\"target\":\"done\","
    "\"meta\":{\"fsm\":{\"allow\":\"'director' in actor.roles\"}}}}},\"done\":{\"type\":\"final\"}}}";

static uint32_t orphans(fixture *f) {
  fsm_error err = {.text = ""};
  fsm_filter *filter = NULL;
  assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
  if (fsm_filter_set(filter, "kind", "orphan", &err) != FSM_OK) fail_msg("%s", err.text);
  const fsm_value document = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .filter = filter, .limit = 10});
  fsm_filter_free(filter);
  return fsm_map_get(&document, "items")->len;
}

static const char *why(fixture *f) {
  const fsm_value document = query(f, (fsm_query){.kind = FSM_QUERY_WHY, .ref = "one"});
  return text_of(f, &document);
}

static void who_is_configured_leaves_no_orphan_and_is_named(void **state) {
  (void)state;
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, BOARD, strlen(BOARD));
  assert_code(&answer, FSM_OK);
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"clerk\"]}", "one");
  const char *text = why(f);
  assert_int_equal(orphans(f), 1);
  assert_non_null(strstr(text, "\"verdict\":\"orphan\""));
  configured(f, "[{\"sub\":\"zoe\",\"roles\":[\"director\"]},{\"sub\":\"kim\",\"roles\":[\"clerk\"]}]");
  assert_int_equal(orphans(f), 0);
  text = why(f);
  assert_non_null(strstr(text, "someone with role director (zoe known)"));
  assert_null(strstr(text, "kim"));
  configured(f, "[{\"sub\":\"ana\",\"roles\":[\"director\"]}]"); /* whom its history has as a clerk */
  assert_int_equal(orphans(f), 0);
  assert_non_null(strstr(why(f), "someone with role director (ana seen)"));
  configured(f, "[]");
  assert_int_equal(orphans(f), 1);
  fixture_free(f);
}

static void a_masked_name_stays_masked(void **state) {
  (void)state;
  fixture *f = fixture_new();
  static const char hidden[] =
      "{\"id\":\"door\",\"initial\":\"shut\",\"context\":{},\"schemas\":{\"context\":{\"type\":\"object\","
      "\"properties\":{\"sub\":{\"type\":\"string\",\"x-pii\":true}}}},\"states\":{\"shut\":{}}}";
  fsm_answer answer = deploy_text(f, hidden, strlen(hidden));
  assert_code(&answer, FSM_OK);
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\"}", "one");
  configured(f, "[{\"sub\":\"ana\",\"roles\":[\"a\"]}]");
  const fsm_value document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"[masked]\"");
  fixture_free(f);
}

/* A sum of refusals names its actor by the sub alone; it is no other person, and hides nobody. */
static void a_sum_of_refusals_hides_nobody(void **state) {
  (void)state;
  fixture *f = with_a_door();
  starts(f, "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"a\"]}", "one");
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "nobody";
  command.event = "OPEN";
  command.actor = json(f, "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"a\"]}");
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_EINSTANCE);
  fixture_reopen(f); /* what was counted is on record now */
  const fsm_value document = asked(f, NULL, 10);
  assert_string_equal(items_of(f, &document), "\"ana\"");
  assert_string_equal(text_of(f, fsm_map_get(&fsm_map_get(&document, "items")->items[0], "roles")),
                      "[\"a\"]");
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_configured_wins_over_what_was_seen),
      cmocka_unit_test(pages_go_on_behind_those_who_were_seen),
      cmocka_unit_test(a_wrong_entry_is_told_with_its_place_and_changes_nothing),
      cmocka_unit_test(limits_hold_at_their_edge_and_one_past_it),
      cmocka_unit_test(who_is_configured_leaves_no_orphan_and_is_named),
      cmocka_unit_test(a_masked_name_stays_masked),
      cmocka_unit_test(each_is_told_once_the_last_one_in_front),
      cmocka_unit_test(one_who_comes_from_elsewhere_is_another),
      cmocka_unit_test(no_more_are_kept_than_the_bound),
      cmocka_unit_test(all_are_found_again_after_a_restart),
      cmocka_unit_test(a_sum_of_refusals_hides_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

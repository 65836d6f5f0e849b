/* test_decide_route.c: routes are set, changed and removed, each change a record, each version a row. */
#include "admin_scene.h"

#include "runtime/routing.h"
#include "runtime/rows.h"
#include "runtime/writer.h"

static const char *const SINKS[] = {"siem", "lake"};

static int routes_setup(void **state) {
  fixture *f = fixture_new();
  fsm__runtime_know_sinks(f->runtime, SINKS, 2);
  *state = f;
  return 0;
}

static fsm_answer set_route(fixture *f, const char *name, const char *document) {
  fsm_command command = by_operator(f, FSM_CMD_ROUTE_SET, NULL);
  command.name = name;
  command.data = json(f, document);
  return sent(f, &command);
}

static fsm_answer remove_route(fixture *f, const char *name) {
  fsm_command command = by_operator(f, FSM_CMD_ROUTE_REMOVE, NULL);
  command.name = name;
  return sent(f, &command);
}

static const char *routes(fixture *f, const char *name) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_ROUTES, .ref = name});
  return text_of(f, fsm_map_get(&page, "items"));
}

static uint64_t last_seq(fixture *f) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return (uint64_t)fsm_map_get(&page, "seq")->i;
}

static fsm_value record_at(fixture *f, uint64_t seq) {
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)seq - 1);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = after, .limit = 1});
  return fsm_map_get(&page, "items")->items[0];
}

static void a_route_that_is_set_is_one_record_with_who_and_why(void **state) {
  fixture *f = *state;
  fsm_answer answer = set_route(f, "claims", "{\"machine\":\"claim\",\"sinks\":[\"siem\"]}");
  assert_code(&answer, FSM_OK);
  assert_true(answer.created);
  assert_int_equal(answer.rev, 1);
  fsm_value record = record_at(f, answer.seq);
  assert_string_equal(text_of(f, fsm_map_get(&record, "kind")), "\"route\"");
  assert_string_equal(text_of(f, fsm_map_get(&record, "cause")), "\"admin\"");
  assert_string_equal(
      text_of(f, fsm_map_get(&record, "detail")),
      "{\"name\":\"claims\",\"reason\":\"the customer called\",\"route\":{\"machine\":\"claim\","
      "\"sinks\":[\"siem\"]},\"version\":1}");
  assert_string_equal(
      routes(f, NULL),
      "[{\"by\":\"olga\",\"name\":\"claims\",\"reason\":\"the customer called\",\"route\":{\"machine\":"
      "\"claim\",\"sinks\":[\"siem\"]},\"seq\":1,\"set\":\"2023-11-14T22:13:20.000000002Z\",\"version\":1}]");
}

static void the_same_document_changes_nothing(void **state) {
  fixture *f = *state;
  (void)set_route(f, "claims", "{\"machine\":\"claim\",\"sinks\":[\"siem\"]}");
  const uint64_t seq = last_seq(f);
  fsm_answer answer = set_route(f, "claims", "{\"sinks\":[\"siem\"],\"machine\":\"claim\"}");
  assert_code(&answer, FSM_OK);
  assert_false(answer.created);
  assert_int_equal(answer.seq, 0);
  assert_int_equal(answer.rev, 1);
  assert_int_equal(last_seq(f), seq);
  /* though its sink is gone: it stands */
  fsm__runtime_know_sinks(f->runtime, NULL, 0);
  answer = set_route(f, "claims", "{\"sinks\":[\"siem\"],\"machine\":\"claim\"}");
  assert_code(&answer, FSM_OK);
}

static void every_version_is_kept_and_a_removed_route_comes_back_as_the_next(void **state) {
  fixture *f = *state;
  (void)set_route(f, "claim", "{\"sinks\":[\"lake\"]}"); /* a name that begins the other */
  (void)set_route(f, "claims", "{\"sinks\":[\"siem\"]}");
  fsm_answer answer = set_route(f, "claims", "{\"sinks\":[\"lake\"]}");
  assert_int_equal(answer.rev, 2);
  assert_false(answer.created);
  answer = remove_route(f, "claims");
  assert_code(&answer, FSM_OK);
  assert_int_equal(answer.rev, 3);
  fsm_value record = record_at(f, answer.seq);
  assert_string_equal(
      text_of(f, fsm_map_get(&record, "detail")),
      "{\"name\":\"claims\",\"reason\":\"the customer called\",\"removed\":true,\"version\":3}");
  assert_string_equal(
      routes(f, NULL),
      "[{\"by\":\"olga\",\"name\":\"claim\",\"reason\":\"the customer called\",\"route\":{"
      "\"sinks\":[\"lake\"]},\"seq\":1,\"set\":\"2023-11-14T22:13:20.000000002Z\",\"version\":1}]");
  answer = remove_route(f, "claims");
  assert_code(&answer, FSM_ENOTFOUND);
  answer = remove_route(f, "never");
  assert_code(&answer, FSM_ENOTFOUND);
  answer = set_route(f, "claims", "{\"sinks\":[\"siem\"]}");
  assert_int_equal(answer.rev, 4);
  assert_true(answer.created);
  fixture_reopen(f);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_ROUTES, .ref = "claims"});
  const fsm_value *items = fsm_map_get(&page, "items");
  assert_int_equal(items->len, 4);
  for (uint32_t i = 0; i < 4; i++)
    assert_int_equal(fsm_map_get(&items->items[i], "version")->i, 4 - i); /* newest first */
  assert_true(fsm_map_get(&items->items[1], "removed")->b);
  assert_null(fsm_map_get(&items->items[1], "route"));
}

static void versions_come_in_pages(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 5; i++)
    (void)set_route(f, "r", i % 2 ? "{\"sinks\":[\"siem\"]}" : "{\"sinks\":[\"lake\"]}");
  const char *after = NULL;
  int64_t expected = 5;
  for (int pages = 0; pages < 3; pages++) {
    fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_ROUTES, .ref = "r", .limit = 2, .after = after});
    const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
    for (uint32_t i = 0; i < items->len; i++)
      assert_int_equal(fsm_map_get(&items->items[i], "version")->i, expected--);
    after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&f->arena, next->s, next->len) : NULL;
    assert_int_equal(after == NULL, pages == 2);
  }
  assert_int_equal(expected, 0);
}

static void an_expected_version_is_looked_at(void **state) {
  fixture *f = *state;
  fsm_command command = by_operator(f, FSM_CMD_ROUTE_SET, NULL);
  command.name = "r";
  command.data = json(f, "{\"sinks\":[\"siem\"]}");
  command.expect_rev = 1;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_ESTALE);
  assert_string_equal(answer.error.text, "the route \"r\" is at version 0, not 1");
  command.expect_rev = 0;
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  answer = sent(f, &command); /* the same again, as after an answer that was lost */
  assert_code(&answer, FSM_OK);
  command.data = json(f, "{\"sinks\":[\"lake\"]}");
  answer = sent(f, &command);
  assert_code(&answer, FSM_ESTALE);
  command = by_operator(f, FSM_CMD_ROUTE_REMOVE, NULL);
  command.name = "r";
  command.expect_rev = 2;
  answer = sent(f, &command);
  assert_code(&answer, FSM_ESTALE);
  command.expect_rev = 1;
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
}

static void a_bad_route_is_refused_by_its_place_and_leaves_nothing(void **state) {
  fixture *f = *state;
  static const struct {
    const char *document, *where, *text;
    fsm_code code;
  } rows[] = {
      {"{\"sinks\":[\"seim\"]}", "/sinks/0", "unknown sink \"seim\" (there are: siem, lake)", FSM_EARGUMENT},
      {"{\"kind\":\"transtion\",\"sinks\":[\"siem\"]}", "/kind",
       "there is no kind of record \"transtion\"; did you mean \"transition\"?", FSM_EARGUMENT},
      {"{\"where\":\"record.level > 'x'\",\"sinks\":[\"siem\"]}", "/where", NULL, FSM_EEXPRESSION},
  };
  for (unsigned i = 0; i < 3; i++) {
    fsm_answer answer = set_route(f, "r", rows[i].document);
    assert_code(&answer, rows[i].code);
    assert_string_equal(answer.error.where, rows[i].where);
    if (rows[i].text != NULL) assert_string_equal(answer.error.text, rows[i].text);
  }
  assert_int_equal(last_seq(f), 0);
  assert_string_equal(routes(f, NULL), "[]");
}

static void without_a_publisher_no_sink_is_known(void **state) {
  fixture *f = *state;
  fixture_reopen(f); /* nobody says which there are */
  fsm_answer answer = set_route(f, "r", "{\"sinks\":[\"siem\"]}");
  assert_code(&answer, FSM_EARGUMENT);
  assert_string_equal(answer.error.text, "unknown sink \"siem\": no sink is configured here");
}

static void as_many_are_in_force_as_the_quota_says(void **state) {
  fixture *f = *state;
  char name[16];
  for (unsigned i = 0; i < FSM_ROUTES_MAX; i++) {
    snprintf(name, sizeof name, "r%u", i);
    fsm_answer answer = set_route(f, name, "{\"sinks\":[\"siem\"]}");
    assert_code(&answer, FSM_OK);
  }
  fsm_answer answer = set_route(f, "more", "{\"sinks\":[\"siem\"]}");
  assert_code(&answer, FSM_EQUOTA);
  answer = set_route(f, "r7", "{\"sinks\":[\"lake\"]}"); /* one of them may change */
  assert_code(&answer, FSM_OK);
  answer = remove_route(f, "r7");
  assert_code(&answer, FSM_OK);
  answer = set_route(f, "more", "{\"sinks\":[\"siem\"]}");
  assert_code(&answer, FSM_OK);
  answer = set_route(f, "r7", "{\"sinks\":[\"siem\"]}");
  assert_code(&answer, FSM_EQUOTA);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_ROUTES});
  assert_int_equal(fsm_map_get(&page, "items")->len, FSM_ROUTES_MAX);
}

static bool gives(fixture *f, fsm__routing *routing, const char *sink, uint64_t seq) {
  static const fsm_origin origin = {.epoch = 1};
  bool answer = false;
  fsm_record record = fsm_record_new(FSM_RECORD_EPOCH);
  record.seq = seq;
  assert_int_equal(fsm__routing_gives(routing, sink, &record, &origin, &f->arena, &answer, NULL, NULL),
                   FSM_OK);
  return answer;
}

static void what_the_store_has_is_loaded_with_the_seq_of_each_version(void **state) {
  fixture *f = *state;
  fsm__routing *routing = NULL;
  fsm_answer first = set_route(f, "r", "{\"sinks\":[\"siem\"]}");
  fsm_answer second = set_route(f, "r", "{\"sinks\":[\"lake\"]}");
  fsm_answer third = remove_route(f, "r");
  fixture_reopen(f);
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  assert_int_equal(fsm__routing_load(routing, f->runtime, NULL), FSM_OK);
  assert_int_equal(fsm__routing_load(routing, f->runtime, NULL), FSM_OK); /* twice is once */
  for (uint64_t seq = 1; seq < 6; seq++) {
    assert_int_equal(gives(f, routing, "siem", seq), seq > first.seq && seq <= second.seq);
    assert_int_equal(gives(f, routing, "lake", seq), seq > second.seq && seq <= third.seq);
  }
  fsm__routing_free(routing);
}

static void an_unknown_route_has_no_versions(void **state) {
  fixture *f = *state;
  fsm_value out;
  fsm_error err = {.text = ""};
  const fsm_query q = {.kind = FSM_QUERY_ROUTES, .ref = "r"};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_ENOTFOUND);
  assert_string_equal(err.text, "there never was a route \"r\"");
}

static void a_row_that_cannot_be_read_is_refused_as_damage(void **state) {
  fixture *f = *state;
  (void)set_route(f, "r", "{\"sinks\":[\"siem\"]}");
  fsm__route_row route;
  fsm_error err = {.text = ""};
  const uint8_t good[] = {0x95, 0x01, 0x02, 0xc0, 0xa0, 0xa0};
  fsm__row row = {.key = "r\0\xff\xff\xff\xfe", .key_len = 6, .value = good, .value_len = sizeof good};
  assert_int_equal(fsm__route_row_read(&row, &f->arena, &route, &err), FSM_OK);
  assert_int_equal(route.version, 1);
  row.value_len = 5;
  assert_int_equal(fsm__route_row_read(&row, &f->arena, &route, &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "store: routes");
  row.value_len = sizeof good;
  static const struct {
    const char *key;
    uint32_t len;
  } keys[] = {{"r\xff\xff\xff\xff\xfe", 6}, {"\0\xff\xff\xff\xfe", 5}, {"r\0\xff", 3}, {"r\0\0\0\0\0x", 7}};
  for (unsigned i = 0; i < 4; i++) {
    row.key = keys[i].key;
    row.key_len = keys[i].len;
    assert_int_equal(fsm__route_row_read(&row, &f->arena, &route, &err), FSM_ECORRUPT);
  }
}

#define T(name) cmocka_unit_test_setup_teardown(name, routes_setup, scene_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_route_that_is_set_is_one_record_with_who_and_why),
      T(the_same_document_changes_nothing),
      T(every_version_is_kept_and_a_removed_route_comes_back_as_the_next),
      T(versions_come_in_pages),
      T(an_expected_version_is_looked_at),
      T(a_bad_route_is_refused_by_its_place_and_leaves_nothing),
      T(without_a_publisher_no_sink_is_known),
      T(as_many_are_in_force_as_the_quota_says),
      T(what_the_store_has_is_loaded_with_the_seq_of_each_version),
      T(an_unknown_route_has_no_versions),
      T(a_row_that_cannot_be_read_is_refused_as_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Records by correlation, user and instance through the runtime, in pages, and what is said of archived ones.
 */
#include "runtime_scene.h"

#include "runtime/journal.h"

static fsm_answer add_as(fixture *f, const char *id, const char *user, const char *correlation) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  char text[100];
  snprintf(text, sizeof text, "{\"type\":\"user\",\"sub\":\"%s\"}", user);
  command.instance = id;
  command.event = "ADD";
  command.correlation = correlation;
  command.actor = json(f, text);
  return sent(f, &command);
}

static int setup(void **state) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  static const char *const ids[] = {"one", "two", "two-b"}, *const users[] = {"ann", "bob"};
  for (unsigned i = 0; i < 3; i++) {
    answer = start_counter(f, ids[i]);
    assert_code(&answer, FSM_OK);
  }
  for (unsigned i = 0; i < 30; i++) {
    answer = add_as(f, ids[i % 3], users[i % 2], i % 5 ? "case-1" : "case-2");
    assert_code(&answer, FSM_OK);
  }
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static const fsm_value *items_of(const fsm_value *page) { return fsm_map_get(page, "items"); }

static unsigned count(fixture *f, fsm_query q) {
  q.kind = FSM_QUERY_RECORDS;
  fsm_value page = query(f, q);
  assert_int_equal(fsm_map_get(&page, "next")->type, FSM_NULL);
  return items_of(&page)->len;
}

static void records_are_found_by_all_that_is_wanted(void **state) {
  fixture *f = *state;
  assert_int_equal(count(f, (fsm_query){.user = "ann"}), 15);
  assert_int_equal(count(f, (fsm_query){.correlation = "case-2"}), 6);
  assert_int_equal(count(f, (fsm_query){.correlation = "case-2", .user = "bob"}), 3);
  assert_int_equal(count(f, (fsm_query){.correlation = "case-1", .user = "ann", .ref = "one"}), 4);
  assert_int_equal(count(f, (fsm_query){.ref = "two"}), 11);
  assert_int_equal(count(f, (fsm_query){.ref = "one"}), count(f, (fsm_query){.ref = "on"}));
  assert_int_equal(count(f, (fsm_query){.user = "eve"}), 0);
  assert_int_equal(count(f, (fsm_query){.kind = FSM_QUERY_RECORDS}), 34);
}

static void pages_join_without_gap_or_overlap(void **state) {
  fixture *f = *state;
  char after[24] = "";
  unsigned seen = 0;
  int64_t before = 0;
  for (;;) {
    fsm_query q = {.kind = FSM_QUERY_RECORDS, .user = "bob", .limit = 4, .after = after[0] ? after : NULL};
    fsm_value page = query(f, q);
    const fsm_value *items = items_of(&page), *next = fsm_map_get(&page, "next");
    for (unsigned i = 0; i < items->len; i++) {
      int64_t seq = fsm_map_get(&items->items[i], "seq")->i;
      assert_true(seq > before);
      before = seq;
      seen++;
    }
    if (next->type == FSM_NULL) break;
    assert_int_equal(items->len, 4);
    snprintf(after, sizeof after, "%.*s", (int)next->len, next->s);
  }
  assert_int_equal(seen, 15);
}

static void expect_refused(fixture *f, fsm_query q, fsm_code wanted, const char *text) {
  fsm_value out;
  fsm_error err = {.text = ""};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), wanted);
  if (strstr(err.text, text) == NULL) fail_msg("%s: %s", err.where, err.text);
}

static void what_cannot_be_is_refused(void **state) {
  fixture *f = *state;
  expect_refused(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .ref = "tw"}, FSM_EAMBIGUOUS, "two");
  expect_refused(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .ref = "nobody"}, FSM_EINSTANCE, "nobody");
  expect_refused(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .user = "ann", .after = "x"}, FSM_EARGUMENT,
                 "seq");
}

static fsm_value page_of(fixture *f, const char *filter, const char *after, unsigned limit) {
  return query(f, (fsm_query){.kind = FSM_QUERY_RECORDS,
                              .records = filter != NULL ? json(f, filter) : fsm_null(),
                              .after = after,
                              .limit = limit});
}

static unsigned matching(fixture *f, const char *filter) {
  fsm_value page = page_of(f, filter, NULL, FSM_PAGE_MAX);
  assert_int_equal(fsm_map_get(&page, "next")->type, FSM_NULL);
  return items_of(&page)->len;
}

static void in_brief_it_is_what_a_line_shows(void **state) {
  fixture *f = *state;
  const fsm_query_kind kinds[] = {FSM_QUERY_RECORDS, FSM_QUERY_HISTORY};
  for (unsigned k = 0; k < 2; k++) {
    const fsm_query whole = {.kind = kinds[k], .ref = "one", .limit = FSM_PAGE_MAX};
    fsm_query brief = whole;
    brief.brief = true;
    const fsm_value all = query(f, whole), few = query(f, brief);
    assert_int_equal(items_of(&all)->len, 11);
    assert_int_equal(items_of(&few)->len, 11);
    for (unsigned i = 0; i < 11; i++) {
      const fsm_value *record = &items_of(&all)->items[i], *line = &items_of(&few)->items[i];
      assert_null(fsm_map_get(line, "data"));
      assert_null(fsm_map_get(line, "prev"));
      for (unsigned m = 0; m < line->len; m++) {
        const fsm_value *same = fsm_map_find(record, &line->pairs[m].key);
        if (!fsm_is_text(&line->pairs[m].key, "act"))
          assert_true(fsm_value_same(same, &line->pairs[m].value));
      }
      const fsm_value *who = fsm_map_get(line, "act"), *was = fsm_map_get(record, "act");
      assert_int_equal(who == NULL, i == 0);
      if (who != NULL) assert_true(fsm_value_same(fsm_map_get(who, "sub"), fsm_map_get(was, "sub")));
    }
  }
}

static void a_filter_is_what_a_route_is_and_more(void **state) {
  fixture *f = *state;
  assert_int_equal(matching(f, "{}"), 34);
  assert_int_equal(matching(f, "{\"kind\":\"created\"}"), 3);
  assert_int_equal(matching(f, "{\"kind\":[\"created\",\"deployed\"]}"), 4);
  assert_int_equal(matching(f, "{\"machine\":\"count*\",\"event\":\"ADD\"}"), 30);
  assert_int_equal(matching(f, "{\"machine\":\"other\"}"), 0);
  assert_int_equal(matching(f, "{\"instance\":\"two\"}"), 11);
  assert_int_equal(matching(f, "{\"instance\":\"tw\"}"), 0); /* exactly */
  assert_int_equal(matching(f, "{\"user\":\"ann\",\"correlation\":\"case-1\"}"), 12);
  assert_int_equal(matching(f, "{\"user\":\"ann\",\"where\":\"record.inst == 'one'\"}"), 5);
  assert_int_equal(matching(f, "{\"where\":\"record.act.sub == 'bob'\"}"), 15); /* others fail: no match */
  assert_int_equal(matching(f, "{\"state\":\"a\"}"), 33);
  assert_int_equal(matching(f, "{\"level\":9}"), 0);
  fsm_value some = query(
      f, (fsm_query){.kind = FSM_QUERY_RECORDS, .user = "ann", .records = json(f, "{\"user\":\"bob\"}")});
  assert_int_equal(items_of(&some)->len, 0); /* both, or none */
}

static void a_filter_has_times(void **state) {
  fixture *f = *state;
  fsm_value all = page_of(f, NULL, NULL, FSM_PAGE_MAX);
  for (unsigned i = 0; i < 34; i++) {
    char filter[100];
    const fsm_value *time = fsm_map_get(&items_of(&all)->items[i], "time");
    snprintf(filter, sizeof filter, "{\"since\":\"%.*s\"}", (int)time->len, time->s);
    assert_int_equal(matching(f, filter), 34 - i);
    snprintf(filter, sizeof filter, "{\"until\":\"%.*s\"}", (int)time->len, time->s);
    assert_int_equal(matching(f, filter), i);
  }
  assert_int_equal(matching(f, "{\"since\":\"2200-01-01T00:00:00Z\"}"), 0);
}

static void a_page_names_its_seq_and_now_is_behind_it(void **state) {
  fixture *f = *state;
  fsm_value page = page_of(f, NULL, "now", 0);
  assert_int_equal(items_of(&page)->len, 0);
  assert_int_equal(fsm_map_get(&page, "next")->type, FSM_NULL);
  assert_int_equal(fsm_map_get(&page, "seq")->i, 34);
  page = page_of(f, NULL, "33", 0);
  assert_int_equal(items_of(&page)->len, 1);
}

static void a_page_ends_when_it_looked_at_its_bound(void **state) {
  fixture *f = *state;
  enum { MORE = FSM_RECORDS_LOOK_MAX - 34 };
  static fsm_command commands[FSM_BATCH_MAX];
  static fsm_answer answers[FSM_BATCH_MAX];
  for (unsigned done = 0; done < MORE;) {
    const unsigned count = MORE - done < FSM_BATCH_MAX ? MORE - done : FSM_BATCH_MAX;
    for (unsigned i = 0; i < count; i++) {
      commands[i] = fsm_command_new(FSM_CMD_SEND);
      commands[i].instance = "one";
      commands[i].event = "ADD";
    }
    assert_int_equal(fsm_call_batch(f->runtime, commands, count, &f->arena, answers, NULL), FSM_OK);
    done += count;
  }
  fsm_value page = page_of(f, "{\"level\":9}", NULL, 0);
  assert_int_equal(fsm_map_get(&page, "next")->type, FSM_NULL); /* that was the last one */
  fsm_answer answer = add_as(f, "one", "ann", "late");
  assert_code(&answer, FSM_OK);
  page = page_of(f, "{\"where\":\"record.corr == 'late'\"}", NULL, 0);
  assert_int_equal(items_of(&page)->len, 0);
  assert_true(fsm_is_text(fsm_map_get(&page, "next"), "20000"));
  page = page_of(f, "{\"where\":\"record.corr == 'late'\"}", "20000", 0);
  assert_int_equal(items_of(&page)->len, 1);
  assert_int_equal(matching(f, "{\"correlation\":\"late\"}"), 1); /* by index: it looks at one */
}

/* Ten times ten times … items are looked at for each record. */
#define TEN "[1,2,3,4,5,6,7,8,9,10]"
#define OF_100 TEN ".exists(a, " TEN ".exists(b, a * b == -record.seq))"
#define OF_10000 TEN ".exists(x, " TEN ".exists(y, " OF_100 "))"

static void an_expression_that_costs_too_much_is_refused_and_one_that_costs_some_makes_pages_short(
    void **state) {
  fixture *f = *state;
  fsm_error err = {.text = ""};
  fsm_value out;
  fsm_query q = {.kind = FSM_QUERY_RECORDS, .records = json(f, "{\"where\":\"" OF_10000 "\"}")};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_ETOOLARGE);
  assert_string_equal(err.where, "where");
  assert_non_null(strstr(err.text, "for record 1 the expression would make or compare more than 16384"));
  assert_int_equal(matching(f, "{\"where\":\"" OF_100 "\"}"), 0); /* 34 of them are cheap enough */
}

static void a_route_that_is_tried_costs_no_more_than_any_other_expression(void **state) {
  fixture *f = *state;
  fsm_query q = {.kind = FSM_QUERY_ROUTE_TEST,
                 .limit = 34,
                 .route = json(f, "{\"sinks\":[\"x\"],\"where\":\"" OF_10000 "\"}")};
  fsm_value page = query(f, q);
  const fsm_value *items = items_of(&page);
  assert_int_equal(items->len, 34);
  for (unsigned i = 0; i < items->len; i++) {
    assert_true(fsm_is_text(fsm_map_get(&items->items[i], "part"), "where"));
    assert_non_null(strstr(fsm_map_get(&items->items[i], "fault")->s, "more than an expression may"));
  }
}

static void wrong_filters_are_refused_with_their_place(void **state) {
  fixture *f = *state;
  static const struct {
    const char *filter, *where, *text;
  } wrong[] = {
      {"{\"kinds\":\"created\"}", "/kinds", "a filter has no member \"kinds\"; did you mean \"kind\"?"},
      {"{\"sinks\":\"siem\"}", "/sinks", "a filter has no member"},
      {"{\"from\":\"a\"}", "/from", "a filter has no member"},
      {"{\"kind\":\"creatd\"}", "/kind", "there is no kind of record \"creatd\""},
      {"{\"user\":\"\"}", "/user", "user is a text, and not empty"},
      {"{\"instance\":7}", "/instance", "instance is a text"},
      {"{\"since\":\"yesterday\"}", "/since", "since is a time like"},
      {"{\"until\":\"9999-01-01T00:00:00Z\"}", "/until", "outside of the years"},
      {"{\"where\":\"record.\"}", "/where", "1:"},
      {"[1]", "", "a filter is an object"},
  };
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fsm_error err = {.text = ""};
    fsm_value out;
    fsm_query q = {.kind = FSM_QUERY_RECORDS, .records = json(f, wrong[i].filter)};
    assert_int_not_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_OK);
    assert_string_equal(err.where, wrong[i].where);
    if (strstr(err.text, wrong[i].text) == NULL) fail_msg("%s: %s", wrong[i].filter, err.text);
  }
}

static void below_the_floor_the_answer_says_archived(void **state) {
  fixture *f = *state;
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  char *blob = malloc(60001);
  memset(blob, 'b', 60000), blob[60000] = '\0';
  for (unsigned i = 0; i < 80; i++) { /* over two rotations */
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    fsm_pair pair = {fsm_string("blob"), fsm_string(blob)};
    command.instance = "two-b";
    command.event = "BIG";
    assert_int_equal(fsm_map(&pair, 1, &command.data, NULL), FSM_OK);
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
  }
  free(blob);
  fsm_answer answer = add_as(f, "one", "ann", "case-1");
  assert_code(&answer, FSM_OK);
  uint64_t last = fsm__journal_durable_seq(journal);
  fsm__prune_report report;
  assert_int_equal(fsm__journal_prune(journal, last, NULL, NULL, &report, NULL), FSM_OK);
  assert_true(report.segments > 1 && report.first_seq > 35 && report.first_seq <= last);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .user = "ann"}); /* what is kept */
  assert_int_equal(items_of(&page)->len, 1);
  expect_refused(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = "5"}, FSM_ENOTFOUND,
                 "archived: records before seq");
  page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "one"}); /* says that it is not all */
  assert_int_equal(items_of(&page)->len, 1);
  assert_true(fsm_is(fsm_map_get(&page, "archived"), FSM_BOOL));
  page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "two"});
  assert_int_equal(items_of(&page)->len, 0);
  assert_true(fsm_is(fsm_map_get(&page, "archived"), FSM_BOOL));
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)(report.first_seq - 1));
  page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "one", .after = after});
  assert_int_equal(items_of(&page)->len, 1);
  assert_null(fsm_map_get(&page, "archived"));
}

static void a_record_shows_the_epoch_that_it_is_of(void **state) {
  fixture *f = *state;
  fixture_close(f);
  char path[128];
  snprintf(path, sizeof path, "%s/journal/0", f->dir);
  fsm__journal *journal;
  fsm__journal_options options = {.dir = path, .segment_bytes = 2 * 1024 * 1024};
  memcpy(options.origin.store, f->opened.store_id, 16);
  assert_int_equal(fsm__journal_open(&options, &journal, NULL, NULL), FSM_OK);
  assert_int_equal(fsm__journal_new_epoch(journal, NULL), FSM_OK);
  fsm__journal_close(journal);
  fixture_open(f);
  fsm_answer answer = add_as(f, "one", "ann", "case-3");
  assert_code(&answer, FSM_OK);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .ref = "one"});
  const fsm_value *items = items_of(&page);
  for (unsigned i = 0; i < items->len; i++) {
    uint32_t epoch = i + 1 == items->len;
    assert_int_equal(fsm_map_get(&items->items[i], "epoch")->i, epoch);
    fsm_origin origin = {.epoch = epoch};
    memcpy(origin.store, f->opened.store_id, 16);
    char id[80];
    fsm_record_id(&origin, (uint64_t)fsm_map_get(&items->items[i], "seq")->i, id, sizeof id);
    assert_true(fsm_is_text(fsm_map_get(&items->items[i], "id"), id));
  }
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "one"});
  assert_string_equal(text_of(f, items_of(&history)), text_of(f, items));
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(records_are_found_by_all_that_is_wanted),
      ROW(pages_join_without_gap_or_overlap),
      ROW(what_cannot_be_is_refused),
      ROW(in_brief_it_is_what_a_line_shows),
      ROW(a_filter_is_what_a_route_is_and_more),
      ROW(a_filter_has_times),
      ROW(a_page_names_its_seq_and_now_is_behind_it),
      ROW(a_page_ends_when_it_looked_at_its_bound),
      ROW(an_expression_that_costs_too_much_is_refused_and_one_that_costs_some_makes_pages_short),
      ROW(a_route_that_is_tried_costs_no_more_than_any_other_expression),
      ROW(wrong_filters_are_refused_with_their_place),
      ROW(below_the_floor_the_answer_says_archived),
      ROW(a_record_shows_the_epoch_that_it_is_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

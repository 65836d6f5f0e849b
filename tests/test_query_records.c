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
  expect_refused(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "one"}, FSM_ENOTFOUND,
                 "archived: records before seq");
  expect_refused(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "two"}, FSM_ENOTFOUND, "archived");
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)(report.first_seq - 1));
  page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "one", .after = after});
  assert_int_equal(items_of(&page)->len, 1);
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
  assert_string_equal(text_of(f, &history), text_of(f, &page));
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(records_are_found_by_all_that_is_wanted),
      ROW(pages_join_without_gap_or_overlap),
      ROW(what_cannot_be_is_refused),
      ROW(below_the_floor_the_answer_says_archived),
      ROW(a_record_shows_the_epoch_that_it_is_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

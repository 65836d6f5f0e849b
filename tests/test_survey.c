/* test_survey.c: walks in pages give what one call gives; a cursor is good for its question and once; so many
 * walks at once; what is not kept is told; limits at their edge and one past it. That the figures are right
 * is test_cli_reports.py's. */
#include "runtime_fixture.h"

#include "runtime/runtime_impl.h"
#include "runtime/survey.h"

static const char TWO[] =
    "{\"id\":\"two\",\"initial\":\"p\",\"states\":{\"p\":{\"type\":\"parallel\",\"on\":{\"OUT\":\"out\"},"
    "\"states\":{\"x\":{\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"X\":\"b\"}},\"b\":{\"on\":{\"X\":"
    "\"a\"}}}},"
    "\"y\":{\"initial\":\"c\",\"states\":{\"c\":{}}}}},\"out\":{\"type\":\"final\"}}}";

static fixture *lived(void) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, TWO, strlen(TWO));
  assert_code(&answer, FSM_OK);
  const char *const ids[] = {"one", "other", "third"};
  for (unsigned i = 0; i < 3; i++) {
    answer = start(f, "two", ids[i], NULL, NULL);
    assert_code(&answer, FSM_OK);
  }
  for (unsigned i = 0; i < 12; i++) {
    atomic_fetch_add(&f->now_ns, SECOND);
    answer = send_event(f, ids[i % 3], i == 9 ? "OUT" : i == 7 ? "NOPE" : "X", NULL);
  }
  return f;
}

static void expect(fixture *f, fsm_query q, fsm_code wanted, const char *text) {
  fsm_value out;
  fsm_error err = {.text = ""};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), wanted);
  if (strstr(err.text, text) == NULL) fail_msg("%s: %s", err.where, err.text);
}

/* The last document of a walk of `look` records a call; how many calls it took. */
static const char *walked(fixture *f, fsm_query q, unsigned look, unsigned *calls) {
  fsm_value out = fsm_null();
  q.look = look;
  for (*calls = 1;; ++*calls) {
    out = query(f, q);
    const fsm_value *next = fsm_map_get(&out, "next");
    if (!fsm_is(next, FSM_STRING)) return text_of(f, &out);
    assert_null(fsm_map_get(&out, "states"));
    assert_int_equal(fsm_map_get(&out, "looked")->i, (int64_t)*calls * look);
    q.after = fsm_arena_strndup(&f->arena, next->s, next->len);
  }
}

static void pages_give_what_one_call_gives(void **state) {
  fixture *f = lived();
  const fsm_query asked[] = {{.kind = FSM_QUERY_STATS, .every_ns = SECOND},
                             {.kind = FSM_QUERY_STATS, .machine = "two"},
                             {.kind = FSM_QUERY_FUNNEL, .machine = "two"}};
  (void)state;
  for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
    unsigned calls = 0;
    const char *whole = walked(f, asked[i], 0, &calls);
    assert_int_equal(calls, 1);
    assert_non_null(strstr(whole, "\"states\":["));
    assert_string_equal(walked(f, asked[i], 1, &calls), whole);
    assert_true(calls > 10);
    assert_string_equal(walked(f, asked[i], 3, &calls), whole);
  }
  fixture_free(f);
}

static void what_happens_after_a_walk_began_is_not_in_it(void **state) {
  fixture *f = lived();
  unsigned calls = 0;
  fsm_query q = {.kind = FSM_QUERY_STATS, .look = 2};
  (void)state;
  const char *whole = walked(f, q, 0, &calls);
  fsm_value first = query(f, q);
  fsm_answer answer = send_event(f, "third", "OUT", NULL);
  assert_code(&answer, FSM_OK);
  q.after = fsm_arena_strdup(&f->arena, fsm_map_get(&first, "next")->s);
  q.look = 0;
  first = query(f, q);
  assert_string_equal(text_of(f, &first), whole);
  fixture_free(f);
}

static void a_cursor_is_good_for_its_question_and_once(void **state) {
  fixture *f = lived();
  fsm_query q = {.kind = FSM_QUERY_STATS, .look = 2};
  (void)state;
  fsm_value first = query(f, q);
  q.after = fsm_arena_strdup(&f->arena, fsm_map_get(&first, "next")->s);
  fsm_query other = q;
  other.machine = "two";
  expect(f, other, FSM_ENOTFOUND, "begin again");
  other = q;
  other.every_ns = SECOND;
  expect(f, other, FSM_ENOTFOUND, "begin again");
  q.look = 0;
  (void)query(f, q);
  expect(f, q, FSM_ENOTFOUND, "begin again");
  q.after = "x";
  expect(f, q, FSM_EARGUMENT, "no cursor");
  fixture_free(f);
}

static void so_many_walks_at_once(void **state) {
  fixture *f = lived();
  fsm_query q = {.kind = FSM_QUERY_FUNNEL, .machine = "two", .look = 2};
  fsm_value first = fsm_null();
  (void)state;
  for (int i = 0; i < FSM_SURVEYS_MAX; i++) first = query(f, q);
  expect(f, q, FSM_EBUSY, "under way");
  fsm_query on = q;
  on.look = 0;
  on.after = fsm_arena_strdup(&f->arena, fsm_map_get(&first, "next")->s);
  (void)query(f, on);
  (void)query(f, q);
  expect(f, q, FSM_EBUSY, "under way");
  fixture_free(f);
}

/* Else four that were begun and left would keep everybody out for half a minute. */
static void walks_that_were_left_make_room(void **state) {
  fixture *f = lived();
  fsm_query q = {.kind = FSM_QUERY_FUNNEL, .machine = "two", .look = 2};
  const struct timespec left = {.tv_sec = FSM_SURVEY_LEFT_NS / SECOND, .tv_nsec = 50000000};
  (void)state;
  const fsm_value first = query(f, q);
  for (int i = 1; i < FSM_SURVEYS_MAX; i++) (void)query(f, q);
  expect(f, q, FSM_EBUSY, "under way");
  nanosleep(&left, NULL);
  (void)query(f, q);
  q.after = fsm_arena_strdup(&f->arena, fsm_map_get(&first, "next")->s);
  expect(f, q, FSM_ENOTFOUND, "begin again"); /* who waited longest */
  fixture_free(f);
}

static void what_cannot_be_is_refused(void **state) {
  fixture *f = lived();
  (void)state;
  expect(f, (fsm_query){.kind = FSM_QUERY_STATS, .machine = "no"}, FSM_EMACHINE, "no machine");
  expect(f, (fsm_query){.kind = FSM_QUERY_FUNNEL}, FSM_EARGUMENT, "one machine");
  expect(f, (fsm_query){.kind = FSM_QUERY_FUNNEL, .machine = "no"}, FSM_EMACHINE, "no machine");
  expect(f, (fsm_query){.kind = FSM_QUERY_STATS, .since = "soon"}, FSM_EARGUMENT, "no time");
  expect(f, (fsm_query){.kind = FSM_QUERY_STATS, .since = "1h", .until = "2h"}, FSM_EARGUMENT, "nothing is");
  expect(f, (fsm_query){.kind = FSM_QUERY_STATS, .every_ns = -1}, FSM_EARGUMENT, "longer than nothing");
  /* none of them holds anything */
  for (int i = 0; i < FSM_SURVEYS_MAX; i++) (void)query(f, (fsm_query){.kind = FSM_QUERY_STATS, .look = 1});
  fixture_free(f);
}

static void there_are_as_many_intervals_as_may_be(void **state) {
  fixture *f = lived();
  fsm_query q = {.kind = FSM_QUERY_STATS, .since = "1h", .every_ns = 60 * SECOND};
  (void)state;
  atomic_store(&f->now_ns, INT64_C(2000000000) * SECOND); /* 2033-05-18 */
  q.since = "2027-01-01T00:00:00Z", q.until = "2027-01-08T00:00:00Z";
  fsm_value out = query(f, q);
  assert_int_equal(fsm_map_get(&out, "intervals")->len, FSM_TALLY_INTERVALS_MAX);
  q.until = "2027-01-08T00:00:00.000000001Z";
  expect(f, q, FSM_ETOOLARGE, "intervals");
  fixture_free(f);
}

/* Of the two leaves that are left at once the record tells the time of the first. */
static void a_stay_whose_beginning_is_not_kept_is_cut(void **state) {
  fixture *f = lived();
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  char *blob = malloc(60001);
  (void)state;
  memset(blob, 'b', 60000), blob[60000] = '\0';
  for (unsigned i = 0; i < 80; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    fsm_pair pair = {fsm_string("blob"), fsm_string(blob)};
    command.instance = "one";
    command.event = "X";
    assert_int_equal(fsm_map(&pair, 1, &command.data, NULL), FSM_OK);
    fsm_answer answer = sent(f, &command);
    if (i == 0 && answer.error.code == FSM_ECOMPLETED) command.instance = "other";
  }
  free(blob);
  fsm__prune_report report;
  const uint64_t last = fsm__journal_durable_seq(journal);
  assert_int_equal(fsm__journal_prune(journal, last, NULL, NULL, &report, NULL), FSM_OK);
  assert_true(report.first_seq > 20);
  fsm_answer answer = send_event(f, "other", "OUT", NULL);
  assert_code(&answer, FSM_OK);
  const fsm_value out = query(f, (fsm_query){.kind = FSM_QUERY_STATS});
  const fsm_value *states = fsm_map_get(&out, "states"), *archived = fsm_map_get(&out, "archived");
  assert_true(archived != NULL && archived->b);
  bool met = false;
  for (uint32_t i = 0; i < states->len; i++) {
    const fsm_value *row = &states->items[i];
    if (!fsm_is_text(fsm_map_get(row, "state"), "p.y.c")) continue;
    met = true;
    assert_int_equal(fsm_map_get(row, "cut")->i, 1);
    assert_int_equal(fsm_map_get(fsm_map_get(row, "stays"), "count")->i, 0);
  }
  assert_true(met);
  fixture_free(f);
}

/* ---- limits of what is counted ---------------------------------------------------------------------- */

static fsm__record_facts fact(uint64_t seq, fsm_record_kind kind, const char *trigger) {
  return (fsm__record_facts){.seq = seq,
                             .kind = kind,
                             .n = 1,
                             .sum = 1,
                             .cause = FSM_CAUSE_EXTERNAL,
                             .elapsed_ns = -1,
                             .mach = fsm__text_of("m"),
                             .inst = fsm__text_of("i"),
                             .trigger = fsm__text_of(trigger)};
}

static void events_beyond_their_limit_share_a_row(void **state) {
  fsm_arena arena;
  fsm__tally *tally = NULL;
  char name[32];
  (void)state;
  fsm_arena_init(&arena, FSM_SURVEY_BYTES_MAX);
  assert_int_equal(fsm__tally_new(&arena, NULL, &tally, NULL), FSM_OK);
  for (unsigned i = 0; i <= FSM_TALLY_EVENTS_MAX; i++) {
    assert_false(tally->cut);
    snprintf(name, sizeof name, "E%u", i);
    const fsm__record_facts facts = fact(i + 1, FSM_RECORD_TRANSITION, name);
    assert_int_equal(fsm__tally_add(tally, NULL, 1, &facts, NULL), FSM_OK);
  }
  assert_true(tally->cut);
  assert_int_equal(tally->event[0].outcomes[FSM_TAKEN], 1);
  fsm_arena_free(&arena);
}

static void a_cohort_has_as_many_as_may_be(void **state) {
  fsm_arena arena;
  fsm__cohort *cohort = NULL;
  fsm_error err = {.text = ""};
  (void)state;
  fsm_arena_init(&arena, FSM_SURVEY_BYTES_MAX);
  assert_int_equal(fsm__cohort_new(&arena, "m", 8, 0, INT64_MAX, &cohort, NULL), FSM_OK);
  for (uint64_t i = 0; i < FSM_COHORT_MAX; i++) {
    const fsm__record_facts facts = fact(2 * i + 1, FSM_RECORD_CREATED, "");
    assert_int_equal(fsm__cohort_add(cohort, &facts, &err), FSM_OK);
  }
  fsm__record_facts facts = fact(2 * FSM_COHORT_MAX + 1, FSM_RECORD_CREATED, "");
  assert_int_equal(fsm__cohort_add(cohort, &facts, &err), FSM_ETOOLARGE);
  /* each is still found by its last seq, and only by that */
  for (uint64_t i = 0; i < FSM_COHORT_MAX; i += 997) {
    facts = fact(3 * FSM_COHORT_MAX + i, FSM_RECORD_COMPLETED, "");
    facts.iprev = 2 * i + 1;
    assert_int_equal(fsm__cohort_add(cohort, &facts, &err), FSM_OK);
    assert_int_equal(cohort->fate[i], FSM__COMPLETED);
    facts.seq += 1, facts.kind = FSM_RECORD_CANCELLED;
    assert_int_equal(fsm__cohort_add(cohort, &facts, &err), FSM_OK);
    assert_int_equal(cohort->fate[i], FSM__COMPLETED);
  }
  fsm__cohort_free(cohort);
  cohort = NULL;
  assert_int_equal(fsm__cohort_new(&arena, "m", FSM_COHORT_STATES_MAX - 1, 0, 1, &cohort, NULL), FSM_OK);
  fsm__cohort_free(cohort);
  assert_int_equal(fsm__cohort_new(&arena, "m", FSM_COHORT_STATES_MAX, 0, 1, &cohort, NULL), FSM_ETOOLARGE);
  fsm_arena_free(&arena);
}

static void texts_of_groups_have_numbers(void **state) {
  fsm_arena arena;
  fsm__words words;
  (void)state;
  fsm_arena_init(&arena, 0);
  assert_true(fsm__words_init(&words, &arena, 3));
  assert_int_equal(fsm__words_of(&words, 1, fsm__text_of("a")), 1);
  assert_int_equal(fsm__words_of(&words, 2, fsm__text_of("a")), 2);
  assert_int_equal(fsm__words_of(&words, 1, fsm__text_of("a")), 1);
  assert_int_equal(fsm__words_of(&words, 1, fsm__text_of("")), 3);
  assert_int_equal(fsm__words_of(&words, 1, fsm__text_of("b")), 0);
  assert_int_equal(fsm__words_find(&words, 2, fsm__text_of("a")), 2);
  assert_int_equal(fsm__words_find(&words, 3, fsm__text_of("a")), 0);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_give_what_one_call_gives),
      cmocka_unit_test(what_happens_after_a_walk_began_is_not_in_it),
      cmocka_unit_test(a_cursor_is_good_for_its_question_and_once),
      cmocka_unit_test(so_many_walks_at_once),
      cmocka_unit_test(walks_that_were_left_make_room),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(there_are_as_many_intervals_as_may_be),
      cmocka_unit_test(a_stay_whose_beginning_is_not_kept_is_cut),
      cmocka_unit_test(events_beyond_their_limit_share_a_row),
      cmocka_unit_test(a_cohort_has_as_many_as_may_be),
      cmocka_unit_test(texts_of_groups_have_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_refusals.c: who gets a record of his own, and how the rest is summed; by hand and through a runtime.
 */
#include "runtime_fixture.h"

#include "runtime/refusals.h"

#define MS ((int64_t)1000000)

static int setup(void **state) { return fsm__refusals_new((fsm__refusals **)state, NULL) == FSM_OK ? 0 : -1; }

static int teardown(void **state) {
  fsm__refusals_free(*state);
  return 0;
}

static unsigned granted(fsm__refusals *r, const char *actor, unsigned asked, int64_t now_ns) {
  unsigned count = 0;
  for (unsigned i = 0; i < asked; i++) count += fsm__refusals_own(r, actor, "m", now_ns);
  return count;
}

/* ---- the bucket --------------------------------------------------------------------------------- */

static void a_burst_ends_at_its_bound(void **state) {
  assert_int_equal(granted(*state, "ana", FSM_REFUSAL_BURST + 50, SECOND), FSM_REFUSAL_BURST);
}

static void a_bucket_fills_again_at_its_rate(void **state) {
  fsm__refusals *r = *state;
  int64_t now = 100 * SECOND;
  (void)granted(r, "ana", FSM_REFUSAL_BURST, now);
  assert_int_equal(granted(r, "ana", 1, now + 99 * MS), 0);
  assert_int_equal(granted(r, "ana", 2, now + 100 * MS), 1);
  assert_int_equal(granted(r, "ana", 20, now + 1100 * MS), FSM_REFUSAL_PER_SECOND);
  assert_int_equal(granted(r, "ana", 500, now + 9000 * SECOND), FSM_REFUSAL_BURST); /* never over the burst */
}

static void asking_often_does_not_starve_the_bucket(void **state) {
  fsm__refusals *r = *state;
  int64_t now = 100 * SECOND;
  unsigned count = 0;
  (void)granted(r, "ana", FSM_REFUSAL_BURST, now);
  for (int64_t step = 1; step <= 2000; step++) count += granted(r, "ana", 1, now + step * MS / 2);
  assert_int_equal(count, FSM_REFUSAL_PER_SECOND);
}

static void one_actor_does_not_use_up_the_bucket_of_another(void **state) {
  fsm__refusals *r = *state;
  (void)granted(r, "ana", FSM_REFUSAL_BURST, SECOND);
  assert_int_equal(granted(r, "ana", 1, SECOND), 0);
  assert_int_equal(granted(r, "bob", 1, SECOND), 1);
  assert_true(fsm__refusals_own(r, "ana", "other machine", SECOND));
}

static void a_clock_that_goes_back_gives_nothing_and_takes_nothing(void **state) {
  fsm__refusals *r = *state;
  assert_int_equal(granted(r, "ana", 60, 100 * SECOND), 60);
  assert_int_equal(granted(r, "ana", 500, 1 * SECOND), FSM_REFUSAL_BURST - 60);
  assert_int_equal(granted(r, "ana", 500, 100 * SECOND), 0);
  assert_int_equal(granted(r, "ana", 500, 101 * SECOND), FSM_REFUSAL_PER_SECOND);
}

/* ---- sums --------------------------------------------------------------------------------------- */

static void refusals_of_one_kind_are_one_sum(void **state) {
  fsm__refusals *r = *state;
  fsm__refusal_sum sum;
  for (int i = 0; i < 5; i++)
    fsm__refusals_count(r, FSM_EMACHINE, "m", "ana", i == 0 ? "first" : "later", (10 + i) * SECOND);
  fsm__refusals_count(r, FSM_EMACHINE, "m", "bob", "b", 11 * SECOND);
  fsm__refusals_count(r, FSM_ETOKEN, "m", "ana", "c", 12 * SECOND);
  assert_true(fsm__refusals_take(r, 0, true, &sum));
  assert_int_equal(sum.reason, FSM_EMACHINE);
  assert_int_equal(sum.count, 5);
  assert_string_equal(sum.machine, "m");
  assert_string_equal(sum.actor, "ana");
  assert_string_equal(sum.excerpt, "first");
  assert_true(sum.first_ns == 10 * SECOND && sum.last_ns == 14 * SECOND);
  assert_true(fsm__refusals_take(r, 0, true, &sum));
  assert_true(fsm__refusals_take(r, 0, true, &sum));
  assert_int_equal(sum.reason, FSM_ETOKEN);
  assert_false(fsm__refusals_take(r, 0, true, &sum));
}

static void a_sum_is_taken_when_its_interval_is_over(void **state) {
  fsm__refusals *r = *state;
  fsm__refusal_sum sum;
  assert_true(fsm__refusals_next(r) == INT64_MAX);
  fsm__refusals_count(r, FSM_EMACHINE, "m", "", "x", 5 * SECOND);
  fsm__refusals_count(r, FSM_EMACHINE, "m", "", "x", 9 * SECOND);
  int64_t due = 5 * SECOND + FSM_REFUSAL_INTERVAL_NS;
  assert_true(fsm__refusals_next(r) == due);
  assert_false(fsm__refusals_take(r, due - 1, false, &sum));
  assert_true(fsm__refusals_take(r, due, false, &sum));
  assert_int_equal(sum.count, 2);
  assert_true(fsm__refusals_next(r) == INT64_MAX);
}

static void kinds_over_the_bound_share_one_sum_that_says_so(void **state) {
  fsm__refusals *r = *state;
  fsm__refusal_sum sum;
  char actor[16];
  for (int i = 0; i < FSM_REFUSAL_SUMS + 3; i++) {
    snprintf(actor, sizeof actor, "a%d", i);
    fsm__refusals_count(r, FSM_EMACHINE, "m", actor, "x", SECOND + i);
  }
  fsm__refusals_count(r, FSM_ETOKEN, "z", "someone", "x", 2 * SECOND);
  uint64_t counted = 0;
  for (int i = 0; i < FSM_REFUSAL_SUMS; i++) {
    assert_true(fsm__refusals_take(r, 0, true, &sum));
    assert_false(sum.mixed);
    assert_int_equal(sum.count, 1);
    counted += sum.count;
  }
  assert_true(fsm__refusals_take(r, 0, true, &sum));
  assert_true(sum.mixed);
  assert_int_equal(sum.count, 4);
  assert_string_equal(sum.machine, "");
  assert_string_equal(sum.actor, "");
  assert_int_equal(counted + sum.count, FSM_REFUSAL_SUMS + 4);
  assert_false(fsm__refusals_take(r, 0, true, &sum));
}

static void texts_over_their_bound_are_cut_between_characters_and_still_one_sum(void **state) {
  fsm__refusals *r = *state;
  fsm__refusal_sum sum;
  char actor[400], excerpt[3001];
  for (size_t i = 0; i < 398; i += 2) memcpy(actor + i, "\xc3\xa4", 3);
  actor[0] = 'x'; /* so that the bound falls inside a character */
  actor[1] = 'y';
  memmove(actor + 1, actor + 2, 397);
  for (size_t i = 0; i < 3000; i += 3) memcpy(excerpt + i, "\xe2\x82\xac", 4);
  fsm__refusals_count(r, FSM_EMACHINE, "m", actor, excerpt, SECOND);
  fsm__refusals_count(r, FSM_EMACHINE, "m", actor, excerpt, SECOND);
  assert_true(fsm__refusals_take(r, 0, true, &sum));
  assert_int_equal(sum.count, 2);
  assert_int_equal(strlen(sum.actor), 127); /* x and 63 of two bytes */
  assert_int_equal(strlen(sum.excerpt), 1098);
  assert_false(fsm__refusals_take(r, 0, true, &sum));
}

/* ---- through a runtime -------------------------------------------------------------------------- */

static int runtime_setup(void **state) {
  fixture *f = fixture_new();
  deploy_approval(f);
  *state = f;
  return 0;
}

static int runtime_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

/* The JSON of every record in the journal, in order. */
static const char *all_records(fixture *f) {
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_buf buf = {0};
  bool found = false;
  assert_int_equal(fsm__journal_cursor_open(journal, 1, &cursor, NULL), FSM_OK);
  while (fsm__journal_next(cursor, &entry, &found, NULL) == FSM_OK && found) {
    fsm_record record;
    fsm_value view;
    char *bytes = fsm_arena_strndup(&f->arena, entry.record.data, entry.record.len);
    assert_int_equal(fsm_record_decode(&f->arena, bytes, entry.record.len, &record, NULL), FSM_OK);
    assert_int_equal(fsm_record_view(&f->arena, &record, NULL, &view, NULL), FSM_OK);
    fsm_json_write(&buf, &view);
    fsm_buf_char(&buf, '\n');
  }
  fsm__journal_cursor_close(cursor);
  const char *text = fsm_arena_strdup(&f->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static unsigned occurrences(const char *text, const char *wanted) {
  unsigned count = 0;
  for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) count++;
  return count;
}

static void a_flood_at_what_does_not_exist_is_one_record(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 500; i++) {
    fsm_answer answer = send_event(f, "nobody", "SUBMIT", NULL);
    assert_code(&answer, FSM_EINSTANCE);
    assert_int_equal(answer.seq, 0);
  }
  assert_int_equal(occurrences(all_records(f), "\"rejected\""), 0);
  fixture_reopen(f); /* close writes what was summed */
  const char *text = all_records(f);
  assert_int_equal(occurrences(text, "\"kind\":\"rejected\""), 1);
  assert_int_equal(occurrences(text, "\"count\":500"), 1);
  assert_int_equal(occurrences(text, "\"reason\":\"unknown_instance\""), 1);
  assert_verified(f);
}

/* So much, and not more, is lost by a kill -9. */
static void a_sum_is_in_the_journal_when_its_interval_is_over(void **state) {
  fixture *f = *state;
  (void)send_event(f, "nobody", "SUBMIT", NULL);
  (void)send_event(f, "nobody", "SUBMIT", NULL);
  atomic_fetch_add(&f->now_ns, FSM_REFUSAL_INTERVAL_NS);
  unsigned written = 0;
  for (int i = 0; i < 12000 && written == 0; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    written = occurrences(all_records(f), "\"count\":2");
  }
  assert_int_equal(written, 1);
}

static void a_flood_at_one_instance_is_a_burst_of_records_and_a_sum(void **state) {
  fixture *f = *state;
  fsm_answer answer =
      start(f, "document-approval", "d1", NULL,
            "{\"id\":\"D\",\"title\":\"T\",\"amount\":1,\"department\":\"it\",\"submitter\":\"ana\"}");
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < FSM_REFUSAL_BURST + 25; i++) {
    answer = send_event(f, "d1", "APPROVE", NULL);
    assert_code(&answer, FSM_ENOTRANSITION);
  }
  fixture_reopen(f);
  const char *text = all_records(f);
  assert_int_equal(occurrences(text, "\"kind\":\"rejected\""), FSM_REFUSAL_BURST + 1);
  assert_int_equal(occurrences(text, "\"count\":25"), 1);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "d1", .limit = 1000});
  assert_int_equal(fsm_map_get(&history, "items")->len, 1 + FSM_REFUSAL_BURST);
  assert_verified(f);
}

static void a_sum_is_written_whatever_its_texts_are(void **state) {
  fixture *f = *state;
  char text[2001];
  for (size_t i = 0; i < 2000; i += 4) memcpy(text + i, "\xf0\x9f\x98\x80", 5);
  fsm_command command = fsm_command_new(FSM_CMD_REFUSED);
  command.code = FSM_EMALFORMED;
  command.data = fsm_string(text);
  fsm_pair sub[1] = {{fsm_string("sub"), fsm_string(text)}};
  assert_int_equal(fsm_map(sub, 1, &command.actor, NULL), FSM_OK);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_EMALFORMED);
  fixture_reopen(f);
  assert_int_equal(occurrences(all_records(f), "\"reason\":\"malformed\""), 1);
}

static void a_mixed_sum_does_not_claim_one_reason(void **state) {
  fixture *f = *state;
  for (int i = 0; i < FSM_REFUSAL_SUMS + 10; i++) {
    char actor[64];
    snprintf(actor, sizeof actor, "{\"sub\":\"u%d\"}", i);
    fsm_command command = fsm_command_new(FSM_CMD_REFUSED);
    command.code = FSM_ETOKEN;
    command.actor = json(f, actor);
    (void)sent(f, &command);
  }
  fixture_reopen(f);
  const char *text = all_records(f);
  assert_int_equal(occurrences(text, "\"reason\":\"bad_token\""), FSM_REFUSAL_SUMS);
  assert_int_equal(occurrences(text, "\"reason\":\"other\""), 1);
  assert_int_equal(occurrences(text, "\"count\":10"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define F(name) cmocka_unit_test_setup_teardown(name, runtime_setup, runtime_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_burst_ends_at_its_bound),
      T(a_bucket_fills_again_at_its_rate),
      T(asking_often_does_not_starve_the_bucket),
      T(one_actor_does_not_use_up_the_bucket_of_another),
      T(a_clock_that_goes_back_gives_nothing_and_takes_nothing),
      T(refusals_of_one_kind_are_one_sum),
      T(a_sum_is_taken_when_its_interval_is_over),
      T(kinds_over_the_bound_share_one_sum_that_says_so),
      T(texts_over_their_bound_are_cut_between_characters_and_still_one_sum),
      F(a_flood_at_what_does_not_exist_is_one_record),
      F(a_sum_is_in_the_journal_when_its_interval_is_over),
      F(a_flood_at_one_instance_is_a_burst_of_records_and_a_sum),
      F(a_sum_is_written_whatever_its_texts_are),
      F(a_mixed_sum_does_not_claim_one_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

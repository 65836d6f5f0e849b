/* test_past.c: an instance as of an earlier record is what was answered at that moment: hundreds of answers
 * kept during a random life of parents, children, timers, tasks, messages, operators and purges, and asked
 * for again at its end, by seq and by time. */
#include "past_life.h"

static void what_was_answered_then_is_answered_again(void **state) {
  life l = {.f = *state, .random = 88172645463325252u};
  unsigned by_time = 0;
  live(&l);
  passes(l.f, 3600);
  print_message("%u answers: %u none, %u with timers, %u tasks, %u messages, %u parents, %u forced\n",
                l.count, l.gone, l.timers, l.tasks, l.messages, l.children, l.forced);
  assert_true(l.count > 300 && l.gone > 20 && l.timers > 20 && l.tasks > 10 && l.messages > 5 &&
              l.children > 4 && l.forced > 10);
  for (unsigned i = 0; i < l.count; i++) {
    char as_of[48];
    snprintf(as_of, sizeof as_of, "@%lld", (long long)l.kept[i].seq);
    if (l.kept[i].seq > 0) compare(&l, &l.kept[i], as_of);
    char when[40];
    fsm_time_format(l.kept[i].ns + SECOND / 2, when, sizeof when);
    if (l.kept[i].text == NULL || seq_of(&l, &l.kept[i], when) != l.kept[i].seq) continue; /* more happened */
    by_time++;
    compare(&l, &l.kept[i], when);
  }
  assert_true(by_time > 50);
  fixture_reopen(l.f); /* from the files alone */
  for (unsigned i = 0; i < l.count; i += 7) {
    char as_of[48];
    snprintf(as_of, sizeof as_of, "@%lld", (long long)l.kept[i].seq);
    compare(&l, &l.kept[i], as_of);
  }
  assert_verified(l.f);
  for (unsigned i = 0; i < l.count; i++) free(l.kept[i].text);
}

/* ---- moments ------------------------------------------------------------------------------------ */

static const char *refused(fixture *f, const char *id, const char *as_of, fsm_code expected) {
  fsm_value out;
  fsm_error err = {.text = ""};
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = id, .as_of = as_of};
  fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &out, &err);
  if (code != expected) fail_msg("%s: %s, expected %s", as_of, fsm_code_name(code), fsm_code_name(expected));
  return fsm_arena_strdup(&f->arena, err.text);
}

static void a_moment_is_a_seq_a_time_or_how_long_ago(void **state) {
  fixture *f = *state;
  deploy(f, ADMIN_MACHINE); /* seq 1 */
  started(f, "adm", "a", NULL);
  passes(f, 60);
  sends(f, "a", "ADD");
  passes(f, 1);
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "@2"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "0");
  assert_string_equal(member(f, fsm_map_get(&in, "as_of"), "seq"), "2");
  in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "30s"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "0");
  in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "2023-11-14T22:14:00Z"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "0");
  in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "0s"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "1");
}

static void a_moment_that_cannot_be_told_says_why(void **state) {
  fixture *f = *state;
  deploy(f, ADMIN_MACHINE);
  started(f, "adm", "a", NULL);
  sends(f, "a", "ADD");
  assert_string_equal(refused(f, "a", "@4", FSM_ENOTFOUND),
                      "there is no record 4 yet: the last one is seq 3");
  (void)refused(f, "a", "@3", FSM_OK);
  assert_non_null(
      strstr(refused(f, "a", "@1", FSM_EINSTANCE), "was not there at seq 1: it was made at 2023-"));
  assert_non_null(strstr(refused(f, "a", "@1", FSM_EINSTANCE), "(seq 2)"));
  assert_non_null(strstr(refused(f, "a", "10d", FSM_EINSTANCE), "(seq 2)"));
  (void)refused(f, "a", "@0", FSM_EARGUMENT);
  (void)refused(f, "a", "@x", FSM_EARGUMENT);
  (void)refused(f, "a", "yonder", FSM_EARGUMENT);
  assert_non_null(strstr(refused(f, "a", "2099-01-01T00:00:00Z", FSM_ENOTFOUND), "still to come"));
  (void)refused(f, "b", "@3", FSM_EINSTANCE);
}

/* A parked step is one frame of several records. */
static void a_seq_inside_of_a_frame_stands_for_its_end(void **state) {
  fixture *f = *state;
  deploy(f, ADMIN_MACHINE);
  started(f, "adm", "a", NULL);
  sends(f, "a", "TICK");
  passes(f, 5); /* the timer's record and what follows it */
  const int64_t last = seq_now(f);
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "@4"});
  const fsm_value *seq = fsm_map_get(fsm_map_get(&in, "as_of"), "seq");
  assert_true(seq->i >= 4 && seq->i <= last);
  assert_int_equal(fsm_map_get(&in, "seq")->i, seq->i);
}

static void what_a_machine_marks_is_masked_then_too(void **state) {
  fixture *f = *state;
  deploy(f,
         "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"iban\":\"DE99\"},\"schemas\":{\"context\":{\"type\":"
         "\"object\",\"properties\":{\"iban\":{\"type\":\"string\",\"x-pii\":true}}}},\"states\":{\"a\":{"
         "\"on\":{"
         "\"GO\":{\"context\":{\"iban\":{\"@expr\":\"'DE77'\"}}}}}}}");
  started(f, "m", "x", NULL);
  sends(f, "x", "GO");
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "x", .as_of = "@2"});
  assert_null(strstr(text_of(f, &in), "DE"));
  assert_non_null(strstr(text_of(f, &in), "iban"));
}

/* ---- what retention let go ---------------------------------------------------------------------- */

static void what_is_archived_is_told_from_where_it_can_be(void **state) {
  fixture *f = *state;
  fsm__prune_report report;
  char as_of[32];
  deploy(f, COUNTER);
  started(f, "counter", "quiet", NULL);
  started(f, "counter", "busy", NULL);
  started(f, "counter", "slow", NULL);
  for (int i = 0; i < 50; i++) blob(f, "busy");
  const int64_t middle = seq_now(f);
  started(f, "counter", "late", NULL);
  sends(f, "slow", "ADD");
  const int64_t slow = seq_now(f);
  blob(f, "busy");
  const int64_t last = seq_now(f);
  fsm_code code =
      fsm__journal_prune(fsm__runtime_journal(f->runtime), (uint64_t)middle - 1, NULL, NULL, &report, NULL);
  assert_int_equal(code, FSM_OK);
  assert_true(report.first_seq > 3);
  snprintf(as_of, sizeof as_of, "@%llu", (unsigned long long)report.first_seq - 1);
  assert_non_null(strstr(refused(f, "late", as_of, FSM_ENOTFOUND), "archived: records before seq"));
  assert_non_null(strstr(refused(f, "late", "30d", FSM_ENOTFOUND), "archived: records before seq"));
  snprintf(as_of, sizeof as_of, "@%lld", (long long)middle);
  char from[48];
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "busy", .as_of = as_of});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "50"); /* backwards from now */
  snprintf(from, sizeof from, "from seq %lld on only", (long long)slow);
  assert_non_null(strstr(refused(f, "slow", as_of, FSM_ENOTFOUND), from)); /* none of its records is before */
  (void)refused(f, "quiet", as_of, FSM_OK);                                /* it has not changed since */
  (void)refused(f, "late", as_of, FSM_EINSTANCE);
  snprintf(as_of, sizeof as_of, "@%lld", (long long)last);
  (void)refused(f, "busy", as_of, FSM_OK);
  (void)refused(f, "late", as_of, FSM_OK);
}

/* Without the snapshots that retention makes first there is nothing to verify the rest by. */
static int unverified_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_answered_then_is_answered_again, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(a_moment_is_a_seq_a_time_or_how_long_ago, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(a_moment_that_cannot_be_told_says_why, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(a_seq_inside_of_a_frame_stands_for_its_end, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(what_is_archived_is_told_from_where_it_can_be, children_setup,
                                      unverified_teardown),
      cmocka_unit_test_setup_teardown(what_a_machine_marks_is_masked_then_too, children_setup,
                                      children_teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

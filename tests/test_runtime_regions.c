/* test_runtime_regions.c: an instance in several states at once, and one that comes back to where it was:
 * over restarts, in the records, in what is asked of it, and in a replay. */
#include "runtime_scene.h"

/* Two regions that both end; AWAY leaves them, BACK returns to where they were. */
static const char REGIONS[] =
    "{\"id\":\"regions\",\"initial\":\"work\",\"context\":{\"n\":0},\"states\":{"
    "\"work\":{\"type\":\"parallel\",\"onDone\":\"closed\",\"on\":{\"AWAY\":\"away\"},\"states\":{"
    "\"legal\":{\"initial\":\"read\",\"states\":{"
    "\"read\":{\"after\":{\"60000\":\"late\"},\"on\":{\"SIGN\":\"signed\"}},"
    "\"late\":{\"on\":{\"SIGN\":\"signed\"}},\"signed\":{\"type\":\"final\"}}},"
    "\"money\":{\"initial\":\"count\",\"states\":{"
    "\"count\":{\"after\":{\"90000\":\"late\"},\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n+"
    "1\"}}}},"
    "\"invoke\":{\"id\":\"audit\",\"src\":\"audit\",\"onDone\":\"checked\"}},"
    "\"late\":{\"on\":{\"COUNTED\":\"checked\"}},\"checked\":{\"type\":\"final\"}}},"
    "\"before\":{\"type\":\"history\",\"history\":\"deep\"}}},"
    "\"away\":{\"on\":{\"BACK\":\"work.before\"}},\"closed\":{\"type\":\"final\"}}}";

static int setup(void **state) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, REGIONS, strlen(REGIONS));
  assert_code(&answer, FSM_OK);
  answer = start(f, "regions", "r1", NULL, NULL);
  assert_code(&answer, FSM_OK);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

/* A member of the instance's document, as JSON; "" when it is not there. */
static const char *member(fixture *f, const char *name) {
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "r1"});
  const fsm_value *value = fsm_map_get(&instance, name);
  return value != NULL ? text_of(f, value) : "";
}

static void taken(fixture *f, const char *event) {
  fsm_answer answer = send_event(f, "r1", event, NULL);
  assert_code(&answer, FSM_OK);
}

static void await_states(fixture *f, const char *wanted) {
  for (int i = 0; i < 12000 && strcmp(member(f, "state"), wanted) != 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_string_equal(member(f, "state"), wanted);
}

static void every_region_has_its_leaf_its_timer_and_its_task(void **state) {
  fixture *f = *state;
  assert_string_equal(member(f, "state"), "[\"work.legal.read\",\"work.money.count\"]");
  assert_int_equal(json(f, member(f, "timers")).len, 2);
  assert_int_equal(json(f, member(f, "tasks")).len, 1);
  assert_int_equal(json(f, member(f, "since")).len, 5);
  fsm_value counts = query(f, (fsm_query){.kind = FSM_QUERY_COUNTS});
  assert_int_equal(fsm_map_get(&counts, "items")->len, 5); /* work, two regions, two leaves */
  fsm_value events = query(f, (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = "r1"});
  assert_int_equal(fsm_map_get(&events, "events")->len, 3); /* AWAY, SIGN, ADD */
}

static void a_region_moves_alone_and_the_others_keep_their_time(void **state) {
  fixture *f = *state;
  const char *before = member(f, "since");
  atomic_fetch_add(&f->now_ns, SECOND);
  taken(f, "SIGN");
  fsm_value then = json(f, before), now = json(f, member(f, "since"));
  assert_true(fsm_value_same(fsm_map_get(&then, "work.money.count"), fsm_map_get(&now, "work.money.count")));
  assert_null(fsm_map_get(&now, "work.legal.read"));
  assert_int_equal(json(f, member(f, "timers")).len, 1);
  assert_verified(f);
}

static void timers_of_two_regions_fire_each_on_its_own_also_after_a_restart(void **state) {
  fixture *f = *state;
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  await_states(f, "[\"work.legal.late\",\"work.money.count\"]");
  fixture_close(f);
  atomic_fetch_add(&f->now_ns, 30 * SECOND);
  fixture_open(f);
  await_states(f, "[\"work.legal.late\",\"work.money.late\"]");
  assert_string_equal(member(f, "tasks"), "[]"); /* it went with its state */
  assert_verified(f);
}

static void the_answer_of_a_task_moves_its_region_and_the_last_one_ends_the_instance(void **state) {
  fixture *f = *state;
  await_offers(f, 1);
  fsm_answer answer = task(f, FSM_CMD_TASK_COMPLETE, f->offered[0].token, 1, false, "{}");
  assert_code(&answer, FSM_OK);
  assert_string_equal(member(f, "state"), "[\"work.legal.read\",\"work.money.checked\"]");
  taken(f, "SIGN");
  assert_string_equal(member(f, "state"), "[\"closed\"]");
  assert_string_equal(member(f, "status"), "\"completed\"");
  assert_verified(f);
}

static void a_history_is_recorded_and_found_again_after_a_restart(void **state) {
  fixture *f = *state;
  assert_string_equal(member(f, "history"), "");
  taken(f, "SIGN");
  taken(f, "AWAY");
  const char *recorded = "{\"work.before\":[\"work.legal.signed\",\"work.money.count\"]}";
  assert_string_equal(member(f, "history"), recorded);
  fixture_reopen(f);
  assert_string_equal(member(f, "history"), recorded);
  assert_string_equal(member(f, "state"), "[\"away\"]");
  taken(f, "BACK");
  assert_string_equal(member(f, "state"), "[\"work.legal.signed\",\"work.money.count\"]");
  assert_int_equal(json(f, member(f, "timers")).len, 1);
  assert_int_equal(json(f, member(f, "tasks")).len, 1);
  assert_verified(f);
}

typedef struct seen {
  unsigned transitions, with_history;
  int64_t elapsed_ns;
} seen;

static void look(void *arg, const fsm_record *record) {
  seen *s = arg;
  if (record->kind != FSM_RECORD_TRANSITION) return;
  s->transitions++;
  s->with_history += fsm_is(&record->hist, FSM_MAP);
  s->elapsed_ns = record->elapsed_ns;
}

static void the_record_of_the_step_that_recorded_a_history_has_it(void **state) {
  fixture *f = *state;
  seen s = {.transitions = 0};
  taken(f, "ADD");
  atomic_fetch_add(&f->now_ns, 5 * SECOND);
  taken(f, "AWAY");
  (void)journal_walk(f, look, &s);
  assert_int_equal(s.transitions, 2);
  assert_int_equal(s.with_history, 1);
  assert_true(s.elapsed_ns >= 5 * SECOND - 1000 && s.elapsed_ns < 6 * SECOND);
}

static void an_instance_that_is_stuck_in_two_leaves_is_told_once(void **state) {
  fixture *f = *state;
  atomic_fetch_add(&f->now_ns, SECOND);
  taken(f, "AWAY");
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  taken(f, "BACK");
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  await_states(f, "[\"work.legal.late\",\"work.money.count\"]");
  atomic_fetch_add(&f->now_ns, SECOND);
  fsm_value all = query(f, (fsm_query){.kind = FSM_QUERY_STUCK});
  const fsm_value *items = fsm_map_get(&all, "items");
  assert_int_equal(items->len, 1);
  assert_string_equal(text_of(f, fsm_map_get(&items->items[0], "state")),
                      "[\"work.legal.late\",\"work.money.count\"]");
  assert_true(fsm_map_get(&items->items[0], "for_ns")->i >= 61 * SECOND); /* in count, since it came back */
  fsm_value here = query(f, (fsm_query){.kind = FSM_QUERY_STUCK, .state = "work.legal"});
  assert_int_equal(fsm_map_get(&here, "items")->len, 1);
  here = query(f, (fsm_query){.kind = FSM_QUERY_STUCK, .state = "away"});
  assert_int_equal(fsm_map_get(&here, "items")->len, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(every_region_has_its_leaf_its_timer_and_its_task),
      T(a_region_moves_alone_and_the_others_keep_their_time),
      T(timers_of_two_regions_fire_each_on_its_own_also_after_a_restart),
      T(the_answer_of_a_task_moves_its_region_and_the_last_one_ends_the_instance),
      T(a_history_is_recorded_and_found_again_after_a_restart),
      T(the_record_of_the_step_that_recorded_a_history_has_it),
      T(an_instance_that_is_stuck_in_two_leaves_is_told_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

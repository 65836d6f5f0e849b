/* test_timer.c: timers under two clocks: set forward and back, over restarts and boots, overdue by policy, in
 * their order, set twice, and many at once. FSM_TIMERS sets how many (20,000 otherwise). */
#include "runtime_fixture.h"

#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static const char MACHINE[] =
    "{\"id\":\"m\",\"initial\":\"idle\",\"context\":{\"seen\":\"\"},\"on\":{"
    "\"A\":{\"context\":{\"seen\":{\"@expr\":\"context.seen + 'a'\"}}},"
    "\"B\":{\"context\":{\"seen\":{\"@expr\":\"context.seen + 'b'\"}}},"
    "\"TWO\":{\"actions\":[{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"B\"},\"id\":\"z\",\"delay\":"
    "1000},"
    "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"A\"},\"id\":\"a\",\"delay\":1000},"
    "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"B\"},\"id\":\"z\",\"delay\":1000}]},"
    "\"OFF\":{\"actions\":{\"type\":\"@xstate.cancel\",\"id\":\"z\"}}},"
    "\"states\":{\"idle\":{\"on\":{\"WAIT\":\"wait\",\"SKIP\":\"skip\",\"AGAIN\":\"again\"}},"
    "\"wait\":{\"after\":{\"PT2H\":\"over\"},\"on\":{\"STOP\":\"idle\"}},"
    "\"skip\":{\"meta\":{\"fsm\":{\"overdue\":\"skip\"}},\"after\":{\"PT2H\":\"over\"}},"
    "\"again\":{\"meta\":{\"fsm\":{\"overdue\":\"restart\"}},\"after\":{\"PT2H\":\"over\"}},"
    "\"over\":{}}}";

static int setup(void **state) {
  fixture *f = fixture_new();
  fixture_close(f);
  f->boot = 7;
  atomic_store(&f->boot_ns, 1000 * SECOND);
  fixture_open(f);
  fsm_answer answer = deploy_text(f, MACHINE, strlen(MACHINE));
  assert_code(&answer, FSM_OK);
  answer = start(f, "m", "i", NULL, NULL);
  assert_code(&answer, FSM_OK);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

/* ---- clocks ------------------------------------------------------------------------------------- */

/* Time goes by, for both clocks at once as far as the writer can tell. */
static void pass(fixture *f, int64_t ns) {
  atomic_fetch_add(&f->boot_ns, ns);
  atomic_fetch_add(&f->now_ns, ns);
}

static void set_wall(fixture *f, int64_t by_ns) { atomic_fetch_add(&f->now_ns, by_ns); }

static void reboot(fixture *f, int64_t down_ns) {
  fixture_close(f);
  f->boot++;
  atomic_store(&f->boot_ns, 10 * SECOND);
  atomic_fetch_add(&f->now_ns, down_ns);
  fixture_open(f);
}

/* As often as the writer looks in this time: anything that is due has been seen to. */
static void settle(fixture *f) {
  nanosleep(&(struct timespec){.tv_nsec = 70000000}, NULL);
  (void)query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
}

static const char *instance_text(fixture *f, const char *id, const char *member) {
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  const fsm_value *value = fsm_map_get(&instance, member);
  return value != NULL ? text_of(f, value) : "";
}

static bool is_in(fixture *f, const char *id, const char *state) {
  return strstr(instance_text(f, id, "state"), state) != NULL;
}

static void await_state(fixture *f, const char *id, const char *state) {
  for (int i = 0; i < 12000 && !is_in(f, id, state); i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  if (!is_in(f, id, state)) fail_msg("it is in %s, not in %s", instance_text(f, id, "state"), state);
}

static void stays_in(fixture *f, const char *id, const char *state) {
  settle(f);
  assert_state(f, id, state);
}

static void into(fixture *f, const char *id, const char *event) {
  fsm_answer answer = send_event(f, id, event, NULL);
  assert_code(&answer, FSM_OK);
}

static const char *history(fixture *f, const char *id) {
  fsm_value found = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id, .limit = 1000});
  return text_of(f, &found);
}

static unsigned count_of(const char *text, const char *what) {
  unsigned count = 0;
  for (; (text = strstr(text, what)) != NULL; text++) count++;
  return count;
}

static void await_seen(fixture *f, const char *id, const char *seen) {
  const char *wanted = fsm_arena_printf(&f->arena, "{\"seen\":\"%s\"}", seen);
  for (int i = 0; i < 12000 && strcmp(instance_text(f, id, "context"), wanted) != 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_string_equal(instance_text(f, id, "context"), wanted);
}

static void await_history(fixture *f, const char *id, const char *text) {
  for (int i = 0; i < 12000 && strstr(history(f, id), text) == NULL; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_non_null(strstr(history(f, id), text));
}

static void verified(fixture *f) {
  fsm_verified out;
  fsm_error err = {.text = ""};
  if (fsm_runtime_verify(f->runtime, &out, &err) != FSM_OK) fail_msg("verify: %s: %s", err.where, err.text);
}

/* ---- the table of runtime/README.md -------------------------------------------------------------- */

static void a_timer_fires_when_both_clocks_have_reached_it(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  pass(f, 2 * HOUR - SECOND);
  stays_in(f, "i", "wait");
  pass(f, 6 * SECOND + SECOND / 1000); /* recorded times are some nanoseconds ahead of a clock that stands */
  await_state(f, "i", "over");
  assert_non_null(strstr(history(f, "i"), "\"late\":5000"));
}

static void a_clock_set_forward_fires_no_delay_early(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  set_wall(f, DAY);
  stays_in(f, "i", "wait");
  pass(f, 2 * HOUR - SECOND);
  stays_in(f, "i", "wait");
  pass(f, 3 * SECOND);
  await_state(f, "i", "over");
  assert_non_null(strstr(history(f, "i"), "\"late\":2000")); /* of its delay, not of the clock's day */
  verified(f);
}

static void a_clock_set_forward_is_no_reason_after_a_restart_either(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  set_wall(f, DAY);
  settle(f);
  fixture_reopen(f);
  stays_in(f, "i", "wait");
  pass(f, 2 * HOUR);
  await_state(f, "i", "over");
}

static void a_clock_set_forward_does_not_hold_up_what_is_set_after_it(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  pass(f, HOUR);
  set_wall(f, DAY);
  settle(f);
  fsm_answer answer = start(f, "m", "j", NULL, NULL);
  assert_code(&answer, FSM_OK);
  into(f, "j", "TWO");
  pass(f, SECOND);
  await_seen(f, "j", "bab");
  assert_state(f, "i", "wait");
}

static void a_clock_set_forward_and_back_again_changes_nothing(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  set_wall(f, DAY);
  settle(f);
  set_wall(f, -DAY);
  pass(f, 2 * HOUR - SECOND);
  stays_in(f, "i", "wait");
  pass(f, SECOND);
  await_state(f, "i", "over");
}

static void a_clock_set_back_repeats_nothing(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  pass(f, 2 * HOUR);
  await_state(f, "i", "over");
  set_wall(f, -DAY);
  for (int i = 0; i < 3; i++) {
    pass(f, HOUR);
    settle(f);
    fixture_reopen(f);
  }
  assert_int_equal(count_of(history(f, "i"), "\"timer_fired\""), 1);
  verified(f);
}

static void a_clock_set_back_a_little_makes_a_timer_late_by_that_little(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  set_wall(f, -600 * SECOND);
  pass(f, 2 * HOUR + 590 * SECOND);
  stays_in(f, "i", "wait");
  pass(f, 11 * SECOND);
  await_state(f, "i", "over");
}

static void a_clock_set_back_far_makes_a_timer_late_by_no_more_than_its_delay(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  set_wall(f, -10 * DAY);
  settle(f);
  pass(f, 3 * HOUR); /* of recorded time: half */
  stays_in(f, "i", "wait");
  pass(f, HOUR + SECOND);
  await_state(f, "i", "over");
  assert_non_null(strstr(history(f, "i"), "\"clock\":true"));
  into(f, "i", "TWO"); /* nor is what is set meanwhile held up for ten days */
  pass(f, 2 * SECOND + SECOND / 100);
  await_seen(f, "i", "bab");
}

static void time_that_is_down_without_a_reboot_counts(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  fixture_close(f);
  pass(f, 3 * HOUR + SECOND / 1000);
  fixture_open(f);
  await_state(f, "i", "over");
  assert_non_null(strstr(history(f, "i"), "\"late\":3600000"));
}

static void after_a_reboot_the_wall_clock_alone_counts(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  reboot(f, HOUR);
  stays_in(f, "i", "wait");
  pass(f, HOUR - SECOND);
  stays_in(f, "i", "wait");
  pass(f, SECOND);
  await_state(f, "i", "over");
}

static void a_clock_of_the_boot_that_cannot_be_the_one_is_left_aside(void **state) {
  fixture *f = *state;
  into(f, "i", "WAIT");
  atomic_store(&f->boot_ns, 0); /* as in another time namespace: more is left than there ever was */
  fixture_reopen(f);
  set_wall(f, 2 * HOUR);
  await_state(f, "i", "over");
}

/* ---- overdue -------------------------------------------------------------------------------------- */

static void what_was_due_while_it_was_down_is_skipped_or_begun_anew_as_its_state_says(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "m", "j", NULL, NULL);
  assert_code(&answer, FSM_OK);
  into(f, "i", "SKIP");
  into(f, "j", "AGAIN");
  fixture_close(f);
  pass(f, 3 * HOUR);
  fixture_open(f);
  await_history(f, "i", "\"reason\":\"skipped\"");
  await_history(f, "j", "\"reason\":\"restarted\"");
  assert_state(f, "i", "skip");
  assert_string_equal(instance_text(f, "i", "timers"), "[]");
  pass(f, 2 * HOUR - SECOND);
  stays_in(f, "j", "again");
  pass(f, 2 * SECOND);
  await_state(f, "j", "over"); /* late, but there was somebody: it fires */
  assert_state(f, "i", "skip");
  verified(f);
}

static void what_is_only_late_fires_whatever_its_policy(void **state) {
  fixture *f = *state;
  into(f, "i", "SKIP");
  pass(f, 9 * HOUR);
  await_state(f, "i", "over");
}

static void what_waited_for_the_clock_of_the_boot_was_not_overdue(void **state) {
  fixture *f = *state;
  into(f, "i", "SKIP");
  fixture_close(f);
  set_wall(f, DAY);
  pass(f, HOUR);
  fixture_open(f);
  stays_in(f, "i", "skip");
  pass(f, HOUR);
  await_state(f, "i", "over");
}

static void admin(fixture *f, fsm_command_kind kind, const char *id) {
  fsm_command command = fsm_command_new(kind);
  command.instance = id;
  command.reason = "the customer called";
  command.actor = json(f, "{\"sub\":\"ann\"}");
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
}

static void what_was_due_while_its_instance_was_paused_is_overdue_too(void **state) {
  fixture *f = *state;
  static const char *const events[] = {"WAIT", "SKIP", "AGAIN"};
  static const char *const states[] = {"over", "skip", "again"};
  for (int i = 0; i < 3; i++) {
    char id[3] = {'p', (char)('0' + i), 0};
    fsm_answer answer = start(f, "m", id, NULL, NULL);
    assert_code(&answer, FSM_OK);
    into(f, id, events[i]);
    admin(f, FSM_CMD_PAUSE, id);
  }
  pass(f, 3 * HOUR);
  settle(f); /* the scan has passed them all */
  for (int i = 0; i < 3; i++) admin(f, FSM_CMD_RESUME, (char[]){'p', (char)('0' + i), 0});
  await_state(f, "p0", "over");
  await_history(f, "p1", "\"reason\":\"skipped\"");
  await_history(f, "p2", "\"reason\":\"restarted\"");
  for (int i = 0; i < 3; i++) assert_state(f, (char[]){'p', (char)('0' + i), 0}, states[i]);
  pass(f, 2 * HOUR + SECOND);
  await_state(f, "p2", "over");
  assert_state(f, "p1", "skip");
  verified(f);
}

static void a_paused_instance_with_more_than_a_turn_of_timers_fires_them_all_in_order(void **state) {
  fixture *f = *state;
  enum { TIMES = 200 }; /* three timers each */
  fsm_buf expected = {0};
  for (int i = 0; i < TIMES; i++) into(f, "i", "TWO");
  for (int i = 0; i < TIMES; i++) fsm_buf_printf(&expected, "bab");
  admin(f, FSM_CMD_PAUSE, "i");
  pass(f, HOUR);
  settle(f);
  admin(f, FSM_CMD_RESUME, "i");
  await_seen(f, "i", fsm_buf_text(&expected));
  fsm_buf_free(&expected);
}

/* ---- order, ids ----------------------------------------------------------------------------------- */

static void one_id_set_twice_is_two_timers_and_due_together_they_fire_as_they_were_set(void **state) {
  fixture *f = *state;
  into(f, "i", "TWO");
  assert_int_equal(count_of(instance_text(f, "i", "timers"), "\"id\""), 3);
  fixture_close(f);
  pass(f, SECOND);
  fixture_open(f);
  await_seen(f, "i", "bab");
  verified(f);
}

static void what_waited_for_the_clock_of_the_boot_fires_as_it_was_set_too(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 40; i++) into(f, "i", "TWO");
  set_wall(f, DAY);
  settle(f);
  pass(f, SECOND);
  fsm_buf expected = {0};
  for (int i = 0; i < 40; i++) fsm_buf_printf(&expected, "bab");
  await_seen(f, "i", fsm_buf_text(&expected));
  fsm_buf_free(&expected);
}

static void cancelling_an_id_cancels_all_that_were_set_under_it(void **state) {
  fixture *f = *state;
  into(f, "i", "TWO");
  into(f, "i", "TWO");
  into(f, "i", "OFF");
  pass(f, SECOND);
  await_seen(f, "i", "aa");
}

/* ---- many ----------------------------------------------------------------------------------------- */

static unsigned how_many(void) {
  const char *text = getenv("FSM_TIMERS");
  return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 20000;
}

static double seconds(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static long rss_kb(const char *field) {
  char line[128];
  long kb = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, field, strlen(field)) == 0) kb = strtol(line + strlen(field) + 1, NULL, 10);
  if (file != NULL) fclose(file);
  return kb;
}

static _Atomic unsigned answered;

static void on_answer(void *arg, const fsm_answer *answer) {
  (void)arg;
  assert_code(answer, FSM_OK);
  atomic_fetch_add(&answered, 1);
}

static void submit(fixture *f, const fsm_command *command) {
  while (fsm_submit(f->runtime, command, on_answer, NULL, NULL) != FSM_OK)
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* Instances t0… each with a timer of two hours. */
static void many_timers(fixture *f, unsigned count) {
  atomic_store(&answered, 0);
  for (unsigned i = 0; i < count; i++) {
    char id[16];
    snprintf(id, sizeof id, "t%u", i);
    fsm_command command = fsm_command_new(FSM_CMD_START);
    command.machine = "m";
    command.instance = id;
    submit(f, &command);
    command = fsm_command_new(FSM_CMD_SEND);
    command.instance = id;
    command.event = "WAIT";
    submit(f, &command);
  }
  while (atomic_load(&answered) < 2 * count) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

typedef struct firing {
  uint64_t last_set, count;
} firing;

static fsm_code look(fixture *f, firing *out) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_arena arena;
  bool found = false;
  *out = (firing){.count = 0};
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__journal_cursor_open(fsm__runtime_journal(f->runtime), 1, &cursor, NULL);
  while (code == FSM_OK && fsm__journal_next(cursor, &entry, &found, NULL) == FSM_OK && found) {
    fsm_record record;
    assert_int_equal(fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, NULL), FSM_OK);
    if (record.kind == FSM_RECORD_TIMER_FIRED) {
      uint64_t set = (uint64_t)fsm_map_get(&record.detail, "set")->i;
      assert_true(set > out->last_set); /* each once, in the order they were set in */
      out->last_set = set;
      out->count++;
    }
    fsm_arena_reset(&arena);
  }
  fsm__journal_cursor_close(cursor);
  fsm_arena_free(&arena);
  return code;
}

static uint64_t durable(fixture *f) {
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return (uint64_t)fsm_map_get(&health, "seq")->i;
}

static void await_seq(fixture *f, uint64_t seq) {
  for (double until = seconds() + 600; durable(f) < seq && seconds() < until;)
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  assert_true(durable(f) >= seq);
}

static void many_wait_are_not_read_at_a_restart_and_fire_once_in_order(void **state) {
  fixture *f = *state;
  const unsigned count = how_many();
  double at = seconds();
  many_timers(f, count);
  double set = seconds() - at;
  uint64_t before = durable(f);
  fixture_close(f);
  pass(f, HOUR);
  at = seconds();
  fixture_open(f);
  assert_true(durable(f) == before);
  double opened = seconds() - at;
  set_wall(f, DAY); /* all pass the scan and wait */
  settle(f);
  at = seconds();
  for (int i = 0; i < 600 && rss_kb("RssAnon") > 0 && seconds() - at < (double)count / 100000; i++) settle(f);
  assert_true(durable(f) == before);
  long waiting_kb = rss_kb("RssAnon");
  fixture_close(f);
  pass(f, 2 * HOUR);
  at = seconds();
  fixture_open(f);
  await_seq(f, before + 2 * (uint64_t)count);
  double fired = seconds() - at;
  firing found;
  assert_int_equal(look(f, &found), FSM_OK);
  assert_int_equal(found.count, count);
  print_message(
      "%u timers: set in %.1f s, open with all pending in %.3f s, waiting for the boot clock RssAnon "
      "%ld KB, fired in order in %.1f s (%.0f/s), RssAnon %ld KB\n",
      count, set, opened, waiting_kb, fired, count / fired, rss_kb("RssAnon"));
  if (count <= 20000) verified(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_timer_fires_when_both_clocks_have_reached_it),
      T(a_clock_set_forward_fires_no_delay_early),
      T(a_clock_set_forward_is_no_reason_after_a_restart_either),
      T(a_clock_set_forward_does_not_hold_up_what_is_set_after_it),
      T(a_clock_set_forward_and_back_again_changes_nothing),
      T(a_clock_set_back_repeats_nothing),
      T(a_clock_set_back_a_little_makes_a_timer_late_by_that_little),
      T(a_clock_set_back_far_makes_a_timer_late_by_no_more_than_its_delay),
      T(time_that_is_down_without_a_reboot_counts),
      T(after_a_reboot_the_wall_clock_alone_counts),
      T(a_clock_of_the_boot_that_cannot_be_the_one_is_left_aside),
      T(what_was_due_while_it_was_down_is_skipped_or_begun_anew_as_its_state_says),
      T(what_is_only_late_fires_whatever_its_policy),
      T(what_waited_for_the_clock_of_the_boot_was_not_overdue),
      T(what_was_due_while_its_instance_was_paused_is_overdue_too),
      T(a_paused_instance_with_more_than_a_turn_of_timers_fires_them_all_in_order),
      T(one_id_set_twice_is_two_timers_and_due_together_they_fire_as_they_were_set),
      T(what_waited_for_the_clock_of_the_boot_fires_as_it_was_set_too),
      T(cancelling_an_id_cancels_all_that_were_set_under_it),
      T(many_wait_are_not_read_at_a_restart_and_fire_once_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

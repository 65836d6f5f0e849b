/* Which intervals of by_state are looked at for a kind: those in which somebody may be of it, and no others.
 * A page that may look at few rows shows it: what is left out costs it nothing. */
#include "admin_scene.h"

#include "runtime/filter.h"

enum { MANY = 60, LOOKS = 30 };

/* free: anybody moves it on; sink: nobody does; slow: it has an hour; both: beside one that has an hour. */
static const char MACHINE[] =
    "{\"id\":\"m\",\"initial\":\"free\",\"states\":{"
    "\"free\":{\"on\":{\"SINK\":\"sink\",\"SLOW\":\"slow\",\"BOTH\":\"both\"}},"
    "\"slow\":{\"on\":{\"GO\":\"free\"},\"meta\":{\"fsm\":{\"sla\":\"1h\"}}},"
    "\"sink\":{},"
    "\"both\":{\"type\":\"parallel\",\"states\":{\"one\":{\"initial\":\"x\",\"states\":{\"x\":{}}},"
    "\"two\":{\"initial\":\"y\",\"states\":{\"y\":{\"on\":{\"NEXT\":\"z\"}},"
    "\"z\":{\"on\":{\"BACK\":\"y\"},\"meta\":{\"fsm\":{\"sla\":\"1h\"}}}}}}}}}";

static void begin(fixture *f, const char *id) {
  fsm_answer answer = start(f, "m", id, NULL, NULL);
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&f->now_ns, SECOND);
}

static void move(fixture *f, const char *id, const char *event) {
  fsm_answer answer = send_event(f, id, event, NULL);
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&f->now_ns, SECOND);
}

/* Many that are free are the oldest; behind them one of each. */
static int setup(void **state) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, MACHINE, strlen(MACHINE));
  assert_code(&answer, FSM_OK);
  for (unsigned i = 0; i < MANY; i++) {
    char id[16];
    snprintf(id, sizeof id, "i-%u", i);
    begin(f, id);
  }
  begin(f, "sunk"), move(f, "sunk", "SINK");
  begin(f, "slow"), move(f, "slow", "SLOW");
  begin(f, "both"), move(f, "both", "BOTH"), move(f, "both", "NEXT");
  atomic_fetch_add(&f->now_ns, 2 * 3600 * SECOND);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

/* The ids of the first page, with blanks behind them; "…" when there is more. */
static const char *stuck_of(fixture *f, const char *field, const char *value, unsigned look) {
  fsm_filter *filter = NULL;
  fsm_error err = {.text = ""};
  fsm_buf text = {0};
  assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
  assert_int_equal(fsm_filter_set(filter, field, value, &err), FSM_OK);
  const fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_STUCK, .filter = filter, .look = look});
  const fsm_value *items = fsm_map_get(&page, "items");
  for (unsigned i = 0; i < items->len; i++)
    fsm_buf_printf(&text, "%s ", fsm_map_get(&items->items[i], "id")->s);
  if (fsm_map_get(&page, "next")->type != FSM_NULL) fsm_buf_str(&text, "…");
  const char *kept = fsm_arena_strdup(&f->arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  fsm_filter_free(filter);
  return kept;
}

static const char *stuck(fixture *f, const char *kind, unsigned look) {
  return stuck_of(f, "kind", kind, look);
}

static void whoever_can_be_moved_is_not_looked_at_for_the_dead(void **state) {
  assert_string_equal(stuck(*state, "dead", LOOKS), "sunk ");
}

static void states_without_an_sla_are_not_looked_at_for_the_late(void **state) {
  assert_string_equal(stuck(*state, "sla", LOOKS), "slow both ");
}

static void without_incidents_nobody_is_looked_at_for_one(void **state) {
  assert_string_equal(stuck(*state, "failed", 1), "");
}

static void of_several_kinds_one_is_enough(void **state) {
  assert_string_equal(stuck(*state, "dead,sla", 2 * LOOKS), "sunk slow both ");
}

/* An incident of each, in the order of their begin. */
static void break_all(fixture *f, const char *const *ids, unsigned count) {
  for (unsigned i = 0; i < count; i++) begun(f, ids[i], "TICK"), pass(f, 2);
  for (unsigned i = 0; i < count; i++) await_field(f, ids[i], "status", "\"incident\"");
}

/* Two are the oldest: behind the last incident nobody is looked at, however little of all that is. */
static void behind_the_last_incident_nobody_is_looked_at(void **state) {
  fixture *f = *state;
  static const char *const ids[] = {"first", "second"};
  break_all(f, ids, 2);
  for (unsigned i = 0; i < MANY; i++) {
    char id[16];
    snprintf(id, sizeof id, "later-%u", i);
    begun(f, id, NULL), pass(f, 1);
  }
  assert_string_equal(stuck(f, "failed", LOOKS), "first second ");
  assert_string_equal(stuck_of(f, "status", "incident", LOOKS), "first second ");
  assert_string_equal(stuck_of(f, "status", "failed", LOOKS), "first second ");
  assert_string_equal(stuck(f, "failed,dead", LOOKS), "first second …");
}

/* One passed over is no less looked at: what a page may look at holds, and the next one goes on. */
static void incidents_behind_many_others_are_found_on_later_pages(void **state) {
  fixture *f = *state;
  static const char *const ids[] = {"last"};
  for (unsigned i = 0; i < MANY; i++) {
    char id[16];
    snprintf(id, sizeof id, "before-%u", i);
    begun(f, id, NULL), pass(f, 1);
  }
  break_all(f, ids, 1);
  assert_string_equal(stuck(f, "failed", LOOKS), "…");
  assert_string_equal(stuck(f, "failed", 100 * LOOKS), "last ");
  assert_string_equal(stuck_of(f, "status", "running,incident", 100 * LOOKS) + strlen("before-0 "),
                      stuck_of(f, "status", "open", 100 * LOOKS) + strlen("before-0 "));
  assert_non_null(strstr(stuck_of(f, "status", "running", 100 * LOOKS), "before-59 "));
}

int main(void) {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {ROW(whoever_can_be_moved_is_not_looked_at_for_the_dead),
                                     ROW(states_without_an_sla_are_not_looked_at_for_the_late),
                                     ROW(without_incidents_nobody_is_looked_at_for_one),
                                     ROW(of_several_kinds_one_is_enough),
                                     S(behind_the_last_incident_nobody_is_looked_at),
                                     S(incidents_behind_many_others_are_found_on_later_pages)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

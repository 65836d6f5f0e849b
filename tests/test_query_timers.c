/* test_query_timers.c: timers as they are read: in the order in which they are due. */
#include "admin_scene.h"

static fsm_value timers(fixture *f, fsm_query q) {
  q.kind = FSM_QUERY_TIMERS;
  return query(f, q);
}

/* The instances of a page, in order. */
static const char *instances(fixture *f, fsm_query q) {
  const fsm_value page = timers(f, q), *items = fsm_map_get(&page, "items");
  fsm_buf text = {0};
  for (uint32_t i = 0; i < items->len; i++) {
    const fsm_value *id = fsm_map_get(&items->items[i], "instance");
    fsm_buf_printf(&text, "%s%.*s", i > 0 ? " " : "", (int)id->len, id->s);
  }
  const char *kept = fsm_arena_strdup(&f->arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return kept;
}

static void those_that_are_due_first_stand_in_front(void **state) {
  fixture *f = *state;
  begun(f, "ten", "GO"); /* in 10 s */
  begun(f, "none", NULL);
  begun(f, "work", "WORK"); /* a task is no timer */
  pass(f, 6);
  begun(f, "sixteen", "GO");
  begun(f, "seven", "TICK"); /* in 1 s */
  assert_string_equal(instances(f, (fsm_query){.limit = 0}), "seven ten sixteen");
  assert_string_equal(instances(f, (fsm_query){.ref = "ten"}), "ten");
  assert_string_equal(instances(f, (fsm_query){.ref = "none"}), "");
  assert_string_equal(instances(f, (fsm_query){.machine = "adm"}), "seven ten sixteen");
  assert_string_equal(instances(f, (fsm_query){.late = true}), "");
  const fsm_value page = timers(f, (fsm_query){.ref = "sixteen"});
  const fsm_value *item = &fsm_map_get(&page, "items")->items[0];
  assert_string_equal(text_of(f, fsm_map_get(item, "machine")), "\"adm\"");
  assert_string_equal(text_of(f, fsm_map_get(item, "status")), "\"running\"");
  assert_true(fsm_map_get(item, "left_ns")->i > 9 * SECOND);
  assert_true(fsm_map_get(item, "left_ns")->i <= 10 * SECOND);
  assert_null(fsm_map_get(item, "overdue_ns"));
}

static void pages_follow_one_another(void **state) {
  fixture *f = *state;
  const char *names[] = {"a", "b", "c", "d", "e"};
  fsm_buf seen = {0};
  for (size_t i = 0; i < 5; i++) {
    begun(f, names[i], "GO");
    pass(f, 1);
  }
  fsm_query q = {.limit = 2};
  for (unsigned pages = 0; pages < 4; pages++) {
    const fsm_value page = timers(f, q), *next = fsm_map_get(&page, "next");
    fsm_buf_printf(&seen, "%s|", instances(f, q));
    if (fsm_is(next, FSM_NULL)) break;
    q.after = fsm_arena_strndup(&f->arena, next->s, next->len);
  }
  assert_string_equal(fsm_buf_text(&seen), "a b|c d|e|");
  fsm_buf_free(&seen);
}

static void all_pages_are_of_the_time_of_the_first(void **state) {
  fixture *f = *state;
  begun(f, "a", "GO");
  pass(f, 3);
  begun(f, "b", "GO");
  fsm_query q = {.limit = 1};
  const fsm_value first = timers(f, q);
  q.after = fsm_map_get(&first, "next")->s;
  const int64_t left_ns = fsm_map_get(&fsm_map_get(&first, "items")->items[0], "left_ns")->i;
  pass(f, 2);
  const fsm_value second = timers(f, q);
  assert_string_equal(text_of(f, fsm_map_get(&second, "now")), text_of(f, fsm_map_get(&first, "now")));
  const int64_t later_ns = fsm_map_get(&fsm_map_get(&second, "items")->items[0], "left_ns")->i;
  assert_true(later_ns > left_ns + 2 * SECOND);
  q.late = true;
  fsm_value out;
  fsm_error err;
  q.kind = FSM_QUERY_TIMERS;
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "after"); /* of another question */
}

/* A paused instance's timer waits, and is late. */
static void what_is_due_and_waits_is_late(void **state) {
  fixture *f = *state;
  begun(f, "held", "GO");
  begun(f, "other", "GO");
  fsm_answer answer = admin(f, FSM_CMD_PAUSE, "held");
  assert_code(&answer, FSM_OK);
  pass(f, 60);
  await_field(f, "other", "state", "[\"late\"]");
  assert_string_equal(instances(f, (fsm_query){.late = true}), "held");
  const fsm_value page = timers(f, (fsm_query){.late = true});
  const fsm_value *item = &fsm_map_get(&page, "items")->items[0];
  assert_string_equal(text_of(f, fsm_map_get(item, "late")), "true");
  assert_string_equal(text_of(f, fsm_map_get(item, "status")), "\"paused\"");
  assert_true(fsm_map_get(item, "overdue_ns")->i > 49 * SECOND);
  answer = force(f, "held", "[\"wait\"]");
  assert_code(&answer, FSM_OK);
  const fsm_value forced = timers(f, (fsm_query){.ref = "held"});
  assert_string_equal(text_of(f, fsm_map_get(&fsm_map_get(&forced, "items")->items[0], "forced")), "true");
}

static void what_cannot_be_asked_is_told(void **state) {
  fixture *f = *state;
  static const struct {
    fsm_query query;
    fsm_code code;
    const char *where;
  } cases[] = {
      {{.kind = FSM_QUERY_TIMERS, .machine = "nothing"}, FSM_EMACHINE, "machine"},
      {{.kind = FSM_QUERY_TIMERS, .ref = "nobody"}, FSM_EINSTANCE, "instance"},
      {{.kind = FSM_QUERY_TIMERS, .after = "xyz"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_TIMERS, .after = ""}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_TIMERS, .limit = FSM_PAGE_MAX + 1}, FSM_EARGUMENT, "limit"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_value out;
    fsm_error err = {.text = ""};
    assert_int_equal(fsm_query_wait(f->runtime, &cases[i].query, &f->arena, &out, &err), cases[i].code);
    assert_string_equal(err.where, cases[i].where);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
  const struct CMUnitTest tests[] = {
      T(those_that_are_due_first_stand_in_front),
      T(pages_follow_one_another),
      T(all_pages_are_of_the_time_of_the_first),
      T(what_is_due_and_waits_is_late),
      T(what_cannot_be_asked_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

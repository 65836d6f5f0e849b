/* Sends: to whom, and what is said at once when nobody is there. */
#include "chart.h"

static bool only_its_parent(const void *arg, const char *target) {
  assert_string_equal(arg, "the session");
  return strcmp(target, "#_parent") == 0;
}

#define SEND(ev, to, ...) \
  { .kind = FSM_ACTION_SEND, .event = (ev), .target = STR(to), .where = "/send", __VA_ARGS__ }

/* The text of a step in a world that knows who can be reached. */
static const char *step_in(chart *c, const fsm_world *world, const char *name) {
  const fsm_event event = {.name = name};
  fsm_error err = {0};
  if (fsm_step(c->machine, &c->now, &event, world, &c->arena, &c->last, &err) != FSM_OK)
    fail_msg("%s", err.text);
  c->now = c->last.next;
  return chart_text(c);
}

static void a_target_where_nobody_is_is_told_before_what_is_raised_later(void **state) {
  (void)state;
  static const char session[] = "the session";
  const fsm_world world = {.reaches = only_its_parent, .reaches_arg = session};
  chart c;
  chart_open(&c,
             COMPOUND("m", CHILDREN(ATOMIC(
                               "a", ON(STAY("LOST", DO(SEND("X", "#_other", .id = "s"), RAISE("R"))),
                                       STAY("FOUND", DO(SEND("X", "#_parent", .id = "s"))),
                                       STAY("LATER", DO(SEND("X", "#_other", .id = "s", .delay = INT(10)))),
                                       STAY("error.communication", DO(LOG_EXPR("event.error.message"))),
                                       STAY("R", DO(LOG("raised"))))))));
  chart_start(&c);
  assert_string_equal(step_in(&c, &world, "LOST"),
                      "external LOST: a -> a\n"
                      "raised error.communication: a -> a; log \"there is no session #_other\"\n"
                      "raised R: a -> a; log \"raised\"\n");
  assert_string_equal(step_in(&c, &world, "FOUND"), "external FOUND: a -> a; send s X to #_parent 0ms\n");
  assert_string_equal(step_in(&c, &world, "LATER"), "external LATER: a -> a; send s X to #_other 10ms\n");
  assert_string_equal(step_in(&c, &nobody, "LOST"),
                      "external LOST: a -> a; send s X to #_other 0ms\nraised R: a -> a; log \"raised\"\n");
  chart_close(&c);
}

static void the_news_carries_the_id_that_was_given_and_not_one_that_was_made(void **state) {
  (void)state;
  static const char session[] = "the session";
  const fsm_world world = {.reaches = only_its_parent, .reaches_arg = session, .session = "s1"};
  chart c;
  chart_open_scxml(
      &c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("GIVEN", DO(SEND("X", "#_other", .id = "mine"))),
                                                STAY("MADE", DO(SEND("X", "#_other"))),
                                                STAY("error.communication",
                                                     DO(LOG_EXPR("[_event.sendid, _event.type]"))))))));
  chart_start(&c);
  assert_non_null(strstr(step_in(&c, &world, "GIVEN"), "log [\"mine\", \"platform\"]"));
  assert_non_null(strstr(step_in(&c, &world, "MADE"), "log [null, \"platform\"]"));
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_target_where_nobody_is_is_told_before_what_is_raised_later),
      cmocka_unit_test(the_news_carries_the_id_that_was_given_and_not_one_that_was_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

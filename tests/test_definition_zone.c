/* Time zones in definitions: known where they are read, and refused where they are not. */
#include <unistd.h>

#include "tests/definition_run.h"

#define ZONED \
  "{'id':'m','initial':'a','states':{'a':{'on':{'GO':{'target':'b','guard':{'@expr':'%s'}}}},'b':{}}}"

/* The guard's own quotes are written as backticks. */
static const char *zoned(const char *expr) {
  char *text = fsm_arena_printf(&arena, ZONED, expr);
  for (char *p = text; *p; p++) *p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
  return text;
}

/* Noon of 1 July 2024, UTC. */
static fsm_code step_at_noon(const char *expr) {
  fsm_definition *d = load(zoned(expr));
  run r = start(d, "null");
  fsm_event event = {.name = "GO", .cause = FSM_CAUSE_EXTERNAL};
  fsm_world world = {.now_ns = INT64_C(1719835200) * 1000000000};
  fsm_error err = {0};
  assert_int_equal(fsm_step(r.machine, &r.now, &event, &world, &arena, &r.last, &err), FSM_OK);
  fsm_code outcome = r.last.outcome;
  fsm_definition_free(d);
  return outcome;
}

static void a_guard_may_name_a_zone(void **state) {
  (void)state;
  if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) skip(); /* tzdata is not installed */
  assert_int_equal(step_at_noon("now.getHours(`+02:00`) == 14"), FSM_OK);
  assert_int_equal(step_at_noon("now.getHours(`Europe/Berlin`) == 14 && now.getHours(`Europe/Berlin`) != 12"),
                   FSM_OK);
  assert_int_equal(step_at_noon("now.getHours(`Europe/Berlin`) == 12"), FSM_EGUARD);
}

static void a_zone_that_is_not_there_is_refused_at_its_place(void **state) {
  (void)state;
  fsm_definition *d = NULL;
  fsm_error err = {0};
  const char *text = zoned("now.getHours(`Europe/Nowhere`) == 12");
  assert_int_equal(fsm_definition_load(text, strlen(text), &d, &err), FSM_EEXPRESSION);
  assert_string_equal(err.where, "/states/a/on/GO/guard/@expr");
  assert_non_null(strstr(err.text, "there is no time zone 'Europe/Nowhere'"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_guard_may_name_a_zone),
      cmocka_unit_test(a_zone_that_is_not_there_is_refused_at_its_place),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

/* The table from event names to states: nobody can choose names that make it slow or wrong. */
#include <stdio.h>

#include "tests/chart.h"

enum { NAMES = 128, PLACES = 256 };

/* The first hash that the table tries, written down once more: names that fall together under it make a
 * search far too long, so that another has to be taken. */
static uint32_t first_hash(const char *name) {
  uint64_t hash = (strlen(name) + 1) * UINT64_C(0x9e3779b97f4a7c15), word = 0;
  memcpy(&word, name, strlen(name)); /* less than eight bytes */
  hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
  return (uint32_t)(hash >> 32);
}

static void names_that_fall_together_are_told_apart(void **state) {
  (void)state;
  static char names[NAMES][8];
  static const char *texts[NAMES];
  unsigned found = 0;
  for (unsigned i = 0; found < NAMES; i++) {
    snprintf(names[found], sizeof names[found], "%c%x", 'A' + (int)(i % 16), i);
    if (first_hash(names[found]) % PLACES == 7) texts[found] = names[found], found++;
  }
  const fsm_def_transition all = {.events = texts, .event_count = NAMES, .where = "/on"};
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", .transitions = &all, .transition_count = 1))));
  chart_start(&c);
  for (unsigned i = 0; i < NAMES; i++) {
    char line[64];
    snprintf(line, sizeof line, "external %.7s: a -> a\n", names[i]);
    assert_string_equal(chart_send(&c, names[i]), line);
  }
  assert_false(fsm_machine_knows_event(c.machine, "A"));
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_that_fall_together_are_told_apart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

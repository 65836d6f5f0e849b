/* test_fuzz.c: every decoder of bytes from outside or from the disk, and the step, under mutated inputs.
 * tests/fuzz/fuzz.h says how to run it longer and how to run one iteration again. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_canary.h"
#include "tests/fuzz/fuzz_definition.h"
#include "tests/fuzz/fuzz_disk.h"
#include "tests/fuzz/fuzz_expr.h"
#include "tests/fuzz/fuzz_record.h"
#include "tests/fuzz/fuzz_step.h"
#include "tests/fuzz/fuzz_store.h"
#include "tests/fuzz/fuzz_values.h"
#include "tests/fuzz/fuzz_wire.h"
#include "tests/fuzz/fuzz_zone.h"

/* name, cost, open, one, close, takes all */
static const fuzz_target targets[] = {
    {"json", 1, json_open, json_one, NULL, false},
    {"pack", 1, pack_open, pack_one, NULL, false},
    {"record", 1, record_open, record_one, NULL, false},
    {"expr", 1, expr_open, expr_one, NULL, false},
    {"zone", 1, zone_open, zone_one, NULL, false},
    {"time", 1, time_open, time_one, NULL, false},
    {"payload", 1, payload_open, payload_one, NULL, false},
    {"definition", 2, definition_open, definition_one, NULL, false},
    {"step", 15, step_open, step_one, NULL, true},
    {"token", 1, token_open, token_one, token_close, false},
    {"worker", 1, worker_open, worker_one, NULL, false},
    {"http", 1, http_open, http_one, NULL, false},
    {"cursors", 2, cursors_open, cursors_one, cursors_close, false},
    {"journal", 10, journal_open, journal_one, journal_close, false},
    {"rows", 1, rows_open, rows_one, rows_close, false},
    {"catalog", 1, catalog_open, catalog_one, rows_close, false},
    {"apply", 3, apply_open, apply_one, rows_close, false},
};
enum { TARGETS = sizeof targets / sizeof *targets, CANARIES = 3 };

static void a_target(void **state) { fuzz_all_of(*state); }

int main(void) {
  const char *wanted = getenv("FSM_FUZZ_TARGET");
  struct CMUnitTest tests[CANARIES + TARGETS] = {
      cmocka_unit_test(a_broken_decoder_is_found_and_its_iteration_fails_again),
      cmocka_unit_test(a_sound_decoder_passes_and_both_takes_and_refuses),
      cmocka_unit_test(an_iteration_that_dies_says_how_to_run_it_again),
  };
  size_t count = wanted ? 0 : CANARIES;
  for (size_t i = 0; i < TARGETS; i++)
    if (!wanted || strcmp(wanted, targets[i].name) == 0)
      tests[count++] =
          (struct CMUnitTest){targets[i].name, a_target, NULL, NULL, (void *)(uintptr_t)&targets[i]};
  if (count == 0) fuzz_say("fuzz: no target %s\n", wanted);
  return count == 0 ? 2 : _cmocka_run_group_tests("fuzz", tests, count, NULL, NULL);
}

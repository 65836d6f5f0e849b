/* test_fuzz.c: every decoder of bytes from outside or from the disk, and the step, under mutated inputs.
 * tests/fuzz/fuzz.h says how to run it longer and how to run one iteration again. */
#include "tests/fuzz/fuzz_canary.h"
#include "tests/fuzz/targets.h"

enum { TARGETS = sizeof fuzz_targets / sizeof *fuzz_targets, CANARIES = 3 };

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
    if (!wanted || strcmp(wanted, fuzz_targets[i].name) == 0)
      tests[count++] = (struct CMUnitTest){fuzz_targets[i].name, a_target, NULL, NULL,
                                           (void *)(uintptr_t)&fuzz_targets[i]};
  if (count == 0) fuzz_say("fuzz: no target %s\n", wanted);
  return count == 0 ? 2 : _cmocka_run_group_tests("fuzz", tests, count, NULL, NULL);
}

/* fuzz_canary.h: the loop itself under test: a decoder with a known mistake that the loop must find, the
 * same without it that must pass, and a target that dies. */
#ifndef FSM_TESTS_FUZZ_CANARY_H
#define FSM_TESTS_FUZZ_CANARY_H

#include <sys/wait.h>

#include "tests/fuzz/mutate.h"

/* A length and as many bytes, nothing behind them. slack 1 is the mistake: it lets in a length that is one
 * larger than the bytes that are there. */
static inline bool canary_decode(const uint8_t *data, size_t len, size_t slack, fuzz_seed *out) {
  if (len == 0 || data[0] > len - 1 + slack) return false;
  *out = (fuzz_seed){data + 1, data[0]};
  return slack || data[0] == len - 1;
}

static inline void canary_open(fuzz_run *run) {
  fuzz_seed_add(run, "\5hello", 6);
  fuzz_seed_add(run, "\0", 1);
}

static inline void canary_try(fuzz_run *run, size_t slack) {
  fuzz_seed found;
  fuzz_input_mutated(run);
  bool taken = canary_decode(run->input, run->input_len, slack, &found);
  fuzz_count(run, taken ? FSM_OK : FSM_EMALFORMED);
  if (taken) fuzz_expect(run, found.len <= run->input_len - 1, "what is decoded lies inside the input");
}

static inline void canary_broken(fuzz_run *run) { canary_try(run, 1); }
static inline void canary_sound(fuzz_run *run) { canary_try(run, 0); }

static inline void canary_dying(fuzz_run *run) {
  fuzz_input_mutated(run);
  FSM_ASSERT(run->iteration != 5);
}

static const fuzz_target canary_targets[] = {{"canary", 1, canary_open, canary_broken, NULL, false, false},
                                             {"canary", 1, canary_open, canary_sound, NULL, false, false},
                                             {"canary", 1, canary_open, canary_dying, NULL, false, false}};

enum { CANARY_RUNS = 3000 };

static void a_broken_decoder_is_found_and_its_iteration_fails_again(void **state) {
  (void)state;
  fuzz_run run, again;
  fuzz_open(&run, &canary_targets[0]);
  assert_false(fuzz_loop(&run, CANARY_RUNS));
  assert_string_equal(run.failure, "what is decoded lies inside the input");
  fuzz_open(&again, &canary_targets[0]);
  assert_false(fuzz_iterate(&again, run.iteration));
  assert_int_equal(again.input_len, run.input_len);
  assert_memory_equal(again.input, run.input, run.input_len);
  fuzz_close(&again);
  fuzz_close(&run);
}

static void a_sound_decoder_passes_and_both_takes_and_refuses(void **state) {
  (void)state;
  fuzz_run run;
  fuzz_open(&run, &canary_targets[1]);
  assert_true(fuzz_loop(&run, CANARY_RUNS));
  assert_true(run.taken > 0 && run.refused > 0);
  fuzz_close(&run);
}

static void an_iteration_that_dies_says_how_to_run_it_again(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    fuzz_run run;
    dup2(ends[1], STDERR_FILENO);
    fuzz_open(&run, &canary_targets[2]);
    fuzz_watch(&run);
    (void)fuzz_loop(&run, 10);
    _exit(0);
  }
  close(ends[1]);
  char said[8192];
  size_t len = 0;
  for (ssize_t n; (n = read(ends[0], said + len, sizeof said - 1 - len)) > 0;) len += (size_t)n;
  said[len] = '\0';
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_non_null(strstr(said, "again: FSM_FUZZ_TARGET=canary"));
  assert_non_null(strstr(said, "FSM_FUZZ_ITERATION=5 "));
}

#endif

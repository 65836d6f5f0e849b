/* fuzz.h: seeded mutation fuzzing: targets, the loop over them, and what is said when one fails.
 *
 * An iteration is a function of (target, seed, iteration number) and of nothing else, so one alone can be
 * run again. Runs:
 *
 *   FSM_FUZZ_RUNS=100000 FSM_FUZZ_SEED=7 test_fuzz         each target so often (a dear one less)
 *   FSM_FUZZ_TARGET=record FSM_FUZZ_SEED=7 FSM_FUZZ_ITERATION=1234 test_fuzz     this one again
 *
 * A coverage-guided run (preset `fuzz`) gives bytes instead of a seed: they are the chances of the
 * iteration, two a decision, or, of a target that reads a text, the text itself. What such runs found
 * stands in tests/fuzz/corpus/TARGET/ and is run again with every test_fuzz.
 *
 * A target makes an input from its seeds, gives it to the code in memory of exactly its length, and
 * expects properties. A crash (sanitizer, assertion, signal) and a broken property both name the line to
 * type. A target that takes everything or refuses everything is blind, and fails too.
 */
#ifndef FSM_TESTS_FUZZ_H
#define FSM_TESTS_FUZZ_H

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#include "fsm/fsm.h"

typedef struct fuzz_run fuzz_run;

typedef struct fuzz_target {
  const char *name;
  unsigned cost; /* runs are divided by it */
  void (*open)(fuzz_run *run);
  void (*one)(fuzz_run *run);
  void (*close)(fuzz_run *run); /* NULL = nothing to do */
  bool takes_all;               /* refusing is not its business */
  bool text;                    /* its input may be any text, whatever it made itself */
} fuzz_target;

/* A seed of bytes; text seeds are bytes too. */
typedef struct fuzz_seed {
  const uint8_t *data;
  size_t len;
} fuzz_seed;

enum { FUZZ_SEEDS_MAX = 256, FUZZ_DUMP_MAX = 2048 };

struct fuzz_run {
  const fuzz_target *target;
  uint64_t seed, iteration, state_of_rng;
  const uint8_t *chances; /* given decisions, when there are any left */
  size_t chances_len;
  const uint8_t *given; /* a given text, NULL = none */
  size_t given_len;
  fsm_arena arena; /* of the iteration */
  fsm_arena kept;  /* of the whole run: seeds */
  fuzz_seed seeds[FUZZ_SEEDS_MAX];
  size_t seed_count;
  const char *const *tokens; /* texts that mean something to the target, NULL-ended */
  void *own;                 /* the target's */
  uint8_t *input;            /* malloced, exactly input_len bytes */
  size_t input_len;
  uint64_t taken, refused;
  char failure[256]; /* "" = all is well */
};

/* ---- chance -------------------------------------------------------------------------------------- */

static inline uint64_t fuzz_mix(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline uint64_t fuzz_next(fuzz_run *run) {
  if (run->chances_len >= 2) {
    uint64_t chance = (uint64_t)run->chances[0] | (uint64_t)run->chances[1] << 8;
    run->chances += 2;
    run->chances_len -= 2;
    return fuzz_mix(chance);
  }
  return fuzz_mix(run->state_of_rng += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 … count-1; count > 0. */
static inline size_t fuzz_below(fuzz_run *run, size_t count) { return (size_t)(fuzz_next(run) % count); }
static inline bool fuzz_one_in(fuzz_run *run, size_t count) { return fuzz_below(run, count) == 0; }

static inline void fuzz_begin(fuzz_run *run, uint64_t iteration) {
  uint64_t name = 0;
  for (const char *c = run->target->name; *c; c++) name = fuzz_mix(name + (uint8_t)*c);
  run->iteration = iteration;
  run->state_of_rng = fuzz_mix(fuzz_mix(run->seed + 1) ^ name) + fuzz_mix(iteration);
  run->failure[0] = '\0';
}

/* ---- seeds and inputs ---------------------------------------------------------------------------- */

static inline void fuzz_seed_add(fuzz_run *run, const void *data, size_t len) {
  FSM_ASSERT(run->seed_count < FUZZ_SEEDS_MAX);
  char *copy = fsm_arena_strndup(&run->kept, data, len);
  run->seeds[run->seed_count++] = (fuzz_seed){(const uint8_t *)copy, len};
}

static inline void fuzz_seed_text(fuzz_run *run, const char *text) { fuzz_seed_add(run, text, strlen(text)); }

static inline void fuzz_seed_file(fuzz_run *run, const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("cannot open %s", path);
  static char text[1 << 18];
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  fuzz_seed_add(run, text, len);
}

static inline const fuzz_seed *fuzz_any_seed(fuzz_run *run) {
  return &run->seeds[fuzz_below(run, run->seed_count)];
}

static inline const char *fuzz_any_token(fuzz_run *run) {
  size_t count = 0;
  while (run->tokens && run->tokens[count]) count++;
  return count ? run->tokens[fuzz_below(run, count)] : "";
}

/* Becomes the input, in a block of its own, so that a read past its end is seen. */
static inline void fuzz_input(fuzz_run *run, const void *data, size_t len) {
  if (run->given) data = run->given, len = run->given_len;
  free(run->input);
  run->input = malloc(len ? len : 1);
  FSM_ASSERT(run->input != NULL);
  if (len) memcpy(run->input, data, len);
  run->input_len = len;
}

/* ---- what is said -------------------------------------------------------------------------------- */

static fuzz_run *fuzz_now; /* for the handlers below */

static inline void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void fuzz_say(const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (len > 0 && write(STDERR_FILENO, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1) < 0)
    return;
}

static inline void fuzz_say_replay(const fuzz_run *run) {
  fuzz_say("fuzz: again: FSM_FUZZ_TARGET=%s FSM_FUZZ_SEED=%" PRIu64 " FSM_FUZZ_ITERATION=%" PRIu64
           " test_fuzz\n",
           run->target->name, run->seed, run->iteration);
  if (!run->input) return;
  fuzz_say("fuzz: input, %zu bytes: ", run->input_len);
  for (size_t i = 0; i < run->input_len && i < FUZZ_DUMP_MAX; i++) {
    uint8_t c = run->input[i];
    fuzz_say(c >= 0x20 && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
  }
  fuzz_say("%s\n", run->input_len > FUZZ_DUMP_MAX ? " …" : "");
}

static inline void fuzz_died(void) {
  if (fuzz_now) fuzz_say_replay(fuzz_now);
  fuzz_now = NULL;
}

static inline void fuzz_signalled(int number) {
  fuzz_say("fuzz: signal %d\n", number);
  fuzz_died();
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_print_stack_trace();
#endif
  signal(number, SIG_DFL);
  raise(number);
}

/* cmocka has handlers of its own around a test; these know more. */
static inline void fuzz_watch(fuzz_run *run) {
  fuzz_now = run;
  const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], fuzz_signalled);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(fuzz_died);
#endif
}

/* ---- properties ---------------------------------------------------------------------------------- */

/* A property: when it does not hold the iteration has failed; the first one counts. */
static inline bool fuzz_expect(fuzz_run *run, bool holds, const char *property) {
  if (!holds && !run->failure[0]) snprintf(run->failure, sizeof run->failure, "%s", property);
  return holds;
}

static const char fuzz_untouched[] = "untouched";

static inline fsm_error fuzz_error(void) {
  fsm_error err = {.code = FSM_CODE_COUNT};
  memcpy(err.text, fuzz_untouched, sizeof fuzz_untouched);
  return err;
}

/* What every call promises about its error: the code that it returned and a sentence, or nothing. */
static inline bool fuzz_expect_error(fuzz_run *run, fsm_code code, const fsm_error *err) {
  if (code == FSM_OK) {
    return fuzz_expect(run, err->code == FSM_CODE_COUNT && strcmp(err->text, fuzz_untouched) == 0,
                       "success leaves the error alone");
  }
  bool said = err->code == code && err->text[0] != '\0' && strcmp(err->text, fuzz_untouched) != 0;
  if (!said) fuzz_say("fuzz: returned %s, error says %d \"%s\"\n", fsm_code_name(code), err->code, err->text);
  return fuzz_expect(run, said, "an error has its code and a sentence") &&
         fuzz_expect(run, memchr(err->where, 0, sizeof err->where) && memchr(err->text, 0, sizeof err->text),
                     "an error's texts end") &&
         fuzz_expect(run, code != FSM_ENOMEM, "there is memory");
}

static inline void fuzz_count(fuzz_run *run, fsm_code code) {
  if (code == FSM_OK)
    run->taken++;
  else
    run->refused++;
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static inline uint64_t fuzz_number(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static inline void fuzz_open(fuzz_run *run, const fuzz_target *target) {
  *run = (fuzz_run){.target = target, .seed = fuzz_number("FSM_FUZZ_SEED", 1)};
  fsm_arena_init(&run->arena, 0);
  fsm_arena_init(&run->kept, 0);
  target->open(run);
}

static inline void fuzz_close(fuzz_run *run) {
  if (run->target->close) run->target->close(run);
  free(run->input);
  fsm_arena_free(&run->arena);
  fsm_arena_free(&run->kept);
  fuzz_now = NULL;
}

/* False when a property broke; run->failure says which. */
static inline bool fuzz_iterate(fuzz_run *run, uint64_t iteration) {
  fuzz_begin(run, iteration);
  run->target->one(run);
  fsm_arena_reset(&run->arena);
  return run->failure[0] == '\0';
}

/* False at the first iteration that failed; the run stands at it. */
static inline bool fuzz_loop(fuzz_run *run, uint64_t runs) {
  for (uint64_t i = 0; i < runs; i++)
    if (!fuzz_iterate(run, i)) return false;
  return true;
}

/* One iteration out of bytes: the first says whether the others are the text or the chances. */
static inline bool fuzz_given(fuzz_run *run, const uint8_t *data, size_t len) {
  bool text = run->target->text && len > 0 && data[0] == 't';
  fuzz_begin(run, 0);
  run->given = text ? data + 1 : NULL;
  run->given_len = text ? len - 1 : 0;
  run->chances = text || len == 0 ? NULL : data + 1;
  run->chances_len = text || len == 0 ? 0 : len - 1;
  run->target->one(run);
  fsm_arena_reset(&run->arena);
  run->given = run->chances = NULL;
  run->given_len = run->chances_len = 0;
  return run->failure[0] == '\0';
}

/* The inputs that stand in tests/fuzz/corpus. False at the first that failed. */
static inline bool fuzz_corpus(fuzz_run *run, unsigned *count) {
  char path[512];
  static uint8_t bytes[1 << 16];
  bool good = true;
  snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", FSM_SOURCE_DIR, run->target->name);
  DIR *dir = opendir(path);
  for (struct dirent *entry; good && dir && (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s/%.200s", FSM_SOURCE_DIR, run->target->name,
             entry->d_name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("cannot open %s", path);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    good = fuzz_given(run, bytes, len);
    if (!good) fuzz_say("fuzz: not so of %s\n", path);
    (*count)++;
  }
  if (dir) closedir(dir);
  return good;
}

static inline void fuzz_all_of(const fuzz_target *target) {
  enum { RUNS = 3000, ENOUGH = 100 };
  fuzz_run run;
  fuzz_open(&run, target);
  fuzz_watch(&run);
  uint64_t runs = fuzz_number("FSM_FUZZ_RUNS", RUNS) / target->cost + 1;
  const char *only = getenv("FSM_FUZZ_ITERATION");
  bool good = only ? fuzz_iterate(&run, fuzz_number("FSM_FUZZ_ITERATION", 0)) : fuzz_loop(&run, runs);
  unsigned corpus = 0;
  if (good && !only) good = fuzz_corpus(&run, &corpus);
  if (good && !only && runs > ENOUGH) {
    good = fuzz_expect(&run, run.taken > 0 && (run.refused > 0 || target->takes_all),
                       "some inputs are taken and some refused");
  }
  fuzz_say("fuzz: %s: %" PRIu64 " runs, %u of the corpus, %" PRIu64 " taken, %" PRIu64 " refused\n",
           target->name, only ? 1 : runs, corpus, run.taken, run.refused);
  char failure[sizeof run.failure];
  memcpy(failure, run.failure, sizeof failure);
  if (!good) fuzz_say_replay(&run);
  fuzz_close(&run);
  if (!good) fail_msg("%s: not so: %s", target->name, failure);
}

#endif

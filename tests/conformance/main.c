/* main.c: conformance: runs the public suites against the engine.
 *
 *   conformance --corpus DIR [--suite NAME|all] [--json] [--round-trip] [--jump] [--case NAME] [--verbose]
 *
 * After the failures comes one line per suite, {"suite":…,"passed":…,"failed":…,"skipped":…}. Exit: 0 all
 * passed, 1 something failed, 2 usage, 77 the suite that was asked for is not in DIR.
 */
#include <stdio.h>
#include <string.h>

#include "conformance.h"

enum { EXIT_USAGE = 2, EXIT_SKIPPED = 77 };

static const struct {
  const char *name; /* its folder too */
  conformance_suite *run;
} suites[] = {
    {"w3c-irp", suite_w3c_irp}, {"scion", suite_scion}, {"scion-xstate-json", suite_scion_xstate_json},
    {"gap", suite_gap},         {"cel", suite_cel},     {"real", suite_real},
};
enum { SUITES = sizeof suites / sizeof *suites };

static int usage(const char *what) {
  fprintf(
      stderr,
      "conformance: %s\nusage: conformance --corpus DIR [--suite NAME|all] [--json] [--round-trip] [--jump] "
      "[--case NAME] [--verbose]\nsuites:",
      what);
  for (unsigned i = 0; i < SUITES; i++) fprintf(stderr, " %s", suites[i].name);
  fputc('\n', stderr);
  return EXIT_USAGE;
}

static bool flag(conformance *run, const char *arg) {
  if (strcmp(arg, "--json") == 0) return run->json = true;
  if (strcmp(arg, "--round-trip") == 0) return run->round_trip = true;
  if (strcmp(arg, "--jump") == 0) return run->jump = true;
  if (strcmp(arg, "--verbose") == 0) return run->verbose = true;
  return false;
}

/* Reads the options; what is wrong with them, NULL = nothing. */
static const char *options(conformance *run, const char **suite, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char **value = NULL;
    if (strcmp(argv[i], "--corpus") == 0) value = &run->corpus;
    if (strcmp(argv[i], "--suite") == 0) value = suite;
    if (strcmp(argv[i], "--case") == 0) value = &run->only_case;
    if (!value && flag(run, argv[i])) continue;
    if (!value) return argv[i];
    if (++i == argc) return "an option lacks its value";
    *value = argv[i];
  }
  return run->corpus ? NULL : "--corpus is needed";
}

static void one(conformance *run, unsigned suite) {
  run->suite = suites[suite].name;
  run->passed = run->failed = run->skipped = run->jumps = 0;
  suites[suite].run(run);
  if (run->jump) printf("{\"suite\":\"%s\",\"jumps\":%u}\n", run->suite, run->jumps);
  printf("{\"suite\":\"%s\",\"passed\":%u,\"failed\":%u,\"skipped\":%u}\n", run->suite, run->passed,
         run->failed, run->skipped);
  fflush(stdout);
}

int main(int argc, char **argv) {
  conformance run = {0};
  const char *suite = "all";
  const char *wrong = options(&run, &suite, argc, argv);
  if (wrong) return usage(wrong);
  bool all = strcmp(suite, "all") == 0;
  unsigned found = 0, absent = 0, failed = 0;
  for (unsigned i = 0; i < SUITES; i++) {
    if (!all && strcmp(suite, suites[i].name) != 0) continue;
    found++;
    if (!corpus_has(&run, suites[i].name)) {
      fprintf(stderr, "conformance: skipped: there is no folder %s in %s\n", suites[i].name, run.corpus);
      absent++;
      continue;
    }
    one(&run, i);
    failed += run.failed;
    /* A suite that finds nothing in its folder has proved nothing. */
    if (run.passed + run.failed + run.skipped == 0) failed++;
  }
  if (found == 0) return usage("no such suite");
  if (failed) return 1;
  return absent == found ? EXIT_SKIPPED : 0;
}

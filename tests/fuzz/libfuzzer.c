/* libfuzzer.c: the fuzz targets under libFuzzer: `fsm-fuzz --target=NAME [its options] CORPUS…`. */
#include "tests/fuzz/targets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fuzz_run run;

static void close_run(void) { fuzz_close(&run); }

static const fuzz_target *target_named(const char *name) {
  for (size_t i = 0; i < sizeof fuzz_targets / sizeof *fuzz_targets; i++)
    if (strcmp(fuzz_targets[i].name, name) == 0) return &fuzz_targets[i];
  fuzz_say("usage: fsm-fuzz --target=NAME; targets:");
  for (size_t i = 0; i < sizeof fuzz_targets / sizeof *fuzz_targets; i++)
    fuzz_say(" %s", fuzz_targets[i].name);
  fuzz_say("\n");
  exit(2);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const char option[] = "--target=";
  int kept = 1;
  for (int i = 1; i < *argc; i++)
    if (strncmp((*argv)[i], option, sizeof option - 1) == 0)
      setenv("FSM_FUZZ_TARGET", (*argv)[i] + sizeof option - 1, 1); /* it starts itself again to merge */
    else
      (*argv)[kept++] = (*argv)[i];
  *argc = kept;
  (*argv)[kept] = NULL;
  const char *name = getenv("FSM_FUZZ_TARGET");
  fuzz_open(&run, target_named(name ? name : ""));
  atexit(close_run);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (fuzz_given(&run, data, size)) return 0;
  fuzz_say("fuzz: %s: not so: %s\n", run.target->name, run.failure);
  fuzz_say_replay(&run);
  abort();
}

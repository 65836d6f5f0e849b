/* sim.c: histories by seed. `sim [--seeds N] [--first S] [--steps K] [--tell]`: N seeds from S on, K steps
 * each; the first that goes wrong is named, and said again with --tell it is the same, step by step. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static volatile unsigned long long running;

static void on_signal(int number) {
  char text[96];
  int len = snprintf(text, sizeof text, "sim: seed %llu: signal %d\n", running, number);
  if (write(STDOUT_FILENO, text, (size_t)len) < 0) _exit(3);
  signal(number, SIG_DFL);
  raise(number);
}

typedef struct totals {
  unsigned long long commands, records, crashes, lives;
} totals;

static void one_seed(uint64_t seed, unsigned steps, const char *dir, bool tell, totals *sum) {
  world *w = world_new(seed, dir, tell);
  running = seed;
  alarm(120);
  world_open(w);
  play_begin(w);
  for (unsigned i = 0; i < steps; i++) play_step(w);
  play_restore(w);
  look(w);
  world_crash(w);
  play_restore(w);
  look(w);
  look_verify(w);
  world_close(w);
  sum->commands += w->said_count;
  sum->records += w->durable;
  sum->crashes += w->crashes;
  sum->lives += w->lives;
  world_free(w);
}

int main(int argc, char *argv[]) {
  unsigned long long seeds = 20, first = 1;
  unsigned steps = 150;
  bool tell = false;
  char dir[64];
  totals sum = {0, 0, 0, 0};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--tell") == 0)
      tell = true;
    else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
      seeds = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
      first = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc)
      steps = (unsigned)strtoul(argv[++i], NULL, 10);
    else
      return fputs("usage: sim [--seeds N] [--first S] [--steps K] [--tell]\n", stderr), 2;
  }
  snprintf(dir, sizeof dir, "%s/fsm-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (mkdtemp(dir) == NULL) return fputs("sim: no scratch directory\n", stderr), 1;
  signal(SIGABRT, on_signal);
  signal(SIGALRM, on_signal);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (unsigned long long i = 0; i < seeds; i++) one_seed(first + i, steps, dir, tell, &sum);
  rmdir(dir);
  printf("sim: seeds %llu to %llu: %llu commands, %llu records, %llu lives, %llu crashes, none wrong\n",
         first, first + seeds - 1, sum.commands, sum.records, sum.lives, sum.crashes);
  return 0;
}

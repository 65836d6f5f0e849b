/* bench_snapshot.c: a million instances: a snapshot under load, the longest answer meanwhile, the store made
 * anew. What it took in memory and bytes goes to stderr. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"
#include "runtime/database.h"
#include "runtime/snapshot.h"

enum { PER_SECOND = 2000, REST_PERCENT = 30 };

/* ---- a snapshot under load ----------------------------------------------------------------------- */

typedef struct load {
  ring *r;
  double seconds;
  latency found;
} load;

static void *load_run(void *arg) {
  load *l = arg;
  l->found = ring_paced(l->r, SPREAD_HOT, PER_SECOND, l->seconds);
  return NULL;
}

static double make(ring *r, const char *dir, fsm__snapshot_info *info) {
  fsm_error err = {.text = ""};
  fsm_runtime *runtime = ring_runtime(r);
  const fsm__snapshot_options options = {.store = fsm__runtime_store(runtime),
                                         .origin = fsm__runtime_origin(runtime),
                                         .dir = dir,
                                         .now_ns = 1,
                                         .rest_percent = REST_PERCENT};
  const double begin = now_s();
  if (fsm__snapshot_make(&options, info, &err) != FSM_OK) give_up("snapshot: %s: %s", err.where, err.text);
  return now_s() - begin;
}

/* The same bytes, written and synced. */
static double written(const char *dir, uint64_t bytes) {
  static char block[1024 * 1024];
  char path[600];
  snprintf(path, sizeof path, "%s/raw", dir);
  const double begin = now_s();
  FILE *file = fopen(path, "wb");
  for (uint64_t at = 0; file != NULL && at < bytes; at += sizeof block)
    if (fwrite(block, 1, sizeof block, file) != sizeof block) give_up("raw: it cannot be written");
  if (file == NULL || fflush(file) != 0 || fsync(fileno(file)) != 0) give_up("raw: it cannot be synced");
  fclose(file);
  unlink(path);
  return now_s() - begin;
}

static sample under_load(const char *dir, double seconds, bool stall) {
  ring *r = million();
  char snapshots[560];
  fsm__snapshot_info info;
  snprintf(snapshots, sizeof snapshots, "%s/snapshots", dir);
  ring_open(r);
  load without = {.r = r, .seconds = seconds}, with = {.r = r, .seconds = 4 * seconds};
  load_run(&without);
  pthread_t thread;
  if (pthread_create(&thread, NULL, load_run, &with) != 0) give_up("no thread");
  const double took = make(r, snapshots, &info);
  pthread_join(thread, NULL);
  fprintf(stderr, "snapshot_1m: %llu rows, %.0f MB, %.1f s; longest answer %.1f ms, without it %.1f ms\n",
          (unsigned long long)info.rows, (double)info.bytes / 1e6, took, with.found.max, without.found.max);
  const double raw = stall ? without.found.max : written(dir, info.bytes);
  ring_close(r);
  return (sample){.value = stall ? with.found.max : took, .raw = raw};
}

sample snapshot_1m(const char *dir, double seconds) { return under_load(dir, seconds, false); }
sample snapshot_stall(const char *dir, double seconds) { return under_load(dir, seconds, true); }

/* ---- the store anew, and proved ------------------------------------------------------------------ */

static void rebuild(const char *data) {
  fsm_arena arena;
  fsm_value told;
  fsm_error err = {.text = ""};
  const fsm_database_order order = {.actor = "bench"};
  fsm_arena_init(&arena, 0);
  if (fsm_database_rebuild(data, &order, &arena, &told, &err) != FSM_OK)
    give_up("rebuild: %s: %s", err.where, err.text);
  fsm_arena_free(&arena);
}

static void prove(const char *data) {
  fsm_runtime *runtime = NULL;
  fsm_verified verified;
  fsm_error err = {.text = ""};
  const fsm_runtime_options options = {.dir = data, .read_only = true};
  if (fsm_runtime_open(&options, &runtime, NULL, &err) != FSM_OK ||
      fsm_runtime_verify(runtime, &verified, &err) != FSM_OK)
    give_up("verify: %s: %s", err.where, err.text);
  fsm_runtime_close(runtime);
}

/* In a process of its own, whose anonymous memory is looked at meanwhile. */
static double measured(const char *what, const char *data, void (*work)(const char *)) {
  const double begin = now_s();
  double most = 0;
  int status = 0;
  pid_t child = fork();
  if (child < 0) give_up("no process can be made");
  if (child == 0) {
    work(data);
    _exit(0);
  }
  while (waitpid(child, &status, WNOHANG) == 0) {
    const double mb = rss_anon_mb(child);
    most = mb > most ? mb : most;
    usleep(20000);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up("%s failed", what);
  const double took = now_s() - begin;
  fprintf(stderr, "%s: %.1f s, at most %.0f MB\n", what, took, most);
  return took;
}

/* raw: to prove it, which replays the same and compares. */
sample rebuild_1m(const char *dir, double seconds) {
  (void)dir;
  (void)seconds;
  ring *r = million();
  ring_open(r); /* whatever was killed before is recovered */
  ring_close(r);
  return (sample){.value = measured("rebuild_1m", ring_data(r), rebuild),
                  .raw = measured("verify_1m", ring_data(r), prove)};
}

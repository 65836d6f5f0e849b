/* world.c: clocks, random numbers and a disk that a seed decides. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runtime_impl.h"
#include "sim.h"
#include "tests/power/image.h"
#include "tests/power/trace.h"

/* The calls that are taken over have no argument for a world. */
static int64_t clock_wall_ns, clock_mono_ns = SECOND;
static uint64_t random_state;

uint64_t chance(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

unsigned below(world *w, unsigned count) { return (unsigned)(chance(&w->play) % count); }

#pragma GCC visibility push(default)

int clock_gettime(clockid_t clock, struct timespec *out) {
  int64_t ns = clock == CLOCK_REALTIME ? clock_wall_ns : clock_mono_ns;
  *out = (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
  return 0;
}

ssize_t getrandom(void *out, size_t len, unsigned flags) {
  (void)flags;
  for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = (uint8_t)(chance(&random_state) >> 32);
  return (ssize_t)len;
}

#pragma GCC visibility pop

/* ---- telling ------------------------------------------------------------------------------------ */

void told(const world *w, const char *format, ...) {
  va_list args;
  if (!w->tell) return;
  printf("%4u  ", w->step);
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
}

void wrong(const world *w, const char *format, ...) {
  va_list args;
  printf("sim: seed %llu, step %u: ", (unsigned long long)w->seed, w->step);
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  printf("\nsim: again with a transcript: sim --seeds 1 --first %llu --tell\n", (unsigned long long)w->seed);
  fflush(stdout);
  _exit(1);
}

/* ---- clocks ------------------------------------------------------------------------------------- */

static void set_clocks(world *w) {
  clock_wall_ns = w->wall_ns;
  clock_mono_ns = w->mono_ns;
  if (w->wall_ns > w->wall_most_ns) w->wall_most_ns = w->wall_ns;
}

void world_pass(world *w, int64_t ns) {
  w->wall_ns += ns;
  w->mono_ns += ns;
  w->boot_ns += ns;
  set_clocks(w);
}

void world_set_wall(world *w, int64_t by_ns) {
  w->wall_ns += by_ns;
  set_clocks(w);
}

void world_reboot(world *w) {
  w->boot++;
  w->boot_ns = SECOND;
}

static int64_t wall_clock(void *arg) { return ((world *)arg)->wall_ns; }
static int64_t boot_clock(void *arg) { return ((world *)arg)->boot_ns; }

/* ---- opening and closing ------------------------------------------------------------------------ */

static void on_durable(void *arg, uint64_t seq) {
  world *w = arg;
  if (seq >= SEQS_MAX) wrong(w, "more than %d records", SEQS_MAX);
  for (uint64_t s = w->durable + 1; s <= seq; s++)
    w->stamps[s] = (stamp){.wall_ns = w->wall_ns, .boot_ns = w->boot_ns, .boot = w->boot};
  w->durable = seq;
  w->marks[w->mark_count++ % SEQS_MAX] = (mark){trace_count(), seq};
}

static void on_task(void *arg, const fsm_task *task) {
  world *w = arg;
  offer *o = &w->offers[w->offer_count++ % OFFERS_MAX];
  memcpy(o->token, task->token, sizeof o->token);
  o->attempt = task->attempt;
  told(w, "offer    %s %s attempt %u", task->instance, task->invoke, task->attempt);
}

static void on_fatal(void *arg, const fsm_error *err) {
  wrong(arg, "fatal: %s: %s: %s", fsm_code_name(err->code), err->where, err->text);
}

void world_open(world *w) {
  fsm_error err = {.text = ""};
  fsm_opened opened;
  const fsm_runtime_options options = {.dir = w->dir,
                                       .node = "sim",
                                       .manual = true,
                                       .segment_bytes = (size_t)2 << 20,
                                       .map_bytes = w->map_bytes,
                                       .map_bytes_max = (size_t)64 << 20,
                                       .round_bytes = w->round_bytes,
                                       .round_ns = 300 * MS,
                                       .snapshot_records = w->snapshot_records,
                                       .now = wall_clock,
                                       .monotonic = boot_clock,
                                       .boot = w->boot,
                                       .now_arg = w,
                                       .task_ready = on_task,
                                       .task_arg = w,
                                       .durable = on_durable,
                                       .durable_arg = w,
                                       .fatal = on_fatal,
                                       .fatal_arg = w};
  w->lives++;
  w->short_of_room = false;
  if (fsm_runtime_open(&options, &w->runtime, &opened, &err) != FSM_OK)
    wrong(w, "it does not open: %s: %s: %s", fsm_code_name(err.code), err.where, err.text);
  static const char *const sink = "file";
  fsm__runtime_know_sinks(w->runtime, &sink, 1);
  if (opened.last_seq < w->durable)
    wrong(w, "records up to %llu were durable, it opens at %llu", (unsigned long long)w->durable,
          (unsigned long long)opened.last_seq);
  /* What nobody was told of may be there: the clocks at that time are known from before. */
  w->durable = opened.last_seq;
  if (w->life_count == LIVES_MAX) wrong(w, "over %d lives", LIVES_MAX);
  while (w->life_count > 0 && w->of[w->life_count - 1].after_seq > opened.last_seq) w->life_count--;
  w->of[w->life_count++] = (life){opened.last_seq, w->wall_ns, w->wall_most_ns, w->boot_ns, w->boot};
  w->marks[w->mark_count++ % SEQS_MAX] = (mark){trace_count(), opened.last_seq};
  told(w, "open     at seq %llu, applied %llu, cut %llu bytes, wrote %llu batches again",
       (unsigned long long)opened.last_seq, (unsigned long long)opened.applied_seq,
       (unsigned long long)opened.cut_bytes, (unsigned long long)opened.rewritten);
}

void world_close(world *w) {
  fsm_runtime_close(w->runtime);
  w->runtime = NULL;
  told(w, "close");
}

void world_full(world *w, bool full) {
  w->full = full;
  w->short_of_room |= full;
  trace_full(full);
  told(w, full ? "full     the disk has no room" : "room     the disk has room again");
}

void world_settle(world *w) {
  fsm_turned t;
  unsigned turns = 0;
  do {
    fsm_runtime_turn(w->runtime, &t);
    if (++turns > 2000) wrong(w, "it does not come to rest");
  } while (t.wait_ns == 0 || t.commands + t.reads + t.attempts + t.files + t.records > 0);
}

/* ---- the power goes ----------------------------------------------------------------------------- */

static void remove_tree(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    char child[DIR_SIZE + 300];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    snprintf(child, sizeof child, "%s/%s", path, e->d_name);
    if (e->d_type == DT_DIR)
      remove_tree(child);
    else
      unlink(child);
  }
  closedir(dir);
  rmdir(path);
}

/* What was not said before operation `end` never was; what was not answered may have been taken. */
static void forget(world *w, size_t end) {
  for (unsigned i = 0; i < w->said_count; i++) {
    said *s = &w->saids[i];
    if (s->gone) continue;
    if (s->asked_op != 0 && s->asked_op - 1 >= end) s->gone = true;
    if (s->answered && s->answered_op > end) s->answered = false, s->vague = true;
    if (!s->answered) s->vague = true;
  }
  w->durable = 0;
  for (size_t i = 0; i < w->mark_count; i++)
    if (w->marks[i].op <= end) w->durable = w->marks[i].seq;
  for (uint64_t seq = w->durable + 1; seq < SEQS_MAX; seq++) w->stamps[seq].hash = 0;
  if (w->told_seq > w->durable) w->told_seq = w->durable;
}

/* Before a new era all that went before is certain: its operations are not of this trace. */
static void begin_era(world *w) {
  for (unsigned i = 0; i < w->said_count; i++) w->saids[i].asked_op = w->saids[i].answered_op = 0;
  w->marks[0] = (mark){0, w->durable};
  w->mark_count = 1;
  trace_begin(w->dir);
}

void world_crash(world *w) {
  const size_t now = trace_count();
  world_full(w, false);
  world_close(w);
  trace t = trace_end();
  disk *d = w->based ? disk_of(&t, w->base) : disk_new(&t);
  uint64_t noise = chance(&w->play) | 1;
  size_t end = now;
  if (below(w, 3) == 0) end = (size_t)(chance(&w->play) % (t.count + 1));
  if (below(w, 3) == 0 && now > 0) end = now - (size_t)(chance(&w->play) % (now < 12 ? now : 12));
  const loss how = (loss)below(w, LOSS_COUNT);
  disk_go(d, disk_made(d) + end);
  remove_tree(w->dir);
  remove_tree(w->base);
  uint64_t again = noise;
  disk_crash(d, how, &noise, w->dir);
  disk_crash(d, how, &again, w->base);
  disk_free(d);
  told(w, "crash    at operation %zu of %zu (%zu before the close), loss %d", end, t.count, now, (int)how);
  trace_free(&t);
  forget(w, end);
  w->based = true;
  w->crashes++;
  if (how != LOSS_NONE) world_reboot(w);
  begin_era(w);
  world_open(w);
}

world *world_new(uint64_t seed, const char *dir, bool tell) {
  world *w = calloc(1, sizeof *w);
  if (w == NULL) abort();
  *w = (world){.seed = seed,
               .play = seed,
               .tell = tell,
               .early = seed % 4 == 1,
               .boot = 1,
               .boot_ns = 100 * SECOND,
               .mono_ns = SECOND};
  snprintf(w->dir, sizeof w->dir, "%s/data", dir);
  snprintf(w->base, sizeof w->base, "%s/base", dir);
  w->saids = calloc(SAIDS_MAX, sizeof *w->saids);
  w->stamps = calloc(SEQS_MAX, sizeof *w->stamps);
  w->marks = calloc(SEQS_MAX, sizeof *w->marks);
  if (w->saids == NULL || w->stamps == NULL || w->marks == NULL) abort();
  random_state = chance(&w->play);
  w->wall_ns = 1700000000 * SECOND;
  set_clocks(w);
  w->map_bytes = (size_t)1 << (17 + below(w, 8));
  w->round_bytes = (size_t)1 << (12 + below(w, 10));
  w->bulk_most = below(w, 6) == 0 ? BULK_MAX : 0;
  w->snapshot_records = below(w, 8) == 0 ? 20 + below(w, 100) : 0;
  remove_tree(w->dir);
  remove_tree(w->base);
  mkdir(w->dir, 0700);
  trace_begin(w->dir);
  return w;
}

void world_free(world *w) {
  trace t = trace_end();
  trace_free(&t);
  remove_tree(w->dir);
  remove_tree(w->base);
  free(w->saids);
  free(w->stamps);
  free(w->marks);
  free(w);
}

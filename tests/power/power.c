/* power.c: the power goes, anywhere. power [--images N] [--seed S] [--keep]
 *
 * A load runs once over a new data directory while everything that is asked of the disk is kept (trace.c).
 * Then disks are made as they may be left by a loss of power after any of these operations (image.c), and
 * each is opened: it must open, hold every command that was answered before that moment, nothing twice,
 * nothing out of order, and verify. Every other image is crashed again while it recovers or goes on: what the
 * first recovery showed must be there still.
 *
 * Meanwhile snapshots are made, and segments that they make needless are removed.
 *
 * The load: counters (ADD n carries n and an idempotency key, so a hole, a repetition and a wrong order show
 * in the sum) and alarms (a timer each, which must fire once). */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "runtime/database.h"
#include "tests/tree.h"
#include "trace.h"

enum { COUNTERS = 12, ROUNDS = 60, ALARM_EVERY = 4, PAYLOAD_MAX = 24 * 1024, CHECK_SECONDS = 120 };

static const char COUNTER[] =
    "{\"id\":\"counter\",\"initial\":\"on\",\"context\":{\"n\":0,\"sum\":0},\"states\":{\"on\":{\"on\":{"
    "\"ADD\":"
    "{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"},\"sum\":{\"@expr\":\"context.sum + event.v\"}}}}}}}";
static const char ALARM[] =
    "{\"id\":\"alarm\",\"initial\":\"set\",\"context\":{\"n\":0},\"states\":{\"set\":{\"after\":{\"15\":{"
    "\"target\":"
    "\"rung\",\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}}}},\"rung\":{\"type\":\"final\"}}}";

/* What was answered: counter i has taken n. */
static _Atomic unsigned answered[COUNTERS];
static unsigned alarms;
/* In the middle of the load two days go by: what was answered before is older than any key, so snapshots let
 * segments go. */
static bool later;
#define LATER_NS ((int64_t)2 * 86400 * 1000000000)
#define LATER_MARK (UINT64_MAX - 1)

static _Noreturn void fail(const char *what, const fsm_error *err) {
  printf("power: %s: %s: %s\n", what, err ? err->where : "", err ? err->text : "");
  fflush(stdout);
  _exit(1);
}

static void sleep_ms(int ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL); }

static int64_t now(void *arg) {
  struct timespec t;
  (void)arg;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec + (later ? LATER_NS : 0);
}

static fsm_runtime *open_at(const char *dir) {
  fsm_runtime *runtime = NULL;
  fsm_error err = {.text = ""};
  const fsm_runtime_options options = {.dir = dir,
                                       .segment_bytes = (size_t)2 << 20,
                                       .map_bytes = (size_t)256 << 20,
                                       .round_bytes = (size_t)32 << 10,
                                       .round_ns = 20000000,
                                       .now = now,
                                       .snapshot_records = 60,
                                       .retain_bytes = 1};
  if (fsm_runtime_open(&options, &runtime, NULL, &err) != FSM_OK) fail("it does not open", &err);
  return runtime;
}

static int64_t whole(const fsm_value *map, const char *key) {
  const fsm_value *value = map ? fsm_map_get(map, key) : NULL;
  return value != NULL && fsm_is(value, FSM_INT) ? value->i : -1;
}

/* ---- the load ----------------------------------------------------------------------------------- */

typedef struct asked {
  unsigned counter, n; /* counter COUNTERS: not an ADD */
} asked;

static _Atomic unsigned waiting;

static void on_answer(void *arg, const fsm_answer *answer) {
  const asked *a = arg;
  if (answer->error.code != FSM_OK) fail("a command is refused", &answer->error);
  if (a->counter < COUNTERS) {
    atomic_store(&answered[a->counter], a->n);
    trace_mark((uint64_t)a->counter << 32 | a->n);
  } else {
    trace_mark((uint64_t)COUNTERS << 32 | a->n);
  }
  free(arg);
  atomic_fetch_sub(&waiting, 1);
}

static void submit(fsm_runtime *runtime, const fsm_command *command, unsigned counter, unsigned n) {
  fsm_error err = {.text = ""};
  asked *a = malloc(sizeof *a);
  if (a == NULL) abort();
  *a = (asked){counter, n};
  atomic_fetch_add(&waiting, 1);
  fsm_code code;
  while ((code = fsm_submit(runtime, command, on_answer, a, &err)) == FSM_EBUSY) sleep_ms(1);
  if (code != FSM_OK) fail("submit", &err);
}

static void await_answers(void) {
  while (atomic_load(&waiting) > 0) sleep_ms(1);
}

static void deploy(fsm_runtime *runtime, const char *source) {
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  command.source = source;
  command.source_len = strlen(source);
  submit(runtime, &command, COUNTERS, 0);
  await_answers();
}

static void start(fsm_runtime *runtime, const char *machine, const char *prefix, unsigned i) {
  char id[32];
  fsm_command command = fsm_command_new(FSM_CMD_START);
  snprintf(id, sizeof id, "%s-%u", prefix, i);
  command.machine = machine;
  command.instance = id;
  submit(runtime, &command, COUNTERS, strcmp(prefix, "a") == 0 ? i + 1 : 0);
}

/* The command that makes counter i have taken n; its text lives in the buffers. */
static fsm_command add(unsigned i, unsigned n, char id[32], char idem[32], fsm_pair pairs[2],
                       const char *payload, size_t payload_len) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  snprintf(id, 32, "c-%u", i);
  snprintf(idem, 32, "add-%u-%u", i, n);
  pairs[0] = (fsm_pair){fsm_string("p"), fsm_stringn(payload, payload_len)};
  pairs[1] = (fsm_pair){fsm_string("v"), fsm_int(n)};
  command.instance = id;
  command.event = "ADD";
  command.idem = idem;
  command.data = (fsm_value){.type = FSM_MAP, .len = 2, .pairs = pairs};
  return command;
}

static size_t payload_of(unsigned i, unsigned n) {
  return n % 2 == 0 ? (size_t)((i * 7919u + n * 104729u) % PAYLOAD_MAX) : (size_t)(n % 50);
}

static void add_round(fsm_runtime *runtime, const char *payload, unsigned n) {
  for (unsigned i = 0; i < COUNTERS; i++) {
    char id[32], idem[32];
    fsm_pair pairs[2];
    fsm_command command = add(i, n, id, idem, pairs, payload, payload_of(i, n));
    submit(runtime, &command, i, n);
    if ((i * 31 + n) % 5 == 0) await_answers();
  }
}

static void await_pruning(fsm_runtime *runtime) {
  for (int tries = 0; tries < 1000; tries++) {
    fsm_arena arena;
    fsm_value told;
    fsm_error err = {.text = ""};
    fsm_arena_init(&arena, 0);
    if (fsm_runtime_stat(runtime, &arena, &told, &err) != FSM_OK) fail("stat", &err);
    bool done = whole(fsm_map_get(&told, "retention"), "segments_removed") > 0;
    fsm_arena_free(&arena);
    if (done) return;
    sleep_ms(10);
  }
  fail("no segment was let go", NULL);
}

static void work(const char *dir, const char *payload, uint64_t *noise) {
  fsm_runtime *runtime = open_at(dir);
  deploy(runtime, COUNTER);
  deploy(runtime, ALARM);
  for (unsigned i = 0; i < COUNTERS; i++) start(runtime, "counter", "c", i);
  await_answers();
  for (unsigned n = 1; n <= ROUNDS; n++) {
    add_round(runtime, payload, n);
    if (n % ALARM_EVERY == 0) start(runtime, "alarm", "a", alarms++);
    if (noise_next(noise) % 6 == 0) sleep_ms((int)(noise_next(noise) % 70)); /* confirms, rounds, timers */
    if (n == ROUNDS / 2) {
      await_answers();
      fsm_runtime_close(runtime);
      trace_mark(LATER_MARK);
      later = true;
      runtime = open_at(dir);
    }
  }
  await_answers();
  await_pruning(runtime);
  fsm_runtime_close(runtime);
}

/* ---- the check ---------------------------------------------------------------------------------- */

typedef struct shown {
  unsigned n[COUNTERS];
  unsigned alarms; /* that were answered */
  bool later;      /* the two days had gone by */
} shown;

static bool instance(fsm_runtime *runtime, const char *id, fsm_arena *arena, fsm_value *out) {
  fsm_error err = {.text = ""};
  fsm_code code =
      fsm_query_wait(runtime, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id}, arena, out, &err);
  if (code != FSM_OK && code != FSM_EINSTANCE) fail("an instance cannot be read", &err);
  return code == FSM_OK;
}

/* What the counters are at; `least` must be there. */
static shown look(fsm_runtime *runtime, const shown *least) {
  shown out = *least;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < COUNTERS; i++) {
    char id[32];
    fsm_value at = fsm_null();
    snprintf(id, sizeof id, "c-%u", i);
    if (!instance(runtime, id, &arena, &at)) {
      if (least->n[i] > 0) fail("an instance that had answered is not there", &(fsm_error){.text = ""});
      continue;
    }
    const fsm_value *context = fsm_map_get(&at, "context");
    int64_t n = whole(context, "n"), sum = whole(context, "sum");
    if (n < (int64_t)least->n[i] || n > ROUNDS || sum != n * (n + 1) / 2) {
      fsm_error err = {.code = FSM_EVERIFY};
      snprintf(err.text, sizeof err.text, "%s: answered up to %u, has %lld, sum %lld", id, least->n[i],
               (long long)n, (long long)sum);
      fail("what was answered is not there", &err);
    }
    out.n[i] = (unsigned)n;
  }
  fsm_arena_free(&arena);
  return out;
}

static void alarms_ring(fsm_runtime *runtime, unsigned count) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < count; i++) {
    char id[32];
    snprintf(id, sizeof id, "a-%u", i);
    for (int tries = 0;; tries++) {
      fsm_value at = fsm_null();
      if (!instance(runtime, id, &arena, &at)) fail("an alarm that was answered is not there", NULL);
      const fsm_value *status = fsm_map_get(&at, "status");
      int64_t n = whole(fsm_map_get(&at, "context"), "n");
      if (n > 1) fail("a timer fired twice", NULL);
      if (n == 1 && status && status->len == 9) break;
      if (tries > 2000) fail("a timer does not fire", NULL);
      sleep_ms(2);
    }
  }
  fsm_arena_free(&arena);
}

/* The last of each is said again, under its key: the first answer, and nothing moves. */
static void say_again(fsm_runtime *runtime, const shown *at, const char *payload) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < COUNTERS; i++) {
    char id[32], idem[32];
    fsm_pair pairs[2];
    fsm_answer answer;
    if (at->n[i] == 0 || (later && at->n[i] <= ROUNDS / 2)) continue; /* its key is over */
    fsm_command command = add(i, at->n[i], id, idem, pairs, payload, payload_of(i, at->n[i]));
    if (fsm_call(runtime, &command, &arena, &answer) != FSM_OK) fail("a repeated command", &answer.error);
    if (!answer.replayed) fail("a repeated command was taken again", NULL);
  }
  fsm_arena_free(&arena);
}

static void verify(fsm_runtime *runtime) {
  fsm_verified verified;
  fsm_error err = {.text = ""};
  if (fsm_runtime_verify(runtime, &verified, &err) != FSM_OK) fail("it does not verify", &err);
}

/* Opens what is left and looks. With `again`, the power goes once more: at any moment after it was shown, or
 * before. */
static void check_image(const char *dir, const char *base, const shown *least, const char *payload,
                        uint64_t noise, bool again, bool thorough) {
  later = least->later;
  if (again) trace_begin(dir);
  fsm_runtime *runtime = open_at(dir);
  shown got = look(runtime, least);
  if (again) trace_mark(UINT64_MAX);
  if (thorough) {
    alarms_ring(runtime, least->alarms);
    say_again(runtime, &got, payload);
    verify(runtime);
  }
  fsm_runtime_close(runtime);
  if (!again) return;
  trace t = trace_end();
  disk *d = disk_of(&t, base);
  size_t shown_at = 0;
  while (shown_at < t.count && (t.ops[shown_at].kind != OP_MARK || t.ops[shown_at].at != UINT64_MAX))
    shown_at++;
  size_t end = (size_t)(noise_next(&noise) % (t.count + 1));
  disk_go(d, disk_made(d) + end);
  remove_tree(dir);
  disk_crash(d, (loss)(noise_next(&noise) % LOSS_COUNT), &noise, dir);
  disk_free(d);
  trace_free(&t);
  runtime = open_at(dir);
  (void)look(runtime, end > shown_at ? &got : least);
  if (thorough) verify(runtime);
  fsm_runtime_close(runtime);
}

static shown answered_before(const trace *t, size_t end) {
  shown out = {.alarms = 0};
  for (size_t i = 0; i < end; i++) {
    if (t->ops[i].kind != OP_MARK) continue;
    out.later = out.later || t->ops[i].at == LATER_MARK;
    if (t->ops[i].at == LATER_MARK) continue;
    unsigned who = (unsigned)(t->ops[i].at >> 32), n = (unsigned)t->ops[i].at;
    if (who < COUNTERS)
      out.n[who] = n;
    else if (n > 0)
      out.alarms = n;
  }
  return out;
}

/* ---- all ---------------------------------------------------------------------------------------- */

typedef struct plan {
  unsigned images;
  uint64_t seed;
  bool keep;
  char dir[512];
} plan;

static void tell(const plan *p, unsigned image, size_t at, loss how, uint64_t noise) {
  printf("power: image %u of seed %llu: after operation %zu, loss %d, noise %llu; the directory is %s\n",
         image, (unsigned long long)p->seed, at, (int)how, (unsigned long long)noise, p->dir);
}

static bool one_image(const plan *p, const disk *d, const trace *t, size_t at, unsigned image,
                      uint64_t *noise, const char *payload) {
  char dir[600], base[600];
  loss how = (loss)(noise_next(noise) % LOSS_COUNT);
  bool again = image % 2 == 1, thorough = image % 4 < 2;
  uint64_t before = *noise;
  snprintf(dir, sizeof dir, "%s/image", p->dir);
  snprintf(base, sizeof base, "%s/base", p->dir);
  disk_crash(d, how, noise, dir);
  uint64_t repeated = before;
  if (again) disk_crash(d, how, &repeated, base);
  shown least = answered_before(t, at);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(CHECK_SECONDS);
    check_image(dir, base, &least, payload, *noise, again, thorough);
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!good) {
    if (WIFSIGNALED(status)) printf("power: ended by signal %d\n", WTERMSIG(status));
    tell(p, image, at, how, before);
  }
  if (good || !p->keep) {
    remove_tree(dir);
    remove_tree(base);
  }
  return good;
}

static unsigned all_images(const plan *p, const trace *t, uint64_t *noise, const char *payload) {
  disk *d = disk_new(t);
  unsigned bad = 0;
  for (unsigned i = 0; i < p->images && bad < 10; i++) {
    size_t at = (size_t)((uint64_t)t->count * (i + 1) / p->images);
    if (at > 0) at -= (size_t)(noise_next(noise) % ((uint64_t)t->count / p->images + 1)) % at;
    disk_go(d, at);
    bad += !one_image(p, d, t, at, i, noise, payload);
  }
  disk_free(d);
  return bad;
}

int main(int argc, char *argv[]) {
  plan p = {.images = 60, .seed = 1};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--keep") == 0)
      p.keep = true;
    else if (strcmp(argv[i], "--images") == 0 && i + 1 < argc)
      p.images = (unsigned)strtoul(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
      p.seed = strtoull(argv[++i], NULL, 10);
    else
      return fputs("usage: power [--images N] [--seed S] [--keep]\n", stderr), 2;
  }
  const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(p.dir, sizeof p.dir, "%s/fsm-power-XXXXXX", tmp);
  if (p.images == 0 || mkdtemp(p.dir) == NULL) return fputs("power: no scratch directory\n", stderr), 1;
  char data[600], *payload = malloc(PAYLOAD_MAX);
  uint64_t noise = p.seed * 0x9E3779B97F4A7C15u | 1;
  if (payload == NULL) return 1;
  memset(payload, 'x', PAYLOAD_MAX);
  snprintf(data, sizeof data, "%s/data", p.dir);
  mkdir(data, 0700);
  trace_begin(data);
  work(data, payload, &noise);
  trace t = trace_end();
  unsigned bad = all_images(&p, &t, &noise, payload);
  printf("power: seed %llu: %zu operations, %u images, %u bad\n", (unsigned long long)p.seed, t.count,
         p.images, bad);
  trace_free(&t);
  free(payload);
  if (!p.keep || bad == 0) remove_tree(p.dir);
  return bad ? 1 : 0;
}

/* bench_cli.c: what an operator waits for, and what that costs those who send events.
 *
 * A store of FSM_BENCH_INSTANCES instances (1 M) that a seed makes, or a copy of the one in FSM_BENCH_STORE,
 * with fsmd on it and 5,000 events a second over HTTP meanwhile. Times are of the whole process of fsm-cli,
 * from its start to its end, the median of several; raw: fsm-cli --help. Everything runs on the processors
 * that there are: the clients, the daemon and fsm-cli share them. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_http.h"

enum {
  RATE = 5000,
  TIMES = 9,
  TOUCHES = 1000,
  ROUNDS = 6,
  ARGS_MAX = 16,
  PATH_SIZE = 700,
  READ_BYTES = 256 * 1024
};

typedef struct scene {
  http_daemon daemon;
  http_sends *sends;
  unsigned instances;
  char cli[600], one[160]; /* one: an instance that waits for somebody */
  pthread_t loader;
  _Atomic bool stop;
  double sent; /* a second, while it was loaded */
} scene;

/* ---- processes ---------------------------------------------------------------------------------- */

static void run(char *const argv[], const char *out) {
  int status = 0;
  pid_t child = fork();
  if (child < 0) give_up("no process can be made");
  if (child == 0) {
    if (freopen(out, "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL) _exit(1);
    execv(argv[0], argv);
    _exit(127);
  }
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up("%s %s failed: %#x", argv[0], argv[1], status);
}

/* fsm-cli with these words, asking the daemon: ms. */
static double cli_ms(const scene *s, const char *const words[], const char *out) {
  const char *argv[ARGS_MAX] = {s->cli, "--socket", s->daemon.socket};
  unsigned count = 3;
  for (unsigned i = 0; words[i] != NULL; i++) argv[count++] = words[i];
  argv[count] = NULL;
  const double begin = now_s();
  run((char *const *)(uintptr_t)argv, out);
  return (now_s() - begin) * 1000;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_ms(const scene *s, const char *const words[]) {
  double ms[TIMES];
  (void)cli_ms(s, words, "/dev/null");
  for (unsigned i = 0; i < TIMES; i++) ms[i] = cli_ms(s, words, "/dev/null");
  qsort(ms, TIMES, sizeof *ms, ascending);
  return ms[TIMES / 2];
}

/* ---- the store ---------------------------------------------------------------------------------- */

static void make_store(scene *s, const char *data) {
  const char *given = getenv("FSM_BENCH_INSTANCES"), *store = getenv("FSM_BENCH_STORE");
  char seeded[600], cp[] = "/bin/cp";
  bench_program("tests/seeded", seeded, sizeof seeded);
  const char *count = given != NULL ? given : "1000000";
  const char *const make[] = {seeded, data, "--instances", count, "--until", "now", NULL};
  const char *const copy[] = {cp, "-a", store, data, NULL};
  s->instances = (unsigned)strtoul(count, NULL, 10);
  run((char *const *)(uintptr_t)(store != NULL ? copy : make), "/dev/null");
}

static void touch(const scene *s) {
  static char bytes[2048], answer[HTTP_ANSWER_MAX];
  static const char body[] = "{\"event\":\"TOUCH\"}";
  const int fd = http_connect(s->daemon.port);
  const int len =
      snprintf(bytes, sizeof bytes,
               "POST /v1/instances/i-00009999/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: "
               "Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               s->daemon.tokens[0], sizeof body - 1, body);
  if (len < 0 || (size_t)len >= sizeof bytes) give_up("a token is too long");
  for (unsigned i = 0; i < TOUCHES; i++)
    if (http_ask(fd, bytes, (size_t)len, answer, sizeof answer) != 200) give_up("TOUCH: %.300s", answer);
  close(fd);
}

static void find_one(scene *s, const char *dir) {
  static const char *const words[] = {"ls",      "-m", "loan", "-s", "review", "--open",
                                      "--limit", "1",  "-o",   "id", NULL};
  char path[PATH_SIZE];
  snprintf(path, sizeof path, "%s/one", dir);
  (void)cli_ms(s, words, path);
  FILE *file = fopen(path, "r");
  if (file == NULL || fgets(s->one, sizeof s->one, file) == NULL) give_up("no loan waits for somebody");
  fclose(file);
  s->one[strcspn(s->one, "\n")] = '\0';
}

/* Made once for all figures and runs; the daemon ends with this program. */
static scene *scene_of(void) {
  static scene s;
  static bool made;
  char data[PATH_SIZE];
  if (made) return &s;
  made = true;
  const char *dir = bench_keep("cli");
  snprintf(data, sizeof data, "%s/fsmd", dir);
  bench_program("fsm-cli", s.cli, sizeof s.cli);
  make_store(&s, data);
  http_daemon_start(&s.daemon, dir);
  http_daemon_fill(&s.daemon, HTTP_INSTANCES);
  touch(&s);
  find_one(&s, dir);
  s.sends = http_sends_new(&s.daemon);
  return &s;
}

/* ---- under load --------------------------------------------------------------------------------- */

static void *load(void *arg) {
  scene *s = arg;
  const double begin = now_s();
  uint64_t answers = 0;
  while (!atomic_load(&s->stop)) answers += http_drive_paced(&s->daemon, s->sends, RATE, 0.25).answers;
  s->sent = (double)answers / (now_s() - begin);
  return NULL;
}

static void load_begin(scene *s) {
  atomic_store(&s->stop, false);
  if (pthread_create(&s->loader, NULL, load, s) != 0) give_up("no thread");
  nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
}

static void load_end(scene *s) {
  atomic_store(&s->stop, true);
  pthread_join(s->loader, NULL);
  if (getenv("FSM_BENCH_TELL") != NULL) fprintf(stderr, "bench: %.0f events/s meanwhile\n", s->sent);
}

static sample page(const char *const words[]) {
  static const char *const help[] = {"--help", NULL}; /* --version loads libcurl */
  scene *s = scene_of();
  load_begin(s);
  const sample out = {.value = median_ms(s, words), .raw = median_ms(s, help)};
  load_end(s);
  return out;
}

sample ls_first_page(const char *dir, double seconds) {
  (void)dir, (void)seconds;
  return page((const char *const[]){"ls", NULL});
}

sample stuck_first_page(const char *dir, double seconds) {
  (void)dir, (void)seconds;
  return page((const char *const[]){"stuck", "--for", "1d", NULL});
}

sample why_one(const char *dir, double seconds) {
  (void)dir, (void)seconds;
  return page((const char *const[]){"why", scene_of()->one, NULL});
}

sample log_1000(const char *dir, double seconds) {
  (void)dir, (void)seconds;
  return page((const char *const[]){"log", "i-00009999", "--limit", "1000", NULL});
}

/* ---- walks -------------------------------------------------------------------------------------- */

/* How long it takes to read the files whose names end so, in seconds. */
static double reading_s(const char *dir, const char *end) {
  static char bytes[READ_BYTES];
  const double begin = now_s();
  DIR *files = opendir(dir);
  if (files == NULL) give_up("%s cannot be read", dir);
  for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
    char path[PATH_SIZE + 300];
    const size_t len = strlen(entry->d_name);
    if (len < strlen(end) || strcmp(entry->d_name + len - strlen(end), end) != 0) continue;
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && read(fd, bytes, sizeof bytes) > 0) continue;
    if (fd >= 0) close(fd);
  }
  closedir(files);
  return now_s() - begin;
}

static const char *const where[] = {
    "ls", "--where", "has(context.amount) && context.amount == -1", "--all", "-o", "json", NULL};
static const char *const nowhere[] = {"search", "no such text", "--since", "2020-01-01",
                                      "--all",  "-o",           "json",    NULL};

sample scan_where(const char *dir, double seconds) {
  (void)dir, (void)seconds;
  scene *s = scene_of();
  char store[PATH_SIZE];
  snprintf(store, sizeof store, "%s/store", s->daemon.dir);
  load_begin(s);
  const double ms = cli_ms(s, where, "/dev/null"), read_s = reading_s(store, ".mdb");
  load_end(s);
  const double instances = s->instances + HTTP_INSTANCES;
  return (sample){.value = instances / ms * 1000, .raw = instances / read_s};
}

sample search_all(const char *dir, double seconds) {
  (void)dir, (void)seconds;
  scene *s = scene_of();
  char segments[PATH_SIZE];
  snprintf(segments, sizeof segments, "%s/journal/0", s->daemon.dir);
  const double records = (double)http_daemon_seq(&s->daemon);
  load_begin(s);
  const double ms = cli_ms(s, nowhere, "/dev/null"), read_s = reading_s(segments, ".seg");
  load_end(s);
  if (getenv("FSM_BENCH_TELL") != NULL) fprintf(stderr, "bench: %.0f records in %.0f ms\n", records, ms);
  return (sample){.value = records / ms * 1000, .raw = records / read_s};
}

/* ---- what it costs ------------------------------------------------------------------------------ */

typedef struct asking {
  scene *of;
  bool walks;
  _Atomic bool stop;
  unsigned asked;
} asking;

static void *ask(void *arg) {
  asking *a = arg;
  const char *const stuck[] = {"stuck", "--for", "1d", NULL}, *const ls[] = {"ls", NULL},
                    *const why[] = {"why", a->of->one, NULL}, *const log[] = {"log", a->of->one, NULL};
  const char *const *const brief[] = {stuck, ls, why, log, where, nowhere}, *const *const walks[] = {where,
                                                                                                     nowhere};
  for (double due = now_s(); !atomic_load(&a->stop); a->asked++) {
    (void)cli_ms(a->of, a->walks ? walks[a->asked % 2] : brief[a->asked % 6], "/dev/null");
    for (due += 1; !a->walks && now_s() < due && !atomic_load(&a->stop);)
      nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  return NULL;
}

/* As fast as they are answered, while somebody asks. */
static double drive_asked(asking *a, double seconds) {
  scene *s = a->of;
  pthread_t thread;
  atomic_store(&a->stop, false);
  if (pthread_create(&thread, NULL, ask, a) != 0) give_up("no thread");
  const double rate = http_drive_paced(&s->daemon, s->sends, 0, seconds).rate;
  atomic_store(&a->stop, true);
  pthread_join(thread, NULL); /* what was asked last is not in the time of those who ask nothing */
  return rate;
}

/* With somebody who asks and without, in turn and in changing order: what a machine does beside, and what
 * changes as a store grows, is in both. */
static sample cost(double seconds, bool walks) {
  scene *s = scene_of();
  asking a = {.of = s, .walks = walks};
  double with = 0, without = 0;
  (void)http_drive_paced(&s->daemon, s->sends, 0, seconds / ROUNDS);
  for (unsigned i = 0; i < ROUNDS; i++) {
    if (i % 2 == 0) with += drive_asked(&a, seconds / ROUNDS);
    without += http_drive_paced(&s->daemon, s->sends, 0, seconds / ROUNDS).rate;
    if (i % 2 == 1) with += drive_asked(&a, seconds / ROUNDS);
  }
  if (a.asked == 0) give_up("nothing was asked");
  return (sample){.value = with / ROUNDS, .raw = without / ROUNDS};
}

sample cli_cost(const char *dir, double seconds) {
  (void)dir;
  return cost(seconds, false);
}

sample cli_cost_walks(const char *dir, double seconds) {
  (void)dir;
  return cost(seconds, true);
}

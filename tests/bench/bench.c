/* bench.c: tools/bench [NAME…] [--json] [--runs N] [--seconds S] [--dir DIR]
 *
 * One line per figure. The runs of all figures are interleaved, so that a slow moment of the machine
 * falls on all of them; value and raw are medians, min and max those of the value. */
#include "bench.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 99 };

static const figure figures[] = {
    {"engine_live", "steps/s", engine_live},
    {"engine_instance", "steps/s", engine_instance},
    {"guard_small", "ns", guard_small},
    {"guard_wide", "ns", guard_wide},
    {"regions_5_touch_1", "ns/step", regions_5_touch_1}, /* 50 states; raw: one region of ten */
    {"regions_20_touch_1", "ns/step", regions_20_touch_1},
    {"regions_100_touch_1", "ns/step", regions_100_touch_1},
    {"regions_20_touch_20", "ns/step", regions_20_touch_20},
    {"compile_1000", "ms", compile_1000},
#define X(name) \
  {"limit_" #name "_ms", "ms", limit_##name##_ms}, {"limit_" #name "_mb", "MB", limit_##name##_mb},
    LIMIT_CASES(X)
#undef X
        {"durable_c1", "transitions/s", durable_c1},
    {"durable_c64_10k", "transitions/s", durable_c64_10k},
    {"latency_p50", "ms", latency_p50},
    {"latency_p99", "ms", latency_p99},
    {"latency_max", "ms", latency_max},
    {"verify_chain", "records/s", verify_chain},
    {"replay", "records/s", replay},
    {"durable_c64_1m_hot", "transitions/s", durable_c64_1m_hot},
    {"durable_c64_1m_uniform", "transitions/s", durable_c64_1m_uniform},
    {"bytes_per_transition", "bytes", bytes_per_transition}, /* raw: the journal's own */
    /* a seeded store of 1 M instances under 5,000 events a second; raw of what is in ms: fsm-cli --help */
    {"ls_first_page", "ms", ls_first_page},
    {"stuck_first_page", "ms", stuck_first_page},
    {"why", "ms", why_one},
    {"log_1000", "ms", log_1000},
    {"scan_where", "instances/s", scan_where},     /* raw: the store's file read once */
    {"search_all", "records/s", search_all},       /* raw: the journal's files read once */
    {"cli_cost", "sends/s", cli_cost},             /* a command each second; raw: none */
    {"cli_cost_walks", "sends/s", cli_cost_walks}, /* scans and searches without a pause; raw: none */
    {"memory_idle_1m", "MB", memory_idle_1m},
    {"memory_load_1m", "MB", memory_load_1m},
    {"restart_1m", "s", restart_1m},
    {"snapshot_1m", "s", snapshot_1m},
    {"snapshot_stall", "ms", snapshot_stall},
    {"rebuild_1m", "s", rebuild_1m},
    {"lmdb_per_commit", "transitions/s", lmdb_per_commit},
    {"publish_nats", "records/s", publish_nats},
    {"publish_latency_p50", "ms", publish_latency_p50}, /* commit to subscriber */
    {"publish_latency_p99", "ms", publish_latency_p99},
    {"publish_cost_half", "transitions/s", publish_cost_half}, /* raw: without a publisher */
    {"publish_cost_peak", "transitions/s", publish_cost_peak},
    {"publish_lag", "records", publish_lag}, /* at the end of peak */
    {"publish_catch_up", "s", publish_catch_up},
    {"publish_outage", "ms", publish_outage},  /* raw: with NATS there */
    {"format_json", "records/s", format_json}, /* raw: the same text copied */
    {"publish_file", "records/s", publish_file},
    {"http_send", "sends/s", http_send}, /* raw: a bare libmicrohttpd with the same answer */
    {"http_send_p99", "ms", http_send_p99},
    {"http_read", "reads/s", http_read},
    {"http_stream", "sends/s", http_stream}, /* beside 1,000 streams; raw: without them */
    {"http_stream_deliveries", "records/s", http_stream_deliveries},
    {"http_stream_cpu", "us/send", http_stream_cpu},
    {"http_scraped", "sends/s", http_scraped}, /* /metrics each second, 100k instances; raw: without */
    {"http_scraped_cpu", "us/send", http_scraped_cpu},
    {"http_idle_10k", "MB", http_idle_10k},
    {"http_bare", "answers/s", http_bare_library}, /* that server; raw: a bare epoll */
};
enum { FIGURES = sizeof figures / sizeof figures[0] };

typedef struct options {
  bool wanted[FIGURES], json;
  unsigned runs;
  double seconds;
  const char *dir;
} options;

double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void give_up(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(1);
}

static char kept[512]; /* a directory for what all runs use; made when it is first asked for */
static const char *kept_in;

const char *bench_keep(const char *name) {
  static char path[600];
  if (kept[0] == '\0') {
    snprintf(kept, sizeof kept, "%s/fsm-bench-kept-XXXXXX", kept_in);
    if (mkdtemp(kept) == NULL) give_up("no scratch directory in %s", kept_in);
  }
  snprintf(path, sizeof path, "%s/%s", kept, name);
  if (mkdir(path, 0700) != 0) give_up("%s cannot be made", path);
  return path;
}

void bench_program(const char *name, char *out, size_t size) {
  char self[512];
  ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
  if (len <= 0) give_up("where this program is cannot be told");
  self[len] = '\0';
  for (int up = 0; up < 2; up++) *strrchr(self, '/') = '\0';
  snprintf(out, size, "%s/%s", self, name);
}

void remove_tree(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char child[1024];
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >= (int)sizeof child) continue;
    if (entry->d_type == DT_DIR)
      remove_tree(child);
    else
      unlink(child);
  }
  closedir(dir);
  rmdir(path);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, unsigned count) {
  qsort(values, count, sizeof *values, ascending);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print(const figure *f, const sample *samples, unsigned runs, bool json) {
  double values[RUNS_MAX], raws[RUNS_MAX];
  for (unsigned i = 0; i < runs; i++) values[i] = samples[i].value, raws[i] = samples[i].raw;
  double value = median(values, runs), raw = median(raws, runs);
  const int digits = value < 1000 ? 2 : 0;
  const char *form = json ? "{\"bench\":\"%s\",\"value\":%.*f,\"unit\":\"%s\",\"raw\":%.*f,\"ratio\":%.3f,"
                            "\"runs\":%u,\"min\":%.*f,\"max\":%.*f}\n"
                          : "%-25s %11.*f %-13s raw %.*f  ratio %.3f  runs %u  min %.*f  max %.*f\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  printf(form, f->name, digits, value, f->unit, digits, raw, raw > 0 ? value / raw : 0, runs, digits,
         values[0], digits, values[runs - 1]);
#pragma GCC diagnostic pop
  fflush(stdout);
}

static void usage(FILE *to) {
  fputs("usage: tools/bench [NAME…] [--json] [--runs N] [--seconds S] [--dir DIR]\nfigures:", to);
  for (unsigned i = 0; i < FIGURES; i++) fprintf(to, " %s", figures[i].name);
  fputc('\n', to);
}

static const char *operand(char **argv, int argc, int *i) {
  if (*i + 1 >= argc) give_up("%s needs a value", argv[*i]);
  return argv[++*i];
}

/* All whose names the pattern of the shell matches; false when there is none. */
static bool want(options *out, const char *pattern) {
  bool found = false;
  for (unsigned f = 0; f < FIGURES; f++)
    if (fnmatch(pattern, figures[f].name, 0) == 0) out->wanted[f] = found = true;
  return found;
}

static void parse(int argc, char **argv, options *out) {
  bool any = false;
  *out = (options){.runs = 3, .seconds = 4, .dir = "."};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      out->json = true;
    else if (strcmp(argv[i], "--runs") == 0)
      out->runs = (unsigned)strtoul(operand(argv, argc, &i), NULL, 10);
    else if (strcmp(argv[i], "--seconds") == 0)
      out->seconds = strtod(operand(argv, argc, &i), NULL);
    else if (strcmp(argv[i], "--dir") == 0)
      out->dir = operand(argv, argc, &i);
    else if (strcmp(argv[i], "--help") == 0)
      usage(stdout), exit(0);
    else if (!want(out, argv[i]))
      usage(stderr), give_up("there is no figure \"%s\"", argv[i]);
    else
      any = true;
  }
  if (out->runs < 1 || out->runs > RUNS_MAX || out->seconds <= 0)
    give_up("--runs takes 1 to %d, --seconds more than 0", RUNS_MAX);
  for (unsigned f = 0; f < FIGURES && !any; f++) out->wanted[f] = true;
}

int main(int argc, char **argv) {
  static sample samples[FIGURES][RUNS_MAX];
  options o;
  if (argc == 6 && strcmp(argv[1], "--bare-publish") == 0) return bench_bare_publish(argv + 2);
  parse(argc, argv, &o);
  kept_in = o.dir;
  for (unsigned run = 0; run < o.runs; run++) {
    for (unsigned f = 0; f < FIGURES; f++) {
      char dir[512];
      if (!o.wanted[f]) continue;
      snprintf(dir, sizeof dir, "%s/fsm-bench-XXXXXX", o.dir);
      if (mkdtemp(dir) == NULL) give_up("no scratch directory in %s", o.dir);
      samples[f][run] = figures[f].run(dir, o.seconds);
      remove_tree(dir);
    }
  }
  for (unsigned f = 0; f < FIGURES; f++)
    if (o.wanted[f]) print(&figures[f], samples[f], o.runs, o.json);
  if (kept[0] != '\0') remove_tree(kept);
  return 0;
}

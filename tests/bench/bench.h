/* bench.h: figures and the raw limits beside them. A figure is a function that runs once and gives ops/s
 * and, taken right after it in the same directory, the raw limit; bench.c interleaves the runs and prints
 * medians. */
#ifndef FSM_BENCH_H
#define FSM_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct sample {
  double value; /* of the figure, in its unit */
  double raw;   /* of the physical limit, same unit; 0 = none */
} sample;

typedef struct figure {
  const char *name, *unit;
  sample (*run)(const char *dir, double seconds);
} figure;

sample engine_live(const char *dir, double seconds);
sample engine_instance(const char *dir, double seconds);
sample regions_5_touch_1(const char *dir, double seconds);
sample regions_20_touch_1(const char *dir, double seconds);
sample regions_100_touch_1(const char *dir, double seconds);
sample regions_20_touch_20(const char *dir, double seconds);
sample compile_1000(const char *dir, double seconds);
sample guard_small(const char *dir, double seconds);
sample guard_wide(const char *dir, double seconds);
sample durable_c1(const char *dir, double seconds);
sample durable_c64_10k(const char *dir, double seconds);
sample durable_c64_1m_hot(const char *dir, double seconds);
sample durable_c64_1m_uniform(const char *dir, double seconds);
sample bytes_per_transition(const char *dir, double seconds);
sample latency_p50(const char *dir, double seconds);
sample latency_p99(const char *dir, double seconds);
sample latency_max(const char *dir, double seconds);
sample verify_chain(const char *dir, double seconds);
sample replay(const char *dir, double seconds);
sample restart_1m(const char *dir, double seconds);
sample memory_idle_1m(const char *dir, double seconds);
sample memory_load_1m(const char *dir, double seconds);
sample stuck_first_page(const char *dir, double seconds);
sample ls_first_page(const char *dir, double seconds);
sample scan_where(const char *dir, double seconds);
sample why_one(const char *dir, double seconds);
sample log_1000(const char *dir, double seconds);
sample search_all(const char *dir, double seconds);
sample cli_cost(const char *dir, double seconds);
sample cli_cost_walks(const char *dir, double seconds);
sample snapshot_1m(const char *dir, double seconds);
sample snapshot_stall(const char *dir, double seconds);
sample rebuild_1m(const char *dir, double seconds);
sample lmdb_per_commit(const char *dir, double seconds);
/* The bare program beside it, a process of its own: url, bytes of payload, of headers, count. */
int bench_bare_publish(char **argv);
sample publish_nats(const char *dir, double seconds);
sample publish_latency_p50(const char *dir, double seconds);
sample publish_latency_p99(const char *dir, double seconds);
sample publish_cost_half(const char *dir, double seconds);
sample publish_cost_peak(const char *dir, double seconds);
sample publish_lag(const char *dir, double seconds);
sample publish_catch_up(const char *dir, double seconds);
sample publish_outage(const char *dir, double seconds);
sample http_send(const char *dir, double seconds);
sample http_send_p99(const char *dir, double seconds);
sample http_read(const char *dir, double seconds);
sample http_stream(const char *dir, double seconds);
sample http_stream_deliveries(const char *dir, double seconds);
sample http_stream_cpu(const char *dir, double seconds);
sample http_scraped(const char *dir, double seconds);
sample http_scraped_cpu(const char *dir, double seconds);
sample http_idle_10k(const char *dir, double seconds);
sample http_bare_library(const char *dir, double seconds);
sample format_json(const char *dir, double seconds);
sample publish_file(const char *dir, double seconds);

/* Definitions as large as they may be (bench_limits.c). */
#define LIMIT_CASES(X) X(flat) X(nested) X(regions) X(json) X(json_transitions) X(scxml)
#define X(name)                                              \
  sample limit_##name##_ms(const char *dir, double seconds); \
  sample limit_##name##_mb(const char *dir, double seconds);
LIMIT_CASES(X)
#undef X

/* Overwrites a zero-written file, batch_bytes and an fdatasync at a time: batches per second. */
double raw_overwrite(const char *dir, size_t batch_bytes, double seconds);

/* A directory of this name that stays until the program ends, for what takes long to make. */
const char *bench_keep(const char *name);
/* The path of another program of this build. */
void bench_program(const char *name, char *out, size_t size);

double now_s(void);
/* Anonymous memory of a process. */
double rss_anon_mb(pid_t pid);
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
void remove_tree(const char *path);

#endif

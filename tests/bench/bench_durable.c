/* bench_durable.c: durable transitions per second through the library.
 *
 * The raw limit is an overwrite log with as many bytes per fdatasync as the journal wrote per batch. A
 * million instances take a while to make: they are made once, in the first run, and used by all figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"

enum { SMALL = 10000, MILLION = 1000000, WARM_S = 1 };

static sample run(ring *r, const char *dir, unsigned clients, spread how, double seconds) {
  fsm__journal_stats before, after;
  fsm__journal *journal = fsm__runtime_journal(ring_open(r));
  (void)ring_run(r, clients, how, WARM_S);
  fsm__journal_stats_get(journal, &before);
  sample s = {.value = ring_run(r, clients, how, seconds)};
  fsm__journal_stats_get(journal, &after);
  ring_close(r);
  uint64_t batches = after.batches - before.batches, records = after.records - before.records;
  size_t bytes = batches > 0 ? (size_t)((after.bytes - before.bytes) / batches) : 512;
  s.raw = raw_overwrite(dir, bytes, seconds / 2) * (double)records / (double)(batches ? batches : 1);
  return s;
}

static sample small(const char *dir, unsigned clients, double seconds) {
  ring *r = ring_new(dir, SMALL);
  ring_close(r);
  sample s = run(r, dir, clients, SPREAD_EVEN, seconds);
  ring_free(r);
  return s;
}

sample durable_c1(const char *dir, double seconds) { return small(dir, 1, seconds); }
sample durable_c64_10k(const char *dir, double seconds) { return small(dir, 64, seconds); }

/* ---- a million ---------------------------------------------------------------------------------- */

ring *million(void) {
  static ring *made;
  if (made != NULL) return made;
  const char *dir = bench_keep("million");
  const char *many = getenv("FSM_BENCH_INSTANCES"); /* by hand: ten million */
  made = ring_new(dir, many ? (unsigned)strtoul(many, NULL, 10) : MILLION);
  ring_close(made);
  return made;
}

sample durable_c64_1m_hot(const char *dir, double seconds) {
  return run(million(), dir, 64, SPREAD_HOT, 2 * seconds);
}
sample durable_c64_1m_uniform(const char *dir, double seconds) {
  return run(million(), dir, 64, SPREAD_RANDOM, 2 * seconds);
}

/* ---- bytes -------------------------------------------------------------------------------------- */

/* What this process has given to write calls. Not write_bytes: that counts a whole large folio of the page
 * cache for each of its pages that is written. */
static double written(void) {
  FILE *io = fopen("/proc/self/io", "r");
  char line[128];
  double bytes = 0;
  if (io == NULL) give_up("/proc/self/io cannot be read");
  while (fgets(line, sizeof line, io) != NULL)
    if (strncmp(line, "wchar:", 6) == 0) bytes = strtod(line + 6, NULL);
  fclose(io);
  return bytes;
}

/* Bytes to disk per transition, journal, store, spare segments and all, to the end of the last round. */
sample bytes_per_transition(const char *dir, double seconds) {
  (void)dir;
  ring *r = million();
  fsm__journal_stats before, after;
  fsm__journal *journal = fsm__runtime_journal(ring_open(r));
  (void)ring_run(r, 64, SPREAD_HOT, WARM_S);
  fsm__journal_stats_get(journal, &before);
  double begin = written();
  (void)ring_run(r, 64, SPREAD_HOT, 2 * seconds);
  fsm__journal_stats_get(journal, &after);
  uint64_t records = after.records - before.records;
  sample s = {.raw = (double)(after.bytes - before.bytes) / (double)(records ? records : 1)};
  ring_close(r);
  s.value = (written() - begin) / (double)(records ? records : 1);
  return s;
}

/* ---- latency ------------------------------------------------------------------------------------ */

/* At half of the rate that 64 clients reach in the same run. */
static latency half_of_peak(const char *dir, double seconds) {
  ring *r = ring_new(dir, SMALL);
  double peak = ring_run(r, 64, SPREAD_EVEN, seconds / 2);
  latency l = ring_paced(r, SPREAD_EVEN, peak / 2, seconds);
  ring_free(r);
  return l;
}

sample latency_p50(const char *dir, double seconds) {
  return (sample){.value = half_of_peak(dir, seconds).p50};
}
sample latency_p99(const char *dir, double seconds) {
  return (sample){.value = half_of_peak(dir, seconds).p99};
}
sample latency_max(const char *dir, double seconds) {
  return (sample){.value = half_of_peak(dir, seconds).max};
}

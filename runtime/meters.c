/* meters.c: which bucket, and which machine. */
#include "runtime/meters.h"

#include <string.h>

#define US INT64_C(1000)
#define MS (1000 * US)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

const int64_t fsm__meter_bounds_ns[FSM_METER_BUCKETS - 1] = {
    1 * US,   2 * US,   5 * US,     10 * US,    20 * US,    50 * US,     100 * US,   200 * US,
    500 * US, 1 * MS,   2 * MS,     5 * MS,     10 * MS,    20 * MS,     50 * MS,    100 * MS,
    200 * MS, 500 * MS, 1 * SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 50 * SECOND};

const int64_t fsm__dwell_bounds_ns[FSM_DWELL_BUCKETS - 1] = {
    1 * SECOND, 10 * SECOND, 60 * SECOND, 300 * SECOND, 900 * SECOND, HOUR,     4 * HOUR,
    12 * HOUR,  DAY,         3 * DAY,     7 * DAY,      30 * DAY,     90 * DAY, 365 * DAY};

static unsigned bucket_of(const int64_t *bounds, unsigned count, int64_t ns) {
  unsigned low = 0, high = count; /* the first bound that is not below */
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (bounds[middle] < ns)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void fsm__span_meter_add(fsm__span_meter *meter, int64_t ns) {
  if (ns < 0) ns = 0; /* a clock that was set back */
  fsm__meter_add(&meter->buckets[bucket_of(fsm__meter_bounds_ns, FSM_METER_BUCKETS - 1, ns)], 1);
  fsm__meter_add(&meter->sum_ns, (uint64_t)ns);
}

unsigned fsm__dwell_bucket(int64_t ns) { return bucket_of(fsm__dwell_bounds_ns, FSM_DWELL_BUCKETS - 1, ns); }

void fsm__dwell_meter_add(fsm__dwell_meter *meter, int64_t ns) {
  if (ns < 0) ns = 0;
  fsm__meter_add(&meter->buckets[fsm__dwell_bucket(ns)], 1);
  fsm__meter_add(&meter->sum_ns, (uint64_t)ns);
}

const char *fsm__stage_name(fsm__stage stage) {
  static const char *const names[] = {
#define X(symbol, name) name,
      FSM_STAGES(X)
#undef X
  };
  FSM_ASSERT((unsigned)stage < FSM_STAGE_COUNT);
  return names[stage];
}

const char *fsm__fate_name(fsm__fate fate) {
  static const char *const names[] = {
#define X(symbol, name) name,
      FSM_FATES(X)
#undef X
  };
  FSM_ASSERT((unsigned)fate < FSM_FATE_COUNT);
  return names[fate];
}

/* ---- machines ------------------------------------------------------------------------------------- */

/* Entries are made at the end and never change their name: readers see whole ones. */
static fsm__machine_meters *machine_of(fsm__meters *m, const char *name) {
  const size_t len = name != NULL ? strlen(name) : 0;
  if (len == 0 || len > FSM_METER_NAME_MAX) return &m->machines[0];
  const unsigned count = atomic_load_explicit(&m->machine_count, memory_order_relaxed);
  for (unsigned i = 1; i <= count; i++)
    if (memcmp(m->machines[i].name, name, len + 1) == 0) return &m->machines[i];
  if (count == FSM_METER_MACHINES) return &m->machines[0];
  memcpy(m->machines[count + 1].name, name, len + 1);
  atomic_store_explicit(&m->machine_count, count + 1, memory_order_release);
  return &m->machines[count + 1];
}

void fsm__meters_command(fsm__meters *m, const char *machine, fsm__fate fate, fsm_code refusal) {
  fsm__meter_add(&machine_of(m, machine)->commands[fate], 1);
  if (refusal != FSM_OK) fsm__meter_add(&m->refusals[refusal], 1);
}

void fsm__meters_record(fsm__meters *m, const fsm_record *record) {
  fsm__meter_add(&machine_of(m, record->mach)->records[record->kind], 1);
  if (record->kind == FSM_RECORD_TIMER_FIRED) fsm__span_meter_add(&m->timer_late, record->late_ms * MS);
}

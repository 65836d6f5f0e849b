/* meters.h: what happened since the start, as numbers that anybody may read at any time: how many commands
 * and records, how long the stages of the one path take (DESIGN 4), how long instances stood in their states.
 *
 * A meter is an atomic that only grows. It is written by the thread that does the work, without a lock, and
 * read one by one: a reader sees each number exactly, and a set of them from about one moment. Nothing here
 * is stored: after a start they begin at 0. */
#ifndef FSM_RUNTIME_METERS_H
#define FSM_RUNTIME_METERS_H

#include <stdatomic.h>

#include "runtime/fsm_runtime.h"
#include "schema/record.h"

enum {
  FSM_METER_BUCKETS = 24,   /* of a stage: 10 us … 50 s, in steps of 1, 2, 5 and so on */
  FSM_DWELL_BUCKETS = 15,   /* of a state: 1 s … 365 d */
  FSM_METER_MACHINES = 200, /* that are told apart; further ones share the name "" */
  FSM_METER_NAME_MAX = 64
};
/* Upper bounds, inclusive, of all buckets but the last, which has none. */
extern const int64_t fsm__meter_bounds_ns[FSM_METER_BUCKETS - 1];
extern const int64_t fsm__dwell_bounds_ns[FSM_DWELL_BUCKETS - 1];

typedef _Atomic uint64_t fsm__meter;

static inline void fsm__meter_add(fsm__meter *meter, uint64_t n) {
  atomic_fetch_add_explicit(meter, n, memory_order_relaxed);
}
static inline uint64_t fsm__meter_get(const fsm__meter *meter) {
  return atomic_load_explicit(meter, memory_order_relaxed);
}

typedef struct fsm__span_meter { /* spans of time, by bucket: not cumulated */
  fsm__meter buckets[FSM_METER_BUCKETS];
  fsm__meter sum_ns;
} fsm__span_meter;
void fsm__span_meter_add(fsm__span_meter *meter, int64_t ns);

typedef struct fsm__dwell_meter { /* the same of stays in a state that have ended */
  fsm__meter buckets[FSM_DWELL_BUCKETS];
  fsm__meter sum_ns;
} fsm__dwell_meter;
void fsm__dwell_meter_add(fsm__dwell_meter *meter, int64_t ns);
unsigned fsm__dwell_bucket(int64_t ns);

/* X(symbol, name): the stages of a command on its way. */
#define FSM_STAGES(X)                                                       \
  X(FSM_STAGE_DECIDE, "decide") /* one command: its step and its records */ \
  X(FSM_STAGE_SYNC, "sync")     /* one batch: fdatasync of the journal */   \
  X(FSM_STAGE_COMMIT, "commit") /* one round of the store */                \
  X(FSM_STAGE_ANSWER, "answer") /* one command: from its receipt to its answer */

typedef enum fsm__stage {
#define X(symbol, name) symbol,
  FSM_STAGES(X)
#undef X
      FSM_STAGE_COUNT
} fsm__stage;
const char *fsm__stage_name(fsm__stage stage);

/* X(symbol, name): what became of a command. */
#define FSM_FATES(X)                 \
  X(FSM_FATE_TAKEN, "taken")         \
  X(FSM_FATE_REPLAYED, "replayed")   \
  X(FSM_FATE_UNCHANGED, "unchanged") \
  X(FSM_FATE_REFUSED, "refused")

typedef enum fsm__fate {
#define X(symbol, name) symbol,
  FSM_FATES(X)
#undef X
      FSM_FATE_COUNT
} fsm__fate;
const char *fsm__fate_name(fsm__fate fate);

typedef struct fsm__machine_meters {
  char name[FSM_METER_NAME_MAX + 1];
  fsm__meter commands[FSM_FATE_COUNT];
  fsm__meter records[FSM_RECORD_KIND_COUNT];
} fsm__machine_meters;

typedef struct fsm__meters {
  fsm__span_meter stages[FSM_STAGE_COUNT];
  fsm__span_meter timer_late; /* of timers that fired */
  fsm__meter refusals[FSM_CODE_COUNT];
  _Atomic unsigned machine_count;                       /* entries of machines that have their name */
  fsm__machine_meters machines[FSM_METER_MACHINES + 1]; /* 0: of no machine, and of those without a place */
} fsm__meters;

/* Of a runtime; any thread. */
const fsm__meters *fsm__runtime_meters(fsm_runtime *runtime);

/* What a runtime has on its hands at this moment. */
typedef struct fsm__standing {
  fsm_code refusing;    /* what commands that are no repair are refused with; FSM_OK: they are taken */
  uint64_t seq;         /* of the last durable record */
  uint64_t first_seq;   /* of the oldest that the journal still has */
  size_t queued;        /* commands that wait to be decided */
  uint64_t behind;      /* durable records that the store's file does not have */
  size_t pending_bytes; /* of rows that it does not have */
  size_t map_bytes, used_bytes;
  unsigned views; /* reads under way */
  int64_t oldest_view_ns;
  size_t segments;
  uint64_t journal_bytes;
} fsm__standing;
void fsm__runtime_standing(fsm_runtime *runtime, fsm__standing *out); /* any thread */

/* One writer thread. machine NULL or "" = none. */
void fsm__meters_command(fsm__meters *meters, const char *machine, fsm__fate fate, fsm_code refusal);
void fsm__meters_record(fsm__meters *meters, const fsm_record *record);

#endif

/* filter_impl.h: between the files of filter. */
#ifndef FSM_RUNTIME_FILTER_IMPL_H
#define FSM_RUNTIME_FILTER_IMPL_H

#include <stdatomic.h>

#include "fsm/expr.h"
#include "runtime/filter.h"
#include "runtime/rows.h"

/* A time as it was given: from when it is meant is known when the query runs. */
typedef struct fsm__instant {
  enum { FSM__NEVER, FSM__AT, FSM__AGO, FSM__DAYS_AGO } kind;
  int64_t ns; /* since 1970; before now; before the beginning of today (UTC) */
} fsm__instant;
/* name: of what it is the value, for the fault. */
FSM_MUST_USE fsm_code fsm__instant_read(const char *name, const char *text, fsm__instant *out,
                                        fsm_error *err);
int64_t fsm__instant_ns(const fsm__instant *moment, int64_t now_ns, int64_t if_never);

/* Bits of a status field: those of fsm__status, and two more. */
enum { FSM__ARE_FAILED = 1u << FSM_STATUS_COUNT, FSM__ARE_FORCED = 1u << (FSM_STATUS_COUNT + 1) };

/* X(symbol, name) */
#define FSM__SORTS(X)                                                                                   \
  X(CREATED, "created")                                                                                 \
  X(UPDATED, "updated") X(AGE, "age") X(ID, "id") X(KEY, "key") X(MACHINE, "machine") X(STATE, "state") \
      X(SLA, "sla")

typedef enum fsm__sort {
#define X(symbol, name) FSM__BY_##symbol,
  FSM__SORTS(X)
#undef X
      FSM__SORT_COUNT
} fsm__sort;
const char *fsm__sort_name(fsm__sort sort);

/* What an expression reads of an instance: the members that it names, and of context which. */
typedef struct fsm__condition {
  const fsm_expr *expr;
  uint32_t members; /* a bit for each of fsm__member */
  bool all;         /* of context: any member may be read */
  unsigned count;
  fsm_value names[16]; /* of context, when not all; in ascending order */
} fsm__condition;
/* guard: it has to give a bool. */
FSM_MUST_USE fsm_code fsm__condition_read(fsm_arena *arena, const char *text, bool guard, fsm__condition *out,
                                          fsm_error *err);

typedef struct fsm__filter_entry {
  fsm_filter_field field;
  const char *value;
} fsm__filter_entry;

struct fsm_filter {
  atomic_uint holds;
  fsm_arena arena;
  size_t count;
  fsm__filter_entry entries[FSM_FILTER_ENTRIES_MAX]; /* in the order of the table */
  const char *machine, *state, *user, *correlation;  /* NULL = any */
  uint32_t version;                                  /* 0 = any */
  unsigned status_count;
  uint32_t statuses[FSM_FILTER_STATUSES_MAX]; /* of each one bit has to be */
  unsigned kind_count;
  uint32_t kinds[FSM_FILTER_KINDS_MAX]; /* FSM__KIND_…, of each one has to be */
  const char *key;                      /* as a pattern */
  const char *key_exact, *key_begin;    /* without * and ?: the key; else what is before them */
  unsigned label_count;
  struct {
    const char *name, *value;
  } labels[FSM_LABELS_MAX];
  const char *trace; /* 16 bytes */
  int64_t for_least_ns, for_less_ns;
  fsm__instant since, until, updated_since, updated_until;
  bool has_where;
  fsm__condition where;
  fsm__sort sort;
  bool downwards;
};

/* One more holder; given back by fsm_filter_free. */
fsm_filter *fsm__filter_hold(const fsm_filter *filter);
/* Reads a field's value into the filter; value lives in filter->arena. */
FSM_MUST_USE fsm_code fsm__filter_read_field(fsm_filter *filter, fsm_filter_field field, const char *value,
                                             fsm_error *err);
bool fsm__glob_matches(const char *pattern, const char *text, size_t len);

#endif

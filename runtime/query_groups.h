/* query_groups.h: between the files of FSM_QUERY_GROUPS: by what is counted (query_groups_by.c), what was
 * counted so far (query_groups_count.c). */
#ifndef FSM_RUNTIME_QUERY_GROUPS_H
#define FSM_RUNTIME_QUERY_GROUPS_H

#include "runtime/filter_sieve.h"

enum {
  FSM__GROUP_FIELDS_MAX = 4,
  FSM__GROUPS_MAX = 10000,
  FSM__GROUP_NAME_MAX = 256, /* bytes of a text by which it is grouped */
  FSM__GROUPS_TABLE = 16384
};

typedef struct fsm__group {
  const char *key; /* the values, packed: a list */
  uint32_t key_len, hash;
  uint64_t count, sum_count;
  int64_t oldest_ns; /* since */
  double sum, min, max;
} fsm__group;

typedef struct fsm__groups {
  const char *names[FSM__GROUP_FIELDS_MAX];
  fsm__condition fields[FSM__GROUP_FIELDS_MAX], sum;
  unsigned field_count;
  bool sums;
  fsm__group *at;
  unsigned count;
  uint16_t *table; /* place of a group + 1, by hash */
  fsm_arena *arena;
  fsm_buf key;
} fsm__groups;

/* The fields and the sum of a query. FSM_EARGUMENT, "by", "sum". */
FSM_MUST_USE fsm_code fsm__groups_read(const fsm_query *query, fsm__groups *all, fsm_error *err);
/* Counts a row where it belongs. FSM_ETOOLARGE: too many groups. */
FSM_MUST_USE fsm_code fsm__groups_count(fsm__groups *all, fsm__sieve *sieve, const fsm__glance *glance,
                                        fsm_arena *scratch, fsm_error *err);

#endif

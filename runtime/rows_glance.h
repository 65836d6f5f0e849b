/* rows_glance.h: an instance's row as it lies in the store, without building it: for whoever looks at many
 * and wants few. Texts and packed values point into the row; nothing is copied and little is allocated. */
#ifndef FSM_RUNTIME_ROWS_GLANCE_H
#define FSM_RUNTIME_ROWS_GLANCE_H

#include "runtime/rows.h"

typedef struct fsm__span {
  const char *at; /* NULL = there is none */
  size_t len;
} fsm__span;

typedef struct fsm__glance {
  uint64_t number;
  uint32_t machine, version;
  const fsm__deployed *deployed;
  fsm__span id, key, corr;
  fsm__span labels, context; /* packed */
  fsm__status status;
  unsigned active_count;
  const fsm__since *active; /* in document order, root first; in arena */
  uint64_t rev, last_seq, created_seq;
  int64_t created_ns, updated_ns;
  bool forced;
} fsm__glance;

/* number, value: of a row of `instances`. deployed may hold that of the row before (NULL at first): it is
 * only looked up anew when it is another. The glance lives as long as value and arena. */
FSM_MUST_USE fsm_code fsm__glance_read(fsm__catalog *catalog, uint64_t number, const void *value, size_t len,
                                       fsm_arena *arena, const fsm__deployed *deployed, fsm__glance *out,
                                       fsm_error *err);
/* Its status alone, for whoever passes over most; false: the row cannot be read. */
bool fsm__glance_status(const void *value, size_t len, fsm__status *out);
/* When the leaf that it has been in longest was entered. */
int64_t fsm__glance_since(const fsm__glance *glance);

#endif

/* writer_lost.c: attempts that died with the process before this one.
 *
 * A service of this program that had begun an attempt cannot answer it any more, and the data directory has
 * one process at a time: so the attempt is over as soon as that is seen, not only at its deadline. Looked for
 * once, a slice in each turn, so that nobody waits for it; attempts begun meanwhile are younger than the
 * opening and are left alone, like those that were handed to somebody outside. */
#include "runtime/writer_due.h"

enum { LOST_SLICE = 1024 }; /* rows of the due table in one turn */

typedef struct open_task {
  uint64_t number;
  const char *id;
} open_task;

/* The tasks of the next rows, copied out, so that what is decided about them may change the table. */
static size_t slice(fsm__writer *w, open_task *out) {
  enum { KIND = 24, ID = 25 }; /* where they are in a key (rows.h) */
  fsm__range range;
  fsm__row row;
  bool found = false;
  size_t count = 0, seen = 0;
  fsm_error err;
  fsm__range_open(&range, w->core.store, FSM_T_DUE, NULL, 0);
  if (w->lost_at.len > 0) fsm__range_from(&range, w->lost_at.bytes, w->lost_at.len);
  for (; seen < LOST_SLICE; seen++) {
    fsm_code code = fsm__range_next(&range, &row, &found, &err);
    if (code != FSM_OK) fsm__writer_fatal(w, &err);
    if (!found) break;
    const uint8_t *key = row.key;
    w->lost_at.len = 0;
    fsm__key_add(&w->lost_at, key, row.key_len);
    fsm__key_add(&w->lost_at, "", 1); /* just behind it */
    if (row.key_len <= ID || key[KIND] != 'k') continue;
    const char *id = fsm_arena_strndup(&w->internal, (const char *)key + ID, row.key_len - ID);
    if (id != NULL) out[count++] = (open_task){fsm__key_read_u64(key + 16), id};
  }
  fsm__range_close(&range);
  w->losing = seen == LOST_SLICE;
  return count;
}

static void lose(fsm__writer *w, const open_task *open) {
  fsm__task task;
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, open->number, open->id, &w->internal, &task, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  if (code != FSM_OK || !task.started || fsm__services_find(w->services, task.service) < 0) return;
  fsm__case at = fsm__writer_case(w, &w->internal, &fsm__by_time, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return; /* its deadline is still to come */
  code = fsm__decide_task_lost(&at, open->number, open->id, w->opened_ns, decision, &err);
  fsm__due_take(w, &at, decision, code, &err);
}

void fsm__due_lost(fsm__writer *w) {
  open_task tasks[LOST_SLICE];
  if (!w->losing) return;
  size_t count = slice(w, tasks);
  for (size_t i = 0; i < count && !w->full; i++) lose(w, &tasks[i]);
  if (w->full) { /* what found no room is looked for again */
    w->lost_at.len = 0;
    w->losing = true;
  }
}

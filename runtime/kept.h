/* kept.h: what can be read of the log: the journal and, before its first record, what an archive has of it.
 *
 * The archive's records count from where none is missing up to the journal's first. While it is open the
 * journal lets nothing go, so that nothing is lost between the two. One thread each. */
#ifndef FSM_RUNTIME_KEPT_H
#define FSM_RUNTIME_KEPT_H

#include "runtime/archive_read.h"
#include "runtime/query.h"

typedef struct fsm__kept {
  const fsm__reading *at;
  fsm__archive *archive; /* NULL = none, or not looked into yet */
  fsm__journal_cursor *cursor;
  uint64_t first; /* the oldest that can be read */
  uint64_t here;  /* the journal's first */
} fsm__kept;

/* The journal alone. Close it after a fault, too. */
FSM_MUST_USE fsm_code fsm__kept_open(const fsm__reading *at, fsm__kept *out, fsm_error *err);
void fsm__kept_close(fsm__kept *kept);
/* The archive, too, if there is one and it is needed: it then has what is before the journal. Its faults name
 * file and offset. */
FSM_MUST_USE fsm_code fsm__kept_reach(fsm__kept *kept, fsm_error *err);
bool fsm__kept_reaches(const fsm__kept *kept); /* is there more to be had by that? */

/* FSM_ENOTFOUND: before the first. Valid until the next. */
FSM_MUST_USE fsm_code fsm__kept_read(fsm__kept *kept, uint64_t seq, fsm__journal_entry *out, fsm_error *err);
/* The first of that time or later; the last one that is durable + 1: none is. */
FSM_MUST_USE fsm_code fsm__kept_since(fsm__kept *kept, int64_t ns, uint64_t *seq, fsm_error *err);
/* FSM_ENOTFOUND: what is before kept->first cannot be told, and what would help. */
fsm_code fsm__kept_missing(const fsm__kept *kept, const char *where, fsm_error *err);

/* The records of one instance or correlation behind `after` and before `before`, oldest first. */
typedef struct fsm__kept_walk {
  fsm__kept *kept;
  fsm__find_what what;
  fsm__find wanted;
  fsm__finder *finder; /* NULL: still in the archive */
} fsm__kept_walk;
FSM_MUST_USE fsm_code fsm__kept_find(fsm__kept *kept, fsm__find_what what, const char *text, uint64_t after,
                                     uint64_t before, fsm__kept_walk *out, fsm_error *err);
/* FSM_ECLOSED: nobody waits any more. */
FSM_MUST_USE fsm_code fsm__kept_next(fsm__kept_walk *walk, fsm__journal_entry *out, bool *found,
                                     fsm_error *err);
void fsm__kept_end(fsm__kept_walk *walk);

#endif

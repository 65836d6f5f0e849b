/* archive_read_impl.h: between the files of archive_read.h: which segments lie there (archive_files.c), one of
 * them (archive_segment.c), its records (archive_read.c), those that name something (archive_find.c). */
#ifndef FSM_RUNTIME_ARCHIVE_READ_IMPL_H
#define FSM_RUNTIME_ARCHIVE_READ_IMPL_H

#include "runtime/archive_read.h"
#include "runtime/journal_impl.h"

enum { FSM__ARCHIVE_DIGITS = 20, FSM__ARCHIVE_NAME_LEN = 2 * FSM__ARCHIVE_DIGITS + 5 };

typedef struct fsm__archive_held {
  uint64_t first, last;
} fsm__archive_held;

struct fsm__archive {
  char *dir;
  fsm_origin origin;
  uint64_t seq;             /* the next to hand out */
  fsm__archive_held *files; /* by first */
  size_t count, cap;

  bool open;
  fsm__archive_held file; /* the one that is open */
  fsm__window window;
  fsm__segment_head head;
  fsm__footer footer;
  fsm__walk walk;

  /* the batch in hand; records 0 = none */
  const uint8_t *batch;
  fsm__batch_head batch_head;
  fsm__frames frames;
  uint64_t frames_seq; /* of the record that frames gives next */

  bool chained; /* leaf is that of record frames_seq - 1, of this epoch */
  uint32_t epoch;
  fsm__hash leaf;
  fsm_arena arena;
};

typedef struct fsm__archive_spot {
  char text[FSM__ARCHIVE_NAME_LEN + 24];
} fsm__archive_spot;

/* Where a fault is: FIRST-LAST.seg:OFFSET. */
fsm__archive_spot fsm__archive_spot_of(fsm__archive_held file, uint64_t offset);
fsm_code fsm__archive_corrupt(const fsm__archive *a, uint64_t offset, const char *what, fsm_error *err);
/* A fault of the journal's functions as one of the open file. */
fsm_code fsm__archive_renamed(const fsm__archive *a, const fsm_error *fault, fsm_error *err);

/* What is in the directory now, into a->files. */
FSM_MUST_USE fsm_code fsm__archive_list(fsm__archive *a, fsm_error *err);
/* The file of a seq. *there false: no file holds it. */
FSM_MUST_USE fsm_code fsm__archive_locate(fsm__archive *a, uint64_t seq, fsm__archive_held *out, bool *there,
                                          fsm_error *err);
/* No file has it: what there is instead. */
fsm_code fsm__archive_missing(const fsm__archive *a, uint64_t seq, fsm_error *err);
fsm_code fsm__archive_absent(const fsm__archive *a, uint64_t seq, fsm_error *err);

/* The file of a seq is opened, at its first batch; one that is open is left. *there false: none has it. */
FSM_MUST_USE fsm_code fsm__archive_enter(fsm__archive *a, uint64_t seq, bool *there, fsm_error *err);
void fsm__archive_leave(fsm__archive *a);

/* Forward to the batch that holds seq, unless it is in hand. *there false: no file has it. */
FSM_MUST_USE fsm_code fsm__archive_load(fsm__archive *a, uint64_t seq, bool *there, fsm_error *err);
bool fsm__archive_in_hand(const fsm__archive *a, uint64_t seq);

#endif

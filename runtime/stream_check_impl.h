/* stream_check_impl.h: a record as the check sees it, between what reads it and what judges it. */
#ifndef FSM_RUNTIME_STREAM_CHECK_IMPL_H
#define FSM_RUNTIME_STREAM_CHECK_IMPL_H

#include "runtime/hash.h"
#include "runtime/stream_check.h"
#include "schema/record.h"

typedef enum fsm__seen_what {
  FSM__SEEN_LOSS,
  FSM__SEEN_CONFLICT,
  FSM__SEEN_ORDER,
  FSM__SEEN_ALTERED,
  FSM__SEEN_CHAIN,
  FSM__SEEN_FOREIGN,
  FSM__SEEN_MALFORMED,
  FSM__SEEN_COUNT
} fsm__seen_what;

typedef struct fsm__seen {
  const char *where; /* file:line */
  bool has_origin, repair, has_leaf;
  fsm_origin origin;
  uint64_t seq, after;
  fsm__hash leaf, prev;
} fsm__seen;

/* What reads a record tells it here, in the order of the stream. */
void fsm__check_record(fsm_stream_check *check, const fsm__seen *seen);
/* A record as JSON or as its stored bytes. told: its place, and what stands beside it (headers): seq 0 =
 * nothing. */
void fsm__check_line(fsm_stream_check *check, const fsm__seen *told, const char *text, size_t len);
void fsm__check_bytes(fsm_stream_check *check, const fsm__seen *told, const void *data, size_t len);
void fsm__check_unproved(fsm_stream_check *check);
void fsm__check_found(fsm_stream_check *check, fsm__seen_what what, uint64_t seq, uint64_t to,
                      const char *where, const char *format, ...) FSM_PRINTF(6, 7);
fsm_arena *fsm__check_scratch(fsm_stream_check *check);

#endif

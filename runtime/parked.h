/* parked.h: records that a sink parked, because the other side rejects them for what they are:
 * `<data>/sinks/<name>.parked`, one checksummed file replaced by tmp + rename, durable before the cursor
 * passes the record. At most FSM_PARKED_MAX a sink: with one more the sink stands still. */
#ifndef FSM_RUNTIME_PARKED_H
#define FSM_RUNTIME_PARKED_H

#include "fsm/fsm.h"

enum { FSM_PARKED_MAX = 1000, FSM_PARKED_TEXT_MAX = 256 /* with its NUL */ };

typedef struct fsm__parked {
  uint64_t seq;
  uint32_t epoch;
  int64_t time_ns; /* of the wall clock, when it was parked first */
  unsigned tries;  /* times that it was given */
  fsm_code code;
  char text[FSM_PARKED_TEXT_MAX];
} fsm__parked;

/* Oldest first, malloced; a missing file is none. FSM_ECORRUPT names the file. */
FSM_MUST_USE fsm_code fsm__parked_load(const char *dir, const char *sink, fsm__parked **out, size_t *count,
                                       fsm_error *err);
/* Replaces the file, durably; none of them: removes it. seq ascending. */
FSM_MUST_USE fsm_code fsm__parked_save(const char *dir, const char *sink, const fsm__parked *list,
                                       size_t count, fsm_error *err);

/* {sink, items: [{seq, epoch, time, tries, code, text}]}, in arena. */
FSM_MUST_USE fsm_code fsm__parked_view(fsm_arena *arena, const char *sink, const fsm__parked *list,
                                       size_t count, fsm_value *out, fsm_error *err);

#endif

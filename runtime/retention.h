/* retention.h: snapshots made as time and records go by, and segments that are old or too many removed.
 *
 * A thread of the runtime, idle unless an option asks for it. Removed are whole sealed segments, oldest
 * first, and never one that is needed: by the second newest verified snapshot (so that two roads lead to
 * every row), by a sink's cursor (made durable before it lets anything go), by a record that a sink parked
 * (unless there is an archive; `outbox retry` or `drop` frees it), or by idempotency (a first answer is found
 * in its record for FSM_IDEM_TTL_NS of record time). A snapshot counts only when it was verified: loaded,
 * replayed and compared with the live rows.
 */
#ifndef FSM_RUNTIME_RETENTION_H
#define FSM_RUNTIME_RETENTION_H

#include "runtime/fsm_runtime.h"

typedef struct fsm__retained {
  uint64_t snapshots, segments, bytes; /* made and verified; removed */
  fsm_error fault;                     /* of the last pass; code FSM_OK = none */
} fsm__retained;

typedef struct fsm__retention fsm__retention;
/* *out NULL when no option asks for anything. options must live as long. */
FSM_MUST_USE fsm_code fsm__retention_start(fsm_runtime *runtime, const fsm_runtime_options *options,
                                           fsm__retention **out, fsm_error *err);
/* Without its thread (options.manual): a pass, when it is time for one. What it made and removed. */
size_t fsm__retention_turn(fsm__retention *retention);
/* Ends what is under way and the thread. */
void fsm__retention_stop(fsm__retention *retention);
void fsm__retention_get(fsm__retention *retention, fsm__retained *out); /* any thread; NULL gives zeros */
/* The same of the runtime's own. */
void fsm__runtime_retained(fsm_runtime *runtime, fsm__retained *out);

#endif

/* standing.c: what a runtime has on its hands. See meters.h. */
#include <stdlib.h>

#include "runtime/runtime_impl.h"
#include "runtime/writer.h"

const fsm__meters *fsm__runtime_meters(fsm_runtime *runtime) { return &fsm__runtime_writer(runtime)->meters; }

void fsm__runtime_standing(fsm_runtime *runtime, fsm__standing *out) {
  fsm__journal *journal = fsm__runtime_journal(runtime);
  fsm__segment_info *segments = NULL;
  fsm__store_status store;
  const uint64_t seq = fsm__journal_durable_seq(journal);
  fsm__store_status_get(fsm__runtime_store(runtime), &store);
  *out = (fsm__standing){.refusing = (fsm_code)fsm__runtime_writer(runtime)->core.refusing,
                         .seq = seq,
                         .first_seq = fsm__journal_first_seq(journal),
                         .queued = fsm__queue_count(&fsm__runtime_writer(runtime)->queue),
                         .behind = seq > store.applied ? seq - store.applied : 0,
                         .pending_bytes = store.filling_bytes + store.applying_bytes,
                         .map_bytes = store.map_bytes,
                         .used_bytes = store.used_bytes,
                         .views = store.views,
                         .oldest_view_ns = store.oldest_view_ns};
  if (fsm__journal_segments(journal, &segments, &out->segments, NULL) != FSM_OK) out->segments = 0;
  for (size_t i = 0; i < out->segments; i++) out->journal_bytes += segments[i].bytes;
  free(segments);
}

/* database_stat.c: how large, how far, how many. See database.h. */
#include <stdlib.h>
#include <string.h>

#include "runtime/chunk.h"
#include "runtime/database_impl.h"
#include "runtime/retention.h"
#include "runtime/runtime_impl.h"

static fsm_code count_rows(fsm__store *store, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__document rows = {.arena = arena};
  fsm__chunk chunk = {.count = 0};
  fsm_code code = FSM_OK;
  for (unsigned t = 0; code == FSM_OK && t < FSM_TABLE_COUNT; t++) {
    uint64_t count = 0;
    for (fsm__chunk_start(&chunk, (fsm__table)t); code == FSM_OK && !chunk.last;) {
      code = fsm__chunk_read(store, &chunk, FSM_CHUNK_BYTES, err);
      count += chunk.count;
    }
    fsm__report_u64(&rows, fsm__table_name((fsm__table)t), count);
  }
  fsm__chunk_free(&chunk);
  return code == FSM_OK ? fsm__document_map(&rows, out, err) : code;
}

static fsm_code of_journal(fsm__journal *journal, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__segment_info *segments = NULL;
  size_t count = 0;
  uint64_t bytes = 0;
  fsm__document document = {.arena = arena};
  fsm_code code = fsm__journal_segments(journal, &segments, &count, err);
  for (size_t i = 0; i < count; i++) bytes += segments[i].bytes;
  free(segments);
  fsm__report_u64(&document, "segments", count);
  fsm__report_u64(&document, "bytes", bytes);
  fsm__report_u64(&document, "first", fsm__journal_first_seq(journal));
  fsm__report_u64(&document, "last", fsm__journal_durable_seq(journal));
  fsm__report_u64(&document, "epoch", fsm__journal_epoch(journal));
  return code == FSM_OK ? fsm__document_map(&document, out, err) : code;
}

static fsm_code of_store(fsm_runtime *runtime, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__store_status status;
  fsm__path path;
  fsm_value rows;
  fsm__store *store = fsm__runtime_store(runtime);
  const uint64_t last = fsm__journal_durable_seq(fsm__runtime_journal(runtime));
  fsm__document document = {.arena = arena};
  fsm__store_status_get(store, &status);
  fsm_code code = fsm__path_of(&path, err, "%s/store", fsm__runtime_dir(runtime));
  if (code == FSM_OK) code = count_rows(store, arena, &rows, err);
  if (code != FSM_OK) return code;
  fsm__report_u64(&document, "bytes", fsm__dir_bytes(path.text));
  fsm__report_u64(&document, "map_bytes", status.map_bytes);
  fsm__report_u64(&document, "applied", status.applied);
  fsm__report_u64(&document, "lag", last > status.applied ? last - status.applied : 0);
  fsm__report_u64(&document, "waiting_bytes", status.filling_bytes + status.applying_bytes);
  fsm__report_u64(&document, "views", status.views);
  fsm__report_u64(&document, "oldest_view_ns", (uint64_t)status.oldest_view_ns);
  fsm__report_u64(&document, "readers", status.readers);
  fsm__report_u64(&document, "readers_behind", status.readers_behind);
  fsm__document_put(&document, "rows", rows);
  return fsm__document_map(&document, out, err);
}

static fsm_code of_snapshot(const fsm__snapshot_info *info, fsm_arena *arena, fsm_value *out,
                            fsm_error *err) {
  fsm__document document = {.arena = arena};
  fsm__report_u64(&document, "from", info->from_seq);
  fsm__report_u64(&document, "to", info->to_seq);
  fsm__report_u64(&document, "rows", info->rows);
  fsm__report_u64(&document, "bytes", info->bytes);
  fsm__report_time(&document, "made", info->made_ns);
  fsm__report_bool(&document, "verified", info->verified_ns != 0);
  return fsm__document_map(&document, out, err);
}

static fsm_code of_snapshots(const char *dir, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__path path;
  fsm__snapshot_info *list = NULL;
  size_t count = 0;
  fsm_code code = fsm__path_of(&path, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code == FSM_OK) code = fsm__snapshot_list(path.text, &list, &count, NULL, err);
  fsm_value *items = fsm_arena_alloc(arena, (count + 1) * sizeof *items);
  if (items == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  for (size_t i = 0; code == FSM_OK && i < count; i++) code = of_snapshot(&list[i], arena, &items[i], err);
  free(list);
  if (code == FSM_OK) *out = fsm_list(items, (unsigned)count);
  return code;
}

static fsm_code of_retention(fsm_runtime *runtime, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__retained told;
  fsm__document document = {.arena = arena};
  fsm__retention_get(fsm__runtime_retention(runtime), &told);
  fsm__report_u64(&document, "snapshots_made", told.snapshots);
  fsm__report_u64(&document, "segments_removed", told.segments);
  fsm__report_u64(&document, "removed_bytes", told.bytes);
  if (told.fault.code != FSM_OK) fsm__report_text(&document, "last_error", told.fault.text);
  return fsm__document_map(&document, out, err);
}

fsm_code fsm_runtime_stat(fsm_runtime *runtime, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_value journal, store, snapshots, retention;
  const fsm_origin origin = fsm__runtime_origin(runtime);
  char id[33];
  fsm_code code = of_journal(fsm__runtime_journal(runtime), arena, &journal, err);
  if (code == FSM_OK) code = of_store(runtime, arena, &store, err);
  if (code == FSM_OK) code = of_snapshots(fsm__runtime_dir(runtime), arena, &snapshots, err);
  if (code == FSM_OK) code = of_retention(runtime, arena, &retention, err);
  if (code != FSM_OK) return code;
  fsm__hex(origin.store, sizeof origin.store, id);
  fsm__document document = {.arena = arena};
  fsm__report_text(&document, "dir", fsm__runtime_dir(runtime));
  fsm__report_text(&document, "id", id);
  fsm__document_put(&document, "journal", journal);
  fsm__document_put(&document, "store", store);
  fsm__document_put(&document, "snapshots", snapshots);
  fsm__document_put(&document, "retention", retention);
  return fsm__document_map(&document, out, err);
}

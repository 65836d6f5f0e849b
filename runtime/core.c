/* core.c: opening a data directory: store, journal, catalog, and the tail of the journal into the overlay. */
#include "runtime/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/apply.h"
#include "runtime/backup_read.h"
#include "runtime/cursors.h"
#include "runtime/data_dir.h"
#include "runtime/people.h"
#include "runtime/survey.h"

/* ---- replay ------------------------------------------------------------------------------------- */

/* The records of one frame, collected until it is whole. */
typedef struct frame {
  fsm_record *records;
  size_t count, cap;
  fsm_arena arena;
} frame;

static fsm_code frame_add(frame *f, const fsm__journal_entry *entry, fsm_error *err) {
  if (f->count == f->cap) {
    size_t cap = f->cap ? f->cap * 2 : 16;
    fsm_record *grown = realloc(f->records, cap * sizeof *grown);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a frame");
    f->records = grown;
    f->cap = cap;
  }
  char *bytes = fsm_arena_strndup(&f->arena, entry->record.data, entry->record.len);
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  return fsm_record_decode(&f->arena, bytes, entry->record.len, &f->records[f->count++], err);
}

static fsm_code replay_entry(const fsm__journal_entry *entry, frame *f, fsm__store *store,
                             fsm__catalog *catalog, fsm__core *position, fsm_error *err) {
  fsm_code code = frame_add(f, entry, err);
  if (code != FSM_OK || !entry->frame_end) return code;
  code = fsm__apply_frame(store, catalog, f->records, f->count, NULL, &f->arena, err);
  position->seq = entry->seq;
  position->leaf = fsm__leaf(entry->record.data, entry->record.len);
  position->last_time_ns = f->records[f->count - 1].time_ns;
  f->count = 0;
  fsm_arena_reset(&f->arena);
  return code;
}

fsm_code fsm__replay(fsm__journal *journal, fsm__store *store, fsm__catalog *catalog, uint64_t from,
                     uint64_t to, size_t round_bytes, fsm__core *position, fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  frame f = {.count = 0};
  fsm_code code = fsm__journal_cursor_open(journal, from, &cursor, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&f.arena, 0);
  for (bool found = true; code == FSM_OK;) {
    fsm__journal_entry entry;
    if (to != 0 && position->seq >= to) break;
    code = fsm__journal_next(cursor, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    code = replay_entry(&entry, &f, store, catalog, position, err);
    if (code == FSM_OK && round_bytes != 0 && f.count == 0 && fsm__store_pending_bytes(store) > round_bytes)
      code = fsm__store_round(store, position->seq, &position->leaf, err);
  }
  fsm_arena_free(&f.arena);
  free(f.records);
  fsm__journal_cursor_close(cursor);
  return code;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static fsm_code open_store(const fsm_runtime_options *options, fsm__core *core, fsm_error *err) {
  if (options->read_only && fsm__backup_here(options->dir))
    return fsm__backup_store(options->dir, &core->store, err);
  uint8_t store_id[16];
  fsm_code code = fsm__random(store_id, sizeof store_id, err);
  char *path = NULL;
  if (code != FSM_OK) return code;
  if (asprintf(&path, "%s/store", options->dir) < 0)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for a path");
  bool existing = options->read_only || options->must_exist;
  code = fsm__store_open(&(fsm__store_options){.dir = path,
                                               .read_only = options->read_only,
                                               .map_bytes = options->map_bytes,
                                               .new_store_id = existing ? NULL : store_id},
                         &core->store, err);
  free(path);
  return code;
}

/* What the sinks have acknowledged is durable. */
static fsm_code marks_of(fsm__core *core, fsm__journal_mark marks[FSM_CURSORS_MAX], size_t *count,
                         fsm_error *err) {
  fsm__cursor cursors[FSM_CURSORS_MAX];
  fsm_error ignored;
  *count = 0;
  fsm_code code = fsm__cursors_load(core->dir, cursors, count, &ignored);
  if (code == FSM_ENOMEM || code == FSM_EIO) return fsm_fail(err, code, ignored.where, "%s", ignored.text);
  if (code != FSM_OK && code != FSM_ECORRUPT) *count = 0; /* a damaged one speaks for itself alone */
  for (size_t i = 0; i < *count; i++) marks[i] = (fsm__journal_mark){cursors[i].epoch, cursors[i].seq};
  return FSM_OK;
}

static fsm_code open_journal(const fsm_runtime_options *options, fsm__core *core, fsm__recovery *found,
                             fsm_error *err) {
  char *path = NULL;
  fsm__journal_mark marks[FSM_CURSORS_MAX];
  size_t mark_count;
  fsm_code code = marks_of(core, marks, &mark_count, err);
  if (code != FSM_OK) return code;
  code = fsm__data_dir_journal(options, fsm__store_applied(core->store, NULL), err);
  if (code != FSM_OK) return code;
  if (asprintf(&path, "%s/journal/0", options->dir) < 0)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for a path");
  code = fsm__journal_open(&(fsm__journal_options){.dir = path,
                                                   .origin = core->origin,
                                                   .segment_bytes = options->segment_bytes,
                                                   .manual = options->manual,
                                                   .read_only = options->read_only,
                                                   .floor_seq = fsm__store_applied(core->store, NULL),
                                                   .marks = marks,
                                                   .mark_count = mark_count},
                           &core->journal, found, err);
  free(path);
  if (code == FSM_OK) core->origin.epoch = fsm__journal_epoch(core->journal);
  return code;
}

/* The record at the store's position must be the very one it was applied from. */
static fsm_code check_position(fsm__core *core, fsm_error *err) {
  fsm__hash applied;
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = false;
  core->seq = fsm__store_applied(core->store, &applied);
  core->leaf = applied;
  if (core->seq == 0) return FSM_OK;
  fsm_code code = fsm__journal_cursor_open(core->journal, core->seq, &cursor, err);
  if (code != FSM_OK) return code;
  code = fsm__journal_next(cursor, &entry, &found, err);
  if (code == FSM_OK && !found)
    code =
        fsm_fail(err, FSM_ECORRUPT, core->dir,
                 "the store is at seq %llu, the journal ends at %llu: they do not belong together",
                 (unsigned long long)core->seq, (unsigned long long)fsm__journal_durable_seq(core->journal));
  if (code == FSM_OK) {
    fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
    char ours[65], theirs[65];
    fsm__hex(applied.bytes, FSM_HASH_BYTES, ours);
    fsm__hex(leaf.bytes, FSM_HASH_BYTES, theirs);
    if (memcmp(leaf.bytes, applied.bytes, FSM_HASH_BYTES) != 0)
      code = fsm_fail(
          err, FSM_ECORRUPT, core->dir,
          "record %llu is %.16s… in the journal and %.16s… in the store: they do not belong together",
          (unsigned long long)core->seq, theirs, ours);
  }
  if (code == FSM_OK) {
    fsm_arena arena;
    fsm_record record;
    fsm_arena_init(&arena, 0);
    code = fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, err);
    if (code == FSM_OK) core->last_time_ns = record.time_ns;
    fsm_arena_free(&arena);
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

fsm_code fsm__core_open(const fsm_runtime_options *options, fsm__core *out, fsm_opened *opened,
                        fsm_error *err) {
  *out = (fsm__core){.dir = strdup(options->dir),
                     .node = strdup(options->node ? options->node : "fsm/" FSM_VERSION)};
  if (options->archive_dir != NULL) out->archive = strdup(options->archive_dir);
  fsm__recovery found = {.last_seq = 0};
  const bool named = out->dir && out->node && (out->archive || options->archive_dir == NULL);
  fsm_code code =
      named ? fsm__data_dir_open(options, err) : fsm_fail(err, FSM_ENOMEM, "", "no memory to open");
  if (code == FSM_OK) code = open_store(options, out, err);
  if (code == FSM_OK) fsm__store_id(out->store, out->origin.store);
  if (code == FSM_OK) code = open_journal(options, out, &found, err);
  if (code == FSM_OK) code = check_position(out, err);
  if (code == FSM_OK) code = fsm__catalog_open(out->store, &out->catalog, err);
  if (code == FSM_OK) code = fsm__surveys_new(&out->surveys, err);
  if (code == FSM_OK) code = fsm__known_new(&out->known, err);
  uint64_t applied = out->seq;
  if (code == FSM_OK) code = fsm__replay(out->journal, out->store, out->catalog, applied + 1, 0, 0, out, err);
  if (code != FSM_OK) {
    fsm__core_close(out);
    return code;
  }
  fsm__catalog_forget_dwell(out->catalog); /* counters of this life begin at 0 */
  fsm__store_publish(out->store, out->seq);
  if (opened != NULL) {
    *opened = (fsm_opened){.last_seq = out->seq,
                           .applied_seq = applied,
                           .replayed = out->seq - applied,
                           .cut_bytes = found.cut_bytes,
                           .rewritten = found.rewritten};
    memcpy(opened->store_id, out->origin.store, sizeof opened->store_id);
  }
  return FSM_OK;
}

void fsm__core_close(fsm__core *core) {
  fsm__surveys_free(core->surveys);
  fsm__known_free(core->known);
  fsm__catalog_free(core->catalog);
  fsm__journal_close(core->journal);
  if (core->store != NULL) fsm__store_close(core->store);
  free(core->dir);
  free(core->node);
  free(core->archive);
  *core = (fsm__core){.dir = NULL};
}

/* database_backup.c: a copy of a data directory while it is used: a snapshot, all of the journal that is
 * kept, the sinks' cursors, and a manifest with the hash of each file, written last. See database.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/cursors.h"
#include "runtime/database_impl.h"
#include "runtime/manifest.h"
#include "runtime/runtime_impl.h"
#include "runtime/verify.h"

enum { BACKUP_FORMAT = 1, REST_PERCENT = 30 };

typedef struct backup {
  fsm_runtime *runtime;
  fsm__path dir, journal, snapshots, snapshot;
  fsm__snapshot_info info;
  uint64_t first_seq, last_seq, files, bytes;
  fsm__hash head;
  fsm_buf manifest; /* the lines of the files */
} backup;

static fsm_code add_file(backup *b, const char *name, fsm_error *err) {
  fsm__path path;
  fsm__hash hash;
  uint64_t bytes = 0;
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm_code code = fsm__path_of(&path, err, "%s/%s", b->dir.text, name);
  if (code == FSM_OK) code = fsm__file_hash(path.text, &bytes, &hash, err);
  if (code != FSM_OK) return code;
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  fsm_buf_printf(&b->manifest, "file %s %llu %s\n", hex, (unsigned long long)bytes, name);
  b->files++;
  b->bytes += bytes;
  return FSM_OK;
}

static fsm_code add_segment(void *arg, const char *name, fsm_error *err) {
  fsm__path path;
  fsm_code code = fsm__path_of(&path, err, "journal/0/%s", name);
  return code == FSM_OK ? add_file(arg, path.text, err) : code;
}

static fsm_code prepare(backup *b, const char *dir, fsm_error *err) {
  fsm__path journal;
  if (dir == NULL || dir[0] != '/')
    return fsm_fail(err, FSM_EARGUMENT, "dir", "the directory of a backup is named by an absolute path");
  fsm_code code = fsm__path_of(&b->dir, err, "%s", dir);
  if (code == FSM_OK) code = fsm__path_of(&journal, err, "%s/journal", dir);
  if (code == FSM_OK) code = fsm__path_of(&b->journal, err, "%s/journal/0", dir);
  if (code == FSM_OK) code = fsm__path_of(&b->snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code == FSM_OK) code = fsm__dir_make_empty(dir, err);
  if (code == FSM_OK) code = fsm__dir_make(journal.text, err);
  return code == FSM_OK ? fsm__dir_make(b->journal.text, err) : code;
}

/* One that is not there is fine. */
static fsm_code copy_small(backup *b, const char *name, fsm_error *err) {
  fsm__path from, to;
  fsm__hash hash;
  uint64_t bytes = 0;
  fsm_code code = fsm__path_of(&from, err, "%s/%s", fsm__runtime_dir(b->runtime), name);
  if (code == FSM_OK) code = fsm__path_of(&to, err, "%s/%s", b->dir.text, name);
  if (code != FSM_OK || !fsm__path_exists(from.text)) return code;
  code = fsm__file_copy(from.text, to.text, &bytes, &hash, err);
  return code == FSM_OK ? add_file(b, name, err) : code;
}

/* First, so that no cursor is past what is copied. A damaged one is left behind: its sink begins anew. */
static fsm_code copy_cursors(backup *b, fsm_error *err) {
  fsm__cursor cursors[FSM_CURSORS_MAX];
  fsm__path sinks, name;
  size_t count = 0;
  fsm_code code = fsm__cursors_load(fsm__runtime_dir(b->runtime), cursors, &count, err);
  if (code != FSM_OK && code != FSM_ECORRUPT) return code;
  code = copy_small(b, "cursors", err);
  if (code == FSM_OK && count > 0) code = fsm__path_of(&sinks, err, "%s/sinks", b->dir.text);
  if (code == FSM_OK && count > 0) code = fsm__dir_make(sinks.text, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    code = fsm__path_of(&name, err, "sinks/%s", cursors[i].sink);
    if (code == FSM_OK) code = copy_small(b, name.text, err);
    if (code == FSM_OK) code = fsm__path_of(&name, err, "sinks/%s.parked", cursors[i].sink);
    if (code == FSM_OK) code = copy_small(b, name.text, err);
  }
  if (code == FSM_OK && count > 0) code = fsm__dir_sync(sinks.text, err);
  return code;
}

static fsm_code copy_rows(backup *b, fsm_error *err) {
  const fsm__snapshot_options options = {.store = fsm__runtime_store(b->runtime),
                                         .origin = fsm__runtime_origin(b->runtime),
                                         .dir = b->snapshots.text,
                                         .now_ns = fsm__wall_ns(),
                                         .rest_percent = REST_PERCENT};
  fsm_code code = fsm__snapshot_make(&options, &b->info, err);
  return code == FSM_OK ? fsm__snapshot_path(b->snapshots.text, b->info.from_seq, &b->snapshot, err) : code;
}

static fsm_code open_copy(const backup *b, fsm__journal **out, fsm_error *err) {
  return fsm__journal_open(&(fsm__journal_options){.dir = b->journal.text,
                                                   .origin = fsm__runtime_origin(b->runtime),
                                                   .read_only = true,
                                                   .floor_seq = b->info.to_seq},
                           out, NULL, err);
}

static fsm_code copy_journal(backup *b, fsm_error *err) {
  fsm__path from;
  fsm__journal *copy = NULL;
  fsm_code code = fsm__path_of(&from, err, "%s/journal/0", fsm__runtime_dir(b->runtime));
  if (code == FSM_OK)
    code =
        fsm__journal_copy(fsm__runtime_journal(b->runtime), from.text, b->journal.text, add_segment, b, err);
  if (code == FSM_OK) code = open_copy(b, &copy, err);
  if (code != FSM_OK) return code;
  b->first_seq = fsm__journal_first_seq(copy);
  b->last_seq = fsm__journal_durable_seq(copy);
  b->head = fsm__journal_head(copy);
  fsm__journal_close(copy);
  if (b->last_seq >= b->info.to_seq) return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, b->journal.text, "the copy of the journal ends at seq %llu, before %llu",
                  (unsigned long long)b->last_seq, (unsigned long long)b->info.to_seq);
}

/* The snapshot and journal of the copy are loaded and go on, by the live journal, to the live rows. */
static fsm_code verify(backup *b, fsm_error *err) {
  fsm__journal *copy = NULL;
  fsm__journal_check check;
  fsm__compared compared;
  fsm__snapshot_info info;
  fsm_code code = open_copy(b, &copy, err);
  if (code == FSM_OK) code = fsm__journal_verify(copy, &check, err);
  fsm__journal_close(copy);
  if (code == FSM_OK) code = fsm__snapshot_check(b->snapshot.text, &info, err);
  if (code == FSM_OK)
    code = fsm__verify_store(fsm__runtime_store(b->runtime), fsm__runtime_journal(b->runtime),
                             b->snapshot.text, NULL, &compared, err);
  if (code != FSM_OK) return code;
  return fsm__snapshot_note_verified(b->snapshots.text, b->info.from_seq, b->info.made_ns, err);
}

static fsm_code save_manifest(backup *b, fsm_error *err) {
  fsm_buf text = {0};
  char name[96];
  fsm_code code = FSM_OK;
  for (int i = 0; code == FSM_OK && i < 2; i++) {
    snprintf(name, sizeof name, "%s/%020llu/%s", FSM_SNAPSHOT_DIR, (unsigned long long)b->info.from_seq,
             i == 0 ? FSM_SNAPSHOT_ROWS : FSM_MANIFEST_NAME);
    code = add_file(b, name, err);
  }
  fsm_buf_printf(&text, "fsm-backup %d\n", BACKUP_FORMAT);
  fsm__manifest_hex(&text, "store", b->info.origin.store, sizeof b->info.origin.store);
  fsm__manifest_u64(&text, "partition", b->info.origin.partition);
  fsm__manifest_u64(&text, "epoch", b->info.origin.epoch);
  fsm__manifest_u64(&text, "first", b->first_seq);
  fsm__manifest_u64(&text, "last", b->last_seq);
  fsm__manifest_hex(&text, "leaf", b->head.bytes, FSM_HASH_BYTES);
  fsm__manifest_u64(&text, "snapshot", b->info.from_seq);
  fsm__manifest_u64(&text, "snapshot_to", b->info.to_seq);
  fsm__manifest_u64(&text, "made", (uint64_t)b->info.made_ns);
  fsm_buf_add(&text, b->manifest.data, b->manifest.len);
  if (code == FSM_OK) code = fsm__manifest_save(b->dir.text, &text, err);
  fsm_buf_free(&text);
  return code;
}

static fsm_code tell(const backup *b, bool verified, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__document document = {.arena = arena};
  fsm__report_text(&document, "dir", b->dir.text);
  fsm__report_u64(&document, "first", b->first_seq);
  fsm__report_u64(&document, "last", b->last_seq);
  fsm__report_hash(&document, "leaf", &b->head);
  fsm__report_u64(&document, "snapshot", b->info.from_seq);
  fsm__report_u64(&document, "rows", b->info.rows);
  fsm__report_u64(&document, "files", b->files);
  fsm__report_u64(&document, "bytes", b->bytes);
  fsm__report_bool(&document, "verified", verified);
  return fsm__document_map(&document, out, err);
}

fsm_code fsm_runtime_backup(fsm_runtime *runtime, const char *dir, bool verified, fsm_arena *arena,
                            fsm_value *out, fsm_error *err) {
  backup *b = calloc(1, sizeof *b);
  if (b == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a backup");
  b->runtime = runtime;
  fsm__journal_pin(fsm__runtime_journal(runtime)); /* what the snapshot needs stays until it is copied */
  fsm_code code = prepare(b, dir, err);
  if (code == FSM_OK) code = copy_cursors(b, err);
  if (code == FSM_OK) code = copy_rows(b, err);
  if (code == FSM_OK) code = copy_journal(b, err);
  if (code == FSM_OK && verified) code = verify(b, err);
  fsm__journal_unpin(fsm__runtime_journal(runtime));
  if (code == FSM_OK) code = save_manifest(b, err);
  if (code == FSM_OK) code = tell(b, verified, arena, out, err);
  fsm_buf_free(&b->manifest);
  free(b);
  return code;
}

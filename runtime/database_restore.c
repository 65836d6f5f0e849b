/* database_restore.c: a new data directory from a backup, in a new epoch. See database.h.
 *
 * Every file is checked against the manifest as it is copied. The store comes last, so that a directory whose
 * restore was interrupted does not open ("the journal is there, but its store is missing"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/database_impl.h"
#include "runtime/manifest.h"

typedef struct restore {
  const char *from;
  fsm__stopped to;
  fsm_buf manifest;
  uint64_t snapshot, last, epoch;
  uint8_t store[16];
} restore;

static fsm_code bad(const restore *r, const char *how, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, r->from, "the backup is damaged: %s", how);
}

static fsm_code read_manifest(restore *r, fsm_error *err) {
  uint64_t format = 0;
  fsm_code code = fsm__manifest_load(r->from, &r->manifest, err);
  if (code != FSM_OK) return code;
  const char *text = r->manifest.data;
  if (!fsm__manifest_get_u64(text, "fsm-backup", &format)) return bad(r, "its manifest is of no backup", err);
  if (format != 1)
    return fsm_fail(err, FSM_EVERSION, r->from, "the backup is of format %llu, this program reads 1",
                    (unsigned long long)format);
  bool whole = fsm__manifest_get_hex(text, "store", r->store, sizeof r->store) &&
               fsm__manifest_get_u64(text, "snapshot", &r->snapshot) &&
               fsm__manifest_get_u64(text, "last", &r->last) &&
               fsm__manifest_get_u64(text, "epoch", &r->epoch);
  return whole ? FSM_OK : bad(r, "its manifest is not whole", err);
}

/* Below the directory: letters, digits, dots and dashes, no step upwards. */
static bool name_is_safe(const char *name) {
  return name[0] != '/' && strstr(name, "..") == NULL &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789./-") == strlen(name);
}

static fsm_code make_parents(const restore *r, const char *name, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (const char *slash = strchr(name, '/'); code == FSM_OK && slash != NULL;
       slash = strchr(slash + 1, '/')) {
    fsm__path path;
    code = fsm__path_of(&path, err, "%s/%.*s", r->to.dir.text, (int)(slash - name), name);
    if (code == FSM_OK) code = fsm__dir_make(path.text, err);
  }
  return code;
}

/* "HASH BYTES NAME" */
static fsm_code copy_file(const restore *r, const char *line, size_t len, fsm_error *err) {
  fsm__hash told, found;
  fsm__path from, to;
  char name[256];
  uint64_t bytes = 0, wanted = 0;
  const char *space = memchr(line, ' ', len),
             *second = space ? memchr(space + 1, ' ', len - (size_t)(space + 1 - line)) : NULL;
  size_t name_len = second != NULL ? len - (size_t)(second + 1 - line) : 0;
  if (second == NULL || !fsm__unhex(line, (size_t)(space - line), told.bytes, sizeof told.bytes) ||
      name_len == 0 || name_len >= sizeof name)
    return bad(r, "a line of its manifest cannot be read", err);
  memcpy(name, second + 1, name_len);
  name[name_len] = '\0';
  wanted = strtoull(space + 1, NULL, 10);
  if (!name_is_safe(name)) return bad(r, "a file of its manifest is not below it", err);
  fsm_code code = fsm__path_of(&from, err, "%s/%s", r->from, name);
  if (code == FSM_OK) code = fsm__path_of(&to, err, "%s/%s", r->to.dir.text, name);
  if (code == FSM_OK) code = make_parents(r, name, err);
  if (code == FSM_OK) code = fsm__file_copy(from.text, to.text, &bytes, &found, err);
  if (code != FSM_OK) return code;
  if (bytes == wanted && memcmp(&told, &found, sizeof told) == 0) return FSM_OK;
  return fsm_fail(err, FSM_ECORRUPT, from.text,
                  "the file is not the one that was backed up: its hash is another");
}

static fsm_code copy_files(const restore *r, fsm_error *err) {
  const char *at = r->manifest.data, *line = NULL;
  size_t len = 0;
  fsm_code code = FSM_OK;
  while (code == FSM_OK && fsm__manifest_next(&at, "file", &line, &len)) code = copy_file(r, line, len, err);
  if (code == FSM_OK) code = fsm__dir_make(r->to.snapshots.text, err);
  if (code == FSM_OK) code = fsm__dir_sync(r->to.journal.text, err);
  if (code == FSM_OK) code = fsm__dir_sync(r->to.snapshots.text, err);
  return code == FSM_OK ? fsm__dir_sync(r->to.dir.text, err) : code;
}

static fsm_code places(restore *r, const char *dir, fsm_error *err) {
  fsm_code code = fsm__path_of(&r->to.dir, err, "%s", dir);
  if (code == FSM_OK) code = fsm__path_of(&r->to.store, err, "%s/store", dir);
  if (code == FSM_OK) code = fsm__path_of(&r->to.journal, err, "%s/journal/0", dir);
  if (code == FSM_OK) code = fsm__path_of(&r->to.snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  r->to.lock_fd = -1;
  return code;
}

/* The new epoch begins with a record that says where it forked off. */
static fsm_code fork_off(restore *r, fsm__journal *journal, const fsm_database_order *order, uint64_t *seq,
                         fsm_error *err) {
  fsm_arena arena;
  fsm_value detail;
  const fsm__hash head = fsm__journal_head(journal);
  const uint64_t at = fsm__journal_durable_seq(journal), old = fsm__journal_epoch(journal);
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__journal_new_epoch(journal, err);
  fsm__document document = {.arena = &arena};
  fsm__report_text(&document, "command", "restore");
  fsm__report_text(&document, "backup", r->from);
  fsm__report_u64(&document, "fork", at);
  fsm__report_hash(&document, "leaf", &head);
  fsm__report_u64(&document, "old_epoch", old);
  fsm__report_u64(&document, "epoch", fsm__journal_epoch(journal));
  if (code == FSM_OK) code = fsm__document_map(&document, &detail, err);
  if (code == FSM_OK) code = fsm__database_note(journal, FSM_RECORD_EPOCH, order, &detail, seq, err);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code open_journal(restore *r, fsm__journal **out, fsm_error *err) {
  fsm__journal_check check;
  fsm_code code = fsm__stopped_journal(&r->to, false, r->last, out, NULL, err);
  if (code == FSM_OK) code = fsm__journal_verify(*out, &check, err);
  if (code == FSM_OK && check.last_seq != r->last) code = bad(r, "its journal ends at another seq", err);
  return code;
}

fsm_code fsm_database_restore(const char *backup, const char *dir, const fsm_database_order *order,
                              fsm_arena *arena, fsm_value *out, fsm_error *err) {
  restore *r = calloc(1, sizeof *r);
  if (r == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a restore");
  fsm__journal *journal = NULL;
  fsm__path snapshot, fresh;
  uint64_t applied = 0, seq = 0, epoch = 0;
  r->from = backup;
  fsm_code code = read_manifest(r, err);
  if (code == FSM_OK) code = places(r, dir, err);
  if (code == FSM_OK) code = fsm__dir_make_empty(dir, err);
  if (code == FSM_OK) code = copy_files(r, err);
  if (code == FSM_OK) code = open_journal(r, &journal, err);
  if (code == FSM_OK) code = fsm__snapshot_path(r->to.snapshots.text, r->snapshot, &snapshot, err);
  if (code == FSM_OK) code = fsm__path_of(&fresh, err, "%s/store.new", dir);
  if (code == FSM_OK) code = fork_off(r, journal, order, &seq, err);
  if (code == FSM_OK) code = fsm__store_build(fresh.text, r->store, snapshot.text, journal, &applied, err);
  if (code == FSM_OK) code = fsm__file_move(fresh.text, r->to.store.text, err);
  if (code == FSM_OK) epoch = fsm__journal_epoch(journal);
  fsm__journal_close(journal);
  fsm__document document = {.arena = arena};
  fsm__report_text(&document, "dir", dir);
  fsm__report_u64(&document, "fork", r->last);
  fsm__report_u64(&document, "epoch", epoch);
  fsm__report_u64(&document, "record", seq);
  fsm__report_u64(&document, "applied", applied);
  fsm_buf_free(&r->manifest);
  free(r);
  return code == FSM_OK ? fsm__document_map(&document, out, err) : code;
}

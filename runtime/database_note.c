/* database_note.c: a record about the whole, in the journal of a stopped directory; and its parts opened. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/database_impl.h"
#include "runtime/journal_impl.h"
#include "runtime/store_impl.h"

/* ---- the record --------------------------------------------------------------------------------- */

static fsm_code last_time(fsm__journal *journal, int64_t *ns, fsm_error *err) {
  const uint64_t last = fsm__journal_durable_seq(journal);
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = false;
  *ns = 0;
  if (last == 0) return FSM_OK;
  fsm_code code = fsm__journal_cursor_open(journal, last, &cursor, err);
  if (code == FSM_OK) code = fsm__journal_next(cursor, &entry, &found, err);
  if (code == FSM_OK && found) {
    fsm_arena arena;
    fsm_record record;
    fsm_arena_init(&arena, 0);
    code = fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, err);
    if (code == FSM_OK) *ns = record.time_ns;
    fsm_arena_free(&arena);
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

static fsm_code append(fsm__journal *journal, const fsm_record *record, fsm_error *err) {
  fsm_buf bytes = {0};
  fsm_code code = fsm_record_encode(&bytes, record, err);
  if (code == FSM_OK && !fsm_buf_ok(&bytes)) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  if (code == FSM_OK) {
    const fsm__bytes one = {.data = bytes.data, .len = bytes.len};
    const fsm__hash leaf = fsm__leaf(bytes.data, bytes.len);
    code = fsm__journal_append(journal, &one, &leaf, 1, err);
  }
  if (code == FSM_OK) code = fsm__journal_commit(journal, err);
  fsm_buf_free(&bytes);
  return code;
}

fsm_code fsm__database_note(fsm__journal *journal, fsm_record_kind kind, const fsm_database_order *order,
                            const fsm_value *detail, uint64_t *seq, fsm_error *err) {
  int64_t before = 0;
  fsm_code code = last_time(journal, &before, err);
  if (code != FSM_OK) return code;
  const int64_t wall = fsm__wall_ns();
  const fsm__hash prev = fsm__journal_head(journal);
  fsm_record record = fsm_record_new(kind);
  record.seq = fsm__journal_next_seq(journal);
  record.time_ns = wall > before ? wall : before + 1;
  record.clock = wall <= before;
  record.n = 1;
  record.prev = prev.bytes;
  record.node = "fsm-cli/" FSM_VERSION;
  record.corr = "database";
  record.cause = FSM_CAUSE_ADMIN;
  record.reason = order->reason;
  record.detail = *detail;
  fsm_pair actor[2] = {{fsm_string("sub"), fsm_string(order->actor != NULL ? order->actor : "")},
                       {fsm_string("authn"), fsm_string("local")}};
  if (order->actor != NULL) code = fsm_map(actor, 2, &record.act, err);
  if (code == FSM_OK) code = append(journal, &record, err);
  if (code == FSM_OK && seq != NULL) *seq = record.seq;
  return code;
}

/* ---- a stopped directory ------------------------------------------------------------------------- */

fsm_code fsm__stopped_open(fsm__stopped *stopped, const char *dir, fsm_error *err) {
  *stopped = (fsm__stopped){.lock_fd = -1};
  fsm_code code = fsm__path_of(&stopped->dir, err, "%s", dir);
  if (code == FSM_OK) code = fsm__path_of(&stopped->store, err, "%s/store", dir);
  if (code == FSM_OK) code = fsm__path_of(&stopped->journal, err, "%s/journal/0", dir);
  if (code == FSM_OK) code = fsm__path_of(&stopped->snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code != FSM_OK) return code;
  if (!fsm__path_exists(stopped->journal.text) && !fsm__path_exists(stopped->store.text))
    return fsm_fail(err, FSM_ENOTFOUND, dir, "it is not a data directory: it has no store and no journal");
  fsm__store_dir lock;
  fsm_error fault = {.text = ""};
  code = fsm__store_dir_open(&lock, stopped->store.text, false, false, &fault);
  if (code == FSM_ENOTFOUND) return FSM_OK; /* no store: nobody can have it open */
  if (code != FSM_OK) return fsm_fail(err, code, fault.where, "%s", fault.text);
  stopped->lock_fd = lock.lock_fd;
  lock.lock_fd = -1;
  fsm__store_dir_close(&lock);
  return FSM_OK;
}

void fsm__stopped_close(fsm__stopped *stopped) {
  if (stopped->lock_fd >= 0) close(stopped->lock_fd);
  stopped->lock_fd = -1;
}

/* Whose the files are: what most of them say, for one may be of another store. */
enum { VOTES_MAX = 8 };
typedef struct votes {
  fsm_origin origin[VOTES_MAX];
  unsigned count[VOTES_MAX], used;
} votes;

static void vote(votes *v, const fsm_origin *origin) {
  unsigned i = 0;
  while (i < v->used && (memcmp(v->origin[i].store, origin->store, sizeof origin->store) != 0 ||
                         v->origin[i].partition != origin->partition))
    i++;
  if (i == VOTES_MAX) return;
  if (i == v->used) v->origin[v->used++] = *origin;
  v->count[i]++;
}

/* The header of any segment that has a whole one. */
static void vote_segment(votes *v, const char *dir, const char *name) {
  fsm__path path;
  uint8_t block[FSM_JOURNAL_BLOCK];
  fsm__segment_head head;
  if (fsm__path_of(&path, NULL, "%s/%s", dir, name) != FSM_OK) return;
  int fd = open(path.text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  if (pread(fd, block, sizeof block, 0) == (ssize_t)sizeof block &&
      fsm__segment_decode(block, strtoull(name, NULL, 10), &head, NULL) == FSM_OK)
    vote(v, &head.origin);
  close(fd);
}

static fsm_code vote_all(const fsm__stopped *stopped, votes *v, fsm_error *err) {
  DIR *dir = opendir(stopped->journal.text);
  for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    size_t len = strlen(entry->d_name);
    if (len > 4 && strcmp(entry->d_name + len - 4, ".seg") == 0 && entry->d_name[0] != 'd')
      vote_segment(v, stopped->journal.text, entry->d_name);
  }
  if (dir != NULL) closedir(dir);
  fsm__snapshot_info *list = NULL;
  size_t count = 0;
  fsm_code code = fsm__snapshot_list(stopped->snapshots.text, &list, &count, NULL, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) vote(v, &list[i].origin);
  free(list);
  return code;
}

fsm_code fsm__stopped_origin(const fsm__stopped *stopped, fsm_origin *out, fsm_error *err) {
  votes v = {.used = 0};
  unsigned most = 0;
  fsm_code code = vote_all(stopped, &v, err);
  if (code != FSM_OK) return code;
  for (unsigned i = 1; i < v.used; i++)
    if (v.count[i] > v.count[most]) most = i;
  if (v.used > 0) *out = v.origin[most];
  if (v.used > 0) return FSM_OK;
  return fsm_fail(
      err, FSM_ECORRUPT, stopped->journal.text,
      "no segment of the journal has a readable header and there is no snapshot: whose it is cannot "
      "be told; restore a backup");
}

fsm_code fsm__stopped_journal(const fsm__stopped *stopped, bool read_only, uint64_t floor_seq,
                              fsm__journal **out, fsm__recovery *found, fsm_error *err) {
  fsm_origin origin;
  fsm_code code = fsm__stopped_origin(stopped, &origin, err);
  if (code != FSM_OK) return code;
  return fsm__journal_open(
      &(fsm__journal_options){
          .dir = stopped->journal.text, .origin = origin, .read_only = read_only, .floor_seq = floor_seq},
      out, found, err);
}

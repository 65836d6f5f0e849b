/* database_repair.c: what is damaged, what is to be done, and doing it. See database.h.
 *
 * The journal is gone through batch by batch to the last one that everything before vouches for. What is
 * behind it is moved aside, never removed. A cut below what was acknowledged loses records: it needs to be
 * accepted, opens a new epoch, and the record that begins it tells what was lost. The store is made anew
 * whenever it is not what the journal says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/database_impl.h"
#include "runtime/journal_impl.h"

enum { AHEAD_BYTES = 256 * 1024 };

typedef struct damage {
  fsm__stopped at;
  fsm_origin origin;
  fsm_code journal, store; /* FSM_OK = whole */
  fsm_error journal_fault, store_fault;
  uint64_t torn_bytes; /* behind what was acknowledged */
  uint64_t applied;    /* of the store, 0 = not known */
  /* where the journal stops being whole */
  uint64_t ordinal, offset, bytes, last_good, known_last;
  uint64_t *ordinals;
  size_t count;
} damage;

/* ---- how far the journal is whole ---------------------------------------------------------------- */

static void last_leaf(const uint8_t *data, const fsm__batch_head *head, fsm__chain *chain) {
  fsm__frames frames;
  fsm__bytes record;
  bool frame_end = false;
  if (head->records == 0) return;
  fsm__frames_start(&frames, data, head);
  while (fsm__frames_next(&frames, &record, &frame_end)) chain->leaf = fsm__leaf(record.data, record.len);
  chain->next_seq = head->first_seq + head->records;
}

/* *whole: the segment is sealed and its footer says what was found. */
static fsm_code scan_segment(damage *d, fsm__window *window, fsm__chain *chain, bool *whole) {
  fsm__segment_head head;
  fsm__walk walk;
  fsm__batch_head batch;
  const uint8_t *data = NULL;
  bool valid = true, intact = false;
  fsm__footer footer;
  *whole = false;
  d->offset = 0;
  fsm_code code = fsm__segment_check(window, &d->origin, chain, &head, &d->journal_fault);
  if (code != FSM_OK) return code == FSM_ENOMEM || code == FSM_EIO ? code : FSM_OK;
  fsm__walk_start(&walk, window, &head);
  while (code == FSM_OK && valid) {
    code = fsm__walk_next(&walk, &batch, &data, &valid, &d->journal_fault);
    if (code != FSM_OK || !valid) break;
    last_leaf(data, &batch, chain);
    chain->number = batch.number;
  }
  d->offset = walk.at;
  if (code == FSM_OK) code = fsm__footer_read(window, &head, &batch, &footer, &intact, &d->journal_fault);
  *whole = code == FSM_OK && intact && footer.last_seq + 1 == chain->next_seq;
  if (*whole) chain->number = batch.number;
  return code == FSM_ENOMEM || code == FSM_EIO ? code : FSM_OK;
}

static fsm_code start_of(damage *d, int dir_fd, fsm__chain *chain, fsm_error *err) {
  fsm__journal_floor floor;
  bool there = false;
  *chain = (fsm__chain){.next_seq = 1};
  fsm_code code = fsm__floor_read(dir_fd, &floor, &there, err);
  if (code == FSM_OK && there)
    *chain = (fsm__chain){.next_seq = floor.first_seq, .number = floor.first_batch - 1, .leaf = floor.prev};
  (void)d;
  return code;
}

static fsm_code scan(damage *d, fsm_error *err) {
  int dir_fd = -1;
  fsm__chain chain;
  bool whole = true;
  fsm_code code = fsm__journal_dir_open(d->at.journal.text, false, &dir_fd, err);
  if (code != FSM_OK) return code;
  code = fsm__segment_list(dir_fd, &d->ordinals, &d->count, err);
  if (code == FSM_OK) code = start_of(d, dir_fd, &chain, err);
  for (size_t i = 0; code == FSM_OK && whole && i < d->count; i++) {
    int fd = -1;
    d->ordinal = d->ordinals[i];
    code = fsm__segment_open(dir_fd, d->ordinal, O_RDONLY, &fd, err);
    if (code != FSM_OK) break;
    fsm__window window;
    off_t bytes = lseek(fd, 0, SEEK_END);
    d->bytes = bytes > 0 ? (uint64_t)bytes : 0;
    fsm__window_open(&window, fd, d->ordinal, d->bytes, AHEAD_BYTES);
    code = scan_segment(d, &window, &chain, &whole);
    fsm__window_free(&window);
    close(fd);
    d->last_good = chain.next_seq - 1;
  }
  close(dir_fd);
  if (d->known_last < d->last_good) d->known_last = d->last_good;
  return code;
}

/* ---- what is damaged ----------------------------------------------------------------------------- */

/* Before the lock is ours: opening takes it. */
static fsm_code look_at_store(damage *d, const char *dir, fsm_error *err) {
  fsm__path path;
  fsm__store *store = NULL;
  fsm_code code = fsm__path_of(&path, err, "%s/store", dir);
  if (code != FSM_OK) return code;
  d->store =
      fsm__store_open(&(fsm__store_options){.dir = path.text, .read_only = true}, &store, &d->store_fault);
  if (d->store == FSM_OK) d->applied = fsm__store_applied(store, NULL);
  fsm__store_close(store);
  if (d->store == FSM_ELOCKED || d->store == FSM_EVERSION || d->store == FSM_EPERMISSION)
    return fsm_fail(err, d->store, d->store_fault.where, "%s", d->store_fault.text);
  return FSM_OK;
}

/* Does it open, and is it what the journal says? */
static fsm_code look_at_rows(damage *d, const char *dir, fsm_error *err) {
  fsm_runtime *runtime = NULL;
  fsm_verified verified;
  const fsm_runtime_options options = {.dir = dir, .read_only = true, .must_exist = true};
  d->store = fsm_runtime_open(&options, &runtime, NULL, &d->store_fault);
  if (d->store == FSM_OK) d->store = fsm_runtime_verify(runtime, &verified, &d->store_fault);
  fsm_runtime_close(runtime);
  if (d->store == FSM_ENOMEM || d->store == FSM_ELOCKED)
    return fsm_fail(err, d->store, d->store_fault.where, "%s", d->store_fault.text);
  return FSM_OK;
}

static fsm_code look_at_journal(damage *d, fsm_error *err) {
  fsm__journal *journal = NULL;
  fsm__recovery found = {.last_seq = 0};
  fsm__journal_check check;
  d->journal = fsm__stopped_journal(&d->at, true, d->applied, &journal, &found, &d->journal_fault);
  if (d->journal == FSM_OK) d->journal = fsm__journal_verify(journal, &check, &d->journal_fault);
  fsm__journal_close(journal);
  d->torn_bytes = found.cut_bytes;
  d->known_last = d->applied;
  if (d->journal == FSM_EVERSION || d->journal == FSM_ENOMEM || d->journal == FSM_EPERMISSION)
    return fsm_fail(err, d->journal, d->journal_fault.where, "%s", d->journal_fault.text);
  if (d->journal == FSM_OK && d->torn_bytes == 0) return FSM_OK;
  const fsm_error kept = d->journal_fault;
  fsm_code code = fsm__stopped_origin(&d->at, &d->origin, err);
  if (code == FSM_OK) code = scan(d, err);
  d->journal_fault = kept;
  return code;
}

/* ---- doing it ------------------------------------------------------------------------------------ */

static fsm_code aside(const damage *d, uint64_t ordinal, fsm__path *from, fsm__path *to, fsm_error *err) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__segment_name(ordinal, name);
  fsm_code code = fsm__path_of(from, err, "%s/%s", d->at.journal.text, name);
  if (code == FSM_OK)
    code = fsm__path_of(to, err, "%s/damaged-%lld-%s", d->at.journal.text, (long long)time(NULL), name);
  return code;
}

/* A copy of the segment as it is, then zeroes from the damage on. With nothing good in it, it goes whole. */
static fsm_code cut_segment(const damage *d, fsm__hash *hash, fsm_error *err) {
  fsm__path from, to;
  uint64_t bytes = 0;
  fsm_code code = aside(d, d->ordinal, &from, &to, err);
  if (code != FSM_OK) return code;
  if (d->offset < FSM_JOURNAL_BLOCK) {
    code = fsm__file_hash(from.text, &bytes, hash, err);
    return code == FSM_OK ? fsm__file_move(from.text, to.text, err) : code;
  }
  code = fsm__file_copy(from.text, to.text, &bytes, hash, err);
  if (code == FSM_OK) code = fsm__dir_sync(d->at.journal.text, err);
  if (code != FSM_OK) return code;
  int fd = open(from.text, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fsm__file_fault(err, from.text, "the segment cannot be opened");
  errno = fsm__zero_at(fd, d->offset, d->bytes);
  if (errno == 0 && fsync(fd) != 0 && errno == 0) errno = EIO;
  if (errno != 0) code = fsm__file_fault(err, from.text, "the segment cannot be cut");
  close(fd);
  return code;
}

static fsm_code cut_journal(const damage *d, fsm__hash *hash, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = d->count; code == FSM_OK && i-- > 0 && d->ordinals[i] > d->ordinal;) { /* newest first */
    fsm__path from, to;
    code = aside(d, d->ordinals[i], &from, &to, err);
    if (code == FSM_OK) code = fsm__file_move(from.text, to.text, err);
  }
  return code == FSM_OK ? cut_segment(d, hash, err) : code;
}

/* Snapshots of what is cut: other records will have those seqs. First, so that a cut that is interrupted
 * leaves none behind. */
static fsm_code snapshots_aside(const damage *d, fsm_error *err) {
  fsm__snapshot_info *list = NULL;
  size_t count = 0;
  fsm_code code = fsm__snapshot_list(d->at.snapshots.text, &list, &count, NULL, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    fsm__path from, to;
    if (list[i].to_seq <= d->last_good) continue;
    code = fsm__snapshot_path(d->at.snapshots.text, list[i].from_seq, &from, err);
    if (code == FSM_OK)
      code = fsm__path_of(&to, err, "%s/damaged-%lld-%llu", d->at.snapshots.text, (long long)time(NULL),
                          (unsigned long long)list[i].from_seq);
    if (code == FSM_OK) code = fsm__file_move(from.text, to.text, err);
  }
  free(list);
  return code;
}

static fsm_code note_loss(const damage *d, fsm__journal *journal, const fsm_database_order *order,
                          const fsm__hash *hash, uint64_t *seq, fsm_error *err) {
  fsm_arena arena;
  fsm_value detail;
  char name[FSM_SEGMENT_NAME_BYTES];
  const fsm__hash head = fsm__journal_head(journal);
  const uint64_t old = fsm__journal_epoch(journal);
  fsm_arena_init(&arena, 0);
  fsm__segment_name(d->ordinal, name);
  fsm_code code = fsm__journal_new_epoch(journal, err);
  fsm__document document = {.arena = &arena};
  fsm__report_text(&document, "command", "repair");
  fsm__report_u64(&document, "fork", d->last_good);
  fsm__report_hash(&document, "leaf", &head);
  fsm__report_u64(&document, "old_epoch", old);
  fsm__report_u64(&document, "lost_from", d->last_good + 1);
  fsm__report_u64(&document, "lost_to", d->known_last); /* at least: what is known of */
  fsm__report_text(&document, "file", name);
  fsm__report_u64(&document, "offset", d->offset);
  fsm__report_hash(&document, "file_hash", hash);
  fsm__report_text(&document, "fault", d->journal_fault.text);
  if (code == FSM_OK) code = fsm__document_map(&document, &detail, err);
  if (code == FSM_OK) code = fsm__database_note(journal, FSM_RECORD_REPAIRED, order, &detail, seq, err);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code note_repair(const damage *d, fsm__journal *journal, const fsm_database_order *order,
                            uint64_t *seq, fsm_error *err) {
  fsm_arena arena;
  fsm_value detail;
  fsm_arena_init(&arena, 0);
  fsm__document document = {.arena = &arena};
  fsm__report_text(&document, "command", "repair");
  fsm__report_u64(&document, "cut_bytes", d->torn_bytes);
  fsm__report_bool(&document, "store_rebuilt", d->store != FSM_OK);
  fsm_code code = fsm__document_map(&document, &detail, err);
  if (code == FSM_OK) code = fsm__database_note(journal, FSM_RECORD_REPAIRED, order, &detail, seq, err);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code repair(damage *d, const fsm_database_order *order, uint64_t *seq, fsm_error *err) {
  fsm__journal *journal = NULL;
  fsm__hash hash;
  uint64_t applied = 0, base = 0;
  const bool loss = d->journal != FSM_OK;
  fsm_code code = FSM_OK;
  if (loss || d->torn_bytes > 0) code = snapshots_aside(d, err);
  if (code == FSM_OK && (loss || d->torn_bytes > 0)) code = cut_journal(d, &hash, err);
  if (code == FSM_OK) code = fsm__stopped_journal(&d->at, false, 0, &journal, NULL, err);
  if (code == FSM_OK)
    code = loss ? note_loss(d, journal, order, &hash, seq, err) : note_repair(d, journal, order, seq, err);
  if (code == FSM_OK && (d->store != FSM_OK || loss))
    code = fsm__stopped_rebuild(&d->at, journal, &applied, &base, err);
  fsm__journal_close(journal);
  return code;
}

/* ---- telling ------------------------------------------------------------------------------------- */

static const char *plan_of(const damage *d, const fsm_database_order *order, fsm_arena *arena) {
  if (d->journal != FSM_OK && d->offset < FSM_JOURNAL_BLOCK && d->count > 0 && d->ordinal == d->ordinals[0])
    return "nothing of the journal can be kept: restore a backup";
  if (d->journal == FSM_EVERIFY) return "records were altered, which no repair undoes: restore a backup";
  if (d->journal != FSM_OK)
    return fsm_arena_printf(
        arena,
        "restore a backup; or, with --accept-loss --reason, cut the journal after seq %llu "
        "(%llu records are lost), open a new epoch and make the store anew%s",
        (unsigned long long)d->last_good, (unsigned long long)(d->known_last - d->last_good),
        order->accept_loss && order->reason == NULL ? "; --reason is missing" : "");
  if (d->torn_bytes > 0 && d->store != FSM_OK)
    return "cut the torn tail of the journal, which nobody was answered for; make the store anew";
  if (d->torn_bytes > 0) return "cut the torn tail of the journal, which nobody was answered for";
  return d->store != FSM_OK ? "make the store anew from the journal" : "nothing is to be done";
}

static bool may_do(const damage *d, const fsm_database_order *order) {
  if (d->journal == FSM_EVERIFY) return false;
  if (d->journal != FSM_OK)
    return order->accept_loss && order->reason != NULL &&
           !(d->offset < FSM_JOURNAL_BLOCK && d->ordinal == d->ordinals[0]);
  return d->torn_bytes > 0 || d->store != FSM_OK;
}

static fsm_code tell(const damage *d, const fsm_database_order *order, bool done, uint64_t seq,
                     fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__findings findings = {.arena = arena};
  fsm_value list;
  fsm_error torn;
  fsm__finding(&findings, "journal", d->journal, &d->journal_fault, "whole");
  (void)fsm_fail(&torn, FSM_ECORRUPT, d->at.journal.text, "a torn tail of %llu bytes",
                 (unsigned long long)d->torn_bytes);
  if (d->torn_bytes > 0) fsm__finding(&findings, "tail", FSM_ECORRUPT, &torn, NULL);
  fsm__finding(&findings, "store", d->store, &d->store_fault, "what the journal gives");
  fsm_code code = fsm__findings_end(&findings, &list, err);
  if (code != FSM_OK) return code;
  fsm__document document = {.arena = arena};
  fsm__report_bool(&document, "ok", findings.damaged == 0 || done);
  fsm__report_bool(&document, "done", done);
  fsm__report_text(&document, "plan", plan_of(d, order, arena));
  fsm__document_put(&document, "findings", *fsm_map_get(&list, "findings"));
  if (seq > 0) fsm__report_u64(&document, "record", seq);
  return fsm__document_map(&document, out, err);
}

fsm_code fsm_database_repair(const char *dir, const fsm_database_order *order, fsm_arena *arena,
                             fsm_value *out, fsm_error *err) {
  damage *d = calloc(1, sizeof *d);
  if (d == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to repair");
  uint64_t seq = 0;
  bool done = false;
  d->at.lock_fd = -1;
  fsm_code code = look_at_store(d, dir, err);
  if (code == FSM_OK) code = look_at_rows(d, dir, err);
  if (code == FSM_OK) code = fsm__stopped_open(&d->at, dir, err);
  if (code == FSM_OK) code = look_at_journal(d, err);
  if (code == FSM_OK && order->yes && may_do(d, order)) {
    code = repair(d, order, &seq, err);
    done = code == FSM_OK;
  }
  if (code == FSM_OK) code = tell(d, order, done, seq, arena, out, err);
  fsm__stopped_close(&d->at);
  free(d->ordinals);
  free(d);
  return code;
}

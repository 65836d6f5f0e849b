/* database_repair.c: what is to be done about damage, and doing it. See database.h.
 *
 * What is not trusted is moved aside, never removed. A cut behind what is trusted loses records: it needs to
 * be accepted, opens a new epoch, and the record that begins it tells what was lost. Where a snapshot is
 * newer than the damage, the front goes instead, which loses history and no state. The store is made anew
 * whenever it is not what the journal says. Whether all of it can be done is known before anything is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/database_damage.h"

typedef fsm__damage damage;

/* ---- doing it ------------------------------------------------------------------------------------ */

static fsm_code aside(const damage *d, uint64_t ordinal, fsm__path *from, fsm__path *to, fsm_error *err) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__segment_name(ordinal, name);
  fsm_code code = fsm__path_of(from, err, "%s/%s", d->at.journal.text, name);
  if (code == FSM_OK)
    code = fsm__path_of(to, err, "%s/damaged-%lld-%s", d->at.journal.text,
                        (long long)(fsm__wall_ns() / 1000000000), name);
  return code;
}

/* A copy of the segment as it is, then zeroes from the damage on. With nothing good in it, it goes whole. */
static fsm_code cut_segment(const damage *d, fsm__hash *hash, fsm_error *err) {
  fsm__path from, to;
  uint64_t bytes = 0;
  fsm_code code = aside(d, d->ordinal, &from, &to, err);
  if (code != FSM_OK || d->sealed || !fsm__path_exists(from.text)) return code;
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
  if (errno == 0 && ftruncate(fd, (off_t)d->bytes) != 0 && errno == 0) errno = EIO;
  if (errno == 0 && fsync(fd) != 0 && errno == 0) errno = EIO;
  if (errno != 0) code = fsm__file_fault(err, from.text, "the segment cannot be cut");
  close(fd);
  return code;
}

static fsm_code segment_aside(const damage *d, uint64_t ordinal, fsm_error *err) {
  fsm__path from, to;
  fsm_code code = aside(d, ordinal, &from, &to, err);
  return code == FSM_OK ? fsm__file_move(from.text, to.text, err) : code;
}

static fsm_code cut_journal(const damage *d, fsm__hash *hash, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = d->count; code == FSM_OK && i-- > 0 && d->ordinals[i] > d->ordinal;) /* newest first */
    code = segment_aside(d, d->ordinals[i], err);
  return code == FSM_OK ? cut_segment(d, hash, err) : code;
}

/* Aside before the floor is written: what is below a floor is removed when the journal is opened. */
static fsm_code drop_front(const damage *d, fsm_error *err) {
  int dir_fd = -1;
  fsm_code code = FSM_OK;
  for (size_t i = 0; code == FSM_OK && i < d->count && d->ordinals[i] < d->front.ordinal; i++)
    code = segment_aside(d, d->ordinals[i], err);
  if (code == FSM_OK) code = fsm__journal_dir_open(d->at.journal.text, false, &dir_fd, err);
  if (code != FSM_OK) return code;
  code = fsm__floor_write(dir_fd, &d->front, err);
  close(dir_fd);
  return code;
}

static bool is_bad(const damage *d, uint64_t from_seq) {
  for (unsigned i = 0; i < d->bad_count; i++)
    if (d->bad_snapshots[i] == from_seq) return true;
  return false;
}

/* Those that are damaged, and those of what is cut: other records will have those seqs. First, so that a cut
 * that is interrupted leaves none behind. */
static fsm_code snapshots_aside(const damage *d, bool cut, fsm_error *err) {
  fsm__snapshot_info *list = NULL;
  size_t count = 0;
  fsm_code code = fsm__snapshot_list(d->at.snapshots.text, &list, &count, NULL, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    fsm__path from, to;
    if (!is_bad(d, list[i].from_seq) && (!cut || list[i].to_seq <= d->last_good)) continue;
    code = fsm__snapshot_path(d->at.snapshots.text, list[i].from_seq, &from, err);
    if (code == FSM_OK)
      code = fsm__path_of(&to, err, "%s/damaged-%lld-%llu", d->at.snapshots.text,
                          (long long)(fsm__wall_ns() / 1000000000), (unsigned long long)list[i].from_seq);
    if (code == FSM_OK) code = fsm__file_move(from.text, to.text, err);
  }
  free(list);
  return code;
}

/* ---- putting it on record ------------------------------------------------------------------------ */

typedef enum way { WAY_NONE, WAY_TIDY, WAY_CUT, WAY_FRONT } way;

static void tell_cut(const damage *d, fsm__journal *journal, fsm__document *out, const fsm__hash *head,
                     uint64_t old_epoch, const fsm__hash *file_hash) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__segment_name(d->ordinal, name);
  fsm__report_u64(out, "fork", d->last_good);
  fsm__report_hash(out, "leaf", head);
  fsm__report_u64(out, "old_epoch", old_epoch);
  fsm__report_u64(out, "epoch", fsm__journal_epoch(journal));
  fsm__report_u64(out, "lost_from", d->last_good + 1);
  fsm__report_u64(out, "lost_to", d->known_last);
  fsm__report_bool(out, "lost_more", d->applied == 0); /* without a store nobody knows of the last ones */
  fsm__report_text(out, "file", name);
  fsm__report_u64(out, "offset", d->offset);
  fsm__report_hash(out, "file_hash", file_hash);
}

static void tell_front(const damage *d, fsm__document *out) {
  if (d->front_loses) fsm__report_u64(out, "lost_from", d->first_seq);
  if (d->front_loses) fsm__report_u64(out, "lost_to", d->front.first_seq - 1);
  fsm__report_u64(out, "kept_from", d->front.first_seq);
}

static fsm_code note(const damage *d, way how, fsm__journal *journal, const fsm_database_order *order,
                     const fsm__hash *file_hash, uint64_t *seq, fsm_error *err) {
  fsm_arena arena;
  fsm_value detail;
  const fsm__hash head = fsm__journal_head(journal);
  const uint64_t old = fsm__journal_epoch(journal);
  fsm_arena_init(&arena, 0);
  fsm__document document = {.arena = &arena};
  fsm_code code = how == WAY_CUT ? fsm__journal_new_epoch(journal, err) : FSM_OK;
  fsm__report_text(&document, "command", "repair");
  if (how == WAY_CUT) tell_cut(d, journal, &document, &head, old, file_hash);
  if (how == WAY_FRONT) tell_front(d, &document);
  if (d->journal != FSM_OK) fsm__report_text(&document, "where", d->journal_fault.where);
  if (d->journal != FSM_OK) fsm__report_text(&document, "fault", d->journal_fault.text);
  fsm__report_u64(&document, "cut_bytes", d->torn_bytes);
  fsm__report_u64(&document, "bad_snapshots", d->bad_count);
  fsm__report_bool(&document, "store_damaged", d->store != FSM_OK);
  if (code == FSM_OK) code = fsm__document_map(&document, &detail, err);
  if (code == FSM_OK) code = fsm__database_note(journal, FSM_RECORD_REPAIRED, order, &detail, seq, err);
  fsm_arena_free(&arena);
  return code;
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static way way_of(const damage *d) {
  if (d->front_can_go) return WAY_FRONT;
  if (d->journal != FSM_OK) {
    bool nothing_left = d->offset < FSM_JOURNAL_BLOCK && (d->count == 0 || d->ordinal <= d->ordinals[0]);
    return nothing_left || !d->can_build ? WAY_NONE : WAY_CUT;
  }
  if (d->torn_bytes == 0 && d->bad_count == 0 && (d->store == FSM_OK || !d->can_build)) return WAY_NONE;
  return d->can_build || d->store == FSM_OK ? WAY_TIDY : WAY_NONE;
}

static bool loses(const damage *d, way how) { return how == WAY_CUT || (how == WAY_FRONT && d->front_loses); }

/* Where the snapshots were all that is bad, the store is fine. */
static fsm_code rebuild_if_needed(damage *d, bool needed, fsm_error *err) {
  fsm__journal *journal = NULL;
  uint64_t applied = 0, base = 0;
  fsm__stopped_close(&d->at); /* opening takes the lock */
  fsm_code code = needed ? FSM_OK : fsm__damage_rows(d, d->at.dir.text, err);
  if (code != FSM_OK || (!needed && d->store == FSM_OK)) return code;
  fsm__path dir = d->at.dir;
  code = fsm__stopped_open(&d->at, dir.text, err);
  if (code == FSM_OK) code = fsm__stopped_journal(&d->at, false, 0, &journal, NULL, err);
  if (code == FSM_OK) code = fsm__stopped_rebuild(&d->at, journal, &applied, &base, err);
  fsm__journal_close(journal);
  fsm__stopped_close(&d->at);
  if (code == FSM_OK) code = fsm__damage_rows(d, dir.text, err);
  return code != FSM_OK || d->store == FSM_OK
             ? code
             : fsm_fail(err, d->store, d->store_fault.where, "%s", d->store_fault.text);
}

static fsm_code repair(damage *d, way how, const fsm_database_order *order, uint64_t *seq, fsm_error *err) {
  fsm__journal *journal = NULL;
  fsm__hash hash = {{0}};
  const bool cuts = how == WAY_CUT || (how == WAY_TIDY && d->torn_bytes > 0);
  fsm_code code = snapshots_aside(d, cuts, err);
  if (code == FSM_OK && how == WAY_FRONT) code = drop_front(d, err);
  if (code == FSM_OK && cuts) code = cut_journal(d, &hash, err);
  if (code == FSM_OK) code = fsm__stopped_journal(&d->at, false, 0, &journal, NULL, err);
  if (code == FSM_OK) code = note(d, how, journal, order, &hash, seq, err);
  fsm__journal_close(journal);
  return code == FSM_OK ? rebuild_if_needed(d, how == WAY_CUT, err) : code;
}

/* ---- telling ------------------------------------------------------------------------------------- */

static const char *plan_of_loss(const damage *d, way how, const fsm_database_order *order, fsm_arena *arena) {
  const unsigned long long last = d->known_last, good = d->last_good, kept = d->front.first_seq;
  const char *upto = d->known_last <= d->last_good
                         ? ""
                         : fsm_arena_printf(arena, ", to %llu%s,", last, d->applied == 0 ? " at least" : "");
  const char *missing = order->accept_loss && order->reason == NULL ? "; --reason is missing" : "";
  if (how == WAY_FRONT)
    return fsm_arena_printf(
        arena,
        "restore a backup; or, with --yes --accept-loss --reason TEXT, let the records from seq %llu to %llu "
        "go: history is lost, no state, for a verified snapshot is newer; they are moved aside%s",
        (unsigned long long)d->first_seq, kept - 1, missing);
  return fsm_arena_printf(
      arena,
      "records from seq %llu on%s cannot be trusted: restore a backup that holds them; or, with "
      "--yes --accept-loss --reason TEXT, cut the journal after seq %llu (they are lost, their files are "
      "moved aside), open a new epoch and make the store anew%s",
      good + 1, upto, good, missing);
}

static const char *plan_of_tidy(const damage *d, fsm_arena *arena) {
  return fsm_arena_printf(arena, "with --yes:%s%s%s",
                          d->torn_bytes > 0 ? " cut the torn tail of the journal, which nobody was answered "
                                              "for;"
                                            : "",
                          d->bad_count > 0 ? " move the damaged snapshots aside;" : "",
                          d->store != FSM_OK ? " make the store anew from the journal" : "");
}

static const char *plan_of(const damage *d, way how, const fsm_database_order *order, fsm_arena *arena) {
  if (loses(d, how)) return plan_of_loss(d, how, order, arena);
  if (how == WAY_FRONT)
    return fsm_arena_printf(arena, "with --yes: write the journal's floor anew: it is kept from seq %llu",
                            (unsigned long long)d->front.first_seq);
  if (how == WAY_TIDY) return plan_of_tidy(d, arena);
  if (d->journal == FSM_OK && d->store == FSM_OK) return "nothing is to be done";
  if (d->can_build) return "nothing of the journal can be kept: restore a backup";
  return fsm_arena_printf(arena,
                          "the journal is kept from seq %llu on and no verified snapshot that is whole goes "
                          "with it, so no store can be made or proved: restore a backup",
                          (unsigned long long)d->first_seq);
}

static fsm_code tell(const damage *d, const fsm_value *findings, const char *plan, bool done, uint64_t seq,
                     fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__document document = {.arena = arena};
  const fsm_value *ok = fsm_map_get(findings, "ok");
  fsm__report_bool(&document, "ok", (ok != NULL && ok->b) || done);
  fsm__report_bool(&document, "done", done);
  fsm__report_text(&document, "plan", plan);
  if (d->journal != FSM_OK) fsm__report_u64(&document, "trusted", d->last_good);
  if (d->journal != FSM_OK) fsm__report_u64(&document, "known", d->known_last);
  fsm__document_put(&document, "findings", *fsm_map_get(findings, "findings"));
  if (seq > 0) fsm__report_u64(&document, "record", seq);
  return fsm__document_map(&document, out, err);
}

static fsm_code find(damage *d, const char *dir, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__findings *findings = fsm_arena_zalloc(arena, 1, sizeof *findings);
  fsm_error torn;
  if (findings == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to repair");
  findings->arena = arena;
  fsm_code code = fsm__damage_find(d, dir, err);
  if (code != FSM_OK) return code;
  fsm__finding(findings, "journal", d->journal, &d->journal_fault, "whole");
  (void)fsm_fail(&torn, FSM_ECORRUPT, fsm__place_of(d->ordinal, d->offset).text,
                 "a torn tail of %llu bytes, which nobody was answered for",
                 (unsigned long long)d->torn_bytes);
  if (d->torn_bytes > 0) fsm__finding(findings, "tail", FSM_ECORRUPT, &torn, NULL);
  fsm__finding(findings, "store", d->store, &d->store_fault, "what the journal gives");
  if (d->bad_count > 0) fsm__finding(findings, "snapshot", FSM_ECORRUPT, &d->snapshot_fault, NULL);
  return fsm__findings_end(findings, out, err);
}

fsm_code fsm_database_repair(const char *dir, const fsm_database_order *order, fsm_arena *arena,
                             fsm_value *out, fsm_error *err) {
  damage *d = calloc(1, sizeof *d);
  if (d == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to repair");
  uint64_t seq = 0;
  bool done = false;
  fsm_value findings;
  const char *plan = NULL;
  d->at.lock_fd = -1;
  fsm_code code = find(d, dir, arena, &findings, err);
  if (code == FSM_OK) {
    const way how = way_of(d);
    plan = plan_of(d, how, order, arena);
    bool accepted = !loses(d, how) || (order->accept_loss && order->reason != NULL);
    if (order->yes && how != WAY_NONE && accepted) {
      code = repair(d, how, order, &seq, err);
      done = code == FSM_OK;
    }
  }
  if (code == FSM_OK) code = tell(d, &findings, plan, done, seq, arena, out, err);
  fsm__damage_free(d);
  free(d);
  return code;
}

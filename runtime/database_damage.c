/* database_damage.c: see database_damage.h. */
#include "runtime/database_damage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AHEAD_BYTES = 1024 * 1024 };

/* A scan, with the place of the last batch that has records: it may turn out to be the wrong one. */
typedef struct scan {
  fsm__damage *d;
  int dir_fd;
  fsm_arena arena;
  fsm__chain chain;
  uint64_t ordinal, offset, bytes, last_good; /* before the last batch that has records */
  bool sealed;                                /* the last segment has a footer that agrees */
} scan;

static bool is_fault_of_ours(fsm_code code) {
  return code == FSM_ENOMEM || code == FSM_EIO || code == FSM_EVERSION;
}

/* ---- how far the journal is trusted -------------------------------------------------------------- */

static void stops_at(scan *s, uint64_t ordinal, uint64_t offset, uint64_t bytes, uint64_t last_good) {
  s->d->ordinal = ordinal;
  s->d->offset = offset;
  s->d->bytes = bytes;
  s->d->last_good = last_good;
}

static void note_known(fsm__damage *d, uint64_t seq) {
  if (seq > d->known_last) d->known_last = seq;
}

/* Its seq, and that it follows; and the store knows the hash of one of them. */
static bool record_follows(scan *s, const fsm__bytes *bytes) {
  fsm_record record;
  fsm_error ignored;
  fsm_arena_reset(&s->arena);
  if (fsm_record_decode(&s->arena, bytes->data, bytes->len, &record, &ignored) != FSM_OK) return false;
  return record.seq == s->chain.next_seq && record.prev != NULL &&
         memcmp(record.prev, s->chain.leaf.bytes, FSM_HASH_BYTES) == 0;
}

/* *bad: the first record that is not trusted, by its own batch or by the one before. */
static bool batch_follows(scan *s, const uint8_t *data, const fsm__batch_head *head, bool *before) {
  const fsm__chain at = s->chain;
  fsm__frames frames;
  fsm__bytes record;
  bool frame_end = false;
  fsm__frames_start(&frames, data, head);
  while (fsm__frames_next(&frames, &record, &frame_end)) {
    if (!record_follows(s, &record)) {
      *before = s->chain.next_seq == at.next_seq;
      s->chain = at;
      return false;
    }
    s->chain.leaf = fsm__leaf(record.data, record.len);
    const fsm__damage *d = s->d;
    if (d->applied == s->chain.next_seq &&
        memcmp(&s->chain.leaf, &d->applied_leaf, sizeof d->applied_leaf) != 0) {
      *before = false;
      s->chain = at;
      return false;
    }
    s->chain.next_seq++;
  }
  return true;
}

/* Whoever contradicts the record before it leaves both untrusted: back to the batch of that one. */
static void step_back(scan *s) {
  if (s->ordinal == 0) return;
  stops_at(s, s->ordinal, s->offset, s->bytes, s->last_good);
}

/* *whole: the segment is trusted to its end. */
static fsm_code scan_batches(scan *s, fsm__window *window, const fsm__segment_head *head, bool *whole) {
  fsm__walk walk;
  fsm__batch_head batch;
  const uint8_t *data = NULL;
  bool valid = true, before = false;
  *whole = false;
  fsm__walk_start(&walk, window, head);
  while (valid) {
    const uint64_t at = walk.at;
    fsm_code code = fsm__walk_next(&walk, &batch, &data, &valid, NULL);
    if (is_fault_of_ours(code)) return code;
    if (code != FSM_OK || !valid) break;
    const uint64_t last_good = s->chain.next_seq - 1;
    if (batch.kind == FSM__BATCH_DATA && !batch_follows(s, data, &batch, &before)) {
      stops_at(s, head->ordinal, at, head->bytes, last_good);
      if (before) step_back(s);
      return FSM_OK;
    }
    s->chain.number = batch.number;
    if (batch.kind != FSM__BATCH_DATA) continue;
    s->ordinal = head->ordinal;
    s->offset = at;
    s->bytes = head->bytes;
    s->last_good = last_good;
  }
  stops_at(s, head->ordinal, walk.at, head->bytes, s->chain.next_seq - 1);
  *whole = true;
  return FSM_OK;
}

/* A footer that names another last record than is there: the record was altered, or the log breaks off. */
static fsm_code scan_footer(scan *s, fsm__window *window, const fsm__segment_head *head, bool newest,
                            bool *whole) {
  fsm__batch_head batch;
  fsm__footer footer;
  bool intact = false;
  s->sealed = false;
  fsm_code code = fsm__footer_read(window, head, &batch, &footer, &intact, NULL);
  if (is_fault_of_ours(code)) return code;
  if (code != FSM_OK || !intact) {
    *whole = newest && code == FSM_OK;
    return FSM_OK;
  }
  note_known(s->d, footer.last_seq);
  *whole = footer.last_seq + 1 == s->chain.next_seq && batch.number > s->chain.number;
  if (*whole && memcmp(&footer.leaf, &s->chain.leaf, sizeof footer.leaf) != 0) {
    *whole = false;
    step_back(s);
  }
  if (*whole) s->chain.number = batch.number;
  s->sealed = *whole;
  return FSM_OK;
}

/* newest: it needs no footer. */
static fsm_code scan_segment(scan *s, uint64_t ordinal, bool newest, bool *whole) {
  fsm__segment_head head;
  fsm__window window = {.fd = -1};
  int fd = -1;
  *whole = s->d->sealed = false;
  stops_at(s, ordinal, 0, 0, s->chain.next_seq - 1);
  fsm_code code = fsm__segment_open(s->dir_fd, ordinal, O_RDONLY, &fd, NULL);
  if (code != FSM_OK) return is_fault_of_ours(code) ? code : FSM_OK;
  fsm__window_open(&window, fd, ordinal, 0, AHEAD_BYTES);
  code = fsm__segment_check_head(&window, &s->d->origin, &s->chain, &head, NULL);
  if (code == FSM_OK) {
    const bool sized = head.bytes == window.bytes;
    s->chain.epoch = head.origin.epoch;
    code = scan_batches(s, &window, &head, whole);
    if (code == FSM_OK && *whole) code = scan_footer(s, &window, &head, newest, whole);
    *whole = *whole && sized;
    s->d->sealed = *whole && s->sealed;
  }
  fsm__window_free(&window);
  close(fd);
  return is_fault_of_ours(code) ? code : FSM_OK;
}

/* From the i-th segment on. *whole: to the end. */
static fsm_code scan_from(scan *s, size_t i, bool *whole) {
  const fsm__damage *d = s->d;
  fsm_code code = FSM_OK;
  *whole = true;
  for (uint64_t expected = i < d->count ? d->ordinals[i] : 0; *whole && i < d->count; i++, expected++) {
    *whole = d->ordinals[i] == expected;
    if (!*whole) { /* a segment is missing: what is good ends before it */
      stops_at(s, expected, 0, 0, s->chain.next_seq - 1);
      break;
    }
    code = scan_segment(s, d->ordinals[i], i + 1 == d->count, whole);
    if (code != FSM_OK) break;
  }
  return code;
}

/* ---- what else is known of ----------------------------------------------------------------------- */

/* Any batch that is intact tells of its seqs, wherever it stands. */
static void survey(fsm__damage *d, int dir_fd, uint64_t ordinal) {
  fsm__window window = {.fd = -1};
  fsm__segment_head head;
  fsm__batch_head batch;
  const uint8_t *data = NULL;
  int fd = -1;
  if (fsm__segment_open(dir_fd, ordinal, O_RDONLY, &fd, NULL) != FSM_OK) return;
  const off_t bytes = lseek(fd, 0, SEEK_END);
  fsm__window_open(&window, fd, ordinal, bytes > 0 ? (uint64_t)bytes : 0, AHEAD_BYTES);
  fsm_code code = fsm__window_view(&window, 0, FSM_JOURNAL_BLOCK, &data, NULL);
  if (code == FSM_OK) code = fsm__segment_decode(data, ordinal, &head, NULL);
  if (code == FSM_OK && memcmp(head.origin.store, d->origin.store, sizeof head.origin.store) == 0) {
    note_known(d, head.first_seq - 1);
    for (uint64_t at = FSM_JOURNAL_BLOCK; at + FSM_JOURNAL_BLOCK <= window.bytes; at += FSM_JOURNAL_BLOCK) {
      if (fsm__window_view(&window, at, FSM_JOURNAL_BLOCK, &data, NULL) != FSM_OK) break;
      if (!fsm__batch_decode(data, head.salt, window.bytes - at, &batch)) continue;
      if (fsm__window_view(&window, at, batch.length, &data, NULL) != FSM_OK) continue;
      if (fsm__batch_intact(data, &batch)) note_known(d, batch.first_seq + batch.records - 1);
    }
  }
  fsm__window_free(&window);
  close(fd);
}

/* ---- the front ----------------------------------------------------------------------------------- */

static bool header_of(const fsm__damage *d, int dir_fd, size_t i, fsm__segment_head *head) {
  uint8_t block[FSM_JOURNAL_BLOCK];
  int fd = -1;
  if (fsm__segment_open(dir_fd, d->ordinals[i], O_RDONLY, &fd, NULL) != FSM_OK) return false;
  bool whole = pread(fd, block, sizeof block, 0) == (ssize_t)sizeof block &&
               fsm__segment_decode(block, d->ordinals[i], head, NULL) == FSM_OK;
  close(fd);
  return whole && memcmp(head->origin.store, d->origin.store, sizeof head->origin.store) == 0 &&
         head->origin.partition == d->origin.partition && head->first_batch > 0;
}

/* Is there a whole, verified snapshot that goes on with this seq and ends by that one? */
static fsm_code has_snapshot(const fsm__damage *d, uint64_t first, uint64_t last, bool *out, fsm_error *err) {
  fsm__snapshot_info *list = NULL, again;
  size_t count = 0;
  *out = false;
  fsm_code code = fsm__snapshot_list(d->at.snapshots.text, &list, &count, NULL, err);
  for (size_t i = 0; code == FSM_OK && i < count && !*out; i++) {
    fsm__path path;
    if (list[i].verified_ns == 0 || list[i].from_seq + 1 < first || list[i].to_seq > last) continue;
    code = fsm__snapshot_path(d->at.snapshots.text, list[i].from_seq, &path, err);
    *out = code == FSM_OK && fsm__snapshot_check(path.text, &again, NULL) == FSM_OK;
  }
  free(list);
  return code;
}

/* Segments from the i-th on by themselves: d->front, when nothing of them is damaged. */
static fsm_code look_behind(scan *s, size_t i, bool *good, fsm_error *err) {
  fsm__damage *d = s->d;
  fsm__segment_head head;
  const uint64_t ordinal = d->ordinal, offset = d->offset, bytes = d->bytes, last_good = d->last_good;
  const bool sealed = d->sealed;
  *good = false;
  if (!header_of(d, s->dir_fd, i, &head)) return FSM_OK;
  s->ordinal = 0;
  s->chain = (fsm__chain){.next_seq = head.first_seq, .number = head.first_batch - 1, .leaf = head.prev};
  fsm_code code = scan_from(s, i, good);
  const uint64_t last = s->chain.next_seq - 1;
  stops_at(s, ordinal, offset, bytes, last_good);
  d->sealed = sealed;
  if (code == FSM_OK && *good && last < d->known_last) *good = false;
  if (code == FSM_OK && *good) code = has_snapshot(d, head.first_seq, last, good, err);
  if (code != FSM_OK || !*good) return code;
  d->front = (fsm__journal_floor){.origin = head.origin,
                                  .ordinal = d->ordinals[i],
                                  .first_seq = head.first_seq,
                                  .first_batch = head.first_batch,
                                  .prev = head.prev};
  return FSM_OK;
}

static fsm_code look_for_front(scan *s, bool floor_lost, fsm_error *err) {
  fsm__damage *d = s->d;
  fsm_code code = FSM_OK;
  for (size_t i = 0; code == FSM_OK && i < d->count && !d->front_can_go; i++)
    if (d->ordinals[i] > d->ordinal || (floor_lost && i == 0))
      code = look_behind(s, i, &d->front_can_go, err);
  /* Of a floor that is there and cannot be read nobody knows more than the first header. */
  d->front_loses = d->front_can_go && !(d->floor_unread && d->front.ordinal == d->ordinals[0]) &&
                   d->first_seq < d->front.first_seq;
  return code;
}

/* ---- the whole journal --------------------------------------------------------------------------- */

static fsm_code scan_journal(scan *s, fsm_error *err) {
  fsm__damage *d = s->d;
  fsm__journal_floor floor;
  bool there = false, whole = true;
  fsm_code code = fsm__segment_list(s->dir_fd, &d->ordinals, &d->count, err);
  if (code != FSM_OK) return code;
  code = fsm__floor_read(s->dir_fd, &floor, &there, NULL);
  if (is_fault_of_ours(code)) return fsm__floor_read(s->dir_fd, &floor, &there, err);
  d->floor_unread = code != FSM_OK;
  code = FSM_OK;
  const uint64_t wanted = there ? floor.ordinal : 1;
  bool floor_lost = d->floor_unread || (d->count > 0 && d->ordinals[0] != wanted);
  s->chain = (fsm__chain){.next_seq = 1};
  if (there) s->chain = fsm__floor_chain(&floor);
  if (there) floor_lost = floor_lost || memcmp(floor.origin.store, d->origin.store, 16) != 0;
  d->first_seq = s->chain.next_seq;
  if (floor_lost)
    stops_at(s, d->count > 0 && d->ordinals[0] < wanted ? d->ordinals[0] : wanted, 0, 0, d->first_seq - 1);
  else
    code = scan_from(s, 0, &whole);
  for (size_t i = 0; i < d->count; i++)
    if (d->ordinals[i] >= d->ordinal) survey(d, s->dir_fd, d->ordinals[i]);
  note_known(d, d->last_good);
  if (is_fault_of_ours(code)) return fsm_fail(err, code, d->at.journal.text, "the journal cannot be read");
  d->can_build = d->first_seq <= 1;
  if (!d->can_build) code = has_snapshot(d, d->first_seq, d->last_good, &d->can_build, err);
  if (code != FSM_OK) return code;
  if (whole && !floor_lost) return FSM_OK;
  return look_for_front(s, floor_lost, err);
}

static fsm_code look_at_journal(fsm__damage *d, fsm_error *err) {
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
  scan s = {.d = d, .dir_fd = -1};
  fsm_code code = fsm__stopped_origin(&d->at, &d->origin, err);
  if (code == FSM_OK) code = fsm__journal_dir_open(d->at.journal.text, false, &s.dir_fd, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&s.arena, 0);
  code = scan_journal(&s, err);
  fsm_arena_free(&s.arena);
  close(s.dir_fd);
  if (code == FSM_OK && d->journal == FSM_OK && d->last_good < d->applied) /* the store knows better */
    d->journal =
        fsm_fail(&d->journal_fault, FSM_EVERIFY, fsm__place_of(d->ordinal, d->offset).text,
                 "record %llu is not the one that the store was made from", (unsigned long long)d->applied);
  return code;
}

/* ---- the store and the snapshots ----------------------------------------------------------------- */

fsm_code fsm__damage_find(fsm__damage *d, const char *dir, fsm_error *err) {
  fsm_code code = fsm__damage_store(d, dir, err);
  if (code == FSM_OK) code = fsm__damage_rows(d, dir, err);
  if (code == FSM_OK) code = fsm__stopped_open(&d->at, dir, err);
  if (code == FSM_OK) code = look_at_journal(d, err);
  return code == FSM_OK ? fsm__damage_snapshots(d, err) : code;
}

void fsm__damage_free(fsm__damage *d) {
  fsm__stopped_close(&d->at);
  free(d->ordinals);
}

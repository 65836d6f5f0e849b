/* journal_read.c: cursors.
 *
 * A cursor has its own fd and window. Reading on takes the next batch from the window, so a run of
 * records costs one pread per window; a jump goes to the nearest indexed batch and hops over headers.
 * The index of a sealed segment is built when the first jump into it asks.
 *
 * Invariant: nothing is taken from a window that was read before the batch in question was durable
 * (window_durable), and no batch is handed out whose checksum was not just computed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/crc32c.h"
#include "runtime/journal_idx.h"

enum { AHEAD_MIN = 32 * 1024, AHEAD_MAX = 256 * 1024, AHEAD_HOPPING = 4 * 1024 };

struct fsm__journal_cursor {
  fsm__journal *journal;
  uint64_t seq; /* the next to hand out */

  fsm__window window;
  uint64_t window_durable, window_fills; /* the durable seq before the window was filled */
  uint64_t salt, end;                    /* of the segment in the window; ordinal 0 = none */
  uint32_t epoch;
  uint64_t at, at_seq; /* a batch of it, and the seq it starts with */

  /* the batch in hand, in the window; records 0 = none */
  const uint8_t *batch;
  fsm__batch_head head;
  fsm__frames frames;
  uint64_t frames_seq; /* of the record that frames gives next */

  fsm__idx *idx;  /* of the segment that was last read from through it; NULL = none yet */
  uint8_t *alone; /* a record that was read without its batch */
  size_t alone_cap;
};

/* Where a seq is: a segment, and the nearest batch known at or before it. */
typedef struct place {
  uint64_t ordinal, bytes, salt, first_seq;
  uint64_t used; /* 0 = not sealed */
  uint32_t epoch;
  uint64_t at, at_seq;
  bool wants_index;
} place;

/* ---- the table of segments ---- */

/* False: it was pruned. */
static bool locate(fsm__journal *journal, uint64_t seq, place *out) {
  pthread_mutex_lock(&journal->lock);
  fsm__segment *segment = fsm__segment_of(journal, seq);
  if (!segment) {
    pthread_mutex_unlock(&journal->lock);
    return false;
  }
  place found = {.ordinal = segment->ordinal,
                 .bytes = segment->bytes,
                 .salt = segment->salt,
                 .first_seq = segment->first_seq,
                 .used = segment->used,
                 .epoch = segment->epoch,
                 .at = FSM_JOURNAL_BLOCK,
                 .at_seq = segment->first_seq,
                 .wants_index = !segment->index && segment->used};
  fsm__index_entry entry;
  if (fsm__index_find(segment->index, seq, &entry)) {
    found.at = entry.at;
    found.at_seq = entry.seq;
    segment->index_use = ++journal->index_clock;
  }
  pthread_mutex_unlock(&journal->lock);
  *out = found;
  return true;
}

/* Under the lock. The active segment keeps its index: nobody could build it while it grows. */
static void drop_oldest_index(fsm__journal *journal) {
  fsm__segment *oldest = NULL;
  size_t kept = 0;
  for (size_t i = 0; i < journal->segment_count; i++) {
    fsm__segment *segment = &journal->segments[i];
    if (!segment->index || !segment->used) continue;
    kept++;
    if (!oldest || segment->index_use < oldest->index_use) oldest = segment;
  }
  if (kept < FSM__INDEXES_KEPT) return;
  fsm__index_free(oldest->index);
  oldest->index = NULL;
}

static void keep_index(fsm__journal *journal, uint64_t first_seq, fsm__index *index) {
  pthread_mutex_lock(&journal->lock);
  fsm__segment *segment = fsm__segment_of(journal, first_seq);
  if (!segment || segment->index) {
    fsm__index_free(index); /* it was pruned, or another cursor was faster */
  } else {
    drop_oldest_index(journal);
    segment->index = index;
    segment->index_use = ++journal->index_clock;
  }
  pthread_mutex_unlock(&journal->lock);
}

/* ---- moving ---- */

static void leave_segment(fsm__journal_cursor *cursor) {
  if (cursor->window.ordinal) close(cursor->window.fd);
  cursor->window.ordinal = 0;
  cursor->head.records = 0;
}

static void go_to(fsm__journal_cursor *cursor, uint64_t at, uint64_t at_seq) {
  cursor->at = at;
  cursor->at_seq = at_seq;
  cursor->window.ahead = AHEAD_MIN;
}

static fsm_code enter_segment(fsm__journal_cursor *cursor, const place *to, fsm_error *err) {
  leave_segment(cursor);
  int fd;
  fsm_code code = fsm__segment_open(cursor->journal->dir_fd, to->ordinal, O_RDONLY, &fd, err);
  if (code) return code;
  fsm__window_open(&cursor->window, fd, to->ordinal, to->bytes, AHEAD_MIN);
  cursor->salt = to->salt;
  cursor->epoch = to->epoch;
  cursor->end = fsm__log_end(to->bytes);
  go_to(cursor, FSM_JOURNAL_BLOCK, to->first_seq);
  return FSM_OK;
}

/* A view that is never older than the durability of the seq it starts with. */
static fsm_code view(fsm__journal_cursor *cursor, size_t need, const uint8_t **data, fsm_error *err) {
  fsm__window *window = &cursor->window;
  uint64_t durable = fsm__journal_durable_seq(cursor->journal);
  if (cursor->window_durable < cursor->at_seq) window->len = 0;
  fsm_code code = fsm__window_view(window, cursor->at, need, data, err);
  if (window->fills != cursor->window_fills) {
    cursor->window_fills = window->fills;
    cursor->window_durable = durable;
  }
  return code;
}

static fsm_code damaged(const fsm__journal_cursor *cursor, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(cursor->window.ordinal, cursor->at).text,
                  "the batch at seq %" PRIu64 " is damaged", cursor->at_seq);
}

/* The header of the batch at hand, not yet its checksum. */
static fsm_code read_head(fsm__journal_cursor *cursor, fsm__batch_head *head, fsm_error *err) {
  const uint8_t *data;
  if (cursor->at >= cursor->end) return damaged(cursor, err);
  fsm_code code = view(cursor, FSM__BATCH_HEAD, &data, err);
  if (code) return code;
  if (!fsm__batch_decode(data, cursor->salt, cursor->end - cursor->at, head) ||
      head->kind == FSM__BATCH_FOOTER || head->first_seq != cursor->at_seq)
    return damaged(cursor, err);
  return FSM_OK;
}

static void skip(fsm__journal_cursor *cursor, const fsm__batch_head *head) {
  cursor->at += fsm__blocks(head->length);
  cursor->at_seq += head->records;
}

/* Hops over the headers of a sealed segment and notes the way. */
static fsm_code build_index(fsm__journal_cursor *cursor, const place *to, fsm_error *err) {
  fsm__index *index = fsm__index_new();
  go_to(cursor, FSM_JOURNAL_BLOCK, to->first_seq);
  cursor->window.ahead = AHEAD_HOPPING;
  fsm_code code = FSM_OK;
  while (!code && cursor->at < to->used) {
    fsm__batch_head head;
    code = read_head(cursor, &head, err);
    if (code) break;
    if (head.records) fsm__index_note(index, head.first_seq, cursor->at);
    skip(cursor, &head);
  }
  if (index && !code)
    keep_index(cursor->journal, to->first_seq, index);
  else
    fsm__index_free(index);
  return code;
}

/* Puts the cursor on a batch at or before seq: where it is, when that is the nearest known. */
static fsm_code approach(fsm__journal_cursor *cursor, uint64_t seq, fsm_error *err) {
  place to;
  if (!locate(cursor->journal, seq, &to)) return fsm__journal_archived(cursor->journal, seq, err);
  fsm_code code = FSM_OK;
  if (cursor->window.ordinal != to.ordinal) code = enter_segment(cursor, &to, err);
  if (!code && to.wants_index && cursor->at_seq != seq) {
    code = build_index(cursor, &to, err);
    if (!locate(cursor->journal, seq, &to)) return fsm__journal_archived(cursor->journal, seq, err);
  }
  if (code) return code;
  if (cursor->at_seq == seq)
    cursor->window.ahead = cursor->window.ahead < AHEAD_MAX ? cursor->window.ahead * 2 : AHEAD_MAX;
  else if (cursor->at_seq > seq || cursor->at_seq < to.at_seq)
    go_to(cursor, to.at, to.at_seq);
  return FSM_OK;
}

static fsm_code load(fsm__journal_cursor *cursor, uint64_t seq, fsm_error *err) {
  cursor->head.records = 0;
  fsm_code code = approach(cursor, seq, err);
  fsm__batch_head head = {0};
  while (!code) {
    code = read_head(cursor, &head, err);
    if (code || seq < cursor->at_seq + head.records) break;
    skip(cursor, &head);
  }
  const uint8_t *data = NULL;
  if (!code) code = view(cursor, head.length, &data, err);
  if (!code && !fsm__batch_intact(data, &head)) code = damaged(cursor, err);
  if (code) {
    leave_segment(cursor);
    /* Pruned between finding and opening it. */
    return seq < fsm__journal_first_seq(cursor->journal) ? fsm__journal_archived(cursor->journal, seq, err)
                                                         : code;
  }
  cursor->batch = data;
  cursor->head = head;
  fsm__frames_start(&cursor->frames, data, &head);
  cursor->frames_seq = head.first_seq;
  skip(cursor, &head);
  return FSM_OK;
}

/* ---- the contract ---- */

fsm_code fsm__journal_cursor_open(fsm__journal *journal, uint64_t seq, fsm__journal_cursor **out,
                                  fsm_error *err) {
  FSM_ASSERT(journal && out);
  fsm__journal_cursor *cursor = calloc(1, sizeof *cursor);
  if (!cursor) return fsm_fail(err, FSM_ENOMEM, "cursor", "no memory for a cursor");
  cursor->journal = journal;
  fsm__journal_cursor_seek(cursor, seq);
  *out = cursor;
  return FSM_OK;
}

void fsm__journal_cursor_close(fsm__journal_cursor *cursor) {
  if (!cursor) return;
  leave_segment(cursor);
  fsm__window_free(&cursor->window);
  if (cursor->idx) fsm__idx_close(cursor->idx);
  free(cursor->idx);
  free(cursor->alone);
  free(cursor);
}

void fsm__journal_cursor_seek(fsm__journal_cursor *cursor, uint64_t seq) { cursor->seq = seq ? seq : 1; }

fsm_code fsm__journal_next(fsm__journal_cursor *cursor, fsm__journal_entry *out, bool *found,
                           fsm_error *err) {
  FSM_ASSERT(cursor && out && found);
  uint64_t seq = cursor->seq;
  *found = false;
  if (seq > fsm__journal_durable_seq(cursor->journal)) return FSM_OK;
  if (seq < fsm__journal_first_seq(cursor->journal)) return fsm__journal_archived(cursor->journal, seq, err);
  const fsm__batch_head *head = &cursor->head;
  if (seq < head->first_seq || seq - head->first_seq >= head->records) {
    fsm_code code = load(cursor, seq, err);
    if (code) return code;
  }
  if (seq < cursor->frames_seq) {
    fsm__frames_start(&cursor->frames, cursor->batch, head);
    cursor->frames_seq = head->first_seq;
  }
  do {
    bool there = fsm__frames_next(&cursor->frames, &out->record, &out->frame_end);
    FSM_ASSERT(there); /* the batch is intact */
  } while (cursor->frames_seq++ < seq);
  out->seq = seq;
  out->epoch = cursor->epoch;
  cursor->seq = seq + 1;
  *found = true;
  return FSM_OK;
}

fsm_code fsm__journal_next_block(fsm__journal_cursor *cursor, fsm__journal_block *out, bool *found,
                                 fsm_error *err) {
  FSM_ASSERT(cursor && out && found);
  const uint64_t seq = cursor->seq;
  *found = false;
  if (seq > fsm__journal_durable_seq(cursor->journal)) return FSM_OK;
  if (seq < fsm__journal_first_seq(cursor->journal)) return fsm__journal_archived(cursor->journal, seq, err);
  fsm_code code = load(cursor, seq, err);
  if (code) return code;
  const fsm__batch_head *head = &cursor->head;
  *out = (fsm__journal_block){head->first_seq, head->records, cursor->batch, head->length, head->frames};
  cursor->seq = head->first_seq + head->records;
  *found = true;
  return FSM_OK;
}

bool fsm__journal_segment_at(fsm__journal *journal, uint64_t seq, uint64_t *first_seq, uint64_t *bytes) {
  place at;
  if (seq < fsm__journal_first_seq(journal) || !locate(journal, seq, &at)) return false;
  *first_seq = at.first_seq;
  *bytes = at.bytes;
  return true;
}

/* ---- one record ---- */

/* The cursor's index, on this segment; false: there is none to use now. */
static bool use_index(fsm__journal_cursor *cursor, const fsm__sealed *segment) {
  if (!cursor->idx) {
    cursor->idx = calloc(1, sizeof *cursor->idx);
    if (!cursor->idx) return false;
    cursor->idx->fd = -1;
  }
  if (fsm__idx_is_of(cursor->idx, segment)) return true;
  bool usable;
  fsm__idx_close(cursor->idx);
  fsm__idx_open(cursor->journal, segment, cursor->idx, &usable);
  return usable;
}

static bool read_alone(fsm__journal_cursor *cursor, uint64_t at, size_t len) {
  if (len > cursor->alone_cap) {
    free(cursor->alone);
    cursor->alone_cap = 0;
    cursor->alone = malloc(len);
    if (!cursor->alone) return false;
    cursor->alone_cap = len;
  }
  for (size_t got = 0; got < len;) {
    ssize_t n = pread(cursor->window.fd, cursor->alone + got, len - got, (off_t)(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += (size_t)n;
  }
  return true;
}

/* Through the index of its segment; whatever is not as it should be: false, and the batch will tell. */
static bool read_by_index(fsm__journal_cursor *cursor, uint64_t seq, fsm__journal_entry *out) {
  fsm__sealed segment;
  fsm_error ignored;
  uint64_t item;
  place to;
  if (!fsm__sealed_of(cursor->journal, seq, &segment) || !use_index(cursor, &segment)) return false;
  uint32_t number = (uint32_t)(seq - segment.first_seq);
  if (number >= cursor->idx->head.count || !fsm__idx_item(cursor->idx, FSM__IDX_OFFSETS, number, &item))
    return false;
  if (cursor->window.ordinal != segment.ordinal &&
      (!locate(cursor->journal, seq, &to) || enter_segment(cursor, &to, &ignored)))
    return false;
  uint64_t at = item & 0x7FFFFFFF, first = at - FSM__RECORD_HEAD;
  if (at < FSM_JOURNAL_BLOCK + FSM__RECORD_HEAD || at >= segment.used) return false;
  if (!read_alone(cursor, first, FSM__RECORD_HEAD)) return false;
  uint32_t len = fsm__get32(cursor->alone);
  if (!len || len > FSM_RECORD_BYTES_MAX || len > segment.used - at || !read_alone(cursor, at, len))
    return false;
  if (fsm__crc32c(0, cursor->alone, len) != (uint32_t)(item >> 32)) return false;
  *out = (fsm__journal_entry){seq, segment.epoch, {cursor->alone, len}, item >> 31 & 1};
  return true;
}

fsm_code fsm__journal_read(fsm__journal_cursor *cursor, uint64_t seq, fsm__journal_entry *out,
                           fsm_error *err) {
  FSM_ASSERT(cursor && seq && out);
  bool found = false,
       in_hand = seq >= cursor->head.first_seq && seq - cursor->head.first_seq < cursor->head.records;
  cursor->seq = seq;
  if (!in_hand && seq >= fsm__journal_first_seq(cursor->journal) &&
      seq <= fsm__journal_durable_seq(cursor->journal) && read_by_index(cursor, seq, out)) {
    cursor->seq = seq + 1;
    return FSM_OK;
  }
  fsm_code code = fsm__journal_next(cursor, out, &found, err);
  if (!code && !found) code = fsm_fail(err, FSM_ENOTFOUND, "seq", "seq %" PRIu64 " is not written yet", seq);
  return code;
}

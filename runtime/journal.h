/* journal.h: the log on disk: write-ahead log, audit log and outbox in one (DESIGN 5, format 1).
 *
 * A directory of segments `<ordinal>.seg` (20 digits) and one `spare`. A segment is zero-written in
 * advance; its first 512 bytes are the header; then batches, each on a 512-byte boundary:
 *
 *   batch  = header (64 bytes) ‖ payload           all integers little endian
 *   payload = frames;  frame = u32 length ‖ u32 record count ‖ records;  record = u32 length ‖ bytes
 *
 * The batch header's length field counts header and payload, so an empty (confirming) batch has 64 and
 * zeroes mean end of log; a frame's length likewise counts its own 8 bytes, a record's only the record.
 * One batch is one pwrite and one fdatasync; `durable` moves only when that returned. A batch never
 * spans segments. The last block of a segment is kept for its footer, a batch written when the segment
 * is full that says how much of it is used, its last seq and leaf; so opening reads two blocks of a
 * sealed segment.
 *
 * One writer thread calls append, commit, confirm and new_epoch; any thread may read through its own
 * cursor, and sees nothing above the durable seq; one thread at a time prunes.
 *
 * What was pruned is named by the file `floor`: which segment is the first that is kept, and what it
 * follows. Without it the log starts with segment 1. So a first segment that got lost is found out.
 *
 * Each segment header names the epoch that its records are of. Epochs of one journal never go back.
 *
 * After FSM_EIO from a write the journal is dead: every later call gives FSM_EIO and the process must
 * end (after a failed fsync the kernel marks the pages clean, and the next one "succeeds").
 */
#ifndef FSM_RUNTIME_JOURNAL_H
#define FSM_RUNTIME_JOURNAL_H

#include "runtime/hash.h"
#include "schema/record.h"

enum {
  FSM_JOURNAL_FORMAT = 1,
  FSM_JOURNAL_BLOCK = 512,
  FSM_SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024,
  FSM_SEGMENT_BYTES_MIN = 2 * 1024 * 1024, /* a largest batch fits with room */
  FSM_SEGMENT_BYTES_MAX = 1024 * 1024 * 1024,
  FSM_BATCH_BYTES_MAX = 1024 * 1024,
  FSM_FRAME_RECORDS_MAX = 16 * 1024 /* a frame of FSM_FRAME_BYTES_MAX fits one batch */
};

typedef struct fsm__journal fsm__journal;

typedef struct fsm__journal_options {
  const char *dir; /* journal/<partition>; made when missing unless read_only */
  fsm_origin
      origin; /* store id and partition must match what is there; epoch: of a journal without segments */
  size_t segment_bytes; /* of new segments, whole blocks; 0 = default */
  bool manual;          /* no threads: a spare is made when it is needed, index files by fsm__journal_turn */
  bool read_only;       /* recover in memory, write nothing (a torn tail is ignored, not cut) */
  /* Highest seq known durable elsewhere (the store's); damage at or below it is corruption. */
  uint64_t floor_seq;
  /* The same by others' word (the sinks' cursors): a mark counts when its epoch is the journal's newest. */
  const struct fsm__journal_mark *marks;
  size_t mark_count;
} fsm__journal_options;

typedef struct fsm__journal_mark {
  uint32_t epoch;
  uint64_t seq;
} fsm__journal_mark;

/* What recovery found and did; for the log and for tests. */
typedef struct fsm__recovery {
  uint64_t last_seq;   /* 0 = empty journal */
  uint64_t proved_seq; /* highest seq proved durable by a later `synced` */
  uint64_t rewritten;  /* batches with records written again in place because nothing proved them */
  uint64_t cut_bytes;  /* of a torn tail */
  char cut_file[64];
  uint64_t cut_offset;
  bool adopted; /* the newest segment was a renamed spare without batches */
} fsm__recovery;

/* Recovers and opens. FSM_ECORRUPT: err->where is "FILE:OFFSET" and nothing was changed.
 * FSM_EVERSION: a newer format. The first segment is made by the first commit. found may be NULL. */
FSM_MUST_USE fsm_code fsm__journal_open(const fsm__journal_options *options, fsm__journal **out,
                                        fsm__recovery *found, fsm_error *err);
/* Opened `manual`: makes the index files that are missing. How many segments were looked at. */
size_t fsm__journal_turn(fsm__journal *journal);
/* Confirms the last batch, fdatasyncs, closes. NULL is fine. */
void fsm__journal_close(fsm__journal *journal);

/* ---- writing: one thread ---- */

typedef struct fsm__bytes {
  const void *data;
  size_t len;
} fsm__bytes;

/* Adds one frame to the batch being filled. The first record's seq must be next_seq, the rest follow.
 * leaves[i] is fsm__leaf of records[i] (the writer has them anyway). FSM_EBUSY: the batch is full,
 * commit first; a single frame always fits an empty batch. FSM_ETOOLARGE: over FSM_FRAME_BYTES_MAX. */
FSM_MUST_USE fsm_code fsm__journal_append(fsm__journal *journal, const fsm__bytes *records,
                                          const fsm__hash *leaves, size_t count, fsm_error *err);
/* Is there room for a largest batch, in the active segment or in a spare? After FSM_OK the next commit
 * cannot give FSM_EFULL, so a writer that asks before it decides never has to undo. FSM_EFULL, FSM_EIO. */
FSM_MUST_USE fsm_code fsm__journal_ready(fsm__journal *journal, fsm_error *err);
/* The same, and `keep` bytes of the active segment stay free when there is no spare: ordinary work asks
 * with the room that repairs need, repairs ask with 0. */
FSM_MUST_USE fsm_code fsm__journal_ready_keeping(fsm__journal *journal, uint64_t keep, fsm_error *err);
/* Bytes of batches (each in whole blocks) that the active segment still takes; 0 without one. */
uint64_t fsm__journal_room(const fsm__journal *journal);
/* The two halves of a commit, for a writer that fills the next batch while the last one is synced by another
 * thread. Seal, the writer's: the batch is full, the next one begins; the one before must be synced. Sync,
 * any one thread: as commit; a failure is fatal whatever its code. Meanwhile the writer may append and ask
 * for the room (before the sync or after it), next_seq and head; nothing else. */
void fsm__journal_seal(fsm__journal *journal);
FSM_MUST_USE fsm_code fsm__journal_sync(fsm__journal *journal, fsm_error *err);
/* Makes the batch durable (rotating first when it does not fit). Empty batch: FSM_OK, nothing done.
 * FSM_EFULL: there is no room for a new segment; FSM_ENOMEM: no memory for it. Nothing was written then, the
 * batch is dropped, next_seq and head are back where they were. FSM_EIO: fatal, the outcome is unknown. */
FSM_MUST_USE fsm_code fsm__journal_commit(fsm__journal *journal, fsm_error *err);
/* Writes an empty batch that proves the last one durable; call when idle 50 ms and something is unproved. */
FSM_MUST_USE fsm_code fsm__journal_confirm(fsm__journal *journal, fsm_error *err);
bool fsm__journal_unproved(const fsm__journal *journal);
/* The seq that the next record must carry, and the leaf that it must carry as `prev` (uncommitted
 * frames included). */
uint64_t fsm__journal_next_seq(const fsm__journal *journal);
fsm__hash fsm__journal_head(const fsm__journal *journal);

/* Rotates into a segment of the next epoch, durably; the next batch goes there. Nothing may wait to be
 * committed. A crash before that batch leaves a newest segment without records: the epoch stands, what
 * should be first in it has still to be written. Faults as of a commit; FSM_EQUOTA: no epoch is left. */
FSM_MUST_USE fsm_code fsm__journal_new_epoch(fsm__journal *journal, fsm_error *err);

/* ---- reading: any thread ---- */

uint64_t fsm__journal_durable_seq(const fsm__journal *journal); /* atomic; last durable, 0 = none */
uint64_t fsm__journal_first_seq(const fsm__journal *journal);   /* atomic; oldest kept, 1 on a new journal */
uint32_t fsm__journal_epoch(const fsm__journal *journal);       /* atomic; of the newest segment */
/* The epoch of a seq's segment; of a seq that is not written yet: the newest. */
uint32_t fsm__journal_epoch_of(fsm__journal *journal, uint64_t seq);
/* The last seq of this epoch and those before it: where the next one forked off. The durable seq for the
 * newest and later ones; first_seq - 1 when none of it is kept. */
uint64_t fsm__journal_epoch_end(fsm__journal *journal, uint32_t epoch);
/* What has been written since open, for benchmarks and metrics. */
typedef struct fsm__journal_stats {
  uint64_t batches, frames, records, bytes, rotations;
} fsm__journal_stats;
void fsm__journal_stats_get(const fsm__journal *journal, fsm__journal_stats *out);

typedef struct fsm__journal_cursor fsm__journal_cursor;
/* Reads records in order from `seq` on (1 = from the start). A seq below first_seq is FSM_ENOTFOUND
 * ("archived: …") when read. One thread per cursor; close before the journal. */
FSM_MUST_USE fsm_code fsm__journal_cursor_open(fsm__journal *journal, uint64_t seq, fsm__journal_cursor **out,
                                               fsm_error *err);
void fsm__journal_cursor_close(fsm__journal_cursor *cursor);
void fsm__journal_cursor_seek(fsm__journal_cursor *cursor, uint64_t seq);
/* The next durable record; *found false at the end (try again later). The bytes are valid until the
 * next call. frame_end tells whether it is the last record of its frame. */
typedef struct fsm__journal_entry {
  uint64_t seq;
  uint32_t epoch; /* of its segment: published ids have it */
  fsm__bytes record;
  bool frame_end;
} fsm__journal_entry;
FSM_MUST_USE fsm_code fsm__journal_next(fsm__journal_cursor *cursor, fsm__journal_entry *out, bool *found,
                                        fsm_error *err);

/* The rest of the batch that has the cursor's seq, as it lies in the file: for who looks at bytes and asks for
 * records only where something is. The cursor then stands behind it. Valid until the next call. */
typedef struct fsm__journal_block {
  uint64_t first_seq; /* may be before the cursor's */
  uint32_t records;
  const uint8_t *batch;
  size_t len;
  uint32_t frames;
} fsm__journal_block;
FSM_MUST_USE fsm_code fsm__journal_next_block(fsm__journal_cursor *cursor, fsm__journal_block *out,
                                              bool *found, fsm_error *err);
/* The first seq of the segment that has this one, and the size of its file; false: it is not kept. */
bool fsm__journal_segment_at(fsm__journal *journal, uint64_t seq, uint64_t *first_seq, uint64_t *bytes);

/* The record of one seq, wherever it is: from a sealed segment with an index file in two small reads. As
 * fsm__journal_next, which goes on behind it; FSM_ENOTFOUND: archived, or not durable. */
FSM_MUST_USE fsm_code fsm__journal_read(fsm__journal_cursor *cursor, uint64_t seq, fsm__journal_entry *out,
                                        fsm_error *err);

/* Records by what they name, in order, over all that is kept. Sealed segments are asked through their index
 * files, which are made when they are missing; the active one through an index in memory that searches keep.
 */
typedef enum fsm__find_what {
  FSM__FIND_INSTANCE,
  FSM__FIND_CORRELATION,
  FSM__FIND_USER,  /* `sub` of the actor */
  FSM__FIND_TRACE, /* FSM__FIND_TRACE_BYTES, not a text */
  FSM__FIND_COUNT
} fsm__find_what;
enum { FSM__FIND_TRACE_BYTES = 16 };
typedef struct fsm__find {
  const char *texts[FSM__FIND_COUNT]; /* all of them must be as given; NULL = any */
  uint64_t after;                     /* only later ones */
  uint64_t before;                    /* only earlier ones; 0 = to the end */
  bool descending;
} fsm__find;
typedef struct fsm__finder fsm__finder;
/* *wanted is copied. One thread per finder; close before the journal. */
FSM_MUST_USE fsm_code fsm__journal_find(fsm__journal *journal, const fsm__find *wanted, fsm__finder **out,
                                        fsm_error *err);
/* As fsm__journal_next. Ascending, what was written meanwhile is found, too, until the end was met. */
FSM_MUST_USE fsm_code fsm__finder_next(fsm__finder *finder, fsm__journal_entry *out, bool *found,
                                       fsm_error *err);
void fsm__finder_close(fsm__finder *finder);

/* Who acts: of each user (`sub` of the actor) in each segment the newest record at or behind `from`, up to
 * what is durable now; fn reads it. *next: where the next call goes on. A user comes once a segment, in no
 * order; two whose hashes are the same may be told as one. */
typedef fsm_code fsm__user_fn(void *arg, uint64_t seq, fsm_error *err);
FSM_MUST_USE fsm_code fsm__journal_users(fsm__journal *journal, uint64_t from, uint64_t *next,
                                         fsm__user_fn *fn, void *arg, fsm_error *err);

/* ---- segments, and what goes ---- */

typedef struct fsm__segment_info {
  uint64_t ordinal, bytes;      /* bytes: size of the file */
  uint64_t first_seq, last_seq; /* last < first: none */
  uint64_t first_batch;
  uint32_t epoch;
  bool sealed;
  fsm__hash prev;       /* leaf of record first_seq - 1 */
  int64_t last_time_ns; /* of the last record; 0 = none, INT64_MAX = it cannot be read */
} fsm__segment_info;
/* Those kept, oldest first; *out is malloced. Reads the last record of each segment, once. */
FSM_MUST_USE fsm_code fsm__journal_segments(fsm__journal *journal, fsm__segment_info **out, size_t *count,
                                            fsm_error *err);
/* "<20 digits>.seg" in the journal's directory. */
enum { FSM_SEGMENT_NAME_BYTES = 32 };
void fsm__segment_name(uint64_t ordinal, char out[FSM_SEGMENT_NAME_BYTES]);

/* While pinned nothing is removed, so that files can be copied or checked; any thread, counted. */
void fsm__journal_pin(fsm__journal *journal);
void fsm__journal_unpin(fsm__journal *journal);

/* What the log starts after. */
typedef struct fsm__journal_floor {
  fsm_origin origin; /* epoch: of record first_seq - 1; a first segment of an earlier one is refused */
  uint64_t ordinal;  /* of the first segment kept */
  uint64_t first_seq, first_batch;
  fsm__hash prev; /* leaf of record first_seq - 1 */
} fsm__journal_floor;
enum { FSM_FLOOR_BYTES = 128 };
#define FSM_FLOOR_NAME "floor"
/* For whoever makes a journal out of segments from the middle of another (a restore): all fields as of
 * fsm__segment_info of the first of them. tmp, fsync, rename, fsync of the directory. */
FSM_MUST_USE fsm_code fsm__floor_write(int dir_fd, const fsm__journal_floor *floor, fsm_error *err);
/* *there false: no such file. FSM_ECORRUPT, FSM_EVERSION. */
FSM_MUST_USE fsm_code fsm__floor_read(int dir_fd, fsm__journal_floor *out, bool *there, fsm_error *err);

/* Called with each segment before it goes, oldest first; the files are whole and never change again. Not
 * FSM_OK: pruning stops there and gives this fault. It may be called again for the same segment after a
 * crash. */
typedef fsm_code (*fsm__archive_fn)(void *arg, int dir_fd, const char *name, const fsm__segment_info *segment,
                                    fsm_error *err);
typedef struct fsm__prune_report {
  uint64_t segments, bytes; /* removed */
  uint64_t first_seq;       /* oldest kept after it */
} fsm__prune_report;
/* Removes, oldest first, the sealed segments wholly below keep_from_seq, with their index files; never the
 * newest segment. The record at the store's applied seq is asked for at opening: keep it. archive may be
 * NULL. *report is filled on faults too; what was not removed is whole. FSM_EBUSY: pinned, or another thread
 * prunes. A crash at any point leaves a journal that opens. */
FSM_MUST_USE fsm_code fsm__journal_prune(fsm__journal *journal, uint64_t keep_from_seq,
                                         fsm__archive_fn archive, void *arg, fsm__prune_report *report,
                                         fsm_error *err);

/* Checks every segment from the first byte on: headers, batch checksums, numbers, the hash chain (each
 * record's `prev`), footers, from the floor on. Returns the count of records and the last leaf. FSM_EVERIFY
 * or FSM_ECORRUPT name "FILE:OFFSET" or "seq N". Reads only. */
typedef struct fsm__journal_check {
  uint64_t records, segments, last_seq;
  fsm__hash head;
} fsm__journal_check;
FSM_MUST_USE fsm_code fsm__journal_verify(fsm__journal *journal, fsm__journal_check *out, fsm_error *err);

#endif

/* journal_impl.h: what the files of the journal share; nobody else includes it but
 * the reader of archived segments (archive_read.c) and tests.
 *
 *   format  bytes of headers, batches, frames        segment  files and reading them
 *   index   seq → offset, sparse                      recover  what is there after a crash
 *   write   append, commit, confirm, rotate           spare    the next segment, zeroed by a thread
 *   read    cursors                                   verify   everything, from the first byte
 *   floor   what the log starts after                 prune    whole segments go
 *   idx     index files of sealed segments            indexer  the thread that makes them
 *   recent  the same of the active one, in memory     find     records by what they name
 *
 * Who owns what: the writer's fields belong to the writer thread; `segments` and the indexes are under
 * `lock`; durable_seq is atomic. A batch that holds a seq ≤ durable_seq is complete in its file, and so
 * is everything before it: that alone lets readers read without meeting the writer.
 */
#ifndef FSM_RUNTIME_JOURNAL_IMPL_H
#define FSM_RUNTIME_JOURNAL_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/journal.h"

/* ---- format ---- */

enum {
  FSM__BATCH_HEAD = 64,
  FSM__FRAME_HEAD = 8,
  FSM__RECORD_HEAD = 4,
  FSM__FOOTER_BYTES = 48, /* last seq 8, last leaf 32, used 8 */
  FSM__NAME_BYTES = FSM_SEGMENT_NAME_BYTES
};

typedef enum fsm__batch_kind {
  FSM__BATCH_DATA = 1,
  FSM__BATCH_CONFIRM = 2,
  FSM__BATCH_FOOTER = 4
} fsm__batch_kind;

typedef struct fsm__segment_head {
  fsm_origin origin;
  uint64_t ordinal, bytes; /* bytes: size of the file */
  uint64_t first_seq, first_batch;
  fsm__hash prev; /* leaf of record first_seq - 1 */
  uint64_t salt;
} fsm__segment_head;

typedef struct fsm__batch_head {
  uint64_t number, synced, first_seq;
  uint32_t length, frames, records;
  fsm__batch_kind kind;
} fsm__batch_head;

typedef struct fsm__footer {
  uint64_t last_seq;
  fsm__hash leaf;
  uint64_t used; /* offset where the next batch would have gone */
} fsm__footer;

static inline uint64_t fsm__blocks(uint64_t bytes) {
  return (bytes + FSM_JOURNAL_BLOCK - 1) / FSM_JOURNAL_BLOCK * FSM_JOURNAL_BLOCK;
}
/* The last block is the footer's; the one before is kept from data, so that a confirm always fits. */
static inline uint64_t fsm__log_end(uint64_t bytes) { return bytes - FSM_JOURNAL_BLOCK; }
static inline uint64_t fsm__data_end(uint64_t bytes) { return bytes - (uint64_t)2 * FSM_JOURNAL_BLOCK; }

static inline void fsm__put32(uint8_t *to, uint32_t n) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(n >> (8 * i));
}
static inline void fsm__put64(uint8_t *to, uint64_t n) {
  for (int i = 0; i < 8; i++) to[i] = (uint8_t)(n >> (8 * i));
}
static inline uint32_t fsm__get32(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}
static inline uint64_t fsm__get64(const uint8_t *from) {
  return fsm__get32(from) | (uint64_t)fsm__get32(from + 4) << 32;
}

bool fsm__block_is_zero(const uint8_t block[FSM_JOURNAL_BLOCK]);

void fsm__segment_encode(const fsm__segment_head *head, uint8_t block[FSM_JOURNAL_BLOCK]);
FSM_MUST_USE fsm_code fsm__segment_decode(const uint8_t block[FSM_JOURNAL_BLOCK], uint64_t ordinal,
                                          fsm__segment_head *out, fsm_error *err);

/* The ordinal that a header block says, whatever else is wrong with it. */
uint64_t fsm__segment_ordinal(const uint8_t block[FSM_JOURNAL_BLOCK]);

/* Writes the header in front of a payload that is there already. */
void fsm__batch_encode(uint8_t *batch, const fsm__batch_head *head, uint64_t salt);
/* Is this a header of this segment whose batch fits in room? 64 bytes are looked at. */
bool fsm__batch_decode(const uint8_t *data, uint64_t salt, uint64_t room, fsm__batch_head *out);
/* Checksum and frames, all head->length bytes. */
bool fsm__batch_intact(const uint8_t *data, const fsm__batch_head *head);

void fsm__footer_encode(const fsm__footer *footer, uint8_t out[FSM__FOOTER_BYTES]);
fsm__footer fsm__footer_decode(const uint8_t data[FSM__FOOTER_BYTES]);

/* Goes through the records of a data batch. */
typedef struct fsm__frames {
  const uint8_t *at, *frame_end, *end;
  uint32_t left; /* records left in the frame */
} fsm__frames;
void fsm__frames_start(fsm__frames *frames, const uint8_t *batch, const fsm__batch_head *head);
/* False at the end, and at what is malformed (never in an intact batch). */
bool fsm__frames_next(fsm__frames *frames, fsm__bytes *record, bool *frame_end);
size_t fsm__frame_put(uint8_t *to, const fsm__bytes *records, size_t count, size_t bytes);

/* ---- segment files ---- */

#define FSM__SPARE_NAME "spare"

typedef struct fsm__place {
  char text[FSM__NAME_BYTES + 24];
} fsm__place;
/* "FILE:OFFSET", for errors. */
fsm__place fsm__place_of(uint64_t ordinal, uint64_t offset);
void fsm__index_name(uint64_t ordinal, char out[FSM__NAME_BYTES]); /* "<20 digits>.idx" */

FSM_MUST_USE fsm_code fsm__journal_dir_open(const char *path, bool make, int *out, fsm_error *err);
/* Ordinals of the segments there, ascending; *out is malloced. */
FSM_MUST_USE fsm_code fsm__segment_list(int dir_fd, uint64_t **out, size_t *count, fsm_error *err);
/* A regular file of this name, O_RDONLY or O_RDWR. */
FSM_MUST_USE fsm_code fsm__segment_open(int dir_fd, uint64_t ordinal, int flags, int *out, fsm_error *err);
/* 0, or errno; a short write goes on. */
int fsm__write_at(int fd, const void *data, size_t len, uint64_t at);
int fsm__zero_at(int fd, uint64_t from, uint64_t to);

/* A moving view of a segment file. */
typedef struct fsm__window {
  int fd;
  uint64_t ordinal, bytes; /* bytes: size of the file */
  uint64_t at, fills;      /* fills: how often it was read anew */
  size_t len, cap, ahead;  /* ahead: how much to read at once */
  uint8_t *data;
} fsm__window;
void fsm__window_open(fsm__window *window, int fd, uint64_t ordinal, uint64_t bytes, size_t ahead);
void fsm__window_free(fsm__window *window); /* the fd stays open */
/* need bytes at offset at: valid until the next call. Past the end of the file: FSM_ECORRUPT. */
FSM_MUST_USE fsm_code fsm__window_view(fsm__window *window, uint64_t at, size_t need, const uint8_t **out,
                                       fsm_error *err);

/* Where a log has got to; what the next segment or batch must follow. */
typedef struct fsm__chain {
  uint64_t next_seq, number; /* number of the last batch */
  uint32_t epoch;            /* of the last segment */
  fsm__hash leaf;            /* of record next_seq - 1 */
} fsm__chain;

/* Reads and checks the header: format, checksum, store and partition, size of the file, and that it follows.
 */
FSM_MUST_USE fsm_code fsm__segment_check(fsm__window *window, const fsm_origin *origin,
                                         const fsm__chain *chain, fsm__segment_head *out, fsm_error *err);
/* The same but for the size of the file: what is in a segment that was cut short can still be read. */
FSM_MUST_USE fsm_code fsm__segment_check_head(fsm__window *window, const fsm_origin *origin,
                                              const fsm__chain *chain, fsm__segment_head *out,
                                              fsm_error *err);
/* *intact tells whether the last block holds this segment's footer. */
FSM_MUST_USE fsm_code fsm__footer_read(fsm__window *window, const fsm__segment_head *head,
                                       fsm__batch_head *batch, fsm__footer *out, bool *intact,
                                       fsm_error *err);

/* Goes from batch to batch. Valid: intact, a number above the last, the first seq expected. */
typedef struct fsm__walk {
  fsm__window *window;
  uint64_t salt, at, end; /* at: of the next batch */
  uint64_t next_seq, number;
} fsm__walk;
void fsm__walk_start(fsm__walk *walk, fsm__window *window, const fsm__segment_head *head);
/* *valid false: nothing moved. *data is valid until the window is used again. */
FSM_MUST_USE fsm_code fsm__walk_next(fsm__walk *walk, fsm__batch_head *head, const uint8_t **data,
                                     bool *valid, fsm_error *err);

/* ---- index: a batch every 16 KiB or so; a hint, so lack of memory only makes it sparser ---- */

enum { FSM__INDEX_STEP = 16 * 1024, FSM__INDEXES_KEPT = 64 };

typedef struct fsm__index_entry {
  uint64_t seq, at;
} fsm__index_entry;

typedef struct fsm__index {
  fsm__index_entry *entries;
  size_t count, cap;
} fsm__index;

fsm__index *fsm__index_new(void);
void fsm__index_free(fsm__index *index);
/* Batches are noted in order. */
void fsm__index_note(fsm__index *index, uint64_t seq, uint64_t at);
/* The last noted batch at or before seq; false = none. */
bool fsm__index_find(const fsm__index *index, uint64_t seq, fsm__index_entry *out);

/* ---- spare ---- */

typedef enum fsm__spare_state {
  FSM__SPARE_WANTED, /* the thread makes it */
  FSM__SPARE_READY,
  FSM__SPARE_NO_ROOM,
  FSM__SPARE_FAILED,
  FSM__SPARE_TAKEN
} fsm__spare_state;

typedef struct fsm__spare {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  fsm__spare_state state;
  bool running, threaded; /* not threaded: what a thread would do is done by who waits for it */
  _Atomic bool stop;
  int dir_fd, fd, error; /* fd: of a ready spare */
  bool syncing;          /* another file is being synced for the writer */
  int sync_fd, sync_fault;
  uint64_t bytes;
} fsm__spare;

FSM_MUST_USE fsm_code fsm__spare_start(fsm__spare *spare, int dir_fd, uint64_t bytes, fsm_error *err);
/* Waits for the spare. FSM_EFULL: tried again just now and there was no room. */
FSM_MUST_USE fsm_code fsm__spare_await(fsm__spare *spare, fsm_error *err);
/* The same, and hands over its fd. */
FSM_MUST_USE fsm_code fsm__spare_take(fsm__spare *spare, int *fd, fsm_error *err);
void fsm__spare_want(fsm__spare *spare); /* after a take */
/* Between a take and the next want the thread is free to fdatasync the sealed file while the writer syncs the
 * new one; _synced waits: 0, or errno. */
void fsm__spare_sync(fsm__spare *spare, int fd);
int fsm__spare_synced(fsm__spare *spare);
void fsm__spare_stop(fsm__spare *spare); /* removes what is there */

/* ---- index files (journal_idx.h) and the index of the active segment ---- */

typedef struct fsm__indexer {
  pthread_t thread;
  pthread_mutex_t lock, build;
  pthread_cond_t changed;
  bool wanted, running;
  _Atomic bool stop;
} fsm__indexer;
void fsm__indexer_init(fsm__indexer *indexer);
FSM_MUST_USE fsm_code fsm__indexer_start(fsm__journal *journal, fsm_error *err);
void fsm__indexer_wake(fsm__indexer *indexer);  /* a segment was sealed */
size_t fsm__indexer_run(fsm__journal *journal); /* on this thread */
void fsm__indexer_stop(fsm__indexer *indexer);  /* after _init, started or not */

typedef struct fsm__recent_list {
  uint64_t *items; /* hash of a text << 32 | number of the record in the segment, by number */
  size_t count, cap;
} fsm__recent_list;
typedef struct fsm__recent {
  pthread_mutex_t lock;
  uint64_t ordinal, salt, first_seq, next_seq; /* ordinal 0 = of no segment */
  fsm__recent_list lists[FSM__FIND_COUNT];
} fsm__recent;
typedef enum fsm__recent_answer {
  FSM__RECENT_NONE,
  FSM__RECENT_FOUND,
  FSM__RECENT_SEALED
} fsm__recent_answer;
void fsm__recent_init(fsm__recent *recent);
void fsm__recent_free(fsm__recent *recent);
/* A seq at or behind `from` (at or before it, descending) whose record has a text with this one's hash.
 * FSM__RECENT_SEALED: the segment is not the active one any more. */
FSM_MUST_USE fsm_code fsm__recent_find(fsm__journal *journal, uint64_t ordinal, fsm__find_what what,
                                       const char *text, uint64_t from, bool descending, uint64_t *seq,
                                       fsm__recent_answer *out, fsm_error *err);

/* A copy of the entries of users from `from` on (malloced), the seq that they count from, and the first one
 * behind all that was looked at. Nothing when the segment is not the active one any more. */
FSM_MUST_USE fsm_code fsm__recent_users(fsm__journal *journal, uint64_t ordinal, uint64_t from,
                                        uint64_t **items, size_t *count, uint64_t *first_seq, uint64_t *next,
                                        fsm_error *err);

/* ---- the journal ---- */

typedef struct fsm__segment {
  uint64_t ordinal, bytes, first_seq, salt;
  uint64_t used;     /* 0 = not sealed */
  fsm__index *index; /* NULL = not built, or dropped */
  uint64_t index_use;
  uint64_t first_batch;
  uint32_t epoch;
  bool idx_checked; /* the thread has seen to its index file */
  fsm__hash prev;
  fsm__hash leaf;       /* of a sealed one's last record */
  int64_t last_time_ns; /* of a sealed one's last record; 0 = not asked yet */
} fsm__segment;

/* Frames on their way, behind room for their header. */
typedef struct fsm__batch {
  uint8_t *data; /* FSM_BATCH_BYTES_MAX */
  size_t len;
  uint32_t frames, records;
  uint64_t first_seq;
  fsm__hash head; /* leaf of its last record */
} fsm__batch;

struct fsm__journal {
  fsm_origin origin;
  uint64_t segment_bytes;
  bool read_only;
  int dir_fd;

  pthread_mutex_t lock; /* of all up to the next empty line */
  fsm__segment *segments;
  size_t segment_count, segment_cap;
  uint64_t index_clock;
  fsm__journal_floor floor;
  unsigned pins;
  bool pruning;

  fsm__indexer indexer;
  fsm__recent recent;

  _Atomic uint64_t durable_seq, first_seq;
  _Atomic uint32_t epoch;
  _Atomic uint64_t batches, frames, records, bytes, rotations;

  /* of whoever syncs: the writer, or one thread beside it at a time */
  _Atomic int fd; /* of the active segment; -1 = the next commit makes one */
  _Atomic bool dead;
  uint64_t ordinal; /* of the newest segment; 0 = none */
  uint64_t salt;
  _Atomic uint64_t active_bytes, at;
  uint64_t next_number, durable_number; /* of batches */
  uint64_t data_number;                 /* last batch with records */
  uint64_t proved_number;               /* highest `synced` on disk */
  fsm__hash durable_head;
  fsm__batch sealed; /* full, to be synced; records 0 = none */
  fsm__spare spare;

  /* the writer's: the batch being filled */
  fsm__batch filling;
  uint64_t next_seq;
  fsm__hash head;
  bool manual; /* no threads */
};

/* Finds what is there, decides, and only then repairs (unless read_only). */
FSM_MUST_USE fsm_code fsm__journal_recover(fsm__journal *journal, const fsm__journal_options *options,
                                           fsm__recovery *found, fsm_error *err);
/* ---- the floor and what is below it (journal_floor.c, journal_prune.c) ---- */

/* "archived: …", FSM_ENOTFOUND. */
fsm_code fsm__journal_archived(const fsm__journal *journal, uint64_t seq, fsm_error *err);
void fsm__floor_encode(const fsm__journal_floor *floor, uint8_t out[FSM_FLOOR_BYTES]);
FSM_MUST_USE fsm_code fsm__floor_decode(const uint8_t *data, size_t len, fsm__journal_floor *out,
                                        fsm_error *err);
/* What a journal without a floor file starts after. */
fsm__journal_floor fsm__floor_none(const fsm_origin *origin);
fsm__chain fsm__floor_chain(const fsm__journal_floor *floor);
/* Writes data under a name: tmp, fsync, rename, fsync of the directory. 0, or errno. */
int fsm__replace_file(int dir_fd, const char *name, const void *data, size_t len);
/* Unlinks the files of segments below the floor that a crash left. 0, or errno. */
int fsm__remove_below(int dir_fd, const uint64_t *ordinals, size_t count, uint64_t floor_ordinal);

/* Room for one more segment in the table. */
FSM_MUST_USE fsm_code fsm__segments_reserve(fsm__journal *journal, fsm_error *err);
/* Under the lock: the one that holds seq; NULL: it was pruned. */
fsm__segment *fsm__segment_of(fsm__journal *journal, uint64_t seq);
void fsm__segments_add(fsm__journal *journal, const fsm__segment_head *head, fsm__index *index);

#endif

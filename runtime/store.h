/* store.h: the view (DESIGN 6): an LMDB environment with the overlay over it. The one wrapper of LMDB.
 *
 * Everyone reads rows through a handle. The owner's handle (fsm__store_open; one thread, the writer's) reads
 * the newest rows and takes puts; a view (fsm__store_view; any thread) reads the rows exactly as they were at
 * the seq that it names, while the owner goes on. Point reads and ranges are the same for both: the rows of
 * two generations in memory merged with LMDB.
 *
 *   filling    the owner's puts go here
 *   applying   frozen at a batch boundary, on its way into LMDB in one transaction with (applied seq, leaf)
 *   LMDB       what was applied
 *
 *   owner:   put … put, publish(seq) once that is durable, freeze ─► applier: fsm__store_apply
 *   owner:   fsm__store_settle ◄─ applied      (renews its LMDB snapshot, drops the applied generation)
 *
 * A view holds its own LMDB snapshot and the generations that there were when it was opened, all taken in
 * one moment, so none of this moves anything under it. Keep views short (a page): an old one keeps memory and
 * makes LMDB's file grow. A round in one go, without a second thread, is fsm__store_round.
 *
 * Every row in LMDB carries a CRC-32C over table, key and value; a wrong one is FSM_ECORRUPT, never an
 * answer. The environment is held for life by one process (lock file `lock` beside it, flock); a read-only
 * opening takes the lock shared and writes nothing, so the tail of the journal lives in its overlay alone.
 */
#ifndef FSM_RUNTIME_STORE_H
#define FSM_RUNTIME_STORE_H

#include "runtime/ahead.h"
#include "runtime/hash.h"
#include "runtime/overlay.h"

enum {
  FSM_STORE_FORMAT = 2, /* of the rows, too: raise FSM_SNAPSHOT_FORMAT with it, whose rows are the same */
  FSM_STORE_LEAST_BYTES = 8192, /* of a data file: LMDB's two meta pages; with less there never was a store */
  FSM_STORE_KEY_MAX = 511,      /* LMDB's own; the least is 1 */
  FSM_STORE_VALUE_MAX = 16 * 1024 * 1024,
  FSM_STORE_READERS = 1024,
  FSM_STORE_VIEWS_MAX = 256, /* open at once; over it FSM_EBUSY */
  FSM_STORE_GATE_MS = 2000   /* how long a view or snapshot waits while the map grows; then FSM_EBUSY */
};
#define FSM_STORE_MAKING_FILE "making" /* in dir while a new store is made: what is beside it is none yet */
#define FSM_STORE_MAP_DEFAULT ((size_t)16 << 30) /* sparse */
#define FSM_STORE_MAP_MAX ((size_t)1 << 40)

/* Tables: symbol, name in LMDB. Keys are in runtime/rows.h. Add a table here and a line in apply; at the
 * end, for a table's number is part of every row's checksum. */
/* clang-format off */
#define FSM_TABLES(X)                                                                          \
  X(FSM_T_MACHINES, "machines") X(FSM_T_NAMES, "names") X(FSM_T_INSTANCES, "instances")        \
  X(FSM_T_IDS, "ids") X(FSM_T_KEYS, "keys") X(FSM_T_BY_STATE, "by_state") X(FSM_T_DUE, "due")  \
  X(FSM_T_STARTS, "starts") X(FSM_T_COUNTERS, "counters")                               \
  X(FSM_T_ROUTES, "routes") X(FSM_T_ADDRESSED, "addressed")
/* clang-format on */

typedef enum fsm__table {
#define X(symbol, name) symbol,
  FSM_TABLES(X)
#undef X
      FSM_TABLE_COUNT
} fsm__table;
const char *fsm__table_name(fsm__table table);

typedef struct fsm__store fsm__store;

typedef struct fsm__store_options {
  const char *dir; /* <data>/store: made when missing (0700) unless read_only; its parent must exist */
  bool read_only;
  bool scratch;                /* for verify: not synced, may be dropped */
  size_t map_bytes;            /* 0 = default */
  const uint8_t *new_store_id; /* 16 bytes, used when the store is new; NULL = FSM_ENOTFOUND when missing */
} fsm__store_options;

/* The text of FSM_ELOCKED when it is readers that are in a writer's way: they end soon. */
#define FSM_STORE_READ_ELSEWHERE "another process is reading it"

/* FSM_ELOCKED: another process has it, named when it can be known. FSM_EVERSION: names both versions,
 * nothing touched. FSM_EPERMISSION: a link, another owner's, or open to others than its owner. */
FSM_MUST_USE fsm_code fsm__store_open(const fsm__store_options *options, fsm__store **out, fsm_error *err);
/* Rows in memory and nothing below them, for one instance beside the real store: it has no lists of its states,
 * and no stays are counted (runtime/past.h). No views, rounds or snapshots of it. */
FSM_MUST_USE fsm_code fsm__store_memory(fsm__store **out, fsm_error *err);
bool fsm__store_is_memory(const fsm__store *store);
void fsm__store_close(fsm__store *store); /* drops what no round has committed */

void fsm__store_id(const fsm__store *store, uint8_t out[16]);
/* Of the last committed round. Any thread. */
uint64_t fsm__store_applied(fsm__store *store, fsm__hash *leaf);

/* Point read: *value is valid until the next write, settling, round or close; of a view, until it is closed.
 * Absent: FSM_ENOTFOUND, err untouched. */
FSM_MUST_USE fsm_code fsm__store_get(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                                     const void **value, size_t *value_len, fsm_error *err);
/* Writes to the overlay; the owner's handle only. The first failure is kept and answered by
 * fsm__store_fault, so that the write path reads as straight lines. */
void fsm__store_put(fsm__store *store, fsm__table table, const void *key, size_t key_len, const void *value,
                    size_t value_len);
/* A put of a key that the store cannot have (it holds a time or a number that is new). When the row is gone
 * again before its round, LMDB never hears of it. */
void fsm__store_put_new(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                        const void *value, size_t value_len);
/* The same of a value that was packed into buf, which is freed: where that ran out of memory, the fault is
 * FSM_ENOMEM. */
void fsm__store_put_buf(fsm__store *store, fsm__table table, const void *key, size_t key_len, fsm_buf *buf);
void fsm__store_delete(fsm__store *store, fsm__table table, const void *key, size_t key_len);
fsm_code fsm__store_fault(const fsm__store *store, fsm_error *err); /* sticky */
/* Around the puts of a frame: the lock that keeps views apart from puts is then taken once, at the first put.
 */
void fsm__store_frame_begin(fsm__store *store);
void fsm__store_frame_end(fsm__store *store);

/* Range read: rows of table whose key starts with prefix, from `from` on (NULL = the prefix), in key
 * order, overlay and LMDB merged. Re-seeks at each step, so it may be used across writes. */
typedef struct fsm__range {
  fsm__store *store;
  fsm__table table;
  uint8_t prefix[FSM_STORE_KEY_MAX], at[FSM_STORE_KEY_MAX];
  size_t prefix_len, at_len;
  bool strictly; /* go on after `at` */
  /* private: LMDB's cursor (or NULL), where it stands, and the round it was placed in; of a view, the rows
   * that come next in its generations */
  void *cursor;
  unsigned char standing, ahead[2];
  uint64_t round;
  fsm__row next[2];
} fsm__range;
void fsm__range_open(fsm__range *range, fsm__store *store, fsm__table table, const void *prefix,
                     size_t prefix_len);
void fsm__range_from(fsm__range *range, const void *key, size_t key_len); /* first key ≥ this */
/* FSM_OK with *found false at the end. row->key and value are valid until the next call or write. After
 * FSM_ECORRUPT (err->where is TABLE/KEY in hex) the next call goes on behind the damaged row. */
FSM_MUST_USE fsm_code fsm__range_next(fsm__range *range, fsm__row *row, bool *found, fsm_error *err);
void fsm__range_close(fsm__range *range);

/* ---- replay over a fuzzy snapshot ---- */

/* Rows that come from a fuzzy snapshot and are ahead of the records being replayed (ahead.h): a put or a
 * delete of such a row is dropped, for it has that change already. NULL = none; borrowed. */
void fsm__store_ahead(fsm__store *store, const fsm__ahead *ahead);
/* Does the row have what the frame that ends at seq does to it? False without rows ahead. */
bool fsm__store_is_ahead(const fsm__store *store, fsm__table table, const void *key, size_t key_len,
                         uint64_t seq);
bool fsm__store_is_fuzzy(const fsm__store *store); /* some rows may be ahead */
/* The frame that is being applied ends at seq; asked for only while the store is fuzzy. */
void fsm__store_replaying(fsm__store *store, uint64_t seq);

/* ---- views: any thread ---- */

/* The rows as of *seq, the newest published. FSM_EBUSY: too many are open, or the map is growing for longer
 * than FSM_STORE_GATE_MS. Do not open a view or snapshot while holding another. */
FSM_MUST_USE fsm_code fsm__store_view(fsm__store *store, fsm__store **out, uint64_t *seq, fsm_error *err);
void fsm__store_view_close(fsm__store *view);

typedef struct fsm__store_status {
  uint64_t applied, visible;            /* seqs: of the last round, of a view that would be opened now */
  size_t filling_bytes, applying_bytes; /* in memory */
  unsigned views;                       /* open */
  int64_t oldest_view_ns;               /* how long the oldest of them has been open; 0 = none */
  size_t map_bytes;                     /* of the LMDB map */
  size_t used_bytes;                    /* of these, those that were ever used */
  unsigned readers;                     /* transactions of LMDB that read, of all processes */
  uint64_t readers_behind;              /* commits since the oldest of them began */
} fsm__store_status;
void fsm__store_status_get(fsm__store *store, fsm__store_status *out); /* any thread, any handle */

/* ---- rounds ---- */

/* Owner: the puts so far belong to seq or before, the puts to come do not. A publish has it in it; it is
 * for an owner that goes on with the next batch before the last one is durable. */
void fsm__store_boundary(fsm__store *store, uint64_t seq);
/* Owner: all up to seq (a boundary) is durable; views opened from now on see it. */
void fsm__store_publish(fsm__store *store, uint64_t seq);
/* The same by any thread, once the owner has set the boundary. */
void fsm__store_reveal(fsm__store *store, uint64_t seq);
/* Owner: bytes in both generations, and in the one being filled. */
size_t fsm__store_pending_bytes(const fsm__store *store);
size_t fsm__store_filling_bytes(const fsm__store *store);
bool fsm__store_applying(const fsm__store *store); /* owner: is there a frozen generation? */
/* Owner, when nothing is applying and all puts are published: what was put is to become one round. */
FSM_MUST_USE fsm_code fsm__store_freeze(fsm__store *store, uint64_t seq, const fsm__hash *leaf,
                                        fsm_error *err);
/* Any one thread: commits the frozen generation. On FSM_EFULL (*map_full: it is the map, not the disk)
 * nothing has changed and it may be called again; any other failure is fatal for the store. */
FSM_MUST_USE fsm_code fsm__store_apply(fsm__store *store, bool *map_full, fsm_error *err);
/* Owner, after apply: drops what was applied. */
FSM_MUST_USE fsm_code fsm__store_settle(fsm__store *store, fsm_error *err);
/* Owner: publish, freeze, apply and settle in one go; also what an apply had to leave. Nothing pending is
 * fine. On FSM_EFULL the overlay is kept and reads go on; any other failure is fatal for the store. */
FSM_MUST_USE fsm_code fsm__store_round(fsm__store *store, uint64_t seq, const fsm__hash *leaf,
                                       fsm_error *err);

/* Owner, while nothing is being applied: a larger map; a smaller one is ignored. Values shown before are no
 * longer valid. FSM_EBUSY: views or snapshots are open; ask again. While only views are in the way no new
 * ones are let in, so that it comes about. */
FSM_MUST_USE fsm_code fsm__store_grow(fsm__store *store, size_t map_bytes, fsm_error *err);
/* The next larger map: twice what it is, at most max (0 = FSM_STORE_MAP_MAX); FSM_EFULL when it has that. */
FSM_MUST_USE fsm_code fsm__store_grow_next(fsm__store *store, size_t max, fsm_error *err);
/* Readers that died leave marks that keep LMDB from reusing pages: clears them. Any thread. */
void fsm__store_clear_dead(fsm__store *store);

/* ---- snapshots of what is committed ---- */

/* A committed snapshot of another thread's store, for comparing and copying: rows of a table in key order,
 * LMDB only, exactly at *applied. Keep it short: a long reader makes the file grow. Who copies a large table
 * takes a part, notes the last key, closes, and goes on with fsm__snapshot_seek in the next snapshot. Close
 * it before the store. */
typedef struct fsm__snapshot_reader fsm__snapshot_reader;
FSM_MUST_USE fsm_code fsm__store_snapshot(fsm__store *store, fsm__snapshot_reader **out, uint64_t *applied,
                                          fsm_error *err); /* any thread */
/* The leaf of the record at the snapshot's applied seq. */
FSM_MUST_USE fsm_code fsm__snapshot_leaf(fsm__snapshot_reader *reader, fsm__hash *leaf, fsm_error *err);
FSM_MUST_USE fsm_code fsm__snapshot_next(fsm__snapshot_reader *reader, fsm__table table, fsm__row *row,
                                         bool *found,
                                         fsm_error *err); /* a new table starts at its first row */
/* The next row of table is the first one at or behind key (strictly: behind it); key_len 0 = from the start.
 */
FSM_MUST_USE fsm_code fsm__snapshot_seek(fsm__snapshot_reader *reader, fsm__table table, const void *key,
                                         size_t key_len, bool strictly, fsm_error *err);
void fsm__snapshot_close(fsm__snapshot_reader *reader);

/* The version of LMDB, for --version. */
const char *fsm__store_library(void);

#endif

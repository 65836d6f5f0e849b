/* store.h: the view (DESIGN 6): an LMDB environment with the overlay over it. The one wrapper of LMDB.
 *
 * Everyone reads and writes rows through a view: point reads and range reads see the overlay merged
 * with the last committed round, exact at the seq that was last applied. Writes go to the overlay;
 * fsm__store_round puts them into LMDB in key order, in one transaction with the applied seq and its
 * leaf. Every row in LMDB carries a CRC-32C over table, key and value; a wrong one is FSM_ECORRUPT, never an
 * answer.
 *
 * The environment is held for life by one process (lock file `lock` beside it, flock); a read-only
 * opening takes the lock shared and writes nothing, so the tail of the journal lives in its overlay alone.
 * One thread uses a store; a second LMDB snapshot for verify is fsm__store_snapshot.
 */
#ifndef FSM_RUNTIME_STORE_H
#define FSM_RUNTIME_STORE_H

#include "runtime/hash.h"
#include "runtime/overlay.h"

enum {
  FSM_STORE_FORMAT = 1,
  FSM_STORE_KEY_MAX = 511, /* LMDB's own; the least is 1 */
  FSM_STORE_VALUE_MAX = 16 * 1024 * 1024,
  FSM_STORE_READERS = 1024
};
#define FSM_STORE_MAP_DEFAULT ((size_t)16 << 30) /* sparse */

/* Tables: symbol, name in LMDB. Keys are in runtime/rows.h. Add a table here and a line in apply; at the
 * end, for a table's number is part of every row's checksum. */
/* clang-format off */
#define FSM_TABLES(X)                                                                          \
  X(FSM_T_MACHINES, "machines") X(FSM_T_NAMES, "names") X(FSM_T_INSTANCES, "instances")        \
  X(FSM_T_IDS, "ids") X(FSM_T_KEYS, "keys") X(FSM_T_BY_STATE, "by_state") X(FSM_T_DUE, "due")  \
  X(FSM_T_STARTS, "starts") X(FSM_T_COUNTERS, "counters")
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
void fsm__store_close(fsm__store *store); /* drops what no round has committed */

void fsm__store_id(const fsm__store *store, uint8_t out[16]);
/* Of the last committed round. */
uint64_t fsm__store_applied(const fsm__store *store, fsm__hash *leaf);

/* Point read: *value is valid until the next write, round or close. Absent: FSM_ENOTFOUND, err untouched. */
FSM_MUST_USE fsm_code fsm__store_get(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                                     const void **value, size_t *value_len, fsm_error *err);
/* Writes to the overlay. The first failure is kept and answered by fsm__store_fault, so that the
 * write path reads as straight lines. */
void fsm__store_put(fsm__store *store, fsm__table table, const void *key, size_t key_len, const void *value,
                    size_t value_len);
void fsm__store_delete(fsm__store *store, fsm__table table, const void *key, size_t key_len);
fsm_code fsm__store_fault(const fsm__store *store, fsm_error *err); /* sticky */

/* Range read: rows of table whose key starts with prefix, from `from` on (NULL = the prefix), in key
 * order, overlay and LMDB merged. Re-seeks at each step, so it may be used across writes. */
typedef struct fsm__range {
  fsm__store *store;
  fsm__table table;
  uint8_t prefix[FSM_STORE_KEY_MAX], at[FSM_STORE_KEY_MAX];
  size_t prefix_len, at_len;
  bool strictly; /* go on after `at` */
  /* private: LMDB's cursor (or NULL), where it stands, and the round it was placed in */
  void *cursor;
  unsigned char standing;
  uint64_t round;
} fsm__range;
void fsm__range_open(fsm__range *range, fsm__store *store, fsm__table table, const void *prefix,
                     size_t prefix_len);
void fsm__range_from(fsm__range *range, const void *key, size_t key_len); /* first key ≥ this */
/* FSM_OK with *found false at the end. row->key and value are valid until the next call or write. After
 * FSM_ECORRUPT (err->where is TABLE/KEY in hex) the next call goes on behind the damaged row. */
FSM_MUST_USE fsm_code fsm__range_next(fsm__range *range, fsm__row *row, bool *found, fsm_error *err);
void fsm__range_close(fsm__range *range);

/* How much waits in the overlay, for deciding when to run a round. */
size_t fsm__store_pending_bytes(const fsm__store *store);
/* Commits the overlay with (seq, leaf) as the applied position; nothing pending is fine. On FSM_EFULL
 * (disk or map) the overlay is kept and reads go on; any other failure is fatal for the store. */
FSM_MUST_USE fsm_code fsm__store_round(fsm__store *store, uint64_t seq, const fsm__hash *leaf,
                                       fsm_error *err);

/* A larger map, after FSM_EFULL; a smaller one is ignored. Values shown before are no longer valid.
 * FSM_EBUSY while a snapshot is open. */
FSM_MUST_USE fsm_code fsm__store_grow(fsm__store *store, size_t map_bytes, fsm_error *err);

/* A committed snapshot of another thread's store, for comparing: rows of a table in key order, LMDB
 * only. Keep it short: a long reader makes the file grow. Close it before the store. */
typedef struct fsm__snapshot_reader fsm__snapshot_reader;
FSM_MUST_USE fsm_code fsm__store_snapshot(fsm__store *store, fsm__snapshot_reader **out, uint64_t *applied,
                                          fsm_error *err); /* any thread */
/* The leaf of the record at the snapshot's applied seq. */
FSM_MUST_USE fsm_code fsm__snapshot_leaf(fsm__snapshot_reader *reader, fsm__hash *leaf, fsm_error *err);
FSM_MUST_USE fsm_code fsm__snapshot_next(fsm__snapshot_reader *reader, fsm__table table, fsm__row *row,
                                         bool *found,
                                         fsm_error *err); /* a new table starts at its first row */
void fsm__snapshot_close(fsm__snapshot_reader *reader);

/* The version of LMDB, for --version. */
const char *fsm__store_library(void);

#endif

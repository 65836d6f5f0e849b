/* store_impl.h: what the files of the store share, and nobody else sees.
 *
 *   store_dir.c    the directory: made, checked, locked           (no LMDB)
 *   store.c        opening and closing
 *   store_round.c, store_read.c, store_snapshot.c   what is written, what is read, all of it at one moment
 *   store_lmdb.c   LMDB as these four see it, and nobody else
 *   store_generation.c, store_view.c   puts, publishing, freezing; the handles that read  (no LMDB)
 *   store_range.c  the merged view: generations over LMDB          (no LMDB)
 */
#ifndef FSM_RUNTIME_STORE_IMPL_H
#define FSM_RUNTIME_STORE_IMPL_H

#include <pthread.h>

#include "runtime/store.h"

/* The directory under its lock. */
typedef struct fsm__store_dir {
  char *path;
  int fd, lock_fd; /* -1 = not open */
  bool read_only;
  bool empty;   /* there is no data file yet */
  bool claimed; /* the lock file has our pid */
} fsm__store_dir;

/* Opens, checks and locks; makes what is missing only when `make` says so, else FSM_ENOTFOUND. On a
 * failure nothing is left open. */
FSM_MUST_USE fsm_code fsm__store_dir_open(fsm__store_dir *dir, const char *path, bool read_only, bool make,
                                          fsm_error *err);
void fsm__store_dir_close(fsm__store_dir *dir);
/* Writes our pid into the lock file, for whoever finds it locked. */
void fsm__store_dir_claim(fsm__store_dir *dir);
/* Before LMDB opens it for writing. It writes to its lock file through a map, where a disk without room is a
 * SIGBUS: so it has its blocks before. */
FSM_MUST_USE fsm_code fsm__store_dir_prepare(const fsm__store_dir *dir, fsm_error *err);
/* A new store is whole and durable: from now on what is there is a store. */
FSM_MUST_USE fsm_code fsm__store_dir_made(const fsm__store_dir *dir, fsm_error *err);
/* Makes the directory's entries (and its own in the parent) durable. */
FSM_MUST_USE fsm_code fsm__store_dir_sync(const fsm__store_dir *dir, fsm_error *err);
/* Is the open file fd the checked `name` in here, and not one put in its place since? */
bool fsm__store_dir_holds(const fsm__store_dir *dir, const char *name, int fd);

#define FSM_STORE_DATA_FILE "data.mdb" /* LMDB's names */
#define FSM_STORE_READERS_FILE "lock.mdb"
#define FSM_STORE_READERS_BYTES ((FSM_STORE_READERS + 64) * 64) /* at least what LMDB asks for */
#define FSM_STORE_LOCK_FILE "lock"                              /* ours */

/* A key below which a table has no living row: what a scan from the table's start may skip. Without it
 * every look at the earliest due timer would walk over all that fired since the last round. */
typedef struct fsm__floor {
  uint8_t key[FSM_STORE_KEY_MAX];
  size_t len; /* 0 = nothing known */
} fsm__floor;

/* The rows of one round, while they are in memory. */
typedef struct fsm__generation {
  fsm__overlay *rows;
  unsigned uses; /* by views, and one by the store while it is filling or applying; under the lock */
} fsm__generation;

/* What all handles of an environment share. `lock` guards whatever views and the owner both touch; the order
 * of locks is: this one, then LMDB's own. What is filling may be changed by the owner under the lock alone;
 * the owner reads it without, being the only one who changes it. What is applying is changed by nobody. */
typedef struct fsm__store_base {
  fsm__store_dir dir;
  struct MDB_env *env;
  unsigned meta, dbi[FSM_TABLE_COUNT];
  bool has[FSM_TABLE_COUNT]; /* false: a read-only store from before this table */
  uint8_t id[16];
  fsm_error fault; /* the owner's first, sticky; code FSM_OK = none */
  /* the owner's alone */
  bool in_frame, held;     /* held: the lock, from the first put of the frame on */
  uint64_t put_stamp;      /* of the last put */
  const fsm__ahead *ahead; /* NULL = no row is */
  uint64_t replaying;      /* last seq of the frame being applied, while rows are ahead */

  pthread_mutex_t lock;
  pthread_cond_t gate_open; /* CLOCK_MONOTONIC */
  fsm__generation *filling, *applying, *spare;
  uint64_t freeze_seq; /* of what is applying */
  fsm__hash freeze_leaf;
  bool committed; /* what is applying is in LMDB */
  fsm__horizon horizon;
  uint64_t pins[FSM_STORE_VIEWS_MAX]; /* of the open views, side by side */
  fsm__store *open[FSM_STORE_VIEWS_MAX],
      *closed[FSM_STORE_VIEWS_MAX]; /* views; closed ones to be used again */
  unsigned view_count, closed_count;
  unsigned snapshots; /* open ones */
  bool gated;         /* no new views and snapshots: the map is about to grow */
  uint64_t applied;
  fsm__hash leaf;
} fsm__store_base;

/* A handle: the owner's or a view. */
struct fsm__store {
  fsm__store_base *base;
  struct MDB_txn *read; /* the owner's is renewed after each round */
  struct MDB_cursor *spare[FSM_TABLE_COUNT];
  fsm__generation *generations[2];   /* newest first; NULL = none */
  uint64_t pin;                      /* FSM_NEWEST: the owner's */
  uint64_t round;                    /* how many snapshots `read` has had: cursors placed before are void */
  fsm__floor floor[FSM_TABLE_COUNT]; /* the owner's */
  unsigned slot;                     /* of a view, in base->open and base->pins */
  int64_t opened_ns;
};

static inline bool fsm__store_is_view(const fsm__store *store) { return store->pin != FSM_NEWEST; }

/* The owner's handle over an environment; frees itself on a failure. */
FSM_MUST_USE fsm_code fsm__store_base_new(fsm__store **out, fsm_error *err);
/* What it holds: generations, closed views, locks. */
void fsm__store_base_free(fsm__store *owner);
/* Waits until the gate is open; under the lock. FSM_EBUSY after FSM_STORE_GATE_MS. */
FSM_MUST_USE fsm_code fsm__store_gate_pass(fsm__store_base *base, fsm_error *err);

/* The read transaction of a handle: begun, or renewed after a reset; 0 or LMDB's code. */
int fsm__store_read_begin(fsm__store *store);
void fsm__store_read_end(fsm__store *store);
void fsm__store_read_free(fsm__store *store); /* with its cursors */
FSM_MUST_USE fsm_code fsm__store_read_fail(fsm__store *store, int rc, fsm_error *err);
/* Transactions of LMDB that read, of all processes; how many commits the oldest is behind. */
void fsm__store_readers(fsm__store_base *base, unsigned *count, uint64_t *behind);
size_t fsm__store_map_bytes(fsm__store_base *base);
size_t fsm__store_used_bytes(fsm__store_base *base);         /* of the map, free pages included */
int fsm__store_map_set(fsm__store_base *base, size_t bytes); /* no transaction may be open */

/* Keeps the first fault. */
void fsm__store_fail(fsm__store *store, const fsm_error *fault);

/* Takes the checksum off a row of LMDB; FSM_ECORRUPT names table and key. */
FSM_MUST_USE fsm_code fsm__store_unseal(fsm__table table, fsm__row *row, fsm_error *err);
/* The sealed row of a key; FSM_ENOTFOUND leaves err untouched. */
FSM_MUST_USE fsm_code fsm__store_lookup(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                                        fsm__row *row, fsm_error *err);

/* Where a range's cursor stands, as seen from the range's position. */
enum {
  FSM_STANDING_NOWHERE, /* to be placed */
  FSM_STANDING_AHEAD,   /* on the first row behind the position */
  FSM_STANDING_ON,      /* on the row of the position, which is used up */
  FSM_STANDING_END
};
/* The first sealed row at key or (strictly) behind it; places or moves the cursor as its standing asks. */
FSM_MUST_USE fsm_code fsm__store_cursor_peek(fsm__range *range, const void *key, size_t key_len,
                                             bool strictly, fsm__row *row, bool *found, fsm_error *err);
void fsm__store_cursor_release(fsm__range *range);

/* ---- store_generation.c ---- */
FSM_MUST_USE fsm_code fsm__store_no_memory(fsm_error *err);
/* One use less; under the lock. What is returned is nobody's any more: to be recycled outside. */
fsm__generation *fsm__generation_drop(fsm__generation *g);
void fsm__generation_recycle(fsm__store_base *base, fsm__generation *g);

#endif

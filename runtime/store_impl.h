/* store_impl.h: what the files of the store share, and nobody else sees.
 *
 * store_dir.c    the directory: made, checked, locked        (no LMDB)
 * store.c        the only caller of LMDB: opening, rounds, cursors, snapshots
 * store_range.c  the merged view: overlay over LMDB          (no LMDB)
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
/* Makes the directory's entries (and its own in the parent) durable. */
FSM_MUST_USE fsm_code fsm__store_dir_sync(const fsm__store_dir *dir, fsm_error *err);
/* Is the open file fd the checked `name` in here, and not one put in its place since? */
bool fsm__store_dir_holds(const fsm__store_dir *dir, const char *name, int fd);

#define FSM_STORE_DATA_FILE "data.mdb" /* LMDB's names */
#define FSM_STORE_READERS_FILE "lock.mdb"
#define FSM_STORE_LOCK_FILE "lock" /* ours */

/* A key below which a table has no living row: what a scan from the table's start may skip. Without it
 * every look at the earliest due timer would walk over all that fired since the last round. */
typedef struct fsm__floor {
  uint8_t key[FSM_STORE_KEY_MAX];
  size_t len; /* 0 = nothing known */
} fsm__floor;

struct fsm__store {
  fsm__store_dir dir;
  struct MDB_env *env;
  struct MDB_txn *read; /* the owner's, renewed after each round */
  unsigned meta, dbi[FSM_TABLE_COUNT];
  bool has[FSM_TABLE_COUNT]; /* false: a read-only store from before this table */
  struct MDB_cursor *spare[FSM_TABLE_COUNT];
  fsm__floor floor[FSM_TABLE_COUNT];
  fsm__overlay *overlay;
  uint8_t id[16];
  uint64_t applied;
  fsm__hash leaf;
  uint64_t round;  /* how many since opening: cursors placed before are void */
  fsm_error fault; /* the first, sticky; code FSM_OK = none */
  pthread_mutex_t snapshot_mutex;
  unsigned snapshots; /* open ones, under the mutex */
};

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

#endif

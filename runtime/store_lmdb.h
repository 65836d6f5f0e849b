/* store_lmdb.h: LMDB, for the files of the store alone: store.c (opening), store_round.c, store_read.c,
 * store_snapshot.c. Nothing else includes it.
 */
#ifndef FSM_RUNTIME_STORE_LMDB_H
#define FSM_RUNTIME_STORE_LMDB_H

#include <lmdb.h>

#include "runtime/store_impl.h"

enum { FSM_META_TABLE = 0xff }; /* its number in checksums */

fsm_code fsm__lmdb_fail(fsm_error *err, const char *where, const char *what, int rc);
/* The same of a commit: a disk that is full says so in several ways. */
fsm_code fsm__commit_fail(fsm__store_base *base, int rc, const char *what, fsm_error *err);

/* A sealed row as LMDB holds it. */
void fsm__row_show(const MDB_val *key, const MDB_val *value, fsm__row *row);
/* The first row at or (strictly) behind key. */
int fsm__cursor_seek(MDB_cursor *cursor, const void *key, size_t key_len, bool strictly, MDB_val *k,
                     MDB_val *v);

/* A write transaction: its first error sticks, so that it is written in straight lines. */
typedef struct fsm__writing {
  MDB_txn *txn;
  MDB_cursor *cursor; /* in the table being written */
  int rc;
} fsm__writing;
void fsm__writing_begin(fsm__writing *w, MDB_env *env);
void fsm__writing_open(fsm__writing *w, const char *name, MDB_dbi *dbi);
void fsm__writing_table(fsm__writing *w, MDB_dbi dbi);
void fsm__writing_row(fsm__writing *w, uint8_t table, const void *key, size_t key_len, const void *value,
                      size_t value_len);
void fsm__writing_delete(fsm__writing *w, const void *key, size_t key_len);
void fsm__writing_applied(fsm__writing *w, MDB_dbi meta, uint64_t seq, const fsm__hash *leaf);
int fsm__writing_end(fsm__writing *w); /* commits, or aborts after an error */

/* What the store says of itself; FSM_ECORRUPT names the row. */
FSM_MUST_USE fsm_code fsm__meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, void *out, size_t len,
                                    fsm_error *err);
FSM_MUST_USE fsm_code fsm__meta_format(MDB_txn *txn, MDB_dbi meta, const char *path, fsm_error *err);
FSM_MUST_USE fsm_code fsm__meta_applied(MDB_txn *txn, MDB_dbi meta, uint64_t *seq, fsm__hash *leaf,
                                        fsm_error *err);

#endif

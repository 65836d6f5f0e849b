/* store_read.c: what a handle reads from LMDB: its transaction, rows by key, cursors of ranges. */
#include <stdio.h>
#include <string.h>

#include "runtime/store_lmdb.h"

/* ---- the transactions and cursors of a handle ---- */

int fsm__store_read_begin(fsm__store *store) {
  store->round++;
  if (store->read) return mdb_txn_renew(store->read);
  return mdb_txn_begin(store->base->env, NULL, MDB_RDONLY, &store->read);
}

void fsm__store_read_end(fsm__store *store) { mdb_txn_reset(store->read); }

void fsm__store_read_free(fsm__store *store) {
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++)
    if (store->spare[t]) mdb_cursor_close(store->spare[t]);
  if (store->read) mdb_txn_abort(store->read);
}

fsm_code fsm__store_read_fail(fsm__store *store, int rc, fsm_error *err) {
  fsm_error fault;
  fsm_code code = fsm__lmdb_fail(&fault, store->base->dir.path, "cannot read", rc);
  if (!fsm__store_is_view(store)) fsm__store_fail(store, &fault);
  if (err) *err = fault;
  return code;
}

size_t fsm__store_map_bytes(fsm__store_base *base) {
  MDB_envinfo info;
  return mdb_env_info(base->env, &info) ? 0 : info.me_mapsize;
}

size_t fsm__store_used_bytes(fsm__store_base *base) {
  MDB_envinfo info;
  MDB_stat stat;
  if (mdb_env_info(base->env, &info) != 0 || mdb_env_stat(base->env, &stat) != 0) return 0;
  return (info.me_last_pgno + 1) * stat.ms_psize;
}

int fsm__store_map_set(fsm__store_base *base, size_t bytes) { return mdb_env_set_mapsize(base->env, bytes); }

/* ---- reading ---- */

fsm_code fsm__store_lookup(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                           fsm__row *row, fsm_error *err) {
  if (!store->base->has[table] || key_len == 0 || key_len > FSM_STORE_KEY_MAX) return FSM_ENOTFOUND;
  MDB_val k = {key_len, (void *)(uintptr_t)key}, v;
  int rc = mdb_get(store->read, store->base->dbi[table], &k, &v);
  if (rc == MDB_NOTFOUND) return FSM_ENOTFOUND;
  if (rc) return fsm__lmdb_fail(err, fsm__table_name(table), "cannot read a row", rc);
  fsm__row_show(&k, &v, row);
  return FSM_OK;
}

/* A cursor of the current round: the range's own, the spare of its table, or a new one. */
static int cursor_take(fsm__range *range) {
  fsm__store *store = range->store;
  MDB_cursor *cursor = range->cursor ? range->cursor : store->spare[range->table];
  if (!range->cursor) store->spare[range->table] = NULL;
  int rc = cursor ? mdb_cursor_renew(store->read, cursor)
                  : mdb_cursor_open(store->read, store->base->dbi[range->table], &cursor);
  range->cursor = cursor;
  return rc;
}

fsm_code fsm__store_cursor_peek(fsm__range *range, const void *key, size_t key_len, bool strictly,
                                fsm__row *row, bool *found, fsm_error *err) {
  *found = false;
  if (range->standing == FSM_STANDING_END || !range->store->base->has[range->table]) return FSM_OK;
  MDB_val k, v;
  int rc = range->standing == FSM_STANDING_NOWHERE ? cursor_take(range) : 0;
  if (!rc && range->standing == FSM_STANDING_NOWHERE)
    rc = fsm__cursor_seek(range->cursor, key, key_len, strictly, &k, &v);
  else if (!rc)
    rc = mdb_cursor_get(range->cursor, &k, &v,
                        range->standing == FSM_STANDING_ON ? MDB_NEXT : MDB_GET_CURRENT);
  if (rc && rc != MDB_NOTFOUND)
    return fsm__lmdb_fail(err, fsm__table_name(range->table), "cannot read the table", rc);
  *found = rc == 0;
  range->standing = *found ? FSM_STANDING_AHEAD : FSM_STANDING_END;
  if (*found &&
      k.mv_size > FSM_STORE_KEY_MAX) { /* nobody has room for it, and there is no going on behind it */
    *found = false;
    range->standing = FSM_STANDING_END;
    return fsm_fail(err, FSM_ECORRUPT, fsm__table_name(range->table), "a damaged page has a key of %zu bytes",
                    k.mv_size);
  }
  if (*found) fsm__row_show(&k, &v, row);
  return FSM_OK;
}

void fsm__store_cursor_release(fsm__range *range) {
  if (range->store->spare[range->table])
    mdb_cursor_close(range->cursor);
  else
    range->store->spare[range->table] = range->cursor;
  range->cursor = NULL;
}

/* ---- readers of all processes ---- */

typedef struct readers {
  unsigned count;
  uint64_t oldest; /* number of the transaction that it sees */
} readers;

/* A line of LMDB: process, thread, transaction; the last is "-" of one that waits to be used again. */
static int note_reader(const char *line, void *arg) {
  readers *r = arg;
  unsigned long long pid = 0, thread = 0, txn = 0;
  if (sscanf(line, "%llu %llx %llu", &pid, &thread, &txn) != 3) return 0;
  r->count++;
  if (txn < r->oldest) r->oldest = txn;
  return 0;
}

void fsm__store_readers(fsm__store_base *base, unsigned *count, uint64_t *behind) {
  readers r = {.oldest = UINT64_MAX};
  MDB_envinfo info;
  *count = 0;
  *behind = 0;
  if (base->env == NULL || mdb_env_info(base->env, &info) != 0) return;
  if (mdb_reader_list(base->env, note_reader, &r) < 0) return;
  *count = r.count;
  if (r.count > 0 && info.me_last_txnid > r.oldest) *behind = info.me_last_txnid - r.oldest;
}

void fsm__store_clear_dead(fsm__store *store) {
  int dead = 0;
  if (!store->base->dir.read_only) (void)mdb_reader_check(store->base->env, &dead);
}

/* store_snapshot.c: all rows of one moment, table by table, beside the writer. */
#include <stdlib.h>

#include "runtime/store_lmdb.h"

struct fsm__snapshot_reader {
  fsm__store_base *base;
  MDB_txn *txn;
  MDB_cursor *cursor;
  unsigned table; /* that the cursor is in */
  bool placed;    /* a seek has put the cursor on the row to be shown next, or behind the last one */
  bool at_end;
};

static fsm_code snapshot_begin(fsm__snapshot_reader *reader, fsm_error *err) {
  fsm__store_base *base = reader->base;
  pthread_mutex_lock(&base->lock);
  fsm_code code = fsm__store_gate_pass(base, err);
  int rc = code ? 0 : mdb_txn_begin(base->env, NULL, MDB_RDONLY, &reader->txn);
  if (rc) code = fsm__lmdb_fail(err, base->dir.path, "cannot begin a snapshot", rc);
  if (!code) base->snapshots++;
  pthread_mutex_unlock(&base->lock);
  return code;
}

fsm_code fsm__store_snapshot(fsm__store *store, fsm__snapshot_reader **out, uint64_t *applied,
                             fsm_error *err) {
  FSM_ASSERT(store && out && applied);
  fsm__snapshot_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return fsm_fail(err, FSM_ENOMEM, store->base->dir.path, "no memory for a snapshot");
  reader->base = store->base;
  fsm_code code = snapshot_begin(reader, err);
  if (code) {
    free(reader);
    return code;
  }
  code = fsm__meta_applied(reader->txn, reader->base->meta, applied, NULL, err);
  if (code)
    fsm__snapshot_close(reader);
  else
    *out = reader;
  return code;
}

fsm_code fsm__snapshot_leaf(fsm__snapshot_reader *reader, fsm__hash *leaf, fsm_error *err) {
  uint64_t applied = 0;
  return fsm__meta_applied(reader->txn, reader->base->meta, &applied, leaf, err);
}

static int snapshot_table(fsm__snapshot_reader *reader, fsm__table table) {
  if (reader->cursor) mdb_cursor_close(reader->cursor);
  reader->cursor = NULL;
  reader->table = table;
  reader->placed = false;
  return mdb_cursor_open(reader->txn, reader->base->dbi[table], &reader->cursor);
}

static int snapshot_step(fsm__snapshot_reader *reader, fsm__table table, MDB_val *k, MDB_val *v) {
  if (!reader->cursor || reader->table != table) {
    int rc = snapshot_table(reader, table);
    return rc ? rc : mdb_cursor_get(reader->cursor, k, v, MDB_FIRST);
  }
  if (reader->placed && reader->at_end) return MDB_NOTFOUND;
  bool current = reader->placed;
  reader->placed = false;
  return mdb_cursor_get(reader->cursor, k, v, current ? MDB_GET_CURRENT : MDB_NEXT);
}

fsm_code fsm__snapshot_seek(fsm__snapshot_reader *reader, fsm__table table, const void *key, size_t key_len,
                            bool strictly, fsm_error *err) {
  FSM_ASSERT(reader && table < FSM_TABLE_COUNT && key_len <= FSM_STORE_KEY_MAX);
  if (!reader->base->has[table]) return FSM_OK;
  MDB_val k, v;
  int rc = snapshot_table(reader, table);
  if (!rc) rc = fsm__cursor_seek(reader->cursor, key, key_len, strictly, &k, &v);
  reader->placed = true;
  reader->at_end = rc == MDB_NOTFOUND;
  return rc && rc != MDB_NOTFOUND ? fsm__lmdb_fail(err, fsm__table_name(table), "cannot read the table", rc)
                                  : FSM_OK;
}

fsm_code fsm__snapshot_next(fsm__snapshot_reader *reader, fsm__table table, fsm__row *row, bool *found,
                            fsm_error *err) {
  FSM_ASSERT(reader && table < FSM_TABLE_COUNT && row && found);
  *found = false;
  if (!reader->base->has[table]) return FSM_OK;
  MDB_val k, v;
  int rc = snapshot_step(reader, table, &k, &v);
  if (rc == MDB_NOTFOUND) return FSM_OK;
  if (rc) return fsm__lmdb_fail(err, fsm__table_name(table), "cannot read the table", rc);
  fsm__row_show(&k, &v, row);
  fsm_code code = fsm__store_unseal(table, row, err);
  *found = code == FSM_OK;
  return code;
}

void fsm__snapshot_close(fsm__snapshot_reader *reader) {
  if (!reader) return;
  if (reader->cursor) mdb_cursor_close(reader->cursor);
  mdb_txn_abort(reader->txn);
  pthread_mutex_lock(&reader->base->lock);
  reader->base->snapshots--;
  pthread_mutex_unlock(&reader->base->lock);
  free(reader);
}

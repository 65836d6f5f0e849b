/* store.c: the store on LMDB: opening and closing it.
 *
 * One environment, one LMDB database per table and one, `meta`, for what the store says of itself:
 * format, store id, applied position. Every row, meta's too, is sealed: value ‖ u32le CRC-32C over
 * (table number, key, value). A round is one write transaction, synced by LMDB before it counts; it runs on
 * whatever thread calls fsm__store_apply and touches nothing of the owner's.
 *
 * Rules: no duplicate keys, no nested transactions, no unsynced commits but in scratch stores. LMDB's
 * own lock table is used only while writing (snapshots of other threads need it); a read-only opening
 * runs without it, under the shared lock of the directory, and so writes nothing.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/store_guard.h"
#include "runtime/store_lmdb.h"

/* LMDB found its own file impossible. It cannot go on and cannot return: a controlled end. */
static _Noreturn void lmdb_assert(MDB_env *env, const char *text) {
  const char *path = NULL;
  if (mdb_env_get_path(env, &path) != 0 || path == NULL) path = "store";
  fprintf(stderr, "fsm: %s: the store is damaged (corrupt); LMDB says: %s\n", path, text);
  _exit(fsm_code_exit(FSM_ECORRUPT));
}

/* ---- opening ---- */

static fsm_code env_open(const fsm__store_dir *dir, unsigned flags, size_t map_bytes, MDB_env **out,
                         fsm_error *err) {
  MDB_env *env = NULL;
  int rc = mdb_env_create(&env);
  if (rc) return fsm__lmdb_fail(err, dir->path, "cannot make an LMDB environment", rc);
  fsm__store_guard();
  mdb_env_set_assert(env, lmdb_assert);
  rc = mdb_env_set_maxdbs(env, FSM_TABLE_COUNT + 1);
  if (!rc) rc = mdb_env_set_maxreaders(env, FSM_STORE_READERS);
  if (!rc && map_bytes) rc = mdb_env_set_mapsize(env, map_bytes);
  if (!rc) rc = mdb_env_open(env, dir->path, MDB_NOTLS | flags, 0600);
  fsm_code code = rc ? fsm__lmdb_fail(err, dir->path, "cannot open LMDB", rc) : FSM_OK;
  int fd = -1;
  if (!code && (mdb_env_get_fd(env, &fd) || !fsm__store_dir_holds(dir, FSM_STORE_DATA_FILE, fd)))
    code = fsm_fail(err, FSM_EPERMISSION, dir->path, "the data file was replaced while it was opened");
  if (code)
    mdb_env_close(env);
  else
    *out = env;
  return code;
}

/* A data file without `meta` and without anything else was left by a crash while it was made. */
static fsm_code find_meta(MDB_env *env, MDB_txn *txn, const char *path, MDB_dbi *meta, bool *made,
                          fsm_error *err) {
  int rc = mdb_dbi_open(txn, "meta", 0, meta);
  *made = rc == 0;
  if (!rc) return FSM_OK;
  MDB_stat stat;
  if (rc == MDB_NOTFOUND && !mdb_env_stat(env, &stat) && stat.ms_entries == 0) return FSM_OK;
  if (rc == MDB_NOTFOUND) return fsm_fail(err, FSM_ECORRUPT, path, "there are rows, but no meta table");
  return fsm__lmdb_fail(err, path, "cannot open the meta table", rc);
}

/* Looks at the format before anything is opened for fsm__writing. */
static fsm_code peek_format(const fsm__store_dir *dir, bool *made, fsm_error *err) {
  MDB_env *env;
  MDB_txn *txn = NULL;
  MDB_dbi meta;
  fsm_code code = env_open(dir, MDB_RDONLY | MDB_NOLOCK, 0, &env, err);
  if (code) return code;
  int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
  code = rc ? fsm__lmdb_fail(err, dir->path, "cannot read", rc)
            : find_meta(env, txn, dir->path, &meta, made, err);
  if (!code && *made) code = fsm__meta_format(txn, meta, dir->path, err);
  if (txn) mdb_txn_abort(txn);
  mdb_env_close(env);
  return code;
}

/* Makes the tables that are missing; in a new store also its own rows, all in one commit. */
static fsm_code make_tables(fsm__store_base *base, const uint8_t *new_id, fsm_error *err) {
  fsm__writing w;
  fsm__writing_begin(&w, base->env);
  fsm__writing_open(&w, "meta", &base->meta);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) fsm__writing_open(&w, fsm__table_name(t), &base->dbi[t]);
  if (new_id) {
    uint32_t format = htole32(FSM_STORE_FORMAT);
    fsm__writing_table(&w, base->meta);
    fsm__writing_row(&w, FSM_META_TABLE, "format", 6, &format, sizeof format);
    fsm__writing_row(&w, FSM_META_TABLE, "id", 2, new_id, sizeof base->id);
    fsm__writing_applied(&w, base->meta, 0, &(fsm__hash){{0}});
  }
  int rc = fsm__writing_end(&w);
  if (rc) return fsm__commit_fail(base, rc, "cannot make the tables", err);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) base->has[t] = true;
  if (!new_id) return FSM_OK;
  fsm_code code = fsm__store_dir_sync(&base->dir, err);
  return code ? code : fsm__store_dir_made(&base->dir, err);
}

static fsm_code find_tables(fsm__store_base *base, fsm_error *err) {
  MDB_txn *txn;
  const char *path = base->dir.path;
  int rc = mdb_txn_begin(base->env, NULL, MDB_RDONLY, &txn);
  if (rc) return fsm__lmdb_fail(err, path, "cannot read", rc);
  bool made;
  fsm_code code = find_meta(base->env, txn, path, &base->meta, &made, err);
  if (!code && !made) code = fsm_fail(err, FSM_ENOTFOUND, path, "there is no store");
  for (unsigned t = 0; t < FSM_TABLE_COUNT && !code; t++) {
    rc = mdb_dbi_open(txn, fsm__table_name(t), 0, &base->dbi[t]);
    base->has[t] = rc == 0;
    if (rc && rc != MDB_NOTFOUND) code = fsm__lmdb_fail(err, fsm__table_name(t), "cannot open the table", rc);
  }
  if (code) {
    mdb_txn_abort(txn);
    return code;
  }
  rc = mdb_txn_commit(txn); /* keeps the handles */
  return rc ? fsm__lmdb_fail(err, path, "cannot open the tables", rc) : FSM_OK;
}

static fsm_code load(fsm__store *store, fsm_error *err) {
  fsm__store_base *base = store->base;
  int rc = fsm__store_read_begin(store);
  if (rc) return fsm__lmdb_fail(err, base->dir.path, "cannot read", rc);
  fsm_code code = fsm__meta_format(store->read, base->meta, base->dir.path, err);
  if (!code) code = fsm__meta_get(store->read, base->meta, "id", base->id, sizeof base->id, err);
  if (!code) code = fsm__meta_applied(store->read, base->meta, &base->applied, &base->leaf, err);
  if (!code) base->horizon.visible = base->applied;
  if (!code) base->horizon.stamp = base->applied + 1;
  return code;
}

static fsm_code open_for_writing(fsm__store_base *base, const fsm__store_options *options, size_t map_bytes,
                                 fsm_error *err) {
  bool made = false;
  fsm_code code = base->dir.empty ? FSM_OK : peek_format(&base->dir, &made, err);
  if (!code && !made && !options->new_store_id)
    code = fsm_fail(err, FSM_ENOTFOUND, options->dir, "there is no store");
  if (code) return code;
  fsm__store_dir_claim(&base->dir);
  code = fsm__store_dir_prepare(&base->dir, err);
  if (code) return code;
  code = env_open(&base->dir, options->scratch ? MDB_NOSYNC : 0, map_bytes, &base->env, err);
  if (!code) code = make_tables(base, made ? NULL : options->new_store_id, err);
  return code;
}

static fsm_code open_for_reading(fsm__store_base *base, size_t map_bytes, fsm_error *err) {
  fsm_code code = env_open(&base->dir, MDB_RDONLY | MDB_NOLOCK, map_bytes, &base->env, err);
  return code ? code : find_tables(base, err);
}

fsm_code fsm__store_open(const fsm__store_options *options, fsm__store **out, fsm_error *err) {
  FSM_ASSERT(options && options->dir && out);
  fsm__store *store = NULL;
  fsm_code code = fsm__store_base_new(&store, err);
  if (code) return code;
  fsm__store_base *base = store->base;
  size_t map_bytes = options->map_bytes ? options->map_bytes : FSM_STORE_MAP_DEFAULT;
  bool make = !options->read_only && options->new_store_id;
  code = fsm__store_dir_open(&base->dir, options->dir, options->read_only, make, err);
  if (!code)
    code = options->read_only ? open_for_reading(base, map_bytes, err)
                              : open_for_writing(base, options, map_bytes, err);
  if (!code) code = load(store, err);
  if (!code) fsm__store_clear_dead(store);
  if (code)
    fsm__store_close(store);
  else
    *out = store;
  return code;
}

/* No table has anything below: LMDB is never asked. */
fsm_code fsm__store_memory(fsm__store **out, fsm_error *err) { return fsm__store_base_new(out, err); }

bool fsm__store_is_memory(const fsm__store *store) { return store->base->env == NULL; }

void fsm__store_close(fsm__store *store) {
  if (!store) return;
  fsm__store_base *base = store->base;
  FSM_ASSERT(!fsm__store_is_view(store) && base->snapshots == 0 && base->view_count == 0);
  fsm__store_read_free(store);
  while (base->closed_count > 0) {
    fsm__store *view = base->closed[--base->closed_count];
    fsm__store_read_free(view);
    free(view);
  }
  if (base->env) mdb_env_close(base->env);
  fsm__store_dir_close(&base->dir);
  fsm__store_base_free(store);
}

void fsm__store_id(const fsm__store *store, uint8_t out[16]) {
  memcpy(out, store->base->id, sizeof store->base->id);
}

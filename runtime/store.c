/* store.c: the store on LMDB, and the only caller of LMDB.
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
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/crc32c.h"
#include "runtime/store_guard.h"
#include "runtime/store_impl.h"

enum { CRC_BYTES = 4, META_TABLE = 0xff, APPLIED_BYTES = 8 + FSM_HASH_BYTES, PROBE_BYTES = 1 << 20 };
_Static_assert((int)FSM_TABLE_COUNT < META_TABLE, "a table number is a byte, and meta has the last");
_Static_assert(sizeof(MDB_dbi) == sizeof(unsigned), "store_impl.h says so");

static const char *const table_names[] = {
#define X(symbol, name) name,
    FSM_TABLES(X)
#undef X
};

const char *fsm__table_name(fsm__table table) {
  FSM_ASSERT(table < FSM_TABLE_COUNT);
  return table_names[table];
}

/* LMDB found its own file impossible. It cannot go on and cannot return: a controlled end. */
static _Noreturn void lmdb_assert(MDB_env *env, const char *text) {
  const char *path = NULL;
  if (mdb_env_get_path(env, &path) != 0 || path == NULL) path = "store";
  fprintf(stderr, "fsm: %s: the store is damaged (corrupt); LMDB says: %s\n", path, text);
  _exit(fsm_code_exit(FSM_ECORRUPT));
}

static bool is_full(int rc) { return rc == MDB_MAP_FULL || rc == ENOSPC || rc == EDQUOT || rc == EFBIG; }

static fsm_code code_of(int rc) {
  if (is_full(rc)) return FSM_EFULL;
  switch (rc) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID: return FSM_ECORRUPT;
    case MDB_VERSION_MISMATCH: return FSM_EVERSION;
    case ENOMEM: return FSM_ENOMEM;
    case EACCES:
    case EPERM:
    case EROFS: return FSM_EPERMISSION;
    default: return FSM_EIO;
  }
}

static fsm_code lmdb_fail(fsm_error *err, const char *where, const char *what, int rc) {
  return fsm_fail(err, code_of(rc), where, "%s: %s", what, mdb_strerror(rc));
}

/* ---- checksums ---- */

static uint32_t row_crc(uint8_t table, const void *key, size_t key_len, const void *value, size_t value_len) {
  uint32_t crc = fsm__crc32c(0, &table, 1);
  crc = fsm__crc32c(crc, key, key_len);
  return htole32(fsm__crc32c(crc, value, value_len));
}

static bool unseal(uint8_t table, fsm__row *row) {
  if (row->value_len < CRC_BYTES) return false;
  uint32_t crc;
  row->value_len -= CRC_BYTES;
  memcpy(&crc, (const uint8_t *)row->value + row->value_len, CRC_BYTES);
  return crc == row_crc(table, row->key, row->key_len, row->value, row->value_len);
}

fsm_code fsm__store_unseal(fsm__table table, fsm__row *row, fsm_error *err) {
  if (unseal((uint8_t)table, row)) return FSM_OK;
  char where[FSM_WHERE_MAX], hex[2 * 64 + 1];
  fsm__hex(row->key, row->key_len < 64 ? row->key_len : 64, hex);
  snprintf(where, sizeof where, "%s/%s", table_names[table], hex);
  return fsm_fail(err, FSM_ECORRUPT, where, "the checksum of a row of %u bytes is wrong", row->value_len);
}

static void show(const MDB_val *key, const MDB_val *value, fsm__row *row) {
  *row = (fsm__row){.key = key->mv_data,
                    .value = value->mv_data,
                    .key_len = (uint32_t)key->mv_size,
                    .value_len = (uint32_t)value->mv_size};
}

/* ---- a write transaction: its first error sticks, so that it is written in straight lines ---- */

typedef struct writing {
  MDB_txn *txn;
  MDB_cursor *cursor; /* in the table being written */
  int rc;
} writing;

static void write_begin(writing *w, MDB_env *env) {
  *w = (writing){0};
  w->rc = mdb_txn_begin(env, NULL, 0, &w->txn);
}

static void write_open(writing *w, const char *name, MDB_dbi *dbi) {
  if (!w->rc) w->rc = mdb_dbi_open(w->txn, name, MDB_CREATE, dbi);
}

static void write_table(writing *w, MDB_dbi dbi) {
  if (w->cursor) mdb_cursor_close(w->cursor);
  w->cursor = NULL;
  if (!w->rc) w->rc = mdb_cursor_open(w->txn, dbi, &w->cursor);
}

static void write_row(writing *w, uint8_t table, const void *key, size_t key_len, const void *value,
                      size_t value_len) {
  if (w->rc) return;
  MDB_val k = {key_len, (void *)(uintptr_t)key}, v = {value_len + CRC_BYTES, NULL};
  w->rc = mdb_cursor_put(w->cursor, &k, &v, MDB_RESERVE);
  if (w->rc) return;
  uint32_t crc = row_crc(table, key, key_len, value, value_len);
  if (value_len) memcpy(v.mv_data, value, value_len);
  memcpy((uint8_t *)v.mv_data + value_len, &crc, CRC_BYTES);
}

/* A row that never reached LMDB has a tombstone too: not finding it is fine. */
static void write_delete(writing *w, const void *key, size_t key_len) {
  if (w->rc) return;
  MDB_val k = {key_len, (void *)(uintptr_t)key}, v;
  w->rc = mdb_cursor_get(w->cursor, &k, &v, MDB_SET);
  if (!w->rc) w->rc = mdb_cursor_del(w->cursor, 0);
  if (w->rc == MDB_NOTFOUND) w->rc = 0;
}

static void write_applied(writing *w, MDB_dbi meta, uint64_t seq, const fsm__hash *leaf) {
  uint8_t bytes[APPLIED_BYTES];
  uint64_t le = htole64(seq);
  memcpy(bytes, &le, sizeof le);
  memcpy(bytes + sizeof le, leaf->bytes, sizeof leaf->bytes);
  write_table(w, meta);
  write_row(w, META_TABLE, "applied", 7, bytes, sizeof bytes);
}

static int write_end(writing *w) {
  if (w->cursor) mdb_cursor_close(w->cursor);
  if (!w->txn) return w->rc;
  if (w->rc)
    mdb_txn_abort(w->txn);
  else
    w->rc = mdb_txn_commit(w->txn);
  return w->rc;
}

/* ---- what the store says of itself ---- */

static fsm_code meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, void *out, size_t len,
                         fsm_error *err) {
  MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v;
  int rc = mdb_get(txn, meta, &k, &v);
  if (rc && rc != MDB_NOTFOUND) return lmdb_fail(err, name, "cannot read the store's own row", rc);
  fsm__row row = {0};
  if (!rc) show(&k, &v, &row);
  if (rc || !unseal(META_TABLE, &row) || row.value_len != len)
    return fsm_fail(err, FSM_ECORRUPT, name, "the store's own row is %s", rc ? "missing" : "damaged");
  memcpy(out, row.value, len);
  return FSM_OK;
}

static fsm_code meta_format(MDB_txn *txn, MDB_dbi meta, const char *path, fsm_error *err) {
  uint32_t format;
  fsm_code code = meta_get(txn, meta, "format", &format, sizeof format, err);
  if (code) return code;
  format = le32toh(format);
  if (format == FSM_STORE_FORMAT) return FSM_OK;
  return fsm_fail(err, FSM_EVERSION, path, "the store has format %u, this program knows format %d: %s",
                  format, FSM_STORE_FORMAT,
                  format < FSM_STORE_FORMAT ? "make it anew from the journal with fsm-cli db rebuild"
                                            : "use the newer program that wrote it");
}

static fsm_code meta_applied(MDB_txn *txn, MDB_dbi meta, uint64_t *seq, fsm__hash *leaf, fsm_error *err) {
  uint8_t bytes[APPLIED_BYTES];
  fsm_code code = meta_get(txn, meta, "applied", bytes, sizeof bytes, err);
  if (code) return code;
  memcpy(seq, bytes, sizeof *seq);
  *seq = le64toh(*seq);
  if (leaf) memcpy(leaf->bytes, bytes + sizeof *seq, sizeof leaf->bytes);
  return FSM_OK;
}

/* ---- opening ---- */

static fsm_code env_open(const fsm__store_dir *dir, unsigned flags, size_t map_bytes, MDB_env **out,
                         fsm_error *err) {
  MDB_env *env = NULL;
  int rc = mdb_env_create(&env);
  if (rc) return lmdb_fail(err, dir->path, "cannot make an LMDB environment", rc);
  fsm__store_guard();
  mdb_env_set_assert(env, lmdb_assert);
  rc = mdb_env_set_maxdbs(env, FSM_TABLE_COUNT + 1);
  if (!rc) rc = mdb_env_set_maxreaders(env, FSM_STORE_READERS);
  if (!rc && map_bytes) rc = mdb_env_set_mapsize(env, map_bytes);
  if (!rc) rc = mdb_env_open(env, dir->path, MDB_NOTLS | flags, 0600);
  fsm_code code = rc ? lmdb_fail(err, dir->path, "cannot open LMDB", rc) : FSM_OK;
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
  return lmdb_fail(err, path, "cannot open the meta table", rc);
}

/* Looks at the format before anything is opened for writing. */
static fsm_code peek_format(const fsm__store_dir *dir, bool *made, fsm_error *err) {
  MDB_env *env;
  MDB_txn *txn = NULL;
  MDB_dbi meta;
  fsm_code code = env_open(dir, MDB_RDONLY | MDB_NOLOCK, 0, &env, err);
  if (code) return code;
  int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
  code = rc ? lmdb_fail(err, dir->path, "cannot read", rc) : find_meta(env, txn, dir->path, &meta, made, err);
  if (!code && *made) code = meta_format(txn, meta, dir->path, err);
  if (txn) mdb_txn_abort(txn);
  mdb_env_close(env);
  return code;
}

/* LMDB reports a short write as EIO, and a disk that fills up writes short before it says ENOSPC. */
static bool room_is_out(MDB_env *env) {
  int fd;
  struct stat stat;
  struct rlimit limit;
  if (mdb_env_get_fd(env, &fd) || fstat(fd, &stat)) return false;
  if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
      (uint64_t)stat.st_size + PROBE_BYTES > limit.rlim_cur)
    return true;
  return fallocate(fd, FALLOC_FL_KEEP_SIZE, stat.st_size, PROBE_BYTES) && is_full(errno);
}

static fsm_code commit_fail(fsm__store_base *base, int rc, const char *what, fsm_error *err) {
  if (rc == EIO && room_is_out(base->env)) rc = ENOSPC;
  return lmdb_fail(err, base->dir.path, what, rc);
}

/* Makes the tables that are missing; in a new store also its own rows, all in one commit. */
static fsm_code make_tables(fsm__store_base *base, const uint8_t *new_id, fsm_error *err) {
  writing w;
  write_begin(&w, base->env);
  write_open(&w, "meta", &base->meta);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) write_open(&w, table_names[t], &base->dbi[t]);
  if (new_id) {
    uint32_t format = htole32(FSM_STORE_FORMAT);
    write_table(&w, base->meta);
    write_row(&w, META_TABLE, "format", 6, &format, sizeof format);
    write_row(&w, META_TABLE, "id", 2, new_id, sizeof base->id);
    write_applied(&w, base->meta, 0, &(fsm__hash){{0}});
  }
  int rc = write_end(&w);
  if (rc) return commit_fail(base, rc, "cannot make the tables", err);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) base->has[t] = true;
  if (!new_id) return FSM_OK;
  fsm_code code = fsm__store_dir_sync(&base->dir, err);
  return code ? code : fsm__store_dir_made(&base->dir, err);
}

static fsm_code find_tables(fsm__store_base *base, fsm_error *err) {
  MDB_txn *txn;
  const char *path = base->dir.path;
  int rc = mdb_txn_begin(base->env, NULL, MDB_RDONLY, &txn);
  if (rc) return lmdb_fail(err, path, "cannot read", rc);
  bool made;
  fsm_code code = find_meta(base->env, txn, path, &base->meta, &made, err);
  if (!code && !made) code = fsm_fail(err, FSM_ENOTFOUND, path, "there is no store");
  for (unsigned t = 0; t < FSM_TABLE_COUNT && !code; t++) {
    rc = mdb_dbi_open(txn, table_names[t], 0, &base->dbi[t]);
    base->has[t] = rc == 0;
    if (rc && rc != MDB_NOTFOUND) code = lmdb_fail(err, table_names[t], "cannot open the table", rc);
  }
  if (code) {
    mdb_txn_abort(txn);
    return code;
  }
  rc = mdb_txn_commit(txn); /* keeps the handles */
  return rc ? lmdb_fail(err, path, "cannot open the tables", rc) : FSM_OK;
}

static fsm_code load(fsm__store *store, fsm_error *err) {
  fsm__store_base *base = store->base;
  int rc = fsm__store_read_begin(store);
  if (rc) return lmdb_fail(err, base->dir.path, "cannot read", rc);
  fsm_code code = meta_format(store->read, base->meta, base->dir.path, err);
  if (!code) code = meta_get(store->read, base->meta, "id", base->id, sizeof base->id, err);
  if (!code) code = meta_applied(store->read, base->meta, &base->applied, &base->leaf, err);
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
  fsm_code code = lmdb_fail(&fault, store->base->dir.path, "cannot read", rc);
  if (!fsm__store_is_view(store)) fsm__store_fail(store, &fault);
  if (err) *err = fault;
  return code;
}

size_t fsm__store_map_bytes(fsm__store_base *base) {
  MDB_envinfo info;
  return mdb_env_info(base->env, &info) ? 0 : info.me_mapsize;
}

int fsm__store_map_set(fsm__store_base *base, size_t bytes) { return mdb_env_set_mapsize(base->env, bytes); }

/* ---- rounds ---- */

static void write_overlay(writing *w, const fsm__store_base *base, unsigned table) {
  fsm__row row;
  fsm__row_walk walk = {.leaf = NULL};
  bool opened = false;
  while (!w->rc && fsm__overlay_walk(base->applying->rows, table, &walk, &row)) {
    if (row.deleted && row.own) continue; /* it came and went: LMDB never had it */
    if (!opened) write_table(w, base->dbi[table]);
    opened = true;
    if (row.deleted)
      write_delete(w, row.key, row.key_len);
    else
      write_row(w, (uint8_t)table, row.key, row.key_len, row.value, row.value_len);
  }
}

/* Nothing of the owner's is touched here: it is told, and it decides. */
static fsm_code round_fail(fsm__store_base *base, int rc, bool *map_full, fsm_error *err) {
  *map_full = rc == MDB_MAP_FULL;
  return commit_fail(base, rc, "cannot commit a round", err);
}

fsm_code fsm__store_apply(fsm__store *store, bool *map_full, fsm_error *err) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(base->applying && !base->committed);
  *map_full = false;
  writing w;
  write_begin(&w, base->env);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) write_overlay(&w, base, t);
  write_applied(&w, base->meta, base->freeze_seq, &base->freeze_leaf);
  int rc = write_end(&w);
  if (rc) return round_fail(base, rc, map_full, err);
  pthread_mutex_lock(&base->lock);
  base->applied = base->freeze_seq;
  base->leaf = base->freeze_leaf;
  base->committed = true;
  pthread_mutex_unlock(&base->lock);
  return FSM_OK;
}

/* ---- reading ---- */

fsm_code fsm__store_lookup(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                           fsm__row *row, fsm_error *err) {
  if (!store->base->has[table] || key_len == 0 || key_len > FSM_STORE_KEY_MAX) return FSM_ENOTFOUND;
  MDB_val k = {key_len, (void *)(uintptr_t)key}, v;
  int rc = mdb_get(store->read, store->base->dbi[table], &k, &v);
  if (rc == MDB_NOTFOUND) return FSM_ENOTFOUND;
  if (rc) return lmdb_fail(err, table_names[table], "cannot read a row", rc);
  show(&k, &v, row);
  return FSM_OK;
}

/* The first row at or (strictly) behind key. */
static int cursor_seek(MDB_cursor *cursor, const void *key, size_t key_len, bool strictly, MDB_val *k,
                       MDB_val *v) {
  if (!key_len) return mdb_cursor_get(cursor, k, v, MDB_FIRST);
  *k = (MDB_val){key_len, (void *)(uintptr_t)key};
  int rc = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
  if (!rc && strictly && k->mv_size == key_len && !memcmp(k->mv_data, key, key_len))
    rc = mdb_cursor_get(cursor, k, v, MDB_NEXT);
  return rc;
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
    rc = cursor_seek(range->cursor, key, key_len, strictly, &k, &v);
  else if (!rc)
    rc = mdb_cursor_get(range->cursor, &k, &v,
                        range->standing == FSM_STANDING_ON ? MDB_NEXT : MDB_GET_CURRENT);
  if (rc && rc != MDB_NOTFOUND) return lmdb_fail(err, table_names[range->table], "cannot read the table", rc);
  *found = rc == 0;
  range->standing = *found ? FSM_STANDING_AHEAD : FSM_STANDING_END;
  if (*found &&
      k.mv_size > FSM_STORE_KEY_MAX) { /* nobody has room for it, and there is no going on behind it */
    *found = false;
    range->standing = FSM_STANDING_END;
    return fsm_fail(err, FSM_ECORRUPT, table_names[range->table], "a damaged page has a key of %zu bytes",
                    k.mv_size);
  }
  if (*found) show(&k, &v, row);
  return FSM_OK;
}

void fsm__store_cursor_release(fsm__range *range) {
  if (range->store->spare[range->table])
    mdb_cursor_close(range->cursor);
  else
    range->store->spare[range->table] = range->cursor;
  range->cursor = NULL;
}

/* ---- snapshots ---- */

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
  if (rc) code = lmdb_fail(err, base->dir.path, "cannot begin a snapshot", rc);
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
  code = meta_applied(reader->txn, reader->base->meta, applied, NULL, err);
  if (code)
    fsm__snapshot_close(reader);
  else
    *out = reader;
  return code;
}

fsm_code fsm__snapshot_leaf(fsm__snapshot_reader *reader, fsm__hash *leaf, fsm_error *err) {
  uint64_t applied = 0;
  return meta_applied(reader->txn, reader->base->meta, &applied, leaf, err);
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
  if (!rc) rc = cursor_seek(reader->cursor, key, key_len, strictly, &k, &v);
  reader->placed = true;
  reader->at_end = rc == MDB_NOTFOUND;
  return rc && rc != MDB_NOTFOUND ? lmdb_fail(err, table_names[table], "cannot read the table", rc) : FSM_OK;
}

fsm_code fsm__snapshot_next(fsm__snapshot_reader *reader, fsm__table table, fsm__row *row, bool *found,
                            fsm_error *err) {
  FSM_ASSERT(reader && table < FSM_TABLE_COUNT && row && found);
  *found = false;
  if (!reader->base->has[table]) return FSM_OK;
  MDB_val k, v;
  int rc = snapshot_step(reader, table, &k, &v);
  if (rc == MDB_NOTFOUND) return FSM_OK;
  if (rc) return lmdb_fail(err, table_names[table], "cannot read the table", rc);
  show(&k, &v, row);
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

#define DIGITS_OF(number) #number
#define DOTTED(a, b, c) DIGITS_OF(a) "." DIGITS_OF(b) "." DIGITS_OF(c)
const char *fsm__store_library(void) {
  return DOTTED(MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
}

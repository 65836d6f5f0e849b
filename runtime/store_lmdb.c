/* store_lmdb.c: LMDB as the store sees it: faults, sealed rows, writing, the store's own rows. */
#include "runtime/store_lmdb.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runtime/crc32c.h"

enum {
  CRC_BYTES = 4,
  META_TABLE = FSM_META_TABLE,
  APPLIED_BYTES = 8 + FSM_HASH_BYTES,
  PROBE_BYTES = 1 << 20
};
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

/* ---- faults ---- */

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

fsm_code fsm__lmdb_fail(fsm_error *err, const char *where, const char *what, int rc) {
  return fsm_fail(err, code_of(rc), where, "%s: %s", what, mdb_strerror(rc));
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

fsm_code fsm__commit_fail(fsm__store_base *base, int rc, const char *what, fsm_error *err) {
  if (rc == EIO && room_is_out(base->env)) rc = ENOSPC;
  return fsm__lmdb_fail(err, base->dir.path, what, rc);
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
  snprintf(where, sizeof where, "%s/%s", fsm__table_name(table), hex);
  return fsm_fail(err, FSM_ECORRUPT, where, "the checksum of a row of %u bytes is wrong", row->value_len);
}

void fsm__row_show(const MDB_val *key, const MDB_val *value, fsm__row *row) {
  *row = (fsm__row){.key = key->mv_data,
                    .value = value->mv_data,
                    .key_len = (uint32_t)key->mv_size,
                    .value_len = (uint32_t)value->mv_size};
}

/* ---- a write transaction: its first error sticks, so that it is written in straight lines ---- */

void fsm__writing_begin(fsm__writing *w, MDB_env *env) {
  *w = (fsm__writing){0};
  w->rc = mdb_txn_begin(env, NULL, 0, &w->txn);
}

void fsm__writing_open(fsm__writing *w, const char *name, MDB_dbi *dbi) {
  if (!w->rc) w->rc = mdb_dbi_open(w->txn, name, MDB_CREATE, dbi);
}

void fsm__writing_table(fsm__writing *w, MDB_dbi dbi) {
  if (w->cursor) mdb_cursor_close(w->cursor);
  w->cursor = NULL;
  if (!w->rc) w->rc = mdb_cursor_open(w->txn, dbi, &w->cursor);
}

void fsm__writing_row(fsm__writing *w, uint8_t table, const void *key, size_t key_len, const void *value,
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
void fsm__writing_delete(fsm__writing *w, const void *key, size_t key_len) {
  if (w->rc) return;
  MDB_val k = {key_len, (void *)(uintptr_t)key}, v;
  w->rc = mdb_cursor_get(w->cursor, &k, &v, MDB_SET);
  if (!w->rc) w->rc = mdb_cursor_del(w->cursor, 0);
  if (w->rc == MDB_NOTFOUND) w->rc = 0;
}

void fsm__writing_applied(fsm__writing *w, MDB_dbi meta, uint64_t seq, const fsm__hash *leaf) {
  uint8_t bytes[APPLIED_BYTES];
  uint64_t le = htole64(seq);
  memcpy(bytes, &le, sizeof le);
  memcpy(bytes + sizeof le, leaf->bytes, sizeof leaf->bytes);
  fsm__writing_table(w, meta);
  fsm__writing_row(w, META_TABLE, "applied", 7, bytes, sizeof bytes);
}

int fsm__writing_end(fsm__writing *w) {
  if (w->cursor) mdb_cursor_close(w->cursor);
  if (!w->txn) return w->rc;
  if (w->rc)
    mdb_txn_abort(w->txn);
  else
    w->rc = mdb_txn_commit(w->txn);
  return w->rc;
}

/* The first row at or (strictly) behind key. */
int fsm__cursor_seek(MDB_cursor *cursor, const void *key, size_t key_len, bool strictly, MDB_val *k,
                     MDB_val *v) {
  if (!key_len) return mdb_cursor_get(cursor, k, v, MDB_FIRST);
  *k = (MDB_val){key_len, (void *)(uintptr_t)key};
  int rc = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
  if (!rc && strictly && k->mv_size == key_len && !memcmp(k->mv_data, key, key_len))
    rc = mdb_cursor_get(cursor, k, v, MDB_NEXT);
  return rc;
}

/* ---- what the store says of itself ---- */

fsm_code fsm__meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, void *out, size_t len, fsm_error *err) {
  MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v;
  int rc = mdb_get(txn, meta, &k, &v);
  if (rc && rc != MDB_NOTFOUND) return fsm__lmdb_fail(err, name, "cannot read the store's own row", rc);
  fsm__row row = {0};
  if (!rc) fsm__row_show(&k, &v, &row);
  if (rc || !unseal(META_TABLE, &row) || row.value_len != len)
    return fsm_fail(err, FSM_ECORRUPT, name, "the store's own row is %s", rc ? "missing" : "damaged");
  memcpy(out, row.value, len);
  return FSM_OK;
}

fsm_code fsm__meta_format(MDB_txn *txn, MDB_dbi meta, const char *path, fsm_error *err) {
  uint32_t format;
  fsm_code code = fsm__meta_get(txn, meta, "format", &format, sizeof format, err);
  if (code) return code;
  format = le32toh(format);
  if (format == FSM_STORE_FORMAT) return FSM_OK;
  return fsm_fail(err, FSM_EVERSION, path, "the store has format %u, this program knows format %d: %s",
                  format, FSM_STORE_FORMAT,
                  format < FSM_STORE_FORMAT ? "make it anew from the journal with fsm-cli db rebuild"
                                            : "use the newer program that wrote it");
}

fsm_code fsm__meta_applied(MDB_txn *txn, MDB_dbi meta, uint64_t *seq, fsm__hash *leaf, fsm_error *err) {
  uint8_t bytes[APPLIED_BYTES];
  fsm_code code = fsm__meta_get(txn, meta, "applied", bytes, sizeof bytes, err);
  if (code) return code;
  memcpy(seq, bytes, sizeof *seq);
  *seq = le64toh(*seq);
  if (leaf) memcpy(leaf->bytes, bytes + sizeof *seq, sizeof leaf->bytes);
  return FSM_OK;
}

#define DIGITS_OF(number) #number
#define DOTTED(a, b, c) DIGITS_OF(a) "." DIGITS_OF(b) "." DIGITS_OF(c)
const char *fsm__store_library(void) {
  return DOTTED(MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
}

/* bench_lmdb.c: what fsmd does not do: one LMDB commit per transition, of the same write set: the
 * instance's row, its state index (one row out, one in) and the record. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"

enum { INSTANCES = 10000, ROW_BYTES = 300, RECORD_BYTES = 560, INDEX_KEY = 24 };

typedef struct tables {
  MDB_env *env;
  MDB_dbi rows, index, log;
} tables;

static void must(int rc, const char *what) {
  if (rc != 0) give_up("%s: %s", what, mdb_strerror(rc));
}

static void put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_len, const void *value, size_t len) {
  MDB_val k = {key_len, (void *)key}, v = {len, (void *)value};
  must(mdb_put(txn, dbi, &k, &v, 0), "put");
}

static void big_endian(uint64_t u, uint8_t out[8]) {
  for (int i = 0; i < 8; i++) out[i] = (uint8_t)(u >> (56 - 8 * i));
}

static void index_key(uint64_t since, uint64_t instance, uint8_t out[INDEX_KEY]) {
  memset(out, 1, 8);
  big_endian(since, out + 8);
  big_endian(instance, out + 16);
}

static tables fill(const char *dir) {
  static const uint8_t row[ROW_BYTES];
  tables t;
  MDB_txn *txn = NULL;
  must(mdb_env_create(&t.env), "create");
  must(mdb_env_set_maxdbs(t.env, 3), "maxdbs");
  must(mdb_env_set_mapsize(t.env, (size_t)4 << 30), "mapsize");
  must(mdb_env_open(t.env, dir, 0, 0600), "open");
  must(mdb_txn_begin(t.env, NULL, 0, &txn), "begin");
  must(mdb_dbi_open(txn, "rows", MDB_CREATE, &t.rows), "rows");
  must(mdb_dbi_open(txn, "index", MDB_CREATE, &t.index), "index");
  must(mdb_dbi_open(txn, "log", MDB_CREATE, &t.log), "log");
  for (uint64_t i = 0; i < INSTANCES; i++) {
    uint8_t key[8], at[INDEX_KEY];
    big_endian(i, key);
    index_key(0, i, at);
    put(txn, t.rows, key, sizeof key, row, sizeof row);
    put(txn, t.index, at, sizeof at, "", 0);
  }
  must(mdb_txn_commit(txn), "commit");
  return t;
}

static void transition(tables *t, uint64_t *since, uint64_t instance, uint64_t seq) {
  static uint8_t row[ROW_BYTES], record[RECORD_BYTES];
  uint8_t key[8], at[INDEX_KEY];
  MDB_txn *txn = NULL;
  must(mdb_txn_begin(t->env, NULL, 0, &txn), "begin");
  index_key(*since, instance, at);
  MDB_val old = {sizeof at, at};
  must(mdb_del(txn, t->index, &old, NULL), "delete");
  *since = seq;
  index_key(seq, instance, at);
  put(txn, t->index, at, sizeof at, "", 0);
  big_endian(instance, key);
  row[0]++;
  put(txn, t->rows, key, sizeof key, row, sizeof row);
  big_endian(seq, key);
  put(txn, t->log, key, sizeof key, record, sizeof record);
  must(mdb_txn_commit(txn), "commit");
}

sample lmdb_per_commit(const char *dir, double seconds) {
  static uint64_t since[INSTANCES];
  char path[600];
  snprintf(path, sizeof path, "%s/lmdb", dir);
  if (mkdir(path, 0700) != 0) give_up("%s cannot be made", path);
  memset(since, 0, sizeof since);
  tables t = fill(path);
  uint64_t seq = 0;
  double begin = now_s(), end = begin;
  for (; end - begin < seconds; end = now_s()) {
    seq++;
    transition(&t, &since[seq * 7919 % INSTANCES], seq * 7919 % INSTANCES, seq);
  }
  mdb_env_close(t.env);
  return (sample){.value = (double)seq / (end - begin),
                  .raw = raw_overwrite(dir, ROW_BYTES + RECORD_BYTES, seconds / 2)};
}

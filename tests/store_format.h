/* store_format.h: the format of a closed store, rewritten behind its back with a good checksum. */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/crc32c.h"

static inline void store_format_write(const char *dir, uint32_t format) {
  uint8_t table = 0xff, value[8] = {(uint8_t)format, (uint8_t)(format >> 8)};
  uint32_t crc = fsm__crc32c(fsm__crc32c(fsm__crc32c(0, &table, 1), "format", 6), value, 4);
  for (int i = 0; i < 4; i++) value[4 + i] = (uint8_t)(crc >> (8 * i));
  MDB_env *env;
  MDB_txn *txn;
  MDB_dbi meta;
  MDB_val k = {6, (char[]){"format"}}, v = {8, value};
  assert_int_equal(mdb_env_create(&env), 0);
  assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
  assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
  assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
  assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
  assert_int_equal(mdb_put(txn, meta, &k, &v, 0), 0);
  assert_int_equal(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

#endif

/* store_round.c: a frozen generation into LMDB, in one transaction. */
#include "runtime/store_lmdb.h"

static void write_overlay(fsm__writing *w, const fsm__store_base *base, unsigned table) {
  fsm__row row;
  fsm__row_walk walk = {.leaf = NULL};
  bool opened = false;
  while (!w->rc && fsm__overlay_walk(base->applying->rows, table, &walk, &row)) {
    if (row.deleted && row.own) continue; /* it came and went: LMDB never had it */
    if (!opened) fsm__writing_table(w, base->dbi[table]);
    opened = true;
    if (row.deleted)
      fsm__writing_delete(w, row.key, row.key_len);
    else
      fsm__writing_row(w, (uint8_t)table, row.key, row.key_len, row.value, row.value_len);
  }
}

/* Nothing of the owner's is touched here: it is told, and it decides. */
static fsm_code round_fail(fsm__store_base *base, int rc, bool *map_full, fsm_error *err) {
  *map_full = rc == MDB_MAP_FULL;
  return fsm__commit_fail(base, rc, "cannot commit a round", err);
}

fsm_code fsm__store_apply(fsm__store *store, bool *map_full, fsm_error *err) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(base->applying && !base->committed);
  *map_full = false;
  fsm__writing w;
  fsm__writing_begin(&w, base->env);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) write_overlay(&w, base, t);
  fsm__writing_applied(&w, base->meta, base->freeze_seq, &base->freeze_leaf);
  int rc = fsm__writing_end(&w);
  if (rc) return round_fail(base, rc, map_full, err);
  pthread_mutex_lock(&base->lock);
  base->applied = base->freeze_seq;
  base->leaf = base->freeze_leaf;
  base->committed = true;
  pthread_mutex_unlock(&base->lock);
  return FSM_OK;
}

/* apply_purge.c: an instance that has ended: until when it is kept, and how its rows go.
 *
 * A purged record whose detail has `next` is a part: so many rows are gone, and the rest is due then. The
 * last one takes the instance's own row and all that points to it. */
#include <string.h>

#include "runtime/apply_impl.h"

#define PURGE_ID "keep" /* behind the kind in the due row's key */

static bool time_of(const fsm_value *map, const char *key, int64_t *out) {
  const fsm_value *value = fsm_map_get(map, key);
  if (value == NULL || !fsm_is(value, FSM_INT) || value->i < 0) return false;
  *out = value->i;
  return true;
}

static void due_put(fsm__store *store, uint64_t number, int64_t ns) {
  const fsm__key key = fsm__key_due(ns, number, 'p', PURGE_ID);
  fsm__store_put(store, FSM_T_DUE, key.bytes, key.len, "", 0);
}

void fsm__apply_keep(fsm__store *store, const fsm__instance *in, const fsm_record *record) {
  int64_t until_ns;
  if (time_of(&record->detail, "keep_until", &until_ns)) due_put(store, in->number, until_ns);
}

/* The first rows of the instance but its own. */
static fsm_code drop_rows(fsm__store *store, uint64_t number, int64_t rows, fsm_error *err) {
  fsm__key prefix = {.len = 0};
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code = FSM_OK;
  fsm__key_u64(&prefix, number);
  fsm__range_open(&range, store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (rows > 0 && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    if (row.key_len == 9 && ((const char *)row.key)[8] == 's') continue;
    fsm__key key = {.len = 0};
    fsm__key_add(&key, row.key, row.key_len);
    fsm__store_delete(store, FSM_T_INSTANCES, key.bytes, key.len);
    rows--;
  }
  fsm__range_close(&range);
  return code;
}

/* What a repeated command finds by the business key, if it is this instance. */
static fsm_code drop_ended(fsm__store *store, const fsm__instance *in, fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  if (in->key == NULL) return FSM_OK;
  const fsm__key last = fsm__key_ended(in->deployed->number, in->key);
  fsm_code code = fsm__store_get(store, FSM_T_KEYS, last.bytes, last.len, &value, &len, err);
  if (code != FSM_OK) return code == FSM_ENOTFOUND ? FSM_OK : code;
  if (len == 8 && fsm__key_read_u64(value) == in->number)
    fsm__store_delete(store, FSM_T_KEYS, last.bytes, last.len);
  return FSM_OK;
}

fsm_code fsm__apply_purge(fsm__store *store, fsm__instance *in, const fsm_record *record, bool *gone,
                          fsm_error *err) {
  int64_t due_ns, rows, next_ns;
  const bool part = time_of(&record->detail, "next", &next_ns);
  if (!time_of(&record->detail, "due", &due_ns) || !time_of(&record->detail, "rows", &rows) ||
      rows > FSM_PURGE_ROWS_MAX)
    return fsm__apply_bad(record, "does not say what is purged", NULL, err);
  if (fsm__status_open(in->status))
    return fsm__apply_bad(record, "is of an instance that is", fsm__status_name(in->status), err);
  const fsm__key due = fsm__key_due(due_ns, in->number, 'p', PURGE_ID);
  fsm__store_delete(store, FSM_T_DUE, due.bytes, due.len);
  fsm_code code = drop_rows(store, in->number, rows, err);
  *gone = !part;
  if (part) due_put(store, in->number, next_ns);
  if (code != FSM_OK || part) return code;
  fsm__apply_unindex(store, in);
  const fsm__key row = fsm__key_instance(in->number, 's', NULL, 0);
  fsm__store_delete(store, FSM_T_INSTANCES, row.bytes, row.len);
  fsm__store_delete(store, FSM_T_IDS, in->id, strlen(in->id));
  return drop_ended(store, in, err);
}

/* verify_store.c: a store against a replay of its journal, chunk by chunk. See verify.h. */
#include "runtime/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/chunk.h"
#include "runtime/scratch.h"
#include "runtime/snapshot.h"

static fsm_code differs(fsm__table table, const fsm__row *row, const char *how, fsm_error *err) {
  char hex[2 * 48 + 1], where[FSM_WHERE_MAX];
  fsm__hex(row->key, row->key_len < 48 ? row->key_len : 48, hex);
  snprintf(where, sizeof where, "store: %s: %s", fsm__table_name(table), hex);
  return fsm_fail(err, FSM_EVERIFY, where, "%s", how);
}

/* The next row of the replay that is in the range of the chunk. */
static fsm_code next_of_replay(fsm__range *range, const fsm__chunk *chunk, fsm__row *row, bool *found,
                               fsm_error *err) {
  fsm_code code = fsm__range_next(range, row, found, err);
  if (code == FSM_OK && *found && !chunk->last)
    *found = fsm__keys_compare(row->key, row->key_len, chunk->next, chunk->next_len) < 0;
  return code;
}

static fsm_code compare_rows(const fsm__chunk *chunk, fsm__range *range, uint64_t *rows, fsm_error *err) {
  const uint8_t *at = (const uint8_t *)chunk->rows.data, *end = at + chunk->rows.len;
  for (;;) {
    fsm__row ours, theirs;
    bool want = false, have = fsm__chunk_row(&at, end, &ours);
    fsm_code code = next_of_replay(range, chunk, &theirs, &want, err);
    if (code != FSM_OK) return code;
    if (!have && !want) return FSM_OK;
    if (!have)
      return differs(chunk->table, &theirs, "the journal gives a row that the store does not have", err);
    if (!want) return differs(chunk->table, &ours, "the store has a row that the journal does not give", err);
    if (fsm__keys_compare(ours.key, ours.key_len, theirs.key, theirs.key_len) != 0)
      return differs(chunk->table, &ours, "the store and a replay of the journal have different keys here",
                     err);
    if (fsm__keys_compare(ours.value, ours.value_len, theirs.value, theirs.value_len) != 0)
      return differs(chunk->table, &ours, "the store and a replay of the journal have different values here",
                     err);
    (*rows)++;
  }
}

/* The store keeps the leaf of the record it is at: it vouches for the last link of the chain, which no later
 * record does. */
static fsm_code compare_leaf(const fsm__chunk *chunk, const fsm__scratch *scratch, fsm_error *err) {
  if (chunk->seq != scratch->position.seq)
    return fsm_fail(err, FSM_EVERIFY, "store", "it is at seq %llu, before the snapshot at seq %llu",
                    (unsigned long long)chunk->seq, (unsigned long long)scratch->position.seq);
  if (chunk->seq == 0 || memcmp(&chunk->leaf, &scratch->position.leaf, sizeof chunk->leaf) == 0)
    return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, "journal", "record %llu is not the one that the store was made from",
                  (unsigned long long)chunk->seq);
}

static fsm_code compare_chunk(fsm__chunk *chunk, fsm__scratch *scratch, fsm__journal *journal,
                              fsm__compared *out, fsm_error *err) {
  fsm__range range;
  fsm_code code = fsm__scratch_replay(scratch, journal, chunk->seq, err);
  if (code == FSM_OK) code = compare_leaf(chunk, scratch, err);
  if (code != FSM_OK) return code;
  fsm__range_open(&range, scratch->store, chunk->table, NULL, 0);
  fsm__range_from(&range, chunk->from, chunk->from_len);
  code = compare_rows(chunk, &range, &out->rows, err);
  fsm__range_close(&range);
  out->seq = chunk->seq;
  return code;
}

static fsm_code compare_all(fsm__store *store, fsm__journal *journal, fsm__scratch *scratch,
                            const _Atomic bool *stop, fsm__compared *out, fsm_error *err) {
  fsm__chunk chunk = {.count = 0};
  fsm_code code = FSM_OK;
  for (unsigned t = 0; code == FSM_OK && t < FSM_TABLE_COUNT; t++)
    for (fsm__chunk_start(&chunk, (fsm__table)t); code == FSM_OK && !chunk.last;) {
      if (stop != NULL && atomic_load(stop))
        code = fsm_fail(err, FSM_ECLOSED, "store", "the comparison was not finished");
      if (code == FSM_OK) code = fsm__chunk_read(store, &chunk, FSM_CHUNK_BYTES, err);
      if (code == FSM_OK) code = compare_chunk(&chunk, scratch, journal, out, err);
    }
  fsm__chunk_free(&chunk);
  return code;
}

fsm_code fsm__verify_store(fsm__store *store, fsm__journal *journal, const char *base,
                           const _Atomic bool *stop, fsm__compared *out, fsm_error *err) {
  uint8_t id[16];
  *out = (fsm__compared){.rows = 0};
  fsm__scratch *scratch = calloc(1, sizeof *scratch);
  if (scratch == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to verify the store");
  fsm__store_id(store, id);
  const uint64_t applied = fsm__store_applied(store, NULL);
  fsm_code code = fsm__scratch_open(scratch, id, base, journal, err);
  out->base_seq = scratch->position.seq;
  /* The bulk of it before the first chunk is read: what is left to replay for a chunk is little then. */
  if (code == FSM_OK) code = fsm__scratch_replay(scratch, journal, applied, err);
  if (code == FSM_OK) code = compare_all(store, journal, scratch, stop, out, err);
  fsm__scratch_close(scratch);
  free(scratch);
  return code;
}

fsm_code fsm__verify_base(const char *dir, fsm__journal *journal, uint64_t applied, fsm__path *out,
                          fsm_error *err) {
  const uint64_t first = fsm__journal_first_seq(journal);
  out->text[0] = '\0';
  if (first <= 1) return FSM_OK;
  fsm__snapshot_info *list = NULL;
  size_t count = 0, i = 0;
  fsm_code code = fsm__snapshot_list(dir, &list, &count, NULL, err);
  while (i < count && (list[i].to_seq > applied || !fsm__snapshot_fits(&list[i], journal))) i++;
  if (code == FSM_OK && i == count)
    code = fsm_fail(err, FSM_EVERIFY, dir,
                    "the journal is kept from seq %llu on, and no snapshot is there that it goes on from",
                    (unsigned long long)first);
  if (code == FSM_OK) code = fsm__snapshot_path(dir, list[i].from_seq, out, err);
  free(list);
  return code;
}

/* chunk.c: see chunk.h. */
#include "runtime/chunk.h"

#include <string.h>

enum { INSTANCE_PREFIX = 8 };

void fsm__chunk_start(fsm__chunk *chunk, fsm__table table) {
  fsm_buf rows = chunk->rows;
  *chunk = (fsm__chunk){.table = table, .rows = rows};
  fsm_buf_reset(&chunk->rows);
}

void fsm__chunk_free(fsm__chunk *chunk) { fsm_buf_free(&chunk->rows); }

static void row_add(fsm_buf *rows, const fsm__row *row) {
  const uint8_t head[FSM_ROW_HEAD] = {(uint8_t)row->key_len,           (uint8_t)(row->key_len >> 8),
                                      (uint8_t)row->value_len,         (uint8_t)(row->value_len >> 8),
                                      (uint8_t)(row->value_len >> 16), (uint8_t)(row->value_len >> 24)};
  fsm_buf_add(rows, head, sizeof head);
  fsm_buf_add(rows, row->key, row->key_len);
  fsm_buf_add(rows, row->value, row->value_len);
}

bool fsm__chunk_row(const uint8_t **at, const uint8_t *end, fsm__row *row) {
  const uint8_t *b = *at;
  if (end - b < FSM_ROW_HEAD) return false;
  uint32_t key_len = (uint32_t)(b[0] | b[1] << 8);
  uint32_t value_len = b[2] | (uint32_t)b[3] << 8 | (uint32_t)b[4] << 16 | (uint32_t)b[5] << 24;
  if (key_len == 0 || key_len > FSM_STORE_KEY_MAX || value_len > FSM_STORE_VALUE_MAX) return false;
  if ((uint64_t)(end - b) < (uint64_t)FSM_ROW_HEAD + key_len + value_len) return false;
  *row = (fsm__row){.key = b + FSM_ROW_HEAD,
                    .key_len = key_len,
                    .value = b + FSM_ROW_HEAD + key_len,
                    .value_len = value_len};
  *at = b + FSM_ROW_HEAD + key_len + value_len;
  return true;
}

/* Where the chunk after a row begins: behind its instance, or behind the row alone. */
static void set_next(fsm__chunk *chunk, const fsm__row *row) {
  if (chunk->table == FSM_T_INSTANCES && row->key_len >= INSTANCE_PREFIX) {
    memcpy(chunk->next, row->key, INSTANCE_PREFIX);
    chunk->next_len = INSTANCE_PREFIX;
    for (unsigned i = INSTANCE_PREFIX; i-- > 0 && ++chunk->next[i] == 0;) continue; /* number + 1 */
    return;
  }
  memcpy(chunk->next, row->key, row->key_len);
  chunk->next[row->key_len] = 0;
  chunk->next_len = row->key_len + 1;
}

/* May a chunk end behind this row? Of a longest key no key follows at once that could be named. */
static bool may_end(const fsm__chunk *chunk, const fsm__row *row, const fsm__row *following) {
  if (chunk->table != FSM_T_INSTANCES) return row->key_len < FSM_STORE_KEY_MAX;
  return row->key_len >= INSTANCE_PREFIX && following->key_len >= INSTANCE_PREFIX &&
         memcmp(row->key, following->key, INSTANCE_PREFIX) != 0;
}

static fsm_code fill(fsm__snapshot_reader *reader, fsm__chunk *chunk, size_t bytes, fsm_error *err) {
  fsm__row row, before = {.key_len = 0};
  bool found = false;
  fsm_buf_reset(&chunk->rows);
  chunk->count = 0;
  for (;;) {
    fsm_code code = fsm__snapshot_next(reader, chunk->table, &row, &found, err);
    if (code != FSM_OK) return code;
    if (!found) break;
    if (chunk->rows.len >= bytes && may_end(chunk, &before, &row)) {
      set_next(chunk, &before);
      return FSM_OK;
    }
    row_add(&chunk->rows, &row);
    if (!fsm_buf_ok(&chunk->rows)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a chunk of rows");
    chunk->count++;
    before = row; /* LMDB's pages stay as they are while the transaction is open */
  }
  chunk->last = true;
  return FSM_OK;
}

fsm_code fsm__chunk_read(fsm__store *store, fsm__chunk *chunk, size_t bytes, fsm_error *err) {
  FSM_ASSERT(!chunk->last && bytes > 0);
  fsm__snapshot_reader *reader = NULL;
  fsm_code code = fsm__store_snapshot(store, &reader, &chunk->seq, err);
  if (code != FSM_OK) return code;
  memcpy(chunk->from, chunk->next, chunk->next_len);
  chunk->from_len = chunk->next_len;
  code = fsm__snapshot_leaf(reader, &chunk->leaf, err);
  if (code == FSM_OK)
    code = fsm__snapshot_seek(reader, chunk->table, chunk->from, chunk->from_len, false, err);
  if (code == FSM_OK) code = fill(reader, chunk, bytes, err);
  fsm__snapshot_close(reader);
  return code;
}

fsm_code fsm__chunk_table(fsm__snapshot_reader *reader, uint64_t applied, fsm__chunk *chunk, fsm_error *err) {
  fsm_code code = fsm__snapshot_leaf(reader, &chunk->leaf, err);
  chunk->seq = applied;
  return code == FSM_OK ? fill(reader, chunk, SIZE_MAX, err) : code;
}

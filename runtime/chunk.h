/* chunk.h: a run of rows of one table, copied out of the store in one short read transaction.
 *
 * The transaction is over when the call returns, so a chunk can be written to disk, compared or waited over
 * at leisure while rounds go on: no reader stays open, the file of the store does not grow for it. A chunk
 * knows the applied seq at which its rows were so. The rows of one instance are never split between two
 * chunks.
 */
#ifndef FSM_RUNTIME_CHUNK_H
#define FSM_RUNTIME_CHUNK_H

#include "runtime/store.h"

enum {
  FSM_CHUNK_BYTES = 1024 * 1024, /* as many, and then to the end of an instance */
  FSM_ROW_HEAD = 6               /* u16 key length, u32 value length, little endian, before key and value */
};

typedef struct fsm__chunk {
  fsm__table table;
  uint64_t seq; /* applied, of the transaction */
  fsm__hash leaf;
  fsm_buf rows; /* FSM_ROW_HEAD ‖ key ‖ value each */
  uint32_t count;
  bool last;                                                /* the table ends here */
  uint8_t from[FSM_STORE_KEY_MAX], next[FSM_STORE_KEY_MAX]; /* where it begins, and the one after it */
  size_t from_len, next_len;
} fsm__chunk;

/* A zeroed chunk is fine; its buffer is used again. Starts at the table's first row. */
void fsm__chunk_start(fsm__chunk *chunk, fsm__table table);
/* The next chunk, from `next` on. FSM_ECORRUPT names a damaged row. */
FSM_MUST_USE fsm_code fsm__chunk_read(fsm__store *store, fsm__chunk *chunk, size_t bytes, fsm_error *err);
/* The same within an open transaction, the whole table. */
FSM_MUST_USE fsm_code fsm__chunk_table(fsm__snapshot_reader *reader, uint64_t applied, fsm__chunk *chunk,
                                       fsm_error *err);
void fsm__chunk_free(fsm__chunk *chunk);

/* Goes through rows as they are in a chunk; false at the end and at what is malformed (*at is then not at
 * the end). */
bool fsm__chunk_row(const uint8_t **at, const uint8_t *end, fsm__row *row);

#endif

/* snapshot_impl.h: the bytes of a snapshot's file, for the files of the snapshot and their tests. */
#ifndef FSM_RUNTIME_SNAPSHOT_IMPL_H
#define FSM_RUNTIME_SNAPSHOT_IMPL_H

#include "runtime/chunk.h"
#include "runtime/snapshot.h"

enum {
  FSM__SNAPSHOT_HEAD = 96,
  FSM__BLOCK_HEAD = 40,
  FSM__SNAPSHOT_FOOT = 104,
  FSM__BLOCK_BYTES = 1024 * 1024, /* a block ends behind the row that reaches this */
  FSM__BLOCK_CONTINUED = 1,
  FSM__BLOCK_CLOSING = 2
};

typedef struct fsm__block_head {
  uint32_t table, count, from_len, length; /* length: of the payload, `from` and the rows */
  uint64_t seq;
  bool continued, closing;
} fsm__block_head;

typedef enum fsm__part { FSM__PART_BLOCK, FSM__PART_FOOT, FSM__PART_NONE } fsm__part;

void fsm__snapshot_head_encode(const fsm__snapshot_info *info, uint8_t out[FSM__SNAPSHOT_HEAD]);
/* FSM_EVERSION, FSM_ECORRUPT. */
FSM_MUST_USE fsm_code fsm__snapshot_head_decode(const uint8_t data[FSM__SNAPSHOT_HEAD], const char *path,
                                                fsm__snapshot_info *out, fsm_error *err);
/* The payload is given for its checksum. */
void fsm__block_encode(const fsm__block_head *head, const void *from, const void *rows, size_t rows_len,
                       uint8_t out[FSM__BLOCK_HEAD]);
/* What begins with these bytes; a block's head, not yet its checksum. */
fsm__part fsm__block_decode(const uint8_t data[FSM__BLOCK_HEAD], fsm__block_head *out);
bool fsm__block_intact(const uint8_t head[FSM__BLOCK_HEAD], const void *payload, size_t len);
/* info->hash is of all bytes before the footer. */
void fsm__snapshot_foot_encode(const fsm__snapshot_info *info, uint8_t out[FSM__SNAPSHOT_FOOT]);
bool fsm__snapshot_foot_decode(const uint8_t data[FSM__SNAPSHOT_FOOT], fsm__snapshot_info *out);

/* Which tables are copied whole at A, in chunks, or not at all. */
typedef enum fsm__copied { FSM__COPIED_AT_A, FSM__COPIED_IN_CHUNKS, FSM__COPIED_NOT } fsm__copied;
fsm__copied fsm__snapshot_copies(fsm__table table);

/* manifest */
FSM_MUST_USE fsm_code fsm__snapshot_manifest_save(const char *path, const fsm__snapshot_info *info,
                                                  fsm_error *err);

#endif

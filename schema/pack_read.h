/* pack_read.h: canonical msgpack, one item at a time.
 *
 * A token is the head of one item: a whole scalar, string or extension, or the count of a list or map
 * whose items follow. Each token is checked for canonical form where it is read, so whoever reads
 * tokens to the end has read canonical bytes (but for the order of map keys, which its reader checks).
 */
#ifndef FSM_SCHEMA_PACK_READ_H
#define FSM_SCHEMA_PACK_READ_H

#include "schema/pack.h"

typedef struct fsm__reader {
  const uint8_t *start, *at, *end;
} fsm__reader;

static inline fsm__reader fsm__reader_of(const void *data, size_t len) {
  const uint8_t *bytes = data;
  return (fsm__reader){bytes, bytes, bytes + len};
}

/* A list or map comes back with its count in len and no items. NULL, or what is wrong; the reader then
 * stands at the faulty item. */
const char *fsm__read_token(fsm__reader *reader, fsm_value *out);
/* A token that is a number from 0 on, as keys of records are; false: it is another one. */
static inline bool fsm__read_key(fsm__reader *reader, uint64_t *out) {
  fsm_value token;
  if (reader->at < reader->end && *reader->at < 0x80) {
    *out = *reader->at++;
    return true;
  }
  if (fsm__read_token(reader, &token) != NULL || token.type != FSM_INT || token.i < 0) return false;
  *out = (uint64_t)token.i;
  return true;
}
/* Checks one whole item, at most depth levels deep, and leaves the reader behind it; takes no memory. */
const char *fsm__read_scan(fsm__reader *reader, unsigned depth);
/* Leaves the reader behind one item of bytes that are known to be whole (their checksum was read), at any
 * depth: only lengths are looked at. False: it ends inside the item. */
bool fsm__read_skip(fsm__reader *reader);
/* Scans one item, then builds it; strings and bytes point into the data. */
fsm_code fsm__read_value(fsm__reader *reader, fsm_arena *arena, fsm_value *out, fsm_error *err);

/* A document whose maps keep the order they were written in, at most FSM__DOCUMENT_DEPTH_MAX deep: equal to
 * fsm_pack but for that. Nobody reads it back: it is hashed, and the text is what is kept. */
enum { FSM__DOCUMENT_DEPTH_MAX = 256 };
fsm_code fsm__pack_document(fsm_buf *buf, const fsm_value *value, fsm_error *err);

#endif

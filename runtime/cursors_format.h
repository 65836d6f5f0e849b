/* cursors_format.h: a cursor as the bytes of its file, for the files of the cursors and their tests. */
#ifndef FSM_RUNTIME_CURSORS_FORMAT_H
#define FSM_RUNTIME_CURSORS_FORMAT_H

#include "runtime/cursors.h"

enum {
  FSM__CURSOR_MAGIC = 8,
  FSM__CURSOR_NAME = FSM_SINK_NAME_MAX + 1,
  FSM__CURSOR_BYTES = FSM__CURSOR_MAGIC + FSM__CURSOR_NAME + 4 + 8 + FSM_HASH_BYTES + 8 * 8 + 4 + 4
};
_Static_assert(FSM__CURSOR_NAME == 32, "the name field is part of the format");

void fsm__cursor_encode(const fsm__cursor *cursor, uint8_t out[FSM__CURSOR_BYTES]);
/* false: damaged, or of no form that encode makes. */
bool fsm__cursor_decode(const uint8_t *data, size_t len, fsm__cursor *out);

/* Little endian; *at goes on. Also of the old file. */
uint64_t fsm__cursor_take(const uint8_t **at, unsigned bytes);
/* A name and zeroes behind it: one spelling only. */
bool fsm__cursor_take_name(const uint8_t **at, char out[FSM__CURSOR_NAME]);

#endif

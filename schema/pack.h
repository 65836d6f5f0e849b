/* pack.h: canonical msgpack in and out of fsm values. The one wrapper of msgpack-c.
 *
 * Canonical: map keys ascending and unique, integers and lengths in their shortest form (a
 * non-negative INT and the equal UINT have the same bytes and read back as INT when they fit),
 * doubles as float 64 and finite, valid UTF-8 strings. Timestamps are ext type -1 (msgpack's own);
 * durations ext type 1 (int64 seconds, int32 nanoseconds, big endian). Decoding pre-scans the bytes against
 * its limits before any memory is taken (a five-byte input can ask msgpack-c for gigabytes), and
 * refuses what is not canonical. msgpack-c writes; reading is our own (pack_read.c says why).
 */
#ifndef FSM_SCHEMA_PACK_H
#define FSM_SCHEMA_PACK_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FSM_PACK_DEPTH_MAX = 64, FSM_PACK_BYTES_MAX = 1024 * 1024 };

/* Appends; buf->failed tells of memory. A value that cannot be canonical (NaN, bad UTF-8, too deep) is
 * FSM_EARGUMENT or FSM_ETOOLARGE and leaves buf as it was. */
FSM_API FSM_MUST_USE fsm_code fsm_pack(fsm_buf *buf, const fsm_value *value, fsm_error *err);
/* Exactly one value in exactly len bytes. Strings, bytes and maps of *out point into arena or data.
 * err->where is "byte N". */
FSM_API FSM_MUST_USE fsm_code fsm_unpack(fsm_arena *arena, const void *data, size_t len, fsm_value *out,
                                         fsm_error *err);

/* Straight-line writers for records and rows, which know their shape. */
FSM_API void fsm_pack_map(fsm_buf *buf, uint32_t count);
FSM_API void fsm_pack_list(fsm_buf *buf, uint32_t count);
FSM_API void fsm_pack_uint(fsm_buf *buf, uint64_t u);
FSM_API void fsm_pack_int(fsm_buf *buf, int64_t i);
FSM_API void fsm_pack_bool(fsm_buf *buf, bool b);
FSM_API void fsm_pack_null(fsm_buf *buf);
FSM_API void fsm_pack_text(fsm_buf *buf, const char *text, size_t len);
FSM_API void fsm_pack_bytes(fsm_buf *buf, const void *data, size_t len);

/* The version of msgpack-c, for --version. */
FSM_API const char *fsm_pack_library(void);

#ifdef __cplusplus
}
#endif
#endif

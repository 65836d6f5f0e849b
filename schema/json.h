/* json.h: JSON text (RFC 8259) in and out of fsm values. The one wrapper of jansson.
 *
 * Caveats: 1 and 1.0 are different values (int and double). The escape \u0000 is refused, in keys and
 * in strings. Written 64-bit integers above 2^53 read back as strings.
 */
#ifndef FSM_SCHEMA_JSON_H
#define FSM_SCHEMA_JSON_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_JSON_DEPTH_MAX = 64,
  FSM_JSON_BYTES_MAX = 4 * 1024 * 1024 /* of any text; callers have smaller limits of their own */
};

typedef enum fsm_json_order {
  FSM_JSON_SORTED,    /* data: maps sorted by key */
  FSM_JSON_AS_WRITTEN /* documents: members in their order; read them with fsm_doc_get */
} fsm_json_order;

/* One JSON text of any type, nothing behind it. Refused with err->where "line:column": bad syntax,
 * bad UTF-8, a key twice, NUL (FSM_EMALFORMED), nesting over the limit (FSM_ETOOLARGE), numbers outside
 * double. Integers become int, those outside int64 the nearest double. */
FSM_API FSM_MUST_USE fsm_code fsm_json_parse(fsm_arena *arena, const char *text, size_t len,
                                             fsm_json_order order, fsm_value *out, fsm_error *err);

/* The same with another limit of nesting than FSM_JSON_DEPTH_MAX, at most 1,000. */
FSM_API FSM_MUST_USE fsm_code fsm_json_parse_deep(fsm_arena *arena, const char *text, size_t len,
                                                  fsm_json_order order, unsigned depth, fsm_value *out,
                                                  fsm_error *err);

/* Appends compact JSON. The fewest of 15, 16 or 17 digits that read back the same double; a double always
 * shows a point or an exponent. 64-bit integers above 2^53 are strings; bytes are lower-case hex strings;
 * timestamps RFC 3339; durations "1.5s"; NaN and infinities null. Map keys that are not strings are printed
 * as their JSON text. */
FSM_API void fsm_json_write(fsm_buf *buf, const fsm_value *value);
/* The same, indented by two spaces. */
FSM_API void fsm_json_write_pretty(fsm_buf *buf, const fsm_value *value);
/* A JSON string literal with its quotes. Control characters and invalid UTF-8 are escaped. */
FSM_API void fsm_json_quote(fsm_buf *buf, const char *text, size_t len);

/* RFC 3339 in UTC with the fewest of 0, 3, 6, 9 fraction digits; out holds at least 36 bytes. */
FSM_API void fsm_time_format(int64_t ns, char *out, size_t size);
/* "90s", "10m", "1h30m", "2d", "500ms" → nanoseconds; FSM_EARGUMENT names the text. */
FSM_API FSM_MUST_USE fsm_code fsm_duration_parse(const char *text, int64_t *ns, fsm_error *err);
/* The two largest units: "3d4h", "12m5s", "850ms", "0s". */
FSM_API void fsm_duration_format(int64_t ns, char *out, size_t size);

/* The version of jansson, for --version. */
FSM_API const char *fsm_json_library(void);

#ifdef __cplusplus
}
#endif
#endif

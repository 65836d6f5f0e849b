/* manifest.h: a small text file that says what a directory holds: lines `name value`, the last one the
 * SHA-256 of those before it. Read by people, checked by programs: any changed byte is FSM_ECORRUPT. */
#ifndef FSM_RUNTIME_MANIFEST_H
#define FSM_RUNTIME_MANIFEST_H

#include "runtime/files.h"

enum { FSM_MANIFEST_BYTES_MAX = 16 * 1024 * 1024 };
#define FSM_MANIFEST_NAME "manifest"

void fsm__manifest_hex(fsm_buf *buf, const char *name, const void *data, size_t len);
void fsm__manifest_u64(fsm_buf *buf, const char *name, uint64_t number);
/* Ends buf with its hash and replaces dir/manifest. */
FSM_MUST_USE fsm_code fsm__manifest_save(const char *dir, fsm_buf *buf, fsm_error *err);
/* The lines, without the last, as text. */
FSM_MUST_USE fsm_code fsm__manifest_load(const char *dir, fsm_buf *out, fsm_error *err);
/* The value of the first line of that name at or behind *at (moved behind it); false = none. */
bool fsm__manifest_next(const char **at, const char *name, const char **value, size_t *len);
/* False: missing or not of that form. */
bool fsm__manifest_get_u64(const char *text, const char *name, uint64_t *out);
bool fsm__manifest_get_hex(const char *text, const char *name, void *out, size_t len);
/* len bytes from exactly 2*len hex digits. */
bool fsm__unhex(const char *hex, size_t hex_len, void *out, size_t len);

#endif

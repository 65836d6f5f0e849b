/* overlay.h: rows newer than the store, in memory, ordered by table and key, with tombstones.
 *
 * Keys and values are copied in. A later put or delete of the same key replaces the earlier. One thread. */
#ifndef FSM_RUNTIME_OVERLAY_H
#define FSM_RUNTIME_OVERLAY_H

#include "fsm/fsm.h"

typedef struct fsm__overlay fsm__overlay;

typedef struct fsm__row {
  const void *key, *value; /* valid until the next put, delete or clear */
  uint32_t key_len, value_len;
  bool deleted; /* a tombstone: the store's row is gone */
} fsm__row;

FSM_MUST_USE fsm_code fsm__overlay_new(unsigned tables, fsm__overlay **out, fsm_error *err);
void fsm__overlay_free(fsm__overlay *overlay);
void fsm__overlay_clear(fsm__overlay *overlay); /* keeps the memory for reuse */
size_t fsm__overlay_bytes(const fsm__overlay *overlay);
size_t fsm__overlay_rows(const fsm__overlay *overlay);

FSM_MUST_USE fsm_code fsm__overlay_put(fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                                       const void *value, size_t value_len, fsm_error *err);
FSM_MUST_USE fsm_code fsm__overlay_delete(fsm__overlay *overlay, unsigned table, const void *key,
                                          size_t key_len, fsm_error *err);
/* The row of exactly this key, tombstones included. */
bool fsm__overlay_get(const fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                      fsm__row *out);
/* The first row at or after key (strictly = after it); memcmp order, shorter first. */
bool fsm__overlay_seek(const fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                       bool strictly, fsm__row *out);

#endif

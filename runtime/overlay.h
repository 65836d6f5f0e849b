/* overlay.h: rows newer than the store, in memory, ordered by table and key, with tombstones.
 *
 * Keys and values are copied in. A row has versions, newest first, each stamped with the seq that the puts of
 * its batch begin with. Who reads at a seq sees the newest version stamped at or below it, or, when there is
 * none, no row here. A put drops the versions that nobody can ask for any more (fsm__horizon), so a hot
 * row keeps two, written in turn.
 *
 * One thread changes an overlay. Others may read it when the caller keeps the two apart (a lock, or because
 * nothing changes it any more); what they were shown stays as it is while their seq is a pin. */
#ifndef FSM_RUNTIME_OVERLAY_H
#define FSM_RUNTIME_OVERLAY_H

#include <string.h>

#include "fsm/fsm.h"

/* The order of keys everywhere: memcmp, of two with one prefix the shorter first. */
static inline int fsm__keys_compare(const void *a, size_t a_len, const void *b, size_t b_len) {
  const size_t shorter = a_len < b_len ? a_len : b_len;
  const int order = shorter > 0 ? memcmp(a, b, shorter) : 0;
  return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

typedef struct fsm__overlay fsm__overlay;

typedef struct fsm__row {
  const void *key, *value; /* valid until the next put, delete or clear; at a pin until that is gone */
  uint32_t key_len, value_len;
  bool deleted; /* a tombstone: the store's row is gone */
  bool own;     /* this key exists nowhere below: its tombstone says nothing to anyone but views */
} fsm__row;

/* What can still be asked for: any seq from `visible` on, and the pins. */
typedef struct fsm__horizon {
  uint64_t stamp;       /* of the puts to come; over `visible` while a batch is filled */
  uint64_t visible;     /* what a new reader sees */
  const uint64_t *pins; /* of the readers there are */
  size_t pin_count;
} fsm__horizon;

#define FSM_NEWEST UINT64_MAX /* the seq of who sees all */

/* The horizon is borrowed and read at each put; NULL: nobody reads but the newest. */
FSM_MUST_USE fsm_code fsm__overlay_new(unsigned tables, const fsm__horizon *horizon, fsm__overlay **out,
                                       fsm_error *err);
void fsm__overlay_free(fsm__overlay *overlay);
void fsm__overlay_clear(fsm__overlay *overlay); /* keeps as much memory as was in use */
void fsm__overlay_trim(fsm__overlay *overlay);  /* of an empty one: gives back all memory */
size_t fsm__overlay_bytes(const fsm__overlay *overlay);
size_t fsm__overlay_rows(const fsm__overlay *overlay);

/* `own`: the caller knows that nothing below has this key; ignored when the row is here already. */
FSM_MUST_USE fsm_code fsm__overlay_put(fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                                       const void *value, size_t value_len, bool own, fsm_error *err);
FSM_MUST_USE fsm_code fsm__overlay_delete(fsm__overlay *overlay, unsigned table, const void *key,
                                          size_t key_len, fsm_error *err);
/* The row of exactly this key as of seq, tombstones included. */
bool fsm__overlay_get(const fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                      uint64_t seq, fsm__row *out);
/* The first row at or after key (strictly = after it) as of seq; memcmp order, shorter first. */
bool fsm__overlay_seek(const fsm__overlay *overlay, unsigned table, const void *key, size_t key_len,
                       bool strictly, uint64_t seq, fsm__row *out);
/* All rows of a table in order, newest versions; start from a zeroed walk. Nothing may change meanwhile. */
typedef struct fsm__row_walk {
  const void *leaf;
  unsigned at;
  bool ended;
} fsm__row_walk;
bool fsm__overlay_walk(const fsm__overlay *overlay, unsigned table, fsm__row_walk *walk, fsm__row *out);

#endif

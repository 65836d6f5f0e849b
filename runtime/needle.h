/* needle.h: a text that is looked for in bytes, whatever the case of its letters.
 *
 * Letters of Latin (ASCII, Latin-1, Latin Extended-A), Greek and Cyrillic are found in either case; all
 * others as they are. Those pairs have as many bytes in UTF-8, so nothing has to be decoded: bytes are
 * compared, and what is found in valid UTF-8 begins and ends at characters. Nothing is normalised: an é of
 * one code point is not one of two.
 *
 * The scan asks two of the needle's bytes, the rarest that it has, for 64 places at once; where both fit, all
 * of it is compared. */
#ifndef FSM_RUNTIME_NEEDLE_H
#define FSM_RUNTIME_NEEDLE_H

#include "fsm/fsm.h"

enum { FSM_SEARCH_TEXT_MIN = 2, FSM_SEARCH_TEXT_MAX = 256 }; /* bytes */

typedef struct fsm__needle {
  size_t len;
  uint8_t small[FSM_SEARCH_TEXT_MAX], large[FSM_SEARCH_TEXT_MAX]; /* the same in both cases */
  uint8_t width[FSM_SEARCH_TEXT_MAX]; /* bytes of the character that begins here; 0 inside of one */
  struct {
    size_t at;
    uint8_t byte, either; /* x | either == byte: it may be */
  } probe[2];
} fsm__needle;

/* Printable UTF-8 of so many bytes, not only blanks. FSM_EARGUMENT, "q". */
FSM_MUST_USE fsm_code fsm__needle_read(const char *text, fsm__needle *out, fsm_error *err);
/* Where it is first, NULL = nowhere. */
const uint8_t *fsm__needle_find(const fsm__needle *needle, const void *data, size_t len);

#endif

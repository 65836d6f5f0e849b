/* bytes.h: comparing short texts in line. Private to fsm/.
 *
 * The names that a step compares, of events and of fields, are mostly 4 to 16 bytes long; a call of memcmp
 * costs more than two loads that overlap.
 */
#ifndef FSM_BYTES_H
#define FSM_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Names and words are short: two overlapping words of the machine instead of a call. */
static inline bool fsm__same_bytes(const char *a, const char *b, size_t len) {
  uint64_t a8, b8, a8_end, b8_end;
  uint32_t a4, b4, a4_end, b4_end;
  if (len > 2 * sizeof a8 || len < sizeof a4) return memcmp(a, b, len) == 0;
  if (len >= sizeof a8) {
    memcpy(&a8, a, sizeof a8), memcpy(&a8_end, a + len - sizeof a8, sizeof a8);
    memcpy(&b8, b, sizeof b8), memcpy(&b8_end, b + len - sizeof b8, sizeof b8);
    return a8 == b8 && a8_end == b8_end;
  }
  memcpy(&a4, a, sizeof a4), memcpy(&a4_end, a + len - sizeof a4, sizeof a4);
  memcpy(&b4, b, sizeof b4), memcpy(&b4_end, b + len - sizeof b4, sizeof b4);
  return a4 == b4 && a4_end == b4_end;
}

#endif

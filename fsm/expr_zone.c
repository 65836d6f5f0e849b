/* expr_zone.c: which offset holds at a time, and zones in expressions.
 */
#include "fsm/expr_zone.h"

#include <string.h>

#include "fsm/expr_time.h"

static bool two_digits(const char *text, unsigned *value) {
  if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
  *value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
  return true;
}

bool fsm__zone_fixed(const char *text, size_t len, int32_t *offset) {
  FSM_ASSERT((text || !len) && offset);
  unsigned hours, minutes;
  if (len == 3 && memcmp(text, "UTC", 3) == 0) {
    *offset = 0;
    return true;
  }
  bool sign = len > 0 && (*text == '+' || *text == '-');
  const char *at = text + sign;
  if (len - sign != 5 || at[2] != ':' || !two_digits(at, &hours) || !two_digits(at + 3, &minutes) ||
      hours > 23 || minutes > 59)
    return false;
  *offset = (int32_t)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
  return true;
}

int32_t fsm__zone_offset(const fsm__zone *zone, int64_t seconds) {
  FSM_ASSERT(zone);
  (void)seconds;
  return zone->before;
}

/* ---- in expressions ---------------------------------------------------------------------------- */

fsm_code fsm__prepare_zone(const fsm__source *source, fsm__node *call) {
  const fsm__node *name = call->count > 1 ? call->kids->next : NULL;
  int32_t offset;
  if (!name || name->kind != FSM__LITERAL || name->value.type != FSM_STRING ||
      fsm__zone_fixed(name->value.s, name->value.len, &offset))
    return FSM_OK;
  return fsm__expr_fail(source, FSM_EEXPRESSION, name->begin, "there is no time zone '%.*s'",
                        (int)name->value.len, name->value.s);
}

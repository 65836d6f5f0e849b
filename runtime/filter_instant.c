/* filter_instant.c: a time as people write it: when it is meant is known when the query runs. */
#include <string.h>

#include "fsm/expr_time_text.h"
#include "runtime/filter_impl.h"
#include "schema/json.h"

#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)

int64_t fsm__instant_ns(const fsm__instant *moment, int64_t now_ns, int64_t if_never) {
  int64_t out = if_never;
  switch (moment->kind) {
    case FSM__NEVER: return if_never;
    case FSM__AT: return moment->ns;
    case FSM__AGO: return __builtin_sub_overflow(now_ns, moment->ns, &out) ? INT64_MIN : out;
    case FSM__DAYS_AGO: return now_ns - now_ns % DAY - moment->ns; /* days begin in UTC */
  }
  return out;
}

static bool read_stamp(const char *text, size_t len, int64_t *ns) {
  fsm_value at;
  if (fsm__timestamp_parse(text, len, &at) != NULL) return false;
  return !__builtin_mul_overflow(at.i, SECOND, ns) && !__builtin_add_overflow(*ns, (int64_t)at.len, ns);
}

static bool is_date(const char *text) {
  static const char form[] = "0000-00-00";
  for (size_t i = 0; i < sizeof form - 1; i++)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
  return text[sizeof form - 1] == 0;
}

fsm_code fsm__instant_read(const char *name, const char *text, fsm__instant *out, fsm_error *err) {
  fsm__instant moment = {.kind = FSM__AT};
  const char *given = text;
  char midnight[40];
  if (is_date(text)) {
    memcpy(midnight, text, 10);
    memcpy(midnight + 10, "T00:00:00Z", sizeof "T00:00:00Z");
    text = midnight;
  }
  if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0)
    moment = (fsm__instant){FSM__DAYS_AGO, *text == 'y' ? DAY : 0};
  else if (!read_stamp(text, strlen(text), &moment.ns)) {
    moment.kind = FSM__AGO;
    if (fsm_duration_parse(text, &moment.ns, NULL) != FSM_OK)
      return fsm_fail(err, FSM_EARGUMENT, name,
                      "\"%.64s\" is no time: 2026-03-01T12:00:00Z, 2026-03-01, today, yesterday, or so long "
                      "ago: 2h, 3d",
                      given);
  }
  *out = moment;
  return FSM_OK;
}

fsm_code fsm_time_parse(const char *name, const char *text, int64_t now_ns, int64_t *out, fsm_error *err) {
  fsm__instant moment;
  fsm_code code = fsm__instant_read(name, text, &moment, err);
  if (code == FSM_OK) *out = fsm__instant_ns(&moment, now_ns, now_ns);
  return code;
}

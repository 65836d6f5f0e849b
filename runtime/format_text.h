/* format_text.h: what several formats say of a record: one line for people, how grave it is, values as text.
 */
#ifndef FSM_RUNTIME_FORMAT_TEXT_H
#define FSM_RUNTIME_FORMAT_TEXT_H

#include "runtime/format_impl.h"

typedef struct fsm__severity {
  unsigned number; /* of OpenTelemetry: INFO 9, WARN 13, ERROR 17 */
  const char *name;
} fsm__severity;
/* Refused is a warning, failed an error, and so is an incident; else information. */
fsm__severity fsm__severity_of(const fsm_record *record);

/* "loan l-17: APPROVE, review -> approved"; appends the bare text. Of a masked record it shows nothing
 * masked. */
void fsm__summary(fsm_buf *out, const fsm_record *record);

/* A value as text: a string as it is, a list of strings with commas between, null nothing, what else as JSON.
 */
void fsm__plain_text(fsm_buf *out, const fsm_value *value);

#endif

/* format_text.c: a record and its values as text for people. See format_text.h. */
#include "runtime/format_text.h"

#include <string.h>

#include "schema/json.h"

fsm__severity fsm__severity_of(const fsm_record *record) {
  static const fsm__severity info = {9, "INFO"}, warn = {13, "WARN"}, error = {17, "ERROR"};
  if (record->outcome == FSM_FAILED || record->kind == FSM_RECORD_INCIDENT_OPENED) return error;
  return record->outcome == FSM_REFUSED || record->kind == FSM_RECORD_REJECTED ? warn : info;
}

static bool is_texts(const fsm_value *value) {
  if (value->type != FSM_LIST) return false;
  for (uint32_t i = 0; i < value->len; i++)
    if (value->items[i].type != FSM_STRING) return false;
  return true;
}

void fsm__plain_text(fsm_buf *out, const fsm_value *value) {
  if (value->type == FSM_NULL) return;
  if (value->type == FSM_STRING) {
    fsm_buf_add(out, value->s, value->len);
  } else if (is_texts(value)) {
    for (uint32_t i = 0; i < value->len; i++) {
      if (i) fsm_buf_char(out, ',');
      fsm_buf_add(out, value->items[i].s, value->items[i].len);
    }
  } else {
    size_t start = out->len;
    fsm_json_write(out, value);
    size_t len = out->len - start;
    if (!fsm_buf_ok(out) || value->type == FSM_LIST || value->type == FSM_MAP) return;
    if (len < 2 || out->data[start] != '"') return;
    memmove(out->data + start, out->data + start + 1, len - 2); /* a scalar that JSON writes as a string */
    out->len -= 2;
  }
}

void fsm__summary(fsm_buf *out, const fsm_record *record) {
  if (record->mach != NULL) fsm_buf_printf(out, "%s ", record->mach);
  if (record->inst != NULL) fsm_buf_printf(out, "%s", record->inst);
  if (record->mach != NULL || record->inst != NULL) fsm_buf_str(out, ": ");
  fsm_buf_str(out, fsm_record_kind_name(record->kind));
  if (record->outcome != FSM_TAKEN) fsm_buf_printf(out, " %s", fsm_outcome_name(record->outcome));
  if (record->trigger != NULL && *record->trigger != 0) fsm_buf_printf(out, " by %s", record->trigger);
  if (record->reason != NULL) fsm_buf_printf(out, " (%s)", record->reason);
  if (record->from.type != FSM_NULL || record->to.type != FSM_NULL) fsm_buf_str(out, ", ");
  if (record->from.type != FSM_NULL) {
    fsm__plain_text(out, &record->from);
    fsm_buf_str(out, " ");
  }
  if (record->to.type != FSM_NULL) {
    fsm_buf_str(out, "-> ");
    fsm__plain_text(out, &record->to);
  }
}

/* admit_store.c: the limits of commands of the store: routes, machines that retire, and what befell a sink.
 * See admit.h. */
#include <string.h>

#include "runtime/admit.h"
#include "runtime/cursors.h"
#include "runtime/routing.h"
#include "schema/json.h"

/* 1 … max bytes of [A-Za-z0-9_-], with dots also dots. */
static fsm_code word(const char *text, const char *field, size_t max, bool dots, fsm_error *err) {
  if (text == NULL) return fsm_fail(err, FSM_EARGUMENT, field, "%s is missing", field);
  const size_t len = strlen(text);
  if (len > max) return fsm_fail(err, FSM_ETOOLARGE, field, "%s is over %zu bytes", field, max);
  for (size_t i = 0; i < len; i++) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-')
      continue;
    if (c == '.' && dots) continue;
    return fsm_fail(err, FSM_EARGUMENT, field, "%s has a byte outside [A-Za-z0-9%s_-] at %zu", field,
                    dots ? "." : "", i);
  }
  return FSM_OK;
}

static fsm_code map_within(const fsm_value *value, const char *field, size_t max, fsm_error *err) {
  fsm_buf text = {0};
  if (!fsm_is(value, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, field, "%s is not a map", field);
  fsm_json_write(&text, value);
  fsm_code code = FSM_OK;
  if (!fsm_buf_ok(&text))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a command");
  else if (text.len > max)
    code = fsm_fail(err, FSM_ETOOLARGE, field, "%s is over %zu bytes as JSON", field, max);
  fsm_buf_free(&text);
  return code;
}

static fsm_code who_and_why(const fsm_command *c, fsm_error *err) {
  if (!fsm_is(&c->actor, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, "actor", "actor is missing");
  return c->reason != NULL ? FSM_OK : fsm_fail(err, FSM_EARGUMENT, "reason", "reason is missing");
}

/* What more there is to say stands beside these in the record's detail. */
static fsm_code note_data(const fsm_value *data, fsm_error *err) {
  static const char *const taken[] = {"command", "sink", "what", "reason"};
  fsm_code code = map_within(data, "data", FSM_SINK_NOTE_BYTES_MAX, err);
  if (code != FSM_OK) return code;
  if (fsm_value_depth(data) > FSM_SINK_NOTE_DEPTH_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "data", "data is nested more than %d levels deep",
                    FSM_SINK_NOTE_DEPTH_MAX);
  for (unsigned i = 0; i < sizeof taken / sizeof *taken; i++)
    if (fsm_map_get(data, taken[i]) != NULL)
      return fsm_fail(err, FSM_EARGUMENT, "data", "data has a member \"%s\", which the record has of its own",
                      taken[i]);
  return FSM_OK;
}

static fsm_code sink_note(const fsm_command *c, fsm_error *err) {
  fsm_code code = word(c->name, "name", FSM_SINK_NAME_MAX, true, err);
  if (code == FSM_OK) code = word(c->event, "event", FSM_SINK_WHAT_MAX, false, err);
  if (code == FSM_OK && !fsm_is(&c->data, FSM_NULL)) code = note_data(&c->data, err);
  if (code == FSM_OK && (!fsm_is(&c->actor, FSM_NULL) || c->reason != NULL)) code = who_and_why(c, err);
  return code;
}

fsm_code fsm__admit_store(const fsm_command *c, fsm_error *err) {
  FSM_ASSERT(fsm__command_of_store(c->kind));
  if (c->kind == FSM_CMD_SINK_NOTE) return sink_note(c, err);
  if (c->kind == FSM_CMD_RETIRE)
    return c->machine != NULL ? who_and_why(c, err)
                              : fsm_fail(err, FSM_EARGUMENT, "machine", "machine is missing");
  fsm_code code = word(c->name, "name", FSM_ROUTE_NAME_MAX, true, err);
  if (code == FSM_OK && c->kind == FSM_CMD_ROUTE_SET)
    code = map_within(&c->data, "data", FSM_ROUTE_BYTES_MAX, err);
  return code == FSM_OK ? who_and_why(c, err) : code;
}

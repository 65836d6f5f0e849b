/* apply_message.c: messages to other instances: sent, taken back, consumed. See rows.h on whose rows these
 * are. */
#include <string.h>

#include "runtime/apply_impl.h"

static const char *text_of(fsm_arena *arena, const fsm_value *map, const char *key) {
  const fsm_value *value = fsm_map_get(map, key);
  bool whole =
      value != NULL && fsm_is(value, FSM_STRING) && value->len > 0 && memchr(value->s, 0, value->len) == NULL;
  return whole ? fsm_arena_strndup(arena, value->s, value->len) : NULL;
}

/* An id that fits the keys of rows, or NULL. */
static const char *id_of(fsm_arena *arena, const fsm_value *map, const char *key) {
  const char *id = text_of(arena, map, key);
  return id != NULL && strlen(id) <= FSM_TIMER_ID_MAX ? id : NULL;
}

static int kind_of(const char *name) {
  for (int kind = 0; name != NULL && kind < FSM_SEND_KIND_COUNT; kind++)
    if (strcmp(fsm__send_kind_name((fsm__send_kind)kind), name) == 0) return kind;
  return -1;
}

static void address(fsm__store *store, uint64_t number, const fsm__send *send, bool there) {
  const char *id = send->to != NULL ? fsm__send_addressee(send->to) : NULL;
  if (id == NULL || strlen(send->id) > FSM_TIMER_ID_MAX) return;
  const fsm__key key = fsm__key_addressed(id, number, send->id);
  if (there)
    fsm__store_put(store, FSM_T_ADDRESSED, key.bytes, key.len, "", 0);
  else
    fsm__store_delete(store, FSM_T_ADDRESSED, key.bytes, key.len);
}

static void delete_rows(fsm__store *store, uint64_t number, const fsm__send *send) {
  fsm__key due = fsm__key_due_send(number, send);
  fsm__key row = fsm__key_instance(number, 'm', send->id, strlen(send->id));
  fsm__store_delete(store, FSM_T_DUE, due.bytes, due.len);
  fsm__store_delete(store, FSM_T_INSTANCES, row.bytes, row.len);
  address(store, number, send, false);
}

/* One that is gone was consumed before. */
static fsm_code drop(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena, fsm_error *err) {
  fsm__send send;
  fsm_code code = fsm__send_load(store, number, id, arena, &send, err);
  if (code == FSM_OK) delete_rows(store, number, &send);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code put(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                    const fsm_value *entry, fsm_arena *arena, fsm_error *err) {
  const fsm_value *data = fsm_map_get(entry, "data"), *tok = fsm_map_get(entry, "tok"),
                  *due = fsm_map_get(entry, "due"), *about = fsm_map_get(entry, "about"),
                  *listed = fsm_map_get(entry, "listed");
  const char *event = fsm_map_get(entry, "event") != NULL ? text_of(arena, entry, "event") : "";
  const int kind = kind_of(text_of(arena, entry, "kind"));
  fsm__send send = {.id = id_of(arena, entry, "id"),
                    .to = text_of(arena, entry, "to"),
                    .event = event,
                    .data = data ? *data : fsm_null(),
                    .has_token = tok != NULL,
                    .due_ns = due && fsm_is(due, FSM_INT) ? due->i : record->time_ns,
                    .seq = record->seq,
                    .corr = record->corr ? record->corr : "",
                    .trace = record->trace,
                    .about = about ? *about : fsm_null()};
  if (send.id == NULL || fsm__send_seq(send.id) != record->seq || send.to == NULL || event == NULL ||
      kind < 0 || send.due_ns < 0 ||
      (tok != NULL && (!fsm_is(tok, FSM_BYTES) || tok->len != sizeof send.token)))
    return fsm__apply_bad(record, "sends a message that cannot be read", NULL, err);
  send.kind = (fsm__send_kind)kind;
  send.place = fsm__send_place(send.id);
  if (tok != NULL) memcpy(send.token, tok->s, sizeof send.token);
  fsm__send_put(store, in->number, &send);
  fsm__key key = fsm__key_due_send(in->number, &send);
  fsm__store_put(store, FSM_T_DUE, key.bytes, key.len, "", 0);
  if (listed != NULL && fsm_is(listed, FSM_BOOL) && listed->b) address(store, in->number, &send, true);
  return FSM_OK;
}

fsm_code fsm__apply_sends(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                          fsm_arena *arena, fsm_error *err) {
  for (unsigned i = 0; fsm_is(&record->sends, FSM_LIST) && i < record->sends.len; i++) {
    const fsm_value *entry = &record->sends.items[i];
    const char *cancelled = id_of(arena, entry, "cancel");
    fsm_code code = cancelled ? drop(store, in->number, cancelled, arena, err)
                              : put(store, in, record, entry, arena, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

/* Reads nothing of the sender: a snapshot may have its rows as they were later (snapshot.h). */
fsm_code fsm__apply_consumed(fsm__store *store, const fsm_record *record, fsm_arena *arena, fsm_error *err) {
  if (!fsm_is(&record->msg, FSM_MAP)) return FSM_OK;
  const char *from = text_of(arena, &record->msg, "from"), *id = id_of(arena, &record->msg, "id");
  const fsm_value *due = fsm_map_get(&record->msg, "due");
  uint64_t number = 0;
  if (from == NULL || id == NULL || due == NULL || !fsm_is(due, FSM_INT) || due->i < 0 ||
      fsm__send_seq(id) > FSM_TIMER_SEQ_MAX)
    return fsm__apply_bad(record, "consumes a message that it does not name", NULL, err);
  fsm_code code = fsm__instance_number(store, from, &number, err);
  if (code != FSM_OK) return code == FSM_ENOTFOUND ? FSM_OK : code;
  const fsm__send send = {.id = id,
                          .to = text_of(arena, &record->msg, "to"),
                          .due_ns = due->i,
                          .seq = fsm__send_seq(id),
                          .place = fsm__send_place(id)};
  delete_rows(store, number, &send);
  return FSM_OK;
}

/* Delayed events die with the instance that sent them; what is on its way arrives. */
fsm_code fsm__apply_sends_end(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                              fsm_arena *arena, fsm_error *err) {
  fsm__key prefix = fsm__key_instance(in->number, 'm', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__send send;
    code = fsm__send_read(&row, arena, &send, err);
    if (code == FSM_OK && send.due_ns > record->time_ns) code = drop(store, in->number, send.id, arena, err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

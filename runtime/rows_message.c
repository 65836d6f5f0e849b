/* rows_message.c: the row of a message that is on its way to another instance. It stands with its sender. */
#include <stdlib.h>
#include <string.h>

#include "runtime/rows.h"
#include "schema/pack.h"

const char *fsm__send_kind_name(fsm__send_kind kind) {
  static const char *const names[] = {
#define X(symbol, name) name,
      FSM_SEND_KINDS(X)
#undef X
  };
  FSM_ASSERT(kind < FSM_SEND_KIND_COUNT);
  return names[kind];
}

const char *fsm__send_id(fsm_arena *arena, uint64_t seq, unsigned place) {
  return fsm_arena_printf(arena, "%020llu.%05u", (unsigned long long)seq, place);
}

uint64_t fsm__send_seq(const char *id) { return strtoull(id, NULL, 10); }

uint16_t fsm__send_place(const char *id) {
  const char *dot = strrchr(id, '.');
  return dot ? (uint16_t)strtoul(dot + 1, NULL, 10) : 0;
}

const char *fsm__send_addressee(const char *to) {
  static const char scxml[] = "#_scxml_";
  if (strcmp(to, "#_parent") == 0) return NULL;
  const char *id = strncmp(to, scxml, sizeof scxml - 1) == 0 ? to + sizeof scxml - 1
                   : strncmp(to, "#_", 2) == 0               ? to + 2
                                                             : to;
  return id[0] != '\0' && id[0] != '#' && strlen(id) <= FSM_INSTANCE_ID_MAX ? id : NULL;
}

fsm__key fsm__key_addressed(const char *id, uint64_t number, const char *message) {
  fsm__key key = {.len = 0};
  fsm__key_add(&key, id, strlen(id) + 1);
  fsm__key_u64(&key, number);
  fsm__key_add(&key, message, strlen(message));
  return key;
}

void fsm__send_put(fsm__store *store, uint64_t number, const fsm__send *send) {
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 10);
  fsm_pack_text(&buf, send->to, strlen(send->to));
  fsm_pack_uint(&buf, send->kind);
  fsm_pack_text(&buf, send->event, strlen(send->event));
  fsm__row_pack(&buf, &send->data);
  if (send->has_token)
    fsm_pack_bytes(&buf, send->token, sizeof send->token);
  else
    fsm_pack_null(&buf);
  fsm_pack_int(&buf, send->due_ns);
  fsm_pack_uint(&buf, send->seq);
  fsm_pack_text(&buf, send->corr, strlen(send->corr));
  fsm__row_pack(&buf, &send->trace);
  fsm__row_pack(&buf, &send->about);
  fsm__key key = fsm__key_instance(number, 'm', send->id, strlen(send->id));
  fsm__store_put_buf(store, FSM_T_INSTANCES, key.bytes, key.len, &buf);
}

fsm_code fsm__send_read(const fsm__row *row, fsm_arena *arena, fsm__send *out, fsm_error *err) {
  if (row->key_len <= 9) return fsm_fail(err, FSM_ECORRUPT, "store: instances", "a message row has no id");
  const fsm_value *at = NULL;
  const char *id = fsm_arena_strndup(arena, (const char *)row->key + 9, row->key_len - 9);
  fsm_code code = fsm__row_unpack(arena, row->value, row->value_len, "snsvvtusvv", "message", &at, err);
  if (code != FSM_OK) return code;
  const bool has_token = fsm_is(&at[4], FSM_BYTES);
  if (at[1].i >= FSM_SEND_KIND_COUNT ||
      (has_token ? at[4].len != sizeof out->token : !fsm_is(&at[4], FSM_NULL)))
    return fsm_fail(err, FSM_ECORRUPT, "store: instances", "a message row cannot be read");
  *out = (fsm__send){.id = id,
                     .to = fsm_arena_strndup(arena, at[0].s, at[0].len),
                     .kind = (fsm__send_kind)at[1].i,
                     .event = fsm_arena_strndup(arena, at[2].s, at[2].len),
                     .data = at[3],
                     .has_token = has_token,
                     .due_ns = at[5].i,
                     .seq = at[6].u,
                     .place = fsm__send_place(id ? id : ""),
                     .corr = fsm_arena_strndup(arena, at[7].s, at[7].len),
                     .trace = at[8],
                     .about = at[9]};
  if (has_token) memcpy(out->token, at[4].s, sizeof out->token);
  return out->id && out->to && out->event && out->corr
             ? FSM_OK
             : fsm_fail(err, FSM_ENOMEM, "", "no memory for a message");
}

fsm_code fsm__send_load(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena, fsm__send *out,
                        fsm_error *err) {
  fsm__key key = fsm__key_instance(number, 'm', id, strlen(id));
  const void *value = NULL;
  size_t len = 0;
  fsm_code code = fsm__store_get(store, FSM_T_INSTANCES, key.bytes, key.len, &value, &len, err);
  const fsm__row row = {
      .key = key.bytes, .key_len = (uint32_t)key.len, .value = value, .value_len = (uint32_t)len};
  return code == FSM_OK ? fsm__send_read(&row, arena, out, err) : code;
}

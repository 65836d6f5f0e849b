/* decide_idem.c: idempotency keys: has this command been taken before?
 *
 * A key stands for what was asked and who asked, not for how: revisions expected, correlation, causation,
 * request and trace may differ when a command is sent again; ids that were made here are no part of it.
 * Entries of commands to an instance sit with it, those of creations with their machine. */
#include <string.h>

#include "runtime/decide.h"
#include "schema/pack.h"

enum { SPAN_AT_START = 0, SPAN_AT_INSTANCE = 9 }; /* in the keys of the rows */

static void pack_text(fsm_buf *buf, const char *text) {
  if (text == NULL)
    fsm_pack_null(buf);
  else
    fsm_pack_text(buf, text, strlen(text));
}

static fsm_code pack_values(fsm_buf *buf, const fsm_command *c) {
  fsm_code code = fsm_pack(buf, &c->labels, NULL);
  if (code == FSM_OK) code = fsm_pack(buf, &c->data, NULL);
  if (code == FSM_OK) code = fsm_pack(buf, &c->input, NULL);
  return code == FSM_OK ? fsm_pack(buf, &c->states, NULL) : code;
}

/* Who asks: that much of the actor which stays the same from one session to the next. */
static fsm_code pack_actor(fsm_buf *buf, const fsm_value *actor) {
  static const char *const names[] = {"type", "iss", "sub"};
  const fsm_value null = fsm_null();
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < 3 && code == FSM_OK; i++) {
    const fsm_value *part = fsm_map_get(actor, names[i]);
    code = fsm_pack(buf, part != NULL ? part : &null, NULL);
  }
  return code;
}

fsm_code fsm__idem_key_of(const fsm__case *at, fsm__idem_key *out, fsm_error *err) {
  const fsm_command *c = at->command;
  *out = (fsm__idem_key){.given = c->idem != NULL};
  if (!out->given) return FSM_OK;
  const char *const texts[] = {c->machine, at->made_id ? NULL : c->instance, c->key, c->event, c->name,
                               c->reason};
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 3 + 6 + 4 + 3);
  fsm_pack_uint(&buf, c->kind);
  fsm_pack_uint(&buf, c->version);
  fsm_pack_bool(&buf, c->if_absent);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) pack_text(&buf, texts[i]);
  fsm_code code = pack_values(&buf, c);
  if (code == FSM_OK) code = pack_actor(&buf, &c->actor);
  FSM_ASSERT(code == FSM_OK || buf.failed); /* admission has packed it before */
  if (fsm_buf_ok(&buf)) {
    fsm__hash name = fsm__sha256(c->idem, strlen(c->idem)), print = fsm__sha256(buf.data, buf.len);
    memcpy(out->hash, name.bytes, 16);
    memcpy(out->fingerprint, print.bytes, 16);
    code = FSM_OK;
  } else {
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for the fingerprint of a command");
  }
  fsm_buf_free(&buf);
  return code;
}

/* ---- entries ------------------------------------------------------------------------------------ */

/* The newest live one; it may lie in any span that is not over. machine 0: of the instance. */
static fsm_code find(const fsm__case *at, const fsm__idem_key *key, uint32_t machine, uint64_t number,
                     fsm__idem *out, fsm_error *err) {
  const uint32_t oldest = fsm__idem_span_oldest(at->time_ns);
  for (int64_t ns = at->time_ns; ns >= 0 && fsm__idem_span(ns) >= oldest; ns -= FSM_IDEM_SPAN_NS) {
    fsm__key row =
        machine != 0 ? fsm__key_start(ns, machine, key->hash) : fsm__key_idem(number, ns, key->hash);
    fsm_code code =
        fsm__idem_load(at->store, machine != 0 ? FSM_T_STARTS : FSM_T_INSTANCES, &row, at->arena, out, err);
    if (code == FSM_OK && out->expiry_ns > at->time_ns) return FSM_OK;
    if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  }
  return FSM_ENOTFOUND;
}

fsm_code fsm__idem_of_instance(const fsm__case *at, const fsm__idem_key *key, uint64_t number, fsm__idem *out,
                               fsm_error *err) {
  return key->given ? find(at, key, 0, number, out, err) : FSM_ENOTFOUND;
}

fsm_code fsm__idem_of_start(const fsm__case *at, const fsm__idem_key *key, uint32_t machine, fsm__idem *out,
                            fsm_error *err) {
  FSM_ASSERT(machine != 0);
  return key->given ? find(at, key, machine, 0, out, err) : FSM_ENOTFOUND;
}

/* ---- the quota ---------------------------------------------------------------------------------- */

/* Is the first entry one whose time is over? Then taking a new one drops it. */
static fsm_code front_is_over(const fsm__case *at, fsm__range *range, size_t span_at, bool *over,
                              fsm_error *err) {
  fsm__row row;
  bool found = false;
  fsm_code code = fsm__range_next(range, &row, &found, err);
  *over = code == FSM_OK && found &&
          fsm__key_read_u32((const uint8_t *)row.key + span_at) < fsm__idem_span_oldest(at->time_ns);
  fsm__range_close(range);
  return code;
}

fsm_code fsm__decision_quota(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  if (at->command->idem == NULL || out->instance->idem_rows < FSM_IDEM_QUOTA) return FSM_OK;
  fsm__key prefix = fsm__key_instance(out->instance->number, 'i', NULL, 0);
  fsm__range range;
  bool over = false;
  fsm__range_open(&range, at->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  fsm_code code = front_is_over(at, &range, SPAN_AT_INSTANCE, &over, err);
  if (code != FSM_OK || over) return code;
  return fsm__decision_refuse(out, FSM_EQUOTA, "idem",
                              "the instance has %u idempotency keys, its quota; they are kept for 24 to 30 h",
                              (unsigned)out->instance->idem_rows);
}

static fsm_code check_quota_start(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm__starts starts;
  fsm__range range;
  bool over = false;
  fsm_code code = fsm__starts_load(at->store, &starts, err);
  if (code != FSM_OK || starts.rows < FSM_IDEM_STARTS_MAX) return code;
  fsm__range_open(&range, at->store, FSM_T_STARTS, NULL, 0);
  fsm__range_from(&range, starts.dropped, sizeof starts.dropped);
  code = front_is_over(at, &range, SPAN_AT_START, &over, err);
  if (code != FSM_OK || over) return code;
  return fsm__decision_refuse(
      out, FSM_EQUOTA, "idem",
      "%llu idempotency keys of creations are kept, the most there may be; they are kept for 24 to 30 h",
      (unsigned long long)starts.rows);
}

/* ---- the check ---------------------------------------------------------------------------------- */

/* The first answer again when it was for this very command, else refused. */
static fsm_code verdict(const fsm__idem *idem, const fsm__idem_key *key, fsm__decision *out) {
  if (memcmp(idem->fingerprint, key->fingerprint, sizeof idem->fingerprint) != 0)
    return fsm__decision_refuse(out, FSM_EDUPLICATE, "idem",
                                "the idempotency key was used for another command (seq %llu)",
                                (unsigned long long)idem->seq);
  out->replay = true;
  out->replay_seq = idem->seq;
  return FSM_OK;
}

/* [key hash, fingerprint, expiry] */
static fsm_code field_of(const fsm__case *at, const fsm__idem_key *key, fsm_value *out, fsm_error *err) {
  fsm_value *items = fsm_arena_alloc(at->arena, 3 * sizeof *items);
  char *bytes = fsm_arena_alloc(at->arena, 32);
  if (items == NULL || bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a command");
  memcpy(bytes, key->hash, 16);
  memcpy(bytes + 16, key->fingerprint, 16);
  items[0] = fsm_bytes(bytes, 16);
  items[1] = fsm_bytes(bytes + 16, 16);
  items[2] = fsm_int(at->time_ns + FSM_IDEM_TTL_NS);
  *out = fsm_list(items, 3);
  return FSM_OK;
}

fsm_code fsm__decision_idem(const fsm__case *at, fsm__decision *out, fsm_value *field, fsm_error *err) {
  fsm__idem_key key;
  fsm__idem idem;
  *field = fsm_null();
  fsm_code code = fsm__idem_key_of(at, &key, err);
  if (code != FSM_OK || !key.given) return code;
  code = out->instance->idem_rows > 0 ? fsm__idem_of_instance(at, &key, out->instance->number, &idem, err)
                                      : FSM_ENOTFOUND;
  if (code == FSM_OK) return verdict(&idem, &key, out);
  return code == FSM_ENOTFOUND ? field_of(at, &key, field, err) : code;
}

fsm_code fsm__decision_idem_made(const fsm__case *at, uint32_t machine, fsm__decision *out, fsm_error *err) {
  fsm__idem_key key;
  fsm__idem idem;
  fsm_code code = fsm__idem_key_of(at, &key, err);
  if (code != FSM_OK || !key.given) return code;
  code = fsm__idem_of_start(at, &key, machine, &idem, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  return code == FSM_OK ? verdict(&idem, &key, out) : code;
}

fsm_code fsm__decision_idem_start(const fsm__case *at, uint32_t machine, fsm__decision *out, fsm_value *field,
                                  fsm_error *err) {
  fsm__idem_key key;
  fsm__idem idem;
  *field = fsm_null();
  fsm_code code = fsm__idem_key_of(at, &key, err);
  if (code != FSM_OK || !key.given) return code;
  code = fsm__idem_of_start(at, &key, machine, &idem, err);
  if (code == FSM_OK) return verdict(&idem, &key, out);
  if (code == FSM_ENOTFOUND) code = check_quota_start(at, out, err);
  return code == FSM_OK && out->refusal.code == FSM_OK ? field_of(at, &key, field, err) : code;
}

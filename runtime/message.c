/* message.c: what consumers route and filter by goes into subject and headers; the record itself is
 * the payload. Headers that a record has nothing for are left out. */
#include "runtime/message.h"

#include <stdio.h>
#include <string.h>

#include "runtime/format_put.h"
#include "runtime/span.h"
#include "schema/json.h"

enum { EVENT_TOKEN_MAX = FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX, TRACEPARENT = 55, SOURCE_MAX = 64 };

_Static_assert(FSM_PREFIX_MAX + 5 + 3 * FSM_MACHINE_ID_MAX + 32 + 3 * EVENT_TOKEN_MAX < FSM_BUS_SUBJECT_MAX,
               "any record has a subject");

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a message"); }

static const char *keep(fsm_arena *arena, fsm_buf *buf) {
  const char *text = fsm_buf_ok(buf) ? fsm_arena_strndup(arena, buf->data, buf->len) : NULL;
  fsm_buf_free(buf);
  return text;
}

static const char *text_under(fsm_arena *arena, const fsm_value *map, const char *key) {
  const fsm_value *value = map->type == FSM_MAP ? fsm_map_get(map, key) : NULL;
  return value != NULL && value->type == FSM_STRING ? fsm_arena_strndup(arena, value->s, value->len) : NULL;
}

static const char *joined(fsm_arena *arena, const fsm_value *list) {
  if (list->type != FSM_LIST) return NULL;
  fsm_buf buf = {0};
  for (uint32_t i = 0; i < list->len && buf.len < FSM_BUS_HEADER_MAX; i++) {
    if (list->items[i].type != FSM_STRING) continue;
    if (buf.len > 0) fsm_buf_char(&buf, ',');
    fsm_buf_add(&buf, list->items[i].s, list->items[i].len);
  }
  return keep(arena, &buf);
}

const char *fsm__traceparent(fsm_arena *arena, const fsm_value *trace) {
  FSM_ASSERT(arena != NULL && trace != NULL);
  if (trace->type != FSM_LIST || trace->len != 3) return NULL;
  const fsm_value *it = trace->items;
  if (it[0].type != FSM_BYTES || it[0].len != 16 || it[1].type != FSM_BYTES || it[1].len != 8) return NULL;
  if (it[2].type != FSM_INT && it[2].type != FSM_UINT) return NULL;
  static const char digits[] = "0123456789abcdef";
  char *text = fsm_arena_alloc(arena, TRACEPARENT + 1), *to = text;
  if (text == NULL) return NULL;
  to = fsm__put_hex(fsm__put(to, "00-", 3), it[0].s, 16);
  *to++ = '-';
  to = fsm__put_hex(to, it[1].s, 8);
  *to++ = '-';
  *to++ = digits[it[2].u >> 4 & 15];
  *to++ = digits[it[2].u & 15];
  *to = '\0';
  return text;
}

static const char *subject_of(fsm_arena *arena, const char *prefix, const fsm_record *record) {
  fsm_buf buf = {0};
  bool usable = record->trigger != NULL && strlen(record->trigger) <= EVENT_TOKEN_MAX;
  bool known = record->mach != NULL && strlen(record->mach) <= FSM_MACHINE_ID_MAX;
  fsm_buf_str(&buf, prefix);
  fsm_buf_str(&buf, ".evt.");
  fsm__bus_token(&buf, known ? record->mach : NULL);
  fsm_buf_char(&buf, '.');
  fsm_buf_str(&buf, fsm_record_kind_name(record->kind));
  fsm_buf_char(&buf, '.');
  fsm__bus_token(&buf, usable ? record->trigger : NULL);
  return keep(arena, &buf);
}

static void add(fsm__message *m, const char *name, const char *value) {
  FSM_ASSERT(m->header_count < FSM_MESSAGE_HEADERS_MAX);
  if (value != NULL && *value != '\0') /* nats.c reads an empty value as the next line */
    m->headers[m->header_count++] = (fsm__bus_header){name, value};
}

/* Those of CloudEvents 1.0 in its binary mode. */
static bool add_cloud_event(fsm_arena *arena, const fsm_origin *origin, const fsm_record *r,
                            fsm__message *m) {
  const char *kind = fsm_record_kind_name(r->kind);
  size_t kind_len = strlen(kind);
  char *type = fsm_arena_alloc(arena, kind_len + 8), *source = fsm_arena_alloc(arena, SOURCE_MAX),
       *at = fsm_arena_alloc(arena, 40);
  const char *again = strstr(m->id, ".r"); /* a repair is the same event under another message's id */
  const char *event = again != NULL ? fsm_arena_strndup(arena, m->id, (size_t)(again - m->id)) : m->id;
  if (type == NULL || source == NULL || at == NULL || event == NULL) return false;
  char *to = fsm__put(fsm__put(type, "fsm.", 4), kind, kind_len);
  memcpy(to, ".v1", 4);
  to = fsm__put_hex(fsm__put(source, "/fsm/", 5), origin->store, sizeof origin->store);
  *to++ = '/';
  *fsm__put_unsigned(to, origin->partition) = '\0';
  *fsm__put_time(at, r->time_ns) = '\0';
  add(m, "ce-specversion", "1.0");
  add(m, "ce-id", event);
  add(m, "ce-type", type);
  add(m, "ce-source", source);
  add(m, "ce-time", at);
  add(m, "ce-subject", r->inst);
  return true;
}

static const char *number(fsm_arena *arena, uint64_t n) {
  char *text = fsm_arena_alloc(arena, 21);
  if (text != NULL) *fsm__put_unsigned(text, n) = '\0';
  return text;
}

static const char *hex_of(fsm_arena *arena, const void *data, size_t len) {
  char *text = fsm_arena_alloc(arena, 2 * len + 1);
  if (text != NULL) *fsm__put_hex(text, data, len) = '\0';
  return text;
}

static bool add_headers(fsm_arena *arena, const fsm__message_options *o, const fsm__exported *e,
                        const fsm_record *r, fsm__message *m) {
  const char *seq = number(arena, e->seq), *leaf = hex_of(arena, e->leaf.bytes, FSM_HASH_BYTES);
  const char *after = number(arena, e->after), *tail = e->repair ? number(arena, o->tail) : NULL;
  add(m, "Nats-Msg-Id", m->id);
  add(m, "Fsm-Seq", seq);
  add(m, "Fsm-Leaf", leaf);
  add(m, "Fsm-Prev", r->prev != NULL ? hex_of(arena, r->prev, FSM_HASH_BYTES) : NULL);
  add(m, "Fsm-After", after);
  add(m, "Fsm-Repair", e->repair ? "1" : NULL);
  add(m, "Fsm-Tail", tail);
  add(m, "Fsm-Instance", r->inst);
  add(m, "Fsm-Correlation-Id", r->corr);
  add(m, "Fsm-User", text_under(arena, &r->act, "sub"));
  add(m, "Fsm-Session", text_under(arena, &r->act, "sid"));
  add(m, "Fsm-Event", r->trigger);
  add(m, "Fsm-From", joined(arena, &r->from));
  add(m, "Fsm-To", joined(arena, &r->to));
  const fsm_value trace = fsm__span_continue(arena, &r->trace, &e->origin, r->seq);
  add(m, "traceparent", fsm__traceparent(arena, &trace));
  add(m, "tracestate", r->tracestate);
  bool there = seq != NULL && leaf != NULL && after != NULL && (tail != NULL || !e->repair);
  return there && add_cloud_event(arena, &e->origin, r, m);
}

static size_t header_bytes(const fsm__message *m) {
  size_t bytes = 512; /* the status line and what the sender adds */
  for (size_t i = 0; i < m->header_count; i++) {
    size_t value = strlen(m->headers[i].value);
    bytes += strlen(m->headers[i].name) + (value < FSM_BUS_HEADER_MAX ? value : FSM_BUS_HEADER_MAX) + 4;
  }
  return bytes;
}

/* ---- payload ---- */

/* Stored bytes instead of a payload that is too large. */
static fsm_code add_stored(const fsm__message_options *o, const fsm__exported *e, fsm_arena *arena,
                           fsm_buf *payload, size_t wanted, size_t headers, fsm_error *err) {
  fsm_error masked;
  fsm_buf_reset(payload);
  fsm_code code = fsm__format(o->stored, e, arena, payload, &masked);
  if (code == FSM_EDATA)
    return fsm_fail(
        err, FSM_ETOOLARGE, "payload",
        "record %llu takes %zu bytes of payload and %zu of headers, the server at most %zu; and its "
        "stored bytes would show what x-pii masks",
        (unsigned long long)e->seq, wanted, headers, o->payload_max);
  if (code != FSM_OK) return fsm_fail(err, code, masked.where, "%s", masked.text);
  if (payload->len + headers <= o->payload_max) return FSM_OK;
  return fsm_fail(
      err, FSM_ETOOLARGE, "payload",
      "record %llu takes %zu bytes of payload (%zu as stored) and %zu of headers, the server at most "
      "%zu: raise its max_payload, then retry",
      (unsigned long long)e->seq, wanted, payload->len, headers, o->payload_max);
}

static fsm_code add_payload(const fsm__message_options *o, const fsm__exported *e, fsm_arena *arena,
                            fsm_buf *payload, fsm__message *m, fsm_error *err) {
  const char *type = fsm__formatter_type(o->formatter);
  fsm_buf_reset(payload);
  fsm_code code = fsm__format(o->formatter, e, arena, payload, err);
  if (code != FSM_OK) return code;
  size_t headers = header_bytes(m);
  if (o->payload_max > 0 && payload->len + headers > o->payload_max) {
    code = add_stored(o, e, arena, payload, payload->len, headers, err);
    if (code != FSM_OK) return code;
    type = fsm__formatter_type(o->stored);
  }
  if (!fsm_buf_ok(payload)) return no_memory(err);
  add(m, "Content-Type", type);
  m->data = payload->data;
  m->len = payload->len;
  return FSM_OK;
}

fsm_code fsm__message_of(const fsm__message_options *o, const fsm__exported *e, fsm_arena *arena,
                         fsm_buf *payload, fsm__message *out, fsm_error *err) {
  FSM_ASSERT(o != NULL && e != NULL && arena != NULL && payload != NULL && out != NULL);
  FSM_ASSERT(o->prefix != NULL && strlen(o->prefix) <= FSM_PREFIX_MAX);
  fsm_record record; /* as headers show it; the formats mask for themselves */
  fsm_code code = FSM_OK;
  bool masked;
  if (e->record != NULL) record = *e->record;
  if (e->record == NULL) code = fsm_record_decode(arena, e->data, e->len, &record, err);
  if (code == FSM_OK && e->mask != NULL)
    code = fsm_mask_record(arena, e->mask, &record, &record, &masked, err);
  if (code != FSM_OK) return code;
  char id[FSM_MESSAGE_ID_MAX];
  fsm_record_id(&e->origin, e->seq, id, sizeof id);
  if (e->repair) {
    size_t len = strlen(id);
    snprintf(id + len, sizeof id - len, ".r%llu", (unsigned long long)o->repair);
  }
  fsm__message m = {.id = fsm_arena_strdup(arena, id)};
  m.subject = subject_of(arena, o->prefix, &record);
  if (m.id == NULL || m.subject == NULL || !add_headers(arena, o, e, &record, &m)) return no_memory(err);
  code = add_payload(o, e, arena, payload, &m, err);
  if (code == FSM_OK) *out = m;
  return code;
}

/* ---- ids ---- */

static bool hex_read(const char *text, uint8_t *out, size_t bytes) {
  for (size_t i = 0; i < 2 * bytes; i++) {
    char c = text[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
  }
  return true;
}

static bool number_read(const char **at, char end, uint64_t max, uint64_t *out) {
  const char *c = *at;
  uint64_t n = 0;
  if (*c < '0' || *c > '9' || (*c == '0' && c[1] >= '0' && c[1] <= '9')) return false;
  for (; *c >= '0' && *c <= '9'; c++) {
    uint64_t digit = (uint64_t)(*c - '0');
    if (n > (max - digit) / 10) return false;
    n = n * 10 + digit;
  }
  if (*c != end) return false;
  *at = end != '\0' ? c + 1 : c;
  *out = n;
  return true;
}

bool fsm__message_id_read(const char *text, fsm_origin *origin, uint64_t *seq) {
  FSM_ASSERT(text != NULL && origin != NULL && seq != NULL);
  fsm_origin found;
  uint64_t partition, epoch, n;
  if (!hex_read(text, found.store, sizeof found.store) || text[32] != '.') return false;
  const char *at = text + 33;
  if (!number_read(&at, '.', UINT32_MAX, &partition) || !number_read(&at, '.', UINT32_MAX, &epoch))
    return false;
  bool repair = strchr(at, '.') != NULL;
  if (!number_read(&at, repair ? '.' : '\0', UINT64_MAX, &n)) return false;
  uint64_t end;
  if (repair && (*at++ != 'r' || !number_read(&at, '\0', UINT64_MAX, &end))) return false;
  found.partition = (uint32_t)partition;
  found.epoch = (uint32_t)epoch;
  *origin = found;
  *seq = n;
  return true;
}

/* message.c: what consumers route and filter by goes into subject and headers; the record itself is
 * the payload. Headers that a record has nothing for are left out. */
#include "runtime/message.h"

#include <stdio.h>
#include <string.h>

#include "schema/json.h"

enum { EVENT_TOKEN_MAX = FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX };

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
  char id[33], span[17];
  fsm__hex(it[0].s, 16, id);
  fsm__hex(it[1].s, 8, span);
  return fsm_arena_printf(arena, "00-%s-%s-%02x", id, span, (unsigned)(it[2].u & 0xff));
}

static const char *subject_of(fsm_arena *arena, const char *prefix, const fsm_record *record) {
  fsm_buf buf = {0};
  bool usable = record->trigger != NULL && strlen(record->trigger) <= EVENT_TOKEN_MAX;
  bool known = record->mach != NULL && strlen(record->mach) <= FSM_MACHINE_ID_MAX;
  fsm_buf_printf(&buf, "%s.evt.", prefix);
  fsm__bus_token(&buf, known ? record->mach : NULL);
  fsm_buf_printf(&buf, ".%s.", fsm_record_kind_name(record->kind));
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
  char store[33], time[40];
  fsm__hex(origin->store, sizeof origin->store, store);
  fsm_time_format(r->time_ns, time, sizeof time);
  const char *type = fsm_arena_printf(arena, "fsm.%s.v1", fsm_record_kind_name(r->kind));
  const char *source = fsm_arena_printf(arena, "/fsm/%s/%u", store, (unsigned)origin->partition);
  const char *at = fsm_arena_strdup(arena, time);
  add(m, "ce-specversion", "1.0");
  add(m, "ce-id", m->id);
  add(m, "ce-type", type);
  add(m, "ce-source", source);
  add(m, "ce-time", at);
  add(m, "ce-subject", r->inst);
  return type != NULL && source != NULL && at != NULL;
}

static bool add_headers(fsm_arena *arena, const fsm_origin *origin, const fsm_record *r,
                        const fsm__hash *leaf, fsm__message *m) {
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm__hex(leaf->bytes, sizeof leaf->bytes, hex);
  const char *seq = fsm_arena_printf(arena, "%llu", (unsigned long long)r->seq);
  const char *leaf_text = fsm_arena_strdup(arena, hex);
  add(m, "Nats-Msg-Id", m->id);
  add(m, "Fsm-Seq", seq);
  add(m, "Fsm-Leaf", leaf_text);
  add(m, "Fsm-Instance", r->inst);
  add(m, "Fsm-Correlation-Id", r->corr);
  add(m, "Fsm-User", text_under(arena, &r->act, "sub"));
  add(m, "Fsm-Session", text_under(arena, &r->act, "sid"));
  add(m, "Fsm-Event", r->trigger);
  add(m, "Fsm-From", joined(arena, &r->from));
  add(m, "Fsm-To", joined(arena, &r->to));
  add(m, "traceparent", fsm__traceparent(arena, &r->trace));
  return add_cloud_event(arena, origin, r, m) && seq != NULL && leaf_text != NULL;
}

static size_t header_bytes(const fsm__message *m) {
  size_t bytes = 512; /* the status line and what the sender adds */
  for (size_t i = 0; i < m->header_count; i++) {
    size_t value = strlen(m->headers[i].value);
    bytes += strlen(m->headers[i].name) + (value < FSM_BUS_HEADER_MAX ? value : FSM_BUS_HEADER_MAX) + 4;
  }
  return bytes;
}

static fsm_code add_payload(fsm_arena *arena, const fsm_origin *origin, const fsm_record *record, bool masked,
                            size_t payload_max, fsm__message *m, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm_record_view(arena, record, origin, &view, err);
  if (code != FSM_OK) return code;
  fsm_buf buf = {0};
  fsm_json_write(&buf, &view);
  if (fsm_buf_ok(&buf) && payload_max > 0 && buf.len + header_bytes(m) > payload_max) {
    const size_t len = buf.len;
    fsm_buf_free(&buf);
    if (masked)
      return fsm_fail(
          err, FSM_ETOOLARGE, "payload",
          "%zu bytes of JSON are over the server's max_payload of %zu, and its stored bytes would "
          "show what x-pii masks",
          len, payload_max);
    add(m, "Content-Type", "application/msgpack");
    return FSM_OK; /* the stored bytes, as set by the caller */
  }
  add(m, "Content-Type", "application/json");
  m->len = buf.len;
  m->data = keep(arena, &buf);
  return m->data != NULL ? FSM_OK : no_memory(err);
}

fsm_code fsm__message_of(fsm_arena *arena, const fsm_origin *origin, const char *prefix, const void *data,
                         size_t len, const fsm__hash *leaf, const fsm_mask *mask, size_t payload_max,
                         fsm__message *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && origin != NULL && data != NULL && leaf != NULL && out != NULL);
  FSM_ASSERT(prefix != NULL && strlen(prefix) <= FSM_PREFIX_MAX);
  fsm_record record;
  bool masked = false;
  fsm_code code = fsm_record_decode(arena, data, len, &record, err);
  if (code == FSM_OK) code = fsm_mask_record(arena, mask, &record, &record, &masked, err);
  if (code != FSM_OK) return code;
  char id[FSM_MESSAGE_ID_MAX];
  fsm_record_id(origin, record.seq, id, sizeof id);
  fsm__message m = {.id = fsm_arena_strdup(arena, id), .data = data, .len = len};
  m.subject = subject_of(arena, prefix, &record);
  if (m.id == NULL || m.subject == NULL || !add_headers(arena, origin, &record, leaf, &m)) {
    return no_memory(err);
  }
  code = add_payload(arena, origin, &record, masked, payload_max, &m, err);
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
  if (!number_read(&at, '.', UINT32_MAX, &partition) || !number_read(&at, '.', UINT32_MAX, &epoch) ||
      !number_read(&at, '\0', UINT64_MAX, &n)) {
    return false;
  }
  found.partition = (uint32_t)partition;
  found.epoch = (uint32_t)epoch;
  *origin = found;
  *seq = n;
  return true;
}

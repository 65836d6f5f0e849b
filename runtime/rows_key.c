/* rows_key.c: keys of the store's rows, and the counters. Big-endian parts, so that memcmp orders them. */
#include <string.h>

#include "runtime/fsm_runtime.h"
#include "runtime/rows.h"

void fsm__key_add(fsm__key *key, const void *data, size_t len) {
  FSM_ASSERT(key->len + len <= sizeof key->bytes);
  if (len > 0) memcpy(key->bytes + key->len, data, len);
  key->len += len;
}

void fsm__key_u32(fsm__key *key, uint32_t u) {
  const uint8_t be[4] = {(uint8_t)(u >> 24), (uint8_t)(u >> 16), (uint8_t)(u >> 8), (uint8_t)u};
  fsm__key_add(key, be, sizeof be);
}

void fsm__key_u64(fsm__key *key, uint64_t u) {
  fsm__key_u32(key, (uint32_t)(u >> 32));
  fsm__key_u32(key, (uint32_t)u);
}

uint32_t fsm__key_read_u32(const void *at) {
  const uint8_t *b = at;
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t fsm__key_read_u64(const void *at) {
  return (uint64_t)fsm__key_read_u32(at) << 32 | fsm__key_read_u32((const uint8_t *)at + 4);
}

fsm__key fsm__key_instance(uint64_t number, char type, const void *id, size_t len) {
  fsm__key key = {.len = 0};
  fsm__key_u64(&key, number);
  fsm__key_add(&key, &type, 1);
  fsm__key_add(&key, id, len);
  return key;
}

static fsm__key due(int64_t ns, uint64_t order, uint64_t number, char type, const char *id) {
  FSM_ASSERT(ns >= 0);
  fsm__key key = {.len = 0};
  fsm__key_u64(&key, (uint64_t)ns);
  fsm__key_u64(&key, order);
  fsm__key_u64(&key, number);
  fsm__key_add(&key, &type, 1);
  fsm__key_add(&key, id, strlen(id));
  return key;
}

fsm__key fsm__key_due(int64_t ns, uint64_t number, char type, const char *id) {
  FSM_ASSERT(type != 't');
  return due(ns, 0, number, type, id);
}

fsm__key fsm__key_due_timer(uint64_t number, const fsm__timer *timer) {
  FSM_ASSERT(timer->seq <= FSM_TIMER_SEQ_MAX);
  return due(timer->due_ns, fsm__timer_order(timer), number, 't', timer->id);
}

fsm__key fsm__key_due_send(uint64_t number, const fsm__send *send) {
  FSM_ASSERT(send->seq <= FSM_TIMER_SEQ_MAX);
  return due(send->due_ns, send->seq << 16 | send->place, number, 'm', send->id);
}

fsm__key fsm__key_timer(uint64_t number, const fsm__timer *timer) {
  FSM_ASSERT(timer->seq <= FSM_TIMER_SEQ_MAX);
  fsm__key key = fsm__key_instance(number, 't', timer->id, strlen(timer->id) + 1);
  fsm__key_u64(&key, fsm__timer_order(timer));
  return key;
}

fsm__key fsm__key_by_state(uint32_t machine, uint32_t name, int64_t since_ns, uint64_t number) {
  FSM_ASSERT(since_ns >= 0);
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, machine);
  fsm__key_u32(&key, name);
  fsm__key_u64(&key, (uint64_t)since_ns);
  fsm__key_u64(&key, number);
  return key;
}

fsm__key fsm__key_business(uint32_t machine, const char *text) {
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, machine);
  fsm__key_add(&key, text, strlen(text));
  return key;
}

fsm__key fsm__key_ended(uint32_t machine, const char *text) {
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, machine);
  fsm__key_add(&key, "", 1); /* no business key has a zero byte */
  fsm__key_add(&key, text, strlen(text));
  return key;
}

uint32_t fsm__idem_span(int64_t now_ns) { return (uint32_t)(now_ns / FSM_IDEM_SPAN_NS); }

uint32_t fsm__idem_span_oldest(int64_t now_ns) {
  return now_ns < FSM_IDEM_TTL_NS ? 0 : fsm__idem_span(now_ns - FSM_IDEM_TTL_NS);
}

fsm__key fsm__key_start(int64_t now_ns, uint32_t machine, const uint8_t hash[16]) {
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, fsm__idem_span(now_ns));
  fsm__key_u32(&key, machine);
  fsm__key_add(&key, hash, 16);
  return key;
}

fsm__key fsm__key_idem(uint64_t number, int64_t now_ns, const uint8_t hash[16]) {
  fsm__key key = fsm__key_instance(number, 'i', NULL, 0);
  fsm__key_u32(&key, fsm__idem_span(now_ns));
  fsm__key_add(&key, hash, 16);
  return key;
}

fsm_code fsm__counter_read(fsm__store *store, const char *name, uint64_t *last, fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  *last = 0;
  fsm_code code = fsm__store_get(store, FSM_T_COUNTERS, name, strlen(name), &value, &len, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  if (len != 8) return fsm_fail(err, FSM_ECORRUPT, "store: counters", "the row \"%s\" is not a number", name);
  *last = fsm__key_read_u64(value);
  return FSM_OK;
}

void fsm__counter_put(fsm__store *store, const char *name, uint64_t value) {
  fsm__key be = {.len = 0};
  fsm__key_u64(&be, value);
  fsm__store_put(store, FSM_T_COUNTERS, name, strlen(name), be.bytes, be.len);
}

fsm_code fsm__counter_next(fsm__store *store, const char *name, uint64_t *next, fsm_error *err) {
  fsm_code code = fsm__counter_read(store, name, next, err);
  if (code == FSM_OK) fsm__counter_put(store, name, ++*next);
  return code;
}

static const char STARTS[] = "starts";

fsm_code fsm__starts_load(fsm__store *store, fsm__starts *out, fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  *out = (fsm__starts){.rows = 0};
  fsm_code code = fsm__store_get(store, FSM_T_COUNTERS, STARTS, strlen(STARTS), &value, &len, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  if (len != 8 + sizeof out->dropped)
    return fsm_fail(err, FSM_ECORRUPT, "store: counters", "the row of creations cannot be read");
  out->rows = fsm__key_read_u64(value);
  memcpy(out->dropped, (const uint8_t *)value + 8, sizeof out->dropped);
  return FSM_OK;
}

void fsm__starts_put(fsm__store *store, const fsm__starts *starts) {
  fsm__key value = {.len = 0};
  fsm__key_u64(&value, starts->rows);
  fsm__key_add(&value, starts->dropped, sizeof starts->dropped);
  fsm__store_put(store, FSM_T_COUNTERS, STARTS, strlen(STARTS), value.bytes, value.len);
}

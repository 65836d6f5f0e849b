/* pack.c: writing canonical msgpack. The only file that includes msgpack.h.
 *
 * msgpack-c's packer picks the shortest form of integers and lengths by itself; what it does not know
 * is checked here: finite doubles, valid UTF-8, ascending keys, depth. Its callback appends to an
 * fsm_buf, whose error is sticky, so its return values need no look.
 */
#include "schema/pack.h"

#include <msgpack.h>
#include <string.h>

#include "schema/pack_read.h"
#include "schema/utf8.h"

enum { EXT_DURATION = 1 };

/* Inlined with lengths known at compile time for all but bodies: a few stores each. */
static inline int append(void *user, const char *data, size_t len) {
  fsm_buf *buf = user;
  if (buf->failed || len > buf->cap - buf->len) {
    fsm_buf_add(buf, data, len);
  } else if (len) {
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
  }
  return 0;
}

static inline msgpack_packer packer(fsm_buf *buf) {
  msgpack_packer pk;
  msgpack_packer_init(&pk, buf, append);
  return pk;
}

/* ---- straight-line writers --------------------------------------------------------------------- */

void fsm_pack_map(fsm_buf *buf, uint32_t count) {
  msgpack_packer pk = packer(buf);
  msgpack_pack_map(&pk, count);
}

void fsm_pack_list(fsm_buf *buf, uint32_t count) {
  msgpack_packer pk = packer(buf);
  msgpack_pack_array(&pk, count);
}

void fsm_pack_uint(fsm_buf *buf, uint64_t u) {
  msgpack_packer pk = packer(buf);
  msgpack_pack_uint64(&pk, u);
}

void fsm_pack_int(fsm_buf *buf, int64_t i) {
  msgpack_packer pk = packer(buf);
  msgpack_pack_int64(&pk, i);
}

void fsm_pack_bool(fsm_buf *buf, bool b) {
  msgpack_packer pk = packer(buf);
  if (b)
    msgpack_pack_true(&pk);
  else
    msgpack_pack_false(&pk);
}

void fsm_pack_null(fsm_buf *buf) {
  msgpack_packer pk = packer(buf);
  msgpack_pack_nil(&pk);
}

void fsm_pack_text(fsm_buf *buf, const char *text, size_t len) {
  FSM_ASSERT(len <= UINT32_MAX);
  msgpack_packer pk = packer(buf);
  msgpack_pack_str_with_body(&pk, text, len);
}

void fsm_pack_bytes(fsm_buf *buf, const void *data, size_t len) {
  FSM_ASSERT(len <= UINT32_MAX);
  msgpack_packer pk = packer(buf);
  msgpack_pack_bin_with_body(&pk, data, len);
}

/* ---- any value --------------------------------------------------------------------------------- */

typedef struct writer {
  fsm_buf *buf;
  bool as_written; /* map keys in the order they come, not ascending */
  unsigned most;   /* levels */
  fsm_error *err;
} writer;

static fsm_code refuse(const writer *w, const char *text) {
  return fsm_fail(w->err, FSM_EARGUMENT, "", "%s", text);
}

static fsm_code write_value(const writer *w, const fsm_value *value, unsigned depth);

static fsm_code write_double(const writer *w, double d) {
  if (!__builtin_isfinite(d)) return refuse(w, "a double that is not finite cannot be stored");
  msgpack_packer pk = packer(w->buf);
  msgpack_pack_double(&pk, d);
  return FSM_OK;
}

static fsm_code write_text(const writer *w, const fsm_value *value) {
  if (!fsm__utf8_valid(value->s, value->len))
    return refuse(w, "a string that is not valid UTF-8 cannot be stored");
  fsm_pack_text(w->buf, value->s, value->len);
  return FSM_OK;
}

static fsm_code write_timestamp(const writer *w, const fsm_value *value) {
  if (value->len > 999999999) return refuse(w, "the nanoseconds of a timestamp are out of range");
  msgpack_packer pk = packer(w->buf);
  msgpack_timestamp time = {.tv_sec = value->i, .tv_nsec = value->len};
  msgpack_pack_timestamp(&pk, &time);
  return FSM_OK;
}

static fsm_code write_duration(const writer *w, const fsm_value *value) {
  int32_t nanos = (int32_t)value->len;
  bool mixed = (value->i > 0 && nanos < 0) || (value->i < 0 && nanos > 0);
  if (mixed || nanos < -999999999 || nanos > 999999999)
    return refuse(w, "the nanoseconds of a duration are out of range");
  uint8_t body[12];
  for (unsigned i = 0; i < 8; i++) body[i] = (uint8_t)((uint64_t)value->i >> (56 - 8 * i));
  for (unsigned i = 0; i < 4; i++) body[8 + i] = (uint8_t)(value->len >> (24 - 8 * i));
  msgpack_packer pk = packer(w->buf);
  msgpack_pack_ext_with_body(&pk, body, sizeof body, EXT_DURATION);
  return FSM_OK;
}

static fsm_code write_list(const writer *w, const fsm_value *list, unsigned depth) {
  fsm_pack_list(w->buf, list->len);
  for (uint32_t i = 0; i < list->len; i++) {
    fsm_code code = write_value(w, &list->items[i], depth);
    if (code) return code;
  }
  return FSM_OK;
}

/* As it is read back: an unsigned that fits is an int, so 5 and 5u are the same key. */
static fsm_value key_as_read(const fsm_value *key) {
  return key->type == FSM_UINT && key->u <= INT64_MAX ? fsm_int((int64_t)key->u) : *key;
}

static fsm_code write_map(const writer *w, const fsm_value *map, unsigned depth) {
  fsm_pack_map(w->buf, map->len);
  fsm_value before = fsm_null();
  for (uint32_t i = 0; i < map->len; i++) {
    fsm_value key = key_as_read(&map->pairs[i].key);
    if (i && !w->as_written && fsm_value_compare(&before, &key) >= 0)
      return refuse(w, "the keys of a map are not ascending and unique");
    before = key;
    fsm_code code = write_value(w, &key, depth);
    if (!code) code = write_value(w, &map->pairs[i].value, depth);
    if (code) return code;
  }
  return FSM_OK;
}

/* depth: levels that may still be opened. */
static fsm_code write_value(const writer *w, const fsm_value *value, unsigned depth) {
  switch ((fsm_type)value->type) {
    case FSM_NULL: fsm_pack_null(w->buf); return FSM_OK;
    case FSM_BOOL: fsm_pack_bool(w->buf, value->b); return FSM_OK;
    case FSM_INT: fsm_pack_int(w->buf, value->i); return FSM_OK;
    case FSM_UINT: fsm_pack_uint(w->buf, value->u); return FSM_OK;
    case FSM_DOUBLE: return write_double(w, value->d);
    case FSM_STRING: return write_text(w, value);
    case FSM_BYTES: fsm_pack_bytes(w->buf, value->s, value->len); return FSM_OK;
    case FSM_TIMESTAMP: return write_timestamp(w, value);
    case FSM_DURATION: return write_duration(w, value);
    case FSM_LIST:
    case FSM_MAP:
      if (!depth) return fsm_fail(w->err, FSM_ETOOLARGE, "", "the nesting is over the limit of %u", w->most);
      return value->type == FSM_MAP ? write_map(w, value, depth - 1) : write_list(w, value, depth - 1);
    case FSM_TYPE_COUNT: break;
  }
  return refuse(w, "the value is of no known type");
}

static fsm_code pack(fsm_buf *buf, const fsm_value *value, bool as_written, unsigned most, fsm_error *err) {
  FSM_ASSERT(buf && value);
  size_t start = buf->len;
  fsm_code code = write_value(&(writer){buf, as_written, most, err}, value, most);
  if (!code && buf->failed) code = fsm_fail(err, FSM_ENOMEM, "", "no memory to write a value");
  if (!code && buf->len - start > FSM_PACK_BYTES_MAX)
    code = fsm_fail(err, FSM_ETOOLARGE, "", "%zu bytes are over the limit of %d", buf->len - start,
                    FSM_PACK_BYTES_MAX);
  if (code) buf->len = start;
  return code;
}

fsm_code fsm_pack(fsm_buf *buf, const fsm_value *value, fsm_error *err) {
  return pack(buf, value, false, FSM_PACK_DEPTH_MAX, err);
}

fsm_code fsm__pack_document(fsm_buf *buf, const fsm_value *value, fsm_error *err) {
  return pack(buf, value, true, FSM__DOCUMENT_DEPTH_MAX, err);
}

const char *fsm_pack_library(void) { return msgpack_version(); }

/* pack_read.c: reading canonical msgpack.
 *
 * msgpack-c's own reader takes memory for what a length claims (five bytes can ask for gigabytes) and
 * ends at 32 levels, half of what is promised here; and what is not canonical must be found anyway,
 * byte by byte. So the bytes are read here: first a scan that takes no memory and bounds every count by
 * the bytes that are there, then the building of values. Tests hold it against msgpack-c's reader.
 *
 * Invariant: what fsm_unpack accepts, fsm_pack writes back as the same bytes.
 */
#include "schema/pack_read.h"

#include <stdio.h>
#include <string.h>

#include "schema/utf8.h"

enum { EXT_TIMESTAMP = -1, EXT_DURATION = 1 };
enum { NANOS = 1000000000 };

static const char too_short[] = "the bytes end inside a value";
static const char not_shortest[] = "a number or length is not in its shortest form";

static uint64_t big_endian(const uint8_t *p, unsigned size) {
  uint64_t u = 0;
  for (unsigned i = 0; i < size; i++) u = u << 8 | p[i];
  return u;
}

/* The unsigned number of `size` bytes after the head byte; advances behind it. */
static bool take(fsm__reader *r, unsigned size, uint64_t *out) {
  if ((size_t)(r->end - r->at) < 1 + (size_t)size) return false;
  *out = big_endian(r->at + 1, size);
  r->at += 1 + size;
  return true;
}

/* ---- scalars ----------------------------------------------------------------------------------- */

static const char *read_unsigned(fsm__reader *r, unsigned size, fsm_value *out) {
  static const uint64_t least[9] = {[1] = 128, [2] = 1u << 8, [4] = 1u << 16, [8] = (uint64_t)1 << 32};
  uint64_t u;
  if (!take(r, size, &u)) return too_short;
  if (u < least[size]) return not_shortest;
  *out = u <= INT64_MAX ? fsm_int((int64_t)u) : fsm_uint(u);
  return NULL;
}

static const char *read_signed(fsm__reader *r, unsigned size, fsm_value *out) {
  static const int64_t most[9] = {[1] = -33, [2] = INT8_MIN - 1, [4] = INT16_MIN - 1, [8] = INT32_MIN - 1LL};
  uint64_t u;
  if (!take(r, size, &u)) return too_short;
  unsigned unused = 64 - 8 * size;
  int64_t i = (int64_t)(u << unused) >> unused;
  if (i > most[size]) return not_shortest;
  *out = fsm_int(i);
  return NULL;
}

static const char *read_double(fsm__reader *r, fsm_value *out) {
  uint64_t bits;
  double d;
  if (!take(r, 8, &bits)) return too_short;
  memcpy(&d, &bits, sizeof d);
  if (!__builtin_isfinite(d)) return "a double is not finite";
  *out = fsm_double(d);
  return NULL;
}

/* ---- strings, bytes, extensions ---------------------------------------------------------------- */

static const char *read_text(fsm__reader *r, uint64_t len, fsm_value *out) {
  if (len > (uint64_t)(r->end - r->at)) return too_short;
  if (!fsm__utf8_valid((const char *)r->at, len)) return "a string is not valid UTF-8";
  *out = fsm_stringn((const char *)r->at, len);
  r->at += len;
  return NULL;
}

static const char *read_bytes(fsm__reader *r, uint64_t len, fsm_value *out) {
  if (len > (uint64_t)(r->end - r->at)) return too_short;
  *out = fsm_bytes(r->at, len);
  r->at += len;
  return NULL;
}

static const char *read_timestamp(const uint8_t *p, uint64_t len, fsm_value *out) {
  int64_t seconds;
  uint32_t nanos = 0;
  uint64_t low = (uint64_t)1 << 32, high = (uint64_t)1 << 34;
  if (len == 4) {
    seconds = (int64_t)big_endian(p, 4);
  } else if (len == 8) {
    uint64_t both = big_endian(p, 8);
    nanos = (uint32_t)(both >> 34);
    seconds = (int64_t)(both & (high - 1));
    if (!nanos && (uint64_t)seconds < low) return not_shortest;
  } else if (len == 12) {
    nanos = (uint32_t)big_endian(p, 4);
    seconds = (int64_t)big_endian(p + 4, 8);
    if (seconds >= 0 && (uint64_t)seconds < high) return not_shortest;
  } else {
    return "a timestamp has an unknown length";
  }
  if (nanos >= NANOS) return "the nanoseconds of a timestamp are out of range";
  *out = (fsm_value){.type = FSM_TIMESTAMP, .len = nanos, .i = seconds};
  return NULL;
}

static const char *read_duration(const uint8_t *p, uint64_t len, fsm_value *out) {
  if (len != 12) return "a duration has an unknown length";
  int64_t seconds = (int64_t)big_endian(p, 8);
  int32_t nanos = (int32_t)(uint32_t)big_endian(p + 8, 4);
  bool mixed = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
  if (mixed || nanos <= -NANOS || nanos >= NANOS) return "the nanoseconds of a duration are out of range";
  *out = (fsm_value){.type = FSM_DURATION, .len = (uint32_t)nanos, .i = seconds};
  return NULL;
}

/* At the type byte of an extension of len bytes. */
static const char *read_extension(fsm__reader *r, uint64_t len, fsm_value *out) {
  if (len + 1 > (uint64_t)(r->end - r->at)) return too_short;
  int8_t type = (int8_t)r->at[0];
  const uint8_t *body = r->at + 1;
  r->at += 1 + len;
  if (type == EXT_TIMESTAMP) return read_timestamp(body, len, out);
  if (type == EXT_DURATION) return read_duration(body, len, out);
  return "an extension type is not known here";
}

static const char *read_container(fsm__reader *r, uint64_t count, fsm_type type, fsm_value *out) {
  uint64_t least = type == FSM_MAP ? 2 * count : count;
  if (least > (uint64_t)(r->end - r->at)) return "a count is larger than the bytes that follow";
  *out = (fsm_value){.type = (uint8_t)type, .len = (uint32_t)count};
  return NULL;
}

/* A length field of `size` bytes whose value must not fit a shorter form. */
static const char *read_length(fsm__reader *r, unsigned size, uint64_t least, uint64_t *len) {
  if (!take(r, size, len)) return too_short;
  return *len < least ? not_shortest : NULL;
}

/* The heads 0xC0..0xDF. */
static const char *read_headed(fsm__reader *r, uint8_t head, fsm_value *out) {
  uint64_t len = 0;
  const char *fault;
  switch (head) {
    case 0xC0: *out = fsm_null(); return r->at++, NULL;
    case 0xC2:
    case 0xC3: *out = fsm_bool(head == 0xC3); return r->at++, NULL;
    case 0xC4: return (fault = read_length(r, 1, 0, &len)) ? fault : read_bytes(r, len, out);
    case 0xC5: return (fault = read_length(r, 2, 1u << 8, &len)) ? fault : read_bytes(r, len, out);
    case 0xC6: return (fault = read_length(r, 4, 1u << 16, &len)) ? fault : read_bytes(r, len, out);
    case 0xC7: return (fault = read_length(r, 1, 0, &len)) ? fault : read_extension(r, len, out);
    case 0xCA: return "a float is not 64 bits wide";
    case 0xCB: return read_double(r, out);
    case 0xCC: return read_unsigned(r, 1, out);
    case 0xCD: return read_unsigned(r, 2, out);
    case 0xCE: return read_unsigned(r, 4, out);
    case 0xCF: return read_unsigned(r, 8, out);
    case 0xD0: return read_signed(r, 1, out);
    case 0xD1: return read_signed(r, 2, out);
    case 0xD2: return read_signed(r, 4, out);
    case 0xD3: return read_signed(r, 8, out);
    case 0xD6: return r->at++, read_extension(r, 4, out);
    case 0xD7: return r->at++, read_extension(r, 8, out);
    case 0xD9: return (fault = read_length(r, 1, 32, &len)) ? fault : read_text(r, len, out);
    case 0xDA: return (fault = read_length(r, 2, 1u << 8, &len)) ? fault : read_text(r, len, out);
    case 0xDB: return (fault = read_length(r, 4, 1u << 16, &len)) ? fault : read_text(r, len, out);
    case 0xDC: return (fault = read_length(r, 2, 16, &len)) ? fault : read_container(r, len, FSM_LIST, out);
    case 0xDD:
      return (fault = read_length(r, 4, 1u << 16, &len)) ? fault : read_container(r, len, FSM_LIST, out);
    case 0xDE: return (fault = read_length(r, 2, 16, &len)) ? fault : read_container(r, len, FSM_MAP, out);
    case 0xDF:
      return (fault = read_length(r, 4, 1u << 16, &len)) ? fault : read_container(r, len, FSM_MAP, out);
    default: return "a byte begins no value that is used here";
  }
}

static const char *read_token(fsm__reader *r, fsm_value *out) {
  if (r->at == r->end) return too_short;
  uint8_t head = *r->at;
  if (head < 0x80 || head >= 0xE0) {
    *out = fsm_int((int8_t)head);
    return r->at++, NULL;
  }
  if (head >= 0xC0) return read_headed(r, head, out);
  r->at++;
  if (head >= 0xA0) return read_text(r, head & 0x1F, out);
  return read_container(r, head & 0x0F, head < 0x90 ? FSM_MAP : FSM_LIST, out);
}

const char *fsm__read_token(fsm__reader *reader, fsm_value *out) {
  FSM_ASSERT(reader->at <= reader->end);
  const uint8_t *before = reader->at;
  const char *fault = read_token(reader, out);
  if (fault) reader->at = before;
  return fault;
}

/* ---- whole values ------------------------------------------------------------------------------ */

const char *fsm__read_scan(fsm__reader *reader, unsigned depth) {
  FSM_ASSERT(depth <= FSM_PACK_DEPTH_MAX);
  FSM_UNSET uint64_t left[FSM_PACK_DEPTH_MAX + 1]; /* items still to come, per open container */
  unsigned open = 0;
  left[0] = 1;
  for (;;) {
    while (left[open] == 0) {
      if (open == 0) return NULL;
      open--;
    }
    left[open]--;
    fsm_value token;
    const char *fault = fsm__read_token(reader, &token);
    if (fault) return fault;
    if (token.type != FSM_LIST && token.type != FSM_MAP) continue;
    if (open == depth) return "the nesting is over the limit";
    left[++open] = token.type == FSM_MAP ? 2 * (uint64_t)token.len : token.len;
  }
}

/* What the heads 0xC0..0xDF have behind them: a fixed number of bytes, or a length of so many. */
static const struct {
  uint8_t fixed, length;
} behind[32] = {
    [0x04] = {0, 1}, [0x05] = {0, 2}, [0x06] = {0, 4}, [0x07] = {1, 1}, [0x0B] = {8, 0}, [0x0C] = {1, 0},
    [0x0D] = {2, 0}, [0x0E] = {4, 0}, [0x0F] = {8, 0}, [0x10] = {1, 0}, [0x11] = {2, 0}, [0x12] = {4, 0},
    [0x13] = {8, 0}, [0x16] = {5, 0}, [0x17] = {9, 0}, [0x19] = {0, 1}, [0x1A] = {0, 2}, [0x1B] = {0, 4},
    [0x1C] = {0, 2}, [0x1D] = {0, 4}, [0x1E] = {0, 2}, [0x1F] = {0, 4}};

bool fsm__read_skip(fsm__reader *reader) {
  const uint8_t *at = reader->at, *const end = reader->end;
  for (uint64_t left = 1; left > 0; left--) {
    if (at == end) return false;
    const uint8_t head = *at++;
    uint64_t bytes = 0, items = 0;
    if (head >= 0xC0 && head < 0xE0) {
      const unsigned length = behind[head & 0x1F].length;
      if ((size_t)(end - at) < length) return false;
      const uint64_t count = big_endian(at, length);
      at += length;
      items = head >= 0xDE ? 2 * count : head >= 0xDC ? count : 0;
      bytes = behind[head & 0x1F].fixed + (head >= 0xDC ? 0 : count);
    } else if (head >= 0xA0 && head < 0xC0) {
      bytes = head & 0x1F;
    } else if (head >= 0x80 && head < 0xA0) {
      items = head < 0x90 ? 2 * (head & 0x0Fu) : head & 0x0Fu;
    }
    if (bytes > (uint64_t)(end - at) || items > (uint64_t)(end - at)) return false;
    at += bytes;
    left += items;
  }
  reader->at = at;
  return true;
}

static fsm_code fail_at(const fsm__reader *reader, const char *fault, fsm_error *err) {
  char where[32];
  snprintf(where, sizeof where, "byte %zu", (size_t)(reader->at - reader->start));
  return fsm_fail(err, FSM_EMALFORMED, where, "%s", fault);
}

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to read a value");
}

/* Behind a scan: the structure is known to be sound and at most FSM_PACK_DEPTH_MAX deep. */
static fsm_code build(fsm__reader *r, fsm_arena *arena, fsm_value *out, fsm_error *err);

static fsm_code build_list(fsm__reader *r, fsm_arena *arena, uint32_t count, fsm_value *out, fsm_error *err) {
  fsm_value *items = count ? fsm_arena_alloc(arena, count * sizeof *items) : NULL;
  if (count && !items) return no_memory(err);
  for (uint32_t i = 0; i < count; i++) {
    fsm_code code = build(r, arena, &items[i], err);
    if (code) return code;
  }
  *out = fsm_list(items, count);
  return FSM_OK;
}

static fsm_code build_map(fsm__reader *r, fsm_arena *arena, uint32_t count, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = count ? fsm_arena_alloc(arena, count * sizeof *pairs) : NULL;
  if (count && !pairs) return no_memory(err);
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *key_at = r->at;
    fsm_code code = build(r, arena, &pairs[i].key, err);
    if (code) return code;
    if (i && fsm_value_compare(&pairs[i - 1].key, &pairs[i].key) >= 0) {
      r->at = key_at;
      return fail_at(r, "the keys of a map are not ascending and unique", err);
    }
    code = build(r, arena, &pairs[i].value, err);
    if (code) return code;
  }
  *out = (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs};
  return FSM_OK;
}

static fsm_code build(fsm__reader *r, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_value token;
  const char *fault = fsm__read_token(r, &token);
  if (fault) return fail_at(r, fault, err);
  if (token.type == FSM_LIST) return build_list(r, arena, token.len, out, err);
  if (token.type == FSM_MAP) return build_map(r, arena, token.len, out, err);
  *out = token;
  return FSM_OK;
}

fsm_code fsm__read_value(fsm__reader *reader, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  FSM_ASSERT(arena && out);
  fsm__reader scan = *reader;
  const char *fault = fsm__read_scan(&scan, FSM_PACK_DEPTH_MAX);
  if (fault) return fail_at(&scan, fault, err);
  fsm_value value;
  fsm_code code = build(reader, arena, &value, err);
  if (!code) *out = value;
  return code;
}

fsm_code fsm_unpack(fsm_arena *arena, const void *data, size_t len, fsm_value *out, fsm_error *err) {
  FSM_ASSERT(arena && out && (data || !len));
  if (len > FSM_PACK_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "%zu bytes are over the limit of %d", len, FSM_PACK_BYTES_MAX);
  fsm__reader reader = fsm__reader_of(data, len);
  fsm_value value;
  fsm_code code = fsm__read_value(&reader, arena, &value, err);
  if (code) return code;
  if (reader.at != reader.end) return fail_at(&reader, "there are bytes behind the value", err);
  *out = value;
  return FSM_OK;
}

/* expr_zone_read.c: a TZif file (RFC 8536) into the rules of a zone.
 *
 *   header, data with 32-bit times; from version 2 on: header, data with 64-bit times, "\n" rule "\n"
 *
 * The bytes come from a disk and are not trusted: every count is bounded before it is used, every index is
 * checked, and nothing behind the end is read. Of a newer file only the second half is used. Names of zones,
 * and which times were "standard" or "UT" in the source, do not matter here.
 */
#include <string.h>

#include "fsm/expr_time_text.h"
#include "fsm/expr_zone.h"

typedef struct header {
  uint8_t version; /* 1 … 4 */
  uint32_t isut, isstd, leaps, times, types, chars;
} header;

enum { HEADER = 44, TYPE = 6 /* bytes of each */ };

static uint32_t big32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t big64(const uint8_t *at) { return (int64_t)((uint64_t)big32(at) << 32 | big32(at + 4)); }

static const char *read_header(const uint8_t *data, size_t len, header *out) {
  if (len < HEADER || memcmp(data, "TZif", 4) != 0) return "it is not a TZif file";
  if (data[4] != 0 && (data[4] < '2' || data[4] > '4')) return "its version of TZif is not known";
  *out = (header){.version = data[4] ? data[4] - '0' : 1,
                  .isut = big32(data + 20),
                  .isstd = big32(data + 24),
                  .leaps = big32(data + 28),
                  .times = big32(data + 32),
                  .types = big32(data + 36),
                  .chars = big32(data + 40)};
  if (out->types == 0 || out->types > 256 || out->chars == 0 || out->chars > 256 ||
      (out->isut && out->isut != out->types) || (out->isstd && out->isstd != out->types))
    return "its header contradicts itself";
  if (out->times > FSM__ZONE_TIMES_MAX) return "it has more than 2000 transitions";
  return out->leaps ? "it counts leap seconds, which timestamps do not" : NULL;
}

/* The bytes of a header's data, with times of `width` bytes; all counts are bounded. */
static size_t data_size(const header *h, size_t width) {
  return h->times * (width + 1) + h->types * (size_t)TYPE + h->chars + h->isstd + h->isut;
}

static const char *read_type(const uint8_t *type, const header *h, int32_t *offset) {
  int64_t value = (int32_t)big32(type);
  if (value <= -FSM__ZONE_OFFSET_MAX || value >= FSM__ZONE_OFFSET_MAX)
    return "an offset in it is more than 26 hours";
  if (type[4] > 1 || type[5] >= h->chars) return "a local time type in it is damaged";
  *offset = (int32_t)value;
  return NULL;
}

/* The data behind a header, which is known to be there; at and offsets have room for all transitions. */
static const char *read_data(const uint8_t *data, const header *h, size_t width, fsm__zone *zone, int64_t *at,
                             int32_t *offsets) {
  const uint8_t *indexes = data + h->times * width, *types = indexes + h->times;
  int32_t by_type[256];
  for (uint32_t i = 0; i < h->types; i++) {
    const char *reason = read_type(types + (size_t)i * TYPE, h, &by_type[i]);
    if (reason) return reason;
  }
  for (uint32_t i = 0; i < h->times; i++) {
    const uint8_t *time = data + i * width;
    at[i] = width == 8 ? big64(time) : (int32_t)big32(time);
    if (i && at[i] <= at[i - 1]) return "its transitions are not in ascending order";
    if (indexes[i] >= h->types) return "a transition in it has no local time type";
    offsets[i] = by_type[indexes[i]];
  }
  zone->before = by_type[0];
  zone->count = h->times;
  zone->at = at;
  zone->offsets = offsets;
  return NULL;
}

/* "\n" rule "\n", and the end of the file. */
static const char *read_footer(const uint8_t *data, size_t len, fsm__zone *zone) {
  if (len < 2 || data[0] != '\n' || data[len - 1] != '\n' || memchr(data + 1, '\n', len - 2))
    return "it does not end with a rule for later times";
  zone->ruled = len > 2;
  return zone->ruled ? fsm__zone_rule_read((const char *)data + 1, len - 2, &zone->rule) : NULL;
}

fsm_code fsm__zone_read(fsm_arena *arena, const void *bytes, size_t len, fsm__zone *zone,
                        const char **reason) {
  FSM_ASSERT(arena && (bytes || !len) && zone && reason);
  const uint8_t *data = bytes;
  header h;
  *zone = (fsm__zone){0};
  *reason = "it is longer than 64 KB";
  if (len > FSM__ZONE_BYTES_MAX) return FSM_ETOOLARGE;
  if ((*reason = read_header(data, len, &h))) return FSM_EMALFORMED;
  size_t width = 4, begin = HEADER, size = data_size(&h, width);
  bool newer = h.version > 1;
  if (newer && size <= len - begin) {
    begin += size;
    if ((*reason = read_header(data + begin, len - begin, &h))) return FSM_EMALFORMED;
    begin += HEADER;
    width = 8, size = data_size(&h, width);
  }
  *reason = "it ends too early";
  if (size > len - begin) return FSM_EMALFORMED;
  int64_t *at = fsm_arena_zalloc(arena, h.times, sizeof *at);
  int32_t *offsets = fsm_arena_zalloc(arena, h.times, sizeof *offsets);
  if (h.times && (!at || !offsets)) return FSM_ENOMEM;
  *reason = read_data(data + begin, &h, width, zone, at, offsets);
  if (!*reason && newer) *reason = read_footer(data + begin + size, len - begin - size, zone);
  return *reason ? FSM_EMALFORMED : FSM_OK;
}

/* needle.c: a text that is looked for in bytes, whatever the case of its letters. See needle.h. */
#include "runtime/needle.h"

#include <string.h>

#include "schema/utf8.h"

/* ---- case --------------------------------------------------------------------------------------- */

static uint32_t decoded(const uint8_t *at) { return (uint32_t)(at[0] & 0x1F) << 6 | (at[1] & 0x3F); }

static void encode(uint32_t c, uint8_t out[2]) {
  out[0] = (uint8_t)(0xC0 | c >> 6);
  out[1] = (uint8_t)(0x80 | (c & 0x3F));
}

/* Letters of two bytes whose other case is so far away: the first and last large ones, every how many, the
 * way. */
static const struct {
  uint16_t first, last;
  uint8_t step, way;
} pairs[] = {
    {0x00C0, 0x00D6, 1, 32}, {0x00D8, 0x00DE, 1, 32}, {0x0100, 0x012E, 2, 1},  {0x0132, 0x0136, 2, 1},
    {0x0139, 0x0147, 2, 1},  {0x014A, 0x0176, 2, 1},  {0x0179, 0x017D, 2, 1},  {0x0391, 0x03A1, 1, 32},
    {0x03A3, 0x03AB, 1, 32}, {0x0386, 0x0386, 1, 38}, {0x0388, 0x038A, 1, 37}, {0x038C, 0x038C, 1, 64},
    {0x038E, 0x038F, 1, 63}, {0x0400, 0x040F, 1, 80}, {0x0410, 0x042F, 1, 32}, {0x0460, 0x0480, 2, 1},
    {0x048A, 0x04BE, 2, 1},  {0x04D0, 0x04FE, 2, 1},
};

static void cases_of(uint32_t c, uint32_t *small, uint32_t *large) {
  *small = *large = c;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    const uint32_t first = pairs[i].first, last = pairs[i].last, way = pairs[i].way;
    if (c >= first && c <= last && (c - first) % pairs[i].step == 0) *small = c + way;
    if (c >= first + way && c <= last + way && (c - way - first) % pairs[i].step == 0) *large = c - way;
  }
}

static size_t width_of(uint8_t first) { return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4; }

static void add_character(fsm__needle *needle, const uint8_t *at) {
  const size_t width = width_of(*at), to = needle->len;
  memcpy(needle->small + to, at, width);
  memcpy(needle->large + to, at, width);
  needle->width[to] = (uint8_t)width;
  needle->len += width;
  if (width == 1 && ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')) {
    needle->small[to] = *at | 0x20;
    needle->large[to] = (uint8_t)(*at & ~0x20);
  } else if (width == 2) {
    uint32_t small, large;
    cases_of(decoded(at), &small, &large);
    encode(small, needle->small + to);
    encode(large, needle->large + to);
  }
}

/* ---- which bytes to ask ------------------------------------------------------------------------- */

/* How common a byte is in records: texts, ids with digits, and hashes, in which all bytes are. */
static unsigned commonness(uint8_t byte) {
  static const char letters[] = "zqjxkvbwyfgpumcdhlsrinotae";
  const uint8_t small = byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
  const char *at = small >= 'a' && small <= 'z' ? strchr(letters, small) : NULL;
  if (at != NULL) return 20 + 4 * (unsigned)(at - letters);
  if (byte == ' ' || byte == '0') return 130;
  if (byte > '0' && byte <= '9') return 110;
  return byte < 0x80 ? 30 : 10 + (byte >= 0xC0 ? 20 : 0);
}

static void choose_probes(fsm__needle *needle) {
  size_t best[2] = {0, 0};
  for (size_t i = 1; i < needle->len; i++) {
    if (commonness(needle->small[i]) < commonness(needle->small[best[0]]))
      best[1] = best[0], best[0] = i;
    else if (best[1] == best[0] || commonness(needle->small[i]) < commonness(needle->small[best[1]]))
      best[1] = i;
  }
  for (unsigned k = 0; k < 2; k++) {
    const uint8_t either = needle->small[best[k]] ^ needle->large[best[k]];
    needle->probe[k].at = best[k];
    needle->probe[k].either = either;
    needle->probe[k].byte = needle->small[best[k]] | either;
  }
}

fsm_code fsm__needle_read(const char *text, fsm__needle *out, fsm_error *err) {
  const size_t len = text != NULL ? strlen(text) : 0;
  if (len < FSM_SEARCH_TEXT_MIN || len > FSM_SEARCH_TEXT_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "q", "a text of %d to %d bytes can be searched for",
                    FSM_SEARCH_TEXT_MIN, FSM_SEARCH_TEXT_MAX);
  if (!fsm__utf8_valid(text, len))
    return fsm_fail(err, FSM_EARGUMENT, "q", "the text to search for is not UTF-8");
  if (strspn(text, " \t\r\n") == len)
    return fsm_fail(err, FSM_EARGUMENT, "q", "blanks alone cannot be searched for");
  memset(out, 0, sizeof *out);
  while (out->len < len) add_character(out, (const uint8_t *)text + out->len);
  choose_probes(out);
  return FSM_OK;
}

/* ---- the scan ----------------------------------------------------------------------------------- */

static bool is_at(const fsm__needle *needle, const uint8_t *at) {
  for (size_t i = 0; i < needle->len; i += needle->width[i])
    if (memcmp(at + i, needle->small + i, needle->width[i]) != 0 &&
        memcmp(at + i, needle->large + i, needle->width[i]) != 0)
      return false;
  return true;
}

enum { LANE = 16, LANES = 4, STRIDE = LANE * LANES };
typedef uint8_t lane __attribute__((vector_size(LANE)));
typedef uint64_t words __attribute__((vector_size(LANE)));

static lane load(const uint8_t *at) {
  lane out;
  memcpy(&out, at, sizeof out);
  return out;
}

/* May it be at one of the STRIDE places from here on? */
static bool may_be(const fsm__needle *needle, const uint8_t *at) {
  const uint8_t *a = at + needle->probe[0].at, *b = at + needle->probe[1].at;
  lane any = {0};
  for (unsigned i = 0; i < STRIDE; i += LANE)
    any |= (lane)(((load(a + i) | needle->probe[0].either) == needle->probe[0].byte) &
                  ((load(b + i) | needle->probe[1].either) == needle->probe[1].byte));
  const words all = (words)any;
  return (all[0] | all[1]) != 0;
}

static const uint8_t *one_by_one(const fsm__needle *needle, const uint8_t *at, const uint8_t *end) {
  for (; at < end; at++)
    if ((at[needle->probe[0].at] | needle->probe[0].either) == needle->probe[0].byte &&
        (at[needle->probe[1].at] | needle->probe[1].either) == needle->probe[1].byte && is_at(needle, at))
      return at;
  return NULL;
}

const uint8_t *fsm__needle_find(const fsm__needle *needle, const void *data, size_t len) {
  if (len < needle->len) return NULL;
  const uint8_t *at = data, *end = at + len - needle->len + 1; /* places where it may begin */
  for (; end - at >= STRIDE; at += STRIDE) {
    if (!may_be(needle, at)) continue;
    const uint8_t *found = one_by_one(needle, at, at + STRIDE);
    if (found != NULL) return found;
  }
  return one_by_one(needle, at, end);
}

/* format_put.h: the pieces of JSON text, put straight into memory that is known to be large enough. What
 * fsm_json_write gives, byte for byte, at the speed of a copy: plain bytes eight at a time, hex four bytes at
 * a time, numbers two digits at a time, times by arithmetic.
 */
#ifndef FSM_RUNTIME_FORMAT_PUT_H
#define FSM_RUNTIME_FORMAT_PUT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/expr_time_text.h"
#include "fsm/fsm.h"
#include "schema/utf8.h"

static const char fsm__two_digits[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline char *fsm__put(char *to, const char *text, size_t len) {
  memcpy(to, text, len);
  return to + len;
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static inline char *fsm__put_two(char *to, unsigned n) { return fsm__put(to, fsm__two_digits + 2 * n, 2); }

static inline char *fsm__put_unsigned(char *to, uint64_t u) {
  char text[20], *at = text + sizeof text;
  while (u >= 100) {
    at -= 2;
    memcpy(at, fsm__two_digits + 2 * (u % 100), 2);
    u /= 100;
  }
  if (u >= 10) {
    at -= 2;
    memcpy(at, fsm__two_digits + 2 * u, 2);
  } else {
    *--at = (char)('0' + u);
  }
  return fsm__put(to, at, (size_t)(text + sizeof text - at));
}

/* Beyond 2^53 as a string. */
static inline char *fsm__put_number(char *to, bool negative, uint64_t u) {
  bool quote = u > (uint64_t)1 << 53;
  if (quote) *to++ = '"';
  if (negative) *to++ = '-';
  to = fsm__put_unsigned(to, u);
  if (quote) *to++ = '"';
  return to;
}

static inline char *fsm__put_int(char *to, int64_t i) {
  return fsm__put_number(to, i < 0, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

/* A decimal of at most 15 digits and `places` of fraction that reads back as d: these are then the digits
 * that
 * %.15g gives, less its zeros at the end. */
static inline char *fsm__put_decimal(char *to, bool negative, uint64_t scaled, unsigned places) {
  static const uint64_t scale[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  if (negative) *to++ = '-';
  to = fsm__put_unsigned(to, scaled / scale[places]);
  *to++ = '.';
  uint64_t rest = scaled % scale[places];
  if (rest == 0) {
    *to++ = '0';
    return to;
  }
  for (unsigned i = places; i-- > 0 && rest > 0; rest %= scale[i]) *to++ = (char)('0' + rest / scale[i]);
  return to;
}

char *fsm__put_any_double(char *to, double d); /* format_value.c */

static inline char *fsm__put_double(char *to, double d) {
  const double size = __builtin_fabs(d);
  if (size >= 1 && size < 1e15 && size == (double)(uint64_t)size)
    return fsm__put_decimal(to, d < 0, (uint64_t)size, 0);
  if (size < 1e9 && (size >= 1e-4 || d == 0) && !(d == 0 && __builtin_signbit(d))) {
    uint64_t cents = (uint64_t)(size * 100 + 0.5), millionths = (uint64_t)(size * 1e6 + 0.5);
    if ((double)cents / 100 == size) return fsm__put_decimal(to, d < 0, cents, 2);
    if ((double)millionths / 1e6 == size && millionths < UINT64_C(1000000000000000))
      return fsm__put_decimal(to, d < 0, millionths, 6);
  }
  return fsm__put_any_double(to, d);
}

/* ---- hex ----------------------------------------------------------------------------------------- */

static inline char *fsm__put_hex_4(char *to, const uint8_t *from) {
  uint32_t four;
  memcpy(&four, from, 4);
  uint64_t v = four;
  v = (v | v << 16) & UINT64_C(0x0000FFFF0000FFFF);
  v = (v | v << 8) & UINT64_C(0x00FF00FF00FF00FF);
  v = (v >> 4 & UINT64_C(0x000F000F000F000F)) | (v & UINT64_C(0x000F000F000F000F)) << 8;
  uint64_t letters = (v + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
  v += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
  memcpy(to, &v, 8);
  return to + 8;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hex is put by words of little endian");

static inline char *fsm__put_hex(char *to, const void *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *from = data;
  for (; len >= 4; len -= 4, from += 4) to = fsm__put_hex_4(to, from);
  for (; len > 0; len--, from++) {
    *to++ = digits[*from >> 4];
    *to++ = digits[*from & 15];
  }
  return to;
}

/* ---- times --------------------------------------------------------------------------------------- */

/* As fsm_time_format: years 1677 to 2262 have four digits. */
static inline char *fsm__put_time(char *to, int64_t ns) {
  int64_t seconds = ns / 1000000000, nanos = ns % 1000000000;
  if (nanos < 0) seconds--, nanos += 1000000000;
  unsigned of_day;
  fsm__date date = fsm__date_of(fsm__split_days(seconds, &of_day));
  to = fsm__put_two(to, (unsigned)date.year / 100);
  to = fsm__put_two(to, (unsigned)date.year % 100);
  *to++ = '-';
  to = fsm__put_two(to, date.month);
  *to++ = '-';
  to = fsm__put_two(to, date.day);
  *to++ = 'T';
  to = fsm__put_two(to, of_day / 3600);
  *to++ = ':';
  to = fsm__put_two(to, of_day / 60 % 60);
  *to++ = ':';
  to = fsm__put_two(to, of_day % 60);
  if (nanos != 0) {
    *to++ = '.';
    unsigned places = nanos % 1000000 == 0 ? 3 : nanos % 1000 == 0 ? 6 : 9;
    for (unsigned unit = 100000000; places > 0; places--, unit /= 10)
      *to++ = (char)('0' + (unsigned)nanos / unit % 10);
  }
  *to++ = 'Z';
  return to;
}

/* ---- strings ------------------------------------------------------------------------------------- */

#define FSM__EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte that cannot be copied as it is: a control character, ", \, DEL, or no ASCII.
 * Bytes above the lowest one that is marked may be marked in error. */
static inline uint64_t fsm__special(uint64_t word) {
  uint64_t quote = word ^ FSM__EACH('"'), slash = word ^ FSM__EACH('\\'), del = word ^ FSM__EACH(0x7F);
  uint64_t found =
      (word - FSM__EACH(0x20)) | (quote - FSM__EACH(1)) | (slash - FSM__EACH(1)) | (del - FSM__EACH(1));
  return (found | word) & FSM__EACH(0x80);
}

static inline bool fsm__is_plain(unsigned char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

char *fsm__put_special(char *to, const char **at, const char *end); /* format_value.c; NULL: no UTF-8 */

/* The text with its quotes. NULL: it is no UTF-8. What lies behind it may be read up to `readable`, never
 * shown. */
static inline char *fsm__put_text(char *to, const char *at, size_t len, const char *readable) {
  const char *end = at + len;
  *to++ = '"';
  while (at < end) {
    if (readable - at >= 8) {
      uint64_t word;
      memcpy(&word, at, 8);
      uint64_t found = fsm__special(word);
      memcpy(to, &word, 8);
      size_t run = found ? (size_t)__builtin_ctzll(found) / 8 : 8;
      if (run > (size_t)(end - at)) run = (size_t)(end - at);
      at += run;
      to += run;
      if (run == 8 || at == end) continue;
    } else if (fsm__is_plain((unsigned char)*at)) {
      *to++ = *at++;
      continue;
    }
    to = fsm__put_special(to, &at, end);
    if (to == NULL) return NULL;
  }
  *to++ = '"';
  return to;
}

#endif

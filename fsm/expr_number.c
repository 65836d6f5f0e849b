/* expr_number.c: doubles to text and back, the same whatever locale the embedding program has set. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/expr_impl.h"

/* glibc answers newlocale("C") with a constant, so neither call can fail or allocates. */
static locale_t enter_c_locale(locale_t *old) {
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (c) *old = uselocale(c);
  return c;
}

static void leave_c_locale(locale_t c, locale_t old) {
  if (!c) return;
  uselocale(old);
  freelocale(c);
}

size_t fsm__double_text(double value, char out[FSM__DOUBLE_TEXT]) {
  if (isnan(value)) value = (double)NAN; /* the sign of a NaN says nothing */
  locale_t old, c = enter_c_locale(&old);
  int len = 0;
  for (int digits = 15; digits <= 17; digits++) {
    len = snprintf(out, FSM__DOUBLE_TEXT, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  leave_c_locale(c, old);
  FSM_ASSERT(len > 0 && len < FSM__DOUBLE_TEXT);
  return (size_t)len;
}

/* strtod also takes hexadecimal, inf and leading blanks: only what CEL writes may reach it. */
static bool decimal(const char *text, size_t len) {
  size_t at = 0, digits = 0;
  if (at < len && (text[at] == '-' || text[at] == '+')) at++;
  for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) digits++;
  if (at < len && text[at] == '.')
    for (at++; at < len && text[at] >= '0' && text[at] <= '9'; at++) digits++;
  if (!digits) return false;
  if (at == len) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  at++;
  if (at < len && (text[at] == '-' || text[at] == '+')) at++;
  size_t exponent = at;
  while (at < len && text[at] >= '0' && text[at] <= '9') at++;
  return at == len && at > exponent;
}

bool fsm__double_of(const char *text, size_t len, double *out) {
  char copy[FSM_EXPR_TEXT_MAX + 1];
  if (len >= sizeof copy || !decimal(text, len)) return false;
  memcpy(copy, text, len);
  copy[len] = 0;
  locale_t old, c = enter_c_locale(&old);
  *out = strtod(copy, NULL);
  leave_c_locale(c, old);
  return true;
}

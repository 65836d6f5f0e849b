/* test_needle.c: a text is found in bytes wherever it stands, in either case, and nowhere else: held against
 * a search that compares every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <cmocka.h>
#include <locale.h>

#include "runtime/needle.h"

static fsm__needle needle_of(const char *text) {
  fsm__needle needle;
  fsm_error err = {.text = ""};
  if (fsm__needle_read(text, &needle, &err) != FSM_OK) fail_msg("%s", err.text);
  return needle;
}

/* Where, -1 = nowhere. In memory of its exact size, so that a byte read outside is seen. */
static int found_at(const char *text, const char *in, size_t len) {
  const fsm__needle needle = needle_of(text);
  uint8_t *data = malloc(len > 0 ? len : 1);
  assert_non_null(data);
  memcpy(data, in, len);
  const uint8_t *at = fsm__needle_find(&needle, data, len);
  const int place = at == NULL ? -1 : (int)(at - data);
  free(data);
  return place;
}

static int found(const char *text, const char *in) { return found_at(text, in, strlen(in)); }

static void letters_are_found_in_either_case(void **state) {
  (void)state;
  assert_int_equal(found("laptop", "a LAPTOP"), 2);
  assert_int_equal(found("LAPTOP", "a lapTop"), 2);
  assert_int_equal(found("überweisung", "ÜBERWEISUNG"), 0);
  assert_int_equal(found("ÉTÉ", "un été"), 3);
  assert_int_equal(found("ŁÓDŹ", "w łódź"), 2);
  assert_int_equal(found("ПРИВЕТ", "привет"), 0);
  assert_int_equal(found("рублёв", "РУБЛЁВ"), 0);
  assert_int_equal(found("ΑΘΗΝΑ", "αθηνα"), 0);
  assert_int_equal(found("請求書", "の請求書"), 3);
  assert_int_equal(found("🎫 7", "a 🎫 7"), 2);
}

static void what_only_looks_alike_is_not_found(void **state) {
  (void)state;
  assert_int_equal(found("K-17", "k-1 7"), -1);
  assert_int_equal(found("a[b", "A{B"), -1); /* one bit from one another, and no letters */
  assert_int_equal(found("a@b", "a`b"), -1);
  assert_int_equal(found("××", "÷÷"), -1);
  assert_int_equal(found("РР", "ЀЀ"), -1); /* a byte of the small one, one of the large one */
  assert_int_equal(found("straße", "STRASSE"), -1);
  assert_int_equal(found("été", "e\u0301te\u0301"), -1);
}

/* Every small letter that the C library pairs with a large one, of as many bytes, in the alphabets that are
 * promised. */
static void the_alphabets_are_those_of_unicode(void **state) {
  (void)state;
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) skip();
  unsigned pairs = 0;
  for (wint_t c = 0x80; c < 0x530; c++) {
    const bool promised =
        (c >= 0xC0 && c <= 0x17F) || (c >= 0x386 && c <= 0x3CE) || (c >= 0x400 && c <= 0x52F);
    const wint_t large = towupper(c);
    char text[16], other[16];
    if (large == c || towlower(large) != c || large < 0x80 || large > 0x7FF || c == 0xFF) continue;
    snprintf(text, sizeof text, "%lc%lc", c, c);
    snprintf(other, sizeof other, "%lc%lc", large, large);
    if (promised && c < 0x4C0) assert_int_equal(found(text, other), 0);
    if (found(text, other) == 0) assert_int_equal(found(other, text), 0), pairs++;
  }
  assert_true(pairs > 200);
}

static void texts_that_cannot_be_searched_for(void **state) {
  (void)state;
  char text[FSM_SEARCH_TEXT_MAX + 2];
  fsm__needle needle;
  fsm_error err;
  memset(text, 'x', sizeof text);
  text[FSM_SEARCH_TEXT_MAX] = '\0';
  assert_int_equal(fsm__needle_read(text, &needle, &err), FSM_OK);
  text[FSM_SEARCH_TEXT_MAX] = 'x', text[FSM_SEARCH_TEXT_MAX + 1] = '\0';
  assert_int_equal(fsm__needle_read(text, &needle, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "q");
  const char *const wrong[] = {NULL, "", "x", "  ", "\xC3", "a\xFF", "\t \n"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    assert_int_equal(fsm__needle_read(wrong[i], &needle, &err), FSM_EARGUMENT);
  assert_int_equal(fsm__needle_read("xy", &needle, &err), FSM_OK);
}

static uint64_t draw(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

static uint8_t small(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

static int by_comparing(const char *text, const uint8_t *in, size_t len) {
  const size_t wanted = strlen(text);
  for (size_t at = 0; at + wanted <= len; at++) {
    size_t i = 0;
    while (i < wanted && small(in[at + i]) == small((uint8_t)text[i])) i++;
    if (i == wanted) return (int)at;
  }
  return -1;
}

/* Few letters, so that much nearly fits; every length around the width of the scan. */
static void every_place_is_found(void **state) {
  (void)state;
  uint64_t seed = 7;
  unsigned hits = 0;
  for (unsigned run = 0; run < 40000; run++) {
    char text[12], in[256];
    const size_t wanted = 2 + draw(&seed) % 9, len = draw(&seed) % sizeof in;
    for (size_t i = 0; i < len; i++) in[i] = "aAbB-\xC3"[draw(&seed) % 6];
    for (size_t i = 0; i < wanted; i++) text[i] = "aAbB-"[draw(&seed) % 5];
    text[wanted] = '\0';
    if (draw(&seed) % 2 && len >= wanted) memcpy(in + draw(&seed) % (len - wanted + 1), text, wanted);
    const int expected = by_comparing(text, (const uint8_t *)in, len);
    assert_int_equal(found_at(text, in, len), expected);
    hits += expected >= 0;
  }
  assert_true(hits > 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(letters_are_found_in_either_case),
                                     cmocka_unit_test(what_only_looks_alike_is_not_found),
                                     cmocka_unit_test(the_alphabets_are_those_of_unicode),
                                     cmocka_unit_test(texts_that_cannot_be_searched_for),
                                     cmocka_unit_test(every_place_is_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_nkey.c: seeds and the public keys that belong to them. */
#include "runtime/nkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Of the server's own documentation of nkeys. */
static const char seed[] = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
static const char public_key[] = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

static void a_seed_has_its_public_key(void **state) {
  (void)state;
  char out[FSM_NKEY_MAX] = "";
  assert_true(fsm__nkey_public(seed, out));
  assert_string_equal(out, public_key);
}

static void what_is_no_seed_is_refused(void **state) {
  (void)state;
  char out[FSM_NKEY_MAX], bad[80];
  assert_false(fsm__nkey_public("", out));
  assert_false(fsm__nkey_public(public_key, out));
  for (size_t i = 0; i < sizeof seed - 1; i++) { /* one letter is wrong, wherever */
    memcpy(bad, seed, sizeof seed);
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    assert_false(fsm__nkey_public(bad, out));
  }
  memcpy(bad, seed, sizeof seed);
  bad[sizeof seed - 2] = '\0';
  assert_false(fsm__nkey_public(bad, out));
  snprintf(bad, sizeof bad, "%sA", seed);
  assert_false(fsm__nkey_public(bad, out));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_seed_has_its_public_key),
                                     cmocka_unit_test(what_is_no_seed_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

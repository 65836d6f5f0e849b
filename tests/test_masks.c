/* test_masks.c: masks are found by the hash of their definition, and an unknown one is told as that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/masks.h"

static void hash_of(unsigned i, uint8_t out[32]) {
  const fsm__hash hash = fsm__sha256(&i, sizeof i);
  memcpy(out, hash.bytes, 32);
}

static void test_each_definition_has_its_own_mask(void **state) {
  (void)state;
  enum { COUNT = 100 };
  fsm__masks *masks = NULL;
  fsm_error err = {0};
  uint8_t def[32];
  assert_int_equal(fsm__masks_new(&masks, &err), FSM_OK);
  for (unsigned round = 0; round < 2; round++) /* again is fine */
    for (unsigned i = 0; i < COUNT; i++) {
      char text[128];
      int len = i % 3 == 0
                    ? snprintf(text, sizeof text, "{\"id\":\"m%u\"}", i)
                    : snprintf(text, sizeof text,
                               "{\"schemas\":{\"context\":{\"properties\":{\"f%u\":{\"x-pii\":true}}}}}", i);
      hash_of(i, def);
      assert_int_equal(fsm__masks_add(masks, def, text, (size_t)len, &err), FSM_OK);
    }
  for (unsigned i = 0; i < COUNT; i++) {
    const fsm_mask *mask = NULL;
    char name[16];
    int len = snprintf(name, sizeof name, "f%u", i);
    hash_of(i, def);
    assert_int_equal(fsm__masks_find(masks, def, &mask, &err), FSM_OK);
    assert_int_equal(mask != NULL, i % 3 != 0);
    assert_int_equal(fsm_mask_hides(mask, name, (size_t)len), i % 3 != 0);
    assert_false(fsm_mask_hides(mask, "f", 1));
  }
  hash_of(COUNT, def);
  const fsm_mask *none = NULL;
  assert_int_equal(fsm__masks_find(masks, def, &none, &err), FSM_ENOTFOUND);
  fsm__masks_free(masks);
  fsm__masks_free(NULL);
}

static void test_a_definition_that_cannot_be_read_is_not_known(void **state) {
  (void)state;
  fsm__masks *masks = NULL;
  fsm_error err = {0};
  uint8_t def[32];
  const fsm_mask *mask = NULL;
  hash_of(1, def);
  assert_int_equal(fsm__masks_new(&masks, &err), FSM_OK);
  assert_int_equal(fsm__masks_add(masks, def, "{\"x-pii\"", 8, &err), FSM_EMALFORMED);
  assert_int_equal(fsm__masks_find(masks, def, &mask, &err), FSM_ENOTFOUND);
  fsm__masks_free(masks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_definition_has_its_own_mask),
      cmocka_unit_test(test_a_definition_that_cannot_be_read_is_not_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

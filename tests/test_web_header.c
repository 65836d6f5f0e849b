/* test_web_header.c: which headers may come from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/web_header.h"

static fsm_code read_line(fsm_arena *arena, const char *line, fsm_web_header *out) {
  fsm_error err = {0};
  fsm_code code = fsm__web_header_read(arena, "/sinks/0/headers/1", line, out, &err);
  if (code != FSM_OK) assert_string_equal(err.where, "/sinks/0/headers/1");
  return code;
}

static void a_line_is_a_name_and_a_trimmed_value(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_web_header h;
  fsm_arena_init(&arena, 0);
  assert_int_equal(read_line(&arena, "X-Tenant: \t a b : c \t", &h), FSM_OK);
  assert_string_equal(h.name, "X-Tenant");
  assert_string_equal(h.value, "a b : c");
  assert_int_equal(read_line(&arena, "X-Empty:", &h), FSM_OK);
  assert_string_equal(h.value, "");
  fsm_arena_free(&arena);
}

static void what_frames_a_message_or_is_no_header_is_refused(void **state) {
  (void)state;
  static const char *const lines[] = {
      "no colon", ": v",   "a b: v",      "A\x01: v", "A: v\r\nB: w",      "Host: x",
      "host: x",  "TE: x", "\xc3\xa9: x", "A: \x7f",  "content-length: 1", "Connection: x"};
  fsm_arena arena;
  fsm_web_header h;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    assert_int_equal(read_line(&arena, lines[i], &h), FSM_EARGUMENT);
  fsm_arena_free(&arena);
}

static void a_value_has_at_most_the_limit(void **state) {
  (void)state;
  static char line[FSM_WEB_VALUE_MAX + 8];
  fsm_arena arena;
  fsm_web_header h;
  fsm_arena_init(&arena, 0);
  memset(line, 'v', sizeof line);
  line[0] = 'N', line[1] = ':';
  line[2 + FSM_WEB_VALUE_MAX] = '\0';
  assert_int_equal(read_line(&arena, line, &h), FSM_OK);
  line[2 + FSM_WEB_VALUE_MAX] = 'v', line[3 + FSM_WEB_VALUE_MAX] = '\0';
  assert_int_equal(read_line(&arena, line, &h), FSM_EARGUMENT);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_is_a_name_and_a_trimmed_value),
      cmocka_unit_test(what_frames_a_message_or_is_no_header_is_refused),
      cmocka_unit_test(a_value_has_at_most_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

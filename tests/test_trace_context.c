/* test_trace_context.c: B3 and tracestate, strictly; which of a request's headers counts. traceparent:
 * test_headers.c. */
#include "runtime/daemon/trace_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TRACE "80f198ee56343ba864fe8b2a57d3eff7"
#define HALF "64fe8b2a57d3eff7"
#define SPAN "e457b5a2e4d86bd1"

static void b3_is_read_in_one_header(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int flags; /* -1: not valid */
  } cases[] = {
      {TRACE "-" SPAN "-1-05e3ac9a4f6e3b90", 1},
      {TRACE "-" SPAN "-0", 0},
      {TRACE "-" SPAN "-d", 1},
      {TRACE "-" SPAN, 0},
      {HALF "-" SPAN "-1", 1},
      {"0", -1},
      {"1", -1},
      {"", -1},
      {"-", -1},
      {TRACE, -1},
      {TRACE "-", -1},
      {TRACE "-" SPAN "-", -1},
      {TRACE "-" SPAN "-2", -1},
      {TRACE "-" SPAN "-1-", -1},
      {TRACE "-" SPAN "-1x", -1},
      {TRACE "-" SPAN "-1-05e3ac9a4f6e3b9", -1},
      {TRACE "-" SPAN "-1-05e3ac9a4f6e3b90-", -1},
      {TRACE "-e457b5a2e4d86bd-1", -1},
      {"80F198EE56343BA864FE8B2A57D3EFF7-" SPAN "-1", -1},
      {"64fe8b2a57d3eff-" SPAN "-1", -1},
      {"00000000000000000000000000000000-" SPAN "-1", -1},
      {TRACE "-0000000000000000-1", -1},
  };
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_value out = fsm_null();
    const bool valid = fsm__trace_b3(&arena, cases[i].text, &out);
    if (valid != (cases[i].flags >= 0)) fail_msg("%s", cases[i].text);
    if (!valid) continue;
    assert_int_equal(out.items[2].i, cases[i].flags);
    assert_memory_equal(out.items[0].s + 8, "\x64\xfe\x8b\x2a\x57\xd3\xef\xf7", 8);
    assert_int_equal((unsigned char)out.items[0].s[0], strlen(cases[i].text) > 40 ? 0x80 : 0);
    assert_memory_equal(out.items[1].s, "\xe4\x57\xb5\xa2", 4);
  }
  fsm_arena_free(&arena);
}

static void b3_is_read_in_parts(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_value out;
  fsm_arena_init(&arena, 0);
  assert_true(fsm__trace_b3_parts(&arena, TRACE, SPAN, NULL, NULL, &out));
  assert_int_equal(out.items[2].i, 0);
  assert_true(fsm__trace_b3_parts(&arena, HALF, SPAN, "true", NULL, &out));
  assert_int_equal(out.items[2].i, 1);
  assert_true(fsm__trace_b3_parts(&arena, HALF, SPAN, "0", "1", &out)); /* debug is also sampled */
  assert_int_equal(out.items[2].i, 1);
  assert_true(fsm__trace_b3_parts(&arena, HALF, SPAN, "false", "0", &out));
  assert_int_equal(out.items[2].i, 0);
  assert_false(fsm__trace_b3_parts(&arena, TRACE, SPAN, "yes", NULL, &out));
  assert_false(fsm__trace_b3_parts(&arena, TRACE "0", SPAN, "1", NULL, &out));
  assert_false(fsm__trace_b3_parts(&arena, TRACE, "", "1", NULL, &out));
  fsm_arena_free(&arena);
}

static void a_tracestate_is_a_list_of_different_keys(void **state) {
  (void)state;
  static const char *const good[] = {"a=1",
                                     "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
                                     "a=1, b=2 ,\tc=3",
                                     "a=1,,b=2,",
                                     "t61@vendor=x",
                                     "0tenant/x*y@sys=v",
                                     "a= leading"};
  static const char *const bad[] = {
      "",        " ",       ",",     "a",    "=1",        "a=",     "A=1",
      "1a=1",    "a=1,a=2", "a=b=c", "a@=1", "@sys=1",    "a@1s=x", "a@toolongsystem15=1",
      "a\x80=1", "a=\x01",  "a b=1", "_a=1", "a=\xc3\xa9"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!fsm__tracestate_is_valid(good[i])) fail_msg("%s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (fsm__tracestate_is_valid(bad[i])) fail_msg("%s", bad[i]);
}

/* N members of one letter and a number. */
static void members(char *out, size_t size, int count) {
  size_t len = 0;
  *out = '\0';
  for (int i = 0; i < count; i++) len += (size_t)snprintf(out + len, size - len, "%sk%d=v", i ? "," : "", i);
}

static void its_limits_hold_at_their_edge(void **state) {
  (void)state;
  char text[1024];
  members(text, sizeof text, FSM__TRACESTATE_MEMBERS_MAX);
  assert_true(fsm__tracestate_is_valid(text));
  members(text, sizeof text, FSM__TRACESTATE_MEMBERS_MAX + 1);
  assert_false(fsm__tracestate_is_valid(text));
  for (int longer = 0; longer < 2; longer++) { /* a value of 256, and of 257 */
    memset(text, 'v', sizeof text);
    memcpy(text, "k=", 2);
    text[2 + 256 + longer] = '\0';
    assert_int_equal(fsm__tracestate_is_valid(text), !longer);
  }
  for (int longer = 0; longer < 2; longer++) { /* 512 bytes, and 513 */
    memset(text, 'v', sizeof text);
    memcpy(text, "a=", 2);
    memcpy(text + 258, ",b=", 3);
    text[FSM_TRACESTATE_MAX + longer] = '\0';
    assert_int_equal(fsm__tracestate_is_valid(text), !longer);
  }
}

static void the_first_header_that_is_valid_counts(void **state) {
  (void)state;
  fsm__request request = {.peer = {.local = true}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  fsm_arena_init(&request.arena, 0);
  fsm__trace_to_command(&request, &command);
  assert_true(fsm_is(&command.trace, FSM_NULL));
  request.headers[FSM__B3_TRACE_ID] = HALF;
  request.headers[FSM__TRACESTATE] = "a=1";
  fsm__trace_to_command(&request, &command);
  assert_true(fsm_is(&command.trace, FSM_NULL)); /* half of it */
  request.headers[FSM__B3_SPAN_ID] = SPAN;
  fsm__trace_to_command(&request, &command);
  assert_memory_equal(command.trace.items[0].s, "\0\0\0\0\0\0\0\0\x64", 9);
  request.headers[FSM__B3] = "1" TRACE; /* not valid: passed over */
  fsm__trace_to_command(&request, &command);
  assert_memory_equal(command.trace.items[0].s, "\0\0\0\0\0\0\0\0\x64", 9);
  request.headers[FSM__B3] = TRACE "-" SPAN "-1";
  fsm__trace_to_command(&request, &command);
  assert_memory_equal(command.trace.items[0].s, "\x80\xf1", 2);
  assert_null(command.tracestate); /* belongs to a traceparent */
  request.headers[FSM__TRACEPARENT] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  fsm__trace_to_command(&request, &command);
  assert_memory_equal(command.trace.items[0].s, "\x4b\xf9", 2);
  assert_string_equal(command.tracestate, "a=1");
  request.headers[FSM__TRACESTATE] = "a=1,a=2";
  fsm__trace_to_command(&request, &command);
  assert_null(command.tracestate);
  assert_false(fsm_is(&command.trace, FSM_NULL));
  fsm_arena_free(&request.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(b3_is_read_in_one_header),
      cmocka_unit_test(b3_is_read_in_parts),
      cmocka_unit_test(a_tracestate_is_a_list_of_different_keys),
      cmocka_unit_test(its_limits_hold_at_their_edge),
      cmocka_unit_test(the_first_header_that_is_valid_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

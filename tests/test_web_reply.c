/* test_web_reply.c: an answer of HTTP/1.1 as it arrives: whole, in pieces, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/web_reply.h"

enum { BODY_MAX = 100 };

typedef struct told {
  fsm__reply reply;
  fsm__exchange ex;
  fsm_web_reply out;
  fsm_arena arena;
  bool ok; /* all of it was taken */
} told;

/* The bytes, `step` at a time; what came is thrown away by forget(). */
static told *tell(const char *method, const char *data, size_t len, size_t step) {
  static fsm_web_request request;
  told *t = calloc(1, sizeof *t);
  assert_non_null(t);
  request = (fsm_web_request){.method = method, .path = "/"};
  fsm_arena_init(&t->arena, 0);
  t->ex = (fsm__exchange){.request = &request, .arena = &t->arena, .reply = &t->out, .body_max = BODY_MAX};
  fsm__reply_begin(&t->reply, &t->ex);
  t->ok = true;
  for (size_t at = 0; t->ok && at < len; at += step)
    t->ok = fsm__reply_take(&t->reply, data + at, len - at < step ? len - at : step);
  return t;
}

static void forget(told *t) {
  fsm_buf_free(&t->ex.body);
  fsm_arena_free(&t->arena);
  free(t);
}

static void an_answer_is_the_same_however_its_bytes_come(void **state) {
  (void)state;
  static const struct {
    const char *bytes, *body;
    int status;
    bool last;
  } rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false},
      {"HTTP/1.1 200\r\ncontent-length:5\t\r\n\r\nhello", "hello", 200, false},
      {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, false},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 304, false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, 10 bytes\r\n0\r\nX: "
       "y\r\n\r\n",
       "hello, 10 bytes", 200, false},
      {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno", "no", 409,
       false},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok", 200, true},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 200, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokand more", "ok", 200, true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok", 200, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (size_t step = 1; step < 80; step++) {
      told *t = tell("GET", rows[i].bytes, strlen(rows[i].bytes), step);
      assert_true(t->ok);
      assert_int_equal(t->reply.part, FSM__REPLY_DONE);
      assert_int_equal(t->out.status, rows[i].status);
      assert_int_equal(t->reply.last, rows[i].last);
      assert_string_equal(fsm_buf_text(&t->ex.body), rows[i].body);
      assert_true(fsm__reply_end(&t->reply));
      forget(t);
    }
}

static void what_has_no_length_ends_with_the_connection(void **state) {
  (void)state;
  static const char bytes[] = "HTTP/1.1 200 OK\r\n\r\nas much as comes";
  told *t = tell("GET", bytes, sizeof bytes - 1, 7);
  assert_true(t->ok && t->reply.last);
  assert_int_equal(t->reply.part, FSM__REPLY_BODY);
  assert_true(fsm__reply_end(&t->reply));
  assert_string_equal(fsm_buf_text(&t->ex.body), "as much as comes");
  forget(t);
}

static void an_answer_to_head_has_no_body(void **state) {
  (void)state;
  static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  told *t = tell("HEAD", bytes, sizeof bytes - 1, 1000);
  assert_true(t->ok && !t->reply.last);
  assert_int_equal(t->reply.part, FSM__REPLY_DONE);
  forget(t);
}

static void what_can_be_read_in_two_ways_is_no_answer(void **state) {
  (void)state;
  static const char *const rows[] = {
      "garbage\r\n\r\n",
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1 2000\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n",
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (size_t step = 1; step < 1000; step += 99) {
      told *t = tell("GET", rows[i], strlen(rows[i]), step);
      if (t->ok) print_error("taken: %s\n", rows[i]);
      assert_false(t->ok);
      assert_non_null(t->reply.wrong);
      forget(t);
    }
}

static void what_ends_in_its_middle_is_no_answer(void **state) {
  (void)state;
  static const char *const rows[] = {
      "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    told *t = tell("GET", rows[i], strlen(rows[i]), 1000);
    assert_true(t->ok);
    assert_int_equal(t->reply.begun, *rows[i] != 0);
    assert_false(fsm__reply_end(&t->reply));
    assert_non_null(t->reply.wrong);
    forget(t);
  }
}

static void a_body_is_bounded_whether_its_length_is_said_or_not(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++)
    for (int len = BODY_MAX; len <= BODY_MAX + 1; len++) {
      char bytes[1000];
      if (i == 0) snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len);
      if (i == 1)
        snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
                 (unsigned)len);
      if (i == 2) snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\n\r\n");
      const size_t head = strlen(bytes);
      memset(bytes + head, 'x', (size_t)len);
      told *t = tell("GET", bytes, head + (size_t)len, 1000);
      assert_int_equal(t->ok, len == BODY_MAX);
      assert_int_equal(t->ex.too_large, len != BODY_MAX);
      forget(t);
    }
}

static void a_head_is_bounded(void **state) {
  (void)state;
  static char bytes[FSM__REPLY_LINE_MAX + 100];
  for (size_t over = 0; over < 2; over++) {
    size_t len = (size_t)snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nA: ");
    memset(bytes + len, 'x', FSM__REPLY_LINE_MAX - 3 - 1 + over);
    len += FSM__REPLY_LINE_MAX - 3 - 1 + over;
    memcpy(bytes + len, "\r\n\r\n", 5);
    told *t = tell("GET", bytes, len + 4, 1000);
    assert_int_equal(t->ok, over == 0);
    forget(t);
  }
  for (size_t over = 0; over < 2; over++) { /* the first line and the empty one count, too */
    fsm_buf many = {0};
    fsm_buf_str(&many, "HTTP/1.1 200 OK\r\n");
    for (size_t i = 0; i < FSM__REPLY_LINES_MAX - 2 + over; i++) fsm_buf_str(&many, "A: b\r\n");
    fsm_buf_str(&many, "\r\n");
    told *t = tell("GET", many.data, many.len, 1000);
    assert_int_equal(t->ok, over == 0);
    forget(t);
    fsm_buf_free(&many);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_is_the_same_however_its_bytes_come),
      cmocka_unit_test(what_has_no_length_ends_with_the_connection),
      cmocka_unit_test(an_answer_to_head_has_no_body),
      cmocka_unit_test(what_can_be_read_in_two_ways_is_no_answer),
      cmocka_unit_test(what_ends_in_its_middle_is_no_answer),
      cmocka_unit_test(a_body_is_bounded_whether_its_length_is_said_or_not),
      cmocka_unit_test(a_head_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

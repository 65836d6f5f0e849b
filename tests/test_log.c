/* test_log.c: log lines keep to one line and to their fields, whatever the values hold. */
#include "runtime/daemon/log.h"

#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define AT INT64_C(1700000000000000000)

static void check(bool json, const char *value, const char *line) {
  fsm_buf out = {0};
  const fsm__field fields[] = {fsm__text("k", value), fsm__number("n", UINT64_MAX)};
  fsm__log_format(&out, json, AT, "info", "it happened", fields, 2);
  assert_string_equal(fsm_buf_text(&out), line);
  fsm_buf_free(&out);
}

static void a_plain_value_stands_as_it_is(void **state) {
  (void)state;
  check(false, "a-b/c:1",
        "time=2023-11-14T22:13:20Z level=info msg=\"it happened\" k=a-b/c:1 n=18446744073709551615\n");
  check(true, "a",
        "{\"time\":\"2023-11-14T22:13:20Z\",\"level\":\"info\",\"msg\":\"it "
        "happened\",\"k\":\"a\",\"n\":18446744073709551615}\n");
}

static void no_value_can_forge_a_line_or_a_field(void **state) {
  (void)state;
#define HEAD "time=2023-11-14T22:13:20Z level=info msg=\"it happened\" k="
#define TAIL " n=18446744073709551615\n"
  check(false, "a\ntime=0 level=info", HEAD "\"a\\ntime=0 level=info\"" TAIL);
  check(false, "a n=1", HEAD "\"a n=1\"" TAIL);
  check(false, "a=b", HEAD "\"a=b\"" TAIL);
  check(false, "\"", HEAD "\"\\\"\"" TAIL);
  check(false, "\\", HEAD "\"\\\\\"" TAIL);
  check(false, "", HEAD "\"\"" TAIL);
  check(false, NULL, HEAD "\"\"" TAIL);
  check(false, "\x1b[2J", HEAD "\"\\u001b[2J\"" TAIL);
  check(false,
        "\x7f\xc2\x9b"
        "2J\xe2\x80\xa8\xe2\x80\xae\xef\xbb\xbf",
        HEAD "\"\\u007f\\u009b2J\\u2028\\u202e\\ufeff\"" TAIL);
  check(false, "\xc3\xa4 \xf0\x9f\x98\x80", HEAD "\"\xc3\xa4 \xf0\x9f\x98\x80\"" TAIL);
  fsm_buf out = {0};
  const fsm__field field = fsm__text("k", "\r\n\",\"level\":\"none\xff");
  fsm__log_format(&out, true, AT, "info", "x", &field, 1);
  assert_ptr_equal(strchr(fsm_buf_text(&out), '\n'), out.data + out.len - 1);
  assert_null(strstr(fsm_buf_text(&out), "\",\"level\":\"none"));
  fsm_buf_free(&out);
}

static size_t written_at(fsm__log_level least, const char *level) {
  char text[512];
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fsm__log log = {.fd = ends[1]};
  fsm__log_set_level(&log, least);
  fsm__log_line(&log, level, "it happened");
  close(ends[1]);
  const ssize_t got = read(ends[0], text, sizeof text);
  close(ends[0]);
  assert_true(got >= 0);
  return (size_t)got;
}

static void what_is_below_the_level_is_not_written(void **state) {
  (void)state;
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  for (unsigned least = FSM__LOG_DEBUG; least <= FSM__LOG_ERROR; least++)
    for (unsigned level = 0; level < 4; level++)
      assert_int_equal(written_at((fsm__log_level)least, levels[level]) > 0, level >= least);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_value_stands_as_it_is),
      cmocka_unit_test(what_is_below_the_level_is_not_written),
      cmocka_unit_test(no_value_can_forge_a_line_or_a_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_log.c: log lines keep to one line and to their fields, whatever the values hold. */
#include "runtime/daemon/log.h"

#include <setjmp.h>
#include <string.h>

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
  fsm_buf out = {0};
  const fsm__field field = fsm__text("k", "\r\n\",\"level\":\"none\xff");
  fsm__log_format(&out, true, AT, "info", "x", &field, 1);
  assert_ptr_equal(strchr(fsm_buf_text(&out), '\n'), out.data + out.len - 1);
  assert_null(strstr(fsm_buf_text(&out), "\",\"level\":\"none"));
  fsm_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_value_stands_as_it_is),
      cmocka_unit_test(no_value_can_forge_a_line_or_a_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

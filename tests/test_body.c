/* test_body.c: the members of a request body, by a table. */
#include "runtime/daemon/body.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct seen {
  const char *text;
  uint32_t version;
  fsm_value map, any;
} seen;

static fsm__request request;
static seen got;
static fsm_error err;

static int drop_request(void **state) {
  (void)state;
  fsm_arena_free(&request.arena);
  fsm_buf_free(&request.body);
  return 0;
}

static fsm_code read_body(const char *json) {
  const fsm__body_member members[] = {{"text", FSM__BODY_TEXT, true, &got.text},
                                      {"version", FSM__BODY_VERSION, false, &got.version},
                                      {"map", FSM__BODY_MAP, false, &got.map},
                                      {"any", FSM__BODY_ANY, false, &got.any}};
  got = (seen){0};
  fsm_arena_reset(&request.arena);
  fsm_buf_reset(&request.body);
  fsm_buf_str(&request.body, json);
  return fsm__body_read(&request, members, 4, &err);
}

static void refused_at(const char *where, const char *json) {
  assert_int_equal(read_body(json), FSM_EMALFORMED);
  assert_string_equal(err.where, where);
}

static void each_member_reaches_its_place(void **state) {
  (void)state;
  assert_int_equal(read_body("{\"text\":\"a\",\"version\":4294967295,\"map\":{\"b\":1},\"any\":[1,2]}"),
                   FSM_OK);
  assert_string_equal(got.text, "a");
  assert_int_equal(got.version, UINT32_MAX);
  assert_int_equal(got.map.len, 1);
  assert_true(fsm_is(&got.any, FSM_LIST));
}

static void null_is_absent_but_for_what_is_needed(void **state) {
  (void)state;
  assert_int_equal(read_body("{\"text\":\"a\",\"version\":null,\"map\":null,\"any\":null}"), FSM_OK);
  assert_int_equal(got.version, 0);
  assert_true(fsm_is(&got.map, FSM_NULL));
  refused_at("/text", "{\"text\":null}");
  refused_at("/text", "{}");
}

static void unknown_members_are_named_by_pointer(void **state) {
  (void)state;
  refused_at("/Text", "{\"text\":\"a\",\"Text\":\"b\"}");
  refused_at("/a~1b~0c", "{\"text\":\"a\",\"a/b~c\":1}");
  refused_at("/", "{\"text\":\"a\",\"\":1}");
}

static void types_are_strict(void **state) {
  (void)state;
  refused_at("/text", "{\"text\":\"\"}");
  refused_at("/text", "{\"text\":1}");
  refused_at("/text", "{\"text\":[\"a\"]}");
  refused_at("/version", "{\"text\":\"a\",\"version\":0}");
  refused_at("/version", "{\"text\":\"a\",\"version\":-1}");
  refused_at("/version", "{\"text\":\"a\",\"version\":1.0}");
  refused_at("/version", "{\"text\":\"a\",\"version\":4294967296}");
  refused_at("/version", "{\"text\":\"a\",\"version\":\"1\"}");
  refused_at("/map", "{\"text\":\"a\",\"map\":[]}");
  refused_at("/map", "{\"text\":\"a\",\"map\":\"x\"}");
}

static void a_body_is_one_object(void **state) {
  (void)state;
  refused_at("", "[]");
  refused_at("", "\"text\"");
  assert_int_equal(read_body(""), FSM_EMALFORMED);
  assert_int_equal(read_body("{\"text\":\"a\"} x"), FSM_EMALFORMED);
  assert_int_equal(read_body("{\"text\":\"a\",\"text\":\"b\"}"), FSM_EMALFORMED);
}

static void an_excerpt_is_escaped_and_short(void **state) {
  (void)state;
  fsm_buf body = {0}, out = {0};
  fsm_error why = {0};
  fsm_fail(&why, FSM_EMALFORMED, "1:1", "bad");
  fsm_buf_str(&body, "\n\"x\xff");
  for (int i = 0; i < 1000; i++) fsm_buf_char(&body, 'y');
  fsm__body_excerpt(&body, &why, &out);
  assert_non_null(strstr(fsm_buf_text(&out), "1004 bytes, sha256 "));
  assert_non_null(strstr(fsm_buf_text(&out), "1:1: bad"));
  assert_null(strchr(fsm_buf_text(&out), '\n'));
  assert_null(strchr(fsm_buf_text(&out), '\xff'));
  assert_true(out.len < 512);
  fsm_buf_reset(&out);
  fsm_buf_free(&body);
  fsm__body_excerpt(&body, &why, &out);
  /* SHA-256 of nothing */
  assert_non_null(
      strstr(fsm_buf_text(&out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  fsm_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_member_reaches_its_place),
      cmocka_unit_test(null_is_absent_but_for_what_is_needed),
      cmocka_unit_test(unknown_members_are_named_by_pointer),
      cmocka_unit_test(types_are_strict),
      cmocka_unit_test(a_body_is_one_object),
      cmocka_unit_test(an_excerpt_is_escaped_and_short),
  };
  return cmocka_run_group_tests(tests, NULL, drop_request);
}

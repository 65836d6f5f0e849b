/* test_worker_request.c: requests of workers as commands; replies as JSON. */
#include "runtime/worker_request.h"

#include "runtime/workers.h"
#include "tests/arena_scene.h"

#define TOKEN "\"token\":\"00112233445566778899aAbBcCdDeEfF\""

static fsm_code read_request(fsm_command_kind kind, const char *text, fsm_command *out, fsm_error *err) {
  return fsm__worker_request_read(&arena, kind, text, strlen(text), out, err);
}

static void a_completion_brings_token_and_output(void **state) {
  (void)state;
  fsm_command c;
  assert_int_equal(read_request(FSM_CMD_TASK_COMPLETE, "{" TOKEN ",\"output\":{\"id\":7}}", &c, NULL),
                   FSM_OK);
  assert_int_equal(c.kind, FSM_CMD_TASK_COMPLETE);
  assert_int_equal(c.token[0], 0x00);
  assert_int_equal(c.token[15], 0xff);
  assert_int_equal(c.token[10], 0xaa);
  assert_int_equal(fsm_map_get(&c.data, "id")->i, 7);
  assert_int_equal(read_request(FSM_CMD_TASK_COMPLETE, "{" TOKEN "}", &c, NULL), FSM_OK);
  assert_int_equal(c.data.type, FSM_NULL);
}

static void a_failure_may_be_final(void **state) {
  (void)state;
  fsm_command c;
  assert_int_equal(read_request(FSM_CMD_TASK_FAIL, "{" TOKEN ",\"error\":\"e\",\"final\":true}", &c, NULL),
                   FSM_OK);
  assert_true(c.final);
  assert_true(fsm_is_text(&c.data, "e"));
  assert_int_equal(read_request(FSM_CMD_TASK_FAIL, "{" TOKEN "}", &c, NULL), FSM_OK);
  assert_false(c.final);
}

static void what_is_wrong_is_named_and_the_command_untouched(void **state) {
  (void)state;
  static const struct {
    fsm_command_kind kind;
    const char *text, *where;
  } cases[] = {
      {FSM_CMD_TASK_COMPLETE, "{" TOKEN ",\"output\":1,\"output\":2}", "1:"},
      {FSM_CMD_TASK_COMPLETE, "{" TOKEN "} x", "1:"},
      {FSM_CMD_TASK_COMPLETE, "\"token\"", ""},
      {FSM_CMD_TASK_COMPLETE, "{\"token\":7}", "/token"},
      {FSM_CMD_TASK_COMPLETE, "{\"token\":\"00112233445566778899aabbccddee\"}", "/token"},
      {FSM_CMD_TASK_COMPLETE, "{" TOKEN ",\"error\":1}", "/error"},
      {FSM_CMD_TASK_FAIL, "{" TOKEN ",\"output\":1}", "/output"},
      {FSM_CMD_TASK_FAIL, "{" TOKEN ",\"final\":\"yes\"}", "/final"},
      {FSM_CMD_TASK_HEARTBEAT, "{" TOKEN ",\"final\":true}", "/final"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_command c = {.kind = FSM_CMD_DEPLOY};
    fsm_error err = {0};
    assert_int_equal(read_request(cases[i].kind, cases[i].text, &c, &err), FSM_EMALFORMED);
    assert_int_equal(strncmp(err.where, cases[i].where, strlen(cases[i].where)), 0);
    assert_int_equal(c.kind, FSM_CMD_DEPLOY);
  }
}

static void a_request_has_a_largest_size(void **state) {
  (void)state;
  char *text = malloc(FSM_WORKERS_REQUEST_MAX + 1);
  memset(text, ' ', FSM_WORKERS_REQUEST_MAX + 1);
  memcpy(text, "{" TOKEN "}", strlen("{" TOKEN "}"));
  fsm_command c;
  assert_int_equal(
      fsm__worker_request_read(&arena, FSM_CMD_TASK_COMPLETE, text, FSM_WORKERS_REQUEST_MAX, &c, NULL),
      FSM_OK);
  assert_int_equal(
      fsm__worker_request_read(&arena, FSM_CMD_TASK_COMPLETE, text, FSM_WORKERS_REQUEST_MAX + 1, &c, NULL),
      FSM_ETOOLARGE);
  free(text);
}

static void what_was_no_request_is_recorded_by_its_first_bytes_escaped(void **state) {
  (void)state;
  char bytes[300];
  memset(bytes, 'a', sizeof bytes);
  memcpy(bytes, "\n\\\xff", 3);
  fsm_command c = fsm__worker_request_refused(&arena, FSM_EMALFORMED, bytes, sizeof bytes);
  assert_int_equal(c.kind, FSM_CMD_REFUSED);
  assert_int_equal(c.code, FSM_EMALFORMED);
  assert_int_equal(c.data.len, 3 * 4 + 253);
  assert_memory_equal(c.data.s, "\\x0a\\x5c\\xffaaa", 15);
  c = fsm__worker_request_refused(&arena, FSM_EMALFORMED, NULL, 0);
  assert_int_equal(c.data.len, 0);
}

static void a_fault_is_told_as_json(void **state) {
  (void)state;
  fsm_answer answer = {.error = {.code = FSM_ETASK, .where = "a\"b", .text = "line\nbreak"}};
  fsm_buf buf = {0};
  fsm__worker_reply_write(&buf, &arena, &answer);
  assert_string_equal(
      fsm_buf_text(&buf),
      "{\"error\":{\"code\":\"unknown_task\",\"where\":\"a\\\"b\",\"text\":\"line\\nbreak\"}}");
  fsm_buf_free(&buf);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_completion_brings_token_and_output),
      TEST(a_failure_may_be_final),
      TEST(what_is_wrong_is_named_and_the_command_untouched),
      TEST(a_request_has_a_largest_size),
      TEST(what_was_no_request_is_recorded_by_its_first_bytes_escaped),
      TEST(a_fault_is_told_as_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

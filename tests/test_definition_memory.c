/* Definitions when memory ends: each request for memory fails once, and never is anything taken as whole
 * that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/session.h"
#include "schema/definition.h"
#include "schema/scxml.h"

/* ---- memory ------------------------------------------------------------------------------------ */

static long left = -1; /* requests that are still granted; -1 = all */
static long asked;     /* so far */
static bool denied;

static bool deny(void) {
  asked++;
  if (left < 0 || left-- > 0) return false;
  denied = true;
  return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size) { return deny() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return deny() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *at, size_t size) { return deny() ? NULL : __real_realloc(at, size); }

/* ---- all that is done with a definition ---------------------------------------------------------- */

static fsm_code run(const fsm_machine *machine, fsm_error *err) {
  const fsm_sessions_options options = {0};
  fsm_sessions *sessions = NULL;
  fsm_session *session = NULL;
  fsm_code code = fsm_sessions_new(&options, &sessions, err), outcome;
  if (code) return code;
  code = fsm_sessions_start(sessions, machine, NULL, &session, err);
  const fsm_event event = {.name = "go"};
  if (!code) code = fsm_session_send(session, &event, &outcome, err);
  if (!code) code = fsm_sessions_advance(sessions, INT64_C(60000000000), err);
  fsm_sessions_free(sessions);
  return code;
}

static fsm_code write(const char *text, fsm_error *err) {
  fsm_arena arena;
  const fsm_def *def = NULL;
  fsm_buf out = {0};
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm_definition_read(&arena, text, strlen(text), &def, err);
  if (!code) code = *text == '<' ? fsm_definition_write(def, &out, err) : fsm_scxml_write(def, &out, err);
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code use(const char *text, fsm_error *err) {
  fsm_definition *definition = NULL;
  fsm_code code = fsm_definition_load(text, strlen(text), &definition, err);
  if (!code) code = run(fsm_definition_machine(definition), err);
  fsm_definition_free(definition);
  return code ? code : write(text, err);
}

static void each_request_that_fails_is_told(const char *text) {
  fsm_error err = {0};
  asked = 0;
  if (use(text, &err)) fail_msg("%s: %s", err.where, err.text);
  const long all = asked;
  assert_true(all > 10);
  for (long granted = 0; granted < all; granted++) {
    left = granted;
    denied = false;
    err = (fsm_error){0};
    fsm_code code = use(text, &err);
    left = -1;
    assert_true(denied);
    if (code != FSM_ENOMEM) fail_msg("request %ld of %ld: %d: %s", granted, all, (int)code, err.text);
    assert_int_equal(err.code, FSM_ENOMEM);
  }
}

static void a_json_definition_is_whole_or_not_there(void **state) {
  (void)state;
  each_request_that_fails_is_told(
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"guards\":{\"g\":{\"@expr\":\"context.n < "
      "params.most\"}},"
      "\"states\":{\"a\":{\"after\":{\"1000\":\"b\"},\"on\":{\"go\":{\"target\":\"b\",\"guard\":{\"type\":"
      "\"g\",\"params\":"
      "{\"most\":5}},\"context\":{\"n\":{\"@expr\":\"context.n + "
      "1\"}}}}},\"b\":{\"type\":\"parallel\",\"states\":"
      "{\"x\":{\"initial\":\"y\",\"states\":{\"y\":{},\"h\":{\"type\":\"history\"}}},\"z\":{}}}}}");
}

static void an_scxml_document_is_whole_or_not_there(void **state) {
  (void)state;
  each_request_that_fails_is_told(
      "<scxml xmlns='http://www.w3.org/2005/07/scxml' name='m' datamodel='ecmascript'>"
      "<datamodel><data id='n' expr='0'/><data id='l'>[1, 2, 3]</data></datamodel>"
      "<state id='a'><onentry><send event='late' delay='1s'/></onentry>"
      "<transition event='go' cond='n === 0' target='b'><assign location='n' expr='n + "
      "1'/></transition></state>"
      "<parallel id='b'><state id='x'/><state id='y'/></parallel></scxml>");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_json_definition_is_whole_or_not_there),
      cmocka_unit_test(an_scxml_document_is_whole_or_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_admit_store.c: what comes in about routes and sinks, every limit at its edge and one past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/admit.h"
#include "runtime/cursors.h"
#include "runtime/routing.h"
#include "schema/json.h"

typedef struct desk {
  fsm_arena arena;
  fsm_command out;
  fsm_error err;
} desk;

static int setup(void **state) {
  *state = calloc(1, sizeof(desk));
  return *state != NULL ? 0 : -1;
}

static int teardown(void **state) {
  desk *d = *state;
  fsm_arena_free(&d->arena);
  free(d);
  return 0;
}

static fsm_value json(desk *d, const char *text) {
  fsm_value value;
  assert_int_equal(fsm_json_parse(&d->arena, text, strlen(text), FSM_JSON_SORTED, &value, NULL), FSM_OK);
  return value;
}

static char *text_of(desk *d, size_t len) {
  char *text = fsm_arena_alloc(&d->arena, len + 1);
  memset(text, 'x', len);
  text[len] = '\0';
  return text;
}

/* {"x":"…"} of so many bytes as JSON. */
static fsm_value map_of(desk *d, size_t bytes) {
  const size_t frame = strlen("{\"x\":\"\"}");
  fsm_buf text = {0};
  fsm_buf_printf(&text, "{\"x\":\"%s\"}", text_of(d, bytes - frame));
  fsm_value value = json(d, fsm_arena_strdup(&d->arena, fsm_buf_text(&text)));
  fsm_buf_free(&text);
  return value;
}

static fsm_command note(void) {
  fsm_command command = fsm_command_new(FSM_CMD_SINK_NOTE);
  command.name = "siem";
  command.event = "failed";
  return command;
}

static fsm_command route(desk *d, fsm_command_kind kind) {
  fsm_command command = fsm_command_new(kind);
  command.name = "claims";
  if (kind == FSM_CMD_ROUTE_SET) command.data = json(d, "{\"sinks\":[\"siem\"]}");
  command.actor = json(d, "{\"sub\":\"olga\"}");
  command.reason = "asked by audit";
  return command;
}

static void expect(desk *d, const fsm_command *command, fsm_code code, const char *where) {
  bool made = false;
  d->err = (fsm_error){.text = ""};
  fsm_code got = fsm__admit(command, 1, &d->arena, &d->out, &made, &d->err);
  if (got != code)
    fail_msg("%s (%s: %s), expected %s", fsm_code_name(got), d->err.where, d->err.text, fsm_code_name(code));
  assert_string_equal(d->err.where, where);
}

static void names_are_words_up_to_their_limit(void **state) {
  desk *d = *state;
  fsm_command commands[] = {note(), route(d, FSM_CMD_ROUTE_SET), route(d, FSM_CMD_ROUTE_REMOVE)};
  for (unsigned i = 0; i < 3; i++) {
    const size_t max = i == 0 ? FSM_SINK_NAME_MAX : FSM_ROUTE_NAME_MAX;
    fsm_command c = commands[i];
    expect(d, &c, FSM_OK, "");
    c.name = "A.z_0-9";
    expect(d, &c, FSM_OK, "");
    c.name = text_of(d, max);
    expect(d, &c, FSM_OK, "");
    c.name = text_of(d, max + 1);
    expect(d, &c, FSM_ETOOLARGE, "name");
    c.name = "a/b";
    expect(d, &c, FSM_EARGUMENT, "name");
    c.name = NULL;
    expect(d, &c, FSM_EARGUMENT, "name");
    c.name = "";
    expect(d, &c, FSM_EARGUMENT, "name");
  }
}

static void what_befell_a_sink_is_a_word(void **state) {
  desk *d = *state;
  fsm_command c = note();
  c.event = text_of(d, FSM_SINK_WHAT_MAX);
  expect(d, &c, FSM_OK, "");
  c.event = text_of(d, FSM_SINK_WHAT_MAX + 1);
  expect(d, &c, FSM_ETOOLARGE, "event");
  c.event = "went down";
  expect(d, &c, FSM_EARGUMENT, "event");
  c.event = NULL;
  expect(d, &c, FSM_EARGUMENT, "event");
}

static void more_about_a_sink_is_a_small_map_beside_what_is_said_anyway(void **state) {
  desk *d = *state;
  fsm_command c = note();
  c.data = map_of(d, FSM_SINK_NOTE_BYTES_MAX);
  expect(d, &c, FSM_OK, "");
  c.data = map_of(d, FSM_SINK_NOTE_BYTES_MAX + 1);
  expect(d, &c, FSM_ETOOLARGE, "data");
  c.data = json(d, "{\"a\":{\"b\":{\"c\":{}}}}");
  expect(d, &c, FSM_OK, "");
  c.data = json(d, "{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}");
  expect(d, &c, FSM_ETOOLARGE, "data");
  c.data = json(d, "[1]");
  expect(d, &c, FSM_EARGUMENT, "data");
  const char *const taken[] = {"{\"command\":1}", "{\"sink\":1}", "{\"what\":1}", "{\"reason\":1}"};
  for (unsigned i = 0; i < 4; i++) {
    c.data = json(d, taken[i]);
    expect(d, &c, FSM_EARGUMENT, "data");
  }
}

static void who_and_why_are_one_thing(void **state) {
  desk *d = *state;
  fsm_command c = note();
  c.reason = "the index was full";
  expect(d, &c, FSM_EARGUMENT, "actor");
  c.actor = json(d, "{\"sub\":\"olga\"}");
  expect(d, &c, FSM_OK, "");
  c.reason = NULL;
  expect(d, &c, FSM_EARGUMENT, "reason");
  for (fsm_command_kind kind = FSM_CMD_ROUTE_SET; kind <= FSM_CMD_ROUTE_REMOVE; kind++) {
    c = route(d, kind);
    c.reason = NULL;
    expect(d, &c, FSM_EARGUMENT, "reason");
    c = route(d, kind);
    c.actor = fsm_null();
    expect(d, &c, FSM_EARGUMENT, "actor");
  }
}

static void a_route_is_a_map_up_to_its_limit(void **state) {
  desk *d = *state;
  fsm_command c = route(d, FSM_CMD_ROUTE_SET);
  c.data = map_of(d, FSM_ROUTE_BYTES_MAX);
  expect(d, &c, FSM_OK, "");
  c.data = map_of(d, FSM_ROUTE_BYTES_MAX + 1);
  expect(d, &c, FSM_ETOOLARGE, "data");
  c.data = fsm_null();
  expect(d, &c, FSM_EARGUMENT, "data");
}

static void none_of_them_takes_a_key(void **state) {
  desk *d = *state;
  fsm_command c = note();
  c.idem = "once";
  expect(d, &c, FSM_EARGUMENT, "idem");
  assert_non_null(strstr(d->err.text, "a route is known by its document"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(names_are_words_up_to_their_limit),
      T(what_befell_a_sink_is_a_word),
      T(more_about_a_sink_is_a_small_map_beside_what_is_said_anyway),
      T(who_and_why_are_one_thing),
      T(a_route_is_a_map_up_to_its_limit),
      T(none_of_them_takes_a_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

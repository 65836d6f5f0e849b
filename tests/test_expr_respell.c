/* Expressions of one notation as those of the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/fsm.h"

static fsm_arena arena;
static fsm_error err;
static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

/* a.b is called ab, and that a.b. */
static const char *state_name(const void *arg, const char *state, size_t len) {
  (void)arg;
  if (len == 3 && memcmp(state, "a.b", 3) == 0) return "a'b";
  return len == 2 && memcmp(state, "ab", 2) == 0 ? "a.b" : NULL;
}

static fsm_code respell(const char *text, bool to_scxml, const char **out) {
  const fsm_respelling how = {.to_scxml = to_scxml, .state = state_name};
  err = (fsm_error){0};
  return fsm_expr_respell(&arena, text, strlen(text), &how, out, &err);
}

static void expect(const char *text, bool to_scxml, const char *expected) {
  const char *out = NULL;
  if (respell(text, to_scxml, &out)) fail_msg("%s: %s: %s", text, err.where, err.text);
  assert_string_equal(out, expected);
}

static void names_of_json_become_those_of_scxml(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"context.a  + context.b.c[0] > 1", "a  + b.c[0] > 1"},
      {"event.data.x == event.y.z", "_event.data.x == _event.data.y.z"},
      {"event.type == event.name", "_event.name == _event.name"},
      {"event.output + event.error.message", "_event.data + _event.data.message"},
      {"has(context.a) && In('a.b')", "has(a) && In('a\\'b')"},
      {"context.l.all(x, x > context.n && x.context == 1)", "l.all(x, x > n && x.context == 1)"},
      {"context.m.exists(k, v, v == k).f", "m.exists(k, v, v == k).f"},
      {"[1].map(context, context + 1)", "[1].map(context, context + 1)"},
      {"context.a.?b.orValue(0)", "a.?b.orValue(0)"},
      {"'context.a' + \"event\" // context.b", "'context.a' + \"event\" // context.b"},
      {"size(context.a) == int(context.b)", "size(a) == int(b)"},
      {"{'a': context.a, \"b\": [context.b]}", "{'a': a, \"b\": [b]}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect(rows[i][0], true, rows[i][1]);
}

static void names_of_scxml_become_those_of_json(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"a  + b.c[0] > 1", "context.a  + context.b.c[0] > 1"},
      {"_event.data.x == _event.name", "event.data.x == event.name"},
      {"In('ab') || has(a.b)", "In('a.b') || has(context.a.b)"},
      {"l.filter(x, x > n).map(y, y + x)", "context.l.filter(x, x > context.n).map(y, y + context.x)"},
      {"l.all(i, v, i < v) && i", "context.l.all(i, v, i < v) && context.i"},
      {"type(a) == int ? a : null", "type(context.a) == int ? context.a : null"},
      {"optional.of(a).hasValue()", "optional.of(context.a).hasValue()"},
      {"{a: b}", "{context.a: context.b}"},
      {"event.data", "context.event.data"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect(rows[i][0], false, rows[i][1]);
}

static void what_the_other_has_no_name_for_is_refused_by_its_place(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool to_scxml;
    const char *where, *said;
  } rows[] = {
      {"1 < now", true, "1:5", "now has no like in SCXML"},
      {"actor.role == 'x'", true, "1:1", "actor has no like in SCXML"},
      {"context == {}", true, "1:1", "context as a whole has no name in SCXML"},
      {"context['a']", true, "1:1", "context as a whole has no name in SCXML"},
      {"context.size()", true, "1:1", "context as a whole has no name in SCXML"},
      {"size(event)", true, "1:6", "event as a whole has no name in SCXML"},
      {"context._x", true, "1:9", "_x means something else in SCXML"},
      {"[1].map(x, context.x)", true, "1:20", "x means something else in SCXML"},
      {"In('c')", true, "1:4", "'c' is no state"},
      {"In(context.a)", true, "1:1", "In of a state that is not written out cannot be translated"},
      {"_sessionid", false, "1:1", "_sessionid has no like in JSON"},
      {"_event.sendid", false, "1:8", "sendid of the event has no like in JSON"},
      {"_event", false, "1:1", "_event as a whole has no like in JSON"},
      {"[1].map(context, a)", false, "1:18", "a means something else in JSON"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *out = NULL;
    assert_int_equal(respell(rows[i].text, rows[i].to_scxml, &out), FSM_EUNSUPPORTED);
    assert_null(out);
    assert_string_equal(err.text, rows[i].said);
    assert_string_equal(err.where, rows[i].where);
  }
}

static void what_cannot_be_compiled_is_refused_as_ever(void **state) {
  (void)state;
  const char *out = NULL;
  assert_int_equal(respell("context.a +", true, &out), FSM_EEXPRESSION);
  assert_int_equal(respell("a +", false, &out), FSM_EEXPRESSION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(names_of_json_become_those_of_scxml, setup, teardown),
      cmocka_unit_test_setup_teardown(names_of_scxml_become_those_of_json, setup, teardown),
      cmocka_unit_test_setup_teardown(what_the_other_has_no_name_for_is_refused_by_its_place, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_compiled_is_refused_as_ever, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* definition_run.h: a definition written in a test, loaded and stepped. */
#ifndef FSM_TESTS_DEFINITION_RUN_H
#define FSM_TESTS_DEFINITION_RUN_H

#include "schema/definition.h"
#include "schema/json.h"
#include "tests/arena_scene.h"

static inline fsm_definition *load(const char *text) {
  fsm_definition *d = NULL;
  fsm_error err = {0};
  if (fsm_definition_load(text, strlen(text), &d, &err)) fail_msg("%s: %s: %s", err.where, err.text, text);
  return d;
}

/* The same with single quotes for double ones. */
static inline fsm_definition *load_quoted(const char *text) {
  char *copy = fsm_arena_strdup(&arena, text);
  for (char *p = copy; *p; p++)
    if (*p == '\'') *p = '"';
  return load(copy);
}

/* It is refused there, with this text. */
static inline void is_refused(const char *text, fsm_code code, const char *where, const char *says) {
  char *copy = fsm_arena_strdup(&arena, text);
  for (char *p = copy; *p; p++)
    if (*p == '\'') *p = '"';
  fsm_definition *d = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_definition_load(copy, strlen(copy), &d, &err), code);
  assert_string_equal(err.where, where);
  assert_string_equal(err.text, says);
}

static inline fsm_value json(const char *text) {
  fsm_value out = {0};
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &out, &err))
    fail_msg("%s: %s", text, err.text);
  return out;
}

/* ---- a machine that runs ----------------------------------------------------------------------- */

typedef struct run {
  const fsm_machine *machine;
  fsm_snapshot now;
  fsm_step_result last;
} run;

static inline run start(const fsm_definition *d, const char *input) {
  run r = {.machine = fsm_definition_machine(d)};
  fsm_value value = json(input);
  fsm_error err = {0};
  if (fsm_start(r.machine, &value, &(fsm_world){0}, &arena, &r.last, &err)) fail_msg("%s", err.text);
  if (r.last.outcome) fail_msg("start: %s", r.last.unhandled_text);
  r.now = r.last.next;
  return r;
}

static inline fsm_code send_data(run *r, const char *event, const char *data, fsm_cause cause) {
  fsm_event e = {.name = event, .data = json(data), .cause = cause};
  fsm_error err = {0};
  if (fsm_step(r->machine, &r->now, &e, &(fsm_world){0}, &arena, &r->last, &err)) fail_msg("%s", err.text);
  r->now = r->last.next;
  return r->last.outcome;
}

static inline void send(run *r, const char *event) {
  fsm_code code = send_data(r, event, "null", FSM_CAUSE_EXTERNAL);
  if (code)
    fail_msg("%s: %s %s", event, fsm_code_name(code), r->last.unhandled_text ? r->last.unhandled_text : "");
}

/* The active leaf. */
static inline void is_in(const run *r, const char *path) {
  for (unsigned s = 0; s < fsm_machine_states(r->machine); s++)
    if (fsm_config_has(r->now.config, s) && fsm_state_is_leaf(r->machine, s))
      assert_string_equal(fsm_state_path(r->machine, s), path);
}

/* The active leaves in document order, with single spaces between. */
static inline void are_in(const run *r, const char *paths) {
  fsm_buf buf = {0};
  for (unsigned s = 0; s < fsm_machine_states(r->machine); s++)
    if (fsm_config_has(r->now.config, s) && fsm_state_is_leaf(r->machine, s))
      fsm_buf_printf(&buf, "%s%s", buf.len ? " " : "", fsm_state_path(r->machine, s));
  assert_string_equal(fsm_buf_text(&buf), paths);
  fsm_buf_free(&buf);
}

static inline void context_is(const run *r, const char *expected) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, &r->now.context);
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static inline const fsm_effect *effect_of(const run *r, fsm_effect_kind kind) {
  for (unsigned m = 0; m < r->last.microstep_count; m++)
    for (unsigned e = 0; e < r->last.microsteps[m].effect_count; e++)
      if (r->last.microsteps[m].effects[e].kind == kind) return &r->last.microsteps[m].effects[e];
  return NULL;
}

static inline const char *field(const run *r, const char *name) {
  const fsm_value *value = fsm_map_get(&r->now.context, name);
  assert_non_null(value);
  return value->type == FSM_STRING ? fsm_arena_strndup(&arena, value->s, value->len)
                                   : fsm_type_name(value->type);
}

#endif

/* admin_scene.h: a runtime with the machine of admin_machine.h, and what operators say to it. */
#ifndef TESTS_ADMIN_SCENE_H
#define TESTS_ADMIN_SCENE_H

#include "runtime_fixture.h"
#include "tests/admin_machine.h"

static inline fixture *admin_new(void) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, ADMIN_MACHINE, sizeof ADMIN_MACHINE - 1);
  if (answer.error.code != FSM_OK) fail_msg("deploy: %s: %s", answer.error.where, answer.error.text);
  return f;
}

static inline fsm_command by_operator(fixture *f, fsm_command_kind kind, const char *id) {
  fsm_command command = fsm_command_new(kind);
  command.instance = id;
  command.reason = "the customer called";
  command.actor = json(f, "{\"type\":\"user\",\"sub\":\"olga\",\"authn\":\"local\"}");
  return command;
}

static inline fsm_answer admin(fixture *f, fsm_command_kind kind, const char *id) {
  fsm_command command = by_operator(f, kind, id);
  return sent(f, &command);
}

static inline fsm_answer admin_named(fixture *f, fsm_command_kind kind, const char *id, const char *name,
                                     const char *data) {
  fsm_command command = by_operator(f, kind, id);
  command.name = name;
  if (data != NULL) command.data = json(f, data);
  return sent(f, &command);
}

static inline fsm_answer force(fixture *f, const char *id, const char *states) {
  fsm_command command = by_operator(f, FSM_CMD_FORCE, id);
  command.states = json(f, states);
  return sent(f, &command);
}

static inline fsm_answer set(fixture *f, const char *id, const char *patch) {
  fsm_command command = by_operator(f, FSM_CMD_SET, id);
  command.data = json(f, patch);
  return sent(f, &command);
}

static inline void begun(fixture *f, const char *id, const char *event) {
  fsm_answer answer = start(f, "adm", id, NULL, NULL);
  assert_code(&answer, FSM_OK);
  if (event == NULL) return;
  answer = send_event(f, id, event, NULL);
  assert_code(&answer, FSM_OK);
}

static inline const char *field_text(fixture *f, const char *id, const char *field) {
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  const fsm_value *value = fsm_map_get(&instance, field);
  return value != NULL ? text_of(f, value) : "(none)";
}

static inline void assert_field(fixture *f, const char *id, const char *field, const char *wanted) {
  assert_string_equal(field_text(f, id, field), wanted);
}

/* Waits (really, bounded) until it is so. */
static inline void await_field(fixture *f, const char *id, const char *field, const char *wanted) {
  for (int i = 0; i < 12000 && strcmp(field_text(f, id, field), wanted) != 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_field(f, id, field, wanted);
}

static inline void pass(fixture *f, int64_t seconds) { atomic_fetch_add(&f->now_ns, seconds * SECOND); }

/* The kinds of the last frame's records, with their causes, from the instance's history. */
static inline const char *last_frame(fixture *f, const char *id) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id, .limit = 1000});
  const fsm_value *items = fsm_map_get(&page, "items");
  fsm_buf text = {0};
  const fsm_value *n = fsm_map_get(&items->items[items->len - 1], "n");
  for (uint32_t i = items->len - (uint32_t)n->i; i < items->len; i++) {
    const fsm_value *kind = fsm_map_get(&items->items[i], "kind"),
                    *cause = fsm_map_get(&items->items[i], "cause");
    fsm_buf_printf(&text, "%s%.*s", text.len ? " " : "", (int)kind->len, kind->s);
    if (cause != NULL) fsm_buf_printf(&text, "/%.*s", (int)cause->len, cause->s);
  }
  const char *kept = fsm_arena_strdup(&f->arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return kept;
}

static inline fsm_value last_record(fixture *f, const char *id) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id, .limit = 1000});
  const fsm_value *items = fsm_map_get(&page, "items");
  return items->items[items->len - 1];
}

static inline int64_t incidents_open(fixture *f) {
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return fsm_map_get(&health, "incidents")->i;
}

static inline int scene_setup(void **state) {
  *state = admin_new();
  return 0;
}

/* Whatever was done: a replay gives the store. */
static inline int scene_teardown(void **state) {
  fixture *f = *state;
  assert_verified(f);
  fixture_free(f);
  return 0;
}

#define S(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

#endif

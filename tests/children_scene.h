/* children_scene.h: durable instances that talk to one another: waiting until they are quiet, and what they
 * are then, each a line. */
#ifndef CHILDREN_SCENE_H
#define CHILDREN_SCENE_H

#include "runtime_scene.h"

static inline void deploy(fixture *f, const char *text) {
  fsm_answer answer = deploy_text(f, text, strlen(text));
  if (answer.error.code != FSM_OK) fail_msg("deploy: %s: %s", answer.error.where, answer.error.text);
}

static inline int64_t seq_now(fixture *f) {
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return fsm_map_get(&health, "seq")->i;
}

/* Every command is behind what was due before it: when none of them adds a record, nothing is left to do. */
static inline void until_quiet(fixture *f) {
  for (int64_t before = -1, seq = seq_now(f); before != seq; seq = seq_now(f)) {
    before = seq;
    fsm_answer answer = send_event(f, "nobody", "NOTHING", NULL);
    assert_code(&answer, FSM_EINSTANCE);
  }
}

static inline void started(fixture *f, const char *machine, const char *id, const char *input) {
  fsm_answer answer = start(f, machine, id, NULL, input);
  assert_code(&answer, FSM_OK);
  until_quiet(f);
}

static inline void sends(fixture *f, const char *id, const char *event) {
  fsm_answer answer = send_event(f, id, event, NULL);
  assert_code(&answer, FSM_OK);
  until_quiet(f);
}

static inline void passes(fixture *f, int64_t seconds) {
  atomic_fetch_add(&f->now_ns, seconds * SECOND);
  until_quiet(f);
}

static inline fsm_value instance(fixture *f, const char *id) {
  return query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
}

static inline const char *member(fixture *f, const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_map_get(map, name);
  return value == NULL ? "none" : fsm_is(value, FSM_STRING) ? value->s : text_of(f, value);
}

/* "status [leaves] context" */
static inline const char *shape(fixture *f, const char *id) {
  fsm_value in = instance(f, id);
  return fsm_arena_printf(&f->arena, "%s %s %s", member(f, &in, "status"), member(f, &in, "state"),
                          member(f, &in, "context"));
}

static inline void is_now(fixture *f, const char *id, const char *expected) {
  assert_string_equal(shape(f, id), expected);
}

/* The child that works on the task of this name; NULL = the task is not open. */
static inline const char *child_of(fixture *f, const char *parent, const char *invoke) {
  fsm_value in = instance(f, parent);
  const fsm_value *tasks = fsm_map_get(&in, "tasks");
  for (unsigned i = 0; i < tasks->len; i++)
    if (strcmp(member(f, &tasks->items[i], "id"), invoke) == 0) return member(f, &tasks->items[i], "child");
  return NULL;
}

static inline unsigned list_len(fixture *f, const char *id, const char *name) {
  fsm_value in = instance(f, id);
  return fsm_map_get(&in, name)->len;
}

static inline int children_setup(void **state) {
  *state = fixture_new();
  return 0;
}

/* Whatever a test did: a replay of the journal gives the same rows. */
static inline int children_teardown(void **state) {
  assert_verified(*state);
  fixture_free(*state);
  return 0;
}

#define C(name) cmocka_unit_test_setup_teardown(name, children_setup, children_teardown)

#endif

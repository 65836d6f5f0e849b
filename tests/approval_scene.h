/* approval_scene.h: a runtime with the approval deployed, and what its tests do to one. */
#ifndef FSM_TESTS_APPROVAL_SCENE_H
#define FSM_TESTS_APPROVAL_SCENE_H

#include "runtime_fixture.h"

static const char DOC[] =
    "{\"id\":\"D1\",\"title\":\"Laptops\",\"amount\":4200,\"department\":\"it\",\"submitter\":\"ana\"}";

static inline int setup(void **state) {
  fixture *f = fixture_new();
  deploy_approval(f);
  *state = f;
  return 0;
}

static inline int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static inline void submit(fixture *f, const char *id) {
  fsm_answer answer = start(f, "document-approval", id, NULL, DOC);
  assert_code(&answer, FSM_OK);
  answer = send_event(f, id, "SUBMIT", NULL);
  assert_code(&answer, FSM_OK);
  assert_state(f, id, "pendingReview");
}

/* The task that was offered last. */
static inline const uint8_t *last_token(fixture *f) { return f->offered[f->offered_count - 1].token; }

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

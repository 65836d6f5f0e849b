/* session_scene.h: sessions whose doings are a text, for the tests of sessions.
 *
 * A line per macrostep: the session, the time in ms when it is not 0, the event, the outcome when it is not
 * ok, the leaves, and what was emitted: s1 start: a s2 @10 GO: b; emit X null
 */
#ifndef TESTS_SESSION_SCENE_H
#define TESTS_SESSION_SCENE_H

#include <stdio.h>

#include "chart.h"
#include "fsm/session.h"

#define MS INT64_C(1000000)

#define SEND(ev, to, ...) \
  { .kind = FSM_ACTION_SEND, .event = (ev), .target = STR(to), .where = "/send", __VA_ARGS__ }
/* To the session itself, through its external queue. */
#define SEND_SELF(ev, ...) \
  { .kind = FSM_ACTION_SEND, .event = (ev), .where = "/send", __VA_ARGS__ }
#define MACHINE(r) \
  .machine = &(const fsm_def) { .root = (r) }
#define INVOKE(i, ...) \
  { .id = (i), .where = "/invoke", __VA_ARGS__ }

typedef struct scene {
  fsm_machine *machines[8];
  unsigned machine_count;
  fsm_sessions_options options;
  fsm_sessions *sessions;
  fsm_session *first;
  fsm_buf text;
  fsm_error err;
  bool quiet;
} scene;

static inline void scene_watch(void *arg, const fsm_session *session, const fsm_event *event,
                               const fsm_step_result *result) {
  scene *s = arg;
  if (s->quiet) return;
  fsm_buf_str(&s->text, fsm_session_id(session));
  if (fsm_sessions_now(s->sessions) > 0)
    fsm_buf_printf(&s->text, " @%" PRId64, fsm_sessions_now(s->sessions) / MS);
  const uint64_t *config = fsm_session_snapshot(session)->config;
  const fsm_microstep *first = result->microstep_count > 0 ? &result->microsteps[0] : NULL;
  bool starts = first ? first->from_count == 0 : !config;
  fsm_buf_printf(&s->text, " %s:", event ? event->name : starts ? "start" : "stop");
  if (result->outcome != FSM_OK) fsm_buf_printf(&s->text, " (%s)", fsm_code_name(result->outcome));
  const fsm_machine *m = fsm_session_machine(session);
  for (unsigned i = 0; config && i < fsm_machine_states(m); i++)
    if (fsm_config_has(config, i) && fsm_state_is_leaf(m, i))
      fsm_buf_printf(&s->text, " %s", fsm_state_path(m, i));
  for (unsigned i = 0; i < result->microstep_count; i++)
    for (unsigned k = 0; k < result->microsteps[i].effect_count; k++) {
      const fsm_effect *e = &result->microsteps[i].effects[k];
      if (e->kind != FSM_EFFECT_EMIT) continue;
      fsm_buf_printf(&s->text, "; emit %s ", e->event);
      chart_value(&s->text, &e->data);
    }
  fsm_buf_char(&s->text, '\n');
}

static inline const fsm_machine *scene_machine(scene *s, const fsm_def *def) {
  fsm_error err = {0};
  fsm_machine *machine;
  if (fsm_machine_compile(def, &machine, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  assert_true(s->machine_count < 8);
  return s->machines[s->machine_count++] = machine;
}

/* Options may have been set before. */
static inline void scene_open(scene *s) {
  s->options.watch = scene_watch;
  s->options.watch_arg = s;
  assert_int_equal(fsm_sessions_new(&s->options, &s->sessions, &s->err), FSM_OK);
}

static inline void scene_close(scene *s) {
  fsm_sessions_free(s->sessions);
  for (unsigned i = 0; i < s->machine_count; i++) fsm_machine_free(s->machines[i]);
  fsm_buf_free(&s->text);
}

/* What happened since the last call. */
static inline const char *scene_text(scene *s) {
  static char copy[8192];
  snprintf(copy, sizeof copy, "%s", fsm_buf_text(&s->text));
  fsm_buf_reset(&s->text);
  return copy;
}

static inline const char *scene_start(scene *s, const fsm_def_state *root) {
  const fsm_machine *machine = scene_machine(s, &(const fsm_def){.root = root});
  fsm_session *session;
  if (fsm_sessions_start(s->sessions, machine, NULL, &session, &s->err) != FSM_OK)
    fail_msg("%s: %s", s->err.where, s->err.text);
  if (!s->first) s->first = session;
  return scene_text(s);
}

static inline fsm_code scene_try(scene *s, const char *event) {
  fsm_event e = {.name = event, .cause = FSM_CAUSE_EXTERNAL};
  return fsm_session_send(s->first, &e, NULL, &s->err);
}

static inline const char *scene_send(scene *s, const char *event) {
  if (scene_try(s, event) != FSM_OK) fail_msg("%s: %s", s->err.where, s->err.text);
  return scene_text(s);
}

static inline const char *scene_advance(scene *s, int64_t ms) {
  if (fsm_sessions_advance(s->sessions, ms * MS, &s->err) != FSM_OK)
    fail_msg("%s: %s", s->err.where, s->err.text);
  return scene_text(s);
}

#endif

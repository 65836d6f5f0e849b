/* stage.c: sessions, their clock, and what can be seen of them. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

fsm_code stage_open(stage *s, const stage_source *source, bool round_trips, fsm_error *err) {
  *s = (stage){.source = source, .round_trip = round_trips};
  fsm_arena_init(&s->arena, 0);
  const fsm_machine *machine;
  fsm_code code = stage_compile(s, source->form, source->text, source->len, &machine, err);
  if (code != FSM_OK) return code;
  fsm_sessions_options options = {.watch = trace_step,
                                  .watch_arg = s,
                                  .load = stage_load,
                                  .load_arg = s,
                                  .between = round_trips ? round_trip : NULL};
  code = fsm_sessions_new(&options, &s->sessions, err);
  return code == FSM_OK ? fsm_sessions_start(s->sessions, machine, NULL, &s->root, err) : code;
}

void stage_close(stage *s) {
  fsm_sessions_free(s->sessions);
  for (unsigned i = 0; i < s->machine_count; i++) fsm_machine_free(s->machines[i]);
  fsm_buf_free(&s->trace);
  fsm_arena_free(&s->arena);
}

fsm_code stage_send(stage *s, const char *event, fsm_error *err) {
  fsm_event e = {.name = event, .cause = FSM_CAUSE_EXTERNAL};
  return fsm_session_send(s->root, &e, &s->last, err);
}

/* ---- the clock -------------------------------------------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* When the newest timer was set of those due by due_ns, in this session and below it. */
static int64_t newest(const fsm_session *session, int64_t due_ns) {
  int64_t found = INT64_MIN;
  fsm_session_timer timer;
  for (unsigned i = 0; fsm_session_timer_at(session, i, &timer); i++)
    if (timer.due_ns <= due_ns) found = larger(found, timer.set_ns);
  fsm_session_task task;
  for (unsigned i = 0; fsm_session_task_at(session, i, &task); i++)
    if (task.child) found = larger(found, newest(task.child, due_ns));
  return found;
}

fsm_code stage_advance(stage *s, int64_t to_ns, fsm_error *err) {
  int64_t due;
  while (fsm_sessions_next_due(s->sessions, &due) && due <= to_ns) {
    if (s->tick_count == STAGE_TICKS_MAX) return fsm_fail(err, FSM_ELOOP, "", "timers without end");
    stage_tick *tick = &s->ticks[s->tick_count++];
    *tick = (stage_tick){.due_ns = due, .newest_fired = newest(s->root, due)};
    fsm_code code = fsm_sessions_advance(s->sessions, due, err);
    if (code != FSM_OK) return code;
    tick->newest_left = fsm_session_snapshot(s->root)->done ? INT64_MIN : newest(s->root, INT64_MAX);
  }
  return fsm_sessions_advance(s->sessions, to_ns, err);
}

unsigned stage_can_jump(const stage *plain, unsigned first, int64_t since_ns, int64_t to_ns) {
  unsigned can = 0;
  for (unsigned i = first; i < plain->tick_count && plain->ticks[i].due_ns <= to_ns; i++) {
    if (plain->ticks[i].newest_fired > since_ns) break;
    if (plain->ticks[i].newest_left <= since_ns) can = i - first + 1;
  }
  return can;
}

/* ---- looking ---------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *last_part(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? dot + 1 : path;
}

const char *stage_leaves(const stage *s, fsm_arena *arena) {
  const fsm_machine *m = fsm_session_machine(s->root);
  const uint64_t *config = fsm_session_snapshot(s->root)->config;
  const char **names = fsm_arena_zalloc(arena, fsm_machine_states(m), sizeof *names);
  unsigned count = 0;
  for (unsigned i = 0; names && i < fsm_machine_states(m); i++)
    if (fsm_config_has(config, i) && fsm_state_is_leaf(m, i)) {
      /* In SCXML a path is an id, which may have dots. */
      const char *path = fsm_state_path(m, i);
      names[count++] = s->source->form == STAGE_SCXML ? path : last_part(path);
    }
  qsort(names, count, sizeof *names, by_text);
  fsm_buf text = {0};
  for (unsigned i = 0; i < count; i++) {
    if (i > 0) fsm_buf_char(&text, ' ');
    fsm_buf_str(&text, names[i]);
  }
  const char *copy = fsm_arena_strdup(arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return copy ? copy : "";
}

bool stage_ended_in(const stage *s, const char *name) {
  const fsm_machine *m = fsm_session_machine(s->root);
  const fsm_snapshot *now = fsm_session_snapshot(s->root);
  int state = fsm_state_find(m, name, strlen(name));
  return now->done && state >= 0 && fsm_config_has(now->config, (unsigned)state);
}

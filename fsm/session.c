/* session.c: the table of sessions, the clock, and the calls of the program.
 *
 * Every call that changes anything does its one thing and then drains the queue. A fault that leaves
 * effects half carried out is remembered: from then on there is only looking.
 */
#include "fsm/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/session_impl.h"

/* ---- the table ------------------------------------------------------------------------------------- */

/* The first in the table whose number is not below. */
static unsigned place_of(const fsm_sessions *all, uint64_t number) {
  unsigned low = 0, high = all->count;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    if (all->table[middle]->number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

fsm_session *fsm__session_numbered(const fsm_sessions *all, uint64_t number) {
  unsigned at = place_of(all, number);
  return at < all->count && all->table[at]->number == number ? all->table[at] : NULL;
}

fsm_session *fsm__session_named(const fsm_sessions *all, const char *id) {
  for (unsigned i = 0; i < all->count; i++)
    if (strcmp(all->table[i]->id, id) == 0) return all->table[i];
  return NULL;
}

fsm_code fsm__session_add(fsm_sessions *all, const fsm_machine *machine, const fsm_session *parent,
                          const fsm__task *task, fsm_session **out, fsm_error *err) {
  FSM_ASSERT(all && machine && !parent == !task);
  if (all->count == FSM_SESSIONS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, fsm_machine_id(machine), "more than %d sessions are alive",
                    FSM_SESSIONS_MAX);
  size_t len = task ? strlen(task->id) + 1 : 0;
  fsm_session *s = malloc(sizeof *s + len);
  if (!s) return fsm_fail(err, FSM_ENOMEM, fsm_machine_id(machine), "no memory for a session");
  *s = (fsm_session){.all = all, .number = ++all->made, .machine = machine};
  snprintf(s->id, sizeof s->id, "s%llu", (unsigned long long)++all->sessions_made);
  if (task) {
    s->parent = parent->number;
    s->task = task->number;
    s->invoke_id = memcpy(s + 1, task->id, len);
  }
  fsm_arena_init(&s->kept[0], 0);
  fsm_arena_init(&s->kept[1], 0);
  all->table[all->count++] = s;
  *out = s;
  return FSM_OK;
}

static void session_free(fsm_session *s) {
  fsm__timer_cancel_all(s);
  while (s->tasks) fsm__task_forget(s, s->tasks);
  fsm_arena_free(&s->kept[0]);
  fsm_arena_free(&s->kept[1]);
  free(s);
}

void fsm__session_remove(fsm_session *s) {
  fsm_sessions *all = s->all;
  unsigned at = place_of(all, s->number);
  FSM_ASSERT(at < all->count && all->table[at] == s);
  memmove(&all->table[at], &all->table[at + 1], (all->count - at - 1) * sizeof *all->table);
  all->count--;
  session_free(s);
}

/* ---- all of them ------------------------------------------------------------------------------------ */

fsm_code fsm_sessions_new(const fsm_sessions_options *options, fsm_sessions **out, fsm_error *err) {
  FSM_ASSERT(options && out);
  fsm_sessions *all = malloc(sizeof *all);
  if (!all) return fsm_fail(err, FSM_ENOMEM, "", "no memory for sessions");
  *all = (fsm_sessions){.options = *options, .now_ns = options->now_ns};
  all->queue_end = &all->queue;
  fsm_arena_init(&all->own, 0);
  fsm_arena_init(&all->scratch, 0);
  if (options->actor) {
    fsm_value *actor = fsm_arena_alloc(&all->own, sizeof *actor);
    fsm_code code = actor ? fsm_value_copy(&all->own, options->actor, actor, err)
                          : fsm_fail(err, FSM_ENOMEM, "", "no memory for the actor");
    if (code != FSM_OK) {
      fsm_sessions_free(all);
      return code;
    }
    all->options.actor = actor;
  }
  *out = all;
  return FSM_OK;
}

void fsm_sessions_free(fsm_sessions *all) {
  if (!all) return;
  for (unsigned i = 0; i < all->count; i++) session_free(all->table[i]);
  for (fsm__message *m; (m = fsm__message_take(all));) fsm__message_free(all, m);
  fsm_arena_free(&all->own);
  fsm_arena_free(&all->scratch);
  free(all);
}

/* What every call begins with. */
static fsm_code begin(fsm_sessions *all, fsm_error *err) {
  if (all->busy) return fsm_fail(err, FSM_EARGUMENT, "", "a callback of the sessions must not change them");
  if (all->broken)
    return fsm_fail(err, all->broken, "", "the sessions stopped half way before: %s",
                    fsm_code_text(all->broken));
  all->steps = 0;
  return FSM_OK;
}

/* ---- what the program does ---------------------------------------------------------------------------- */

fsm_code fsm_sessions_start(fsm_sessions *all, const fsm_machine *machine, const fsm_value *input,
                            fsm_session **out, fsm_error *err) {
  FSM_ASSERT(all && machine && out);
  fsm_session *s;
  fsm_code code = begin(all, err);
  if (code == FSM_OK) code = fsm__sessions_drain(all, err);
  if (code == FSM_OK) code = fsm__session_add(all, machine, NULL, NULL, &s, err);
  if (code != FSM_OK) return code;
  static const fsm_value none = {.type = FSM_NULL};
  code = fsm__session_start(s, input ? input : &none, err);
  if (s->phase == FSM__SESSION_WAITS) {
    fsm__session_remove(s);
    return code;
  }
  *out = s;
  return code == FSM_OK ? fsm__sessions_drain(all, err) : code;
}

fsm_code fsm_session_send(fsm_session *s, const fsm_event *event, fsm_code *outcome, fsm_error *err) {
  FSM_ASSERT(s && event && event->name);
  fsm_sessions *all = s->all;
  fsm_code code = begin(all, err);
  if (code != FSM_OK) return code;
  uint64_t number = s->number; /* what is left from before may end it */
  code = fsm__sessions_drain(all, err);
  if (code != FSM_OK) return code;
  if (fsm__session_numbered(all, number) != s)
    return fsm_fail(err, FSM_EINSTANCE, event->name, "the session is gone");
  code = fsm__session_step(s, event, false, outcome, err);
  return code == FSM_OK ? fsm__sessions_drain(all, err) : code;
}

fsm_code fsm_session_answer(fsm_session *s, const char *invoke_id, bool failed, const fsm_value *data,
                            fsm_error *err) {
  FSM_ASSERT(s && invoke_id);
  fsm_sessions *all = s->all;
  fsm_code code = begin(all, err);
  if (code != FSM_OK) return code;
  const fsm__task *task = fsm__task_named(s, invoke_id);
  if (!task) return fsm_fail(err, FSM_ENOTFOUND, invoke_id, "no such task is open");
  if (task->child) return fsm_fail(err, FSM_ENOTFOUND, invoke_id, "a session works on this task");
  static const fsm_value none = {.type = FSM_NULL};
  fsm_arena_reset(&all->scratch);
  code = fsm__task_answer(s, task, data ? data : &none, failed ? "the task failed" : NULL, err);
  return code == FSM_OK ? fsm__sessions_drain(all, err) : code;
}

/* Fires what is due by then. The clock keeps step with the timers unless it has jumped. */
static fsm_code fire(fsm_sessions *all, int64_t by_ns, fsm_error *err) {
  fsm_code code = fsm__sessions_drain(all, err);
  for (fsm_session *s; code == FSM_OK && (s = fsm__timer_next(all)) && s->timers->due_ns <= by_ns;) {
    if (all->now_ns < s->timers->due_ns) all->now_ns = s->timers->due_ns;
    fsm_arena_reset(&all->scratch);
    code = fsm__session_post(s, fsm__timer_take(s), err);
    if (code != FSM_OK) all->broken = code;
    if (code == FSM_OK) code = fsm__sessions_drain(all, err);
  }
  return code;
}

fsm_code fsm_sessions_advance(fsm_sessions *all, int64_t now_ns, fsm_error *err) {
  FSM_ASSERT(all);
  fsm_code code = begin(all, err);
  if (code == FSM_OK) code = fire(all, now_ns, err);
  if (code == FSM_OK && all->now_ns < now_ns) all->now_ns = now_ns;
  return code;
}

fsm_code fsm_sessions_jump(fsm_sessions *all, int64_t now_ns, fsm_error *err) {
  FSM_ASSERT(all);
  fsm_code code = begin(all, err);
  if (code != FSM_OK) return code;
  if (all->now_ns < now_ns) all->now_ns = now_ns;
  return fire(all, all->now_ns, err);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

int64_t fsm_sessions_now(const fsm_sessions *all) { return all->now_ns; }

bool fsm_sessions_next_due(const fsm_sessions *all, int64_t *due_ns) {
  FSM_ASSERT(all && due_ns);
  const fsm_session *s = fsm__timer_next(all);
  if (s) *due_ns = s->timers->due_ns;
  return s != NULL;
}

const char *fsm_session_id(const fsm_session *s) { return s->id; }

const fsm_session *fsm_session_parent(const fsm_session *s) {
  return s->parent ? fsm__session_numbered(s->all, s->parent) : NULL;
}

const fsm_machine *fsm_session_machine(const fsm_session *s) { return s->machine; }

const fsm_snapshot *fsm_session_snapshot(const fsm_session *s) { return &s->snapshot; }

/* session_run.c: one macrostep of one session after another, until nothing is left to do.
 *
 * The outer loop of Appendix D for all sessions together: what is to stop stops first, then the queue,
 * first in first out. A macrostep that is over is adopted (the snapshot is copied out of the scratch
 * arena), watched, carried out, in this order.
 */
#include <string.h>

#include "fsm/session_impl.h"

static fsm_world world_of(const fsm_session *session, bool inside) {
  const fsm_sessions *all = session->all;
  return (fsm_world){.actor = all->options.actor,
                     .now_ns = all->now_ns,
                     .session = session->id,
                     .inside = inside,
                     .reaches = fsm__session_reaches,
                     .reaches_arg = session};
}

/* ---- after a macrostep ----------------------------------------------------------------------------- */

static fsm_code adopt(fsm_session *s, fsm_snapshot next, fsm_error *err) {
  fsm_sessions *all = s->all;
  if (all->options.between) {
    all->busy = true;
    fsm_code code = all->options.between(all->options.between_arg, s->machine, &all->scratch, &next, err);
    all->busy = false;
    if (code != FSM_OK) return code;
  }
  fsm_arena *arena = &s->kept[1 - s->current];
  fsm_arena_reset(arena);
  size_t words = fsm_machine_words(s->machine);
  uint64_t *config = fsm_arena_alloc(arena, words * sizeof *config);
  if (!config) return fsm_fail(err, FSM_ENOMEM, s->id, "no memory for its configuration");
  memcpy(config, next.config, words * sizeof *config);
  fsm_snapshot kept = next;
  kept.config = config;
  fsm_code code = fsm_value_copy(arena, &next.context, &kept.context, err);
  if (code == FSM_OK) code = fsm_value_copy(arena, &next.history, &kept.history, err);
  if (code == FSM_OK) code = fsm_value_copy(arena, &next.output, &kept.output, err);
  if (code != FSM_OK) return code;
  s->current = 1 - s->current;
  s->snapshot = kept;
  return FSM_OK;
}

static void watch(fsm_session *s, const fsm_event *event, const fsm_step_result *result) {
  fsm_sessions *all = s->all;
  if (!all->options.watch) return;
  all->busy = true;
  all->options.watch(all->options.watch_arg, s, event, result);
  all->busy = false;
}

/* It is over: its tasks and timers with it. A child is gone; what the program started stays to be seen. */
static void end(fsm_session *s) {
  fsm__task_cancel_all(s);
  fsm__timer_cancel_all(s);
  if (s->phase == FSM__SESSION_STOPS) s->all->stopping--;
  s->phase = FSM__SESSION_ENDED;
  if (s->invoke_id) fsm__session_remove(s);
}

/* The same for one that ends by itself: its parent hears of it. fault NULL = done. */
static fsm_code end_of_itself(fsm_session *s, const char *fault, fsm_error *err) {
  fsm_session *parent = s->parent ? fsm__session_numbered(s->all, s->parent) : NULL;
  fsm__task *task = parent ? fsm__task_numbered(parent, s->task) : NULL;
  fsm_code code =
      task ? fsm__task_answer(parent, task, fault ? NULL : &s->snapshot.output, fault, err) : FSM_OK;
  if (task && code == FSM_OK) fsm__message_survive(s->all, task->number);
  end(s);
  return code;
}

static bool rolled_back(const fsm_step_result *result) {
  return result->outcome == FSM_ELOOP || result->outcome == FSM_ETOOLARGE;
}

/* Why a child cannot go on, NULL = it can. The program's own sessions are the program's to judge. */
static const char *failure(const fsm_session *s, const fsm_step_result *result) {
  if (!s->invoke_id) return NULL;
  if (rolled_back(result)) return fsm_code_text(result->outcome);
  if (!result->unhandled || fsm_machine_dialect(s->machine) != FSM_XSTATE) return NULL;
  return result->unhandled_text ? result->unhandled_text : result->unhandled;
}

static fsm_code conclude(fsm_session *s, const fsm_event *event, const fsm_step_result *result,
                         fsm_error *err) {
  fsm_code code = FSM_OK;
  if (!rolled_back(result) && (result->microstep_count > 0 || result->outcome == FSM_OK))
    code = adopt(s, result->next, err);
  if (code != FSM_OK) return code;
  watch(s, event, result);
  const char *fault = failure(s, result);
  if (!rolled_back(result)) code = fsm__session_carry_out(s, event, result, err);
  if (code != FSM_OK || s->phase != FSM__SESSION_RUNS) return code;
  if (s->snapshot.done) return end_of_itself(s, NULL, err);
  return fault ? end_of_itself(s, fault, err) : FSM_OK;
}

/* What goes wrong while effects are carried out leaves them half done. */
static fsm_code broke(fsm_sessions *all, fsm_code code) {
  if (code != FSM_OK) all->broken = code;
  return code;
}

/* ---- a macrostep ----------------------------------------------------------------------------------- */

static bool may_step(fsm_sessions *all) {
  unsigned max = all->options.steps_max ? all->options.steps_max : FSM_SESSION_STEPS_MAX;
  if (all->steps >= max) return false;
  all->steps++;
  return true;
}

static fsm_code past_the_bound(const fsm_sessions *all, fsm_error *err) {
  return fsm_fail(err, FSM_ELOOP, "", "after %u macrosteps there is still something to do", all->steps);
}

fsm_code fsm__session_start(fsm_session *s, const fsm_value *input, fsm_error *err) {
  FSM_ASSERT(s && s->phase == FSM__SESSION_WAITS);
  fsm_sessions *all = s->all;
  if (!may_step(all)) return past_the_bound(all, err);
  fsm_arena_reset(&all->scratch);
  fsm_world world = world_of(s, s->invoke_id != NULL); /* a parent starts its child */
  fsm_step_result result;
  fsm_code code = fsm_start(s->machine, input, &world, &all->scratch, &result, err);
  if (code != FSM_OK) return code;
  if (result.outcome == FSM_EPERMISSION) {
    watch(s, NULL, &result);
    return fsm_fail(err, FSM_EPERMISSION, s->id, "the start is not permitted: it needs %s",
                    result.denied[0].text);
  }
  if (rolled_back(&result)) {
    watch(s, NULL, &result);
    return fsm_fail(err, result.outcome, s->id, "the start was rolled back: %s",
                    fsm_code_text(result.outcome));
  }
  s->phase = FSM__SESSION_RUNS;
  return broke(all, conclude(s, NULL, &result, err));
}

fsm_code fsm__session_step(fsm_session *s, const fsm_event *event, bool inside, fsm_code *outcome,
                           fsm_error *err) {
  FSM_ASSERT(s && event && (s->phase == FSM__SESSION_RUNS || s->phase == FSM__SESSION_ENDED));
  fsm_sessions *all = s->all;
  if (!may_step(all)) return past_the_bound(all, err);
  fsm_arena_reset(&all->scratch);
  fsm_world world = world_of(s, inside);
  fsm_step_result result;
  fsm_code code = fsm_step(s->machine, &s->snapshot, event, &world, &all->scratch, &result, err);
  if (code != FSM_OK) return code;
  if (outcome) *outcome = result.outcome;
  return broke(all, conclude(s, event, &result, err));
}

/* 6.4.3: the exit actions of a cancelled child. */
static fsm_code stop(fsm_session *s, fsm_error *err) {
  FSM_ASSERT(s);
  fsm_sessions *all = s->all;
  fsm_arena_reset(&all->scratch);
  fsm_world world = world_of(s, true);
  fsm_step_result result;
  fsm_code code = fsm_stop(s->machine, &s->snapshot, &world, &all->scratch, &result, err);
  if (code == FSM_OK) code = conclude(s, NULL, &result, err);
  if (code == FSM_OK) end(s);
  return broke(all, code);
}

/* ---- the queue ------------------------------------------------------------------------------------- */

/* A child that cannot be started has failed. */
static fsm_code start_child(fsm_session *child, const fsm__message *m, fsm_error *err) {
  fsm_error fault = {0};
  fsm_code code = fsm__session_start(child, &m->event.data, &fault);
  if (code == FSM_OK) return FSM_OK;
  if (code == FSM_ENOMEM || child->all->broken) return fsm_fail(err, code, fault.where, "%s", fault.text);
  return end_of_itself(child, fault.text, err);
}

/* An event that belongs to a task ends it if it is the answer. When the task is open no more, it is heard
 * only if it survives, and not in place of another task under the same id. */
static bool heard(fsm_session *to, const fsm__message *m) {
  if (!m->task) return true;
  fsm__task *task = fsm__task_numbered(to, m->task);
  if (!task) return m->survives && !fsm__task_named(to, m->event.invokeid);
  if (m->ends_task) fsm__task_forget(to, task);
  return true;
}

static fsm_code look_at(fsm_sessions *all, const fsm__message *m, fsm_error *err) {
  fsm_session *to = fsm__session_numbered(all, m->to);
  if (!to) return FSM_OK; /* it ended before */
  if (m->kind == FSM__MESSAGE_START) return start_child(to, m, err);
  if (to->phase != FSM__SESSION_RUNS || !heard(to, m)) return FSM_OK;
  fsm_error fault = {0};
  fsm_code code = fsm__session_step(to, &m->event, true, NULL, &fault);
  if (code == FSM_OK) return FSM_OK;
  fsm_session *from = fsm__session_numbered(all, m->from);
  if (code == FSM_ENOMEM || all->broken || !from) return fsm_fail(err, code, fault.where, "%s", fault.text);
  return fsm__session_bounce(from, m, fault.text, err); /* no event that the engine takes */
}

static fsm_session *first_to_stop(const fsm_sessions *all) {
  for (unsigned i = 0; i < all->count; i++)
    if (all->table[i]->phase == FSM__SESSION_STOPS) return all->table[i];
  return NULL;
}

fsm_code fsm__sessions_drain(fsm_sessions *all, fsm_error *err) {
  while (all->stopping > 0 || all->queue) {
    unsigned max = all->options.steps_max ? all->options.steps_max : FSM_SESSION_STEPS_MAX;
    if (all->steps >= max) return past_the_bound(all, err);
    fsm_code code;
    if (all->stopping > 0) {
      all->steps++;
      code = stop(first_to_stop(all), err);
    } else {
      fsm__message *m = fsm__message_take(all);
      code = look_at(all, m, err);
      fsm__message_free(all, m);
    }
    if (code != FSM_OK) return broke(all, code);
  }
  return FSM_OK;
}

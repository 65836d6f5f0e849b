/* model_time.c: timers and tasks: set when they must be, fired and answered once, never early on either
 * clock. */
#include <stdio.h>
#include <string.h>

#include "model.h"

static uint64_t number_of(const fsm_value *bytes) {
  uint64_t n = 0;
  for (uint32_t i = 0; bytes != NULL && fsm_is(bytes, FSM_BYTES) && i < bytes->len; i++)
    n = n << 8 | (uint8_t)bytes->s[i];
  return n;
}

static const fsm_value *set_in(const fsm_value *list) {
  for (size_t i = 0; fsm_is(list, FSM_LIST) && i < list->len; i++)
    if (fsm_map_get(&list->items[i], "id") != NULL) return &list->items[i];
  return NULL;
}

static int64_t int_of(const fsm_value *map, const char *name) {
  const fsm_value *v = fsm_map_get(map, name);
  return v != NULL && fsm_is(v, FSM_INT) ? v->i : -1;
}

/* ---- timers ------------------------------------------------------------------------------------- */

void model_timers(model *m, actor *a, const fsm_record *r, bool entered) {
  const fsm_value *set = set_in(&r->timers);
  const stamp *at = &m->w->stamps[r->seq];
  const unsigned long long seq = (unsigned long long)r->seq;
  const int64_t delay = entered ? model_delay(a) : 0;
  if ((set != NULL) != (delay != 0)) wrong(m->w, "record %llu: %s and a timer", seq, a->state);
  if (set == NULL) return;
  a->alarm = (alarm_clock){.set = true,
                           .due_ns = int_of(set, "due"),
                           .boot = number_of(fsm_map_get(set, "boot")),
                           .mono_ns = int_of(set, "mono"),
                           .set_seq = r->seq};
  if (a->alarm.due_ns != r->time_ns + delay)
    wrong(m->w, "record %llu: the timer is not due in %lld s", seq, (long long)(delay / SECOND));
  if (a->alarm.boot != at->boot || a->alarm.mono_ns != at->boot_ns + delay)
    wrong(m->w, "record %llu: the timer's clock of the boot is not the world's", seq);
}

static const life *life_at(const world *w, uint64_t seq) {
  unsigned i = w->life_count;
  while (i > 1 && w->of[i - 1].after_seq >= seq) i--;
  return &w->of[i - 1];
}

/* Was it due, beyond doubt, before the runtime was opened? And beyond doubt not, then and before it ran
 * again? */
static bool surely_overdue(const world *w, const actor *a, uint64_t seq) {
  const life *l = life_at(w, seq);
  const bool boot = a->alarm.boot != l->boot || a->alarm.mono_ns < l->boot_ns;
  return a->alarm.set_seq <= l->after_seq && a->alarm.due_ns < l->wall_ns - SECOND &&
         l->wall_ns == l->wall_most_ns && boot;
}

static bool surely_not(const world *w, const actor *a, uint64_t seq) {
  const life *l = life_at(w, seq);
  if (a->woken_seq > l->after_seq) return false;
  return a->alarm.set_seq > l->after_seq || (a->alarm.boot == l->boot && a->alarm.mono_ns > l->boot_ns);
}

void model_fired(model *m, actor *a, const fsm_record *r) {
  const stamp *at = &m->w->stamps[r->seq];
  const unsigned long long seq = (unsigned long long)r->seq;
  const said *by = r->cause == FSM_CAUSE_ADMIN ? &m->w->saids[0] : NULL;
  if (!a->alarm.set) wrong(m->w, "record %llu fires a timer of %s that is not set", seq, a->id);
  if (a->status != RUNNING)
    wrong(m->w, "record %llu fires a timer, %s is %s", seq, a->id, status_text(a->status));
  if (by == NULL && r->time_ns < a->alarm.due_ns)
    wrong(m->w, "record %llu fires %lld ns early", seq, (long long)(a->alarm.due_ns - r->time_ns));
  if (by == NULL && at->boot == a->alarm.boot && at->boot_ns < a->alarm.mono_ns)
    wrong(m->w, "record %llu fires %lld ns early by the clock of the boot", seq,
          (long long)(a->alarm.mono_ns - at->boot_ns));
  const bool skips = strcmp(a->machine, "skip") == 0, restarts = strcmp(a->machine, "restart") == 0;
  const bool skipped = r->reason != NULL && strcmp(r->reason, "skipped") == 0;
  const bool restarted = r->reason != NULL && strcmp(r->reason, "restarted") == 0;
  if ((skipped && !skips) || (restarted && !restarts))
    wrong(m->w, "record %llu: not the policy of %s", seq, a->machine);
  if ((skips || restarts) && !skipped && !restarted && surely_overdue(m->w, a, r->seq))
    wrong(m->w, "record %llu fires what was overdue in %s", seq, a->machine);
  if ((skipped || restarted) && surely_not(m->w, a, r->seq))
    wrong(m->w, "record %llu: %s, and the timer was not overdue", seq, r->reason);
  if (skipped || !restarted) a->alarm.set = false;
  if (restarted) model_timers(m, a, r, true);
}

/* ---- tasks -------------------------------------------------------------------------------------- */

void model_tasks(model *m, actor *a, const fsm_record *r) {
  const fsm_value *set = set_in(&r->tasks), *tok;
  unsigned attempts;
  if (set == NULL || strcmp(a->machine, "tasker") != 0) return;
  const char *invoke = model_invoke(a, &attempts);
  if (invoke == NULL) wrong(m->w, "record %llu opens a task in %s", (unsigned long long)r->seq, a->state);
  a->job = (job){.open = true, .attempts = attempts};
  snprintf(a->job.id, sizeof a->job.id, "%s", invoke);
  tok = fsm_map_get(set, "tok");
  if (tok == NULL || !fsm_is(tok, FSM_BYTES) || tok->len != 16)
    wrong(m->w, "record %llu: a task without token", (unsigned long long)r->seq);
  memcpy(a->job.token, tok->s, 16);
}

/* Did a worker say this about the attempt? */
static bool was_said(const world *w, fsm_command_kind kind, const fsm_record *r) {
  for (unsigned i = 0; i < w->said_count; i++) {
    const said *s = &w->saids[i];
    if (s->kind != kind || s->gone || memcmp(s->token, r->tok, 16) != 0) continue;
    if (s->attempt != 0 && s->attempt < r->att) continue; /* of an attempt that is over */
    if (kind == FSM_CMD_TASK_COMPLETE && fsm_is(&r->data, FSM_INT) && r->data.i != s->v) continue;
    return true;
  }
  return false;
}

static void failed(model *m, actor *a, const fsm_record *r) {
  const unsigned long long seq = (unsigned long long)r->seq;
  const bool again = fsm_map_get(&r->detail, "retry_at") != NULL;
  const bool in_time = r->reason != NULL && strcmp(r->reason, "timeout") == 0;
  if (!in_time && !was_said(m->w, FSM_CMD_TASK_FAIL, r))
    wrong(m->w, "record %llu: nobody said that the task failed", seq);
  const int64_t least = strcmp(a->job.id, "t") == 0 ? 4 * SECOND : 10 * SECOND;
  if (in_time && (!a->job.started || r->time_ns < a->job.begun_ns + least))
    wrong(m->w, "record %llu: the attempt is out of time too early", seq);
  if (again != (r->att < a->job.attempts))
    wrong(m->w, "record %llu: attempt %u of %u", seq, r->att, a->job.attempts);
  a->job.attempt = r->att;
  a->job.started = false;
  if (!again) a->job.open = false;
}

void model_task(model *m, actor *a, const fsm_record *r) {
  const unsigned long long seq = (unsigned long long)r->seq;
  if (strcmp(a->machine, "tasker") != 0) { /* a child's end */
    return;
  }
  const bool admin = r->cause == FSM_CAUSE_ADMIN;
  if (!a->job.open || memcmp(a->job.token, r->tok, 16) != 0)
    wrong(m->w, "record %llu: %s has no such task", seq, a->id);
  /* a worker that was offered it before may begin */
  if (a->status != RUNNING && !admin && r->kind != FSM_RECORD_TASK_STARTED)
    wrong(m->w, "record %llu: a task of %s, which is %s", seq, a->id, status_text(a->status));
  if (!admin && r->att != a->job.attempt + !a->job.started)
    wrong(m->w, "record %llu: attempt %u after %u", seq, r->att, a->job.attempt);
  if (r->kind == FSM_RECORD_TASK_STARTED) {
    const bool beat = a->job.started;
    if (!was_said(m->w, beat ? FSM_CMD_TASK_HEARTBEAT : FSM_CMD_TASK_STARTED, r) &&
        !was_said(m->w, FSM_CMD_TASK_STARTED, r))
      wrong(m->w, "record %llu: nobody began the task", seq);
    a->job.attempt = r->att;
    a->job.started = true;
    if (!beat) m->begun_by[r->seq] = model_task_mark(r->tok);
    if (!beat) a->job.begun_ns = r->time_ns;
  } else if (r->kind == FSM_RECORD_TASK_DONE) {
    if (!admin && !was_said(m->w, FSM_CMD_TASK_COMPLETE, r))
      wrong(m->w, "record %llu: nobody completed the task", seq);
    a->job.open = false;
  } else {
    failed(m, a, r);
  }
}

/* ---- at rest ------------------------------------------------------------------------------------ */

void model_rest(const model *m) {
  const world *w = m->w;
  const bool steady = w->wall_ns == w->wall_most_ns;
  for (unsigned i = 0; i < m->actor_count; i++) {
    const actor *a = &m->actors[i];
    const alarm_clock *c = &a->alarm;
    if (a->status != RUNNING || !steady || !c->set) continue;
    if (c->due_ns < w->wall_ns - SECOND && (c->boot != w->boot || c->mono_ns <= w->boot_ns))
      wrong(w, "the timer of %s was due %lld s ago and has not fired", a->id,
            (long long)((w->wall_ns - c->due_ns) / SECOND));
  }
  for (unsigned i = 0; i < m->letter_count; i++) {
    const letter *l = &m->letters[i];
    const actor *to = NULL, *from = NULL;
    for (unsigned k = 0; k < m->actor_count; k++) {
      if (strcmp(m->actors[k].id, l->to) == 0) to = &m->actors[k];
      if (strcmp(m->actors[k].id, l->from) == 0) from = &m->actors[k];
    }
    const bool waits = from == NULL || from->status == PAUSED || from->status == INCIDENT;
    if (!l->gone && steady && !waits && to != NULL && to->status == RUNNING)
      wrong(w, "message %s of %s does not reach %s", l->id, l->from, l->to);
  }
}

/* decide_timer.c: timers: what a record says of one that is set, and what one that is due decides.
 *
 * A timer is due when its wall time is reached and, in the boot that it was set in, its delay has run. Both
 * are in its record, so that a replay needs no clock. */
#include <string.h>

#include "runtime/decide.h"

/* ---- set or cancelled --------------------------------------------------------------------------- */

static int64_t after(int64_t now_ns, int64_t delay_ns) {
  int64_t due = now_ns;
  return __builtin_add_overflow(due, delay_ns, &due) ? INT64_MAX : due;
}

/* What a timer says that is due delay_ns from now. */
static bool entry(const fsm__case *at, const fsm__timer *timer, fsm_value *out) {
  fsm_pair pairs[7] = {{fsm_string("id"), fsm_string(timer->id)},
                       {fsm_string("due"), fsm_int(after(at->time_ns, timer->delay_ns))},
                       {fsm_string("event"), fsm_string(timer->event)}};
  size_t n = 3;
  if (!fsm_is(&timer->data, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string("data"), timer->data};
  if (timer->overdue != FSM_OVERDUE_FIRE)
    pairs[n++] = (fsm_pair){fsm_string("overdue"), fsm_string(fsm_overdue_name(timer->overdue))};
  if (at->boot != 0 && timer->delay_ns > 0) {
    fsm__key boot = {.len = 0};
    fsm__key_u64(&boot, at->boot);
    const char *bytes = fsm_arena_strndup(at->arena, (const char *)boot.bytes, boot.len);
    if (bytes == NULL) return false;
    pairs[n++] = (fsm_pair){fsm_string("boot"), fsm_bytes(bytes, boot.len)};
    pairs[n++] = (fsm_pair){fsm_string("mono"), fsm_int(after(at->boot_ns, timer->delay_ns))};
  }
  return fsm__decision_map(at->arena, pairs, n, out);
}

bool fsm__timer_entry(const fsm__case *at, const fsm__deployed *deployed, const fsm_effect *effect,
                      fsm_value *out) {
  if (effect->kind == FSM_EFFECT_TIMER_CANCEL)
    return fsm__decision_map(at->arena, (fsm_pair[]){{fsm_string("cancel"), fsm_string(effect->id)}}, 1, out);
  const fsm__timer timer = {.id = effect->id,
                            .event = effect->event,
                            .data = effect->data,
                            .delay_ns = effect->delay_ns > 0 ? effect->delay_ns : 0,
                            .overdue = fsm_definition_overdue(deployed->definition, effect->state)};
  return entry(at, &timer, out);
}

/* ---- due ---------------------------------------------------------------------------------------- */

int64_t fsm__timer_left(const fsm__timer *timer, uint64_t boot, int64_t boot_ns) {
  if (timer->boot == 0 || timer->boot != boot || timer->boot_due_ns <= boot_ns) return 0;
  int64_t left = timer->boot_due_ns - boot_ns;
  return left <= timer->delay_ns ? left
                                 : 0; /* more than all of it: a clock of another machine or namespace */
}

/* Since the later of what must be reached. */
static int64_t late_ms(const fsm__case *at, const fsm__timer *timer) {
  int64_t late = at->time_ns - timer->due_ns;
  if (timer->boot != 0 && timer->boot == at->boot && at->boot_ns - timer->boot_due_ns < late)
    late = at->boot_ns - timer->boot_due_ns;
  return late > 0 ? late / 1000000 : 0;
}

/* Which of those that were set under its id. */
static bool which(const fsm__case *at, const fsm__timer *timer, fsm_value *out) {
  const fsm_pair pairs[] = {{fsm_string("timer"), fsm_string(timer->id)},
                            {fsm_string("set"), fsm_int((int64_t)timer->seq)},
                            {fsm_string("place"), fsm_int(timer->place)}};
  return fsm__decision_map(at->arena, pairs, timer->place == 0 ? 2 : 3, out);
}

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a timer"); }

static fsm_record *put_fired(const fsm__case *at, fsm__decision *out, const fsm__timer *timer) {
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_TIMER_FIRED);
  if (record == NULL || !which(at, timer, &record->detail)) return NULL;
  record->trigger = timer->event;
  record->cause = FSM_CAUSE_TIMER;
  record->data = timer->data;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  record->late_ms = late_ms(at, timer);
  out->rev = record->rev = out->instance->rev + 1;
  return record;
}

fsm_code fsm__decision_fire(const fsm__case *at, fsm__decision *out, const fsm__timer *timer,
                            fsm_error *err) {
  if (put_fired(at, out, timer) == NULL) return nomem(err);
  fsm_step_result step;
  const fsm_event event = {
      .name = timer->event, .data = timer->data, .cause = FSM_CAUSE_TIMER, .sendid = timer->id};
  fsm_code code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (step.outcome != FSM_OK && step.outcome != FSM_EEXPRESSION)
    return FSM_OK; /* nothing takes it: only fired */
  return fsm__decision_step(at, out, &step, err);
}

/* Over without its event: dropped, or set anew with all of its delay. */
static fsm_code pass_over(const fsm__case *at, fsm__decision *out, const fsm__timer *timer, fsm_error *err) {
  fsm_record *record = put_fired(at, out, timer);
  if (record == NULL) return nomem(err);
  record->reason = timer->overdue == FSM_OVERDUE_SKIP ? "skipped" : "restarted";
  if (timer->overdue == FSM_OVERDUE_SKIP) return FSM_OK;
  fsm_value *again = fsm_arena_alloc(at->arena, sizeof *again);
  if (again == NULL || !entry(at, timer, again)) return nomem(err);
  record->timers = fsm_list(again, 1);
  return FSM_OK;
}

fsm_code fsm__decide_timer(const fsm__case *at, uint64_t number, const fsm__timer *timer, fsm__decision *out,
                           fsm_error *err) {
  FSM_ASSERT(timer->due_ns <= at->time_ns); /* no record ever says that one fired early */
  fsm__instance *in = fsm_arena_alloc(at->arena, sizeof *in);
  *out = (fsm__decision){.correlation = at->command->correlation};
  if (in == NULL) return nomem(err);
  fsm_code code = fsm__instance_load(at->store, at->catalog, number, at->arena, in, err);
  if (code != FSM_OK) return code;
  fsm__decision_about(out, in, at->arena);
  out->correlation = in->corr;
  code = fsm__decision_cause(at, timer->seq, &out->causation, err);
  if (code != FSM_OK) return code;
  if (in->status != FSM_RUNNING) return FSM_OK; /* it waits, overdue, until the instance runs again */
  if (at->overdue && timer->overdue != FSM_OVERDUE_FIRE) return pass_over(at, out, timer, err);
  return fsm__decision_fire(at, out, timer, err);
}

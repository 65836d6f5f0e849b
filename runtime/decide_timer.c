/* decide_timer.c: timers: what a record says of one that is set, and what one that is due decides. */
#include <string.h>

#include "runtime/decide.h"

/* ---- set or cancelled --------------------------------------------------------------------------- */

bool fsm__timer_entry(const fsm__case *at, const fsm_effect *effect, fsm_value *out) {
  if (effect->kind == FSM_EFFECT_TIMER_CANCEL)
    return fsm__decision_map(at->arena, (fsm_pair[]){{fsm_string("cancel"), fsm_string(effect->id)}}, 1, out);
  int64_t due = at->time_ns;
  if (effect->delay_ns > 0 && __builtin_add_overflow(due, effect->delay_ns, &due)) due = INT64_MAX;
  const fsm_pair pairs[] = {{fsm_string("id"), fsm_string(effect->id)},
                            {fsm_string("due"), fsm_int(due)},
                            {fsm_string("event"), fsm_string(effect->event)},
                            {fsm_string("data"), effect->data}};
  return fsm__decision_map(at->arena, pairs, fsm_is(&effect->data, FSM_NULL) ? 3 : 4, out);
}

/* ---- due ---------------------------------------------------------------------------------------- */

static bool which(const fsm__case *at, const fsm__timer *timer, fsm_value *out) {
  const fsm_pair pairs[] = {{fsm_string("timer"), fsm_string(timer->id)},
                            {fsm_string("set"), fsm_int((int64_t)timer->seq)},
                            {fsm_string("place"), fsm_int(timer->place)}};
  return fsm__decision_map(at->arena, pairs, timer->place == 0 ? 2 : 3, out);
}

static fsm_record *put_fired(const fsm__case *at, fsm__decision *out, const fsm__timer *timer) {
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_TIMER_FIRED);
  if (record == NULL || !which(at, timer, &record->detail)) return NULL;
  record->trigger = timer->event;
  record->cause = FSM_CAUSE_TIMER;
  record->data = timer->data;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  record->late_ms = at->time_ns > timer->due_ns ? (at->time_ns - timer->due_ns) / 1000000 : 0;
  out->rev = record->rev = out->instance->rev + 1;
  return record;
}

fsm_code fsm__decision_fire(const fsm__case *at, fsm__decision *out, const fsm__timer *timer,
                            fsm_error *err) {
  if (put_fired(at, out, timer) == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  fsm_step_result step;
  const fsm_event event = {
      .name = timer->event, .data = timer->data, .cause = FSM_CAUSE_TIMER, .sendid = timer->id};
  fsm_code code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (step.outcome != FSM_OK && step.outcome != FSM_EEXPRESSION)
    return FSM_OK; /* nothing takes it: only fired */
  return fsm__decision_step(at, out, &step, err);
}

fsm_code fsm__decide_timer(const fsm__case *at, uint64_t number, const char *id, uint64_t order,
                           fsm__decision *out, fsm_error *err) {
  fsm__timer *timer = fsm_arena_alloc(at->arena, sizeof *timer);
  fsm__instance *in = fsm_arena_alloc(at->arena, sizeof *in);
  *out = (fsm__decision){.correlation = at->command->correlation};
  if (in == NULL || timer == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  fsm_code code = fsm__timer_load_from(at->store, number, id, order, at->arena, timer, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  if (order != 0 && fsm__timer_order(timer) != order) return FSM_OK; /* gone since it was found due */
  if (timer->due_ns > at->time_ns) return FSM_OK;
  code = fsm__instance_load(at->store, at->catalog, number, at->arena, in, err);
  if (code != FSM_OK) return code;
  fsm__decision_about(out, in, at->arena);
  out->correlation = in->corr;
  out->causation = fsm__decision_cause(at, timer->seq);
  if (in->status != FSM_RUNNING) return FSM_OK; /* it waits, overdue, until the instance runs again */
  return fsm__decision_fire(at, out, timer, err);
}

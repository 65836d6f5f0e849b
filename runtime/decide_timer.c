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

fsm_code fsm__decide_timer(const fsm__case *at, uint64_t number, const char *id, fsm__decision *out,
                           fsm_error *err) {
  fsm__instance *in = fsm_arena_alloc(at->arena, sizeof *in);
  fsm_pair *pair = fsm_arena_alloc(at->arena, sizeof *pair);
  fsm__timer timer;
  *out = (fsm__decision){.correlation = at->command->correlation};
  if (in == NULL || pair == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  fsm_code code = fsm__timer_load(at->store, number, id, at->arena, &timer, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code == FSM_OK && timer.due_ns > at->time_ns) return FSM_OK; /* set anew since it was found due */
  if (code == FSM_OK) code = fsm__instance_load(at->store, at->catalog, number, at->arena, in, err);
  if (code != FSM_OK) return code;
  fsm__decision_about(out, in, at->arena);
  out->correlation = in->corr;
  if (in->status != FSM_RUNNING) return FSM_OK; /* it waits, overdue, until the instance runs again */
  *pair = (fsm_pair){fsm_string("timer"), fsm_string(timer.id)};
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_TIMER_FIRED);
  if (record == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  record->trigger = timer.event;
  record->cause = FSM_CAUSE_TIMER;
  record->data = timer.data;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  record->rev = in->rev + 1;
  record->late_ms = at->time_ns > timer.due_ns ? (at->time_ns - timer.due_ns) / 1000000 : 0;
  out->rev = in->rev + 1;
  code = fsm_map(pair, 1, &record->detail, err);
  fsm_step_result step;
  const fsm_event event = {
      .name = timer.event, .data = timer.data, .cause = FSM_CAUSE_TIMER, .sendid = timer.id};
  if (code == FSM_OK) code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (step.outcome != FSM_OK && step.outcome != FSM_EEXPRESSION)
    return FSM_OK; /* nothing takes it: only fired */
  return fsm__decision_step(at, out, &step, err);
}

/* decide_absent.c: SEND with if_absent, when no open instance has the key: one is made and takes the event,
 * in one frame, with one revision; or neither.
 *
 * Its idempotency key is that of a creation. So a repeated command is asked for there first, and then at the
 * instance that has the key, in case the first one found it open. */
#include <string.h>

#include "runtime/decide.h"

/* Nothing of it is taken: neither the instance nor the event. */
static fsm_code take_back(fsm__decision *out) {
  out->count = 0;
  out->instance = NULL;
  out->created = false;
  out->instance_id = out->status = NULL;
  out->rev = 0;
  out->from = out->to = fsm_null();
  return FSM_OK;
}

/* The new instance as the event finds it: as its start left it. */
static bool started(const fsm__case *at, fsm__decision *out, const fsm_step_result *step) {
  fsm__instance *in = out->instance;
  const fsm_machine *machine = in->deployed->machine;
  const unsigned states = fsm_machine_states(machine);
  in->active = fsm_arena_alloc(at->arena, states * sizeof *in->active);
  if (in->active == NULL) return false;
  for (unsigned s = 0; s < states; s++)
    if (fsm_config_has(step->next.config, s))
      in->active[in->active_count++] = (fsm__since){.state = (uint16_t)s, .ns = at->time_ns};
  in->context = step->next.context;
  in->history = step->next.history;
  in->counter = step->next.counter;
  memcpy(in->context_hash.bytes, out->records[out->count - 1].ctxh, FSM_HASH_BYTES);
  out->from = out->to;
  return true;
}

static fsm_code send(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_command *command = at->command;
  const fsm_event event = {.name = command->event, .data = command->data, .cause = FSM_CAUSE_EXTERNAL};
  const size_t made = out->count;
  fsm_step_result step;
  fsm_code code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK) return code;
  if (out->refusal.code != FSM_OK) /* it would be parked, were it there before */
    return fsm__decision_refuse(
        out, out->refusal.code, "event",
        "event \"%s\" was rolled back, and the instance it would have been the first of "
        "is not made: %s",
        command->event, fsm_code_text(out->refusal.code));
  if (step.outcome != FSM_OK && step.outcome != FSM_EEXPRESSION)
    return fsm__decision_not_taken(at, &step, out, err);
  out->instance->active_count = 0; /* how long a state lasted is not told within a frame */
  out->instance->counter = 0;      /* all records of the frame tell where it ends */
  code = fsm__decision_step(at, out, &step, err);
  FSM_ASSERT(code != FSM_OK || out->count >= made);
  return code;
}

static fsm_code make(const fsm__case *at, const fsm__deployed *deployed, fsm__decision *out, fsm_error *err) {
  fsm_step_result step;
  if (at->command->expect_rev > 0)
    return fsm__decision_refuse(out, FSM_ESTALE, "rev", "no open instance has the key \"%s\"",
                                at->command->key);
  if (!fsm__decision_event_good(at, deployed, out)) return FSM_OK;
  fsm_code code = fsm__decision_make(at, deployed, &at->command->input, out, &step, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (step.outcome == FSM_EEXPRESSION || step.next.done)
    return fsm__decision_refuse(
        out, step.next.done ? FSM_ECOMPLETED : FSM_EINCIDENT, "event",
        "a new instance of %s %s at its start and cannot take the event; none is made", deployed->id,
        step.next.done ? "ends" : "is parked");
  if (!started(at, out, &step)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  return send(at, out, err);
}

fsm_code fsm__decide_absent(const fsm__case *at, fsm__decision *out, bool *absent, fsm_error *err) {
  const fsm__deployed *deployed = NULL;
  fsm_value idem = fsm_null();
  uint64_t number = 0;
  fsm_code code = fsm__decision_deployed(at, &deployed, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  code = fsm__decision_by_key(at, deployed->number, &number, err);
  *absent = code == FSM_ENOTFOUND;
  if (code != FSM_OK && !*absent) return code;
  code = *absent ? fsm__decision_idem_start(at, deployed->number, out, &idem, err)
                 : fsm__decision_idem_made(at, deployed->number, out, err);
  if (code != FSM_OK || out->replay || out->refusal.code != FSM_OK || !*absent) return code;
  code = make(at, deployed, out, err);
  if (code != FSM_OK) return code;
  if (out->refusal.code != FSM_OK) return take_back(out);
  out->records[0].idem = idem;
  out->from = fsm_null(); /* there was nothing */
  out->instance = NULL;   /* apply makes it */
  return FSM_OK;
}

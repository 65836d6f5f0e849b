/* decide_send.c: SEND: an event for an instance. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide.h"

/* The instance that had the business key before, if this idempotency key was used there and lives. */
static fsm_code find_ended(const fsm__case *at, uint32_t machine, uint64_t *number, fsm_error *err) {
  fsm__idem_key idem_key;
  const void *value = NULL;
  size_t len = 0;
  fsm__idem idem;
  fsm_code code = fsm__idem_key_of(at, &idem_key, err);
  if (code != FSM_OK) return code;
  if (!idem_key.given) return FSM_ENOTFOUND;
  fsm__key last = fsm__key_ended(machine, at->command->key);
  code = fsm__store_get(at->store, FSM_T_KEYS, last.bytes, last.len, &value, &len, err);
  if (code != FSM_OK) return code;
  if (len != 8) return fsm_fail(err, FSM_ECORRUPT, "store: keys", "a row is not a number");
  *number = fsm__key_read_u64(value);
  return fsm__idem_of_instance(at, &idem_key, *number, &idem, err);
}

fsm_code fsm__decision_by_key(const fsm__case *at, uint32_t machine, uint64_t *number, fsm_error *err) {
  fsm_code code = find_ended(at, machine, number, err);
  return code == FSM_ENOTFOUND ? fsm__instance_by_key(at->store, machine, at->command->key, number, err)
                               : code;
}

static fsm_code find(const fsm__case *at, fsm__decision *out, uint64_t *number, fsm_error *err) {
  const fsm_command *command = at->command;
  fsm_code code;
  if (command->instance != NULL && !command->if_absent) {
    code = fsm__instance_number(at->store, command->instance, number, err);
    if (code == FSM_ENOTFOUND)
      return fsm__decision_refuse(out, FSM_EINSTANCE, "instance", "no instance \"%s\" exists",
                                  command->instance);
    return code;
  }
  const fsm__deployed *newest = fsm__catalog_find(at->catalog, command->machine, 0);
  if (newest == NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed",
                                command->machine);
  code = fsm__decision_by_key(at, newest->number, number, err);
  if (code == FSM_ENOTFOUND)
    return fsm__decision_refuse(out, FSM_EINSTANCE, "key", "no open instance of %s has the key \"%s\"",
                                command->machine, command->key);
  return code;
}

static fsm_code check_state(fsm__decision *out) {
  static const fsm_code codes[FSM_STATUS_COUNT] = {[FSM_PAUSED] = FSM_EPAUSED,
                                                   [FSM_INCIDENT] = FSM_EINCIDENT,
                                                   [FSM_COMPLETED] = FSM_ECOMPLETED,
                                                   [FSM_CANCELLED] = FSM_ECOMPLETED};
  const fsm__instance *in = out->instance;
  if (in->status != FSM_RUNNING)
    return fsm__decision_refuse(
        out, codes[in->status], "", "the instance is %s",
        in->status == FSM_INCIDENT ? "parked as an incident" : fsm__status_name(in->status));
  return FSM_OK;
}

fsm_code fsm__decision_expect(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm__instance *in = out->instance;
  if (at->command->expect_rev >= 0 && (uint64_t)at->command->expect_rev != in->rev)
    return fsm__decision_refuse(out, FSM_ESTALE, "rev", "the instance is at revision %llu, not %lld",
                                (unsigned long long)in->rev, (long long)at->command->expect_rev);
  return fsm__decision_quota(at, out, err);
}

/* ---- a refusal by the machine ------------------------------------------------------------------- */

static fsm_code candidate_view(const fsm__deployed *deployed, const fsm_candidate *candidate,
                               fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 6 * sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a refusal");
  unsigned n = 0;
  pairs[n++] =
      (fsm_pair){fsm_string("state"), fsm_string(fsm_state_path(deployed->machine, candidate->source))};
  pairs[n++] = (fsm_pair){fsm_string("transition"), fsm_int(candidate->transition)};
  if (candidate->guard) pairs[n++] = (fsm_pair){fsm_string("guard"), fsm_string(candidate->guard)};
  if (candidate->guard_name)
    pairs[n++] = (fsm_pair){fsm_string("guard_name"), fsm_string(candidate->guard_name)};
  if (fsm_is(&candidate->seen, FSM_MAP)) pairs[n++] = (fsm_pair){fsm_string("seen"), candidate->seen};
  if (candidate->fault) pairs[n++] = (fsm_pair){fsm_string("fault"), fsm_string(candidate->fault)};
  return fsm_map(pairs, n, out, err);
}

fsm_code fsm__decision_not_taken(const fsm__case *at, const fsm_step_result *step, fsm__decision *out,
                                 fsm_error *err) {
  const fsm__deployed *deployed = out->instance->deployed;
  fsm_value *items = fsm_arena_alloc(at->arena, (step->candidate_count + 1) * sizeof *items);
  fsm_pair *pair = fsm_arena_alloc(at->arena, sizeof *pair);
  if (items == NULL || pair == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a refusal");
  unsigned count = 0;
  for (unsigned i = 0; i < step->candidate_count; i++) {
    if (step->candidates[i].permitted != FSM_VERDICT_YES) continue; /* its guard was not asked */
    fsm_code code = candidate_view(deployed, &step->candidates[i], at->arena, &items[count++], err);
    if (code != FSM_OK) return code;
  }
  if (count > 0) {
    *pair = (fsm_pair){fsm_string("candidates"), fsm_list(items, count)};
    fsm_code code = fsm_map(pair, 1, &out->detail, err);
    if (code != FSM_OK) return code;
  }
  const char *event = at->command->event;
  const char *state =
      out->from.len > 0 ? fsm_arena_strndup(at->arena, out->from.items[0].s, out->from.items[0].len) : "";
  if (step->outcome == FSM_EPERMISSION)
    return fsm__decision_denied(at, deployed,
                                fsm_arena_printf(at->arena, "event \"%s\" in state \"%s\"", event, state),
                                step->denied, step->denied_count, out, err);
  if (step->outcome == FSM_EGUARD && step->candidate_count > 0 && step->candidates[0].guard != NULL)
    return fsm__decision_refuse(out, FSM_EGUARD, "event",
                                "event \"%s\" in state \"%s\": the guard is false: %s", event, state,
                                step->candidates[0].guard);
  if (step->outcome == FSM_EEVENT)
    return fsm__decision_refuse(out, FSM_EEVENT, "event", "machine %s does not know the event \"%s\"",
                                deployed->id, event);
  return fsm__decision_refuse(out, step->outcome, "event", "event \"%s\" in state \"%s\": %s", event, state,
                              fsm_code_text(step->outcome));
}

static fsm_code run(const fsm__case *at, fsm__decision *out, fsm_value idem, fsm_error *err) {
  fsm_step_result step;
  const fsm_event event = {
      .name = at->command->event, .data = at->command->data, .cause = FSM_CAUSE_EXTERNAL};
  fsm_code code = fsm__decision_run(at, out, at->event ? at->event : &event, &step, err);
  if (code != FSM_OK) return code;
  if (out->refusal.code != FSM_OK) {
    if (out->count > 0) out->records[0].idem = idem;
    return FSM_OK;
  }
  if (step.outcome != FSM_OK && step.outcome != FSM_EEXPRESSION)
    return fsm__decision_not_taken(at, &step, out, err);
  code = fsm__decision_step(at, out, &step, err);
  if (out->count > 0)
    out->records[0].idem = idem; /* also of a step that fails: it is parked under this key */
  return code;
}

fsm_code fsm__decision_open(const fsm__case *at, fsm__decision *out, fsm_value *idem, fsm_error *err) {
  uint64_t number = 0;
  fsm_code code = find(at, out, &number, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  fsm__instance *in = fsm_arena_alloc(at->arena, sizeof *in);
  if (in == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  code = fsm__instance_load(at->store, at->catalog, number, at->arena, in, err);
  if (code != FSM_OK) return code;
  fsm__decision_about(out, in, at->arena);
  return fsm__decision_idem(at, out, idem, err);
}

bool fsm__decision_event_good(const fsm__case *at, const fsm__deployed *deployed, fsm__decision *out) {
  const fsm_command *command = at->command;
  return !fsm_machine_knows_event(deployed->machine, command->event) ||
         fsm_definition_check_event(deployed->definition, command->event, &command->data, &out->refusal) ==
             FSM_OK;
}

fsm_code fsm__decide_send(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm_value idem;
  bool absent = false;
  fsm_code code = at->command->if_absent ? fsm__decide_absent(at, out, &absent, err) : FSM_OK;
  if (code != FSM_OK || absent || out->replay || out->refusal.code != FSM_OK) return code;
  code = fsm__decision_open(at, out, &idem, err);
  if (code != FSM_OK || out->replay || out->refusal.code != FSM_OK) return code;
  code = check_state(out);
  if (code == FSM_OK && out->refusal.code == FSM_OK) code = fsm__decision_expect(at, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (!fsm__decision_event_good(at, out->instance->deployed, out)) return FSM_OK;
  return run(at, out, idem, err);
}

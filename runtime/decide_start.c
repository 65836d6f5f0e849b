/* decide_start.c: START: a new instance of a machine. */
#include <string.h>

#include "runtime/decide.h"

static fsm_code check_unique(const fsm__case *at, const fsm__deployed *deployed, fsm__decision *out,
                             fsm_error *err) {
  const fsm_command *command = at->command;
  uint64_t number = 0;
  fsm_code code = fsm__instance_number(at->store, command->instance, &number, err);
  if (code == FSM_OK)
    return fsm__decision_refuse(out, FSM_EEXISTS, "id", "instance \"%s\" exists already", command->instance);
  if (code != FSM_ENOTFOUND) return code;
  if (command->key == NULL) return FSM_OK;
  code = fsm__instance_by_key(at->store, deployed->number, command->key, &number, err);
  if (code == FSM_OK)
    return fsm__decision_refuse(out, FSM_EEXISTS, "key", "an open instance of %s has the key \"%s\" already",
                                deployed->id, command->key);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code run(const fsm__case *at, const fsm__deployed *deployed, fsm_value idem, fsm__decision *out,
                    fsm_error *err) {
  const fsm_command *command = at->command;
  fsm__instance *in = fsm_arena_zalloc(at->arena, 1, sizeof *in);
  if (in == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  *in = (fsm__instance){.number = fsm__counter_peek(at->store, "instance"),
                        .deployed = deployed,
                        .id = command->instance,
                        .key = command->key,
                        .corr = command->correlation,
                        .labels = command->labels,
                        .context = fsm_map_empty()};
  out->instance = in;
  const fsm_world world = {.actor = &command->actor, .now_ns = at->time_ns, .session = in->id};
  fsm_step_result step;
  fsm_code code = fsm_start(deployed->machine, &command->data, &world, at->arena, &step, err);
  if (code != FSM_OK) return code;
  if (step.outcome != FSM_OK && step.outcome != FSM_EEXPRESSION) {
    out->instance = NULL;
    return fsm__decision_refuse(out, step.outcome, "", "the instance cannot start: %s",
                                fsm_code_text(step.outcome));
  }
  code = fsm__decision_step(at, out, &step, err);
  if (code != FSM_OK) return code;
  out->records[0].labels = command->labels;
  out->records[0].idem = idem;
  out->created = true;
  out->instance_id = command->instance;
  out->instance = NULL; /* apply makes it */
  return FSM_OK;
}

fsm_code fsm__decide_start(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_command *command = at->command;
  const fsm__deployed *deployed = fsm__catalog_find(at->catalog, command->machine, command->version);
  if (deployed == NULL && fsm__catalog_find(at->catalog, command->machine, 0) != NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "version", "machine \"%s\" has no version %u",
                                command->machine, command->version);
  if (deployed == NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed",
                                command->machine);
  out->machine = deployed->id;
  out->version = deployed->version;
  fsm_code code = fsm__catalog_need(at->catalog, deployed, err);
  if (code != FSM_OK) return code;
  fsm_value idem = fsm_null();
  code = fsm__decision_idem_start(at, deployed->number, out, &idem, err);
  if (code != FSM_OK || out->replay || out->refusal.code != FSM_OK) return code;
  code = check_unique(at, deployed, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  code = fsm_definition_check_input(deployed->definition, &command->data, &out->refusal);
  if (code != FSM_OK) return FSM_OK;
  return run(at, deployed, idem, out, err);
}

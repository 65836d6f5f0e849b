/* decide_start.c: START: a new instance of a machine, or the one that has its key. */
#include <string.h>

#include "runtime/decide.h"
#include "runtime/sends.h"

/* The open instance that has the key is the answer. */
static fsm_code answer_existing(const fsm__case *at, uint64_t number, fsm__decision *out, fsm_error *err) {
  fsm__instance *in = fsm_arena_alloc(at->arena, sizeof *in);
  if (in == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  fsm_code code = fsm__instance_load(at->store, at->catalog, number, at->arena, in, err);
  if (code == FSM_OK) fsm__decision_about(out, in, at->arena);
  return code;
}

/* An id and a key that are free; out->instance is set when the one that has the key is the answer. */
static fsm_code check_unique(const fsm__case *at, const fsm__deployed *deployed, fsm__decision *out,
                             fsm_error *err) {
  const fsm_command *command = at->command;
  uint64_t number = 0;
  fsm_code code = FSM_ENOTFOUND;
  if (command->key != NULL)
    code = fsm__instance_by_key(at->store, deployed->number, command->key, &number, err);
  if (code == FSM_OK && command->if_absent) return answer_existing(at, number, out, err);
  if (code == FSM_OK)
    return fsm__decision_refuse(out, FSM_EEXISTS, "key", "an open instance of %s has the key \"%s\" already",
                                deployed->id, command->key);
  if (code != FSM_ENOTFOUND) return code;
  code = fsm__instance_number(at->store, command->instance, &number, err);
  if (code == FSM_OK)
    return fsm__decision_refuse(out, FSM_EEXISTS, "id", "instance \"%s\" exists already", command->instance);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code refuse_retired(const fsm__case *at, const fsm__deployed *deployed, fsm__decision *out) {
  if (at->command->version != 0)
    return fsm__decision_refuse(out, FSM_ERETIRED, "version",
                                "version %u of machine \"%s\" is retired: no new instances of it are made",
                                deployed->version, deployed->id);
  return fsm__decision_refuse(
      out, FSM_ERETIRED, "machine",
      "machine \"%s\" is retired: no new instances are made; deploy it again to change "
      "that",
      deployed->id);
}

fsm_code fsm__decision_make(const fsm__case *at, const fsm__deployed *deployed, const fsm_value *input,
                            fsm__decision *out, fsm_step_result *step, fsm_error *err) {
  const fsm_command *command = at->command;
  fsm_code code = check_unique(at, deployed, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK || out->instance != NULL) return code;
  if (!fsm__catalog_is_live(at->catalog, deployed)) return refuse_retired(at, deployed, out);
  if (at->hold != NULL && at->parent == NULL)
    return fsm__decision_refuse(out, FSM_EQUOTA, "", "%s", at->hold);
  if (fsm_definition_check_input(deployed->definition, input, &out->refusal) != FSM_OK) return FSM_OK;
  uint64_t last = 0;
  fsm__instance *in = fsm_arena_zalloc(at->arena, 1, sizeof *in);
  if (in == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  code = fsm__counter_read(at->store, "instance", &last, err);
  if (code != FSM_OK) return code;
  *in = (fsm__instance){.number = last + 1,
                        .deployed = deployed,
                        .id = command->instance,
                        .key = command->key,
                        .corr = command->correlation,
                        .labels = command->labels,
                        .context = fsm_map_empty()};
  if (at->parent != NULL) {
    in->has_parent = true;
    memcpy(in->parent, at->parent, sizeof in->parent);
  }
  out->instance = in;
  fsm__reach reach;
  const fsm_world world = fsm__world_of(at, in, &reach);
  code = fsm_start(deployed->machine, input, &world, at->arena, step, err);
  if (fsm__reach_end(&reach, err) != FSM_OK) code = err->code;
  if (code != FSM_OK) return code;
  if (step->outcome != FSM_OK && step->outcome != FSM_EEXPRESSION) out->instance = NULL;
  if (step->outcome == FSM_EPERMISSION)
    return fsm__decision_denied(at, deployed, fsm_arena_printf(at->arena, "starting %s", deployed->id),
                                step->denied, step->denied_count, out, err);
  if (step->outcome != FSM_OK && step->outcome != FSM_EEXPRESSION) {
    return fsm__decision_refuse(out, step->outcome, "", "the instance cannot start: %s",
                                fsm_code_text(step->outcome));
  }
  code = fsm__decision_step(at, out, step, err);
  if (code != FSM_OK) return code;
  out->records[0].labels = command->labels;
  out->created = true;
  out->instance_id = command->instance;
  return FSM_OK;
}

fsm_code fsm__decision_deployed(const fsm__case *at, const fsm__deployed **deployed, fsm__decision *out,
                                fsm_error *err) {
  const fsm_command *command = at->command;
  *deployed = command->version == 0 ? fsm__catalog_live(at->catalog, command->machine) : NULL;
  if (*deployed == NULL) *deployed = fsm__catalog_find(at->catalog, command->machine, command->version);
  if (*deployed == NULL && fsm__catalog_find(at->catalog, command->machine, 0) != NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "version", "machine \"%s\" has no version %u",
                                command->machine, command->version);
  if (*deployed == NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed",
                                command->machine);
  out->machine = (*deployed)->id;
  out->version = (*deployed)->version;
  return fsm__catalog_need(at->catalog, *deployed, err);
}

fsm_code fsm__decide_start(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm__deployed *deployed = NULL;
  fsm_value idem = fsm_null();
  fsm_step_result step;
  fsm_code code = fsm__decision_deployed(at, &deployed, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  code = fsm__decision_idem_start(at, deployed->number, out, &idem, err);
  if (code != FSM_OK || out->replay || out->refusal.code != FSM_OK) return code;
  code = fsm__decision_make(at, deployed, &at->command->data, out, &step, err);
  if (code != FSM_OK || !out->created) return code;
  out->records[0].idem = idem;
  out->instance = NULL; /* apply makes it */
  return FSM_OK;
}

/* step_data.c: the variables of SCXML (5.2, 5.3): declared at the start, set there or on first entry.
 *
 * A variable that cannot be set is there all the same, as null, and its error is raised. What a start is
 * given as input goes before the root's own values.
 */
#include <string.h>

#include "fsm/step_impl.h"

static void set_one(fsm__run *run, unsigned state, const fsm__data *data) {
  const fsm_value *given = state == 0 && run->input != NULL ? fsm_map_get(run->input, data->id) : NULL;
  fsm_value value = given != NULL ? *given : fsm_null();
  if (given == NULL && data->value != NULL) {
    fsm_error err;
    err.text[0] = '\0';
    err.code = fsm__template_eval(run, data->value, &value, &err);
    if (err.code != FSM_OK) {
      fsm__raise_error(run, data->where, &err);
      return;
    }
  }
  fsm__context_put(run, data->id, &value);
}

static void set_all(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  for (uint32_t i = 0; i < s->data_count && run->fault == FSM_OK; i++) set_one(run, state, &s->data[i]);
}

void fsm__data_start(fsm__run *run) {
  const fsm_machine *m = run->machine;
  fsm_value context;
  if (fsm_map_merge(run->arena, &run->context, &m->variables, &context) != FSM_OK) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  fsm__context_replace(run, &context);
  if (m->late_binding) return;
  for (unsigned state = 0; state < m->state_count && run->fault == FSM_OK; state++) set_all(run, state);
}

void fsm__data_enter(fsm__run *run, unsigned state) {
  if (run->machine->states[state].data_count == 0 || fsm_config_has(run->bound, state)) return;
  fsm__bit_set(run->bound, state);
  run->history_changed = true;
  set_all(run, state);
}

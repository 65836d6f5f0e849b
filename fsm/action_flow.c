/* action_flow.c: actions that run actions: if (SCXML 4.3) and foreach (4.6). */
#include "fsm/step_impl.h"

/* 5.9.1: a condition that cannot be evaluated counts as false and its error is raised. */
static bool holds(fsm__run *run, const fsm__action *branch) {
  if (branch->guard == NULL) return true;
  if (run->supposal != NULL) return fsm__suppose_holds(run, branch->guard, -1);
  fsm_value value;
  fsm_error fault;
  fault.text[0] = '\0';
  fsm_code code = fsm_expr_eval(branch->guard, &run->scope, run->arena, &value, &fault);
  fsm__spend(run, 0);
  if (code == FSM_OK && fsm_is(&value, FSM_BOOL)) return value.b;
  if (code == FSM_OK)
    code = fsm_fail(&fault, FSM_EEXPRESSION, "", "a condition is true or false, not %s",
                    fsm_type_name((fsm_type)value.type));
  fault.code = code;
  fsm__raise_error(run, branch->where, &fault);
  return false;
}

fsm_code fsm__action_if(fsm__run *run, const fsm__action *action, fsm_error *err) {
  for (size_t i = 0; i < action->inner.count && run->fault == FSM_OK; i++) {
    const fsm__action *branch = &action->inner.actions[i];
    if (holds(run, branch)) return fsm__actions_run(run, &branch->inner, err);
  }
  return FSM_OK;
}

static fsm_code check_variable(const fsm__run *run, const fsm__location *place, fsm_error *err) {
  if (place->root != NULL && place->count == 0 &&
      !(run->machine->dialect == FSM_SCXML && place->root[0] == '_'))
    return FSM_OK;
  return fsm_fail(err, FSM_EEXPRESSION, "", "\"%.120s\" cannot be a variable of foreach", place->text);
}

fsm_code fsm__action_foreach(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_value list; /* values do not change: it is its own copy */
  fsm_code code = fsm__template_eval(run, action->value, &list, err);
  if (code == FSM_OK && !fsm_is(&list, FSM_LIST))
    code = fsm_fail(err, FSM_EEXPRESSION, "", "foreach needs a list, not %s",
                    fsm_type_name((fsm_type)list.type));
  if (code == FSM_OK) code = check_variable(run, action->location, err);
  if (code == FSM_OK && action->index != NULL) code = check_variable(run, action->index, err);
  if (code != FSM_OK) return code;
  if (list.len == 0) { /* the variables are declared all the same */
    const fsm_value none = fsm_null();
    if (fsm_map_get(&run->context, action->location->root) == NULL)
      fsm__context_put(run, action->location->root, &none);
    if (action->index != NULL && fsm_map_get(&run->context, action->index->root) == NULL)
      fsm__context_put(run, action->index->root, &none);
  }
  for (uint32_t i = 0; i < list.len && run->fault == FSM_OK && code == FSM_OK; i++) {
    const fsm_value place = fsm_int(i);
    const int64_t size = fsm__value_size(&list.items[i], FSM_CONTEXT_BYTES_MAX);
    fsm__spend(run, size < 0 ? FSM_CONTEXT_BYTES_MAX : (uint64_t)size);
    if (run->fault != FSM_OK) break;
    fsm__context_put(run, action->location->root, &list.items[i]);
    if (action->index != NULL && run->fault == FSM_OK) fsm__context_put(run, action->index->root, &place);
    if (run->fault == FSM_OK) code = fsm__actions_run(run, &action->inner, err);
  }
  return code;
}

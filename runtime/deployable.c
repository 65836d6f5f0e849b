/* deployable.c: a walk over a definition that stops at what cannot be carried out. See deployable.h. */
#include "runtime/deployable.h"

#include <string.h>

static fsm_code refuse(const char *where, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_EUNSUPPORTED, where ? where : "", "%s", what);
}

/* Events to the session itself need no other: without a target, or with the internal queue as target. */
static bool is_own(const fsm_def_value *target) {
  static const char internal[] = "#_internal";
  if (target == NULL) return true;
  return target->form == FSM_DEF_LITERAL && fsm_is(&target->literal, FSM_STRING) &&
         target->literal.len == sizeof internal - 1 &&
         memcmp(target->literal.s, internal, sizeof internal - 1) == 0;
}

static fsm_code check_actions(const fsm_def_action *actions, size_t count, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    const fsm_def_action *action = &actions[i];
    if (action->kind == FSM_ACTION_SEND && (!is_own(action->target) || action->type != NULL))
      return refuse(action->where, "events to other instances are not sent by durable instances yet", err);
    code = check_actions(action->actions, action->action_count, err);
  }
  return code;
}

static fsm_code check_invoke(const fsm_def_invoke *invoke, fsm_error *err) {
  const char *what = NULL;
  if (invoke->machine != NULL || invoke->content != NULL)
    what = "machines inside a machine are not started by durable instances yet";
  else if (invoke->src_expr != NULL || invoke->type != NULL)
    what =
        "the service of a durable instance's task must be a plain name: a computed src or a type is not "
        "carried out yet";
  else if (invoke->autoforward)
    what = "autoforward is not carried out by durable instances yet";
  if (what != NULL) return refuse(invoke->where, what, err);
  return check_actions(invoke->finalize, invoke->finalize_count, err);
}

static fsm_code check_state(const fsm_def_state *state, fsm_error *err) {
  fsm_code code = check_actions(state->entry, state->entry_count, err);
  if (code == FSM_OK) code = check_actions(state->exit, state->exit_count, err);
  if (code == FSM_OK) code = check_actions(state->initial_actions, state->initial_action_count, err);
  for (size_t i = 0; i < state->transition_count && code == FSM_OK; i++)
    code = check_actions(state->transitions[i].actions, state->transitions[i].action_count, err);
  for (size_t i = 0; i < state->invoke_count && code == FSM_OK; i++)
    code = check_invoke(&state->invokes[i], err);
  for (size_t i = 0; i < state->child_count && code == FSM_OK; i++)
    code = check_state(state->children[i], err); /* as deep as a compiled machine: FSM_DEPTH_MAX */
  return code;
}

fsm_code fsm__deployable(const fsm_def *def, fsm_error *err) {
  FSM_ASSERT(def != NULL && def->root != NULL);
  return check_state(def->root, err);
}

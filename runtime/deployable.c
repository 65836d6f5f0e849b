/* deployable.c: a walk over a definition that stops at what cannot be carried out. See deployable.h. */
#include "runtime/deployable.h"

#include <string.h>

#include "runtime/ecs_types.h"
#include "runtime/sends.h"

/* The names of SCXML's processor and of its machines (D.1, 6.4), said outright. */
static bool names_scxml(const fsm_def_value *type) {
  static const char *const names[] = {"scxml", "http://www.w3.org/TR/scxml", "http://www.w3.org/TR/scxml/",
                                      FSM_EVENT_PROCESSOR};
  if (type->form != FSM_DEF_LITERAL) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (fsm_is_text(&type->literal, names[i])) return true;
  return false;
}

static fsm_code refuse(const char *where, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_EUNSUPPORTED, where ? where : "", "%s", what);
}

static fsm_code check_actions(const fsm_def_action *actions, size_t count, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    const fsm_def_action *action = &actions[i];
    const fsm_def_value *type = action->kind == FSM_ACTION_SEND ? action->type : NULL;
    if (type != NULL && !names_scxml(type))
      return refuse(action->where, "events are sent to other instances only, not through another processor",
                    err);
    code = check_actions(action->actions, action->action_count, err);
  }
  return code;
}

static fsm_code check_invoke(const fsm_def_invoke *invoke, fsm_error *err) {
  const bool machine = invoke->type != NULL && names_scxml(invoke->type);
  const char *what = NULL;
  if (invoke->content != NULL || (invoke->machine != NULL && !machine) ||
      (invoke->machine != NULL && invoke->src == NULL))
    what = "a machine inside a machine is not started as a durable instance: deploy it and name it";
  else if (!machine && invoke->type != NULL)
    what = "the type of a durable instance's task must be that of SCXML, or none";
  else if (!machine && invoke->src_expr != NULL)
    what = "the service of a durable instance's task must be a plain name, not a computed one";
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

/* ---- types of fields --------------------------------------------------------------------------- */

/* One deployed machine, in an arena that is reset for the next. */
static fsm_code agrees(fsm__catalog *catalog, const fsm__deployed *other, const fsm__ecs_types *types,
                       fsm_arena *arena, fsm_error *err) {
  const char *source;
  size_t len;
  const fsm__ecs_types *others = NULL;
  fsm_code code = fsm__catalog_source(catalog, other, arena, &source, &len, err);
  if (code != FSM_OK) return code;
  code = fsm__ecs_types_of(arena, other->id, source, len, &others, NULL);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, "", "no memory for the types of fields");
  return code == FSM_OK ? fsm__ecs_types_agree(types, others, err) : FSM_OK; /* it stands as it is */
}

fsm_code fsm__deployable_types(fsm__catalog *catalog, const char *id, const char *source, size_t len,
                               fsm_error *err) {
  FSM_ASSERT(catalog != NULL && id != NULL && source != NULL);
  fsm_arena own, arena;
  const fsm__ecs_types *types = NULL;
  const fsm__deployed *other;
  fsm_arena_init(&own, 0);
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__ecs_types_of(&own, id, source, len, &types, err);
  const bool any = code == FSM_OK && !fsm__ecs_types_none(types);
  for (unsigned i = 0; any && code == FSM_OK && (other = fsm__catalog_newest(catalog, i)) != NULL; i++) {
    code = agrees(catalog, other, types, &arena, err);
    fsm_arena_reset(&arena);
  }
  fsm_arena_free(&own);
  fsm_arena_free(&arena);
  return code;
}

/* machine_content.c: from a loader's actions to what a step executes.
 *
 * What each kind needs is checked here, with the limits on names and ids, so that a step only meets the
 * faults that data can cause. Blocks may be nested as deeply as FSM_CONTENT_DEPTH_MAX says: the count
 * that comes before compiling (machine_compile.c) has seen to it.
 */
#include <string.h>

#include "fsm/machine_impl.h"

static fsm_code no_memory(const fsm__content *c, const char *where) {
  return fsm_fail(c->err, FSM_ENOMEM, fsm__place(where), "the machine does not fit into memory");
}

static fsm_code check_id(const fsm__content *c, const fsm_def_action *def) {
  if (def->id == NULL) return FSM_OK;
  if (def->id[0] == '\0')
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where), "the timer id is empty");
  if (strlen(def->id) > FSM_TIMER_ID_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(def->where), "the timer id is longer than %d bytes",
                    FSM_TIMER_ID_MAX);
  return FSM_OK;
}

static fsm_code missing(const fsm__content *c, const fsm_def_action *def, const char *what) {
  return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where), "%s", what);
}

static fsm_code check_send(const fsm__content *c, const fsm_def_action *def) {
  fsm_code code = check_id(c, def);
  if (code != FSM_OK || def->event_expr != NULL) return code;
  return fsm__event_name_check(def->event, def->where, c->err);
}

static fsm_code check_cancel(const fsm__content *c, const fsm_def_action *def) {
  if (def->id == NULL && def->id_expr == NULL) return missing(c, def, "cancel needs the id of a timer");
  return check_id(c, def);
}

static fsm_code check_if(const fsm__content *c, const fsm_def_action *def) {
  for (size_t i = 0; i < def->action_count; i++)
    if (def->actions[i].kind != FSM_ACTION_BRANCH) return missing(c, def, "an if consists of branches");
  return FSM_OK;
}

static fsm_code check_action(const fsm__content *c, const fsm_def_action *def, fsm_action_kind above) {
  switch (def->kind) {
    case FSM_ACTION_ASSIGN:
      if (def->value == NULL || def->value->form == FSM_DEF_LIST ||
          (def->value->form == FSM_DEF_LITERAL && def->value->literal.type != FSM_MAP))
        return missing(c, def, "assign needs a map of context fields");
      return FSM_OK;
    case FSM_ACTION_RAISE: {
      fsm_code code = check_id(c, def);
      return code == FSM_OK ? fsm__event_name_check(def->event, def->where, c->err) : code;
    }
    case FSM_ACTION_CANCEL: return check_cancel(c, def);
    case FSM_ACTION_LOG: return FSM_OK;
    case FSM_ACTION_EMIT: return fsm__event_name_check(def->event, def->where, c->err);
    case FSM_ACTION_SEND: return check_send(c, def);
    case FSM_ACTION_SET:
      return def->location != NULL ? FSM_OK : missing(c, def, "an assignment needs a location");
    case FSM_ACTION_IF: return check_if(c, def);
    case FSM_ACTION_BRANCH:
      return above == FSM_ACTION_IF ? FSM_OK : missing(c, def, "a branch stands directly below an if");
    case FSM_ACTION_FOREACH:
      if (def->value == NULL || def->location == NULL)
        return missing(c, def, "a foreach needs an array and an item");
      return FSM_OK;
    case FSM_ACTION_FAIL: return FSM_OK;
    case FSM_ACTION_BLOCK:
      return above == FSM_ACTION_BLOCK ? FSM_OK
                                       : missing(c, def, "a block stands alone, not inside of an action");
  }
  return fsm_fail(c->err, FSM_EARGUMENT, fsm__place(def->where), "the action has an unknown kind");
}

static fsm_code compile_block(const fsm__content *c, const fsm_def_action *defs, size_t count,
                              fsm_action_kind above, fsm__block *out);

static fsm_code compile_values(const fsm__content *c, const fsm_def_action *def, fsm__action *out) {
  fsm_code code = fsm__template_compile(c, def->value, &out->value);
  if (code == FSM_OK) code = fsm__delay_compile(c, def->delay, def->where, &out->delay);
  if (code == FSM_OK) code = fsm__template_compile(c, def->event_expr, &out->event_expr);
  if (code == FSM_OK) code = fsm__template_compile(c, def->target, &out->target);
  if (code == FSM_OK) code = fsm__template_compile(c, def->type, &out->type);
  if (code == FSM_OK) code = fsm__template_compile(c, def->id_expr, &out->id_expr);
  if (code == FSM_OK) code = fsm__location_compile(c, def->location, def->where, &out->location);
  if (code == FSM_OK) code = fsm__location_compile(c, def->index, def->where, &out->index);
  if (code == FSM_OK && def->guard != NULL) code = fsm__guard_compile(c, def->guard, def->where, &out->guard);
  return code;
}

static fsm_code compile_action(const fsm__content *c, const fsm_def_action *def, fsm_action_kind above,
                               fsm__action *out) {
  fsm_code code = check_action(c, def, above);
  if (code != FSM_OK) return code;
  out->kind = def->kind;
  if (!fsm__keep(c->arena, def->event, &out->event) || !fsm__keep(c->arena, def->id, &out->id) ||
      !fsm__keep(c->arena, def->label, &out->label) ||
      !fsm__keep(c->arena, fsm__place(def->where), &out->where))
    return no_memory(c, def->where);
  code = compile_values(c, def, out);
  if (code != FSM_OK) return code;
  return compile_block(c, def->actions, def->action_count, def->kind, &out->inner);
}

/* above: the action that the block belongs to; FSM_ACTION_BLOCK for one that stands by itself. */
static fsm_code compile_block(const fsm__content *c, const fsm_def_action *defs, size_t count,
                              fsm_action_kind above, fsm__block *out) {
  *out = (fsm__block){0};
  if (count == 0) return FSM_OK;
  fsm__action *actions = fsm_arena_zalloc(c->arena, count, sizeof *actions);
  if (actions == NULL) return no_memory(c, defs[0].where);
  for (size_t i = 0; i < count; i++) {
    fsm_code code = compile_action(c, &defs[i], above, &actions[i]);
    if (code != FSM_OK) return code;
  }
  *out = (fsm__block){actions, count};
  return FSM_OK;
}

fsm_code fsm__block_compile(const fsm__content *c, const fsm_def_action *defs, size_t count,
                            fsm__block *out) {
  return compile_block(c, defs, count, FSM_ACTION_BLOCK, out);
}

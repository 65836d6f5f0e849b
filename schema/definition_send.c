/* definition_send.c: the event of an action, and where it goes: "self" (the external queue of this
 * instance), "#_parent", or the id of an invoke, which is the session "#_<id>" for the engine.
 */
#include <string.h>

#include "schema/definition_load.h"

/* ---- the event --------------------------------------------------------------------------------- */

static fsm_code read_event_name(fsm__loader *l, fsm__node event, fsm_def_action *out) {
  fsm__node type = fsm__node_get(l, event, "type");
  if (out->kind == FSM_ACTION_SEND && type.value && fsm__is_expression(type.value))
    return fsm__read_def_value(l, type, &out->event_expr);
  fsm_code code = fsm__node_text(l, event, "type", &out->event);
  if (code) return code;
  if (!out->event) return fsm__invalid(l, event.where, "the event has no \"type\"");
  if (strncmp(out->event, "xstate.", 7) == 0)
    return fsm__invalid(l, event.where, "event names that begin with \"xstate.\" are made by the engine");
  return FSM_OK;
}

/* {"type": NAME, …data}: the rest of the members are the data. */
fsm_code fsm__read_event(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node event = fsm__node_get(l, action, "event");
  if (!fsm__node_is(event, FSM_MAP) || fsm__is_expression(event.value))
    return fsm__invalid(l, event.where, "\"event\" must be {\"type\": NAME, …}");
  fsm_code code = read_event_name(l, event, out);
  if (code) return code;
  fsm_pair *pairs = fsm_arena_zalloc(l->arena, event.value->len, sizeof *pairs);
  fsm_value *data = fsm_arena_zalloc(l->arena, 1, sizeof *data);
  if (!pairs || !data) return fsm__out_of_memory(l);
  uint32_t count = 0;
  for (uint32_t i = 0; i < event.value->len; i++)
    if (!fsm_is_text(&event.value->pairs[i].key, "type")) pairs[count++] = event.value->pairs[i];
  *data = (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs};
  return count ? fsm__read_def_value(l, (fsm__node){data, event.where}, &out->value) : FSM_OK;
}

/* ---- the target -------------------------------------------------------------------------------- */

static fsm_code to_invoke(fsm__loader *l, fsm__node to, fsm_def_action *out) {
  fsm_code code = fsm__check_invoke_id(l, to);
  if (code) return code;
  const char *target = fsm_arena_printf(l->arena, "#_%s", to.value->s);
  return target ? fsm__literal_value(l, fsm_string(target), to.where, &out->target) : fsm__out_of_memory(l);
}

/* An expression gives the id of an invoke. */
static fsm_code to_expression(fsm__loader *l, fsm__node to, fsm_def_action *out) {
  const char *text;
  fsm_code code = fsm__value_text(l, to, &text);
  if (code) return code;
  const char *target = fsm_arena_printf(l->arena, "'#_' + %s", text);
  return target ? fsm__expr_value(l, target, to.where, &out->target) : fsm__out_of_memory(l);
}

static fsm_code read_target(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node to = fsm__node_get(l, action, "to"), other = fsm__node_get(l, action, "target");
  if (to.value && other.value)
    return fsm__invalid(l, other.where, "\"to\" and \"target\" are two names of one thing");
  if (other.value) to = other;
  if (to.value && fsm__is_expression(to.value)) return to_expression(l, to, out);
  if (!fsm__node_is(to, FSM_STRING) || !to.value->len)
    return fsm__invalid(l, to.where, "\"to\" must be \"self\", \"#_parent\" or the id of an invoke");
  if (fsm_is_text(to.value, "self")) return FSM_OK;
  if (fsm_is_text(to.value, "#_parent")) return fsm__literal_value(l, *to.value, to.where, &out->target);
  return to_invoke(l, to, out);
}

static fsm_code read_rest(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = fsm__read_event(l, action, out);
  if (!code) code = fsm__node_text(l, action, "id", &out->id);
  return code ? code : fsm__read_delay(l, fsm__node_get(l, action, "delay"), &out->delay);
}

fsm_code fsm__read_send_to(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = read_target(l, action, out);
  return code ? code : read_rest(l, action, out);
}

fsm_code fsm__read_send_parent(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = fsm__literal_value(l, fsm_string("#_parent"), action.where, &out->target);
  return code ? code : read_rest(l, action, out);
}

/* The event that is being processed. */
fsm_code fsm__read_forward_to(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = read_target(l, action, out);
  if (!code) code = fsm__expr_value(l, "event.name", action.where, &out->event_expr);
  return code ? code : fsm__expr_value(l, "event.data", action.where, &out->value);
}

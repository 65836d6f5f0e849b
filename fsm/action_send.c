/* action_send.c: raise, send and cancel: events to oneself and to others (SCXML 4.2, 6.2, 6.3).
 *
 * What goes to the own internal queue is processed in this macrostep; what goes to the own external queue
 * is a timer, be it with delay 0; the rest is for others and leaves as an effect. An argument that cannot
 * be evaluated, or a type or target that no processor has, is an error.execution that tells the id.
 */
#include <inttypes.h>
#include <string.h>

#include "fsm/step_impl.h"

static fsm_code make_id(fsm__run *run, const char **out, fsm_error *err) {
  *out = fsm_arena_printf(run->arena, "send.%" PRIu32, ++run->counter);
  return *out != NULL ? FSM_OK : fsm__step_no_memory(err);
}

static fsm_code delay_of(fsm__run *run, const fsm__template *t, int64_t *ns, fsm_error *err) {
  *ns = 0;
  if (t == NULL) return FSM_OK;
  fsm_value delay;
  fsm_code code = fsm__template_eval(run, t, &delay, err);
  return code == FSM_OK ? fsm__delay_ns(&delay, ns, err) : code;
}

/* ---- raise --------------------------------------------------------------------------------------- */

static fsm_code raise_later(fsm__run *run, const fsm__action *action, const fsm_value *data, fsm_error *err) {
  int64_t ns;
  fsm_code code = delay_of(run, action->delay, &ns, err);
  const char *id = action->id;
  if (code == FSM_OK && id == NULL) code = make_id(run, &id, err);
  if (code != FSM_OK) return code;
  fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TIMER_SET);
  if (effect == NULL) return fsm__step_no_memory(err);
  effect->id = id;
  effect->id_made = action->id == NULL;
  effect->event = action->event;
  effect->data = *data;
  effect->delay_ns = ns;
  return FSM_OK;
}

fsm_code fsm__action_raise(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_value data;
  fsm_code code = fsm__data_eval(run, action->value, &data, err);
  if (code != FSM_OK) return code;
  if (action->delay != NULL) return raise_later(run, action, &data, err);
  fsm__enqueue(run, &(const fsm_event){.name = action->event, .data = data, .type = "internal"});
  return FSM_OK;
}

/* ---- send ---------------------------------------------------------------------------------------- */

typedef struct message {
  const char *id, *name, *type, *target;
  bool id_made; /* the author gave none and asked for none */
  fsm_value data;
  int64_t delay_ns;
} message;

static fsm_code message_id(fsm__run *run, const fsm__action *action, message *out, fsm_error *err) {
  out->id = action->id;
  out->id_made = action->id == NULL && action->location == NULL;
  if (out->id == NULL) {
    fsm_code code = make_id(run, &out->id, err);
    if (code != FSM_OK) return code;
  }
  run->failed_send = out->id_made ? NULL : out->id;
  if (action->location == NULL) return FSM_OK;
  const fsm_value id = fsm_string(out->id);
  return fsm__location_set(run, action->location, &id, err);
}

static fsm_code message_of(fsm__run *run, const fsm__action *action, message *out, fsm_error *err) {
  fsm_code code = message_id(run, action, out, err);
  out->name = action->event;
  if (code == FSM_OK && out->name == NULL) {
    code = fsm__text_eval(run, action->event_expr, "the name of an event", &out->name, err);
    if (code == FSM_OK) code = fsm__event_name_check(out->name, "", err);
  }
  if (code == FSM_OK) code = fsm__data_eval(run, action->value, &out->data, err);
  if (code == FSM_OK) code = fsm__text_eval(run, action->type, "the type of a send", &out->type, err);
  if (code == FSM_OK) code = fsm__text_eval(run, action->target, "the target of a send", &out->target, err);
  return code == FSM_OK ? delay_of(run, action->delay, &out->delay_ns, err) : code;
}

/* Names by which SCXML's processor is known (D.1). */
static bool is_our_processor(const char *type) {
  return type == NULL || strcmp(type, FSM__PROCESSOR) == 0 || strcmp(type, "scxml") == 0 ||
         strcmp(type, "http://www.w3.org/TR/scxml/") == 0 || strcmp(type, "http://www.w3.org/TR/scxml") == 0;
}

static bool is_own_session(const fsm__run *run, const char *target) {
  if (target == NULL) return true;
  return fsm__has_prefix(target, "#_scxml_") && strcmp(target + strlen("#_scxml_"), run->session) == 0;
}

static fsm_code send_out(fsm__run *run, const message *m, fsm_error *err) {
  bool own = is_own_session(run, m->target);
  if (!own && m->delay_ns <= 0 && run->reaches != NULL && !run->reaches(run->reaches_arg, m->target)) {
    fsm__raise_undelivered(run, m->target, m->id_made ? NULL : m->id);
    return FSM_OK;
  }
  fsm_effect *effect = fsm__effect(run, own ? FSM_EFFECT_TIMER_SET : FSM_EFFECT_SEND);
  if (effect == NULL) return fsm__step_no_memory(err);
  effect->id = m->id;
  effect->id_made = m->id_made;
  effect->event = m->name;
  effect->data = m->data;
  effect->delay_ns = m->delay_ns;
  if (own) return FSM_OK;
  effect->target = m->target;
  effect->type = m->type;
  return FSM_OK;
}

fsm_code fsm__action_send(fsm__run *run, const fsm__action *action, fsm_error *err) {
  message m = {0};
  fsm_code code = message_of(run, action, &m, err);
  if (code != FSM_OK) return code;
  if (!is_our_processor(m.type))
    return fsm_fail(err, FSM_EEXPRESSION, "", "there is no event processor \"%.120s\"", m.type);
  if (m.target != NULL && strcmp(m.target, "#_internal") == 0) {
    if (action->delay != NULL) return fsm_fail(err, FSM_EEXPRESSION, "", "the internal queue knows no delay");
    fsm__enqueue(run, &(const fsm_event){
                          .name = m.name, .data = m.data, .type = "internal", .sendid = run->failed_send});
  } else if (m.target != NULL && run->machine->dialect == FSM_SCXML && !fsm__has_prefix(m.target, "#_")) {
    return fsm_fail(err, FSM_EEXPRESSION, "", "\"%.120s\" is no target of a send", m.target);
  } else {
    code = send_out(run, &m, err);
  }
  if (code == FSM_OK) run->failed_send = NULL;
  return code;
}

fsm_code fsm__action_cancel(fsm__run *run, const fsm__action *action, fsm_error *err) {
  const char *id = action->id;
  fsm_code code = id == NULL ? fsm__text_eval(run, action->id_expr, "the id of a send", &id, err) : FSM_OK;
  if (code != FSM_OK) return code;
  fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TIMER_CANCEL);
  if (effect == NULL) return fsm__step_no_memory(err);
  effect->id = id;
  return FSM_OK;
}

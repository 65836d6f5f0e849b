/* scxml_send.c: <send> (6.2). */
#include <string.h>

#include "schema/scxml_load.h"

/* An attribute in its two forms: a text, or an expression that makes one. */
static fsm_code read_either(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                            const char *expr_name, const fsm_def_value **out) {
  const char *const either[] = {name, expr_name, NULL};
  const char *text = fsm__scxml_text(element, name);
  fsm_code code = fsm__scxml_one_of(r, element, false, either);
  if (code) return code;
  if (!text) return fsm__scxml_expr_value(r, element, expr_name, out);
  return fsm__scxml_literal(r, fsm_string(text), fsm__scxml_text_at(r, element, name), out);
}

static fsm_code read_id(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  static const char *const either[] = {"id", "idlocation", NULL};
  const char *location = fsm__scxml_text(element, "idlocation");
  out->id = fsm__scxml_text(element, "id");
  fsm_code code = fsm__scxml_one_of(r, element, false, either);
  if (code || !location) return code;
  return fsm__scxml_location(r, location, fsm__scxml_text_at(r, element, "idlocation"), &out->location);
}

static fsm_code read_event(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  static const char *const either[] = {"event", "eventexpr", NULL};
  bool needed = fsm__scxml_child(element, "content") == NULL;
  out->event = fsm__scxml_text(element, "event");
  fsm_code code = fsm__scxml_one_of(r, element, needed, either);
  if (!code) code = fsm__scxml_expr_value(r, element, "eventexpr", &out->event_expr);
  if (!code && out->event && (!*out->event || out->event[strcspn(out->event, " \t\r\n*")]))
    code = fsm__scxml_invalid(r, fsm__scxml_text_at(r, element, "event"), "\"%.64s\" is no name of an event",
                              out->event);
  return code;
}

static fsm_code read_delay(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  static const char *const either[] = {"delay", "delayexpr", NULL};
  const char *text = fsm__scxml_text(element, "delay"), *target = fsm__scxml_text(element, "target");
  fsm_code code = fsm__scxml_one_of(r, element, false, either);
  if (code) return code;
  if (text)
    code = fsm__scxml_delay(r, text, fsm__scxml_text_at(r, element, "delay"), &out->delay);
  else
    code = fsm__scxml_expr_value(r, element, "delayexpr", &out->delay);
  if (!code && out->delay && target && strcmp(target, "#_internal") == 0)
    code = fsm__scxml_invalid(r, out->where, "what is sent to \"#_internal\" can have no delay");
  return code;
}

fsm_code fsm__scxml_read_send(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  out->kind = FSM_ACTION_SEND;
  fsm_code code = read_event(r, element, out);
  if (!code) code = read_either(r, element, "target", "targetexpr", &out->target);
  if (!code) code = read_either(r, element, "type", "typeexpr", &out->type);
  if (!code) code = read_id(r, element, out);
  if (!code) code = read_delay(r, element, out);
  return code ? code : fsm__scxml_payload(r, element, &out->value);
}

/* scxml_transition.c: <transition> (3.5) and its descriptors (3.12.1). */
#include <string.h>

#include "schema/scxml_load.h"

/* "foo", "foo." and "foo.*" all take foo and what begins with "foo.": here "foo.*". */
static const char *descriptor_of(fsm__scxml *r, const char *word) {
  size_t len = strlen(word);
  if (strcmp(word, "*") == 0 || strcmp(word, ".*") == 0) return "*";
  if (len >= 2 && strcmp(word + len - 2, ".*") == 0)
    len -= 2;
  else if (len && word[len - 1] == '.')
    len--;
  else if (r->exact_events)
    return word;
  return fsm_arena_printf(r->arena, "%.*s.*", (int)len, word);
}

static fsm_code read_events(fsm__scxml *r, const fsm_xml_node *element, fsm_def_transition *out) {
  const char *text = fsm__scxml_text(element, "event"), *where = fsm__scxml_text_at(r, element, "event");
  const char *const *words;
  if (!text) return FSM_OK;
  fsm_code code = fsm__scxml_words(r, text, &words, &out->event_count);
  if (code) return code;
  if (!out->event_count) return fsm__scxml_invalid(r, where, "\"event\" names no event");
  const char **events = fsm_arena_zalloc(r->arena, out->event_count, sizeof *events);
  if (!events) return fsm__scxml_no_memory(r);
  for (size_t i = 0; i < out->event_count; i++) {
    events[i] = descriptor_of(r, words[i]);
    if (!events[i]) return fsm__scxml_no_memory(r);
    size_t star = strcspn(events[i], "*"), len = strlen(events[i]);
    if (events[i][0] == '.' || star + 1 < len)
      return fsm__scxml_invalid(r, where, "\"%.64s\" takes no event: a * stands alone or behind the last dot",
                                words[i]);
  }
  out->events = events;
  return FSM_OK;
}

static bool is_below(const fsm_xml_node *node, const fsm_xml_node *ancestor) {
  for (node = node->parent; node; node = node->parent)
    if (node == ancestor) return true;
  return false;
}

static bool has_states(const fsm_xml_node *element) {
  const fsm_xml_node *child = NULL;
  while ((child = fsm__scxml_next(element, child)))
    if (fsm__scxml_is_state(child)) return true;
  return false;
}

/* 3.5: only of a compound state, and only when all targets lie in it. What a history stands for is known
 * to the step alone. */
static bool is_internal(const fsm__scxml *r, const fsm_xml_node *source, const fsm_def_transition *t) {
  if (fsm__scxml_is(source, "parallel") || !has_states(source)) return false;
  for (size_t i = 0; i < t->target_count; i++)
    if (!fsm__scxml_is(fsm__scxml_state_of(r, t->targets[i]), "history") &&
        !is_below(fsm__scxml_state_of(r, t->targets[i]), source))
      return false;
  return true;
}

/* In <initial> and <history>: a target, and neither event nor condition. */
static fsm_code check_default(fsm__scxml *r, const fsm_xml_node *source, const fsm_xml_node *element) {
  static const char *const none[] = {"event", "cond"};
  for (size_t i = 0; i < 2; i++)
    if (fsm_xml_attribute_of(element, none[i]))
      return fsm__scxml_invalid(r, fsm__scxml_text_at(r, element, none[i]),
                                "the <transition> of <%s> can have no \"%s\"", source->name, none[i]);
  if (fsm_xml_attribute_of(element, "target")) return FSM_OK;
  return fsm__scxml_invalid(r, fsm__scxml_at(r, element), "the <transition> of <%s> needs \"target\"",
                            source->name);
}

fsm_code fsm__scxml_read_transition(fsm__scxml *r, const fsm_xml_node *source, const fsm_xml_node *element,
                                    fsm_def_transition *out) {
  static const char *const types[] = {"external", "internal", NULL};
  bool is_default = fsm__scxml_is(source, "history") || fsm__scxml_is(source, "initial");
  unsigned type;
  fsm__scxml_actions actions = {0};
  *out = (fsm_def_transition){.where = fsm__scxml_at(r, element)};
  bool has_target = fsm_xml_attribute_of(element, "target") != NULL;
  if (is_default) {
    fsm_code code = check_default(r, source, element);
    if (code) return code;
  } else if (!has_target && !fsm_xml_attribute_of(element, "event") &&
             !fsm_xml_attribute_of(element, "cond") && !fsm__scxml_next(element, NULL)) {
    return fsm__scxml_invalid(r, out->where, "<transition> needs \"event\", \"cond\" or \"target\"");
  }
  fsm_code code = read_events(r, element, out);
  if (!code) code = fsm__scxml_expr(r, element, "cond", &out->guard);
  if (!code) code = fsm__scxml_refuse_broken(r, FSM_EEXPRESSION, fsm__scxml_text_at(r, element, "cond"));
  if (out->guard) out->guard_where = fsm__scxml_text_at(r, element, "cond");
  if (!code && has_target)
    code = fsm__scxml_targets(r, element, "target", is_default ? source->parent : NULL, &out->targets,
                              &out->target_count);
  if (!code) code = fsm__scxml_word(r, element, "type", types, &type);
  if (!code) code = fsm__scxml_read_meta(r, element, &out->meta, &out->allow);
  if (!code) code = fsm__scxml_read_actions(r, element, &actions);
  if (code) return code;
  out->internal = type == 1 && is_internal(r, source, out);
  out->actions = actions.items;
  out->action_count = actions.count;
  return FSM_OK;
}

/* scxml_action.c: executable content (section 4), one row per element.
 *
 * A reader says what is wrong with the element's shape by refusing; what the Recommendation wants as an
 * error at run time it notes in r->broken, and the action becomes one that fails.
 */
#include <string.h>

#include "schema/scxml_load.h"

/* ---- the simple ones --------------------------------------------------------------------------- */

static fsm_code read_raise(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  out->kind = FSM_ACTION_RAISE;
  out->event = fsm__scxml_text(element, "event");
  if (*out->event && !out->event[strcspn(out->event, " \t\r\n*")]) return FSM_OK;
  return fsm__scxml_invalid(r, fsm__scxml_text_at(r, element, "event"), "\"%.64s\" is no name of an event",
                            out->event);
}

static fsm_code read_log(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  out->kind = FSM_ACTION_LOG;
  out->label = fsm__scxml_text(element, "label");
  fsm__scxml_model model = r->model;
  if (model == FSM__MODEL_NULL) r->model = FSM__MODEL_CEL; /* what is logged decides nothing */
  fsm_code code = fsm__scxml_expr_value(r, element, "expr", &out->value);
  r->model = model;
  return code;
}

static fsm_code read_cancel(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  static const char *const either[] = {"sendid", "sendidexpr", NULL};
  out->kind = FSM_ACTION_CANCEL;
  out->id = fsm__scxml_text(element, "sendid");
  fsm_code code = fsm__scxml_one_of(r, element, true, either);
  return code ? code : fsm__scxml_expr_value(r, element, "sendidexpr", &out->id_expr);
}

static fsm_code read_assign(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  const fsm_def_value *inside = NULL;
  out->kind = FSM_ACTION_SET;
  fsm_code code = fsm__scxml_location(r, fsm__scxml_text(element, "location"),
                                      fsm__scxml_text_at(r, element, "location"), &out->location);
  if (!code) code = fsm__scxml_expr_value(r, element, "expr", &out->value);
  if (!code) code = fsm__scxml_inline(r, element, &inside);
  if (code) return code;
  if (out->value && inside)
    return fsm__scxml_invalid(r, out->where, "<assign> has both \"expr\" and something in it");
  if (!out->value) out->value = inside;
  return out->value ? FSM_OK
                    : fsm__scxml_invalid(r, out->where, "<assign> needs \"expr\" or something in it");
}

/* ---- those with content of their own ----------------------------------------------------------- */

static fsm_code read_variable(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                              const char **out) {
  const char *text = fsm__scxml_text(element, name);
  *out = text;
  if (text && (!fsm__scxml_is_name(text) || *text == '_') && !r->broken) {
    r->broken = fsm_arena_printf(r->arena, "%.160s is no variable that can be assigned to", text);
    if (!r->broken) return fsm__scxml_no_memory(r);
  }
  return FSM_OK;
}

static fsm_code read_foreach(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  fsm__scxml_actions inner = {0};
  out->kind = FSM_ACTION_FOREACH;
  if (r->model == FSM__MODEL_NULL)
    return fsm__scxml_unsupported(r, out->where, "the null data model has no <foreach>");
  fsm_code code = fsm__scxml_expr_value(r, element, "array", &out->value);
  if (!code) code = read_variable(r, element, "item", &out->location);
  if (!code) code = read_variable(r, element, "index", &out->index);
  if (!code) code = fsm__scxml_read_actions(r, element, &inner);
  out->actions = inner.items;
  out->action_count = inner.count;
  return code;
}

static fsm_code read_action(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out);

/* One partition of an <if>: what stands behind `*at` up to the next <elseif>, <else> or the end. */
static fsm_code read_branch(fsm__scxml *r, const fsm_xml_node *parent, const fsm_xml_node *opener,
                            const fsm_xml_node **at, fsm__scxml_actions *out) {
  fsm__scxml_actions inner = {0};
  const char *guard = NULL;
  fsm_code code = fsm__scxml_expr(r, opener, "cond", &guard);
  while (!code && (*at = fsm__scxml_next(parent, *at))) {
    if (fsm__scxml_is(*at, "elseif") || fsm__scxml_is(*at, "else")) break;
    code = read_action(r, *at, &inner);
  }
  if (code) return code;
  fsm_def_action *branch = FSM__SCXML_ADD(r, out);
  if (!branch) return fsm__scxml_no_memory(r);
  *branch = (fsm_def_action){.kind = FSM_ACTION_BRANCH,
                             .guard = guard,
                             .actions = inner.items,
                             .action_count = inner.count,
                             .where = fsm__scxml_at(r, opener)};
  return FSM_OK;
}

static fsm_code read_if(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out) {
  fsm__scxml_actions branches = {0};
  const fsm_xml_node *at = NULL;
  fsm_code code = read_branch(r, element, element, &at, &branches);
  while (!code && at) {
    const fsm_xml_node *opener = at;
    code = read_branch(r, element, opener, &at, &branches);
    if (!code && at && fsm__scxml_is(opener, "else"))
      code = fsm__scxml_invalid(r, fsm__scxml_at(r, at), "<%s> cannot stand behind <else>", at->name);
  }
  out->kind = FSM_ACTION_IF;
  out->actions = branches.items;
  out->action_count = branches.count;
  return code;
}

/* ---- scripts ----------------------------------------------------------------------------------- */

static fsm_code read_script(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out) {
  const char *text = NULL, *where = fsm__scxml_at(r, element);
  size_t len = 0;
  bool blank = !element->child || fsm_xml_is_blank(element->child->text, element->child->len);
  if (!fsm_xml_attribute_of(element, "src"))
    return blank ? FSM_OK : fsm__scxml_read_script(r, element->child->text, where, out);
  if (!blank) return fsm__scxml_invalid(r, where, "<script> has both \"src\" and something in it");
  fsm_code code = fsm__scxml_source_text(r, element, &text, &len);
  if (code || !text)
    return code ? code : fsm__scxml_refuse_broken(r, FSM_EDEFINITION, fsm__scxml_text_at(r, element, "src"));
  char *copy = fsm_arena_strndup(r->arena, text, len);
  return copy ? fsm__scxml_read_script(r, copy, where, out) : fsm__scxml_no_memory(r);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static const struct kind {
  const char *name;
  fsm_code (*read)(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out);
} kinds[] = {
    {"raise", read_raise},     {"log", read_log}, {"cancel", read_cancel},        {"assign", read_assign},
    {"foreach", read_foreach}, {"if", read_if},   {"send", fsm__scxml_read_send},
};

static fsm_code read_one(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out) {
  if (fsm__scxml_is(element, "script")) return read_script(r, element, out);
  fsm_def_action action = {.where = fsm__scxml_at(r, element)};
  size_t i = 0;
  while (strcmp(kinds[i].name, element->name) != 0) i++; /* the table of elements lets no other through */
  fsm_code code = kinds[i].read(r, element, &action);
  if (code) return code;
  fsm_def_action *item = FSM__SCXML_ADD(r, out);
  if (!item) return fsm__scxml_no_memory(r);
  *item = action;
  return FSM_OK;
}

static fsm_code read_action(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out) {
  const char *outer = r->broken, *where = fsm__scxml_at(r, element);
  size_t before = out->count;
  r->broken = NULL;
  fsm_code code = read_one(r, element, out);
  const char *broken = r->broken;
  r->broken = outer;
  if (code || !broken) return code;
  out->count = before; /* a script may have made several */
  fsm_def_action *item = FSM__SCXML_ADD(r, out);
  if (!item) return fsm__scxml_no_memory(r);
  *item = (fsm_def_action){.kind = FSM_ACTION_FAIL, .where = where};
  return fsm__scxml_literal(r, fsm_string(broken), where, &item->value);
}

fsm_code fsm__scxml_read_actions(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out) {
  const fsm_xml_node *child = NULL;
  fsm_code code = FSM_OK;
  while (!code && (child = fsm__scxml_next(element, child))) code = read_action(r, child, out);
  return code;
}

fsm_code fsm__scxml_read_global_script(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out) {
  return read_action(r, element, out);
}

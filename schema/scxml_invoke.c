/* scxml_invoke.c: <invoke> and <finalize> (6.4, 6.5). */
#include <string.h>

#include "schema/scxml_load.h"

/* Is it a machine in SCXML, as far as can be known now? */
static bool is_scxml_type(const fsm_xml_node *element) {
  static const char *const names[] = {"http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml", "scxml"};
  const char *type = fsm__scxml_text(element, "type");
  if (!type) return true; /* typeexpr: what stands inside says so itself */
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], type) == 0) return true;
  return false;
}

/* The one <scxml> inside <content>; NULL when there is something else. */
static const fsm_xml_node *machine_in(const fsm_xml_node *content) {
  const fsm_xml_node *found = NULL;
  for (const fsm_xml_node *child = content->child; child; child = child->next) {
    if (!child->name && fsm_xml_is_blank(child->text, child->len)) continue;
    if (found || !fsm__scxml_is(child, "scxml")) return NULL;
    found = child;
  }
  return found;
}

/* <content>: a machine, or a value that is one at run time. */
static fsm_code read_content(fsm__scxml *r, const fsm_xml_node *element, const fsm_xml_node *content,
                             fsm_def_invoke *out) {
  const fsm_xml_node *machine = is_scxml_type(element) ? machine_in(content) : NULL;
  const char *where = fsm__scxml_at(r, content);
  if (machine && fsm_xml_attribute_of(content, "expr"))
    return fsm__scxml_invalid(r, where, "<content> has both \"expr\" and something in it");
  if (machine) return fsm__scxml_read_machine(r->call, machine, &out->machine);
  fsm_code code = fsm__scxml_expr_later(r, content, "expr", &out->content);
  if (code || out->content) return code;
  code = fsm__scxml_inline(r, content, &out->content);
  if (code || out->content) return code;
  return fsm__scxml_invalid(r, where, "the <content> of <invoke> is empty");
}

/* What is invoked: src, srcexpr or content. */
static fsm_code read_what(fsm__scxml *r, const fsm_xml_node *element, fsm_def_invoke *out) {
  static const char *const either[] = {"src", "srcexpr", NULL};
  const fsm_xml_node *content = fsm__scxml_child(element, "content");
  out->src = fsm__scxml_text(element, "src");
  fsm_code code = fsm__scxml_one_of(r, element, !content, either);
  if (code) return code;
  if (content && (out->src || fsm_xml_attribute_of(element, "srcexpr")))
    return fsm__scxml_invalid(r, fsm__scxml_at(r, content), "<invoke> has both a source and <content>");
  if (content) return read_content(r, element, content, out);
  code = fsm__scxml_expr_later(r, element, "srcexpr", &out->src_expr);
  if (!code && out->src && is_scxml_type(element) && !fsm_xml_attribute_of(element, "typeexpr"))
    code = fsm__scxml_read_source(r, element, out->src, &out->machine);
  return code;
}

static fsm_code read_type(fsm__scxml *r, const fsm_xml_node *element, fsm_def_invoke *out) {
  static const char *const either[] = {"type", "typeexpr", NULL};
  const char *type = fsm__scxml_text(element, "type");
  fsm_code code = fsm__scxml_one_of(r, element, false, either);
  if (code) return code;
  if (!type) return fsm__scxml_expr_later(r, element, "typeexpr", &out->type);
  return fsm__scxml_literal(r, fsm_string(type), fsm__scxml_text_at(r, element, "type"), &out->type);
}

static fsm_code read_input(fsm__scxml *r, const fsm_xml_node *element, fsm_def_invoke *out) {
  const fsm_xml_node *param = fsm__scxml_child(element, "param");
  if (param && fsm_xml_attribute_of(element, "namelist"))
    return fsm__scxml_invalid(r, fsm__scxml_at(r, param), "<invoke> has both \"namelist\" and <param>");
  fsm_code code = fsm__scxml_params(r, element, &out->input);
  return code ? code : fsm__scxml_fail_later(r, out->where, &out->input);
}

/* ---- finalize ---------------------------------------------------------------------------------- */

/* if (has the answer a `name`) location = that */
static fsm_code add_copy(fsm__scxml *r, const char *name, const char *location, const char *where,
                         fsm__scxml_actions *out) {
  fsm_def_action *branch = fsm_arena_zalloc(r->arena, 1, sizeof *branch);
  fsm_def_action *set = fsm_arena_zalloc(r->arena, 1, sizeof *set);
  fsm_def_action *action = FSM__SCXML_ADD(r, out);
  if (!branch || !set || !action) return fsm__scxml_no_memory(r);
  bool plain = fsm__scxml_is_name(name);
  const char *guard =
      fsm_arena_printf(r->arena, plain ? "has(_event.data.%s)" : "\"%s\" in _event.data", name);
  const char *expr = fsm_arena_printf(r->arena, plain ? "_event.data.%s" : "_event.data[\"%s\"]", name);
  if (!guard || !expr) return fsm__scxml_no_memory(r);
  *set = (fsm_def_action){.kind = FSM_ACTION_SET, .location = location, .where = where};
  *branch = (fsm_def_action){
      .kind = FSM_ACTION_BRANCH, .guard = guard, .actions = set, .action_count = 1, .where = where};
  *action = (fsm_def_action){.kind = FSM_ACTION_IF, .actions = branch, .action_count = 1, .where = where};
  return fsm__scxml_expression(r, expr, where, &set->value);
}

/* 6.5: an empty <finalize> puts what came under the names of the parameters where they came from. */
static fsm_code add_copies(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out) {
  const char *namelist = fsm__scxml_text(element, "namelist"), *where = fsm__scxml_at(r, element);
  const char *const *names;
  size_t count = 0;
  fsm_code code = namelist ? fsm__scxml_words(r, namelist, &names, &count) : FSM_OK;
  for (size_t i = 0; i < count && !code; i++) code = add_copy(r, names[i], names[i], where, out);
  const fsm_xml_node *child = NULL;
  while (!code && (child = fsm__scxml_next(element, child)))
    if (fsm__scxml_is(child, "param") && fsm_xml_attribute_of(child, "location"))
      code = add_copy(r, fsm__scxml_text(child, "name"), fsm__scxml_text(child, "location"),
                      fsm__scxml_at(r, child), out);
  return code;
}

static fsm_code read_finalize(fsm__scxml *r, const fsm_xml_node *element, fsm_def_invoke *out) {
  const fsm_xml_node *finalize = fsm__scxml_child(element, "finalize");
  fsm__scxml_actions actions = {0};
  if (!finalize) return FSM_OK;
  bool is_empty = fsm__scxml_next(finalize, NULL) == NULL;
  fsm_code code =
      is_empty ? add_copies(r, element, &actions) : fsm__scxml_read_actions(r, finalize, &actions);
  out->finalize = actions.items;
  out->finalize_count = actions.count;
  return code;
}

/* ---- the whole --------------------------------------------------------------------------------- */

fsm_code fsm__scxml_read_invoke(fsm__scxml *r, const fsm_xml_node *element, fsm_def_invoke *out) {
  static const char *const either[] = {"id", "idlocation", NULL};
  static const char *const booleans[] = {"false", "true", NULL};
  const char *location = fsm__scxml_text(element, "idlocation");
  unsigned autoforward = 0;
  *out = (fsm_def_invoke){.where = fsm__scxml_at(r, element), .id = fsm__scxml_text(element, "id")};
  fsm_code code = fsm__scxml_one_of(r, element, false, either);
  if (!code && location)
    code = fsm__scxml_location(r, location, fsm__scxml_text_at(r, element, "idlocation"), &out->location);
  if (!code)
    code = fsm__scxml_refuse_broken(r, FSM_EEXPRESSION, fsm__scxml_text_at(r, element, "idlocation"));
  if (!code) code = fsm__scxml_word(r, element, "autoforward", booleans, &autoforward);
  if (!code) code = fsm__scxml_read_meta(r, element, &out->meta, &out->allow);
  if (!code) code = read_type(r, element, out);
  if (!code) code = read_what(r, element, out);
  if (!code) code = read_input(r, element, out);
  if (!code) code = read_finalize(r, element, out);
  out->autoforward = autoforward == 1;
  return code;
}

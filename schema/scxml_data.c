/* scxml_data.c: <datamodel> and <data> (5.2, 5.3). */
#include <stdlib.h>
#include <string.h>

#include "schema/scxml_load.h"

/* By id, and those alike in document order. */
static int order(const void *a, const void *b) {
  const fsm__scxml_id *x = a, *y = b;
  int way = strcmp(x->id, y->id);
  if (way) return way;
  if (x->element->line != y->element->line) return x->element->line < y->element->line ? -1 : 1;
  return (x->element->column > y->element->column) - (x->element->column < y->element->column);
}

static fsm_code check_id(fsm__scxml *r, const fsm_xml_node *element, const char *id) {
  const char *where = fsm__scxml_text_at(r, element, "id");
  if (!fsm__scxml_is_name(id))
    return fsm__scxml_invalid(r, where, "\"%.64s\" is no name of a variable: letters, digits and _", id);
  if (*id == '_')
    return fsm__scxml_invalid(r, where, "\"%.64s\" is no name of a variable: the system's begin with _", id);
  fsm__scxml_id *item = fsm__scxml_add(r, (void **)&r->data, &r->data_count, &r->data_cap, sizeof *r->data);
  if (!item) return fsm__scxml_no_memory(r);
  *item = (fsm__scxml_id){id, element};
  return FSM_OK;
}

fsm_code fsm__scxml_check_data(fsm__scxml *r) {
  if (r->data_count) qsort(r->data, r->data_count, sizeof *r->data, order);
  for (size_t i = 1; i < r->data_count; i++)
    if (strcmp(r->data[i - 1].id, r->data[i].id) == 0)
      return fsm__scxml_invalid(r, fsm__scxml_text_at(r, r->data[i].element, "id"),
                                "there are two variables \"%.64s\"", r->data[i].id);
  return FSM_OK;
}

/* 5.3: what cannot be fetched leaves the variable without a value, and is an error when it is set. */
static fsm_code read_source(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out) {
  const char *text, *where = fsm__scxml_text_at(r, element, "src");
  size_t len = 0;
  fsm_code code = fsm__scxml_source_text(r, element, &text, &len);
  if (code) return code;
  if (text) return fsm__scxml_inline_text(r, text, len, where, out);
  return fsm__scxml_fail_later(r, where, out);
}

static fsm_code read_data(fsm__scxml *r, const fsm_xml_node *element, fsm_def_data *out) {
  static const char *const either[] = {"expr", "src", NULL};
  const fsm_def_value *inside = NULL;
  *out = (fsm_def_data){.id = fsm__scxml_text(element, "id"), .where = fsm__scxml_at(r, element)};
  fsm_code code = check_id(r, element, out->id);
  if (!code) code = fsm__scxml_one_of(r, element, false, either);
  if (!code) code = fsm__scxml_inline(r, element, &inside);
  if (code) return code;
  bool has_source = fsm_xml_attribute_of(element, "src") != NULL;
  if (inside && (has_source || fsm_xml_attribute_of(element, "expr")))
    return fsm__scxml_invalid(r, out->where, "<data> has both \"%s\" and something in it",
                              has_source ? "src" : "expr");
  out->value = inside;
  if (has_source) return read_source(r, element, &out->value);
  return inside ? FSM_OK : fsm__scxml_expr_whole(r, element, "expr", &out->value);
}

fsm_code fsm__scxml_read_data(fsm__scxml *r, const fsm_xml_node *state, fsm_def_state *out) {
  const fsm_xml_node *model = fsm__scxml_child(state, "datamodel"), *child = NULL;
  fsm_def_data *items = NULL;
  size_t count = 0, cap = 0;
  if (!model) return FSM_OK;
  while ((child = fsm__scxml_next(model, child))) {
    if (r->model == FSM__MODEL_NULL)
      return fsm__scxml_unsupported(r, fsm__scxml_at(r, child), "the null data model has no <data>");
    fsm_def_data *item = fsm__scxml_add(r, (void **)&items, &count, &cap, sizeof *items);
    fsm_code code = item ? read_data(r, child, item) : fsm__scxml_no_memory(r);
    if (code) return code;
  }
  out->data = items;
  out->data_count = count;
  return FSM_OK;
}

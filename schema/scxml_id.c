/* scxml_id.c: states by their ids, and lists of ids as targets.
 *
 * The Recommendation wants an id for each state that has none, made by the processor (3.14): "_s<n>",
 * n counting in document order, and one more than taken when a document uses such a name itself.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/definition_load.h"
#include "schema/scxml_load.h"

/* ---- the index --------------------------------------------------------------------------------- */

static int order_by_id(const void *a, const void *b) {
  return strcmp((*(const fsm__scxml_id *const *)a)->id, (*(const fsm__scxml_id *const *)b)->id);
}

static int order_by_element(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)(*(const fsm__scxml_id *const *)a)->element;
  uintptr_t y = (uintptr_t)(*(const fsm__scxml_id *const *)b)->element;
  return (x > y) - (x < y);
}

static fsm_code check_id(fsm__scxml *r, const fsm_xml_node *state, const char *id) {
  const char *where = fsm__scxml_text_at(r, state, "id");
  if (!*id || id[strcspn(id, " \t\r\n")]) return fsm__scxml_invalid(r, where, "\"%.64s\" is no id", id);
  if (strlen(id) > FSM_STATE_PATH_MAX)
    return fsm_fail(r->call->err, FSM_ETOOLARGE, where, "an id is longer than %d bytes", FSM_STATE_PATH_MAX);
  return FSM_OK;
}

static fsm_code collect(fsm__scxml *r, const fsm_xml_node *element) {
  for (const fsm_xml_node *child = fsm__scxml_next(element, NULL); child;
       child = fsm__scxml_next(element, child)) {
    if (!fsm__scxml_is_state(child)) continue;
    const char *id = fsm__scxml_text(child, "id");
    fsm_code code = id ? check_id(r, child, id) : FSM_OK;
    if (code) return code;
    fsm__scxml_id *item = fsm__scxml_add(r, (void **)&r->ids, &r->id_count, &r->id_cap, sizeof *r->ids);
    if (!item) return fsm__scxml_no_memory(r);
    *item = (fsm__scxml_id){id, child};
    code = collect(r, child);
    if (code) return code;
  }
  return FSM_OK;
}

/* Does any state that has an id of its own begin it like this? */
static bool is_taken(const fsm__scxml *r, const char *prefix) {
  size_t len = strlen(prefix);
  for (size_t i = 0; i < r->id_count; i++)
    if (r->ids[i].id && strncmp(r->ids[i].id, prefix, len) == 0) return true;
  return false;
}

static fsm_code make_ids(fsm__scxml *r) {
  char prefix[64] = "_s";
  for (size_t len = 2; len + 1 < sizeof prefix && is_taken(r, prefix);) prefix[len++] = '_', prefix[len] = 0;
  for (size_t i = 0; i < r->id_count; i++) {
    if (r->ids[i].id) continue;
    r->ids[i].id = fsm_arena_printf(r->arena, "%s%zu", prefix, i + 1);
    if (!r->ids[i].id) return fsm__scxml_no_memory(r);
  }
  return FSM_OK;
}

static fsm_code sort_ids(fsm__scxml *r) {
  r->by_id = fsm_arena_zalloc(r->arena, r->id_count + 1, sizeof *r->by_id);
  r->by_element = fsm_arena_zalloc(r->arena, r->id_count + 1, sizeof *r->by_element);
  if (!r->by_id || !r->by_element) return fsm__scxml_no_memory(r);
  for (size_t i = 0; i < r->id_count; i++) r->by_id[i] = r->by_element[i] = &r->ids[i];
  qsort(r->by_id, r->id_count, sizeof *r->by_id, order_by_id);
  qsort(r->by_element, r->id_count, sizeof *r->by_element, order_by_element);
  for (size_t i = 1; i < r->id_count; i++) {
    if (strcmp(r->by_id[i - 1]->id, r->by_id[i]->id) != 0) continue;
    const fsm_xml_node *a = r->by_id[i - 1]->element, *b = r->by_id[i]->element;
    const fsm_xml_node *later = r->by_id[i - 1] > r->by_id[i] ? a : b;
    return fsm__scxml_invalid(r, fsm__scxml_text_at(r, later, "id"), "there are two states \"%.64s\"",
                              r->by_id[i]->id);
  }
  return FSM_OK;
}

fsm_code fsm__scxml_index(fsm__scxml *r, const fsm_xml_node *root) {
  fsm_code code = collect(r, root);
  if (!code && r->id_count >= FSM_STATES_MAX)
    code = fsm_fail(r->call->err, FSM_ETOOLARGE, fsm__scxml_at(r, root), "there are more than %d states",
                    FSM_STATES_MAX);
  if (!code) code = make_ids(r);
  return code ? code : sort_ids(r);
}

const char *fsm__scxml_id_of(const fsm__scxml *r, const fsm_xml_node *state) {
  fsm__scxml_id key = {.element = state};
  const fsm__scxml_id *wanted = &key;
  const fsm__scxml_id **found =
      bsearch(&wanted, r->by_element, r->id_count, sizeof *r->by_element, order_by_element);
  FSM_ASSERT(found);
  return (*found)->id;
}

const fsm_xml_node *fsm__scxml_state_of(const fsm__scxml *r, const char *id) {
  fsm__scxml_id key = {.id = id};
  const fsm__scxml_id *wanted = &key;
  const fsm__scxml_id **found = bsearch(&wanted, r->by_id, r->id_count, sizeof *r->by_id, order_by_id);
  return found ? (*found)->element : NULL;
}

/* ---- targets ----------------------------------------------------------------------------------- */

static bool is_below(const fsm_xml_node *node, const fsm_xml_node *ancestor) {
  for (node = node->parent; node; node = node->parent)
    if (node == ancestor) return true;
  return false;
}

/* Could both be active at once: different regions of a parallel state? */
static bool are_orthogonal(const fsm_xml_node *a, const fsm_xml_node *b) {
  if (a == b || is_below(a, b) || is_below(b, a)) return false;
  const fsm_xml_node *common = a->parent;
  while (!is_below(b, common)) common = common->parent;
  return fsm__scxml_is(common, "parallel");
}

static fsm_code no_such_state(fsm__scxml *r, const char *where, const char *id) {
  fsm__closest closest = {.name = id};
  char hint[96];
  for (size_t i = 0; i < r->id_count; i++) fsm__closest_try(&closest, r->ids[i].id);
  return fsm__scxml_invalid(r, where, "there is no state \"%.64s\"%s", id,
                            fsm__closest_text(&closest, hint, sizeof hint));
}

fsm_code fsm__scxml_targets(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                            const fsm_xml_node *within, const char *const **out, size_t *count) {
  enum { TARGETS_MAX = 256 };
  const fsm_xml_node *states[TARGETS_MAX];
  const char *where = fsm__scxml_text_at(r, element, name);
  fsm_code code = fsm__scxml_words(r, fsm__scxml_text(element, name), out, count);
  if (code) return code;
  if (*count == 0) return fsm__scxml_invalid(r, where, "\"%s\" names no state", name);
  if (*count > TARGETS_MAX)
    return fsm_fail(r->call->err, FSM_ETOOLARGE, where, "\"%s\" names more than %d states", name,
                    TARGETS_MAX);
  for (size_t i = 0; i < *count; i++) {
    states[i] = fsm__scxml_state_of(r, (*out)[i]);
    if (!states[i]) return no_such_state(r, where, (*out)[i]);
    if (within && !is_below(states[i], within) &&
        !(states[i] == within && fsm__scxml_is(element->parent, "history")))
      return fsm__scxml_invalid(r, where, "\"%.64s\" does not lie in the state that begins with it",
                                (*out)[i]);
    for (size_t j = 0; j < i; j++)
      if (!are_orthogonal(states[j], states[i]))
        return fsm__scxml_invalid(r, where, "\"%.64s\" and \"%.64s\" cannot be active at once", (*out)[j],
                                  (*out)[i]);
  }
  return FSM_OK;
}

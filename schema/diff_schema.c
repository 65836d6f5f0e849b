/* diff_schema.c: what has changed in the schemas: fields, their types, what is required, what is allowed. */
#include <string.h>

#include "schema/diff_impl.h"

static const fsm_value *member(const fsm_value *map, const char *key) {
  return map == NULL || map->type != FSM_MAP ? NULL : fsm_doc_get(map, key);
}

static bool lists(const fsm_value *list, const char *name) {
  for (uint32_t i = 0; list != NULL && list->type == FSM_LIST && i < list->len; i++)
    if (fsm_is_text(&list->items[i], name)) return true;
  return false;
}

static bool has_value(const fsm_value *list, const fsm_value *value) {
  for (uint32_t i = 0; i < list->len; i++)
    if (fsm_value_same(&list->items[i], value)) return true;
  return false;
}

static bool same(const fsm_value *a, const fsm_value *b) {
  return a == NULL || b == NULL ? a == b : fsm_value_same(a, b);
}

/* comes_in: people send it (input, events), so that what is asked of it matters to them. */
static void compare(fsm__differ *d, const char *name, const fsm_value *a, const fsm_value *b, bool comes_in);

static void compare_rules(fsm__differ *d, const char *name, const fsm_value *a, const fsm_value *b,
                          bool comes_in) {
  static const char *const rules[] = {
      "const",     "minimum",   "maximum",  "exclusiveMinimum", "exclusiveMaximum",
      "minLength", "maxLength", "minItems", "maxItems"};
  const fsm_impact impact = comes_in ? FSM_IMPACT_BREAKING : FSM_IMPACT_COMPATIBLE;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    const fsm_value *before = member(a, rules[i]), *after = member(b, rules[i]);
    if (same(before, after)) continue;
    fsm__change(d, after == NULL ? FSM_IMPACT_COMPATIBLE : impact, "field-limit", name, "%s is %s", rules[i],
                after == NULL    ? "gone"
                : before == NULL ? "new"
                                 : "another");
  }
  const fsm_value *before = member(a, "enum"), *after = member(b, "enum");
  bool fewer = before == NULL && after != NULL;
  for (uint32_t i = 0; before != NULL && after != NULL && before->type == FSM_LIST && i < before->len; i++)
    fewer |= !has_value(after, &before->items[i]);
  if (!same(before, after))
    fsm__change(d, fewer ? FSM_IMPACT_BREAKING : FSM_IMPACT_COMPATIBLE, "field-choices", name,
                fewer ? "a value is allowed no more" : "more values are allowed");
  const fsm_value *closed = member(b, "additionalProperties"), *open = member(a, "additionalProperties");
  if (!same(open, closed))
    fsm__change(d, closed != NULL && closed->type == FSM_BOOL && !closed->b ? impact : FSM_IMPACT_COMPATIBLE,
                "field-others", name, "what other fields may be there is not as before");
}

static void compare_marks(fsm__differ *d, const char *name, const fsm_value *a, const fsm_value *b) {
  if (!same(member(a, "title"), member(b, "title")) || !same(member(a, "x-title"), member(b, "x-title")))
    fsm__change(d, FSM_IMPACT_INTERNAL, "label-changed", name, "people read another label");
  const fsm_value *pii = member(b, "x-pii");
  if (!same(member(a, "x-pii"), pii))
    fsm__change(
        d, pii != NULL && pii->type == FSM_BOOL && pii->b ? FSM_IMPACT_BREAKING : FSM_IMPACT_COMPATIBLE,
        "field-masked", name, "x-pii is another: it is shown %s",
        pii != NULL && pii->type == FSM_BOOL && pii->b ? "masked from now on" : "as it is from now on");
}

static void compare_fields(fsm__differ *d, const char *name, const fsm_value *a, const fsm_value *b,
                           bool comes_in) {
  const fsm_value *before = member(a, "properties"), *after = member(b, "properties");
  const fsm_value *had = member(a, "required"), *has = member(b, "required");
  for (uint32_t i = 0; before != NULL && before->type == FSM_MAP && i < before->len; i++) {
    const char *key = before->pairs[i].key.s, *path = fsm__diff_text(d, "%.300s.%.100s", name, key);
    const fsm_value *now = member(after, key);
    if (now == NULL) {
      fsm__change(d, FSM_IMPACT_BREAKING, "field-removed", path, "the field is gone");
      continue;
    }
    compare(d, path, &before->pairs[i].value, now, comes_in);
    if (lists(had, key) == lists(has, key)) continue;
    fsm__change(d, lists(has, key) == comes_in ? FSM_IMPACT_BREAKING : FSM_IMPACT_COMPATIBLE,
                lists(has, key) ? "field-required" : "field-optional", path,
                lists(has, key) ? "the field must be there now" : "the field may be missing now");
  }
  for (uint32_t i = 0; after != NULL && after->type == FSM_MAP && i < after->len; i++) {
    const char *key = after->pairs[i].key.s;
    if (member(before, key) != NULL) continue;
    fsm__change(d, comes_in && lists(has, key) ? FSM_IMPACT_BREAKING : FSM_IMPACT_COMPATIBLE, "field-added",
                fsm__diff_text(d, "%.300s.%.100s", name, key),
                lists(has, key) ? "a new field, which must be there" : "a new field");
  }
}

static void compare(fsm__differ *d, const char *name, const fsm_value *a, const fsm_value *b, bool comes_in) {
  if (!same(member(a, "type"), member(b, "type")))
    fsm__change(d, FSM_IMPACT_BREAKING, "field-type", name, "the type is another");
  compare_fields(d, name, a, b, comes_in);
  compare_rules(d, name, a, b, comes_in);
  compare_marks(d, name, a, b);
  const fsm_value *before = member(a, "items"), *after = member(b, "items");
  if (before != NULL && after != NULL)
    compare(d, fsm__diff_text(d, "%.300s[]", name), before, after, comes_in);
}

static const fsm_value *schema(const fsm__differ *d, int side, const char *name) {
  return member(member(&d->documents[side], "schemas"), name);
}

void fsm__diff_schemas(fsm__differ *d) {
  static const fsm_value empty = {.type = FSM_MAP};
  static const char *const names[] = {"context", "input"};
  for (int i = 0; i < 2; i++) {
    const fsm_value *a = schema(d, 0, names[i]), *b = schema(d, 1, names[i]);
    if (a != NULL || b != NULL) compare(d, names[i], a == NULL ? &empty : a, b == NULL ? &empty : b, i == 1);
  }
  const fsm_value *before = schema(d, 0, "events"), *after = schema(d, 1, "events");
  for (uint32_t i = 0; before != NULL && before->type == FSM_MAP && i < before->len; i++) {
    const char *name = before->pairs[i].key.s;
    const fsm_value *now = member(after, name);
    if (now != NULL) compare(d, fsm__diff_text(d, "events.%.128s", name), &before->pairs[i].value, now, true);
  }
  for (uint32_t i = 0; after != NULL && after->type == FSM_MAP && i < after->len; i++) {
    const char *name = after->pairs[i].key.s;
    if (member(before, name) == NULL && fsm_machine_knows_event(d->a->machine, name))
      compare(d, fsm__diff_text(d, "events.%.128s", name), &empty, &after->pairs[i].value, true);
  }
}

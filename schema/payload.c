/* payload.c: data against a schema.
 *
 * The schema was checked at load (payload_schema.c), so its keywords have the types they must have. The
 * first mismatch is told, by the JSON pointer of the data at fault. Numbers compare by value (1 equals
 * 1.0); lengths are code points. Data from JSON is at most 64 levels deep, which bounds the recursion.
 */
#include "schema/payload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "schema/json.h"
#include "schema/pointer.h"
#include "schema/utf8.h"

typedef struct checker {
  fsm__pointer at;
  fsm_error *err;
} checker;

static fsm_code mismatch(const checker *c, const char *format, ...) FSM_PRINTF(2, 3);
static fsm_code mismatch(const checker *c, const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fsm_fail(c->err, FSM_EDATA, c->at.text, "%s", text);
}

/* ---- numbers and equality ---------------------------------------------------------------------- */

static bool is_number(const fsm_value *v) {
  return v->type == FSM_INT || v->type == FSM_UINT || v->type == FSM_DOUBLE;
}

/* Exact between whole numbers; with a double as doubles. */
static int compare_numbers(const fsm_value *a, const fsm_value *b) {
  if (a->type == FSM_DOUBLE || b->type == FSM_DOUBLE) {
    double x = a->type == FSM_DOUBLE ? a->d : a->type == FSM_INT ? (double)a->i : (double)a->u;
    double y = b->type == FSM_DOUBLE ? b->d : b->type == FSM_INT ? (double)b->i : (double)b->u;
    return (x > y) - (x < y);
  }
  bool a_negative = a->type == FSM_INT && a->i < 0, b_negative = b->type == FSM_INT && b->i < 0;
  if (a_negative != b_negative) return b_negative - a_negative;
  return (a->u > b->u) - (a->u < b->u); /* of one sign, the bits are in order */
}

static bool same_json(const fsm_value *a, const fsm_value *b) {
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
  if (a->type != b->type || a->len != b->len) return false;
  if (a->type == FSM_LIST) {
    for (uint32_t i = 0; i < a->len; i++)
      if (!same_json(&a->items[i], &b->items[i])) return false;
    return true;
  }
  if (a->type != FSM_MAP) return fsm_value_same(a, b);
  for (uint32_t i = 0; i < a->len; i++) { /* a is the schema's, in any order; b is sorted */
    const fsm_value *other = fsm_map_find(b, &a->pairs[i].key);
    if (!other || !same_json(&a->pairs[i].value, other)) return false;
  }
  return true;
}

/* ---- type -------------------------------------------------------------------------------------- */

static bool is_whole(const fsm_value *v) {
  return v->type == FSM_INT || v->type == FSM_UINT || (v->type == FSM_DOUBLE && trunc(v->d) == v->d);
}

static bool has_type(const fsm_value *v, const fsm_value *name) {
  if (fsm_is_text(name, "integer")) return is_whole(v);
  if (fsm_is_text(name, "number")) return is_number(v);
  if (fsm_is_text(name, "string")) return v->type == FSM_STRING;
  if (fsm_is_text(name, "boolean")) return v->type == FSM_BOOL;
  if (fsm_is_text(name, "object")) return v->type == FSM_MAP;
  if (fsm_is_text(name, "array")) return v->type == FSM_LIST;
  return v->type == FSM_NULL;
}

static const char *json_type(const fsm_value *v) {
  switch (v->type) {
    case FSM_MAP: return "object";
    case FSM_LIST: return "array";
    case FSM_BOOL: return "boolean";
    case FSM_INT:
    case FSM_UINT: return "integer";
    case FSM_DOUBLE: return "number";
    default: return fsm_type_name((fsm_type)v->type);
  }
}

static fsm_code wrong(const checker *c, const char *says, const fsm_value *expected, const fsm_value *found) {
  fsm_buf text = {0};
  fsm_json_write(&text, expected);
  fsm_code code = mismatch(c, "%s %.200s, found %s", says, fsm_buf_text(&text), json_type(found));
  fsm_buf_free(&text);
  return code;
}

static fsm_code check_type(const checker *c, const fsm_value *type, const fsm_value *value) {
  bool ok = type->type == FSM_STRING && has_type(value, type);
  for (uint32_t i = 0; type->type == FSM_LIST && i < type->len && !ok; i++)
    ok = has_type(value, &type->items[i]);
  if (ok) return FSM_OK;
  if (type->type == FSM_STRING)
    return mismatch(c, "expected %.*s, found %s", (int)type->len, type->s, json_type(value));
  return wrong(c, "expected one of", type, value);
}

/* ---- the other keywords ------------------------------------------------------------------------ */

static fsm_code check_enum(const checker *c, const fsm_value *allowed, const fsm_value *value) {
  for (uint32_t i = 0; i < allowed->len; i++)
    if (same_json(&allowed->items[i], value)) return FSM_OK;
  return wrong(c, "expected one of", allowed, value);
}

static fsm_code check_number(const checker *c, const fsm_value *schema, const fsm_value *value) {
  static const struct {
    const char *keyword, *says;
    int sign;    /* of the comparison that is wrong */
    bool strict; /* equality is wrong too */
  } bounds[] = {{"minimum", "at least", -1, false},
                {"maximum", "at most", 1, false},
                {"exclusiveMinimum", "more than", -1, true},
                {"exclusiveMaximum", "less than", 1, true}};
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    const fsm_value *bound = fsm_doc_get(schema, bounds[i].keyword);
    int order = bound ? compare_numbers(value, bound) : 0;
    if (!bound || (order != bounds[i].sign && !(order == 0 && bounds[i].strict))) continue;
    fsm_buf text = {0}, found = {0};
    fsm_json_write(&text, bound);
    fsm_json_write(&found, value);
    fsm_code code =
        mismatch(c, "expected %s %s, found %s", bounds[i].says, fsm_buf_text(&text), fsm_buf_text(&found));
    fsm_buf_free(&text);
    fsm_buf_free(&found);
    return code;
  }
  return FSM_OK;
}

/* Of a schema that was checked: a whole number from 0. */
static uint64_t count_of(const fsm_value *v) {
  return v->type == FSM_DOUBLE ? (uint64_t)v->d : (uint64_t)v->i;
}

static fsm_code check_size(const checker *c, const fsm_value *schema, size_t size, const char *least,
                           const char *most, const char *unit) {
  const fsm_value *min = fsm_doc_get(schema, least), *max = fsm_doc_get(schema, most);
  if (min && size < count_of(min))
    return mismatch(c, "expected at least %llu %s, found %zu", (unsigned long long)count_of(min), unit, size);
  if (max && size > count_of(max))
    return mismatch(c, "expected at most %llu %s, found %zu", (unsigned long long)count_of(max), unit, size);
  return FSM_OK;
}

static fsm_code check(checker *c, const fsm_value *schema, const fsm_value *value);

static fsm_code check_items(checker *c, const fsm_value *schema, const fsm_value *list) {
  fsm_code code = check_size(c, schema, list->len, "minItems", "maxItems", "items");
  const fsm_value *items = fsm_doc_get(schema, "items");
  for (uint32_t i = 0; items && i < list->len && !code; i++) {
    size_t mark = fsm__pointer_index(&c->at, i);
    code = check(c, items, &list->items[i]);
    fsm__pointer_back(&c->at, mark);
  }
  return code;
}

static fsm_code check_required(checker *c, const fsm_value *schema, const fsm_value *map) {
  const fsm_value *required = fsm_doc_get(schema, "required");
  for (uint32_t i = 0; required && i < required->len; i++) {
    const fsm_value *name = &required->items[i];
    if (!fsm_map_find(map, name))
      return mismatch(c, "\"%.*s\" is required and missing", (int)name->len, name->s);
  }
  return FSM_OK;
}

static fsm_code check_member(checker *c, const fsm_value *schema, const fsm_pair *member) {
  const fsm_value *properties = fsm_doc_get(schema, "properties"), *of_member = NULL;
  for (uint32_t i = 0; properties && i < properties->len && !of_member; i++)
    if (fsm_value_same(&properties->pairs[i].key, &member->key)) of_member = &properties->pairs[i].value;
  const fsm_value *others = fsm_doc_get(schema, "additionalProperties");
  if (!of_member && others && others->type == FSM_BOOL && !others->b)
    return mismatch(c, "this member is not one of those the schema names");
  if (!of_member) of_member = others;
  return of_member ? check(c, of_member, &member->value) : FSM_OK;
}

static fsm_code check_members(checker *c, const fsm_value *schema, const fsm_value *map) {
  fsm_code code = check_required(c, schema, map);
  for (uint32_t i = 0; i < map->len && !code; i++) {
    const fsm_pair *member = &map->pairs[i];
    if (member->key.type != FSM_STRING) return mismatch(c, "a member's name is not a string");
    size_t mark = fsm__pointer_key(&c->at, member->key.s, member->key.len);
    code = check_member(c, schema, member);
    fsm__pointer_back(&c->at, mark);
  }
  return code;
}

static fsm_code check(checker *c, const fsm_value *schema, const fsm_value *value) {
  if (schema->type == FSM_BOOL) return schema->b ? FSM_OK : mismatch(c, "nothing is allowed here");
  const fsm_value *type = fsm_doc_get(schema, "type"), *allowed = fsm_doc_get(schema, "enum");
  const fsm_value *constant = fsm_doc_get(schema, "const");
  fsm_code code = type ? check_type(c, type, value) : FSM_OK;
  if (!code && allowed) code = check_enum(c, allowed, value);
  if (!code && constant && !same_json(constant, value)) code = wrong(c, "expected", constant, value);
  if (code) return code;
  if (is_number(value)) return check_number(c, schema, value);
  if (value->type == FSM_STRING)
    return check_size(c, schema, fsm__utf8_count(value->s, value->len), "minLength", "maxLength",
                      "characters");
  if (value->type == FSM_LIST) return check_items(c, schema, value);
  return value->type == FSM_MAP ? check_members(c, schema, value) : FSM_OK;
}

fsm_code fsm_payload_check(const fsm_value *schema, const fsm_value *value, fsm_error *err) {
  FSM_ASSERT(schema && value);
  checker c = {.err = err};
  return check(&c, schema, value);
}

/* payload_schema.c: is a schema one that fsm_payload_check understands? A keyword that would not be
 * enforced is refused by name: silence would look like a check.
 */
#include <stdio.h>
#include <string.h>

#include "schema/payload.h"
#include "schema/pointer.h"

typedef struct checker {
  fsm__pointer at;
  fsm_error *err;
} checker;

static fsm_code invalid(const checker *c, const char *text) {
  return fsm_fail(c->err, FSM_EDEFINITION, c->at.text, "%s", text);
}

static fsm_code check(checker *c, const fsm_value *schema);

/* ---- keywords ---------------------------------------------------------------------------------- */

static bool is_type_name(const fsm_value *v) {
  static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (fsm_is_text(v, names[i])) return true;
  return false;
}

static fsm_code check_type(checker *c, const fsm_value *v) {
  if (is_type_name(v)) return FSM_OK;
  bool ok = v->type == FSM_LIST && v->len > 0;
  for (uint32_t i = 0; ok && i < v->len; i++) ok = is_type_name(&v->items[i]);
  return ok ? FSM_OK
            : invalid(c,
                      "\"type\" must be null, boolean, integer, number, string, array, object or a list of "
                      "these");
}

static fsm_code check_properties(checker *c, const fsm_value *v) {
  if (v->type != FSM_MAP) return invalid(c, "\"properties\" must be an object");
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < v->len && !code; i++) {
    size_t mark = fsm__pointer_key(&c->at, v->pairs[i].key.s, v->pairs[i].key.len);
    code = check(c, &v->pairs[i].value);
    fsm__pointer_back(&c->at, mark);
  }
  return code;
}

static fsm_code check_required(checker *c, const fsm_value *v) {
  bool ok = v->type == FSM_LIST;
  for (uint32_t i = 0; ok && i < v->len; i++) ok = v->items[i].type == FSM_STRING;
  return ok ? FSM_OK : invalid(c, "\"required\" must be a list of names");
}

static fsm_code check_list(checker *c, const fsm_value *v) {
  return v->type == FSM_LIST && v->len ? FSM_OK : invalid(c, "\"enum\" must be a list with something in it");
}

static fsm_code check_number(checker *c, const fsm_value *v) {
  bool ok = v->type == FSM_INT || v->type == FSM_UINT || v->type == FSM_DOUBLE;
  return ok ? FSM_OK : invalid(c, "a bound must be a number");
}

/* 5.0 is a whole number in JSON Schema. */
static fsm_code check_count(checker *c, const fsm_value *v) {
  const bool whole = v->type == FSM_INT ? v->i >= 0
                                        : v->type == FSM_DOUBLE && v->d >= 0 && v->d <= 0x1p53 &&
                                              v->d == (double)(int64_t)v->d;
  return whole ? FSM_OK : invalid(c, "a length must be a whole number from 0");
}

/* What is masked must not hang on how a word is read. */
static fsm_code check_mark(checker *c, const fsm_value *v) {
  return v->type == FSM_BOOL ? FSM_OK : invalid(c, "\"x-pii\" must be true or false");
}

static fsm_code check_any(checker *c, const fsm_value *v) {
  (void)c, (void)v;
  return FSM_OK;
}

static const struct {
  const char *name;
  fsm_code (*check)(checker *c, const fsm_value *v);
} keywords[] = {
    {"type", check_type},
    {"properties", check_properties},
    {"required", check_required},
    {"additionalProperties", check},
    {"items", check},
    {"enum", check_list},
    {"const", check_any},
    {"minimum", check_number},
    {"maximum", check_number},
    {"exclusiveMinimum", check_number},
    {"exclusiveMaximum", check_number},
    {"minLength", check_count},
    {"maxLength", check_count},
    {"minItems", check_count},
    {"maxItems", check_count},
    {"x-pii", check_mark},
    /* notes */
    {"title", check_any},
    {"description", check_any},
    {"default", check_any},
    {"examples", check_any},
    {"format", check_any},
    {"$schema", check_any},
    {"$id", check_any},
};

static fsm_code check_keyword(checker *c, const fsm_pair *pair) {
  const fsm_value *key = &pair->key;
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
    if (fsm_is_text(key, keywords[i].name)) return keywords[i].check(c, &pair->value);
  if (key->len > 2 && memcmp(key->s, "x-", 2) == 0) return FSM_OK;
  return fsm_fail(c->err, FSM_EUNSUPPORTED, c->at.text, "the JSON Schema keyword \"%.*s\" is not supported",
                  (int)(key->len < 64 ? key->len : 64), key->s);
}

static fsm_code check(checker *c, const fsm_value *schema) {
  if (schema->type == FSM_BOOL) return FSM_OK;
  if (schema->type != FSM_MAP) return invalid(c, "a schema must be an object, true or false");
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < schema->len && !code; i++) {
    const fsm_value *key = &schema->pairs[i].key;
    if (key->type != FSM_STRING) return invalid(c, "a keyword must be a string");
    size_t mark = fsm__pointer_key(&c->at, key->s, key->len);
    code = check_keyword(c, &schema->pairs[i]);
    fsm__pointer_back(&c->at, mark);
  }
  return code;
}

fsm_code fsm_payload_schema_check(const fsm_value *schema, const char *where, fsm_error *err) {
  FSM_ASSERT(schema && where);
  checker c = {.err = err};
  fsm__pointer_set(&c.at, where);
  return check(&c, schema);
}

/* lint_name.c: names that nothing uses (L018), labels that are missing (L011), personal data under another
 * name (L019). */
#include <string.h>

#include "schema/json.h"
#include "schema/lint_impl.h"
#include "schema/mask.h"

/* ---- unused ---------------------------------------------------------------------------------------- */

/* Does the text stand anywhere but in what it names? As a value, or, for delays, as a key. */
static bool is_used(const fsm_value *value, const fsm_value *except, const fsm_value *name, bool keys) {
  if (value == except) return false;
  if (value->type == FSM_STRING) return value->len == name->len && memcmp(value->s, name->s, name->len) == 0;
  if (value->type == FSM_LIST)
    for (uint32_t i = 0; i < value->len; i++)
      if (is_used(&value->items[i], except, name, keys)) return true;
  if (value->type == FSM_MAP)
    for (uint32_t i = 0; i < value->len; i++) {
      const fsm_pair *pair = &value->pairs[i];
      if (keys && fsm_value_same(&pair->key, name) && &pair->value != except) return true;
      if (is_used(&pair->value, except, name, keys)) return true;
    }
  return false;
}

static void look_at_named(fsm__linter *l, const char *group, const char *what) {
  const fsm_value *named = fsm_doc_get(&l->document, group);
  for (uint32_t i = 0; named != NULL && named->type == FSM_MAP && i < named->len; i++) {
    const fsm_pair *pair = &named->pairs[i];
    if (is_used(&l->document, &pair->value, &pair->key, strcmp(group, "delays") == 0)) continue;
    fsm__lint_add(l, FSM__L018, FSM__OF_STATE(0), fsm__lint_text(l, "/%s/%s", group, pair->key.s),
                  "nothing uses the %s \"%.100s\"", what, pair->key.s);
  }
}

void fsm__lint_names(fsm__linter *l) {
  if (l->document.type != FSM_MAP) return;
  look_at_named(l, "guards", "guard");
  look_at_named(l, "actions", "action");
  look_at_named(l, "delays", "delay");
}

/* ---- labels ---------------------------------------------------------------------------------------- */

static void look_at_schema(fsm__linter *l, const fsm_value *schema, const char *where, const char *what) {
  if (schema == NULL || schema->type != FSM_MAP) return;
  const fsm_value *properties = fsm_doc_get(schema, "properties");
  for (uint32_t i = 0; properties != NULL && properties->type == FSM_MAP && i < properties->len; i++) {
    const fsm_pair *pair = &properties->pairs[i];
    if (pair->value.type != FSM_MAP || fsm_doc_get(&pair->value, "title") != NULL) continue;
    fsm__lint_add(l, FSM__L011, FSM__OF_STATE(0), fsm__lint_text(l, "%s/properties/%s", where, pair->key.s),
                  "the field \"%.100s\" of %s has no title", pair->key.s, what);
  }
}

static bool is_choice(const fsm__linter *l, unsigned state) {
  for (size_t i = 0; i < l->states[state]->transition_count; i++)
    if (l->states[state]->transitions[i].event_count > 0) return false;
  return l->states[state]->transition_count > 0 && l->states[state]->child_count == 0;
}

void fsm__lint_labels(fsm__linter *l) {
  for (unsigned i = 0; i < l->state_count; i++) {
    if (fsm_state_kind(l->machine, i) == FSM_HISTORY || is_choice(l, i)) continue;
    const char *text = fsm_state_description(l->machine, i);
    if (text == NULL || *text == 0)
      fsm__lint_add(l, FSM__L011, FSM__OF_STATE(i), NULL, "%s has no description", fsm__lint_state(l, i));
  }
  look_at_schema(l, fsm__lint_schema(l, "context"), "/schemas/context", "the context");
  look_at_schema(l, fsm__lint_schema(l, "input"), "/schemas/input", "the input");
  const fsm_value *events = fsm__lint_schema(l, "events");
  for (uint32_t i = 0; events != NULL && events->type == FSM_MAP && i < events->len; i++) {
    const fsm_pair *pair = &events->pairs[i];
    const char *where = fsm__lint_text(l, "/schemas/events/%s", pair->key.s);
    if (pair->value.type == FSM_MAP && fsm_doc_get(&pair->value, "title") == NULL)
      fsm__lint_add(l, FSM__L011, FSM__OF_STATE(0), where, "the event \"%.100s\" has no title", pair->key.s);
    look_at_schema(l, &pair->value, where, fsm__lint_text(l, "\"%.100s\"", pair->key.s));
  }
}

/* ---- personal data --------------------------------------------------------------------------------- */

typedef struct copy {
  const fsm_mask *mask;
} copy;

/* The last name of an expression that is only a path; NULL = it is something else. */
static const char *last_name(const char *expr) {
  for (const char *c = expr; *c != 0; c++)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_' ||
          *c == '.'))
      return NULL;
  const char *dot = strrchr(expr, '.');
  return dot == NULL ? NULL : dot + 1;
}

static void look_at_map(fsm__linter *l, const fsm_mask *mask, fsm__subject subject,
                        const fsm_def_value *value) {
  if (value == NULL || value->form != FSM_DEF_MAP) return;
  for (size_t i = 0; i < value->count; i++) {
    const fsm_def_value *item = &value->items[i];
    const char *key = value->keys[i], *name = item->form == FSM_DEF_EXPR ? last_name(item->expr) : NULL;
    if (name == NULL || !fsm_mask_hides(mask, name, strlen(name)) || fsm_mask_hides(mask, key, strlen(key)))
      continue;
    fsm__lint_add(l, FSM__L019, subject, item->where,
                  "\"%.100s\" is personal (x-pii), and \"%.100s\" is not marked", name, key);
  }
}

static void look_at_action(fsm__linter *l, void *arg, fsm__subject subject, const fsm_def_action *action) {
  const copy *c = arg;
  if (action->kind == FSM_ACTION_ASSIGN) look_at_map(l, c->mask, subject, action->value);
}

void fsm__lint_copies(fsm__linter *l) {
  copy c = {NULL};
  fsm_buf canonical = {0};
  fsm_error fault;
  if (l->document.type != FSM_MAP) return;
  fsm_json_write(&canonical, &l->document);
  fsm_code code = fsm_buf_ok(&canonical)
                      ? fsm_mask_of(l->arena, canonical.data, canonical.len, &c.mask, &fault)
                      : FSM_ENOMEM;
  fsm_buf_free(&canonical);
  if (code == FSM_ENOMEM) l->no_memory = true;
  if (code != FSM_OK || c.mask == NULL) return;
  look_at_map(l, c.mask, FSM__OF_STATE(0), l->source->def->context);
  fsm__lint_actions(l, look_at_action, &c);
}

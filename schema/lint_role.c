/* lint_role.c: roles in `allow` that there are not (L014). Which there are: what schemas.actor lists under
 * roles or role, and what the caller gave. Neither = not known, nothing is told. */
#include <string.h>

#include "fsm/expr_words.h"
#include "schema/closest.h"
#include "schema/lint_impl.h"

typedef struct roles {
  fsm__linter *linter;
  const fsm_value *listed; /* a list; NULL = none */
  fsm__subject subject;
  const char *where;
} roles;

/* enum of properties.roles.items, or of properties.role. */
static const fsm_value *listed_in(const fsm_value *actor) {
  const fsm_value *properties = actor == NULL ? NULL : fsm_doc_get(actor, "properties"), *list = NULL;
  if (properties == NULL || properties->type != FSM_MAP) return NULL;
  const fsm_value *many = fsm_doc_get(properties, "roles"), *one = fsm_doc_get(properties, "role");
  if (many != NULL && many->type == FSM_MAP) many = fsm_doc_get(many, "items");
  if (many != NULL && many->type == FSM_MAP) list = fsm_doc_get(many, "enum");
  if (list == NULL && one != NULL && one->type == FSM_MAP) list = fsm_doc_get(one, "enum");
  return list != NULL && list->type == FSM_LIST ? list : NULL;
}

static void look_at(void *arg, const char *word, size_t len) {
  const roles *r = arg;
  const fsm_lint_source *source = r->linter->source;
  char hint[160];
  const char *role = fsm__lint_text(r->linter, "%.*s", (int)(len > 100 ? 100 : len), word);
  fsm__closest closest = {.name = role, .distance = 3};
  for (uint32_t i = 0; r->listed != NULL && i < r->listed->len; i++) {
    if (r->listed->items[i].type != FSM_STRING) continue;
    if (r->listed->items[i].len == len && memcmp(r->listed->items[i].s, word, len) == 0) return;
    fsm__closest_try(&closest, r->listed->items[i].s);
  }
  for (size_t i = 0; source->roles != NULL && i < source->role_count; i++) {
    if (strcmp(source->roles[i], role) == 0) return;
    fsm__closest_try(&closest, source->roles[i]);
  }
  fsm__lint_add(r->linter, FSM__L014, r->subject, r->where, "there is no role \"%s\"%s", role,
                fsm__closest_text(&closest, hint, sizeof hint));
}

static void look_at_allow(roles *r, fsm__subject subject, const fsm_def_allow *allow) {
  const fsm_expr_options options = {.unchecked = true};
  r->subject = subject;
  for (size_t i = 0; i < allow->count; i++) {
    const fsm_expr *expr;
    fsm_error fault;
    r->where = allow->wheres != NULL && allow->wheres[i] != NULL ? allow->wheres[i] : allow->where;
    if (fsm_expr_compile_with(r->linter->arena, allow->texts[i], strlen(allow->texts[i]), &options, &expr,
                              &fault) != FSM_OK)
      continue;
    fsm_expr_words(expr, "actor.roles", look_at, r);
    fsm_expr_words(expr, "actor.role", look_at, r);
  }
}

void fsm__lint_roles(fsm__linter *l) {
  roles r = {.linter = l, .listed = listed_in(fsm__lint_schema(l, "actor"))};
  unsigned invoke = 0;
  if (r.listed == NULL && l->source->roles == NULL) return;
  for (unsigned i = 0; i < l->state_count; i++) {
    look_at_allow(&r, FSM__OF_STATE(i), &l->states[i]->allow);
    for (size_t j = 0; j < l->states[i]->invoke_count; j++, invoke++)
      look_at_allow(&r, FSM__OF_INVOKE(invoke), &l->states[i]->invokes[j].allow);
  }
  for (unsigned i = 0; i < l->transition_count; i++)
    look_at_allow(&r, FSM__OF_TRANSITION(i), &l->transitions[i]->allow);
}

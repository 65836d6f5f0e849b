/* lint_guard.c: guards and allows that can never hold, always do, or hold at the same time. */
#include <string.h>

#include "schema/lint_impl.h"

/* Was compiled before, so that a fault here is only one of memory; then nothing is told of it. */
static const fsm_expr *compile(fsm__linter *l, const char *text, bool scxml) {
  const fsm_expr_options options = {.scxml = scxml, .unchecked = true};
  const fsm_expr *expr = NULL;
  fsm_error fault;
  if (fsm_expr_compile_with(l->arena, text, strlen(text), &options, &expr, &fault) == FSM_OK) return expr;
  if (fault.code == FSM_ENOMEM) l->no_memory = true;
  return NULL;
}

static bool asks_who(const fsm__linter *l, unsigned transition) {
  fsm_allow allows[FSM_ALLOWS_MAX];
  return fsm_transition_allows(l->machine, transition, allows) > 0;
}

static fsm_proof prove(fsm__linter *l, unsigned transition, bool holds) {
  const fsm_def_transition *t = l->transitions[transition];
  fsm__lint_scope scope = {l, t->event_count == 1 ? t->events[0] : NULL};
  const fsm_claim claim = {l->guards[transition], holds};
  return l->guards[transition] == NULL ? FSM_PROOF_OPEN : fsm_expr_prove(&claim, 1, fsm__lint_known, &scope);
}

static bool shares_event(const fsm__linter *l, unsigned a, unsigned b) {
  const fsm_def_transition *t = l->transitions[a], *u = l->transitions[b];
  if (t->event_count == 0 || u->event_count == 0) return t->event_count == u->event_count;
  for (size_t i = 0; i < u->event_count; i++)
    if (fsm_transition_names(l->machine, a, u->events[i])) return true;
  return false;
}

static bool same_goal(const fsm_def_transition *t, const fsm_def_transition *u) {
  if (t->target_count != u->target_count) return false;
  for (size_t i = 0; i < t->target_count; i++)
    if (strcmp(t->targets[i], u->targets[i]) != 0) return false;
  return true;
}

static const char *name_of(fsm__linter *l, unsigned transition) {
  const fsm_def_transition *t = l->transitions[transition];
  return t->guard_name != NULL ? t->guard_name : fsm__lint_text(l, "%.120s", t->guard);
}

/* One transition against those before it in its state. */
static void look_back(fsm__linter *l, unsigned number) {
  const fsm_def_transition *t = l->transitions[number];
  const unsigned source = fsm_transition_source(l->machine, number);
  for (unsigned i = number; i-- > 0 && fsm_transition_source(l->machine, i) == source;) {
    const fsm_def_transition *u = l->transitions[i];
    if (l->guards[i] == NULL || asks_who(l, i) || asks_who(l, number) || !shares_event(l, i, number))
      continue;
    if (strcmp(u->guard, t->guard) == 0) {
      if (t->event_count == 1) l->guesses[number] = FSM_GUESS_NEVER;
      fsm__lint_add(l, FSM__L006, FSM__OF_TRANSITION(number), t->guard_where,
                    "the guard %s is that of %s, which is asked first", name_of(l, number),
                    fsm__lint_transition(l, i));
      return;
    }
    if (same_goal(t, u)) continue;
    fsm__lint_scope scope = {l, t->event_count == 1 ? t->events[0] : NULL};
    const fsm_claim claims[] = {{l->guards[i], true}, {l->guards[number], true}};
    if (fsm_expr_prove(claims, 2, fsm__lint_known, &scope) != FSM_PROOF_SOME) continue;
    fsm__lint_add(l, FSM__L008, FSM__OF_TRANSITION(number), t->guard_where,
                  "both %s and %s can hold: then %s is taken", name_of(l, i), name_of(l, number),
                  fsm__lint_transition(l, i));
    return;
  }
}

static void look_at(fsm__linter *l, unsigned number) {
  const fsm_def_transition *t = l->transitions[number];
  if (strcmp(t->guard, "true") == 0) {
    if (!asks_who(l, number)) l->guesses[number] = FSM_GUESS_ALWAYS;
    return;
  }
  if (prove(l, number, true) == FSM_PROOF_NEVER) {
    l->guesses[number] = FSM_GUESS_NEVER;
    fsm__lint_add(l, FSM__L006, FSM__OF_TRANSITION(number), t->guard_where, "the guard %s can never hold",
                  name_of(l, number));
  } else if (prove(l, number, false) == FSM_PROOF_NEVER) {
    fsm__lint_add(l, FSM__L007, FSM__OF_TRANSITION(number), t->guard_where, "the guard %s is never false",
                  name_of(l, number));
  } else
    look_back(l, number);
}

void fsm__lint_guards(fsm__linter *l) {
  const bool scxml = l->source->def->dialect == FSM_SCXML;
  for (unsigned i = 0; i < l->transition_count; i++) {
    const fsm_def_transition *t = l->transitions[i];
    l->guesses[i] = t->guard != NULL || asks_who(l, i) ? FSM_GUESS_MAYBE : FSM_GUESS_ALWAYS;
    if (t->guard != NULL) l->guards[i] = compile(l, t->guard, scxml);
    if (l->guards[i] != NULL) look_at(l, i);
  }
}

/* ---- who may --------------------------------------------------------------------------------------- */

static void look_at_allow(fsm__linter *l, fsm__subject subject, const fsm_def_allow *allow,
                          const char *event) {
  size_t never = 0;
  for (size_t i = 0; i < allow->count; i++) {
    fsm__lint_scope scope = {l, event};
    const fsm_claim claim = {compile(l, allow->texts[i], false), true};
    never += claim.expr != NULL && fsm_expr_prove(&claim, 1, fsm__lint_known, &scope) == FSM_PROOF_NEVER;
  }
  if (allow->count == 0 || never < allow->count) return;
  fsm__lint_add(l, FSM__L015, subject, allow->where, "%.200s can hold for nobody", allow->texts[0]);
}

void fsm__lint_allows(fsm__linter *l) {
  unsigned invoke = 0;
  for (unsigned i = 0; i < l->state_count; i++) {
    look_at_allow(l, FSM__OF_STATE(i), &l->states[i]->allow, NULL);
    for (size_t j = 0; j < l->states[i]->invoke_count; j++, invoke++)
      look_at_allow(l, FSM__OF_INVOKE(invoke), &l->states[i]->invokes[j].allow, NULL);
  }
  for (unsigned i = 0; i < l->transition_count; i++) {
    const fsm_def_transition *t = l->transitions[i];
    look_at_allow(l, FSM__OF_TRANSITION(i), &t->allow, t->event_count == 1 ? t->events[0] : NULL);
  }
}

/* lint.c: the run: read, explore, ask every rule, leave out what is to be left out, sort by place. */
#include "schema/lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/definition.h"
#include "schema/json.h"
#include "schema/lint_impl.h"
#include "schema/scxml_definition.h"

/* ---- findings ------------------------------------------------------------------------------------ */

const char *fsm__lint_text(fsm__linter *l, const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const char *kept = fsm_arena_strdup(l->arena, text);
  if (kept == NULL) l->no_memory = true;
  return kept == NULL ? "" : kept;
}

static const char *place_of(const fsm__linter *l, fsm__subject subject) {
  const char *where = NULL;
  if (subject.state >= 0) where = l->states[subject.state]->where;
  if (subject.transition >= 0) where = l->transitions[subject.transition]->where;
  if (subject.invoke >= 0) {
    const unsigned state = fsm_invoke_state(l->machine, (unsigned)subject.invoke);
    unsigned first = (unsigned)subject.invoke;
    while (first > 0 && fsm_invoke_state(l->machine, first - 1) == state) first--;
    where = l->states[state]->invokes[(unsigned)subject.invoke - first].where;
  }
  return where == NULL ? "" : where;
}

static bool room(fsm__linter *l) {
  if (l->count < l->cap) return true;
  const size_t cap = l->cap == 0 ? 32 : 2 * l->cap;
  fsm__found *more = fsm_arena_alloc(l->arena, cap * sizeof *more);
  if (more == NULL) {
    l->no_memory = true;
    return false;
  }
  if (l->count > 0) memcpy(more, l->found, l->count * sizeof *more);
  l->found = more;
  l->cap = cap;
  return true;
}

void fsm__lint_add(fsm__linter *l, fsm__lint_id id, fsm__subject subject, const char *where,
                   const char *format, ...) {
  char text[FSM_TEXT_MAX];
  size_t count;
  const fsm_lint_rule *rule = &fsm_lint_rules(&count)[id];
  if (l->count == FSM_LINT_FINDINGS_MAX) {
    l->left_out++;
    return;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (!room(l)) return;
  l->found[l->count++] = (fsm__found){.finding = {.rule = rule,
                                                  .where = where != NULL ? where : place_of(l, subject),
                                                  .text = fsm__lint_text(l, "%s", text),
                                                  .fix = rule->fix},
                                      .subject = subject};
}

const char *fsm__lint_state(fsm__linter *l, unsigned state) {
  const char *path = fsm_state_path(l->machine, state);
  return *path == 0 ? "the machine" : fsm__lint_text(l, "\"%.200s\"", path);
}

const char *fsm__lint_transition(fsm__linter *l, unsigned transition) {
  const fsm_def_transition *t = l->transitions[transition];
  const char *event = t->event_count == 0 ? "always" : t->events[0];
  return fsm__lint_text(l, "%.100s%s%.150s of \"%.100s\"", event, t->target_count > 0 ? " → " : "",
                        t->target_count > 0 ? t->targets[0] : "",
                        fsm_state_path(l->machine, fsm_transition_source(l->machine, transition)));
}

const fsm_value *fsm__lint_schema(const fsm__linter *l, const char *name) {
  if (l->document.type != FSM_MAP) return NULL;
  const fsm_value *schemas = fsm_doc_get(&l->document, "schemas");
  return schemas == NULL || schemas->type != FSM_MAP ? NULL : fsm_doc_get(schemas, name);
}

bool fsm__is_generated(const char *event) {
  static const char *const prefixes[] = {"xstate.", "error.", "done.state.", "done.invoke."};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(event, prefixes[i], strlen(prefixes[i])) == 0) return true;
  return strcmp(event, "error") == 0 || strcmp(event, "done") == 0;
}

/* ---- actions ------------------------------------------------------------------------------------- */

static void visit_block(fsm__linter *l, fsm__action_visit *visit, void *arg, fsm__subject subject,
                        const fsm_def_action *actions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    visit(l, arg, subject, &actions[i]);
    visit_block(l, visit, arg, subject, actions[i].actions, actions[i].action_count);
  }
}

void fsm__lint_actions(fsm__linter *l, fsm__action_visit *visit, void *arg) {
  for (size_t i = 0; i < l->state_count; i++) {
    const fsm_def_state *s = l->states[i];
    visit_block(l, visit, arg, FSM__OF_STATE(i), s->entry, s->entry_count);
    visit_block(l, visit, arg, FSM__OF_STATE(i), s->exit, s->exit_count);
    visit_block(l, visit, arg, FSM__OF_STATE(i), s->initial_actions, s->initial_action_count);
    for (size_t j = 0; j < s->invoke_count; j++)
      visit_block(l, visit, arg, FSM__OF_STATE(i), s->invokes[j].finalize, s->invokes[j].finalize_count);
  }
  for (size_t i = 0; i < l->transition_count; i++)
    visit_block(l, visit, arg, FSM__OF_TRANSITION(i), l->transitions[i]->actions,
                l->transitions[i]->action_count);
}

/* ---- the run ------------------------------------------------------------------------------------- */

/* Of SCXML the place is line:column already. */
static void find_lines(fsm__linter *l) {
  for (size_t i = 0; i < l->count; i++) {
    fsm_lint_finding *f = &l->found[i].finding;
    if (!l->scxml)
      fsm_json_place(l->source->text, l->source->len, f->where, &f->line, &f->column);
    else if (sscanf(f->where, "%u:%u", &f->line, &f->column) != 2)
      f->line = f->column = 0;
  }
}

static int by_place(const void *left, const void *right) {
  const fsm_lint_finding *a = &((const fsm__found *)left)->finding,
                         *b = &((const fsm__found *)right)->finding;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  if (a->column != b->column) return a->column < b->column ? -1 : 1;
  if (a->rule != b->rule) return a->rule < b->rule ? -1 : 1;
  return strcmp(a->text, b->text);
}

static fsm_code report(fsm__linter *l, fsm_lint_report *out) {
  fsm_lint_finding *findings = fsm_arena_alloc(l->arena, (l->count + 1) * sizeof *findings);
  if (findings == NULL) return fsm_fail(l->err, FSM_ENOMEM, "", "no memory for the findings");
  if (l->count > 1) qsort(l->found, l->count, sizeof *l->found, by_place);
  *out = (fsm_lint_report){
      .findings = findings, .count = l->count, .left_out = l->left_out, .explored = l->seen.complete};
  for (size_t i = 0; i < l->count; i++) {
    findings[i] = l->found[i].finding;
    if (findings[i].ignored != NULL)
      out->ignored++;
    else
      out->by_severity[findings[i].rule->severity]++;
  }
  return FSM_OK;
}

static fsm_code prepare(fsm__linter *l) {
  const fsm_lint_source *source = l->source;
  l->states = fsm_def_states(l->arena, source->def, &l->state_count);
  l->transitions = fsm_def_transitions(l->arena, source->def, &l->transition_count);
  l->guesses = fsm_arena_zalloc(l->arena, l->transition_count + 1, sizeof *l->guesses);
  l->guards = fsm_arena_zalloc(l->arena, l->transition_count + 1, sizeof *l->guards);
  if (l->states == NULL || l->transitions == NULL || l->guesses == NULL || l->guards == NULL)
    return fsm_fail(l->err, FSM_ENOMEM, "", "no memory to look at the definition");
  l->scxml = fsm__is_scxml(source->text, source->len);
  if (l->scxml) return FSM_OK;
  return fsm_json_parse_deep(l->arena, source->text, source->len, FSM_JSON_AS_WRITTEN,
                             FSM_DEFINITION_DEPTH_MAX, &l->document, l->err);
}

static void ask_all(fsm__linter *l) {
  if (l->seen.complete) {
    fsm__lint_reach(l);
    fsm__lint_traps(l);
    fsm__lint_waits(l);
  } else
    fsm__lint_add(l, FSM__L020, FSM__OF_STATE(0), NULL,
                  "the machine has more than %d configurations, or too many choices in one",
                  FSM_EXPLORE_CONFIGS_MAX);
  fsm__lint_allows(l);
  fsm__lint_timers(l);
  fsm__lint_events(l);
  fsm__lint_names(l);
  fsm__lint_labels(l);
  fsm__lint_copies(l);
  fsm__lint_roles(l);
}

fsm_code fsm_lint(fsm_arena *arena, const fsm_lint_source *source, fsm_lint_report *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && source != NULL && out != NULL && source->def != NULL &&
             source->machine != NULL);
  fsm__linter l = {.arena = arena, .source = source, .machine = source->machine, .err = err};
  fsm_code code = prepare(&l);
  if (code != FSM_OK) return code;
  fsm__lint_guards(&l);
  code = fsm_explore(arena, source->def, source->machine, l.guesses, &l.seen, err);
  if (code != FSM_OK) return code;
  ask_all(&l);
  fsm__lint_ignore(&l);
  find_lines(&l);
  if (l.no_memory) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the findings");
  return report(&l, out);
}

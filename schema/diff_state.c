/* diff_state.c: what has changed in states, transitions, timers, tasks, deadlines, levels. */
#include <string.h>

#include "fsm/explore.h"
#include "schema/diff_impl.h"
#include "schema/lint_impl.h"

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_value(const fsm_value *a, const fsm_value *b) {
  return a == NULL || b == NULL ? a == b : fsm_value_same(a, b);
}

static const fsm_value *note(const fsm_value *meta, const char *key) {
  const fsm_value *fsm = meta->type == FSM_MAP ? fsm_map_get(meta, "fsm") : NULL;
  return fsm == NULL ? NULL : fsm_map_get(fsm, key);
}

static bool same_def(const fsm_def_value *a, const fsm_def_value *b) {
  if (a == NULL || b == NULL) return a == b;
  if (a->form != b->form) return false;
  if (a->form == FSM_DEF_EXPR) return strcmp(a->expr, b->expr) == 0;
  return a->form != FSM_DEF_LITERAL || fsm_value_same(&a->literal, &b->literal);
}

static bool same_allow(const fsm_def_allow *a, const fsm_def_allow *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->texts[i], b->texts[i]) != 0) return false;
  return true;
}

static void compare_allow(fsm__differ *d, const char *name, const fsm_def_allow *a, const fsm_def_allow *b) {
  if (same_allow(a, b)) return;
  fsm__change(d, b->count == 0 ? FSM_IMPACT_COMPATIBLE : FSM_IMPACT_BREAKING, "allow-changed", name,
              b->count == 0   ? "anybody may now"
              : a->count == 0 ? "not everybody may any more"
                              : "others may now");
}

static void compare_level(fsm__differ *d, const char *name, const fsm_value *a, const fsm_value *b) {
  if (!same_value(note(a, "level"), note(b, "level")))
    fsm__change(d, FSM_IMPACT_BREAKING, "level-changed", name,
                "records get another level: routes that filter by it see others");
}

/* ---- transitions ------------------------------------------------------------------------------------ */

static const char *event_of(const fsm_def_transition *t) {
  return t->event_count == 0 ? "always" : t->events[0];
}

/* The n-th one of the state for the event. */
static const fsm_def_transition *nth(const fsm_def_state *s, const char *event, unsigned n) {
  for (size_t i = 0; i < s->transition_count; i++)
    if (strcmp(event_of(&s->transitions[i]), event) == 0 && n-- == 0) return &s->transitions[i];
  return NULL;
}

static unsigned place_of(const fsm_def_state *s, size_t number) {
  unsigned n = 0;
  for (size_t i = 0; i < number; i++)
    n += strcmp(event_of(&s->transitions[i]), event_of(&s->transitions[number])) == 0;
  return n;
}

static void compare_transition(fsm__differ *d, const char *name, const fsm_def_transition *a,
                               const fsm_def_transition *b) {
  bool moved = a->target_count != b->target_count;
  for (size_t i = 0; !moved && i < a->target_count; i++) moved = strcmp(a->targets[i], b->targets[i]) != 0;
  if (moved)
    fsm__change(d, FSM_IMPACT_COMPATIBLE, "transition-target", name,
                "it leads to \"%.100s\" and led to \"%.100s\"", b->target_count > 0 ? b->targets[0] : "",
                a->target_count > 0 ? a->targets[0] : "");
  if (!same_text(a->guard, b->guard))
    fsm__change(d, FSM_IMPACT_COMPATIBLE, "transition-guard", name, "the guard is %.150s and was %.150s",
                b->guard == NULL ? "none" : b->guard, a->guard == NULL ? "none" : a->guard);
  if (a->action_count != b->action_count)
    fsm__change(d, FSM_IMPACT_INTERNAL, "transition-actions", name, "%zu actions and had %zu",
                b->action_count, a->action_count);
  compare_allow(d, name, &a->allow, &b->allow);
  compare_level(d, name, &a->meta, &b->meta);
}

static bool names_it(const fsm_def_state *s, const char *event) { return nth(s, event, 0) != NULL; }

static void compare_transitions(fsm__differ *d, const char *path, const fsm_def_state *a,
                                const fsm_def_state *b) {
  for (size_t i = 0; i < a->transition_count; i++) {
    const char *event = event_of(&a->transitions[i]);
    const char *name = fsm__diff_text(d, "%.300s/%.128s", path, event);
    const fsm_def_transition *now = nth(b, event, place_of(a, i));
    if (now != NULL)
      compare_transition(d, name, &a->transitions[i], now);
    else if (!names_it(b, event) && !fsm__is_generated(event) && a->transitions[i].event_count > 0)
      fsm__change(d, FSM_IMPACT_BREAKING, "transition-removed", name, "the state takes the event no more");
    else
      fsm__change(d, FSM_IMPACT_COMPATIBLE, "transition-removed", name, "one of them is gone");
  }
  for (size_t i = 0; i < b->transition_count; i++) {
    const char *event = event_of(&b->transitions[i]);
    if (nth(a, event, place_of(b, i)) == NULL)
      fsm__change(d, FSM_IMPACT_COMPATIBLE, "transition-added",
                  fsm__diff_text(d, "%.300s/%.128s", path, event), "the state takes it now");
  }
}

/* ---- timers and tasks ------------------------------------------------------------------------------- */

static void compare_timers(fsm__differ *d, const char *path, const fsm_def_state *a, const fsm_def_state *b) {
  for (size_t i = 0; i < a->after_count || i < b->after_count; i++) {
    const fsm_def_after *before = i < a->after_count ? &a->afters[i] : NULL;
    const fsm_def_after *after = i < b->after_count ? &b->afters[i] : NULL;
    if (before != NULL && after != NULL && strcmp(before->event, after->event) == 0 &&
        same_def(before->delay, after->delay))
      continue;
    fsm__change(d, FSM_IMPACT_COMPATIBLE, "timer-changed", path, "%s",
                before == NULL  ? "there is a new timer"
                : after == NULL ? "a timer is gone"
                                : "a timer has another delay");
  }
}

static const fsm_def_invoke *invoke_of(const fsm_def_state *s, const char *id) {
  for (size_t i = 0; i < s->invoke_count; i++)
    if (same_text(s->invokes[i].id, id)) return &s->invokes[i];
  return NULL;
}

static void compare_tasks(fsm__differ *d, const char *path, const fsm_def_state *a, const fsm_def_state *b) {
  for (size_t i = 0; i < a->invoke_count; i++) {
    const fsm_def_invoke *before = &a->invokes[i], *after = invoke_of(b, before->id);
    const char *id = before->id == NULL ? path : before->id;
    if (after == NULL) {
      fsm__change(d, FSM_IMPACT_BREAKING, "task-removed", id, "the state %.200s asks for it no more", path);
      continue;
    }
    if (!same_text(before->src, after->src))
      fsm__change(d, FSM_IMPACT_BREAKING, "task-service", id, "the service is \"%.100s\" and was \"%.100s\"",
                  after->src == NULL ? "" : after->src, before->src == NULL ? "" : before->src);
    if (!same_value(&before->meta, &after->meta))
      fsm__change(d, FSM_IMPACT_INTERNAL, "task-policy", id, "attempts, timeouts or notes are others");
    compare_allow(d, id, &before->allow, &after->allow);
  }
  for (size_t i = 0; i < b->invoke_count; i++)
    if (invoke_of(a, b->invokes[i].id) == NULL)
      fsm__change(d, FSM_IMPACT_COMPATIBLE, "task-added", b->invokes[i].id == NULL ? path : b->invokes[i].id,
                  "a new task: somebody has to serve \"%.100s\"",
                  b->invokes[i].src == NULL ? "" : b->invokes[i].src);
}

/* ---- states ----------------------------------------------------------------------------------------- */

static void compare_state(fsm__differ *d, const char *path, const fsm_def_state *a, const fsm_def_state *b) {
  static const char *const kinds[] = {"atomic", "compound", "parallel", "final", "history"};
  if (a->kind != b->kind)
    fsm__change(d, FSM_IMPACT_BREAKING, "state-kind", path, "it is %s and was %s", kinds[b->kind],
                kinds[a->kind]);
  if (!same_text(a->description, b->description))
    fsm__change(d, FSM_IMPACT_INTERNAL, "label-changed", path, "people read another description");
  if (!same_value(note(&a->meta, "sla"), note(&b->meta, "sla")))
    fsm__change(d, FSM_IMPACT_COMPATIBLE, "sla-changed", path, "it is overdue at another time");
  compare_level(d, path, &a->meta, &b->meta);
  compare_allow(d, path, &a->allow, &b->allow);
  compare_transitions(d, path, a, b);
  compare_timers(d, path, a, b);
  compare_tasks(d, path, a, b);
}

void fsm__diff_states(fsm__differ *d) {
  size_t count, others;
  const fsm_def_state *const *before = fsm_def_states(d->arena, d->a->def, &count);
  const fsm_def_state *const *after = fsm_def_states(d->arena, d->b->def, &others);
  if (before == NULL || after == NULL) {
    d->no_memory = true;
    return;
  }
  compare_state(d, "the machine", before[0], after[0]);
  for (unsigned i = 1; i < count; i++) {
    const char *path = fsm_state_path(d->a->machine, i);
    const int now = fsm_state_find(d->b->machine, path, strlen(path));
    if (now >= 0)
      compare_state(d, path, before[i], after[now]);
    else
      fsm__change(d, before[i]->kind == FSM_HISTORY ? FSM_IMPACT_INTERNAL : FSM_IMPACT_BREAKING,
                  "state-removed", path, "instances that stand in it have to be moved");
  }
  for (unsigned i = 1; i < others; i++) {
    const char *path = fsm_state_path(d->b->machine, i);
    if (fsm_state_find(d->a->machine, path, strlen(path)) < 0)
      fsm__change(d, FSM_IMPACT_COMPATIBLE, "state-added", path, "a new state");
  }
}

/* ---- events ----------------------------------------------------------------------------------------- */

/* The events that one side takes and the other does not know at all, each once. */
static void tell_events(fsm__differ *d, const fsm_diff_side *from, const fsm_diff_side *to, fsm_impact impact,
                        const char *kind, const char *text) {
  size_t count;
  const fsm_def_transition *const *list = fsm_def_transitions(d->arena, from->def, &count);
  if (list == NULL) d->no_memory = true;
  for (size_t i = 0; list != NULL && i < count; i++)
    for (size_t j = 0; j < list[i]->event_count; j++) {
      const char *event = list[i]->events[j];
      bool told = fsm__is_generated(event) || fsm_machine_knows_event(to->machine, event);
      for (size_t k = 0; k < d->count && k < FSM_DIFF_CHANGES_MAX && !told; k++)
        told = strcmp(d->changes[k].kind, kind) == 0 && strcmp(d->changes[k].name, event) == 0;
      if (!told) fsm__change(d, impact, kind, event, "%s", text);
    }
}

void fsm__diff_events(fsm__differ *d) {
  tell_events(d, d->a, d->b, FSM_IMPACT_BREAKING, "event-removed", "who sends it is refused");
  tell_events(d, d->b, d->a, FSM_IMPACT_COMPATIBLE, "event-added", "a new event");
}

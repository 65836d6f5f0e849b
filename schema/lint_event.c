/* lint_event.c: events that nothing takes (L009), and that no schema names (L010). */
#include <string.h>

#include "schema/lint_impl.h"

/* What the machine sends itself. */
static void look_at_sent(fsm__linter *l, void *arg, fsm__subject subject, const fsm_def_action *action) {
  (void)arg;
  const bool raised = action->kind == FSM_ACTION_RAISE;
  const bool sent = action->kind == FSM_ACTION_SEND && action->target == NULL && action->type == NULL;
  if ((!raised && !sent) || action->event == NULL || fsm_machine_knows_event(l->machine, action->event))
    return;
  fsm__lint_add(l, FSM__L009, subject, action->where, "\"%.128s\" is %s, and no transition takes it",
                action->event, raised ? "raised" : "sent");
}

typedef struct search {
  const char *name;
  bool found;
} search;

static void find_sent(fsm__linter *l, void *arg, fsm__subject subject, const fsm_def_action *action) {
  search *wanted = arg;
  (void)l, (void)subject;
  if (action->kind != FSM_ACTION_RAISE && action->kind != FSM_ACTION_SEND) return;
  wanted->found |= action->event != NULL && strcmp(action->event, wanted->name) == 0;
}

static void look_at_schemas(fsm__linter *l) {
  const fsm_value *events = fsm__lint_schema(l, "events");
  if (events == NULL || events->type != FSM_MAP) return;
  for (unsigned i = 0; i < l->transition_count; i++) {
    const fsm_def_transition *t = l->transitions[i];
    if (t->event_count != 1) continue;
    const char *name = t->events[0];
    if (strchr(name, '*') != NULL || fsm__is_generated(name) || fsm_doc_get(events, name) != NULL) continue;
    search sent = {name, false};
    fsm__lint_actions(l, find_sent, &sent);
    for (unsigned j = 0; j < i && !sent.found; j++)
      sent.found = l->transitions[j]->event_count == 1 && strcmp(l->transitions[j]->events[0], name) == 0;
    if (!sent.found)
      fsm__lint_add(l, FSM__L010, FSM__OF_TRANSITION(i), NULL, "\"%.128s\" is not in schemas.events", name);
  }
}

void fsm__lint_events(fsm__linter *l) {
  fsm__lint_actions(l, look_at_sent, NULL);
  look_at_schemas(l);
}

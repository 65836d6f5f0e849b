/* lint_ignore.c: meta.lint.ignore: {"L005": "why"} leaves a finding out of a state, transition or invoke and
 * of what is in it. An entry that is of no use is a finding itself (L022), which nothing leaves out. */
#include <string.h>

#include "schema/lint_impl.h"

/* Is the finding's subject the construct, or inside of it? */
static bool is_inside(const fsm__linter *l, fsm__subject subject, fsm__subject around) {
  if (around.transition >= 0) return subject.transition == around.transition;
  if (around.invoke >= 0) return subject.invoke == around.invoke;
  int state = subject.state;
  if (subject.transition >= 0) state = (int)fsm_transition_source(l->machine, (unsigned)subject.transition);
  if (subject.invoke >= 0) state = (int)fsm_invoke_state(l->machine, (unsigned)subject.invoke);
  while (state > around.state) state = (int)fsm_state_parent(l->machine, (unsigned)state);
  return state == around.state;
}

static bool has_reason(const fsm_value *reason) {
  if (reason->type != FSM_STRING) return false;
  for (uint32_t i = 0; i < reason->len; i++)
    if (reason->s[i] != ' ') return true;
  return false;
}

static void leave_out(fsm__linter *l, fsm__subject around, const fsm_pair *entry, size_t count) {
  const fsm_lint_rule *rule =
      entry->key.type == FSM_STRING ? fsm_lint_rule_of(entry->key.s, entry->key.len) : NULL;
  const char *name = entry->key.type == FSM_STRING ? entry->key.s : "";
  if (rule == NULL) {
    fsm__lint_add(l, FSM__L022, around, NULL, "\"%.60s\" is no finding; they are L001 to L%03d", name,
                  FSM__LINT_COUNT);
    return;
  }
  if (!has_reason(&entry->value)) {
    fsm__lint_add(l, FSM__L022, around, NULL, "%s is left out without a reason", rule->id);
    return;
  }
  bool used = false;
  for (size_t i = 0; i < count; i++) {
    fsm__found *found = &l->found[i];
    if (found->finding.rule != rule || !is_inside(l, found->subject, around)) continue;
    used = true;
    found->finding.ignored = entry->value.s;
  }
  if (!used)
    fsm__lint_add(l, FSM__L022, around, NULL, "%s is left out, and there is no such finding here", rule->id);
}

static void read_meta(fsm__linter *l, fsm__subject around, const fsm_value *meta, size_t count) {
  const fsm_value *lint = meta == NULL || meta->type != FSM_MAP ? NULL : fsm_map_get(meta, "lint");
  const fsm_value *ignore = lint == NULL || lint->type != FSM_MAP ? NULL : fsm_map_get(lint, "ignore");
  for (uint32_t i = 0; ignore != NULL && ignore->type == FSM_MAP && i < ignore->len; i++)
    leave_out(l, around, &ignore->pairs[i], count);
}

void fsm__lint_ignore(fsm__linter *l) {
  const size_t count = l->count;
  for (unsigned i = 0; i < l->state_count; i++)
    read_meta(l, FSM__OF_STATE(i), fsm_state_meta(l->machine, i), count);
  for (unsigned i = 0; i < l->transition_count; i++)
    read_meta(l, FSM__OF_TRANSITION(i), fsm_transition_meta(l->machine, i), count);
  for (unsigned i = 0; i < fsm_machine_invokes(l->machine); i++)
    read_meta(l, FSM__OF_INVOKE(i), fsm_invoke_meta(l->machine, i), count);
}

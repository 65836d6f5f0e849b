/* lint_rules.c: the table of findings. Ids are stable: one is appended, none is used again. */
#include <string.h>

#include "schema/lint_impl.h"

static const char *const severities[] = {"note", "warning", "error"};
_Static_assert(sizeof severities / sizeof *severities == FSM_LINT_SEVERITY_COUNT, "each has a name");

static const fsm_lint_rule rules[] = {
    [FSM__L001] = {"L001", "unreachable-state", FSM_LINT_WARNING,
                   "No instance can ever be in this state, whatever its guards say.",
                   "add a transition that leads there, or remove the state"},
    [FSM__L002] =
        {"L002", "transition-never-taken", FSM_LINT_WARNING,
         "No instance can ever take this transition: another one that is asked first takes its event, its "
         "state is left before the event can come, or nobody makes the event.",
         "move it before what hides it, give that a guard, or remove it"},
    [FSM__L003] =
        {"L003", "dead-end", FSM_LINT_WARNING,
         "An instance that gets here takes no event any more and has not ended. Not said of machines that "
         "have no final state at all, whose last state is their end.",
         "make it a final state (\"type\": \"final\"), or give it a transition"},
    [FSM__L004] =
        {"L004", "no-way-to-end", FSM_LINT_WARNING,
         "An instance that gets here still moves, but can never come to a final state of the machine. Said "
         "where it is caught, not of what leads there.",
         "add a transition out of the circle, such as a cancellation"},
    [FSM__L005] =
        {"L005", "wait-without-deadline", FSM_LINT_NOTE,
         "The state waits for an event from outside, and nothing happens when none comes: no `after`, no "
         "`timeout`, no delayed event, no task, no meta.fsm.sla in it or around it.",
         "add \"after\", or \"meta\": {\"fsm\": {\"sla\": \"2d\"}} so that it is told as overdue"},
    [FSM__L006] = {"L006", "guard-never-true", FSM_LINT_WARNING,
                   "The guard contradicts itself or the schemas, or is the same as one before it.",
                   "correct the comparison, or remove the transition"},
    [FSM__L007] =
        {"L007", "guard-always-true", FSM_LINT_WARNING,
         "Whatever values there are, the guard is not false. It may still fail where a field is missing.",
         "remove the guard, or correct the comparison"},
    [FSM__L008] =
        {"L008", "guards-overlap", FSM_LINT_NOTE,
         "Two transitions of one state for the same event with different targets can both be allowed by "
         "their guards: the first one in the definition is taken.",
         "make the guards exclude each other, or leave it when the order is meant"},
    [FSM__L009] = {"L009", "event-not-handled", FSM_LINT_WARNING,
                   "The machine raises or sends itself an event that no transition takes.",
                   "add a transition for it, or correct its name"},
    [FSM__L010] =
        {"L010", "event-without-schema", FSM_LINT_NOTE,
         "The definition has schemas.events, and this event that people or systems send is not among them: "
         "its data is not checked and it has no label.",
         "add it to schemas.events"},
    [FSM__L011] =
        {"L011", "missing-label", FSM_LINT_NOTE,
         "A state has no description, or an event or field of the schemas no title: people see its name.",
         "add \"description\" or \"title\""},
    [FSM__L012] =
        {"L012", "regions-conflict", FSM_LINT_WARNING,
         "Two regions of a parallel state react to the same event with transitions that cannot both be "
         "taken: the first in document order wins.",
         "let one place decide: the parallel state itself, or one of the regions"},
    [FSM__L013] =
        {"L013", "endless-loop", FSM_LINT_ERROR,
         "Eventless transitions without guards lead in a circle: the step ends at the bound of 1,000 "
         "microsteps and is rolled back into an incident.",
         "add a guard, or let an event lead on"},
    [FSM__L014] = {"L014", "unknown-role", FSM_LINT_WARNING,
                   "`allow` names a role that is neither in schemas.actor nor in the list that was given.",
                   "correct the role, or add it to the enum of schemas.actor"},
    [FSM__L015] = {"L015", "allow-never", FSM_LINT_WARNING, "`allow` can hold for nobody.",
                   "correct the expression"},
    [FSM__L016] = {"L016", "timer-of-zero", FSM_LINT_WARNING,
                   "A timer of 0 fires at once, as a command of its own.",
                   "use \"always\", or give the delay a value"},
    [FSM__L017] = {"L017", "invoke-without-on-error", FSM_LINT_WARNING,
                   "Nothing takes the failure of this invoke: the instance is parked as an incident.",
                   "add \"onError\""},
    [FSM__L018] = {"L018", "unused-name", FSM_LINT_WARNING,
                   "A named guard, action or delay that nothing uses.",
                   "remove it, or correct the name where it is used"},
    [FSM__L019] = {"L019", "pii-copied", FSM_LINT_WARNING,
                   "A field that is marked x-pii is copied to one that is not, and so is shown unmasked.",
                   "mark the target \"x-pii\": true, or do not copy it"},
    [FSM__L020] = {"L020", "not-explored", FSM_LINT_NOTE,
                   "The machine has more configurations than are looked at: states that are not reachable, "
                   "transitions that are never taken, dead ends and waits are not told.",
                   "split the machine into smaller ones, or leave it"},
    [FSM__L021] =
        {"L021", "done-not-handled", FSM_LINT_WARNING,
         "A state can come to its final state, and nothing takes that it is done; nothing else leads on.",
         "add \"onDone\""},
    [FSM__L022] = {"L022", "bad-ignore", FSM_LINT_WARNING,
                   "meta.lint.ignore names what is no finding, gives no reason, or leaves out nothing.",
                   "write {\"L005\": \"why\"}, or remove it"},
};
_Static_assert(sizeof rules / sizeof *rules == FSM__LINT_COUNT, "each id has its row");

const char *fsm_lint_severity_name(fsm_lint_severity severity) {
  FSM_ASSERT((unsigned)severity < FSM_LINT_SEVERITY_COUNT);
  return severities[severity];
}

bool fsm_lint_severity_of(const char *name, fsm_lint_severity *out) {
  for (int i = 0; i < FSM_LINT_SEVERITY_COUNT; i++) {
    if (strcmp(severities[i], name) != 0) continue;
    *out = (fsm_lint_severity)i;
    return true;
  }
  return false;
}

const fsm_lint_rule *fsm_lint_rules(size_t *count) {
  *count = FSM__LINT_COUNT;
  return rules;
}

static bool is(const char *text, size_t len, const char *name) {
  return strlen(name) == len && memcmp(text, name, len) == 0;
}

const fsm_lint_rule *fsm_lint_rule_of(const char *text, size_t len) {
  for (size_t i = 0; i < FSM__LINT_COUNT; i++) {
    const fsm_lint_rule *rule = &rules[i];
    if (is(text, len, rule->id) || is(text, len, rule->name)) return rule;
    if (len > 5 && memcmp(text, rule->id, 4) == 0 && text[4] == '-' && is(text + 5, len - 5, rule->name))
      return rule;
  }
  return NULL;
}

/* why_path.c: the shortest way to an end, looked for by the engine itself (fsm_supposal), breadth first.
 *
 * A stand is a configuration with its context, of which what an event would have set is not known. From each
 * stand every event is supposed that a transition there names: of people and systems; of timers and tasks,
 * which come once at most to a state that was active from the start, and only while their row is there. A
 * condition that is not known is taken both ways. Bounded: FSM_WHY_STATES_MAX stands, FSM_WHY_STEPS_MAX
 * steps, BYTES_MAX of memory; past them no way is found, and that is said. */
#include <string.h>

#include "runtime/mobility.h"
#include "runtime/why_stands.h"

enum { BYTES_MAX = 64 << 20, EVENTS_MAX = 256, ASKED_MAX = 3 };

typedef struct search {
  fsm__why *why;
  const fsm_machine *machine;
  unsigned *first; /* per state: its first transition; and one behind */
  fsm_arena scratch;
  fsm__why_stands stands;
  unsigned steps, goal; /* goal: a stand's place + 1 */
  bool bounded;
  fsm_budget budget;       /* its own share */
  unsigned pattern, asked; /* conditions of a step that were asked for, and how to answer them */
  const char *texts[ASKED_MAX];
} search;

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* ---- stands ------------------------------------------------------------------------------------- */

/* All that was supposed is kept until the end, also what led nowhere. */
static bool is_spent(search *s) {
  s->bounded = s->bounded || s->steps >= FSM_WHY_STEPS_MAX || fsm_arena_used(&s->scratch) > BYTES_MAX ||
               s->budget.left == 0;
  return s->bounded;
}

/* Is it new? It is kept then, when there is room. */
static bool add_stand(search *s, const fsm__why_stand *new) {
  if (fsm__why_stands_has(&s->stands, new)) return false;
  if (is_spent(s) || !fsm__why_stands_add(&s->stands, new)) s->bounded = true;
  return true;
}

/* ---- a step -------------------------------------------------------------------------------------- */

static bool answer(void *arg, int transition, const char *text) {
  search *s = arg;
  (void)transition;
  if (s->asked == ASKED_MAX) return true;
  const bool holds = (s->pattern >> s->asked & 1) == 0;
  s->texts[s->asked++] = fsm_arena_printf(&s->scratch, holds ? "%s" : "not: %s", text);
  return holds;
}

static const uint64_t *kept_of(search *s, const fsm__why_stand *from, const fsm_step_result *step) {
  uint64_t *kept = fsm_arena_alloc(&s->scratch, s->stands.words * sizeof *kept);
  if (kept == NULL) return NULL;
  for (unsigned i = 0; i < s->stands.words; i++) kept[i] = from->kept[i] & step->next.config[i];
  for (unsigned m = 0; m < step->microstep_count; m++)
    for (unsigned i = 0; i < step->microsteps[m].exited_count; i++) {
      const unsigned state = step->microsteps[m].exited[i];
      kept[state / 64] &= ~(UINT64_C(1) << state % 64);
    }
  return kept;
}

static fsm_value supposed(search *s) {
  fsm__items items = {.arena = &s->scratch};
  for (unsigned i = 0; i < s->asked; i++)
    if (s->texts[i] != NULL) fsm__items_add(&items, fsm_string(s->texts[i]));
  return items.failed ? fsm_null() : fsm_list(items.items, items.count);
}

/* The event's step, with conditions answered by s->pattern. */
static fsm_code suppose(search *s, unsigned from, const fsm_event *event, const char *by, fsm_error *err) {
  const fsm__why_stand before = s->stands.at[from];
  fsm_supposal supposal = {
      .holds = answer, .holds_arg = s, .fields = before.fields, .field_count = before.field_count};
  const fsm_world world = {.now_ns = s->why->at->now_ns,
                           .session = s->why->in.id,
                           .inside = true,
                           .supposal = &supposal,
                           .budget = &s->budget};
  fsm_step_result step;
  s->steps++;
  s->asked = 0;
  fsm_code code = fsm_step(s->machine, &before.at, event, &world, &s->scratch, &step, err);
  if (code != FSM_OK || step.outcome != FSM_OK || step.microstep_count == 0) return code;
  fsm__why_stand new = {.at = step.next,
                        .kept = kept_of(s, &before, &step),
                        .fields = supposal.fields,
                        .field_count = supposal.field_count,
                        .from = from,
                        .event = event->name,
                        .by = by,
                        .supposes = supposed(s)};
  new.transition = step.microsteps[0].transition_count > 0 ? step.microsteps[0].transitions[0] : -1;
  if (new.kept == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to look for a way");
  const bool added = add_stand(s, &new);
  if (added && step.next.done && !s->bounded && s->goal == 0) s->goal = s->stands.count;
  return FSM_OK;
}

/* All ways in which its conditions may go. */
static fsm_code suppose_all(search *s, unsigned from, const fsm_event *event, const char *by,
                            fsm_error *err) {
  fsm_code code = FSM_OK;
  unsigned most = 1;
  for (s->pattern = 0; s->pattern < most && s->pattern < FSM_WHY_BRANCHES_MAX && code == FSM_OK;
       s->pattern++) {
    if (s->goal > 0 || is_spent(s)) break;
    code = suppose(s, from, event, by, err);
    if (1u << s->asked > most) most = 1u << s->asked;
  }
  return code;
}

/* ---- what may come ------------------------------------------------------------------------------- */

static bool is_set(const search *s, const char *event) {
  for (unsigned i = 0; i < s->why->timer_count; i++)
    if (strcmp(s->why->timers[i].event, event) == 0) return true;
  return false;
}

static bool is_open(const search *s, const char *id) {
  for (unsigned i = 0; i < s->why->task_count; i++)
    if (strcmp(s->why->tasks[i].id, id) == 0) return true;
  return false;
}

/* The state that opens the task of that id; the root when it is not known. */
static unsigned opened_by(const search *s, const char *id) {
  for (unsigned i = 0; i < fsm_machine_invokes(s->machine); i++) {
    const char *own = fsm_invoke_id(s->machine, i);
    if (own != NULL && strcmp(own, id) == 0) return fsm_invoke_state(s->machine, i);
  }
  return 0;
}

/* What the descriptor stands for as an event that may come to a stand; false = it cannot. */
static bool event_of(search *s, const fsm__why_stand *at, unsigned source, const char *text, fsm_event *event,
                     const char **by) {
  static const char *const tasks[] = {"xstate.done.actor.", "xstate.error.actor.", "done.invoke."};
  *event = (fsm_event){.name = text, .cause = FSM_CAUSE_EXTERNAL, .data = fsm_null()};
  *by = "event";
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
    if (!starts(text, tasks[i])) continue;
    event->cause = FSM_CAUSE_TASK;
    event->invokeid = text + strlen(tasks[i]);
    *by = "task";
    return !fsm_config_has(at->kept, opened_by(s, event->invokeid)) || is_open(s, event->invokeid);
  }
  if (starts(text, "xstate.after.")) {
    event->cause = FSM_CAUSE_TIMER;
    *by = "timer";
    return !fsm_config_has(at->kept, source) || is_set(s, text);
  }
  if (starts(text, "xstate.") || starts(text, "done.") || starts(text, "error.") ||
      strcmp(text, "error") == 0)
    return false;
  if (strcmp(text, "*") == 0) event->name = "ANYTHING";
  const size_t len = strlen(text);
  if (len > 2 && strcmp(text + len - 2, ".*") == 0)
    event->name = fsm_arena_strndup(&s->scratch, text, len - 2);
  if (is_set(s, text)) *by = "timer";
  return event->name != NULL;
}

static fsm_code expand(search *s, unsigned from, bool errors, fsm_error *err) {
  const char *done[EVENTS_MAX];
  unsigned count = 0;
  const fsm__why_stand at = s->stands.at[from];
  const unsigned states = fsm_machine_states(s->machine);
  for (unsigned state = 0; state < states && s->goal == 0; state++) {
    if (!fsm_config_has(at.at.config, state)) continue;
    for (unsigned t = s->first[state]; t < s->first[state + 1]; t++) {
      const char *text;
      for (unsigned i = 0; (text = fsm_transition_event(s->machine, t, i)) != NULL; i++) {
        fsm_event event;
        const char *by;
        unsigned seen = 0;
        while (seen < count && strcmp(done[seen], text) != 0) seen++;
        if (seen < count || count == EVENTS_MAX || starts(text, "xstate.error.") != errors) continue;
        done[count++] = text;
        if (!event_of(s, &at, state, text, &event, &by)) continue;
        fsm_code code = suppose_all(s, from, &event, by, err);
        if (code != FSM_OK) return code;
      }
    }
  }
  return FSM_OK;
}

/* ---- the search ---------------------------------------------------------------------------------- */

static fsm_code begin(search *s, fsm_error *err) {
  const unsigned states = fsm_machine_states(s->machine), all = fsm_machine_transitions(s->machine);
  s->first = fsm_arena_zalloc(&s->scratch, states + 1, sizeof *s->first);
  if (s->first == NULL || !fsm__why_stands_begin(&s->stands, s->machine, &s->scratch))
    return fsm_fail(err, FSM_ENOMEM, "", "no memory to look for a way");
  for (unsigned t = 0; t < all; t++) s->first[fsm_transition_source(s->machine, t) + 1] = t + 1;
  for (unsigned i = 1; i <= states; i++)
    if (s->first[i] < s->first[i - 1]) s->first[i] = s->first[i - 1];
  const fsm__why_stand here = {.at = s->why->snapshot, .kept = s->why->snapshot.config, .transition = -1};
  (void)add_stand(s, &here);
  return FSM_OK;
}

static fsm_code look(search *s, fsm_error *err) {
  fsm_code code = begin(s, err);
  for (unsigned from = 0; from < s->stands.count && code == FSM_OK && s->goal == 0; from++) {
    code = expand(s, from, false, err);
    if (code == FSM_OK) code = expand(s, from, true, err);
    if (is_spent(s)) break;
  }
  return code;
}

static fsm_value leaves_of(const fsm__why *why, const uint64_t *config) {
  const fsm_machine *machine = why->in.deployed->machine;
  fsm__items items = {.arena = why->arena};
  for (unsigned state = 0; state < fsm_machine_states(machine); state++)
    if (fsm_config_has(config, state) && fsm_state_is_leaf(machine, state))
      fsm__items_add(&items, fsm_string(fsm_state_path(machine, state)));
  return items.failed ? fsm_null() : fsm_list(items.items, items.count);
}

static fsm_code keep_path(search *s, fsm_error *err) {
  fsm__why *why = s->why;
  unsigned count = 0;
  for (unsigned at = s->goal - 1; at != 0; at = s->stands.at[at].from) count++;
  fsm__why_leg *legs = fsm_arena_alloc(why->arena, count * sizeof *legs);
  if (legs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  unsigned place = count;
  for (unsigned at = s->goal - 1; at != 0; at = s->stands.at[at].from) {
    fsm__why_leg *leg = &legs[--place];
    leg->event = fsm_arena_strdup(why->arena, s->stands.at[at].event);
    leg->by = s->stands.at[at].by;
    leg->state = leaves_of(why, s->stands.at[at].at.config);
    leg->transition = s->stands.at[at].transition;
    fsm_code code = fsm_value_copy(why->arena, &s->stands.at[at].supposes, &leg->supposes, err);
    if (code != FSM_OK || leg->event == NULL) return code != FSM_OK ? code : FSM_ENOMEM;
  }
  why->path = legs;
  why->path_count = count;
  return FSM_OK;
}

/* As FILTER's kind has it. */
static fsm_code find_kinds(fsm__why *why, fsm_error *err) {
  fsm__mobility mobility;
  fsm_code code = fsm__mobility_of(why->at->core->store, &why->in, why->arena, &mobility, err);
  if (code != FSM_OK) return code;
  why->never = fsm__is_dead(&why->in, &mobility);
  return fsm__is_orphan(&why->in, &mobility, &why->known, why->arena, &why->orphan, err);
}

fsm_code fsm__why_path(fsm__why *why, fsm_error *err) {
  if (!fsm__status_open(why->in.status)) return FSM_OK;
  search *s = fsm_arena_zalloc(why->arena, 1, sizeof *s);
  if (s == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to look for a way");
  s->why = why;
  s->machine = why->in.deployed->machine;
  fsm_arena_init(&s->scratch, 0);
  const uint64_t share = s->budget.left = why->budget->left / 2;
  fsm_code code = look(s, err);
  why->budget->left -= share - s->budget.left;
  why->unlooked = s->goal == 0 && s->budget.left == 0;
  if (code == FSM_OK && s->goal > 0) code = keep_path(s, err);
  why->found = s->goal > 0;
  why->exhausted = !s->bounded;
  fsm_arena_free(&s->scratch);
  return code == FSM_OK ? find_kinds(why, err) : code;
}

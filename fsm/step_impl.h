/* step_impl.h: one macrostep under way. Private to fsm/.
 *
 * The idea: a run owns all that changes; machine, snapshot and event are only read. A fault that ends
 * the step (memory, a bound) is sticky in run->fault: code that meets it returns, and the loop asks
 * once per turn. What an expression gets wrong is not a fault but an event (error.execution).
 */
#ifndef FSM_STEP_IMPL_H
#define FSM_STEP_IMPL_H

#include "fsm/machine_impl.h"
#include "fsm/step.h"

/* Most machines never come here: kept out of the code of those. */
#define FSM__RARE __attribute__((cold, noinline))

/* An event in the internal queue. */
typedef struct fsm__queued fsm__queued;
struct fsm__queued {
  fsm__queued *next;
  fsm_event event;
};

/* An invoke asked for by an entry: it becomes an effect of that microstep if its state stays active. */
typedef struct fsm__opening fsm__opening;
struct fsm__opening {
  fsm__opening *next;
  unsigned microstep;
  fsm_effect effect;
  bool dropped;
};

/* What a history state has recorded; states NULL = nothing yet. */
typedef struct fsm__recorded {
  const uint16_t *states; /* document order */
  unsigned count;
  fsm_value value; /* their names */
} fsm__recorded;

/* A history whose default targets are entered in the microstep under way. */
typedef struct fsm__default fsm__default;
struct fsm__default {
  const fsm__default *next;
  uint16_t history;
};

typedef struct fsm__run {
  const fsm_machine *machine;
  fsm_arena *arena;
  fsm_code fault; /* sticky: FSM_ENOMEM, FSM_ELOOP, FSM_ETOOLARGE */

  uint64_t *config;          /* active now */
  uint64_t *exits, *entries; /* of the microstep under way */
  uint64_t *filled;          /* parallel states whose regions are all in entries; only with has_parallel */
  uint64_t *defaults;        /* entries whose initial content runs; only with has_initial_actions */
  const fsm__default *history_defaults;
  unsigned next_entry;     /* the state entered after the one under way; state_count = none */
  fsm__recorded *recorded; /* per history state; NULL when the machine has none */
  fsm_value history;       /* of the snapshot */
  uint64_t *open;          /* states active before this macrostep and not left since: their tasks are open */
  const uint16_t *leaves;  /* active ones, document order */
  unsigned leaf_count;

  fsm_scope scope; /* points at context, event_map and system */
  fsm_value context, event_map, system;
  fsm_event seen;         /* of which event_map is made when an expression reads it */
  int64_t context_bytes;  /* -1 = not known */
  fsm_pair *own_pairs;    /* the context's, when they were made in this microstep; else NULL */
  size_t memory_end;      /* of the arena and of work: past it the step is too large */
  uint64_t work;          /* done so far: actions, turns of loops, expressions */
  const fsm_value *input; /* of a start; NULL in a step */
  const char *session;
  bool (*reaches)(const void *arg, const char *target); /* as of fsm_world */
  const void *reaches_arg;
  const char *event_name; /* the event being processed */
  size_t event_len;
  uint32_t event_number; /* of its name in the machine */
  const char *fired;     /* the timer that this macrostep began with */
  const char *answered;  /* the id of the task whose answer it began with */

  fsm__queued *queue, **queue_end;
  fsm__opening *openings, **openings_end;
  fsm__opening **opening_of; /* per invoke, the one that is not dropped; XState */
  uint64_t *pending;         /* entered states whose invokes are still to be made; SCXML */
  const char **made_ids;     /* per invoke: the id that was made on entry; only with made_ids */
  uint64_t *bound;           /* states whose data is set; only with late_binding */
  uint32_t counter;
  bool done;
  bool inside; /* as of fsm_world */
  bool asks;   /* who may have a transition taken is asked: it is about an event from outside */
  bool denied; /* and somebody may not */
  fsm_value output;

  uint16_t *enabled; /* transitions selected for the next microstep */
  fsm__span *spans;  /* what each of them leaves */
  unsigned enabled_count, span_cap;

  fsm_microstep *microsteps;
  unsigned microstep_count, microstep_cap;
  fsm_effect *effects; /* of the microstep under way */
  unsigned effect_count, effect_cap;
  bool context_changed, history_changed;
  bool assigned;          /* the context was written, be it with what it held */
  bool remembered;        /* a history was written, likewise */
  bool moved;             /* the last microstep changed the snapshot */
  fsm_supposal *supposal; /* as of fsm_world */
  fsm_budget *budget;
  bool only_allows;
  bool foresees;          /* nothing has been sent: what depends on that is not known */

  const fsm__action *failed; /* the action that ends the block under way */
  const char *failed_send;   /* the id that its author gave a send that cannot be sent */
  const char *unhandled, *unhandled_text;
} fsm__run;

/* ---- step.c ------------------------------------------------------------------------------------ */

/* Prepares a run that stands where the snapshot stands (NULL: nothing is active yet). FSM_EARGUMENT: the
 * snapshot is not one of this machine. */
FSM_MUST_USE fsm_code fsm__run_init(fsm__run *run, const fsm_machine *machine, const fsm_snapshot *before,
                                    const fsm_world *world, fsm_arena *arena, fsm_error *err);
void fsm__fault(fsm__run *run, fsm_code code);
/* What the run came to; before is what is given back after a fault. */
FSM_MUST_USE fsm_code fsm__run_finish(fsm__run *run, const fsm_snapshot *before, fsm_step_result *out,
                                      fsm_error *err);

/* ---- step_event.c -------------------------------------------------------------------------------- */

/* Makes it the event that expressions see. */
void fsm__run_see(fsm__run *run, const fsm_event *event);
/* What SCXML's system variables are in this session. */
void fsm__run_system(fsm__run *run);
bool fsm__is_error_event(const char *name);
/* For a while expressions see the event that the run sees as JSON definitions do; *saved is for going back.
 */
typedef struct fsm__sight {
  const fsm_value *event;
  const fsm_value *(*event_of)(void *event_arg);
  fsm_value map;
} fsm__sight;
void fsm__run_see_json(fsm__run *run, fsm__sight *saved);
void fsm__run_see_again(fsm__run *run, const fsm__sight *saved);
#define FSM__PROCESSOR "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"

/* ---- step_suppose.c ------------------------------------------------------------------------------ */

/* Does the condition hold, in a step that is supposed? */
FSM__RARE bool fsm__suppose_holds(fsm__run *run, const fsm_expr *guard, int transition);
/* What is assigned, where it may not be known; true = the action is done. */
FSM__RARE bool fsm__suppose_action(fsm__run *run, const fsm__action *action);

/* ---- action.c ---------------------------------------------------------------------------------- */

/* A whole block: its first error is raised and ends it. */
void fsm__block_run(fsm__run *run, const fsm__block *block);
/* Actions inside of an action: an error is given back, run->failed says whose. */
FSM_MUST_USE fsm_code fsm__actions_run(fsm__run *run, const fsm__block *block, fsm_error *err);
FSM_MUST_USE fsm_code fsm__template_eval(fsm__run *run, const fsm__template *t, fsm_value *out,
                                         fsm_error *err);
/* The same with the bound of what leaves the step: event data, an effect's data. */
FSM_MUST_USE fsm_code fsm__data_eval(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err);
/* The same for a text, which is `what`; without a template NULL. */
FSM_MUST_USE fsm_code fsm__text_eval(fsm__run *run, const fsm__template *t, const char *what,
                                     const char **out, fsm_error *err);
/* Counts one action or turn of a loop, and what it touches; past FSM_STEP_BYTES_MAX the run has a fault. */
void fsm__spend(fsm__run *run, uint64_t bytes);
/* Puts an event into the internal queue. */
void fsm__enqueue(fsm__run *run, const fsm_event *event);
/* What an expression got wrong becomes error.execution; FSM_ENOMEM becomes a fault. */
void fsm__raise_error(fsm__run *run, const char *where, const fsm_error *fault);
/* The same for a send to a target where nobody is: error.communication. */
void fsm__raise_undelivered(fsm__run *run, const char *target, const char *sendid);
/* A new effect of the microstep under way; NULL after a fault. Its strings are the caller's. */
fsm_effect *fsm__effect(fsm__run *run, fsm_effect_kind kind);
fsm_code fsm__step_no_memory(fsm_error *err);

typedef fsm_code fsm__action_function(fsm__run *run, const fsm__action *action, fsm_error *err);
/* action_data.c */
fsm__action_function fsm__action_assign, fsm__action_set;
/* action_flow.c */
fsm__action_function fsm__action_if, fsm__action_foreach;
/* action_send.c */
fsm__action_function fsm__action_raise, fsm__action_send, fsm__action_cancel;

/* ---- action_data.c ------------------------------------------------------------------------------- */

/* Writes to a place whose variable is declared. */
FSM_MUST_USE fsm_code fsm__location_set(fsm__run *run, const fsm__location *place, const fsm_value *value,
                                        fsm_error *err);
/* Writes a variable, declared or not; past the bound of the context the run has a fault. */
void fsm__context_put(fsm__run *run, const char *name, const fsm_value *value);
/* Replaces the whole context. */
void fsm__context_replace(fsm__run *run, const fsm_value *context);

/* ---- step_data.c --------------------------------------------------------------------------------- */

/* At the start: all variables are declared and, with early binding, set. */
void fsm__data_start(fsm__run *run);
/* With late binding: a state is entered for the first time. */
void fsm__data_enter(fsm__run *run, unsigned state);

/* ---- step_invoke.c ------------------------------------------------------------------------------- */

void fsm__invoke_enter(fsm__run *run, unsigned state);
void fsm__invoke_exit(fsm__run *run, unsigned state);
/* SCXML: at the end of the macrostep the states entered and not left are served; true = there were some. */
bool fsm__invoke_pending(fsm__run *run);
/* XState: what was asked for on entry and not dropped becomes the last effects of its microstep. */
void fsm__invoke_openings(fsm__run *run);
/* Finalize and autoforward, before the event is looked at. */
void fsm__invoke_overhear(fsm__run *run, const fsm_event *event);
/* Fills the fields of a snapshot's history; what does not fit is FSM_EARGUMENT. */
FSM_MUST_USE fsm_code fsm__invoked_read(fsm__run *run, const fsm_value *map, fsm_error *err);

/* ---- step_select.c ----------------------------------------------------------------------------- */

/* Fills run->enabled for the event that the run sees. */
void fsm__select(fsm__run *run);
/* The same with eventless transitions; told: their faults have been raised already. */
void fsm__select_eventless(fsm__run *run, bool told);
/* The same with transitions that somebody has selected, at most one for each leaf; conflicts are removed. */
void fsm__select_these(fsm__run *run, const uint16_t *transitions, unsigned count);
/* Evaluates the guard; a fault is in *fault (code FSM_OK = none). */
bool fsm__guard_holds(fsm__run *run, const fsm__transition *t, fsm_error *fault);

/* ---- step_allow.c ------------------------------------------------------------------------------ */

/* Is it known who acts? */
/* Nothing more is asked. */
static inline bool fsm__run_over(const fsm__run *run) {
  return run->budget != NULL && run->work >= run->budget->left;
}
/* What the run has cost; at its end. */
static inline void fsm__run_charge(const fsm__run *run) {
  if (run->budget == NULL) return;
  run->budget->left -= run->work < run->budget->left ? run->work : run->budget->left;
}

static inline bool fsm__has_actor(const fsm__run *run) {
  return run->scope.actor != NULL && fsm_is(run->scope.actor, FSM_MAP);
}
/* Is who may to be asked for this event? */
bool fsm__asks_for(const fsm__run *run, const fsm_event *event);
/* Does the root's allow let it in at all? */
bool fsm__root_permits(fsm__run *run);
/* Do all of the transition but the root's hold? run->denied says whether one of them did not. */
FSM__RARE bool fsm__permits(fsm__run *run, unsigned transition);
/* Fills the candidate's allows and verdict; false after a fault. */
bool fsm__candidate_allows(fsm__run *run, fsm_candidate *candidate);
/* Of the candidates, those that do not hold, each once; without candidates the root's. */
void fsm__denied(fsm__run *run, fsm_step_result *out);

/* ---- step_micro.c ------------------------------------------------------------------------------ */

/* Takes run->enabled. trigger "" = eventless. */
void fsm__microstep(fsm__run *run, const char *trigger, fsm_cause cause, const fsm_value *data);
/* One that takes nothing; NULL after a fault. Without an end it is forgotten. */
fsm_microstep *fsm__microstep_begin(fsm__run *run);
void fsm__microstep_end(fsm__run *run, fsm_microstep *micro);
/* What came after its end is added to the last microstep. */
void fsm__microstep_extend(fsm__run *run);
/* The initial entry, as a microstep. */
void fsm__enter_initial(fsm__run *run, const fsm_value *input);
/* The active leaves of a configuration, in the arena; NULL = out of memory. */
uint16_t *fsm__leaves_of(const fsm_machine *m, const uint64_t *config, fsm_arena *arena, unsigned *count);

/* The members of a set as numbers, ascending or descending; NULL when empty or after a fault. */
const uint16_t *fsm__list_of(fsm__run *run, const uint64_t *set, bool descending, unsigned *count);

/* ---- step_exit.c, step_entry_set.c, step_enter.c ------------------------------------------------- */

void fsm__exitStates(fsm__run *run, fsm_microstep *micro);
/* At the end of the machine: all is left, but the configuration stays, as the end that was reached. */
void fsm__exitInterpreter(fsm__run *run);
/* Fill run->entries with what run->enabled enters, or with what a start does. */
void fsm__computeEntrySet(fsm__run *run);
void fsm__compute_initial_set(fsm__run *run);
void fsm__enterStates(fsm__run *run, fsm_microstep *micro);
bool fsm__isInFinalState(const fsm__run *run, unsigned state);
/* The timers of a state's delayed transitions. */
void fsm__afters_set(fsm__run *run, unsigned state);
void fsm__afters_cancel(fsm__run *run, unsigned state);

/* ---- step_history.c ------------------------------------------------------------------------------ */

/* What a history state stands for now: what it recorded, else its default targets. */
const uint16_t *fsm__history_states(const fsm__run *run, unsigned history, unsigned *count);
bool fsm__history_has(const fsm__run *run, unsigned history);
/* What a transition to a history leaves now. */
fsm__span fsm__history_span(const fsm__run *run, const fsm__transition *t);
/* Makes run->history anew when it has changed. */
void fsm__history_rebuild(fsm__run *run);
/* Before the states are left: their histories remember. */
void fsm__history_record(fsm__run *run, const uint16_t *exited, unsigned count);
/* Takes over a snapshot's history; what does not fit the machine is FSM_EARGUMENT. */
FSM_MUST_USE fsm_code fsm__history_read(fsm__run *run, const fsm_value *history, fsm_error *err);

/* ---- step_config.c ------------------------------------------------------------------------------- */

/* Are the active children of this state what its kind asks for? */
bool fsm__config_children_legal(const fsm_machine *m, const uint64_t *config, unsigned state);
/* Is the state active, and what is active below it legal? */
bool fsm__config_legal_below(const fsm_machine *m, const uint64_t *config, unsigned ancestor);

/* ---- step_refuse.c ----------------------------------------------------------------------------- */

/* Why nothing took the event: fills outcome and candidates. */
void fsm__refusal(fsm__run *run, const fsm_event *event, fsm_step_result *out);

#endif

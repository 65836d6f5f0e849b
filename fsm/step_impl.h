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

/* An event in the internal queue. */
typedef struct fsm__queued fsm__queued;
struct fsm__queued {
  fsm__queued *next;
  const char *name;
  fsm_value data;
};

/* An invoke asked for by an entry: it becomes an effect of that microstep if its state stays active. */
typedef struct fsm__opening fsm__opening;
struct fsm__opening {
  fsm__opening *next;
  unsigned microstep, invoke;
  fsm_value input;
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

  fsm_scope scope; /* points at context and event_map */
  fsm_value context, event_map;
  const char *event_name; /* the event being processed */
  size_t event_len;
  const char *fired, *answered; /* the timer or task answer that this macrostep began with */

  fsm__queued *queue, **queue_end;
  fsm__opening *openings, **openings_end;
  uint32_t counter;
  bool done;
  fsm_value output;

  uint16_t *enabled; /* transitions selected for the next microstep */
  fsm__span *spans;  /* what each of them leaves */
  unsigned enabled_count, span_cap;

  fsm_microstep *microsteps;
  unsigned microstep_count, microstep_cap;
  fsm_effect *effects; /* of the microstep under way */
  unsigned effect_count, effect_cap;
  bool context_changed, history_changed;
  bool assigned; /* the context was written, be it with what it held */
  bool moved;    /* the last microstep changed the snapshot */

  const char *unhandled, *unhandled_text;
} fsm__run;

/* ---- step.c ------------------------------------------------------------------------------------ */

/* Prepares a run that stands where the snapshot stands (NULL: nothing is active yet). FSM_EARGUMENT: the
 * snapshot is not one of this machine. */
FSM_MUST_USE fsm_code fsm__run_init(fsm__run *run, const fsm_machine *machine, const fsm_snapshot *before,
                                    const fsm_world *world, fsm_arena *arena, fsm_error *err);
/* Makes it the event that expressions see. */
void fsm__run_see(fsm__run *run, const char *name, const fsm_value *data);
void fsm__fault(fsm__run *run, fsm_code code);

/* ---- action.c ---------------------------------------------------------------------------------- */

void fsm__block_run(fsm__run *run, const fsm__block *block);
FSM_MUST_USE fsm_code fsm__template_eval(fsm__run *run, const fsm__template *t, fsm_value *out,
                                         fsm_error *err);
/* Puts an event into the internal queue. */
void fsm__enqueue(fsm__run *run, const char *name, const fsm_value *data);
/* What an expression got wrong becomes error.execution; FSM_ENOMEM becomes a fault. */
void fsm__raise_error(fsm__run *run, const char *where, const fsm_error *fault);
/* A new effect of the microstep under way; NULL after a fault. Its strings are the caller's. */
fsm_effect *fsm__effect(fsm__run *run, fsm_effect_kind kind);
bool fsm__is_error_event(const char *name);

/* ---- step_select.c ----------------------------------------------------------------------------- */

/* Fills run->enabled for the event that the run sees. */
void fsm__select(fsm__run *run);
/* The same with eventless transitions; told: their faults have been raised already. */
void fsm__select_eventless(fsm__run *run, bool told);
/* Evaluates the guard; a fault is in *fault (code FSM_OK = none). */
bool fsm__guard_holds(fsm__run *run, const fsm__transition *t, fsm_error *fault);

/* ---- step_micro.c ------------------------------------------------------------------------------ */

/* Takes run->enabled. trigger "" = eventless. */
void fsm__microstep(fsm__run *run, const char *trigger, fsm_cause cause, const fsm_value *data);
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

/* ---- step_history.c ------------------------------------------------------------------------------ */

/* What a history state stands for now: what it recorded, else its default targets. */
const uint16_t *fsm__history_states(const fsm__run *run, unsigned history, unsigned *count);
bool fsm__history_has(const fsm__run *run, unsigned history);
/* What a transition to a history leaves now. */
fsm__span fsm__history_span(const fsm__run *run, const fsm__transition *t);
/* Before the states are left: their histories remember. */
void fsm__history_record(fsm__run *run, const uint16_t *exited, unsigned count);
/* Takes over a snapshot's history; what does not fit the machine is FSM_EARGUMENT. */
FSM_MUST_USE fsm_code fsm__history_read(fsm__run *run, const fsm_value *history, fsm_error *err);

/* ---- step_config.c ------------------------------------------------------------------------------- */

/* Are the active children of this state what its kind asks for? */
bool fsm__config_children_legal(const fsm_machine *m, const uint64_t *config, unsigned state);

/* ---- step_refuse.c ----------------------------------------------------------------------------- */

/* Why nothing took the event: fills outcome and candidates. */
void fsm__refusal(fsm__run *run, const fsm_event *event, fsm_step_result *out);

#endif

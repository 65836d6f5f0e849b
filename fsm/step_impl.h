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

typedef struct fsm__run {
  const fsm_machine *machine;
  fsm_arena *arena;
  fsm_code fault; /* sticky: FSM_ENOMEM, FSM_ELOOP, FSM_ETOOLARGE */

  uint64_t *config;          /* active now */
  uint64_t *exits, *entries; /* of the microstep under way */
  uint64_t *open;         /* states active before this macrostep and not left since: their tasks are open */
  const uint16_t *leaves; /* active ones, document order */
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
  unsigned enabled_count;

  fsm_microstep *microsteps;
  unsigned microstep_count, microstep_cap;
  fsm_effect *effects; /* of the microstep under way */
  unsigned effect_count, effect_cap;
  bool context_changed;

  const char *unhandled, *unhandled_text;
} fsm__run;

/* ---- step.c ------------------------------------------------------------------------------------ */

/* Prepares a run that stands where the snapshot stands (NULL: nothing is active yet). */
void fsm__run_init(fsm__run *run, const fsm_machine *machine, const fsm_snapshot *before,
                   const fsm_world *world, fsm_arena *arena);
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

/* Fills run->enabled for the event that the run sees, or with eventless transitions. */
void fsm__select(fsm__run *run, bool eventless);
/* Evaluates the guard; a fault is in *fault (code FSM_OK = none). */
bool fsm__guard_holds(fsm__run *run, const fsm__transition *t, fsm_error *fault);

/* ---- step_micro.c ------------------------------------------------------------------------------ */

/* Takes run->enabled. trigger "" = eventless. */
void fsm__microstep(fsm__run *run, const char *trigger, fsm_cause cause, const fsm_value *data);
/* The initial entry, as a microstep. */
void fsm__enter_initial(fsm__run *run, const fsm_value *input);
/* The active leaves of a configuration, in the arena; NULL = out of memory. */
uint16_t *fsm__leaves_of(const fsm_machine *m, const uint64_t *config, fsm_arena *arena, unsigned *count);

/* ---- step_refuse.c ----------------------------------------------------------------------------- */

/* Why nothing took the event: fills outcome and candidates. */
void fsm__refusal(fsm__run *run, const fsm_event *event, fsm_step_result *out);

#endif

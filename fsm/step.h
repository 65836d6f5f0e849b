/* step.h: the step. snapshot + event → microsteps, effects and the next snapshot. Pure: no clock, no
 * random numbers, no I/O, nothing kept between calls; the same input gives the same output for ever.
 *
 * The algorithm is the one of SCXML Appendix D and its functions carry the names of that text
 * (https://www.w3.org/TR/scxml/#AlgorithmforSCXMLInterpretation). One call is one macrostep: the
 * external event and all that follows from it until the machine waits again. Each microstep that
 * takes a transition is reported, with what it changed and what it asks of the world.
 */
#ifndef FSM_STEP_H
#define FSM_STEP_H

#include "fsm/expr_parts.h"
#include "fsm/expr_remedy.h"
#include "fsm/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one call may take from its arena, and what it may do, together: 32 for each action and each turn of a
 * loop, the bytes of what a loop goes over, and the work of expressions. More is FSM_ETOOLARGE and rolled
 * back. Only loops of content over large data come near it. */
enum { FSM_STEP_BYTES_MAX = 256 * 1024 * 1024 };

/* An instance between two steps. Everything is borrowed from whoever made it. */
typedef struct fsm_snapshot {
  const uint64_t *config; /* fsm_machine_words words: active states, ancestors and root included */
  fsm_value context;      /* map */
  /* What the configuration does not tell, null when there is nothing: a map of each history state's path
   * to the list of paths it recorded (SCXML 3.10); with late binding "#bound": the paths of the states
   * whose data is set; with made invoke ids "#invoked": a map of id to the invoke's number. Names, not
   * numbers of states, so that people can read it. What does not fit the machine is FSM_EARGUMENT. */
  fsm_value history;
  uint32_t counter; /* for ids that the engine makes; only grows */
  bool done;        /* the root is in a final state */
  fsm_value output; /* of the machine, once done */
} fsm_snapshot;

typedef enum fsm_cause {
  FSM_CAUSE_EXTERNAL,
  FSM_CAUSE_TIMER,
  FSM_CAUSE_ALWAYS,
  FSM_CAUSE_RAISED,
  FSM_CAUSE_TASK,
  FSM_CAUSE_ADMIN,
  FSM_CAUSE_MIGRATE,
  FSM_CAUSE_COUNT
} fsm_cause;

FSM_API const char *fsm_cause_name(fsm_cause cause); /* "external", "timer", … */

typedef struct fsm_event {
  const char *name;
  fsm_value data;  /* null = none; seen as event.data; of a task's answer: its output or its error */
  fsm_cause cause; /* EXTERNAL, TIMER or TASK */
  /* The rest is for SCXML (5.10.1), NULL = none. */
  const char *type;                /* "external" (NULL), "platform" or "internal" */
  const char *sendid;              /* of a TIMER: its id; one that the engine made is not shown */
  const char *origin, *origintype; /* where to answer */
  const char *invokeid;            /* of the invocation that it comes from: its finalize is run first */
} fsm_event;

/* A step that is only supposed, of an event that nobody has sent: what it carries, who sent it and when are
 * not known. A condition that depends on that is asked for; what is assigned from it is not known either; an
 * error raises nothing, and the actions behind it run. So it may be seen where events could lead, and nothing
 * of the result is to be kept. */
typedef struct fsm_supposal {
  /* Is the condition to hold? transition: its number; -1 = a condition of an action. */
  bool (*holds)(void *holds_arg, int transition, const char *text);
  void *holds_arg;
  const fsm_value *fields; /* names of the context whose values are not known; afterwards as they are then */
  unsigned field_count;
} fsm_supposal;

/* What a step sees of the world. */
/* What questions may cost together, in work of expr.h: whoever asks several gives each of them the same one.
 * An evaluation begins only while something is left, so the last one may go past it: by FSM_EXPR_WORK_MAX, of a
 * guard taken apart by 16 times that. */
typedef struct fsm_budget {
  uint64_t left;
} fsm_budget;

typedef struct fsm_world {
  const fsm_value *actor; /* map; NULL = nobody */
  int64_t now_ns;         /* UTC, nanoseconds since 1970: the recorded time of the command */
  const char *session;    /* the instance's id, _sessionid; NULL = "" */
  /* What comes is from another instance, the engine's user or an operator: who may is not asked. Else of a
   * start the root's allow must hold, and of an EXTERNAL event those of the transition that takes it
   * (fsm_transition_allows). */
  bool inside;
  /* Can an event be sent to this target now? Asked for a send without delay to another session; false is
   * an "error.communication" in the internal queue (SCXML D.1). NULL = nobody can tell now: whoever carries
   * the effect out tells later. Its answer must depend only on what led to this step. */
  bool (*reaches)(const void *reaches_arg, const char *target);
  const void *reaches_arg;
  fsm_supposal *supposal; /* NULL = it is so */
  /* Of fsm_enabled, fsm_guard_parts, fsm_guard_remedy, fsm_foresee… and steps that are only supposed: what is
   * over it is not asked, and nothing is said of it. NULL = whatever it costs; of commands always. */
  fsm_budget *budget;
  bool only_allows; /* of fsm_enabled: guards are not asked */
} fsm_world;

typedef enum fsm_effect_kind {
  FSM_EFFECT_TIMER_SET,    /* id, event, data, delay_ns: an event to the same instance later. Delay 0: its
                              next external event. One id set twice is two timers (SCXML 6.2.4) */
  FSM_EFFECT_TIMER_CANCEL, /* id: all that was set or sent under it and has not fired */
  FSM_EFFECT_TASK_OPEN,    /* id (invoke id), invoke, data = input; src, type, content where computed */
  FSM_EFFECT_TASK_CANCEL,  /* id, invoke */
  FSM_EFFECT_EMIT,         /* event, data */
  FSM_EFFECT_LOG,          /* data, label */
  FSM_EFFECT_SEND,         /* id, event, data, target, type, delay_ns: an event to another session (or, with a
                              type or target that the engine does not know, to whoever does). Who cannot
                              deliver it answers with an event "error.communication" of type "platform" */
  FSM_EFFECT_FORWARD       /* id, invoke: the event of this macrostep, to the child (autoforward) */
} fsm_effect_kind;

typedef struct fsm_effect {
  fsm_effect_kind kind;
  const char *id, *event;
  const char *target, *type, *src, *label; /* NULL = none */
  bool id_made; /* TIMER_SET, SEND: the engine made the id; it is no _event.sendid */
  fsm_value data;
  fsm_value content; /* TASK_OPEN: the definition, null = none */
  int64_t delay_ns;
  unsigned invoke; /* number in the machine */
  unsigned state;  /* TIMER_SET of a delayed transition: whose it is; of a delayed event the root, 0 */
} fsm_effect;

/* One with neither transitions nor entered states only changed data or asked for effects: a finalize, an
 * event that is forwarded. */
typedef struct fsm_microstep {
  const char *trigger; /* event name; "" for eventless and for the initial entry */
  fsm_cause cause;
  fsm_value data;                /* of the trigger */
  const uint16_t *from, *to;     /* active leaves before and after, document order */
  unsigned from_count, to_count; /* from_count is 0 for the initial entry */
  const uint16_t *transitions;   /* taken, numbers in document order; none for the initial entry */
  unsigned transition_count;
  const uint16_t *exited, *entered; /* in the order it happened; a re-entered state is in both */
  unsigned exited_count, entered_count;
  fsm_value context; /* after this microstep */
  bool context_changed;
  fsm_value history; /* after this microstep, as in the snapshot */
  bool history_changed;
  const fsm_effect *effects; /* in the order they were asked for; invokes last */
  unsigned effect_count;
} fsm_microstep;

/* Why an event was not taken: one per transition that names the event in an active state. */
typedef struct fsm_candidate {
  unsigned transition, source; /* numbers */
  const char *guard;           /* its text, NULL when it has none */
  const char *guard_name;      /* NULL when inline */
  bool enabled;                /* no guard, or true */
  fsm_value seen;              /* what the guard read (fsm_expr_seen) */
  const char *fault;           /* the guard's evaluation error, NULL when it evaluated */
  bool depends; /* only what is sent, or who acts, decides: neither true nor false before */
  bool unasked; /* the budget was over: `depends` and `permitted` say that it is not known */
  fsm_verdict permitted;   /* all its allows hold; of a refusal, when they do not, the guard was not asked */
  const fsm_allow *allows; /* that apply: the root's first, its own last */
  unsigned allow_count;
} fsm_candidate;

typedef struct fsm_step_result {
  /* FSM_OK taken · FSM_EGUARD · FSM_EPERMISSION · FSM_ENOTRANSITION · FSM_EEVENT refused, snapshot unchanged
   * · FSM_ELOOP past the microstep bound: everything rolled back · FSM_EEXPRESSION an error event that
   * nothing takes: snapshot and microsteps stand, unhandled says which · FSM_ETOOLARGE the context
   * would pass its bound, or the step's memory would: everything rolled back · FSM_ECOMPLETED the machine had
   * ended before. FSM_EEVENT is only said of EXTERNAL events (also for any name that begins with "xstate.").
   * A guard fault that leaves an EXTERNAL event without a taker is FSM_EGUARD with candidate.fault; for a
   * TIMER or TASK event it is FSM_EEXPRESSION with no microstep. After a roll-back of fsm_start next.config
   * is NULL. When next.done and unhandled are both set, an error came with the last microstep. */
  fsm_code outcome;
  unsigned microstep_count;
  const fsm_microstep *microsteps;
  fsm_snapshot next;
  const fsm_candidate *candidates; /* FSM_EGUARD, FSM_EPERMISSION only */
  const fsm_allow *denied;         /* FSM_EPERMISSION only: those that do not hold, each once */
  unsigned candidate_count, denied_count;
  const char *unhandled;      /* error event without a taker ("error.execution", "xstate.error.actor.x") */
  const char *unhandled_text; /* its cause */
} fsm_step_result;

/* Enters the initial configuration. input (NULL = null) is seen as event.data by the initial context and
 * entry actions (and as `input` in context expressions). All of *out lives in arena or in machine, or is
 * borrowed from *input and *actor. An initial context that cannot be evaluated (FSM_EEXPRESSION) is a
 * return code: there is nothing to stand. */
FSM_API FSM_MUST_USE fsm_code fsm_start(const fsm_machine *machine, const fsm_value *input,
                                        const fsm_world *world, fsm_arena *arena, fsm_step_result *out,
                                        fsm_error *err);

/* One macrostep. before->config is legal: the engine made it, or fsm_config_legal or fsm_config_from_leaves
 * has said so; builds with NDEBUG do not look again. A return other than FSM_OK is a fault of the call
 * (memory, arguments), never a refusal: those are in out->outcome. Parts of *out may be borrowed from
 * *before, *event and *actor. A timer or task that the event itself used up is not cancelled by the step; one
 * that ended earlier may be: cancelling what is not there is for the caller to ignore. */
FSM_API FSM_MUST_USE fsm_code fsm_step(const fsm_machine *machine, const fsm_snapshot *before,
                                       const fsm_event *event, const fsm_world *world, fsm_arena *arena,
                                       fsm_step_result *out, fsm_error *err);

/* Ends an instance from outside, as a parent that leaves the invoking state does (SCXML 6.4.3): the exit
 * actions of all active states run, timers and tasks are cancelled; no output. One microstep. */
FSM_API FSM_MUST_USE fsm_code fsm_stop(const fsm_machine *machine, const fsm_snapshot *before,
                                       const fsm_world *world, fsm_arena *arena, fsm_step_result *out,
                                       fsm_error *err);

/* Puts an instance into a configuration from outside, as an operator does who repairs it: config is legal
 * (fsm_config_from_leaves). No entry, exit, transition or default action runs, no history is recorded and no
 * done event is sent. The timers of delayed transitions and the tasks of the states that are left are
 * cancelled, those of the states that are entered are set and opened; a state that is in both keeps its own.
 * Eventless transitions wait for the next step. One microstep (none when it stands there already) with cause
 * ADMIN; next.done when the root is in a final state then, its output is null. A delay or an input that
 * cannot be evaluated is outcome FSM_EEXPRESSION with unhandled_text: not to be used. */
FSM_API FSM_MUST_USE fsm_code fsm_force(const fsm_machine *machine, const fsm_snapshot *before,
                                        const uint64_t *config, const fsm_world *world, fsm_arena *arena,
                                        fsm_step_result *out, fsm_error *err);

/* May the world's actor answer the task of the invoke with this event? Only the invoke's own allow is asked.
 * *out is that allow, its `holds` NO or YES; true without one. */
FSM_API FSM_MUST_USE fsm_code fsm_invoke_permits(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                                 unsigned invoke, const fsm_event *event,
                                                 const fsm_world *world, fsm_arena *arena, bool *permitted,
                                                 fsm_allow *out, fsm_error *err);

/* What may be sent now: the candidates of every event transition of the active states whose events
 * people or systems send (not xstate.* and done.*), with each descriptor of the transition, in SCXML without
 * its ".*". Of who may, `permitted` and `holds` say DEPENDS where they cannot be told from the world's actor
 * (NULL = not known) without the event's data. Guards are asked in any case. */
typedef struct fsm_enabled_event {
  const char *event; /* descriptor, "APPROVE" */
  fsm_candidate candidate;
} fsm_enabled_event;
FSM_API FSM_MUST_USE fsm_code fsm_enabled(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                          const fsm_world *world, fsm_arena *arena,
                                          const fsm_enabled_event **out, unsigned *count, fsm_error *err);

/* The transition's guard taken apart, as it stands now. event NULL: it is not known what is sent; a world
 * without an actor: nor by whom. Without a guard: TRUE, no parts. */
FSM_API FSM_MUST_USE fsm_code fsm_guard_parts(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                              unsigned transition, const fsm_event *event,
                                              const fsm_world *world, fsm_arena *arena, fsm_truth *truth,
                                              const fsm_expr_part **parts, unsigned *count, fsm_error *err);

/* What the context would have to be for the transition's guard to hold (expr_remedy.h), whatever is sent. */
FSM_API FSM_MUST_USE fsm_code fsm_guard_remedy(const fsm_machine *machine, const fsm_snapshot *snapshot,
                                               unsigned transition, const fsm_world *world,
                                               const fsm_remedy_rules *rules, fsm_arena *arena,
                                               fsm_value *patch, fsm_truth *truth, fsm_error *err);

/* The one predicate for a legal configuration (SCXML 3.11): root active, one child of each active
 * compound, all of a parallel, parents of all active. Guards step, decode, tests and fuzzers. */
FSM_API bool fsm_config_legal(const fsm_machine *machine, const uint64_t *config);
/* Sets out (fsm_machine_words words) to the leaves and their ancestors; false when not legal. */
FSM_API bool fsm_config_from_leaves(const fsm_machine *machine, const uint16_t *leaves, unsigned count,
                                    uint64_t *out);
static inline bool fsm_config_has(const uint64_t *config, unsigned state) {
  return (config[state / 64] >> (state % 64)) & 1;
}

#ifdef __cplusplus
}
#endif
#endif

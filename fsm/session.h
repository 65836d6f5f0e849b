/* session.h: machines at work in memory: sessions, their external queues, their timers and their
 * children, under a clock that only the caller moves.
 *
 * What the durable runtime does with a disk, this does with nothing: it carries out the effects of each
 * step (SCXML Appendix D's outer loop and its event I/O processor). It is for simulating a definition,
 * for tests, and for programs that need no durability. Deterministic: ids are counted ("s1", "s2", …),
 * time stands still until fsm_sessions_advance.
 *
 * The order of things: events sent between sessions, and timers that are due, are processed first in,
 * first out, one macrostep each, before any call returns. Timers fire in (due, order set). A child's
 * "done.invoke.<id>" (or "xstate.done.actor.<id>") is an event like any other. What cannot be delivered
 * comes back as "error.communication".
 *
 *
 * Between sessions the SCXML Event I/O Processor works (D.1): targets are "#_parent", "#_<invoke id>" and
 * "#_scxml_<session id>", in the XState dialect also an invoke id alone. A child starts behind what already
 * waits; it stops, with its exit actions, before anything else happens. What it sent before it ended by
 * itself is heard, nothing of one that was cancelled is, and its timers die with it. A child that fails (it
 * cannot be loaded or started, it loops, in the XState dialect an error that nothing takes) ends, and its
 * parent gets "xstate.error.actor.<id>" or "error.communication". An event to an open task on which no
 * session works, and an event with a type that nobody knows, are for the watcher; the latter comes back, too.
 *
 * Everything is in memory owned by the fsm_sessions; views that the calls give live until the next call
 * that changes anything; a session that the program started stays until the end, a child only until its own.
 * Limits: FSM_SESSIONS_MAX sessions, FSM_SESSION_QUEUE_MAX events waiting, timers included: past them
 * the call is FSM_ETOOLARGE. FSM_SESSION_STEPS_MAX macrosteps in one call: past them it is FSM_ELOOP, and the
 * next call goes on from there. After FSM_ENOMEM, FSM_ETOOLARGE or a fault of `between` in the middle of a
 * macrostep's effects every further call is refused with that code; looking remains.
 */
#ifndef FSM_SESSION_H
#define FSM_SESSION_H

#include "fsm/step.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FSM_SESSIONS_MAX = 1000, FSM_SESSION_QUEUE_MAX = 100000, FSM_SESSION_STEPS_MAX = 1000000 };

typedef struct fsm_sessions fsm_sessions;
typedef struct fsm_session fsm_session;

/* What happened, as it happens: one call per macrostep. event is NULL for a start and for a stop. */
typedef void fsm_session_watch(void *arg, const fsm_session *session, const fsm_event *event,
                               const fsm_step_result *result);

typedef struct fsm_sessions_options {
  int64_t now_ns;         /* the clock at the beginning */
  const fsm_value *actor; /* copied; NULL = nobody */
  fsm_session_watch *watch;
  void *watch_arg;
  /* The machine of an invoke that is named by src, or defined by content (a value, null = none). *machine
   * stays the callback's and outlives the sessions; NULL = there is none: the invoke stays an open task
   * that fsm_session_answer ends. A fault becomes the invoke's error event. NULL callback = always none. */
  fsm_code (*load)(void *arg, const fsm_session *parent, const fsm_effect *open, const fsm_machine **machine,
                   fsm_error *err);
  void *load_arg;
  /* Called after each macrostep with the new snapshot; what it leaves there is what the next step
   * begins with (tests write it out and read it back). NULL = none. */
  fsm_code (*between)(void *arg, const fsm_machine *machine, fsm_arena *arena, fsm_snapshot *snapshot,
                      fsm_error *err);
  void *between_arg;
  unsigned steps_max; /* macrosteps in one call; 0 = FSM_SESSION_STEPS_MAX */
} fsm_sessions_options;

FSM_API FSM_MUST_USE fsm_code fsm_sessions_new(const fsm_sessions_options *options, fsm_sessions **out,
                                               fsm_error *err);
FSM_API void fsm_sessions_free(fsm_sessions *sessions);

/* Starts a machine (which outlives the sessions) and runs until nothing is left to do now. A start that
 * cannot be made, or is rolled back, leaves nothing; *out is set also when what follows ends in a fault. */
FSM_API FSM_MUST_USE fsm_code fsm_sessions_start(fsm_sessions *sessions, const fsm_machine *machine,
                                                 const fsm_value *input, fsm_session **out, fsm_error *err);
/* Sends an external event. *outcome is what fsm_step said of it (not of what followed); may be NULL. The
 * callbacks must not call this or the like: FSM_EARGUMENT. */
FSM_API FSM_MUST_USE fsm_code fsm_session_send(fsm_session *session, const fsm_event *event,
                                               fsm_code *outcome, fsm_error *err);
/* Ends an open task with its output, or with its error when failed. FSM_ENOTFOUND: no such task, or a
 * session works on it. */
FSM_API FSM_MUST_USE fsm_code fsm_session_answer(fsm_session *session, const char *invoke_id, bool failed,
                                                 const fsm_value *data, fsm_error *err);
/* Moves the clock forward to now_ns, firing what becomes due, each at its own time. */
FSM_API FSM_MUST_USE fsm_code fsm_sessions_advance(fsm_sessions *sessions, int64_t now_ns, fsm_error *err);
/* Moves the clock at once, as after a downtime: what became due meanwhile fires in order, at now_ns. */
FSM_API FSM_MUST_USE fsm_code fsm_sessions_jump(fsm_sessions *sessions, int64_t now_ns, fsm_error *err);

/* Who acts from now on (a copy is kept); NULL = nobody. */
FSM_API FSM_MUST_USE fsm_code fsm_sessions_set_actor(fsm_sessions *sessions, const fsm_value *actor,
                                                     fsm_error *err);

FSM_API int64_t fsm_sessions_now(const fsm_sessions *sessions);
/* When the next timer is due; false = none is set. */
FSM_API bool fsm_sessions_next_due(const fsm_sessions *sessions, int64_t *due_ns);

FSM_API const char *fsm_session_id(const fsm_session *session);
FSM_API const fsm_session *fsm_session_parent(const fsm_session *session); /* NULL = none */
FSM_API const fsm_machine *fsm_session_machine(const fsm_session *session);
FSM_API const fsm_snapshot *fsm_session_snapshot(const fsm_session *session);

typedef struct fsm_session_timer {
  const char *id, *event, *target; /* target NULL = the session itself */
  int64_t set_ns, due_ns;          /* when it was set, and when it fires */
} fsm_session_timer;
/* The n-th timer of a session in the order they fire; false when there are fewer. */
FSM_API bool fsm_session_timer_at(const fsm_session *session, unsigned n, fsm_session_timer *out);
typedef struct fsm_session_task {
  const char *id;
  unsigned invoke;
  const fsm_session *child; /* NULL = waits for an answer */
} fsm_session_task;
FSM_API bool fsm_session_task_at(const fsm_session *session, unsigned n, fsm_session_task *out);

#ifdef __cplusplus
}
#endif
#endif

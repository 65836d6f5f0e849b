/* session_impl.h: what sessions are made of. Private to fsm/.
 *
 * The idea: all that is to happen is a message (a start, an event), and all messages go through one queue;
 * a timer is a message that waits. One macrostep is under way at a time, in one scratch arena, whatever
 * the nesting of sessions, so nothing here recurses. Messages name sessions and tasks by numbers that are
 * never used twice, so one that outlives its addressee finds nobody. Invariant: a message that belongs to
 * a task is looked at only while that task is open, so that nothing is heard of a child that was cancelled;
 * of one that ended before it could be, all is heard (W3C test 236), unless another is at work under its id.
 */
#ifndef FSM_SESSION_IMPL_H
#define FSM_SESSION_IMPL_H

#include "fsm/session.h"

typedef struct fsm__message fsm__message;
struct fsm__message {
  fsm__message *next;
  enum { FSM__MESSAGE_START, FSM__MESSAGE_EVENT } kind;
  uint64_t to, from;      /* sessions; from is 0 when it comes from outside */
  uint64_t task;          /* of `to`, which must be open; 0 = none */
  bool ends_task;         /* it is the task's answer */
  bool survives;          /* its child ended by itself: nobody can cancel that any more */
  bool id_made;           /* the engine made the id: it is not shown as sendid */
  bool sent;              /* to the target, which is looked for when it is due; otherwise to `from` itself */
  int64_t set_ns, due_ns; /* of a timer */
  uint64_t order;         /* of a timer: when it was set */
  const char *id;         /* by which `from` can cancel it; NULL = not */
  const char *target;     /* of one that is sent */
  const char *processor;  /* its event I/O processor, NULL = SCXML's */
  fsm_event event;        /* of a start only data, the input */
};

typedef struct fsm__task fsm__task;
struct fsm__task {
  fsm__task *next;
  uint64_t number;
  uint64_t child; /* a session; 0 = waits for an answer */
  unsigned invoke;
  const char *id;
};

struct fsm_session {
  fsm_sessions *all;
  uint64_t number;
  char id[24];           /* "s1", "s2", … in the order they were made */
  uint64_t parent, task; /* numbers; 0 = the program's own */
  const char *invoke_id; /* as the parent knows it, NULL = the program's own */
  const fsm_machine *machine;
  enum { FSM__SESSION_WAITS, FSM__SESSION_RUNS, FSM__SESSION_STOPS, FSM__SESSION_ENDED } phase;
  fsm_arena kept[2]; /* the snapshot lives in the one, the next one is copied into the other */
  unsigned current;
  fsm_snapshot snapshot;
  fsm__message *timers, *timers_last; /* by (due, order set) */
  fsm__task *tasks;                   /* in the order opened */
};

struct fsm_sessions {
  fsm_sessions_options options;
  fsm_arena own; /* the actor */
  fsm_arena scratch;
  int64_t now_ns;
  fsm_session *table[FSM_SESSIONS_MAX]; /* by number */
  unsigned count;
  uint64_t made; /* the last number given to a session, task or timer */
  uint64_t sessions_made;
  fsm__message *queue, **queue_end;
  unsigned waiting; /* messages in the queue and timers */
  unsigned stopping;
  unsigned steps;  /* macrosteps of this call */
  bool busy;       /* inside a callback */
  fsm_code broken; /* a fault that left things half done; sticky */
};

/* ---- session.c ----------------------------------------------------------------------------------- */

/* NULL = there is none (any more). */
fsm_session *fsm__session_numbered(const fsm_sessions *all, uint64_t number);
fsm_session *fsm__session_named(const fsm_sessions *all, const char *id);
/* A new session that waits for its start, the child of parent by task (NULL = none). */
FSM_MUST_USE fsm_code fsm__session_add(fsm_sessions *all, const fsm_machine *machine,
                                       const fsm_session *parent, const fsm__task *task, fsm_session **out,
                                       fsm_error *err);
/* Takes it out of the table and gives its memory back. */
void fsm__session_remove(fsm_session *session);

/* ---- session_message.c --------------------------------------------------------------------------- */

/* A copy that owns all that the draft points at. */
FSM_MUST_USE fsm_code fsm__message_new(fsm_sessions *all, const fsm__message *draft, fsm__message **out,
                                       fsm_error *err);
void fsm__message_free(fsm_sessions *all, fsm__message *message);
void fsm__message_put(fsm_sessions *all, fsm__message *message);
fsm__message *fsm__message_take(fsm_sessions *all); /* NULL = empty */
/* Drops what `from` sent to itself under id and has not looked at yet; what it sent to others is theirs. */
void fsm__message_cancel(fsm_sessions *all, uint64_t from, const char *id);
/* What the child of this task has sent stays, even if the task is cancelled now. */
void fsm__message_survive(fsm_sessions *all, uint64_t task);

/* ---- session_timer.c ----------------------------------------------------------------------------- */

void fsm__timer_set(fsm_session *session, fsm__message *timer);
void fsm__timer_cancel(fsm_session *session, const char *id);
void fsm__timer_cancel_all(fsm_session *session);
/* The session whose timer is the next one; NULL = no timer is set. */
fsm_session *fsm__timer_next(const fsm_sessions *all);
/* Takes the first timer out. */
fsm__message *fsm__timer_take(fsm_session *session);

/* ---- session_task.c ------------------------------------------------------------------------------ */

fsm__task *fsm__task_numbered(const fsm_session *session, uint64_t number);
fsm__task *fsm__task_named(const fsm_session *session, const char *id);
/* Opens what the effect asks for, with a child where the machine of it is known. */
FSM_MUST_USE fsm_code fsm__task_open(fsm_session *session, const fsm_effect *effect, fsm_error *err);
/* Its child, if any, is to stop. */
void fsm__task_cancel(fsm_session *session, const char *id);
void fsm__task_cancel_all(fsm_session *session);
void fsm__task_forget(fsm_session *session, fsm__task *task);
/* Puts the event that ends a task into the queue. fault: NULL = done, with data as its output; else its
 * text, and data is the error unless it is NULL. */
FSM_MUST_USE fsm_code fsm__task_answer(fsm_session *session, const fsm__task *task, const fsm_value *data,
                                       const char *fault, fsm_error *err);

/* ---- session_deliver.c --------------------------------------------------------------------------- */

/* Carries out what a macrostep asks of the world. event is what it began with, NULL for a start or stop. */
FSM_MUST_USE fsm_code fsm__session_carry_out(fsm_session *session, const fsm_event *event,
                                             const fsm_step_result *result, fsm_error *err);
/* Finds the addressee of a message that is due and puts it into the queue, or the news that there is none. */
FSM_MUST_USE fsm_code fsm__session_post(fsm_session *from, fsm__message *message, fsm_error *err);

/* For fsm_world.reaches, with the session as its argument. */
bool fsm__session_reaches(const void *session, const char *target);
/* Tells the sender that its message was not delivered. Frees nothing. */
FSM_MUST_USE fsm_code fsm__session_bounce(fsm_session *from, const fsm__message *message, const char *text,
                                          fsm_error *err);

/* ---- session_run.c ------------------------------------------------------------------------------- */

FSM_MUST_USE fsm_code fsm__session_start(fsm_session *session, const fsm_value *input, fsm_error *err);
/* inside: not the program sends it, but another session, a timer or a task. */
FSM_MUST_USE fsm_code fsm__session_step(fsm_session *session, const fsm_event *event, bool inside,
                                        fsm_code *outcome, fsm_error *err);
/* Until the queue is empty. */
FSM_MUST_USE fsm_code fsm__sessions_drain(fsm_sessions *all, fsm_error *err);

#endif

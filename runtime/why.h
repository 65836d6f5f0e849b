/* why.h: between the files of FSM_QUERY_WHY: why an instance does not move, and what would move it.
 *
 * One document (schemas/Why of schema/openapi.json), from rows read by key, from the machine, and from what
 * the engine says of events that nobody has sent. Members that are always there: instance machine version
 * status state rev verdict text states tried next path path_text never commands now.
 *
 *   verdict  moves     something is due now, or at work: nobody has to do anything
 *            waits     for somebody, for something, or for a time
 *            refused   each event that it takes is refused by a guard, whoever sends it now
 *            orphan    it takes events, but nobody who is known satisfies `allow`
 *            dead      no event, timer or task can move it any more
 *            paused, incident, ended   as its status says
 *
 * What is not looked at is said: `unasked`, of the answer and of a transition, which then `depends`.
 * Nothing here changes anything. What is marked (x-pii) is masked, as in every answer; what a guard's part
 * comes to is told all the same, as FSM_QUERY_EVENTS tells whether its event is enabled. Limits: below; what
 * is over them is not told, and counted where that matters. */
#ifndef FSM_RUNTIME_WHY_H
#define FSM_RUNTIME_WHY_H

#include "runtime/inbound.h"
#include "runtime/people.h"
#include "runtime/query.h"

enum {
  FSM_WHY_ROWS_MAX = 100, /* timers, tasks and messages, each */
  FSM_WHY_TRIED_MAX = 10, /* refusals, the last ones */
  FSM_WHY_SUMS_MAX = 10,  /* sums of refusals that may be of it */
  FSM_WHY_SUMS_PEOPLE_MAX = 4,
  FSM_WHY_SUMS_LOOKED = 128, /* records that are looked at for them, of each who was refused */
  FSM_WHY_CHAIN_MAX = 32, /* records of its history that are read for people and reasons */
  FSM_WHY_PEOPLE_MAX =
      64, /* who are asked for whether they may: of its own history, configured, then who acted last */
  FSM_WHY_STATES_MAX = 1000, /* stands that the search for its end looks at */
  FSM_WHY_STEPS_MAX = 4000,  /* steps that it supposes */
  FSM_WHY_WORK_MAX = 8 * FSM_EXPR_WORK_MAX, /* all that is evaluated for one answer; of that the search for its
                                               end has half of what is left for it. What is over it is not
                                               looked at, and that is said (`unasked`) */
  FSM_WHY_REMEDIES_MAX = 3,  /* events for which it is told what to set */
  FSM_WHY_BRANCHES_MAX = 8   /* ways in which conditions that are not known are taken, of one step */
};

typedef struct fsm__why_person {
  const char *name; /* the sub */
  bool unseen;      /* is only configured */
  fsm_value actor;
  const fsm_enabled_event *events; /* as fsm__why.events, for this actor */
} fsm__why_person;

/* A guard taken apart, once. */
typedef struct fsm__why_parts {
  const fsm_expr_part *at;
  unsigned count;
  fsm_truth truth;
  bool known, unasked;
} fsm__why_parts;

/* A way to an end that was found. */
typedef struct fsm__why_leg {
  const char *event, *by; /* by: event, timer, task */
  fsm_value state;        /* leaves after it */
  fsm_value supposes;     /* conditions that were supposed to hold or not: texts */
  int transition;         /* one that takes it; -1 = none is known */
} fsm__why_leg;

typedef struct fsm__why {
  const fsm__reading *at;
  fsm_arena *arena;
  fsm__instance in;
  fsm_snapshot snapshot;
  const fsm_mask *mask;
  /* why_rows.c */
  fsm__timer *timers;
  fsm__task *tasks;
  fsm__send *sends;
  const fsm__inbound *inbound; /* the first to come in front */
  unsigned timer_count, task_count, send_count, inbound_count;
  /* why_tried.c */
  fsm_value tried;         /* a list */
  fsm_value summed;        /* a list; why_summed.c */
  const char *by, *reason; /* who made its last change and why, when an operator did; NULL = not known */
  fsm__why_person *people; /* those who are known, the last first */
  unsigned people_count;
  fsm__people known; /* of all records; only when somebody has to be allowed */
  /* why_event.c: of every event that it takes, be it enabled or not */
  const fsm_enabled_event *events;
  unsigned event_count;
  fsm_budget *budget;    /* what may still be evaluated: FSM_WHY_WORK_MAX when it began */
  fsm__why_parts *parts; /* of each of events */
  /* why_path.c */
  const fsm__why_leg *path;
  unsigned path_count;
  bool found, exhausted, never; /* a way to an end; all was looked at; nothing can move it */
  bool unlooked;                /* the search ended because its guards cost too much */
  bool orphan;                  /* only events move it, and nobody who is known may send one that does */
  const char *path_text, *never_why;
} fsm__why;

/* why_rows.c */
FSM_MUST_USE fsm_code fsm__why_rows(fsm__why *why, fsm_error *err);
unsigned fsm__why_timer_state(const fsm__why *why, const fsm__timer *timer);
unsigned fsm__why_task_state(const fsm__why *why, const fsm__task *task);
bool fsm__why_is_child(const fsm__task *task);
/* Nobody takes tasks of that service, as far as is known. */
bool fsm__why_unserved(const fsm__why *why, const fsm__task *task);
/* {timers, tasks} that belong to a state. */
void fsm__why_put_rows(const fsm__why *why, unsigned state, fsm__document *d);
void fsm__why_put_sends(const fsm__why *why, fsm__document *d);
/* {inbound}: events of others on their way to it. */
void fsm__why_put_inbound(const fsm__why *why, fsm__document *d);

/* why_tried.c: its last refusals, and who is known from its history. */
FSM_MUST_USE fsm_code fsm__why_history(fsm__why *why, fsm_error *err);
/* why_summed.c: behind that: refusals of these people that were only counted, of whatever instance. */
FSM_MUST_USE fsm_code fsm__why_summed(fsm__why *why, fsm_error *err);
/* One more who is known, once; named as `shown` has it. */
void fsm__why_know(fsm__why *why, const fsm_value *actor, const fsm_value *shown);
/* The same of one who is configured: that wins over what their records say, but not over who asks. */
void fsm__why_know_configured(fsm__why *why, const fsm__person *person);

/* why_event.c */
FSM_MUST_USE fsm_code fsm__why_events(fsm__why *why, fsm_error *err);
/* The events that a state takes, each with its transitions; nothing when there are none. */
FSM_MUST_USE fsm_code fsm__why_put_events(const fsm__why *why, unsigned state, fsm__document *d,
                                          fsm_error *err);
/* The people who may have the transition of event `index` taken, as far as is known. */
unsigned fsm__why_who_may(const fsm__why *why, unsigned index, const char *names[FSM_WHY_PEOPLE_MAX]);
/* "someone with role manager (ana, li seen)"; "" = whoever comes. */
const char *fsm__why_who_text(const fsm__why *why, unsigned index);
/* "context.amount > 1000 is false (context.amount = 500)": the first part that decides; "" = there is none.
 */
const char *fsm__why_guard_text(const fsm__why *why, unsigned index);

/* why_unasked.c: what of all this was not evaluated: a list of texts; asked for behind all else. */
fsm_value fsm__why_unasked(const fsm__why *why);

/* why_fields.c: what an event takes, from its schema: fields as a list, and data that fits, null = none. */
fsm_value fsm__why_fields(const fsm__why *why, const char *event);
fsm_value fsm__why_sample(const fsm__why *why, const char *event);
/* What a field of the context may be, by its schema: up to `room` values. */
unsigned fsm__why_samples(const fsm__why *why, const fsm_value *field, fsm_value *out, unsigned room);

/* why_path.c */
FSM_MUST_USE fsm_code fsm__why_path(fsm__why *why, fsm_error *err);

/* why_next.c: what will happen by itself: a list of {when, what}. */
fsm_value fsm__why_next(const fsm__why *why);
/* When it should have left; false = nothing says so. */
bool fsm__why_sla(const fsm__why *why, unsigned state, int64_t since_ns, int64_t *due_ns);
/* {due, left_ns | overdue_ns} of that. */
void fsm__why_put_sla(const fsm__why *why, int64_t due_ns, fsm__document *d);

/* why_commands.c: what would move it: a list of {do, argv, then?, text, needs?}. */
fsm_value fsm__why_commands(const fsm__why *why);

/* why_verdict.c */
const char *fsm__why_verdict(const fsm__why *why);
const char *fsm__why_text(const fsm__why *why, const char *verdict);
/* Since when it stands there: the longest of its leaves. */
int64_t fsm__why_since(const fsm__why *why);

/* why_words.c: parts of sentences, in arena; "" without memory. */
const char *fsm__why_span(const fsm__why *why, int64_t ns); /* "3d 4h" */
const char *fsm__why_printf(const fsm__why *why, const char *format, ...) FSM_PRINTF(2, 3);
/* A value as JSON, masked and cut to 60 bytes. */
const char *fsm__why_value(const fsm__why *why, const fsm_value *value);
/* "a", "a or b", "a, b or c": onto what stands there. */
typedef struct fsm__why_list {
  const char *items[8];
  unsigned count; /* all of them, also those that have no place */
} fsm__why_list;
void fsm__why_list_add(fsm__why_list *list, const char *text); /* each once */
const char *fsm__why_list_text(const fsm__why *why, const fsm__why_list *list, const char *joint);
void fsm__why_put_items(fsm__document *d, const char *name, const fsm__items *items);

#endif

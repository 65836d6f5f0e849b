/* decide.h: command + rows → the records of one frame, or a refusal. Changes nothing itself.
 *
 * A decision reads the newest rows, runs the engine and says what the journal will hold; the writer
 * seals the records (seq, prev), makes them durable and applies them. The time, the entropy and the next
 * seq come in with the case, so the same case gives the same decision.
 */
#ifndef FSM_RUNTIME_DECIDE_H
#define FSM_RUNTIME_DECIDE_H

#include "runtime/fsm_runtime.h"
#include "runtime/rows.h"
#include "schema/record.h"

enum {
  FSM_BEATS_RECORDED = 3
}; /* at most so many heartbeats of one attempt are records, in the time of one */

/* Commands that put right what is wrong, and the notes about sinks, without which nobody could tell later
 * what was missing outside and why: they are taken from a reserve when there is no room for others. */
static inline bool fsm__command_repairs(fsm_command_kind kind) {
  return (kind >= FSM_CMD_ADMIN_FIRST && kind <= FSM_CMD_ADMIN_LAST) || kind == FSM_CMD_SINK_NOTE;
}

/* Everything a decision may see. */
typedef struct fsm__case {
  fsm__store *store;
  fsm__catalog *catalog;
  fsm_arena *arena; /* what the decision points to lives here */
  const fsm_command *command;
  bool made_id;    /* its instance id was made here, so it is no part of what was asked */
  int64_t time_ns; /* the recorded time */
  bool clock_held; /* the wall clock was behind the last record's time */
  uint64_t boot;   /* and the clock of the boot (clock.h); 0 = there is none */
  int64_t boot_ns;
  bool offered;    /* of a claim: a worker was offered a task of the instance and may take it yet */
  bool overdue;    /* the timer that this is about was due before it could fire */
  uint32_t dur_us; /* receipt → decision */
  uint64_t next_seq;
  uint64_t entropy; /* for the jitter of a retry */
  const char *node;
  fsm_origin origin;      /* of the journal: ids of records, tokens */
  const fsm_event *event; /* of a SEND that is a message: all of the event; NULL = as the command says */
  const struct fsm__services *services; /* of this program; NULL = none are known */
  struct fsm__known_sinks *sinks;       /* that a route may name; NULL = there is none */
  const char *hold;      /* why commands from outside make no new instance now; NULL = they do */
  const uint8_t *parent; /* of a START that is a message: token of the parent's task; NULL = none */
  bool inside; /* it comes from another instance, or is an operator's: who may is not asked (fsm_world) */
} fsm__case;

typedef struct fsm__decision {
  fsm_error refusal; /* code FSM_OK: taken */
  fsm_value detail;  /* of a refusal, for the answer and the record; null = none */
  fsm_record *records;
  size_t count, cap;
  fsm__instance *instance; /* as loaded; NULL when the frame makes it or has none */
  fsm_event stepped;       /* what was stepped last, name NULL = nothing: for the incident that it may open */
  const fsm__task *gave_up; /* the task whose last failure is recorded here: an operator may open it anew */
  unsigned sent;            /* events to others in these records */
  fsm_value consumes; /* the message that these records consume, or an incident in their place; null = none */
  bool replay;        /* the first answer again: that of the frame at replay_seq */
  uint64_t replay_seq;
  fsm_value task;      /* of a claim that is taken; null = none */
  fsm_value dry;       /* of a dry run: what it would write, as documents; null = it is none */
  const char *service; /* of the task that an answer was about; NULL = none */
  int64_t silent_ns;   /* a heartbeat that is no record: until when the attempt may now be silent; 0 = none */
  bool created;
  uint64_t rev;
  const char *instance_id, *machine, *status, *correlation, *hash;
  const char *causation; /* what caused its records; NULL: what the command names */
  uint32_t version;
  fsm_value from, to;
} fsm__decision;

/* Decides a command. A return other than FSM_OK is a fault of memory or of the store, not a refusal.
 * A refusal has no records: refuse.c makes the one it may deserve. */
FSM_MUST_USE fsm_code fsm__decide(const fsm__case *at, fsm__decision *out, fsm_error *err);
/* decide_claim.c: the task as it runs, once this attempt of it has begun, when it is to be had. */
bool fsm__decision_claims(const fsm__case *at, const fsm__instance *in, const fsm__task *task);
FSM_MUST_USE fsm_code fsm__decision_claimed(const fsm__case *at, fsm__decision *out, const fsm__task *task,
                                            fsm_error *err);
/* decide_retire.c */
FSM_MUST_USE fsm_code fsm__decide_retire(const fsm__case *at, fsm__decision *out, fsm_error *err);
/* The same for a timer that is due, and for a task whose attempt ran out of time. A timer of an instance that
 * does not run, and a task that is gone, decide nothing (count 0). silent_ns: until when the attempt may be
 * silent after a sign of life that has no record; 0 = there was none. */
FSM_MUST_USE fsm_code fsm__decide_timer(const fsm__case *at, uint64_t number, const fsm__timer *timer,
                                        fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_task_timeout(const fsm__case *at, uint64_t number, const char *id,
                                               int64_t silent_ns, fsm__decision *out, fsm_error *err);
/* The same for an attempt that a process before this one ran, which opened the data at opened_ns. One that
 * was left to somebody else goes on. */
FSM_MUST_USE fsm_code fsm__decide_task_lost(const fsm__case *at, uint64_t number, const char *id,
                                            int64_t opened_ns, fsm__decision *out, fsm_error *err);
/* The same for an instance that was kept long enough after its end, by its due row. */
FSM_MUST_USE fsm_code fsm__decide_purge(const fsm__case *at, uint64_t number, int64_t due_ns,
                                        fsm__decision *out, fsm_error *err);
/* The same for a message of instance `number` that is due. Nothing decided: its target is paused or parked,
 * and it waits. */
FSM_MUST_USE fsm_code fsm__decide_message(const fsm__case *at, uint64_t number, const fsm__send *send,
                                          fsm__decision *out, fsm_error *err);
/* What the message led to could not be stored: its task fails, or it is refused. */
FSM_MUST_USE fsm_code fsm__decide_message_failed(const fsm__case *at, uint64_t number, const fsm__send *send,
                                                 const fsm_error *why, fsm__decision *out, fsm_error *err);
/* Throws away what was decided for an instance and parks it as an incident with this reason. */
FSM_MUST_USE fsm_code fsm__decide_incident(const fsm__case *at, fsm__decision *out, fsm_code reason,
                                           const char *text, fsm_error *err);

/* ---- between the files of decide ---- */

FSM_MUST_USE fsm_code fsm__decide_start(const fsm__case *at, fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_send(const fsm__case *at, fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_task(const fsm__case *at, fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_admin(const fsm__case *at, fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_route_set(const fsm__case *at, fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_route_remove(const fsm__case *at, fsm__decision *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__decide_sink_note(const fsm__case *at, fsm__decision *out, fsm_error *err);

/* A record of the decision's instance (or none) with what every record carries; NULL without memory. */
fsm_record *fsm__decision_record(const fsm__case *at, fsm__decision *out, fsm_record_kind kind);
/* A map of these pairs in arena; false without memory. */
bool fsm__decision_map(fsm_arena *arena, const fsm_pair *from, size_t count, fsm_value *out);
/* What a record says of an effect that sets or cancels a timer; false without memory. */
bool fsm__timer_entry(const fsm__case *at, const fsm__deployed *deployed, const fsm_effect *effect,
                      fsm_value *out);
/* How long the timer's delay has still to run on the clock of the boot it was set in; 0 when that is over or
 * is not known. The wall clock is another matter: both must be reached. */
int64_t fsm__timer_left(const fsm__timer *timer, uint64_t boot, int64_t boot_ns);
/* Fires a timer of the decision's instance, which runs: timer_fired and the records of the step. */
FSM_MUST_USE fsm_code fsm__decision_fire(const fsm__case *at, fsm__decision *out, const fsm__timer *timer,
                                         fsm_error *err);
/* Steps the decision's instance with the event. An event that the engine cannot hold is refused; a step past
 * a bound is refused, rolled back, and the instance parked: then out->refusal is set and *step not to be
 * used. */
FSM_MUST_USE fsm_code fsm__decision_run(const fsm__case *at, fsm__decision *out, const fsm_event *event,
                                        fsm_step_result *step, fsm_error *err);
/* The records of a step: created, transition, context, completed, incident_opened as it went. `created`
 * describes the instance when the step is its first. */
FSM_MUST_USE fsm_code fsm__decision_step(const fsm__case *at, fsm__decision *out, const fsm_step_result *step,
                                         fsm_error *err);
/* The machine and version that the command names, ready to run; or refused. */
FSM_MUST_USE fsm_code fsm__decision_deployed(const fsm__case *at, const fsm__deployed **deployed,
                                             fsm__decision *out, fsm_error *err);
/* The first records of a new instance with the command's id, key and labels. out->created: it is
 * out->instance, which has no row yet and is as it was before its start; *step is how it went. Else it is
 * refused, or (if_absent) out->instance is the one that has the key. */
FSM_MUST_USE fsm_code fsm__decision_make(const fsm__case *at, const fsm__deployed *deployed,
                                         const fsm_value *input, fsm__decision *out, fsm_step_result *step,
                                         fsm_error *err);
/* A SEND with if_absent: what it decides when no instance has the key; else *absent is false and nothing is
 * decided. */
FSM_MUST_USE fsm_code fsm__decide_absent(const fsm__case *at, fsm__decision *out, bool *absent,
                                         fsm_error *err);
/* The number of the instance that a SEND by machine and key is for: FSM_ENOTFOUND. */
FSM_MUST_USE fsm_code fsm__decision_by_key(const fsm__case *at, uint32_t machine, uint64_t *number,
                                           fsm_error *err);
/* The event's data against its schema; and what the machine says that does not take the event now. */
bool fsm__decision_event_good(const fsm__case *at, const fsm__deployed *deployed, fsm__decision *out);
FSM_MUST_USE fsm_code fsm__decision_not_taken(const fsm__case *at, const fsm_step_result *step,
                                              fsm__decision *out, fsm_error *err);
/* Refused as not permitted, with those that do not hold: what is "event …", "starting …". */
FSM_MUST_USE fsm_code fsm__decision_denied(const fsm__case *at, const fsm__deployed *deployed,
                                           const char *what, const fsm_allow *denied, unsigned count,
                                           fsm__decision *out, fsm_error *err);
/* May who asks do this (started, heartbeat, complete, fail) with the task? Else it is refused. */
FSM_MUST_USE fsm_code fsm__decision_task_permitted(const fsm__case *at, const fsm__task *task,
                                                   fsm__decision *out, fsm_error *err);
/* The instance that the command names, with what its idempotency key says: afterwards it may be refused or
 * replayed. *idem is for the first record. */
FSM_MUST_USE fsm_code fsm__decision_open(const fsm__case *at, fsm__decision *out, fsm_value *idem,
                                         fsm_error *err);
/* Refuses a command of another revision, or with a key too many. */
FSM_MUST_USE fsm_code fsm__decision_expect(const fsm__case *at, fsm__decision *out, fsm_error *err);
/* The task is done, in the decision's instance: its record and those of the step. */
FSM_MUST_USE fsm_code fsm__decision_answer(const fsm__case *at, fsm__decision *out, const fsm__task *task,
                                           const fsm_value *output, fsm_error *err);
/* What changed from one context to the other, as a record's ctx; both sorted. False without memory. */
bool fsm__context_delta(const fsm_value *before, const fsm_value *after, fsm_arena *arena, fsm_value *out);
/* What an incident's record says: its text, the event that nothing took (NULL = none), and what was tried,
 * for who tries it again. rolled_back: nothing of the step stands. */
FSM_MUST_USE fsm_code fsm__incident_detail(const fsm__case *at, const fsm__decision *out, const char *event,
                                           const char *text, bool rolled_back, fsm_value *detail,
                                           fsm_error *err);
/* What opens the task anew, but for its token and when: a map {id, service, attempts, timeout, …}. */
FSM_MUST_USE fsm_code fsm__task_again(const fsm__task *task, fsm_arena *arena, fsm_value *out,
                                      fsm_error *err);
/* Until when an instance that ends now is kept, as a member of its record's detail; 0 = for ever. */
unsigned fsm__decision_keep(const fsm__case *at, const fsm__instance *in, fsm_pair *out);
/* Effects of a microstep into the arrays of its record; seq is the record's. */
FSM_MUST_USE fsm_code fsm__decision_effects(const fsm__case *at, fsm__decision *out, uint64_t seq,
                                            const fsm_microstep *step, fsm_record *record, fsm_error *err);
/* Ends the decision's instance, which is open: its exit actions run, what it had open is cancelled, its
 * children too; a parent whose task is still open is told (decide_end.c). cause: an fsm_cause. */
FSM_MUST_USE fsm_code fsm__decide_cancel(const fsm__case *at, fsm__decision *out, int cause,
                                         const char *reason, fsm_error *err);
/* The open task with this token, of instance *number; FSM_ENOTFOUND when there is none. */
FSM_MUST_USE fsm_code fsm__task_with_token(fsm__store *store, const uint8_t token[16], fsm_arena *arena,
                                           uint64_t *number, fsm__task *out, fsm_error *err);
/* Fills instance, machine, version, status, rev, to of the answer from the loaded instance. */
void fsm__decision_about(fsm__decision *out, fsm__instance *in, fsm_arena *arena);
/* Leaf paths of an instance as it was loaded. */
fsm_value fsm__leaves(const fsm__instance *in, fsm_arena *arena);
/* The instance as the engine reads it. */
FSM_MUST_USE fsm_code fsm__snapshot_of(const fsm__instance *in, fsm_arena *arena, fsm_snapshot *out,
                                       fsm_error *err);
/* Marks the decision refused; returns FSM_OK so that `return fsm__decision_refuse(…)` ends a decision. */
fsm_code fsm__decision_refuse(fsm__decision *out, fsm_code code, const char *where, const char *format, ...)
    FSM_PRINTF(4, 5);
/* What caused the records to come, when the command does not say: the id of record `seq`. */
FSM_MUST_USE fsm_code fsm__decision_cause(const fsm__case *at, uint64_t seq, const char **out,
                                          fsm_error *err);

/* The command's idempotency key: what the case's journal may have of it. */
typedef struct fsm__idem_key {
  bool given;
  uint8_t hash[16], fingerprint[16];
} fsm__idem_key;
FSM_MUST_USE fsm_code fsm__idem_key_of(const fsm__case *at, fsm__idem_key *out, fsm_error *err);
/* Only whether it made an instance of the machine before. */
FSM_MUST_USE fsm_code fsm__decision_idem_made(const fsm__case *at, uint32_t machine, fsm__decision *out,
                                              fsm_error *err);
/* Refuses a command with a key too many for out->instance. */
FSM_MUST_USE fsm_code fsm__decision_quota(const fsm__case *at, fsm__decision *out, fsm_error *err);
/* The newest live entry of the key at the instance, or among the creations of the machine: FSM_ENOTFOUND. */
FSM_MUST_USE fsm_code fsm__idem_of_instance(const fsm__case *at, const fsm__idem_key *key, uint64_t number,
                                            fsm__idem *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__idem_of_start(const fsm__case *at, const fsm__idem_key *key, uint32_t machine,
                                         fsm__idem *out, fsm_error *err);
/* Was the command taken before under its key? Then out->replay is set, or it is refused as another command's.
 * Else *field is what the first record is to carry. For a command of out->instance, and for one that makes an
 * instance of the machine, which is refused over the quota, too. */
FSM_MUST_USE fsm_code fsm__decision_idem(const fsm__case *at, fsm__decision *out, fsm_value *field,
                                         fsm_error *err);
FSM_MUST_USE fsm_code fsm__decision_idem_start(const fsm__case *at, uint32_t machine, fsm__decision *out,
                                               fsm_value *field, fsm_error *err);
/* The token of a task opened by record `seq`: number BE8 ‖ 8 bytes of a hash. */
void fsm__task_token(const fsm__case *at, uint64_t number, const char *invoke, uint64_t seq, uint8_t out[16]);

#endif

/* sends.h: who an instance can reach, and what its records say of messages to others.
 *
 * Addresses are those of SCXML D.1: "#_parent", "#_<invoke id>" (a child), "#_scxml_<instance id>"; in JSON
 * definitions "#_<id>" is also any other instance. All answers depend on rows only, so that a decision can be
 * made again. An event that is sent at once is bound to its instance when it is sent; one with a delay keeps
 * its address, which is looked up when it is due.
 */
#ifndef FSM_RUNTIME_SENDS_H
#define FSM_RUNTIME_SENDS_H

#include "runtime/decide.h"

/* The service whose tasks are child instances. */
#define FSM_SERVICE_MACHINE "machine"
#define FSM_EVENT_PROCESSOR "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"

typedef struct fsm__address {
  const char *id; /* of the instance; NULL = there is none, or it has ended */
  bool has_token; /* heard only while this task is open: the sender's, or its parent's */
  uint8_t token[16];
  const char *invokeid; /* as the parent knows the sender; NULL = not to the parent */
} fsm__address;

FSM_MUST_USE fsm_code fsm__address_of(fsm__store *store, fsm__catalog *catalog, const fsm__instance *from,
                                      const char *target, fsm_arena *arena, fsm__address *out,
                                      fsm_error *err);

/* What a step of the instance sees of the world. A fault of the store while it asks comes out of the end,
 * which must be called. */
typedef struct fsm__reach {
  const fsm__case *at;
  const fsm__instance *in;
  fsm_arena arena;
  fsm_error fault;
} fsm__reach;
fsm_world fsm__world_of(const fsm__case *at, const fsm__instance *in, fsm__reach *reach);
FSM_MUST_USE fsm_code fsm__reach_end(fsm__reach *reach, fsm_error *err);

/* Does the effect open a task that is a child instance? */
bool fsm__is_child(const fsm_machine *machine, const fsm_effect *effect);
/* The id of the child that a task opened by record `seq` starts; NULL without memory. The parent's id, the
 * invoke's, the seq; where that is too long or not spelt like an id, a hash makes it unique. */
const char *fsm__child_id(fsm_arena *arena, const char *parent, const char *invoke, uint64_t seq);
/* What a record says of the task; false without memory. */
bool fsm__child_entry(const fsm__case *at, const fsm__instance *in, uint64_t seq, const fsm_effect *effect,
                      fsm_value *out);

/* When a task that a child works on is due: for nobody, the child answers, however long it takes. */
#define FSM_CHILD_NEXT_NS INT64_MAX

/* The messages that a microstep's effects send or take back, behind those that the record has. Over
 * FSM_MESSAGES_MAX of them waiting: FSM_ETOOLARGE. */
FSM_MUST_USE fsm_code fsm__sends_of(const fsm__case *at, fsm__decision *out, uint64_t seq,
                                    const fsm_microstep *step, fsm_record *record, fsm_error *err);
/* The same for the tasks that the record opens and cancels; for the child of one task, and for all children:
 * they are to end. */
FSM_MUST_USE fsm_code fsm__sends_of_tasks(const fsm__case *at, fsm__decision *out, fsm_record *record,
                                          fsm_error *err);
FSM_MUST_USE fsm_code fsm__send_cancel(const fsm__case *at, fsm__decision *out, fsm_record *record,
                                       const char *invoke, fsm_error *err);
FSM_MUST_USE fsm_code fsm__send_cancel_all(const fsm__case *at, fsm__decision *out, fsm_record *record,
                                           fsm_error *err);
/* The decision's instance ends with this record: its parent, if its task is still open, is told. fault NULL =
 * done, with its output. */
FSM_MUST_USE fsm_code fsm__send_ended(const fsm__case *at, fsm__decision *out, fsm_record *record,
                                      const char *fault, const fsm_value *output, fsm_error *err);

#endif

/* apply_admin.c: incidents open and close; what an operator did to an instance.
 *
 * The states, timers, tasks and the context that such a record changed are in the fields that every record
 * may have; here is what only these kinds mean: the status, and the mark of a forced configuration. */
#include "runtime/apply_impl.h"

static fsm_code open_incident(fsm__instance *in, const fsm_record *record, fsm_arena *arena, fsm_error *err) {
  const fsm_value *text = fsm_map_get(&record->detail, "text"),
                  *tried = fsm_map_get(&record->detail, "tried");
  fsm_pair *pairs = fsm_arena_alloc(arena, 4 * sizeof *pairs);
  unsigned n = 0;
  if (pairs == NULL) return fsm__apply_nomem(err);
  pairs[n++] = (fsm_pair){fsm_string("reason"), fsm_string(record->reason ? record->reason : "")};
  pairs[n++] = (fsm_pair){fsm_string("seq"), fsm_int((int64_t)record->seq)};
  pairs[n++] = (fsm_pair){fsm_string("text"), text ? *text : fsm_string("")};
  if (tried != NULL) pairs[n++] = (fsm_pair){fsm_string("tried"), *tried};
  in->status = FSM_INCIDENT;
  return fsm_map(pairs, n, &in->incident, err);
}

/* Only from the status that it ends. */
static fsm_code back_to_running(fsm__instance *in, fsm__status from, const fsm_record *record,
                                fsm_error *err) {
  if (in->status != from)
    return fsm__apply_bad(record, "is of an instance that is", fsm__status_name(in->status), err);
  in->status = FSM_RUNNING;
  in->incident = fsm_null();
  return FSM_OK;
}

static fsm_code cancel(fsm__store *store, fsm__instance *in, const fsm_record *record, fsm_arena *arena,
                       fsm_error *err) {
  const fsm_value *reason = fsm_map_get(&record->detail, "reason");
  fsm_pair *pairs = fsm_arena_alloc(arena, 2 * sizeof *pairs);
  if (pairs == NULL) return fsm__apply_nomem(err);
  pairs[0] = (fsm_pair){fsm_string("reason"), reason ? *reason : fsm_string("")};
  pairs[1] = (fsm_pair){fsm_string("seq"), fsm_int((int64_t)record->seq)};
  in->status = FSM_CANCELLED;
  in->incident = in->output = fsm_null();
  fsm__apply_keep(store, in, record);
  fsm_code code = fsm_map(pairs, 2, &in->cancelled, err);
  return code == FSM_OK ? fsm__apply_close(store, in, arena, err) : code;
}

fsm_code fsm__apply_incidents(fsm__store *store, bool more, fsm_error *err) {
  uint64_t open = 0;
  fsm_code code = fsm__counter_read(store, "incidents", &open, err);
  if (code == FSM_OK && (open > 0 || more)) fsm__counter_put(store, "incidents", more ? open + 1 : open - 1);
  return code;
}

fsm_code fsm__apply_admin(fsm__store *store, fsm__instance *in, const fsm_record *record, fsm_arena *arena,
                          fsm_error *err) {
  if (record->kind != FSM_RECORD_NOTE && !fsm__status_open(in->status))
    return fsm__apply_bad(record, "is of an instance that is", fsm__status_name(in->status), err);
  switch (record->kind) {
    case FSM_RECORD_INCIDENT_OPENED: return open_incident(in, record, arena, err);
    case FSM_RECORD_INCIDENT_CLOSED: return back_to_running(in, FSM_INCIDENT, record, err);
    case FSM_RECORD_RESUMED: return back_to_running(in, FSM_PAUSED, record, err);
    case FSM_RECORD_PAUSED: in->status = FSM_PAUSED; return FSM_OK;
    case FSM_RECORD_FORCED: in->forced = true; return FSM_OK;
    case FSM_RECORD_CANCELLED: return cancel(store, in, record, arena, err);
    default: return FSM_OK; /* a note; a set, a retry or a skip: in the fields that every record may have */
  }
}

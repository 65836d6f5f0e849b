/* decide_incident.c: an instance is parked, with what opened the incident, so that an operator can try that
 * again.
 *
 * `tried` in the detail says what a retry does. Of a step that was rolled back: {event, data?} sent from
 * outside, {timer} which is still set, {task, event, data?} an answer whose task is still open. Of a task
 * whose last failure nothing took: {open: the task}, for it is gone. A step that stands, but for an error
 * that nothing took, has nothing that could be done again without doing it twice: no `tried`. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an incident"); }

/* Is it shallow enough to stand inside of a record's detail? */
static bool fits(const fsm_value *value) { return fsm_value_depth(value) <= FSM_DATA_DEPTH_MAX; }

static bool is_done(const fsm_event *event) {
  return strncmp(event->name, "xstate.done.", 12) == 0 || strncmp(event->name, "done.invoke.", 12) == 0;
}

/* The step's event. An answer that failed is not kept: its attempt runs out of time, or is given up, again.
 */
static fsm_code tried_event(const fsm_event *event, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 3 * sizeof *pairs);
  unsigned n = 0;
  if (pairs == NULL) return nomem(err);
  if (event->cause == FSM_CAUSE_TIMER) {
    if (event->sendid == NULL) return FSM_OK;
    pairs[n++] = (fsm_pair){fsm_string("timer"), fsm_string(event->sendid)};
    return fsm_map(pairs, n, out, err);
  }
  if (!fits(&event->data)) return FSM_OK;
  if (event->cause == FSM_CAUSE_TASK) {
    if (event->invokeid == NULL || !is_done(event)) return FSM_OK;
    pairs[n++] = (fsm_pair){fsm_string("task"), fsm_string(event->invokeid)};
  }
  pairs[n++] = (fsm_pair){fsm_string("event"), fsm_string(event->name)};
  if (!fsm_is(&event->data, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string("data"), event->data};
  return fsm_map(pairs, n, out, err);
}

fsm_code fsm__task_again(const fsm__task *task, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_pair pairs[6] = {{fsm_string("id"), fsm_string(task->id)},
                       {fsm_string("service"), fsm_string(task->service)},
                       {fsm_string("attempts"), fsm_int(task->attempts)},
                       {fsm_string("timeout"), fsm_int(task->timeout_ns)}};
  unsigned n = 4;
  if (!fsm_is(&task->input, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string("input"), task->input};
  if (task->heartbeat_ns > 0) pairs[n++] = (fsm_pair){fsm_string("heartbeat"), fsm_int(task->heartbeat_ns)};
  return fsm__decision_map(arena, pairs, n, out) ? FSM_OK : nomem(err);
}

static fsm_code tried_task(const fsm__task *task, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_value open;
  if (!fits(&task->input)) return FSM_OK;
  fsm_code code = fsm__task_again(task, arena, &open, err);
  const fsm_pair pair = {fsm_string("open"), open};
  return code != FSM_OK || fsm__decision_map(arena, &pair, 1, out) ? code : nomem(err);
}

fsm_code fsm__incident_detail(const fsm__case *at, const fsm__decision *out, const char *event,
                              const char *text, bool rolled_back, fsm_value *detail, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(at->arena, 4 * sizeof *pairs);
  const char *kept = fsm_arena_strdup(at->arena, text ? text : ""); /* it may be the decision's own refusal */
  fsm_value tried = fsm_null();
  fsm_code code = FSM_OK;
  unsigned n = 0;
  if (pairs == NULL || kept == NULL) return nomem(err);
  if (rolled_back && out->stepped.name != NULL)
    code = tried_event(&out->stepped, at->arena, &tried, err);
  else if (!rolled_back && out->gave_up != NULL)
    code = tried_task(out->gave_up, at->arena, &tried, err);
  if (code != FSM_OK) return code;
  if (event != NULL) pairs[n++] = (fsm_pair){fsm_string("event"), fsm_string(event)};
  pairs[n++] = (fsm_pair){fsm_string("text"), fsm_string(kept)};
  if (fsm_is(&tried, FSM_MAP)) pairs[n++] = (fsm_pair){fsm_string("tried"), tried};
  if (at->command->reason != NULL) /* of the operator whose command ended so */
    pairs[n++] = (fsm_pair){fsm_string("reason"), fsm_string(at->command->reason)};
  return fsm_map(pairs, n, detail, err);
}

fsm_code fsm__decide_incident(const fsm__case *at, fsm__decision *out, fsm_code reason, const char *text,
                              fsm_error *err) {
  FSM_ASSERT(out->instance != NULL);
  const bool rolled_back = reason != FSM_EEXPRESSION; /* else what was recorded before it stands */
  out->count = 0;
  out->rev = out->instance->rev + 1;
  out->from = out->to = fsm__leaves(out->instance, at->arena);
  out->status = fsm__status_name(FSM_INCIDENT);
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_INCIDENT_OPENED);
  if (record == NULL) return nomem(err);
  record->outcome = FSM_FAILED;
  record->reason = fsm_code_name(reason);
  record->rev = out->rev;
  record->from = record->to = out->to;
  record->tr = fsm_list(NULL, 0);
  record->trigger = at->command->event;
  return fsm__incident_detail(at, out, NULL, text, rolled_back, &record->detail, err);
}

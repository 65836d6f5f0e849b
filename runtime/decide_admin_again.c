/* decide_admin_again.c: retry and skip: of an incident, of a task, of a timer.
 *
 * What opened an incident is in it (decide_incident.c). A retry does that again, once: with what it was, now,
 * in the name of the operator. A task that is opened anew has all its attempts again and a new token. */
#include <string.h>

#include "runtime/decide_admin.h"
#include "runtime/sends.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record"); }

static const char *text_of(const fsm__case *at, const fsm_value *map, const char *key) {
  const fsm_value *text = fsm_map_get(map, key);
  return text != NULL && fsm_is(text, FSM_STRING) ? fsm_arena_strndup(at->arena, text->s, text->len) : NULL;
}

/* ---- tasks -------------------------------------------------------------------------------------- */

/* Puts the task `open` (as in an incident) into the record, from its first attempt on. */
static fsm_code open_anew(const fsm__case *at, fsm__decision *out, const char *id, const fsm_value *open,
                          fsm_error *err) {
  fsm_record *record = &out->records[out->count - 1];
  uint8_t *token = fsm_arena_alloc(at->arena, 16);
  fsm_value *item = fsm_arena_alloc(at->arena, sizeof *item), patch;
  if (token == NULL || item == NULL) return nomem(err);
  fsm__task_token(at, out->instance->number, id, at->next_seq + out->count - 1, token);
  const fsm_value *service = fsm_map_get(open, "service");
  const bool is_child = service != NULL && fsm_is_text(service, FSM_SERVICE_MACHINE);
  const uint64_t seq = at->next_seq + out->count - 1;
  const char *child = is_child ? fsm__child_id(at->arena, out->instance->id, id, seq) : "";
  if (child == NULL) return nomem(err);
  const fsm_pair pairs[] = {{fsm_string("tok"), fsm_bytes(token, 16)},
                            {fsm_string("next"), fsm_int(is_child ? FSM_CHILD_NEXT_NS : at->time_ns)},
                            {fsm_string("child"), fsm_string(child)}};
  if (!fsm__decision_map(at->arena, pairs, is_child ? 3 : 2, &patch) ||
      fsm_map_merge(at->arena, open, &patch, item) != FSM_OK)
    return nomem(err);
  record->tasks = fsm_list(item, 1);
  return fsm__sends_of_tasks(at, out, record, err);
}

static fsm_code retry_task(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const char *name = at->command->name;
  fsm__task task;
  fsm_value open;
  fsm_code code = fsm__task_load(at->store, out->instance->number, name, at->arena, &task, err);
  if (code == FSM_ENOTFOUND)
    return fsm__decision_refuse(out, FSM_ETASK, "name", "the instance has no open task \"%.128s\"", name);
  if (code == FSM_OK) code = fsm__task_again(&task, at->arena, &open, err);
  if (code != FSM_OK) return code;
  const fsm_pair more[] = {{fsm_string("task"), fsm_string(name)},
                           {fsm_string("status"), fsm_string(out->status)}};
  if (task.corr[0] != '\0') out->correlation = task.corr;
  if (fsm__admin_record(at, out, FSM_RECORD_ADMIN, more, 2) == NULL) return nomem(err);
  return open_anew(at, out, name, &open, err);
}

/* Is the state that asked for the task still active? What made its own id does not tell: it counts as so. */
static bool asked_for(const fsm__instance *in, const char *id) {
  const fsm_machine *machine = in->deployed->machine;
  for (unsigned i = 0; i < fsm_machine_invokes(machine); i++) {
    const char *known = fsm_invoke_id(machine, i);
    if (known == NULL || strcmp(known, id) != 0) continue;
    for (unsigned a = 0; a < in->active_count; a++)
      if (in->active[a].state == fsm_invoke_state(machine, i)) return true;
    return false;
  }
  return true;
}

/* ---- an incident -------------------------------------------------------------------------------- */

static fsm_code retry_open(const fsm__case *at, fsm__decision *out, const fsm_value *open, fsm_error *err) {
  const char *id = text_of(at, open, "id");
  if (id == NULL) return nomem(err);
  if (!asked_for(out->instance, id))
    return fsm__decision_refuse(out, FSM_EINCIDENT, "",
                                "the state that asked for the task \"%.128s\" has been "
                                "left: skip the incident",
                                id);
  fsm_code code = fsm__admin_close_incident(at, out, err);
  return code == FSM_OK ? open_anew(at, out, id, open, err) : code;
}

static fsm_code retry_timer(const fsm__case *at, fsm__decision *out, const char *id, fsm_error *err) {
  fsm__timer timer;
  fsm_code code = fsm__timer_load(at->store, out->instance->number, id, at->arena, &timer, err);
  if (code == FSM_ENOTFOUND)
    return fsm__decision_refuse(out, FSM_EINCIDENT, "",
                                "the timer \"%.128s\" is not set any more: skip the "
                                "incident",
                                id);
  if (code == FSM_OK) code = fsm__admin_close_incident(at, out, err);
  return code == FSM_OK ? fsm__decision_fire(at, out, &timer, err) : code;
}

static fsm_code retry_answer(const fsm__case *at, fsm__decision *out, const char *id, const fsm_value *data,
                             fsm_error *err) {
  fsm__task task;
  fsm_code code = fsm__task_load(at->store, out->instance->number, id, at->arena, &task, err);
  if (code == FSM_ENOTFOUND)
    return fsm__decision_refuse(out, FSM_EINCIDENT, "",
                                "the task \"%.128s\" is not open any more: skip the "
                                "incident",
                                id);
  if (code == FSM_OK) code = fsm__admin_close_incident(at, out, err);
  return code == FSM_OK ? fsm__decision_answer(at, out, &task, data, err) : code;
}

static fsm_code retry_event(const fsm__case *at, fsm__decision *out, const char *name, const fsm_value *data,
                            fsm_error *err) {
  const fsm_event event = {.name = name, .data = *data, .cause = FSM_CAUSE_EXTERNAL};
  fsm_step_result step;
  fsm_code code = fsm__admin_close_incident(at, out, err);
  if (code == FSM_OK) code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (step.outcome == FSM_OK || step.outcome == FSM_EEXPRESSION)
    return fsm__decision_step(at, out, &step, err);
  return fsm__decision_refuse(out, step.outcome, "",
                              "the event \"%s\" is not taken now (%s): skip the incident", name,
                              fsm_code_text(step.outcome));
}

static fsm_code retry_incident(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_value *incident = &out->instance->incident, *tried = fsm_map_get(incident, "tried"),
                  *seq = fsm_map_get(incident, "seq");
  if (tried == NULL)
    return fsm__decision_refuse(
        out, FSM_EINCIDENT, "",
        "what opened the incident (seq %lld) was carried out but for its error, and would "
        "be done twice: skip it, after set or force where needed",
        (long long)(seq ? seq->i : 0));
  const fsm_value *open = fsm_map_get(tried, "open"), *given = fsm_map_get(tried, "data");
  const char *timer = text_of(at, tried, "timer"), *task = text_of(at, tried, "task"),
             *event = text_of(at, tried, "event");
  const fsm_value none = fsm_null(), *data = given != NULL ? given : &none;
  if (out->instance->corr != NULL) out->correlation = out->instance->corr;
  if ((timer == NULL && fsm_map_get(tried, "timer") != NULL) ||
      (task == NULL && fsm_map_get(tried, "task") != NULL))
    return nomem(err); /* an answer is not to be tried as a mere event */
  if (open != NULL) return retry_open(at, out, open, err);
  if (timer != NULL) return retry_timer(at, out, timer, err);
  if (task != NULL) return retry_answer(at, out, task, data, err);
  return event != NULL ? retry_event(at, out, event, data, err) : nomem(err);
}

/* ---- retry, skip -------------------------------------------------------------------------------- */

static fsm_code refuse_named(fsm__decision *out, const char *verb) {
  return fsm__decision_refuse(
      out, FSM_EINCIDENT, "name",
      "the instance is an incident: %s that, without a name, before a task or timer of it", verb);
}

static fsm_code refuse_unnamed(fsm__decision *out, const char *verb) {
  return fsm__decision_refuse(out, FSM_ERUNNING, "name",
                              "the instance is running, there is no incident: name what to %s", verb);
}

fsm_code fsm__admin_retry(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const bool incident = out->instance->status == FSM_INCIDENT, named = at->command->name != NULL;
  if (incident) return named ? refuse_named(out, "retry") : retry_incident(at, out, err);
  return named ? retry_task(at, out, err) : refuse_unnamed(out, "retry");
}

/* A timer whose step was rolled back goes with the incident: it would only loop again. */
static fsm_code skip_incident(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_value *tried = fsm_map_get(&out->instance->incident, "tried");
  const fsm_value *timer = tried != NULL ? fsm_map_get(tried, "timer") : NULL;
  if (out->instance->corr != NULL) out->correlation = out->instance->corr;
  fsm_code code = fsm__admin_close_incident(at, out, err);
  if (code != FSM_OK || timer == NULL) return code;
  const fsm_pair cancel = {fsm_string("cancel"), *timer};
  fsm_value *item = fsm_arena_alloc(at->arena, sizeof *item);
  if (item == NULL || !fsm__decision_map(at->arena, &cancel, 1, item)) return nomem(err);
  out->records[out->count - 1].timers = fsm_list(item, 1);
  return FSM_OK;
}

static fsm_code skip_task(const fsm__case *at, fsm__decision *out, const fsm__task *task, fsm_error *err) {
  const fsm_pair more[] = {{fsm_string("task"), fsm_string(task->id)},
                           {fsm_string("status"), fsm_string(out->status)}};
  if (task->corr[0] != '\0') out->correlation = task->corr;
  fsm_record *record = fsm__admin_record(at, out, FSM_RECORD_ADMIN, more, 2);
  if (record == NULL) return nomem(err);
  fsm_code code = fsm__send_cancel(at, out, record, task->id, err);
  if (code == FSM_OK) code = fsm__decision_answer(at, out, task, &at->command->data, err);
  if (code == FSM_OK && out->count > 1) out->records[1].cause = FSM_CAUSE_ADMIN; /* and no worker's answer */
  return code;
}

static fsm_code skip_timer(const fsm__case *at, fsm__decision *out, const fsm__timer *timer, fsm_error *err) {
  const fsm_pair more[] = {{fsm_string("timer"), fsm_string(timer->id)},
                           {fsm_string("status"), fsm_string(out->status)}};
  if (out->instance->corr != NULL) out->correlation = out->instance->corr;
  if (fsm__admin_record(at, out, FSM_RECORD_ADMIN, more, 2) == NULL) return nomem(err);
  fsm_code code = fsm__decision_fire(at, out, timer, err);
  if (code == FSM_OK && out->count > 1) out->records[1].cause = FSM_CAUSE_ADMIN;
  return code;
}

fsm_code fsm__admin_skip(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const bool incident = out->instance->status == FSM_INCIDENT;
  const char *name = at->command->name;
  fsm__task *task = fsm_arena_alloc(at->arena, sizeof *task);
  fsm__timer *timer = fsm_arena_alloc(at->arena, sizeof *timer);
  if (task == NULL || timer == NULL) return nomem(err);
  if (incident) return name != NULL ? refuse_named(out, "skip") : skip_incident(at, out, err);
  if (name == NULL) return refuse_unnamed(out, "skip");
  fsm_code code = fsm__task_load(at->store, out->instance->number, name, at->arena, task, err);
  if (code == FSM_OK) return skip_task(at, out, task, err);
  if (code == FSM_ENOTFOUND) {
    code = fsm__timer_load(at->store, out->instance->number, name, at->arena, timer, err);
    if (code == FSM_OK) return skip_timer(at, out, timer, err);
  }
  if (code != FSM_ENOTFOUND) return code;
  return fsm__decision_refuse(out, FSM_ETASK, "name", "the instance has no open task and no timer \"%.128s\"",
                              name);
}

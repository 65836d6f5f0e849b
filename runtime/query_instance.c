/* query_instance.c: one instance, as it is. */
#include <string.h>

#include "runtime/decide.h"
#include "runtime/query.h"
#include "runtime/query_row.h"
#include "runtime/sends.h"
#include "runtime/service.h"
#include "runtime/untaken.h"

/* ---- as it is ----------------------------------------------------------------------------------- */

static fsm_code since_map(const fsm__reading *at, const fsm__instance *in, fsm_value *out, fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  for (unsigned i = 0; i < in->active_count; i++)
    if (in->active[i].state != 0)
      fsm__document_time(&d, fsm_state_path(in->deployed->machine, in->active[i].state), in->active[i].ns);
  return fsm__document_map(&d, out, err);
}

static fsm_code timer_view(const fsm__reading *at, const fsm__row *row, fsm_value *out, fsm_error *err) {
  fsm__timer timer;
  fsm_code code = fsm__timer_read(row, at->arena, &timer, err);
  if (code != FSM_OK) return code;
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "id", timer.id);
  fsm__document_text(&d, "event", timer.event);
  fsm__document_time(&d, "due", timer.due_ns);
  return fsm__document_map(&d, out, err);
}

/* nobody: there is none who would take it in this program, and nobody delivers it, or none took the last one.
 */
static const char *task_status(const fsm__core *core, const fsm__task *task) {
  if (task->started) return "started";
  if (core->services == NULL || strcmp(task->service, FSM_SERVICE_MACHINE) == 0 ||
      fsm__services_find(core->services, task->service) >= 0)
    return "waiting";
  return core->delivers && !fsm__untaken_is(core->untaken, task->service) ? "waiting" : "nobody";
}

/* A task that a child instance works on: there is no attempt, and no time when it is over. */
static fsm_code child_view(const fsm__reading *at, const fsm__instance *in, const fsm__task *task,
                           fsm_value *out, fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "id", task->id);
  fsm__document_text(&d, "service", task->service);
  fsm__document_text(&d, "child", fsm__child_id(at->arena, in->id, task->id, task->seq));
  return fsm__document_map(&d, out, err);
}

static fsm_code send_view(const fsm__reading *at, const fsm__row *row, fsm_value *out, fsm_error *err) {
  fsm__send send;
  fsm_code code = fsm__send_read(row, at->arena, &send, err);
  if (code != FSM_OK) return code;
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "id", send.id);
  fsm__document_text(&d, "kind", fsm__send_kind_name(send.kind));
  fsm__document_text(&d, "to", send.to);
  fsm__document_text(&d, "event", send.event[0] != '\0' ? send.event : NULL);
  fsm__document_time(&d, "due", send.due_ns);
  return fsm__document_map(&d, out, err);
}

fsm_code fsm__query_parent(const fsm__reading *at, const fsm__instance *in, fsm_value *out, fsm_error *err) {
  fsm__instance parent;
  fsm__task task;
  uint64_t number = 0;
  fsm__document d = {.arena = at->arena};
  fsm_code code = fsm__task_with_token(at->core->store, in->parent, at->arena, &number, &task, err);
  if (code == FSM_OK) fsm__document_text(&d, "task", task.id);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, &parent, err);
  if (code == FSM_OK) fsm__document_text(&d, "instance", parent.id);
  return code == FSM_OK || code == FSM_ENOTFOUND ? fsm__document_map(&d, out, err) : code;
}

static fsm_code task_view(const fsm__reading *at, const fsm__instance *in, const fsm__row *row,
                          fsm_value *out, fsm_error *err) {
  fsm__task task;
  fsm_code code = fsm__task_read(row, at->arena, &task, err);
  if (code != FSM_OK) return code;
  if (strcmp(task.service, FSM_SERVICE_MACHINE) == 0) return child_view(at, in, &task, out, err);
  char *token = fsm_arena_alloc(at->arena, 33);
  if (token == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__hex(task.token, 16, token);
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "id", task.id);
  fsm__document_text(&d, "service", task.service);
  fsm__document_text(&d, "token", token);
  fsm__document_put(&d, "attempt", fsm_int(task.attempt));
  fsm__document_put(&d, "attempts", fsm_int(task.attempts));
  const char *status = task_status(at->core, &task);
  fsm__document_text(&d, "status", status);
  if (strcmp(status, "nobody") == 0 && strcmp(task.service, "http") == 0)
    fsm__document_text(&d, "why", "the built-in service http is off: no URL may be called (http_allow)");
  fsm__document_time(&d, task.started ? "deadline" : "due", task.next_ns);
  if (task.started) fsm__document_time(&d, "begun", task.begun_ns);
  if (task.error[0] != '\0') fsm__document_text(&d, "error", fsm__query_text(at, in, task.error));
  return fsm__document_map(&d, out, err);
}

static fsm_code row_view(const fsm__reading *at, const fsm__instance *in, char type, const fsm__row *row,
                         fsm_value *out, fsm_error *err) {
  switch (type) {
    case 't': return timer_view(at, row, out, err);
    case 'k': return task_view(at, in, row, out, err);
    default: return send_view(at, row, out, err);
  }
}

static fsm_code open_rows(const fsm__reading *at, const fsm__instance *in, char type, fsm_value *out,
                          fsm_error *err) {
  fsm__key prefix = fsm__key_instance(in->number, type, NULL, 0);
  fsm__items items = {.arena = at->arena};
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm_value view;
    code = row_view(at, in, type, &row, &view, err);
    if (code != FSM_OK) break;
    fsm__items_add(&items, view);
  }
  fsm__range_close(&range);
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *out = fsm_list(items.items, items.count);
  return FSM_OK;
}

/* The instance with its data masked. */
static fsm_code mask_instance(const fsm__reading *at, fsm__instance *in, fsm_error *err) {
  const fsm_mask *mask = fsm__query_mask(at, in);
  fsm_value *const data[] = {&in->labels, &in->context, &in->output};
  static const char *const called[] = {"labels", "context", "output"};
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < sizeof data / sizeof *data && code == FSM_OK; i++) {
    const bool whole = !fsm_is(data[i], FSM_NULL) && fsm_mask_hides(mask, called[i], strlen(called[i]));
    if (whole)
      *data[i] = fsm_string(FSM_MASKED);
    else
      code = fsm_mask_value(at->arena, mask, data[i], data[i], err);
  }
  if (code == FSM_OK) code = fsm_mask_detail(at->arena, mask, &in->incident, &in->incident, err);
  return code;
}

fsm_code fsm__query_instance_as(const fsm__reading *at, fsm__instance *in, fsm__document *d, fsm_error *err) {
  fsm_value since, timers, tasks, messages, parent;
  fsm_code code = since_map(at, in, &since, err);
  if (code == FSM_OK) code = open_rows(at, in, 't', &timers, err);
  if (code == FSM_OK) code = open_rows(at, in, 'k', &tasks, err);
  if (code == FSM_OK) code = open_rows(at, in, 'm', &messages, err);
  if (code == FSM_OK && in->has_parent) code = fsm__query_parent(at, in, &parent, err);
  if (code == FSM_OK) code = mask_instance(at, in, err);
  if (code != FSM_OK) return code;
  fsm__document_text(d, "id", in->id);
  fsm__document_text(d, "machine", in->deployed->id);
  fsm__document_put(d, "version", fsm_int(in->deployed->version));
  fsm__document_text(d, "key", in->key);
  if (!fsm_is(&in->labels, FSM_NULL)) fsm__document_put(d, "labels", in->labels);
  fsm__document_text(d, "status", fsm__status_name(in->status));
  fsm__document_put(d, "state", fsm__leaves(in, at->arena));
  fsm__document_put(d, "since", since);
  fsm__document_put(d, "context", in->context);
  if (fsm_is(&in->history, FSM_MAP)) fsm__document_put(d, "history", in->history);
  fsm__document_put(d, "rev", fsm_int((int64_t)in->rev));
  fsm__document_put(d, "seq", fsm_int((int64_t)in->last_seq));
  fsm__document_text(d, "correlation", in->corr);
  fsm__document_time(d, "created", in->created_ns);
  fsm__document_time(d, "updated", in->updated_ns);
  fsm__document_put(d, "timers", timers);
  fsm__document_put(d, "tasks", tasks);
  if (messages.len > 0) fsm__document_put(d, "messages", messages);
  if (in->has_parent) fsm__document_put(d, "parent", parent);
  if (in->status == FSM_COMPLETED) fsm__document_put(d, "output", in->output);
  if (in->forced) fsm__document_put(d, "forced", fsm_bool(true));
  if (fsm_is(&in->incident, FSM_MAP)) fsm__document_put(d, "incident", in->incident);
  if (fsm_is(&in->cancelled, FSM_MAP)) fsm__document_put(d, "cancelled", in->cancelled);
  return FSM_OK;
}

fsm_code fsm__query_instance(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__instance in;
  fsm__document d = {.arena = at->arena};
  if (at->query->as_of != NULL) return fsm__query_past(at, out, err);
  fsm_code code = fsm__query_resolve(at, at->query->ref, &in, err);
  if (code == FSM_OK) code = fsm__query_instance_as(at, &in, &d, err);
  if (code != FSM_OK) return code;
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

/* task_view.c: see task_view.h. */
#include "runtime/task_view.h"

#include <string.h>

#include "runtime/message.h"
#include "runtime/sends.h"
#include "runtime/service.h"
#include "runtime/span.h"

const char *fsm__task_state_name(fsm__task_state state) {
  static const char *const names[FSM_TASK_STATES] = {"open", "running", "waiting"};
  FSM_ASSERT(state < FSM_TASK_STATES);
  return names[state];
}

/* Who runs it is in this program: a service of ours, or a child instance. */
static bool is_ours(const struct fsm__services *services, const char *service) {
  return strcmp(service, FSM_SERVICE_MACHINE) == 0 ||
         (services != NULL && fsm__services_find(services, service) >= 0);
}

fsm__task_state fsm__task_state_of(const struct fsm__services *services, const fsm__instance *in,
                                   const fsm__task *task, int64_t now_ns) {
  if (task->started) return FSM_TASK_RUNNING;
  if (in->status != FSM_RUNNING || task->next_ns > now_ns || is_ours(services, task->service))
    return FSM_TASK_WAITING;
  return FSM_TASK_OPEN;
}

static int64_t deadline_of(const fsm__task *task) {
  int64_t deadline_ns;
  return __builtin_add_overflow(task->begun_ns, task->timeout_ns, &deadline_ns) ? INT64_MAX : deadline_ns;
}

static void put_times(fsm__document *d, const fsm__task *task) {
  fsm__document_put(d, "timeout_ns", fsm_int(task->timeout_ns));
  if (task->heartbeat_ns > 0) fsm__document_put(d, "heartbeat_ns", fsm_int(task->heartbeat_ns));
  if (!task->started) {
    if (task->next_ns != FSM_CHILD_NEXT_NS) fsm__document_time(d, "due", task->next_ns);
    return;
  }
  fsm__document_time(d, "begun", task->begun_ns);
  fsm__document_time(d, "deadline", deadline_of(task));
  if (task->heartbeat_ns > 0) fsm__document_time(d, "heartbeat_by", task->next_ns);
}

static fsm_code put_data(fsm__document *d, const fsm__task *task, const fsm_mask *mask, fsm_error *err) {
  fsm_value input = task->input;
  fsm_code code = fsm_mask_value(d->arena, mask, &task->input, &input, err);
  if (code != FSM_OK) return code;
  fsm__document_put(d, "input", input);
  if (task->error[0] == '\0') return FSM_OK;
  const char *text = fsm_mask_text(d->arena, mask, task->error);
  fsm__document_text(d, "error", text != NULL ? text : FSM_MASKED);
  return FSM_OK;
}

fsm_code fsm__task_view(fsm_arena *arena, const fsm_origin *origin, const fsm__instance *in,
                        const fsm__task *task, fsm__task_state state, const fsm_mask *mask, fsm_value *out,
                        fsm_error *err) {
  fsm__document d = {.arena = arena};
  char *token = fsm_arena_alloc(arena, 33);
  if (token == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__hex(task->token, 16, token);
  fsm__document_text(&d, "token", token);
  fsm__document_text(&d, "service", task->service);
  fsm__document_text(&d, "machine", in->deployed->id);
  fsm__document_put(&d, "version", fsm_int(in->deployed->version));
  fsm__document_text(&d, "instance", in->id);
  fsm__document_text(&d, "key", in->key);
  if (in->forced) fsm__document_put(&d, "forced", fsm_bool(true));
  fsm__document_text(&d, "invoke", task->id);
  fsm__document_text(&d, "state", fsm__task_state_name(state));
  fsm__document_put(&d, "attempt", fsm_int(task->attempt + (task->started ? 0 : 1)));
  fsm__document_put(&d, "attempts", fsm_int(task->attempts));
  put_times(&d, task);
  fsm_code code = put_data(&d, task, mask, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&d, "correlation", task->corr);
  const fsm_value trace = fsm__span_continue(arena, &task->trace, origin, task->seq);
  fsm__document_text(&d, "traceparent", fsm__traceparent(arena, &trace));
  return fsm__document_map(&d, out, err);
}

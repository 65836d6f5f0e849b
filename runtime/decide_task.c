/* decide_task.c: answers of workers: an attempt has begun, is alive, is done, has failed, ran out of time.
 *
 * The task row is the truth. An answer for a task that is gone (done before, cancelled, its instance
 * ended) is refused as unknown_task and changes nothing. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide.h"
#include "runtime/service.h"

typedef struct found {
  fsm__instance *in;
  fsm__task task;
} found;

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a task"); }

fsm_code fsm__task_with_token(fsm__store *store, const uint8_t token[16], fsm_arena *arena, uint64_t *number,
                              fsm__task *out, fsm_error *err) {
  *number = fsm__key_read_u64(token);
  fsm__key prefix = fsm__key_instance(*number, 'k', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool more = false, match = false;
  fsm_code code;
  fsm__range_open(&range, store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (!match && (code = fsm__range_next(&range, &row, &more, err)) == FSM_OK && more) {
    code = fsm__task_read(&row, arena, out, err);
    if (code != FSM_OK) break;
    match = memcmp(out->token, token, sizeof out->token) == 0;
  }
  fsm__range_close(&range);
  return match ? FSM_OK : code != FSM_OK ? code : FSM_ENOTFOUND;
}

static fsm_code load_instance(const fsm__case *at, uint64_t number, found *got, fsm__decision *out,
                              fsm_error *err) {
  got->in = fsm_arena_alloc(at->arena, sizeof *got->in);
  if (got->in == NULL) return nomem(err);
  fsm_code code = fsm__instance_load(at->store, at->catalog, number, at->arena, got->in, err);
  if (code != FSM_OK) return code;
  fsm__decision_about(out, got->in, at->arena);
  if (got->task.corr[0] != '\0') out->correlation = got->task.corr;
  return fsm__decision_cause(at, got->task.seq, &out->causation, err);
}

/* A record about the task: its id, its service, and up to two more members in detail. */
static fsm_record *task_record(const fsm__case *at, fsm__decision *out, fsm_record_kind kind,
                               const found *got, unsigned attempt, const fsm_pair *more,
                               unsigned more_count) {
  fsm_record *record = fsm__decision_record(at, out, kind);
  fsm_pair *pairs = fsm_arena_alloc(at->arena, (2 + more_count) * sizeof *pairs);
  uint8_t *token = fsm_arena_alloc(at->arena, 16);
  if (record == NULL || pairs == NULL || token == NULL) return NULL;
  memcpy(token, got->task.token, 16);
  pairs[0] = (fsm_pair){fsm_string("task"), fsm_string(got->task.id)};
  pairs[1] = (fsm_pair){fsm_string("service"), fsm_string(got->task.service)};
  for (unsigned i = 0; i < more_count; i++) pairs[2 + i] = more[i];
  if (fsm_map(pairs, 2 + more_count, &record->detail, NULL) != FSM_OK) return NULL;
  record->tok = token;
  record->att = (uint16_t)attempt;
  record->cause = FSM_CAUSE_TASK;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  return record;
}

/* The attempt that an answer is of: the one begun, or, when nobody said that it began, the next. */
static unsigned attempt_of(const fsm__task *task) {
  return task->started ? task->attempt : task->attempt + 1;
}

static int64_t later(int64_t ns, int64_t by_ns) {
  int64_t sum;
  return __builtin_add_overflow(ns, by_ns, &sum) ? INT64_MAX : sum;
}

/* The answer's name in the machine's notation. */
static const char *answer_name(const found *got, bool error, fsm_arena *arena) {
  bool scxml = fsm_machine_dialect(got->in->deployed->machine) == FSM_SCXML;
  if (scxml && error) return "error.communication";
  const char *prefix = scxml ? "done.invoke" : error ? "xstate.error.actor" : "xstate.done.actor";
  return fsm_arena_printf(arena, "%s.%s", prefix, got->task.id);
}

/* The answer as the event that the machine waits for. */
static fsm_code step_with(const fsm__case *at, fsm__decision *out, const found *got, bool error,
                          const fsm_value *data, fsm_error *err) {
  fsm_step_result step;
  const char *name = answer_name(got, error, at->arena);
  if (name == NULL) return nomem(err);
  const fsm_event event = {.name = name, .data = *data, .cause = FSM_CAUSE_TASK, .invokeid = got->task.id};
  out->rev = out->records[out->count - 1].rev = got->in->rev + 1;
  out->records[out->count - 1].trigger = name;
  fsm_code code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  if (step.outcome == FSM_OK || step.outcome == FSM_EEXPRESSION)
    return fsm__decision_step(at, out, &step, err);
  if (got->in->status != FSM_RUNNING || !error) return FSM_OK;
  fsm__decision parked = *out; /* an error that nothing takes: park it, and keep what was before it */
  parked.records = NULL;
  parked.count = parked.cap = 0;
  code = fsm__decide_incident(at, &parked, FSM_EEXPRESSION, "nothing takes the error of the task", err);
  if (code != FSM_OK) return code;
  fsm_record *incident = fsm__decision_record(at, out, FSM_RECORD_INCIDENT_OPENED);
  if (incident == NULL) return nomem(err);
  *incident = parked.records[0];
  out->status = parked.status;
  return FSM_OK;
}

/* An attempt begins, or goes on: until when it may be silent, and until when it may last at all. */
static fsm_code runs(const fsm__case *at, fsm__decision *out, const found *got, unsigned attempt,
                     int64_t silent_ns, fsm_error *err) {
  const fsm__task *task = &got->task;
  int64_t deadline_ns = later(task->started ? task->begun_ns : at->time_ns, task->timeout_ns);
  fsm_pair more[3] = {{fsm_string("deadline"), fsm_int(deadline_ns)}};
  unsigned count = 1;
  if (task->heartbeat_ns > 0) {
    if (silent_ns > deadline_ns) silent_ns = deadline_ns;
    more[count++] = (fsm_pair){fsm_string("heartbeat_by"), fsm_int(silent_ns)};
  }
  if (at->command->later) more[count++] = (fsm_pair){fsm_string("later"), fsm_bool(true)};
  return task_record(at, out, FSM_RECORD_TASK_STARTED, got, attempt, more, count) ? FSM_OK : nomem(err);
}

/* An attempt that has begun before changes nothing. */
static fsm_code started(const fsm__case *at, fsm__decision *out, const found *got, fsm_error *err) {
  unsigned attempt = at->command->attempt;
  if (got->task.started || attempt != got->task.attempt + 1) return FSM_OK;
  if (at->command->claim) {
    if (!fsm__decision_claims(at, got->in, &got->task)) return FSM_OK;
    fsm_code code = fsm__decision_claimed(at, out, &got->task, err);
    if (code != FSM_OK) return code;
  }
  return runs(at, out, got, attempt, later(at->time_ns, got->task.heartbeat_ns), err);
}

/* Does it live longer when it may be silent until then? */
static bool lives_longer(const fsm__task *task, int64_t silent_ns) {
  return task->started && task->heartbeat_ns > 0 && silent_ns > task->next_ns &&
         task->next_ns < later(task->begun_ns, task->timeout_ns);
}

/* The attempt goes on. Written as another start of the same attempt, but not each time: what comes soon after
 * the last one is kept in memory by the writer (beats.h), which brings it along when time is up. */
static fsm_code heartbeat(const fsm__case *at, fsm__decision *out, const found *got, fsm_error *err) {
  const fsm__task *task = &got->task;
  if (!task->started) return FSM_OK;
  int64_t silent_ns = later(at->time_ns, task->heartbeat_ns);
  if (at->command->later && !task->later) return runs(at, out, got, task->attempt, silent_ns, err);
  if (!lives_longer(task, silent_ns)) return FSM_OK;
  if (silent_ns - task->next_ns >= task->heartbeat_ns / FSM_BEATS_RECORDED)
    return runs(at, out, got, task->attempt, silent_ns, err);
  out->silent_ns = silent_ns;
  return FSM_OK;
}

/* Against schemas.events, under the name of the event that it becomes. What does not fit is refused and the
 * task stays open: its service may answer again. */
static bool output_good(fsm__decision *out, const char *event, const fsm_value *output) {
  const fsm__instance *in = out->instance;
  if (fsm_definition_check_event(in->deployed->definition, event, output, &out->refusal) == FSM_OK)
    return true;
  out->count = 0;
  out->rev = in->rev;
  out->status = fsm__status_name(in->status);
  return false;
}

fsm_code fsm__decision_answer(const fsm__case *at, fsm__decision *out, const fsm__task *task,
                              const fsm_value *output, fsm_error *err) {
  const found got = {.in = out->instance, .task = *task};
  const char *event = answer_name(&got, false, at->arena);
  if (event == NULL) return nomem(err);
  if (!output_good(out, event, output)) return FSM_OK;
  fsm_record *record = task_record(at, out, FSM_RECORD_TASK_DONE, &got, attempt_of(task), NULL, 0);
  if (record == NULL) return nomem(err);
  record->data = *output;
  return step_with(at, out, &got, false, output, err);
}

/* Full jitter: anything up to the doubled back-off (never less than a millisecond). */
static int64_t retry_delay(const fsm__case *at, const fsm__deployed *deployed, const fsm__task *task) {
  fsm_task_policy policy = {.backoff_ns = 1000000000, .backoff_max_ns = (int64_t)3600 * 1000000000};
  for (unsigned i = 0; i < fsm_machine_invokes(deployed->machine); i++) {
    const char *id = fsm_invoke_id(deployed->machine, i);
    if (id != NULL && strcmp(id, task->id) == 0) fsm_definition_task_policy(deployed->definition, i, &policy);
  }
  int64_t bound = policy.backoff_ns;
  for (unsigned i = 1; i < attempt_of(task) && bound < policy.backoff_max_ns; i++)
    bound = bound > policy.backoff_max_ns / 2 ? policy.backoff_max_ns : bound * 2;
  if (bound > policy.backoff_max_ns) bound = policy.backoff_max_ns;
  const int64_t least = 1000000;
  return bound <= least ? least : least + (int64_t)(at->entropy % (uint64_t)(bound - least + 1));
}

/* When the next attempt may begin: when the policy says so, and not before the service asked for it. */
static int64_t retry_at(const fsm__case *at, const found *got) {
  int64_t wait_ns = retry_delay(at, got->in->deployed, &got->task), asked_ns = at->command->retry_ns;
  if (asked_ns > FSM_RETRY_AFTER_MAX_NS) asked_ns = FSM_RETRY_AFTER_MAX_NS;
  return later(at->time_ns, asked_ns > wait_ns ? asked_ns : wait_ns);
}

static fsm_code failed(const fsm__case *at, fsm__decision *out, const found *got, fsm_code reason,
                       const fsm_value *error, bool final, fsm_error *err) {
  unsigned attempt = attempt_of(&got->task);
  bool again = !final && attempt < got->task.attempts;
  fsm_pair more[2] = {{fsm_string("error"), *error}, {fsm_string("retry_at"), fsm_null()}};
  if (again) more[1].value = fsm_int(retry_at(at, got));
  fsm_record *record = task_record(at, out, FSM_RECORD_TASK_FAILED, got, attempt, more, again ? 2 : 1);
  if (record == NULL) return nomem(err);
  record->outcome = FSM_FAILED;
  record->reason = reason == FSM_ETIMEOUT ? fsm_code_name(FSM_ETIMEOUT) : "failed";
  if (again) return FSM_OK;
  fsm__task *gave_up = fsm_arena_alloc(at->arena, sizeof *gave_up);
  if (gave_up == NULL) return nomem(err);
  *gave_up = got->task;
  out->gave_up = gave_up;
  return step_with(at, out, got, true, error, err);
}

/* Machines read event.error.message, so an error is always a map: a text becomes its message. */
static fsm_code error_map(const fsm_value *given, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  *out = *given;
  if (fsm_is(given, FSM_MAP)) return FSM_OK;
  fsm_pair *pair = fsm_arena_alloc(arena, sizeof *pair);
  if (pair == NULL) return nomem(err);
  *pair =
      (fsm_pair){fsm_string("message"), fsm_is(given, FSM_NULL) ? fsm_string("the service failed") : *given};
  return fsm_map(pair, 1, out, err);
}

/* Is the answer of an attempt that is over? One that does not say of which it is, is of the one under way. */
static bool outdated(const fsm_command *command, const fsm__task *task) {
  if (command->kind == FSM_CMD_TASK_STARTED || command->kind == FSM_CMD_TASK_UNDELIVERED) return false;
  return command->attempt != 0 && command->attempt < attempt_of(task);
}

/* Not while its instance is paused or parked: answers, and the beginning of an attempt that can still be held
 * back. A worker outside that was offered the task before has it already: that is recorded. */
static bool waits(const fsm__case *at, const found *got) {
  const fsm_command_kind kind = at->command->kind;
  if (got->in->status == FSM_RUNNING || at->command->claim) return false;
  if (kind == FSM_CMD_TASK_COMPLETE || kind == FSM_CMD_TASK_FAIL) return true;
  return kind == FSM_CMD_TASK_STARTED && !got->task.started && at->services != NULL &&
         fsm__services_find(at->services, got->task.service) >= 0;
}

fsm_code fsm__decide_task(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_command *command = at->command;
  found got;
  uint64_t number = 0;
  fsm_value error;
  fsm_code code = fsm__task_with_token(at->store, command->token, at->arena, &number, &got.task, err);
  if (code == FSM_ENOTFOUND && command->claim) return FSM_OK;
  if (code == FSM_ENOTFOUND)
    return fsm__decision_refuse(out, FSM_ETASK, "token",
                                "no open task has this token: it was answered or cancelled before");
  if (code == FSM_OK) code = load_instance(at, number, &got, out, err);
  if (code != FSM_OK) return code;
  out->service = got.task.service;
  if (outdated(command, &got.task))
    return fsm__decision_refuse(out, FSM_ETASK, "attempt", "attempt %u is over: it failed or ran out of time",
                                command->attempt);
  if (waits(at, &got))
    return fsm__decision_refuse(out, got.in->status == FSM_PAUSED ? FSM_EPAUSED : FSM_EINCIDENT, "",
                                "the instance is %s: answer again later", fsm__status_name(got.in->status));
  code = fsm__decision_task_permitted(at, &got.task, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  switch (command->kind) {
    case FSM_CMD_TASK_STARTED: return started(at, out, &got, err);
    case FSM_CMD_TASK_HEARTBEAT: return heartbeat(at, out, &got, err);
    case FSM_CMD_TASK_COMPLETE: return fsm__decision_answer(at, out, &got.task, &at->command->data, err);
    case FSM_CMD_TASK_FAIL:
      code = error_map(&command->data, at->arena, &error, err);
      return code == FSM_OK ? failed(at, out, &got, FSM_OK, &error, command->final, err) : code;
    default: return FSM_OK; /* UNDELIVERED is the writer's own business */
  }
}

static fsm_code message_map(const char *text, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  const fsm_value message = fsm_string(text);
  return error_map(&message, arena, out, err);
}

/* The open task of a due row with its instance; *open false: there is nothing to decide. */
static fsm_code load_running(const fsm__case *at, uint64_t number, const char *id, fsm__decision *out,
                             found *got, bool *open, fsm_error *err) {
  *out = (fsm__decision){.correlation = at->command->correlation};
  *open = false;
  fsm_code code = fsm__task_load(at->store, number, id, at->arena, &got->task, err);
  if (code == FSM_ENOTFOUND || (code == FSM_OK && !got->task.started)) return FSM_OK;
  if (code == FSM_OK) code = load_instance(at, number, got, out, err);
  *open = code == FSM_OK && got->in->status == FSM_RUNNING; /* else it waits, overdue, like a timer */
  return code;
}

fsm_code fsm__decide_task_timeout(const fsm__case *at, uint64_t number, const char *id, int64_t silent_ns,
                                  fsm__decision *out, fsm_error *err) {
  found got;
  bool open = false;
  fsm_value error;
  fsm_code code = load_running(at, number, id, out, &got, &open, err);
  if (code != FSM_OK || !open || got.task.next_ns > at->time_ns) return code;
  const fsm__task *task = &got.task;
  if (lives_longer(task, silent_ns) && silent_ns > at->time_ns)
    return runs(at, out, &got, task->attempt, silent_ns, err);
  bool silent = task->next_ns < later(task->begun_ns, task->timeout_ns);
  code = message_map(silent ? "the attempt gave no sign of life" : "the attempt ran out of time", at->arena,
                     &error, err);
  return code == FSM_OK ? failed(at, out, &got, FSM_ETIMEOUT, &error, false, err) : code;
}

fsm_code fsm__decide_task_lost(const fsm__case *at, uint64_t number, const char *id, int64_t opened_ns,
                               fsm__decision *out, fsm_error *err) {
  found got;
  bool open = false;
  fsm_value error;
  fsm_code code = load_running(at, number, id, out, &got, &open, err);
  if (code != FSM_OK || !open || got.task.later || got.task.begun_ns > opened_ns) return code;
  code = message_map("the process ended during the attempt", at->arena, &error, err);
  return code == FSM_OK ? failed(at, out, &got, FSM_OK, &error, false, err) : code;
}

/* writer_task.c: tasks that are due: offered to whoever runs their service, or out of time.
 *
 * A task that was offered and not begun is offered again from a list in memory; after a restart the scan of
 * the due table starts from the front and offers all. */
#include <string.h>

#include "runtime/clock.h"
#include "runtime/span.h"
#include "runtime/writer_due.h"

/* The task and its instance; false when it is gone or has begun, or waits for its back-off. */
static bool load(fsm__writer *w, uint64_t number, const char *id, fsm__task *task, fsm__instance *in) {
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, number, id, &w->internal, task, &err);
  if (code == FSM_OK && (task->started || task->next_ns > w->core.last_time_ns)) return false;
  if (code == FSM_OK)
    code = fsm__instance_load(w->core.store, w->core.catalog, number, &w->internal, in, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  return code == FSM_OK;
}

/* The trace goes on below the record that opened the task. */
static fsm_task told(fsm__writer *w, const fsm__task *task, const fsm__instance *in) {
  fsm_task out = {.service = task->service,
                  .instance = in->id,
                  .machine = in->deployed->id,
                  .invoke = task->id,
                  .input = task->input,
                  .attempt = task->attempt + 1,
                  .attempts = task->attempts,
                  .timeout_ns = task->timeout_ns,
                  .correlation = task->corr,
                  .trace = fsm__span_continue(&w->internal, &task->trace, &w->core.origin, task->seq)};
  memcpy(out.token, task->token, sizeof out.token);
  return out;
}

/* Nobody is told of a task before all that made it so (its opening, the end of the attempt before, the resume
 * of its instance) is durable. */
static void make_durable(fsm__writer *w, uint64_t seq) {
  fsm__journal *journal = w->core.journal;
  fsm_error err;
  if (seq > fsm__journal_durable_seq(journal)) fsm__writer_sync_wait(w); /* its batch is on its way */
  if (seq <= fsm__journal_durable_seq(journal)) return;
  fsm__writer_commit(w); /* it is of this very turn, whose next batch needs room of its own */
  fsm__writer_sync_wait(w);
  FSM_ASSERT(seq <= fsm__journal_durable_seq(journal));
  fsm_code code = fsm__journal_ready(journal, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  if (code == FSM_OK) return;
  w->full = true;
  w->repairs_fit = false;
  w->full_reason = err;
}

/* Tells whoever runs its service, or puts it into the line of one of ours. A paused instance's waits. */
static bool offer(fsm__writer *w, uint64_t number, const char *id) {
  fsm__task task;
  fsm__instance in;
  if (!load(w, number, id, &task, &in)) return false;
  if (in.status != FSM_RUNNING) return true;
  make_durable(w, in.last_seq);
  int line = fsm__services_find(w->services, task.service);
  if (line >= 0) {
    fsm__offers_hold(w->offers, number, id, (unsigned)line);
  } else if (w->options.task_ready != NULL) {
    const fsm_task out = told(w, &task, &in);
    w->options.task_ready(w->options.task_arg, &out);
  }
  return true;
}

/* From the lines to the services, as far as there is room. */
void fsm__due_lines(fsm__writer *w) {
  uint64_t number = 0;
  const char *id = NULL;
  int64_t mono = fsm__monotonic_ns();
  for (unsigned line = 0; line < fsm__services_count(w->services); line++) {
    while (fsm__offers_waits(w->offers, line) && fsm__services_room(w->services, line) &&
           fsm__offers_call(w->offers, line, mono, &number, &id)) {
      fsm__task task;
      fsm__instance in;
      if (!load(w, number, id, &task, &in)) {
        fsm__offers_forget(w->offers, number, id);
      } else if (in.status == FSM_RUNNING) {
        const fsm_task out = told(w, &task, &in);
        (void)fsm__services_take(w->services, line,
                                 &out); /* no memory: in half a minute, like a paused one */
      }
    }
  }
}

void fsm__due_offers(fsm__writer *w) {
  int64_t mono = fsm__monotonic_ns();
  uint64_t number = 0;
  const char *id = NULL;
  for (unsigned i = 0; i < FSM_TURN_DUE_MAX && fsm__offers_take(w->offers, mono, &number, &id); i++)
    if (!offer(w, number, id)) fsm__offers_forget(w->offers, number, id);
}

void fsm__writer_undelivered(fsm__writer *w, const uint8_t token[16]) {
  fsm__offers_undelivered(w->offers, fsm__key_read_u64(token), fsm__monotonic_ns());
}

bool fsm__writer_offered(const fsm__writer *w, const uint8_t token[16]) {
  return w->options.task_ready != NULL && fsm__offers_out(w->offers, fsm__key_read_u64(token));
}

/* ---- what answers leave behind ------------------------------------------------------------------ */

static bool ended(const fsm__decision *decision) {
  if (decision->count == 0) return false;
  const fsm_record *first = &decision->records[0];
  return first->kind == FSM_RECORD_TASK_DONE ||
         (first->kind == FSM_RECORD_TASK_FAILED && fsm_map_get(&first->detail, "retry_at") == NULL);
}

void fsm__writer_task_decided(fsm__writer *w, const fsm_command *command, const fsm__decision *decision) {
  if (decision->refusal.code == FSM_EPERMISSION) return; /* it was nobody's who counts */
  if (command->kind == FSM_CMD_TASK_HEARTBEAT && decision->silent_ns != 0)
    fsm__beats_note(w->beats, command->token, decision->silent_ns, w->core.last_time_ns);
  bool taken = command->kind == FSM_CMD_TASK_STARTED || command->kind == FSM_CMD_TASK_COMPLETE;
  if (decision->service != NULL && (taken || command->kind == FSM_CMD_TASK_UNDELIVERED))
    fsm__untaken_say(w->core.untaken, decision->service, taken);
  if (command->kind != FSM_CMD_TASK_COMPLETE && command->kind != FSM_CMD_TASK_FAIL) return;
  if (decision->count > 0) (void)fsm__beats_take(w->beats, command->token);
  if (!ended(decision)) return;
  memcpy(w->ended[w->ended_next], command->token, sizeof w->ended[0]);
  w->ended_next = (w->ended_next + 1) % FSM_ENDED_KEPT;
}

void fsm__writer_late(fsm__writer *w, const uint8_t token[16]) {
  w->core.late_answers++;
  for (unsigned i = 0; i < FSM_ENDED_KEPT; i++) {
    if (memcmp(w->ended[i], token, sizeof w->ended[0]) != 0) continue;
    w->core.duplicates++;
    return;
  }
}

void fsm__due_task(fsm__writer *w, const fsm__due *due) {
  fsm__task task;
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, due->number, due->id, &w->internal, &task, &err);
  if (code == FSM_ENOMEM) fsm__due_look_again(w);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  if (code != FSM_OK) return;
  if (task.next_ns != due->due_ns) return; /* opened anew in this very scan: not durable yet */
  if (!task.started) {
    (void)fsm__offers_note(w->offers, due->number, due->id, fsm__monotonic_ns());
    if (!offer(w, due->number, due->id)) fsm__offers_forget(w->offers, due->number, due->id);
    return;
  }
  fsm__case at = fsm__writer_case(w, &w->internal, &fsm__by_time, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return fsm__due_look_again(w);
  code = fsm__decide_task_timeout(&at, due->number, due->id, fsm__beats_take(w->beats, task.token), decision,
                                  &err);
  fsm__due_take(w, &at, decision, code, &err);
}

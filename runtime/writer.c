/* writer.c: the turns of the writer thread. See writer.h. */
#include "runtime/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/clock.h"

/* A clock that was set back by an hour must not stop all timers for an hour, nor may time run on as if it
 * were right: at half the pace a timer is late by no more than the step, and no more than its delay. */
static int64_t held_time(fsm__writer *w, int64_t boot_ns) {
  int64_t passed = w->boot != 0 && boot_ns > w->given_ns ? (boot_ns - w->given_ns) / 2 : 0;
  w->wall_ns = w->core.last_time_ns + passed;
  return w->wall_ns;
}

int64_t fsm__writer_now(fsm__writer *w, bool *held) {
  int64_t boot_ns = w->boot != 0 ? fsm__boot_now(&w->options) : 0;
  int64_t now = fsm__wall_now(&w->options);
  *held =
      now < w->wall_ns; /* not: behind the time of the last record, which may be ahead of the clock's tick */
  if (*held)
    now = held_time(w, boot_ns);
  else
    w->wall_ns = now;
  if (now <= w->core.last_time_ns) now = w->core.last_time_ns + 1;
  w->core.last_time_ns = now;
  atomic_store_explicit(&w->core.given_ns, now, memory_order_relaxed);
  w->given_ns = boot_ns;
  return now;
}

void fsm__writer_fatal(fsm__writer *w, const fsm_error *err) {
  if (w->options.fatal != NULL) w->options.fatal(w->options.fatal_arg, err);
  fprintf(stderr, "fsm: fatal: %s: %s; nothing more is answered\n", err->where[0] ? err->where : w->core.dir,
          err->text);
  bool disk = err->code == FSM_EIO || err->code == FSM_EFULL;
  _exit(disk ? FSM_EXIT_FATAL : fsm_code_exit(err->code));
}

fsm__case fsm__writer_case(fsm__writer *w, fsm_arena *arena, const fsm_command *command,
                           int64_t received_ns) {
  fsm__case at = {.store = w->core.store,
                  .catalog = w->core.catalog,
                  .arena = arena,
                  .command = command,
                  .next_seq = fsm__journal_next_seq(w->core.journal),
                  .node = w->core.node,
                  .origin = w->core.origin,
                  .services = w->services,
                  .sinks = &w->sinks,
                  .hold = w->hold != FSM__HOLD_NONE ? w->hold_text : NULL,
                  .boot = w->boot};
  if (at.boot != 0)
    at.boot_ns = fsm__boot_now(&w->options); /* first: a delay is over here no later than there */
  at.time_ns = fsm__writer_now(w, &at.clock_held);
  int64_t waited = received_ns != 0 ? (fsm__monotonic_ns() - received_ns) / 1000 : 0;
  at.dur_us = waited > UINT32_MAX ? UINT32_MAX : waited > 0 ? (uint32_t)waited : 1;
  at.entropy = (w->seed ^ (uint64_t)at.time_ns) * 0x9E3779B97F4A7C15u;
  at.entropy ^= at.entropy >> 29;
  return at;
}

/* ---- one job ------------------------------------------------------------------------------------ */

static void queue_answer(fsm__writer *w, fsm__job *job) {
  job->next = NULL;
  *w->decided_tail = job;
  w->decided_tail = &job->next;
}

static void refuse_full(fsm__writer *w, fsm__job *job) {
  job->decision = (fsm__decision){.correlation = job->command.correlation, .refusal = w->full_reason};
  if (job->command.dry_run)
    job->decision.dry = fsm_list(NULL, 0);
  else
    fsm__meters_command(&w->meters, NULL, FSM_FATE_REFUSED, w->full_reason.code);
  queue_answer(w, job); /* with its batch: answers are given one at a time, in order */
}

static fsm__fate fate_of(const fsm__decision *decision) {
  if (decision->refusal.code != FSM_OK) return FSM_FATE_REFUSED;
  if (decision->replay) return FSM_FATE_REPLAYED;
  return decision->count > 0 ? FSM_FATE_TAKEN : FSM_FATE_UNCHANGED;
}

static void meter(fsm__writer *w, const fsm__job *job, int64_t began_ns) {
  const fsm__decision *decision = &job->decision;
  const char *machine = decision->machine != NULL ? decision->machine : ""; /* one that there is */
  fsm__meters_command(&w->meters, machine, fate_of(decision), decision->refusal.code);
  fsm__span_meter_add(&w->meters.stages[FSM_STAGE_DECIDE], fsm__monotonic_ns() - began_ns);
}

static void run_command(fsm__writer *w, fsm__job *job) {
  if (job->command.dry_run) {
    fsm__writer_dry(w, job);
    queue_answer(w, job);
    return;
  }
  fsm_error err;
  const int64_t began_ns = fsm__monotonic_ns();
  if (job->command.kind == FSM_CMD_TASK_UNDELIVERED) fsm__writer_undelivered(w, job->command.token);
  fsm__case at = fsm__writer_case(w, &job->arena, &job->command, job->received_ns);
  at.made_id = job->made_id;
  at.offered = job->command.claim && fsm__writer_offered(w, job->command.token);
  fsm_code code = fsm__decide(&at, &job->decision, &err);
  if (code != FSM_OK) fsm__writer_settle(w, &at, &job->decision, &err);
  if (job->decision.count > 0)
    fsm__writer_take(w, &at, &job->decision);
  else if (job->decision.refusal.code != FSM_OK)
    fsm__writer_refusal(w, &at, &job->decision);
  fsm__writer_task_decided(w, &job->command, &job->decision);
  fsm__writer_mask(w, &job->arena, &job->decision);
  meter(w, job, began_ns);
  queue_answer(w, job);
}

/* ---- turns -------------------------------------------------------------------------------------- */

/* While a batch is on its way, the journal can only be asked how much room there was: enough for both? */
static bool room_is_ample(fsm__writer *w) {
  return fsm__journal_room(w->core.journal) >= 2 * (uint64_t)FSM_BATCH_BYTES_MAX + FSM_REPAIR_BYTES;
}

/* Room for a whole batch, asked before anything of it is decided. */
static void check_room(fsm__writer *w) {
  fsm_error err;
  bool store_fits = true;
  if (fsm__writer_sync_busy(w) && !room_is_ample(w)) fsm__writer_sync_wait(w);
  fsm_code code = fsm__journal_ready_keeping(w->core.journal, FSM_REPAIR_BYTES, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  w->repairs_fit = code == FSM_OK || fsm__journal_ready(w->core.journal, NULL) == FSM_OK;
  if (code == FSM_OK && !fsm__writer_store_room(w, &store_fits, &err)) code = err.code;
  w->repairs_fit = w->repairs_fit && store_fits;
  w->full = code != FSM_OK;
  if (w->full) w->full_reason = err;
  w->hold = fsm__holding_get(&w->holding, w->hold_text);
  w->on_hold = !w->full && w->hold == FSM__HOLD_ALL;
  if (w->on_hold) (void)fsm_fail(&w->full_reason, FSM_EQUOTA, "", "%s", w->hold_text);
  w->full = w->full || w->on_hold;
  atomic_store_explicit(&w->core.refusing, (int)(w->full ? w->full_reason.code : FSM_OK),
                        memory_order_relaxed);
}

static void confirm_if_idle(fsm__writer *w) {
  fsm_error err;
  if (fsm__writer_sync_busy(w) || !fsm__journal_unproved(w->core.journal)) return;
  if (fsm__monotonic_ns() - w->last_commit_ns < (int64_t)FSM_IDLE_CONFIRM_MS * 1000000) return;
  if (fsm__journal_confirm(w->core.journal, &err) == FSM_EIO) fsm__writer_fatal(w, &err);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* How long nothing will be to do: nanoseconds, at least 0, at most a second (a clock may jump). */
int64_t fsm__writer_idle_ns(fsm__writer *w) {
  int64_t mono = fsm__monotonic_ns();
  int64_t until = mono + (w->options.now != NULL ? 20000000 : 1000000000);
  until = earlier(until, fsm__writer_round_due(w));
  if (fsm__writer_sync_busy(w) || fsm__journal_unproved(w->core.journal))
    until = earlier(until, w->last_commit_ns + (int64_t)FSM_IDLE_CONFIRM_MS * 1000000);
  if (!w->full && !w->options.still) /* what is due waits for room */
    until = earlier(until, fsm__writer_next_due(w));
  return until > mono ? until - mono : 0;
}

/* What is refused while there is no room; repairs go on as long as they fit. */
static bool is_refused(const fsm__writer *w, const fsm__job *job) {
  if (w->on_hold) return !fsm__hold_lets(job->command.kind);
  return w->full && !(w->repairs_fit && fsm__command_repairs(job->command.kind));
}

/* How many of those that wait make the next batch. */
static size_t batch_of(fsm__writer *w) {
  size_t waiting = fsm__queue_count(&w->queue);
  if (waiting <= FSM_TURN_WHOLE_MAX || !w->syncing.running) return FSM_TURN_COMMANDS_MAX;
  size_t half = (waiting + 1) / 2;
  return half < FSM_TURN_COMMANDS_MAX ? half : FSM_TURN_COMMANDS_MAX;
}

static size_t turn(fsm__writer *w, fsm__job *jobs) {
  size_t count = 0;
  atomic_store_explicit(&w->core.turned_ns, fsm__monotonic_ns(), memory_order_relaxed);
  check_room(w);
  if (!w->full && !w->options.still) (void)fsm__writer_due(w);
  for (; jobs != NULL; count++) {
    fsm__job *job = jobs;
    jobs = job->next;
    if (is_refused(w, job))
      refuse_full(w, job);
    else
      run_command(w, job);
  }
  if (!w->full) fsm__writer_flush_refusals(w, false);
  fsm__writer_commit(w);
  fsm__writer_rounds(w);
  fsm__writer_pace(w);
  fsm_arena_reset(&w->internal);
  return count;
}

void fsm__writer_begin(fsm__writer *w) {
  w->last_commit_ns = fsm__monotonic_ns();
  bool held = false;
  w->wall_ns = w->opened_ns = w->core.last_time_ns;
  w->losing = fsm__services_count(w->services) > 0;
  w->boot = fsm__boot_of(&w->options);
  w->given_ns = w->opened.boot_ns = w->boot != 0 ? fsm__boot_now(&w->options) : 0;
  w->opened.wall_ns = fsm__writer_now(w, &held);
  fsm__writer_rounds(w); /* a long tail of the journal would look like a store without room */
}

size_t fsm__writer_turn(fsm__writer *w, int64_t wait_ns) {
  fsm__job *jobs = fsm__queue_take(&w->queue, batch_of(w), wait_ns);
  size_t count = turn(w, jobs);
  w->turns++;
  if (jobs == NULL) confirm_if_idle(w);
  return count;
}

void fsm__writer_end(fsm__writer *w) {
  check_room(w);
  if (!w->full) fsm__writer_flush_refusals(w, true);
  fsm__writer_commit(w);
  fsm__writer_sync_close(w);
  fsm__writer_rounds_close(w);
}

void *fsm__writer_run(void *arg) {
  fsm__writer *w = arg;
  fsm__writer_begin(w);
  while (!fsm__queue_closed(&w->queue)) (void)fsm__writer_turn(w, fsm__writer_idle_ns(w));
  fsm__writer_end(w);
  return NULL;
}

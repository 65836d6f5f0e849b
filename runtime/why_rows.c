/* why_rows.c: what is open of an instance: timers, tasks, messages on their way; and whose each is. */
#include <string.h>

#include "runtime/decide.h"
#include "runtime/sends.h"
#include "runtime/service.h"
#include "runtime/untaken.h"
#include "runtime/why.h"

/* ---- reading ------------------------------------------------------------------------------------- */

static fsm_code read_row(fsm__why *why, char type, const fsm__row *row, fsm_error *err) {
  switch (type) {
    case 't': return fsm__timer_read(row, why->arena, &why->timers[why->timer_count++], err);
    case 'k': return fsm__task_read(row, why->arena, &why->tasks[why->task_count++], err);
    default: return fsm__send_read(row, why->arena, &why->sends[why->send_count++], err);
  }
}

static fsm_code read_rows(fsm__why *why, char type, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(why->in.number, type, NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code = FSM_OK;
  fsm__range_open(&range, why->at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  for (unsigned i = 0; i < FSM_WHY_ROWS_MAX; i++) {
    code = fsm__range_next(&range, &row, &found, err);
    if (code != FSM_OK || !found) break;
    code = read_row(why, type, &row, err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

/* Those that fire first in front. */
static void sort_timers(fsm__timer *timers, unsigned count) {
  for (unsigned i = 1; i < count; i++) {
    const fsm__timer moved = timers[i];
    unsigned to = i;
    for (; to > 0 && timers[to - 1].due_ns > moved.due_ns; to--) timers[to] = timers[to - 1];
    timers[to] = moved;
  }
}

static fsm_code read_inbound(fsm__why *why, fsm_error *err) {
  bool more = false;
  fsm_code code = fsm__inbound_of(why->at->core->store, why->in.id, why->arena, &why->inbound,
                                  &why->inbound_count, &more, err);
  fsm__inbound *sorted = fsm_arena_alloc(why->arena, (why->inbound_count + 1) * sizeof *sorted);
  if (code == FSM_OK && sorted == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  for (unsigned i = 0; i < why->inbound_count && code == FSM_OK; i++) {
    unsigned to = i;
    for (; to > 0 && sorted[to - 1].due_ns > why->inbound[i].due_ns; to--) sorted[to] = sorted[to - 1];
    sorted[to] = why->inbound[i];
  }
  why->inbound = sorted;
  return code;
}

fsm_code fsm__why_rows(fsm__why *why, fsm_error *err) {
  why->timers = fsm_arena_alloc(why->arena, FSM_WHY_ROWS_MAX * sizeof *why->timers);
  why->tasks = fsm_arena_alloc(why->arena, FSM_WHY_ROWS_MAX * sizeof *why->tasks);
  why->sends = fsm_arena_alloc(why->arena, FSM_WHY_ROWS_MAX * sizeof *why->sends);
  if (why->timers == NULL || why->tasks == NULL || why->sends == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = read_rows(why, 't', err);
  if (code == FSM_OK) code = read_rows(why, 'k', err);
  if (code == FSM_OK) code = read_rows(why, 'm', err);
  sort_timers(why->timers, why->timer_count);
  return code == FSM_OK ? read_inbound(why, err) : code;
}

/* ---- whose it is --------------------------------------------------------------------------------- */

/* The innermost active state with a transition for the timer's event; 0 = of no state. */
unsigned fsm__why_timer_state(const fsm__why *why, const fsm__timer *timer) {
  const fsm_machine *machine = why->in.deployed->machine;
  unsigned state = 0;
  for (unsigned t = 0; t < fsm_machine_transitions(machine); t++) {
    const unsigned source = fsm_transition_source(machine, t);
    if (source < state || !fsm_config_has(why->snapshot.config, source)) continue;
    const char *event;
    for (unsigned i = 0; (event = fsm_transition_event(machine, t, i)) != NULL; i++)
      if (strcmp(event, timer->event) == 0) state = source;
  }
  return state;
}

unsigned fsm__why_task_state(const fsm__why *why, const fsm__task *task) {
  const fsm_machine *machine = why->in.deployed->machine;
  unsigned found = 0;
  for (unsigned i = 0; i < fsm_machine_invokes(machine); i++) {
    const char *id = fsm_invoke_id(machine, i);
    const unsigned state = fsm_invoke_state(machine, i);
    const char *path = fsm_state_path(machine, state);
    if (id != NULL && strcmp(id, task->id) == 0) return state;
    if (id == NULL && strncmp(task->id, path, strlen(path)) == 0 && task->id[strlen(path)] == '.')
      found = state; /* made on entry: "<state>.<n>" */
  }
  return found;
}

bool fsm__why_is_child(const fsm__task *task) { return strcmp(task->service, FSM_SERVICE_MACHINE) == 0; }

bool fsm__why_unserved(const fsm__why *why, const fsm__task *task) {
  const fsm__core *core = why->at->core;
  if (task->started || core->services == NULL || fsm__why_is_child(task) ||
      fsm__services_find(core->services, task->service) >= 0)
    return false;
  return !core->delivers || fsm__untaken_is(core->untaken, task->service);
}

/* ---- as documents -------------------------------------------------------------------------------- */

static void add(fsm__items *items, fsm__document *one) {
  fsm_value view;
  if (fsm__document_map(one, &view, NULL) != FSM_OK)
    items->failed = true;
  else
    fsm__items_add(items, view);
}

static void add_timer(const fsm__why *why, const fsm__timer *timer, fsm__items *items) {
  const int64_t left = timer->due_ns - why->at->now_ns;
  fsm__document one = {.arena = why->arena};
  fsm__document_text(&one, "id", timer->id);
  fsm__document_text(&one, "event", timer->event);
  fsm__document_time(&one, "due", timer->due_ns);
  fsm__document_put(&one, left >= 0 ? "left_ns" : "overdue_ns", fsm_int(left >= 0 ? left : -left));
  add(items, &one);
}

static void add_task(const fsm__why *why, const fsm__task *task, fsm__items *items) {
  fsm__document one = {.arena = why->arena};
  fsm__document_text(&one, "id", task->id);
  fsm__document_text(&one, "service", task->service);
  if (fsm__why_is_child(task)) {
    fsm__document_text(&one, "child", fsm__child_id(why->arena, why->in.id, task->id, task->seq));
    add(items, &one);
    return;
  }
  fsm__document_put(&one, "attempt", fsm_int(task->attempt));
  fsm__document_put(&one, "attempts", fsm_int(task->attempts));
  fsm__document_text(&one, "status",
                     task->started                  ? "started"
                     : fsm__why_unserved(why, task) ? "nobody"
                                                    : "waiting");
  fsm__document_time(&one, task->started ? "deadline" : "due", task->next_ns);
  if (task->error[0] != '\0')
    fsm__document_text(&one, "error", fsm__query_text(why->at, &why->in, task->error));
  add(items, &one);
}

void fsm__why_put_rows(const fsm__why *why, unsigned state, fsm__document *d) {
  fsm__items timers = {.arena = why->arena}, tasks = {.arena = why->arena};
  for (unsigned i = 0; i < why->timer_count; i++)
    if (fsm__why_timer_state(why, &why->timers[i]) == state) add_timer(why, &why->timers[i], &timers);
  for (unsigned i = 0; i < why->task_count; i++)
    if (fsm__why_task_state(why, &why->tasks[i]) == state) add_task(why, &why->tasks[i], &tasks);
  if (timers.count > 0) fsm__why_put_items(d, "timers", &timers);
  if (tasks.count > 0) fsm__why_put_items(d, "tasks", &tasks);
}

void fsm__why_put_sends(const fsm__why *why, fsm__document *d) {
  fsm__items items = {.arena = why->arena};
  for (unsigned i = 0; i < why->send_count; i++) {
    const fsm__send *send = &why->sends[i];
    fsm__document one = {.arena = why->arena};
    fsm__document_text(&one, "to", send->to);
    fsm__document_text(&one, "kind", fsm__send_kind_name(send->kind));
    if (send->event[0] != '\0') fsm__document_text(&one, "event", send->event);
    fsm__document_time(&one, "due", send->due_ns);
    add(&items, &one);
  }
  if (items.count > 0) fsm__why_put_items(d, "messages", &items);
}

void fsm__why_put_inbound(const fsm__why *why, fsm__document *d) {
  fsm__items items = {.arena = why->arena};
  for (unsigned i = 0; i < why->inbound_count; i++) {
    fsm__document one = {.arena = why->arena};
    fsm__document_text(&one, "from", why->inbound[i].from);
    fsm__document_text(&one, "event", why->inbound[i].event);
    fsm__document_time(&one, "due", why->inbound[i].due_ns);
    add(&items, &one);
  }
  if (items.count > 0) fsm__why_put_items(d, "inbound", &items);
}

/* why_next.c: what will happen by itself, and when: timers, attempts of tasks, messages; and when an instance
 * should have left where it is. */
#include <string.h>

#include "runtime/why.h"

/* ---- sla ----------------------------------------------------------------------------------------- */

bool fsm__why_sla(const fsm__why *why, unsigned state, int64_t since_ns, int64_t *due_ns) {
  const int64_t *slas = fsm_definition_slas(why->in.deployed->definition);
  if (slas == NULL || slas[state] == 0 || !fsm__status_open(why->in.status)) return false;
  return !__builtin_add_overflow(since_ns, slas[state], due_ns);
}

void fsm__why_put_sla(const fsm__why *why, int64_t due_ns, fsm__document *d) {
  const int64_t left = due_ns - why->at->now_ns;
  fsm__document one = {.arena = why->arena};
  fsm_value view;
  fsm__document_time(&one, "due", due_ns);
  fsm__document_put(&one, left >= 0 ? "left_ns" : "overdue_ns", fsm_int(left >= 0 ? left : -left));
  if (fsm__document_map(&one, &view, NULL) == FSM_OK) fsm__document_put(d, "sla", view);
}

/* ---- by itself ----------------------------------------------------------------------------------- */

typedef struct coming {
  int64_t when_ns;
  const char *what;
} coming;

/* In the order in which it comes. */
typedef struct agenda {
  coming items[3 * FSM_WHY_ROWS_MAX + FSM_INBOUND_MAX];
  unsigned count;
} agenda;

static void add(agenda *list, int64_t when_ns, const char *what) {
  unsigned to = list->count++;
  for (; to > 0 && list->items[to - 1].when_ns > when_ns; to--) list->items[to] = list->items[to - 1];
  list->items[to] = (coming){when_ns, what};
}

/* Where the event leads from an active state, as the first transition that names it says. */
static const char *leads_to(const fsm__why *why, const char *event) {
  const fsm_machine *machine = why->in.deployed->machine;
  for (unsigned t = 0; t < fsm_machine_transitions(machine); t++) {
    const char *text;
    const uint16_t *targets = NULL;
    if (!fsm_config_has(why->snapshot.config, fsm_transition_source(machine, t))) continue;
    for (unsigned i = 0; (text = fsm_transition_event(machine, t, i)) != NULL; i++)
      if (strcmp(text, event) == 0 && fsm_transition_targets(machine, t, &targets) > 0) {
        const char *guard = fsm_transition_guard(machine, t);
        return guard == NULL
                   ? fsm__why_printf(why, ": to %s", fsm_state_path(machine, targets[0]))
                   : fsm__why_printf(why, ": to %s if %s", fsm_state_path(machine, targets[0]), guard);
      }
  }
  return "";
}

static void add_timer(const fsm__why *why, const fsm__timer *timer, agenda *list) {
  const unsigned state = fsm__why_timer_state(why, timer);
  const char *path = fsm_state_path(why->in.deployed->machine, state);
  add(list, timer->due_ns,
      strncmp(timer->event, "xstate.after.", 13) == 0
          ? fsm__why_printf(why, "the timer of %s fires%s", path, leads_to(why, timer->event))
          : fsm__why_printf(why, "the timer %s sends %s%s", timer->id, timer->event,
                            leads_to(why, timer->event)));
}

static void add_task(const fsm__why *why, const fsm__task *task, agenda *list) {
  if (fsm__why_is_child(task)) return;
  if (task->started)
    add(list, task->next_ns,
        fsm__why_printf(why, "attempt %u of %u of the task %s is out of time", task->attempt, task->attempts,
                        task->id));
  else if (!fsm__why_unserved(why, task))
    add(list, task->next_ns,
        fsm__why_printf(why, "attempt %u of %u of the task %s may begin", task->attempt + 1, task->attempts,
                        task->id));
}

fsm_value fsm__why_next(const fsm__why *why) {
  fsm__items items = {.arena = why->arena};
  agenda *list = fsm_arena_zalloc(why->arena, 1, sizeof *list);
  if (list == NULL || why->in.status != FSM_RUNNING) return fsm_list(NULL, 0); /* it waits until it runs */
  for (unsigned i = 0; i < why->timer_count; i++) add_timer(why, &why->timers[i], list);
  for (unsigned i = 0; i < why->task_count; i++) add_task(why, &why->tasks[i], list);
  for (unsigned i = 0; i < why->send_count; i++) {
    const fsm__send *send = &why->sends[i];
    const char *what = send->event[0] != '\0' ? send->event : fsm__send_kind_name(send->kind);
    add(list, send->due_ns, fsm__why_printf(why, "%s is delivered to %s", what, send->to));
  }
  for (unsigned i = 0; i < why->inbound_count; i++)
    add(list, why->inbound[i].due_ns,
        fsm__why_printf(why, "%s comes from %s", why->inbound[i].event, why->inbound[i].from));
  for (unsigned i = 0; i < list->count; i++) {
    fsm__document one = {.arena = why->arena};
    fsm_value view;
    fsm__document_time(&one, "when", list->items[i].when_ns);
    fsm__document_text(&one, "what", list->items[i].what);
    if (fsm__document_map(&one, &view, NULL) != FSM_OK) return fsm_list(NULL, 0);
    fsm__items_add(&items, view);
  }
  return items.failed ? fsm_list(NULL, 0) : fsm_list(items.items, items.count);
}

/* waiting.c: tasks and timers in words. */
#include "tools/cli/explain/waiting.h"

#include "tools/cli/show/text.h"

enum { INDENT = 2 };

static const char *or_empty(const char *text) { return text == NULL ? "" : text; }

/* Nanoseconds from now until the time, below 0 when it is past; false when one of them is no time. */
static bool until(const fsm_value *now, const fsm_value *time, int64_t *out) {
  int64_t a, b;
  return cli_time_ns(now, &a) && cli_time_ns(time, &b) && !__builtin_sub_overflow(b, a, out) &&
         *out != INT64_MIN;
}

const char *cli_task_state(fsm_arena *arena, const fsm_value *task, const fsm_value *now) {
  const fsm_value *due = fsm_map_get(task, "due"), *deadline = fsm_map_get(task, "deadline");
  const char *attempts = cli_field(arena, task, "attempts");
  int64_t begun = 0, ns = 0;
  (void)cli_number(fsm_map_get(task, "attempt"), &begun);
  if (deadline != NULL) { /* an attempt has begun */
    const char *at = cli_time(arena, deadline);
    if (!until(now, deadline, &ns))
      return or_empty(fsm_arena_printf(arena, "attempt %lld of %s runs", (long long)begun, attempts));
    if (ns < 0)
      return or_empty(fsm_arena_printf(arena, "attempt %lld of %s ran out of time at %s", (long long)begun,
                                       attempts, at));
    return or_empty(fsm_arena_printf(arena, "attempt %lld of %s runs until %s (%s left)", (long long)begun,
                                     attempts, at, cli_age(arena, ns)));
  }
  const fsm_value *status = fsm_map_get(task, "status");
  bool served = status == NULL || !fsm_is_text(status, "nobody");
  if (!until(now, due, &ns)) return "no worker has taken it";
  if (ns > 0)
    return or_empty(fsm_arena_printf(arena, "attempt %lld of %s is offered in %s", (long long)begun + 1,
                                     attempts, cli_age(arena, ns)));
  if (!served) return or_empty(fsm_arena_printf(arena, "nobody serves it, for %s", cli_age(arena, -ns)));
  if (begun == 0)
    return or_empty(fsm_arena_printf(arena, "no worker has taken it for %s", cli_age(arena, -ns)));
  return or_empty(fsm_arena_printf(arena, "no worker has taken attempt %lld of %s for %s",
                                   (long long)begun + 1, attempts, cli_age(arena, -ns)));
}

const char *cli_timer_state(fsm_arena *arena, const fsm_value *timer, const fsm_value *now) {
  int64_t ns;
  if (!until(now, fsm_map_get(timer, "due"), &ns)) return "";
  return or_empty(
      fsm_arena_printf(arena, ns >= 0 ? "due in %s" : "overdue by %s", cli_age(arena, ns >= 0 ? ns : -ns)));
}

/* ---- why it does not move ---------------------------------------------------------------------------- */

static void say(fsm_buf *out, const cli_screen *screen, const char *text) {
  if (text == NULL) return;
  cli_wrap(out, text, screen->columns, INDENT);
  fsm_buf_char(out, '\n');
}

static uint32_t count_of(const fsm_value *list) {
  return list == NULL || !fsm_is(list, FSM_LIST) ? 0 : list->len;
}

/* What the daemon says about it besides: why nobody serves it, why the last attempt failed. */
static const char *reason_of(fsm_arena *arena, const fsm_value *task) {
  if (fsm_map_get(task, "why") != NULL)
    return or_empty(fsm_arena_printf(arena, ": %s", cli_field(arena, task, "why")));
  if (fsm_map_get(task, "error") == NULL) return "";
  return or_empty(fsm_arena_printf(arena, "; the last attempt failed: %s", cli_field(arena, task, "error")));
}

static void add_tasks(fsm_buf *out, fsm_arena *arena, const fsm_value *tasks, const fsm_value *now,
                      const cli_screen *screen) {
  for (uint32_t i = 0; i < count_of(tasks); i++) {
    const fsm_value *task = &tasks->items[i];
    if (fsm_map_get(task, "child") != NULL) {
      say(out, screen,
          fsm_arena_printf(arena, "it waits for the child instance %s (task %s)",
                           cli_field(arena, task, "child"), cli_field(arena, task, "id")));
      continue;
    }
    say(out, screen,
        fsm_arena_printf(arena, "it waits for the task %s (service %s): %s%s", cli_field(arena, task, "id"),
                         cli_field(arena, task, "service"), cli_task_state(arena, task, now),
                         reason_of(arena, task)));
  }
}

static void add_timers(fsm_buf *out, fsm_arena *arena, const fsm_value *timers, const fsm_value *now,
                       const cli_screen *screen) {
  for (uint32_t i = 0; i < count_of(timers); i++) {
    const fsm_value *timer = &timers->items[i];
    say(out, screen,
        fsm_arena_printf(arena, "it waits for the timer %s: %s (%s)", cli_field(arena, timer, "event"),
                         cli_timer_state(arena, timer, now), cli_time(arena, fsm_map_get(timer, "due"))));
  }
}

void cli_waiting(fsm_buf *out, fsm_arena *arena, const fsm_value *instance, const cli_screen *screen) {
  const fsm_value *tasks = fsm_map_get(instance, "tasks"), *timers = fsm_map_get(instance, "timers");
  const fsm_value *now = fsm_map_get(instance, "now"), *status = fsm_map_get(instance, "status");
  const fsm_value *incident = fsm_map_get(instance, "incident");
  if (incident != NULL && fsm_is(incident, FSM_MAP))
    say(out, screen,
        fsm_arena_printf(arena, "it is parked as an incident: %s (%s)", cli_field(arena, incident, "text"),
                         cli_field(arena, incident, "reason")));
  if (status == NULL || !fsm_is(status, FSM_STRING)) return;
  if (fsm_is_text(status, "completed") || fsm_is_text(status, "cancelled"))
    say(out, screen, fsm_arena_printf(arena, "it has ended: %s", cli_text(arena, status)));
  if (fsm_is_text(status, "paused")) say(out, screen, "it is paused: its tasks and timers wait too");
  add_tasks(out, arena, tasks, now, screen);
  add_timers(out, arena, timers, now, screen);
  if (fsm_is_text(status, "running") && count_of(tasks) + count_of(timers) == 0)
    say(out, screen, "it waits for no task and no timer");
}

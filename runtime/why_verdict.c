/* why_verdict.c: the one line: what it waits for, by whom, for how long, and whether that is too long. */
#include <string.h>

#include "runtime/mobility.h"
#include "runtime/sends.h"
#include "runtime/why.h"

int64_t fsm__why_since(const fsm__why *why) {
  const fsm_machine *machine = why->in.deployed->machine;
  int64_t since = INT64_MAX;
  for (unsigned i = 0; i < why->in.active_count; i++)
    if (fsm_state_is_leaf(machine, why->in.active[i].state) && why->in.active[i].ns < since)
      since = why->in.active[i].ns;
  return since == INT64_MAX ? why->in.updated_ns : since;
}

/* ---- which --------------------------------------------------------------------------------------- */

static bool takes(const fsm_candidate *candidate) { return candidate->enabled || candidate->depends; }

/* Another transition takes the event. */
static bool taken_elsewhere(const fsm__why *why, unsigned index) {
  for (unsigned i = 0; i < why->event_count; i++)
    if (takes(&why->events[i].candidate) && strcmp(why->events[i].event, why->events[index].event) == 0)
      return true;
  return false;
}

static bool any_event(const fsm__why *why) {
  for (unsigned i = 0; i < why->event_count; i++)
    if (takes(&why->events[i].candidate)) return true;
  return false;
}

static bool at_work(const fsm__why *why) {
  for (unsigned i = 0; i < why->task_count; i++)
    if (why->tasks[i].started) return true;
  for (unsigned i = 0; i < why->send_count; i++)
    if (why->sends[i].due_ns <= why->at->now_ns) return true;
  for (unsigned i = 0; i < why->timer_count; i++)
    if (why->timers[i].due_ns <= why->at->now_ns) return true;
  for (unsigned i = 0; i < why->inbound_count; i++)
    if (why->inbound[i].due_ns <= why->at->now_ns) return true;
  return false;
}

const char *fsm__why_verdict(const fsm__why *why) {
  switch (why->in.status) {
    case FSM_PAUSED: return "paused";
    case FSM_INCIDENT: return "incident";
    case FSM_RUNNING: break;
    default: return "ended";
  }
  const bool pending = why->timer_count + why->task_count + why->send_count + why->inbound_count > 0;
  if (why->never) return "dead";
  if (at_work(why)) return "moves";
  if (pending || why->in.has_parent) return "waits";
  if (why->event_count > 0 && !any_event(why)) return "refused";
  return why->orphan ? "orphan" : "waits";
}

/* ---- in words ------------------------------------------------------------------------------------ */

static const char *text_in(const fsm__why *why, const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_is(map, FSM_MAP) ? fsm_map_get(map, name) : NULL;
  if (value == NULL || !fsm_is(value, FSM_STRING)) return "";
  return fsm__why_printf(why, "%.*s", (int)value->len, value->s);
}

static const char *leaves_text(const fsm__why *why) {
  const fsm_machine *machine = why->in.deployed->machine;
  fsm__why_list list = {.count = 0};
  for (unsigned i = 0; i < why->in.active_count; i++)
    if (fsm_state_is_leaf(machine, why->in.active[i].state))
      fsm__why_list_add(&list, fsm_state_path(machine, why->in.active[i].state));
  return fsm__why_list_text(why, &list, "and");
}

/* "APPROVE or REJECT by someone with role manager (ana seen)": by whom, when it is the same for all. */
static const char *events_text(const fsm__why *why) {
  fsm__why_list each = {.count = 0}, names = {.count = 0};
  const char *who = NULL;
  bool alike = true;
  for (unsigned i = 0; i < why->event_count; i++) {
    if (!takes(&why->events[i].candidate)) continue;
    const char *by = fsm__why_who_text(why, i), *name = why->events[i].event;
    if (strcmp(name, "*") == 0) name = "any event";
    alike = alike && (who == NULL || strcmp(who, by) == 0);
    who = by;
    fsm__why_list_add(&names, name);
    fsm__why_list_add(&each, *by != 0 ? fsm__why_printf(why, "%s by %s", name, by) : name);
  }
  if (!alike) return fsm__why_list_text(why, &each, "or");
  const char *text = fsm__why_list_text(why, &names, "or");
  return who != NULL && *who != 0 ? fsm__why_printf(why, "%s by %s", text, who) : text;
}

static const char *task_text(const fsm__why *why, const fsm__task *task) {
  const int64_t left = task->next_ns - why->at->now_ns;
  const int64_t apart = left + why->at->now_ns - fsm__why_since(why);
  const bool since_then =
      apart > -1000000000 && apart < 1000000000; /* the sentence ends in how long that is */
  const char *waited = since_then ? "" : fsm__why_printf(why, " for %s", fsm__why_span(why, -left));
  const char *what = fsm__why_printf(why, "the task %s (service %s)", task->id, task->service), *how;
  if (fsm__why_is_child(task))
    return fsm__why_printf(why, "its child %s", fsm__child_id(why->arena, why->in.id, task->id, task->seq));
  if (task->started)
    how = left >= 0 ? fsm__why_printf(why, "attempt %u of %u runs, %s left", task->attempt, task->attempts,
                                      fsm__why_span(why, left))
                    : fsm__why_printf(why, "attempt %u of %u ran out of time", task->attempt, task->attempts);
  else if (left > 0)
    how = fsm__why_printf(why, "attempt %u of %u in %s", task->attempt + 1, task->attempts,
                          fsm__why_span(why, left));
  else if (fsm__why_unserved(why, task))
    how = fsm__why_printf(why, "nobody serves it%s", waited);
  else
    how = fsm__why_printf(why, "no worker has taken it%s", waited);
  if (task->error[0] == '\0') return fsm__why_printf(why, "%s: %s", what, how);
  return fsm__why_printf(why, "%s: %s; it failed: %s", what, how,
                         fsm__query_text(why->at, &why->in, task->error));
}

static const char *timer_text(const fsm__why *why, const fsm__timer *timer) {
  const int64_t left = timer->due_ns - why->at->now_ns;
  const char *path = fsm_state_path(why->in.deployed->machine, fsm__why_timer_state(why, timer));
  const char *what = strncmp(timer->event, "xstate.after.", 13) == 0
                         ? fsm__why_printf(why, "the timer of %s", path)
                         : fsm__why_printf(why, "the timer of %s", timer->event);
  if (left < 0) return fsm__why_printf(why, "%s (overdue by %s)", what, fsm__why_span(why, -left));
  return fsm__why_printf(why, "%s (in %s)", what, fsm__why_span(why, left));
}

static const char *inbound_text(const fsm__why *why) {
  const fsm__inbound *first = &why->inbound[0];
  const int64_t left = first->due_ns - why->at->now_ns;
  const char *more =
      why->inbound_count > 1 ? fsm__why_printf(why, ", and %u more", why->inbound_count - 1) : "";
  if (left <= 0)
    return fsm__why_printf(why, "%s of %s, which is on its way%s", first->event, first->from, more);
  return fsm__why_printf(why, "%s of %s, which is on its way (due in %s)%s", first->event, first->from,
                         fsm__why_span(why, left), more);
}

/* Tasks first: they are what is at work; then people; a timer is told when it is the first to come. */
static const char *waits_text(const fsm__why *why) {
  fsm__why_list list = {.count = 0};
  for (unsigned i = 0; i < why->task_count; i++) fsm__why_list_add(&list, task_text(why, &why->tasks[i]));
  const char *events = events_text(why);
  if (*events != 0) fsm__why_list_add(&list, events);
  if (why->timer_count > 0) fsm__why_list_add(&list, timer_text(why, &why->timers[0]));
  if (why->inbound_count > 0) fsm__why_list_add(&list, inbound_text(why));
  if (list.count == 0 && why->send_count > 0) return "a message to be delivered";
  return list.count > 0 ? fsm__why_list_text(why, &list, "or") : "what nothing in its machine names";
}

/* Events that a guard refuses, whoever sends them, each with the part that is false. */
static const char *refused_text(const fsm__why *why) {
  fsm__why_list list = {.count = 0};
  for (unsigned i = 0; i < why->event_count; i++)
    if (!takes(&why->events[i].candidate) && !taken_elsewhere(why, i))
      fsm__why_list_add(&list,
                        fsm__why_printf(why, "%s: %s", why->events[i].event, fsm__why_guard_text(why, i)));
  return fsm__why_list_text(why, &list, "and");
}

/* When it should have left: the first of all states that it is in. */
static const char *sla_text(const fsm__why *why) {
  const fsm__instance *in = &why->in;
  const int64_t first =
      fsm__sla_of(in->deployed, in->status, in->active, in->active_count, in->created_ns).due_ns;
  if (first == INT64_MAX) return "";
  const int64_t left = first - why->at->now_ns;
  return left >= 0 ? fsm__why_printf(why, "; SLA in %s", fsm__why_span(why, left))
                   : fsm__why_printf(why, "; SLA passed %s ago", fsm__why_span(why, -left));
}

static const char *ended_text(const fsm__why *why, const char *ago) {
  if (why->in.status == FSM_COMPLETED)
    return fsm__why_printf(why, "has ended in %s %s ago: nothing moves it any more", leaves_text(why), ago);
  const char *reason = text_in(why, &why->in.cancelled, "reason");
  return fsm__why_printf(why, "was cancelled %s ago%s%s%s%s", ago, why->by != NULL ? " by " : "",
                         why->by != NULL ? why->by : "", *reason != 0 ? ": " : "", reason);
}

const char *fsm__why_text(const fsm__why *why, const char *verdict) {
  const char *age = fsm__why_span(why, why->at->now_ns - fsm__why_since(why)), *sla = sla_text(why);
  const char *changed = fsm__why_span(why, why->at->now_ns - why->in.updated_ns);
  if (strcmp(verdict, "ended") == 0) return ended_text(why, changed);
  if (strcmp(verdict, "paused") == 0)
    return fsm__why_printf(why, "is paused in %s for %s%s%s%s%s%s", leaves_text(why), changed,
                           why->by != NULL ? " by " : "", why->by != NULL ? why->by : "",
                           why->reason != NULL ? ": " : "", why->reason != NULL ? why->reason : "", sla);
  if (strcmp(verdict, "incident") == 0)
    return fsm__why_printf(why, "is parked in %s for %s: %s (%s)%s", leaves_text(why), changed,
                           fsm__query_text(why->at, &why->in, text_in(why, &why->in.incident, "text")),
                           text_in(why, &why->in.incident, "reason"), sla);
  if (strcmp(verdict, "dead") == 0)
    return fsm__why_printf(why, "can never move again, for %s: %s%s", age,
                           why->never_why != NULL ? why->never_why : "", sla);
  if (strcmp(verdict, "refused") == 0)
    return fsm__why_printf(why, "refuses every event, for %s: %s%s", age, refused_text(why), sla);
  if (strcmp(verdict, "orphan") == 0)
    return fsm__why_printf(why, "waits for %s, for %s, but nobody who is known may%s", events_text(why), age,
                           sla);
  const char *refused = refused_text(why);
  return fsm__why_printf(why, "waits for %s, for %s%s%s%s", waits_text(why), age, sla,
                         *refused != 0 ? "; refuses " : "", refused);
}

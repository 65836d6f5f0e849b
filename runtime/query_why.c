/* query_why.c: why an instance does not move: the document of FSM_QUERY_WHY, put together (why.h). */
#include <string.h>

#include "runtime/decide.h"
#include "runtime/mobility.h"
#include "runtime/why.h"

static fsm_code load(fsm__why *why, fsm_error *err) {
  fsm_code code = fsm__query_resolve(why->at, why->at->query->ref, &why->in, err);
  if (code == FSM_OK) code = fsm__snapshot_of(&why->in, why->arena, &why->snapshot, err);
  if (code != FSM_OK) return code;
  why->mask = fsm__query_mask(why->at, &why->in);
  code = fsm__why_rows(why, err);
  if (code == FSM_OK) code = fsm__why_history(why, err);
  if (code == FSM_OK) code = fsm__why_summed(why, err);
  if (code == FSM_OK) code = fsm__why_events(why, err);
  return code == FSM_OK ? fsm__why_path(why, err) : code;
}

/* ---- states -------------------------------------------------------------------------------------- */

static fsm_code add_state(const fsm__why *why, const fsm__since *active, fsm__items *items, fsm_error *err) {
  const fsm_machine *machine = why->in.deployed->machine;
  const unsigned state = active->state;
  const int64_t since = state == 0 ? why->in.created_ns : active->ns, age = why->at->now_ns - since;
  fsm__document one = {.arena = why->arena};
  int64_t due;
  fsm_value view;
  fsm__document_text(&one, "state", fsm_state_path(machine, state));
  fsm__document_time(&one, "since", since);
  fsm__document_put(&one, "for_ns", fsm_int(age > 0 ? age : 0));
  fsm__document_text(&one, "description", fsm_state_description(machine, state));
  if (fsm__why_sla(why, state, since, &due)) fsm__why_put_sla(why, due, &one);
  const unsigned bare = one.count;
  fsm_code code = fsm__why_put_events(why, state, &one, err);
  fsm__why_put_rows(why, state, &one);
  if (code == FSM_OK) code = fsm__document_map(&one, &view, err);
  if (code == FSM_OK && (one.count > bare || fsm_state_is_leaf(machine, state))) fsm__items_add(items, view);
  return code;
}

static fsm_code put_states(const fsm__why *why, fsm__document *d, fsm_error *err) {
  fsm__items items = {.arena = why->arena};
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < why->in.active_count && code == FSM_OK; i++)
    code = add_state(why, &why->in.active[i], &items, err);
  fsm__why_put_items(d, "states", &items);
  return code;
}

/* ---- the way out --------------------------------------------------------------------------------- */

static const char *leg_text(const fsm__why *why, const fsm__why_leg *leg, bool first) {
  if (strncmp(leg->event, "xstate.error.actor.", 19) == 0)
    return fsm__why_printf(why, "the task %s fails", leg->event + 19);
  if (strncmp(leg->event, "xstate.done.actor.", 18) == 0)
    return fsm__why_printf(why, "the task %s is done", leg->event + 18);
  if (strcmp(leg->by, "task") == 0) return fsm__why_printf(why, "%s comes of its task", leg->event);
  if (strncmp(leg->event, "xstate.after.", 13) == 0) {
    const unsigned state = leg->transition >= 0
                               ? fsm_transition_source(why->in.deployed->machine, (unsigned)leg->transition)
                               : 0;
    return fsm__why_printf(why, "the timer of %s fires", fsm_state_path(why->in.deployed->machine, state));
  }
  if (strcmp(leg->by, "timer") == 0) return fsm__why_printf(why, "%s, which a timer sends", leg->event);
  for (unsigned i = 0; first && i < why->event_count; i++)
    if (strcmp(why->events[i].event, leg->event) == 0) {
      const char *who = fsm__why_who_text(why, i);
      return *who != 0 ? fsm__why_printf(why, "%s by %s", leg->event, who) : leg->event;
    }
  return leg->event;
}

static void put_path(fsm__why *why, fsm__document *d) {
  fsm__items items = {.arena = why->arena};
  fsm__why_list supposed = {.count = 0};
  const char *text = "";
  for (unsigned i = 0; i < why->path_count; i++) {
    const fsm__why_leg *leg = &why->path[i];
    fsm__document one = {.arena = why->arena};
    fsm_value view;
    fsm__document_text(&one, "event", leg->event);
    fsm__document_text(&one, "by", leg->by);
    fsm__document_put(&one, "state", leg->state);
    if (leg->supposes.len > 0) fsm__document_put(&one, "supposes", leg->supposes);
    for (uint32_t p = 0; p < leg->supposes.len; p++)
      fsm__why_list_add(
          &supposed, fsm__why_printf(why, "%.*s", (int)leg->supposes.items[p].len, leg->supposes.items[p].s));
    if (fsm__document_map(&one, &view, NULL) != FSM_OK) d->failed = true;
    if (!d->failed) fsm__items_add(&items, view);
    text = fsm__why_printf(why, "%s%s%s", text, i > 0 ? ", then " : "", leg_text(why, leg, i == 0));
  }
  if (supposed.count > 0)
    text = fsm__why_printf(why, "%s; supposing %s", text, fsm__why_list_text(why, &supposed, "and"));
  fsm__why_put_items(d, "path", &items);
  why->path_text = text;
}

static const char *no_path_text(const fsm__why *why) {
  const fsm_machine *machine = why->in.deployed->machine;
  if (!fsm__status_open(why->in.status)) return "it has ended";
  if (why->unlooked) return "not looked at to its end: what its guards evaluate costs too much";
  if (!why->exhausted)
    return fsm__why_printf(why, "no way to an end was found among the first %d stands", FSM_WHY_STATES_MAX);
  for (unsigned s = 1; s < fsm_machine_states(machine); s++)
    if (fsm_state_kind(machine, s) == FSM_FINAL && fsm_state_parent(machine, s) == 0)
      return "no sequence of events leads to an end";
  return "none: its machine has no final state";
}

/* Why nothing can move it: what its states do not take, or refuse for ever. */
static const char *never_text(const fsm__why *why) {
  fsm__why_list guards = {.count = 0};
  for (unsigned i = 0; i < why->event_count; i++)
    if (why->events[i].candidate.guard != NULL)
      fsm__why_list_add(&guards,
                        fsm__why_printf(why, "%s: %s", why->events[i].event, fsm__why_guard_text(why, i)));
  if (guards.count == 0)
    return why->event_count == 0 ? "its state takes no event, and no timer and no task is open"
                                 : "what it takes changes nothing, and no timer and no task is open";
  return fsm__why_printf(why, "no event changes what its guards read: %s",
                         fsm__why_list_text(why, &guards, "and"));
}

static void put_way(fsm__why *why, fsm__document *d) {
  if (why->found)
    put_path(why, d);
  else
    fsm__document_put(d, "path", fsm_null());
  if (!why->found) why->path_text = no_path_text(why);
  fsm__document_text(d, "path_text", why->path_text);
  fsm__document_put(d, "never", fsm_bool(why->never));
  if (!why->never) return;
  why->never_why = never_text(why);
  fsm__document_text(d, "why", why->never_why);
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static void put_head(const fsm__why *why, fsm__document *d) {
  const fsm__instance *in = &why->in;
  const int64_t since = fsm__why_since(why), age = why->at->now_ns - since;
  const int64_t first =
      fsm__sla_of(in->deployed, in->status, in->active, in->active_count, in->created_ns).due_ns;
  fsm__document_text(d, "instance", in->id);
  fsm__document_text(d, "key", in->key);
  fsm__document_text(d, "machine", in->deployed->id);
  fsm__document_put(d, "version", fsm_int(in->deployed->version));
  fsm__document_text(d, "status", fsm__status_name(in->status));
  if (in->forced) fsm__document_put(d, "forced", fsm_bool(true));
  fsm__document_put(d, "state", fsm__leaves(in, why->arena));
  fsm__document_put(d, "rev", fsm_int((int64_t)in->rev));
  fsm__document_time(d, "since", since);
  fsm__document_put(d, "for_ns", fsm_int(age > 0 ? age : 0));
  if (first != INT64_MAX) fsm__why_put_sla(why, first, d);
}

fsm_code fsm__query_why(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm_budget budget = {FSM_WHY_WORK_MAX};
  fsm__why why = {.at = at, .arena = at->arena, .budget = &budget};
  fsm__document d = {.arena = at->arena};
  fsm_value incident;
  fsm_code code = load(&why, err);
  if (code != FSM_OK) return code;
  put_head(&why, &d);
  put_way(&why, &d);
  const char *verdict = fsm__why_verdict(&why);
  fsm__document_text(&d, "verdict", verdict);
  fsm__document_text(&d, "text", fsm__why_text(&why, verdict));
  code = fsm_mask_detail(at->arena, why.mask, &why.in.incident, &incident, err);
  if (code == FSM_OK && fsm_is(&incident, FSM_MAP)) fsm__document_put(&d, "incident", incident);
  if (code == FSM_OK) code = put_states(&why, &d, err);
  if (code != FSM_OK) return code;
  fsm__why_put_sends(&why, &d);
  fsm__why_put_inbound(&why, &d);
  fsm__document_put(&d, "tried", why.tried);
  if (why.summed.len > 0) fsm__document_put(&d, "summed", why.summed);
  fsm__document_put(&d, "next", fsm__why_next(&why));
  fsm__document_put(&d, "commands", fsm__why_commands(&why));
  const fsm_value unasked = fsm__why_unasked(&why);
  if (unasked.len > 0) fsm__document_put(&d, "unasked", unasked);
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

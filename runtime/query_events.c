/* query_events.c: what may be sent to an instance now, by whom, with which fields, and why not. */
#include "runtime/decide.h"
#include "runtime/why.h"

/* Where the transition leads: paths, comma-separated; NULL when it stays. */
static const char *targets_text(fsm_arena *arena, const fsm_machine *machine, unsigned transition) {
  const uint16_t *targets = NULL;
  unsigned count = fsm_transition_targets(machine, transition, &targets);
  const char *text = count > 0 ? fsm_state_path(machine, targets[0]) : NULL;
  for (unsigned i = 1; i < count && text != NULL; i++)
    text = fsm_arena_printf(arena, "%s,%s", text, fsm_state_path(machine, targets[i]));
  return text;
}

/* Who may: [{where, state, transition?, expression, holds?}], and, when it is known who asks, whether they.
 */
static void put_allow(const fsm__reading *at, const fsm__instance *in, const fsm_candidate *candidate,
                      fsm__document *d) {
  const bool known = fsm_is(&at->query->actor, FSM_MAP);
  fsm__items items = {.arena = at->arena};
  for (unsigned i = 0; i < candidate->allow_count; i++) {
    const fsm_allow *allow = &candidate->allows[i];
    fsm__document one = {.arena = at->arena};
    fsm_value view;
    fsm__document_text(&one, "where", allow->where);
    fsm__document_text(&one, "state", fsm_state_path(in->deployed->machine, allow->state));
    if (allow->transition >= 0) fsm__document_put(&one, "transition", fsm_int(allow->transition));
    fsm__document_text(&one, "expression", allow->text);
    if (known && allow->holds != FSM_VERDICT_DEPENDS)
      fsm__document_put(&one, "holds", fsm_bool(allow->holds == FSM_VERDICT_YES));
    if (fsm__document_map(&one, &view, NULL) != FSM_OK) items.failed = true;
    if (!items.failed) fsm__items_add(&items, view);
  }
  d->failed = d->failed || items.failed;
  if (items.count > 0) fsm__document_put(d, "allow", fsm_list(items.items, items.count));
  if (known && candidate->permitted != FSM_VERDICT_DEPENDS)
    fsm__document_put(d, "permitted", fsm_bool(candidate->permitted == FSM_VERDICT_YES));
}

/* Who of those that are known from its history may, when not everybody may; what is missing, in words. */
static void put_people(const fsm__why *why, unsigned index, fsm__document *d) {
  const fsm_candidate *candidate = &why->events[index].candidate;
  const char *names[FSM_WHY_PEOPLE_MAX];
  fsm__items people = {.arena = why->arena};
  const unsigned count = candidate->allow_count > 0 ? fsm__why_who_may(why, index, names) : 0;
  for (unsigned i = 0; i < count; i++) fsm__items_add(&people, fsm_string(names[i]));
  if (candidate->allow_count > 0) fsm__document_text(d, "who", fsm__why_who_text(why, index));
  if (candidate->allow_count > 0) fsm__why_put_items(d, "people", &people);
  if (!candidate->enabled && candidate->guard != NULL)
    fsm__document_text(d, "missing", fsm__why_guard_text(why, index));
}

static fsm_code event_view(const fsm__why *why, unsigned index, fsm_value *out, fsm_error *err) {
  const fsm__reading *at = why->at;
  const fsm__instance *in = &why->in;
  const fsm_enabled_event *event = &why->events[index];
  const fsm__deployed *deployed = in->deployed;
  const fsm_candidate *candidate = &event->candidate;
  const fsm_value *schema = fsm_definition_event_schema(deployed->definition, event->event);
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "event", event->event);
  fsm__document_text(&d, "state", fsm_state_path(deployed->machine, candidate->source));
  fsm__document_text(&d, "target", targets_text(at->arena, deployed->machine, candidate->transition));
  fsm__document_put(&d, "enabled", fsm_bool(candidate->enabled));
  fsm__document_text(&d, "guard", candidate->guard);
  fsm__document_text(&d, "guard_name", candidate->guard_name);
  if (fsm_is(&candidate->seen, FSM_MAP)) {
    fsm_value seen;
    fsm_code code = fsm_mask_value(at->arena, fsm__query_mask(at, in), &candidate->seen, &seen, err);
    if (code != FSM_OK) return code;
    fsm__document_put(&d, "seen", seen);
  }
  fsm__document_text(&d, "fault", fsm__query_text(at, in, candidate->fault));
  if (candidate->depends) fsm__document_put(&d, "depends", fsm_bool(true));
  if (candidate->unasked) fsm__document_put(&d, "unasked", fsm_bool(true));
  put_allow(at, in, candidate, &d);
  put_people(why, index, &d);
  if (schema != NULL) {
    fsm_value copy; /* schemas keep the order they were written in; documents are data */
    fsm_code code = fsm_value_copy(at->arena, schema, &copy, err);
    if (code != FSM_OK) return code;
    fsm__document_put(&d, "schema", copy);
  }
  return fsm__document_map(&d, out, err);
}

fsm_code fsm__query_events(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm_budget budget = {FSM_WHY_WORK_MAX};
  fsm__why why = {.at = at, .arena = at->arena, .budget = &budget};
  const fsm__instance *in = &why.in;
  fsm_code code = fsm__query_resolve(at, at->query->ref, &why.in, err);
  if (code == FSM_OK) code = fsm__snapshot_of(in, at->arena, &why.snapshot, err);
  if (code != FSM_OK) return code;
  why.mask = fsm__query_mask(at, in);
  if (in->status == FSM_RUNNING) code = fsm__why_history(&why, err);
  if (code == FSM_OK && in->status == FSM_RUNNING) code = fsm__why_events(&why, err);
  if (code != FSM_OK) return code;
  fsm__items items = {.arena = at->arena};
  for (unsigned i = 0; i < why.event_count; i++) {
    fsm_value view;
    code = event_view(&why, i, &view, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, view);
  }
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "instance", in->id);
  fsm__document_text(&d, "machine", in->deployed->id);
  fsm__document_put(&d, "version", fsm_int(in->deployed->version));
  fsm__document_put(&d, "state", fsm__leaves(in, at->arena));
  fsm__document_text(&d, "status", fsm__status_name(in->status));
  if (in->forced) fsm__document_put(&d, "forced", fsm_bool(true));
  fsm__document_put(&d, "rev", fsm_int((int64_t)in->rev));
  fsm__document_put(&d, "events", fsm_list(items.items, items.count));
  return fsm__document_map(&d, out, err);
}

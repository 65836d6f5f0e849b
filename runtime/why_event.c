/* why_event.c: the events that an instance takes: each transition with its guard taken apart and with who
 * may.
 *
 * Who may is asked of the engine, once for each person who is known: in the order of fsm_enabled, which is
 * the same for everybody. */
#include <string.h>

#include "runtime/why.h"

static fsm_world world_of(const fsm__why *why, const fsm_value *actor) {
  return (fsm_world){.actor = actor, .now_ns = why->at->now_ns, .session = why->in.id, .budget = why->budget};
}

static bool anybody_is_asked(const fsm__why *why) {
  for (unsigned i = 0; i < why->event_count; i++)
    if (why->events[i].candidate.allow_count > 0) return true;
  return false;
}

fsm_code fsm__why_events(fsm__why *why, fsm_error *err) {
  const fsm_machine *machine = why->in.deployed->machine;
  const fsm_value *actor = fsm_is(&why->at->query->actor, FSM_MAP) ? &why->at->query->actor : NULL;
  fsm_world world = world_of(why, actor);
  if (!fsm__status_open(why->in.status)) return FSM_OK;
  fsm_code code =
      fsm_enabled(machine, &why->snapshot, &world, why->arena, &why->events, &why->event_count, err);
  why->parts = fsm_arena_zalloc(why->arena, why->event_count + 1u, sizeof *why->parts);
  if (code == FSM_OK && why->parts == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (code == FSM_OK && anybody_is_asked(why))
    code = fsm__people_known(why->at->core, why->arena, &why->known, err);
  for (unsigned i = 0; i < why->known.count; i++)
    if (why->known.at[i].configured) fsm__why_know_configured(why, &why->known.at[i]);
  for (unsigned i = 0; i < why->known.count; i++)
    fsm__why_know(why, &why->known.at[i].actor, &why->known.at[i].shown);
  for (unsigned i = 0; i < why->people_count && code == FSM_OK; i++) {
    unsigned count = 0;
    world = world_of(why, &why->people[i].actor);
    world.only_allows = true;
    code = fsm_enabled(machine, &why->snapshot, &world, why->arena, &why->people[i].events, &count, err);
    FSM_ASSERT(code != FSM_OK || count == why->event_count);
  }
  return code;
}

/* ---- who may ------------------------------------------------------------------------------------- */

/* As far as it was looked at. */
static bool may(const fsm__why *why, unsigned person, unsigned index) {
  const fsm_candidate *candidate = &why->people[person].events[index].candidate;
  return !candidate->unasked && candidate->permitted != FSM_VERDICT_NO;
}

static bool all_seen(const fsm__why *why, unsigned index) {
  for (unsigned i = 0; i < why->people_count; i++)
    if (why->people[i].unseen && may(why, i, index)) return false;
  return true;
}

unsigned fsm__why_who_may(const fsm__why *why, unsigned index, const char *names[FSM_WHY_PEOPLE_MAX]) {
  unsigned count = 0;
  for (unsigned i = 0; i < why->people_count; i++)
    if (may(why, i, index)) names[count++] = why->people[i].name;
  return count;
}

/* "'manager' in actor.roles" → "role manager"; else the expression itself. */
static const char *in_words(const fsm__why *why, const char *text) {
  static const char tail[] = " in actor.roles";
  const size_t len = strlen(text), end = sizeof tail - 1;
  if (len <= end + 2 || strcmp(text + len - end, tail) != 0) return text;
  const char quote = text[0];
  const char *close = strchr(text + 1, quote);
  if ((quote != '\'' && quote != '"') || close != text + len - end - 1) return text;
  return fsm__why_printf(why, "role %.*s", (int)(close - text - 1), text + 1);
}

/* The expressions of one allow are "(a) || (b)" when there are several. */
static const char *allow_text(const fsm__why *why, const fsm_allow *allow) {
  fsm__why_list list = {.count = 0};
  const char *at = allow->text, *next;
  if (at[0] != '(' || strstr(at, ") || (") == NULL) return in_words(why, at);
  for (at++; (next = strstr(at, ") || (")) != NULL; at = next + 6)
    fsm__why_list_add(&list, in_words(why, fsm__why_printf(why, "%.*s", (int)(next - at), at)));
  fsm__why_list_add(&list, in_words(why, fsm__why_printf(why, "%.*s", (int)strlen(at) - 1, at)));
  return fsm__why_list_text(why, &list, "or");
}

const char *fsm__why_who_text(const fsm__why *why, unsigned index) {
  const fsm_candidate *candidate = &why->events[index].candidate;
  fsm__why_list needs = {.count = 0}, seen = {.count = 0};
  const char *names[FSM_WHY_PEOPLE_MAX];
  const unsigned known = fsm__why_who_may(why, index, names);
  for (unsigned i = 0; i < candidate->allow_count; i++)
    fsm__why_list_add(&needs, allow_text(why, &candidate->allows[i]));
  if (needs.count == 0) return "";
  for (unsigned i = 0; i < known; i++) fsm__why_list_add(&seen, names[i]);
  const char *text = fsm__why_list_text(why, &needs, "and");
  const char *with = strncmp(text, "role ", 5) == 0 ? "with " : "for whom ";
  if (seen.count == 0) return fsm__why_printf(why, "someone %s%s", with, text);
  return fsm__why_printf(why, "someone %s%s (%s %s)", with, text, fsm__why_list_text(why, &seen, "and"),
                         all_seen(why, index) ? "seen" : "known");
}

static void put_allow(const fsm__why *why, unsigned index, fsm__document *d) {
  const fsm_candidate *candidate = &why->events[index].candidate;
  const bool known = fsm_is(&why->at->query->actor, FSM_MAP);
  fsm__items items = {.arena = why->arena};
  for (unsigned a = 0; a < candidate->allow_count; a++) {
    const fsm_allow *allow = &candidate->allows[a];
    fsm__items people = {.arena = why->arena};
    fsm__document one = {.arena = why->arena};
    fsm_value view;
    for (unsigned i = 0; i < why->people_count; i++)
      if (!why->people[i].events[index].candidate.unasked &&
          why->people[i].events[index].candidate.allows[a].holds != FSM_VERDICT_NO)
        fsm__items_add(&people, fsm_string(why->people[i].name));
    fsm__document_text(&one, "text", allow->text);
    fsm__document_text(&one, "words", allow_text(why, allow));
    fsm__document_text(&one, "where", allow->where);
    if (known && allow->holds != FSM_VERDICT_DEPENDS)
      fsm__document_put(&one, "holds", fsm_bool(allow->holds == FSM_VERDICT_YES));
    fsm__why_put_items(&one, "people", &people);
    if (fsm__document_map(&one, &view, NULL) != FSM_OK) items.failed = true;
    if (!items.failed) fsm__items_add(&items, view);
  }
  if (items.count > 0) fsm__why_put_items(d, "allow", &items);
  if (known && candidate->permitted != FSM_VERDICT_DEPENDS)
    fsm__document_put(d, "permitted", fsm_bool(candidate->permitted == FSM_VERDICT_YES));
}

/* ---- guards -------------------------------------------------------------------------------------- */

static fsm_code parts_of(const fsm__why *why, unsigned index, const fsm__why_parts **out, fsm_error *err) {
  const fsm_value *actor = fsm_is(&why->at->query->actor, FSM_MAP) ? &why->at->query->actor : NULL;
  const fsm_world world = world_of(why, actor);
  fsm__why_parts *parts = &why->parts[index];
  *out = parts;
  if (parts->known) return FSM_OK;
  parts->known = true;
  parts->unasked = why->budget->left == 0 && why->events[index].candidate.guard != NULL;
  return fsm_guard_parts(why->in.deployed->machine, &why->snapshot, why->events[index].candidate.transition,
                         NULL, &world, why->arena, &parts->truth, &parts->at, &parts->count, err);
}

static fsm_value truth_value(fsm_truth truth) {
  if (truth == FSM_TRUTH_TRUE || truth == FSM_TRUTH_FALSE) return fsm_bool(truth == FSM_TRUTH_TRUE);
  return fsm_string(truth == FSM_TRUTH_DEPENDS ? "depends" : "fault");
}

static fsm_code put_part(const fsm__why *why, const fsm_expr_part *part, fsm__items *items, fsm_error *err) {
  fsm__document one = {.arena = why->arena};
  fsm_value seen, view;
  fsm_code code = fsm_mask_value(why->arena, why->mask, &part->seen, &seen, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&one, "text", part->text);
  fsm__document_put(&one, "result", truth_value(part->truth));
  fsm__document_put(&one, "decides", fsm_bool(part->decides));
  if (!part->wanted) fsm__document_put(&one, "wanted", fsm_bool(false));
  if (part->reads_time) fsm__document_put(&one, "time", fsm_bool(true));
  fsm__document_put(&one, "seen", seen);
  fsm__document_text(&one, "fault", fsm__query_text(why->at, &why->in, part->fault));
  code = fsm__document_map(&one, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

/* Also where it was asked and not taken apart. */
static fsm_truth truth_of(const fsm_candidate *candidate, const fsm__why_parts *parts) {
  if (!parts->unasked) return parts->truth;
  if (candidate->enabled) return FSM_TRUTH_TRUE;
  if (candidate->depends) return FSM_TRUTH_DEPENDS;
  return candidate->fault != NULL ? FSM_TRUTH_FAULT : FSM_TRUTH_FALSE;
}

static fsm_code put_guard(const fsm__why *why, unsigned index, fsm__document *d, fsm_error *err) {
  const fsm_candidate *candidate = &why->events[index].candidate;
  const fsm__why_parts *parts = NULL;
  fsm__items items = {.arena = why->arena};
  fsm_code code = parts_of(why, index, &parts, err);
  fsm__document_text(d, "guard", candidate->guard);
  fsm__document_text(d, "guard_name", candidate->guard_name);
  fsm__document_put(d, "result", truth_value(truth_of(candidate, parts)));
  if (candidate->unasked) fsm__document_put(d, "unasked", fsm_bool(true));
  for (unsigned i = 0; i < parts->count && code == FSM_OK; i++)
    code = put_part(why, &parts->at[i], &items, err);
  if (items.count > 0) fsm__why_put_items(d, "parts", &items);
  return code;
}

const char *fsm__why_guard_text(const fsm__why *why, unsigned index) {
  const fsm__why_parts *parts = NULL;
  fsm__why_list saw = {.count = 0};
  if (why->events[index].candidate.unasked) return "its guard was not looked at";
  if (parts_of(why, index, &parts, NULL) != FSM_OK) return "";
  if (parts->unasked) return "its guard is false, and was not taken apart";
  if (parts->count == 0) return "";
  const fsm_expr_part *part = fsm_expr_part_first(parts->at, parts->count);
  for (uint32_t i = 0; i < part->seen.len; i++) {
    const fsm_pair *pair = &part->seen.pairs[i];
    const fsm_value one = {.type = FSM_MAP, .len = 1, .pairs = pair};
    fsm_value shown;
    if (fsm_mask_value(why->arena, why->mask, &one, &shown, NULL) != FSM_OK) continue;
    fsm__why_list_add(&saw, fsm__why_printf(why, "%.*s = %s", (int)pair->key.len, pair->key.s,
                                            fsm__why_value(why, &shown.pairs[0].value)));
  }
  const char *is = part->fault != NULL                ? "fails"
                   : part->truth == FSM_TRUTH_DEPENDS ? "depends on what is sent"
                   : part->truth == FSM_TRUTH_TRUE    ? "is true"
                                                      : "is false";
  const char *values = fsm__why_list_text(why, &saw, "and");
  return fsm__why_printf(why, *values != 0 ? "%s %s (%s)" : "%s %s%s", part->text, is, values);
}

/* ---- events -------------------------------------------------------------------------------------- */

static const char *target_of(const fsm__why *why, unsigned transition) {
  const fsm_machine *machine = why->in.deployed->machine;
  const uint16_t *targets = NULL;
  const unsigned count = fsm_transition_targets(machine, transition, &targets);
  const char *text = count > 0 ? fsm_state_path(machine, targets[0]) : NULL;
  for (unsigned i = 1; i < count; i++)
    text = fsm__why_printf(why, "%s,%s", text, fsm_state_path(machine, targets[i]));
  return text;
}

static fsm_code add_transition(const fsm__why *why, unsigned index, fsm__items *items, fsm_error *err) {
  fsm__document one = {.arena = why->arena};
  fsm_value view;
  fsm__document_text(&one, "target", target_of(why, why->events[index].candidate.transition));
  fsm_code code = put_guard(why, index, &one, err);
  put_allow(why, index, &one);
  if (code == FSM_OK) code = fsm__document_map(&one, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

/* The event at `first`, with all transitions of the state that name it. */
static fsm_code add_event(const fsm__why *why, unsigned state, unsigned first, fsm__items *items,
                          fsm_error *err) {
  const char *event = why->events[first].event;
  fsm__document one = {.arena = why->arena};
  fsm__items transitions = {.arena = why->arena};
  fsm_code code = FSM_OK;
  fsm_value view;
  for (unsigned i = first; i < why->event_count && code == FSM_OK; i++)
    if (why->events[i].candidate.source == state && strcmp(why->events[i].event, event) == 0)
      code = add_transition(why, i, &transitions, err);
  fsm__document_text(&one, "event", event);
  fsm__document_text(&one, "who", fsm__why_who_text(why, first));
  const fsm_value takes = fsm__why_fields(why, event);
  if (fsm_is(&takes, FSM_LIST)) fsm__document_put(&one, "takes", takes);
  fsm__why_put_items(&one, "transitions", &transitions);
  if (code == FSM_OK) code = fsm__document_map(&one, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

static bool first_of_its_name(const fsm__why *why, unsigned index) {
  for (unsigned i = 0; i < index; i++)
    if (why->events[i].candidate.source == why->events[index].candidate.source &&
        strcmp(why->events[i].event, why->events[index].event) == 0)
      return false;
  return true;
}

fsm_code fsm__why_put_events(const fsm__why *why, unsigned state, fsm__document *d, fsm_error *err) {
  fsm__items items = {.arena = why->arena};
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < why->event_count && code == FSM_OK; i++)
    if (why->events[i].candidate.source == state && first_of_its_name(why, i))
      code = add_event(why, state, i, &items, err);
  if (items.count > 0) fsm__why_put_items(d, "events", &items);
  return code;
}

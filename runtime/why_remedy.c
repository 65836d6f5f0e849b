/* why_remedy.c: fields of the context that, set by hand, open a guard (fsm/expr_remedy.h).
 *
 * The invariant: what is offered was evaluated, is what `set` would take (fsm__set_check), and tells nothing
 * of what is masked: no field of such a name is set, nor was a value reckoned from one. */
#include <string.h>

#include "runtime/decide_admin.h"
#include "runtime/why_command.h"

static bool hides(void *arg, const fsm_value *name) {
  const fsm__why *why = arg;
  return fsm_mask_hides(why->mask, name->s, name->len);
}

/* As it would be shown, with nothing hidden in it. */
static bool fits(void *arg, const fsm_value *patch) {
  const fsm__why *why = arg;
  fsm_value shown, context;
  fsm_error refusal;
  if (fsm_mask_value(why->arena, why->mask, patch, &shown, NULL) != FSM_OK) return false;
  return fsm_value_same(&shown, patch) &&
         fsm__set_check(&why->in, patch, why->arena, &context, &refusal) == FSM_OK;
}

static unsigned samples(void *arg, const fsm_value *field, fsm_value *out, unsigned room) {
  return fsm__why_samples(arg, field, out, room);
}

static bool has_filler(const fsm_value *value) {
  if (fsm_is_text(value, FSM_REMEDY_FILLER)) return true;
  for (uint32_t i = 0; fsm_is(value, FSM_LIST) && i < value->len; i++)
    if (has_filler(&value->items[i])) return true;
  for (uint32_t i = 0; fsm_is(value, FSM_MAP) && i < value->len; i++)
    if (has_filler(&value->pairs[i].value)) return true;
  return false;
}

/* patch: null = none was found. filler: what is in it, or in the event, is still to be written. */
static fsm_code remedy_of(const fsm__why *why, unsigned index, fsm_value *patch, bool *filler,
                          fsm_error *err) {
  const fsm_value *actor = fsm_is(&why->at->query->actor, FSM_MAP) ? &why->at->query->actor : NULL;
  const fsm_world world = {
      .actor = actor, .now_ns = why->at->now_ns, .session = why->in.id, .budget = why->budget};
  const fsm_remedy_rules rules = {.hides = why->mask != NULL ? hides : NULL,
                                  .fits = fits,
                                  .samples = samples,
                                  .arg = (void *)(uintptr_t)why};
  fsm_truth truth;
  fsm_code code =
      fsm_guard_remedy(why->in.deployed->machine, &why->snapshot, why->events[index].candidate.transition,
                       &world, &rules, why->arena, patch, &truth, err);
  *filler = truth == FSM_TRUTH_DEPENDS || has_filler(patch);
  return code;
}

/* ---- as a command ----------------------------------------------------------------------- */

/* Taken as it is by a shell's `set ID FIELD=VALUE`. */
static bool is_plain(const char *text, size_t len) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (len == 0 || strchr("0123456789", text[0]) != NULL) return false;
  for (size_t i = 0; i < len; i++)
    if (text[i] == '\0' || strchr(plain, text[i]) == NULL) return false;
  return true;
}

/* A text needs no quotes where it cannot be taken for something else. */
static bool is_word(const fsm_value *value) {
  return fsm_is(value, FSM_STRING) && is_plain(value->s, value->len) && !fsm_is_text(value, "true") &&
         !fsm_is_text(value, "false") && !fsm_is_text(value, "null");
}

/* "n=11", or all of them as one JSON object when a name is not spelt like that. */
static void add_fields(const fsm__why *why, fsm__why_command *c, const fsm_value *patch, fsm__items *items) {
  bool plain = true;
  for (uint32_t i = 0; i < patch->len; i++)
    plain = plain && is_plain(patch->pairs[i].key.s, patch->pairs[i].key.len);
  if (!plain) {
    fsm__why_made(c, fsm__why_json(why, patch), items);
    return;
  }
  for (uint32_t i = 0; i < patch->len; i++) {
    const fsm_pair *pair = &patch->pairs[i];
    const char *json = is_word(&pair->value) ? fsm_arena_strndup(why->arena, pair->value.s, pair->value.len)
                                             : fsm__why_json(why, &pair->value);
    const char *word =
        json != NULL ? fsm_arena_printf(why->arena, "%.*s=%s", (int)pair->key.len, pair->key.s, json) : NULL;
    fsm__why_made(c, word, items);
  }
}

static bool add_set(const fsm__why *why, fsm__items *items, unsigned index) {
  fsm_value patch;
  bool filler = false, role, data;
  if (remedy_of(why, index, &patch, &filler, NULL) != FSM_OK) items->failed = true;
  if (items->failed || !fsm_is(&patch, FSM_MAP)) return false;
  fsm__why_command set = fsm__why_command_of(why, "set");
  add_fields(why, &set, &patch, items);
  fsm__why_option(&set, "--reason");
  fsm__why_arg(&set, "…");
  const fsm__why_command send = fsm__why_send(why, items, index, &role, &data);
  data = data || filler;
  fsm__why_add(why, items, &set, &send,
               fsm__why_printf(why, "the guard of %s holds then: %s", why->events[index].event,
                               fsm__why_leads(why, index, role)),
               role && data ? "reason, role, data"
               : role       ? "reason, role"
               : data       ? "reason, data"
                            : "reason");
  return true;
}

static bool is_refused(const fsm__why *why, unsigned index) {
  for (unsigned i = 0; i < why->event_count; i++) {
    const fsm_candidate *other = &why->events[i].candidate;
    if (strcmp(why->events[i].event, why->events[index].event) == 0 && (other->enabled || other->depends))
      return false;
  }
  return why->events[index].candidate.guard != NULL && fsm__why_is_name(why->events[index].event);
}

void fsm__why_add_sets(const fsm__why *why, fsm__items *items) {
  unsigned count = 0;
  for (unsigned i = 0; i < why->event_count && count < FSM_WHY_REMEDIES_MAX; i++)
    if (is_refused(why, i) && add_set(why, items, i)) count++;
}

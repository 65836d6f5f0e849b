/* machine_event.c: event names and the descriptors that take them.
 *
 * A descriptor is "*" (every event), "a.b.*" (a.b and all below it) or a name (that event only).
 * The rule lives in fsm__descriptor_matches and nowhere else.
 */
#include <string.h>

#include "fsm/machine_impl.h"

/* The names that the engine and the loaders make hold a state's path or an invoke's id. */
static size_t name_limit(const char *name) {
  bool generated = fsm__has_prefix(name, "xstate.") || fsm__has_prefix(name, "done.");
  return generated ? FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX : FSM_EVENT_NAME_MAX;
}

static fsm_code length_check(const char *name, const char *where, fsm_error *err) {
  if (name == NULL || name[0] == '\0')
    return fsm_fail(err, FSM_EDEFINITION, fsm__place(where), "an event name is empty");
  size_t limit = name_limit(name);
  if (strnlen(name, limit + 1) > limit)
    return fsm_fail(err, FSM_ETOOLARGE, fsm__place(where), "an event name is longer than %zu bytes", limit);
  return FSM_OK;
}

fsm_code fsm__event_name_check(const char *name, const char *where, fsm_error *err) {
  fsm_code code = length_check(name, where, err);
  if (code == FSM_OK && strchr(name, '*') != NULL)
    code = fsm_fail(err, FSM_EDEFINITION, fsm__place(where), "an event cannot be named \"%s\"", name);
  return code;
}

fsm_code fsm__descriptor_parse(fsm_arena *arena, const char *text, const char *where, fsm__descriptor *out,
                               fsm_error *err) {
  fsm_code code = length_check(text, where, err);
  if (code != FSM_OK) return code;

  size_t len = strlen(text);
  *out = (fsm__descriptor){.rule = FSM__EXACT};
  if (strcmp(text, "*") == 0) {
    out->rule = FSM__ANY;
    len = 0;
  } else if (len > 2 && strcmp(text + len - 2, ".*") == 0) {
    out->rule = FSM__PREFIX;
    len -= 2;
  }
  if (memchr(text, '*', len) != NULL || (out->rule == FSM__EXACT && len > 0 && text[len - 1] == '*'))
    return fsm_fail(err, FSM_EDEFINITION, fsm__place(where),
                    "\"%s\": a * stands alone or as the last token (\"a.*\")", text);
  out->len = (uint16_t)len;
  out->text = fsm_arena_strdup(arena, text);
  return out->text != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, fsm__place(where), "out of memory");
}

/* SCXML 3.12.1 */
bool fsm__descriptor_matches(const fsm__descriptor *d, const char *name, size_t len) {
  switch ((fsm__rule)d->rule) {
    case FSM__EXACT: return len == d->len && memcmp(name, d->text, len) == 0;
    case FSM__PREFIX:
      return len >= d->len && memcmp(name, d->text, d->len) == 0 && (len == d->len || name[d->len] == '.');
    case FSM__ANY: return true;
  }
  return false;
}

bool fsm__transition_names(const fsm__transition *t, const char *name, size_t len) {
  for (size_t i = 0; i < t->event_count; i++)
    if (fsm__descriptor_matches(&t->events[i], name, len)) return true;
  return false;
}

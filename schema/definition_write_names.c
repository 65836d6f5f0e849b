/* definition_write_names.c: the states and events of a tree under their names in both notations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/definition_write.h"

/* ---- faults ------------------------------------------------------------------------------------ */

fsm_code fsm__write_refuse(fsm__writer *w, const char *where, const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fsm_fail(w->err, FSM_EUNSUPPORTED, where ? where : "", "%s", text);
}

fsm_code fsm__write_no_memory(fsm__writer *w) {
  return fsm_fail(w->err, FSM_ENOMEM, "", "no memory to write the definition");
}

/* ---- names of states --------------------------------------------------------------------------- */

static const char *joined(fsm__writer *w, const char *path, const char *key) {
  return *path ? fsm_arena_printf(&w->arena, "%s.%s", path, key) : key;
}

/* The key of a state that has an id: without its parent's id in front, and without dots. */
static const char *key_of(fsm__writer *w, const fsm__written *parent, const fsm_def_state *state) {
  const char *id = state->name;
  size_t len = strlen(parent->path);
  if (len && strncmp(id, parent->path, len) == 0 && id[len] == '.') id += len + 1;
  char *key = fsm_arena_strdup(&w->arena, id);
  for (char *c = key; c && *c; c++)
    if (*c == '.' || (c == key && *c == '#')) *c = '_';
  bool digits = key && *key && strspn(key, "0123456789") == strlen(key);
  return digits ? fsm_arena_printf(&w->arena, "_%s", key) : key;
}

static fsm_code add_state(fsm__writer *w, const fsm_def_state *state, size_t parent_at, bool is_root) {
  if (w->count == w->cap) {
    size_t cap = w->cap ? 2 * w->cap : 64;
    fsm__written *grown = fsm_arena_zalloc(&w->arena, cap, sizeof *grown);
    if (!grown) return fsm__write_no_memory(w);
    if (w->count) memcpy(grown, w->states, w->count * sizeof *grown);
    w->states = grown;
    w->cap = cap;
  }
  size_t at = w->count++;
  fsm__written *s = &w->states[at];
  const fsm__written *parent = is_root ? NULL : &w->states[parent_at];
  *s = (fsm__written){.state = state, .path = "", .name = "", .key = state->name, .up = parent_at};
  if (!is_root) {
    s->path = state->path ? state->path : joined(w, parent->path, state->name);
    s->key = w->def->dialect == FSM_SCXML ? key_of(w, parent, state) : state->name;
    s->name = w->to == FSM_SCXML ? s->path : s->key ? joined(w, parent->name, s->key) : NULL;
    if (!s->path || !s->key || !s->name) return fsm__write_no_memory(w);
    if (w->to == FSM_SCXML && s->name[strcspn(s->name, " \t\r\n")])
      return fsm__write_refuse(w, state->where, "\"%.128s\" is no id of a state in SCXML", s->name);
  }
  for (size_t i = 0; i < state->child_count; i++) {
    fsm_code code = add_state(w, state->children[i], at, false);
    if (code) return code;
  }
  return FSM_OK;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_path(const void *a, const void *b) {
  return strcmp((*(const fsm__written *const *)a)->path, (*(const fsm__written *const *)b)->path);
}

static fsm_code sort_states(fsm__writer *w) {
  w->by_path = fsm_arena_zalloc(&w->arena, w->count, sizeof *w->by_path);
  const char **names = fsm_arena_zalloc(&w->arena, w->count, sizeof *names);
  if (!w->by_path || !names) return fsm__write_no_memory(w);
  for (size_t i = 0; i < w->count; i++) {
    w->states[i].parent = i ? &w->states[w->states[i].up] : NULL;
    w->by_path[i] = &w->states[i];
    names[i] = w->states[i].name;
  }
  qsort(w->by_path, w->count, sizeof *w->by_path, by_path);
  qsort(names, w->count, sizeof *names, by_text);
  for (size_t i = 1; i < w->count; i++)
    if (strcmp(names[i - 1], names[i]) == 0)
      return fsm__write_refuse(w, w->def->root->where, "two states would be called \"%.128s\"", names[i]);
  return FSM_OK;
}

const fsm__written *fsm__write_state(const fsm__writer *w, const char *path) {
  fsm__written key = {.path = path};
  const fsm__written *wanted = &key;
  const fsm__written **found = bsearch(&wanted, w->by_path, w->count, sizeof *w->by_path, by_path);
  return found ? *found : NULL;
}

bool fsm__written_is_below(const fsm__written *state, const fsm__written *ancestor) {
  for (state = state->parent; state; state = state->parent)
    if (state == ancestor) return true;
  return false;
}

/* ---- events ------------------------------------------------------------------------------------ */

static fsm_code add_event(fsm__writer *w, const char *name) {
  size_t len = name ? strlen(name) : 0;
  if (!len) return FSM_OK;
  if (len >= 2 && strcmp(name + len - 2, ".*") == 0) len -= 2;
  if (w->event_count == w->event_cap) {
    size_t cap = w->event_cap ? 2 * w->event_cap : 64;
    const char **grown = fsm_arena_zalloc(&w->arena, cap, sizeof *grown);
    if (!grown) return fsm__write_no_memory(w);
    if (w->event_count) memcpy(grown, w->events, w->event_count * sizeof *grown);
    w->events = grown;
    w->event_cap = cap;
  }
  const char *copy = fsm_arena_strndup(&w->arena, name, len);
  w->events[w->event_count++] = copy;
  return copy ? FSM_OK : fsm__write_no_memory(w);
}

static fsm_code add_events_of(fsm__writer *w, const fsm_def_action *actions, size_t count) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < count && !code; i++) {
    code = add_event(w, actions[i].event);
    if (!code) code = add_events_of(w, actions[i].actions, actions[i].action_count);
  }
  return code;
}

static fsm_code add_state_events(fsm__writer *w, const fsm__written *s) {
  const fsm_def_state *state = s->state;
  const char *done = w->def->dialect == FSM_SCXML ? "done.state." : "xstate.done.state.";
  fsm_code code = add_events_of(w, state->entry, state->entry_count);
  if (!code) code = add_events_of(w, state->exit, state->exit_count);
  for (size_t i = 0; i < state->transition_count && !code; i++) {
    const fsm_def_transition *t = &state->transitions[i];
    for (size_t j = 0; j < t->event_count && !code; j++) {
      size_t len = strlen(t->events[j]);
      w->exact = w->exact || (len && t->events[j][len - 1] != '*');
      code = add_event(w, t->events[j]);
    }
    if (!code) code = add_events_of(w, t->actions, t->action_count);
  }
  if (code || !state->child_count || !s->parent) return code;
  const char *name = fsm_arena_printf(&w->arena, "%s%s", done, s->path);
  return name ? add_event(w, name) : fsm__write_no_memory(w);
}

bool fsm__write_extends(const fsm__writer *w, const char *name) {
  size_t len = strlen(name), from = 0, to = w->event_count;
  while (from < to) { /* the first that is not before "name." */
    size_t middle = from + (to - from) / 2;
    int order = strncmp(w->events[middle], name, len);
    if (order < 0 || (order == 0 && w->events[middle][len] < '.'))
      from = middle + 1;
    else
      to = middle;
  }
  return from < w->event_count && strncmp(w->events[from], name, len) == 0 && w->events[from][len] == '.';
}

/* The prefixes that the dialects give to the events that the engine makes. */
static const struct made {
  const char *xstate, *scxml;
  bool of_state; /* a state's name follows */
} made[] = {
    {"xstate.done.state", "done.state", true},
    {"xstate.done.actor", "done.invoke", false},
    {"xstate.done", "done", false},
    {"xstate.after", "after", false},
};

fsm_code fsm__write_event(fsm__writer *w, const char *name, const char *where, const char **out) {
  *out = name;
  if (!fsm__write_translates(w)) return FSM_OK;
  bool to_scxml = w->to == FSM_SCXML;
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    const char *from = to_scxml ? made[i].xstate : made[i].scxml,
               *into = to_scxml ? made[i].scxml : made[i].xstate;
    size_t len = strlen(from);
    if ((!to_scxml && i == 3) || strncmp(name, from, len) != 0 || (name[len] && name[len] != '.')) continue;
    const char *rest = name + len;
    const fsm__written *state = made[i].of_state && *rest ? fsm__write_state(w, rest + 1) : NULL;
    *out = state ? fsm_arena_printf(&w->arena, "%s.%s", into, state->name)
                 : fsm_arena_printf(&w->arena, "%s%s", into, rest);
    return *out ? FSM_OK : fsm__write_no_memory(w);
  }
  if (to_scxml && strncmp(name, "xstate.", 7) == 0)
    return fsm__write_refuse(w, where, "the event \"%.128s\" has no like in SCXML", name);
  if (to_scxml && name[strcspn(name, " \t\r\n")])
    return fsm__write_refuse(w, where, "\"%.128s\" is no name of an event in SCXML", name);
  if (!to_scxml && strcmp(name, "error.communication") == 0)
    return fsm__write_refuse(w, where, "the event \"%s\" has no like in JSON", name);
  return FSM_OK;
}

/* ---- expressions ------------------------------------------------------------------------------- */

static const char *name_of(const void *arg, const char *state, size_t len) {
  const fsm__writer *w = arg;
  for (size_t i = 0; i < w->count; i++)
    if (strlen(w->states[i].path) == len && memcmp(w->states[i].path, state, len) == 0)
      return w->states[i].name;
  return NULL;
}

fsm_code fsm__write_expr(fsm__writer *w, const char *text, const char *where, const char **out) {
  const fsm_respelling how = {.to_scxml = w->to == FSM_SCXML,
                              .state = name_of,
                              .arg = w,
                              .zones = w->def->zones,
                              .zones_arg = w->def->zones_arg};
  fsm_error fault = {0};
  *out = text;
  if (!fsm__write_translates(w)) return FSM_OK;
  bool asks = strstr(text, "event.name") || (w->to == FSM_SCXML && strstr(text, "event.type"));
  if (asks && strstr(text, w->to == FSM_SCXML ? "xstate." : "done."))
    return fsm__write_refuse(w, where,
                             "an event is asked for by a name that the notations do not share: %.160s", text);
  fsm_code code = fsm_expr_respell(&w->arena, text, strlen(text), &how, out, &fault);
  return code ? fsm_fail(w->err, code, where ? where : "", "%s (%s of %.160s)", fault.text, fault.where, text)
              : FSM_OK;
}

bool fsm__write_is_name(const char *text) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return *text && strchr(letters, *text) && strspn(text, all) == strlen(text);
}

/* ---- who may ----------------------------------------------------------------------------------- */

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does the text call In()? It may only stand in a string; then it counts, too. */
static bool calls_in(const char *text) {
  for (const char *at = text; (at = strstr(at, "In")); at += 2) {
    const bool inside = at > text && (is_word(at[-1]) || at[-1] == '.');
    if (!inside && at[2 + strspn(at + 2, " \t\r\n")] == '(') return true;
  }
  return false;
}

/* An allow is the same in both notations, but for the names of states. */
static fsm_code check_allow(fsm__writer *w, const fsm_def_allow *allow) {
  for (size_t i = 0; i < allow->count; i++)
    if (calls_in(allow->texts[i]))
      return fsm__write_refuse(
          w, allow->where, "an allow that asks In() names states otherwise there: %.160s", allow->texts[i]);
  return FSM_OK;
}

static fsm_code check_allows(fsm__writer *w, const fsm_def_state *state) {
  fsm_code code = check_allow(w, &state->allow);
  for (size_t i = 0; i < state->transition_count && !code; i++)
    code = check_allow(w, &state->transitions[i].allow);
  for (size_t i = 0; i < state->invoke_count && !code; i++) code = check_allow(w, &state->invokes[i].allow);
  return code;
}

/* ---- the whole --------------------------------------------------------------------------------- */

fsm_code fsm__write_begin(fsm__writer *w, const fsm_def *def, fsm_dialect to, fsm_error *err) {
  *w = (fsm__writer){.err = err, .def = def, .to = to};
  fsm_arena_init(&w->arena, 0);
  fsm_code code = add_state(w, def->root, 0, true);
  if (!code) code = sort_states(w);
  for (size_t i = 0; i < w->count && !code && fsm__write_translates(w); i++)
    code = check_allows(w, w->states[i].state);
  for (size_t i = 0; i < w->count && !code; i++) code = add_state_events(w, &w->states[i]);
  if (!code && w->event_count) qsort(w->events, w->event_count, sizeof *w->events, by_text);
  return code;
}

void fsm__write_end(fsm__writer *w) { fsm_arena_free(&w->arena); }

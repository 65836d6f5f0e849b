/* definition_write_event.c: the transitions of a state in JSON: "on" by descriptor, "after" by delay,
 * "always".
 *
 * JSON tries exact names before wildcards, SCXML what is written first: where that would decide otherwise
 * the document is refused.
 */
#include <string.h>

#include "schema/definition_out.h"

typedef struct listed {
  const char *key;
  const fsm_def_transition *t;
  bool written;
} listed;

/* ---- one transition ---------------------------------------------------------------------------- */

static fsm_code write_targets(fsm__json_out *o, const fsm_def_transition *t) {
  fsm_code code = FSM_OK;
  if (!t->target_count) return FSM_OK;
  fsm__json_key(o, "target");
  if (t->target_count > 1) fsm_buf_char(&o->buf, '[');
  for (size_t i = 0; i < t->target_count && !code; i++) {
    if (i) fsm__json_item(o);
    code = fsm__json_target(o, t->targets[i]);
  }
  if (t->target_count > 1) fsm_buf_char(&o->buf, ']');
  return code;
}

/* Is a target in the source, so that leaving it makes a difference? */
static bool stays(const fsm__json_out *o, const fsm__written *source, const fsm_def_transition *t) {
  for (size_t i = 0; i < t->target_count; i++) {
    const fsm__written *target = fsm__write_state(&o->w, t->targets[i]);
    if (target && (target == source || fsm__written_is_below(target, source))) return true;
  }
  return false;
}

/* The guard without the question for the event's whole name that the other writer puts before it. */
static fsm_code own_guard(fsm__json_out *o, const fsm_def_transition *t, const char **out) {
  *out = t->guard;
  if (!fsm__write_translates(&o->w) || !o->w.exact || t->event_count != 1) return FSM_OK;
  const char *question = fsm_arena_printf(&o->w.arena, "_event.name == '%s'", t->events[0]);
  if (!question) return fsm__write_no_memory(&o->w);
  size_t len = strlen(question), all = strlen(t->guard);
  if (strncmp(t->guard, question, len) != 0) return FSM_OK;
  if (all == len) {
    *out = NULL;
  } else if (strncmp(t->guard + len, " && (", 5) == 0 && t->guard[all - 1] == ')') {
    *out = fsm_arena_strndup(&o->w.arena, t->guard + len + 5, all - len - 6);
    if (!*out) return fsm__write_no_memory(&o->w);
  }
  return FSM_OK;
}

static fsm_code write_transition(fsm__json_out *o, const fsm__written *source, const fsm_def_transition *t) {
  fsm_code code = fsm__write_check_transition(&o->w, source, t);
  fsm_buf_char(&o->buf, '{');
  if (!code) code = write_targets(o, t);
  if (!t->internal && stays(o, source, t)) {
    fsm__json_key(o, "reenter");
    fsm_buf_str(&o->buf, "true");
  }
  const char *guard = NULL;
  if (!code && t->guard) code = own_guard(o, t, &guard);
  if (!code && guard) {
    fsm__json_key(o, "guard");
    code = fsm__json_expr(o, guard, t->guard_where ? t->guard_where : t->where);
  }
  if (!code) code = fsm__json_actions(o, "actions", t->actions, t->action_count);
  fsm__json_meta(o, &t->meta);
  fsm_buf_char(&o->buf, '}');
  return code;
}

/* All that are listed under the key of the first. */
static fsm_code write_key(fsm__json_out *o, const fsm__written *s, listed *items, size_t count) {
  fsm_code code = FSM_OK;
  fsm__json_key(o, items->key);
  fsm_buf_char(&o->buf, '[');
  for (size_t i = 0; i < count && !code; i++) {
    if (items[i].written || strcmp(items[i].key, items->key) != 0) continue;
    items[i].written = i > 0;
    fsm__json_item(o);
    code = write_transition(o, s, items[i].t);
  }
  items->written = true;
  fsm_buf_char(&o->buf, ']');
  return code;
}

/* ---- keys -------------------------------------------------------------------------------------- */

/* SCXML's "foo.*" is "foo" in JSON, unless the machine speaks of an event below it. */
static fsm_code key_of(fsm__json_out *o, const fsm_def_transition *t, const char *descriptor,
                       const char **out) {
  static const char *const families[] = {"done", "done.state", "done.invoke", "error"};
  size_t len = strlen(descriptor);
  *out = descriptor;
  if (!fsm__write_translates(&o->w) || strcmp(descriptor, "*") == 0) return FSM_OK;
  bool wild = len > 2 && strcmp(descriptor + len - 2, ".*") == 0;
  const char *stem = wild ? fsm_arena_strndup(&o->w.arena, descriptor, len - 2) : descriptor, *name;
  if (!stem) return fsm__write_no_memory(&o->w);
  fsm_code code = fsm__write_event(&o->w, stem, t->where, &name);
  if (code) return code;
  bool is_family = o->w.exact || fsm__write_extends(&o->w, stem);
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) is_family |= strcmp(stem, families[i]) == 0;
  *out = wild && is_family ? fsm_arena_printf(&o->w.arena, "%s.*", name) : name;
  return *out ? FSM_OK : fsm__write_no_memory(&o->w);
}

static fsm_code check_order(fsm__json_out *o, const listed *items, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(items[i].key);
    if (!len || items[i].key[len - 1] != '*') continue;
    for (size_t j = i + 1; j < count; j++)
      if (strcmp(items[i].key, items[j].key) != 0 && fsm__write_covers(items[i].key, items[j].key))
        return fsm__write_refuse(
            &o->w, items[j].t->where,
            "the transition on \"%.64s\" is tried before that on \"%.64s\", and in JSON behind it",
            items[i].key, items[j].key);
  }
  return FSM_OK;
}

/* ---- timers ------------------------------------------------------------------------------------ */

static const fsm_def_after *after_of(const fsm_def_state *state, const char *event) {
  for (size_t i = 0; i < state->after_count; i++)
    if (strcmp(state->afters[i].event, event) == 0) return &state->afters[i];
  return NULL;
}

/* Only a plain number of milliseconds is the key that it was made from. */
static fsm_code write_afters(fsm__json_out *o, const fsm__written *s, listed *items, size_t count) {
  fsm_code code = FSM_OK;
  if (!s->state->after_count) return FSM_OK;
  fsm__json_key(o, "after");
  fsm_buf_char(&o->buf, '{');
  for (size_t i = 0; i < s->state->after_count && !code; i++) {
    const fsm_def_after *after = &s->state->afters[i];
    if (strncmp(after->event, "xstate.after.", 13) != 0 || after->delay->form != FSM_DEF_LITERAL ||
        after->delay->literal.type != FSM_INT)
      return fsm__write_refuse(&o->w, after->where, "the timer \"%.128s\" cannot be written", after->event);
    const char *key = fsm_arena_printf(&o->w.arena, "%lld", (long long)after->delay->literal.i);
    if (!key) return fsm__write_no_memory(&o->w);
    for (size_t j = 0; j < count && !code; j++) {
      if (items[j].written || strcmp(items[j].key, after->event) != 0) continue;
      for (size_t k = j; k < count; k++)
        if (strcmp(items[k].key, after->event) == 0) items[k].key = key;
      code = write_key(o, s, &items[j], count - j);
    }
  }
  fsm_buf_char(&o->buf, '}');
  return code;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static fsm_code list(fsm__json_out *o, const fsm_def_state *state, listed **out, size_t *count) {
  size_t most = 0, n = 0;
  for (size_t i = 0; i < state->transition_count; i++)
    most += state->transitions[i].event_count ? state->transitions[i].event_count : 1;
  listed *items = fsm_arena_zalloc(&o->w.arena, most + 1, sizeof *items);
  if (!items) return fsm__write_no_memory(&o->w);
  for (size_t i = 0; i < state->transition_count; i++) {
    const fsm_def_transition *t = &state->transitions[i];
    for (size_t j = 0; j < t->event_count; j++) {
      items[n].t = t;
      fsm_code code = key_of(o, t, t->events[j], &items[n++].key);
      if (code) return code;
    }
  }
  *out = items;
  *count = n;
  return fsm__write_translates(&o->w) ? check_order(o, items, n) : FSM_OK;
}

static fsm_code write_always(fsm__json_out *o, const fsm__written *s) {
  fsm_code code = FSM_OK;
  bool any = false;
  for (size_t i = 0; i < s->state->transition_count && !code; i++) {
    const fsm_def_transition *t = &s->state->transitions[i];
    if (t->event_count) continue;
    if (!any) {
      fsm__json_key(o, "always");
      fsm_buf_char(&o->buf, '[');
    }
    any = true;
    fsm__json_item(o);
    code = write_transition(o, s, t);
  }
  if (any) fsm_buf_char(&o->buf, ']');
  return code;
}

fsm_code fsm__json_events(fsm__json_out *o, const fsm__written *s) {
  listed *items = NULL;
  size_t count = 0;
  bool any = false;
  fsm_code code = list(o, s->state, &items, &count);
  if (!code) code = write_afters(o, s, items, count);
  for (size_t i = 0; i < count && !code; i++) {
    if (items[i].written || after_of(s->state, items[i].key)) continue;
    if (!any) {
      fsm__json_key(o, "on");
      fsm_buf_char(&o->buf, '{');
    }
    any = true;
    code = write_key(o, s, &items[i], count - i);
  }
  if (any) fsm_buf_char(&o->buf, '}');
  return code ? code : write_always(o, s);
}

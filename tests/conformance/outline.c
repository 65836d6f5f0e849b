/* outline.c: a definition without what only its program knows.
 *
 * States, events, targets, delays, invokes and the names of guards and actions stay; functions, data and
 * what the loader has no word for go. Guards by name become true, actions by name write to the log, delays
 * by name are a second: so the structure of a definition whose program is not here can be simulated.
 */
#include "outline.h"

#include <string.h>

#include "schema/json.h"

enum { NAMES_MAX = 256, DEPTH_MAX = 60 };

typedef struct names {
  const fsm_value *name[NAMES_MAX];
  unsigned count;
} names;

typedef struct outline {
  fsm_buf out;
  bool comma;
  unsigned depth;
  names guards, actions, delays;
} outline;

/* ---- writing ----------------------------------------------------------------------------------------------
 */

static void gap(outline *o) {
  if (o->comma) fsm_buf_char(&o->out, ',');
  o->comma = true;
}

static void key(outline *o, const char *name) {
  gap(o);
  fsm_json_quote(&o->out, name, strlen(name));
  fsm_buf_char(&o->out, ':');
  o->comma = false;
}

static void key_of(outline *o, const fsm_value *name) {
  gap(o);
  fsm_json_write(&o->out, name);
  fsm_buf_char(&o->out, ':');
  o->comma = false;
}

static void open_with(outline *o, char bracket) {
  fsm_buf_char(&o->out, bracket);
  o->comma = false;
}

static void close_with(outline *o, char bracket) {
  fsm_buf_char(&o->out, bracket);
  o->comma = true;
}

static void value(outline *o, const fsm_value *v) {
  fsm_json_write(&o->out, v);
  o->comma = true;
}

static void text(outline *o, const char *t) {
  fsm_json_quote(&o->out, t, strlen(t));
  o->comma = true;
}

static void collect(names *set, const fsm_value *name) {
  for (unsigned i = 0; i < set->count; i++)
    if (fsm_value_same(set->name[i], name)) return;
  if (set->count < NAMES_MAX) set->name[set->count++] = name;
}

/* ---- reading ----------------------------------------------------------------------------------------------
 */

/* The name of a guard or action that its program defines; NULL = it has none. */
static const fsm_value *own_name(const fsm_value *v) {
  if (v->type == FSM_MAP) v = fsm_doc_get(v, "type");
  if (!v || v->type != FSM_STRING || v->len == 0) return NULL;
  return memchr(v->s, '.', v->len) ? NULL : v; /* "@xstate.assign", "xstate.and" */
}

static void actions(outline *o, const fsm_value *v) {
  bool list = v->type == FSM_LIST;
  open_with(o, '[');
  for (uint32_t i = 0; i < (list ? v->len : 1); i++) {
    const fsm_value *name = own_name(list ? &v->items[i] : v);
    if (!name) continue;
    collect(&o->actions, name);
    gap(o);
    value(o, name);
  }
  close_with(o, ']');
}

static void transition(outline *o, const fsm_value *v) {
  open_with(o, '{');
  const fsm_value *target = v->type == FSM_MAP ? fsm_doc_get(v, "target") : v;
  if (target && (target->type == FSM_STRING || target->type == FSM_LIST)) key(o, "target"), value(o, target);
  const fsm_value *guard = fsm_doc_get(v, "guard"), *name = guard ? own_name(guard) : NULL;
  if (name) {
    collect(&o->guards, name);
    key(o, "guard");
    value(o, name);
  }
  const fsm_value *acts = fsm_doc_get(v, "actions"), *reenter = fsm_doc_get(v, "reenter");
  if (acts) key(o, "actions"), actions(o, acts);
  if (reenter && reenter->type == FSM_BOOL) key(o, "reenter"), value(o, reenter);
  close_with(o, '}');
}

static void transitions(outline *o, const fsm_value *v) {
  if (v->type != FSM_LIST) {
    transition(o, v);
    return;
  }
  open_with(o, '[');
  for (uint32_t i = 0; i < v->len; i++) gap(o), transition(o, &v->items[i]);
  close_with(o, ']');
}

static bool is_number(const fsm_value *name) {
  for (uint32_t i = 0; i < name->len; i++)
    if (name->s[i] < '0' || name->s[i] > '9') return false;
  return name->len > 0;
}

/* `on` and `after`: a map of transitions. */
static void events(outline *o, const fsm_value *v, bool after) {
  open_with(o, '{');
  for (uint32_t i = 0; v->type == FSM_MAP && i < v->len; i++) {
    if (after && !is_number(&v->pairs[i].key)) collect(&o->delays, &v->pairs[i].key);
    key_of(o, &v->pairs[i].key);
    transitions(o, &v->pairs[i].value);
  }
  close_with(o, '}');
}

static void invoke(outline *o, const fsm_value *v) {
  open_with(o, '{');
  const fsm_value *src = fsm_doc_get(v, "src"), *id = fsm_doc_get(v, "id");
  key(o, "src");
  if (src && src->type == FSM_STRING)
    value(o, src);
  else
    text(o, "service");
  if (id && id->type == FSM_STRING) key(o, "id"), value(o, id);
  const fsm_value *done = fsm_doc_get(v, "onDone"), *error = fsm_doc_get(v, "onError");
  if (done) key(o, "onDone"), transitions(o, done);
  if (error) key(o, "onError"), transitions(o, error);
  close_with(o, '}');
}

static void invokes(outline *o, const fsm_value *v) {
  open_with(o, '[');
  bool list = v->type == FSM_LIST;
  for (uint32_t i = 0; i < (list ? v->len : 1); i++) gap(o), invoke(o, list ? &v->items[i] : v);
  close_with(o, ']');
}

static void state(outline *o, const fsm_value *v);

static void states(outline *o, const fsm_value *v) {
  open_with(o, '{');
  for (uint32_t i = 0; v->type == FSM_MAP && i < v->len && o->depth < DEPTH_MAX; i++) {
    key_of(o, &v->pairs[i].key);
    o->depth++;
    open_with(o, '{');
    state(o, &v->pairs[i].value);
    close_with(o, '}');
    o->depth--;
  }
  close_with(o, '}');
}

/* The members of a state, without its braces. */
static void state(outline *o, const fsm_value *v) {
  static const char *const kept[] = {"type", "initial", "history", "target", "tags", NULL};
  const fsm_value *m;
  for (unsigned i = 0; kept[i]; i++)
    if ((m = fsm_doc_get(v, kept[i])) && (m->type == FSM_STRING || m->type == FSM_LIST))
      key(o, kept[i]), value(o, m);
  if (o->depth > 0 && (m = fsm_doc_get(v, "id")) && m->type == FSM_STRING) key(o, "id"), value(o, m);
  if ((m = fsm_doc_get(v, "on"))) key(o, "on"), events(o, m, false);
  if ((m = fsm_doc_get(v, "after"))) key(o, "after"), events(o, m, true);
  if ((m = fsm_doc_get(v, "always"))) key(o, "always"), transitions(o, m);
  if ((m = fsm_doc_get(v, "onDone"))) key(o, "onDone"), transitions(o, m);
  if ((m = fsm_doc_get(v, "entry"))) key(o, "entry"), actions(o, m);
  if ((m = fsm_doc_get(v, "exit"))) key(o, "exit"), actions(o, m);
  if ((m = fsm_doc_get(v, "invoke"))) key(o, "invoke"), invokes(o, m);
  if ((m = fsm_doc_get(v, "states"))) key(o, "states"), states(o, m);
}

static void definitions(outline *o, const char *kind, const names *set, const char *json) {
  key(o, kind);
  open_with(o, '{');
  for (unsigned i = 0; i < set->count; i++) {
    key_of(o, set->name[i]);
    fsm_buf_str(&o->out, json);
    o->comma = true;
  }
  close_with(o, '}');
}

const char *outline_of(const fsm_value *document, fsm_arena *arena, size_t *len) {
  outline o = {0};
  const fsm_value *id = fsm_doc_get(document, "id");
  open_with(&o, '{');
  key(&o, "id");
  if (id && id->type == FSM_STRING)
    value(&o, id);
  else
    text(&o, "outline");
  state(&o, document);
  definitions(&o, "guards", &o.guards, "{\"@expr\":\"true\"}");
  definitions(&o, "actions", &o.actions, "{\"type\":\"@xstate.log\",\"args\":[\"done\"]}");
  definitions(&o, "delays", &o.delays, "1000");
  close_with(&o, '}');
  *len = o.out.len;
  char *copy = fsm_buf_ok(&o.out) ? fsm_arena_strndup(arena, o.out.data, o.out.len) : NULL;
  fsm_buf_free(&o.out);
  return copy;
}

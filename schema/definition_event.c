/* definition_event.c: the parts of a state that take events, in the order in which their transitions are
 * listed: exact names of `on`, done events, answers of invokes, delays, the time limit, wildcards of `on`
 * (which take all those events too, but only behind whoever names them), eventless ones.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/definition_load.h"

typedef struct reading {
  fsm__loader *l;
  const fsm__state_entry *entry;
  fsm_def_state *out;
  fsm__transitions transitions;
  fsm_def_after *afters;
  size_t after_count;
} reading;

static fsm__node member(const reading *r, const char *key) {
  return fsm__node_get(r->l, r->entry->node, key);
}

static fsm_code add_transitions(reading *r, fsm__node node, const char *event) {
  return fsm__read_transitions(r->l, r->entry, node, event, &r->transitions);
}

/* ---- on ---------------------------------------------------------------------------------------- */

typedef struct listed {
  size_t wildness; /* 0 for an exact name, then "a.b.*" before "a.*" before "*" */
  uint32_t index;
} listed;

static size_t wildness(const char *descriptor) {
  size_t len = strlen(descriptor);
  return len && descriptor[len - 1] == '*' ? SIZE_MAX - len : 0;
}

static int by_wildness(const void *a, const void *b) {
  const listed *x = a, *y = b;
  if (x->wildness != y->wildness) return x->wildness < y->wildness ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Either the exact names or the wildcards. */
static fsm_code read_on(reading *r, bool wild) {
  fsm__node on = member(r, "on");
  if (!on.value) return FSM_OK;
  if (!fsm__node_is(on, FSM_MAP)) return fsm__invalid(r->l, on.where, "\"on\" must be an object");
  uint32_t count = on.value->len;
  listed *order = fsm_arena_zalloc(r->l->arena, count + 1u, sizeof *order);
  if (!order) return fsm__out_of_memory(r->l);
  for (uint32_t i = 0; i < count; i++) order[i] = (listed){wildness(fsm__node_name(on, i)), i};
  qsort(order, count, sizeof *order, by_wildness);
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < count && !code; i++) {
    if (wild != (order[i].wildness > 0)) continue;
    const char *event = fsm__node_name(on, order[i].index);
    fsm__node node = fsm__node_member(r->l, on, order[i].index);
    code = *event
               ? add_transitions(r, node, event)
               : fsm__invalid(r->l, node.where, "an event has no name; eventless transitions are \"always\"");
  }
  return code;
}

static fsm_code read_on_done(reading *r) {
  fsm__node done = member(r, "onDone");
  if (!done.value) return FSM_OK;
  if (!r->entry->parent)
    return fsm__invalid(r->l, done.where, "the root's \"onDone\" is never taken: the machine has ended then");
  if (r->out->kind != FSM_COMPOUND && r->out->kind != FSM_PARALLEL)
    return fsm__invalid(r->l, done.where, "only a state with states in it has an \"onDone\"");
  const char *event = fsm_arena_printf(r->l->arena, "xstate.done.state.%s", r->entry->path);
  return event ? add_transitions(r, done, event) : fsm__out_of_memory(r->l);
}

/* ---- time -------------------------------------------------------------------------------------- */

static fsm_code add_after(reading *r, const char *where, const char *prefix, const char *name,
                          fsm_def_after **out) {
  fsm_def_after *after = &r->afters[r->after_count++];
  after->where = where;
  after->event = fsm_arena_printf(r->l->arena, "%s%s%s%s", prefix, name, *name ? "." : "",
                                  fsm__event_path(r->l, r->entry));
  *out = after;
  return after->event ? FSM_OK : fsm__out_of_memory(r->l);
}

static fsm_code read_after(reading *r) {
  fsm__node after = member(r, "after");
  if (!after.value) return FSM_OK;
  if (!fsm__node_is(after, FSM_MAP)) return fsm__invalid(r->l, after.where, "\"after\" must be an object");
  for (uint32_t i = 0; i < after.value->len; i++) {
    const char *name = fsm__node_name(after, i);
    fsm__node node = fsm__node_member(r->l, after, i);
    fsm_def_after *timer;
    if (!*name) return fsm__invalid(r->l, node.where, "a delay has no name");
    fsm_code code = add_after(r, node.where, "xstate.after.", name, &timer);
    if (!code) code = fsm__read_delay_name(r->l, name, node.where, &timer->delay);
    if (!code) code = add_transitions(r, node, timer->event);
    if (code) return code;
  }
  return FSM_OK;
}

/* A state's time limit. */
static fsm_code read_timeout(reading *r) {
  fsm__node timeout = member(r, "timeout"), on = member(r, "onTimeout");
  if (!timeout.value != !on.value)
    return fsm__invalid(r->l, r->entry->node.where, "\"timeout\" and \"onTimeout\" go together");
  if (!timeout.value) return FSM_OK;
  fsm_def_after *timer;
  fsm_code code = add_after(r, timeout.where, "xstate.timeout.", "", &timer);
  if (!code) code = fsm__read_delay(r->l, timeout, &timer->delay);
  return code ? code : add_transitions(r, on, timer->event);
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* One for each delay, one for the state's limit, one for that of each invoke. */
static fsm_code make_room(reading *r) {
  fsm__node after = member(r, "after"), invoke = member(r, "invoke");
  size_t count = 1;
  if (fsm__node_is(after, FSM_MAP)) count += after.value->len;
  if (invoke.value) count += fsm__node_count(invoke);
  r->afters = fsm_arena_zalloc(r->l->arena, count, sizeof *r->afters);
  return r->afters ? FSM_OK : fsm__out_of_memory(r->l);
}

static fsm_code read_choice(reading *r) {
  fsm__node choice = member(r, "choice");
  return choice.value ? fsm__read_choice(r->l, r->entry, choice, &r->transitions) : FSM_OK;
}

fsm_code fsm__read_events(fsm__loader *l, const fsm__state_entry *entry, fsm_def_state *out) {
  reading r = {.l = l, .entry = entry, .out = out};
  fsm_code code = make_room(&r);
  if (!code) code = read_on(&r, false);
  if (!code) code = read_on_done(&r);
  if (!code) code = fsm__read_invokes(l, entry, out, &r.transitions, r.afters, &r.after_count);
  if (!code) code = read_after(&r);
  if (!code) code = read_timeout(&r);
  if (!code) code = read_on(&r, true);
  if (!code) code = add_transitions(&r, member(&r, "always"), NULL);
  if (!code) code = read_choice(&r);
  out->transitions = r.transitions.items;
  out->transition_count = r.transitions.count;
  out->afters = r.after_count ? r.afters : NULL;
  out->after_count = r.after_count;
  return code;
}

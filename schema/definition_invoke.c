/* definition_invoke.c: services that a state invokes, what their answers do, and how long they may take.
 *
 * `timeout` is a timer of the state. An answer cancels it, also when nothing else takes the answer; an
 * error that nothing takes is left to open an incident.
 */
#include <string.h>

#include "schema/definition_load.h"

typedef struct reading {
  fsm__loader *l;
  const fsm__state_entry *entry;
  fsm__node node;
  fsm_def_invoke *out;
  fsm__transitions *transitions;
} reading;

/* It becomes part of a NATS subject. */
static bool is_service_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > 64 || name[0] == '.' || name[len - 1] == '.' || strstr(name, "..")) return false;
  return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

static fsm_code read_src(const reading *r) {
  fsm__node src = fsm__node_get(r->l, r->node, "src");
  if (!src.value) return fsm__invalid(r->l, r->node.where, "\"src\" is missing: which service is invoked?");
  if (src.value->type == FSM_MAP)
    return fsm__unsupported(r->l, src.where, "\"src\" must be the name of a service, not its code");
  fsm_code code = fsm__node_text(r->l, r->node, "src", &r->out->src);
  if (code || is_service_name(r->out->src)) return code;
  return fsm__invalid(r->l, src.where,
                      "a service's name has 1 to 64 of A-Z a-z 0-9 _ - and single dots inside");
}

static fsm_code read_head(const reading *r, uint32_t index) {
  static const char *const keys[] = {"id",
                                     "src",
                                     "input",
                                     "onDone",
                                     "onError",
                                     "timeout",
                                     "onTimeout",
                                     "meta",
                                     "description",
                                     "!",
                                     "onSnapshot: services report by events",
                                     "systemId: a service is known by its \"id\"",
                                     "registryKey: a service is known by its \"id\"",
                                     "syncSnapshot: services report by events",
                                     "data: XState 5 calls it \"input\"",
                                     "autoForward: write an action \"@xstate.forwardTo\"",
                                     NULL};
  const char *description;
  fsm__loader *l = r->l;
  fsm_code code = fsm__node_keys(l, r->node, keys);
  if (!code) code = fsm__node_text(l, r->node, "id", &r->out->id);
  if (!code) code = read_src(r);
  if (!code) code = fsm__node_text(l, r->node, "description", &description);
  if (!code) code = fsm__read_def_value(l, fsm__node_get(l, r->node, "input"), &r->out->input);
  if (!code)
    code =
        fsm__read_meta(l, fsm__node_get(l, r->node, "meta"), FSM__META_INVOKE, &r->out->meta, &r->out->allow);
  if (code || r->out->id) return code;
  r->out->id = fsm_arena_printf(l->arena, "%u.%s", index, fsm__event_path(l, r->entry));
  return r->out->id ? FSM_OK : fsm__out_of_memory(l);
}

/* ---- answers and the limit --------------------------------------------------------------------- */

static fsm_code read_answer(const reading *r, const char *key, const char *event_prefix, const char **event) {
  *event = fsm_arena_printf(r->l->arena, "%s%s", event_prefix, r->out->id);
  if (!*event) return fsm__out_of_memory(r->l);
  return fsm__read_transitions(r->l, r->entry, fsm__node_get(r->l, r->node, key), *event, r->transitions);
}

/* Behind the answers' transitions, which begin at `first`. */
static fsm_code read_timeout(const reading *r, fsm__node timeout, size_t first, const char *done,
                             fsm_def_after *after) {
  fsm_def_action *cancel = fsm_arena_zalloc(r->l->arena, 1, sizeof *cancel);
  if (!cancel) return fsm__out_of_memory(r->l);
  after->where = timeout.where;
  fsm_code code = fsm__read_delay(r->l, timeout, &after->delay);
  size_t answers_end = r->transitions->count;
  if (!code) code = read_answer(r, "onTimeout", "xstate.timeout.actor.", &after->event);
  if (code) return code;
  *cancel = (fsm_def_action){.kind = FSM_ACTION_CANCEL, .id = after->event, .where = timeout.where};
  fsm__transitions answers = {r->transitions->items, answers_end, answers_end};
  code = fsm__prepend_action(r->l, &answers, first, cancel);
  return code ? code : fsm__add_action_transition(r->l, done, cancel, r->transitions);
}

static fsm_code read_invoke(const reading *r, uint32_t index, fsm_def_after *afters, size_t *after_count) {
  const char *done, *error;
  r->out->where = r->node.where;
  fsm_code code = read_head(r, index);
  if (code) return code;
  size_t first = r->transitions->count;
  code = read_answer(r, "onDone", "xstate.done.actor.", &done);
  if (!code) code = read_answer(r, "onError", "xstate.error.actor.", &error);
  if (code) return code;
  fsm__node timeout = fsm__node_get(r->l, r->node, "timeout"), on = fsm__node_get(r->l, r->node, "onTimeout");
  if (!timeout.value != !on.value)
    return fsm__invalid(r->l, r->node.where, "\"timeout\" and \"onTimeout\" go together");
  return timeout.value ? read_timeout(r, timeout, first, done, &afters[(*after_count)++]) : FSM_OK;
}

fsm_code fsm__read_invokes(fsm__loader *l, const fsm__state_entry *entry, fsm_def_state *out,
                           fsm__transitions *transitions, fsm_def_after *afters, size_t *after_count) {
  fsm__node invoke = fsm__node_get(l, entry->node, "invoke");
  if (!invoke.value) return FSM_OK;
  uint32_t count = fsm__node_count(invoke);
  fsm_def_invoke *items = fsm_arena_zalloc(l->arena, count + 1u, sizeof *items);
  if (!items) return fsm__out_of_memory(l);
  out->invokes = items;
  out->invoke_count = count;
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < count && !code; i++) {
    reading r = {l, entry, fsm__node_each(l, invoke, i), &items[i], transitions};
    code = read_invoke(&r, i, afters, after_count);
  }
  return code;
}

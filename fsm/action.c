/* action.c: executable content: one function per kind of action and a table of them.
 *
 * A block runs until its end or its first error; the error is raised as error.execution and the rest
 * of that block is skipped (SCXML 4.9), other blocks are not touched. To add an action: a kind in
 * machine.h, its checks in machine_content.c, a function and a row here.
 */
#include <inttypes.h>
#include <string.h>

#include "fsm/step_impl.h"

typedef fsm_code action_function(fsm__run *run, const fsm__action *action, fsm_error *err);

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "out of memory"); }

/* ---- values ------------------------------------------------------------------------------------ */

static fsm_code eval_map(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(run->arena, t->count * sizeof *pairs);
  if (pairs == NULL) return no_memory(err);
  for (uint32_t i = 0; i < t->count; i++) {
    pairs[i].key = t->keys[i];
    fsm_code code = fsm__template_eval(run, &t->items[i], &pairs[i].value, err);
    if (code != FSM_OK) return code;
  }
  *out = (fsm_value){.type = FSM_MAP, .len = t->count, .pairs = pairs};
  return FSM_OK;
}

static fsm_code eval_list(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err) {
  fsm_value *items = fsm_arena_alloc(run->arena, t->count * sizeof *items);
  if (items == NULL) return no_memory(err);
  for (uint32_t i = 0; i < t->count; i++) {
    fsm_code code = fsm__template_eval(run, &t->items[i], &items[i], err);
    if (code != FSM_OK) return code;
  }
  *out = fsm_list(items, t->count);
  return FSM_OK;
}

fsm_code fsm__template_eval(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err) {
  if (t == NULL) {
    *out = fsm_null();
    return FSM_OK;
  }
  switch (t->form) {
    case FSM_DEF_LITERAL: *out = t->literal; return FSM_OK;
    case FSM_DEF_EXPR: return fsm_expr_eval(t->expr, &run->scope, run->arena, out, err);
    case FSM_DEF_MAP: return eval_map(run, t, out, err);
    default: return eval_list(run, t, out, err);
  }
}

/* A value that leaves the step (event data, an effect's data) has the bound of an event. */
static fsm_code eval_data(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err) {
  fsm_code code = fsm__template_eval(run, t, out, err);
  if (code == FSM_OK && !fsm__value_fits(out, FSM_EVENT_BYTES_MAX))
    code = fsm_fail(err, FSM_ETOOLARGE, "", "the data is over %d bytes or %d levels deep",
                    FSM_EVENT_BYTES_MAX, FSM_VALUE_DEPTH_MAX);
  return code;
}

/* ---- events and effects ------------------------------------------------------------------------ */

void fsm__enqueue(fsm__run *run, const char *name, const fsm_value *data) {
  fsm__queued *event = fsm_arena_alloc(run->arena, sizeof *event);
  if (event == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  *event = (fsm__queued){NULL, name, *data};
  *run->queue_end = event;
  run->queue_end = &event->next;
}

bool fsm__is_error_event(const char *name) {
  return fsm__has_prefix(name, "error.") || fsm__has_prefix(name, "xstate.error.");
}

void fsm__raise_error(fsm__run *run, const char *where, const fsm_error *fault) {
  if (fault->code == FSM_ENOMEM) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  const char *text = fsm_arena_printf(run->arena, "%s%s%s", where, where[0] != '\0' ? ": " : "", fault->text);
  fsm_pair *pair = fsm_arena_alloc(run->arena, sizeof *pair);
  if (text == NULL || pair == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  *pair = (fsm_pair){fsm_string("message"), fsm_string(text)};
  fsm_value data = {.type = FSM_MAP, .len = 1, .pairs = pair};
  fsm__enqueue(run, "error.execution", &data);
}

fsm_effect *fsm__effect(fsm__run *run, fsm_effect_kind kind) {
  if (run->effect_count == run->effect_cap) {
    unsigned cap = run->effect_cap == 0 ? 4 : run->effect_cap * 2;
    fsm_effect *more = fsm_arena_alloc(run->arena, cap * sizeof *more);
    if (more == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return NULL;
    }
    if (run->effect_count > 0) memcpy(more, run->effects, run->effect_count * sizeof *more);
    run->effects = more;
    run->effect_cap = cap;
  }
  fsm_effect *effect = &run->effects[run->effect_count++];
  *effect = (fsm_effect){.kind = kind};
  return effect;
}

/* ---- the actions ------------------------------------------------------------------------------- */

static bool patch_changes(const fsm_value *context, const fsm_value *patch) {
  for (uint32_t i = 0; i < patch->len; i++) {
    const fsm_value *old = fsm_map_find(context, &patch->pairs[i].key);
    if (old == NULL || !fsm_value_same(old, &patch->pairs[i].value)) return true;
  }
  return false;
}

static fsm_code assign(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_value patch;
  fsm_code code = fsm__template_eval(run, action->value, &patch, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&patch, FSM_MAP))
    return fsm_fail(err, FSM_EEXPRESSION, "", "assign needs a map of context fields, not %s",
                    fsm_type_name((fsm_type)patch.type));
  run->assigned = true;
  if (!patch_changes(&run->context, &patch)) return FSM_OK;

  fsm_value merged;
  code = fsm_map_merge(run->arena, &run->context, &patch, &merged);
  if (code != FSM_OK) return fsm_fail(err, code, "", "the context cannot be merged");
  if (!fsm__value_fits(&merged, FSM_CONTEXT_BYTES_MAX)) {
    fsm__fault(run, FSM_ETOOLARGE);
    return FSM_OK;
  }
  run->context = merged;
  run->context_changed = true;
  return FSM_OK;
}

static fsm_code raise_later(fsm__run *run, const fsm__action *action, const fsm_value *data, fsm_error *err) {
  fsm_value delay;
  int64_t ns;
  fsm_code code = fsm__template_eval(run, action->delay, &delay, err);
  if (code == FSM_OK) code = fsm__delay_ns(&delay, &ns, err);
  if (code != FSM_OK) return code;

  const char *id = action->id;
  if (id == NULL) {
    id = fsm_arena_printf(run->arena, "send.%" PRIu32, ++run->counter);
    if (id == NULL) return no_memory(err);
  }
  fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TIMER_SET);
  if (effect == NULL) return no_memory(err);
  effect->id = id;
  effect->event = action->event;
  effect->data = *data;
  effect->delay_ns = ns;
  return FSM_OK;
}

static fsm_code raise_event(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_value data;
  fsm_code code = eval_data(run, action->value, &data, err);
  if (code != FSM_OK) return code;
  if (action->delay != NULL) return raise_later(run, action, &data, err);
  fsm__enqueue(run, action->event, &data);
  return FSM_OK;
}

static fsm_code cancel(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TIMER_CANCEL);
  if (effect == NULL) return no_memory(err);
  effect->id = action->id;
  return FSM_OK;
}

static fsm_code tell(fsm__run *run, const fsm__action *action, fsm_effect_kind kind, fsm_error *err) {
  fsm_value data;
  fsm_code code = eval_data(run, action->value, &data, err);
  if (code != FSM_OK) return code;
  fsm_effect *effect = fsm__effect(run, kind);
  if (effect == NULL) return no_memory(err);
  effect->event = action->event;
  effect->data = data;
  return FSM_OK;
}

static fsm_code log_value(fsm__run *run, const fsm__action *action, fsm_error *err) {
  return tell(run, action, FSM_EFFECT_LOG, err);
}

static fsm_code emit(fsm__run *run, const fsm__action *action, fsm_error *err) {
  return tell(run, action, FSM_EFFECT_EMIT, err);
}

static action_function *const actions[] = {
    [FSM_ACTION_ASSIGN] = assign, [FSM_ACTION_RAISE] = raise_event, [FSM_ACTION_CANCEL] = cancel,
    [FSM_ACTION_LOG] = log_value, [FSM_ACTION_EMIT] = emit,
};

void fsm__block_run(fsm__run *run, const fsm__block *block) {
  for (size_t i = 0; i < block->count && run->fault == FSM_OK; i++) {
    const fsm__action *action = &block->actions[i];
    FSM_ASSERT((size_t)action->kind < sizeof actions / sizeof *actions);
    fsm_error err; /* not cleared as a whole: this is the hot path */
    err.text[0] = '\0';
    err.code = actions[action->kind](run, action, &err);
    if (err.code == FSM_OK) continue;
    fsm__raise_error(run, action->where, &err);
    return;
  }
}

/* action.c: executable content: blocks, a function per kind of action and the table of them.
 *
 * A block runs until its end or its first error; the error is raised as error.execution and the rest
 * of that block is skipped (SCXML 4.9), other blocks are not touched. To add an action: a kind in
 * machine.h, its checks in machine_content.c, a function and a row here.
 */
#include "fsm/step_impl.h"

#include <string.h>

fsm_code fsm__step_no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "out of memory"); }

/* ---- values ------------------------------------------------------------------------------------ */

static fsm_code eval_map(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(run->arena, t->count * sizeof *pairs);
  if (pairs == NULL) return fsm__step_no_memory(err);
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
  if (items == NULL) return fsm__step_no_memory(err);
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

fsm_code fsm__data_eval(fsm__run *run, const fsm__template *t, fsm_value *out, fsm_error *err) {
  fsm_code code = fsm__template_eval(run, t, out, err);
  if (code == FSM_OK && !fsm__value_fits(out, FSM_EVENT_BYTES_MAX))
    code = fsm_fail(err, FSM_ETOOLARGE, "", "the data is over %d bytes or %d levels deep",
                    FSM_EVENT_BYTES_MAX, FSM_VALUE_DEPTH_MAX);
  return code;
}

fsm_code fsm__text_eval(fsm__run *run, const fsm__template *t, const char *what, const char **out,
                        fsm_error *err) {
  *out = NULL;
  if (t == NULL) return FSM_OK;
  fsm_value value;
  fsm_code code = fsm__template_eval(run, t, &value, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&value, FSM_STRING) || value.len == 0 || memchr(value.s, '\0', value.len) != NULL)
    return fsm_fail(err, FSM_EEXPRESSION, "", "%s is a text, not %s", what,
                    fsm_is(&value, FSM_STRING) ? "that one" : fsm_type_name((fsm_type)value.type));
  *out = fsm_arena_strndup(run->arena, value.s, value.len);
  return *out != NULL ? FSM_OK : fsm__step_no_memory(err);
}

/* ---- events and effects ------------------------------------------------------------------------ */

void fsm__enqueue(fsm__run *run, const fsm_event *event) {
  fsm__queued *queued = fsm_arena_alloc(run->arena, sizeof *queued);
  if (queued == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  *queued = (fsm__queued){NULL, *event};
  *run->queue_end = queued;
  run->queue_end = &queued->next;
}

/* text NULL = there was no memory for it. */
static void raise_platform(fsm__run *run, const char *name, const char *text, const char *sendid) {
  fsm_pair *pair = fsm_arena_alloc(run->arena, sizeof *pair);
  if (text == NULL || pair == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  *pair = (fsm_pair){fsm_string("message"), fsm_string(text)};
  fsm__enqueue(run, &(const fsm_event){.name = name,
                                       .data = {.type = FSM_MAP, .len = 1, .pairs = pair},
                                       .type = "platform",
                                       .sendid = sendid});
}

void fsm__raise_error(fsm__run *run, const char *where, const fsm_error *fault) {
  if (fault->code == FSM_ENOMEM) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  if (run->supposal != NULL) return;
  const char *text = fsm_arena_printf(run->arena, "%s%s%s", where, where[0] != '\0' ? ": " : "", fault->text);
  raise_platform(run, "error.execution", text, run->failed_send);
}

void fsm__raise_undelivered(fsm__run *run, const char *target, const char *sendid) {
  const char *text = fsm_arena_printf(run->arena, "there is no session %.128s", target);
  raise_platform(run, "error.communication", text, sendid);
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

static fsm_code tell(fsm__run *run, const fsm__action *action, fsm_effect_kind kind, fsm_error *err) {
  fsm_value data;
  fsm_code code = fsm__data_eval(run, action->value, &data, err);
  if (code != FSM_OK) return code;
  fsm_effect *effect = fsm__effect(run, kind);
  if (effect == NULL) return fsm__step_no_memory(err);
  effect->event = action->event;
  effect->label = action->label;
  effect->data = data;
  return FSM_OK;
}

static fsm_code log_value(fsm__run *run, const fsm__action *action, fsm_error *err) {
  return tell(run, action, FSM_EFFECT_LOG, err);
}

static fsm_code emit(fsm__run *run, const fsm__action *action, fsm_error *err) {
  return tell(run, action, FSM_EFFECT_EMIT, err);
}

static fsm_code fail(fsm__run *run, const fsm__action *action, fsm_error *err) {
  const char *text;
  fsm_code code = fsm__text_eval(run, action->value, "the reason", &text, err);
  if (code != FSM_OK) return code;
  return fsm_fail(err, FSM_EEXPRESSION, "", "%s", text != NULL ? text : "the action cannot be carried out");
}

static fsm_code block(fsm__run *run, const fsm__action *action, fsm_error *err) {
  (void)err; /* it fails for itself */
  fsm__block_run(run, &action->inner);
  return FSM_OK;
}

static fsm__action_function *const actions[] = {
    [FSM_ACTION_ASSIGN] = fsm__action_assign,
    [FSM_ACTION_RAISE] = fsm__action_raise,
    [FSM_ACTION_CANCEL] = fsm__action_cancel,
    [FSM_ACTION_LOG] = log_value,
    [FSM_ACTION_EMIT] = emit,
    [FSM_ACTION_SEND] = fsm__action_send,
    [FSM_ACTION_SET] = fsm__action_set,
    [FSM_ACTION_IF] = fsm__action_if,
    [FSM_ACTION_BRANCH] = NULL, /* run by its if */
    [FSM_ACTION_FOREACH] = fsm__action_foreach,
    [FSM_ACTION_FAIL] = fail,
    [FSM_ACTION_BLOCK] = block,
};

void fsm__spend(fsm__run *run, uint64_t bytes) {
  enum { EACH = 32 };
  run->work += EACH + bytes;
  if (fsm_arena_used(run->arena) + run->work > run->memory_end) fsm__fault(run, FSM_ETOOLARGE);
}

fsm_code fsm__actions_run(fsm__run *run, const fsm__block *block, fsm_error *err) {
  for (size_t i = 0; i < block->count && run->fault == FSM_OK; i++) {
    const fsm__action *action = &block->actions[i];
    FSM_ASSERT((size_t)action->kind < sizeof actions / sizeof *actions && actions[action->kind] != NULL);
    fsm__spend(run, 0);
    if (run->fault != FSM_OK) return FSM_OK;
    if (run->supposal != NULL && fsm__suppose_action(run, action)) continue;
    fsm_code code = actions[action->kind](run, action, err);
    if (code == FSM_OK || (run->supposal != NULL && code != FSM_ENOMEM)) continue;
    if (run->failed == NULL) run->failed = action;
    return code;
  }
  return FSM_OK;
}

void fsm__block_run(fsm__run *run, const fsm__block *block) {
  if (block->count == 0) return;
  FSM_UNSET fsm_error err;
  err.text[0] = '\0';
  err.code = fsm__actions_run(run, block, &err);
  if (err.code == FSM_OK) return;
  fsm__raise_error(run, run->failed->where, &err);
  run->failed = NULL;
  run->failed_send = NULL;
}

/* step_suppose.c: guards taken apart and mended, and steps that are only supposed (fsm_supposal).
 *
 * The idea: the engine itself looks where events could lead, so that there is no second reading of a machine.
 * What an event carries is not known then, nor what is assigned from it: such fields are named in the
 * supposal, and a condition that reads one is asked for. */
#include <string.h>

#include "fsm/step_impl.h"

static fsm_unknown unknown_of(const fsm_supposal *supposal) {
  return (fsm_unknown){.event = true,
                       .actor = true,
                       .now = true,
                       .fields = supposal->fields,
                       .field_count = supposal->field_count};
}

bool fsm__suppose_holds(fsm__run *run, const fsm_expr *guard, int transition) {
  const fsm_unknown unknown = unknown_of(run->supposal);
  if (fsm__run_over(run)) fsm__fault(run, FSM_ETOOLARGE);
  if (run->fault != FSM_OK) return false;
  const fsm_truth truth = fsm_expr_truth(guard, &run->scope, &unknown, run->arena);
  if (run->work > FSM_STEP_BYTES_MAX) fsm__fault(run, FSM_ETOOLARGE);
  if (truth != FSM_TRUTH_DEPENDS) return truth == FSM_TRUTH_TRUE;
  return run->supposal->holds(run->supposal->holds_arg, transition, fsm_expr_text(guard));
}

/* ---- what is assigned ------------------------------------------------------------------------------ */

static bool template_unknown(const fsm__run *run, const fsm__template *t) {
  const fsm_unknown unknown = unknown_of(run->supposal);
  if (t == NULL) return false;
  if (t->form == FSM_DEF_EXPR) return fsm_expr_reads_unknown(t->expr, &unknown);
  for (uint32_t i = 0; t->form != FSM_DEF_LITERAL && i < t->count; i++)
    if (template_unknown(run, &t->items[i])) return true;
  return false;
}

/* The field's value is known from now on, or is not. */
static void set_known(fsm__run *run, const fsm_value *name, bool known) {
  fsm_supposal *s = run->supposal;
  unsigned at = 0;
  while (at < s->field_count && !fsm_value_same(&s->fields[at], name)) at++;
  if (known == (at == s->field_count)) return;
  fsm_value *fields = fsm_arena_alloc(run->arena, (s->field_count + 1) * sizeof *fields);
  if (fields == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  if (s->field_count > 0) memcpy(fields, s->fields, s->field_count * sizeof *fields);
  if (known)
    fields[at] = fields[--s->field_count];
  else
    fields[s->field_count++] = *name;
  s->fields = fields;
}

/* false: it is not known, or cannot be told. */
static bool value_of(fsm__run *run, const fsm__template *t, fsm_value *out) {
  FSM_UNSET fsm_error err;
  if (template_unknown(run, t)) return false;
  const fsm_code code = fsm__template_eval(run, t, out, &err);
  if (code == FSM_ENOMEM) fsm__fault(run, FSM_ENOMEM);
  return code == FSM_OK;
}

static void put(fsm__run *run, const fsm_value *name, const fsm_value *value) {
  const char *text = value != NULL ? fsm_arena_strndup(run->arena, name->s, name->len) : NULL;
  if (value != NULL && text == NULL) fsm__fault(run, FSM_ENOMEM);
  if (text != NULL) fsm__context_put(run, text, value);
  if (run->fault == FSM_OK) set_known(run, name, value != NULL);
}

static void assign(fsm__run *run, const fsm__template *t) {
  fsm_value value;
  if (t->form == FSM_DEF_MAP) {
    fsm_value *values = fsm_arena_alloc(run->arena, t->count * sizeof *values);
    bool *known = fsm_arena_alloc(run->arena, t->count * sizeof *known);
    if (values == NULL || known == NULL) fsm__fault(run, FSM_ENOMEM);
    for (uint32_t i = 0; i < t->count && run->fault == FSM_OK; i++)
      known[i] = value_of(run, &t->items[i], &values[i]);
    for (uint32_t i = 0; i < t->count && run->fault == FSM_OK; i++)
      put(run, &t->keys[i], known[i] ? &values[i] : NULL);
    return;
  }
  if (value_of(run, t, &value) && fsm_is(&value, FSM_MAP)) {
    for (uint32_t i = 0; i < value.len && run->fault == FSM_OK; i++)
      put(run, &value.pairs[i].key, &value.pairs[i].value);
    return;
  }
  const fsm_value context = run->context; /* any of its fields may be another */
  for (uint32_t i = 0; i < context.len && run->fault == FSM_OK; i++)
    set_known(run, &context.pairs[i].key, false);
}

bool fsm__suppose_action(fsm__run *run, const fsm__action *action) {
  const char *root = action->location != NULL ? action->location->root : NULL;
  fsm_value name = root != NULL ? fsm_string(root) : fsm_null(), value;
  switch (action->kind) {
    case FSM_ACTION_ASSIGN: assign(run, action->value); return true;
    case FSM_ACTION_SET:
      if (root == NULL) return true;
      if (value_of(run, action->value, &value)) {
        if (action->location->count == 0) set_known(run, &name, true);
        return false;
      }
      set_known(run, &name, false);
      return true;
    case FSM_ACTION_FOREACH:
      if (!template_unknown(run, action->value)) return false;
      if (root != NULL) set_known(run, &name, false);
      return true;
    default: return false;
  }
}

/* ---- guards taken apart ---------------------------------------------------------------------------- */

fsm_code fsm_guard_parts(const fsm_machine *machine, const fsm_snapshot *snapshot, unsigned transition,
                         const fsm_event *event, const fsm_world *world, fsm_arena *arena, fsm_truth *truth,
                         const fsm_expr_part **parts, unsigned *count, fsm_error *err) {
  FSM_ASSERT(machine != NULL && transition < machine->transition_count && world != NULL && truth != NULL);
  const fsm_expr *guard = machine->transitions[transition].guard;
  *truth = FSM_TRUTH_TRUE;
  *parts = NULL;
  *count = 0;
  if (guard == NULL) return FSM_OK;
  FSM_UNSET fsm__run run;
  fsm_code code = fsm__run_init(&run, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  const fsm_unknown unknown = {.event = event == NULL, .actor = !fsm__has_actor(&run)};
  if (event != NULL) fsm__run_see(&run, event);
  if (fsm__run_over(&run)) {
    *truth = FSM_TRUTH_DEPENDS;
    return FSM_OK;
  }
  code = fsm_expr_parts(guard, &run.scope, &unknown, arena, truth, parts, count);
  fsm__run_charge(&run);
  return code == FSM_OK ? FSM_OK : fsm_fail(err, code, "", "no memory to take a guard apart");
}

fsm_code fsm_guard_remedy(const fsm_machine *machine, const fsm_snapshot *snapshot, unsigned transition,
                          const fsm_world *world, const fsm_remedy_rules *rules, fsm_arena *arena,
                          fsm_value *patch, fsm_truth *truth, fsm_error *err) {
  FSM_ASSERT(machine != NULL && transition < machine->transition_count && world != NULL && rules != NULL);
  const fsm_expr *guard = machine->transitions[transition].guard;
  *patch = fsm_null();
  *truth = FSM_TRUTH_TRUE;
  if (guard == NULL) return FSM_OK;
  FSM_UNSET fsm__run run;
  fsm_code code = fsm__run_init(&run, machine, snapshot, world, arena, err);
  if (code != FSM_OK) return code;
  const fsm_unknown unknown = {.event = true, .actor = !fsm__has_actor(&run)};
  if (fsm__run_over(&run)) return FSM_OK;
  code = fsm_expr_remedy(guard, &run.scope, &unknown, rules, arena, patch, truth);
  fsm__run_charge(&run);
  return code == FSM_OK ? FSM_OK : fsm_fail(err, code, "", "no memory to look for what would do");
}

/* decide_admin_state.c: what an operator puts an instance into: a configuration, values of its context.
 *
 * Neither asks for eventless transitions: the next event does. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide_admin.h"
#include "schema/pack.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record"); }

/* ---- force -------------------------------------------------------------------------------------- */

/* Reads the leaves into config, or refuses. */
static fsm_code read_config(const fsm__case *at, fsm__decision *out, uint64_t *config, fsm_error *err) {
  const fsm_value *states = &at->command->states;
  const fsm__deployed *deployed = out->instance->deployed;
  uint16_t *leaves = fsm_arena_alloc(at->arena, (states->len + 1u) * sizeof *leaves);
  if (leaves == NULL) return nomem(err);
  for (unsigned i = 0; i < states->len; i++) {
    const fsm_value *path = &states->items[i];
    int state = fsm_is(path, FSM_STRING) ? fsm_state_find(deployed->machine, path->s, path->len) : -1;
    if (state < 0)
      return fsm__decision_refuse(out, FSM_EARGUMENT, "states",
                                  "version %u of machine %s has no state \"%.*s\"", deployed->version,
                                  deployed->id, fsm_is(path, FSM_STRING) ? (int)path->len : 0,
                                  fsm_is(path, FSM_STRING) ? path->s : "");
    if (!fsm_state_is_leaf(deployed->machine, (unsigned)state))
      return fsm__decision_refuse(out, FSM_EARGUMENT, "states",
                                  "\"%.*s\" has states of its own or is a history: name the atomic or final "
                                  "ones below it",
                                  (int)path->len, path->s);
    leaves[i] = (uint16_t)state;
  }
  if (!fsm_config_from_leaves(deployed->machine, leaves, states->len, config))
    return fsm__decision_refuse(out, FSM_EARGUMENT, "states",
                                "these states cannot be active together, or not alone: name one leaf, and in "
                                "a parallel state one of each region");
  return FSM_OK;
}

static fsm_code put_forced(const fsm__case *at, fsm__decision *out, const fsm_step_result *step,
                           fsm_error *err) {
  const fsm__status status = out->instance->status == FSM_PAUSED ? FSM_PAUSED : FSM_RUNNING;
  fsm_code code = fsm__admin_close_incident(at, out, err);
  if (code != FSM_OK) return code;
  const size_t place = out->count;
  fsm__decision detail = *out; /* for the members that the record has in common with others of its kind */
  const fsm_pair more = {fsm_string("status"),
                         fsm_string(fsm__status_name(step->next.done ? FSM_COMPLETED : status))};
  detail.records = NULL;
  detail.count = detail.cap = 0;
  const fsm_record *forced = fsm__admin_record(at, &detail, FSM_RECORD_FORCED, &more, 1);
  if (forced == NULL) return nomem(err);
  if (step->microstep_count == 0) { /* it stands there already */
    fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_FORCED);
    if (record == NULL) return nomem(err);
    *record = *forced;
    out->rev = forced->rev;
  } else {
    code = fsm__decision_step(at, out, step, err);
    if (code != FSM_OK) return code;
    fsm_record *record = &out->records[place];
    record->kind = FSM_RECORD_FORCED;
    record->trigger = NULL;
    record->detail = forced->detail;
  }
  for (size_t i = place; i < out->count; i++) out->records[i].forced = true;
  if (!step->next.done) fsm__admin_status(out, status);
  return FSM_OK;
}

fsm_code fsm__admin_force(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm__instance *in = out->instance;
  const fsm_machine *machine = in->deployed->machine;
  uint64_t *config = fsm_arena_zalloc(at->arena, fsm_machine_words(machine), sizeof *config);
  fsm_snapshot before;
  fsm_step_result step;
  if (config == NULL) return nomem(err);
  fsm_code code = read_config(at, out, config, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  code = fsm__snapshot_of(in, at->arena, &before, err);
  const fsm_world world = {.actor = &at->command->actor, .now_ns = at->time_ns, .session = in->id};
  if (code == FSM_OK) code = fsm_force(machine, &before, config, &world, at->arena, &step, err);
  if (code != FSM_OK) return code;
  if (step.outcome != FSM_OK)
    return fsm__decision_refuse(out, step.outcome, "states",
                                "a timer or task of these states cannot be made: %s",
                                step.unhandled_text ? step.unhandled_text : fsm_code_text(step.outcome));
  return put_forced(at, out, &step, err);
}

/* ---- set ---------------------------------------------------------------------------------------- */

static bool is_number(const fsm_value *value) {
  return fsm_is(value, FSM_INT) || fsm_is(value, FSM_UINT) || fsm_is(value, FSM_DOUBLE);
}

/* What the schema does not say stays of the type it is, or null: the expressions of the machine were written
 * for that. */
static fsm_code check_field(const fsm__instance *in, const fsm_pair *field, fsm_error *refusal) {
  const fsm_value *key = &field->key, *old = NULL;
  if (!fsm_is(key, FSM_STRING))
    return fsm_fail(refusal, FSM_EDATA, "data", "the names of a context's fields are texts");
  if (fsm_definition_context_names(in->deployed->definition, key->s, key->len)) return FSM_OK;
  for (unsigned i = 0; i < in->context.len && old == NULL; i++)
    if (fsm_value_same(&in->context.pairs[i].key, key)) old = &in->context.pairs[i].value;
  const int len = key->len > 128 ? 128 : (int)key->len;
  if (old == NULL)
    return fsm_fail(refusal, FSM_EDATA, "data", "the context has no field \"%.*s\"", len, key->s);
  const fsm_value *now = &field->value;
  if (now->type == old->type || fsm_is(now, FSM_NULL) || fsm_is(old, FSM_NULL) ||
      (is_number(now) && is_number(old)))
    return FSM_OK;
  return fsm_fail(refusal, FSM_EDATA, "data", "\"%.*s\" is %s and cannot become %s", len, key->s,
                  fsm_type_name((fsm_type)old->type), fsm_type_name((fsm_type)now->type));
}

static fsm_code check_size(const fsm_value *context, fsm_error *refusal) {
  fsm_buf buf = {0};
  fsm_code code = fsm_pack(&buf, context, refusal);
  if (code == FSM_OK && !fsm_buf_ok(&buf)) code = nomem(refusal);
  const bool fits = buf.len <= FSM_CONTEXT_BYTES_MAX;
  fsm_buf_free(&buf);
  if (code != FSM_OK || fits) return code;
  return fsm_fail(refusal, FSM_ETOOLARGE, "data", "the context would be over %d bytes",
                  FSM_CONTEXT_BYTES_MAX);
}

fsm_code fsm__set_check(const fsm__instance *in, const fsm_value *patch, fsm_arena *arena, fsm_value *context,
                        fsm_error *refusal) {
  for (unsigned i = 0; i < patch->len; i++) {
    fsm_code code = check_field(in, &patch->pairs[i], refusal);
    if (code != FSM_OK) return code;
  }
  if (fsm_map_merge(arena, &in->context, patch, context) != FSM_OK) return nomem(refusal);
  fsm_code code = fsm_definition_check_context(in->deployed->definition, context, refusal);
  return code == FSM_OK ? check_size(context, refusal) : code;
}

fsm_code fsm__admin_set(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm_value context;
  fsm__hash *hash = fsm_arena_alloc(at->arena, sizeof *hash);
  if (hash == NULL) return nomem(err);
  fsm_error why;
  fsm_code code = fsm__set_check(out->instance, &at->command->data, at->arena, &context, &why);
  if (code == FSM_ENOMEM) return nomem(err);
  if (code != FSM_OK) return fsm__decision_refuse(out, code, why.where, "%s", why.text);
  const fsm_pair more = {fsm_string("status"), fsm_string(out->status)};
  fsm_record *record = fsm__admin_record(at, out, FSM_RECORD_ADMIN, &more, 1);
  if (record == NULL || !fsm__context_delta(&out->instance->context, &context, at->arena, &record->ctx))
    return nomem(err);
  code = fsm__context_hash(&context, hash, err);
  record->ctxh = hash->bytes;
  return code;
}

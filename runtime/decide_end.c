/* decide_end.c: an instance is ended from outside: by an operator, or by the parent that invoked it.
 *
 * Its exit actions run (SCXML 6.4.3) and are part of the one `cancelled` record. What they would set for
 * later is not: nothing of it could happen. Exit actions that cannot run do not keep it open. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/sends.h"

static fsm_code nomem(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to end an instance");
}

static bool is_for_later(const fsm_effect *effect) {
  return effect->kind == FSM_EFFECT_TIMER_SET || effect->kind == FSM_EFFECT_TASK_OPEN ||
         (effect->kind == FSM_EFFECT_SEND && effect->delay_ns > 0);
}

static fsm_code stop(const fsm__case *at, const fsm__decision *out, fsm_step_result *step, fsm_error *err) {
  fsm_snapshot before;
  fsm__reach reach;
  fsm_code code = fsm__snapshot_of(out->instance, at->arena, &before, err);
  if (code != FSM_OK) return code;
  const fsm_world world = fsm__world_of(at, out->instance, &reach);
  code = fsm_stop(out->instance->deployed->machine, &before, &world, at->arena, step, err);
  return fsm__reach_end(&reach, err) != FSM_OK ? err->code : code;
}

/* What the exit actions changed and asked for. */
static fsm_code put_exit(const fsm__case *at, fsm__decision *out, const fsm_microstep *micro,
                         fsm_record *record, fsm_error *err) {
  fsm_effect *effects = fsm_arena_alloc(at->arena, (micro->effect_count + 1) * sizeof *effects);
  fsm_microstep kept = *micro;
  if (effects == NULL) return nomem(err);
  kept.effects = effects;
  kept.effect_count = 0;
  for (unsigned i = 0; i < micro->effect_count; i++)
    if (!is_for_later(&micro->effects[i])) effects[kept.effect_count++] = micro->effects[i];
  if (micro->context_changed) {
    uint8_t *bytes = fsm_arena_alloc(at->arena, FSM_HASH_BYTES);
    fsm__hash hash;
    if (bytes == NULL ||
        !fsm__context_delta(&out->instance->context, &micro->context, at->arena, &record->ctx))
      return nomem(err);
    fsm_code code = fsm__context_hash(&micro->context, &hash, err);
    if (code != FSM_OK) return code;
    memcpy(bytes, hash.bytes, FSM_HASH_BYTES);
    record->ctxh = bytes;
  }
  return fsm__decision_effects(at, out, at->next_seq + out->count - 1, &kept, record, err);
}

static fsm_code put_reason(const fsm__case *at, const fsm__instance *in, const char *reason,
                           fsm_record *record, fsm_error *err) {
  fsm_value patch;
  fsm_pair pairs[2] = {{fsm_string("reason"), fsm_string(reason)}};
  const unsigned kept = fsm__decision_keep(at, in, &pairs[1]);
  if (!fsm__decision_map(at->arena, pairs, 1 + kept, &patch)) return nomem(err);
  const fsm_value base = fsm_is(&record->detail, FSM_MAP) ? record->detail : fsm_map_empty();
  return fsm_map_merge(at->arena, &base, &patch, &record->detail) == FSM_OK ? FSM_OK : nomem(err);
}

fsm_code fsm__decide_cancel(const fsm__case *at, fsm__decision *out, int cause, const char *reason,
                            fsm_error *err) {
  FSM_ASSERT(out->instance != NULL && fsm__status_open(out->instance->status));
  fsm_step_result step;
  fsm_code code = stop(at, out, &step, err);
  if (code != FSM_OK) return code;
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_CANCELLED);
  if (record == NULL) return nomem(err);
  out->status = fsm__status_name(FSM_CANCELLED);
  out->rev = record->rev = out->instance->rev + 1;
  record->cause = cause;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  if (step.outcome == FSM_OK || step.outcome == FSM_EEXPRESSION)
    for (unsigned i = 0; i < step.microstep_count && code == FSM_OK; i++)
      code = put_exit(at, out, &step.microsteps[i], record, err);
  if (code == FSM_OK) code = put_reason(at, out->instance, reason, record, err);
  const char *text = fsm_arena_printf(at->arena, "the child instance was cancelled: %s", reason);
  if (text == NULL) return nomem(err);
  return code == FSM_OK ? fsm__send_ended(at, out, record, text, NULL, err) : code;
}

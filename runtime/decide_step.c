/* decide_step.c: what the engine did, as records.
 *
 * One record per microstep that took a transition (or made the instance), the rest of a macrostep in
 * the arrays of the record it belongs to; then `completed` or `incident_opened` when it came to that. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide.h"
#include "runtime/sends.h"

static fsm_code nomem(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory for the records of a step");
}

/* The root is active for ever and named by nobody: it is left out. */
static bool paths(const fsm_machine *machine, const uint16_t *states, unsigned count, fsm_arena *arena,
                  fsm_value *out) {
  fsm_value *items = fsm_arena_alloc(arena, (count + 1) * sizeof *items);
  if (items == NULL) return false;
  unsigned named = 0;
  for (unsigned i = 0; i < count; i++)
    if (states[i] != 0) items[named++] = fsm_string(fsm_state_path(machine, states[i]));
  *out = fsm_list(items, named);
  return true;
}

static bool numbers(const uint16_t *from, unsigned count, fsm_arena *arena, fsm_value *out) {
  fsm_value *items = fsm_arena_alloc(arena, (count + 1) * sizeof *items);
  if (items == NULL) return false;
  for (unsigned i = 0; i < count; i++) items[i] = fsm_int(from[i]);
  *out = fsm_list(items, count);
  return true;
}

/* Both contexts are sorted: one walk. A context never loses a field. */
bool fsm__context_delta(const fsm_value *before, const fsm_value *after, fsm_arena *arena, fsm_value *out) {
  fsm_pair *pairs = fsm_arena_alloc(arena, (after->len + 1) * sizeof *pairs);
  unsigned count = 0, b = 0;
  if (pairs == NULL) return false;
  for (unsigned a = 0; a < after->len; a++) {
    const fsm_pair *now = &after->pairs[a];
    while (b < before->len && fsm_value_compare(&before->pairs[b].key, &now->key) < 0) b++;
    const fsm_value *old = NULL;
    if (b < before->len && fsm_value_compare(&before->pairs[b].key, &now->key) == 0)
      old = &before->pairs[b].value;
    if (old != NULL && fsm_value_same(old, &now->value)) continue;
    fsm_value *change = fsm_arena_alloc(arena, 2 * sizeof *change);
    if (change == NULL) return false;
    unsigned n = 0;
    if (old != NULL) change[n++] = *old;
    change[n++] = now->value;
    pairs[count++] = (fsm_pair){.key = now->key, .value = fsm_list(change, n)};
  }
  *out = count > 0 ? (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs} : fsm_null();
  return true;
}

static bool listed(const uint16_t *states, unsigned count, uint16_t state) {
  for (unsigned i = 0; i < count; i++)
    if (states[i] == state) return true;
  return false;
}

static bool entered_before(const fsm_step_result *step, unsigned micro, uint16_t state) {
  for (unsigned i = 0; i < micro; i++)
    if (listed(step->microsteps[i].entered, step->microsteps[i].entered_count, state)) return true;
  return false;
}

/* How long the first of the leaves that were left had been active; -1: it was entered in this very frame, for
 * the first time or again, and its time is that of the record. */
static int64_t elapsed(const fsm__instance *in, const fsm_step_result *all, unsigned micro, int64_t now_ns) {
  const fsm_microstep *step = &all->microsteps[micro];
  for (unsigned f = 0; f < step->from_count; f++) {
    const uint16_t leaf = step->from[f];
    if (!listed(step->exited, step->exited_count, leaf)) continue;
    if (entered_before(all, micro, leaf)) return -1;
    for (unsigned a = 0; a < in->active_count; a++)
      if (in->active[a].state == leaf) return now_ns > in->active[a].ns ? now_ns - in->active[a].ns : 0;
    return -1;
  }
  return -1;
}

/* ---- effects ------------------------------------------------------------------------------------ */

typedef struct arrays {
  fsm_value *timers, *tasks, *emits, *logs;
  unsigned timer_count, task_count, emit_count, log_count;
} arrays;

static const char *service_of(const fsm_machine *machine, const fsm_effect *effect) {
  return effect->src != NULL ? effect->src : fsm_invoke_src(machine, effect->invoke);
}

static bool task_entry(const fsm__case *at, const fsm__instance *in, uint64_t seq, const fsm_effect *effect,
                       fsm_value *out) {
  if (effect->kind == FSM_EFFECT_TASK_CANCEL)
    return fsm__decision_map(at->arena, (fsm_pair[]){{fsm_string("cancel"), fsm_string(effect->id)}}, 1, out);
  if (fsm__is_child(in->deployed->machine, effect)) return fsm__child_entry(at, in, seq, effect, out);
  fsm_task_policy policy;
  uint8_t *token = fsm_arena_alloc(at->arena, 16);
  if (token == NULL) return false;
  fsm_definition_task_policy(in->deployed->definition, effect->invoke, &policy);
  fsm__task_token(at, in->number, effect->id, seq, token);
  fsm_pair pairs[8] = {{fsm_string("id"), fsm_string(effect->id)},
                       {fsm_string("service"), fsm_string(service_of(in->deployed->machine, effect))},
                       {fsm_string("tok"), fsm_bytes(token, 16)},
                       {fsm_string("attempts"), fsm_int(policy.attempts)},
                       {fsm_string("timeout"), fsm_int(policy.timeout_ns)},
                       {fsm_string("next"), fsm_int(at->time_ns)}};
  unsigned count = 6;
  if (!fsm_is(&effect->data, FSM_NULL)) pairs[count++] = (fsm_pair){fsm_string("input"), effect->data};
  if (policy.heartbeat_ns > 0)
    pairs[count++] = (fsm_pair){fsm_string("heartbeat"), fsm_int(policy.heartbeat_ns)};
  return fsm__decision_map(at->arena, pairs, count, out);
}

static bool emit_entry(const fsm__case *at, const fsm_effect *effect, fsm_value *out) {
  const fsm_pair pairs[] = {{fsm_string("event"), fsm_string(effect->event)},
                            {fsm_string("data"), effect->data}};
  return fsm__decision_map(at->arena, pairs, fsm_is(&effect->data, FSM_NULL) ? 1 : 2, out);
}

static bool sort_effects(const fsm__case *at, const fsm__instance *in, uint64_t seq,
                         const fsm_microstep *step, arrays *out) {
  fsm_value *space = fsm_arena_alloc(at->arena, 4 * (step->effect_count + 1) * sizeof *space);
  if (space == NULL) return false;
  *out = (arrays){.timers = space,
                  .tasks = space + step->effect_count,
                  .emits = space + 2 * step->effect_count,
                  .logs = space + 3 * step->effect_count};
  bool good = true;
  for (unsigned i = 0; i < step->effect_count && good; i++) {
    const fsm_effect *effect = &step->effects[i];
    switch (effect->kind) {
      case FSM_EFFECT_TIMER_SET:
      case FSM_EFFECT_TIMER_CANCEL:
        good = fsm__timer_entry(at, in->deployed, effect, &out->timers[out->timer_count++]);
        break;
      case FSM_EFFECT_TASK_OPEN:
      case FSM_EFFECT_TASK_CANCEL:
        good = task_entry(at, in, seq, effect, &out->tasks[out->task_count++]);
        break;
      case FSM_EFFECT_EMIT: good = emit_entry(at, effect, &out->emits[out->emit_count++]); break;
      case FSM_EFFECT_LOG: out->logs[out->log_count++] = effect->data; break;
      case FSM_EFFECT_SEND:
      case FSM_EFFECT_FORWARD: break; /* sends.c */
    }
  }
  return good;
}

/* Deployment refuses what asks for more (deployable.h); a store of another version may hold it. */
static fsm_code check_effect(const fsm_machine *machine, const fsm_effect *effect, fsm_error *err) {
  if (effect->kind == FSM_EFFECT_TASK_OPEN && !fsm__is_child(machine, effect) &&
      service_of(machine, effect) == NULL)
    return fsm_fail(err, FSM_EUNSUPPORTED, effect->id ? effect->id : "",
                    "a machine inside a machine is not started: deploy it and name it");
  if (effect->id != NULL && strlen(effect->id) > FSM_TIMER_ID_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, effect->id, "the id of a timer or task is over %d bytes",
                    FSM_TIMER_ID_MAX);
  return FSM_OK;
}

fsm_code fsm__decision_effects(const fsm__case *at, fsm__decision *out, uint64_t seq,
                               const fsm_microstep *step, fsm_record *record, fsm_error *err) {
  if (step->effect_count == 0) return FSM_OK;
  const fsm__instance *in = out->instance;
  for (unsigned i = 0; i < step->effect_count; i++) {
    fsm_code code = check_effect(in->deployed->machine, &step->effects[i], err);
    if (code != FSM_OK) return code;
  }
  arrays got;
  if (!sort_effects(at, in, seq, step, &got)) return nomem(err);
  if (got.timer_count > 0) record->timers = fsm_list(got.timers, got.timer_count);
  if (got.task_count > 0) record->tasks = fsm_list(got.tasks, got.task_count);
  fsm_pair pairs[2];
  unsigned n = 0;
  if (got.emit_count > 0) pairs[n++] = (fsm_pair){fsm_string("emit"), fsm_list(got.emits, got.emit_count)};
  if (got.log_count > 0) pairs[n++] = (fsm_pair){fsm_string("log"), fsm_list(got.logs, got.log_count)};
  if (n > 0 && !fsm__decision_map(at->arena, pairs, n, &record->detail)) return nomem(err);
  return fsm__sends_of(at, out, seq, step, record, err);
}

/* ---- records ------------------------------------------------------------------------------------ */

/* Of transitions taken together, in regions of a parallel state, the highest. */
static uint8_t level_of(const fsm__deployed *deployed, const fsm_microstep *step) {
  uint8_t level = fsm_definition_transition_level(deployed->definition, step->transitions[0]);
  for (unsigned i = 1; i < step->transition_count; i++) {
    const uint8_t other = fsm_definition_transition_level(deployed->definition, step->transitions[i]);
    if (other > level) level = other;
  }
  return level;
}

static fsm_code put_microstep(const fsm__case *at, fsm__decision *out, const fsm_step_result *all,
                              unsigned micro, const fsm_value *context_before, fsm__hash *hash,
                              fsm_error *err) {
  const fsm_microstep *step = &all->microsteps[micro];
  const fsm__deployed *deployed = out->instance->deployed;
  fsm_record_kind kind = step->from_count == 0        ? FSM_RECORD_CREATED
                         : step->transition_count > 0 ? FSM_RECORD_TRANSITION
                                                      : FSM_RECORD_CONTEXT;
  uint64_t seq = at->next_seq + out->count;
  fsm_record *record = fsm__decision_record(at, out, kind);
  if (record == NULL) return nomem(err);
  if (!paths(deployed->machine, step->to, step->to_count, at->arena, &record->to) ||
      !numbers(step->transitions, step->transition_count, at->arena, &record->tr))
    return nomem(err);
  if (step->from_count > 0 &&
      !paths(deployed->machine, step->from, step->from_count, at->arena, &record->from))
    return nomem(err);
  if (step->entered_count > 0 &&
      !paths(deployed->machine, step->entered, step->entered_count, at->arena, &record->since))
    return nomem(err);
  if (step->transition_count > 0) record->level = level_of(deployed, step);
  record->trigger = kind == FSM_RECORD_CREATED ? NULL : step->trigger;
  record->cause = (int)step->cause;
  record->data = step->data;
  record->elapsed_ns = elapsed(out->instance, all, micro, at->time_ns);
  if (step->history_changed) record->hist = fsm_is(&step->history, FSM_MAP) ? step->history : fsm_map_empty();
  if (step->context_changed || kind == FSM_RECORD_CREATED) {
    if (!fsm__context_delta(context_before, &step->context, at->arena, &record->ctx)) return nomem(err);
    fsm_code code = fsm__context_hash(&step->context, hash, err);
    if (code != FSM_OK) return code;
  }
  uint8_t *kept = fsm_arena_alloc(at->arena, FSM_HASH_BYTES);
  if (kept == NULL) return nomem(err);
  memcpy(kept, hash->bytes, FSM_HASH_BYTES);
  record->ctxh = kept;
  return fsm__decision_effects(at, out, seq, step, record, err);
}

static fsm_code put_end(const fsm__case *at, fsm__decision *out, const fsm_step_result *step,
                        const fsm__hash *hash, fsm_error *err) {
  fsm_record_kind kind = step->next.done ? FSM_RECORD_COMPLETED : FSM_RECORD_INCIDENT_OPENED;
  fsm_record *record = fsm__decision_record(at, out, kind);
  uint8_t *kept = fsm_arena_alloc(at->arena, FSM_HASH_BYTES);
  if (record == NULL || kept == NULL) return nomem(err);
  memcpy(kept, hash->bytes, FSM_HASH_BYTES);
  record->ctxh = kept;
  record->from = record->to = out->to;
  record->tr = fsm_list(NULL, 0);
  if (step->next.done) {
    fsm_pair keep;
    record->out = step->next.output;
    if (fsm__decision_keep(at, out->instance, &keep) > 0 &&
        !fsm__decision_map(at->arena, &keep, 1, &record->detail))
      return nomem(err);
    return fsm__send_ended(at, out, record, NULL, &step->next.output, err);
  }
  record->outcome = FSM_FAILED;
  record->reason = fsm_code_name(step->outcome);
  record->trigger = step->unhandled;
  return fsm__incident_detail(at, out, step->unhandled, step->unhandled_text, false, &record->detail, err);
}

fsm_code fsm__decision_step(const fsm__case *at, fsm__decision *out, const fsm_step_result *step,
                            fsm_error *err) {
  FSM_ASSERT(step->outcome == FSM_OK || step->outcome == FSM_EEXPRESSION);
  fsm__hash hash = out->instance->context_hash;
  const fsm_value *before = &out->instance->context;
  for (unsigned i = 0; i < step->microstep_count; i++) {
    fsm_code code = put_microstep(at, out, step, i, before, &hash, err);
    if (code != FSM_OK) return code;
    before = &step->microsteps[i].context;
    out->to = out->records[out->count - 1].to;
  }
  bool incident = step->outcome == FSM_EEXPRESSION && !step->next.done;
  if (step->next.done || incident) {
    fsm_code code = put_end(at, out, step, &hash, err);
    if (code != FSM_OK) return code;
  }
  out->status = fsm__status_name(step->next.done ? FSM_COMPLETED : incident ? FSM_INCIDENT : FSM_RUNNING);
  out->rev = out->instance->rev + 1;
  for (size_t i = 0; i < out->count; i++) {
    out->records[i].rev = out->rev;
    out->records[i].counter = step->next.counter != out->instance->counter ? step->next.counter : 0;
  }
  return FSM_OK;
}

fsm_code fsm__decision_run(const fsm__case *at, fsm__decision *out, const fsm_event *event,
                           fsm_step_result *step, fsm_error *err) {
  const fsm__instance *in = out->instance;
  fsm_snapshot before;
  out->stepped = *event;
  fsm_code code = fsm__snapshot_of(in, at->arena, &before, err);
  if (code != FSM_OK) return code;
  fsm__reach reach;
  const fsm_world world = fsm__world_of(at, in, &reach);
  code = fsm_step(in->deployed->machine, &before, event, &world, at->arena, step, err);
  if (fsm__reach_end(&reach, err) != FSM_OK) return err->code;
  if (code == FSM_ETOOLARGE || code == FSM_EARGUMENT) { /* the event itself, not what it led to */
    out->count = 0;
    return fsm__decision_refuse(out, code, err->where, "%s", err->text);
  }
  if (code != FSM_OK || (step->outcome != FSM_ELOOP && step->outcome != FSM_ETOOLARGE)) return code;
  (void)fsm__decision_refuse(out, step->outcome, "event",
                             "event \"%s\" was rolled back and the instance parked: %s", event->name,
                             fsm_code_text(step->outcome));
  return fsm__decide_incident(at, out, step->outcome, out->refusal.text, err);
}

/* decide.c: the entry to decisions, and what all of them share. See decide.h. */
#include "runtime/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/deployable.h"

fsm_code fsm__decision_refuse(fsm__decision *out, fsm_code code, const char *where, const char *format, ...) {
  char text[FSM_TEXT_MAX + 4]; /* longer than what is kept: fsm_fail cuts between characters */
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  (void)fsm_fail(&out->refusal, code, where, "%s", text);
  return FSM_OK;
}

fsm_value fsm__leaves(const fsm__instance *in, fsm_arena *arena) {
  const fsm_machine *machine = in->deployed->machine;
  fsm_value *items = fsm_arena_alloc(arena, (in->active_count + 1) * sizeof *items);
  unsigned count = 0;
  if (items == NULL) return fsm_null();
  for (unsigned i = 0; i < in->active_count; i++)
    if (fsm_state_is_leaf(machine, in->active[i].state))
      items[count++] = fsm_string(fsm_state_path(machine, in->active[i].state));
  return fsm_list(items, count);
}

void fsm__decision_about(fsm__decision *out, fsm__instance *in, fsm_arena *arena) {
  out->instance = in;
  out->instance_id = in->id;
  out->machine = in->deployed->id;
  out->version = in->deployed->version;
  out->status = fsm__status_name(in->status);
  out->rev = in->rev;
  out->from = out->to = fsm__leaves(in, arena);
}

fsm_code fsm__snapshot_of(const fsm__instance *in, fsm_arena *arena, fsm_snapshot *out, fsm_error *err) {
  uint64_t *config = fsm_arena_zalloc(arena, fsm_machine_words(in->deployed->machine), sizeof *config);
  if (config == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a configuration");
  for (unsigned i = 0; i < in->active_count; i++)
    config[in->active[i].state / 64] |= (uint64_t)1 << (in->active[i].state % 64);
  if (!fsm_config_legal(in->deployed->machine, config))
    return fsm_fail(err, FSM_ECORRUPT, "store: instances", "instance %s has an impossible configuration",
                    in->id);
  *out = (fsm_snapshot){.config = config,
                        .context = in->context,
                        .history = in->history,
                        .counter = in->counter,
                        .done = in->status == FSM_COMPLETED,
                        .output = in->output};
  return FSM_OK;
}

fsm_record *fsm__decision_record(const fsm__case *at, fsm__decision *out, fsm_record_kind kind) {
  if (out->instance != NULL && out->instance->last_seq != 0 && !fsm_is(&out->from, FSM_LIST))
    return NULL; /* there was no memory for its leaves */
  if (out->count == out->cap) {
    size_t cap = out->cap ? out->cap * 2 : 4;
    fsm_record *grown = fsm_arena_alloc(at->arena, cap * sizeof *grown);
    if (grown == NULL) return NULL;
    if (out->count > 0) memcpy(grown, out->records, out->count * sizeof *grown);
    out->records = grown;
    out->cap = cap;
  }
  fsm_record *record = &out->records[out->count++];
  const fsm_command *command = at->command;
  *record = fsm_record_new(kind);
  record->time_ns = at->time_ns;
  record->clock = at->clock_held;
  record->dur_us = at->dur_us;
  record->node = at->node;
  record->corr = out->correlation;
  record->caus = out->causation != NULL ? out->causation : command->causation;
  record->req = command->request;
  record->trace = command->trace;
  record->tracestate = command->tracestate;
  record->act = command->actor;
  record->level = FSM_LEVEL_DEFAULT;
  if (out->instance != NULL) {
    const fsm__instance *in = out->instance;
    record->level = fsm_definition_level(in->deployed->definition);
    record->mach = in->deployed->id;
    record->def = in->deployed->hash.bytes;
    record->defv = in->deployed->version;
    record->inst = in->id;
    record->key = in->key;
    record->ctxh = in->context_hash.bytes;
    record->rev = in->rev;
    record->forced = in->forced;
  }
  return record;
}

bool fsm__decision_map(fsm_arena *arena, const fsm_pair *from, size_t count, fsm_value *out) {
  fsm_pair *pairs = fsm_arena_alloc(arena, count * sizeof *pairs);
  if (pairs == NULL) return false;
  memcpy(pairs, from, count * sizeof *pairs);
  return fsm_map(pairs, count, out, NULL) == FSM_OK;
}

/* "store.part.epoch.seq" of a record of this journal. */
fsm_code fsm__decision_cause(const fsm__case *at, uint64_t seq, const char **out, fsm_error *err) {
  char id[FSM_CORRELATION_MAX];
  *out = at->command->causation;
  if (*out != NULL || seq == 0) return FSM_OK;
  fsm_record_id(&at->origin, seq, id, sizeof id);
  *out = fsm_arena_strdup(at->arena, id);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a cause");
}

void fsm__task_token(const fsm__case *at, uint64_t number, const char *invoke, uint64_t seq,
                     uint8_t out[16]) {
  uint8_t named[8 + 16 + 8 + FSM_TIMER_ID_MAX]; /* more than a key holds */
  size_t len = strlen(invoke);
  fsm__key key = {.len = 0};
  FSM_ASSERT(len <= FSM_TIMER_ID_MAX);
  fsm__key_u64(&key, number);
  memcpy(out, key.bytes, 8);
  fsm__key_add(&key, at->origin.store, 16);
  fsm__key_u64(&key, seq);
  memcpy(named, key.bytes, key.len);
  memcpy(named + key.len, invoke, len);
  fsm__hash hash = fsm__sha256(named, key.len + len);
  memcpy(out + 8, hash.bytes, 8);
}

/* Loads it, and refuses what no instance of it could carry out. *out NULL: refused. */
static fsm_code load_deployable(const fsm__case *at, fsm__decision *decision, fsm_definition **out,
                                fsm_error *err) {
  const fsm_command *command = at->command;
  const fsm_def *def = NULL;
  *out = NULL;
  fsm_code code = fsm_definition_load(command->source, command->source_len, out, &decision->refusal);
  if (code == FSM_OK)
    code = fsm_definition_read(at->arena, command->source, command->source_len, &def, &decision->refusal);
  if (code == FSM_OK) code = fsm__deployable(def, &decision->refusal);
  if (code == FSM_OK)
    code = fsm__deployable_types(at->catalog, fsm_machine_id(fsm_definition_machine(*out)), command->source,
                                 command->source_len, &decision->refusal);
  if (code == FSM_OK) return FSM_OK;
  fsm_definition_free(*out);
  *out = NULL;
  return code == FSM_ENOMEM ? fsm_fail(err, code, "", "no memory for a definition") : FSM_OK;
}

static fsm_code decide_deploy(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_command *command = at->command;
  fsm_definition *definition = NULL;
  fsm_code code = load_deployable(at, out, &definition, err);
  if (definition == NULL) return code;
  size_t len = 0;
  const void *canonical = fsm_definition_canonical(definition, &len);
  fsm__hash hash = fsm__sha256(canonical, len);
  const char *id = fsm_machine_id(fsm_definition_machine(definition));
  const fsm__deployed *newest = fsm__catalog_find(at->catalog, id, 0);
  char *hex = fsm_arena_alloc(at->arena, 2 * FSM_HASH_BYTES + 1);
  out->machine = fsm_arena_strdup(at->arena, id);
  fsm_definition_free(definition);
  if (hex == NULL || out->machine == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a deployment");
  fsm__hex(hash.bytes, FSM_HASH_BYTES, hex);
  out->hash = hex;
  out->version = newest ? newest->version : 1;
  if (newest != NULL && fsm__catalog_is_live(at->catalog, newest) &&
      memcmp(newest->hash.bytes, hash.bytes, FSM_HASH_BYTES) == 0)
    return FSM_OK;
  out->created = true;
  out->version = newest ? newest->version + 1 : 1;
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_DEPLOYED);
  fsm_pair *pairs = fsm_arena_alloc(at->arena, sizeof *pairs);
  uint8_t *def = fsm_arena_alloc(at->arena, FSM_HASH_BYTES);
  if (record == NULL || pairs == NULL || def == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for a deployment");
  memcpy(def, hash.bytes, FSM_HASH_BYTES);
  pairs[0] = (fsm_pair){fsm_string("source"), fsm_stringn(command->source, command->source_len)};
  record->mach = out->machine;
  record->def = def;
  record->defv = out->version;
  return fsm_map(pairs, 1, &record->detail, err);
}

fsm_code fsm__decide(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  *out = (fsm__decision){.correlation = at->command->correlation};
  switch (at->command->kind) {
    case FSM_CMD_DEPLOY: return decide_deploy(at, out, err);
    case FSM_CMD_START: return fsm__decide_start(at, out, err);
    case FSM_CMD_SEND: return fsm__decide_send(at, out, err);
    case FSM_CMD_ROUTE_SET: return fsm__decide_route_set(at, out, err);
    case FSM_CMD_ROUTE_REMOVE: return fsm__decide_route_remove(at, out, err);
    case FSM_CMD_RETIRE: return fsm__decide_retire(at, out, err);
    case FSM_CMD_SINK_NOTE: return fsm__decide_sink_note(at, out, err);
    case FSM_CMD_REFUSED:
      return fsm__decision_refuse(out, at->command->code, "", "%s", fsm_code_text(at->command->code));
    case FSM_CMD_TASK_STARTED:
    case FSM_CMD_TASK_UNDELIVERED:
    case FSM_CMD_TASK_HEARTBEAT:
    case FSM_CMD_TASK_COMPLETE:
    case FSM_CMD_TASK_FAIL: return fsm__decide_task(at, out, err);
    default: return fsm__decide_admin(at, out, err);
  }
}

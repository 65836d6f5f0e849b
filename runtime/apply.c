/* apply.c: one frame of records into rows, kind by kind. See apply.h. */
#include <stdio.h>
#include <string.h>

#include "runtime/apply_impl.h"

fsm_code fsm__apply_nomem(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to apply a record");
}

fsm_code fsm__apply_bad(const fsm_record *record, const char *fault, const char *subject, fsm_error *err) {
  char where[40];
  snprintf(where, sizeof where, "seq %llu", (unsigned long long)record->seq);
  return fsm_fail(err, FSM_ECORRUPT, where, "a %s record %s%s%s", fsm_record_kind_name(record->kind), fault,
                  subject ? ": " : "", subject ? subject : "");
}

static fsm_code deploy(fsm__catalog *catalog, const fsm_record *record, fsm_error *err) {
  const fsm_value *source = fsm_map_get(&record->detail, "source");
  if (source == NULL || !fsm_is(source, FSM_STRING))
    return fsm__apply_bad(record, "has no source", NULL, err);
  fsm_definition *definition = NULL;
  fsm_error fault;
  fsm_code code = fsm_definition_load(source->s, source->len, &definition, &fault);
  if (code == FSM_ENOMEM) return fsm__apply_nomem(err);
  if (code != FSM_OK) return fsm__apply_bad(record, "has a source that cannot be loaded", fault.text, err);
  code = fsm__catalog_add(catalog, source->s, source->len, definition, record->seq, record->time_ns, err);
  if (code != FSM_OK) fsm_definition_free(definition);
  return code;
}

/* May this record make its instance? */
static fsm_code check_new(fsm__store *store, const fsm_record *record, fsm_error *err) {
  uint64_t number = 0;
  if (record->inst == NULL || record->inst[0] == '\0' || strlen(record->inst) > FSM_INSTANCE_ID_MAX)
    return fsm__apply_bad(record, "names no instance that can be", NULL, err);
  if (record->key != NULL && strlen(record->key) > FSM_KEY_MAX)
    return fsm__apply_bad(record, "has a business key that cannot be", NULL, err);
  fsm_code code = fsm__instance_number(store, record->inst, &number, err);
  if (code == FSM_OK)
    return fsm__apply_bad(record, "makes an instance that exists already", record->inst, err);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code create(fsm__store *store, fsm__catalog *catalog, const fsm_record *record, fsm__instance *in,
                       fsm_error *err) {
  const fsm__deployed *deployed =
      record->mach && record->defv ? fsm__catalog_find(catalog, record->mach, record->defv) : NULL;
  if (deployed == NULL)
    return fsm__apply_bad(record, "is of a machine that is not deployed", record->mach, err);
  fsm_code code = check_new(store, record, err);
  if (code == FSM_OK) code = fsm__catalog_need(catalog, deployed, err);
  if (code != FSM_OK) return code;
  *in = (fsm__instance){.deployed = deployed,
                        .id = record->inst,
                        .key = record->key,
                        .corr = record->corr,
                        .labels = record->labels,
                        .status = FSM_RUNNING,
                        .context = fsm_map_empty(),
                        .created_seq = record->seq,
                        .created_ns = record->time_ns};
  if (record->tok != NULL) {
    in->has_parent = true;
    memcpy(in->parent, record->tok, sizeof in->parent);
  }
  code = fsm__context_hash(&in->context, &in->context_hash, err);
  if (code == FSM_OK) code = fsm__counter_next(store, "instance", &in->number, err);
  if (code != FSM_OK) return code;
  fsm__key be = {.len = 0};
  fsm__key_u64(&be, in->number);
  fsm__store_put(store, FSM_T_IDS, in->id, strlen(in->id), be.bytes, be.len);
  if (in->key != NULL) {
    fsm__key key = fsm__key_business(deployed->number, in->key);
    fsm__store_put(store, FSM_T_KEYS, key.bytes, key.len, be.bytes, be.len);
  }
  return code;
}

static fsm_code by_kind(fsm__store *store, fsm__instance *in, const fsm_record *record, fsm_arena *arena,
                        fsm_error *err) {
  switch (record->kind) {
    case FSM_RECORD_CREATED:
    case FSM_RECORD_PURGED: /* a part: done before */
    case FSM_RECORD_TRANSITION:
    case FSM_RECORD_CONTEXT: return FSM_OK; /* the fields that every record may have say it all */
    case FSM_RECORD_TIMER_FIRED: return fsm__apply_timer_fired(store, in, record, arena, err);
    case FSM_RECORD_TASK_STARTED:
    case FSM_RECORD_TASK_DONE:
    case FSM_RECORD_TASK_FAILED: return fsm__apply_task_answer(store, in, record, arena, err);
    case FSM_RECORD_INCIDENT_OPENED:
    case FSM_RECORD_INCIDENT_CLOSED:
    case FSM_RECORD_PAUSED:
    case FSM_RECORD_RESUMED:
    case FSM_RECORD_FORCED:
    case FSM_RECORD_CANCELLED:
    case FSM_RECORD_NOTE:
    case FSM_RECORD_ADMIN: return fsm__apply_admin(store, in, record, arena, err);
    case FSM_RECORD_COMPLETED:
      in->status = FSM_COMPLETED;
      in->output = record->out;
      fsm__apply_keep(store, in, record);
      return fsm__apply_close(store, in, arena, err);
    default: return fsm__apply_bad(record, "is of a kind that this version does not apply", NULL, err);
  }
}

/* Everything of a record that changes its instance. */
static fsm_code apply_one(fsm__store *store, fsm__instance *in, const fsm_record *record, fsm_arena *arena,
                          fsm_error *err) {
  const bool was_incident = in->status == FSM_INCIDENT;
  if (record->inst == NULL || strcmp(record->inst, in->id) != 0)
    return fsm__apply_bad(record, "is not of its frame's instance", in->id, err);
  if (record->time_ns < 0) return fsm__apply_bad(record, "is of a time before 1970", NULL, err);
  fsm_code code = fsm__apply_states(in, record, arena, err);
  if (code == FSM_OK) code = fsm__apply_history(in, record, err);
  if (code == FSM_OK) code = fsm__apply_context(in, record, arena, err);
  if (code == FSM_OK) code = by_kind(store, in, record, arena, err);
  if (code == FSM_OK && !fsm__status_open(in->status))
    code = fsm__apply_sends_end(store, in, record, arena, err);
  if (code == FSM_OK) code = fsm__apply_timers(store, in, record, arena, err);
  if (code == FSM_OK) code = fsm__apply_tasks(store, in, record, arena, err);
  if (code == FSM_OK) code = fsm__apply_sends(store, in, record, arena, err);
  if (code == FSM_OK) code = fsm__apply_idem(store, in, record, err);
  if (code != FSM_OK) return code;
  if (was_incident != (in->status == FSM_INCIDENT)) code = fsm__apply_incidents(store, !was_incident, err);
  if (record->counter != 0) in->counter = record->counter;
  in->rev = record->rev;
  in->last_seq = record->seq;
  in->updated_ns = record->time_ns;
  return code;
}

/* A refusal changes nothing; its instance's history finds it by a row of its own. */
static fsm_code apply_refusal(fsm__store *store, const fsm_record *record, fsm_error *err) {
  uint64_t number = 0;
  if (record->inst == NULL) return FSM_OK;
  fsm_code code = fsm__instance_number(store, record->inst, &number, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  fsm__key seq = {.len = 0};
  fsm__key_u64(&seq, record->seq);
  fsm__key key = fsm__key_instance(number, 'r', seq.bytes, seq.len);
  fsm__store_put(store, FSM_T_INSTANCES, key.bytes, key.len, "", 0);
  return FSM_OK;
}

/* What was done to the data as a whole: told in the log, no row knows it. */
static bool is_told_only(const fsm_record *record) {
  return record->kind == FSM_RECORD_EPOCH || record->kind == FSM_RECORD_REPAIRED ||
         (record->kind == FSM_RECORD_ADMIN && record->inst == NULL);
}

/* A frame of one record, which changes no instance. */
static bool is_of_no_instance(const fsm_record *record) {
  return record->kind == FSM_RECORD_DEPLOYED || record->kind == FSM_RECORD_REJECTED ||
         record->kind == FSM_RECORD_ROUTE || record->kind == FSM_RECORD_RETIRED;
}

static fsm_code apply_of_none(fsm__store *store, fsm__catalog *catalog, const fsm_record *record,
                              fsm_arena *arena, fsm_error *err) {
  if (record->kind == FSM_RECORD_DEPLOYED) return deploy(catalog, record, err);
  if (record->kind == FSM_RECORD_RETIRED) return fsm__apply_retired(catalog, record, arena, err);
  if (record->kind == FSM_RECORD_ROUTE) return fsm__apply_route(store, record, arena, err);
  return apply_refusal(store, record, err);
}

/* ---- replay over a fuzzy snapshot (snapshot.h) --------------------------------------------------- */

/* Has the instance, as the snapshot has it, gone through this frame already? */
static bool is_ahead(const fsm__store *store, uint64_t number, const fsm_record *records, size_t count) {
  if (!fsm__store_is_fuzzy(store)) return false;
  fsm__key key = fsm__key_instance(number, 's', NULL, 0);
  return fsm__store_is_ahead(store, FSM_T_INSTANCES, key.bytes, key.len, records[count - 1].seq);
}

/* A frame before the state that the snapshot has of its instance: only `ids`, which goes in step with the
 * frames, changes. What an instance is that is not there any more was purged before it was copied. */
static fsm_code pass_over(fsm__store *store, const fsm_record *records, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (records[i].kind == FSM_RECORD_PURGED && records[i].inst != NULL &&
        fsm_map_get(&records[i].detail, "next") == NULL) /* not a part of it */
      fsm__store_delete(store, FSM_T_IDS, records[i].inst, strlen(records[i].inst));
  return FSM_OK;
}

/* *over: nothing of the frame is to be applied but what pass_over does. */
static fsm_code look_ahead(fsm__store *store, const fsm_record *records, size_t count, bool *over,
                           fsm_error *err) {
  uint64_t number = 0;
  *over = false;
  if (!fsm__store_is_fuzzy(store)) return FSM_OK;
  fsm__store_replaying(store, records[count - 1].seq);
  if (records[0].inst == NULL || records[0].kind == FSM_RECORD_CREATED ||
      records[0].kind == FSM_RECORD_REJECTED)
    return FSM_OK;
  fsm_code code = fsm__instance_number(store, records[0].inst, &number, err);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  *over = code == FSM_ENOTFOUND || is_ahead(store, number, records, count);
  return FSM_OK;
}

static fsm_code load(fsm__store *store, fsm__catalog *catalog, const fsm_record *record, fsm_arena *arena,
                     fsm__instance *in, fsm_error *err) {
  uint64_t number = 0;
  if (record->inst == NULL) return fsm__apply_bad(record, "names no instance", NULL, err);
  fsm_code code = fsm__instance_number(store, record->inst, &number, err);
  if (code == FSM_OK) code = fsm__instance_load(store, catalog, number, arena, in, err);
  if (code == FSM_ENOTFOUND)
    return fsm__apply_bad(record, "is of an instance that does not exist", record->inst, err);
  return code;
}

static fsm_code apply_frame(fsm__store *store, fsm__catalog *catalog, const fsm_record *records, size_t count,
                            fsm__instance *instance, fsm_arena *arena, fsm_error *err) {
  fsm__instance loaded;
  bool over = false;
  fsm_code code = look_ahead(store, records, count, &over, err);
  if (code == FSM_OK) code = fsm__apply_consumed(store, &records[0], arena, err);
  if (code != FSM_OK) return code;
  if (over) return pass_over(store, records, count);
  if (is_told_only(&records[0])) return FSM_OK;
  if (is_of_no_instance(&records[0])) {
    code = apply_of_none(store, catalog, &records[0], arena, err);
    return code != FSM_OK ? code : fsm__store_fault(store, err);
  }
  if (records[0].kind == FSM_RECORD_CREATED) {
    instance = &loaded;
    code = create(store, catalog, &records[0], instance, err);
    if (code == FSM_OK && is_ahead(store, instance->number, records, count))
      return pass_over(store, records, count);
  } else if (instance == NULL) {
    instance = &loaded;
    code = load(store, catalog, &records[0], arena, instance, err);
  }
  if (code != FSM_OK) return code;
  bool gone = false;
  if (records[0].kind == FSM_RECORD_PURGED) code = fsm__apply_purge(store, instance, &records[0], &gone, err);
  if (code != FSM_OK || gone) return code != FSM_OK ? code : fsm__store_fault(store, err);
  const fsm__since *before = instance->active;
  unsigned before_count = instance->active_count;
  for (size_t i = 0; i < count && code == FSM_OK; i++)
    code = apply_one(store, instance, &records[i], arena, err);
  if (code != FSM_OK) return code;
  fsm__apply_index(store, instance, before, before_count);
  fsm__instance_put(store, instance);
  return fsm__store_fault(store, err);
}

fsm_code fsm__apply_frame(fsm__store *store, fsm__catalog *catalog, const fsm_record *records, size_t count,
                          fsm__instance *instance, fsm_arena *arena, fsm_error *err) {
  FSM_ASSERT(count > 0);
  fsm__store_frame_begin(store);
  fsm_code code = apply_frame(store, catalog, records, count, instance, arena, err);
  fsm__store_frame_end(store);
  return code;
}

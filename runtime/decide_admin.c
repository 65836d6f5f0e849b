/* decide_admin.c: commands of an operator: what each is, when it applies; pause, resume, cancel, note. */
#include "runtime/decide_admin.h"
#include "runtime/sends.h"

#include <string.h>

#include "runtime/apply.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record"); }

/* ---- what each is ------------------------------------------------------------------------------- */

static fsm__admin_fn pause, resume, cancel, note;

typedef struct verb {
  fsm_command_kind kind;
  const char *name, *done;
  unsigned statuses; /* in which it applies, a bit each */
  fsm__admin_fn *run;
} verb;

#define IN(status) (1u << (status))
#define IN_OPEN (IN(FSM_RUNNING) | IN(FSM_PAUSED) | IN(FSM_INCIDENT))
static const verb verbs[] = {
    {FSM_CMD_PAUSE, "pause", "paused", IN(FSM_RUNNING), pause},
    {FSM_CMD_RESUME, "resume", "resumed", IN(FSM_PAUSED), resume},
    {FSM_CMD_CANCEL, "cancel", "cancelled", IN_OPEN, cancel},
    {FSM_CMD_FORCE, "force", "forced", IN_OPEN, fsm__admin_force},
    {FSM_CMD_SET, "set", "changed", IN_OPEN, fsm__admin_set},
    {FSM_CMD_NOTE, "note", "noted", IN_OPEN | IN(FSM_COMPLETED) | IN(FSM_CANCELLED), note},
    {FSM_CMD_RETRY, "retry", "retried", IN(FSM_RUNNING) | IN(FSM_INCIDENT), fsm__admin_retry},
    {FSM_CMD_SKIP, "skip", "skipped", IN(FSM_RUNNING) | IN(FSM_INCIDENT), fsm__admin_skip},
};

static const verb *verb_of(fsm_command_kind kind) {
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (verbs[i].kind == kind) return &verbs[i];
  return NULL;
}

static fsm_code check_status(const verb *v, fsm__decision *out) {
  static const struct {
    fsm_code code;
    const char *then;
  } why[FSM_STATUS_COUNT] = {
      [FSM_RUNNING] = {FSM_ERUNNING, ""},
      [FSM_PAUSED] = {FSM_EPAUSED, "; resume it first"},
      [FSM_INCIDENT] = {FSM_EINCIDENT, "; retry, skip, force or cancel it"},
      [FSM_COMPLETED] = {FSM_ECOMPLETED, ""},
      [FSM_CANCELLED] = {FSM_ECOMPLETED, ""},
  };
  const fsm__status status = out->instance->status;
  if (v->statuses & IN(status)) return FSM_OK;
  const bool already = (v->kind == FSM_CMD_PAUSE && status == FSM_PAUSED) ||
                       (v->kind == FSM_CMD_CANCEL && status == FSM_CANCELLED);
  const char *then = already ? " already" : why[status].then;
  return fsm__decision_refuse(out, why[status].code, "", "it cannot be %s: the instance is %s%s%s", v->done,
                              status == FSM_INCIDENT ? "an " : "", fsm__status_name(status), then);
}

/* ---- their records ------------------------------------------------------------------------------ */

fsm_record *fsm__admin_record(const fsm__case *at, fsm__decision *out, fsm_record_kind kind,
                              const fsm_pair *more, unsigned more_count) {
  const verb *v = verb_of(at->command->kind);
  FSM_ASSERT(v != NULL && more_count <= FSM_ADMIN_DETAIL_MAX);
  fsm_pair pairs[2 + FSM_ADMIN_DETAIL_MAX] = {
      {fsm_string("command"), fsm_string(v->name)},
      {fsm_string("reason"), fsm_string(at->command->reason ? at->command->reason : "")}};
  for (unsigned i = 0; i < more_count; i++) pairs[2 + i] = more[i];
  fsm_record *record = fsm__decision_record(at, out, kind);
  if (record == NULL || !fsm__decision_map(at->arena, pairs, 2 + more_count, &record->detail)) return NULL;
  record->cause = FSM_CAUSE_ADMIN;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  out->rev = record->rev = out->instance->rev + 1;
  return record;
}

void fsm__admin_status(fsm__decision *out, fsm__status status) { out->status = fsm__status_name(status); }

fsm_code fsm__admin_close_incident(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  if (out->instance->status != FSM_INCIDENT) return FSM_OK;
  const fsm_value *opened = fsm_map_get(&out->instance->incident, "seq");
  const fsm_pair more = {fsm_string("opened"), opened ? *opened : fsm_null()};
  if (fsm__admin_record(at, out, FSM_RECORD_INCIDENT_CLOSED, &more, 1) == NULL) return nomem(err);
  fsm__admin_status(out, FSM_RUNNING);
  return FSM_OK;
}

static fsm_code pause(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm__admin_status(out, FSM_PAUSED);
  return fsm__admin_record(at, out, FSM_RECORD_PAUSED, NULL, 0) ? FSM_OK : nomem(err);
}

static fsm_code resume(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm__admin_status(out, FSM_RUNNING);
  return fsm__admin_record(at, out, FSM_RECORD_RESUMED, NULL, 0) ? FSM_OK : nomem(err);
}

/* It is in the instance's chain but does not make a new revision. */
static fsm_code note(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_pair more = {fsm_string("status"), fsm_string(out->status)};
  fsm_record *record = fsm__admin_record(at, out, FSM_RECORD_NOTE, &more, 1);
  if (record == NULL) return nomem(err);
  out->rev = record->rev = out->instance->rev;
  return FSM_OK;
}

/* Its open tasks as cancelled, for whoever carries them out; more than a record holds are not told one by
 * one. */
static fsm_code tasks_cancelled(const fsm__case *at, uint64_t number, fsm_value *out, fsm_error *err) {
  enum { TASKS_TOLD = 256 };
  fsm__key prefix = fsm__key_instance(number, 'k', NULL, 0);
  fsm_value *items = fsm_arena_alloc(at->arena, TASKS_TOLD * sizeof *items);
  fsm__range range;
  fsm__row row;
  bool found = false;
  unsigned count = 0;
  fsm_code code = FSM_OK;
  if (items == NULL) return nomem(err);
  fsm__range_open(&range, at->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (count < TASKS_TOLD && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    const char *id =
        fsm_arena_strndup(at->arena, (const char *)row.key + prefix.len, row.key_len - prefix.len);
    const fsm_pair pair = {fsm_string("cancel"), fsm_string(id ? id : "")};
    if (id == NULL || !fsm__decision_map(at->arena, &pair, 1, &items[count++])) code = nomem(err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  if (count > 0) *out = fsm_list(items, count);
  return code;
}

/* No exit action runs: nothing of the machine is asked any more. Who carries the tasks out is told by the
 * list of them; its timers just go. Its children end, too; a parent that waits for it is told. */
static fsm_code cancel(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  fsm_pair keep;
  const unsigned kept = fsm__decision_keep(at, out->instance, &keep);
  fsm_record *record = fsm__admin_record(at, out, FSM_RECORD_CANCELLED, &keep, kept);
  if (record == NULL) return nomem(err);
  fsm__admin_status(out, FSM_CANCELLED);
  fsm_code code = tasks_cancelled(at, out->instance->number, &record->tasks, err);
  if (code == FSM_OK) code = fsm__send_cancel_all(at, out, record, err);
  const char *fault =
      fsm_arena_printf(at->arena, "the child instance was cancelled: %s", at->command->reason);
  if (fault == NULL) return nomem(err);
  return code == FSM_OK ? fsm__send_ended(at, out, record, fault, NULL, err) : code;
}

/* ---- the entry ---------------------------------------------------------------------------------- */

/* What was refused behind the command's own record takes that with it; a step that was rolled back has parked
 * the instance instead. */
static void drop_if_refused(fsm__decision *out) {
  const bool parked = out->count > 0 && out->records[0].kind == FSM_RECORD_INCIDENT_OPENED;
  if (out->refusal.code == FSM_OK || parked) return;
  out->count = 0;
  out->rev = out->instance->rev;
  out->to = out->from;
  fsm__admin_status(out, out->instance->status);
}

fsm_code fsm__decide_admin(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const verb *v = verb_of(at->command->kind);
  if (v == NULL)
    return fsm__decision_refuse(out, FSM_EARGUMENT, "kind", "there is no command %d", (int)at->command->kind);
  fsm_value idem;
  fsm_code code = fsm__decision_open(at, out, &idem, err);
  if (code != FSM_OK || out->replay || out->refusal.code != FSM_OK) return code;
  code = check_status(v, out);
  if (code == FSM_OK && out->refusal.code == FSM_OK) code = fsm__decision_expect(at, out, err);
  if (code != FSM_OK || out->refusal.code != FSM_OK) return code;
  fsm__case inside = *at;
  inside.inside = true; /* whoever may administer is not asked what others may */
  code = v->run(&inside, out, err);
  if (code == FSM_OK) drop_if_refused(out);
  for (size_t i = 0; i < out->count; i++) out->records[i].rev = out->rev;
  if (out->count > 0)
    out->records[0].idem = idem; /* also of a step that is rolled back: parked under this key */
  return code;
}

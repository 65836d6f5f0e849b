/* writer_answer.c: answers, once what they say is durable; among them first answers given again. */
#include <string.h>

#include "runtime/writer.h"

static fsm_answer answer_of(const fsm__decision *d) {
  fsm_answer answer = {.error = d->refusal,
                       .created = d->created,
                       .rev = d->rev,
                       .instance = d->instance_id,
                       .machine = d->machine,
                       .status = d->status,
                       .version = d->version,
                       .hash = d->hash,
                       .from = d->from,
                       .to = d->to,
                       .correlation = d->correlation,
                       .task = d->task,
                       .detail = d->detail,
                       .records = d->dry};
  if (d->count > 0) answer.seq = d->records[0].seq;
  return answer;
}

/* An operator's record that does not change the status says what that is. */
static const char *status_said(const fsm_record *record, const char *before) {
  const fsm_value *said = fsm_map_get(&record->detail, "status");
  for (unsigned i = 0; said != NULL && fsm_is(said, FSM_STRING) && i < FSM_STATUS_COUNT; i++) {
    const char *name = fsm__status_name((fsm__status)i);
    if (strlen(name) == said->len && memcmp(name, said->s, said->len) == 0) return name;
  }
  return before;
}

/* The status that a record leaves its instance in. */
static const char *status_after(const fsm_record *record, const char *before) {
  switch (record->kind) {
    case FSM_RECORD_COMPLETED: return fsm__status_name(FSM_COMPLETED);
    case FSM_RECORD_CANCELLED: return fsm__status_name(FSM_CANCELLED);
    case FSM_RECORD_INCIDENT_OPENED: return fsm__status_name(FSM_INCIDENT);
    case FSM_RECORD_PAUSED: return fsm__status_name(FSM_PAUSED);
    case FSM_RECORD_RESUMED:
    case FSM_RECORD_INCIDENT_CLOSED: return fsm__status_name(FSM_RUNNING);
    default:
      return record->cause == FSM_CAUSE_ADMIN ? status_said(record, before) : fsm__status_name(FSM_RUNNING);
  }
}

/* What one record adds to the answer that its frame was. */
static void add_record(fsm_answer *answer, const fsm_record *record) {
  if (record->i == 0) {
    answer->from = record->from;
    answer->created = record->kind == FSM_RECORD_CREATED;
  }
  if (fsm_is(&record->to, FSM_LIST)) answer->to = record->to;
  answer->rev = record->rev;
  answer->instance = record->inst;
  answer->machine = record->mach;
  answer->version = record->defv;
  answer->correlation = record->corr;
  answer->status = status_after(record, answer->status);
  const fsm_code reason = record->reason != NULL ? fsm_code_of(record->reason) : FSM_OK;
  if (record->kind != FSM_RECORD_INCIDENT_OPENED || reason == FSM_OK || reason == FSM_EEXPRESSION) return;
  const fsm_value *text = fsm_map_get(&record->detail, "text");
  bool told = text != NULL && fsm_is(text, FSM_STRING) && text->len > 0;
  (void)fsm_fail(&answer->error, reason, "", "%.*s",
                 told ? (int)text->len : (int)strlen(fsm_code_text(reason)),
                 told ? text->s : fsm_code_text(reason));
}

static fsm_code read_record(fsm__journal_cursor *cursor, fsm_arena *arena, uint64_t seq, fsm_record *record,
                            bool *frame_end, fsm_error *err) {
  fsm__journal_entry entry;
  bool found = false;
  fsm_code code = fsm__journal_next(cursor, &entry, &found, err);
  if (code != FSM_OK) return code;
  if (!found)
    return fsm_fail(err, FSM_ECORRUPT, "", "the journal does not have seq %llu", (unsigned long long)seq);
  char *bytes = fsm_arena_strndup(arena, entry.record.data, entry.record.len);
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *frame_end = entry.frame_end;
  return fsm_record_decode(arena, bytes, entry.record.len, record, err);
}

/* The frame at seq says what was answered the first time. It is durable: answers are given in the order of
 * their batches, so this one has waited for it. */
static fsm_code first_answer(fsm__writer *w, fsm__job *job, fsm_answer *answer, fsm_error *err) {
  const uint64_t seq = job->decision.replay_seq;
  FSM_ASSERT(seq != 0 && seq <= fsm__journal_durable_seq(w->core.journal));
  fsm__journal_cursor *cursor = NULL;
  fsm_code code = fsm__journal_cursor_open(w->core.journal, seq, &cursor, err);
  if (code != FSM_OK) return code;
  *answer = (fsm_answer){.replayed = true, .seq = seq, .records = job->decision.dry};
  for (bool end = false; !end && code == FSM_OK;) {
    fsm_record record;
    code = read_record(cursor, &job->arena, seq, &record, &end, err);
    if (code == FSM_OK) add_record(answer, &record);
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

/* The command was taken before, and what was answered cannot be read: it is not taken again. */
static void without_first_answer(fsm__writer *w, const fsm__job *job, fsm_code code, const fsm_error *why,
                                 fsm_answer *answer) {
  if (code == FSM_EIO) fsm__writer_fatal(w, why);
  *answer = (fsm_answer){.error = *why, .seq = job->decision.replay_seq};
  if (code != FSM_ENOTFOUND) return;
  (void)fsm_fail(&answer->error, FSM_EDUPLICATE, "idem",
                 "the command was taken before (seq %llu), and its records are archived",
                 (unsigned long long)answer->seq);
}

void fsm__writer_answer(fsm__writer *w, fsm__job *job) {
  fsm_answer answer = answer_of(&job->decision);
  fsm_error err;
  if (job->decision.replay) {
    fsm_code code = first_answer(w, job, &answer, &err);
    if (code != FSM_OK) without_first_answer(w, job, code, &err, &answer);
  }
  if (job->answer_fn != NULL) job->answer_fn(job->arg, &answer);
}

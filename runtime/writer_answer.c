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
                       .detail = d->detail};
  if (d->count > 0) answer.seq = d->records[0].seq;
  return answer;
}

static const char *status_after(fsm_record_kind last, const char *otherwise) {
  return last == FSM_RECORD_COMPLETED         ? "completed"
         : last == FSM_RECORD_INCIDENT_OPENED ? "incident"
                                              : otherwise;
}

/* The frame at seq says what was answered the first time. */
static fsm_code first_answer(fsm__writer *w, fsm__job *job, fsm_answer *answer, fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  fsm_code code = fsm__journal_cursor_open(w->core.journal, job->decision.replay_seq, &cursor, err);
  if (code != FSM_OK) return code;
  *answer = (fsm_answer){.replayed = true, .seq = job->decision.replay_seq, .status = "running"};
  for (bool found = true, first = true, end = false; !end; first = false) {
    fsm__journal_entry entry;
    fsm_record record;
    code = fsm__journal_next(cursor, &entry, &found, err);
    if (code == FSM_OK && !found)
      code = fsm_fail(err, FSM_ECORRUPT, "", "the journal does not have seq %llu",
                      (unsigned long long)answer->seq);
    if (code != FSM_OK) break;
    char *bytes = fsm_arena_strndup(&job->arena, entry.record.data, entry.record.len);
    code = bytes ? fsm_record_decode(&job->arena, bytes, entry.record.len, &record, err)
                 : fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (code != FSM_OK) break;
    if (first) {
      answer->from = record.from;
      answer->created = record.kind == FSM_RECORD_CREATED;
    }
    if (fsm_is(&record.to, FSM_LIST)) answer->to = record.to;
    answer->rev = record.rev;
    answer->instance = record.inst;
    answer->machine = record.mach;
    answer->version = record.defv;
    answer->correlation = record.corr;
    answer->status = status_after(record.kind, answer->status);
    if (record.kind == FSM_RECORD_INCIDENT_OPENED && record.reason != NULL &&
        fsm_code_of(record.reason) != FSM_EEXPRESSION)
      (void)fsm_fail(&answer->error, fsm_code_of(record.reason), "", "%s",
                     fsm_code_text(fsm_code_of(record.reason)));
    end = entry.frame_end;
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

void fsm__writer_answer(fsm__writer *w, fsm__job *job) {
  fsm_answer answer = answer_of(&job->decision);
  fsm_error err;
  if (job->decision.replay) {
    fsm_code code = first_answer(w, job, &answer, &err);
    if (code != FSM_OK && code != FSM_ENOMEM) fsm__writer_fatal(w, &err);
    if (code == FSM_ENOMEM) answer = (fsm_answer){.error = err};
  }
  if (job->answer_fn != NULL) job->answer_fn(job->arg, &answer);
  fsm__queue_recycle(&w->queue, job);
}

/* sink_nats_safe.c: a stream that drops what it took, or takes what is not ours, is refused, with the field
 * that is wrong and what to do. Limits that refuse new messages are fine: then we wait. */
#include <string.h>

#include "runtime/sink_nats_impl.h"
#include "schema/record.h"

enum { LEAST_MESSAGE = FSM_RECORD_BYTES_MAX + 64 * 1024 }; /* any record, as stored, with its headers */

static fsm_code unsafe(const fsm__sink_nats *s, fsm_error *err, const char *field, const char *text) {
  return fsm_fail(err, FSM_EDEFINITION, s->stream, "unsafe stream: %s: %s", field, text);
}

fsm_code fsm__nats_safe(const fsm__sink_nats *s, const fsm__bus_stream *i, fsm_error *err) {
  FSM_ASSERT(s != NULL && i != NULL);
  bool limited = i->max_messages > 0 || i->max_bytes > 0;
  if (!i->file)
    return unsafe(s, err, "storage",
                  "memory is lost with the server: make the stream anew with file storage");
  if (!i->limits_retention)
    return unsafe(s, err, "retention",
                  "not \"limits\": what one consumer has read is gone for the others: make it anew");
  if (i->sealed) return unsafe(s, err, "sealed", "it takes nothing any more: configure another stream");
  if (i->no_ack) return unsafe(s, err, "no_ack", "nothing says what was stored: set it to false");
  if (i->mirror || i->sources)
    return unsafe(s, err, i->mirror ? "mirror" : "sources",
                  "it has what others wrote: configure another stream");
  if (i->republish)
    return unsafe(s, err, "republish", "it sends records on to whom no route names: remove it");
  if (i->max_age_ns > 0)
    return unsafe(s, err, "max_age", "what ages out looks like what was lost: set it to 0");
  if (i->max_per_subject > 0)
    return unsafe(s, err, "max_msgs_per_subject", "it drops older records of a subject: set it to -1");
  if (limited && !i->discard_new)
    return unsafe(s, err, "discard", "\"old\" with max_msgs or max_bytes drops records: set it to \"new\"");
  if (i->max_message_size > 0 && i->max_message_size < LEAST_MESSAGE)
    return fsm_fail(err, FSM_EDEFINITION, s->stream,
                    "unsafe stream: max_msg_size: %lld bytes, and a record may take %d: set it to -1",
                    (long long)i->max_message_size, (int)LEAST_MESSAGE);
  if (i->duplicates_ns <= 0)
    return unsafe(s, err, "duplicate_window", "nothing is known by its id: set it to 10m");
  if (i->subject_count != 1 || strcmp(i->subjects, s->subject) != 0)
    return fsm_fail(err, FSM_EDEFINITION, s->stream,
                    "unsafe stream: subjects: it takes \"%.120s\", and must take \"%s\" alone", i->subjects,
                    s->subject);
  if (i->replicas < (int64_t)s->config->replicas)
    return fsm_fail(err, FSM_EDEFINITION, s->stream,
                    "unsafe stream: replicas: %lld, configured are %u: add them, or configure what is there",
                    (long long)i->replicas, s->config->replicas);
  return FSM_OK;
}

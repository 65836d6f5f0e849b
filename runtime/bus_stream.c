/* bus_stream.c: JetStream's streams: what one is like, one that is made, a message of it, all messages; and
 * what the server's error codes mean to whoever has to mend it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/bus_impl.h"

/* ---- codes ---- */

static const struct js_fault {
  unsigned js;
  fsm_code code;
  const char *advice; /* NULL = what the server says is enough */
} js_faults[] = {
    {JSClusterNoPeersErr, FSM_EQUOTA, "fewer servers with room than replicas were asked for"},
    {JSClusterNotAvailErr, FSM_EUNREACHABLE, "the servers have no quorum"},
    {JSInsufficientResourcesErr, FSM_EQUOTA,
     "the server's limits leave no room: raise max_file, or free space"},
    {JSNotEnabledForAccountErr, FSM_EUNSUPPORTED, "the account has no JetStream"},
    {JSStorageResourcesExceededErr, FSM_EQUOTA,
     "the server's storage is full: raise max_file, or free space"},
    {JSStreamMessageExceedsMaximumErr, FSM_ETOOLARGE, "larger than the stream's max_msg_size"},
    {JSStreamNameExistErr, FSM_EEXISTS, "another stream has the name"},
    {JSStreamNotMatchErr, FSM_EEXISTS, "another stream takes the subject"},
    {JSStreamSubjectOverlapErr, FSM_EEXISTS,
     "another stream takes these subjects: give one of the two another prefix"},
    {JSStreamWrongLastSequenceErr, FSM_EBUSY, NULL},
    {JSNotEnabledErr, FSM_EUNSUPPORTED, "the server has no JetStream: start it with -js"},
    {JSStreamStoreFailedErr, FSM_EQUOTA,
     "the stream is full: raise its max_bytes or max_msgs, or free space"},
    {JSStreamOfflineErr, FSM_EUNREACHABLE, "the stream is offline"},
};

static const struct js_fault *fault_of(unsigned js_code) {
  for (size_t i = 0; i < sizeof js_faults / sizeof js_faults[0]; i++) {
    if (js_faults[i].js == js_code) return &js_faults[i];
  }
  return NULL;
}

fsm_code fsm__bus_stream_code(unsigned js_code) {
  const struct js_fault *fault = fault_of(js_code);
  return fault != NULL ? fault->code : FSM_EBUSY;
}

const char *fsm__bus_stream_advice(unsigned js_code) {
  const struct js_fault *fault = fault_of(js_code);
  return fault != NULL && fault->advice != NULL ? fault->advice : "";
}

fsm_code fsm__bus_stream_fault(fsm_error *err, const char *stream, const char *what, natsStatus status,
                               jsErrCode js_code) {
  const struct js_fault *fault = fault_of((unsigned)js_code);
  if (fault != NULL && fault->advice != NULL)
    return fsm_fail(err, fault->code, stream, "the stream cannot be %s: %s (JetStream %d)", what,
                    fault->advice, (int)js_code);
  if (status == NATS_NO_RESPONDERS)
    return fsm_fail(err, FSM_EUNSUPPORTED, stream,
                    "the stream cannot be %s: nobody answers for JetStream (not enabled, or no leader)",
                    what);
  if (status == NATS_TIMEOUT)
    return fsm_fail(err, FSM_ETIMEOUT, stream,
                    "the stream cannot be %s: no answer for %d ms (no leader, or not permitted?)", what,
                    FSM_BUS_STREAM_MS);
  return fsm_fail(err, FSM_EUNREACHABLE, stream, "the stream cannot be %s: %s (JetStream %d)", what,
                  natsStatus_GetText(status), (int)js_code);
}

/* ---- streams ---- */

static void configuration(const jsStreamConfig *c, fsm__bus_stream *out) {
  out->file = c->Storage == js_FileStorage;
  out->limits_retention = c->Retention == js_LimitsPolicy;
  out->discard_new = c->Discard == js_DiscardNew;
  out->no_ack = c->NoAck;
  out->sealed = c->Sealed;
  out->mirror = c->Mirror != NULL;
  out->sources = c->SourcesLen > 0;
  out->republish = c->RePublish != NULL;
  out->template_owned = c->Template != NULL && c->Template[0] != '\0';
  out->max_age_ns = c->MaxAge;
  out->max_messages = c->MaxMsgs;
  out->max_bytes = c->MaxBytes;
  out->max_per_subject = c->MaxMsgsPerSubject;
  out->max_message_size = c->MaxMsgSize;
  out->duplicates_ns = c->Duplicates;
  out->replicas = c->Replicas;
  out->subject_count = (size_t)c->SubjectsLen;
  size_t len = 0;
  for (int i = 0; i < c->SubjectsLen && len < sizeof out->subjects; i++) {
    int more =
        snprintf(out->subjects + len, sizeof out->subjects - len, "%s%s", i > 0 ? " " : "", c->Subjects[i]);
    if (more > 0) len += (size_t)more;
  }
}

static void stream_state(const jsStreamInfo *info, fsm__bus_stream *out) {
  memset(out, 0, sizeof *out);
  out->created_ns = info->Created;
  out->first_seq = info->State.FirstSeq;
  out->last_seq = info->State.LastSeq;
  out->messages = info->State.Msgs;
  out->deleted = info->State.NumDeleted;
  if (info->Config != NULL) configuration(info->Config, out);
}

static natsStatus make_stream(jsCtx *js, const fsm__bus_stream_config *wanted, jsStreamInfo **info,
                              jsErrCode *js_code) {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const char *subjects[] = {wanted->subject};
  config.Name = wanted->name;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Retention = js_LimitsPolicy;
  config.Discard = js_DiscardNew;
  config.Storage = js_FileStorage;
  config.Duplicates = wanted->duplicates_ns;
  config.Replicas = wanted->replicas > 0 ? wanted->replicas : 1;
  return js_AddStream(info, js, &config, NULL, js_code);
}

fsm_code fsm__bus_stream_open(fsm__bus *bus, const fsm__bus_stream_config *config, fsm__bus_stream *out,
                              fsm_error *err) {
  FSM_ASSERT(bus != NULL && config != NULL && config->name != NULL && out != NULL);
  jsStreamInfo *info = NULL;
  jsErrCode js_code = 0;
  bool made = false;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  pthread_rwlock_rdlock(&bus->gate);
  if (fsm__bus_usable(bus)) {
    status = js_GetStreamInfo(&info, bus->js, config->name, NULL, &js_code);
    if (js_code == JSStreamNotFoundErr && config->subject != NULL) {
      made = true;
      js_code = 0;
      status = make_stream(bus->js, config, &info, &js_code);
    }
  }
  pthread_rwlock_unlock(&bus->gate);
  if (js_code == JSStreamNotFoundErr)
    return fsm_fail(err, FSM_ENOTFOUND, config->name, "there is no stream \"%s\"", config->name);
  if (status != NATS_OK)
    return fsm__bus_stream_fault(err, config->name, made ? "made" : "asked", status, js_code);
  stream_state(info, out);
  out->made = made;
  jsStreamInfo_Destroy(info);
  return FSM_OK;
}

fsm_code fsm__bus_stream_deleted(fsm__bus *bus, const char *stream, size_t max, uint64_t **out, size_t *count,
                                 fsm_error *err) {
  FSM_ASSERT(bus != NULL && stream != NULL && out != NULL && count != NULL);
  jsStreamInfo *info = NULL;
  jsErrCode js_code = 0;
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = FSM_BUS_STREAM_MS;
  options.Stream.Info.DeletedDetails = true;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  pthread_rwlock_rdlock(&bus->gate);
  if (fsm__bus_usable(bus)) status = js_GetStreamInfo(&info, bus->js, stream, &options, &js_code);
  pthread_rwlock_unlock(&bus->gate);
  if (status != NATS_OK) return fsm__bus_stream_fault(err, stream, "asked", status, js_code);
  size_t n = info->State.DeletedLen > 0 ? (size_t)info->State.DeletedLen : 0;
  if (n > max) n = max;
  uint64_t *list = n > 0 ? malloc(n * sizeof *list) : NULL;
  if (n > 0 && list != NULL) memcpy(list, info->State.Deleted, n * sizeof *list);
  jsStreamInfo_Destroy(info);
  if (n > 0 && list == NULL) return fsm_fail(err, FSM_ENOMEM, stream, "no memory for a list of sequences");
  *out = list;
  *count = n;
  return FSM_OK;
}

fsm_code fsm__bus_stream_read(fsm__bus *bus, const char *stream, uint64_t seq, fsm__bus_message_fn fn,
                              void *arg, fsm_error *err) {
  FSM_ASSERT(bus != NULL && stream != NULL && fn != NULL);
  natsMsg *msg = NULL;
  jsErrCode js_code = 0;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  pthread_rwlock_rdlock(&bus->gate);
  if (fsm__bus_usable(bus)) status = js_GetMsg(&msg, bus->js, stream, seq, NULL, &js_code);
  pthread_rwlock_unlock(&bus->gate);
  if (status == NATS_OK && msg != NULL) {
    fsm__bus_message message = fsm__bus_view_of(msg);
    fn(arg, &message);
    natsMsg_Destroy(msg);
    return FSM_OK;
  }
  if (status == NATS_NOT_FOUND || js_code == JSNoMessageFoundErr)
    return fsm_fail(err, FSM_ENOTFOUND, stream, "the stream has no message %llu", (unsigned long long)seq);
  return fsm__bus_stream_fault(err, stream, "read", status, js_code);
}

/* ---- all of a stream ---- */

enum { FETCH = 512 }; /* messages that are asked for at once */

/* A consumer that the server forgets when nobody asks it any more. */
static natsStatus pull_from(fsm__bus *bus, const char *stream, uint64_t seq, natsSubscription **sub,
                            uint64_t *last, jsErrCode *js_code) {
  jsStreamInfo *info = NULL;
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream;
  options.Config.DeliverPolicy = js_DeliverByStartSequence;
  options.Config.OptStartSeq = seq > 0 ? seq : 1;
  options.Config.AckPolicy = js_AckNone;
  natsStatus status = js_GetStreamInfo(&info, bus->js, stream, NULL, js_code);
  if (status != NATS_OK) return status;
  *last = info->State.Msgs > 0 ? info->State.LastSeq : 0;
  const char *subject = info->Config->SubjectsLen == 1 ? info->Config->Subjects[0] : NULL;
  if (*last >= options.Config.OptStartSeq)
    status = js_PullSubscribe(sub, bus->js, subject, NULL, NULL, &options, js_code);
  jsStreamInfo_Destroy(info);
  return status;
}

/* *left: how many are behind these; what the server counts, so that nobody waits for what was deleted. */
static natsStatus give_fetched(natsMsgList *list, uint64_t *seq, fsm__bus_reply_fn fn, void *arg,
                               uint64_t *left) {
  for (int i = 0; i < list->Count; i++) {
    jsMsgMetaData *meta = NULL;
    natsStatus status = natsMsg_GetMetaData(&meta, list->Msgs[i]);
    if (status != NATS_OK) return status;
    const fsm__bus_message message = fsm__bus_view_of(list->Msgs[i]);
    fn(arg, meta->Sequence.Stream, &message);
    *seq = meta->Sequence.Stream + 1;
    *left = meta->NumPending;
    jsMsgMetaData_Destroy(meta);
  }
  return NATS_OK;
}

fsm_code fsm__bus_stream_each(fsm__bus *bus, const char *stream, uint64_t *seq, fsm__bus_reply_fn fn,
                              void *arg, fsm_error *err) {
  FSM_ASSERT(bus != NULL && stream != NULL && seq != NULL && fn != NULL);
  natsSubscription *sub = NULL;
  jsErrCode js_code = 0;
  uint64_t last = 0, left = 1;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  pthread_rwlock_rdlock(&bus->gate);
  if (fsm__bus_usable(bus)) status = pull_from(bus, stream, *seq, &sub, &last, &js_code);
  while (status == NATS_OK && sub != NULL && left > 0) {
    natsMsgList list = {0};
    status = natsSubscription_Fetch(&list, sub, FETCH, FSM_BUS_STREAM_MS, &js_code);
    if (status == NATS_OK) status = give_fetched(&list, seq, fn, arg, &left);
    natsMsgList_Destroy(&list);
  }
  fsm__bus_leave(bus, sub);
  pthread_rwlock_unlock(&bus->gate);
  if (js_code == JSStreamNotFoundErr)
    return fsm_fail(err, FSM_ENOTFOUND, stream, "there is no stream \"%s\"", stream);
  return status == NATS_OK ? FSM_OK : fsm__bus_stream_fault(err, stream, "read", status, js_code);
}

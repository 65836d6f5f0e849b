/* bus_queue.c: a work queue of JetStream: its stream, and a consumer that always begins at the front.
 *
 * What was acknowledged is no longer in the stream; so a consumer that is made anew gives what is left, in
 * its order, at once. One that is kept would give newer messages first, and those that were out when a client
 * died only when their time is over: that would reorder the commands of an instance. */
#include <string.h>

#include "runtime/bus_impl.h"

static natsStatus make_queue(jsCtx *js, const fsm__bus_queue *queue, jsStreamInfo **info,
                             jsErrCode *js_code) {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const char *subjects[] = {queue->subject};
  config.Name = queue->stream;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Retention = js_WorkQueuePolicy;
  config.Discard = js_DiscardNew;
  config.Storage = js_FileStorage;
  return js_AddStream(info, js, &config, NULL, js_code);
}

/* NULL, or what is wrong with a stream that is there. */
static const char *unlike_a_queue(const fsm__bus_queue *queue, const jsStreamConfig *c) {
  bool takes = false;
  for (int i = 0; i < c->SubjectsLen; i++) takes |= strcmp(c->Subjects[i], queue->subject) == 0;
  if (c->Retention != js_WorkQueuePolicy) return "its retention is not workqueue";
  if (!takes || c->SubjectsLen != 1) return "its subjects are others";
  if (c->Storage != js_FileStorage) return "it is kept in memory";
  if (c->NoAck) return "it acknowledges nothing";
  return c->Sealed || c->Mirror != NULL || c->SourcesLen > 0 ? "it is sealed or filled from elsewhere" : NULL;
}

static natsStatus begin_at_front(jsCtx *js, const fsm__bus_queue *queue, jsErrCode *js_code) {
  natsStatus status = js_DeleteConsumer(js, queue->stream, queue->consumer, NULL, js_code);
  if (status != NATS_OK && *js_code != JSConsumerNotFoundErr) return status;
  *js_code = 0;
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = queue->consumer;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = queue->ack_wait_ns;
  config.MaxAckPending = queue->window;
  return js_AddConsumer(NULL, js, queue->stream, &config, NULL, js_code);
}

fsm_code fsm__bus_queue_open(fsm__bus *bus, const fsm__bus_queue *queue, bool *made, fsm_error *err) {
  FSM_ASSERT(bus != NULL && queue != NULL && queue->stream != NULL && queue->subject != NULL &&
             queue->consumer != NULL && made != NULL);
  jsStreamInfo *info = NULL;
  jsErrCode js_code = 0;
  const char *what = "asked", *wrong = NULL;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  *made = false;
  pthread_rwlock_rdlock(&bus->gate);
  if (fsm__bus_usable(bus)) {
    status = js_GetStreamInfo(&info, bus->js, queue->stream, NULL, &js_code);
    if (js_code == JSStreamNotFoundErr) {
      what = "made";
      js_code = 0;
      status = make_queue(bus->js, queue, &info, &js_code);
      *made = status == NATS_OK;
    }
    if (status == NATS_OK) wrong = unlike_a_queue(queue, info->Config);
    if (status == NATS_OK && wrong == NULL) {
      what = "read";
      status = begin_at_front(bus->js, queue, &js_code);
    }
  }
  pthread_rwlock_unlock(&bus->gate);
  jsStreamInfo_Destroy(info);
  if (wrong != NULL)
    return fsm_fail(err, FSM_EEXISTS, queue->stream,
                    "the stream is there and is no work queue of %.200s: %s; remove it, or name another",
                    queue->subject, wrong);
  return status == NATS_OK ? FSM_OK : fsm__bus_stream_fault(err, queue->stream, what, status, js_code);
}

/* bus.c: NATS; the one wrapper of nats.c.
 *
 * One thread of ours makes the connection and remakes it should the library ever give it up (it does
 * after repeated refusals of the credentials). The library retries a lost connection by itself, for
 * ever. Invariant: `nc` and what hangs on it change only under the write lock of `gate`, and only the
 * thread changes them; who uses them holds the read lock. `open` counts the library's pending duties
 * to call us back, so that stop returns after the last of them.
 */
#include "runtime/bus.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  URL_MAX = 1024,
  SERVERS_MAX = 16,
  INBOX_MAX = 64,
  ERROR_MAX = 200,
  FLUSH_MS = 1000,
  RETRY_FIRST_MS = 50
};

typedef struct subscription {
  fsm__bus *bus;
  char subject[INBOX_MAX + 2 + 192];
  char queue[64];
  fsm__bus_message_fn message_fn;
  fsm__bus_reply_fn reply_fn; /* an inbox: ids are the last token */
  void *arg;
  natsSubscription *sub;
} subscription;

struct fsm__bus {
  char url[URL_MAX], name[128];
  subscription subscriptions[FSM_BUS_SUBSCRIPTIONS_MAX];
  size_t subscription_count;
  struct {
    fsm__bus_changed_fn fn;
    void *arg;
  } observers[FSM_BUS_OBSERVERS_MAX];
  size_t observer_count;

  pthread_rwlock_t gate; /* nc, js, ready */
  natsConnection *nc;
  jsCtx *js;
  bool ready; /* subscriptions are made */

  pthread_mutex_t lock; /* all below */
  pthread_cond_t moved;
  uint64_t life;
  unsigned open;
  bool closed, stopping, started;
  char last_error[ERROR_MAX];
  pthread_t thread;
};

/* ---- what the library calls ---- */

static void note_error(fsm__bus *bus, const char *what, natsStatus status) {
  pthread_mutex_lock(&bus->lock);
  snprintf(bus->last_error, sizeof bus->last_error, "%s: %s", what, natsStatus_GetText(status));
  pthread_mutex_unlock(&bus->lock);
}

static void changed(fsm__bus *bus, bool clear_error) {
  pthread_mutex_lock(&bus->lock);
  bus->life++;
  if (clear_error) bus->last_error[0] = '\0';
  pthread_mutex_unlock(&bus->lock);
  for (size_t i = 0; i < bus->observer_count; i++) bus->observers[i].fn(bus->observers[i].arg);
}

static void on_connected(natsConnection *nc, void *arg) {
  (void)nc;
  changed(arg, true);
}

static void on_disconnected(natsConnection *nc, void *arg) {
  (void)nc;
  note_error(arg, "connection", NATS_CONNECTION_DISCONNECTED);
  changed(arg, false);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *arg) {
  (void)nc, (void)sub;
  note_error(arg, "nats", status);
}

static void duty_done(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  FSM_ASSERT(bus->open > 0);
  bus->open--;
  pthread_cond_broadcast(&bus->moved);
  pthread_mutex_unlock(&bus->lock);
}

static void on_closed(natsConnection *nc, void *arg) {
  (void)nc;
  fsm__bus *bus = arg;
  pthread_mutex_lock(&bus->lock);
  bus->closed = true;
  pthread_mutex_unlock(&bus->lock);
  changed(bus, false);
  duty_done(bus);
}

static void on_complete(void *arg) { duty_done(((subscription *)arg)->bus); }

/* Exponential from 50 ms to the cap, less up to a half, so that clients part. */
static int64_t reconnect_delay(natsConnection *nc, int attempts, void *arg) {
  (void)nc, (void)arg;
  int64_t delay = RETRY_FIRST_MS;
  for (int i = 1; i < attempts && delay < FSM_BUS_CONNECT_MS; i++) delay *= 2;
  if (delay > FSM_BUS_CONNECT_MS) delay = FSM_BUS_CONNECT_MS;
  uint64_t noise = (uint64_t)nats_NowInNanoSeconds() * UINT64_C(0x9E3779B97F4A7C15);
  return delay - (int64_t)((noise >> 33) % (uint64_t)(delay / 2 + 1));
}

static bool id_of(const char *subject, uint64_t *id) {
  const char *at = strrchr(subject, '.');
  if (at == NULL || at[1] == '\0') return false;
  uint64_t n = 0;
  for (at++; *at != '\0'; at++) {
    if (*at < '0' || *at > '9' || n > (UINT64_MAX - 9) / 10) return false;
    n = n * 10 + (uint64_t)(*at - '0');
  }
  *id = n;
  return true;
}

static fsm__bus_message view_of(natsMsg *msg) {
  const char *data = natsMsg_GetData(msg);
  int len = natsMsg_GetDataLength(msg);
  return (fsm__bus_message){
      .subject = natsMsg_GetSubject(msg),
      .reply = natsMsg_GetReply(msg),
      .data = data != NULL ? data : "",
      .len = data != NULL && len > 0 ? (size_t)len : 0,
      .no_responders = natsMsg_IsNoResponders(msg),
      .native = msg,
  };
}

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg) {
  (void)nc, (void)sub;
  subscription *s = arg;
  fsm__bus_message message = view_of(msg);
  uint64_t id;
  if (s->message_fn != NULL) {
    s->message_fn(s->arg, &message);
  } else if (id_of(message.subject, &id)) {
    s->reply_fn(s->arg, id, &message);
  }
  natsMsg_Destroy(msg);
}

const char *fsm__bus_message_header(const fsm__bus_message *message, const char *name) {
  FSM_ASSERT(message != NULL && message->native != NULL);
  const char *value = NULL;
  return natsMsgHeader_Get(message->native, name, &value) == NATS_OK ? value : NULL;
}

/* ---- declaring ---- */

fsm_code fsm__bus_new(const char *url, const char *name, fsm__bus **out, fsm_error *err) {
  FSM_ASSERT(url != NULL && name != NULL && out != NULL);
  if (url[0] == '\0' || strlen(url) >= URL_MAX) {
    return fsm_fail(err, FSM_EARGUMENT, "url", "a NATS url has 1 to %d bytes", URL_MAX - 1);
  }
  fsm__bus *bus = calloc(1, sizeof *bus);
  if (bus == NULL) return fsm_fail(err, FSM_ENOMEM, "bus", "no memory for a connection");
  snprintf(bus->url, sizeof bus->url, "%s", url);
  snprintf(bus->name, sizeof bus->name, "%s", name);
  pthread_rwlock_init(&bus->gate, NULL);
  pthread_mutex_init(&bus->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&bus->moved, &attr);
  pthread_condattr_destroy(&attr);
  *out = bus;
  return FSM_OK;
}

static fsm_code declare(fsm__bus *bus, const char *subject, const char *queue, subscription **out,
                        fsm_error *err) {
  FSM_ASSERT(!bus->started && bus->subscription_count < FSM_BUS_SUBSCRIPTIONS_MAX);
  subscription *s = &bus->subscriptions[bus->subscription_count];
  if (strlen(subject) >= sizeof s->subject || (queue != NULL && strlen(queue) >= sizeof s->queue)) {
    return fsm_fail(err, FSM_EARGUMENT, "subject", "the subject \"%s\" is too long", subject);
  }
  snprintf(s->subject, sizeof s->subject, "%s", subject);
  snprintf(s->queue, sizeof s->queue, "%s", queue != NULL ? queue : "");
  s->bus = bus;
  bus->subscription_count++;
  *out = s;
  return FSM_OK;
}

fsm_code fsm__bus_subscribe(fsm__bus *bus, const char *subject, const char *queue, fsm__bus_message_fn fn,
                            void *arg, fsm_error *err) {
  FSM_ASSERT(bus != NULL && subject != NULL && fn != NULL);
  subscription *s;
  fsm_code code = declare(bus, subject, queue, &s, err);
  if (code != FSM_OK) return code;
  s->message_fn = fn;
  s->arg = arg;
  return FSM_OK;
}

fsm_code fsm__bus_inbox(fsm__bus *bus, fsm__bus_reply_fn fn, void *arg, unsigned *inbox, fsm_error *err) {
  FSM_ASSERT(bus != NULL && fn != NULL && inbox != NULL);
  natsInbox *made = NULL;
  natsStatus status = natsInbox_Create(&made);
  if (status != NATS_OK) return fsm_fail(err, FSM_ENOMEM, "inbox", "%s", natsStatus_GetText(status));
  char subject[INBOX_MAX + 2];
  snprintf(subject, sizeof subject, "%.*s.*", INBOX_MAX - 1, made);
  natsInbox_Destroy(made);
  subscription *s;
  fsm_code code = declare(bus, subject, NULL, &s, err);
  if (code != FSM_OK) return code;
  s->reply_fn = fn;
  s->arg = arg;
  *inbox = (unsigned)(s - bus->subscriptions);
  return FSM_OK;
}

fsm_code fsm__bus_observe(fsm__bus *bus, fsm__bus_changed_fn fn, void *arg, fsm_error *err) {
  FSM_ASSERT(bus != NULL && fn != NULL && !bus->started);
  if (bus->observer_count == FSM_BUS_OBSERVERS_MAX) {
    return fsm_fail(err, FSM_EARGUMENT, "bus", "more than %d observers", FSM_BUS_OBSERVERS_MAX);
  }
  bus->observers[bus->observer_count].fn = fn;
  bus->observers[bus->observer_count++].arg = arg;
  return FSM_OK;
}

/* ---- the thread ---- */

static int split(const char *list, char urls[URL_MAX], const char *servers[SERVERS_MAX]) {
  int count = 0;
  snprintf(urls, URL_MAX, "%s", list);
  for (char *at = urls; at != NULL && count < SERVERS_MAX;) {
    servers[count++] = at;
    at = strchr(at, ',');
    if (at != NULL) *at++ = '\0';
  }
  return count;
}

static natsStatus options_of(fsm__bus *bus, natsOptions **out) {
  natsOptions *options = NULL;
  natsStatus s = natsOptions_Create(&options);
  char urls[URL_MAX];
  const char *servers[SERVERS_MAX];
  int count = split(bus->url, urls, servers);
  if (s == NATS_OK) s = natsOptions_SetServers(options, servers, count);
  if (s == NATS_OK) s = natsOptions_SetName(options, bus->name);
  if (s == NATS_OK) s = natsOptions_SetTimeout(options, FSM_BUS_CONNECT_MS);
  if (s == NATS_OK) s = natsOptions_SetMaxReconnect(options, -1);
  if (s == NATS_OK) s = natsOptions_SetCustomReconnectDelay(options, reconnect_delay, NULL);
  if (s == NATS_OK) s = natsOptions_SetRetryOnFailedConnect(options, true, on_connected, bus);
  if (s == NATS_OK) s = natsOptions_SetReconnectedCB(options, on_connected, bus);
  if (s == NATS_OK) s = natsOptions_SetDisconnectedCB(options, on_disconnected, bus);
  if (s == NATS_OK) s = natsOptions_SetClosedCB(options, on_closed, bus);
  if (s == NATS_OK) s = natsOptions_SetErrorHandler(options, on_error, bus);
  /* What is sent while there is no connection is refused, not kept: whoever sends keeps it. */
  if (s == NATS_OK) s = natsOptions_SetReconnectBufSize(options, 1);
  if (s == NATS_OK) s = natsOptions_SetWriteDeadline(options, 2 * FSM_BUS_CONNECT_MS);
  if (s == NATS_OK) s = natsOptions_SetPingInterval(options, 5000);
  if (s == NATS_OK) s = natsOptions_SetMaxPingsOut(options, 3);
  if (s != NATS_OK) natsOptions_Destroy(options);
  if (s == NATS_OK) *out = options;
  return s;
}

static void duty_begins(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  bus->open++;
  pthread_mutex_unlock(&bus->lock);
}

static natsStatus subscribe_one(natsConnection *nc, subscription *s) {
  natsStatus status = s->queue[0] != '\0'
                          ? natsConnection_QueueSubscribe(&s->sub, nc, s->subject, s->queue, on_message, s)
                          : natsConnection_Subscribe(&s->sub, nc, s->subject, on_message, s);
  if (status != NATS_OK) return status;
  duty_begins(s->bus);
  status = natsSubscription_SetOnCompleteCB(s->sub, on_complete, s);
  if (status != NATS_OK) duty_done(s->bus);
  return status;
}

/* Connects, or leaves the library connecting; false = there is no connection at all. */
static bool connect_once(fsm__bus *bus) {
  natsOptions *options = NULL;
  natsConnection *nc = NULL;
  natsStatus status = options_of(bus, &options);
  if (status == NATS_OK) {
    duty_begins(bus); /* on_closed */
    status = natsConnection_Connect(&nc, options);
    natsOptions_Destroy(options);
    if (nc == NULL) duty_done(bus);
  }
  bool at_once = status == NATS_OK;
  if (status == NATS_OK || status == NATS_NOT_YET_CONNECTED) {
    if (!at_once) note_error(bus, "connect", NATS_NO_SERVER);
    status = NATS_OK;
    for (size_t i = 0; i < bus->subscription_count && status == NATS_OK; i++) {
      status = subscribe_one(nc, &bus->subscriptions[i]);
    }
  }
  jsCtx *js = NULL;
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.Wait = FSM_BUS_STREAM_MS;
  if (status == NATS_OK) status = natsConnection_JetStream(&js, nc, &js_options);
  if (status != NATS_OK) note_error(bus, "connect", status);
  pthread_rwlock_wrlock(&bus->gate);
  bus->nc = nc;
  bus->js = js;
  bus->ready = status == NATS_OK;
  pthread_rwlock_unlock(&bus->gate);
  if (status == NATS_OK) changed(bus, at_once);
  return status == NATS_OK;
}

/* Waits until stop is asked for, the connection is given up, or the time is over (ms < 0: no limit). */
static void wait_moved(fsm__bus *bus, int ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&bus->lock);
  while (!bus->stopping && !bus->closed) {
    if (ms < 0) {
      pthread_cond_wait(&bus->moved, &bus->lock);
    } else if (pthread_cond_timedwait(&bus->moved, &bus->lock, &until) != 0) {
      break;
    }
  }
  pthread_mutex_unlock(&bus->lock);
}

static void disconnect(fsm__bus *bus) {
  /* The writer of these fields is this thread: it reads them without the lock. */
  natsConnection *nc = bus->nc;
  if (nc != NULL) {
    if (natsConnection_Status(nc) == NATS_CONN_STATUS_CONNECTED) natsConnection_FlushTimeout(nc, FLUSH_MS);
    natsConnection_Close(nc); /* frees those who wait inside while they hold the gate */
  }
  pthread_rwlock_wrlock(&bus->gate);
  jsCtx *js = bus->js;
  bus->nc = NULL;
  bus->js = NULL;
  bus->ready = false;
  pthread_rwlock_unlock(&bus->gate);
  pthread_mutex_lock(&bus->lock);
  while (bus->open > 0) pthread_cond_wait(&bus->moved, &bus->lock);
  bus->closed = false;
  pthread_mutex_unlock(&bus->lock);
  for (size_t i = 0; i < bus->subscription_count; i++) {
    natsSubscription_Destroy(bus->subscriptions[i].sub);
    bus->subscriptions[i].sub = NULL;
  }
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
}

static bool stopping(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  bool answer = bus->stopping;
  pthread_mutex_unlock(&bus->lock);
  return answer;
}

static void *run(void *arg) {
  fsm__bus *bus = arg;
  while (!stopping(bus)) {
    if (connect_once(bus)) wait_moved(bus, -1);
    disconnect(bus);
    wait_moved(bus, FSM_BUS_CONNECT_MS);
  }
  nats_ReleaseThreadMemory();
  return NULL;
}

fsm_code fsm__bus_start(fsm__bus *bus, fsm_error *err) {
  FSM_ASSERT(bus != NULL && !bus->started);
  if (pthread_create(&bus->thread, NULL, run, bus) != 0) {
    return fsm_fail(err, FSM_ENOMEM, "bus", "no thread for the connection");
  }
  bus->started = true;
  return FSM_OK;
}

void fsm__bus_stop(fsm__bus *bus) {
  FSM_ASSERT(bus != NULL);
  if (!bus->started) return;
  pthread_mutex_lock(&bus->lock);
  bus->stopping = true;
  pthread_cond_broadcast(&bus->moved);
  pthread_mutex_unlock(&bus->lock);
  pthread_join(bus->thread, NULL);
  bus->started = false;
}

void fsm__bus_free(fsm__bus *bus) {
  if (bus == NULL) return;
  fsm__bus_stop(bus);
  pthread_rwlock_destroy(&bus->gate);
  pthread_mutex_destroy(&bus->lock);
  pthread_cond_destroy(&bus->moved);
  free(bus);
}

/* ---- state ---- */

static bool usable(const fsm__bus *bus) { /* under the gate */
  return bus->ready && natsConnection_Status(bus->nc) == NATS_CONN_STATUS_CONNECTED;
}

bool fsm__bus_connected(fsm__bus *bus) {
  pthread_rwlock_rdlock(&bus->gate);
  bool answer = usable(bus);
  pthread_rwlock_unlock(&bus->gate);
  return answer;
}

uint64_t fsm__bus_life(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  uint64_t life = bus->life;
  pthread_mutex_unlock(&bus->lock);
  return life;
}

void fsm__bus_last_error(fsm__bus *bus, char *out, size_t size) {
  pthread_mutex_lock(&bus->lock);
  snprintf(out, size, "%s", bus->last_error);
  pthread_mutex_unlock(&bus->lock);
}

size_t fsm__bus_payload_max(fsm__bus *bus) {
  pthread_rwlock_rdlock(&bus->gate);
  int64_t max = usable(bus) ? natsConnection_GetMaxPayload(bus->nc) : 0;
  pthread_rwlock_unlock(&bus->gate);
  return max > 0 ? (size_t)max : 0;
}

/* ---- sending ---- */

static fsm_code fault(fsm_error *err, const char *where, natsStatus status) {
  fsm_code code = FSM_EUNREACHABLE;
  if (status == NATS_NO_MEMORY) code = FSM_ENOMEM;
  if (status == NATS_MAX_PAYLOAD) code = FSM_ETOOLARGE;
  if (status == NATS_NOT_FOUND) code = FSM_ENOTFOUND;
  if (status == NATS_TIMEOUT) code = FSM_ETIMEOUT;
  return fsm_fail(err, code, where, "NATS says: %s", natsStatus_GetText(status));
}

static natsStatus set_header(natsMsg *msg, const fsm__bus_header *header) {
  if (header->value == NULL) return NATS_OK;
  char clean[FSM_BUS_HEADER_MAX + 1];
  size_t n = 0;
  for (const char *c = header->value; *c != '\0' && n < FSM_BUS_HEADER_MAX; c++) {
    clean[n++] = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
  }
  clean[n] = '\0';
  return natsMsgHeader_Set(msg, header->name, clean);
}

static fsm_code send_message(fsm__bus *bus, const char *subject, const char *reply,
                             const fsm__bus_header *headers, size_t count, const void *data, size_t len,
                             fsm_error *err) {
  FSM_ASSERT(subject != NULL && (data != NULL || len == 0));
  if (len > INT32_MAX) return fsm_fail(err, FSM_ETOOLARGE, subject, "a message of %zu bytes", len);
  natsMsg *msg = NULL;
  natsStatus status = natsMsg_Create(&msg, subject, reply, data, (int)len);
  for (size_t i = 0; i < count && status == NATS_OK; i++) status = set_header(msg, &headers[i]);
  if (status == NATS_OK) {
    pthread_rwlock_rdlock(&bus->gate);
    status = usable(bus) ? natsConnection_PublishMsg(bus->nc, msg) : NATS_CONNECTION_DISCONNECTED;
    pthread_rwlock_unlock(&bus->gate);
  }
  natsMsg_Destroy(msg);
  return status == NATS_OK ? FSM_OK : fault(err, subject, status);
}

fsm_code fsm__bus_publish(fsm__bus *bus, const char *subject, const fsm__bus_header *headers, size_t count,
                          const void *data, size_t len, fsm_error *err) {
  FSM_ASSERT(bus != NULL);
  return send_message(bus, subject, NULL, headers, count, data, len, err);
}

fsm_code fsm__bus_request(fsm__bus *bus, unsigned inbox, uint64_t id, const char *subject,
                          const fsm__bus_header *headers, size_t count, const void *data, size_t len,
                          fsm_error *err) {
  FSM_ASSERT(bus != NULL && inbox < bus->subscription_count);
  const char *any = bus->subscriptions[inbox].subject; /* "….*" */
  char reply[INBOX_MAX + 32];
  snprintf(reply, sizeof reply, "%.*s%llu", (int)strlen(any) - 1, any, (unsigned long long)id);
  return send_message(bus, subject, reply, headers, count, data, len, err);
}

/* ---- streams ---- */

static void stream_state(const jsStreamInfo *info, fsm__bus_stream *out) {
  out->created_ns = info->Created;
  out->first_seq = info->State.FirstSeq;
  out->last_seq = info->State.LastSeq;
  out->messages = info->State.Msgs;
}

static natsStatus make_stream(jsCtx *js, const char *stream, const char *subject, int64_t duplicates_ns,
                              jsStreamInfo **info, jsErrCode *js_code) {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const char *subjects[] = {subject};
  config.Name = stream;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Retention = js_LimitsPolicy;
  config.Discard = js_DiscardNew;
  config.Storage = js_FileStorage;
  config.Duplicates = duplicates_ns;
  return js_AddStream(info, js, &config, NULL, js_code);
}

fsm_code fsm__bus_stream_open(fsm__bus *bus, const char *stream, const char *subject, int64_t duplicates_ns,
                              fsm__bus_stream *out, fsm_error *err) {
  FSM_ASSERT(bus != NULL && stream != NULL && subject != NULL && out != NULL);
  jsStreamInfo *info = NULL;
  jsErrCode js_code = 0;
  bool made = false;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  pthread_rwlock_rdlock(&bus->gate);
  if (usable(bus)) {
    status = js_GetStreamInfo(&info, bus->js, stream, NULL, &js_code);
    if (status == NATS_NOT_FOUND || js_code == JSStreamNotFoundErr) {
      made = true;
      js_code = 0;
      status = make_stream(bus->js, stream, subject, duplicates_ns, &info, &js_code);
    }
  }
  pthread_rwlock_unlock(&bus->gate);
  if (status != NATS_OK) {
    return fsm_fail(err, FSM_EUNREACHABLE, stream, "the stream cannot be %s: %s (JetStream code %d)",
                    made ? "made" : "asked", natsStatus_GetText(status), (int)js_code);
  }
  stream_state(info, out);
  out->made = made;
  jsStreamInfo_Destroy(info);
  return FSM_OK;
}

fsm_code fsm__bus_stream_read(fsm__bus *bus, const char *stream, uint64_t seq, fsm__bus_message_fn fn,
                              void *arg, fsm_error *err) {
  FSM_ASSERT(bus != NULL && stream != NULL && fn != NULL);
  natsMsg *msg = NULL;
  jsErrCode js_code = 0;
  natsStatus status = NATS_CONNECTION_DISCONNECTED;
  pthread_rwlock_rdlock(&bus->gate);
  if (usable(bus)) status = js_GetMsg(&msg, bus->js, stream, seq, NULL, &js_code);
  pthread_rwlock_unlock(&bus->gate);
  if (status != NATS_OK || msg == NULL) return fault(err, stream, status);
  fsm__bus_message message = view_of(msg);
  fn(arg, &message);
  natsMsg_Destroy(msg);
  return FSM_OK;
}

/* ---- subjects ---- */

void fsm__bus_token(fsm_buf *out, const char *text) {
  FSM_ASSERT(out != NULL);
  if (text == NULL || text[0] == '\0') {
    fsm_buf_char(out, '-');
    return;
  }
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
    bool plain = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
                 *c == '_' || *c == '-';
    if (plain) {
      fsm_buf_char(out, (char)*c);
    } else {
      fsm_buf_printf(out, "%%%02X", *c);
    }
  }
}

const char *fsm__bus_library(void) { return nats_GetVersion(); }

/* bus.c: NATS: what is declared and asked. With bus_connect.c (the connection), bus_send.c and bus_stream.c
 * (JetStream) the one wrapper of nats.c.
 *
 * Invariant: `nc` and what hangs on it change only under the write lock of `gate`, and only the connecting
 * thread changes them; who uses them holds the read lock. `open` counts the library's pending duties to call
 * us back, so that stop returns after the last of them.
 */
#include "runtime/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/bus_impl.h"

enum { NICE = 5 };

/* ---- messages ---- */

fsm__bus_message fsm__bus_view_of(natsMsg *msg) {
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

const char *fsm__bus_message_header(const fsm__bus_message *message, const char *name) {
  FSM_ASSERT(message != NULL && message->native != NULL);
  const char *value = NULL;
  return natsMsgHeader_Get(message->native, name, &value) == NATS_OK ? value : NULL;
}

bool fsm__bus_message_headers(const fsm__bus_message *message, fsm__bus_header_fn fn, void *arg) {
  FSM_ASSERT(message != NULL && message->native != NULL && fn != NULL);
  const char **names = NULL;
  int count = 0;
  natsStatus status = natsMsgHeader_Keys(message->native, &names, &count);
  for (int i = 0; status == NATS_OK && i < count; i++) {
    const char **values = NULL;
    int values_count = 0;
    status = natsMsgHeader_Values(message->native, names[i], &values, &values_count);
    for (int k = 0; status == NATS_OK && k < values_count; k++)
      fn(arg, names[i], values[k] != NULL ? values[k] : "");
    free((void *)values);
  }
  free((void *)names);
  return status == NATS_OK || status == NATS_NOT_FOUND;
}

/* ---- declaring ---- */

static char *copied(const char *text, bool *ok) {
  char *copy = text != NULL ? strdup(text) : NULL;
  if (text != NULL && copy == NULL) *ok = false;
  return copy;
}

static fsm_code split(fsm__bus *bus, const char *list, fsm_error *err) {
  for (const char *at = list; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
    size_t len = strcspn(at, ",");
    if (len == 0 || len >= FSM_BUS_NATIVE_MAX || bus->server_count == FSM_BUS_SERVERS_MAX) {
      return fsm_fail(err, FSM_EARGUMENT, "url",
                      "a NATS url is 1 to %d servers, parted by commas, of 1 to %d bytes each",
                      FSM_BUS_SERVERS_MAX, FSM_BUS_NATIVE_MAX - 1);
    }
    char *server = bus->servers[bus->server_count++];
    memcpy(server, at, len);
    server[len] = '\0';
    const char *scheme = strstr(server, "://");
    if (strncmp(server, "tls://", 6) == 0) bus->secure = true;
    if (scheme != NULL && strncmp(server, "tls://", 6) != 0 && strncmp(server, "nats://", 7) != 0) {
      return fsm_fail(err, FSM_EARGUMENT, "url", "\"%.80s\" is neither nats:// nor tls://", server);
    }
  }
  return FSM_OK;
}

/* At most one way in, and whole. */
static fsm_code check_way_in(const fsm__bus_options *o, fsm_error *err) {
  int ways = (o->user != NULL) + (o->token_file != NULL) + (o->creds_file != NULL) + (o->nkey_file != NULL);
  if ((o->user != NULL) != (o->password_file != NULL))
    return fsm_fail(err, FSM_EARGUMENT, "user", "user and password_file go together");
  if ((o->cert_file != NULL) != (o->key_file != NULL))
    return fsm_fail(err, FSM_EARGUMENT, "cert_file", "cert_file and key_file go together");
  if (ways > 1)
    return fsm_fail(err, FSM_EARGUMENT, "user",
                    "more than one of user, token_file, creds_file, nkey_file: which one lets us in?");
  return FSM_OK;
}

static fsm_code adopt(fsm__bus *bus, const fsm__bus_options *o, fsm_error *err) {
  bool ok = true;
  const char *files[FSM_BUS_FILES] = {o->ca_file,    o->cert_file,  o->key_file, o->password_file,
                                      o->token_file, o->creds_file, o->nkey_file};
  for (int i = 0; i < FSM_BUS_FILES; i++) bus->files[i] = copied(files[i], &ok);
  bus->user = copied(o->user, &ok);
  if (!ok) return fsm_fail(err, FSM_ENOMEM, "bus", "no memory for a connection");
  bus->secure = o->ca_file != NULL || o->cert_file != NULL;
  fsm_code code = split(bus, o->url, err);
  if (code == FSM_OK) code = check_way_in(o, err);
  return code == FSM_OK ? fsm__bus_check_files(bus, err) : code;
}

/* The library's thread for garbage, which begins here, is as nice as the one that makes it: as nice as
 * outboxes, lest it take the place of the one that wakes it. Those of a connection are not: answers and
 * workers wait for them. */
static void *open_library(void *arg) {
  (void)arg;
  (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
  (void)!nats_Open(-1); /* if it fails, so does what comes next, and says why */
  nats_ReleaseThreadMemory();
  return NULL;
}

static void ready_library(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, open_library, NULL) == 0) pthread_join(thread, NULL);
}

fsm_code fsm__bus_open(const fsm__bus_options *options, fsm__bus **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && options->url != NULL && options->name != NULL && out != NULL);
  if (options->url[0] == '\0' || strlen(options->url) >= FSM_BUS_URL_MAX) {
    return fsm_fail(err, FSM_EARGUMENT, "url", "a NATS url has 1 to %d bytes", FSM_BUS_URL_MAX - 1);
  }
  ready_library();
  fsm__bus *bus = calloc(1, sizeof *bus);
  if (bus == NULL) return fsm_fail(err, FSM_ENOMEM, "bus", "no memory for a connection");
  snprintf(bus->name, sizeof bus->name, "%s", options->name);
  pthread_rwlock_init(&bus->gate, NULL);
  pthread_mutex_init(&bus->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&bus->moved, &attr);
  pthread_condattr_destroy(&attr);
  fsm_code code = adopt(bus, options, err);
  if (code != FSM_OK) {
    fsm__bus_free(bus);
    return code;
  }
  *out = bus;
  return FSM_OK;
}

fsm_code fsm__bus_new(const char *url, const char *name, fsm__bus **out, fsm_error *err) {
  return fsm__bus_open(&(fsm__bus_options){.url = url, .name = name}, out, err);
}

static fsm_code declare(fsm__bus *bus, const char *subject, const char *queue, fsm__bus_subscription **out,
                        fsm_error *err) {
  FSM_ASSERT(!bus->started && bus->subscription_count < FSM_BUS_SUBSCRIPTIONS_MAX);
  fsm__bus_subscription *s = &bus->subscriptions[bus->subscription_count];
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
  fsm__bus_subscription *s;
  fsm_code code = declare(bus, subject, queue, &s, err);
  if (code != FSM_OK) return code;
  s->message_fn = fn;
  s->arg = arg;
  return FSM_OK;
}

static fsm_code declare_inbox(fsm__bus *bus, fsm__bus_subscription **out, unsigned *inbox, fsm_error *err) {
  natsInbox *made = NULL;
  natsStatus status = natsInbox_Create(&made);
  if (status != NATS_OK) return fsm_fail(err, FSM_ENOMEM, "inbox", "%s", natsStatus_GetText(status));
  char subject[FSM_BUS_INBOX_MAX + 2];
  snprintf(subject, sizeof subject, "%.*s.*", FSM_BUS_INBOX_MAX - 1, made);
  natsInbox_Destroy(made);
  fsm_code code = declare(bus, subject, NULL, out, err);
  if (code != FSM_OK) return code;
  (*out)->unlimited = true;
  *inbox = (unsigned)(*out - bus->subscriptions);
  return FSM_OK;
}

fsm_code fsm__bus_inbox(fsm__bus *bus, fsm__bus_reply_fn fn, void *arg, unsigned *inbox, fsm_error *err) {
  FSM_ASSERT(bus != NULL && fn != NULL && inbox != NULL);
  fsm__bus_subscription *s = NULL;
  fsm_code code = declare_inbox(bus, &s, inbox, err);
  if (code != FSM_OK) return code;
  FSM_ASSERT(s != NULL);
  s->reply_fn = fn;
  s->arg = arg;
  return FSM_OK;
}

fsm_code fsm__bus_box(fsm__bus *bus, fsm__bus_message_fn fn, void *arg, unsigned *inbox, fsm_error *err) {
  FSM_ASSERT(bus != NULL && fn != NULL && inbox != NULL);
  fsm__bus_subscription *s = NULL;
  fsm_code code = declare_inbox(bus, &s, inbox, err);
  if (code != FSM_OK) return code;
  FSM_ASSERT(s != NULL);
  s->message_fn = fn;
  s->arg = arg;
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

fsm_code fsm__bus_start(fsm__bus *bus, fsm_error *err) {
  FSM_ASSERT(bus != NULL && !bus->started);
  if (pthread_create(&bus->thread, NULL, fsm__bus_run, bus) != 0) {
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
  for (unsigned i = 0; i < bus->spent_count; i++) natsMsg_Destroy(bus->spent[i]);
  pthread_rwlock_destroy(&bus->gate);
  pthread_mutex_destroy(&bus->lock);
  pthread_cond_destroy(&bus->moved);
  for (int i = 0; i < FSM_BUS_FILES; i++) free(bus->files[i]);
  free(bus->user);
  free(bus);
}

/* ---- state ---- */

bool fsm__bus_usable(const fsm__bus *bus) {
  return bus->ready && natsConnection_Status(bus->nc) == NATS_CONN_STATUS_CONNECTED;
}

bool fsm__bus_connected(fsm__bus *bus) {
  pthread_rwlock_rdlock(&bus->gate);
  bool answer = fsm__bus_usable(bus);
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

fsm_code fsm__bus_state(fsm__bus *bus, fsm_error *err) {
  if (fsm__bus_connected(bus)) return FSM_OK;
  pthread_mutex_lock(&bus->lock);
  fsm_code code = bus->last_code != FSM_OK ? bus->last_code : FSM_EUNREACHABLE;
  code =
      fsm_fail(err, code, "nats", "%s", bus->last_error[0] != '\0' ? bus->last_error : "not connected yet");
  pthread_mutex_unlock(&bus->lock);
  return code;
}

uint64_t fsm__bus_denials(fsm__bus *bus, char *out, size_t size) {
  pthread_mutex_lock(&bus->lock);
  uint64_t denials = bus->denials;
  if (out != NULL) snprintf(out, size, "%s", bus->last_denial);
  pthread_mutex_unlock(&bus->lock);
  return denials;
}

size_t fsm__bus_payload_max(fsm__bus *bus) {
  pthread_rwlock_rdlock(&bus->gate);
  int64_t max = bus->ready ? bus->payload_max : 0;
  pthread_rwlock_unlock(&bus->gate);
  return max > 0 ? (size_t)max : 0;
}

/* ---- faults ---- */

fsm_code fsm__bus_fault(fsm_error *err, const char *where, natsStatus status) {
  fsm_code code = FSM_EUNREACHABLE;
  if (status == NATS_NO_MEMORY) code = FSM_ENOMEM;
  if (status == NATS_MAX_PAYLOAD) code = FSM_ETOOLARGE;
  if (status == NATS_NOT_FOUND) code = FSM_ENOTFOUND;
  if (status == NATS_TIMEOUT) code = FSM_ETIMEOUT;
  return fsm_fail(err, code, where, "NATS says: %s", natsStatus_GetText(status));
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

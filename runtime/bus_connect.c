/* bus_connect.c: making the connection, and making it again for ever.
 *
 * One thread of ours tries the servers in turn, one at a time, waits while there is one, and begins again
 * when it ends: 50 ms to 2 s between two rounds, up to 10 s when we are not let in. The library itself never
 * reconnects: so each failure has its text (it hides the reasons of its own tries), refused credentials are
 * tried for ever (it gives up after two), and a connection's subscriptions, answers and errors are of one
 * life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/bus_impl.h"
#include "runtime/clock.h"
#include "runtime/files.h"
#include "runtime/nkey.h"

enum { FLUSH_MS = 1000, RETRY_FIRST_MS = 50, REFUSED_FIRST_MS = 250, SECRET_MAX = 4096 };

/* ---- the files ---- */

static const struct file_option {
  const char *name;
  bool secret;
} file_options[FSM_BUS_FILES] = {
    [FSM_BUS_CA] = {"ca_file", false},      [FSM_BUS_CERT] = {"cert_file", false},
    [FSM_BUS_KEY] = {"key_file", true},     [FSM_BUS_PASSWORD] = {"password_file", true},
    [FSM_BUS_TOKEN] = {"token_file", true}, [FSM_BUS_CREDS] = {"creds_file", true},
    [FSM_BUS_NKEY] = {"nkey_file", true},
};

fsm_code fsm__bus_check_files(const fsm__bus *bus, fsm_error *err) {
  for (int i = 0; i < FSM_BUS_FILES; i++) {
    struct stat st;
    const char *name = file_options[i].name;
    if (bus->files[i] == NULL) continue;
    if (stat(bus->files[i], &st) != 0 || !S_ISREG(st.st_mode)) {
      return fsm_fail(err, FSM_ENOTFOUND, name, "there is no file \"%.160s\"", bus->files[i]);
    }
    if (file_options[i].secret && (st.st_mode & 077) != 0) {
      return fsm_fail(err, FSM_EPERMISSION, name, "others may read \"%.160s\": chmod 600 it", bus->files[i]);
    }
  }
  return FSM_OK;
}

/* One line of a secret, without what ends it. */
static bool read_secret(const char *path, char out[SECRET_MAX]) {
  fsm_buf buf = {0};
  bool ok = fsm__file_read(path, SECRET_MAX - 1, &buf, NULL) == FSM_OK;
  size_t len = ok ? buf.len : 0;
  while (len > 0 && (buf.data[len - 1] == '\n' || buf.data[len - 1] == '\r')) len--;
  if (len > 0) memcpy(out, buf.data, len);
  out[len] = '\0';
  if (buf.len > 0) memset(buf.data, 0, buf.len);
  fsm_buf_free(&buf);
  return ok && len > 0;
}

/* ---- what is said of it ---- */

static void note(fsm__bus *bus, fsm_code code, const char *what, const char *text) {
  pthread_mutex_lock(&bus->lock);
  snprintf(bus->last_error, sizeof bus->last_error, "%.90s: %.160s", what, text);
  bus->last_code = code;
  pthread_mutex_unlock(&bus->lock);
}

static void changed(fsm__bus *bus, bool clear_error) {
  pthread_mutex_lock(&bus->lock);
  bus->life++;
  if (clear_error) bus->last_error[0] = '\0', bus->last_code = FSM_OK;
  pthread_mutex_unlock(&bus->lock);
  for (size_t i = 0; i < bus->observer_count; i++) bus->observers[i].fn(bus->observers[i].arg);
}

/* Without who we are: "nats://user:password@host". */
static const char *shown_of(const char *server) {
  const char *at = strrchr(server, '@');
  return at != NULL ? at + 1 : server;
}

/* Of a try that failed, in the words of the library without its place in its source. */
static void note_failure(fsm__bus *bus, const char *server, natsStatus status) {
  natsStatus last = NATS_OK;
  const char *text = nats_GetLastError(&last);
  if (text == NULL || last != status) text = natsStatus_GetText(status);
  const char *said = text[0] == '(' ? strstr(text, "): ") : NULL;
  if (said != NULL) text = said + 3;
  fsm_code code = FSM_EUNREACHABLE;
  const char *before = "no connection: ";
  char clean[FSM_BUS_ERROR_MAX];
  if (status == NATS_SSL_ERROR) code = FSM_EVERIFY, before = "TLS does not verify: ";
  if (status == NATS_SECURE_CONNECTION_WANTED)
    code = FSM_EVERIFY, text = "the server does not offer TLS", before = "";
  if (status == NATS_SECURE_CONNECTION_REQUIRED)
    code = FSM_EVERIFY, text = "the server demands TLS: tls:// in the url", before = "";
  if (status == NATS_CONNECTION_AUTH_FAILED)
    code = FSM_EPERMISSION, before = "the server does not let us in: ";
  if (status == NATS_NO_MEMORY) code = FSM_ENOMEM;
  snprintf(clean, sizeof clean, "%s%.180s", before, text);
  note(bus, code, shown_of(server), clean);
}

/* ---- what the library calls ---- */

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *arg) {
  (void)sub;
  fsm__bus *bus = arg;
  const char *text = NULL;
  natsConnection_GetLastError(nc, &text);
  bool denied = status == NATS_NOT_PERMITTED;
  if (text == NULL || text[0] == '\0') text = natsStatus_GetText(status);
  pthread_mutex_lock(&bus->lock);
  snprintf(denied ? bus->last_denial : bus->last_error, FSM_BUS_ERROR_MAX, "%s%.200s",
           denied ? "" : "nats: ", text);
  if (denied) bus->denials++;
  pthread_mutex_unlock(&bus->lock);
  if (denied) changed(bus, false); /* what was asked for under that subject is never answered */
}

static void duty_begins(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  bus->open++;
  pthread_mutex_unlock(&bus->lock);
}

static void duty_done(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  FSM_ASSERT(bus->open > 0);
  bus->open--;
  pthread_cond_broadcast(&bus->moved);
  pthread_mutex_unlock(&bus->lock);
}

static void on_closed(natsConnection *nc, void *arg) {
  fsm__bus *bus = arg;
  const char *text = NULL;
  natsStatus status = natsConnection_GetLastError(nc, &text);
  if (text == NULL || text[0] == '\0')
    text = status != NATS_OK ? natsStatus_GetText(status) : "it was closed";
  note(bus, FSM_EUNREACHABLE, "the connection ended", text);
  pthread_mutex_lock(&bus->lock);
  bus->closed = true;
  pthread_mutex_unlock(&bus->lock);
  changed(bus, false);
  duty_done(bus);
}

static void on_complete(void *arg) { duty_done(((fsm__bus_subscription *)arg)->bus); }

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

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg) {
  (void)nc, (void)sub;
  fsm__bus_subscription *s = arg;
  fsm__bus_message message = fsm__bus_view_of(msg);
  uint64_t id;
  if (s->message_fn != NULL) {
    s->message_fn(s->arg, &message);
  } else if (id_of(message.subject, &id)) {
    s->reply_fn(s->arg, id, &message);
  }
  natsMsg_Destroy(msg);
}

/* ---- one try ---- */

static natsStatus let_in(fsm__bus *bus, natsOptions *options) {
  char secret[SECRET_MAX] = "", key[FSM_NKEY_MAX];
  char *const *files = bus->files;
  natsStatus s = NATS_OK;
  if (files[FSM_BUS_CA] != NULL) s = natsOptions_LoadCATrustedCertificates(options, files[FSM_BUS_CA]);
  if (s == NATS_OK && files[FSM_BUS_CERT] != NULL)
    s = natsOptions_LoadCertificatesChain(options, files[FSM_BUS_CERT], files[FSM_BUS_KEY]);
  if (s == NATS_OK && bus->secure) s = natsOptions_SetSecure(options, true);
  if (s == NATS_OK && files[FSM_BUS_PASSWORD] != NULL) {
    s = read_secret(files[FSM_BUS_PASSWORD], secret) ? natsOptions_SetUserInfo(options, bus->user, secret)
                                                     : NATS_CONNECTION_AUTH_FAILED;
  }
  if (s == NATS_OK && files[FSM_BUS_TOKEN] != NULL) {
    s = read_secret(files[FSM_BUS_TOKEN], secret) ? natsOptions_SetToken(options, secret)
                                                  : NATS_CONNECTION_AUTH_FAILED;
  }
  if (s == NATS_OK && files[FSM_BUS_CREDS] != NULL)
    s = natsOptions_SetUserCredentialsFromFiles(options, files[FSM_BUS_CREDS], NULL);
  if (s == NATS_OK && files[FSM_BUS_NKEY] != NULL) {
    s = read_secret(files[FSM_BUS_NKEY], secret) && fsm__nkey_public(secret, key)
            ? natsOptions_SetNKeyFromSeed(options, key, files[FSM_BUS_NKEY])
            : NATS_CONNECTION_AUTH_FAILED;
  }
  memset(secret, 0, sizeof secret);
  return s;
}

static natsStatus options_of(fsm__bus *bus, const char *server, natsOptions **out) {
  natsOptions *options = NULL;
  natsStatus s = natsOptions_Create(&options);
  if (s == NATS_OK) s = natsOptions_SetURL(options, server);
  if (s == NATS_OK) s = natsOptions_SetName(options, bus->name);
  if (s == NATS_OK) s = natsOptions_SetTimeout(options, FSM_BUS_CONNECT_MS);
  if (s == NATS_OK) s = natsOptions_SetAllowReconnect(options, false);
  if (s == NATS_OK) s = natsOptions_SetIgnoreDiscoveredServers(options, false);
  if (s == NATS_OK) s = natsOptions_SetClosedCB(options, on_closed, bus);
  if (s == NATS_OK) s = natsOptions_SetErrorHandler(options, on_error, bus);
  if (s == NATS_OK) s = natsOptions_SetWriteDeadline(options, 2 * FSM_BUS_CONNECT_MS);
  if (s == NATS_OK) s = natsOptions_SetPingInterval(options, FSM_BUS_PING_MS);
  if (s == NATS_OK) s = natsOptions_SetMaxPingsOut(options, 2);
  if (s == NATS_OK) s = natsOptions_SetIOBufSize(options, 256 * 1024);
  if (s == NATS_OK) s = let_in(bus, options);
  if (s != NATS_OK) natsOptions_Destroy(options);
  if (s == NATS_OK) *out = options;
  return s;
}

static natsStatus subscribe_one(natsConnection *nc, fsm__bus_subscription *s) {
  natsStatus status = s->queue[0] != '\0'
                          ? natsConnection_QueueSubscribe(&s->sub, nc, s->subject, s->queue, on_message, s)
                          : natsConnection_Subscribe(&s->sub, nc, s->subject, on_message, s);
  if (status != NATS_OK) return status;
  if (s->unlimited) status = natsSubscription_SetPendingLimits(s->sub, -1, -1); /* the window bounds them */
  if (status != NATS_OK) return status;
  duty_begins(s->bus);
  status = natsSubscription_SetOnCompleteCB(s->sub, on_complete, s);
  if (status != NATS_OK) duty_done(s->bus);
  return status;
}

/* Servers that this one knows of join those that we try. */
static void learn_servers(fsm__bus *bus, natsConnection *nc) {
  char **found = NULL;
  int count = 0;
  if (natsConnection_GetDiscoveredServers(nc, &found, &count) != NATS_OK) return;
  for (int i = 0; i < count; i++) {
    const char *at = strstr(found[i], "://");
    char url[FSM_BUS_NATIVE_MAX];
    int len =
        snprintf(url, sizeof url, "%s%s", bus->secure ? "tls://" : "nats://", at != NULL ? at + 3 : found[i]);
    bool known = len < 0 || (size_t)len >= sizeof url;
    for (size_t k = 0; k < bus->server_count && !known; k++) known = strcmp(bus->servers[k], url) == 0;
    if (!known && bus->server_count < FSM_BUS_SERVERS_MAX) {
      snprintf(bus->servers[bus->server_count++], FSM_BUS_NATIVE_MAX, "%s", url);
    }
    free(found[i]);
  }
  free(found);
}

static natsStatus ready(fsm__bus *bus, natsConnection *nc, jsCtx **js) {
  natsStatus status = NATS_OK;
  for (size_t i = 0; i < bus->subscription_count && status == NATS_OK; i++) {
    status = subscribe_one(nc, &bus->subscriptions[i]);
  }
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.Wait = FSM_BUS_STREAM_MS;
  if (status == NATS_OK) status = natsConnection_JetStream(js, nc, &js_options);
  return status;
}

/* Tries one server. What is made of it on a failure is undone by disconnect(). */
static natsStatus connect_once(fsm__bus *bus, const char *server) {
  natsOptions *options = NULL;
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  natsStatus status = options_of(bus, server, &options);
  if (status == NATS_OK) {
    duty_begins(bus); /* on_closed */
    status = natsConnection_Connect(&nc, options);
    natsOptions_Destroy(options);
    if (nc == NULL) duty_done(bus);
  }
  if (status == NATS_OK) status = ready(bus, nc, &js);
  if (status != NATS_OK) note_failure(bus, server, status);
  if (status == NATS_OK) learn_servers(bus, nc);
  pthread_rwlock_wrlock(&bus->gate);
  bus->nc = nc;
  bus->js = js;
  bus->payload_max = status == NATS_OK ? natsConnection_GetMaxPayload(nc) : 0;
  bus->ready = status == NATS_OK;
  pthread_rwlock_unlock(&bus->gate);
  if (status == NATS_OK) changed(bus, true);
  return status;
}

void fsm__bus_leave(fsm__bus *bus, natsSubscription *sub) {
  if (sub == NULL) return;
  natsSubscription_Unsubscribe(sub);
  pthread_mutex_lock(&bus->lock);
  natsSubscription *before = bus->left;
  bus->left = sub;
  pthread_mutex_unlock(&bus->lock);
  natsSubscription_Destroy(before);
}

static void disconnect(fsm__bus *bus) {
  /* The writer of these fields is this thread: it reads them without the lock. */
  natsConnection *nc = bus->nc;
  if (nc != NULL) {
    if (natsConnection_Status(nc) == NATS_CONN_STATUS_CONNECTED) natsConnection_FlushTimeout(nc, FLUSH_MS);
    learn_servers(bus, nc);
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
  natsSubscription *left = bus->left;
  bus->left = NULL;
  pthread_mutex_unlock(&bus->lock);
  natsSubscription_Destroy(left);
  for (size_t i = 0; i < bus->subscription_count; i++) {
    natsSubscription_Destroy(bus->subscriptions[i].sub);
    bus->subscriptions[i].sub = NULL;
  }
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
}

/* ---- the thread ---- */

/* Waits until stop is asked for, the connection has ended, or the time is over (ms < 0: no limit). */
static void wait_moved(fsm__bus *bus, int ms) {
  const struct timespec until = fsm__timespec_of(fsm__monotonic_ns() + (int64_t)ms * 1000000);
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

static bool stopping(fsm__bus *bus) {
  pthread_mutex_lock(&bus->lock);
  bool answer = bus->stopping;
  pthread_mutex_unlock(&bus->lock);
  return answer;
}

/* Doubled with each round that failed, less up to a half, so that clients part. */
static int delay_ms(unsigned rounds, bool refused) {
  int delay = refused ? REFUSED_FIRST_MS : RETRY_FIRST_MS,
      most = refused ? FSM_BUS_REFUSED_MS : FSM_BUS_CONNECT_MS;
  for (unsigned i = 1; i < rounds && delay < most; i++) delay *= 2;
  if (delay > most) delay = most;
  uint64_t noise = (uint64_t)nats_NowInNanoSeconds() * UINT64_C(0x9E3779B97F4A7C15);
  return delay - (int)((noise >> 33) % (uint64_t)(delay / 2 + 1));
}

void *fsm__bus_run(void *arg) {
  fsm__bus *bus = arg;
  unsigned rounds = 0; /* that failed, one after the other */
  size_t tried = 0;    /* servers, in this one */
  bool refused = false;
  while (!stopping(bus)) {
    const char *server = bus->servers[bus->next_server];
    natsStatus status = connect_once(bus, server);
    if (status == NATS_OK) {
      rounds = 0, tried = 0, refused = false;
      wait_moved(bus, -1);
    }
    disconnect(bus);
    bus->next_server = (bus->next_server + 1) % bus->server_count;
    if (status == NATS_OK) {
      wait_moved(bus,
                 delay_ms(1, false)); /* one that lets us in and throws us out is not run into at full pace */
      continue;
    }
    if (status == NATS_CONNECTION_AUTH_FAILED || status == NATS_SSL_ERROR) refused = true;
    if (++tried < bus->server_count) continue;
    wait_moved(bus, delay_ms(++rounds, refused));
    tried = 0, refused = false;
  }
  nats_ReleaseThreadMemory();
  return NULL;
}

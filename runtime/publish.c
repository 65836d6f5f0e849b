/* publish.c: the parts of publishing put together: workers, sinks, notes; their order of starting and
 * stopping is all that is here, and the two callbacks of the runtime.
 *
 * Stopping: the sinks first, while acknowledgements still come; then the workers' thread; then their
 * connection, after which nobody calls back but the runtime. What the runtime may still call into lives until
 * free.
 */
#include "runtime/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/message.h"
#include "runtime/publish_impl.h"
#include "runtime/runtime_impl.h"

/* ---- threads ----------------------------------------------------------------------------------------- */

void fsm__publisher_wake(void *arg) {
  fsm_publisher *p = arg;
  if (!atomic_exchange(&p->wanted, true)) sem_post(&p->wake);
}

/* Until posted or ms later; true: posted. */
static bool wait_for(sem_t *sem, int64_t ms) {
  const struct timespec t = fsm__timespec_of(fsm__monotonic_ns() + ms * 1000000);
  int fault;
  while ((fault = sem_clockwait(sem, CLOCK_MONOTONIC, &t)) != 0 && errno == EINTR) continue;
  return fault == 0;
}

/* So that the thread that makes records durable pays for one flag, however many sinks there are. */
static void *wake_all(void *arg) {
  fsm_publisher *p = arg;
  while (!atomic_load(&p->stopping)) {
    if (wait_for(&p->wake, FSM_PUBLISH_LOOK_MS)) {
      atomic_store(&p->wanted, false);
      fsm__slots_wake(p);
    }
    (void)fsm__notes_send(p->notes);
  }
  return NULL;
}

/* Making a sink may wait for a file system, which nobody else shall. */
static void *mend_all(void *arg) {
  fsm_publisher *p = arg;
  while (!wait_for(&p->mend, FSM_PUBLISH_LOOK_MS) && !atomic_load(&p->stopping)) {
    pthread_mutex_lock(&p->changing);
    if (p->running) fsm__slots_mend(p);
    pthread_mutex_unlock(&p->changing);
  }
  return NULL;
}

static fsm_code start_threads(fsm_publisher *p, fsm_error *err) {
  p->has_waker = pthread_create(&p->waker, NULL, wake_all, p) == 0;
  p->has_mender = p->has_waker && pthread_create(&p->mender, NULL, mend_all, p) == 0;
  return p->has_mender ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "publisher", "no thread for the publisher");
}

static void stop_threads(fsm_publisher *p) {
  atomic_store(&p->stopping, true);
  if (p->has_mender) {
    sem_post(&p->mend);
    pthread_join(p->mender, NULL);
  }
  if (p->has_waker) {
    sem_post(&p->wake);
    pthread_join(p->waker, NULL);
  }
  p->has_waker = p->has_mender = false;
}

/* ---- life -------------------------------------------------------------------------------------------- */

static bool usable_prefix(const char *prefix) {
  size_t len = strlen(prefix);
  if (len == 0 || len > FSM_PREFIX_MAX || prefix[0] == '.' || prefix[len - 1] == '.') return false;
  if (strstr(prefix, "..") != NULL) return false;
  return strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

/* The bus of the workers tells of its connection. */
static void on_changed(void *arg) { fsm__workers_wake(((fsm_publisher *)arg)->workers); }

static bool keep(char **out, const char *text) {
  *out = text != NULL ? strdup(text) : NULL;
  return text == NULL || *out != NULL;
}

static fsm_code open_workers(fsm_publisher *p, const fsm_publisher_options *options, fsm_error *err) {
  if (p->url == NULL) return FSM_OK;
  const fsm__bus_options to = {
      .url = p->url, .name = "fsmd", .creds_file = options->creds_file, .ca_file = options->ca_file};
  fsm_code code = fsm__bus_open(&to, &p->bus, err);
  if (code == FSM_OK) code = fsm__workers_new(p->bus, p->prefix, &p->workers, err);
  return code == FSM_OK ? fsm__bus_observe(p->bus, on_changed, p, err) : code;
}

static void init(fsm_publisher *p) {
  pthread_mutex_init(&p->changing, NULL);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->idle, NULL);
  sem_init(&p->wake, 0, 0);
  sem_init(&p->mend, 0, 0);
}

fsm_code fsm_publisher_new(const fsm_publisher_options *options, fsm_publisher **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && out != NULL);
  const char *prefix = options->prefix != NULL ? options->prefix : "fsm";
  if (options->url == NULL && options->sinks == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "url", "there is no NATS url, and there are no sinks");
  if (!usable_prefix(prefix))
    return fsm_fail(err, FSM_EARGUMENT, "prefix", "\"%.80s\" cannot begin a subject", prefix);
  fsm_publisher *p = calloc(1, sizeof *p);
  if (p == NULL) return fsm_fail(err, FSM_ENOMEM, "publisher", "no memory for the publisher");
  init(p);
  bool kept = keep(&p->url, options->url) && keep(&p->stream, options->stream) && keep(&p->prefix, prefix) &&
              keep(&p->archive, options->archive);
  fsm_code code = kept ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "publisher", "no memory for the publisher");
  if (code == FSM_OK) code = fsm__notes_new(&p->notes, err);
  if (code == FSM_OK) code = fsm__routing_new(&p->routing, err);
  if (code == FSM_OK) code = open_workers(p, options, err);
  if (code == FSM_OK) code = fsm__sink_list_read(p, options->sinks, options->sinks_len, &p->first, err);
  if (code != FSM_OK) {
    fsm_publisher_free(p);
    return code;
  }
  *out = p;
  return FSM_OK;
}

fsm_code fsm_publisher_start(fsm_publisher *p, fsm_runtime *runtime, fsm_error *err) {
  FSM_ASSERT(p != NULL && runtime != NULL && !p->running && p->first != NULL);
  p->runtime = runtime;
  fsm__notes_open(p->notes, runtime);
  pthread_mutex_lock(&p->changing);
  p->running = true;
  fsm_code code = fsm__slots_set(p, p->first, err);
  p->first = NULL;
  pthread_mutex_unlock(&p->changing);
  if (code == FSM_OK) code = start_threads(p, err);
  if (code == FSM_OK && p->workers != NULL) code = fsm__workers_start(p->workers, runtime, err);
  if (code == FSM_OK && p->bus != NULL) code = fsm__bus_start(p->bus, err);
  if (code != FSM_OK) fsm_publisher_stop(p);
  return code;
}

void fsm_publisher_stop(fsm_publisher *p) {
  FSM_ASSERT(p != NULL);
  pthread_mutex_lock(&p->changing);
  if (p->running) fsm__slots_stop(p);
  p->running = false;
  pthread_mutex_unlock(&p->changing);
  stop_threads(p);
  if (p->workers != NULL) fsm__workers_stop(p->workers);
  if (p->bus != NULL) fsm__bus_stop(p->bus);
  if (p->notes == NULL) return;
  (void)fsm__notes_send(p->notes);
  fsm__notes_open(p->notes, NULL);
}

void fsm_publisher_free(fsm_publisher *p) {
  if (p == NULL) return;
  fsm_publisher_stop(p);
  fsm__slots_free(p);
  fsm__sink_list_free(p->first);
  fsm__workers_free(p->workers);
  fsm__bus_free(p->bus);
  fsm__notes_free(p->notes);
  fsm__routing_free(p->routing);
  sem_destroy(&p->wake);
  sem_destroy(&p->mend);
  pthread_cond_destroy(&p->idle);
  pthread_mutex_destroy(&p->lock);
  pthread_mutex_destroy(&p->changing);
  free(p->url);
  free(p->stream);
  free(p->prefix);
  free(p->archive);
  free(p);
}

fsm_code fsm_publisher_reload(fsm_publisher *p, const char *sinks, size_t len, fsm_error *err) {
  FSM_ASSERT(p != NULL);
  fsm__sink_list *list = NULL;
  fsm_code code = fsm__sink_list_read(p, sinks, len, &list, err);
  if (code != FSM_OK) return code;
  pthread_mutex_lock(&p->changing);
  if (p->running) {
    code = fsm__slots_set(p, list, err);
  } else {
    fsm__sink_list_free(list);
    code = fsm_fail(err, FSM_ECLOSED, "publisher", "nothing is published now");
  }
  pthread_mutex_unlock(&p->changing);
  return code;
}

/* ---- callbacks of the runtime ------------------------------------------------------------------------ */

void fsm_publisher_task(void *publisher, const fsm_task *task) {
  FSM_ASSERT(publisher != NULL && task != NULL);
  fsm__workers *workers = ((fsm_publisher *)publisher)->workers;
  if (workers != NULL) fsm__workers_offer(workers, task);
}

/* The outboxes ask the journal themselves. */
void fsm_publisher_durable(void *publisher, uint64_t seq) {
  FSM_ASSERT(publisher != NULL);
  (void)seq;
  fsm__publisher_wake(publisher);
}

/* publish.c: the parts of publishing put together: bus, workers, sink, outbox; their order of starting
 * and stopping is all that is here.
 *
 * Stopping: the outbox first, while acknowledgements still come; then the workers' thread; then the
 * bus, after which nobody calls back but the runtime. What the runtime may still call into lives until free.
 */
#include "runtime/publish.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/message.h"
#include "runtime/outbox.h"
#include "runtime/runtime_impl.h"
#include "runtime/sink_nats.h"
#include "runtime/workers.h"

struct fsm_publisher {
  fsm__bus *bus;
  fsm__workers *workers;
  fsm__sink *sink;
  fsm__journal *journal;
  pthread_mutex_t lock; /* outbox, last */
  fsm__outbox *outbox;  /* NULL before start and after stop */
  fsm_publisher_status last;
};

static bool usable_prefix(const char *prefix) {
  size_t len = strlen(prefix);
  if (len == 0 || len > FSM_PREFIX_MAX || prefix[0] == '.' || prefix[len - 1] == '.') return false;
  if (strstr(prefix, "..") != NULL) return false;
  return strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

/* The bus tells of its connection. */
static void on_changed(void *arg) {
  fsm_publisher *p = arg;
  pthread_mutex_lock(&p->lock);
  if (p->outbox != NULL) fsm__outbox_wake(p->outbox);
  pthread_mutex_unlock(&p->lock);
  fsm__workers_wake(p->workers);
}

fsm_code fsm_publisher_new(const fsm_publisher_options *options, fsm_publisher **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && out != NULL);
  const char *prefix = options->prefix != NULL ? options->prefix : "fsm";
  if (options->url == NULL) return fsm_fail(err, FSM_EARGUMENT, "url", "there is no NATS url");
  if (!usable_prefix(prefix)) {
    return fsm_fail(err, FSM_EARGUMENT, "prefix", "\"%.80s\" cannot begin a subject", prefix);
  }
  fsm_publisher *p = calloc(1, sizeof *p);
  if (p == NULL) return fsm_fail(err, FSM_ENOMEM, "publisher", "no memory for the publisher");
  pthread_mutex_init(&p->lock, NULL);
  fsm_code code = fsm__bus_new(options->url, "fsmd", &p->bus, err);
  if (code == FSM_OK) code = fsm__sink_nats_new(p->bus, options->stream, prefix, &p->sink, err);
  if (code == FSM_OK) code = fsm__workers_new(p->bus, prefix, &p->workers, err);
  if (code == FSM_OK) code = fsm__bus_observe(p->bus, on_changed, p, err);
  if (code != FSM_OK) {
    fsm_publisher_free(p);
    return code;
  }
  *out = p;
  return FSM_OK;
}

fsm_code fsm_publisher_start(fsm_publisher *p, fsm_runtime *runtime, fsm_error *err) {
  FSM_ASSERT(p != NULL && runtime != NULL && p->outbox == NULL);
  p->journal = fsm__runtime_journal(runtime);
  fsm__outbox_options options = {.dir = fsm__runtime_dir(runtime),
                                 .journal = p->journal,
                                 .origin = fsm__runtime_origin(runtime),
                                 .sink = p->sink};
  fsm__outbox *outbox = NULL;
  fsm_code code = fsm__outbox_start(&options, &outbox, err);
  if (code != FSM_OK) return code;
  pthread_mutex_lock(&p->lock);
  p->outbox = outbox;
  pthread_mutex_unlock(&p->lock);
  code = fsm__workers_start(p->workers, runtime, err);
  if (code == FSM_OK) code = fsm__bus_start(p->bus, err);
  if (code != FSM_OK) fsm_publisher_stop(p);
  return code;
}

void fsm_publisher_stop(fsm_publisher *p) {
  FSM_ASSERT(p != NULL);
  fsm__outbox *outbox = p->outbox; /* start and stop are one thread's */
  if (outbox != NULL) fsm__outbox_stop(outbox);
  fsm_publisher_status last;
  fsm_publisher_status_get(p, &last);
  pthread_mutex_lock(&p->lock);
  p->outbox = NULL;
  p->last = last;
  pthread_mutex_unlock(&p->lock);
  fsm__workers_stop(p->workers);
  fsm__bus_stop(p->bus);
  fsm__outbox_free(outbox);
}

void fsm_publisher_free(fsm_publisher *p) {
  if (p == NULL) return;
  if (p->workers != NULL) fsm_publisher_stop(p);
  fsm__sink_nats_free(p->sink);
  fsm__workers_free(p->workers);
  fsm__bus_free(p->bus);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

void fsm_publisher_task(void *publisher, const fsm_task *task) {
  FSM_ASSERT(publisher != NULL && task != NULL);
  fsm__workers_offer(((fsm_publisher *)publisher)->workers, task);
}

void fsm_publisher_durable(void *publisher, uint64_t seq) {
  FSM_ASSERT(publisher != NULL);
  (void)seq; /* the outbox asks the journal itself */
  fsm_publisher *p = publisher;
  pthread_mutex_lock(&p->lock);
  if (p->outbox != NULL) fsm__outbox_wake(p->outbox);
  pthread_mutex_unlock(&p->lock);
}

void fsm_publisher_status_get(fsm_publisher *p, fsm_publisher_status *out) {
  FSM_ASSERT(p != NULL && out != NULL);
  pthread_mutex_lock(&p->lock);
  fsm_publisher_status status = p->last;
  status.connected = false;
  if (p->outbox != NULL) {
    fsm__outbox_status outbox;
    fsm__outbox_status_get(p->outbox, &outbox);
    status = (fsm_publisher_status){.halted = outbox.halted,
                                    .published_seq = outbox.seq,
                                    .durable_seq = fsm__journal_durable_seq(p->journal),
                                    .published = outbox.published,
                                    .retries = outbox.retries};
    snprintf(status.last_error, sizeof status.last_error, "%s", outbox.last_error);
  }
  bool running = p->outbox != NULL;
  pthread_mutex_unlock(&p->lock);
  if (running) status.connected = fsm__bus_connected(p->bus);
  if (running && !status.connected && status.last_error[0] == '\0') {
    fsm__bus_last_error(p->bus, status.last_error, sizeof status.last_error);
  }
  *out = status;
}

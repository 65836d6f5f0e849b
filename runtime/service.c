/* service.c: the registry, the queue in front of the threads, the threads. See service.h.
 *
 * A thread that dies with its callback (one that never returns) is given up at the end: it holds a reference,
 * so that the memory it looks at goes with the last one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/runtime_impl.h"
#include "runtime/service_impl.h"
#include "runtime/task_copy.h"

/* ---- registry ----------------------------------------------------------------------------------- */

size_t fsm__services_count(const fsm__services *s) { return s->count; }

int fsm__services_find(const fsm__services *s, const char *name) {
  for (size_t i = 0; i < s->count; i++)
    if (strcmp(s->entries[i].name, name) == 0) return (int)i;
  return -1;
}

static fsm_code check(const fsm__services *s, const fsm_service *service, const char *where, fsm_error *err) {
  if (service->name == NULL || service->name[0] == '\0' || service->run == NULL)
    return fsm_fail(err, FSM_EARGUMENT, where, "a service has no name or no function");
  if (strlen(service->name) > FSM_SERVICE_NAME_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, where, "the name of a service is over %d bytes",
                    FSM_SERVICE_NAME_MAX);
  if (strcmp(service->name, "machine") == 0)
    return fsm_fail(err, FSM_EARGUMENT, where, "the service \"machine\" is built in");
  if (fsm__services_find(s, service->name) >= 0)
    return fsm_fail(err, FSM_EARGUMENT, where, "the service \"%s\" is registered twice", service->name);
  return FSM_OK;
}

static void add(fsm__services *s, const fsm_service *service, unsigned group) {
  fsm__service_entry *entry = &s->entries[s->count++];
  size_t len = strlen(service->name);
  unsigned threads = s->threads_of[group];
  memcpy(entry->name, service->name, len + 1);
  entry->run = service->run;
  entry->arg = service->arg;
  entry->group = group;
  entry->concurrency =
      service->concurrency == 0 || service->concurrency > threads ? threads : service->concurrency;
}

static fsm_code fill(fsm__services *s, const fsm_runtime_options *options, fsm_error *err) {
  char where[32];
  if (options->service_count > FSM_SERVICES_MAX || options->service_threads > FSM_SERVICE_THREADS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "services", "there are over %d services or %d threads for them",
                    FSM_SERVICES_MAX, FSM_SERVICE_THREADS_MAX);
  s->entries = calloc(options->service_count + 1, sizeof *s->entries);
  if (s->entries == NULL) return fsm_fail(err, FSM_ENOMEM, "services", "no memory for the services");
  if (options->service_count > 0)
    s->threads_of[FSM_GROUP_PROGRAM] =
        options->service_threads ? options->service_threads : FSM_SERVICE_THREADS;
  for (size_t i = 0; i < options->service_count; i++) {
    snprintf(where, sizeof where, "services[%zu]", i);
    fsm_code code = check(s, &options->services[i], where, err);
    if (code != FSM_OK) return code;
    add(s, &options->services[i], FSM_GROUP_PROGRAM);
  }
  if (options->http_allow_count == 0 || fsm__services_find(s, "http") >= 0) return FSM_OK;
  fsm_code code = fsm__http_service_new(options, &s->http, err);
  if (code != FSM_OK) return code;
  s->threads_of[FSM_GROUP_HTTP] = fsm__http_service_concurrency(s->http);
  add(s, &(fsm_service){.name = "http", .run = fsm__http_service_run, .arg = s->http}, FSM_GROUP_HTTP);
  return FSM_OK;
}

fsm_code fsm__services_new(const fsm_runtime_options *options, fsm__services **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && out != NULL && (options->services != NULL || options->service_count == 0));
  fsm__services *s = calloc(1, sizeof *s);
  if (s == NULL) return fsm_fail(err, FSM_ENOMEM, "services", "no memory for the services");
  s->last = &s->first;
  s->answers_end = &s->answers;
  s->references = 1;
  s->now = options->now;
  s->now_arg = options->now_arg;
  pthread_mutex_init(&s->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&s->moved, &attr);
  pthread_condattr_destroy(&attr);
  fsm_code code = fill(s, options, err);
  if (code != FSM_OK) {
    fsm__services_free(s);
    return code;
  }
  *out = s;
  return FSM_OK;
}

/* ---- the queue ---------------------------------------------------------------------------------- */

bool fsm__services_room(fsm__services *s, unsigned service) {
  FSM_ASSERT(service < s->count);
  pthread_mutex_lock(&s->lock);
  const fsm__service_entry *entry = &s->entries[service];
  bool room = !s->stopping && entry->queued < entry->concurrency;
  if (!room) s->wanted = true;
  pthread_mutex_unlock(&s->lock);
  return room;
}

bool fsm__services_take(fsm__services *s, unsigned service, const fsm_task *task) {
  FSM_ASSERT(service < s->count);
  fsm__attempt *attempt = calloc(1, sizeof *attempt);
  if (attempt == NULL) return false;
  fsm_arena_init(&attempt->arena, 0);
  attempt->services = s;
  attempt->service = service;
  attempt->task = fsm__task_copy(&attempt->arena, task);
  if (attempt->task == NULL) {
    fsm__attempt_free(attempt);
    return false;
  }
  pthread_mutex_lock(&s->lock);
  *s->last = attempt;
  s->last = &attempt->next;
  s->entries[service].queued++;
  pthread_cond_broadcast(&s->moved);
  pthread_mutex_unlock(&s->lock);
  return true;
}

/* The first that a thread of this group may begin, out of the queue. */
static fsm__attempt *pick(fsm__services *s, unsigned group) {
  for (fsm__attempt **at = &s->first; *at != NULL; at = &(*at)->next) {
    fsm__attempt *attempt = *at;
    fsm__service_entry *entry = &s->entries[attempt->service];
    if (entry->group != group || entry->running >= entry->concurrency) continue;
    *at = attempt->next;
    if (*at == NULL) s->last = at;
    attempt->next = NULL;
    entry->queued--;
    entry->running++;
    return attempt;
  }
  return NULL;
}

/* ---- threads ------------------------------------------------------------------------------------ */

/* Room came up that the writer waits for. */
static void tell_writer(fsm__services *s) {
  if (!s->wanted || s->runtime == NULL) return;
  s->wanted = false;
  fsm__runtime_wake(s->runtime);
}

/* One attempt from its record to its answer; the lock is held at both ends. */
static void run(fsm__services *s, fsm__attempt *attempt) {
  fsm__service_entry *entry = &s->entries[attempt->service];
  fsm_service_result result = {.output = fsm_null()};
  tell_writer(s);
  pthread_mutex_unlock(&s->lock);
  bool begun = fsm__attempt_begin(attempt);
  if (begun) entry->run(entry->arg, attempt->task, &attempt->arena, &result);
  pthread_mutex_lock(&s->lock);
  entry->running--;
  pthread_cond_broadcast(&s->moved);
  if (!begun) {
    fsm__attempt_free(attempt);
    return;
  }
  fsm__attempt_answer(attempt, &result);
  fsm__answers_add(s, attempt);
}

static void wait_until(fsm__services *s, int64_t until_ns) {
  if (until_ns == INT64_MAX) {
    pthread_cond_wait(&s->moved, &s->lock);
    return;
  }
  const struct timespec t = fsm__timespec_of(until_ns);
  pthread_cond_timedwait(&s->moved, &s->lock, &t);
}

static void release(fsm__services *s) { /* under the lock, which it leaves */
  bool last = --s->references == 0;
  pthread_cond_broadcast(&s->moved);
  pthread_mutex_unlock(&s->lock);
  if (!last) return;
  for (fsm__attempt *at = s->first, *next; at != NULL; at = next) next = at->next, fsm__attempt_free(at);
  for (fsm__attempt *at = s->answers, *next; at != NULL; at = next) next = at->next, fsm__attempt_free(at);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->moved);
  fsm__http_service_free(s->http);
  free(s->entries);
  free(s->threads);
  free(s);
}

static void *thread_run(void *arg) {
  const fsm__service_thread *thread = arg;
  fsm__services *s = thread->services;
  pthread_mutex_lock(&s->lock);
  for (;;) {
    int64_t until_ns = fsm__answers_give(s);
    fsm__attempt *attempt = s->stopping ? NULL : pick(s, thread->group);
    if (attempt != NULL)
      run(s, attempt);
    else if (s->stopping && s->answers == NULL)
      break;
    else
      wait_until(s, until_ns);
  }
  release(s);
  return NULL;
}

size_t fsm__services_turn(fsm__services *s, int64_t *next_ns) {
  size_t count = 0;
  pthread_mutex_lock(&s->lock);
  for (unsigned group = 0; group < FSM_GROUP_COUNT; group++) {
    fsm__attempt *attempt;
    for (; !s->stopping && (attempt = pick(s, group)) != NULL; count++) run(s, attempt);
  }
  *next_ns = fsm__answers_give(s);
  pthread_mutex_unlock(&s->lock);
  return count;
}

fsm_code fsm__services_start(fsm__services *s, fsm_runtime *runtime, fsm_error *err) {
  size_t wanted = 0;
  for (unsigned g = 0; g < FSM_GROUP_COUNT; g++) wanted += s->threads_of[g];
  s->runtime = runtime;
  s->manual = fsm__runtime_manual(runtime);
  if (s->manual) return FSM_OK;
  s->threads = calloc(wanted + 1, sizeof *s->threads);
  if (s->threads == NULL) return fsm_fail(err, FSM_ENOMEM, "services", "no memory for the services");
  for (unsigned g = 0; g < FSM_GROUP_COUNT; g++) {
    for (unsigned i = 0; i < s->threads_of[g]; i++) {
      fsm__service_thread *thread = &s->threads[s->thread_count];
      *thread = (fsm__service_thread){.services = s, .group = g};
      pthread_mutex_lock(&s->lock);
      s->references++;
      pthread_mutex_unlock(&s->lock);
      if (pthread_create(&thread->id, NULL, thread_run, thread) != 0) {
        pthread_mutex_lock(&s->lock);
        s->references--;
        pthread_mutex_unlock(&s->lock);
        return fsm_fail(err, FSM_ENOMEM, "services", "a thread for the services cannot be started");
      }
      s->thread_count++;
    }
  }
  return FSM_OK;
}

void fsm__services_stop(fsm__services *s, int64_t wait_ns) {
  int64_t until_ns = fsm__monotonic_ns() + wait_ns;
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  if (s->manual) fsm__answers_hurry(s);
  pthread_cond_broadcast(&s->moved);
  while (s->references > 1 && fsm__monotonic_ns() < until_ns) wait_until(s, until_ns);
  bool alone = s->references == 1;
  s->runtime = NULL;
  pthread_mutex_unlock(&s->lock);
  for (size_t i = 0; i < s->thread_count; i++) {
    if (alone)
      pthread_join(s->threads[i].id, NULL);
    else
      pthread_detach(s->threads[i].id);
  }
  s->thread_count = 0;
}

void fsm__services_free(fsm__services *s) {
  if (s == NULL) return;
  pthread_mutex_lock(&s->lock);
  release(s);
}

/* service_http.c: clients that keep their connections, one for each request under way. See service_http.h. */
#include "runtime/service_http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/http_request.h"
#include "runtime/service.h"
#include "runtime/web_url.h"

struct fsm__http_service {
  char **allowed;
  size_t allowed_count;
  unsigned concurrency;
  pthread_mutex_t lock; /* of the list of those that are free */
  fsm_web **free_clients;
  unsigned free_count;
};

unsigned fsm__http_service_concurrency(const fsm__http_service *http) { return http->concurrency; }

static fsm_code copy_allowed(fsm__http_service *http, const fsm_runtime_options *options, fsm_error *err) {
  char where[40];
  fsm_error inner = {.text = ""};
  for (size_t i = 0; i < options->http_allow_count; i++) {
    snprintf(where, sizeof where, "http_allow[%zu]", i);
    if (options->http_allow[i] == NULL || fsm__web_url_check(options->http_allow[i], &inner) != FSM_OK)
      return fsm_fail(err, FSM_EARGUMENT, where, "%s", inner.text);
    http->allowed[i] = strdup(options->http_allow[i]);
    if (http->allowed[i] == NULL) return fsm_fail(err, FSM_ENOMEM, where, "no memory for the service http");
    http->allowed_count++;
  }
  return FSM_OK;
}

static fsm_code open_clients(fsm__http_service *http, fsm_error *err) {
  const fsm_web_options options = {.anywhere = true, .body_max = FSM_HTTP_BODY_MAX};
  fsm_code code = FSM_OK;
  while (code == FSM_OK && http->free_count < http->concurrency) {
    code = fsm_web_open(&options, &http->free_clients[http->free_count], err);
    if (code == FSM_OK) http->free_count++;
  }
  return code;
}

fsm_code fsm__http_service_new(const fsm_runtime_options *options, fsm__http_service **out, fsm_error *err) {
  if (options->http_allow_count > FSM_HTTP_ALLOW_MAX || options->http_concurrency > FSM_SERVICE_THREADS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "http_allow", "over %d URLs are allowed, or over %d requests at once",
                    FSM_HTTP_ALLOW_MAX, FSM_SERVICE_THREADS_MAX);
  fsm__http_service *http = calloc(1, sizeof *http);
  if (http == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the service http");
  pthread_mutex_init(&http->lock, NULL);
  http->concurrency = options->http_concurrency ? options->http_concurrency : FSM_HTTP_CONCURRENCY;
  http->allowed = calloc(options->http_allow_count + 1, sizeof *http->allowed);
  http->free_clients = calloc(http->concurrency, sizeof(fsm_web *));
  fsm_code code = http->allowed != NULL && http->free_clients != NULL
                      ? copy_allowed(http, options, err)
                      : fsm_fail(err, FSM_ENOMEM, "", "no memory for the service http");
  if (code == FSM_OK) code = open_clients(http, err);
  if (code != FSM_OK) {
    fsm__http_service_free(http);
    return code;
  }
  *out = http;
  return FSM_OK;
}

void fsm__http_service_free(fsm__http_service *http) {
  if (http == NULL) return;
  for (unsigned i = 0; i < http->free_count; i++) fsm_web_close(http->free_clients[i]);
  for (size_t i = 0; i < http->allowed_count; i++) free(http->allowed[i]);
  free(http->free_clients);
  free(http->allowed);
  pthread_mutex_destroy(&http->lock);
  free(http);
}

/* ---- a request ---------------------------------------------------------------------------------- */

/* No more attempts run at once than there are clients (service.h). */
static fsm_web *take_client(fsm__http_service *http) {
  pthread_mutex_lock(&http->lock);
  FSM_ASSERT(http->free_count > 0);
  fsm_web *web = http->free_clients[--http->free_count];
  pthread_mutex_unlock(&http->lock);
  return web;
}

static void return_client(fsm__http_service *http, fsm_web *web) {
  pthread_mutex_lock(&http->lock);
  http->free_clients[http->free_count++] = web;
  pthread_mutex_unlock(&http->lock);
}

/* What can only come out the same way again is final. */
static bool final_fault(fsm_code code) {
  return code == FSM_EARGUMENT || code == FSM_EPERMISSION || code == FSM_ETOOLARGE;
}

void fsm__http_service_run(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  fsm__http_service *http = arg;
  fsm__http_request request;
  fsm_web_reply reply;
  fsm_code code = fsm__http_request_read(arena, task, &request, &out->error);
  if (code == FSM_OK)
    code = fsm__web_url_allowed((const char *const *)http->allowed, http->allowed_count, request.web.path,
                                &out->error);
  if (code == FSM_OK) {
    bool shorter = request.timeout_ns > 0 && request.timeout_ns < task->timeout_ns;
    fsm_web *web = take_client(http);
    fsm_web_timeout(web, shorter ? request.timeout_ns : task->timeout_ns);
    code = fsm_web_do(web, &request.web, arena, &reply, &out->error);
    return_client(http, web);
  }
  if (code == FSM_OK)
    fsm__http_reply_read(arena, &request, &reply, fsm__wall_ns() / 1000000000, out);
  else
    out->final = final_fault(code);
}

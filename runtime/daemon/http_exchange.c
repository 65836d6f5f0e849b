/* http_exchange.c: one request and its answer: their memory, and the way back from other threads.
 *
 * Exchanges are used again; what grew large in one is given back. */
#include <stdlib.h>

#include "runtime/daemon/http_impl.h"

enum { POOL_MAX = 256, KEPT_BYTES = 64 * 1024 };

void fsm__exchange_uncount(fsm__exchange *e) {
  e->listener->http->body_bytes -= e->counted;
  e->counted = 0;
}

static void exchange_free(fsm__exchange *e) {
  fsm_arena_free(&e->request.arena);
  fsm_buf_free(&e->request.body);
  fsm_buf_free(&e->request.out);
  fsm_buf_free(&e->closed_text);
  free(e);
}

fsm__exchange *fsm__exchange_new(fsm__listener *l, struct MHD_Connection *connection) {
  fsm__http *http = l->http;
  fsm__exchange *e = http->pool;
  if (e) {
    http->pool = e->next;
    http->pooled--;
    fsm_arena arena = e->request.arena;
    fsm_buf out = e->request.out;
    fsm_arena_reset(&arena);
    fsm_buf_reset(&out);
    *e = (fsm__exchange){.request = {.arena = arena, .out = out}};
  } else if (!(e = calloc(1, sizeof *e))) {
    return NULL;
  }
  e->listener = l;
  e->connection = connection;
  e->refs = 1;
  e->request.policy = l->policy;
  e->request.any_host = l->any_host;
  e->request.draw = &http->draw;
  e->request.finish = fsm__http_finish;
  e->next = http->active;
  if (e->next) e->next->prev = e;
  http->active = e;
  return e;
}

void fsm__exchange_drop(fsm__exchange *e) {
  FSM_ASSERT(e->refs > 0);
  if (--e->refs > 0) return;
  fsm__http *http = e->listener->http;
  fsm__exchange_uncount(e);
  /* What grew large is given back rather than kept for the next. */
  bool small = e->request.out.cap <= 64 * 1024 && fsm_arena_used(&e->request.arena) <= 64 * 1024;
  if (!small || http->pooled == POOL_MAX) {
    exchange_free(e);
    return;
  }
  fsm_buf_free(&e->request.body);
  fsm_buf_free(&e->closed_text);
  e->next = http->pool;
  http->pool = e;
  http->pooled++;
}

static void leave_active(fsm__http *http, fsm__exchange *e) {
  if (e->prev)
    e->prev->next = e->next;
  else
    http->active = e->next;
  if (e->next) e->next->prev = e->prev;
  e->next = e->prev = NULL;
}

void fsm__exchange_end(fsm__exchange *e) {
  if (e->place) e->place->memory = (void *)(uintptr_t)e->head_at;
  fsm__connection_idle(e->place, e->head_bytes + e->got);
  e->connection = NULL;
  e->place = NULL;
  leave_active(e->listener->http, e);
  fsm__flow_gone(e);
  fsm__exchange_drop(e);
}

void fsm__exchange_free_pool(fsm__http *http) {
  for (fsm__exchange *e = http->pool, *next; e; e = next) {
    next = e->next;
    exchange_free(e);
  }
}

void fsm__http_finish(fsm__request *request) {
  fsm__exchange *e = (fsm__exchange *)(void *)request;
  fsm__http *http = e->listener->http;
  fsm__http_shape(request);
  pthread_mutex_lock(&http->mutex);
  bool first = http->done == NULL;
  e->next_done = http->done;
  http->done = e;
  pthread_mutex_unlock(&http->mutex);
  if (first) fsm__loop_wake(http->loop);
}

fsm__exchange *fsm__exchange_take_done(fsm__http *http) {
  pthread_mutex_lock(&http->mutex);
  fsm__exchange *done = http->done;
  http->done = NULL;
  pthread_mutex_unlock(&http->mutex);
  fsm__exchange *oldest = NULL;
  while (done) {
    fsm__exchange *next = done->next_done;
    done->next_done = oldest;
    oldest = done;
    done = next;
  }
  return oldest;
}

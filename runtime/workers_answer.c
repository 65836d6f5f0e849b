/* workers_answer.c: what workers send: a task completed, failed or alive; a command each, and the reply to it
 * when it is durable. See workers.c. */
#include <stdlib.h>
#include <string.h>

#include "runtime/worker_request.h"
#include "runtime/workers_impl.h"

/* ---- sending ---- */

void fsm__workers_reply(fsm__workers *w) {
  pthread_mutex_lock(&w->lock);
  reply *all = w->replies;
  w->replies = NULL;
  w->replies_end = &w->replies;
  pthread_mutex_unlock(&w->lock);
  for (reply *next; all != NULL; all = next) {
    next = all->next;
    /* A reply that is lost is asked for again: the command is durable and its repetition is told so. */
    fsm_code lost = fsm__bus_publish(w->bus, all->subject, NULL, 0, all->text.data, all->text.len, NULL);
    (void)lost;
    fsm_buf_free(&all->text);
    free(all->subject);
    free(all);
  }
}

/* ---- what the bus calls ---- */

static reply *reply_new(fsm__workers *w, const char *subject) {
  reply *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->workers = w;
  r->subject = strdup(subject);
  if (r->subject == NULL) {
    free(r);
    return NULL;
  }
  return r;
}

void fsm__workers_reply_free(reply *r) {
  fsm_buf_free(&r->text);
  free(r->subject);
  free(r);
}

static void queue_reply(reply *r) {
  fsm__workers *w = r->workers;
  bool keep = fsm_buf_ok(&r->text);
  pthread_mutex_lock(&w->lock);
  keep = keep && !w->stopping;
  if (keep) {
    *w->replies_end = r;
    w->replies_end = &r->next;
    fsm__workers_moved(w);
  }
  pthread_mutex_unlock(&w->lock);
  if (!keep) fsm__workers_reply_free(r);
}

static void on_answer(void *arg, const fsm_answer *answer) { /* the writer's thread */
  reply *r = arg;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__worker_reply_write(&r->text, &arena, answer);
  fsm_arena_free(&arena);
  queue_reply(r);
}

static fsm_value worker_actor(fsm_pair pairs[2]) {
  fsm_value actor = fsm_null();
  pairs[0] = (fsm_pair){fsm_string("authn"), fsm_string("none")};
  pairs[1] = (fsm_pair){fsm_string("type"), fsm_string("worker")};
  return fsm_map(pairs, 2, &actor, NULL) == FSM_OK ? actor : fsm_null();
}

static void on_request(fsm__workers *w, fsm_command_kind kind, const fsm__bus_message *message) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  fsm_command command;
  fsm_pair pairs[2];
  reply *r = message->reply != NULL ? reply_new(w, message->reply) : NULL;
  fsm_code code = fsm__worker_request_read(&arena, kind, message->data, message->len, &command, &err);
  if (code == FSM_OK) {
    command.actor = worker_actor(pairs);
    code = fsm_submit(w->runtime, &command, r != NULL ? on_answer : NULL, r, &err);
    if (code == FSM_OK) r = NULL; /* on_answer has it */
  } else if (code == FSM_EMALFORMED || code == FSM_ETOOLARGE) {
    command = fsm__worker_request_refused(&arena, code, message->data, message->len);
    command.actor = worker_actor(pairs);
    fsm_code uncounted = fsm_submit(w->runtime, &command, NULL, NULL, NULL);
    (void)uncounted; /* the worker is told anyway */
  }
  if (r != NULL) {
    fsm__worker_error_write(&r->text, &err);
    queue_reply(r);
  }
  fsm_arena_free(&arena);
}

void fsm__workers_on_complete(void *arg, const fsm__bus_message *message) {
  on_request(arg, FSM_CMD_TASK_COMPLETE, message);
}

void fsm__workers_on_fail(void *arg, const fsm__bus_message *message) {
  on_request(arg, FSM_CMD_TASK_FAIL, message);
}

void fsm__workers_on_heartbeat(void *arg, const fsm__bus_message *message) {
  on_request(arg, FSM_CMD_TASK_HEARTBEAT, message);
}

/* service_answer.c: what an attempt tells the runtime: that it begins, and how it ended.
 *
 * An answer lives in `answers` until it is due, then with the writer until that has decided; it comes back
 * when it could not be taken yet. */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/runtime_impl.h"
#include "runtime/service_impl.h"

enum { BUSY_MS = 5 };

void fsm__attempt_free(fsm__attempt *attempt) {
  fsm_arena_free(&attempt->arena);
  free(attempt);
}

static fsm_command command_of(const fsm__attempt *attempt, fsm_command_kind kind) {
  fsm_command command = fsm_command_new(kind);
  memcpy(command.token, attempt->task->token, sizeof command.token);
  command.attempt = attempt->task->attempt;
  command.correlation = attempt->task->correlation[0] != '\0' ? attempt->task->correlation : NULL;
  return command;
}

/* ---- the beginning ------------------------------------------------------------------------------ */

typedef struct beginning {
  pthread_mutex_t lock;
  pthread_cond_t said;
  bool over, begun;
} beginning;

static void on_begun(void *arg, const fsm_answer *answer) {
  beginning *b = arg;
  pthread_mutex_lock(&b->lock);
  b->over = true;
  b->begun = answer->error.code == FSM_OK && answer->seq != 0;
  pthread_cond_signal(&b->said);
  pthread_mutex_unlock(&b->lock);
}

/* The runtime lives as long as it is not NULL under the lock. */
static fsm_code submit(fsm__services *s, const fsm_command *command, fsm_answer_fn fn, void *arg,
                       fsm_error *err) {
  return s->runtime != NULL ? fsm__runtime_submit(s->runtime, command, fn, arg, err) : FSM_ECLOSED;
}

bool fsm__attempt_begin(fsm__attempt *attempt) {
  fsm__services *s = attempt->services;
  fsm_task *task = attempt->task;
  const fsm_command command = command_of(attempt, FSM_CMD_TASK_STARTED);
  beginning b = {.lock = PTHREAD_MUTEX_INITIALIZER, .said = PTHREAD_COND_INITIALIZER};
  struct timespec pause = {.tv_nsec = 1000000};
  int64_t now_ns = s->now != NULL ? s->now(s->now_arg) : fsm__wall_ns();
  if (__builtin_add_overflow(now_ns, task->timeout_ns, &task->deadline_ns)) task->deadline_ns = INT64_MAX;
  for (;;) {
    pthread_mutex_lock(&s->lock);
    fsm_code code = submit(s, &command, on_begun, &b, NULL);
    pthread_mutex_unlock(&s->lock);
    if (code == FSM_OK) break;
    if (code != FSM_EBUSY && code != FSM_ENOMEM) return false;
    if (s->manual)
      (void)fsm__runtime_turn_writer(s->runtime);
    else
      nanosleep(&pause, NULL);
  }
  while (s->manual && !b.over) (void)fsm__runtime_turn_writer(s->runtime);
  pthread_mutex_lock(&b.lock);
  while (!b.over) pthread_cond_wait(&b.said, &b.lock);
  pthread_mutex_unlock(&b.lock);
  pthread_mutex_lock(&s->lock);
  bool given_up = s->runtime == NULL;
  pthread_mutex_unlock(&s->lock);
  return b.begun && !given_up;
}

/* ---- the end ------------------------------------------------------------------------------------ */

/* What the machine reads as event.error: what the service gave, with code and message. */
static fsm_value error_of(fsm_arena *arena, const fsm_error *error, const fsm_value *more) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 3 * sizeof *pairs);
  fsm_error *kept = fsm_arena_alloc(arena, sizeof *kept);
  fsm_value named, out;
  unsigned count = 0;
  if (pairs == NULL || kept == NULL) return fsm_null();
  *kept = *error;
  pairs[count++] = (fsm_pair){fsm_string("code"), fsm_string(fsm_code_name(kept->code))};
  pairs[count++] =
      (fsm_pair){fsm_string("message"), fsm_string(kept->text[0] ? kept->text : fsm_code_text(kept->code))};
  if (kept->where[0] != '\0') pairs[count++] = (fsm_pair){fsm_string("where"), fsm_string(kept->where)};
  if (fsm_map(pairs, count, &named, NULL) != FSM_OK) return fsm_null();
  if (!fsm_is(more, FSM_MAP)) return named;
  return fsm_map_merge(arena, more, &named, &out) == FSM_OK ? out : named;
}

static void fail_with(fsm__attempt *attempt, const fsm_error *error, const fsm_value *more) {
  attempt->answer = command_of(attempt, FSM_CMD_TASK_FAIL);
  attempt->answer.data = error_of(&attempt->arena, error, more);
}

void fsm__attempt_answer(fsm__attempt *attempt, const fsm_service_result *result) {
  const fsm_value none = fsm_null();
  if (result->later && result->error.code == FSM_OK) {
    attempt->answer = command_of(attempt, FSM_CMD_TASK_HEARTBEAT);
    attempt->answer.later = true;
  } else if (result->error.code == FSM_OK) {
    attempt->answer = command_of(attempt, FSM_CMD_TASK_COMPLETE);
    attempt->answer.data = result->output;
  } else {
    bool fits = fsm_value_depth(&result->output) < FSM_DATA_DEPTH_MAX;
    fail_with(attempt, &result->error, fits ? &result->output : &none);
    attempt->answer.final = result->final;
    attempt->answer.retry_ns = result->retry_ns;
  }
}

void fsm__answers_add(fsm__services *s, fsm__attempt *attempt) {
  attempt->again_ns = 0;
  attempt->next = NULL;
  s->answer_count++;
  *s->answers_end = attempt;
  s->answers_end = &attempt->next;
}

/* Is it only a matter of time until it can be taken? */
static bool may_be_taken_later(fsm_code code) {
  return code == FSM_EPAUSED || code == FSM_EINCIDENT || code == FSM_EFULL || code == FSM_EBUSY ||
         code == FSM_EQUOTA || code == FSM_ENOMEM;
}

static void give_again(fsm__services *s, fsm__attempt *attempt, int64_t wait_ms) {
  attempt->again_ns = fsm__monotonic_ns() + wait_ms * 1000000;
  attempt->next = NULL;
  *s->answers_end = attempt;
  s->answers_end = &attempt->next;
  pthread_cond_signal(&s->moved);
}

static void drop(fsm__services *s, fsm__attempt *attempt) {
  s->answer_count--;
  fsm__attempt_free(attempt);
}

/* Output that the machine's schemas refuse would leave the attempt to its timeout: it fails instead. */
static bool is_no_output(const fsm__attempt *attempt, fsm_code code) {
  return attempt->answer.kind == FSM_CMD_TASK_COMPLETE && (code == FSM_EDATA || code == FSM_ETOOLARGE);
}

static void on_answered(void *arg, const fsm_answer *answer) { /* the writer's thread */
  fsm__attempt *attempt = arg;
  fsm__services *s = attempt->services;
  const fsm_value none = fsm_null();
  bool again = may_be_taken_later(answer->error.code);
  pthread_mutex_lock(&s->lock);
  if (is_no_output(attempt, answer->error.code)) {
    fail_with(attempt, &answer->error, &none);
    give_again(s, attempt, 0);
  } else if (again && !s->stopping && s->answer_count <= FSM_SERVICE_ANSWERS_MAX)
    give_again(s, attempt, FSM_SERVICE_AGAIN_MS);
  else
    drop(s, attempt);
  pthread_mutex_unlock(&s->lock);
}

/* Hands it to the writer's queue. What is no answer at all fails its attempt with the reason. */
static void give(fsm__services *s, fsm__attempt *attempt) {
  const fsm_value none = fsm_null();
  fsm_error err = {.text = ""}, why = {.text = ""};
  fsm_code code = submit(s, &attempt->answer, on_answered, attempt, &err);
  if (code != FSM_OK && code != FSM_ECLOSED && !may_be_taken_later(code)) {
    (void)fsm_fail(&why, code, s->entries[attempt->service].name, "what the service gave is no data: %s",
                   err.text);
    bool failed = attempt->answer.kind == FSM_CMD_TASK_FAIL, final = attempt->answer.final;
    fail_with(attempt, &why, &none);
    attempt->answer.final = failed && final;
    code = submit(s, &attempt->answer, on_answered, attempt, NULL);
  }
  if (code == FSM_OK) return;
  if (may_be_taken_later(code))
    give_again(s, attempt, BUSY_MS);
  else
    drop(s, attempt); /* closed: the attempt is on record, and lost */
}

int64_t fsm__answers_give(fsm__services *s) {
  int64_t now_ns = fsm__monotonic_ns(), next_ns = INT64_MAX;
  fsm__attempt *all = s->answers;
  s->answers = NULL;
  s->answers_end = &s->answers;
  for (fsm__attempt *at = all, *next; at != NULL; at = next) {
    next = at->next;
    at->next = NULL;
    if (at->again_ns <= now_ns) {
      give(s, at);
      continue;
    }
    *s->answers_end = at;
    s->answers_end = &at->next;
    if (at->again_ns < next_ns) next_ns = at->again_ns;
  }
  return next_ns;
}

void fsm__answers_hurry(fsm__services *s) {
  for (fsm__attempt *at = s->answers; at != NULL; at = at->next) at->again_ns = 0;
  (void)fsm__answers_give(s);
}

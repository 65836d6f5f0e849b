/* submit.c: commands from any thread into the queue, one or many at once, and threads that wait for answers.
 *
 * A batch is admitted whole before any of it is queued, and queued under one lock: all of it or nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/admit.h"
#include "runtime/clock.h"
#include "runtime/runtime_impl.h"
#include "runtime/writer.h"

/* ---- submitting --------------------------------------------------------------------------------- */

static fsm_code writable(const fsm_runtime *runtime, fsm_error *err) {
  if (fsm__runtime_closing(runtime)) return fsm_fail(err, FSM_ECLOSED, "", "the runtime is closing");
  if (!fsm__runtime_read_only(runtime)) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "", "the data is open for reading only");
}

/* A job that holds a copy of the command; NULL when it is refused. */
static fsm__job *admit(fsm__writer *w, const fsm_command *command, fsm_answer_fn answer_fn, void *arg,
                       fsm_error *err) {
  fsm__job *job = fsm__queue_job(&w->queue);
  if (job == NULL) {
    (void)fsm_fail(err, FSM_ENOMEM, "", "no memory for a command");
    return NULL;
  }
  job->answer_fn = answer_fn;
  job->arg = arg;
  fsm_code code =
      fsm__admit(command, fsm__wall_now(&w->options), &job->arena, &job->command, &job->made_id, err);
  if (code == FSM_OK) return job;
  fsm__queue_recycle(&w->queue, job);
  return NULL;
}

fsm_code fsm_submit(fsm_runtime *runtime, const fsm_command *command, fsm_answer_fn answer_fn, void *arg,
                    fsm_error *err) {
  FSM_ASSERT(runtime != NULL && command != NULL);
  fsm_code code = writable(runtime, err);
  return code == FSM_OK ? fsm__runtime_submit(runtime, command, answer_fn, arg, err) : code;
}

fsm_code fsm__runtime_submit(fsm_runtime *runtime, const fsm_command *command, fsm_answer_fn answer_fn,
                             void *arg, fsm_error *err) {
  fsm_error inner;
  fsm__writer *w = fsm__runtime_writer(runtime);
  fsm__job *job = admit(w, command, answer_fn, arg, &inner);
  if (job != NULL && fsm__queue_push(&w->queue, job, job, 1, &inner) == FSM_OK) return FSM_OK;
  fsm__queue_recycle_all(&w->queue, job);
  return fsm_fail(err, inner.code, inner.where, "%s", inner.text);
}

static fsm_code check_size(const fsm__writer *w, size_t count, fsm_error *err) {
  size_t max = FSM_BATCH_MAX < w->options.queue_max ? FSM_BATCH_MAX : w->options.queue_max;
  if (count <= max) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "commands", "a batch of %zu commands is over the limit of %zu", count,
                  max);
}

/* The fault of one command of a batch, with its place in front of the field. */
static fsm_code fail_at(size_t i, const fsm_error *inner, fsm_error *err) {
  char where[FSM_WHERE_MAX];
  const char *dot = inner->where[0] != '\0' ? "." : "";
  snprintf(where, sizeof where, "commands[%zu]%s%.128s", i, dot, inner->where);
  return fsm_fail(err, inner->code, where, "%s", inner->text);
}

fsm_code fsm_submit_batch(fsm_runtime *runtime, const fsm_command *commands, size_t count,
                          fsm_answer_fn answer_fn, void *const *args, void *arg, fsm_error *err) {
  FSM_ASSERT(runtime != NULL && (commands != NULL || count == 0));
  fsm__writer *w = fsm__runtime_writer(runtime);
  fsm__job *first = NULL, *last = NULL;
  fsm_error inner;
  fsm_code code = writable(runtime, err);
  if (code == FSM_OK) code = check_size(w, count, err);
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    fsm__job *job = admit(w, &commands[i], answer_fn, args != NULL ? args[i] : arg, &inner);
    if (job == NULL) {
      code = fail_at(i, &inner, err);
    } else {
      job->next = NULL;
      if (last != NULL)
        last->next = job;
      else
        first = job;
      last = job;
    }
  }
  if (code == FSM_OK && count > 0) code = fsm__queue_push(&w->queue, first, last, count, err);
  if (code != FSM_OK) fsm__queue_recycle_all(&w->queue, first);
  return code;
}

/* ---- waiting ------------------------------------------------------------------------------------ */

/* A thread that waits for `left` answers. */
typedef struct waiter {
  pthread_mutex_t lock;
  pthread_cond_t done;
  size_t left;
  fsm_arena *arena;
} waiter;

/* One of the answers it waits for. */
typedef struct slot {
  waiter *of;
  fsm_answer *answer;
} slot;

static const char *keep(fsm_arena *arena, const char *text) {
  return text ? fsm_arena_strdup(arena, text) : NULL;
}

static void keep_value(fsm_arena *arena, fsm_value *value) {
  fsm_error inner;
  if (fsm_value_copy(arena, value, value, &inner) != FSM_OK)
    *value = fsm_null(); /* too deep for a copy, or no memory: what the callback was given dies with it */
}

static void on_answer(void *arg, const fsm_answer *answer) {
  const slot *of = arg;
  fsm_arena *arena = of->of->arena;
  fsm_answer *out = of->answer;
  *out = *answer;
  out->instance = keep(arena, answer->instance);
  out->machine = keep(arena, answer->machine);
  out->status = keep(arena, answer->status);
  out->hash = keep(arena, answer->hash);
  out->correlation = keep(arena, answer->correlation);
  keep_value(arena, &out->from);
  keep_value(arena, &out->to);
  keep_value(arena, &out->task);
  keep_value(arena, &out->detail);
  keep_value(arena, &out->records);
  pthread_mutex_lock(&of->of->lock);
  if (--of->of->left == 0) pthread_cond_signal(&of->of->done);
  pthread_mutex_unlock(&of->of->lock);
}

static void waiter_join(fsm_runtime *runtime, waiter *wait) {
  while (fsm__runtime_manual(runtime) && wait->left > 0) (void)fsm__runtime_turn_writer(runtime);
  pthread_mutex_lock(&wait->lock);
  while (wait->left > 0) pthread_cond_wait(&wait->done, &wait->lock);
  pthread_mutex_unlock(&wait->lock);
  pthread_mutex_destroy(&wait->lock);
  pthread_cond_destroy(&wait->done);
}

/* Read-only data has no writer: what it would do is told on this thread. */
static fsm_code dry_here(fsm_runtime *runtime, const fsm_command *command, fsm_answer_fn answer_fn, void *arg,
                         fsm_error *err) {
  fsm__writer *w = fsm__runtime_writer(runtime);
  fsm_error inner;
  fsm__job *job = admit(w, command, answer_fn, arg, &inner);
  if (job == NULL) return fsm_fail(err, inner.code, inner.where, "%s", inner.text);
  fsm__writer_dry(w, job);
  fsm__writer_answer(w, job);
  fsm__queue_recycle(&w->queue, job);
  return FSM_OK;
}

fsm_code fsm_call(fsm_runtime *runtime, const fsm_command *command, fsm_arena *arena, fsm_answer *answer) {
  fsm_error err;
  waiter wait = {
      .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .left = 1, .arena = arena};
  slot only = {&wait, answer};
  const bool here = command->dry_run && fsm__runtime_read_only(runtime);
  fsm_code code = here ? dry_here(runtime, command, on_answer, &only, &err)
                       : fsm_submit(runtime, command, on_answer, &only, &err);
  if (code == FSM_OK)
    waiter_join(runtime, &wait);
  else
    *answer = (fsm_answer){.error = err};
  return answer->error.code;
}

fsm_code fsm_call_batch(fsm_runtime *runtime, const fsm_command *commands, size_t count, fsm_arena *arena,
                        fsm_answer *answers, fsm_error *err) {
  waiter wait = {
      .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .left = count, .arena = arena};
  fsm_code code = check_size(fsm__runtime_writer(runtime), count, err);
  if (code != FSM_OK || count == 0) return code;
  slot *slots = malloc(count * sizeof *slots);
  void **args = malloc(count * sizeof *args);
  if (slots == NULL || args == NULL) {
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a batch");
  } else {
    for (size_t i = 0; i < count; i++) {
      slots[i] = (slot){&wait, &answers[i]};
      args[i] = &slots[i];
    }
    code = fsm_submit_batch(runtime, commands, count, on_answer, args, NULL, err);
    if (code == FSM_OK) waiter_join(runtime, &wait);
  }
  free(slots);
  free(args);
  return code;
}

/* ---- the answer as a document ------------------------------------------------------------------- */

fsm_code fsm_answer_view(fsm_arena *arena, const fsm_answer *answer, fsm_value *out) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 14 * sizeof *pairs);
  unsigned n = 0;
  if (pairs == NULL) return FSM_ENOMEM;
  const struct {
    const char *name, *text;
  } texts[] = {{"instance", answer->instance},
               {"machine", answer->machine},
               {"status", answer->status},
               {"hash", answer->hash},
               {"correlation", answer->correlation}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (texts[i].text != NULL) pairs[n++] = (fsm_pair){fsm_string(texts[i].name), fsm_string(texts[i].text)};
  if (answer->seq != 0) pairs[n++] = (fsm_pair){fsm_string("seq"), fsm_int((int64_t)answer->seq)};
  if (answer->rev != 0) pairs[n++] = (fsm_pair){fsm_string("rev"), fsm_int((int64_t)answer->rev)};
  if (answer->version != 0) pairs[n++] = (fsm_pair){fsm_string("version"), fsm_int(answer->version)};
  if (fsm_is(&answer->from, FSM_LIST)) pairs[n++] = (fsm_pair){fsm_string("from"), answer->from};
  if (fsm_is(&answer->to, FSM_LIST)) pairs[n++] = (fsm_pair){fsm_string("to"), answer->to};
  if (answer->replayed) pairs[n++] = (fsm_pair){fsm_string("replayed"), fsm_bool(true)};
  if (answer->created) pairs[n++] = (fsm_pair){fsm_string("created"), fsm_bool(true)};
  if (fsm_is(&answer->records, FSM_LIST)) {
    pairs[n++] = (fsm_pair){fsm_string("dry_run"), fsm_bool(true)};
    pairs[n++] = (fsm_pair){fsm_string("records"), answer->records};
  }
  return fsm_map(pairs, n, out, NULL);
}

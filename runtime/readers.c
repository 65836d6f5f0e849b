/* readers.c: reader threads. See readers.h. */
#include "runtime/readers.h"

#include "runtime/filter_impl.h"

enum { BRIEF_AT_ONCE = 8 }; /* behind one another; what may take long never has others behind it */

static void run_read(fsm__readers *readers, fsm__job *job) {
  fsm_error err;
  fsm_value document = fsm_null();
  fsm_filter *held = (fsm_filter *)job->query.filter;
  fsm_code code = fsm__query_run(readers->core, &job->query, fsm__wall_now(readers->options), &job->arena,
                                 &document, &err);
  job->document_fn(job->arg, &document, code == FSM_OK ? NULL : &err);
  fsm_filter_free(held);
}

static size_t run_all(fsm__readers *readers, fsm__job *jobs) {
  size_t count = 0;
  for (fsm__job *job = jobs; job != NULL; job = job->next, count++) run_read(readers, job);
  fsm__queue_recycle_all(&readers->queue, jobs);
  return count;
}

size_t fsm__readers_run(fsm__readers *readers) {
  size_t count = 0;
  for (fsm__job *job; (job = fsm__queue_take(&readers->queue, 1, 0)) != NULL;) count += run_all(readers, job);
  return count;
}

static void *run(void *arg) {
  fsm__readers *readers = arg;
  while (!fsm__queue_closed(&readers->queue))
    (void)run_all(readers, fsm__queue_take_brief(&readers->queue, BRIEF_AT_ONCE, (int64_t)3600 * 1000000000));
  return NULL;
}

fsm_code fsm__readers_open(fsm__readers *readers, fsm__core *core, const fsm_runtime_options *options,
                           fsm_error *err) {
  unsigned wanted = options->reader_threads ? options->reader_threads : FSM_READER_THREADS_DEFAULT;
  if (wanted > FSM_READER_THREADS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "reader_threads", "%u reader threads are over %d", wanted,
                    FSM_READER_THREADS_MAX);
  fsm_code code = fsm__queue_init(&readers->queue, options->queue_max, err);
  if (code != FSM_OK) return code;
  readers->core = core;
  readers->options = options;
  readers->open = true;
  if (options->manual) return FSM_OK;
  for (; readers->count < wanted; readers->count++)
    if (pthread_create(&readers->threads[readers->count], NULL, run, readers) != 0) break;
  if (readers->count == wanted) return FSM_OK;
  return fsm_fail(err, FSM_ENOMEM, "", "the reader threads cannot be started");
}

void fsm__readers_close(fsm__readers *readers) {
  if (!readers->open) return;
  fsm__queue_close(&readers->queue);
  for (unsigned i = 0; i < readers->count; i++) pthread_join(readers->threads[i], NULL);
  (void)fsm__readers_run(readers);
  fsm__queue_free(&readers->queue);
  readers->count = 0;
  readers->open = false;
}

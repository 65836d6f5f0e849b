/* readers.c: reader threads. See readers.h. */
#include "runtime/readers.h"

#include <sys/resource.h>

#include "runtime/clock.h"
#include "runtime/filter_impl.h"
#include "runtime/query.h"

enum { BRIEF_AT_ONCE = 8, SLOW_NICE = 5, SURVEY_NICE = 15 };

#define WAIT_NS ((int64_t)3600 * 1000000000)

/* What looks at a handful of rows, whoever asks and however much there is. WHY is not brief: it searches
 * the machine for a way out, and a probe of health has not to wait for that. */
static bool is_brief(const fsm_query *query) {
  switch (query->kind) {
    case FSM_QUERY_INSTANCE: return query->as_of == NULL; /* what it was is read from all its records */
    case FSM_QUERY_EVENTS:
    case FSM_QUERY_MACHINE:
    case FSM_QUERY_TASK:
    case FSM_QUERY_HEALTH: return true;
    default: return false;
  }
}

/* What looks at the journal or at all instances, for what no index has. */
static bool is_survey(const fsm_query *query) {
  switch (query->kind) {
    case FSM_QUERY_STATS:
    case FSM_QUERY_FUNNEL:
    case FSM_QUERY_SEARCH:
    case FSM_QUERY_GROUPS: return true;
    case FSM_QUERY_LIST:
      return query->filter != NULL && (query->filter->has_where || query->filter->sort != FSM__BY_CREATED);
    case FSM_QUERY_STUCK: return query->filter != NULL && query->filter->has_where;
    default: return false;
  }
}

fsm__queue *fsm__readers_queue(fsm__readers *readers, const fsm_query *query) {
  if (is_survey(query)) return &readers->surveys.queue;
  return is_brief(query) ? &readers->brief.queue : &readers->slow.queue;
}

static void run_read(fsm__readers *readers, fsm__job *job) {
  fsm_error err;
  fsm_value document = fsm_null();
  fsm_filter *held = (fsm_filter *)job->query.filter;
  fsm_code code = fsm__query_wanted(&job->query, &err);
  if (code == FSM_OK)
    code = fsm__query_run(readers->core, &job->query, fsm__wall_now(readers->options), &job->arena, &document,
                          &err);
  job->document_fn(job->arg, &document, code == FSM_OK ? NULL : &err);
  fsm_filter_free(held);
}

static size_t run_all(fsm__readers_lane *lane, fsm__job *jobs) {
  size_t count = 0;
  for (fsm__job *job = jobs; job != NULL; job = job->next, count++) run_read(lane->of, job);
  fsm__queue_recycle_all(&lane->queue, jobs);
  return count;
}

static size_t run_waiting(fsm__readers_lane *lane) {
  size_t count = 0;
  for (fsm__job *job; (job = fsm__queue_take(&lane->queue, 1, 0)) != NULL;) count += run_all(lane, job);
  return count;
}

size_t fsm__readers_run(fsm__readers *readers) {
  return run_waiting(&readers->brief) + run_waiting(&readers->slow) + run_waiting(&readers->surveys);
}

size_t fsm__readers_waiting(fsm__readers *readers) {
  return fsm__queue_count(&readers->brief.queue) + fsm__queue_count(&readers->slow.queue) +
         fsm__queue_count(&readers->surveys.queue);
}

void fsm__readers_hold(fsm__readers *readers) { fsm__queue_hold(&readers->brief.queue); }
void fsm__readers_go(fsm__readers *readers) { fsm__queue_go(&readers->brief.queue); }

/* What is brief is taken a few at once; what may take long never has others behind it. */
static void *run(void *arg) {
  fsm__readers_lane *lane = arg;
  if (lane->nice != 0) (void)setpriority(PRIO_PROCESS, 0, lane->nice); /* of this thread */
  while (!fsm__queue_closed(&lane->queue))
    (void)run_all(lane, fsm__queue_take(&lane->queue, lane->nice == 0 ? BRIEF_AT_ONCE : 1, WAIT_NS));
  return NULL;
}

static fsm_code lane_open(fsm__readers_lane *lane, fsm__readers *readers, int nice, unsigned wanted,
                          size_t queue_max, fsm_error *err) {
  fsm_code code = fsm__queue_init(&lane->queue, queue_max, err);
  if (code != FSM_OK) return code;
  lane->of = readers;
  lane->nice = nice;
  if (readers->options->manual) return FSM_OK;
  for (; lane->count < wanted; lane->count++)
    if (pthread_create(&lane->threads[lane->count], NULL, run, lane) != 0) break;
  if (lane->count == wanted) return FSM_OK;
  return fsm_fail(err, FSM_ENOMEM, "", "the reader threads cannot be started");
}

static void lane_close(fsm__readers_lane *lane) {
  if (lane->of == NULL) return;
  fsm__queue_close(&lane->queue);
  for (unsigned i = 0; i < lane->count; i++) pthread_join(lane->threads[i], NULL);
  (void)run_waiting(lane);
  fsm__queue_free(&lane->queue);
  lane->count = 0;
  lane->of = NULL;
}

fsm_code fsm__readers_open(fsm__readers *readers, fsm__core *core, const fsm_runtime_options *options,
                           fsm_error *err) {
  unsigned wanted = options->reader_threads ? options->reader_threads : FSM_READER_THREADS_DEFAULT;
  if (wanted > FSM_READER_THREADS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "reader_threads", "%u reader threads are over %d", wanted,
                    FSM_READER_THREADS_MAX);
  readers->core = core;
  readers->options = options;
  readers->open = true;
  fsm_code code = lane_open(&readers->brief, readers, 0, wanted, options->queue_max, err);
  if (code == FSM_OK) code = lane_open(&readers->slow, readers, SLOW_NICE, wanted, options->queue_max, err);
  if (code != FSM_OK) return code;
  return lane_open(&readers->surveys, readers, SURVEY_NICE, 1, FSM_SURVEY_QUEUE_MAX, err);
}

void fsm__readers_close(fsm__readers *readers) {
  if (!readers->open) return;
  lane_close(&readers->brief);
  lane_close(&readers->slow);
  lane_close(&readers->surveys);
  readers->open = false;
}

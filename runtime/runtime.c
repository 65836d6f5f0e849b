/* runtime.c: the public face: opening, reading, closing. See fsm_runtime.h; commands go through submit.c. */
#include <stdlib.h>
#include <string.h>

#include "runtime/admit.h"
#include "runtime/clock.h"
#include "runtime/filter_impl.h"
#include "runtime/people.h"
#include "runtime/pulse.h"
#include "runtime/readers.h"
#include "runtime/retention.h"
#include "runtime/runtime_impl.h"
#include "runtime/writer.h"
#include "runtime/writer_due.h"

enum {
  QUEUE_DEFAULT = 16384,
  ROUND_BYTES_DEFAULT = 64 * 1024 * 1024,
  ROUND_MS_DEFAULT = 2000,
  SERVICE_CLOSE_S = 10
};

struct fsm_runtime {
  fsm__writer writer;
  fsm__readers readers;
  fsm__retention *retention; /* NULL = nothing is asked for */
  bool running;              /* the writer's thread, or, with options.manual, who calls */
  bool in_turn;              /* of the writer, by hand */
  _Atomic bool closing;
};

fsm__writer *fsm__runtime_writer(fsm_runtime *runtime) { return &runtime->writer; }
fsm__journal *fsm__runtime_journal(fsm_runtime *runtime) { return runtime->writer.core.journal; }
const char *fsm__runtime_dir(const fsm_runtime *runtime) { return runtime->writer.core.dir; }
fsm_origin fsm__runtime_origin(const fsm_runtime *runtime) { return runtime->writer.core.origin; }
fsm__masks *fsm__runtime_masks(const fsm_runtime *runtime) {
  return fsm__catalog_masks(runtime->writer.core.catalog);
}
const char *fsm__runtime_node(const fsm_runtime *runtime) { return runtime->writer.core.node; }
fsm__catalog *fsm__runtime_catalog(fsm_runtime *runtime) { return runtime->writer.core.catalog; }
fsm__store *fsm__runtime_store(fsm_runtime *runtime) { return runtime->writer.core.store; }

bool fsm__runtime_manual(const fsm_runtime *runtime) { return runtime->writer.options.manual; }

bool fsm__runtime_read_only(const fsm_runtime *runtime) { return runtime->writer.options.read_only; }

fsm__retention *fsm__runtime_retention(fsm_runtime *runtime) { return runtime->retention; }

bool fsm__runtime_closing(const fsm_runtime *runtime) { return atomic_load(&runtime->closing); }

uint64_t fsm__runtime_turns(fsm_runtime *runtime) { return fsm__runtime_writer(runtime)->turns; }
void fsm__runtime_wake(fsm_runtime *runtime) { fsm__queue_wake(&runtime->writer.queue); }

void fsm__runtime_know_sinks(fsm_runtime *runtime, const char *const *names, size_t count) {
  fsm__known_sinks_set(&runtime->writer.sinks, names, count);
}

fsm_code fsm_runtime_set_people(fsm_runtime *runtime, const char *json, size_t len, fsm_error *err) {
  FSM_ASSERT(runtime != NULL);
  return fsm__known_configure(runtime->writer.core.known, json, len, err);
}

void fsm__runtime_want_round(fsm_runtime *runtime) {
  if (!runtime->running) return;
  atomic_store(&runtime->writer.rounds.wanted, true);
  fsm__queue_wake(&runtime->writer.queue);
}

void fsm__runtime_hold(fsm_runtime *runtime, fsm__hold level, const char *text) {
  fsm__holding_set(&runtime->writer.holding, level, text);
  fsm__queue_wake(&runtime->writer.queue);
}

/* ---- opening and closing ------------------------------------------------------------------------ */

static void free_runtime(fsm_runtime *runtime) {
  fsm__writer *w = &runtime->writer;
  fsm__writer_sync_close(w);
  fsm__readers_close(&runtime->readers);
  fsm__applier_free(w->rounds.applier);
  fsm__offers_free(w->offers);
  fsm__services_free(w->services);
  fsm__untaken_free(w->untaken);
  fsm__beats_free(w->beats);
  fsm__waits_clear(&w->waits);
  free(w->ended);
  free(w->woken);
  fsm__due_let_all_go(w);
  free(w->held);
  free(w->records);
  free(w->leaves);
  fsm_buf_free(&w->encoded);
  fsm_arena_free(&w->internal);
  fsm__holding_free(&w->holding);
  fsm__refusals_free(w->refusals);
  fsm__queue_free(&w->queue);
  fsm__known_sinks_free(&w->sinks);
  fsm__core_close(&w->core);
  free(runtime);
}

static void defaults(fsm_runtime_options *options) {
  if (options->queue_max == 0) options->queue_max = QUEUE_DEFAULT;
  if (options->round_bytes == 0) options->round_bytes = ROUND_BYTES_DEFAULT;
  if (options->round_ns == 0) options->round_ns = (int64_t)ROUND_MS_DEFAULT * 1000000;
}

fsm_code fsm_runtime_open(const fsm_runtime_options *options, fsm_runtime **out, fsm_opened *opened,
                          fsm_error *err) {
  FSM_ASSERT(options != NULL && out != NULL);
  *out = NULL;
  if (options->dir == NULL) return fsm_fail(err, FSM_EARGUMENT, "dir", "no data directory is named");
  fsm_runtime *runtime = calloc(1, sizeof *runtime);
  if (runtime == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a runtime");
  fsm__writer *w = &runtime->writer;
  w->options = *options;
  defaults(&w->options);
  w->decided_tail = &w->decided;
  fsm_arena_init(&w->internal, 0);
  fsm__holding_init(&w->holding);
  fsm_code code = fsm__known_sinks_init(&w->sinks, err);
  if (code == FSM_OK) code = fsm__queue_init(&w->queue, w->options.queue_max, err);
  if (code == FSM_OK) code = fsm__refusals_new(&w->refusals, err);
  if (code == FSM_OK) code = fsm__services_new(options, &w->services, err);
  if (code == FSM_OK) code = fsm__untaken_new(&w->untaken, err);
  if (code == FSM_OK) code = fsm__offers_new(fsm__services_count(w->services), &w->offers, err);
  if (code == FSM_OK) code = fsm__beats_new(&w->beats, err);
  if (code == FSM_OK && (w->ended = calloc(FSM_ENDED_KEPT, sizeof *w->ended)) == NULL)
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a runtime");
  if (code == FSM_OK) code = fsm__random(&w->seed, sizeof w->seed, err);
  if (code == FSM_OK) code = fsm__core_open(&w->options, &w->core, opened, err);
  w->options.dir = w->core.dir;
  w->core.untaken = w->untaken;
  if (!options->read_only) w->core.services = w->services;
  w->core.delivers = options->task_ready != NULL;
  if (code == FSM_OK) code = fsm__readers_open(&runtime->readers, &w->core, &w->options, err);
  if (code == FSM_OK && !options->read_only) code = fsm__writer_rounds_open(w, err);
  if (code == FSM_OK && !options->read_only && !options->manual) code = fsm__writer_sync_open(w, err);
  if (code == FSM_OK && !options->read_only) code = fsm__services_start(w->services, runtime, err);
  if (code == FSM_OK && !options->read_only) {
    runtime->running = options->manual || pthread_create(&w->thread, NULL, fsm__writer_run, w) == 0;
    if (options->manual) fsm__writer_begin(w);
    if (!runtime->running) code = fsm_fail(err, FSM_ENOMEM, "", "the writer thread cannot be started");
  }
  if (code == FSM_OK) {
    code = fsm__retention_start(runtime, &w->options, &runtime->retention, err);
    if (code != FSM_OK) {
      fsm_runtime_close(runtime);
      return code;
    }
  }
  if (code != FSM_OK) {
    if (w->services != NULL) fsm__services_stop(w->services, INT64_MAX / 2);
    free_runtime(runtime);
    return code;
  }
  *out = runtime;
  return FSM_OK;
}

static void end_by_hand(fsm__writer *w) {
  while (!fsm__queue_closed(&w->queue)) (void)fsm__writer_turn(w, 0);
  fsm__writer_end(w);
}

void fsm_runtime_close(fsm_runtime *runtime) {
  if (runtime == NULL) return;
  fsm__writer *w = &runtime->writer;
  int64_t wait_ns = w->options.service_close_ns;
  atomic_store(&runtime->closing, true);
  fsm__retention_stop(runtime->retention);
  fsm__services_stop(w->services, wait_ns > 0 ? wait_ns : (int64_t)SERVICE_CLOSE_S * 1000000000);
  fsm__queue_close(&runtime->writer.queue);
  if (runtime->running && fsm__runtime_manual(runtime))
    end_by_hand(w);
  else if (runtime->running)
    pthread_join(runtime->writer.thread, NULL);
  free_runtime(runtime);
}

/* ---- by hand ------------------------------------------------------------------------------------ */

size_t fsm__runtime_turn_writer(fsm_runtime *runtime) {
  FSM_ASSERT(fsm__runtime_manual(runtime) && !runtime->in_turn); /* not from a callback of the writer's */
  if (!runtime->running) return 0;
  runtime->in_turn = true;
  size_t count = fsm__writer_turn(&runtime->writer, 0);
  runtime->in_turn = false;
  return count;
}

/* How long nothing will be to do. */
static int64_t wait_of(fsm_runtime *runtime, int64_t services_ns) {
  fsm__writer *w = &runtime->writer;
  if (!runtime->running) return FSM_TURN_WAIT_MAX_NS;
  if (fsm__queue_count(&w->queue) > 0 || fsm__readers_waiting(&runtime->readers) > 0) return 0;
  int64_t wait_ns = fsm__writer_idle_ns(w), mono = fsm__monotonic_ns();
  if (services_ns < mono + wait_ns) wait_ns = services_ns > mono ? services_ns - mono : 0;
  return wait_ns < FSM_TURN_WAIT_MAX_NS ? wait_ns : FSM_TURN_WAIT_MAX_NS;
}

void fsm_runtime_turn(fsm_runtime *runtime, fsm_turned *out) {
  FSM_ASSERT(runtime != NULL && fsm__runtime_manual(runtime));
  fsm__core *core = &runtime->writer.core;
  const uint64_t before = core->seq;
  int64_t services_ns = INT64_MAX;
  fsm_turned done = {.commands = fsm__runtime_turn_writer(runtime)};
  if (runtime->running) done.attempts = fsm__services_turn(runtime->writer.services, &services_ns);
  done.reads = fsm__readers_run(&runtime->readers);
  done.files = fsm__journal_turn(core->journal) + fsm__retention_turn(runtime->retention);
  done.records = core->seq - before;
  done.wait_ns = done.attempts > 0 ? 0 : wait_of(runtime, services_ns); /* there is room for others now */
  if (out != NULL) *out = done;
}

/* ---- reading ------------------------------------------------------------------------------------ */

fsm_code fsm_read(fsm_runtime *runtime, const fsm_query *query, fsm_document_fn fn, void *arg,
                  fsm_error *err) {
  fsm__queue *queue = fsm__readers_queue(&runtime->readers, query);
  if (fsm__runtime_closing(runtime)) return fsm_fail(err, FSM_ECLOSED, "", "the runtime is closing");
  fsm__job *job = fsm__queue_job(queue);
  if (job == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a query");
  fsm_code code = fsm__admit_query(query, &job->arena, &job->query, err);
  job->document_fn = fn;
  job->arg = arg;
  fsm_filter *held = code == FSM_OK ? fsm__filter_hold(query->filter) : NULL; /* until it is answered */
  /* Figures are asked for to see why it is slow: there is one such read at a time (daemon/metrics.c). */
  if (code == FSM_OK)
    code = query->kind == FSM_QUERY_GAUGES ? fsm__queue_push_first(queue, job, err)
                                           : fsm__queue_push(queue, job, job, 1, err);
  if (code != FSM_OK) fsm__queue_recycle(queue, job);
  if (code != FSM_OK) fsm_filter_free(held);
  return code;
}

void fsm_runtime_hold(fsm_runtime *runtime) {
  fsm__queue_hold(&runtime->writer.queue);
  fsm__readers_hold(&runtime->readers);
}

void fsm_runtime_go(fsm_runtime *runtime) {
  fsm__queue_go(&runtime->writer.queue);
  fsm__readers_go(&runtime->readers);
}

/* The document may point into the catalog, and the caller's arena may outlive that: so a copy. */
fsm_code fsm_query_wait(fsm_runtime *runtime, const fsm_query *query, fsm_arena *arena, fsm_value *out,
                        fsm_error *err) {
  fsm_arena scratch;
  fsm_query admitted;
  fsm_value document = fsm_null();
  fsm_arena_init(&scratch, 0);
  fsm_code code = fsm__admit_query(query, &scratch, &admitted, err);
  if (code == FSM_OK)
    code = fsm__query_run(&runtime->writer.core, &admitted, fsm__wall_now(&runtime->writer.options), &scratch,
                          &document, err);
  if (code == FSM_OK) code = fsm_value_copy(arena, &document, out, err);
  fsm_arena_free(&scratch);
  return code;
}

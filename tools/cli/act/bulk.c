/* bulk.c: see bulk.h. */
#include "tools/cli/act/bulk.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/clock.h"
#include "schema/json.h"
#include "tools/cli/act/batch.h"
#include "tools/cli/act/bulk_impl.h"

/* ---- the lanes -------------------------------------------------------------------------------------- */

static fsm_code lane_open(cli_run *cli, cli_bulk_state *r, cli_lane *l, fsm_error *err) {
  *l = (cli_lane){.of = r, .own = cli->source.web != NULL};
  if (l->own) return cli_source_open(&cli->place, !r->bulk->deed->dry_run, &l->source, err);
  l->source = (cli_source){.runtime = cli->source.runtime};
  fsm_arena_init(&l->source.arena, 0);
  return FSM_OK;
}

static void lane_close(cli_lane *l) {
  if (!l->own) l->source.runtime = NULL;
  cli_source_close(&l->source);
}

/* Read-only files take dry runs from one thread at a time. */
static unsigned lanes_of(const cli_run *cli, const cli_bulk *bulk, size_t room) {
  if (cli->source.web == NULL && !cli->place.offline) return 1;
  const size_t shares = (bulk->who->count + room - 1) / room;
  return shares < CLI_LANES ? (unsigned)shares : CLI_LANES;
}

static bool signalled(const sigset_t *set) {
  const struct timespec now = {0, 0};
  return sigtimedwait(set, NULL, &now) > 0;
}

/* Waits until item `at` is done, or never will be: false. */
static bool await(cli_bulk_state *r, size_t at, const sigset_t *set) {
  pthread_mutex_lock(&r->lock);
  const cli_result *of = &r->results[at % CLI_AHEAD];
  while (!of->done && r->live > 0) {
    const struct timespec until = fsm__timespec_of(fsm__monotonic_ns() + CLI_LOOK_NS);
    (void)pthread_cond_timedwait(&r->changed, &r->lock, &until);
    const size_t begun = r->begun;
    if (signalled(set)) r->stop = r->end->stopped = true;
    pthread_mutex_unlock(&r->lock);
    const bool more = r->bulk->told(r->bulk->arg, begun, NULL);
    pthread_mutex_lock(&r->lock);
    if (!more) r->stop = true;
  }
  const bool done = of->done;
  pthread_mutex_unlock(&r->lock);
  return done;
}

/* Item `at` is told: its place is free for another. */
static void pass(cli_bulk_state *r, size_t at, bool more, const sigset_t *set) {
  pthread_mutex_lock(&r->lock);
  if (signalled(set)) r->stop = r->end->stopped = true;
  if (!more) r->stop = true;
  r->results[at % CLI_AHEAD] = (cli_result){.done = false};
  r->told = at + 1;
  if (r->told % (CLI_AHEAD / 4) == 0) pthread_cond_broadcast(&r->changed);
  pthread_mutex_unlock(&r->lock);
}

/* What came of each, in order; what was not begun is passed over. */
static void tell(cli_bulk_state *r, const sigset_t *set) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t at = 0; at < r->bulk->who->count; at++) {
    fsm_value document = fsm_null();
    if (!await(r, at, set)) continue;
    cli_result of = r->results[at % CLI_AHEAD];
    of.ok ? r->end->done++ : r->end->failed++;
    const bool more = fsm_json_parse(&arena, fsm_buf_text(&of.json), of.json.len, FSM_JSON_SORTED, &document,
                                     NULL) != FSM_OK ||
                      r->bulk->told(r->bulk->arg, r->end->done + r->end->failed, &document);
    fsm_buf_free(&of.json);
    fsm_arena_reset(&arena);
    pass(r, at, more, set);
  }
  fsm_arena_free(&arena);
}

/* Waits are by the monotonic clock: a wall clock that is set back would hold them. */
static void open_lock(cli_bulk_state *r) {
  pthread_condattr_t attr;
  pthread_mutex_init(&r->lock, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&r->changed, &attr);
  pthread_condattr_destroy(&attr);
}

static void close_lock(cli_bulk_state *r) {
  pthread_cond_destroy(&r->changed);
  pthread_mutex_destroy(&r->lock);
}

/* Under the lock, at which those that are started wait. */
static fsm_code start(cli_bulk_state *r, cli_lane *lanes, unsigned count, fsm_error *err) {
  for (unsigned i = 0; i < count; i++) {
    r->live++;
    lanes[i].started = pthread_create(&lanes[i].thread, NULL, cli_lane_run, &lanes[i]) == 0;
    if (lanes[i].started) continue;
    r->live--;
    return i > 0 ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no thread can be started");
  }
  return FSM_OK;
}

fsm_code cli_bulk_run(cli_run *cli, const cli_bulk *bulk, cli_bulk_end *end, fsm_error *err) {
  FSM_ASSERT(bulk->who->count > 0);
  cli_lane lanes[CLI_LANES];
  sigset_t set, before;
  *end = (cli_bulk_end){.done = 0};
  cli_bulk_state r = {
      .bulk = bulk, .began_ns = fsm__monotonic_ns(), .patience_ns = cli->place.timeout_ns, .end = end};
  unsigned opened = 0;
  r.room = 1;
  fsm_code code = cli->source.web != NULL ? cli_batch_room(bulk->deed, &r.room, err) : FSM_OK;
  if (code != FSM_OK) return code;
  const unsigned count = lanes_of(cli, bulk, r.room);
  r.results = calloc(CLI_AHEAD, sizeof *r.results);
  if (r.results == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for so many");
  open_lock(&r);
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, &before); /* the lanes inherit it: who waits takes the signal */
  while (opened < count && (code = lane_open(cli, &r, &lanes[opened], err)) == FSM_OK) opened++;
  if (code != FSM_OK && opened < count) lane_close(&lanes[opened]);
  pthread_mutex_lock(&r.lock);
  if (code == FSM_OK) code = start(&r, lanes, count, err);
  pthread_mutex_unlock(&r.lock);
  if (code == FSM_OK) tell(&r, &set);
  for (unsigned i = 0; i < opened; i++) {
    if (code == FSM_OK && lanes[i].started) pthread_join(lanes[i].thread, NULL);
    lane_close(&lanes[i]);
  }
  end->begun = r.begun;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close_lock(&r);
  free(r.results);
  return code;
}

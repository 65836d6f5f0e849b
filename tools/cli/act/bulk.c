/* bulk.c: see bulk.h. */
#include "tools/cli/act/bulk.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/clock.h"

#define SECOND INT64_C(1000000000)
#define LOOK_NS (SECOND / 10) /* so often a waiting thread looks whether it is to stop */

typedef struct result {
  bool done, ok;
  fsm_buf json;
} result;

typedef struct run {
  const cli_bulk *bulk;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t next, begun, live; /* live: lanes that run */
  bool stop;
  int64_t began_ns, patience_ns;
  result *results;
  cli_bulk_end *end;
} run;

typedef struct lane {
  pthread_t thread;
  bool started;
  run *of;
  cli_source source;
  bool own; /* the connection is its own */
} lane;

static void nap(int64_t ns) {
  const struct timespec ts = fsm__timespec_of(ns);
  (void)nanosleep(&ts, NULL);
}

/* ---- one item --------------------------------------------------------------------------------------- */

static bool is_stopped(run *r) {
  pthread_mutex_lock(&r->lock);
  const bool stop = r->stop;
  pthread_mutex_unlock(&r->lock);
  return stop;
}

/* The next item, when its time has come; false: there is none, or no more are begun. */
static bool take(run *r, size_t *at) {
  pthread_mutex_lock(&r->lock);
  const bool some = !r->stop && r->next < r->bulk->who->count;
  if (some) *at = r->next++;
  pthread_mutex_unlock(&r->lock);
  if (!some) return false;
  const int64_t due_ns =
      r->bulk->rate > 0 ? r->began_ns + (int64_t)((double)*at * (double)SECOND / (double)r->bulk->rate) : 0;
  for (int64_t left = due_ns - fsm__monotonic_ns(); due_ns > 0 && left > 0;
       left = due_ns - fsm__monotonic_ns()) {
    nap(left < LOOK_NS ? left : LOOK_NS);
    if (is_stopped(r)) return false;
  }
  pthread_mutex_lock(&r->lock);
  const bool go = !r->stop;
  r->begun += go;
  pthread_mutex_unlock(&r->lock);
  return go;
}

static fsm_code do_one(lane *l, const cli_one *one, fsm_arena *arena, fsm_value *answer, fsm_error *err) {
  const int64_t until_ns = fsm__monotonic_ns() + l->of->patience_ns;
  if (one->fault != NULL) return fsm_fail(err, one->fault->code, one->fault->where, "%s", one->fault->text);
  for (;;) {
    fsm_code code = cli_deed_do(&l->source, l->of->bulk->deed, one->id, arena, answer, err);
    if (code != FSM_EBUSY || fsm__monotonic_ns() > until_ns) return code;
    nap(FSM_BUSY_RETRY_NS);
  }
}

/* {instance, ok, answer | problem} */
static void write_result(const lane *l, const cli_one *one, fsm_code code, const fsm_value *answer,
                         const fsm_error *err, fsm_buf *out) {
  fsm_pair own[] = {{fsm_string("code"), fsm_string(fsm_code_name(code))},
                    {fsm_string("detail"), fsm_string(code != FSM_OK ? err->text : "")},
                    {fsm_string("where"), fsm_string(code != FSM_OK ? err->where : "")}};
  const fsm_value fault = {.type = FSM_MAP, .len = 3, .pairs = own};
  const fsm_value *problem =
      one->fault == NULL && fsm_is(&l->source.problem, FSM_MAP) ? &l->source.problem : &fault;
  const fsm_pair pairs[] = {
      {fsm_string(code == FSM_OK ? "answer" : "problem"), code == FSM_OK ? *answer : *problem},
      {fsm_string("instance"), fsm_string(one->id)},
      {fsm_string("ok"), fsm_bool(code == FSM_OK)}};
  const fsm_value document = {.type = FSM_MAP, .len = 3, .pairs = pairs};
  fsm_json_write(out, &document);
}

/* Nobody is there any more: those that follow would fail alike. */
static bool is_gone(fsm_code code) {
  return code == FSM_EUNREACHABLE || code == FSM_ECLOSED || code == FSM_ETIMEOUT || code == FSM_ETOKEN;
}

static void put(run *r, size_t at, fsm_code code, const fsm_error *err, const fsm_buf *json) {
  pthread_mutex_lock(&r->lock);
  r->results[at] = (result){.done = true, .ok = code == FSM_OK, .json = *json};
  if (code != FSM_OK && r->end->first.code == FSM_OK) r->end->first = *err;
  if (is_gone(code)) r->stop = r->end->gone = true;
  pthread_cond_broadcast(&r->changed);
  pthread_mutex_unlock(&r->lock);
}

static void *lane_run(void *arg) {
  lane *l = arg;
  run *r = l->of;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t at = 0; take(r, &at);) {
    fsm_value answer = fsm_null();
    fsm_error err = {.text = ""};
    fsm_buf json = {0};
    const cli_one *one = &r->bulk->who->ones[at];
    const fsm_code code = do_one(l, one, &arena, &answer, &err);
    write_result(l, one, code, &answer, &err, &json);
    put(r, at, code, &err, &json);
    l->source.problem = fsm_null();
    fsm_arena_reset(&l->source.arena);
    fsm_arena_reset(&arena);
  }
  fsm_arena_free(&arena);
  pthread_mutex_lock(&r->lock);
  r->live--;
  pthread_cond_broadcast(&r->changed);
  pthread_mutex_unlock(&r->lock);
  return NULL;
}

/* ---- the lanes -------------------------------------------------------------------------------------- */

static fsm_code lane_open(cli_run *cli, run *r, lane *l, fsm_error *err) {
  *l = (lane){.of = r, .own = cli->source.web != NULL};
  if (l->own) return cli_source_open(&cli->place, !r->bulk->deed->dry_run, &l->source, err);
  l->source = (cli_source){.runtime = cli->source.runtime};
  fsm_arena_init(&l->source.arena, 0);
  return FSM_OK;
}

static void lane_close(lane *l) {
  if (!l->own) l->source.runtime = NULL;
  cli_source_close(&l->source);
}

/* Read-only files take dry runs from one thread at a time. */
static unsigned lanes_of(const cli_run *cli, const cli_bulk *bulk) {
  if (cli->source.web == NULL && !cli->place.offline) return 1;
  return bulk->who->count < CLI_LANES ? (unsigned)bulk->who->count : CLI_LANES;
}

static bool signalled(const sigset_t *set) {
  const struct timespec now = {0, 0};
  return sigtimedwait(set, NULL, &now) > 0;
}

/* Waits until item `at` is done, or never will be: false. */
static bool await(run *r, size_t at, const sigset_t *set) {
  pthread_mutex_lock(&r->lock);
  while (!r->results[at].done && r->live > 0) {
    const struct timespec until = fsm__timespec_of(fsm__wall_ns() + LOOK_NS);
    (void)pthread_cond_timedwait(&r->changed, &r->lock, &until);
    const size_t begun = r->begun;
    if (signalled(set)) r->stop = r->end->stopped = true;
    pthread_mutex_unlock(&r->lock);
    const bool more = r->bulk->told(r->bulk->arg, begun, NULL);
    pthread_mutex_lock(&r->lock);
    if (!more) r->stop = true;
  }
  const bool done = r->results[at].done;
  pthread_mutex_unlock(&r->lock);
  return done;
}

/* What came of each, in order; what was not begun is passed over. */
static void tell(run *r, const sigset_t *set) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t at = 0; at < r->bulk->who->count; at++) {
    fsm_value document = fsm_null();
    if (!await(r, at, set)) continue;
    if (signalled(set)) {
      pthread_mutex_lock(&r->lock);
      r->stop = r->end->stopped = true;
      pthread_mutex_unlock(&r->lock);
    }
    result *of = &r->results[at];
    of->ok ? r->end->done++ : r->end->failed++;
    bool more = fsm_json_parse(&arena, fsm_buf_text(&of->json), of->json.len, FSM_JSON_SORTED, &document,
                               NULL) != FSM_OK ||
                r->bulk->told(r->bulk->arg, r->end->done + r->end->failed, &document);
    fsm_buf_free(&of->json);
    fsm_arena_reset(&arena);
    if (more) continue;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_mutex_unlock(&r->lock);
  }
  fsm_arena_free(&arena);
}

/* Under the lock, at which those that are started wait. */
static fsm_code start(run *r, lane *lanes, unsigned count, fsm_error *err) {
  for (unsigned i = 0; i < count; i++) {
    r->live++;
    lanes[i].started = pthread_create(&lanes[i].thread, NULL, lane_run, &lanes[i]) == 0;
    if (lanes[i].started) continue;
    r->live--;
    return i > 0 ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no thread can be started");
  }
  return FSM_OK;
}

fsm_code cli_bulk_run(cli_run *cli, const cli_bulk *bulk, cli_bulk_end *end, fsm_error *err) {
  FSM_ASSERT(bulk->who->count > 0);
  lane lanes[CLI_LANES];
  sigset_t set, before;
  *end = (cli_bulk_end){.done = 0};
  run r = {.bulk = bulk,
           .lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER,
           .began_ns = fsm__monotonic_ns(),
           .patience_ns = cli->place.timeout_ns,
           .end = end};
  const unsigned count = lanes_of(cli, bulk);
  unsigned opened = 0;
  fsm_code code = FSM_OK;
  r.results = calloc(bulk->who->count, sizeof *r.results);
  if (r.results == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for so many");
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
  free(r.results);
  return code;
}

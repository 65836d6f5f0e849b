/* bulk_lane.c: one lane of bulk.h: takes some items, does the deed on them, and puts what came of each. */
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "schema/json.h"
#include "tools/cli/act/batch.h"
#include "tools/cli/act/bulk_impl.h"

#define SECOND INT64_C(1000000000)

/* What a lane has taken: items `at` to at + count. */
typedef struct share {
  size_t at, count;
} share;

static void nap(int64_t ns) {
  const struct timespec ts = fsm__timespec_of(ns);
  (void)nanosleep(&ts, NULL);
}

/* ---- which ------------------------------------------------------------------------------------------ */

static bool is_stopped(cli_bulk_state *r) {
  pthread_mutex_lock(&r->lock);
  const bool stop = r->stop;
  pthread_mutex_unlock(&r->lock);
  return stop;
}

static int64_t due_ns(const cli_bulk_state *r, size_t at) {
  const int64_t rate = r->bulk->rate;
  return rate > 0 ? r->began_ns + (int64_t)((double)at * (double)SECOND / (double)rate) : 0;
}

/* The next ones, under the lock: no more than are due, but one in any case. */
static share next_share(cli_bulk_state *r) {
  const int64_t now_ns = fsm__monotonic_ns();
  const size_t all = r->bulk->who->count;
  share out = {.at = r->next, .count = 1};
  while (out.count < r->room && out.at + out.count < all && due_ns(r, out.at + out.count) <= now_ns)
    out.count++;
  r->next += out.count;
  return out;
}

/* Results that nobody has taken are no more than CLI_AHEAD. */
static void await_room(cli_bulk_state *r) {
  while (!r->stop && r->next < r->bulk->who->count && r->next + r->room > r->told + CLI_AHEAD) {
    const struct timespec until = fsm__timespec_of(fsm__monotonic_ns() + CLI_LOOK_NS);
    (void)pthread_cond_timedwait(&r->changed, &r->lock, &until);
  }
}

/* The next items, when their time has come; false: there are none, or no more are begun. */
static bool take(cli_bulk_state *r, share *out) {
  pthread_mutex_lock(&r->lock);
  await_room(r);
  const bool some = !r->stop && r->next < r->bulk->who->count;
  if (some) *out = next_share(r);
  pthread_mutex_unlock(&r->lock);
  if (!some) return false;
  const int64_t due = due_ns(r, out->at);
  for (int64_t left = due - fsm__monotonic_ns(); left > 0; left = due - fsm__monotonic_ns()) {
    nap(left < CLI_LOOK_NS ? left : CLI_LOOK_NS);
    if (is_stopped(r)) return false;
  }
  pthread_mutex_lock(&r->lock);
  const bool go = !r->stop;
  if (go) r->begun += out->count;
  pthread_mutex_unlock(&r->lock);
  return go;
}

/* ---- what came of one -------------------------------------------------------------------------------- */

/* {instance, ok, answer | problem} */
static void write_result(const cli_one *one, const cli_outcome *of, fsm_buf *out) {
  const bool ok = of->fault.code == FSM_OK;
  fsm_pair own[] = {{fsm_string("code"), fsm_string(fsm_code_name(of->fault.code))},
                    {fsm_string("detail"), fsm_string(ok ? "" : of->fault.text)},
                    {fsm_string("where"), fsm_string(ok ? "" : of->fault.where)}};
  const fsm_value fault = {.type = FSM_MAP, .len = 3, .pairs = own};
  const fsm_value *problem = fsm_is(&of->problem, FSM_MAP) ? &of->problem : &fault;
  const fsm_pair pairs[] = {{fsm_string(ok ? "answer" : "problem"), ok ? of->answer : *problem},
                            {fsm_string("instance"), fsm_string(one->id)},
                            {fsm_string("ok"), fsm_bool(ok)}};
  const fsm_value document = {.type = FSM_MAP, .len = 3, .pairs = pairs};
  fsm_json_write(out, &document);
}

/* Nobody is there any more: those that follow would fail alike. */
static bool is_gone(fsm_code code) {
  return code == FSM_EUNREACHABLE || code == FSM_ECLOSED || code == FSM_ETIMEOUT || code == FSM_ETOKEN;
}

static void put(cli_bulk_state *r, size_t at, const cli_outcome *of) {
  fsm_buf json = {0};
  const fsm_code code = of->fault.code;
  write_result(&r->bulk->who->ones[at], of, &json);
  pthread_mutex_lock(&r->lock);
  r->results[at % CLI_AHEAD] = (cli_result){.done = true, .ok = code == FSM_OK, .json = json};
  if (code != FSM_OK && (r->end->first.code == FSM_OK || at < r->first_at)) {
    r->end->first = of->fault;
    r->first_at = at;
  }
  if (is_gone(code)) r->stop = r->end->gone = true;
  pthread_cond_broadcast(&r->changed);
  pthread_mutex_unlock(&r->lock);
}

/* ---- one by one, or together -------------------------------------------------------------------------- */

static void do_one(cli_lane *l, const char *id, fsm_arena *arena, cli_outcome *out) {
  const int64_t until_ns = fsm__monotonic_ns() + l->of->patience_ns;
  fsm_code code;
  do {
    *out = (cli_outcome){.answer = fsm_null(), .problem = fsm_null()};
    code = cli_deed_do(&l->source, l->of->bulk->deed, id, arena, &out->answer, &out->fault);
    if (code == FSM_EBUSY) nap(FSM_BUSY_RETRY_NS);
  } while (code == FSM_EBUSY && fsm__monotonic_ns() < until_ns);
  if (code == FSM_OK) out->fault = (fsm_error){.code = FSM_OK};
  if (code != FSM_OK) out->problem = l->source.problem;
}

/* Of those that are there. The code of the request; FSM_EBUSY: it was busy for all our patience. */
static fsm_code post(cli_lane *l, const char *const *ids, size_t count, fsm_arena *arena, cli_outcome *out,
                     fsm_error *err) {
  const int64_t until_ns = fsm__monotonic_ns() + l->of->patience_ns;
  for (;;) {
    const fsm_code code = cli_batch_post(&l->source, l->of->bulk->deed, ids, count, arena, out, err);
    if (code != FSM_EBUSY || fsm__monotonic_ns() > until_ns) return code;
    nap(FSM_BUSY_RETRY_NS);
  }
}

/* The daemon has no such request, or its answer is longer than is read: each alone, which under a key does
 * nothing twice. */
static bool goes_alone(const cli_deed *deed, fsm_code code, const fsm_error *err) {
  if (code == FSM_ETOOLARGE) return deed->idem != NULL || deed->dry_run;
  return code == FSM_ENOTFOUND && strcmp(err->where, "path") == 0;
}

static void do_together(cli_lane *l, const char *const *ids, size_t count, fsm_arena *arena,
                        cli_outcome *out) {
  fsm_error err = {.text = ""};
  fsm_code code = count > 1 ? post(l, ids, count, arena, out, &err) : FSM_OK;
  const bool alone = count == 1 || goes_alone(l->of->bulk->deed, code, &err);
  if (alone && count > 1 && code != FSM_ETOOLARGE) {
    pthread_mutex_lock(&l->of->lock);
    l->of->room = 1;
    pthread_mutex_unlock(&l->of->lock);
  }
  for (size_t i = 0; i < count; i++) {
    if (!alone && code != FSM_OK)
      out[i] = (cli_outcome){.fault = err, .answer = fsm_null(), .problem = l->source.problem};
    else if (alone || out[i].fault.code == FSM_EBUSY)
      do_one(l, ids[i], arena, &out[i]);
  }
}

/* What is not there has its fault already. */
static void do_share(cli_lane *l, const share *of, fsm_arena *arena) {
  cli_bulk_state *r = l->of;
  cli_outcome outcomes[CLI_BATCH_MAX];
  const char *ids[CLI_BATCH_MAX];
  size_t count = 0;
  FSM_ASSERT(of->count <= CLI_BATCH_MAX);
  for (size_t i = 0; i < of->count; i++) {
    const cli_one *one = &r->bulk->who->ones[of->at + i];
    if (one->fault == NULL) ids[count++] = one->id;
  }
  if (count > 0) do_together(l, ids, count, arena, outcomes);
  count = 0;
  for (size_t i = 0; i < of->count; i++) {
    const cli_one *one = &r->bulk->who->ones[of->at + i];
    const cli_outcome absent = {.fault = one->fault != NULL ? *one->fault : (fsm_error){0},
                                .answer = fsm_null(),
                                .problem = fsm_null()};
    put(r, of->at + i, one->fault != NULL ? &absent : &outcomes[count++]);
  }
}

void *cli_lane_run(void *arg) {
  cli_lane *l = arg;
  cli_bulk_state *r = l->of;
  fsm_arena arena;
  share of;
  fsm_arena_init(&arena, 0);
  while (take(r, &of)) {
    do_share(l, &of, &arena);
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

/* retention.c: see retention.h. */
#include "runtime/retention.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/core.h"
#include "runtime/cursors.h"
#include "runtime/parked.h"
#include "runtime/runtime_impl.h"
#include "runtime/snapshot.h"
#include "runtime/verify.h"

enum { TICK_MS = 200, VERIFIED_KEPT = 2, REST_PERCENT = 70 };

struct fsm__retention {
  fsm_runtime *runtime;
  const fsm_runtime_options *options;
  fsm__path snapshots, journal;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* CLOCK_MONOTONIC */
  _Atomic bool stop;
  int64_t turned_ns;  /* monotonic; without the thread */
  fsm__retained told; /* under the lock */
};

/* ---- snapshots ---------------------------------------------------------------------------------- */

static bool is_due(const fsm__retention *r, const fsm__snapshot_info *newest, uint64_t last, int64_t now_ns) {
  const fsm_runtime_options *options = r->options;
  const uint64_t from = newest != NULL ? newest->from_seq : 0;
  if (last <= from) return false;
  if (options->snapshot_records > 0 && last - from >= options->snapshot_records) return true;
  if (options->snapshot_ns <= 0) return false;
  return newest == NULL || now_ns - newest->made_ns >= options->snapshot_ns;
}

static fsm_code make_snapshot(fsm__retention *r, int64_t now_ns, fsm_error *err) {
  fsm__snapshot_info info;
  fsm__path path;
  fsm__compared compared;
  const fsm__snapshot_options options = {.store = fsm__runtime_store(r->runtime),
                                         .origin = fsm__runtime_origin(r->runtime),
                                         .dir = r->snapshots.text,
                                         .now_ns = now_ns,
                                         .stop = &r->stop,
                                         .rest_percent = r->options->manual ? 0 : REST_PERCENT};
  fsm_code code = fsm__snapshot_make(&options, &info, err);
  if (code != FSM_OK || info.verified_ns != 0) return code;
  code = fsm__snapshot_path(r->snapshots.text, info.from_seq, &path, err);
  if (code == FSM_OK)
    code = fsm__verify_store(fsm__runtime_store(r->runtime), fsm__runtime_journal(r->runtime), path.text,
                             &r->stop, &compared, err);
  if (code == FSM_OK) code = fsm__snapshot_note_verified(r->snapshots.text, info.from_seq, now_ns, err);
  if (code != FSM_OK) return code;
  pthread_mutex_lock(&r->lock);
  r->told.snapshots++;
  pthread_mutex_unlock(&r->lock);
  return FSM_OK;
}

/* The newest verified ones stay, and what is newer than they. *keep_from: behind the A of the older of them;
 * 0 = there are not as many. */
static void remove_old(const fsm__retention *r, const fsm__snapshot_info *list, size_t count,
                       uint64_t *keep_from) {
  size_t verified = 0, i = count;
  *keep_from = 0;
  while (i > 0 && verified < VERIFIED_KEPT)
    if (list[--i].verified_ns != 0) verified++;
  if (verified < VERIFIED_KEPT) return;
  *keep_from = list[i].from_seq + 1;
  while (i > 0) fsm__snapshot_remove(r->snapshots.text, list[--i].from_seq);
}

/* ---- segments ----------------------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The oldest that this sink parked; a list that cannot be read holds everything. */
static uint64_t needed_by_parked(const fsm__retention *r, const char *sink) {
  fsm__parked *list = NULL;
  size_t count = 0;
  if (fsm__parked_load(fsm__runtime_dir(r->runtime), sink, &list, &count, NULL) != FSM_OK) return 0;
  uint64_t from = count > 0 ? list[0].seq : UINT64_MAX;
  free(list);
  return from;
}

/* No cursors, no sinks; cursors that cannot be read hold everything. What a sink has not settled may have to
 * be given again; one that is over its budget is fed from the archive. Without one a parked record could
 * never be given again. A record is parked before the cursor passes it, so the cursors are read first. */
static uint64_t needed_by_sinks(const fsm__retention *r) {
  fsm__cursor cursors[FSM_CURSORS_MAX];
  size_t count = 0;
  uint64_t from = UINT64_MAX;
  if (fsm__cursors_load(fsm__runtime_dir(r->runtime), cursors, &count, NULL) != FSM_OK) return 0;
  for (size_t i = 0; i < count; i++) {
    if (!cursors[i].spilled) from = least(from, cursors[i].settled_seq + 1);
    if (r->options->archive == NULL) from = least(from, needed_by_parked(r, cursors[i].sink));
  }
  return from;
}

/* The first seq of the oldest segment that age, size and idempotency let stay. */
static uint64_t needed_by_policy(const fsm__retention *r, const fsm__segment_info *segments, size_t count,
                                 int64_t now_ns) {
  const fsm_runtime_options *options = r->options;
  uint64_t bytes = 0;
  int64_t newest_ns = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += segments[i].bytes;
    if (segments[i].last_time_ns > newest_ns && segments[i].last_time_ns != INT64_MAX)
      newest_ns = segments[i].last_time_ns;
  }
  for (size_t i = 0; i < count; i++) {
    const fsm__segment_info *s = &segments[i];
    bool old = options->retain_ns > 0 && s->last_time_ns < now_ns - options->retain_ns;
    bool over = options->retain_bytes > 0 && bytes > options->retain_bytes;
    bool answers = s->last_time_ns >= newest_ns - FSM_IDEM_TTL_NS;
    if (!s->sealed || answers || !(old || over)) return s->first_seq;
    bytes -= s->bytes;
  }
  return count > 0 ? segments[count - 1].first_seq : 0;
}

static fsm_code archive(void *arg, int dir_fd, const char *name, const fsm__segment_info *segment,
                        fsm_error *err) {
  const fsm__retention *r = arg;
  fsm__path path;
  (void)dir_fd;
  if (segment->last_seq >= needed_by_sinks(r)) /* archiving those before it takes its time */
    return fsm_fail(err, FSM_EBUSY, name, "a sink that came meanwhile begins with it");
  if (r->options->archive == NULL) return FSM_OK;
  fsm_code code = fsm__path_of(&path, err, "%s/%s", r->journal.text, name);
  if (code != FSM_OK) return code;
  return r->options->archive(r->options->archive_arg, path.text, segment->first_seq, segment->last_seq, err);
}

static fsm_code prune(fsm__retention *r, uint64_t keep_from, int64_t now_ns, fsm_error *err) {
  fsm__journal *journal = fsm__runtime_journal(r->runtime);
  fsm__segment_info *segments = NULL;
  size_t count = 0;
  fsm_code code = fsm__journal_segments(journal, &segments, &count, err);
  if (code == FSM_OK) keep_from = least(keep_from, needed_by_policy(r, segments, count, now_ns));
  const uint64_t next = code == FSM_OK && count > 1 ? segments[1].first_seq : UINT64_MAX;
  free(segments);
  if (code == FSM_OK && next <= keep_from) keep_from = least(keep_from, needed_by_sinks(r));
  if (code != FSM_OK || next > keep_from) return code;
  /* A power loss may bring back an older cursor than was read, but none that is older than this. */
  code = fsm__cursors_sync(fsm__runtime_dir(r->runtime), err);
  if (code != FSM_OK) return code;
  fsm__prune_report report = {.segments = 0};
  code = fsm__journal_prune(journal, keep_from, archive, r, &report, err);
  pthread_mutex_lock(&r->lock);
  r->told.segments += report.segments;
  r->told.bytes += report.bytes;
  pthread_mutex_unlock(&r->lock);
  return code == FSM_EBUSY ? FSM_OK : code; /* a backup has it pinned, or a sink: the next time */
}

/* ---- the thread --------------------------------------------------------------------------------- */

static fsm_code pass(fsm__retention *r, fsm_error *err) {
  fsm__snapshot_info *list = NULL;
  size_t count = 0;
  uint64_t keep_from = 0;
  const int64_t now_ns = fsm__wall_now(r->options);
  fsm_code code = fsm__snapshot_list(r->snapshots.text, &list, &count, NULL, err);
  const uint64_t applied = fsm__store_applied(fsm__runtime_store(r->runtime), NULL);
  if (code == FSM_OK && is_due(r, count > 0 ? &list[count - 1] : NULL, applied, now_ns)) {
    code = make_snapshot(r, now_ns, err);
    free(list);
    list = NULL;
    if (code == FSM_OK) code = fsm__snapshot_list(r->snapshots.text, &list, &count, NULL, err);
  }
  if (code == FSM_OK) remove_old(r, list, count, &keep_from);
  free(list);
  bool wanted = r->options->retain_ns > 0 || r->options->retain_bytes > 0;
  return code == FSM_OK && wanted && keep_from > 0 ? prune(r, keep_from, now_ns, err) : code;
}

static void wait_a_tick(fsm__retention *r) {
  const struct timespec until = fsm__timespec_of(fsm__monotonic_ns() + (int64_t)TICK_MS * 1000000);
  pthread_mutex_lock(&r->lock);
  if (!atomic_load(&r->stop)) pthread_cond_timedwait(&r->changed, &r->lock, &until);
  pthread_mutex_unlock(&r->lock);
}

static void told_pass(fsm__retention *r) {
  fsm_error fault = {.text = ""};
  if (pass(r, &fault) == FSM_OK || atomic_load(&r->stop)) fault = (fsm_error){.code = FSM_OK};
  pthread_mutex_lock(&r->lock);
  r->told.fault = fault;
  pthread_mutex_unlock(&r->lock);
}

static void *run(void *arg) {
  fsm__retention *r = arg;
  while (!atomic_load(&r->stop)) {
    told_pass(r);
    wait_a_tick(r);
  }
  return NULL;
}

size_t fsm__retention_turn(fsm__retention *r) {
  if (r == NULL) return 0;
  const int64_t mono = fsm__monotonic_ns();
  if (r->turned_ns != 0 && mono - r->turned_ns < (int64_t)TICK_MS * 1000000) return 0;
  const uint64_t before = r->told.snapshots + r->told.segments;
  r->turned_ns = mono;
  told_pass(r);
  return (size_t)(r->told.snapshots + r->told.segments - before);
}

static bool asked_for(const fsm_runtime_options *options) {
  return !options->read_only && (options->snapshot_ns > 0 || options->snapshot_records > 0 ||
                                 options->retain_ns > 0 || options->retain_bytes > 0);
}

fsm_code fsm__retention_start(fsm_runtime *runtime, const fsm_runtime_options *options, fsm__retention **out,
                              fsm_error *err) {
  *out = NULL;
  if (!asked_for(options)) return FSM_OK;
  fsm__retention *r = calloc(1, sizeof *r);
  if (r == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the retention");
  r->runtime = runtime;
  r->options = options;
  const char *dir = fsm__runtime_dir(runtime);
  fsm_code code = fsm__path_of(&r->snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code == FSM_OK) code = fsm__path_of(&r->journal, err, "%s/journal/0", dir);
  pthread_condattr_t monotonic;
  pthread_mutex_init(&r->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&r->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (code == FSM_OK) fsm__snapshot_sweep(r->snapshots.text);
  if (code == FSM_OK && !options->manual && pthread_create(&r->thread, NULL, run, r) != 0)
    code = fsm_fail(err, FSM_ENOMEM, "", "the thread of the retention cannot be started");
  if (code == FSM_OK)
    *out = r;
  else
    free(r);
  return code;
}

void fsm__retention_stop(fsm__retention *r) {
  if (r == NULL) return;
  pthread_mutex_lock(&r->lock);
  atomic_store(&r->stop, true);
  pthread_cond_signal(&r->changed);
  pthread_mutex_unlock(&r->lock);
  if (!r->options->manual) pthread_join(r->thread, NULL);
  pthread_cond_destroy(&r->changed);
  pthread_mutex_destroy(&r->lock);
  free(r);
}

void fsm__retention_get(fsm__retention *r, fsm__retained *out) {
  *out = (fsm__retained){.snapshots = 0};
  if (r == NULL) return;
  pthread_mutex_lock(&r->lock);
  *out = r->told;
  pthread_mutex_unlock(&r->lock);
}

void fsm__runtime_retained(fsm_runtime *runtime, fsm__retained *out) {
  fsm__retention_get(fsm__runtime_retention(runtime), out);
}

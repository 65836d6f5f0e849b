/* sink_nats_reconcile.c: does the stream still have what it acknowledged?
 *
 * Its places are looked at: those up to the last that hold nothing are gone. Others of them than are known
 * and were mended mean a loss in the middle; a run of them lies between two neighbours whose records say
 * which ones it held. Where a neighbour is itself a repair, and so out of order, everything that could have
 * been there is given again: consumers drop by seq what they have. What is mended is remembered by a checksum
 * in the cursor, and by place for as long as we run; so after a restart a new loss may give old ones again
 * with it.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/crc32c.h"
#include "runtime/queue.h"
#include "runtime/sink_nats_impl.h"

typedef struct run {
  uint64_t from, to; /* places */
} run;

typedef struct runs {
  run list[FSM_NATS_RUNS_MAX];
  size_t count;
  uint64_t places; /* in them */
  bool more;       /* than fit */
} runs;

/* The first of the known ones that is not before place. */
static size_t find(const fsm__sink_nats *s, uint64_t place) {
  size_t low = 0, high = s->known_count;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (s->known[mid] < place)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static bool is_known(const fsm__sink_nats *s, uint64_t place) {
  size_t at = find(s, place);
  return place < s->known_first || (at < s->known_count && s->known[at] == place);
}

uint64_t fsm__nats_empty_to(const fsm__sink_nats *s, uint64_t place) {
  if (place == 0 || !is_known(s, place)) return 0;
  if (place < s->known_first) return s->known_first - 1;
  size_t at = find(s, place);
  while (at + 1 < s->known_count && s->known[at + 1] == s->known[at] + 1) at++;
  return s->known[at];
}

static void add_run(runs *all, uint64_t from, uint64_t to) {
  if (from > to) return;
  if (all->count > 0 && all->list[all->count - 1].to + 1 == from) {
    all->list[all->count - 1].to = to;
  } else if (all->count == FSM_NATS_RUNS_MAX) {
    all->more = true;
    return;
  } else {
    all->list[all->count++] = (run){from, to};
  }
  all->places += to - from + 1;
}

/* Places up to the last that hold nothing and are not known to. */
static void new_runs(const fsm__sink_nats *s, const fsm__bus_stream *info, const uint64_t *gone, size_t count,
                     uint64_t upto, runs *out) {
  memset(out, 0, sizeof *out);
  uint64_t first = info->messages > 0 ? info->first_seq : info->last_seq + 1;
  if (first > upto + 1) first = upto + 1;
  uint64_t known = s->known_first > 0 ? s->known_first : 1;
  add_run(out, known, first - 1);
  for (size_t i = 0; i < count && !out->more; i++) {
    if (gone[i] <= upto && !is_known(s, gone[i])) add_run(out, gone[i], gone[i]);
  }
}

/* ---- which records a run held ---- */

static void widen(fsm__sink_lost *lost, uint64_t from, uint64_t to) {
  if (from > to) return;
  if (lost->from == 0 || from < lost->from) lost->from = from;
  if (to > lost->to) lost->to = to;
}

static fsm_code range_of(fsm__sink_nats *s, const fsm__sink_view *view, const fsm__cursor *c, const run *r,
                         const fsm__bus_stream *info, fsm__sink_lost *lost, fsm_error *err) {
  fsm__nats_seen left, right = {0};
  fsm_code code = fsm__nats_look(s, r->from - 1, &left, err);
  if (code == FSM_OK && r->to < info->last_seq) code = fsm__nats_look(s, r->to + 1, &right, err);
  if (code != FSM_OK) return code;
  uint64_t from = view->first_seq, to = c->seq;
  bool both = left.ours && right.ours && left.repair && right.repair;
  if (both && left.seq < right.seq && right.seq - left.seq - 1 <= r->to - r->from + 1) {
    from = left.seq + 1, to = right.seq - 1; /* within a range that was given again */
  } else if (!left.repair && !right.repair) {
    if (left.ours && left.origin.epoch == view->epoch_of(view->arg, left.seq)) from = left.seq + 1;
    if (right.ours && right.seq > 0 && right.seq <= c->seq) to = right.seq - 1;
  }
  if (from < view->first_seq) from = view->first_seq;
  widen(lost, from, to);
  return FSM_OK;
}

/* ---- what is known ---- */

static void know(fsm__sink_nats *s, uint64_t first, uint64_t *gone, size_t count) {
  pthread_mutex_lock(&s->lock);
  free(s->known);
  s->known = gone;
  s->known_count = count;
  s->known_first = first;
  pthread_mutex_unlock(&s->lock);
}

static void remember(fsm__sink_nats *s, const fsm__bus_stream *info, uint64_t *gone, size_t count) {
  know(s, info->messages > 0 ? info->first_seq : info->last_seq + 1, gone, count);
  s->known_created_ns = info->created_ns;
}

static void forget(fsm__sink_nats *s) { know(s, 0, NULL, 0); }

void fsm__nats_heed_tail(fsm__sink_nats *s, uint64_t last, fsm__cursor *c) {
  pthread_mutex_lock(&s->lock);
  bool lost = last < s->repaired;
  bool reused = s->known_first > last + 1 || (s->known_count > 0 && s->known[s->known_count - 1] > last);
  if (lost) s->repaired = 0;
  pthread_mutex_unlock(&s->lock);
  if (!lost && !reused) return;
  forget(s);
  c->stream_gone = 0;
}

/* Not before the server has them on its disk: a loss of its tail would take them along, untold. */
static bool repairs_are_settled(fsm__sink_nats *s) {
  pthread_mutex_lock(&s->lock);
  bool settled = s->repaired_ns == 0 || fsm__monotonic_ns() - s->repaired_ns >= 2 * s->config->sync_ns;
  pthread_mutex_unlock(&s->lock);
  return settled;
}

/* Which places hold nothing, in one number: how many, and a checksum over which. */
static uint64_t mark_of(const fsm__bus_stream *info, const uint64_t *gone, size_t count) {
  uint64_t places = info->last_seq - info->messages;
  if (places == 0) return 0;
  uint32_t crc = fsm__crc32c(0, &info->first_seq, sizeof info->first_seq);
  if (count > 0) crc = fsm__crc32c(crc, gone, count * sizeof *gone);
  return (uint64_t)crc << 32 | (uint32_t)places;
}

static fsm_code mend(fsm__sink_nats *s, const fsm__sink_view *view, fsm__cursor *c,
                     const fsm__bus_stream *info, const uint64_t *gone, size_t count, fsm__sink_lost *lost,
                     fsm_error *err) {
  runs found;
  fsm_code code = FSM_OK;
  if (s->known_created_ns != info->created_ns) forget(s);
  new_runs(s, info, gone, count, info->last_seq, &found);
  for (size_t i = 0; i < found.count && code == FSM_OK; i++) {
    code = range_of(s, view, c, &found.list[i], info, lost, err);
  }
  if (code != FSM_OK) return code;
  if (found.more) widen(lost, view->first_seq, c->seq); /* in so many places that all is given again */
  if (repairs_are_settled(s)) c->stream_gone = mark_of(info, gone, count);
  return FSM_OK;
}

/* The number of empty places alone would not do: a server that lost its tail or a deletion, and then a
 * message, has as many of them as before. */
static fsm_code check_gone(fsm__sink_nats *s, const fsm__sink_view *view, fsm__cursor *c,
                           const fsm__bus_stream *info, fsm__sink_lost *lost, fsm_error *err) {
  bool begins = s->known_created_ns != info->created_ns || s->known_first == 0;
  uint64_t *gone = NULL;
  size_t count = 0;
  fsm_code code =
      info->deleted > 0 ? fsm__bus_stream_deleted(s->bus, s->stream, SIZE_MAX, &gone, &count, err) : FSM_OK;
  if (code != FSM_OK) return code;
  if (begins && c->stream_gone == FSM_NATS_GONE_ANY)
    c->stream_gone = mark_of(info, gone, count);
  else if (!begins || c->stream_gone != mark_of(info, gone, count))
    code = mend(s, view, c, info, gone, count, lost, err);
  if (code == FSM_OK)
    remember(s, info, gone, count);
  else
    free(gone);
  return code;
}

/* ---- settled ---- */

static void settle(fsm__sink_nats *s, fsm__cursor *c, const fsm__sink_lost *lost) {
  fsm__nats_sample *p = &s->sample;
  int64_t now = fsm__monotonic_ns();
  if (p->time_ns != 0 && now - p->time_ns >= 2 * s->config->sync_ns && lost->from == 0) {
    if (p->seq > c->settled_seq && p->seq <= c->seq) {
      c->settled_seq = p->seq;
      c->settled_stream_seq = p->stream_seq;
    }
    p->time_ns = 0;
  }
  if (p->time_ns == 0) *p = (fsm__nats_sample){.seq = c->seq, .stream_seq = c->stream_seq, .time_ns = now};
}

fsm_code fsm__nats_reconcile(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                             fsm__sink_lost *lost, fsm_error *err) {
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  FSM_ASSERT(view != NULL && cursor != NULL && lost != NULL);
  *lost = (fsm__sink_lost){0};
  fsm__bus_stream info = {0};
  fsm_code code = fsm__nats_stream(s, &info, err);
  if (code != FSM_OK) return code;
  if (info.created_ns != cursor->stream_created_ns || info.last_seq < cursor->stream_seq)
    return fsm_fail(err, FSM_EUNREACHABLE, s->stream,
                    info.created_ns != cursor->stream_created_ns
                        ? "the stream was made anew: it gets everything again"
                        : "the stream lost its last messages: they are sent again");
  code = check_gone(s, view, cursor, &info, lost, err);
  if (code == FSM_OK) settle(s, cursor, lost);
  return code;
}

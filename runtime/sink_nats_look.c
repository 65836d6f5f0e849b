/* sink_nats_look.c: a look at the stream, before anything is published: who is behind whom.
 *
 *   - nothing there, or less than the cursor says: the server lost it; send again from what it has;
 *   - more than the cursor says: we lost our cursor; go forward only over what is proved to be there, else
 *     send again and let the ids drop what is there;
 *   - another store's record, one beyond our journal, or another record at our seq: stop and say so.
 *
 * Going forward is proved by the order of the chain when no place between the cursor's and the last is empty;
 * without a cursor, when each record has a place since the stream began. A repair is no ordinary message: it
 * says where the last ordinary one before it is; but a cursor whose place holds its record is not put back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink_nats_impl.h"

static uint64_t number_of(const char *text) {
  uint64_t n = 0;
  for (; text != NULL && *text >= '0' && *text <= '9' && n <= (UINT64_MAX - 9) / 10; text++) {
    n = n * 10 + (uint64_t)(*text - '0');
  }
  return n;
}

static void on_seen(void *arg, const fsm__bus_message *message) {
  fsm__nats_seen *t = arg;
  const char *id = fsm__bus_message_header(message, "Nats-Msg-Id");
  const char *leaf = fsm__bus_message_header(message, "Fsm-Leaf");
  t->there = true;
  t->ours = id != NULL && fsm__message_id_read(id, &t->origin, &t->seq);
  t->repair = fsm__bus_message_header(message, "Fsm-Repair") != NULL;
  t->tail = number_of(fsm__bus_message_header(message, "Fsm-Tail"));
  snprintf(t->leaf, sizeof t->leaf, "%s", leaf != NULL ? leaf : "");
}

fsm_code fsm__nats_look(fsm__sink_nats *s, uint64_t place, fsm__nats_seen *out, fsm_error *err) {
  memset(out, 0, sizeof *out);
  if (atomic_load(&s->interrupted)) return fsm_fail(err, FSM_ECLOSED, s->stream, "publishing ends");
  if (place == 0) return FSM_OK;
  fsm_error none;
  fsm_code code = fsm__bus_stream_read(s->bus, s->stream, place, on_seen, out, &none);
  if (code == FSM_OK || code == FSM_ENOTFOUND) return FSM_OK;
  return fsm_fail(err, code, none.where, "%s", none.text);
}

/* ---- the stream ---- */

/* What the server forbade since the last look, when it is ours. */
static fsm_code check_denials(fsm__sink_nats *s, fsm_error *err) {
  char text[200], own[FSM_PREFIX_MAX + 8];
  uint64_t denials = fsm__bus_denials(s->bus, text, sizeof text);
  if (denials == s->denials) return FSM_OK;
  s->denials = denials;
  snprintf(own, sizeof own, "\"%s.evt.", s->prefix);
  if (strstr(text, own) == NULL && strstr(text, "$JS.") == NULL && strstr(text, "_INBOX") == NULL)
    return FSM_OK;
  return fsm_fail(err, FSM_EPERMISSION, s->stream, "%s: allow it to the user", text);
}

fsm_code fsm__nats_stream(fsm__sink_nats *s, fsm__bus_stream *out, fsm_error *err) {
  if (atomic_load(&s->interrupted)) return fsm_fail(err, FSM_ECLOSED, s->stream, "publishing ends");
  fsm_code code = fsm__bus_state(s->bus, err);
  if (code == FSM_OK) code = check_denials(s, err);
  if (code != FSM_OK) return code;
  fsm__bus_stream_config config = {.name = s->stream,
                                   .subject = s->subject,
                                   .replicas = s->config->replicas,
                                   .duplicates_ns = FSM_NATS_DUPLICATES_NS};
  code = fsm__bus_stream_open(s->bus, &config, out, err);
  return code == FSM_OK ? fsm__nats_safe(s, out, err) : code;
}

/* ---- the last message ---- */

/* The last place that holds something when `last` does not: it was taken out by hand. */
static fsm_code last_held(fsm__sink_nats *s, const fsm__bus_stream *info, uint64_t *place, fsm_error *err) {
  uint64_t *gone = NULL;
  size_t count = 0;
  fsm_code code = fsm__bus_stream_deleted(s->bus, s->stream, SIZE_MAX, &gone, &count, err);
  if (code != FSM_OK) return code;
  uint64_t at = info->last_seq;
  for (; count > 0 && gone[count - 1] == at; count--) at--;
  free(gone);
  *place = at >= info->first_seq ? at : 0;
  return FSM_OK;
}

/* The last ordinary message; *place 0: there is none. */
static fsm_code read_tail(fsm__sink_nats *s, const fsm__bus_stream *info, uint64_t *place,
                          fsm__nats_seen *out, fsm_error *err) {
  memset(out, 0, sizeof *out);
  *place = 0;
  if (info->messages == 0) return FSM_OK;
  uint64_t at = info->last_seq;
  fsm_code code = fsm__nats_look(s, at, out, err);
  if (code == FSM_OK && !out->there) {
    code = last_held(s, info, &at, err);
    if (code == FSM_OK) code = fsm__nats_look(s, at, out, err);
  }
  if (code == FSM_OK && out->there && out->ours && out->repair) {
    at = out->tail < info->last_seq ? out->tail : 0;
    code = fsm__nats_look(s, at, out, err);
  }
  if (code == FSM_OK && out->there) *place = at;
  return code;
}

#define WAY_OUT                                                                                        \
  "; if this journal is the right one: fsm-cli db restore or repair gives it a new epoch, which goes " \
  "on behind"

/* Is the stream's last message a record of this journal? *dead: of a branch that ended where a later epoch
 * forked. */
static fsm_code check_tail(const fsm__sink_nats *s, const fsm__sink_view *view, fsm__nats_seen *t, bool *dead,
                           fsm_error *err) {
  *dead = false;
  bool cleared = atomic_load(&s->cleared);
  bool other = t->ours && (memcmp(t->origin.store, view->origin.store, sizeof t->origin.store) != 0 ||
                           t->origin.partition != view->origin.partition);
  if ((!t->ours || other) && cleared) {
    t->there = false; /* given up: ours follow it */
    return FSM_OK;
  }
  if (!t->ours)
    return fsm_fail(err, FSM_EVERIFY, s->stream,
                    "the stream's last message is not a record of ours: outbox clear goes on behind it");
  if (other)
    return fsm_fail(err, FSM_EVERIFY, s->stream,
                    "the stream has records of another store or partition: outbox clear goes on behind them");
  if (t->origin.epoch > view->origin.epoch)
    return fsm_fail(err, FSM_EVERIFY, s->stream,
                    "the stream has records of epoch %u, the journal is of epoch %u" WAY_OUT,
                    (unsigned)t->origin.epoch, (unsigned)view->origin.epoch);
  *dead = t->origin.epoch < view->origin.epoch && t->seq > view->epoch_end(view->arg, t->origin.epoch);
  if (*dead) return FSM_OK;
  if (t->seq > view->durable_seq)
    return fsm_fail(
        err, FSM_EVERIFY, s->stream,
        "the stream has record %llu, but the journal ends at %llu: the store was rolled back" WAY_OUT,
        (unsigned long long)t->seq, (unsigned long long)view->durable_seq);
  if (t->seq < view->first_seq) return FSM_OK;
  if (view->epoch_of(view->arg, t->seq) != t->origin.epoch)
    return fsm_fail(err, FSM_EVERIFY, s->stream,
                    "the stream has record %llu of epoch %u, the journal of epoch %u" WAY_OUT,
                    (unsigned long long)t->seq, t->origin.epoch, view->epoch_of(view->arg, t->seq));
  if (t->leaf[0] == '\0') return FSM_OK;
  fsm__hash leaf;
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm_code code = view->leaf_of(view->arg, t->seq, &leaf, err);
  if (code != FSM_OK) return code;
  fsm__hex(leaf.bytes, sizeof leaf.bytes, hex);
  if (strcmp(hex, t->leaf) == 0) return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, s->stream, "the stream has another record %llu than the journal" WAY_OUT,
                  (unsigned long long)t->seq);
}

/* ---- where the cursor belongs ---- */

/* Does each place behind `from` hold a message? */
static bool whole_behind(fsm__sink_nats *s, const fsm__bus_stream *info, uint64_t from) {
  if (info->first_seq > from + 1) return false;
  if (info->messages == info->last_seq - info->first_seq + 1) return true;
  uint64_t *gone = NULL;
  size_t count = 0;
  if (fsm__bus_stream_deleted(s->bus, s->stream, SIZE_MAX, &gone, &count, NULL) != FSM_OK) return false;
  bool whole = count > 0 && gone[count - 1] <= from;
  free(gone);
  return whole;
}

/* What comes in order but as repairs, because its ids are known, moves no tail. The cursor's place still
 * holds the cursor's record, as a repair: all before it came before it, however far back the tail is. */
static fsm_code stands_on_repair(fsm__sink_nats *s, const fsm__sink_view *view, const fsm__bus_stream *info,
                                 const fsm__nats_seen *t, uint64_t at, const fsm__cursor *c, bool *stands,
                                 fsm_error *err) {
  fsm__nats_seen here;
  *stands = false;
  if (!t->there || c->stream_created_ns != info->created_ns || t->seq >= c->seq) return FSM_OK;
  if (c->stream_seq <= at || c->stream_seq > info->last_seq) return FSM_OK;
  fsm_code code = fsm__nats_look(s, c->stream_seq, &here, err);
  if (code != FSM_OK || !here.ours || !here.repair) return code;
  *stands = here.seq == c->sent_seq && here.origin.partition == view->origin.partition &&
            memcmp(here.origin.store, view->origin.store, sizeof here.origin.store) == 0 &&
            here.origin.epoch == view->epoch_of(view->arg, here.seq);
  return FSM_OK;
}

static void place_cursor(fsm__sink_nats *s, const fsm__sink_view *view, const fsm__bus_stream *info,
                         const fsm__nats_seen *t, bool dead, uint64_t at, fsm__cursor *c) {
  bool same = c->stream_created_ns == info->created_ns;
  uint64_t last = info->last_seq;
  bool proved = false; /* that the stream has all up to its last record */
  bool behind = c->seq > 0 ? c->seq + 1 < view->first_seq : c->spilled; /* fed from the archive */
  if (dead) {
    proved = false; /* the cursor, which is not behind the fork, says how far it has ours */
  } else if (t->there && same && t->seq > c->seq) {
    proved = at > c->stream_seq && whole_behind(s, info, c->stream_seq);
  } else if (t->there && same) {
    proved = true; /* at or behind the cursor: a lost tail */
  } else if (t->there && !behind && view->all &&
             view->epoch_of(view->arg, view->first_seq) == t->origin.epoch) {
    /* Its place 1 held our first record or an older one. */
    proved = info->messages == last - info->first_seq + 1 && t->seq - 1 < view->first_seq + (at - 1);
  }
  if (proved) {
    c->seq = t->seq;
    c->stream_seq = at;
  } else if (!same || last < c->stream_seq) {
    if (!behind) c->seq = view->first_seq - 1; /* made anew, or emptied by a loss */
    c->stream_seq = 0;
  }
  if (!same)
    c->stream_gone = proved || info->messages == last
                         ? 0
                         : FSM_NATS_GONE_ANY; /* all comes again, or what is missing does */
  c->stream_created_ns = info->created_ns;
  if (c->sent_seq > c->seq) c->sent_seq = c->seq;
  if (c->settled_seq > c->seq || !same) {
    if (!same || c->settled_seq > c->seq) c->settled_seq = same ? c->seq : 0;
    c->settled_stream_seq = same ? c->stream_seq : 0;
  }
}

/* Nothing is under way any more, whatever still comes in. */
static void begin_chain(fsm__sink_nats *s, uint64_t last, uint64_t tail) {
  s->held[0].full = s->held[1].full = false;
  s->expected = last;
  s->tail = tail;
  s->unasked = 0;
  s->unasked_bytes = 0;
  pthread_mutex_lock(&s->lock);
  s->chain_first = s->chain_next = s->answered = 0;
  s->dense = FSM_NATS_DENSE_RECORDS;
  s->broken = false;
  pthread_mutex_unlock(&s->lock);
}

fsm_code fsm__nats_prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err) {
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  FSM_ASSERT(view->first_seq > 0);
  if (s->stream[0] == '\0') {
    snprintf(s->stream, sizeof s->stream, "FSM_EVT_%u", (unsigned)view->origin.partition);
  }
  fsm__bus_stream info = {0};
  fsm__nats_seen t;
  uint64_t place = 0;
  bool dead = false;
  fsm_code code = fsm__nats_stream(s, &info, err);
  if (code == FSM_OK && s->repair == 0)
    code = fsm__random(&s->repair, 4, err); /* unlike those of an earlier run */
  if (code == FSM_OK) code = read_tail(s, &info, &place, &t, err);
  if (code == FSM_OK && t.there) code = check_tail(s, view, &t, &dead, err);
  if (code != FSM_OK) return code;
  bool stands = false;
  code = stands_on_repair(s, view, &info, &t, place, cursor, &stands, err);
  if (code != FSM_OK) return code;
  uint64_t seq = cursor->seq;
  if (cursor->stream_created_ns == info.created_ns) fsm__nats_heed_tail(s, info.last_seq, cursor);
  if (dead || !stands) place_cursor(s, view, &info, &t, dead, place, cursor);
  if (cursor->seq < seq) s->sample = (fsm__nats_sample){0};
  begin_chain(s, info.last_seq, place);
  return FSM_OK;
}

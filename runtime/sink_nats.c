/* sink_nats.c: order by the expected last sequence, identity by the message id.
 *
 * Each message carries the sequence that the stream's last message must have, predicted from the one
 * before, so a message can only land behind its predecessor: after the first that is refused all that
 * follow are refused too, and nothing is out of order or has a hole. A message that the stream has
 * already (Nats-Msg-Id) is acknowledged as a duplicate with its old place. Invariant: by this, a stream
 * whose last message is our record q, and that only we write to, has had every record that we sent before q.
 *
 * prepare() looks at the last message of the stream and settles who is behind:
 *   - nothing there, or less than the cursor says: the server lost it; send again from what it has;
 *   - more than the cursor says: we lost our cursor; go forward only when counting proves that each
 *     sequence between holds one record, else send again and let the ids drop what is there;
 *   - another store's record, one beyond our journal, or another record at our seq: stop and say so.
 */
#include "runtime/sink_nats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/message.h"
#include "schema/json.h"

typedef struct sink_nats {
  fsm__sink sink; /* first */
  fsm__bus *bus;
  unsigned inbox;
  char stream[FSM_STREAM_NAME_MAX + 1], prefix[FSM_PREFIX_MAX + 1], subject[FSM_PREFIX_MAX + 8];
  uint64_t expected; /* the stream's last sequence when the next message arrives */
  fsm_arena arena;   /* of publish: the outbox's thread */
  fsm_arena answers; /* of on_answer: the inbox's thread */
} sink_nats;

/* ---- publishing ---- */

static fsm_code publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  sink_nats *s = (sink_nats *)sink;
  fsm_arena_reset(&s->arena);
  fsm__message m;
  const fsm__exported *out = &record->out;
  fsm_code code = fsm__message_of(&s->arena, &out->origin, s->prefix, out->data, out->len, &out->leaf,
                                  out->mask, fsm__bus_payload_max(s->bus), &m, err);
  if (code != FSM_OK) return code;
  char expected[24];
  snprintf(expected, sizeof expected, "%llu", (unsigned long long)s->expected);
  FSM_ASSERT(m.header_count + 2 <= FSM_MESSAGE_HEADERS_MAX);
  m.headers[m.header_count++] = (fsm__bus_header){"Nats-Expected-Stream", s->stream};
  m.headers[m.header_count++] = (fsm__bus_header){"Nats-Expected-Last-Sequence", expected};
  code = fsm__bus_request(s->bus, s->inbox, record->ticket, m.subject, m.headers, m.header_count, m.data,
                          m.len, err);
  if (code == FSM_OK) s->expected++;
  return code;
}

static uint64_t number_of(const fsm_value *value) {
  if (value == NULL) return 0;
  if (value->type == FSM_INT) return value->i > 0 ? (uint64_t)value->i : 0;
  return value->type == FSM_UINT ? value->u : 0;
}

static void refuse(sink_nats *s, uint64_t ticket, fsm_code code, const char *text) {
  s->sink.ack(s->sink.ack_arg, ticket, code, 0, text);
}

/* {"stream":"S","seq":7} or {"stream":"S","seq":7,"duplicate":true} or {"error":{"code":…,"description":"…"}}
 */
static void on_answer(void *arg, uint64_t ticket, const fsm__bus_message *message) {
  sink_nats *s = arg;
  fsm_value doc;
  fsm_arena_reset(&s->answers);
  if (message->no_responders) {
    refuse(s, ticket, FSM_EUNREACHABLE, "no stream takes the subject");
    return;
  }
  if (fsm_json_parse(&s->answers, message->data, message->len, FSM_JSON_SORTED, &doc, NULL) != FSM_OK) {
    refuse(s, ticket, FSM_EMALFORMED, "an acknowledgement that cannot be read");
    return;
  }
  const fsm_value *error = fsm_map_get(&doc, "error"), *stream = fsm_map_get(&doc, "stream");
  uint64_t seq = number_of(fsm_map_get(&doc, "seq"));
  if (error != NULL) {
    const fsm_value *text = fsm_map_get(error, "description");
    bool has = text != NULL && text->type == FSM_STRING;
    refuse(s, ticket, FSM_EBUSY, has ? fsm_arena_strndup(&s->answers, text->s, text->len) : "refused");
  } else if (stream == NULL || !fsm_is_text(stream, s->stream) || seq == 0) {
    refuse(s, ticket, FSM_EMALFORMED, "another stream took it");
  } else {
    s->sink.ack(s->sink.ack_arg, ticket, FSM_OK, seq, NULL);
  }
}

/* ---- comparing ---- */

typedef struct tail {
  bool there, ours; /* ours: its id has our form */
  bool dead;        /* of a branch that ended where a later epoch forked off */
  fsm_origin origin;
  uint64_t seq;
  char leaf[2 * FSM_HASH_BYTES + 1]; /* "" = not given */
} tail;

static void on_tail(void *arg, const fsm__bus_message *message) {
  tail *t = arg;
  const char *id = fsm__bus_message_header(message, "Nats-Msg-Id");
  const char *leaf = fsm__bus_message_header(message, "Fsm-Leaf");
  t->there = true;
  t->ours = id != NULL && fsm__message_id_read(id, &t->origin, &t->seq);
  snprintf(t->leaf, sizeof t->leaf, "%s", leaf != NULL ? leaf : "");
}

static fsm_code read_tail(sink_nats *s, const fsm__bus_stream *info, tail *out, fsm_error *err) {
  if (info->messages == 0) return FSM_OK;
  fsm_code code = fsm__bus_stream_read(s->bus, s->stream, info->last_seq, on_tail, out, err);
  return code == FSM_ENOTFOUND ? FSM_OK : code; /* one message was taken out by hand */
}

/* Is the stream's last message a record of this journal? */
static fsm_code check_tail(const sink_nats *s, const fsm__sink_view *view, tail *t, fsm_error *err) {
  if (!t->ours) {
    return fsm_fail(err, FSM_EVERIFY, s->stream, "the stream's last message is not a record of ours");
  }
  if (memcmp(t->origin.store, view->origin.store, sizeof t->origin.store) != 0 ||
      t->origin.partition != view->origin.partition || t->origin.epoch > view->origin.epoch) {
    return fsm_fail(err, FSM_EVERIFY, s->stream,
                    "the stream has records of another store, partition or epoch");
  }
  t->dead = t->origin.epoch < view->origin.epoch && t->seq > view->epoch_end(view->arg, t->origin.epoch);
  if (t->dead) return FSM_OK;
  if (t->seq > view->durable_seq) {
    return fsm_fail(err, FSM_EVERIFY, s->stream, "the stream has record %llu, but the journal ends at %llu",
                    (unsigned long long)t->seq, (unsigned long long)view->durable_seq);
  }
  if (t->seq < view->first_seq) return FSM_OK;
  if (view->epoch_of(view->arg, t->seq) != t->origin.epoch)
    return fsm_fail(err, FSM_EVERIFY, s->stream,
                    "the stream has record %llu of epoch %u, the journal of epoch %u",
                    (unsigned long long)t->seq, t->origin.epoch, view->epoch_of(view->arg, t->seq));
  if (t->leaf[0] == '\0') return FSM_OK;
  fsm__hash leaf;
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm_code code = view->leaf_of(view->arg, t->seq, &leaf, err);
  if (code != FSM_OK) return code;
  fsm__hex(leaf.bytes, sizeof leaf.bytes, hex);
  if (strcmp(hex, t->leaf) == 0) return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, s->stream, "the stream has another record %llu than the journal",
                  (unsigned long long)t->seq);
}

static void place_cursor(const fsm__sink_view *view, const fsm__bus_stream *info, const tail *t,
                         fsm__cursor *c) {
  bool same = c->stream_created_ns == info->created_ns;
  bool whole = info->messages == info->last_seq - info->first_seq + 1;
  uint64_t at = info->last_seq;
  bool proved = false; /* that the stream has all up to its last record */
  if (t->dead) {
    proved = false; /* the cursor, which is not behind the fork, says how far it has ours */
  } else if (t->there && same && t->seq > c->seq) {
    proved = whole && at >= c->stream_seq && at - c->stream_seq == t->seq - c->seq;
  } else if (t->there && same) {
    proved = true; /* at or behind the cursor: a lost tail */
  } else if (t->there && view->epoch_of(view->arg, view->first_seq) == t->origin.epoch) {
    proved = whole && t->seq - 1 < view->first_seq +
                                       (at - 1); /* its sequence 1 held our first record or an older one */
  }
  if (proved) {
    c->seq = t->seq;
    c->stream_seq = at;
  } else if (!same || at < c->stream_seq) {
    c->seq = view->first_seq - 1; /* made anew, or emptied by a loss */
    c->stream_seq = 0;
  }
  c->stream_created_ns = info->created_ns;
}

static fsm_code prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err) {
  sink_nats *s = (sink_nats *)sink;
  if (!fsm__bus_connected(s->bus)) {
    char text[200];
    fsm__bus_last_error(s->bus, text, sizeof text);
    return fsm_fail(err, FSM_EUNREACHABLE, "nats", "%s", text[0] != '\0' ? text : "not connected yet");
  }
  fsm__bus_stream info = {0};
  tail t = {0};
  if (s->stream[0] == '\0') {
    snprintf(s->stream, sizeof s->stream, "FSM_EVT_%u", (unsigned)view->origin.partition);
  }
  fsm__bus_stream_config config = {
      .name = s->stream, .subject = s->subject, .duplicates_ns = FSM_NATS_DUPLICATES_NS};
  fsm_code code = fsm__bus_stream_open(s->bus, &config, &info, err);
  if (code == FSM_OK) code = read_tail(s, &info, &t, err);
  if (code == FSM_OK && t.there) code = check_tail(s, view, &t, err);
  if (code != FSM_OK) return code;
  FSM_ASSERT(view->first_seq > 0);
  place_cursor(view, &info, &t, cursor);
  s->expected = info.last_seq;
  return FSM_OK;
}

static uint64_t life(fsm__sink *sink) { return fsm__bus_life(((sink_nats *)sink)->bus); }

/* ---- life ---- */

fsm_code fsm__sink_nats_new(fsm__bus *bus, const char *stream, const char *prefix, fsm__sink **out,
                            fsm_error *err) {
  FSM_ASSERT(bus != NULL && prefix != NULL && strlen(prefix) <= FSM_PREFIX_MAX && out != NULL);
  if (stream != NULL &&
      (stream[0] == '\0' || strlen(stream) > FSM_STREAM_NAME_MAX || strpbrk(stream, ".*> \t/\\") != NULL)) {
    return fsm_fail(err, FSM_EARGUMENT, "stream", "\"%.80s\" cannot name a stream", stream);
  }
  sink_nats *s = calloc(1, sizeof *s);
  if (s == NULL) return fsm_fail(err, FSM_ENOMEM, "sink", "no memory for the NATS sink");
  s->sink = (fsm__sink){.name = "nats", .prepare = prepare, .publish = publish, .life = life};
  s->bus = bus;
  snprintf(s->stream, sizeof s->stream, "%s", stream != NULL ? stream : "");
  snprintf(s->prefix, sizeof s->prefix, "%s", prefix);
  snprintf(s->subject, sizeof s->subject, "%s.evt.>", s->prefix);
  fsm_arena_init(&s->arena, 0);
  fsm_arena_init(&s->answers, 0);
  fsm_code code = fsm__bus_inbox(bus, on_answer, s, &s->inbox, err);
  if (code != FSM_OK) {
    free(s);
    return code;
  }
  *out = &s->sink;
  return FSM_OK;
}

void fsm__sink_nats_free(fsm__sink *sink) {
  if (sink == NULL) return;
  sink_nats *s = (sink_nats *)sink;
  fsm_arena_free(&s->arena);
  fsm_arena_free(&s->answers);
  free(s);
}

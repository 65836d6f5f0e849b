/* sink_nats_send.c: order by the expected last sequence, identity by the message id, and one answer for many.
 *
 * Each message carries the sequence that the stream's last message must have, predicted from the one before,
 * so a message can only land behind its predecessor: after the first that is refused all that follow are
 * refused too, and nothing is out of order or has a hole. Invariant: by this, a stream whose last ordinary
 * message is our record q, and that only we write to, has had every record that we sent before q.
 *
 * The same chain makes one answer enough for all messages before it: who is told that his message is at the
 * predicted place knows that each before it is at its own. So an answer is asked for every 64th, and for the
 * last before a pause (flush); the server's answers cost it as much as storing. A message that is known by
 * its id (Nats-Msg-Id) takes no place and breaks the prediction: after each look at the stream, and after
 * each duplicate, an answer is asked for every message until enough were new.
 *
 * The server knows ids longer than it has messages: one that is known by its id, at a place that holds
 * nothing, was taken out after it came. It and the others of that hole are given again as repairs, under ids
 * of their own.
 */
#include "runtime/format_put.h"
#include "runtime/sink_nats_impl.h"

static unsigned ask_every(const fsm__sink_nats *s) {
  const unsigned window = s->config->window;
  if (window / 4 >= FSM_NATS_ASK_RECORDS) return FSM_NATS_ASK_RECORDS;
  return window / 4 > 0 ? window / 4 : 1;
}

static fsm_code send_one(fsm__sink_nats *s, const fsm__message *m, uint64_t id, bool ask, fsm_error *err) {
  if (!ask) return fsm__bus_publish(s->bus, m->subject, m->headers, m->header_count, m->data, m->len, err);
  s->unasked = 0;
  s->unasked_bytes = 0;
  return fsm__bus_request(s->bus, s->inbox, id, m->subject, m->headers, m->header_count, m->data, m->len,
                          err);
}

/* The last message is sent at last; asks for an answer when enough wait for one, or `ask`. */
static fsm_code send_held(fsm__sink_nats *s, bool ask, fsm_error *err) {
  fsm__nats_held *h = &s->held[s->holding];
  if (!h->full) return FSM_OK;
  h->full = false;
  s->unasked++;
  s->unasked_bytes += h->message.len;
  pthread_mutex_lock(&s->lock);
  bool broken = s->broken;
  if (s->dense > 0) ask = true, s->dense--;
  pthread_mutex_unlock(&s->lock);
  if (broken) return FSM_OK; /* it is refused already */
  if (s->unasked >= ask_every(s) || s->unasked_bytes >= FSM_NATS_ASK_BYTES) ask = true;
  fsm_error why;
  fsm_code code = send_one(s, &h->message, h->ticket, ask, &why);
  if (code == FSM_ETOOLARGE) code = FSM_EUNREACHABLE; /* of this one, not of the one that is given now */
  return code == FSM_OK ? FSM_OK : fsm_fail(err, code, why.where, "%s", why.text);
}

/* What stands in a record that somebody else decoded is gone when publish returns, and this message is held
 * until the next. */
static fsm_code keep_headers(fsm__nats_held *h, fsm_error *err) {
  for (size_t i = 0; i < h->message.header_count; i++) {
    fsm__bus_header *header = &h->message.headers[i];
    if (header->value == NULL) continue;
    header->value = fsm_arena_strdup(&h->arena, header->value);
    if (header->value == NULL) return fsm_fail(err, FSM_ENOMEM, "sink", "no memory for a message");
  }
  return FSM_OK;
}

static fsm_code build(fsm__sink_nats *s, fsm__nats_held *h, const fsm__sink_record *record, fsm_error *err) {
  fsm_arena_reset(&h->arena);
  fsm__message_options options = {.prefix = s->prefix,
                                  .formatter = s->formatter,
                                  .stored = s->stored,
                                  .payload_max = fsm__bus_payload_max(s->bus),
                                  .repair = s->repair + s->expected,
                                  .tail = s->tail};
  fsm__message *m = &h->message;
  fsm_code code = fsm__message_of(&options, &record->out, &h->arena, &h->payload, m, err);
  if (code == FSM_OK && record->out.record != NULL) code = keep_headers(h, err);
  if (code != FSM_OK) return code;
  char *expected = fsm_arena_alloc(&h->arena, 21);
  if (expected == NULL) return fsm_fail(err, FSM_ENOMEM, s->stream, "no memory for a message");
  *fsm__put_unsigned(expected, s->expected) = '\0';
  FSM_ASSERT(m->header_count + 2 <= FSM_MESSAGE_HEADERS_MAX);
  m->headers[m->header_count++] = (fsm__bus_header){"Nats-Expected-Stream", s->stream};
  m->headers[m->header_count++] = (fsm__bus_header){"Nats-Expected-Last-Sequence", expected};
  h->ticket = record->ticket;
  return FSM_OK;
}

/* The ticket belongs to the chain; place 0: no message of it will ever be. */
static bool enter_chain(fsm__sink_nats *s, uint64_t ticket, fsm__nats_given given) {
  pthread_mutex_lock(&s->lock);
  if (s->chain_first == 0) {
    s->chain_first = s->chain_next = ticket;
    s->answered = ticket - 1;
  }
  for (; s->chain_next < ticket; s->chain_next++) s->given[s->chain_next % FSM_SINK_WINDOW_MAX].place = 0;
  s->chain_next = ticket + 1;
  s->given[ticket % FSM_SINK_WINDOW_MAX] = given;
  bool broken = s->broken;
  pthread_mutex_unlock(&s->lock);
  return !broken;
}

static bool is_to_be_repaired(fsm__sink_nats *s, uint64_t seq) {
  pthread_mutex_lock(&s->lock);
  bool is = seq >= s->again_from && seq <= s->again_to;
  pthread_mutex_unlock(&s->lock);
  return is;
}

fsm_code fsm__nats_publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  fsm__nats_held *next = &s->held[!s->holding];
  fsm__sink_record it = *record;
  if (is_to_be_repaired(s, it.out.seq)) it.out.repair = true;
  fsm__nats_given given = {.seq = it.out.seq, .repair = it.out.repair};
  fsm_code code = build(s, next, &it, err);
  if (code != FSM_OK) {
    (void)enter_chain(s, it.ticket, given);
    return code;
  }
  code = send_held(s, !s->flushes, err);
  given.place = s->expected + 1;
  if (!enter_chain(s, it.ticket, given))
    return fsm_fail(err, FSM_EBUSY, s->stream, "one before it was refused");
  if (code != FSM_OK) return code;
  s->expected++;
  if (!given.repair) s->tail = s->expected;
  next->full = true;
  s->holding = !s->holding;
  return s->flushes ? FSM_OK : send_held(s, true, err);
}

fsm_code fsm__nats_flush(fsm__sink *sink, fsm_error *err) {
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  s->flushes = true;
  return send_held(s, true, err);
}

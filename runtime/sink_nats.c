/* sink_nats.c: order by the expected last sequence, identity by the message id, and one answer for many.
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
#include "runtime/sink_nats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/format_put.h"
#include "runtime/queue.h"
#include "runtime/sink_nats_impl.h"

/* ---- publishing ---- */

static unsigned ask_every(const fsm__sink_nats *s) {
  unsigned window = s->config != NULL ? s->config->window : 0;
  if (window == 0 || window / 4 >= FSM_NATS_ASK_RECORDS) return FSM_NATS_ASK_RECORDS;
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

static fsm_code publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
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

static fsm_code flush(fsm__sink *sink, fsm_error *err) {
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  s->flushes = true;
  return send_held(s, true, err);
}

/* ---- answers: a thread of the bus ---- */

typedef struct verdict {
  uint64_t from, to, place; /* place != 0: of `to` alone */
  fsm_code code;
  const char *text;
} verdict;

static void tell(fsm__sink_nats *s, const verdict *v) {
  for (uint64_t ticket = v->from; ticket <= v->to; ticket++) {
    pthread_mutex_lock(&s->lock);
    const fsm__nats_given *given = &s->given[ticket % FSM_SINK_WINDOW_MAX];
    uint64_t place = given->place;
    if (v->code == FSM_OK && given->repair && place > 0) {
      s->repaired = place;
      s->repaired_ns = fsm__monotonic_ns();
    }
    pthread_mutex_unlock(&s->lock);
    if (place == 0) continue; /* publish said it already */
    if (v->code == FSM_OK && v->place != 0) place = v->place;
    s->sink.ack(s->sink.ack_arg, ticket, v->code, v->code == FSM_OK ? place : 0, v->text);
  }
}

/* Under the lock. All that is open falls with the one that was refused, unless its answer is its own. */
static void judge(fsm__sink_nats *s, const fsm__nats_answer *a, verdict *v) {
  const fsm__nats_given *given = &s->given[v->to % FSM_SINK_WINDOW_MAX];
  const uint64_t empty_to = a->duplicate ? fsm__nats_empty_to(s, a->seq) : 0;
  bool alone = v->from == v->to, poison = v->code == FSM_ETOOLARGE || v->code == FSM_EDATA;
  if (a->duplicate) s->dense = FSM_NATS_DENSE_RECORDS;
  if (v->code == FSM_OK && !a->duplicate && a->seq == given->place) {
    s->answered = v->to;
  } else if (alone && empty_to == 0 && ((v->code == FSM_OK && a->duplicate) || poison)) {
    v->place = a->seq; /* where it was before, or nowhere */
    s->answered = v->to;
  } else {
    if (alone && empty_to > 0) {
      s->again_from = given->seq;
      s->again_to = given->seq + (empty_to - a->seq);
      v->text = "the stream knows its id and has it no more: it is given again as a repair";
    }
    if (v->code == FSM_OK || poison)
      v->code = FSM_EBUSY; /* whose fault it is, is seen when each has an answer */
    if (v->text == NULL) v->text = "it is not where it must be: duplicates before it";
    v->to = s->chain_next - 1;
    s->answered = v->to;
    s->broken = true;
  }
}

static fsm_code code_of(const fsm__bus_message *message, const fsm__nats_answer *a, char *text, size_t size) {
  text[0] = '\0';
  if (message->no_responders) {
    snprintf(text, size,
             "nobody takes the subject: the stream is gone, or has no leader, or JetStream is off");
    return FSM_EUNREACHABLE;
  }
  if (a->error) {
    const char *advice = fsm__bus_stream_advice(a->js_code);
    snprintf(text, size, "%s%s%s (JetStream %u)", a->text[0] != '\0' ? a->text : "refused",
             advice[0] != '\0' ? ": " : "", advice, a->js_code);
    return fsm__bus_stream_code(a->js_code);
  }
  if (a->seq != 0 && a->ours) return FSM_OK;
  snprintf(text, size, a->seq != 0 ? "another stream took it" : "an acknowledgement that cannot be read");
  return FSM_EMALFORMED;
}

static void on_answer(void *arg, uint64_t ticket, const fsm__bus_message *message) {
  fsm__sink_nats *s = arg;
  fsm__nats_answer a;
  char text[320];
  fsm__nats_answer_read(message->data, message->len, s->stream, &a);
  verdict v = {.to = ticket, .code = code_of(message, &a, text, sizeof text)};
  if (text[0] != '\0') v.text = text;
  pthread_mutex_lock(&s->lock);
  /* Of an earlier chain, or of a message whose fate is told already. */
  bool late = s->chain_first == 0 || s->broken || ticket <= s->answered || ticket >= s->chain_next;
  v.from = s->answered + 1;
  if (!late) judge(s, &a, &v);
  pthread_mutex_unlock(&s->lock);
  if (late) return;
  if (v.code == FSM_OK) atomic_store(&s->cleared, false); /* the last message is ours again */
  tell(s, &v);
}

/* ---- life ---- */

static uint64_t life(fsm__sink *sink) { return fsm__bus_life(((fsm__sink_nats *)sink)->bus); }

static void clear(fsm__sink *sink) { atomic_store(&((fsm__sink_nats *)sink)->cleared, true); }

static void interrupt(fsm__sink *sink) { atomic_store(&((fsm__sink_nats *)sink)->interrupted, true); }

static void on_changed(void *arg) {
  fsm__sink_nats *s = arg;
  if (s->wake != NULL) s->wake(s->wake_arg);
}

void fsm__sink_nats_free(fsm__sink *sink) {
  if (sink == NULL) return;
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  if (s->own_bus) fsm__bus_free(s->bus);
  for (int i = 0; i < 2; i++) {
    fsm_arena_free(&s->held[i].arena);
    fsm_buf_free(&s->held[i].payload);
  }
  fsm__formatter_free(s->formatter);
  fsm__formatter_free(s->stored);
  pthread_mutex_destroy(&s->lock);
  free(s->known);
  free(s->given);
  free(s);
}

static fsm_code check_name(const char *stream, fsm_error *err) {
  static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  if (stream == NULL) return FSM_OK;
  size_t len = strlen(stream);
  if (len > 0 && len <= FSM_STREAM_NAME_MAX && strspn(stream, fit) == len) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "stream", "\"%.80s\" cannot name a stream of ours", stream);
}

static fsm_code sink_new(const char *name, const char *stream, const char *prefix,
                         const fsm__format_options *format, fsm__sink_nats **out, fsm_error *err) {
  fsm_code code = check_name(stream, err);
  if (code != FSM_OK) return code;
  fsm__sink_nats *s = calloc(1, sizeof *s);
  fsm__nats_given *given = calloc(FSM_SINK_WINDOW_MAX, sizeof *given);
  if (s == NULL || given == NULL) {
    free(s), free(given);
    return fsm_fail(err, FSM_ENOMEM, "sink", "no memory for the NATS sink");
  }
  snprintf(s->name, sizeof s->name, "%s", name);
  s->sink = (fsm__sink){.name = s->name,
                        .prepare = fsm__nats_prepare,
                        .publish = publish,
                        .flush = flush,
                        .reconcile = fsm__nats_reconcile,
                        .life = life,
                        .clear = clear,
                        .interrupt = interrupt,
                        .free = fsm__sink_nats_free};
  s->given = given;
  pthread_mutex_init(&s->lock, NULL);
  for (int i = 0; i < 2; i++) fsm_arena_init(&s->held[i].arena, 0);
  snprintf(s->stream, sizeof s->stream, "%s", stream != NULL ? stream : "");
  snprintf(s->prefix, sizeof s->prefix, "%s", prefix);
  snprintf(s->subject, sizeof s->subject, "%s.evt.>", s->prefix);
  fsm__format_options stored = {.format = "msgpack"};
  code = fsm__formatter_new(format, &s->formatter, err);
  if (code == FSM_OK) code = fsm__formatter_new(&stored, &s->stored, err);
  if (code != FSM_OK) fsm__sink_nats_free(&s->sink);
  if (code == FSM_OK) *out = s;
  return code;
}

fsm_code fsm__sink_nats_new(fsm__bus *bus, const char *stream, const char *prefix, fsm__sink **out,
                            fsm_error *err) {
  FSM_ASSERT(bus != NULL && prefix != NULL && strlen(prefix) <= FSM_PREFIX_MAX && out != NULL);
  fsm__format_options format = {.format = "json"};
  fsm__sink_nats *s;
  fsm_code code = sink_new("nats", stream, prefix, &format, &s, err);
  if (code != FSM_OK) return code;
  s->bus = bus;
  code = fsm__bus_inbox(bus, on_answer, s, &s->inbox, err);
  if (code != FSM_OK) fsm__sink_nats_free(&s->sink);
  if (code == FSM_OK) *out = &s->sink;
  return code;
}

static fsm_code own_bus(fsm__sink_nats *s, const fsm__sink_config *c, fsm_error *err) {
  fsm__bus_options options = {.url = c->url,
                              .name = "fsmd",
                              .ca_file = c->ca_file,
                              .cert_file = c->cert_file,
                              .key_file = c->key_file,
                              .user = c->user,
                              .password_file = c->password_file,
                              .token_file = c->token_file,
                              .creds_file = c->creds_file,
                              .nkey_file = c->nkey_file};
  fsm_code code = fsm__bus_open(&options, &s->bus, err);
  s->own_bus = code == FSM_OK;
  return code;
}

fsm_code fsm__sink_nats_make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out,
                             fsm_error *err) {
  FSM_ASSERT(config != NULL && env != NULL && out != NULL);
  if (config->url == NULL && env->bus == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "url", "there is no NATS url, neither here nor for all");
  fsm__sink_nats *s;
  const char *prefix = config->prefix != NULL ? config->prefix : "fsm";
  fsm_code code = sink_new(config->name, config->stream, prefix, &config->format, &s, err);
  if (code != FSM_OK) return code;
  s->config = config;
  s->replicas = config->replicas;
  s->sync_ns = config->sync_ns;
  s->wake = env->wake;
  s->wake_arg = env->wake_arg;
  s->bus = env->bus;
  if (config->url != NULL) code = own_bus(s, config, err);
  if (code == FSM_OK) code = fsm__bus_inbox(s->bus, on_answer, s, &s->inbox, err);
  if (code == FSM_OK) code = fsm__bus_observe(s->bus, on_changed, s, err);
  if (code == FSM_OK && s->own_bus) code = fsm__bus_start(s->bus, err);
  if (code != FSM_OK) fsm__sink_nats_free(&s->sink);
  if (code == FSM_OK) *out = &s->sink;
  return code;
}

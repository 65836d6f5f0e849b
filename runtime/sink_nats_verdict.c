/* sink_nats_verdict.c: what an answer of the server says of the messages up to it: a thread of the bus. See
 * sink_nats_send.c. */
#include <stdio.h>

#include "runtime/clock.h"
#include "runtime/queue.h"
#include "runtime/sink_nats_impl.h"

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

void fsm__nats_on_answer(void *arg, uint64_t ticket, const fsm__bus_message *message) {
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

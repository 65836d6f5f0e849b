/* outbox_status.c: how a sink is doing, for whoever asks, and on record when it fails for long and when it is
 * well again. */
#include <stdio.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"
#include "schema/utf8.h"

/* ---- notes ---- */

void fsm__note_u64(fsm__note *note, const char *name, uint64_t value) {
  FSM_ASSERT(note->count < 8);
  note->pairs[note->count++] = (fsm_pair){fsm_string(name), fsm_int((int64_t)value)};
}

void fsm__note_text(fsm__note *note, const char *name, const char *value) {
  FSM_ASSERT(note->count < 8);
  note->pairs[note->count++] = (fsm_pair){fsm_string(name), fsm_string(value)};
}

void fsm__outbox_tell(fsm__outbox *o, const char *what, fsm__note *note, const fsm_value *actor,
                      const char *reason) {
  fsm_value more;
  if (o->note == NULL) return;
  fsm_code code = fsm_map(note->pairs, note->count, &more, NULL);
  FSM_ASSERT(code == FSM_OK);
  o->note(o->note_arg, o->sink->name, what, &more, actor, reason);
}

/* ---- failing and well ---- */

void fsm__outbox_fault(fsm__outbox *o, const fsm_error *err, bool halted) {
  pthread_mutex_lock(&o->lock);
  const size_t room = sizeof o->status.last_error;
  int len = snprintf(o->status.last_error, room, "%.60s%s", err->where, err->where[0] != '\0' ? ": " : "");
  snprintf(o->status.last_error + len, room - (size_t)len, "%.*s", (int)(room - (size_t)len - 1), err->text);
  fsm__utf8_mend(o->status.last_error); /* it may be the other side's words, and is cut */
  o->status.halted = halted;
  if (o->fault_ns == 0) {
    o->fault_ns = fsm__monotonic_ns();
    o->status.failing_since_ns = fsm__wall_ns();
  }
  pthread_mutex_unlock(&o->lock);
}

static uint64_t lag(const fsm__outbox *o) {
  uint64_t durable = fsm__journal_durable_seq(o->journal);
  return durable > o->cursor.seq ? durable - o->cursor.seq : 0;
}

void fsm__outbox_good(fsm__outbox *o) {
  fsm__note note = {.count = 0};
  pthread_mutex_lock(&o->lock);
  int64_t failed_ns = o->fault_ns == 0 ? 0 : fsm__monotonic_ns() - o->fault_ns;
  o->fault_ns = 0;
  o->status.failing_since_ns = 0;
  o->status.last_ok_ns = fsm__wall_ns();
  o->status.last_error[0] = '\0';
  o->status.halted = false;
  pthread_mutex_unlock(&o->lock);
  if (!o->failed_noted) return;
  o->failed_noted = false;
  fsm__note_u64(&note, "failed_ms", (uint64_t)(failed_ns / 1000000));
  fsm__note_u64(&note, "lag", lag(o));
  fsm__outbox_tell(o, "recovered", &note, NULL, NULL);
}

void fsm__outbox_watch(fsm__outbox *o) {
  fsm__note note = {.count = 0};
  char text[sizeof o->status.last_error];
  if (o->failed_noted) return;
  pthread_mutex_lock(&o->lock);
  int64_t since = o->fault_ns;
  bool halted = o->status.halted;
  memcpy(text, o->status.last_error, sizeof text);
  pthread_mutex_unlock(&o->lock);
  int64_t now = fsm__monotonic_ns();
  if (since == 0 || now - since < o->failing_ns) return;
  if (o->failed_noted_ns != 0 && now - o->failed_noted_ns < fsm__ms(FSM_OUTBOX_NOTE_EVERY_MS)) return;
  o->failed_noted = true;
  o->failed_noted_ns = now;
  fsm__note_text(&note, "state", halted ? "stopped" : "disconnected");
  fsm__note_text(&note, "error", text);
  fsm__note_u64(&note, "lag", lag(o));
  fsm__outbox_tell(o, "failed", &note, NULL, NULL);
}

/* ---- counting ---- */

/* Under the lock: what was counted a second that is over longer ago than the ring reaches goes. */
static void turn_rates(fsm__outbox *o, int64_t second) {
  if (second - o->rate_second > FSM__RATE_SECONDS) o->rate_second = second - FSM__RATE_SECONDS;
  while (o->rate_second < second) o->rates[++o->rate_second % FSM__RATE_SECONDS] = 0;
}

void fsm__outbox_count(fsm__outbox *o, uint64_t published, uint64_t repaired) {
  const fsm__cursor *c = &o->cursor;
  int64_t second = fsm__monotonic_ns() / 1000000000;
  pthread_mutex_lock(&o->lock);
  turn_rates(o, second);
  o->rates[second % FSM__RATE_SECONDS] += published + repaired;
  o->status.seq = c->seq;
  o->status.sent_seq = c->sent_seq;
  o->status.settled_seq = o->sink->reconcile == NULL || o->sink->final ? c->seq : c->settled_seq;
  o->status.spilled = c->spilled;
  o->status.published += published;
  o->status.repaired += repaired;
  o->status.skipped += o->skips;
  pthread_mutex_unlock(&o->lock);
  o->skips = 0;
}

/* ---- asking: any thread ---- */

/* Recorded time of this record; of one that is archived: of the first that is not. 0 = cannot be told. */
static int64_t time_of(fsm__outbox *o, uint64_t seq) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record_brief brief = {.time_ns = 0};
  uint64_t first = fsm__journal_first_seq(o->journal);
  if (fsm__journal_cursor_open(o->journal, seq, &cursor, NULL) != FSM_OK) return 0;
  if (fsm__journal_read(cursor, seq < first ? first : seq, &entry, NULL) != FSM_OK ||
      fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK)
    brief.time_ns = 0;
  fsm__journal_cursor_close(cursor);
  return brief.time_ns;
}

void fsm__outbox_status_get(fsm__outbox *o, fsm__outbox_status *out) {
  FSM_ASSERT(o != NULL && out != NULL);
  pthread_mutex_lock(&o->lock);
  turn_rates(o, fsm__monotonic_ns() / 1000000000);
  uint64_t sum = 0;
  for (unsigned i = 0; i < FSM__RATE_SECONDS; i++) sum += o->rates[i];
  *out = o->status;
  bool known = o->lag_seq == out->seq + 1;
  int64_t time_ns = o->lag_time_ns;
  pthread_mutex_unlock(&o->lock);
  out->rate = (double)sum / FSM__RATE_SECONDS;
  out->durable_seq = fsm__journal_durable_seq(o->journal);
  out->lag = out->durable_seq > out->seq ? out->durable_seq - out->seq : 0;
  out->lag_ns = 0;
  if (out->lag == 0) return;
  if (!known) {
    time_ns = time_of(o, out->seq + 1);
    pthread_mutex_lock(&o->lock);
    o->lag_seq = out->seq + 1;
    o->lag_time_ns = time_ns;
    pthread_mutex_unlock(&o->lock);
  }
  int64_t now = fsm__wall_ns();
  if (time_ns > 0 && now > time_ns) out->lag_ns = now - time_ns;
}

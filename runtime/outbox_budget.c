/* outbox_budget.c: what the journal keeps for this sink, looked at once a second, and what then is to be
 * done: to warn, to be fed from the archive, to hold up commands. budget.h says when. */
#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"

enum { LOOK_MS = 1000 };

static void tell(fsm__outbox *o, const char *what, unsigned percent, const fsm__outbox_status *now) {
  fsm__note note = {.count = 0};
  fsm__note_u64(&note, "percent", percent);
  fsm__note_u64(&note, "lag", now->lag);
  fsm__note_u64(&note, "lag_ms", (uint64_t)(now->lag_ns / 1000000));
  fsm__outbox_tell(o, what, &note, NULL, NULL);
}

/* The mark is on the disk before retention may heed it, and before it is on record. */
static void mark(fsm__outbox *o, bool spilled, unsigned percent, const fsm__outbox_status *now) {
  o->cursor.spilled = spilled;
  o->unsaved++; /* if it cannot be saved now, it is tried again */
  fsm__outbox_save(o, true);
  fsm__outbox_count(o, 0, 0);
  tell(o, spilled ? "spilled" : "unspilled", percent, now);
}

static void hold(fsm__outbox *o, const fsm__budget_turn *turn, unsigned percent,
                 const fsm__outbox_status *now) {
  char text[FSM_TEXT_MAX] = "";
  if (turn->hold != FSM__HOLD_NONE)
    fsm__hold_text(o->sink->name, turn->hold, percent, now->lag, now->lag_ns, text);
  if (o->hold != NULL) o->hold(o->note_arg, o->sink->name, turn->hold, text);
  if (turn->held) tell(o, "held", percent, now);
  if (turn->released) tell(o, "released", percent, now);
}

static uint64_t bytes_kept(fsm__outbox *o, uint64_t settled) {
  fsm__segment_info *segments = NULL;
  size_t count = 0;
  if (o->config->budget_bytes == 0) return 0;
  if (fsm__journal_segments(o->journal, &segments, &count, NULL) != FSM_OK) return 0;
  uint64_t bytes = fsm__budget_bytes(segments, count, settled);
  free(segments);
  return bytes;
}

void fsm__outbox_budget(fsm__outbox *o) {
  fsm__outbox_status now;
  int64_t at = fsm__monotonic_ns();
  bool any = o->config->budget_bytes > 0 || o->config->budget_age_ns > 0 || o->cursor.spilled;
  if (!any || at - o->budget_ns < fsm__ms(LOOK_MS)) return;
  o->budget_ns = at;
  fsm__outbox_status_get(o, &now);
  unsigned percent = fsm__budget_percent(o->config, bytes_kept(o, now.settled_seq), now.lag_ns);
  pthread_mutex_lock(&o->lock);
  o->status.budget_percent = percent;
  pthread_mutex_unlock(&o->lock);
  fsm__hold before = o->budget.hold;
  fsm__budget_turn turn = fsm__budget_next(&o->budget, o->config, percent, o->cursor.spilled);
  if (turn.warn) tell(o, "budget", percent, &now);
  if (turn.spill && o->archive != NULL) mark(o, true, percent, &now);
  bool here = o->cursor.seq + 1 >= fsm__journal_first_seq(o->journal);
  if (turn.unspill && here) mark(o, false, percent, &now);
  if (turn.hold != before || turn.held || turn.released) hold(o, &turn, percent, &now);
}

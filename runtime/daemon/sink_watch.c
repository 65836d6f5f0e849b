/* sink_watch.c: the status of a sink into a state, its changes into log lines.
 *
 * Invariant: a change is either in a line or counted in `changes`, which the next line says. */
#include "runtime/daemon/sink_watch.h"

#include <stdio.h>
#include <string.h>

const char *fsm__sink_state_name(fsm__sink_state state) {
  static const char *const names[] = {
#define X(symbol, name) name,
      FSM__SINK_STATES(X)
#undef X
  };
  FSM_ASSERT((unsigned)state < sizeof names / sizeof *names);
  return names[state];
}

uint64_t fsm__sink_lag(const fsm_sink_status *status) {
  return status->durable_seq > status->seq ? status->durable_seq - status->seq : 0;
}

fsm__sink_state fsm__sink_watch_state(const fsm__sink_watch *watch, const fsm_sink_status *status,
                                      int64_t now_ms) {
  if (!status->configured) return FSM__SINK_GONE;
  if (status->halted) return FSM__SINK_STOPPED;
  /* Some other sides are seen only when something is sent: between two tries such a sink is no better. */
  if (!status->connected || (status->failing_since_ns != 0 && fsm__sink_lag(status) > 0))
    return FSM__SINK_DISCONNECTED;
  bool waits = status->seq < watch->mark_seq && now_ms - watch->mark_ms >= FSM__SINK_BEHIND_MS;
  return waits ? FSM__SINK_BEHIND : FSM__SINK_OK;
}

static void move_mark(fsm__sink_watch *watch, const fsm_sink_status *status, int64_t now_ms) {
  bool first = watch->seen == FSM__SINK_UNSEEN;
  if (!first && status->seq < watch->mark_seq) return;
  watch->mark_seq = status->durable_seq;
  watch->mark_ms = first ? now_ms - FSM__SINK_BEHIND_MS : now_ms; /* what is found at start has waited */
}

static bool may_tell(fsm__sink_watch *watch, int64_t now_ms) {
  if (watch->lines == 0) watch->lines_ms = now_ms;
  int64_t back = (now_ms - watch->lines_ms) / FSM__SINK_LINE_EVERY_MS;
  if (back > watch->lines) back = watch->lines;
  watch->lines -= (unsigned)back;
  watch->lines_ms += back * FSM__SINK_LINE_EVERY_MS;
  return watch->lines < FSM__SINK_LINES_MAX;
}

typedef struct sentence {
  const char *level, *text;
} sentence;

static sentence of_nats(fsm__sink_state before, fsm__sink_state now) {
  bool was_away = before == FSM__SINK_UNSEEN || before == FSM__SINK_DISCONNECTED;
  switch (now) {
    case FSM__SINK_OK: return (sentence){"info", was_away ? "NATS connected" : "publishing caught up"};
    case FSM__SINK_BEHIND:
      return was_away ? (sentence){"info", "NATS connected, publishing the backlog"}
                      : (sentence){"warn", "publishing is behind"};
    case FSM__SINK_DISCONNECTED:
      return (sentence){"warn", before == FSM__SINK_UNSEEN ? "NATS is not reached, records wait"
                                                           : "NATS lost, records wait"};
    case FSM__SINK_STOPPED: return (sentence){"error", "publishing stands still"};
    case FSM__SINK_GONE: return (sentence){"info", "the sink is not configured any more"};
    case FSM__SINK_UNSEEN: break;
  }
  FSM_ASSERT(!"a state that is seen");
  return (sentence){"error", ""};
}

/* NATS by its name: it is what everybody has. */
static sentence sentence_of(const char *kind, fsm__sink_state before, fsm__sink_state now) {
  sentence says = of_nats(before, now);
  if (strcmp(kind, "nats") == 0) return says;
  bool was_away = before == FSM__SINK_UNSEEN || before == FSM__SINK_DISCONNECTED;
  if (now == FSM__SINK_OK && was_away) says.text = "the sink takes records";
  if (now == FSM__SINK_BEHIND && was_away) says.text = "the sink takes records, publishing the backlog";
  if (now == FSM__SINK_DISCONNECTED) says.text = "the sink is not reached, records wait";
  return says;
}

void fsm__sink_watch_look(fsm__sink_watch *watch, const fsm_sink_status *status, int64_t now_ms,
                          const fsm__log *log) {
  FSM_ASSERT(watch && status && log);
  move_mark(watch, status, now_ms);
  fsm__sink_state now = fsm__sink_watch_state(watch, status, now_ms);
  if (now != watch->seen) {
    watch->before = watch->seen;
    watch->seen = now;
    watch->changes++;
  }
  if (watch->changes == 0 || !may_tell(watch, now_ms)) return;
  sentence says = sentence_of(status->kind, watch->before, now);
  FSM__LOG(log, says.level, says.text, fsm__text("sink", status->name),
           fsm__text("status", fsm__sink_state_name(now)), fsm__number("lag", fsm__sink_lag(status)),
           fsm__number("seq", status->seq), fsm__number("changes", watch->changes),
           fsm__text("detail", status->last_error));
  watch->lines++;
  watch->changes = 0;
}

fsm__sink_watch *fsm__sink_watch_of(fsm__sink_watches *watches, const char *name) {
  for (size_t i = 0; i < watches->count; i++)
    if (strcmp(watches->at[i].name, name) == 0) return &watches->at[i];
  if (watches->count == FSM_PUBLISH_SINKS_MAX) return NULL;
  fsm__sink_watch *watch = &watches->at[watches->count++];
  *watch = (fsm__sink_watch){.seen = FSM__SINK_UNSEEN};
  snprintf(watch->name, sizeof watch->name, "%s", name);
  return watch;
}

static bool is_there(const char *name, const fsm_sink_status *sinks, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(sinks[i].name, name) == 0) return true;
  return false;
}

void fsm__sink_watches_look(fsm__sink_watches *watches, const fsm_sink_status *sinks, size_t count,
                            int64_t now_ms, const fsm__log *log) {
  for (size_t i = 0; i < watches->count;) {
    if (is_there(watches->at[i].name, sinks, count))
      i++;
    else
      watches->at[i] = watches->at[--watches->count];
  }
  for (size_t i = 0; i < count; i++) {
    fsm__sink_watch *watch = fsm__sink_watch_of(watches, sinks[i].name);
    if (watch != NULL) fsm__sink_watch_look(watch, &sinks[i], now_ms, log);
  }
}

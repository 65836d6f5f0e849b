/* look.c: what is looked at as time passes: sinks, retention, and whether the writer still turns. */
#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/daemon/daemon.h"
#include "runtime/pulse.h"
#include "runtime/retention.h"

enum { RETENTION_LOOK_MS = 1000, WRITER_PATIENCE_MS = 3000 };

/* Trouble with what is not in the path of any command would else be silent. */
static void look_at_sink(void *arg) {
  fsm__daemon *d = arg;
  if (d->stopping) return;
  fsm_sink_status *sinks = NULL;
  size_t count = 0;
  if (fsm_publisher_sinks(d->server.publisher, &sinks, &count, NULL) != FSM_OK) return;
  fsm__sink_watches_look(&d->server.watches, sinks, count, fsm__monotonic_ms(), &d->log);
  free(sinks);
}

/* It goes on by itself when it can; until then the disk fills. */
static void look_at_retention(void *arg) {
  fsm__daemon *d = arg;
  fsm__retained told;
  fsm__runtime_retained(d->server.runtime, &told);
  if (told.fault.code == d->retention_fault) return;
  d->retention_fault = told.fault.code;
  if (told.fault.code != FSM_OK)
    fsm__log_error(&d->log, "snapshots and retention are held up; they are tried again", &told.fault);
  else
    fsm__log_line(&d->log, "info", "snapshots and retention go on");
}

/* A sign of life only while the writer turns: it does so once a second when it has nothing to do. */
static void sign_of_life(void *arg) {
  fsm__daemon *d = arg;
  const int64_t now_ms = fsm__monotonic_ms();
  const uint64_t turns = fsm__runtime_turns(d->server.runtime);
  const int64_t patience_ms =
      d->notify.watchdog_ms > WRITER_PATIENCE_MS ? (int64_t)d->notify.watchdog_ms : WRITER_PATIENCE_MS;
  if (turns != d->turns) {
    d->turns = turns;
    d->turned_ms = now_ms;
  }
  if (now_ms - d->turned_ms <= patience_ms) fsm__notify_send(&d->notify, "WATCHDOG=1");
}

fsm_code fsm__daemon_open_clocks(fsm__daemon *d, fsm_error *err) {
  fsm_code code = fsm__timer_new(d->server.loop, look_at_sink, d, &d->sink_clock, err);
  if (code == FSM_OK) code = fsm__timer_new(d->server.loop, look_at_retention, d, &d->retention_clock, err);
  if (code == FSM_OK) code = fsm__timer_new(d->server.loop, sign_of_life, d, &d->watchdog_clock, err);
  return code;
}

void fsm__daemon_start_clocks(fsm__daemon *d) {
  d->turned_ms = fsm__monotonic_ms();
  if (d->server.publisher) fsm__timer_start(d->sink_clock, FSM__SINK_LOOK_MS, FSM__SINK_LOOK_MS);
  if (d->config.snapshot_every_ns > 0)
    fsm__timer_start(d->retention_clock, RETENTION_LOOK_MS, RETENTION_LOOK_MS);
  if (d->notify.watchdog_ms > 0)
    fsm__timer_start(d->watchdog_clock, d->notify.watchdog_ms, d->notify.watchdog_ms);
}

void fsm__daemon_free_clocks(fsm__daemon *d) {
  fsm__timer_free(d->sink_clock);
  fsm__timer_free(d->retention_clock);
  fsm__timer_free(d->watchdog_clock);
}

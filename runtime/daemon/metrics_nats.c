/* metrics_nats.c: figures of the API over NATS. */
#include "runtime/daemon/metrics.h"
#include "runtime/daemon/nats_impl.h"

static double of(_Atomic uint64_t *figure) { return (double)atomic_load(figure); }

static void put_requests(fsm_buf *out, fsm__nats_api *api) {
  static const char *const classes[FSM__NATS_CLASSES] = {"2xx", "4xx", "5xx"};
  fsm__metrics_family(out, "fsm_nats_requests_total", "counter",
                      "Messages that were answered, by class of status.");
  for (int ask = 0; ask < FSM__ASK_COUNT; ask++)
    for (int i = 0; i < 3; i++)
      fsm__metrics_line2(out, "fsm_nats_requests_total", "subject", fsm__ask_name((fsm__ask)ask), "status",
                         classes[i], of(&api->requests[ask][i]));
}

static void put_counter(fsm_buf *out, const char *name, const char *help, const char *label,
                        const char *const texts[], _Atomic uint64_t *const figures[], int count) {
  fsm__metrics_family(out, name, "counter", help);
  for (int i = 0; i < count; i++) fsm__metrics_line(out, name, label, texts[i], of(figures[i]));
}

void fsm__metrics_nats(fsm_buf *out, fsm__nats_api *api) {
  if (!api) return;
  put_requests(out, api);
  put_counter(out, "fsm_nats_lost_total",
              "Messages or answers dropped: overrun (no room), no_reply (a read that nobody waits for), late "
              "(after the "
              "deadline), unsent (NATS away).",
              "why", (const char *const[]){"overrun", "no_reply", "late", "unsent"},
              (_Atomic uint64_t *const[]){&api->overrun, &api->unheard, &api->late, &api->unsent}, 4);
  pthread_mutex_lock(&api->lock);
  const double flight = (double)api->flight, held = (double)api->held, synced = api->synced;
  pthread_mutex_unlock(&api->lock);
  fsm__metrics_family(out, "fsm_nats_in_flight", "gauge", "Requests over NATS under way.");
  fsm__metrics_line(out, "fsm_nats_in_flight", NULL, NULL, flight);
  if (!api->stream) return;
  put_counter(out, "fsm_nats_queue_total",
              "Messages of the work queue: taken and refused (acknowledged), again (put off).", "what",
              (const char *const[]){"taken", "refused", "again"},
              (_Atomic uint64_t *const[]){&api->taken, &api->refused, &api->again}, 3);
  fsm__metrics_family(out, "fsm_nats_queue_held", "gauge", "Messages of the work queue that are here.");
  fsm__metrics_line(out, "fsm_nats_queue_held", NULL, NULL, held);
  fsm__metrics_family(out, "fsm_nats_queue_up", "gauge", "1: the work queue is read.");
  fsm__metrics_line(out, "fsm_nats_queue_up", NULL, NULL, synced);
}

/* stop.c: a signal to stop, and everything closed in the reverse order of its start.
 *
 * The first SIGTERM or SIGINT lets no new connection in and waits, stop-timeout at most, for the answers
 * under way. From then on a second one ends the process there and then, as the system does it: what was
 * answered is durable. */
#include <signal.h>
#include <unistd.h>

#include "runtime/daemon/daemon.h"
#include "runtime/daemon/nats_api.h"
#include "runtime/daemon/streams.h"

static void stop_loop(void *arg) { fsm__loop_stop(((fsm__daemon *)arg)->server.loop); }

static void on_http_idle(void *arg) {
  fsm__daemon *d = arg;
  fsm__nats_api_on_idle(d->server.nats, stop_loop, d);
}

static void on_too_late(void *arg) {
  fsm__daemon *d = arg;
  fsm__log_line(&d->log, "warn", "requests are still under way after stop-timeout; they are cut off");
  stop_loop(d);
}

void fsm__daemon_on_stop_signal(void *arg) {
  fsm__daemon *d = arg;
  if (d->stopping) return;
  d->stopping = true;
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  fsm__log_line(&d->log, "info", "stopping");
  fsm__notify_send(&d->notify, "STOPPING=1\nSTATUS=stopping: requests under way are answered");
  fsm__nats_api_drain(d->server.nats);
  fsm__http_drain(d->http, on_http_idle, d);
  fsm__loop_deadline(d->server.loop, (uint64_t)(d->config.stop_timeout_ns / 1000000), on_too_late, d);
}

void fsm__daemon_stop(fsm__daemon *d) {
  fsm__nats_api_drain(d->server.nats);
  if (d->http) fsm__http_stop(d->http);
  if (d->serves_socket) unlink(d->config.socket_path);
  /* What is asked of sinks, and a new set of them, end first. */
  while (d->server.asking > 0 || d->server.reading > 0 || d->reloading.running)
    fsm__loop_turn(d->server.loop);
  if (d->server.publisher && d->server.runtime) fsm_publisher_stop(d->server.publisher);
  if (d->server.streams) fsm__streams_stop(d->server.streams);
  /* A verification reads the runtime: it ends first. */
  while (d->server.verifying) fsm__loop_turn(d->server.loop);
  fsm__notify_send(&d->notify, "STATUS=stopping: the store is closed");
  if (d->server.runtime) fsm_runtime_close(d->server.runtime);
  fsm__nats_api_free(d->server.nats); /* with the answers that the runtime gave at its end */
  fsm__http_free(d->http);
  fsm__streams_free(d->server.streams);
  fsm__daemon_free_clocks(d);
  fsm__loop_free(d->server.loop);
  fsm__gauges_free(d->server.gauges);
  fsm_publisher_free(d->server.publisher);
  fsm__auth_free(d->server.auth);
  fsm__notify_close(&d->notify);
}

/* daemon.h: a running fsmd, as the files share it that start it, stop it, and look after it meanwhile.
 *
 * Order: settings, keys, loop, publisher and runtime, HTTP, signals, clocks, listeners, READY; and back in
 * the reverse order, for however much of it was started. All on the loop's thread. */
#ifndef FSM_DAEMON_DAEMON_H
#define FSM_DAEMON_DAEMON_H

#include "runtime/daemon/auth_open.h"
#include "runtime/daemon/config.h"
#include "runtime/daemon/limits.h"
#include "runtime/daemon/listen.h"
#include "runtime/daemon/notify.h"
#include "runtime/daemon/routes.h"

/* One reading again of what SIGHUP reads again; reload.c. */
typedef struct fsm__reloading {
  bool running, again;
  fsm__config config; /* as the settings say now */
  fsm_error settings, sinks, people, tls_fault;
  fsm__auth_reading keys;
  fsm__tls tls; /* as the files are now */
} fsm__reloading;

typedef struct fsm__daemon {
  int argc;
  char *const *argv;
  fsm__config config;
  fsm__log log;
  fsm__server server;
  fsm__http *http;
  fsm__notify notify;
  fsm__limits limits;
  fsm__timer *sink_clock, *retention_clock, *watchdog_clock;
  fsm_opened opened;
  char address[FSM__ADDRESS_MAX];
  bool stopping, serves_socket;
  fsm_code retention_fault; /* the last that was told */
  uint64_t turns;           /* of the writer, at the last look */
  int64_t turned_ms;
  fsm__reloading reloading;
} fsm__daemon;

/* d: argc, argv, config, log and notify are there. After a failure too fsm__daemon_stop is due. */
FSM_MUST_USE fsm_code fsm__daemon_start(fsm__daemon *d, fsm_error *err);
void fsm__daemon_tell(fsm__daemon *d); /* what it serves: to the log and to who supervises us */
void fsm__daemon_stop(fsm__daemon *d);

/* Damage of what is stored: starting again does not help. */
bool fsm__daemon_is_damage(fsm_code code);

/* ---- between the files ---- */

FSM_MUST_USE fsm_code fsm__daemon_open_runtime(fsm__daemon *d, fsm_error *err);
/* The file of sinks; FSM_EARGUMENT: where is the file. */
FSM_MUST_USE fsm_code fsm__daemon_read_sinks(const char *path, fsm_buf *out, fsm_error *err);
/* The file of people, which --people names. */
FSM_MUST_USE fsm_code fsm__daemon_read_people(const fsm__config *config, fsm_runtime *runtime,
                                              fsm_error *err);
/* A wrong file, whatever the code: with its name and the place in it. */
fsm_code fsm__daemon_in_file(const char *path, fsm_code code, fsm_error *err);
void fsm__daemon_on_stop_signal(void *daemon);
void fsm__daemon_on_reload_signal(void *daemon);
FSM_MUST_USE fsm_code fsm__daemon_open_clocks(fsm__daemon *d, fsm_error *err);
void fsm__daemon_start_clocks(fsm__daemon *d);
void fsm__daemon_free_clocks(fsm__daemon *d);

#endif

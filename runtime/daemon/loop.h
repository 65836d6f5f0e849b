/* loop.h: the daemon's one event loop. The one wrapper of libuv.
 *
 * All callbacks run on the thread in fsm__loop_run; only fsm__loop_wake may be called from another. */
#ifndef FSM_DAEMON_LOOP_H
#define FSM_DAEMON_LOOP_H

#include "fsm/fsm.h"

typedef struct fsm__loop fsm__loop;
typedef struct fsm__watch fsm__watch;
typedef void (*fsm__loop_fn)(void *arg);

FSM_MUST_USE fsm_code fsm__loop_new(fsm__loop **out, fsm_error *err);
/* Waits for work that is under way, closes what is open. NULL is fine. */
void fsm__loop_free(fsm__loop *loop);

void fsm__loop_run(fsm__loop *loop); /* until fsm__loop_stop */
void fsm__loop_stop(fsm__loop *loop);
void fsm__loop_turn(fsm__loop *loop); /* what is ready, waiting for one thing at least */

/* fn runs soon after any thread has called fsm__loop_wake; several calls may become one. */
void fsm__loop_on_wake(fsm__loop *loop, fsm__loop_fn fn, void *arg);
void fsm__loop_wake(fsm__loop *loop);
/* fn runs at each SIGTERM and SIGINT. */
FSM_MUST_USE fsm_code fsm__loop_on_stop_signal(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm_error *err);
/* fn runs at each SIGHUP. */
FSM_MUST_USE fsm_code fsm__loop_on_reload_signal(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm_error *err);
/* fn runs once in ms; a second call moves it. */
void fsm__loop_deadline(fsm__loop *loop, uint64_t ms, fsm__loop_fn fn, void *arg);
/* fn runs every ms, for the first time in ms; one such clock for each loop. */
void fsm__loop_every(fsm__loop *loop, uint64_t ms, fsm__loop_fn fn, void *arg);

/* fn runs when fd is readable (for as long as it is) and when the watch is due. */
FSM_MUST_USE fsm_code fsm__watch_new(fsm__loop *loop, int fd, fsm__loop_fn fn, void *arg, fsm__watch **out,
                                     fsm_error *err);
void fsm__watch_due(fsm__watch *watch, int64_t ms); /* -1 = not */
void fsm__watch_close(fsm__watch *watch);           /* before fd is closed */

/* work on a thread of the pool, then done on the loop's. */
FSM_MUST_USE fsm_code fsm__loop_work(fsm__loop *loop, fsm__loop_fn work, fsm__loop_fn done, void *arg,
                                     fsm_error *err);

const char *fsm__loop_version(void); /* of libuv */

#endif

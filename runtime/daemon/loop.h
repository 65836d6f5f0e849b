/* loop.h: the daemon's one event loop. The one wrapper of libuv.
 *
 * All callbacks run on the thread in fsm__loop_run; only fsm__loop_wake and fsm__loop_post may be called
 * from another. */
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
/* A turn of the loop that another thread asks for. Its memory belongs to the caller, until fn runs. */
typedef struct fsm__post {
  fsm__loop_fn fn;
  void *arg;
  struct fsm__post *next; /* the loop's */
} fsm__post;
/* fn runs once on the loop's thread, in the order of the posts; never inside of this call. Any thread. */
void fsm__loop_post(fsm__loop *loop, fsm__post *post);
/* fn runs at each SIGTERM and SIGINT. */
FSM_MUST_USE fsm_code fsm__loop_on_stop_signal(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm_error *err);
/* fn runs at each SIGHUP. */
FSM_MUST_USE fsm_code fsm__loop_on_reload_signal(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm_error *err);
/* fn runs once in ms; a second call moves it. */
void fsm__loop_deadline(fsm__loop *loop, uint64_t ms, fsm__loop_fn fn, void *arg);

typedef struct fsm__timer fsm__timer;
/* A clock that stands still. */
FSM_MUST_USE fsm_code fsm__timer_new(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm__timer **out,
                                     fsm_error *err);
/* fn runs in ms, and then every `every` ms; 0 = once. A second call starts it anew. */
void fsm__timer_start(fsm__timer *timer, uint64_t ms, uint64_t every);
void fsm__timer_stop(fsm__timer *timer);
void fsm__timer_free(fsm__timer *timer); /* before the loop; NULL is fine */

/* fn runs when fd is readable (for as long as it is) and when the watch is due. */
FSM_MUST_USE fsm_code fsm__watch_new(fsm__loop *loop, int fd, fsm__loop_fn fn, void *arg, fsm__watch **out,
                                     fsm_error *err);
void fsm__watch_due(fsm__watch *watch, int64_t ms); /* -1 = not */
void fsm__watch_close(fsm__watch *watch);           /* before fd is closed */

/* work on a thread of the pool, then done on the loop's. */
FSM_MUST_USE fsm_code fsm__loop_work(fsm__loop *loop, fsm__loop_fn work, fsm__loop_fn done, void *arg,
                                     fsm_error *err);

/* How much later than asked for a clock of the loop ran, at worst in the last 10 to 20 s. */
int64_t fsm__loop_lag_ns(const fsm__loop *loop);

const char *fsm__loop_version(void); /* of libuv */

#endif

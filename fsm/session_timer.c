/* session_timer.c: the messages of a session that wait for their time.
 *
 * Each session keeps its own, sorted by (due, order set): they die with it, and most are set behind all
 * others. The clock of all asks the sessions for their first.
 */
#include <string.h>

#include "fsm/session_impl.h"

void fsm__timer_set(fsm_session *session, fsm__message *timer) {
  FSM_ASSERT(session && timer && timer->from == session->number);
  timer->order = ++session->all->made;
  fsm__message **at = &session->timers;
  if (session->timers_last && session->timers_last->due_ns <= timer->due_ns) at = &session->timers_last->next;
  while (*at && (*at)->due_ns <= timer->due_ns) at = &(*at)->next;
  timer->next = *at;
  *at = timer;
  if (!timer->next) session->timers_last = timer;
}

void fsm__timer_cancel(fsm_session *session, const char *id) {
  fsm__message *last = NULL;
  for (fsm__message **at = &session->timers; *at;) {
    fsm__message *timer = *at;
    if (!timer->id || strcmp(timer->id, id) != 0) {
      last = timer;
      at = &timer->next;
      continue;
    }
    *at = timer->next;
    fsm__message_free(session->all, timer);
  }
  session->timers_last = last;
}

void fsm__timer_cancel_all(fsm_session *session) {
  for (fsm__message *timer = session->timers, *next; timer; timer = next) {
    next = timer->next;
    fsm__message_free(session->all, timer);
  }
  session->timers = session->timers_last = NULL;
}

/* Of those due at the same time the one that was set first: that is what order tells. */
static bool sooner(const fsm__message *a, const fsm__message *b) {
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

fsm_session *fsm__timer_next(const fsm_sessions *all) {
  fsm_session *found = NULL;
  for (unsigned i = 0; i < all->count; i++) {
    fsm_session *session = all->table[i];
    if (session->timers && (!found || sooner(session->timers, found->timers))) found = session;
  }
  return found;
}

fsm__message *fsm__timer_take(fsm_session *session) {
  fsm__message *timer = session->timers;
  FSM_ASSERT(timer);
  session->timers = timer->next;
  if (!session->timers) session->timers_last = NULL;
  return timer;
}

bool fsm_session_timer_at(const fsm_session *session, unsigned n, fsm_session_timer *out) {
  FSM_ASSERT(session && out);
  const fsm__message *timer = session->timers;
  while (timer && n-- > 0) timer = timer->next;
  if (!timer) return false;
  *out = (fsm_session_timer){.id = timer->id,
                             .event = timer->event.name,
                             .target = timer->target,
                             .set_ns = timer->set_ns,
                             .due_ns = timer->due_ns};
  return true;
}

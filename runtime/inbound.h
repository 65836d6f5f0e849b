/* inbound.h: events of other instances that are on their way to one: sent with a delay, or held because it is
 * paused or parked.
 *
 * They stand with their senders; the table `addressed` finds them by whom they are for. An address "#_x" of a
 * JSON machine is looked up when it is due: a child of the sender that is called x comes before an instance,
 * so what is found is asked once more, as things are now. Between parent and child "#_parent" and "#_<child>"
 * are not here: who has a parent that waits, or children, has something pending anyway. */
#ifndef FSM_RUNTIME_INBOUND_H
#define FSM_RUNTIME_INBOUND_H

#include "runtime/rows.h"

enum { FSM_INBOUND_MAX = 100 }; /* that are looked at, of one instance; further ones are as these */

typedef struct fsm__inbound {
  const char *from, *event;
  int64_t due_ns;
} fsm__inbound;

/* *out: FSM_INBOUND_MAX of them at most, by sender, in arena. *more: there are others. */
FSM_MUST_USE fsm_code fsm__inbound_of(fsm__store *store, const char *id, fsm_arena *arena,
                                      const fsm__inbound **out, unsigned *count, bool *more, fsm_error *err);

#endif

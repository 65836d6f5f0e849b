/* offers.h: tasks that were offered and have not begun: when each may be offered again, or in which line it
 * waits for room with its service.
 *
 * In memory only: after a restart every open task is found in the due table and offered. A hash by
 * instance finds a task, a heap finds the next one that is due. One thread. */
#ifndef FSM_RUNTIME_OFFERS_H
#define FSM_RUNTIME_OFFERS_H

#include "fsm/fsm.h"

#define FSM_OFFER_AGAIN_NS ((int64_t)30 * 1000000000)    /* no word at all: the offer itself was lost */
#define FSM_UNDELIVERED_NS ((int64_t)500 * 1000000)      /* nobody took it: doubled each time */
#define FSM_UNDELIVERED_MAX_NS ((int64_t)8 * 1000000000) /* up to this */

typedef struct fsm__offers fsm__offers;

FSM_MUST_USE fsm_code fsm__offers_new(size_t lines, fsm__offers **out, fsm_error *err);
void fsm__offers_free(fsm__offers *offers);

/* The task was offered: again at now_ns + FSM_OFFER_AGAIN_NS unless something else is said before. Times are
 * monotonic. false without memory: it is not offered again in this life. */
bool fsm__offers_note(fsm__offers *offers, uint64_t number, const char *id, int64_t now_ns);
/* Nobody took the tasks of this instance: they are due again soon. */
void fsm__offers_undelivered(fsm__offers *offers, uint64_t number, int64_t now_ns);
/* Is a task of this instance offered, and no word has come yet? Whoever it was offered to may begin it. */
bool fsm__offers_out(const fsm__offers *offers, uint64_t number);
/* A task that is due again: its place is kept, and counts from now as just offered. *id is valid until the
 * next call. false when none is due. */
bool fsm__offers_take(fsm__offers *offers, int64_t now_ns, uint64_t *number, const char **id);
/* A task that was noted waits in this line (below the number given to fsm__offers_new) until it is called. */
void fsm__offers_hold(fsm__offers *offers, uint64_t number, const char *id, unsigned line);
bool fsm__offers_waits(const fsm__offers *offers, unsigned line); /* is anything in it? */
/* Calls the first of a line: as fsm__offers_take. */
bool fsm__offers_call(fsm__offers *offers, unsigned line, int64_t now_ns, uint64_t *number, const char **id);
/* It has begun or is gone. */
void fsm__offers_forget(fsm__offers *offers, uint64_t number, const char *id);
/* When the next one is due; INT64_MAX when there is none. May be early, never late. */
int64_t fsm__offers_next(const fsm__offers *offers);
size_t fsm__offers_count(const fsm__offers *offers);

#endif

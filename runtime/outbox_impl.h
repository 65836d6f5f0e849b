/* outbox_impl.h: what the files of the outbox share. All of it is the thread's own but for what is said.
 *
 *   outbox.c          the thread: prepare, turn, rest, back off; life
 *   outbox_window.c   flights: given, acknowledged, settled, forgotten
 *   outbox_feed.c     what is given next: the journal, the archive, repairs; batches and linger
 *   outbox_filter.c   what it gets at all
 *   outbox_compare.c  our side and the other one
 *   outbox_parked.c   what is parked
 *   outbox_budget.c   what the journal keeps for it
 *   outbox_orders.c   operators
 *   outbox_status.c   what is told: status, notes
 */
#ifndef FSM_RUNTIME_OUTBOX_IMPL_H
#define FSM_RUNTIME_OUTBOX_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/archive_read.h"
#include "runtime/budget.h"
#include "runtime/outbox.h"

enum {
  FSM__IDLE_MS = 250,   /* nothing to do: so long at most */
  FSM__DOZE_MS = 5,     /* in a backoff, between two looks */
  FSM__NAP_US = 500,    /* woken again so soon, it lets more come together first */
  FSM__TURN_MAX = 4096, /* records given before it looks around */
  FSM__LOOK_EVERY = 64, /* records given between two looks at the clock and at acknowledgements */
  FSM__RATE_SECONDS = 10
};

/* The state of a flight's mark, beside its ticket. Whoever answers claims it first, so what it writes has one
 * writer; a flight that was forgotten has ticket 0. */
typedef enum fsm__ack { FSM__OPEN, FSM__CLAIMED, FSM__TAKEN, FSM__REFUSED } fsm__ack;

typedef struct fsm__flight {
  _Atomic uint64_t mark; /* ticket << 2 | fsm__ack; any thread */
  uint64_t position;     /* of whoever claimed it, as code and text */
  fsm_code code;
  char *text;
  uint64_t seq, through; /* through: left out behind it, up to here; 0 = nothing */
  uint64_t through_sent; /* the last parked one of those; 0 = none */
  uint32_t epoch, through_epoch;
  fsm__hash leaf;
  size_t bytes;
  int64_t sent_ns;
  bool repair, retry; /* retry: of a parked one */
} fsm__flight;

/* What is to be given again, in order: the head is being given. */
typedef struct fsm__range {
  uint64_t to, next, done; /* next to read; all before done are finished */
} fsm__range;

typedef struct fsm__order fsm__order;

struct fsm__outbox {
  char *dir;
  fsm__journal *journal;
  fsm__archive *archive;       /* NULL = there is none */
  fsm__journal_cursor *reader; /* of the feed */
  fsm__journal_cursor *looker; /* of single records */
  fsm_origin origin;
  fsm__sink *sink;
  const fsm__sink_config *config;
  fsm__routing *routing;
  fsm__masks *masks;
  fsm__outbox_note_fn note;
  fsm__outbox_hold_fn hold;
  void *note_arg;
  int64_t failing_ns, reconcile_ns;

  fsm__cursor cursor;
  uint64_t leaf_seq; /* of which cursor.leaf is; another than cursor.seq: the leaf is still to be made */
  uint64_t unsaved;  /* records since the last save */
  int64_t saved_ns;

  bool prepared;
  uint64_t life;         /* of the sink when it prepared */
  uint64_t prepared_seq; /* the cursor then */
  int64_t prepared_ns, reconciled_ns;
  int64_t drain_ns; /* since when a refusal lets the rest of the window come in; 0 = not */
  unsigned fails;   /* tries without progress */
  bool reconcile_due;
  bool hurry; /* an operator: no more waiting */
  int64_t now_ns, rested_ns;

  /* feed */
  uint64_t feed_seq; /* the next to read */
  uint64_t sent_seq; /* the last one given in order */
  uint64_t skips;    /* left out and not counted yet */
  bool journal_placed;
  unsigned gathered; /* since the last flush */
  size_t gathered_bytes;
  int64_t gathered_ns;
  bool filtered;
  fsm_arena arena; /* of one record */
  fsm_arena kept;  /* of where */
  const fsm__where *where;
  fsm__budget budget;
  int64_t budget_ns; /* when it was looked at last */
  fsm__range ranges[FSM_OUTBOX_RANGES_MAX];
  unsigned range_count, range_flights;
  uint64_t retry[FSM_PARKED_MAX]; /* of parked ones, to be given again */
  unsigned retry_count, retry_next;
  uint64_t repair_after; /* the last one given as a repair */
  bool range_placed;     /* repair_after is of ranges[0] */
  bool repair_turn;

  /* window: flights of tickets oldest … next - 1, at ticket & mask */
  fsm__flight *flights;
  uint64_t mask, oldest, next;
  unsigned window;
  size_t bytes; /* in flight */

  fsm__parked *parked; /* sorted; changed under lock, by the thread */
  size_t parked_count;

  /* any thread */
  atomic_uint open;      /* flights without an answer */
  atomic_uint wake_open; /* so few of them wake it */
  atomic_bool refused;   /* one that is no poison */
  atomic_bool woken, sleeping, stopping, ordered;

  pthread_mutex_t lock; /* all below, and parked */
  pthread_cond_t moved, obeyed;
  uint64_t refusal_ticket; /* the first that was refused, and why */
  char refusal[256];
  fsm__order *order;
  bool ended, finished; /* no orders any more; nothing any more */
  fsm__outbox_status status;
  int64_t fault_ns, failed_noted_ns; /* of the thread: since when it fails; 0 = it does not, was not noted */
  bool failed_noted;
  uint64_t rates[FSM__RATE_SECONDS];
  int64_t rate_second; /* of rates[rate_second % …] */
  uint64_t lag_seq;    /* whose time lag_time_ns is */
  int64_t lag_time_ns;
  bool started;
  pthread_t thread;
};

static inline int64_t fsm__ms(int64_t n) { return n * 1000000; }

/* ---- window ---- */

bool fsm__poison(fsm_code code);
fsm_code fsm__flights_new(fsm__outbox *o, unsigned window, fsm_error *err);
void fsm__flights_free(fsm__outbox *o);
bool fsm__flights_room(const fsm__outbox *o);
static inline bool fsm__flights_empty(const fsm__outbox *o) { return o->oldest == o->next; }
/* The flight of the next ticket, registered. */
fsm__flight *fsm__flights_add(fsm__outbox *o, const fsm__sink_record *record);
/* A record that is left out: the cursor goes over it together with what is before it. parked: it was given
 * once, in vain. */
void fsm__flights_skip(fsm__outbox *o, uint64_t seq, uint32_t epoch, bool parked);
void fsm__outbox_ack(void *outbox, uint64_t ticket, fsm_code code, uint64_t position, const char *text);
/* Moves the cursor over what is finished without a gap, parks what is poison. Not FSM_OK: it could not be
 * parked. */
fsm_code fsm__flights_settle(fsm__outbox *o, fsm_error *err);
/* No answer to what is open counts any more. */
void fsm__flights_forget(fsm__outbox *o);

/* ---- feed ---- */

typedef enum fsm__fed { FSM__FED_ALL, FSM__FED_FULL, FSM__FED_MORE, FSM__FED_FAULT } fsm__fed;
/* Gives what there is and what fits. FSM__FED_FAULT: err says why, what is open must be forgotten. */
fsm__fed fsm__outbox_feed(fsm__outbox *o, fsm_error *err);
fsm_code fsm__outbox_flush(fsm__outbox *o, fsm_error *err);
/* What was given up is left out: true, and *to is the last of it. */
bool fsm__outbox_is_dropped(const fsm__outbox *o, uint64_t seq, uint64_t *to);
/* From the cursor on. */
void fsm__outbox_feed_from_cursor(fsm__outbox *o);
/* One record, from the journal or the archive; valid until the next. FSM_ENOTFOUND: neither has it. */
fsm_code fsm__outbox_read(fsm__outbox *o, uint64_t seq, fsm__journal_entry *out, fsm_error *err);
/* The last record at or below seq that it gets; 0 = none near. */
uint64_t fsm__outbox_given_before(fsm__outbox *o, uint64_t seq);

/* ---- filter ---- */

typedef struct fsm__wanted {
  bool is;
  const fsm_record *record; /* in o->arena; NULL = nobody needed it */
  const fsm_mask *mask;
  fsm_code code; /* not FSM_OK: of it nothing may be shown, and text says why */
  char text[160];
} fsm__wanted;

fsm_code fsm__filter_new(fsm__outbox *o, fsm_error *err);
void fsm__filter_free(fsm__outbox *o);
fsm_code fsm__outbox_wants(fsm__outbox *o, const fsm__journal_entry *entry, fsm__wanted *out, fsm_error *err);

/* ---- budgets ---- */

void fsm__outbox_budget(fsm__outbox *o);

/* ---- parked ---- */

/* A list that is worked on beside the one that stands. */
typedef struct fsm__draft {
  fsm__parked *list;
  size_t count;
} fsm__draft;
fsm_code fsm__draft_new(const fsm__outbox *o, fsm__draft *out, fsm_error *err);
void fsm__draft_free(fsm__draft *draft);
/* FSM_EQUOTA: FSM_PARKED_MAX are there already. One that is there already: tried once more. */
fsm_code fsm__draft_add(fsm__draft *draft, const char *sink, uint64_t seq, uint32_t epoch, fsm_code code,
                        const char *text, fsm_error *err);
bool fsm__draft_remove(fsm__draft *draft, uint64_t seq);
/* Durably in the place of the list that stands; frees the draft unless it fails. */
fsm_code fsm__draft_keep(fsm__outbox *o, fsm__draft *draft, fsm_error *err);
const fsm__parked *fsm__parked_find(const fsm__outbox *o, uint64_t seq); /* NULL = it is not parked */
/* This very record: behind a fork another one has the seq of one that was parked. */
bool fsm__outbox_is_parked(const fsm__outbox *o, const fsm__journal_entry *entry);
/* What of the flights oldest … *end is poison goes on the list, what was given again leaves it; *end moves
 * back to what could not be parked. */
fsm_code fsm__outbox_park_run(fsm__outbox *o, uint64_t *end, fsm_error *err);

/* ---- comparing ---- */

/* FSM_ENOTFOUND: neither here nor archived. */
fsm_code fsm__outbox_leaf_of(fsm__outbox *o, uint64_t seq, fsm__hash *out, fsm_error *err);
fsm_code fsm__outbox_compare(fsm__outbox *o, fsm_error *err);
fsm_code fsm__outbox_reconcile(fsm__outbox *o, fsm_error *err);
/* FSM_EQUOTA: FSM_OUTBOX_RANGES_MAX wait. */
fsm_code fsm__outbox_repair(fsm__outbox *o, uint64_t from, uint64_t to, fsm_error *err);
void fsm__outbox_save(fsm__outbox *o, bool durable);

/* ---- orders ---- */

struct fsm__order {
  fsm_code (*run)(fsm__outbox *o, fsm__order *order, fsm_error *err);
  uint64_t from, to, count;
  const fsm_value *actor;
  const char *reason;
  bool told; /* it is on record */
  fsm__parked parked;
  bool taken, done;
  fsm_code code;
  fsm_error err;
};

/* Gives it to the thread, and waits; *count may be NULL. */
fsm_code fsm__outbox_order(fsm__outbox *o, fsm__order *order, uint64_t *count, fsm_error *err);
void fsm__outbox_obey(fsm__outbox *o);
void fsm__orders_end(fsm__outbox *o);

/* ---- status ---- */

void fsm__outbox_fault(fsm__outbox *o, const fsm_error *err, bool halted);
void fsm__outbox_good(fsm__outbox *o);
/* Puts on record that it has been failing for long. */
void fsm__outbox_watch(fsm__outbox *o);
/* And what was left out since the last time. */
void fsm__outbox_count(fsm__outbox *o, uint64_t published, uint64_t repaired);
/* Texts and numbers of a note; at most 8. */
typedef struct fsm__note {
  fsm_pair pairs[8];
  size_t count;
} fsm__note;
void fsm__note_u64(fsm__note *note, const char *name, uint64_t value);
void fsm__note_text(fsm__note *note, const char *name, const char *value);
void fsm__outbox_tell(fsm__outbox *o, const char *what, fsm__note *note, const fsm_value *actor,
                      const char *reason);

/* ---- outbox.c ---- */
/* The thread; arg: an fsm__outbox. */
void *fsm__outbox_run(void *arg);

#endif

/* database_damage.h: what of a stopped directory can be trusted, for database_repair.c.
 *
 * The journal is gone through record by record. What is trusted is a prefix: it ends before the first batch
 * that does not read, does not follow, or holds a record that is not the one that others were made from (its
 * successor, a footer, the store keep its hash). A record that the next one contradicts is not trusted, nor
 * is any behind it.
 *
 * When what is damaged is older than a snapshot that is whole, there is a second way: all records behind the
 * damage are trusted by themselves, so the front of the journal can go, as pruning would have it, and only
 * history is lost.
 */
#ifndef FSM_RUNTIME_DATABASE_DAMAGE_H
#define FSM_RUNTIME_DATABASE_DAMAGE_H

#include "runtime/database_impl.h"
#include "runtime/journal_impl.h"

enum { FSM__BAD_SNAPSHOTS_MAX = 16 }; /* more are found by the next repair */

typedef struct fsm__damage {
  fsm__stopped at;
  fsm_origin origin;
  fsm_code journal, store; /* FSM_OK = whole */
  fsm_error journal_fault, store_fault;
  uint64_t torn_bytes; /* behind what was acknowledged */
  uint64_t applied;    /* of the store, 0 = not known */
  fsm__hash applied_leaf;
  /* where the journal stops being trusted: the file may be missing, or be good to its end */
  uint64_t ordinal, offset, bytes; /* bytes: what the file should have */
  uint64_t first_seq, last_good;   /* of the records that are trusted */
  uint64_t known_last;             /* highest seq that anything tells of */
  uint64_t *ordinals;
  size_t count;
  /* the front that can go instead */
  bool front_can_go, front_loses; /* loses: records, not only the floor's file */
  bool floor_unread;
  fsm__journal_floor front;
  bool sealed;                                    /* the last file that is trusted is good to its end */
  bool can_build;                                 /* a store, from what is trusted */
  uint64_t bad_snapshots[FSM__BAD_SNAPSHOTS_MAX]; /* their A */
  unsigned bad_count;
  fsm_error snapshot_fault;
} fsm__damage;

/* Fills d (zeroed, lock_fd -1) and takes the store's lock. Fault: it cannot be told; nothing was changed. */
FSM_MUST_USE fsm_code fsm__damage_find(fsm__damage *d, const char *dir, fsm_error *err);
void fsm__damage_free(fsm__damage *d);
/* Does it open, and is the store what the journal says? Into d->store. */
FSM_MUST_USE fsm_code fsm__damage_rows(fsm__damage *d, const char *dir, fsm_error *err);

/* ---- for the files of database_damage*.c ---- */
/* Before the lock is ours: opening takes it. A store of another journal knows nothing of this one. */
FSM_MUST_USE fsm_code fsm__damage_store(fsm__damage *d, const char *dir, fsm_error *err);
FSM_MUST_USE fsm_code fsm__damage_snapshots(fsm__damage *d, fsm_error *err);

#endif

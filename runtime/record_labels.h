/* record_labels.h: the labels of the instance that a record is of. Only the record `created` carries them,
 * and they never change; a filter that asks for labels means all records of the instances that have them.
 *
 * Of which instance: an id may be used again once it was purged, so the one that had it when the record was
 * written, or had it last: that of the newest `created` of that id at or before the record. Its labels stand
 * in its row while it is in the store, else in that `created`, while the journal keeps it. Where neither is
 * there its labels are not known, and no label matches. A record of no instance has none. They are compared
 * as they are shown: masked.
 *
 * Memory: FSM__LABEL_BOOK_ROOM instances of whom it is known; others are asked for anew.
 */
#ifndef FSM_RUNTIME_RECORD_LABELS_H
#define FSM_RUNTIME_RECORD_LABELS_H

#include "runtime/catalog.h"
#include "runtime/journal.h"
#include "runtime/routing_impl.h"

enum { FSM__LABEL_BOOK_ROOM = 64 };

/* Where labels are found: a view at seq, or (view false) the store, of which one is opened each time. */
typedef struct fsm__label_source {
  fsm__store *store;
  bool view;
  uint64_t seq;
  fsm__catalog *catalog;
  fsm__journal *journal;
} fsm__label_source;

/* Whether an instance has what a filter asks for: for its records from `from` to `to`. One thread at a time.
 */
typedef struct fsm__label_book {
  struct {
    char id[FSM_INSTANCE_ID_MAX + 1];
    bool has;
    uint64_t from, to; /* 0, 0: empty */
  } at[FSM__LABEL_BOOK_ROOM];
} fsm__label_book;

/* *looked grows by the rows and records that were read. */
FSM_MUST_USE fsm_code fsm__labels_ask(const fsm__label_source *source, fsm__label_book *book,
                                      const fsm__label *labels, size_t count, const char *id, size_t len,
                                      uint64_t seq, fsm_arena *scratch, bool *has, unsigned *looked,
                                      fsm_error *err);

#endif

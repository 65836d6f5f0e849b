/* cursors.h: how far each sink has come: `<data>/sinks/<name>`, one small checksummed file per sink, replaced
 * by tmp + rename. Operational: it survives a rebuild of the store and is left out of every comparison.
 * Written lazily: after a crash a sink resends what it had already sent, and its other side drops it by id.
 *
 * One file `<data>/cursors` for all sinks is what earlier versions wrote: its entries are read for sinks that
 * have no file of their own yet, and it goes when each of them has one. */
#ifndef FSM_RUNTIME_CURSORS_H
#define FSM_RUNTIME_CURSORS_H

#include "runtime/hash.h"

enum { FSM_CURSORS_MAX = 16, FSM_SINK_NAME_MAX = 31 /* [A-Za-z0-9_-] */ };

typedef struct fsm__cursor {
  char sink[FSM_SINK_NAME_MAX + 1];
  uint32_t epoch;            /* of that record */
  uint64_t seq;              /* of ours, acknowledged without a gap */
  fsm__hash leaf;            /* of that record */
  int64_t stream_created_ns; /* of the other side's stream; 0 = not a stream */
  uint64_t stream_seq;       /* there */
  uint64_t sent_seq;         /* the last record at or below seq that it was given; seq, where all are */
  uint64_t settled_seq; /* of ours, acknowledged and seen again when it must be on the disk of the other side;
                           the journal keeps what follows */
  uint64_t settled_stream_seq;
  uint64_t stream_gone; /* which places of that stream hold nothing, and had their records given again: a mark
                           of the sink's own */
  uint64_t dropped_from, dropped_to; /* the last range that was given up, on record: not asked for again,
                                        wherever the cursor goes back to; 0 = none */
  bool spilled; /* over its budget, or damaged: the journal keeps nothing for it, the archive does */
} fsm__cursor;

/* Can it name a sink, and so its files? */
bool fsm__sink_name_fits(const char *name);

/* All of them, sorted by name; none is fine. FSM_ECORRUPT names a damaged file: *count are those that are
 * whole. FSM_EQUOTA: there are more than FSM_CURSORS_MAX. */
FSM_MUST_USE fsm_code fsm__cursors_load(const char *dir, fsm__cursor cursors[FSM_CURSORS_MAX], size_t *count,
                                        fsm_error *err);
/* The sinks that have one, whole or damaged, sorted by name; of each only `sink` is set. FSM_ECORRUPT: the
 * file of earlier versions is damaged; *count are the others. */
FSM_MUST_USE fsm_code fsm__cursors_list(const char *dir, fsm__cursor names[FSM_CURSORS_MAX], size_t *count,
                                        fsm_error *err);
/* That of one sink; *there false: it has none. FSM_ECORRUPT: the caller may start from the first record there
 * is: at least once. */
FSM_MUST_USE fsm_code fsm__cursor_load(const char *dir, const char *sink, fsm__cursor *out, bool *there,
                                       fsm_error *err);
/* Replaces the file of this sink; fsync when durable is true. FSM_EQUOTA: a new one, and there are
 * FSM_CURSORS_MAX already. */
FSM_MUST_USE fsm_code fsm__cursor_save(const char *dir, const fsm__cursor *cursor, bool durable,
                                       fsm_error *err);
/* What was loaded before this, or newer, is what a power loss leaves: all files of cursors and their
 * directory are made durable. */
FSM_MUST_USE fsm_code fsm__cursors_sync(const char *dir, fsm_error *err);
/* The sink is no more: the journal keeps nothing for it. One that has none is fine. */
FSM_MUST_USE fsm_code fsm__cursor_remove(const char *dir, const char *sink, fsm_error *err);

#endif

/* core.h: the parts of an open data directory that decisions and reads stand on. */
#ifndef FSM_RUNTIME_CORE_H
#define FSM_RUNTIME_CORE_H

#include "runtime/catalog.h"
#include "runtime/fsm_runtime.h"
#include "runtime/journal.h"

typedef struct fsm__core {
  char *dir, *node;
  char *archive; /* directory of segments that the journal let go of; NULL = there is none */
  fsm_origin origin;
  fsm__store *store;
  fsm__catalog *catalog;
  fsm__journal *journal;
  uint64_t seq;                         /* of the last record applied to the rows (overlay included) */
  fsm__hash leaf;                       /* of that record */
  int64_t last_time_ns;                 /* of that record */
  const struct fsm__services *services; /* of this program; NULL: not known who serves what (read only) */
  struct fsm__untaken *untaken;         /* NULL as above */
  struct fsm__surveys *surveys;         /* walks of the journal that are held between requests */
  struct fsm__known *known;             /* who acts (people.h) */
  bool delivers;                 /* tasks of other services are delivered by somebody (options.task_ready) */
  _Atomic int64_t given_ns;      /* the last time that the writer gave: ahead of a clock that was set back */
  _Atomic int64_t turned_ns;     /* monotonic: the writer's last turn began; 0 = there is none */
  _Atomic int refusing;          /* fsm_code with which it refuses what is no repair; FSM_OK = it takes it */
  _Atomic uint64_t refused;      /* commands, since it was opened */
  _Atomic uint64_t late_answers; /* of these, answers to tasks or attempts that are over */
  _Atomic uint64_t duplicates;   /* of these, to tasks that were answered before (of the last ones) */
} fsm__core;

/* Opens store, journal and catalog and replays the tail into the overlay. */
FSM_MUST_USE fsm_code fsm__core_open(const fsm_runtime_options *options, fsm__core *out, fsm_opened *opened,
                                     fsm_error *err);
void fsm__core_close(fsm__core *core);

/* Applies the durable records after core->seq up to `to` (0 = all) to a store and catalog, frame by
 * frame; rounds when more than round_bytes wait (0 = never). Also what verify replays with. */
FSM_MUST_USE fsm_code fsm__replay(fsm__journal *journal, fsm__store *store, fsm__catalog *catalog,
                                  uint64_t from, uint64_t to, size_t round_bytes, fsm__core *position,
                                  fsm_error *err);

/* Answers a query on a view of its own, so on durable rows and exactly at the seq that it names (query.c).
 * Any thread. */
FSM_MUST_USE fsm_code fsm__query_run(fsm__core *core, const fsm_query *query, int64_t now_ns,
                                     fsm_arena *arena, fsm_value *out, fsm_error *err);

#endif

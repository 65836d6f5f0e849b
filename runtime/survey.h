/* survey.h: figures of what happened, from a walk of the journal (FSM_QUERY_STATS, FSM_QUERY_FUNNEL).
 *
 * A walk of all that is kept may take minutes, a request may not. So a walk is held between requests: each
 * one goes on for FSM_SURVEY_SLICE_NS and answers with a cursor, the last one with the figures. It stands at
 * a seq, that of its first request: nothing later is looked at, and the rows that are counted with it are
 * those of that seq. Between requests it holds memory alone: no view, no cursor of the journal, no thread.
 * Who does not come back loses it after FSM_SURVEY_IDLE_NS, after FSM_SURVEY_LEFT_NS when another
 * one needs the room.
 *
 * Limits: FSM_SURVEYS_MAX walks at once, FSM_SURVEY_BYTES_MAX of memory each (FSM_ETOOLARGE says what to ask
 * for instead); those of tally and cohort are with them.
 *
 * Threads: any; a walk belongs to the request that goes on with it. */
#ifndef FSM_RUNTIME_SURVEY_H
#define FSM_RUNTIME_SURVEY_H

#include "runtime/query.h"
#include "runtime/survey_cohort.h"
#include "runtime/survey_selection.h"
#include "runtime/survey_tally.h"

enum { FSM_SURVEYS_MAX = 4, FSM_SURVEY_BYTES_MAX = 64 * 1024 * 1024 };
#define FSM_SURVEY_SLICE_NS ((int64_t)100 * 1000000)
#define FSM_SURVEY_LEFT_NS ((int64_t)2 * 1000000000)
#define FSM_SURVEY_IDLE_NS ((int64_t)30 * 1000000000)

typedef struct fsm__survey {
  fsm_arena arena;
  uint64_t token;      /* of the cursor */
  const char *asked;   /* what a cursor is good for */
  const char *machine; /* NULL = all */
  const char *filter;  /* as a sentence; with it only of */
  fsm__selection *selection;
  int64_t since_ns, until_ns, now_ns;
  int64_t begins_ns;         /* since_ns, or the time of the first record that is kept; INT64_MAX = none */
  uint64_t from, next, last; /* of the seqs that are looked at; next: behind the last one that was */
  bool archived;             /* older records that belong to it are not kept */
  fsm__tally *tally;         /* STATS; else */
  fsm__cohort *cohort;       /* FUNNEL */
  int64_t touched_ns;
} fsm__survey;

typedef struct fsm__surveys fsm__surveys;
FSM_MUST_USE fsm_code fsm__surveys_new(fsm__surveys **out, fsm_error *err);
void fsm__surveys_free(fsm__surveys *surveys); /* NULL is fine */

/* That of the query's `after`, or a new one, which is begun (query_stats.c, query_funnel.c); it is the
 * caller's until it ends or holds it. FSM_EBUSY: as many as may be are held. */
FSM_MUST_USE fsm_code fsm__survey_take(const fsm__reading *at, fsm__survey **out, fsm_error *err);
/* Goes on for a slice; *done: there is no more. */
FSM_MUST_USE fsm_code fsm__survey_go(const fsm__reading *at, fsm__survey *survey, bool *done, fsm_error *err);
/* Held for the next request; *out says how far it is. */
FSM_MUST_USE fsm_code fsm__survey_hold(const fsm__reading *at, fsm__survey *survey, fsm_value *out,
                                       fsm_error *err);
void fsm__survey_end(const fsm__reading *at, fsm__survey *survey);
/* since, until, seq, records, archived? and so on: what both documents have. */
void fsm__survey_put(const fsm__survey *survey, fsm__document *d);
/* {count, min_ns, mean_ns, stddev_ns, p50_ns, p95_ns, p99_ns, max_ns}; of none: {count: 0}. */
FSM_MUST_USE fsm_code fsm__spread_view(fsm_arena *arena, const fsm__spread *spread, fsm_value *out,
                                       fsm_error *err);

FSM_MUST_USE fsm_code fsm__query_stats(const fsm__reading *at, fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__query_funnel(const fsm__reading *at, fsm_value *out, fsm_error *err);

#endif

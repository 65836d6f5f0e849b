/* query_stats.h: between the files of FSM_QUERY_STATS. */
#ifndef FSM_RUNTIME_QUERY_STATS_H
#define FSM_RUNTIME_QUERY_STATS_H

#include "runtime/survey.h"

/* The number of a state in the newest version of its machine; -1: that has none, or is not to be had. */
int fsm__stats_newest(const fsm__reading *at, const char *machine, const char *path, const fsm_machine **of);
/* Counts who stands where now, in the rows of the view. */
FSM_MUST_USE fsm_code fsm__stats_standing(const fsm__reading *at, const fsm__survey *s, fsm_error *err);

#endif

/* query_row.h: an instance as a row of a list, and what a list may ask for besides. */
#ifndef FSM_RUNTIME_QUERY_ROW_H
#define FSM_RUNTIME_QUERY_ROW_H

#include "runtime/filter_sieve.h"

/* X(symbol, name): members of `with`. */
#define FSM__WITHS(X) \
  X(KIND, "kind") X(SLA, "sla") X(WAITS, "waits") X(WHO, "who") X(LAST, "last") X(PARENT, "parent")

enum {
#define X(symbol, name) FSM__WITH_##symbol##_AT,
  FSM__WITHS(X)
#undef X
      FSM__WITH_COUNT
};
enum {
#define X(symbol, name) FSM__WITH_##symbol = 1 << FSM__WITH_##symbol##_AT,
  FSM__WITHS(X)
#undef X
};

enum { FSM__ROW_WAITS_MAX = 16, FSM__ROW_ALLOWS_MAX = 8, FSM__ROW_PEOPLE_MAX = 8 };

/* "waits,who" as a set; NULL: none. */
FSM_MUST_USE fsm_code fsm__with_read(const char *text, uint32_t *out, fsm_error *err);

/* fsm__query_row (query.h), and those of `with`:
 *   kind   [those that it is]; silent only when the filter asks for it
 *   sla    {due, state (of the root left out), left_ns | overdue_ns}, when it has one
 *   waits  [{what: event timer task child message, name, due?}], up to FSM__ROW_WAITS_MAX: what can move it
 *   who    {anybody: bool, allow?: [expressions], people?: [sub], more?}: who may send one of those events
 *   parent {instance, task?}, of one that another instance invoked; no task: it does not wait for it any more
 *   last   {kind, event?, time, by?}: the record that changed it last, while the journal has it */
FSM_MUST_USE fsm_code fsm__query_row_with(fsm__sieve *sieve, const fsm__instance *in, uint32_t with,
                                          fsm_value *out, fsm_error *err);

/* {instance, task} of a child (in->has_parent); what is no longer there is left out. */
FSM_MUST_USE fsm_code fsm__query_parent(const fsm__reading *at, const fsm__instance *in, fsm_value *out,
                                        fsm_error *err);

#endif

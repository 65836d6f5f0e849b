/* filter_where.h: an expression over an instance's row. */
#ifndef FSM_RUNTIME_FILTER_WHERE_H
#define FSM_RUNTIME_FILTER_WHERE_H

#include "runtime/filter_impl.h"
#include "runtime/rows_glance.h"
#include "schema/mask.h"

/* *work grows by what it cost (fsm/expr.h). *holds; FSM_EEXPRESSION: it failed for this instance. mask NULL:
 * nothing is hidden. */
FSM_MUST_USE fsm_code fsm__condition_asks(const fsm__condition *condition, const fsm__glance *glance,
                                          const fsm_mask *mask, int64_t now_ns, fsm_arena *scratch,
                                          uint64_t *work, bool *holds, fsm_error *err);

/* The same of one that gives any value (fsm__condition_read with guard false); *out lives in scratch and in
 * the row. */
FSM_MUST_USE fsm_code fsm__condition_value(const fsm__condition *condition, const fsm__glance *glance,
                                           const fsm_mask *mask, int64_t now_ns, fsm_arena *scratch,
                                           uint64_t *work, fsm_value *out, fsm_error *err);

#endif

/* cursors_old.h: the one file `<data>/cursors` of all sinks, as earlier versions wrote it: read, never
 * written, and removed when no sink needs it any more. */
#ifndef FSM_RUNTIME_CURSORS_OLD_H
#define FSM_RUNTIME_CURSORS_OLD_H

#include "runtime/cursors.h"

/* No file: *count 0. FSM_ECORRUPT. */
FSM_MUST_USE fsm_code fsm__cursors_old_load(const char *dir, fsm__cursor cursors[FSM_CURSORS_MAX],
                                            size_t *count, fsm_error *err);
/* Removes it when all that it names have a file of their own. */
void fsm__cursors_old_let_go(const char *dir);
/* Removes it when only this sink is left in it. FSM_EBUSY: another needs it. */
FSM_MUST_USE fsm_code fsm__cursors_old_forget(const char *dir, const char *sink, fsm_error *err);

#endif

/* apply_impl.h: between the files of apply. */
#ifndef FSM_RUNTIME_APPLY_IMPL_H
#define FSM_RUNTIME_APPLY_IMPL_H

#include "runtime/apply.h"

fsm_code fsm__apply_nomem(fsm_error *err);
/* FSM_ECORRUPT at the record: "a KIND record FAULT: SUBJECT"; subject may be NULL. */
fsm_code fsm__apply_bad(const fsm_record *record, const char *fault, const char *subject, fsm_error *err);

/* apply_state.c */
FSM_MUST_USE fsm_code fsm__apply_states(fsm__instance *in, const fsm_record *record, fsm_arena *arena,
                                        fsm_error *err);
FSM_MUST_USE fsm_code fsm__apply_context(fsm__instance *in, const fsm_record *record, fsm_arena *arena,
                                         fsm_error *err);
FSM_MUST_USE fsm_code fsm__apply_history(fsm__instance *in, const fsm_record *record, fsm_error *err);
/* by_state: what is no longer true goes, what is new comes. */
void fsm__apply_index(fsm__store *store, const fsm__instance *in, const fsm__since *before,
                      unsigned before_count);
/* All rows of by_state go. */
void fsm__apply_unindex(fsm__store *store, const fsm__instance *in);

/* apply_admin.c: what an operator did, and incidents. */
FSM_MUST_USE fsm_code fsm__apply_admin(fsm__store *store, fsm__instance *in, const fsm_record *record,
                                       fsm_arena *arena, fsm_error *err);

/* Incidents that are open: one more, or one less. */
FSM_MUST_USE fsm_code fsm__apply_incidents(fsm__store *store, bool more, fsm_error *err);

/* apply_route.c */
FSM_MUST_USE fsm_code fsm__apply_route(fsm__store *store, const fsm_record *record, fsm_arena *arena,
                                       fsm_error *err);

/* apply_retired.c */
FSM_MUST_USE fsm_code fsm__apply_retired(fsm__catalog *catalog, const fsm_record *record, fsm_arena *arena,
                                         fsm_error *err);

/* apply_purge.c */
/* An instance has ended: when it is to be purged, where its record says so. */
void fsm__apply_keep(fsm__store *store, const fsm__instance *in, const fsm_record *record);
/* *gone: no row of the instance is left. */
FSM_MUST_USE fsm_code fsm__apply_purge(fsm__store *store, fsm__instance *in, const fsm_record *record,
                                       bool *gone, fsm_error *err);

/* apply_open.c */
FSM_MUST_USE fsm_code fsm__apply_timers(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                                        fsm_arena *arena, fsm_error *err);
FSM_MUST_USE fsm_code fsm__apply_tasks(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                                       fsm_arena *arena, fsm_error *err);
FSM_MUST_USE fsm_code fsm__apply_timer_fired(fsm__store *store, const fsm__instance *in,
                                             const fsm_record *record, fsm_arena *arena, fsm_error *err);
FSM_MUST_USE fsm_code fsm__apply_task_answer(fsm__store *store, const fsm__instance *in,
                                             const fsm_record *record, fsm_arena *arena, fsm_error *err);
/* All timers and tasks of an instance that has ended. */
FSM_MUST_USE fsm_code fsm__apply_close(fsm__store *store, const fsm__instance *in, fsm_arena *arena,
                                       fsm_error *err);

/* apply_idem.c */
FSM_MUST_USE fsm_code fsm__apply_idem(fsm__store *store, fsm__instance *in, const fsm_record *record,
                                      fsm_error *err);

/* apply_message.c */
FSM_MUST_USE fsm_code fsm__apply_sends(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                                       fsm_arena *arena, fsm_error *err);
/* Delayed messages of an instance that has ended. */
FSM_MUST_USE fsm_code fsm__apply_sends_end(fsm__store *store, const fsm__instance *in,
                                           const fsm_record *record, fsm_arena *arena, fsm_error *err);

#endif

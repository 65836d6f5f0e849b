/* people_configured.h: people who may act as those say who run the store, whether a record names them or not:
 *   [{"sub": "ana", "roles": ["approver"], "type": "user", "iss": "https://login.example"}, …]
 *
 * sub alone is needed. Without type or iss an entry is of everybody of that sub, whatever theirs. What it
 * says of somebody who was seen wins over what was seen, member by member; who was not seen stands behind
 * those who were. Other members are taken as they are, for programs whose actors have more; one that is
 * nearly one of ours is refused. Immutable. */
#ifndef FSM_RUNTIME_PEOPLE_CONFIGURED_H
#define FSM_RUNTIME_PEOPLE_CONFIGURED_H

#include "runtime/people.h"

typedef struct fsm__configured fsm__configured;
/* FSM_EARGUMENT, FSM_EMALFORMED, FSM_ETOOLARGE: where is line:column or a JSON pointer. */
FSM_MUST_USE fsm_code fsm__configured_read(const char *text, size_t len, fsm__configured **out,
                                           fsm_error *err);
void fsm__configured_free(fsm__configured *configured);
/* people: those who were seen; joined with those of configured, which NULL = nobody. */
FSM_MUST_USE fsm_code fsm__configured_join(const fsm__configured *configured, fsm_arena *arena,
                                           fsm__people *people, fsm_error *err);

#endif

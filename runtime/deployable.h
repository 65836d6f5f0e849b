/* deployable.h: which definitions a durable instance can carry out.
 *
 * The engine knows more than the runtime does: machines written inside of machines, services that are only
 * known when a state is entered, other event processors. A machine that asks for one of them is refused when
 * it is deployed, with its place, and not when the first instance gets there.
 */
#ifndef FSM_RUNTIME_DEPLOYABLE_H
#define FSM_RUNTIME_DEPLOYABLE_H

#include "fsm/machine.h"
#include "runtime/catalog.h"

/* FSM_EUNSUPPORTED: err->where is the construct's place in the definition. */
FSM_MUST_USE fsm_code fsm__deployable(const fsm_def *def, fsm_error *err);
/* Do the schemas give a field another type than those of a machine that is deployed (its newest version; of
 * the machine itself, too)? FSM_EDEFINITION names the field and both machines. See ecs_types.h. */
FSM_MUST_USE fsm_code fsm__deployable_types(fsm__catalog *catalog, const char *id, const char *source,
                                            size_t len, fsm_error *err);

#endif

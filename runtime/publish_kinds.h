/* publish_kinds.h: from the name of a kind to its sink. */
#ifndef FSM_RUNTIME_PUBLISH_KINDS_H
#define FSM_RUNTIME_PUBLISH_KINDS_H

#include "runtime/sink_config.h"

/* FSM_EUNSUPPORTED: this build has no such kind; else what the kind says. *out is untouched then. */
FSM_MUST_USE fsm_code fsm__sink_make(const fsm__sink_config *config, const fsm__sink_env *env,
                                     fsm__sink **out, fsm_error *err);

#endif

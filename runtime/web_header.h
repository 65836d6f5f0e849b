/* web_header.h: headers that come from outside: configuration, inputs of tasks. */
#ifndef FSM_RUNTIME_WEB_HEADER_H
#define FSM_RUNTIME_WEB_HEADER_H

#include "runtime/web.h"

/* May it be set from outside? A name that headers can have (RFC 9110 5.6.2), and none that says where a
 * message ends or goes. */
bool fsm__web_header_name(const char *name);

/* "Name: value" in its parts, in arena. FSM_EARGUMENT: why not, with the place. */
FSM_MUST_USE fsm_code fsm__web_header_read(fsm_arena *arena, const char *place, const char *line,
                                           fsm_web_header *out, fsm_error *err);

#endif

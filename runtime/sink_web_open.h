/* sink_web_open.h: what the configuration says about the other side: where it is, who we are, which headers
 * it gets. */
#ifndef FSM_RUNTIME_SINK_WEB_OPEN_H
#define FSM_RUNTIME_SINK_WEB_OPEN_H

#include "runtime/sink_web.h"

/* Sets s->server, s->path, s->headers and s->formatter. err->where names the option. */
FSM_MUST_USE fsm_code fsm__sink_web_read(fsm__sink_web *s, fsm_error *err);
/* Opens s->web; nothing is sent. */
FSM_MUST_USE fsm_code fsm__sink_web_connect(fsm__sink_web *s, fsm_error *err);

#endif

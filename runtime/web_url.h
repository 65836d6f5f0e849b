/* web_url.h: may this URL be called? Only what begins with a URL that somebody has allowed.
 *
 * URLs come from data of instances, and what the runtime can reach is more than what they should. So a URL
 * is compared part by part, not as text: scheme, host and port must be those of an allowed one, and its path
 * that path or below it. What two readers of a URL could understand differently is refused: user names,
 * backslashes, dot segments, also percent-encoded, characters that should be encoded, fragments.
 */
#ifndef FSM_RUNTIME_WEB_URL_H
#define FSM_RUNTIME_WEB_URL_H

#include "fsm/fsm.h"

/* Is it a URL that may stand in a list of allowed ones? FSM_EARGUMENT: why not. */
FSM_MUST_USE fsm_code fsm__web_url_check(const char *url, fsm_error *err);
/* FSM_EARGUMENT: it is no URL of that kind; FSM_EPERMISSION: none of the allowed ones covers it. */
FSM_MUST_USE fsm_code fsm__web_url_allowed(const char *const *allowed, size_t count, const char *url,
                                           fsm_error *err);

#endif

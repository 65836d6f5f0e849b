/* negotiate.h: what a client can do with an answer: read gzip, or do without it because it has it. */
#ifndef FSM_DAEMON_NEGOTIATE_H
#define FSM_DAEMON_NEGOTIATE_H

#include "fsm/fsm.h"

/* An Accept-Encoding that names gzip, or else "*", with a weight above 0. NULL is none. What is malformed
 * accepts nothing. */
bool fsm__accepts_gzip(const char *accept_encoding);

/* An If-None-Match that names etag (with its quotes), weakly or not, or is "*". NULL names none. */
bool fsm__etag_is_among(const char *if_none_match, const char *etag);

#endif

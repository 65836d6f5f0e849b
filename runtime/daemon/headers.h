/* headers.h: what the headers of a request say beside who acts: correlation, request id, trace,
 * idempotency key, expected revision, media type. */
#ifndef FSM_DAEMON_HEADERS_H
#define FSM_DAEMON_HEADERS_H

#include "runtime/daemon/request.h"

/* request->correlation: X-Correlation-ID when it is legal, else a new one. */
FSM_MUST_USE fsm_code fsm__headers_correlation(fsm__request *request);
/* Ids that are not 1 to 128 printable ASCII characters: FSM_EARGUMENT, where is the header. */
FSM_MUST_USE fsm_code fsm__headers_check_ids(const fsm__request *request, fsm_error *err);
/* Does Host name this machine by a loopback name or address? A web page whose name was pointed at 127.0.0.1
 * says its own name there. */
bool fsm__headers_host_is_loopback(const fsm__request *request);
/* Is the body declared as application/json? */
bool fsm__headers_are_json(const fsm__request *request);
/* As SCXML: application/scxml+xml (RFC 7303's way to say it), application/xml or text/xml? */
bool fsm__headers_are_xml(const fsm__request *request);

/* Into the command: correlation, request, trace, actor; and for commands that take them: idem, expect_rev.
 * A traceparent that is not one is left out, as W3C Trace Context 3.2.2.3 asks. */
FSM_MUST_USE fsm_code fsm__headers_to_command(fsm__request *request, bool takes_idem, bool takes_revision,
                                              fsm_command *command, fsm_error *err);

/* An entity tag of ours, "\"7\"": the revision; -1 when it is none. */
int64_t fsm__etag_parse(const char *text);

#endif

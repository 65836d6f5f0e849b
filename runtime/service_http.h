/* service_http.h: the built-in service `http`: requests to servers that the program allows (http_request.h
 * says which and how). Off unless the options name what may be called.
 *
 * TLS is verified, redirects are not followed, no proxy is used, and nothing but what http_allow covers is
 * asked (web_url.h). */
#ifndef FSM_RUNTIME_SERVICE_HTTP_H
#define FSM_RUNTIME_SERVICE_HTTP_H

#include "runtime/fsm_runtime.h"

enum { FSM_HTTP_CONCURRENCY = 8, FSM_HTTP_ALLOW_MAX = 256 };

typedef struct fsm__http_service fsm__http_service;

/* FSM_EARGUMENT: something allowed is no URL. */
FSM_MUST_USE fsm_code fsm__http_service_new(const fsm_runtime_options *options, fsm__http_service **out,
                                            fsm_error *err);
void fsm__http_service_free(fsm__http_service *http);
/* How many requests it makes at once. */
unsigned fsm__http_service_concurrency(const fsm__http_service *http);
/* fsm_service_fn; arg is the service. */
void fsm__http_service_run(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out);

#endif

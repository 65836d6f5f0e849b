/* sink_http_impl.h: the two ways of the http sink. */
#ifndef FSM_RUNTIME_SINK_HTTP_IMPL_H
#define FSM_RUNTIME_SINK_HTTP_IMPL_H

#include "runtime/sink_web.h"

/* What is sent to an URL as it is; *s is open, its format is known. */
FSM_MUST_USE fsm_code fsm__sink_webhook(fsm__sink_web *s, fsm_error *err);
/* What is sent to `_bulk` of Elasticsearch or OpenSearch. */
FSM_MUST_USE fsm_code fsm__sink_bulk(fsm__sink_web *s, fsm_error *err);

enum { FSM_INDEX_MAX = 255 }; /* bytes of the name of an index, as Elasticsearch has it */

/* "fsm-%Y.%m.%d" at the time, UTC. The pattern was checked (sink_config_check.c). */
void fsm__index_of(const char *pattern, int64_t time_ns, char out[FSM_INDEX_MAX + 1]);

/* One item of the answer of _bulk. */
typedef struct fsm__bulk_item {
  int status;
  const char *reason; /* "type: reason", NULL when there is none */
} fsm__bulk_item;
/* As many as were sent, in their order, by their ids. FSM_EMALFORMED: what it did is not known. */
FSM_MUST_USE fsm_code fsm__bulk_read(fsm_arena *arena, const char *body, size_t len, const char *const *ids,
                                     size_t count, fsm__bulk_item *out, fsm_error *err);

#endif

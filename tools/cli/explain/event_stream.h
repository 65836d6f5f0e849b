/* event_stream.h: server-sent events, read from bytes as they come. */
#ifndef FSM_CLI_EVENT_STREAM_H
#define FSM_CLI_EVENT_STREAM_H

#include "fsm/fsm.h"

enum { CLI_EVENT_BYTES_MAX = 8 * 1024 * 1024 }; /* one event: a record as JSON is far less */

typedef struct cli_event {
  const char *id, *kind; /* NULL = none */
  const char *data;      /* NULL = none: a place alone */
  size_t len;
} cli_event;

typedef struct cli_event_stream {
  fsm_buf text; /* what is no whole event yet, behind `read` */
  size_t read;
} cli_event_stream;

/* FSM_ETOOLARGE: an event has no end. */
FSM_MUST_USE fsm_code cli_event_stream_add(cli_event_stream *stream, const char *data, size_t len,
                                           fsm_error *err);
/* The next whole one; false: none yet. It lives until more is added. Of several lines of data the last
 * counts: fsmd writes one. */
bool cli_event_stream_next(cli_event_stream *stream, cli_event *out);
/* Another connection begins anew. */
void cli_event_stream_reset(cli_event_stream *stream);
void cli_event_stream_free(cli_event_stream *stream);

#endif

/* web_reply.h: an answer of HTTP/1.1 as it arrives (RFC 9112), for a server that is near: no I/O, no clock.
 *
 * Bytes go in as they come, lines of the head and the body come out into the exchange, bounded by it. Strict:
 * what can be read in two ways (a length and chunks, two lengths, a folded line, a coding that we did not ask
 * for) is no answer. */
#ifndef FSM_RUNTIME_WEB_REPLY_H
#define FSM_RUNTIME_WEB_REPLY_H

#include "runtime/web_impl.h"

enum {
  FSM__REPLY_LINE_MAX = FSM_WEB_VALUE_MAX + 256, /* bytes of a line of the head, or before a chunk */
  FSM__REPLY_LINES_MAX = 256                     /* of heads and trailers */
};

typedef enum fsm__reply_part {
  FSM__REPLY_STATUS,
  FSM__REPLY_HEAD,
  FSM__REPLY_BODY, /* `left` bytes, or as many as come */
  FSM__REPLY_CHUNK_SIZE,
  FSM__REPLY_CHUNK,
  FSM__REPLY_CHUNK_END,
  FSM__REPLY_TRAILER,
  FSM__REPLY_DONE
} fsm__reply_part;

typedef struct fsm__reply {
  fsm__exchange *ex;
  fsm__reply_part part;
  bool begun; /* a byte of it was here */
  bool last;  /* the server keeps the connection no longer, or more came than the answer */
  bool has_length, chunked;
  uint64_t left;
  unsigned lines;
  const char *wrong; /* why this is no answer; NULL: it is one so far */
  size_t line_len;
  char line[FSM__REPLY_LINE_MAX];
} fsm__reply;

void fsm__reply_begin(fsm__reply *reply, fsm__exchange *ex);
/* false: it is none (`wrong`), or the exchange takes no more. */
FSM_MUST_USE bool fsm__reply_take(fsm__reply *reply, const char *data, size_t len);
/* The server has ended the connection: is the answer whole? */
FSM_MUST_USE bool fsm__reply_end(fsm__reply *reply);

#endif

/* sink_web.h: what the sinks over HTTP share: records are gathered and posted in parts; what an answer means;
 * who is to blame.
 *
 * An answer to a part says one of five things (fsm__web_verdict):
 *   taken      2xx
 *   again      408 409 425 429 5xx, no connection, no answer in time, an answer that makes no sense: the
 *              same is tried again, not before Retry-After. What is posted can be told from what was posted
 *              before, so that it does no harm when the other side had taken it
 *   content    400 415 422: something in it. The part is divided until that record is alone, and is refused
 *              as FSM_EDATA: poison (sink.h)
 *   too much   413: divided, too, and the parts to come are smaller. One record alone: FSM_ETOOLARGE
 *   stand      401 403 404 405, redirects, everything else, a certificate that does not verify: not about
 *              these records, and trying again soon does not help. Publishing stands still, is tried slowly
 *
 * When FSM_WEB_ROW_MAX records in a row are refused for what they are and none is taken between, it is not
 * them: then publishing stands still, too, and each slow try parks as many again.
 */
#ifndef FSM_RUNTIME_SINK_WEB_H
#define FSM_RUNTIME_SINK_WEB_H

#include <stdatomic.h>

#include "runtime/sink_config.h"
#include "runtime/web.h"

enum {
  FSM_WEB_ROW_MAX = 16,
  FSM_WEB_SECRETS_MAX = 8,     /* headers whose values are in files */
  FSM_WEB_OWN_HEADERS = 8,     /* of a sink; the configuration may name FSM_WEB_HEADERS_MAX less these */
  FSM_WEB_PART_MIN = 1024,     /* bytes that parts do not get smaller than, whatever is answered 413 */
  FSM_WEB_ANSWER_MAX = 4194304 /* bytes of an answer */
};
#define FSM_WEB_WAIT_MAX_NS (INT64_C(3600) * 1000000000) /* that a Retry-After is heeded for */

typedef enum fsm__web_verdict {
  FSM__WEB_TAKEN,
  FSM__WEB_AGAIN,
  FSM__WEB_CONTENT,
  FSM__WEB_TOO_MUCH,
  FSM__WEB_STAND
} fsm__web_verdict;

/* What a status means, of a whole answer or of one item in it. */
fsm__web_verdict fsm__web_verdict_of(int status);

/* A record that was gathered. */
typedef struct fsm__web_item {
  uint64_t ticket, seq;
  fsm_origin origin;
  int64_t time_ns;
  size_t at, len;           /* its text */
  size_t span_at, span_len; /* otlp: its span, likewise */
  bool settled;             /* its ticket is answered */
} fsm__web_item;

typedef struct fsm__sink_web fsm__sink_web;
struct fsm__sink_web {
  fsm__sink sink; /* first */
  const fsm__sink_config *config;
  fsm__sink_env env;
  fsm__formatter *formatter;
  _Atomic(fsm_web *) web;    /* opened by the first prepare: its files may be missing for a while */
  const char *server, *path; /* path: behind the server */
  fsm_web_header headers[FSM_WEB_HEADERS_MAX];
  size_t header_count;
  struct fsm__secret *secrets[FSM_WEB_SECRETS_MAX];   /* of header_files, open */
  fsm_web_header secret_headers[FSM_WEB_SECRETS_MAX]; /* their names, and the files */
  size_t secret_count;
  fsm_arena texts, scratch, answer; /* as long as the sink; of one record; of one request */
  fsm_buf text, body;               /* what is gathered; of one request */
  fsm__web_item *items;
  size_t count, room;
  size_t part_max;   /* bytes of text in a part */
  size_t part_count; /* records in a part */
  unsigned row;
  int64_t not_before_ns;
  atomic_bool interrupted;

  /* of kinds */
  fsm_code (*gather)(fsm__sink_web *s, const fsm__exported *out, fsm__web_item *item, fsm_error *err);
  fsm_code (*post)(fsm__sink_web *s, size_t from, size_t to, fsm_error *err);
  fsm_code (*greet)(fsm__sink_web *s, fsm_error *err); /* of prepare; NULL */
  void (*end)(fsm__sink_web *s);                       /* of free; NULL */
  void *more;
  fsm__sink_view view; /* of the last prepare */
};

/* The table of functions, the connection and the headers; *s is zeroed. After a fault close it all the same.
 */
FSM_MUST_USE fsm_code fsm__sink_web_open(fsm__sink_web *s, const fsm__sink_config *config,
                                         const fsm__sink_env *env, fsm_error *err);
void fsm__sink_web_close(fsm__sink_web *s); /* frees s */

/* A part on its way; *reply lives until the next. err is set for anything but taken. */
typedef struct fsm__web_post {
  const char *path, *type;
  const fsm_web_header *headers;
  size_t header_count;
  const void *body;
  size_t len;
} fsm__web_post;
fsm__web_verdict fsm__sink_web_send(fsm__sink_web *s, const fsm__web_post *post, fsm_web_reply *reply,
                                    fsm_error *err);

/* The other side has the record. */
void fsm__sink_web_took(fsm__sink_web *s, size_t item);
/* It will never take the record. FSM_EEXPECT: that happens too often. */
FSM_MUST_USE fsm_code fsm__sink_web_refused(fsm__sink_web *s, size_t item, fsm_code code, const char *text,
                                            fsm_error *err);
/* A part was answered `content` or `too much`, *why says how: posts its halves, or refuses the one it is. */
FSM_MUST_USE fsm_code fsm__sink_web_divide(
    fsm__sink_web *s, size_t from, size_t to, fsm__web_verdict verdict, const fsm_error *why,
    fsm_code (*post)(fsm__sink_web *s, size_t from, size_t to, fsm_error *err), fsm_error *err);
/* Some of a part were taken, some refused, and which is not said: none is sent again by itself, all that have
 * no answer are refused with the text; the next parts are smaller. */
void fsm__sink_web_muddled(fsm__sink_web *s, size_t from, size_t to, const char *text);
/* Waits, less when interrupted; false: it was. */
bool fsm__sink_web_wait(fsm__sink_web *s, int64_t ns);

#endif

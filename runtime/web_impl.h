/* web_impl.h: what the files of the HTTP client share. A client goes one of two ways, which is known when it
 * is opened: `near`, a unix socket by nothing but the system (web_near.c), or `far`, by libcurl (web_far.c),
 * which brings thirty libraries with it and is loaded for that alone. Both send what web.c has looked at and
 * hand over what comes to web_answer.c. */
#ifndef FSM_RUNTIME_WEB_IMPL_H
#define FSM_RUNTIME_WEB_IMPL_H

#include <stdatomic.h>

#include "runtime/web.h"
#include "runtime/web_secret.h"

enum { FSM__WEB_SENT_MAX = FSM_WEB_HEADERS_MAX + 3 }; /* Content-Type, Authorization, Accept */

typedef struct fsm__near fsm__near;
typedef struct fsm__far fsm__far;

struct fsm_web {
  fsm__near *near; /* one of the two */
  fsm__far *far;
  atomic_bool interrupted;
  char *socket, *url, *token, *agent;
  char *user, *ca_file, *cert_file, *key_file;
  fsm__secret *password, *bearer;
  int64_t timeout_ns, connect_timeout_ns;
  size_t body_max;
  bool own_server, anywhere;
};

/* One request, and what its answer collects while it arrives. */
typedef struct fsm__exchange {
  const fsm_web_request *request;
  fsm_web_header sent[FSM__WEB_SENT_MAX]; /* none has control characters */
  size_t sent_count;
  fsm_arena *arena;
  fsm_web_reply *reply; /* the body comes last, when all of it is there */
  fsm_buf body;
  size_t body_max;
  fsm_web_header *headers;
  const fsm_web_listener *listener; /* NULL: the body is collected */
  int64_t heard_ns;                 /* when the last part came, monotonic */
  bool enough;                      /* the listener says so */
  bool silent;                      /* for longer than the listener waits */
  bool too_large, refused;          /* refused: by us, the server is not ours */
} fsm__exchange;

/* ---- web_answer.c ----------------------------------------------------------------------------------- */

/* A line of the head, with or without its end. */
void fsm__web_take_header(fsm__exchange *ex, const char *line, size_t len);
/* false: too much of it, no memory, or the listener has heard enough. The status is known by then. */
bool fsm__web_take_body(fsm__exchange *ex, const char *data, size_t len);
/* Between two looks at the connection: false, the listener has had enough or waited long enough. */
bool fsm__web_goes_on(fsm__exchange *ex);
/* Whoever called listen() on the other side is this user or root. */
bool fsm__web_is_ours(int fd);

/* ---- web_fault.c ------------------------------------------------------------------------------------ */

/* What a fault names: the socket or the URL. */
const char *fsm__web_server(const fsm_web *web);
/* Why it was ended from this side, FSM_OK when it was not. */
fsm_code fsm__web_ended(const fsm_web *web, const fsm__exchange *ex, fsm_error *err);

/* ---- the two ways ----------------------------------------------------------------------------------- */

/* Into web->near; err says what is missing. */
FSM_MUST_USE fsm_code fsm__near_open(fsm_web *web, fsm_error *err);
void fsm__near_close(fsm__near *near);
void fsm__near_interrupt(fsm__near *near);
FSM_MUST_USE fsm_code fsm__near_do(fsm_web *web, fsm__exchange *ex, fsm_error *err);

FSM_MUST_USE fsm_code fsm__far_open(fsm_web *web, fsm_error *err);
void fsm__far_close(fsm__far *far);
void fsm__far_interrupt(fsm__far *far);
FSM_MUST_USE fsm_code fsm__far_do(fsm_web *web, fsm__exchange *ex, fsm_error *err);

#endif

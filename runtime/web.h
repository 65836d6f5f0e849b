/* web.h: a small HTTP client: over a unix socket by itself, over TCP by libcurl, whose one wrapper it is.
 *
 * A client talks to one server, over TCP or a unix socket, one request at a time, and keeps the
 * connection between requests. It goes to that server only: no proxy, no redirect, no other protocol.
 * One that goes `anywhere` is told the whole URL with each request; the rest holds for it too.
 * An answer of any status is FSM_OK here; what the status means is the caller's business.
 *
 * Ownership: what you pass in is borrowed until the call returns; what a reply points to lives in the
 * arena that was given. Not thread-safe: a client belongs to one thread at a time, but for its interrupt.
 *
 * TLS: the server's certificate is always verified, its name too; there is no switch for that. Files of
 * certificates are read with each new connection, which lives five minutes at most; those of secrets are
 * looked at with each request.
 *
 * Errors: FSM_EUNREACHABLE nobody listens, or the connection broke (then it is not known whether the
 * request was taken) · FSM_EPERMISSION own_server and it is not, a certificate that does not verify (the text
 * says which way), a secret that others may read · FSM_ETIMEOUT · FSM_ETOOLARGE the body is
 * over the limit · FSM_EARGUMENT a URL, socket path, path, header or file that cannot be used · FSM_ECLOSED
 * interrupted.
 */
#ifndef FSM_RUNTIME_WEB_H
#define FSM_RUNTIME_WEB_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_WEB_HEADERS_MAX = 48,           /* of one request; of a reply, those above are left out */
  FSM_WEB_VALUE_MAX = 8192,           /* bytes of one header value, either way */
  FSM_WEB_URL_MAX = 8192,             /* base and path together */
  FSM_WEB_SOCKET_MAX = 107,           /* what sun_path holds */
  FSM_WEB_BODY_MAX = 16 * 1024 * 1024 /* of an answer, when the options name no other */
};

typedef struct fsm_web fsm_web;

typedef struct fsm_web_options {
  const char *socket;     /* path of a unix socket; NULL = TCP to the host of url */
  bool own_server;        /* whoever listens on the socket must be this user or root, or FSM_EPERMISSION
                             before anything is sent: a path can change between a look and its use */
  const char *url;        /* "http://127.0.0.1:8080" without a path; NULL with a socket, which has no TLS and
                             knows no user */
  bool anywhere;          /* no socket and no url: requests name theirs */
  const char *token;      /* bearer token sent with every request; NULL = none */
  const char *token_file; /* the same from a file that nobody else may read, as it is at each request; with a
                                 blank in it the whole value ("ApiKey …") */
  const char *user, *password_file; /* basic authentication; user without ':' */
  const char *ca_file;              /* PEM: whom to trust instead of the system's; NULL = the system's */
  const char *cert_file, *key_file; /* PEM: who we are; both or neither */
  const char *agent;                /* User-Agent; NULL = "fsm/<version>" */
  int64_t timeout_ns;               /* of a whole request; 0 = none */
  int64_t connect_timeout_ns;       /* 0 = 5 s */
  size_t body_max;                  /* 0 = FSM_WEB_BODY_MAX */
} fsm_web_options;

FSM_MUST_USE fsm_code fsm_web_open(const fsm_web_options *options, fsm_web **out, fsm_error *err);
void fsm_web_close(fsm_web *web);
/* Any thread: the request that runs ends at once with FSM_ECLOSED, and so does each that follows. */
void fsm_web_interrupt(fsm_web *web);
/* For the requests that follow; 0 = none. */
void fsm_web_timeout(fsm_web *web, int64_t timeout_ns);

typedef struct fsm_web_header {
  const char *name, *value; /* value NULL: left out */
} fsm_web_header;

typedef struct fsm_web_request {
  const char *method; /* "GET", "POST", … */
  const char *path;   /* begins with '/', already percent-encoded, query included; anywhere: the URL */
  const fsm_web_header *headers;
  size_t header_count;
  const void *body; /* NULL = none */
  size_t body_len;
  const char *type;   /* Content-Type of the body; NULL = application/json */
  const char *accept; /* NULL = application/json; anywhere: nothing is said */
} fsm_web_request;

typedef struct fsm_web_reply {
  int status;
  const char *body; /* NUL behind it; "" when empty */
  size_t body_len;
  const char *type, *etag, *correlation, *retry_after; /* headers; NULL when absent */
  const fsm_web_header *headers;                       /* anywhere: all, as they came */
  size_t header_count;
} fsm_web_reply;

FSM_MUST_USE fsm_code fsm_web_do(fsm_web *web, const fsm_web_request *request, fsm_arena *arena,
                                 fsm_web_reply *out, fsm_error *err);

/* An answer that has no end. part: some of its body, when its status is 2xx (of any other the body is in the
 * reply); alive: looked at once a second and behind each part. Either says false: that is enough. */
typedef struct fsm_web_listener {
  bool (*part)(void *arg, const char *data, size_t len);
  bool (*alive)(void *arg);
  void *arg;
  int64_t silence_ns; /* nothing came for so long: the other side is gone, FSM_ETIMEOUT */
} fsm_web_listener;

/* The client's own timeout does not count. FSM_OK: it was enough, or the other side has ended the answer; no
 * answer has arrived at all when out->status is 0. */
FSM_MUST_USE fsm_code fsm_web_listen(fsm_web *web, const fsm_web_request *request,
                                     const fsm_web_listener *listener, fsm_arena *arena, fsm_web_reply *out,
                                     fsm_error *err);

/* A date of HTTP as seconds since 1970, -1 when it is none. */
int64_t fsm_web_date(const char *text);

/* Appends text percent-encoded (RFC 3986: everything but the unreserved characters), for one path
 * segment or one query value. */
void fsm_web_escape(fsm_buf *buf, const char *text, size_t len);

/* The version of libcurl, for --version; "(none)" when it cannot be loaded. */
const char *fsm_web_library(void);

#ifdef __cplusplus
}
#endif
#endif

/* web_impl.h: what the files of the HTTP client share, and the one place that includes libcurl. */
#ifndef FSM_RUNTIME_WEB_IMPL_H
#define FSM_RUNTIME_WEB_IMPL_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "runtime/web.h"
#include "runtime/web_secret.h"

struct fsm_web {
  CURL *easy;
  CURLM *multi;
  atomic_bool interrupted;
  char *socket, *url, *token, *agent;
  char *user, *ca_file, *cert_file, *key_file;
  fsm__secret *password, *bearer;
  int64_t timeout_ns, connect_timeout_ns;
  size_t body_max;
  bool own_server, anywhere;
  int fd; /* of the connection, -1 before the first; own_server only */
};

/* What one answer collects while it arrives. */
typedef struct fsm__exchange {
  fsm_arena *arena;
  fsm_web_reply *reply;
  fsm_buf body;
  size_t body_max;
  fsm_web *web;
  fsm_web_header *headers;
  const fsm_web_listener *listener; /* NULL: the body is collected */
  int64_t heard_ns;                 /* when the last part came, monotonic */
  bool enough;                      /* the listener says so */
  bool silent;                      /* for longer than the listener waits */
  bool too_large, refused;          /* refused: by us, the server is not ours */
} fsm__exchange;

/* Of libcurl, with the exchange; on_socket: with the client. */
size_t fsm__web_on_body(char *data, size_t size, size_t count, void *arg);
size_t fsm__web_on_part(char *data, size_t size, size_t count, void *arg);
size_t fsm__web_on_header(char *data, size_t size, size_t count, void *arg);
/* own_server: which connection it is; connected, nothing sent yet: is it ours? */
int fsm__web_on_socket(void *arg, curl_socket_t fd, curlsocktype purpose);
int fsm__web_on_connected(void *arg, char *to, char *from, int to_port, int from_port);

/* Between two looks at the connection: false, the listener has had enough or waited long enough. */
bool fsm__web_goes_on(fsm__exchange *ex);

/* Why there is no answer; text: libcurl's own, "" = none. Never FSM_OK. */
fsm_code fsm__web_fault(const fsm_web *web, CURLcode result, const fsm__exchange *ex, const char *text,
                        fsm_error *err);

#endif

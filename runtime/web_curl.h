/* web_curl.h: libcurl, loaded when it is first needed, and the one place that includes its header. Who only
 * talks to the daemon of this machine (fsm-cli, most of the time) never waits for its thirty libraries. fsmd
 * and libfsm.so are linked with it all the same, so that one that is missing is known when they start. */
#ifndef FSM_RUNTIME_WEB_CURL_H
#define FSM_RUNTIME_WEB_CURL_H

#include <curl/curl.h>

#include "runtime/web_impl.h"

/* What is used of it, without "curl_". */
#define FSM__CURL_CALLS(X) \
  X(global_init)           \
  X(global_cleanup)        \
  X(easy_init)             \
  X(easy_cleanup)          \
  X(easy_reset)            \
  X(easy_setopt)           \
  X(easy_getinfo)          \
  X(easy_strerror)         \
  X(multi_init)            \
  X(multi_cleanup)         \
  X(multi_add_handle)      \
  X(multi_remove_handle)   \
  X(multi_perform)         \
  X(multi_poll)            \
  X(multi_wakeup)          \
  X(multi_info_read)       \
  X(slist_append)          \
  X(slist_free_all)        \
  X(getdate)               \
  X(version_info)

#define FSM__CURL_CALL(name) __typeof__(&curl_##name) name;
typedef struct fsm__curl {
  FSM__CURL_CALLS(FSM__CURL_CALL)
} fsm__curl;
#undef FSM__CURL_CALL

struct fsm__far {
  fsm__curl curl;
  CURL *easy;
  CURLM *multi;
};

/* Loads it; it stays loaded. FSM_EUNREACHABLE: it is not installed. */
FSM_MUST_USE fsm_code fsm__curl_load(fsm__curl *out, fsm_error *err);

/* Why there is no answer; text: libcurl's own, "" = none. Never FSM_OK. */
fsm_code fsm__far_fault(const fsm_web *web, CURLcode result, const fsm__exchange *ex, const char *text,
                        fsm_error *err);

#endif

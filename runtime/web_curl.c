/* web_curl.c: libcurl, loaded when it is first needed. See web_curl.h. */
#include "runtime/web_curl.h"

#include <dlfcn.h>
#include <string.h>

/* Of OpenSSL: web_fault.c knows its verdicts. */
#define LIBRARY "libcurl.so.4"

fsm_code fsm__curl_load(fsm__curl *out, fsm_error *err) {
  fsm__curl curl;
  void *library =
      dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* never closed: it has threads and exits of its own */
  if (library == NULL)
    return fsm_fail(err, FSM_EUNREACHABLE, LIBRARY,
                    "is needed for http:// and https://, and cannot be loaded (%s): install libcurl4",
                    dlerror());
  const struct {
    const char *name;
    void *to;
  } calls[] = {
#define FSM__CURL_CALL(name) {"curl_" #name, &curl.name},
      FSM__CURL_CALLS(FSM__CURL_CALL)
#undef FSM__CURL_CALL
  };
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    void *call = dlsym(library, calls[i].name);
    if (call == NULL)
      return fsm_fail(err, FSM_EUNREACHABLE, LIBRARY, "is too old: it has no %s; install libcurl4",
                      calls[i].name);
    memcpy(calls[i].to, &call, sizeof call); /* POSIX: an address is an address */
  }
  *out = curl;
  return FSM_OK;
}

int64_t fsm_web_date(const char *text) {
  fsm__curl curl;
  fsm_error ignored;
  return fsm__curl_load(&curl, &ignored) == FSM_OK ? curl.getdate(text, NULL) : -1;
}

const char *fsm_web_library(void) {
  fsm__curl curl;
  fsm_error ignored;
  return fsm__curl_load(&curl, &ignored) == FSM_OK ? curl.version_info(CURLVERSION_NOW)->version : "(none)";
}

/* web_fault.c: why there is no answer, in words. */
#include <string.h>

#include "runtime/web_curl.h"

const char *fsm__web_server(const fsm_web *web) {
  return web->anywhere ? "url" : web->socket != NULL ? web->socket : web->url;
}

/* The numbers are OpenSSL's, X509_V_ERR_*. */
static const char *certificate_fault(long verdict) {
  switch (verdict) {
    case 0:
    case 1: return "the certificate is of another host"; /* its signatures were not the reason */
    case 9: return "the certificate is not valid yet";
    case 10: return "the certificate has expired";
    case 18:
    case 19: return "the certificate is signed by itself or by a root that is not trusted here (ca_file)";
    case 2:
    case 20:
    case 21: return "the certificate is of an authority that is not trusted here (ca_file)";
    case 23: return "the certificate was revoked";
    default: return "the certificate does not verify";
  }
}

static fsm_code tls_fault(const fsm_web *web, CURLcode result, const char *why, fsm_error *err) {
  const char *where = fsm__web_server(web);
  long verdict = 0;
  if (result == CURLE_SSL_CACERT_BADFILE)
    return fsm_fail(err, FSM_EARGUMENT, "ca_file", "the certificates cannot be used (%s)", why);
  if (result == CURLE_SSL_CERTPROBLEM)
    return fsm_fail(err, FSM_EARGUMENT, "cert_file", "our certificate or its key cannot be used (%s)", why);
  if (result == CURLE_SSL_CONNECT_ERROR)
    return fsm_fail(err, FSM_EUNREACHABLE, where, "TLS was not agreed on (%s)", why);
  web->far->curl.easy_getinfo(web->far->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
  return fsm_fail(err, FSM_EPERMISSION, where, "%s (%s); nothing was sent", certificate_fault(verdict), why);
}

fsm_code fsm__web_ended(const fsm_web *web, const fsm__exchange *ex, fsm_error *err) {
  const char *where = fsm__web_server(web);
  if (ex->refused)
    return fsm_fail(err, FSM_EPERMISSION, where,
                    "who listens there is neither this user nor root; nothing was sent");
  if (ex->too_large) return fsm_fail(err, FSM_ETOOLARGE, where, "the answer is over %zu bytes", ex->body_max);
  if (!fsm_buf_ok(&ex->body)) return fsm_fail(err, FSM_ENOMEM, where, "no memory for the answer");
  if (ex->silent)
    return fsm_fail(err, FSM_ETIMEOUT, where, "nothing was heard for %lld s",
                    (long long)(ex->listener->silence_ns / 1000000000));
  if (atomic_load(&web->interrupted)) return fsm_fail(err, FSM_ECLOSED, where, "interrupted");
  return FSM_OK;
}

fsm_code fsm__far_fault(const fsm_web *web, CURLcode result, const fsm__exchange *ex, const char *text,
                        fsm_error *err) {
  const char *where = fsm__web_server(web);
  const fsm_code ended = fsm__web_ended(web, ex, err);
  if (ended != FSM_OK) return ended;
  const char *why = *text != 0 ? text : web->far->curl.easy_strerror(result);
  switch (result) {
    case CURLE_OUT_OF_MEMORY: return fsm_fail(err, FSM_ENOMEM, where, "no memory for the answer");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return tls_fault(web, result, why, err);
    case CURLE_OPERATION_TIMEDOUT: return fsm_fail(err, FSM_ETIMEOUT, where, "no answer in time (%s)", why);
    case CURLE_URL_MALFORMAT: return fsm_fail(err, FSM_EARGUMENT, where, "the URL cannot be used (%s)", why);
    case CURLE_COULDNT_RESOLVE_HOST:
      return fsm_fail(err, FSM_EUNREACHABLE, where, "the host is not known (%s)", why);
    case CURLE_COULDNT_CONNECT:
      return fsm_fail(err, FSM_EUNREACHABLE, where, "nobody listens there (%s)", why);
    default: return fsm_fail(err, FSM_EUNREACHABLE, where, "the connection failed (%s)", why);
  }
}

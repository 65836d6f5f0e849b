/* web_far.c: an exchange by libcurl.
 *
 * One easy handle per client, reset before each request, so that nothing of one request leaks into
 * the next and the connection is kept all the same: it belongs to the multi handle, which is there so that
 * another thread can end the wait for an answer. Sizes are checked while bytes arrive, not after.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/web_curl.h"

enum { NS_PER_MS = 1000000, CONNECTION_LIFE_S = 300, POLL_MS = 1000 };

fsm_code fsm__far_open(fsm_web *web, fsm_error *err) {
  fsm__far *far = calloc(1, sizeof *far);
  if (far == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
  fsm_code code = fsm__curl_load(&far->curl, err);
  if (code == FSM_OK && far->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    code = fsm_fail(err, FSM_ENOMEM, "", "libcurl does not start");
  if (code != FSM_OK) {
    free(far);
    return code;
  }
  far->easy = far->curl.easy_init();
  far->multi = far->curl.multi_init();
  web->far = far;
  return far->easy != NULL && far->multi != NULL
             ? FSM_OK
             : fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
}

void fsm__far_close(fsm__far *far) {
  if (far == NULL) return;
  far->curl.easy_cleanup(far->easy);
  far->curl.multi_cleanup(far->multi);
  far->curl.global_cleanup();
  free(far);
}

void fsm__far_interrupt(fsm__far *far) { far->curl.multi_wakeup(far->multi); }

/* ---- what libcurl calls ----------------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
  fsm__web_take_header(arg, data, size * count);
  return size * count;
}

typedef struct hearing {
  const fsm__far *far;
  fsm__exchange *ex;
} hearing;

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  const hearing *h = arg;
  long status = 0;
  h->far->curl.easy_getinfo(h->far->easy, CURLINFO_RESPONSE_CODE, &status);
  h->ex->reply->status = (int)status;
  return fsm__web_take_body(h->ex, data, size * count) ? size * count : 0; /* size is always 1 */
}

/* ---- what it is told -------------------------------------------------------------------------------- */

static fsm_code add_line(const fsm__far *far, struct curl_slist **list, const char *line, fsm_error *err) {
  struct curl_slist *more = far->curl.slist_append(*list, line);
  if (more == NULL) return fsm_fail(err, FSM_ENOMEM, "headers", "no memory for a header");
  *list = more;
  return FSM_OK;
}

/* And what libcurl adds by itself and must not: Expect (it would wait a second for servers that do not
 * answer it), and the type of a form for a request without a body. */
static fsm_code make_list(const fsm__far *far, const fsm__exchange *ex, struct curl_slist **list,
                          fsm_error *err) {
  fsm_buf line = {0};
  fsm_code code = add_line(far, list, "Expect:", err);
  if (code == FSM_OK && ex->request->body == NULL) code = add_line(far, list, "Content-Type:", err);
  for (size_t i = 0; i < ex->sent_count && code == FSM_OK; i++) {
    const fsm_web_header *h = &ex->sent[i];
    fsm_buf_reset(&line);
    /* "Name;" is libcurl's way to say: present and empty */
    fsm_buf_printf(&line, *h->value == 0 ? "%s;%s" : "%s: %s", h->name, h->value);
    code = fsm_buf_ok(&line) ? add_line(far, list, fsm_buf_text(&line), err)
                             : fsm_fail(err, FSM_ENOMEM, h->name, "no memory for a header");
  }
  fsm_buf_free(&line);
  return code;
}

static long milliseconds(int64_t ns) {
  if (ns <= 0) return 0;
  return ns < NS_PER_MS ? 1 : (long)(ns / NS_PER_MS);
}

static void set_connection(const fsm_web *web, const fsm__exchange *ex) {
  fsm__far *far = web->far;
  far->curl.easy_setopt(far->easy, CURLOPT_NOSIGNAL, 1L);
  far->curl.easy_setopt(far->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  far->curl.easy_setopt(far->easy, CURLOPT_FOLLOWLOCATION, 0L);
  far->curl.easy_setopt(far->easy, CURLOPT_PROXY, "");
  far->curl.easy_setopt(far->easy, CURLOPT_USERAGENT, web->agent);
  far->curl.easy_setopt(far->easy, CURLOPT_TIMEOUT_MS,
                        ex->listener != NULL ? 0L : milliseconds(web->timeout_ns));
  far->curl.easy_setopt(far->easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(web->connect_timeout_ns));
  far->curl.easy_setopt(far->easy, CURLOPT_PATH_AS_IS, 1L); /* an id may be ".." */
}

static void set_tls(const fsm_web *web) {
  fsm__far *far = web->far;
  far->curl.easy_setopt(far->easy, CURLOPT_SSL_VERIFYPEER, 1L);
  far->curl.easy_setopt(far->easy, CURLOPT_SSL_VERIFYHOST, 2L);
  far->curl.easy_setopt(far->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  far->curl.easy_setopt(far->easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
#if LIBCURL_VERSION_NUM >= 0x075700 /* else it is not kept */
  far->curl.easy_setopt(far->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
  if (web->ca_file != NULL) { /* these alone: not what the system trusts besides */
    far->curl.easy_setopt(far->easy, CURLOPT_CAINFO, web->ca_file);
    far->curl.easy_setopt(far->easy, CURLOPT_CAPATH, NULL);
  }
  if (web->cert_file == NULL) return;
  far->curl.easy_setopt(far->easy, CURLOPT_SSLCERT, web->cert_file);
  far->curl.easy_setopt(far->easy, CURLOPT_SSLKEY, web->key_file);
}

static fsm_code set_user(const fsm_web *web, fsm_error *err) {
  fsm__far *far = web->far;
  const char *password = NULL;
  if (web->password == NULL) return FSM_OK;
  fsm_code code = fsm__secret_read(web->password, &password, err);
  if (code != FSM_OK) return code;
  far->curl.easy_setopt(far->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
  far->curl.easy_setopt(far->easy, CURLOPT_USERNAME, web->user);
  far->curl.easy_setopt(far->easy, CURLOPT_PASSWORD, password);
  return FSM_OK;
}

static void set_request(fsm__far *far, const fsm_web_request *request) {
  if (strcmp(request->method, "GET") == 0 && request->body == NULL) {
    far->curl.easy_setopt(far->easy, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (strcmp(request->method, "HEAD") == 0) {
    far->curl.easy_setopt(far->easy, CURLOPT_NOBODY, 1L);
    return;
  }
  /* a POST without a body still says Content-Length: 0 */
  far->curl.easy_setopt(far->easy, CURLOPT_POST, 1L);
  far->curl.easy_setopt(far->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  far->curl.easy_setopt(far->easy, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
  far->curl.easy_setopt(far->easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Until it is done or somebody interrupts; then CURLE_ABORTED_BY_CALLBACK. */
static CURLcode run(const fsm_web *web, fsm__exchange *ex) {
  const fsm__far *far = web->far;
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  if (far->curl.multi_add_handle(far->multi, far->easy) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
  for (int running = 1; running > 0 && !atomic_load(&web->interrupted) && fsm__web_goes_on(ex);) {
    CURLMcode code = far->curl.multi_perform(far->multi, &running);
    if (code == CURLM_OK && running > 0) code = far->curl.multi_poll(far->multi, NULL, 0, POLL_MS, NULL);
    if (code != CURLM_OK) {
      result = code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_RECV_ERROR;
      break;
    }
  }
  int left;
  for (CURLMsg *message; (message = far->curl.multi_info_read(far->multi, &left)) != NULL;)
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  far->curl.multi_remove_handle(far->multi, far->easy);
  return result;
}

/* Runs what was set up. */
static fsm_code perform(const fsm_web *web, fsm__exchange *ex, fsm_error *err) {
  const fsm__far *far = web->far;
  char text[CURL_ERROR_SIZE] = "";
  hearing hears = {far, ex};
  long status = 0;
  far->curl.easy_setopt(far->easy, CURLOPT_ERRORBUFFER, text);
  far->curl.easy_setopt(far->easy, CURLOPT_WRITEFUNCTION, on_body);
  far->curl.easy_setopt(far->easy, CURLOPT_WRITEDATA, &hears);
  far->curl.easy_setopt(far->easy, CURLOPT_HEADERFUNCTION, on_header);
  far->curl.easy_setopt(far->easy, CURLOPT_HEADERDATA, ex);
  CURLcode result = run(web, ex);
  far->curl.easy_setopt(far->easy, CURLOPT_ERRORBUFFER, NULL);
  if (result != CURLE_OK && !ex->enough) return fsm__far_fault(web, result, ex, text, err);
  far->curl.easy_getinfo(far->easy, CURLINFO_RESPONSE_CODE, &status);
  ex->reply->status = (int)status;
  return FSM_OK;
}

fsm_code fsm__far_do(fsm_web *web, fsm__exchange *ex, fsm_error *err) {
  const fsm__far *far = web->far;
  struct curl_slist *list = NULL;
  const char *url = fsm_arena_printf(ex->arena, "%s%s", web->anywhere ? "" : web->url, ex->request->path);
  fsm_code code =
      url != NULL ? make_list(far, ex, &list, err) : fsm_fail(err, FSM_ENOMEM, "", "no memory for the URL");
  if (code == FSM_OK) {
    far->curl.easy_reset(far->easy);
    set_connection(web, ex);
    set_tls(web);
    set_request(web->far, ex->request);
    far->curl.easy_setopt(far->easy, CURLOPT_URL, url);
    far->curl.easy_setopt(far->easy, CURLOPT_HTTPHEADER, list);
    code = set_user(web, err);
  }
  if (code == FSM_OK) code = perform(web, ex, err);
  far->curl.slist_free_all(list);
  return code;
}

/* web.c: the HTTP client over libcurl.
 *
 * One easy handle per client, reset before each request, so that nothing of one request leaks into
 * the next and the connection is kept all the same: it belongs to the multi handle, which is there so that
 * another thread can end the wait for an answer. Sizes are checked while bytes arrive, not after.
 */
#include "runtime/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/web_impl.h"

enum { NS_PER_MS = 1000000, CONNECT_TIMEOUT_MS = 5000, CONNECTION_LIFE_S = 300, POLL_MS = 1000 };

static char *copy_or_null(const char *text) { return text == NULL ? NULL : strdup(text); }

static bool has_control(const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++)
    if (*c < 0x20 || *c == 0x7f) return true;
  return false;
}

static fsm_code check_options(const fsm_web_options *options, fsm_error *err) {
  FSM_ASSERT(!options->own_server || options->socket != NULL);
  if (options->socket == NULL && options->url == NULL && !options->anywhere)
    return fsm_fail(err, FSM_EARGUMENT, "", "neither a socket nor a URL was given");
  if (options->socket != NULL && strlen(options->socket) > FSM_WEB_SOCKET_MAX)
    return fsm_fail(err, FSM_EARGUMENT, options->socket, "a socket path has at most %d bytes",
                    FSM_WEB_SOCKET_MAX);
  const char *url = options->url;
  if (url != NULL && (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
    return fsm_fail(err, FSM_EARGUMENT, url, "a URL begins with http:// or https://");
  if (url != NULL && (strlen(url) > FSM_WEB_URL_MAX || has_control(url)))
    return fsm_fail(err, FSM_EARGUMENT, "url", "the URL is too long or has control characters");
  if (options->token != NULL && (strlen(options->token) > FSM_WEB_VALUE_MAX || has_control(options->token)))
    return fsm_fail(err, FSM_EARGUMENT, "token", "the token is too long or has control characters");
  if ((options->user == NULL) != (options->password_file == NULL))
    return fsm_fail(err, FSM_EARGUMENT, "user", "a user and a password_file go together");
  if (options->user != NULL && (strchr(options->user, ':') != NULL || has_control(options->user)))
    return fsm_fail(err, FSM_EARGUMENT, "user", "this name cannot be sent");
  if (options->token_file != NULL && (options->token != NULL || options->user != NULL))
    return fsm_fail(err, FSM_EARGUMENT, "token_file", "there is a token or a user besides");
  return FSM_OK;
}

/* A file of TLS that is not there should be known now, not with the first record. */
static fsm_code check_tls(const fsm_web_options *options, fsm_error *err) {
  const struct {
    const char *name, *path;
  } files[] = {{"ca_file", options->ca_file}, {"cert_file", options->cert_file}};
  for (size_t i = 0; i < 2; i++)
    if (files[i].path != NULL && access(files[i].path, R_OK) != 0)
      return fsm_fail(err, FSM_EARGUMENT, files[i].name, "%s cannot be read: %s", files[i].path,
                      strerror(errno));
  if ((options->cert_file == NULL) != (options->key_file == NULL))
    return fsm_fail(err, FSM_EARGUMENT, "cert_file", "a cert_file and a key_file go together");
  return options->key_file != NULL ? fsm__secret_check("key_file", options->key_file, err) : FSM_OK;
}

static fsm_code open_secrets(fsm_web *web, const fsm_web_options *options, fsm_error *err) {
  fsm_code code = FSM_OK;
  if (options->password_file != NULL)
    code = fsm__secret_open("password_file", options->password_file, &web->password, err);
  if (code == FSM_OK && options->token_file != NULL)
    code = fsm__secret_open("token_file", options->token_file, &web->bearer, err);
  return code;
}

static bool copy_options(fsm_web *web, const fsm_web_options *options) {
  const struct {
    char **to;
    const char *from;
  } texts[] = {{&web->socket, options->socket},
               {&web->url, options->url == NULL ? "http://localhost" : options->url},
               {&web->token, options->token},
               {&web->agent, options->agent == NULL ? "fsm/" FSM_VERSION : options->agent},
               {&web->user, options->user},
               {&web->ca_file, options->ca_file},
               {&web->cert_file, options->cert_file},
               {&web->key_file, options->key_file}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    *texts[i].to = copy_or_null(texts[i].from);
    if (texts[i].from != NULL && *texts[i].to == NULL) return false;
  }
  size_t len = strlen(web->url);
  while (len > 0 && web->url[len - 1] == '/') web->url[--len] = 0;
  return true;
}

fsm_code fsm_web_open(const fsm_web_options *options, fsm_web **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && out != NULL);
  fsm_code code = check_options(options, err);
  if (code == FSM_OK) code = check_tls(options, err);
  if (code != FSM_OK) return code;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fsm_fail(err, FSM_ENOMEM, "", "libcurl does not start");
  fsm_web *web = calloc(1, sizeof *web);
  if (web == NULL) {
    curl_global_cleanup();
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
  }
  web->easy = curl_easy_init();
  web->multi = curl_multi_init();
  web->timeout_ns = options->timeout_ns;
  web->connect_timeout_ns = options->connect_timeout_ns;
  web->own_server = options->own_server;
  web->anywhere = options->anywhere;
  web->fd = -1;
  web->body_max = options->body_max == 0 ? FSM_WEB_BODY_MAX : options->body_max;
  bool whole = copy_options(web, options) && web->easy != NULL && web->multi != NULL;
  code =
      whole ? open_secrets(web, options, err) : fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
  if (code == FSM_OK)
    *out = web;
  else
    fsm_web_close(web);
  return code;
}

void fsm_web_close(fsm_web *web) {
  if (web == NULL) return;
  curl_easy_cleanup(web->easy);
  curl_multi_cleanup(web->multi);
  fsm__secret_free(web->password);
  fsm__secret_free(web->bearer);
  char *const texts[] = {web->socket, web->url,     web->token,     web->agent,
                         web->user,   web->ca_file, web->cert_file, web->key_file};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
  free(web);
  curl_global_cleanup();
}

void fsm_web_interrupt(fsm_web *web) {
  FSM_ASSERT(web != NULL);
  atomic_store(&web->interrupted, true);
  curl_multi_wakeup(web->multi);
}

void fsm_web_timeout(fsm_web *web, int64_t timeout_ns) {
  FSM_ASSERT(web != NULL && timeout_ns >= 0);
  web->timeout_ns = timeout_ns;
}

/* ---- a request ------------------------------------------------------------------------------------- */

static fsm_code add_header(struct curl_slist **list, fsm_buf *line, const char *name, const char *value,
                           fsm_error *err) {
  if (value == NULL) return FSM_OK;
  if (strlen(value) > FSM_WEB_VALUE_MAX || has_control(value))
    return fsm_fail(err, FSM_EARGUMENT, name,
                    "the value of this header is too long or has control characters");
  fsm_buf_reset(line);
  /* "Name;" is libcurl's way to say: present and empty */
  fsm_buf_printf(line, *value == 0 ? "%s;%s" : "%s: %s", name, value);
  struct curl_slist *more = curl_slist_append(*list, fsm_buf_text(line));
  if (!fsm_buf_ok(line) || more == NULL) return fsm_fail(err, FSM_ENOMEM, name, "no memory for a header");
  *list = more;
  return FSM_OK;
}

/* What libcurl adds by itself and must not: Expect (it would wait a second for servers that do not
 * answer it), and the type of a form for a request without a body. */
static fsm_code drop_additions(struct curl_slist **list, bool has_body, fsm_error *err) {
  const char *const unwanted[] = {"Expect:", "Content-Type:"};
  for (size_t i = 0; i < (has_body ? 1 : 2); i++) {
    struct curl_slist *more = curl_slist_append(*list, unwanted[i]);
    if (more == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a header");
    *list = more;
  }
  return FSM_OK;
}

static fsm_code make_headers(fsm_web *web, const fsm_web_request *request, struct curl_slist **list,
                             fsm_error *err) {
  if (request->header_count > FSM_WEB_HEADERS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "headers", "more than %d headers", FSM_WEB_HEADERS_MAX);
  fsm_buf line = {0};
  fsm_code code = FSM_OK;
  if (request->body != NULL)
    code = add_header(list, &line, "Content-Type", request->type == NULL ? "application/json" : request->type,
                      err);
  const char *token = web->token;
  if (code == FSM_OK && web->bearer != NULL) code = fsm__secret_read(web->bearer, &token, err);
  if (code == FSM_OK && token != NULL) {
    char bearer[FSM_WEB_VALUE_MAX + 1];
    bool scheme = web->bearer != NULL && strchr(token, ' ') != NULL; /* "ApiKey …": the whole value */
    int len = snprintf(bearer, sizeof bearer, "%s%s", scheme ? "" : "Bearer ", token);
    code = len < 0 || (size_t)len >= sizeof bearer
               ? fsm_fail(err, FSM_EARGUMENT, "token", "the token is too long")
               : add_header(list, &line, "Authorization", bearer, err);
  }
  const char *accept = request->accept == NULL && !web->anywhere ? "application/json" : request->accept;
  if (code == FSM_OK) code = add_header(list, &line, "Accept", accept, err);
  for (size_t i = 0; code == FSM_OK && i < request->header_count; i++)
    code = add_header(list, &line, request->headers[i].name, request->headers[i].value, err);
  fsm_buf_free(&line);
  return code == FSM_OK ? drop_additions(list, request->body != NULL, err) : code;
}

static long milliseconds(int64_t ns, long if_zero) {
  if (ns <= 0) return if_zero;
  int64_t ms = ns / NS_PER_MS;
  return ms == 0 ? 1 : (long)ms;
}

static void set_connection(fsm_web *web, fsm__exchange *ex) {
  CURL *easy = web->easy;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, web->agent);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ex->listener != NULL ? 0L : milliseconds(web->timeout_ns, 0));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   milliseconds(web->connect_timeout_ns, CONNECT_TIMEOUT_MS));
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* an id may be ".." */
  if (web->socket != NULL) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, web->socket);
  if (!web->own_server) return;
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, fsm__web_on_socket);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, web);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, fsm__web_on_connected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, ex);
}

static void set_tls(fsm_web *web) {
  CURL *easy = web->easy;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
#if LIBCURL_VERSION_NUM >= 0x075700 /* else it is not kept */
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
  if (web->ca_file != NULL) { /* these alone: not what the system trusts besides */
    curl_easy_setopt(easy, CURLOPT_CAINFO, web->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  if (web->cert_file == NULL) return;
  curl_easy_setopt(easy, CURLOPT_SSLCERT, web->cert_file);
  curl_easy_setopt(easy, CURLOPT_SSLKEY, web->key_file);
}

static fsm_code set_user(fsm_web *web, fsm_error *err) {
  const char *password = NULL;
  if (web->password == NULL) return FSM_OK;
  fsm_code code = fsm__secret_read(web->password, &password, err);
  if (code != FSM_OK) return code;
  curl_easy_setopt(web->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
  curl_easy_setopt(web->easy, CURLOPT_USERNAME, web->user);
  curl_easy_setopt(web->easy, CURLOPT_PASSWORD, password);
  return FSM_OK;
}

static void set_request(CURL *easy, const fsm_web_request *request) {
  if (strcmp(request->method, "GET") == 0 && request->body == NULL) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (strcmp(request->method, "HEAD") == 0) {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  /* a POST without a body still says Content-Length: 0 */
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Until it is done or somebody interrupts; then CURLE_ABORTED_BY_CALLBACK. */
static CURLcode run(fsm_web *web, fsm__exchange *ex) {
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  if (curl_multi_add_handle(web->multi, web->easy) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
  for (int running = 1; running > 0 && !atomic_load(&web->interrupted) && fsm__web_goes_on(ex);) {
    CURLMcode code = curl_multi_perform(web->multi, &running);
    if (code == CURLM_OK && running > 0) code = curl_multi_poll(web->multi, NULL, 0, POLL_MS, NULL);
    if (code != CURLM_OK) {
      result = code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_RECV_ERROR;
      break;
    }
  }
  int left;
  for (CURLMsg *message; (message = curl_multi_info_read(web->multi, &left)) != NULL;)
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  curl_multi_remove_handle(web->multi, web->easy);
  return result;
}

/* Runs what was set up and hands the answer over to the arena. */
static fsm_code perform(fsm_web *web, fsm__exchange *ex, fsm_error *err) {
  CURL *easy = web->easy;
  char text[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, text);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ex->listener != NULL ? fsm__web_on_part : fsm__web_on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, ex);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, fsm__web_on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, ex);
  CURLcode result = run(web, ex);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
  if (result != CURLE_OK && !ex->enough) return fsm__web_fault(web, result, ex, text, err);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  ex->reply->status = (int)status;
  ex->reply->body_len = ex->body.len;
  ex->reply->body = ex->body.len == 0 ? "" : fsm_arena_strndup(ex->arena, ex->body.data, ex->body.len);
  if (ex->reply->body == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
  return FSM_OK;
}

static fsm_code check_request(const fsm_web *web, const fsm_web_request *request, fsm_error *err) {
  bool whole = strncmp(request->path, "http://", 7) == 0 || strncmp(request->path, "https://", 8) == 0;
  if (web->anywhere && !whole)
    return fsm_fail(err, FSM_EARGUMENT, "url", "a URL begins with http:// or https://");
  if ((!web->anywhere && request->path[0] != '/') || has_control(request->path) ||
      strchr(request->path, ' ') != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "path", "a path begins with '/' and is percent-encoded");
  if (strlen(web->url) + strlen(request->path) > FSM_WEB_URL_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "path", "the URL is over %d bytes", FSM_WEB_URL_MAX);
  return FSM_OK;
}

static fsm_code exchange(fsm_web *web, const fsm_web_request *request, const fsm_web_listener *listener,
                         fsm_arena *arena, fsm_web_reply *out, fsm_error *err) {
  FSM_ASSERT(web != NULL && request != NULL && arena != NULL && out != NULL);
  fsm_web_reply reply = {0};
  fsm__exchange ex = {
      .arena = arena, .reply = &reply, .body_max = web->body_max, .web = web, .listener = listener};
  struct curl_slist *list = NULL;
  fsm_code code = check_request(web, request, err);
  if (code != FSM_OK) return code;
  const char *url = fsm_arena_printf(arena, "%s%s", web->anywhere ? "" : web->url, request->path);
  if (web->anywhere) ex.headers = fsm_arena_zalloc(arena, FSM_WEB_HEADERS_MAX, sizeof *ex.headers);
  reply.headers = ex.headers;
  code = url == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory for the URL")
                     : make_headers(web, request, &list, err);
  if (code == FSM_OK) {
    curl_easy_reset(web->easy);
    set_connection(web, &ex);
    set_tls(web);
    set_request(web->easy, request);
    curl_easy_setopt(web->easy, CURLOPT_URL, url);
    curl_easy_setopt(web->easy, CURLOPT_HTTPHEADER, list);
    code = set_user(web, err);
  }
  if (code == FSM_OK) code = perform(web, &ex, err);
  if (code == FSM_OK) *out = reply;
  curl_slist_free_all(list);
  fsm_buf_free(&ex.body);
  return code;
}

fsm_code fsm_web_do(fsm_web *web, const fsm_web_request *request, fsm_arena *arena, fsm_web_reply *out,
                    fsm_error *err) {
  return exchange(web, request, NULL, arena, out, err);
}

fsm_code fsm_web_listen(fsm_web *web, const fsm_web_request *request, const fsm_web_listener *listener,
                        fsm_arena *arena, fsm_web_reply *out, fsm_error *err) {
  FSM_ASSERT(listener != NULL);
  return exchange(web, request, listener, arena, out, err);
}

int64_t fsm_web_date(const char *text) { return curl_getdate(text, NULL); }

void fsm_web_escape(fsm_buf *buf, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      (c != 0 && strchr("-._~", c) != NULL);
    if (unreserved)
      fsm_buf_char(buf, (char)c);
    else
      fsm_buf_printf(buf, "%%%02X", c);
  }
}

const char *fsm_web_library(void) { return curl_version_info(CURLVERSION_NOW)->version; }

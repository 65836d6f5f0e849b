/* web.c: the HTTP client: what is asked for is looked at here, whichever way it then goes (web_impl.h), so
 * that nothing that cannot be sent ever reaches one of them. */
#include "runtime/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/web_impl.h"

#define CONNECT_TIMEOUT_NS INT64_C(5000000000)

static char *copy_or_null(const char *text) { return text == NULL ? NULL : strdup(text); }

static bool has_control(const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++)
    if (*c < 0x20 || *c == 0x7f) return true;
  return false;
}

static fsm_code check_options(const fsm_web_options *options, fsm_error *err) {
  FSM_ASSERT(!options->own_server || options->socket != NULL);
  FSM_ASSERT(options->socket == NULL || options->url == NULL);
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
  if (options->user != NULL && options->socket != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "user", "a name and a password are sent to a URL, not to a socket");
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
  fsm_web *web = calloc(1, sizeof *web);
  if (web == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
  web->timeout_ns = options->timeout_ns;
  web->connect_timeout_ns =
      options->connect_timeout_ns > 0 ? options->connect_timeout_ns : CONNECT_TIMEOUT_NS;
  web->own_server = options->own_server;
  web->anywhere = options->anywhere;
  web->body_max = options->body_max == 0 ? FSM_WEB_BODY_MAX : options->body_max;
  code = copy_options(web, options) ? open_secrets(web, options, err)
                                    : fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
  if (code == FSM_OK) code = options->socket != NULL ? fsm__near_open(web, err) : fsm__far_open(web, err);
  if (code == FSM_OK)
    *out = web;
  else
    fsm_web_close(web);
  return code;
}

void fsm_web_close(fsm_web *web) {
  if (web == NULL) return;
  fsm__near_close(web->near);
  fsm__far_close(web->far);
  fsm__secret_free(web->password);
  fsm__secret_free(web->bearer);
  char *const texts[] = {web->socket, web->url,     web->token,     web->agent,
                         web->user,   web->ca_file, web->cert_file, web->key_file};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
  free(web);
}

void fsm_web_interrupt(fsm_web *web) {
  FSM_ASSERT(web != NULL);
  atomic_store(&web->interrupted, true);
  if (web->near != NULL) fsm__near_interrupt(web->near);
  if (web->far != NULL) fsm__far_interrupt(web->far);
}

void fsm_web_timeout(fsm_web *web, int64_t timeout_ns) {
  FSM_ASSERT(web != NULL && timeout_ns >= 0);
  web->timeout_ns = timeout_ns;
}

/* ---- a request ------------------------------------------------------------------------------------- */

static fsm_code add_header(fsm__exchange *ex, const char *name, const char *value, fsm_error *err) {
  if (value == NULL) return FSM_OK;
  if (strlen(value) > FSM_WEB_VALUE_MAX || has_control(value))
    return fsm_fail(err, FSM_EARGUMENT, name,
                    "the value of this header is too long or has control characters");
  FSM_ASSERT(ex->sent_count < FSM__WEB_SENT_MAX);
  ex->sent[ex->sent_count++] = (fsm_web_header){name, value};
  return FSM_OK;
}

static fsm_code add_token(fsm_web *web, fsm__exchange *ex, fsm_error *err) {
  const char *token = web->token;
  fsm_code code = web->bearer != NULL ? fsm__secret_read(web->bearer, &token, err) : FSM_OK;
  if (code != FSM_OK || token == NULL) return code;
  const bool scheme = web->bearer != NULL && strchr(token, ' ') != NULL; /* "ApiKey …": the whole value */
  const char *value = fsm_arena_printf(ex->arena, "%s%s", scheme ? "" : "Bearer ", token);
  if (value == NULL) return fsm_fail(err, FSM_ENOMEM, "token", "no memory for a header");
  if (strlen(value) > FSM_WEB_VALUE_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "token", "the token is too long");
  return add_header(ex, "Authorization", value, err);
}

static fsm_code make_headers(fsm_web *web, fsm__exchange *ex, fsm_error *err) {
  const fsm_web_request *request = ex->request;
  fsm_code code = FSM_OK;
  if (request->header_count > FSM_WEB_HEADERS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "headers", "more than %d headers", FSM_WEB_HEADERS_MAX);
  if (request->body != NULL)
    code = add_header(ex, "Content-Type", request->type == NULL ? "application/json" : request->type, err);
  if (code == FSM_OK) code = add_token(web, ex, err);
  const char *accept = request->accept == NULL && !web->anywhere ? "application/json" : request->accept;
  if (code == FSM_OK) code = add_header(ex, "Accept", accept, err);
  for (size_t i = 0; code == FSM_OK && i < request->header_count; i++)
    code = add_header(ex, request->headers[i].name, request->headers[i].value, err);
  return code;
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

/* Hands what was collected over to the arena. */
static fsm_code finish(fsm__exchange *ex, fsm_error *err) {
  ex->reply->body_len = ex->body.len;
  ex->reply->body = ex->body.len == 0 ? "" : fsm_arena_strndup(ex->arena, ex->body.data, ex->body.len);
  return ex->reply->body != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
}

static fsm_code exchange(fsm_web *web, const fsm_web_request *request, const fsm_web_listener *listener,
                         fsm_arena *arena, fsm_web_reply *out, fsm_error *err) {
  FSM_ASSERT(web != NULL && request != NULL && arena != NULL && out != NULL);
  fsm_web_reply reply = {0};
  fsm__exchange ex = {
      .request = request, .listener = listener, .arena = arena, .reply = &reply, .body_max = web->body_max};
  fsm_code code = check_request(web, request, err);
  if (code == FSM_OK) code = make_headers(web, &ex, err);
  if (code != FSM_OK) return code;
  if (web->anywhere) ex.headers = fsm_arena_zalloc(arena, FSM_WEB_HEADERS_MAX, sizeof *ex.headers);
  reply.headers = ex.headers;
  code = web->near != NULL ? fsm__near_do(web, &ex, err) : fsm__far_do(web, &ex, err);
  if (code == FSM_OK) code = finish(&ex, err);
  if (code == FSM_OK) *out = reply;
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

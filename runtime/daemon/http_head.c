/* http_head.c: the head of a request: its bytes are as strict as the standard, or the connection ends.
 *
 * What one server reads as one request and the next as two is how requests are smuggled past a proxy. The
 * library forgives much: bare line feeds, lines that are continued (whose text it adds to the header's name),
 * NUL, spaces before the colon and around the target. It puts strings in place of the bytes that came, so
 * from where they lie we see that nothing was forgiven: each begins just behind the end of the one before. */
#include <string.h>
#include <strings.h>

#include "runtime/daemon/headers.h"
#include "runtime/daemon/http_impl.h"

enum { CRLF = 2, LATER_LIBRARY = 0x01000000 }; /* which is strict itself, and trims in place */

typedef struct head {
  fsm__request *request;
  const char *at; /* where the next header begins */
  size_t count;
  bool plain, clean;
} head;

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"};

static bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!is_token_char(text[i])) return false;
  return len > 0;
}

/* Visible characters, blanks and tabs; what is above ASCII is opaque. */
static bool is_value(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f) return false;
  return true;
}

/* Lists, which a sender may break into several headers: of these the first counts. */
static bool may_repeat(fsm__header header) {
  return header == FSM__ACCEPT_ENCODING || header == FSM__IF_NONE_MATCH;
}

static void keep(fsm__request *request, const char *name, size_t name_len, const char *value,
                 size_t value_len) {
  for (int i = 0; i < FSM__HEADER_COUNT; i++) {
    const char *known = fsm__header_name((fsm__header)i);
    if (((name[0] ^ known[0]) & ~0x20) != 0 || strlen(known) != name_len ||
        strncasecmp(name, known, name_len) != 0)
      continue;
    if (request->headers[i] && i == FSM__TRACESTATE) { /* parts of one list (W3C Trace Context 3.3) */
      request->headers[i] =
          fsm_arena_printf(&request->arena, "%s,%.*s", request->headers[i], (int)value_len, value);
      if (!request->headers[i]) request->fault.code = FSM_ENOMEM;
      return;
    }
    if (request->headers[i]) {
      if (!may_repeat((fsm__header)i)) request->repeated = known;
      return;
    }
    /* A copy, for the library may move its own when it reads the body. */
    request->headers[i] = fsm_arena_strndup(&request->arena, value, value_len);
    if (!request->headers[i]) request->fault.code = FSM_ENOMEM;
    return;
  }
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len) {
  (void)kind;
  head *h = cls;
  if (!value) value = "", value_len = 0;
  h->count++;
  h->plain &= name == h->at;
  h->clean &= is_token(name, name_len) && is_value(value, value_len);
  h->at = value + value_len + CRLF;
  keep(h->request, name, name_len, value, value_len);
  return MHD_YES;
}

static bool is_method(const char *method) {
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (strcmp(method, methods[i]) == 0) return true;
  return false;
}

static bool is_target(const char *text) {
  if (*text != '/') return false;
  for (; *text; text++)
    if (*text <= ' ' || *text > '~' || *text == '#') return false; /* also where char has a sign */
  return true;
}

static bool is_host(const char *text) {
  for (; *text; text++)
    if (!is_token_char(*text) && !strchr(":[]()*,;=", *text)) return false;
  return true;
}

/* The length that the client declares; SIZE_MAX when it is no number that fits. */
static size_t declared_length(const char *text) {
  size_t n = 0;
  if (!*text) return SIZE_MAX;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, (size_t)10, &n) ||
        __builtin_add_overflow(n, (size_t)(*text - '0'), &n))
      return SIZE_MAX;
  }
  return n;
}

static size_t head_bytes(const fsm__exchange *e) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

/* status 0 = that of the fault. */
static fsm_code wrong(fsm_error *err, int *status, int code, fsm_code fault, const char *where,
                      const char *why) {
  *status = code;
  return fsm_fail(err, fault, where, "%s", why);
}

static fsm_code check_line(const fsm__exchange *e, const head *h, int *status, fsm_error *err) {
  const fsm__request *request = &e->request;
  if (!request->target)
    return wrong(err, status, 414, FSM_ETOOLARGE, "target", "the target is longer than 8192 bytes");
  if (e->head_bytes > FSM__HEAD_MAX)
    return wrong(err, status, 431, FSM_ETOOLARGE, "header", "the head is longer than 16384 bytes");
  if (h->count > FSM__FIELDS_MAX)
    return wrong(err, status, 431, FSM_ETOOLARGE, "header", "there are more than 64 headers");
  if (!h->plain)
    return wrong(err, status, 0, FSM_EMALFORMED, "header",
                 "the lines of the head end with CR LF, are not continued, and hold no NUL");
  if (!h->clean)
    return wrong(err, status, 0, FSM_EMALFORMED, "header",
                 "a header has a name of letters, digits and !#$%&'*+-.^_`|~, a colon just behind it, and no "
                 "control characters");
  if (!is_token(request->method, strlen(request->method)))
    return wrong(err, status, 0, FSM_EMALFORMED, "method", "the method is not a word");
  if (!is_method(request->method))
    return wrong(err, status, 501, FSM_EMETHOD, "method", "no such method is known here");
  if (!is_target(request->target))
    return wrong(err, status, 0, FSM_EMALFORMED, "target",
                 "the target is a path that begins with / and is escaped where it is not plain ASCII");
  return FSM_OK;
}

static fsm_code check_length(fsm__exchange *e, bool one_dot_one, int *status, fsm_error *err) {
  fsm__request *request = &e->request;
  const char *length = request->headers[FSM__CONTENT_LENGTH],
             *coding = request->headers[FSM__TRANSFER_ENCODING];
  if (length && coding)
    return wrong(err, status, 0, FSM_EMALFORMED, "Transfer-Encoding", "it stands beside Content-Length");
  if (coding && (!one_dot_one || strcasecmp(coding, "chunked") != 0))
    return wrong(err, status, 0, FSM_EMALFORMED, "Transfer-Encoding",
                 "only chunked is taken, and not of HTTP 1.0");
  /* Where chunks end is told in ways that not all read alike; so nothing is read behind them. */
  if (coding) request->close = true;
  if (!length) return FSM_OK;
  const size_t bytes = declared_length(length);
  if (bytes == SIZE_MAX) return wrong(err, status, 0, FSM_EMALFORMED, "Content-Length", "it is not a number");
  if (bytes > FSM__BODY_DRAIN_MAX || (bytes > FSM__BODY_MAX && request->headers[FSM__EXPECT]))
    return wrong(err, status, 0, FSM_ETOOLARGE, "body", "the body is longer than 1048576 bytes");
  return FSM_OK;
}

static fsm_code check_rest(fsm__exchange *e, bool one_dot_nought, int *status, fsm_error *err) {
  const fsm__request *request = &e->request;
  const char *expect = request->headers[FSM__EXPECT], *host = request->headers[FSM__HOST];
  if (request->repeated)
    return wrong(err, status, 0, FSM_EMALFORMED, request->repeated, "the header is there twice");
  if (!host && !one_dot_nought) return wrong(err, status, 0, FSM_EMALFORMED, "Host", "the header is missing");
  if (host && !is_host(host))
    return wrong(err, status, 0, FSM_EMALFORMED, "Host", "it is not a name or address with a port");
  if (expect && strcasecmp(expect, "100-continue") != 0)
    return wrong(err, status, 417, FSM_EARGUMENT, "Expect", "only 100-continue can be expected");
  return FSM_OK;
}

fsm_code fsm__http_read_head(fsm__exchange *e, const char *method, const char *version, int *status,
                             fsm_error *err) {
  fsm__request *request = &e->request;
  const bool in_place =
      e->target_at == method + strlen(method) + 1 && version == e->target_at + e->target_len + 1;
  head h = {.request = request, .at = version + strlen(version) + CRLF, .plain = in_place, .clean = true};
  request->method = fsm_arena_strdup(&request->arena, method);
  MHD_get_connection_values_n(e->connection, MHD_HEADER_KIND, on_header, &h);
  e->head_bytes = head_bytes(e);
  h.plain &= h.at + CRLF == method + e->head_bytes;
  if (MHD_VERSION >= LATER_LIBRARY) h.plain = true;
  e->head_at = method;
  if (!request->method || request->fault.code != FSM_OK || fsm__headers_correlation(request) != FSM_OK)
    return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the request");
  fsm_code code = check_line(e, &h, status, err);
  if (code == FSM_OK) code = check_length(e, strcmp(version, "HTTP/1.1") == 0, status, err);
  return code == FSM_OK ? check_rest(e, strcmp(version, "HTTP/1.0") == 0, status, err) : code;
}

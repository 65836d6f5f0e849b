/* web_reply.c: an answer of HTTP/1.1 as it arrives. See web_reply.h. */
#include "runtime/web_reply.h"

#include <string.h>
#include <strings.h>

void fsm__reply_begin(fsm__reply *r, fsm__exchange *ex) {
  r->ex = ex;
  r->part = FSM__REPLY_STATUS;
  r->begun = r->last = r->has_length = r->chunked = false;
  r->left = 0;
  r->lines = 0;
  r->wrong = NULL;
  r->line_len = 0;
}

static bool no(fsm__reply *r, const char *why) {
  r->wrong = why;
  return false;
}

/* ---- numbers ---------------------------------------------------------------------------------------- */

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* Digits up to the end of text; false: none, or something else, or too many. */
static bool read_number(const char *text, size_t len, unsigned base, uint64_t *out) {
  uint64_t n = 0;
  for (size_t i = 0; i < len; i++) {
    const unsigned d = (unsigned)digit(text[i]);
    if (d >= base || n > (UINT64_MAX - d) / base) return false;
    n = n * base + d;
  }
  *out = n;
  return len > 0;
}

/* ---- the head --------------------------------------------------------------------------------------- */

static bool take_status(fsm__reply *r, const char *line, size_t len) {
  uint64_t status;
  if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
      !read_number(line + 9, 3, 10, &status) || status < 100 || (len > 12 && line[12] != ' '))
    return no(r, "it does not begin as an answer of HTTP/1.1");
  r->ex->reply->status = (int)status;
  r->last = line[7] == '0';
  r->part = FSM__REPLY_HEAD;
  fsm__web_take_header(r->ex, line, len);
  return true;
}

static bool is_name(const char *line, size_t len, const char *name) {
  return len == strlen(name) && strncasecmp(line, name, len) == 0;
}

static bool take_length(fsm__reply *r, const char *value, size_t len) {
  uint64_t length;
  if (!read_number(value, len, 10, &length)) return no(r, "its Content-Length is no number");
  if (r->has_length && length != r->left) return no(r, "it has two lengths");
  r->has_length = true;
  r->left = length;
  return true;
}

static bool take_header(fsm__reply *r, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (colon == NULL || colon == line || memchr(line, ' ', (size_t)(colon - line)) != NULL ||
      memchr(line, '\t', (size_t)(colon - line)) != NULL || memchr(line, '\0', len) != NULL)
    return no(r, "a line of its head is none");
  const size_t name_len = (size_t)(colon - line);
  const char *value = colon + 1, *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
  const size_t value_len = (size_t)(end - value);
  if (is_name(line, name_len, "Content-Length") && !take_length(r, value, value_len)) return false;
  if (is_name(line, name_len, "Transfer-Encoding")) {
    if (r->chunked || !is_name(value, value_len, "chunked"))
      return no(r, "its Transfer-Encoding is not chunked");
    r->chunked = true;
  }
  if (is_name(line, name_len, "Content-Encoding") && !is_name(value, value_len, "identity"))
    return no(r, "its Content-Encoding was not asked for");
  if (is_name(line, name_len, "Connection") && is_name(value, value_len, "close")) r->last = true;
  fsm__web_take_header(r->ex, line, len);
  return true;
}

/* What comes behind the head. */
static bool head_ends(fsm__reply *r) {
  const int status = r->ex->reply->status;
  if (r->chunked && r->has_length) return no(r, "it has a length and chunks");
  if (status == 101) return no(r, "it speaks of another protocol");
  if (status < 200) { /* informational: the answer itself follows */
    const unsigned lines = r->lines;
    fsm__reply_begin(r, r->ex);
    r->lines = lines;
    r->begun = true;
    return true;
  }
  const bool empty = status == 204 || status == 304 || strcmp(r->ex->request->method, "HEAD") == 0;
  r->part = empty || (r->has_length && r->left == 0) ? FSM__REPLY_DONE
            : r->chunked                             ? FSM__REPLY_CHUNK_SIZE
                                                     : FSM__REPLY_BODY;
  if (r->part == FSM__REPLY_BODY && !r->has_length) r->last = true;
  if (r->part == FSM__REPLY_BODY && r->left > r->ex->body_max) r->ex->too_large = true;
  return !r->ex->too_large;
}

/* ---- lines ------------------------------------------------------------------------------------------ */

static bool take_size(fsm__reply *r, const char *line, size_t len) {
  const char *extension = memchr(line, ';', len);
  if (extension != NULL) len = (size_t)(extension - line);
  while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t')) len--;
  if (!read_number(line, len, 16, &r->left)) return no(r, "the size of a chunk is no number");
  r->part = r->left > 0 ? FSM__REPLY_CHUNK : FSM__REPLY_TRAILER;
  return true;
}

static bool take_line(fsm__reply *r, const char *line, size_t len) {
  switch (r->part) {
    case FSM__REPLY_STATUS: return take_status(r, line, len);
    case FSM__REPLY_HEAD: return len == 0 ? head_ends(r) : take_header(r, line, len);
    case FSM__REPLY_CHUNK_SIZE: return take_size(r, line, len);
    case FSM__REPLY_CHUNK_END:
      if (len != 0) return no(r, "a chunk is longer than it says");
      r->part = FSM__REPLY_CHUNK_SIZE;
      return true;
    default: /* a trailer says nothing that we want */
      if (len == 0) r->part = FSM__REPLY_DONE;
      return true;
  }
}

/* Up to the end of a line, if there is one; *used of the data. */
static bool collect_line(fsm__reply *r, const char *data, size_t len, size_t *used) {
  const char *end = memchr(data, '\n', len);
  const size_t part = end != NULL ? (size_t)(end - data) : len;
  *used = end != NULL ? part + 1 : part;
  if (part > sizeof r->line - r->line_len) return no(r, "a line of it is too long");
  memcpy(r->line + r->line_len, data, part);
  r->line_len += part;
  if (end == NULL) return true;
  const bool of_head = r->part <= FSM__REPLY_HEAD || r->part == FSM__REPLY_TRAILER;
  if (of_head && ++r->lines > FSM__REPLY_LINES_MAX) return no(r, "its head has too many lines");
  size_t whole = r->line_len;
  if (whole > 0 && r->line[whole - 1] == '\r') whole--;
  r->line_len = 0;
  return take_line(r, r->line, whole);
}

/* ---- bytes ------------------------------------------------------------------------------------------ */

static bool take_bytes(fsm__reply *r, const char *data, size_t len, size_t *used) {
  const bool bounded = r->chunked || r->has_length;
  *used = bounded && len > r->left ? (size_t)r->left : len;
  if (!fsm__web_take_body(r->ex, data, *used)) return false;
  if (!bounded) return true;
  r->left -= *used;
  if (r->left == 0) r->part = r->chunked ? FSM__REPLY_CHUNK_END : FSM__REPLY_DONE;
  return true;
}

bool fsm__reply_take(fsm__reply *r, const char *data, size_t len) {
  if (len > 0) r->begun = true;
  for (size_t used; len > 0 && r->part != FSM__REPLY_DONE; data += used, len -= used) {
    const bool bytes = r->part == FSM__REPLY_BODY || r->part == FSM__REPLY_CHUNK;
    if (!(bytes ? take_bytes : collect_line)(r, data, len, &used)) return false;
  }
  if (len > 0) r->last = true;
  return true;
}

bool fsm__reply_end(fsm__reply *r) {
  if (r->part == FSM__REPLY_BODY && !r->has_length) r->part = FSM__REPLY_DONE;
  return r->part == FSM__REPLY_DONE ||
         no(r, r->begun ? "it ends in the middle of the answer" : "it ends without an answer");
}

/* http_request.c: see http_request.h. Strict about the input: a member that is not understood is a mistake
 * that nobody else would see. */
#include "runtime/http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/hash.h"
#include "runtime/message.h"
#include "runtime/web_header.h"
#include "schema/json.h"
#include "schema/utf8.h"

enum { SENT_BESIDES = 4 };

static fsm_code wrong(fsm_error *err, const char *member, const char *why) {
  return fsm_fail(err, FSM_EARGUMENT, member, "%s", why);
}

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a request"); }

/* A text without control characters; *out NULL when the member is missing. */
static fsm_code text_of(fsm_arena *arena, const fsm_value *value, const char *member, const char **out,
                        fsm_error *err) {
  *out = NULL;
  if (value == NULL || fsm_is(value, FSM_NULL)) return FSM_OK;
  if (!fsm_is(value, FSM_STRING)) return wrong(err, member, "a text is expected");
  for (uint32_t i = 0; i < value->len; i++)
    if ((unsigned char)value->s[i] < 0x20 || value->s[i] == 0x7f)
      return wrong(err, member, "there are control characters in it");
  *out = fsm_arena_strndup(arena, value->s, value->len);
  return *out != NULL ? FSM_OK : nomem(err);
}

static fsm_code read_method(fsm_arena *arena, const fsm_value *value, bool has_body, const char **out,
                            fsm_error *err) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  fsm_code code = text_of(arena, value, "method", out, err);
  if (code != FSM_OK) return code;
  if (*out == NULL) *out = has_body ? "POST" : "GET";
  if (strcmp(*out, "HEAD") == 0 && has_body) return wrong(err, "method", "HEAD takes no body");
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
    if (strcmp(*out, methods[i]) == 0) return FSM_OK;
  return wrong(err, "method", "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS is expected");
}

/* ---- headers ------------------------------------------------------------------------------------ */

static bool given(const fsm_web_header *headers, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcasecmp(headers[i].name, name) == 0) return true;
  return false;
}

static fsm_code read_headers(fsm_arena *arena, const fsm_value *value, fsm_web_request *out,
                             fsm_web_header *headers, fsm_error *err) {
  if (value == NULL || fsm_is(value, FSM_NULL)) return FSM_OK;
  if (!fsm_is(value, FSM_MAP)) return wrong(err, "headers", "an object of texts is expected");
  if (value->len > FSM_HTTP_HEADERS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "headers", "there are over %d headers", FSM_HTTP_HEADERS_MAX);
  for (uint32_t i = 0; i < value->len; i++) {
    const char *name, *text;
    fsm_code code = text_of(arena, &value->pairs[i].key, "headers", &name, err);
    if (code == FSM_OK) code = text_of(arena, &value->pairs[i].value, "headers", &text, err);
    if (code != FSM_OK) return code;
    if (name == NULL || !fsm__web_header_name(name))
      return wrong(err, "headers", "there is a name that no header has, or that is not for the input to set");
    if (text == NULL) continue;
    if (strcasecmp(name, "Content-Type") == 0)
      out->type = text;
    else
      headers[out->header_count++] = (fsm_web_header){name, text};
  }
  return FSM_OK;
}

static fsm_code add_ours(fsm_arena *arena, const fsm_task *task, fsm_web_request *out,
                         fsm_web_header *headers, fsm_error *err) {
  char *key = fsm_arena_alloc(arena, 33);
  if (key == NULL) return nomem(err);
  fsm__hex(task->token, sizeof task->token, key);
  const fsm_web_header ours[SENT_BESIDES] = {
      {"Idempotency-Key", key},
      {"X-Correlation-ID", task->correlation},
      {"traceparent", fsm__traceparent(arena, &task->trace)},
      {"Accept", "application/json, */*"},
  };
  for (unsigned i = 0; i < SENT_BESIDES; i++)
    if (ours[i].value != NULL && !given(headers, out->header_count, ours[i].name))
      headers[out->header_count++] = ours[i];
  out->headers = headers;
  return FSM_OK;
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static fsm_code read_body(fsm_arena *arena, const fsm_value *value, fsm_web_request *out, fsm_error *err) {
  if (value == NULL || fsm_is(value, FSM_NULL)) return FSM_OK;
  if (fsm_is(value, FSM_STRING) || fsm_is(value, FSM_BYTES)) {
    if (out->type == NULL)
      out->type = fsm_is(value, FSM_STRING) ? "text/plain; charset=utf-8" : "application/octet-stream";
    out->body = value->s;
    out->body_len = value->len;
    return FSM_OK;
  }
  fsm_buf buf = {0};
  fsm_json_write(&buf, value);
  out->body_len = buf.len;
  out->body = fsm_buf_ok(&buf) ? fsm_arena_strndup(arena, buf.data, buf.len) : NULL;
  fsm_buf_free(&buf);
  return out->body != NULL ? FSM_OK : nomem(err);
}

static bool read_range(const fsm_value *value, int *from, int *to) {
  int end = 0;
  if (fsm_is(value, FSM_INT)) {
    *from = *to = value->i > 999 || value->i < 0 ? 0 : (int)value->i;
  } else if (fsm_is(value, FSM_STRING) && value->len == 7) {
    char text[8];
    memcpy(text, value->s, 7);
    text[7] = '\0';
    if (sscanf(text, "%3d-%3d%n", from, to, &end) != 2 || end != 7) return false;
  } else {
    return false;
  }
  return *from >= 100 && *from <= *to && *to <= 599;
}

static fsm_code read_ok(const fsm_value *value, fsm__http_request *out, fsm_error *err) {
  out->ok[0].from = 200;
  out->ok[0].to = 299;
  out->ok_count = 1;
  if (value == NULL || fsm_is(value, FSM_NULL)) return FSM_OK;
  if (!fsm_is(value, FSM_LIST) || value->len == 0 || value->len > FSM_HTTP_OK_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "ok", "a list of 1 to %d numbers or \"200-299\" is expected",
                    FSM_HTTP_OK_MAX);
  out->ok_count = value->len;
  for (uint32_t i = 0; i < value->len; i++)
    if (!read_range(&value->items[i], &out->ok[i].from, &out->ok[i].to))
      return wrong(err, "ok", "a status is a number from 100 to 599, or a text like \"200-299\"");
  return FSM_OK;
}

static fsm_code check_members(const fsm_value *input, fsm_error *err) {
  static const char *const known[] = {"url", "method", "headers", "body", "timeout", "ok"};
  if (!fsm_is(input, FSM_MAP)) return wrong(err, "input", "the input must be an object with url");
  for (uint32_t i = 0; i < input->len; i++) {
    bool found = false;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
      found = found || fsm_is_text(&input->pairs[i].key, known[k]);
    if (!found) return wrong(err, "input", "only url, method, headers, body, timeout and ok are taken");
  }
  return FSM_OK;
}

fsm_code fsm__http_request_read(fsm_arena *arena, const fsm_task *task, fsm__http_request *out,
                                fsm_error *err) {
  const fsm_value *input = &task->input, *body = fsm_map_get(input, "body");
  const char *timeout = NULL;
  fsm_web_header *headers = fsm_arena_zalloc(arena, FSM_HTTP_HEADERS_MAX + SENT_BESIDES, sizeof *headers);
  *out = (fsm__http_request){.ok_count = 0};
  if (headers == NULL) return nomem(err);
  bool has_body = body != NULL && !fsm_is(body, FSM_NULL);
  fsm_code code = check_members(input, err);
  if (code == FSM_OK) code = text_of(arena, fsm_map_get(input, "url"), "url", &out->web.path, err);
  if (code == FSM_OK && out->web.path == NULL) code = wrong(err, "url", "url is missing");
  if (code == FSM_OK)
    code = read_method(arena, fsm_map_get(input, "method"), has_body, &out->web.method, err);
  if (code == FSM_OK) code = read_headers(arena, fsm_map_get(input, "headers"), &out->web, headers, err);
  if (code == FSM_OK) code = add_ours(arena, task, &out->web, headers, err);
  if (code == FSM_OK) code = read_body(arena, body, &out->web, err);
  if (code == FSM_OK) code = read_ok(fsm_map_get(input, "ok"), out, err);
  if (code == FSM_OK) code = text_of(arena, fsm_map_get(input, "timeout"), "timeout", &timeout, err);
  if (code != FSM_OK || timeout == NULL) return code;
  if (fsm_duration_parse(timeout, &out->timeout_ns, NULL) != FSM_OK || out->timeout_ns <= 0)
    return wrong(err, "timeout", "a duration like \"5s\" is expected");
  return FSM_OK;
}

/* ---- the answer --------------------------------------------------------------------------------- */

static bool is_json(const char *type) {
  if (type == NULL) return false;
  size_t len = strcspn(type, "; ");
  return (len == 16 && strncasecmp(type, "application/json", 16) == 0) ||
         (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

static fsm_value body_of(fsm_arena *arena, const fsm_web_reply *reply) {
  fsm_value value;
  if (reply->body_len == 0) return fsm_null();
  if (is_json(reply->type) && fsm_json_parse_deep(arena, reply->body, reply->body_len, FSM_JSON_SORTED,
                                                  FSM_DATA_DEPTH_MAX - 2, &value, NULL) == FSM_OK)
    return value;
  bool text =
      fsm__utf8_valid(reply->body, reply->body_len) && memchr(reply->body, 0, reply->body_len) == NULL;
  return text ? fsm_stringn(reply->body, reply->body_len) : fsm_bytes(reply->body, reply->body_len);
}

/* Names in lower case; of one that comes twice, the last; without those that are no text. */
static fsm_value headers_of(fsm_arena *arena, const fsm_web_reply *reply) {
  fsm_pair *pairs = fsm_arena_alloc(arena, (reply->header_count + 1) * sizeof *pairs);
  unsigned count = 0;
  fsm_value out;
  if (pairs == NULL) return fsm_null();
  for (size_t i = 0; i < reply->header_count; i++) {
    const char *value = reply->headers[i].value;
    char *name = fsm_arena_strdup(arena, reply->headers[i].name);
    if (name == NULL || !fsm__utf8_valid(name, strlen(name)) || !fsm__utf8_valid(value, strlen(value)))
      continue;
    for (char *c = name; *c != '\0'; c++)
      if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    unsigned at = 0;
    while (at < count && !fsm_is_text(&pairs[at].key, name)) at++;
    pairs[at] = (fsm_pair){fsm_string(name), fsm_string(value)};
    if (at == count) count++;
  }
  return fsm_map(pairs, count, &out, NULL) == FSM_OK ? out : fsm_null();
}

/* Seconds or a date; nonsense is no wish. */
static int64_t retry_after(const char *text, int64_t now_s) {
  if (text == NULL || *text == '\0') return 0;
  char *end = NULL;
  long long seconds = strtoll(text, &end, 10);
  if (*end != '\0') {
    int64_t date_s = fsm_web_date(text);
    seconds = date_s > now_s ? date_s - now_s : 0;
  }
  int64_t most = FSM_RETRY_AFTER_MAX_NS / 1000000000;
  return (seconds < 0 ? 0 : seconds > most ? most : seconds) * 1000000000;
}

static bool may_be_better(int status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599);
}

void fsm__http_reply_read(fsm_arena *arena, const fsm__http_request *request, const fsm_web_reply *reply,
                          int64_t now_s, fsm_service_result *out) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 3 * sizeof *pairs);
  bool good = false;
  if (pairs == NULL) {
    (void)nomem(&out->error);
    return;
  }
  pairs[0] = (fsm_pair){fsm_string("status"), fsm_int(reply->status)};
  pairs[1] = (fsm_pair){fsm_string("headers"), headers_of(arena, reply)};
  pairs[2] = (fsm_pair){fsm_string("body"), body_of(arena, reply)};
  if (fsm_map(pairs, 3, &out->output, NULL) != FSM_OK) out->output = fsm_null();
  for (unsigned i = 0; i < request->ok_count; i++)
    good = good || (reply->status >= request->ok[i].from && reply->status <= request->ok[i].to);
  if (good) return;
  bool again = may_be_better(reply->status);
  (void)fsm_fail(&out->error, again ? FSM_EUNREACHABLE : FSM_EEXPECT, "status", "the server answered %d",
                 reply->status);
  out->final = !again;
  if (again) out->retry_ns = retry_after(reply->retry_after, now_s);
}

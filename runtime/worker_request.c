/* worker_request.c: strict about names and types, because a key that is not understood is a mistake
 * that nobody else would see. */
#include "runtime/worker_request.h"

#include <stdio.h>
#include <string.h>

#include "runtime/workers.h"
#include "schema/json.h"

enum { EXCERPT_MAX = 256 };

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool token_read(const fsm_value *value, uint8_t out[16]) {
  if (value == NULL || value->type != FSM_STRING || value->len != 32) return false;
  for (int i = 0; i < 16; i++) {
    int high = digit_of(value->s[2 * i]), low = digit_of(value->s[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

/* The members beside token and attempt. */
static bool allowed(fsm_command_kind kind, const fsm_value *key) {
  if (kind == FSM_CMD_TASK_COMPLETE) return fsm_is_text(key, "output");
  return kind == FSM_CMD_TASK_FAIL &&
         (fsm_is_text(key, "error") || fsm_is_text(key, "final") || fsm_is_text(key, "retry_after"));
}

static fsm_code check_keys(fsm_command_kind kind, const fsm_value *doc, bool token, fsm_error *err) {
  if (doc->type != FSM_MAP) return fsm_fail(err, FSM_EMALFORMED, "", "the request is not an object");
  for (uint32_t i = 0; i < doc->len; i++) {
    const fsm_value *key = &doc->pairs[i].key;
    if (fsm_is_text(key, "attempt") || (token && fsm_is_text(key, "token")) || allowed(kind, key)) continue;
    char where[80];
    snprintf(where, sizeof where, "/%.*s", key->len < 64 ? (int)key->len : 64, key->s);
    return fsm_fail(err, FSM_EMALFORMED, where, "the request has no such member");
  }
  return FSM_OK;
}

static fsm_code read_retry(fsm_arena *arena, const fsm_value *value, int64_t *out, fsm_error *err) {
  fsm_error why = {.text = "it must be a duration, as in \"30s\""};
  if (value == NULL || value->type == FSM_NULL) return FSM_OK;
  const char *text = value->type == FSM_STRING ? fsm_arena_strndup(arena, value->s, value->len) : NULL;
  if (text == NULL || fsm_duration_parse(text, out, &why) != FSM_OK)
    return fsm_fail(err, FSM_EMALFORMED, "/retry_after", "%s", why.text);
  if (*out <= FSM_RETRY_AFTER_MAX_NS) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "/retry_after", "no attempt is put off for longer than %d s",
                  (int)(FSM_RETRY_AFTER_MAX_NS / 1000000000));
}

fsm_code fsm__worker_request_members(fsm_arena *arena, const fsm_value *doc, bool token, fsm_command *out,
                                     fsm_error *err) {
  const fsm_command_kind kind = out->kind;
  fsm_code code = check_keys(kind, doc, token, err);
  if (code != FSM_OK) return code;
  if (token && !token_read(fsm_map_get(doc, "token"), out->token))
    return fsm_fail(err, FSM_EMALFORMED, "/token", "the token must be 32 hex digits");
  const fsm_value *final = fsm_map_get(doc, "final");
  if (final != NULL && final->type != FSM_BOOL)
    return fsm_fail(err, FSM_EMALFORMED, "/final", "it must be true or false");
  out->final = final != NULL && final->b;
  const fsm_value *attempt = fsm_map_get(doc, "attempt");
  if (attempt != NULL && (attempt->type != FSM_INT || attempt->i < 1 || attempt->i > UINT16_MAX))
    return fsm_fail(err, FSM_EMALFORMED, "/attempt", "it must be a number from 1 to %d", UINT16_MAX);
  out->attempt = attempt != NULL ? (unsigned)attempt->i : 0;
  const fsm_value *value = fsm_map_get(doc, kind == FSM_CMD_TASK_COMPLETE ? "output" : "error");
  if (value != NULL) out->data = *value;
  return read_retry(arena, fsm_map_get(doc, "retry_after"), &out->retry_ns, err);
}

bool fsm__worker_token_read(const char *text, uint8_t out[16]) {
  const fsm_value value = fsm_string(text);
  return token_read(&value, out);
}

fsm_code fsm__worker_request_read(fsm_arena *arena, fsm_command_kind kind, const char *data, size_t len,
                                  fsm_command *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && data != NULL && out != NULL);
  FSM_ASSERT(kind == FSM_CMD_TASK_COMPLETE || kind == FSM_CMD_TASK_FAIL || kind == FSM_CMD_TASK_HEARTBEAT);
  if (len > FSM_WORKERS_REQUEST_MAX) {
    return fsm_fail(err, FSM_ETOOLARGE, "", "a request has at most %d bytes", FSM_WORKERS_REQUEST_MAX);
  }
  fsm_value doc;
  fsm_error fault = {0};
  fsm_code code = fsm_json_parse(arena, data, len, FSM_JSON_SORTED, &doc, &fault);
  if (code != FSM_OK && code != FSM_ENOMEM) code = FSM_EMALFORMED;
  if (code != FSM_OK) return fsm_fail(err, code, fault.where, "%s", fault.text);
  fsm_command command = fsm_command_new(kind);
  code = fsm__worker_request_members(arena, &doc, true, &command, err);
  if (code == FSM_OK) *out = command;
  return code;
}

fsm_command fsm__worker_request_refused(fsm_arena *arena, fsm_code code, const char *data, size_t len) {
  FSM_ASSERT(arena != NULL && (data != NULL || len == 0));
  fsm_command command = fsm_command_new(FSM_CMD_REFUSED);
  command.code = code;
  fsm_buf buf = {0};
  for (size_t i = 0; i < len && i < EXCERPT_MAX; i++) {
    unsigned char c = (unsigned char)data[i];
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      fsm_buf_char(&buf, (char)c);
    } else {
      fsm_buf_printf(&buf, "\\x%02x", c);
    }
  }
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  if (text != NULL) command.data = fsm_string(text);
  return command;
}

void fsm__worker_error_write(fsm_buf *out, const fsm_error *error) {
  FSM_ASSERT(out != NULL && error != NULL && error->code != FSM_OK);
  fsm_buf_str(out, "{\"error\":{\"code\":");
  fsm_json_quote(out, fsm_code_name(error->code), strlen(fsm_code_name(error->code)));
  fsm_buf_str(out, ",\"where\":");
  fsm_json_quote(out, error->where, strlen(error->where));
  fsm_buf_str(out, ",\"text\":");
  fsm_json_quote(out, error->text, strlen(error->text));
  fsm_buf_str(out, "}}");
}

void fsm__worker_reply_write(fsm_buf *out, fsm_arena *arena, const fsm_answer *answer) {
  FSM_ASSERT(out != NULL && arena != NULL && answer != NULL);
  fsm_value doc;
  fsm_error error = answer->error;
  if (error.code == FSM_OK && fsm_answer_view(arena, answer, &doc) == FSM_OK) {
    fsm_json_write(out, &doc);
    return;
  }
  if (error.code == FSM_OK) (void)fsm_fail(&error, FSM_ENOMEM, "", "done, but no memory to say what");
  fsm__worker_error_write(out, &error);
}

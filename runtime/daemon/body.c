/* body.c: the members of a JSON request body, by a table. */
#include "runtime/daemon/body.h"

#include <string.h>

#include "runtime/hash.h"
#include "schema/json.h"
#include "schema/pointer.h"

enum { EXCERPT_BYTES = 256 };

static fsm_code expected(fsm_error *err, const char *where, const char *what) {
  return fsm_fail(err, FSM_EMALFORMED, where, "expected %s", what);
}

static fsm_code read_text(fsm_arena *arena, const fsm_value *value, const char *where, const char **out,
                          fsm_error *err) {
  if (!fsm_is(value, FSM_STRING) || value->len == 0)
    return expected(err, where, "a string that is not empty");
  if (memchr(value->s, 0, value->len)) return expected(err, where, "a string without NUL");
  *out = fsm_arena_strndup(arena, value->s, value->len);
  return *out ? FSM_OK : fsm_fail(err, FSM_ENOMEM, where, "no memory for the request");
}

static fsm_code read_member(fsm_arena *arena, const fsm_value *value, const char *where,
                            const fsm__body_member *member, fsm_error *err) {
  switch (member->kind) {
    case FSM__BODY_TEXT: return read_text(arena, value, where, member->out, err);
    case FSM__BODY_VERSION:
      if (!fsm_is(value, FSM_INT) || value->i < 1 || value->i > UINT32_MAX)
        return expected(err, where, "a version number from 1");
      *(uint32_t *)member->out = (uint32_t)value->i;
      return FSM_OK;
    case FSM__BODY_REVISION:
      if (!fsm_is(value, FSM_INT) || value->i < 0) return expected(err, where, "a revision, from 0");
      *(int64_t *)member->out = value->i;
      return FSM_OK;
    case FSM__BODY_BOOL:
      if (!fsm_is(value, FSM_BOOL)) return expected(err, where, "true or false");
      *(bool *)member->out = value->b;
      return FSM_OK;
    case FSM__BODY_LIST:
      if (!fsm_is(value, FSM_LIST)) return expected(err, where, "a list");
      *(fsm_value *)member->out = *value;
      return FSM_OK;
    case FSM__BODY_MAP:
      if (!fsm_is(value, FSM_MAP)) return expected(err, where, "an object");
      *(fsm_value *)member->out = *value;
      return FSM_OK;
    case FSM__BODY_ANY: *(fsm_value *)member->out = *value; return FSM_OK;
  }
  return FSM_OK;
}

static const fsm__body_member *named(const fsm__body_member *members, size_t count, const fsm_value *name) {
  for (size_t i = 0; i < count; i++)
    if (fsm_is_text(name, members[i].name)) return &members[i];
  return NULL;
}

fsm_code fsm__body_members(fsm_arena *arena, const fsm_value *value, const char *place,
                           const fsm__body_member *members, size_t count, fsm_error *err) {
  fsm_code code;
  if (!fsm_is(value, FSM_MAP)) return expected(err, place, "a JSON object");
  for (uint32_t i = 0; i < value->len; i++) {
    const fsm_value *name = &value->pairs[i].key, *given = &value->pairs[i].value;
    const fsm__body_member *member = named(members, count, name);
    fsm__pointer where;
    fsm__pointer_set(&where, place);
    fsm__pointer_key(&where, name->s, name->len);
    if (!member) return fsm_fail(err, FSM_EMALFORMED, where.text, "there is no such member");
    if (fsm_is(given, FSM_NULL) && !member->needed) continue;
    if ((code = read_member(arena, given, where.text, member, err)) != FSM_OK) return code;
  }
  for (size_t i = 0; i < count; i++)
    if (members[i].needed && !fsm_map_get(value, members[i].name))
      return fsm_fail(err, FSM_EMALFORMED, fsm_arena_printf(arena, "%s/%s", place, members[i].name),
                      "the member is missing");
  return FSM_OK;
}

size_t fsm__body_weight(const fsm_buf *body) {
  size_t values = 1;
  for (size_t i = 0; i < body->len; i++) {
    const char c = body->data[i];
    values += c == ',' || c == ':' || c == '[' || c == '{';
  }
  return 2 * values * sizeof(fsm_value);
}

void fsm__body_read_ahead(fsm__request *request) {
  const fsm_code code = fsm__body_parse(request, &request->document, &request->unread);
  FSM_ASSERT(code == FSM_OK || request->unread.code == code);
  request->was_read = true;
}

fsm_code fsm__body_parse(fsm__request *request, fsm_value *out, fsm_error *err) {
  const fsm_error *unread = &request->unread;
  if (request->was_read && unread->code == FSM_OK) return *out = request->document, FSM_OK;
  if (request->was_read) return fsm_fail(err, unread->code, unread->where, "%s", unread->text);
  fsm_code code = fsm_json_parse(&request->arena, request->body.data ? request->body.data : "",
                                 request->body.len, FSM_JSON_SORTED, out, err);
  /* Whatever the JSON reader calls it, here it is the message that cannot be read. */
  if (code != FSM_OK && code != FSM_ENOMEM) return fsm_fail(err, FSM_EMALFORMED, err->where, "%s", err->text);
  return code;
}

fsm_code fsm__body_read(fsm__request *request, const fsm__body_member *members, size_t count,
                        fsm_error *err) {
  fsm_value body;
  fsm_code code = fsm__body_parse(request, &body, err);
  return code == FSM_OK ? fsm__body_members(&request->arena, &body, "", members, count, err) : code;
}

void fsm__body_excerpt(const fsm_buf *body, const fsm_error *why, fsm_buf *out) {
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm__hash hash = fsm__sha256(body->data ? body->data : "", body->len);
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  fsm_buf_printf(out, "%zu bytes, sha256 %s: %s: %s: ", body->len, hex, why->where, why->text);
  fsm_json_quote(out, body->data ? body->data : "", body->len < EXCERPT_BYTES ? body->len : EXCERPT_BYTES);
}

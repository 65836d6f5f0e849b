/* trace_context.c: headers of a trace, strictly. */
#include "runtime/daemon/trace_context.h"

#include <string.h>

enum { TRACE_CHARS = 55, TRACE_ID = 3, SPAN_ID = 36, FLAGS = 53 }; /* of a traceparent */
enum { TRACE_BYTES = 16, SPAN_BYTES = 8, SAMPLED = 1 };
enum { KEY_MAX = 256, TENANT_MAX = 241, SYSTEM_MAX = 14, VALUE_MAX = 256 }; /* of a member of tracestate */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* lower case alone is legal */
}

static bool read_hex(const char *text, uint8_t *out, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
    if (low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static bool all_zero(const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (bytes[i]) return false;
  return true;
}

/* ids: those of trace and span, one behind the other; zeros are nobody's. */
static bool make(fsm_arena *arena, const uint8_t ids[TRACE_BYTES + SPAN_BYTES], uint8_t flags,
                 fsm_value *out) {
  if (all_zero(ids, TRACE_BYTES) || all_zero(ids + TRACE_BYTES, SPAN_BYTES)) return false;
  char *bytes = fsm_arena_strndup(arena, (const char *)ids, TRACE_BYTES + SPAN_BYTES);
  fsm_value *items = fsm_arena_alloc(arena, 3 * sizeof *items);
  if (!bytes || !items) return false;
  items[0] = fsm_bytes(bytes, TRACE_BYTES);
  items[1] = fsm_bytes(bytes + TRACE_BYTES, SPAN_BYTES);
  items[2] = fsm_int(flags);
  *out = fsm_list(items, 3);
  return true;
}

bool fsm__trace_parse(fsm_arena *arena, const char *text, fsm_value *out) {
  uint8_t version, flags, ids[TRACE_BYTES + SPAN_BYTES];
  size_t len = strlen(text);
  if (len < TRACE_CHARS || text[2] != '-' || text[SPAN_ID - 1] != '-' || text[FLAGS - 1] != '-') return false;
  if (!read_hex(text, &version, 1) || version == 0xff) return false;
  if (len > TRACE_CHARS && (version == 0 || text[TRACE_CHARS] != '-')) return false;
  if (!read_hex(text + TRACE_ID, ids, TRACE_BYTES) ||
      !read_hex(text + SPAN_ID, ids + TRACE_BYTES, SPAN_BYTES) || !read_hex(text + FLAGS, &flags, 1))
    return false;
  return make(arena, ids, flags, out);
}

/* ---- B3 ------------------------------------------------------------------------------------------- */

/* len hex digits at text are the id: 32, or 16 for the lower half of it. */
static bool b3_trace_id(const char *text, size_t len, uint8_t out[TRACE_BYTES]) {
  memset(out, 0, TRACE_BYTES);
  if (len == 2 * TRACE_BYTES) return read_hex(text, out, TRACE_BYTES);
  return len == TRACE_BYTES && read_hex(text, out + TRACE_BYTES / 2, TRACE_BYTES / 2);
}

static bool b3_ids(const char *trace, size_t trace_len, const char *span, size_t span_len,
                   uint8_t ids[TRACE_BYTES + SPAN_BYTES]) {
  return b3_trace_id(trace, trace_len, ids) && span_len == (size_t)2 * SPAN_BYTES &&
         read_hex(span, ids + TRACE_BYTES, SPAN_BYTES);
}

bool fsm__trace_b3(fsm_arena *arena, const char *text, fsm_value *out) {
  uint8_t ids[TRACE_BYTES + SPAN_BYTES], parent[SPAN_BYTES], flags = 0;
  const size_t trace_len = strcspn(text, "-");
  if (text[trace_len] != '-') return false;
  const char *span = text + trace_len + 1;
  const size_t span_len = strcspn(span, "-");
  if (!b3_ids(text, trace_len, span, span_len, ids)) return false;
  const char *state = span + span_len;
  if (*state == '-') {
    if (!state[1] || !strchr("01d", state[1])) return false;
    flags = state[1] == '0' ? 0 : SAMPLED;
    const char *rest = state + 2;
    if (*rest == '-' &&
        (strlen(rest + 1) != (size_t)2 * SPAN_BYTES || !read_hex(rest + 1, parent, SPAN_BYTES)))
      return false;
    if (*rest && *rest != '-') return false;
  }
  return make(arena, ids, flags, out);
}

bool fsm__trace_b3_parts(fsm_arena *arena, const char *trace, const char *span, const char *sampled,
                         const char *flags, fsm_value *out) {
  uint8_t ids[TRACE_BYTES + SPAN_BYTES];
  const bool yes = sampled && (strcmp(sampled, "1") == 0 || strcmp(sampled, "true") == 0);
  const bool no = sampled && (strcmp(sampled, "0") == 0 || strcmp(sampled, "false") == 0);
  const bool debug = flags && strcmp(flags, "1") == 0;
  if ((sampled && !yes && !no) || !b3_ids(trace, strlen(trace), span, strlen(span), ids)) return false;
  return make(arena, ids, yes || debug ? SAMPLED : 0, out);
}

/* ---- tracestate (3.3.1) ---------------------------------------------------------------------------- */

static bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("_-*/", c));
}

/* KEY, or TENANT@SYSTEM. */
static bool is_key(const char *text, size_t len) {
  const char *at = memchr(text, '@', len);
  const size_t tenant = at ? (size_t)(at - text) : len, system = at ? len - tenant - 1 : 0;
  for (size_t i = 0; i < len; i++)
    if (text + i != at && !is_key_char(text[i])) return false;
  if (!at) return len >= 1 && len <= KEY_MAX && text[0] >= 'a' && text[0] <= 'z';
  const bool begins = tenant >= 1 && text[0] != '_' && text[0] != '-' && text[0] != '*' && text[0] != '/';
  return begins && tenant <= TENANT_MAX && system >= 1 && system <= SYSTEM_MAX && at[1] >= 'a' &&
         at[1] <= 'z';
}

static bool is_value(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] < ' ' || text[i] > '~' || text[i] == ',' || text[i] == '=') return false;
  return len >= 1 && len <= VALUE_MAX && text[len - 1] != ' ';
}

typedef struct member {
  const char *key;
  size_t len;
} member;

static bool known(const member *members, size_t count, const char *key, size_t len) {
  for (size_t i = 0; i < count; i++)
    if (members[i].len == len && memcmp(members[i].key, key, len) == 0) return true;
  return false;
}

bool fsm__tracestate_is_valid(const char *text) {
  member members[FSM__TRACESTATE_MEMBERS_MAX];
  size_t count = 0;
  if (strlen(text) > FSM_TRACESTATE_MAX) return false;
  for (const char *at = text; *at;) {
    at += strspn(at, " \t");
    size_t len = strcspn(at, ",");
    const char *next = at + len + (at[len] == ',');
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) len--;
    if (len > 0) { /* empty members are allowed */
      const char *equals = memchr(at, '=', len);
      const size_t key = equals ? (size_t)(equals - at) : 0;
      if (!equals || count == FSM__TRACESTATE_MEMBERS_MAX || !is_key(at, key) ||
          !is_value(equals + 1, len - key - 1) || known(members, count, at, key))
        return false;
      members[count++] = (member){at, key};
    }
    at = next;
  }
  return count > 0;
}

void fsm__trace_to_command(fsm__request *request, fsm_command *command) {
  const char *const *headers = request->headers;
  fsm_arena *arena = &request->arena;
  command->trace = fsm_null();
  command->tracestate = NULL;
  if (headers[FSM__TRACEPARENT] && fsm__trace_parse(arena, headers[FSM__TRACEPARENT], &command->trace)) {
    const char *state = headers[FSM__TRACESTATE];
    if (state && fsm__tracestate_is_valid(state)) command->tracestate = state;
    return;
  }
  if (headers[FSM__B3] && fsm__trace_b3(arena, headers[FSM__B3], &command->trace)) return;
  if (headers[FSM__B3_TRACE_ID] && headers[FSM__B3_SPAN_ID])
    (void)fsm__trace_b3_parts(arena, headers[FSM__B3_TRACE_ID], headers[FSM__B3_SPAN_ID],
                              headers[FSM__B3_SAMPLED], headers[FSM__B3_FLAGS], &command->trace);
}

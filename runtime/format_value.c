/* format_value.c: stored values as JSON text. See format_value.h. */
#include "runtime/format_value.h"

#include "runtime/format_put.h"
#include "schema/json.h"

/* ---- what is not plain ------------------------------------------------------------------------- */

char *fsm__put_any_double(char *to, double d) {
  fsm_buf buf = {0};
  fsm_value value = fsm_double(d);
  fsm_json_write(&buf, &value);
  FSM_ASSERT(buf.len < 64);
  to = fsm__put(to, fsm_buf_ok(&buf) ? buf.data : "null", fsm_buf_ok(&buf) ? buf.len : 4);
  fsm_buf_free(&buf);
  return to;
}

static char *put_escape(char *to, unsigned char c) {
  static const char digits[] = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\': *to++ = (char)c; return to;
    case '\n': *to++ = 'n'; return to;
    case '\r': *to++ = 'r'; return to;
    case '\t': *to++ = 't'; return to;
    default: break;
  }
  to = fsm__put(to, "u00", 3);
  *to++ = digits[c >> 4];
  *to++ = digits[c & 15];
  return to;
}

char *fsm__put_special(char *to, const char **at, const char *end) {
  unsigned char c = (unsigned char)**at;
  if (c < 0x80) {
    *at += 1;
    return put_escape(to, c);
  }
  size_t step = fsm__utf8_next(*at, (size_t)(end - *at));
  if (step == 0) return NULL;
  to = fsm__put(to, *at, step);
  *at += step;
  return to;
}

static bool put_text(fsm__putter *p, const char *text, size_t len) {
  p->to = fsm__put_text(p->to, text, len, (const char *)p->in.end);
  return p->to != NULL;
}

static void put_quoted_hex(fsm__putter *p, const fsm_value *bytes) {
  *p->to++ = '"';
  p->to = fsm__put_hex(p->to, bytes->s, bytes->len);
  *p->to++ = '"';
}

static void put_span(fsm__putter *p, const fsm_value *value) {
  char text[FSM__TIME_TEXT_MAX];
  if (value->type == FSM_TIMESTAMP)
    fsm__timestamp_text(value->i, value->len, text, sizeof text);
  else
    fsm__duration_text(value->i, (int32_t)value->len, text, sizeof text);
  *p->to++ = '"';
  p->to = fsm__put(p->to, text, strlen(text));
  *p->to++ = '"';
}

/* ---- maps and lists ---------------------------------------------------------------------------- */

typedef struct key {
  const char *at;
  size_t len;
} key;

static int compare_keys(key a, key b) {
  int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The head of a text, which must lie whole in the bytes. */
static bool take_text(fsm__putter *p, key *out) {
  const uint8_t *at = p->in.at;
  if (at == p->in.end) return false;
  if ((*at & 0xE0) == 0xA0) {
    *out = (key){(const char *)at + 1, *at & 0x1F};
  } else if (*at == 0xD9 && p->in.end - at >= 2 && at[1] >= 32) {
    *out = (key){(const char *)at + 2, at[1]};
  } else {
    fsm_value token;
    if (fsm__read_token(&p->in, &token) || token.type != FSM_STRING) return false;
    *out = (key){token.s, token.len};
    return true;
  }
  if (out->len > (size_t)((const char *)p->in.end - out->at)) return false;
  p->in.at = (const uint8_t *)out->at + out->len;
  return true;
}

static bool take_key(fsm__putter *p, const key *before, key *out) {
  return take_text(p, out) && (before->at == NULL || compare_keys(*before, *out) < 0);
}

static bool put_member(fsm__putter *p, key name, bool first) {
  if (!first) *p->to++ = ',';
  if (!put_text(p, name.at, name.len)) return false;
  *p->to++ = ':';
  return true;
}

/* The value of a hidden name: read, for it must be right, and not shown. */
static bool put_hidden(fsm__putter *p, unsigned depth) {
  char *to = p->to;
  if (!fsm__put_value(p, depth)) return false;
  p->to = fsm__put(to, "\"" FSM_MASKED "\"", sizeof FSM_MASKED + 1);
  return true;
}

/* A field of the context that was changed: [new] or [old, new]. */
static bool put_hidden_change(fsm__putter *p, unsigned depth) {
  fsm__reader ahead = p->in;
  fsm_value list;
  if (fsm__read_token(&ahead, &list)) return false;
  if (list.type != FSM_LIST) return put_hidden(p, depth);
  if (list.len > 2) return false;
  char *to = p->to;
  if (!fsm__put_value(p, depth)) return false;
  p->to = to;
  *p->to++ = '[';
  for (uint32_t i = 0; i < list.len; i++) {
    if (i) *p->to++ = ',';
    p->to = fsm__put(p->to, "\"" FSM_MASKED "\"", sizeof FSM_MASKED + 1);
  }
  *p->to++ = ']';
  return true;
}

/* What the masking of our own structures does besides: texts of faults are cut, what was logged is hidden. */
static bool is_looked_into(key name) {
  static const char *const names[] = {"text", "fault", "error", "message", "excerpt", "log"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == name.len && memcmp(names[i], name.at, name.len) == 0) return true;
  return false;
}

typedef enum verdict { SHOWN, HIDDEN, LONG_WAY } verdict;

static verdict judge(const fsm__putter *p, key name) {
  if (p->shown == FSM__AS_IS) return SHOWN;
  bool hidden = fsm_mask_hides(p->mask, name.at, name.len);
  if (p->shown == FSM__OURS) return hidden || is_looked_into(name) ? LONG_WAY : SHOWN;
  return hidden ? HIDDEN : SHOWN;
}

static bool put_shown(fsm__putter *p, key name, unsigned depth) {
  fsm__shown shown = p->shown;
  verdict v = judge(p, name);
  if (v == LONG_WAY) return false;
  if (shown == FSM__CHANGES) p->shown = FSM__DATA;
  bool good = v == SHOWN              ? fsm__put_value(p, depth)
              : shown == FSM__CHANGES ? put_hidden_change(p, depth)
                                      : put_hidden(p, depth);
  p->shown = shown;
  return good;
}

static bool put_map(fsm__putter *p, uint32_t count, unsigned depth) {
  if (depth == 0) return false;
  key before = {NULL, 0}, name;
  *p->to++ = '{';
  for (uint32_t i = 0; i < count; i++, before = name)
    if (!take_key(p, &before, &name) || !put_member(p, name, i == 0) || !put_shown(p, name, depth - 1))
      return false;
  *p->to++ = '}';
  return true;
}

static bool put_list(fsm__putter *p, uint32_t count, unsigned depth) {
  if (depth == 0) return false;
  *p->to++ = '[';
  for (uint32_t i = 0; i < count; i++) {
    if (i) *p->to++ = ',';
    if (!fsm__put_value(p, depth - 1)) return false;
  }
  *p->to++ = ']';
  return true;
}

static bool put_token(fsm__putter *p, const fsm_value *token, unsigned depth) {
  switch ((fsm_type)token->type) {
    case FSM_NULL: p->to = fsm__put(p->to, "null", 4); return true;
    case FSM_BOOL: p->to = token->b ? fsm__put(p->to, "true", 4) : fsm__put(p->to, "false", 5); return true;
    case FSM_INT: p->to = fsm__put_int(p->to, token->i); return true;
    case FSM_UINT: p->to = fsm__put_number(p->to, false, token->u); return true;
    case FSM_DOUBLE: p->to = fsm__put_double(p->to, token->d); return true;
    case FSM_STRING: return put_text(p, token->s, token->len);
    case FSM_BYTES: put_quoted_hex(p, token); return true;
    case FSM_LIST: return put_list(p, token->len, depth);
    case FSM_MAP: return put_map(p, token->len, depth);
    case FSM_TIMESTAMP:
    case FSM_DURATION: put_span(p, token); return true;
    case FSM_TYPE_COUNT: break;
  }
  return false;
}

bool fsm__put_value(fsm__putter *p, unsigned depth) {
  if (p->in.at == p->in.end) return false;
  uint8_t head = *p->in.at;
  if (head < 0x80) { /* the numbers 0 to 127 */
    p->in.at++;
    p->to = fsm__put_unsigned(p->to, head);
    return true;
  }
  if ((head & 0xE0) == 0xA0 || head == 0xD9) {
    key text;
    return take_text(p, &text) && put_text(p, text.at, text.len);
  }
  fsm_value token;
  return fsm__read_token(&p->in, &token) == NULL && put_token(p, &token, depth);
}

/* ---- maps with times in them ------------------------------------------------------------------- */

/* What record_view.c shows as times, by its length and text. */
static bool names_time(key name) {
#define IS(text) (memcmp(name.at, text, sizeof text - 1) == 0)
  switch (name.len) {
    case 3: return IS("due");
    case 4: return IS("next") || IS("last");
    case 5: return IS("first");
    case 7: return IS("expires");
    case 8: return IS("deadline") || IS("retry_at");
    case 11: return IS("deadline_ns");
    case 12: return IS("heartbeat_by");
    default: return false;
  }
#undef IS
}

static bool put_entry_value(fsm__putter *p, key *name, const key *before, bool first, unsigned depth) {
  fsm__reader back = p->in;
  fsm_value token;
  if (!names_time(*name)) return put_member(p, *name, first) && put_shown(p, *name, depth);
  if (judge(p, *name) != SHOWN || fsm__read_token(&p->in, &token)) return false;
  if (token.type != FSM_INT) {
    p->in = back;
    return put_member(p, *name, first) && fsm__put_value(p, depth);
  }
  if (name->len == 11) { /* deadline_ns is shown as deadline: is that still its place? */
    key shown = {name->at, 8};
    if (before->at != NULL && compare_keys(*before, shown) >= 0) return false;
    if (!put_member(p, shown, first)) return false;
  } else if (!put_member(p, *name, first)) {
    return false;
  }
  *p->to++ = '"';
  p->to = fsm__put_time(p->to, token.i);
  *p->to++ = '"';
  return true;
}

bool fsm__put_entry(fsm__putter *p, unsigned depth) {
  fsm__reader back = p->in;
  fsm_value token;
  if (fsm__read_token(&p->in, &token)) return false;
  if (token.type != FSM_MAP) {
    p->in = back;
    return fsm__put_value(p, depth);
  }
  if (depth == 0) return false;
  key before = {NULL, 0}, name;
  *p->to++ = '{';
  for (uint32_t i = 0; i < token.len; i++, before = name)
    if (!take_key(p, &before, &name) || !put_entry_value(p, &name, &before, i == 0, depth - 1)) return false;
  *p->to++ = '}';
  return true;
}

bool fsm__put_entries(fsm__putter *p, unsigned depth) {
  fsm_value token;
  if (fsm__read_token(&p->in, &token) || token.type != FSM_LIST || depth == 0) return false;
  *p->to++ = '[';
  for (uint32_t i = 0; i < token.len; i++) {
    if (i) *p->to++ = ',';
    if (!fsm__put_entry(p, depth - 1)) return false;
  }
  *p->to++ = ']';
  return true;
}

/* record_parse.c: the JSON form of a record back to its stored bytes. See record_parse.h; record_view.c is
 * the other way.
 *
 * The bytes are written field by field and then decoded, so that what comes out is what the encoder writes.
 */
#include "schema/record_parse.h"

#include <string.h>

#include "fsm/expr_time_text.h"
#include "schema/mask.h"
#include "schema/pack.h"
#include "schema/record_fields.h"

typedef struct parser {
  fsm_arena *arena;
  fsm_buf *out;
  const char *field, *doubt;
  bool odd; /* a field that we would not have written so: what is in it is as free as any data */
  fsm_error *err;
} parser;

static fsm_code bad(const parser *p, const char *text) {
  return fsm_fail(p->err, FSM_EDATA, p->field, "%s", text);
}

static fsm_code no_memory(const parser *p) {
  return fsm_fail(p->err, FSM_ENOMEM, "", "no memory to read a record");
}

/* ---- scalars ------------------------------------------------------------------------------------ */

static int digit_of(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hex(const fsm_value *text) {
  if (text->type != FSM_STRING || text->len % 2 != 0) return false;
  for (uint32_t i = 0; i < text->len; i++)
    if (digit_of(text->s[i]) < 0) return false;
  return true;
}

static fsm_code bytes_of(parser *p, const fsm_value *hex, size_t len, fsm_value *out) {
  if (!is_hex(hex) || (len != 0 && hex->len != 2 * len)) return bad(p, "lower-case hex is expected");
  uint8_t *bytes = fsm_arena_alloc(p->arena, hex->len / 2 + 1u);
  if (!bytes) return no_memory(p);
  for (uint32_t i = 0; i < hex->len / 2; i++)
    bytes[i] = (uint8_t)(digit_of(hex->s[2 * i]) << 4 | digit_of(hex->s[2 * i + 1]));
  *out = fsm_bytes(bytes, hex->len / 2);
  return FSM_OK;
}

static bool time_of(const fsm_value *text, int64_t *ns) {
  fsm_value time;
  if (text->type != FSM_STRING || fsm__timestamp_parse(text->s, text->len, &time)) return false;
  __int128 whole = (__int128)time.i * 1000000000 + time.len;
  if (whole < INT64_MIN || whole > INT64_MAX) return false;
  *ns = (int64_t)whole;
  return true;
}

/* A number above 2^53 is a text of digits. */
static bool digits_of(const fsm_value *text, bool *negative, uint64_t *out) {
  uint32_t at = text->len > 0 && text->s[0] == '-';
  *negative = at != 0;
  *out = 0;
  if (at == text->len) return false;
  for (; at < text->len; at++) {
    if (text->s[at] < '0' || text->s[at] > '9') return false;
    if (__builtin_mul_overflow(*out, 10u, out)) return false;
    if (__builtin_add_overflow(*out, (uint64_t)(text->s[at] - '0'), out)) return false;
  }
  return true;
}

static bool unsigned_of(const fsm_value *value, uint64_t *out) {
  bool negative = false;
  *out = value->u;
  if (value->type == FSM_INT) return value->i >= 0;
  return value->type == FSM_UINT ||
         (value->type == FSM_STRING && digits_of(value, &negative, out) && !negative);
}

static bool signed_of(const fsm_value *value, int64_t *out) {
  bool negative = false;
  uint64_t u = 0;
  *out = value->i;
  if (value->type == FSM_INT) return true;
  if (value->type != FSM_STRING || !digits_of(value, &negative, &u)) return false;
  if (u > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
  *out = negative ? (int64_t)(0 - u) : (int64_t)u;
  return true;
}

/* ---- what a text may have been ------------------------------------------------------------------ */

static const char *text_doubt(const fsm_value *text) {
  bool negative;
  uint64_t u;
  if (text->len >= sizeof FSM_MASKED - 1 &&
      memmem(text->s, text->len, FSM_MASKED, sizeof FSM_MASKED - 1) != NULL)
    return "something is masked";
  if (is_hex(text)) return "a text may have been bytes";
  if (text->len >= 16 && digits_of(text, &negative, &u)) return "a text may have been a number";
  const char first = text->s[text->s[0] == '-' && text->len > 1], last = text->s[text->len - 1];
  if (first >= '0' && first <= '9' && (last == 'Z' || last == 's'))
    return "a text may have been a time or a duration";
  return NULL;
}

/* A key that is no text was written as its JSON. */
static bool key_doubt(const fsm_value *key) {
  static const char *const words[] = {"null", "true", "false"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (fsm_is_text(key, words[i])) return true;
  const char first = key->len > 0 ? key->s[0] : 0;
  return (first >= '0' && first <= '9') || first == '-' || first == '[' || first == '{' || first == '"';
}

static void look(parser *p, const fsm_value *value) {
  if (p->doubt) return;
  if (value->type == FSM_STRING) p->doubt = text_doubt(value);
  for (uint32_t i = 0; value->type == FSM_LIST && i < value->len; i++) look(p, &value->items[i]);
  for (uint32_t i = 0; value->type == FSM_MAP && i < value->len; i++) {
    if (key_doubt(&value->pairs[i].key)) p->doubt = "a key may have been no text";
    look(p, &value->pairs[i].value);
  }
}

/* ---- values with times and bytes in them, as record_view.c shows them --------------------------- */

static bool named(const fsm_value *key, const char *const *names) {
  for (; *names; names++)
    if (fsm_is_text(key, *names)) return true;
  return false;
}

/* What is not the form that is written is left as it is: then it was a text. */
static fsm_code entry_back(parser *p, const fsm_value *map, fsm_value *out) {
  static const char *const time_names[] = {"due",  "next",     "deadline",     "expires", "first",
                                           "last", "retry_at", "heartbeat_by", NULL};
  static const char *const byte_names[] = {"tok", "boot", NULL};
  *out = *map;
  if (map->type != FSM_MAP || !map->len) return FSM_OK;
  fsm_pair *pairs = fsm_arena_zalloc(p->arena, map->len, sizeof *pairs);
  if (!pairs) return no_memory(p);
  for (uint32_t i = 0; i < map->len; i++) {
    int64_t ns;
    pairs[i] = map->pairs[i];
    if (named(&pairs[i].key, time_names) && time_of(&pairs[i].value, &ns)) {
      if (fsm_is_text(&pairs[i].key, "deadline")) p->doubt = "a deadline has two spellings";
      pairs[i].value = fsm_int(ns);
    } else if (named(&pairs[i].key, byte_names) && is_hex(&pairs[i].value) &&
               bytes_of(p, &pairs[i].value, 0, &pairs[i].value))
      return no_memory(p);
  }
  *out = (fsm_value){.type = FSM_MAP, .len = map->len, .pairs = pairs};
  return FSM_OK;
}

static fsm_code entries_back(parser *p, const fsm_value *list, fsm_value *out) {
  *out = *list;
  if (list->type != FSM_LIST) return FSM_OK;
  fsm_value *items = fsm_arena_zalloc(p->arena, list->len + 1u, sizeof *items);
  if (!items) return no_memory(p);
  for (uint32_t i = 0; i < list->len; i++) {
    fsm_code code = entry_back(p, &list->items[i], &items[i]);
    if (code) return code;
  }
  *out = fsm_list(items, list->len);
  return FSM_OK;
}

static fsm_code idem_back(parser *p, const fsm_value *map, fsm_value *out) {
  const fsm_value *key = fsm_map_get(map, "key"), *print = fsm_map_get(map, "fingerprint"),
                  *expires = fsm_map_get(map, "expires");
  fsm_value *items = fsm_arena_zalloc(p->arena, 3, sizeof *items);
  int64_t ns;
  *out = *map;
  if (map->type == FSM_LIST) p->odd = true;
  if (map->type == FSM_LIST) return FSM_OK; /* shown as it is */
  if (!items) return no_memory(p);
  if (!key || !print || !expires || !time_of(expires, &ns))
    return bad(p, "key, fingerprint and expires are expected");
  fsm_code code = bytes_of(p, key, 0, &items[0]);
  if (!code) code = bytes_of(p, print, 0, &items[1]);
  items[2] = fsm_int(ns);
  *out = fsm_list(items, 3);
  return code;
}

/* 00-<trace id>-<span id>-<flags> */
static fsm_code trace_back(parser *p, const fsm_value *text, fsm_value *out) {
  *out = *text;
  if (text->type == FSM_LIST) p->odd = true;
  if (text->type == FSM_LIST) return FSM_OK;
  if (text->type != FSM_STRING || text->len != 55 || text->s[2] != '-' || text->s[35] != '-' ||
      text->s[52] != '-')
    return bad(p, "a traceparent is expected");
  fsm_value *items = fsm_arena_zalloc(p->arena, 3, sizeof *items);
  const fsm_value id = fsm_stringn(text->s + 3, 32), span = fsm_stringn(text->s + 36, 16),
                  flags = fsm_stringn(text->s + 53, 2);
  if (!items || !is_hex(&flags)) return items ? bad(p, "a traceparent is expected") : no_memory(p);
  fsm_code code = bytes_of(p, &id, 16, &items[0]);
  if (!code) code = bytes_of(p, &span, 8, &items[1]);
  items[2] = fsm_int(digit_of(flags.s[0]) << 4 | digit_of(flags.s[1]));
  *out = fsm_list(items, 3);
  return code;
}

static fsm_code numbers_back(parser *p, const fsm_value *list, fsm_value *out) {
  *out = *list;
  if (list->type != FSM_LIST) return FSM_OK;
  fsm_value *items = fsm_arena_zalloc(p->arena, list->len + 1u, sizeof *items);
  if (!items) return no_memory(p);
  for (uint32_t i = 0; i < list->len; i++) {
    int64_t number;
    if (!signed_of(&list->items[i], &number)) return bad(p, "numbers are expected");
    items[i] = fsm_int(number);
  }
  *out = fsm_list(items, list->len);
  return FSM_OK;
}

static fsm_code value_back(parser *p, unsigned key, const fsm_value *value) {
  fsm_value back = *value;
  fsm_code code = FSM_OK;
  switch (key) {
    case FSM__KEY_idem: code = idem_back(p, value, &back); break;
    case FSM__KEY_trace: code = trace_back(p, value, &back); break;
    case FSM__KEY_timers:
    case FSM__KEY_tasks:
    case FSM__KEY_sends: code = entries_back(p, value, &back); break;
    case FSM__KEY_tr: code = numbers_back(p, value, &back); break;
    case FSM__KEY_msg:
    case FSM__KEY_detail: code = entry_back(p, value, &back); break;
    default: break;
  }
  if (code) return code;
  look(p, &back);
  fsm_error inner = {.text = ""};
  code = fsm_pack(p->out, &back, &inner);
  return code ? bad(p, inner.text) : FSM_OK;
}

/* ---- fields ------------------------------------------------------------------------------------- */

static int name_at(const fsm_value *text, const char *(*name)(unsigned), unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (fsm_is_text(text, name(i))) return (int)i;
  return -1;
}

static const char *kind_at(unsigned i) { return fsm_record_kind_name((fsm_record_kind)i); }
static const char *outcome_at(unsigned i) { return fsm_outcome_name((fsm_outcome)i); }
static const char *cause_at(unsigned i) { return fsm_cause_name((fsm_cause)i); }

static fsm_code put_name(parser *p, int number) {
  if (number < 0) return bad(p, "the name is not known here");
  fsm_pack_uint(p->out, (uint64_t)number);
  return FSM_OK;
}

static fsm_code put_number(parser *p, unsigned key, const fsm_value *value) {
  uint64_t u;
  int64_t i;
  if (fsm__fields[key].form != FSM__I64) {
    if (!unsigned_of(value, &u)) return bad(p, "a number is expected");
    fsm_pack_uint(p->out, u);
    return FSM_OK;
  }
  if (!(key == FSM__KEY_time_ns ? time_of(value, &i) : signed_of(value, &i)))
    return bad(p, "a number or time is expected");
  fsm_pack_int(p->out, i);
  return FSM_OK;
}

static fsm_code put_bytes(parser *p, const fsm_value *value, size_t len) {
  fsm_value bytes;
  fsm_code code = bytes_of(p, value, len, &bytes);
  if (!code) fsm_pack_bytes(p->out, bytes.s, bytes.len);
  return code;
}

static fsm_code put_field(parser *p, unsigned key, const fsm_value *value) {
  switch (fsm__fields[key].form) {
    case FSM__KIND: return put_name(p, name_at(value, kind_at, FSM_RECORD_KIND_COUNT));
    case FSM__OUTCOME: return put_name(p, name_at(value, outcome_at, FSM_OUTCOME_COUNT));
    case FSM__CAUSE: return put_name(p, name_at(value, cause_at, FSM_CAUSE_COUNT));
    case FSM__HASH: return put_bytes(p, value, FSM_LEAF_BYTES);
    case FSM__TOKEN: return put_bytes(p, value, 16);
    case FSM__U8:
    case FSM__U16:
    case FSM__U32:
    case FSM__U64:
    case FSM__I64: return put_number(p, key, value);
    default: return value_back(p, key, value);
  }
}

static const fsm_value *shown(const fsm_value *view, unsigned key) {
  const fsm_value *value = fsm_map_get(view, fsm__field_names[key]);
  return value && key == FSM__KEY_from && value->type == FSM_NULL ? NULL : value;
}

/* A text of ours (a key, a correlation) is never anything else, whatever it looks like. */
static bool is_free(unsigned key) {
  return fsm__fields[key].form != FSM__TEXT && fsm__fields[key].form != FSM__TEXTS && key != FSM__KEY_idem &&
         key != FSM__KEY_trace;
}

static fsm_code put_all(parser *p, const fsm_value *view) {
  const fsm_value *values[FSM__FIELD_COUNT];
  uint32_t count = 0;
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    if ((values[key] = shown(view, key)) != NULL) count++;
  fsm_pack_map(p->out, count);
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++) {
    if (values[key] == NULL) continue;
    const char *before = p->doubt;
    p->field = fsm__field_names[key];
    fsm_pack_uint(p->out, key);
    fsm_code code = put_field(p, key, values[key]);
    if (code) return code;
    if (!is_free(key) && !p->odd) p->doubt = before;
    p->odd = false;
  }
  return FSM_OK;
}

fsm_code fsm_record_parse(fsm_arena *arena, const fsm_value *view, fsm_buf *bytes, const char **doubt,
                          fsm_error *err) {
  FSM_ASSERT(arena && view && bytes && doubt);
  const size_t start = bytes->len;
  parser p = {.arena = arena, .out = bytes, .field = "", .err = err};
  fsm_record record;
  fsm_error fault = {.text = ""};
  if (view->type != FSM_MAP) return fsm_fail(err, FSM_EDATA, "", "a record is an object");
  fsm_code code = put_all(&p, view);
  if (!code && !fsm_buf_ok(bytes)) code = no_memory(&p);
  if (!code) {
    code = fsm_record_decode(arena, bytes->data + start, bytes->len - start, &record, &fault);
    if (code) code = fsm_fail(err, code == FSM_ENOMEM ? code : FSM_EDATA, fault.where, "%s", fault.text);
  }
  if (code) {
    if (bytes->len > start) bytes->len = start;
    return code;
  }
  *doubt = p.doubt;
  return FSM_OK;
}

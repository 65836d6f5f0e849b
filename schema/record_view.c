/* record_view.c: a record as people and other programs read it: the JSON form.
 *
 * The same names as stored; times as RFC 3339, hashes and tokens as lower-case hex, kinds, outcomes and
 * causes by name, the trace as a W3C traceparent. schema/record.schema.json describes it.
 */
#include <stdio.h>
#include <string.h>

#include "schema/json.h"
#include "schema/record_fields.h"

enum { EXTRA = 5 }; /* id, store, part, epoch; from: null */

typedef struct view {
  fsm_arena *arena;
  fsm_pair pairs[FSM__FIELD_COUNT + EXTRA];
  size_t count;
  bool typed;  /* times as timestamps */
  bool failed; /* memory */
} view;

static void add(view *v, const char *name, fsm_value value) {
  FSM_ASSERT(v->count < sizeof v->pairs / sizeof *v->pairs);
  v->pairs[v->count++] = (fsm_pair){fsm_string(name), value};
}

/* ---- forms ------------------------------------------------------------------------------------- */

static fsm_value text_of(view *v, const char *text) {
  char *copy = fsm_arena_strdup(v->arena, text);
  if (!copy) v->failed = true;
  return copy ? fsm_string(copy) : fsm_null();
}

static fsm_value hex_of(view *v, const void *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  char *text = fsm_arena_alloc(v->arena, 2 * len + 1);
  if (!text) {
    v->failed = true;
    return fsm_null();
  }
  const uint8_t *bytes = data;
  for (size_t i = 0; i < len; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  text[2 * len] = 0;
  return fsm_stringn(text, 2 * len);
}

static fsm_value time_of(view *v, int64_t ns) {
  char text[40];
  if (v->typed) {
    const int64_t second = 1000000000, left = ns % second < 0 ? ns % second + second : ns % second;
    return (fsm_value){.type = FSM_TIMESTAMP, .len = (uint32_t)left, .i = (ns - left) / second};
  }
  fsm_time_format(ns, text, sizeof text);
  return text_of(v, text);
}

static fsm_value unsigned_of(uint64_t u) { return u <= INT64_MAX ? fsm_int((int64_t)u) : fsm_uint(u); }

/* ---- values with times and bytes in them ------------------------------------------------------- */

/* Member names that hold nanoseconds since 1970, and what they are called when shown. */
static const struct {
  const char *stored, *shown;
} times[] = {{"due", "due"},
             {"next", "next"},
             {"deadline", "deadline"},
             {"deadline_ns", "deadline"},
             {"expires", "expires"},
             {"first", "first"},
             {"last", "last"},
             {"retry_at", "retry_at"},
             {"heartbeat_by", "heartbeat_by"}};

static const char *time_name(const fsm_pair *pair) {
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    if (pair->value.type == FSM_INT && fsm_is_text(&pair->key, times[i].stored)) return times[i].shown;
  return NULL;
}

static fsm_value member_of(view *v, const fsm_value *value) {
  return value->type == FSM_BYTES ? hex_of(v, value->s, value->len) : *value;
}

static fsm_value entry_of(view *v, const fsm_value *map) {
  if (map->type != FSM_MAP || !map->len) return *map;
  fsm_pair *pairs = fsm_arena_zalloc(v->arena, map->len, sizeof *pairs);
  fsm_value out = fsm_null();
  if (!pairs) {
    v->failed = true;
    return out;
  }
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_pair *from = &map->pairs[i];
    const char *name = time_name(from);
    pairs[i] = name ? (fsm_pair){fsm_string(name), time_of(v, from->value.i)}
                    : (fsm_pair){from->key, member_of(v, &from->value)};
  }
  if (fsm_map(pairs, map->len, &out, NULL)) return *map; /* both "deadline" and "deadline_ns" */
  return out;
}

static fsm_value entries_of(view *v, const fsm_value *list) {
  fsm_value *items = fsm_arena_zalloc(v->arena, list->len ? list->len : 1, sizeof *items);
  if (!items) {
    v->failed = true;
    return fsm_null();
  }
  for (uint32_t i = 0; i < list->len; i++) items[i] = entry_of(v, &list->items[i]);
  return fsm_list(items, list->len);
}

/* [key hash, fingerprint, expiry] */
static fsm_value idem_of(view *v, const fsm_value *idem) {
  const fsm_value *it = idem->items;
  if (idem->len != 3 || it[0].type != FSM_BYTES || it[1].type != FSM_BYTES || it[2].type != FSM_INT)
    return *idem;
  fsm_pair *pairs = fsm_arena_zalloc(v->arena, 3, sizeof *pairs);
  fsm_value out = fsm_null();
  if (!pairs) {
    v->failed = true;
    return out;
  }
  pairs[0] = (fsm_pair){fsm_string("expires"), time_of(v, it[2].i)};
  pairs[1] = (fsm_pair){fsm_string("fingerprint"), hex_of(v, it[1].s, it[1].len)};
  pairs[2] = (fsm_pair){fsm_string("key"), hex_of(v, it[0].s, it[0].len)};
  if (fsm_map(pairs, 3, &out, NULL)) v->failed = true;
  return out;
}

/* [trace id, span id, flags]; what W3C has no place for is shown as it is, so that nothing of it is lost. */
static fsm_value trace_of(view *v, const fsm_value *trace) {
  const fsm_value *it = trace->items;
  if (trace->len != 3 || it[0].type != FSM_BYTES || it[1].type != FSM_BYTES || it[2].type != FSM_INT)
    return *trace;
  if (it[0].len != 16 || it[1].len != 8 || it[2].i < 0 || it[2].i > UINT8_MAX) return *trace;
  fsm_value id = hex_of(v, it[0].s, it[0].len), span = hex_of(v, it[1].s, it[1].len);
  if (v->failed) return fsm_null();
  char *text = fsm_arena_printf(v->arena, "00-%s-%s-%02x", id.s, span.s, (unsigned)it[2].i & 0xFF);
  if (!text) v->failed = true;
  return text ? fsm_string(text) : fsm_null();
}

/* ---- the record -------------------------------------------------------------------------------- */

static fsm_value value_of(view *v, unsigned key, const fsm_value *value) {
  switch (key) {
    case FSM__KEY_timers:
    case FSM__KEY_tasks:
    case FSM__KEY_sends: return entries_of(v, value);
    case FSM__KEY_msg:
    case FSM__KEY_detail: return entry_of(v, value);
    case FSM__KEY_idem: return idem_of(v, value);
    case FSM__KEY_trace: return trace_of(v, value);
    default: return *value;
  }
}

static fsm_value field_of(view *v, const fsm_record *record, unsigned key) {
  const void *at = fsm__field_at(record, key);
  switch (fsm__fields[key].form) {
    case FSM__U8: return fsm_int(*(const uint8_t *)at);
    case FSM__U16: return fsm_int(*(const uint16_t *)at);
    case FSM__U32: return fsm_int(*(const uint32_t *)at);
    case FSM__U64: return unsigned_of(*(const uint64_t *)at);
    case FSM__I64:
      return key == FSM__KEY_time_ns ? time_of(v, record->time_ns) : fsm_int(*(const int64_t *)at);
    case FSM__FLAG: return fsm_bool(*(const bool *)at);
    case FSM__KIND: return fsm_string(fsm_record_kind_name(record->kind));
    case FSM__OUTCOME: return fsm_string(fsm_outcome_name(record->outcome));
    case FSM__CAUSE: return fsm_string(fsm_cause_name((fsm_cause)record->cause));
    case FSM__TEXT: return fsm_string(*(const char *const *)at);
    case FSM__HASH: return hex_of(v, *(const uint8_t *const *)at, FSM_LEAF_BYTES);
    case FSM__TOKEN: return hex_of(v, *(const uint8_t *const *)at, 16);
    case FSM__ANY:
    case FSM__MAP:
    case FSM__LIST:
    case FSM__TEXTS:
    case FSM__INTS: return value_of(v, key, at);
  }
  return fsm_null();
}

void fsm_record_id(const fsm_origin *origin, uint64_t seq, char *out, size_t size) {
  FSM_ASSERT(origin && out && size >= 80);
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < 16; i++) {
    out[2 * i] = digits[origin->store[i] >> 4];
    out[2 * i + 1] = digits[origin->store[i] & 15];
  }
  snprintf(out + 32, size - 32, ".%u.%u.%llu", origin->partition, origin->epoch, (unsigned long long)seq);
}

static void add_origin(view *v, const fsm_origin *origin, uint64_t seq) {
  char id[80];
  fsm_record_id(origin, seq, id, sizeof id);
  add(v, "id", text_of(v, id));
  add(v, "store", hex_of(v, origin->store, sizeof origin->store));
  add(v, "part", fsm_int(origin->partition));
  add(v, "epoch", fsm_int(origin->epoch));
}

static fsm_code view_of(fsm_arena *arena, const fsm_record *record, const fsm_origin *origin, bool typed,
                        fsm_value *out, fsm_error *err) {
  FSM_ASSERT(arena && record && out);
  view v = {.arena = arena, .typed = typed};
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    if (fsm__field_present(record, key)) add(&v, fsm__field_names[key], field_of(&v, record, key));
  if (record->kind == FSM_RECORD_CREATED && record->from.type == FSM_NULL) add(&v, "from", fsm_null());
  if (origin) add_origin(&v, origin, record->seq);
  fsm_pair *pairs = fsm_arena_alloc(arena, v.count * sizeof *pairs);
  if (!pairs || v.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory to show a record");
  memcpy(pairs, v.pairs, v.count * sizeof *pairs);
  return fsm_map(pairs, v.count, out, err);
}

fsm_code fsm_record_view(fsm_arena *arena, const fsm_record *record, const fsm_origin *origin, fsm_value *out,
                         fsm_error *err) {
  return view_of(arena, record, origin, false, out, err);
}

/* ---- in brief ---------------------------------------------------------------------------------- */

/* The members of these names, in their order in the map. */
static fsm_value few_of(view *v, const fsm_value *map, const char *const *names) {
  if (map->type != FSM_MAP) return *map;
  fsm_pair *pairs = fsm_arena_alloc(v->arena, (map->len + 1u) * sizeof *pairs);
  fsm_value out = {.type = FSM_MAP, .pairs = pairs};
  if (!pairs) v->failed = true;
  for (uint32_t i = 0; pairs && i < map->len; i++)
    for (size_t n = 0; names[n]; n++)
      if (fsm_is_text(&map->pairs[i].key, names[n])) pairs[out.len++] = map->pairs[i];
  return out;
}

static fsm_value brief_of(view *v, const fsm_record *record, unsigned key) {
  static const char *const who[] = {"sub", "type", NULL}, *const why[] = {"reason", NULL};
  if (key == FSM__KEY_act) return few_of(v, &record->act, who);
  if (key == FSM__KEY_detail) return few_of(v, &record->detail, why);
  return field_of(v, record, key);
}

fsm_code fsm_record_view_brief(fsm_arena *arena, const fsm_record *record, fsm_value *out, fsm_error *err) {
  FSM_ASSERT(arena && record && out);
  static const unsigned keys[] = {FSM__KEY_seq,     FSM__KEY_time_ns, FSM__KEY_kind, FSM__KEY_outcome,
                                  FSM__KEY_reason,  FSM__KEY_inst,    FSM__KEY_from, FSM__KEY_to,
                                  FSM__KEY_trigger, FSM__KEY_cause,   FSM__KEY_corr, FSM__KEY_act,
                                  FSM__KEY_detail,  FSM__KEY_forced};
  view v = {.arena = arena};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (!fsm__field_present(record, keys[i])) continue;
    const fsm_value value = brief_of(&v, record, keys[i]);
    const bool part = keys[i] == FSM__KEY_act || keys[i] == FSM__KEY_detail;
    if (!part || value.type != FSM_MAP || value.len > 0) add(&v, fsm__field_names[keys[i]], value);
  }
  fsm_pair *pairs = fsm_arena_alloc(arena, v.count * sizeof *pairs);
  if (!pairs || v.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory to show a record");
  memcpy(pairs, v.pairs, v.count * sizeof *pairs);
  return fsm_map(pairs, v.count, out, err);
}

fsm_code fsm__record_typed(fsm_arena *arena, const fsm_record *record, const fsm_origin *origin,
                           fsm_value *out, fsm_error *err) {
  return view_of(arena, record, origin, true, out, err);
}

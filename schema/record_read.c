/* record_read.c: stored bytes into a record.
 *
 * Invariant: what decodes is exactly what fsm_record_encode would write for the result: the version
 * known, keys ascending, each field of its form and not what its absence would mean, and everything
 * there that the kind requires. So a decoded record can be trusted as much as one that was just made.
 */
#include <stdio.h>
#include <string.h>

#include "schema/pack_read.h"
#include "schema/record_fields.h"

typedef struct reader {
  fsm__reader in;
  fsm_arena *arena;
  fsm_error *err;
} reader;

static fsm_code corrupt(const reader *r, const char *field, const char *text) {
  return fsm_fail(r->err, FSM_ECORRUPT, field, "%s at byte %zu of the record", text,
                  (size_t)(r->in.at - r->in.start));
}

static fsm_code no_memory(const reader *r) {
  return fsm_fail(r->err, FSM_ENOMEM, "", "no memory to read a record");
}

/* ---- fields ------------------------------------------------------------------------------------ */

static fsm_code read_scalar(reader *r, const char *name, fsm_type type, fsm_value *out) {
  const char *fault = fsm__read_token(&r->in, out);
  if (fault) return corrupt(r, name, fault);
  return out->type == type ? FSM_OK : corrupt(r, name, "the field is of the wrong type");
}

static fsm_code read_unsigned(reader *r, const char *name, uint64_t most, uint64_t *out) {
  fsm_value value;
  const char *fault = fsm__read_token(&r->in, &value);
  if (fault) return corrupt(r, name, fault);
  if (value.type == FSM_INT && value.i >= 0)
    *out = (uint64_t)value.i;
  else if (value.type == FSM_UINT)
    *out = value.u;
  else
    return corrupt(r, name, "the field is not an unsigned number");
  return *out <= most ? FSM_OK : corrupt(r, name, "the number is out of range");
}

static fsm_code read_number(reader *r, unsigned key, void *at, fsm__form form) {
  static const uint64_t most[] = {[FSM__U8] = UINT8_MAX,
                                  [FSM__U16] = UINT16_MAX,
                                  [FSM__U32] = UINT32_MAX,
                                  [FSM__U64] = UINT64_MAX,
                                  [FSM__KIND] = FSM_RECORD_KIND_COUNT - 1,
                                  [FSM__OUTCOME] = FSM_OUTCOME_COUNT - 1,
                                  [FSM__CAUSE] = FSM_CAUSE_COUNT - 1};
  uint64_t u;
  fsm_code code = read_unsigned(r, fsm__field_names[key], most[form], &u);
  if (code) return code;
  switch (form) {
    case FSM__U8: *(uint8_t *)at = (uint8_t)u; break;
    case FSM__U16: *(uint16_t *)at = (uint16_t)u; break;
    case FSM__U32: *(uint32_t *)at = (uint32_t)u; break;
    case FSM__U64: *(uint64_t *)at = u; break;
    case FSM__KIND: *(fsm_record_kind *)at = (fsm_record_kind)u; break;
    case FSM__OUTCOME: *(fsm_outcome *)at = (fsm_outcome)u; break;
    case FSM__CAUSE: *(int *)at = (int)u; break;
    default: FSM_ASSERT(!"a form of number");
  }
  return FSM_OK;
}

static fsm_code read_text(reader *r, const char *name, const char **out) {
  fsm_value value;
  fsm_code code = read_scalar(r, name, FSM_STRING, &value);
  if (code) return code;
  if (value.len && memchr(value.s, 0, value.len)) return corrupt(r, name, "the text holds a NUL");
  *out = fsm_arena_strndup(r->arena, value.s, value.len);
  return *out ? FSM_OK : no_memory(r);
}

static fsm_code read_fixed(reader *r, const char *name, uint32_t len, const uint8_t **out) {
  fsm_value value;
  fsm_code code = read_scalar(r, name, FSM_BYTES, &value);
  if (code) return code;
  if (value.len != len) return corrupt(r, name, "the field has the wrong length");
  *out = (const uint8_t *)value.s;
  return FSM_OK;
}

static bool all_of(const fsm_value *list, fsm_type type) {
  for (uint32_t i = 0; i < list->len; i++)
    if (list->items[i].type != type) return false;
  return true;
}

static fsm_code read_value(reader *r, const char *name, fsm__form form, fsm_value *out) {
  fsm_error inner;
  fsm_code code = fsm__read_value(&r->in, r->arena, out, &inner);
  if (code == FSM_ENOMEM) return no_memory(r);
  if (code) return corrupt(r, name, inner.text);
  bool ok = form == FSM__ANY || out->type == (form == FSM__MAP ? FSM_MAP : FSM_LIST);
  if (ok && form == FSM__TEXTS) ok = all_of(out, FSM_STRING);
  if (ok && form == FSM__INTS) ok = all_of(out, FSM_INT);
  if (!ok) return corrupt(r, name, "the field is of the wrong type");
  return fsm_value_depth(out) <= FSM_RECORD_DEPTH_MAX ? FSM_OK
                                                      : corrupt(r, name, "the field is nested too deep");
}

static fsm_code read_field(reader *r, unsigned key, fsm_record *record) {
  const char *name = fsm__field_names[key];
  fsm__form form = fsm__fields[key].form;
  void *at = (char *)record + fsm__fields[key].offset;
  fsm_value value;
  fsm_code code;
  switch (form) {
    case FSM__I64:
      code = read_scalar(r, name, FSM_INT, &value);
      if (!code) *(int64_t *)at = value.i;
      return code;
    case FSM__FLAG:
      code = read_scalar(r, name, FSM_BOOL, &value);
      if (!code) *(bool *)at = value.b;
      return code;
    case FSM__TEXT: return read_text(r, name, at);
    case FSM__HASH: return read_fixed(r, name, FSM_LEAF_BYTES, at);
    case FSM__TOKEN: return read_fixed(r, name, 16, at);
    case FSM__ANY:
    case FSM__MAP:
    case FSM__LIST:
    case FSM__TEXTS:
    case FSM__INTS: return read_value(r, name, form, at);
    default: return read_number(r, key, at, form);
  }
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* The map's head and the version, which come first in every version there will be. */
static fsm_code read_head(reader *r, uint32_t *count) {
  fsm_value token;
  uint64_t key, version;
  const char *fault = fsm__read_token(&r->in, &token);
  if (fault || token.type != FSM_MAP || !token.len)
    return corrupt(r, "", fault ? fault : "no record begins here");
  fsm_code code = read_unsigned(r, "v", UINT64_MAX, &key);
  if (!code && key != FSM__KEY_v) code = corrupt(r, "v", "the field is missing");
  if (!code) code = read_unsigned(r, "v", UINT8_MAX, &version);
  if (code) return code;
  if (version != FSM_RECORD_VERSION)
    return fsm_fail(r->err, FSM_EVERSION, "v", "record version %u is not known here (%d is)",
                    (unsigned)version, FSM_RECORD_VERSION);
  *count = token.len;
  return FSM_OK;
}

static fsm_code read_key(reader *r, unsigned before, unsigned *out) {
  uint64_t key;
  fsm_code code = read_unsigned(r, "", UINT64_MAX, &key);
  if (code) return code;
  if (key >= FSM__FIELD_COUNT) return corrupt(r, "", "a field is not known here");
  if (key <= before) return corrupt(r, fsm__field_names[key], "the fields are not in order");
  *out = (unsigned)key;
  return FSM_OK;
}

static fsm_code check_whole(const reader *r, const fsm_record *record, uint64_t present) {
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    if (fsm__field_present(record, key) != ((present >> key & 1) != 0))
      return corrupt(r, fsm__field_names[key],
                     present >> key & 1 ? "the field holds what its absence means" : "the field is missing");
  uint64_t missing = fsm__record_required(record->kind) & ~present;
  if (missing) return corrupt(r, fsm__field_names[__builtin_ctzll(missing)], "the field is missing");
  return record->i < record->n ? FSM_OK : corrupt(r, "i", "the place in the frame is out of range");
}

fsm_code fsm_record_decode(fsm_arena *arena, const void *data, size_t len, fsm_record *out, fsm_error *err) {
  FSM_ASSERT(arena && out && (data || !len));
  if (len > FSM_RECORD_BYTES_MAX)
    return fsm_fail(err, FSM_ECORRUPT, "", "a record of %zu bytes is over the limit of %d", len,
                    FSM_RECORD_BYTES_MAX);
  reader r = {fsm__reader_of(data, len), arena, err};
  fsm_record record = fsm_record_new(FSM_RECORD_CREATED);
  uint32_t count;
  fsm_code code = read_head(&r, &count);
  uint64_t present = 1;
  for (unsigned key = 0; !code && --count;) {
    code = read_key(&r, key, &key);
    if (!code) code = read_field(&r, key, &record);
    if (!code) present |= (uint64_t)1 << key;
  }
  if (!code && r.in.at != r.in.end) code = corrupt(&r, "", "there are bytes behind the record");
  if (!code) code = check_whole(&r, &record, present);
  if (!code) *out = record;
  return code;
}

/* ---- only what filters need -------------------------------------------------------------------- */

static bool peek_text(const fsm_value *value, const char **text, size_t *len) {
  if (value->type != FSM_STRING) return false;
  *text = value->s;
  *len = value->len;
  return true;
}

static bool peek_field(uint64_t key, const fsm_value *value, fsm_record_brief *out) {
  switch (key) {
    case FSM__KEY_seq:
      if (value->type != FSM_INT && value->type != FSM_UINT) return false;
      out->seq = value->u;
      return value->type == FSM_UINT || value->i >= 0;
    case FSM__KEY_time_ns:
      if (value->type != FSM_INT) return false;
      out->time_ns = value->i;
      return true;
    case FSM__KEY_kind:
      if (value->type != FSM_INT || value->i < 0 || value->i >= FSM_RECORD_KIND_COUNT) return false;
      out->kind = (fsm_record_kind)value->i;
      return true;
    case FSM__KEY_def:
      if (value->type != FSM_BYTES || value->len != FSM_LEAF_BYTES) return false;
      out->def = (const uint8_t *)value->s;
      return true;
    case FSM__KEY_mach: return peek_text(value, &out->mach, &out->mach_len);
    case FSM__KEY_inst: return peek_text(value, &out->inst, &out->inst_len);
    default: return value->type != FSM_LIST && value->type != FSM_MAP; /* none up to `inst` has items */
  }
}

fsm_code fsm_record_peek(const void *data, size_t len, fsm_record_brief *out) {
  FSM_ASSERT(out && (data || !len));
  reader r = {fsm__reader_of(data, len), NULL, NULL};
  fsm_record_brief brief = {0};
  uint32_t count;
  fsm_code code = read_head(&r, &count);
  uint64_t seen = 1;
  for (unsigned key = 0; !code && --count;) {
    fsm_value value;
    code = read_key(&r, key, &key);
    if (code || key > FSM__KEY_inst) break;
    seen |= (uint64_t)1 << key;
    if (fsm__read_token(&r.in, &value) || !peek_field(key, &value, &brief)) code = FSM_ECORRUPT;
  }
  uint64_t must = (uint64_t)1 << FSM__KEY_seq | (uint64_t)1 << FSM__KEY_kind;
  if (!code && (seen & must) != must) code = FSM_ECORRUPT;
  if (!code) *out = brief;
  return code;
}

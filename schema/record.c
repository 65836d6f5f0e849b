/* record.c: a record into its stored form; names; the tables of fields and of what each kind requires.
 *
 * One pass finds the fields that are there, for the map's count comes first; a second writes them in
 * key order. What a record misses by our own mistake is an assertion; what came from outside and
 * cannot be stored (bad UTF-8, size) is a fault, and the buffer stays as it was.
 */
#include "schema/record.h"

#include <string.h>

#include "schema/pack.h"
#include "schema/record_fields.h"
#include "schema/utf8.h"

/* ---- the tables -------------------------------------------------------------------------------- */

/* clang-format off */
#define ROW(member, form, presence) \
  [FSM__KEY_##member] = {offsetof(fsm_record, member), FSM__##form, FSM__##presence}
#define X(key, member, name) [key] = name,
const char *const fsm__field_names[FSM__FIELD_COUNT] = {FSM_RECORD_FIELDS(X)};
#undef X
const fsm__field fsm__fields[FSM__FIELD_COUNT] = {
  ROW(v, U8, ALWAYS),              ROW(seq, U64, ALWAYS),
  ROW(time_ns, I64, ALWAYS),    ROW(dur_us, U32, SET),
  ROW(kind, KIND, ALWAYS),      ROW(outcome, OUTCOME, ALWAYS),
  ROW(reason, TEXT, SET),     ROW(mach, TEXT, SET),
  ROW(def, HASH, SET),           ROW(defv, U32, SET),
  ROW(inst, TEXT, SET),         ROW(key, TEXT, SET),
  ROW(labels, MAP, SET),      ROW(rev, U64, OF_INST),
  ROW(i, U16, ALWAYS),             ROW(n, U16, ALWAYS),
  ROW(iprev, U64, OF_INST),    ROW(from, TEXTS, SET),
  ROW(to, TEXTS, SET),            ROW(tr, INTS, SET),
  ROW(trigger, TEXT, SET),   ROW(cause, CAUSE, NOT_MINUS),
  ROW(data, ANY, SET),          ROW(ctx, MAP, SET),
  ROW(ctxh, HASH, SET),         ROW(hist, MAP, SET),
  ROW(since, TEXTS, SET),      ROW(out, ANY, SET),
  ROW(timers, LIST, SET),     ROW(tasks, LIST, SET),
  ROW(elapsed_ns, I64, NOT_MINUS), ROW(corr, TEXT, SET),
  ROW(caus, TEXT, SET),         ROW(parent, TEXT, SET),
  ROW(idem, LIST, SET),         ROW(req, TEXT, SET),
  ROW(trace, LIST, SET),       ROW(act, MAP, SET),
  ROW(node, TEXT, SET),         ROW(tok, TOKEN, SET),
  ROW(att, U16, SET),            ROW(late_ms, I64, NOT_MINUS),
  ROW(level, U8, ALWAYS),      ROW(pii, MAP, SET),
  ROW(prev, HASH, SET),         ROW(detail, MAP, SET),
  ROW(counter, U32, SET),    ROW(clock, FLAG, SET),
  ROW(sends, LIST, SET),       ROW(msg, MAP, SET),
  ROW(forced, FLAG, SET),          ROW(tracestate, TEXT, SET),
};
#undef ROW

#define BIT(member) ((uint64_t)1 << FSM__KEY_##member)
#define OF_ALL      (BIT(v) | BIT(seq) | BIT(time_ns) | BIT(kind) | BIT(outcome) | BIT(i) | BIT(n) | BIT(level) | BIT(prev))
#define OF_INSTANCE (OF_ALL | BIT(mach) | BIT(def) | BIT(inst) | BIT(rev) | BIT(iprev) | BIT(corr))
#define OF_CHANGE   (OF_INSTANCE | BIT(to) | BIT(cause) | BIT(ctxh))
static const uint64_t required[FSM_RECORD_KIND_COUNT] = {
  [FSM_RECORD_CREATED] = OF_CHANGE,
  [FSM_RECORD_TRANSITION] = OF_CHANGE | BIT(from) | BIT(tr) | BIT(trigger),
  [FSM_RECORD_CONTEXT] = OF_CHANGE | BIT(from) | BIT(trigger),
  [FSM_RECORD_TASK_STARTED] = OF_INSTANCE | BIT(tok),
  [FSM_RECORD_TASK_DONE] = OF_INSTANCE | BIT(tok),
  [FSM_RECORD_TASK_FAILED] = OF_INSTANCE | BIT(tok),
  [FSM_RECORD_TIMER_FIRED] = OF_INSTANCE,
  [FSM_RECORD_REJECTED] = OF_ALL | BIT(reason),
  [FSM_RECORD_INCIDENT_OPENED] = OF_INSTANCE | BIT(reason),
  [FSM_RECORD_INCIDENT_CLOSED] = OF_INSTANCE,
  [FSM_RECORD_PAUSED] = OF_INSTANCE,
  [FSM_RECORD_RESUMED] = OF_INSTANCE,
  [FSM_RECORD_FORCED] = OF_INSTANCE,
  [FSM_RECORD_MIGRATED] = OF_INSTANCE,
  [FSM_RECORD_COMPLETED] = OF_INSTANCE,
  [FSM_RECORD_CANCELLED] = OF_INSTANCE,
  [FSM_RECORD_NOTE] = OF_INSTANCE,
  [FSM_RECORD_PURGED] = OF_INSTANCE,
  [FSM_RECORD_DEPLOYED] = OF_ALL | BIT(mach) | BIT(def) | BIT(defv) | BIT(detail),
  [FSM_RECORD_RETIRED] = OF_ALL | BIT(mach) | BIT(def),
  [FSM_RECORD_ERASED] = OF_ALL,
  [FSM_RECORD_ADMIN] = OF_ALL,
  [FSM_RECORD_REPAIRED] = OF_ALL,
  [FSM_RECORD_EPOCH] = OF_ALL,
  [FSM_RECORD_ROUTE] = OF_ALL,
};
/* clang-format on */

uint64_t fsm__record_required(fsm_record_kind kind) {
  FSM_ASSERT((unsigned)kind < FSM_RECORD_KIND_COUNT);
  return required[kind];
}

/* ---- names ------------------------------------------------------------------------------------- */

#define X(symbol, name) name,
static const char *const kind_names[] = {FSM_RECORD_KINDS(X)};
#undef X

const char *fsm_record_kind_name(fsm_record_kind kind) {
  FSM_ASSERT((unsigned)kind < FSM_RECORD_KIND_COUNT);
  return kind_names[kind];
}

int fsm_record_kind_of(const char *name) {
  for (int kind = 0; kind < FSM_RECORD_KIND_COUNT; kind++)
    if (strcmp(kind_names[kind], name) == 0) return kind;
  return -1;
}

const char *fsm_outcome_name(fsm_outcome outcome) {
  static const char *const outcome_names[FSM_OUTCOME_COUNT] = {"taken", "refused", "failed"};
  FSM_ASSERT((unsigned)outcome < FSM_OUTCOME_COUNT);
  return outcome_names[outcome];
}

fsm_record fsm_record_new(fsm_record_kind kind) {
  return (fsm_record){
      .v = FSM_RECORD_VERSION, .kind = kind, .n = 1, .cause = -1, .elapsed_ns = -1, .late_ms = -1};
}

/* ---- what is there ----------------------------------------------------------------------------- */

static bool is_set(fsm__form form, const void *at) {
  switch (form) {
    case FSM__U8: return *(const uint8_t *)at != 0;
    case FSM__U16: return *(const uint16_t *)at != 0;
    case FSM__U32: return *(const uint32_t *)at != 0;
    case FSM__U64: return *(const uint64_t *)at != 0;
    case FSM__I64: return *(const int64_t *)at != 0;
    case FSM__FLAG: return *(const bool *)at;
    case FSM__TEXT:
    case FSM__HASH:
    case FSM__TOKEN: return *(const void *const *)at != NULL;
    case FSM__ANY:
    case FSM__MAP:
    case FSM__LIST:
    case FSM__TEXTS:
    case FSM__INTS: return ((const fsm_value *)at)->type != FSM_NULL;
    case FSM__KIND:
    case FSM__OUTCOME:
    case FSM__CAUSE: break;
  }
  return true;
}

bool fsm__field_present(const fsm_record *record, unsigned key) {
  const fsm__field *field = &fsm__fields[key];
  const void *at = fsm__field_at(record, key);
  switch (field->presence) {
    case FSM__ALWAYS: return true;
    case FSM__SET: return is_set(field->form, at);
    case FSM__NOT_MINUS: return field->form == FSM__CAUSE ? *(const int *)at >= 0 : *(const int64_t *)at >= 0;
    case FSM__OF_INST: return record->inst != NULL;
  }
  return false;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static bool all_of(const fsm_value *list, fsm_type type) {
  if (list->type != FSM_LIST) return false;
  for (uint32_t i = 0; i < list->len; i++)
    if (list->items[i].type != type) return false;
  return true;
}

static bool has_form(const fsm_value *value, fsm__form form) {
  switch (form) {
    case FSM__MAP: return value->type == FSM_MAP;
    case FSM__LIST: return value->type == FSM_LIST;
    case FSM__TEXTS: return all_of(value, FSM_STRING);
    case FSM__INTS: return all_of(value, FSM_INT);
    default: return true;
  }
}

static fsm_code write_text(fsm_buf *buf, const char *text, unsigned key, fsm_error *err) {
  size_t len = strlen(text);
  if (!fsm__utf8_valid(text, len))
    return fsm_fail(err, FSM_EARGUMENT, fsm__field_names[key], "the text is not valid UTF-8");
  fsm_pack_text(buf, text, len);
  return FSM_OK;
}

static fsm_code write_value(fsm_buf *buf, const fsm_value *value, unsigned key, fsm_error *err) {
  FSM_ASSERT(has_form(value, fsm__fields[key].form));
  fsm_error inner;
  if (fsm_value_depth(value) > FSM_RECORD_DEPTH_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, fsm__field_names[key], "the value is nested more than %d levels deep",
                    FSM_RECORD_DEPTH_MAX);
  fsm_code code = fsm_pack(buf, value, &inner);
  return code ? fsm_fail(err, code, fsm__field_names[key], "%s", inner.text) : FSM_OK;
}

static fsm_code write_field(fsm_buf *buf, const fsm_record *record, unsigned key, fsm_error *err) {
  const void *at = fsm__field_at(record, key);
  switch (fsm__fields[key].form) {
    case FSM__U8: fsm_pack_uint(buf, *(const uint8_t *)at); return FSM_OK;
    case FSM__U16: fsm_pack_uint(buf, *(const uint16_t *)at); return FSM_OK;
    case FSM__U32: fsm_pack_uint(buf, *(const uint32_t *)at); return FSM_OK;
    case FSM__U64: fsm_pack_uint(buf, *(const uint64_t *)at); return FSM_OK;
    case FSM__I64: fsm_pack_int(buf, *(const int64_t *)at); return FSM_OK;
    case FSM__FLAG: fsm_pack_bool(buf, *(const bool *)at); return FSM_OK;
    case FSM__KIND: fsm_pack_uint(buf, record->kind); return FSM_OK;
    case FSM__OUTCOME: fsm_pack_uint(buf, record->outcome); return FSM_OK;
    case FSM__CAUSE: fsm_pack_uint(buf, (unsigned)record->cause); return FSM_OK;
    case FSM__TEXT: return write_text(buf, *(const char *const *)at, key, err);
    case FSM__HASH: fsm_pack_bytes(buf, *(const uint8_t *const *)at, FSM_LEAF_BYTES); return FSM_OK;
    case FSM__TOKEN: fsm_pack_bytes(buf, *(const uint8_t *const *)at, 16); return FSM_OK;
    case FSM__ANY:
    case FSM__MAP:
    case FSM__LIST:
    case FSM__TEXTS:
    case FSM__INTS: return write_value(buf, at, key, err);
  }
  return FSM_OK;
}

static void assert_whole(const fsm_record *record, uint64_t present) {
  FSM_ASSERT(record->v == FSM_RECORD_VERSION);
  FSM_ASSERT((unsigned)record->kind < FSM_RECORD_KIND_COUNT && (unsigned)record->outcome < FSM_OUTCOME_COUNT);
  FSM_ASSERT(record->cause < FSM_CAUSE_COUNT && record->i < record->n);
  FSM_ASSERT((required[record->kind] & ~present) == 0); /* a field that this kind must have is missing */
}

fsm_code fsm_record_encode(fsm_buf *buf, const fsm_record *record, fsm_error *err) {
  FSM_ASSERT(buf && record);
  uint64_t present = 0;
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    present |= (uint64_t)fsm__field_present(record, key) << key;
  assert_whole(record, present);
  size_t start = buf->len;
  fsm_code code = FSM_OK;
  fsm_pack_map(buf, (uint32_t)__builtin_popcountll(present));
  for (uint64_t left = present; left && !code; left &= left - 1) {
    unsigned key = (unsigned)__builtin_ctzll(left);
    fsm_pack_uint(buf, key);
    code = write_field(buf, record, key, err);
  }
  if (!code && !fsm_buf_ok(buf)) code = fsm_fail(err, FSM_ENOMEM, "", "no memory to write a record");
  if (!code && buf->len - start > FSM_RECORD_BYTES_MAX)
    code = fsm_fail(err, FSM_ETOOLARGE, "", "a record of %zu bytes is over the limit of %d", buf->len - start,
                    FSM_RECORD_BYTES_MAX);
  if (code) buf->len = start;
  return code;
}

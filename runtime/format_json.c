/* format_json.c: the record's JSON form, from its stored bytes.
 *
 * One pass over the bytes writes each field's member into a scratch block, in the order that they are stored
 * in; they are then gathered in the order of their names, which is that of fsm_record_view. What cannot be
 * told by this pass (something to mask, keys that are no text, bytes that are no record) goes the long way:
 * decode, mask, view, write. Both give the same bytes.
 */
#include <string.h>

#include "runtime/format_impl.h"
#include "runtime/format_put.h"
#include "runtime/format_value.h"
#include "schema/json.h"
#include "schema/record_fields.h"

enum { ID = FSM__FIELD_COUNT, STORE, PART, EPOCH, LEAF, AFTER, REPAIR, MEMBERS };
_Static_assert((int)MEMBERS <= (int)FSM__JSON_MEMBERS_MAX, "the order has room for all members");

static const char *const more_names[] = {"id", "store", "part", "epoch", "leaf", "after", "repair"};

static const char *member_name(unsigned member) {
  return member < FSM__FIELD_COUNT ? fsm__field_names[member] : more_names[member - FSM__FIELD_COUNT];
}

const char *fsm__refuses_json(const char *name) {
  for (unsigned member = 0; member < MEMBERS; member++)
    if (strcmp(member_name(member), name) == 0) return "the record has a field of this name";
  return fsm__refuses_any(name);
}

void fsm__json_order(uint8_t order[FSM__JSON_MEMBERS_MAX]) {
  for (unsigned member = 0; member < MEMBERS; member++) {
    unsigned at = member;
    for (; at > 0 && strcmp(member_name(order[at - 1]), member_name(member)) > 0; at--)
      order[at] = order[at - 1];
    order[at] = (uint8_t)member;
  }
}

typedef struct writer {
  fsm__putter p;
  uint64_t present;
  struct {
    const char *at;
    size_t len;
  } members[MEMBERS];
  uint64_t seq;
  unsigned kind, i, n;
  bool inst;
} writer;

/* ---- members ----------------------------------------------------------------------------------- */

static void begin(writer *w, unsigned member) {
  const char *name = member_name(member);
  w->members[member].at = w->p.to;
  *w->p.to++ = '"';
  w->p.to = fsm__put(w->p.to, name, strlen(name));
  *w->p.to++ = '"';
  *w->p.to++ = ':';
}

static void end(writer *w, unsigned member) {
  w->members[member].len = (size_t)(w->p.to - w->members[member].at);
  w->present |= (uint64_t)1 << member;
}

static bool put_name(writer *w, const char *name) {
  *w->p.to++ = '"';
  w->p.to = fsm__put(w->p.to, name, strlen(name));
  *w->p.to++ = '"';
  return true;
}

static void put_hex(writer *w, const void *data, size_t len) {
  *w->p.to++ = '"';
  w->p.to = fsm__put_hex(w->p.to, data, len);
  *w->p.to++ = '"';
}

/* ---- fields, by their form --------------------------------------------------------------------- */

static bool take_unsigned(writer *w, uint64_t least, uint64_t most, uint64_t *out) {
  fsm_value token;
  if (fsm__read_token(&w->p.in, &token)) return false;
  if (token.type != FSM_UINT && (token.type != FSM_INT || token.i < 0)) return false;
  *out = token.u;
  return token.u >= least && token.u <= most;
}

static bool put_number(writer *w, unsigned key, uint64_t most) {
  uint64_t u, least = fsm__fields[key].presence == FSM__SET;
  if (!take_unsigned(w, least, most, &u)) return false;
  if (key == FSM__KEY_seq) w->seq = u;
  if (key == FSM__KEY_i) w->i = (unsigned)u;
  if (key == FSM__KEY_n) w->n = (unsigned)u;
  if (key == FSM__KEY_v && u != FSM_RECORD_VERSION) return false;
  w->p.to = fsm__put_number(w->p.to, false, u);
  return true;
}

static bool put_signed(writer *w, unsigned key) {
  fsm_value token;
  if (fsm__read_token(&w->p.in, &token) || token.type != FSM_INT) return false;
  if (key == FSM__KEY_time_ns) {
    *w->p.to++ = '"';
    w->p.to = fsm__put_time(w->p.to, token.i);
    *w->p.to++ = '"';
    return true;
  }
  w->p.to = fsm__put_int(w->p.to, token.i);
  return token.i >= 0;
}

static bool put_enum(writer *w, fsm__form form) {
  static const uint64_t most[] = {[FSM__KIND] = FSM_RECORD_KIND_COUNT - 1,
                                  [FSM__OUTCOME] = FSM_OUTCOME_COUNT - 1,
                                  [FSM__CAUSE] = FSM_CAUSE_COUNT - 1};
  uint64_t u;
  if (!take_unsigned(w, 0, most[form], &u)) return false;
  if (form == FSM__KIND) w->kind = (unsigned)u;
  return put_name(w, form == FSM__KIND      ? fsm_record_kind_name((fsm_record_kind)u)
                     : form == FSM__OUTCOME ? fsm_outcome_name((fsm_outcome)u)
                                            : fsm_cause_name((fsm_cause)u));
}

static bool put_text(writer *w) {
  const uint8_t *at = w->p.in.at;
  if (at == w->p.in.end || ((*at & 0xE0) != 0xA0 && *at != 0xD9 && *at != 0xDA && *at != 0xDB)) return false;
  return fsm__put_value(&w->p, 0) && memchr(at + 1, 0, (size_t)(w->p.in.at - at - 1)) == NULL;
}

static bool put_fixed(writer *w, size_t len) {
  fsm_value token;
  if (fsm__read_token(&w->p.in, &token) || token.type != FSM_BYTES || token.len != len) return false;
  put_hex(w, token.s, len);
  return true;
}

static bool put_flag(writer *w) {
  if (w->p.in.at == w->p.in.end || *w->p.in.at != 0xC3) return false;
  return fsm__put_value(&w->p, 0);
}

/* ---- fields that are values -------------------------------------------------------------------- */

/* A list of texts or of numbers. */
static bool put_plain_list(writer *w, fsm__form form) {
  fsm_value list, token;
  if (fsm__read_token(&w->p.in, &list) || list.type != FSM_LIST) return false;
  *w->p.to++ = '[';
  for (uint32_t i = 0; i < list.len; i++) {
    if (i) *w->p.to++ = ',';
    fsm__reader ahead = w->p.in;
    if (fsm__read_token(&ahead, &token) || token.type != (form == FSM__TEXTS ? FSM_STRING : FSM_INT))
      return false;
    if (!fsm__put_value(&w->p, 0)) return false;
  }
  *w->p.to++ = ']';
  return true;
}

/* Two texts of bytes and a number, which have a form of their own. */
static bool take_three(writer *w, fsm_value out[3]) {
  fsm_value list;
  if (fsm__read_token(&w->p.in, &list) || list.type != FSM_LIST || list.len != 3) return false;
  for (unsigned i = 0; i < 3; i++)
    if (fsm__read_token(&w->p.in, &out[i]) || out[i].type != (i < 2 ? FSM_BYTES : FSM_INT)) return false;
  return true;
}

static bool put_idem(writer *w) {
  fsm_value it[3];
  if (!take_three(w, it)) return false;
  w->p.to = fsm__put(w->p.to, "{\"expires\":\"", 12);
  w->p.to = fsm__put_time(w->p.to, it[2].i);
  w->p.to = fsm__put(w->p.to, "\",\"fingerprint\":", 16);
  put_hex(w, it[1].s, it[1].len);
  w->p.to = fsm__put(w->p.to, ",\"key\":", 7);
  put_hex(w, it[0].s, it[0].len);
  *w->p.to++ = '}';
  return true;
}

static bool put_trace(writer *w) {
  fsm_value it[3];
  if (!take_three(w, it) || it[0].len != 16 || it[1].len != 8) return false;
  if (it[2].i < 0 || it[2].i > UINT8_MAX) return false;
  uint8_t flags = (uint8_t)it[2].i;
  w->p.to = fsm__put(w->p.to, "\"00-", 4);
  w->p.to = fsm__put_hex(w->p.to, it[0].s, it[0].len);
  *w->p.to++ = '-';
  w->p.to = fsm__put_hex(w->p.to, it[1].s, it[1].len);
  *w->p.to++ = '-';
  w->p.to = fsm__put_hex(w->p.to, &flags, 1);
  *w->p.to++ = '"';
  return true;
}

static bool put_tree(writer *w, unsigned key, fsm__form form) {
  if (w->p.in.at == w->p.in.end) return false;
  uint8_t head = *w->p.in.at;
  bool map = (head & 0xF0) == 0x80 || head == 0xDE || head == 0xDF;
  bool list = (head & 0xF0) == 0x90 || head == 0xDC || head == 0xDD;
  if ((form == FSM__MAP && !map) || (form == FSM__LIST && !list) || head == 0xC0) return false;
  switch (key) {
    case FSM__KEY_timers:
    case FSM__KEY_tasks:
    case FSM__KEY_sends: return fsm__put_entries(&w->p, FSM_RECORD_DEPTH_MAX);
    case FSM__KEY_msg:
    case FSM__KEY_detail: return fsm__put_entry(&w->p, FSM_RECORD_DEPTH_MAX);
    case FSM__KEY_idem: return put_idem(w);
    case FSM__KEY_trace: return put_trace(w);
    default: return fsm__put_value(&w->p, FSM_RECORD_DEPTH_MAX);
  }
}

/* What the masking of a record does to this field; false: all of it may be hidden, which goes the long way.
 */
static bool mask_field(writer *w, unsigned key) {
  static const struct {
    fsm__shown shown;
    const char *called;
  } of[FSM__FIELD_COUNT] = {
      [FSM__KEY_labels] = {FSM__DATA, "labels"},  [FSM__KEY_data] = {FSM__DATA, "data"},
      [FSM__KEY_ctx] = {FSM__CHANGES, "context"}, [FSM__KEY_out] = {FSM__DATA, "output"},
      [FSM__KEY_act] = {FSM__DATA, "act"},        [FSM__KEY_timers] = {FSM__OURS, ""},
      [FSM__KEY_tasks] = {FSM__OURS, ""},         [FSM__KEY_sends] = {FSM__OURS, ""},
      [FSM__KEY_detail] = {FSM__OURS, ""},
  };
  const bool source = w->kind == FSM_RECORD_DEPLOYED || w->kind == FSM_RECORD_RETIRED;
  w->p.shown = source ? FSM__AS_IS : of[key].shown;
  if (w->p.shown == FSM__AS_IS) return true;
  return !fsm_mask_hides(w->p.mask, of[key].called, strlen(of[key].called));
}

static bool put_form(writer *w, unsigned key) {
  fsm__form form = fsm__fields[key].form;
  switch (form) {
    case FSM__U8: return put_number(w, key, UINT8_MAX);
    case FSM__U16: return put_number(w, key, UINT16_MAX);
    case FSM__U32: return put_number(w, key, UINT32_MAX);
    case FSM__U64: return put_number(w, key, UINT64_MAX);
    case FSM__I64: return put_signed(w, key);
    case FSM__FLAG: return put_flag(w);
    case FSM__KIND:
    case FSM__OUTCOME:
    case FSM__CAUSE: return put_enum(w, form);
    case FSM__TEXT: return put_text(w);
    case FSM__HASH: return put_fixed(w, FSM_LEAF_BYTES);
    case FSM__TOKEN: return put_fixed(w, 16);
    case FSM__TEXTS:
    case FSM__INTS: return put_plain_list(w, form);
    case FSM__ANY:
    case FSM__MAP:
    case FSM__LIST: return put_tree(w, key, form);
  }
  return false;
}

/* ---- the record -------------------------------------------------------------------------------- */

/* As fsm_record_decode: every field that the kind needs, and those of an instance in all of an instance's. */
static bool is_whole(const writer *w) {
  const uint64_t inst = (uint64_t)1 << FSM__KEY_inst;
  const uint64_t of_inst = (uint64_t)1 << FSM__KEY_rev | (uint64_t)1 << FSM__KEY_iprev;
  const uint64_t always = (uint64_t)1 << FSM__KEY_kind;
  if (!(w->present & always) || fsm__record_required((fsm_record_kind)w->kind) & ~w->present) return false;
  if ((w->present & of_inst) != (w->present & inst ? of_inst : 0)) return false;
  return w->i < w->n;
}

static bool put_fields(writer *w) {
  fsm_value map;
  if (fsm__read_token(&w->p.in, &map) || map.type != FSM_MAP) return false;
  int before = -1;
  for (uint32_t left = map.len; left > 0; left--) {
    if (w->p.in.at == w->p.in.end) return false;
    int key = *w->p.in.at++;
    if (key <= before || key >= FSM__FIELD_COUNT) return false;
    begin(w, (unsigned)key);
    if (w->p.mask != NULL && !mask_field(w, (unsigned)key)) return false;
    if (!put_form(w, (unsigned)key)) return false;
    end(w, (unsigned)key);
    before = key;
  }
  return w->p.in.at == w->p.in.end && is_whole(w);
}

static void put_id(writer *w, const fsm_origin *origin) {
  *w->p.to++ = '"';
  w->p.to = fsm__put_hex(w->p.to, origin->store, sizeof origin->store);
  *w->p.to++ = '.';
  w->p.to = fsm__put_unsigned(w->p.to, origin->partition);
  *w->p.to++ = '.';
  w->p.to = fsm__put_unsigned(w->p.to, origin->epoch);
  *w->p.to++ = '.';
  w->p.to = fsm__put_unsigned(w->p.to, w->seq);
  *w->p.to++ = '"';
}

static void put_more(writer *w, const fsm__exported *record) {
  if (w->kind == FSM_RECORD_CREATED && !(w->present >> FSM__KEY_from & 1)) {
    begin(w, FSM__KEY_from);
    w->p.to = fsm__put(w->p.to, "null", 4);
    end(w, FSM__KEY_from);
  }
  begin(w, ID), put_id(w, &record->origin), end(w, ID);
  begin(w, STORE), put_hex(w, record->origin.store, sizeof record->origin.store), end(w, STORE);
  begin(w, PART), w->p.to = fsm__put_unsigned(w->p.to, record->origin.partition), end(w, PART);
  begin(w, EPOCH), w->p.to = fsm__put_unsigned(w->p.to, record->origin.epoch), end(w, EPOCH);
  if (record->bare) return;
  begin(w, LEAF), put_hex(w, record->leaf.bytes, sizeof record->leaf.bytes), end(w, LEAF);
  if (record->after != w->seq - 1) {
    begin(w, AFTER), w->p.to = fsm__put_number(w->p.to, false, record->after), end(w, AFTER);
  }
  if (record->repair) {
    begin(w, REPAIR), w->p.to = fsm__put(w->p.to, "true", 4), end(w, REPAIR);
  }
}

static void gather(const writer *w, const uint8_t *order, fsm_buf *out) {
  char *to = out->data + out->len;
  char mark = '{';
  for (unsigned i = 0; i < MEMBERS; i++) {
    unsigned member = order[i];
    if (!(w->present >> member & 1)) continue;
    *to++ = mark;
    to = fsm__put(to, w->members[member].at, w->members[member].len);
    mark = ',';
  }
  *to++ = '}';
  out->len = (size_t)(to - out->data);
}

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to write a record as JSON");
}

/* ---- the long way ------------------------------------------------------------------------------ */

static fsm_code append_view(const fsm__exported *record, fsm_arena *scratch, fsm_buf *out, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm__exported_view(record, scratch, &view, err);
  if (code != FSM_OK) return code;
  size_t start = out->len;
  fsm_json_write(out, &view);
  if (fsm_buf_ok(out)) return FSM_OK;
  out->len = start;
  return no_memory(err);
}

fsm_code fsm__append_json_form(const fsm__formatter *formatter, const fsm__exported *record,
                               fsm_arena *scratch, fsm_buf *out, fsm_error *err) {
  if (record->len > FSM_RECORD_BYTES_MAX) return append_view(record, scratch, out, err);
  size_t room = FSM__PUT_PER_BYTE * record->len + FSM__PUT_MORE;
  char *block = fsm_arena_alloc(scratch, room);
  if (block == NULL) return no_memory(err);
  writer w;
  w.p = (fsm__putter){fsm__reader_of(record->data, record->len), block, record->mask, FSM__AS_IS};
  w.present = 0;
  w.seq = 0;
  w.kind = w.i = w.n = 0;
  if (!put_fields(&w)) return append_view(record, scratch, out, err);
  put_more(&w, record);
  FSM_ASSERT((size_t)(w.p.to - block) <= room);
  if (!fsm_buf_reserve(out, (size_t)(w.p.to - block) + MEMBERS + 2)) return no_memory(err);
  gather(&w, formatter->order, out);
  return FSM_OK;
}

fsm_code fsm__append_json(const fsm__formatter *formatter, const fsm__exported *record, fsm_arena *scratch,
                          fsm_buf *out, fsm_error *err) {
  size_t start = out->len;
  fsm_code code = fsm__append_json_form(formatter, record, scratch, out, err);
  if (code != FSM_OK || formatter->lift_count == 0) return code;
  out->len--; /* the brace */
  code = fsm__append_lifted(formatter, record, scratch, out, err);
  if (code == FSM_OK) fsm_buf_char(out, '}');
  if (code == FSM_OK && !fsm_buf_ok(out)) code = no_memory(err);
  if (code != FSM_OK) out->len = start;
  return code;
}

/* record_terms.c: the texts that a record is looked up by, found without building it: no memory is taken, and
 * what stands between them is only skipped: the bytes of a record were checked when it was read.
 */
#include "schema/pack_read.h"
#include "schema/record_fields.h"

static bool take_text(fsm__reader *in, fsm_record_text *out) {
  fsm_value value;
  if (fsm__read_token(in, &value)) return false;
  if (value.type != FSM_STRING) return false;
  *out = (fsm_record_text){value.s, value.len};
  return true;
}

/* Of the map of an actor. */
static bool take_user(fsm__reader *in, fsm_record_text *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) || token.type != FSM_MAP) return false;
  for (uint32_t left = token.len; left; left--) {
    fsm_value key;
    if (fsm__read_token(in, &key) || key.type != FSM_STRING) return false;
    fsm__reader at = *in;
    if (!fsm__read_skip(in)) return false;
    if (fsm_is_text(&key, "sub")) (void)!take_text(&at, out); /* no text: nobody to be found by */
  }
  return true;
}

/* [trace id, span id, flags]; another one is nobody's. */
static bool take_trace(fsm__reader *in, fsm_record_text *out) {
  fsm__reader at = *in;
  fsm_value token;
  if (!fsm__read_skip(in)) return false;
  if (fsm__read_token(&at, &token) || token.type != FSM_LIST || token.len == 0) return true;
  if (!fsm__read_token(&at, &token) && token.type == FSM_BYTES && token.len == 16)
    *out = (fsm_record_text){token.s, token.len};
  return true;
}

static bool take_field(fsm__reader *in, uint64_t key, fsm_record_terms *out) {
  switch (key) {
    case FSM__KEY_inst: return take_text(in, &out->inst);
    case FSM__KEY_corr: return take_text(in, &out->corr);
    case FSM__KEY_trace: return take_trace(in, &out->trace);
    case FSM__KEY_act: return take_user(in, &out->user);
    default: return fsm__read_skip(in);
  }
}

fsm_code fsm_record_terms_read(const void *data, size_t len, fsm_record_terms *out) {
  FSM_ASSERT(out && (data || !len));
  fsm__reader in = fsm__reader_of(data, len);
  fsm_record_terms terms = {.inst.at = NULL};
  fsm_value token;
  if (fsm__read_token(&in, &token) || token.type != FSM_MAP) return FSM_ECORRUPT;
  for (uint32_t left = token.len; left; left--) {
    uint64_t key = 0;
    if (!fsm__read_key(&in, &key)) return FSM_ECORRUPT;
    if (key > FSM__KEY_act) break;
    if (!take_field(&in, key, &terms)) return FSM_ECORRUPT;
  }
  *out = terms;
  return FSM_OK;
}

fsm_code fsm_record_spans(const void *data, size_t len, uint64_t fields, fsm_record_text *out, size_t max,
                          size_t *count) {
  FSM_ASSERT(out && count && (data || !len));
  fsm__reader in = fsm__reader_of(data, len);
  fsm_value token;
  *count = 0;
  if (fsm__read_token(&in, &token) || token.type != FSM_MAP) return FSM_ECORRUPT;
  for (uint32_t left = token.len; left && *count < max; left--) {
    fsm_value key;
    if (fsm__read_token(&in, &key) || key.type != FSM_INT || key.i < 0 || key.i >= 64) return FSM_ECORRUPT;
    if (fields >> key.i == 0) break; /* keys ascend: none of those that are wanted comes any more */
    const uint8_t *from = in.at;
    if (!fsm__read_skip(&in)) return FSM_ECORRUPT;
    if (fields >> key.i & 1) out[(*count)++] = (fsm_record_text){(const char *)from, (size_t)(in.at - from)};
  }
  return FSM_OK;
}

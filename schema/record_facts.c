/* record_facts.c: see record_facts.h. Fields come in ascending order, so reading ends with the last that is
 * wanted: of a refusal its detail, which may be a sum of many, of others the time they took. */
#include "schema/record_facts.h"

#include "schema/pack_read.h"
#include "schema/record_fields.h"

static bool take_u64(fsm__reader *in, uint64_t *out) {
  fsm_value token;
  if (fsm__read_token(in, &token)) return false;
  if (token.type == FSM_INT && token.i >= 0) return *out = (uint64_t)token.i, true;
  if (token.type == FSM_UINT) return *out = token.u, true;
  return false;
}

static bool take_small(fsm__reader *in, uint64_t bound, unsigned *out) {
  uint64_t value = 0;
  if (!take_u64(in, &value) || value >= bound) return false;
  *out = (unsigned)value;
  return true;
}

static bool take_time(fsm__reader *in, int64_t *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) || token.type != FSM_INT) return false;
  *out = token.i;
  return true;
}

static bool take_text(fsm__reader *in, fsm_record_text *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) || token.type != FSM_STRING) return false;
  *out = (fsm_record_text){token.s, token.len};
  return true;
}

static bool take_list(fsm__reader *in, fsm__fact_list *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) || token.type != FSM_LIST) return false;
  *out = (fsm__fact_list){in->at, in->end, token.len};
  for (uint32_t left = token.len; left; left--)
    if (fsm__read_token(in, &token) || token.type != FSM_STRING) return false;
  return true;
}

/* {count, first, last, excerpt} of refusals that have no record of their own. */
static bool take_sum(fsm__reader *in, uint64_t *out) {
  fsm_value token;
  if (fsm__read_token(in, &token)) return false;
  if (token.type != FSM_MAP) return true;
  for (uint32_t left = token.len; left; left--) {
    fsm_value key;
    if (fsm__read_token(in, &key) || key.type != FSM_STRING) return false;
    fsm__reader at = *in;
    if (!fsm__read_skip(in)) return false;
    if (fsm_is_text(&key, "count")) (void)!take_u64(&at, out);
  }
  return true;
}

static bool take_field(fsm__reader *in, uint64_t key, fsm__record_facts *out) {
  unsigned small = 0;
  switch (key) {
    case FSM__KEY_seq: return take_u64(in, &out->seq);
    case FSM__KEY_time_ns: return take_time(in, &out->time_ns);
    case FSM__KEY_kind:
      if (!take_small(in, FSM_RECORD_KIND_COUNT, &small)) return false;
      return out->kind = (fsm_record_kind)small, true;
    case FSM__KEY_outcome:
      if (!take_small(in, FSM_OUTCOME_COUNT, &small)) return false;
      return out->outcome = (fsm_outcome)small, true;
    case FSM__KEY_reason: return take_text(in, &out->reason);
    case FSM__KEY_mach: return take_text(in, &out->mach);
    case FSM__KEY_inst: return take_text(in, &out->inst);
    case FSM__KEY_i: return take_small(in, UINT16_MAX + 1u, &out->i);
    case FSM__KEY_n: return take_small(in, UINT16_MAX + 1u, &out->n);
    case FSM__KEY_iprev: return take_u64(in, &out->iprev);
    case FSM__KEY_from: return take_list(in, &out->from);
    case FSM__KEY_to: return take_list(in, &out->to);
    case FSM__KEY_trigger: return take_text(in, &out->trigger);
    case FSM__KEY_cause:
      if (!take_small(in, FSM_CAUSE_COUNT, &small)) return false;
      return out->cause = (int)small, true;
    case FSM__KEY_since: return take_list(in, &out->since);
    case FSM__KEY_elapsed_ns: return take_time(in, &out->elapsed_ns);
    case FSM__KEY_detail: return take_sum(in, &out->sum);
    default: return fsm__read_skip(in);
  }
}

/* Of a refusal of no known instance the detail says how many it stands for. */
static uint64_t last_wanted(const fsm__record_facts *facts) {
  return facts->kind == FSM_RECORD_REJECTED && facts->inst.at == NULL ? FSM__KEY_detail : FSM__KEY_elapsed_ns;
}

fsm_code fsm__record_facts_read(const void *data, size_t len, fsm__record_facts *out) {
  FSM_ASSERT(out && (data || !len));
  fsm__reader in = fsm__reader_of(data, len);
  fsm__record_facts facts = {.kind = FSM_RECORD_KIND_COUNT, .n = 1, .cause = -1, .elapsed_ns = -1, .sum = 1};
  fsm_value token;
  if (fsm__read_token(&in, &token) || token.type != FSM_MAP) return FSM_ECORRUPT;
  for (uint32_t left = token.len; left; left--) {
    uint64_t key = 0;
    if (!fsm__read_key(&in, &key)) return FSM_ECORRUPT;
    if (key > last_wanted(&facts)) break;
    if (!take_field(&in, key, &facts)) return FSM_ECORRUPT;
  }
  if (facts.seq == 0 || facts.kind == FSM_RECORD_KIND_COUNT) return FSM_ECORRUPT;
  *out = facts;
  return FSM_OK;
}

bool fsm__fact_next(fsm__fact_list *rest, fsm_record_text *out) {
  if (rest->count == 0) return false;
  const uint8_t *at = rest->at, *end = rest->end;
  fsm__reader in = fsm__reader_of(at, (size_t)(end - at));
  FSM_ASSERT(take_text(&in, out)); /* take_list read it so */
  rest->at = in.at;
  rest->count--;
  return true;
}

bool fsm__fact_has(const fsm__fact_list *list, fsm_record_text text) {
  fsm__fact_list rest = *list;
  fsm_record_text one;
  while (fsm__fact_next(&rest, &one))
    if (fsm__fact_same(one, text)) return true;
  return false;
}

/* rows_glance.c: the positions of an instance's row (rows_instance.c), read one token after the other. What
 * is not looked at is passed over by its length: that all of it makes sense is looked at when the row is
 * built, that it is as it was written is what its checksum says. */
#include "runtime/rows_glance.h"

#include <string.h>

#include "schema/pack_read.h"

enum { ITEMS = 20, ITEMS_AND_MORE = 21, MORE_FORCED = 2, STATUS_AT = 6 };

static fsm_code unreadable(uint64_t number, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, "store: instances", "row of instance number %llu cannot be read",
                  (unsigned long long)number);
}

static bool take_u64(fsm__reader *in, uint64_t *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) != NULL) return false;
  *out = token.u;
  return (fsm_is(&token, FSM_INT) && token.i >= 0) || fsm_is(&token, FSM_UINT);
}

static bool take_u32(fsm__reader *in, uint32_t *out) {
  uint64_t u = 0;
  if (!take_u64(in, &u) || u > UINT32_MAX) return false;
  *out = (uint32_t)u;
  return true;
}

static bool take_i64(fsm__reader *in, int64_t *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) != NULL || !fsm_is(&token, FSM_INT)) return false;
  *out = token.i;
  return true;
}

static bool take_text(fsm__reader *in, bool or_null, fsm__span *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) != NULL) return false;
  if (or_null && fsm_is(&token, FSM_NULL)) return true;
  *out = (fsm__span){token.s, token.len};
  return fsm_is(&token, FSM_STRING) && memchr(token.s, 0, token.len) == NULL;
}

static bool skip(fsm__reader *in) { return fsm__read_skip(in); }

static bool take_packed(fsm__reader *in, fsm__span *out) {
  const uint8_t *begin = in->at;
  if (!skip(in)) return false;
  *out = (fsm__span){(const char *)begin, (size_t)(in->at - begin)};
  return true;
}

static bool take_list(fsm__reader *in, uint32_t *count) {
  fsm_value token;
  if (fsm__read_token(in, &token) != NULL || !fsm_is(&token, FSM_LIST)) return false;
  *count = token.len;
  return true;
}

/* The list of states and, behind it, that of their times. */
static bool take_active(fsm__reader *in, fsm_arena *arena, fsm__glance *out, bool *no_memory) {
  uint32_t count = 0, times = 0;
  unsigned limit = fsm_machine_states(out->deployed->machine);
  if (!take_list(in, &count) || count == 0 || count > limit) return false;
  fsm__since *active = fsm_arena_alloc(arena, count * sizeof *active);
  *no_memory = active == NULL;
  if (*no_memory) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t state = 0;
    if (!take_u32(in, &state) || state >= limit) return false;
    active[i].state = (uint16_t)state;
  }
  if (!take_list(in, &times) || times != count) return false;
  for (uint32_t i = 0; i < count; i++)
    if (!take_i64(in, &active[i].ns) || active[i].ns < 0) return false;
  out->active = active;
  out->active_count = count;
  return true;
}

static bool take_more(fsm__reader *in, fsm__glance *out) {
  fsm_value token;
  if (fsm__read_token(in, &token) != NULL || !fsm_is(&token, FSM_MAP)) return false;
  for (uint32_t left = token.len; left > 0; left--) {
    uint64_t key = 0;
    if (!take_u64(in, &key) || !skip(in)) return false;
    if (key == MORE_FORCED) out->forced = true;
  }
  return true;
}

/* What stands before the states, without which they tell nothing. */
static bool take_front(fsm__reader *in, fsm__glance *out) {
  uint32_t status = 0;
  if (!take_u32(in, &out->machine) || !take_u32(in, &out->version) || !take_text(in, false, &out->id) ||
      !take_text(in, true, &out->key) || !take_text(in, true, &out->corr) || !take_packed(in, &out->labels) ||
      !take_u32(in, &status) || status >= FSM_STATUS_COUNT)
    return false;
  out->status = (fsm__status)status;
  return true;
}

static bool take_rest(fsm__reader *in, bool more, fsm__glance *out) {
  return take_packed(in, &out->context) && skip(in) && take_u64(in, &out->rev) &&
         take_u64(in, &out->last_seq) && take_u64(in, &out->created_seq) && take_i64(in, &out->created_ns) &&
         take_i64(in, &out->updated_ns) && skip(in) && skip(in) && skip(in) && skip(in) &&
         (!more || take_more(in, out)) && in->at == in->end;
}

fsm_code fsm__glance_read(fsm__catalog *catalog, uint64_t number, const void *value, size_t len,
                          fsm_arena *arena, const fsm__deployed *deployed, fsm__glance *out, fsm_error *err) {
  fsm__reader in = fsm__reader_of(value, len);
  uint32_t items = 0;
  *out = (fsm__glance){.number = number, .deployed = deployed};
  if (!take_list(&in, &items) || (items != ITEMS && items != ITEMS_AND_MORE) || !take_front(&in, out))
    return unreadable(number, err);
  if (deployed == NULL || deployed->number != out->machine || deployed->version != out->version) {
    out->deployed = out->version > 0 ? fsm__catalog_at(catalog, out->machine, out->version) : NULL;
    if (out->deployed == NULL) return unreadable(number, err);
    fsm_code code = fsm__catalog_need(catalog, out->deployed, err);
    if (code != FSM_OK) return code;
  }
  bool no_memory = false;
  if (take_active(&in, arena, out, &no_memory) && take_rest(&in, items == ITEMS_AND_MORE, out)) return FSM_OK;
  return no_memory ? fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance") : unreadable(number, err);
}

bool fsm__glance_status(const void *value, size_t len, fsm__status *out) {
  fsm__reader in = fsm__reader_of(value, len);
  uint32_t items = 0, status = 0;
  if (!take_list(&in, &items)) return false;
  for (unsigned i = 0; i < STATUS_AT; i++)
    if (!skip(&in)) return false;
  if (!take_u32(&in, &status) || status >= FSM_STATUS_COUNT) return false;
  *out = (fsm__status)status;
  return true;
}

int64_t fsm__glance_since(const fsm__glance *glance) {
  int64_t since = INT64_MAX;
  for (unsigned i = 0; i < glance->active_count; i++)
    if (fsm_state_is_leaf(glance->deployed->machine, glance->active[i].state) && glance->active[i].ns < since)
      since = glance->active[i].ns;
  return since;
}

/* query_groups_count.c: a row is counted in its group, which is found by its values, packed, in a hash table.
 * What is long is told by its beginning, so that an answer is bounded. */
#include <string.h>

#include "runtime/query_groups.h"
#include "schema/pack.h"

/* What is long or has parts is told by its beginning, or as what it is. */
static fsm_value brief(fsm_value value, fsm_arena *scratch) {
  if (fsm_is(&value, FSM_LIST)) { /* states */
    fsm_buf text = {0};
    for (uint32_t i = 0; i < value.len && fsm_is(&value.items[i], FSM_STRING); i++)
      fsm_buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", (int)value.items[i].len, value.items[i].s);
    const char *kept =
        fsm_buf_ok(&text) ? fsm_arena_strndup(scratch, text.data != NULL ? text.data : "", text.len) : NULL;
    value = kept != NULL ? fsm_stringn(kept, text.len) : fsm_null();
    fsm_buf_free(&text);
  }
  if (fsm_is(&value, FSM_STRING) && value.len > FSM__GROUP_NAME_MAX) {
    value.len = FSM__GROUP_NAME_MAX;
    while (value.len > 0 && ((unsigned char)value.s[value.len] & 0xC0) == 0x80) value.len--;
  }
  if (fsm_is(&value, FSM_BYTES) && value.len > FSM__GROUP_NAME_MAX) value.len = FSM__GROUP_NAME_MAX;
  if (fsm_is(&value, FSM_MAP)) return fsm_string("{…}");
  return fsm_is(&value, FSM_DOUBLE) && value.d != value.d ? fsm_null() : value;
}

static uint32_t hash_of(const char *data, size_t len) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)data[i]) * 16777619u;
  return hash;
}

static fsm_code group_of(fsm__groups *all, fsm__group **out, fsm_error *err) {
  const uint32_t hash = hash_of(all->key.data, all->key.len);
  uint32_t place = hash % FSM__GROUPS_TABLE;
  for (; all->table[place] != 0; place = (place + 1) % FSM__GROUPS_TABLE) {
    fsm__group *g = &all->at[all->table[place] - 1];
    if (g->hash == hash && g->key_len == all->key.len && memcmp(g->key, all->key.data, g->key_len) == 0)
      return *out = g, FSM_OK;
  }
  if (all->count == FSM__GROUPS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "by", "more than %d groups: group by less, or filter",
                    FSM__GROUPS_MAX);
  const char *key = fsm_arena_strndup(all->arena, all->key.data, all->key.len);
  if (key == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  all->at[all->count] =
      (fsm__group){.key = key, .key_len = (uint32_t)all->key.len, .hash = hash, .oldest_ns = INT64_MAX};
  *out = &all->at[all->count++];
  all->table[place] = (uint16_t)all->count;
  return FSM_OK;
}

static fsm_code value_of(fsm__sieve *s, const fsm__glance *g, const fsm__condition *field, fsm_arena *scratch,
                         fsm_value *out, fsm_error *err) {
  fsm_error why;
  uint64_t work = 0;
  *out = fsm_null();
  fsm_code code =
      fsm__condition_value(field, g, fsm__sieve_machine_of(s, g)->mask, s->now_ns, scratch, &work, out, &why);
  s->looked += work / FSM__LOOK_WORK;
  if (code == FSM_ENOMEM || code == FSM_ECORRUPT) return fsm_fail(err, code, why.where, "%s", why.text);
  if (code != FSM_OK) *out = fsm_null(); /* a path through what has no members */
  return FSM_OK;
}

static void add_number(fsm__group *g, const fsm_value *value) {
  const bool whole = fsm_is(value, FSM_INT) || fsm_is(value, FSM_UINT);
  if (!whole && !fsm_is(value, FSM_DOUBLE)) return;
  const double number = fsm_is(value, FSM_DOUBLE) ? value->d
                        : fsm_is(value, FSM_INT)  ? (double)value->i
                                                  : (double)value->u;
  if (number != number) return;
  if (g->sum_count == 0 || number < g->min) g->min = number;
  if (g->sum_count == 0 || number > g->max) g->max = number;
  g->sum += number;
  g->sum_count++;
}

fsm_code fsm__groups_count(fsm__groups *all, fsm__sieve *s, const fsm__glance *g, fsm_arena *scratch,
                           fsm_error *err) {
  fsm__group *to = NULL;
  fsm_value value;
  fsm_code code = FSM_OK;
  fsm_buf_reset(&all->key);
  fsm_pack_list(&all->key, all->field_count);
  for (unsigned i = 0; i < all->field_count && code == FSM_OK; i++) {
    code = value_of(s, g, &all->fields[i], scratch, &value, err);
    if (code != FSM_OK) break;
    value = brief(value, scratch);
    code = fsm_pack(&all->key, &value, err);
  }
  if (code == FSM_OK && !fsm_buf_ok(&all->key))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (code == FSM_OK) code = group_of(all, &to, err);
  if (code != FSM_OK) return code;
  const int64_t since = fsm__glance_since(g);
  to->count++;
  if (since < to->oldest_ns) to->oldest_ns = since;
  if (!all->sums) return FSM_OK;
  code = value_of(s, g, &all->sum, scratch, &value, err);
  if (code == FSM_OK) add_number(to, &value);
  return code;
}

/* search_store.c: the instances that a text names: the beginning of an id, or a business key. Whatever their
 * age. */
#include <string.h>

#include "runtime/search.h"

enum { IDS_MAX = FSM_SEARCH_NAMED_MAX / 2 };

static void add(fsm__search_named *out, uint64_t number) {
  for (unsigned i = 0; i < out->count; i++)
    if (out->numbers[i] == number) return;
  if (out->count < FSM_SEARCH_NAMED_MAX) out->numbers[out->count++] = number;
}

static fsm_code by_id(const fsm__reading *at, fsm__search_named *out, fsm_error *err) {
  const char *text = at->query->text;
  fsm__range range;
  fsm__row row;
  bool found = true;
  fsm_code code = FSM_OK;
  if (strlen(text) > FSM_INSTANCE_ID_MAX) return FSM_OK;
  fsm__range_open(&range, at->core->store, FSM_T_IDS, text, strlen(text));
  while (out->count < IDS_MAX && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found)
    if (row.value_len == 8) add(out, fsm__key_read_u64(row.value));
  fsm__range_close(&range);
  return code;
}

/* The open one, and the last that ended with that key. */
static fsm_code by_key(const fsm__reading *at, uint32_t machine, fsm__search_named *out, fsm_error *err) {
  const char *text = at->query->text;
  const fsm__key ended = fsm__key_ended(machine, text);
  const void *value = NULL;
  uint64_t number = 0;
  size_t len = 0;
  fsm_code code = fsm__instance_by_key(at->core->store, machine, text, &number, err);
  if (code == FSM_OK) add(out, number);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  code = fsm__store_get(at->core->store, FSM_T_KEYS, ended.bytes, ended.len, &value, &len, err);
  if (code == FSM_OK && len == 8) add(out, fsm__key_read_u64(value));
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

fsm_code fsm__search_names(const fsm__search *search, fsm__search_named *out, fsm_error *err) {
  const fsm__reading *at = search->at;
  const fsm__deployed *deployed;
  out->count = 0;
  fsm_code code = by_id(at, out, err);
  if (strlen(at->query->text) > FSM_KEY_MAX) return code;
  for (unsigned i = 0; code == FSM_OK && (deployed = fsm__catalog_newest(at->core->catalog, i)) != NULL; i++)
    code = by_key(at, deployed->number, out, err);
  return code;
}

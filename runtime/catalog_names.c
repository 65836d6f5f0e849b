/* catalog_names.c: texts that are numbers in rows and keys: states of machines (n), ids of machines (m). See
 * catalog.h. */
#include <string.h>

#include "runtime/catalog_impl.h"

/* ---- names -------------------------------------------------------------------------------------- */

fsm_code fsm__name_lookup(fsm__store *store, char space, const char *text, size_t len, uint32_t *number,
                          fsm_error *err) {
  fsm__key key = {.len = 0};
  const void *value = NULL;
  size_t value_len = 0;
  *number = 0;
  fsm__key_add(&key, &space, 1);
  fsm__key_add(&key, text, len);
  fsm_code code = fsm__store_get(store, FSM_T_NAMES, key.bytes, key.len, &value, &value_len, err);
  if (code != FSM_OK) return code == FSM_ENOTFOUND ? FSM_OK : code;
  if (value_len != 4)
    return fsm_fail(err, FSM_ECORRUPT, "store: names", "the row of \"%.*s\" is not a number", (int)len, text);
  *number = fsm__key_read_u32(value);
  return FSM_OK;
}

void fsm__name_put(fsm__store *store, char space, const char *text, size_t len, uint32_t number) {
  fsm__key forward = {.len = 0}, back = {.len = 0}, be = {.len = 0};
  fsm__key_u32(&be, number);
  fsm__key_add(&forward, &space, 1);
  fsm__key_add(&forward, text, len);
  fsm__store_put(store, FSM_T_NAMES, forward.bytes, forward.len, be.bytes, be.len);
  if (space != 'n') return; /* machine ids are read back from their own rows */
  fsm__key_add(&back, "i", 1);
  fsm__key_u32(&back, number);
  fsm__store_put(store, FSM_T_NAMES, back.bytes, back.len, text, len);
}

/* An interned text is part of a key, which holds any path that a machine may have. */
static bool name_fits(size_t len) { return len <= FSM_STATE_PATH_MAX; }

fsm_code fsm__name_intern(fsm__store *store, const char *text, size_t len, fsm_error *err) {
  uint32_t number = 0;
  uint64_t next = 0;
  fsm_code code = fsm__name_lookup(store, 'n', text, len, &number, err);
  if (code != FSM_OK || number != 0) return code;
  code = fsm__counter_next(store, "name", &next, err);
  if (code == FSM_OK) fsm__name_put(store, 'n', text, len, (uint32_t)next);
  return code;
}

fsm_code fsm__name_find(fsm__store *store, const char *text, size_t len, uint32_t *number, fsm_error *err) {
  *number = 0;
  return name_fits(len) ? fsm__name_lookup(store, 'n', text, len, number, err) : FSM_OK;
}

fsm_code fsm__name_text(fsm__store *store, uint32_t number, fsm_arena *arena, const char **text,
                        fsm_error *err) {
  fsm__key key = {.len = 0};
  const void *value = NULL;
  size_t len = 0;
  fsm__key_add(&key, "i", 1);
  fsm__key_u32(&key, number);
  fsm_code code = fsm__store_get(store, FSM_T_NAMES, key.bytes, key.len, &value, &len, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: names", "the state of number %u has no name", number);
  if (code != FSM_OK) return code;
  *text = fsm_arena_strndup(arena, value, len);
  return *text != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a name");
}

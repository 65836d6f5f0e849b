/* catalog_retired.c: machines and versions that are given up: a row right behind that of the version. See
 * catalog.h. */
#include <string.h>

#include "runtime/catalog_impl.h"
#include "schema/pack.h"

/* ---- what is retired ---------------------------------------------------------------------------- */

fsm_code fsm__catalog_read_retired(fsm__catalog *catalog, const fsm__row *row, fsm_arena *arena,
                                   fsm_error *err) {
  const fsm_value *at = NULL;
  fsm__deployed *entry = catalog->all->count > 0 ? catalog->all->entries[catalog->all->count - 1] : NULL;
  const fsm__key key = entry != NULL ? fsm__catalog_key(entry, true) : (fsm__key){.len = 0};
  if (row->key_len != key.len || memcmp(row->key, key.bytes, key.len) != 0)
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "a row cannot be read");
  fsm_code code = fsm__row_unpack(arena, row->value, row->value_len, "utss", "retirement", &at, err);
  if (code == FSM_OK) entry->retired_seq = at[0].u;
  return code;
}

void fsm__catalog_retire(fsm__catalog *catalog, const fsm__deployed *deployed, const fsm__retired *retired) {
  fsm__deployed *entry = (fsm__deployed *)deployed; /* ours: the const is for the callers */
  fsm_buf buf = {0};
  FSM_ASSERT(fsm__catalog_is_owner(catalog) && retired->seq != 0);
  fsm_pack_list(&buf, 4);
  fsm_pack_uint(&buf, retired->seq);
  fsm_pack_int(&buf, retired->time_ns);
  fsm_pack_text(&buf, retired->who, strlen(retired->who));
  fsm_pack_text(&buf, retired->reason, strlen(retired->reason));
  const fsm__key key = fsm__catalog_key(entry, true);
  fsm__store_put_buf(catalog->store, FSM_T_MACHINES, key.bytes, key.len, &buf);
  __atomic_store_n(&entry->retired_seq, retired->seq, __ATOMIC_RELEASE);
}

fsm_code fsm__catalog_retired(const fsm__catalog *catalog, const fsm__deployed *deployed, fsm_arena *arena,
                              fsm__retired *out, fsm_error *err) {
  const fsm__key key = fsm__catalog_key(deployed, true);
  const void *value = NULL;
  size_t len = 0;
  const fsm_value *at = NULL;
  fsm_code code = fsm__store_get(catalog->store, FSM_T_MACHINES, key.bytes, key.len, &value, &len, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "machine %s version %u was retired without a row",
                    deployed->id, deployed->version);
  if (code == FSM_OK) code = fsm__row_unpack(arena, value, len, "utss", "retirement", &at, err);
  if (code != FSM_OK) return code;
  *out = (fsm__retired){.seq = at[0].u,
                        .time_ns = at[1].i,
                        .who = fsm_arena_strndup(arena, at[2].s, at[2].len),
                        .reason = fsm_arena_strndup(arena, at[3].s, at[3].len)};
  return out->who && out->reason ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a retirement");
}

bool fsm__catalog_is_live(const fsm__catalog *catalog, const fsm__deployed *deployed) {
  const uint64_t seq = __atomic_load_n(&deployed->retired_seq, __ATOMIC_ACQUIRE);
  return seq == 0 || seq > catalog->seq;
}

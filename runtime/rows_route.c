/* rows_route.c: the rows of routes: every version of each, the newest in front of its name's. */
#include <string.h>

#include "runtime/routing.h"
#include "runtime/rows.h"
#include "schema/pack.h"

enum { VERSION_BYTES = 4 };

fsm__key fsm__key_route(const char *name, uint32_t version) {
  fsm__key key = {.len = 0};
  fsm__key_add(&key, name, strlen(name) + 1);
  fsm__key_u32(&key, ~version);
  return key;
}

void fsm__route_row_put(fsm__store *store, const fsm__route_row *route) {
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 5);
  fsm_pack_uint(&buf, route->seq);
  fsm_pack_int(&buf, route->time_ns);
  fsm__row_pack(&buf, &route->document);
  fsm_pack_text(&buf, route->who, strlen(route->who));
  fsm_pack_text(&buf, route->reason, strlen(route->reason));
  fsm__key key = fsm__key_route(route->name, route->version);
  fsm__store_put_buf(store, FSM_T_ROUTES, key.bytes, key.len, &buf);
}

static fsm_code corrupt(fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, "store: routes", "a row of a route cannot be read");
}

fsm_code fsm__route_row_read(const fsm__row *row, fsm_arena *arena, fsm__route_row *out, fsm_error *err) {
  const char *key = row->key;
  const fsm_value *at = NULL;
  if (row->key_len <= VERSION_BYTES + 1 || row->key_len > FSM_ROUTE_NAME_MAX + 1 + VERSION_BYTES)
    return corrupt(err);
  const size_t len = row->key_len - VERSION_BYTES - 1;
  if (memchr(key, 0, row->key_len - VERSION_BYTES) != key + len) return corrupt(err);
  fsm_code code = fsm__row_unpack(arena, row->value, row->value_len, "utvss", "route", &at, err);
  if (code != FSM_OK) return code == FSM_ECORRUPT ? corrupt(err) : code;
  *out = (fsm__route_row){.name = fsm_arena_strndup(arena, key, len),
                          .version = ~fsm__key_read_u32(key + len + 1),
                          .seq = at[0].u,
                          .time_ns = at[1].i,
                          .document = at[2],
                          .who = fsm_arena_strndup(arena, at[3].s, at[3].len),
                          .reason = fsm_arena_strndup(arena, at[4].s, at[4].len)};
  return out->name && out->who && out->reason ? FSM_OK
                                              : fsm_fail(err, FSM_ENOMEM, "", "no memory for a route");
}

fsm_code fsm__route_row_newest(fsm__store *store, const char *name, fsm_arena *arena, fsm__route_row *out,
                               fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm__range_open(&range, store, FSM_T_ROUTES, name, strlen(name) + 1);
  fsm_code code = fsm__range_next(&range, &row, &found, err);
  if (code == FSM_OK && found) code = fsm__route_row_read(&row, arena, out, err);
  fsm__range_close(&range);
  return code == FSM_OK && !found ? FSM_ENOTFOUND : code;
}

void fsm__route_row_skip(fsm__range *range, const char *name) {
  fsm__key behind = {.len = 0};
  fsm__key_add(&behind, name, strlen(name));
  fsm__key_add(&behind, "\x01", 1); /* in front of every name that goes on */
  fsm__range_from(range, behind.bytes, behind.len);
}

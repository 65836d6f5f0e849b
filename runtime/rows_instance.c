/* rows_instance.c: the row of an instance: one msgpack list, positions fixed by the format.
 *
 * Written straight, read back through one table of positions. Only active states and their entry
 * times are kept; the bitset is made from them. What few instances have (a history, a parent, the mark of a
 * forced configuration) is in a map at the end, which is only there when one of them is. */
#include <string.h>

#include "runtime/rows.h"
#include "schema/pack.h"

enum {
  AT_MACHINE,
  AT_VERSION,
  AT_ID,
  AT_KEY,
  AT_CORR,
  AT_LABELS,
  AT_STATUS,
  AT_STATES,
  AT_SINCE,
  AT_CONTEXT,
  AT_CONTEXT_HASH,
  AT_REV,
  AT_LAST_SEQ,
  AT_CREATED_SEQ,
  AT_CREATED,
  AT_UPDATED,
  AT_COUNTER,
  AT_IDEM_ROWS,
  AT_OUTPUT,
  AT_INCIDENT,
  AT_MORE,
  AT_COUNT
};

/* Keys of the map at AT_MORE, ascending. */
enum { MORE_HISTORY, MORE_PARENT, MORE_FORCED, MORE_CANCELLED };

const char *fsm__status_name(fsm__status status) {
  static const char *const names[] = {
#define X(symbol, name) name,
      FSM_STATUSES(X)
#undef X
  };
  FSM_ASSERT(status < FSM_STATUS_COUNT);
  return names[status];
}

static void pack_text_or_null(fsm_buf *buf, const char *text) {
  if (text == NULL)
    fsm_pack_null(buf);
  else
    fsm_pack_text(buf, text, strlen(text));
}

void fsm__row_pack(fsm_buf *buf, const fsm_value *value) {
  fsm_error err;
  fsm_code code = fsm_pack(buf, value, &err);
  FSM_ASSERT(code == FSM_OK || buf->failed); /* every stored value was packed into a record before */
}

static unsigned more_count(const fsm__instance *in) {
  return (unsigned)fsm_is(&in->history, FSM_MAP) + in->has_parent + in->forced +
         (unsigned)fsm_is(&in->cancelled, FSM_MAP);
}

static void pack_more(fsm_buf *buf, const fsm__instance *in) {
  fsm_pack_map(buf, more_count(in));
  if (fsm_is(&in->history, FSM_MAP)) {
    fsm_pack_uint(buf, MORE_HISTORY);
    fsm__row_pack(buf, &in->history);
  }
  if (in->has_parent) {
    fsm_pack_uint(buf, MORE_PARENT);
    fsm_pack_bytes(buf, in->parent, sizeof in->parent);
  }
  if (in->forced) {
    fsm_pack_uint(buf, MORE_FORCED);
    fsm_pack_bool(buf, true);
  }
  if (fsm_is(&in->cancelled, FSM_MAP)) {
    fsm_pack_uint(buf, MORE_CANCELLED);
    fsm__row_pack(buf, &in->cancelled);
  }
}

void fsm__instance_put(fsm__store *store, const fsm__instance *in) {
  fsm_buf buf = {0};
  bool more = more_count(in) > 0;
  fsm_pack_list(&buf, more ? AT_COUNT : AT_MORE);
  fsm_pack_uint(&buf, in->deployed->number);
  fsm_pack_uint(&buf, in->deployed->version);
  fsm_pack_text(&buf, in->id, strlen(in->id));
  pack_text_or_null(&buf, in->key);
  pack_text_or_null(&buf, in->corr);
  fsm__row_pack(&buf, &in->labels);
  fsm_pack_uint(&buf, in->status);
  fsm_pack_list(&buf, in->active_count);
  for (unsigned i = 0; i < in->active_count; i++) fsm_pack_uint(&buf, in->active[i].state);
  fsm_pack_list(&buf, in->active_count);
  for (unsigned i = 0; i < in->active_count; i++) fsm_pack_int(&buf, in->active[i].ns);
  fsm__row_pack(&buf, &in->context);
  fsm_pack_bytes(&buf, in->context_hash.bytes, sizeof in->context_hash.bytes);
  fsm_pack_uint(&buf, in->rev);
  fsm_pack_uint(&buf, in->last_seq);
  fsm_pack_uint(&buf, in->created_seq);
  fsm_pack_int(&buf, in->created_ns);
  fsm_pack_int(&buf, in->updated_ns);
  fsm_pack_uint(&buf, in->counter);
  fsm_pack_uint(&buf, in->idem_rows);
  fsm__row_pack(&buf, &in->output);
  fsm__row_pack(&buf, &in->incident);
  if (more) pack_more(&buf, in);
  fsm__key key = fsm__key_instance(in->number, 's', NULL, 0);
  fsm__store_put_buf(store, FSM_T_INSTANCES, key.bytes, key.len, &buf);
}

/* The type each position must have; FSM_TYPE_COUNT = any. */
static const uint8_t row_types[AT_COUNT] = {
    [AT_MACHINE] = FSM_INT,       [AT_VERSION] = FSM_INT,         [AT_ID] = FSM_STRING,
    [AT_KEY] = FSM_TYPE_COUNT,    [AT_CORR] = FSM_TYPE_COUNT,     [AT_LABELS] = FSM_TYPE_COUNT,
    [AT_STATUS] = FSM_INT,        [AT_STATES] = FSM_LIST,         [AT_SINCE] = FSM_LIST,
    [AT_CONTEXT] = FSM_MAP,       [AT_CONTEXT_HASH] = FSM_BYTES,  [AT_REV] = FSM_INT,
    [AT_LAST_SEQ] = FSM_INT,      [AT_CREATED_SEQ] = FSM_INT,     [AT_CREATED] = FSM_INT,
    [AT_UPDATED] = FSM_INT,       [AT_COUNTER] = FSM_INT,         [AT_IDEM_ROWS] = FSM_INT,
    [AT_OUTPUT] = FSM_TYPE_COUNT, [AT_INCIDENT] = FSM_TYPE_COUNT, [AT_MORE] = FSM_MAP};

static fsm_code unreadable(uint64_t number, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, "store: instances", "row of instance number %llu has a bad %s",
                  (unsigned long long)number, what);
}

/* Numbers that are not below zero, and the most that they can be. */
static const uint64_t row_most[AT_COUNT] = {
    [AT_MACHINE] = UINT32_MAX, [AT_VERSION] = UINT32_MAX,  [AT_STATUS] = FSM_STATUS_COUNT - 1,
    [AT_REV] = UINT64_MAX,     [AT_LAST_SEQ] = UINT64_MAX, [AT_CREATED_SEQ] = UINT64_MAX,
    [AT_COUNTER] = UINT32_MAX, [AT_IDEM_ROWS] = UINT32_MAX};

/* Of the type of its position, and not what a cast or a C string would cut. Machines and versions count
 * from 1; version 0 would mean the newest. */
static bool is_whole(const fsm_value *value, unsigned at) {
  bool null = fsm_is(value, FSM_NULL);
  if (at <= AT_VERSION && value->u == 0) return false;
  if (row_most[at] != 0)
    return (fsm_is(value, FSM_UINT) || (fsm_is(value, FSM_INT) && value->i >= 0)) && value->u <= row_most[at];
  if (row_types[at] != FSM_TYPE_COUNT && value->type != row_types[at]) return false;
  if (at == AT_ID || at == AT_KEY || at == AT_CORR)
    return (null && at != AT_ID) || (fsm_is(value, FSM_STRING) && memchr(value->s, 0, value->len) == NULL);
  if (at == AT_LABELS || at == AT_INCIDENT) return null || fsm_is(value, FSM_MAP);
  if (at == AT_MORE) return value->len > 0;
  return at != AT_CONTEXT_HASH || value->len == FSM_HASH_BYTES;
}

static const char *text_or_null(fsm_arena *arena, const fsm_value *value) {
  return fsm_is(value, FSM_STRING) ? fsm_arena_strndup(arena, value->s, value->len) : NULL;
}

static fsm_code read_active(const fsm_value *states, const fsm_value *since, fsm_arena *arena,
                            fsm__instance *out, fsm_error *err) {
  if (states->len != since->len || states->len == 0) return unreadable(out->number, "list of states", err);
  unsigned limit = fsm_machine_states(out->deployed->machine);
  out->active = fsm_arena_alloc(arena, states->len * sizeof *out->active);
  if (out->active == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  for (unsigned i = 0; i < states->len; i++) {
    const fsm_value *state = &states->items[i], *ns = &since->items[i];
    if (!fsm_is(state, FSM_INT) || !fsm_is(ns, FSM_INT) || state->i < 0 || state->i >= (int64_t)limit ||
        ns->i < 0)
      return unreadable(out->number, "state", err);
    out->active[i] = (fsm__since){.state = (uint16_t)state->i, .ns = ns->i};
  }
  out->active_count = states->len;
  return FSM_OK;
}

/* False: a key or a value that this version does not write. */
static bool read_more(const fsm_value *map, fsm__instance *out) {
  for (unsigned i = 0; i < map->len; i++) {
    const fsm_value *key = &map->pairs[i].key, *value = &map->pairs[i].value;
    if (!fsm_is(key, FSM_INT)) return false;
    if (key->i == MORE_HISTORY && fsm_is(value, FSM_MAP) && value->len > 0) {
      out->history = *value;
    } else if (key->i == MORE_PARENT && fsm_is(value, FSM_BYTES) && value->len == sizeof out->parent) {
      out->has_parent = true;
      memcpy(out->parent, value->s, sizeof out->parent);
    } else if (key->i == MORE_FORCED && fsm_is(value, FSM_BOOL) && value->b) {
      out->forced = true;
    } else if (key->i == MORE_CANCELLED && fsm_is(value, FSM_MAP)) {
      out->cancelled = *value;
    } else {
      return false;
    }
  }
  return true;
}

static fsm_code read_instance(const fsm_value *row, fsm__catalog *catalog, fsm_arena *arena,
                              fsm__instance *out, fsm_error *err) {
  if (!fsm_is(row, FSM_LIST) || (row->len != AT_COUNT && row->len != AT_MORE))
    return unreadable(out->number, "length", err);
  const fsm_value *at = row->items;
  for (unsigned i = 0; i < row->len; i++)
    if (!is_whole(&at[i], i)) return unreadable(out->number, "field", err);
  out->deployed = fsm__catalog_at(catalog, (uint32_t)at[AT_MACHINE].i, (uint32_t)at[AT_VERSION].i);
  if (out->deployed == NULL) return unreadable(out->number, "machine", err);
  fsm_code code = fsm__catalog_need(catalog, out->deployed, err);
  if (code != FSM_OK) return code;
  out->id = text_or_null(arena, &at[AT_ID]);
  out->key = text_or_null(arena, &at[AT_KEY]);
  out->corr = text_or_null(arena, &at[AT_CORR]);
  out->labels = at[AT_LABELS];
  out->status = (fsm__status)at[AT_STATUS].i;
  out->context = at[AT_CONTEXT];
  memcpy(out->context_hash.bytes, at[AT_CONTEXT_HASH].s, FSM_HASH_BYTES);
  out->rev = (uint64_t)at[AT_REV].i;
  out->last_seq = (uint64_t)at[AT_LAST_SEQ].i;
  out->created_seq = (uint64_t)at[AT_CREATED_SEQ].i;
  out->created_ns = at[AT_CREATED].i;
  out->updated_ns = at[AT_UPDATED].i;
  out->counter = (uint32_t)at[AT_COUNTER].i;
  out->idem_rows = (uint32_t)at[AT_IDEM_ROWS].i;
  out->output = at[AT_OUTPUT];
  out->incident = at[AT_INCIDENT];
  if (out->id == NULL || (out->key == NULL && fsm_is(&at[AT_KEY], FSM_STRING)) ||
      (out->corr == NULL && fsm_is(&at[AT_CORR], FSM_STRING))) /* never a row that lost its key */
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  if (row->len == AT_COUNT && !read_more(&at[AT_MORE], out)) return unreadable(out->number, "field", err);
  return read_active(&at[AT_STATES], &at[AT_SINCE], arena, out, err);
}

fsm_code fsm__instance_load(fsm__store *store, fsm__catalog *catalog, uint64_t number, fsm_arena *arena,
                            fsm__instance *out, fsm_error *err) {
  fsm__key key = fsm__key_instance(number, 's', NULL, 0);
  const void *stored = NULL;
  size_t len = 0;
  fsm_code code = fsm__store_get(store, FSM_T_INSTANCES, key.bytes, key.len, &stored, &len, err);
  if (code != FSM_OK) return code;
  char *bytes = fsm_arena_strndup(arena, stored, len); /* the store's memory goes with its next write */
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  fsm_value row;
  code = fsm_unpack(arena, bytes, len, &row, err);
  if (code != FSM_OK) return code == FSM_ENOMEM ? code : unreadable(number, "encoding", err);
  *out = (fsm__instance){.number = number};
  return read_instance(&row, catalog, arena, out, err);
}

fsm_code fsm__instance_row_id(const fsm__row *row, fsm_arena *arena, const char **id, size_t *len,
                              fsm_error *err) {
  fsm_value list;
  char *bytes = fsm_arena_strndup(arena, row->value, row->value_len);
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  fsm_code code = fsm_unpack(arena, bytes, row->value_len, &list, err);
  if (code == FSM_ENOMEM) return code;
  uint64_t number = row->key_len >= 8 ? fsm__key_read_u64(row->key) : 0;
  if (code != FSM_OK || !fsm_is(&list, FSM_LIST) || list.len <= AT_ID ||
      !fsm_is(&list.items[AT_ID], FSM_STRING))
    return unreadable(number, "id", err);
  *id = list.items[AT_ID].s;
  *len = list.items[AT_ID].len;
  return FSM_OK;
}

static fsm_code number_row(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                           uint64_t *number, fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  fsm_code code = fsm__store_get(store, table, key, key_len, &value, &len, err);
  if (code != FSM_OK) return code;
  if (len != 8)
    return fsm_fail(err, FSM_ECORRUPT, "store", "a row of table %s is not a number", fsm__table_name(table));
  *number = fsm__key_read_u64(value);
  return FSM_OK;
}

fsm_code fsm__instance_number(fsm__store *store, const char *id, uint64_t *number, fsm_error *err) {
  return number_row(store, FSM_T_IDS, id, strlen(id), number, err);
}

fsm_code fsm__instance_by_key(fsm__store *store, uint32_t machine, const char *key, uint64_t *number,
                              fsm_error *err) {
  fsm__key full = fsm__key_business(machine, key);
  return number_row(store, FSM_T_KEYS, full.bytes, full.len, number, err);
}

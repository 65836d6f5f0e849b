/* rows_open.c: the rows of what is open at an instance: timers, tasks, idempotency entries. */
#include <string.h>

#include "runtime/rows.h"
#include "schema/pack.h"

static void put(fsm__store *store, fsm__table table, const fsm__key *key, fsm_buf *buf) {
  fsm__store_put_buf(store, table, key->bytes, key->len, buf);
}

void fsm__timer_put(fsm__store *store, uint64_t number, const fsm__timer *timer) {
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 7);
  fsm_pack_int(&buf, timer->due_ns);
  fsm_pack_text(&buf, timer->event, strlen(timer->event));
  fsm__row_pack(&buf, &timer->data);
  fsm_pack_int(&buf, timer->delay_ns);
  fsm_pack_uint(&buf, timer->overdue);
  fsm_pack_uint(&buf, timer->boot);
  fsm_pack_int(&buf, timer->boot_due_ns);
  fsm__key key = fsm__key_timer(number, timer);
  put(store, FSM_T_INSTANCES, &key, &buf);
}

void fsm__task_put(fsm__store *store, uint64_t number, const fsm__task *task) {
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 15);
  fsm_pack_text(&buf, task->service, strlen(task->service));
  fsm__row_pack(&buf, &task->input);
  fsm_pack_bytes(&buf, task->token, sizeof task->token);
  fsm_pack_uint(&buf, task->attempts);
  fsm_pack_uint(&buf, task->attempt);
  fsm_pack_int(&buf, task->timeout_ns);
  fsm_pack_int(&buf, task->next_ns);
  fsm_pack_bool(&buf, task->started);
  fsm_pack_text(&buf, task->corr, strlen(task->corr));
  fsm__row_pack(&buf, &task->trace);
  fsm_pack_uint(&buf, task->seq);
  fsm_pack_int(&buf, task->heartbeat_ns);
  fsm_pack_int(&buf, task->begun_ns);
  fsm_pack_bool(&buf, task->later);
  const char *error = task->error ? task->error : "";
  fsm_pack_text(&buf, error, strlen(error));
  fsm__key key = fsm__key_instance(number, 'k', task->id, strlen(task->id));
  put(store, FSM_T_INSTANCES, &key, &buf);
}

void fsm__idem_put(fsm__store *store, fsm__table table, const fsm__key *key, const fsm__idem *idem) {
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 3);
  fsm_pack_bytes(&buf, idem->fingerprint, sizeof idem->fingerprint);
  fsm_pack_int(&buf, idem->expiry_ns);
  fsm_pack_uint(&buf, idem->seq);
  put(store, table, key, &buf);
}

/* Is value what the letter says? */
static bool is_of(const fsm_value *value, char letter) {
  switch (letter) {
    case 't': return fsm_is(value, FSM_INT) && value->i >= 0;
    case 'n': return fsm_is(value, FSM_INT) && value->i >= 0 && value->i <= UINT32_MAX;
    case 'u': return fsm_is(value, FSM_UINT) || (fsm_is(value, FSM_INT) && value->i >= 0);
    case 's': return fsm_is(value, FSM_STRING) && memchr(value->s, 0, value->len) == NULL;
    case 'b': return fsm_is(value, FSM_BYTES) && value->len == 16;
    case 'o': return fsm_is(value, FSM_BOOL);
    default: return letter == 'v';
  }
}

fsm_code fsm__row_unpack(fsm_arena *arena, const void *value, size_t len, const char *types, const char *what,
                         const fsm_value **items, fsm_error *err) {
  char *bytes = fsm_arena_strndup(arena, value, len);
  fsm_value row;
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a row");
  fsm_code code = fsm_unpack(arena, bytes, len, &row, err);
  if (code == FSM_ENOMEM) return code;
  bool good = code == FSM_OK && fsm_is(&row, FSM_LIST) && row.len == strlen(types);
  for (unsigned i = 0; good && i < row.len; i++) good = is_of(&row.items[i], types[i]);
  if (!good) return fsm_fail(err, FSM_ECORRUPT, "store: instances", "a %s row cannot be read", what);
  *items = row.items;
  return FSM_OK;
}

fsm_code fsm__timer_read(const fsm__row *row, fsm_arena *arena, fsm__timer *out, fsm_error *err) {
  enum { NUMBER_AND_TYPE = 9, ORDER = 8 };
  const char *id = (const char *)row->key + NUMBER_AND_TYPE;
  const fsm_value *at = NULL;
  if (row->key_len < NUMBER_AND_TYPE + 2 + ORDER || id[row->key_len - NUMBER_AND_TYPE - ORDER - 1] != 0)
    return fsm_fail(err, FSM_ECORRUPT, "store: instances", "a timer row has no id");
  const uint64_t order = fsm__key_read_u64((const uint8_t *)row->key + row->key_len - ORDER);
  id = fsm_arena_strdup(arena, id);
  fsm_code code = fsm__row_unpack(arena, row->value, row->value_len, "tsvtnut", "timer", &at, err);
  if (code != FSM_OK) return code;
  if (at[4].i >= FSM_OVERDUE_COUNT)
    return fsm_fail(err, FSM_ECORRUPT, "store: instances", "a timer row cannot be read");
  *out = (fsm__timer){.id = id,
                      .due_ns = at[0].i,
                      .data = at[2],
                      .delay_ns = at[3].i,
                      .overdue = (fsm_overdue)at[4].i,
                      .boot = at[5].u,
                      .boot_due_ns = at[6].i,
                      .seq = order >> 16,
                      .place = (uint16_t)order};
  out->event = fsm_arena_strndup(arena, at[1].s, at[1].len);
  return id && out->event ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a row");
}

fsm_code fsm__task_read(const fsm__row *row, fsm_arena *arena, fsm__task *out, fsm_error *err) {
  if (row->key_len <= 9) return fsm_fail(err, FSM_ECORRUPT, "store: instances", "a task row has no id");
  const fsm_value *at = NULL;
  const char *id = fsm_arena_strndup(arena, (const char *)row->key + 9, row->key_len - 9);
  fsm_code code = fsm__row_unpack(arena, row->value, row->value_len, "svbnnttosvuttos", "task", &at, err);
  if (code != FSM_OK) return code;
  *out = (fsm__task){.id = id,
                     .input = at[1],
                     .attempts = (unsigned)at[3].i,
                     .attempt = (unsigned)at[4].i,
                     .timeout_ns = at[5].i,
                     .next_ns = at[6].i,
                     .started = at[7].b,
                     .trace = at[9],
                     .seq = (uint64_t)at[10].i,
                     .heartbeat_ns = at[11].i,
                     .begun_ns = at[12].i,
                     .later = at[13].b};
  memcpy(out->token, at[2].s, sizeof out->token);
  out->service = fsm_arena_strndup(arena, at[0].s, at[0].len);
  out->corr = fsm_arena_strndup(arena, at[8].s, at[8].len);
  out->error = fsm_arena_strndup(arena, at[14].s, at[14].len);
  return id && out->service && out->corr && out->error ? FSM_OK
                                                       : fsm_fail(err, FSM_ENOMEM, "", "no memory for a row");
}

static fsm_code get(fsm__store *store, fsm__table table, const fsm__key *key, fsm__row *row, fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  fsm_code code = fsm__store_get(store, table, key->bytes, key->len, &value, &len, err);
  *row = (fsm__row){
      .key = key->bytes, .key_len = (uint32_t)key->len, .value = value, .value_len = (uint32_t)len};
  return code;
}

fsm_code fsm__timer_load_from(fsm__store *store, uint64_t number, const char *id, uint64_t order,
                              fsm_arena *arena, fsm__timer *out, fsm_error *err) {
  fsm__key key = fsm__key_instance(number, 't', id, strlen(id) + 1);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm__range_open(&range, store, FSM_T_INSTANCES, key.bytes, key.len);
  fsm__key_u64(&key, order);
  fsm__range_from(&range, key.bytes, key.len);
  fsm_code code = fsm__range_next(&range, &row, &found, err);
  if (code == FSM_OK) code = found ? fsm__timer_read(&row, arena, out, err) : FSM_ENOTFOUND;
  fsm__range_close(&range);
  return code;
}

fsm_code fsm__timer_load(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena,
                         fsm__timer *out, fsm_error *err) {
  return fsm__timer_load_from(store, number, id, 0, arena, out, err);
}

fsm_code fsm__task_load(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena, fsm__task *out,
                        fsm_error *err) {
  fsm__key key = fsm__key_instance(number, 'k', id, strlen(id));
  fsm__row row;
  fsm_code code = get(store, FSM_T_INSTANCES, &key, &row, err);
  return code == FSM_OK ? fsm__task_read(&row, arena, out, err) : code;
}

fsm_code fsm__idem_load(fsm__store *store, fsm__table table, const fsm__key *key, fsm_arena *arena,
                        fsm__idem *out, fsm_error *err) {
  fsm__row row;
  fsm_code code = get(store, table, key, &row, err);
  if (code != FSM_OK) return code;
  const fsm_value *at = NULL;
  code = fsm__row_unpack(arena, row.value, row.value_len, "btu", "idempotency", &at, err);
  if (code != FSM_OK) return code;
  memcpy(out->fingerprint, at[0].s, sizeof out->fingerprint);
  out->expiry_ns = at[1].i;
  out->seq = (uint64_t)at[2].i;
  return FSM_OK;
}

/* apply_open.c: timers and tasks, from the arrays of a record. */
#include <string.h>

#include "runtime/apply_impl.h"

/* A text without NUL, which a row would cut. */
static const char *text_of(fsm_arena *arena, const fsm_value *map, const char *key) {
  const fsm_value *value = fsm_map_get(map, key);
  bool whole = value != NULL && fsm_is(value, FSM_STRING) &&
               (value->len == 0 || memchr(value->s, 0, value->len) == NULL);
  return whole ? fsm_arena_strndup(arena, value->s, value->len) : NULL;
}

/* An id that fits the keys of rows, or NULL. */
static const char *id_of(fsm_arena *arena, const fsm_value *map, const char *key) {
  const fsm_value *value = fsm_map_get(map, key);
  bool fits = value != NULL && value->len > 0 && value->len <= FSM_TIMER_ID_MAX;
  return fits ? text_of(arena, map, key) : NULL;
}

static int64_t int_of(const fsm_value *map, const char *key, int64_t otherwise) {
  const fsm_value *value = fsm_map_get(map, key);
  return value != NULL && fsm_is(value, FSM_INT) ? value->i : otherwise;
}

static void due_delete(fsm__store *store, int64_t ns, uint64_t number, char type, const char *id) {
  fsm__key key = fsm__key_due(ns, number, type, id);
  fsm__store_delete(store, FSM_T_DUE, key.bytes, key.len);
}

/* What was due under this id before has been deleted, so the row is new to the store. */
static void due_put(fsm__store *store, int64_t ns, uint64_t number, char type, const char *id) {
  fsm__key key = fsm__key_due(ns, number, type, id);
  fsm__store_put_new(store, FSM_T_DUE, key.bytes, key.len, "", 0);
}

static void row_delete(fsm__store *store, uint64_t number, char type, const char *id) {
  fsm__key key = fsm__key_instance(number, type, id, strlen(id));
  fsm__store_delete(store, FSM_T_INSTANCES, key.bytes, key.len);
}

static void timer_delete(fsm__store *store, uint64_t number, const fsm__timer *timer) {
  fsm__key due = fsm__key_due_timer(number, timer), key = fsm__key_timer(number, timer);
  fsm__store_delete(store, FSM_T_DUE, due.bytes, due.len);
  fsm__store_delete(store, FSM_T_INSTANCES, key.bytes, key.len);
}

/* Drops all timers whose keys begin with prefix, if there are any. */
static fsm_code timers_drop(fsm__store *store, uint64_t number, const fsm__key *prefix, fsm_arena *arena,
                            fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, store, FSM_T_INSTANCES, prefix->bytes, prefix->len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__timer timer;
    code = fsm__timer_read(&row, arena, &timer, err);
    if (code != FSM_OK) break;
    timer_delete(store, number, &timer);
  }
  fsm__range_close(&range);
  return code;
}

static fsm_code timers_cancel(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena,
                              fsm_error *err) {
  const fsm__key all = fsm__key_instance(number, 't', id, strlen(id) + 1);
  return timers_drop(store, number, &all, arena, err);
}

static fsm_code task_drop(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena,
                          fsm_error *err) {
  fsm__task task;
  fsm_code code = fsm__task_load(store, number, id, arena, &task, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  due_delete(store, task.next_ns, number, 'k', id);
  row_delete(store, number, 'k', id);
  return FSM_OK;
}

/* The boot in which it was set, 8 bytes, and when it is due on its clock: both or neither. */
static bool boot_of(const fsm_value *entry, fsm__timer *timer) {
  const fsm_value *boot = fsm_map_get(entry, "boot");
  if (boot == NULL) return fsm_map_get(entry, "mono") == NULL;
  if (!fsm_is(boot, FSM_BYTES) || boot->len != 8) return false;
  timer->boot = fsm__key_read_u64(boot->s);
  timer->boot_due_ns = int_of(entry, "mono", -1);
  return timer->boot_due_ns >= 0;
}

static bool overdue_of(fsm_arena *arena, const fsm_value *entry, fsm__timer *timer) {
  if (fsm_map_get(entry, "overdue") == NULL) return true;
  const char *name = text_of(arena, entry, "overdue");
  return name != NULL && fsm_overdue_of(name, &timer->overdue);
}

static fsm_code timer_set(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                          unsigned place, const char *id, fsm_arena *arena, fsm_error *err) {
  const fsm_value *entry = &record->timers.items[place], *data = fsm_map_get(entry, "data");
  fsm__timer timer = {.id = id,
                      .event = text_of(arena, entry, "event"),
                      .due_ns = int_of(entry, "due", -1),
                      .data = data ? *data : fsm_null(),
                      .seq = record->seq,
                      .place = (uint16_t)place};
  timer.delay_ns = timer.due_ns > record->time_ns ? timer.due_ns - record->time_ns : 0;
  if (timer.event == NULL || timer.due_ns < 0 || timer.seq > FSM_TIMER_SEQ_MAX || place > UINT16_MAX ||
      !boot_of(entry, &timer) || !overdue_of(arena, entry, &timer))
    return fsm__apply_bad(record, "has a timer that cannot be read", NULL, err);
  fsm__key due = fsm__key_due_timer(in->number, &timer);
  fsm__timer_put(store, in->number, &timer);
  fsm__store_put(store, FSM_T_DUE, due.bytes, due.len, "", 0);
  return FSM_OK;
}

fsm_code fsm__apply_timers(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                           fsm_arena *arena, fsm_error *err) {
  for (unsigned i = 0; fsm_is(&record->timers, FSM_LIST) && i < record->timers.len; i++) {
    const fsm_value *entry = &record->timers.items[i];
    const char *cancelled = id_of(arena, entry, "cancel"), *id = id_of(arena, entry, "id");
    if (cancelled == NULL && id == NULL)
      return fsm__apply_bad(record, "has a timer that cannot be read", NULL, err);
    fsm_code code = cancelled ? timers_cancel(store, in->number, cancelled, arena, err)
                              : timer_set(store, in, record, i, id, arena, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

static fsm_code task_open(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                          const fsm_value *entry, const char *id, fsm_arena *arena, fsm_error *err) {
  const fsm_value *input = fsm_map_get(entry, "input"), *token = fsm_map_get(entry, "tok");
  int64_t attempts = int_of(entry, "attempts", 1);
  fsm__task task = {.id = id,
                    .service = text_of(arena, entry, "service"),
                    .corr = record->corr ? record->corr : "",
                    .trace = record->trace,
                    .input = input ? *input : fsm_null(),
                    .attempts = (unsigned)attempts,
                    .timeout_ns = int_of(entry, "timeout", 0),
                    .heartbeat_ns = int_of(entry, "heartbeat", 0),
                    .next_ns = int_of(entry, "next", record->time_ns),
                    .seq = record->seq};
  if (task.service == NULL || token == NULL || !fsm_is(token, FSM_BYTES) || token->len != sizeof task.token ||
      attempts < 1 || attempts > UINT16_MAX || task.timeout_ns < 0 || task.heartbeat_ns < 0 ||
      task.next_ns < 0)
    return fsm__apply_bad(record, "opens a task that cannot be read", NULL, err);
  memcpy(task.token, token->s, sizeof task.token);
  fsm__task_put(store, in->number, &task);
  due_put(store, task.next_ns, in->number, 'k', id);
  return FSM_OK;
}

fsm_code fsm__apply_tasks(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                          fsm_arena *arena, fsm_error *err) {
  for (unsigned i = 0; fsm_is(&record->tasks, FSM_LIST) && i < record->tasks.len; i++) {
    const fsm_value *entry = &record->tasks.items[i];
    const char *cancelled = id_of(arena, entry, "cancel"), *id = id_of(arena, entry, "id");
    if (cancelled == NULL && id == NULL)
      return fsm__apply_bad(record, "has a task that cannot be read", NULL, err);
    fsm_code code = task_drop(store, in->number, cancelled ? cancelled : id, arena, err);
    if (code == FSM_OK && cancelled == NULL) code = task_open(store, in, record, entry, id, arena, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

fsm_code fsm__apply_timer_fired(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                                fsm_arena *arena, fsm_error *err) {
  const char *id = id_of(arena, &record->detail, "timer");
  const int64_t set = int_of(&record->detail, "set", -1), place = int_of(&record->detail, "place", 0);
  if (id == NULL || set < 0 || (uint64_t)set > FSM_TIMER_SEQ_MAX || place < 0 || place > UINT16_MAX)
    return fsm__apply_bad(record, "does not say which timer it fires", NULL, err);
  fsm__timer timer = {.id = id, .seq = (uint64_t)set, .place = (uint16_t)place}, first;
  fsm_code code = fsm__timer_load_from(store, in->number, id, fsm__timer_order(&timer), arena, &first, err);
  if (code == FSM_ENOTFOUND || (code == FSM_OK && fsm__timer_order(&first) != fsm__timer_order(&timer)))
    return fsm__apply_bad(record, "fires a timer that is not set", id, err);
  if (code == FSM_OK) timer_delete(store, in->number, &first);
  return code;
}

/* The message of a failure, as much as a row keeps of it: whole characters, none of them NUL. */
static const char *error_of(fsm_arena *arena, const fsm_value *error) {
  const fsm_value *text = fsm_map_get(error, "message");
  if (text == NULL || !fsm_is(text, FSM_STRING)) return "the service failed";
  size_t len = text->len;
  if (len > FSM_TASK_ERROR_MAX)
    for (len = FSM_TASK_ERROR_MAX; len > 0 && ((unsigned char)text->s[len] & 0xc0) == 0x80;) len--;
  const char *end = len > 0 ? memchr(text->s, 0, len) : NULL;
  return fsm_arena_strndup(arena, text->s, end != NULL ? (size_t)(end - text->s) : len);
}

/* An attempt begins, is alive, or is left to somebody else. */
static void attempt_runs(fsm__task *task, const fsm_record *record) {
  if (!task->started || task->attempt != record->att) {
    task->begun_ns = record->time_ns;
    task->later = false;
  }
  const fsm_value *later = fsm_map_get(&record->detail, "later");
  if (later != NULL && fsm_is(later, FSM_BOOL) && later->b) task->later = true;
  task->started = true;
  task->next_ns = int_of(&record->detail, "heartbeat_by", int_of(&record->detail, "deadline", -1));
}

static void attempt_failed(fsm__task *task, const fsm_record *record, fsm_arena *arena) {
  const fsm_value *error = fsm_map_get(&record->detail, "error");
  task->started = task->later = false;
  task->begun_ns = 0;
  task->next_ns = int_of(&record->detail, "retry_at", -1);
  task->error = error != NULL ? error_of(arena, error) : "";
}

fsm_code fsm__apply_task_answer(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                                fsm_arena *arena, fsm_error *err) {
  const char *id = id_of(arena, &record->detail, "task");
  if (id == NULL) return fsm__apply_bad(record, "answers a task without its id", NULL, err);
  bool again = int_of(&record->detail, "retry_at", -1) >= 0;
  if (record->kind == FSM_RECORD_TASK_DONE || (record->kind == FSM_RECORD_TASK_FAILED && !again))
    return task_drop(store, in->number, id, arena, err);
  fsm__task task;
  fsm_code code = fsm__task_load(store, in->number, id, arena, &task, err);
  if (code == FSM_ENOTFOUND) return fsm__apply_bad(record, "answers a task that is not open", id, err);
  if (code != FSM_OK) return code;
  due_delete(store, task.next_ns, in->number, 'k', id);
  if (record->kind == FSM_RECORD_TASK_STARTED)
    attempt_runs(&task, record);
  else
    attempt_failed(&task, record, arena);
  task.attempt = record->att;
  if (task.error == NULL) return fsm__apply_nomem(err);
  if (task.next_ns < 0) return fsm__apply_bad(record, "starts a task without a deadline", id, err);
  fsm__task_put(store, in->number, &task);
  due_put(store, task.next_ns, in->number, 'k', id);
  return FSM_OK;
}

static fsm_code tasks_drop(fsm__store *store, uint64_t number, fsm_arena *arena, fsm_error *err) {
  fsm__key prefix = fsm__key_instance(number, 'k', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    const char *id = fsm_arena_strndup(arena, (const char *)row.key + 9, row.key_len - 9);
    code = id ? task_drop(store, number, id, arena, err) : fsm__apply_nomem(err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

fsm_code fsm__apply_close(fsm__store *store, const fsm__instance *in, fsm_arena *arena, fsm_error *err) {
  if (in->key != NULL) {
    fsm__key key = fsm__key_business(in->deployed->number, in->key);
    fsm__store_delete(store, FSM_T_KEYS, key.bytes, key.len);
    fsm__key last = fsm__key_ended(in->deployed->number, in->key), be = {.len = 0};
    fsm__key_u64(&be, in->number);
    fsm__store_put(store, FSM_T_KEYS, last.bytes, last.len, be.bytes, be.len);
  }
  const fsm__key timers = fsm__key_instance(in->number, 't', NULL, 0);
  fsm_code code = timers_drop(store, in->number, &timers, arena, err);
  return code == FSM_OK ? tasks_drop(store, in->number, arena, err) : code;
}

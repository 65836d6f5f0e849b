/* query_tasks.c: open tasks: one by its token, or a page of them.
 *
 * The due table has a row of each open task, in the order of when it may begin or is out of time: those that
 * may begin now stand in front, longest waiting first. Those of one instance stand together in its own rows.
 * Tasks that are child instances are told with their parent, not here. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide.h"
#include "runtime/manifest.h"
#include "runtime/sends.h"
#include "runtime/task_view.h"

enum { DUE_NUMBER = 16, DUE_KIND = 24, DUE_ID = 25 }; /* where they stand in the keys (rows.h) */
enum { PAGE_BYTES_MAX = 8 * 1024 * 1024 };            /* of memory: then a page ends before its limit */

typedef struct page {
  const fsm__reading *at;
  fsm__task_state state; /* FSM_TASK_STATES = any */
  uint64_t of;           /* number of the instance; 0 = of all */
  fsm__items items;
  fsm__key last;
  bool more;
} page;

/* As the writer has it: a clock that was set back closes nothing. */
static int64_t now_of(const fsm__reading *at) {
  const int64_t given_ns = at->core->given_ns;
  return given_ns > at->now_ns ? given_ns : at->now_ns;
}

static fsm_code load(const fsm__reading *at, uint64_t number, fsm_arena *arena, fsm__instance *in,
                     fsm_error *err) {
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, arena, in, err);
  return code == FSM_ENOTFOUND ? fsm_fail(err, FSM_ECORRUPT, "store: instances",
                                          "instance number %llu has no row", (unsigned long long)number)
                               : code;
}

static fsm_code view(const fsm__reading *at, const fsm__instance *in, const fsm__task *task, fsm_value *out,
                     fsm_error *err) {
  const fsm__task_state state = fsm__task_state_of(at->core->services, in, task, now_of(at));
  return fsm__task_view(at->arena, &at->core->origin, in, task, state, fsm__query_mask(at, in), out, err);
}

/* ---- one ---------------------------------------------------------------------------------------- */

fsm_code fsm__query_task(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const char *ref = at->query->ref;
  uint8_t token[16];
  uint64_t number = 0;
  fsm__task task;
  fsm__instance in;
  fsm_code code = FSM_ENOTFOUND;
  if (ref != NULL && fsm__unhex(ref, strlen(ref), token, sizeof token))
    code = fsm__task_with_token(at->core->store, token, at->arena, &number, &task, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ETASK, "token",
                    "no open task has this token: it was answered or cancelled before, or never was");
  if (code == FSM_OK) code = load(at, number, at->arena, &in, err);
  return code == FSM_OK ? view(at, &in, &task, out, err) : code;
}

/* ---- a page ------------------------------------------------------------------------------------- */

static fsm_code read_filter(page *p, fsm_error *err) {
  const fsm_query *q = p->at->query;
  if (q->machine != NULL && fsm__catalog_find(p->at->core->catalog, q->machine, 0) == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%.64s\" is deployed", q->machine);
  if (q->state != NULL) {
    unsigned s = 0;
    while (s < FSM_TASK_STATES && strcmp(q->state, fsm__task_state_name((fsm__task_state)s)) != 0) s++;
    if (s == FSM_TASK_STATES)
      return fsm_fail(err, FSM_EARGUMENT, "state", "\"%.64s\" is no state of a task: open, running, waiting",
                      q->state);
    p->state = (fsm__task_state)s;
  }
  if (q->ref == NULL) return FSM_OK;
  fsm__instance in;
  fsm_code code = fsm__query_resolve(p->at, q->ref, &in, err);
  p->of = code == FSM_OK ? in.number : 0;
  return code;
}

static bool matches(const page *p, const fsm__instance *in, const fsm__task *task) {
  const fsm_query *q = p->at->query;
  if (q->machine != NULL && strcmp(in->deployed->id, q->machine) != 0) return false;
  return p->state == FSM_TASK_STATES ||
         fsm__task_state_of(p->at->core->services, in, task, now_of(p->at)) == p->state;
}

/* Adds the task to the page if it matches; *full when one more would not fit. scratch: until the next one. */
static fsm_code consider(page *p, uint64_t number, const fsm__task *task, const fsm__key *key,
                         fsm_arena *scratch, bool *full, fsm_error *err) {
  const fsm__reading *at = p->at;
  const char *service = at->query->service;
  fsm__instance in;
  fsm_value item;
  if (strcmp(task->service, FSM_SERVICE_MACHINE) == 0) return FSM_OK;
  if (service != NULL && strcmp(task->service, service) != 0) return FSM_OK;
  fsm_code code = load(at, number, scratch, &in, err);
  if (code != FSM_OK || !matches(p, &in, task)) return code;
  if (p->items.count == at->query->limit ||
      (p->items.count > 0 && fsm_arena_used(at->arena) > PAGE_BYTES_MAX)) {
    *full = p->more = true;
    return FSM_OK;
  }
  p->last = *key;
  code = view(at, &in, task, &item, err);
  if (code == FSM_OK) code = fsm_value_copy(at->arena, &item, &item, err); /* parts of it are in scratch */
  if (code == FSM_OK) fsm__items_add(&p->items, item);
  return code;
}

/* One row of the due table; *past: none behind it may begin now. */
static fsm_code due_row(page *p, const fsm__key *key, fsm_arena *scratch, bool *full, bool *past,
                        fsm_error *err) {
  fsm__task task;
  if (key->len <= DUE_ID || key->bytes[DUE_KIND] != 'k') return FSM_OK;
  const int64_t due_ns = (int64_t)fsm__key_read_u64(key->bytes);
  *past = p->state == FSM_TASK_OPEN && due_ns > now_of(p->at);
  if (*past) return FSM_OK;
  const uint64_t number = fsm__key_read_u64(key->bytes + DUE_NUMBER);
  const char *id = fsm_arena_strndup(scratch, (const char *)key->bytes + DUE_ID, key->len - DUE_ID);
  if (id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__task_load(p->at->core->store, number, id, scratch, &task, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: due", "a row is of a task that is not there");
  return code == FSM_OK ? consider(p, number, &task, key, scratch, full, err) : code;
}

static fsm_code own_row(page *p, const fsm__row *row, const fsm__key *key, fsm_arena *scratch, bool *full,
                        fsm_error *err) {
  fsm__task task;
  fsm_code code = fsm__task_read(row, scratch, &task, err);
  return code == FSM_OK ? consider(p, p->of, &task, key, scratch, full, err) : code;
}

static fsm_code seek(const page *p, const fsm__key *prefix, fsm__range *range, fsm_error *err) {
  const char *after = p->at->query->after;
  fsm__key key;
  if (after == NULL) return FSM_OK;
  const size_t len = strlen(after);
  key.len = len / 2;
  if (len == 0 || key.len >= sizeof key.bytes || !fsm__unhex(after, len, key.bytes, key.len) ||
      key.len < prefix->len || memcmp(key.bytes, prefix->bytes, prefix->len) != 0)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", after);
  fsm__key_add(&key, "", 1);
  fsm__range_from(range, key.bytes, key.len);
  return FSM_OK;
}

static fsm_code walk(page *p, fsm_error *err) {
  const fsm__key prefix = p->of != 0 ? fsm__key_instance(p->of, 'k', NULL, 0) : (fsm__key){.len = 0};
  fsm__range range;
  fsm__row row;
  fsm_arena scratch;
  bool found = false, full = false, past = false;
  fsm_arena_init(&scratch, 0);
  fsm__range_open(&range, p->at->core->store, p->of != 0 ? FSM_T_INSTANCES : FSM_T_DUE, prefix.bytes,
                  prefix.len);
  fsm_code code = seek(p, &prefix, &range, err);
  while (code == FSM_OK && !full && !past && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK &&
         found) {
    fsm__key key = {.len = 0}; /* loading invalidates the row */
    fsm__key_add(&key, row.key, row.key_len);
    code = p->of != 0 ? own_row(p, &row, &key, &scratch, &full, err)
                      : due_row(p, &key, &scratch, &full, &past, err);
    fsm_arena_reset(&scratch);
  }
  fsm__range_close(&range);
  fsm_arena_free(&scratch);
  return code;
}

fsm_code fsm__query_tasks(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  page p = {.at = at, .state = FSM_TASK_STATES, .items = {.arena = at->arena}};
  fsm_code code = read_filter(&p, err);
  if (code == FSM_OK) code = walk(&p, err);
  if (code != FSM_OK) return code;
  char *next = p.more ? fsm_arena_alloc(at->arena, 2 * p.last.len + 1) : NULL;
  if (p.items.failed || (p.more && next == NULL))
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (next != NULL) fsm__hex(p.last.bytes, p.last.len, next);
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(p.items.items, p.items.count));
  fsm__document_put(&d, "next", next != NULL ? fsm_string(next) : fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

/* query_timers.c: timers that are set, in the order in which they are due. What is late is so at the time of
 * the first page, which the cursor keeps, on all of them.
 *
 * The due table has a row of each, in that order, over all instances; those of one instance are put into it
 * here. A page looks at TIMERS_LOOK_MAX rows: it may be short, or empty, and have a next. */
#include <stdlib.h>
#include <string.h>

#include "runtime/query_page.h"

enum { DUE_ORDER = 8, DUE_NUMBER = 16, DUE_KIND = 24, DUE_ID = 25 }; /* in the keys (rows.h) */
enum { TIMERS_LOOK_MAX = 16384 };

typedef struct page {
  const fsm__reading *at;
  uint64_t of; /* number of the instance; 0 = of all */
  int64_t now_ns;
  uint64_t mark; /* of the question */
  fsm__items items;
  fsm__key last; /* looked at */
  bool more;
} page;

static bool is_more(const page *p, unsigned looked) {
  return p->items.count == p->at->query->limit || looked == TIMERS_LOOK_MAX;
}

static fsm_code view(const page *p, const fsm__instance *in, const fsm__timer *timer, fsm_value *out,
                     fsm_error *err) {
  fsm__document d = {.arena = p->at->arena};
  const bool late = timer->due_ns <= p->now_ns;
  fsm__document_text(&d, "id", timer->id);
  fsm__document_text(&d, "event", timer->event);
  fsm__document_text(&d, "instance", in->id);
  fsm__document_text(&d, "key", in->key);
  fsm__document_text(&d, "machine", in->deployed->id);
  fsm__document_put(&d, "version", fsm_int(in->deployed->version));
  fsm__document_text(&d, "status", fsm__status_name(in->status));
  if (in->forced) fsm__document_put(&d, "forced", fsm_bool(true));
  fsm__document_time(&d, "due", timer->due_ns);
  fsm__document_put(&d, "late", fsm_bool(late));
  fsm__document_put(&d, late ? "overdue_ns" : "left_ns",
                    fsm_int(late ? p->now_ns - timer->due_ns : timer->due_ns - p->now_ns));
  fsm__document_put(&d, "set", fsm_int((int64_t)timer->seq));
  return fsm__document_map(&d, out, err);
}

/* The timer of a key of the due table, into the page if it is wanted. scratch: until the next one. */
static fsm_code consider(page *p, const fsm__key *key, fsm_arena *scratch, fsm_error *err) {
  const fsm__core *core = p->at->core;
  const char *machine = p->at->query->machine;
  const uint64_t number = fsm__key_read_u64(key->bytes + DUE_NUMBER);
  const char *id = fsm_arena_strndup(scratch, (const char *)key->bytes + DUE_ID, key->len - DUE_ID);
  fsm__instance in;
  fsm__timer timer;
  fsm_value item;
  if (id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__instance_load(core->store, core->catalog, number, scratch, &in, err);
  if (code == FSM_OK && machine != NULL && strcmp(in.deployed->id, machine) != 0) return FSM_OK;
  if (code == FSM_OK)
    code = fsm__timer_load_from(core->store, number, id, fsm__key_read_u64(key->bytes + DUE_ORDER), scratch,
                                &timer, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: due", "a row is of a timer that is not there");
  if (code == FSM_OK) code = view(p, &in, &timer, &item, err);
  if (code == FSM_OK) code = fsm_value_copy(p->at->arena, &item, &item, err); /* parts are in scratch */
  if (code == FSM_OK) fsm__items_add(&p->items, item);
  return code;
}

/* ---- of all --------------------------------------------------------------------------------------- */

static fsm_code of_all(page *p, const fsm__key *after, fsm_arena *scratch, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  unsigned looked = 0;
  fsm_code code = FSM_OK;
  fsm__range_open(&range, p->at->core->store, FSM_T_DUE, NULL, 0);
  if (after->len > 0) fsm__range_from(&range, after->bytes, after->len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__key key = {.len = 0}; /* loading invalidates the row */
    if (is_more(p, looked)) {
      p->more = true;
      break;
    }
    looked++;
    fsm__key_add(&key, row.key, row.key_len);
    const bool is_late = (int64_t)fsm__key_read_u64(key.bytes) <= p->now_ns;
    if (p->at->query->late && !is_late) break; /* none behind it is */
    p->last = key;
    if (key.len <= DUE_ID || key.bytes[DUE_KIND] != 't') continue;
    if ((code = consider(p, &key, scratch, err)) != FSM_OK) break;
    fsm_arena_reset(scratch);
  }
  fsm__range_close(&range);
  return code;
}

/* ---- of one instance ------------------------------------------------------------------------------ */

static int by_key(const void *a, const void *b) {
  const fsm__key *x = *(fsm__key *const *)a, *y = *(fsm__key *const *)b;
  return fsm__keys_compare(x->bytes, x->len, y->bytes, y->len);
}

/* Where its timers stand in the due table, in order. */
static fsm_code own_keys(const page *p, fsm_arena *scratch, fsm__key ***out, size_t *count, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(p->of, 't', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  size_t cap = 0;
  fsm_code code;
  fsm__range_open(&range, p->at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__timer timer;
    code = fsm__timer_read(&row, scratch, &timer, err);
    if (code != FSM_OK) break;
    if (*count == cap) {
      fsm__key **grown = realloc(*out, (cap = cap ? 2 * cap : 16) * sizeof *grown);
      if (grown == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
      if (grown == NULL) break;
      *out = grown;
    }
    fsm__key *key = fsm_arena_alloc(scratch, sizeof *key);
    if (key == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (key == NULL) break;
    *key = fsm__key_due_timer(p->of, &timer);
    (*out)[(*count)++] = key;
  }
  fsm__range_close(&range);
  if (code == FSM_OK && *count > 1) qsort(*out, *count, sizeof **out, by_key);
  return code;
}

static fsm_code of_one(page *p, const fsm__key *after, fsm_arena *scratch, fsm_error *err) {
  fsm__key **keys = NULL;
  size_t count = 0;
  fsm_code code = own_keys(p, scratch, &keys, &count, err);
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    const bool is_late = (int64_t)fsm__key_read_u64(keys[i]->bytes) <= p->now_ns;
    if (after->len > 0 && fsm__keys_compare(keys[i]->bytes, keys[i]->len, after->bytes, after->len) < 0)
      continue;
    if (p->at->query->late && !is_late) break;
    if ((p->more = is_more(p, 0))) break;
    p->last = *keys[i];
    code = consider(p, keys[i], scratch, err);
  }
  free(keys);
  return code;
}

/* ---- the page ------------------------------------------------------------------------------------- */

static fsm_code mark_of(page *p, fsm_error *err) {
  const fsm_query *q = p->at->query;
  const char *text = fsm_arena_printf(p->at->arena, "timers %llu %d %s", (unsigned long long)p->of, q->late,
                                      q->machine != NULL ? q->machine : "");
  if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  p->mark = fsm__key_read_u64(fsm__sha256(text, strlen(text)).bytes);
  return FSM_OK;
}

static fsm_code read_after(page *p, fsm__key *out, fsm_error *err) {
  const char *after = p->at->query->after;
  uint64_t mark = 0;
  out->len = 0;
  fsm_code code = mark_of(p, err);
  if (code != FSM_OK || after == NULL) return code;
  if (!fsm__cursor_read(after, &mark, &p->now_ns, out) || out->len < DUE_ID)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", after);
  if (mark != p->mark)
    return fsm_fail(err, FSM_EARGUMENT, "after",
                    "it is the next page of another list: begin without it, or ask as before");
  fsm__key_add(out, "", 1); /* behind it */
  return FSM_OK;
}

static fsm_code open_page(page *p, fsm__key *after, fsm_error *err) {
  const fsm_query *q = p->at->query;
  fsm__instance in;
  if (q->machine != NULL && fsm__catalog_find(p->at->core->catalog, q->machine, 0) == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%.64s\" is deployed", q->machine);
  fsm_code code = q->ref != NULL ? fsm__query_resolve(p->at, q->ref, &in, err) : FSM_OK;
  if (code == FSM_OK && q->ref != NULL) p->of = in.number;
  return code == FSM_OK ? read_after(p, after, err) : code;
}

fsm_code fsm__query_timers(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const int64_t given_ns = at->core->given_ns; /* a clock that was set back makes nothing early */
  page p = {.at = at, .now_ns = given_ns > at->now_ns ? given_ns : at->now_ns, .items = {.arena = at->arena}};
  fsm__key after;
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  fsm_code code = open_page(&p, &after, err);
  if (code == FSM_OK)
    code = p.of != 0 ? of_one(&p, &after, &scratch, err) : of_all(&p, &after, &scratch, err);
  fsm_arena_free(&scratch);
  if (code != FSM_OK) return code;
  const char *next = p.more ? fsm__cursor_text(at->arena, p.mark, p.now_ns, &p.last) : NULL;
  if (p.items.failed || (p.more && next == NULL))
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(p.items.items, p.items.count));
  fsm__document_put(&d, "next", next != NULL ? fsm_string(next) : fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  fsm__document_time(&d, "now", p.now_ns);
  return fsm__document_map(&d, out, err);
}

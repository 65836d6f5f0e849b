/* query_list.c: many instances: lists, the stuck ones, counts by state.
 *
 * by_state is ordered by machine, state, since: the longest-held come first, so `stuck` is a walk of the
 * index that stops at the first row that is too young. A page ends at its limit; `next` is the key to go on
 * behind, in hex. */
#include <stdlib.h>
#include <string.h>

#include "runtime/query.h"

/* Without what was tried, which may be large. */
static void put_incident(fsm__document *d, const fsm_value *incident) {
  static const char *const names[] = {"reason", "seq", "text"};
  fsm__document brief = {.arena = d->arena};
  fsm_value view;
  for (unsigned i = 0; i < 3; i++) {
    const fsm_value *value = fsm_map_get(incident, names[i]);
    if (value != NULL) fsm__document_put(&brief, names[i], *value);
  }
  if (fsm__document_map(&brief, &view, NULL) == FSM_OK)
    fsm__document_put(d, "incident", view);
  else
    d->failed = true;
}

fsm_code fsm__query_row(const fsm__reading *at, const fsm__instance *in, fsm_value *out, fsm_error *err) {
  int64_t since = INT64_MAX;
  fsm__items states = {.arena = at->arena};
  for (unsigned i = 0; i < in->active_count; i++) {
    if (!fsm_state_is_leaf(in->deployed->machine, in->active[i].state)) continue;
    fsm__items_add(&states, fsm_string(fsm_state_path(in->deployed->machine, in->active[i].state)));
    if (in->active[i].ns < since) since = in->active[i].ns;
  }
  if (states.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "id", in->id);
  fsm__document_text(&d, "key", in->key);
  fsm__document_text(&d, "machine", in->deployed->id);
  fsm__document_put(&d, "version", fsm_int(in->deployed->version));
  fsm__document_put(&d, "state", fsm_list(states.items, states.count));
  fsm__document_text(&d, "status", fsm__status_name(in->status));
  fsm__document_time(&d, "since", since);
  fsm__document_put(&d, "for_ns", fsm_int(at->now_ns > since ? at->now_ns - since : 0));
  fsm__document_put(&d, "rev", fsm_int((int64_t)in->rev));
  if (in->forced) fsm__document_put(&d, "forced", fsm_bool(true));
  if (fsm_is(&in->incident, FSM_MAP)) {
    fsm_value incident;
    fsm_code code = fsm_mask_detail(at->arena, fsm__query_mask(at, in), &in->incident, &incident, err);
    if (code != FSM_OK) return code;
    put_incident(&d, &incident);
  }
  return fsm__document_map(&d, out, err);
}

/* ---- pages -------------------------------------------------------------------------------------- */

typedef struct page {
  const fsm__reading *at;
  fsm__items items;
  fsm__key last; /* of the last item */
  bool more;
} page;

static bool key_from_hex(const char *hex, fsm__key *out) {
  size_t len = strlen(hex);
  out->len = 0;
  if (len % 2 != 0 || len / 2 > sizeof out->bytes) return false;
  for (size_t i = 0; i < len; i++) {
    const char *digits = "0123456789abcdef", *digit = strchr(digits, hex[i]);
    if (digit == NULL) return false;
    uint8_t nibble = (uint8_t)(digit - digits);
    if (i % 2 == 0)
      out->bytes[i / 2] = (uint8_t)(nibble << 4);
    else
      out->bytes[i / 2] |= nibble;
  }
  out->len = len / 2;
  return true;
}

/* Goes on behind the key of `after`. */
static fsm_code page_seek(const page *p, fsm__range *range, fsm_error *err) {
  fsm__key key;
  if (p->at->query->after == NULL) return FSM_OK;
  if (!key_from_hex(p->at->query->after, &key) || key.len >= sizeof key.bytes)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", p->at->query->after);
  fsm__key_add(&key, "", 1);
  fsm__range_from(range, key.bytes, key.len);
  return FSM_OK;
}

static fsm_code page_document(page *p, fsm_value *out, fsm_error *err) {
  const fsm__reading *at = p->at;
  fsm__document d = {.arena = at->arena};
  if (p->items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document_put(&d, "items", fsm_list(p->items.items, p->items.count));
  char *next = p->more ? fsm_arena_alloc(at->arena, 2 * p->last.len + 1) : NULL;
  if (p->more && next == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (next != NULL) fsm__hex(p->last.bytes, p->last.len, next);
  fsm__document_put(&d, "next", next ? fsm_string(next) : fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

/* ---- filters ------------------------------------------------------------------------------------ */

static bool in_state(const fsm__instance *in, const char *wanted) {
  for (unsigned i = 0; i < in->active_count; i++)
    if (fsm__state_matches(fsm_state_path(in->deployed->machine, in->active[i].state), wanted)) return true;
  return false;
}

static int64_t longest_ns(const fsm__reading *at, const fsm__instance *in) {
  int64_t since = at->now_ns;
  for (unsigned i = 0; i < in->active_count; i++)
    if (fsm_state_is_leaf(in->deployed->machine, in->active[i].state) && in->active[i].ns < since)
      since = in->active[i].ns;
  return at->now_ns - since;
}

static bool status_matches(const fsm__instance *in, const char *wanted) {
  if (wanted == NULL) return true;
  if (strcmp(wanted, "open") == 0) return fsm__status_open(in->status);
  return strcmp(fsm__status_name(in->status), wanted) == 0;
}

static bool matches(const fsm__reading *at, const fsm__instance *in) {
  const fsm_query *q = at->query;
  if (q->machine != NULL && strcmp(in->deployed->id, q->machine) != 0) return false;
  if (q->version != 0 && in->deployed->version != q->version) return false;
  if (!status_matches(in, q->status)) return false;
  if (q->key != NULL && (in->key == NULL || strcmp(in->key, q->key) != 0)) return false;
  if (q->state != NULL && !in_state(in, q->state)) return false;
  return q->for_ns == 0 || longest_ns(at, in) >= q->for_ns;
}

/* Does any version of the machine (of any machine) have a state that this names? */
static fsm_code known_state(const fsm__reading *at, const char *machine, const char *wanted, bool *known,
                            fsm_error *err) {
  const fsm__deployed *newest = NULL;
  *known = false;
  for (unsigned i = 0; !*known && (newest = fsm__catalog_newest(at->core->catalog, i)) != NULL; i++) {
    if (machine != NULL && strcmp(newest->id, machine) != 0) continue;
    for (uint32_t v = newest->version; !*known && v >= 1; v--) {
      const fsm__deployed *d = fsm__catalog_find(at->core->catalog, newest->id, v);
      fsm_code code = d == NULL ? FSM_OK : fsm__catalog_need(at->core->catalog, d, err);
      if (code != FSM_OK) return code;
      for (unsigned s = 1; d != NULL && !*known && s < fsm_machine_states(d->machine); s++)
        *known = fsm__state_matches(fsm_state_path(d->machine, s), wanted);
    }
  }
  return FSM_OK;
}

static fsm_code check_state(const fsm__reading *at, fsm_error *err) {
  const fsm_query *q = at->query;
  bool known = true;
  if (q->state == NULL) return FSM_OK;
  fsm_code code = known_state(at, q->machine, q->state, &known, err);
  if (code != FSM_OK || known) return code;
  if (q->machine == NULL)
    return fsm_fail(err, FSM_ENOTFOUND, "state", "no deployed machine has a state \"%.128s\"", q->state);
  return fsm_fail(err, FSM_ENOTFOUND, "state", "machine %s has no state \"%.128s\"", q->machine, q->state);
}

static fsm_code check_filter(const fsm__reading *at, fsm_error *err) {
  const fsm_query *q = at->query;
  if (q->machine != NULL && fsm__catalog_find(at->core->catalog, q->machine, 0) == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", q->machine);
  fsm_code code = check_state(at, err);
  if (code != FSM_OK || q->status == NULL || strcmp(q->status, "open") == 0) return code;
  for (unsigned s = 0; s < FSM_STATUS_COUNT; s++)
    if (strcmp(q->status, fsm__status_name((fsm__status)s)) == 0) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "status",
                  "\"%.64s\" is no status: open, running, paused, incident, completed, cancelled", q->status);
}

/* Is this the leaf in which it has waited longest, of those that are wanted? An instance in several is told
 * once. Another version of its machine may call a compound or final state so. */
static bool waits_longest_in(const fsm__instance *in, uint32_t name, const char *wanted) {
  const fsm__deployed *d = in->deployed;
  const fsm__since *first = NULL;
  for (unsigned i = 0; i < in->active_count; i++) {
    const fsm__since *active = &in->active[i];
    unsigned s = active->state;
    if (s == 0 || !fsm_state_is_leaf(d->machine, s) || fsm_state_kind(d->machine, s) == FSM_FINAL) continue;
    if (wanted != NULL && !fsm__state_matches(fsm_state_path(d->machine, s), wanted)) continue;
    if (first == NULL || active->ns < first->ns ||
        (active->ns == first->ns && d->names[s] < d->names[first->state]))
      first = active;
  }
  return first != NULL && d->names[first->state] == name;
}

static fsm_code load(const fsm__reading *at, uint64_t number, fsm_arena *arena, fsm__instance *out,
                     fsm_error *err) {
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, arena, out, err);
  return code == FSM_ENOTFOUND ? fsm_fail(err, FSM_ECORRUPT, "store: instances",
                                          "instance number %llu has no row", (unsigned long long)number)
                               : code;
}

/* Adds the instance to the page if it matches (leaf 0 = wherever it is); *full when one more would not fit.
 */
static fsm_code consider(page *p, uint64_t number, uint32_t leaf, const fsm__row *row, fsm_arena *scratch,
                         bool *full, fsm_error *err) {
  const fsm__reading *at = p->at;
  fsm__instance in;
  fsm_code code = load(at, number, scratch, &in, err);
  if (code != FSM_OK || (leaf != 0 && !waits_longest_in(&in, leaf, at->query->state)) || !matches(at, &in))
    return code;
  if (p->items.count == at->query->limit) {
    *full = p->more = true;
    return FSM_OK;
  }
  p->last.len = 0;
  fsm__key_add(&p->last, row->key, row->key_len);
  code = load(at, number, at->arena, &in, err);
  fsm_value view;
  if (code == FSM_OK) code = fsm__query_row(at, &in, &view, err);
  if (code == FSM_OK) fsm__items_add(&p->items, view);
  return code;
}

/* ---- list: in order of creation ----------------------------------------------------------------- */

fsm_code fsm__query_list(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  page p = {.at = at, .items = {.arena = at->arena}};
  fsm__range range;
  fsm__row row;
  bool found = false, full = false;
  fsm_arena scratch;
  fsm_code code = check_filter(at, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&scratch, 0);
  fsm__range_open(&range, at->core->store, FSM_T_INSTANCES, NULL, 0);
  code = page_seek(&p, &range, err);
  while (code == FSM_OK && !full && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    if (row.key_len == 9 && ((const char *)row.key)[8] == 's') {
      fsm__key key = {.len = 0}; /* loading invalidates the row */
      fsm__key_add(&key, row.key, row.key_len);
      row.key = key.bytes;
      code = consider(&p, fsm__key_read_u64(key.bytes), 0, &row, &scratch, &full, err);
    }
    fsm_arena_reset(&scratch);
  }
  fsm__range_close(&range);
  fsm_arena_free(&scratch);
  return code == FSM_OK ? page_document(&p, out, err) : code;
}

/* ---- stuck: longest in its state first ---------------------------------------------------------- */

/* A place in by_state: one (machine, state) interval, at its next row. */
typedef struct lane {
  fsm__range range;
  fsm__key head;
  int64_t since_ns;
  bool live;
} lane;

static fsm_code lane_next(lane *l, fsm_error *err) {
  fsm__row row;
  bool found = false;
  fsm_code code = fsm__range_next(&l->range, &row, &found, err);
  l->live = code == FSM_OK && found && row.key_len == 24;
  if (!l->live) return code;
  l->head.len = 0;
  fsm__key_add(&l->head, row.key, row.key_len);
  l->since_ns = (int64_t)fsm__key_read_u64(l->head.bytes + 8);
  return FSM_OK;
}

/* Is the name a leaf that is not final in some version of the machine, and wanted? */
static fsm_code lane_wanted(const fsm__reading *at, const fsm__deployed *newest, uint32_t name, bool *wanted,
                            fsm_error *err) {
  *wanted = false;
  for (uint32_t v = newest->version; v >= 1 && !*wanted; v--) {
    const fsm__deployed *d = fsm__catalog_find(at->core->catalog, newest->id, v);
    fsm_code code = d != NULL ? fsm__catalog_need(at->core->catalog, d, err) : FSM_OK;
    if (code != FSM_OK || d == NULL) return code;
    for (unsigned s = 1; s < fsm_machine_states(d->machine); s++)
      if (d->names[s] == name && fsm_state_is_leaf(d->machine, s) &&
          fsm_state_kind(d->machine, s) != FSM_FINAL &&
          (at->query->state == NULL || fsm__state_matches(fsm_state_path(d->machine, s), at->query->state)))
        *wanted = true;
  }
  return FSM_OK;
}

typedef struct lanes {
  lane *at;
  unsigned count, cap;
} lanes;

static fsm_code lane_add(const fsm__reading *at, lanes *all, uint32_t machine, uint32_t name,
                         fsm_error *err) {
  if (all->count == all->cap) {
    unsigned cap = all->cap ? all->cap * 2 : 16;
    lane *grown = fsm_arena_alloc(at->arena, cap * sizeof *grown);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (all->count > 0) memcpy(grown, all->at, all->count * sizeof *grown);
    all->at = grown;
    all->cap = cap;
  }
  fsm__key prefix = {.len = 0};
  fsm__key_u32(&prefix, machine);
  fsm__key_u32(&prefix, name);
  fsm__range_open(&all->at[all->count++].range, at->core->store, FSM_T_BY_STATE, prefix.bytes, prefix.len);
  return FSM_OK;
}

/* The intervals to merge: found by hopping from one (machine, name) to the next. */
static fsm_code open_lanes(const fsm__reading *at, lanes *all, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    uint32_t machine = fsm__key_read_u32(row.key), name = fsm__key_read_u32((const uint8_t *)row.key + 4);
    const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, machine, 0);
    bool wanted = false;
    if (newest != NULL && (at->query->machine == NULL || strcmp(at->query->machine, newest->id) == 0))
      code = lane_wanted(at, newest, name, &wanted, err);
    if (code == FSM_OK && wanted) code = lane_add(at, all, machine, name, err);
    if (code != FSM_OK || (name == UINT32_MAX && machine == UINT32_MAX)) break;
    fsm__key beyond = {.len = 0};
    fsm__key_u32(&beyond, name == UINT32_MAX ? machine + 1 : machine);
    fsm__key_u32(&beyond, name + 1);
    fsm__range_from(&range, beyond.bytes, beyond.len);
  }
  fsm__range_close(&range);
  return code;
}

/* `after` orders across lanes as the page did: by since, then by the key. */
static bool lane_before(const lane *a, const lane *b) {
  if (a->since_ns != b->since_ns) return a->since_ns < b->since_ns;
  return memcmp(a->head.bytes, b->head.bytes, a->head.len) < 0;
}

static fsm_code skip_to_after(const fsm__reading *at, lanes *all, fsm_error *err) {
  lane mark = {.live = true};
  if (at->query->after != NULL) {
    if (!key_from_hex(at->query->after, &mark.head) || mark.head.len != 24)
      return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", at->query->after);
    mark.since_ns = (int64_t)fsm__key_read_u64(mark.head.bytes + 8);
  }
  for (unsigned i = 0; i < all->count; i++) {
    lane *l = &all->at[i];
    if (at->query->after != NULL) { /* whatever is older was shown */
      fsm__key from = {.len = 0};
      fsm__key_add(&from, l->range.prefix, l->range.prefix_len);
      fsm__key_u64(&from, (uint64_t)mark.since_ns);
      fsm__range_from(&l->range, from.bytes, from.len);
    }
    fsm_code code = lane_next(l, err);
    while (code == FSM_OK && at->query->after != NULL && l->live && !lane_before(&mark, l))
      code = lane_next(l, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

static lane *oldest(lanes *all) {
  lane *best = NULL;
  for (unsigned i = 0; i < all->count; i++)
    if (all->at[i].live && (best == NULL || lane_before(&all->at[i], best))) best = &all->at[i];
  return best;
}

fsm_code fsm__query_stuck(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  page p = {.at = at, .items = {.arena = at->arena}};
  lanes all = {.count = 0};
  fsm_arena scratch;
  fsm_query open_only = *at->query;
  if (open_only.status == NULL) open_only.status = "open";
  fsm__reading open_at = *at;
  open_at.query = &open_only;
  p.at = &open_at;
  fsm_code code = check_filter(&open_at, err);
  if (code == FSM_OK) code = open_lanes(at, &all, err);
  if (code == FSM_OK) code = skip_to_after(at, &all, err);
  fsm_arena_init(&scratch, 0);
  for (bool full = false; code == FSM_OK && !full;) {
    lane *l = oldest(&all);
    if (l == NULL || at->now_ns - l->since_ns < at->query->for_ns) break; /* the rest is younger still */
    const fsm__row row = {.key = l->head.bytes, .key_len = (uint32_t)l->head.len};
    const uint32_t leaf = fsm__key_read_u32(l->head.bytes + 4);
    code = consider(&p, fsm__key_read_u64(l->head.bytes + 16), leaf, &row, &scratch, &full, err);
    fsm_arena_reset(&scratch);
    if (code == FSM_OK && !full) code = lane_next(l, err);
  }
  fsm_arena_free(&scratch);
  for (unsigned i = 0; i < all.count; i++) fsm__range_close(&all.at[i].range);
  return code == FSM_OK ? page_document(&p, out, err) : code;
}

/* ---- counts ------------------------------------------------------------------------------------- */

static fsm_code count_view(const fsm__reading *at, uint32_t machine, uint32_t name, uint64_t count,
                           fsm__items *items, fsm_error *err) {
  const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, machine, 0);
  if (newest == NULL || count == 0) return FSM_OK;
  if (at->query->machine != NULL && strcmp(at->query->machine, newest->id) != 0) return FSM_OK;
  fsm__document d = {.arena = at->arena};
  fsm_value view;
  const char *state = NULL;
  fsm_code code = fsm__name_text(at->core->store, name, at->arena, &state, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&d, "machine", newest->id);
  fsm__document_text(&d, "state", state);
  fsm__document_put(&d, "count", fsm_int((int64_t)count));
  code = fsm__document_map(&d, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

fsm_code fsm__query_counts(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  fsm__range range;
  fsm__row row;
  bool found = false;
  uint32_t machine = 0, name = 0;
  uint64_t count = 0;
  fsm_code code = check_filter(at, err);
  if (code != FSM_OK) return code;
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    uint32_t m = fsm__key_read_u32(row.key), n = fsm__key_read_u32((const uint8_t *)row.key + 4);
    if (m != machine || n != name) {
      code = count_view(at, machine, name, count, &items, err);
      if (code != FSM_OK) break;
      machine = m, name = n, count = 0;
    }
    count++;
  }
  fsm__range_close(&range);
  if (code == FSM_OK) code = count_view(at, machine, name, count, &items, err);
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

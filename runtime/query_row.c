/* query_row.c: an instance as a row of a list. See query_row.h. */
#include "runtime/query_row.h"

#include <string.h>

#include "runtime/query_row_impl.h"

static const char *const with_names[FSM__WITH_COUNT] = {
#define X(symbol, name) name,
    FSM__WITHS(X)
#undef X
};

fsm_code fsm__with_read(const char *text, uint32_t *out, fsm_error *err) {
  *out = 0;
  for (bool last = text == NULL; !last;) {
    const size_t len = strcspn(text, ",");
    unsigned i = 0;
    while (i < FSM__WITH_COUNT && (strlen(with_names[i]) != len || memcmp(with_names[i], text, len) != 0))
      i++;
    if (i == FSM__WITH_COUNT)
      return fsm_fail(err, FSM_EARGUMENT, "with",
                      "\"%.*s\" cannot be had with a row: kind, sla, waits, who, last, parent",
                      len < 64 ? (int)len : 64, text);
    *out |= 1u << i;
    last = text[len] == 0;
    text += len + !last;
  }
  return FSM_OK;
}

/* ---- parts ---------------------------------------------------------------------------------------- */

void fsm__row_list(fsm__document *d, const char *name, const fsm__items *items) {
  d->failed |= items->failed;
  if (!items->failed) fsm__document_put(d, name, fsm_list(items->items, items->count));
}

void fsm__row_map(fsm__document *d, const char *name, fsm__document *map) {
  fsm_value view;
  if (fsm__document_map(map, &view, NULL) == FSM_OK)
    fsm__document_put(d, name, view);
  else
    d->failed = true;
}

/* ---- what every row has ---------------------------------------------------------------------------- */

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

static void put_states(const fsm__reading *at, const fsm__instance *in, int64_t now_ns, fsm__document *d) {
  int64_t since = INT64_MAX;
  fsm__items states = {.arena = at->arena};
  for (unsigned i = 0; i < in->active_count; i++) {
    if (!fsm_state_is_leaf(in->deployed->machine, in->active[i].state)) continue;
    fsm__items_add(&states, fsm_string(fsm_state_path(in->deployed->machine, in->active[i].state)));
    if (in->active[i].ns < since) since = in->active[i].ns;
  }
  d->failed |= states.failed;
  if (states.failed) return;
  fsm__document_put(d, "state", fsm_list(states.items, states.count));
  fsm__document_time(d, "since", since);
  fsm__document_put(d, "for_ns", fsm_int(now_ns > since ? now_ns - since : 0));
}

/* ---- kind, sla ---------------------------------------------------------------------------------------- */

static fsm_code put_kinds(fsm__sieve *sieve, const fsm__instance *in, fsm__document *d, fsm_error *err) {
  const uint32_t all = FSM__KIND_ANY | (sieve->kinds & FSM__KIND_SILENT);
  fsm__items items = {.arena = d->arena};
  fsm__glance glance;
  uint32_t kinds = 0;
  fsm_code code = fsm__sieve_load(sieve, in->number, d->arena, &glance, err);
  if (code == FSM_OK) code = fsm__sieve_kinds(sieve, &glance, all, d->arena, &kinds, err);
  if (code != FSM_OK) return code;
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++)
    if (kinds >> i & 1) fsm__items_add(&items, fsm_string(fsm__trouble_name((fsm__kind)i)));
  fsm__row_list(d, "kind", &items);
  return FSM_OK;
}

static void put_sla(const fsm__sieve *sieve, const fsm__instance *in, fsm__document *d) {
  const fsm__sla sla = fsm__sla_of(in->deployed, in->status, in->active, in->active_count, in->created_ns);
  fsm__document map = {.arena = d->arena};
  if (sla.due_ns == INT64_MAX) return;
  const bool over = sla.due_ns <= sieve->now_ns;
  fsm__document_time(&map, "due", sla.due_ns);
  if (sla.state != 0) fsm__document_text(&map, "state", fsm_state_path(in->deployed->machine, sla.state));
  fsm__document_put(&map, over ? "overdue_ns" : "left_ns",
                    fsm_int(over ? sieve->now_ns - sla.due_ns : sla.due_ns - sieve->now_ns));
  fsm__row_map(d, "sla", &map);
}

/* ---- last -----------------------------------------------------------------------------------------------
 */

static fsm_code put_last(const fsm__reading *at, const fsm__instance *in, fsm__document *d, fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record record;
  fsm__document map = {.arena = d->arena};
  fsm_code code = fsm__journal_cursor_open(at->core->journal, in->last_seq, &cursor, err);
  if (code == FSM_OK) code = fsm__journal_read(cursor, in->last_seq, &entry, err);
  if (code == FSM_OK) code = fsm__query_decode(at, &entry, true, &record, err);
  fsm__journal_cursor_close(cursor);
  if (code == FSM_ENOTFOUND) return FSM_OK; /* archived */
  if (code != FSM_OK) return code;
  const fsm_value *by = fsm_map_get(&record.act, "sub");
  fsm__document_text(&map, "kind", fsm_record_kind_name(record.kind));
  if (record.trigger != NULL && record.trigger[0] != '\0') fsm__document_text(&map, "event", record.trigger);
  fsm__document_time(&map, "time", record.time_ns);
  if (by != NULL) fsm__document_put(&map, "by", *by);
  fsm__row_map(d, "last", &map);
  return FSM_OK;
}

/* ---- the row ----------------------------------------------------------------------------------------------
 */

static fsm_code put_parent(const fsm__reading *at, const fsm__instance *in, fsm__document *d,
                           fsm_error *err) {
  fsm_value parent;
  fsm_code code = fsm__query_parent(at, in, &parent, err);
  if (code == FSM_OK) fsm__document_put(d, "parent", parent);
  return code;
}

static fsm_code put_more(fsm__sieve *sieve, const fsm__instance *in, uint32_t with, fsm__document *d,
                         fsm_error *err) {
  const bool looks = (with & (FSM__WITH_WAITS | FSM__WITH_WHO)) != 0 && fsm__status_open(in->status);
  fsm__mobility mobility;
  fsm_code code = FSM_OK;
  if ((with & FSM__WITH_SLA) != 0) put_sla(sieve, in, d);
  if ((with & FSM__WITH_KIND) != 0) code = put_kinds(sieve, in, d, err);
  if (code == FSM_OK && looks) code = fsm__mobility_of(sieve->at->core->store, in, d->arena, &mobility, err);
  if (code == FSM_OK && looks && (with & FSM__WITH_WAITS) != 0)
    code = fsm__row_waits(sieve->at, in, &mobility, d, err);
  if (code == FSM_OK && looks && (with & FSM__WITH_WHO) != 0)
    code = fsm__row_who(sieve, in, &mobility, d, err);
  if (code == FSM_OK && (with & FSM__WITH_LAST) != 0) code = put_last(sieve->at, in, d, err);
  if (code == FSM_OK && (with & FSM__WITH_PARENT) != 0 && in->has_parent)
    code = put_parent(sieve->at, in, d, err);
  return code;
}

static fsm_code put_row(const fsm__reading *at, const fsm__instance *in, int64_t now_ns, fsm__document *d,
                        fsm_error *err) {
  fsm_value incident;
  fsm__document_text(d, "id", in->id);
  fsm__document_text(d, "key", in->key);
  fsm__document_text(d, "machine", in->deployed->id);
  fsm__document_put(d, "version", fsm_int(in->deployed->version));
  put_states(at, in, now_ns, d);
  fsm__document_text(d, "status", fsm__status_name(in->status));
  fsm__document_put(d, "rev", fsm_int((int64_t)in->rev));
  if (in->forced) fsm__document_put(d, "forced", fsm_bool(true));
  if (!fsm_is(&in->incident, FSM_MAP)) return FSM_OK;
  fsm_code code = fsm_mask_detail(at->arena, fsm__query_mask(at, in), &in->incident, &incident, err);
  if (code == FSM_OK) put_incident(d, &incident);
  return code;
}

fsm_code fsm__query_row(const fsm__reading *at, const fsm__instance *in, fsm_value *out, fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  fsm_code code = put_row(at, in, at->now_ns, &d, err);
  return code == FSM_OK ? fsm__document_map(&d, out, err) : code;
}

fsm_code fsm__query_row_with(fsm__sieve *sieve, const fsm__instance *in, uint32_t with, fsm_value *out,
                             fsm_error *err) {
  fsm__document d = {.arena = sieve->at->arena};
  fsm_code code = put_row(sieve->at, in, sieve->now_ns, &d, err);
  if (code == FSM_OK && with != 0) code = put_more(sieve, in, with, &d, err);
  return code == FSM_OK ? fsm__document_map(&d, out, err) : code;
}

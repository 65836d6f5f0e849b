/* query_row.c: an instance as a row of a list. See query_row.h. */
#include "runtime/query_row.h"

#include <string.h>

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

static void put_list(fsm__document *d, const char *name, const fsm__items *items) {
  d->failed |= items->failed;
  if (!items->failed) fsm__document_put(d, name, fsm_list(items->items, items->count));
}

static void put_map(fsm__document *d, const char *name, fsm__document *map) {
  fsm_value view;
  if (fsm__document_map(map, &view, NULL) == FSM_OK)
    fsm__document_put(d, name, view);
  else
    d->failed = true;
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
  put_list(d, "kind", &items);
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
  put_map(d, "sla", &map);
}

/* ---- waits --------------------------------------------------------------------------------------------- */

static void add_wait(fsm__items *items, const char *what, const char *name, int64_t due_ns) {
  fsm__document map = {.arena = items->arena};
  fsm_value view;
  if (items->count >= FSM__ROW_WAITS_MAX) return;
  fsm__document_text(&map, "what", what);
  fsm__document_text(&map, "name", name);
  if (due_ns != 0) fsm__document_time(&map, "due", due_ns);
  if (fsm__document_map(&map, &view, NULL) == FSM_OK)
    fsm__items_add(items, view);
  else
    items->failed = true;
}

static bool has_wait(const fsm__items *items, const char *name) {
  for (unsigned i = 0; i < items->count; i++) {
    const fsm_value *other = fsm_map_get(&items->items[i], "name");
    if (other != NULL && fsm_is_text(other, name)) return true;
  }
  return false;
}

/* Names that begin so are made by the engine (fsm/prospect.h). */
static bool is_sent(const char *event) {
  return strncmp(event, "xstate.", 7) != 0 && strncmp(event, "done.", 5) != 0 &&
         strncmp(event, "error.", 6) != 0;
}

static void add_events(const fsm__instance *in, const fsm__mobility *m, fsm__items *items) {
  const fsm_machine *machine = in->deployed->machine;
  for (unsigned i = 0; i < m->prospects.count; i++) {
    const char *event;
    for (unsigned e = 0; (event = fsm_transition_event(machine, m->prospects.transitions[i], e)) != NULL; e++)
      if (is_sent(event) && !has_wait(items, event)) add_wait(items, "event", event, 0);
  }
}

static fsm_code add_pending(const fsm__reading *at, const fsm__instance *in, char type, fsm__items *items,
                            fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(in->number, type, NULL, 0);
  fsm__range range;
  fsm__row row;
  fsm__timer timer;
  fsm__task task;
  fsm__send send;
  bool found = false;
  fsm_code code = FSM_OK;
  fsm__range_open(&range, at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (items->count < FSM__ROW_WAITS_MAX && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK &&
         found) {
    if (type == 't' && (code = fsm__timer_read(&row, at->arena, &timer, err)) == FSM_OK)
      add_wait(items, "timer", timer.event, timer.due_ns);
    if (type == 'k' && (code = fsm__task_read(&row, at->arena, &task, err)) == FSM_OK)
      add_wait(items, strcmp(task.service, "machine") == 0 ? "child" : "task",
               strcmp(task.service, "machine") == 0 ? task.id : task.service, 0);
    if (type == 'm' && (code = fsm__send_read(&row, at->arena, &send, err)) == FSM_OK)
      add_wait(items, "message", send.event[0] != '\0' ? send.event : fsm__send_kind_name(send.kind),
               send.due_ns);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

static fsm_code put_waits(const fsm__reading *at, const fsm__instance *in, const fsm__mobility *m,
                          fsm__document *d, fsm_error *err) {
  static const char types[] = {'k', 't', 'm'};
  fsm__items items = {.arena = at->arena};
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < sizeof types && code == FSM_OK; i++)
    code = add_pending(at, in, types[i], &items, err);
  if (code != FSM_OK) return code;
  add_events(in, m, &items);
  put_list(d, "waits", &items);
  return FSM_OK;
}

/* ---- who ------------------------------------------------------------------------------------------------
 */

typedef struct askers {
  fsm__items allows;
  bool anybody;
  bool *may; /* of each known person */
} askers;

static void add_allows(const fsm_machine *machine, unsigned transition, askers *all) {
  fsm_allow allows[FSM_ALLOWS_MAX];
  const unsigned count = fsm_transition_allows(machine, transition, allows);
  if (count == 0) all->anybody = true;
  for (unsigned i = 0; i < count && all->allows.count < FSM__ROW_ALLOWS_MAX; i++) {
    bool there = false;
    for (unsigned j = 0; j < all->allows.count; j++)
      there = there || fsm_is_text(&all->allows.items[j], allows[i].text);
    if (!there) fsm__items_add(&all->allows, fsm_string(allows[i].text));
  }
}

static fsm_code ask_people(fsm__sieve *sieve, const fsm__instance *in, const fsm__mobility *m,
                           unsigned transition, askers *all, fsm_error *err) {
  const unsigned room = sieve->people.count;
  unsigned *who = fsm_arena_alloc(sieve->at->arena, (room + 1) * sizeof *who), count = 0, total = 0;
  if (who == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__who_may(in, &m->snapshot, transition, &sieve->people, sieve->at->arena, room, who,
                               &count, &total, err);
  for (unsigned i = 0; i < count; i++) all->may[who[i]] = true;
  return code;
}

/* As its own machine and that of the record that they were seen in show them. */
static fsm_value name_of(const fsm__sieve *sieve, const fsm__instance *in, const fsm__person *person) {
  const fsm_value *sub = fsm_map_get(&person->shown, "sub");
  if (sub == NULL || !fsm_is(sub, FSM_STRING) || fsm_mask_hides(fsm__query_mask(sieve->at, in), "sub", 3))
    return fsm_string(FSM_MASKED);
  return *sub;
}

static void put_people(const fsm__sieve *sieve, const fsm__instance *in, const askers *all,
                       fsm__document *map) {
  fsm__items names = {.arena = map->arena};
  unsigned total = 0;
  for (unsigned i = 0; i < sieve->people.count; i++) {
    if (!all->may[i] || ++total > FSM__ROW_PEOPLE_MAX) continue;
    fsm__items_add(&names, name_of(sieve, in, &sieve->people.at[i]));
  }
  put_list(map, "people", &names);
  if (total > FSM__ROW_PEOPLE_MAX)
    fsm__document_put(map, "more", fsm_int((int64_t)total - FSM__ROW_PEOPLE_MAX));
}

static fsm_code put_who(fsm__sieve *sieve, const fsm__instance *in, const fsm__mobility *m, fsm__document *d,
                        fsm_error *err) {
  askers all = {.allows = {.arena = d->arena}};
  fsm__document map = {.arena = d->arena};
  fsm_code code = fsm__sieve_people(sieve, err);
  if (code == FSM_OK) all.may = fsm_arena_zalloc(d->arena, sieve->people.count + 1, sizeof *all.may);
  if (code == FSM_OK && all.may == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  for (unsigned i = 0; i < m->prospects.count && code == FSM_OK; i++)
    add_allows(in->deployed->machine, m->prospects.transitions[i], &all);
  for (unsigned i = 0; i < m->prospects.count && code == FSM_OK && !all.anybody; i++)
    code = ask_people(sieve, in, m, m->prospects.transitions[i], &all, err);
  if (code != FSM_OK) return code;
  fsm__document_put(&map, "anybody", fsm_bool(all.anybody || m->prospects.whatever));
  if (all.allows.count > 0) put_list(&map, "allow", &all.allows);
  if (all.allows.count > 0 && !all.anybody) put_people(sieve, in, &all, &map);
  put_map(d, "who", &map);
  return FSM_OK;
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
  put_map(d, "last", &map);
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
    code = put_waits(sieve->at, in, &mobility, d, err);
  if (code == FSM_OK && looks && (with & FSM__WITH_WHO) != 0) code = put_who(sieve, in, &mobility, d, err);
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

/* query_gauges.c: how all instances stand now, in numbers: FSM_QUERY_GAUGES.
 *
 * Walks by_state and due whole: a million rows take a fraction of a second. Whoever asks again and again
 * keeps the answer for a while (runtime/daemon/metrics.c does). */
#include <string.h>

#include "runtime/meters.h"
#include "runtime/query.h"

/* ---- states --------------------------------------------------------------------------------------- */

/* The rows of one state of one machine, and the stays in it that have ended, of all versions together. */
typedef struct group {
  uint32_t machine, name;
  uint64_t instance; /* one that stands there */
  bool known, final;
  uint64_t count, ages[FSM_DWELL_BUCKETS], left[FSM_DWELL_BUCKETS];
  double age_s, left_s;
} group;

/* Ordered by (machine, name), as the rows are. */
typedef struct groups {
  group *at;
  unsigned count;
  bool cut; /* there are more */
} groups;

static int group_order(const group *g, uint32_t machine, uint32_t name) {
  if (g->machine != machine) return g->machine < machine ? -1 : 1;
  return g->name == name ? 0 : g->name < name ? -1 : 1;
}

/* That of the state; made, when there is none and it is wanted; NULL: none, or no place for it. */
static group *group_of(groups *all, uint32_t machine, uint32_t name, bool wanted) {
  unsigned low = 0, high = all->count; /* the first that is not before it */
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (group_order(&all->at[middle], machine, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  group *g = &all->at[low];
  if (low < all->count && group_order(g, machine, name) == 0) return g;
  if (!wanted) return NULL;
  if (all->count == FSM_GAUGE_STATES_MAX) return all->cut = true, NULL;
  memmove(g + 1, g, (all->count++ - low) * sizeof *g);
  *g = (group){.machine = machine, .name = name};
  return g;
}

static fsm_code walk_states(const fsm__reading *at, groups *all, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  group *g = NULL;
  fsm_code code = FSM_OK;
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    const uint8_t *key = row.key;
    if (row.key_len != 24) continue;
    const uint32_t machine = fsm__key_read_u32(key), name = fsm__key_read_u32(key + 4);
    if (g == NULL || group_order(g, machine, name) != 0) g = group_of(all, machine, name, true);
    if (g == NULL) break;
    const int64_t age = at->now_ns - (int64_t)fsm__key_read_u64(key + 8);
    g->instance = fsm__key_read_u64(key + 16);
    g->count++;
    g->ages[fsm__dwell_bucket(age)]++;
    g->age_s += age > 0 ? (double)age / 1e9 : 0;
  }
  fsm__range_close(&range);
  return code;
}

/* Of a compiled version: what its states are, and who left them. `all_of_it`: also where nobody is or was. */
static void add_version(groups *all, const fsm__deployed *d, bool all_of_it) {
  for (unsigned s = 1; s < fsm_machine_states(d->machine); s++) {
    const fsm__dwell_meter *meter = &d->dwell[s];
    uint64_t left[FSM_DWELL_BUCKETS], ended = 0;
    for (unsigned b = 0; b < FSM_DWELL_BUCKETS; b++) ended += left[b] = fsm__meter_get(&meter->buckets[b]);
    group *g = group_of(all, d->number, d->names[s], all_of_it || ended > 0);
    if (g == NULL) continue;
    g->known = true;
    g->final = fsm_state_kind(d->machine, s) == FSM_FINAL;
    if (all_of_it) continue;
    for (unsigned b = 0; b < FSM_DWELL_BUCKETS; b++) g->left[b] += left[b];
    g->left_s += (double)fsm__meter_get(&meter->sum_ns) / 1e9;
  }
}

/* Only the newest version of a machine is compiled for this: another that was not yet was left by nobody. One
 * that does not load is told where it is needed. */
static void add_versions(const fsm__reading *at, groups *all) {
  fsm__catalog *catalog = at->core->catalog;
  const fsm__deployed *d = NULL;
  for (unsigned i = 0; (d = fsm__catalog_each(catalog, i)) != NULL; i++)
    if (fsm__catalog_is_compiled(d)) add_version(all, d, false);
  for (unsigned i = 0; !all->cut && (d = fsm__catalog_newest(catalog, i)) != NULL; i++)
    if (fsm__catalog_need(catalog, d, NULL) == FSM_OK) add_version(all, d, true);
}

/* A state that only older versions have, none of them compiled: one that is in it tells which it is. */
static void add_old(const fsm__reading *at, groups *all) {
  fsm_arena scratch;
  fsm__instance in;
  fsm_arena_init(&scratch, 0);
  for (unsigned i = 0; i < all->count; i++) {
    const group *g = &all->at[i];
    fsm_arena_reset(&scratch);
    if (!g->known &&
        fsm__instance_load(at->core->store, at->core->catalog, g->instance, &scratch, &in, NULL) == FSM_OK)
      add_version(all, in.deployed, false);
  }
  fsm_arena_free(&scratch);
}

static fsm_value numbers(fsm_arena *arena, const uint64_t *from, unsigned count, bool *failed) {
  fsm_value *items = fsm_arena_alloc(arena, count * sizeof *items);
  if (items == NULL) return *failed = true, fsm_null();
  for (unsigned i = 0; i < count; i++) items[i] = fsm_int((int64_t)from[i]);
  return fsm_list(items, count);
}

static fsm_code put_group(const fsm__reading *at, const group *g, fsm__items *items, fsm_error *err) {
  const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, g->machine, 0);
  fsm__document d = {.arena = at->arena};
  const char *state = NULL;
  fsm_value view;
  if (newest == NULL || g->name == 0) return FSM_OK;
  fsm_code code = fsm__name_text(at->core->store, g->name, at->arena, &state, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&d, "machine", newest->id);
  fsm__document_text(&d, "state", state);
  fsm__document_put(&d, "final", fsm_bool(g->final));
  fsm__document_put(&d, "count", fsm_int((int64_t)g->count));
  fsm__document_put(&d, "ages", numbers(at->arena, g->ages, FSM_DWELL_BUCKETS, &d.failed));
  fsm__document_put(&d, "age_s", fsm_double(g->age_s));
  fsm__document_put(&d, "left", numbers(at->arena, g->left, FSM_DWELL_BUCKETS, &d.failed));
  fsm__document_put(&d, "left_s", fsm_double(g->left_s));
  code = fsm__document_map(&d, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

static fsm_code put_states(const fsm__reading *at, fsm__items *items, bool *cut, fsm_error *err) {
  groups all = {.at = fsm_arena_alloc(at->arena, (FSM_GAUGE_STATES_MAX + 1) * sizeof *all.at)};
  if (all.at == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = walk_states(at, &all, err);
  if (code != FSM_OK) return code;
  add_versions(at, &all);
  add_old(at, &all);
  for (unsigned i = 0; code == FSM_OK && i < all.count; i++) code = put_group(at, &all.at[i], items, err);
  *cut = all.cut;
  return code;
}

/* ---- what is due ---------------------------------------------------------------------------------- */

typedef struct open_rows {
  uint64_t timers, timers_late, waiting, running, tasks_late, messages, messages_late;
} open_rows;

/* One row of due: time BE8 ‖ order BE8 ‖ number BE8 ‖ kind ‖ id. */
static fsm_code count_due(const fsm__reading *at, const fsm__row *row, fsm_arena *scratch, open_rows *n,
                          fsm_error *err) {
  enum { KIND = 24 };
  const uint8_t *key = row->key;
  if (row->key_len <= KIND) return FSM_OK;
  const bool late = at->now_ns - (int64_t)fsm__key_read_u64(key) > FSM_GAUGE_LATE_NS;
  if (key[KIND] == 't') n->timers++, n->timers_late += late;
  if (key[KIND] == 'm') n->messages++, n->messages_late += late;
  if (key[KIND] != 'k') return FSM_OK;
  fsm__task task;
  fsm_arena_reset(scratch);
  const char *id = fsm_arena_strndup(scratch, (const char *)key + KIND + 1, row->key_len - KIND - 1);
  if (id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__task_load(at->core->store, fsm__key_read_u64(key + 16), id, scratch, &task, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  n->running += task.started;
  n->waiting += !task.started;
  n->tasks_late += late;
  return FSM_OK;
}

static fsm_code add_due(const fsm__reading *at, fsm__document *d, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  fsm_arena scratch;
  open_rows n = {0};
  bool found = false;
  fsm_code code = FSM_OK;
  fsm_arena_init(&scratch, 0);
  fsm__range_open(&range, at->core->store, FSM_T_DUE, NULL, 0);
  while (code == FSM_OK && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found)
    code = count_due(at, &row, &scratch, &n, err);
  fsm__range_close(&range);
  fsm_arena_free(&scratch);
  const struct {
    const char *name;
    uint64_t value;
  } members[] = {{"timers", n.timers},
                 {"timers_late", n.timers_late},
                 {"tasks_waiting", n.waiting},
                 {"tasks_running", n.running},
                 {"tasks_late", n.tasks_late},
                 {"messages", n.messages},
                 {"messages_late", n.messages_late}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    fsm__document_put(d, members[i].name, fsm_int((int64_t)members[i].value));
  return code;
}

fsm_code fsm__query_gauges(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__items states = {.arena = at->arena};
  fsm__document d = {.arena = at->arena};
  bool cut = false;
  fsm_code code = put_states(at, &states, &cut, err);
  if (code == FSM_OK) code = add_due(at, &d, err);
  if (code != FSM_OK) return code;
  if (states.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  uint64_t incidents = 0;
  code = fsm__counter_read(at->core->store, "incidents", &incidents, err);
  if (code != FSM_OK) return code;
  fsm__document_put(&d, "incidents", fsm_int((int64_t)incidents));
  fsm__document_put(&d, "states", fsm_list(states.items, states.count));
  fsm__document_put(&d, "states_cut", fsm_bool(cut));
  return fsm__document_map(&d, out, err);
}

/* query_gauges.c: how all instances stand now, in numbers: FSM_QUERY_GAUGES.
 *
 * Walks by_state and due whole: a million rows take a fraction of a second. Whoever asks again and again
 * keeps the answer for a while (runtime/daemon/metrics.c does). */
#include <string.h>

#include "runtime/meters.h"
#include "runtime/query.h"

/* ---- states --------------------------------------------------------------------------------------- */

/* The rows of one state of one machine. */
typedef struct group {
  uint32_t machine, name;
  uint64_t count, ages[FSM_DWELL_BUCKETS];
  double age_s;
} group;

static fsm_value numbers(fsm_arena *arena, const uint64_t *from, unsigned count, bool *failed) {
  fsm_value *items = fsm_arena_alloc(arena, count * sizeof *items);
  if (items == NULL) return *failed = true, fsm_null();
  for (unsigned i = 0; i < count; i++) items[i] = fsm_int((int64_t)from[i]);
  return fsm_list(items, count);
}

/* Any version's state of that name; *left: the stays that have ended, of all versions together. */
static bool look_up(const fsm__reading *at, const group *g, bool *final, uint64_t left[FSM_DWELL_BUCKETS],
                    double *left_s) {
  const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, g->machine, 0);
  bool known = false;
  for (uint32_t v = newest != NULL ? newest->version : 0; v >= 1; v--) {
    const fsm__deployed *d = fsm__catalog_at(at->core->catalog, g->machine, v);
    if (d == NULL || fsm__catalog_need(at->core->catalog, d, NULL) != FSM_OK) continue;
    for (unsigned s = 1; s < fsm_machine_states(d->machine); s++) {
      if (d->names[s] != g->name) continue;
      known = true;
      *final = fsm_state_kind(d->machine, s) == FSM_FINAL;
      for (unsigned b = 0; b < FSM_DWELL_BUCKETS; b++) left[b] += fsm__meter_get(&d->dwell[s].buckets[b]);
      *left_s += (double)fsm__meter_get(&d->dwell[s].sum_ns) / 1e9;
    }
  }
  return known;
}

static fsm_code add_group(const fsm__reading *at, const group *g, fsm__items *items, fsm_error *err) {
  const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, g->machine, 0);
  fsm__document d = {.arena = at->arena};
  uint64_t left[FSM_DWELL_BUCKETS] = {0};
  double left_s = 0;
  bool final = false;
  const char *state = NULL;
  fsm_value view;
  if (newest == NULL || g->name == 0 || !look_up(at, g, &final, left, &left_s)) return FSM_OK;
  fsm_code code = fsm__name_text(at->core->store, g->name, at->arena, &state, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&d, "machine", newest->id);
  fsm__document_text(&d, "state", state);
  fsm__document_put(&d, "final", fsm_bool(final));
  fsm__document_put(&d, "count", fsm_int((int64_t)g->count));
  fsm__document_put(&d, "ages", numbers(at->arena, g->ages, FSM_DWELL_BUCKETS, &d.failed));
  fsm__document_put(&d, "age_s", fsm_double(g->age_s));
  fsm__document_put(&d, "left", numbers(at->arena, left, FSM_DWELL_BUCKETS, &d.failed));
  fsm__document_put(&d, "left_s", fsm_double(left_s));
  code = fsm__document_map(&d, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

/* A state that is empty now and was left before has its dwell all the same: rows are only where somebody is.
 */
static fsm_code add_empty(const fsm__reading *at, const group *seen, unsigned seen_count, fsm__items *items,
                          fsm_error *err) {
  const fsm__deployed *newest = NULL;
  fsm_code code = FSM_OK;
  for (unsigned i = 0; code == FSM_OK && (newest = fsm__catalog_newest(at->core->catalog, i)) != NULL; i++) {
    code = fsm__catalog_need(at->core->catalog, newest, err);
    for (unsigned s = 1; code == FSM_OK && s < fsm_machine_states(newest->machine); s++) {
      bool there = false;
      for (unsigned k = 0; k < seen_count && !there; k++)
        there = seen[k].machine == newest->number && seen[k].name == newest->names[s];
      const group empty = {.machine = newest->number, .name = newest->names[s]};
      if (!there && items->count < FSM_GAUGE_STATES_MAX) code = add_group(at, &empty, items, err);
    }
  }
  return code;
}

static fsm_code add_states(const fsm__reading *at, fsm__items *items, bool *cut, fsm_error *err) {
  group *groups = fsm_arena_zalloc(at->arena, FSM_GAUGE_STATES_MAX + 1, sizeof *groups), *g = groups;
  fsm__range range;
  fsm__row row;
  bool found = false;
  unsigned count = 0;
  fsm_code code = FSM_OK;
  if (groups == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    if (row.key_len != 24) continue;
    const uint32_t machine = fsm__key_read_u32(row.key),
                   name = fsm__key_read_u32((const uint8_t *)row.key + 4);
    if (count == 0 || g->machine != machine || g->name != name) {
      *cut |= count == FSM_GAUGE_STATES_MAX;
      if (*cut) break;
      g = &groups[count++];
      g->machine = machine;
      g->name = name;
    }
    const int64_t age = at->now_ns - (int64_t)fsm__key_read_u64((const uint8_t *)row.key + 8);
    g->count++;
    g->ages[fsm__dwell_bucket(age)]++;
    g->age_s += age > 0 ? (double)age / 1e9 : 0;
  }
  fsm__range_close(&range);
  for (unsigned i = 0; code == FSM_OK && i < count; i++) code = add_group(at, &groups[i], items, err);
  return code == FSM_OK ? add_empty(at, groups, count, items, err) : code;
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
  const bool late = (int64_t)fsm__key_read_u64(key) < at->now_ns;
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
  fsm_code code = add_states(at, &states, &cut, err);
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

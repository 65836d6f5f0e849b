/* mobility.c: could anything still move an instance, and who? See mobility.h. */
#include "runtime/mobility.h"

#include <string.h>

#include "runtime/decide.h"
#include "runtime/inbound.h"
#include "runtime/sends.h"

static const char *const names[FSM__KIND_COUNT] = {
#define X(symbol, name) name,
    FSM_KINDS(X)
#undef X
};

const char *fsm__trouble_name(fsm__kind kind) {
  FSM_ASSERT((unsigned)kind < FSM__KIND_COUNT);
  return names[kind];
}

/* ---- sla ------------------------------------------------------------------------------------------- */

fsm__sla fsm__sla_of(const fsm__deployed *deployed, fsm__status status, const fsm__since *active,
                     unsigned active_count, int64_t created_ns) {
  const int64_t *slas = fsm_definition_slas(deployed->definition);
  fsm__sla out = {.due_ns = INT64_MAX};
  if (slas == NULL || !fsm__status_open(status)) return out;
  for (unsigned i = 0; i < active_count; i++) {
    const unsigned state = active[i].state;
    const int64_t from = state == 0 ? created_ns : active[i].ns;
    int64_t due;
    if (slas[state] == 0 || __builtin_add_overflow(from, slas[state], &due) || due >= out.due_ns) continue;
    out = (fsm__sla){due, state};
  }
  return out;
}

/* ---- what is pending --------------------------------------------------------------------------------- */

typedef struct look {
  const fsm__instance *in;
  fsm_world world;
  fsm__mobility *out;
  fsm_arena *arena;
} look;

static fsm_code event_comes(const look *l, const char *event, fsm_cause cause, fsm_error *err) {
  if (l->out->by_itself) return FSM_OK;
  if (event == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to foresee anything");
  return fsm_foresee_event(l->in->deployed->machine, &l->out->snapshot, &l->world, event, cause, l->arena,
                           &l->out->by_itself, err);
}

static fsm_code timer_comes(const look *l, const fsm__row *row, fsm_error *err) {
  fsm__timer timer;
  fsm_code code = fsm__timer_read(row, l->arena, &timer, err);
  l->out->pending.timers++;
  return code == FSM_OK ? event_comes(l, timer.event, FSM_CAUSE_TIMER, err) : code;
}

/* Its answer, or its error; a child may send anything besides, which is an event from outside. */
static fsm_code task_comes(const look *l, const fsm__row *row, fsm_error *err) {
  const bool scxml = fsm_machine_dialect(l->in->deployed->machine) == FSM_SCXML;
  fsm__task task;
  fsm_code code = fsm__task_read(row, l->arena, &task, err);
  if (code != FSM_OK) return code;
  if (strcmp(task.service, FSM_SERVICE_MACHINE) == 0)
    l->out->pending.children++;
  else
    l->out->pending.tasks++;
  const char *done = fsm_arena_printf(l->arena, scxml ? "done.invoke.%s" : "xstate.done.actor.%s", task.id);
  const char *error =
      scxml ? "error.communication" : fsm_arena_printf(l->arena, "xstate.error.actor.%s", task.id);
  code = event_comes(l, done, FSM_CAUSE_TASK, err);
  return code == FSM_OK ? event_comes(l, error, FSM_CAUSE_TASK, err) : code;
}

/* One that cannot be delivered comes back as an error. */
static fsm_code message_fails(const look *l, fsm_error *err) {
  l->out->pending.messages++;
  return event_comes(l, "error.communication", FSM_CAUSE_TASK, err);
}

static fsm_code row_comes(const look *l, char type, const fsm__row *row, fsm_error *err) {
  switch (type) {
    case 't': return timer_comes(l, row, err);
    case 'k': return task_comes(l, row, err);
    default: return message_fails(l, err);
  }
}

static fsm_code each_row(const look *l, fsm__store *store, char type, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(l->in->number, type, NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found)
    if ((code = row_comes(l, type, &row, err)) != FSM_OK) break;
  fsm__range_close(&range);
  return code;
}

/* What is over the bound may be anything. */
static fsm_code others_send(const look *l, fsm__store *store, fsm_error *err) {
  const fsm__inbound *list = NULL;
  bool more = false;
  fsm_code code = fsm__inbound_of(store, l->in->id, l->arena, &list, &l->out->pending.inbound, &more, err);
  for (unsigned i = 0; i < l->out->pending.inbound && code == FSM_OK; i++)
    code = event_comes(l, list[i].event, FSM_CAUSE_TIMER, err);
  l->out->by_itself = l->out->by_itself || more;
  return code;
}

static fsm_code parent_waits(const look *l, fsm__store *store, fsm_error *err) {
  fsm__task task;
  uint64_t number = 0;
  if (!l->in->has_parent) return FSM_OK;
  fsm_code code = fsm__task_with_token(store, l->in->parent, l->arena, &number, &task, err);
  l->out->pending.has_parent = code == FSM_OK;
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

fsm_code fsm__mobility_of(fsm__store *store, const fsm__instance *in, fsm_arena *arena, fsm__mobility *out,
                          fsm_error *err) {
  static const char types[] = {'t', 'k', 'm'};
  fsm_budget budget = {FSM_MOBILITY_WORK_MAX};
  const look l = {.in = in, .world = {.session = in->id, .budget = &budget}, .out = out, .arena = arena};
  *out = (fsm__mobility){.by_itself = false};
  fsm_code code = fsm__snapshot_of(in, arena, &out->snapshot, err);
  if (code == FSM_OK)
    code = fsm_foresee(in->deployed->machine, &out->snapshot, &l.world, arena, &out->prospects, err);
  for (size_t i = 0; i < sizeof types && code == FSM_OK; i++) code = each_row(&l, store, types[i], err);
  if (code == FSM_OK) code = others_send(&l, store, err);
  return code == FSM_OK ? parent_waits(&l, store, err) : code;
}

/* ---- kinds ------------------------------------------------------------------------------------------- */

static bool waits_for_the_world(const fsm__instance *in) {
  return in->status == FSM_RUNNING || in->status == FSM_PAUSED;
}

bool fsm__is_dead(const fsm__instance *in, const fsm__mobility *m) {
  return waits_for_the_world(in) && m->prospects.count == 0 && !m->prospects.whatever && !m->by_itself;
}

fsm_code fsm__who_may(const fsm__instance *in, const fsm_snapshot *snapshot, unsigned transition,
                      const fsm__people *people, fsm_arena *arena, unsigned room, unsigned *out,
                      unsigned *count, unsigned *total, fsm_error *err) {
  fsm_budget budget = {FSM_MOBILITY_WORK_MAX};
  const fsm_world world = {.session = in->id, .budget = &budget};
  fsm_code code = FSM_OK;
  *count = *total = 0;
  for (unsigned i = 0; i < people->count && code == FSM_OK; i++) {
    fsm_verdict verdict = FSM_VERDICT_NO;
    code = fsm_foresee_permits(in->deployed->machine, snapshot, &world, transition, &people->at[i].actor,
                               arena, &verdict, err);
    if (code != FSM_OK || verdict == FSM_VERDICT_NO) continue;
    ++*total;
    if (*count < room) out[(*count)++] = i;
  }
  return code;
}

/* Anybody, named or not. */
static fsm_code somebody_may(const fsm__instance *in, const fsm_snapshot *snapshot, unsigned transition,
                             const fsm__people *people, fsm_budget *budget, fsm_arena *arena, bool *may,
                             fsm_error *err) {
  const fsm_world world = {.session = in->id, .budget = budget};
  fsm_verdict verdict = FSM_VERDICT_NO;
  fsm_code code =
      fsm_foresee_permits(in->deployed->machine, snapshot, &world, transition, NULL, arena, &verdict, err);
  for (unsigned i = 0; i < people->count && code == FSM_OK && verdict == FSM_VERDICT_NO; i++)
    code = fsm_foresee_permits(in->deployed->machine, snapshot, &world, transition, &people->at[i].actor,
                               arena, &verdict, err);
  *may = verdict != FSM_VERDICT_NO;
  return code;
}

fsm_code fsm__is_orphan(const fsm__instance *in, const fsm__mobility *m, const fsm__people *people,
                        fsm_arena *arena, bool *orphan, fsm_error *err) {
  fsm_code code = FSM_OK;
  fsm_budget budget = {FSM_MOBILITY_WORK_MAX};
  bool may = false;
  *orphan = waits_for_the_world(in) && !fsm__pending_any(&m->pending) && !m->prospects.whatever &&
            m->prospects.count > 0;
  for (unsigned i = 0; *orphan && i < m->prospects.count && code == FSM_OK; i++) {
    code = somebody_may(in, &m->snapshot, m->prospects.transitions[i], people, &budget, arena, &may, err);
    if (code == FSM_OK && may) *orphan = false;
  }
  return code;
}

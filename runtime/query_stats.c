/* query_stats.c: FSM_QUERY_STATS: the figures of a tally as a document. Which states are final and in what
 * order they are told is as the newest version of their machine has it. */
#include <stdlib.h>
#include <string.h>

#include "runtime/query_stats.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures"); }

/* ---- the document --------------------------------------------------------------------------------- */

/* A row that is shown, and where: by machine in order of deployment, by `place`, by texts. */
typedef struct shown {
  unsigned number;
  const char *machine, *text, *more;
  unsigned of, place;
} shown;

static int in_order(const void *a, const void *b) {
  const shown *one = a, *other = b;
  if (one->of != other->of) return one->of < other->of ? -1 : 1;
  const int machines = strcmp(one->machine, other->machine);
  if (machines != 0) return machines;
  if (one->place != other->place) return one->place < other->place ? -1 : 1;
  const int texts = strcmp(one->text, other->text);
  return texts != 0 ? texts : strcmp(one->more, other->more);
}

static const char *text_of(const fsm__words *words, unsigned number) {
  return number == 0 ? "" : words->at[number].text.at;
}

/* Of machines in order of their deployment; what is none comes first. */
static unsigned order_of(const fsm__reading *at, const char *machine) {
  const fsm__deployed *found = fsm__catalog_find(at->core->catalog, machine, 0);
  return found != NULL ? found->number : 0;
}

/* A text of the walk, which ends before the document is read. */
static void put_text(fsm__document *d, const char *name, const char *text) {
  const char *kept = fsm_arena_strdup(d->arena, text);
  if (kept == NULL) d->failed = true;
  fsm__document_text(d, name, kept);
}

typedef fsm_code (*view_fn)(const fsm__reading *at, const fsm__survey *s, const shown *row, fsm__document *d,
                            fsm_error *err);

static fsm_code put_list(const fsm__reading *at, const fsm__survey *s, const char *name, shown *rows,
                         unsigned count, view_fn view, fsm__document *out, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  qsort(rows, count, sizeof *rows, in_order);
  for (unsigned i = 0; i < count; i++) {
    fsm__document d = {.arena = at->arena};
    fsm_value item;
    if (rows[i].machine[0] != '\0') put_text(&d, "machine", rows[i].machine);
    fsm_code code = view(at, s, &rows[i], &d, err);
    if (code == FSM_OK) code = fsm__document_map(&d, &item, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, item);
  }
  if (items.failed) return nomem(err);
  fsm__document_put(out, name, fsm_list(items.items, items.count));
  return FSM_OK;
}

static void put_count(fsm__document *d, const char *name, uint64_t count) {
  fsm__document_put(d, name, fsm_int((int64_t)count));
}

static fsm_code view_machine(const fsm__reading *at, const fsm__survey *s, const shown *row, fsm__document *d,
                             fsm_error *err) {
  fsm__document kinds = {.arena = at->arena};
  fsm_value map;
  uint64_t all = 0;
  for (int kind = 0; kind < FSM_RECORD_KIND_COUNT; kind++) {
    const uint64_t count = s->tally->kinds[row->number][kind];
    all += count;
    if (count > 0) put_count(&kinds, fsm_record_kind_name((fsm_record_kind)kind), count);
  }
  put_count(d, "records", all);
  fsm_code code = fsm__document_map(&kinds, &map, err);
  if (code == FSM_OK) fsm__document_put(d, "kinds", map);
  return code;
}

static fsm_code view_state(const fsm__reading *at, const fsm__survey *s, const shown *row, fsm__document *d,
                           fsm_error *err) {
  const fsm__tally_state *state = &s->tally->state[row->number];
  const fsm_machine *of = NULL;
  const int number = fsm__stats_newest(at, row->machine, row->text, &of);
  fsm_value stays, standing;
  put_text(d, "state", row->text);
  if (number >= 0 && fsm_state_kind(of, (unsigned)number) == FSM_FINAL)
    fsm__document_put(d, "final", fsm_bool(true));
  put_count(d, "entered", state->entered);
  if (state->cut > 0) put_count(d, "cut", state->cut);
  fsm_code code = fsm__spread_view(at->arena, &state->stays, &stays, err);
  if (code == FSM_OK) code = fsm__spread_view(at->arena, &state->standing, &standing, err);
  if (code != FSM_OK) return code;
  fsm__document_put(d, "stays", stays);
  fsm__document_put(d, "standing", standing);
  return FSM_OK;
}

static fsm_code view_event(const fsm__reading *at, const fsm__survey *s, const shown *row, fsm__document *d,
                           fsm_error *err) {
  (void)at, (void)err;
  const uint64_t *outcomes = s->tally->event[row->number].outcomes;
  put_text(d, "event", row->text);
  put_count(d, "taken", outcomes[FSM_TAKEN]);
  put_count(d, "refused", outcomes[FSM_REFUSED]);
  put_count(d, "failed", outcomes[FSM_FAILED]);
  return FSM_OK;
}

static fsm_code view_refusal(const fsm__reading *at, const fsm__survey *s, const shown *row, fsm__document *d,
                             fsm_error *err) {
  (void)at, (void)err;
  if (row->text[0] != '\0') put_text(d, "event", row->text);
  put_text(d, "reason", row->more);
  put_count(d, "count", s->tally->refusal[row->number]);
  return FSM_OK;
}

static fsm_code put_machines(const fsm__reading *at, const fsm__survey *s, shown *rows, fsm__document *d,
                             fsm_error *err) {
  const fsm__tally *t = s->tally;
  unsigned count = 0;
  for (unsigned i = 0; i < t->machines.count; i++) {
    uint64_t all = 0;
    for (int kind = 0; kind < FSM_RECORD_KIND_COUNT; kind++) all += t->kinds[i][kind];
    const char *machine = text_of(&t->machines, i);
    if (all > 0) rows[count++] = (shown){i, machine, "", "", order_of(at, machine), 0};
  }
  return put_list(at, s, "machines", rows, count, view_machine, d, err);
}

static fsm_code put_states(const fsm__reading *at, const fsm__survey *s, shown *rows, fsm__document *d,
                           fsm_error *err) {
  const fsm__tally *t = s->tally;
  unsigned count = 0;
  for (unsigned i = 0; i < t->states.count; i++) {
    const fsm__tally_state *state = &t->state[i];
    const char *machine = text_of(&t->machines, t->states.at[i].group), *path = text_of(&t->states, i);
    const fsm_machine *of = NULL;
    if (state->entered + state->cut + state->stays.count + state->standing.count == 0) continue;
    const int place = fsm__stats_newest(at, machine, path, &of);
    rows[count++] =
        (shown){i, machine, path, "", order_of(at, machine), place >= 0 ? (unsigned)place : UINT16_MAX};
  }
  return put_list(at, s, "states", rows, count, view_state, d, err);
}

static fsm_code put_events(const fsm__reading *at, const fsm__survey *s, shown *rows, fsm__document *d,
                           fsm_error *err) {
  const fsm__tally *t = s->tally;
  unsigned count = 0;
  for (unsigned i = 0; i < t->events.count; i++) {
    const uint64_t *n = t->event[i].outcomes;
    const char *machine = text_of(&t->machines, t->events.at[i].group);
    if (n[FSM_TAKEN] + n[FSM_REFUSED] + n[FSM_FAILED] > 0)
      rows[count++] = (shown){i, machine, text_of(&t->events, i), "", order_of(at, machine), 0};
  }
  return put_list(at, s, "events", rows, count, view_event, d, err);
}

static fsm_code put_refusals(const fsm__reading *at, const fsm__survey *s, shown *rows, fsm__document *d,
                             fsm_error *err) {
  const fsm__tally *t = s->tally;
  unsigned count = 0;
  for (unsigned i = 0; i < t->refusals.count; i++) {
    const unsigned event = t->refusals.at[i].group;
    const char *machine = text_of(&t->machines, t->events.at[event].group);
    if (t->refusal[i] > 0)
      rows[count++] =
          (shown){i, machine, text_of(&t->events, event), text_of(&t->refusals, i), order_of(at, machine), 0};
  }
  return put_list(at, s, "refusals", rows, count, view_refusal, d, err);
}

/* The first and the last end where the range does. */
static fsm_code put_intervals(const fsm__reading *at, const fsm__survey *s, fsm__document *out,
                              fsm_error *err) {
  const fsm__tally *t = s->tally;
  fsm__items items = {.arena = at->arena};
  const int64_t end_ns = s->until_ns < s->now_ns ? s->until_ns : s->now_ns;
  for (unsigned i = 0; i < t->interval_count; i++) {
    const fsm__tally_interval *in = &t->intervals[i];
    const int64_t from_ns = t->first_ns + (int64_t)i * t->interval_ns, to_ns = from_ns + t->interval_ns;
    fsm__document d = {.arena = at->arena};
    fsm_value item;
    fsm__document_time(&d, "from", from_ns < s->begins_ns ? s->begins_ns : from_ns);
    fsm__document_time(&d, "to", to_ns > end_ns ? end_ns : to_ns);
    put_count(&d, "records", in->records);
    put_count(&d, "created", in->created);
    put_count(&d, "events", in->events);
    put_count(&d, "refused", in->refused);
    put_count(&d, "incidents", in->incidents);
    put_count(&d, "completed", in->completed);
    put_count(&d, "cancelled", in->cancelled);
    fsm_code code = fsm__document_map(&d, &item, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, item);
  }
  if (items.failed) return nomem(err);
  fsm__document_put(out, "every_ns", fsm_int(t->interval_ns));
  fsm__document_put(out, "intervals", fsm_list(items.items, items.count));
  return FSM_OK;
}

static fsm_code view(const fsm__reading *at, const fsm__survey *s, fsm_value *out, fsm_error *err) {
  const fsm__tally *t = s->tally;
  fsm__document d = {.arena = at->arena};
  const size_t most = (size_t)t->machines.count + t->states.count + t->events.count + t->refusals.count;
  shown *rows = fsm_arena_alloc(at->arena, most * sizeof *rows); /* each list in turn */
  if (rows == NULL) return nomem(err);
  fsm__document_put(&d, "next", fsm_null());
  fsm__survey_put(s, &d);
  put_count(&d, "records", t->records);
  if (t->cut) fsm__document_put(&d, "cut", fsm_bool(true));
  fsm_code code = put_machines(at, s, rows, &d, err);
  if (code == FSM_OK) code = put_states(at, s, rows, &d, err);
  if (code == FSM_OK) code = put_events(at, s, rows, &d, err);
  if (code == FSM_OK) code = put_refusals(at, s, rows, &d, err);
  if (code == FSM_OK && t->intervals != NULL) code = put_intervals(at, s, &d, err);
  return code == FSM_OK ? fsm__document_map(&d, out, err) : code;
}

static fsm_code begin(const fsm__reading *at, fsm__survey *s, fsm_error *err) {
  fsm_code code = fsm__tally_new(&s->arena, s->machine, &s->tally, err);
  const int64_t end_ns = s->until_ns < s->now_ns ? s->until_ns : s->now_ns + 1;
  if (code == FSM_OK && at->query->every_ns > 0)
    code = fsm__tally_every(s->tally, at->query->every_ns, s->begins_ns == INT64_MAX ? end_ns : s->begins_ns,
                            end_ns, err);
  return code == FSM_OK ? fsm__stats_standing(at, s, err) : code;
}

fsm_code fsm__query_stats(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__survey *s = NULL;
  bool done = false;
  if (at->query->every_ns < 0)
    return fsm_fail(err, FSM_EARGUMENT, "every", "an interval is longer than nothing: 1m, 1h");
  fsm_code code = fsm__survey_take(at, &s, err);
  if (code != FSM_OK) return code;
  if (s->tally == NULL) code = begin(at, s, err);
  if (code == FSM_OK) code = fsm__survey_go(at, s, &done, err);
  if (code == FSM_OK && !done) return fsm__survey_hold(at, s, out, err);
  if (code == FSM_OK) code = view(at, s, out, err);
  fsm__survey_end(at, s);
  return code;
}

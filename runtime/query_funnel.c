/* query_funnel.c: FSM_QUERY_FUNNEL: the states of a machine, in the order of its chart, and how many of the
 * instances of a range came there, left, and are there. */
#include <string.h>

#include "runtime/survey.h"

/* States that other versions have, besides those of the newest. */
enum { OTHER_STATES = 64 };

static fsm_code newest_of(const fsm__reading *at, const char *machine, const fsm_machine **out,
                          fsm_error *err) {
  const fsm__deployed *newest = fsm__catalog_find(at->core->catalog, machine, 0);
  FSM_ASSERT(newest != NULL); /* asked for at the first request; machines stay */
  fsm_code code = fsm__catalog_need(at->core->catalog, newest, err);
  if (code == FSM_OK) *out = newest->machine;
  return code;
}

static fsm_code begin(const fsm__reading *at, fsm__survey *s, fsm_error *err) {
  const fsm_machine *machine = NULL;
  fsm_code code = newest_of(at, s->machine, &machine, err);
  if (code == FSM_OK)
    code = fsm__cohort_new(&s->arena, s->machine, fsm_machine_states(machine) + OTHER_STATES, s->since_ns,
                           s->until_ns, &s->cohort, err);
  for (unsigned state = 1; code == FSM_OK && state < fsm_machine_states(machine); state++)
    if (fsm_state_kind(machine, state) != FSM_HISTORY)
      (void)fsm__words_of(&s->cohort->states, 0, fsm__text_of(fsm_state_path(machine, state)));
  return code;
}

static void put_count(fsm__document *d, const char *name, uint64_t count) {
  fsm__document_put(d, name, fsm_int((int64_t)count));
}

static void put_fates(fsm__document *d, const uint64_t fates[FSM__FATES_OF]) {
  put_count(d, "standing", fates[FSM__STANDS]);
  put_count(d, "incidents", fates[FSM__IN_INCIDENT]);
  put_count(d, "completed", fates[FSM__COMPLETED]);
  put_count(d, "cancelled", fates[FSM__CANCELLED]);
}

/* One that the newest version does not have is told to be `gone`. */
static fsm_code view_state(const fsm__reading *at, const fsm__survey *s, unsigned number,
                           const fsm_machine *machine, fsm_value *out, fsm_error *err) {
  const fsm__cohort *c = s->cohort;
  const fsm__cohort_state *state = &c->state[number];
  const char *path = c->states.at[number].text.at;
  const int place = fsm_state_find(machine, path, strlen(path));
  fsm__document d = {.arena = at->arena};
  fsm_value time;
  fsm__document_text(&d, "state", fsm_arena_strdup(at->arena, path));
  if (place < 0) fsm__document_put(&d, "gone", fsm_bool(true));
  if (place >= 0 && !fsm_state_is_leaf(machine, (unsigned)place))
    fsm__document_put(&d, "within", fsm_bool(true));
  if (place >= 0 && fsm_state_kind(machine, (unsigned)place) == FSM_FINAL)
    fsm__document_put(&d, "final", fsm_bool(true));
  put_count(&d, "reached", state->reached);
  if (c->created > 0) fsm__document_put(&d, "part", fsm_double((double)state->reached / (double)c->created));
  put_fates(&d, state->here);
  fsm_code code = fsm__spread_view(at->arena, &state->time, &time, err);
  if (code != FSM_OK) return code;
  fsm__document_put(&d, "time", time);
  return fsm__document_map(&d, out, err);
}

static fsm_code view(const fsm__reading *at, const fsm__survey *s, fsm_value *out, fsm_error *err) {
  fsm__cohort *c = s->cohort;
  const fsm_machine *machine = NULL;
  fsm__items items = {.arena = at->arena};
  fsm__document d = {.arena = at->arena};
  fsm_code code = newest_of(at, s->machine, &machine, err);
  fsm__cohort_settle(c);
  for (unsigned i = 1; code == FSM_OK && i < c->states.count; i++) {
    fsm_value item;
    code = view_state(at, s, i, machine, &item, err);
    if (code == FSM_OK) fsm__items_add(&items, item);
  }
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a funnel");
  fsm__document_put(&d, "next", fsm_null());
  fsm__survey_put(s, &d);
  put_count(&d, "created", c->created);
  put_fates(&d, c->fates);
  fsm__document_put(&d, "states", fsm_list(items.items, items.count));
  return fsm__document_map(&d, out, err);
}

fsm_code fsm__query_funnel(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__survey *s = NULL;
  bool done = false;
  if (at->query->machine == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "machine", "a funnel is of one machine: name it");
  fsm_code code = fsm__survey_take(at, &s, err);
  if (code != FSM_OK) return code;
  if (s->cohort == NULL) code = begin(at, s, err);
  if (code == FSM_OK) code = fsm__survey_go(at, s, &done, err);
  if (code == FSM_OK && !done) return fsm__survey_hold(at, s, out, err);
  if (code == FSM_OK) code = view(at, s, out, err);
  fsm__survey_end(at, s);
  return code;
}

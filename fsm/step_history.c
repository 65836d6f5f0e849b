/* step_history.c: history states: what they recorded, as numbers for the step and as names outside.
 *
 * A snapshot keeps names, so that people can read it and a definition can be looked at beside it; a
 * run keeps numbers, read from the snapshot once. What a snapshot says is checked as strictly as a
 * configuration: restoring it must always give a legal one.
 */
#include <string.h>

#include "fsm/step_impl.h"

bool fsm__history_has(const fsm__run *run, unsigned history) {
  return run->recorded[run->machine->states[history].history].states != NULL;
}

const uint16_t *fsm__history_states(const fsm__run *run, unsigned history, unsigned *count) {
  const fsm__state *s = &run->machine->states[history];
  const fsm__recorded *r = &run->recorded[s->history];
  *count = r->states != NULL ? r->count : s->initial_count;
  return r->states != NULL ? r->states : s->initials;
}

fsm__span fsm__history_span(const fsm__run *run, const fsm__transition *t) {
  unsigned low = UINT16_MAX, high = 0;
  for (unsigned i = 0; i < t->target_count; i++) {
    unsigned count = 1;
    const uint16_t *states = &t->targets[i];
    if (run->machine->states[*states].kind == FSM_HISTORY) states = fsm__history_states(run, *states, &count);
    for (unsigned j = 0; j < count; j++) {
      low = states[j] < low ? states[j] : low;
      high = states[j] > high ? states[j] : high;
    }
  }
  return fsm__span_of(run->machine, t, low, high);
}

/* ---- recording ----------------------------------------------------------------------------------- */

/* The names of what was recorded, as a list. */
static bool to_value(fsm__run *run, fsm__recorded *r) {
  fsm_value *items = fsm_arena_alloc(run->arena, r->count * sizeof *items);
  if (items == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return false;
  }
  for (unsigned i = 0; i < r->count; i++) items[i] = fsm_string(run->machine->states[r->states[i]].path);
  r->value = fsm_list(items, r->count);
  return true;
}

/* Its parent's active children, or for a deep one the leaves below it (SCXML 3.10). */
static void record(fsm__run *run, unsigned history) {
  const fsm_machine *m = run->machine;
  const fsm__state *s = &m->states[history];
  const unsigned last = m->states[s->parent].last;
  fsm__recorded *r = &run->recorded[s->history];
  unsigned count = 0, same = 0;
  run->remembered = true;
  for (int pass = 0; pass < 2; pass++) {
    uint16_t *states = NULL;
    if (pass == 1) {
      if (r->states != NULL && count == r->count && same == count) return;
      states = fsm_arena_alloc(run->arena, count * sizeof *states);
      if (states == NULL) {
        fsm__fault(run, FSM_ENOMEM);
        return;
      }
    }
    unsigned filled = 0;
    for (unsigned i = fsm__bit_next(run->config, s->parent + 1u, last); i <= last;
         i = fsm__bit_next(run->config, i + 1, last)) {
      if (s->deep ? !fsm_config_has(m->leaves, i) : m->states[i].parent != s->parent) continue;
      if (pass == 0)
        same += r->states != NULL && filled < r->count && r->states[filled] == i;
      else
        states[filled] = (uint16_t)i;
      filled++;
    }
    count = filled;
    if (pass == 1) *r = (fsm__recorded){states, count, fsm_null()};
  }
  if (to_value(run, r)) run->history_changed = true;
}

static bool add_bound(fsm__run *run, fsm_pair *out) {
  const fsm_machine *m = run->machine;
  unsigned count = 0;
  fsm_value *items = fsm_arena_alloc(run->arena, fsm__bits_count(run->bound, m->words) * sizeof *items);
  if (items == NULL) return false;
  for (unsigned i = fsm__bit_next(run->bound, 0, m->state_count - 1); i < m->state_count;
       i = fsm__bit_next(run->bound, i + 1, m->state_count - 1))
    items[count++] = fsm_string(m->states[i].path);
  *out = (fsm_pair){fsm_string("#bound"), fsm_list(items, count)};
  return true;
}

static bool add_invoked(fsm__run *run, unsigned count, fsm_pair *out) {
  fsm_pair *pairs = fsm_arena_alloc(run->arena, count * sizeof *pairs);
  if (pairs == NULL) return false;
  count = 0;
  for (unsigned i = 0; i < run->machine->invoke_count; i++)
    if (run->made_ids[i] != NULL) pairs[count++] = (fsm_pair){fsm_string(run->made_ids[i]), fsm_int(i)};
  out->key = fsm_string("#invoked");
  return fsm_map(pairs, count, &out->value, NULL) == FSM_OK;
}

static unsigned made_count(const fsm__run *run) {
  unsigned count = 0;
  for (unsigned i = 0; run->made_ids != NULL && i < run->machine->invoke_count; i++)
    count += run->made_ids[i] != NULL;
  return count;
}

void fsm__history_rebuild(fsm__run *run) {
  const fsm_machine *m = run->machine;
  const unsigned made = made_count(run);
  fsm_pair *pairs = fsm_arena_alloc(run->arena, (m->history_count + 2) * sizeof *pairs);
  unsigned filled = 0;
  bool good = pairs != NULL;
  for (unsigned i = 0; good && i < m->history_count; i++)
    if (run->recorded[i].states != NULL)
      pairs[filled++] = (fsm_pair){fsm_string(m->states[m->histories[i]].path), run->recorded[i].value};
  if (good && run->bound != NULL) good = add_bound(run, &pairs[filled++]);
  if (good && made > 0) good = add_invoked(run, made, &pairs[filled++]);
  if (good && filled > 0) good = fsm_map(pairs, filled, &run->history, NULL) == FSM_OK;
  if (filled == 0) run->history = fsm_null();
  if (!good) fsm__fault(run, FSM_ENOMEM);
}

void fsm__history_record(fsm__run *run, const uint16_t *exited, unsigned count) {
  const fsm_machine *m = run->machine;
  for (unsigned i = 0; i < count && run->fault == FSM_OK; i++) {
    const unsigned state = exited[i], last = m->states[state].last;
    if (!m->states[state].has_histories) continue;
    for (unsigned child = state + 1; child <= last; child = m->states[child].last + 1u)
      if (m->states[child].kind == FSM_HISTORY) record(run, child);
  }
}

/* ---- reading a snapshot -------------------------------------------------------------------------- */

static fsm_code does_not_fit(const fsm_value *key, fsm_error *err) {
  if (!fsm_is(key, FSM_STRING))
    return fsm_fail(err, FSM_EARGUMENT, "history", "the history has a key that is no name");
  return fsm_fail(err, FSM_EARGUMENT, "history", "what the history says of \"%.*s\" does not fit the machine",
                  (int)(key->len > 200 ? 200 : key->len), key->s);
}

/* Would entering these states give one legal configuration below the parent? */
static bool restores(fsm__run *run, unsigned history, const uint16_t *states, unsigned count) {
  const fsm_machine *m = run->machine;
  const fsm__state *s = &m->states[history];
  const unsigned last = m->states[s->parent].last;
  uint64_t *set = run->entries;
  memset(set, 0, m->words * sizeof *set);
  for (unsigned i = 0; i < count; i++) {
    if (!fsm__is_descendant(m, states[i], s->parent) || m->states[states[i]].kind == FSM_HISTORY)
      return false;
    if (i > 0 && states[i] <= states[i - 1]) return false;
    if (s->deep ? !fsm_config_has(m->leaves, states[i]) : m->states[states[i]].parent != s->parent)
      return false;
    for (unsigned up = states[i]; up != s->parent; up = m->states[up].parent) fsm__bit_set(set, up);
  }
  if (!fsm__config_children_legal(m, set, s->parent)) return false;
  for (unsigned i = fsm__bit_next(set, s->parent + 1u, last); s->deep && i <= last;
       i = fsm__bit_next(set, i + 1, last))
    if (!fsm__config_children_legal(m, set, i)) return false;
  return true;
}

static fsm_code read_one(fsm__run *run, const fsm_pair *pair, fsm_error *err) {
  const fsm_machine *m = run->machine;
  const fsm_value *list = &pair->value;
  int history = fsm_state_find(m, pair->key.s, pair->key.len);
  if (history < 0 || m->states[history].kind != FSM_HISTORY || !fsm_is(list, FSM_LIST) || list->len == 0 ||
      list->len > m->state_count)
    return does_not_fit(&pair->key, err);
  uint16_t *states = fsm_arena_alloc(run->arena, list->len * sizeof *states);
  if (states == NULL) return fsm_fail(err, FSM_ENOMEM, "", "the step needs more memory than it has");
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *name = &list->items[i];
    int state = fsm_is(name, FSM_STRING) ? fsm_state_find(m, name->s, name->len) : -1;
    if (state < 0) return does_not_fit(&pair->key, err);
    states[i] = (uint16_t)state;
  }
  if (!restores(run, (unsigned)history, states, list->len)) return does_not_fit(&pair->key, err);
  run->recorded[m->states[history].history] = (fsm__recorded){states, list->len, *list};
  return FSM_OK;
}

static fsm_code read_bound(fsm__run *run, const fsm_value *list, const fsm_value *key, fsm_error *err) {
  const fsm_machine *m = run->machine;
  if (run->bound == NULL || !fsm_is(list, FSM_LIST)) return does_not_fit(key, err);
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *name = &list->items[i];
    int state = fsm_is(name, FSM_STRING) ? fsm_state_find(m, name->s, name->len) : -1;
    if (state < 0 || m->states[state].data_count == 0) return does_not_fit(key, err);
    fsm__bit_set(run->bound, (unsigned)state);
  }
  return FSM_OK;
}

static fsm_code read_pair(fsm__run *run, const fsm_pair *pair, fsm_error *err) {
  if (!fsm_is(&pair->key, FSM_STRING)) return does_not_fit(&pair->key, err);
  if (fsm_is_text(&pair->key, "#bound")) return read_bound(run, &pair->value, &pair->key, err);
  if (fsm_is_text(&pair->key, "#invoked")) return fsm__invoked_read(run, &pair->value, err);
  return read_one(run, pair, err);
}

fsm_code fsm__history_read(fsm__run *run, const fsm_value *history, fsm_error *err) {
  if (!fsm_is(history, FSM_NULL) && !fsm_is(history, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, "history", "the history is a map or null");
  run->history = *history;
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; fsm_is(history, FSM_MAP) && i < history->len && code == FSM_OK; i++)
    code = read_pair(run, &history->pairs[i], err);
  return code;
}

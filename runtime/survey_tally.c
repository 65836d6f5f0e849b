/* survey_tally.c: see survey_tally.h. */
#include "runtime/survey_tally.h"

#include <string.h>

static fsm_code too_much(fsm_error *err) {
  return fsm_fail(err, FSM_ETOOLARGE, "",
                  "these figures take too much memory: ask for one machine, or for a "
                  "shorter time");
}

fsm_code fsm__tally_new(fsm_arena *arena, const char *machine, fsm__tally **out, fsm_error *err) {
  fsm__tally *t = fsm_arena_zalloc(arena, 1, sizeof *t);
  if (t == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
  t->arena = arena;
  t->machine = machine;
  t->state = fsm_arena_zalloc(arena, FSM_TALLY_STATES_MAX + 1, sizeof *t->state);
  t->event = fsm_arena_zalloc(arena, FSM_TALLY_EVENTS_MAX + 1, sizeof *t->event);
  t->refusal = fsm_arena_zalloc(arena, FSM_TALLY_REFUSALS_MAX + 1, sizeof *t->refusal);
  t->kinds = fsm_arena_zalloc(arena, FSM_TALLY_MACHINES_MAX + 1, sizeof *t->kinds);
  const bool good = fsm__words_init(&t->machines, arena, FSM_TALLY_MACHINES_MAX) &&
                    fsm__words_init(&t->states, arena, FSM_TALLY_STATES_MAX) &&
                    fsm__words_init(&t->events, arena, FSM_TALLY_EVENTS_MAX) &&
                    fsm__words_init(&t->refusals, arena, FSM_TALLY_REFUSALS_MAX);
  if (!good || t->state == NULL || t->event == NULL || t->refusal == NULL || t->kinds == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
  *out = t;
  return FSM_OK;
}

fsm_code fsm__tally_every(fsm__tally *t, int64_t every_ns, int64_t begin_ns, int64_t end_ns, fsm_error *err) {
  FSM_ASSERT(every_ns > 0);
  t->interval_ns = every_ns;
  t->first_ns = begin_ns - begin_ns % every_ns;
  const int64_t count = end_ns > t->first_ns ? (end_ns - 1 - t->first_ns) / every_ns + 1 : 0;
  if (count > FSM_TALLY_INTERVALS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "every",
                    "these are %lld intervals, more than %d: make them longer, or the time shorter",
                    (long long)count, FSM_TALLY_INTERVALS_MAX);
  t->interval_count = (unsigned)count;
  t->intervals = fsm_arena_zalloc(t->arena, (size_t)count + 1, sizeof *t->intervals);
  return t->intervals != NULL ? FSM_OK : too_much(err);
}

/* ---- stays ---------------------------------------------------------------------------------------- */

/* One step of the search for where a stay began: the record that changed the instance before. */
static fsm_code look_at(fsm__journal_cursor *looker, uint64_t seq, fsm__record_facts *facts, bool *found,
                        fsm_error *err) {
  fsm__journal_entry entry;
  fsm_error gone;
  fsm_code code = fsm__journal_read(looker, seq, &entry, &gone);
  *found = code == FSM_OK;
  if (code == FSM_ENOTFOUND) return FSM_OK; /* archived meanwhile */
  if (code != FSM_OK) return fsm_fail(err, code, gone.where, "%s", gone.text);
  if (fsm__record_facts_read(entry.record.data, entry.record.len, facts) == FSM_OK) return FSM_OK;
  return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                  (unsigned long long)seq);
}

/* Back through the changes of the instance to that which entered the leaf; *known false: it is not kept. */
static fsm_code begun(fsm__journal_cursor *looker, uint64_t first_seq, uint64_t seq, fsm_record_text leaf,
                      int64_t *ns, bool *known, fsm_error *err) {
  fsm__record_facts facts;
  *known = false;
  while (seq >= first_seq && seq != 0) {
    bool found = false;
    fsm_code code = look_at(looker, seq, &facts, &found, err);
    if (code != FSM_OK || !found) return code;
    if (fsm__fact_has(&facts.since, leaf)) {
      *known = true;
      *ns = facts.time_ns;
      return FSM_OK;
    }
    if (facts.iprev >= seq) break;
    seq = facts.iprev;
  }
  return FSM_OK;
}

fsm__tally_state *fsm__tally_state_of(fsm__tally *t, fsm_record_text machine, fsm_record_text state) {
  const unsigned of = fsm__words_of(&t->machines, 0, machine);
  const unsigned number = of != 0 ? fsm__words_of(&t->states, of, state) : 0;
  return number != 0 ? &t->state[number] : NULL;
}

/* A record that is being counted. */
typedef struct counting {
  fsm__tally *tally;
  const fsm__record_facts *facts;
  fsm__journal_cursor *looker;
  uint64_t first_seq;
  unsigned machine;
} counting;

static fsm__tally_state *row_of(const counting *c, fsm_record_text state) {
  const unsigned number = c->machine != 0 ? fsm__words_of(&c->tally->states, c->machine, state) : 0;
  if (number == 0) c->tally->cut = true;
  return &c->tally->state[number];
}

static uint64_t frame_of(const fsm__record_facts *facts) { return facts->seq - facts->i; }

/* first: the record tells its time. */
static fsm_code leave(const counting *c, fsm_record_text leaf, bool first, fsm_error *err) {
  const fsm__record_facts *facts = c->facts;
  fsm__tally_state *row = row_of(c, leaf);
  int64_t begun_ns = facts->time_ns;
  bool known = true;
  if (row == &c->tally->state[0]) return FSM_OK;
  if (row->frame != frame_of(facts)) { /* else entered in this step, whatever old records say */
    if (first && facts->elapsed_ns >= 0)
      begun_ns = facts->time_ns - facts->elapsed_ns;
    else {
      fsm_code code = begun(c->looker, c->first_seq, facts->iprev, leaf, &begun_ns, &known, err);
      if (code != FSM_OK) return code;
    }
  }
  if (!known)
    row->cut++;
  else if (!fsm__spread_add(&row->stays, c->tally->arena, facts->time_ns - begun_ns))
    return too_much(err);
  return FSM_OK;
}

/* Of a record that entered states: the leaves that it left, then those that it entered. */
static fsm_code move(const counting *c, fsm_error *err) {
  const fsm__record_facts *facts = c->facts;
  fsm__fact_list rest = facts->from;
  fsm_record_text leaf;
  bool first = true;
  while (fsm__fact_next(&rest, &leaf)) {
    if (fsm__fact_has(&facts->to, leaf) && !fsm__fact_has(&facts->since, leaf)) continue;
    fsm_code code = leave(c, leaf, first, err);
    if (code != FSM_OK) return code;
    first = false;
  }
  rest = facts->to;
  while (fsm__fact_next(&rest, &leaf)) {
    if (!fsm__fact_has(&facts->since, leaf)) continue;
    fsm__tally_state *row = row_of(c, leaf);
    row->entered++;
    row->frame = frame_of(facts);
  }
  return FSM_OK;
}

static fsm_code end_all(const counting *c, fsm_error *err) {
  fsm__fact_list rest = c->facts->from;
  fsm_record_text leaf;
  while (fsm__fact_next(&rest, &leaf)) {
    fsm_code code = leave(c, leaf, false, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

/* ---- events --------------------------------------------------------------------------------------- */

/* Is it the event of its record, and counted here? */
static bool is_event(const fsm__record_facts *facts) {
  if (facts->trigger.len == 0 || facts->cause == FSM_CAUSE_ALWAYS) return false;
  switch (facts->kind) {
    case FSM_RECORD_TRANSITION:
    case FSM_RECORD_CONTEXT:
    case FSM_RECORD_REJECTED:
    case FSM_RECORD_INCIDENT_OPENED: return true;
    default: return false;
  }
}

static void count_event(const counting *c) {
  const fsm__record_facts *facts = c->facts;
  fsm__tally *t = c->tally;
  const bool refused = facts->kind == FSM_RECORD_REJECTED;
  if (!refused && !is_event(facts)) return;
  const unsigned event = fsm__words_of(&t->events, c->machine, facts->trigger);
  if (event == 0) t->cut = true;
  if (is_event(facts)) t->event[event].outcomes[facts->outcome] += facts->sum;
  if (!refused) return;
  const unsigned refusal = event != 0 ? fsm__words_of(&t->refusals, event, facts->reason) : 0;
  if (refusal == 0) t->cut = true;
  t->refusal[refusal] += facts->sum;
}

static void count_interval(const counting *c) {
  const fsm__record_facts *facts = c->facts;
  const fsm__tally *t = c->tally;
  if (t->intervals == NULL || facts->time_ns < t->first_ns) return;
  const int64_t place = (facts->time_ns - t->first_ns) / t->interval_ns;
  if (place >= t->interval_count) return;
  fsm__tally_interval *in = &t->intervals[place];
  in->records++;
  in->created += facts->kind == FSM_RECORD_CREATED;
  in->events += facts->outcome == FSM_TAKEN && is_event(facts);
  in->refused += facts->kind == FSM_RECORD_REJECTED ? facts->sum : 0;
  in->incidents += facts->kind == FSM_RECORD_INCIDENT_OPENED;
  in->completed += facts->kind == FSM_RECORD_COMPLETED;
  in->cancelled += facts->kind == FSM_RECORD_CANCELLED;
}

fsm_code fsm__tally_add(fsm__tally *t, fsm__journal_cursor *looker, uint64_t first_seq,
                        const fsm__record_facts *facts, fsm_error *err) {
  if (t->machine != NULL && !fsm__fact_same(facts->mach, fsm__text_of(t->machine))) return FSM_OK;
  counting c = {t, facts, looker, first_seq, fsm__words_of(&t->machines, 0, facts->mach)};
  if (c.machine == 0) t->cut = true;
  t->records++;
  t->kinds[c.machine][facts->kind]++;
  count_event(&c);
  count_interval(&c);
  if (facts->kind == FSM_RECORD_REJECTED) return FSM_OK;
  if (facts->kind == FSM_RECORD_CANCELLED) return end_all(&c, err);
  return facts->since.count > 0 ? move(&c, err) : FSM_OK;
}

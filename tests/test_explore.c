/* The exploration of a machine against the engine itself: small random charts are run through every event and
 * every outcome of their guards. What the engine did, the exploration must have found; and of charts in which
 * no data decides and nothing happens side by side, it must have found nothing else.
 * FSM_EXPLORE_CHARTS: how many. */
#include "fsm/explore.h"

#include <stdio.h>

#include "tests/chart.h"

enum { STATES_MAX = 9, SEEN_MAX = 4000, CHARTS = 1500 };

/* ---- random charts --------------------------------------------------------------------------------- */

static uint64_t seed;
static unsigned below(unsigned n) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (unsigned)(seed % n);
}

typedef struct sample {
  fsm_arena arena;
  fsm_def def;
  fsm_machine *machine;
  unsigned count;
  bool plain; /* nothing is decided by data or happens side by side */
  bool with_guards, with_parallel, with_history, with_raise, with_always;
  char paths[STATES_MAX][64];
  fsm_def_state *states[STATES_MAX];
} sample;

static fsm_def_state *make_state(sample *c, const char *parent, unsigned depth) {
  fsm_def_state *s = fsm_arena_zalloc(&c->arena, 1, sizeof *s);
  const unsigned number = c->count++;
  const char *name = number == 0 ? "m" : fsm_arena_printf(&c->arena, "s%u", number);
  snprintf(c->paths[number], sizeof c->paths[number], "%s%s%s", parent, *parent ? "." : "",
           number == 0 ? "" : name);
  c->states[number] = s;
  *s = (fsm_def_state){.name = name, .kind = FSM_ATOMIC, .where = name};
  const bool inner = number == 0 || (depth < 3 && below(3) == 0 && c->count + 2 < STATES_MAX);
  if (!inner) {
    if (below(6) == 0) s->kind = FSM_FINAL;
    return s;
  }
  s->kind = number > 0 && c->with_parallel && below(2) ? FSM_PARALLEL : FSM_COMPOUND;
  const unsigned want = 2 + below(number == 0 ? 3 : 2);
  const fsm_def_state **children = fsm_arena_zalloc(&c->arena, want + 1, sizeof *children);
  for (unsigned i = 0; i < want && c->count < STATES_MAX; i++) {
    fsm_def_state *child = make_state(c, c->paths[number], depth + 1);
    if (s->kind == FSM_PARALLEL && child->kind == FSM_FINAL) child->kind = FSM_ATOMIC;
    children[s->child_count++] = child;
  }
  if (c->with_history && number > 0 && c->count < STATES_MAX && below(2)) {
    fsm_def_state *child = make_state(c, c->paths[number], 9);
    *child =
        (fsm_def_state){.name = child->name, .kind = FSM_HISTORY, .deep = below(2), .where = child->name};
    children[s->child_count++] = child;
  }
  s->children = children;
  return s;
}

static void add_transitions(sample *c, unsigned number) {
  fsm_def_state *s = c->states[number];
  static const char *const events[] = {"A", "B", "C", "A.*", "*", "R"};
  if (s->kind == FSM_FINAL || s->kind == FSM_HISTORY) return;
  const unsigned count = below(4);
  fsm_def_transition *list = fsm_arena_zalloc(&c->arena, 5, sizeof *list);
  for (unsigned i = 0; i < count; i++) {
    const char **event = fsm_arena_zalloc(&c->arena, 1, sizeof *event),
               **target = fsm_arena_zalloc(&c->arena, 1, sizeof *target);
    fsm_def_transition *t = &list[s->transition_count++];
    *event = events[below(6)];
    if (c->plain && c->with_always && **event == '*') *event = "B"; /* it would take what is told of an end */
    t->events = event;
    t->event_count = below(8) != 0 || !c->with_always;
    t->where = s->name;
    if (c->with_guards && below(2))
      t->guard = below(2) ? "has(event.g) && event.g" : "has(event.h) && !event.h";
    const unsigned to = 1 + below(c->count - 1);
    *target = c->paths[to];
    t->targets = target;
    t->target_count = below(6) != 0 || t->event_count == 0;
    t->internal = below(2);
    if (c->with_raise && below(3) == 0) {
      fsm_def_action *raise = fsm_arena_zalloc(&c->arena, 1, sizeof *raise);
      *raise = (fsm_def_action){.kind = FSM_ACTION_RAISE, .event = "R", .where = s->name};
      t->actions = raise;
      t->action_count = 1;
    }
  }
  /* What is told of an end that an eventless transition has left is not followed exactly. */
  if (s->kind != FSM_ATOMIC && number > 0 && below(2) && !(c->plain && c->with_always)) {
    const char **event = fsm_arena_zalloc(&c->arena, 1, sizeof *event),
               **target = fsm_arena_zalloc(&c->arena, 1, sizeof *target);
    *event = fsm_arena_printf(&c->arena, "%sdone.state.%s", c->def.dialect == FSM_XSTATE ? "xstate." : "",
                              c->paths[number]);
    *target = c->paths[1 + below(c->count - 1)];
    list[s->transition_count++] = (fsm_def_transition){.events = event,
                                                       .event_count = 1,
                                                       .targets = target,
                                                       .target_count = 1,
                                                       .internal = true,
                                                       .where = s->name};
  }
  s->transitions = list;
}

/* Some cannot be compiled (a target inside of a parallel state's region twice, a root that is left): those
 * are left out. */
static bool make_chart(sample *c, uint64_t number) {
  *c = (sample){.with_guards = false};
  seed = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (int i = 0; i < 8; i++) below(2);
  fsm_arena_init(&c->arena, 0);
  c->plain = below(3) == 0;
  c->with_always = !c->plain || below(2);
  if (!c->plain) {
    c->with_guards = below(2);
    c->with_parallel = below(2);
    c->with_history = below(3) == 0;
    c->with_raise = below(3) == 0;
  }
  c->def.dialect = below(2) ? FSM_XSTATE : FSM_SCXML;
  c->def.root = make_state(c, "", 0);
  for (unsigned i = 0; i < c->count; i++) add_transitions(c, i);
  if (c->def.dialect == FSM_SCXML) /* its loader sets this only where it means something */
    for (unsigned i = 0; i < c->count; i++)
      for (size_t j = 0; j < c->states[i]->transition_count; j++)
        ((fsm_def_transition *)c->states[i]->transitions)[j].internal = false;
  fsm_error err;
  return fsm_machine_compile(&c->def, &c->machine, &err) == FSM_OK;
}

static void free_chart(sample *c) {
  fsm_machine_free(c->machine);
  fsm_arena_free(&c->arena);
}

/* For whoever looks at a chart that failed: FSM_EXPLORE_SHOW=NUMBER. */
static void show(const sample *c) {
  static const char *const kinds[] = {"atomic", "compound", "parallel", "final", "history"};
  for (unsigned i = 0; i < c->count; i++) {
    const fsm_def_state *s = c->states[i];
    print_message("%u %s (%s)\n", i, c->paths[i], kinds[s->kind]);
    for (size_t j = 0; j < s->transition_count; j++) {
      const fsm_def_transition *t = &s->transitions[j];
      print_message("    %s [%s] -> %s%s%s\n", t->event_count > 0 ? t->events[0] : "always",
                    t->guard != NULL ? t->guard : "", t->target_count > 0 ? t->targets[0] : "",
                    t->internal ? " internal" : "", t->action_count > 0 ? " raises R" : "");
    }
  }
}

/* ---- the engine, through everything ---------------------------------------------------------------- */

typedef struct seen {
  fsm_arena arena;
  fsm_snapshot *at;
  unsigned count, cap;
  bool entered[STATES_MAX], taken[64];
  bool looped, full;
  bool *moves; /* per snapshot: an event leads elsewhere */
  unsigned (*next)[32];
  unsigned *next_count;
} seen;

static bool same_place(const fsm_snapshot *a, const fsm_snapshot *b) {
  return a->config[0] == b->config[0] && a->done == b->done && fsm_value_same(&a->history, &b->history);
}

static unsigned keep(seen *s, const fsm_snapshot *snapshot) {
  for (unsigned i = 0; i < s->count; i++)
    if (same_place(&s->at[i], snapshot)) return i;
  assert_true(s->count < SEEN_MAX);
  uint64_t *config = fsm_arena_zalloc(&s->arena, 1, sizeof *config);
  *config = snapshot->config[0];
  fsm_snapshot *kept = &s->at[s->count];
  *kept = (fsm_snapshot){.config = config, .context = fsm_map_empty(), .done = snapshot->done};
  assert_int_equal(fsm_value_copy(&s->arena, &snapshot->history, &kept->history, NULL), FSM_OK);
  return s->count++;
}

static void note(seen *s, const fsm_step_result *result) {
  for (unsigned i = 0; i < result->microstep_count; i++) {
    const fsm_microstep *micro = &result->microsteps[i];
    for (unsigned j = 0; j < micro->entered_count; j++) s->entered[micro->entered[j]] = true;
    for (unsigned j = 0; j < micro->transition_count; j++) s->taken[micro->transitions[j]] = true;
  }
}

static void try_events(sample *c, seen *s, unsigned from) {
  static const char *const events[] = {"A", "B", "C", "A.x", "Z", "R"};
  for (unsigned i = 0; i < sizeof events / sizeof *events; i++)
    for (unsigned bits = 0; bits < (c->with_guards ? 4u : 1u); bits++) {
      fsm_arena arena;
      fsm_arena_init(&arena, 0);
      fsm_pair pairs[] = {{fsm_string("g"), fsm_bool(bits & 1)}, {fsm_string("h"), fsm_bool(bits & 2)}};
      fsm_event event = {.name = events[i], .cause = FSM_CAUSE_EXTERNAL};
      assert_int_equal(fsm_map(pairs, 2, &event.data, NULL), FSM_OK);
      fsm_step_result result;
      assert_int_equal(fsm_step(c->machine, &s->at[from], &event, &nobody, &arena, &result, NULL), FSM_OK);
      if (result.outcome == FSM_ELOOP) s->looped = true;
      if (result.outcome == FSM_OK) {
        note(s, &result);
        const unsigned to = keep(s, &result.next);
        if (result.microstep_count > 0) s->moves[from] = true;
        s->next[from][s->next_count[from]++] = to;
      }
      fsm_arena_free(&arena);
    }
}

static void run_through(sample *c, seen *s) {
  fsm_arena arena;
  fsm_step_result result;
  fsm_arena_init(&s->arena, 0);
  fsm_arena_init(&arena, 0);
  s->at = fsm_arena_zalloc(&s->arena, SEEN_MAX, sizeof *s->at);
  s->moves = fsm_arena_zalloc(&s->arena, SEEN_MAX, sizeof *s->moves);
  s->next = fsm_arena_zalloc(&s->arena, SEEN_MAX, sizeof *s->next);
  s->next_count = fsm_arena_zalloc(&s->arena, SEEN_MAX, sizeof *s->next_count);
  assert_int_equal(fsm_start(c->machine, NULL, &nobody, &arena, &result, NULL), FSM_OK);
  if (result.outcome != FSM_OK)
    s->looped = true;
  else {
    note(s, &result);
    keep(s, &result.next);
  }
  for (unsigned i = 0; i < s->count; i++)
    if (!s->at[i].done) try_events(c, s, i);
  fsm_arena_free(&arena);
}

/* ---- both held against each other ------------------------------------------------------------------- */

static const fsm_explore_node *find_node(const fsm_exploration *e, const fsm_snapshot *at) {
  for (size_t i = 0; i < e->node_count; i++)
    if (e->nodes[i].config[0] == at->config[0] && e->nodes[i].done == at->done &&
        fsm_value_same(&e->nodes[i].history, &at->history))
      return &e->nodes[i];
  return NULL;
}

/* Per node or snapshot: can it come to an end? */
static void spread_ends(bool *ends, size_t count, bool (*next)(const void *arg, size_t i, const bool *ends),
                        const void *arg) {
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < count; i++)
      if (!ends[i] && next(arg, i, ends)) ends[i] = more = true;
  }
}

static bool node_next(const void *arg, size_t i, const bool *ends) {
  const fsm_exploration *e = arg;
  for (uint32_t j = 0; j < e->nodes[i].move_count; j++)
    if (ends[e->moves[e->nodes[i].first_move + j].to]) return true;
  return false;
}

static bool seen_next(const void *arg, size_t i, const bool *ends) {
  const seen *s = arg;
  for (unsigned j = 0; j < s->next_count[i]; j++)
    if (ends[s->next[i][j]]) return true;
  return false;
}

static void compare_ends(sample *c, const seen *s, const fsm_exploration *e, uint64_t number) {
  bool *by_engine = fsm_arena_zalloc(&c->arena, s->count + 1, 1);
  bool *found = fsm_arena_zalloc(&c->arena, e->node_count + 1, 1);
  for (unsigned i = 0; i < s->count; i++) by_engine[i] = s->at[i].done;
  for (size_t i = 0; i < e->node_count; i++) found[i] = e->nodes[i].done;
  spread_ends(by_engine, s->count, seen_next, s);
  spread_ends(found, e->node_count, node_next, e);
  for (unsigned i = 0; i < s->count; i++) {
    const fsm_explore_node *node = find_node(e, &s->at[i]);
    if (node == NULL) {
      fail_msg("chart %" PRIu64 ": a configuration was not found", number);
      return;
    }
    if (!node->waits && !node->done)
      fail_msg("chart %" PRIu64 ": the engine stands where nothing waits", number);
    if (s->moves[i] && node->move_count == 0) fail_msg("chart %" PRIu64 ": no dead end", number);
    if (by_engine[i] && !found[node - e->nodes]) fail_msg("chart %" PRIu64 ": it can end", number);
    if (c->plain && !s->looped && !s->moves[i] && !node->done && node->move_count > 0)
      fail_msg("chart %" PRIu64 ": a dead end was not found", number);
    if (c->plain && !s->looped && !by_engine[i] && found[node - e->nodes])
      fail_msg("chart %" PRIu64 ": it cannot end", number);
  }
}

typedef struct tally {
  unsigned charts, plain, states, transitions, dead;
} tally;

static void compare(sample *c, uint64_t number, tally *sum) {
  seen s = {.count = 0};
  fsm_exploration e;
  run_through(c, &s);
  assert_int_equal(fsm_explore(&c->arena, &c->def, c->machine, NULL, &e, NULL), FSM_OK);
  assert_true(e.complete);
  const bool exact = c->plain && !s.looped;
  sum->charts++;
  sum->plain += exact;
  for (unsigned i = 0; i < fsm_machine_states(c->machine); i++) {
    if (s.entered[i] && !e.active[i])
      fail_msg("chart %" PRIu64 ": state %s is reached", number, fsm_state_path(c->machine, i));
    if (exact && e.active[i] && !s.entered[i])
      fail_msg("chart %" PRIu64 ": state %s is never reached", number, fsm_state_path(c->machine, i));
    sum->states += !e.active[i];
  }
  for (unsigned i = 0; i < fsm_machine_transitions(c->machine); i++) {
    if (s.taken[i] && !e.taken[i]) fail_msg("chart %" PRIu64 ": transition %u is taken", number, i);
    if (exact && e.taken[i] && !s.taken[i])
      fail_msg("chart %" PRIu64 ": transition %u is never taken", number, i);
    sum->transitions += !e.taken[i];
  }
  compare_ends(c, &s, &e, number);
  fsm_arena_free(&s.arena);
}

/* Further out, and each of them has found a mistake once. */
static const uint64_t apart[] = {5356};

static void try_chart(uint64_t number, tally *sum) {
  sample c;
  if (make_chart(&c, number)) {
    if (getenv("FSM_EXPLORE_SHOW") != NULL && strtoull(getenv("FSM_EXPLORE_SHOW"), NULL, 10) == number)
      show(&c);
    compare(&c, number, sum);
    free_chart(&c);
  } else
    fsm_arena_free(&c.arena);
}

static void random_charts_explored_as_the_engine_runs_them(void **arg) {
  (void)arg;
  const char *wanted = getenv("FSM_EXPLORE_CHARTS");
  const uint64_t count = wanted != NULL ? strtoull(wanted, NULL, 10) : CHARTS;
  tally sum = {0};
  for (uint64_t i = 1; i <= count; i++) try_chart(i, &sum);
  for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) try_chart(apart[i], &sum);
  print_message("%u charts, %u exact; unreachable: %u states, %u transitions\n", sum.charts, sum.plain,
                sum.states, sum.transitions);
  assert_true(sum.charts > count / 2 && sum.plain > count / 10 && sum.states > 0 && sum.transitions > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_charts_explored_as_the_engine_runs_them)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* explore.c: the walk: breadth first from the initial configuration, each microstep made by the engine. */
#include "fsm/explore.h"

#include <string.h>

#include "fsm/explore_impl.h"

enum { TABLE_BITS = 14, SCRATCH_BYTES_MAX = 64 * 1024 * 1024 };
_Static_assert((1 << TABLE_BITS) > 2 * FSM_EXPLORE_CONFIGS_MAX, "the table is never more than half full");

static const fsm_world nobody = {.inside = true};

void fsm__explore_no_memory(fsm__explorer *x) {
  if (x->fault != FSM_OK) return;
  x->fault = x->arena->over || x->scratch.over ? FSM_ETOOLARGE : FSM_ENOMEM;
}

/* ---- nodes --------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t part) {
  hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ (hash >> 29);
}

static uint64_t hash_value(uint64_t hash, const fsm_value *value) {
  hash = mix(hash, value->type);
  if (value->type == FSM_STRING)
    for (uint32_t i = 0; i < value->len; i++) hash = mix(hash, (unsigned char)value->s[i]);
  if (value->type == FSM_LIST)
    for (uint32_t i = 0; i < value->len; i++) hash = hash_value(hash, &value->items[i]);
  if (value->type == FSM_MAP)
    for (uint32_t i = 0; i < value->len; i++)
      hash = hash_value(hash_value(hash, &value->pairs[i].key), &value->pairs[i].value);
  return hash;
}

/* The bytes that the number's place in a list of nodes may hold; NULL without memory. */
static void *grow(fsm__explorer *x, void *items, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return items;
  const size_t more = *cap == 0 ? 64 : 2 * *cap;
  void *out = fsm_arena_alloc(x->arena, more * size);
  if (out == NULL) {
    fsm__explore_no_memory(x);
    return NULL;
  }
  if (count > 0) memcpy(out, items, count * size);
  *cap = more;
  return out;
}

static bool add_node(fsm__explorer *x, const fsm__run *run) {
  const unsigned words = x->machine->words;
  fsm_explore_node *nodes = grow(x, x->nodes, x->out->node_count, &x->node_cap, sizeof *nodes);
  uint64_t *config = fsm_arena_alloc(x->arena, words * sizeof *config);
  if (nodes == NULL || config == NULL) {
    fsm__explore_no_memory(x);
    return false;
  }
  x->nodes = nodes;
  fsm_explore_node *node = &nodes[x->out->node_count];
  *node = (fsm_explore_node){.config = config, .done = run->done};
  fsm__bits_copy(config, run->config, words);
  if (fsm_value_copy(x->arena, &run->history, &node->history, NULL) != FSM_OK) {
    fsm__explore_no_memory(x);
    return false;
  }
  for (unsigned i = 0; i < x->machine->state_count; i++)
    if (fsm_config_has(config, i)) x->active[i] = true;
  return true;
}

/* The node where the run stands; -1 when there is no room. */
static long node_of(fsm__explorer *x, const fsm__run *run) {
  const unsigned words = x->machine->words;
  uint64_t hash = hash_value(run->done, &run->history);
  for (unsigned i = 0; i < words; i++) hash = mix(hash, run->config[i]);
  size_t at = (size_t)(hash >> (64 - TABLE_BITS));
  for (; x->table[at] != 0; at = (at + 1) % ((size_t)1 << TABLE_BITS)) {
    const fsm_explore_node *node = &x->nodes[x->table[at] - 1];
    if (node->done == run->done && memcmp(node->config, run->config, words * sizeof *run->config) == 0 &&
        fsm_value_same(&node->history, &run->history))
      return (long)x->table[at] - 1;
  }
  if (x->out->node_count == FSM_EXPLORE_CONFIGS_MAX) {
    x->out->complete = false;
    return -1;
  }
  if (!add_node(x, run)) return -1;
  x->table[at] = (uint32_t)++x->out->node_count;
  return (long)x->table[at] - 1;
}

/* ---- moves --------------------------------------------------------------------------------------- */

typedef struct turn {
  size_t node;
  int event;
  fsm_arena *arena; /* of the run */
  bool moves;       /* each set leads to another configuration */
  bool leaves_done; /* each set leaves the state whose done event it is */
} turn;

/* Is the dropped one not taken because of its place alone, and not because an inner one goes first? */
static void note_conflicts(fsm__explorer *x, const fsm__run *run, int event, const uint16_t *picked,
                           unsigned count) {
  const fsm_machine *m = x->machine;
  for (unsigned i = 0; i < count && run->enabled_count < count; i++) {
    const unsigned dropped = m->transitions[picked[i]].source;
    bool kept = false;
    for (unsigned j = 0; j < run->enabled_count; j++) kept |= run->enabled[j] == picked[i];
    for (unsigned j = 0; j < run->enabled_count && !kept; j++) {
      const unsigned source = m->transitions[run->enabled[j]].source;
      if (source == dropped || fsm__is_descendant(m, source, dropped) ||
          fsm__is_descendant(m, dropped, source))
        continue;
      fsm_explore_conflict one = {run->enabled[j], picked[i], event};
      bool known = x->out->conflict_count == FSM_EXPLORE_CONFLICTS_MAX;
      for (size_t k = 0; k < x->out->conflict_count && !known; k++)
        known = x->conflicts[k].taken == one.taken && x->conflicts[k].dropped == one.dropped;
      if (!known) x->conflicts[x->out->conflict_count++] = one;
    }
  }
}

/* "a.~" does what "a" has done in the same place. */
static bool is_told(const fsm__explorer *x, const turn *t, const fsm_microstep *micro, long to) {
  const fsm_explore_node *node = &x->nodes[t->node];
  const char *name = t->event < 0 ? "" : x->events[t->event].name;
  const size_t len = strlen(name);
  if (len < 2 || name[len - 1] != '~') return false;
  for (uint32_t i = 0; i < node->move_count; i++) {
    const fsm_explore_move *move = &x->moves[node->first_move + i];
    if (move->to == (uint32_t)to && move->event >= 0 && move->count == micro->transition_count &&
        memcmp(move->transitions, micro->transitions, move->count * sizeof *move->transitions) == 0 &&
        strncmp(x->events[move->event].name, name, len - 2) == 0)
      return true;
  }
  return false;
}

static void add_move(fsm__explorer *x, const turn *t, const fsm__run *run, long to, bool certain) {
  const fsm_microstep *micro = &run->microsteps[run->microstep_count - 1];
  if (is_told(x, t, micro, to)) return;
  fsm_explore_move *moves = grow(x, x->moves, x->out->move_count, &x->move_cap, sizeof *moves);
  if (moves == NULL) return;
  x->moves = moves;
  uint16_t *transitions = fsm_arena_alloc(x->arena, micro->transition_count * sizeof *transitions);
  if (transitions == NULL) {
    fsm__explore_no_memory(x);
    return;
  }
  memcpy(transitions, micro->transitions, micro->transition_count * sizeof *transitions);
  moves[x->out->move_count++] = (fsm_explore_move){.from = (uint32_t)t->node,
                                                   .to = (uint32_t)to,
                                                   .event = t->event,
                                                   .certain = certain,
                                                   .count = (uint16_t)micro->transition_count,
                                                   .transitions = transitions};
  x->nodes[t->node].move_count++;
}

static bool left_done(const fsm__explorer *x, const fsm__run *run, int event) {
  const fsm_microstep *micro = &run->microsteps[run->microstep_count - 1];
  const unsigned state = x->events[event].state;
  for (unsigned i = 0; i < micro->exited_count; i++)
    if (fsm__is_descendant(x->machine, micro->exited[i], state)) return true;
  return false;
}

static void take(fsm__explorer *x, void *arg, const uint16_t *picked, unsigned count, bool certain) {
  turn *t = arg;
  if (x->fault != FSM_OK || !x->out->complete) return;
  const fsm_explore_node *node = &x->nodes[t->node];
  const fsm_snapshot before = {
      .config = node->config, .context = fsm_map_empty(), .history = node->history, .done = false};
  const fsm_value none = fsm_null();
  fsm__run run;
  fsm_arena_reset(t->arena);
  x->fault = fsm__run_init(&run, x->machine, &before, &nobody, t->arena, x->err);
  if (x->fault != FSM_OK) return;
  fsm__select_these(&run, picked, count);
  if (run.fault == FSM_OK) note_conflicts(x, &run, t->event, picked, count);
  if (run.fault == FSM_OK)
    fsm__microstep(&run, t->event < 0 ? "" : x->events[t->event].name, FSM_CAUSE_RAISED, &none);
  if (run.fault != FSM_OK) {
    x->fault = run.fault;
    return;
  }
  if (x->out->move_count == FSM_EXPLORE_MOVES_MAX) {
    x->out->complete = false;
    return;
  }
  const fsm_microstep *micro = &run.microsteps[0];
  for (unsigned i = 0; i < micro->transition_count; i++) x->taken[micro->transitions[i]] = true;
  const long to = node_of(x, &run);
  if (to < 0) return;
  if ((size_t)to == t->node) t->moves = false;
  if (t->event >= 0 && x->events[t->event].origin == FSM_ORIGIN_DONE && !left_done(x, &run, t->event))
    t->leaves_done = false;
  add_move(x, t, &run, to, certain);
}

/* ---- the walk ------------------------------------------------------------------------------------ */

/* One event, or none; true = what it does is sure to be done before anything else comes. */
static bool try_event(fsm__explorer *x, turn *t, int event) {
  bool nothing;
  t->event = event;
  t->moves = t->leaves_done = true;
  if (!fsm__explore_choose(x, &x->nodes[t->node], event, take, t, &nothing)) x->out->complete = false;
  if (nothing || x->fault != FSM_OK || !x->out->complete) return false;
  if (event < 0) return t->moves;
  return x->own[event] && t->leaves_done &&
         fsm__explore_is_done(x->machine, x->nodes[t->node].config, x->events[event].state);
}

/* What happens before a done event may leave the state that it tells of. true = that is news. */
static bool note_late(fsm__explorer *x, const fsm_explore_node *node) {
  bool news = false;
  for (uint32_t i = 0; i < node->move_count; i++) {
    const fsm_explore_move *move = &x->moves[node->first_move + i];
    if (move->event >= 0 && x->events[move->event].origin != FSM_ORIGIN_INSIDE &&
        x->events[move->event].origin != FSM_ORIGIN_DONE)
      continue;
    for (size_t j = 0; j < x->out->event_count; j++) {
      if (x->events[j].origin != FSM_ORIGIN_DONE || x->late[j] || move->event == (int)j) continue;
      if (!fsm__explore_is_done(x->machine, node->config, x->events[j].state)) continue;
      if (fsm__explore_is_done(x->machine, x->nodes[move->to].config, x->events[j].state)) continue;
      x->late[j] = news = true;
    }
  }
  return news;
}

static void visit(fsm__explorer *x, turn *t, size_t node) {
  bool first = false; /* what comes from inside goes before the rest */
  t->node = node;
  x->nodes[node].first_move = (uint32_t)x->out->move_count;
  if (x->nodes[node].done || try_event(x, t, -1)) return;
  for (int pass = 0; pass < 2 && !(pass == 1 && first); pass++)
    for (size_t i = 0; i < x->out->event_count && x->fault == FSM_OK && x->out->complete; i++) {
      const fsm_explore_origin origin = x->events[i].origin;
      const bool inside = origin == FSM_ORIGIN_DONE || origin == FSM_ORIGIN_INSIDE;
      if (inside == (pass == 0) && fsm__explore_comes(x, &x->nodes[node], (int)i))
        first |= try_event(x, t, (int)i);
    }
  x->nodes[node].waits = !first;
}

static void forget(fsm__explorer *x) {
  const fsm_machine *m = x->machine;
  memset(x->table, 0, ((size_t)1 << TABLE_BITS) * sizeof *x->table);
  memset(x->active, 0, m->state_count * sizeof *x->active);
  memset(x->taken, 0, (m->transition_count + 1) * sizeof *x->taken);
  x->out->node_count = x->out->move_count = x->out->conflict_count = 0;
}

/* Again from the beginning when a done event turns out to come later than was thought: at most once for each.
 */
static bool walk(fsm__explorer *x) {
  fsm__run run;
  bool again = false;
  fsm_arena arena;
  const fsm_value none = fsm_null();
  fsm_arena_init(&arena, SCRATCH_BYTES_MAX);
  x->fault = fsm__run_init(&run, x->machine, NULL, &nobody, &arena, x->err);
  if (x->fault == FSM_OK) fsm__enter_initial(&run, &none);
  if (x->fault == FSM_OK) x->fault = run.fault;
  if (x->fault == FSM_OK) node_of(x, &run);
  turn t = {.arena = &arena};
  for (size_t i = 0; i < x->out->node_count && x->fault == FSM_OK && x->out->complete; i++) {
    visit(x, &t, i);
    again |= note_late(x, &x->nodes[i]);
  }
  fsm_arena_free(&arena);
  return again && x->fault == FSM_OK && x->out->complete;
}

static const uint8_t *guesses_of(fsm__explorer *x, const fsm_machine *full) {
  uint8_t *guesses = fsm_arena_zalloc(x->arena, full->transition_count + 1, sizeof *guesses);
  for (unsigned i = 0; guesses != NULL && i < full->transition_count; i++) {
    const fsm__transition *t = &full->transitions[i];
    bool asks = t->allow != NULL;
    for (unsigned up = t->source; !asks; up = full->states[up].parent) {
      asks = full->states[up].allow != NULL;
      if (up == 0) break;
    }
    guesses[i] = t->guard != NULL || asks ? FSM_GUESS_MAYBE : FSM_GUESS_ALWAYS;
  }
  return guesses;
}

static fsm_code prepare(fsm__explorer *x, const fsm_def *def, const fsm_machine *full,
                        const uint8_t *guesses) {
  x->guesses = guesses != NULL ? guesses : guesses_of(x, full);
  x->active = fsm_arena_zalloc(x->arena, full->state_count, sizeof *x->active);
  x->taken = fsm_arena_zalloc(x->arena, full->transition_count + 1, sizeof *x->taken);
  x->table = fsm_arena_zalloc(x->arena, (size_t)1 << TABLE_BITS, sizeof *x->table);
  x->conflicts = fsm_arena_zalloc(x->arena, FSM_EXPLORE_CONFLICTS_MAX, sizeof *x->conflicts);
  if (x->guesses == NULL || x->active == NULL || x->taken == NULL || x->table == NULL || x->conflicts == NULL)
    fsm__explore_no_memory(x);
  if (x->fault == FSM_OK) fsm__explore_events(x, def, full);
  return x->fault;
}

fsm_code fsm_explore(fsm_arena *arena, const fsm_def *def, const fsm_machine *machine, const uint8_t *guesses,
                     fsm_exploration *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && def != NULL && machine != NULL && out != NULL);
  fsm_def bare;
  fsm_machine *stripped = NULL;
  fsm_code code = fsm__skeleton(arena, def, &bare, err);
  if (code == FSM_OK) code = fsm_machine_compile(&bare, &stripped, err);
  if (code != FSM_OK) return code;
  FSM_ASSERT(stripped->state_count == machine->state_count &&
             stripped->transition_count == machine->transition_count);
  *out = (fsm_exploration){.complete = true};
  fsm__explorer x = {.arena = arena, .machine = stripped, .out = out, .err = err};
  fsm_arena_init(&x.scratch, SCRATCH_BYTES_MAX);
  if (prepare(&x, def, machine, guesses) == FSM_OK)
    while (walk(&x)) forget(&x);
  fsm_arena_free(&x.scratch);
  fsm_machine_free(stripped);
  out->nodes = x.nodes;
  out->moves = x.moves;
  out->events = x.events;
  out->conflicts = x.conflicts;
  out->active = x.active;
  out->taken = x.taken;
  return x.fault == FSM_OK ? FSM_OK : fsm_fail(err, x.fault, "", "no memory to explore the machine");
}

bool fsm_transition_names(const fsm_machine *machine, unsigned transition, const char *name) {
  FSM_ASSERT(transition < machine->transition_count);
  return fsm__transition_names(&machine->transitions[transition], name, strlen(name));
}
